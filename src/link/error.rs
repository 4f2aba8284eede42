//! What can be wrong with a list of links, and where.

use core::fmt;

/// Why bytes are not links in the CoRE Link Format, and at which byte.
///
/// ```
/// use coaplet::link::{LinkErrorKind, Links};
///
/// let error = Links::parse(b"</temp>;rt=\"a\" ,</light>").unwrap_err();
/// assert_eq!((error.kind(), error.offset()), (LinkErrorKind::Separator, 14));
/// assert_eq!(error.to_string(), "a link, an attribute or a value ends here, and no ',' or ';' follows at byte 14");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LinkError {
    pub(super) kind: LinkErrorKind,
    pub(super) offset: usize,
}

impl LinkError {
    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> LinkErrorKind {
        self.kind
    }

    /// The byte at which it is wrong, counted from 0. Of a target or a string that does not end, that at which it
    /// begins.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind.description(), self.offset)
    }
}

impl core::error::Error for LinkError {}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $text:literal,)*) => {
        /// What is wrong with a list of links (RFC 6690 section 2).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum LinkErrorKind {
            $($(#[$doc])* $kind,)*
        }

        impl LinkErrorKind {
            /// Every kind.
            pub const ALL: &'static [LinkErrorKind] = &[$(LinkErrorKind::$kind),*];

            /// One line for a person.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(LinkErrorKind::$kind => $text,)* }
            }
        }
    };
}

kinds! {
    /// The bytes are not UTF-8.
    NotUtf8 = "links are UTF-8: this is not",
    /// A link begins with `<`.
    Link = "a link begins with '<': it does not",
    /// No `>` follows.
    UnterminatedTarget = "no '>' ends the target",
    /// What is between `<` and `>` is no URI reference (RFC 3986 4.1).
    Target = "the target is not a URI reference",
    /// What follows a link or an attribute is neither another nor the end.
    Separator = "a link, an attribute or a value ends here, and no ',' or ';' follows",
    /// A `;` without the name of an attribute (RFC 5987: parmname).
    Name = "the name of an attribute follows a ';': it is missing",
    /// A `=` without a value: neither a token nor a quoted string.
    Value = "a token or a string in quotes follows a '=': it is missing",
    /// A quoted string without its second quote.
    UnterminatedString = "no quote ends the string",
    /// A control character in a quoted string that is not escaped (RFC 2616 2.2).
    ControlCharacter = "a control character in a string has a backslash before it: this has none",
    /// The value of an attribute whose name ends in `*` is not as RFC 8187 3.2 wants it.
    ExtValue = "the value of an attribute with a '*' is a charset, a language or none and encoded text, with ' between",
}

impl fmt::Display for LinkErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.description())
    }
}
