//! Writes a message in place. The caller's buffer is all there is: nothing is staged, nothing allocated.

use super::option::{MAX_LENGTH, Options, SMALL};
use super::{Code, Header, Message, OptionNumber, Type, WriteError, uint};
use crate::copy::copy;

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

/// What a writer knows of a message, without the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Draft {
    error: Option<WriteError>,
    length: usize,
    room: usize,
    pub(crate) code: Code,
}

impl Draft {
    /// What is wrong with it, as [`Writer::finish`] would say.
    #[inline(always)]
    pub(crate) fn error(&self) -> Option<WriteError> {
        match self.error {
            Some(error) => Some(in_words(error)),
            None if self.length > self.room => Some(too_small(self.length)),
            None => (self.code == Code::EMPTY && self.length != 4).then_some(WriteError::EmptyWithContent),
        }
    }
}

/// An error as it is told: behind the payload, as `refuse` has it.
#[inline(always)]
fn in_words(error: WriteError) -> WriteError {
    match error {
        WriteError::OutOfOrder { number, after } if after <= number => WriteError::OptionAfterPayload { number },
        error => error,
    }
}

/// The error of what is longer than the buffer.
#[inline(always)]
const fn too_small(length: usize) -> WriteError {
    WriteError::BufferTooSmall { needed: if length < ENDLESS { length } else { usize::MAX } }
}

/// Behind every option number.
const PAYLOAD: u32 = 0x1_0000;

/// Where counting ends. No slice is longer, and a few bytes of header fit behind it: so a message never wraps.
const ENDLESS: usize = usize::MAX / 2;

