//! The grammar of CoAP URIs (RFC 7252 6.1, 6.2; RFC 8323 8.1 to 8.4) and of URI references (RFC 3986).

use super::component::Component;
use super::error::{UriError, UriErrorKind};
use super::{CoapUri, Host, Scheme, address};
use crate::text::{self, Text, expect, fail, fault};
use core::net::Ipv4Addr;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{char, satisfy};
use nom::combinator::{eof, opt, peek, recognize, verify};
use nom::sequence::{preceded, terminated};
use nom::{Input, Parser};

type Step<'t, O> = text::Step<'t, O, UriErrorKind>;

/// RFC 3986 2.3.
fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~')
}

/// RFC 3986 2.2.
fn is_sub_delim(c: char) -> bool {
    matches!(c, '!' | '$' | '&' | '\'' | '(' | ')' | '*' | '+' | ',' | ';' | '=')
}

/// In a registered name (RFC 3986 3.2.2), unless it is percent-encoded.
pub(super) fn is_name(c: char) -> bool {
    is_unreserved(c) || is_sub_delim(c)
}

/// In a segment of a path (RFC 3986 3.3), likewise.
pub(crate) fn is_segment(c: char) -> bool {
    is_name(c) || matches!(c, ':' | '@')
}

fn is_path(c: char) -> bool {
    is_segment(c) || c == '/'
}

/// In a query or a fragment (RFC 3986 3.4, 3.5), likewise.
fn is_query(c: char) -> bool {
    is_path(c) || c == '?'
}

/// In an argument of a query (RFC 7252 6.5, step 8).
pub(super) fn is_argument(c: char) -> bool {
    is_query(c) && c != '&'
}

/// RFC 3986 3.1.
fn is_scheme(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')
}

fn is_authority(c: char) -> bool {
    !matches!(c, '/' | '?' | '#')
}

/// As many characters as may stand there, and percent-encodings.
fn encoded<'t>(allowed: fn(char) -> bool) -> impl FnMut(Text<'t>) -> Step<'t, Text<'t>> {
    text::encoded(UriErrorKind::PercentEncoding, allowed)
}

/// A scheme and its colon.
fn scheme(input: Text<'_>) -> Step<'_, Text<'_>> {
    terminated(recognize((satisfy(|c: char| c.is_ascii_alphabetic()), take_while(is_scheme))), char(':')).parse(input)
}

