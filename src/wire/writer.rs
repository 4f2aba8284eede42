//! Writes a message in place. The caller's buffer is all there is: nothing is staged, nothing allocated.

use super::option::{self, MAX_LENGTH, Options};
use super::{Code, Header, Message, OptionNumber, Type, WriteError, uint};

/// Writes one message into a buffer: header and token, options, payload, then [`finish`](Writer::finish).
///
/// Errors are sticky: calls chain without a `?`, and `finish` tells the first thing that went wrong. A message for
/// which the buffer was too small is counted on to its end, so that the caller learns how much it takes.
///
/// What `finish` has passed, [`Message::parse`] accepts and reads back the same.
///
/// ```
/// use coaplet::{Code, Header, OptionNumber, Writer};
///
/// let mut buffer = [0; 64];
/// let length = Writer::new(&mut buffer, Header::confirmable(Code::GET, 0x7d34), &[0x53])
///     .option(OptionNumber::URI_PATH, b"sensors")
///     .option(OptionNumber::URI_PATH, b"temp")
///     .finish()?;
/// assert_eq!(buffer[..length], *b"\x41\x01\x7d\x34\x53\xb7sensors\x04temp");
/// # Ok::<(), coaplet::WriteError>(())
/// ```
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    /// The length of the message so far, also of what did not fit. Never wraps.
    length: usize,
    /// The number of the last option, or [`PAYLOAD`] once the payload has begun.
    last: u32,
    error: Option<WriteError>,
}

/// Behind every option number.
const PAYLOAD: u32 = 0x1_0000;

/// The nibble for a delta or length (RFC 7252 3.1).
#[inline]
const fn nibble(value: usize) -> u8 {
    if value < 13 { value as u8 } else { long_nibble(value) }
}

// Apart, so that the common nibble is a branch not taken.
#[cold]
const fn long_nibble(value: usize) -> u8 {
    if value < 269 { 13 } else { 14 }
}

/// The bytes that an option's header takes: 1 to 5.
const fn header_length(delta: usize, length: usize) -> usize {
    1 + nibble(delta).saturating_sub(12) as usize + nibble(length).saturating_sub(12) as usize
}

