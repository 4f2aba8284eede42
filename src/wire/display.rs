//! Messages printed as a protocol analyser would: one line by `{}`, every field by `{:#?}`.
//!
//! What came from the network is escaped: no control character reaches a terminal.

use super::{Block, ContentFormat, Message, OptionFormat, OptionNumber, Token, uint};
use core::fmt::{self, Display, Formatter, Write};

/// How many bytes of a payload one line shows.
const SHOWN: usize = 64;

/// Two hexadecimal digits a byte.
pub(super) fn hex(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl Display for Message<'_> {
    /// One line, as in `CON GET mid=0x7d34 token=53 [Uri-Path: sensors, Uri-Path: temp]`.
    ///
    /// Of the payload the first 64 bytes are shown, as text where it is text.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} mid=0x{:04x}", self.message_type(), self.code(), self.message_id())?;
        if !self.token().is_empty() {
            f.write_str(" token=")?;
            token(f, self.token())?;
        }
        let mut separator = " [";
        for (number, value) in self.options() {
            write!(f, "{separator}{}", Field { number, value })?;
            separator = ", ";
        }
        if separator == ", " {
            f.write_char(']')?;
        }
        if !self.payload().is_empty() {
            write!(f, " payload {} ", Bytes(self.payload().len()))?;
            excerpt(f, self.payload())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Message<'_> {
    /// `{:?}` is the line of `{}`; `{:#?}` has a line for each field and the whole payload in rows of 16 bytes.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return Display::fmt(self, f);
        }
        write!(f, "{} {}", self.message_type(), self.code())?;
        write!(f, "\n  Version: 1\n  Type: {:?}", self.message_type())?;
        write!(f, "\n  Code: {}.{:02}", self.code().class(), self.code().detail())?;
        write!(f, "\n  Message ID: 0x{0:04x} ({0})", self.message_id())?;
        if self.token().is_empty() {
            f.write_str("\n  Token: (empty)")?;
        } else {
            f.write_str("\n  Token: ")?;
            token(f, self.token())?;
            write!(f, " ({})", Bytes(self.token().len()))?;
        }
        for (number, value) in self.options() {
            write!(f, "\n  {}", Field { number, value })?;
            write!(f, "  (option {}, {}, ", number.get(), Bytes(value.len()))?;
            f.write_str(if number.is_critical() { "critical" } else { "elective" })?;
            if number.is_unsafe() {
                f.write_str(", unsafe to forward")?;
            } else if number.is_no_cache_key() {
                f.write_str(", no cache key")?;
            }
            f.write_char(')')?;
        }
        if !self.payload().is_empty() {
            write!(f, "\n  Payload: {}", Bytes(self.payload().len()))?;
            let mut offset = 0_usize;
            for row in self.payload().chunks(16) {
                dump(f, offset, row)?;
                offset = offset.saturating_add(16);
            }
        }
        Ok(())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Message<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{} {} mid={=u16:#06x}", self.message_type(), self.code(), self.message_id());
        defmt::write!(f, " token={=[u8]:02x} [", self.token());
        for (number, value) in self.options() {
            defmt::write!(f, "{}: {=[u8]:a}, ", number, value);
        }
        defmt::write!(f, "] payload {=usize} bytes {=[u8]:a}", self.payload().len(), self.payload());
    }
}

/// A token; of one that is too long for a line, the beginning.
fn token(f: &mut Formatter<'_>, token: &[u8]) -> fmt::Result {
    match token.get(..2 * Token::MAX_LENGTH) {
        Some(start) if token.len() > start.len() => {
            hex(f, start)?;
            f.write_str("..")
        }
        _ => hex(f, token),
    }
}

/// A number of bytes, in words.
struct Bytes(usize);

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} byte{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

/// An option as `Name: value`. What is not as the registry says is shown in hexadecimal.
struct Field<'d> {
    number: OptionNumber,
    value: &'d [u8],
}

impl Display for Field<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Field { number, value } = *self;
        write!(f, "{number}")?;
        let shape = number.shape().filter(|shape| shape.accepts_length(value.len()));
        match (shape.map(|shape| shape.format()), core::str::from_utf8(value), uint::decode(value)) {
            (Some(OptionFormat::Empty), ..) => Ok(()),
            (Some(OptionFormat::String), Ok(text), _) => {
                f.write_str(": ")?;
                plain_or_quoted(f, text)
            }
            (Some(OptionFormat::Uint), _, Some(value)) => {
                f.write_str(": ")?;
                match number {
                    OptionNumber::CONTENT_FORMAT | OptionNumber::ACCEPT => {
                        write!(f, "{}", ContentFormat::new(value as u16))
                    }
                    OptionNumber::BLOCK1 | OptionNumber::BLOCK2 | OptionNumber::Q_BLOCK1 | OptionNumber::Q_BLOCK2 => {
                        match Block::from_value(self.value) {
                            Ok(block) => write!(f, "{block}"),
                            Err(_) => write!(f, "{value}"),
                        }
                    }
                    _ => write!(f, "{value}"),
                }
            }
            _ if value.is_empty() => f.write_str(": (empty)"),
            _ => {
                f.write_str(": 0x")?;
                match value.get(..SHOWN) {
                    Some(start) if start.len() < value.len() => {
                        hex(f, start)?;
                        f.write_str("..")
                    }
                    _ => hex(f, value),
                }
            }
        }
    }
}

/// Text as it is, unless it could be mistaken for the punctuation around it or would move the cursor.
fn plain_or_quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let plain = |c: char| c.escape_debug().count() == 1 && !matches!(c, ',' | '[' | ']' | ' ');
    if !text.is_empty() && text.chars().all(plain) { f.write_str(text) } else { write!(f, "{text:?}") }
}

/// The beginning of a payload on one line: quoted where it is text, else in hexadecimal.
fn excerpt(f: &mut Formatter<'_>, payload: &[u8]) -> fmt::Result {
    let start = payload.get(..SHOWN).unwrap_or(payload);
    let text = match core::str::from_utf8(start) {
        Ok(text) => Some(text),
        // Cut in the middle of a character by us, not by the sender.
        Err(error) if error.error_len().is_none() && start.len() < payload.len() => {
            start.get(..error.valid_up_to()).and_then(|start| core::str::from_utf8(start).ok())
        }
        Err(_) => None,
    };
    match text {
        Some(text) if text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')) => {
            write!(f, "{text:?}")?;
        }
        _ => {
            f.write_str("0x")?;
            hex(f, start)?;
        }
    }
    if start.len() < payload.len() { f.write_str("..") } else { Ok(()) }
}

/// One row of a dump: offset, bytes in hexadecimal, and as ASCII where they can be printed.
fn dump(f: &mut Formatter<'_>, offset: usize, row: &[u8]) -> fmt::Result {
    write!(f, "\n    {offset:04x} ")?;
    for column in 0..16 {
        match row.get(column) {
            Some(byte) => write!(f, " {byte:02x}")?,
            None => f.write_str("   ")?,
        }
    }
    f.write_str("  ")?;
    row.iter().try_for_each(|&byte| {
        f.write_char(if byte == b' ' || byte.is_ascii_graphic() { char::from(byte) } else { '.' })
    })
}
