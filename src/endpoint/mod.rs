//! The datagram endpoint: RFC 7252 sections 4 and 5 behind a few verbs, client and server at once on one socket.
//!
//! It does no I/O, reads no clock and allocates nothing. One datagram goes in by [`handle`](Endpoint::handle) and means at most one
//! event; what is due comes out of [`poll`](Endpoint::poll), one thing at a time.
//!
//! ```text
//!  a request of ours                                a request of a peer's
//!
//!  request() ──► (waits behind NSTART)              handle() ──► Event::Request
//!      │ Transmit        │ poll: Send                   │
//!      ▼                 ▼                              ├─ respond() ──► piggybacked on the ACK; kept for duplicates
//!  outstanding ◄─────────┘ ── poll: Send again          │
//!      │   │   └─ RST ──► poll: Failed(Reset)           ├─ defer(), or too late: empty ACK
//!      │   └─ never ────► poll: Failed(TimedOut)        │      └─ respond() ──► separate response, sent until acknowledged
//!      ▼                                                │
//!  handle() ──► Event::Response                         └─ never: 5.03 by itself
//! ```

mod commands;
mod engine;
mod input;
mod output;
mod types;

pub use commands::Request;
pub use types::{
    Arrival, ClientResponse, Event, Failure, Handle, Input, Output, RequestError, RequestId, Requested, RespondError,
    ServerRequest, Transmit, Usage,
};

use crate::config::Config;
use crate::random::Random;
use crate::store::{List, Store};
use crate::time::Instant;
use engine::Engine;

/// An endpoint: a client and a server on one socket.
#[derive(Debug)]
pub struct Endpoint<S> {
    store: S,
    core: Core,
}

/// What an endpoint knows apart from its store.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) random: Random,
    /// Tells handles of this endpoint from those of others.
    pub(crate) brand: u16,
    /// The latest time that the caller has told.
    pub(crate) now: Instant,
    /// How many exchanges are remembered.
    pub(crate) remembered: u32,
    /// Requests that a peer has reset, to be told.
    pub(crate) ended: List,
    /// Exchanges whose turn has come behind NSTART.
    pub(crate) ready: List,
    /// Remembered CON messages, oldest first: for EXCHANGE_LIFETIME.
    pub(crate) confirmable: List,
    /// Remembered NON messages, oldest first: for NON_LIFETIME.
    pub(crate) non_confirmable: List,
    /// Peers to which nothing refers, oldest first.
    pub(crate) idle: List,
}

#[cfg(feature = "defmt")]
impl<S> defmt::Format for Endpoint<S> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Endpoint({} remembered)", self.core.remembered);
    }
}

impl<S: Store> Endpoint<S> {
    /// An endpoint over a store in which nothing is held yet.
    ///
    /// The seed keeps tokens and Message IDs from being guessed, and peers from choosing what collides in the tables: 16
    /// bytes from a source of randomness, others at each start.
    #[must_use]
    pub const fn new(config: Config, seed: [u8; 16], store: S) -> Endpoint<S> {
        Endpoint {
            store,
            core: Core {
                config,
                random: Random::new(seed),
                brand: u16::from_be_bytes([
                    seed[0] ^ seed[2] ^ seed[4] ^ seed[6],
                    seed[1] ^ seed[3] ^ seed[5] ^ seed[7],
                ]),
                now: Instant::ZERO,
                remembered: 0,
                ended: List::EMPTY,
                ready: List::EMPTY,
                confirmable: List::EMPTY,
                non_confirmable: List::EMPTY,
                idle: List::EMPTY,
            },
        }
    }

    /// What of the store is in use.
    pub fn usage(&mut self) -> Usage {
        let remembered = self.core.remembered;
        let engine = self.engine();
        Usage {
            peers: engine.peers.len(),
            exchanges: engine.exchanges.len(),
            remembered,
            blocks: engine.arena.capacity().saturating_sub(engine.arena.free()),
        }
    }

    fn engine(&mut self) -> Engine<'_, S::Peer> {
        Engine::new(self.store.parts(), &mut self.core)
    }

    /// The engine at a time.
    fn at(&mut self, now: Instant) -> Engine<'_, S::Peer> {
        self.core.now = now;
        self.engine()
    }
}
