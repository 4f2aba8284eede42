use super::*;
use crate::store::table::{Heads, Slot, Table};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::vec::Vec;

const SLOTS: usize = 24;
const DAY: u64 = 24 * 3_600_000;
const YEAR: u64 = 365 * DAY;

type Slots = Table<u32, 1, Vec<Slot<u32>>, [Heads<1>; 0]>;

struct Rig {
    table: Slots,
    timers: Timers<Vec<Level>>,
}

impl Rig {
    /// All slots but the last two are in use.
    fn new(slots: usize, levels: usize) -> Self {
        // What there is beyond the seventh level, a store leaves alone.
        let levels = std::vec![Level::EMPTY; levels.min(wheel::LEVELS)];
        let mut rig = Self { table: Table::new(std::vec![Slot::vacant(0); slots], []), timers: Timers::new(levels) };
        for index in 0..slots - 2 {
            rig.table.insert(index as u32).unwrap();
        }
        rig
    }

    fn schedule(&mut self, index: u32, deadline: u64) -> bool {
        self.timers.schedule(&mut self.table, index, deadline)
    }

    fn cancel(&mut self, index: u32) -> bool {
        self.timers.cancel(&mut self.table, index)
    }

    fn next(&mut self) -> Option<u64> {
        self.timers.next_deadline(&self.table)
    }

    fn pop(&mut self, now: u64) -> Option<u32> {
        self.timers.pop_due(&mut self.table, now)
    }

    /// Everything that is due, however many calls it takes; and how many it took.
    fn drain(&mut self, now: u64) -> (Vec<u32>, usize) {
        let (mut due, mut calls) = (Vec::new(), 0);
        loop {
            calls += 1;
            assert!(calls < 100_000, "it does not end");
            match self.pop(now) {
                Some(index) => due.push(index),
                None if self.next().is_some_and(|next| next <= now) => {}
                None => return (due, calls),
            }
        }
    }
}

#[test]
fn sizes() {
    assert_eq!(size_of::<Root>(), 16);
    assert_eq!(size_of::<Level>(), 544);
}

#[test]
fn only_what_is_idle_is_scheduled() {
    fn check(levels: usize) {
        let mut rig = Rig::new(4, levels);
        assert!(!rig.schedule(2, 5) && !rig.schedule(3, 5) && !rig.schedule(u32::MAX, 5), "not in use");
        let mut list = crate::store::list::List::EMPTY;
        assert!(list.push_back(&mut rig.table, 1));
        assert!(!rig.schedule(1, 5), "in a list");
        assert!(rig.schedule(0, 5));
        assert!(!rig.table.remove(0), "scheduled");
        assert!(!list.push_back(&mut rig.table, 0), "scheduled");
        assert_eq!(rig.next(), Some(5));
        assert!(!rig.cancel(1) && !rig.cancel(2) && rig.cancel(0) && !rig.cancel(0));
        assert_eq!((rig.next(), rig.pop(9)), (None, None));
        assert!(rig.table.remove(0));
    }
    for levels in 0..9 {
        check(levels);
    }
}

#[test]
fn the_first_deadline_may_be_at_any_time() {
    fn check(levels: usize) {
        for start in [0, 1, 1_700_000_000_000, 1 << 40, (1 << 42) - 1, u64::MAX / 2, u64::MAX - 5000] {
            let mut rig = Rig::new(6, levels);
            assert!(rig.schedule(0, start + 3000) && rig.schedule(1, start + 2000) && rig.schedule(2, start + 4000));
            assert!(rig.next().unwrap() <= start + 2000);
            assert_eq!(rig.drain(start + 1999).0, []);
            assert_eq!(rig.drain(start + 3000).0, [1, 0]);
            assert_eq!(rig.drain(start + 3999).0, []);
            assert_eq!(rig.drain(u64::MAX).0, [2]);
            // And the clock starts anew.
            assert!(rig.schedule(0, 10));
            assert_eq!((rig.drain(9).0, rig.drain(10).0), (std::vec![], std::vec![0]));
        }
    }
    for levels in 0..9 {
        check(levels);
    }
}

/// The promise of `wheel`: at most one early wake-up for each level above 0, and each by less than a bucket's width.
#[test]
fn early_wake_ups_are_few() {
    for levels in 1..=7_usize {
        for exponent in 0..40 {
            for (base, deadline) in [(0, 1_u64 << exponent), (63, (2 << exponent) - 1), (4095, (1 << exponent) + 4097)]
            {
                let deadline = deadline.max(base);
                let mut rig = Rig::new(3, levels);
                assert_eq!(rig.pop(base), None);
                assert!(rig.schedule(0, deadline));
                let mut wakes = 0;
                loop {
                    let next = rig.next().unwrap();
                    assert!(next <= deadline);
                    if rig.pop(next).is_some() {
                        assert_eq!(next, deadline);
                        break;
                    }
                    // In the last step it was in level `levels - wakes` or below, or beyond all.
                    let width = 64_u64.checked_pow((levels - wakes) as u32).unwrap_or(u64::MAX);
                    assert!(deadline - next < width, "{levels} levels, {deadline}, at {next}");
                    wakes += 1;
                }
                assert!(wakes <= levels);
            }
        }
    }
}

