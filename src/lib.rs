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
//! let length = Writer::new(&mut request, Header::confirmable(Code::GET, 0x7d34), &[0x53]).path("sensors/temp").finish()?;
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
//! # The map
//!
//! ```text
//!   datagram in                                    datagram out
//!        │                                              ▲
//!  ┌─────▼──────────────────────────────────────────────┴─────┐
//!  │ wire/   Message::parse                     Writer        │  bytes <-> message; no state
//!  └──────────────────────────────────────────────────────────┘
//! ```
//!
//! | module | what | RFC |
//! |---|---|---|
//! | [`wire`] | messages, options, codes, content-formats, block values | 7252 (3, 5.10, 12), 7959 2.2, 7967 2.1, 8974 2.1 |
//!
//! The layers above it (retransmission, exchanges, Observe, block-wise transfer, resources, drivers) are not here yet.
//! `ARCHITECTURE.md` in the repository has the plan.
//!
//! # Errors, and who makes them
//!
//! - A peer: [`ParseError`]. It says what is wrong with the datagram, at which byte, and whether RFC 7252 owes the sender
//!   a Reset. A datagram can be wrong; it can not do harm.
//! - The caller: [`WriteError`]. A buffer too small, options out of order, a message that no peer would accept.
//! - Us: a panic. None can be reached, by any datagram or any call; if you see one, it is a bug. The firmware images that
//!   our tests link hold no panicking code at all.
//!
//! # Features
//!
//! Each only adds; none is on by default.
//!
//! | feature | adds |
//! |---|---|
//! | `alloc` | `wire::to_vec`: a message in a `Vec` that grows with it |
//! | `std` | `alloc`; drivers that need an operating system will stand behind it |
//! | `defmt` | `defmt::Format` on every public type; log lines through defmt |
//! | `log` | log lines through the `log` facade |
//!
//! [RFC 7252]: https://www.rfc-editor.org/rfc/rfc7252
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod fmt;

pub mod wire;

pub use wire::{
    Block, Code, ContentFormat, Header, Message, NoResponse, OptionNumber, ParseError, ParseErrorKind, Token,
    TokenTooLong, Type, WriteError, Writer,
};

// README's examples compile and run as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
