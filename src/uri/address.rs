//! Addresses as text (RFC 3986 3.2.2, RFC 4291 2.2, RFC 5952).
//!
//! What `core` has for this indexes slices, and an image that may not panic does not link with it. It reads IPv4
//! addresses without.

use crate::text::{self, Text};
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use nom::bytes::complete::take_while1;

/// Groups of 16 bits, as they come: their bits, and how many they are.
#[derive(Clone, Copy, Default)]
struct Groups {
    bits: u128,
    count: u32,
}

impl Groups {
    fn push(&mut self, bits: u32, count: u32) {
        self.bits = self.bits.checked_shl(16_u32.saturating_mul(count)).unwrap_or_default() | u128::from(bits);
        self.count = self.count.saturating_add(count);
    }
}

/// An IPv6 address without brackets and zone.
pub(super) fn parse_ipv6(text: &str) -> Option<Ipv6Addr> {
    let (mut rest, mut groups) = (Text(text), Groups::default());
    // What stood before `::`, if that has come.
    let mut head = None;
    if let Some(behind) = text.strip_prefix("::") {
        head = Some(groups);
        rest = Text(behind);
    }
    while !(rest.0.is_empty() && head.is_some() && groups.count == 0) {
        if let Ok(address) = rest.0.parse::<Ipv4Addr>() {
            groups.push(address.to_bits(), 2);
            break;
        }
        let digits = take_while1::<_, _, text::Fault<()>>(|c: char| c.is_ascii_hexdigit())(rest);
        let (behind, Text(digits)) = digits.ok().filter(|(_, digits)| digits.0.len() <= 4)?;
        groups.push(u32::from_str_radix(digits, 16).ok()?, 1);
        if groups.count > 8 {
            return None;
        }
        if behind.0.is_empty() {
            break;
        }
        let behind = behind.0.strip_prefix(':')?;
        rest = Text(behind);
        if let (Some(behind), None) = (behind.strip_prefix(':'), head) {
            head = Some(groups);
            groups = Groups::default();
            rest = Text(behind);
        }
    }
    match head {
        None if groups.count == 8 => Some(groups.bits),
        // `::` stands for one group at least.
        Some(head) if head.count.saturating_add(groups.count) < 8 => {
            let shift = 128_u32.saturating_sub(16_u32.saturating_mul(head.count));
            Some(head.bits.checked_shl(shift).unwrap_or_default() | groups.bits)
        }
        _ => None,
    }
    .map(Ipv6Addr::from_bits)
}

/// Prints an address as `core` does: of an IPv6 address the first of the longest runs of zeros as `::`.
pub(super) struct Printed(pub IpAddr);

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = match self.0 {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                return write!(f, "{a}.{b}.{c}.{d}");
            }
            IpAddr::V6(address) => address,
        };
        if let Some(mapped) = address.to_ipv4_mapped() {
            return write!(f, "::ffff:{}", Printed(IpAddr::V4(mapped)));
        }
        let groups = address.segments();
        // Where the run begins and ends; a group alone is none.
        let (mut start, mut end) = (8_usize, 8_usize);
        for from in 0..8_usize {
            let zeros = groups.iter().skip(from).take_while(|group| **group == 0).count();
            if zeros > end.saturating_sub(start).max(1) {
                (start, end) = (from, from.saturating_add(zeros));
            }
        }
        for (place, group) in groups.iter().enumerate() {
            if place == start {
                f.write_str("::")?;
            } else if place < start || place >= end {
                if place != 0 && place != end {
                    f.write_str(":")?;
                }
                write!(f, "{group:x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};

    /// Against `core`, which may panic but is right: every short text of what an address is made of.
    #[test]
    fn as_core_does() {
        const PARTS: [&str; 9] = ["0", "1", "fF0a", "12345", ":", "::", "1.2.3.4", "g", "1:2:3:4:5"];
        let (mut right, mut wrong) = (0, 0);
        for length in 0..=5_u32 {
            for mut pick in 0..9_usize.pow(length) {
                let mut text = String::new();
                for _ in 0..length {
                    text.push_str(PARTS[pick % 9]);
                    pick /= 9;
                }
                let expected = text.parse::<Ipv6Addr>().ok();
                assert_eq!(parse_ipv6(&text), expected, "{text}");
                *if expected.is_some() { &mut right } else { &mut wrong } += 1;
            }
        }
        // And the other way: every pattern of zeros.
        for pattern in 0..256_u32 {
            for group in [1, 0x20, 0xabc, 0xffff] {
                let groups: [u16; 8] = core::array::from_fn(|place| if pattern >> place & 1 == 0 { 0 } else { group });
                let address = IpAddr::from(groups);
                assert_eq!(Printed(address).to_string(), address.to_string());
            }
        }
        for address in ["0.0.0.0", "192.0.2.255", "::ffff:1.2.3.4", "::1.2.3.4", "fe80::1", "64:ff9b::1.2.3.4"] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(Printed(address).to_string(), address.to_string());
        }
        assert!(right > 300 && wrong > 50_000, "{right} {wrong}");
    }
}
