//! The hierarchical timer wheel behind [`Timers`](super::timers::Timers).
//!
//! What it guarantees: scheduling and cancelling take constant time. Each level has 64 buckets; a bucket of level `k`
//! is 64^k milliseconds wide, so that level 0 is exact. A slot moves down a level when time enters its bucket: at most
//! once for each level, however often something else is due. Empty buckets are skipped by a bitmap, so that a jump of
//! the clock costs nothing. One call moves at most [`STEPS`] slots.
//!
//! The time to wake up at is that of the first bucket in use: the deadline itself on level 0, else earlier than it by
//! less than the bucket's width. A timer so causes at most one early wake-up for each level above 0.
//!
//! How it knows: the level of a slot is the highest group of six bits in which its deadline differs from `base`, the
//! time up to which everything was handed out; the bucket within is that group. So all slots of a level are before
//! those of the next one and none lies behind `base` in its level. When `base` enters a bucket, this bucket alone is in
//! the wrong level, and is emptied into those below before anything else happens, in as many calls as it takes. A slot
//! stores its level, so that it can be taken out in between.
//!
//! What lies beyond the last level waits in a list of its own, unordered, with a lower bound of its deadlines; when
//! time comes near that bound, all of the list is looked through. Five levels span 12 days, six 2 years: the list is
//! then in use around the turn of such a span alone.
//!
//! What it costs: deadlines on the other side of the turn of a bucket share one bucket of the level above. With a
//! million timers of some minutes each, up to all of them are moved at the turn of 262 s, [`STEPS`] a call; until they
//! are, what is due waits. Where lifetimes are all the same, a [`List`] in order of insertion does not have this.

use super::list::List;
use super::table::{Entry, Rows, place};
use super::timers::Root;

/// How many levels can be used. Seven reach further than the horizon of a deadline.
pub(crate) const LEVELS: usize = 7;
/// How many slots one call of `pop_due` moves at most.
const STEPS: u32 = 32;

const BITS: u32 = 6;
const BUCKETS: usize = 1 << BITS;

/// One level of the wheel. All zeros is an empty one.
#[derive(Clone, Copy, Debug)]
pub struct Level {
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
    pub const EMPTY: Self =
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
    /// The level of the bucket that time reaches; the number of levels stands for what is beyond.
    level: usize,
    /// When it is to be done.
    pub(super) time: u64,
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

/// Puts a slot, which is in no list, where its deadline (at or after `base`) belongs.
pub(super) fn place<T: Entry, const N: usize>(
    levels: &mut [Level],
    root: &Root,
    table: &mut impl Rows<T, N>,
    index: u32,
    deadline: u64,
) {
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
pub(super) fn take<T: Entry, const N: usize>(
    levels: &mut [Level],
    root: &Root,
    table: &mut impl Rows<T, N>,
    index: u32,
) {
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
    if root.pending() != 0 {
        return Some(Step { level: root.pending() as usize, time: root.base });
    }
    for (k, level) in levels.iter().enumerate() {
        if level.occupied != 0 {
            let bucket = u64::from(level.occupied.trailing_zeros());
            return Some(Step { level: k, time: window(root.base, k) | bucket.wrapping_shl(shift(k)) });
        }
    }
    let last = levels.last().filter(|last| !last.far.is_empty())?;
    Some(Step { level: levels.len(), time: window(last.earliest, levels.len().wrapping_sub(1)) })
}

/// As `Timers::pop_due`, where something is scheduled and `now` is not before `base`.
pub(super) fn pop_due<T: Entry, const N: usize>(
    levels: &mut [Level],
    root: &mut Root,
    table: &mut impl Rows<T, N>,
    now: u64,
) -> Option<u32> {
    for _ in 0..STEPS {
        let Some(Step { level: k, time }) = next(levels, root).filter(|step| step.time <= now) else {
            root.base = now;
            return None;
        };
        root.base = time;
        let bucket = digit(time, k);
        let slot = match levels.get_mut(k) {
            Some(level) => level.pop(table, bucket),
            None => {
                let last = levels.last_mut()?;
                if root.pending() == 0 {
                    last.sweep = core::mem::take(&mut last.far);
                }
                last.sweep.pop_front(table)
            }
        };
        if k == 0 {
            return slot;
        }
        // Until it is empty.
        root.set_pending(if slot.is_some() { k as u32 } else { 0 });
        if let Some(index) = slot {
            let deadline = table.node(index)?.deadline(time);
            place(levels, root, table, index, deadline);
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

    fn pop<T: Entry, const N: usize>(&mut self, table: &mut impl Rows<T, N>, bucket: usize) -> Option<u32> {
        let index = self.buckets.get(bucket)?.first()?;
        self.detach(table, bucket, index);
        Some(index)
    }

    fn detach<T: Entry, const N: usize>(&mut self, table: &mut impl Rows<T, N>, bucket: usize, index: u32) {
        if let Some(list) = self.buckets.get_mut(bucket) {
            list.detach(table, index);
            if list.is_empty() {
                self.occupied &= !1_u64.wrapping_shl(bucket as u32);
            }
        }
    }
}
