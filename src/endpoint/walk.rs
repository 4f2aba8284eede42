//! Who is the next to be told something (RFC 7641 4.2, 4.5).

use super::errors::Unmade;
use super::observe::Plain;
use super::output::{NEVER, STEPS};
use super::types::{Notify, Output};
use crate::exchange::{Asked, ObserverId, ResourceId};
use crate::reliability::{Engine, Turn};
use crate::roles::Roles;
use crate::store::{Exchange, GROUP, Observer, Ring, State, Store, mark};
use crate::wire::{Code, Writer};

impl<S: Store, R: Roles> Engine<S, R> {
    /// What the application did not write is left out; and observers have their turn first, if something else had it
    /// before.
    pub(super) fn begin_walk(&mut self, tx: &mut [u8]) -> Option<Output<S::Peer>> {
        if !R::HAS.server {
            return None;
        }
        if S::INDEXED || R::HAS.nstart_queue {
            let asked = self.core.observing.asked;
            if let (1.., 1..) = (asked.observer, asked.exchange) {
                self.skip_turn(asked.exchange.wrapping_sub(1));
            }
        }
        self.core.observing.asked.observer = 0;
        if !S::INDEXED {
            // Who is told something has a deadline for it, and does not come back before: nobody is kept waiting.
            return None;
        }
        self.confirm_quiet(STEPS);
        if core::mem::take(&mut self.core.observing.turn) { self.walk(tx) } else { None }
    }

    /// The turn passes on.
    fn skip_turn(&mut self, exchange: u32) {
        let waits = |it: &&Exchange| it.state == State::Notifying && it.waits();
        let Some(&it) = self.held.exchanges.at(exchange).filter(waits) else { return };
        self.release(exchange);
        if let Some(index) = self.observer_of(&it) {
            self.set_pending(index, false);
        }
    }

    /// Where there is no index: the next who may be told something, behind the one who was told last. `Err`: in how many ms
    /// somebody may be.
    pub(super) fn walk_few(&mut self) -> Result<(), u32> {
        let mut soonest = NEVER;
        for _ in 0..self.held.observers.slots() {
            let index = self.core.observing.sweep;
            let next = index.wrapping_add(1);
            self.core.observing.sweep = if next < self.held.observers.slots() { next } else { 0 };
            let Some(&observer) = self.held.observer(index) else { continue };
            let mut wait = self.wait_of(index, &observer);
            if wait == 0 {
                // One sequence of Message IDs is for all.
                wait = self.without_id(GROUP);
            }
            if wait > 0 {
                soonest = soonest.min(wait);
                continue;
            }
            // Who does not stand in a queue is told something when it is visited.
            if R::HAS.nstart_queue
                && !observer.has(mark::LEAVING)
                && self.would_wait(observer.peer, self.rules().pace.nstart)
            {
                if self.line_up(index, &observer, 0) == Turn::Full {
                    self.core.observing.blocked = true;
                }
                continue;
            }
            // What one that leaves has taken the place of leaves its turn to something else, whose deadline is now.
            self.choose(index, None, false);
            return Ok(());
        }
        Err(soonest)
    }

    /// In how many ms an observer may be told something, if there are Message IDs. Where there is no index.
    fn wait_of(&self, index: u32, observer: &Observer) -> u32 {
        if R::HAS.end_observers && observer.has(mark::LEAVING) {
            return 0;
        }
        let nstart = self.rules().pace.nstart;
        if !observer.has(mark::STALE | if R::HAS.non_notifications { mark::LOOSE } else { 0 })
            || self.core.observing.blocked
            || !R::HAS.nstart_queue && self.would_wait(observer.peer, nstart)
            || (R::HAS.nstart_queue || nstart > 1) && self.outstanding_for(index, observer).is_some()
        {
            return NEVER;
        }
        let mut wait = self.pause_of(observer);
        if R::HAS.non_notifications && !observer.has(mark::STALE) {
            let passed = self.held.passed(self.held.observers.told_at(index));
            wait = wait.max(self.rules().confirm_after.saturating_sub(passed));
        }
        wait
    }

    /// Somebody who is to be told something: of each resource one, in turn. Where there is an index.
    pub(super) fn walk(&mut self, tx: &mut [u8]) -> Option<Output<S::Peer>> {
        if !R::HAS.server {
            return None;
        }
        for _ in 0..STEPS {
            if self.core.observing.blocked {
                return None;
            }
            let resource = self.core.observing.due.first()?;
            self.visit(resource);
            if let Some(output) = self.ask(tx) {
                return Some(output);
            }
        }
        None
    }

