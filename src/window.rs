//! A piece of a text that is written from its beginning to its end.

use core::fmt;

/// Keeps, of all that is written, the bytes from an offset on that fit into a buffer, and counts the rest.
///
/// With it one block of a long text is rendered without the whole of it anywhere, and without anything kept from one
/// block to the next: the text is written anew for each (RFC 7959 2.2), and has to be the same each time.
///
/// ```
/// use coaplet::Window;
/// use core::fmt::Write;
///
/// let mut block = [0; 4];
/// let mut window = Window::new(4, &mut block);
/// write!(window, "{}", "one two three")?;
/// assert_eq!(window.written(), b"two ");
/// assert_eq!((window.total(), window.more()), (13, true));
/// # Ok::<(), core::fmt::Error>(())
/// ```
///
/// For an answer in blocks it is what fills the room that [`Body::read`](crate::block::Body::read) lends:
///
/// ```
/// use coaplet::block::{Asked, Body, Settings, serve};
/// use coaplet::{Code, Header, Message, Window, Writer};
/// use core::fmt::Write;
///
/// let mut read = |offset: u32, room: &mut [u8]| {
///     let mut window = Window::new(offset as usize, room);
///     let _ = (0..100).try_for_each(|number| write!(window, "{number},")); // a window takes whatever is written
///     window.written().len()
/// };
///
/// let request = Message::parse(b"\x40\x01\x00\x01\xd1\x0a\x12")?; // Block2 1/0/64
/// let mut buffer = [0; 128];
/// let mut writer = Writer::new(&mut buffer, Header::acknowledgement(Code::CONTENT, 1), &[]);
/// serve(&mut writer, &Asked::of(&request), Body::read(&mut read), &Settings::DEFAULT);
/// let length = writer.finish()?;
///
/// let answer = Message::parse(&buffer[..length])?;
/// assert!(answer.payload().starts_with(b",25,26,") && answer.block2().is_some_and(|block| block.more()));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Window<'b> {
    room: &'b mut [u8],
    offset: usize,
    total: usize,
}

impl<'b> Window<'b> {
    /// A window on what is written behind the first `offset` bytes, as long as `room`.
    #[must_use]
    pub const fn new(offset: usize, room: &'b mut [u8]) -> Window<'b> {
        Window { room, offset, total: 0 }
    }

    /// What was written into the window.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        let length = self.total.saturating_sub(self.offset).min(self.room.len());
        self.room.get(..length).unwrap_or_default()
    }

    /// How many bytes were written in all: before the window, into it and behind it.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.total
    }

    /// Whether something was written behind the window.
    #[must_use]
    pub const fn more(&self) -> bool {
        self.total > self.offset.saturating_add(self.room.len())
    }

    /// Writes bytes.
    pub fn write(&mut self, bytes: &[u8]) {
        // What of these is before the window, and where in the window the rest goes.
        let before = self.offset.saturating_sub(self.total);
        let at = self.total.saturating_sub(self.offset);
        let room = self.room.get_mut(at..).unwrap_or_default();
        room.iter_mut().zip(bytes.get(before..).unwrap_or_default()).for_each(|(to, from)| *to = *from);
        self.total = self.total.saturating_add(bytes.len());
    }
}

impl fmt::Write for Window<'_> {
    /// Never an error: what is not in the window is counted.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    /// Every window on a text, whatever pieces it is written in: all that is in it, and no more.
    #[test]
    fn every_window() {
        let text: Vec<u8> = (0..40).collect();
        let mut ran = 0;
        for pieces in 1..=40 {
            for offset in 0..=42 {
                for length in [0, 1, 3, 39, 40, 41] {
                    let mut room = vec![0xff; length];
                    let mut window = Window::new(offset, &mut room);
                    text.chunks(pieces).for_each(|piece| window.write(piece));
                    let end = (offset + length).min(40);
                    assert_eq!(window.written(), text.get(offset..end).unwrap_or_default());
                    assert_eq!((window.total(), window.more()), (40, 40 > offset + length));
                    ran += 1;
                }
            }
        }
        assert_eq!(ran, 40 * 43 * 6);
    }

    #[test]
    fn far_beyond() {
        let mut window = Window::new(usize::MAX, &mut []);
        window.write(b"text");
        assert_eq!((window.written(), window.total(), window.more()), (&b""[..], 4, false));
        let mut room = [0; 4];
        let window = Window { total: usize::MAX, ..Window::new(0, &mut room) };
        assert!(window.more() && window.written() == [0; 4]);
    }
}
