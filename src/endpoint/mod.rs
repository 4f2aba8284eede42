//! The datagram endpoint: RFC 7252 sections 4, 5 and 8 behind a few verbs, client and server at once on one socket.
//!
//! What it guarantees: it does no I/O, reads no clock and allocates nothing; each call does a bounded amount of work;
//! what a peer sends is never an error of the caller's; and each request, of ours or of a peer's, ends once.
//!
//! One datagram goes in by [`handle`](Endpoint::handle) and means at most one event and one reply. All that is due
//! comes out of [`poll`](Endpoint::poll), one thing at a time.
//!
//! # A program
//!
//! ```
//! use coaplet::endpoint::{Arrival, Event, Failure, Handle, Input, Output, Request, RequestId, RespondError, Transmit};
//! use coaplet::{Code, Config, Endpoint, Fixed, Instant};
//! use core::time::Duration;
//!
//! /// A client and server at an address, which here is a number.
//! struct Node<'s> {
//!     ep: Endpoint<&'s mut Fixed<u8, 4, 8, 512>>,
//!     tx: [u8; 128],
//!     /// In the place of a socket: what is sent, and to whom.
//!     sent: Vec<(u8, Vec<u8>)>,
//!     /// Requests that are answered later.
//!     later: Vec<RequestId>,
//!     /// What the application is told.
//!     told: Vec<Told>,
//! }
//!
//! #[derive(Debug, PartialEq)]
//! enum Told {
//!     Answer(Handle, Vec<u8>),
//!     Alive(Handle),
//!     Failed(Handle, Failure),
//!     Arrived(RequestId),
//! }
//!
//! impl Node<'_> {
//!     // Input: the reply is an ACK, an RST, a stored reply or a refusal, and already in tx.
//!     fn datagram(&mut self, now: Instant, from: u8, rx: &[u8]) -> Result<(), RespondError> {
//!         let Input { reply, event } = self.ep.handle(now, from, Arrival::Unicast, rx, &mut self.tx);
//!         if let Some(t) = reply {
//!             self.send(t);
//!         }
//!         match event {
//!             Event::Request(r) if r.message.path_is("slow") => self.later.push(self.ep.defer(now, r.id)?),
//!             Event::Request(r) => {
//!                 let answer = self.ep.respond(now, r.id, &mut self.tx, |w| {
//!                     w.code(Code::CONTENT).payload(b"21.5");
//!                 })?;
//!                 if let Some(t) = answer {
//!                     self.send(t);
//!                 }
//!             }
//!             Event::Response(r) => self.told.push(Told::Answer(r.handle, r.message.payload().to_vec())),
//!             Event::Handled => {}
//!         }
//!         Ok(())
//!     }
//!
//!     // Output: one thing a call, until Idle says when to come back.
//!     fn due(&mut self, now: Instant) -> Option<Instant> {
//!         loop {
//!             match self.ep.poll(now, &mut self.tx) {
//!                 Output::Send(t) => self.send(t),
//!                 Output::Failed(handle, why) => self.told.push(Told::Failed(handle, why)),
//!                 Output::Acknowledged(handle) => self.told.push(Told::Alive(handle)),
//!                 Output::Delivered(id) => self.told.push(Told::Arrived(id)),
//!                 Output::Undelivered(_, _) | Output::Broken(_, _) | Output::Notify(_) => {}
//!                 Output::Idle(deadline) => return deadline,
//!             }
//!         }
//!     }
//!
//!     fn send(&mut self, t: Transmit<u8>) {
//!         self.sent.push((t.to, self.tx[..t.len].to_vec()));
//!     }
//! }
//!
//! # fn node(store: &mut Fixed<u8, 4, 8, 512>, seed: u8) -> Node<'_> {
//! #     let ep = Endpoint::new(Config::default(), [seed; 16], store);
//! #     Node { ep, tx: [0; 128], sent: Vec::new(), later: Vec::new(), told: Vec::new() }
//! # }
//! # /// Carries datagrams between node 1 and node 2 until none is left.
//! # fn carry(now: Instant, one: &mut Node<'_>, two: &mut Node<'_>) -> Result<(), RespondError> {
//! #     loop {
//! #         one.due(now);
//! #         two.due(now);
//! #         if one.sent.is_empty() && two.sent.is_empty() {
//! #             return Ok(());
//! #         }
//! #         for (_, datagram) in std::mem::take(&mut one.sent) {
//! #             two.datagram(now, 1, &datagram)?;
//! #         }
//! #         for (_, datagram) in std::mem::take(&mut two.sent) {
//! #             one.datagram(now, 2, &datagram)?;
//! #         }
//! #     }
//! # }
//! # let (mut memory, mut of_the_other) = (Fixed::new(), Fixed::new());
//! # let (mut me, mut you) = (node(&mut memory, 1), node(&mut of_the_other, 2));
//! # let mut now = Instant::ZERO;
//! // Commands: node 1 asks node 2 for something that takes its time, and without a confirmation.
//! let request = Request::get().non().timeout(Duration::from_secs(30));
//! let (handle, t) = me.ep.request(now, 2, request, &mut me.tx, |w| {
//!     w.path("slow");
//! })?;
//! if let Some(t) = t {
//!     me.send(t);
//! }
//! # carry(now, &mut me, &mut you)?;
//! # assert_eq!((me.told.len(), you.later.len()), (0, 1));
//!
//! // Node 2 has put it off, and answers now.
//! # now = now + Duration::from_secs(5);
//! for id in std::mem::take(&mut you.later) {
//!     let answer = you.ep.respond(now, id, &mut you.tx, |w| {
//!         w.code(Code::CONTENT).payload(b"at last");
//!     })?;
//!     if let Some(t) = answer {
//!         you.send(t);
//!     }
//! }
//! # carry(now, &mut me, &mut you)?;
//! assert_eq!(me.told.pop(), Some(Told::Answer(handle, b"at last".to_vec())));
//!
//! // The same with a confirmation: the response is a separate one, and node 2 wants to know whether it arrived.
//! let (handle, t) = me.ep.request(now, 2, Request::get(), &mut me.tx, |w| {
//!     w.path("slow");
//! })?;
//! # t.into_iter().for_each(|t| me.send(t));
//! # carry(now, &mut me, &mut you)?;
//! # let id = you.later[0];
//! let answer = you.ep.respond(now, id.report(), &mut you.tx, |w| {
//!     w.code(Code::CONTENT).payload(b"here");
//! })?;
//! # answer.into_iter().for_each(|t| you.send(t));
//! # carry(now, &mut me, &mut you)?;
//! assert_eq!(me.told.pop(), Some(Told::Answer(handle, b"here".to_vec())));
//! assert_eq!(you.told.pop(), Some(Told::Arrived(id)));
//!
//! // Is it alive? And the other verbs, which end what is under way.
//! let (ping, t) = me.ep.ping(now, 2, &mut me.tx)?;
//! # t.into_iter().for_each(|t| me.send(t));
//! # carry(now, &mut me, &mut you)?;
//! assert_eq!(me.told.pop(), Some(Told::Alive(ping)));
//!
//! let (handle, _) = me.ep.request(now, 2, Request::get(), &mut me.tx, |_| {})?;
//! assert!(me.ep.cancel(handle));
//! let (handle, _) = me.ep.request(now, 2, Request::get(), &mut me.tx, |_| {})?;
//! me.ep.forget(now, 2)?;
//! # me.due(now);
//! assert_eq!(me.told.pop(), Some(Told::Failed(handle, Failure::Forgotten)));
//! # // Nobody is at 3: the endpoint sends the request again, and gives up after MAX_TRANSMIT_WAIT.
//! # let (handle, _) = me.ep.request(now, 3, Request::get(), &mut me.tx, |_| {})?;
//! # while let Some(at) = me.due(now) {
//! #     now = at;
//! # }
//! # assert_eq!((me.sent.len(), me.told), (4, vec![Told::Failed(handle, Failure::TimedOut)]));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Which call follows which
//!
//! 1. After [`handle`](Endpoint::handle) the reply is sent, if there is one, before `tx` is used again. Then the event
//!    is looked at. It borrows the datagram and nothing else, so that every verb may be called meanwhile.
//! 2. After each verb, and at the time that the last [`Output::Idle`] named, [`poll`](Endpoint::poll) is called until
//!    it is `Idle` again. To call it early does no harm; while it is not called nothing is sent again, acknowledged
//!    by itself, or told.
//! 3. A [`Transmit`] is sent before `tx` is used again, whichever call gave it out. One buffer does for all of them.
//! 4. A call that gives an error has changed nothing. It may be made again: with a larger `tx`, or once it is the time
//!    that the error names.
//!
//! What is to be expected of each, and may be called then:
//!
//! - [`Event::Request`]: [`respond`](Endpoint::respond) once, now or later, by the [`RequestId`]. Before it, if it
//!   takes longer, [`defer`](Endpoint::defer). With neither, 5.03 goes out by itself after
//!   [`answer_timeout`](crate::Config::answer_timeout).
//! - [`Event::Response`]: the request has ended, unless [`more`](ClientResponse::more) is set.
//! - [`Event::Handled`][]: nothing.
//! - `respond`: the `RequestId` is stale. With [`report`](Answer::report) and a separate response, `poll` gives
//!   [`Output::Delivered`] or [`Output::Undelivered`].
//! - [`respond_observing`](Endpoint::respond_observing) in place of `respond`: as that, and when the resource changes,
//!   [`notify`](Endpoint::notify). `poll` then gives [`Output::Notify`] for each of its observers.
//! - [`Output::Notify`][]: [`write_notification`](Endpoint::write_notification) before the next `poll`, or nothing.
//!   `poll` gives it again until what was written to be confirmed is.
//! - [`end_observers`](Endpoint::end_observers): `poll` sends a last notification to each. Otherwise an observer goes without a
//!   word: [`observers`](Endpoint::observers) has those that are left.
//! - `defer`: `poll` sends the Empty ACK. Then `respond`, by the same `RequestId`.
//! - [`request`](Endpoint::request): one of [`Event::Response`], [`Output::Failed`] and [`Output::Acknowledged`], or
//!   [`cancel`](Endpoint::cancel). To a group: any number of `Event::Response`, and then `Output::Failed`, or `cancel`.
//!   One that [observes](Request::observe): any number of `Event::Response` with `more`, and then one without,
//!   `Output::Failed`, or `cancel`.
//! - [`unobserve`](Endpoint::unobserve): one `Event::Response` without `more`, `Output::Failed`, or `cancel`.
//! - [`ping`](Endpoint::ping): one of `Output::Acknowledged` and `Output::Failed`, or `cancel`.
//! - `cancel`: nothing more of this [`Handle`].
//! - [`forget`](Endpoint::forget): `Output::Failed` of each request to the peer, and `Output::Undelivered` of each
//!   response to it that was to be reported.
//!
//! # The life of an exchange
//!
//! A request of ours, or a ping:
//!
//! ```text
//!  request(), ping() ─┬─ Some ─────────────────────────────────────┐
//!                     └─ None: waits behind NSTART                 │
//!                          └─ its turn: poll gives Send ───────────┤
//!                                                                  ▼
//!         no acknowledgement yet: poll gives Send again ◄──── outstanding
//!                                                                  │
//!  ┌───────────────────────────────────────────────────────────────┘
//!  ├─ an Empty ACK ──► sent no more; the response is to come, and all below holds
//!  │      └─ it wants no response at all (RFC 7967), or is a ping ──► poll gives Acknowledged
//!  ├─ a response, on the ACK or by itself ──────────────────────────► handle gives Event::Response
//!  ├─ an RST ───────────────────────────────────────────────────────► poll gives Failed(Reset); a ping: Acknowledged
//!  ├─ nothing in time ──────────────────────────────────────────────► poll gives Failed(TimedOut)
//!  │      └─ it does not want every response (RFC 7967) ────────────► Failed(Unanswered), once it is sent no more
//!  ├─ unreachable(), before it is acknowledged ─────────────────────► poll gives Failed(Unreachable)
//!  ├─ cancel() ─────────────────────────────────────────────────────► nothing is told
//!  └─ forget() ─────────────────────────────────────────────────────► poll gives Failed(Forgotten)
//! ```
//!
//! A NON request of ours is outstanding without being sent again. One to a group is sent once, too:
//!
//! ```text
//!  request(), of a group ──► Some ──► outstanding
//!                                         │
//!  ┌──────────────────────────────────────┘
//!  ├─ a response, from whomever ────────────────────────────────────► handle gives Event::Response, with `more`
//!  ├─ NON_LIFETIME, MAX_LATENCY, max_server_response_delay over ────► poll gives Failed(TimedOut), or Unanswered
//!  └─ cancel() ─────────────────────────────────────────────────────► nothing is told; the token is taken until then
//! ```
//!
//! A request of a peer's:
//!
//! ```text
//!  handle gives Event::Request
//!    │
//!    ├─ of a CON
//!    │    ├─ respond() ─────────────► Some: piggybacked on the ACK, and kept for duplicates unless `idempotent`
//!    │    └─ defer(), or a second is over: poll sends an Empty ACK; or a duplicate: handle does
//!    │         └─ respond() ────────► Some: a separate response; None: it waits behind NSTART
//!    │              ├─ poll gives Send until it is acknowledged, reset or given up
//!    │              └─ with `report`: poll gives Delivered, or Undelivered
//!    ├─ of a NON
//!    │    └─ respond() ─────────────► Some: a NON
//!    ├─ of a NON to a group
//!    │    └─ respond() ─────────────► None: poll gives Send within the leisure
//!    │         └─ an error, or without a payload: never, unless its No-Response asks for it
//!    └─ neither, for long ──────────► poll answers with 5.03
//!
//!  What the request does not want (RFC 7967) is not sent: of a CON, respond() gives an Empty ACK in its place.
//!  A duplicate gets the ACK, with or without the response, again; one of a NON gets nothing.
//! ```
//!
//! # The life of an observation
//!
//! An observer of a resource of ours (RFC 7641 section 4):
//!
//! ```text
//!  handle gives Event::Request, a GET or FETCH with Observe 0
//!    └─ respond_observing() ──► told ◄───────────────────────────────────────────────┐
//!                                │                                                   │
//!  notify(): it is stale ────────┤                                                   │
//!    ┌───────────────────────────┘                                                   │
//!    ├─ the peer has enough to do, or has just been sent a NON: it waits, and then   │
//!    └─ poll gives Notify ─► write_notification()                                    │
//!         ├─ NON, Some: sent once ─┬─ nothing changes for `confirm_after`: stale ────┤
//!         │                        └─ all is well, but nobody knows ─────────────────┤
//!         ├─ CON, Some ──► outstanding ─┬─ an ACK: told, or stale if it has changed ─┘
//!         │                    ▲        ├─ no ACK yet: poll gives Notify again; the same
//!         │                    └────────┤  message as long as nothing changes
//!         │                             └─ nothing in time ────────────────────────────────► gone
//!         └─ an error: sent, until it is acknowledged ─────────────────────────────────────► gone
//!
//!  an RST to any of the last four notifications, a GET or FETCH with Observe 1, one with Observe 0
//!  that is answered without, end_observer(), end_observers() after a last message, forget() ► gone
//! ```
//!
//! An observation of ours (RFC 7641 section 3):
//!
//! ```text
//!  request(), with `observe` ──► outstanding, as any request ◄──────────────────────────────┐
//!    │                                                                                      │
//!    ├─ 2.xx with Observe ──► handle gives Event::Response, with `more` ──► it observes ◄─┐ │
//!    │                                                                        │           │ │
//!    │    ├─ a fresher notification: handle gives Event::Response, with `more` ───────────┘ │
//!    │    ├─ one that was overtaken: counted, not told                                      │
//!    │    ├─ Max-Age and 5 to 15 s are over: poll gives Send, the request once more ────────┘
//!    │    └─ unobserve() ──► the request once more, with Observe 1: an ordinary one
//!    ├─ an error, or without Observe ──► handle gives Event::Response, without `more`: it is over
//!    ├─ no answer in time, an RST ─────► poll gives Failed: it is over
//!    └─ cancel() ──────────────────────► nothing is told; what still comes is reset
//! ```
//!
//! `ARCHITECTURE.md` in the repository has the same as states.

