//! Who is the next to be told something (RFC 7641 4.2, 4.5).

use super::output::{NEVER, STEPS};
use super::types::{Notify, Output};
use crate::exchange::{Asked, Handle, ObserverId, Occasion, ResourceId};
use crate::reliability::{Again, Counter, Engine, Turn};
use crate::roles::Roles;
use crate::store::{Exchange, GROUP, Layout, Observer, Ring, State, flag, mark};
use crate::wire::Code;
use core::hash::Hash;

impl<P: Copy + Eq + Hash, C: Layout<Peer = P>, R: Roles> Engine<'_, P, C, R> {
    /// What the application did not write is left out; and observers have their turn first, if something else had it
    /// before.
    pub(super) fn begin_walk(&mut self, tx: &mut [u8]) -> Option<Output<P>> {
        if !R::HAS.server {
            return None;
        }
        if C::INDEXED || R::HAS.nstart_queue {
            let asked = self.core.observing.asked;
            if let (1.., Occasion::Turn(exchange)) = (asked.generation, asked.occasion) {
                self.skip_turn(exchange, asked.observer, asked.generation);
            }
        }
        self.core.observing.asked.generation = 0;
        if !C::INDEXED {
            // Who is told something has a deadline for it, and does not come back before: nobody is kept waiting.
            return None;
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
        if let Some(index) = self.observer_of(&it) {
            self.set_pending(index, false);
        }
    }

    /// Where there is no index: somebody who may be told something, of each resource one in turn, and of one who was told
    /// longest ago. `Err`: in how many ms somebody may be.
    pub(super) fn walk_few(&mut self, tx: &mut [u8]) -> Result<Output<P>, u32> {
        // Who does not stand in a queue is told something when it is visited.
        for _ in 0..if R::HAS.nstart_queue { STEPS } else { 1 } {
            let (mut soonest, mut least, mut next) = (NEVER, u64::MAX, None);
            for (index, observer, told_at) in self.held.observers.all_told() {
                let passed = self.held.passed(told_at);
                let wait = self.wait_of(index, observer, passed);
                let behind = observer.resource.wrapping_sub(self.core.observing.sweep);
                let key = u64::from(behind) << 32 | u64::from(!passed);
                if wait > 0 {
                    soonest = soonest.min(wait);
                } else if next.is_none() || key < least {
                    (least, next) = (key, Some(index));
                }
            }
            let Some(index) = next else { return Err(soonest) };
            // One sequence of Message IDs is for all.
            if let Err(wait) = self.next_id(GROUP) {
                return Err(wait.min(soonest));
            }
            let leaves = self.leaves_with(index).is_some();
            if let Some(output) = self.visit_of_few(index, tx) {
                return Ok(output);
            }
            if leaves {
                // What it has taken the place of leaves its turn to something else, whose deadline is now.
                return Err(0);
            }
        }
        Err(0)
    }

    /// In how many ms an observer may be told something, that was so long ago, if there are Message IDs. Where there is
    /// no index.
    fn wait_of(&self, index: u32, observer: &Observer, passed: u32) -> u32 {
        if observer.has(mark::LEAVING) {
            return 0;
        }
        let nstart = self.rules().pace.nstart;
        if !observer.has(mark::STALE | mark::LOOSE)
            || self.core.observing.blocked
            || !R::HAS.nstart_queue && self.would_wait(observer.peer, nstart)
            || (R::HAS.nstart_queue || nstart > 1) && self.outstanding_for(index, observer).is_some()
        {
            return NEVER;
        }
        let quiet = if observer.has(mark::STALE) { 0 } else { self.rules().confirm_after.saturating_sub(passed) };
        self.pause_of(observer).max(quiet)
    }

    fn visit_of_few(&mut self, index: u32, tx: &mut [u8]) -> Option<Output<P>> {
        let observer = *self.held.observer(index)?;
        self.core.observing.sweep = observer.resource.wrapping_add(1);
        if let Some(code) = self.leaves_with(index) {
            return self.farewell(index, code, tx);
        }
        if R::HAS.nstart_queue && self.would_wait(observer.peer, self.rules().pace.nstart) {
            if self.line_up(index, &observer, 0) == Turn::Full {
                self.core.observing.blocked = true;
            }
            return None;
        }
        self.ask(index, Occasion::Change, false)
    }

    /// Somebody who is to be told something: of each resource one, in turn. Where there is an index.
    pub(super) fn walk(&mut self, tx: &mut [u8]) -> Option<Output<P>> {
        if !R::HAS.server {
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

    /// In how many ms there is something to walk to. Where there is an index.
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
        let table = &mut *self.held.observers;
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
            return self.farewell(index, Code::from_byte(entry.code()), tx);
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

    /// A timer of an observation, ours or an observer's, has run out. `waits`: it waits for its turn.
    pub(super) fn due_for_observation(
        &mut self,
        index: u32,
        state: State,
        waits: bool,
        tx: &mut [u8],
    ) -> Option<Output<P>> {
        match state {
            State::Watching if R::HAS.client => return self.renew(index, tx),
            State::Resting if C::INDEXED => {
                self.rested(index);
                return None;
            }
            State::Notifying if waits => return self.take_turn(index, tx),
            State::Parting if R::HAS.nstart_queue && waits => {
                return if self.launch_waiting(index) { self.transmit(index, tx) } else { None };
            }
            _ => {}
        }
        let next = self.next_try(index);
        let &Exchange { peer, message_id, interval, flags, .. } = self.held.exchanges.at(index)?;
        if next == Again::Later {
            return None;
        }
        let anew = state == State::Notifying && flags & flag::ANEW != 0;
        if next == Again::Never && !anew {
            self.count(Counter::TimedOut);
            self.on_rejected(peer, message_id);
            // A notification has gone with its observer, unless that has gone before.
            if self.held.exchanges.at(index).is_some_and(|it| it.state == state) {
                self.release(index);
            }
            return None;
        }
        if state != State::Notifying {
            self.count(Counter::Retransmitted);
            return self.transmit(index, tx);
        }
        if next == Again::Never {
            // It is written under a new Message ID; or, where the application does not, waits once more.
            self.held.after(index, interval);
        }
        // A notification was not acknowledged in time: it is sent again.
        let observer = self.held.exchanges.at(index).and_then(|it| self.observer_of(it)).filter(|_| R::HAS.server);
        if let Some(observer) = observer {
            return match self.leaves_with(observer) {
                // The last notification takes the place of this one, unless it has to wait for a Message ID.
                Some(code) if self.next_id(peer).is_ok() => self.farewell(observer, code, tx),
                Some(_) => None,
                None => self.ask(observer, Occasion::Again(index), true),
            };
        }
        self.release(index);
        None
    }

    /// The code of the last notification, if that is all that an observer is to be told: its resource is no more, and the
    /// application is not asked.
    fn leaves_with(&self, index: u32) -> Option<Code> {
        let observer = self.held.observer(index)?;
        if !C::INDEXED {
            return observer.has(mark::LEAVING).then_some(Code::from_byte(observer.tag as u8));
        }
        let entry = self.held.resource(observer.resource)?;
        entry.has(mark::ENDING).then_some(Code::from_byte(entry.code()))
    }

    /// An observer has waited, and its turn has come.
    fn take_turn(&mut self, exchange: u32, tx: &mut [u8]) -> Option<Output<P>> {
        // One that waits and has a deadline has its turn, until it is written or the turn passes on.
        self.held.after(exchange, 0);
        let &it = self.held.exchanges.at(exchange)?;
        let Some(index) = self.observer_of(&it).filter(|_| R::HAS.server && self.address(it.peer).is_some()) else {
            self.release(exchange);
            return None;
        };
        if let Err(wait) = self.next_id(it.peer) {
            self.held.after(exchange, wait);
            return None;
        }
        if let Some(code) = self.leaves_with(index) {
            self.release(exchange);
            self.set_pending(index, false);
            return self.farewell(index, code, tx);
        }
        self.ask(index, Occasion::Turn(exchange), false)
    }

    /// Asks the application to write a notification.
    fn ask(&mut self, index: u32, occasion: Occasion, sure: bool) -> Option<Output<P>> {
        let observer = self.held.observer(index)?;
        let peer = self.address(observer.peer)?;
        let number = if C::INDEXED { self.held.resource(observer.resource)?.resource } else { observer.resource };
        let again = matches!(occasion, Occasion::Again(_));
        let generation = self.held.observers.id(index)?.generation();
        let handle = Handle { index, generation, brand: self.held.random.brand() };
        let notify = Notify {
            observer: ObserverId(handle),
            resource: ResourceId(number),
            tag: observer.tag,
            peer,
            block_size: (observer.block() < 7).then(|| 16_u16 << observer.block()),
            again,
            non: false,
        };
        let (sure, stale) = (sure || self.is_overdue(observer), observer.has(mark::STALE));
        self.core.observing.asked = Asked { observer: index, generation, occasion, sure };
        if !C::INDEXED && !again {
            if !stale {
                self.core.observing.advance();
            }
            self.put(index, Ring::Told);
        }
        Some(Output::Notify(notify))
    }

    /// The last notification, made by the endpoint.
    fn farewell(&mut self, index: u32, code: Code, tx: &mut [u8]) -> Option<Output<P>> {
        let generation = self.held.observers.id(index)?.generation();
        self.core.observing.asked = Asked { observer: index, generation, occasion: Occasion::Change, sure: true };
        match self.write_asked(false, tx, &mut |w| _ = w.code(code)) {
            Ok(sent) => sent.map(Output::Send),
            Err(_) => {
                self.end_observer(index);
                None
            }
        }
    }
}
