//! One keyed function for all that must not be guessed: tokens, where Message IDs begin with an index, and the hash of keys
//! that peers choose; and a plain one for what has only to be spread.
//!
//! SipHash-1-3 under the caller's seed. With a secret seed nobody outside can choose keys that fall into one bucket, or
//! tell the next token from those before.

use crate::wire::SMALL;
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

    /// The next number, uniform in 64 bits.
    pub(crate) fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        // Seven bytes: the one block that the length fills up. On a small core each block takes a hundred bytes of code.
        let [a, b, c, d, e, f, ..] = self.drawn.to_le_bytes();
        if SMALL {
            // And their length.
            return one_block(self.key, u64::from_le_bytes([Purpose::Draw as u8, a, b, c, d, e, f, 7]));
        }
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

/// SipHash-1-3 of up to seven bytes, with their number in the eighth: its rounds in a loop, which takes half the flash that
/// those of `siphasher` take one behind the other.
const fn one_block(key: [u64; 2], block: u64) -> u64 {
    let [low, high] = key;
    // "somepseudorandomlygeneratedbytes"
    let (mut a, mut b) = (low ^ 0x736f_6d65_7073_6575, high ^ 0x646f_7261_6e64_6f6d);
    let (mut c, mut d) = (low ^ 0x6c79_6765_6e65_7261, high ^ 0x7465_6462_7974_6573 ^ block);
    let mut round = 0_u8;
    while round < 4 {
        a = a.wrapping_add(b);
        c = c.wrapping_add(d);
        b = b.rotate_left(13) ^ a;
        d = d.rotate_left(16) ^ c;
        a = a.rotate_left(32).wrapping_add(d);
        c = c.wrapping_add(b);
        b = b.rotate_left(17) ^ c;
        d = d.rotate_left(21) ^ a;
        c = c.rotate_left(32);
        if round == 0 {
            // One round for the block, three to end with.
            a ^= block;
            c ^= 0xff;
        }
        round = round.wrapping_add(1);
    }
    a ^ b ^ c ^ d
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

    #[test]
    fn one_block_is_siphash() {
        let mut random = Random::new([0; 16]);
        for n in 0..2_000_u64 {
            let key = [random.draw(), if n % 3 == 0 { 0 } else { random.draw() }];
            let length = n % 8;
            let bytes = &random.draw().to_le_bytes()[..length as usize];
            let mut block = [0; 8];
            block[..bytes.len()].copy_from_slice(bytes);
            block[7] = length as u8;
            let wanted = SipHasher13::new_with_keys(key[0], key[1]).hash(bytes);
            assert_eq!(one_block(key, u64::from_le_bytes(block)), wanted, "{key:x?} {bytes:x?}");
        }
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
