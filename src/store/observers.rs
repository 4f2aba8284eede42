//! What a slot for observers holds: an observer of a resource (RFC 7641), or a resource that has some.
//!
//! What it guarantees: with the heads of its indexes a slot takes 56 bytes, and an observer is found by any of its last
//! four Message IDs without a record of each.
//!
//! Why it is built so: with an index a resource has a slot of its own among those of its observers. These hang in rings
//! whose ends it holds, so that a change of the resource is a matter of a few links, however many there are. An observer
//! stands in the index under its last Message ID alone; the three before it are kept as how far back they lie. Among few
//! a resource is nothing but a number that its observers have, and which ring one would hang in is a mark of its own.

use super::arena::Chain;
use super::ring::{InNode, append, first, push_back, remove};
use super::scale::Lend;
use super::slots::Exchange;
#[cfg(test)]
use super::slots::State;
use super::table::{Entry, Heads, Id, Link, Slot, Table, Untimed};

/// An observer of a resource, or a resource that has some.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(test, derive(Hash))]
// In this order: Thumb reaches bytes only near the beginning by its short instructions.
#[repr(C)]
pub struct Observer {
    /// The last Message ID. Of a resource: the code of the last notification.
    last: u16,
    /// How many notifications in a row were Non-confirmable.
    loose: u8,
    /// How long the token is (4 bits), [`mark`]s (4).
    marks: u8,
    /// Of the registration. Of a resource: the ends of two rings.
    token: [u8; 8],
    /// Who observes. Of a resource: the end of a ring.
    pub(crate) peer: u32,
    /// The slot of the resource; without an index, its number. Of a resource: its number.
    pub(crate) resource: u32,
    /// What the application has given along, or where the bytes are that are kept with it; among few, of one that is to get a last notification, the code of that. Of a
    /// resource: since when it is quiet, in ms modulo 2^32.
    pub(crate) tag: u32,
    /// How far back from the one behind it each of the three Message IDs before the last one is (7 bits each, 0: none, nor
    /// any before it), when the last CON was, in four hours (7), the size of a block (3), whether there is a last Message ID (1). Of a resource: the number of its state.
    history: u32,
}

/// What else is to be known of an observer, or of a resource.
pub(crate) mod mark {
    /// Of an observer: an exchange is under way for it. Where there is an index.
    pub(crate) const PENDING: u8 = 1 << 4;

    /// Of an observer among few: it was not told of the latest state.
    pub(crate) const STALE: u8 = 1 << 5;
    /// Of an observer among few: it was told by a NON notification.
    pub(crate) const LOOSE: u8 = 1 << 6;
    /// Of an observer among few: the next notification is the last one.
    pub(crate) const LEAVING: u8 = 1 << 7;

    /// Of an observer: its tag says where the bytes are that are kept with it.
    pub(crate) const fn keeps(indexed: bool) -> u8 {
        // What the other scale has for something else.
        if indexed { 1 << 6 } else { 1 << 4 }
    }

    /// Of a resource: some of its observers are due.
    pub(crate) const DUE: u8 = 1 << 4;
    /// Of a resource: some of its observers are to be asked for a confirmation once it is quiet for long enough.
    pub(crate) const QUIET: u8 = 1 << 5;
    /// Of a resource: what is due is a confirmation, not a change.
    pub(crate) const CONFIRM: u8 = 1 << 6;
    /// Of a resource: it is no more.
    pub(crate) const ENDING: u8 = 1 << 7;
}

/// The rings of a resource's observers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ring {
    /// They have, and acknowledged it or are to.
    Told = 0,
    /// They have not been told of the latest state.
    Stale = 1,
    /// They have been, by a NON notification.
    Loose = 2,
}

/// The bits of the length.
const LENGTH: u8 = 0x0f;
/// The length of a token that makes it a resource.
const RESOURCE: u8 = 15;
/// The Message IDs before the last one: 7 bits each.
const BACK: u32 = (1 << BACK_BITS) - 1;
const BACK_BITS: u32 = 7;
const STEPS: u32 = (1 << TURN) - 1;
const TURN: u32 = 21;
const TURNS: u32 = (1 << 7) - 1;
const BLOCK: u32 = 28;
const SENT: u32 = 1 << 31;

