//! The value of the Block1 and Block2 options (RFC 7959 2.2): which block, whether more follow, and how large they are.

use super::uint;
use core::fmt;
use core::num::NonZeroU32;

/// What a Block1, Block2, Q-Block1 or Q-Block2 option says: NUM, M and SZX (RFC 7959 2.2).
///
/// `Display` writes it as the figures of RFC 7959 do, NUM/M/size.
///
/// ```
/// use coaplet::wire::Block;
///
/// let block = Block::from_value(&[0x5e])?;
/// assert_eq!((block.num(), block.more(), block.szx()), (5, true, 6));
/// assert_eq!((block.size(), block.offset()), (Some(1024), Some(5 * 1024)));
/// assert_eq!(block.to_string(), "5/1/1024");
/// # Ok::<(), coaplet::wire::BlockError>(())
/// ```
// One word, as on the wire: NUM << 4 | M << 3 | SZX. Of the bits above these 24 one is always set, so that an `Option` is
// no longer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Block(NonZeroU32);

const MARK: u32 = 1 << 24;

/// Why there is no such [`Block`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BlockError {
    /// The value has more than 3 bytes. The option counts as unrecognised (RFC 7252 5.4.3).
    TooLong,
    /// NUM is above [`Block::MAX_NUM`]; it has 20 bits.
    NumTooLarge,
    /// SZX is above 7, or the size is none of 16, 32, 64, 128, 256, 512 and 1024.
    InvalidSize,
}

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BlockError::TooLong => "the value of a Block option has more than 3 bytes",
            BlockError::NumTooLarge => "a block number is above 1048575",
            BlockError::InvalidSize => "no such block size",
        })
    }
}

impl core::error::Error for BlockError {}

impl Block {
    /// The largest block number, 2^20 - 1.
    pub const MAX_NUM: u32 = (1 << 20) - 1;

    /// The SZX that RFC 7959 reserves and RFC 8323 6 uses for BERT, on reliable transports only.
    pub const SZX_BERT: u8 = 7;

    /// Block `num`, of `2^(szx + 4)` bytes each; `more` says whether others follow, or are asked for.
    ///
    /// SZX 7 is taken, because a reliable transport may send it (RFC 8323 6); over UDP it must not be sent.
    ///
    /// # Errors
    ///
    /// [`BlockError::NumTooLarge`] if `num` is above [`Block::MAX_NUM`], [`BlockError::InvalidSize`] if `szx` is
    /// above 7.
    ///
    /// ```
    /// use coaplet::wire::{Block, BlockError};
    ///
    /// assert_eq!(Block::new(4, true, 1)?.value(), 0x49);
    /// assert_eq!(Block::new(1 << 20, false, 6), Err(BlockError::NumTooLarge));
    /// # Ok::<(), BlockError>(())
    /// ```
    pub const fn new(num: u32, more: bool, szx: u8) -> Result<Block, BlockError> {
        if num > Block::MAX_NUM {
            return Err(BlockError::NumTooLarge);
        }
        if szx > 7 {
            return Err(BlockError::InvalidSize);
        }
        Ok(Block::of((num << 4) | ((more as u32) << 3) | szx as u32))
    }

    /// What an option of up to three bytes says.
    #[inline]
    pub(crate) const fn of(value: u32) -> Block {
        Block(match NonZeroU32::new(value | MARK) {
            Some(word) => word,
            None => NonZeroU32::MIN,
        })
    }

    /// The value, without M, of the block of this size that begins at an offset; the size is one that there is. Of more than
    /// 24 bits, if there is no such block.
    pub(crate) const fn value_at(offset: u32, size: u16) -> u32 {
        let power = size.trailing_zeros() & 31;
        offset >> power << 4 | power.wrapping_sub(4)
    }

    /// Whether its first byte is the one at this offset.
    pub(crate) const fn begins_at(self, offset: u32) -> bool {
        self.begin() == offset
    }

    /// As [`size`](Block::size); 2048 for SZX 7.
    pub(crate) const fn nominal_size(self) -> u16 {
        16 << self.szx()
    }

    /// Where it begins, in bytes; of SZX 7, where it would with blocks of 2048.
    pub(crate) const fn begin(self) -> u32 {
        // 20 bits of NUM, shifted by 11 at most.
        self.num() << (self.szx() + 4)
    }

