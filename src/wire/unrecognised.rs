//! The critical options that a receiver must refuse (RFC 7252 5.4.1, 5.4.3, 5.4.5).

use super::option::SMALL;
use super::{Message, OptionFormat, OptionNumber, Options};

impl<'d> Message<'d> {
    /// Lists the critical options of which the receiver must refuse the message, in wire order.
    ///
    /// `known` says which option numbers the receiver understands. Listed is a critical option
    ///
    /// - that is not known (RFC 7252 5.4.1),
    /// - whose value has a length out of its range (5.4.3), or is a string but not UTF-8 (3.2),
    /// - or that is repeated where it may not be (5.4.5: the first one counts, the others are unrecognised);
    ///
    /// and in a response a reserved Location-* number that is not known, next to a Location-Path or Location-Query
    /// (5.10.7 with erratum 4949). Elective options are never listed: they are ignored, or seen by the typed getters
    /// only where they are right.
    ///
    /// A request with any of these is answered with 4.02 Bad Option, or rejected if it was Non-confirmable; a
    /// response is rejected.
    ///
    /// ```
    /// use coaplet::{Message, OptionNumber};
    /// // GET with Uri-Host "a", then Uri-Host "b", then the unknown critical option 65001.
    /// let message = Message::parse(b"\x40\x01\x00\x01\x31a\x01b\xe0\xfc\xd9")?;
    /// let mut refused = message.unrecognised(|number| number.name().is_some()).map(|(number, _)| number.get());
    /// assert_eq!(refused.next(), Some(3));
    /// assert_eq!(refused.next(), Some(65001));
    /// assert_eq!(refused.next(), None);
    /// # Ok::<(), coaplet::ParseError>(())
    /// ```
    #[inline]
    pub fn unrecognised<K: FnMut(OptionNumber) -> bool>(&self, known: K) -> Unrecognised<'d, K> {
        self.unrecognised_in(self.code().is_response(), known)
    }

    /// As [`unrecognised`](Message::unrecognised), where it is known whether this is a response.
    #[inline]
    pub(crate) fn unrecognised_in<K: FnMut(OptionNumber) -> bool>(
        &self,
        response: bool,
        known: K,
    ) -> Unrecognised<'d, K> {
        Unrecognised {
            options: self.options(),
            previous: OptionNumber::new(0),
            response,
            located: false,
            knows_paths: false,
            no_response: None,
            known,
        }
    }

    /// Whether [`unrecognised`](Message::unrecognised) lists anything of a response, where of the critical options none but
    /// those of `blocks` are known, if these are: without a look at the registry.
    #[inline]
    pub(crate) fn has_critical(&self, blocks: bool) -> bool {
        let (mut located, mut previous) = (false, OptionNumber::new(0));
        let mut options = self.options();
        while let Some(value) = options.step() {
            let number = OptionNumber::new(options.number() as u16);
            // RFC 7959 2.2: up to three bytes, and no second one.
            let known = blocks && number.is_block() && value.len() <= 3 && number != previous;
            if number.is_critical() && !known || located && number.is_reserved_location() {
                return true;
            }
            previous = number;
            located |= number == OptionNumber::LOCATION_PATH || number == OptionNumber::LOCATION_QUERY;
        }
        false
    }

    /// Whether there is nothing but segments of a path, each of up to 12 ASCII characters: what most requests consist
    /// of, told without a look at the registry.
    #[inline]
    pub(crate) fn has_short_path_alone(&self) -> bool {
        !SMALL && self.options().is_short_path()
    }
}

impl Options<'_> {
    /// Whether these are segments of a path alone, each of up to 12 ASCII characters: what most requests consist of.
    #[inline]
    fn is_short_path(&self) -> bool {
        let mut rest = self.bytes();
        let mut delta = OptionNumber::URI_PATH.get() as u8;
        while let Some((&first, behind)) = rest.split_first() {
            let length = first & 0x0f;
            if first >> 4 != delta || length > 12 {
                return false;
            }
            let Some((value, behind)) = behind.split_at_checked(usize::from(length)) else { return false };
            if !is_short_ascii(value) {
                return false;
            }
            (rest, delta) = (behind, 0);
        }
        true
    }
}

