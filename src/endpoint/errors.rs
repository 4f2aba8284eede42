//! What a caller did wrong, or which of its resources is full: one type for each verb.

use crate::time::Instant;
use crate::wire::{Code, Draft, WriteError};
use core::fmt;

/// Why a request could not be made. Nothing is changed by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RequestError {
    /// The message could not be written.
    Write(WriteError),
    /// The code is none of a request (RFC 7252 12.1.1).
    NotARequest {
        /// The code that was given.
        code: Code,
    },
    /// Requests to groups are Non-confirmable (RFC 7252 8.1), have a token of their own, and do not observe.
    NotForAGroup,
    /// The request has transmission parameters or a timeout of its own, which these roles have not
    /// ([`own_times`](crate::Abilities::own_times)).
    NoTimesOfItsOwn,
    /// It is Non-confirmable, and the roles leave these out ([`Abilities::non_requests`](crate::Abilities::non_requests)).
    OnlyConfirmable,
    /// There is no such observation any more.
    NotObserving,
    /// All slots for exchanges are live; one is free when a request ends.
    NoExchange,
    /// All slots for peers are in use; one is free when its exchanges have ended and EXCHANGE_LIFETIME has passed.
    NoPeer {
        /// When to try again.
        until: Instant,
    },
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
    /// No token of this length was found that no request to this peer has.
    NoToken {
        /// The length, in bytes.
        length: u8,
    },
    /// The request would have to wait behind NSTART (RFC 7252 4.7), and is not to, or as many wait as may.
    WouldWait {
        /// How many may wait for one peer.
        limit: u8,
    },
    /// The peer has not responded to the last Non-confirmable request, which is not paid for yet (PROBING_RATE,
    /// RFC 7252 4.7).
    Probing {
        /// When it will be.
        until: Instant,
    },
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::Write(error) => write!(f, "the request could not be written: {error}"),
            RequestError::NotARequest { code } => write!(f, "{code} is not the code of a request"),
            RequestError::NotForAGroup => f.write_str(
                "a request to a group is to be Non-confirmable, with a token that no other has, and does not observe",
            ),
            RequestError::NoTimesOfItsOwn => {
                f.write_str("these roles leave out `own_times`: a request has the configuration's timeouts")
            }
            RequestError::OnlyConfirmable => {
                f.write_str("the endpoint's roles leave Non-confirmable requests out: make it Confirmable, or give them `non_requests`")
            }
            RequestError::NotObserving => f.write_str("the observation is over, or the request is none"),
            RequestError::NoExchange => {
                f.write_str("all slots for exchanges are in use: wait until a request ends, or lend more")
            }
            RequestError::NoPeer { until } => {
                write!(f, "all slots for peers are in use: try again at {} ms, or lend more", until.as_millis())
            }
            RequestError::NoBytes { needed } => {
                write!(f, "the arena has no room for {needed} bytes: wait until a request ends, or lend more")
            }
            RequestError::NoMessageId { until } => no_message_id(f, *until),
            RequestError::NoToken { length } => {
                write!(
                    f,
                    "all tokens of {length} bytes that were drawn are in use: wait until a request ends, or take longer ones"
                )
            }
            RequestError::WouldWait { limit } => {
                write!(
                    f,
                    "NSTART requests to this peer are outstanding and no more than {limit} may wait: wait until one ends"
                )
            }
            RequestError::Probing { until } => {
                write!(f, "the peer is silent: PROBING_RATE lets the next NON go at {} ms", until.as_millis())
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
    Write(WriteError),
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

/// A [`RespondError`] as it is known where it happens: a moment is so many ms from now, and of what was written there is what
/// the writer knows. The error is made of it in line, so that an application that does not look at it need not have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unmade {
    Stale,
    NoMessageId(u32),
    NoBytes(usize),
    /// What was written is no response.
    Message(Draft),
}

impl Unmade {
    #[inline(always)]
    pub(crate) fn error(self, now: Instant) -> RespondError {
        match self {
            Unmade::Stale => RespondError::Stale,
            Unmade::NoMessageId(wait) => {
                let until = Instant::from_millis(now.as_millis().saturating_add(u64::from(wait)));
                RespondError::NoMessageId { until }
            }
            Unmade::NoBytes(needed) => RespondError::NoBytes { needed },
            Unmade::Message(draft) => match draft.error() {
                None | Some(WriteError::RequestInAcknowledgement | WriteError::ReservedCodeClass { .. }) => {
                    RespondError::NotAResponse { code: draft.code }
                }
                Some(error) => RespondError::Write(error),
            },
        }
    }
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
            RespondError::NoMessageId { until } => no_message_id(f, *until),
        }
    }
}

impl core::error::Error for RespondError {}

/// Why a peer could not be forgotten. Nothing is changed by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ForgetError {
    /// When a slot may be free for the Message IDs that are still on the way to it.
    pub until: Instant,
}

impl fmt::Display for ForgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all slots for peers are in use: try again at {} ms, or lend more", self.until.as_millis())
    }
}

impl core::error::Error for ForgetError {}

fn no_message_id(f: &mut fmt::Formatter<'_>, until: Instant) -> fmt::Result {
    write!(f, "all Message IDs of this peer are in use until {} ms", until.as_millis())
}
