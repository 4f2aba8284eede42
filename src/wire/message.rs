//! A datagram, read where it lies. After [`Message::parse`] no accessor fails.

use super::header;
use super::option::{self, Options, OptionsOf, SMALL};
use super::{Code, Header, OptionNumber, ParseError, ParseErrorKind, Type};

/// A view of one CoAP message in a UDP or DTLS datagram (RFC 7252 section 3).
///
/// It borrows the datagram and copies nothing. [`parse`](Message::parse) checks everything once; after it no accessor
/// fails, and walking the options needs no error handling.
///
/// ```
/// use coaplet::{Code, Message, OptionNumber, Type};
///
/// let datagram = b"\x44\x01\x12\x35\x01\x02\x03\x04\xb7sensors\x04temp";
/// let message = Message::parse(datagram)?;
/// assert_eq!(message.message_type(), Type::Confirmable);
/// assert_eq!(message.code(), Code::GET);
/// assert_eq!(message.token(), [1, 2, 3, 4]);
/// assert!(message.path_is("sensors/temp"));
/// for (number, value) in message.options() {
///     assert_eq!(number, OptionNumber::URI_PATH);
///     assert!(value == b"sensors" || value == b"temp");
/// }
/// # Ok::<(), coaplet::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Message<'d> {
    header: Header,
    token: &'d [u8],
    /// Without the payload marker.
    options: &'d [u8],
    payload: &'d [u8],
}

impl<'d> Message<'d> {
    /// Reads a datagram: header, token (up to 65804 bytes, RFC 8974 2.1), options, payload.
    ///
    /// # Errors
    ///
    /// Whatever RFC 7252 section 3 calls a format error is refused, and so is what 4.2 rejects for its code; see
    /// [`ParseErrorKind`] for each. The error says where, and whether the sender is owed a Reset.
    #[inline(always)]
    pub fn parse(datagram: &'d [u8]) -> Result<Message<'d>, ParseError> {
        let [first, code, high, low, rest @ ..] = datagram else {
            return Err(ParseError::new(ParseErrorKind::TruncatedHeader, datagram.len(), None));
        };
        let (first, code) = (*first, *code);
        if first >> 6 != 1 {
            return Err(ParseError::new(ParseErrorKind::UnknownVersion, 0, None));
        }
        let message_id = u16::from_be_bytes([*high, *low]);
        let header = Header::new(Type::from_bits(first >> 4), Code::from_byte(code), message_id);
        let (kind, offset) = 'fail: {
            // RFC 7252 4.1: nothing behind the header of an Empty message.
            if !SMALL && rest.is_empty() && code == 0 && first & 15 == 0 {
                return Ok(Message { header, token: &[], options: &[], payload: &[] });
            }
            if first & 15 == 15 {
                break 'fail (ParseErrorKind::TokenLengthReserved, 0);
            }
            let empty = SMALL && code == 0 && first & 15 == 0 && rest.is_empty();
            if !empty && (code == 0 || !header::may_carry(first, code)) {
                break 'fail header::fault(first, code);
            }
            match option::split(first & 15, rest) {
                Ok((token, options, payload)) => return Ok(Message { header, token, options, payload }),
                Err((kind, left)) => (kind, datagram.len().wrapping_sub(left)),
            }
        };
        // RFC 7252 4.2: a Confirmable message that cannot be processed is rejected with a Reset.
        let reset = (first & 0x30 == 0).then_some(message_id);
        Err(ParseError::new(kind, offset, reset))
    }

    /// Of parts that were checked: no token, options as a [`Writer`](super::Writer) writes them.
    pub(crate) const fn of_parts(header: Header, options: &'d [u8], payload: &'d [u8]) -> Message<'d> {
        Message { header, token: &[], options, payload }
    }

    /// Type, code and Message ID.
    #[inline]
    #[must_use]
    pub const fn header(&self) -> Header {
        self.header
    }

    /// Confirmable, Non-confirmable, Acknowledgement or Reset (RFC 7252 section 4).
    #[inline]
    #[must_use]
    pub const fn message_type(&self) -> Type {
        self.header.message_type
    }

    /// The method or the response code (RFC 7252 12.1).
    #[inline]
    #[must_use]
    pub const fn code(&self) -> Code {
        self.header.code
    }

    /// The Message ID (RFC 7252 4.4).
    #[inline]
    #[must_use]
    pub const fn message_id(&self) -> u16 {
        self.header.message_id
    }

    /// The token, 0 to 65804 bytes. Most peers send at most 8, which [`Token`](super::Token) holds by value.
    #[inline]
    #[must_use]
    pub const fn token(&self) -> &'d [u8] {
        self.token
    }

    /// All options as (number, value), ascending by number.
    #[inline]
    #[must_use]
    pub const fn options(&self) -> Options<'d> {
        Options::new(self.options)
    }

    /// The values of one option number, in wire order.
    #[inline]
    #[must_use]
    pub const fn options_of(&self, number: OptionNumber) -> OptionsOf<'d> {
        OptionsOf::new(self.options(), number)
    }

    /// The first value of an option number.
    #[inline]
    #[must_use]
    pub fn first(&self, number: OptionNumber) -> Option<&'d [u8]> {
        if !SMALL {
            return self.options_of(number).next();
        }
        let number = usize::from(number.get());
        let mut options = self.options();
        while let Some(value) = options.step() {
            if options.number() >= number {
                return (options.number() == number).then_some(value);
            }
        }
        None
    }

    /// The payload; empty where the message has none.
    #[inline]
    #[must_use]
    pub const fn payload(&self) -> &'d [u8] {
        self.payload
    }
}
