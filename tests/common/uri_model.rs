//! CoAP URIs read a second time, from the RFCs alone and with a heap, and what must hold of the library's reader.
//!
//! Where `src/uri/` reads from left to right by a grammar, this cuts the text at its delimiters as RFC 3986 appendix B
//! does, and resolves `.` and `..` with the two buffers of its section 5.2.4.

use coaplet::uri::{CoapUri, ComposeError, Host, RequestUri, Scheme, UriErrorKind};
use coaplet::{Code, Header, Message, OptionNumber, Writer};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What a CoAP URI says.
#[derive(Debug, PartialEq, Eq)]
pub struct Uri {
    pub scheme: &'static str,
    pub host: ModelHost,
    pub port: u16,
    pub path: Vec<String>,
    pub query: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum ModelHost {
    Ip(IpAddr, Option<String>),
    Name(String),
}

const SCHEMES: [(&str, u16); 6] =
    [("coap", 5683), ("coaps", 5684), ("coap+tcp", 5683), ("coaps+tcp", 5684), ("coap+ws", 80), ("coaps+ws", 443)];

/// RFC 3986 2.2, 2.3.
const NAME: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=";
const UNRESERVED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

/// Whether a text has nothing but these characters and percent-encodings.
fn has_only(text: &str, allowed: &str, more: &str) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let good = match c {
            '%' => (0..2).all(|_| chars.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            c => allowed.contains(c) || more.contains(c),
        };
        if !good {
            return false;
        }
    }
    true
}

/// Percent-decoding, to what the value of an option may be.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        if byte == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&behind[..2]).unwrap(), 16).unwrap());
            rest = &behind[2..];
        } else {
            bytes.push(byte);
            rest = behind;
        }
    }
    String::from_utf8(bytes).ok().filter(|text| text.len() <= 255)
}

/// RFC 3986 5.2.4, step by step.
fn remove_dot_segments(path: &str) -> String {
    let (mut input, mut output) = (path.to_owned(), String::new());
    let last = |output: &mut String| output.truncate(output.rfind('/').unwrap_or(0));
    while !input.is_empty() {
        if let Some(rest) = input.strip_prefix("../").or(input.strip_prefix("./")) {
            input = rest.to_owned();
        } else if let Some(rest) = input.strip_prefix("/./") {
            input = format!("/{rest}");
        } else if input == "/." {
            input = "/".into();
        } else if let Some(rest) = input.strip_prefix("/../") {
            input = format!("/{rest}");
            last(&mut output);
        } else if input == "/.." {
            input = "/".into();
            last(&mut output);
        } else if input == "." || input == ".." {
            input.clear();
        } else {
            let end = input[1..].find('/').map_or(input.len(), |at| at + 1);
            output.push_str(&input[..end]);
            input.drain(..end);
        }
    }
    output
}

/// RFC 7252 6.1 and 6.4.
pub fn read(text: &str) -> Option<Uri> {
    let (scheme, rest) = text.split_once(':')?;
    let (scheme, default_port) = SCHEMES.into_iter().find(|(name, _)| *name == scheme.to_ascii_lowercase())?;
    let rest = rest.strip_prefix("//").filter(|rest| !rest.contains('#'))?;
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.strip_prefix('[') {
        Some(literal) => {
            let (literal, port) = literal.split_once(']')?;
            let (address, zone) = match literal.split_once("%25") {
                Some((address, zone)) if !zone.is_empty() && has_only(zone, UNRESERVED, "") => {
                    (address, Some(decode(zone)?))
                }
                Some(_) => return None,
                None => (literal, None),
            };
            (ModelHost::Ip(IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), zone), port)
        }
        None => {
            let (name, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            if name.is_empty() || !has_only(name, NAME, "") {
                return None;
            }
            let host = match name.parse::<Ipv4Addr>() {
                Ok(address) => ModelHost::Ip(IpAddr::V4(address), None),
                // Small letters first, then what is percent-encoded (RFC 7252 6.4, step 5).
                Err(_) => ModelHost::Name(decode(&name.to_ascii_lowercase())?),
            };
            (host, port)
        }
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => default_port,
        Some("") => default_port,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            let digits = digits.trim_start_matches('0');
            if digits.is_empty() { 0 } else { digits.parse().ok()? }
        }
        _ => return None,
    };
    if !has_only(path, NAME, ":@/") || !has_only(query.unwrap_or(""), NAME, ":@/?") {
        return None;
    }
    let path = remove_dot_segments(path);
    let path = if path.is_empty() || path == "/" { vec![] } else { path[1..].split('/').collect() };
    let query = query.map_or(vec![], |query| query.split('&').collect());
    let decode = |parts: Vec<&str>| parts.into_iter().map(decode).collect::<Option<Vec<_>>>();
    Some(Uri { scheme, host, port, path: decode(path)?, query: decode(query)? })
}

