//! With a heap: a message of any length.

use super::{Header, WriteError, Writer};
use alloc::vec;
use alloc::vec::Vec;

/// Writes a message into a `Vec` that grows until the message fits. Feature `alloc`.
///
/// `build` is called once, and again with a larger buffer each time that [`WriteError::BufferTooSmall`] says so.
///
/// ```
/// use coaplet::{Code, Header, OptionNumber, wire};
/// let datagram = wire::to_vec(Header::confirmable(Code::GET, 1), &[], |writer| {
///     writer.option(OptionNumber::URI_PATH, b"time");
/// })?;
/// assert_eq!(datagram, b"\x40\x01\x00\x01\xb4time");
/// # Ok::<(), coaplet::WriteError>(())
/// ```
///
/// # Errors
///
/// Those of [`Writer::finish`], but for `BufferTooSmall`.
pub fn to_vec(header: Header, token: &[u8], mut build: impl FnMut(&mut Writer<'_>)) -> Result<Vec<u8>, WriteError> {
    let mut buffer = vec![0; 128];
    loop {
        let mut writer = Writer::new(&mut buffer, header, token);
        build(&mut writer);
        match writer.finish() {
            Ok(length) => {
                buffer.truncate(length);
                return Ok(buffer);
            }
            Err(WriteError::BufferTooSmall { needed }) => {
                // Where `needed` is only a lower bound, doubling keeps the number of attempts small.
                let length = needed.max(buffer.len().saturating_mul(2));
                buffer.clear();
                buffer.resize(length, 0);
            }
            Err(error) => return Err(error),
        }
    }
}
