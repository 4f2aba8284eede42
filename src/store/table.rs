//! Slots in memory that the caller lends: insert, look up and remove without a heap and without moving what is held.
//!
//! What it guarantees:
//!
//! - A slot that was never used is never read. A table for a million entries costs nothing before they come.
//! - `insert`, `remove`, `get` take constant time; `link`, `unlink`, `find` constant time on average, if the caller's
//!   hashes are spread evenly. Every walk ends, whatever the links say.
//! - An [`Id`] that was given out is stale once its slot is released: the slot's generation changes. (16 bits: the same
//!   slot would have to be released 65,535 times while somebody keeps an old `Id`.)
//! - What is still linked, listed or scheduled is not removed, so that no list ever leads into a free slot.
//!
//! Why it is built so: the links of the hash index, of lists and of timers lie in the slot, beside the value. The heads
//! of the buckets lie in a slice of their own, as many as there may be slots: plain numbers, for which a heap can give
//! zeroed pages that cost nothing until they are touched, while slots are made as they are first used. With no heads a
//! table is looked through from its first slot to the last that was ever in use, which with eight of them is smaller
//! and faster. Free slots are reused last in, first out: memory stays warm.

use super::scale::Lend;
use core::marker::PhantomData;

/// A link to a slot: its index + 1; 0 is none.
pub type Link = u32;

/// A slot and the generation in which it was meant. All zeros is an `Id` of nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    index: u32,
    generation: u16,
}

impl Id {
    /// The index of the slot, whether it is still the one that was meant or not.
    pub(crate) const fn index(self) -> u32 {
        self.index
    }

    /// Which use of the slot was meant.
    pub(crate) const fn generation(self) -> u16 {
        self.generation
    }
}

/// What a table holds.
pub trait Entry: Copy {
    /// Whether it has deadlines: [`Timed`], or [`Untimed`].
    type Timing: Timing;
}

/// Where the deadlines of a table's entries are kept.
pub trait Timing: Copy + core::fmt::Debug {
    /// 32 bits of it, or nothing.
    type Low: Copy + core::fmt::Debug;
    /// Eight more.
    type High: Copy + core::fmt::Debug;
    /// Zeros.
    const ZERO: (Self::Low, Self::High);
    /// The time modulo 2^40.
    fn get(low: Self::Low, high: Self::High) -> (u32, u8);
    /// Keeps a time modulo 2^40.
    fn set(low: &mut Self::Low, high: &mut Self::High, time: u64);
}

/// With deadlines: forty bits, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub enum Timed {}

/// Without.
#[derive(Clone, Copy, Debug)]
pub enum Untimed {}

impl Timing for Timed {
    type Low = u32;
    type High = u8;
    const ZERO: (u32, u8) = (0, 0);

    fn get(low: u32, high: u8) -> (u32, u8) {
        (low, high)
    }

    fn set(low: &mut u32, high: &mut u8, time: u64) {
        *low = time as u32;
        *high = (time >> 32) as u8;
    }
}

impl Timing for Untimed {
    type Low = ();
    type High = ();
    const ZERO: ((), ()) = ((), ());

    fn get((): (), (): ()) -> (u32, u8) {
        (0, 0)
    }

    fn set((): &mut (), (): &mut (), _: u64) {}
}

/// The heads of the buckets with one number, one for each index: the first slot in each.
pub type Heads<const N: usize> = [Link; N];

/// Where a slot is: the low four bits of `Node::state`.
pub(super) mod place {
    /// Not in use; in the free list, or never used.
    pub(crate) const FREE: u8 = 0;
    /// In use, in no list, without a deadline.
    pub(crate) const IDLE: u8 = 1;
    /// In a `List` of the caller's.
    pub(crate) const LISTED: u8 = 2;
    /// With a deadline; on the wheel, plus its level.
    pub(crate) const SCHEDULED: u8 = 3;
    /// With a deadline beyond the range of the wheel.
    pub(crate) const FAR: u8 = 15;
}

const PLACE: u8 = 0x0f;
/// Shifted by the number of an index: the slot is linked there.
const LINKED: u8 = 0x10;
/// What the owner of the table has marked.
const MARKED: u8 = 0x80;
const DEADLINE_BITS: u32 = 40;
/// How far ahead a deadline may lie, in milliseconds: 34 years.
pub(super) const HORIZON: u64 = 1 << DEADLINE_BITS;

/// The links of a slot: 16 bytes with a deadline and 12 without one, and 4 for each index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<const N: usize, T: Timing> {
    /// For each index, the slot behind this one in its bucket.
    chains: [Link; N],
    pub(super) previous: Link,
    /// The next one in a list, or in the free list.
    pub(super) next: Link,
    low: T::Low,
    pub(super) generation: u16,
    high: T::High,
    pub(super) state: u8,
}

