//! The options of a transfer, among those of the application.
//!
//! The application writes its own first, in ascending order. What it writes up to Location-Query (20) is in front of
//! ours, which is nearly all that there is; ours are then appended. Behind ours come Proxy-Uri (35), Proxy-Scheme (39),
//! Echo (252) and No-Response (258): where these were written, ours are inserted, if the roles have it.

use crate::wire::{Block, Message, OptionNumber, Writer, uint};

/// What a response says of the blocks that it belongs to, from one walk over its options: the first half of its ETag, the
/// length of that, and then the values of [`OPTIONS`] as numbers. Of those that are not there [`NOT_SAID`].
pub(super) type Said = [u32; 8];

/// Above all formats and blocks, and a length that no body in blocks has. (If its bytes were all the same, it would be a
/// `memset` that writes it.)
pub(super) const NOT_SAID: u32 = u32::MAX - 1;

/// ETag, Content-Format, Block2, Block1, Size2 and Size1, and how many bytes each has at most.
const OPTIONS: [(u8, u8); 6] = [(4, 8), (12, 2), (23, 3), (27, 3), (28, 4), (60, 4)];

/// Begin with nothing said. (A value that is returned is copied.)
pub(super) fn read(message: &Message<'_>, said: &mut Said) {
    let [etag_high, etag_length, values @ ..] = said;
    for (number, value) in message.options() {
        for ((wanted, most), to) in OPTIONS.iter().zip(&mut *values) {
            // The first one counts (RFC 7252 5.4.5).
            if number.get() == u16::from(*wanted) && value.len() <= usize::from(*most) && *to == NOT_SAID {
                let mut high = 0;
                *to = 0;
                for byte in value {
                    (high, *to) = (high << 8 | *to >> 24, *to << 8 | u32::from(*byte));
                }
                if number == OptionNumber::ETAG {
                    (*etag_high, *etag_length) = (high, value.len() as u32);
                }
            }
        }
    }
}

/// The options of one message that belong to a transfer.
#[derive(Clone, Copy, Default)]
pub(crate) struct Extras {
    pub(crate) block2: Option<Block>,
    pub(crate) block1: Option<Block>,
    pub(crate) size2: Option<u32>,
    pub(crate) size1: Option<u32>,
}

impl Extras {
    /// Writes them: `INSERT` says whether higher ones may stand there already.
    pub(crate) fn put<const INSERT: bool>(&self, w: &mut Writer<'_>) {
        put::<INSERT>(w, OptionNumber::BLOCK2, self.block2.map(Block::value));
        put::<INSERT>(w, OptionNumber::BLOCK1, self.block1.map(Block::value));
        put::<INSERT>(w, OptionNumber::SIZE2, self.size2);
        put::<INSERT>(w, OptionNumber::SIZE1, self.size1);
    }
}

/// Writes one of them, if there is one: `INSERT` as for [`Extras::put`].
pub(crate) fn put<const INSERT: bool>(w: &mut Writer<'_>, number: OptionNumber, value: Option<u32>) {
    if let Some(value) = value {
        append::<INSERT>(w, number, uint::encode(value).as_bytes());
    }
}

#[inline(always)]
pub(super) fn append<const INSERT: bool>(w: &mut Writer<'_>, number: OptionNumber, value: &[u8]) {
    if INSERT {
        w.insert(number, value);
    } else {
        w.option(number, value);
    }
}
