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
}

/// The first one of the ring that ends with `last`.
pub(crate) fn first<T: Entry, const N: usize, W: Weave<T, N>>(table: &impl Rows<T, N>, last: Link) -> Option<u32> {
    let [_, first] = W::links(table, last.checked_sub(1)?)?;
    first.checked_sub(1)
}

/// Puts a slot behind the last one.
pub(crate) fn push_back<T: Entry, const N: usize, W: Weave<T, N>>(
    table: &mut impl Rows<T, N>,
    last: &mut Link,
    index: u32,
) {
    let link = index.wrapping_add(1);
    let first = first::<T, N, W>(table, *last).map_or(link, |first| first.wrapping_add(1));
    let before = if *last == 0 { link } else { *last };
    W::set(table, index, Some([before, first]));
    if before != link {
        set_next::<T, N, W>(table, before, link);
        set_previous::<T, N, W>(table, first, link);
    }
    *last = link;
}

/// Takes a slot out, wherever in the ring it is.
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
        set_next::<T, N, W>(table, before, behind);
        set_previous::<T, N, W>(table, behind, before);
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
    set_next::<T, N, W>(table, *last, behind.wrapping_add(1));
    set_previous::<T, N, W>(table, behind.wrapping_add(1), *last);
    set_next::<T, N, W>(table, other, front.wrapping_add(1));
    set_previous::<T, N, W>(table, front.wrapping_add(1), other);
    *last = other;
}

fn set_next<T: Entry, const N: usize, W: Weave<T, N>>(table: &mut impl Rows<T, N>, link: Link, next: Link) {
    let index = link.wrapping_sub(1);
    if let Some([previous, _]) = W::links(table, index) {
        W::set(table, index, Some([previous, next]));
    }
}

fn set_previous<T: Entry, const N: usize, W: Weave<T, N>>(table: &mut impl Rows<T, N>, link: Link, previous: Link) {
    let index = link.wrapping_sub(1);
    if let Some([_, next]) = W::links(table, index) {
        W::set(table, index, Some([previous, next]));
    }
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
