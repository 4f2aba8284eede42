//! The value of an attribute: as it stands in the text, and what it says.

use crate::text;
use crate::uri::{Chars as Decoded, Component};
use core::fmt::{self, Write};
use core::iter::FusedIterator;

/// How the value of an attribute is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Form {
    /// Without quotes: `sz=1024`.
    Token,
    /// In quotes, with a backslash before quotes and backslashes: `title="say \"hello\""`.
    QuotedString,
    /// With a charset and a language, percent-encoded: `title*=UTF-8'de'%C3%9Cbersicht` (RFC 8187 3.2).
    ExtValue,
}

/// The value of an attribute.
///
/// It is what the attribute says, whatever its form: printed, compared and read without escapes.
///
/// ```
/// use coaplet::link::{Form, Link};
///
/// let link = Link::parse(r#"</t>;sz=1024;rt="a b";title="say \"hello\"";title*=UTF-8'fr'all%C3%B4"#)?;
/// assert_eq!(link.get("sz").and_then(|value| value.as_str()?.parse().ok()), Some(1024));
/// assert!(link.get("rt").unwrap().words().eq(["a", "b"]));
/// assert_eq!(link.get("title").unwrap(), r#"say "hello""#);
/// let title = link.get("title*").unwrap();
/// assert_eq!((title.form(), title.language(), title.to_string()), (Form::ExtValue, Some("fr"), "allô".into()));
/// # Ok::<(), coaplet::link::LinkError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Value<'t> {
    raw: &'t str,
    form: Form,
}

impl<'t> Value<'t> {
    pub(super) const fn new(raw: &'t str, form: Form) -> Value<'t> {
        Value { raw, form }
    }

    /// How it is written.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// As it is written, with its escapes, without its quotes.
    #[must_use]
    pub const fn as_written(&self) -> &'t str {
        self.raw
    }

    /// What it says, if that stands in the text as it is: without an escape.
    #[must_use]
    pub fn as_str(&self) -> Option<&'t str> {
        let (text, escape) = match self.form {
            Form::Token => return Some(self.raw),
            Form::QuotedString => (self.raw, b'\\'),
            Form::ExtValue => (self.ext_value().2, b'%'),
        };
        if text.bytes().any(|byte| byte == escape) { None } else { Some(text) }
    }

    /// The charset of an ext-value: `UTF-8`, or `ISO-8859-1` from older programs.
    #[must_use]
    pub fn charset(&self) -> Option<&'t str> {
        (self.form == Form::ExtValue).then(|| self.ext_value().0)
    }

    /// The language of an ext-value that names one.
    #[must_use]
    pub fn language(&self) -> Option<&'t str> {
        (self.form == Form::ExtValue).then(|| self.ext_value().1).filter(|language| !language.is_empty())
    }

    /// Charset, language and text of an ext-value.
    fn ext_value(&self) -> (&'t str, &'t str, &'t str) {
        let (charset, rest) = text::split(self.raw, b'\'').unwrap_or_default();
        let (language, text) = text::split(rest, b'\'').unwrap_or_default();
        (charset, language, text)
    }

    /// What it says, character by character. What is not in the charset of an ext-value is U+FFFD; a charset other
    /// than UTF-8 and ISO-8859-1 is read as UTF-8.
    #[must_use]
    pub fn chars(&self) -> ValueChars<'t> {
        ValueChars(match self.form {
            Form::Token => Source::Token(self.raw.chars()),
            Form::QuotedString => Source::Quoted(self.raw.chars()),
            Form::ExtValue => {
                let (charset, _, text) = self.ext_value();
                let text = Component::new(text);
                if charset.eq_ignore_ascii_case("ISO-8859-1") {
                    Source::Latin1(text.bytes())
                } else {
                    Source::Utf8(text.chars())
                }
            }
        })
    }

    /// The values of an attribute that has several, with blanks between: `rt`, `if`, `rel`, `rev` and `ct`
    /// (RFC 6690 section 2, RFC 7252 7.2.1).
    #[must_use]
    pub const fn words(&self) -> Words<'t> {
        Words { rest: *self }
    }

    /// Whether what it says begins with this.
    #[must_use]
    pub fn starts_with(&self, prefix: &str) -> bool {
        let mut chars = self.chars();
        prefix.chars().all(|c| chars.next() == Some(c))
    }
}

/// What it says.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|c| f.write_char(c))
    }
}

/// Compares what they say.
impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.chars().eq(other.chars())
    }
}

impl Eq for Value<'_> {}

impl PartialEq<str> for Value<'_> {
    fn eq(&self, other: &str) -> bool {
        self.chars().eq(other.chars())
    }
}

impl PartialEq<&str> for Value<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

/// The characters of a [`Value`], without escapes.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ValueChars<'t>(Source<'t>);

#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Source<'t> {
    Token(#[cfg_attr(feature = "defmt", defmt(Debug2Format))] core::str::Chars<'t>),
    Quoted(#[cfg_attr(feature = "defmt", defmt(Debug2Format))] core::str::Chars<'t>),
    Utf8(Decoded<'t>),
    Latin1(crate::uri::Bytes<'t>),
}

impl Iterator for ValueChars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match &mut self.0 {
            Source::Token(chars) => chars.next(),
            Source::Quoted(chars) => match chars.next()? {
                '\\' => chars.next(),
                c => Some(c),
            },
            Source::Utf8(chars) => chars.next(),
            Source::Latin1(bytes) => bytes.next().map(char::from),
        }
    }
}

impl FusedIterator for ValueChars<'_> {}

/// The values within a [`Value`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Words<'t> {
    rest: Value<'t>,
}

impl<'t> Iterator for Words<'t> {
    type Item = Value<'t>;

    fn next(&mut self) -> Option<Value<'t>> {
        let Value { raw, form } = self.rest;
        let (word, rest) = match form {
            // Its blanks are encoded.
            Form::ExtValue => (raw, ""),
            _ => {
                // A backslash before a blank says no more than the blank, and at the end of a word it says nothing: alone it
                // is no word.
                let mut raw = raw;
                while let Some(rest) = raw.strip_prefix(' ').or_else(|| raw.strip_prefix("\\ ")) {
                    raw = rest;
                }
                text::split(raw, b' ').unwrap_or((raw, ""))
            }
        };
        self.rest = Value { raw: rest, form };
        if word.is_empty() { None } else { Some(Value { raw: word, form }) }
    }
}

impl FusedIterator for Words<'_> {}
