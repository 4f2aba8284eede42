//! The use that is made of a message, so that nobody is measured for work the optimiser has thrown away.
//!
//! It is the reference's: of each option the number, the length and the first byte. What any two codecs make of the same
//! datagram must be the same [`Sum`].

/// A checksum over what a reader sees of a message.
#[derive(Clone, Copy, Debug)]
pub struct Sum(u64);

impl Sum {
    /// Starts with the header; `message_type` is the two bits on the wire.
    #[inline(always)]
    pub fn header(message_type: u8, code: u8, message_id: u16, token: &[u8]) -> Sum {
        Sum(u64::from(message_type)
            + u64::from(code) * 3
            + u64::from(message_id) * 5
            + token.len() as u64 * 7
            + u64::from(token.first().copied().unwrap_or(0)))
    }

    /// Takes in one option.
    #[inline(always)]
    pub fn option(&mut self, number: u16, value: &[u8]) {
        self.0 = self
            .0
            .wrapping_mul(31)
            .wrapping_add(u64::from(number))
            .wrapping_add((value.len() as u64) << 16)
            .wrapping_add(u64::from(value.first().copied().unwrap_or(0)));
    }

    /// Ends with the payload, empty if there is none.
    #[inline(always)]
    pub fn payload(self, payload: &[u8]) -> u64 {
        self.0
            .wrapping_mul(31)
            .wrapping_add(payload.len() as u64)
            .wrapping_add(u64::from(payload.last().copied().unwrap_or(0)))
    }
}
