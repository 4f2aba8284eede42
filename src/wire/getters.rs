//! Options by name and type. What is not as the registry says is not there for them (RFC 7252 5.4.3).

use super::option::same;
use super::{Block, ContentFormat, Message, NoResponse, OptionNumber, OptionsOf, uint};
use core::fmt;

/// The first value of an option, if its length is in the registry's range, which is looked up at compile time.
macro_rules! single {
    ($message:expr, $number:ident) => {
        $message.first(OptionNumber::$number).filter(|value| {
            let (least, most) = const { OptionNumber::$number.bounds() };
            least <= value.len() && value.len() <= most
        })
    };
}

/// The same of one whose value is a uint of at most 4 bytes.
macro_rules! number {
    ($message:expr, $number:ident) => {
        $message.number(OptionNumber::$number, const { OptionNumber::$number.bounds().1 })
    };
}

/// Each getter sees an option only where it is as RFC 7252 5.10 says: the first one, with a length in its range. One
/// that is not counts as unrecognised (5.4.3): as absent where it is elective, and where it is critical as one of
/// those that [`unrecognised`](Message::unrecognised) lists, for which the message is to be refused.
impl<'d> Message<'d> {
    /// A uint of at most so many bytes. Where flash counts, once for all options.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    fn number(&self, number: OptionNumber, most: usize) -> Option<u32> {
        let value = self.first(number)?;
        if value.len() > most { None } else { uint::number(value) }
    }

    /// The segments of the path, without slashes (RFC 7252 5.10.1).
    ///
    /// ```
    /// # use coaplet::Message;
    /// let message = Message::parse(b"\x40\x01\x00\x01\xb7sensors\x04temp")?;
    /// let path: Result<Vec<&str>, _> = message.uri_path().collect();
    /// assert_eq!(path.unwrap(), ["sensors", "temp"]);
    /// # Ok::<(), coaplet::ParseError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn uri_path(&self) -> Strings<'d> {
        Strings { values: self.options_of(OptionNumber::URI_PATH) }
    }

    /// Whether the path is this one, byte for byte: segments separated by `/`, a leading `/` makes no difference.
    ///
    /// The empty path and `/` are the root: no Uri-Path at all. `a/` has an empty last segment (RFC 7252 6.4).
    ///
    /// ```
    /// # use coaplet::Message;
    /// let message = Message::parse(b"\x40\x01\x00\x01\xb7sensors\x04temp")?;
    /// assert!(message.path_is("sensors/temp"));
    /// assert!(message.path_is("/sensors/temp"));
    /// assert!(!message.path_is("sensors/temp/"));
    /// assert!(!message.path_is("sensors"));
    /// # Ok::<(), coaplet::ParseError>(())
    /// ```
    #[must_use]
    pub fn path_is(&self, path: &str) -> bool {
        let mut segments = self.options_of(OptionNumber::URI_PATH);
        for expected in path_segments(path) {
            if !segments.next().is_some_and(|segment| same(segment, expected)) {
                return false;
            }
        }
        segments.next().is_none()
    }

    /// The arguments of the query, as `name=value` each (RFC 7252 5.10.1).
    #[inline]
    #[must_use]
    pub fn uri_query(&self) -> Strings<'d> {
        Strings { values: self.options_of(OptionNumber::URI_QUERY) }
    }

    /// The host that the request is for, 1 to 255 bytes; `None`: the address it was sent to (RFC 7252 5.10.1).
    #[must_use]
    pub fn uri_host(&self) -> Option<&'d str> {
        text(single!(self, URI_HOST))
    }

    /// The port that the request is for; `None`: the one it was sent to (RFC 7252 5.10.1).
    #[must_use]
    pub fn uri_port(&self) -> Option<u16> {
        number!(self, URI_PORT).map(|port| port as u16)
    }

    /// The format of the payload (RFC 7252 5.10.3).
    #[must_use]
    pub fn content_format(&self) -> Option<ContentFormat> {
        number!(self, CONTENT_FORMAT).map(|format| ContentFormat::new(format as u16))
    }

    /// The format that the client takes (RFC 7252 5.10.4).
    #[must_use]
    pub fn accept(&self) -> Option<ContentFormat> {
        number!(self, ACCEPT).map(|format| ContentFormat::new(format as u16))
    }

    /// For how many seconds a response is fresh: 0 to 4294967295, 60 where the option is absent (RFC 7252 5.10.5).
    #[must_use]
    pub fn max_age(&self) -> u32 {
        number!(self, MAX_AGE).unwrap_or(60)
    }

    /// The entity-tag of a response, 1 to 8 bytes (RFC 7252 5.10.6.1).
    #[must_use]
    pub fn etag(&self) -> Option<&'d [u8]> {
        single!(self, ETAG)
    }

    /// The entity-tags of a request, that the client asks to be validated (RFC 7252 5.10.6.2). Whatever their length:
    /// one that is no entity-tag equals none.
    #[must_use]
    pub fn etags(&self) -> OptionsOf<'d> {
        self.options_of(OptionNumber::ETAG)
    }

    /// The conditions of If-Match: an entity-tag each, or empty for "exists" (RFC 7252 5.10.8.1). Whatever their
    /// length: one that is no entity-tag equals none.
    #[must_use]
    pub fn if_match(&self) -> OptionsOf<'d> {
        self.options_of(OptionNumber::IF_MATCH)
    }

    /// Whether the request is for a resource that does not exist yet (RFC 7252 5.10.8.2).
    #[must_use]
    pub fn if_none_match(&self) -> bool {
        single!(self, IF_NONE_MATCH).is_some()
    }

    /// Observe, 24 bits: 0 registers and 1 deregisters in a request; in a notification, its place in their order
    /// (RFC 7641 section 2).
    #[must_use]
    pub fn observe(&self) -> Option<u32> {
        number!(self, OBSERVE)
    }

    /// Which block of the request's payload this is (RFC 7959 2.2).
    #[must_use]
    pub fn block1(&self) -> Option<Block> {
        number!(self, BLOCK1).map(Block::of)
    }

    /// Which block of the response's payload this is, or is asked for (RFC 7959 2.2).
    #[must_use]
    pub fn block2(&self) -> Option<Block> {
        number!(self, BLOCK2).map(Block::of)
    }

    /// The size of the request's whole body in bytes (RFC 7959 section 4).
    #[must_use]
    pub fn size1(&self) -> Option<u32> {
        number!(self, SIZE1)
    }

    /// The size of the response's whole body in bytes (RFC 7959 section 4).
    #[must_use]
    pub fn size2(&self) -> Option<u32> {
        number!(self, SIZE2)
    }

    /// The segments of the path of what was created (RFC 7252 5.10.7).
    #[must_use]
    pub fn location_path(&self) -> Strings<'d> {
        Strings { values: self.options_of(OptionNumber::LOCATION_PATH) }
    }

    /// The query arguments of what was created (RFC 7252 5.10.7).
    #[must_use]
    pub fn location_query(&self) -> Strings<'d> {
        Strings { values: self.options_of(OptionNumber::LOCATION_QUERY) }
    }

    /// The absolute URI that a proxy is to ask, 1 to 1034 bytes (RFC 7252 5.10.2).
    #[must_use]
    pub fn proxy_uri(&self) -> Option<&'d str> {
        text(single!(self, PROXY_URI))
    }

    /// The scheme under which a proxy is to ask, 1 to 255 bytes (RFC 7252 5.10.2).
    #[must_use]
    pub fn proxy_scheme(&self) -> Option<&'d str> {
        text(single!(self, PROXY_SCHEME))
    }

    /// Over how many proxies the request may still go: 1 to 255, and 0 is an error (RFC 8768 section 3).
    #[must_use]
    pub fn hop_limit(&self) -> Option<u8> {
        single!(self, HOP_LIMIT).and_then(uint::decode).map(|hops| hops as u8)
    }

    /// Which responses the client has no use for (RFC 7967 2.1).
    #[must_use]
    pub fn no_response(&self) -> Option<NoResponse> {
        number!(self, NO_RESPONSE).map(|bits| NoResponse::new(bits as u8))
    }

    /// The value to be echoed, 1 to 40 bytes (RFC 9175 2.2.1).
    #[must_use]
    pub fn echo(&self) -> Option<&'d [u8]> {
        single!(self, ECHO)
    }

    /// What tells apart the bodies that a client sends block by block at the same time, 0 to 8 bytes each
    /// (RFC 9175 3.2.1).
    #[must_use]
    pub fn request_tags(&self) -> OptionsOf<'d> {
        self.options_of(OptionNumber::REQUEST_TAG)
    }
}

