//! Queues of slots: doubly linked lists through the links in the slots of a [`Table`].
//!
//! What it guarantees: every operation takes constant time, zeros are an empty list, and a slot is in one list at a
//! time. A slot that is in a list, has a deadline or is not in use cannot be put into another, and one that is at an
//! end of another list cannot be taken out of this one; both are refused, and nothing is changed.
//!
//! Why it is built so: lifetimes that are the same for all end in the order of their beginning, so that a queue is the
//! cheapest timer there is; the buckets of the timer wheel and the queues behind NSTART are the same thing again.

use super::table::{Entry, Link, Rows, place};

/// The two ends of a list. It belongs to one table.
#[derive(Clone, Copy, Debug, Default)]
pub struct List {
    first: Link,
    last: Link,
}

impl List {
    /// A list of nothing.
    pub(crate) const EMPTY: Self = Self { first: 0, last: 0 };

    /// Whether nothing is in it.
    pub(crate) const fn is_empty(&self) -> bool {
        self.first == 0
    }

    /// The slot at the front.
    pub(crate) const fn first(&self) -> Option<u32> {
        self.first.checked_sub(1)
    }

    /// The slot behind `index`, which is in a list: `list.first()` and then this is the way through it.
    #[cfg(test)]
    pub(crate) fn next<T: Entry, const N: usize>(table: &impl Rows<T, N>, index: u32) -> Option<u32> {
        table.node(index).filter(|node| node.place() == place::LISTED)?.next.checked_sub(1)
    }

    /// Puts a slot at the back. False if it is not in use, or in a list or scheduled.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    pub(crate) fn push_back<T: Entry, const N: usize>(&mut self, table: &mut impl Rows<T, N>, index: u32) -> bool {
        let last = self.last;
        let link = index.wrapping_add(1);
        let Some(node) = table.node_mut(index).filter(|node| node.place() == place::IDLE) else { return false };
        node.set_place(place::LISTED);
        node.previous = last;
        node.next = 0;
        self.last = link;
        match table.node_mut(last.wrapping_sub(1)) {
            Some(node) => node.next = link,
            None => self.first = link,
        }
        true
    }

    /// Puts a slot at the front. False if it is not in use, or in a list or scheduled.
    pub(crate) fn push_front<T: Entry, const N: usize>(&mut self, table: &mut impl Rows<T, N>, index: u32) -> bool {
        let first = self.first;
        let link = index.wrapping_add(1);
        let Some(node) = table.node_mut(index).filter(|node| node.place() == place::IDLE) else { return false };
        node.set_place(place::LISTED);
        node.previous = 0;
        node.next = first;
        self.first = link;
        match table.node_mut(first.wrapping_sub(1)) {
            Some(node) => node.previous = link,
            None => self.last = link,
        }
        true
    }

    /// Takes a slot out, wherever in the list it is. False if it is in no list, or at an end of another one.
    pub(crate) fn remove<T: Entry, const N: usize>(&mut self, table: &mut impl Rows<T, N>, index: u32) -> bool {
        self.detach_from(table, index, Some(place::LISTED))
    }

    /// Takes the slot at the front out.
    pub(crate) fn pop_front<T: Entry, const N: usize>(&mut self, table: &mut impl Rows<T, N>) -> Option<u32> {
        let index = self.first()?;
        if self.detach(table, index) { Some(index) } else { None }
    }

    /// Puts a slot that is in no list at the back, and notes where it is. False if there is no such slot.
    pub(super) fn attach_back<T: Entry, const N: usize>(
        &mut self,
        table: &mut impl Rows<T, N>,
        index: u32,
        place: u8,
    ) -> bool {
        let last = self.last;
        let link = index.wrapping_add(1);
        let Some(node) = table.node_mut(index) else { return false };
        node.set_place(place);
        node.previous = last;
        node.next = 0;
        self.last = link;
        match table.node_mut(last.wrapping_sub(1)) {
            Some(node) => node.next = link,
            None => self.first = link,
        }
        true
    }

    /// Takes a slot out that is in a list. False if it is at an end of another one.
    pub(super) fn detach<T: Entry, const N: usize>(&mut self, table: &mut impl Rows<T, N>, index: u32) -> bool {
        self.detach_from(table, index, None)
    }

    /// The same, if it is in such a place.
    #[inline]
    fn detach_from<T: Entry, const N: usize>(
        &mut self,
        table: &mut impl Rows<T, N>,
        index: u32,
        place: Option<u8>,
    ) -> bool {
        let link = index.wrapping_add(1);
        let Some(node) = table.node_mut(index).filter(|node| place.is_none_or(|place| node.place() == place)) else {
            return false;
        };
        let (previous, next) = (node.previous, node.next);
        if previous == 0 && self.first != link || next == 0 && self.last != link {
            return false;
        }
        node.previous = 0;
        node.next = 0;
        node.set_place(place::IDLE);
        match table.node_mut(previous.wrapping_sub(1)) {
            Some(node) => node.next = next,
            None => self.first = next,
        }
        match table.node_mut(next.wrapping_sub(1)) {
            Some(node) => node.previous = previous,
            None => self.last = previous,
        }
        true
    }
}

#[cfg(test)]
mod tests;
