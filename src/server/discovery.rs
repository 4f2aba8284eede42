//! `/.well-known/core` (RFC 6690 4, RFC 7252 7.2): what the table says of itself, and what the client asks for of it.

use super::route::{About, is_wild};
use crate::link::{Filter, LinkWriter, decimal, percent_encoded};
use crate::wire::{Message, path_segments, same};
use core::fmt::{self, Write};

/// The list of resources, as it is written.
///
/// A [lister](super::Route::listing) adds to it what there is below the wildcard of its route.
pub struct Listing<'l> {
    pub(super) about: &'l About,
    pub(super) message: &'l Message<'l>,
    pub(super) links: LinkWriter<'l, dyn Write + 'l>,
}

impl Listing<'_> {
    /// Adds a resource, by what stands in the place of the wildcard at the end of the route's path: not percent-encoded,
    /// with a `/` between segments. It has the attributes of the route, and this size in bytes, if it is known.
    pub fn add(&mut self, tail: &str, size: Option<u32>) {
        let size = size.or(self.about.size);
        let about = self.about;
        let wanted = self
            .message
            .uri_query()
            .all(|argument| argument.is_ok_and(|argument| matches(about, tail, size, &Filter::new(argument))));
        if !wanted {
            return;
        }
        let links = self.links.path(segments(about.path, tail));
        if !about.rt.is_empty() {
            links.quoted("rt", about.rt);
        }
        if !about.interface.is_empty() {
            links.quoted("if", about.interface);
        }
        match *about.formats {
            [] => {}
            [format] => _ = links.number("ct", u32::from(format.get())),
            _ => _ = links.numbers("ct", about.formats.iter().map(|format| u32::from(format.get()))),
        }
        if let Some(size) = size {
            links.number("sz", size);
        }
        if !about.title.is_empty() {
            links.quoted("title", about.title);
        }
        if about.observable {
            links.flag("obs");
        }
    }

    /// What is not below a wildcard.
    pub(super) fn add_plain(&mut self) {
        if !self.about.hidden && !is_wild(self.about.path) {
            self.add("", None);
        }
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

/// The segments of a template in front of its wildcard, and then those of the tail.
fn segments<'p>(template: &'p str, tail: &'p str) -> impl Iterator<Item = &'p [u8]> {
    let literal = |segment: &&[u8]| !same(segment, b"*") && !same(segment, b"**");
    path_segments(template).take_while(literal).chain(path_segments(tail))
}

/// Whether this is one of those that are asked for.
fn matches(about: &About, tail: &str, size: Option<u32>, filter: &Filter<'_>) -> bool {
    let word =
        |words: &str| !words.is_empty() && words.as_bytes().split(|&byte| byte == b' ').any(|word| filter.fits(word));
    let number = |number: u32| {
        let mut digits = Digits { text: [0; 10], length: 0 };
        decimal(number, &mut |digit| digits.add(digit));
        filter.fits(digits.text.get(..digits.length).unwrap_or_default())
    };
    match filter.name() {
        "href" => {
            let mut rest = Some(filter.value());
            percent_encoded(segments(about.path, tail), &mut |text| {
                rest = match rest {
                    Some("") if filter.is_prefix() => Some(""),
                    Some(left) => left.strip_prefix(text),
                    None => None,
                };
            });
            rest == Some("")
        }
        "rt" => word(about.rt),
        "if" => word(about.interface),
        "title" => !about.title.is_empty() && filter.fits(about.title.as_bytes()),
        "ct" => about.formats.iter().any(|format| number(u32::from(format.get()))),
        "sz" => size.is_some_and(number),
        // It has no value: all that can be asked is whether it is there.
        "obs" => about.observable && filter.value().is_empty() && filter.is_prefix(),
        _ => false,
    }
}

/// A number of up to ten digits.
struct Digits {
    text: [u8; 10],
    length: usize,
}

impl Digits {
    fn add(&mut self, digit: &str) {
        if let (Some(to), Some(&byte)) = (self.text.get_mut(self.length), digit.as_bytes().first()) {
            *to = byte;
            self.length = self.length.wrapping_add(1);
        }
    }
}
