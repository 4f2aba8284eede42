//! Peers: their slots, the Message IDs towards them (RFC 7252 4.4), and how much they may be sent unheard (4.7).

use super::Engine;
use crate::roles::Roles;
use crate::store::{GROUP, Peer, Scale, passed};
use core::hash::Hash;

/// How many remembered exchanges give way, at most, for a new peer.
const GIVE_WAY: u32 = 8;

/// So many Message IDs are given out to a peer in an EXCHANGE_LIFETIME: hardly half of them, so that none is repeated
/// within one.
const HALF: u16 = 32_000;

/// In `given`: not the first half any more.
const ROUND: u16 = 1 << 15;

/// RFC 7252 8.1: a Message ID of a request to a group is not to be one that is active with a member. Those that end so
/// are for groups, the others for peers.
const GROUPS: u16 = 0x000f;

/// The Message IDs of requests to groups: one sequence, for one peer may be a member of several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupIds {
    next: u16,
    given: u16,
    since: u32,
}

impl GroupIds {
    pub(crate) const NONE: GroupIds = GroupIds { next: 0, given: 0, since: 0 };
    /// Half of them.
    const MOST: u16 = 2048;
}

/// The Message IDs of peers that gave up their slot while some of theirs could be on the way.
///
/// A slot's first Message ID is a random number plus the number of those that all peers together had when they gave
/// way. So a peer that comes back goes on behind where it was, without a record of it. That holds until the sum goes
/// round; before it does, within an EXCHANGE_LIFETIME, nobody gives way any more. The random number is the endpoint's;
/// where there is an index, each address adds its keyed hash, so that a peer cannot tell the Message IDs of another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GivenUp {
    ids: u16,
    /// How many of these in the present EXCHANGE_LIFETIME.
    lately: u16,
    since: u32,
}

impl GivenUp {
    pub(crate) const NONE: GivenUp = GivenUp { ids: 0, lately: 0, since: 0 };

    /// Whether a peer with so many Message IDs may give way. One that has begun its second half of them may not.
    fn has_room(self, given: u16, anew: bool) -> bool {
        let lately = if anew { 0 } else { self.lately };
        // An EXCHANGE_LIFETIME may lie across two of those that are counted: half of HALF in each, and HALF for who
        // comes back.
        given & ROUND == 0 && lately.saturating_add(given) < HALF / 2
    }

    fn take(&mut self, given: u16, now: u32, anew: bool) {
        if anew || self.lately == 0 {
            self.lately = 0;
            self.since = now;
        }
        self.lately = self.lately.wrapping_add(given);
        self.ids = self.ids.wrapping_add(given);
    }
}

