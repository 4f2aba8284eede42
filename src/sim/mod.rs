//! A network of endpoints in one process, without sockets and without waiting. Feature `sim`.
//!
//! A clock that jumps from one deadline to the next, a network that loses, doubles, delays, reorders, corrupts and cuts
//! datagrams as its seed decides, and any number of endpoints on it. The same seed gives the same run, on every
//! machine; an hour of lost packets takes milliseconds. The library's own tests run on it, and so can those of a
//! firmware's logic: write it as an [`Application`].
//!
//! ```
//! use coaplet::endpoint::{ClientResponse, Failure, Handle, Request, ServerRequest};
//! use coaplet::sim::{Application, Network, Port, Sim};
//! use coaplet::{Code, Config, Fixed, Store};
//! use std::time::Duration;
//!
//! /// A thermometer that takes three seconds to measure, and a client of it: which one a node is, is a matter of who is asked.
//! #[derive(Default)]
//! struct Thermometer {
//!     measured: Vec<Vec<u8>>,
//!     asked: Vec<coaplet::endpoint::RequestId>,
//! }
//!
//! impl<S: Store<Peer = u16>> Application<S> for Thermometer {
//!     fn on_request(&mut self, port: &mut Port<'_, S>, request: &ServerRequest<'_, u16>) {
//!         // Later: the endpoint acknowledges by itself.
//!         self.asked.push(request.id);
//!         port.wake_after(Duration::from_secs(3), 0);
//!     }
//!     fn on_wake(&mut self, port: &mut Port<'_, S>, _key: u64) {
//!         for id in self.asked.drain(..) {
//!             let _ = port.respond(id, |w| {
//!                 w.code(Code::CONTENT).payload(b"21.5");
//!             });
//!         }
//!     }
//!     fn on_response(&mut self, _: &mut Port<'_, S>, response: &ClientResponse<'_, u16>) {
//!         self.measured.push(response.message.payload().to_vec());
//!     }
//!     fn on_failure(&mut self, _: &mut Port<'_, S>, _: Handle, why: Failure) {
//!         panic!("no answer: {why:?}");
//!     }
//! }
//!
//! let mut sim = Sim::new(1, Network::PERFECT);
//! let client = sim.add(Config::DEFAULT, Fixed::<u16, 4, 8, 512>::new(), Thermometer::default());
//! let server = sim.add(Config::DEFAULT, Fixed::<u16, 4, 8, 512>::new(), Thermometer::default());
//! sim.request(client, server, Request::get(), |w| {
//!     w.path("temperature");
//! })?;
//! sim.run_for(Duration::from_secs(10))?;
//! assert_eq!(sim.application(client).unwrap().measured, [b"21.5"]);
//! // The request, its empty ACK, the response, its empty ACK.
//! assert_eq!(sim.records().iter().filter(|record| record.is_sent()).count(), 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a run checks by itself
//!
//! [`Sim::run_for`] fails, with an [`Anomaly`], if an endpoint is not done after a bounded number of polls at one time,
//! if it wants to be called again and again without any progress, or if it has something to do before the time that it
//! named.
//!
//! The addresses are 1, 2, 3 .. in the order of [`Sim::add`]; [`EVERYBODY`] is a group of all but the sender.

mod network;
mod port;
mod rng;

pub use network::Network;
pub use port::{Application, Port};
pub use rng::Rng;

use crate::config::Config;
use crate::endpoint::{Arrival, Endpoint, Event, Handle, Output, Request, RequestError, Statistics, Usage};
use crate::store::Store;
use crate::time::Instant;
use crate::wire::Writer;
use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

/// The largest datagram here, in bytes.
const DATAGRAM: usize = 2048;

/// A multicast address: what is sent to it comes to every other node as [`Arrival::Group`].
pub const EVERYBODY: u16 = u16::MAX;

/// How often in a row an endpoint may want to be called at a later time and then have nothing to do: a hierarchical
/// wheel comes closer to a deadline level by level, and has five.
const IDLE_WAKES: u32 = 12;

/// Something that happened to a datagram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// When.
    pub at: Instant,
    /// Who sent it.
    pub from: u16,
    /// To whom.
    pub to: u16,
    /// What.
    pub kind: Kind,
    /// Its bytes; of one that was delivered, as they arrived.
    pub bytes: Vec<u8>,
}

