//! `/.well-known/core` (RFC 6690 4, RFC 7252 7.2): what the table says of itself, and what the client asks for of it.
//!
//! [`link`](crate::link) reads, filters and writes any links, as text. Here they are made of a table, byte by byte, which takes
//! a fraction of the flash; a test holds the one against the other.

use super::Error;
use super::reply::{Answer, Reply};
use super::route::{About, FNV, Resource, UNKNOWN, fnv};
use super::table::Table;
use crate::roles::{Full, Roles};
use crate::uri::is_segment;
use crate::wire::{Code, ContentFormat, Message, OptionNumber, same};
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
    about: &'l About,
    message: &'l Message<'l>,
    /// Where it is written. What is not has a hash all the same.
    out: Option<&'l mut dyn Out>,
    hash: u32,
    /// There is one already.
    any: bool,
    /// What would end a quoted string has a backslash in front of it.
    quoted: bool,
    /// What a value is compared with in the place of being written.
    sought: Option<Sought<'l>>,
}

/// Where a list goes, byte by byte. A closure's vtable would have more in it.
pub(super) trait Out {
    fn byte(&mut self, byte: u8);
}

impl Out for Reply<'_, '_> {
    fn byte(&mut self, byte: u8) {
        self.put(&[byte]);
    }
}

/// What is said of a resource: its attributes, as they are listed, and its target.
static NAMES: [&[u8]; 7] = [b"rt", b"if", b"ct", b"sz", b"title", b"obs", b"href"];
const RT: usize = 0;
const IF: usize = 1;
const CT: usize = 2;
const SZ: usize = 3;
const TITLE: usize = 4;
const OBS: usize = 5;
const HREF: usize = 6;

/// What stands in the place of the wildcard, and the size, or [`UNKNOWN`].
type Entry<'e> = (&'e str, u32);

/// The value that an attribute is to have, and how far it is found to have it.
struct Sought<'s> {
    value: &'s [u8],
    /// It is to begin so.
    prefix: bool,
    /// One of several words is to.
    words: bool,
    /// How many bytes of the value have come; more than it has: something else.
    at: usize,
    found: bool,
    /// There is an attribute.
    any: bool,
}

impl Sought<'_> {
    fn byte(&mut self, byte: u8) {
        self.any = true;
        if self.words && byte == b' ' {
            self.found |= self.at == self.value.len();
            self.at = 0;
        } else if self.value.get(self.at) == Some(&byte) {
            self.at = self.at.wrapping_add(1);
        } else if self.at != self.value.len() || !self.prefix {
            self.at = usize::MAX;
        }
    }
}

impl Listing<'_> {
    /// Adds a resource, by what stands in the place of the wildcard at the end of the route's path: not percent-encoded,
    /// with a `/` between segments. It has the attributes of the route, and this size in bytes, if it is known.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(never))]
    pub fn add(&mut self, tail: &str, size: Option<u32>) {
        let size = size.unwrap_or(self.about.size);
        // Who has listers has one of it, whatever the roles.
        self.entry::<Full>(&(tail, size));
    }

    /// What is not below a wildcard.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    fn add_plain<R: Roles>(&mut self) {
        if self.about.is_hidden() || R::HAS.wildcards && self.about.is_wild() {
            return;
        }
        if has_tails::<R>() {
            self.add("", None);
        } else {
            self.entry::<R>(&("", UNKNOWN));
        }
    }

    fn entry<R: Roles>(&mut self, entry: &Entry<'_>) {
        for argument in self.message.options_of(OptionNumber::URI_QUERY) {
            if !self.matches::<R>(entry, argument) {
                return;
            }
        }
        if self.any {
            self.put::<R>(b',');
        }
        self.any = true;
        self.put::<R>(b'<');
        self.value::<R>(HREF, entry);
        self.put::<R>(b'>');
        for (which, name) in NAMES.iter().take(HREF).enumerate() {
            if !self.finds::<R>(which, entry, &[], true) {
                continue;
            }
            self.put::<R>(b';');
            self.all::<R>(name);
            if which == OBS {
                continue;
            }
            let quoted = which != SZ && (which != CT || self.about.formats.len() > 1);
            self.put::<R>(b'=');
            if quoted {
                self.put::<R>(b'"');
            }
            self.quoted = true;
            self.value::<R>(which, entry);
            self.quoted = false;
            if quoted {
                self.put::<R>(b'"');
            }
        }
    }

    fn all<R: Roles>(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.put::<R>(byte));
    }

    #[inline(never)]
    fn put<R: Roles>(&mut self, byte: u8) {
        if let Some(sought) = &mut self.sought {
            return sought.byte(byte);
        }
        // RFC 2616 2.2.
        if self.quoted && matches!(byte, b'"' | b'\\' | 0..=8 | 10..=31 | 127) {
            self.write::<R>(b'\\');
        }
        self.write::<R>(byte);
    }

    fn write<R: Roles>(&mut self, byte: u8) {
        if R::HAS.listers {
            self.hash = fnv(self.hash, &byte);
        }
        if let Some(out) = &mut self.out {
            out.byte(byte);
        }
    }

    /// The value of an attribute, byte by byte. That of `obs`, which has none, is one byte.
    #[inline(never)]
    fn value<R: Roles>(&mut self, which: usize, &(tail, size): &Entry<'_>) {
        let about = self.about;
        let text = match which {
            RT => about.rt,
            IF => about.interface,
            TITLE => about.title,
            CT => {
                for (at, format) in about.formats.iter().enumerate() {
                    if at > 0 {
                        self.put::<R>(b' ');
                    }
                    self.decimal::<R>(u32::from(format.get()));
                }
                return;
            }
            SZ => {
                let size = if has_tails::<R>() { size } else { about.size };
                if size != UNKNOWN {
                    self.decimal::<R>(size);
                }
                return;
            }
            HREF => return self.target::<R>(tail),
            _ if about.is_observable() => "*",
            _ => "",
        };
        self.all::<R>(text.as_bytes());
    }

    /// The path of a URI (RFC 7252 6.5, steps 6 and 7): what is in front of the wildcard, and then the tail.
    fn target<R: Roles>(&mut self, tail: &str) {
        let (about, tail) = (self.about, relative(tail.as_bytes()));
        self.put::<R>(b'/');
        if !has_tails::<R>() {
            return self.encoded::<R>(relative(about.path.as_bytes()));
        }
        let mut front = about.front();
        if let ([before @ .., b'/'], []) = (front, tail) {
            // Nothing stands in the place of the wildcard: nor does the slash before it.
            front = if about.is_wild() { before } else { front };
        }
        self.encoded::<R>(relative(front));
        self.encoded::<R>(tail);
    }

    /// Percent-encoded, but for slashes.
    #[inline(never)]
    fn encoded<R: Roles>(&mut self, path: &[u8]) {
        for &byte in path {
            if byte.is_ascii() && (is_segment(char::from(byte)) || byte == b'/') {
                self.put::<R>(byte);
            } else {
                self.put::<R>(b'%');
                self.put::<R>(digit(byte >> 4));
                self.put::<R>(digit(byte & 15));
            }
        }
    }

    /// The digits of a number, ten at most. Not by `write!`, for which firmware would have to link what formats.
    fn decimal<R: Roles>(&mut self, value: u32) {
        if value >= 10 {
            self.decimal::<R>(value / 10);
        }
        self.put::<R>(b'0'.wrapping_add((value % 10) as u8));
    }
}

