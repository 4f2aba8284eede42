//! The memory that the caller lends to an endpoint: slots for peers and exchanges, and bytes.
//!
//! [`Fixed`] is a value of constant size, for a `static` or a stack; with the feature `alloc`, [`Heap`] reserves its tables once. Neither
//! moves what it holds.

// Observe and firmware without a wheel will use what nothing but the tests uses yet.
#![cfg_attr(not(test), allow(dead_code))]

mod arena;
mod list;
mod slots;
mod table;
mod timers;
mod wheel;

pub(crate) use arena::{Arena, Chain};
pub(crate) use list::List;
pub(crate) use slots::{Exchange, Peer, State};
pub(crate) use table::{Slot, Table};
pub(crate) use timers::{Timers, Wheel};
pub(crate) use wheel::Level;

use core::hash::Hash;

/// Lends an endpoint its memory.
///
/// `Peer` is the address of a peer: whatever the transport sends to. A `SocketAddr` on a host, four bytes on a small device.
pub trait Store {
    /// The address of a peer.
    type Peer: Copy + Eq + Hash;

    /// The memory, in parts. The same at each call.
    fn parts(&mut self) -> Parts<'_, Self::Peer>;
}

impl<S: Store> Store for &mut S {
    type Peer = S::Peer;

    fn parts(&mut self) -> Parts<'_, S::Peer> {
        (**self).parts()
    }
}

/// The parts of a [`Store`]: made by [`Fixed`] and [`Heap`].
#[derive(Debug)]
pub struct Parts<'s, P> {
    pub(crate) peers: &'s mut [Slot<Peer<P>, 1>],
    pub(crate) exchanges: &'s mut [Slot<Exchange, 2>],
    pub(crate) bytes: &'s mut [u8],
    pub(crate) levels: &'s mut [Level],
    pub(crate) roots: &'s mut Roots,
}

/// What the tables know apart from their slots. All zeros: nothing is held.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Roots {
    pub(crate) peers: table::Root,
    pub(crate) exchanges: table::Root,
    pub(crate) timers: timers::Root,
    pub(crate) arena: arena::Root,
}

impl Roots {
    const EMPTY: Roots = Roots {
        peers: table::Root::EMPTY,
        exchanges: table::Root::EMPTY,
        timers: timers::Root::EMPTY,
        arena: arena::Root::EMPTY,
    };
}

/// Memory of constant size: slots for so many peers and exchanges, and so many bytes for messages that are sent again.
///
/// ```
/// use coaplet::Fixed;
/// use core::net::SocketAddr;
///
/// static STORE: Fixed<SocketAddr, 4, 8, 512> = Fixed::new();
/// # let _ = &STORE;
/// ```
#[derive(Debug)]
pub struct Fixed<P, const PEERS: usize, const EXCHANGES: usize, const BYTES: usize> {
    peers: [Slot<Peer<P>, 1>; PEERS],
    exchanges: [Slot<Exchange, 2>; EXCHANGES],
    bytes: [u8; BYTES],
    roots: Roots,
}

impl<P: Copy, const PEERS: usize, const EXCHANGES: usize, const BYTES: usize> Fixed<P, PEERS, EXCHANGES, BYTES> {
    /// Nothing is held yet.
    #[must_use]
    pub const fn new() -> Self {
        Fixed {
            peers: [const { Slot::vacant(Peer::NONE) }; PEERS],
            exchanges: [const { Slot::vacant(Exchange::NONE) }; EXCHANGES],
            bytes: [0; BYTES],
            roots: Roots::EMPTY,
        }
    }
}

impl<P: Copy, const PEERS: usize, const EXCHANGES: usize, const BYTES: usize> Default
    for Fixed<P, PEERS, EXCHANGES, BYTES>
{
    fn default() -> Self {
        Fixed::new()
    }
}

impl<P: Copy + Eq + Hash, const PEERS: usize, const EXCHANGES: usize, const BYTES: usize> Store
    for Fixed<P, PEERS, EXCHANGES, BYTES>
{
    type Peer = P;

    fn parts(&mut self) -> Parts<'_, P> {
        Parts {
            peers: &mut self.peers,
            exchanges: &mut self.exchanges,
            bytes: &mut self.bytes,
            levels: &mut [],
            roots: &mut self.roots,
        }
    }
}

