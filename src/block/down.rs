//! The blocks of a response, one after another: is this the one that is due, and of the same body?

use super::{Fault, Part, Progress, Settings};
use crate::wire::{Block, Code, Message, same};

/// How far a download is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Down {
    /// Where it began, in bytes.
    first: u32,
    /// Where the next block begins.
    pub(super) offset: u32,
    /// What the server has said of the length.
    pub(super) size: Option<u32>,
    /// Of the block that was taken first. `None`: none was.
    pub(super) code: Option<Code>,
    format: Option<u16>,
    etag: [u8; 8],
    /// How long it is; 0: there is none.
    etag_length: u8,
    /// The size of the next block.
    pub(super) szx: u8,
    /// Whether the request had a Block2, by which the response has to go.
    pub(super) asked: bool,
    /// How often it may still start over.
    pub(super) restarts: u8,
}

impl Down {
    #[inline(always)]
    pub(super) const fn new(settings: &Settings) -> Down {
        Down {
            first: 0,
            offset: 0,
            size: None,
            code: None,
            format: None,
            // Whatever: none of it counts. Zeros among zeros are what a `memset` is linked for.
            etag: [0xff; 8],
            etag_length: 0,
            szx: settings.szx(),
            asked: false,
            restarts: settings.restarts,
        }
    }

    /// From this offset on.
    pub(super) const fn from(self, offset: u32) -> Down {
        Down { first: offset, offset, ..self }
    }

    pub(super) fn take<'d>(&mut self, message: &Message<'d>, settings: &Settings) -> Progress<'d> {
        match self.check(message, settings) {
            Ok(part) => Progress::Part(part),
            Err(Fault::Changed) if self.restarts > 0 => {
                self.restarts = self.restarts.wrapping_sub(1);
                self.offset = self.first;
                self.code = None;
                Progress::Restarted
            }
            Err(fault) => Progress::Failed(fault),
        }
    }

    fn check<'d>(&mut self, message: &Message<'d>, settings: &Settings) -> Result<Part<'d>, Fault> {
        let (code, bytes, format) = (message.code(), message.payload(), message.content_format().map(|f| f.get()));
        if self.code.is_some_and(|before| before != code) {
            return Err(Fault::Refused(code));
        }
        let (mut offset, mut more) = (0, false);
        match message.block2() {
            Some(block) => {
                let szx = block.szx();
                // RFC 7959 2.2, 2.4: the block that was asked for, of the size that was asked for or a smaller one.
                if szx == Block::SZX_BERT || block.offset() != Some(self.offset) || self.asked && szx > self.szx {
                    return Err(Fault::WrongBlock);
                }
                // 2.3: with M set, the size is that of the payload.
                let size = 16 << szx;
                more = block.more();
                if bytes.len() > size || more && bytes.len() < size {
                    return Err(Fault::WrongLength);
                }
                offset = self.offset;
                // 2.4: what the server has chosen is kept to; never more than what we wanted.
                self.szx = self.szx.min(szx);
            }
            // Without Block2 it is all of it, which answers only who wants all of it. An error is an answer in any case.
            None if self.offset > 0 && (self.code.is_some() || code.is_success()) => return Err(Fault::Ignored),
            None => {}
        }
        let etag = message.etag().unwrap_or_default();
        if self.code.is_none() {
            self.etag_length = etag.len() as u8;
            self.etag.iter_mut().zip(etag).for_each(|(to, from)| *to = *from);
            (self.code, self.format) = (Some(code), format);
        } else if !same(self.etag.get(..usize::from(self.etag_length)).unwrap_or_default(), etag)
            || self.format != format
        {
            // 2.4: blocks of different representations are not put together; 2.3: nor those of different formats.
            return Err(Fault::Changed);
        }
        self.size = message.size2().or(self.size);
        // No slice is longer than the rest of the numbers would be: the sum does not wrap.
        let end = offset.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        if end > settings.max_body || more && end >> (self.szx + 4) > Block::MAX_NUM {
            return Err(Fault::TooLong);
        }
        self.offset = end;
        Ok(Part { code, offset, bytes, last: !more })
    }
}
