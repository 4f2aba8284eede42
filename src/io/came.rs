//! What the system gives, and what it means.

use super::Address;
use crate::endpoint::Arrival;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};

/// What [`Udp::receive`](super::Udp::receive) has put into the buffer, from its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// Nothing of use. Look at the clock, and come again.
    Nothing,
    /// A datagram: for [`Endpoint::handle`](crate::Endpoint::handle).
    Datagram {
        /// Who has sent it, and to which address of ours.
        from: Address,
        /// Whether it came to us alone.
        arrival: Arrival,
        /// How many bytes it has.
        len: usize,
    },
    /// A datagram of ours that found nobody at its port: for [`Endpoint::unreachable`](crate::Endpoint::unreachable).
    Unreachable {
        /// To whom it was sent.
        to: Address,
        /// How many bytes of it are known, from its start.
        len: usize,
    },
}

/// A datagram as the system gives it.
pub(super) struct Came {
    pub(super) len: usize,
    pub(super) from: SocketAddr,
    pub(super) local: Option<IpAddr>,
    pub(super) arrival: Arrival,
}

/// Whether an error may be news of an earlier datagram, by ICMP.
pub(super) fn of_network(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable, PermissionDenied};
    matches!(
        error.kind(),
        ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable | PermissionDenied
    )
}

/// An IPv4 address is one, also where a socket of IPv6 names it.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(four) => (four, address.port()).into(),
        IpAddr::V6(_) => address,
    }
}
