//! Prints messages as they go by, and counts what they take.

use coaplet::{Instant, Message};
use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;

/// Where the lines go.
#[derive(Clone, Copy)]
pub enum To {
    Stdout,
    /// Leaves standard output to the payload.
    Stderr,
    Nowhere,
}

/// One line for each message: the time since the start, the direction, the length, and what the codec reads in it.
pub struct Trace {
    to: To,
    messages: usize,
    bytes: usize,
    lost: usize,
    /// Messages are counted, and not printed.
    silent: bool,
}

impl Trace {
    pub fn new(to: To) -> Trace {
        Trace { to, messages: 0, bytes: 0, lost: 0, silent: false }
    }

    pub fn sent(&mut self, now: Instant, datagram: &[u8], to: Option<SocketAddr>, remark: &str, lost: bool) {
        self.lost += usize::from(lost);
        let lost = if lost { "(lost on purpose) " } else { "" };
        self.message(now, "->", datagram, to, format_args!("{lost}{remark}"));
    }

    pub fn received(&mut self, now: Instant, datagram: &[u8], from: Option<SocketAddr>) {
        self.message(now, "<-", datagram, from, format_args!(""));
    }

    fn message(
        &mut self,
        now: Instant,
        direction: &str,
        datagram: &[u8],
        address: Option<SocketAddr>,
        remark: fmt::Arguments<'_>,
    ) {
        self.messages += 1;
        self.bytes += datagram.len();
        if self.silent {
            return;
        }
        let what = match Message::parse(datagram) {
            Ok(message) => message.to_string(),
            Err(error) => format!("not a message: {error}"),
        };
        let (time, length) = (now.as_millis(), datagram.len());
        let address = address.map(|address| format!("{address}  ")).unwrap_or_default();
        self.line(format_args!("{time:>6} ms  {direction} {length:>4} bytes  {address}{remark}{what}"));
    }

    pub fn line(&self, line: impl fmt::Display) {
        // Not `println!`, which panics when nobody reads any more: a server goes on serving.
        let _ = match self.to {
            To::Stdout => writeln!(io::stdout(), "{line}"),
            To::Stderr => writeln!(io::stderr(), "{line}"),
            To::Nowhere => Ok(()),
        };
    }

    /// Whether messages are only counted from now on.
    pub fn silent(&mut self, silent: bool) {
        self.silent = silent;
    }

    /// How many messages went by, and how many bytes they had.
    pub fn passed(&self) -> (usize, usize) {
        (self.messages, self.bytes)
    }

    /// How much went by in both directions.
    pub fn total(&self) -> String {
        let Trace { messages, bytes, lost, .. } = self;
        format!("{messages} messages ({lost} lost on purpose), {bytes} bytes")
    }
}
