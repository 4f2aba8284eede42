//! A server on a socket.

use super::builder::{Passed, Way};
use super::traced::{MAX_MESSAGE, Traced};
use crate::config::Config;
use crate::endpoint::{Endpoint, Output, Transmit};
use crate::io::{Address, Received, Udp, UdpError, seed};
use crate::roles::Full;
use crate::server::{self, Route, Server};
use crate::store::Heap;
use crate::time::Instant;
use std::boxed::Box;
use std::fmt;
use std::vec;
use std::vec::Vec;

/// Serves resources until the socket cannot be used any more, and says why not.
///
/// ```no_run
/// use coaplet::host::{Resource, serve};
/// use coaplet::io::{Address, Udp};
/// use coaplet::server::{Answer, Error, Reply, Request};
///
/// fn count(count: &mut u32, _: &Request<Address>, reply: Reply) -> Result<Answer, Error> {
///     *count += 1;
///     Ok(reply.text(&count.to_string()))
/// }
///
/// static RESOURCES: [Resource<u32>; 1] = [Resource::new("count").get(count).title("how often it was asked")];
///
/// # fn main() -> Result<(), coaplet::io::UdpError> {
/// Err(serve(Udp::bind(([127, 0, 0, 1], 5683).into())?, &RESOURCES, &mut 0))
/// # }
/// ```
pub fn serve<S>(socket: Udp, resources: &[Resource<S>], state: &mut S) -> UdpError {
    let mut serving = Serving::new(socket, resources);
    loop {
        if let Err(error) = serving.turn(state, None) {
            return error;
        }
    }
}

/// A resource that is reached over a socket.
pub type Resource<S> = Route<S, Address>;

/// A server on a socket, turn by turn: for a program that has something else to do, such as to look for changes.
///
/// ```no_run
/// use coaplet::host::{Resource, Serving};
/// use coaplet::io::Udp;
/// use std::time::Duration;
/// # use coaplet::io::Address;
/// # use coaplet::server::{Answer, Error, Reply, Request};
/// # fn time(_: &mut u64, _: &Request<Address>, reply: Reply) -> Result<Answer, Error> { Ok(reply.done()) }
///
/// let resources = [Resource::new("time").get(time).observable()];
/// let mut serving = Serving::new(Udp::bind("[::]:5683".parse()?)?, &resources);
/// let mut seconds = 0;
/// loop {
///     let next = serving.now() + Duration::from_secs(1);
///     while serving.now() < next {
///         serving.turn(&mut seconds, Some(next))?;
///     }
///     seconds += 1;
///     serving.server().notify("time");
/// }
/// # #[allow(unreachable_code)]
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Serving<'r, S, D: ?Sized = dyn server::Resource<S, Address> + Send + 'r> {
    server: Server<'r, S, Heap<Address>, Full, Endpoint<Heap<Address>>, D>,
    socket: Traced,
    rx: Vec<u8>,
    tx: Vec<u8>,
    unsent: u64,
}

impl<'r, S> Serving<'r, S> {
    /// For some thousand clients at a time: with slots for 4,096 peers, 16,384 exchanges, 4,096 observers and 256 bodies
    /// that come in blocks, and 4 MiB for answers that may have to be sent again.
    #[must_use]
    pub fn new(socket: Udp, resources: &'r [Resource<S>]) -> Serving<'r, S> {
        let store = Heap::with_bound(4096, 16_384, 4 << 20).observers(4096).transfers(256);
        let endpoint = Endpoint::new(Config::DEFAULT.serving(), seed(), store);
        Serving::over(socket, Server::new(endpoint, resources))
    }
}

impl<'r, S, D: server::Resource<S, Address> + ?Sized> Serving<'r, S, D> {
    /// Over a server that was made otherwise: with another store or configuration, with objects, with names.
    #[must_use]
    pub fn over(socket: Udp, server: Server<'r, S, Heap<Address>, Full, Endpoint<Heap<Address>>, D>) -> Self {
        let socket = Traced { udp: socket, trace: None };
        Serving { server, socket, rx: vec![0; Udp::LONGEST], tx: vec![0; MAX_MESSAGE], unsent: 0 }
    }

    /// Shows each datagram that passes.
    #[must_use]
    pub fn trace(self, trace: impl FnMut(&Passed<'_>) + Send + 'static) -> Self {
        let socket = Traced { trace: Some(Box::new(trace)), ..self.socket };
        Serving { socket, ..self }
    }

    /// The clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.socket.now()
    }

    /// The server: to tell it of changes, and to answer what was put off.
    pub const fn server(&mut self) -> &mut Server<'r, S, Heap<Address>, Full, Endpoint<Heap<Address>>, D> {
        &mut self.server
    }

    /// How many datagrams the system did not let us send. To a peer that cannot be reached it is as if they were lost.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        self.unsent
    }

    /// Does what is due, and takes in a datagram if one comes by then; `None`: waits for as long as it takes. What is
    /// due and does not concern the server, it gives out: see [`Output`].
    ///
    /// # Errors
    ///
    /// [`UdpError`]: the socket cannot be read.
    pub fn turn(&mut self, state: &mut S, until: Option<Instant>) -> Result<Option<Output<Address>>, UdpError> {
        let idle = loop {
            match self.server.poll(state, self.socket.now(), &mut self.tx) {
                Output::Send(due) => self.transmit(due, Way::Due),
                Output::Idle(idle) => break idle,
                told => return Ok(Some(told)),
            }
        };
        let until = [idle, until].into_iter().flatten().min();
        let received = self.socket.receive(until, &mut self.rx)?;
        let now = self.socket.now();
        let (from, arrival, len) = match received {
            Received::Nothing => return Ok(None),
            Received::Datagram { from, arrival, len } => (from, arrival, len),
            Received::Unreachable { to, len } => {
                self.server.endpoint().unreachable(now, to, self.rx.get(..len).unwrap_or_default());
                return Ok(None);
            }
        };
        let datagram = self.rx.get(..len).unwrap_or_default();
        // Of requests of the server's own there are none here.
        let reply = self.server.handle(state, now, from, arrival, datagram, &mut self.tx).reply;
        if let Some(reply) = reply {
            self.transmit(reply, Way::Sent);
        }
        Ok(None)
    }

    fn transmit(&mut self, due: Transmit<Address>, way: Way) {
        // One peer that cannot be reached is not to end what is there for the others.
        self.unsent = self.unsent.saturating_add(u64::from(self.socket.send(due, way, &self.tx).is_err()));
    }
}

impl<S, D: ?Sized> fmt::Debug for Serving<'_, S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("server", &self.server).field("socket", &self.socket).finish_non_exhaustive()
    }
}
