//! Links in the CoRE Link Format (RFC 6690): what a server says of its resources under `/.well-known/core`.
//!
//! [`Links::parse`] checks a list once, from its first byte to its last; after it no iterator and no accessor fails.
//! [`LinkWriter`] writes one, [`Filter`] says which links a client asks for.
//!
//! ```
//! use coaplet::link::{Filter, LinkWriter, Links};
//!
//! let links = Links::parse(br#"</temp>;rt="temperature-c";obs,</light>;rt="light-lux";title="over \"there\"""#)?;
//! let light = links.iter().find(|link| Filter::new("rt=light*").matches(link)).unwrap();
//! assert_eq!((light.target(), light.title().unwrap().to_string()), ("/light", r#"over "there""#.into()));
//!
//! let mut text = String::new();
//! LinkWriter::new(&mut text).copy(&light).link("/led").quoted("title", r#"over "here""#).finish()?;
//! assert_eq!(text, r#"</light>;rt="light-lux";title="over \"there\"",</led>;title="over \"here\"""#);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! A server that has more links than a message holds writes them all for each block, and a [`Window`](crate::Window)
//! keeps the one that was asked for:
//!
//! ```
//! use coaplet::block::{Asked, Body, Settings, serve};
//! use coaplet::link::{Filters, Link, LinkWriter};
//! use coaplet::{ContentFormat, Message, Window, Writer};
//!
//! /// Answers a request for `/.well-known/core`, or for one block of it.
//! fn discovery(answer: &mut Writer<'_>, request: &Message<'_>, resources: &[Link<'_>]) {
//!     let filters = Filters::of(request);
//!     let mut read = |offset: u32, room: &mut [u8]| {
//!         let mut window = Window::new(offset as usize, room);
//!         let mut writer = LinkWriter::new(&mut window);
//!         resources.iter().filter(|link| filters.matches(link)).for_each(|link| {
//!             writer.copy(link);
//!         });
//!         window.written().len()
//!     };
//!     answer.content_format(ContentFormat::LINK_FORMAT);
//!     serve(answer, &Asked::of(request), Body::read(&mut read), &Settings::DEFAULT);
//! }
//!
//! # use coaplet::{Code, Header};
//! let resources = [Link::parse("</temp>;rt=\"temperature-c\"")?, Link::parse("</light>;rt=\"light-lux\"")?];
//! let request = Message::parse(b"\x40\x01\x00\x01\xbb.well-known\x04core\x47rt=lig*\x81\x10")?; // Block2 1/0/16
//! # let mut buffer = [0; 64];
//! # let mut answer = Writer::new(&mut buffer, Header::acknowledgement(Code::CONTENT, 1), &[]);
//! discovery(&mut answer, &request, &resources);
//! # let length = answer.finish()?;
//! # let answer = Message::parse(&buffer[..length])?;
//! assert_eq!(answer.payload(), br#"ht-lux""#); // of </light>;rt="light-lux"
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! | for | look in |
//! |---|---|
//! | lists, links, attributes | `mod.rs` |
//! | values: forms, escapes, words | `value.rs` |
//! | filters | `filter.rs` |
//! | writing, and what the caller can do wrong | `write.rs` |
//! | the grammar; what can be wrong | `grammar.rs`, `error.rs` |

mod error;
mod filter;
mod grammar;
mod value;
mod write;

pub use error::{LinkError, LinkErrorKind};
pub use filter::{Filter, Filters};
pub use value::{Form, Value, ValueChars, Words};
pub use write::{LinkWriteError, LinkWriter};

use crate::text::Text;
use core::fmt;
use core::iter::FusedIterator;

/// A list of links, checked.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Links<'t> {
    text: &'t str,
}

impl<'t> Links<'t> {
    /// Reads a list of links: a payload of [`ContentFormat::LINK_FORMAT`](crate::ContentFormat::LINK_FORMAT). No bytes
    /// are no links.
    ///
    /// # Errors
    ///
    /// What is wrong first, and at which byte. RFC 6690 has no blanks between links and attributes.
    pub fn parse(bytes: &'t [u8]) -> Result<Links<'t>, LinkError> {
        let text = core::str::from_utf8(bytes)
            .map_err(|error| LinkError { kind: LinkErrorKind::NotUtf8, offset: error.valid_up_to() })?;
        grammar::check(text)?;
        Ok(Links { text })
    }

    /// The text.
    #[must_use]
    pub const fn as_str(&self) -> &'t str {
        self.text
    }

