//! The requests of a client that are under way at the same time.

use super::Error;
use super::call::Asked;
use super::link::{AskOnly, Came};
use super::reply::Reply;
use super::transfer::{Payload, Transfer, keep};
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
    tell: Sender<Result<Reply, Error>>,
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
        let (number, transfer) = (self.next, Transfer::new(asked, self.peer, payload));
        let reply = Reply::new(self.peer.remote);
        self.requests.insert(number, Pending { transfer, reply, payload: Vec::new(), begun: None, tell });
        self.eager.push_back(number);
        self.next = number.wrapping_add(1);
        Ok(number)
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

    pub(super) fn stop(&mut self) {
        self.stopping = true;
    }

    /// The socket cannot be used: that is the end of all.
    pub(super) fn broken(&mut self, error: &UdpError) {
        self.stop();
        for (_, request) in self.requests.drain() {
            let error = UdpError { doing: error.doing, why: io::Error::from(error.why.kind()) };
            let _ = request.tell.send(Err(Error::Socket(error)));
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
            let Some(request) = self.requests.get_mut(&number) else {
                self.eager.pop_front();
                continue;
            };
            let made = request.transfer.ask(&mut self.endpoint, now, tx);
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
                Ok(sent) => {
                    request.begun.get_or_insert(now);
                    if let Some(handle) = request.transfer.handle() {
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
        let Some(request) = self.requests.get_mut(&number) else { return };
        let looked = request.transfer.look(&came, &mut request.reply, &mut keep(&mut request.payload));
        match looked {
            Some(Ok(false)) => self.eager.push_back(number),
            Some(Ok(true)) => {
                let mut reply = request.reply.clone();
                reply.payload = std::mem::take(&mut request.payload);
                self.end(number, Ok(reply));
            }
            Some(Err(broken)) => {
                let (peer, begun) = (self.peer.remote, request.begun.unwrap_or(self.now));
                let time = self.now.since(begun);
                let error = broken.explain(peer, |why| match why {
                    Failure::Reset => Error::Reset { peer },
                    Failure::Unreachable => Error::Unreachable { peer },
                    Failure::TimedOut | Failure::Unanswered | Failure::Forgotten => Error::NoResponse { peer, time },
                });
                self.end(number, Err(error));
            }
            None => _ = self.asked.insert(handle, number),
        }
    }

    fn end(&mut self, number: u64, outcome: Result<Reply, Error>) {
        if let Some(request) = self.requests.remove(&number) {
            let _ = request.tell.send(outcome);
        }
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
