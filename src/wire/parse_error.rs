//! What can be wrong with a datagram, where, and how its sender is to be answered.

use core::fmt;

/// Why a datagram is not a CoAP message, at which byte, and whether it is to be answered.
///
/// ```
/// use coaplet::{Message, ParseErrorKind};
/// // A Confirmable GET whose token should be 4 bytes long, and is 2.
/// let error = Message::parse(&[0x44, 0x01, 0x12, 0x35, 0x01, 0x02]).unwrap_err();
/// assert_eq!(error.kind(), ParseErrorKind::TruncatedToken);
/// assert_eq!(error.offset(), 6);
/// assert_eq!(error.reset(), Some(0x1235)); // it is answered with an RST
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ParseError {
    offset: usize,
    reset: Option<u16>,
    kind: ParseErrorKind,
}

impl ParseError {
    #[inline]
    pub(crate) fn new(kind: ParseErrorKind, offset: usize, reset: Option<u16>) -> ParseError {
        let error = ParseError { offset, reset, kind };
        crate::fmt::trace!("datagram refused: {}", error);
        error
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// The byte at which it is wrong, counted from 0. Where bytes are missing this is the length of the datagram.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The Message ID to answer with a Reset, if the datagram is to be answered.
    ///
    /// That is the case for every Confirmable message of version 1 whose header could be read (RFC 7252 4.2).
    /// Everything else is dropped in silence: NON (4.3), ACK, RST, and what has another version (section 3).
    #[must_use]
    pub const fn reset(&self) -> Option<u16> {
        self.reset
    }

    /// Whether this is a message format error, as opposed to a well-formed message that is rejected for what it
    /// carries (RFC 7252 4.2): a reserved code class, a request in an ACK, an RST that is not Empty.
    #[must_use]
    pub const fn is_format_error(&self) -> bool {
        !matches!(
            self.kind,
            ParseErrorKind::ReservedCodeClass
                | ParseErrorKind::RequestInAcknowledgement
                | ParseErrorKind::ResetNotEmpty
        )
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

impl core::error::Error for ParseError {}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $text:literal,)*) => {
        /// What is wrong with a datagram. The order is the order of the checks.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum ParseErrorKind {
            $($(#[$doc])* $kind,)*
        }

        impl ParseErrorKind {
            /// Every kind, in the order of the checks.
            pub const ALL: &'static [ParseErrorKind] = &[$(ParseErrorKind::$kind),*];

            /// One line for a person.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(ParseErrorKind::$kind => $text,)* }
            }
        }
    };
}

kinds! {
    /// Fewer than the 4 bytes of the header (RFC 7252 section 3).
    TruncatedHeader = "the header is cut off: a message has at least 4 bytes",
    /// Not version 1: to be ignored in silence (RFC 7252 section 3).
    UnknownVersion = "the version is not 1",
    /// Token length 15 is reserved (RFC 8974 2.1).
    TokenLengthReserved = "the token length 15 is reserved",
    /// Code class 1, 6 or 7 (RFC 7252 section 3): rejected, not a format error.
    ReservedCodeClass = "the code is of a reserved class (1, 6 or 7)",
    /// An Acknowledgement that carries a request (RFC 7252 4.2): rejected, not a format error.
    RequestInAcknowledgement = "an ACK carries a request",
    /// A Reset that is not Empty (RFC 7252 4.2): rejected, not a format error.
    ResetNotEmpty = "an RST carries a code other than 0.00",
    /// Code 0.00 with a token, options or a payload (RFC 7252 4.1).
    EmptyWithContent = "an Empty message (code 0.00) has bytes behind its header",
    /// The extension bytes of the token length are missing (RFC 8974 2.1).
    TruncatedTokenLength = "the extended token length is cut off",
    /// The token is longer than the datagram (RFC 7252 section 3).
    TruncatedToken = "the token is cut off",
    /// Option delta nibble 15 in a byte that is not the payload marker (RFC 7252 3.1).
    OptionDeltaReserved = "the option delta 15 is reserved for the payload marker 0xff",
    /// Option length nibble 15 (RFC 7252 3.1).
    OptionLengthReserved = "the option length 15 is reserved",
    /// The extension bytes of an option's delta or length are missing (RFC 7252 3.1).
    TruncatedOptionHeader = "the extended delta or length of an option is cut off",
    /// The option number is past 65535 (RFC 7252 12.2).
    OptionNumberOverflow = "the option number is larger than 65535",
    /// The option value is longer than the datagram (RFC 7252 3.1).
    TruncatedOptionValue = "the value of an option is cut off",
    /// A payload marker with nothing behind it (RFC 7252 section 3).
    PayloadMarkerWithoutPayload = "nothing follows the payload marker 0xff",
}

impl fmt::Display for ParseErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.description())
    }
}
