//! A request and its whole answer, in blocks where they are long (RFC 7959).

use super::Error;
use super::call::Asked;
use super::link::{AskOnly, Asking, Came, Link};
use super::reply::Reply;
use crate::block::{Body, Fault, Fetch, Progress, Send};
use crate::endpoint::{ClientResponse, Endpoint, Failure, Handle, RequestError, Transmit};
use crate::io::Address;
use crate::store::Heap;
use crate::time::Instant;
use crate::wire::{Message, OptionNumber, Writer};
use std::net::SocketAddr;
use std::vec::Vec;

/// Reads a body: fills the buffer from an offset on, and says how many bytes it has put there.
pub(super) type Reader<'b> = dyn FnMut(u32, &mut [u8]) -> usize + 'b;

/// What is sent along.
pub(super) trait Payload {
    fn body(&mut self) -> Body<'_>;
    /// In bytes, if it is known.
    fn length(&self) -> Option<u32>;
}

/// What is sent along, lent.
pub(super) enum Source<'b> {
    Slice(&'b [u8]),
    Read(&'b mut Reader<'b>, u32),
}

impl Source<'_> {
    pub(super) fn reborrow(&mut self) -> Source<'_> {
        match self {
            Source::Slice(bytes) => Source::Slice(bytes),
            Source::Read(read, length) => Source::Read(*read, *length),
        }
    }
}

impl Payload for Source<'_> {
    fn body(&mut self) -> Body<'_> {
        match self {
            Source::Slice(bytes) => Body::slice(bytes),
            Source::Read(read, length) => Body::read(*read).of_length(*length),
        }
    }

    fn length(&self) -> Option<u32> {
        match self {
            Source::Slice(bytes) => u32::try_from(bytes.len()).ok(),
            Source::Read(_, length) => Some(*length),
        }
    }
}

enum Machine<B> {
    Fetch(Fetch<Address>),
    Send(Send<Address>, B),
}

/// A download or an upload.
pub(super) struct Transfer<B> {
    machine: Machine<B>,
    options: Vec<(OptionNumber, Vec<u8>)>,
    /// Nobody waits for an answer, unless it has to go on.
    for_nobody: bool,
}

/// How far a transfer is: bytes that have gone by, and how many there are, if that is known.
pub(super) type Told<'t> = &'t mut dyn FnMut(u32, Option<u32>);

/// Takes the payload: where the bytes belong, and the bytes. Offset 0 begins anew.
pub(super) type Sink<'s> = &'s mut dyn FnMut(u32, &[u8]) -> Result<(), Error>;

impl<'b> Transfer<Source<'b>> {
    /// Of what is lent.
    pub(super) fn lent(asked: &Asked, peer: Address, source: Option<Source<'b>>) -> Transfer<Source<'b>> {
        Transfer::new(asked, peer, source)
    }
}

impl<B: Payload> Transfer<B> {
    /// `source`: `None` for a request without a payload.
    pub(super) fn new(asked: &Asked, peer: Address, source: Option<B>) -> Transfer<B> {
        let machine = match source {
            None => Machine::Fetch(Fetch::new(peer, asked.request, asked.settings)),
            Some(source) => Machine::Send(Send::new(peer, asked.request, asked.settings), source),
        };
        Transfer { machine, options: asked.options.clone(), for_nobody: asked.is_for_nobody() }
    }

    /// The next request, if one is due.
    pub(super) fn ask(
        &mut self,
        endpoint: &mut Endpoint<Heap<Address>, AskOnly>,
        now: Instant,
        tx: &mut [u8],
    ) -> Result<Option<Transmit<Address>>, RequestError> {
        let options = |w: &mut Writer<'_>| write(&self.options, w);
        match &mut self.machine {
            Machine::Fetch(fetch) => fetch.ask(endpoint, now, tx, options),
            Machine::Send(send, source) => send.ask(endpoint, now, tx, source.body(), options),
        }
    }