/// The segments of a path as bytes: none for the root, and no empty one before a leading slash.
pub(crate) fn path_segments(path: &str) -> PathSegments<'_> {
    let path = path.as_bytes();
    let path = if let [b'/', path @ ..] = path { path } else { path };
    PathSegments { rest: if path.is_empty() { None } else { Some(path) } }
}

/// What [`path_segments`] gives. By hand: it is in nearly every image.
#[derive(Clone)]
pub(crate) struct PathSegments<'p> {
    rest: Option<&'p [u8]>,
}

impl<'p> Iterator for PathSegments<'p> {
    type Item = &'p [u8];

    fn next(&mut self) -> Option<&'p [u8]> {
        let rest = self.rest?;
        let slash = rest.iter().position(|&byte| byte == b'/');
        self.rest = slash.and_then(|at| rest.get(at.wrapping_add(1)..));
        rest.get(..slash.unwrap_or(rest.len()))
    }
}

fn text(value: Option<&[u8]>) -> Option<&str> {
    core::str::from_utf8(value?).ok()
}

/// The values of a repeatable option of the string format, in wire order.
///
/// One that is too long (RFC 7252 5.10) or not UTF-8 (3.2) is an error in its place and not left out, so that a
/// path never looks shorter than it came.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Strings<'d> {
    values: OptionsOf<'d>,
}

impl<'d> Iterator for Strings<'d> {
    type Item = Result<&'d str, ValueError>;

    fn next(&mut self) -> Option<Self::Item> {
        let value = self.values.next()?;
        // Uri-Path, Uri-Query, Location-Path and Location-Query have the same bounds.
        let (_, most) = const { OptionNumber::URI_PATH.bounds() };
        Some(if value.len() > most {
            Err(ValueError::TooLong { length: value.len() })
        } else {
            core::str::from_utf8(value).map_err(|error| ValueError::NotUtf8 { offset: error.valid_up_to() })
        })
    }
}

impl core::iter::FusedIterator for Strings<'_> {}

/// Why an option value is not a string as RFC 7252 3.2 and 5.10 want it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ValueError {
    /// More bytes than the option may have: 255.
    TooLong {
        /// The length of the value in bytes.
        length: usize,
    },
    /// Not UTF-8.
    NotUtf8 {
        /// The first byte of the value that is not part of a character.
        offset: usize,
    },
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueError::TooLong { length } => write!(f, "the value has {length} bytes: at most 255 are allowed"),
            ValueError::NotUtf8 { offset } => write!(f, "the value is not UTF-8 at byte {offset}"),
        }
    }
}

impl core::error::Error for ValueError {}
