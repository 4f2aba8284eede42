//! The hierarchical timer wheel behind [`Timers`](super::timers::Timers).
//!
//! What it guarantees: scheduling and cancelling take constant time. Each level has 64 buckets; a bucket of level `k` is
//! 64^k milliseconds wide, so that level 0 is exact. A slot moves down a level when time enters its bucket: at most once
//! for each level, however often something else is due. Empty buckets are skipped by a bitmap, so that a jump of the
//! clock costs nothing. One call moves at most [`STEPS`] slots.
//!
//! The time to wake up at is that of the first bucket in use: the deadline itself on level 0, else earlier than it by
//! less than the bucket's width. A timer so causes at most one early wake-up for each level above 0.
//!
//! How it knows: the level of a slot is the highest group of six bits in which its deadline differs from `base`, the time
//! up to which everything was handed out; the bucket within is that group. So all slots of a level are before those
//! of the next one and none lies behind `base` in its level. When `base` enters a bucket, this bucket alone is in the
//! wrong level, and is emptied into those below before anything else happens, in as many calls as it takes.
//! A slot stores its level, so that it can be taken out in between.
//!
//! What lies beyond the last level waits in a list of its own, unordered, with a lower bound of its deadlines; when time
//! comes near that bound, all of the list is looked through. Five levels reach 12 days, six 2 years: it is then empty.

use super::list::List;
use super::table::{Table, place};
use super::timers::Root;

/// How many levels can be used. Seven reach further than the horizon of a deadline.
pub(crate) const LEVELS: usize = 7;
/// How many slots one call of `pop_due` moves at most.
const STEPS: u32 = 32;

const BITS: u32 = 6;
const BUCKETS: usize = 1 << BITS;

/// One level of the wheel. All zeros is an empty one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    /// A bit for each bucket that is not empty.
    occupied: u64,
    buckets: [List; BUCKETS],
    // The rest is used in the last level alone.
    /// What lies beyond.
    far: List,
    /// What lay beyond and is being looked through.
    sweep: List,
    /// No deadline in `far` is before it, unless `far` is empty.
    earliest: u64,
}

impl Level {
    /// A level with nothing in it.
    pub(crate) const EMPTY: Self =
        Self { occupied: 0, buckets: [List::EMPTY; BUCKETS], far: List::EMPTY, sweep: List::EMPTY, earliest: 0 };
}

impl Default for Level {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// What is to be done next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    what: What,
    /// When it is to be done.
    pub(super) time: u64,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// Bucket `1` of level `0` is reached.
    Bucket(usize, usize),
    /// Slots in `sweep` are to be placed again.
    Sweep,
    /// The window of time of the first slots in `far` is reached.
    Far,
}

/// The bucket for a time within a level.
const fn digit(time: u64, level: usize) -> usize {
    (time.wrapping_shr(shift(level)) % BUCKETS as u64) as usize
}

/// The logarithm of the width of a bucket. Levels are few: no overflow.
const fn shift(level: usize) -> u32 {
    BITS.wrapping_mul(level as u32)
}

/// The start of the window of time that buckets of this level divide.
const fn window(time: u64, level: usize) -> u64 {
    let bits = shift(level.wrapping_add(1));
    time.wrapping_shr(bits).wrapping_shl(bits)
}

fn used(levels: &mut [Level]) -> &mut [Level] {
    if levels.len() > LEVELS { levels.get_mut(..LEVELS).unwrap_or_default() } else { levels }
}

/// Puts a slot, which is in no list, where its deadline (at or after `base`) belongs.
pub(super) fn place<T: Copy, const N: usize>(
    levels: &mut [Level],
    root: &Root,
    table: &mut Table<'_, T, N>,
    index: u32,
    deadline: u64,
) {
    let levels = used(levels);
    // `| 1`: on level 0 if they are the same.
    let highest = 63_u32.wrapping_sub(((deadline ^ root.base) | 1).leading_zeros()) / BITS;
    if let Some(level) = levels.get_mut(highest as usize) {
        let bucket = digit(deadline, highest as usize);
        level.occupied |= 1_u64.wrapping_shl(bucket as u32);
        if let Some(list) = level.buckets.get_mut(bucket) {
            list.attach_back(table, index, place::SCHEDULED.wrapping_add(highest as u8));
        }
    } else if let Some(last) = levels.last_mut() {
        last.earliest = if last.far.is_empty() { deadline } else { deadline.min(last.earliest) };
        last.far.attach_back(table, index, place::FAR);
    }
}

