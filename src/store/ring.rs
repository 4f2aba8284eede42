//! Rings: queues of which the owner holds one link, that to the last one. The last one leads to the first.
//!
//! What it guarantees: every operation takes constant time; a link of 0 is an empty ring; a slot is in one ring of a
//! kind at a time, for its owner sees to that.
//!
//! Why it is built so: each peer has its queues, and there may be a million peers: four bytes less for each. Where the
//! two links of a member lie is the kind of the ring: an exchange can wait in a ring while it has no deadline, and be
//! in another one while it is in a list.

use super::table::{Entry, Link, Rows, place};

/// Where the links of a ring lie.
pub(crate) trait Weave<T: Entry, const N: usize> {
    /// The neighbours of a member: the one before and the one behind.
    fn links(table: &impl Rows<T, N>, index: u32) -> Option<[Link; 2]>;
    /// Sets them; `None`: it is a member no more.
    fn set(table: &mut impl Rows<T, N>, index: u32, links: Option<[Link; 2]>);
    /// Sets one of them, of a member: the one before.
    fn set_previous(table: &mut impl Rows<T, N>, index: u32, previous: Link);
    /// The one behind; gives the one that it was.
    fn set_next(table: &mut impl Rows<T, N>, index: u32, next: Link) -> Option<Link>;
}

/// The links of a slot that lists use too: it has no deadline and is in no list.
#[derive(Debug)]
pub(crate) enum InNode {}

impl<T: Entry, const N: usize> Weave<T, N> for InNode {
    fn links(table: &impl Rows<T, N>, index: u32) -> Option<[Link; 2]> {
        table.node(index).map(|node| [node.previous, node.next])
    }

    fn set(table: &mut impl Rows<T, N>, index: u32, links: Option<[Link; 2]>) {
        if let Some(node) = table.node_mut(index) {
            [node.previous, node.next] = links.unwrap_or_default();
            node.set_place(if links.is_some() { place::LISTED } else { place::IDLE });
        }
    }

    fn set_previous(table: &mut impl Rows<T, N>, index: u32, previous: Link) {
        if let Some(node) = table.node_mut(index) {
            node.previous = previous;
        }
    }

    fn set_next(table: &mut impl Rows<T, N>, index: u32, next: Link) -> Option<Link> {
        Some(core::mem::replace(&mut table.node_mut(index)?.next, next))
    }
}

/// The first one of the ring that ends with `last`.
pub(crate) fn first<T: Entry, const N: usize, W: Weave<T, N>>(table: &impl Rows<T, N>, last: Link) -> Option<u32> {
    let [_, first] = W::links(table, last.checked_sub(1)?)?;
    first.checked_sub(1)
}

/// Puts a slot behind the last one.
#[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
pub(crate) fn push_back<T: Entry, const N: usize, W: Weave<T, N>>(
    table: &mut impl Rows<T, N>,
    last: &mut Link,
    index: u32,
) {
    let link = index.wrapping_add(1);
    match W::set_next(table, last.wrapping_sub(1), link) {
        Some(first) => {
            W::set_previous(table, first.wrapping_sub(1), link);
            W::set(table, index, Some([*last, first]));
        }
        None => W::set(table, index, Some([link, link])),
    }
    *last = link;
}

/// Takes a slot out, wherever in the ring it is.
#[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
pub(crate) fn remove<T: Entry, const N: usize, W: Weave<T, N>>(
    table: &mut impl Rows<T, N>,
    last: &mut Link,
    index: u32,
) {
    let link = index.wrapping_add(1);
    let Some([before, behind]) = W::links(table, index) else { return };
    if before == link {
        *last = 0;
    } else {
        W::set_next(table, before.wrapping_sub(1), behind);
        W::set_previous(table, behind.wrapping_sub(1), before);
        if *last == link {
            *last = before;
        }
    }
    W::set(table, index, None);
}

/// Puts all of another ring behind the last one.
pub(crate) fn append<T: Entry, const N: usize, W: Weave<T, N>>(
    table: &mut impl Rows<T, N>,
    last: &mut Link,
    other: Link,
) {
    let (Some(front), Some(behind)) = (first::<T, N, W>(table, *last), first::<T, N, W>(table, other)) else {
        *last |= other;
        return;
    };
    W::set_next(table, last.wrapping_sub(1), behind.wrapping_add(1));
    W::set_previous(table, behind, *last);
    W::set_next(table, other.wrapping_sub(1), front.wrapping_add(1));
    W::set_previous(table, front, other);
    *last = other;
}

#[cfg(test)]
mod tests {
    use super::super::table::{Slot, Table};
    use super::*;
    use std::collections::VecDeque;
    use std::vec::Vec;

    fn members(table: &impl Rows<u32, 1>, last: Link) -> Vec<u32> {
        let mut found = Vec::new();
        let mut at = first::<_, 1, InNode>(table, last);
        while let Some(index) = at {
            found.push(index);
            at = (index + 1 != last).then(|| InNode::links(table, index).unwrap()[1] - 1);
        }
        found
    }

    #[test]
    fn it_is_a_queue() {
        let slots = [Slot::<u32>::vacant(0); 6];
        let mut table = Table::new(slots, []);
        for value in 0..6 {
            assert!(table.insert(value).is_some());
        }
        // Every order of taking out, from every length.
        for length in 1..=6_u32 {
            for seed in 0..720_u32 {
                let (mut last, mut model) = (0, VecDeque::new());
                for index in 0..length {
                    push_back::<_, 1, InNode>(&mut table, &mut last, index);
                    model.push_back(index);
                }
                let mut seed = seed;
                while !model.is_empty() {
                    assert_eq!(members(&table, last), model.iter().copied().collect::<Vec<_>>());
                    let which = seed as usize % model.len();
                    seed /= model.len() as u32;
                    let index = model.remove(which).unwrap();
                    remove::<_, 1, InNode>(&mut table, &mut last, index);
                }
                assert_eq!(last, 0);
            }
        }
    }
}
