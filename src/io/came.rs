//! What the system gives, and what it means.

use crate::endpoint::Arrival;
use std::hash::{BuildHasher, Hasher, RandomState};
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

/// Sixteen bytes to seed an endpoint with, that nobody can guess: from the operating system.
#[must_use]
pub fn seed() -> [u8; 16] {
    let mut seed = [0; 16];
    if getrandom::fill(&mut seed).is_err() {
        // A system without a source of randomness: what the standard library keys its hash maps with.
        let half = || u128::from(RandomState::new().build_hasher().finish());
        seed = (half() << 64 | half()).to_ne_bytes();
    }
    seed
}

/// Whether nothing has come yet. The last is a signal.
pub(super) fn waits(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