impl Record {
    /// Whether it was sent here, rather than delivered.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        self.kind != Kind::Delivered
    }
}

/// What happened to a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A command sent it: a request, or a response.
    Command,
    /// It is the endpoint's reply to the datagram whose record stands before it.
    Reply,
    /// `poll` sent it.
    Polled,
    /// It arrived.
    Delivered,
}

/// What an endpoint must not do. A bug of ours, if you see one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Anomaly {
    /// So many polls at one time, and still not idle.
    Endless(u16, Instant),
    /// It wants to be called, again and again, and does nothing.
    Busy(u16, Instant),
    /// It had something to do before the time that it had named.
    Late(u16, Instant),
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, node, at) = match self {
            Anomaly::Endless(node, at) => ("does not become idle", node, at),
            Anomaly::Busy(node, at) => ("wants to be called without having anything to do", node, at),
            Anomaly::Late(node, at) => ("named a time that is too late", node, at),
        };
        write!(f, "endpoint {node} {what}, at {} ms", at.as_millis())
    }
}

impl core::error::Error for Anomaly {}

#[derive(Debug)]
struct Node<S: Store, A> {
    endpoint: Endpoint<S>,
    application: A,
    deadline: Option<Instant>,
    idle_wakes: u32,
}

#[derive(Debug)]
enum Happening {
    Datagram { from: u16, to: u16, arrival: Arrival, bytes: Vec<u8> },
    Wake { node: u16, key: u64 },
}

/// What a node has sent, and when it wants to be woken, in one call of its application.
#[derive(Debug, Default)]
struct Outbox {
    sent: Vec<(u16, Kind, Vec<u8>)>,
    wakes: Vec<(Duration, u64)>,
}

/// Endpoints, the network between them, and the clock.
#[derive(Debug)]
pub struct Sim<S: Store, A> {
    /// The network: to be changed at any time, for what is sent from then on.
    pub network: Network,
    /// How often in a thousand steps a node is polled that has not asked for it, to see that it has nothing to do. 50.
    pub probes: u32,
    now: Instant,
    rng: Rng,
    nodes: Vec<Node<S, A>>,
    happenings: BTreeMap<(Instant, u64), Happening>,
    order: u64,
    records: Vec<Record>,
}

impl<S: Store<Peer = u16>, A: Application<S>> Sim<S, A> {
    /// A network without anybody, at the time 0.
    #[must_use]
    pub fn new(seed: u64, network: Network) -> Sim<S, A> {
        Sim {
            network,
            probes: 50,
            now: Instant::ZERO,
            rng: Rng::new(seed),
            nodes: Vec::new(),
            happenings: BTreeMap::new(),
            order: 0,
            records: Vec::new(),
        }
    }

