//! The socket calls of the driver on Linux: with the address that a datagram came to and leaves from, and the queue of
//! errors.

use super::Address;
use super::came::{Came, canonical};
use crate::endpoint::Arrival;
use nix::cmsg_space;
use nix::libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo, sock_extended_err, sockaddr_in, sockaddr_in6};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::vec;

/// ICMP and ICMPv6 as the origin of an error, and type and code of "port unreachable" in each (RFC 792, RFC 4443 3.1).
const ICMP: (u8, u8, u8) = (2, 3, 3);
const ICMP6: (u8, u8, u8) = (3, 1, 4);

pub(super) fn can_join() -> io::Result<()> {
    Ok(())
}

/// Asks for the address that each datagram came to, and for the queue of errors. A socket of IPv6 takes both kinds.
pub(super) fn prepare(socket: &UdpSocket, six: bool) -> io::Result<()> {
    setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?;
    setsockopt(socket, sockopt::Ipv4RecvErr, &true)?;
    if six {
        setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        setsockopt(socket, sockopt::Ipv6RecvErr, &true)?;
    }
    Ok(())
}

pub(super) fn receive(socket: &UdpSocket, rx: &mut [u8]) -> io::Result<Came> {
    let mut space = cmsg_space!(in_pktinfo, in6_pktinfo, (sock_extended_err, sockaddr_in6));
    let mut buffers = [IoSliceMut::new(rx)];
    let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut buffers, Some(&mut space), MsgFlags::empty())?;
    let (mut local, mut arrival) = (None, Arrival::Unicast);
    for control in message.cmsgs()? {
        let (to, ours) = match control {
            // The second is where an answer leaves from: where it came to, or on the way to which a group was asked.
            ControlMessageOwned::Ipv4PacketInfo(info) => (v4(info.ipi_addr), v4(info.ipi_spec_dst)),
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                let to = Ipv6Addr::from(info.ipi6_addr.s6_addr).to_canonical();
                // Of IPv4 the other tells, and more.
                if to.is_ipv4() { continue } else { (to, to) }
            }
            _ => continue,
        };
        if to.is_multicast() || to != ours {
            arrival = Arrival::Group;
        }
        local = Some(ours).filter(|ours| !ours.is_multicast());
    }
    Ok(Came { len: message.bytes, from: sender(message.address)?, local, arrival })
}

/// One of the errors in the queue: the datagram that it quotes, to whom that went and from where, if nobody listens
/// there. An error if the queue is empty.
pub(super) fn undelivered(socket: &UdpSocket, rx: &mut [u8]) -> io::Result<Option<Came>> {
    let mut space =
        cmsg_space!(in_pktinfo, in6_pktinfo, (sock_extended_err, sockaddr_in6), (sock_extended_err, sockaddr_in));
    let mut buffers = [IoSliceMut::new(rx)];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut buffers, Some(&mut space), flags)?;
    let (mut refused, mut local) = (false, None);
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) => {
                refused |= matches!((error.ee_origin, error.ee_type, error.ee_code), ICMP | ICMP6);
            }
            // Where the error came to, the datagram left from.
            ControlMessageOwned::Ipv4PacketInfo(info) => local = Some(v4(info.ipi_addr)),
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                local = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).to_canonical());
            }
            _ => {}
        }
    }
    let came = Came { len: message.bytes, from: sender(message.address)?, local, arrival: Arrival::Unicast };
    Ok(Some(came).filter(|_| refused))
}

pub(super) fn send(socket: &UdpSocket, six: bool, datagram: &[u8], to: Address) -> io::Result<()> {
    let remote = match to.remote {
        SocketAddr::V4(four) if six => SocketAddrV6::new(four.ip().to_ipv6_mapped(), four.port(), 0, 0).into(),
        remote => remote,
    };
    let (four, other);
    let from = match (to.local, remote) {
        (None, _) => None,
        (Some(IpAddr::V4(local)), SocketAddr::V4(_)) => {
            let address = |ip: Ipv4Addr| in_addr { s_addr: u32::from_ne_bytes(ip.octets()) };
            four =
                in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: address(local), ipi_addr: address(Ipv4Addr::UNSPECIFIED) };
            Some(ControlMessage::Ipv4PacketInfo(&four))
        }
        (Some(local), _) => {
            let ip = match local {
                IpAddr::V4(local) => local.to_ipv6_mapped(),
                IpAddr::V6(local) => local,
            };
            let scope = if let SocketAddr::V6(remote) = remote { remote.scope_id() } else { 0 };
            other = in6_pktinfo { ipi6_addr: in6_addr { s6_addr: ip.octets() }, ipi6_ifindex: scope };
            Some(ControlMessage::Ipv6PacketInfo(&other))
        }
    };
    let (remote, buffers) = (SockaddrStorage::from(remote), [IoSlice::new(datagram)]);
    sendmsg(socket.as_raw_fd(), &buffers, from.as_slice(), MsgFlags::empty(), Some(&remote))?;
    Ok(())
}

fn v4(address: in_addr) -> IpAddr {
    IpAddr::from(address.s_addr.to_ne_bytes())
}

fn sender(address: Option<SockaddrStorage>) -> io::Result<SocketAddr> {
    let address = address.as_ref();
    let four = address.and_then(SockaddrStorage::as_sockaddr_in).map(|four| SocketAddr::V4((*four).into()));
    let found =
        four.or_else(|| address.and_then(SockaddrStorage::as_sockaddr_in6).map(|six| SocketAddr::V6((*six).into())));
    found.map(canonical).ok_or_else(|| io::Error::other("a datagram without a sender"))
}
