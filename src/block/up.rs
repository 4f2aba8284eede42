//! The blocks of a request's body, one after another: which one is next, and what a response means to it.

use super::Body;
use super::body::UNKNOWN;
use super::options::{BLOCK1, BLOCK2, NOT_SAID, SIZE1, Said, Saying};
use super::progress::Step;
use super::serve::read;
use super::transfer::{Blocks, is_beyond};
use crate::wire::{Block, Code, OptionNumber, WriteError, Writer};

impl Blocks {
    /// Chooses the block that goes behind these options.
    pub(super) fn choose(&mut self, w: &Writer<'_>, saying: &mut Saying, body: &mut Body<'_>) {
        self.length = body.raw_length();
        if self.settings.sizes && self.up == 0 {
            saying[SIZE1] = self.length;
        }
        loop {
            saying[BLOCK1] = Block::value_at(self.up, self.up_size) | 8;
            let mut counter = w.counter(OptionNumber::BLOCK2);
            self.say::<false>(&mut counter, saying);
            // With the payload marker.
            let length = counter.length().wrapping_add(1).wrapping_add(usize::from(self.up_size));
            if length <= w.room() || self.up_size == 16 || is_beyond(self.up, self.up_size / 2) {
                break;
            }
            // RFC 7959 2.5: from now on, and the number counts in the new size.
            self.up_size /= 2;
        }
        self.more = body.reaches(self.up.saturating_add(u32::from(self.up_size)));
        if self.more {
            self.blockwise = true;
            // 2.7: only the last one is answered with a body. RFC 7959 3.3, Figure 11.
            saying[BLOCK2] = NOT_SAID;
        } else if self.blockwise {
            saying[BLOCK1] &= !8;
        } else {
            saying[BLOCK1] = NOT_SAID;
            saying[SIZE1] = NOT_SAID;
        }
    }

    /// Writes its payload.
    pub(super) fn send(&mut self, w: &mut Writer<'_>, body: &mut Body<'_>) {
        match read(w, body, self.up, usize::from(self.up_size), self.more) {
            Some(sent) => self.sent = sent as u16,
            None => _ = w.fail(WriteError::BodyEnded { offset: self.up }),
        }
    }

    /// What a response means to the body. `None`: it is the answer to all of it.
    pub(super) fn acknowledged(&mut self, code: Code, said: &Said) -> Option<Step> {
        let [.., block, _, most] = *said;
        if code == Code::REQUEST_ENTITY_INCOMPLETE && self.blockwise {
            return Some(Step::Incomplete);
        }
        if code == Code::REQUEST_ENTITY_TOO_LARGE {
            // RFC 7959 2.9.3: the most that is taken of a body, or a hint to try blocks, or smaller ones.
            if most < self.length && self.length != UNKNOWN {
                self.length = most;
                return Some(Step::TooLarge);
            }
            // Where none is said, this is 1024.
            let mut size = Block::of(block).nominal_size();
            if size >= self.up_size {
                if self.blockwise {
                    return None;
                }
                size = self.up_size;
                while size >= self.sent {
                    if size == 16 {
                        return None;
                    }
                    size /= 2;
                }
            }
            self.up_size = size;
            self.blockwise = true;
            self.up = 0;
            return Some(Step::Restarted);
        }
        // 2.3: a success for a block alone, where the server does with each what is to be done (Figure 8).
        if !code.is_success() || !self.more && code != Code::CONTINUE {
            return None;
        }
        if block == NOT_SAID {
            return Some(Step::Ignored);
        }
        let (block, size) = (Block::of(block), u32::from(self.up_size));
        // The number may be counted in either size.
        if !self.more || !block.begins_at(self.up) && block.num().wrapping_mul(size) != self.up {
            return Some(Step::WrongBlock);
        }
        self.up = self.up.wrapping_add(size);
        self.up_size = self.up_size.min(block.nominal_size());
        Some(if is_beyond(self.up, self.up_size) { Step::TooLong } else { Step::Next })
    }
}
