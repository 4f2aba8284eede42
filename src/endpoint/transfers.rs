//! The bodies that peers send in blocks (RFC 7959 2.5), and the peers that they are of.
//!
//! What it guarantees: a transfer that is under way is never given up for another one, and `poll` tells of each that ends
//! without its last block.

use super::output::NEVER;
use super::types::{Failure, Output, TransferId};
use crate::exchange::Handle;
use crate::reliability::Engine;
use crate::roles::Roles;
use crate::store::{Stage, Store};

/// How many slots one call of `poll` looks at.
const STEPS: u32 = 64;

impl<S: Store, R: Roles> Engine<S, R> {
    /// Takes a slot for a transfer: if need be the oldest of those that are over gives way.
    pub(crate) fn insert_transfer(&mut self, peer: u32, key: u64) -> Option<u32> {
        if S::INDEXED && self.is_full(peer) {
            return None;
        }
        let (now, lifetime) = (self.held.ticks(), self.rules().exchange_lifetime);
        let vacancy = match self.held.transfers.vacancy() {
            Some(vacancy) => vacancy,
            None => {
                let (index, left) = self.held.transfers.oldest(true, now, lifetime);
                if left == NEVER {
                    return None;
                }
                self.release_transfer(index);
                index
            }
        };
        let index = self.held.transfers.insert(vacancy, peer, key, now)?;
        self.refer(peer, false);
        Some(index)
    }

    /// All that it held is free.
    fn release_transfer(&mut self, index: u32) -> Option<Stage> {
        let transfer = self.held.transfers.remove(index)?;
        if S::INDEXED {
            self.unrefer(transfer.peer);
        }
        Some(transfer.stage)
    }

    /// Releases those that are over, up to so many, until there is something to tell. `Err`: in how many ms the next one is.
    pub(super) fn expire_transfers(&mut self, steps: u32) -> Result<Output<S::Peer>, u32> {
        for _ in 0..steps {
            let (index, left) = self.oldest_transfer();
            if left > 0 {
                return Err(left);
            }
            let id = TransferId(self.transfer_handle(index));
            let why = match self.release_transfer(index) {
                Some(Stage::Coming) => Failure::TimedOut,
                Some(Stage::Forgotten) => Failure::Forgotten,
                _ => continue,
            };
            return Ok(Output::Broken(id, why));
        }
        Err(0)
    }

    fn oldest_transfer(&self) -> (u32, u32) {
        self.held.transfers.oldest(false, self.held.ticks(), self.rules().exchange_lifetime)
    }

    /// Those of a peer that is being forgotten are to end: `poll` tells of those under way.
    pub(super) fn forget_transfers(&mut self, peer: u32) {
        let high_water = self.held.transfers.high_water();
        if S::INDEXED {
            // The following calls of `poll` look through them.
            self.held.transfers.sweep = high_water;
        } else {
            (0..high_water).for_each(|index| self.forget_transfer(index, |of, _| of == peer));
        }
    }

    /// Goes on looking for those of peers that were forgotten. Where there is an index.
    pub(super) fn sweep_transfers(&mut self) {
        for _ in 0..STEPS {
            let transfers = &mut self.held.transfers;
            let Some(index) = transfers.sweep.checked_sub(1) else { break };
            transfers.sweep = index;
            self.forget_transfer(index, |of, engine| engine.is_detached(of));
        }
    }

    fn forget_transfer(&mut self, index: u32, is_meant: impl Fn(u32, &Self) -> bool) {
        let transfers = &self.held.transfers;
        let Some(&transfer) = transfers.at(index).filter(|transfer| is_meant(transfer.peer, self)) else { return };
        if transfer.stage == Stage::Over {
            self.release_transfer(index);
        } else {
            self.held.transfers.forget(index);
        }
    }

    /// By what the application names a transfer.
    pub(crate) fn transfer_handle(&self, index: u32) -> Handle {
        Handle { index, generation: self.held.transfers.generation(index), brand: self.held.random.brand() }
    }

    /// The transfer that was meant, if it is still the same one.
    pub(crate) fn meant_transfer(&self, id: TransferId) -> Option<u32> {
        (self.transfer_handle(id.0.index) == id.0).then_some(id.0.index)
    }
}
