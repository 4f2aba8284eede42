//! The memory that the caller lends to an endpoint.
//!
//! What it guarantees: nothing that is held moves; zeros are an empty store; a handle that was given out is stale once
//! its slot is released; and with [`Indexed`] no look-up grows with what is held.
//!
//! | store | what | for how many entries |
//! |---|---|---|
//! | [`Fixed`] | a value of constant size, for a `static` or a stack | [`Scan`], or [`Indexed`] by its last parameter |
//! | [`Slices`] | slices of the caller's, of a size that is known when the program runs | [`Scan`] or [`Indexed`] |
//! | `Heap` (feature `alloc`) | tables that are reserved once, for up to millions | [`Indexed`] |
//! | `&mut S` | a store that lies elsewhere | as `S` |
//!
//! For how many entries a store is meant, is a type, so that firmware does not link an index, lists and a timer wheel
//! for eight exchanges. Firmware has the whole endpoint in a `static`, with the store in it, so that every address is known
//! when it is built; or lends it a `&'static mut` to a store in a `static`. An endpoint that is made when the program runs,
//! with its store by value, is built on the stack first.
//!
//! With the heads of the index, an exchange takes 64 bytes; an observer 56; a peer 72 with a `SocketAddr` and 44 with an
//! `Ipv4Addr`. With an index each resource that is observed takes a slot for an
//! observer, too.
//! Messages that may have to be sent again lie in blocks of 32 bytes; with [`Scan`] in as many as they have.

mod arena;
mod few;
mod fixed;
#[cfg(feature = "alloc")]
mod heap;
mod held;
mod ids;
mod list;
mod observers;
mod pile;
mod ring;
mod scale;
mod slices;
mod slots;
mod table;
mod timers;
mod transfers;
mod wheel;

pub(crate) use arena::{Arena, Chain};
pub use fixed::Fixed;
#[cfg(feature = "alloc")]
pub use heap::Heap;
pub(crate) use held::{GROUP, Held, passed};
pub(crate) use ids::Ids;
pub(crate) use list::List;
pub use observers::Observer;
pub(crate) use observers::{REACH, Ring, mark};
pub(crate) use ring::{InNode, first, push_back, remove};
pub use scale::{Indexed, Scale, Scan};
pub(crate) use scale::{Lend, Zeros};
pub use slices::{ExchangeSlot, Level, ObserverSlot, PeerSlot, Slices, TransferSlot};
pub(crate) use slots::{Exchange, OfPeer, Peer, State, States, flag, pack, unpack};
pub(crate) use table::{Heads, Link, Rows, Slot, Table};
use timers::Timers;
pub(crate) use transfers::{Stage, Transfer, Transfers};

use core::hash::Hash;

/// Lends an endpoint its memory.
///
/// `Peer` is the address of a peer: whatever the transport sends to. A `SocketAddr` on a host, four bytes on a small
/// device.
pub trait Store {
    /// The address of a peer.
    type Peer: Copy + Eq + Hash;

    /// How its tables lie in memory.
    type Layout: Layout<Peer = Self::Peer>;

    /// Whether there are hash indexes, lists and a timer wheel.
    #[doc(hidden)]
    const INDEXED: bool = <Self::Layout as Layout>::INDEXED;

    /// The memory. The same at each call.
    fn tables(&self) -> &Tables<Self::Layout>;

    /// The same, to change it.
    fn tables_mut(&mut self) -> &mut Tables<Self::Layout>;

    /// Makes slots ahead of those that were ever in use, for what one call of the endpoint may need.
    #[doc(hidden)]
    fn prepare(&mut self) {}
}

impl<S: Store> Store for &mut S {
    type Peer = S::Peer;
    type Layout = S::Layout;

    #[inline(always)]
    fn tables(&self) -> &Tables<S::Layout> {
        (**self).tables()
    }

    #[inline(always)]
    fn tables_mut(&mut self) -> &mut Tables<S::Layout> {
        (**self).tables_mut()
    }

    #[inline(always)]
    fn prepare(&mut self) {
        (**self).prepare();
    }
}

