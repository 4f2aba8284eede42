//! The parts of a URI, percent-encoded in its text and decoded where they are read.

use super::UriErrorKind;
use crate::{OptionNumber, text};
use core::fmt::{self, Write};
use core::iter::FusedIterator;

/// A part of a URI: a registered name, the zone of an address, a segment of the path, an argument of the query.
///
/// It stands percent-encoded in the text and is decoded as it is read. What is decoded is UTF-8 of at most 255 bytes.
///
/// ```
/// use coaplet::uri::CoapUri;
///
/// let uri = CoapUri::parse("coap://host/caf%C3%A9")?;
/// let segment = uri.path().next().unwrap();
/// assert_eq!(segment, "café");
/// assert_eq!((segment.encoded(), segment.len()), ("caf%C3%A9", 5));
/// # Ok::<(), coaplet::uri::UriError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Component<'u> {
    encoded: &'u str,
    /// Letters that are not percent-encoded count as small: a host (RFC 7252 6.4, step 5).
    lower: bool,
}

impl<'u> Component<'u> {
    pub(crate) const fn new(encoded: &'u str) -> Component<'u> {
        Component { encoded, lower: false }
    }

    pub(super) const fn host(encoded: &'u str) -> Component<'u> {
        Component { encoded, lower: true }
    }

    /// As it stands in the URI.
    #[must_use]
    pub const fn encoded(&self) -> &'u str {
        self.encoded
    }

    /// The text, if it stands there as it is: without a percent-encoding, and of a host without a capital.
    #[must_use]
    pub fn as_str(&self) -> Option<&'u str> {
        let changes = |byte: u8| byte == b'%' || self.lower && byte.is_ascii_uppercase();
        if self.encoded.bytes().any(changes) { None } else { Some(self.encoded) }
    }

    /// The bytes, decoded: the value of the option. Of a host the letters that are not percent-encoded are small.
    #[must_use]
    pub const fn bytes(&self) -> Bytes<'u> {
        Bytes { rest: self.encoded.as_bytes(), lower: self.lower }
    }

    /// The characters, decoded.
    #[must_use]
    pub const fn chars(&self) -> Chars<'u> {
        Chars { bytes: self.bytes() }
    }

    /// The number of bytes, decoded: 0 to 255.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes().count()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.encoded.is_empty()
    }

    /// Whether it can be the value of an option of strings; else why not, and at which of its bytes.
    pub(super) fn check(&self) -> Result<(), (UriErrorKind, usize)> {
        // All that a URI is made of have the same limit.
        let (_, most) = const { OptionNumber::URI_PATH.bounds() };
        if self.len() > most {
            return Err((UriErrorKind::TooLong, 0));
        }
        let mut bytes = self.bytes();
        loop {
            let at = self.encoded.len().saturating_sub(bytes.rest.len());
            match bytes.next_char() {
                None => return Ok(()),
                Some(Err(NotUtf8)) => return Err((UriErrorKind::NotUtf8, at)),
                Some(Ok(_)) => {}
            }
        }
    }
}

/// Decoded.
impl fmt::Display for Component<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|c| f.write_char(c))
    }
}

/// Decoded.
impl PartialEq for Component<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for Component<'_> {}

impl PartialEq<str> for Component<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl PartialEq<&str> for Component<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

/// The bytes of a [`Component`], decoded.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Bytes<'u> {
    rest: &'u [u8],
    lower: bool,
}

/// What does not begin a character.
struct NotUtf8;

impl Bytes<'_> {
    /// Takes the bytes of one character; those of none that can be part of one.
    fn next_char(&mut self) -> Option<Result<char, NotUtf8>> {
        let first = self.next()?;
        let length = match first {
            0..=0x7f => return Some(Ok(char::from(first))),
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return Some(Err(NotUtf8)),
        };
        // What the second byte may be, so that nothing is encoded longer than need be, and no surrogate (RFC 3629 section 4).
        let mut range = match first {
            0xe0 => (0xa0, 0xbf),
            0xed => (0x80, 0x9f),
            0xf0 => (0x90, 0xbf),
            0xf4 => (0x80, 0x8f),
            _ => (0x80, 0xbf),
        };
        let mut buffer = [first, 0, 0, 0];
        for to in buffer.iter_mut().take(length).skip(1) {
            let mut ahead = self.clone();
            match ahead.next() {
                Some(byte) if range.0 <= byte && byte <= range.1 => *to = byte,
                _ => return Some(Err(NotUtf8)),
            }
            range = (0x80, 0xbf);
            *self = ahead;
        }
        let text = core::str::from_utf8(buffer.get(..length).unwrap_or_default()).unwrap_or_default();
        Some(text.chars().next().ok_or(NotUtf8))
    }
}