/// The host of a CoAP URI, and its text without brackets and zone.
fn host(input: Text<'_>) -> Step<'_, (Host<'_>, &str)> {
    if input.0.starts_with('[') {
        return ip_literal(input);
    }
    let (rest, Text(name)) = encoded(is_name)(input)?;
    if let (true, None | Some(':' | '/' | '?' | '#')) = (name.is_empty(), rest.0.chars().next()) {
        return fail(UriErrorKind::EmptyHost, input);
    }
    let host = match name.parse::<Ipv4Addr>() {
        Ok(address) => Host::Ipv4(address),
        Err(_) => Host::Name(Component::host(name)),
    };
    Ok((rest, (host, name)))
}

/// An IPv6 address in brackets (RFC 3986 3.2.2), with or without a zone (RFC 6874).
fn ip_literal(input: Text<'_>) -> Step<'_, (Host<'_>, &str)> {
    let inside = || take_while(|c| is_authority(c) && c != ']');
    peek(expect(UriErrorKind::UnclosedBracket, (char('['), inside(), char(']')))).parse(input)?;
    let input = input.take_from(1);
    let (rest, Text(text)) = take_while(|c| is_authority(c) && !matches!(c, ']' | '%'))(input)?;
    let Some(address) = address::parse_ipv6(text) else { return fail(UriErrorKind::NotAnAddress, input) };
    let name = verify(encoded(is_unreserved), |name: &Text<'_>| !name.0.is_empty());
    let zone = preceded(peek(char('%')), expect(UriErrorKind::Zone, preceded(tag("%25"), name)));
    let (rest, zone) = opt(zone).parse(rest)?;
    let (rest, _) = expect(UriErrorKind::Zone, char(']')).parse(rest)?;
    Ok((rest, (Host::Ipv6 { address, zone: zone.map(|Text(name)| Component::new(name)) }, text)))
}

/// Decimal digits behind a colon, or none.
fn port(input: Text<'_>) -> Step<'_, Option<u16>> {
    let (rest, digits) = opt(preceded(char(':'), take_while(is_authority))).parse(input)?;
    match digits {
        None | Some(Text("")) => Ok((rest, None)),
        Some(Text(text)) => match text.parse() {
            Ok(port) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok((rest, Some(port))),
            _ => fail(UriErrorKind::Port, input.take_from(1)),
        },
    }
}

fn coap_uri(input: Text<'_>) -> Step<'_, CoapUri<'_>> {
    let (rest, name) = expect(UriErrorKind::NotAbsolute, scheme).parse(input)?;
    let Some(scheme) = Scheme::from_name(name.0) else { return fail(UriErrorKind::UnsupportedScheme, input) };
    let (rest, _) = expect(UriErrorKind::NoAuthority, tag("//")).parse(rest)?;
    let (_, authority) = take_while(is_authority)(rest)?;
    if let Some((user, _)) = text::split(authority.0, b'@') {
        return fail(UriErrorKind::UserInfo, rest.take_from(user.len()));
    }
    if address::parse_ipv6(authority.0).is_some() {
        return fail(UriErrorKind::AddressWithoutBrackets, rest);
    }
    let (rest, (host, host_text)) = host(rest)?;
    if matches!(host, Host::Ipv6 { .. }) {
        let follows = alt((satisfy(|c| c == ':' || !is_authority(c)).map(drop), eof.map(drop)));
        peek(expect(UriErrorKind::BehindBracket, follows)).parse(rest)?;
    }
    let (rest, port) = port(rest)?;
    // Of the authority nothing is left, or what cannot be in it.
    let (rest, Text(path)) = match rest.0.starts_with('/') {
        true => encoded(is_path)(rest)?,
        false => (rest, Text("")),
    };
    let (rest, query) = opt(preceded(char('?'), encoded(is_query))).parse(rest)?;
    if !rest.0.is_empty() {
        let fragment = rest.0.starts_with('#');
        return fail(if fragment { UriErrorKind::Fragment } else { UriErrorKind::Character }, rest);
    }
    let port = port.unwrap_or(scheme.default_port());
    Ok((rest, CoapUri { text: input.0, scheme, host, host_text, port, path, query: query.map(|Text(query)| query) }))
}

/// Reads a CoAP URI, and checks what has to be sent of it.
pub(super) fn parse(text: &str) -> Result<CoapUri<'_>, UriError> {
    let input = Text(text);
    let uri = coap_uri(input).map(|(_, uri)| uri).map_err(|error| {
        let fault = fault(error);
        let offset = text.len().saturating_sub(fault.left);
        UriError { kind: fault.kind.unwrap_or(UriErrorKind::Character), offset }
    })?;
    let name = match uri.host {
        Host::Name(name) => Some(name),
        Host::Ipv6 { zone, .. } => zone,
        Host::Ipv4(_) => None,
    };
    for part in name.into_iter().chain(uri.path()).chain(uri.query()) {
        part.check().map_err(|(kind, at)| {
            // How far into the text a part of it is: nothing is read through the pointers.
            let start = (part.encoded().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
            UriError { kind, offset: start.saturating_add(at) }
        })?;
    }
    Ok(uri)
}

/// An authority and what may follow its path, behind `//` (RFC 3986 3.2).
fn authority(input: Text<'_>) -> Step<'_, ()> {
    let user = |c| is_name(c) || c == ':';
    let (_, before) = take_while(|c| is_authority(c) && c != '@')(input)?;
    let behind = input.take_from(before.0.len());
    let mut rest = input;
    if behind.0.starts_with('@') {
        let (at, _) = encoded(user)(input)?;
        (rest, _) = expect(UriErrorKind::Character, char('@')).parse(at)?;
    }
    // What is in brackets is looked at no closer: nothing is sent there from here.
    let literal = |c: char| is_name(c) || matches!(c, ':' | '%');
    let literal = (char('['), take_while1(literal), char(']'));
    let (rest, _) = alt((literal.map(drop), encoded(is_name).map(drop))).parse(rest)?;
    let digits = preceded(char(':'), take_while(|c: char| c.is_ascii_digit()));
    let (rest, _) = opt(digits).parse(rest)?;
    match rest.0.chars().next() {
        None | Some('/' | '?' | '#') => Ok((rest, ())),
        Some(_) => fail(UriErrorKind::Character, rest),
    }
}

/// A whole URI reference, or how many bytes are left where it is none (RFC 3986 4.1).
pub(crate) fn reference(text: &str) -> Result<(), usize> {
    let input = Text(text);
    let read = || -> Step<'_, ()> {
        let (rest, scheme) = opt(scheme).parse(input)?;
        let (rest, network) = opt(preceded(tag("//"), authority)).parse(rest)?;
        let (after, Text(path)) = encoded(is_path)(rest)?;
        // Without a scheme, a colon in the first segment would be the end of one.
        let (first, _) = text::split(path, b'/').unwrap_or((path, ""));
        if let (None, None, Some((before, _))) = (scheme, network, text::split(first, b':')) {
            return fail(UriErrorKind::Character, rest.take_from(before.len()));
        }
        let (rest, _) = opt(preceded(char('?'), encoded(is_query))).parse(after)?;
        let (rest, _) = opt(preceded(char('#'), encoded(is_query))).parse(rest)?;
        if rest.0.is_empty() { Ok((rest, ())) } else { fail(UriErrorKind::Character, rest) }
    };
    read().map(drop).map_err(|error| fault(error).left)
}
