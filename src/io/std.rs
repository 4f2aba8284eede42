//! The driver over the standard library's UDP socket.

use super::came::{Came, of_network, waits};
use super::{Address, Doing, Received, UdpError, system};
use crate::endpoint::Transmit;
use crate::time::Instant;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// A UDP socket and a clock.
///
/// On Linux it knows to which address each datagram came, so that answers leave from there and requests to a group are
/// told from others, and it hears of ports at which nobody listens. Elsewhere neither is so: no group can be joined,
/// and such news is counted and ignored.
///
#[doc = include_str!("std.md")]
#[derive(Debug)]
pub struct Udp {
    pub(super) socket: UdpSocket,
    /// Of IPv6, and open to IPv4 unless the system has it otherwise.
    six: bool,
    /// Bound to no address of its own.
    any: bool,
    pub(super) start: std::time::Instant,
    ignored: u64,
    /// There may be errors in the system's queue.
    queued: bool,
}

impl Udp {
    /// What is to be lent for datagrams: one byte more than the longest has.
    pub const LONGEST: usize = 65_536;

    /// A socket at an address of this machine: `[::]:5683` for all that it has, of IPv6 and IPv4; port 0 for any.
    pub fn bind(address: SocketAddr) -> Result<Udp, UdpError> {
        UdpSocket::bind(address).and_then(Udp::new).map_err(UdpError::of(Doing::Binding(address)))
    }

    /// A socket to talk to one peer, or a group: at the address from which this machine reaches it.
    pub fn towards(remote: SocketAddr) -> Result<Udp, UdpError> {
        Udp::towards_from(remote, 0)
    }

    /// The same, at a port of ours.
    pub fn towards_from(remote: SocketAddr, port: u16) -> Result<Udp, UdpError> {
        let any: IpAddr = if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        // Connecting sends nothing: it asks for the way.
        let way = UdpSocket::bind((any, 0)).and_then(|way| way.connect(remote).and_then(|()| way.local_addr()));
        let mut local = way.map_err(UdpError::of(Doing::Sending(remote)))?;
        local.set_port(port);
        Udp::bind(local)
    }

    /// Over a socket that is bound, and not connected.
    pub fn new(socket: UdpSocket) -> io::Result<Udp> {
        let local = socket.local_addr()?;
        system::prepare(&socket, local.is_ipv6())?;
        socket.set_nonblocking(false)?;
        let (six, any) = (local.is_ipv6(), local.ip().is_unspecified());
        Ok(Udp { socket, six, any, start: std::time::Instant::now(), ignored: 0, queued: false })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The clock: milliseconds since the socket was made.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_millis(self.start.elapsed().as_millis() as u64)
    }

    /// How many datagrams and errors were ignored: what filled the buffer, and what ICMP says of anything but ports at
    /// which nobody listens.
    #[must_use]
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Sends `tx[..due.len]`, from the address to which the peer sends.
    pub fn send(&mut self, due: Transmit<Address>, tx: &[u8]) -> Result<(), UdpError> {
        self.give(due, tx).map_err(UdpError::of(Doing::Sending(due.to.remote)))
    }

    /// The same, with what the system says.
    pub(super) fn give(&mut self, due: Transmit<Address>, tx: &[u8]) -> io::Result<()> {
        let send = || system::send(&self.socket, self.six, tx.get(..due.len).unwrap_or_default(), due.to);
        send().or_else(|error| {
            if error.kind() == ErrorKind::WouldBlock {
                return Err(error);
            }
            // What ICMP says of an earlier datagram may have kept this one back. A second time it is about this one.
            self.queued = true;
            send()
        })
    }

    /// Waits for a datagram until a moment, or, with `None`, for ever. `rx` is best of [`LONGEST`](Udp::LONGEST) bytes:
    /// what fills it may have been longer, and is ignored.
    pub fn receive(&mut self, until: Option<Instant>, rx: &mut [u8]) -> Result<Received, UdpError> {
        // Systems round a timeout down, and 0 would mean for ever.
        let left = until.map(|until| until.since(self.now()).max(Duration::from_millis(1)));
        match self.socket.set_read_timeout(left).and_then(|()| self.take(rx)) {
            Err(error) if waits(&error) => Ok(Received::Nothing),
            received => received.map_err(UdpError::of(Doing::Receiving)),
        }
    }

    /// What comes next, as far as the socket waits for it.
    pub(super) fn take(&mut self, rx: &mut [u8]) -> io::Result<Received> {
        while self.queued {
            if let Some(unreachable) = self.undelivered(rx) {
                return Ok(unreachable);
            }
        }
        match system::receive(&self.socket, rx) {
            Ok(Came { len, from, local, arrival }) if len < rx.len() => {
                let local = local.filter(|_| self.any);
                return Ok(Received::Datagram { from: Address { remote: from, local }, arrival, len });
            }
            Ok(_) => self.ignored += 1,
            Err(error) if waits(&error) => return Err(error),
            Err(error) => {
                // Of an earlier datagram of ours, by ICMP, whatever that says; or of the socket itself.
                let unreachable = self.undelivered(rx);
                if !self.queued && !of_network(&error) {
                    return Err(error);
                }
                self.ignored += u64::from(!self.queued);
                return Ok(unreachable.unwrap_or(Received::Nothing));
            }
        }
        Ok(Received::Nothing)
    }

    /// Takes one error out of the system's queue, if there is one and it says that nobody listens at a port.
    fn undelivered(&mut self, rx: &mut [u8]) -> Option<Received> {
        let taken = system::undelivered(&self.socket, rx);
        self.queued = taken.is_ok();
        let Some(Came { len, from, local, .. }) = taken.ok()? else {
            self.ignored += 1;
            return None;
        };
        Some(Received::Unreachable { to: Address { remote: from, local: local.filter(|_| self.any) }, len })
    }
}
