//! Requests of peers: answered, or put off.

use super::Endpoint;
use super::errors::RespondError;
use super::types::Transmit;
use crate::exchange::{RequestId, is_wanted};
use crate::reliability::{Counter, Engine, write};
use crate::roles::Roles;
use crate::store::{Scale, State, Store, flag};
use crate::time::Instant;
use crate::wire::{Code, Header, Type, WriteError, Writer};
use core::hash::Hash;

/// Which request is answered, and how. A [`RequestId`] alone will do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Answer {
    pub(crate) id: RequestId,
    pub(crate) flags: u8,
}

impl From<RequestId> for Answer {
    fn from(id: RequestId) -> Answer {
        Answer { id, flags: 0 }
    }
}

impl RequestId {
    /// [`Answer::idempotent`].
    #[must_use]
    pub const fn idempotent(self) -> Answer {
        Answer { id: self, flags: flag::IDEMPOTENT }
    }

    /// [`Answer::ages`].
    #[must_use]
    pub const fn ages(self) -> Answer {
        Answer { id: self, flags: flag::AGES }
    }

    /// [`Answer::report`].
    #[must_use]
    pub const fn report(self) -> Answer {
        Answer { id: self, flags: flag::REPORT }
    }
}

impl Answer {
    /// The request may be processed twice (RFC 7252 4.5): of a piggybacked response nothing is kept, and a duplicate comes as a new
    /// request. Of another response it is kept, that a duplicate was answered, until the slot is needed.
    #[must_use]
    pub const fn idempotent(self) -> Answer {
        Answer { flags: self.flags | flag::IDEMPOTENT, ..self }
    }

    /// Max-Age counts from the first transmission: each time the response is sent again, or again to a duplicate, it is
    /// lowered by the seconds that have passed, not below 0 (RFC 7252 5.10.5). The message keeps its length. Where no
    /// Max-Age is written nothing is lowered.
    #[must_use]
    pub const fn ages(self) -> Answer {
        Answer { flags: self.flags | flag::AGES, ..self }
    }

    /// Of a separate response, [`poll`](Endpoint::poll) is to tell whether it has arrived.
    #[must_use]
    pub const fn report(self) -> Answer {
        Answer { flags: self.flags | flag::REPORT, ..self }
    }
}

