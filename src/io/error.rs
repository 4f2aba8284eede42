//! What a socket refuses.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// What was being done, and with whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doing {
    /// Opening a socket at an address of this machine.
    Binding(SocketAddr),
    /// Joining a group of addresses.
    Joining(IpAddr),
    /// Sending to a peer.
    Sending(SocketAddr),
    /// Waiting for datagrams, from whomever.
    Receiving,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doing::Binding(address) => write!(f, "listen on {address}"),
            Doing::Joining(group) => write!(f, "join the group {group}"),
            Doing::Sending(to) => write!(f, "send to {to}"),
            Doing::Receiving => f.write_str("receive"),
        }
    }
}

/// An error of a socket: what was being done, with whom, and what the operating system says.
#[derive(Debug)]
pub struct UdpError {
    /// What was being done.
    pub doing: Doing,
    /// Why it cannot be done.
    pub why: io::Error,
}

impl UdpError {
    /// For `map_err`.
    pub(super) fn of(doing: Doing) -> impl FnOnce(io::Error) -> UdpError {
        move |why| UdpError { doing, why }
    }
}

impl fmt::Display for UdpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.doing, self.why)
    }
}

impl Error for UdpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.why)
    }
}
