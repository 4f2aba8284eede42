//! The bodies that peers send in blocks (RFC 7959 2.5), as far as they have come.
//!
//! What it guarantees: a slot takes 60 bytes with the head of its index; a body is found by its peer and by what its
//! requests have in common; with an index nothing grows with how many there are.
//!
//! Why it is built so: a transfer lives for the same time from its last block on, so that those under way hang in a
//! queue, oldest first, and so do those that are over, which give way to new ones.

use super::list::List;
use super::scale::{Lend, Scale};
use super::table::{Entry, Heads, Slot, Table, Untimed};
use super::{Held, Store, passed};
use crate::exchange::Handle;
use crate::wire::{Message, OptionNumber};
use core::marker::PhantomData;

/// A body that a peer sends in blocks. Of its bytes nothing is kept but a hash of the last ones.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// The hash of what the requests of one body have in common, in halves, so that it need not be aligned to eight bytes.
    /// It stands in the index by it.
    key: [u32; 2],
    pub(crate) peer: u32,
    /// How many bytes have come, without a gap.
    pub(crate) next: u32,
    /// When the last of them came, in ms modulo 2^32.
    since: u32,
    /// Of the last block: its bytes, as a hash ...
    pub(crate) hash: u32,
    /// ... the request that brought it ...
    pub(crate) request: Handle,
    /// ... its Block1, and the code of the answer above it, 0 before there is one.
    block: u32,
    pub(crate) stage: Stage,
}

/// Where a transfer stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Blocks are to come.
    #[default]
    Coming,
    /// The last one has come, or an error was the answer: remembered for who sends it again.
    Over,
    /// The peer was forgotten, which is to be told.
    Forgotten,
}

impl Transfer {
    pub(crate) const NONE: Transfer = Transfer {
        key: [0; 2],
        peer: 0,
        next: 0,
        since: 0,
        hash: 0,
        request: Handle { index: 0, generation: 0, brand: 0 },
        block: 0,
        stage: Stage::Coming,
    };

    const fn key(&self) -> u64 {
        let [low, high] = self.key;
        low as u64 | (high as u64) << 32
    }

    /// The Block1 of the last block.
    pub(crate) const fn block(&self) -> u32 {
        self.block & 0x00ff_ffff
    }

    /// The code that it was answered with; 0: it was not answered.
    pub(crate) const fn code(&self) -> u8 {
        (self.block >> 24) as u8
    }

    /// A block that is to be answered.
    pub(crate) const fn set_block(&mut self, value: u32) {
        self.block = value & 0x00ff_ffff;
    }

    pub(crate) const fn set_code(&mut self, code: u8) {
        self.block = self.block() | (code as u32) << 24;
    }

    /// How many ms are left to it.
    fn left(&self, now: u32, lifetime: u32) -> u32 {
        if self.stage == Stage::Forgotten { 0 } else { lifetime.saturating_sub(passed(now, self.since)) }
    }
}

impl Entry for Transfer {
    type Timing = Untimed;
}

impl<S: Store> Held<S> {
    /// What the requests of one body have in common (RFC 9175 3.3), as a hash: the peer, the method, and all options but
    /// Block1 and Block2, those that are no part of a cache key (RFC 7252 5.4.6), and If-None-Match, which stands on the
    /// first alone (RFC 7959 2.10).
    pub(crate) fn body_key(&self, peer: u32, request: &Message<'_>) -> u64 {
        let mut hash = self.body_hash(0, peer, &[request.code().to_byte()]);
        for (number, value) in request.options() {
            let apart = matches!(number, OptionNumber::BLOCK1 | OptionNumber::BLOCK2 | OptionNumber::IF_NONE_MATCH);
            if !apart && number.get() & 0x1e != 0x1c {
                hash = self.body_hash(hash, u32::from(number.get()), value);
            }
        }
        hash
    }

    /// The hash of bytes and a number, and of what was hashed before.
    ///
    /// Bodies are compared with others of the same peer alone, which can harm but itself by two that have one hash. So
    /// without an index FNV-1a will do, which is small; in an index nobody is to choose what collides.
    pub(crate) fn body_hash(&self, before: u64, number: u32, bytes: &[u8]) -> u64 {
        if S::INDEXED {
            return self.random.hash_bytes(before, number, bytes);
        }
        // Of 32 bits: more take a product of two words for each byte.
        const PRIME: u32 = 0x0100_0193;
        let start = (before as u32 ^ 0x811c_9dc5 ^ number).wrapping_mul(PRIME) ^ bytes.len() as u32;
        let hash = bytes.iter().fold(start, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(PRIME));
        u64::from(hash.wrapping_mul(PRIME))
    }
}

const LISTS: usize = 2;

const fn list_of(stage: Stage) -> usize {
    matches!(stage, Stage::Over) as usize
}

/// The transfers of an endpoint.
#[derive(Clone, Debug)]
pub struct Transfers<C, S, H> {
    pub(super) table: Table<Transfer, 1, S, H>,
    /// Those under way, and those that are over, oldest progress first. Where there is an index.
    lists: [List; LISTS],
    /// The slots below it are to be looked through for transfers of peers that were forgotten.
    pub(crate) sweep: u32,
    scale: PhantomData<C>,
}

