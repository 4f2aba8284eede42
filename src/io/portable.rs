//! The socket calls of the driver where there is nothing but what the standard library has: neither the address that a
//! datagram came to nor what an ICMP error quotes.

use super::Address;
use super::came::{Came, canonical};
use crate::endpoint::Arrival;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, SocketAddrV6, UdpSocket};

/// RFC 7252 8.2 wants another treatment of what comes to a group, and here nobody can tell it.
pub(super) fn can_join() -> io::Result<()> {
    Err(io::Error::new(ErrorKind::Unsupported, "on this system it is not told which datagrams come to a group"))
}

pub(super) fn prepare(_: &UdpSocket, _: bool) -> io::Result<()> {
    Ok(())
}

pub(super) fn receive(socket: &UdpSocket, rx: &mut [u8]) -> io::Result<Came> {
    let (len, from) = socket.recv_from(rx)?;
    Ok(Came { len, from: canonical(from), local: None, arrival: Arrival::Unicast })
}

/// Nothing is quoted.
pub(super) fn undelivered(_: &UdpSocket, _: &mut [u8]) -> io::Result<Option<Came>> {
    Err(ErrorKind::WouldBlock.into())
}

pub(super) fn send(socket: &UdpSocket, six: bool, datagram: &[u8], to: Address) -> io::Result<()> {
    let remote = match to.remote {
        SocketAddr::V4(four) if six => SocketAddrV6::new(four.ip().to_ipv6_mapped(), four.port(), 0, 0).into(),
        remote => remote,
    };
    socket.send_to(datagram, remote).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv6Addr;

    #[test]
    fn it_carries_datagrams() {
        let [one, other] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        prepare(&one, false).unwrap();
        let (there, mut rx) = (other.local_addr().unwrap(), [0; 8]);
        send(&one, false, b"abc", Address::to(there)).unwrap();
        let came = receive(&other, &mut rx).unwrap();
        assert_eq!((&rx[..came.len], came.from), (&b"abc"[..], one.local_addr().unwrap()));
        assert_eq!((came.local, came.arrival), (None, Arrival::Unicast));
        assert!(undelivered(&one, &mut rx).is_err() && can_join().is_err());
    }

    /// A socket of IPv6 sends to addresses of IPv4, and names them as such.
    #[test]
    fn it_speaks_both() {
        let Ok(both) = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)) else { return };
        let four = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut rx = [0; 8];
        send(&both, true, b"abc", Address::to(four.local_addr().unwrap())).unwrap();
        let came = receive(&four, &mut rx).unwrap();
        send(&four, false, b"d", Address::to(came.from)).unwrap();
        let came = receive(&both, &mut rx).unwrap();
        assert_eq!((came.len, came.from), (1, four.local_addr().unwrap()));
    }
}
