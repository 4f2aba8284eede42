//! Observers are told (RFC 7641 4.2, 4.5): who is the next, and what the application writes for it.

use super::Endpoint;
use super::errors::RespondError;
use super::respond::not_written;
use super::types::{Notify, Output, Transmit};
use crate::exchange::{Asked, Handle, ObserverId, Occasion, ResourceId};
use crate::reliability::{Again, Counter, Engine, Turn};
use crate::roles::Roles;
use crate::store::{Exchange, Observer, Ring, Scale, State, Store, flag, mark};
use crate::time::Instant;
use crate::wire::{Code, Header, OptionNumber, Token, Type, Writer, uint};
use core::hash::Hash;

/// Steps of one call that lead to nothing that the caller has to do.
const STEPS: u32 = 16;

impl<S: Store, R: Roles> Endpoint<S, R> {
    /// Writes the notification that [`poll`](Endpoint::poll) has asked for by [`Output::Notify`], before `poll` is
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
        if !R::OBSERVE {
            return Err(RespondError::Stale);
        }
        let mut engine = self.at(now);
        let made = engine.write_notification(&notify, tx, build);
        engine.count_sent(matches!(made, Ok(Some(_))));
        made
    }
}

/// A notification that is being written.
#[derive(Clone, Copy)]
struct Written {
    index: u32,
    asked: Asked,
    observer: Observer,
    header: Header,
    /// Of 24 bits (RFC 7641 4.4).
    number: u32,
    /// It is not the one that went out before.
    new: bool,
}

