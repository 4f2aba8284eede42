//! What the caller of [`Writer`](super::Writer) did wrong.

use super::{Code, OptionNumber};
use core::fmt;

/// Why a message could not be written. Always the caller's: too small a buffer, or a message that no peer would accept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WriteError {
    /// The message does not fit into the buffer.
    BufferTooSmall {
        /// The bytes that it takes. Exact for ascending options and a payload by slice or [`core::fmt::Write`];
        /// after [`insert`](super::Writer::insert) or [`fill`](super::Writer::fill) a lower bound. Always greater than
        /// the buffer, so that trying again with this much comes to an end.
        needed: usize,
    },
    /// [`option`](super::Writer::option) takes ascending numbers.
    OutOfOrder {
        /// The number that came too late.
        number: OptionNumber,
        /// The number of the option before it.
        after: OptionNumber,
    },
    /// [`option`](super::Writer::option) was called after the payload had begun.
    OptionAfterPayload {
        /// Its number.
        number: OptionNumber,
    },
    /// An option value is longer than the option allows (RFC 7252 5.10).
    ValueTooLong {
        /// The option.
        number: OptionNumber,
        /// The length that was given, in bytes.
        length: usize,
        /// The longest that would do.
        limit: usize,
    },
    /// An option value is shorter than the option allows (RFC 7252 5.10).
    ValueTooShort {
        /// The option.
        number: OptionNumber,
        /// The length that was given, in bytes.
        length: usize,
        /// The shortest that would do.
        limit: usize,
    },
    /// A token or an option value is longer than its length field can say (RFC 7252 3.1, RFC 8974 2.1).
    TooLong {
        /// The length that was given, in bytes.
        length: usize,
        /// The longest that would do: 65804.
        limit: usize,
    },
    /// A body that is sent in blocks gives fewer bytes than it has.
    BodyEnded {
        /// Where the block begins that is not whole, in bytes.
        offset: u32,
    },
    /// Code 0.00 with a token, options or a payload (RFC 7252 4.1).
    EmptyWithContent,
    /// Code class 1, 6 or 7 (RFC 7252 section 3).
    ReservedCodeClass {
        /// The code.
        code: Code,
    },
    /// A request code in an Acknowledgement (RFC 7252 4.2).
    RequestInAcknowledgement,
    /// A code other than 0.00 in a Reset (RFC 7252 4.2).
    ResetNotEmpty,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            WriteError::BufferTooSmall { needed } => {
                write!(f, "the buffer is too small: the message takes {needed} bytes")
            }
            WriteError::OutOfOrder { number, after } => {
                write!(f, "option {number} was written after {after}: write options in ascending order, or insert it")
            }
            WriteError::OptionAfterPayload { number } => {
                write!(f, "option {number} was written after the payload: write it before, or insert it")
            }
            WriteError::ValueTooLong { number, length, limit } => {
                write!(f, "a value of {length} bytes is too long for option {number}: at most {limit}")
            }
            WriteError::ValueTooShort { number, length, limit } => {
                write!(f, "a value of {length} bytes is too short for option {number}: at least {limit}")
            }
            WriteError::TooLong { length, limit } => {
                write!(f, "a token or option value of {length} bytes is too long: at most {limit}")
            }
            WriteError::BodyEnded { offset } => {
                write!(f, "the body ends in the block at {offset}, before the length that it is said to have")
            }
            WriteError::EmptyWithContent => f.write_str(
                "an Empty message (code 0.00) has no token, options or payload: set a code, or leave them out",
            ),
            WriteError::ReservedCodeClass { code } => {
                write!(f, "the code {code} is of a reserved class: a datagram carries classes 0 and 2 to 5")
            }
            WriteError::RequestInAcknowledgement => {
                f.write_str("an ACK cannot carry a request: send it in a CON or NON")
            }
            WriteError::ResetNotEmpty => f.write_str("an RST is always Empty: leave its code 0.00"),
        }
    }
}

impl core::error::Error for WriteError {}
