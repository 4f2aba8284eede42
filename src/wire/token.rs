//! Tokens by value.

use core::fmt;

/// A token of at most 8 bytes, by value (RFC 7252 5.3.1). Longer ones (RFC 8974) stay slices of their message.
///
/// ```
/// use coaplet::Token;
/// let token = Token::try_from(&[0x71, 0x02][..])?;
/// assert_eq!(token.as_bytes(), [0x71, 0x02]);
/// assert!(Token::try_from(&[0; 9][..]).is_err());
/// # Ok::<(), coaplet::TokenTooLong>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
// Whole words: nine bytes are moved by a call.
#[repr(align(4))]
pub struct Token {
    // Bytes behind the length are 0, so that equality and hash may look at all.
    bytes: [u8; Token::MAX_LENGTH],
    length: u8,
}

impl Token {
    /// 8 bytes: the most that RFC 7252 section 3 knows.
    pub const MAX_LENGTH: usize = 8;

    /// The token of length 0.
    pub const EMPTY: Token = Token { bytes: [0; Token::MAX_LENGTH], length: 0 };

    /// The first so many bytes, at most 8.
    pub(crate) const fn of(bytes: [u8; Token::MAX_LENGTH], length: u8) -> Token {
        let length = if length < 8 { length } else { 8 };
        // None of the shifts is by all 64 bits.
        let cut = (8 - length as u32) * 8;
        let kept = if cut < 64 { u64::from_le_bytes(bytes) << cut >> cut } else { 0 };
        Token { bytes: kept.to_le_bytes(), length }
    }

    /// The bytes of the token.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&[])
    }
}

impl TryFrom<&[u8]> for Token {
    type Error = TokenTooLong;

    #[inline]
    fn try_from(bytes: &[u8]) -> Result<Token, TokenTooLong> {
        let mut token = Token::EMPTY;
        let room = token.bytes.get_mut(..bytes.len()).ok_or(TokenTooLong { length: bytes.len() })?;
        // Not `copy_from_slice`, which can panic where the optimiser does not see that the lengths agree.
        room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        token.length = bytes.len() as u8;
        Ok(token)
    }
}

impl AsRef<[u8]> for Token {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Display for Token {
    /// Two hexadecimal digits a byte.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::display::hex(f, self.as_bytes())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({self})")
    }
}

/// More than the 8 bytes that a [`Token`] holds by value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TokenTooLong {
    /// The length that was given, in bytes.
    pub length: usize,
}

impl fmt::Display for TokenTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a token of {} bytes is longer than the {} held by value; keep it as a slice",
            self.length,
            Token::MAX_LENGTH
        )
    }
}

impl core::error::Error for TokenTooLong {}