    /// The links, in their order.
    #[must_use]
    pub const fn iter(&self) -> LinkIter<'t> {
        LinkIter { rest: self.text }
    }
}

impl<'t> IntoIterator for Links<'t> {
    type Item = Link<'t>;
    type IntoIter = LinkIter<'t>;

    fn into_iter(self) -> LinkIter<'t> {
        self.iter()
    }
}

impl<'t> IntoIterator for &Links<'t> {
    type Item = Link<'t>;
    type IntoIter = LinkIter<'t>;

    fn into_iter(self) -> LinkIter<'t> {
        self.iter()
    }
}

/// The links of a list.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LinkIter<'t> {
    rest: &'t str,
}

impl<'t> Iterator for LinkIter<'t> {
    type Item = Link<'t>;

    fn next(&mut self) -> Option<Link<'t>> {
        // None only at the end: the list has been checked.
        let (Text(rest), link) = grammar::link(Text(self.rest)).ok()?;
        self.rest = rest.strip_prefix(',').unwrap_or_default();
        Some(link)
    }
}

impl FusedIterator for LinkIter<'_> {}

/// A link: its target and what is said of it. Printing it gives it as it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Link<'t> {
    target: &'t str,
    /// A semicolon before each.
    attributes: &'t str,
}

impl<'t> Link<'t> {
    /// Reads one link, as the table of a server may have it.
    ///
    /// ```
    /// use coaplet::link::Link;
    ///
    /// let link = Link::parse("</sensors>;ct=40")?;
    /// assert_eq!(link.target(), "/sensors");
    /// assert_eq!(link.get("ct").unwrap(), "40");
    /// # Ok::<(), coaplet::link::LinkError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Links::parse`], and if it is none, or more than one.
    pub fn parse(text: &'t str) -> Result<Link<'t>, LinkError> {
        grammar::one(text)
    }

    /// The target: a URI reference as it is written, percent-encoded (RFC 3986 4.1).
    #[must_use]
    pub const fn target(&self) -> &'t str {
        self.target
    }

    /// The attributes, in their order, also those that occur twice.
    #[must_use]
    pub const fn attributes(&self) -> Attributes<'t> {
        Attributes { rest: self.attributes }
    }

    /// Whether it has the attribute, with a value or without.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }

    /// The value of the first attribute of this name, if it has one. Of those that a link has once only, such as `ct`,
    /// others are to be ignored (RFC 5988 5.3, RFC 7252 7.2.1).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'t>> {
        self.attributes().find(|attribute| attribute.name == name)?.value
    }

    /// The title for a person: `title*` before `title` (RFC 5988 5.4).
    #[must_use]
    pub fn title(&self) -> Option<Value<'t>> {
        self.get("title*").or_else(|| self.get("title"))
    }
}

impl fmt::Display for Link<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>{}", self.target, self.attributes)
    }
}

/// The attributes of a link.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Attributes<'t> {
    rest: &'t str,
}

impl<'t> Iterator for Attributes<'t> {
    type Item = Attribute<'t>;

    fn next(&mut self) -> Option<Attribute<'t>> {
        // None only at the end: the link has been checked.
        let (Text(rest), attribute) = grammar::attribute(Text(self.rest.strip_prefix(';')?)).ok()?;
        self.rest = rest;
        Some(attribute)
    }
}

impl FusedIterator for Attributes<'_> {}

/// What is said of a link's target: a name, and a value if it has one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Attribute<'t> {
    name: &'t str,
    value: Option<Value<'t>>,
}

impl<'t> Attribute<'t> {
    /// The name: `rt`, or `title*` with its star.
    #[must_use]
    pub const fn name(&self) -> &'t str {
        self.name
    }

    /// The value; `None` for one such as `obs`.
    #[must_use]
    pub const fn value(&self) -> Option<Value<'t>> {
        self.value
    }
}

// `defmt::Format` on every public type, said once more for the compiler to check.
#[cfg(feature = "defmt")]
const _: fn() = || {
    fn format<T: defmt::Format>() {}
    let _ = [
        format::<Attribute<'_>>,
        format::<Attributes<'_>>,
        format::<Filter<'_>>,
        format::<Filters<'_>>,
        format::<Form>,
        format::<Link<'_>>,
        format::<LinkError>,
        format::<LinkErrorKind>,
        format::<LinkIter<'_>>,
        format::<LinkWriteError>,
        format::<LinkWriter<'_, crate::Window<'_>>>,
        format::<Links<'_>>,
        format::<Value<'_>>,
        format::<ValueChars<'_>>,
        format::<Words<'_>>,
    ];
};