mod errors;
mod forget;
mod input;
#[cfg(test)]
mod model_check;
mod notify;
pub(crate) mod observe;
mod observers;
mod output;
mod request;
mod respond;
mod transfers;
mod types;
mod unreachable;
mod walk;
mod watch;

pub use crate::exchange::{Handle, ObserverId, RequestId, ResourceId};
pub use crate::reliability::Statistics;
pub use crate::roles::{Abilities, ClientMin, Full, Roles, ServerMin};
pub(crate) use errors::Unmade;
pub use errors::{ForgetError, RequestError, RespondError};
pub(crate) use input::Meaning;
pub use observers::Observer;
pub use request::Request;
pub(crate) use request::{Refused, Why};
pub use respond::Answer;
pub use types::{
    Arrival, ClientResponse, Event, Failure, Input, Notify, Output, Requested, ServerRequest, TransferId, Transmit,
    Usage,
};

use crate::config::{Config, Rules};
use crate::random::Random;
use crate::reliability::Engine;
use crate::store::{Observers, Store};
use crate::time::Instant;

/// An endpoint: a client and a server on one socket.
///
/// What it can do is a type, `R`: everything, unless another set of [`Roles`] is named.
pub struct Endpoint<S: Store, R = Full> {
    engine: Engine<S, R>,
}

