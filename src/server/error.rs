//! What a handler says when it cannot do what it is asked: a code, and why.

use crate::block::{Asked, put_block1};
use crate::roles::Roles;
use crate::wire::{Code, ContentFormat, Writer};
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
    /// Any code and nothing to read: also of a success, such as that of a piece that came, which is written as an error is.
    pub(super) const fn bare(code: Code) -> Error {
        Error { code, text: "" }
    }

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

    /// Writes it in the place of whatever was written. `problem`: as problem details. Where there is no room for the text
    /// it is left out.
    pub(super) fn write<R: Roles>(&self, w: &mut Writer<'_>, problem: bool, asked: &Asked) {
        let text = self.text.as_bytes();
        let problem = R::HAS.problems && problem && !self.code.is_success();
        // A title is cut where its length is not one byte any more.
        let text = if problem { text.get(..255).unwrap_or(text) } else { text };
        w.restart().code(self.code);
        if problem {
            w.content_format(ContentFormat::CONCISE_PROBLEM_DETAILS_CBOR);
        }
        put_block1::<true>(w, self.code, asked.block1);
        let room = w.room().saturating_sub(w.length());
        if !problem {
            w.payload(if text.len() < room { text } else { &[] });
            return;
        }
        // RFC 8949, deterministic: a map of the title (-1), if there is one, and the code (-4).
        let length = text.len() as u8;
        let head: &[u8] = match length {
            0 => &[0xa1],
            1..24 => &[0xa2, 0x20, 0x60 | length],
            _ => &[0xa2, 0x20, 0x78, length],
        };
        let code = [0x23, 0x18, self.code.to_byte()];
        if head.len() + text.len() + code.len() < room {
            w.payload(head).payload(text).payload(&code);
        } else {
            w.payload(&[0xa1]).payload(&code);
        }
    }
}

/// An error that the server finds by itself, in two bytes: the words are put where it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    code: Code,
    words: Words,
}

/// What a person is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    None,
    NoSuchResource,
    InOneMessage,
}

impl Fault {
    /// Of any code, as [`Error::bare`].
    pub(super) const fn of(code: Code) -> Fault {
        Fault { code, words: Words::None }
    }

    pub(super) const fn with(code: Code, words: Words) -> Fault {
        Fault { code, words }
    }

    pub(super) const fn error<R: Roles>(self) -> Error {
        let text = match self.words {
            Words::NoSuchResource if R::HAS.diagnostics => "no such resource: /.well-known/core lists all",
            Words::InOneMessage if R::HAS.diagnostics => "in one message only",
            _ => "",
        };
        Error { code: self.code, text }
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