/// Takes a scheduled slot out of the list it is in.
pub(super) fn take<T: Copy, const N: usize>(
    levels: &mut [Level],
    root: &Root,
    table: &mut Table<'_, T, N>,
    index: u32,
) {
    let levels = used(levels);
    let Some(node) = table.node(index) else { return };
    if node.place() == place::FAR {
        if let Some(last) = levels.last_mut() {
            // A list does not let go of an end of another one.
            let _ = last.far.detach(table, index) || last.sweep.detach(table, index);
        }
    } else {
        let level = usize::from(node.place().wrapping_sub(place::SCHEDULED));
        let bucket = digit(node.deadline(root.base), level);
        if let Some(level) = levels.get_mut(level) {
            level.detach(table, bucket, index);
        }
    }
}

/// What is to be done next, and when; `None` if nothing is scheduled.
pub(super) fn next(levels: &[Level], root: &Root) -> Option<Step> {
    let levels = levels.get(..LEVELS).unwrap_or(levels);
    let mut first = None;
    for (k, level) in levels.iter().enumerate() {
        if level.occupied == 0 {
            continue;
        }
        let bucket = level.occupied.trailing_zeros() as usize;
        let start = window(root.base, k) | (bucket as u64).wrapping_shl(shift(k));
        if k > 0 && bucket == digit(root.base, k) {
            // Time is in it: nothing else is to happen before it is empty.
            return Some(Step { what: What::Bucket(k, bucket), time: root.base });
        }
        first = first.or(Some(Step { what: What::Bucket(k, bucket), time: start }));
    }
    let last = levels.last()?;
    if !last.sweep.is_empty() {
        Some(Step { what: What::Sweep, time: root.base })
    } else if first.is_none() && !last.far.is_empty() {
        let time = window(last.earliest, levels.len().wrapping_sub(1));
        Some(Step { what: What::Far, time })
    } else {
        first
    }
}

/// As `Timers::pop_due`, where something is scheduled and `now` is not before `base`.
pub(super) fn pop_due<T: Copy, const N: usize>(
    levels: &mut [Level],
    root: &mut Root,
    table: &mut Table<'_, T, N>,
    now: u64,
) -> Option<u32> {
    for _ in 0..STEPS {
        let step = next(levels, root).filter(|step| step.time <= now);
        let Some(Step { what, time }) = step else {
            root.base = now;
            return None;
        };
        root.base = root.base.max(time);
        match what {
            What::Bucket(k, bucket) => {
                let level = levels.get_mut(k)?;
                let index = level.buckets.get(bucket)?.first()?;
                level.detach(table, bucket, index);
                if k == 0 {
                    return Some(index);
                }
                let deadline = table.node(index)?.deadline(root.base);
                place(levels, root, table, index, deadline);
            }
            What::Sweep => {
                let index = used(levels).last_mut()?.sweep.pop_front(table)?;
                let deadline = table.node(index)?.deadline(root.base);
                place(levels, root, table, index, deadline);
            }
            What::Far => {
                let last = used(levels).last_mut()?;
                last.sweep = core::mem::take(&mut last.far);
            }
        }
    }
    None
}

impl Level {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let lists = self.buckets.iter().chain([&self.far, &self.sweep]);
        self.occupied == 0 && lists.into_iter().all(List::is_empty)
    }

    fn detach<T: Copy, const N: usize>(&mut self, table: &mut Table<'_, T, N>, bucket: usize, index: u32) {
        if let Some(list) = self.buckets.get_mut(bucket) {
            list.detach(table, index);
            if list.is_empty() {
                self.occupied &= !1_u64.wrapping_shl(bucket as u32);
            }
        }
    }
}
