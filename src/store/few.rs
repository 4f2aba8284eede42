//! Tables of few slots, without an index: they are looked through for everything, so that nothing has to be kept beside
//! the slots.
//!
//! What it guarantees: no step but a look at each slot, and every walk ends with the last one. The first free slot is
//! taken. A slot may have a deadline: 32 bits of a time in ms, which is understood as the one that is less than
//! 24 days before or behind the present. The clock that it is told of goes on by 18 days at most from call to call.
//!
//! Why it is built so: with eight slots a look at each is faster than an index, a list or a wheel, and takes a tenth of
//! the flash. A table is used either by this or by what is in `table.rs`, `list.rs` and `timers.rs`, which count on
//! what is not kept up here.

use super::scale::Lend;
use super::table::{Entry, Heads, Slot, Table, place};

impl<T: Entry, const N: usize, S: Lend<Slot<T, N>>, H: Lend<Heads<N>>> Table<T, N, S, H> {
    /// How many slots there are.
    pub(crate) fn slots(&self) -> u32 {
        self.slots.lent().len() as u32
    }

    /// The first slot in use whose value `is_it`.
    pub(crate) fn scan(&self, mut is_it: impl FnMut(&T) -> bool) -> Option<u32> {
        let in_use = |slot: &Slot<T, N>| slot.node.place() != place::FREE && is_it(&slot.value);
        self.slots.lent().iter().position(in_use).map(|index| index as u32)
    }

    /// How many slots in use have a value that `is_it`.
    pub(crate) fn count(&self, mut is_it: impl FnMut(&T) -> bool) -> u32 {
        self.slots.lent().iter().filter(|slot| slot.node.place() != place::FREE && is_it(&slot.value)).count() as u32
    }

    /// All values in use, to change them.
    pub(crate) fn values(&mut self) -> impl Iterator<Item = &mut T> {
        let used = self.slots.lend().iter_mut().filter(|slot| slot.node.place() != place::FREE);
        used.map(|slot| &mut slot.value)
    }

    /// The first slot that is not in use.
    pub(crate) fn vacancy(&self) -> Option<u32> {
        self.slots.lent().iter().position(|slot| slot.node.place() == place::FREE).map(|index| index as u32)
    }

    /// All values in use, with their slots.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u32, &T)> {
        let used = (0..).zip(self.slots.lent().iter()).filter(|(_, slot)| slot.node.place() != place::FREE);
        used.map(|(index, slot)| (index, &slot.value))
    }

    /// Takes a slot, whatever is in it: its value is to be written in place, so that it is not moved there.
    #[inline]
    pub(crate) fn occupy(&mut self, index: u32) -> Option<&mut T> {
        let Slot { node, value } = self.slots.lend().get_mut(index as usize)?;
        node.state = place::IDLE;
        // Zero is left to what is nothing.
        node.generation = node.generation.max(1);
        Some(value)
    }

    /// Whether the deadline of a slot has passed.
    pub(crate) fn is_overdue(&self, index: u32, now: u32) -> bool {
        let slot = self.slots.lent().get(index as usize);
        slot.is_none_or(|slot| slot.node.near(u64::from(now)) as i32 <= 0)
    }

    /// Releases a slot, with its deadline.
    pub(crate) fn vacate(&mut self, index: u32) {
        let Some(Slot { node, .. }) = self.slots.lend().get_mut(index as usize) else { return };
        node.state = place::FREE;
        node.generation = node.generation.wrapping_add(1);
    }

    /// Sets the deadline of a slot in use, in place of the one that it had.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    pub(crate) fn set_due(&mut self, index: u32, at: u32) {
        let Some(Slot { node, .. }) = self.slots.lend().get_mut(index as usize) else { return };
        node.set_deadline(u64::from(at));
        node.state = place::SCHEDULED;
    }

    /// The deadline of a slot, if it has one.
    #[cfg(test)]
    pub(crate) fn due(&self, index: u32) -> Option<u32> {
        let slot = self.slots.lent().get(index as usize).filter(|slot| slot.node.place() >= place::SCHEDULED)?;
        Some(slot.node.near(0))
    }

    /// The slot with the earliest deadline, of several the first, and in how many ms that is; it may have passed.
    pub(crate) fn soonest(&self, now: u32) -> Option<(u32, i32)> {
        let mut soonest = None;
        for (index, slot) in (0..).zip(self.slots.lent().iter()) {
            if slot.node.place() < place::SCHEDULED {
                continue;
            }
            let ahead = slot.node.near(u64::from(now)) as i32;
            if soonest.is_none_or(|(_, least)| ahead < least) {
                soonest = Some((index, ahead));
            }
        }
        soonest
    }
}