impl<P: Copy + Eq + Hash, C: Scale, R: Roles> Engine<'_, P, C, R> {
    /// The slot of a peer, a new one if it has none. It stays once something [refers](Self::refer) to it.
    pub(crate) fn peer(&mut self, address: P) -> Option<u32> {
        self.held.find_peer(address).or_else(|| self.new_peer(address))
    }

    /// A slot for a peer that has none.
    pub(crate) fn new_peer(&mut self, address: P) -> Option<u32> {
        // What is only remembered gives way, with the peer that it belongs to.
        for _ in 0..GIVE_WAY {
            if self.held.peers.len() < self.held.peers.capacity()
                || self.drop_idle_peer(true)
                || !self.recycle(None, false)
            {
                break;
            }
        }
        if self.held.peers.len() == self.held.peers.capacity() {
            self.drop_idle_peer(true);
        }
        if self.core.given_up.ids == 0 {
            self.core.given_up.ids = self.held.random.draw() as u16;
        }
        let mut next_id = self.core.given_up.ids;
        if C::INDEXED {
            next_id = next_id.wrapping_add(self.held.random.hash_address(address) as u16);
        }
        let index = self.held.peers.insert(Peer { address: Some(address), next_id, ..Peer::NONE })?.index();
        self.held.link_peer(index, address);
        if C::INDEXED {
            // Nothing refers to it yet, and none of its Message IDs is on the way.
            self.core.idle.push_front(&mut self.held.peers, index);
        }
        Some(index)
    }

    /// Releases a peer to which nothing refers, if none of its Message IDs can still be on the way; with `early`, if
    /// need be, one of which some are. True if it did.
    pub(crate) fn drop_idle_peer(&mut self, early: bool) -> bool {
        let lifetime = self.rules().exchange_lifetime;
        let held = &mut self.held;
        let now = held.ticks();
        let given_up = &mut self.core.given_up;
        let anew = passed(now, given_up.since) >= lifetime;
        let is_over = |peer: &Peer<P>| peer.given == 0 || passed(now, peer.last) >= lifetime;
        let may_go =
            |peer: &Peer<P>| peer.references == 0 && (is_over(peer) || early && given_up.has_room(peer.given, anew));
        let found = if C::INDEXED {
            // The oldest.
            self.core.idle.first().filter(|&index| held.peers.at(index).is_some_and(may_go))
        } else {
            held.peers.scan(may_go)
        };
        if let Some(peer) = found.and_then(|index| held.peers.at(index)).filter(|peer| !is_over(peer)) {
            given_up.take(peer.given, now, anew);
        }
        let Some(index) = found else { return false };
        if C::INDEXED {
            self.core.idle.remove(&mut held.peers, index);
        }
        if let Some(address) = held.peers.at(index).and_then(|peer| peer.address) {
            held.unlink_peer(index, address);
        }
        held.peers.remove(index)
    }

    /// When a slot for a peer may be free, in ms, if none is now.
    pub(crate) fn peer_free_at(&self) -> u64 {
        let lifetime = self.rules().exchange_lifetime;
        let idle = if C::INDEXED { self.core.idle.first() } else { self.held.peers.scan(|peer| peer.references == 0) };
        let wait = match idle.and_then(|index| self.held.peers.at(index)) {
            Some(peer) => lifetime.saturating_sub(self.held.passed(peer.last)),
            None => lifetime,
        };
        self.held.now.saturating_add(u64::from(wait))
    }

    /// An exchange refers to a peer: one that counts for its share, or not.
    pub(crate) fn refer(&mut self, index: u32, served: bool) {
        let Some(peer) = self.held.peers.at_mut(index) else { return };
        peer.references = peer.references.saturating_add(1);
        if R::SHARES && served {
            peer.live = peer.live.saturating_add(1);
        }
        if C::INDEXED && peer.references == 1 {
            self.core.idle.remove(&mut self.held.peers, index);
        }
    }

    /// Whether as many exchanges refer to a peer as can be counted. To a group none does.
    pub(crate) fn is_full(&self, index: u32) -> bool {
        self.held.peers.at(index).is_some_and(|peer| peer.references == u16::MAX)
    }

    /// It refers to it no more.
    pub(crate) fn unrefer(&mut self, index: u32) {
        let Some(peer) = self.held.peers.at_mut(index) else { return };
        peer.references = peer.references.saturating_sub(1);
        if !C::INDEXED || peer.references != 0 {
            return;
        }
        if peer.address.is_none() {
            // It was forgotten: this was the last of it.
            self.held.peers.remove(index);
        } else if peer.given == 0 {
            self.core.idle.push_front(&mut self.held.peers, index);
        } else {
            self.core.idle.push_back(&mut self.held.peers, index);
        }
    }

    pub(crate) fn address(&self, peer: u32) -> Option<P> {
        self.held.peers.at(peer)?.address
    }

    /// The next Message ID towards a peer, or when there will be one, in ms (RFC 7252 4.4). It counts once
    /// [`take_message_id`](Self::take_message_id) says that it is used.
    pub(crate) fn message_id(&mut self, peer: u32) -> Result<u16, u64> {
        let (now, ticks, lifetime) = (self.held.now, self.held.ticks(), self.rules().exchange_lifetime);
        let Some(peer) = self.held.peers.at_mut(peer) else { return Err(now) };
        if peer.given & !ROUND >= HALF {
            let passed = passed(ticks, peer.since);
            if passed < lifetime {
                return Err(now.saturating_add(u64::from(lifetime.wrapping_sub(passed))));
            }
            peer.given = ROUND;
        }
        if peer.given & !ROUND == 0 {
            peer.since = ticks;
        }
        if R::MULTICAST && peer.next_id & GROUPS == GROUPS {
            peer.given = peer.given.wrapping_add(1);
            peer.next_id = peer.next_id.wrapping_add(1);
            peer.last = ticks;
        }
        Ok(peer.next_id)
    }

    /// The Message ID is used.
    pub(crate) fn take_message_id(&mut self, peer: u32) {
        let ticks = self.held.ticks();
        let Some(peer) = self.held.peers.at_mut(peer) else { return };
        peer.given = peer.given.wrapping_add(1);
        peer.next_id = peer.next_id.wrapping_add(1);
        peer.last = ticks;
    }

    /// As [`message_id`](Self::message_id), for a request to a group.
    pub(crate) fn group_message_id(&mut self) -> Result<u16, u64> {
        let lifetime = self.rules().non_lifetime;
        let passed = self.held.passed(self.core.group.since);
        let ids = &mut self.core.group;
        if ids.given >= GroupIds::MOST {
            if passed < lifetime {
                return Err(self.held.now.saturating_add(u64::from(lifetime.wrapping_sub(passed))));
            }
            ids.given = 0;
        }
        if ids.given == 0 {
            ids.since = self.held.ticks();
            if ids.next == 0 {
                // Its lowest bits are never 0 again.
                ids.next = self.held.random.draw() as u16 | GROUPS;
            }
        }
        Ok(ids.next)
    }

    pub(crate) fn take_group_message_id(&mut self) {
        let ids = &mut self.core.group;
        ids.given = ids.given.wrapping_add(1);
        ids.next = ids.next.wrapping_add(GROUPS.wrapping_add(1));
    }

    /// When a NON request may go to a peer, in ms, if not now (RFC 7252 4.7): one that does not respond is sent
    /// PROBING_RATE bytes a second.
    pub(crate) fn probing_until(&self, peer: u32, rate: u16) -> Option<u64> {
        let peer = self.held.peers.at(peer).filter(|peer| peer.unheard > 0)?;
        let pause = u32::from(peer.unheard).wrapping_mul(8_000) / u32::from(rate.max(1));
        let left = pause.saturating_sub(self.held.passed(peer.last));
        (left > 0).then(|| self.held.now.saturating_add(u64::from(left)))
    }

    /// A NON request goes to a peer; nothing was heard of it since.
    pub(crate) fn probe(&mut self, peer: u32, len: usize) {
        if let Some(peer) = self.held.peers.at_mut(peer) {
            peer.unheard = len.div_ceil(8).min(255) as u8;
        }
    }

    /// Something came from a peer.
    pub(crate) fn heard(&mut self, peer: u32) {
        if let Some(peer) = self.held.peers.at_mut(peer) {
            peer.unheard = 0;
        }
    }

    /// Cuts a peer off from its address: what refers to it is to be ended. Its Message IDs go to a new slot, for some
    /// of them may be on the way. `Err`: there is no such slot; nothing is changed.
    pub(crate) fn detach(&mut self, index: u32) -> Result<(), u64> {
        let Some(&old) = self.held.peers.at(index) else { return Ok(()) };
        let Some(address) = old.address else { return Ok(()) };
        let full = self.held.peers.len() == self.held.peers.capacity();
        if old.given > 0 && full && !self.drop_idle_peer(true) {
            return Err(self.peer_free_at());
        }
        self.held.unlink_peer(index, address);
        if let Some(peer) = self.held.peers.at_mut(index) {
            peer.address = None;
        }
        if old.given > 0 {
            let Peer { since, last, next_id, given, .. } = old;
            let new = Peer { address: Some(address), since, last, next_id, given, ..Peer::NONE };
            if let Some(id) = self.held.peers.insert(new) {
                self.held.link_peer(id.index(), address);
                self.core.idle.push_back(&mut self.held.peers, id.index());
            }
        }
        Ok(())
    }

    /// Whether an exchange belongs to a peer that was forgotten.
    pub(crate) fn is_detached(&self, peer: u32) -> bool {
        peer != GROUP && self.address(peer).is_none()
    }
}
