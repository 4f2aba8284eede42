use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};
use std::vec::Vec;

impl Entry for u8 {
    type Timing = Timed;
}

impl Entry for u32 {
    type Timing = Timed;
}

impl Entry for () {
    type Timing = Untimed;
}

impl Entry for (u16, u16) {
    type Timing = Untimed;
}

#[test]
fn sizes() {
    assert_eq!(size_of::<Node<0, Timed>>(), 16);
    assert_eq!(size_of::<Node<1, Timed>>(), 20);
    assert_eq!(size_of::<Node<2, Timed>>(), 24);
    assert_eq!(size_of::<Node<1, Untimed>>(), 16);
    assert_eq!(size_of::<Root>(), 12);
    assert_eq!(size_of::<Id>(), 8);
}

#[test]
fn the_id_of_nothing_and_foreign_ids_are_stale() {
    let slots = [Slot::<u8>::vacant(0); 2];
    let heads = [[0; 1]; 2];
    let mut table = Table::new(slots, heads);
    assert_eq!(table.get(Id::default()), None);
    let id = table.insert(7).unwrap();
    assert_eq!(table.get(Id::default()), None);
    assert_eq!(table.get(id), Some(&7));
    assert!(table.remove(id.index()));
    assert_eq!(table.get(id), None);
    // The generation that the slot will have next is not valid before it is in use.
    let next = Id { generation: id.generation + 1, ..id };
    assert_eq!(table.get(next), None);
    assert_eq!(table.insert(8), Some(next));
    assert_eq!((table.get(id), table.get(next)), (None, Some(&8)));
    assert_eq!(table.get(Id { index: 9, generation: 1 }), None);
    assert_eq!(table.get_mut(Id { index: u32::MAX, generation: 1 }), None);
}

#[test]
fn generations_go_round_and_leave_zero_out() {
    let slots = [Slot::<()>::vacant(()); 1];
    let heads = [[0; 1]; 1];
    let mut table = Table::new(slots, heads);
    let first = table.insert(()).unwrap();
    let mut seen = HashSet::new();
    let mut id = first;
    loop {
        assert_ne!(id.generation, 0);
        assert!(seen.insert(id));
        assert!(table.remove(0));
        id = table.insert(()).unwrap();
        if id == first {
            break;
        }
    }
    assert_eq!(seen.len(), 65_535);
}

#[test]
fn what_is_linked_is_not_removed_and_not_linked_twice() {
    let slots = [Slot::<u8, 2>::vacant(0); 3];
    let heads = [[0; 2]; 3];
    let mut table = Table::new(slots, heads);
    let index = table.insert(1).unwrap().index();
    assert!(table.link(index, 1, 5));
    assert!(!table.link(index, 1, 5));
    assert!(!table.link(index, 2, 5), "there is no third index");
    assert!(!table.link(2, 0, 5), "not in use");
    assert!(!table.remove(index));
    assert_eq!(table.find(1, 5, |_| true), Some(index));
    assert_eq!(table.find(0, 5, |_| true), None);
    assert_eq!(table.find(2, 5, |_| true), None);
    assert!(!table.unlink(index, 0, 5), "not in this index");
    assert!(!table.unlink(index, 1, u64::MAX), "not in this bucket");
    assert!(table.unlink(index, 1, 5));
    assert!(!table.unlink(index, 1, 5));
    assert!(table.remove(index));
    assert!(!table.remove(index));
    assert!(!table.remove(77));
}

#[test]
fn a_table_of_no_slots() {
    let mut table = Table::<u8, 1, _, _>::new([], []);
    assert_eq!(table.insert(1), None);
    assert_eq!(table.find(0, 1, |_| true), None);
    assert_eq!((table.len(), table.capacity(), table.high_water()), (0, 0, 0));
    assert!(!table.link(0, 0, 0) && !table.unlink(0, 0, 0) && !table.remove(0));
}

#[test]
fn walks_end_in_a_ring() {
    let slots = [Slot::<u8>::vacant(0); 2];
    let heads = [[0; 1]; 2];
    let mut table = Table::new(slots, heads);
    for value in 0..2 {
        let index = table.insert(value).unwrap().index();
        assert!(table.link(index, 0, 0));
    }
    table.slots[0].node.chains[0] = 2; // 2 leads to 1, 1 back to 2
    assert_eq!(table.find(0, 0, |_| false), None);
    table.heads[0][0] = 77; // out of bounds
    assert_eq!(table.find(0, 0, |_| true), None);
    assert!(!table.unlink(0, 0, 0));
}

