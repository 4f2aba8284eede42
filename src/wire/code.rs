//! Codes: the byte that says which method a request asks for, or how a response went (RFC 7252 3 and 12.1).
//!
//! Every value of the byte is a [`Code`], registered or not, and survives a round trip.

use core::fmt;
use core::str::FromStr;

/// A CoAP code: a class from 0 to 7 and a detail from 0 to 31, written `c.dd` (RFC 7252 3).
///
/// Each code of the IANA registry has a constant. A code without one is kept as it is.
///
/// ```
/// use coaplet::wire::Code;
///
/// assert_eq!(Code::CONTENT.to_byte(), 0x45);
/// assert_eq!((Code::CONTENT.class(), Code::CONTENT.detail()), (2, 5));
/// assert_eq!(Code::CONTENT.to_string(), "2.05 Content");
/// assert_eq!(Code::GET.to_string(), "GET");
/// assert_eq!(Code::from_byte(0x51).to_string(), "2.17"); // nobody has registered it
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Code(u8);

/// Whether a method's properties, as the table lists them, hold the one that is asked for.
macro_rules! has {
    ($wanted:ident: ) => {
        false
    };
    (safe: safe $($rest:ident)*) => {
        true
    };
    (idempotent: idempotent $($rest:ident)*) => {
        true
    };
    ($wanted:ident: $other:ident $($rest:ident)*) => {
        has!($wanted: $($rest)*)
    };
}

/// The registry. A row is: class and detail, constant, name, properties of a method, reference.
macro_rules! codes {
    ($($class:literal $detail:literal $constant:ident $name:literal [$($property:ident)*] $reference:literal;)*) => {
        // Details are written with two digits, as the RFCs write them; they are decimal.
        #[allow(clippy::zero_prefixed_literal)]
        impl Code {
            $(
                #[doc = concat!("`", $class, ".", stringify!($detail), "` ", $name, " (", $reference, ").")]
                pub const $constant: Code = Code(($class << 5) | $detail);
            )*

            /// The registered name, without the digits: `Content` for 2.05, `GET` for 0.01, `Empty` for 0.00.
            ///
            /// ```
            /// use coaplet::wire::Code;
            ///
            /// assert_eq!(Code::NOT_FOUND.name(), Some("Not Found"));
            /// assert_eq!(Code::from_byte(31).name(), None);
            /// ```
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Code::$constant => Some($name),)*
                    _ => None,
                }
            }

            /// Whether the method only retrieves: GET and FETCH (RFC 7252 5.1, RFC 8132 2).
            ///
            /// False for an unknown method and for what is no method.
            pub const fn is_safe(self) -> bool {
                match self {
                    $(Code::$constant => has!(safe: $($property)*),)*
                    _ => false,
                }
            }

            /// Whether asking twice has the effect of asking once (RFC 7252 5.1, RFC 8132 2 and 3).
            ///
            /// True for GET, PUT, DELETE, FETCH and iPATCH. False for an unknown method and for what is no method.
            ///
            /// ```
            /// use coaplet::wire::Code;
            ///
            /// assert!(Code::PUT.is_idempotent() && !Code::PUT.is_safe());
            /// assert!(!Code::POST.is_idempotent());
            /// ```
            pub const fn is_idempotent(self) -> bool {
                match self {
                    $(Code::$constant => has!(idempotent: $($property)*),)*
                    _ => false,
                }
            }
        }

        /// The rows, for the tests: the constant's identifier, and its value.
        #[cfg(test)]
        const ROWS: &[(&str, Code)] = &[$((stringify!($constant), Code::$constant)),*];
    };
}