impl<'l> Listing<'l> {
    /// Whether an entry is what an argument of the query asks for (RFC 6690 4.1), as [`Filter`](crate::link::Filter) says.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(never))]
    fn matches<R: Roles>(&mut self, entry: &Entry<'_>, argument: &'l [u8]) -> bool {
        for (which, name) in NAMES.iter().enumerate() {
            let Some((its, rest)) = argument.split_at_checked(name.len()) else { continue };
            if !same(its, name) {
                continue;
            }
            let (value, prefix) = match rest {
                [] => (rest, true),
                [b'=', value @ .., b'*'] => (value, true),
                [b'=', value @ ..] => (value, false),
                // Another name that begins so.
                _ => continue,
            };
            return (which != OBS || value.is_empty()) && self.finds::<R>(which, entry, value, prefix);
        }
        false
    }

    /// Whether it has an attribute with this value, or one that begins so.
    #[inline(never)]
    fn finds<R: Roles>(&mut self, which: usize, entry: &Entry<'_>, value: &'l [u8], prefix: bool) -> bool {
        let words = matches!(which, RT | IF | CT);
        self.sought = Some(Sought { value, prefix, words, at: 0, found: false, any: false });
        self.value::<R>(which, entry);
        let sought = self.sought.take();
        sought.is_some_and(|it| it.any && (it.found || it.at == it.value.len()))
    }
}

impl<S, P, D: Resource<S, P> + ?Sized> Table<'_, S, P, D> {
    /// `/.well-known/core`.
    pub(super) fn discover<R: Roles>(
        &self,
        state: &mut S,
        message: &Message<'_>,
        mut reply: Reply<'_, '_>,
    ) -> Result<Answer, Error> {
        if message.code() != Code::GET {
            return Err(Error::from(Code::METHOD_NOT_ALLOWED));
        }
        if R::HAS.listers && self.routes.iter().any(|route| route.lister.is_some()) {
            // It may become another one from one block to the next (RFC 7959 2.4).
            let hash = self.list::<R>(state, message, None).to_be_bytes();
            reply = if R::HAS.conditions { reply.etag(&hash) } else { reply.option(OptionNumber::ETAG, &hash) };
        }
        let mut reply = reply.content_format(ContentFormat::LINK_FORMAT);
        self.list::<R>(state, message, Some(&mut reply));
        Ok(reply.done())
    }

    /// Lists what there is, and gives a hash of the list.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(never))]
    fn list<'l, R: Roles>(&'l self, state: &mut S, message: &'l Message<'l>, out: Option<&'l mut dyn Out>) -> u32 {
        let Some(about) = self.about::<R>(0) else { return FNV };
        let mut listing = Listing { about, message, out, hash: FNV, any: false, quoted: false, sought: None };
        let mut index = 0_usize;
        loop {
            match self.routes.get(index).and_then(|route| route.lister).filter(|_| R::HAS.listers) {
                Some(lister) => lister(state, &mut listing),
                None => listing.add_plain::<R>(),
            }
            index = index.wrapping_add(1);
            let Some(about) = self.about::<R>(index) else { return listing.hash };
            listing.about = about;
        }
    }
}

/// Whether something may stand in the place of a wildcard: what is listed is more than what is in the table.
const fn has_tails<R: Roles>() -> bool {
    R::HAS.listers && R::HAS.wildcards
}

/// Without the slash at its beginning, which makes no difference.
fn relative(path: &[u8]) -> &[u8] {
    if let [b'/', path @ ..] = path { path } else { path }
}

fn digit(value: u8) -> u8 {
    if value < 10 { b'0'.wrapping_add(value) } else { (b'A' - 10).wrapping_add(value) }
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
