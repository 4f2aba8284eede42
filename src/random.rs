//! Keyed functions for all that must not be guessed: tokens, where Message IDs begin with an index, and the hash of keys
//! that peers choose; and a plain one for what has only to be spread.
//!
//! Under the caller's seed, keys are hashed by SipHash-1-3, and numbers are drawn by Chaskey-12 (ISO/IEC 29192-6), of
//! which a small core needs a third of the flash. With a secret seed nobody outside can choose keys that fall into one
//! bucket, or tell the next token from those before.

use core::hash::{Hash, Hasher};
use siphasher::sip::SipHasher13;

/// What a value is drawn for, so that no two purposes share a sequence.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Address,
    RemoteId,
    LocalId,
    Token,
    Transfer,
    Resource,
}

/// The factor of the linear congruential generator.
const SPREAD: u32 = 1_664_525;

/// The key, and how many values were drawn.
#[derive(Clone)]
pub(crate) struct Random {
    key: [u64; 2],
    drawn: u64,
    /// What is spread and no secret comes from here.
    spread: u32,
    brand: u16,
}

impl core::fmt::Debug for Random {
    /// The key is nobody's business.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Random").finish_non_exhaustive()
    }
}

impl Random {
    pub(crate) const fn new(seed: [u8; 16]) -> Random {
        let seed = u128::from_le_bytes(seed);
        let key = [seed as u64, (seed >> 64) as u64];
        let [a, b, c, d] = words(key);
        // Of all 16 bytes, also where they are the same. In quarters: a small core has no wider product.
        let spread = a.wrapping_mul(SPREAD).wrapping_add(b);
        let spread = spread.wrapping_mul(SPREAD).wrapping_add(c);
        let spread = spread.wrapping_mul(SPREAD).wrapping_add(d);
        let [low, high] = key;
        Random { key, drawn: 0, spread, brand: (low ^ high) as u16 }
    }

    /// A number that follows from the seed, of 16 bits: 0 if that is zeros.
    pub(crate) const fn first(&self) -> u16 {
        (self.spread >> 16) as u16
    }

    /// By what handles of this endpoint are told from those of others. Nobody on the network gets to see it.
    pub(crate) const fn brand(&self) -> u16 {
        self.brand
    }

    #[inline]
    fn hasher(&self) -> SipHasher13 {
        let [low, high] = self.key;
        SipHasher13::new_with_keys(low, high)
    }

    /// The hash of an address.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    pub(crate) fn hash_address(&self, address: impl Hash) -> u64 {
        let mut hasher = Brief(self.hasher());
        hasher.write_u8(Purpose::Address as u8);
        address.hash(&mut hasher);
        hasher.finish()
    }

    /// The hash of a peer and a Message ID.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
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

    /// The next number, uniform in 64 bits: of the block cipher's counter mode.
    pub(crate) fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        let [low, high, ..] = chaskey(words(self.key), words([self.drawn, 0]));
        u64::from(high) << 32 | u64::from(low)
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

/// As words of 32 bits, the lowest first.
const fn words([low, high]: [u64; 2]) -> [u32; 4] {
    [low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32]
}

/// The rounds of Chaskey-12.
const ROUNDS: u8 = 12;

/// The block cipher in Chaskey-12: its permutation of 128 bits, with the key before and behind it. Made for cores of 32
/// bits; no crate has it.
const fn chaskey(key: [u32; 4], block: [u32; 4]) -> [u32; 4] {
    let [mut a, mut b, mut c, mut d] = xor(key, block);
    let mut round = 0;
    while round < ROUNDS {
        a = a.wrapping_add(b);
        b = b.rotate_left(5) ^ a;
        c = c.wrapping_add(d);
        d = d.rotate_left(8) ^ c;
        a = a.rotate_left(16).wrapping_add(d);
        d = d.rotate_left(13) ^ a;
        c = c.wrapping_add(b);
        b = b.rotate_left(7) ^ c;
        c = c.rotate_left(16);
        round = round.wrapping_add(1);
    }
    xor(key, [a, b, c, d])
}

const fn xor([a, b, c, d]: [u32; 4], [e, f, g, h]: [u32; 4]) -> [u32; 4] {
    [a ^ e, b ^ f, c ^ g, d ^ h]
}

