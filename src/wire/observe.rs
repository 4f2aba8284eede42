//! The values of the Observe option (RFC 7641): registering, deregistering, and which notification is the fresher.

use core::time::Duration;

/// The value with which a GET or FETCH asks to be added to the list of observers (RFC 7641 2).
pub const REGISTER: u32 = 0;

/// The value with which a GET or FETCH asks to be taken off the list of observers (RFC 7641 2).
pub const DEREGISTER: u32 = 1;

/// Whether a notification was sent after the freshest one so far (RFC 7641 3.4).
///
/// `v1` is the Observe value of the freshest notification so far, `v2` that of the one that came in, `elapsed` the time
/// between their arrivals by the client's own clock. Only the 24 low bits of the values count. After more than 128
/// seconds the newcomer is the fresher, whatever the values say.
///
/// ```
/// use core::time::Duration;
/// use coaplet::wire::observe::is_fresher;
///
/// let second = Duration::from_secs(1);
/// assert!(is_fresher(62350, 62354, second));
/// assert!(!is_fresher(62354, 62350, second)); // overtaken on the way
/// assert!(is_fresher(0xff_ffff, 0, second)); // the counter wrapped
/// assert!(is_fresher(62354, 62350, Duration::from_secs(129)));
/// ```
pub const fn is_fresher(v1: u32, v2: u32, elapsed: Duration) -> bool {
    // The first two conditions of 3.4 are one in arithmetic modulo 2^24: the way from V1 up to V2 is less than 2^23.
    let ahead = v2.wrapping_sub(v1) & 0xff_ffff;
    // Longer than 128 s, to the nanosecond.
    let long_ago = elapsed.as_secs() > 128 || (elapsed.as_secs() == 128 && elapsed.subsec_nanos() > 0);
    (ahead != 0 && ahead < 1 << 23) || long_ago
}

#[cfg(test)]
mod tests {
    use super::*;

    /// v1, t1, v2, t2 (seconds), newer: vectors/options.json, observe_freshness.
    const VECTORS: &[(u32, u64, u32, u64, bool)] = &[
        (1, 0, 2, 1, true),
        (2, 0, 1, 1, false),
        (2, 0, 2, 1, false),
        (0, 0, 8388607, 1, true),
        (0, 0, 8388608, 1, false),
        (0, 0, 8388609, 1, false),
        (16777215, 0, 0, 1, true),
        (16777215, 0, 1, 1, true),
        (8388608, 0, 0, 1, false),
        (8388609, 0, 0, 1, true),
        (62350, 0, 62354, 5, true),
        (62354, 0, 62350, 5, false),
        (62354, 0, 62350, 129, true),
        (5, 0, 5, 200, true),
    ];

    #[test]
    fn vectors() {
        assert_eq!(VECTORS.len(), 14);
        for (v1, t1, v2, t2, newer) in VECTORS {
            assert_eq!(is_fresher(*v1, *v2, Duration::from_secs(t2 - t1)), *newer, "{v1} {v2}");
        }
    }

    #[test]
    fn as_the_section_writes_it() {
        // Around every place where one of the three conditions changes.
        let interesting = [0, 1, 2, 0x7f_fffe, 0x7f_ffff, 0x80_0000, 0x80_0001, 0xff_fffe, 0xff_ffff];
        for v1 in interesting {
            for v2 in interesting {
                let fresher = (v1 < v2 && v2 - v1 < 1 << 23) || (v1 > v2 && v1 - v2 > 1 << 23);
                assert_eq!(is_fresher(v1, v2, Duration::from_secs(128)), fresher, "{v1} {v2}");
                assert!(is_fresher(v1, v2, Duration::new(128, 1)));
                // Bits above the 24 do not count.
                assert_eq!(is_fresher(v1 | 0x0100_0000, v2 | 0xff00_0000, Duration::ZERO), fresher);
            }
        }
    }
}