impl<C, S, H> Transfers<C, S, H> {
    /// None, over slots that nobody has used, and heads that are zeros.
    pub(crate) const fn new(slots: S, heads: H) -> Self {
        Transfers { table: Table::new(slots, heads), lists: [List::EMPTY; LISTS], sweep: 0, scale: PhantomData }
    }
}

impl<C: Scale, S: Lend<Slot<Transfer, 1>>, H: Lend<Heads<1>>> Transfers<C, S, H> {
    pub(crate) fn len(&self) -> u32 {
        if C::INDEXED { self.table.len() } else { self.table.count(|_| true) }
    }

    /// No index at or above it is in use.
    pub(crate) fn high_water(&self) -> u32 {
        if C::INDEXED { self.table.high_water() } else { self.table.capacity() }
    }

    /// Whether one is of this peer. Where there is no index.
    pub(crate) fn refer_to(&self, peer: u32) -> bool {
        self.table.scan(|transfer| transfer.peer == peer).is_some()
    }

    pub(crate) fn at(&self, index: u32) -> Option<&Transfer> {
        self.table.at(index)
    }

    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut Transfer> {
        self.table.at_mut(index)
    }

    /// The generation of a slot.
    pub(crate) fn generation(&self, index: u32) -> u16 {
        self.table.generation(index)
    }

    /// The transfer of a peer that this key is of.
    pub(crate) fn find(&self, peer: u32, key: u64) -> Option<u32> {
        // Without an index it is one word.
        let same = |t: &Transfer| if C::INDEXED { t.key() == key } else { t.key() as u32 == key as u32 };
        let is_it = |t: &Transfer| same(t) && t.peer == peer && t.stage != Stage::Forgotten;
        if C::INDEXED { self.table.find(0, key, is_it) } else { self.table.scan(is_it) }
    }

    /// A slot that is free. With an index it is the one that [`insert`](Self::insert) takes in any case.
    pub(crate) fn vacancy(&self) -> Option<u32> {
        if C::INDEXED { (self.table.len() < self.table.capacity()).then_some(0) } else { self.table.vacancy() }
    }

    /// Takes a slot for a transfer: without an index, this one that is free.
    pub(crate) fn insert(&mut self, vacancy: u32, peer: u32, key: u64, now: u32) -> Option<u32> {
        let transfer = Transfer { peer, key: [key as u32, (key >> 32) as u32], ..Transfer::NONE };
        let index = if C::INDEXED {
            let index = self.table.insert(transfer)?.index();
            self.table.link(index, 0, key);
            index
        } else {
            // In place: what else there is to be known of it is set by who takes it in.
            let slot = self.table.occupy(vacancy)?;
            (slot.key, slot.peer) = (transfer.key, peer);
            vacancy
        };
        self.touch(index, Stage::Coming, now)?;
        Some(index)
    }

    /// A block has come: from now on it has its time again.
    pub(crate) fn touch(&mut self, index: u32, stage: Stage, now: u32) -> Option<&mut Transfer> {
        if C::INDEXED {
            self.unlist(index);
            if let Some(list) = self.lists.get_mut(list_of(stage)) {
                list.push_back(&mut self.table, index);
            }
        }
        let transfer = self.table.at_mut(index)?;
        transfer.since = now;
        transfer.stage = stage;
        Some(transfer)
    }

    /// Its peer is forgotten: it is the next to be told.
    pub(crate) fn forget(&mut self, index: u32) {
        self.unlist(index);
        if let Some(transfer) = self.table.at_mut(index) {
            transfer.stage = Stage::Forgotten;
        }
        if C::INDEXED {
            if let Some(list) = self.lists.first_mut() {
                list.push_front(&mut self.table, index);
            }
        }
    }

    /// Releases a slot.
    pub(crate) fn remove(&mut self, index: u32) -> Option<Transfer> {
        self.unlist(index);
        let &transfer = self.table.at(index)?;
        if !C::INDEXED {
            self.table.vacate(index);
            return Some(transfer);
        }
        self.table.unlink(index, 0, transfer.key());
        self.table.remove(index).then_some(transfer)
    }

    fn unlist(&mut self, index: u32) {
        if !C::INDEXED {
            return;
        }
        let Some(stage) = self.table.at(index).map(|transfer| transfer.stage) else { return };
        if let Some(list) = self.lists.get_mut(list_of(stage)) {
            list.remove(&mut self.table, index);
        }
    }

    /// The one whose time is over first, and how many ms are left to it; of those that are over, or of all. [`u32::MAX`] ms:
    /// there is none.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    pub(crate) fn oldest(&self, over: bool, now: u32, lifetime: u32) -> (u32, u32) {
        let mut oldest = (0, u32::MAX);
        let mut look = |index: u32| {
            let Some(transfer) = self.table.at(index).filter(|t| !over || t.stage == Stage::Over) else { return };
            let left = transfer.left(now, lifetime);
            if left < oldest.1 {
                oldest = (index, left);
            }
        };
        if C::INDEXED {
            self.lists.iter().filter_map(List::first).for_each(&mut look);
        } else {
            (0..self.table.capacity()).for_each(&mut look);
        }
        oldest
    }
}
