//! How a client is set up.

use super::client::Client;
use super::{Error, target};
use crate::config::{Config, Transmission};
use crate::io::Address;
use crate::time::Instant;
use std::boxed::Box;
use std::fmt;
use std::net::SocketAddr;
use std::string::String;
use std::time::Duration;

/// Sees each datagram of a client.
pub type Trace = Box<dyn FnMut(&Passed<'_>) + Send>;

/// A datagram that passes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passed<'d> {
    /// When, since the client was made.
    pub at: Instant,
    /// In which direction.
    pub way: Way,
    /// The other side.
    pub peer: Address,
    /// Its bytes; of one that comes back, those that are known.
    pub datagram: &'d [u8],
}

/// The way that a datagram takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Out, for the first time or as a reply.
    Sent,
    /// Out, because it is due: once more, or after it had to wait.
    Due,
    /// In.
    Received,
    /// Back: the network says that nobody listens there.
    Unreachable,
}

/// How a [`Client`] is set up: [`connect`](Builder::connect) makes it.
///
/// ```no_run
/// use coaplet::host::Client;
/// use std::time::Duration;
///
/// let mut client = Client::builder()
///     .timeout(Duration::from_secs(10))
///     .trace(|passed| eprintln!("{} ms: {} bytes", passed.at.as_millis(), passed.datagram.len()))
///     .connect("coap://[2001:db8::1]")?;
/// let reply = client.get("/temp")?;
/// # Ok::<(), coaplet::host::Error>(())
/// ```
#[must_use = "connect makes a client of it"]
pub struct Builder {
    pub(super) config: Config,
    pub(super) bind: Option<SocketAddr>,
    pub(super) proxy: Option<String>,
    pub(super) timeout: Option<Duration>,
    pub(super) trace: Option<Trace>,
}

impl Builder {
    pub(super) fn new() -> Builder {
        let config = Config::DEFAULT.blockwise();
        Builder { config, bind: None, proxy: None, timeout: None, trace: None }
    }

    /// With other transmission parameters (RFC 7252 4.8), of which those to wait for a response follow.
    pub fn transmission(mut self, transmission: Transmission) -> Builder {
        self.config.transmission = transmission;
        self.config.response_timeout = transmission.max_transmit_wait();
        self
    }

    /// From this address of this machine; port 0 for any.
    pub fn bind(self, address: SocketAddr) -> Builder {
        Builder { bind: Some(address), ..self }
    }

    /// By a proxy (RFC 7252 5.7): the host of this URI.
    pub fn proxy(self, uri: impl Into<String>) -> Builder {
        Builder { proxy: Some(uri.into()), ..self }
    }

    /// Gives each request up after this time, whatever RFC 7252 would still do for it. Otherwise one that nobody
    /// acknowledges is given up after 62 to 93 s, one that is acknowledged 93 s later.
    pub fn timeout(self, timeout: Duration) -> Builder {
        Builder { timeout: Some(timeout), ..self }
    }

    /// Shows each datagram that passes.
    pub fn trace(self, trace: impl FnMut(&Passed<'_>) + Send + 'static) -> Builder {
        Builder { trace: Some(Box::new(trace)), ..self }
    }

    /// Makes a client of the host of this URI. Nothing is sent.
    ///
    /// # Errors
    ///
    /// A text that is no URI, a name without an address, a socket that cannot be had.
    pub fn connect(self, uri: &str) -> Result<Client, Error> {
        let remotes = match &self.proxy {
            Some(proxy) => target::addresses(&target::parse(proxy)?)?,
            None => target::addresses(&target::parse(uri)?)?,
        };
        Client::new(self, uri.into(), remotes)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("config", &self.config).field("bind", &self.bind).finish_non_exhaustive()
    }
}
