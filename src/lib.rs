//! CoAP ([RFC 7252]) for firmware and servers alike: one `no_std` crate without a heap, without hidden input, output,
//! clock or randomness.
//!
//! # What is here
//!
//! The codec: [`Message`] reads a datagram where it lies, [`Writer`] writes one into a buffer of the caller's.
//!
//! ```
//! use coaplet::{Code, ContentFormat, Header, Message, Writer};
//!
//! // A client asks ...
//! let mut request = [0; 64];
//! let header = Header::confirmable(Code::GET, 0x7d34);
//! let length = Writer::new(&mut request, header, &[0x53]).path("sensors/temp").finish()?;
//!
//! // ... a server reads the datagram and answers in the acknowledgement ...
//! let message = Message::parse(&request[..length])?;
//! assert!(message.path_is("sensors/temp"));
//! let mut reply = [0; 64];
//! let header = Header::acknowledgement(Code::CONTENT, message.message_id());
//! let length = Writer::new(&mut reply, header, message.token())
//!     .content_format(ContentFormat::TEXT_PLAIN)
//!     .payload(b"21.5")
//!     .finish()?;
//!
//! // ... and either prints what goes by.
//! let reply = Message::parse(&reply[..length])?;
//! assert_eq!(
//!     reply.to_string(),
//!     r#"ACK 2.05 Content mid=0x7d34 token=53 [Content-Format: text/plain] payload 4 bytes "21.5""#
//! );
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! A buffer that is too small is no dead end: the error says how much it takes.
//!
//! ```
//! use coaplet::{Code, Header, WriteError, Writer};
//!
//! let mut small = [0; 8];
//! let written = Writer::new(&mut small, Header::confirmable(Code::GET, 1), &[]).path("sensors/temp").finish();
//! assert_eq!(written, Err(WriteError::BufferTooSmall { needed: 17 }));
//! ```
//!
//! The endpoint: [`Endpoint`] is client and server at once, over any transport for datagrams, in memory that the
//! caller lends. It sends again what is not acknowledged, knows duplicates, answers them with the stored reply, matches
//! responses to requests, and keeps to the limits that RFC 7252 sets to congestion. Here the first datagram is lost:
//!
//! ```
//! use coaplet::endpoint::{Arrival, Event, Output, Request};
//! use coaplet::{Code, Config, Endpoint, Fixed, Instant};
//!
//! // Addresses are whatever the transport uses; here a server is 1 and a client is 2.
//! let mut server = Endpoint::new(Config::DEFAULT, [1; 16], Fixed::<u8, 4, 8, 512>::new());
//! let mut client = Endpoint::new(Config::DEFAULT, [2; 16], Fixed::<u8, 4, 8, 512>::new());
//! let (mut now, mut there, mut back) = (Instant::ZERO, [0; 128], [0; 128]);
//!
//! // The client asks, and its clock runs to the retransmission.
//! let (handle, _lost) = client.request(now, 1, Request::get(), &mut there, |w| {
//!     w.path("sensors/temp");
//! })?;
//! let sent = loop {
//!     match client.poll(now, &mut there) {
//!         Output::Idle(Some(at)) => now = at,
//!         Output::Send(sent) => break sent,
//!         other => panic!("{other:?}"),
//!     }
//! };
//!
//! let input = server.handle(now, 2, Arrival::Unicast, &there[..sent.len], &mut back);
//! let Event::Request(request) = input.event else { panic!() };
//! let sent = server.respond(now, request.id, &mut back, |w| {
//!     w.code(Code::CONTENT).payload(b"21.5");
//! })?;
//! let reply = &back[..sent.unwrap().len];
//! let input = client.handle(now, 1, Arrival::Unicast, reply, &mut there);
//! let Event::Response(response) = input.event else { panic!() };
//! assert_eq!((response.handle, response.message.payload()), (handle, &b"21.5"[..]));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! A whole program, and which call follows which, is in [`endpoint`]. Who has resources to serve takes a [`Server`]: a table
//! of paths and functions ([`server`]).
//!
//! # The map
//!
//! ```text
//!   datagram in                                                datagram out
//!        │                                                          ▲
//!  ┌─────▼──────────────────────────────────────────────────────────┴─────┐
//!  │ server/       handle, poll         notify, complete                  │  resources: a table, and functions of yours
//!  ├──────────────────────────────────────────────────────────────────────┤
//!  │ block/        fetch, send, serve, receive                            │  bodies of any length, over the verbs
//!  ├──────────────────────────────────────────────────────────────────────┤
//!  │ endpoint/     handle    request, respond, notify, cancel, ..   poll  │  a few verbs, one thing at a time
//!  ├──────────────────────────────────────────────────────────────────────┤
//!  │ reliability/  Message IDs, NSTART, retransmission, duplicates        │  messages: RFC 7252 section 4
//!  │ exchange/     tokens, matching, who observes what                    │  requests and responses: section 5, RFC 7641
//!  ├──────────────────────────────────────────────────────────────────────┤
//!  │ store/        peers, exchanges, observers, transfers, timers, bytes  │  memory, lent by the caller
//!  ├──────────────────────────────────────────────────────────────────────┤
//!  │ uri/, link/   URIs <-> options; links <-> payload                    │  text; no state, beside the rest
//!  │ wire/         Message::parse                               Writer    │  bytes <-> message; no state
//!  └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! | module | what | RFC |
//! |---|---|---|
//! | [`endpoint`] | requests and responses over datagrams, to one peer or a group, and observations | 7252 (4, 5, 8), 7641, 7967, 8516, 8974 |
//! | [`server`] | resources and their handlers, and all that a server says by itself | 7252 (5.5 to 5.10, 7.2), 6690 4, 7390 2.7, 8132, 9290 |
//! | [`block`] | bodies of any length, in blocks, in both roles | 7959, 8132 2.5, 9175 3 |
//! | [`Roles`] | what an image wants of it: what it does not want is not linked | |
//! | [`store`] | the memory that the caller lends | |
//! | [`Config`], [`Instant`] | what an endpoint is told once, and time | 7252 4.8 |
//! | [`uri`] | CoAP URIs of all six schemes, taken apart into options and composed of them | 7252 6, 8323 8 |
//! | [`link`] | links: read, written, filtered | 6690, 8187, 7252 7.2 |
//! | [`Window`] | one block of a text that is written whole | 7959 2.2 |
//! | [`wire`] | messages, options, codes, formats, block values | 7252 (3, 5.10, 12), 7959 2.2, 7967, 8974 |
//! | [`io`] | drivers: over sockets of the standard library, tokio, embedded-nal; [of your own](io#bring-your-own-transport) | |
//! | `host` (feature `std`) | a client that blocks, one for tokio, a server on a socket | |
//! | `sim` (feature) | endpoints over a virtual clock and a seeded network, to test on | |
//!
//! `ARCHITECTURE.md` in the repository has the plan, and what the endpoint lacks.
//!
//! # Errors, and who makes them
//!
//! - A peer: [`ParseError`]. It says what is wrong with the datagram, at which byte, and whether RFC 7252 owes the
//!   sender a Reset. A datagram can be wrong; it can not do harm.
//! - The caller: [`WriteError`]. A buffer too small, options out of order, a message that no peer would accept.
//! - A handler: [`server::Error`], which the client is told as a response.
//! - Whoever wrote the text: [`uri::UriError`], [`link::LinkError`]. What is wrong, and at which byte.
//!   [`uri::ComposeError`]: a request that has no URI. [`link::LinkWriteError`] is the caller's.
//! - The caller, or what it lent: one type for each verb of the endpoint ([`endpoint::RequestError`],
//!   [`endpoint::RespondError`], [`endpoint::ForgetError`]). It says which table is full, and when to try again;
//!   nothing is changed then. What a peer sends is never one of them: it is answered, or dropped and
//!   [counted](Endpoint::statistics).
//! - The peer, or the network: [`endpoint::Failure`], how a request of ours ended without a response, and
//!   [`block::Fault`], how a transfer ended without the whole answer. On a host: `host::Error`, `io::UdpError`.
//! - Us: a panic. None can be reached, by any datagram or any call; if you see one, it is a bug. The firmware images
//!   that our tests link hold no panicking code at all.
//!
//! # Features
//!
//! Each only adds; none is on by default.
//!
//! | feature | adds |
//! |---|---|
//! | `alloc` | `store::Heap`: tables for up to millions; `wire::to_vec`: a message in a `Vec` that grows with it |
//! | `std` | `io::Udp`: the driver over UDP sockets; `host`: a client that blocks, a server on a socket; needs `alloc` |
//! | `tokio` | `io::AsyncUdp`: the driver over tokio; `host::AsyncClient`: many requests at a time; needs `std` |
//! | `embedded_nal` | `io::embedded_nal`: the driver over embedded-nal 0.9; no heap |
//! | `embedded_nal_async` | `io::embedded_nal_async`: the driver over embedded-nal-async 0.9, with any executor; no heap |
//! | `cli` | the command `coap`; needs `std` |
//! | `sim` | `sim`: a network of endpoints in one process, to test on; needs `std` |
//! | `defmt` | `defmt::Format` on every public type but those of `io`, `host` and `sim`, which are for hosts; log lines through defmt |
//! | `log` | log lines through the `log` facade |
//!
//! [RFC 7252]: https://www.rfc-editor.org/rfc/rfc7252
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations)]

#[cfg(any(feature = "alloc", test))]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod block;
mod config;
mod copy;
pub mod endpoint;
mod exchange;
mod fmt;
#[cfg(feature = "std")]
pub mod host;
pub mod io;
pub mod link;
mod random;
mod reliability;
mod roles;
pub mod server;
#[cfg(feature = "sim")]
pub mod sim;
pub mod store;
mod text;
mod time;
pub mod uri;
mod window;
pub mod wire;

pub use config::{Config, Transmission};
pub use endpoint::{Abilities, Endpoint, Roles};
pub use server::Server;
pub use store::{Fixed, Store};
pub use time::Instant;
pub use uri::CoapUri;
pub use window::Window;
pub use wire::{
    Block, Code, ContentFormat, Header, Message, NoResponse, OptionNumber, ParseError, ParseErrorKind, Token,
    TokenTooLong, Type, WriteError, Writer,
};

// README's examples compile and run as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