    /// Whether SZX is 7: several blocks of 1024 bytes, over TCP (RFC 8323 6), and reserved over UDP (RFC 7959 2.2).
    pub(crate) const fn is_bert(self) -> bool {
        self.szx() == Block::SZX_BERT
    }

    /// The same with or without more to come.
    pub(crate) const fn with_more(self, more: bool) -> Block {
        Block::of(self.value() & !8 | (more as u32) << 3)
    }

    /// The same number, of blocks that are no larger than that, and nothing more to come: what acknowledges it (2.3).
    pub(crate) fn acknowledged(self, szx: u8) -> Block {
        Block::of(self.num() << 4 | u32::from(self.szx().min(szx)))
    }

    /// Block `num`, of `size` bytes each.
    ///
    /// # Errors
    ///
    /// [`BlockError::InvalidSize`] if `size` is none of 16, 32, 64, 128, 256, 512 and 1024, and as [`Block::new`].
    ///
    /// ```
    /// use coaplet::wire::{Block, BlockError};
    ///
    /// assert_eq!(Block::with_size(2, false, 64)?, Block::new(2, false, 2)?);
    /// assert_eq!(Block::with_size(2, false, 100), Err(BlockError::InvalidSize));
    /// # Ok::<(), BlockError>(())
    /// ```
    pub const fn with_size(num: u32, more: bool, size: u16) -> Result<Block, BlockError> {
        match Block::szx_for(size as usize) {
            Some(szx) if 16 << szx == size => Block::new(num, more, szx),
            _ => Err(BlockError::InvalidSize),
        }
    }

    /// The SZX of the largest block that has at most `size` bytes, 0 to 6; `None` if not even 16 bytes fit.
    ///
    /// ```
    /// use coaplet::wire::Block;
    ///
    /// assert_eq!(Block::szx_for(100), Some(2)); // 64 bytes
    /// assert_eq!(Block::szx_for(65_000), Some(6)); // 1024 bytes
    /// assert_eq!(Block::szx_for(15), None);
    /// ```
    pub const fn szx_for(size: usize) -> Option<u8> {
        match size.checked_ilog2() {
            Some(0..4) | None => None,
            Some(10..) => Some(6),
            Some(power) => Some((power as u8).wrapping_sub(4)),
        }
    }

    /// Reads the value of an option: a uint of up to 3 bytes; leading zeros are accepted (RFC 7252 3.2).
    ///
    /// # Errors
    ///
    /// [`BlockError::TooLong`] if there are more than 3 bytes, whatever they are.
    pub const fn from_value(value: &[u8]) -> Result<Block, BlockError> {
        match uint::number(value) {
            Some(number) if value.len() <= 3 => Ok(Block::of(number)),
            _ => Err(BlockError::TooLong),
        }
    }

    /// The value to write as a uint option, in its shortest form: 24 bits at most.
    pub const fn value(self) -> u32 {
        self.0.get() & (MARK - 1)
    }

    /// NUM, the number of the block, from 0 to [`Block::MAX_NUM`].
    pub const fn num(self) -> u32 {
        self.value() >> 4
    }

    /// M: whether more blocks follow this one.
    pub const fn more(self) -> bool {
        self.0.get() & 8 != 0
    }

    /// SZX, the size exponent, 0 to 7.
    pub const fn szx(self) -> u8 {
        (self.0.get() & 7) as u8
    }

    /// The size of a block in bytes, 16 to 1024; `None` for SZX 7.
    ///
    /// Over UDP and DTLS a request with SZX 7 is to be answered with 4.00 Bad Request (RFC 7959 2.2).
    pub const fn size(self) -> Option<u16> {
        if self.is_bert() { None } else { Some(self.nominal_size()) }
    }

    /// The offset in bytes of the block's first byte in the body, at most 1 073 740 800; `None` for SZX 7.
    pub const fn offset(self) -> Option<u32> {
        if self.is_bert() { None } else { Some(self.begin()) }
    }
}

/// NUM/M/size, as in RFC 7959 3: `2/0/64`; `2/0/BERT` for SZX 7, as in RFC 8323 6.
impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.num(), u8::from(self.more()))?;
        match self.size() {
            Some(size) => write!(f, "{size}"),
            None => f.write_str("BERT"),
        }
    }
}