impl<'b> Writer<'b> {
    /// Begins a message: header and token (RFC 7252 section 3; tokens longer than 12 bytes as RFC 8974 2.1).
    ///
    /// The buffer is as long as the longest message may become: 1152 bytes is what RFC 7252 4.6 assumes of a peer of
    /// which nothing is known. Sticky errors: [`WriteError::TooLong`] for a token of more than 65804 bytes; and for a
    /// code that may not stand in this type of message (RFC 7252 4.2) one that says why.
    #[inline(always)]
    #[must_use]
    pub fn new(buffer: &'b mut [u8], header: Header, token: &[u8]) -> Writer<'b> {
        let mut writer = Writer::blank(buffer);
        writer.begin_with(header, token);
        writer
    }

    /// Nothing is written yet: [`begin_with`](Writer::begin_with) is to follow. In two steps the writer is made where it
    /// stays, rather than moved there.
    #[inline]
    pub(crate) const fn blank(buffer: &'b mut [u8]) -> Writer<'b> {
        Writer { buffer, length: 0, last: 0, error: None }
    }

    /// Begins a blank message: header and token.
    #[inline]
    pub(crate) fn begin_with(&mut self, header: Header, token: &[u8]) {
        if !header.is_sound() {
            self.misplaced(header);
        }
        self.begin_sound(header, token, true);
    }

    /// As [`begin_with`](Writer::begin_with), where the code may stand in this type of message; `long`: whether the token
    /// may have more than 12 bytes.
    #[inline]
    pub(crate) fn begin_sound(&mut self, header: Header, token: &[u8], long: bool) {
        if long {
            self.begin(header, token.len());
        } else {
            self.length = 4;
            if let Some(bytes) = self.buffer.first_chunk_mut() {
                *bytes = header.to_bytes(token.len() as u8 & 15);
            }
        }
        // Every Empty message is without a token, and so are many others.
        if SMALL || !token.is_empty() {
            self.put(token);
        }
    }

    /// As [`begin_sound`](Writer::begin_sound), with a token of so many bytes that `fill` writes where it is to stand, if
    /// it fits.
    pub(crate) fn begin_filling(&mut self, header: Header, length: usize, fill: impl FnOnce(&mut [u8])) {
        self.begin(header, length);
        let start = self.length;
        self.length = start.saturating_add(length).min(ENDLESS);
        if let Some(room) = self.buffer.get_mut(start..self.length) {
            fill(room);
        }
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
    /// [`WriteError::TooLong`] for more than 65804 bytes. Whether the value suits the option (RFC 7252 5.10) is
    /// not looked at here; the setters with an option's name see to it.
    #[inline]
    pub fn option(&mut self, number: OptionNumber, value: &[u8]) -> &mut Self {
        let Some(delta) = u32::from(number.get()).checked_sub(self.last) else { return self.refuse(number) };
        self.last = u32::from(number.get());
        // Most options have a header of one byte.
        if !SMALL && delta < 13 && value.len() < 13 {
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

    /// As [`option`](Writer::option), with a value of so many bytes, given one by one.
    pub(crate) fn option_of(
        &mut self,
        number: OptionNumber,
        length: usize,
        value: impl Iterator<Item = u8>,
    ) -> &mut Self {
        let Some(delta) = u32::from(number.get()).checked_sub(self.last) else { return self.refuse(number) };
        self.last = u32::from(number.get());
        self.put_option_header(delta as usize, length);
        value.take(length).for_each(|byte| self.push(byte));
        self.length = self.length.min(ENDLESS);
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
    /// is known. With it `needed` of [`WriteError::BufferTooSmall`] becomes a lower bound, still greater than the
    /// buffer.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    pub fn insert(&mut self, number: OptionNumber, value: &[u8]) -> &mut Self {
        if u32::from(number.get()) >= self.last {
            return self.option(number, value);
        }
        let number = usize::from(number.get());
        let end = self.length;
        let place = self.buffer.get(..end).and_then(|written| place(written, number));
        let Some(place) = place else {
            // What is behind the end of the buffer is not there to be looked at: this much is sure.
            self.length = end.saturating_add(value.len());
            return self;
        };
        let &Place { at, behind, .. } = &place;
        // Never less than what was there: the header of the option that follows loses less than this one brings.
        let mut new = Writer::blank(&mut []);
        new.put_between(&place, value);
        let grown = new.length.saturating_sub(behind.wrapping_sub(at));
        let length = end.saturating_add(grown);
        // Room comes first.
        if length <= self.buffer.len() {
            for from in (behind..end).rev() {
                let byte = self.buffer.get(from).copied().unwrap_or(0);
                if let Some(to) = self.buffer.get_mut(from.wrapping_add(grown)) {
                    *to = byte;
                }
            }
            self.length = at;
            self.put_between(&place, value);
        }
        self.length = length;
        self
    }

    /// Writes an option, and the header of the one that follows it.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(always))]
    fn put_between(&mut self, place: &Place, value: &[u8]) {
        self.put_option_header(place.delta, value.len());
        self.put(value);
        if let Some((next, length)) = place.follower {
            self.put_option_header(next, length);
        }
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
        let used = fill(self.buffer.get_mut(start..).unwrap_or_default());
        if used > 0 {
            self.begin_payload();
            self.length = self.length.saturating_add(used).min(ENDLESS);
        }
        self
    }

    /// Lends room for a payload of at most so many bytes, where there is none yet; [`end_payload`](Writer::end_payload) is
    /// to follow.
    pub(crate) fn room_for_payload(&mut self, most: usize) -> &mut [u8] {
        self.push(0xff);
        let room = self.buffer.get_mut(self.length..).unwrap_or_default();
        let most = most.min(room.len());
        room.get_mut(..most).unwrap_or_default()
    }

    /// How many bytes it has, a few more than there was room for among them. Without any there is no marker.
    pub(crate) fn end_payload(&mut self, used: usize) {
        if used > 0 {
            self.last = PAYLOAD;
        }
        self.length = self.length.wrapping_add(used).wrapping_sub(usize::from(used == 0)).min(ENDLESS);
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
    /// The first error of the calls before; [`WriteError::BufferTooSmall`] if the message is longer than the buffer;
    /// and what [`Message::parse`] would refuse: an Empty message with content, a code that may not stand in this type.
    /// The buffer holds no message then.
    #[inline]
    pub fn finish(&self) -> Result<usize, WriteError> {
        if let Some(error) = self.error {
            return Err(in_words(error));
        }
        let length = self.length;
        if length > self.buffer.len() {
            return Err(too_small(length));
        }
        match self.buffer.get(1) {
            Some(0) if length != 4 => Err(WriteError::EmptyWithContent),
            _ => Ok(length),
        }
    }

    /// What is known of the message so far.
    #[inline(always)]
    pub(crate) fn state(&self) -> Draft {
        Draft { error: self.error, length: self.length, room: self.buffer.len(), code: self.present_code() }
    }

    /// As [`finish`](Writer::finish), without a word about what is wrong.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline)]
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(always))]
    pub(crate) fn written(&self) -> Option<usize> {
        let length = self.length;
        if !self.is_well() || length != 4 && self.buffer.get(1) == Some(&0) { None } else { Some(length) }
    }

    /// Whether nothing is wrong with what is written, unless that is an Empty message.
    #[inline(always)]
    pub(crate) fn is_well(&self) -> bool {
        self.error.is_none() && self.length <= self.buffer.len()
    }

    /// The bytes of the message so far, also of what did not fit.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// The code that is written at present.
    pub(crate) fn present_code(&self) -> Code {
        self.buffer.get(1).map_or(Code::EMPTY, |&byte| Code::from_byte(byte))
    }

    /// The bytes of the message, if nothing is wrong with it but perhaps that it is Empty and has content.
    #[inline]
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        if self.error.is_some() { None } else { self.buffer.get(..self.length) }
    }

    /// The message becomes no longer than this.
    pub(crate) fn limit(&mut self, most: usize) {
        let most = most.min(self.buffer.len());
        self.buffer = core::mem::take(&mut self.buffer).get_mut(..most).unwrap_or_default();
    }

    /// How long the message may become.
    pub(crate) const fn room(&self) -> usize {
        self.buffer.len()
    }

    /// A writer into nothing that counts on from here: how long the message would become. Where options of a higher
    /// number than this were written, what is appended is counted as if it stood alone, which is never less than what
    /// it takes between them.
    pub(crate) fn counter(&self, number: OptionNumber) -> Writer<'static> {
        let last = if self.last > u32::from(number.get()) { 0 } else { self.last };
        Writer { buffer: &mut [], length: self.length, last, error: None }
    }

    /// Takes back what is behind the token, and a fault that was made there.
    pub(crate) fn restart(&mut self) -> &mut Self {
        if let Some((&[first, _, _, _], rest)) = self.buffer.split_first_chunk() {
            let mut walk = Options::new(rest);
            if walk.take_value(first & 15).is_some() {
                self.length = rest.len().wrapping_sub(walk.left()).wrapping_add(4);
                self.last = 0;
                self.error = None;
            }
        }
        self
    }

    /// Takes back the option that was written last, if it has this number, and its value is to go. No payload was written.
    pub(crate) fn take_back(&mut self, number: OptionNumber, is_to_go: impl FnOnce(&[u8]) -> bool) {
        if self.last != u32::from(number.get()) {
            return;
        }
        let before = usize::from(number.get()).wrapping_sub(1);
        let Some(written) = self.buffer.get(..self.length) else { return };
        let Some(Place { at, behind, delta, follower: Some(_) }) = place(written, before) else { return };
        if written.get(behind..).is_some_and(is_to_go) {
            self.length = at;
            self.last = before.wrapping_sub(delta) as u32;
        }
    }

    /// Takes back so many bytes of the payload, which has more than that.
    pub(crate) fn shorten(&mut self, bytes: usize) {
        self.length = self.length.saturating_sub(bytes);
    }

    /// Whether a payload has begun.
    pub(crate) const fn has_payload(&self) -> bool {
        self.last == PAYLOAD
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

    /// Writes the header, and how long the token is.
    #[inline]
    fn begin(&mut self, header: Header, token: usize) {
        self.length = 4;
        let tkl = self.put_extension(token);
        if let Some(bytes) = self.buffer.first_chunk_mut() {
            *bytes = header.to_bytes(tkl);
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
        // Behind the payload `after` becomes 0, by which `finish` knows it.
        self.fail(WriteError::OutOfOrder { number, after: OptionNumber::new(self.last as u16) })
    }

    #[inline]
    fn begin_payload(&mut self) {
        if self.last != PAYLOAD {
            self.last = PAYLOAD;
            self.push(0xff);
        }
    }

    /// Appends bytes; what does not fit is counted.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        if SMALL {
            for &byte in bytes {
                self.push(byte);
            }
            self.length = self.length.min(ENDLESS);
            return;
        }
        if let Some(room) = self.buffer.get_mut(self.length..) {
            copy(room, bytes);
        }
        self.length = self.length.wrapping_add(bytes.len()).min(ENDLESS);
    }

    /// Appends a byte; what does not fit is counted.
    pub(crate) fn push(&mut self, byte: u8) {
        if let Some(to) = self.buffer.get_mut(self.length) {
            *to = byte;
        }
        self.length = self.length.wrapping_add(1);
    }

    /// The first byte of an option and what extends it.
    fn put_option_header(&mut self, delta: usize, length: usize) {
        let at = self.length;
        self.length = at.wrapping_add(1);
        let delta = self.put_extension(delta);
        let length = self.put_extension(length);
        if let Some(to) = self.buffer.get_mut(at) {
            *to = delta << 4 | length;
        }
    }

    /// Writes the bytes that extend a nibble, none below 13, then one, from 269 two, and gives the nibble.
    fn put_extension(&mut self, value: usize) -> u8 {
        let mut nibble = value;
        if value >= 13 {
            nibble = 13;
            let mut value = value.wrapping_sub(13);
            if value >= 256 {
                nibble = 14;
                value = value.wrapping_sub(256);
                if value > 0xffff {
                    self.fail(WriteError::TooLong { length: value.saturating_add(269), limit: MAX_LENGTH });
                }
                self.push((value >> 8) as u8);
            }
            self.push(value as u8);
        }
        nibble as u8
    }
}

/// Where an option is to be inserted.
struct Place {
    /// The first byte of it.
    at: usize,
    /// What is behind the header of the option that follows.
    behind: usize,
    /// The number less that of the option before it.
    delta: usize,
    /// Delta and length of the option that follows, if one does.
    follower: Option<(usize, usize)>,
}

fn place(written: &[u8], number: usize) -> Option<Place> {
    let (&[first, _, _, _], rest) = written.split_first_chunk()?;
    let mut walk = Options::new(rest);
    walk.take_value(first & 15)?;
    loop {
        let at = written.len().wrapping_sub(walk.left());
        let delta = number.wrapping_sub(walk.number());
        let Some(value) = walk.step() else { return Some(Place { at, behind: at, delta, follower: None }) };
        if let Some(next @ 1..) = walk.number().checked_sub(number) {
            let behind = written.len().wrapping_sub(walk.left()).wrapping_sub(value.len());
            return Some(Place { at, behind, delta, follower: Some((next, value.len())) });
        }
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