/// How the tables of a store lie in memory, and for how many entries it is meant.
///
/// An endpoint is compiled once for each layout. So what works on a [`Fixed`] knows its sizes, and firmware gives
/// nothing away for tables that could be of any size; two endpoints of different sizes share their code if both lie in
/// [`Slices`].
pub trait Layout {
    /// The address of a peer.
    type Peer: Copy + Eq + Hash;
    /// For how many entries it is meant: [`Scan`] or [`Indexed`].
    type Scale: Scale;
    /// Whether there are hash indexes, lists and a timer wheel.
    #[doc(hidden)]
    const INDEXED: bool = Self::Scale::INDEXED;
    #[doc(hidden)]
    type Peers: Lend<PeerSlot<Self::Peer>>;
    #[doc(hidden)]
    type PeerHeads: Lend<Heads<1>>;
    #[doc(hidden)]
    type Exchanges: Lend<ExchangeSlot>;
    #[doc(hidden)]
    type ExchangeHeads: Lend<Heads<2>>;
    #[doc(hidden)]
    type Observers: Lend<ObserverSlot>;
    #[doc(hidden)]
    type ObserverHeads: Lend<Heads<2>>;
    #[doc(hidden)]
    type Transfers: Lend<TransferSlot>;
    #[doc(hidden)]
    type TransferHeads: Lend<Heads<1>>;
    #[doc(hidden)]
    type Bytes: Lend<u8>;
    #[doc(hidden)]
    type Levels: Lend<Level>;
}

pub(crate) type Peers<L> = Table<Peer<<L as Layout>::Peer>, 1, <L as Layout>::Peers, <L as Layout>::PeerHeads>;
pub(crate) type Exchanges<L> = Table<Exchange, 2, <L as Layout>::Exchanges, <L as Layout>::ExchangeHeads>;
pub(crate) type Observers<L> = Table<Observer, 2, <L as Layout>::Observers, <L as Layout>::ObserverHeads>;
pub(crate) type Bodies<L> = Transfers<<L as Layout>::Scale, <L as Layout>::Transfers, <L as Layout>::TransferHeads>;
pub(crate) type Bytes<L> = Arena<<L as Layout>::Scale, <L as Layout>::Bytes>;

/// What a [`Store`] consists of: made by [`Fixed`], [`Slices`] and `Heap`.
// In this order: what is looked up most comes first, which takes shorter instructions.
#[repr(C)]
pub struct Tables<L: Layout> {
    pub(crate) exchanges: Exchanges<L>,
    pub(crate) observers: Observers<L>,
    pub(crate) peers: Peers<L>,
    pub(crate) transfers: Bodies<L>,
    pub(crate) arena: Bytes<L>,
    pub(crate) timers: Timers<L::Levels>,
}

// By hand: derived, it would ask the same of `L`, of which no value is kept.
impl<L: Layout> Clone for Tables<L>
where
    Timers<L::Levels>: Clone,
    Peers<L>: Clone,
    Exchanges<L>: Clone,
    Observers<L>: Clone,
    Bodies<L>: Clone,
    Bytes<L>: Clone,
{
    fn clone(&self) -> Tables<L> {
        let Tables { timers, peers, exchanges, observers, transfers, arena } = self;
        Tables {
            timers: timers.clone(),
            peers: peers.clone(),
            exchanges: exchanges.clone(),
            observers: observers.clone(),
            transfers: transfers.clone(),
            arena: arena.clone(),
        }
    }
}

impl<L: Layout> core::fmt::Debug for Tables<L> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (peers, exchanges) = (self.peers.capacity(), self.exchanges.capacity());
        f.debug_struct("Tables").field("peers", &peers).field("exchanges", &exchanges).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<L: Layout> defmt::Format for Tables<L> {
    fn format(&self, f: defmt::Formatter<'_>) {
        let (peers, exchanges) = (self.peers.capacity(), self.exchanges.capacity());
        let (observers, transfers) = (self.observers.capacity(), self.transfers.table.capacity());
        defmt::write!(
            f,
            "({=u32} peers, {=u32} exchanges, {=u32} observers, {=u32} transfers)",
            peers,
            exchanges,
            observers,
            transfers
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::size_of;
    use core::net::{Ipv4Addr, SocketAddr};

    /// The budget of a slot, the heads of its hash buckets included.
    #[test]
    fn slots_are_no_larger_than_their_budget() {
        assert_eq!(size_of::<Slot<Exchange, 2>>() + size_of::<Heads<2>>(), 64);
        assert_eq!(size_of::<Slot<Transfer, 1>>() + size_of::<Heads<1>>(), 60);
        assert_eq!(size_of::<Slot<Observer, 2>>() + size_of::<Heads<2>>(), 56);
        assert_eq!(size_of::<Slot<Peer<SocketAddr>, 1>>() + size_of::<Heads<1>>(), 72);
        assert_eq!(size_of::<Slot<Peer<Ipv4Addr>, 1>>() + size_of::<Heads<1>>(), 44);
    }
}
