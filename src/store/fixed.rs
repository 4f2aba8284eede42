//! Memory of constant size.

use super::scale::Zeros;
use super::{
    Arena, Exchange, Layout, Observer, Peer, Scale, Scan, Slot, Store, Table, Tables, Timers, Transfer, Transfers,
};
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
    P: Copy + Eq + Hash,
    const PEERS: usize,
    const EXCHANGES: usize,
    const BYTES: usize,
    const OBSERVERS: usize = 0,
    const TRANSFERS: usize = 0,
    C: Scale = Scan,
> {
    tables: Tables<Self>,
}

impl<
    P: Copy + Eq + Hash,
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
        let tables = Tables {
            timers: Timers::new(C::Levels::EMPTY),
            peers: Table::new([const { Slot::vacant(Peer::NONE) }; PEERS], C::One::EMPTY),
            exchanges: Table::new([const { Slot::vacant(Exchange::NONE) }; EXCHANGES], C::Two::EMPTY),
            observers: Table::new([const { Slot::vacant(Observer::NONE) }; OBSERVERS], C::Two::EMPTY),
            transfers: Transfers::new([const { Slot::vacant(Transfer::NONE) }; TRANSFERS], C::One::EMPTY),
            arena: Arena::new([0; BYTES]),
        };
        Fixed { tables }
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
    type Layout = Self;

    #[inline(always)]
    fn tables(&self) -> &Tables<Self> {
        &self.tables
    }

    #[inline(always)]
    fn tables_mut(&mut self) -> &mut Tables<Self> {
        &mut self.tables
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
> Layout for Fixed<P, PEERS, EXCHANGES, BYTES, OBSERVERS, TRANSFERS, C>
{
    type Peer = P;
    type Scale = C;
    type Peers = [Slot<Peer<P>, 1>; PEERS];
    type PeerHeads = C::One<PEERS>;
    type Exchanges = [Slot<Exchange, 2>; EXCHANGES];
    type ExchangeHeads = C::Two<EXCHANGES>;
    type Observers = [Slot<Observer, 2>; OBSERVERS];
    type ObserverHeads = C::Two<OBSERVERS>;
    type Transfers = [Slot<Transfer, 1>; TRANSFERS];
    type TransferHeads = C::One<TRANSFERS>;
    type Bytes = [u8; BYTES];
    type Levels = C::Levels;
}

#[cfg(feature = "defmt")]
impl<
    P: Copy + Eq + Hash,
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
