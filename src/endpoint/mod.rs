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
//!      ▼                                                │              └─ if asked for: poll: Delivered
//!  handle() ──► Event::Response                         └─ never: 5.03 by itself
//! ```

mod errors;
mod forget;
mod input;
mod output;
mod request;
mod respond;
mod types;

pub use crate::exchange::{Handle, RequestId};
pub use crate::reliability::Statistics;
pub use crate::roles::{ClientMin, Full, Roles, ServerMin};
pub use errors::{ForgetError, RequestError, RespondError};
pub use request::Request;
pub use respond::Answer;
pub use types::{Arrival, ClientResponse, Event, Failure, Input, Output, Requested, ServerRequest, Transmit, Usage};

use crate::config::{Config, Rules};
use crate::random::Random;
use crate::reliability::{Core, Engine};
use crate::store::Store;
use crate::time::Instant;
use core::marker::PhantomData;

/// An endpoint: a client and a server on one socket.
///
/// What it can do is a type, `R`: everything, unless another set of [`Roles`] is named.
#[derive(Clone, Debug)]
pub struct Endpoint<S, R = Full> {
    store: S,
    random: Random,
    core: Core,
    /// The latest time that the caller has told.
    now: Instant,
    roles: PhantomData<R>,
}

#[cfg(feature = "defmt")]
impl<S, R> defmt::Format for Endpoint<S, R> {
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
        Endpoint::with_roles(config, seed, store)
    }
}

impl<S: Store, R: Roles> Endpoint<S, R> {
    /// As [`new`](Endpoint::new), with a set of roles: `Endpoint::<_, Sensor>::with_roles(..)`.
    ///
    /// A set with a configuration of its own does not compile here: see [`of_roles`](Endpoint::of_roles).
    #[must_use]
    pub const fn with_roles(config: Config, seed: [u8; 16], store: S) -> Endpoint<S, R> {
        const { assert!(R::CONFIG.is_none(), "these roles bring their configuration along: use `of_roles`") };
        Endpoint::make(Some(Rules::new(&config)), seed, store)
    }

    /// As [`with_roles`](Endpoint::with_roles), with roles that bring their configuration along:
    /// `Endpoint::<_, ServerMin>::of_roles(..)`. Others do not compile here.
    #[must_use]
    pub const fn of_roles(seed: [u8; 16], store: S) -> Endpoint<S, R> {
        const { assert!(R::CONFIG.is_some(), "these roles have no configuration: use `with_roles`") };
        Endpoint::make(None, seed, store)
    }

    const fn make(rules: Option<Rules>, seed: [u8; 16], store: S) -> Endpoint<S, R> {
        let (core, random) = (Core::new(rules, &seed), Random::new(seed));
        Endpoint { store, core, random, now: Instant::ZERO, roles: PhantomData }
    }

    /// What of the store is in use.
    pub fn usage(&mut self) -> Usage {
        let remembered = self.core.remembered;
        let engine = self.engine();
        Usage {
            peers: engine.held.peers.len(),
            exchanges: engine.held.exchanges.len(),
            remembered,
            blocks: engine.held.arena.capacity().saturating_sub(engine.held.arena.free()),
        }
    }

    /// What was counted since the endpoint was made.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.core.counters.statistics()
    }

    fn engine(&mut self) -> Engine<'_, S::Peer, S::Scale, R> {
        Engine::new(self.store.parts(), &mut self.random, &mut self.core, self.now)
    }

    /// The engine at a time.
    fn at(&mut self, now: Instant) -> Engine<'_, S::Peer, S::Scale, R> {
        self.now = now;
        self.engine()
    }
}