/// RFC 3986 4.1. What is in the brackets of a host is any text without delimiters, as in the library.
pub fn is_reference(text: &str) -> bool {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !has_only(fragment, NAME, ":@/?") || !has_only(query, NAME, ":@/?") {
        return false;
    }
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let (has_scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (true, rest),
        _ => (false, rest),
    };
    let Some(behind) = rest.strip_prefix("//") else {
        let first = rest.split('/').next().unwrap();
        return has_only(rest, NAME, ":@/") && (has_scheme || !first.contains(':'));
    };
    let (authority, path) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
    let (user, host) = authority.split_once('@').unwrap_or(("", authority));
    let is_port = |port: &str| {
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let host = match host.strip_prefix('[') {
        Some(literal) => literal.split_once(']').is_some_and(|(inside, port)| {
            !inside.is_empty() && inside.chars().all(|c| NAME.contains(c) || ":%".contains(c)) && is_port(port)
        }),
        None => {
            let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
            has_only(name, NAME, "") && is_port(port)
        }
    };
    has_only(user, NAME, ":") && host && has_only(path, NAME, ":@/")
}

/// A request with what `write` writes, of so many bytes at most.
fn request(size: usize, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buffer = vec![0; size];
    let mut writer = Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &[]);
    write(&mut writer);
    let length = writer.finish().expect("a request");
    buffer.truncate(length);
    buffer
}

/// Options as the writer's own setters write them.
fn expected(size: usize, host: Option<&str>, port: Option<u16>, path: &[String], query: &[String]) -> Vec<u8> {
    request(size, |writer| {
        if let Some(host) = host {
            writer.option(OptionNumber::URI_HOST, host.as_bytes());
        }
        if let Some(port) = port {
            writer.uri_port(port);
        }
        for segment in path {
            writer.option(OptionNumber::URI_PATH, segment.as_bytes());
        }
        for argument in query {
            writer.option(OptionNumber::URI_QUERY, argument.as_bytes());
        }
    })
}

/// An address that no URI has.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 254));

