//! The options of a transfer, among those of the application.
//!
//! The application writes its own first, in ascending order. What it writes up to Location-Query (20) is in front of
//! ours, which is nearly all that there is; ours are then appended. Behind ours come Proxy-Uri (35), Proxy-Scheme (39),
//! Echo (252) and No-Response (258): where these were written, ours are inserted, if the roles have it.

use crate::wire::{Block, OptionNumber, Writer, uint};

/// The options of one message that belong to a transfer.
#[derive(Clone, Copy, Default)]
pub(crate) struct Extras<'a> {
    pub(crate) block2: Option<Block>,
    pub(crate) block1: Option<Block>,
    pub(crate) size2: Option<u32>,
    pub(crate) size1: Option<u32>,
    pub(crate) tag: Option<&'a [u8]>,
}

impl Extras<'_> {
    /// Writes them: `INSERT` says whether higher ones may stand there already.
    pub(crate) fn put<const INSERT: bool>(&self, w: &mut Writer<'_>) {
        put::<INSERT>(w, OptionNumber::BLOCK2, self.block2.map(Block::value));
        put::<INSERT>(w, OptionNumber::BLOCK1, self.block1.map(Block::value));
        put::<INSERT>(w, OptionNumber::SIZE2, self.size2);
        put::<INSERT>(w, OptionNumber::SIZE1, self.size1);
        if let Some(tag) = self.tag {
            append::<INSERT>(w, OptionNumber::REQUEST_TAG, tag);
        }
    }

    /// How long the message becomes with them, and the payload marker.
    pub(super) fn length_with(&self, w: &Writer<'_>) -> usize {
        let mut counter = w.counter(OptionNumber::BLOCK2);
        self.put::<false>(&mut counter);
        counter.length().saturating_add(1)
    }
}

/// Writes one of them, if there is one: `INSERT` as for [`Extras::put`].
pub(crate) fn put<const INSERT: bool>(w: &mut Writer<'_>, number: OptionNumber, value: Option<u32>) {
    if let Some(value) = value {
        append::<INSERT>(w, number, uint::encode(value).as_bytes());
    }
}

#[inline(always)]
fn append<const INSERT: bool>(w: &mut Writer<'_>, number: OptionNumber, value: &[u8]) {
    if INSERT {
        w.insert(number, value);
    } else {
        w.option(number, value);
    }
}