/// Memory from the heap, reserved once. Feature `alloc`.
///
/// ```
/// use coaplet::store::Heap;
/// use core::net::SocketAddr;
///
/// // A thousand peers, four thousand exchanges, 256 KiB for messages that are sent again.
/// let store = Heap::<SocketAddr>::with_bound(1_000, 4_000, 256 * 1024);
/// # let _ = store;
/// ```
#[cfg(feature = "alloc")]
#[derive(Debug)]
pub struct Heap<P> {
    peers: alloc::boxed::Box<[Slot<Peer<P>, 1>]>,
    exchanges: alloc::boxed::Box<[Slot<Exchange, 2>]>,
    bytes: alloc::boxed::Box<[u8]>,
    levels: alloc::boxed::Box<[Level]>,
    roots: Roots,
}

#[cfg(feature = "alloc")]
impl<P: Copy> Heap<P> {
    /// Reserves slots for so many peers and exchanges, and so many bytes; no call of the endpoint allocates afterwards.
    #[must_use]
    pub fn with_bound(peers: usize, exchanges: usize, bytes: usize) -> Heap<P> {
        Heap {
            peers: alloc::vec![Slot::vacant(Peer::NONE); peers].into_boxed_slice(),
            exchanges: alloc::vec![Slot::vacant(Exchange::NONE); exchanges].into_boxed_slice(),
            bytes: alloc::vec![0; bytes].into_boxed_slice(),
            // Five levels of milliseconds reach 12 days.
            levels: alloc::vec![Level::EMPTY; 5].into_boxed_slice(),
            roots: Roots::EMPTY,
        }
    }
}

#[cfg(feature = "alloc")]
impl<P: Copy + Eq + Hash> Store for Heap<P> {
    type Peer = P;

    fn parts(&mut self) -> Parts<'_, P> {
        Parts {
            peers: &mut self.peers,
            exchanges: &mut self.exchanges,
            bytes: &mut self.bytes,
            levels: &mut self.levels,
            roots: &mut self.roots,
        }
    }
}

#[cfg(feature = "defmt")]
mod format {
    use super::{Fixed, Parts};

    impl<P> defmt::Format for Parts<'_, P> {
        fn format(&self, f: defmt::Formatter<'_>) {
            let (peers, exchanges, bytes) = (self.peers.len(), self.exchanges.len(), self.bytes.len());
            defmt::write!(f, "Parts({=usize} peers, {=usize} exchanges, {=usize} bytes)", peers, exchanges, bytes);
        }
    }

    impl<P, const PEERS: usize, const EXCHANGES: usize, const BYTES: usize> defmt::Format
        for Fixed<P, PEERS, EXCHANGES, BYTES>
    {
        fn format(&self, f: defmt::Formatter<'_>) {
            defmt::write!(f, "Fixed({=usize} peers, {=usize} exchanges, {=usize} bytes)", PEERS, EXCHANGES, BYTES);
        }
    }

    #[cfg(feature = "alloc")]
    impl<P> defmt::Format for super::Heap<P> {
        fn format(&self, f: defmt::Formatter<'_>) {
            let (peers, exchanges, bytes) = (self.peers.len(), self.exchanges.len(), self.bytes.len());
            defmt::write!(f, "Heap({=usize} peers, {=usize} exchanges, {=usize} bytes)", peers, exchanges, bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::size_of;
    use core::net::{Ipv4Addr, SocketAddr};

    /// The budget of a slot, the head of its hash bucket included.
    #[test]
    fn slots_are_no_larger_than_their_budget() {
        assert!(size_of::<Slot<Exchange, 2>>() <= 64);
        // To be 72 and 44: see ARCHITECTURE.md.
        assert!(size_of::<Slot<Peer<SocketAddr>, 1>>() <= 84);
        assert!(size_of::<Slot<Peer<Ipv4Addr>, 1>>() <= 56);
    }
}
