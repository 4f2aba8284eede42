//! The driver over [embedded-nal-async](::embedded_nal_async) 0.9: sockets that are waited for, with whatever executor.
//!
//! Its two kinds of sockets are [`Connected`] and [`Unconnected`]; [`run`](super::run) and [`step`](super::step) drive a node
//! over them. Clock and timer are the program's: the timer gives a future of the moment until which is to be waited, with
//! Embassy `|at: Instant| Timer::at(embassy_time::Instant::from_millis(at.as_millis()))`.
//!
//! A receive future of the socket's is dropped when the time is over: it must not take a datagram with it. embassy-net's sockets
//! have no such traits yet (embassy-rs/embassy#2516): a [`Carrier`] of yours takes them as they are.
//!
//! ```
//! use coaplet::io::embedded_nal_async::Unconnected;
//! use coaplet::io::{Address, Serve, run};
//! use coaplet::server::Route;
//! use coaplet::{Config, Endpoint, Fixed, Instant, Server};
//! use core::net::{Ipv4Addr, SocketAddr};
//! use embedded_nal_async::UdpStack;
//!
//! /// Serves at CoAP's port for ever.
//! async fn serve<S, N: UdpStack, F: Future>(
//!     stack: &N,
//!     (routes, state): (&[Route<S, Address>], &mut S),
//!     seed: [u8; 16],
//!     clock: fn() -> Instant,
//!     timer: impl FnMut(Instant) -> F,
//! ) -> Result<(), N::Error> {
//!     let local = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5683));
//!     let mut carrier = Unconnected::new(stack.bind_multiple(local).await?, local, clock, timer);
//!     let store = Fixed::<Address, 4, 16, 2048>::new();
//!     let mut server = Server::new(Endpoint::new(Config::DEFAULT.serving(), seed, store), routes);
//!     let (mut rx, mut tx) = ([0; 1153], [0; 1152]);
//!     run(&mut carrier, &mut Serve::new(&mut server, state), core::future::pending::<()>(), &mut rx, &mut tx).await
//! }
//! ```

use super::{Address, Carrier, First, Received, first};
use crate::endpoint::{Arrival, Transmit};
use crate::time::Instant;
use ::embedded_nal_async::{ConnectedUdp, UnconnectedUdp};
use core::fmt;
use core::future::Future;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A socket for one peer, with a clock and a timer. What the endpoint calls the peer is the program's to say: `()` is the
/// smallest name.
pub struct Connected<U, P, C, T> {
    socket: U,
    peer: P,
    clock: C,
    timer: T,
}

impl<U, P, C, T> Connected<U, P, C, T> {
    /// Of these.
    pub const fn new(socket: U, peer: P, clock: C, timer: T) -> Connected<U, P, C, T> {
        Connected { socket, peer, clock, timer }
    }
}

impl<U: ConnectedUdp, P: Copy, C: Fn() -> Instant, F: Future, T: FnMut(Instant) -> F> Carrier
    for Connected<U, P, C, T>
{
    type Peer = P;
    type Error = U::Error;

    fn now(&self) -> Instant {
        (self.clock)()
    }

    async fn send(&mut self, due: Transmit<P>, tx: &[u8]) -> Result<(), U::Error> {
        self.socket.send(tx.get(..due.len).unwrap_or_default()).await
    }

    async fn receive(&mut self, until: Option<Instant>, rx: &mut [u8]) -> Result<Received<P>, U::Error> {
        Ok(match within(until, &mut self.timer, self.socket.receive_into(rx)).await.transpose()? {
            // What fills the buffer may have been longer.
            Some(len) if len < rx.len() => Received::Datagram { from: self.peer, arrival: Arrival::Unicast, len },
            _ => Received::Nothing,
        })
    }
}

/// A socket for whomever, with a clock and a timer. The peers are [`Address`]es: an answer leaves from the address to which the
/// request has come, as far as the stack tells it.
pub struct Unconnected<U, C, T> {
    socket: U,
    local: SocketAddr,
    clock: C,
    timer: T,
}

impl<U, C, T> Unconnected<U, C, T> {
    /// Of these. `local` is the address that `bind_single` gave, or that `bind_multiple` was given.
    pub const fn new(socket: U, local: SocketAddr, clock: C, timer: T) -> Unconnected<U, C, T> {
        Unconnected { socket, local, clock, timer }
    }
}

impl<U: UnconnectedUdp, C: Fn() -> Instant, F: Future, T: FnMut(Instant) -> F> Carrier for Unconnected<U, C, T> {
    type Peer = Address;
    type Error = U::Error;

    fn now(&self) -> Instant {
        (self.clock)()
    }

    async fn send(&mut self, due: Transmit<Address>, tx: &[u8]) -> Result<(), U::Error> {
        let local = due.to.local.map_or(self.local, |address| (address, self.local.port()).into());
        self.socket.send(local, due.to.remote, tx.get(..due.len).unwrap_or_default()).await
    }

    async fn receive(&mut self, until: Option<Instant>, rx: &mut [u8]) -> Result<Received, U::Error> {
        let received = within(until, &mut self.timer, self.socket.receive_into(rx)).await.transpose()?;
        let Some((len, to, remote)) = received.filter(|(len, ..)| *len < rx.len()) else {
            return Ok(Received::Nothing);
        };
        let group = to.ip().is_multicast() || to.ip() == IpAddr::V4(Ipv4Addr::BROADCAST);
        // A group answers from an address of its member's, which the stack chooses.
        let told = !group && !to.ip().is_unspecified() && self.local.ip().is_unspecified();
        let from = Address { remote, local: if told { Some(to.ip()) } else { None } };
        let arrival = if group { Arrival::Group } else { Arrival::Unicast };
        Ok(Received::Datagram { from, arrival, len })
    }
}

/// Waits for something until a moment. `None`: that has come first.
async fn within<R: Future, F: Future>(
    until: Option<Instant>,
    timer: &mut impl FnMut(Instant) -> F,
    something: R,
) -> Option<R::Output> {
    let Some(until) = until else { return Some(something.await) };
    match first(something, timer(until)).await {
        First::One(something) => Some(something),
        First::Other(_) => None,
    }
}

impl<U, P: fmt::Debug, C, T> fmt::Debug for Connected<U, P, C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl<U, C, T> fmt::Debug for Unconnected<U, C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unconnected").field("local", &self.local).finish_non_exhaustive()
    }
}
