//! Which links a client asks for (RFC 6690 4.1).

use super::{Attribute, Link};
use crate::wire::Strings;
use crate::{Message, text};

/// What one argument of the query asks for: `rt=temperature`, `href=/sensors*`.
///
/// The name is that of an attribute, or `href` for the target. The value is the whole of it, bit for bit, or with a `*`
/// behind it how it begins. An attribute that may have several values (`rt`, `if`, `rel`, `rev`, `ct`) has only to have
/// one that does, and so has an attribute that a link has twice. A name alone asks for links that have the attribute.
///
/// ```
/// use coaplet::link::{Filter, Link};
///
/// let link = Link::parse(r#"</sensors/light>;rt="light-lux core.sen-light";obs"#)?;
/// for argument in ["rt=core.sen-light", "rt=light*", "href=/sensors*", "obs", "rt=*"] {
///     assert!(Filter::new(argument).matches(&link), "{argument}");
/// }
/// for argument in ["rt=light", "href=/sensors", "if=*", "title"] {
///     assert!(!Filter::new(argument).matches(&link), "{argument}");
/// }
/// # Ok::<(), coaplet::link::LinkError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Filter<'q> {
    name: &'q str,
    value: &'q str,
    prefix: bool,
}

impl<'q> Filter<'q> {
    /// Of an argument of the query as Uri-Query has it: it is not percent-encoded any more.
    #[must_use]
    pub fn new(argument: &'q str) -> Filter<'q> {
        let (name, value) = text::split(argument, b'=').unwrap_or((argument, "*"));
        match value.strip_suffix('*') {
            Some(value) => Filter { name, value, prefix: true },
            None => Filter { name, value, prefix: false },
        }
    }

    /// The name of an attribute, or `href`.
    #[must_use]
    pub const fn name(&self) -> &'q str {
        self.name
    }

    /// Whether the link is one of those asked for.
    #[must_use]
    pub fn matches(&self, link: &Link<'_>) -> bool {
        if self.name == "href" {
            let target = link.target();
            return if self.prefix { target.starts_with(self.value) } else { target == self.value };
        }
        link.attributes().any(|attribute| attribute.name() == self.name && self.matches_value(&attribute))
    }

    fn matches_value(&self, attribute: &Attribute<'_>) -> bool {
        // An attribute without a value exists, which is all that `*` asks for.
        let Some(value) = attribute.value() else { return self.value.is_empty() && self.prefix };
        let fits = |value: &super::Value<'_>| {
            if self.prefix { value.starts_with(self.value) } else { value == self.value }
        };
        match self.name {
            // One with no value in it exists all the same.
            "rt" | "if" | "rel" | "rev" | "ct" if value.words().next().is_some() => {
                value.words().any(|word| fits(&word))
            }
            _ => fits(&value),
        }
    }
}

/// What all arguments of a request's query ask for: a link has to match each of them.
///
/// RFC 6690 has one; more of them narrow it down, as in RFC 9176 section 6.
///
/// ```
/// use coaplet::link::{Filters, Links};
/// use coaplet::{Code, Header, Message, Writer};
///
/// let mut buffer = [0; 64];
/// let mut writer = Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &[]);
/// let length = writer.path(".well-known/core").query("rt=light*").finish()?;
/// let request = Message::parse(&buffer[..length])?;
///
/// let filters = Filters::of(&request);
/// let links = Links::parse(br#"</a>;rt="light-lux",</b>;rt="temperature-c""#)?;
/// assert!(links.iter().filter(|link| filters.matches(link)).map(|link| link.target()).eq(["/a"]));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Filters<'m> {
    arguments: Strings<'m>,
}

impl<'m> Filters<'m> {
    /// Those of a request.
    #[must_use]
    pub fn of(request: &Message<'m>) -> Filters<'m> {
        Filters { arguments: request.uri_query() }
    }

    /// Whether the request has none, so that all links match.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arguments.clone().next().is_none()
    }

    /// Whether the link is one of those asked for. With an argument that is too long or not UTF-8 none is.
    #[must_use]
    pub fn matches(&self, link: &Link<'_>) -> bool {
        self.arguments.clone().all(|argument| argument.is_ok_and(|argument| Filter::new(argument).matches(link)))
    }
}
