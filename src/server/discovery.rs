//! `/.well-known/core` (RFC 6690 4, RFC 7252 7.2): what the table says of itself, and what the client asks for of it.
//!
//! [`link`](crate::link) reads, filters and writes any links, as text. Here they are made of a table, byte by byte, which takes
//! a fraction of the flash; a test holds the one against the other.

use super::route::About;
use crate::uri::is_segment;
use crate::wire::{Message, OptionNumber, path_segments, same};
use core::fmt;

/// The list of resources, as it is written.
///
/// A [lister](super::Route::listing) adds to it what there is below the wildcard of its route.
///
/// ```
/// use coaplet::server::{Answer, Error, Listing, Reply, Request, Route};
/// # fn get(_: &mut Vec<(&str, u32)>, _: &Request, reply: Reply) -> Result<Answer, Error> { Ok(reply.done()) }
///
/// fn list(files: &mut Vec<(&str, u32)>, listing: &mut Listing) {
///     for (name, size) in files {
///         listing.add(name, Some(*size));
///     }
/// }
///
/// // GET /.well-known/core: </files/readme>;rt="file";sz=1234,..
/// let route: Route<Vec<(&str, u32)>> = Route::new("files/**").get(get).rt("file").listing(list);
/// # let _ = route;
/// ```
pub struct Listing<'l> {
    pub(super) about: &'l About,
    pub(super) message: &'l Message<'l>,
    pub(super) out: &'l mut dyn FnMut(&[u8]),
    pub(super) any: bool,
}

/// What is said of a resource: its target, and its attributes.
static NAMES: [&[u8]; 7] = [b"href", b"rt", b"if", b"ct", b"sz", b"title", b"obs"];
const HREF: usize = 0;
const RT: usize = 1;
const IF: usize = 2;
const CT: usize = 3;
const SZ: usize = 4;
const TITLE: usize = 5;
const OBS: usize = 6;

/// A resource to be listed.
#[derive(Clone, Copy)]
struct Entry<'e> {
    about: &'e About,
    tail: &'e str,
    size: Option<u32>,
}

impl Listing<'_> {
    /// Adds a resource, by what stands in the place of the wildcard at the end of the route's path: not percent-encoded,
    /// with a `/` between segments. It has the attributes of the route, and this size in bytes, if it is known.
    #[inline(never)]
    pub fn add(&mut self, tail: &str, size: Option<u32>) {
        let entry = Entry { about: self.about, tail, size: size.or(self.about.size) };
        if !self.message.options_of(OptionNumber::URI_QUERY).all(|argument| entry.matches(argument)) {
            return;
        }
        let out = &mut *self.out;
        out(if self.any { b",<" } else { b"<" });
        self.any = true;
        entry.value(HREF, &mut |byte| out(&[byte]));
        out(b">");
        for (which, name) in NAMES.iter().enumerate() {
            if which == HREF || !entry.has(which) {
                continue;
            }
            out(b";");
            out(name);
            let quotes: &[u8] = match which {
                OBS => continue,
                SZ => b"",
                CT if self.about.formats.len() == 1 => b"",
                _ => b"\"",
            };
            out(b"=");
            out(quotes);
            entry.value(which, &mut |byte| {
                // RFC 2616 2.2.
                if matches!(byte, b'"' | b'\\' | 0..=8 | 10..=31 | 127) {
                    out(b"\\");
                }
                out(&[byte]);
            });
            out(quotes);
        }
    }

    /// What is not below a wildcard.
    pub(super) fn add_plain(&mut self) {
        if !self.about.hidden && !path_segments(self.about.path).any(is_wildcard) {
            self.add("", None);
        }
    }
}

fn is_wildcard(segment: &[u8]) -> bool {
    matches!(segment, b"*" | b"**")
}

impl Entry<'_> {
    /// Whether it has an attribute.
    fn has(&self, which: usize) -> bool {
        match which {
            HREF => true,
            CT => !self.about.formats.is_empty(),
            SZ => self.size.is_some(),
            OBS => self.about.observable,
            _ => !self.text(which).is_empty(),
        }
    }

    fn text(&self, which: usize) -> &str {
        match which {
            RT => self.about.rt,
            IF => self.about.interface,
            TITLE => self.about.title,
            _ => "",
        }
    }

    /// The value of an attribute, byte by byte.
    fn value(&self, which: usize, put: &mut dyn FnMut(u8)) {
        match which {
            HREF => self.target(put),
            CT => {
                for (at, format) in self.about.formats.iter().enumerate() {
                    if at > 0 {
                        put(b' ');
                    }
                    decimal(u32::from(format.get()), put);
                }
            }
            SZ => decimal(self.size.unwrap_or(0), put),
            _ => self.text(which).bytes().for_each(put),
        }
    }

    /// The path of a URI (RFC 7252 6.5, steps 6 and 7): the segments in front of the wildcard, and then those of the tail.
    fn target(&self, put: &mut dyn FnMut(u8)) {
        let mut any = false;
        for (path, template) in [(self.about.path, true), (self.tail, false)] {
            for segment in path_segments(path) {
                if template && is_wildcard(segment) {
                    break;
                }
                any = true;
                put(b'/');
                for &byte in segment {
                    if byte.is_ascii() && is_segment(char::from(byte)) {
                        put(byte);
                    } else {
                        put(b'%');
                        put(digit(byte >> 4));
                        put(digit(byte & 15));
                    }
                }
            }
        }
        if !any {
            put(b'/');
        }
    }

    /// Whether it is what an argument of the query asks for (RFC 6690 4.1), as [`Filter`](crate::link::Filter) says.
    #[inline(never)]
    fn matches(&self, argument: &[u8]) -> bool {
        let split = argument.iter().position(|&byte| byte == b'=');
        let (name, value) = match split {
            Some(at) => (argument.get(..at), argument.get(at.wrapping_add(1)..)),
            None => (Some(argument), Some(&b"*"[..])),
        };
        let (name, value) = (name.unwrap_or_default(), value.unwrap_or_default());
        let (value, prefix) = match value {
            [value @ .., b'*'] => (value, true),
            value => (value, false),
        };
        let Some(which) = NAMES.iter().position(|known| same(known, name)) else { return false };
        if !self.has(which) || which == OBS {
            return self.has(which) && prefix && value.is_empty();
        }
        let words = matches!(which, RT | IF | CT);
        // How many bytes of the value have come; more than it has: something else.
        let (mut at, mut found) = (0, false);
        self.value(which, &mut |byte| {
            if words && byte == b' ' {
                found |= at == value.len();
                at = 0;
            } else if value.get(at) == Some(&byte) {
                at = at.wrapping_add(1);
            } else if at != value.len() || !prefix {
                at = usize::MAX;
            }
        });
        found || at == value.len()
    }
}

fn digit(value: u8) -> u8 {
    if value < 10 { b'0'.wrapping_add(value) } else { (b'A' - 10).wrapping_add(value) }
}

/// The digits of a number. Not by `write!`, for which firmware would have to link what formats.
fn decimal(value: u32, put: &mut dyn FnMut(u8)) {
    let (mut left, mut unit) = (value, 1_000_000_000);
    while unit > left && unit > 1 {
        unit /= 10;
    }
    while unit > 0 {
        put(b'0'.wrapping_add((left / unit) as u8));
        left %= unit;
        unit /= 10;
    }
}

impl fmt::Debug for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").field("below", &self.about.path).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Listing<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Listing({})", self.about.path);
    }
}