impl<const N: usize, T: Timing> Node<N, T> {
    const EMPTY: Self = {
        let (low, high) = T::ZERO;
        Self { chains: [0; N], previous: 0, next: 0, low, generation: 0, high, state: 0 }
    };

    pub(super) const fn place(&self) -> u8 {
        self.state & PLACE
    }

    pub(super) const fn set_place(&mut self, place: u8) {
        self.state = (self.state & !PLACE) | place;
    }

    /// How far the deadline is from `base`: it is known to be at or after it and less than [`HORIZON`] from it.
    pub(super) fn ahead(&self, base: u64) -> u64 {
        let (low, high) = T::get(self.low, self.high);
        (u64::from(high) << 32 | u64::from(low)).wrapping_sub(base) & (HORIZON - 1)
    }

    /// As [`ahead`](Self::ahead), where it is known to be less than 2^32.
    pub(super) fn near(&self, base: u64) -> u32 {
        let (low, _) = T::get(self.low, self.high);
        low.wrapping_sub(base as u32)
    }

    pub(super) fn deadline(&self, base: u64) -> u64 {
        base.wrapping_add(self.ahead(base))
    }

    pub(super) fn set_deadline(&mut self, deadline: u64) {
        T::set(&mut self.low, &mut self.high, deadline);
    }
}

/// A value and its links. `N` is the number of hash indexes, at most 3.
#[derive(Clone, Copy, Debug)]
pub struct Slot<T: Entry, const N: usize = 1> {
    pub(super) node: Node<N, T::Timing>,
    pub(super) value: T,
}

impl<T: Entry, const N: usize> Slot<T, N> {
    /// A slot that is not in use. The value is not looked at before an insertion replaces it.
    pub(crate) const fn vacant(value: T) -> Self {
        const { assert!(N <= 3, "a slot has three bits for its indexes") };
        Self { node: Node::EMPTY, value }
    }
}

/// What a table knows apart from its slots. All zeros is an empty table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Root {
    free: Link,
    high_water: u32,
    len: u32,
}

impl Root {
    /// The root of an empty table.
    pub(crate) const EMPTY: Self = Self { free: 0, high_water: 0, len: 0 };
}

/// Slots, the heads of their buckets, and what is known of them: in whatever memory a store has.
///
/// The length of an array is a constant in the code that works on it, so that of a table in a [`Fixed`](super::Fixed)
/// nothing is passed on but where it is.
#[derive(Clone, Debug)]
pub struct Table<T, const N: usize, S, H> {
    root: Root,
    pub(super) slots: S,
    /// As many as there may be slots; none: there is no index.
    pub(super) heads: H,
    entries: PhantomData<T>,
}

/// A table, whatever its memory, for what moves its slots from list to list.
pub(crate) trait Rows<T: Entry, const N: usize> {
    /// The links of a slot.
    fn node(&self, index: u32) -> Option<&Node<N, T::Timing>>;
    /// The same, to change them.
    fn node_mut(&mut self, index: u32) -> Option<&mut Node<N, T::Timing>>;
    /// Whether a slot has a deadline.
    fn is_scheduled(&self, index: u32) -> bool {
        self.node(index).is_some_and(|node| node.place() >= place::SCHEDULED)
    }
    /// The value in a slot; `None` if the slot is not in use.
    fn at(&self, index: u32) -> Option<&T>;
    /// The same, to change it.
    fn at_mut(&mut self, index: u32) -> Option<&mut T>;
    /// The links of all slots that were ever in use, from the first one on.
    fn nodes<'a>(&'a self) -> impl Iterator<Item = &'a Node<N, T::Timing>>
    where
        T: 'a;
}

impl<T: Entry, const N: usize, S: Lend<Slot<T, N>>, H: Lend<Heads<N>>> Rows<T, N> for Table<T, N, S, H> {
    #[inline]
    fn node(&self, index: u32) -> Option<&Node<N, T::Timing>> {
        Some(&self.slots.lent().get(index as usize)?.node)
    }

    #[inline]
    fn node_mut(&mut self, index: u32) -> Option<&mut Node<N, T::Timing>> {
        Some(&mut self.slots.lend().get_mut(index as usize)?.node)
    }

    #[inline]
    fn at(&self, index: u32) -> Option<&T> {
        Table::at(self, index)
    }

    #[inline]
    fn at_mut(&mut self, index: u32) -> Option<&mut T> {
        Table::at_mut(self, index)
    }

    fn nodes<'a>(&'a self) -> impl Iterator<Item = &'a Node<N, T::Timing>>
    where
        T: 'a,
    {
        self.slots.lent().iter().take(self.root.high_water as usize).map(|slot| &slot.node)
    }
}

/// More slots are not made use of: [timers](super::timers) count so many.
const MOST: usize = super::timers::MOST as usize;

