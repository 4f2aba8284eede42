//! Where a request goes: `coap://host:port/path?query` as RFC 7252 6.4 takes it apart, and `host:port` for `--bind`.

use coaplet::{OptionNumber, Writer};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

/// RFC 7252 6.1.
const DEFAULT_PORT: u16 = 5683;

pub struct Target {
    /// As given, without brackets.
    host: String,
    port: u16,
    path: Vec<Vec<u8>>,
    query: Vec<Vec<u8>>,
}

impl Target {
    pub fn parse(uri: &str) -> Result<Target, String> {
        let wrong = |why: &str| format!("{uri:?} is not a URI to ask: {why}");
        let rest = match uri.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("coap") => rest,
            Some((scheme, _)) if scheme.to_ascii_lowercase().starts_with("coap") => {
                return Err(wrong("this example speaks coap:// (UDP without security) only"));
            }
            _ => return Err(wrong("it begins with coap://, as in coap://127.0.0.1:5683/time")),
        };
        if rest.contains('#') {
            return Err(wrong("it has no #fragment; write %23 for the character"));
        }
        if let Some(bad) = rest.chars().find(|c| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(*c)) {
            let mut bytes = [0; 4];
            let coded: String = bad.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")).collect();
            return Err(wrong(&format!("write the character {bad:?} as {coded}")));
        }
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(wrong("a CoAP URI has no user name"));
        }
        let (host, port) = host_and_port(authority).map_err(|why| wrong(&why))?;
        if port == 0 {
            return Err(wrong("0 is no port to send to"));
        }
        // RFC 7252 6.4, steps 8 and 9. The first slash is no segment, and alone it is the root.
        let path = match path.strip_prefix('/').unwrap_or("") {
            "" => Vec::new(),
            path => path.split('/').map(decode).collect::<Result<_, _>>().map_err(|why| wrong(&why))?,
        };
        if path.iter().any(|segment: &Vec<u8>| segment == b"." || segment == b"..") {
            return Err(wrong("a path has no segments . and .."));
        }
        let query = match query {
            None => Vec::new(),
            Some(query) => query.split('&').map(decode).collect::<Result<_, _>>().map_err(|why| wrong(&why))?,
        };
        Ok(Target { host, port, path, query })
    }

    pub fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        addresses(&self.host, self.port)
    }

    /// Writes Uri-Host, Uri-Path and Uri-Query.
    pub fn options(&self, request: &mut Writer<'_>) {
        // RFC 7252 6.4, step 5: an address is what the datagram is sent to anyway. Only IPv6 has a colon.
        if self.host.parse::<IpAddr>().is_err() && !self.host.contains(':') {
            request.uri_host(&self.host);
        }
        for segment in &self.path {
            request.option(OptionNumber::URI_PATH, segment);
        }
        for argument in &self.query {
            request.option(OptionNumber::URI_QUERY, argument);
        }
    }
}

/// Host and port of `--bind`: `127.0.0.1:5683`, `[::1]:5683`, `localhost`, `::1`.
pub fn parse_bind(text: &str) -> Result<(String, u16), String> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok((text.into(), DEFAULT_PORT));
    }
    host_and_port(text)
        .map_err(|why| format!("{text:?} is not an address to listen on: {why}, as in 127.0.0.1:5683 or [::1]:5683"))
}

/// Looks a host up.
pub fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let unknown = |why: String| format!("cannot find the host {host:?}: {why}; check the name, or give its address");
    let found: Vec<_> = (host, port).to_socket_addrs().map_err(|error| unknown(error.to_string()))?.collect();
    if found.is_empty() { Err(unknown("it has no address".into())) } else { Ok(found) }
}

/// Takes `host`, `host:port`, `[IPv6]` or `[IPv6]:port` apart.
fn host_and_port(authority: &str) -> Result<(String, u16), String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("the bracket of the IPv6 address is not closed")?;
            // RFC 6874: a zone is written behind %25.
            let host = host.replacen("%25", "%", 1);
            let address = host.split('%').next().unwrap_or_default();
            address.parse::<std::net::Ipv6Addr>().map_err(|_| format!("[{host}] is not an IPv6 address"))?;
            (host, port)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            if port.matches(':').count() > 1 {
                return Err("an IPv6 address stands in brackets".into());
            }
            let host = String::from_utf8(decode(host)?).map_err(|_| "its host is not UTF-8")?.to_lowercase();
            (host, port)
        }
    };
    if host.is_empty() {
        return Err("it has no host".into());
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => DEFAULT_PORT,
        None => return Err(format!("{port:?} behind the bracket is no :port")),
        Some("") => DEFAULT_PORT,
        Some(port) => port.parse().map_err(|_| format!("{port:?} is no port: 0 to 65535"))?,
    };
    Ok((host, port))
}

/// Percent-decoding of one part, which is an option value then.
fn decode(part: &str) -> Result<Vec<u8>, String> {
    let mut bytes = part.bytes();
    let mut decoded = Vec::with_capacity(part.len());
    while let Some(byte) = bytes.next() {
        let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
        decoded.push(match byte {
            b'%' => match (digit(), digit()) {
                (Some(high), Some(low)) => (high << 4 | low) as u8,
                _ => return Err("two hexadecimal digits follow a %".into()),
            },
            byte => byte,
        });
    }
    // RFC 7252 5.10.1; for the host, too.
    if decoded.len() > 255 { Err("each of its parts has at most 255 bytes".into()) } else { Ok(decoded) }
}
