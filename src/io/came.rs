//! What the system gives, and what it means.

use crate::endpoint::Arrival;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};

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
