//! Drivers: what carries the datagrams of an endpoint. The only files that touch a socket; each is the way from a socket
//! to an endpoint and back, and knows nothing of the protocol.
//!
//! | over | feature | driver | an example |
//! |---|---|---|---|
//! | sockets of the standard library | `std` | `Udp`, which blocks; [`host`](crate#the-map) has a client and a server over it | `std_client`, `std_server` |
//! | tokio | `tokio` | `AsyncUdp`, with [`run`] and [`step`]; `host::AsyncClient` is a client over it | `tokio_client`, `tokio_server` |
//! | embedded-nal 0.9 | `embedded_nal` | `embedded_nal::Nal`: connected or bound, and never waits | `nal_client` |
//! | embedded-nal-async 0.9 | `embedded_nal_async` | `embedded_nal_async::Connected` and `Unconnected`, with [`run`] and [`step`] | `nal_async_server` |
//! | smoltcp | none: it takes no more than a loop | `src/network.rs` of the firmware | `examples/firmware` |
//!
//! All but the first carry the datagrams of a [`Node`]: of a server with its state ([`Serve`]), of an endpoint that asks
//! ([`Ask`]), or of one of yours. A node that is [told to stop](Node::stop) begins nothing new, lets what is under way end,
//! and is over then. An answer that a handler has put off is written by [`Server::complete`](crate::Server::complete)
//! between two steps; so is whatever else a program has to tell its endpoint.
//!
//! smoltcp needs no driver of ours: its sockets lend their transmit buffers, so that
//! [`handle`](crate::Server::handle) writes a reply straight into the buffer that it is sent from. The firmware does so with
//! `udp::Socket::send_with`, which takes a function of the room to the length of what it has written:
//!
//! ```text
//! let Ok((datagram, about)) = inbound.recv() else { return };
//! outbound.send_with(DATAGRAM, about.endpoint, |room| {
//!     let input = server.handle(&mut state, now, about.endpoint, Arrival::Unicast, datagram, room);
//!     input.reply.map_or(0, |reply| reply.len)
//! })
//! ```
//!
//! Two sockets on one port, since one socket cannot lend the datagram and the room at the same time. What else there is to
//! it, such as an empty reply and a neighbour that does not answer, stands in `examples/firmware/src/network.rs`.
//!
//! # Bring your own transport
//!
//! Anything will do that carries datagrams of some hundred bytes, loses some, and says who has sent them. A peer's address is
//! any type that is `Copy + Eq + Hash`. A driver is this loop:
//!
//! ```text
//!              ┌───────────────────────────────────────────────────────────────┐
//!              ▼                                                               │
//!        due(now, tx) ───────────────┬───────────────────────┐                 │
//!              │ Wait(until)         │ Send(t)               │ Over            │
//!              ▼                     ▼                       ▼                 │
//!    wait for the first of     send tx[..t.len] to t.to     end                │
//!      a datagram                    │                                         │
//!      the moment `until`            └──────── it cannot be: unsent ──────────▶│
//!      a command of the program's                                              │
//!              │                                                               │
//!              ├─ a datagram ──▶ datagram(now, from, arrival, rx, tx)          │
//!              │                     │ Some(t): send tx[..t.len] to t.to       │
//!              │                     └────────────────────────────────────────▶│
//!              ├─ nobody is there ──▶ unreachable(now, to, quoted) ───────────▶│
//!              └─ the moment, or a command ───────────────────────────────────▶┘
//! ```
//!
//! | call | gives | and then |
//! |---|---|---|
//! | [`due`](Node::due) | [`Send(t)`](Due::Send) | `tx[..t.len]` is sent to `t.to` before `tx` is used again; `due` is called again at once |
//! | | [`Wait(Some(until))`](Due::Wait) | a datagram or that moment is waited for; too early does no harm, too late is late |
//! | | `Wait(None)` | a datagram is waited for, for as long as it takes |
//! | | [`Over`](Due::Over) | the loop ends |
//! | [`datagram`](Node::datagram) | `Some(t)` | the reply is sent before `tx` is used again |
//! | | `None` | there is nothing to be said, or not yet: `due` has it |
//! | [`unreachable`](Node::unreachable), [`unsent`](Node::unsent), [`stop`](Node::stop) | nothing | `due` knows what follows of it |
//!
//! Whatever is not sent is as if the network had lost it; what matters comes out of `due` again. `rx` is one byte longer than
//! the longest datagram, so that one that fills it is known to be cut off, and ignored; `tx` has 1152 bytes
//! (RFC 7252 4.6) or whatever the messages need. The clock counts milliseconds and does not go backwards. A whole driver, over
//! channels of the standard library's, with a server and a client on it:
//!
//! ```
//! use coaplet::endpoint::{Arrival, Output, Request, Transmit};
//! use coaplet::io::{Ask, Due, Node, Serve, Told};
//! use coaplet::server::{self, Answer, Reply, Route};
//! use coaplet::{Config, Endpoint, Fixed, Instant, Server};
//! use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
//! use std::time::Duration;
//!
//! type Datagram = (u8, Vec<u8>);
//!
//! /// Our address, what comes to us, and what leads to everybody by their addresses.
//! struct Channels(u8, Receiver<Datagram>, Vec<Sender<Datagram>>);
//!
//! impl Channels {
//!     fn send(&self, due: Transmit<u8>, tx: &[u8]) {
//!         // Who is gone gets nothing.
//!         let _ = self.2[usize::from(due.to)].send((self.0, tx[..due.len].to_vec()));
//!     }
//!
//!     fn drive(&self, node: &mut impl Node<Peer = u8>, start: std::time::Instant) {
//!         let (now, mut tx) = (|| Instant::from_millis(start.elapsed().as_millis() as u64), [0; 1152]);
//!         loop {
//!             let until = match node.due(now(), &mut tx) {
//!                 Due::Send(due) => {
//!                     self.send(due, &tx);
//!                     continue;
//!                 }
//!                 Due::Wait(until) => until,
//!                 Due::Over => return,
//!             };
//!             let wait = until.map_or(Duration::from_secs(3600), |until| until.since(now()));
//!             match self.1.recv_timeout(wait) {
//!                 Ok((from, datagram)) => {
//!                     if let Some(reply) = node.datagram(now(), from, Arrival::Unicast, &datagram, &mut tx) {
//!                         self.send(reply, &tx);
//!                     }
//!                 }
//!                 Err(RecvTimeoutError::Timeout) => {}
//!                 // Nobody is left who could send anything.
//!                 Err(RecvTimeoutError::Disconnected) => node.stop(),
//!             }
//!         }
//!     }
//! }
//!
//! fn hello(_: &mut (), _: &server::Request<u8>, reply: Reply) -> Result<Answer, server::Error> {
//!     Ok(reply.text("hello"))
//! }
//!
//! let (start, (to_0, at_0), (to_1, at_1)) = (std::time::Instant::now(), channel(), channel());
//! let here = Channels(1, at_1, vec![to_0]);
//! let there = Channels(0, at_0, vec![to_1.clone(), to_1]);
//! let serving = std::thread::spawn(move || {
//!     let routes = [Route::new("hello").get(hello)];
//!     let endpoint = Endpoint::new(Config::DEFAULT.serving(), [1; 16], Fixed::<u8, 2, 4, 512>::new());
//!     there.drive(&mut Serve::new(&mut Server::new(endpoint, &routes), &mut ()), start);
//! });
//!
//! let mut endpoint = Endpoint::new(Config::DEFAULT, [2; 16], Fixed::<u8, 2, 4, 512>::new());
//! let (mut tx, mut answer) = ([0; 64], Vec::new());
//! let (asked, first) = endpoint.request(Instant::ZERO, 0, Request::get(), &mut tx, |w| {
//!     w.path("hello");
//! })?;
//! here.send(first.expect("nothing is in front of it"), &tx);
//! let mut node = Ask::new(&mut endpoint, |told| match told {
//!     Told::Response(response) if response.handle == asked => {
//!         answer.extend_from_slice(response.message.payload());
//!         true
//!     }
//!     Told::Output(Output::Failed(handle, _)) => handle == asked,
//!     _ => false,
//! });
//! here.drive(&mut node, start);
//! assert_eq!(answer, b"hello");
//! drop(here);
//! serving.join().expect("it stops when nobody is left");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Who can wait for a socket by a future implements [`Carrier`] instead, three functions, and has [`run`] and [`step`]. Who
//! wants neither calls the [endpoint](crate::endpoint#which-call-follows-which) or the
//! [server](crate::server#which-call-follows-which) directly: the loop is the same.

mod address;
#[cfg(feature = "std")]
mod came;
mod carrier;
#[cfg(feature = "embedded_nal")]
pub mod embedded_nal;
#[cfg(feature = "embedded_nal_async")]
pub mod embedded_nal_async;
#[cfg(feature = "std")]
mod error;
#[cfg(feature = "std")]
mod join;
#[cfg(all(feature = "std", target_os = "linux"))]
mod linux;
mod node;
#[cfg(all(feature = "std", any(not(target_os = "linux"), test)))]
mod portable;
#[cfg(feature = "std")]
mod std;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(feature = "std")]
pub use self::std::Udp;
#[cfg(feature = "tokio")]
pub use self::tokio::AsyncUdp;
#[cfg(all(feature = "std", target_os = "linux"))]
use linux as system;
#[cfg(all(feature = "std", not(target_os = "linux")))]
use portable as system;

pub use address::Address;
#[cfg(feature = "std")]
pub use came::seed;
pub use carrier::{Carrier, run, step};
#[cfg(any(feature = "tokio", feature = "embedded_nal_async"))]
pub(crate) use carrier::{First, first};
#[cfg(feature = "std")]
pub use error::{Doing, UdpError};
pub use node::{Ask, Due, Node, Received, Serve, Told};
