//! What goes into an endpoint and comes out of it.

use crate::time::Instant;
use crate::wire::{Code, Message};
use core::fmt;

/// How a datagram came: to an address of ours alone, or to a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Arrival {
    /// To a unicast address.
    Unicast,
    /// To a multicast address (RFC 7252 section 8). Not answered yet: such a datagram is dropped.
    Group,
}

/// A datagram to be sent: `tx[..len]` of the buffer that was lent for it, to this peer.
///
/// Not sending it is the same as the network losing it: what matters is sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "a datagram that is not sent is lost"]
pub struct Transmit<P> {
    /// Where it goes.
    pub to: P,
    /// How many bytes at the start of the buffer it has.
    pub len: usize,
}

/// A request of ours, until it ends. Free of lifetimes; a stale one is an error, never a panic.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Handle {
    pub(crate) index: u32,
    pub(crate) generation: u16,
    /// Of the endpoint: that of another one is stale here.
    pub(crate) brand: u16,
}

/// A request that was made: its handle, and what is to be sent now; `None` if it waits behind NSTART.
pub type Requested<P> = (Handle, Option<Transmit<P>>);

/// A request of a peer's, until it is answered. Free of lifetimes; a stale one is an error, never a panic.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RequestId {
    pub(crate) index: u32,
    pub(crate) generation: u16,
    /// Of the endpoint: that of another one is stale here.
    pub(crate) brand: u16,
}

/// What [`Endpoint::handle`](super::Endpoint::handle) made of a datagram.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "the reply is to be sent, and the event to be looked at"]
pub struct Input<'d, P> {
    /// An ACK, an RST, a stored reply or an error response, already in `tx`: send it before `tx` is used again.
    pub reply: Option<Transmit<P>>,
    /// What the application is to know of it.
    pub event: Event<'d, P>,
}

/// What a datagram means to the application.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event<'d, P> {
    /// A request that was not seen before: to be answered, deferred, or left to the automatic 5.03.
    Request(ServerRequest<'d, P>),
    /// A response to a request of ours.
    Response(ClientResponse<'d, P>),
    /// Nothing that concerns the application.
    Handled,
}

/// A request of a peer's.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ServerRequest<'d, P> {
    /// To answer it by.
    pub id: RequestId,
    /// Who asks.
    pub from: P,
    /// What is asked.
    pub message: Message<'d>,
}

/// A response to a request of ours.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ClientResponse<'d, P> {
    /// Which request it answers. That has ended with it.
    pub handle: Handle,
    /// Who answers.
    pub from: P,
    /// The answer.
    pub message: Message<'d>,
}

/// The next thing to be done: one at a time, until [`Output::Idle`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "what poll gives out, it gives out once"]
pub enum Output<P> {
    /// A retransmission, an automatic ACK, or a message that waited.
    Send(Transmit<P>),
    /// A request of ours has ended without a response.
    Failed(Handle, Failure),
    /// Nothing until then, or, with `None`, until a datagram or a command comes.
    Idle(Option<Instant>),
}

/// Why a request of ours ended without a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Failure {
    /// No acknowledgement, or no response, in time (RFC 7252 4.2, 5.2.2).
    TimedOut,
    /// The peer answered with an RST (RFC 7252 4.2): it lacks the context to process the message.
    Reset,
}

/// Why a request could not be made. Nothing is changed by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RequestError {
    /// The message could not be written.
    Write(crate::wire::WriteError),
    /// The code is none of a request (RFC 7252 12.1.1).
    NotARequest {
        /// The code that was given.
        code: Code,
    },
    /// All slots for exchanges are live; one is free when a request ends.
    NoExchange,
    /// All slots for peers are in use; one is free when its exchanges have ended and EXCHANGE_LIFETIME has passed.
    NoPeer,
    /// The arena has no room for the bytes to be sent again.
    NoBytes {
        /// The bytes of the message.
        needed: usize,
    },
    /// All Message IDs of this peer are in use (RFC 7252 4.4).
    NoMessageId {
        /// When one may be used again.
        until: Instant,
    },
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::Write(error) => write!(f, "the request could not be written: {error}"),
            RequestError::NotARequest { code } => write!(f, "{code} is not the code of a request"),
            RequestError::NoExchange => {
                f.write_str("all slots for exchanges are in use: wait until a request ends, or lend more")
            }
            RequestError::NoPeer => {
                f.write_str("all slots for peers are in use: wait until exchanges with one have ended, or lend more")
            }
            RequestError::NoBytes { needed } => {
                write!(f, "the arena has no room for {needed} bytes: wait until a request ends, or lend more")
            }
            RequestError::NoMessageId { until } => {
                write!(f, "all Message IDs of this peer are in use until {} ms", until.as_millis())
            }
        }
    }
}

impl core::error::Error for RequestError {}

/// Why a request could not be answered. Nothing is changed by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RespondError {
    /// The message could not be written.
    Write(crate::wire::WriteError),
    /// The request has been answered, or its time is over.
    Stale,
    /// The code is none of a response (RFC 7252 12.1.2).
    NotAResponse {
        /// The code that was given.
        code: Code,
    },
    /// The arena has no room for the reply, which is kept for duplicates or retransmission.
    NoBytes {
        /// The bytes of the message.
        needed: usize,
    },
    /// All Message IDs of this peer are in use (RFC 7252 4.4).
    NoMessageId {
        /// When one may be used again.
        until: Instant,
    },
}

impl fmt::Display for RespondError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RespondError::Write(error) => write!(f, "the response could not be written: {error}"),
            RespondError::Stale => f.write_str("the request has been answered already, or its time is over"),
            RespondError::NotAResponse { code } => write!(f, "{code} is not the code of a response"),
            RespondError::NoBytes { needed } => {
                write!(f, "the arena has no room for a reply of {needed} bytes: answer shorter, or lend more")
            }
            RespondError::NoMessageId { until } => {
                write!(f, "all Message IDs of this peer are in use until {} ms", until.as_millis())
            }
        }
    }
}

impl core::error::Error for RespondError {}

/// What of its store an endpoint has in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Usage {
    /// Slots for peers.
    pub peers: u32,
    /// Slots for exchanges, live and remembered.
    pub exchanges: u32,
    /// Of these the remembered ones: over, and kept for duplicates. They give way to new ones.
    pub remembered: u32,
    /// Blocks of 32 bytes in the arena.
    pub blocks: u32,
}
