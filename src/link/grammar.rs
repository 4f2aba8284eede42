//! The grammar of the CoRE Link Format (RFC 6690 section 2).

use super::error::{LinkError, LinkErrorKind};
use super::value::{Form, Value};
use super::{Attribute, Link};
use crate::text::{self, Fault, Text, encoded, expect, fail, fault};
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{anychar, char};
use nom::combinator::{opt, recognize};
use nom::multi::fold_many0;
use nom::sequence::{delimited, preceded};
use nom::{Err, Input, Parser};

type Step<'t, O> = text::Step<'t, O, LinkErrorKind>;

/// In the name of an attribute (RFC 5987 3.2.1: attr-char), and in an ext-value.
fn is_attr_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '!' | '#' | '$' | '&' | '+' | '-' | '.' | '^' | '_' | '`' | '|' | '~')
}

/// In a value without quotes (RFC 6690 section 2: ptokenchar).
fn is_token_char(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | ',' | ';' | '\\')
}

/// In a quoted string, without a backslash before it (RFC 2616 2.2).
pub(super) fn is_quoted_char(c: char) -> bool {
    !matches!(c, '"' | '\\') && (c == '\t' || !c.is_ascii_control())
}

/// The name of an attribute, with a `*` or without.
fn name(input: Text<'_>) -> Step<'_, Text<'_>> {
    recognize((take_while1(is_attr_char), opt(char('*')))).parse(input)
}

/// Whether this can be the name of an attribute. `href` cannot: it is what filters call the target.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_attr_char) && text != "href"
}

/// Whether this can be a value without quotes.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_token_char)
}

/// What is between quotes.
fn quoted(input: Text<'_>) -> Step<'_, Value<'_>> {
    let (rest, _) = char('"')(input)?;
    let some = alt((take_while1(is_quoted_char).map(drop), preceded(char('\\'), anychar).map(drop)));
    let (rest, Text(raw)) = recognize(fold_many0(some, || (), |(), ()| ())).parse(rest)?;
    match rest.0.chars().next() {
        Some('"') => Ok((rest.take_from(1), Value::new(raw, Form::QuotedString))),
        // A backslash at the end escapes nothing.
        None | Some('\\') => fail(LinkErrorKind::UnterminatedString, input),
        Some(_) => fail(LinkErrorKind::ControlCharacter, rest),
    }
}

fn token(input: Text<'_>) -> Step<'_, Value<'_>> {
    take_while1(is_token_char).map(|Text(raw)| Value::new(raw, Form::Token)).parse(input)
}

/// Charset, language and encoded text (RFC 8187 3.2).
fn ext_value(input: Text<'_>) -> Step<'_, Value<'_>> {
    let is_charset = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '!' | '#' | '$' | '%' | '&' | '+' | '-' | '^' | '_' | '`' | '{' | '}' | '~')
    };
    let is_language = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let text = encoded(LinkErrorKind::ExtValue, is_attr_char);
    let parts = (take_while1(is_charset), delimited(char('\''), take_while(is_language), char('\'')), text);
    recognize(parts).map(|Text(raw)| Value::new(raw, Form::ExtValue)).parse(input)
}

/// What follows a `;`.
pub(super) fn attribute(input: Text<'_>) -> Step<'_, Attribute<'_>> {
    let (rest, Text(name)) = expect(LinkErrorKind::Name, name).parse(input)?;
    let (behind, equals) = opt(tag("=")).parse(rest)?;
    let (rest, value) = match (name.ends_with('*'), equals) {
        // An ext-value has to be there (RFC 6690: ext-name-star).
        (true, None) => return fail(LinkErrorKind::ExtValue, rest),
        (false, None) => (rest, None),
        (true, Some(_)) => opt(expect(LinkErrorKind::ExtValue, ext_value)).parse(behind)?,
        (false, Some(_)) => opt(expect(LinkErrorKind::Value, alt((quoted, token)))).parse(behind)?,
    };
    Ok((rest, Attribute { name, value }))
}

/// Target and attributes.
pub(super) fn link(input: Text<'_>) -> Step<'_, Link<'_>> {
    let (rest, _) = expect(LinkErrorKind::Link, char('<')).parse(input)?;
    let (rest, Text(target)) = take_while(|c| c != '>')(rest)?;
    let Ok((rest, _)) = char::<_, Fault<LinkErrorKind>>('>')(rest) else {
        return fail(LinkErrorKind::UnterminatedTarget, input);
    };
    let attributes = fold_many0(preceded(char(';'), attribute), || (), |(), _| ());
    let (rest, Text(attributes)) = recognize(attributes).parse(rest)?;
    Ok((rest, Link { target, attributes }))
}

/// Reads a link that has to be one, and what follows the comma behind it.
fn checked(input: Text<'_>) -> Step<'_, (Link<'_>, Option<Text<'_>>)> {
    let (rest, link) = link(input)?;
    if let Err(left) = crate::uri::reference(link.target) {
        // Behind the target: a bracket, and what is behind that.
        let behind = 1_usize.saturating_add(link.attributes.len()).saturating_add(rest.0.len());
        let left = left.saturating_add(behind);
        return Err(Err::Failure(Fault { kind: Some(LinkErrorKind::Target), left }));
    }
    if rest.0.is_empty() {
        return Ok((rest, (link, None)));
    }
    let (rest, _) = expect(LinkErrorKind::Separator, char(',')).parse(rest)?;
    Ok((rest, (link, Some(rest))))
}

fn error(text: &str, error: Err<Fault<LinkErrorKind>>) -> LinkError {
    let fault = fault(error);
    LinkError { kind: fault.kind.unwrap_or(LinkErrorKind::Separator), offset: text.len().saturating_sub(fault.left) }
}

/// Checks a list of links.
pub(super) fn check(text: &str) -> Result<(), LinkError> {
    let mut next = Some(Text(text)).filter(|text| !text.0.is_empty());
    while let Some(input) = next {
        (_, (_, next)) = checked(input).map_err(|fault| error(text, fault))?;
    }
    Ok(())
}

/// Reads a text that is one link and no more.
pub(super) fn one(text: &str) -> Result<Link<'_>, LinkError> {
    match checked(Text(text)) {
        Ok((_, (link, None))) => Ok(link),
        Ok((rest, _)) => Err(LinkError {
            kind: LinkErrorKind::Separator,
            offset: text.len().saturating_sub(rest.0.len()).saturating_sub(1),
        }),
        Err(fault) => Err(error(text, fault)),
    }
}
