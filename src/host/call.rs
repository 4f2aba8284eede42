//! One request, with whatever belongs to it.

use super::Error;
use super::client::Client;
use super::group::Members;
use super::observation::Observation;
use super::reply::Reply;
use super::transfer::{Sink, Source, Transfer, keep};
use crate::block::Settings;
use crate::endpoint::Request;
use crate::wire::{Code, ContentFormat, NoResponse, OptionNumber, Token, uint};
use std::fmt;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::time::Duration;
use std::vec::Vec;

/// What is asked, but for the payload.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Code,
    pub(super) request: Request,
    non: bool,
    /// In order.
    pub(super) options: Vec<(OptionNumber, Vec<u8>)>,
    pub(super) settings: Settings,
    pub(super) timeout: Option<Duration>,
}

impl Asked {
    pub(super) fn new(method: Code, options: Vec<(OptionNumber, Vec<u8>)>, timeout: Option<Duration>) -> Asked {
        // A block that has timed out is asked for once more: what was acknowledged for minutes may be gone for one.
        let settings = Settings { block_retries: 1, ..Settings::DEFAULT };
        Asked { method, request: Request::new(method), non: false, options, settings, timeout }
    }

    /// PUT, POST and the like have a body, if an empty one.
    pub(super) fn has_body(&self) -> bool {
        !matches!(self.method, Code::GET | Code::DELETE)
    }

    /// Sent once, and no response of any class is wanted (RFC 7967): there is nothing to wait for.
    pub(super) fn is_for_nobody(&self) -> bool {
        let none = |which: NoResponse| {
            [Code::CONTENT, Code::BAD_REQUEST, Code::INTERNAL_SERVER_ERROR].map(|code| which.suppresses(code))
                == [true; 3]
        };
        let which = self.options.iter().find(|(number, _)| *number == OptionNumber::NO_RESPONSE);
        self.non && which.and_then(|(_, value)| NoResponse::from_value(value)).is_some_and(none)
    }
}

/// A request that is being made: options and payload are put into it, and [`send`](Call::send) sends it.
///
/// ```no_run
/// use coaplet::host::Client;
/// use coaplet::{Code, ContentFormat};
///
/// let mut client = Client::connect("coap://sensor.example")?;
/// let reply = client.call(Code::POST, "/log?from=7")?.content_format(ContentFormat::JSON).payload(b"{}").send()?;
/// assert_eq!(reply.code(), Code::CREATED);
/// println!("at {}", reply.location().unwrap_or_default());
/// # Ok::<(), coaplet::host::Error>(())
/// ```
#[must_use = "send sends it"]
pub struct Call<'c> {
    client: &'c mut Client,
    asked: Asked,
    payload: Option<Vec<u8>>,
    told: Option<&'c mut dyn FnMut(u32, Option<u32>)>,
}

impl<'c> Call<'c> {
    pub(super) fn new(client: &'c mut Client, method: Code, options: Vec<(OptionNumber, Vec<u8>)>) -> Call<'c> {
        let asked = Asked::new(method, options, client.setup.timeout);
        Call { client, asked, payload: None, told: None }
    }

    /// An option, of any number and value: behind those of the same number.
    pub fn option(mut self, number: OptionNumber, value: &[u8]) -> Call<'c> {
        let at = self.asked.options.partition_point(|(other, _)| *other <= number);
        self.asked.options.insert(at, (number, value.into()));
        self
    }

