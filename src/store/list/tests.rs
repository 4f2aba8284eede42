use super::*;
use crate::store::table::{Slot, Table};
use proptest::prelude::*;
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug)]
enum Op {
    Back(usize, u32),
    Front(usize, u32),
    Remove(usize, u32),
    Pop(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let one = (0..2_usize, 0..10_u32);
    prop_oneof![
        one.clone().prop_map(|(l, i)| Op::Back(l, i)),
        one.clone().prop_map(|(l, i)| Op::Front(l, i)),
        one.prop_map(|(l, i)| Op::Remove(l, i)),
        (0..2_usize).prop_map(Op::Pop),
    ]
}

fn through(list: &List, table: &impl Rows<u32, 1>) -> VecDeque<u32> {
    let mut next = list.first();
    let mut seen = VecDeque::new();
    while let Some(index) = next {
        assert!(seen.len() < 10, "a ring");
        seen.push_back(index);
        next = List::next(table, index);
    }
    seen
}

/// The same the other way.
fn back(list: &List, table: &impl Rows<u32, 1>) -> VecDeque<u32> {
    let mut link = list.last;
    let mut seen = VecDeque::new();
    while link != 0 {
        seen.push_front(link - 1);
        link = table.node(link - 1).unwrap().previous;
    }
    seen
}

#[test]
fn an_end_of_another_list_is_not_taken_out() {
    let slots = [Slot::<u32>::vacant(0); 4];
    let mut table = Table::new(slots, []);
    let (mut a, mut b) = (List::EMPTY, List::EMPTY);
    for index in 0..3 {
        table.insert(index).unwrap();
    }
    assert!(a.push_back(&mut table, 0) && a.push_back(&mut table, 1) && b.push_back(&mut table, 2));
    assert!(!b.remove(&mut table, 0) && !b.remove(&mut table, 1) && !a.remove(&mut table, 2));
    assert!(!b.push_back(&mut table, 0), "in a list");
    assert!(!b.push_front(&mut table, 3), "not in use");
    assert!(!b.push_front(&mut table, u32::MAX), "not there");
    assert!(!table.remove(1), "in a list");
    assert_eq!((through(&a, &table), through(&b, &table)), ([0, 1].into(), [2].into()));
    assert_eq!(size_of::<List>(), 8);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn like_a_deque(ops in prop::collection::vec(op(), 0..200)) {
        let slots = [Slot::<u32>::vacant(0); 10];
        let mut table = Table::new(slots, []);
        // Two are never in use.
        for index in 0..8 {
            table.insert(index).unwrap();
        }
        let mut lists = [List::EMPTY; 2];
        let mut model = [VecDeque::new(), VecDeque::new()];
        for op in ops {
            let fits = |i: u32| i < 8 && !model.iter().any(|m: &VecDeque<u32>| m.contains(&i));
            match op {
                Op::Back(l, i) => {
                    let fits = fits(i);
                    prop_assert_eq!(lists[l].push_back(&mut table, i), fits);
                    if fits { model[l].push_back(i) }
                }
                Op::Front(l, i) => {
                    let fits = fits(i);
                    prop_assert_eq!(lists[l].push_front(&mut table, i), fits);
                    if fits { model[l].push_front(i) }
                }
                Op::Remove(l, i) => {
                    if model[l].contains(&i) {
                        prop_assert!(lists[l].remove(&mut table, i));
                        model[l].retain(|&j| j != i);
                    } else if fits(i) || i >= 8 {
                        prop_assert!(!lists[l].remove(&mut table, i));
                    }
                }
                Op::Pop(l) => prop_assert_eq!(lists[l].pop_front(&mut table), model[l].pop_front()),
            }
            for (list, model) in lists.iter().zip(&model) {
                prop_assert_eq!(&through(list, &table), model);
                prop_assert_eq!(&back(list, &table), model);
                prop_assert_eq!(list.is_empty(), model.is_empty());
            }
        }
    }
}