/// A million milliseconds or forty days take no more calls than a step does.
#[test]
fn a_jump_of_the_clock_costs_nothing() {
    for levels in 1..=7 {
        for jump in [1, 1000, 3_600_000, 40 * DAY, 30 * YEAR] {
            let mut rig = Rig::new(102, levels);
            for index in 0..100 {
                assert!(rig.schedule(index, u64::from(index) * jump / 100));
            }
            let (due, calls) = rig.drain(jump);
            assert_eq!(due, (0..100).collect::<Vec<_>>());
            // Each is handed out once and moved at most once for each level, and those beyond the last level at most
            // once whenever one of them comes near; a call is 32 moves.
            let far = if jump < 64_u64.pow(levels as u32) { 0 } else { 100 * 101 / 2 + 100 };
            assert!(calls <= 102 + (100 * levels + far) / 32, "{calls} calls, {levels} levels, {jump} ms");
        }
    }
}

/// Many in one bucket: they move in pieces, and in between can be cancelled and others scheduled.
#[test]
fn a_full_bucket_is_emptied_in_pieces() {
    for levels in 1..=4 {
        let mut rig = Rig::new(1002, levels);
        assert_eq!(rig.pop(1), None);
        let far = 64_u64.pow(4) * 3;
        for index in 0..1000 {
            assert!(rig.schedule(index, far + 700 + u64::from(index)));
        }
        let start = rig.next().unwrap();
        assert_eq!(rig.pop(start), None);
        assert!(rig.next().unwrap() <= start, "it is not done");
        for index in (0..1000).step_by(3) {
            assert!(rig.cancel(index));
            let table = &rig.table;
            assert!(!table.is_scheduled(index));
        }
        assert!(rig.schedule(0, start + 5) && rig.schedule(3, 0));
        let (due, _) = rig.drain(start + 5);
        assert_eq!(due, [3, 0]);
        let (due, _) = rig.drain(far + 2000);
        assert_eq!(due, (0..1000).filter(|index| index % 3 != 0).collect::<Vec<_>>());
        assert_eq!(rig.next(), None);
        assert!(rig.timers.levels.iter().all(Level::is_empty));
    }
}

/// All are cancelled while their bucket is being emptied: the next deadline is as good as the first.
#[test]
fn nothing_is_left_of_a_bucket_that_was_being_emptied() {
    for levels in 2..=4 {
        let mut rig = Rig::new(102, levels);
        assert_eq!(rig.pop(1), None);
        for index in 0..100 {
            assert!(rig.schedule(index, 64 * 3 + 20));
        }
        assert_eq!(rig.next(), Some(64 * 3));
        assert_eq!(rig.pop(64 * 3), None);
        assert_eq!(rig.next(), Some(64 * 3), "it is not done");
        for index in 0..100 {
            assert!(rig.cancel(index));
        }
        assert!(rig.timers.levels.iter().all(Level::is_empty));
        assert!(rig.schedule(0, 64 * 3 + 10));
        assert_eq!(rig.next(), Some(64 * 3 + 10));
    }
}

/// The horizon is measured from the time that was seen last, not from the start.
#[test]
fn time_goes_on_for_longer_than_the_horizon() {
    fn check(levels: usize, unit: u64) {
        let mut rig = Rig::new(4, levels);
        assert_eq!(rig.pop(0), None);
        assert!(rig.schedule(0, 30 * unit));
        assert_eq!(rig.drain(20 * unit).0, []);
        for i in 1..30 {
            // One is scheduled at all times.
            let now = (10 + 10 * u64::from(i)) * unit;
            assert!(rig.schedule(i % 2, now + 20 * unit));
            assert_eq!(rig.drain(now + 10 * unit - 1).0, []);
            assert_eq!(rig.drain(now + 10 * unit).0, [(i + 1) % 2]);
        }
    }
    for levels in 0..9 {
        check(levels, YEAR);
    }
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Schedule(u32, i64),
    Cancel(u32),
    /// Hand out so many and stop in between.
    Some(usize),
    Wait(i64),
}

fn span() -> impl Strategy<Value = u64> {
    let hour = 3_600_000;
    prop_oneof![
        Just(0),
        Just(1),
        0..70_u64,
        0..5000_u64,
        0..300_000_u64,
        0..hour,
        Just(hour),
        0..40 * DAY,
        Just(40 * DAY),
        0..5 * YEAR
    ]
}