/// Critical options to be refused: made by [`Message::unrecognised`].
#[derive(Clone)]
pub struct Unrecognised<'d, K> {
    options: Options<'d>,
    /// Before the first one, 0: an elective number, of which nobody asks whether it comes again.
    previous: OptionNumber,
    response: bool,
    /// Whether a Location-Path or Location-Query has gone by: their numbers are lower than the reserved ones.
    located: bool,
    /// Whether Uri-Path is known, once it was asked.
    knows_paths: bool,
    /// The first No-Response that has gone by.
    no_response: Option<&'d [u8]>,
    known: K,
}

impl<'d, K> Unrecognised<'d, K> {
    /// The value of No-Response, once the walk is over: an option that each request is looked through for, and its
    /// number is high.
    pub(crate) const fn no_response(&self) -> Option<&'d [u8]> {
        self.no_response
    }
}

impl<'d, K: FnMut(OptionNumber) -> bool> Iterator for Unrecognised<'d, K> {
    type Item = (OptionNumber, &'d [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.next_of(true)
    }
}

impl<'d, K: FnMut(OptionNumber) -> bool> Unrecognised<'d, K> {
    /// The next one; without `texts`, strings are not looked at for UTF-8.
    ///
    /// Most requests have nothing to look up ([`has_short_path_alone`](Message::has_short_path_alone)): in line, this costs
    /// each of them 77 instructions, for registers that it saves.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(never))]
    pub(crate) fn next_of(&mut self, texts: bool) -> Option<(OptionNumber, &'d [u8])> {
        loop {
            let (number, value) = if SMALL {
                let value = self.options.step()?;
                (OptionNumber::new(self.options.number() as u16), value)
            } else {
                self.options.next()?
            };
            let again = core::mem::replace(&mut self.previous, number) == number;
            // What most requests consist of: segments of a path.
            if !SMALL && number == OptionNumber::URI_PATH && is_short_ascii(value) {
                self.knows_paths = self.knows_paths || (self.known)(number);
                if self.knows_paths {
                    continue;
                }
            }
            if number == OptionNumber::NO_RESPONSE && !again {
                self.no_response = Some(value);
            }
            self.located |= number == OptionNumber::LOCATION_PATH || number == OptionNumber::LOCATION_QUERY;
            let location = self.response && self.located && number.is_reserved_location();
            let must_know = number.is_critical() || location;
            if must_know && !((self.known)(number) && suits(number, value, again, !self.response, texts)) {
                return Some((number, value));
            }
        }
    }
}

/// Whether an occurrence of an option is as the registry says. Numbers that are not in it are the application's own.
fn suits(number: OptionNumber, value: &[u8], again: bool, request: bool, texts: bool) -> bool {
    let Some(shape) = number.critical_shape() else { return true };
    if !shape.accepts_length(value.len()) || (again && !shape.is_repeatable(request)) {
        return false;
    }
    !texts || shape.format() != OptionFormat::String || is_utf8(value)
}

/// Whether these bytes are ASCII, and few: two looks at eight of them.
#[inline(always)]
fn is_short_ascii(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => bytes.len() <= 16 && (word(first) | word(last)) & HIGH == 0,
        _ => match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            (Some(first), Some(last)) => (u32::from_le_bytes(*first) | u32::from_le_bytes(*last)) & HIGH as u32 == 0,
            _ => bytes.is_ascii(),
        },
    }
}

