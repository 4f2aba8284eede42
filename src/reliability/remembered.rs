//! What is over and remembered for duplicates (RFC 7252 4.5), how long, and what gives way when a table is full.
//!
//! Where there is an index, what is remembered hangs in lists, since a lifetime that is the same for all ends in the
//! order of its beginning; where there is none, each has its deadline. What may be processed twice gives way first, the
//! asking peer's own before others', the oldest before the younger; then, unless
//! [`strict_dedup`](crate::Config::strict_dedup), the oldest others.

use super::{Counter, Engine};
use crate::roles::Roles;
use crate::store::{Chain, Exchange, Lend, List, OfPeer, State, Store, Tables, first, flag, push_back, remove};
use crate::wire::SMALL;

/// The lists of what is remembered.
const REMEMBERED: usize = 4;
/// CON requests of peers that are not answered yet: each is to be acknowledged after the same time.
const ASKED: usize = 4;

/// Which list an exchange with these flags is in.
const fn list_of(flags: u8) -> usize {
    (flags & flag::NON != 0) as usize | ((flags & flag::IDEMPOTENT != 0) as usize) << 1
}

/// The lists of what may be processed twice, and then the others.
const ORDER: [[usize; 2]; 2] = [[2, 3], [0, 1]];

impl<S: Store, R: Roles> Engine<S, R> {
    /// Remembers an exchange that is over, for as long as a duplicate may come.
    pub(crate) fn remember(&mut self, index: u32) {
        self.remember_with(index, 0, false);
    }

