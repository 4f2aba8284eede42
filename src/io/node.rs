//! What a driver carries the datagrams of, and what it gives and is given.

use super::Address;
use crate::endpoint::{Arrival, ClientResponse, Endpoint, Event, Input, Output, Roles, Transmit};
use crate::server::{self, Resource, Server};
use crate::store::Store;
use crate::time::Instant;
use core::borrow::BorrowMut;
use core::fmt;

/// What a socket has put into the buffer, from its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Received<P = Address> {
    /// Nothing of use. Look at the clock, and come again.
    Nothing,
    /// A datagram: for [`Endpoint::handle`].
    Datagram {
        /// Who has sent it, and to which address of ours.
        from: P,
        /// Whether it came to us alone.
        arrival: Arrival,
        /// How many bytes it has.
        len: usize,
    },
    /// A datagram of ours that found nobody at its port: for [`Endpoint::unreachable`].
    Unreachable {
        /// To whom it was sent.
        to: P,
        /// How many bytes of it are known, from its start.
        len: usize,
    },
}

/// What a driver is to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "what is due is given out once"]
pub enum Due<P> {
    /// Send this, and ask again.
    Send(Transmit<P>),
    /// Wait for a datagram until then, or, with `None`, for as long as it takes.
    Wait(Option<Instant>),
    /// Nothing any more: it is over.
    Over,
}

/// What a driver carries the datagrams of: a server with its state ([`Serve`]), an endpoint that asks ([`Ask`]), or
/// something of yours. What it is told of the network is the same everywhere; so each driver is written once.
pub trait Node {
    /// An address, as the driver has it.
    type Peer: Copy;

    /// What is due, one thing at a time. What it gives to be sent lies in `tx`.
    fn due(&mut self, now: Instant, tx: &mut [u8]) -> Due<Self::Peer>;

    /// Takes in a datagram. What it gives is in `tx`, and is to be sent before `tx` is used again.
    fn datagram(
        &mut self,
        now: Instant,
        from: Self::Peer,
        arrival: Arrival,
        datagram: &[u8],
        tx: &mut [u8],
    ) -> Option<Transmit<Self::Peer>>;

    /// The network says that a datagram found nobody at its port; `quoted` is what it says of it, from its start.
    fn unreachable(&mut self, now: Instant, to: Self::Peer, quoted: &[u8]) {
        let _ = (now, to, quoted);
    }

    /// The socket has not let a datagram out. Without more, it is as if the network had lost it.
    fn unsent(&mut self, now: Instant, to: Self::Peer, datagram: &[u8]) {
        let _ = (now, to, datagram);
    }

    /// Nothing new is to be begun: once what is under way has ended, [`due`](Node::due) says that it is over.
    fn stop(&mut self);

    /// Takes in whatever a socket has received into `rx`.
    fn received(
        &mut self,
        now: Instant,
        received: Received<Self::Peer>,
        rx: &[u8],
        tx: &mut [u8],
    ) -> Option<Transmit<Self::Peer>> {
        match received {
            Received::Nothing => None,
            Received::Datagram { from, arrival, len } => self.datagram(now, from, arrival, rx.get(..len)?, tx),
            Received::Unreachable { to, len } => {
                self.unreachable(now, to, rx.get(..len)?);
                None
            }
        }
    }
}

/// What an endpoint has to tell the application.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Told<'d, P> {
    /// A response to a request of the application's own.
    Response(ClientResponse<'d, P>),
    /// What [`poll`](Endpoint::poll) has given out, other than to send or to wait.
    Output(Output<P>),
}

/// A server and its state, for a driver. Made anew for as little as a step, if need be: it keeps nothing but whether it
/// is to stop.
///
/// Once it is to [stop](Node::stop), new requests are answered with 5.03, and it is over when those before have been
/// answered and their answers have arrived.
pub struct Serve<
    'n,
    'r,
    S,
    St: Store,
    R,
    E = Endpoint<St, R>,
    D: ?Sized = dyn Resource<S, <St as Store>::Peer> + Send + 'r,
