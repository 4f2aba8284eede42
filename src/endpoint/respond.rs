//! Requests of peers: answered, or put off.

use super::Endpoint;
use super::errors::{RespondError, Unmade};
use super::observe::{Accepted, Of, Plain};
use super::types::Transmit;
use crate::exchange::{RequestId, is_wanted};
use crate::reliability::{Counter, Engine, write};
use crate::roles::Roles;
use crate::store::{Exchange, State, Store, flag};
use crate::time::Instant;
use crate::wire::{Code, Header, SMALL, Type, Writer};

/// Which request is answered, and how. A [`RequestId`] alone will do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Answer {
    pub(crate) id: RequestId,
    pub(crate) flags: u8,
}

/// What an answer is: in one word, which is passed on in a register.
#[derive(Clone, Copy)]
pub(super) struct Made {
    /// Its Message ID.
    pub(super) id: u16,
    pub(super) code: Code,
    /// How it was to be made.
    pub(super) flags: u8,
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
    /// The request may be processed twice (RFC 7252 4.5): of a piggybacked response nothing is kept, and a duplicate
    /// comes as a new request. Of another response it is kept, that a duplicate was answered, until the slot is needed.
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
    /// The response is piggybacked on the acknowledgement, or a separate one if that has gone out. What it gives out is
    /// to be sent; an Empty ACK, where the client does not want the response (RFC 7967). `None`: nothing is to be sent,
    /// or not now: it waits behind NSTART or for its part of the leisure, and comes out of [`poll`](Endpoint::poll).
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
        let Answer { id, flags } = answer.into();
        let engine = self.at(now);
        let made = engine.respond(id, flags, tx, build);
        engine.count_made(&made);
        made.map_err(|unmade| unmade.error(now))
    }

    /// Puts the answer off: an Empty ACK goes out, by [`poll`](Endpoint::poll), and the response will be a separate
    /// one. The request then waits for [`defer_timeout`](crate::Config::defer_timeout) rather than
    /// [`answer_timeout`](crate::Config::answer_timeout).
    ///
    /// # Errors
    ///
    /// [`RespondError::Stale`].
    pub fn defer(&mut self, now: Instant, id: RequestId) -> Result<RequestId, RespondError> {
        let engine = self.at(now);
        let index = engine.meant(id.0).ok_or(RespondError::Stale)?;
        engine.defer(index).then_some(id).ok_or(RespondError::Stale)
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    pub(crate) fn respond(
        &mut self,
        id: RequestId,
        flags: u8,
        tx: &mut [u8],
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Option<Transmit<S::Peer>>, Unmade> {
        if SMALL && (R::HAS.observe || R::HAS.transfers) {
            return self.respond_any(Some(&Of::whole(id)), flags, None, tx, &mut Plain { build: Some(build), tag: 0 });
        }
        let index = self.meant(id.0).ok_or(Unmade::Stale)?;
        let exchange = self.held.exchanges.at(index).ok_or(Unmade::Stale)?;
        let &Exchange { state, peer, message_id, .. } = exchange;
        if R::HAS.observe && exchange.registers().is_some() {
            return self.respond_any(Some(&Of::whole(id)), flags, None, tx, &mut Plain { build: Some(build), tag: 0 });
        }
        // What does not depend on `build` is in functions of its own: it is there once, however many replies an image
        // has.
        let header = self.header_for(state, peer, message_id);
        let header = header.map_err(|wait| wait.map_or(Unmade::Stale, Unmade::NoMessageId))?;
        let mut writer = Writer::blank(tx);
        self.held.begin_answer(index, header, &mut writer, R::HAS.long_tokens);
        build(&mut writer);
        let (code, len, empty) = (writer.present_code(), writer.length(), !writer.has_payload());
        if !writer.is_well() || !code.is_response() {
            return Err(Unmade::Message(writer.state()));
        }
        let to = self.address(peer).ok_or(Unmade::Stale)?;
        let made = Made { id: header.message_id, code, flags };
        self.complete::<false>((index, state, peer), made, Transmit { to, len }, empty, None, tx)
    }

    /// The header of the answer to a request of which this is known: its type, and its Message ID. `Err`: it is not to be
    /// answered, or not before so many ms have passed.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    pub(super) fn header_for(&mut self, state: State, peer: u32, message_id: u16) -> Result<Header, Option<u32>> {
        let mut header = Header::acknowledgement(Code::INTERNAL_SERVER_ERROR, message_id);
        if !state.awaits_answer() || self.is_detached(peer) {
            return Err(None);
        }
        if state != State::Asked {
            header.message_id = self.next_id(peer).map_err(Some)? as u16;
            header.message_type = if state == State::Deferred { Type::Confirmable } else { Type::NonConfirmable };
        }
        Ok(header)
    }

    /// What becomes of the request, of which this is known, now that its answer lies in `tx`: `sent` so, `empty` if it has no
    /// payload; and, if it may `REGISTER` one, of the observer: `accepted`.
    pub(super) fn complete<const REGISTERS: bool>(
        &mut self,
        (index, state, peer): (u32, State, u32),
        made: Made,
        sent: Transmit<S::Peer>,
        empty: bool,
        accepted: Option<&Accepted<'_>>,
        tx: &mut [u8],
    ) -> Result<Option<Transmit<S::Peer>>, Unmade> {
        let Made { id: local_id, code, flags } = made;
        let unwanted = |exchange: &&mut Exchange| {
            R::HAS.no_response && !is_wanted(code, exchange.flags)
                || R::HAS.multicast
                    && state == State::AskedGroup
                    && !exchange.speaks_up()
                    && (empty || code.class() != 2)
        };
        let silent = R::HAS.no_response || R::HAS.multicast;
        if let Some(exchange) = silent.then(|| self.held.exchanges.at_mut(index)).flatten().filter(unwanted) {
            exchange.flags |= flags & flag::IDEMPOTENT;
            let header = Header::empty_acknowledgement(exchange.message_id);
            self.count(Counter::Suppressed);
            self.forget_bytes(index);
            self.remember(index);
            let written = if state == State::Asked { write(tx, header) } else { None };
            return Ok(written.map(|len| Transmit { len, ..sent }));
        }
        let idempotent = state == State::Asked && flags & flag::IDEMPOTENT != 0;
        // A duplicate of a NON is not answered again, so that nothing of its response is kept (RFC 7252 4.5).
        if idempotent || state == State::AskedNon {
            // What is kept of the request.
            if Self::REPLACES {
                self.forget_bytes(index);
            }
        } else if !self.keep_bytes(index, tx.get(..sent.len).unwrap_or_default()) {
            return Err(Unmade::NoBytes(sent.len));
        }
        if let Some(accepted) = accepted.filter(|_| REGISTERS && R::HAS.observe) {
            self.register((index, state, peer), accepted, local_id);
        }
        let sent = Some(sent);
        if idempotent {
            self.release(index);
            return Ok(sent);
        }
        if state == State::AskedNon || R::HAS.multicast && state == State::AskedGroup {
            self.take_message_id(peer);
        }
        if state == State::Asked || state == State::AskedNon {
            self.remember_with(index, flags, true);
            return Ok(sent);
        }
        let deferred = !R::HAS.multicast || state == State::Deferred;
        let next = if deferred { State::Confirming } else { State::Leisurely };
        if S::INDEXED {
            self.stop(index);
        }
        let pace = self.rules().pace;
        let wait = if deferred { self.first_timeout(&pace) } else { self.held.random.up_to(self.rules().leisure) };
        let Some(exchange) = self.held.exchanges.at_mut(index) else { return Ok(None) };
        exchange.flags |= flags;
        exchange.answer(next, local_id);
        if !deferred {
            self.held.after(index, wait);
            return Ok(None);
        }
        Self::set_pace(exchange, wait, &pace);
        self.held.link_local(index, true);
        if self.start(index, pace.nstart) { Ok(sent) } else { Ok(None) }
    }

    pub(crate) fn defer(&mut self, index: u32) -> bool {
        if S::INDEXED {
            let Some(exchange) = self.held.exchanges.at(index).filter(|exchange| exchange.state.awaits_answer()) else {
                return false;
            };
            if self.is_detached(exchange.peer) {
                return false;
            }
            self.stop(index);
        }
        let exchange = self.held.exchanges.at_mut(index).filter(|exchange| exchange.state.awaits_answer());
        let Some(exchange) = exchange else { return false };
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
