//! The requests of a client that are under way at the same time.

use super::Error;
use super::call::Asked;
use super::link::{AskOnly, Came};
use super::observed::Observed;
use super::reply::Reply;
use super::transfer::{Payload, Transfer, keep, stepped};
use crate::block::Body;
use crate::config::Config;
use crate::endpoint::{Arrival, Endpoint, Event, Failure, Handle, Output, RequestError, Transmit};
use crate::io::{Address, Due, UdpError, seed};
use crate::store::Heap;
use crate::time::Instant;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::vec::Vec;
use tokio::sync::oneshot::Sender;

/// Requests to one peer, each by a number of its own.
pub(super) struct UnderWay {
    endpoint: Endpoint<Heap<Address>, AskOnly>,
    peer: Address,
    requests: HashMap<u64, Pending>,
    observed: HashMap<u64, Observed>,
    /// Those of which something is outstanding.
    asked: HashMap<Handle, u64>,
    /// Those that have something to send: their first request, or the next block.
    eager: VecDeque<u64>,
    next: u64,
    now: Instant,
    stopping: bool,
}

struct Pending {
    transfer: Transfer<Vec<u8>>,
    reply: Reply,
    payload: Vec<u8>,
    begun: Option<Instant>,
    tell: Tell,
}

/// Who is told of an outcome.
enum Tell {
    Once(Sender<Result<Reply, Error>>),
    /// The observation of this number: it is a state of it, in several blocks.
    Observer(u64),
}

impl Payload for Vec<u8> {
    fn body(&mut self) -> Body<'_> {
        Body::slice(self)
    }

    fn length(&self) -> Option<u32> {
        u32::try_from(self.len()).ok()
    }
}

impl UnderWay {
    pub(super) fn new(config: Config, peer: Address) -> UnderWay {
        UnderWay {
            endpoint: Endpoint::with_roles(config, seed(), Heap::with_bound(16, 4096, 1 << 20)),
            peer,
            requests: HashMap::new(),
            observed: HashMap::new(),
            asked: HashMap::new(),
            eager: VecDeque::new(),
            next: 0,
            now: Instant::ZERO,
            stopping: false,
        }
    }

    /// One more. Its outcome goes to `tell`.
    pub(super) fn add(
        &mut self,
        asked: &Asked,
        mut payload: Option<Vec<u8>>,
        tell: Sender<Result<Reply, Error>>,
    ) -> Result<u64, Error> {
        if self.stopping {
            return Err(Error::Closed);
        }
        if payload.is_none() && asked.has_body() {
            payload = Some(Vec::new());
        }
        let (transfer, reply) = (Transfer::new(asked, self.peer, payload), Reply::new(self.peer.remote));
        let pending = Pending { transfer, reply, payload: Vec::new(), begun: None, tell: Tell::Once(tell) };
        Ok(self.put(pending))
    }

    fn put(&mut self, pending: Pending) -> u64 {
        let number = self.number();
        self.requests.insert(number, pending);
        self.eager.push_back(number);
        number
    }