impl<P: Copy + Eq + Hash, C: Scale, R: Roles> Engine<'_, P, C, R> {
    /// What the application did not write is left out; and observers have their turn first, if something else had it
    /// before.
    pub(super) fn begin_walk(&mut self, tx: &mut [u8]) -> Option<Output<P>> {
        if !R::SERVER {
            return None;
        }
        let asked = core::mem::replace(&mut self.core.observing.asked, Asked::NOTHING);
        if let Occasion::Turn(exchange) = asked.occasion {
            self.skip_turn(exchange, asked.observer, asked.generation);
        }
        self.confirm_quiet(STEPS);
        if core::mem::take(&mut self.core.observing.turn) { self.walk(tx) } else { None }
    }

    /// The turn passes on.
    fn skip_turn(&mut self, exchange: u32, observer: u32, generation: u16) {
        let waits =
            |it: &&Exchange| it.state == State::Notifying && it.waits() && it.observer() == (observer, generation);
        let Some(&it) = self.held.exchanges.at(exchange).filter(waits) else { return };
        self.release(exchange);
        if let Some(entry) = self.observer_of(&it).and_then(|index| self.held.observer_mut(index)) {
            entry.set(mark::PENDING, false);
        }
    }

    /// Somebody who is to be told something: of each resource one, in turn.
    pub(super) fn walk(&mut self, tx: &mut [u8]) -> Option<Output<P>> {
        if !R::SERVER {
            return None;
        }
        for _ in 0..STEPS {
            if self.core.observing.blocked {
                return None;
            }
            let resource = self.core.observing.due.first()?;
            if let Some(output) = self.visit(resource, tx) {
                return Some(output);
            }
        }
        None
    }

    /// In how many ms there is something to walk to.
    pub(super) fn next_walk(&self) -> Option<u32> {
        let observing = &self.core.observing;
        if observing.sweep > 0 || !observing.due.is_empty() && !observing.blocked {
            return Some(0);
        }
        self.next_confirmation()
    }

    fn visit(&mut self, resource: u32, tx: &mut [u8]) -> Option<Output<P>> {
        let now = self.held.ticks();
        let observing = &mut self.core.observing;
        let table = self.held.observers.as_mut()?;
        let &entry = table.at(resource)?;
        observing.withdraw(table, resource);
        let Some(index) = table.first_of(resource, Ring::Stale) else {
            // All are told.
            if let Some(entry) = table.at_mut(resource) {
                entry.set(mark::CONFIRM, false);
            }
            if entry.end(Ring::Loose) != 0 {
                observing.make_quiet(table, resource, now);
            }
            return None;
        };
        // The next resource has its turn before.
        observing.make_due(table, resource);
        let &observer = table.at(index)?;
        if self.address(observer.peer).is_none() {
            self.end_observer(index);
            return None;
        }
        if entry.has(mark::ENDING) {
            return self.farewell(index, &observer, Code::from_byte(entry.code()), tx);
        }
        if observer.has(mark::PENDING) {
            // What is on its way is looked at again when it has arrived, or is to be sent again.
            self.put(index, Ring::Told);
            return None;
        }
        match self.turn_of(index, &observer) {
            Turn::Full => {
                self.core.observing.blocked = true;
                None
            }
            Turn::Later => {
                self.put(index, Ring::Told);
                if let Some(entry) = self.held.observer_mut(index).filter(|_| entry.has(mark::CONFIRM)) {
                    // When its turn comes, this is to be a confirmation still.
                    entry.set_loose(u8::MAX);
                }
                None
            }
            Turn::Now => {
                self.put(index, Ring::Told);
                self.ask(index, Occasion::Change, entry.has(mark::CONFIRM))
            }
        }
    }

    /// A timer of an observation, ours or an observer's, has run out.
    pub(super) fn due_for_observation(&mut self, index: u32, exchange: &Exchange, tx: &mut [u8]) -> Option<Output<P>> {
        match exchange.state {
            State::Watching if R::CLIENT => return self.renew(index, tx),
            State::Resting => {
                self.rested(index);
                return None;
            }
            State::Notifying if exchange.waits() => return self.take_turn(index, exchange),
            State::Parting if R::NSTART_QUEUE && exchange.waits() => {
                return if self.launch_waiting(index) { self.transmit(index, tx).map(Output::Send) } else { None };
            }
            _ => {}
        }
        match self.next_try(index) {
            Again::Now if exchange.state == State::Notifying => return self.notify_again(index, exchange),
            Again::Now => {
                self.count(Counter::Retransmitted);
                return self.transmit(index, tx).map(Output::Send);
            }
            Again::Later => {}
            Again::Never if exchange.has(flag::ANEW) && exchange.state == State::Notifying => {
                // It is written under a new Message ID; or, where the application does not, waits once more.
                let wait = exchange.interval;
                self.held.after(index, wait);
                return self.notify_again(index, exchange);
            }
            Again::Never => {
                self.count(Counter::TimedOut);
                self.on_rejected(exchange.peer, exchange.message_id);
                // A notification has gone with its observer, unless that has gone before.
                if self.held.exchanges.at(index).is_some_and(|it| it.state == exchange.state) {
                    self.release(index);
                }
            }
        }
        None
    }

    /// An observer has waited, and its turn has come.
    fn take_turn(&mut self, exchange: u32, it: &Exchange) -> Option<Output<P>> {
        // One that waits and has a deadline has its turn, until it is written or the turn passes on.
        self.held.after(exchange, 0);
        let Some(index) = self.observer_of(it).filter(|_| R::SERVER && self.address(it.peer).is_some()) else {
            self.release(exchange);
            return None;
        };
        if let Err(until) = self.message_id(it.peer) {
            let wait = until.saturating_sub(self.held.now).min(u64::from(u32::MAX)) as u32;
            self.held.after(exchange, wait);
            return None;
        }
        self.ask(index, Occasion::Turn(exchange), false)
    }

    /// A notification was not acknowledged in time: it is sent again.
    fn notify_again(&mut self, exchange: u32, it: &Exchange) -> Option<Output<P>> {
        match self.observer_of(it).filter(|_| R::SERVER) {
            Some(index) => self.ask(index, Occasion::Again(exchange), true),
            None => {
                self.release(exchange);
                None
            }
        }
    }

    fn ask(&mut self, index: u32, occasion: Occasion, sure: bool) -> Option<Output<P>> {
        let &observer = self.held.observer(index)?;
        let peer = self.address(observer.peer)?;
        let resource = ResourceId(self.held.resource(observer.resource)?.resource);
        let generation = self.held.observers.as_ref()?.id(index)?.generation();
        let sure = sure || self.is_overdue(&observer);
        self.core.observing.asked = Asked { observer: index, generation, occasion, sure };
        let handle = Handle { index, generation, brand: self.held.random.brand() };
        let block_size = (observer.block() < 7).then(|| 16_u16 << observer.block());
        let again = matches!(occasion, Occasion::Again(_));
        Some(Output::Notify(Notify {
            observer: ObserverId(handle),
            resource,
            tag: observer.tag,
            peer,
            block_size,
            again,
            non: false,
        }))
    }

    fn write_notification(
        &mut self,
        notify: &Notify<P>,
        tx: &mut [u8],
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Option<Transmit<P>>, RespondError> {
        let begun = self.begin_notification(notify)?;
        let mut writer = Writer::new(tx, begun.header, begun.observer.token());
        build(&mut writer);
        if writer.present_code().class() == 2 {
            writer.insert(OptionNumber::OBSERVE, uint::encode(begun.number).as_bytes());
        }
        let (code, written) = (writer.present_code(), writer.finish());
        let len = written.map_err(|error| not_written(error, tx))?;
        if !code.is_response() {
            return Err(RespondError::NotAResponse { code });
        }
        self.core.observing.asked = Asked::NOTHING;
        Ok(self.complete_notification(&begun, code, len, tx))
    }

    fn begin_notification(&mut self, notify: &Notify<P>) -> Result<Written, RespondError> {
        let asked = self.core.observing.asked;
        let meant = Handle { index: asked.observer, generation: asked.generation, brand: self.held.random.brand() };
        let table = self.held.observers.as_ref().filter(|_| ObserverId(meant) == notify.observer);
        let index = table.and_then(|table| table.meant(meant.index, meant.generation)).ok_or(RespondError::Stale)?;
        let &observer = self.held.observer(index).ok_or(RespondError::Stale)?;
        let confirmable = asked.sure || !notify.non;
        let message_type = if confirmable { Type::Confirmable } else { Type::NonConfirmable };
        let mut header = Header::new(message_type, Code::INTERNAL_SERVER_ERROR, 0);
        let (mut number, mut new) = (self.core.observing.peek(), true);
        if let Occasion::Again(exchange) = asked.occasion {
            let outstanding = |it: &&Exchange| {
                it.state == State::Notifying && !it.waits() && it.observer() == (index, asked.generation)
            };
            let it = self.held.exchanges.at(exchange).filter(outstanding).ok_or(RespondError::Stale)?;
            // RFC 7641 4.4, 4.5.2: the same again, unless the state is another one.
            new = it.has(flag::ANEW)
                || self.held.resource(observer.resource).is_some_and(|resource| resource.is_ahead(it.number()));
            if !new {
                (header.message_id, number) = (it.message_id, it.number());
            }
        }
        if new {
            let id = self.message_id(observer.peer);
            header.message_id = id.map_err(|until| RespondError::NoMessageId { until: Instant::from_millis(until) })?;
        }
        Ok(Written { index, asked, observer, header, number, new })
    }

    fn complete_notification(&mut self, begun: &Written, code: Code, len: usize, tx: &mut [u8]) -> Option<Transmit<P>> {
        let &Written { index, asked, observer, header, number, new } = begun;
        let to = self.address(observer.peer)?;
        self.count(Counter::Notified);
        let confirmable = header.message_type == Type::Confirmable;
        if code.class() != 2 {
            return self.part(index, asked.occasion, confirmable.then_some(header.message_id), to, len, tx);
        }
        self.core.observing.number();
        if !confirmable {
            if let Occasion::Turn(exchange) = asked.occasion {
                self.release(exchange);
            }
            self.take_message_id(observer.peer);
            self.held.note_notified(index, header.message_id);
            self.told_loosely(index);
            return Some(Transmit { to, len });
        }
        let at_once = match asked.occasion {
            Occasion::Change => self.confirm_change(index, begun),
            Occasion::Turn(exchange) => {
                self.rename(exchange, header.message_id, number);
                self.launch(exchange);
                Some(true)
            }
            Occasion::Again(exchange) => {
                self.count(Counter::Retransmitted);
                if new {
                    // RFC 7641 4.5.2: timer and counter go on, unless the client was heard.
                    self.rename(exchange, header.message_id, number);
                    self.take_message_id(observer.peer);
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
            self.make_stale(index);
            return None;
        };
        let now = self.held.now;
        let entry = self.held.observer_mut(index)?;
        entry.set(mark::PENDING, true);
        if !at_once {
            return None;
        }
        entry.set(mark::LOOSE, false);
        entry.set_loose(0);
        entry.confirmed_at(now);
        if new {
            self.held.note_notified(index, header.message_id);
        }
        // The pause after a NON was over, or this would not have been written.
        self.held.peers.mark(observer.peer, false);
        self.put(index, Ring::Told);
        Some(Transmit { to, len })
    }

    /// An exchange for a notification that is to be confirmed. Whether it is sent at once; `None`: there is none.
    fn confirm_change(&mut self, index: u32, begun: &Written) -> Option<bool> {
        let (peer, pace) = (begun.observer.peer, self.rules().pace);
        let set = |exchange: &mut Exchange| {
            exchange.set_observer(index, begun.asked.generation);
            exchange.set_number(begun.number);
        };
        let exchange = self.insert(State::Notifying, peer, begun.header.message_id, &[], set)?;
        self.pace(exchange, &pace);
        Some(self.start(exchange, pace.nstart))
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

    /// An observer was told by a NON: nobody knows whether it arrives.
    pub(super) fn told_loosely(&mut self, index: u32) {
        let now = self.held.ticks();
        let Some(entry) = self.held.observer_mut(index) else { return };
        entry.set(mark::PENDING, false);
        entry.set(mark::LOOSE, true);
        entry.set_loose(entry.loose().saturating_add(1));
        let (peer, resource) = (entry.peer, entry.resource);
        self.held.peers.mark(peer, true);
        if let Some(peer) = self.held.peers.at_mut(peer) {
            peer.last = now;
        }
        self.put(index, Ring::Loose);
        if let Some(table) = &mut self.held.observers {
            self.core.observing.make_quiet(table, resource, now);
        }
    }

    /// The last notification, made by the endpoint.
    fn farewell(&mut self, index: u32, observer: &Observer, code: Code, tx: &mut [u8]) -> Option<Output<P>> {
        let to = self.address(observer.peer)?;
        let Ok(id) = self.message_id(observer.peer) else {
            // It waits until there is one.
            match self.turn_of(index, observer) {
                Turn::Full => self.core.observing.blocked = true,
                _ => self.put(index, Ring::Told),
            }
            return None;
        };
        let token = Token::try_from(observer.token()).unwrap_or_default();
        let written = Writer::new(tx, Header::confirmable(code, id), token.as_bytes()).finish();
        let Ok(len) = written else {
            self.end_observer(index);
            return None;
        };
        self.count(Counter::Notified);
        self.part(index, Occasion::Change, Some(id), to, len, tx).map(Output::Send)
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
        if let Occasion::Turn(exchange) = occasion {
            self.release(exchange);
        }
        let parting = confirm.and_then(|id| self.insert(State::Parting, peer, id, &[], |_| {}));
        if let Some(exchange) = parting {
            if self.keep_bytes(exchange, tx.get(..len).unwrap_or_default()) {
                let pace = self.rules().pace;
                self.pace(exchange, &pace);
                return self.start(exchange, pace.nstart).then_some(Transmit { to, len });
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