/// By how many Message IDs towards a peer an observer's last one may lie ahead of one by which it is found.
pub(crate) const REACH: u16 = BACK as u16;

impl Observer {
    pub(crate) const NONE: Observer =
        Observer { token: [0; 8], peer: 0, resource: 0, tag: 0, last: 0, loose: 0, marks: 0, history: 0 };

    /// An observer with a token of up to eight bytes. `block` is the size exponent that it asked for, 7 for none.
    #[cfg(test)]
    pub(crate) fn new(peer: u32, resource: u32, tag: u32, token: &[u8], block: u8) -> Observer {
        let mut exchange = Exchange::new(State::Asked, peer, 0, token);
        exchange.register(block);
        let mut observer = Observer::NONE;
        observer.begin(&exchange, resource, tag);
        observer
    }

    /// In place, whatever was there: whom this exchange registers, with a token of up to eight bytes.
    pub(crate) fn begin(&mut self, exchange: &Exchange, resource: u32, tag: u32) {
        let (token, length) = exchange.whole_token();
        self.token = token;
        self.peer = exchange.peer;
        self.resource = resource;
        self.tag = tag;
        self.loose = 0;
        self.marks = length;
        self.history = u32::from(exchange.registers().unwrap_or(7)) << BLOCK;
    }

    /// A resource without observers, and the number of its state.
    pub(crate) const fn of_resource(resource: u32, state: u32) -> Observer {
        Observer { resource, marks: RESOURCE, history: state, ..Observer::NONE }
    }

    pub(crate) const fn is_resource(&self) -> bool {
        self.marks & LENGTH == RESOURCE
    }

    /// The token of the registration.
    pub(crate) fn token(&self) -> &[u8] {
        self.token.get(..usize::from(self.marks & LENGTH)).unwrap_or_default()
    }

