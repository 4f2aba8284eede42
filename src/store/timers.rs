//! Timers: at most one deadline for each slot of a [`Table`], and the slots handed out as their deadlines pass.
//!
//! What it guarantees:
//!
//! - [`Timers::pop_due`] hands out each scheduled slot once, never before its deadline, in the order of the deadlines
//!   to the millisecond. One whose deadline has passed when it is scheduled is handed out at once.
//! - [`Timers::next_deadline`] is never later than the earliest deadline. Without a wheel it is exact; with one it may
//!   be earlier (see [`wheel`]), and then `pop_due` finds nothing and the next answer is closer.
//! - No call does more than a bounded number of steps, however far the clock jumps. What is left to do goes on in the
//!   next call, and until it is done `next_deadline` is not in the future.
//! - The clock may stand still or jump. If it goes back while something is scheduled, the latest time seen goes on to
//!   count, so that slots may be handed out early, never late; with nothing scheduled it may start anywhere.
//! - Zeros are a state in which nothing is scheduled.
//!
//! Why it is built so: with a million exchanges it takes a wheel. (With eight of them a look at each is both faster and
//! smaller: [`few`](super::few).) A slot keeps 40 bits of its deadline, which are read as the time at or after the present
//! one that ends so: a deadline more than 34 years ahead counts as 34 years ahead. (So does one after a jump of the
//! clock by more than that, if it is set before `pop_due` has handed out what the jump made due: it then comes early.)

use super::scale::Lend;
use super::table::{Entry, HORIZON, Rows, place};
use super::wheel::{self, Level};

/// What the timers of a table know apart from its slots. All zeros: nothing is scheduled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Root {
    /// All deadlines are at or after it: what lay before was handed out. Milliseconds.
    pub(super) base: u64,
    /// How many slots are scheduled; and above that the level of which a bucket is being emptied, 0 if none is.
    scheduled: u32,
}

/// In `scheduled`: where the level stands.
const PENDING: u32 = 29;

/// How many slots can be scheduled.
pub(super) const MOST: u32 = (1 << PENDING) - 1;

impl Root {
    /// The root where nothing is scheduled.
    pub(crate) const EMPTY: Self = Self { base: 0, scheduled: 0 };

    /// The level of which a bucket is being emptied; 0: none is.
    pub(super) const fn pending(&self) -> u32 {
        self.scheduled >> PENDING
    }

    pub(super) const fn set_pending(&mut self, level: u32) {
        self.scheduled = self.count() | level << PENDING;
    }

    const fn count(&self) -> u32 {
        self.scheduled & MOST
    }
}

/// Timers. They and the table given to each call belong together from the first use on.
#[derive(Clone, Debug)]
pub struct Timers<L> {
    root: Root,
    levels: L,
}

impl<L> Timers<L> {
    /// Nothing is scheduled. With no levels it is a linear scan; there are [`wheel::LEVELS`] at most.
    pub(crate) const fn new(levels: L) -> Self {
        Self { root: Root::EMPTY, levels }
    }
}

impl<L: Lend<Level>> Timers<L> {
    /// How many slots are scheduled.
    #[cfg(test)]
    pub(crate) const fn len(&self) -> u32 {
        self.root.count()
    }

    /// When this slot is due, in milliseconds; `None` if it is not scheduled.
    #[cfg(test)]
    pub(crate) fn deadline<T: Entry, const N: usize>(&self, table: &impl Rows<T, N>, index: u32) -> Option<u64> {
        let node = table.node(index).filter(|node| node.place() >= place::SCHEDULED)?;
        Some(node.deadline(self.root.base))
    }

    /// Sets the deadline of a slot, in milliseconds, in place of the one it had. False, and nothing is done, if the
    /// slot is not in use or in a list.
    pub(crate) fn schedule<T: Entry, const N: usize>(
        &mut self,
        table: &mut impl Rows<T, N>,
        index: u32,
        deadline: u64,
    ) -> bool {
        self.cancel(table, index);
        let Some(node) = table.node_mut(index).filter(|node| node.place() == place::IDLE) else { return false };
        if self.root.count() == 0 {
            // The last one may have been cancelled out of a bucket that was being emptied.
            self.root.set_pending(0);
            if deadline < self.root.base || deadline.wrapping_sub(self.root.base) >= HORIZON / 2 {
                // The first deadline of all, or a clock that was set anew. Others may come on either side of it.
                self.root.base = deadline.saturating_sub(HORIZON / 2);
            }
        }
        let ahead = deadline.saturating_sub(self.root.base).min(HORIZON.wrapping_sub(1));
        let deadline = self.root.base.wrapping_add(ahead);
        self.root.scheduled = self.root.scheduled.wrapping_add(1);
        node.set_deadline(deadline);
        if self.on_wheel() {
            wheel::place(self.levels.lend(), &self.root, table, index, deadline);
        } else {
            node.set_place(place::SCHEDULED);
        }
        true
    }

    /// Takes the deadline from a slot. False if it has none.
    pub(crate) fn cancel<T: Entry, const N: usize>(&mut self, table: &mut impl Rows<T, N>, index: u32) -> bool {
        if !table.is_scheduled(index) {
            return false;
        }
        if self.on_wheel() {
            wheel::take(self.levels.lend(), &self.root, table, index);
        } else if let Some(node) = table.node_mut(index) {
            node.set_place(place::IDLE);
        }
        self.root.scheduled = self.root.scheduled.wrapping_sub(1);
        true
    }

    /// When to call [`pop_due`](Self::pop_due) next, in milliseconds; `None` if nothing is scheduled.
    pub(crate) fn next_deadline<T: Entry, const N: usize>(&self, table: &impl Rows<T, N>) -> Option<u64> {
        if self.root.count() == 0 {
            None
        } else if self.on_wheel() {
            wheel::next(self.levels.lent(), &self.root).map(|step| step.time)
        } else {
            let (_, ahead) = self.earliest(table)?;
            Some(self.root.base.wrapping_add(ahead))
        }
    }

    /// The slot with the earliest deadline that has passed at `now`, in milliseconds. It is scheduled no more.
    ///
    /// `None` if there is none, or if the steps of one call did not lead to it: `next_deadline` tells.
    pub(crate) fn pop_due<T: Entry, const N: usize>(&mut self, table: &mut impl Rows<T, N>, now: u64) -> Option<u32> {
        if self.root.count() == 0 {
            self.root.base = now;
            return None;
        }
        let now = now.max(self.root.base);
        let due = if self.on_wheel() {
            wheel::pop_due(self.levels.lend(), &mut self.root, table, now)?
        } else {
            let (index, ahead) = self.earliest(table)?;
            if ahead > now.wrapping_sub(self.root.base) {
                self.root.base = now;
                return None;
            }
            table.node_mut(index)?.set_place(place::IDLE);
            index
        };
        self.root.scheduled = self.root.scheduled.wrapping_sub(1);
        Some(due)
    }

    fn on_wheel(&self) -> bool {
        !self.levels.lent().is_empty()
    }

    /// The scheduled slot with the earliest deadline, and how far from `base` that is.
    fn earliest<T: Entry, const N: usize>(&self, table: &impl Rows<T, N>) -> Option<(u32, u64)> {
        let base = self.root.base;
        let mut earliest = None;
        for (index, node) in (0..).zip(table.nodes()) {
            if node.place() < place::SCHEDULED {
                continue;
            }
            let ahead = node.ahead(base);
            if earliest.is_none_or(|(_, least)| ahead < least) {
                earliest = Some((index, ahead));
            }
        }
        earliest
    }
}

#[cfg(test)]
mod tests;
