//! All that an endpoint holds, and the ways to find it.
//!
//! With [`Indexed`](super::Indexed) an exchange stands in two indexes. Keys that a peer chooses are hashed under the
//! secret.

use super::{Chain, Exchange, Observer, Peer, State, States, Store, Tables, slots::ANY};
use crate::config::LONGEST;
use crate::random::{Purpose, Random};
use crate::wire::SMALL;
use core::ops::{Deref, DerefMut};

/// By what a peer names an exchange: its Message ID. Our own requests stand here under ours.
const BY_MESSAGE: usize = 0;
/// Our own requests by their token; a separate response of ours by our Message ID.
const BY_LOCAL: usize = 1;

/// In place of a peer, for a request to a group.
pub(crate) const GROUP: u32 = u32::MAX;

/// All that an endpoint holds: its tables, and what they are looked up by.
#[derive(Clone, Debug)]
// In this order: the tables are large.
#[repr(C)]
pub(crate) struct Held<S> {
    /// What times are compared by that are kept in 32 bits: the sum of what has passed from call to call, modulo 2^32 ms.
    /// It never goes back, and goes on by [`LONGEST`] at most, however the clock jumps.
    ticks: u32,
    pub(crate) random: Random,
    /// The latest time that the caller has told, in ms.
    pub(crate) now: u64,
    store: S,
}

impl<S: Store> Deref for Held<S> {
    type Target = Tables<S::Layout>;

    #[inline(always)]
    fn deref(&self) -> &Tables<S::Layout> {
        self.store.tables()
    }
}

impl<S: Store> DerefMut for Held<S> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Tables<S::Layout> {
        self.store.tables_mut()
    }
}

impl<S: Store> Held<S> {
    pub(crate) const fn new(store: S, random: Random) -> Held<S> {
        Held { random, ticks: 0, now: 0, store }
    }

