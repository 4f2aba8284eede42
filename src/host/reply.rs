//! The answer to a request.

use crate::wire::{Code, ContentFormat, Message, OptionNumber, uint};
use std::fmt::Write;
use std::net::SocketAddr;
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

/// A response of any class, whole. Of one that came in blocks the options are those of the last block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    pub(super) code: Code,
    pub(super) options: Vec<(OptionNumber, Vec<u8>)>,
    pub(super) payload: Vec<u8>,
    pub(super) peer: SocketAddr,
    pub(super) round_trip: Option<Duration>,
}

impl Reply {
    pub(super) fn new(peer: SocketAddr) -> Reply {
        Reply { code: Code::EMPTY, options: Vec::new(), payload: Vec::new(), peer, round_trip: None }
    }

    /// Takes over what stands in front of the payload.
    pub(super) fn take(&mut self, message: &Message<'_>) {
        self.code = message.code();
        self.options = message.options().map(|(number, value)| (number, value.into())).collect();
    }

    /// The response code: 2.xx, 4.xx or 5.xx.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload, without a copy.
    #[must_use]
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// Who has answered.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// From the transmission of the request until it was acknowledged or answered, if it was sent once. Of several
    /// blocks, the last one's.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The options, in the order in which they came.
    pub fn options(&self) -> impl Iterator<Item = (OptionNumber, &[u8])> {
        self.options.iter().map(|(number, value)| (*number, value.as_slice()))
    }

    /// The first option of a number.
    #[must_use]
    pub fn option(&self, number: OptionNumber) -> Option<&[u8]> {
        self.options().find(|option| option.0 == number).map(|option| option.1)
    }

    fn uint(&self, number: OptionNumber) -> Option<u32> {
        self.option(number).and_then(uint::decode)
    }

    /// Content-Format (RFC 7252 5.10.3).
    #[must_use]
    pub fn content_format(&self) -> Option<ContentFormat> {
        self.uint(OptionNumber::CONTENT_FORMAT).and_then(|number| u16::try_from(number).ok()).map(ContentFormat::new)
    }

    /// ETag (RFC 7252 5.10.6).
    #[must_use]
    pub fn etag(&self) -> Option<&[u8]> {
        self.option(OptionNumber::ETAG)
    }

    /// Max-Age in seconds, 60 where there is none (RFC 7252 5.10.5).
    #[must_use]
    pub fn max_age(&self) -> u32 {
        self.uint(OptionNumber::MAX_AGE).unwrap_or(60)
    }

    /// Where what was created lies: Location-Path and Location-Query (RFC 7252 5.10.7), as a reference such as
    /// `/store/7?full`, percent-encoded.
    #[must_use]
    pub fn location(&self) -> Option<String> {
        let mut text = String::new();
        for (number, before, separator) in
            [(OptionNumber::LOCATION_PATH, "/", "/"), (OptionNumber::LOCATION_QUERY, "?", "&")]
        {
            for (index, (_, value)) in self.options().filter(|option| option.0 == number).enumerate() {
                text.push_str(if index == 0 { before } else { separator });
                encode(&mut text, value);
            }
        }
        Some(text).filter(|text| !text.is_empty())
    }
}

/// Percent-encodes all but what RFC 3986 2.3 calls unreserved, and `=`.
fn encode(text: &mut String, value: &[u8]) {
    for &byte in value {
        if byte.is_ascii_alphanumeric() || b"-._~=".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let mut reply = Reply::new("127.0.0.1:1".parse().unwrap());
        assert_eq!((reply.location(), reply.max_age(), reply.content_format()), (None, 60, None));
        let options: [(OptionNumber, &[u8]); 7] = [
            (OptionNumber::ETAG, b"v1"),
            (OptionNumber::LOCATION_PATH, b"a b"),
            (OptionNumber::LOCATION_PATH, b"7"),
            (OptionNumber::CONTENT_FORMAT, &[50]),
            (OptionNumber::MAX_AGE, &[]),
            (OptionNumber::LOCATION_QUERY, b"u=1"),
            (OptionNumber::LOCATION_QUERY, b"&"),
        ];
        reply.options = options.into_iter().map(|(number, value)| (number, value.into())).collect();
        assert_eq!(reply.location().as_deref(), Some("/a%20b/7?u=1&%26"));
        assert_eq!((reply.max_age(), reply.content_format()), (0, Some(ContentFormat::JSON)));
        assert_eq!(reply.etag(), Some(&b"v1"[..]));
    }
}
