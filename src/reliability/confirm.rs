//! What is to be confirmed: NSTART (RFC 7252 4.7), and retransmission until an acknowledgement comes (4.2).

use super::Engine;
use crate::config::{Pace, Rules};
use crate::roles::Roles;
use crate::store::{Exchange, InNode, Rows, Store, first, passed, push_back, remove};

/// What becomes of a message that was not acknowledged yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Again {
    /// It is sent again.
    Now,
    /// Nothing, until later.
    Later,
    /// It is given up.
    Never,
}

impl<S: Store, R: Roles> Engine<S, R> {
    /// Whether it is counted how many exchanges of a peer are outstanding. Among few without a queue they are looked
    /// for.
    pub(crate) const COUNTS: bool = S::INDEXED || R::HAS.nstart_queue;

    /// Whether each notification is a CON, nobody waits in an exchange, and there is no index.
    pub(crate) const PLAIN: bool = !(S::INDEXED || R::HAS.nstart_queue || R::HAS.non_notifications);

    /// Draws the first timeout of a message that is to be confirmed (RFC 7252 4.2).
    pub(crate) fn first_timeout(&mut self, pace: &Pace) -> u32 {
        pace.ack_timeout.saturating_add(self.held.random.up_to(pace.spread))
    }

    /// The same, for an exchange.
    pub(crate) fn pace(&mut self, index: u32, pace: &Pace) {
        let interval = self.first_timeout(pace);
        if let Some(exchange) = self.held.exchanges.at_mut(index) {
            Self::set_pace(exchange, interval, pace);
        }
    }

    /// The same with this first timeout.
    pub(crate) const fn set_pace(exchange: &mut Exchange, interval: u32, pace: &Pace) {
        if R::HAS.own_times || R::HAS.observe && !Self::PLAIN {
            exchange.pace(interval, pace.most);
        } else {
            // It is only ever sent out once.
            exchange.interval = interval;
        }
    }

    /// Starts what is to be confirmed at the pace that is usual. True if at once.
    pub(crate) fn set_out(&mut self, index: u32) -> bool {
        let pace = self.rules().pace;
        self.pace(index, &pace);
        self.start(index, pace.nstart)
    }

    /// Whether one more message that is to be confirmed would have to wait for others.
    pub(crate) fn would_wait(&self, peer: u32, nstart: u8) -> bool {
        if Self::COUNTS {
            return self.held.peers.at(peer).is_some_and(|peer| peer.outstanding >= nstart);
        }
        // A request may have an NSTART of its own; that of the roles is a constant.
        if !(R::HAS.client && R::HAS.own_times) && nstart == 1 {
            return self.held.has_outstanding(peer);
        }
        let outstanding = |exchange: &Exchange| exchange.peer == peer && exchange.state.is_outstanding();
        self.held.exchanges.count(outstanding) >= u32::from(nstart)
    }

    /// Starts what is to be confirmed: at once, or once its turn comes. True if at once.
    pub(crate) fn start(&mut self, index: u32, nstart: u8) -> bool {
        let held = &mut *self.held;
        let Some(exchange) = held.exchanges.at_mut(index) else { return false };
        let peer = exchange.peer;
        if R::HAS.nstart_queue {
            let Some(slot) = held.peers.at_mut(peer) else { return false };
            if slot.outstanding >= nstart {
                exchange.set_waits(true);
                slot.waiting = slot.waiting.saturating_add(1);
                if let Some((last, _)) = held.peers.lent(peer) {
                    push_back::<_, 2, InNode>(&mut held.exchanges, last, index);
                }
                return false;
            }
        }
        if Self::COUNTS {
            if let Some(slot) = held.peers.at_mut(peer) {
                slot.outstanding = slot.outstanding.saturating_add(1);
            }
        }
        self.launch(index);
        true
    }

    /// From now on it counts as sent, under the next Message ID.
    pub(crate) fn launch(&mut self, index: u32) {
        let since = self.held.ticks();
        let Some(exchange) = self.held.exchanges.at_mut(index) else { return };
        if R::HAS.nstart_queue {
            exchange.set_waits(false);
        }
        exchange.since = since;
        let (interval, peer) = (exchange.interval, exchange.peer);
        self.take_message_id(peer);
        self.held.after(index, interval);
    }

