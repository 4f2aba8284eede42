//! Who is talked to.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// Who is talked to, and from where: two ways to one peer over different addresses of this machine are two.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Address {
    /// The peer. An IPv4 address is one, also where the socket is of IPv6.
    pub remote: SocketAddr,
    /// The address of this machine that datagrams come to, and from which they are sent. `None`: the one of the socket,
    /// or, if that is bound to none, the one that the operating system chooses. What comes to a socket that is bound to
    /// none has one always: who asks over such a socket, and wants the answer to be told for one, names it here, or
    /// takes a socket of its own (`Udp::towards`).
    pub local: Option<IpAddr>,
}

impl Address {
    /// A peer, over whatever address of this machine there is.
    #[must_use]
    pub const fn to(remote: SocketAddr) -> Address {
        Address { remote, local: None }
    }
}

impl From<SocketAddr> for Address {
    fn from(remote: SocketAddr) -> Address {
        Address::to(remote)
    }
}

/// The peer's.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.remote, f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Address {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::Format::format(&defmt::Display2Format(&self.remote), f);
    }
}
