//! What an acknowledgement, a reset and silence mean for an observer (RFC 7641 4.5), and when it may be told something.
//!
//! What it guarantees: at most one notification is outstanding for an observer; no more messages to one peer than
//! NSTART are (4.5.1); and an observer that was not told of the latest state when it acknowledged an earlier one is
//! told.
//!
//! An outstanding notification has an exchange, as a separate response has: it is sent again and given up by the same
//! rules. But it keeps no bytes: the application writes the current state.
//!
//! Where there is an index, an observer that has to wait does so in an exchange, so that nobody looks at it before its
//! time. Without one each observer is looked at anyway, and waits in an exchange only where it stands in a queue.

use super::{Counter, Engine};
use crate::roles::Roles;
use crate::store::{Exchange, Observer, Ring, State, Store, flag, mark};

/// Whether an observer may be told something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// Now.
    Now,
    /// It waits, in an exchange of its own.
    Later,
    /// It would have to wait, and there is no exchange for it.
    Full,
}

impl<S: Store, R: Roles> Engine<S, R> {
    /// Takes an observer off the list, with what is outstanding for it. What waits for its turn finds nobody then.
    pub(crate) fn end_observer(&mut self, index: u32) {
        let Some(observer) = self.held.observer(index) else { return };
        let (peer, outstanding) = (observer.peer, self.outstanding_for(index, observer));
        if let Some(exchange) = outstanding {
            self.release(exchange);
        }
        if R::HAS.kept_options {
            if let Some(chain) = self.held.observer_mut(index).and_then(|observer| observer.give_up(S::INDEXED)) {
                self.release_bytes(chain);
            }
        }
        if let Some(resource) = self.held.remove_observer(index) {
            self.held.unlink_resource(resource);
            self.core.observing.withdraw(&mut self.held.observers, resource);
            self.held.observers.remove(resource);
        }
        if S::INDEXED {
            self.unrefer(peer);
        }
    }

    /// The notification that is outstanding for an observer; without an index, also one that waits for its turn.
    pub(crate) fn outstanding_for(&self, index: u32, observer: &Observer) -> Option<u32> {
        let is_it = |it: &Exchange| it.state == State::Notifying && it.observer().0 == index;
        if !S::INDEXED {
            return self.held.exchanges.scan(is_it);
        }
        let id = observer.last_id().filter(|_| observer.has(mark::PENDING))?;
        let exchange = self.held.find_local(observer.peer, id, R::HAS.nstart_queue)?;
        self.held.exchanges.at(exchange).filter(|it| is_it(it))?;
        Some(exchange)
    }

    /// The observer that an exchange is for, if it is one still. Without an index an exchange goes with its observer.
    pub(crate) fn observer_of(&self, exchange: &Exchange) -> Option<u32> {
        let (index, generation) = exchange.observer();
        if S::INDEXED { self.held.observers.meant(index, generation) } else { Some(index) }
    }

    /// Who was sent a notification by this Message ID (RFC 7641 4.5).
    fn notified(&self, peer: u32, id: u16) -> Option<u32> {
        if !S::INDEXED {
            return self.held.find_notified(peer, id, 0, !R::HAS.non_notifications);
        }
        if self.held.observers.len() == 0 {
            return None;
        }
        let given = self.held.peers.at(peer)?.ids.peek().wrapping_sub(id);
        self.held.find_notified(peer, id, given, false)
    }

    /// A reset has come, or nothing has: whoever was notified by this Message ID is not interested any more
    /// (RFC 7641 4.5). True if somebody was.
    pub(crate) fn on_rejected(&mut self, peer: u32, id: u16) -> bool {
        let Some(index) = self.notified(peer, id) else { return false };
        self.count(Counter::Unobserved);
        self.end_observer(index);
        true
    }

    /// An acknowledgement of a notification that was superseded: it says nothing about the state, but that the client
    /// is there (RFC 7641 4.5.2). The next transmission is the first of a new message. True if it was one.
    pub(crate) fn on_late_acknowledgement(&mut self, peer: u32, id: u16) -> bool {
        let Some(index) = self.notified(peer, id) else { return false };
        let outstanding = self.held.observer(index).and_then(|it| self.outstanding_for(index, it));
        let outstanding = outstanding.and_then(|outstanding| self.held.exchanges.at_mut(outstanding));
        if let Some(exchange) = outstanding.filter(|exchange| !R::HAS.nstart_queue || !exchange.waits()) {
            exchange.flags |= flag::ANEW;
            self.core.observing.advance();
        }
        true
    }

    /// A notification has arrived. If the resource has changed since, the observer is to be told again.
    pub(crate) fn told(&mut self, index: u32) {
        let Some(exchange) = self.held.exchanges.at(index) else { return };
        if !S::INDEXED {
            let peer = exchange.peer;
            self.release(index);
            // A round trip has passed since whatever went before.
            if R::HAS.non_notifications {
                self.held.peers.mark(peer, false);
            }
            return;
        }
        let exchange = *exchange;
        self.release(index);
        let Some(observer) = self.observer_of(&exchange) else { return };
        let Some(entry) = self.held.observer_mut(observer) else { return };
        entry.set(mark::PENDING, false);
        let resource = entry.resource;
        self.held.peers.mark(exchange.peer, false);
        if self.held.resource(resource).is_some_and(|resource| resource.is_ahead(exchange.number())) {
            self.make_stale(observer);
        }
    }

    /// An observer is to be told of the latest state.
    pub(crate) fn make_stale(&mut self, index: u32) {
        self.put(index, Ring::Stale);
        if !S::INDEXED {
            return;
        }
        let Some(resource) = self.held.observer(index).map(|observer| observer.resource) else { return };
        self.core.observing.make_due(&mut self.held.observers, resource);
    }

