//! CoAP URIs (RFC 7252 section 6, RFC 8323 section 8): taken apart into options, and composed of them.
//!
//! [`CoapUri::parse`] checks a URI once, from its first byte to its last; after it nothing fails. Nothing is copied:
//! [`Writer::uri`] decodes what is percent-encoded on its way into the message. [`RequestUri`] goes the other way.
//!
//! ```
//! use coaplet::uri::{CoapUri, RequestUri, Scheme};
//! use coaplet::{Code, Header, Message, Writer};
//!
//! let uri = CoapUri::parse("coap://Sensors.example/temp/%C3%A4?u=Cel")?;
//! assert_eq!((uri.scheme(), uri.port()), (Scheme::Coap, 5683));
//!
//! let mut buffer = [0; 64];
//! let length = Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &[]).uri(&uri).finish()?;
//! let request = Message::parse(&buffer[..length])?;
//! assert_eq!(request.uri_host(), Some("sensors.example"));
//! assert!(request.path_is("temp/ä"));
//!
//! // And back, for whoever received it.
//! let composed = RequestUri::of(&request, Scheme::Coap, "192.0.2.1:5683".parse()?)?;
//! assert_eq!(composed.to_string(), "coap://sensors.example/temp/%C3%A4?u=Cel");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! | for | look in |
//! |---|---|
//! | the URI and its host, what it writes into a message | `mod.rs` |
//! | its parts, decoded; `.` and `..` | `component.rs` |
//! | from options to a URI | `compose.rs` |
//! | the grammar, of CoAP URIs and of references in links | `grammar.rs`, `address.rs` |
//! | what can be wrong | `error.rs` |

mod address;
mod component;
mod compose;
mod error;
mod grammar;

pub use component::{Arguments, Bytes, Chars, Component, Segments};
pub use compose::RequestUri;
pub use error::{ComposeError, UriError, UriErrorKind};
pub(crate) use grammar::{is_segment, reference};

use crate::{OptionNumber, Writer};
use address::Printed;
use core::fmt::{self, Write};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

macro_rules! schemes {
    ($($scheme:ident $name:literal $port:literal $secure:literal $what:literal;)*) => {
        /// The scheme of a CoAP URI: by which transport the resource is reached.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum Scheme {
            $(#[doc = concat!("`", $name, "`: ", $what, ".")] $scheme,)*
        }

        impl Scheme {
            /// Every scheme.
            pub const ALL: &'static [Scheme] = &[$(Scheme::$scheme),*];

            /// As it stands in front of a URI's first colon, in small letters.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Scheme::$scheme => $name,)* }
            }

            /// The port where a URI has none.
            #[must_use]
            pub const fn default_port(self) -> u16 {
                match self { $(Scheme::$scheme => $port,)* }
            }

            /// Whether what is sent is secured, by DTLS or TLS.
            #[must_use]
            pub const fn is_secure(self) -> bool {
                match self { $(Scheme::$scheme => $secure,)* }
            }
        }
    };
}

schemes! {
    Coap "coap" 5683 false "UDP (RFC 7252 6.1)";
    Coaps "coaps" 5684 true "DTLS over UDP (RFC 7252 6.2)";
    CoapTcp "coap+tcp" 5683 false "TCP (RFC 8323 8.1)";
    CoapsTcp "coaps+tcp" 5684 true "TLS over TCP (RFC 8323 8.2)";
    CoapWs "coap+ws" 80 false "WebSockets (RFC 8323 8.3)";
    CoapsWs "coaps+ws" 443 true "WebSockets over TLS (RFC 8323 8.4)";
}