    /// In how many ms there is something to walk to. Where there is an index.
    pub(super) fn next_walk(&self) -> Option<u32> {
        let observing = &self.core.observing;
        if observing.sweep > 0 || !observing.due.is_empty() && !observing.blocked {
            return Some(0);
        }
        self.next_confirmation()
    }

    fn visit(&mut self, resource: u32) -> Option<()> {
        let now = self.held.ticks();
        let observing = &mut self.core.observing;
        let table = &mut self.held.observers;
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
            if self.without_id(observer.peer) > 0 {
                // It waits until there is one.
                match self.turn_of(index, &observer) {
                    Turn::Full => self.core.observing.blocked = true,
                    _ => self.put(index, Ring::Told),
                }
                return None;
            }
            self.choose(index, None, true);
            return None;
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
                self.choose(index, None, entry.has(mark::CONFIRM));
                None
            }
        }
    }

    /// A notification was not acknowledged in time: it is sent again.
    pub(super) fn tell_again(&mut self, exchange: u32) {
        let observer = self.held.exchanges.at(exchange).and_then(|it| self.observer_of(it));
        match observer.filter(|_| R::HAS.server) {
            Some(observer) => self.choose(observer, Some(exchange), true),
            None => self.release(exchange),
        }
    }

    /// The code of the last notification, if that is all that an observer is to be told: its resource is no more, and the
    /// application is not asked.
    fn leaves_with(&self, index: u32) -> Option<Code> {
        if !R::HAS.end_observers {
            return None;
        }
        let observer = self.held.observer(index)?;
        if !S::INDEXED {
            return observer.has(mark::LEAVING).then_some(Code::from_byte(observer.tag as u8));
        }
        let entry = self.held.resource(observer.resource)?;
        entry.has(mark::ENDING).then_some(Code::from_byte(entry.code()))
    }

    /// An observer has waited, and its turn has come.
    pub(super) fn take_turn(&mut self, exchange: u32) {
        // One that waits and has a deadline has its turn, until it is written or the turn passes on.
        self.held.after(exchange, 0);
        let Some(&it) = self.held.exchanges.at(exchange) else { return };
        let Some(index) = self.observer_of(&it).filter(|_| R::HAS.server && self.address(it.peer).is_some()) else {
            return self.release(exchange);
        };
        if let Err(wait) = self.next_id(it.peer) {
            return self.held.after(exchange, wait);
        }
        if self.leaves_with(index).is_some() {
            self.release(exchange);
            self.set_pending(index, false);
        }
        self.choose(index, Some(exchange), false);
    }

    /// An observer is to be told something: in an exchange in which it has waited, or, to be `sure`, once more what is
    /// outstanding in one.
    fn choose(&mut self, index: u32, exchange: Option<u32>, sure: bool) {
        let exchange = exchange.map_or(0, |exchange| exchange.wrapping_add(1));
        self.core.observing.asked = Asked { observer: index.wrapping_add(1), exchange };
        if !Self::PLAIN {
            self.core.observing.sure = sure;
        }
    }

    /// Asks the application to write a notification, if one is chosen to whom. The last one, when the resource is no more,
    /// is written at once, and in the place of what is outstanding.
    pub(super) fn ask(&mut self, tx: &mut [u8]) -> Option<Output<S::Peer>> {
        let Asked { observer: link, exchange } = self.core.observing.asked;
        let (index, again) = (link.checked_sub(1)?, exchange > 0 && (Self::PLAIN || self.core.observing.sure));
        let observer = self.held.observer(index)?;
        if let Some(code) = self.leaves_with(index) {
            self.core.observing.asked.exchange = 0;
            let mut last = Plain { build: Some(|w: &mut Writer<'_>| _ = w.code(code)), tag: 0 };
            let sent = self.respond_any(None, 0, None, tx, &mut last);
            self.core.observing.asked.observer = 0;
            return match sent {
                Ok(sent) => sent.map(Output::Send),
                // Until there is one.
                Err(Unmade::NoMessageId(_)) => None,
                Err(_) => {
                    self.end_observer(index);
                    None
                }
            };
        }
        if !Self::PLAIN {
            self.core.observing.sure |= self.is_overdue(index, observer);
        }
        let notify = Notify {
            observer: ObserverId(self.held.observer_handle(index)),
            resource: ResourceId(if S::INDEXED {
                self.held.resource(observer.resource)?.resource
            } else {
                observer.resource
            }),
            tag: observer.tag,
            peer: self.address(observer.peer)?,
            block_size: (observer.block() < 7).then(|| 16_u16 << observer.block()),
            again,
            non: false,
        };
        if !S::INDEXED && !again {
            if R::HAS.non_notifications && !observer.has(mark::STALE) {
                self.core.observing.advance();
            }
            self.put(index, Ring::Told);
        }
        Some(Output::Notify(notify))
    }
}