/// Hashes an address, whose variants and lengths, small numbers in eight bytes each, take one here: a block less of a
/// `SocketAddr`. What they are can be told from it as before, as 255 stands in front of those that are larger.
struct Brief<H>(H);

impl<H: Hasher> Hasher for Brief<H> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        // The same bytes, for which it need not be looked how many there are.
        match bytes {
            &[a, b, c, d] => self.0.write_u32(u32::from_le_bytes([a, b, c, d])),
            _ => self.0.write(bytes),
        }
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.0.write_u8(number);
    }

    #[inline]
    fn write_u16(&mut self, number: u16) {
        self.0.write_u16(number);
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.0.write_u32(number);
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.0.write_u64(number);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        if number < 255 {
            self.0.write_u8(number as u8);
        } else {
            self.0.write_u8(255);
            self.0.write_usize(number);
        }
    }

    #[inline]
    fn write_isize(&mut self, number: isize) {
        self.write_usize(number as usize);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
    use std::collections::HashSet;
    use std::vec::Vec;

    /// What is written, instead of a hash of it.
    #[derive(Default)]
    struct Written(Vec<u8>);

    impl Hasher for Written {
        fn write(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }

        fn finish(&self) -> u64 {
            0
        }
    }

    fn written(address: impl Hash) -> Vec<u8> {
        let mut hasher = Brief(Written::default());
        address.hash(&mut hasher);
        hasher.0.0
    }

    /// Against the published tags of Chaskey-12: of one whole block it is this cipher under the key's double, which is
    /// added to the block and its key.
    #[test]
    fn chaskey_12_of_a_block() {
        const KEY: [u32; 4] = [0x833d_3433, 0x009f_389f, 0x2398_e64f, 0x417a_cf39];
        let message = [0x0302_0100, 0x0706_0504, 0x0b0a_0908, 0x0f0e_0d0c];
        // In GF(2^128) with x^128 = x^7 + x^2 + x + 1; the highest bit of this key is 0.
        let key = KEY.iter().rev().fold(0, |key, &word| key << 32 | u128::from(word));
        let double = [0, 32, 64, 96].map(|shift| (key << 1 >> shift) as u32);
        let tag = chaskey(double, xor(message, KEY));
        assert_eq!(tag, [0x5dd0_e2a9, 0xfb5e_ac8c, 0x633a_392e, 0x500c_36f3]);
    }

    #[test]
    fn no_number_is_drawn_twice() {
        let mut random = Random::new(*b"0123456789abcdef");
        let drawn: HashSet<u64> = (0..10_000).map(|_| random.draw()).collect();
        assert_eq!(drawn.len(), 10_000);
        let ones: u32 = drawn.iter().map(|number| number.count_ones()).sum();
        assert!((319_000..321_000).contains(&ones), "{ones} of 640,000 bits");
    }

    #[test]
    fn no_two_addresses_are_written_the_same() {
        let ports = [0, 1, 255, 256, 5683, u16::MAX];
        let fours = (0..=255).map(|last| SocketAddr::from((Ipv4Addr::new(10, 0, 0, last), 0)));
        let mut all: Vec<SocketAddr> = fours.collect();
        for port in ports {
            all.push((Ipv4Addr::LOCALHOST, port).into());
            all.push((Ipv4Addr::LOCALHOST.to_ipv6_mapped(), port).into());
            all.push((Ipv6Addr::LOCALHOST, port).into());
        }
        let distinct: HashSet<_> = all.iter().map(written).collect();
        assert_eq!(distinct.len(), all.len());
        // With the purpose in front, one block of SipHash.
        assert_eq!(written(all[0]).len(), 7);
    }

    #[test]
    fn large_numbers_are_not_taken_for_small_ones() {
        let numbers = [0, 1, 254, 255, 256, 511, 0xff00, usize::MAX - 1, usize::MAX];
        let distinct: HashSet<_> = numbers.iter().map(written).collect();
        assert_eq!(distinct.len(), numbers.len());
        let signed: HashSet<_> = [-1_isize, -255, 0, 255, isize::MIN, isize::MAX].iter().map(written).collect();
        assert_eq!(signed.len(), 6);
        // One is never the beginning of another: what comes behind cannot make up for it.
        for a in numbers.map(written) {
            assert_eq!(numbers.map(written).iter().filter(|b| b.starts_with(&a)).count(), 1);
        }
    }
}
