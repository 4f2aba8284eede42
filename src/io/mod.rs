//! Drivers: what carries the datagrams of an endpoint. The only files that touch a socket; each is the way from a socket
//! to [`handle`](crate::Endpoint::handle) and from [`poll`](crate::Endpoint::poll) to the socket, and knows nothing of
//! the protocol.
//!
//! [`Udp`] is the driver over the standard library's socket, feature `std`. What a program with an operating system
//! does with it stands in [`host`](crate::host).
//!
//! ```
//! use coaplet::endpoint::{Arrival, Event, Output};
//! use coaplet::io::{Address, Received, Udp, UdpError, seed};
//! use coaplet::store::Heap;
//! use coaplet::{Code, Config, Endpoint};
//!
//! /// A server whose every resource is "hello".
//! fn serve(udp: &mut Udp) -> Result<(), UdpError> {
//!     let store = Heap::<Address>::with_bound(100, 400, 1 << 16);
//!     let mut endpoint = Endpoint::new(Config::DEFAULT, seed(), store);
//!     let (mut rx, mut tx) = (vec![0; Udp::LONGEST], [0; 1152]);
//!     loop {
//!         let until = loop {
//!             match endpoint.poll(udp.now(), &mut tx) {
//!                 Output::Send(due) => udp.send(due, &tx)?,
//!                 Output::Idle(until) => break until,
//!                 _ => {}
//!             }
//!         };
//!         let (from, arrival, datagram) = match udp.receive(until, &mut rx)? {
//!             Received::Datagram { from, arrival, len } => (from, arrival, &rx[..len]),
//!             Received::Unreachable { to, len } => {
//!                 endpoint.unreachable(udp.now(), to, &rx[..len]);
//!                 continue;
//!             }
//!             Received::Nothing => continue,
//!         };
//!         let input = endpoint.handle(udp.now(), from, arrival, datagram, &mut tx);
//!         if let Some(reply) = input.reply {
//!             udp.send(reply, &tx)?;
//!         }
//!         let Event::Request(request) = input.event else { continue };
//!         let answer = endpoint.respond(udp.now(), request.id, &mut tx, |w| {
//!             w.code(Code::CONTENT).payload(b"hello");
//!         });
//!         if let Ok(Some(answer)) = answer {
//!             udp.send(answer, &tx)?;
//!         }
//!     }
//! }
//! # fn main() {}
//! ```

mod came;
mod error;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;
mod std;

pub use self::std::Udp;
pub use came::Received;
pub use error::{Doing, UdpError};

use ::std::fmt;
use ::std::hash::{BuildHasher, Hasher, RandomState};
use ::std::net::{IpAddr, SocketAddr};

/// Who is talked to, and from where: two ways to one peer over different addresses of this machine are two.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Address {
    /// The peer. An IPv4 address is one, also where the socket is of IPv6.
    pub remote: SocketAddr,
    /// The address of this machine that datagrams come to, and from which they are sent. `None`: the one of the socket,
    /// or, if that is bound to none, the one that the operating system chooses. What comes to a socket that is bound to
    /// none has one always: who asks over such a socket, and wants the answer to be told for one, names it here, or
    /// takes a socket of its own ([`Udp::towards`]).
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

/// Sixteen bytes to seed an endpoint with, that nobody can guess: from the operating system.
#[must_use]
pub fn seed() -> [u8; 16] {
    let mut seed = [0; 16];
    if getrandom::fill(&mut seed).is_err() {
        // A system without a source of randomness: what the standard library keys its hash maps with.
        let half = || u128::from(RandomState::new().build_hasher().finish());
        seed = (half() << 64 | half()).to_ne_bytes();
    }
    seed
}
