//! Message IDs that are given out in order (RFC 7252 4.4).
//!
//! What it guarantees: none is repeated within a lifetime. They are given out by halves of their range, or hardly so:
//! the next half not before a lifetime has passed since the first of the present one. So a count and a time do, where a
//! record of each would be needed otherwise.

use super::held::passed;

/// One sequence of Message IDs: towards a peer, towards all of them, or towards groups.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(test, derive(Hash))]
pub(crate) struct Ids {
    /// Since when the present half is given out, in ms modulo 2^32.
    pub(crate) since: u32,
    pub(crate) next: u16,
    /// How many of the present half were given out; and [`ROUND`].
    pub(crate) given: u16,
}

/// In `given`: not the first half any more.
const ROUND: u16 = 1 << 15;

impl Ids {
    /// A sequence that is to be [begun](Ids::begin).
    pub(crate) const NONE: Ids = Ids { since: 0, next: 0, given: 0 };

    /// Whether none was ever given out.
    pub(crate) const fn is_new(&self) -> bool {
        self.given == 0
    }

    /// Where a new one begins.
    pub(crate) const fn begin(&mut self, at: u16) {
        self.next = at;
    }

    /// The next one, whether it may be given out or not.
    pub(crate) const fn peek(&self) -> u16 {
        self.next
    }

    /// How many were given out, of the first half; `None`: all of it.
    pub(crate) const fn given(&self) -> Option<u16> {
        if self.given & ROUND == 0 { Some(self.given) } else { None }
    }

    /// The next one at this time, if a half has so many; or in how many ms there will be one. It counts once it is
    /// [taken](Ids::take).
    pub(crate) const fn next(&mut self, now: u32, half: u16, lifetime: u32) -> Result<u16, u32> {
        if self.given & !ROUND >= half {
            let passed = passed(now, self.since);
            if passed < lifetime {
                return Err(lifetime.wrapping_sub(passed));
            }
            self.given = ROUND;
        }
        if self.given & !ROUND == 0 {
            self.since = now;
        }
        Ok(self.next)
    }

    /// The next one is used; the one behind it comes so many later.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    pub(crate) const fn take(&mut self, step: u16) {
        self.given = self.given.wrapping_add(1);
        self.next = self.next.wrapping_add(step);
    }
}
