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
//! for eight exchanges. Firmware lends a `&'static mut` to a store in a `static`: an endpoint that is given the store
//! by value is built on the stack first, with the store in it.
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
pub use slices::{ExchangeSlot, Level, ObserverSlot, PeerSlot, Slices, TransferSlot};
pub(crate) use slots::{Exchange, OfPeer, Peer, State, flag, pack, unpack};
pub(crate) use table::{Heads, Slot, Table};
pub(crate) use timers::Timers;
pub(crate) use transfers::{Stage, Transfer, Transfers};

use core::hash::Hash;

/// Lends an endpoint its memory.
///
/// `Peer` is the address of a peer: whatever the transport sends to. A `SocketAddr` on a host, four bytes on a small
/// device.
pub trait Store {
    /// The address of a peer.
    type Peer: Copy + Eq + Hash;

    /// For how many entries it is meant: [`Scan`] or [`Indexed`].
    type Scale: Scale;

    /// The memory, in parts. The same at each call.
    fn parts(&mut self) -> Parts<'_, Self::Peer>;
}

impl<S: Store> Store for &mut S {
    type Peer = S::Peer;
    type Scale = S::Scale;

    fn parts(&mut self) -> Parts<'_, S::Peer> {
        (**self).parts()
    }
}

/// The parts of a [`Store`]: made by [`Fixed`], [`Slices`] and `Heap`.
#[derive(Debug)]
pub struct Parts<'s, P: Copy> {
    pub(crate) peers: &'s mut [Slot<Peer<P>, 1>],
    pub(crate) peer_heads: &'s mut [Heads<1>],
    pub(crate) exchanges: &'s mut [Slot<Exchange, 2>],
    pub(crate) exchange_heads: &'s mut [Heads<2>],
    pub(crate) observers: &'s mut [Slot<Observer, 2>],
    pub(crate) observer_heads: &'s mut [Heads<2>],
    pub(crate) transfers: &'s mut [Slot<Transfer, 1>],
    pub(crate) transfer_heads: &'s mut [Heads<1>],
    pub(crate) bytes: &'s mut [u8],
    pub(crate) levels: &'s mut [Level],
    pub(crate) roots: &'s mut Roots,
}

/// What the tables know apart from their slots. All zeros: nothing is held.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Roots {
    pub(crate) peers: table::Root,
    pub(crate) exchanges: table::Root,
    pub(crate) observers: table::Root,
    pub(crate) transfers: transfers::Root,
    pub(crate) timers: timers::Root,
    pub(crate) arena: arena::Root,
}

impl Roots {
    pub(crate) const EMPTY: Roots = Roots {
        peers: table::Root::EMPTY,
        exchanges: table::Root::EMPTY,
        observers: table::Root::EMPTY,
        transfers: transfers::Root::EMPTY,
        timers: timers::Root::EMPTY,
        arena: arena::Root::EMPTY,
    };
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