#[test]
fn buckets_are_spread_over_all_slots() {
    for capacity in [1_u32, 3, 8, 1000] {
        let slots = std::vec![Slot::<()>::vacant(()); capacity as usize];
        let heads = std::vec![[0; 1]; capacity as usize];
        let table = Table::new(slots, heads);
        let hit: HashSet<usize> =
            (0..100_000_u64).map(|i| table.bucket(i.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
        assert_eq!(hit.len(), capacity as usize);
        assert_eq!(table.bucket(u64::MAX), capacity as usize - 1);
    }
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Insert(u16),
    Remove(usize),
    Relink(usize, usize),
    Find(usize, u16),
    Write(usize, u16),
}

fn op() -> impl Strategy<Value = Op> {
    let which = 0..2_usize;
    prop_oneof![
        4 => (0..40_u16).prop_map(Op::Insert),
        2 => any::<usize>().prop_map(Op::Remove),
        3 => (any::<usize>(), which.clone()).prop_map(|(i, w)| Op::Relink(i, w)),
        3 => (which, 0..40_u16).prop_map(|(w, k)| Op::Find(w, k)),
        1 => (any::<usize>(), any::<u16>()).prop_map(|(i, v)| Op::Write(i, v)),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Held {
    id: Id,
    key: u16,
    value: u16,
    linked: [bool; 2],
}

/// Few buckets for the one index, so that chains are long, and more for the other.
fn hash(which: usize, key: u16) -> u64 {
    let mixed = u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    if which == 0 { mixed & (3 << 62) } else { mixed }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn like_a_map(capacity in 0..12_usize, ops in prop::collection::vec(op(), 0..300)) {
        let slots = std::vec![Slot::<(u16, u16), 2>::vacant((0, 0)); capacity];
        let heads = std::vec![[0; 2]; capacity];
        let mut table = Table::new(slots, heads);
        let mut held: BTreeMap<u32, Held> = BTreeMap::new();
        let mut stale: Vec<Id> = std::vec![Id::default()];
        let mut most = 0;
        for op in ops {
            let pick = |i: usize| held.values().nth(i % held.len().max(1)).copied();
            match op {
                Op::Insert(key) => match table.insert((key, 0)) {
                    None => prop_assert_eq!(held.len(), capacity),
                    Some(id) => {
                        prop_assert!(!stale.contains(&id));
                        let new = held.insert(id.index(), Held { id, key, value: 0, linked: [false; 2] });
                        prop_assert!(new.is_none());
                        most = most.max(held.len());
                    }
                },
                Op::Remove(i) => if let Some(h) = pick(i) {
                    prop_assert!(h.linked == [false; 2] || !table.remove(h.id.index()));
                    for (which, linked) in h.linked.into_iter().enumerate() {
                        prop_assert_eq!(table.unlink(h.id.index(), which, hash(which, h.key)), linked);
                    }
                    prop_assert!(table.remove(h.id.index()));
                    held.remove(&h.id.index());
                    stale.push(h.id);
                },
                Op::Relink(i, which) => if let Some(h) = pick(i) {
                    let index = h.id.index();
                    let was = h.linked[which];
                    prop_assert_eq!(table.link(index, which, hash(which, h.key)), !was);
                    if was {
                        prop_assert!(table.unlink(index, which, hash(which, h.key)));
                    }
                    held.get_mut(&index).unwrap().linked[which] = !was;
                },
                Op::Find(which, key) => {
                    let mut seen = HashSet::new();
                    let none = table.find(which, hash(which, key), |&(k, v)| { seen.insert((k, v)); false });
                    prop_assert_eq!(none, None);
                    let found = table.find(which, hash(which, key), |&(k, _)| k == key);
                    let is = held.values().any(|h| h.key == key && h.linked[which]);
                    prop_assert_eq!(found.is_some(), is);
                    prop_assert!(found.is_none_or(|i| held[&i].key == key && held[&i].linked[which]));
                    // Without the index it is the first one that there is, linked or not.
                    let first = held.iter().find(|(_, h)| h.key == key).map(|(&index, _)| index);
                    prop_assert_eq!(table.scan(|&(k, _)| k == key), first);
                    for h in held.values().filter(|h| h.key == key && h.linked[which]) {
                        prop_assert!(seen.contains(&(h.key, h.value)));
                    }
                }
                Op::Write(i, value) => if let Some(h) = pick(i) {
                    *table.get_mut(h.id).unwrap() = (h.key, value);
                    held.get_mut(&h.id.index()).unwrap().value = value;
                },
            }
            prop_assert_eq!(table.len() as usize, held.len());
            prop_assert_eq!(table.high_water() as usize, most);
            for &id in &stale {
                prop_assert_eq!(table.get(id), None);
                prop_assert_eq!(table.get_mut(id), None);
            }
            for h in held.values() {
                prop_assert_eq!(table.get(h.id), Some(&(h.key, h.value)));
                prop_assert_eq!(table.at_mut(h.id.index()).copied(), Some((h.key, h.value)));
                prop_assert_eq!(table.id(h.id.index()), Some(h.id));
            }
            for index in (0..capacity as u32 + 2).filter(|index| !held.contains_key(index)) {
                prop_assert_eq!((table.at(index), table.id(index)), (None, None));
            }
        }
    }
}
