//! Where a request goes: URIs, and the addresses of hosts.

use super::Error;
use crate::uri::{CoapUri, Scheme, UriError, UriErrorKind};
use std::format;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::string::{String, ToString};
use std::vec::Vec;

/// Reads a URI that can be asked over UDP.
pub(super) fn parse(uri: &str) -> Result<CoapUri<'_>, Error> {
    let target = readable(uri)?;
    let why = match target.scheme() {
        Scheme::Coap if target.port() == 0 => "0 is no port to send to".into(),
        Scheme::Coap => return Ok(target),
        other => format!("{other}:// is not spoken here, coap:// is"),
    };
    Err(wrong(uri, why))
}

/// Reads a URI that somebody can be asked, if only by a proxy.
pub(super) fn readable(uri: &str) -> Result<CoapUri<'_>, Error> {
    let target = CoapUri::parse(uri).map_err(|error| wrong(uri, explain(uri, error)))?;
    // Percent-encoded they are not resolved, and must not be sent (RFC 7252 5.10.1).
    if target.path().any(|segment| segment == "." || segment == "..") {
        return Err(wrong(uri, "a path has no segments . and .. that are percent-encoded".into()));
    }
    Ok(target)
}

pub(super) fn wrong(uri: &str, why: String) -> Error {
    Error::Uri { uri: uri.into(), why }
}

/// Scheme and authority of a URI: what stands in front of its path.
pub(super) fn origin(uri: &str) -> &str {
    let authority = uri.find("://").map_or(0, |at| at.saturating_add(3));
    let length = uri.get(authority..).and_then(|rest| rest.find(['/', '?']));
    length.and_then(|length| uri.get(..authority.saturating_add(length))).unwrap_or(uri)
}

/// The URI of what stands behind the host of another one: `path`, or, if that is empty, the other one itself.
pub(super) fn join(uri: &str, path: &str) -> String {
    match path {
        "" => uri.into(),
        path if path.starts_with(['/', '?']) => format!("{}{path}", origin(uri)),
        path => format!("{}/{path}", origin(uri)),
    }
}

/// The addresses at which the host of a URI may be found.
///
/// # Errors
///
/// [`Error::Host`]: the name is unknown, or nobody can be asked for it.
pub fn addresses(target: &CoapUri<'_>) -> Result<Vec<SocketAddr>, Error> {
    let host = target.host().to_string();
    let unknown = |why: String| Error::Host { host: host.clone(), why };
    let found = (host.as_str(), target.port()).to_socket_addrs().map_err(|error| unknown(reason(&error)))?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(unknown("it has no address".into())) } else { Ok(addresses) }
}

/// What the resolver says, without that it failed.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.rsplit("failed to lookup address information: ").next().map(String::from).unwrap_or(text)
}

/// The address that a text such as `127.0.0.1:5683`, `[::1]`, `localhost` or `:61616` names to listen on; without a port
/// it is 5683, without a host all of this machine.
///
/// # Errors
///
/// [`Error::Uri`]: the text is no address; [`Error::Host`]: a name is unknown.
pub fn listening(text: &str) -> Result<SocketAddr, Error> {
    let port = Scheme::Coap.default_port();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok((address, port).into());
    }
    let text = if text.starts_with(':') { format!("[::]{text}") } else { text.into() };
    let uri = format!("coap://{text}");
    let wrong = |why: &str| Error::Uri { uri: text.clone(), why: format!("{why}; write 127.0.0.1:5683 or [::1]:5683") };
    let target = CoapUri::parse(&uri).map_err(|error| wrong(&explain(&uri, error)))?;
    if text.contains(['/', '?', '@']) {
        return Err(wrong("an address to listen on has neither path nor query"));
    }
    addresses(&target)?.into_iter().next().ok_or_else(|| wrong("it has no address"))
}

/// What is wrong, with what of the text it is that is wrong.
fn explain(uri: &str, error: UriError) -> String {
    let rest = uri.get(error.offset()..).unwrap_or_default();
    match (error.kind(), rest.chars().next()) {
        (UriErrorKind::NotAbsolute | UriErrorKind::UnsupportedScheme, _) => {
            "it begins with coap://, as in coap://127.0.0.1:5683/time".into()
        }
        (UriErrorKind::Port, _) => {
            let port = rest.split(['/', '?', '#']).next().unwrap_or_default();
            format!("{port:?} is no port: 0 to 65535")
        }
        (UriErrorKind::Character, Some(bad)) => {
            let coded: String = bad.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
            format!("write the character {bad:?} as {coded}")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris() {
        for (uri, why) in [
            ("127.0.0.1/time", "it begins with coap://"),
            ("http://host/", "it begins with coap://"),
            ("coaps://host/", "coaps:// is not spoken here"),
            ("coap://host:0/", "0 is no port"),
            ("coap://host:99999/", "\"99999\" is no port"),
            ("coap://host/a b", "write the character ' ' as %20"),
            ("coap://host/%2e%2e", "percent-encoded"),
            ("coap://host/#top", "fragment"),
        ] {
            let error = parse(uri).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{uri:?}")) && error.contains(why), "{uri}: {error}");
        }
        for (uri, front) in [
            ("coap://host", "coap://host"),
            ("coap://host/a", "coap://host"),
            ("coap://[::1]:7?a/b", "coap://[::1]:7"),
            ("coap://host:1/a?b=/c", "coap://host:1"),
        ] {
            assert_eq!(origin(uri), front);
            assert!(parse(uri).is_ok());
        }
    }

    #[test]
    fn addresses_to_listen_on() {
        for (text, address) in [
            ("127.0.0.1", "127.0.0.1:5683"),
            ("::1", "[::1]:5683"),
            ("[::1]:7", "[::1]:7"),
            (":61616", "[::]:61616"),
            ("[::]:0", "[::]:0"),
        ] {
            assert_eq!(listening(text).unwrap(), address.parse().unwrap(), "{text}");
        }
        for text in ["127.0.0.1:5683/a", "a b", "", "127.0.0.1:x", "::1]", "u@127.0.0.1"] {
            assert!(matches!(listening(text), Err(Error::Uri { .. })), "{text:?}: {:?}", listening(text));
        }
    }
}
