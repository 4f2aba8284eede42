//! Requests of ours: made, cancelled, and what goes with them.

use super::Endpoint;
use super::errors::RequestError;
use super::types::{Requested, Transmit};
use crate::config::{Pace, Transmission, ms};
use crate::exchange::{Handle, asked};
use crate::reliability::Engine;
use crate::roles::Roles;
use crate::store::{Exchange, GROUP, State, Store, flag, pack, unpack};
use crate::time::Instant;
use crate::wire::{Code, Header, Message, OptionNumber, Token, Type, WriteError, Writer};
use core::time::Duration;

/// How a request of ours is to be made: its method, whether it is to be confirmed, and how patient we are.
///
/// ```
/// use coaplet::endpoint::Request;
/// use core::time::Duration;
///
/// let get = Request::get();
/// let post = Request::post().non();
/// let long_poll = Request::get().timeout(Duration::from_secs(600));
/// let everybody = Request::get().group();
/// let notifications = Request::get().observe();
/// # let _ = (get, post, long_poll, everybody, notifications);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Request {
    code: Code,
    non: bool,
    group: bool,
    at_once: bool,
    observe: bool,
    token: Option<Token>,
    timeout: Option<u16>,
    pace: Option<Pace>,
}

impl Request {
    /// A Confirmable request with a token that cannot be guessed.
    #[must_use]
    pub const fn new(method: Code) -> Request {
        Request {
            code: method,
            non: false,
            group: false,
            at_once: false,
            observe: false,
            token: None,
            timeout: None,
            pace: None,
        }
    }

    /// A Confirmable GET.
    #[must_use]
    pub const fn get() -> Request {
        Request::new(Code::GET)
    }

    /// A Confirmable POST.
    #[must_use]
    pub const fn post() -> Request {
        Request::new(Code::POST)
    }

    /// A Confirmable PUT.
    #[must_use]
    pub const fn put() -> Request {
        Request::new(Code::PUT)
    }

    /// A Confirmable DELETE.
    #[must_use]
    pub const fn delete() -> Request {
        Request::new(Code::DELETE)
    }

    /// A Confirmable FETCH (RFC 8132).
    #[must_use]
    pub const fn fetch() -> Request {
        Request::new(Code::FETCH)
    }

    pub(crate) const fn is_fetch(&self) -> bool {
        self.code.to_byte() == Code::FETCH.to_byte()
    }

    pub(crate) const fn is_idempotent(&self) -> bool {
        self.code.is_idempotent()
    }

    /// Non-confirmable: sent once (RFC 7252 4.3).
    #[must_use]
    pub const fn non(self) -> Request {
        Request { non: true, ..self }
    }

    /// Asks to observe the resource (RFC 7641), by GET or FETCH: Observe is written by the endpoint. If the server agrees,
    /// each notification comes as a response with [`more`](super::ClientResponse::more), those that were overtaken by a
    /// fresher one left out, and the handle lives on. When Max-Age of the freshest has run out, and 5 to 15 s more, the
    /// request is made again by itself; if that fails, or the server answers without Observe, the observation has ended.
    /// So it has by [`cancel`](Endpoint::cancel), or [`unobserve`](Endpoint::unobserve).
    ///
    /// The bytes of the request stay in the arena.
    #[must_use]
    pub const fn observe(self) -> Request {
        Request { observe: true, ..self }
    }

    /// To a group (RFC 7252 section 8): Non-confirmable, to a multicast address. Each response comes with its source,
    /// until NON_LIFETIME, MAX_LATENCY and [`max_server_response_delay`](crate::Config::max_server_response_delay) have
    /// passed: then the request ends as [`TimedOut`](super::Failure::TimedOut), or before, when it is
    /// [cancelled](Endpoint::cancel). PROBING_RATE and NSTART do not bind it: how often a group may be asked is the
    /// application's to know.
    #[must_use]
    pub const fn group(self) -> Request {
        Request { non: true, group: true, ..self }
    }

    /// With this token. Who asks one peer twice at a time by the same token gets either answer for either
    /// (RFC 7252 5.3.1).
    #[must_use]
    pub const fn token(self, token: Token) -> Request {
        Request { token: Some(token), ..self }
    }

    /// How long to wait for a response once the request is not sent again: a NON was sent, or a CON acknowledged.
    /// Counted in ms up to 16 s, in 10 ms up to 163 s, in seconds up to 4.5 hours, then in minutes, rounded up; at most
    /// 11 days. By default [`response_timeout`](crate::Config::response_timeout). Without effect on a request to a
    /// group.
    #[must_use]
    pub const fn timeout(self, timeout: Duration) -> Request {
        Request { timeout: Some(pack(ms(timeout))), ..self }
    }

