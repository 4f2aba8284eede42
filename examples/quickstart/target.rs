//! Where a request goes: the URI that is asked, and `host:port` for `--bind`.

use coaplet::uri::{CoapUri, Scheme, UriError, UriErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

/// A URI to ask.
pub fn parse(uri: &str) -> Result<CoapUri<'_>, String> {
    let wrong = |why: &str| format!("{uri:?} is not a URI to ask: {why}");
    let target = CoapUri::parse(uri).map_err(|error| wrong(&explain(uri, error)))?;
    if target.scheme() != Scheme::Coap {
        return Err(wrong("this example speaks coap:// (UDP without security) only"));
    }
    if target.port() == 0 {
        return Err(wrong("0 is no port to send to"));
    }
    // Percent-encoded they are not resolved, and must not be sent (RFC 7252 5.10.1).
    if target.path().any(|segment| segment == "." || segment == "..") {
        return Err(wrong("a path has no segments . and .. that are percent-encoded"));
    }
    Ok(target)
}

/// The addresses of the URI's host.
pub fn addresses(target: &CoapUri<'_>) -> Result<Vec<SocketAddr>, String> {
    look_up(&target.host().to_string(), target.port())
}

/// The addresses of `--bind`: `127.0.0.1:5683`, `[::1]:5683`, `localhost`, `::1`.
pub fn to_bind(text: &str) -> Result<Vec<SocketAddr>, (u8, String)> {
    let port = Scheme::Coap.default_port();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(vec![(address, port).into()]);
    }
    let uri = format!("coap://{text}");
    let wrong =
        |why: &str| format!("{text:?} is not an address to listen on: {why}, as in 127.0.0.1:5683 or [::1]:5683");
    let authority = CoapUri::parse(&uri).map_err(|error| (2, wrong(&explain(&uri, error))))?;
    if text.contains(['/', '?']) {
        return Err((2, wrong("it has a path or a query")));
    }
    addresses(&authority).map_err(|why| (1, why))
}

fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let unknown = |why: String| format!("cannot find the host {host:?}: {why}; check the name, or give its address");
    let found: Vec<_> = (host, port).to_socket_addrs().map_err(|error| unknown(error.to_string()))?.collect();
    if found.is_empty() { Err(unknown("it has no address".into())) } else { Ok(found) }
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
