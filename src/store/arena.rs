//! Bytes of any length in memory that the caller lends: stored, read, changed in place, released.
//!
//! What it guarantees:
//!
//! - Zeros are an empty arena. What is not stored is not touched.
//! - As long as enough blocks are free, whichever they are, [`store`](Arena::store) succeeds: nothing fragments.
//!   Whether they are is known in constant time, and if not, nothing has changed.
//! - [`len`](Arena::len) takes constant time, the rest time that is proportional to the bytes. Every walk ends,
//!   whatever the links say: the length that was stored bounds it.
//!
//! Why it is built so: blocks of 32 bytes, each with a link to the next one, waste half a block on average and need no
//! search. The first block has the length and room for 26 bytes, enough for a short reply; the others have 28.
//! A link counts from the next block in memory, so that zeros link all blocks in order: a fresh arena is a free list
//! that nobody wrote, and what is taken from the free list is a chain already. With [`Scan`](super::Scan), for a few
//! messages, they lie one behind the other ([`pile`]), and it takes time that is proportional to all that is stored.

use super::pile;
use super::scale::{Lend, Scale};
use crate::copy::copy;
use crate::wire::SMALL;
use core::marker::PhantomData;
use core::ops::Range;

/// The size of a block in bytes.
pub(crate) const BLOCK: usize = 32;
/// At the start of a block: how many blocks behind the following one the next one is, modulo 2^32, little endian.
const LINK: usize = 4;
/// What is in a block beside the link.
const ROOM: usize = BLOCK - LINK;
/// Behind the link of the first block, the length. Never 0 while the chain is stored.
const HEAD: usize = 2;
/// How many bytes can be stored at once.
pub(crate) const MAX_LEN: usize = u16::MAX as usize;

/// Bytes in the arena, held by who stored them: the number of the first block + 1. All zeros is nothing: no block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(crate) struct Chain(pub(super) u32);

impl Chain {
    /// No bytes, no block.
    pub(crate) const NONE: Self = Self(0);

    /// Whether it is [`NONE`](Self::NONE).
    pub(crate) const fn is_none(self) -> bool {
        self.0 == 0
    }

    const fn first(self) -> usize {
        start(self.0.wrapping_sub(1))
    }
}

/// What an arena knows apart from its bytes. All zeros is an empty arena.
#[derive(Clone, Copy, Debug, Default)]
pub struct Root {
    /// The first free block, if one is free.
    free: u32,
    /// How many blocks are taken; where there are none, how many bytes.
    used: u32,
}

impl Root {
    /// The root of an empty arena.
    pub(crate) const EMPTY: Self = Self { free: 0, used: 0 };
}

/// Bytes, in whatever memory a store has, and what is known of them.
#[derive(Clone, Debug)]
pub struct Arena<C, B> {
    root: Root,
    bytes: B,
    scale: PhantomData<C>,
}

impl<C, B> Arena<C, B> {
    /// Nothing is stored; the bytes are zeros. A rest that is no block is left alone.
    pub(crate) const fn new(bytes: B) -> Self {
        Self { root: Root::EMPTY, bytes, scale: PhantomData }
    }
}

impl<C: Scale, B: Lend<u8>> Arena<C, B> {
    /// How many bytes there are.
    #[cfg(feature = "defmt")]
    pub(super) fn room(&self) -> usize {
        self.bytes.lent().len()
    }