codes! {
    0 00 EMPTY "Empty" [] "RFC 7252";

    0 01 GET "GET" [safe idempotent] "RFC 7252";
    0 02 POST "POST" [] "RFC 7252";
    0 03 PUT "PUT" [idempotent] "RFC 7252";
    0 04 DELETE "DELETE" [idempotent] "RFC 7252";
    0 05 FETCH "FETCH" [safe idempotent] "RFC 8132";
    0 06 PATCH "PATCH" [] "RFC 8132";
    0 07 IPATCH "iPATCH" [idempotent] "RFC 8132";

    2 01 CREATED "Created" [] "RFC 7252";
    2 02 DELETED "Deleted" [] "RFC 7252";
    2 03 VALID "Valid" [] "RFC 7252";
    2 04 CHANGED "Changed" [] "RFC 7252";
    2 05 CONTENT "Content" [] "RFC 7252";
    2 31 CONTINUE "Continue" [] "RFC 7959";

    4 00 BAD_REQUEST "Bad Request" [] "RFC 7252";
    4 01 UNAUTHORIZED "Unauthorized" [] "RFC 7252";
    4 02 BAD_OPTION "Bad Option" [] "RFC 7252";
    4 03 FORBIDDEN "Forbidden" [] "RFC 7252";
    4 04 NOT_FOUND "Not Found" [] "RFC 7252";
    4 05 METHOD_NOT_ALLOWED "Method Not Allowed" [] "RFC 7252";
    4 06 NOT_ACCEPTABLE "Not Acceptable" [] "RFC 7252";
    4 08 REQUEST_ENTITY_INCOMPLETE "Request Entity Incomplete" [] "RFC 7959";
    4 09 CONFLICT "Conflict" [] "RFC 8132";
    4 12 PRECONDITION_FAILED "Precondition Failed" [] "RFC 7252";
    4 13 REQUEST_ENTITY_TOO_LARGE "Request Entity Too Large" [] "RFC 7252, RFC 7959";
    4 15 UNSUPPORTED_CONTENT_FORMAT "Unsupported Content-Format" [] "RFC 7252";
    4 22 UNPROCESSABLE_ENTITY "Unprocessable Entity" [] "RFC 8132";
    4 29 TOO_MANY_REQUESTS "Too Many Requests" [] "RFC 8516";

    5 00 INTERNAL_SERVER_ERROR "Internal Server Error" [] "RFC 7252";
    5 01 NOT_IMPLEMENTED "Not Implemented" [] "RFC 7252";
    5 02 BAD_GATEWAY "Bad Gateway" [] "RFC 7252";
    5 03 SERVICE_UNAVAILABLE "Service Unavailable" [] "RFC 7252";
    5 04 GATEWAY_TIMEOUT "Gateway Timeout" [] "RFC 7252";
    5 05 PROXYING_NOT_SUPPORTED "Proxying Not Supported" [] "RFC 7252";
    5 08 HOP_LIMIT_REACHED "Hop Limit Reached" [] "RFC 8768";

    7 01 CSM "CSM" [] "RFC 8323";
    7 02 PING "Ping" [] "RFC 8323";
    7 03 PONG "Pong" [] "RFC 8323";
    7 04 RELEASE "Release" [] "RFC 8323";
    7 05 ABORT "Abort" [] "RFC 8323";
}

impl Code {
    /// The code `class.detail`, or `None` if the class is above 7 or the detail above 31.
    ///
    /// ```
    /// use coaplet::wire::Code;
    ///
    /// assert_eq!(Code::new(4, 4), Some(Code::NOT_FOUND));
    /// assert_eq!(Code::new(8, 0), None);
    /// assert_eq!(Code::new(2, 32), None);
    /// ```
    pub const fn new(class: u8, detail: u8) -> Option<Code> {
        if class > 7 || detail > 31 {
            return None;
        }
        Some(Code((class << 5) | detail))
    }

    /// The code that a byte of the header stands for: three bits of class, five of detail.
    pub const fn from_byte(byte: u8) -> Code {
        Code(byte)
    }

    /// The byte as it stands in the header.
    pub const fn to_byte(self) -> u8 {
        self.0
    }

    /// The class, 0 to 7: the digit before the dot.
    pub const fn class(self) -> u8 {
        self.0 >> 5
    }

    /// The detail, 0 to 31: the two digits after the dot.
    pub const fn detail(self) -> u8 {
        self.0 & 0x1f
    }

    /// Whether this is 0.00, the code of an Empty message (RFC 7252 4.1).
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this is a method, known or not: 0.01 to 0.31.
    pub const fn is_request(self) -> bool {
        self.class() == 0 && !self.is_empty()
    }

    /// Whether this is a response, known or not: classes 2 to 5.
    ///
    /// Class 3 is in no registry, but it lies in the range that RFC 7252 12.1 gives to responses.
    pub const fn is_response(self) -> bool {
        matches!(self.class(), 2..=5)
    }

    /// Whether this is a signaling message, class 7. Those exist over reliable transports only (RFC 8323 5).
    pub const fn is_signaling(self) -> bool {
        self.class() == 7
    }

    /// Whether this is a response of class 2: received, understood and accepted (RFC 7252 5.9.1).
    pub const fn is_success(self) -> bool {
        self.class() == 2
    }

    /// Whether this is a response of class 4: the client seems to have erred (RFC 7252 5.9.2).
    pub const fn is_client_error(self) -> bool {
        self.class() == 4
    }

    /// Whether this is a response of class 5: the server could not do what it was asked (RFC 7252 5.9.3).
    pub const fn is_server_error(self) -> bool {
        self.class() == 5
    }

    /// Whether the class is 1, 6 or 7, which a datagram must not carry (RFC 7252 3, 4.2, 4.3).
    ///
    /// ```
    /// use coaplet::wire::Code;
    ///
    /// assert!(Code::CSM.is_reserved_class()); // RFC 8323 uses class 7, but not over UDP
    /// assert!(!Code::CONTENT.is_reserved_class());
    /// ```
    pub const fn is_reserved_class(self) -> bool {
        matches!(self.class(), 1 | 6 | 7)
    }
}

/// Methods and Empty as their name; the rest as `2.05 Content`; what has no name as `2.17`.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) if self.class() == 0 => f.write_str(name),
            Some(name) => write!(f, "{}.{:02} {name}", self.class(), self.detail()),
            None => write!(f, "{}.{:02}", self.class(), self.detail()),
        }
    }
}

