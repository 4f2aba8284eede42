//! The client that does not block, over tokio.

use super::call::Asked;
use super::client::options_of;
use super::observed::AsyncObservation;
use super::under_way::UnderWay;
use super::{Error, Reply, target};
use crate::config::{Config, Transmission};
use crate::endpoint::{Arrival, Transmit};
use crate::io::{Address, AsyncUdp, Doing, Due, First, Node, Udp, UdpError, first, step};
use crate::time::Instant;
use crate::wire::{Code, OptionNumber};
use std::net::SocketAddr;
use std::string::String;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec;
use std::vec::Vec;
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, spawn, spawn_blocking};

/// A client of one host, for tokio: as many requests at a time as one likes, over one socket. Feature `tokio`.
///
/// Each verb is a future of the answer. Dropped, it ends the exchange: the request is not sent again, and a response that
/// still comes finds nobody. So [`timeout`](tokio::time::timeout) and `select!` do what they say. How many requests are
/// outstanding at a time is what [NSTART](Transmission::nstart) says (RFC 7252 4.7); the others wait for their turn.
///
/// ```no_run
/// use coaplet::host::{AsyncClient, Error};
/// use std::sync::Arc;
///
/// # async fn main_of_yours() -> Result<(), Error> {
/// let client = Arc::new(AsyncClient::connect("coap://sensor.example").await?);
/// let readings = ["/temp", "/humidity", "/pressure"].map(|path| {
///     let client = client.clone();
///     tokio::spawn(async move { client.get(path).await })
/// });
/// for reading in readings {
///     println!("{:?}", reading.await.expect("no task panics")?.payload());
/// }
/// let mut lamp = client.observe("/lamp")?;
/// while let Some(state) = lamp.next().await {
///     println!("{:?}", state?.payload());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncClient {
    shared: Arc<Shared>,
    uri: String,
    peer: SocketAddr,
    task: Option<JoinHandle<Result<(), UdpError>>>,
}

/// What the client and the task that drives it have in common.
#[derive(Debug)]
struct Shared {
    state: Mutex<UnderWay>,
    /// There is something new to be sent, or nothing any more.
    changed: Notify,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, UnderWay> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request, until its future is dropped.
struct Asking<'c>(&'c Shared, u64);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if self.0.state().cancel(self.1) {
            self.0.changed.notify_one();
        }
    }
}

impl AsyncClient {
    /// A client of the host of this URI: of the first of its addresses of which this machine has the kind. Nothing is
    /// sent. In the context of a runtime of tokio's, with its drivers of I/O and time.
    ///
    /// # Errors
    ///
    /// A text that is no URI, a name without an address, a socket that cannot be had.
    pub async fn connect(uri: &str) -> Result<AsyncClient, Error> {
        AsyncClient::connect_with(uri, Config::DEFAULT.transmission).await
    }

    /// The same, with other transmission parameters (RFC 7252 4.8).
    ///
    /// # Errors
    ///
    /// As [`connect`](AsyncClient::connect).
    pub async fn connect_with(uri: &str, transmission: Transmission) -> Result<AsyncClient, Error> {
        target::parse(uri)?;
        let uri = String::from(uri);
        let (named, unresolved) = (uri.clone(), |why| Error::Host { host: uri.clone(), why });
        // The system's resolver blocks.
        let found = spawn_blocking(move || target::parse(&named).and_then(|named| target::addresses(&named))).await;
        let found = found.unwrap_or_else(|_| Err(unresolved("nobody could be asked for it".into())))?;
        let mut refused = unresolved("it has no address".into());
        for peer in found {
            let opened = Udp::towards(peer).and_then(|udp| {
                let opening = |why| UdpError { doing: Doing::Sending(peer), why };
                AsyncUdp::new(udp).map_err(opening)
            });
            match opened {
                Ok(udp) => return Ok(AsyncClient::over(udp, uri, peer, transmission)),
                Err(error) => refused = Error::Socket(error),
            }
        }
        Err(refused)
    }

    fn over(udp: AsyncUdp, uri: String, peer: SocketAddr, transmission: Transmission) -> AsyncClient {
        let mut config = Config::DEFAULT.blockwise();
        config.transmission = transmission;
        config.response_timeout = transmission.max_transmit_wait();
        let state = Mutex::new(UnderWay::new(config, Address::to(peer)));
        let shared = Arc::new(Shared { state, changed: Notify::new() });
        let task = Some(spawn(drive(udp, shared.clone())));
        AsyncClient { shared, uri, peer, task }
    }

    /// The address that is talked to.
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// GET, of any length. `path` is what stands behind the host in a URI: path and query, percent-encoded; if it is empty,
    /// those of the URI that the client was connected with.
    ///
    /// # Errors
    ///
    /// [`Error`]: there is no answer. An answer that says no is none.
    pub async fn get(&self, path: &str) -> Result<Reply, Error> {
        self.request(Code::GET, path, &[], None).await
    }

