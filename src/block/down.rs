//! The blocks of a response, one after another: is this the one that is due, and of the same body?

use super::options::{NOT_SAID, Said};
use super::progress::Step;
use super::transfer::{Blocks, is_beyond};
use crate::wire::{Block, Message};

impl Blocks {
    /// From this block of the answer on.
    pub(super) const fn from(mut self, number: u32) -> Blocks {
        self.first = number * self.down_size as u32;
        self.down = self.first;
        self
    }

    /// The block that a request is for, if it names one.
    pub(super) fn next(&self) -> u32 {
        if self.settings.early || self.down > 0 { Block::value_at(self.down, self.down_size) } else { NOT_SAID }
    }

    /// What a response means to the answer.
    pub(super) fn answered(&mut self, message: &Message<'_>, said: &Said) -> Step {
        let (code, first) = (message.code(), self.of.is_none());
        let [etag_high, etag_length, etag, format, block, _, size, _] = *said;
        let (expected, of) = self.of.get_or_insert((code, [etag_high, etag_length, etag, format]));
        if *expected != code {
            return Step::Refused;
        }
        // 2.4: blocks of different representations are not put together; 2.3: nor those of different formats.
        if !of.iter().zip(said).all(|(one, other)| one == other) {
            return Step::Changed;
        }
        if size != NOT_SAID {
            self.size = Some(size);
        }
        let bytes = message.payload();
        let (mut offset, mut more) = (0, false);
        if block != NOT_SAID {
            let block = Block::of(block);
            let size = block.nominal_size();
            // RFC 7959 2.2, 2.4: the block that was asked for, of the size that was asked for or a smaller one.
            if !block.begins_at(self.down) || size > self.largest {
                return Step::WrongBlock;
            }
            // 2.3: with M set, the size is that of the payload.
            more = block.more();
            if bytes.len() > usize::from(size) || more && bytes.len() < usize::from(size) {
                return Step::WrongLength;
            }
            offset = self.down;
            // 2.4: what the server has chosen is kept to; never more than what we wanted.
            self.down_size = self.down_size.min(size);
        } else if self.down > 0 && (!first || code.is_success()) {
            // Without Block2 it is all of it, which answers only who wants all of it. An error is an answer in any case.
            return Step::Ignored;
        }
        // No slice is longer than the rest of the numbers would be: the sum does not wrap.
        let end = offset.wrapping_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX / 2));
        if end > self.settings.max_body || more && is_beyond(end, self.down_size) {
            return Step::TooLong;
        }
        self.down = end;
        if more { Step::Part } else { Step::Last }
    }
}
