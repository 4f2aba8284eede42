//! The blocks of a response, one after another: is this the one that is due, and of the same body?

use super::{Fault, Part, Settings};
use crate::wire::{Block, Code, ContentFormat, Message};

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
    of: Option<Identity>,
    /// The size of the next block.
    pub(super) szx: u8,
    /// Whether the request had a Block2, by which the response has to go.
    pub(super) asked: bool,
}

/// What is the same in all blocks of one body: RFC 7959 2.4, ETag; 2.3, the format. In numbers, which are quickly
/// compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Identity {
    code: Code,
    /// How long the ETag is; 0: there is none.
    etag_length: u8,
    format: Option<ContentFormat>,
    etag: [u32; 2],
}

impl Identity {
    fn of(message: &Message<'_>) -> Identity {
        let bytes = message.etag().unwrap_or_default();
        let mut etag = [0; 2];
        for byte in bytes {
            etag = [etag[0] << 8 | etag[1] >> 24, etag[1] << 8 | u32::from(*byte)];
        }
        Identity { code: message.code(), etag_length: bytes.len() as u8, format: message.content_format(), etag }
    }
}

impl Down {
    #[inline(always)]
    pub(super) const fn new(settings: &Settings) -> Down {
        Down { first: 0, offset: 0, size: None, of: None, szx: settings.szx(), asked: false }
    }

    /// From this block on.
    pub(super) const fn from(self, number: u32) -> Down {
        let offset = number << (self.szx + 4);
        Down { first: offset, offset, ..self }
    }

    /// From where it began.
    pub(super) fn restart(&mut self) {
        self.offset = self.first;
        self.of = None;
    }

    /// The block that a request is for, if it names one.
    pub(super) fn next(&self, early: bool) -> Option<Block> {
        if early || self.offset > 0 { Block::at(self.offset, false, self.szx) } else { None }
    }

    /// Whether no block was taken yet.
    pub(super) fn is_at_first(&self) -> bool {
        self.of.is_none()
    }

    pub(super) fn take<'d>(&mut self, message: &Message<'d>, settings: &Settings) -> Result<Part<'d>, Fault> {
        let (of, bytes, first) = (Identity::of(message), message.payload(), self.is_at_first());
        let code = of.code;
        if self.of.is_some_and(|of| of.code != code) {
            return Err(Fault::Refused(code));
        }
        let (mut offset, mut more) = (0, false);
        match message.block2() {
            Some(block) => {
                let szx = block.szx();
                // RFC 7959 2.2, 2.4: the block that was asked for, of the size that was asked for or a smaller one.
                if block.offset() != Some(self.offset) || self.asked && szx > self.szx {
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
            None if self.offset > 0 && (!first || code.is_success()) => return Err(Fault::Ignored),
            None => {}
        }
        if *self.of.get_or_insert(of) != of {
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