    /// PUT, of any length.
    ///
    /// # Errors
    ///
    /// As [`get`](AsyncClient::get).
    pub async fn put(&self, path: &str, payload: impl Into<Vec<u8>>) -> Result<Reply, Error> {
        self.request(Code::PUT, path, &[], Some(payload.into())).await
    }

    /// POST, of any length.
    ///
    /// # Errors
    ///
    /// As [`get`](AsyncClient::get).
    pub async fn post(&self, path: &str, payload: impl Into<Vec<u8>>) -> Result<Reply, Error> {
        self.request(Code::POST, path, &[], Some(payload.into())).await
    }

    /// DELETE.
    ///
    /// # Errors
    ///
    /// As [`get`](AsyncClient::get).
    pub async fn delete(&self, path: &str) -> Result<Reply, Error> {
        self.request(Code::DELETE, path, &[], None).await
    }

    /// A request of any method, with more options and a payload of any length.
    ///
    /// # Errors
    ///
    /// As [`get`](AsyncClient::get).
    pub async fn request(
        &self,
        method: Code,
        path: &str,
        options: &[(OptionNumber, &[u8])],
        payload: Option<Vec<u8>>,
    ) -> Result<Reply, Error> {
        let asked = self.asked(method, path, options)?;
        let (tell, told) = oneshot::channel();
        let number = self.shared.state().add(&asked, payload, tell)?;
        let _asking = Asking(&self.shared, number);
        self.shared.changed.notify_one();
        told.await.unwrap_or(Err(Error::Closed))
    }

    fn asked(&self, method: Code, path: &str, options: &[(OptionNumber, &[u8])]) -> Result<Asked, Error> {
        let text = target::join(&self.uri, path);
        let uri = target::parse(&text)?;
        let mut all = options_of(|w| _ = w.uri(&uri))?;
        all.extend(options.iter().map(|(number, value)| (*number, Vec::from(*value))));
        all.sort_by_key(|(number, _)| *number);
        Ok(Asked::new(method, all, None))
    }

    /// Observes what GET gives (RFC 7641), beside whatever else is asked: [`next`](AsyncObservation::next) has the states.
    ///
    /// # Errors
    ///
    /// [`Error`]: the path is none, or the client has been shut down.
    pub fn observe(&self, path: &str) -> Result<AsyncObservation<'_>, Error> {
        let number = self.state().observe(self.asked(Code::GET, path, &[])?)?;
        self.changed();
        Ok(AsyncObservation::new(self, number))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, UnderWay> {
        self.shared.state()
    }

    pub(super) fn changed(&self) {
        self.shared.changed.notify_one();
    }

    /// Begins nothing new, ends observations, waits until the requests that are under way have ended, and closes the socket.
    ///
    /// # Errors
    ///
    /// [`Error::Socket`]: the socket could not be read, some time before.
    pub async fn shutdown(mut self) -> Result<(), Error> {
        self.stop();
        match self.task.take() {
            Some(task) => task.await.unwrap_or(Ok(())).map_err(Error::Socket),
            None => Ok(()),
        }
    }

    /// As [`shutdown`](AsyncClient::shutdown), for a client that is shared: requests that are made from now on end with
    /// [`Error::Closed`], and nothing is waited for.
    pub fn stop(&self) {
        self.shared.state().stop();
        self.shared.changed.notify_one();
    }
}

impl Drop for AsyncClient {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Carries the datagrams of a client, until it is over.
async fn drive(mut udp: AsyncUdp, shared: Arc<Shared>) -> Result<(), UdpError> {
    let (mut rx, mut tx) = (vec![0; Udp::LONGEST], vec![0; super::traced::MAX_MESSAGE]);
    let mut node = &*shared;
    loop {
        match first(step(&mut udp, &mut node, &mut rx, &mut tx), shared.changed.notified()).await {
            First::One(Ok(true)) | First::Other(()) => {}
            First::One(Ok(false)) => return Ok(()),
            First::One(Err(error)) => {
                shared.state().broken(&error);
                return Err(error);
            }
        }
    }
}

impl Node for &Shared {
    type Peer = Address;

    fn due(&mut self, now: Instant, tx: &mut [u8]) -> Due<Address> {
        self.state().due(now, tx)
    }

    fn datagram(
        &mut self,
        now: Instant,
        from: Address,
        arrival: Arrival,
        datagram: &[u8],
        tx: &mut [u8],
    ) -> Option<Transmit<Address>> {
        self.state().datagram(now, from, arrival, datagram, tx)
    }

    fn unreachable(&mut self, now: Instant, to: Address, quoted: &[u8]) {
        self.state().unreachable(now, to, quoted);
    }

    fn unsent(&mut self, now: Instant, to: Address, datagram: &[u8]) {
        self.state().unreachable(now, to, datagram);
    }

    fn stop(&mut self) {
        self.state().stop();
    }
}