    /// It is this time now, in ms.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    pub(crate) fn go_on(&mut self, now: u64) {
        if SMALL || now != self.now {
            let passed = now.wrapping_sub(self.now);
            let soon = !SMALL && passed <= u64::from(LONGEST);
            let passed = if soon { passed as u32 } else { within_bounds(passed as i64) };
            self.now = now;
            self.ticks = self.ticks.wrapping_add(passed);
        }
        self.store.prepare();
    }

    /// What has passed, in ms modulo 2^32.
    pub(crate) const fn ticks(&self) -> u32 {
        self.ticks
    }

    /// The same, that does not go round: by it deadlines stand on the wheel.
    pub(crate) const fn elapsed(&self) -> u64 {
        self.now.saturating_add_signed(self.ticks().wrapping_sub(self.now as u32) as i32 as i64)
    }

    /// The time in so many ms, in ms.
    pub(crate) const fn later(&self, wait: u32) -> u64 {
        self.now.saturating_add(wait as u64)
    }

    /// How long ago that was, in ms modulo 2^32.
    pub(crate) const fn passed(&self, since: u32) -> u32 {
        passed(self.ticks(), since)
    }

    /// Sets the deadline of an exchange, so many ms from now.
    pub(crate) fn after(&mut self, index: u32, wait: u32) {
        if S::INDEXED {
            let deadline = self.elapsed().saturating_add(u64::from(wait));
            let Tables { timers, exchanges, .. } = &mut **self;
            timers.schedule(exchanges, index, deadline);
        } else {
            let at = self.ticks.wrapping_add(wait);
            self.exchanges.set_due(index, at);
        }
    }

    /// Takes its deadline from an exchange. Where there is no index, what is in use and in no list always has one.
    pub(crate) fn never(&mut self, index: u32) {
        if S::INDEXED {
            let Tables { timers, exchanges, .. } = &mut **self;
            timers.cancel(exchanges, index);
        }
    }

    // Peers.

    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    pub(crate) fn find_peer(&self, address: S::Peer) -> Option<u32> {
        let is_it = |peer: &Peer<S::Peer>| peer.address.is_some_and(|its| its == address);
        if S::INDEXED { self.peers.find(0, self.random.hash_address(address), is_it) } else { self.peers.scan(is_it) }
    }

    /// Whether an exchange refers to a peer, or a transfer or an observer, if the roles have any. Where there is no
    /// index.
    #[inline]
    pub(crate) fn is_referred_to(&self, peer: u32, transfers: bool, observe: bool) -> bool {
        let observes = |observer: &Observer| !observer.is_resource() && observer.peer == peer;
        self.seek(peer, States::ALL, ANY, None, false).is_some()
            || transfers && self.transfers.refer_to(peer)
            || observe && self.observers.scan(observes).is_some()
    }

    pub(crate) fn link_peer(&mut self, index: u32, address: S::Peer) {
        if S::INDEXED {
            let hash = self.random.hash_address(address);
            self.peers.link(index, 0, hash);
        }
    }

    pub(crate) fn unlink_peer(&mut self, index: u32, address: S::Peer) {
        if S::INDEXED {
            let hash = self.random.hash_address(address);
            self.peers.unlink(index, 0, hash);
        }
    }

    // Exchanges.

    /// Enters an exchange into the indexes by which datagrams find it, or takes it out before what it is found by
    /// changes.
    #[inline(always)]
    pub(crate) fn link(&mut self, index: u32, enter: bool) {
        if !S::INDEXED {
            return;
        }
        let Some(exchange) = self.exchanges.at(index) else { return };
        let state = exchange.state;
        if state.awaits_answer() || state.is_remembered() {
            // It is in this one alone.
            self.enter(index, BY_MESSAGE, u64::from(exchange.interval) << 32, enter);
        } else {
            self.link_other(index, enter);
        }
    }

    /// Takes what is remembered out of its index, by its key.
    #[inline]
    pub(crate) fn unlink_remote(&mut self, index: u32, key: u32) {
        self.exchanges.unlink(index, BY_MESSAGE, u64::from(key) << 32);
    }

    /// As [`link`](Self::link), of what is not a request of a peer's that has no answer under way.
    #[inline(never)]
    fn link_other(&mut self, index: u32, enter: bool) {
        let Some(exchange) = self.exchanges.at(index) else { return };
        let key = match exchange.state {
            State::Leisurely | State::Confirming | State::Confirmed => self.remote_key_of(exchange),
            State::Sent | State::Acked | State::SentNon | State::Pinged => {
                (self.random.hash_id(Purpose::LocalId, exchange.peer, exchange.message_id) >> 32) as u32
            }
            _ => return self.link_local(index, enter),
        };
        self.enter(index, BY_MESSAGE, u64::from(key) << 32, enter);
        self.link_local(index, enter);
    }

    /// By what an exchange of a peer's is found: of the hash, the half that a bucket is chosen by.
    pub(crate) fn remote_key(&self, peer: u32, id: u16) -> u32 {
        if S::INDEXED { (self.random.hash_id(Purpose::RemoteId, peer, id) >> 32) as u32 } else { 0 }
    }

    /// The same of an exchange that does not have it at hand.
    pub(crate) fn remote_key_of(&self, exchange: &Exchange) -> u32 {
        self.remote_key(exchange.peer, exchange.remote_id())
    }

    /// As [`link`](Self::link), the second index alone: what a request and the answer to it do not share.
    pub(crate) fn link_local(&mut self, index: u32, enter: bool) {
        if !S::INDEXED {
            return;
        }
        let Some(exchange) = self.exchanges.at(index) else { return };
        let key = if exchange.state.awaits_response() || exchange.state == State::Retired {
            match exchange.has_long_token() {
                true => self.random.hash_token(exchange.peer, self.token_of(exchange).as_bytes()),
                false => self.random.hash_token(exchange.peer, exchange.token()),
            }
        } else if exchange.state.is_known_by_message() {
            self.random.hash_id(Purpose::LocalId, exchange.peer, exchange.message_id)
        } else {
            return;
        };
        self.enter(index, BY_LOCAL, key, enter);
    }

    #[inline]
    fn enter(&mut self, index: u32, which: usize, key: u64, enter: bool) {
        if enter {
            self.exchanges.link(index, which, key);
        } else {
            self.exchanges.unlink(index, which, key);
        }
    }

    /// An exchange of a peer's, by its Message ID, of which this is the key. `server`: whether it may be a request.
    pub(crate) fn find_remote(&self, peer: u32, id: u16, key: u32, server: bool) -> Option<u32> {
        let (states, id) = (if server { States::REMOTE } else { States::REMEMBERED }, u32::from(id));
        if !S::INDEXED {
            return self.seek(peer, states, id, None, false);
        }
        self.exchanges.find(BY_MESSAGE, u64::from(key) << 32, |exchange| exchange.is(peer, states, id, false))
    }

    /// An exchange with a message of ours outstanding, by its Message ID. `queue`: whether some may wait.
    pub(crate) fn find_local(&self, peer: u32, id: u16, queue: bool) -> Option<u32> {
        let states = States::LOCAL.sent(queue);
        if !S::INDEXED {
            return self.seek(peer, states, u32::from(id), None, false);
        }
        let is_it = |exchange: &Exchange| exchange.is(peer, states, u32::from(id), false);
        let key = self.random.hash_id(Purpose::LocalId, peer, id);
        self.exchanges.find(BY_MESSAGE, key, is_it).or_else(|| self.exchanges.find(BY_LOCAL, key, is_it))
    }

    /// A request of ours by its token, in one of these states and with this Message ID, if it is to have one. `observe`:
    /// whether some may be observations.
    pub(crate) fn find_token(
        &self,
        peer: u32,
        states: States,
        id: Option<u16>,
        token: &[u8],
        observe: bool,
    ) -> Option<u32> {
        if !S::INDEXED {
            return self.seek(peer, states, id.map_or(ANY, u32::from), Some(token), observe);
        }
        let id = id.map_or(ANY, u32::from);
        let is_it =
            |exchange: &Exchange| exchange.is(peer, states, id, observe) && self.has_token(exchange, token, observe);
        self.exchanges.find(BY_LOCAL, self.random.hash_token(peer, token), is_it)
    }

    /// Whether a message of ours to a peer is to be acknowledged. Where there is no index.
    pub(crate) fn has_outstanding(&self, peer: u32) -> bool {
        self.seek(peer, States::OUTSTANDING, ANY, None, false).is_some()
    }

    /// The first exchange that [`is`](Exchange::is) so, and has this token if it is to have one. Where there is no index:
    /// one function for all that is looked for.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    fn seek(&self, peer: u32, states: States, id: u32, token: Option<&[u8]>, observe: bool) -> Option<u32> {
        self.exchanges.scan(|exchange| {
            exchange.is(peer, states, id, observe) && token.is_none_or(|token| self.has_token(exchange, token, observe))
        })
    }

    // Bytes.

    /// Frees bytes that nobody holds any more. `kept`: whether observers hold some.
    pub(crate) fn release_bytes(&mut self, chain: Chain, kept: bool) {
        self.arena.release(chain);
        if S::INDEXED {
            return;
        }
        self.exchanges.values().for_each(|exchange| exchange.bytes.close_up(chain));
        if kept {
            self.observers.values().for_each(|observer| {
                if let Some(mut kept) = observer.kept(S::INDEXED) {
                    kept.close_up(chain);
                    observer.keep(kept, S::INDEXED);
                }
            });
        }
    }
}

/// However far the clock jumps, what is due is behind, and what was kept is not ahead.
#[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), cold)]
fn within_bounds(passed: i64) -> u32 {
    // In two words: a small core has no longer ones.
    match (passed >> 32) as i32 {
        ..0 => 0,
        0 => (passed as u32).min(LONGEST),
        1.. => LONGEST,
    }
}

/// From one moment to a later one, in ms modulo 2^32. So what was longer ago than 49 days may look as if it had just been,
/// and is over again when as much has passed as it takes anyway.
pub(crate) const fn passed(now: u32, since: u32) -> u32 {
    now.wrapping_sub(since)
}
