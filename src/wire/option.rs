//! The delta-encoded sequence of options (RFC 7252 3.1): one step that checks, and the iterators over what was checked.

use super::{OptionNumber, ParseErrorKind};

/// The most bytes that an option value or a token can have: two extension bytes reach 65535 + 269.
pub const MAX_LENGTH: usize = 65_804;

/// In place of a delta or length whose extension bytes are missing: more than any slice has bytes, and not enough to wrap
/// when it is added to an offset in one.
const MISSING: usize = usize::MAX / 2 + 1;

// A length of up to 65804 has to fit behind any offset.
#[cfg(target_pointer_width = "16")]
compile_error!("Coaplet needs a usize of 32 bits or more");

/// The byte or two at `at` that extend a nibble of 13 or 14 (RFC 7252 3.1, RFC 8974 2.1): its value, and where to read on.
///
/// Bytes that are not there make the value [`MISSING`], which no check of a length or number lets pass.
// Not to be inlined where size counts: few options get here.
fn extension(nibble: u8, bytes: &[u8], at: usize) -> (usize, usize) {
    let bytes = bytes.get(at..).unwrap_or(&[]);
    match *bytes {
        [low, ..] if nibble == 13 => (usize::from(low).wrapping_add(13), at.wrapping_add(1)),
        [high, low, ..] if nibble == 14 => {
            (usize::from(u16::from_be_bytes([high, low])).wrapping_add(269), at.wrapping_add(2))
        }
        _ => (MISSING, at),
    }
}

/// The token of RFC 7252 section 3 or RFC 8974 2.1, and what is behind it. `tkl` may be 15.
#[inline]
pub(crate) fn split_token(tkl: u8, mut rest: &[u8]) -> Result<(&[u8], &[u8]), ParseErrorKind> {
    let mut length = usize::from(tkl);
    if length >= 13 {
        let at;
        (length, at) = extension(tkl, rest, 0);
        rest = rest.get(at..).unwrap_or(&[]);
    }
    match rest.split_at_checked(length) {
        Some(parts) => Ok(parts),
        None if tkl == 15 => Err(ParseErrorKind::TokenLengthReserved),
        None if length == MISSING => Err(ParseErrorKind::TruncatedTokenLength),
        None => Err(ParseErrorKind::TruncatedToken),
    }
}

/// The options, and the payload behind their marker.
type Parts<'d> = (&'d [u8], &'d [u8]);

/// Checks the options at the start of `bytes` and splits them from the payload. An error comes with the place where it is.
// Nibbles below 13, that is all but a few, are looked at once each.
#[inline]
pub(crate) fn check(bytes: &[u8]) -> Result<Parts<'_>, (ParseErrorKind, usize)> {
    let end = bytes.len();
    let (mut here, mut number) = (0_usize, 0_usize);
    let Some(&(mut first)) = bytes.first() else { return Ok((bytes, &[])) };
    let kind = loop {
        let mut at = here.wrapping_add(1);
        let mut delta = usize::from(first >> 4);
        if first >= 0xd0 {
            if first == 0xff {
                match bytes.split_at_checked(here) {
                    Some((options, [_marker, payload @ ..])) if !payload.is_empty() => return Ok((options, payload)),
                    _ => break ParseErrorKind::PayloadMarkerWithoutPayload,
                }
            }
            (delta, at) = extension(first >> 4, bytes, at);
        }
        number = number.wrapping_add(delta);
        if number > 0xffff {
            if first >= 0xf0 {
                break ParseErrorKind::OptionDeltaReserved;
            }
            if delta != MISSING {
                break ParseErrorKind::OptionNumberOverflow;
            }
            return Err((ParseErrorKind::TruncatedOptionHeader, end));
        }
        let mut length = usize::from(first & 15);
        if length >= 13 {
            (length, at) = extension(first & 15, bytes, at);
        }
        let behind = at.wrapping_add(length);
        match bytes.get(behind) {
            Some(&next) => first = next,
            None if behind == end => return Ok((bytes, &[])),
            None if first & 15 == 15 => break ParseErrorKind::OptionLengthReserved,
            None if length == MISSING => return Err((ParseErrorKind::TruncatedOptionHeader, end)),
            None => return Err((ParseErrorKind::TruncatedOptionValue, end)),
        }
        here = behind;
    };
    Err((kind, here))
}

/// The options of a message in wire order, which is ascending by number: made by [`Message::options`](super::Message::options).
///
/// The bytes were checked by [`Message::parse`](super::Message::parse), so that the walk ends at the last option and
/// nowhere before.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<'d> {
    rest: &'d [u8],
    number: u16,
}

impl<'d> Options<'d> {
    /// `checked`: option bytes without the payload marker, that `step` has walked once.
    #[inline]
    pub(crate) const fn new(checked: &'d [u8]) -> Options<'d> {
        Options { rest: checked, number: 0 }
    }

    /// How many bytes are still to be walked.
    #[inline]
    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }
}

impl<'d> Iterator for Options<'d> {
    type Item = (OptionNumber, &'d [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        // Nothing of this can fail after `parse`: the `?` are there because the compiler does not know it.
        let (&first, mut rest) = self.rest.split_first()?;
        let mut delta = usize::from(first >> 4);
        if first >= 0xd0 {
            let at;
            (delta, at) = extension(first >> 4, rest, 0);
            rest = rest.get(at..)?;
        }
        let mut length = usize::from(first & 15);
        if first & 15 >= 13 {
            let at;
            (length, at) = extension(first & 15, rest, 0);
            rest = rest.get(at..)?;
        }
        let (value, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        self.number = self.number.wrapping_add(delta as u16);
        Some((OptionNumber::new(self.number), value))
    }
}

impl core::iter::FusedIterator for Options<'_> {}

/// The values of one option number, in wire order: made by [`Message::options_of`](super::Message::options_of).
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OptionsOf<'d> {
    options: Options<'d>,
    number: OptionNumber,
}

impl<'d> OptionsOf<'d> {
    #[inline]
    pub(crate) const fn new(options: Options<'d>, number: OptionNumber) -> OptionsOf<'d> {
        OptionsOf { options, number }
    }
}

impl<'d> Iterator for OptionsOf<'d> {
    type Item = &'d [u8];

    #[inline]
    fn next(&mut self) -> Option<&'d [u8]> {
        loop {
            let (number, value) = self.options.next()?;
            if number == self.number {
                return Some(value);
            }
            if number > self.number {
                // Options ascend: none follows. Ends the walk for good.
                self.options = Options::new(&[]);
                return None;
            }
        }
    }
}

impl core::iter::FusedIterator for OptionsOf<'_> {}
