//! The client: an endpoint that asks, and the loop between it and a socket. What RFC 7252 wants of a client is in the
//! endpoint.

use crate::trace::Trace;
use crate::transfer::Transfer;
use crate::udp::{DATAGRAM, Udp, seed};
use coaplet::block::{Fault, Progress};
use coaplet::endpoint::{
    Arrival, ClientResponse, Event, Failure, Handle, Input, Output, Request, RequestError, Transmit,
};
use coaplet::{Code, Config, Endpoint, Fixed, Instant, Transmission, Writer};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

/// What every peer can be expected to take (RFC 7252 4.6).
const MAX_MESSAGE: usize = 1152;

pub struct Client {
    pub udp: Udp,
    peer: SocketAddr,
    link: Link,
    rx: Vec<u8>,
    request: Sent,
}

/// What a request is made with: an endpoint of one peer, a few exchanges at a time, and one message to be sent again;
/// and where messages are written.
pub struct Link {
    pub endpoint: Endpoint<Fixed<SocketAddr, 1, 4, 2048>>,
    pub tx: [u8; MAX_MESSAGE],
}

/// What became of the last request.
struct Sent {
    at: Instant,
    retransmissions: u32,
    /// Something came.
    heard: bool,
}

/// A response of any class.
pub struct Answer {
    pub code: Code,
    pub payload: Vec<u8>,
}

impl Answer {
    /// A transfer brings it, or a part of it. True once it is whole.
    fn goes_on(&mut self, step: Progress<'_>) -> Result<bool, Fault> {
        match step {
            Progress::Part(part) => {
                self.code = part.code;
                // What was there from there on was of an older one.
                self.payload.truncate(part.offset as usize);
                self.payload.extend_from_slice(part.bytes);
                Ok(part.last)
            }
            Progress::Next => Ok(false),
            Progress::Restarted => {
                self.payload.clear();
                Ok(false)
            }
            Progress::Failed(fault) => Err(fault),
        }
    }
}

/// What may end a request of ours.
pub enum Came<'d> {
    Response(ClientResponse<'d, SocketAddr>),
    Failed(Handle, Failure),
}

/// Why there is no response.
pub enum NoAnswer {
    /// The system says that no program listens there.
    Refused(SocketAddr),
    TimedOut {
        peer: SocketAddr,
        retransmissions: u32,
        /// Something came: an acknowledgement, or what is no response to this request.
        heard: bool,
        time: Duration,
    },
    Reset(SocketAddr),
    /// There is a response, but not all of it.
    Broken(Fault),
    /// A response, but not the one that is right.
    Wrong(String),
    Request(RequestError),
    Socket(SocketAddr, io::Error),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoAnswer::Refused(peer) => write!(f, "no program listens at {peer}: start the server, or check the port"),
            NoAnswer::TimedOut { peer, retransmissions, heard: false, time } => write!(
                f,
                "no answer from {peer} after {retransmissions} retransmissions in {:.1} s: is it running and \
                 reachable?",
                time.as_secs_f64()
            ),
            NoAnswer::TimedOut { peer, time, .. } => write!(
                f,
                "{peer} sent no response in {:.1} s, only what is shown above: try again later",
                time.as_secs_f64()
            ),
            NoAnswer::Reset(peer) => write!(f, "{peer} rejected the request with a Reset: is it a CoAP server?"),
            NoAnswer::Broken(fault) => write!(f, "the transfer has failed: {fault}"),
            NoAnswer::Wrong(what) => write!(f, "wrong answer: {what}"),
            NoAnswer::Request(error) => write!(f, "{error}"),
            NoAnswer::Socket(peer, error) => write!(f, "cannot talk to {peer}: {error}"),
        }
    }
}