impl<T, const N: usize, S, H> Table<T, N, S, H> {
    /// An empty table over slots that nobody has used, and heads that are zeros. Slots beyond the first 2^32 - 2 are
    /// left alone. Where there are more heads than slots, the other slots are made before they are needed.
    pub(crate) const fn new(slots: S, heads: H) -> Self {
        Self { root: Root::EMPTY, slots, heads, entries: PhantomData }
    }
}

impl<T: Entry, const N: usize, S: Lend<Slot<T, N>>, H: Lend<Heads<N>>> Table<T, N, S, H> {
    /// How many slots are in use.
    pub(crate) const fn len(&self) -> u32 {
        self.root.len
    }

    /// How many slots there are, or will be.
    pub(crate) fn capacity(&self) -> u32 {
        let (slots, heads) = (self.slots.lent().len(), self.heads.lent().len());
        let slots = if heads == 0 { slots } else { heads };
        if slots > MOST { MOST as u32 } else { slots as u32 }
    }

    /// How many slots were ever in use: no index at or above it is.
    pub(crate) const fn high_water(&self) -> u32 {
        self.root.high_water
    }

    /// The value that `id` was given for; `None` if its slot was released since.
    #[cfg(test)]
    pub(crate) fn get(&self, id: Id) -> Option<&T> {
        let slot = self.used(id.index)?;
        if slot.node.generation == id.generation { Some(&slot.value) } else { None }
    }

