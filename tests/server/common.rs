//! A server of either scale, and requests to it written in a few words.

use coaplet::endpoint::{Arrival, Endpoint, Output, Transmit};
use coaplet::server::{Route, Server};
use coaplet::store::{Indexed, Scan, Store};
use coaplet::{Code, Config, Fixed, Header, Instant, Message, Writer};
use std::time::Duration;

/// 8 peers, 16 exchanges, 4096 bytes, 8 observers and what they observe, 4 uploads.
pub type Few = Fixed<u8, 8, 16, 4096, 8, 4, Scan>;
/// The same with an index.
pub type Many = Fixed<u8, 8, 16, 4096, 8, 4, Indexed>;

/// Runs tests over the `bench` of a module, with either store.
macro_rules! on_both {
    ($($name:ident)*) => {$(
        mod $name {
            #[test]
            fn few() {
                super::$name(super::bench(super::Few::new()));
            }
            #[test]
            fn many() {
                super::$name(super::bench(super::Many::new()));
            }
        }
    )*};
}

/// A server under test, and the clock.
pub struct Bench<'r, S: 'static, St: Store<Peer = u8>> {
    pub server: Server<'r, S, St>,
    pub state: S,
    pub now: Instant,
    pub tx: [u8; 1280],
    mid: u16,
}

/// A message that was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Sent {
    pub to: u8,
    pub bytes: Vec<u8>,
}

impl Sent {
    pub fn message(&self) -> Message<'_> {
        Message::parse(&self.bytes).unwrap()
    }

    pub fn code(&self) -> Code {
        self.message().code()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(self.message().payload()).unwrap()
    }
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "to {}: {}", self.to, self.message())
    }
}

impl<'r, S, St: Store<Peer = u8>> Bench<'r, S, St> {
    pub fn new(routes: &'r [Route<S, u8>], state: S, store: St) -> Self {
        let endpoint = Endpoint::new(Config::DEFAULT.serving(), [7; 16], store);
        Bench { server: Server::new(endpoint, routes), state, now: Instant::ZERO, tx: [0; 1280], mid: 0 }
    }

    pub fn sent(&self, transmit: Transmit<u8>) -> Sent {
        Sent { to: transmit.to, bytes: self.tx[..transmit.len].to_vec() }
    }

    /// A datagram comes.
    pub fn datagram(&mut self, from: u8, arrival: Arrival, bytes: &[u8]) -> Option<Sent> {
        let input = self.server.handle(&mut self.state, self.now, from, arrival, bytes, &mut self.tx);
        assert!(input.response.is_none());
        input.reply.map(|transmit| self.sent(transmit))
    }

    /// A request comes, Confirmable, with a token of its own.
    pub fn ask(&mut self, from: u8, method: Code, options: impl FnOnce(&mut Writer<'_>)) -> Option<Sent> {
        let bytes = self.request(method, options);
        self.datagram(from, Arrival::Unicast, &bytes)
    }

    /// The same, of which there is an answer.
    pub fn answer(&mut self, method: Code, options: impl FnOnce(&mut Writer<'_>)) -> Sent {
        self.ask(1, method, options).expect("an answer")
    }

    /// A Message ID that was not used.
    pub fn next_id(&mut self) -> u16 {
        self.mid += 1;
        self.mid
    }

    /// The Message ID of what was written last.
    pub fn tx_id(&self) -> u16 {
        u16::from_be_bytes([self.tx[2], self.tx[3]])
    }

    pub fn request(&mut self, method: Code, options: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        self.mid += 1;
        let mut bytes = vec![0; 1500];
        let mut w = Writer::new(&mut bytes, Header::confirmable(method, self.mid), &self.mid.to_be_bytes());
        options(&mut w);
        let length = w.finish().unwrap();
        bytes.truncate(length);
        bytes
    }

    /// All that is due, and when there is more.
    pub fn due(&mut self) -> (Vec<Sent>, Option<Instant>) {
        let mut sent = Vec::new();
        loop {
            match self.server.poll(&mut self.state, self.now, &mut self.tx) {
                Output::Send(transmit) => sent.push(self.sent(transmit)),
                Output::Idle(at) if at == Some(self.now) => {}
                Output::Idle(at) => return (sent, at),
                _ => {}
            }
        }
    }

    /// The first of what is sent within so many ms.
    pub fn first_of_the_next(&mut self, ms: u64) -> Option<Sent> {
        let end = self.now + Duration::from_millis(ms);
        loop {
            match self.server.poll(&mut self.state, self.now, &mut self.tx) {
                Output::Send(transmit) => return Some(self.sent(transmit)),
                Output::Idle(Some(at)) if at <= end => self.now = self.now.max(at),
                Output::Idle(_) => return None,
                _ => {}
            }
        }
    }

    /// An Empty ACK comes.
    pub fn acknowledge(&mut self, from: u8, id: u16) {
        let mut bytes = [0; 4];
        Writer::new(&mut bytes, Header::empty_acknowledgement(id), &[]).finish().unwrap();
        assert!(self.datagram(from, Arrival::Unicast, &bytes).is_none());
    }
}
