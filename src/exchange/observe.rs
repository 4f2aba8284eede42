//! Who observes what (RFC 7641 3.1, 4.1): an observer is known by its endpoint and its token, a resource by a number of
//! the application's.
//!
//! An observer hangs in one of three rings of its resource: not told of the latest state, told by a NON notification,
//! told by one that is to be confirmed. When the resource changes all of them are poured into the first; `poll` takes
//! them out from its front, one at a time. So `notify` costs the same for one observer and for a million.
//!
//! Without an index there are neither slots for resources nor rings: each observer has a mark in their place, and is
//! looked at for everything. So it needs no list of who is due, either, and waits without a timer.

use super::Handle;
use crate::random::Purpose;
use crate::store::{Heads, Held, Lend, Link, List, Observer, ObserverSlot, REACH, Ring, Store, Table, Tables, mark};
use crate::wire::same;
use core::hash::Hash;

/// A resource that can be observed: a number of the application's choice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ResourceId(pub u32);

/// An observer of a resource of ours, until it is none any more. Free of lifetimes; a stale one is an error, never a
/// panic.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ObserverId(pub(crate) Handle);

/// What an endpoint knows of observation apart from its store. All zeros: nothing.
#[derive(Clone, Debug)]
// In this order: what few observers make use of comes first, which Thumb reaches by its short instructions.
#[repr(C)]
pub(crate) struct Observing {
    /// What it is asked for is to be confirmed, whatever it says.
    pub(crate) sure: bool,
    /// Whether nobody has this number.
    unused: bool,
    /// No exchange is to be had: nobody is told anything until one ends.
    pub(crate) blocked: bool,
    /// Whose turn it is in `poll`: that of observers. Where there is an index.
    pub(crate) turn: bool,
    /// The observer that the application was asked to notify, until the next call of `poll`.
    pub(crate) asked: Asked,
    /// The number of the present state of all that is observed (RFC 7641 4.4): of 24 bits.
    sequence: u32,
    /// The slots below it are to be looked through for observers that were forgotten. Without an index: the
    /// resource behind the one of which somebody was told last.
    pub(crate) sweep: u32,
    /// Resources with observers that are to be told, in the order in which it is their turn. Where there is an index.
    pub(crate) due: List,
    /// Resources with observers that were told by a NON, since when first. Where there is an index.
    pub(crate) quiet: List,
}

/// What the application was asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    /// Whom to tell, as a link; 0: nobody.
    pub(crate) observer: Link,
    /// The exchange in which the observer has waited for its turn, or that stands for what it has not acknowledged, as a
    /// link; 0: nothing is under way for it.
    pub(crate) exchange: Link,
}

impl Asked {
    pub(crate) const NOTHING: Asked = Asked { observer: 0, exchange: 0 };
}

impl Observing {
    pub(crate) const NONE: Observing = Observing {
        due: List::EMPTY,
        quiet: List::EMPTY,
        sequence: 0,
        sweep: 0,
        asked: Asked::NOTHING,
        sure: false,
        unused: false,
        blocked: false,
        turn: false,
    };

    /// Something has changed: what is told from now on has another number than what was told before.
    pub(crate) fn advance(&mut self) {
        if !self.unused {
            self.sequence = self.sequence.wrapping_add(1) & 0x00ff_ffff;
            self.unused = true;
        }
    }

    /// The number of the present state, for a notification.
    pub(crate) fn number(&mut self) -> u32 {
        self.unused = false;
        self.sequence
    }

    /// The number that the next notification would have.
    pub(crate) const fn peek(&self) -> u32 {
        self.sequence
    }
}

/// The last Message ID of an observer.
const BY_MESSAGE: usize = 0;
/// An observer by its token, a resource by its number.
const BY_NAME: usize = 1;

impl<S: Store> Held<S> {
    /// An observer.
    pub(crate) fn observer(&self, index: u32) -> Option<&Observer> {
        self.observers.at(index).filter(|observer| !S::INDEXED || !observer.is_resource())
    }

    /// By what the application names what is in a slot for observers.
    pub(crate) fn observer_handle(&self, index: u32) -> Handle {
        Handle { index, generation: self.observers.generation(index), brand: self.random.brand() }
    }

