//! Writer scripts as bytes, so that a fuzzer can change them a byte at a time and seeds can be made from vectors.
//!
//! ```text
//! room u16 · type u8 · code u8 · Message ID u16 · token value · calls
//! call:  kind u8 (modulo 8) · its fields
//! value: n u8 · n bytes              n < 240
//!        n u8 · length u16 · byte    n = 240..: that byte `length` times, and 300 times more if n is odd
//! ```
//!
//! Whatever the bytes are, they are a script; what is missing at the end is left out or zero.

use crate::grammar;
use crate::script::{Call, Script};

/// Once the values have more bytes than this together, three calls are left: a long value may be moved and overflow, but
/// runs stay fast.
const ENOUGH: usize = 2_000;

/// The most calls in a script.
const CALLS: usize = 24;

/// The largest room for the first attempt.
const ROOM: u16 = 2048;

/// The most options of a message that is copied: into a small buffer each of them may take an attempt of its own.
const COPIED: usize = 40;

struct Reader<'d>(&'d [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((byte, rest)) => {
                self.0 = rest;
                *byte
            }
            None => 0,
        }
    }

    fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    fn long(&mut self) -> u32 {
        u32::from(self.word()) << 16 | u32::from(self.word())
    }

    fn value(&mut self) -> Vec<u8> {
        match self.byte() {
            length @ 0..240 => {
                let (value, rest) = self.0.split_at(usize::from(length).min(self.0.len()));
                self.0 = rest;
                value.to_vec()
            }
            run => {
                let length = usize::from(self.word()) + if run & 1 == 1 { 300 } else { 0 };
                vec![self.byte(); length]
            }
        }
    }
}

/// The script that the bytes stand for, and the room for the first attempt to write it.
pub fn read(bytes: &[u8]) -> (Script, usize) {
    let mut reader = Reader(bytes);
    let room = usize::from(reader.word() % (ROOM + 1));
    let (kind, code, mid, token) = (reader.byte() & 3, reader.byte(), reader.word(), reader.value());
    let mut script = Script { kind, code, mid, token, calls: Vec::new() };
    let (mut size, mut left) = (script.token.len(), CALLS);
    while !reader.0.is_empty() && left > 0 {
        let call = match reader.byte() % 8 {
            0 => Call::Option(reader.word(), reader.value()),
            1 => Call::Insert(reader.word(), reader.value()),
            2 => Call::Payload(reader.value()),
            3 => Call::Uint(reader.word(), reader.long()),
            4 => {
                let text = String::from_utf8_lossy(&reader.value()).into_owned();
                Call::Text(text, reader.long())
            }
            5 => Call::Fill(reader.value()),
            6 => Call::Code(reader.byte()),
            _ => {
                let (number, datagram) = (reader.word(), reader.value());
                match grammar::read(&datagram) {
                    Ok(packet) if packet.options.len() <= COPIED => Call::Copy(datagram, number),
                    _ => continue,
                }
            }
        };
        size += match &call {
            Call::Option(_, value) | Call::Insert(_, value) | Call::Payload(value) | Call::Fill(value) => value.len(),
            Call::Copy(datagram, _) => datagram.len(),
            Call::Text(text, _) => text.len(),
            Call::Uint(..) | Call::Code(_) => 4,
        };
        script.calls.push(call);
        left -= 1;
        if size > ENOUGH {
            left = left.min(3);
            size = 0;
        }
    }
    (script, room)
}

/// The bytes for a script, as far as they can say it: values of 240 bytes and more become runs of their first byte.
pub fn write(script: &Script, room: u16) -> Vec<u8> {
    let mut out = room.to_be_bytes().to_vec();
    out.extend([script.kind, script.code]);
    out.extend(script.mid.to_be_bytes());
    put_value(&mut out, &script.token);
    for call in &script.calls {
        match call {
            Call::Option(number, value) => put_option(&mut out, 0, *number, value),
            Call::Insert(number, value) => put_option(&mut out, 1, *number, value),
            Call::Payload(bytes) => {
                out.push(2);
                put_value(&mut out, bytes);
            }
            Call::Uint(number, value) => {
                out.push(3);
                out.extend(number.to_be_bytes());
                out.extend(value.to_be_bytes());
            }
            Call::Text(text, number) => {
                out.push(4);
                put_value(&mut out, text.as_bytes());
                out.extend(number.to_be_bytes());
            }
            Call::Fill(bytes) => {
                out.push(5);
                put_value(&mut out, bytes);
            }
            Call::Code(code) => out.extend([6, *code]),
            Call::Copy(datagram, number) => put_option(&mut out, 7, *number, datagram),
        }
    }
    out
}

fn put_option(out: &mut Vec<u8>, call: u8, number: u16, value: &[u8]) {
    out.push(call);
    out.extend(number.to_be_bytes());
    put_value(out, value);
}

fn put_value(out: &mut Vec<u8>, value: &[u8]) {
    if value.len() < 240 {
        out.push(value.len() as u8);
        out.extend(value);
        return;
    }
    let (form, length) = match u16::try_from(value.len()) {
        Ok(length) => (240, length),
        Err(_) => (241, (value.len() - 300).try_into().unwrap_or(u16::MAX)),
    };
    out.push(form);
    out.extend(length.to_be_bytes());
    out.push(value[0]);
}