#[cfg(test)]
mod tests {
    use super::super::slots::{Exchange, State};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const SLOTS: u32 = 6;

    #[derive(Clone, Copy, Debug)]
    enum Op {
        Insert(u16),
        Vacate(u32),
        Due(u32, u32),
        Wait(u32),
    }

    fn op() -> impl Strategy<Value = Op> {
        let span = prop_oneof![Just(0), 0..5_000_u32, 0..864_000_000_u32];
        prop_oneof![
            any::<u16>().prop_map(Op::Insert),
            (0..=SLOTS).prop_map(Op::Vacate),
            (0..=SLOTS, span.clone()).prop_map(|(index, after)| Op::Due(index, after)),
            span.prop_map(Op::Wait),
        ]
    }

    proptest! {
        /// Against maps of what is in use and when it is due, at whatever time the clock goes round.
        #[test]
        fn like_a_map(start in prop_oneof![Just(0), any::<u32>(), u32::MAX - 5_000..=u32::MAX],
                      ops in prop::collection::vec(op(), 0..80)) {
            let slots = [Slot::<Exchange, 2>::vacant(Exchange::NONE); SLOTS as usize];
            let mut table = Table::new(slots, []);
            let mut used: BTreeMap<u32, (u16, u16)> = BTreeMap::new();
            let mut due: BTreeMap<u32, i64> = BTreeMap::new();
            let mut now = 0_i64;
            for op in ops {
                match op {
                    Op::Insert(message_id) => {
                        let vacancy = table.vacancy();
                        prop_assert_eq!(vacancy, (0..SLOTS).find(|index| !used.contains_key(index)));
                        if let Some(index) = vacancy {
                            *table.occupy(index).unwrap() = Exchange::new(State::Asked, 0, message_id, &[]);
                            let generation = table.id(index).unwrap().generation();
                            prop_assert!(generation > 0);
                            used.insert(index, (message_id, generation));
                        }
                    }
                    Op::Vacate(index) => {
                        if let Some((_, generation)) = used.remove(&index) {
                            table.vacate(index);
                            due.remove(&index);
                            prop_assert!(table.id(index).is_none());
                            prop_assert!(table.occupy(index).is_some());
                            prop_assert_ne!(table.id(index).unwrap().generation(), generation);
                            table.vacate(index);
                        }
                    }
                    Op::Due(index, after) => {
                        if used.contains_key(&index) {
                            table.set_due(index, start.wrapping_add(now as u32).wrapping_add(after));
                            due.insert(index, now + i64::from(after));
                        }
                    }
                    Op::Wait(span) => now += i64::from(span),
                }
                // What is due is not left alone for as long as 24 days.
                due.retain(|&index, at| {
                    let keep = now - *at < 864_000_000;
                    if !keep {
                        table.vacate(index);
                        used.remove(&index);
                    }
                    keep
                });
                let first = due.iter().min_by_key(|&(&index, &at)| (at, index));
                let soonest = table.soonest(start.wrapping_add(now as u32));
                prop_assert_eq!(soonest, first.map(|(&index, &at)| (index, (at - now) as i32)));
                prop_assert_eq!(table.count(|_| true) as usize, used.len());
                let overdue = |(&index, &at): (&u32, &i64)| {
                    table.is_overdue(index, start.wrapping_add(now as u32)) == (at <= now)
                };
                prop_assert!(due.iter().all(overdue));
                prop_assert!(table.entries().map(|(index, _)| index).eq(used.keys().copied()));
                prop_assert_eq!(table.values().map(|exchange| exchange.message_id).collect::<std::vec::Vec<_>>(),
                                used.values().map(|&(message_id, _)| message_id).collect::<std::vec::Vec<_>>());
                for message_id in [0, 7, used.values().next().map_or(1, |&(message_id, _)| message_id)] {
                    let found = used.iter().find(|(_, value)| value.0 == message_id).map(|(&index, _)| index);
                    prop_assert_eq!(table.scan(|exchange| exchange.message_id == message_id), found);
                }
            }
        }
    }
}
