//! Options by name and type: the other side of the getters. Each writes in ascending order, as `option` does.

use super::getters::path_segments;
use super::{Block, ContentFormat, NoResponse, OptionNumber, WriteError, Writer};

/// Appends an option if its length is in the registry's range, which is looked up at compile time.
macro_rules! checked {
    ($writer:expr, $number:ident, $value:expr) => {{
        let (least, most) = const { OptionNumber::$number.bounds() };
        $writer.bounded(OptionNumber::$number, $value, least, most)
    }};
}

/// Each setter appends its option with a value of the right form. The order is still the caller's: numbers ascend.
///
/// In that order: [`if_match`](Writer::if_match) 1, [`uri_host`](Writer::uri_host) 3, [`etag`](Writer::etag) 4,
/// [`if_none_match`](Writer::if_none_match) 5, [`observe`](Writer::observe) 6, [`uri_port`](Writer::uri_port) 7,
/// [`location_path`](Writer::location_path) 8, [`path`](Writer::path) 11, [`content_format`](Writer::content_format)
/// 12, [`max_age`](Writer::max_age) 14, [`query`](Writer::query) 15, [`hop_limit`](Writer::hop_limit) 16,
/// [`accept`](Writer::accept) 17, [`location_query`](Writer::location_query) 20, [`block2`](Writer::block2) 23,
/// [`block1`](Writer::block1) 27, [`size2`](Writer::size2) 28, [`proxy_uri`](Writer::proxy_uri) 35,
/// [`proxy_scheme`](Writer::proxy_scheme) 39, [`size1`](Writer::size1) 60, [`echo`](Writer::echo) 252,
/// [`no_response`](Writer::no_response) 258, [`request_tag`](Writer::request_tag) 292.
///
/// A value whose length the option does not allow is the sticky error [`WriteError::ValueTooLong`] or
/// [`WriteError::ValueTooShort`].
impl Writer<'_> {
    /// If-Match: an entity-tag of at most 8 bytes, or empty for "exists" (RFC 7252 5.10.8.1).
    pub fn if_match(&mut self, etag: &[u8]) -> &mut Self {
        checked!(self, IF_MATCH, etag)
    }

    /// Uri-Host, 1 to 255 bytes (RFC 7252 5.10.1).
    pub fn uri_host(&mut self, host: &str) -> &mut Self {
        checked!(self, URI_HOST, host.as_bytes())
    }

    /// ETag, 1 to 8 bytes (RFC 7252 5.10.6).
    pub fn etag(&mut self, etag: &[u8]) -> &mut Self {
        checked!(self, ETAG, etag)
    }

    /// If-None-Match (RFC 7252 5.10.8.2).
    pub fn if_none_match(&mut self) -> &mut Self {
        self.option(OptionNumber::IF_NONE_MATCH, &[])
    }

    /// Observe: 0 registers, 1 deregisters; in a notification the low 24 bits are its place in their order
    /// (RFC 7641 section 2).
    pub fn observe(&mut self, value: u32) -> &mut Self {
        self.uint(OptionNumber::OBSERVE, value & 0x00ff_ffff)
    }

    /// Uri-Port (RFC 7252 5.10.1).
    pub fn uri_port(&mut self, port: u16) -> &mut Self {
        self.uint(OptionNumber::URI_PORT, u32::from(port))
    }

    /// One Location-Path for each segment of the path (RFC 7252 5.10.7), split as by [`path`](Writer::path).
    pub fn location_path(&mut self, path: &str) -> &mut Self {
        for segment in path_segments(path) {
            checked!(self, LOCATION_PATH, segment);
        }
        self
    }

    /// One Uri-Path for each segment of the path, at most 255 bytes each (RFC 7252 5.10.1).
    ///
    /// Segments are separated by `/`, a leading `/` makes no difference, and the empty path and `/` write nothing.
    /// Nothing is percent-decoded here.
    ///
    /// ```
    /// # use coaplet::{Code, Header, Message, Writer};
    /// let mut buffer = [0; 32];
    /// let length = Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &[]).path("sensors/temp").finish()?;
    /// assert!(Message::parse(&buffer[..length])?.path_is("sensors/temp"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn path(&mut self, path: &str) -> &mut Self {
        for segment in path_segments(path) {
            checked!(self, URI_PATH, segment);
        }
        self
    }

    /// Content-Format (RFC 7252 5.10.3).
    pub fn content_format(&mut self, format: ContentFormat) -> &mut Self {
        self.uint(OptionNumber::CONTENT_FORMAT, u32::from(format.get()))
    }

    /// Max-Age in seconds (RFC 7252 5.10.5).
    pub fn max_age(&mut self, seconds: u32) -> &mut Self {
        self.uint(OptionNumber::MAX_AGE, seconds)
    }

    /// One Uri-Query: an argument of the query such as `u=Cel`, at most 255 bytes (RFC 7252 5.10.1).
    pub fn query(&mut self, argument: &str) -> &mut Self {
        checked!(self, URI_QUERY, argument.as_bytes())
    }

    /// Hop-Limit: always one byte, 1 to 255 (RFC 8768 section 3).
    pub fn hop_limit(&mut self, hops: u8) -> &mut Self {
        self.option(OptionNumber::HOP_LIMIT, &[hops])
    }

    /// Accept (RFC 7252 5.10.4).
    pub fn accept(&mut self, format: ContentFormat) -> &mut Self {
        self.uint(OptionNumber::ACCEPT, u32::from(format.get()))
    }

    /// One Location-Query, at most 255 bytes (RFC 7252 5.10.7).
    pub fn location_query(&mut self, argument: &str) -> &mut Self {
        checked!(self, LOCATION_QUERY, argument.as_bytes())
    }

    /// Block2 (RFC 7959 2.1).
    pub fn block2(&mut self, block: Block) -> &mut Self {
        self.uint(OptionNumber::BLOCK2, block.value())
    }

    /// Block1 (RFC 7959 2.1).
    pub fn block1(&mut self, block: Block) -> &mut Self {
        self.uint(OptionNumber::BLOCK1, block.value())
    }

    /// Size2: the size of the response's whole body in bytes; 0 in a request asks for it (RFC 7959 section 4).
    pub fn size2(&mut self, bytes: u32) -> &mut Self {
        self.uint(OptionNumber::SIZE2, bytes)
    }

    /// Proxy-Uri, 1 to 1034 bytes (RFC 7252 5.10.2).
    pub fn proxy_uri(&mut self, uri: &str) -> &mut Self {
        checked!(self, PROXY_URI, uri.as_bytes())
    }

    /// Proxy-Scheme, 1 to 255 bytes (RFC 7252 5.10.2).
    pub fn proxy_scheme(&mut self, scheme: &str) -> &mut Self {
        checked!(self, PROXY_SCHEME, scheme.as_bytes())
    }

    /// Size1: the size of the request's whole body in bytes, or in a 4.13 the most that is taken (RFC 7959 section 4).
    pub fn size1(&mut self, bytes: u32) -> &mut Self {
        self.uint(OptionNumber::SIZE1, bytes)
    }

    /// Echo, 1 to 40 bytes (RFC 9175 2.2.1).
    pub fn echo(&mut self, value: &[u8]) -> &mut Self {
        checked!(self, ECHO, value)
    }

    /// No-Response (RFC 7967 2.1).
    pub fn no_response(&mut self, which: NoResponse) -> &mut Self {
        self.uint(OptionNumber::NO_RESPONSE, u32::from(which.get()))
    }

    /// Request-Tag, at most 8 bytes (RFC 9175 3.2.1).
    pub fn request_tag(&mut self, tag: &[u8]) -> &mut Self {
        checked!(self, REQUEST_TAG, tag)
    }

    fn bounded(&mut self, number: OptionNumber, value: &[u8], least: usize, most: usize) -> &mut Self {
        let length = value.len();
        if length > most {
            self.fail(WriteError::ValueTooLong { number, length, limit: most })
        } else if length < least {
            self.fail(WriteError::ValueTooShort { number, length, limit: least })
        } else {
            self.option(number, value)
        }
    }
}
