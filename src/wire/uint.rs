//! The uint format of option values: big-endian, as short as it gets, 0 has no bytes (RFC 7252 3.2).

use super::SMALL;

/// Reads a uint of 0 to 4 bytes. Leading zeros are accepted, as RFC 7252 3.2 asks; more than 4 bytes are `None`.
///
/// ```
/// use coaplet::wire::uint;
/// assert_eq!(uint::decode(&[]), Some(0));
/// assert_eq!(uint::decode(&[0x00, 0x28]), Some(40));
/// assert_eq!(uint::decode(&[0; 5]), None);
/// ```
#[inline]
#[must_use]
pub const fn decode(value: &[u8]) -> Option<u32> {
    match *value {
        [] => Some(0),
        [a] => Some(a as u32),
        [a, b] => Some(u16::from_be_bytes([a, b]) as u32),
        [a, b, c] => Some(u32::from_be_bytes([0, a, b, c])),
        [a, b, c, d] => Some(u32::from_be_bytes([a, b, c, d])),
        _ => None,
    }
}

/// The same; where flash counts, byte by byte. For what is linked once for several options.
pub(crate) const fn number(mut value: &[u8]) -> Option<u32> {
    if !SMALL {
        return decode(value);
    }
    if value.len() > 4 {
        return None;
    }
    let mut number = 0;
    while let [byte, rest @ ..] = value {
        number = number << 8 | *byte as u32;
        value = rest;
    }
    Some(number)
}

/// The shortest form of a uint, by value: made by [`encode`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Encoded {
    bytes: [u8; 4],
    skip: u8,
}

impl Encoded {
    /// The bytes, without leading zeros.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(usize::from(self.skip)..).unwrap_or(&[])
    }
}

/// Writes a uint in its shortest form.
///
/// ```
/// use coaplet::wire::uint;
/// assert_eq!(uint::encode(0).as_bytes(), []);
/// assert_eq!(uint::encode(1000).as_bytes(), [0x03, 0xe8]);
/// ```
#[inline]
#[must_use]
pub const fn encode(value: u32) -> Encoded {
    Encoded { bytes: value.to_be_bytes(), skip: (value.leading_zeros() / 8) as u8 }
}