impl Scheme {
    /// The scheme of this name, in letters of any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Scheme> {
        Scheme::ALL.iter().copied().find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The host of a URI. Printing it gives what a resolver takes: an address without brackets, and a zone behind `%`.
///
/// ```
/// use coaplet::uri::CoapUri;
///
/// assert_eq!(CoapUri::parse("coap://[fe80::1%25eth0]/")?.host().to_string(), "fe80::1%eth0");
/// assert_eq!(CoapUri::parse("coap://EXAMPLE.com")?.host().to_string(), "example.com");
/// # Ok::<(), coaplet::uri::UriError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Host<'u> {
    /// An IPv4 address: the destination.
    Ipv4(#[cfg_attr(feature = "defmt", defmt(Debug2Format))] Ipv4Addr),
    /// An IPv6 address: the destination.
    Ipv6 {
        /// The address.
        #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
        address: Ipv6Addr,
        /// The zone in which it lies, if it is named: a network interface of this machine, for the destination alone
        /// and never sent (RFC 6874).
        zone: Option<Component<'u>>,
    },
    /// A registered name, to be looked up, and sent as Uri-Host. Capitals count as small letters.
    Name(Component<'u>),
}

impl Host<'_> {
    /// The address, if it is one.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match *self {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6 { address, .. } => Some(IpAddr::V6(address)),
            Host::Name(_) => None,
        }
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Ipv4(address) => write!(f, "{}", Printed((*address).into())),
            Host::Ipv6 { address, zone } => {
                write!(f, "{}", Printed((*address).into()))?;
                zone.map_or(Ok(()), |zone| write!(f, "%{zone}"))
            }
            Host::Name(name) => name.chars().try_for_each(|c| f.write_char(c)),
        }
    }
}

/// A CoAP URI, read where it lies.
///
/// ```
/// use coaplet::uri::{CoapUri, Host, Scheme};
///
/// let uri = CoapUri::parse("coaps+ws://[2001:db8::1]/a/../b%2Fc/?d&e=f")?;
/// assert_eq!((uri.scheme(), uri.port()), (Scheme::CoapsWs, 443));
/// assert_eq!(uri.host().ip(), Some("2001:db8::1".parse()?));
/// assert!(uri.path().eq(["b/c", ""]));
/// assert!(uri.query().eq(["d", "e=f"]));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CoapUri<'u> {
    text: &'u str,
    scheme: Scheme,
    host: Host<'u>,
    /// Without brackets and zone.
    host_text: &'u str,
    port: u16,
    path: &'u str,
    query: Option<&'u str>,
}

impl<'u> CoapUri<'u> {
    /// Reads a URI (RFC 7252 6.4, RFC 8323 8.6).
    ///
    /// `.` and `..` in its path are resolved as RFC 3986 5.2.4 says, before anything is decoded: `%2E` is a segment.
    ///
    /// # Errors
    ///
    /// What is wrong first, and at which byte: a text that is no URI of one of the six [schemes](Scheme), a fragment,
    /// no host, what is not UTF-8 once it is decoded, or a host, segment or argument of more than 255 bytes.
    pub fn parse(uri: &'u str) -> Result<CoapUri<'u>, UriError> {
        grammar::parse(uri)
    }

    /// The URI as it was given.
    #[must_use]
    pub const fn as_str(&self) -> &'u str {
        self.text
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> Host<'u> {
        self.host
    }

    /// The port, 0 to 65535: the scheme's, if none is given.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The segments of the path, decoded: none for the root, an empty last one for a slash at the end.
    #[must_use]
    pub fn path(&self) -> Segments<'u> {
        Segments::new(self.path)
    }

    /// The arguments of the query, decoded: none without a query, an empty one for a `?` with nothing behind it.
    #[must_use]
    pub const fn query(&self) -> Arguments<'u> {
        Arguments::new(self.query)
    }

    /// Whether the two ask the same of the same: they have scheme, host and port in common, and all options.
    ///
    /// That is so for URIs that RFC 7252 6.3 calls equivalent. A zone counts.
    ///
    /// ```
    /// use coaplet::uri::CoapUri;
    ///
    /// let uri = CoapUri::parse("coap://example.com:5683/~sensors/temp.xml")?;
    /// assert!(uri.is_equivalent(&CoapUri::parse("coap://EXAMPLE.com:/%7esensors/temp.xml")?));
    /// # Ok::<(), coaplet::uri::UriError>(())
    /// ```
    #[must_use]
    pub fn is_equivalent(&self, other: &CoapUri<'_>) -> bool {
        let host = match (self.host, other.host) {
            // The case of what is percent-encoded does not matter either (RFC 3986 3.2.2).
            (Host::Name(one), Host::Name(other)) => {
                let small = |name: Component<'_>, other: Component<'_>| {
                    let bytes = other.bytes().map(|byte| byte.to_ascii_lowercase());
                    name.bytes().map(|byte| byte.to_ascii_lowercase()).eq(bytes)
                };
                small(one, other)
            }
            (one, other) => one == other,
        };
        host && self.scheme == other.scheme
            && self.port == other.port
            && self.path().eq(other.path())
            && self.query().eq(other.query())
    }
}

