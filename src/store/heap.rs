//! Memory from the heap, reserved once.

use super::scale::LEVELS;
use super::table::Entry;
use super::{
    Arena, Exchange, Heads, Indexed, Layout, Level, Observer, Peer, Slot, Store, Table, Tables, Timers, Transfer,
    Transfers,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::Hash;

/// Memory from the heap, reserved once. Feature `alloc`.
///
/// The operating system commits its pages as they are touched: the heads of the indexes and the bytes are zeros that
/// nobody wrote, and a slot is made when it is first needed, in capacity that was reserved.
///
/// ```
/// use coaplet::store::Heap;
/// use core::net::SocketAddr;
///
/// // A thousand peers, four thousand exchanges, 256 KiB for messages that are sent again.
/// let store = Heap::<SocketAddr>::with_bound(1_000, 4_000, 256 * 1024);
/// # let _ = store;
///
/// // And a million observers.
/// let store = Heap::<SocketAddr>::with_bound(1_000_000, 4_000, 256 * 1024).observers(1_000_000);
/// # let _ = store;
/// ```
#[derive(Clone, Debug)]
pub struct Heap<P: Copy + Eq + Hash> {
    tables: Tables<Self>,
    /// All slots are made.
    made: bool,
}

/// A table of which slots are made as they are needed.
type Rooms<T, const N: usize> = Table<T, N, Vec<Slot<T, N>>, Box<[Heads<N>]>>;

/// How many slots are made at a time: more than one call of the endpoint can use.
const STEP: usize = 16;

impl<P: Copy + Eq + Hash> Heap<P> {
    /// Reserves slots for so many peers and exchanges, and so many bytes; no call of the endpoint allocates afterwards.
    ///
    /// # Panics
    ///
    /// As any allocation: when there is no such amount of memory.
    #[must_use]
    pub fn with_bound(peers: usize, exchanges: usize, bytes: usize) -> Heap<P> {
        let tables = Tables {
            timers: Timers::new(alloc::vec![Level::EMPTY; LEVELS].into_boxed_slice()),
            peers: reserved(peers),
            exchanges: reserved(exchanges),
            observers: reserved(0),
            transfers: Transfers::new(Vec::new(), Box::default()),
            arena: Arena::new(alloc::vec![0; bytes].into_boxed_slice()),
        };
        Heap { tables, made: false }
    }

    /// Reserves slots for so many observers in place of those that there were. Each resource that is observed takes one
    /// of them as well.
    ///
    /// # Panics
    ///
    /// As [`with_bound`](Heap::with_bound).
    #[must_use]
    pub fn observers(self, observers: usize) -> Heap<P> {
        Heap { tables: Tables { observers: reserved(observers), ..self.tables }, made: false }
    }

    /// Reserves slots for so many bodies that peers send in blocks, in place of those that there were.
    ///
    /// # Panics
    ///
    /// As [`with_bound`](Heap::with_bound).
    #[must_use]
    pub fn transfers(self, transfers: usize) -> Heap<P> {
        let heads = alloc::vec![[0; 1]; transfers].into_boxed_slice();
        let transfers = Transfers::new(Vec::with_capacity(transfers), heads);
        Heap { tables: Tables { transfers, ..self.tables }, made: false }
    }
}

/// A table for so many.
fn reserved<T: Entry, const N: usize>(bound: usize) -> Rooms<T, N> {
    Table::new(Vec::with_capacity(bound), alloc::vec![[0; N]; bound].into_boxed_slice())
}

/// Makes slots for what one call of the endpoint may need. True if all are made.
fn make<T: Entry, const N: usize>(table: &mut Rooms<T, N>, vacant: T) -> bool {
    let (used, bound) = (table.high_water() as usize, table.heads.len());
    let slots = &mut table.slots;
    if slots.len() < bound && slots.len().wrapping_sub(used) < STEP / 2 {
        slots.resize(slots.len().saturating_add(STEP).min(bound), Slot::vacant(vacant));
    }
    slots.len() >= bound
}

impl<P: Copy + Eq + Hash> Heap<P> {
    /// Makes slots ahead of those that were ever in use.
    #[inline(never)]
    fn make_slots(&mut self) {
        let made = [
            make(&mut self.tables.peers, Peer::NONE),
            make(&mut self.tables.exchanges, Exchange::NONE),
            make(&mut self.tables.observers, Observer::NONE),
            make(&mut self.tables.transfers.table, Transfer::NONE),
        ];
        self.made = made == [true; 4];
    }
}

impl<P: Copy + Eq + Hash> Store for Heap<P> {
    type Peer = P;
    type Layout = Self;

    #[inline(always)]
    fn tables(&self) -> &Tables<Self> {
        &self.tables
    }

    #[inline(always)]
    fn tables_mut(&mut self) -> &mut Tables<Self> {
        &mut self.tables
    }

    #[inline(always)]
    fn prepare(&mut self) {
        if !self.made {
            self.make_slots();
        }
    }
}

impl<P: Copy + Eq + Hash> Layout for Heap<P> {
    type Peer = P;
    type Scale = Indexed;
    type Peers = Vec<Slot<Peer<P>, 1>>;
    type PeerHeads = Box<[Heads<1>]>;
    type Exchanges = Vec<Slot<Exchange, 2>>;
    type ExchangeHeads = Box<[Heads<2>]>;
    type Observers = Vec<Slot<Observer, 2>>;
    type ObserverHeads = Box<[Heads<2>]>;
    type Transfers = Vec<Slot<Transfer, 1>>;
    type TransferHeads = Box<[Heads<1>]>;
    type Bytes = Box<[u8]>;
    type Levels = Box<[Level]>;
}

#[cfg(feature = "defmt")]
impl<P: Copy + Eq + Hash> defmt::Format for Heap<P> {
    fn format(&self, f: defmt::Formatter<'_>) {
        let (peers, exchanges) = (self.tables.peers.heads.len(), self.tables.exchanges.heads.len());
        let (observers, bytes) = (self.tables.observers.heads.len(), self.tables.arena.room());
        defmt::write!(
            f,
            "Heap({=usize} peers, {=usize} exchanges, {=usize} observers, {=usize} bytes)",
            peers,
            exchanges,
            observers,
            bytes
        );
    }
}
