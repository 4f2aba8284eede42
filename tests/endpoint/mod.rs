//! Timed scripts for an endpoint that read like the figures of RFC 7252: what comes in at which moment, and what goes out.
//!
//! A script is strict. What an endpoint gives out is queued, and each expectation takes the next thing from the queue; what
//! nobody expected fails the script, at the latest when it ends.
//!
//! Messages are written as the codec prints them. `mid=$name` and `token=$name` stand for what is not known beforehand: the
//! first time binds it, from then on it has to be the same.

#![allow(dead_code, unused_imports, unused_macros)]

mod expect;
pub mod observing;
mod text;

pub use text::unhex;

use coaplet::endpoint::{
    Answer, Arrival, ClientResponse, Event, Failure, ForgetError, Handle, Notify, Output, Request, RequestError,
    RequestId, ResourceId, RespondError,
};
use coaplet::store::{Indexed, Scale};
use coaplet::{Code, Config, Endpoint, Fixed, Instant, Message, Store, Writer};
use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Makes a test of each script for each scale of store: one in which all slots are looked at, and one with an index.
macro_rules! in_both_scales {
    ($($script:ident),* $(,)?) => {
        mod scan {
            $(#[test] fn $script() { super::$script::<coaplet::store::Scan>(); })*
        }
        mod indexed {
            $(#[test] fn $script() { super::$script::<coaplet::store::Indexed>(); })*
        }
    };
}

/// The other side of most scripts.
pub const PEER: u16 = 7;
/// Another one.
pub const OTHER: u16 = 8;
/// What the firmware example has: 4 peers, 8 exchanges, 512 bytes.
pub type Small = Fixed<u16, 4, 8, 512>;
/// Room for whatever a script does.
pub type Large = Fixed<u16, 16, 64, 16384, 32, 0, Indexed>;

/// Of a scale: the tables of the firmware example.
pub type Eight<C> = Fixed<u16, 4, 8, 512, 4, 0, C>;
/// Of a scale: room for whatever a script does.
pub type Roomy<C> = Fixed<u16, 16, 64, 16384, 32, 0, C>;

/// What came out, and when.
#[derive(Debug)]
enum Out {
    Sent {
        at: u64,
        to: u16,
        bytes: Vec<u8>,
    },
    Asked {
        id: RequestId,
        from: u16,
        line: String,
    },
    Answered {
        handle: Handle,
        from: u16,
        line: String,
        more: bool,
        observed: Option<u32>,
        round_trip: Option<Duration>,
    },
    Failed {
        at: u64,
        handle: Handle,
        why: Failure,
    },
    /// Another thing that `poll` tells.
    Told {
        at: u64,
        what: Output<u16>,
    },
}

impl Out {
    fn at(&self) -> Option<u64> {
        match self {
            Out::Sent { at, .. } | Out::Failed { at, .. } | Out::Told { at, .. } => Some(*at),
            Out::Asked { .. } | Out::Answered { .. } => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Out::Sent { at, to, bytes } => format!("at {at} ms to {to}: {}", line(bytes)),
            other => format!("{other:?}"),
        }
    }
}

/// A moment or a range of moments in ms.
pub trait When {
    fn bounds(self) -> (u64, u64);
}

impl When for u64 {
    fn bounds(self) -> (u64, u64) {
        (self, self)
    }
}

impl When for RangeInclusive<u64> {
    fn bounds(self) -> (u64, u64) {
        (*self.start(), *self.end())
    }
}

/// An endpoint, its clock and what came out of it.
pub struct Script<S: Store<Peer = u16>> {
    pub ep: Endpoint<S>,
    now: u64,
    out: VecDeque<Out>,
    names: HashMap<String, String>,
    tx: usize,
    /// What a resource is now.
    shown: HashMap<u32, Shown>,
}

/// The present state of a resource, in the notifications that are made of it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub code: Code,
    /// The payload; `{tag}` stands for the observer's tag, `{size}` for the size of block that it asked for.
    pub text: String,
    /// Non-confirmable, if it may be.
    pub non: bool,
    /// Nothing is written.
    pub skip: bool,
}

impl Shown {
    pub fn con(text: &str) -> Shown {
        Shown { code: Code::CONTENT, text: text.into(), non: false, skip: false }
    }

    pub fn non(text: &str) -> Shown {
        Shown { non: true, ..Shown::con(text) }
    }
}

pub fn script() -> Script<Large> {
    Script::new(Config::DEFAULT, Large::new())
}

pub fn script_with(config: Config) -> Script<Large> {
    Script::new(config, Large::new())
}

/// With the tables of the firmware example.
pub fn small() -> Script<Small> {
    Script::new(Config::DEFAULT, Small::new())
}

/// A script for a store of a scale, with the tables of the firmware example.
pub fn eight<C: Scale>(config: Config) -> Script<Eight<C>> {
    Script::new(config, Fixed::new())
}

/// A script for a store of a scale, with room for whatever it does.
pub fn roomy<C: Scale>(config: Config) -> Script<Roomy<C>> {
    Script::new(config, Fixed::new())
}

impl<S: Store<Peer = u16>> Script<S> {
    pub fn new(config: Config, store: S) -> Script<S> {
        Script::seeded(config, store, *b"the seed of this")
    }

    pub fn seeded(config: Config, store: S, seed: [u8; 16]) -> Script<S> {
        let ep = Endpoint::new(config, seed, store);
        Script { ep, now: 0, out: VecDeque::new(), names: HashMap::new(), tx: 1152, shown: HashMap::new() }
    }

    fn instant(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// Polls until nothing is due. A call that never comes to rest fails.
    #[track_caller]
    fn drain(&mut self) -> Option<u64> {
        for _ in 0..10_000 {
            let mut tx = vec![0xee; self.tx];
            match self.ep.poll(self.instant(), &mut tx) {
                Output::Send(transmit) => {
                    let bytes = tx[..transmit.len].to_vec();
                    self.out.push_back(Out::Sent { at: self.now, to: transmit.to, bytes });
                }
                Output::Failed(handle, why) => self.out.push_back(Out::Failed { at: self.now, handle, why }),
                what @ (Output::Acknowledged(_)
                | Output::Delivered(_)
                | Output::Undelivered(..)
                | Output::Broken(..)) => {
                    self.out.push_back(Out::Told { at: self.now, what });
                }
                Output::Notify(notify) => self.write(notify),
                Output::Idle(next) => {
                    let next = next.map(Instant::as_millis);
                    if next.is_none_or(|next| next > self.now) {
                        return next;
                    }
                }
            }
        }
        panic!("poll does not come to rest at {} ms", self.now);
    }

    /// Writes a notification of what the resource is now; in a buffer that is too small at first.
    #[track_caller]
    fn write(&mut self, notify: Notify<u16>) {
        let Some(shown) = self.shown.get(&notify.resource.0).filter(|shown| !shown.skip) else { return };
        let size = notify.block_size.map_or("none".into(), |size| size.to_string());
        let text = shown.text.replace("{tag}", &notify.tag.to_string()).replace("{size}", &size);
        let notify = if shown.non { notify.non() } else { notify };
        let now = self.instant();
        let build = |w: &mut Writer<'_>| {
            w.code(shown.code).payload(text.as_bytes());
        };
        let mut tx = vec![0xee; self.tx];
        let small = self.ep.write_notification(now, notify, &mut tx[..3], build);
        assert!(matches!(small, Err(RespondError::Write(_))), "{small:?}");
        let made = self.ep.write_notification(now, notify, &mut tx, build).unwrap_or_else(|error| panic!("{error:?}"));
        if let Some(transmit) = made {
            let bytes = tx[..transmit.len].to_vec();
            self.out.push_back(Out::Sent { at: self.now, to: transmit.to, bytes });
        }
        let again = self.ep.write_notification(now, notify, &mut tx, build);
        assert_eq!(again, Err(RespondError::Stale), "what is written is written once");
    }

    /// A resource is this from now on.
    #[track_caller]
    pub fn changes(&mut self, at: u64, resource: u32, shown: Shown) -> &mut Self {
        self.until(at);
        self.shown.insert(resource, shown);
        self.ep.notify(ResourceId(resource));
        self.drain();
        self
    }

    /// A resource is this from now on, and nobody is told.
    pub fn shows(&mut self, resource: u32, shown: Shown) -> &mut Self {
        self.shown.insert(resource, shown);
        self
    }

    /// The application answers and accepts an observer.
    #[track_caller]
    pub fn accept(&mut self, at: u64, id: impl Into<Answer>, resource: u32, tag: u32, text: &str) -> &mut Self {
        self.accept_with(at, id, resource, tag, |w| {
            w.code(Code::CONTENT).payload(text.as_bytes());
        })
    }

    #[track_caller]
    pub fn accept_with(
        &mut self,
        at: u64,
        id: impl Into<Answer>,
        resource: u32,
        tag: u32,
        build: impl FnOnce(&mut Writer<'_>),
    ) -> &mut Self {
        self.until(at);
        let mut tx = vec![0xee; self.tx];
        let resource = ResourceId(resource);
        let made = self.ep.respond_observing(self.instant(), id, resource, tag, &mut tx, build);
        if let Some(transmit) = made.unwrap_or_else(|error| panic!("{error:?}")) {
            self.out.push_back(Out::Sent { at, to: transmit.to, bytes: tx[..transmit.len].to_vec() });
        }
        self.drain();
        self
    }

    /// A peer registers as an observer by a CON, and is accepted: the state that it was told, and the number of it.
    #[track_caller]
    pub fn observer(&mut self, at: u64, from: u16, mid: u16, token: &str, resource: u32, tag: u32) -> u32 {
        self.recv(at, from, &format!("CON GET mid=0x{mid:04x} token={token} [Observe: 0, Uri-Path: temperature]"));
        let id = self.asked_by(from);
        self.names.remove("registered");
        self.accept(at, id, resource, tag, "first");
        let line =
            format!("ACK 2.05 Content mid=0x{mid:04x} token={token} [Observe: $registered] payload 5 bytes \"first\"");
        self.sent(at, from, &line);
        self.number("registered")
    }

    /// The number that a name stands for.
    #[track_caller]
    pub fn number(&self, name: &str) -> u32 {
        self.name(name).parse().unwrap_or_else(|_| panic!("{name} is no number"))
    }

    /// Lets time pass: polls at each moment that the endpoint asks for.
    #[track_caller]
    pub fn until(&mut self, at: u64) -> &mut Self {
        assert!(at >= self.now, "a script goes forwards: {at} after {}", self.now);
        while let Some(next) = self.drain() {
            if next > at {
                break;
            }
            self.now = next;
        }
        self.now = at;
        self.drain();
        self
    }

    /// Lets time pass until something comes out.
    #[track_caller]
    pub fn wait(&mut self, latest: u64) -> &mut Self {
        while self.out.is_empty() {
            match self.drain() {
                Some(next) if next <= latest && self.out.is_empty() => self.now = next,
                _ => break,
            }
        }
        self
    }

    /// From now on a name stands for nothing.
    pub fn unbind(&mut self, name: &str) -> &mut Self {
        self.names.remove(name);
        self
    }

    /// Lets time pass without a poll: the caller overslept.
    pub fn oversleep(&mut self, at: u64) -> &mut Self {
        self.now = at;
        self
    }

    /// A message comes in.
    #[track_caller]
    pub fn recv(&mut self, at: u64, from: u16, text: &str) -> &mut Self {
        self.until(at);
        let bytes = self.encode(text);
        self.take(from, &bytes)
    }

    /// A message comes in by a group address.
    #[track_caller]
    pub fn recv_group(&mut self, at: u64, from: u16, text: &str) -> &mut Self {
        self.until(at);
        let bytes = self.encode(text);
        self.take_by(Arrival::Group, from, &bytes)
    }

    /// Bytes come in.
    #[track_caller]
    pub fn recv_bytes(&mut self, at: u64, from: u16, bytes: &[u8]) -> &mut Self {
        self.until(at);
        self.take(from, bytes)
    }

    /// Takes in a datagram now, and polls afterwards as the documentation wants it.
    #[track_caller]
    pub fn take(&mut self, from: u16, bytes: &[u8]) -> &mut Self {
        self.take_by(Arrival::Unicast, from, bytes)
    }

    /// The same, by a group address.
    #[track_caller]
    pub fn take_group(&mut self, from: u16, bytes: &[u8]) -> &mut Self {
        self.take_by(Arrival::Group, from, bytes)
    }

    #[track_caller]
    fn take_by(&mut self, arrival: Arrival, from: u16, bytes: &[u8]) -> &mut Self {
        let mut tx = vec![0xee; self.tx];
        let input = self.ep.handle(Instant::from_millis(self.now), from, arrival, bytes, &mut tx);
        if let Some(reply) = input.reply {
            self.out.push_back(Out::Sent { at: self.now, to: reply.to, bytes: tx[..reply.len].to_vec() });
        }
        match input.event {
            Event::Request(request) => {
                let line = request.message.to_string();
                self.out.push_back(Out::Asked { id: request.id, from: request.from, line });
            }
            Event::Response(response) => {
                let line = response.message.to_string();
                let ClientResponse { handle, from, more, observed, round_trip, .. } = response;
                assert!(more || observed.is_none(), "an observation that is over has no place in an order");
                self.out.push_back(Out::Answered { handle, from, line, more, observed, round_trip });
            }
            Event::Handled => {}
        }
        self.drain();
        self
    }

    /// The bytes of a message as the codec prints it, with the names filled in.
    #[track_caller]
    pub fn encode(&self, text: &str) -> Vec<u8> {
        text::encode(&text::fill(text, &self.names))
    }

    /// What a name stands for.
    #[track_caller]
    pub fn name(&self, name: &str) -> &str {
        self.names.get(name).unwrap_or_else(|| panic!("{name} is not bound"))
    }

    /// The application makes a GET of /temperature; gives the handle.
    #[track_caller]
    pub fn get(&mut self, at: u64, to: u16) -> Handle {
        self.request(at, to, Request::get())
    }

    /// The application makes a request for /temperature.
    #[track_caller]
    pub fn request(&mut self, at: u64, to: u16, request: Request) -> Handle {
        self.try_request(at, to, request, |w| {
            w.path("temperature");
        })
        .unwrap_or_else(|error| panic!("{error:?}"))
    }

    #[track_caller]
    pub fn try_request(
        &mut self,
        at: u64,
        to: u16,
        request: Request,
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Handle, RequestError> {
        self.until(at);
        let mut tx = vec![0xee; self.tx];
        let made = self.ep.request(self.instant(), to, request, &mut tx, build);
        let made = made.map(|(handle, transmit)| {
            if let Some(transmit) = transmit {
                self.out.push_back(Out::Sent { at, to: transmit.to, bytes: tx[..transmit.len].to_vec() });
            }
            handle
        });
        self.drain();
        made
    }

    /// The application answers.
    #[track_caller]
    pub fn respond(&mut self, at: u64, id: impl Into<Answer>, code: Code, payload: &str) -> &mut Self {
        let answered = self.try_respond(at, id, |w| {
            w.code(code).payload(payload.as_bytes());
        });
        answered.unwrap_or_else(|error| panic!("{error:?}"));
        self
    }

    #[track_caller]
    pub fn try_respond(
        &mut self,
        at: u64,
        answer: impl Into<Answer>,
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(), RespondError> {
        self.until(at);
        let mut tx = vec![0xee; self.tx];
        let made = self.ep.respond(self.instant(), answer, &mut tx, build);
        let made = made.map(|transmit| {
            if let Some(transmit) = transmit {
                self.out.push_back(Out::Sent { at, to: transmit.to, bytes: tx[..transmit.len].to_vec() });
            }
        });
        self.drain();
        made
    }

    /// How large the buffer is that is lent from now on.
    pub fn tx(&mut self, len: usize) -> &mut Self {
        self.tx = len;
        self
    }

    /// The application does not want to observe any more, and says so.
    #[track_caller]
    pub fn unobserve(&mut self, at: u64, handle: Handle) -> Result<(), RequestError> {
        self.until(at);
        let mut tx = vec![0xee; self.tx];
        if let Some(transmit) = self.ep.unobserve(self.instant(), handle, &mut tx)? {
            self.out.push_back(Out::Sent { at, to: transmit.to, bytes: tx[..transmit.len].to_vec() });
        }
        self.drain();
        Ok(())
    }

    /// The application puts an answer off.
    #[track_caller]
    pub fn defer(&mut self, at: u64, id: RequestId) -> RequestId {
        self.try_defer(at, id).unwrap_or_else(|error| panic!("{error:?}"))
    }

    #[track_caller]
    pub fn try_defer(&mut self, at: u64, id: RequestId) -> Result<RequestId, RespondError> {
        self.until(at);
        let later = self.ep.defer(self.instant(), id);
        self.drain();
        later
    }

    /// The application asks for a sign of life.
    #[track_caller]
    pub fn ping(&mut self, at: u64, to: u16) -> Handle {
        self.try_ping(at, to).unwrap_or_else(|error| panic!("{error:?}"))
    }

    #[track_caller]
    pub fn try_ping(&mut self, at: u64, to: u16) -> Result<Handle, RequestError> {
        self.until(at);
        let mut tx = vec![0xee; self.tx];
        let (handle, transmit) = self.ep.ping(self.instant(), to, &mut tx)?;
        if let Some(transmit) = transmit {
            self.out.push_back(Out::Sent { at, to: transmit.to, bytes: tx[..transmit.len].to_vec() });
        }
        self.drain();
        Ok(handle)
    }

    /// The application is done with a peer.
    #[track_caller]
    pub fn forget(&mut self, at: u64, peer: u16) -> &mut Self {
        self.try_forget(at, peer).unwrap_or_else(|error| panic!("{error:?}"));
        self
    }

    #[track_caller]
    pub fn try_forget(&mut self, at: u64, peer: u16) -> Result<(), ForgetError> {
        self.until(at);
        let forgotten = self.ep.forget(self.instant(), peer);
        self.drain();
        forgotten
    }
}

impl<S: Store<Peer = u16>> Drop for Script<S> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.silence();
        }
    }
}

/// As the codec prints it.
#[track_caller]
pub fn line(bytes: &[u8]) -> String {
    Message::parse(bytes)
        .unwrap_or_else(|error| panic!("what went out does not parse: {error}: {bytes:02x?}"))
        .to_string()
}
