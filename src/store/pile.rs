//! Bytes one behind the other: what is stored goes to the end, and what is released is closed up.
//!
//! What it guarantees: what is stored lies in one piece, and nothing is lost between the pieces, so that as long as so
//! many bytes are free [`store`] succeeds. What lies behind a piece that is released moves: who holds it learns where to
//! by [`Chain::close_up`].
//!
//! Why it is built so: for eight messages the moving costs less than the links of blocks, and takes less flash. For
//! thousands of them it would take too long, and they are chained ([`arena`](super::arena)).

use super::arena::Chain;
use crate::copy::copy;
use crate::wire::SMALL;

/// How many bytes can be told apart. What a store has beyond is left alone.
pub(super) const MOST: usize = 0xffff;

/// Of bytes, those that can be told apart.
#[inline]
pub(super) fn nearest(bytes: &[u8]) -> &[u8] {
    if bytes.len() > MOST { bytes.get(..MOST).unwrap_or_default() } else { bytes }
}

/// The same, to change them.
#[inline]
pub(super) fn nearest_mut(bytes: &mut [u8]) -> &mut [u8] {
    if bytes.len() > MOST { bytes.get_mut(..MOST).unwrap_or_default() } else { bytes }
}

impl Chain {
    const fn piece(start: usize, len: usize) -> Chain {
        Chain((start as u32) << 16 | len as u32)
    }

    const fn start(self) -> usize {
        (self.0 >> 16) as usize
    }

    /// How many bytes.
    pub(super) const fn len(self) -> usize {
        (self.0 & 0xffff) as usize
    }

    /// Another piece was released: where this one is now.
    pub(super) const fn close_up(&mut self, released: Chain) {
        if self.0 > released.0 {
            self.0 = self.0.wrapping_sub(released.0 << 16);
        }
    }
}

/// Keeps a copy of `data` behind what is stored; `None` if it does not fit. No bytes are [`Chain::NONE`].
pub(super) fn store(bytes: &mut [u8], used: &mut u32, data: &[u8]) -> Option<Chain> {
    let start = *used as usize;
    copy(bytes.get_mut(start..)?.get_mut(..data.len())?, data);
    if data.is_empty() {
        return Some(Chain::NONE);
    }
    *used = used.wrapping_add(data.len() as u32);
    Some(Chain::piece(start, data.len()))
}

/// What was stored.
pub(super) fn piece(bytes: &[u8], chain: Chain) -> Option<&[u8]> {
    bytes.get(chain.start()..)?.get(..chain.len())
}

/// The same, to change it.
pub(super) fn piece_mut(bytes: &mut [u8], chain: Chain) -> Option<&mut [u8]> {
    bytes.get_mut(chain.start()..)?.get_mut(..chain.len())
}

/// Frees a piece: what is behind it moves down.
pub(super) fn release(bytes: &mut [u8], used: &mut u32, chain: Chain) {
    *used = used.wrapping_sub(chain.len() as u32);
    let (mut at, mut from) = (chain.start(), chain.start().wrapping_add(chain.len()));
    while at < *used as usize {
        // As long as there are as many: what such a step takes along of the free bytes does no harm.
        let moved = if !SMALL && step::<16>(bytes, at, from) {
            16
        } else if step::<4>(bytes, at, from) {
            4
        } else if step::<1>(bytes, at, from) {
            1
        } else {
            break;
        };
        (at, from) = (at.wrapping_add(moved), from.wrapping_add(moved));
    }
}

/// Copies so many bytes down, if there are as many.
#[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
fn step<const N: usize>(bytes: &mut [u8], at: usize, from: usize) -> bool {
    let Some(&some) = bytes.get(from..).and_then(<[u8]>::first_chunk::<N>) else { return false };
    if let Some(to) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *to = some;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        /// Against a list of what is stored, released in any order.
        #[test]
        fn like_a_list(ops in prop::collection::vec((any::<bool>(), 0..70_usize, any::<u8>()), 0..80)) {
            let mut bytes = [0xee_u8; 200];
            let mut used = 0;
            let mut model: Vec<(Chain, Vec<u8>)> = Vec::new();
            for (keep, number, fill) in ops {
                let held: usize = model.iter().map(|(_, data)| data.len()).sum();
                prop_assert_eq!(used as usize, held);
                if keep {
                    let data = std::vec![fill; number];
                    let chain = store(&mut bytes, &mut used, &data);
                    prop_assert_eq!(chain.is_some(), held + number <= 200);
                    prop_assert!(number > 0 || chain.is_none_or(Chain::is_none));
                    model.extend(chain.filter(|chain| !chain.is_none()).map(|chain| (chain, data)));
                } else if !model.is_empty() {
                    let (chain, _) = model.remove(number % model.len());
                    release(&mut bytes, &mut used, chain);
                    model.iter_mut().for_each(|(other, _)| other.close_up(chain));
                }
                for (chain, data) in &model {
                    prop_assert_eq!(piece(&bytes, *chain), Some(&data[..]));
                    prop_assert_eq!(piece_mut(&mut bytes, *chain).map(|piece| piece.len()), Some(chain.len()));
                }
                prop_assert!(bytes[used as usize..].len() == 200 - used as usize);
            }
        }
    }

    #[test]
    fn what_is_beyond_the_first_64_kb_is_left_alone() {
        let mut bytes = std::vec![0; 70_000];
        let mut used = 0;
        let bytes = nearest_mut(&mut bytes);
        assert!(store(bytes, &mut used, &[1; 65_000]).is_some());
        assert!(store(bytes, &mut used, &[1; 536]).is_none());
        let last = store(bytes, &mut used, &[2; 535]).unwrap();
        assert_eq!(piece(bytes, last), Some(&[2; 535][..]));
    }
}
