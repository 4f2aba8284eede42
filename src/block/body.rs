//! Where the bytes of a body come from.

use crate::copy::copy;
use core::fmt;

/// The body that is sent in blocks: read where it lies, a block at a time, and never held whole.
///
/// ```
/// use coaplet::block::Body;
///
/// // In memory ...
/// let manual = Body::slice(b"a long text");
/// // ... in flash or a file, of a length that is known ...
/// let flash = [0xff; 4096];
/// let mut read = |offset: u32, buffer: &mut [u8]| {
///     let from = flash.get(offset as usize..).unwrap_or_default();
///     buffer.iter_mut().zip(from).map(|(to, from)| *to = *from).count()
/// };
/// let image = Body::read(&mut read).of_length(4096);
/// // ... or made as it is asked for, up to where it ends.
/// let mut made = |offset: u32, buffer: &mut [u8]| {
///     let left = 1_000_000_u32.saturating_sub(offset).min(buffer.len() as u32) as usize;
///     buffer.iter_mut().take(left).for_each(|byte| *byte = b'.');
///     left
/// };
/// let dots = Body::read(&mut made);
/// # let _ = (manual, image, dots);
/// ```
pub struct Body<'b> {
    source: Source<'b>,
    /// In bytes; [`UNKNOWN`].
    length: u32,
}

/// A length that no body in blocks has.
pub(super) const UNKNOWN: u32 = super::options::NOT_SAID;

/// Fills a buffer from an offset on and says how many bytes it has put there.
type Read<'b> = dyn FnMut(u32, &mut [u8]) -> usize + 'b;

enum Source<'b> {
    Slice(&'b [u8]),
    Read(&'b mut Read<'b>),
}

impl<'b> Body<'b> {
    /// No bytes.
    pub const EMPTY: Body<'b> = Body::slice(&[]);

    /// Bytes that lie in memory.
    #[must_use]
    pub const fn slice(bytes: &'b [u8]) -> Body<'b> {
        let length = if bytes.len() < UNKNOWN as usize { bytes.len() as u32 } else { UNKNOWN };
        Body { source: Source::Slice(bytes), length }
    }

    /// Bytes that are read when they are needed, of a length that is not known: `read(offset, buffer)` fills the buffer
    /// with the bytes from there on, and says how many it has put there; fewer than there is room for only where the
    /// body ends.
    ///
    /// It is called for what lies behind a block as well, with a buffer of one byte, to know whether there is more; and
    /// for the same block again when that is sent again, and is to give the same bytes then.
    #[must_use]
    pub fn read(read: &'b mut Read<'b>) -> Body<'b> {
        Body { source: Source::Read(read), length: UNKNOWN }
    }

    /// The same, of a length in bytes that is known: what lies behind a block is not looked at, and the peer can be
    /// told. A slice has its own.
    #[must_use]
    pub fn of_length(self, length: u32) -> Body<'b> {
        match self.source {
            Source::Read(_) => Body { length: length.min(UNKNOWN), ..self },
            Source::Slice(_) => self,
        }
    }

    /// How many bytes; [`UNKNOWN`].
    pub(super) const fn raw_length(&self) -> u32 {
        self.length
    }

    /// How many bytes, if that is known.
    pub(super) fn length(&self) -> Option<u32> {
        Some(self.length).filter(|&length| length != UNKNOWN)
    }

    /// Fills the buffer, as far as there are bytes, and says how many it has.
    pub(super) fn fill(&mut self, offset: u32, buffer: &mut [u8]) -> usize {
        let most = buffer.len().min(self.length.saturating_sub(offset) as usize);
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        match &mut self.source {
            Source::Slice(bytes) => {
                copy(buffer, bytes.get(offset as usize..).unwrap_or_default());
                most
            }
            Source::Read(read) => read(offset, buffer).min(most),
        }
    }

    /// Whether there is a byte at this offset.
    pub(super) fn reaches(&mut self, offset: u32) -> bool {
        offset < self.length && (self.length != UNKNOWN || self.fill(offset, &mut [0]) > 0)
    }
}

impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("length", &self.length()).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Body<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Body({})", self.length());
    }
}