// By hand: derived, they would ask the same of `R`.
impl<S: Store + Clone, R> Clone for Endpoint<S, R> {
    fn clone(&self) -> Endpoint<S, R> {
        Endpoint { engine: self.engine.clone() }
    }
}

impl<S: Store + core::fmt::Debug, R> core::fmt::Debug for Endpoint<S, R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Engine { core, held, .. } = &self.engine;
        f.debug_struct("Endpoint").field("core", core).field("held", held).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<S: Store, R> defmt::Format for Endpoint<S, R> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Endpoint({} remembered)", self.engine.core.remembered);
    }
}

impl<S: Store> Endpoint<S> {
    /// An endpoint over a store in which nothing is held yet.
    ///
    /// The seed keeps tokens and Message IDs from being guessed, and peers from choosing what collides in the tables:
    /// 16 bytes from a source of randomness, others at each start.
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
        Endpoint { engine: Engine::new(rules, Random::new(seed), store) }
    }

    /// Gives an endpoint its seed that was made before there was one, in a `static`. To be called before it is used:
    /// what was given out until then is stale, or could be guessed.
    ///
    /// ```
    /// use coaplet::endpoint::ServerMin;
    /// use coaplet::{Endpoint, Fixed};
    ///
    /// // In a `static` of a device, which is all zeros: no copy of it is in the flash.
    /// const SERVER: Endpoint<Fixed<[u8; 4], 4, 8, 512>, ServerMin> = Endpoint::of_roles([0; 16], Fixed::new());
    /// let mut server = SERVER;
    /// # let bytes_from_a_source_of_randomness = || [7; 16];
    /// server.seed(bytes_from_a_source_of_randomness());
    /// ```
    pub const fn seed(&mut self, seed: [u8; 16]) {
        let Engine { core, held, .. } = &mut self.engine;
        held.random = Random::new(seed);
        if !S::INDEXED {
            core.ids.begin(held.random.first());
        }
    }

    /// What of the store is in use.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.engine.usage()
    }

    /// What was counted since the endpoint was made; zeros, where the roles leave [counting](crate::endpoint::Abilities::statistics) out.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.engine.counters.statistics()
    }

    /// The engine at a time.
    #[inline(always)]
    pub(crate) fn at(&mut self, now: Instant) -> &mut Engine<S, R> {
        self.engine.held.go_on(now.as_millis());
        &mut self.engine
    }

    /// The engine at the time of the call before.
    #[inline(always)]
    pub(crate) fn still(&mut self) -> &mut Engine<S, R> {
        &mut self.engine
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    /// What of the store is in use.
    fn usage(&self) -> Usage {
        let (peers, exchanges) = (&self.held.peers, &self.held.exchanges);
        let count = |table: &Observers<S::Layout>| if S::INDEXED { table.len() } else { table.count(|_| true) };
        let observers = count(&self.held.observers);
        let transfers = self.held.transfers.len();
        let blocks = self.held.arena.used();
        if S::INDEXED {
            let remembered = self.core.remembered;
            return Usage { peers: peers.len(), exchanges: exchanges.len(), remembered, observers, transfers, blocks };
        }
        let held = &self.held;
        let used = |index: &u32| held.is_referred_to(*index, R::HAS.transfers, R::HAS.observe);
        let peers = (0..peers.slots()).filter(used).count() as u32;
        let remembered = exchanges.count(|exchange| exchange.state.is_remembered());
        Usage { peers, exchanges: exchanges.count(|_| true), remembered, observers, transfers, blocks }
    }
}
