//! The URI of a request, from its options and from where it was sent (RFC 7252 6.5, RFC 8323 8.7).

use super::Scheme;
use super::address::{self, Printed};
use super::error::ComposeError;
use super::grammar::{is_argument, is_name, is_segment};
use crate::wire::Strings;
use crate::{Message, OptionNumber};
use core::fmt::{self, Write};
use core::net::{IpAddr, SocketAddr};

/// The URI of a request. Printing it writes it, in normal form, into any [`core::fmt::Write`].
///
/// ```
/// use coaplet::uri::{RequestUri, Scheme};
/// use coaplet::{Code, Header, Message, Writer};
///
/// let mut buffer = [0; 64];
/// let header = Header::confirmable(Code::GET, 1);
/// let length = Writer::new(&mut buffer, header, &[]).path("a b/c").query("d=&").finish()?;
///
/// let request = Message::parse(&buffer[..length])?;
/// let uri = RequestUri::of(&request, Scheme::Coap, "[2001:db8::1]:5683".parse()?)?;
/// assert_eq!(uri.to_string(), "coap://[2001:db8::1]/a%20b/c?d=%26");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RequestUri<'m> {
    scheme: Scheme,
    /// `None`: the address.
    host: Option<&'m str>,
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    address: IpAddr,
    port: u16,
    path: Strings<'m>,
    query: Strings<'m>,
}

impl<'m> RequestUri<'m> {
    /// The URI of a request that was sent to this destination, by the transport that the scheme names.
    ///
    /// # Errors
    ///
    /// If options of the request are not as RFC 7252 wants them, so that no URI can be composed; or if the one that
    /// would be is that of another resource.
    pub fn of(request: &Message<'m>, scheme: Scheme, destination: SocketAddr) -> Result<RequestUri<'m>, ComposeError> {
        let host = single(request, OptionNumber::URI_HOST, request.uri_host())?;
        let port = single(request, OptionNumber::URI_PORT, request.uri_port())?;
        if let Some(host) = host {
            check_host(host)?;
        }
        let (path, query) = (request.uri_path(), request.uri_query());
        for segment in path.clone() {
            match segment {
                Ok("." | "..") => return Err(ComposeError::DotSegment),
                Ok(_) => {}
                Err(_) => return Err(ComposeError::Malformed(OptionNumber::URI_PATH)),
            }
        }
        if query.clone().any(|argument| argument.is_err()) {
            return Err(ComposeError::Malformed(OptionNumber::URI_QUERY));
        }
        let port = port.unwrap_or(destination.port());
        Ok(RequestUri { scheme, host, address: destination.ip(), port, path, query })
    }

    /// The same where the transport has named the host, which is the default of Uri-Host then: by Server Name
    /// Indication in TLS, by the Host header in a WebSocket's handshake (RFC 8323 8.5).
    ///
    /// # Errors
    ///
    /// [`ComposeError::Host`] if this is no host.
    pub fn with_default_host(self, host: &'m str) -> Result<RequestUri<'m>, ComposeError> {
        check_host(host)?;
        Ok(RequestUri { host: self.host.or(Some(host)), ..self })
    }
}

/// The value of an option that stands in a message once at most, and is there only if it is as it should be.
fn single<T>(request: &Message<'_>, number: OptionNumber, value: Option<T>) -> Result<Option<T>, ComposeError> {
    match (request.options_of(number).count(), &value) {
        (0, None) | (1, Some(_)) => Ok(value),
        _ => Err(ComposeError::Malformed(number)),
    }
}

/// RFC 7252 6.5, step 2.
fn check_host(host: &str) -> Result<(), ComposeError> {
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let sound = match literal {
        Some(address) => address::parse_ipv6(address).is_some(),
        None => !host.is_empty() && host.chars().all(|c| is_name(c) || !c.is_ascii()),
    };
    if sound { Ok(()) } else { Err(ComposeError::Host) }
}

/// Writes characters, percent-encoded unless they are allowed.
fn encode(f: &mut fmt::Formatter<'_>, text: &str, allowed: fn(char) -> bool) -> fmt::Result {
    for c in text.chars() {
        if allowed(c) {
            f.write_char(c)?;
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase();
            f.write_char('%')?;
            f.write_char(digit(byte >> 4))?;
            f.write_char(digit(byte & 15))?;
        }
    }
    Ok(())
}

impl fmt::Display for RequestUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme.name())?;
        f.write_str("://")?;
        match (self.host, self.address) {
            // An address in brackets has been looked at.
            (Some(host), _) => encode(f, host, |c| is_name(c) || matches!(c, '[' | ']' | ':'))?,
            (None, address @ IpAddr::V4(_)) => write!(f, "{}", Printed(address))?,
            (None, address @ IpAddr::V6(_)) => write!(f, "[{}]", Printed(address))?,
        }
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        let mut any = false;
        // All have been looked at: none is an error.
        for segment in self.path.clone().flatten() {
            any = true;
            f.write_char('/')?;
            encode(f, segment, is_segment)?;
        }
        if !any {
            f.write_char('/')?;
        }
        let mut separator = '?';
        for argument in self.query.clone().flatten() {
            f.write_char(separator)?;
            separator = '&';
            encode(f, argument, is_argument)?;
        }
        Ok(())
    }
}