    /// Begins with a block that has come as a notification: what came before it is old.
    pub(super) fn begin_with<'d>(
        &mut self,
        endpoint: &mut Endpoint<Heap<Address>, AskOnly>,
        message: &Message<'d>,
    ) -> Progress<'d> {
        match &mut self.machine {
            Machine::Fetch(fetch) => fetch.begin_with(endpoint, message),
            Machine::Send(..) => Progress::Next,
        }
    }

    fn take<'d>(&mut self, response: &ClientResponse<'d, Address>) -> Option<Progress<'d>> {
        match &mut self.machine {
            Machine::Fetch(fetch) => fetch.take(response),
            Machine::Send(send, _) => send.take(response),
        }
    }

    fn failed(&mut self, handle: Handle, why: Failure) -> Option<Progress<'static>> {
        match &mut self.machine {
            Machine::Fetch(fetch) => fetch.failed(handle, why),
            Machine::Send(send, _) => send.failed(handle, why),
        }
    }

    pub(super) fn handle(&self) -> Option<Handle> {
        match &self.machine {
            Machine::Fetch(fetch) => fetch.handle(),
            Machine::Send(send, _) => send.handle(),
        }
    }

    /// Whether a body goes up in several blocks: once the first one has.
    fn is_in_blocks(&self) -> bool {
        match &self.machine {
            Machine::Fetch(_) => false,
            Machine::Send(send, _) => send.is_in_blocks(),
        }
    }

    /// How many bytes have gone by, and how many there are.
    fn progress(&self) -> (u32, Option<u32>) {
        match &self.machine {
            Machine::Fetch(fetch) => (fetch.offset(), fetch.size()),
            Machine::Send(send, source) => (send.sent(), source.length()),
        }
    }

    /// The next request, sent.
    pub(super) fn go_on(&mut self, link: &mut Link) -> Result<(), Error> {
        link.send(|Asking { endpoint, tx }, now| Ok((self.ask(endpoint, now, tx)?, ())))
    }

    /// What of it something that came is, if it is of it; its payload goes into the sink. True once it is over.
    pub(super) fn look(&mut self, came: &Came<'_>, reply: &mut Reply, sink: Sink<'_>) -> Option<Result<bool, Broken>> {
        let step = match came {
            Came::Response(response) => {
                let step = self.take(response)?;
                reply.take(&response.message);
                reply.round_trip = response.round_trip;
                reply.peer = response.from.remote;
                step
            }
            // It does not want every response, and none has come.
            Came::Failed(handle, Failure::Unanswered) if self.handle() == Some(*handle) => return Some(Ok(true)),
            // Nothing of it has come yet: it is tried once, as any other request.
            Came::Failed(_, why) if self.progress().0 == 0 => return Some(Err(Broken::Failed(*why))),
            Came::Failed(handle, why) => self.failed(*handle, *why)?,
            // It wants no response, and has arrived.
            Came::Acknowledged(handle) if self.handle() == Some(*handle) => return Some(Ok(true)),
            Came::Acknowledged(_) => return None,
        };
        Some(stepped(step, sink))
    }

    /// Carries it out. The reply has no payload: that goes into the sink.
    pub(super) fn run(&mut self, link: &mut Link, sink: Sink<'_>, told: Told<'_>) -> Result<Reply, Error> {
        let mut reply = Reply::new(link.peer.remote);
        let run = loop {
            if let Err(error) = self.go_on(link) {
                break Err(error);
            }
            if self.for_nobody && !self.is_in_blocks() {
                self.give_up(link);
                return Ok(reply);
            }
            let step = link.wait(|_, came| self.look(&came, &mut reply, sink));
            let (bytes, size) = self.progress();
            told(bytes, size);
            match step {
                Ok(Ok(true)) => return Ok(reply),
                Ok(Ok(false)) => {}
                Ok(Err(broken)) => break Err(broken.explain(link.peer.remote, |why| link.failure(why))),
                Err(error) => break Err(error),
            }
        };
        let run = match (run, link.late_after()) {
            (Err(Error::NoAnswer { peer, .. }), Some(time)) if self.progress().0 > 0 => {
                Err(Error::TooSlow { peer, bytes: self.progress().0, time })
            }
            (run, _) => run,
        };
        self.give_up(link);
        run
    }

    /// What is under way finds nobody any more.
    pub(super) fn give_up(&mut self, link: &mut Link) {
        if let Some(handle) = self.handle() {
            link.asking.endpoint.cancel(handle);
        }
    }
}

/// Why a transfer does not go on.
pub(super) enum Broken {
    Failed(Failure),
    Fault(Fault),
    Sink(Error),
}

impl Broken {
    /// `failure`: what it means that a request has failed.
    pub(super) fn explain(self, peer: SocketAddr, failure: impl FnOnce(Failure) -> Error) -> Error {
        match self {
            Broken::Failed(why) | Broken::Fault(Fault::NoResponse(why)) => failure(why),
            Broken::Fault(fault) => Error::Transfer { peer, fault },
            Broken::Sink(error) => error,
        }
    }
}

/// What a step brings, into the sink. True once it was the last.
pub(super) fn stepped(step: Progress<'_>, sink: Sink<'_>) -> Result<bool, Broken> {
    match step {
        Progress::Part(part) => {
            sink(part.offset, part.bytes).map_err(Broken::Sink)?;
            Ok(part.last)
        }
        Progress::Next | Progress::Restarted => Ok(false),
        Progress::Failed(fault) => Err(Broken::Fault(fault)),
    }
}

/// A sink that keeps the payload: what was there from an offset on was of an older representation.
pub(super) fn keep(payload: &mut Vec<u8>) -> impl FnMut(u32, &[u8]) -> Result<(), Error> {
    |offset, bytes| {
        payload.truncate(offset as usize);
        payload.extend_from_slice(bytes);
        Ok(())
    }
}

/// Writes options that are in order.
pub(super) fn write(options: &[(OptionNumber, Vec<u8>)], w: &mut Writer<'_>) {
    for (number, value) in options {
        w.option(*number, value);
    }
}