    /// Puts an observer into a ring.
    pub(crate) fn put(&mut self, index: u32, ring: Ring) {
        if !S::INDEXED {
            return self.held.mark_told(index, ring, R::HAS.non_notifications);
        }
        self.held.observers.pull(index);
        self.held.observers.push(ring, index);
    }

    /// The exchange in which an observer waited has ended, or one is outstanding for it from now on.
    pub(crate) fn set_pending(&mut self, index: u32, on: bool) {
        if S::INDEXED {
            if let Some(entry) = self.held.observer_mut(index) {
                entry.set(mark::PENDING, on);
            }
        }
    }

    /// An observer has waited for long enough. Where there is an index.
    pub(crate) fn rested(&mut self, index: u32) {
        let Some(&exchange) = self.held.exchanges.at(index) else { return };
        self.release(index);
        let Some(observer) = self.observer_of(&exchange) else { return };
        self.set_pending(observer, false);
        self.make_stale(observer);
    }

    /// In how many ms an observer may be told something (RFC 7641 4.5.1), if nothing is outstanding for its peer, and there
    /// are Message IDs.
    pub(crate) fn pause_of(&self, observer: &Observer) -> u32 {
        let (rules, peer) = (self.rules(), observer.peer);
        // Marked: the last that it was sent is a NON notification. What is Confirmable need not wait for that.
        let notified = if R::HAS.non_notifications { self.held.peers.marked(peer) } else { None };
        let pause = notified.map_or(0, |it| rules.notification_interval.saturating_sub(self.held.passed(it.last)));
        // The first response is a notification, too: one at a time, even where NSTART would allow more.
        let answering = rules.pace.nstart > 1 && observer.last_id().is_some_and(|id| self.is_confirming(peer, id));
        pause.max(if answering { rules.pace.ack_timeout } else { 0 })
    }

    /// In how many ms there is a Message ID towards a peer.
    pub(crate) fn without_id(&mut self, peer: u32) -> u32 {
        self.next_id(peer).err().unwrap_or(0)
    }

    /// Whether an observer may be told something now. If not, it waits. Where there is an index.
    pub(crate) fn turn_of(&mut self, index: u32, observer: &Observer) -> Turn {
        let pace = self.rules().pace;
        let wait = self.pause_of(observer).max(self.without_id(observer.peer));
        if wait == 0 && !self.would_wait(observer.peer, pace.nstart) {
            return Turn::Now;
        }
        self.line_up(index, observer, if R::HAS.nstart_queue || wait > 0 { wait } else { pace.ack_timeout })
    }

    /// An observer waits in an exchange: for so many ms; 0: behind NSTART.
    pub(crate) fn line_up(&mut self, index: u32, observer: &Observer, wait: u32) -> Turn {
        let generation = self.held.observers.id(index).map_or(0, |id| id.generation());
        let Some(id) = self.held.peers.at(observer.peer).map(|peer| peer.ids.peek()) else { return Turn::Full };
        let state = if wait == 0 { State::Notifying } else { State::Resting };
        let set = |exchange: &mut Exchange| exchange.set_observer(index, generation);
        let Some(exchange) = self.insert(state, observer.peer, id, &[], set) else { return Turn::Full };
        if wait == 0 {
            self.set_out(exchange);
        } else {
            self.held.after(exchange, wait);
        }
        self.set_pending(index, true);
        Turn::Later
    }

    /// Whether a separate response with this Message ID is outstanding.
    fn is_confirming(&self, peer: u32, id: u16) -> bool {
        let found = self.held.find_local(peer, id, R::HAS.nstart_queue).and_then(|index| self.held.exchanges.at(index));
        found.is_some_and(|exchange| exchange.state == State::Confirming)
    }

    /// Whether a notification is to be confirmed, whatever the application wishes (RFC 7641 4.5).
    pub(crate) fn is_overdue(&self, index: u32, observer: &Observer) -> bool {
        if !R::HAS.non_notifications {
            return true;
        }
        if observer.loose().saturating_add(1) >= self.rules().confirm_every {
            return true;
        }
        // At least every 24 hours.
        if S::INDEXED {
            // After six turns of four hours no less than 20 have passed, and before no more than 24.
            return observer.turns_since(self.held.now) >= 6;
        }
        // Or what it is told is nothing new.
        !observer.has(mark::STALE) || self.held.passed(self.held.observers.confirmed_at(index)) >= 20 * 3_600_000
    }

    /// Those who were told by a NON are asked for a confirmation, once nothing else is told for a while: they are to
    /// end with the latest state, whatever got lost (RFC 7641 4.5). Where there is an index.
    pub(crate) fn confirm_quiet(&mut self, most: u32) {
        for _ in 0..most {
            let Some(0) = self.next_confirmation() else { return };
            let (observing, table) = (&mut self.core.observing, &mut self.held.observers);
            let Some(resource) = observing.quiet.first() else { return };
            table.pour(resource, Ring::Loose, Ring::Stale);
            observing.advance();
            observing.make_due(table, resource);
            if let Some(entry) = table.at_mut(resource) {
                entry.set(mark::CONFIRM, true);
            }
        }
    }

    /// In how many ms that is to be looked at next. Where there is an index.
    pub(crate) fn next_confirmation(&self) -> Option<u32> {
        let first = self.held.resource(self.core.observing.quiet.first()?)?;
        Some(self.rules().confirm_after.saturating_sub(self.held.passed(first.tag)))
    }
}
