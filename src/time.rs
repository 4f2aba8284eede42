//! Instants on a clock that the caller keeps. Nothing in Coaplet reads a clock: `now` comes in as an argument.

use core::ops::Add;
use core::time::Duration;

/// A moment: milliseconds since any epoch the caller likes, such as the start of the device.
///
/// The clock may jump, and should not run backwards; where it does, it is to an endpoint as if it had stood still. An
/// instant and a duration saturate at the end of the range, some 584 million years after the epoch.
///
/// ```
/// use coaplet::Instant;
/// use core::time::Duration;
///
/// let now = Instant::from_millis(1_500);
/// assert_eq!(now + Duration::from_secs(2), Instant::from_millis(3_500));
/// assert_eq!(Instant::from_millis(3_500).since(now), Duration::from_secs(2));
/// assert_eq!(now.since(Instant::from_millis(3_500)), Duration::ZERO);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// The epoch.
    pub const ZERO: Instant = Instant(0);

    /// The end of time.
    pub const MAX: Instant = Instant(u64::MAX);

    /// So many milliseconds after the epoch.
    #[inline]
    #[must_use]
    pub const fn from_millis(millis: u64) -> Instant {
        Instant(millis)
    }

    /// Milliseconds since the epoch.
    #[inline]
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The time that has passed since `earlier`; zero if that is later.
    #[must_use]
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// Rounds a part of a millisecond up, so that nothing is early; saturates at [`Instant::MAX`].
    fn add(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(millis(duration)))
    }
}

/// A duration in milliseconds, rounded up and saturating.
pub(crate) const fn millis(duration: Duration) -> u64 {
    let whole = duration.as_secs().saturating_mul(1000);
    whole.saturating_add(duration.subsec_nanos().div_ceil(1_000_000) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_early_and_nothing_wraps() {
        assert_eq!(Instant::ZERO + Duration::from_nanos(1), Instant::from_millis(1));
        assert_eq!(Instant::ZERO + Duration::from_micros(1_000), Instant::from_millis(1));
        assert_eq!(Instant::ZERO + Duration::from_nanos(999_999_999), Instant::from_millis(1_000));
        assert_eq!(Instant::MAX + Duration::from_millis(1), Instant::MAX);
        assert_eq!(Instant::from_millis(u64::MAX - 1) + Duration::MAX, Instant::MAX);
        assert_eq!(Instant::MAX.since(Instant::ZERO), Duration::from_millis(u64::MAX));
    }
}
