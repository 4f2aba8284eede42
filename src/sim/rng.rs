//! The generator behind a simulation: SplitMix64, small, fast, and the same on every machine. Nothing secret hangs on
//! it.

use core::time::Duration;

/// A sequence that its seed decides.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The sequence of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to `most`.
    pub fn up_to(&mut self, most: u64) -> u64 {
        match most.checked_add(1) {
            Some(range) => self.draw().checked_rem(range).unwrap_or(0),
            None => self.draw(),
        }
    }

    /// True so many times in a thousand.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.up_to(999) < u64::from(per_mille)
    }

    /// Milliseconds from `least` to `most`.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let (least, most) = (least.as_millis() as u64, most.as_millis() as u64);
        Duration::from_millis(least.saturating_add(self.up_to(most.saturating_sub(least))))
    }

    /// 16 bytes, as an endpoint wants for its seed.
    pub fn seed(&mut self) -> [u8; 16] {
        let both = u128::from(self.draw()) << 64 | u128::from(self.draw());
        both.to_be_bytes()
    }
}
