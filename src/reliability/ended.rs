//! How what was sent ends: acknowledged, reset, given up (RFC 7252 4.2), or by the application.

use super::{Counter, Engine};
use crate::roles::Roles;
use crate::store::{Chain, Exchange, State, Store, flag, unpack};

/// How something ended, to be told by `poll`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Acknowledged = 0,
    Reset = 1,
    TimedOut = 2,
    Forgotten = 3,
    Unreachable = 4,
}

impl Outcome {
    /// From what was kept in the exchange.
    pub(crate) const fn kept(outcome: u32) -> Outcome {
        match outcome {
            0 => Outcome::Acknowledged,
            1 => Outcome::Reset,
            2 => Outcome::TimedOut,
            4 => Outcome::Unreachable,
            _ => Outcome::Forgotten,
        }
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    /// What we sent has arrived: an acknowledgement, or for a ping a reset, has come.
    pub(crate) fn on_arrived(&mut self, index: u32) {
        let Some(&exchange) = self.held.exchanges.at(index) else { return };
        match exchange.state {
            State::Sent if R::HAS.client && R::HAS.no_response && exchange.has(flag::SILENT) => {
                self.end(index, Outcome::Acknowledged);
            }
            State::Sent if R::HAS.client => {
                // The response will be a separate one.
                self.settle(index);
                if !R::HAS.observe || !exchange.has(flag::OBSERVES) {
                    self.forget_bytes(index);
                }
                let round_trip = self.held.passed(exchange.since);
                if let Some(exchange) = self.held.exchanges.at_mut(index) {
                    exchange.state = State::Acked;
                    exchange.interval = round_trip;
                }
                let patience = if R::HAS.own_times { exchange.patience } else { self.rules().patience };
                self.held.after(index, unpack(patience));
            }
            State::Pinged if R::HAS.client => self.end(index, Outcome::Acknowledged),
            State::Confirming if R::HAS.server => self.confirmed(index, Outcome::Acknowledged),
            State::Notifying | State::Parting if R::HAS.observe => self.told(index),
            _ => {}
        }
    }

    /// What we sent was reset.
    pub(crate) fn on_reset(&mut self, index: u32) {
        self.count(Counter::Reset);
        self.on_lost(index, Outcome::Reset);
    }

    /// What we sent was reset, or is given up.
    pub(crate) fn on_lost(&mut self, index: u32, outcome: Outcome) {
        let Some(&Exchange { peer, message_id, state, .. }) = self.held.exchanges.at(index) else { return };
        if R::HAS.observe && R::HAS.server {
            // It may have told somebody something, or accepted an observer.
            self.on_rejected(peer, message_id);
            // A notification has gone with its observer, unless that has gone before.
            if self.held.exchanges.at(index).is_none_or(|it| it.state != state) {
                return;
            }
        }
        match state {
            State::Pinged if R::HAS.client => self.end(index, Outcome::Acknowledged),
            State::Confirming if R::HAS.server => self.confirmed(index, outcome),
            State::Notifying | State::Parting if R::HAS.observe => self.release(index),
            _ if R::HAS.client => self.end(index, outcome),
            _ => {}
        }
    }

    /// A request of ours has ended; `poll` is to tell.
    pub(crate) fn end(&mut self, index: u32, outcome: Outcome) {
        self.settle(index);
        self.held.never(index);
        // By the token, which may stand in the bytes.
        self.held.link(index, false);
        self.forget_bytes(index);
        if let Some(exchange) = self.held.exchanges.at_mut(index) {
            exchange.state = State::Ended;
            exchange.interval = outcome as u32;
        }
        self.held.after(index, 0);
    }

    /// A separate response of ours has arrived, or is given up: the request is remembered.
    pub(crate) fn confirmed(&mut self, index: u32, outcome: Outcome) {
        self.settle(index);
        self.forget_bytes(index);
        self.held.link_local(index, false);
        if R::HAS.reports {
            if let Some(exchange) = self.held.exchanges.at_mut(index) {
                if exchange.has(flag::REPORT) {
                    exchange.state = State::Confirmed;
                    exchange.interval = outcome as u32;
                    self.held.after(index, 0);
                    return;
                }
            }
        }
        self.remember(index);
    }

    /// Ends an exchange for good: out of every list, and all that it held is free.
    pub(crate) fn release(&mut self, index: u32) {
        self.settle(index);
        self.stop(index);
        if let Some(&Exchange { peer, state, .. }) = self.held.exchanges.at(index) {
            self.served(peer, state);
        }
        self.let_go(index);
    }

    /// As [`release`](Self::release), of one that is remembered or has no deadline.
    pub(crate) fn let_go(&mut self, index: u32) {
        if S::INDEXED {
            self.clear(index, false);
            self.held.exchanges.remove(index);
            return;
        }
        self.forget_bytes(index);
        self.free_exchange();
        self.held.exchanges.vacate(index);
    }

    /// The same, but for the slot: what is in it is in no list and no index any more, and holds nothing. `recycled`: it is
    /// remembered, and gives way. Where there is an index.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    pub(crate) fn clear(&mut self, index: u32, recycled: bool) {
        let Some(&Exchange { peer, state, flags, interval, since, bytes, .. }) = self.held.exchanges.at(index) else {
            return;
        };
        if recycled && self.held.passed(since) < self.lifetime(flags) {
            self.count(Counter::Recycled);
        }
        if recycled || state.is_remembered() {
            self.unlist(index, peer, flags);
            self.held.unlink_remote(index, interval);
        } else {
            // By the token, which may stand in the bytes.
            self.held.link(index, false);
        }
        if !bytes.is_none() {
            // The slot still names them, until it is used again or free.
            self.release_bytes(bytes);
        }
        self.free_exchange();
        self.unrefer(peer);
    }

    /// Now there is one to be had, for observers that wait for it.
    fn free_exchange(&mut self) {
        if R::HAS.observe {
            self.core.observing.blocked = false;
        }
    }

    /// Frees what is kept with an exchange.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    pub(crate) fn forget_bytes(&mut self, index: u32) {
        let Some(exchange) = self.held.exchanges.at_mut(index) else { return };
        let chain = core::mem::replace(&mut exchange.bytes, Chain::NONE);
        self.release_bytes(chain);
    }

    /// Frees bytes that nobody holds any more.
    pub(crate) fn release_bytes(&mut self, chain: Chain) {
        self.held.release_bytes(chain, R::HAS.observe && R::HAS.kept_options);
    }

    /// What was in this state is dealt with: if it was a request of the peer's, it counts for the peer's share no more.
    pub(crate) fn served(&mut self, peer: u32, state: State) {
        if R::HAS.shares && state.is_served() {
            if let Some(peer) = self.held.peers.at_mut(peer) {
                peer.live = peer.live.saturating_sub(1);
            }
        }
    }
}
