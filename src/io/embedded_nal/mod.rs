//! The driver over [embedded-nal](::embedded_nal) 0.9: sockets that never wait, for a program that is one loop.
//!
//! [`Nal`] keeps a socket of a stack, and the two buffers of its datagrams. [`step`](Nal::step) does what can be done without
//! waiting. What the stack takes only later (`nb::Error::WouldBlock`) stays in the buffer, and is the first thing that the next
//! step sends.
//!
#![doc = include_str!("example.md")]

mod way;

pub use way::{Bound, Connected, Pass, Way};

use super::{Due, Node};
use crate::endpoint::{Arrival, Transmit};
use crate::time::Instant;
use ::embedded_nal::{UdpClientStack, UdpFullStack, nb};
use core::net::SocketAddr;

/// A socket and a clock. The peers are [`SocketAddr`]s, and nothing is known of groups: what comes counts as sent to us alone.
pub struct Nal<'b, T: UdpClientStack, W, C> {
    socket: T::UdpSocket,
    way: W,
    clock: C,
    rx: &'b mut [u8],
    tx: &'b mut [u8],
    /// What lies in `tx` to be sent.
    waiting: Option<Transmit<SocketAddr>>,
}

impl<'b, T: UdpClientStack, C: FnMut() -> Instant> Nal<'b, T, Connected, C> {
    /// A socket for one peer. `rx` is one byte longer than the longest datagram that is taken: what fills it may have been
    /// longer, and is ignored.
    ///
    /// # Errors
    ///
    /// Those of the stack.
    pub fn connect(
        stack: &mut T,
        remote: SocketAddr,
        clock: C,
        rx: &'b mut [u8],
        tx: &'b mut [u8],
    ) -> Result<Self, T::Error> {
        let mut socket = stack.socket()?;
        match stack.connect(&mut socket, remote) {
            Ok(()) => Ok(Nal { socket, way: Connected(remote), clock, rx, tx, waiting: None }),
            Err(error) => stack.close(socket).and(Err(error)),
        }
    }
}

impl<'b, T: UdpFullStack, C: FnMut() -> Instant> Nal<'b, T, Bound, C> {
    /// A socket at a port: for a server, or for who asks several. `rx` as of [`connect`](Nal::connect).
    ///
    /// # Errors
    ///
    /// Those of the stack.
    pub fn bind(stack: &mut T, port: u16, clock: C, rx: &'b mut [u8], tx: &'b mut [u8]) -> Result<Self, T::Error> {
        let mut socket = stack.socket()?;
        match stack.bind(&mut socket, port) {
            Ok(()) => Ok(Nal { socket, way: Bound(()), clock, rx, tx, waiting: None }),
            Err(error) => stack.close(socket).and(Err(error)),
        }
    }
}

impl<T: UdpClientStack, W: Way<T>, C: FnMut() -> Instant> Nal<'_, T, W, C> {
    /// Where a datagram may be written that is to be sent: then [`send`](Nal::send) it. `None`: one waits there; a step
    /// may help.
    pub fn tx(&mut self) -> Option<&mut [u8]> {
        if self.waiting.is_none() { Some(self.tx) } else { None }
    }

    /// Has what was written there sent by the next step.
    pub fn send(&mut self, due: Transmit<SocketAddr>) {
        self.waiting = Some(due);
    }

    /// Sends what is due, and takes in a datagram if one has come; without waiting for anything.
    ///
    /// # Errors
    ///
    /// Those of the stack, in receiving: another step may do. Of those in sending [the node is told](Node::unsent).
    pub fn step<N: Node<Peer = SocketAddr>>(&mut self, stack: &mut T, node: &mut N) -> Result<Pass, T::Error> {
        let until = loop {
            if !self.flush(stack, node) {
                return Ok(Pass::Again);
            }
            match node.due((self.clock)(), self.tx) {
                Due::Send(due) => self.waiting = Some(due),
                Due::Wait(until) => break until,
                Due::Over => return Ok(Pass::Over),
            }
        };
        let (length, from) = match stack.receive(&mut self.socket, self.rx) {
            Ok(received) => received,
            Err(nb::Error::WouldBlock) => return Ok(Pass::Wait(until)),
            Err(nb::Error::Other(error)) => return Err(error),
        };
        if length < self.rx.len() && self.way.hears(from) {
            let datagram = self.rx.get(..length).unwrap_or_default();
            self.waiting = node.datagram((self.clock)(), from, Arrival::Unicast, datagram, self.tx);
            self.flush(stack, node);
        }
        Ok(Pass::Again)
    }

    /// Sends what waits. False: the stack does not take it yet.
    fn flush<N: Node<Peer = SocketAddr>>(&mut self, stack: &mut T, node: &mut N) -> bool {
        let Some(Transmit { to, len }) = self.waiting else { return true };
        let datagram = self.tx.get(..len).unwrap_or_default();
        match self.way.send(stack, &mut self.socket, to, datagram) {
            Err(nb::Error::WouldBlock) => return false,
            Err(nb::Error::Other(_)) => node.unsent((self.clock)(), to, datagram),
            Ok(()) => {}
        }
        self.waiting = None;
        true
    }

    /// Steps until the node is over. When there is nothing to be done, `idle` is called with the time until which that is so,
    /// unless a datagram comes: it may sleep until then or until the network wakes it, or do something else and return.
    ///
    /// # Errors
    ///
    /// As [`step`](Nal::step). It may be called again.
    pub fn run<N: Node<Peer = SocketAddr>>(
        &mut self,
        stack: &mut T,
        node: &mut N,
        mut idle: impl FnMut(Option<Instant>),
    ) -> Result<(), T::Error> {
        loop {
            match self.step(stack, node)? {
                Pass::Again => {}
                Pass::Wait(until) => idle(until),
                Pass::Over => return Ok(()),
            }
        }
    }

    /// Gives the socket back to the stack.
    ///
    /// # Errors
    ///
    /// Those of the stack.
    pub fn close(self, stack: &mut T) -> Result<(), T::Error> {
        stack.close(self.socket)
    }
}