    /// The bytes that are made use of.
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        if C::INDEXED { self.bytes.lent() } else { pile::nearest(self.bytes.lent()) }
    }

    /// The same, to change them; and the root.
    #[inline(always)]
    fn parts(&mut self) -> (&mut [u8], &mut Root) {
        let Arena { root, bytes, .. } = self;
        (if C::INDEXED { bytes.lend() } else { pile::nearest_mut(bytes.lend()) }, root)
    }

    /// How many blocks are taken, or would be, were there any.
    pub(crate) const fn used(&self) -> u32 {
        if C::INDEXED { self.root.used } else { self.root.used.div_ceil(BLOCK as u32) }
    }

    /// How many blocks there are.
    fn capacity(&self) -> u32 {
        let blocks = self.bytes().len() / BLOCK;
        if blocks < u32::MAX as usize { blocks as u32 } else { u32::MAX - 1 }
    }

    /// How many blocks are free.
    fn free(&self) -> u32 {
        self.capacity().wrapping_sub(self.root.used)
    }

    /// Whether so many bytes can be stored now.
    pub(crate) fn has_room(&self, len: usize) -> bool {
        if !C::INDEXED {
            return self.has_room_without(len, Chain::NONE);
        }
        len == 0 || len <= MAX_LEN && blocks(len) <= self.free()
    }

    /// Whether so many bytes can be stored once these are released.
    pub(crate) fn has_room_without(&self, len: usize, chain: Chain) -> bool {
        if !C::INDEXED {
            let used = (self.root.used as usize).wrapping_sub(chain.len());
            return len <= self.bytes().len().wrapping_sub(used);
        }
        let held = match self.len(chain) {
            0 => 0,
            held => blocks(held),
        };
        len == 0 || len <= MAX_LEN && blocks(len) <= self.free().saturating_add(held)
    }

    /// Whether so many bytes fit into an empty arena.
    pub(crate) fn could_hold(&self, len: usize) -> bool {
        if !C::INDEXED {
            return len <= self.bytes().len();
        }
        len <= MAX_LEN && blocks(len) <= self.capacity()
    }

    /// How many bytes were stored.
    pub(crate) fn len(&self, chain: Chain) -> usize {
        if !C::INDEXED {
            return chain.len();
        }
        (self.word(chain.first().wrapping_add(LINK)) & 0xffff) as usize
    }

    /// Keeps a copy of `data`; `None` if it does not fit now, and if it is longer than [`MAX_LEN`] never. Nothing has
    /// changed then. No bytes are [`Chain::NONE`].
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    pub(crate) fn store(&mut self, data: &[u8]) -> Option<Chain> {
        if !C::INDEXED {
            let (bytes, root) = self.parts();
            return pile::store(bytes, &mut root.used, data);
        }
        if !SMALL && !data.is_empty() && data.len() <= ROOM - HEAD {
            self.store_short(data)
        } else {
            self.store_any(data)
        }
    }

    /// As [`store`](Self::store), of any length.
    fn store_any(&mut self, data: &[u8]) -> Option<Chain> {
        if data.is_empty() {
            return Some(Chain::NONE);
        }
        if !self.has_room(data.len()) {
            return None;
        }
        let first = self.root.free;
        // The upper half is where the bytes begin.
        self.set_word(start(first).wrapping_add(LINK), data.len() as u32);
        self.root.free = self.write(first, HEAD, data);
        self.root.used = self.root.used.wrapping_add(blocks(data.len()));
        Some(Chain(first.wrapping_add(1)))
    }

    /// As [`store`](Self::store), of what one block takes: what most replies are. Not of nothing.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    fn store_short(&mut self, data: &[u8]) -> Option<Chain> {
        let first = self.root.free;
        // The free list ends behind the last block, where there is none.
        let [a, b, c, d, length, high, room @ ..] = self.block_mut(first)?;
        [*length, *high] = (data.len() as u16).to_le_bytes();
        copy(room, data);
        let next = u32::from_le_bytes([*a, *b, *c, *d]);
        self.root.free = first.wrapping_add(1).wrapping_add(next);
        self.root.used = self.root.used.wrapping_add(1);
        Some(Chain(first.wrapping_add(1)))
    }

    /// Copies all bytes to the start of `out` and says how many; `None` if `out` is too small.
    pub(crate) fn read(&self, chain: Chain, out: &mut [u8]) -> Option<usize> {
        if !C::INDEXED {
            copy(out.get_mut(..chain.len())?, pile::piece(self.bytes(), chain)?);
            return Some(chain.len());
        }
        let len = self.len(chain);
        let mut rest = out.get_mut(..len)?;
        let mut at = Place { block: chain.0.wrapping_sub(1), skip: HEAD };
        while !rest.is_empty() {
            let piece = self.bytes.lent().get(self.advance(&mut at))?;
            copy(rest, piece);
            rest = rest.get_mut(piece.len()..).unwrap_or_default();
        }
        Some(len)
    }

    /// Copies bytes from `offset` on, as many as there are and `out` takes.
    pub(crate) fn peek(&self, chain: Chain, offset: usize, out: &mut [u8]) {
        if !C::INDEXED {
            let piece = pile::piece(self.bytes(), chain).and_then(|piece| piece.get(offset..));
            return copy(out, piece.unwrap_or_default());
        }
        let most = self.len(chain).saturating_sub(offset).min(out.len());
        let mut rest = out.get_mut(..most).unwrap_or_default();
        let mut at = Place { block: chain.0.wrapping_sub(1), skip: HEAD.wrapping_add(offset) };
        while !rest.is_empty() {
            let Some(piece) = self.bytes.lent().get(self.advance(&mut at)) else { return };
            copy(rest, piece);
            rest = rest.get_mut(piece.len()..).unwrap_or_default();
        }
    }

    /// Overwrites bytes from `offset` on. False, and nothing is done, if not so many were stored.
    pub(crate) fn patch(&mut self, chain: Chain, offset: usize, data: &[u8]) -> bool {
        if !C::INDEXED {
            let place =
                pile::piece_mut(self.parts().0, chain).and_then(|piece| piece.get_mut(offset..)?.get_mut(..data.len()));
            return place.map(|place| copy(place, data)).is_some();
        }
        let fits = self.len(chain).checked_sub(offset).is_some_and(|after| data.len() <= after);
        if fits {
            self.write(chain.0.wrapping_sub(1), offset.wrapping_add(HEAD), data);
        }
        fits
    }

    /// Frees the bytes. False, and nothing is done, if there are none, or they were freed before and are free still.
    /// Where there are no blocks, they are to be stored, and what is behind them moves: see
    /// [`close_up`](Chain::close_up).
    #[inline]
    pub(crate) fn release(&mut self, chain: Chain) -> bool {
        if !C::INDEXED {
            let (bytes, root) = self.parts();
            pile::release(bytes, &mut root.used, chain);
            return !chain.is_none();
        }
        if !SMALL && self.release_short(chain) { true } else { self.release_any(chain) }
    }

    /// As [`release`](Self::release), of what takes one block. False, and nothing is done, if it is not such.
    #[inline]
    fn release_short(&mut self, chain: Chain) -> bool {
        let first = chain.0.wrapping_sub(1);
        let free = self.root.free;
        let Some([a, b, c, d, length, high, ..]) = self.block_mut(first) else { return false };
        if !(1..=ROOM - HEAD).contains(&usize::from(u16::from_le_bytes([*length, *high]))) {
            return false;
        }
        [*length, *high] = [0; 2];
        [*a, *b, *c, *d] = free.wrapping_sub(first).wrapping_sub(1).to_le_bytes();
        self.root.free = first;
        self.root.used = self.root.used.saturating_sub(1);
        true
    }

    /// As [`release`](Self::release), of any length.
    fn release_any(&mut self, chain: Chain) -> bool {
        let len = self.len(chain);
        if len == 0 {
            return false;
        }
        let first = chain.0.wrapping_sub(1);
        let count = blocks(len);
        let mut last = first;
        for _ in 1..count {
            last = self.after(last);
        }
        self.set_word(start(first).wrapping_add(LINK), 0);
        self.set_word(start(last), self.root.free.wrapping_sub(last).wrapping_sub(1));
        self.root.free = first;
        self.root.used = self.root.used.saturating_sub(count);
        true
    }

    /// Overwrites what is behind `skip`. Returns the block behind the last one that it came to.
    fn write(&mut self, block: u32, skip: usize, data: &[u8]) -> u32 {
        let mut rest = data;
        let mut at = Place { block, skip };
        while !rest.is_empty() {
            let range = self.advance(&mut at);
            let Some(piece) = self.bytes.lend().get_mut(range) else { break };
            copy(piece, rest);
            rest = rest.get(piece.len()..).unwrap_or_default();
        }
        at.block
    }

    /// What of the block is behind `skip`, as a range of all bytes; nothing if `skip` leads into a later block. A walk
    /// ends, for each step makes either `skip` or what is still to be copied smaller.
    fn advance(&self, at: &mut Place) -> Range<usize> {
        let block = start(at.block);
        let skipped = at.skip.min(ROOM);
        at.block = self.after(at.block);
        at.skip = at.skip.wrapping_sub(skipped);
        block.wrapping_add(LINK).wrapping_add(skipped)..block.wrapping_add(BLOCK)
    }

    /// The block that the link of this one leads to.
    fn after(&self, block: u32) -> u32 {
        block.wrapping_add(1).wrapping_add(self.word(start(block)))
    }

    /// A block.
    #[inline]
    fn block_mut(&mut self, block: u32) -> Option<&mut [u8; BLOCK]> {
        self.bytes.lend().get_mut(start(block)..)?.first_chunk_mut()
    }

    /// Four bytes as a number; 0 where there are none.
    fn word(&self, at: usize) -> u32 {
        match self.bytes.lent().get(at..at.wrapping_add(4)) {
            Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]),
            _ => 0,
        }
    }

    fn set_word(&mut self, at: usize, word: u32) {
        if let Some([a, b, c, d]) = self.bytes.lend().get_mut(at..at.wrapping_add(4)) {
            [*a, *b, *c, *d] = word.to_le_bytes();
        }
    }
}

/// Where a walk through a chain is.
#[derive(Debug)]
struct Place {
    block: u32,
    /// How many bytes behind the link.
    skip: usize,
}

/// How many blocks so many bytes take, up to [`MAX_LEN`]; one for none.
const fn blocks(len: usize) -> u32 {
    // 28 bytes a block, HEAD included, rounded up. A 28th is a quarter times 2^18 / 7 rounded up, for small cores
    // cannot divide; that is exact up to 4 * 43,690.
    let quarter = (len as u32).wrapping_add((HEAD + ROOM - 1) as u32) >> 2;
    quarter.wrapping_mul(37_450) >> 18
}

/// Where a block starts. Of the block before the first, that is behind the end of all bytes.
const fn start(block: u32) -> usize {
    (block as usize).wrapping_mul(BLOCK)
}

#[cfg(test)]
mod tests;