> {
    /// The server.
    pub server: &'n mut Server<'r, S, St, R, E, D>,
    /// What its handlers work on.
    pub state: &'n mut S,
    told: fn(&mut S, Told<'_, St::Peer>),
    stopping: bool,
}

impl<'n, 'r, S, St: Store, R, E, D: ?Sized> Serve<'n, 'r, S, St, R, E, D> {
    /// Of these.
    pub const fn new(server: &'n mut Server<'r, S, St, R, E, D>, state: &'n mut S) -> Self {
        Serve { server, state, told: |_, _| {}, stopping: false }
    }

    /// Tells the state of what concerns the application alone: responses to requests of its own, and how they and late
    /// answers have ended.
    #[must_use]
    pub fn told(self, told: fn(&mut S, Told<'_, St::Peer>)) -> Self {
        Serve { told, ..self }
    }
}

impl<S, St: Store, R: Roles, E: BorrowMut<Endpoint<St, R>>, D: Resource<S, St::Peer> + ?Sized> Node
    for Serve<'_, '_, S, St, R, E, D>
{
    type Peer = St::Peer;

    fn due(&mut self, now: Instant, tx: &mut [u8]) -> Due<St::Peer> {
        loop {
            match self.server.poll(self.state, now, tx) {
                Output::Send(due) => return Due::Send(due),
                Output::Idle(_) if self.stopping && self.server.has_answered() => return Due::Over,
                Output::Idle(until) => return Due::Wait(until),
                output => (self.told)(self.state, Told::Output(output)),
            }
        }
    }

    fn datagram(
        &mut self,
        now: Instant,
        from: St::Peer,
        arrival: Arrival,
        datagram: &[u8],
        tx: &mut [u8],
    ) -> Option<Transmit<St::Peer>> {
        let server::Input { reply, response } = match self.stopping {
            false => self.server.handle(self.state, now, from, arrival, datagram, tx),
            true => self.server.refuse(now, from, arrival, datagram, tx),
        };
        if let Some(response) = response {
            (self.told)(self.state, Told::Response(response));
        }
        reply
    }

    fn unreachable(&mut self, now: Instant, to: St::Peer, quoted: &[u8]) {
        self.server.endpoint().unreachable(now, to, quoted);
    }

    fn stop(&mut self) {
        self.stopping = true;
    }
}

impl<S, St: Store, R, E, D: ?Sized> fmt::Debug for Serve<'_, '_, S, St, R, E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("server", &self.server).field("stopping", &self.stopping).finish_non_exhaustive()
    }
}

/// An endpoint that asks, for a driver: over once `told` says so of what it is told. It answers nothing.
///
/// What the socket does not let out ends as [`Unreachable`](crate::endpoint::Failure::Unreachable).
pub struct Ask<'n, St: Store, R, F> {
    endpoint: &'n mut Endpoint<St, R>,
    told: F,
    over: bool,
}

impl<'n, St: Store, R, F: FnMut(Told<'_, St::Peer>) -> bool> Ask<'n, St, R, F> {
    /// Of this endpoint. `told` gives true when it has what it waits for.
    pub const fn new(endpoint: &'n mut Endpoint<St, R>, told: F) -> Ask<'n, St, R, F> {
        Ask { endpoint, told, over: false }
    }
}

impl<St: Store, R: Roles, F: FnMut(Told<'_, St::Peer>) -> bool> Node for Ask<'_, St, R, F> {
    type Peer = St::Peer;

    fn due(&mut self, now: Instant, tx: &mut [u8]) -> Due<St::Peer> {
        while !self.over {
            match self.endpoint.poll(now, tx) {
                Output::Send(due) => return Due::Send(due),
                Output::Idle(until) => return Due::Wait(until),
                output => self.over = (self.told)(Told::Output(output)),
            }
        }
        Due::Over
    }

    fn datagram(
        &mut self,
        now: Instant,
        from: St::Peer,
        arrival: Arrival,
        datagram: &[u8],
        tx: &mut [u8],
    ) -> Option<Transmit<St::Peer>> {
        let Input { reply, event } = self.endpoint.handle(now, from, arrival, datagram, tx);
        if let Event::Response(response) = event {
            self.over |= (self.told)(Told::Response(response));
        }
        reply
    }

    fn unreachable(&mut self, now: Instant, to: St::Peer, quoted: &[u8]) {
        self.endpoint.unreachable(now, to, quoted);
    }

    fn unsent(&mut self, now: Instant, to: St::Peer, datagram: &[u8]) {
        self.endpoint.unreachable(now, to, datagram);
    }

    fn stop(&mut self) {
        self.over = true;
    }
}

impl<St: Store, R, F> fmt::Debug for Ask<'_, St, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("over", &self.over).finish_non_exhaustive()
    }
}