/// The URI as it was given.
impl fmt::Display for CoapUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text)
    }
}

/// URIs.
impl Writer<'_> {
    /// Uri-Host, Uri-Path and Uri-Query of a request that is sent where the URI says (RFC 7252 6.4).
    ///
    /// Uri-Host is written for a name alone: an address is where the request goes anyway, and so is the port. Options
    /// between these three are [inserted](Writer::insert) behind this.
    ///
    /// ```
    /// use coaplet::uri::CoapUri;
    /// use coaplet::{Code, Header, Message, Writer};
    ///
    /// let uri = CoapUri::parse("coap://[2001:db8::1]:61616/caf%C3%A9/?u=Cel")?;
    /// let mut buffer = [0; 64];
    /// let length = Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &[]).uri(&uri).finish()?;
    /// assert_eq!(buffer[..length], *b"\x40\x01\x00\x01\xb5caf\xc3\xa9\x00\x45u=Cel");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn uri(&mut self, uri: &CoapUri<'_>) -> &mut Self {
        if let Host::Name(name) = uri.host {
            self.component(OptionNumber::URI_HOST, name);
        }
        self.path_and_query(uri)
    }

    /// The same for a request that may go elsewhere: to a proxy, or to what a name was resolved to.
    ///
    /// Uri-Host is left out if the URI has this address for its host, and Uri-Port if it has this port (RFC 7252 6.4,
    /// steps 5 and 7). A zone is never written.
    ///
    /// ```
    /// use coaplet::uri::CoapUri;
    /// use coaplet::{Code, Header, Message, Writer};
    ///
    /// let uri = CoapUri::parse("coap://[2001:db8::1]/temp")?;
    /// let proxy = "192.0.2.1:61616".parse()?;
    /// let mut buffer = [0; 64];
    /// let header = Header::confirmable(Code::GET, 1);
    /// let length = Writer::new(&mut buffer, header, &[]).uri_to(&uri, proxy).proxy_scheme("coap").finish()?;
    /// let request = Message::parse(&buffer[..length])?;
    /// assert_eq!((request.uri_host(), request.uri_port()), (Some("[2001:db8::1]"), Some(5683)));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn uri_to(&mut self, uri: &CoapUri<'_>, destination: SocketAddr) -> &mut Self {
        if uri.host.ip() != Some(destination.ip()) {
            let (open, close): (&[u8], &[u8]) = match uri.host {
                Host::Ipv6 { .. } => (b"[", b"]"),
                _ => (b"", b""),
            };
            let host = Component::host(uri.host_text);
            let length = host.len().saturating_add(open.len()).saturating_add(close.len());
            let bytes = open.iter().copied().chain(host.bytes()).chain(close.iter().copied());
            self.option_of(OptionNumber::URI_HOST, length, bytes);
        }
        if uri.port != destination.port() {
            self.uri_port(uri.port);
        }
        self.path_and_query(uri)
    }

    fn path_and_query(&mut self, uri: &CoapUri<'_>) -> &mut Self {
        for segment in uri.path() {
            self.component(OptionNumber::URI_PATH, segment);
        }
        for argument in uri.query() {
            self.component(OptionNumber::URI_QUERY, argument);
        }
        self
    }

    fn component(&mut self, number: OptionNumber, component: Component<'_>) {
        self.option_of(number, component.len(), component.bytes());
    }
}

// `defmt::Format` on every public type, said once more for the compiler to check.
#[cfg(feature = "defmt")]
const _: fn() = || {
    fn format<T: defmt::Format>() {}
    let _ = [
        format::<Arguments<'_>>,
        format::<Bytes<'_>>,
        format::<Chars<'_>>,
        format::<CoapUri<'_>>,
        format::<Component<'_>>,
        format::<ComposeError>,
        format::<Host<'_>>,
        format::<RequestUri<'_>>,
        format::<Scheme>,
        format::<Segments<'_>>,
        format::<UriError>,
        format::<UriErrorKind>,
    ];
};
