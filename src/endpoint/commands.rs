//! What the application tells an endpoint to do.

use super::Endpoint;
use super::engine::Engine;
use super::types::{Handle, RequestError, RequestId, Requested, RespondError, Transmit};
use crate::store::{Exchange, State, Store};
use crate::time::{Instant, millis};
use crate::wire::{Code, Header, Token, Type, WriteError, Writer};
use core::hash::Hash;

/// How a request of ours is to be made: its method, and whether it is to be confirmed.
///
/// ```
/// use coaplet::endpoint::Request;
///
/// let get = Request::get();
/// let post = Request::post().non();
/// # let _ = (get, post);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Request {
    code: Code,
    non: bool,
    token: Option<Token>,
}

impl Request {
    /// A Confirmable request with a token that cannot be guessed.
    #[must_use]
    pub const fn new(method: Code) -> Request {
        Request { code: method, non: false, token: None }
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

    /// Non-confirmable: sent once (RFC 7252 4.3).
    #[must_use]
    pub const fn non(self) -> Request {
        Request { non: true, ..self }
    }

    /// With this token. Who asks one peer twice at a time by the same token gets either answer for either (RFC 7252 5.3.1).
    #[must_use]
    pub const fn token(self, token: Token) -> Request {
        Request { token: Some(token), ..self }
    }
}

impl<S: Store> Endpoint<S> {
    /// Makes a request. `build` writes its options and payload; the method stands in `request`.
    ///
    /// What it gives out besides the handle is to be sent; `None`: the request waits behind NSTART and comes out of
    /// [`poll`](Endpoint::poll).
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
        self.at(now).request(now, to, request, tx, build)
    }

    /// Answers a request. `build` sets the code of the response, and writes options and payload; 5.00 if it sets none.
    ///
    /// The response is piggybacked on the acknowledgement, or a separate one if that has gone out. `None`: it waits behind NSTART
    /// and comes out of [`poll`](Endpoint::poll).
    ///
    /// # Errors
    ///
    /// [`RespondError`]. The request can still be answered, but for [`RespondError::Stale`].
    pub fn respond(
        &mut self,
        now: Instant,
        id: RequestId,
        tx: &mut [u8],
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Option<Transmit<S::Peer>>, RespondError> {
        let mut engine = self.at(now);
        let index = engine.meant(id.index, id.generation, id.brand).ok_or(RespondError::Stale)?;
        engine.respond(now, index, tx, build)
    }

    /// Ends a request of ours: a response that still comes finds nobody. False if it has ended before.
    pub fn cancel(&mut self, handle: Handle) -> bool {
        let mut engine = self.engine();
        let Some(index) = engine.meant(handle.index, handle.generation, handle.brand) else { return false };
        let Some(exchange) = engine.exchanges.at(index).copied() else { return false };
        if exchange.state == State::Sent && !exchange.waits {
            engine.finished(exchange.peer);
        }
        engine.release(index);
        true
    }
}

impl<P: Copy + Eq + Hash> Engine<'_, P> {
    fn request(
        &mut self,
        now: Instant,
        to: P,
        request: Request,
        tx: &mut [u8],
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Requested<P>, RequestError> {
        let peer = self.peer(now, to).ok_or(RequestError::NoPeer)?;
        let token = match request.token {
            Some(token) => token,
            None => self.token(peer),
        };
        let message_id = self.message_id(now, peer).map_err(|until| RequestError::NoMessageId { until })?;
        let message_type = if request.non { Type::NonConfirmable } else { Type::Confirmable };
        let mut writer = Writer::new(tx, Header::new(message_type, request.code, message_id), token.as_bytes());
        build(&mut writer);
        let len = writer.finish().map_err(RequestError::Write)?;
        let message = tx.get(..len).unwrap_or_default();
        let code = message.get(1).map_or(Code::EMPTY, |&byte| Code::from_byte(byte));
        if !code.is_request() {
            return Err(RequestError::NotARequest { code });
        }
        let state = if request.non { State::SentNon } else { State::Sent };
        let exchange = Exchange::new(state, peer, message_id, token.as_bytes());
        let index = self.insert(exchange).ok_or(RequestError::NoExchange)?;
        let started = if request.non {
            let wait = millis(self.core.config.response_timeout);
            self.timers.schedule(&mut self.exchanges, index, now.as_millis().saturating_add(wait));
            true
        } else {
            if !self.keep_bytes(index, message) {
                self.release(index);
                return Err(RequestError::NoBytes { needed: len });
            }
            self.start(now, index)
        };
        self.take_message_id(now, peer);
        Ok((self.handle_of(index), started.then_some(Transmit { to, len })))
    }

    /// A token of four bytes that none of our requests to this peer has.
    fn token(&mut self, peer: u32) -> Token {
        let mut token = Token::EMPTY;
        // Four in a row that are taken: not with a million requests to one peer.
        for _ in 0..4 {
            let bytes = (self.core.random.draw() as u32).to_be_bytes();
            token = Token::try_from(&bytes[..]).unwrap_or_default();
            if self.find_token(peer, token.as_bytes(), |_| true).is_none() {
                break;
            }
        }
        token
    }

    pub(super) fn respond(
        &mut self,
        now: Instant,
        index: u32,
        tx: &mut [u8],
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Option<Transmit<P>>, RespondError> {
        let exchange = self.exchanges.at(index).copied().ok_or(RespondError::Stale)?;
        let to = self.address(exchange.peer).ok_or(RespondError::Stale)?;
        let code = Code::INTERNAL_SERVER_ERROR;
        let header = match exchange.state {
            State::Asked => Header::acknowledgement(code, exchange.message_id),
            State::Deferred | State::AskedNon => {
                let id = self.message_id(now, exchange.peer).map_err(|until| RespondError::NoMessageId { until })?;
                let message_type =
                    if exchange.state == State::Deferred { Type::Confirmable } else { Type::NonConfirmable };
                Header::new(message_type, code, id)
            }
            _ => return Err(RespondError::Stale),
        };
        let mut writer = Writer::new(tx, header, exchange.token());
        build(&mut writer);
        let len = match writer.finish() {
            Ok(len) => len,
            Err(WriteError::RequestInAcknowledgement | WriteError::ReservedCodeClass { .. }) => {
                let code = tx.get(1).map_or(Code::EMPTY, |&byte| Code::from_byte(byte));
                return Err(RespondError::NotAResponse { code });
            }
            Err(error) => return Err(RespondError::Write(error)),
        };
        let message = tx.get(..len).unwrap_or_default();
        let code = message.get(1).map_or(Code::EMPTY, |&byte| Code::from_byte(byte));
        if !code.is_response() {
            return Err(RespondError::NotAResponse { code });
        }
        // A duplicate of a NON is not answered again, so that nothing of its response is kept (RFC 7252 4.5).
        if exchange.state != State::AskedNon && !self.keep_bytes(index, message) {
            return Err(RespondError::NoBytes { needed: len });
        }
        if exchange.state != State::Asked {
            self.take_message_id(now, exchange.peer);
        }
        if exchange.state == State::Deferred {
            self.timers.cancel(&mut self.exchanges, index);
            self.unlink(index);
            if let Some(exchange) = self.exchanges.at_mut(index) {
                exchange.confirm(header.message_id);
            }
            self.link(index);
            return Ok(self.start(now, index).then_some(Transmit { to, len }));
        }
        if let Some(exchange) = self.exchanges.at_mut(index) {
            exchange.state = State::Answered;
        }
        self.remember(now, index, exchange.state == State::Asked);
        Ok(Some(Transmit { to, len }))
    }
}