    /// The same, with flags that it gets; `at_once`: a request whose answer is not a message of its own. In place, for
    /// these.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    pub(crate) fn remember_with(&mut self, index: u32, flags: u8, at_once: bool) {
        self.stop(index);
        let held = &mut self.held;
        let since = held.ticks();
        let Some(exchange) = held.exchanges.at_mut(index) else { return };
        let state = if at_once { State::Asked } else { exchange.state };
        exchange.flags |= flags;
        if at_once {
            exchange.state = State::Answered;
        } else if R::HAS.server {
            exchange.remember();
        }
        exchange.since = since;
        let (peer, flags) = (exchange.peer, exchange.flags);
        if !S::INDEXED {
            self.served(peer, state);
            let lifetime = self.lifetime(flags);
            self.held.after(index, lifetime);
            return;
        }
        self.core.remembered = self.core.remembered.wrapping_add(1);
        if state.is_answered_apart() {
            // By what it stands in the index was not at hand while the response was on its way.
            let key = self.held.exchanges.at(index).map_or(0, |exchange| self.held.remote_key_of(exchange));
            if let Some(exchange) = self.held.exchanges.at_mut(index) {
                exchange.interval = key;
            }
        }
        let held = &mut *self.held;
        if let Some(list) = self.core.lists.lend().get_mut(list_of(flags)) {
            list.push_back(&mut held.exchanges, index);
        }
        let Some((peer, own)) = held.peers.lend(peer) else { return };
        if R::HAS.shares && state.is_served() {
            peer.live = peer.live.saturating_sub(1);
        }
        if let Some((_, own)) = own.filter(|_| flags & flag::IDEMPOTENT != 0) {
            push_back::<_, 2, OfPeer>(&mut held.exchanges, own, index);
        }
    }

    /// Takes an exchange that is remembered, of this peer and with these flags, out of the lists. Where there is an
    /// index.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    pub(super) fn unlist(&mut self, index: u32, peer: u32, flags: u8) {
        self.core.remembered = self.core.remembered.wrapping_sub(1);
        if let Some(list) = self.core.lists.lend().get_mut(list_of(flags)) {
            list.remove(&mut self.held.exchanges, index);
        }
        if flags & flag::IDEMPOTENT != 0 {
            let Tables { peers, exchanges, .. } = &mut *self.held;
            if let Some((_, own)) = peers.lent(peer) {
                remove::<_, 2, OfPeer>(exchanges, own, index);
            }
        }
    }

    /// How long a request of a peer's waits for its answer, or for the Empty ACK to go out by itself.
    pub(crate) fn await_answer(&mut self, index: u32, confirmable: bool) {
        let rules = self.rules();
        if S::INDEXED && confirmable {
            self.list_fresh();
            self.core.fresh = index.wrapping_add(1);
        } else {
            self.held.after(index, if confirmable { rules.acknowledge_after } else { rules.answer_timeout });
        }
    }

    /// Puts the request that came last, if it is not answered yet, into the list of those that are to be acknowledged in
    /// time. Where there is an index.
    pub(crate) fn list_fresh(&mut self) {
        let fresh = core::mem::take(&mut self.core.fresh);
        if fresh != 0 {
            if let Some(list) = self.core.lists.lend().get_mut(ASKED) {
                list.push_back(&mut self.held.exchanges, fresh.wrapping_sub(1));
            }
        }
    }

    /// A CON request that is to be acknowledged by now. Where there is an index.
    pub(crate) fn pop_asked(&mut self) -> Option<u32> {
        let list = self.core.lists.lend().get_mut(ASKED)?;
        let exchange = self.held.exchanges.at(list.first()?)?;
        if self.held.passed(exchange.since) < const { crate::roles::rules::<R>() }.or(self.rules)?.acknowledge_after {
            return None;
        }
        list.pop_front(&mut self.held.exchanges)
    }

    /// Nothing is due for an exchange any more.
    #[inline]
    pub(crate) fn stop(&mut self, index: u32) {
        // What is in a list, or will be, has no deadline.
        if S::INDEXED && self.core.fresh == index.wrapping_add(1) {
            self.core.fresh = 0;
            return;
        }
        self.stop_late(index);
    }

    fn stop_late(&mut self, index: u32) {
        if S::INDEXED {
            if let Some(list) = self.core.lists.lend().get_mut(ASKED) {
                let asked = self.held.exchanges.at(index).is_some_and(|exchange| exchange.state == State::Asked);
                if asked && list.remove(&mut self.held.exchanges, index) {
                    return;
                }
            }
        }
        self.held.never(index);
    }

    /// How long an exchange with these flags is remembered.
    pub(crate) fn lifetime(&self, flags: u8) -> u32 {
        if flags & flag::NON != 0 { self.rules().non_lifetime } else { self.rules().exchange_lifetime }
    }

    /// What still counts as remembered, of what was found.
    pub(crate) fn is_current(&self, index: u32) -> bool {
        let remembered = |exchange: &Exchange| exchange.state.is_remembered();
        if !S::INDEXED {
            return !self.held.exchanges.is_overdue(index, self.held.ticks())
                || R::HAS.server && !self.held.exchanges.at(index).is_some_and(remembered);
        }
        self.held.exchanges.at(index).is_some_and(|exchange| {
            !remembered(exchange) || self.held.passed(exchange.since) < self.lifetime(exchange.flags)
        })
    }

    /// When the oldest exchange of a list may be forgotten: in so many ms.
    fn expiry(&self, list: &List) -> Option<(u32, u32)> {
        let index = list.first()?;
        let exchange = self.held.exchanges.at(index)?;
        let asked = exchange.state == State::Asked;
        let lifetime = if asked { self.rules().acknowledge_after } else { self.lifetime(exchange.flags) };
        Some((index, lifetime.saturating_sub(self.held.passed(exchange.since))))
    }

    /// In how many ms the next one may be forgotten. Where there is an index.
    pub(crate) fn next_expiry(&self) -> Option<u32> {
        self.core.lists.lent().iter().filter_map(|list| self.expiry(list)).map(|(_, wait)| wait).min()
    }

    /// Forgets what was remembered for long enough, up to some in a call.
    pub(crate) fn expire(&mut self, most: u32) {
        for which in 0..REMEMBERED {
            for _ in 0..most {
                match self.core.lists.lent().get(which).and_then(|list| self.expiry(list)) {
                    Some((index, 0)) => self.let_go(index),
                    _ => break,
                }
            }
        }
    }

    /// Gives up what is only remembered, for the sake of `asking`; with `bytes`, something that holds some. A duplicate
    /// of it would be taken for a new request. The slot, which is free now; `None` if there is nothing.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    pub(crate) fn recycle(&mut self, asking: u32, bytes: bool) -> Option<u32> {
        let index = if S::INDEXED { self.oldest(asking, bytes)? } else { self.oldest_of_all(asking, bytes)? };
        if (R::HAS.statistics || R::HAS.recycled) && self.is_current(index) {
            self.count(Counter::Recycled);
        }
        self.let_go(index);
        Some(index)
    }

    /// By the lists.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    fn oldest(&mut self, asking: u32, bytes: bool) -> Option<u32> {
        let own = self.held.peers.lent(asking).map(|(_, own)| *own);
        if let Some(index) = own.and_then(|own| first::<_, 2, OfPeer>(&self.held.exchanges, own)) {
            if !bytes || self.held.exchanges.at(index).is_some_and(|exchange| exchange.bytes != Chain::NONE) {
                return Some(index);
            }
        }
        let classes = if self.rules().strict_dedup() { 1 } else { 2 };
        for [confirmable, non] in ORDER.into_iter().take(classes) {
            let first = |list: usize| self.core.lists.lent().get(list).and_then(List::first);
            let age = |index: u32| self.held.exchanges.at(index).map_or(0, |exchange| self.held.passed(exchange.since));
            // What holds bytes was Confirmable.
            let found = match (first(confirmable), if bytes { None } else { first(non) }) {
                (Some(one), Some(other)) if age(other) >= age(one) => Some(other),
                (one, other) => one.or(other),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// By a look at each.
    fn oldest_of_all(&self, asking: u32, bytes: bool) -> Option<u32> {
        let (mut most, mut found) = (0, 0);
        for (index, exchange) in self.held.exchanges.entries() {
            if !exchange.state.is_remembered() || bytes && exchange.bytes == Chain::NONE {
                continue;
            }
            let mut key = 1 | self.held.passed(exchange.since) >> 2;
            if !R::HAS.server {
                // What was taken by a client is all alike.
            } else if exchange.has(flag::IDEMPOTENT) {
                key |= if asking == exchange.peer { 1 << 31 } else { 1 << 30 };
            } else if self.rules().strict_dedup() {
                continue;
            }
            if key > most {
                (most, found) = (key, index);
            }
        }
        (most > 0).then_some(found)
    }

    /// A free slot, if need be that of an exchange that is only remembered. Where there is no index.
    fn vacancy(&mut self, asking: u32) -> Option<u32> {
        match self.held.exchanges.vacancy() {
            None => self.recycle(asking, false),
            vacancy => vacancy,
        }
    }

    /// Takes a slot for an exchange, if need be that of one that is only remembered. `set` sets what else is to be known of
    /// it.
    pub(crate) fn insert(
        &mut self,
        state: State,
        peer: u32,
        message_id: u16,
        token: &[u8],
        set: impl FnOnce(&mut Exchange),
    ) -> Option<u32> {
        if !S::INDEXED {
            if R::HAS.observe || R::HAS.client {
                // There are several: what is to be set is set apart.
                let index = self.insert_among_few(state, peer, message_id, token)?;
                set(self.held.exchanges.at_mut(index)?);
                return Some(index);
            }
            let index = self.vacancy(peer)?;
            let exchange = self.held.exchanges.occupy(index)?;
            exchange.begin(state, peer, message_id, token);
            set(exchange);
            self.refer(peer, state.is_served());
            return Some(index);
        }
        let index = self.slot_for(peer)?;
        let exchange = self.held.exchanges.at_mut(index)?;
        exchange.begin(state, peer, message_id, token);
        set(exchange);
        self.refer(peer, state.is_served());
        self.held.link(index, true);
        Some(index)
    }

    /// The same, whatever is to be set.
    fn insert_among_few(&mut self, state: State, peer: u32, message_id: u16, token: &[u8]) -> Option<u32> {
        let index = self.vacancy(peer)?;
        self.held.exchanges.occupy(index)?.begin(state, peer, message_id, token);
        self.refer(peer, state.is_served());
        Some(index)
    }

    /// A slot for an exchange, if need be that of one that is only remembered, as it lies there: that is the case in
    /// most calls of a server that has run for a while. Its value is to be written. Where there is an index.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    fn slot_for(&mut self, asking: u32) -> Option<u32> {
        let full = self.held.exchanges.len() == self.held.exchanges.capacity();
        let crowded = self.is_full(asking);
        if !full && !crowded {
            return self.held.exchanges.claim();
        }
        let index = self.oldest(asking, false)?;
        self.clear(index, true);
        if crowded && self.is_full(asking) {
            self.held.exchanges.remove(index);
            return None;
        }
        self.held.exchanges.renew(index).then_some(index)
    }

    /// Whether what is kept may be kept in the place of something else: of a long token, or of a registration of ours.
    pub(crate) const REPLACES: bool = R::HAS.long_tokens || R::HAS.observe && R::HAS.client;

    /// Keeps the bytes of a message with its exchange in place of what it kept. False if the arena has no room; nothing
    /// is lost then.
    #[inline(always)]
    pub(crate) fn keep_bytes(&mut self, index: u32, bytes: &[u8]) -> bool {
        if !SMALL {
            // As is most often the case: it has nothing, and there is room.
            let Tables { exchanges, arena, .. } = &mut *self.held;
            if let Some(exchange) = exchanges.at_mut(index).filter(|exchange| exchange.bytes.is_none()) {
                if let Some(chain) = arena.store(bytes) {
                    exchange.bytes = chain;
                    return true;
                }
            }
        }
        self.keep_bytes_instead(index, bytes)
    }

    /// As [`keep_bytes`](Self::keep_bytes), whatever is kept and whether there is room or not.
    fn keep_bytes_instead(&mut self, index: u32, bytes: &[u8]) -> bool {
        let Some(&Exchange { peer, bytes: kept, .. }) = self.held.exchanges.at(index) else { return false };
        if Self::REPLACES {
            if !self.held.arena.has_room_without(bytes.len(), kept) && !self.make_room(peer, bytes.len()) {
                return false;
            }
            self.forget_bytes(index);
        }
        for _ in 0..64 {
            if let Some(chain) = self.held.arena.store(bytes) {
                if let Some(exchange) = self.held.exchanges.at_mut(index) {
                    exchange.bytes = chain;
                }
                return true;
            }
            if Self::REPLACES || !self.held.arena.could_hold(bytes.len()) || self.recycle(peer, true).is_none() {
                break;
            }
        }
        false
    }

    /// Lets what is only remembered give way until so many bytes fit: never for more than the arena could hold.
    /// Bounded: a caller that asks again gets the next ones.
    pub(crate) fn make_room(&mut self, asking: u32, len: usize) -> bool {
        for _ in 0..64 {
            if self.held.arena.has_room(len) {
                return true;
            }
            if !self.held.arena.could_hold(len) || self.recycle(asking, true).is_none() {
                break;
            }
        }
        false
    }
}
