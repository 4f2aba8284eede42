//! Memory in slices that the caller lends.

use super::wheel::LEVELS;
use super::{
    Arena, Exchange, Heads, Indexed, Layout, Observer, Peer, Scale, Scan, Slot, Store, Table, Tables, Timers, Transfer,
    Transfers,
};
use core::hash::Hash;

pub use super::wheel::Level;

/// A slot for a peer, to lend: `PeerSlot::EMPTY`.
pub type PeerSlot<P> = Slot<Peer<P>, 1>;

/// A slot for an exchange, to lend: `ExchangeSlot::EMPTY`.
pub type ExchangeSlot = Slot<Exchange, 2>;

/// A slot for an observer, to lend: `ObserverSlot::EMPTY`.
pub type ObserverSlot = Slot<Observer, 2>;

/// A slot for a body that a peer sends in blocks, to lend: `TransferSlot::EMPTY`.
pub type TransferSlot = Slot<Transfer, 1>;

impl Slot<Transfer, 1> {
    /// Nothing is in it.
    pub const EMPTY: Self = Slot::vacant(Transfer::NONE);
}

impl<P: Copy> Slot<Peer<P>, 1> {
    /// Nothing is in it.
    pub const EMPTY: Self = Slot::vacant(Peer::NONE);
}

impl Slot<Exchange, 2> {
    /// Nothing is in it.
    pub const EMPTY: Self = Slot::vacant(Exchange::NONE);
}

impl Slot<Observer, 2> {
    /// Nothing is in it.
    pub const EMPTY: Self = Slot::vacant(Observer::NONE);
}

/// Memory in slices that the caller lends, of a size that is known when the program runs.
///
/// ```
/// use coaplet::store::{ExchangeSlot, ObserverSlot, PeerSlot, Slices};
/// use coaplet::{Config, Endpoint};
///
/// let mut peers = [PeerSlot::EMPTY; 4];
/// let mut exchanges = [ExchangeSlot::EMPTY; 8];
/// let mut bytes = [0; 512];
/// let mut observers = [ObserverSlot::EMPTY; 4];
/// let store = Slices::<[u8; 4]>::new(&mut peers, &mut exchanges, &mut bytes).observers(&mut observers);
/// let endpoint = Endpoint::new(Config::DEFAULT, [0; 16], store);
/// # let _ = endpoint;
/// ```
#[derive(Debug)]
pub struct Slices<'s, P: Copy + Eq + Hash + 's, C: Scale = Scan> {
    tables: Tables<Self>,
}

impl<'s, P: Copy + Eq + Hash> Slices<'s, P, Scan> {
    /// Slots, all of them empty, and bytes, whatever is in them. Each look-up goes through all slots.
    #[must_use]
    pub fn new(
        peers: &'s mut [PeerSlot<P>],
        exchanges: &'s mut [ExchangeSlot],
        bytes: &'s mut [u8],
    ) -> Slices<'s, P, Scan> {
        Slices::lend(peers, &mut [], exchanges, &mut [], bytes, &mut [])
    }

    /// Slots for observers, all of them empty. Each resource that is observed takes one as well.
    #[must_use]
    pub fn observers(self, observers: &'s mut [ObserverSlot]) -> Slices<'s, P, Scan> {
        self.lend_observers(observers, &mut [])
    }

    /// Slots for bodies that peers send in blocks, all of them empty.
    #[must_use]
    pub fn transfers(self, transfers: &'s mut [TransferSlot]) -> Slices<'s, P, Scan> {
        self.lend_transfers(transfers, &mut [])
    }
}

impl<'s, P: Copy + Eq + Hash> Slices<'s, P, Indexed> {
    /// Slots, all of them empty, and for an index as many zeros; bytes, whatever is in them; and levels for the timer
    /// wheel, up to seven: each spans 64 times what the one below does, and the lowest 64 ms. With none, deadlines are
    /// looked through.
    ///
    /// What there is more of slots than of zeros, or the other way round, is left alone.
    #[must_use]
    pub fn indexed(
        peers: &'s mut [PeerSlot<P>],
        peer_heads: &'s mut [[u32; 1]],
        exchanges: &'s mut [ExchangeSlot],
        exchange_heads: &'s mut [[u32; 2]],
        bytes: &'s mut [u8],
        levels: &'s mut [Level],
    ) -> Slices<'s, P, Indexed> {
        let (peers, peer_heads) = even(peers, peer_heads);
        let (exchanges, exchange_heads) = even(exchanges, exchange_heads);
        Slices::lend(peers, peer_heads, exchanges, exchange_heads, bytes, levels)
    }

    /// Slots for observers, all of them empty, and for their index as many zeros. Each resource that is observed takes
    /// a slot as well.
    #[must_use]
    pub fn observers(
        self,
        observers: &'s mut [ObserverSlot],
        observer_heads: &'s mut [[u32; 2]],
    ) -> Slices<'s, P, Indexed> {
        let (observers, observer_heads) = even(observers, observer_heads);
        self.lend_observers(observers, observer_heads)
    }

    /// Slots for bodies that peers send in blocks, all of them empty, and for their index as many zeros.
    #[must_use]
    pub fn transfers(
        self,
        transfers: &'s mut [TransferSlot],
        transfer_heads: &'s mut [[u32; 1]],
    ) -> Slices<'s, P, Indexed> {
        let (transfers, transfer_heads) = even(transfers, transfer_heads);
        self.lend_transfers(transfers, transfer_heads)
    }
}