    fn uint(self, number: OptionNumber, value: u32) -> Call<'c> {
        self.option(number, uint::encode(value).as_bytes())
    }

    /// The format of the payload.
    pub fn content_format(self, format: ContentFormat) -> Call<'c> {
        self.uint(OptionNumber::CONTENT_FORMAT, format.get().into())
    }

    /// The format that is wanted of the answer.
    pub fn accept(self, format: ContentFormat) -> Call<'c> {
        self.uint(OptionNumber::ACCEPT, format.get().into())
    }

    /// Says which responses are of no interest (RFC 7967).
    pub fn no_response(self, which: NoResponse) -> Call<'c> {
        self.uint(OptionNumber::NO_RESPONSE, which.get().into())
    }

    /// The payload, of any length.
    pub fn payload(self, payload: impl Into<Vec<u8>>) -> Call<'c> {
        Call { payload: Some(payload.into()), ..self }
    }

    /// Non-confirmable: sent once (RFC 7252 4.3).
    pub fn non(mut self) -> Call<'c> {
        self.asked.request = self.asked.request.non();
        self.asked.non = true;
        self
    }

    /// With this token, of 0 to 8 bytes.
    pub fn token(mut self, token: Token) -> Call<'c> {
        self.asked.request = self.asked.request.token(token);
        self
    }

    /// In blocks of at most so many bytes, 16 to 1024, in both directions; the server is told from the first request
    /// on.
    pub fn block_size(mut self, bytes: u16) -> Call<'c> {
        self.asked.settings = Settings { block_size: bytes, early: true, ..self.asked.settings };
        self
    }

    /// How transfers in blocks go, in place of the defaults.
    pub fn settings(mut self, settings: Settings) -> Call<'c> {
        self.asked.settings = settings;
        self
    }

    /// Gives up after this time: see [`Builder::timeout`](super::Builder::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Call<'c> {
        self.asked.timeout = Some(timeout);
        self
    }

    /// Tells after each block how many bytes have gone by, and how many there are, if that is known.
    pub fn progress(self, told: &'c mut dyn FnMut(u32, Option<u32>)) -> Call<'c> {
        Call { told: Some(told), ..self }
    }

    /// Sends it, and waits for the answer. Where none is wanted (RFC 7967) and none has come, its code is
    /// [`Code::EMPTY`].
    ///
    /// # Errors
    ///
    /// [`Error`]: there is no answer. An answer that says no is none.
    pub fn send(mut self) -> Result<Reply, Error> {
        let (source, mut payload) = (self.payload.take(), Vec::new());
        let mut reply = self.exchange(source.as_deref().map(Source::Slice), &mut keep(&mut payload))?;
        reply.payload = payload;
        Ok(reply)
    }

    /// Sends it, and writes the payload of the answer as it comes, however long it is, and whatever its code is.
    ///
    /// # Errors
    ///
    /// As [`send`](Call::send); [`Error::Body`] if it cannot be written, and
    /// [`Changed`](crate::block::Fault::Changed) if the representation changes meanwhile: what was written then is of
    /// no use.
    pub fn download(mut self, to: &mut impl io::Write) -> Result<Reply, Error> {
        self.asked.settings.restarts = 0;
        let source = self.payload.take();
        self.exchange(source.as_deref().map(Source::Slice), &mut |_, bytes| to.write_all(bytes).map_err(Error::Body))
    }

    /// Sends it with a payload that is read block by block, however long it is.
    ///
    /// # Errors
    ///
    /// As [`send`](Call::send); [`Error::Body`] if it cannot be read, or has 4 GiB or more.
    pub fn upload(mut self, from: &mut (impl Read + Seek)) -> Result<Reply, Error> {
        let length = from.seek(SeekFrom::End(0)).map_err(Error::Body)?;
        let too_long = || Error::Body(io::Error::new(ErrorKind::InvalidInput, "a body has less than 4 GiB"));
        let length = u32::try_from(length).map_err(|_| too_long())?;
        let (mut broken, mut payload) = (None, Vec::new());
        let mut read = |offset: u32, buffer: &mut [u8]| {
            let read = from.seek(SeekFrom::Start(offset.into())).and_then(|_| from.read_exact(buffer));
            let done = if read.is_ok() { buffer.len() } else { 0 };
            broken = read.err().or(broken.take());
            done
        };
        let sent = self.exchange(Some(Source::Read(&mut read, length)), &mut keep(&mut payload));
        if let Some(error) = broken {
            return Err(Error::Body(error));
        }
        let mut reply = sent?;
        reply.payload = payload;
        Ok(reply)
    }

    fn exchange(&mut self, mut payload: Option<Source<'_>>, sink: Sink<'_>) -> Result<Reply, Error> {
        if payload.is_none() && self.asked.has_body() {
            payload = Some(Source::Slice(&[]));
        }
        loop {
            let source = payload.as_mut().map(Source::reborrow);
            let mut transfer = Transfer::new(&self.asked, self.client.link.peer, source);
            self.client.link.begin(self.asked.timeout);
            let done = match &mut self.told {
                Some(told) => transfer.run(&mut self.client.link, sink, told),
                None => transfer.run(&mut self.client.link, sink, &mut |_, _| {}),
            };
            match done {
                // Nobody is at this address: the host may have another one.
                Err(Error::Unreachable { .. } | Error::Socket(_)) if self.client.next_address()? => {}
                done => return done,
            }
        }
    }

    /// Observes what a GET gives (RFC 7641): notifications come out of an iterator.
    ///
    /// # Errors
    ///
    /// As [`send`](Call::send).
    pub fn observe(self) -> Result<Observation<'c>, Error> {
        Observation::begin(self.client, self.asked)
    }

    /// Asks everybody at a multicast address (RFC 7252 section 8), to which the client is to be connected. `told` gets
    /// each member's answer, whole, until the time is over.
    ///
    /// # Errors
    ///
    /// [`Error`]: it could not be asked. That nobody answers is none.
    pub fn ask_group(self, time: Duration, told: impl FnMut(Reply)) -> Result<(), Error> {
        Members::ask(self.client, self.asked, time, told)
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("asked", &self.asked).field("payload", &self.payload).finish_non_exhaustive()
    }
}
