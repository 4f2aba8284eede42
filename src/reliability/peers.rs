//! Peers: their slots, the Message IDs towards them (RFC 7252 4.4), and how much they may be sent unheard (4.7).

use super::Engine;
use crate::roles::Roles;
use crate::store::{GROUP, Ids, Peer, Store, passed};

/// How many remembered exchanges give way, at most, for a new peer.
const GIVE_WAY: u32 = 8;

/// So many Message IDs are given out in an EXCHANGE_LIFETIME: hardly half of them, so that none is repeated within one.
const HALF: u16 = 32_000;

/// RFC 7252 8.1: a Message ID of a request to a group is not to be one that is active with a member. Those that end so
/// are for groups, the others for peers.
const GROUPS: u16 = 0x000f;

/// Half of those for groups.
const HALF_OF_GROUPS: u16 = 2048;

/// Where there is an index: the Message IDs of peers that gave up their slot while some of theirs could be on the way.
///
/// A slot's first Message ID is a random number plus the number of those that all peers together had when they gave
/// way. So a peer that comes back goes on behind where it was, without a record of it. That holds until the sum goes
/// round; before it does, within an EXCHANGE_LIFETIME, nobody gives way any more. The random number is the endpoint's;
/// each address adds its keyed hash, so that a peer cannot tell the Message IDs of another.
///
/// It lies where the sequence towards all peers does without an index: `next` is the sum, of which so many were `given` up
/// in the present EXCHANGE_LIFETIME.
struct GivenUp<'i>(&'i mut Ids);

