//! The loop between an endpoint that asks and its socket.

use super::builder::{Trace, Way};
use super::traced::{MAX_MESSAGE, Traced};
use super::{Builder, Error};
use crate::endpoint::{
    Abilities, ClientResponse, Endpoint, Event, Failure, Handle, Output, RequestError, Roles, Transmit,
};
use crate::io::{Address, Received, Udp, seed};
use crate::store::Heap;
use crate::time::Instant;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use std::vec;
use std::vec::Vec;

/// Who asks, and answers nothing: a request that comes is refused with 5.01.
#[derive(Clone, Copy, Debug)]
pub(super) enum AskOnly {}

impl Roles for AskOnly {
    const HAS: Abilities = Abilities { server: false, ..Abilities::ALL };
}

/// What a request is made with.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) endpoint: Endpoint<Heap<Address>, AskOnly>,
    pub(super) tx: Vec<u8>,
}

/// What may end a request of ours, or go on with it.
pub(super) enum Came<'d> {
    Response(ClientResponse<'d, Address>),
    /// It has ended as it was to end without a response.
    Acknowledged(Handle),
    Failed(Handle, Failure),
}

pub(super) struct Link {
    pub(super) asking: Asking,
    pub(super) socket: Traced,
    pub(super) peer: Address,
    rx: Vec<u8>,
    /// When the request that is under way began, and what had been sent again by then.
    begun: Instant,
    before: u32,
    /// Whether something has come since; and at all.
    heard: bool,
    pub(super) ever: bool,
    /// How long the call may take, and until when.
    timeout: Option<Duration>,
    deadline: Option<Instant>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("asking", &self.asking).field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl Link {
    /// For one peer, or a group of some hundred.
    pub(super) fn open(setup: &Builder, remote: SocketAddr, trace: &mut Option<Trace>) -> Result<Link, Error> {
        let udp = match setup.bind {
            // What comes to one address of this machine comes from one peer: see `io::Address`.
            Some(address) if address.ip().is_unspecified() => Udp::towards_from(remote, address.port())?,
            Some(address) => Udp::bind(address)?,
            None => Udp::towards_from(remote, 0)?,
        };
        let endpoint = Endpoint::with_roles(setup.config, seed(), Heap::with_bound(256, 1024, 1 << 16));
        Ok(Link {
            asking: Asking { endpoint, tx: vec![0; MAX_MESSAGE] },
            socket: Traced { udp, trace: trace.take() },
            peer: Address::to(remote),
            rx: vec![0; Udp::LONGEST],
            begun: Instant::ZERO,
            before: 0,
            heard: false,
            ever: false,
            timeout: None,
            deadline: None,
        })
    }

    /// A call begins, which may take so long.
    pub(super) fn begin(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
        self.deadline = timeout.map(|timeout| self.socket.now() + timeout);
        self.begin_request();
    }

    /// A request of it begins.
    fn begin_request(&mut self) {
        self.begun = self.socket.now();
        self.before = self.asking.endpoint.statistics().retransmitted;
        self.heard = false;
    }

    /// Waits no longer than until then; `None`: as long as it takes.
    pub(super) fn until(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Makes a request, and sends it.
    pub(super) fn send<T>(
        &mut self,
        mut make: impl FnMut(&mut Asking, Instant) -> Result<(Option<Transmit<Address>>, T), RequestError>,
    ) -> Result<T, Error> {
        self.begin_request();
        let (sent, what) = loop {
            match make(&mut self.asking, self.socket.now()) {
                // RFC 7252 4.7: a peer that does not respond is asked no faster.
                Err(RequestError::Probing { until }) => self.pause(until)?,
                made => break made?,
            }
        };
        sent.map_or(Ok(()), |sent| self.transmit(sent, Way::Sent))?;
        Ok(what)
    }

    fn pause(&mut self, until: Instant) -> Result<(), Error> {
        let deadline = self.deadline;
        self.deadline = Some(deadline.map_or(until, |deadline| deadline.min(until)));
        let paused = self.wait(|_, _| None::<()>);
        self.deadline = deadline;
        match paused {
            Err(Error::NoAnswer { .. }) if !self.is_late() => Ok(()),
            paused => paused,
        }
    }

    /// The time that the call was given, if it is over.
    pub(super) fn late_after(&self) -> Option<Duration> {
        self.timeout.filter(|_| self.is_late())
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| self.socket.now() >= deadline)
    }

    fn transmit(&mut self, due: Transmit<Address>, way: Way) -> Result<(), Error> {
        Ok(self.socket.send(due, way, &self.asking.tx)?)
    }

    /// How a request of ours has failed, as an error.
    pub(super) fn failure(&self, why: Failure) -> Error {
        let peer = self.peer.remote;
        match why {
            Failure::Reset => Error::Reset { peer },
            Failure::Unreachable => Error::Unreachable { peer },
            Failure::TimedOut | Failure::Unanswered | Failure::Forgotten => Error::NoAnswer {
                peer,
                retransmissions: self.asking.endpoint.statistics().retransmitted.wrapping_sub(self.before),
                time: self.socket.now().since(self.begun),
                heard: self.heard,
            },
        }
    }

    /// Does what is due and takes in what comes, until `look` has what it looks for, or the time of the call is over.
    pub(super) fn wait<T>(&mut self, mut look: impl FnMut(&mut Asking, Came<'_>) -> Option<T>) -> Result<T, Error> {
        loop {
            let now = self.socket.now();
            let came = match self.asking.endpoint.poll(now, &mut self.asking.tx) {
                Output::Send(due) => {
                    self.transmit(due, Way::Due)?;
                    continue;
                }
                Output::Failed(handle, why) => Came::Failed(handle, why),
                Output::Acknowledged(handle) => Came::Acknowledged(handle),
                Output::Idle(_) if self.is_late() => return Err(self.failure(Failure::TimedOut)),
                Output::Idle(until) => {
                    let until = [until, self.deadline].into_iter().flatten().min();
                    if let Some(found) = self.receive(until, &mut look)? {
                        return Ok(found);
                    }
                    continue;
                }
                _ => continue,
            };
            if let Some(found) = look(&mut self.asking, came) {
                return Ok(found);
            }
        }
    }

    fn receive<T>(
        &mut self,
        until: Option<Instant>,
        look: &mut impl FnMut(&mut Asking, Came<'_>) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let received = self.socket.receive(until, &mut self.rx)?;
        let (now, Asking { endpoint, tx }) = (self.socket.now(), &mut self.asking);
        let (from, arrival, len) = match received {
            Received::Nothing => return Ok(None),
            Received::Datagram { from, arrival, len } => (from, arrival, len),
            Received::Unreachable { to, len } => {
                endpoint.unreachable(now, to, self.rx.get(..len).unwrap_or_default());
                return Ok(None);
            }
        };
        (self.heard, self.ever) = (true, true);
        let input = endpoint.handle(now, from, arrival, self.rx.get(..len).unwrap_or_default(), tx);
        if let Some(reply) = input.reply {
            self.socket.send(reply, Way::Sent, tx)?;
        }
        Ok(match input.event {
            Event::Response(response) => look(&mut self.asking, Came::Response(response)),
            _ => None,
        })
    }
}