impl<S: Store, R: Roles> Endpoint<S, R> {
    /// Answers a request. `build` sets the code of the response, and writes options and payload; 5.00 if it sets none.
    ///
    /// The response is piggybacked on the acknowledgement, or a separate one if that has gone out. What it gives out is to be
    /// sent; an Empty ACK, where the client does not want the response (RFC 7967). `None`: nothing is to be sent, or not now: it
    /// waits behind NSTART or for its part of the leisure, and comes out of [`poll`](Endpoint::poll).
    ///
    /// # Errors
    ///
    /// [`RespondError`]. The request can still be answered, but for [`RespondError::Stale`].
    pub fn respond(
        &mut self,
        now: Instant,
        answer: impl Into<Answer>,
        tx: &mut [u8],
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Option<Transmit<S::Peer>>, RespondError> {
        let answer = answer.into();
        let mut engine = self.at(now);
        let index = engine.meant(answer.id.0).ok_or(RespondError::Stale)?;
        engine.respond(index, answer.flags, tx, build)
    }

    /// Puts the answer off: an Empty ACK goes out, by [`poll`](Endpoint::poll), and the response will be a separate one. The request
    /// then waits for [`defer_timeout`](crate::Config::defer_timeout) rather than [`answer_timeout`](crate::Config::answer_timeout).
    ///
    /// # Errors
    ///
    /// [`RespondError::Stale`].
    pub fn defer(&mut self, now: Instant, id: RequestId) -> Result<RequestId, RespondError> {
        let mut engine = self.at(now);
        let index = engine.meant(id.0).ok_or(RespondError::Stale)?;
        engine.defer(index).then_some(id).ok_or(RespondError::Stale)
    }
}

impl<P: Copy + Eq + Hash, C: Scale, R: Roles> Engine<'_, P, C, R> {
    pub(super) fn respond(
        &mut self,
        index: u32,
        flags: u8,
        tx: &mut [u8],
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Option<Transmit<P>>, RespondError> {
        let exchange = self.held.exchanges.at(index).copied().ok_or(RespondError::Stale)?;
        let to = self.address(exchange.peer).ok_or(RespondError::Stale)?;
        let header = match exchange.state {
            State::Asked => Header::acknowledgement(Code::INTERNAL_SERVER_ERROR, exchange.message_id),
            state if state.awaits_answer() => {
                let id = self.message_id(exchange.peer);
                let id = id.map_err(|until| RespondError::NoMessageId { until: Instant::from_millis(until) })?;
                let confirmable = state == State::Deferred;
                let message_type = if confirmable { Type::Confirmable } else { Type::NonConfirmable };
                Header::new(message_type, Code::INTERNAL_SERVER_ERROR, id)
            }
            _ => return Err(RespondError::Stale),
        };
        let mut writer = self.held.begin_answer(&exchange, header, tx, R::LONG_TOKENS);
        build(&mut writer);
        let (written, empty) = (writer.finish(), !writer.has_payload());
        let code = tx.get(1).map_or(Code::EMPTY, |&byte| Code::from_byte(byte));
        let len = match written {
            Ok(len) if code.is_response() => len,
            Ok(_) | Err(WriteError::RequestInAcknowledgement | WriteError::ReservedCodeClass { .. }) => {
                return Err(RespondError::NotAResponse { code });
            }
            Err(error) => return Err(RespondError::Write(error)),
        };
        let unwanted = R::NO_RESPONSE && !is_wanted(code, exchange.flags)
            || R::MULTICAST
                && exchange.state == State::AskedGroup
                && !exchange.speaks_up()
                && (empty || code.class() != 2);
        if unwanted {
            self.count(Counter::Suppressed);
            let acknowledge = exchange.state == State::Asked;
            self.mark(index, flags & flag::IDEMPOTENT);
            self.held.forget_bytes(index);
            self.remember(index);
            let header = Header::empty_acknowledgement(exchange.message_id);
            return Ok(if acknowledge { write(tx, header).map(|len| Transmit { to, len }) } else { None });
        }
        let message = tx.get(..len).unwrap_or_default();
        let transmit = Transmit { to, len };
        match exchange.state {
            State::Asked if flags & flag::IDEMPOTENT != 0 => self.release(index),
            State::Asked => {
                if !self.keep_bytes(index, message) {
                    return Err(RespondError::NoBytes { needed: len });
                }
                self.mark(index, flags);
                self.remember(index);
            }
            State::AskedNon => {
                // A duplicate of a NON is not answered again, so that nothing of its response is kept (RFC 7252 4.5).
                self.held.forget_bytes(index);
                self.take_message_id(exchange.peer);
                self.mark(index, flags);
                self.remember(index);
            }
            state => {
                if !self.keep_bytes(index, message) {
                    return Err(RespondError::NoBytes { needed: len });
                }
                self.take_message_id(exchange.peer);
                self.mark(index, flags);
                self.held.timers.cancel(&mut self.held.exchanges, index);
                let deferred = state == State::Deferred;
                let pace = self.rules().pace;
                let mut exchange = exchange;
                if deferred {
                    self.pace(&mut exchange, &pace);
                }
                if let Some(kept) = self.held.exchanges.at_mut(index) {
                    exchange.bytes = kept.bytes;
                    exchange.flags = kept.flags;
                    exchange.answer(if deferred { State::Confirming } else { State::Leisurely }, header.message_id);
                    *kept = exchange;
                }
                if !deferred {
                    let wait = self.held.random.up_to(self.rules().leisure);
                    self.held.after(index, wait);
                    return Ok(None);
                }
                self.held.link_local(index, true);
                if !self.start(index, pace.nstart) {
                    return Ok(None);
                }
            }
        }
        Ok(Some(transmit))
    }

    /// What the application, or the request, says of the answer.
    fn mark(&mut self, index: u32, flags: u8) {
        if let Some(exchange) = self.held.exchanges.at_mut(index) {
            exchange.flags |= flags;
        }
    }

    fn defer(&mut self, index: u32) -> bool {
        let Some(exchange) = self.held.exchanges.at_mut(index).filter(|exchange| exchange.state.awaits_answer()) else {
            return false;
        };
        exchange.flags |= flag::LATER;
        if exchange.state == State::Asked {
            // The Empty ACK is due.
            self.held.after(index, 0);
        } else {
            let wait = self.rules().defer_timeout;
            self.held.after(index, wait);
        }
        true
    }
}
