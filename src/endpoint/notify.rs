//! Observers are told (RFC 7641 4.2, 4.5): what the application writes for them.

use super::Endpoint;
use super::errors::{RespondError, Unmade};
use super::observe::{Plain, Respond};
use super::types::{Notify, Transmit};
use crate::exchange::Asked;
use crate::reliability::{Counter, Engine};
use crate::roles::Roles;
use crate::store::{Exchange, Ring, State, Store, flag, mark};
use crate::time::Instant;
use crate::wire::{Code, Header, Type, Writer};

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
        let engine = self.at(now);
        let made = engine.write_notification(&notify, tx, &mut Plain { build: Some(build), tag: 0 });
        engine.count_made(&made);
        made.map_err(|unmade| unmade.error(now))
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    /// There is one of it for each endpoint, whatever is written.
    fn write_notification(
        &mut self,
        notify: &Notify<S::Peer>,
        tx: &mut [u8],
        with: &mut dyn Respond,
    ) -> Result<Option<Transmit<S::Peer>>, Unmade> {
        let meant = notify.observer.0;
        if self.core.observing.asked.observer != meant.index.wrapping_add(1)
            || self.held.observer_handle(meant.index) != meant
        {
            return Err(Unmade::Stale);
        }
        self.write_asked(notify.non, tx, with)
    }

    /// The same of the notification that `poll` has asked for just now.
    #[inline(always)]
    pub(crate) fn write_asked(
        &mut self,
        non: bool,
        tx: &mut [u8],
        with: &mut dyn Respond,
    ) -> Result<Option<Transmit<S::Peer>>, Unmade> {
        let flags = if R::HAS.non_notifications && non { flag::NON } else { 0 };
        self.respond_any(None, flags, None, tx, with)
    }

    /// The header of the notification that was asked for, and its number, of 24 bits (RFC 7641 4.4). `Err`: it is stale, or
    /// there is no Message ID before so many ms have passed.
    pub(super) fn begin_notification(
        &mut self,
        index: u32,
        non: bool,
        number: &mut Option<u32>,
        to: &mut u32,
    ) -> Result<Header, Option<u32>> {
        let exchange = self.core.observing.asked.exchange;
        let observer = self.held.observer(index).ok_or(None)?;
        let peer = observer.peer;
        *to = peer;
        let confirmable = !R::HAS.non_notifications || self.core.observing.sure || !non;
        let message_type = if confirmable { Type::Confirmable } else { Type::NonConfirmable };
        let mut header = Header::new(message_type, Code::INTERNAL_SERVER_ERROR, 0);
        *number = Some(self.core.observing.peek());
        if exchange > 0 {
            let meant = |it: &&Exchange| it.state == State::Notifying && it.observer().0 == index;
            let it = self.held.exchanges.at(exchange.wrapping_sub(1)).filter(meant).ok_or(None)?;
            // RFC 7641 4.4, 4.5.2: the same again, unless the state is another one, or it has not gone out yet.
            let waits = Self::COUNTS && it.waits();
            let changed = match S::INDEXED {
                true => self.held.resource(observer.resource).is_some_and(|resource| resource.is_ahead(it.number())),
                false => observer.has(mark::STALE),
            };
            if !waits && !changed && (Self::PLAIN || !it.has(flag::ANEW)) {
                header.message_id = it.message_id;
                *number = Some(it.number());
                return Ok(header);
            }
        }
        header.message_id = self.next_id(peer).map_err(Some)? as u16;
        Ok(header)
    }

    /// What becomes of the observer now that what it is told lies in `tx`. Who is told an error is none any more.
    pub(super) fn complete_notification(
        &mut self,
        index: u32,
        code: Code,
        id: u16,
        (peer, sent): (u32, Transmit<S::Peer>),
        tx: &mut [u8],
    ) -> Option<Transmit<S::Peer>> {
        if Self::PLAIN {
            return self.complete_plain(index, code, id, (peer, sent), tx);
        }
        let len = sent.len;
        let Asked { exchange, .. } = core::mem::replace(&mut self.core.observing.asked, Asked::NOTHING);
        let last = code.class() != 2;
        let first = tx.first().copied()?;
        let confirmable = !R::HAS.non_notifications || Type::from_bits(first >> 4) == Type::Confirmable;
        self.count(Counter::Notified);
        let mut exchange = exchange.checked_sub(1);
        if let Some(exchange) = exchange {
            let queues = S::INDEXED || R::HAS.nstart_queue;
            let waits = queues && self.held.exchanges.at(exchange).is_some_and(Exchange::waits);
            if waits && (last || !confirmable) {
                self.release(exchange);
            } else if !waits && !last {
                self.count(Counter::Retransmitted);
            }
        }
        if last {
            exchange = None;
            self.end_observer(index);
        } else {
            self.core.observing.number();
        }
        if confirmable {
            if exchange.is_none() {
                let state = if last { State::Parting } else { State::Notifying };
                let generation = if S::INDEXED { self.held.observers.generation(index) } else { 0 };
                exchange = self.insert(state, peer, id, &[], |it| {
                    it.flags = flag::ANEW;
                    if !last {
                        it.set_observer(index, generation);
                    }
                });
            }
            if let Some(exchange) = exchange {
                if !last || self.keep_bytes(exchange, tx.get(..len).unwrap_or_default()) {
                    let at_once = self.confirm_notification(exchange, id);
                    if !last {
                        self.set_pending(index, true);
                        if at_once {
                            // The pause after a NON was over, or this would not have been written.
                            if R::HAS.non_notifications {
                                self.held.peers.mark(peer, false);
                            }
                            self.note_told(index, Some(id), false);
                        }
                    }
                    return Some(sent).filter(|_| at_once);
                }
                self.let_go(exchange);
            } else if !last {
                // There is no exchange for it. It has its turn when there is one.
                self.core.observing.blocked = true;
                if !S::INDEXED && R::HAS.non_notifications && self.core.observing.sure {
                    self.held.observer_mut(index)?.set_loose(u8::MAX);
                }
                self.make_stale(index);
                return None;
            }
            once(tx);
        }
        self.take_message_id(peer);
        if !last {
            self.note_told(index, Some(id), true);
        }
        Some(sent)
    }

    /// The same where each is a CON, nobody waits in an exchange, and there is no index. All that differs is what becomes of
    /// the exchange, but in one function the images of `benches/footprint` take 124 bytes more.
    fn complete_plain(
        &mut self,
        index: u32,
        code: Code,
        id: u16,
        (peer, sent): (u32, Transmit<S::Peer>),
        tx: &mut [u8],
    ) -> Option<Transmit<S::Peer>> {
        let Asked { exchange, .. } = core::mem::replace(&mut self.core.observing.asked, Asked::NOTHING);
        let last = code.class() != 2;
        self.count(Counter::Notified);
        let number = self.core.observing.number();
        if last {
            // With what is outstanding for it.
            self.end_observer(index);
        } else if let Some(exchange) = exchange.checked_sub(1) {
            // RFC 7641 4.5.2: timer and counter go on.
            self.count(Counter::Retransmitted);
            let it = self.held.exchanges.at_mut(exchange)?;
            it.set_number(number);
            if core::mem::replace(&mut it.message_id, id) != id {
                self.take_message_id(peer);
                self.note_told(index, Some(id), false);
            }
            return Some(sent);
        }
        let state = if last { State::Parting } else { State::Notifying };
        let set = |it: &mut Exchange| {
            it.set_observer(index, 0);
            it.set_number(number);
        };
        let mut exchange = self.insert(state, peer, id, &[], set);
        if last {
            if let Some(kept) = exchange.filter(|&kept| !self.keep_bytes(kept, tx.get(..sent.len).unwrap_or_default()))
            {
                self.let_go(kept);
                exchange = None;
            }
        } else if exchange.is_some() {
            self.note_told(index, Some(id), false);
        }
        match exchange {
            Some(exchange) => _ = self.set_out(exchange),
            None if last => {
                self.take_message_id(peer);
                once(tx);
            }
            None => {
                // It has its turn when there is one.
                self.core.observing.blocked = true;
                self.make_stale(index);
                return None;
            }
        }
        Some(sent)
    }

    /// What is to be acknowledged goes out by this exchange. True if at once.
    fn confirm_notification(&mut self, exchange: u32, id: u16) -> bool {
        let number = self.core.observing.peek();
        let Some(it) = self.held.exchanges.at_mut(exchange) else { return false };
        let (peer, waits, other) = (it.peer, Self::COUNTS && it.waits(), it.message_id != id);
        // RFC 7641 4.5.2: timer and counter go on, unless the client was heard.
        let begins = waits || it.has(flag::ANEW);
        if !begins && !other {
            return true;
        }
        it.flags = 0;
        it.set_number(number);
        if S::INDEXED && other {
            self.held.link(exchange, false);
        }
        if let Some(it) = self.held.exchanges.at_mut(exchange) {
            it.message_id = id;
        }
        if S::INDEXED && other {
            self.held.link(exchange, true);
        }
        if !begins {
            self.take_message_id(peer);
            return true;
        }
        if !Self::COUNTS || !waits && !other {
            return self.set_out(exchange);
        }
        let pace = self.rules().pace;
        self.pace(exchange, &pace);
        self.launch(exchange);
        true
    }

    /// An observer was told something, under this Message ID if it is another one: by a NON, of which nobody knows whether
    /// it arrives, or by what is to be confirmed.
    pub(super) fn note_told(&mut self, index: u32, id: Option<u16>, non: bool) {
        if !S::INDEXED && !R::HAS.non_notifications {
            // All that matters of it is under which Message ID.
            if let (Some(id), Some(observer)) = (id, self.held.observer_mut(index)) {
                observer.note_only(id);
            }
            return;
        }
        let ticks = self.held.ticks();
        let peer = if S::INDEXED {
            self.note_told_of_many(index, id, non)
        } else {
            self.held.observers.note_told(index, id, non, ticks)
        };
        let Some(peer) = peer.filter(|_| non) else { return };
        if let Some(peer) = self.held.peers.mark(peer, true) {
            peer.last = ticks;
        }
    }

    /// The same where there is an index. Of which peer.
    fn note_told_of_many(&mut self, index: u32, id: Option<u16>, non: bool) -> Option<u32> {
        if let Some(id) = id {
            self.held.note_notified(index, id);
        }
        let (now, ticks) = (self.held.now, self.held.ticks());
        let entry = self.held.observer_mut(index)?;
        entry.set_loose(if non { entry.loose().saturating_add(1) } else { 0 });
        if !non {
            entry.confirmed_at(now);
        }
        let (peer, resource) = (entry.peer, entry.resource);
        self.put(index, if non { Ring::Loose } else { Ring::Told });
        if non {
            self.set_pending(index, false);
            self.core.observing.make_quiet(&mut self.held.observers, resource, ticks);
        }
        Some(peer)
    }
}

/// Makes what was to be confirmed Non-confirmable (RFC 7252 section 3: the type is in bits 4 and 5).
const fn once(tx: &mut [u8]) {
    if let Some(first) = tx.first_mut() {
        *first = *first & 0xcf | 0x10;
    }
}
