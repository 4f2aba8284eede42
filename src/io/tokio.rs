//! The driver over tokio.

use super::std::Udp;
use super::{Address, Carrier, Doing, Received, UdpError};
use crate::endpoint::Transmit;
use crate::time::Instant;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::timeout_at;

/// A UDP socket and a clock, for tokio: what [`Udp`] is, to be waited for.
///
/// One task drives a server by [`run`](super::run), or in turn with what else it waits for by [`step`](super::step): any task,
/// also one that `tokio::spawn` lets wander from thread to thread, if what the handlers work on may. With
/// [objects](crate::Server::with_objects) that are of one thread it is what `block_on` is given, or one of a `LocalSet`.
/// [`host::AsyncClient`](crate::host::AsyncClient) is a client over it.
///
/// ```
/// use coaplet::io::{Address, AsyncUdp, Serve, Udp, run, seed};
/// use coaplet::server::{Answer, Error, Reply, Request, Route};
/// use coaplet::store::Heap;
/// use coaplet::{Config, Endpoint, Server};
///
/// fn count(count: &mut u32, _: &Request<Address>, reply: Reply) -> Result<Answer, Error> {
///     *count += 1;
///     Ok(reply.text("counted"))
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// let routes = [Route::new("count").get(count)];
/// let store = Heap::with_bound(100, 400, 1 << 16);
/// let mut server = Server::new(Endpoint::new(Config::DEFAULT.serving(), seed(), store), &routes);
/// let mut udp = AsyncUdp::bind("127.0.0.1:0".parse().unwrap())?;
/// // Until somebody says that it is enough; here that is at once.
/// let stop = async {};
/// let (mut rx, mut tx) = (vec![0; Udp::LONGEST], [0; 1152]);
/// run(&mut udp, &mut Serve::new(&mut server, &mut 0), stop, &mut rx, &mut tx).await
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct AsyncUdp {
    udp: Udp,
    /// The same socket, as tokio knows it: it says when there is something to read, or room to write.
    ready: UdpSocket,
}

impl AsyncUdp {
    /// A socket at an address of this machine, as [`Udp::bind`]. In the context of a runtime of tokio's, with its drivers of
    /// I/O and time.
    pub fn bind(address: SocketAddr) -> Result<AsyncUdp, UdpError> {
        Udp::bind(address).and_then(|udp| AsyncUdp::new(udp).map_err(UdpError::of(Doing::Binding(address))))
    }

    /// Of a socket that is bound. In the context of a runtime, too.
    pub fn new(udp: Udp) -> io::Result<AsyncUdp> {
        let ready = udp.socket.try_clone()?;
        // For both, since they are one.
        ready.set_nonblocking(true)?;
        Ok(AsyncUdp { ready: UdpSocket::from_std(ready)?, udp })
    }

    /// The socket: where it listens, what it has ignored, which groups it joins. Of what sends and receives, that does not
    /// wait.
    pub const fn udp(&mut self) -> &mut Udp {
        &mut self.udp
    }
}

impl Carrier for AsyncUdp {
    type Peer = Address;
    type Error = UdpError;

    fn now(&self) -> Instant {
        self.udp.now()
    }

    async fn send(&mut self, due: Transmit<Address>, tx: &[u8]) -> Result<(), UdpError> {
        let AsyncUdp { udp, ready } = self;
        // At once, if it can be: what is not waited for is not lost with the future.
        let sent = match udp.give(due, tx) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ready.async_io(Interest::WRITABLE, || udp.give(due, tx)).await
            }
            sent => sent,
        };
        sent.map_err(UdpError::of(Doing::Sending(due.to.remote)))
    }

    async fn receive(&mut self, until: Option<Instant>, rx: &mut [u8]) -> Result<Received, UdpError> {
        let AsyncUdp { udp, ready } = self;
        let start = udp.start;
        // Errors: what ICMP says makes the socket no more readable.
        let received = ready.async_io(Interest::READABLE.add(Interest::ERROR), || match udp.take(rx) {
            // A signal.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Received::Nothing),
            received => received,
        });
        // A moment beyond what the system's clock can say never comes.
        let until = until.and_then(|until| start.checked_add(Duration::from_millis(until.as_millis())));
        let received = match until {
            Some(until) => timeout_at(until.into(), received).await.unwrap_or(Ok(Received::Nothing)),
            None => received.await,
        };
        received.map_err(UdpError::of(Doing::Receiving))
    }
}
