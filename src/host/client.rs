//! The client.

use super::call::Call;
use super::link::{Came, Link};
use super::observation::Observation;
use super::reply::Reply;
use super::{Builder, Error, target};
use crate::uri::CoapUri;
use crate::wire::{Code, Header, Message, OptionNumber, Writer, to_vec};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

/// A client of one host, or of all that a proxy asks for it. Each verb waits for its answer.
///
/// ```no_run
/// use coaplet::host::Client;
///
/// let mut client = Client::connect("coap://sensor.example")?;
/// client.put("/led", "on")?;
/// for reply in client.observe("/temp")?.take(3) {
///     println!("{}", String::from_utf8_lossy(reply?.payload()));
/// }
/// # Ok::<(), coaplet::host::Error>(())
/// ```
#[derive(Debug)]
pub struct Client {
    pub(super) setup: Builder,
    uri: String,
    /// Where else the host may be found.
    others: VecDeque<SocketAddr>,
    pub(super) link: Link,
}

impl Client {
    /// A client of the host of this URI, whose name is resolved: `coap://host`, `coap://[2001:db8::1]:61616`. Nothing
    /// is sent.
    ///
    /// # Errors
    ///
    /// As [`Builder::connect`].
    pub fn connect(uri: &str) -> Result<Client, Error> {
        Client::builder().connect(uri)
    }

    /// How else it may be set up.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(super) fn new(mut setup: Builder, uri: String, remotes: Vec<SocketAddr>) -> Result<Client, Error> {
        let mut others: VecDeque<SocketAddr> = remotes.into();
        let mut trace = setup.trace.take();
        loop {
            let Some(remote) = others.pop_front() else {
                return Err(Error::Host { host: uri, why: "it has no address".into() });
            };
            match Link::open(&setup, remote, &mut trace) {
                Ok(link) => return Ok(Client { setup, uri, others, link }),
                // An address of a kind that this machine has not.
                Err(_) if !others.is_empty() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes over to the next address of the host. False if there is none, or somebody has been heard at this one.
    pub(super) fn next_address(&mut self) -> Result<bool, Error> {
        if self.link.ever {
            return Ok(false);
        }
        while let Some(remote) = self.others.pop_front() {
            let mut trace = self.link.socket.trace.take();
            match Link::open(&self.setup, remote, &mut trace) {
                Ok(link) => {
                    self.link = link;
                    return Ok(true);
                }
                Err(error) if self.others.is_empty() => return Err(error),
                Err(_) => self.link.socket.trace = trace,
            }
        }
        Ok(false)
    }

    /// The address that is talked to.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.link.peer.remote
    }

    /// Begins a request. `path` is what stands behind the host in a URI: path and query, percent-encoded, as in
    /// `/store/caf%C3%A9?u=Cel`; if it is empty, those of the URI that the client was connected with.
    ///
    /// # Errors
    ///
    /// [`Error::Uri`].
    pub fn call(&mut self, method: Code, path: &str) -> Result<Call<'_>, Error> {
        let options = self.options(&target::join(&self.uri, path))?;
        Ok(Call::new(self, method, options))
    }

    /// What a URI becomes in a request.
    fn options(&self, uri: &str) -> Result<Vec<(OptionNumber, Vec<u8>)>, Error> {
        if self.setup.proxy.is_none() {
            let uri = target::parse(uri)?;
            return options_of(|w| _ = w.uri(&uri));
        }
        // RFC 7252 5.7.2: what is no CoAP URI the proxy reads itself.
        if CoapUri::parse(uri).is_err() && uri.contains("://") {
            return options_of(|w| _ = w.proxy_uri(uri));
        }
        let (uri, proxy) = (target::readable(uri)?, self.link.peer.remote);
        options_of(|w| {
            w.uri_to(&uri, proxy).proxy_scheme(uri.scheme().name());
        })
    }

    /// GET.
    ///
    /// # Errors
    ///
    /// [`Error`]: there is no answer. An answer that says no is none.
    pub fn get(&mut self, path: &str) -> Result<Reply, Error> {
        self.call(Code::GET, path)?.send()
    }

