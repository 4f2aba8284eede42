//! One keyed function for all that must not be guessed: Message IDs, tokens, jitter, and the hash of keys that peers choose.
//!
//! SipHash-1-3 under the caller's seed. With a secret seed nobody outside can choose keys that fall into one bucket, or
//! tell the next token from those before.

use core::hash::Hasher;
use siphasher::sip::SipHasher13;

/// What a value is drawn for, so that no two purposes share a sequence.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Address,
    RemoteId,
    LocalId,
    Token,
    Draw,
}

/// The key, and how many values were drawn.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    seed: [u8; 16],
    drawn: u64,
}

impl Random {
    pub(crate) const fn new(seed: [u8; 16]) -> Random {
        Random { seed, drawn: 0 }
    }

    /// The hash of anything that a peer may have chosen.
    pub(crate) fn hash(&self, purpose: Purpose, write: impl FnOnce(&mut SipHasher13)) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.seed);
        hasher.write_u8(purpose as u8);
        write(&mut hasher);
        hasher.finish()
    }

    /// The next number, uniform in 64 bits.
    pub(crate) fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        let drawn = self.drawn;
        self.hash(Purpose::Draw, |hasher| hasher.write_u64(drawn))
    }

    /// The next number from 0 to `most`, as good as uniform: `most` is far below 2^32.
    pub(crate) fn up_to(&mut self, most: u32) -> u32 {
        let range = u64::from(most).saturating_add(1);
        ((self.draw() >> 32).wrapping_mul(range) >> 32) as u32
    }
}