    /// Adds an endpoint. Its address comes back.
    pub fn add(&mut self, config: Config, store: S, application: A) -> u16 {
        let endpoint = Endpoint::new(config, self.rng.seed(), store);
        self.nodes.push(Node { endpoint, application, deadline: None, idle_wakes: 0 });
        self.nodes.len() as u16
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// All that happened to datagrams, in order.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Forgets the records so far: a long run would fill the memory with them.
    pub fn clear_records(&mut self) {
        self.records.clear();
    }

    /// The application at an address.
    pub fn application(&mut self, address: u16) -> Option<&mut A> {
        self.node(address).map(|node| &mut node.application)
    }

    /// What the endpoint at an address has in use.
    pub fn usage(&mut self, address: u16) -> Option<Usage> {
        self.node(address).map(|node| node.endpoint.usage())
    }

    /// When the endpoint at an address wants to be polled next, if it does.
    pub fn deadline(&mut self, address: u16) -> Option<Instant> {
        self.node(address).and_then(|node| node.deadline)
    }

    /// What the endpoint at an address has counted.
    pub fn statistics(&mut self, address: u16) -> Option<Statistics> {
        self.node(address).map(|node| node.endpoint.statistics())
    }

    /// The endpoint at an address, to look at; what it is made to send does not go on its way.
    pub fn endpoint(&mut self, address: u16) -> Option<&mut Endpoint<S>> {
        self.node(address).map(|node| &mut node.endpoint)
    }

    /// Sends a datagram as it is, for what no endpoint would send. Also from addresses where nobody is.
    pub fn inject(&mut self, from: u16, to: u16, bytes: &[u8]) {
        self.dispatch(from, Outbox { sent: vec![(to, Kind::Command, bytes.to_vec())], wakes: Vec::new() });
    }

    /// Makes a request at an endpoint.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::request`]; [`RequestError::NoPeer`] also if nobody is at `from`.
    pub fn request(
        &mut self,
        from: u16,
        to: u16,
        request: Request,
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Handle, RequestError> {
        self.with(from, |_, port| port.request(to, request, build))
            .unwrap_or(Err(RequestError::NoPeer { until: Instant::MAX }))
    }

    /// Calls an application with its port, to make it do something. `None` if nobody is there.
    pub fn with<R>(&mut self, address: u16, act: impl FnOnce(&mut A, &mut Port<'_, S>) -> R) -> Option<R> {
        let now = self.now;
        let node = self.node(address)?;
        let mut outbox = Outbox::default();
        let result =
            act(&mut node.application, &mut Port { endpoint: &mut node.endpoint, outbox: &mut outbox, now, address });
        // It is to be polled after any call.
        node.deadline = Some(now);
        node.idle_wakes = 0;
        self.dispatch(address, outbox);
        Some(result)
    }

    /// Lets time pass.
    ///
    /// # Errors
    ///
    /// [`Anomaly`], if an endpoint does what it must not. Time stands still then.
    pub fn run_for(&mut self, time: Duration) -> Result<(), Anomaly> {
        let end = self.now + time;
        while let Some(at) = self.next().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.step()?;
        }
        self.now = end;
        // What nobody needs to be woken for, such as forgetting a peer, is done when an endpoint is polled anyway.
        (1..=self.nodes.len() as u16).try_for_each(|address| self.poll(address))
    }

    /// Delivers the next datagram, wakes an application or polls an endpoint.
    fn step(&mut self) -> Result<(), Anomaly> {
        if self.rng.chance(self.probes) {
            self.probe()?;
        }
        let due = |node: &Node<S, A>| node.deadline.is_some_and(|at| at <= self.now);
        if let Some(index) = self.nodes.iter().position(due) {
            return self.poll(index as u16 + 1);
        }
        let Some(first) = self.happenings.first_entry() else { return Ok(()) };
        match first.remove() {
            Happening::Wake { node, key } => {
                self.with(node, |application, port| application.on_wake(port, key));
            }
            Happening::Datagram { from, to, arrival, bytes } => self.deliver(from, to, arrival, bytes),
        }
        Ok(())
    }

    fn deliver(&mut self, from: u16, to: u16, arrival: Arrival, bytes: Vec<u8>) {
        let now = self.now;
        let Some(node) = usize::from(to).checked_sub(1).and_then(|index| self.nodes.get_mut(index)) else { return };
        self.records.push(Record { at: now, from, to, kind: Kind::Delivered, bytes: bytes.clone() });
        let (mut tx, mut outbox) = ([0; DATAGRAM], Outbox::default());
        let input = node.endpoint.handle(now, from, arrival, &bytes, &mut tx);
        if let Some(reply) = input.reply {
            outbox.push(reply, Kind::Reply, &tx);
        }
        let mut port = Port { endpoint: &mut node.endpoint, outbox: &mut outbox, now, address: to };
        match input.event {
            Event::Request(request) => node.application.on_request(&mut port, &request),
            Event::Response(response) => node.application.on_response(&mut port, &response),
            Event::Handled => {}
        }
        node.deadline = Some(now);
        node.idle_wakes = 0;
        self.dispatch(to, outbox);
    }

    /// Polls until the endpoint is idle until later.
    fn poll(&mut self, address: u16) -> Result<(), Anomaly> {
        let now = self.now;
        let Some(node) = self.node(address) else { return Ok(()) };
        let (mut tx, mut outbox) = ([0; DATAGRAM], Outbox::default());
        let before = node.endpoint.usage();
        // Each exchange and each peer may have one thing to do; a call may do sixteen that nobody hears of.
        let mut left = before
            .exchanges
            .saturating_mul(2)
            .saturating_add(before.peers)
            .saturating_add(before.transfers)
            .saturating_add(16);
        // Each observer may be told something, and looked at before.
        left = left.saturating_add(before.observers.saturating_mul(2));
        let mut done = false;
        let deadline = loop {
            match node.endpoint.poll(now, &mut tx) {
                Output::Send(transmit) => {
                    outbox.push(transmit, Kind::Polled, &tx);
                    done = true;
                }
                Output::Idle(deadline) if deadline.is_none_or(|at| at > now) => break deadline,
                Output::Idle(_) => {}
                told => {
                    let mut port = Port { endpoint: &mut node.endpoint, outbox: &mut outbox, now, address };
                    let application = &mut node.application;
                    match told {
                        Output::Failed(handle, why) => application.on_failure(&mut port, handle, why),
                        Output::Acknowledged(handle) => application.on_acknowledged(&mut port, handle),
                        Output::Delivered(id) => application.on_delivered(&mut port, id, Ok(())),
                        Output::Undelivered(id, why) => application.on_delivered(&mut port, id, Err(why)),
                        Output::Broken(id, why) => application.on_broken(&mut port, id, why),
                        Output::Notify(notify) => application.on_notify(&mut port, notify),
                        Output::Send(_) | Output::Idle(_) => {}
                    }
                    done = true;
                }
            }
            left = match left.checked_sub(1) {
                Some(left) => left,
                None => return Err(Anomaly::Endless(address, now)),
            };
        };
        node.deadline = deadline;
        done |= node.endpoint.usage() != before;
        node.idle_wakes = if done { 0 } else { node.idle_wakes + 1 };
        // One more than is asked for: that after the last call.
        if node.idle_wakes > IDLE_WAKES && deadline.is_some() {
            return Err(Anomaly::Busy(address, now));
        }
        self.dispatch(address, outbox);
        Ok(())
    }

    /// Polls somebody before the time that it named: there must be nothing to do.
    fn probe(&mut self) -> Result<(), Anomaly> {
        let (now, most) = (self.now, (self.nodes.len() as u64).saturating_sub(1));
        let address = self.rng.up_to(most) as u16 + 1;
        let Some(node) = self.node(address) else { return Ok(()) };
        if node.deadline.is_some_and(|at| at <= now) {
            return Ok(());
        }
        match node.endpoint.poll(now, &mut [0; DATAGRAM]) {
            Output::Idle(deadline) => {
                node.deadline = deadline;
                Ok(())
            }
            _ => Err(Anomaly::Late(address, now)),
        }
    }

    /// When something is due, if anything is.
    fn next(&self) -> Option<Instant> {
        let polls = self.nodes.iter().filter_map(|node| node.deadline).min();
        let happens = self.happenings.keys().next().map(|&(at, _)| at);
        polls.into_iter().chain(happens).min()
    }

    fn node(&mut self, address: u16) -> Option<&mut Node<S, A>> {
        self.nodes.get_mut(usize::from(address).checked_sub(1)?)
    }

    /// Puts what a node sent on its way.
    fn dispatch(&mut self, from: u16, outbox: Outbox) {
        for (to, kind, bytes) in outbox.sent {
            let all = 1..=self.nodes.len() as u16;
            let (members, arrival) = match to {
                EVERYBODY => (all, Arrival::Group),
                _ => (to..=to, Arrival::Unicast),
            };
            for to in members.filter(|&to| arrival == Arrival::Unicast || to != from) {
                for (delay, bytes) in self.network.carry(&mut self.rng, &bytes) {
                    self.schedule(delay, Happening::Datagram { from, to, arrival, bytes });
                }
            }
            self.records.push(Record { at: self.now, from, to, kind, bytes });
        }
        for (delay, key) in outbox.wakes {
            self.schedule(delay, Happening::Wake { node: from, key });
        }
    }

    fn schedule(&mut self, delay: Duration, happening: Happening) {
        self.order += 1;
        self.happenings.insert((self.now + delay, self.order), happening);
    }
}