    fn number(&mut self) -> u64 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        number
    }

    /// An observation of what a GET gives.
    pub(super) fn observe(&mut self, asked: Asked) -> Result<u64, Error> {
        if self.stopping {
            return Err(Error::Closed);
        }
        let number = self.number();
        self.observed.insert(number, Observed::new(asked));
        self.eager.push_back(number);
        Ok(number)
    }

    /// What is observed under this number.
    pub(super) fn observed(&mut self, number: u64) -> Option<&mut Observed> {
        self.observed.get_mut(&number)
    }

    /// Nobody observes it any more: the next notification is reset (RFC 7641 3.6).
    pub(super) fn unobserve(&mut self, number: u64) {
        let Some(observed) = self.observed.remove(&number) else { return };
        if let Some(handle) = observed.handle {
            self.asked.remove(&handle);
            self.endpoint.cancel(handle);
        }
        if let Some(rest) = observed.rest {
            self.cancel(rest);
        }
    }

    /// Nobody waits for it any more. False if it has ended.
    pub(super) fn cancel(&mut self, number: u64) -> bool {
        let Some(request) = self.requests.remove(&number) else { return false };
        if let Some(handle) = request.transfer.handle() {
            self.asked.remove(&handle);
            self.endpoint.cancel(handle);
        }
        true
    }

    /// Nothing new is begun. Observations have no end of their own: they end now.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
        let numbers: Vec<u64> = self.observed.keys().copied().collect();
        for number in numbers {
            if let Some(observed) = self.observed.get_mut(&number) {
                observed.end();
                let (handle, rest) = (observed.handle.take(), observed.rest.take());
                if let Some(handle) = handle {
                    self.asked.remove(&handle);
                    self.endpoint.cancel(handle);
                }
                if let Some(rest) = rest {
                    self.cancel(rest);
                }
            }
        }
    }

    /// The socket cannot be used: that is the end of all.
    pub(super) fn broken(&mut self, error: &UdpError) {
        let broken = || Error::Socket(UdpError { doing: error.doing, why: io::Error::from(error.why.kind()) });
        for observed in self.observed.values_mut() {
            observed.put(Err(broken()));
        }
        self.stop();
        for (_, request) in self.requests.drain() {
            request.tell.once(Err(broken()));
        }
    }

    pub(super) fn due(&mut self, now: Instant, tx: &mut [u8]) -> Due<Address> {
        self.now = now;
        loop {
            let retry = match self.ask(now, tx) {
                Asking::Sent(sent) => return Due::Send(sent),
                Asking::Wait(until) => until,
            };
            let came = match self.endpoint.poll(now, tx) {
                Output::Send(due) => return Due::Send(due),
                Output::Failed(handle, why) => Came::Failed(handle, why),
                Output::Acknowledged(handle) => Came::Acknowledged(handle),
                Output::Idle(_) if self.stopping && self.requests.is_empty() => return Due::Over,
                Output::Idle(until) => return Due::Wait([until, retry].into_iter().flatten().min()),
                _ => continue,
            };
            self.came(came);
        }
    }

    /// Sends for the next that has something to send, if it may.
    fn ask(&mut self, now: Instant, tx: &mut [u8]) -> Asking {
        while let Some(&number) = self.eager.front() {
            let made = if let Some(request) = self.requests.get_mut(&number) {
                let made = request.transfer.ask(&mut self.endpoint, now, tx);
                made.map(|sent| (request.transfer.handle(), sent))
            } else if let Some(observed) = self.observed.get_mut(&number).filter(|observed| !observed.is_over()) {
                observed.register(&mut self.endpoint, now, self.peer, tx)
            } else {
                self.eager.pop_front();
                continue;
            };
            match made {
                Err(
                    RequestError::Probing { until }
                    | RequestError::NoPeer { until }
                    | RequestError::NoMessageId { until },
                ) => return Asking::Wait(Some(until)),
                // Something of it is free again when another one ends.
                Err(
                    RequestError::WouldWait { .. }
                    | RequestError::NoExchange
                    | RequestError::NoBytes { .. }
                    | RequestError::NoToken { .. },
                ) if !self.asked.is_empty() => return Asking::Wait(None),
                _ => _ = self.eager.pop_front(),
            }
            match made {
                Err(error) => self.end(number, Err(Error::Request(error))),
                Ok((handle, sent)) => {
                    if let Some(request) = self.requests.get_mut(&number) {
                        request.begun.get_or_insert(now);
                    }
                    if let Some(handle) = handle {
                        self.asked.insert(handle, number);
                    }
                    if let Some(sent) = sent {
                        return Asking::Sent(sent);
                    }
                }
            }
        }
        Asking::Wait(None)
    }

    pub(super) fn datagram(
        &mut self,
        now: Instant,
        from: Address,
        arrival: Arrival,
        datagram: &[u8],
        tx: &mut [u8],
    ) -> Option<Transmit<Address>> {
        self.now = now;
        let input = self.endpoint.handle(now, from, arrival, datagram, tx);
        if let Event::Response(response) = input.event {
            self.came(Came::Response(response));
        }
        input.reply
    }

    pub(super) fn unreachable(&mut self, now: Instant, to: Address, quoted: &[u8]) {
        self.endpoint.unreachable(now, to, quoted);
    }

    /// Whose it is, and what it means to that one.
    fn came(&mut self, came: Came<'_>) {
        let (Came::Failed(handle, _) | Came::Acknowledged(handle)) = came else {
            let Came::Response(response) = &came else { return };
            let handle = response.handle;
            return self.came_of(handle, came);
        };
        self.came_of(handle, came);
    }

    fn came_of(&mut self, handle: Handle, came: Came<'_>) {
        let Some(number) = self.asked.remove(&handle) else { return };
        let Some(request) = self.requests.get_mut(&number) else { return self.noted(number, handle, came) };
        let looked = request.transfer.look(&came, &mut request.reply, &mut keep(&mut request.payload));
        match looked {
            Some(Ok(false)) => self.eager.push_back(number),
            Some(Ok(true)) => {
                let mut reply = request.reply.clone();
                reply.payload = std::mem::take(&mut request.payload);
                self.end(number, Ok(reply));
            }
            Some(Err(broken)) => {
                let error = broken.explain(self.peer.remote, failed(self.peer, request.begun, self.now));
                self.end(number, Err(error));
            }
            None => _ = self.asked.insert(handle, number),
        }
    }

    /// Something has come of an observation.
    fn noted(&mut self, number: u64, handle: Handle, came: Came<'_>) {
        let Some(observed) = self.observed.get_mut(&number) else { return };
        let (peer, began, now) = (self.peer, observed.begun, self.now);
        let Came::Response(response) = came else {
            let why = if let Came::Failed(_, why) = came { why } else { Failure::Unanswered };
            observed.put(Err(failed(peer, began, now)(why)));
            return observed.end();
        };
        let mut pending = Pending {
            transfer: Transfer::new(&observed.asked, peer, None),
            reply: Reply::new(response.from.remote),
            payload: Vec::new(),
            begun: None,
            tell: Tell::Observer(number),
        };
        let step = pending.transfer.begin_with(&mut self.endpoint, &response.message);
        pending.reply.take(&response.message);
        pending.reply.round_trip = response.round_trip;
        let whole = stepped(step, &mut keep(&mut pending.payload));
        match whole {
            Ok(true) => {
                pending.reply.payload = pending.payload;
                observed.put(Ok(pending.reply));
                // Of changes that come while another state is fetched the last one counts.
                if let Some(old) = observed.rest.take() {
                    self.cancel(old);
                }
            }
            Ok(false) => {
                let old = observed.rest.take();
                let rest = self.put(pending);
                if let Some(observed) = self.observed.get_mut(&number) {
                    observed.rest = Some(rest);
                }
                if let Some(old) = old {
                    self.cancel(old);
                }
            }
            Err(broken) => observed.put(Err(broken.explain(peer.remote, failed(peer, began, now)))),
        }
        match self.observed.get_mut(&number) {
            Some(_) if response.more => _ = self.asked.insert(handle, number),
            Some(observed) => observed.last(),
            None => {}
        }
    }

    fn end(&mut self, number: u64, outcome: Result<Reply, Error>) {
        let Some(request) = self.requests.remove(&number) else {
            if let (Some(observed), Err(error)) = (self.observed.get_mut(&number), outcome) {
                observed.put(Err(error));
                observed.end();
            }
            return;
        };
        match request.tell {
            Tell::Observer(observer) => {
                if let Some(observed) = self.observed.get_mut(&observer) {
                    observed.rest = None;
                    observed.put(outcome);
                }
            }
            once => once.once(outcome),
        }
    }
}

impl Tell {
    fn once(self, outcome: Result<Reply, Error>) {
        if let Tell::Once(tell) = self {
            // Who has been dropped meanwhile is told nothing.
            let _ = tell.send(outcome);
        }
    }
}

/// What it means that a request has failed.
fn failed(peer: Address, begun: Option<Instant>, now: Instant) -> impl FnOnce(Failure) -> Error {
    let (peer, time) = (peer.remote, now.since(begun.unwrap_or(now)));
    move |why| match why {
        Failure::Reset => Error::Reset { peer },
        Failure::Unreachable => Error::Unreachable { peer },
        Failure::TimedOut | Failure::Unanswered | Failure::Forgotten => Error::NoResponse { peer, time },
    }
}

enum Asking {
    Sent(Transmit<Address>),
    /// Nothing is to be sent now; until then, if it is known when.
    Wait(Option<Instant>),
}

impl fmt::Debug for UnderWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnderWay")
            .field("peer", &self.peer)
            .field("requests", &self.requests.len())
            .finish_non_exhaustive()
    }
}
