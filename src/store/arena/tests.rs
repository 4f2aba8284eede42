use super::*;
use crate::store::Indexed;
use proptest::prelude::*;
use std::vec::Vec;

#[test]
fn blocks_are_counted_without_a_division() {
    for len in 0..=MAX_LEN {
        let counted = 1 + len.saturating_sub(26).div_ceil(28);
        assert_eq!(blocks(len) as usize, counted, "{len} bytes");
    }
    assert_eq!((blocks(26), blocks(27), blocks(26 + 28), blocks(26 + 29)), (1, 2, 2, 3));
}

#[test]
fn what_is_no_block_is_left_alone() {
    for len in 0..100 {
        let bytes = std::vec![0; len];
        let mut arena = Arena::<Indexed, _>::new(bytes);
        assert_eq!(arena.capacity() as usize, len / 32);
        let stored = (0..4).filter(|_| arena.store(b"x").is_some()).count();
        assert_eq!(stored, len / 32);
        assert!(arena.bytes[len / 32 * 32..].iter().all(|&byte| byte == 0));
    }
}

#[test]
fn nothing_takes_nothing() {
    let mut arena = Arena::<Indexed, _>::new([]);
    let chain = arena.store(&[]).unwrap();
    assert!(chain.is_none());
    assert_eq!((arena.len(chain), arena.read(chain, &mut []), arena.patch(chain, 0, &[])), (0, Some(0), true));
    assert!(!arena.patch(chain, 0, b"x") && !arena.patch(chain, 1, &[]) && !arena.release(chain));
    assert_eq!(arena.store(b"x"), None);
}

#[test]
fn the_longest() {
    let bytes = std::vec![0; 80_000];
    let mut arena = Arena::<Indexed, _>::new(bytes);
    let data: Vec<u8> = (0..=MAX_LEN).map(|i| (i % 251) as u8).collect();
    assert_eq!(arena.store(&data), None);
    let chain = arena.store(&data[1..]).unwrap();
    let mut out = std::vec![0; MAX_LEN];
    assert_eq!(arena.read(chain, &mut out), Some(MAX_LEN));
    assert_eq!(out, &data[1..]);
    assert!(arena.release(chain));
    assert_eq!(arena.free(), arena.capacity());
}

#[test]
fn releasing_twice_is_refused() {
    let bytes = [0; 320];
    let mut arena = Arena::<Indexed, _>::new(bytes);
    let (one, other) = (arena.store(&[1; 100]).unwrap(), arena.store(&[2; 100]).unwrap());
    assert!(arena.release(one));
    assert!(!arena.release(one));
    assert_eq!(arena.free(), 6);
    assert!(arena.release(other));
    assert!(!arena.release(one) && !arena.release(Chain(u32::MAX)));
    assert_eq!(arena.free(), 10);
    let all = arena.store(&[3; 26 + 9 * 28]).unwrap();
    assert_eq!((arena.len(all), arena.free()), (278, 0));
}

#[derive(Clone, Debug)]
enum Op {
    Store(Vec<u8>),
    Release(usize),
    Patch(usize, usize, Vec<u8>),
    Read(usize, usize),
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    // Around the ends of blocks, and anything up to more than fits.
    let lengths = prop_oneof![(0..4_usize, 0..3_usize).prop_map(|(n, d)| 25 + 28 * n + d), 0..400_usize];
    (lengths, any::<u8>()).prop_map(|(len, seed)| (0..len).map(|i| seed.wrapping_add(i as u8)).collect())
}

fn taken(len: usize) -> u32 {
    if len == 0 { 0 } else { blocks(len) }
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => data().prop_map(Op::Store),
        2 => any::<usize>().prop_map(Op::Release),
        2 => (any::<usize>(), 0..420_usize, data()).prop_map(|(i, at, data)| Op::Patch(i, at, data)),
        1 => (any::<usize>(), 0..420_usize).prop_map(|(i, room)| Op::Read(i, room)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn like_vectors(size in 0..1024_usize, ops in prop::collection::vec(op(), 0..120)) {
        let bytes = std::vec![0; size];
        let mut arena = Arena::<Indexed, _>::new(bytes);
        let mut held: Vec<(Chain, Vec<u8>)> = Vec::new();
        let used = |held: &[(Chain, Vec<u8>)]| held.iter().map(|(_, d)| taken(d.len())).sum::<u32>();
        for op in ops {
            let count = held.len().max(1);
            match op {
                Op::Store(data) => {
                    let fits = taken(data.len()) + used(&held) <= (size / BLOCK) as u32;
                    prop_assert_eq!(arena.has_room(data.len()), fits);
                    let chain = arena.store(&data);
                    prop_assert_eq!(chain.is_some(), fits);
                    held.extend(chain.map(|chain| (chain, data)));
                }
                Op::Release(i) if !held.is_empty() => {
                    let (chain, data) = held.swap_remove(i % count);
                    prop_assert_eq!(arena.release(chain), !data.is_empty());
                    prop_assert!(!arena.release(chain));
                }
                Op::Patch(i, at, new) => if let Some((chain, data)) = held.get_mut(i % count) {
                    let fits = at + new.len() <= data.len();
                    prop_assert_eq!(arena.patch(*chain, at, &new), fits);
                    if fits {
                        data[at..at + new.len()].copy_from_slice(&new);
                    }
                },
                Op::Read(i, room) => if let Some((chain, data)) = held.get(i % count) {
                    let mut out = std::vec![0xee; room];
                    let read = arena.read(*chain, &mut out);
                    prop_assert_eq!(read, (data.len() <= room).then_some(data.len()));
                    let (now, after) = out.split_at(read.unwrap_or(0));
                    prop_assert!(read.is_none() || now == data);
                    prop_assert!(after.iter().all(|&byte| byte == 0xee));
                },
                Op::Release(_) => {}
            }
            prop_assert_eq!(arena.free(), (size / BLOCK) as u32 - used(&held));
            for (chain, data) in &held {
                let mut out = std::vec![0; data.len()];
                prop_assert_eq!(arena.len(*chain), data.len());
                prop_assert_eq!(arena.read(*chain, &mut out), Some(data.len()));
                prop_assert_eq!(&out, data);
            }
        }
        for (chain, data) in held {
            prop_assert_eq!(arena.release(chain), !data.is_empty());
        }
        // All of it can be had in one piece.
        if size >= BLOCK {
            prop_assert!(arena.store(&std::vec![0; 26 + (size / BLOCK - 1) * 28]).is_some());
            prop_assert_eq!(arena.free(), 0);
        }
    }

    /// Whatever lies in the memory, every call comes back.
    #[test]
    fn walks_end(bytes in prop::collection::vec(prop_oneof![Just(0_u8), 0..6_u8, any::<u8>()], 0..256),
                 free in 0..10_u32, used in 0..10_u32, chain in 0..10_u32,
                 data in data()) {
        let mut arena = Arena::<Indexed, _>::new(bytes);
        arena.root = Root { free, used };
        let mut out = std::vec![0; MAX_LEN];
        let chain = Chain(chain);
        let len = arena.len(chain);
        let _ = arena.read(chain, &mut out);
        let _ = arena.patch(chain, len / 2, &out[..len / 2]);
        let stored = arena.store(&data);
        let _ = (arena.release(chain), stored.map(|chain| arena.release(chain)));
        let _ = arena.store(&data);
    }
}