    /// An observer or a resource, to change it.
    pub(crate) fn observer_mut(&mut self, index: u32) -> Option<&mut Observer> {
        self.observers.at_mut(index)
    }

    /// A resource that is observed.
    pub(crate) fn resource(&self, index: u32) -> Option<&Observer> {
        self.observers.at(index).filter(|observer| observer.is_resource())
    }

    /// Who observes by this token.
    pub(crate) fn find_observer(&self, peer: u32, token: &[u8]) -> Option<u32> {
        let table = &self.observers;
        let is_it = |observer: &Observer| {
            !(S::INDEXED && observer.is_resource()) && observer.peer == peer && same(observer.token(), token)
        };
        if S::INDEXED { table.find(BY_NAME, self.random.hash_token(peer, token), is_it) } else { table.scan(is_it) }
    }

    /// The slot of a resource that is observed; without an index, that of somebody who observes it.
    pub(crate) fn find_resource(&self, number: u32) -> Option<u32> {
        let table = &self.observers;
        if !S::INDEXED {
            return table.scan(|observer| observer.resource == number && !observer.has(mark::LEAVING));
        }
        let is_it = |entry: &Observer| entry.is_resource() && entry.resource == number && !entry.has(mark::ENDING);
        table.find(BY_NAME, self.number_key(number), is_it)
    }

    /// Who was sent a notification with this Message ID, one of the last four. `given`: how many Message IDs were given
    /// out to the peer since, this one included. `last_alone`: without an index nothing but the last one is known.
    pub(crate) fn find_notified(&self, peer: u32, id: u16, given: u16, last_alone: bool) -> Option<u32> {
        let table = &self.observers;
        if !S::INDEXED && last_alone {
            return table.scan(|observer| observer.peer == peer && observer.last_id() == Some(id));
        }
        let has = |observer: &Observer| {
            !(S::INDEXED && observer.is_resource()) && observer.peer == peer && observer.has_sent(id)
        };
        if !S::INDEXED {
            return table.scan(has);
        }
        // It stands under its last one, which is not far ahead.
        (0..given.min(REACH + 1)).find_map(|ahead| {
            let last = id.wrapping_add(ahead);
            let is_it = |observer: &Observer| observer.last_id() == Some(last) && has(observer);
            table.find(BY_MESSAGE, self.random.hash_id(Purpose::LocalId, peer, last), is_it)
        })
    }

    /// The observer's last Message ID is this one.
    pub(crate) fn note_notified(&mut self, index: u32, id: u16) {
        if !S::INDEXED {
            return self.observer_mut(index).map_or((), |observer| observer.note_id(id));
        }
        let Some(&observer) = self.observer(index) else { return };
        let key = |id| self.random.hash_id(Purpose::LocalId, observer.peer, id);
        let (old, new) = (observer.last_id().map(key), key(id));
        let table = &mut self.observers;
        if let Some(old) = old {
            table.unlink(index, BY_MESSAGE, old);
        }
        if let Some(observer) = table.at_mut(index) {
            observer.note_id(id);
        }
        table.link(index, BY_MESSAGE, new);
    }

    /// Whether there is room for one more observer of a resource.
    pub(crate) fn can_observe(&self, resource: u32) -> bool {
        let table = &self.observers;
        if !S::INDEXED {
            return table.vacancy().is_some();
        }
        let needed = 1 + u32::from(self.find_resource(resource).is_none());
        needed <= table.capacity().saturating_sub(table.len())
    }

    /// Enters whom this exchange registers as an observer of a resource that has this number, whose state has one of its own:
    /// where there is [room](Self::can_observe) for it. Without an index it is to be told something before it stands
    /// anywhere.
    pub(crate) fn enter_observer(&mut self, exchange: u32, number: u32, tag: u32, state: u32) -> Option<u32> {
        if !S::INDEXED {
            let Tables { exchanges, observers, .. } = &mut **self;
            let exchange = exchanges.at(exchange)?;
            let index = observers.vacancy()?;
            observers.occupy(index)?.begin(exchange, number, tag);
            return Some(index);
        }
        let exchange = self.exchanges.at(exchange)?;
        let key = self.random.hash_token(exchange.peer, exchange.token());
        let mut observer = Observer::NONE;
        observer.begin(exchange, 0, tag);
        observer.confirmed_at(self.now);
        observer.resource = match self.find_resource(number) {
            Some(resource) => resource,
            None => {
                let key = self.number_key(number);
                let table = &mut self.observers;
                let resource = table.insert(Observer::of_resource(number, state))?.index();
                table.link(resource, BY_NAME, key);
                resource
            }
        };
        let table = &mut self.observers;
        let index = table.insert(observer)?.index();
        table.link(index, BY_NAME, key);
        table.push(Ring::Told, index);
        Some(index)
    }

