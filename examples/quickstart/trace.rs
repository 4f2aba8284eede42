//! Prints messages as they go by, and counts what they take.

use coaplet::Message;
use std::fmt;
use std::io::{self, Write};
use std::time::Instant;

/// Where the lines go.
#[derive(Clone, Copy)]
pub enum To {
    Stdout,
    /// Leaves standard output to the payload.
    Stderr,
}

/// One line for each message: the time since the start, the direction, the length, and what the codec reads in it.
pub struct Trace {
    to: To,
    start: Instant,
    messages: usize,
    bytes: usize,
}

impl Trace {
    pub fn new(to: To) -> Trace {
        Trace { to, start: Instant::now(), messages: 0, bytes: 0 }
    }

    pub fn sent(&mut self, datagram: &[u8], remark: impl fmt::Display) {
        self.message("->", datagram, remark);
    }

    pub fn received(&mut self, datagram: &[u8], remark: impl fmt::Display) {
        self.message("<-", datagram, remark);
    }

    fn message(&mut self, direction: &str, datagram: &[u8], remark: impl fmt::Display) {
        self.messages += 1;
        self.bytes += datagram.len();
        let what = match Message::parse(datagram) {
            Ok(message) => message.to_string(),
            Err(error) => format!("not a message: {error}"),
        };
        let (time, length) = (self.start.elapsed().as_millis(), datagram.len());
        self.line(format_args!("{time:>6} ms  {direction} {length:>4} bytes  {remark}{what}"));
    }

    pub fn line(&self, line: impl fmt::Display) {
        // Not `println!`, which panics when nobody reads any more: a server goes on serving.
        let _ = match self.to {
            To::Stdout => writeln!(io::stdout(), "{line}"),
            To::Stderr => writeln!(io::stderr(), "{line}"),
        };
    }

    /// How much went by in both directions.
    pub fn total(&self) -> impl fmt::Display {
        format!("{} messages, {} bytes in all", self.messages, self.bytes)
    }
}