/// Whether these bytes are UTF-8 (RFC 3629). On a device a small loop takes the place of the fast one of `core`.
fn is_utf8(bytes: &[u8]) -> bool {
    if !SMALL {
        return bytes.is_ascii() || core::str::from_utf8(bytes).is_ok();
    }
    let mut bytes = bytes.iter();
    while let Some(&first) = bytes.next() {
        let (length, least) = match first {
            0..=0x7f => continue,
            0xc2..=0xdf => (1, 0x80),
            0xe0..=0xef => (2, 0x800),
            0xf0..=0xf4 => (3, 0x1_0000),
            _ => return false,
        };
        let mut scalar = u32::from(first) & (0x3f >> length);
        for _ in 0..length {
            match bytes.next() {
                Some(&next) if next & 0xc0 == 0x80 => scalar = scalar << 6 | u32::from(next & 0x3f),
                _ => return false,
            }
        }
        if scalar < least || scalar > 0x10_ffff || scalar & !0x7ff == 0xd800 {
            return false;
        }
    }
    true
}

impl<K> core::fmt::Debug for Unrecognised<'_, K> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Unrecognised").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<K> defmt::Format for Unrecognised<'_, K> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Unrecognised({})", self.options);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Header, Writer};
    use proptest::prelude::*;

    proptest! {
        /// The two looks see what a loop sees; and what is longer than they reach is left to it.
        #[test]
        fn short_ascii(bytes in prop::collection::vec(prop_oneof![9 => 0..=0x7f_u8, 1 => any::<u8>()], 0..24)) {
            prop_assert_eq!(is_short_ascii(&bytes), bytes.is_ascii() && bytes.len() <= 16);
        }

        /// Of a response, what is said without the registry is what is said with it.
        #[test]
        fn critical_in_a_response(
            options in prop::collection::vec(
                (prop::sample::select(&[4_u16, 8, 11, 12, 20, 23, 27, 28, 65, 128, 140, 65_001][..]), 0..5_usize),
                0..5,
            ),
            blocks in any::<bool>(),
        ) {
            let mut buffer = [0; 256];
            let mut writer = Writer::new(&mut buffer, Header::confirmable(Code::CONTENT, 1), &[]);
            for (number, length) in &options {
                writer.insert(OptionNumber::new(*number), &b"text"[..*length]);
            }
            let length = writer.finish().expect("it fits");
            let message = Message::parse(&buffer[..length]).expect("a message");
            let listed = message.unrecognised_in(true, |number: OptionNumber| blocks && number.is_block()).next_of(true).is_some();
            prop_assert_eq!(message.has_critical(blocks), listed, "{} {}", message, blocks);
        }

        /// The quick look at the options says what a walk over them says.
        #[test]
        fn short_path_alone(
            options in prop::collection::vec(
                (prop_oneof![9 => Just(11_u16), 1 => 0..300_u16], prop_oneof![9 => "[a-z]{0,14}", 1 => ".{0,4}"]),
                0..4,
            ),
        ) {
            let mut buffer = [0; 256];
            let mut writer = Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &[]);
            for (number, value) in &options {
                writer.insert(OptionNumber::new(*number), value.as_bytes());
            }
            let length = writer.finish().expect("it fits");
            let message = Message::parse(&buffer[..length]).expect("a message");
            let short = |(number, value): &(u16, std::string::String)| *number == 11 && value.is_ascii() && value.len() <= 12;
            prop_assert_eq!(message.has_short_path_alone(), !SMALL && options.iter().all(short));
            if message.has_short_path_alone() {
                prop_assert_eq!(message.unrecognised(|_| true).next(), None);
            }
        }
    }

    #[test]
    fn each_segment_of_a_path_is_listed_where_paths_are_not_known() {
        let message = Message::parse(b"\x40\x01\x00\x01\xb1a\x01b").expect("a message");
        let unknown = message.unrecognised(|_| false);
        assert_eq!(unknown.map(|(_, value)| value).collect::<std::vec::Vec<_>>(), [b"a", b"b"]);
        assert_eq!(message.unrecognised(|_| true).next(), None);
    }
}
