//! The blocks of a request's body, one after another: which one is next, and what a response means to it.

use super::options::Extras;
use super::serve::read;
use super::{Body, Fault, Progress, Settings};
use crate::wire::{Block, Code, Message, WriteError, Writer};

/// How far an upload is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Up {
    /// Where the next block begins, in bytes; the one that is on its way, if one is.
    pub(super) offset: u32,
    /// Of the body, if it is known.
    length: Option<u32>,
    /// The payload of the block that is on its way.
    pub(super) sent: u16,
    szx: u8,
    /// Whether others follow it.
    more: bool,
    /// Whether it has a Block1, even if it is the only one.
    pub(super) blockwise: bool,
}

impl Up {
    #[inline(always)]
    pub(super) const fn new(settings: &Settings) -> Up {
        Up { offset: 0, length: None, sent: 0, szx: settings.wanted_szx(), more: false, blockwise: false }
    }

    const fn size(&self) -> u32 {
        16 << self.szx
    }

    /// Chooses the block that goes behind these options. `sizes`: the server is told how large the body is.
    pub(super) fn choose(&mut self, sizes: bool, w: &Writer<'_>, extras: &mut Extras<'_>, body: &mut Body<'_>) {
        self.length = body.length();
        if sizes && self.offset == 0 {
            extras.size1 = self.length;
        }
        loop {
            extras.block1 = Block::at(self.offset, true, self.szx);
            if self.szx == 0 || extras.length_with(w).saturating_add(self.size() as usize) <= w.room() {
                break;
            }
            // RFC 7959 2.5: from now on, and the number counts in the new size.
            self.szx = self.szx.wrapping_sub(1);
        }
        self.more = body.reaches(self.offset.saturating_add(self.size()));
        if self.more {
            self.blockwise = true;
            // 2.7: only the last one is answered with a body. RFC 7959 3.3, Figure 11.
            extras.block2 = None;
        } else if self.blockwise {
            extras.block1 = Block::at(self.offset, false, self.szx);
        } else {
            extras.block1 = None;
            extras.size1 = None;
        }
    }

    /// Writes its payload.
    pub(super) fn write(&mut self, w: &mut Writer<'_>, body: &mut Body<'_>) {
        match read(w, body, self.offset, self.size() as usize, self.more) {
            Some(sent) => self.sent = sent as u16,
            None => _ = w.fail(WriteError::BodyEnded { offset: self.offset }),
        }
    }

    /// `None`: it is the answer to all of it.
    pub(super) fn take(&mut self, message: &Message<'_>) -> Result<Option<Progress<'static>>, Fault> {
        let (code, block) = (message.code(), message.block1());
        if code == Code::REQUEST_ENTITY_INCOMPLETE && self.blockwise {
            return Err(Fault::Incomplete);
        }
        if code == Code::REQUEST_ENTITY_TOO_LARGE {
            // RFC 7959 2.9.3: the most that is taken of a body, or a hint to try blocks, or smaller ones.
            if let Some((most, _)) = message.size1().zip(self.length).filter(|(most, length)| most < length) {
                return Err(Fault::TooLarge { most });
            }
            let hint = block.map(Block::szx).filter(|szx| *szx < self.szx);
            let halved = Block::szx_for(usize::from(self.sent).saturating_sub(1)).filter(|_| !self.blockwise);
            let Some(szx) = hint.or(halved) else { return Ok(None) };
            self.szx = self.szx.min(szx);
            self.blockwise = true;
            self.offset = 0;
            return Ok(Some(Progress::Restarted));
        }
        // 2.3: a success for a block alone, where the server does with each what is to be done (Figure 8).
        if !code.is_success() || !self.more && code != Code::CONTINUE {
            return Ok(None);
        }
        let block = block.ok_or(Fault::Ignored)?;
        let number = self.offset >> (self.szx + 4);
        if !self.more || block.num() != number && block.offset() != Some(self.offset) {
            return Err(Fault::WrongBlock);
        }
        self.offset = self.offset.saturating_add(u32::from(self.sent));
        self.szx = self.szx.min(block.szx());
        Ok(Some(Progress::Next))
    }
}
