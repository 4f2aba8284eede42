//! The options of a transfer, among those of the application.
//!
//! The application writes its own first, in ascending order. What it writes up to Location-Query (20) is in front of
//! ours, which is nearly all that there is; ours are then appended. Behind ours come Proxy-Uri (35), Proxy-Scheme (39),
//! Echo (252) and No-Response (258): where these were written, ours are inserted, if the roles have it.

use crate::wire::{Message, OptionNumber, Writer, uint};

/// What a response says of the blocks that it belongs to, from one walk over its options: the first half of its ETag, the
/// length of that, and then the values of [`OPTIONS`] as numbers. Of those that are not there [`NOT_SAID`].
pub(super) type Said = [u32; 8];

/// Above all formats and blocks, and a length that no body in blocks has. (If its bytes were all the same, it would be a
/// `memset` that writes it.)
pub(super) const NOT_SAID: u32 = u32::MAX - 1;

/// What is looked for, and how many bytes it has at most.
const OPTIONS: [(u8, u8); 6] = [
    wanted(OptionNumber::ETAG),
    wanted(OptionNumber::CONTENT_FORMAT),
    wanted(OptionNumber::BLOCK2),
    wanted(OptionNumber::BLOCK1),
    wanted(OptionNumber::SIZE2),
    wanted(OptionNumber::SIZE1),
];

const fn wanted(number: OptionNumber) -> (u8, u8) {
    (number.get() as u8, number.bounds().1 as u8)
}

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

/// What a request says of blocks: the values of Block2, Block1, Size2 and Size1, [`NOT_SAID`] of those that it has not.
pub(super) type Saying = [u32; 4];

pub(super) const BLOCK2: usize = 0;
pub(super) const BLOCK1: usize = 1;
pub(super) const SIZE2: usize = 2;
pub(super) const SIZE1: usize = 3;

/// Writes them: `BEHIND` as `INSERT` for [`put`].
pub(super) fn say<const BEHIND: bool>(w: &mut Writer<'_>, saying: &Saying) {
    static NUMBERS: [u8; 4] = {
        let [_, _, (block2, _), (block1, _), (size2, _), (size1, _)] = OPTIONS;
        [block2, block1, size2, size1]
    };
    for (number, value) in NUMBERS.iter().zip(saying) {
        if *value != NOT_SAID {
            append::<BEHIND>(w, OptionNumber::new(u16::from(*number)), uint::encode(*value).as_bytes());
        }
    }
}

/// Writes an option, if there is one: `INSERT` says whether higher ones may stand there already.
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
