//! Copying bytes: on a host without a call for the few bytes that most copies here are.

use crate::wire::SMALL;

/// Copies as much as both have. (`copy_from_slice` can panic where the optimiser does not see that the lengths agree.)
#[inline]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    if !SMALL && from.len() <= 32 {
        if let Some(to) = to.get_mut(..from.len()) {
            return copy_few(to, from);
        }
    }
    copy_many(to, from);
}

// Apart, or the optimiser makes a call of the few bytes too.
#[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(always))]
#[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(never))]
fn copy_many(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

/// Up to 32 bytes from one slice to another that is as long: two moves, which may overlap.
#[inline]
fn copy_few(to: &mut [u8], from: &[u8]) {
    if copy_ends::<16>(to, from) || copy_ends::<8>(to, from) || copy_ends::<4>(to, from) {
        return;
    }
    // Fewer than four.
    if copy_ends::<2>(to, from) {
        return;
    }
    if let (Some(to), Some(from)) = (to.first_mut(), from.first()) {
        *to = *from;
    }
}

/// The first and the last `N` bytes, which are all if there are no more than twice as many. False if there are fewer.
#[inline(always)]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) -> bool {
    let (Some(&first), Some(&last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) else { return false };
    if let Some(to) = to.first_chunk_mut() {
        *to = first;
    }
    if let Some(to) = to.last_chunk_mut() {
        *to = last;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn as_much_as_both_have() {
        let from: Vec<u8> = (1..=40).collect();
        for length in 0..=40 {
            for room in 0..=40 {
                let mut to = [0; 40];
                copy(&mut to[..room], &from[..length]);
                let both = length.min(room);
                assert_eq!((&to[..both], &to[both..]), (&from[..both], &[0; 40][both..]), "{length} into {room}");
            }
        }
    }
}
