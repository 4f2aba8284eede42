//! The client: one Confirmable request at a time (RFC 7252 4.2, 5.2 and 5.3), from the first transmission to its end.

use crate::random;
use crate::trace::Trace;
use coaplet::{Code, Header, Message, OptionNumber, Type, WriteError, Writer};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// RFC 7252 4.8.
pub const ACK_TIMEOUT: Duration = Duration::from_secs(2);
const ACK_RANDOM_FACTOR: f64 = 1.5;
const MAX_RETRANSMIT: u32 = 4;
/// What every peer can be expected to take (RFC 7252 4.6).
const MAX_MESSAGE: usize = 1152;

pub struct Client {
    /// Connected, so that the system drops what another peer sends, and tells when nobody listens.
    socket: UdpSocket,
    peer: SocketAddr,
    message_id: u16,
    /// Of the last separate response that was acknowledged: its duplicates are acknowledged again (RFC 7252 4.2).
    acknowledged: Option<u16>,
    ack_timeout: Duration,
    pub trace: Trace,
}

/// A response of any class.
pub struct Answer {
    pub code: Code,
    pub payload: Vec<u8>,
    /// It is only the first block of a longer one (RFC 7959).
    pub has_more: bool,
}

/// Why there is no response.
pub enum Failure {
    /// The system says that no program listens there.
    Refused(SocketAddr),
    /// No acknowledgement after so much time, all retransmissions included.
    NoAnswer(SocketAddr, Duration),
    /// Acknowledged, but the response did not follow.
    NoResponse(SocketAddr, Duration),
    Reset(SocketAddr),
    /// A response that has to be rejected (RFC 7252 5.4.1).
    BadOption(OptionNumber),
    /// A response, but not the one that is right.
    Wrong(String),
    Request(WriteError),
    Socket(SocketAddr, io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(peer) => write!(f, "no program listens at {peer}: start the server, or check the port"),
            Failure::NoAnswer(peer, time) => write!(
                f,
                "no answer from {peer} after {MAX_RETRANSMIT} retransmissions in {:.1} s: is it running and reachable?",
                time.as_secs_f64()
            ),
            Failure::NoResponse(peer, time) => write!(
                f,
                "{peer} acknowledged the request, but sent no response in {:.1} s: try again later",
                time.as_secs_f64()
            ),
            Failure::Reset(peer) => write!(f, "{peer} rejected the request with a Reset: is it a CoAP server?"),
            Failure::BadOption(number) => {
                write!(f, "the response is rejected: its critical option {number} is not understood")
            }
            Failure::Wrong(what) => write!(f, "wrong answer: {what}"),
            Failure::Request(error) => write!(f, "the request cannot be written: {error}"),
            Failure::Socket(peer, error) => write!(f, "cannot talk to {peer}: {error}"),
        }
    }
}

/// What a datagram means to the request that is under way.
enum Meaning {
    Response,
    /// The response will follow (RFC 7252 5.2.2).
    Acknowledged,
    Reset,
    BadOption(OptionNumber),
    /// Nothing. A CON among these is answered with an RST (4.2).
    Unrelated,
}