    /// As [`get`](Self::get), to change it.
    #[cfg(test)]
    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        let slot = self.used_mut(id.index)?;
        if slot.node.generation == id.generation { Some(&mut slot.value) } else { None }
    }

    /// The value in a slot; `None` if the slot is not in use.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    pub(crate) fn at(&self, index: u32) -> Option<&T> {
        Some(&self.used(index)?.value)
    }

    /// As [`at`](Self::at), to change it.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut T> {
        Some(&mut self.used_mut(index)?.value)
    }

    /// The present generation of a slot that is in use.
    #[inline]
    pub(crate) fn generation(&self, index: u32) -> u16 {
        self.slots.lent().get(index as usize).map_or(0, |slot| slot.node.generation)
    }

    /// Whether a slot is of this generation, in which it is in use if somebody was told of it.
    #[inline]
    pub(crate) fn is_of(&self, index: u32, generation: u16) -> bool {
        self.slots.lent().get(index as usize).is_some_and(|slot| slot.node.generation == generation)
    }

    /// The present `Id` of a slot; `None` if the slot is not in use.
    pub(crate) fn id(&self, index: u32) -> Option<Id> {
        Some(Id { index, generation: self.used(index)?.node.generation })
    }

    /// Takes a slot for `value`; `None` if all are in use.
    pub(crate) fn insert(&mut self, value: T) -> Option<Id> {
        let index = self.claim()?;
        let Slot { node, value: place } = self.slots.lend().get_mut(index as usize)?;
        *place = value;
        Some(Id { index, generation: node.generation })
    }

    /// Takes a slot, whatever is in it: its value is to be written.
    #[inline]
    pub(crate) fn claim(&mut self) -> Option<u32> {
        let fresh = self.root.free == 0;
        let index = if fresh { self.root.high_water } else { self.root.free.wrapping_sub(1) };
        if index >= self.capacity() {
            return None;
        }
        let Slot { node, .. } = self.slots.lend().get_mut(index as usize)?;
        if fresh {
            self.root.high_water = index.wrapping_add(1);
        } else {
            self.root.free = node.next;
        }
        self.root.len = self.root.len.wrapping_add(1);
        node.previous = 0;
        node.next = 0;
        node.state = place::IDLE;
        // Zero is left to the `Id` of nothing.
        node.generation = node.generation.max(1);
        Some(index)
    }

    /// Releases a slot and takes it again. False, and nothing is done, if it could not be released.
    #[inline]
    pub(crate) fn renew(&mut self, index: u32) -> bool {
        let Some(Slot { node, .. }) = self.slots.lend().get_mut(index as usize) else { return false };
        if node.state != place::IDLE {
            return false;
        }
        node.previous = 0;
        node.next = 0;
        node.generation = node.generation.wrapping_add(1).max(1);
        true
    }

    /// Releases a slot. False, and nothing is done, if it is not in use, or still linked, listed or scheduled.
    pub(crate) fn remove(&mut self, index: u32) -> bool {
        let free = self.root.free;
        let Some(Slot { node, .. }) = self.slots.lend().get_mut(index as usize) else { return false };
        if node.state != place::IDLE {
            return false;
        }
        node.state = place::FREE;
        node.generation = node.generation.wrapping_add(1);
        node.next = free;
        self.root.free = index.wrapping_add(1);
        self.root.len = self.root.len.wrapping_sub(1);
        true
    }

    /// Enters a slot into index `which`, ahead of others with the same hash. False, and nothing is done, if it is in
    /// that index already, or not in use, or there is no such index.
    pub(crate) fn link(&mut self, index: u32, which: usize, hash: u64) -> bool {
        let bucket = self.bucket(hash);
        let Table { slots, heads, .. } = self;
        let Some(Slot { node, .. }) = slots.lend().get_mut(index as usize) else { return false };
        if node.place() == place::FREE || which >= N || node.state & linked(which) != 0 {
            return false;
        }
        let Some(head) = heads.lend().get_mut(bucket).and_then(|heads| heads.get_mut(which)) else { return false };
        let Some(link) = node.chains.get_mut(which) else { return false };
        *link = core::mem::replace(head, index.wrapping_add(1));
        node.state |= linked(which);
        true
    }

    /// Takes a slot out of index `which`. False, and nothing is done, if it is not there under this hash.
    pub(crate) fn unlink(&mut self, index: u32, which: usize, hash: u64) -> bool {
        let target = index.wrapping_add(1);
        let rest = match self.used(index) {
            Some(Slot { node, .. }) if node.state & linked(which) != 0 => node.chains.get(which).copied(),
            _ => None,
        };
        let Some(rest) = rest else { return false };
        let most = self.root.len;
        let bucket = self.bucket(hash);
        let Some(mut link) = self.heads.lend().get_mut(bucket).and_then(|heads| heads.get_mut(which)) else {
            return false;
        };
        for _ in 0..most {
            if *link == target {
                *link = rest;
                if let Some(slot) = self.slots.lend().get_mut(index as usize) {
                    slot.node.state &= !linked(which);
                }
                return true;
            }
            let before = link.wrapping_sub(1) as usize;
            match self.slots.lend().get_mut(before).and_then(|slot| slot.node.chains.get_mut(which)) {
                Some(chain) => link = chain,
                None => return false,
            }
        }
        false
    }

    /// The slot in index `which` under `hash` whose value `is_it`; of several, the one that was linked last.
    pub(crate) fn find(&self, which: usize, hash: u64, mut is_it: impl FnMut(&T) -> bool) -> Option<u32> {
        let mut link = *self.heads.lent().get(self.bucket(hash))?.get(which)?;
        for _ in 0..self.root.len {
            let index = link.checked_sub(1)?;
            let slot = self.slots.lent().get(index as usize)?;
            if is_it(&slot.value) {
                return Some(index);
            }
            link = *slot.node.chains.get(which)?;
        }
        None
    }

    /// The value in a slot that is marked: by a bit that its owner may use. Such a slot is not removed, either.
    pub(crate) fn marked(&self, index: u32) -> Option<&T> {
        let slot = self.used(index)?;
        if slot.node.state & MARKED != 0 { Some(&slot.value) } else { None }
    }

    /// Marks a slot, or not, and gives its value.
    pub(crate) fn mark(&mut self, index: u32, on: bool) -> Option<&mut T> {
        let Slot { node, value } = self.used_mut(index)?;
        node.state = node.state & !MARKED | if on { MARKED } else { 0 };
        Some(value)
    }

    /// Two links that a slot lends to its owner while it is in use and in no list.
    pub(crate) fn lent(&mut self, index: u32) -> Option<(&mut Link, &mut Link)> {
        let node = self.node_mut(index).filter(|node| node.place() == place::IDLE)?;
        Some((&mut node.previous, &mut node.next))
    }

    /// A value in use, and the two links if they can be [lent](Self::lent).
    #[inline]
    #[allow(clippy::type_complexity)]
    pub(crate) fn lend(&mut self, index: u32) -> Option<(&mut T, Option<(&mut Link, &mut Link)>)> {
        let Slot { node, value } = self.used_mut(index)?;
        let links = if node.place() == place::IDLE { Some((&mut node.previous, &mut node.next)) } else { None };
        Some((value, links))
    }

    fn used(&self, index: u32) -> Option<&Slot<T, N>> {
        match self.slots.lent().get(index as usize) {
            Some(slot) if slot.node.place() != place::FREE => Some(slot),
            _ => None,
        }
    }

    fn used_mut(&mut self, index: u32) -> Option<&mut Slot<T, N>> {
        match self.slots.lend().get_mut(index as usize) {
            Some(slot) if slot.node.place() != place::FREE => Some(slot),
            _ => None,
        }
    }

    /// The upper half of the hash as a fraction of the number of heads: a product, since small cores cannot divide.
    fn bucket(&self, hash: u64) -> usize {
        ((hash >> 32).wrapping_mul(self.heads.lent().len() as u64) >> 32) as usize
    }
}

/// The bit of `Node::state` for an index; none for one that no slot can have.
fn linked(which: usize) -> u8 {
    if which < 3 { LINKED << which } else { 0 }
}

#[cfg(test)]
mod tests;
