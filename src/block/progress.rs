//! What a client's transfer tells the application.

use crate::endpoint::Failure;
use crate::wire::Code;
use core::fmt;

/// How a transfer goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "it says whether something came, and whether it is over"]
pub enum Progress<'d> {
    /// Bytes of the answer. If they are not the last, ask for the next.
    Part(Part<'d>),
    /// A block has arrived at the server, or is to be sent or asked for again: ask.
    Next,
    /// It starts over: what was handed over is of no use, and the first block is next. Ask.
    Restarted,
    /// It has ended without all of the answer.
    Failed(Fault),
}

/// Bytes of the answer, where they lie in the datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Part<'d> {
    /// The code of the answer: the same in all parts. An error is an answer too, and may have a body.
    pub code: Code,
    /// Where they belong in the body, in bytes from its start. Each part begins where the one before it ends.
    pub offset: u32,
    /// The bytes: up to 1024, or all of the body.
    pub bytes: &'d [u8],
    /// Whether the body ends with them.
    pub last: bool,
}

impl Part<'_> {
    /// Puts the bytes where they belong in a buffer for the whole body. False if they do not fit: the buffer is shorter
    /// than [`max_body`](super::Settings::max_body).
    ///
    /// ```
    /// use coaplet::Code;
    /// use coaplet::block::Part;
    ///
    /// let mut body = [0; 100];
    /// let part = Part { code: Code::CONTENT, offset: 64, bytes: b"the end", last: true };
    /// assert!(part.copy_to(&mut body));
    /// assert_eq!((&body[64..71], part.end()), (&b"the end"[..], 71));
    /// ```
    #[must_use]
    pub fn copy_to(&self, body: &mut [u8]) -> bool {
        put(body, self.offset, self.bytes)
    }

    /// Where they end: with the last part, the length of the body.
    #[must_use]
    pub const fn end(&self) -> u32 {
        self.offset.saturating_add(self.bytes.len() as u32)
    }
}

/// A [`Progress`] in a byte: the rest stands in the response and in the transfer. Those that end it are behind the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Part,
    Next,
    Restarted,
    Last,
    Refused,
    Changed,
    TooLong,
    Incomplete,
    TooLarge,
    WrongBlock,
    WrongLength,
    Ignored,
}

impl Step {
    pub(super) const fn is_last(self) -> bool {
        self as u8 >= Step::Last as u8
    }
}

/// Puts bytes where they belong. False if they do not fit.
pub(super) fn put(body: &mut [u8], offset: u32, bytes: &[u8]) -> bool {
    match body.get_mut(offset as usize..).and_then(|room| room.get_mut(..bytes.len())) {
        Some(room) => {
            room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            true
        }
        None => false,
    }
}

/// Why a transfer has ended without all of the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Fault {
    /// A request has ended without a response; one that timed out was made again as often as the settings say.
    NoResponse(Failure),
    /// In the middle of the body the server answers something else.
    Refused(Code),
    /// The representation has changed, or its format, once more than the transfer may start over.
    Changed,
    /// The body is longer than it may be: [`max_body`](super::Settings::max_body), or what block numbers can count.
    TooLong,
    /// The server has lost the first blocks (4.08), once more than the transfer may start over.
    Incomplete,
    /// The server does not take a body of this length (4.13).
    TooLarge {
        /// How many bytes it would take (Size1).
        most: u32,
    },
    /// The server's fault: not the block that was asked for or sent, or a size above the one that was.
    WrongBlock,
    /// The server's fault: the payload has not the length that Block2 says.
    WrongLength,
    /// The server's fault: an answer without the Block option that this one needs.
    Ignored,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NoResponse(why) => write!(f, "no response to a block: {why:?}"),
            Fault::Refused(code) => write!(f, "the server broke off with {code}"),
            Fault::Changed => f.write_str("the representation changes faster than it is fetched"),
            Fault::TooLong => f.write_str("the body is longer than it may be: allow more, or fetch a part of it"),
            Fault::Incomplete => f.write_str("the server loses the blocks that it was sent"),
            Fault::TooLarge { most } => write!(f, "the body is too large: the server takes {most} bytes"),
            Fault::WrongBlock => f.write_str("the server answers with another block than the one that is due"),
            Fault::WrongLength => f.write_str("the payload of a block has not the length that it is said to have"),
            Fault::Ignored => f.write_str("the server ignores the Block option"),
        }
    }
}

impl core::error::Error for Fault {}