    pub(crate) const fn has(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    pub(crate) const fn set(&mut self, mark: u8, on: bool) {
        self.marks = if on { self.marks | mark } else { self.marks & !mark };
    }

    /// Bytes are kept with it, in the place of a tag.
    pub(crate) const fn keep(&mut self, chain: Chain, indexed: bool) {
        self.tag = chain.0;
        self.set(mark::keeps(indexed), true);
    }

    /// The bytes that are kept with it.
    pub(crate) const fn kept(&self, indexed: bool) -> Option<Chain> {
        if indexed && self.is_resource() || !self.has(mark::keeps(indexed)) { None } else { Some(Chain(self.tag)) }
    }

    /// They are kept no more.
    pub(crate) const fn give_up(&mut self, indexed: bool) -> Option<Chain> {
        let chain = self.kept(indexed);
        if chain.is_some() {
            self.set(mark::keeps(indexed), false);
            self.tag = 0;
        }
        chain
    }

    /// Among few: which ring it would hang in.
    pub(crate) const fn set_ring(&mut self, ring: Ring) {
        self.marks = self.marks & !(mark::STALE | mark::LOOSE) | (ring as u8) << 5;
    }

    /// The size exponent that the registration asked for, 7 for none.
    pub(crate) const fn block(&self) -> u8 {
        (self.history >> BLOCK & 7) as u8
    }

    /// The Message ID of the last notification.
    pub(crate) const fn last_id(&self) -> Option<u16> {
        if self.history & SENT != 0 { Some(self.last) } else { None }
    }

    /// Whether one of the last four notifications had this Message ID.
    pub(crate) fn has_sent(&self, id: u16) -> bool {
        let Some(last) = self.last_id() else { return false };
        let (mut back, mut steps) = (u32::from(last.wrapping_sub(id)), self.history & STEPS);
        if back > BACK {
            return false;
        }
        while back > 0 {
            let step = steps & BACK;
            if step == 0 || step > back {
                return false;
            }
            back = back.wrapping_sub(step);
            steps >>= BACK_BITS;
        }
        true
    }

    /// A notification has this Message ID.
    pub(crate) fn note_id(&mut self, id: u16) {
        if self.last_id() == Some(id) {
            return;
        }
        let step = self.last_id().map_or(0, |last| u32::from(id.wrapping_sub(last)));
        let step = if step <= BACK { step } else { 0 };
        self.history = self.history & !STEPS | SENT | (self.history << BACK_BITS | step) & STEPS;
        self.last = id;
    }

    /// Among few: it is told by a message with this Message ID, and no other matters.
    pub(crate) const fn note_only(&mut self, id: u16) {
        self.set_ring(Ring::Told);
        self.history |= SENT;
        self.last = id;
    }

    /// How many notifications in a row were Non-confirmable.
    pub(crate) const fn loose(&self) -> u8 {
        self.loose
    }

    /// Among few: it was told something, by a NON or by what is to be confirmed.
    const fn note_told(&mut self, non: bool) {
        self.set_loose(if non { self.loose().saturating_add(1) } else { 0 });
        self.set_ring(if non { Ring::Loose } else { Ring::Told });
    }

    pub(crate) const fn set_loose(&mut self, count: u8) {
        self.loose = count;
    }

    /// The last notification that was to be confirmed, or the registration, was at this time, in ms.
    pub(crate) const fn confirmed_at(&mut self, now: u64) {
        self.history = self.history & !(TURNS << TURN) | (turns(now) & TURNS) << TURN;
    }

    /// How many turns of four hours have passed since, modulo 128: 21 days.
    pub(crate) const fn turns_since(&self, now: u64) -> u32 {
        turns(now).wrapping_sub(self.history >> TURN) & TURNS
    }

    /// Of a resource that ends: the code of the last notification.
    pub(crate) const fn set_code(&mut self, code: u8) {
        self.last = code as u16;
    }

    /// What was set by [`set_code`](Self::set_code).
    pub(crate) const fn code(&self) -> u8 {
        self.last as u8
    }

    /// Of a resource: it has changed, and what is told of it has this number from now on.
    pub(crate) const fn set_number(&mut self, number: u32) {
        self.history = number;
    }

    /// Of a resource: whether it has changed since something of this number was told.
    pub(crate) const fn is_ahead(&self, number: u32) -> bool {
        let ahead = self.history.wrapping_sub(number) & 0x00ff_ffff;
        ahead != 0 && ahead < 1 << 23
    }

    /// Of a resource: the last of a ring.
    pub(crate) fn end(&self, ring: Ring) -> Link {
        let [a, b, c, d, e, f, g, h] = self.token;
        match ring {
            Ring::Stale => Link::from_le_bytes([a, b, c, d]),
            Ring::Loose => Link::from_le_bytes([e, f, g, h]),
            Ring::Told => self.peer,
        }
    }

    fn set_end(&mut self, ring: Ring, link: Link) {
        let [a, b, c, d] = link.to_le_bytes();
        let t = &mut self.token;
        match ring {
            Ring::Stale => [t[0], t[1], t[2], t[3]] = [a, b, c, d],
            Ring::Loose => [t[4], t[5], t[6], t[7]] = [a, b, c, d],
            Ring::Told => self.peer = link,
        }
    }

    /// Of a resource: whether nobody observes it.
    pub(crate) const fn is_lonely(&self) -> bool {
        let [a, b, c, d, e, f, g, h] = self.token;
        self.peer == 0 && u64::from_le_bytes([a, b, c, d, e, f, g, h]) == 0
    }
}

/// How often four hours have passed: a division that small cores can do.
const fn turns(now: u64) -> u32 {
    // 14,400,000 is 2^9 times 28,125. 2^41 ms are 69 years.
    (now >> 9) as u32 / 28_125
}

impl Entry for Observer {
    type Timing = Untimed;
}

/// The observers, and the resources among them.
impl<S: Lend<Slot<Observer, 2>>, H: Lend<Heads<2>>> Table<Observer, 2, S, H> {
    /// The first of a ring of a resource.
    pub(crate) fn first_of(&self, resource: u32, ring: Ring) -> Option<u32> {
        first::<_, 2, InNode>(self, self.at(resource)?.end(ring))
    }