impl<'s, P: Copy + Eq + Hash, C: Scale> Slices<'s, P, C> {
    fn lend(
        peers: &'s mut [PeerSlot<P>],
        peer_heads: &'s mut [[u32; 1]],
        exchanges: &'s mut [ExchangeSlot],
        exchange_heads: &'s mut [[u32; 2]],
        bytes: &'s mut [u8],
        levels: &'s mut [Level],
    ) -> Slices<'s, P, C> {
        // A fresh arena is zeros; slots were used by nobody, or are made so.
        bytes.fill(0);
        peers.fill(PeerSlot::EMPTY);
        exchanges.fill(ExchangeSlot::EMPTY);
        peer_heads.fill([0]);
        exchange_heads.fill([0; 2]);
        levels.fill(Level::EMPTY);
        // Seven levels reach further than the horizon of a deadline.
        let levels = if levels.len() > LEVELS { levels.get_mut(..LEVELS).unwrap_or_default() } else { levels };
        let tables = Tables {
            timers: Timers::new(levels),
            peers: Table::new(peers, peer_heads),
            exchanges: Table::new(exchanges, exchange_heads),
            observers: Table::new(Default::default(), Default::default()),
            transfers: Transfers::new(Default::default(), Default::default()),
            arena: Arena::new(bytes),
        };
        Slices { tables }
    }

    fn lend_transfers(self, transfers: &'s mut [TransferSlot], transfer_heads: &'s mut [[u32; 1]]) -> Slices<'s, P, C> {
        transfers.fill(TransferSlot::EMPTY);
        transfer_heads.fill([0]);
        Slices { tables: Tables { transfers: Transfers::new(transfers, transfer_heads), ..self.tables } }
    }

    fn lend_observers(self, observers: &'s mut [ObserverSlot], observer_heads: &'s mut [[u32; 2]]) -> Slices<'s, P, C> {
        observers.fill(ObserverSlot::EMPTY);
        observer_heads.fill([0; 2]);
        Slices { tables: Tables { observers: Table::new(observers, observer_heads), ..self.tables } }
    }
}

/// Both as long as the shorter one.
fn even<'s, T, H>(slots: &'s mut [T], heads: &'s mut [H]) -> (&'s mut [T], &'s mut [H]) {
    let both = slots.len().min(heads.len());
    (slots.get_mut(..both).unwrap_or_default(), heads.get_mut(..both).unwrap_or_default())
}

impl<'s, P: Copy + Eq + Hash + 's, C: Scale> Store for Slices<'s, P, C> {
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

impl<'s, P: Copy + Eq + Hash + 's, C: Scale> Layout for Slices<'s, P, C> {
    type Peer = P;
    type Scale = C;
    type Peers = &'s mut [PeerSlot<P>];
    type PeerHeads = &'s mut [Heads<1>];
    type Exchanges = &'s mut [ExchangeSlot];
    type ExchangeHeads = &'s mut [Heads<2>];
    type Observers = &'s mut [ObserverSlot];
    type ObserverHeads = &'s mut [Heads<2>];
    type Transfers = &'s mut [TransferSlot];
    type TransferHeads = &'s mut [Heads<1>];
    type Bytes = &'s mut [u8];
    type Levels = &'s mut [Level];
}

#[cfg(feature = "defmt")]
mod format {
    use super::{Hash, Scale, Slices};

    impl<P: Copy + Eq + Hash, C: Scale> defmt::Format for Slices<'_, P, C> {
        fn format(&self, f: defmt::Formatter<'_>) {
            let (peers, exchanges) = (self.tables.peers.slots.len(), self.tables.exchanges.slots.len());
            let (observers, bytes) = (self.tables.observers.slots.len(), self.tables.arena.room());
            defmt::write!(
                f,
                "Slices({=usize} peers, {=usize} exchanges, {=usize} observers, {=usize} bytes)",
                peers,
                exchanges,
                observers,
                bytes
            );
        }
    }
}
