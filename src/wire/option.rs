//! The delta-encoded sequence of options (RFC 7252 3.1): one step that checks, and the iterators over what was checked.

use super::{OptionNumber, ParseErrorKind};

/// The most bytes that an option value or a token can have: two extension bytes reach 65535 + 269.
pub const MAX_LENGTH: usize = 65_804;

/// In place of a delta or length whose extension bytes are missing: more than any slice has bytes, and not enough to
/// wrap when it is added to an offset in one.
const MISSING: usize = usize::MAX / 2 + 1;

// A length of up to 65804 has to fit behind any offset.
#[cfg(target_pointer_width = "16")]
compile_error!("Coaplet needs a usize of 32 bits or more");

/// Whether flash counts more than time: on bare metal, unless `--cfg coaplet_fast` is given, or by `--cfg coaplet_small`.
///
/// There all walks over options are calls of one small function, [`Options::step`]; elsewhere they are loops of their
/// own, which take fewer instructions. The test below compares the two, and CI runs all tests with either.
pub(crate) const SMALL: bool = cfg!(any(all(target_os = "none", not(coaplet_fast)), coaplet_small));

/// Whether these bytes are the same. On a device a small loop takes the place of `memcmp`.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    if !SMALL {
        return one == other;
    }
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one == other)
}

/// The byte or two at `at` that extend a nibble of 13 or 14 (RFC 7252 3.1, RFC 8974 2.1): its value, and where to read
/// on.
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
fn split_token(tkl: u8, mut rest: &[u8]) -> Result<(&[u8], &[u8]), ParseErrorKind> {
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

/// Token, options, and the payload behind their marker.
type Parts<'d> = (&'d [u8], &'d [u8], &'d [u8]);

/// Splits what is behind the header, and checks the options. `tkl` is at most 14. An error comes with how many bytes
/// there are behind the place where it is.
#[inline(always)]
pub(crate) fn split(tkl: u8, rest: &[u8]) -> Result<Parts<'_>, (ParseErrorKind, usize)> {
    if SMALL { split_small(tkl, rest) } else { split_fast(tkl, rest) }
}

#[inline(always)]
fn split_fast(tkl: u8, rest: &[u8]) -> Result<Parts<'_>, (ParseErrorKind, usize)> {
    let (token, rest) = split_token(tkl, rest).map_err(|kind| (kind, 0))?;
    let (options, payload) = check(rest)?;
    Ok((token, options, payload))
}

#[inline(always)]
fn split_small(tkl: u8, rest: &[u8]) -> Result<Parts<'_>, (ParseErrorKind, usize)> {
    let mut walk = Options::new(rest);
    let Some(token) = walk.take_value(tkl) else { return Err((ParseErrorKind::TruncatedToken, 0)) };
    if walk.number != 0 {
        return Err((ParseErrorKind::TruncatedTokenLength, 0));
    }
    let options = walk.rest;
    while walk.step().is_some() {}
    match walk.rest {
        [] => Ok((token, options, &[])),
        [0xff, payload @ ..] if !payload.is_empty() => Ok((token, options, payload)),
        _ => Err(walk.fault()),
    }
}

/// Options and payload, or what is wrong and how many bytes are behind the place where it is.
type Checked<'d> = Result<(&'d [u8], &'d [u8]), (ParseErrorKind, usize)>;

/// Checks the options at the start of `bytes` and splits them from the payload.
// Nibbles below 13, that is all but a few, are looked at once each.
#[inline]
fn check(bytes: &[u8]) -> Checked<'_> {
    let (mut here, mut number) = (0_usize, 0_usize);
    let Some(&(mut first)) = bytes.first() else { return Ok((bytes, &[])) };
    loop {
        let mut at = here.wrapping_add(1);
        let mut delta = usize::from(first >> 4);
        if first >= 0xd0 {
            if first == 0xff {
                match bytes.split_at_checked(here) {
                    Some((options, [_marker, payload @ ..])) if !payload.is_empty() => return Ok((options, payload)),
                    _ => break,
                }
            }
            (delta, at) = extension(first >> 4, bytes, at);
        }
        number = number.wrapping_add(delta);
        if number > 0xffff {
            number = number.wrapping_sub(delta);
            break;
        }
        let mut length = usize::from(first & 15);
        if length >= 13 {
            (length, at) = extension(first & 15, bytes, at);
        }
        let behind = at.wrapping_add(length);
        match bytes.get(behind) {
            Some(&next) => first = next,
            None if behind == bytes.len() => return Ok((bytes, &[])),
            None => {
                number = number.wrapping_sub(delta);
                break;
            }
        }
        here = behind;
    }
    Err(fault_at(bytes, here, number))
}

/// What is wrong with the option at `here`, once more and slowly.
#[cold]
#[inline(never)]
fn fault_at(bytes: &[u8], here: usize, number: usize) -> (ParseErrorKind, usize) {
    let mut walk = Options { rest: bytes.get(here..).unwrap_or_default(), number };
    walk.step();
    walk.fault()
}

/// The options of a message in wire order, which is ascending by number: made by
/// [`Message::options`](super::Message::options).
///
/// The bytes were checked by [`Message::parse`](super::Message::parse), so that the walk ends at the last option and
/// nowhere before.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<'d> {
    rest: &'d [u8],
    number: usize,
}

/// [`Options::number`] where an extension is cut off: a negative number, so to speak.
const CUT: usize = usize::MAX / 2 + 1;

/// [`Options::number`] where a nibble is 15.
const RESERVED: usize = CUT / 2;