    /// Puts an observer at the end of a ring of its resource.
    pub(crate) fn push(&mut self, ring: Ring, observer: u32) {
        let Some(resource) = self.at(observer).map(|observer| observer.resource) else { return };
        let Some(mut last) = self.at(resource).map(|resource| resource.end(ring)) else { return };
        push_back::<_, 2, InNode>(self, &mut last, observer);
        self.set_end_of(resource, ring, last);
    }

    /// Takes an observer out of the ring that it is in.
    pub(crate) fn pull(&mut self, observer: u32) {
        let Some(index) = self.at(observer).map(|observer| observer.resource) else { return };
        let Some(&resource) = self.at(index) else { return };
        let link = observer.wrapping_add(1);
        let rings = [Ring::Stale, Ring::Loose, Ring::Told];
        let ring = rings.into_iter().find(|&ring| resource.end(ring) == link);
        // In the midst of a ring nobody's end changes.
        let mut last = ring.map_or(0, |ring| resource.end(ring));
        remove::<_, 2, InNode>(self, &mut last, observer);
        if let Some(ring) = ring {
            self.set_end_of(index, ring, last);
        }
    }

    /// All that are in one ring of a resource go to the end of another one.
    pub(crate) fn pour(&mut self, resource: u32, from: Ring, into: Ring) {
        let Some(&entry) = self.at(resource) else { return };
        let mut last = entry.end(into);
        append::<_, 2, InNode>(self, &mut last, entry.end(from));
        self.set_end_of(resource, into, last);
        self.set_end_of(resource, from, 0);
    }

    fn set_end_of(&mut self, resource: u32, ring: Ring, link: Link) {
        if let Some(resource) = self.at_mut(resource) {
            resource.set_end(ring, link);
        }
    }

    /// When it was last told something, in ms modulo 2^32. Where there is no index: it lies where the link of a ring would.
    pub(crate) fn told_at(&self, observer: u32) -> u32 {
        self.slots.lent().get(observer as usize).map_or(0, |slot| slot.node.previous)
    }

    /// Which ring it would hang in. If it is told, it is so now.
    pub(crate) fn mark_told(&mut self, observer: u32, ring: Ring, now: u32) {
        let Some(Slot { node, value }) = self.slots.lend().get_mut(observer as usize) else { return };
        if ring != Ring::Stale {
            node.previous = now;
        }
        value.set_ring(ring);
    }

    /// It was told something now, under this Message ID if it is one of ours, by a NON or by what is to be confirmed: of which
    /// peer. Where there is no index.
    pub(crate) fn note_told(&mut self, observer: u32, id: Option<u16>, non: bool, now: u32) -> Option<u32> {
        let Slot { node, value } = self.slots.lend().get_mut(observer as usize)?;
        if let Some(id) = id {
            value.note_id(id);
        }
        node.previous = now;
        if !non {
            node.next = now;
        }
        value.note_told(non);
        Some(value.peer)
    }

    /// When it was last told something that was to be confirmed, or registered, in ms modulo 2^32. Where there is no index: it
    /// lies where the other link of a ring would.
    pub(crate) fn confirmed_at(&self, observer: u32) -> u32 {
        self.slots.lent().get(observer as usize).map_or(0, |slot| slot.node.next)
    }

    /// The slot of an observer, if it is still the one that was meant.
    pub(crate) fn meant(&self, index: u32, generation: u16) -> Option<u32> {
        let id: Id = self.id(index)?;
        (id.generation() == generation && !self.at(index)?.is_resource()).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        /// RFC 7641 4.5: the last four, as far as they reach back.
        #[test]
        fn the_last_four_message_ids(start in any::<u16>(), steps in prop::collection::vec(1..150_u16, 0..12)) {
            let mut observer = Observer::new(1, 2, 3, &[9; 8], 6);
            let (mut all, mut id) = (Vec::new(), start);
            prop_assert!((0..=u16::MAX).all(|id| !observer.has_sent(id)));
            for step in steps {
                observer.note_id(id);
                all.push(id);
                let last = &all[all.len().saturating_sub(4)..];
                // Each is kept as its distance from the last one.
                let kept = |sent: &u16| last.contains(sent) && id.wrapping_sub(*sent) <= REACH;
                for sent in &all {
                    prop_assert_eq!(observer.has_sent(*sent), kept(sent), "{} of {:?}", sent, all);
                }
                prop_assert!(!observer.has_sent(id.wrapping_add(1)));
                prop_assert_eq!(observer.last_id(), Some(id));
                id = id.wrapping_add(step);
            }
            prop_assert_eq!((observer.token(), observer.block(), observer.loose()), (&[9; 8][..], 6, 0));
        }
    }