    /// With transmission parameters of its own (RFC 7252 4.8): ACK_TIMEOUT, ACK_RANDOM_FACTOR, MAX_RETRANSMIT, NSTART
    /// and PROBING_RATE. NSTART decides whether the request waits: if it does, it goes when the next one ends. A peer
    /// that remembers for the EXCHANGE_LIFETIME of its own parameters takes what is sent later for new.
    #[must_use]
    pub const fn transmission(self, transmission: &Transmission) -> Request {
        Request { pace: Some(Pace::new(transmission)), ..self }
    }

    /// Rather not at all than later: where the request would wait behind NSTART, it is refused
    /// ([`WouldWait`](RequestError::WouldWait)).
    #[must_use]
    pub const fn at_once(self) -> Request {
        Request { at_once: true, ..self }
    }
}

impl<S: Store, R: Roles> Endpoint<S, R> {
    /// Makes a request. `build` writes its options and payload; the method stands in `request`.
    ///
    /// What it gives out besides the handle is to be sent; `None`: the request waits behind NSTART and comes out of
    /// [`poll`](Endpoint::poll). Each request ends once: in a response from [`handle`](Endpoint::handle), in
    /// [`Failed`](super::Output::Failed) or [`Acknowledged`](super::Output::Acknowledged) from `poll`, or in
    /// [`cancel`](Endpoint::cancel).
    ///
    /// # Errors
    ///
    /// [`RequestError`] says which resource is full, or what is wrong with the message. Nothing is kept then.
    pub fn request(
        &mut self,
        now: Instant,
        to: S::Peer,
        request: Request,
        tx: &mut [u8],
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Requested<S::Peer>, RequestError> {
        let mut writer = Writer::blank(tx);
        let made = self.request_by(now, to, &request, &mut writer, build);
        requested(now, to, &writer, made)
    }

    /// The same, of a request and a blank writer that lie elsewhere.
    #[inline(always)]
    pub(crate) fn request_by(
        &mut self,
        now: Instant,
        to: S::Peer,
        request: &Request,
        writer: &mut Writer<'_>,
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(Handle, bool), Refused> {
        let engine = self.at(now);
        let made = engine.request(to, request, writer, build);
        engine.count_sent(matches!(made, Ok((_, true))));
        made
    }

    /// Asks a peer for nothing but a sign of life (RFC 7252 4.3): an Empty CON, sent until an RST comes. `poll` then
    /// tells [`Acknowledged`](super::Output::Acknowledged), or [`Failed`](super::Output::Failed).
    ///
    /// # Errors
    ///
    /// As [`request`](Endpoint::request).
    pub fn ping(&mut self, now: Instant, to: S::Peer, tx: &mut [u8]) -> Result<Requested<S::Peer>, RequestError> {
        let engine = self.at(now);
        let mut writer = Writer::blank(tx);
        let made = engine.ping(to, &mut writer);
        engine.count_sent(matches!(made, Ok((_, true))));
        requested(now, to, &writer, made)
    }

    /// Ends a request of ours: a response that still comes finds nobody. False if it has ended before.
    ///
    /// The token of a request to a group stays taken until nobody can answer it any more.
    pub fn cancel(&mut self, handle: Handle) -> bool {
        let engine = &mut self.engine;
        let Some(index) = engine.meant(handle) else { return false };
        engine.cancel(index)
    }

    /// How long it took until a request of ours was acknowledged, if the response is to come separately. `None` while
    /// it is not acknowledged, if it was sent more than once, and once it has ended: a
    /// [response](super::ClientResponse::round_trip) brings it along.
    #[must_use]
    pub fn round_trip(&self, handle: Handle) -> Option<Duration> {
        let engine = &self.engine;
        let exchange = engine.held.exchanges.at(engine.meant(handle)?)?;
        let once = exchange.state == State::Acked && exchange.again() == 0;
        once.then(|| Duration::from_millis(u64::from(exchange.interval)))
    }
}

/// A [`RequestError`] in two words, which go by registers: the rest stands in the writer, and moments are so many ms from
/// now. The error is made in line, so that an application that does not look at it need not have it.
#[derive(Clone, Copy)]
pub(crate) struct Refused {
    pub(crate) why: Why,
    pub(crate) value: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// What was written is no request.
    Message,
    NotForAGroup,
    NoTimesOfItsOwn,
    OnlyConfirmable,
    NoExchange,
    NoBytes,
    NoPeer,
    NoMessageId,
    NoToken,
    WouldWait,
    Probing,
}

impl Why {
    const fn with(self, value: u32) -> Refused {
        Refused { why: self, value }
    }
}

impl From<Why> for Refused {
    fn from(why: Why) -> Refused {
        why.with(0)
    }
}

impl Refused {
    #[inline(always)]
    pub(crate) fn error(self, now: Instant, writer: &Writer<'_>) -> RequestError {
        let until = Instant::from_millis(now.as_millis().saturating_add(u64::from(self.value)));
        match self.why {
            Why::Message => match writer.finish() {
                Err(error) => RequestError::Write(error),
                Ok(_) => match writer.present_code() {
                    code if code.is_reserved_class() => RequestError::Write(WriteError::ReservedCodeClass { code }),
                    code => RequestError::NotARequest { code },
                },
            },
            Why::NotForAGroup => RequestError::NotForAGroup,
            Why::NoTimesOfItsOwn => RequestError::NoTimesOfItsOwn,
            Why::OnlyConfirmable => RequestError::OnlyConfirmable,
            Why::NoExchange => RequestError::NoExchange,
            Why::NoBytes => RequestError::NoBytes { needed: writer.length() },
            Why::NoPeer => RequestError::NoPeer { until },
            Why::NoMessageId => RequestError::NoMessageId { until },
            Why::NoToken => RequestError::NoToken { length: self.value as u8 },
            Why::WouldWait => RequestError::WouldWait { limit: self.value as u8 },
            Why::Probing => RequestError::Probing { until },
        }
    }
}

/// What the application is told of a request that was made, at once or not, or refused.
#[inline(always)]
fn requested<P>(
    now: Instant,
    to: P,
    writer: &Writer<'_>,
    made: Result<(Handle, bool), Refused>,
) -> Result<Requested<P>, RequestError> {
    match made {
        Ok((handle, at_once)) => Ok((handle, at_once.then(|| Transmit { to, len: writer.length() }))),
        Err(refused) => Err(refused.error(now, writer)),
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    fn request(
        &mut self,
        to: S::Peer,
        request: &Request,
        writer: &mut Writer<'_>,
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(Handle, bool), Refused> {
        let group = R::HAS.multicast && request.group;
        let observes = R::HAS.observe && request.observe;
        if observes && group {
            return Err(Why::NotForAGroup.into());
        }
        if !R::HAS.non_requests && request.non {
            return Err(Why::OnlyConfirmable.into());
        }
        let non = R::HAS.non_requests && request.non;
        if !R::HAS.own_times && (request.pace.is_some() || request.timeout.is_some()) {
            return Err(Why::NoTimesOfItsOwn.into());
        }
        let default = self.rules().pace;
        let pace = if R::HAS.own_times { request.pace.as_ref().unwrap_or(&default) } else { &default };
        let peer = if group { GROUP } else { self.peer_to_ask(to)? };
        if !non {
            let may = self.may_wait(peer, pace.nstart, request.at_once);
            may.map_err(|limit| Why::WouldWait.with(u32::from(limit)))?;
        } else if let Some(wait) = self.probing_pause(peer, pace.probing_rate) {
            return Err(Why::Probing.with(wait));
        }
        let mut token = request.token.unwrap_or_default();
        self.set_token(&mut token, peer, request.token.is_some())?;
        let id = if group { self.group_message_id() } else { self.next_id(peer) };
        let message_id = id.map_err(|wait| Why::NoMessageId.with(wait))? as u16;
        let message_type = if non { Type::NonConfirmable } else { Type::Confirmable };
        // What code it has is looked at once all is written.
        writer.begin_sound(Header::new(message_type, request.code, message_id), token.as_bytes(), false);
        build(writer);
        if observes {
            // 0, registers: no bytes (RFC 7641 section 2).
            writer.insert(OptionNumber::OBSERVE, &[]);
        }
        let message = writer.bytes().ok_or(Why::Message)?;
        if !message.get(1).is_some_and(|&code| Code::from_byte(code).is_request()) {
            return Err(Why::Message.into());
        }
        let state = match non {
            _ if group => State::SentGroup,
            true => State::SentNon,
            false => State::Sent,
        };
        let patience = self.rules().patience;
        let patience = if R::HAS.own_times { request.timeout.unwrap_or(patience) } else { patience };
        let since = self.held.ticks();
        let set = |exchange: &mut Exchange| {
            if R::HAS.own_times {
                exchange.patience = patience;
            }
            exchange.since = since;
            if R::HAS.no_response {
                exchange.flags = silence(message);
            }
            if observes && non {
                exchange.flags |= flag::NON;
            }
        };
        let inserted = self.insert(state, peer, message_id, token.as_bytes(), set);
        let index = inserted.ok_or(Why::NoExchange)?;
        // To be sent again; or, to register again.
        if (!non || observes) && !self.keep_bytes(index, message) {
            self.let_go(index);
            return Err(Why::NoBytes.into());
        }
        if observes {
            self.keep_registration(index, message);
        }
        let at_once = if non {
            let wait = if group { self.rules().group_lifetime } else { unpack(patience) };
            self.held.after(index, wait);
            if group {
                self.take_group_message_id();
                return Ok((self.handle_of(index), true));
            }
            self.probe(peer, message.len());
            self.take_message_id(peer);
            true
        } else {
            self.pace(index, pace);
            self.start(index, pace.nstart)
        };
        Ok((self.handle_of(index), at_once))
    }

    fn ping(&mut self, to: S::Peer, writer: &mut Writer<'_>) -> Result<(Handle, bool), Refused> {
        let peer = self.peer_to_ask(to)?;
        let pace = self.rules().pace;
        let may = self.may_wait(peer, pace.nstart, false);
        may.map_err(|limit| Why::WouldWait.with(u32::from(limit)))?;
        let message_id = self.next_id(peer).map_err(|wait| Why::NoMessageId.with(wait))? as u16;
        writer.begin_sound(Header::confirmable(Code::EMPTY, message_id), &[], false);
        writer.written().ok_or(Why::Message)?;
        let index = self.insert(State::Pinged, peer, message_id, &[], |_| {}).ok_or(Why::NoExchange)?;
        self.pace(index, &pace);
        let at_once = self.start(index, pace.nstart);
        Ok((self.handle_of(index), at_once))
    }

    /// A registration is kept until the observation ends: to be made again.
    fn keep_registration(&mut self, index: u32, message: &[u8]) {
        let kept = self.held.exchanges.at(index).is_some_and(|exchange| !exchange.bytes.is_none());
        if kept || self.keep_bytes(index, message) {
            if let Some(exchange) = self.held.exchanges.at_mut(index) {
                exchange.observe();
            }
        }
    }

    fn peer_to_ask(&mut self, to: S::Peer) -> Result<u32, Refused> {
        match self.peer(to) {
            Some(peer) => Ok(peer),
            None => Err(Why::NoPeer.with(self.peer_free_in())),
        }
    }

    /// Whether there is room behind NSTART, if one has to wait; or how many may.
    pub(super) fn may_wait(&self, peer: u32, nstart: u8, at_once: bool) -> Result<(), u8> {
        let limit = if R::HAS.nstart_queue { self.rules().queue } else { 0 };
        let waiting = self.held.peers.at(peer).map_or(0, |peer| peer.waiting);
        if self.would_wait(peer, nstart) && (at_once || waiting >= limit) {
            return Err(limit);
        }
        Ok(())
    }

    /// Draws a token, or says whether the one that was given will do.
    fn set_token(&mut self, token: &mut Token, peer: u32, given: bool) -> Result<(), Refused> {
        let group = R::HAS.multicast && peer == GROUP;
        if given {
            // Of a request to a group the token is all that responses are known by.
            let taken = group && self.held.is_taken(GROUP, token, false);
            return if taken { Err(Why::NotForAGroup.into()) } else { Ok(()) };
        }
        let length = self.rules().token_length;
        let length = if group { length.max(4) } else { length };
        let drawn = self.held.draw_token(token, peer, length, R::HAS.multicast, R::HAS.observe);
        if drawn { Ok(()) } else { Err(Why::NoToken.with(u32::from(length))) }
    }

    fn cancel(&mut self, index: u32) -> bool {
        let Some(exchange) = self.held.exchanges.at_mut(index) else { return false };
        match exchange.state {
            State::SentGroup if R::HAS.multicast => exchange.state = State::Retired,
            // Of one that has ended and was not told yet, `poll` is not to tell then.
            State::Sent | State::Acked | State::SentNon | State::Watching | State::Pinged | State::Ended => {
                self.release(index)
            }
            _ => return false,
        }
        true
    }
}

/// What a request of ours says of the responses that it wants, as flags of its exchange.
fn silence(message: &[u8]) -> u8 {
    let Ok(message) = Message::parse(message) else { return 0 };
    match asked(message.first(OptionNumber::NO_RESPONSE)) {
        None | Some(0) => 0,
        Some(flag::NO_RESPONSE) => flag::SILENT | flag::RESERVED,
        Some(_) => flag::RESERVED,
    }
}
