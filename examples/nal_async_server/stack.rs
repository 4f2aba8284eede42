//! Sockets of tokio's as embedded-nal-async has them: in the place of a device's network stack.

use embedded_nal_async::{ConnectedUdp, UdpStack, UnconnectedUdp};
use std::io::Error;
use std::net::SocketAddr;
use tokio::net::UdpSocket;

/// The operating system's stack.
pub struct Stack;

/// A socket of one peer's.
pub struct Connected(UdpSocket);

/// A socket at one address.
pub struct Bound(UdpSocket, SocketAddr);

impl UdpStack for Stack {
    type Error = Error;
    type Connected = Connected;
    type UniquelyBound = Bound;
    type MultiplyBound = Bound;

    async fn connect_from(&self, local: SocketAddr, remote: SocketAddr) -> Result<(SocketAddr, Connected), Error> {
        let socket = UdpSocket::bind(local).await?;
        socket.connect(remote).await?;
        Ok((socket.local_addr()?, Connected(socket)))
    }

    async fn bind_single(&self, local: SocketAddr) -> Result<(SocketAddr, Bound), Error> {
        let socket = UdpSocket::bind(local).await?;
        let local = socket.local_addr()?;
        Ok((local, Bound(socket, local)))
    }

    /// It would have to be told to which address each datagram comes.
    async fn bind_multiple(&self, _: SocketAddr) -> Result<Bound, Error> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

impl ConnectedUdp for Connected {
    type Error = Error;

    async fn send(&mut self, data: &[u8]) -> Result<(), Error> {
        self.0.send(data).await.map(drop)
    }

    async fn receive_into(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        self.0.recv(buffer).await
    }
}

impl UnconnectedUdp for Bound {
    type Error = Error;

    async fn send(&mut self, _: SocketAddr, remote: SocketAddr, data: &[u8]) -> Result<(), Error> {
        self.0.send_to(data, remote).await.map(drop)
    }

    async fn receive_into(&mut self, buffer: &mut [u8]) -> Result<(usize, SocketAddr, SocketAddr), Error> {
        let (length, remote) = self.0.recv_from(buffer).await?;
        Ok((length, self.1, remote))
    }
}
