//! Writes links.

use super::grammar::{is_name, is_quoted_char, is_token};
use super::value::Form;
use super::{Attribute, Link};
use core::fmt;

/// Writes links in the CoRE Link Format (RFC 6690 section 2), into whatever takes text: the payload of a
/// [`Writer`](crate::Writer), a [`Window`](crate::Window) on one block of it, a string.
///
/// Errors are sticky: calls chain without a `?`, and [`finish`](LinkWriter::finish) tells the first thing that went
/// wrong. What it passes, [`Links::parse`](super::Links::parse) accepts and reads back the same.
///
/// ```
/// use coaplet::link::LinkWriter;
///
/// let mut text = String::new();
/// LinkWriter::new(&mut text)
///     .link("/sensors/temp")
///     .quoted("rt", "temperature-c")
///     .number("sz", 262_144)
///     .link("/led")
///     .flag("obs")
///     .translated("title", "de", "Grün")
///     .finish()?;
/// assert_eq!(text, r#"</sensors/temp>;rt="temperature-c";sz=262144,</led>;obs;title*=UTF-8'de'Gr%C3%BCn"#);
/// # Ok::<(), coaplet::link::LinkWriteError>(())
/// ```
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LinkWriter<'w, W: ?Sized> {
    out: &'w mut W,
    any: bool,
    error: Option<LinkWriteError>,
}

impl<'w, W: fmt::Write + ?Sized> LinkWriter<'w, W> {
    /// Begins a list of links.
    pub fn new(out: &'w mut W) -> LinkWriter<'w, W> {
        LinkWriter { out, any: false, error: None }
    }

    /// Begins a link to a URI reference (RFC 3986 4.1), such as `/sensors/temp`.
    pub fn link(&mut self, target: &str) -> &mut Self {
        if crate::uri::reference(target).is_err() {
            return self.fail(LinkWriteError::Target);
        }
        self.begin();
        self.put("<").put(target).put(">")
    }

    /// An attribute with its value in quotes, whatever characters it has.
    pub fn quoted(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name).put("=\"");
        for c in value.chars() {
            if !is_quoted_char(c) {
                self.put("\\");
            }
            self.put(c.encode_utf8(&mut [0; 4]));
        }
        self.put("\"")
    }

    /// An attribute with its value as it is: at least one character, all of them visible ones of ASCII, without `"`,
    /// `,`, `;` and `\`.
    pub fn token(&mut self, name: &str, value: &str) -> &mut Self {
        if !is_token(value) {
            return self.fail(LinkWriteError::Token);
        }
        self.name(name).put("=").put(value)
    }

    /// An attribute with a number for its value, such as `sz` and `ct`.
    pub fn number(&mut self, name: &str, value: u32) -> &mut Self {
        self.name(name).put("=");
        // Not by `write!`, for which firmware would have to link what formats.
        let (mut left, mut unit) = (value, 1_000_000_000);
        while unit > left && unit > 1 {
            unit /= 10;
        }
        while unit > 0 {
            self.put(char::from(b'0'.wrapping_add((left / unit) as u8)).encode_utf8(&mut [0; 4]));
            left %= unit;
            unit /= 10;
        }
        self
    }

    /// An attribute without a value, such as `obs`.
    pub fn flag(&mut self, name: &str) -> &mut Self {
        self.name(name)
    }

    /// An attribute in a language, as UTF-8 (RFC 8187 3.2): of the name `title`, `title*`. The language is a tag such as
    /// `de` or `en-GB`, or empty.
    pub fn translated(&mut self, name: &str, language: &str, value: &str) -> &mut Self {
        if !language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return self.fail(LinkWriteError::Language);
        }
        self.name(name).put("*=UTF-8'").put(language).put("'");
        for c in value.chars() {
            let mut buffer = [0; 4];
            let text = &*c.encode_utf8(&mut buffer);
            // Of what needs no encoding the least: all that may stand here is a name, too.
            if is_name(text) {
                self.put(text);
                continue;
            }
            for byte in text.bytes() {
                let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase();
                self.put("%");
                self.put(digit(byte >> 4).encode_utf8(&mut [0; 4]));
                self.put(digit(byte & 15).encode_utf8(&mut [0; 4]));
            }
        }
        self
    }

    /// An attribute that was read, in the form that it has.
    pub fn attribute(&mut self, attribute: &Attribute<'_>) -> &mut Self {
        if !self.any {
            return self.fail(LinkWriteError::NoLink);
        }
        self.put(";").put(attribute.name());
        match attribute.value() {
            None => self,
            Some(value) if value.form() == Form::QuotedString => self.put("=\"").put(value.as_written()).put("\""),
            Some(value) => self.put("=").put(value.as_written()),
        }
    }

    /// A link that was read, with all its attributes, as it is.
    pub fn copy(&mut self, link: &Link<'_>) -> &mut Self {
        self.begin();
        self.put("<").put(link.target).put(">").put(link.attributes)
    }

    /// Ends the list. Without a link it is empty.
    ///
    /// # Errors
    ///
    /// The first error of the calls before. What was written then is not what should have been.
    pub fn finish(&self) -> Result<(), LinkWriteError> {
        self.error.map_or(Ok(()), Err)
    }

    fn begin(&mut self) {
        if self.any {
            self.put(",");
        }
        self.any = true;
    }

    fn name(&mut self, name: &str) -> &mut Self {
        if !self.any {
            return self.fail(LinkWriteError::NoLink);
        }
        if !is_name(name) {
            return self.fail(LinkWriteError::Name);
        }
        self.put(";").put(name)
    }

    fn put(&mut self, text: &str) -> &mut Self {
        if self.error.is_none() && self.out.write_str(text).is_err() {
            self.error = Some(LinkWriteError::Output);
        }
        self
    }

    /// Keeps the first error.
    fn fail(&mut self, error: LinkWriteError) -> &mut Self {
        self.error = self.error.or(Some(error));
        self
    }
}

/// Why links could not be written. The caller's fault, or of what was to take them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LinkWriteError {
    /// The target is not a URI reference (RFC 3986 4.1).
    Target,
    /// An attribute came before the first link.
    NoLink,
    /// The name of an attribute is empty, has other characters than RFC 5987 3.2.1 allows, or is `href`.
    Name,
    /// A value without quotes is empty, or has characters that need quotes.
    Token,
    /// The language is no tag of letters, digits and hyphens.
    Language,
    /// What was to take the text did not.
    Output,
}

impl fmt::Display for LinkWriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            LinkWriteError::Target => "the target is not a URI reference: percent-encode what cannot stand in one",
            LinkWriteError::NoLink => "an attribute was written before a link: begin with a link",
            LinkWriteError::Name => "an attribute cannot have this name",
            LinkWriteError::Token => {
                "a value without quotes is empty or has characters that need quotes: write it quoted"
            }
            LinkWriteError::Language => "a language is a tag such as en-GB, or empty",
            LinkWriteError::Output => "what was to take the links did not",
        })
    }
}

impl core::error::Error for LinkWriteError {}