    /// The turn of one that waited has come. Only now it gets its Message ID: however long it waited, nobody has had that lately. True
    /// if it is sent; if all Message IDs are in use, its turn comes again when one is not.
    pub(crate) fn launch_waiting(&mut self, index: u32) -> bool {
        let Some(&Exchange { peer, bytes, message_id, .. }) = self.held.exchanges.at(index) else { return false };
        let id = match self.next_id(peer) {
            Ok(id) => id as u16,
            Err(wait) => {
                self.held.after(index, wait);
                return false;
            }
        };
        if id != message_id {
            self.held.link(index, false);
            if let Some(exchange) = self.held.exchanges.at_mut(index) {
                exchange.message_id = id;
            }
            self.held.link(index, true);
            // RFC 7252 section 3: behind type and code. A ping keeps no bytes.
            self.held.arena.patch(bytes, 2, &id.to_be_bytes());
        }
        self.launch(index);
        true
    }

    /// An exchange is outstanding no more, or waits no more: the next one's turn comes, in `poll`.
    pub(crate) fn settle(&mut self, index: u32) {
        if !Self::COUNTS {
            return;
        }
        let held = &mut *self.held;
        let Some(exchange) = held.exchanges.at_mut(index) else { return };
        if !exchange.state.is_outstanding() {
            return;
        }
        let peer = exchange.peer;
        if R::HAS.nstart_queue {
            let waits = exchange.waits();
            exchange.set_waits(false);
            // One whose turn has come, and that has not gone out yet, has a deadline.
            if waits && !held.exchanges.is_scheduled(index) {
                if let Some((last, _)) = held.peers.lent(peer) {
                    remove::<_, 2, InNode>(&mut held.exchanges, last, index);
                }
                if let Some(slot) = held.peers.at_mut(peer) {
                    slot.waiting = slot.waiting.saturating_sub(1);
                }
                return;
            }
            if let Some((last, _)) = held.peers.lent(peer) {
                if let Some(next) = first::<_, 2, InNode>(&held.exchanges, *last) {
                    remove::<_, 2, InNode>(&mut held.exchanges, last, next);
                    if let Some(slot) = held.peers.at_mut(peer) {
                        slot.waiting = slot.waiting.saturating_sub(1);
                    }
                    return self.held.after(next, 0);
                }
            }
        }
        if let Some(slot) = held.peers.at_mut(peer) {
            slot.outstanding = slot.outstanding.saturating_sub(1);
        }
    }

    /// Whether a message is to be sent again now, and in how many ms to look again (RFC 7252 4.2).
    ///
    /// The k-th retransmission is due 2^k - 1 first timeouts after the first transmission. Who polls late catches up:
    /// no faster than ACK_TIMEOUT, and beyond MAX_TRANSMIT_SPAN by a quarter of that at most, as a loop over a socket is
    /// always late a little and the last one may be due at its very end.
    pub(crate) fn next_try(rules: &Rules, exchange: &mut Exchange, ticks: u32) -> (Again, u32) {
        let (interval, mut again) = (exchange.interval, exchange.again());
        // A request may have a pace of its own.
        let own = R::HAS.client && R::HAS.own_times;
        let most = if own { exchange.most() } else { rules.pace.most };
        // When the k-th retransmission is due, after the first transmission.
        let offset = |k: u8| {
            let times = (1_u32 << k).wrapping_sub(1);
            if const { is_short::<R>() } { interval.wrapping_mul(times) } else { interval.saturating_mul(times) }
        };
        let end = offset(most.wrapping_add(1));
        let passed = passed(ticks, exchange.since);
        if passed >= end {
            return (Again::Never, 0);
        }
        let span = if own { rules.span.max(offset(most)) } else { rules.span };
        let mut next = end;
        let send = again < most && passed <= span.saturating_add(rules.pace.ack_timeout >> 2);
        if send {
            again = again.wrapping_add(1);
            let planned =
                offset(again.wrapping_add(1)).max(passed.saturating_add(rules.pace.ack_timeout.min(interval)));
            if again < most && planned <= span {
                next = planned;
            }
        }
        exchange.set_again(again);
        (if send { Again::Now } else { Again::Later }, next.wrapping_sub(passed))
    }
}

/// Whether all retransmissions are due within half of 2^32 ms, whatever the first timeout: which is known of a configuration
/// that is known when the image is built.
const fn is_short<R: Roles>() -> bool {
    match crate::roles::rules::<R>() {
        Some(Rules { pace: Pace { ack_timeout, spread, most, .. }, .. }) if !(R::HAS.client && R::HAS.own_times) => {
            most < 31 && (ack_timeout as u64 + spread as u64) << (most + 1) < 1 << 31
        }
        _ => false,
    }
}