/// `Code(2.05 Content)`.
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({}.{:02}", self.class(), self.detail())?;
        if let Some(name) = self.name() {
            write!(f, " {name}")?;
        }
        f.write_str(")")
    }
}

/// A text is no code: neither `c.dd`, with or without its registered name, nor the name of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InvalidCode;

impl fmt::Display for InvalidCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a CoAP code: expected c.dd with a class of 0 to 7 and a detail of 00 to 31, or a method")
    }
}

impl core::error::Error for InvalidCode {}

/// Reads what `Display` writes, the digits alone, and the name of a method in any case.
///
/// ```
/// use coaplet::wire::{Code, InvalidCode};
///
/// assert_eq!("2.05".parse(), Ok(Code::CONTENT));
/// assert_eq!("2.05 Content".parse(), Ok(Code::CONTENT));
/// assert_eq!("get".parse(), Ok(Code::GET));
/// assert_eq!("2.5".parse::<Code>(), Err(InvalidCode));
/// assert_eq!("2.05 Changed".parse::<Code>(), Err(InvalidCode));
/// ```
impl FromStr for Code {
    type Err = InvalidCode;

    fn from_str(text: &str) -> Result<Code, InvalidCode> {
        if let [class @ b'0'..=b'7', b'.', tens @ b'0'..=b'3', units @ b'0'..=b'9', rest @ ..] = text.as_bytes() {
            // None of these overflows: each digit was just seen to be one.
            let detail = (tens & 0xf) * 10 + (units & 0xf);
            let code = Code::new(class & 0xf, detail).ok_or(InvalidCode)?;
            return match rest {
                [] => Ok(code),
                [b' ', name @ ..] if code.name().is_some_and(|known| known.as_bytes() == name) => Ok(code),
                _ => Err(InvalidCode),
            };
        }
        (0..=31)
            .map(Code)
            .find(|code| code.name().is_some_and(|name| name.eq_ignore_ascii_case(text)))
            .ok_or(InvalidCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    #[test]
    fn each_constant_is_named_after_its_code() {
        for (constant, code) in ROWS {
            let name = code.name().unwrap();
            assert_eq!(*constant, name.to_uppercase().replace([' ', '-'], "_"));
        }
    }

    #[test]
    fn every_byte_is_a_code_and_comes_back() {
        for byte in 0..=255u8 {
            let code = Code::from_byte(byte);
            assert_eq!(code.to_byte(), byte);
            assert_eq!(Code::new(code.class(), code.detail()), Some(code));
            assert_eq!(code.to_string().parse(), Ok(code));
        }
        for class in 0..=255u8 {
            for detail in 0..=255u8 {
                assert_eq!(Code::new(class, detail).is_some(), class <= 7 && detail <= 31);
            }
        }
    }

    #[test]
    fn each_byte_belongs_to_one_kind() {
        for code in (0..=255).map(Code::from_byte) {
            let kinds = [code.is_empty(), code.is_request(), code.is_response(), code.is_reserved_class()];
            assert_eq!(kinds.iter().filter(|kind| **kind).count(), 1, "{code:?}");
            let class = code.class();
            assert_eq!(code.is_success(), class == 2);
            assert_eq!(code.is_client_error(), class == 4);
            assert_eq!(code.is_server_error(), class == 5);
            assert_eq!(code.is_signaling(), class == 7);
            assert_eq!(code.is_reserved_class(), [1, 6, 7].contains(&class));
        }
    }

    #[test]
    fn printing() {
        for (code, display, debug) in [
            (Code::EMPTY, "Empty", "Code(0.00 Empty)"),
            (Code::IPATCH, "iPATCH", "Code(0.07 iPATCH)"),
            (Code::from_byte(31), "0.31", "Code(0.31)"),
            (Code::CONTINUE, "2.31 Continue", "Code(2.31 Continue)"),
            (Code::from_byte(0x51), "2.17", "Code(2.17)"),
            (Code::HOP_LIMIT_REACHED, "5.08 Hop Limit Reached", "Code(5.08 Hop Limit Reached)"),
            (Code::ABORT, "7.05 Abort", "Code(7.05 Abort)"),
        ] {
            assert_eq!(code.to_string(), display);
            assert_eq!(format!("{code:?}"), debug);
        }
    }

    #[test]
    fn reading() {
        assert_eq!("0.31".parse(), Ok(Code(31)));
        assert_eq!("IPatch".parse(), Ok(Code::IPATCH));
        assert_eq!("empty".parse(), Ok(Code::EMPTY));
        assert_eq!("4.13 Request Entity Too Large".parse(), Ok(Code::REQUEST_ENTITY_TOO_LARGE));
        for wrong in
            ["", "2", "2.", "2.5", "2.32", "8.00", "2.050", "2.05 ", "2.17 Content", "2,05", " 2.05", "Content"]
        {
            assert_eq!(wrong.parse::<Code>(), Err(InvalidCode), "{wrong:?}");
        }
    }
}