/// Any text: both readers agree on whether it is a CoAP URI, on what it says, and on what is sent; and what is sent
/// composes to a URI that is equivalent. Gives back whether it is one.
pub fn check(text: &str) -> bool {
    let (uri, model) = match (CoapUri::parse(text), read(text)) {
        (Ok(uri), Some(model)) => (uri, model),
        (Err(error), None) => {
            assert!(text.is_char_boundary(error.offset()), "{text:?}: {error}");
            assert!(!error.to_string().contains(char::is_control), "{text:?}: {error}");
            if error.kind() == UriErrorKind::Fragment {
                assert!(text[error.offset()..].starts_with('#'));
            }
            return false;
        }
        (ours, model) => panic!("{text:?}: {ours:?}, but {model:?}"),
    };
    assert_eq!((uri.as_str(), uri.to_string().as_str()), (text, text));
    assert_eq!((uri.scheme().name(), uri.port()), (model.scheme, model.port), "{text:?}");
    let host = match uri.host() {
        Host::Name(name) => ModelHost::Name(name.to_string()),
        Host::Ipv4(address) => ModelHost::Ip(address.into(), None),
        Host::Ipv6 { address, zone } => ModelHost::Ip(address.into(), zone.map(|zone| zone.to_string())),
    };
    assert_eq!(host, model.host, "{text:?}");
    assert!(uri.path().map(|segment| segment.to_string()).eq(model.path.iter().cloned()), "{text:?}: {model:?}");
    assert!(uri.query().map(|argument| argument.to_string()).eq(model.query.iter().cloned()), "{text:?}: {model:?}");
    for part in uri.path().chain(uri.query()) {
        assert_eq!(part.len(), part.to_string().len());
        assert!(part.bytes().eq(part.to_string().bytes()) && part == *part.to_string());
        assert!(part.as_str().is_none_or(|text| part == text));
    }
    assert!(uri.is_equivalent(&uri));

    // What is sent, where the URI says and elsewhere. At most four bytes of message for one of text.
    let size = 64 + 4 * text.len();
    let name = match &model.host {
        ModelHost::Name(name) => Some(&**name),
        ModelHost::Ip(..) => None,
    };
    let there = request(size, |writer| {
        writer.uri(&uri);
    });
    assert_eq!(there, expected(size, name, None, &model.path, &model.query), "{text:?}");
    let literal = match &model.host {
        ModelHost::Name(name) => name.clone(),
        ModelHost::Ip(IpAddr::V4(address), _) => address.to_string(),
        // As it is written, in small letters.
        ModelHost::Ip(IpAddr::V6(_), _) => {
            let inside = text.split_once('[').unwrap().1.split(['%', ']']).next().unwrap();
            format!("[{}]", inside.to_ascii_lowercase())
        }
    };
    let other_port = model.port ^ 1;
    let elsewhere = request(size, |writer| {
        writer.uri_to(&uri, SocketAddr::new(ELSEWHERE, other_port));
    });
    let host = if uri.host().ip() == Some(ELSEWHERE) { None } else { Some(&*literal) };
    assert_eq!(elsewhere, expected(size, host, Some(model.port), &model.path, &model.query), "{text:?}");

    // Composed of it.
    let sound = |name: &str| name.chars().all(|c| NAME.contains(c) || !c.is_ascii());
    let is_literal =
        |name: &str| name.strip_prefix('[').and_then(|name| name.strip_suffix(']')?.parse::<Ipv6Addr>().ok()).is_some();
    for (datagram, destination) in [
        (&there, SocketAddr::new(uri.host().ip().unwrap_or(ELSEWHERE), model.port)),
        (&elsewhere, SocketAddr::new(ELSEWHERE, other_port)),
    ] {
        let message = Message::parse(datagram).unwrap();
        let composed = match RequestUri::of(&message, uri.scheme(), destination) {
            Ok(composed) => composed.to_string(),
            Err(ComposeError::DotSegment) => {
                assert!(model.path.iter().any(|segment| matches!(&**segment, "." | "..")), "{text:?}");
                continue;
            }
            Err(ComposeError::Host) => {
                assert!(name.is_some_and(|name| !sound(name) && !is_literal(name)), "{text:?}");
                continue;
            }
            Err(error) => panic!("{text:?}: {error}"),
        };
        let again = CoapUri::parse(&composed).unwrap_or_else(|error| panic!("{text:?}: {composed:?}: {error}"));
        // A name that is written as an address, but for its percent-encoding, is that address from then on.
        let hidden = name.is_some_and(|name| is_literal(name) || name.parse::<Ipv4Addr>().is_ok());
        let zone = matches!(&model.host, ModelHost::Ip(_, Some(_)));
        if hidden || zone {
            assert!(again.path().eq(uri.path()) && again.query().eq(uri.query()), "{text:?}: {composed:?}");
            assert!(hidden || again.host().ip() == uri.host().ip(), "{text:?}: {composed:?}");
        } else {
            assert!(again.is_equivalent(&uri) && uri.is_equivalent(&again), "{text:?}: {composed:?}");
        }
        // It is in normal form: composing changes nothing any more.
        assert_eq!(again.to_string(), composed);
    }
    true
}

/// Any request: what composes to a URI, comes out of that URI again.
pub fn check_request(datagram: &[u8], scheme: Scheme, destination: SocketAddr) {
    let Ok(message) = Message::parse(datagram) else { return };
    let Ok(composed) = RequestUri::of(&message, scheme, destination) else { return };
    let text = composed.to_string();
    let uri = CoapUri::parse(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(uri.scheme(), scheme);
    assert_eq!(uri.port(), message.uri_port().unwrap_or(destination.port()));
    match (message.uri_host(), uri.host()) {
        (None, host) => assert_eq!(host.ip(), Some(destination.ip()), "{text:?}"),
        (Some(name), Host::Name(host)) => assert_eq!(host, *name.to_ascii_lowercase()),
        (Some(name), host) => assert_eq!(name.trim_matches(['[', ']']).parse().ok(), host.ip()),
    }
    let path: Vec<_> = message.uri_path().map(Result::unwrap).collect();
    // A single empty Uri-Path comes out of no URI (RFC 7252 errata 4895).
    let path = if path == [""] { vec![] } else { path };
    assert!(uri.path().eq(path), "{text:?}");
    assert!(uri.query().eq(message.uri_query().map(Result::unwrap)), "{text:?}");
    assert!(text.is_ascii() && !text.contains('#'));
}
