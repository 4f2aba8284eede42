//! What can be wrong with a URI, and where.

use crate::OptionNumber;
use core::fmt;

/// Why a text is not a CoAP URI, and at which byte.
///
/// ```
/// use coaplet::uri::{CoapUri, UriErrorKind};
///
/// let error = CoapUri::parse("coap://host:65536/").unwrap_err();
/// assert_eq!((error.kind(), error.offset()), (UriErrorKind::Port, 12));
/// assert_eq!(error.to_string(), "the port is not a number from 0 to 65535 at byte 12");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UriError {
    pub(super) kind: UriErrorKind,
    pub(super) offset: usize,
}

impl UriError {
    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> UriErrorKind {
        self.kind
    }

    /// The byte at which it is wrong, counted from 0: where the port, the host, the segment or the character begins
    /// that is meant. Where something is missing this may be the length of the text.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind.description(), self.offset)
    }
}

impl core::error::Error for UriError {}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $text:literal,)*) => {
        /// What is wrong with a URI.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum UriErrorKind {
            $($(#[$doc])* $kind,)*
        }

        impl UriErrorKind {
            /// Every kind.
            pub const ALL: &'static [UriErrorKind] = &[$(UriErrorKind::$kind),*];

            /// One line for a person.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(UriErrorKind::$kind => $text,)* }
            }
        }
    };
}

kinds! {
    /// It does not begin with a scheme and a colon (RFC 7252 6.4, step 1).
    NotAbsolute = "it begins with a scheme, as in coap://[2001:db8::1]/temp: there is none",
    /// The scheme is not one of CoAP's (RFC 7252 6.4, step 3; RFC 8323 8.6).
    UnsupportedScheme = "the scheme is none of coap, coaps, coap+tcp, coaps+tcp, coap+ws and coaps+ws",
    /// No `//` behind the scheme (RFC 7252 6.1).
    NoAuthority = "// and a host stand behind the scheme: they are missing",
    /// A user name, or what looks like one (RFC 7252 6.1).
    UserInfo = "a CoAP URI has no user name",
    /// The host is empty or missing (RFC 7252 6.1).
    EmptyHost = "it has no host",
    /// `[` without `]`.
    UnclosedBracket = "the bracket of the IPv6 address is not closed",
    /// What is in brackets is not an IPv6 address (RFC 3986 3.2.2). Other versions of IP addresses are not known.
    NotAnAddress = "what is in brackets is not an IPv6 address",
    /// What follows an IPv6 address is not `%25` and the name of a zone (RFC 6874).
    Zone = "behind the IPv6 address stand %25 and the name of a zone, or nothing",
    /// An IPv6 address that should stand in brackets (RFC 3986 3.2.2).
    AddressWithoutBrackets = "an IPv6 address stands in brackets",
    /// The bracket is followed by something other than `:port`, path and query.
    BehindBracket = "behind the bracket is no :port, path or query",
    /// Not a decimal number, or above 65535.
    Port = "the port is not a number from 0 to 65535",
    /// A character that cannot stand in a URI, or not there (RFC 3986 section 2).
    Character = "this character cannot stand here: write it percent-encoded",
    /// `%` without two hexadecimal digits (RFC 3986 2.1).
    PercentEncoding = "two hexadecimal digits follow a %",
    /// What is percent-encoded is not UTF-8, which Uri-Host, Uri-Path and Uri-Query are (RFC 7252 3.2).
    NotUtf8 = "what is percent-encoded is not UTF-8",
    /// The host, a segment of the path or an argument of the query has more than 255 bytes (RFC 7252 5.10).
    TooLong = "a host, a segment of the path and an argument of the query have at most 255 bytes each: this has more",
    /// A fragment, which is no part of a request (RFC 7252 6.4, step 4).
    Fragment = "a CoAP URI has no #fragment: write %23 for the character",
}

impl fmt::Display for UriErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.description())
    }
}

/// Why the URI of a request cannot be composed (RFC 7252 6.5). The request is at fault, or who asks for its URI.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ComposeError {
    /// The host is no registered name, IPv4 address or IP literal (RFC 7252 6.5, step 2).
    ///
    /// A `%` is refused as well: 6.5 would let it stand, and 6.4 would make another host of it.
    Host,
    /// An option is too long or too short, occurs twice, or is not UTF-8 (RFC 7252 3.2, 5.4, 5.10).
    Malformed(OptionNumber),
    /// A Uri-Path is `.` or `..` (RFC 7252 5.10.1): as a URI it would name another resource.
    DotSegment,
}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ComposeError::Host => f.write_str("the host is no name or address that can stand in a URI"),
            ComposeError::Malformed(number) => write!(f, "the option {number} is not as RFC 7252 wants it"),
            ComposeError::DotSegment => f.write_str("a Uri-Path is . or .., which RFC 7252 5.10.1 forbids"),
        }
    }
}

impl core::error::Error for ComposeError {}
