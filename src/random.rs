//! One keyed function for all that must not be guessed: tokens, where Message IDs begin with an index, and the hash of keys
//! that peers choose; and a plain one for what has only to be spread.
//!
//! SipHash-1-3 under the caller's seed. With a secret seed nobody outside can choose keys that fall into one bucket, or
//! tell the next token from those before.

use core::hash::{Hash, Hasher};
use siphasher::sip::SipHasher13;

/// What a value is drawn for, so that no two purposes share a sequence.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Address,
    RemoteId,
    LocalId,
    Token,
    Draw,
    Transfer,
    Resource,
}

/// The factor of the linear congruential generator.
const SPREAD: u32 = 1_664_525;

/// The key, and how many values were drawn.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    key: [u64; 2],
    drawn: u64,
    /// What is spread and no secret comes from here.
    spread: u32,
}

impl Random {
    pub(crate) const fn new(seed: [u8; 16]) -> Random {
        let seed = u128::from_le_bytes(seed);
        let (low, high) = (seed as u64, (seed >> 64) as u64);
        // Of all 16 bytes, also where they are the same. In halves: a small core has no wider product.
        let spread = low as u32;
        let spread = spread.wrapping_mul(SPREAD).wrapping_add((low >> 32) as u32);
        let spread = spread.wrapping_mul(SPREAD).wrapping_add(high as u32);
        let spread = spread.wrapping_mul(SPREAD).wrapping_add((high >> 32) as u32);
        Random { key: [low, high], drawn: 0, spread }
    }

    /// A number that follows from the seed, of 16 bits: 0 if that is zeros.
    pub(crate) const fn first(&self) -> u16 {
        (self.spread >> 16) as u16
    }

    /// By what handles of this endpoint are told from those of others. Nobody on the network gets to see it.
    pub(crate) const fn brand(&self) -> u16 {
        let [low, high] = self.key;
        (low ^ high) as u16
    }

    #[inline]
    fn hasher(&self) -> SipHasher13 {
        let [low, high] = self.key;
        SipHasher13::new_with_keys(low, high)
    }

    /// The hash of an address.
    pub(crate) fn hash_address(&self, address: impl Hash) -> u64 {
        let mut hasher = self.hasher();
        hasher.write_u8(Purpose::Address as u8);
        address.hash(&mut hasher);
        hasher.finish()
    }

    /// The hash of a peer and a Message ID.
    pub(crate) fn hash_id(&self, purpose: Purpose, peer: u32, id: u16) -> u64 {
        // Seven bytes, which SipHash takes in one step, and eight in two.
        let mut hasher = self.hasher();
        hasher.write_u8(purpose as u8);
        hasher.write_u16(id);
        hasher.write_u32(peer);
        hasher.finish()
    }

    /// The hash of a peer and a token.
    pub(crate) fn hash_token(&self, peer: u32, token: &[u8]) -> u64 {
        let mut hasher = self.hasher();
        hasher.write_u8(Purpose::Token as u8);
        hasher.write_u32(peer);
        hasher.write(token);
        hasher.finish()
    }

    /// The hash of bytes and a number, and of what was hashed before.
    pub(crate) fn hash_bytes(&self, before: u64, number: u32, bytes: &[u8]) -> u64 {
        let mut hasher = self.hasher();
        hasher.write_u64(before);
        hasher.write_u64(u64::from(number) << 8 | Purpose::Transfer as u64);
        hasher.write(bytes);
        hasher.finish()
    }

    /// The next number, uniform in 64 bits.
    pub(crate) fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        // Seven bytes: the one block that the length fills up. On a small core each block takes a hundred bytes of code.
        let [a, b, c, d, e, f, ..] = self.drawn.to_le_bytes();
        self.hasher().hash(&[Purpose::Draw as u8, a, b, c, d, e, f])
    }

    /// A number from 0 to `most`, as good as uniform: `most` is far below 2^32.
    ///
    /// For what is to be spread, and may be guessed by who has seen enough of it: timeouts, the part of the leisure, the
    /// first Message ID for groups, and without an index that for all peers. A linear congruential generator over 32 bits
    /// that follow from the seed: a server alone links no keyed function for these. Who finds them out knows 32 of the
    /// seed's 128 bits, and 96 are left.
    pub(crate) fn up_to(&mut self, most: u32) -> u32 {
        self.spread = self.spread.wrapping_mul(SPREAD).wrapping_add(1_013_904_223);
        (u64::from(self.spread).wrapping_mul(u64::from(most).wrapping_add(1)) >> 32) as u32
    }
}
