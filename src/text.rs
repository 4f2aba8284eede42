//! What nom reads: text whose slices never panic, and an error that says what is wrong and where.
//!
//! nom's own `&str` slices with `[..]`, and the compiler does not always see that a position which nom has just found
//! lies within the text. Here a position that does not gives nothing. None of them occurs.

use core::str::{CharIndices, Chars};
use nom::branch::alt;
use nom::bytes::complete::take_while1;
use nom::character::complete::{char, satisfy};
use nom::combinator::{peek, recognize};
use nom::error::{ErrorKind, ParseError};
use nom::multi::fold_many0;
use nom::sequence::preceded;
use nom::{Compare, CompareResult, Err, IResult, Input, Needed, Offset, Parser};

/// Text to be read.
#[derive(Clone, Copy)]
pub(crate) struct Text<'t>(pub &'t str);

impl<'t> Input for Text<'t> {
    type Item = char;
    type Iter = Chars<'t>;
    type IterIndices = CharIndices<'t>;

    fn input_len(&self) -> usize {
        self.0.len()
    }

    fn take(&self, index: usize) -> Self {
        Text(self.0.get(..index).unwrap_or_default())
    }

    fn take_from(&self, index: usize) -> Self {
        Text(self.0.get(index..).unwrap_or_default())
    }

    fn take_split(&self, index: usize) -> (Self, Self) {
        (self.take_from(index), self.take(index))
    }

    fn position<P: Fn(char) -> bool>(&self, predicate: P) -> Option<usize> {
        self.0.find(predicate)
    }

    fn iter_elements(&self) -> Chars<'t> {
        self.0.chars()
    }

    fn iter_indices(&self) -> CharIndices<'t> {
        self.0.char_indices()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        let mut ends = self.0.char_indices().map(|(at, _)| at).chain([self.0.len()]);
        ends.nth(count).ok_or(Needed::Unknown)
    }
}

impl Offset for Text<'_> {
    /// `second` is what is left of this text.
    fn offset(&self, second: &Self) -> usize {
        self.0.len().saturating_sub(second.0.len())
    }
}

impl Compare<&str> for Text<'_> {
    fn compare(&self, tag: &str) -> CompareResult {
        if self.0.starts_with(tag) { CompareResult::Ok } else { CompareResult::Error }
    }

    /// Of letters in ASCII alone.
    fn compare_no_case(&self, tag: &str) -> CompareResult {
        match self.0.get(..tag.len()) {
            Some(start) if start.eq_ignore_ascii_case(tag) => CompareResult::Ok,
            _ => CompareResult::Error,
        }
    }
}

/// The text before the first such character, which is one of ASCII, and the text behind it.
// `str::split_once` and `find` look for a character by code that could panic, if it had a mistake.
pub(crate) fn split(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == separator)?;
    Some((text.get(..at)?, text.get(at.saturating_add(1)..)?))
}

/// What is wrong, and how many bytes are left from there.
#[derive(Clone, Copy)]
pub(crate) struct Fault<K> {
    /// `None`: this is not what was looked for, and something else may be.
    pub kind: Option<K>,
    pub left: usize,
}

impl<K> ParseError<Text<'_>> for Fault<K> {
    fn from_error_kind(input: Text<'_>, _: ErrorKind) -> Self {
        Fault { kind: None, left: input.0.len() }
    }

    fn append(_: Text<'_>, _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// What a step of a grammar gives: what is left, and what was read.
pub(crate) type Step<'t, O, K> = IResult<Text<'t>, O, Fault<K>>;

/// Ends the reading: this is wrong, where so much is left.
pub(crate) fn fail<'t, O, K>(kind: K, at: Text<'t>) -> Step<'t, O, K> {
    Err(Err::Failure(Fault { kind: Some(kind), left: at.0.len() }))
}

/// Nothing else can stand here: what does not fit ends the reading.
pub(crate) fn expect<'t, K: Copy, P: Parser<Text<'t>, Error = Fault<K>>>(
    kind: K,
    mut parser: P,
) -> impl FnMut(Text<'t>) -> Step<'t, P::Output, K> {
    move |input| match parser.parse(input) {
        Err(Err::Error(_) | Err::Incomplete(_)) => fail(kind, input),
        other => other,
    }
}

/// As many characters as may stand there, and percent-encodings (RFC 3986 2.1); `kind` is that one is none.
pub(crate) fn encoded<'t, K: Copy>(
    kind: K,
    allowed: fn(char) -> bool,
) -> impl FnMut(Text<'t>) -> Step<'t, Text<'t>, K> {
    let digit = || satisfy(|c: char| c.is_ascii_hexdigit());
    move |input| {
        let octet = preceded(peek(char('%')), expect(kind, (char('%'), digit(), digit())));
        let some = alt((take_while1(allowed).map(drop), octet.map(drop)));
        recognize(fold_many0(some, || (), |(), ()| ())).parse(input)
    }
}

/// The fault of a grammar that was not met.
pub(crate) fn fault<K>(error: Err<Fault<K>>) -> Fault<K> {
    match error {
        Err::Error(fault) | Err::Failure(fault) => fault,
        // Of the streaming parsers, which none of ours is.
        Err::Incomplete(_) => Fault { kind: None, left: 0 },
    }
}
