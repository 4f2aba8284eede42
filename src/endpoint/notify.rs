//! Observers are told (RFC 7641 4.2, 4.5): what the application writes for them.

use super::Endpoint;
use super::errors::RespondError;
use super::respond::{fault_of, seal};
use super::types::{Notify, Transmit};
use crate::exchange::{Asked, Occasion};
use crate::reliability::{Counter, Engine};
use crate::roles::Roles;
use crate::store::{Exchange, Layout, Observer, Ring, State, Store, flag, mark};
use crate::time::Instant;
use crate::wire::{Code, Header, Type, Writer};
use core::hash::Hash;

impl<S: Store, R: Roles> Endpoint<S, R> {
    /// Writes the notification that [`poll`](Endpoint::poll) has asked for by [`Output::Notify`](super::Output::Notify), before `poll` is
    /// called again. `build` sets the code, and writes options and payload: what a GET would be answered at this moment,
    /// in the Content-Format of the first response. 5.00 if it sets no code.
    ///
    /// A 2.xx response gets its Observe option from the endpoint. Any other is the last one: the observer is none any
    /// more (RFC 7641 4.2). What it gives out is to be sent. `None`: not now, and `poll` asks again, or sends it.
    ///
    /// A Confirmable one is the application's to write again until it is acknowledged, and then as it is by then. An
    /// observer that does not acknowledge it is none any more.
    ///
    /// # Errors
    ///
    /// [`RespondError`]. The notification may still be written, but for [`RespondError::Stale`]: there is no such
    /// observer any more, or `poll` was called since.
    pub fn write_notification(
        &mut self,
        now: Instant,
        notify: Notify<S::Peer>,
        tx: &mut [u8],
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Option<Transmit<S::Peer>>, RespondError> {
        if !R::HAS.observe {
            return Err(RespondError::Stale);
        }
        let (mut engine, mut build) = (self.at(now), Some(build));
        let made = engine.write_notification(&notify, tx, &mut |w| build.take().map_or((), |build| build(w)));
        engine.count_sent(matches!(made, Ok(Some(_))));
        made
    }
}

/// A notification that is being written.
#[derive(Clone, Copy)]
struct Written {
    index: u32,
    asked: Asked,
    peer: u32,
    header: Header,
    /// Of 24 bits (RFC 7641 4.4).
    number: u32,
    /// It is not the one that went out before.
    new: bool,
}

impl<P: Copy + Eq + Hash, C: Layout<Peer = P>, R: Roles> Engine<'_, P, C, R> {
    /// There is one of it for each endpoint, whatever is written.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    pub(crate) fn write_notification(
        &mut self,
        notify: &Notify<P>,
        tx: &mut [u8],
        build: &mut dyn FnMut(&mut Writer<'_>),
    ) -> Result<Option<Transmit<P>>, RespondError> {
        let asked = &self.core.observing.asked;
        let meant = self.held.observer_handle(asked.observer).filter(|handle| handle.generation == asked.generation);
        if meant != Some(notify.observer.0) {
            return Err(RespondError::Stale);
        }
        self.write_asked(notify.non, tx, build)
    }

