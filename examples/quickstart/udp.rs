//! What an endpoint has not: a socket, a clock and a source of randomness. Each datagram that passes is printed.

use crate::trace::Trace;
use coaplet::Instant;
use coaplet::endpoint::Transmit;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// Longer than any UDP datagram.
pub const DATAGRAM: usize = 65_536;

pub struct Udp {
    socket: UdpSocket,
    /// Who it is connected to, if anybody. The system then drops what others send, and tells when nobody listens there.
    peer: Option<SocketAddr>,
    start: std::time::Instant,
    /// How many datagrams are still to be lost on purpose.
    lose: u32,
    pub trace: Trace,
}

impl Udp {
    /// Over a socket that takes datagrams from anybody.
    pub fn new(socket: UdpSocket, lose: u32, trace: Trace) -> Udp {
        Udp { socket, peer: None, start: std::time::Instant::now(), lose, trace }
    }

    /// Over a socket of its own, connected to a peer.
    pub fn connect(peer: SocketAddr, lose: u32, trace: Trace) -> io::Result<Udp> {
        let socket = UdpSocket::bind(if peer.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
        socket.connect(peer)?;
        Ok(Udp { peer: Some(peer), ..Udp::new(socket, lose, trace) })
    }

    /// The clock: milliseconds since the start.
    pub fn now(&self) -> Instant {
        Instant::from_millis(self.start.elapsed().as_millis() as u64)
    }

    /// Sends `tx[..transmit.len]`, or loses it on purpose: to the endpoint that is the same as if the network did.
    pub fn send(&mut self, transmit: Transmit<SocketAddr>, tx: &[u8], remark: &str) -> io::Result<()> {
        let Transmit { to, len } = transmit;
        let datagram = &tx[..len];
        let lost = self.lose > 0;
        if lost {
            self.lose -= 1;
        } else if self.peer.is_some() {
            self.socket.send(datagram)?;
        } else {
            self.socket.send_to(datagram, to)?;
        }
        self.trace.sent(self.now(), datagram, self.address(to), remark, lost);
        Ok(())
    }

    /// The next datagram's length and sender; `None` if none came until then.
    pub fn receive(&mut self, until: Option<Instant>, rx: &mut [u8]) -> io::Result<Option<(usize, SocketAddr)>> {
        // Systems round a timeout down, and 0 would mean for ever.
        let left = until.map(|until| until.since(self.now()).max(Duration::from_millis(1)));
        match self.socket.set_read_timeout(left).and_then(|()| self.socket.recv_from(rx)) {
            Ok((length, from)) => {
                let from = self.peer.unwrap_or(from);
                self.trace.received(self.now(), &rx[..length], self.address(from));
                Ok(Some((length, from)))
            }
            // The last is a signal: the caller looks at the clock and comes again.
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// An address is printed where there is more than one.
    fn address(&self, address: SocketAddr) -> Option<SocketAddr> {
        if self.peer.is_some() { None } else { Some(address) }
    }
}

/// What an endpoint is seeded with, so that nobody can guess its tokens and Message IDs.
pub fn seed() -> [u8; 16] {
    // The standard library takes the keys of its hash maps from the system's randomness, and for the same reason: peers
    // are not to choose what collides. It promises no more than that; who needs the promise takes the crate getrandom.
    let half = || u128::from(RandomState::new().build_hasher().finish());
    (half() << 64 | half()).to_ne_bytes()
}