    /// PUT, of any length.
    ///
    /// # Errors
    ///
    /// As [`get`](Client::get).
    pub fn put(&mut self, path: &str, payload: impl Into<Vec<u8>>) -> Result<Reply, Error> {
        self.call(Code::PUT, path)?.payload(payload).send()
    }

    /// POST, of any length.
    ///
    /// # Errors
    ///
    /// As [`get`](Client::get).
    pub fn post(&mut self, path: &str, payload: impl Into<Vec<u8>>) -> Result<Reply, Error> {
        self.call(Code::POST, path)?.payload(payload).send()
    }

    /// DELETE.
    ///
    /// # Errors
    ///
    /// As [`get`](Client::get).
    pub fn delete(&mut self, path: &str) -> Result<Reply, Error> {
        self.call(Code::DELETE, path)?.send()
    }

    /// FETCH (RFC 8132 2): the payload says what is wanted. Its Content-Format belongs to it:
    /// [`call`](Client::call) takes one along.
    ///
    /// # Errors
    ///
    /// As [`get`](Client::get).
    pub fn fetch(&mut self, path: &str, payload: impl Into<Vec<u8>>) -> Result<Reply, Error> {
        self.call(Code::FETCH, path)?.payload(payload).send()
    }

    /// PATCH (RFC 8132 3).
    ///
    /// # Errors
    ///
    /// As [`get`](Client::get).
    pub fn patch(&mut self, path: &str, payload: impl Into<Vec<u8>>) -> Result<Reply, Error> {
        self.call(Code::PATCH, path)?.payload(payload).send()
    }

    /// iPATCH (RFC 8132 3): a PATCH that may be carried out twice.
    ///
    /// # Errors
    ///
    /// As [`get`](Client::get).
    pub fn ipatch(&mut self, path: &str, payload: impl Into<Vec<u8>>) -> Result<Reply, Error> {
        self.call(Code::IPATCH, path)?.payload(payload).send()
    }

    /// Observes (RFC 7641): an iterator over the state at the beginning and after each change.
    ///
    /// # Errors
    ///
    /// As [`get`](Client::get).
    pub fn observe(&mut self, path: &str) -> Result<Observation<'_>, Error> {
        self.call(Code::GET, path)?.observe()
    }

    /// Asks for a sign of life (RFC 7252 4.3), and says how long it took.
    ///
    /// # Errors
    ///
    /// As [`get`](Client::get).
    pub fn ping(&mut self) -> Result<Duration, Error> {
        loop {
            match self.ping_once() {
                Err(Error::Unreachable { .. } | Error::Socket(_)) if self.next_address()? => {}
                done => return done,
            }
        }
    }

    fn ping_once(&mut self) -> Result<Duration, Error> {
        let (link, timeout) = (&mut self.link, self.setup.timeout);
        link.begin(timeout);
        let peer = link.peer;
        let start = std::time::Instant::now();
        let handle = link.send(|asking, now| {
            let (handle, sent) = asking.endpoint.ping(now, peer, &mut asking.tx)?;
            Ok((sent, handle))
        })?;
        let ended = link.wait(|_, came| match came {
            Came::Acknowledged(ended) if ended == handle => Some(Ok(())),
            Came::Failed(failed, why) if failed == handle => Some(Err(why)),
            _ => None,
        });
        let time = start.elapsed();
        match ended {
            Ok(Ok(())) => Ok(time),
            Ok(Err(why)) => Err(link.failure(why)),
            Err(error) => {
                link.asking.endpoint.cancel(handle);
                Err(error)
            }
        }
    }
}

/// The options that are written, in order.
pub(super) fn options_of(write: impl Fn(&mut Writer<'_>)) -> Result<Vec<(OptionNumber, Vec<u8>)>, Error> {
    let unwritten = |error| Error::Request(crate::endpoint::RequestError::Write(error));
    let message = to_vec(Header::confirmable(Code::GET, 0), &[], |w| write(w)).map_err(unwritten)?;
    let parsed = Message::parse(&message).ok();
    let options = parsed.iter().flat_map(Message::options).map(|(number, value)| (number, value.into()));
    let mut options: Vec<(OptionNumber, Vec<u8>)> = options.collect();
    options.sort_by_key(|(number, _)| *number);
    Ok(options)
}
