//! What all verbs share: the tables of the store, and the steps in the life of an exchange.

use super::Core;
use super::types::{Handle, Transmit};
use crate::random::Purpose;
use crate::store::{Arena, Chain, Exchange, Parts, Peer, State, Table, Timers, Wheel};
use crate::time::{Instant, millis};
use core::hash::{Hash, Hasher};

/// Exchanges by what a peer names them by: its Message ID.
pub(super) const BY_REMOTE: usize = 0;
/// Exchanges by what we name them by. Requests twice over: by token and, in place of a remote Message ID, by ours.
pub(super) const BY_LOCAL: usize = 1;

/// How many remembered exchanges give way, at most, for a new peer.
const GIVE_WAY: u32 = 8;

/// Half of the Message IDs: so many are given out in an EXCHANGE_LIFETIME, so that none is repeated within one.
const HALF: u16 = 1 << 15;

pub(super) struct Engine<'e, P> {
    pub(super) peers: Table<'e, Peer<P>, 1>,
    pub(super) exchanges: Table<'e, Exchange, 2>,
    pub(super) timers: Timers<'e, Wheel>,
    pub(super) arena: Arena<'e>,
    pub(super) core: &'e mut Core,
}

impl<'e, P: Copy + Eq + Hash> Engine<'e, P> {
    pub(super) fn new(parts: Parts<'e, P>, core: &'e mut Core) -> Engine<'e, P> {
        Engine {
            peers: Table::new(parts.peers, &mut parts.roots.peers),
            exchanges: Table::new(parts.exchanges, &mut parts.roots.exchanges),
            timers: Timers::new(&mut parts.roots.timers, parts.levels),
            arena: Arena::new(parts.bytes, &mut parts.roots.arena),
            core,
        }
    }

    // Peers.

    pub(super) fn find_peer(&self, address: P) -> Option<u32> {
        self.peers.find(0, self.hash_address(address), |peer| peer.address == Some(address))
    }

    /// The slot of a peer, a new one if it has none. It is kept by [`refer`](Self::refer).
    pub(super) fn peer(&mut self, now: Instant, address: P) -> Option<u32> {
        if let Some(index) = self.find_peer(address) {
            return Some(index);
        }
        // What is only remembered gives way, with the peer that it belongs to.
        for _ in 0..GIVE_WAY {
            if self.peers.len() < self.peers.capacity() || self.drop_idle_peer(now) || !self.recycle() {
                break;
            }
        }
        if self.peers.len() == self.peers.capacity() {
            self.drop_idle_peer(now);
        }
        let next_id = self.core.random.draw() as u16;
        let index = self.peers.insert(Peer { address: Some(address), next_id, ..Peer::NONE })?.index();
        self.peers.link(index, 0, self.hash_address(address));
        // Nothing refers to it yet, and none of its Message IDs is on the way.
        self.core.idle.push_front(&mut self.peers, index);
        Some(index)
    }

    /// Releases the peer that was idle longest, if none of its Message IDs can still be on the way. True if it did.
    pub(super) fn drop_idle_peer(&mut self, now: Instant) -> bool {
        let Some(index) = self.core.idle.first() else { return false };
        let Some(peer) = self.peers.at(index) else { return false };
        let lifetime = millis(self.core.config.transmission.exchange_lifetime());
        if peer.given > 0 && passed(now, peer.last) < lifetime {
            return false;
        }
        let address = peer.address;
        self.core.idle.pop_front(&mut self.peers);
        if let Some(address) = address {
            self.peers.unlink(index, 0, self.hash_address(address));
        }
        self.peers.remove(index)
    }

    fn refer(&mut self, index: u32) {
        let Some(peer) = self.peers.at_mut(index) else { return };
        peer.references = peer.references.saturating_add(1);
        if peer.references == 1 {
            self.core.idle.remove(&mut self.peers, index);
        }
    }

    fn unrefer(&mut self, index: u32) {
        let Some(peer) = self.peers.at_mut(index) else { return };
        peer.references = peer.references.saturating_sub(1);
        if peer.references == 0 {
            if peer.given == 0 {
                self.core.idle.push_front(&mut self.peers, index);
            } else {
                self.core.idle.push_back(&mut self.peers, index);
            }
        }
    }

    /// The next Message ID towards a peer, or when there will be one (RFC 7252 4.4). It counts once
    /// [`take_message_id`](Self::take_message_id) says that it is used.
    pub(super) fn message_id(&mut self, now: Instant, peer: u32) -> Result<u16, Instant> {
        let lifetime = millis(self.core.config.transmission.exchange_lifetime());
        let Some(peer) = self.peers.at_mut(peer) else { return Err(now) };
        if peer.given == HALF {
            let passed = passed(now, peer.since);
            if passed < lifetime {
                return Err(Instant::from_millis(now.as_millis().saturating_add(lifetime.saturating_sub(passed))));
            }
            peer.given = 0;
        }
        if peer.given == 0 {
            peer.since = ticks(now);
        }
        Ok(peer.next_id)
    }

    /// The Message ID is used.
    pub(super) fn take_message_id(&mut self, now: Instant, peer: u32) {
        let Some(peer) = self.peers.at_mut(peer) else { return };
        peer.given = peer.given.wrapping_add(1);
        peer.next_id = peer.next_id.wrapping_add(1);
        peer.last = ticks(now);
    }

    pub(super) fn address(&self, peer: u32) -> Option<P> {
        self.peers.at(peer)?.address
    }

    // Exchanges.

    /// What the application names a request by.
    pub(super) fn handle_of(&self, index: u32) -> Handle {
        let generation = self.exchanges.id(index).map_or(0, |id| id.generation());
        Handle { index, generation, brand: self.core.brand }
    }

    /// The slot that was meant, if it is still the same exchange, and ours.
    pub(super) fn meant(&self, index: u32, generation: u16, brand: u16) -> Option<u32> {
        let id = self.exchanges.id(index)?;
        (id.generation() == generation && self.core.brand == brand).then_some(index)
    }

    /// Takes a slot for an exchange, if need be that of the oldest one that is only remembered.
    pub(super) fn insert(&mut self, exchange: Exchange) -> Option<u32> {
        if self.exchanges.len() == self.exchanges.capacity() {
            self.recycle();
        }
        let index = self.exchanges.insert(exchange)?.index();
        self.refer(exchange.peer);
        self.link(index);
        Some(index)
    }

    /// Gives up the oldest remembered exchange. A duplicate of it would be taken for a new request.
    pub(super) fn recycle(&mut self) -> bool {
        let oldest = self.core.non_confirmable.first().or(self.core.confirmable.first());
        let Some(index) = oldest else { return false };
        self.release(index);
        true
    }

    /// Ends an exchange for good: out of every list, and all that it held is free.
    pub(super) fn release(&mut self, index: u32) {
        self.timers.cancel(&mut self.exchanges, index);
        self.unlist(index);
        self.forget_bytes(index);
        self.unlink(index);
        let Some(exchange) = self.exchanges.at(index) else { return };
        let peer = exchange.peer;
        self.exchanges.remove(index);
        self.unrefer(peer);
    }

    /// Takes an exchange out of whichever list it is in.
    fn unlist(&mut self, index: u32) {
        let Some(exchange) = self.exchanges.at(index).copied() else { return };
        let exchanges = &mut self.exchanges;
        if exchange.waits {
            if let Some(peer) = self.peers.at_mut(exchange.peer) {
                if peer.waiting.remove(exchanges, index) {
                    return;
                }
            }
        }
        let list = match exchange.state {
            State::WasReset => &mut self.core.ended,
            State::Answered | State::Taken if exchange.again == 0 => &mut self.core.confirmable,
            State::Answered | State::Taken => &mut self.core.non_confirmable,
            _ => &mut self.core.ready,
        };
        if list.remove(exchanges, index) && matches!(exchange.state, State::Answered | State::Taken) {
            self.core.remembered = self.core.remembered.saturating_sub(1);
        }
    }

    /// Enters an exchange into the indexes by which datagrams find it.
    pub(super) fn link(&mut self, index: u32) {
        let Some(exchange) = self.exchanges.at(index).copied() else { return };
        let [remote, local] = self.hashes(&exchange);
        if let Some(hash) = remote {
            self.exchanges.link(index, BY_REMOTE, hash);
        }
        if let Some(hash) = local {
            self.exchanges.link(index, BY_LOCAL, hash);
        }
    }

    /// Takes an exchange out of the indexes. Before what it is found by changes.
    pub(super) fn unlink(&mut self, index: u32) {
        let Some(exchange) = self.exchanges.at(index).copied() else { return };
        let [remote, local] = self.hashes(&exchange);
        if let Some(hash) = remote {
            self.exchanges.unlink(index, BY_REMOTE, hash);
        }
        if let Some(hash) = local {
            self.exchanges.unlink(index, BY_LOCAL, hash);
        }
    }

    /// Where an exchange stands in the two indexes.
    fn hashes(&self, exchange: &Exchange) -> [Option<u64>; 2] {
        let peer = exchange.peer;
        let remote = exchange.remote_id().map(|id| self.hash_id(Purpose::RemoteId, peer, id));
        let local = exchange.local_id().map(|id| self.hash_id(Purpose::LocalId, peer, id));
        match exchange.state {
            State::Sent | State::Acked | State::SentNon => [local, Some(self.hash_token(peer, exchange.token()))],
            _ => [remote, local],
        }
    }

    /// An exchange of a peer's, by its Message ID.
    pub(super) fn find_remote(&self, peer: u32, id: u16) -> Option<u32> {
        let hash = self.hash_id(Purpose::RemoteId, peer, id);
        self.exchanges.find(BY_REMOTE, hash, |e| e.peer == peer && e.remote_id() == Some(id))
    }

    /// An exchange with a message of ours outstanding, by its Message ID.
    pub(super) fn find_local(&self, peer: u32, id: u16) -> Option<u32> {
        let hash = self.hash_id(Purpose::LocalId, peer, id);
        let is_it = |e: &Exchange| e.peer == peer && e.local_id() == Some(id);
        self.exchanges.find(BY_REMOTE, hash, is_it).or_else(|| self.exchanges.find(BY_LOCAL, hash, is_it))
    }

    /// A request of ours, by its token; of several, one that `is_it`.
    pub(super) fn find_token(&self, peer: u32, token: &[u8], is_it: impl Fn(&Exchange) -> bool) -> Option<u32> {
        self.exchanges.find(BY_LOCAL, self.hash_token(peer, token), |exchange| {
            exchange.peer == peer
                && matches!(exchange.state, State::Sent | State::Acked | State::SentNon)
                && exchange.token() == token
                && is_it(exchange)
        })
    }

    /// Keeps the bytes of a message with its exchange, if need be in place of what is only remembered. False if the arena has no room.
    pub(super) fn keep_bytes(&mut self, index: u32, bytes: &[u8]) -> bool {
        self.forget_bytes(index);
        // Only what is remembered gives way, so never this one; nothing does for a message that is larger than the whole arena.
        // A NON keeps no bytes. Bounded: a caller that asks again gets the next ones.
        let hopeless = bytes.len() > (self.arena.capacity() as usize).saturating_mul(32);
        for _ in 0..64 {
            if hopeless || self.arena.has_room(bytes.len()) {
                break;
            }
            let Some(oldest) = self.core.confirmable.first() else { break };
            self.release(oldest);
        }
        let Some(chain) = self.arena.store(bytes) else { return false };
        if let Some(exchange) = self.exchanges.at_mut(index) {
            exchange.bytes = chain;
        }
        true
    }

    pub(super) fn forget_bytes(&mut self, index: u32) {
        if let Some(exchange) = self.exchanges.at_mut(index) {
            self.arena.release(core::mem::replace(&mut exchange.bytes, Chain::NONE));
        }
    }

    /// Sends what is kept with an exchange.
    pub(super) fn transmit(&self, index: u32, tx: &mut [u8]) -> Option<Transmit<P>> {
        let exchange = self.exchanges.at(index)?;
        if exchange.bytes.is_none() {
            return None;
        }
        let len = self.arena.read(exchange.bytes, tx)?;
        Some(Transmit { to: self.address(exchange.peer)?, len })
    }

    /// Remembers an exchange that is over, for as long as a duplicate may come.
    pub(super) fn remember(&mut self, now: Instant, index: u32, confirmable: bool) {
        self.timers.cancel(&mut self.exchanges, index);
        let Some(exchange) = self.exchanges.at_mut(index) else { return };
        exchange.since = ticks(now);
        exchange.again = u8::from(!confirmable);
        let list = if confirmable { &mut self.core.confirmable } else { &mut self.core.non_confirmable };
        if list.push_back(&mut self.exchanges, index) {
            self.core.remembered = self.core.remembered.saturating_add(1);
        }
    }

    /// When the oldest exchange of a list of remembered ones may be forgotten, in ms.
    pub(super) fn expiry(&self, now: Instant, confirmable: bool) -> Option<(u32, u64)> {
        let transmission = &self.core.config.transmission;
        let (list, lifetime) = if confirmable {
            (&self.core.confirmable, transmission.exchange_lifetime())
        } else {
            (&self.core.non_confirmable, transmission.non_lifetime())
        };
        let index = list.first()?;
        let passed = passed(now, self.exchanges.at(index)?.since);
        Some((index, now.as_millis().saturating_add(millis(lifetime).saturating_sub(passed))))
    }

    // NSTART (RFC 7252 4.7).

    /// Starts what is to be confirmed: at once, or once the peer's turn has come. True if at once.
    pub(super) fn start(&mut self, now: Instant, index: u32) -> bool {
        let nstart = self.core.config.transmission.nstart.max(1);
        let Some(exchange) = self.exchanges.at_mut(index) else { return false };
        let Some(peer) = self.peers.at_mut(exchange.peer) else { return false };
        if peer.outstanding >= nstart {
            exchange.waits = true;
            peer.waiting.push_back(&mut self.exchanges, index);
            return false;
        }
        peer.outstanding = peer.outstanding.wrapping_add(1);
        self.first_timeout(now, index);
        true
    }

    /// Draws the first timeout (RFC 7252 4.2) and sets it.
    pub(super) fn first_timeout(&mut self, now: Instant, index: u32) {
        let transmission = self.core.config.transmission;
        let least = millis(transmission.ack_timeout).min(u64::from(u32::MAX)) as u32;
        let most = millis(transmission.max_ack_timeout()).min(u64::from(u32::MAX)) as u32;
        let interval = least.saturating_add(self.core.random.up_to(most.saturating_sub(least)));
        let Some(exchange) = self.exchanges.at_mut(index) else { return };
        exchange.waits = false;
        exchange.interval = interval;
        exchange.since = ticks(now);
        exchange.again = 0;
        self.timers.schedule(&mut self.exchanges, index, now.as_millis().saturating_add(u64::from(interval)));
    }

    /// One exchange with this peer is outstanding no more: the next one's turn comes, in `poll`.
    pub(super) fn finished(&mut self, peer: u32) {
        let Some(slot) = self.peers.at_mut(peer) else { return };
        match slot.waiting.pop_front(&mut self.exchanges) {
            Some(next) => {
                if let Some(exchange) = self.exchanges.at_mut(next) {
                    exchange.waits = false;
                }
                self.core.ready.push_back(&mut self.exchanges, next);
            }
            None => slot.outstanding = slot.outstanding.saturating_sub(1),
        }
    }

    // Keys that a peer chooses are hashed under the secret.

    fn hash_address(&self, address: P) -> u64 {
        self.core.random.hash(Purpose::Address, |hasher| address.hash(hasher))
    }

    fn hash_id(&self, purpose: Purpose, peer: u32, id: u16) -> u64 {
        self.core.random.hash(purpose, |hasher| {
            hasher.write_u32(peer);
            hasher.write_u16(id);
        })
    }

    fn hash_token(&self, peer: u32, token: &[u8]) -> u64 {
        self.core.random.hash(Purpose::Token, |hasher| {
            hasher.write_u32(peer);
            hasher.write(token);
        })
    }
}

/// How long ago that was, in ms; nothing for what lies ahead, where the clock was set back.
pub(super) const fn passed(now: Instant, since: u32) -> u64 {
    let passed = ticks(now).wrapping_sub(since);
    if passed > u32::MAX / 2 { 0 } else { passed as u64 }
}

/// The clock modulo 2^32 ms: enough for what is remembered for minutes.
pub(super) const fn ticks(now: Instant) -> u32 {
    now.as_millis() as u32
}