    /// Writes what was asked for. The observer is there.
    pub(super) fn write_asked(
        &mut self,
        non: bool,
        tx: &mut [u8],
        build: &mut dyn FnMut(&mut Writer<'_>),
    ) -> Result<Option<Transmit<P>>, RespondError> {
        // An error is not moved: that takes more flash than to make it.
        let begun = match self.begin_notification(non) {
            Ok(begun) => begun,
            Err(None) => return Err(RespondError::Stale),
            Err(Some(wait)) => return Err(self.no_message_id(wait)),
        };
        let token = self.held.observer(begun.index).map(Observer::token).unwrap_or_default();
        let mut writer = Writer::blank(tx);
        writer.begin_with(begun.header, token);
        build(&mut writer);
        let Some(len) = seal(&mut writer, Some(begun.number)) else { return Err(fault_of(&writer)) };
        let code = writer.present_code();
        if !code.is_response() {
            return Err(RespondError::NotAResponse { code });
        }
        self.core.observing.asked.generation = 0;
        Ok(self.complete_notification(&begun, code, len, tx))
    }

    /// `Err`: it is stale, or there is no Message ID before so many ms have passed.
    fn begin_notification(&mut self, non: bool) -> Result<Written, Option<u32>> {
        let asked = self.core.observing.asked;
        let index = asked.observer;
        let observer = self.held.observer(index).ok_or(None)?;
        let peer = observer.peer;
        let message_type = if asked.sure || !non { Type::Confirmable } else { Type::NonConfirmable };
        let mut header = Header::new(message_type, Code::INTERNAL_SERVER_ERROR, 0);
        let (mut number, mut new) = (self.core.observing.peek(), true);
        if let Occasion::Again(exchange) = asked.occasion {
            let outstanding = |it: &&Exchange| {
                it.state == State::Notifying && !it.waits() && it.observer() == (index, asked.generation)
            };
            let it = self.held.exchanges.at(exchange).filter(outstanding).ok_or(None)?;
            // RFC 7641 4.4, 4.5.2: the same again, unless the state is another one.
            let changed = match C::INDEXED {
                true => self.held.resource(observer.resource).is_some_and(|resource| resource.is_ahead(it.number())),
                false => observer.has(mark::STALE),
            };
            new = changed || it.has(flag::ANEW);
            if !new {
                (header.message_id, number) = (it.message_id, it.number());
            }
        }
        if new {
            header.message_id = self.next_id(peer).map_err(Some)? as u16;
        }
        Ok(Written { index, asked, peer, header, number, new })
    }

    fn complete_notification(&mut self, begun: &Written, code: Code, len: usize, tx: &mut [u8]) -> Option<Transmit<P>> {
        let &Written { index, asked, peer, header, number, new } = begun;
        let to = self.address(peer)?;
        self.count(Counter::Notified);
        let confirmable = header.message_type == Type::Confirmable;
        if code.class() != 2 {
            return self.part(index, asked.occasion, confirmable.then_some(header.message_id), to, len, tx);
        }
        self.core.observing.number();
        if !confirmable {
            if let (true, Occasion::Turn(exchange)) = (C::INDEXED || R::HAS.nstart_queue, asked.occasion) {
                self.release(exchange);
            }
            self.take_message_id(peer);
            self.note_told(index, Some(header.message_id), true);
            return Some(Transmit { to, len });
        }
        let at_once = match asked.occasion {
            Occasion::Turn(exchange) if C::INDEXED || R::HAS.nstart_queue => {
                self.rename(exchange, header.message_id, number);
                self.launch(exchange);
                Some(true)
            }
            Occasion::Change | Occasion::Turn(_) => self.confirm_change(index, begun),
            Occasion::Again(exchange) => {
                self.count(Counter::Retransmitted);
                if new {
                    // RFC 7641 4.5.2: timer and counter go on, unless the client was heard.
                    self.rename(exchange, header.message_id, number);
                    self.take_message_id(peer);
                    if self.held.exchanges.at(exchange).is_some_and(|it| it.has(flag::ANEW)) {
                        self.begin_anew(exchange);
                    }
                }
                Some(true)
            }
        };
        let Some(at_once) = at_once else {
            // There is no exchange for it. It has its turn when there is one.
            self.core.observing.blocked = true;
            if !C::INDEXED && asked.sure {
                self.held.observer_mut(index)?.set_loose(u8::MAX);
            }
            self.make_stale(index);
            return None;
        };
        self.set_pending(index, true);
        if !at_once {
            return None;
        }
        // The pause after a NON was over, or this would not have been written.
        self.note_told(index, Some(header.message_id).filter(|_| new), false);
        Some(Transmit { to, len })
    }

    /// An exchange for a notification that is to be confirmed. Whether it is sent at once; `None`: there is none.
    fn confirm_change(&mut self, index: u32, begun: &Written) -> Option<bool> {
        let set = |exchange: &mut Exchange| {
            exchange.set_observer(index, begun.asked.generation);
            exchange.set_number(begun.number);
        };
        let exchange = self.insert(State::Notifying, begun.peer, begun.header.message_id, &[], set)?;
        Some(self.set_out(exchange))
    }

    /// A notification has this Message ID and number now.
    fn rename(&mut self, exchange: u32, id: u16, number: u32) {
        self.held.link(exchange, false);
        if let Some(it) = self.held.exchanges.at_mut(exchange) {
            it.message_id = id;
            it.set_number(number);
        }
        self.held.link(exchange, true);
    }

    /// An observer was told something, under this Message ID if it is another one: by a NON, of which nobody knows whether
    /// it arrives, or by what is to be confirmed.
    pub(super) fn note_told(&mut self, index: u32, id: Option<u16>, non: bool) {
        if let Some(id) = id {
            self.held.note_notified(index, id);
        }
        let (now, ticks) = (self.held.now, self.held.ticks());
        let Some(entry) = self.held.observer_mut(index) else { return };
        entry.set_loose(if non { entry.loose().saturating_add(1) } else { 0 });
        if !non {
            entry.confirmed_at(now);
        }
        let (peer, resource) = (entry.peer, entry.resource);
        self.held.peers.mark(peer, non);
        if !non {
            return self.put(index, Ring::Told);
        }
        self.set_pending(index, false);
        if let Some(peer) = self.held.peers.at_mut(peer) {
            peer.last = ticks;
        }
        self.put(index, Ring::Loose);
        if C::INDEXED {
            self.core.observing.make_quiet(&mut *self.held.observers, resource, ticks);
        }
    }

    /// The observer is none any more once this is sent. With a Message ID it is to be confirmed, if there is room for
    /// it.
    fn part(
        &mut self,
        index: u32,
        occasion: Occasion,
        confirm: Option<u16>,
        to: P,
        len: usize,
        tx: &mut [u8],
    ) -> Option<Transmit<P>> {
        let peer = self.held.observer(index)?.peer;
        self.end_observer(index);
        if let (true, Occasion::Turn(exchange)) = (C::INDEXED || R::HAS.nstart_queue, occasion) {
            self.release(exchange);
        }
        let parting = confirm.and_then(|id| self.insert(State::Parting, peer, id, &[], |_| {}));
        if let Some(exchange) = parting {
            if self.keep_bytes(exchange, tx.get(..len).unwrap_or_default()) {
                return self.set_out(exchange).then_some(Transmit { to, len });
            }
            self.let_go(exchange);
        }
        if let Some(first) = tx.first_mut() {
            // RFC 7252 section 3: the type is in bits 4 and 5.
            *first = *first & 0xcf | 0x10;
        }
        self.take_message_id(peer);
        Some(Transmit { to, len })
    }
}