impl Iterator for Bytes<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        if let [b'%', high, low, rest @ ..] = self.rest {
            if let (Some(high), Some(low)) = (digit(*high), digit(*low)) {
                self.rest = rest;
                return Some((high << 4 | low) as u8);
            }
        }
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(if self.lower { byte.to_ascii_lowercase() } else { *byte })
    }
}

impl FusedIterator for Bytes<'_> {}

/// The characters of a [`Component`], decoded.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Chars<'u> {
    bytes: Bytes<'u>,
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        // A component has been checked; the value of a link's attribute has not.
        Some(self.bytes.next_char()?.unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

impl FusedIterator for Chars<'_> {}

/// The segments of a path, without `.` and `..` and what these take away (RFC 3986 5.2.4, RFC 7252 6.4).
///
/// Where the path has a `..`, each segment before the last of them is looked for what takes it away.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Segments<'u> {
    /// Behind a slash; `None` at the end.
    rest: Option<&'u str>,
    /// How many `..` are in it.
    dots: usize,
    any: bool,
}

impl<'u> Segments<'u> {
    /// Of a path that is empty or begins with a slash.
    pub(super) fn new(path: &'u str) -> Segments<'u> {
        let rest = path.strip_prefix('/');
        let mut dots = 0_usize;
        let mut left = rest;
        while let Some(path) = left {
            let segment;
            (segment, left) = split(path);
            dots = dots.saturating_add(usize::from(segment == ".."));
        }
        Segments { rest, dots, any: false }
    }
}

/// The first segment, and what is behind the slash that follows it.
fn split(path: &str) -> (&str, Option<&str>) {
    match text::split(path, b'/') {
        Some((segment, rest)) => (segment, Some(rest)),
        None => (path, None),
    }
}

/// What is behind the `..` that takes away the segment before this, and how many `..` are in that; if one does.
fn taken_away(mut rest: Option<&str>, mut dots: usize) -> Option<(Option<&str>, usize)> {
    let mut depth = 1_usize;
    while dots > 0 {
        let segment;
        (segment, rest) = split(rest?);
        match segment {
            "." => {}
            ".." => {
                dots = dots.saturating_sub(1);
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some((rest, dots));
                }
            }
            _ => depth = depth.saturating_add(1),
        }
    }
    None
}

impl<'u> Iterator for Segments<'u> {
    type Item = Component<'u>;

    fn next(&mut self) -> Option<Component<'u>> {
        loop {
            let mut segment;
            (segment, self.rest) = split(self.rest?);
            let stays = match segment {
                "." => false,
                // Of the root: what it would take away is not there.
                ".." => {
                    self.dots = self.dots.saturating_sub(1);
                    false
                }
                _ => match taken_away(self.rest, self.dots) {
                    Some(behind) => {
                        (self.rest, self.dots) = behind;
                        false
                    }
                    None => true,
                },
            };
            if !stays {
                if self.rest.is_some() {
                    continue;
                }
                // What is taken away at the end leaves the slash before it.
                segment = "";
            }
            // A slash alone is no segment (RFC 7252 6.4, step 8).
            if self.rest.is_none() && segment.is_empty() && !self.any {
                return None;
            }
            self.any = true;
            return Some(Component::new(segment));
        }
    }
}

impl FusedIterator for Segments<'_> {}

/// The arguments of a query: `a`, `b=c` and an empty one for `?a&b=c&`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Arguments<'u> {
    rest: Option<&'u str>,
}

impl<'u> Arguments<'u> {
    pub(super) const fn new(query: Option<&'u str>) -> Arguments<'u> {
        Arguments { rest: query }
    }
}

impl<'u> Iterator for Arguments<'u> {
    type Item = Component<'u>;

    fn next(&mut self) -> Option<Component<'u>> {
        let query = self.rest?;
        let (argument, rest) = match text::split(query, b'&') {
            Some((argument, rest)) => (argument, Some(rest)),
            None => (query, None),
        };
        self.rest = rest;
        Some(Component::new(argument))
    }
}

impl FusedIterator for Arguments<'_> {}
