//! Ends all that belongs to a peer.

use super::Endpoint;
use super::errors::ForgetError;
use crate::reliability::{Engine, Outcome};
use crate::roles::Roles;
use crate::store::{State, Store, flag};
use crate::time::Instant;

/// How many slots one call of `poll` looks at.
const STEPS: u32 = 64;

impl<S: Store, R: Roles> Endpoint<S, R> {
    /// Ends all that belongs to a peer: requests of ours end as [`Forgotten`](super::Failure::Forgotten), which `poll`
    /// tells; its requests are answered no more, and what was remembered of it is free. What comes from it afterwards
    /// comes from a stranger. Our Message IDs go on as before, since some may be on the way.
    ///
    /// With an index the slots are looked through by the following calls of [`poll`](Endpoint::poll), 64 in a call,
    /// until the last exchange with the peer is found.
    ///
    /// # Errors
    ///
    /// [`ForgetError`]: with an index it takes a slot for our Message IDs, if there are some on the way.
    pub fn forget(&mut self, now: Instant, peer: S::Peer) -> Result<(), ForgetError> {
        self.at(now).forget(peer)
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    fn forget(&mut self, address: S::Peer) -> Result<(), ForgetError> {
        let Some(peer) = self.held.find_peer(address) else { return Ok(()) };
        if S::INDEXED {
            if self.held.peers.at(peer).is_none_or(|peer| peer.references == 0) {
                return Ok(());
            }
            self.detach(peer).map_err(|until| ForgetError { until: Instant::from_millis(until) })?;
            self.core.sweep = self.held.exchanges.high_water();
            if R::HAS.observe {
                self.core.observing.sweep = self.held.observers.high_water();
            }
        } else {
            for index in 0..self.held.exchanges.capacity() {
                self.forget_exchange(index, |of| of == peer);
            }
            if R::HAS.observe {
                self.forget_observers(peer);
            }
        }
        if R::HAS.transfers {
            self.forget_transfers(peer);
        }
        Ok(())
    }

    /// Goes on looking for exchanges of peers that were forgotten.
    pub(super) fn sweep(&mut self) {
        for _ in 0..STEPS {
            let Some(index) = self.core.sweep.checked_sub(1) else { break };
            self.core.sweep = index;
            let peers = self.held.exchanges.at(index).map(|exchange| self.is_detached(exchange.peer));
            if peers == Some(true) {
                self.forget_exchange(index, |_| true);
            }
        }
        if R::HAS.transfers {
            self.sweep_transfers();
        }
    }

    fn forget_exchange(&mut self, index: u32, is_meant: impl Fn(u32) -> bool) {
        let Some(&exchange) = self.held.exchanges.at(index).filter(|exchange| is_meant(exchange.peer)) else { return };
        match exchange.state {
            // Told already, or to be told.
            State::Ended | State::Confirmed => {}
            State::Sent | State::Acked | State::SentNon | State::Watching | State::Pinged => {
                self.end(index, Outcome::Forgotten);
            }
            State::Confirming if exchange.has(flag::REPORT) => self.confirmed(index, Outcome::Forgotten),
            _ => return self.release(index),
        }
        // What is to be told is the last of it.
        if let Some(exchange) = self.held.exchanges.at_mut(index) {
            exchange.flags &= !flag::REPORT;
        }
    }
}
