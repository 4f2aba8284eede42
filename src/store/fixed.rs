//! Memory of constant size.

use super::scale::Lend;
use super::{Exchange, Heads, Observer, Parts, Peer, Roots, Scale, Scan, Slot, Store, Transfer};
use core::hash::Hash;

/// Memory of constant size: slots for so many peers and exchanges, and so many bytes for messages that are sent again.
///
/// ```
/// use coaplet::Fixed;
/// use core::net::SocketAddr;
///
/// static STORE: Fixed<SocketAddr, 4, 8, 512> = Fixed::new();
/// # let _ = &STORE;
/// ```
///
/// With a fifth number there are slots for observers (RFC 7641), 48 bytes each, of which each resource that is observed
/// takes one, too: `Fixed<SocketAddr, 4, 8, 512, 4>`; with a sixth for bodies that peers send in blocks (RFC 7959 2.5),
/// 56 bytes each.
///
/// Each look-up goes through all slots: right for some thirty of them. For more, the last parameter brings an index and
/// a timer wheel, which take 12 bytes for each pair of slots, 8 for each observer, 4 for each such body, and 2,720 bytes:
///
/// ```
/// use coaplet::Fixed;
/// use coaplet::store::Indexed;
///
/// static STORE: Fixed<[u8; 4], 100, 400, 16_384, 0, 0, Indexed> = Fixed::new();
/// # let _ = &STORE;
/// ```
#[derive(Clone, Debug)]
pub struct Fixed<
    P: Copy,
    const PEERS: usize,
    const EXCHANGES: usize,
    const BYTES: usize,
    const OBSERVERS: usize = 0,
    const TRANSFERS: usize = 0,
    C: Scale = Scan,
> {
    peers: [Slot<Peer<P>, 1>; PEERS],
    peer_heads: C::One<PEERS>,
    exchanges: [Slot<Exchange, 2>; EXCHANGES],
    exchange_heads: C::Two<EXCHANGES>,
    observers: [Slot<Observer, 2>; OBSERVERS],
    observer_heads: C::Two<OBSERVERS>,
    transfers: [Slot<Transfer, 1>; TRANSFERS],
    transfer_heads: C::One<TRANSFERS>,
    bytes: [u8; BYTES],
    levels: C::Levels,
    roots: Roots,
}

impl<
    P: Copy,
    const PEERS: usize,
    const EXCHANGES: usize,
    const BYTES: usize,
    const OBSERVERS: usize,
    const TRANSFERS: usize,
    C: Scale,
> Fixed<P, PEERS, EXCHANGES, BYTES, OBSERVERS, TRANSFERS, C>
{
    /// Nothing is held yet.
    #[must_use]
    pub const fn new() -> Self {
        Fixed {
            peers: [const { Slot::vacant(Peer::NONE) }; PEERS],
            peer_heads: <C::One<PEERS> as Lend<Heads<1>>>::EMPTY,
            exchanges: [const { Slot::vacant(Exchange::NONE) }; EXCHANGES],
            exchange_heads: <C::Two<EXCHANGES> as Lend<Heads<2>>>::EMPTY,
            observers: [const { Slot::vacant(Observer::NONE) }; OBSERVERS],
            observer_heads: <C::Two<OBSERVERS> as Lend<Heads<2>>>::EMPTY,
            transfers: [const { Slot::vacant(Transfer::NONE) }; TRANSFERS],
            transfer_heads: <C::One<TRANSFERS> as Lend<Heads<1>>>::EMPTY,
            bytes: [0; BYTES],
            levels: C::Levels::EMPTY,
            roots: Roots::EMPTY,
        }
    }
}

impl<
    P: Copy,
    const PEERS: usize,
    const EXCHANGES: usize,
    const BYTES: usize,
    const OBSERVERS: usize,
    const TRANSFERS: usize,
    C: Scale,
> Default for Fixed<P, PEERS, EXCHANGES, BYTES, OBSERVERS, TRANSFERS, C>
{
    fn default() -> Self {
        Fixed::new()
    }
}

impl<
    P: Copy + Eq + Hash,
    const PEERS: usize,
    const EXCHANGES: usize,
    const BYTES: usize,
    const OBSERVERS: usize,
    const TRANSFERS: usize,
    C: Scale,
> Store for Fixed<P, PEERS, EXCHANGES, BYTES, OBSERVERS, TRANSFERS, C>
{
    type Peer = P;
    type Scale = C;

    fn parts(&mut self) -> Parts<'_, P> {
        Parts {
            peers: &mut self.peers,
            peer_heads: self.peer_heads.lend(),
            exchanges: &mut self.exchanges,
            exchange_heads: self.exchange_heads.lend(),
            observers: &mut self.observers,
            observer_heads: self.observer_heads.lend(),
            transfers: &mut self.transfers,
            transfer_heads: self.transfer_heads.lend(),
            bytes: &mut self.bytes,
            levels: self.levels.lend(),
            roots: &mut self.roots,
        }
    }
}

#[cfg(feature = "defmt")]
impl<
    P: Copy,
    const PEERS: usize,
    const EXCHANGES: usize,
    const BYTES: usize,
    const OBSERVERS: usize,
    const TRANSFERS: usize,
    C: Scale,
> defmt::Format for Fixed<P, PEERS, EXCHANGES, BYTES, OBSERVERS, TRANSFERS, C>
{
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(
            f,
            "Fixed({=usize} peers, {=usize} exchanges, {=usize} observers, {=usize} transfers, {=usize} bytes)",
            PEERS,
            EXCHANGES,
            OBSERVERS,
            TRANSFERS,
            BYTES
        );
    }
}