impl GivenUp<'_> {
    /// Whether a peer with these Message IDs may give way. One that has begun its second half of them may not.
    fn has_room(&self, ids: &Ids, anew: bool) -> bool {
        let lately = if anew { 0 } else { self.0.given };
        // An EXCHANGE_LIFETIME may lie across two of those that are counted: half of HALF in each, and HALF for who
        // comes back.
        ids.given().is_some_and(|given| lately.saturating_add(given) < HALF / 2)
    }

    fn take(&mut self, given: u16, now: u32, anew: bool) {
        if anew || self.0.given == 0 {
            self.0.given = 0;
            self.0.since = now;
        }
        self.0.given = self.0.given.wrapping_add(given);
        self.0.next = self.0.next.wrapping_add(given);
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    /// The slot of a peer, a new one if it has none. It stays once something [refers](Self::refer) to it.
    pub(crate) fn peer(&mut self, address: S::Peer) -> Option<u32> {
        self.held.find_peer(address).or_else(|| self.new_peer(address))
    }

    /// A slot for a peer that has none.
    pub(crate) fn new_peer(&mut self, address: S::Peer) -> Option<u32> {
        if !S::INDEXED {
            return self.new_peer_of_few(address);
        }
        // What is only remembered gives way, with the peer that it belongs to.
        for _ in 0..GIVE_WAY {
            if self.held.peers.len() < self.held.peers.capacity()
                || self.drop_idle_peer(true)
                || self.recycle(GROUP, false).is_none()
            {
                break;
            }
        }
        if self.held.peers.len() == self.held.peers.capacity() {
            self.drop_idle_peer(true);
        }
        if self.core.ids.next == 0 {
            self.core.ids.next = self.held.random.draw() as u16;
        }
        let mut ids = Ids::NONE;
        ids.begin(self.core.ids.next.wrapping_add(self.held.random.hash_address(address) as u16));
        let index = self.held.peers.insert(Peer { address: Some(address), ids, ..Peer::NONE })?.index();
        self.held.link_peer(index, address);
        // Nothing refers to it yet, and none of its Message IDs is on the way.
        self.core.idle.push_front(&mut self.held.peers, index);
        Some(index)
    }

    /// The same where there is no index. A peer to which nothing refers has nothing that is to be kept, but for what it
    /// was sent unheard: the one with the least of that gives way.
    fn new_peer_of_few(&mut self, address: S::Peer) -> Option<u32> {
        for _ in 0..GIVE_WAY {
            let held = &mut self.held;
            let mut idle =
                (0..held.peers.slots()).filter(|&index| !held.is_referred_to(index, R::HAS.transfers, R::HAS.observe));
            // Who makes no requests has sent nothing unheard.
            let unheard = |index: &u32| held.peers.at(*index).map_or(0, |peer| peer.unheard);
            let idle = if R::HAS.client { idle.min_by_key(unheard) } else { idle.next() };
            if let Some(index) = idle {
                // What is counted for a peer is nothing while nothing refers to it.
                let peer = held.peers.occupy(index)?;
                peer.address = Some(address);
                if R::HAS.client {
                    peer.unheard = 0;
                }
                return Some(index);
            }
            if self.recycle(GROUP, false).is_none() {
                break;
            }
        }
        None
    }

    /// Releases a peer to which nothing refers, if none of its Message IDs can still be on the way; with `early`, if
    /// need be, one of which some are. True if it did. Where there is an index.
    pub(crate) fn drop_idle_peer(&mut self, early: bool) -> bool {
        let lifetime = self.rules().exchange_lifetime;
        let held = &mut self.held;
        let now = held.ticks();
        // The oldest.
        let Some(index) = self.core.idle.first() else { return false };
        let Some(&Peer { address, ids, last, references, .. }) = held.peers.at(index) else { return false };
        let mut given_up = GivenUp(&mut self.core.ids);
        let anew = passed(now, given_up.0.since) >= lifetime;
        let is_over = ids.is_new() || passed(now, last) >= lifetime;
        if references != 0 || !(is_over || early && given_up.has_room(&ids, anew)) {
            return false;
        }
        if !is_over {
            given_up.take(ids.given().unwrap_or_default(), now, anew);
        }
        self.core.idle.remove(&mut held.peers, index);
        if let Some(address) = address {
            held.unlink_peer(index, address);
        }
        if R::HAS.observe {
            held.peers.mark(index, false);
        }
        held.peers.remove(index)
    }

    /// In how many ms a slot for a peer may be free, if none is now.
    pub(crate) fn peer_free_in(&self) -> u32 {
        let lifetime = self.rules().exchange_lifetime;
        // Without an index every peer is referred to then.
        let idle = if S::INDEXED { self.core.idle.first() } else { None };
        match idle.and_then(|index| self.held.peers.at(index)) {
            Some(peer) => lifetime.saturating_sub(self.held.passed(peer.last)),
            None => lifetime,
        }
    }

    /// An exchange refers to a peer: one that counts for its share, or not.
    pub(crate) fn refer(&mut self, index: u32, served: bool) {
        if !S::INDEXED && !R::HAS.shares {
            return;
        }
        let Some(peer) = self.held.peers.at_mut(index) else { return };
        if R::HAS.shares && served {
            peer.live = peer.live.saturating_add(1);
        }
        if !S::INDEXED {
            return;
        }
        peer.references = peer.references.saturating_add(1);
        if peer.references == 1 {
            self.core.idle.remove(&mut self.held.peers, index);
        }
    }

    /// Whether as many exchanges refer to a peer as can be counted, where there is an index. To a group none does.
    pub(crate) fn is_full(&self, index: u32) -> bool {
        self.held.peers.at(index).is_some_and(|peer| peer.references == u16::MAX)
    }

    /// It refers to it no more. Where there is an index.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    pub(crate) fn unrefer(&mut self, index: u32) {
        let Some(peer) = self.held.peers.at_mut(index) else { return };
        peer.references = peer.references.saturating_sub(1);
        if peer.references != 0 {
            return;
        }
        if peer.address.is_none() {
            // It was forgotten: this was the last of it.
            if R::HAS.observe {
                self.held.peers.mark(index, false);
            }
            self.held.peers.remove(index);
        } else if peer.ids.is_new() {
            self.core.idle.push_front(&mut self.held.peers, index);
        } else {
            self.core.idle.push_back(&mut self.held.peers, index);
        }
    }

    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(always))]
    pub(crate) fn address(&self, peer: u32) -> Option<S::Peer> {
        self.held.peers.at(peer)?.address
    }

    /// The Message IDs towards a peer: where there is no index, those towards all.
    fn ids_of(&mut self, peer: u32) -> Option<&mut Ids> {
        if S::INDEXED { Some(&mut self.held.peers.at_mut(peer)?.ids) } else { Some(&mut self.core.ids) }
    }

    /// The next Message ID towards a peer, or when there will be one, in ms (RFC 7252 4.4). It counts once
    /// [`take_message_id`](Self::take_message_id) says that it is used.
    pub(crate) fn message_id(&mut self, peer: u32) -> Result<u16, u64> {
        match self.next_id(peer) {
            Ok(id) => Ok(id as u16),
            Err(wait) => Err(self.held.later(wait)),
        }
    }

    /// The same, or in how many ms there will be one: of one size, so that either is told in registers.
    pub(crate) fn next_id(&mut self, peer: u32) -> Result<u32, u32> {
        let (ticks, lifetime) = (self.held.ticks(), self.rules().exchange_lifetime);
        let Some(ids) = self.ids_of(peer) else { return Err(0) };
        let mut id = ids.next(ticks, HALF, lifetime);
        if R::HAS.multicast && id.is_ok_and(|id| id & GROUPS == GROUPS) {
            self.take_message_id(peer);
            id = self.ids_of(peer).map_or(id, |ids| ids.next(ticks, u16::MAX, lifetime));
        }
        id.map(u32::from)
    }

    /// The Message ID is used.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(always))]
    pub(crate) fn take_message_id(&mut self, peer: u32) {
        if !S::INDEXED {
            return self.core.ids.take(1);
        }
        let ticks = self.held.ticks();
        let Some(peer) = self.held.peers.at_mut(peer) else { return };
        peer.ids.take(1);
        peer.last = ticks;
    }

    /// As [`next_id`](Self::next_id), for a request to a group.
    pub(crate) fn group_message_id(&mut self) -> Result<u32, u32> {
        let (ticks, lifetime) = (self.held.ticks(), self.rules().non_lifetime);
        if self.core.group.is_new() {
            let start = self.held.random.up_to(0xffff) as u16 | GROUPS;
            self.core.group.begin(start);
        }
        self.core.group.next(ticks, HALF_OF_GROUPS, lifetime).map(u32::from)
    }

    pub(crate) fn take_group_message_id(&mut self) {
        self.core.group.take(GROUPS.wrapping_add(1));
    }

    /// In how many ms a NON request may go to a peer, if not now (RFC 7252 4.7): one that does not respond is sent
    /// PROBING_RATE bytes a second.
    pub(crate) fn probing_pause(&self, peer: u32, rate: u16) -> Option<u32> {
        let peer = self.held.peers.at(peer).filter(|peer| peer.unheard > 0)?;
        let pause = u32::from(peer.unheard).wrapping_mul(8_000) / u32::from(rate.max(1));
        let left = pause.saturating_sub(self.held.passed(peer.last));
        (left > 0).then_some(left)
    }

    /// A NON request goes to a peer; nothing was heard of it since.
    pub(crate) fn probe(&mut self, peer: u32, len: usize) {
        let ticks = self.held.ticks();
        if let Some(peer) = self.held.peers.at_mut(peer) {
            peer.last = ticks;
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
        if !old.ids.is_new() && full && !self.drop_idle_peer(true) {
            return Err(self.held.later(self.peer_free_in()));
        }
        self.held.unlink_peer(index, address);
        if let Some(peer) = self.held.peers.at_mut(index) {
            peer.address = None;
        }
        if !old.ids.is_new() {
            let new = Peer { address: Some(address), ids: old.ids, last: old.last, ..Peer::NONE };
            if let Some(id) = self.held.peers.insert(new) {
                self.held.link_peer(id.index(), address);
                self.core.idle.push_back(&mut self.held.peers, id.index());
            }
        }
        Ok(())
    }

    /// Whether an exchange belongs to a peer that was forgotten.
    pub(crate) fn is_detached(&self, peer: u32) -> bool {
        S::INDEXED && peer != GROUP && self.address(peer).is_none()
    }
}