/// `Block(2/0/64)`.
impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({self})")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Block {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Block({}/{=bool}/{})", self.num(), self.more(), self.szx());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    /// NUM, M, SZX; size; value.
    type Vector = (u32, bool, u8, Option<u16>, &'static [u8]);

    /// vectors/options.json, block_option.
    const VECTORS: &[Vector] = &[
        (0, false, 0, Some(16), &[]),
        (0, true, 3, Some(128), &[0x0b]),
        (1, false, 3, Some(128), &[0x13]),
        (1, true, 3, Some(128), &[0x1b]),
        (2, false, 3, Some(128), &[0x23]),
        (0, false, 2, Some(64), &[0x02]),
        (5, false, 2, Some(64), &[0x52]),
        (2, false, 2, Some(64), &[0x22]),
        (4, true, 1, Some(32), &[0x49]),
        (6, false, 1, Some(32), &[0x61]),
        (0, false, 6, Some(1024), &[0x06]),
        (0, true, 6, Some(1024), &[0x0e]),
        (15, true, 6, Some(1024), &[0xfe]),
        (16, false, 6, Some(1024), &[0x01, 0x06]),
        (4095, true, 6, Some(1024), &[0xff, 0xfe]),
        (4096, false, 6, Some(1024), &[0x01, 0x00, 0x06]),
        (1048575, true, 6, Some(1024), &[0xff, 0xff, 0xfe]),
        (0, true, 7, None, &[0x0f]),
        (3, false, 7, None, &[0x37]),
        (8, true, 7, None, &[0x8f]),
        (24, false, 7, None, &[0x01, 0x87]),
    ];

    #[test]
    fn vectors() {
        assert_eq!(VECTORS.len(), 21);
        for (num, more, szx, size, value) in VECTORS {
            let block = Block::from_value(value).unwrap();
            assert_eq!((block.num(), block.more(), block.szx(), block.size()), (*num, *more, *szx, *size));
            assert_eq!(Block::new(*num, *more, *szx), Ok(block));
            // The vectors have the shortest form.
            let bytes = block.value().to_be_bytes();
            let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(4);
            assert_eq!(&bytes[start..], *value);
            match size {
                Some(size) => {
                    assert_eq!(block.offset(), Some(num * u32::from(*size)));
                    assert_eq!(Block::with_size(*num, *more, *size), Ok(block));
                }
                None => assert_eq!(block.offset(), None),
            }
        }
    }

    #[test]
    fn lenient_and_bad_vectors() {
        // options.json, block_option_lenient and block_option_bad.
        assert_eq!(Block::from_value(&[0x86]), Block::new(8, false, 6));
        assert_eq!(Block::from_value(&[0]), Block::new(0, false, 0));
        assert_eq!(Block::from_value(&[0, 0]), Block::new(0, false, 0));
        assert_eq!(Block::from_value(&[0, 0, 0x86]), Block::new(8, false, 6));
        assert_eq!(Block::from_value(&[0x07]).map(Block::size), Ok(None));
        assert_eq!(Block::from_value(&[0x0f]).map(Block::size), Ok(None));
        assert_eq!(Block::from_value(&[1, 0, 0, 0]), Err(BlockError::TooLong));
        assert_eq!(Block::from_value(&[0, 0, 0, 0]), Err(BlockError::TooLong));
    }

    #[test]
    fn limits() {
        let last = Block::new(Block::MAX_NUM, true, 6).unwrap();
        assert_eq!(last.offset(), Some(1_073_740_800));
        assert_eq!(last.value(), 0xff_fffe);
        assert_eq!(Block::new(Block::MAX_NUM + 1, true, 6), Err(BlockError::NumTooLarge));
        assert_eq!(Block::new(0, true, 8), Err(BlockError::InvalidSize));
        assert_eq!(Block::with_size(0, true, 2048), Err(BlockError::InvalidSize));
    }

    #[test]
    fn szx_for_is_the_largest_that_fits() {
        for size in 0..3000usize {
            let expected = (0..=6u8).rev().find(|szx| 1usize << (szx + 4) <= size);
            assert_eq!(Block::szx_for(size), expected);
            let exact = expected.is_some_and(|szx| 1usize << (szx + 4) == size);
            assert_eq!(Block::with_size(0, false, size as u16).is_ok(), exact);
        }
        assert_eq!(Block::szx_for(usize::MAX), Some(6));
    }

    #[test]
    fn printing() {
        assert_eq!(Block::new(4, true, 1).unwrap().to_string(), "4/1/32");
        assert_eq!(Block::new(3, false, 7).unwrap().to_string(), "3/0/BERT");
        assert_eq!(format!("{:?}", Block::new(0, false, 6).unwrap()), "Block(0/0/1024)");
    }
}