    #[test]
    fn what_is_packed_does_not_touch_its_neighbours() {
        let mut observer = Observer::new(1, 2, 3, b"token", 5);
        observer.note_id(0xffff);
        observer.set_loose(255);
        observer.confirmed_at(14_400_000 * 127 + 14_399_999);
        observer.set(mark::PENDING, true);
        observer.set(mark::LEAVING, true);
        observer.set_ring(Ring::Stale);
        observer.set_ring(Ring::Loose);
        assert_eq!((observer.token(), observer.block(), observer.loose()), (&b"token"[..], 5, 255));
        assert_eq!(observer.last_id(), Some(0xffff));
        assert_eq!(observer.turns_since(14_400_000 * 133), 6);
        assert_eq!(observer.turns_since(14_400_000 * 128 - 1), 0);
        observer.set(mark::PENDING, false);
        assert!(!observer.has(mark::PENDING) && observer.has(mark::LEAVING));
        assert!(!observer.has(mark::STALE) && observer.has(mark::LOOSE));
        observer.set_ring(Ring::Told);
        assert!(!observer.has(mark::STALE | mark::LOOSE) && observer.has(mark::LEAVING));
        assert!(!observer.is_resource() && Observer::of_resource(7, 0).is_resource());
        let mut resource = Observer::of_resource(7, 0);
        resource.set_code(0x84);
        resource.set(mark::ENDING, true);
        assert!(resource.is_resource() && resource.is_lonely());
        assert_eq!((resource.code(), resource.resource), (0x84, 7));
        resource.set_number(2);
        assert!(resource.is_ahead(1) && resource.is_ahead(0xff_ffff) && !resource.is_ahead(2) && !resource.is_ahead(3));
    }

    #[test]
    fn observers_move_between_the_rings_of_their_resource() {
        let slots = [Slot::<Observer, 2>::vacant(Observer::NONE); 8];
        let mut table = Table::new(slots, []);
        let resource = table.insert(Observer::of_resource(7, 0)).map(Id::index).unwrap();
        let all: Vec<u32> = (0..6)
            .map(|peer| {
                let index = table.insert(Observer::new(peer, resource, 0, &[], 7)).map(Id::index).unwrap();
                table.push(Ring::Told, index);
                index
            })
            .collect();
        let members = |table: &mut Table<Observer, 2, [Slot<Observer, 2>; 8], [Heads<2>; 0]>, ring| {
            let mut found = Vec::new();
            while let Some(index) = table.first_of(resource, ring) {
                table.pull(index);
                found.push(index);
            }
            found.iter().for_each(|&index| table.push(ring, index));
            found
        };
        table.pour(resource, Ring::Loose, Ring::Stale);
        table.pour(resource, Ring::Told, Ring::Stale);
        assert_eq!(members(&mut table, Ring::Stale), all);
        assert!(members(&mut table, Ring::Told).is_empty());
        for &index in &all[..2] {
            table.pull(index);
            table.push(Ring::Loose, index);
        }
        // From the midst, and the end.
        for index in [all[3], all[5]] {
            table.pull(index);
            table.push(Ring::Told, index);
        }
        assert_eq!(members(&mut table, Ring::Stale), [all[2], all[4]]);
        // The resource has changed again: who was told last is the last to be told.
        table.pour(resource, Ring::Loose, Ring::Stale);
        table.pour(resource, Ring::Told, Ring::Stale);
        assert_eq!(members(&mut table, Ring::Stale), [all[2], all[4], all[0], all[1], all[3], all[5]]);
        for &index in &all {
            table.pull(index);
            assert!(table.remove(index));
        }
        assert!(table.at(resource).unwrap().is_lonely());
    }
}