impl Client {
    /// A client of one peer, which loses its first `lose` datagrams on purpose.
    pub fn connect(peer: SocketAddr, ack_timeout: Duration, lose: u32, trace: Trace) -> Result<Client, NoAnswer> {
        let udp = Udp::connect(peer, lose, trace).map_err(|error| NoAnswer::Socket(peer, error))?;
        let transmission = Transmission { ack_timeout, ..Transmission::DEFAULT };
        let config =
            Config { transmission, response_timeout: transmission.max_transmit_wait(), ..Config::DEFAULT.blockwise() };
        let endpoint = Endpoint::new(config, seed(), Fixed::new());
        let request = Sent { at: Instant::ZERO, retransmissions: 0, heard: false };
        let link = Link { endpoint, tx: [0; MAX_MESSAGE] };
        Ok(Client { udp, peer, link, rx: vec![0; DATAGRAM], request })
    }

    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Observes: `told` gets the first answer, and each notification from then on, whole if it has come in blocks, until
    /// it says that it has heard enough. False if the server does not let us, or not any more.
    pub fn observe(
        &mut self,
        block: Option<u16>,
        options: &dyn Fn(&mut Writer<'_>),
        mut told: impl FnMut(&Answer) -> bool,
    ) -> Result<bool, NoAnswer> {
        let peer = self.peer;
        let handle = self.send(|link, now| {
            let request = Request::get().observe();
            let (handle, sent) = link.endpoint.request(now, peer, request, &mut link.tx, options)?;
            Ok((sent, handle))
        })?;
        let mut answer = Answer { code: Code::EMPTY, payload: Vec::new() };
        // What a notification has only the first block of is fetched; by a newer one that starts over.
        let mut transfer = Transfer::download(peer, block, options);
        let mut goes_on = true;
        while goes_on {
            let step = self.wait(|link, came| {
                let step = match came {
                    Came::Response(response) if response.handle == handle => {
                        goes_on = response.more;
                        transfer.begin(link, &response.message)
                    }
                    Came::Failed(failed, why) if failed == handle => return Some(Err(why)),
                    Came::Response(response) => transfer.take(&response)?,
                    Came::Failed(failed, why) => transfer.failed(failed, why)?,
                };
                Some(Ok(answer.goes_on(step)))
            })?;
            match step.map_err(|why| self.failure(why))? {
                Ok(true) if told(&answer) && goes_on => {}
                Ok(true) => break,
                Ok(false) => self.send(|link, now| Ok((transfer.ask(link, now)?, ())))?,
                Err(fault) => return Err(NoAnswer::Broken(fault)),
            }
        }
        if !goes_on {
            return Ok(false);
        }
        self.send(|link, now| Ok((link.endpoint.unobserve(now, handle, &mut link.tx)?, ())))?;
        let ended = self.wait(|_, came| match came {
            Came::Response(response) if response.handle == handle && !response.more => Some(Ok(true)),
            Came::Failed(failed, why) if failed == handle => Some(Err(why)),
            _ => None,
        })?;
        ended.map_err(|why| self.failure(why))
    }

    /// Sends a request whose options and payload `build` writes, and waits for its response.
    pub fn request(&mut self, method: Code, build: impl FnOnce(&mut Writer<'_>)) -> Result<Answer, NoAnswer> {
        let peer = self.peer;
        let handle = self.send(|link, now| {
            let (handle, sent) = link.endpoint.request(now, peer, Request::new(method), &mut link.tx, build)?;
            Ok((sent, handle))
        })?;
        let answer = self.wait(|_, came| match came {
            Came::Response(response) if response.handle == handle => {
                let message = response.message;
                Some(Ok(Answer { code: message.code(), payload: message.payload().to_vec() }))
            }
            Came::Failed(failed, why) if failed == handle => Some(Err(why)),
            _ => None,
        })?;
        answer.map_err(|why| self.failure(why))
    }

    /// Carries out a download or an upload, block after block, and gives the whole answer. `progress` is told after
    /// each block.
    pub fn transfer(
        &mut self,
        transfer: &mut Transfer<'_>,
        mut progress: impl FnMut(&Transfer<'_>),
    ) -> Result<Answer, NoAnswer> {
        let mut answer = Answer { code: Code::EMPTY, payload: Vec::new() };
        loop {
            self.send(|link, now| Ok((transfer.ask(link, now)?, ())))?;
            let step = self.wait(|_, came| {
                let step = match &came {
                    // Nothing of it has come yet: it is tried once, as any other request.
                    Came::Failed(_, why) if transfer.bytes() == 0 => return Some(Err(Fault::NoResponse(*why))),
                    Came::Failed(handle, why) => transfer.failed(*handle, *why)?,
                    Came::Response(response) => transfer.take(response)?,
                };
                Some(answer.goes_on(step))
            })?;
            progress(transfer);
            match step {
                Ok(true) => return Ok(answer),
                Ok(false) => {}
                Err(Fault::NoResponse(why)) => return Err(self.failure(why)),
                Err(fault) => return Err(NoAnswer::Broken(fault)),
            }
        }
    }

    /// Makes a request, and sends it.
    fn send<T>(
        &mut self,
        make: impl FnOnce(&mut Link, Instant) -> Result<(Option<Transmit<SocketAddr>>, T), RequestError>,
    ) -> Result<T, NoAnswer> {
        let at = self.udp.now();
        self.request = Sent { at, retransmissions: 0, heard: false };
        let (sent, what) = make(&mut self.link, at).map_err(NoAnswer::Request)?;
        if let Some(sent) = sent {
            self.transmit(sent, "")?;
        }
        Ok(what)
    }

    fn transmit(&mut self, transmit: Transmit<SocketAddr>, remark: &str) -> Result<(), NoAnswer> {
        self.udp.send(transmit, &self.link.tx, remark).map_err(|error| self.socket_error(error))
    }

    fn socket_error(&self, error: io::Error) -> NoAnswer {
        match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => NoAnswer::Refused(self.peer),
            _ => NoAnswer::Socket(self.peer, error),
        }
    }

    fn failure(&self, why: Failure) -> NoAnswer {
        let &Sent { at, retransmissions, heard } = &self.request;
        match why {
            Failure::Reset => NoAnswer::Reset(self.peer),
            _ => NoAnswer::TimedOut { peer: self.peer, retransmissions, heard, time: self.udp.now().since(at) },
        }
    }

    /// Does what is due and takes in what comes, until `look` has what it looks for.
    fn wait<T>(&mut self, mut look: impl FnMut(&mut Link, Came<'_>) -> Option<T>) -> Result<T, NoAnswer> {
        loop {
            let now = self.udp.now();
            let until = match self.link.endpoint.poll(now, &mut self.link.tx) {
                // What was not acknowledged, or an observation that is made anew.
                Output::Send(transmit) => {
                    self.request.retransmissions += 1;
                    self.transmit(transmit, "(retransmission) ")?;
                    continue;
                }
                Output::Failed(handle, why) => match look(&mut self.link, Came::Failed(handle, why)) {
                    Some(found) => return Ok(found),
                    None => continue,
                },
                Output::Idle(until) => until,
                _ => continue,
            };
            let received = self.udp.receive(until, &mut self.rx);
            let Some((length, from)) = received.map_err(|error| self.socket_error(error))? else { continue };
            self.request.heard = true;
            let (now, Link { endpoint, tx }) = (self.udp.now(), &mut self.link);
            let Input { mut reply, event } = endpoint.handle(now, from, Arrival::Unicast, &self.rx[..length], tx);
            if let Event::Request(request) = &event {
                // Every endpoint is a server, too; this one has no resources.
                reply =
                    endpoint.respond(now, request.id, tx, |answer| _ = answer.code(Code::NOT_FOUND)).unwrap_or(reply);
            }
            let sent = reply.map_or(Ok(()), |reply| self.udp.send(reply, &self.link.tx, ""));
            let found = match event {
                Event::Response(response) => look(&mut self.link, Came::Response(response)),
                _ => None,
            };
            sent.map_err(|error| self.socket_error(error))?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }
}