    /// Where there is no index: which ring an observer would hang in. If it is told, it is so now. `timed`: whether it
    /// matters when.
    pub(crate) fn mark_told(&mut self, index: u32, ring: Ring, timed: bool) {
        if !timed {
            return self.observer_mut(index).map_or((), |observer| observer.set_ring(ring));
        }
        let now = self.ticks();
        self.observers.mark_told(index, ring, now);
    }

    /// Takes an observer out. Its resource comes back if it has no other.
    pub(crate) fn remove_observer(&mut self, index: u32) -> Option<u32> {
        if !S::INDEXED {
            self.observers.vacate(index);
            return None;
        }
        let &observer = self.observer(index)?;
        let name = self.random.hash_token(observer.peer, observer.token());
        let message = observer.last_id().map(|id| self.random.hash_id(Purpose::LocalId, observer.peer, id));
        let table = &mut self.observers;
        table.pull(index);
        table.unlink(index, BY_NAME, name);
        if let Some(message) = message {
            table.unlink(index, BY_MESSAGE, message);
        }
        table.remove(index);
        table.at(observer.resource).filter(|resource| resource.is_lonely()).map(|_| observer.resource)
    }

    /// From now on a resource is not found by its number.
    pub(crate) fn unlink_resource(&mut self, index: u32) {
        if !S::INDEXED {
            return;
        }
        let Some(number) = self.resource(index).map(|resource| resource.resource) else { return };
        let key = self.number_key(number);
        self.observers.unlink(index, BY_NAME, key);
    }

    /// The number is the application's own, but it may follow from what a peer has asked for.
    fn number_key(&self, number: u32) -> u64 {
        self.random.hash_id(Purpose::Resource, number, 0)
    }
}

impl Observing {
    /// A resource has observers that are to be told.
    pub(crate) fn make_due(
        &mut self,
        table: &mut Table<Observer, 2, impl Lend<ObserverSlot>, impl Lend<Heads<2>>>,
        resource: u32,
    ) {
        self.calm(table, resource);
        let Some(entry) = table.at_mut(resource).filter(|entry| !entry.has(mark::DUE)) else { return };
        entry.set(mark::DUE, true);
        self.due.push_back(table, resource);
    }

    /// A resource has observers that were told by a NON, from now on.
    pub(crate) fn make_quiet(
        &mut self,
        table: &mut Table<Observer, 2, impl Lend<ObserverSlot>, impl Lend<Heads<2>>>,
        resource: u32,
        now: u32,
    ) {
        let Some(entry) = table.at_mut(resource).filter(|entry| !entry.has(mark::DUE | mark::QUIET)) else { return };
        entry.set(mark::QUIET, true);
        entry.tag = now;
        self.quiet.push_back(table, resource);
    }

    /// It has none any more, or they are not to be asked yet.
    fn calm(&mut self, table: &mut Table<Observer, 2, impl Lend<ObserverSlot>, impl Lend<Heads<2>>>, resource: u32) {
        let Some(entry) = table.at_mut(resource).filter(|entry| entry.has(mark::QUIET)) else { return };
        entry.set(mark::QUIET, false);
        self.quiet.remove(table, resource);
    }

    /// Takes a resource out of whatever list it is in.
    pub(crate) fn withdraw(
        &mut self,
        table: &mut Table<Observer, 2, impl Lend<ObserverSlot>, impl Lend<Heads<2>>>,
        resource: u32,
    ) {
        self.calm(table, resource);
        let Some(entry) = table.at_mut(resource).filter(|entry| entry.has(mark::DUE)) else { return };
        entry.set(mark::DUE, false);
        self.due.remove(table, resource);
    }
}