impl<'d> Options<'d> {
    /// `checked`: option bytes that [`split`] has walked once. They end at the payload marker or with the bytes.
    #[inline]
    pub(crate) const fn new(checked: &'d [u8]) -> Options<'d> {
        Options { rest: checked, number: 0 }
    }

    /// What is still to be walked.
    #[inline]
    pub(super) const fn bytes(&self) -> &'d [u8] {
        self.rest
    }

    /// How many bytes are still to be walked.
    #[inline]
    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }

    /// The number of the last option.
    #[inline]
    pub(crate) const fn number(&self) -> usize {
        self.number
    }

    /// What a nibble and the byte or two behind it make (RFC 7252 3.1, RFC 8974 2.1).
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    fn extended(&mut self, nibble: usize) -> usize {
        if nibble < 13 {
            return nibble;
        }
        let bytes = self.rest;
        if nibble == 13 {
            if let Some((&low, behind)) = bytes.split_first() {
                self.rest = behind;
                return usize::from(low).wrapping_add(13);
            }
        } else if nibble == 14 {
            if let Some((&[high, low], behind)) = bytes.split_first_chunk() {
                self.rest = behind;
                return usize::from(u16::from_be_bytes([high, low])).wrapping_add(269);
            }
        } else {
            self.number = RESERVED;
            return 0;
        }
        self.number = CUT;
        0
    }

    /// As many bytes as a nibble says.
    #[inline(always)]
    pub(crate) fn take_value(&mut self, nibble: u8) -> Option<&'d [u8]> {
        let length = self.extended(usize::from(nibble));
        let (value, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(value)
    }

    /// The value of the next option, and `number` becomes its number. `None` at the end, at the payload marker and
    /// where something is wrong; then `rest` stays, and [`fault`](Options::fault) knows what it is.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    pub(crate) fn step(&mut self) -> Option<&'d [u8]> {
        let start = self.rest;
        let (&first, rest) = start.split_first()?;
        if first >= 0xf0 {
            self.number = RESERVED;
            return None;
        }
        self.rest = rest;
        let delta = self.extended(usize::from(first >> 4));
        self.number = self.number.wrapping_add(delta);
        match self.take_value(first & 15) {
            Some(value) if self.number <= 0xffff => Some(value),
            _ => {
                self.rest = start;
                None
            }
        }
    }

    /// Why `step` got no further, and how many bytes are behind the place to blame.
    #[cold]
    #[inline(always)]
    fn fault(&self) -> (ParseErrorKind, usize) {
        let kind = match self.rest {
            [0xff, ..] => ParseErrorKind::PayloadMarkerWithoutPayload,
            [0xf0..=0xff, ..] => ParseErrorKind::OptionDeltaReserved,
            _ if self.number >= CUT => ParseErrorKind::TruncatedOptionHeader,
            _ if self.number >= RESERVED => ParseErrorKind::OptionLengthReserved,
            _ if self.number > 0xffff => ParseErrorKind::OptionNumberOverflow,
            _ => ParseErrorKind::TruncatedOptionValue,
        };
        // Cut off: the end is to blame.
        (kind, if self.number > 0xffff && self.number < CUT { self.rest.len() } else { 0 })
    }
}

impl<'d> Iterator for Options<'d> {
    type Item = (OptionNumber, &'d [u8]);

    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline)]
    fn next(&mut self) -> Option<Self::Item> {
        // Nothing of this can fail after `parse`: the `?` are there because the compiler does not know it.
        if SMALL {
            let value = self.step()?;
            return Some((OptionNumber::new(self.number as u16), value));
        }
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
        self.number = self.number.wrapping_add(delta);
        Some((OptionNumber::new(self.number as u16), value))
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
        if SMALL {
            let wanted = usize::from(self.number.get());
            while let Some(value) = self.options.step() {
                if self.options.number() >= wanted {
                    if self.options.number() == wanted {
                        return Some(value);
                    }
                    self.options = Options::new(&[]);
                }
            }
            return None;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// What firmware does against what hosts do: token, options and payload, or the same fault at the same place.
    #[test]
    fn small_and_fast_agree() {
        // The edges of every nibble, and bytes that make numbers and lengths overflow.
        const EDGES: [u8; 14] = [0x00, 0x01, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0xc1, 0xd0, 0xdd, 0xe0, 0xee, 0xf0, 0xff];
        let mut bytes = Vec::new();
        let mut accepted = 0_u32;
        for length in 0..=5_u32 {
            for mut pick in 0..14_usize.pow(length) {
                bytes.clear();
                for _ in 0..length {
                    bytes.push(EDGES[pick % 14]);
                    pick /= 14;
                }
                for tkl in [0, 1, 13, 14] {
                    match (split_fast(tkl, &bytes), split_small(tkl, &bytes)) {
                        (Ok((token, options, payload)), Ok(small)) => {
                            accepted += 1;
                            assert_eq!((token, payload), (small.0, small.2), "{bytes:02x?}");
                            let mut walk = Options::new(small.1);
                            for (number, value) in Options::new(options) {
                                assert_eq!(walk.step(), Some(value), "{bytes:02x?}");
                                assert_eq!(walk.number, usize::from(number.get()), "{bytes:02x?}");
                            }
                            assert_eq!(walk.step(), None, "{bytes:02x?}");
                        }
                        (fast, small) => assert_eq!(fast, small, "{bytes:02x?}"),
                    }
                }
            }
        }
        assert!(accepted > 10_000, "{accepted} of them are right");
    }
}
