//! Memory from the heap, reserved once.

use super::scale::LEVELS;
use super::{Exchange, Heads, Indexed, Level, Observer, Parts, Peer, Roots, Slot, Store, Transfer};
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
pub struct Heap<P: Copy> {
    peers: Vec<Slot<Peer<P>, 1>>,
    peer_heads: Box<[Heads<1>]>,
    exchanges: Vec<Slot<Exchange, 2>>,
    exchange_heads: Box<[Heads<2>]>,
    observers: Vec<Slot<Observer, 2>>,
    observer_heads: Box<[Heads<2>]>,
    transfers: Vec<Slot<Transfer, 1>>,
    transfer_heads: Box<[Heads<1>]>,
    bytes: Box<[u8]>,
    levels: Box<[Level]>,
    roots: Roots,
    /// All slots are made.
    made: bool,
}

/// How many slots are made at a time: more than one call of the endpoint can use.
const STEP: usize = 16;

impl<P: Copy> Heap<P> {
    /// Reserves slots for so many peers and exchanges, and so many bytes; no call of the endpoint allocates afterwards.
    ///
    /// # Panics
    ///
    /// As any allocation: when there is no such amount of memory.
    #[must_use]
    pub fn with_bound(peers: usize, exchanges: usize, bytes: usize) -> Heap<P> {
        Heap {
            peers: Vec::with_capacity(peers),
            peer_heads: alloc::vec![[0; 1]; peers].into_boxed_slice(),
            exchanges: Vec::with_capacity(exchanges),
            exchange_heads: alloc::vec![[0; 2]; exchanges].into_boxed_slice(),
            observers: Vec::new(),
            observer_heads: Box::default(),
            transfers: Vec::new(),
            transfer_heads: Box::default(),
            bytes: alloc::vec![0; bytes].into_boxed_slice(),
            levels: alloc::vec![Level::EMPTY; LEVELS].into_boxed_slice(),
            roots: Roots::EMPTY,
            made: false,
        }
    }

    /// Reserves slots for so many observers in place of those that there were. Each resource that is observed takes one
    /// of them as well.
    ///
    /// # Panics
    ///
    /// As [`with_bound`](Heap::with_bound).
    #[must_use]
    pub fn observers(self, observers: usize) -> Heap<P> {
        Heap {
            observers: Vec::with_capacity(observers),
            observer_heads: alloc::vec![[0; 2]; observers].into_boxed_slice(),
            made: false,
            ..self
        }
    }

    /// Reserves slots for so many bodies that peers send in blocks, in place of those that there were.
    ///
    /// # Panics
    ///
    /// As [`with_bound`](Heap::with_bound).
    #[must_use]
    pub fn transfers(self, transfers: usize) -> Heap<P> {
        Heap {
            transfers: Vec::with_capacity(transfers),
            transfer_heads: alloc::vec![[0; 1]; transfers].into_boxed_slice(),
            made: false,
            ..self
        }
    }
}

/// Makes slots ahead of those that were ever in use. The capacity is there: nothing moves. True once all are made.
fn make<T: Copy>(slots: &mut Vec<T>, used: u32, bound: usize, vacant: T) -> bool {
    if slots.len() < bound && slots.len().wrapping_sub(used as usize) < STEP / 2 {
        slots.resize(slots.len().saturating_add(STEP).min(bound), vacant);
    }
    slots.len() >= bound
}

impl<P: Copy> Heap<P> {
    /// Makes slots ahead of those that were ever in use.
    #[inline(never)]
    fn make_slots(&mut self) {
        let Roots { peers, exchanges, observers, transfers, .. } = self.roots;
        let made = [
            make(&mut self.peers, peers.high_water(), self.peer_heads.len(), Slot::vacant(Peer::NONE)),
            make(&mut self.exchanges, exchanges.high_water(), self.exchange_heads.len(), Slot::vacant(Exchange::NONE)),
            make(&mut self.observers, observers.high_water(), self.observer_heads.len(), Slot::vacant(Observer::NONE)),
            make(&mut self.transfers, transfers.high_water(), self.transfer_heads.len(), Slot::vacant(Transfer::NONE)),
        ];
        self.made = made == [true; 4];
    }
}

impl<P: Copy + Eq + Hash> Store for Heap<P> {
    type Peer = P;
    type Scale = Indexed;

    #[inline]
    fn parts(&mut self) -> Parts<'_, P> {
        if !self.made {
            self.make_slots();
        }
        Parts {
            peers: &mut self.peers,
            peer_heads: &mut self.peer_heads,
            exchanges: &mut self.exchanges,
            exchange_heads: &mut self.exchange_heads,
            observers: &mut self.observers,
            observer_heads: &mut self.observer_heads,
            transfers: &mut self.transfers,
            transfer_heads: &mut self.transfer_heads,
            bytes: &mut self.bytes,
            levels: &mut self.levels,
            roots: &mut self.roots,
        }
    }
}

#[cfg(feature = "defmt")]
impl<P: Copy> defmt::Format for Heap<P> {
    fn format(&self, f: defmt::Formatter<'_>) {
        let (peers, exchanges) = (self.peer_heads.len(), self.exchange_heads.len());
        let (observers, bytes) = (self.observer_heads.len(), self.bytes.len());
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