/// Copies as much as both have. The slice's own `copy_from_slice` can panic where the optimiser does not see that the
/// lengths agree.
#[inline]
fn copy(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

impl<'b> Writer<'b> {
    /// Begins a message: header and token (RFC 7252 section 3; tokens longer than 12 bytes as RFC 8974 2.1).
    ///
    /// The buffer is as long as the longest message may become: 1152 bytes is what RFC 7252 4.6 assumes of a peer of
    /// which nothing is known. A token of more than 65804 bytes is the sticky error [`WriteError::TokenTooLong`].
    #[inline]
    #[must_use]
    pub fn new(buffer: &'b mut [u8], header: Header, token: &[u8]) -> Writer<'b> {
        let mut writer = Writer { buffer, length: 0, last: 0, error: None };
        writer.begin(header, token);
        writer
    }

    /// Replaces the code. One that may not stand in this type of message is a sticky error, as it is for `new`.
    pub fn code(&mut self, code: Code) -> &mut Self {
        if let [first, byte, _, _, ..] = self.buffer {
            *byte = code.to_byte();
            let header = Header::new(Type::from_bits(*first >> 4), code, 0);
            if !header.is_sound() {
                self.misplaced(header);
            }
        }
        self
    }

    /// Appends an option. Numbers ascend; equal numbers repeat the option.
    ///
    /// Sticky errors: [`WriteError::OutOfOrder`] for a number lower than the last, [`WriteError::OptionAfterPayload`],
    /// [`WriteError::ValueTooLong`] for more than 65804 bytes. Whether the value suits the option (RFC 7252 5.10) is
    /// not looked at here; the setters with an option's name see to it.
    #[inline]
    pub fn option(&mut self, number: OptionNumber, value: &[u8]) -> &mut Self {
        let Some(delta) = u32::from(number.get()).checked_sub(self.last) else { return self.refuse(number) };
        self.last = u32::from(number.get());
        // Most options have a header of one byte.
        if delta < 13 && value.len() < 13 {
            if let Some([head, room @ ..]) = self.buffer.get_mut(self.length..) {
                if let Some(room) = room.get_mut(..value.len()) {
                    *head = (delta << 4) as u8 | value.len() as u8;
                    copy(room, value);
                    self.length = self.length.wrapping_add(1).wrapping_add(value.len());
                    return self;
                }
            }
        }
        self.put_option_header(delta as usize, value.len());
        self.put(value);
        self
    }

    /// Appends an option with a uint value in its shortest form (RFC 7252 3.2). Errors as [`option`](Writer::option).
    #[inline]
    pub fn uint(&mut self, number: OptionNumber, value: u32) -> &mut Self {
        self.option(number, uint::encode(value).as_bytes())
    }

    /// Inserts an option at its place, whatever was written before, behind options of the same number.
    ///
    /// Options and payload that follow are moved, so that [`option`](Writer::option) is to be preferred where the order
    /// is known. With it `needed` of [`WriteError::BufferTooSmall`] becomes a lower bound, still greater than the buffer.
    pub fn insert(&mut self, number: OptionNumber, value: &[u8]) -> &mut Self {
        if u32::from(number.get()) >= self.last {
            return self.option(number, value);
        }
        let Some(place) = self.place(number) else {
            // What is behind the end of the buffer is not there to be looked at. One byte of header may be saved in
            // the option that follows, so that only these count for sure.
            let sure = value.len().saturating_add(header_length(0, value.len())).saturating_sub(1);
            self.length = self.length.saturating_add(sure);
            return self;
        };
        // The header of the option that follows may shrink, but by no more than the new one takes: the tail never moves
        // down.
        let follower = place.follower.unwrap_or_default();
        let grown = header_length(place.delta, value.len())
            .saturating_add(value.len())
            .saturating_add(follower.new_header())
            .saturating_sub(follower.header);
        let (at, end) = (place.at, self.length);
        self.length = end.saturating_add(grown);
        if self.length > self.buffer.len() {
            return self;
        }
        self.move_up(at.saturating_add(follower.header), end, grown);
        let length = core::mem::replace(&mut self.length, at);
        self.put_option_header(place.delta, value.len());
        self.put(value);
        if follower.header > 0 {
            self.put_option_header(follower.delta, follower.length);
        }
        self.length = length;
        self
    }

    /// Appends to the payload. The marker is written before the first byte; no bytes write none.
    #[inline]
    pub fn payload(&mut self, bytes: &[u8]) -> &mut Self {
        if !bytes.is_empty() {
            self.begin_payload();
            self.put(bytes);
        }
        self
    }

    /// Lends the room left for the payload, to be filled in place: by a sensor, a file, a serialiser.
    ///
    /// `fill` gives back how many bytes the payload takes from the start of the room. More than the room says that it
    /// did not fit: then [`finish`](Writer::finish) tells at least that much as `needed`.
    pub fn fill(&mut self, fill: impl FnOnce(&mut [u8]) -> usize) -> &mut Self {
        let start = self.length.saturating_add(usize::from(self.last != PAYLOAD));
        let used = fill(self.buffer.get_mut(start..).unwrap_or(&mut []));
        if used > 0 {
            self.begin_payload();
            self.length = self.length.saturating_add(used);
        }
        self
    }

    /// Copies from another message the options that `keep` says, and the payload: what a proxy does (RFC 7252 5.7).
    ///
    /// Header and token are this writer's own. Options already here, and those inserted afterwards, find their place.
    ///
    /// ```
    /// use coaplet::{Header, Message, OptionNumber, Writer};
    /// # let datagram = b"\x44\x01\x12\x35\x01\x02\x03\x04\x34host\x84temp";
    /// let request = Message::parse(datagram)?;
    /// let mut buffer = [0; 64];
    /// let length = Writer::new(&mut buffer, Header::confirmable(request.code(), 7), &[0xaa])
    ///     .copy_from(&request, |number, _| number != OptionNumber::URI_HOST)
    ///     .insert(OptionNumber::URI_HOST, b"inner")
    ///     .finish()?;
    /// assert_eq!(buffer[..length], *b"\x41\x01\x00\x07\xaa\x35inner\x84temp");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn copy_from(&mut self, message: &Message<'_>, mut keep: impl FnMut(OptionNumber, &[u8]) -> bool) -> &mut Self {
        for (number, value) in message.options() {
            if keep(number, value) {
                self.insert(number, value);
            }
        }
        self.payload(message.payload())
    }

    /// Ends the message and gives its length in bytes.
    ///
    /// # Errors
    ///
    /// The first error of the calls before; [`WriteError::BufferTooSmall`] if the message is longer than the buffer; and
    /// what [`Message::parse`] would refuse: an Empty message with content, a code that may not stand in this type. The
    /// buffer holds no message then.
    #[inline]
    pub fn finish(&self) -> Result<usize, WriteError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let length = self.length;
        if length > self.buffer.len() {
            return Err(WriteError::BufferTooSmall { needed: length });
        }
        match self.buffer.get(1) {
            Some(0) if length != 4 => Err(WriteError::EmptyWithContent),
            _ => Ok(length),
        }
    }

    /// Says why a message cannot begin with this header.
    #[cold]
    fn misplaced(&mut self, header: Header) {
        let code = header.code;
        self.fail(match header.message_type {
            _ if code.is_reserved_class() => WriteError::ReservedCodeClass { code },
            Type::Reset => WriteError::ResetNotEmpty,
            _ => WriteError::RequestInAcknowledgement,
        });
    }

    /// Writes header and token.
    #[inline]
    fn begin(&mut self, header: Header, token: &[u8]) {
        if !header.is_sound() {
            self.misplaced(header);
        }
        self.put(&header.to_bytes(nibble(token.len())));
        self.put_token(token);
    }

    fn put_token(&mut self, token: &[u8]) {
        // Every Empty message is without one, and so are many others.
        if !token.is_empty() {
            self.put_extension(token.len());
            self.put(token);
        }
    }

    /// Keeps the first error.
    #[cold]
    pub(crate) fn fail(&mut self, error: WriteError) -> &mut Self {
        if self.error.is_none() {
            self.error = Some(error);
        }
        self
    }

    /// Says why `option` did not take an option.
    #[cold]
    fn refuse(&mut self, number: OptionNumber) -> &mut Self {
        self.fail(match u16::try_from(self.last) {
            Ok(last) => WriteError::OutOfOrder { number, after: OptionNumber::new(last) },
            Err(_) => WriteError::OptionAfterPayload { number },
        })
    }

    #[inline]
    fn begin_payload(&mut self) {
        if self.last != PAYLOAD {
            self.last = PAYLOAD;
            self.put(&[0xff]);
        }
    }

    /// Appends bytes; what does not fit is counted.
    fn put(&mut self, bytes: &[u8]) {
        if let Some(room) = self.buffer.get_mut(self.length..).and_then(|room| room.get_mut(..bytes.len())) {
            copy(room, bytes);
        }
        self.length = self.length.saturating_add(bytes.len());
    }

    #[inline]
    fn put_option_header(&mut self, delta: usize, length: usize) {
        self.put(&[nibble(delta) << 4 | nibble(length)]);
        if delta >= 13 || length >= 13 {
            self.put_extension(delta);
            self.put_extension(length);
        }
    }

    /// The byte or two that extend a nibble, if it has any: of a delta, or of the length of a value or token.
    fn put_extension(&mut self, value: usize) {
        match value {
            0..13 => {}
            13..269 => self.put(&[(value - 13) as u8]),
            _ if value > MAX_LENGTH => {
                self.fail(WriteError::TooLong { length: value, limit: MAX_LENGTH });
            }
            _ => self.put(&((value - 269) as u16).to_be_bytes()),
        }
    }

    /// Moves `from..end` up by `by` bytes. A loop of its own: the slice's `copy_within` can panic.
    fn move_up(&mut self, from: usize, end: usize, by: usize) {
        let mut at = end;
        while at > from {
            at = at.wrapping_sub(1);
            let byte = self.buffer.get(at).copied();
            if let (Some(byte), Some(to)) = (byte, self.buffer.get_mut(at.wrapping_add(by))) {
                *to = byte;
            }
        }
    }

    /// Where an option of this number belongs; `None` when the message has outgrown the buffer.
    fn place(&self, number: OptionNumber) -> Option<Place> {
        let bytes = self.buffer.get(..self.length)?;
        let (&[first, _, _, _], rest) = bytes.split_first_chunk()?;
        let (_, rest) = option::split_token(first & 15, rest).ok()?;
        let (options, _payload) = option::check(rest).ok()?;
        let start = bytes.len().wrapping_sub(rest.len());
        let number = usize::from(number.get());
        let mut walk = Options::new(options);
        let mut before = 0;
        loop {
            let at = start.wrapping_add(options.len()).wrapping_sub(walk.left());
            let mut place = Place { at, delta: number.wrapping_sub(before), follower: None };
            let Some((here, value)) = walk.next() else { return Some(place) };
            let here = usize::from(here.get());
            if here > number {
                let behind = start.wrapping_add(options.len()).wrapping_sub(walk.left());
                let header = behind.wrapping_sub(value.len()).wrapping_sub(at);
                place.follower = Some(Follower { delta: here.wrapping_sub(number), length: value.len(), header });
                return Some(place);
            }
            before = here;
        }
    }
}

/// Where an option is to be inserted.
struct Place {
    /// Its first byte.
    at: usize,
    /// Its number less that of the option before it.
    delta: usize,
    follower: Option<Follower>,
}

/// The option behind an inserted one, whose header is to be written again. All 0 if there is none.
#[derive(Default)]
struct Follower {
    /// Its number less that of the inserted option.
    delta: usize,
    /// Of its value.
    length: usize,
    /// How many bytes its header takes now.
    header: usize,
}

impl Follower {
    /// How many bytes its header will take.
    fn new_header(&self) -> usize {
        if self.header == 0 { 0 } else { header_length(self.delta, self.length) }
    }
}

impl core::fmt::Write for Writer<'_> {
    /// Appends text to the payload. Never an error: what does not fit is counted, so that `finish` tells the length.
    #[inline]
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.payload(text.as_bytes());
        Ok(())
    }
}
