//! Groups: what is sent to them, too.

use super::{Doing, Udp, UdpError, system};
use std::net::{Ipv4Addr, Ipv6Addr};

impl Udp {
    /// Takes what is sent to a group (RFC 7252 12.8), on the network of this address of ours; `0.0.0.0`: of any.
    pub fn join_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> Result<(), UdpError> {
        let joined = system::can_join().and_then(|()| self.socket.join_multicast_v4(&group, &interface));
        joined.map_err(UdpError::of(Doing::Joining(group.into())))
    }

    /// Takes what is sent to a group (RFC 7252 12.8), on the interface of this number; 0: of any.
    pub fn join_v6(&self, group: Ipv6Addr, interface: u32) -> Result<(), UdpError> {
        let joined = system::can_join().and_then(|()| self.socket.join_multicast_v6(&group, interface));
        joined.map_err(UdpError::of(Doing::Joining(group.into())))
    }
}
