//! What a handler says when it cannot do what it is asked: a code, and why.

use crate::block::{Asked, Settings, Written};
use crate::wire::{Code, ContentFormat, OptionNumber, Writer, uint};
use core::fmt;

/// A response of class 4 or 5, and what a person is told: the diagnostic payload (RFC 7252 5.5.2), or problem details
/// (RFC 9290), where the request's Accept asks for these.
///
/// ```
/// use coaplet::Code;
/// use coaplet::server::Error;
///
/// let wrong = Error::new(Code::BAD_REQUEST, "on or off");
/// assert_eq!((wrong.code(), wrong.text()), (Code::BAD_REQUEST, "on or off"));
/// // Without a text, and from what a writer of text says.
/// let (absent, internal) = (Error::from(Code::NOT_FOUND), Error::from(core::fmt::Error));
/// assert_eq!((absent.text(), internal.code()), ("", Code::INTERNAL_SERVER_ERROR));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Error {
    code: Code,
    text: &'static str,
}

impl Error {
    /// With a text for a person, in English; empty for none. A code that is not of class 4 or 5 counts as 5.00.
    #[must_use]
    pub const fn new(code: Code, text: &'static str) -> Error {
        let code = if matches!(code.class(), 4 | 5) { code } else { Code::INTERNAL_SERVER_ERROR };
        Error { code, text }
    }

    /// The code of the response.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What a person is told.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// Writes it in the place of whatever was written. `problem`: as problem details.
    pub(super) fn write(&self, w: &mut Writer<'_>, problem: bool, asked: &Asked, settings: &Settings) {
        let asked = Asked { block1: asked.block1, ..Asked::default() };
        w.restart().code(self.code);
        if problem {
            let format = u32::from(ContentFormat::CONCISE_PROBLEM_DETAILS_CBOR.get());
            w.option(OptionNumber::CONTENT_FORMAT, uint::encode(format).as_bytes());
        }
        let mut written = Written::begin(w, &asked, settings);
        if problem {
            // RFC 8949, deterministic: a map of the title (-1), if there is one, and the code (-4). The length of a text
            // in two bytes is right up to 255; a title is cut there.
            let length = self.text.len().min(255) as u8;
            if length > 0 {
                let long: &[u8] = &[0xa2, 0x20, 0x78, length];
                let short: &[u8] = &[0xa2, 0x20, 0x60 | length];
                written.put(w, &asked, if length < 24 { short } else { long });
            } else {
                written.put(w, &asked, &[0xa1]);
            }
        }
        let text = self.text.as_bytes();
        written.put(w, &asked, if problem { text.get(..255).unwrap_or(text) } else { text });
        if problem {
            written.put(w, &asked, &[0x23, 0x18, self.code.to_byte()]);
        }
        if let Err(code) = written.end(w, &asked) {
            w.restart().code(code);
        }
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Error {
        Error::new(code, "")
    }
}

impl From<fmt::Error> for Error {
    fn from(_: fmt::Error) -> Error {
        Error::from(Code::INTERNAL_SERVER_ERROR)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() { write!(f, "{}", self.code) } else { write!(f, "{}: {}", self.code, self.text) }
    }
}

impl core::error::Error for Error {}
