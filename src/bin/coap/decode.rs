//! `decode`: CoAP datagrams in hexadecimal, and what is in them, or what is wrong and at which byte.

use crate::args::Decode;
use crate::terminal::say;
use crate::{Ending, Trouble};
use coaplet::Message;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write};

pub fn run(given: &Decode) -> Result<Ending, Trouble> {
    let (json, several) = (given.json, given.messages.len() != 1);
    let mut decoder = Decoder { json, several, count: 0, wrong: false };
    if given.messages.is_empty() {
        decoder.standard_input()?;
    } else {
        decoder.arguments(&given.messages)?;
    }
    io::stdout().flush()?;
    Ok(if decoder.wrong { Ending::Failed } else { Ending::Done })
}

struct Decoder {
    json: bool,
    /// Whether each message is to be told apart by its number.
    several: bool,
    count: usize,
    wrong: bool,
}

impl Decoder {
    fn arguments(&mut self, arguments: &[String]) -> io::Result<()> {
        for (index, argument) in arguments.iter().enumerate() {
            self.message(argument, format_args!("argument {}", index + 1))?;
        }
        if arguments.len() > 1 && arguments.iter().all(|argument| unhex(argument).is_ok_and(|bytes| bytes.len() < 4)) {
            say("coap: each argument is a message: quote one that has blanks in it");
        }
        Ok(())
    }

    fn standard_input(&mut self) -> io::Result<()> {
        let mut input = io::stdin().lock();
        if input.is_terminal() {
            say("coap: one message a line, in hexadecimal; Ctrl-D ends it");
        }
        let mut number = 0;
        let mut line = Vec::new();
        while input.read_until(b'\n', &mut line)? > 0 {
            number += 1;
            let text = String::from_utf8_lossy(&line);
            if !text.trim().is_empty() {
                self.message(text.trim_end(), format_args!("line {number}"))?;
            }
            line.clear();
        }
        Ok(())
    }

    fn message(&mut self, text: &str, place: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.count += 1;
        let bytes = unhex(text);
        let message = match &bytes {
            Ok(bytes) => Message::parse(bytes).map_err(|error| Wrong {
                what: error.kind().to_string(),
                position: format!("byte {}", error.offset()),
                offset: error.offset(),
                excerpt: excerpt(bytes.iter().map(|byte| format!("{byte:02x} ")), error.offset()),
            }),
            Err(error) => Err(Wrong {
                what: error.what.clone(),
                position: format!("column {}", error.column + 1),
                offset: error.offset,
                excerpt: excerpt(text.chars().map(visible), error.column),
            }),
        };
        self.wrong |= message.is_err();
        let mut out = io::stdout().lock();
        if self.json {
            return match message {
                Ok(message) => writeln!(out, "{}", json(&message)),
                Err(Wrong { what, offset, .. }) => {
                    writeln!(out, r#"{{"ok":false,"error":{},"offset":{offset}}}"#, Value::from(what))
                }
            };
        }
        if self.count > 1 {
            writeln!(out)?;
        }
        match message {
            Ok(message) => writeln!(out, "{message:#?}"),
            Err(Wrong { what, position, excerpt, .. }) => {
                if self.several {
                    write!(out, "{place}, ")?;
                }
                writeln!(out, "{position}: {what}\n{excerpt}")
            }
        }
    }
}

/// What is wrong, and where.
struct Wrong {
    what: String,
    position: String,
    /// Counted in bytes of the datagram, from 0.
    offset: usize,
    excerpt: String,
}

/// A message as one JSON object, keys in this order. Only the names could need quoting: the rest are digits.
fn json(message: &Message<'_>) -> String {
    let code = message.code();
    let mut text = format!(
        r#"{{"ok":true,"version":1,"type":"{}","code":"{}.{:02}","message_id":{},"token":"{}","options":["#,
        message.message_type(),
        code.class(),
        code.detail(),
        message.message_id(),
        hex(message.token()),
    );
    for (index, (number, value)) in message.options().enumerate() {
        let separator = if index > 0 { "," } else { "" };
        let (number, name, value) = (number.get(), Value::from(number.name()), hex(value));
        let _ = write!(text, r#"{separator}{{"number":{number},"name":{name},"value":"{value}"}}"#);
    }
    let _ = write!(text, r#"],"payload":"{}"}}"#, hex(message.payload()));
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Why a text is not hexadecimal.
struct NotHex {
    what: String,
    /// Counted in characters, from 0.
    column: usize,
    /// How many whole bytes are in front of it.
    offset: usize,
}

/// Bytes from pairs of hexadecimal digits.
fn unhex(text: &str) -> Result<Vec<u8>, NotHex> {
    let text: Vec<char> = text.chars().collect();
    let digit = |at: usize| text.get(at).and_then(|c| c.to_digit(16));
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut at = 0;
    let mut begins = true;
    while at < text.len() {
        if is_separator(text[at]) {
            begins = true;
            at += 1;
            continue;
        }
        if !(begins && matches!(text[at..], ['0', 'x' | 'X', ..])) {
            let (high, low) = (digit(at), digit(at + 1));
            let (Some(high), Some(low)) = (high, low) else {
                let column = if high.is_some() { at + 1 } else { at };
                return Err(match text.get(column) {
                    Some(&c) if !is_separator(c) => {
                        NotHex { what: format!("'{}' is not hexadecimal", visible(c)), column, offset: bytes.len() }
                    }
                    _ => NotHex { what: "half a byte: digits come in pairs".into(), column: at, offset: bytes.len() },
                });
            };
            bytes.push((high << 4 | low) as u8);
        }
        begins = false;
        at += 2;
    }
    Ok(bytes)
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, ':' | ',')
}

/// A character in ASCII, so that the caret below stands where it should.
fn visible(c: char) -> String {
    if c == ' ' || c.is_ascii_graphic() { c.to_string() } else { c.escape_default().to_string() }
}

/// A line with the cells around one, which may be the one behind the last, and a caret under it.
fn excerpt(cells: impl Iterator<Item = String>, at: usize) -> String {
    const BEFORE: usize = 16;
    const AFTER: usize = 8;
    let first = at.saturating_sub(BEFORE);
    let mut line = String::from(if first > 0 { "  .. " } else { "  " });
    let mut caret = None;
    for (index, cell) in cells.enumerate().skip(first) {
        if index > at + AFTER {
            line.push_str("..");
            break;
        }
        if index == at {
            caret = Some(line.len());
        }
        line.push_str(&cell);
    }
    let caret = caret.unwrap_or(line.len());
    format!("{}\n{:caret$}^", line.trim_end(), "")
}