impl Client {
    pub fn connect(peer: SocketAddr, ack_timeout: Duration, trace: Trace) -> Result<Client, Failure> {
        let any = if peer.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any)
            .and_then(|socket| socket.connect(peer).map(|()| socket))
            .map_err(|error| Failure::Socket(peer, error))?;
        Ok(Client { socket, peer, message_id: random() as u16, acknowledged: None, ack_timeout, trace })
    }

    /// Sends a request whose options and payload `build` writes, and waits for its response.
    pub fn request(&mut self, method: Code, build: impl FnOnce(&mut Writer<'_>)) -> Result<Answer, Failure> {
        self.message_id = self.message_id.wrapping_add(1);
        let (id, token) = (self.message_id, (random() as u32).to_be_bytes());
        let mut tx = [0; MAX_MESSAGE];
        let mut writer = Writer::new(&mut tx, Header::confirmable(method, id), &token);
        build(&mut writer);
        let length = writer.finish().map_err(Failure::Request)?;
        let request = &tx[..length];

        let start = Instant::now();
        let mut wait = self.ack_timeout.mul_f64(1.0 + (ACK_RANDOM_FACTOR - 1.0) * fraction());
        let mut deadline = start + wait;
        let mut retransmissions = 0;
        let mut acknowledged = false;
        self.send(request, "")?;
        let mut rx = vec![0; 65_536];
        loop {
            let Some(length) = self.receive(deadline, &mut rx)? else {
                if acknowledged {
                    return Err(Failure::NoResponse(self.peer, start.elapsed()));
                }
                if retransmissions == MAX_RETRANSMIT {
                    return Err(Failure::NoAnswer(self.peer, start.elapsed()));
                }
                retransmissions += 1;
                wait *= 2;
                deadline = Instant::now() + wait;
                self.send(request, "again: ")?;
                continue;
            };
            let message = match Message::parse(&rx[..length]) {
                Ok(message) => message,
                Err(error) => {
                    if let Some(id) = error.reset() {
                        self.send_empty(Header::reset(id))?;
                    }
                    continue;
                }
            };
            let confirmable = message.message_type() == Type::Confirmable;
            match meaning(&message, id, &token) {
                Meaning::Response => {
                    if confirmable {
                        self.acknowledged = Some(message.message_id());
                        self.send_empty(Header::empty_acknowledgement(message.message_id()))?;
                    }
                    let has_more = message.block2().is_some_and(|block| block.more());
                    return Ok(Answer { code: message.code(), payload: message.payload().to_vec(), has_more });
                }
                Meaning::Acknowledged => {
                    if !acknowledged {
                        // No longer retransmitted. The response gets MAX_TRANSMIT_WAIT (4.8.2).
                        acknowledged = true;
                        let spans = f64::from((1 << (MAX_RETRANSMIT + 1)) - 1);
                        deadline = Instant::now() + self.ack_timeout.mul_f64(spans * ACK_RANDOM_FACTOR);
                    }
                }
                Meaning::Reset => return Err(Failure::Reset(self.peer)),
                Meaning::BadOption(number) => {
                    if confirmable {
                        self.send_empty(Header::reset(message.message_id()))?;
                    }
                    return Err(Failure::BadOption(number));
                }
                Meaning::Unrelated if confirmable && self.acknowledged == Some(message.message_id()) => {
                    self.send_empty(Header::empty_acknowledgement(message.message_id()))?;
                }
                Meaning::Unrelated => {
                    if confirmable {
                        self.send_empty(Header::reset(message.message_id()))?;
                    }
                }
            }
        }
    }

    /// A datagram's length; `None` when the deadline has passed.
    fn receive(&mut self, deadline: Instant, rx: &mut [u8]) -> Result<Option<usize>, Failure> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            // Systems round a timeout down, and 0 would mean for ever.
            let timeout = left.max(Duration::from_millis(1));
            let received = self.socket.set_read_timeout(Some(timeout)).and_then(|()| self.socket.recv(rx));
            match received {
                Ok(length) => {
                    self.trace.received(&rx[..length], "");
                    return Ok(Some(length));
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                }
                Err(error) => return Err(self.failure(error)),
            }
        }
    }

    fn send(&mut self, datagram: &[u8], remark: &str) -> Result<(), Failure> {
        self.socket.send(datagram).map_err(|error| self.failure(error))?;
        self.trace.sent(datagram, remark);
        Ok(())
    }

    /// An Empty ACK or an RST.
    fn send_empty(&mut self, header: Header) -> Result<(), Failure> {
        let mut tx = [0; 4];
        let length = Writer::new(&mut tx, header, &[]).finish().map_err(Failure::Request)?;
        self.send(&tx[..length], "")
    }

    fn failure(&self, error: io::Error) -> Failure {
        match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Failure::Refused(self.peer),
            _ => Failure::Socket(self.peer, error),
        }
    }
}

/// RFC 7252 4.2, 5.2 and 5.3.2; the peer was already compared.
fn meaning(message: &Message<'_>, id: u16, token: &[u8]) -> Meaning {
    let same_id = message.message_id() == id;
    let response = match message.message_type() {
        Type::Reset => return if same_id { Meaning::Reset } else { Meaning::Unrelated },
        Type::Acknowledgement if !same_id => return Meaning::Unrelated,
        Type::Acknowledgement if message.code().is_empty() => return Meaning::Acknowledged,
        // A separate response has a Message ID of its own.
        _ => message.code().is_response() && message.token() == token,
    };
    if !response {
        return Meaning::Unrelated;
    }
    match message.unrecognised(|number| number == OptionNumber::BLOCK2).next() {
        Some((number, _)) => Meaning::BadOption(number),
        None => Meaning::Response,
    }
}

/// At random from 0 up to 1.
fn fraction() -> f64 {
    random() as u32 as f64 / 4_294_967_296.0
}
