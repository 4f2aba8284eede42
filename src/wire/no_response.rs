//! The value of the No-Response option (RFC 7967): the classes of responses a client does not want.

use core::fmt;
use core::ops::BitOr;

use super::code::Code;

/// A set of response classes that the client is not interested in (RFC 7967 2.1).
///
/// ```
/// use coaplet::wire::{Code, NoResponse};
///
/// let errors_only = NoResponse::SUCCESS;
/// assert!(errors_only.suppresses(Code::CHANGED));
/// assert!(!errors_only.suppresses(Code::NOT_FOUND));
///
/// let silence = NoResponse::SUCCESS | NoResponse::CLIENT_ERROR | NoResponse::SERVER_ERROR;
/// assert_eq!(silence, NoResponse::ALL);
/// assert_eq!(silence.get(), 26);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NoResponse(u8);

impl NoResponse {
    /// Interested in every response, as if the option were absent: value 0, which is empty on the wire.
    pub const NONE: NoResponse = NoResponse(0);
    /// Not interested in 2.xx: value 2.
    pub const SUCCESS: NoResponse = NoResponse(2);
    /// Not interested in 4.xx: value 8.
    pub const CLIENT_ERROR: NoResponse = NoResponse(8);
    /// Not interested in 5.xx: value 16.
    pub const SERVER_ERROR: NoResponse = NoResponse(16);
    /// Not interested in any response: value 26.
    pub const ALL: NoResponse = NoResponse(26);

    /// The set with this value. Bits that RFC 7967 gives no meaning are kept and suppress nothing.
    pub const fn new(value: u8) -> NoResponse {
        NoResponse(value)
    }

    /// Reads the value of an option: empty or one byte. `None` if it is longer; it then counts as unrecognised, and
    /// being elective is ignored (RFC 7252 5.4.3).
    pub const fn from_value(value: &[u8]) -> Option<NoResponse> {
        match *value {
            [] => Some(NoResponse(0)),
            [bits] => Some(NoResponse(bits)),
            _ => None,
        }
    }

    /// The value, to be written as a uint option.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether a response with this code is unwanted.
    ///
    /// False for anything but classes 2, 4 and 5.
    pub const fn suppresses(self, code: Code) -> bool {
        // RFC 7967 2.1: class c has bit c - 1.
        let class = match code.class() {
            2 => NoResponse::SUCCESS,
            4 => NoResponse::CLIENT_ERROR,
            5 => NoResponse::SERVER_ERROR,
            _ => return false,
        };
        self.0 & class.0 != 0
    }
}

/// The classes that either does not want.
impl BitOr for NoResponse {
    type Output = NoResponse;

    fn bitor(self, other: NoResponse) -> NoResponse {
        NoResponse(self.0 | other.0)
    }
}

/// The unwanted classes: `2.xx 5.xx`, or `none`.
impl fmt::Display for NoResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (class, name) in
            [(NoResponse::SUCCESS, "2.xx"), (NoResponse::CLIENT_ERROR, "4.xx"), (NoResponse::SERVER_ERROR, "5.xx")]
        {
            if self.0 & class.0 != 0 {
                f.write_str(separator)?;
                f.write_str(name)?;
                separator = " ";
            }
        }
        if separator.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    /// The option's value, and whether it suppresses 2.05, 4.04, 5.00: vectors/behaviour.json, no_response.
    const VECTORS: &[(&[u8], [bool; 3])] = &[
        (&[], [false, false, false]),
        (&[0x02], [true, false, false]),
        (&[0x08], [false, true, false]),
        (&[0x10], [false, false, true]),
        (&[0x12], [true, false, true]),
        (&[0x1a], [true, true, true]),
        (&[0x00], [false, false, false]),
    ];

    #[test]
    fn vectors() {
        assert_eq!(VECTORS.len(), 7);
        for (value, suppressed) in VECTORS {
            let option = NoResponse::from_value(value).unwrap();
            let codes = [Code::CONTENT, Code::NOT_FOUND, Code::INTERNAL_SERVER_ERROR];
            assert_eq!(codes.map(|code| option.suppresses(code)), *suppressed, "{value:?}");
        }
    }

    #[test]
    fn only_classes_2_4_and_5_are_suppressed() {
        for code in (0..=255).map(Code::from_byte) {
            assert_eq!(NoResponse::new(0xff).suppresses(code), [2, 4, 5].contains(&code.class()), "{code}");
            assert_eq!(NoResponse::ALL.suppresses(code), [2, 4, 5].contains(&code.class()), "{code}");
            assert!(!NoResponse::new(!26).suppresses(code), "{code}");
        }
    }

    #[test]
    fn values_and_printing() {
        assert_eq!(NoResponse::from_value(&[0, 2]), None);
        assert_eq!(NoResponse::from_value(&[]), Some(NoResponse::NONE));
        assert_eq!(NoResponse::new(18), NoResponse::SUCCESS | NoResponse::SERVER_ERROR);
        assert_eq!(NoResponse::new(18).to_string(), "2.xx 5.xx");
        assert_eq!(NoResponse::default().to_string(), "none");
        assert_eq!(NoResponse::new(127).get(), 127);
    }
}