fn op(back: bool) -> impl Strategy<Value = Op> {
    let back = if back { 1 } else { 0 };
    let slot = 0..SLOTS as u32 + 1;
    let past = (slot.clone(), span()).prop_map(|(i, ms)| Op::Schedule(i, -(ms as i64)));
    prop_oneof![
        6 => (slot.clone(), span()).prop_map(|(i, ms)| Op::Schedule(i, ms as i64)),
        1 => past,
        3 => slot.prop_map(Op::Cancel),
        1 => (0..4_usize).prop_map(Op::Some),
        3 => span().prop_map(|ms| Op::Wait(ms as i64)),
        back => span().prop_map(|ms| Op::Wait(-(ms as i64))),
    ]
}

/// What is handed out is what a sorted map says; with a clock that goes back, it may be earlier, but nothing is lost.
fn compare(levels: usize, start: u64, ops: &[Op]) -> Result<(), TestCaseError> {
    let mut rig = Rig::new(SLOTS, levels);
    let exact = levels == 0;
    // The deadline that was wanted, and the one that counts: where time was already, it cannot be before.
    let mut model: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    let mut now = start;
    let mut latest = now;
    prop_assert_eq!(rig.pop(now), None);
    for &op in ops {
        let mut budget = 0;
        match op {
            Op::Schedule(index, after) => {
                let wanted = now.saturating_add_signed(after);
                let used = (index as usize) < SLOTS - 2;
                prop_assert_eq!(rig.schedule(index, wanted), used);
                if used {
                    let (table, timers) = (&rig.table, &rig.timers);
                    let counts = timers.deadline(table, index).unwrap();
                    prop_assert!(counts == wanted || wanted < counts && counts <= latest);
                    model.insert(index, (wanted, counts));
                }
            }
            Op::Cancel(index) => prop_assert_eq!(rig.cancel(index), model.remove(&index).is_some()),
            Op::Some(count) => budget = count,
            Op::Wait(after) => {
                now = now.saturating_add_signed(after);
                latest = latest.max(now);
                budget = 1000;
            }
        }
        for call in 0..budget {
            prop_assert!(call < 999, "it does not end");
            if let Some(index) = rig.pop(now) {
                let first = model.values().map(|&(_, counts)| counts).min();
                let (wanted, counts) = model.remove(&index).unwrap();
                prop_assert_eq!(Some(counts), first);
                prop_assert!(wanted <= latest);
            } else if rig.next().is_none_or(|next| next > now) {
                break;
            }
        }
        if budget == 1000 {
            prop_assert!(model.values().all(|&(wanted, _)| wanted > now), "something due was not handed out");
        }
        let next = rig.next();
        let first = model.values().map(|&(_, counts)| counts).min();
        prop_assert_eq!(next.is_some(), first.is_some());
        prop_assert!(next <= first && (!exact || next == first), "{:?} is not {:?}", next, first);
        let (table, timers) = (&rig.table, &rig.timers);
        prop_assert_eq!(timers.len() as usize, model.len());
        for index in 0..=SLOTS as u32 {
            let counts = model.get(&index).map(|&(_, counts)| counts);
            prop_assert_eq!(table.is_scheduled(index), counts.is_some());
            prop_assert_eq!(timers.deadline(table, index), counts);
        }
    }
    // In the end nothing is left anywhere.
    let (due, _) = rig.drain(latest.saturating_add(34 * YEAR));
    prop_assert_eq!(due.len(), model.len());
    prop_assert!(rig.timers.levels.iter().all(Level::is_empty));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn like_a_sorted_map(levels in 0..9_usize, start in prop_oneof![Just(0), 0..1_u64 << 43],
                         ops in prop::collection::vec(op(false), 0..150)) {
        compare(levels, start, &ops)?;
    }

    #[test]
    fn nothing_is_lost_when_the_clock_goes_back(levels in 0..9_usize, start in 0..1_u64 << 43,
                                                ops in prop::collection::vec(op(true), 0..150)) {
        compare(levels, start, &ops)?;
    }

    /// The order, to the millisecond, with everything drained after each step.
    #[test]
    fn in_the_order_of_deadlines(levels in 0..9_usize, start in 0..1_u64 << 43,
                                 spans in prop::collection::vec(span(), 1..60), steps in prop::collection::vec(span(), 1..20)) {
        let mut rig = Rig::new(spans.len() + 2, levels);
        assert_eq!(rig.pop(start), None);
        for (index, &span) in (0..).zip(&spans) {
            assert!(rig.schedule(index, start + span));
        }
        let mut now = start;
        let mut due = Vec::new();
        for step in steps.into_iter().chain([6 * YEAR]) {
            now += step;
            due.extend(rig.drain(now).0);
            let count = spans.iter().filter(|&&span| start + span <= now).count();
            prop_assert_eq!(due.len(), count);
        }
        prop_assert!(due.is_sorted_by_key(|&index| spans[index as usize]));
    }
}
