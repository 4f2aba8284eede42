//! The client: an endpoint that asks, and the loop between it and a socket. What RFC 7252 wants of a client is in the
//! endpoint.

use crate::trace::Trace;
use crate::udp::{DATAGRAM, Udp, seed};
use coaplet::endpoint::{Arrival, Event, Failure, Input, Output, Request, RequestError};
use coaplet::{Code, Config, Endpoint, Fixed, OptionNumber, Transmission, Writer};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

/// What every peer can be expected to take (RFC 7252 4.6).
const MAX_MESSAGE: usize = 1152;

pub struct Client {
    pub udp: Udp,
    peer: SocketAddr,
    /// Of one peer, a few exchanges at a time, and one message to be sent again.
    endpoint: Endpoint<Fixed<SocketAddr, 1, 4, 2048>>,
    tx: [u8; MAX_MESSAGE],
    rx: Vec<u8>,
}

/// A response of any class.
pub struct Answer {
    pub code: Code,
    pub payload: Vec<u8>,
    /// It is only the first block of a longer one (RFC 7959).
    pub has_more: bool,
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
        let config = Config {
            transmission,
            response_timeout: transmission.max_transmit_wait(),
            // The one critical option of responses that is looked at here; the others are those of requests.
            known_in_responses: |number| number == OptionNumber::BLOCK2,
            ..Config::DEFAULT
        };
        let endpoint = Endpoint::new(config, seed(), Fixed::new());
        Ok(Client { udp, peer, endpoint, tx: [0; MAX_MESSAGE], rx: vec![0; DATAGRAM] })
    }

    /// Sends a request whose options and payload `build` writes, and waits for its response.
    pub fn request(&mut self, method: Code, build: impl FnOnce(&mut Writer<'_>)) -> Result<Answer, NoAnswer> {
        let Client { udp, peer, endpoint, tx, rx } = self;
        let peer = *peer;
        let socket_error = |error: io::Error| match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => NoAnswer::Refused(peer),
            _ => NoAnswer::Socket(peer, error),
        };
        let start = udp.now();
        let (handle, first) =
            endpoint.request(start, peer, Request::new(method), tx, build).map_err(NoAnswer::Request)?;
        if let Some(first) = first {
            udp.send(first, tx, "").map_err(socket_error)?;
        }
        let (mut retransmissions, mut heard) = (0, false);
        loop {
            let now = udp.now();
            let until = match endpoint.poll(now, tx) {
                // Nothing else can be due: one request is under way, and what comes is answered at once.
                Output::Send(transmit) => {
                    retransmissions += 1;
                    udp.send(transmit, tx, "(retransmission) ").map_err(socket_error)?;
                    continue;
                }
                Output::Failed(failed, Failure::Reset) if failed == handle => return Err(NoAnswer::Reset(peer)),
                Output::Failed(failed, _) if failed == handle => {
                    return Err(NoAnswer::TimedOut { peer, retransmissions, heard, time: now.since(start) });
                }
                Output::Idle(until) => until,
                _ => continue,
            };
            let Some((length, from)) = udp.receive(until, rx).map_err(socket_error)? else { continue };
            heard = true;
            let now = udp.now();
            let Input { reply, event } = endpoint.handle(now, from, Arrival::Unicast, &rx[..length], tx);
            if let Some(reply) = reply {
                udp.send(reply, tx, "").map_err(socket_error)?;
            }
            match event {
                Event::Response(response) if response.handle == handle => {
                    let message = response.message;
                    let has_more = message.block2().is_some_and(|block| block.more());
                    return Ok(Answer { code: message.code(), payload: message.payload().to_vec(), has_more });
                }
                // Every endpoint is a server, too; this one has no resources.
                Event::Request(request) => {
                    let answer = endpoint.respond(now, request.id, tx, |answer| {
                        answer.code(Code::NOT_FOUND);
                    });
                    if let Ok(Some(answer)) = answer {
                        udp.send(answer, tx, "").map_err(socket_error)?;
                    }
                }
                _ => {}
            }
        }
    }
}
