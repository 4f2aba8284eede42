//! Payloads: readable on a terminal, as they are into a pipe.

use crate::diagnostic::diagnostic;
use coaplet::ContentFormat;
use coaplet::link::Links;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

/// Writes a payload to standard output.
pub fn payload(format: Option<ContentFormat>, payload: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        let text = on_terminal(format, payload);
        out.write_all(text.as_bytes())?;
        if !text.is_empty() && !text.ends_with('\n') {
            out.write_all(b"\n")?;
        }
    } else {
        out.write_all(payload)?;
    }
    out.flush()
}

/// A payload as a person reads it.
pub fn on_terminal(format: Option<ContentFormat>, payload: &[u8]) -> String {
    let media_type = format.filter(|format| format.content_coding().is_none()).and_then(ContentFormat::media_type);
    let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let readable = match media_type {
        "application/link-format" => links(payload),
        json if json.ends_with("json") => pretty_json(payload),
        cbor if cbor.ends_with("cbor") || cbor.ends_with("cbor-seq") => {
            diagnostic(payload).and_then(|it| text(it.as_bytes()))
        }
        _ => None,
    };
    readable.or_else(|| text(payload)).unwrap_or_else(|| dump(payload))
}

/// A link in each line.
fn links(payload: &[u8]) -> Option<String> {
    let links = Links::parse(payload).ok()?;
    let mut lines = String::new();
    for link in &links {
        let _ = writeln!(lines, "{link}");
    }
    text(lines.as_bytes())
}

fn pretty_json(payload: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(payload).ok()?;
    serde_json::to_string_pretty(&value).ok().and_then(|text| self::text(text.as_bytes()))
}

/// What is UTF-8, with control characters made visible: a payload is not to command the terminal.
fn text(payload: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(payload).ok()?;
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => visible.push(c),
            // Those that turn the direction of the text count as such.
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                visible.extend(c.escape_unicode());
            }
            c => visible.push(c),
        }
    }
    Some(visible)
}

/// Bytes, sixteen in a line, with their place and what they are in ASCII.
fn dump(payload: &[u8]) -> String {
    let mut lines = String::new();
    for (line, bytes) in payload.chunks(16).enumerate() {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let seen = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
        let ascii: String = bytes.iter().map(seen).collect();
        let _ = writeln!(lines, "{:08x}  {:<47}  {ascii}", line * 16, hex.join(" "));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_readable() {
        let json = br#"{"b":1.10,"a":[123456789012345678901234567890,true]}"#;
        let shown = on_terminal(Some(ContentFormat::JSON), json);
        assert!(shown.starts_with("{\n  \"b\": 1.10,\n  \"a\": [\n    123456789012345678901234567890,"), "{shown}");
        // A byte sequence that is no JSON is shown as what it is.
        assert_eq!(on_terminal(Some(ContentFormat::JSON), b"{"), "{");
        let cbor = b"\xa2\x61t\xf9\x4d\x60\x61u\x82\x01\x43abc";
        assert_eq!(on_terminal(Some(ContentFormat::CBOR), cbor), r#"{"t": 21.5, "u": [1, h'616263']}"#);
        assert!(on_terminal(Some(ContentFormat::CBOR), b"\x82\x01").starts_with("00000000  82 01"));
        let links = b"</a>;rt=\"x\",</b>";
        assert_eq!(on_terminal(Some(ContentFormat::LINK_FORMAT), links), "</a>;rt=\"x\"\n</b>\n");
        assert_eq!(on_terminal(None, "caf\u{e9}".as_bytes()), "caf\u{e9}");
        assert_eq!(on_terminal(None, b"\xff\x00a"), format!("00000000  {:<47}  ..a\n", "ff 00 61"));
        assert_eq!(on_terminal(None, b""), "");
    }

    #[test]
    fn nothing_commands_the_terminal() {
        let red = b"\x1b[31mred\x1b[0m\r\x07";
        let formats = [None, Some(ContentFormat::TEXT_PLAIN), Some(ContentFormat::JSON), Some(ContentFormat::CBOR)];
        for format in formats {
            let shown = on_terminal(format, red);
            assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
        }
        let cbor = [&[0x6a][..], b"\x1b[31mred\r\n"].concat();
        let json = b"[\"\\u001b[31m\xe2\x80\xae\"]";
        let link = b"</a>;title=\"\x1b[31m\"";
        for (format, payload) in
            [(ContentFormat::CBOR, &cbor[..]), (ContentFormat::JSON, json), (ContentFormat::LINK_FORMAT, link)]
        {
            let shown = on_terminal(Some(format), payload);
            assert!(!shown.contains(['\x1b', '\r', '\u{202e}']), "{shown:?}");
        }
    }
}
