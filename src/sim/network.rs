//! What happens to a datagram on its way.

use super::rng::Rng;
use core::time::Duration;
use std::vec::Vec;

/// How bad a network is. Chances are in thousandths, each drawn for each datagram by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    /// Lost.
    pub loss: u32,
    /// Doubled; a copy may be lost, late, or doubled again, up to four.
    pub duplication: u32,
    /// Between one and four bits are turned over.
    pub corruption: u32,
    /// Cut at any byte.
    pub truncation: u32,
    /// The shortest way.
    pub delay_min: Duration,
    /// The longest way of a datagram that is on time. Datagrams overtake one another wherever it is above the shortest.
    pub delay_max: Duration,
    /// Late: up to `late_max` in place of `delay_max`.
    pub late: u32,
    /// The longest way of one that is late.
    pub late_max: Duration,
}

impl Network {
    /// Nothing is lost, and everything takes ten milliseconds.
    pub const PERFECT: Network = Network {
        loss: 0,
        duplication: 0,
        corruption: 0,
        truncation: 0,
        delay_min: Duration::from_millis(10),
        delay_max: Duration::from_millis(10),
        late: 0,
        late_max: Duration::from_millis(10),
    };

    /// A bad radio: a tenth is lost, a twentieth doubled, some come up to 30 seconds late.
    pub const RADIO: Network = Network {
        loss: 100,
        duplication: 50,
        delay_max: Duration::from_millis(400),
        late: 20,
        late_max: Duration::from_secs(30),
        ..Network::PERFECT
    };

    /// What arrives of a datagram, and after how long.
    pub(super) fn carry(&self, rng: &mut Rng, datagram: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let mut copies = 1;
        while copies < 4 && rng.chance(self.duplication) {
            copies += 1;
        }
        let mut arrived = Vec::new();
        for _ in 0..copies {
            if rng.chance(self.loss) {
                continue;
            }
            let mut bytes = datagram.to_vec();
            if rng.chance(self.corruption) {
                for _ in 0..=rng.up_to(3) {
                    let at = rng.up_to((bytes.len() as u64).saturating_sub(1)) as usize;
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << rng.up_to(7);
                    }
                }
            }
            if rng.chance(self.truncation) {
                bytes.truncate(rng.up_to(bytes.len() as u64) as usize);
            }
            let most = if rng.chance(self.late) { self.late_max } else { self.delay_max };
            arrived.push((rng.between(self.delay_min, most), bytes));
        }
        arrived
    }
}
