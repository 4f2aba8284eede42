//! The four bytes every datagram begins with, and what may not stand together in them.

use super::{Code, ParseErrorKind};

/// The type of a message (RFC 7252 section 3 and 4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum Type {
    /// CON: is retransmitted until it is acknowledged (RFC 7252 4.2).
    Confirmable = 0,
    /// NON: is sent once and not acknowledged (RFC 7252 4.3).
    NonConfirmable = 1,
    /// ACK: acknowledges a Confirmable message; may carry the response (RFC 7252 5.2.1).
    Acknowledgement = 2,
    /// RST: the message with this Message ID was received but could not be processed (RFC 7252 4.2).
    Reset = 3,
}

impl Type {
    /// From the two lowest bits; the others are ignored.
    #[inline]
    pub(crate) const fn from_bits(bits: u8) -> Type {
        match bits & 3 {
            0 => Type::Confirmable,
            1 => Type::NonConfirmable,
            2 => Type::Acknowledgement,
            _ => Type::Reset,
        }
    }

    /// The abbreviation that RFC 7252 uses in its figures: `CON`, `NON`, `ACK` or `RST`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Type::Confirmable => "CON",
            Type::NonConfirmable => "NON",
            Type::Acknowledgement => "ACK",
            Type::Reset => "RST",
        }
    }
}

impl core::fmt::Display for Type {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// Type, code and Message ID of a datagram (RFC 7252 section 3).
///
/// The version is always 1, and the token length follows from the token.
///
/// ```
/// use coaplet::{Code, Header, Type};
/// let header = Header::confirmable(Code::GET, 0x7d34);
/// assert_eq!(header.message_type, Type::Confirmable);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header {
    /// Confirmable, Non-confirmable, Acknowledgement or Reset.
    pub message_type: Type,
    /// The method or the response code; [`Code::EMPTY`] for an Empty message.
    pub code: Code,
    /// Pairs an ACK or RST with its message and tells duplicates apart (RFC 7252 4.4).
    pub message_id: u16,
}

impl Header {
    /// A header of any type.
    #[must_use]
    pub const fn new(message_type: Type, code: Code, message_id: u16) -> Header {
        Header { message_type, code, message_id }
    }

    /// A Confirmable request, a separate response, or with [`Code::EMPTY`] a ping (RFC 7252 4.2, 4.3).
    #[must_use]
    pub const fn confirmable(code: Code, message_id: u16) -> Header {
        Header::new(Type::Confirmable, code, message_id)
    }

    /// A Non-confirmable request or response (RFC 7252 4.3).
    #[must_use]
    pub const fn non_confirmable(code: Code, message_id: u16) -> Header {
        Header::new(Type::NonConfirmable, code, message_id)
    }

    /// A response piggybacked on the acknowledgement of the request with this Message ID (RFC 7252 5.2.1).
    #[must_use]
    pub const fn acknowledgement(code: Code, message_id: u16) -> Header {
        Header::new(Type::Acknowledgement, code, message_id)
    }

    /// An Empty acknowledgement of the message with this Message ID (RFC 7252 4.2).
    #[must_use]
    pub const fn empty_acknowledgement(message_id: u16) -> Header {
        Header::acknowledgement(Code::EMPTY, message_id)
    }

    /// A Reset of the message with this Message ID (RFC 7252 4.2). A Reset is always Empty.
    #[must_use]
    pub const fn reset(message_id: u16) -> Header {
        Header::new(Type::Reset, Code::EMPTY, message_id)
    }

    /// Whether the code may stand in a message of this type: whether [`Message::parse`](super::Message::parse) takes
    /// it.
    #[inline]
    pub(crate) const fn is_sound(self) -> bool {
        self.code.is_empty() || may_carry((self.message_type as u8) << 4, self.code.to_byte())
    }

    /// The first four bytes of a datagram whose token has this TKL nibble.
    #[inline]
    pub(crate) const fn to_bytes(self, tkl: u8) -> [u8; 4] {
        let [high, low] = self.message_id.to_be_bytes();
        [0x40 | (self.message_type as u8) << 4 | tkl, self.code.to_byte(), high, low]
    }
}

/// Whether a message whose first byte holds this type may carry this code, which is not 0.00.
///
/// RFC 7252 4.2 and 4.3: requests in a CON or NON, responses in these and in an ACK, nothing in an RST; section 3
/// reserves the classes 1, 6 and 7. One bit for each class of each type, so that one test serves every datagram.
#[inline]
pub(crate) const fn may_carry(first: u8, code: u8) -> bool {
    const REQUESTS: u32 = 0b0000_0001;
    const RESPONSES: u32 = 0b0011_1100;
    const CARRIED: u32 = (REQUESTS | RESPONSES) | (REQUESTS | RESPONSES) << 8 | RESPONSES << 16;
    CARRIED >> ((first & 0x30) >> 1 | code >> 5) & 1 != 0
}

/// What is wrong with a header, and at which byte, when [`may_carry`] or the check of an Empty message said no.
#[cold]
pub(crate) const fn fault(first: u8, code: u8) -> (ParseErrorKind, usize) {
    match (first & 15, code) {
        (15, _) => (ParseErrorKind::TokenLengthReserved, 0),
        (0, 0) => (ParseErrorKind::EmptyWithContent, 4),
        (_, 0) => (ParseErrorKind::EmptyWithContent, 0),
        _ if matches!(code >> 5, 1 | 6 | 7) => (ParseErrorKind::ReservedCodeClass, 1),
        _ if first & 0x30 == 0x30 => (ParseErrorKind::ResetNotEmpty, 1),
        _ => (ParseErrorKind::RequestInAcknowledgement, 1),
    }
}
