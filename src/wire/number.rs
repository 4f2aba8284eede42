//! Option numbers, and what the registry says of each: name, format, lengths, repeatability (RFC 7252 5.10 and 12.2).
//!
//! Every number is an [`OptionNumber`], registered or not. Names and shapes are looked up apart from each other, so
//! that a firmware that checks lengths does not link the names.

use core::fmt;
use core::ops::RangeInclusive;

/// The number of an option, 0 to 65535 (RFC 7252 3.1).
///
/// Its bits say what becomes of an option that is not understood: [critical](OptionNumber::is_critical),
/// [unsafe to forward](OptionNumber::is_unsafe), [no part of the cache key](OptionNumber::is_no_cache_key).
///
/// ```
/// use coaplet::wire::{OptionFormat, OptionNumber};
///
/// let number = OptionNumber::new(11);
/// assert_eq!(number, OptionNumber::URI_PATH);
/// assert_eq!(number.to_string(), "Uri-Path");
/// assert_eq!(number.format(), Some(OptionFormat::String));
/// assert!(number.is_critical() && number.is_unsafe());
/// assert_eq!(OptionNumber::new(9).get(), 9);
/// assert_eq!(OptionNumber::new(65001).to_string(), "65001");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OptionNumber(u16);

/// How the value of an option is to be read (RFC 7252 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum OptionFormat {
    /// A value of no bytes.
    Empty,
    /// Bytes whose meaning the option defines.
    Opaque,
    /// An unsigned number in network byte order, in as few bytes as it needs.
    Uint,
    /// Text in UTF-8.
    String,
}

/// What a registered option's values look like: their format, their lengths, and whether the option may be repeated.
///
/// ```
/// use coaplet::wire::{OptionFormat, OptionNumber};
///
/// let etag = OptionNumber::ETAG.shape().unwrap();
/// assert_eq!(etag.format(), OptionFormat::Opaque);
/// assert_eq!(etag.lengths(), 1..=8);
/// assert!(etag.is_repeatable(true) && !etag.is_repeatable(false));
/// ```
// One half-word, so that the table takes 4 bytes a row in flash. From the top: 11 bits of the greatest length, 2 of the
// least, then repeatable in requests, repeatable in responses, and whether it is text. Numbers are told from bytes by
// their length: at most 4. `OptionShape::pack` refuses, as the crate is compiled, a row that this cannot hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OptionShape(u16);

impl OptionShape {
    const TEXT: u16 = 1;
    const REPEATABLE_IN_RESPONSES: u16 = 2;
    const REPEATABLE_IN_REQUESTS: u16 = 4;
    const MIN: u32 = 3;
    const MAX: u32 = 5;
    /// A greatest length that stands for no limit.
    const UNLIMITED: u16 = 0x7ff;

    /// Packs a row. Called in constants only: an assertion that fails stops the build.
    const fn pack(format: OptionFormat, min: u16, max: u16, repeatable: u16) -> OptionShape {
        let max = if max == u16::MAX { OptionShape::UNLIMITED } else { max };
        assert!(min <= max && min <= 3 && max <= OptionShape::UNLIMITED);
        assert!(repeatable & !(OptionShape::REPEATABLE_IN_REQUESTS | OptionShape::REPEATABLE_IN_RESPONSES) == 0);
        let text = matches!(format, OptionFormat::String) as u16;
        let shape = OptionShape((max << OptionShape::MAX) | (min << OptionShape::MIN) | repeatable | text);
        assert!(shape.format() as u8 == format as u8);
        shape
    }

    /// How the value is to be read.
    pub const fn format(self) -> OptionFormat {
        if self.0 & OptionShape::TEXT != 0 {
            return OptionFormat::String;
        }
        match self.max_length() {
            0 => OptionFormat::Empty,
            1..=4 => OptionFormat::Uint,
            _ => OptionFormat::Opaque,
        }
    }

    /// The least length of a value in bytes, 0 to 3.
    pub const fn min_length(self) -> usize {
        (self.0 >> OptionShape::MIN) as usize & 3
    }

    /// The greatest length of a value in bytes; [`usize::MAX`] if the option sets no limit.
    pub const fn max_length(self) -> usize {
        match self.0 >> OptionShape::MAX {
            OptionShape::UNLIMITED => usize::MAX,
            max => max as usize,
        }
    }

    /// The lengths that a value may have, in bytes.
    pub const fn lengths(self) -> RangeInclusive<usize> {
        RangeInclusive::new(self.min_length(), self.max_length())
    }

    /// Whether a value may have `length` bytes. If not, the option counts as unrecognised (RFC 7252 5.4.3).
    pub const fn accepts_length(self, length: usize) -> bool {
        self.min_length() <= length && length <= self.max_length()
    }

    /// Whether the option may occur more than once in a message: a request if `in_request`, else a response.
    ///
    /// If not, each occurrence after the first counts as unrecognised (RFC 7252 5.4.5).
    pub const fn is_repeatable(self, in_request: bool) -> bool {
        let bit = if in_request { OptionShape::REPEATABLE_IN_REQUESTS } else { OptionShape::REPEATABLE_IN_RESPONSES };
        self.0 & bit != 0
    }
}

/// `OptionShape { format: Opaque, lengths: 1..=8, repeatable_in_requests: true, repeatable_in_responses: false }`.
impl fmt::Debug for OptionShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OptionShape")
            .field("format", &self.format())
            .field("lengths", &self.lengths())
            .field("repeatable_in_requests", &self.is_repeatable(true))
            .field("repeatable_in_responses", &self.is_repeatable(false))
            .finish()
    }
}

/// One row's shape, or `None` for a row without.
macro_rules! shape {
    () => {
        None
    };
    ($format:ident $min:literal any $($repeatable:ident)?) => {
        Some(OptionShape::pack(OptionFormat::$format, $min, u16::MAX, shape!(@bits $($repeatable)?)))
    };
    ($format:ident $min:literal $max:literal $($repeatable:ident)?) => {
        Some(OptionShape::pack(OptionFormat::$format, $min, $max, shape!(@bits $($repeatable)?)))
    };
    (@bits) => {
        0
    };
    (@bits repeatable) => {
        OptionShape::REPEATABLE_IN_REQUESTS | OptionShape::REPEATABLE_IN_RESPONSES
    };
    (@bits repeatable_in_requests) => {
        OptionShape::REPEATABLE_IN_REQUESTS
    };
}

/// The registry. A row is: number, constant, name; format, least and greatest length and repeatability, or nothing
/// where they are not published; reference.
macro_rules! options {
    ($($number:literal $constant:ident $name:literal [$($shape:tt)*] $reference:literal;)*) => {
        impl OptionNumber {
            $(
                #[doc = concat!("`", $number, "` ", $name, " (", $reference, ").")]
                pub const $constant: OptionNumber = OptionNumber($number);
            )*

            /// The registered name: `Uri-Path` for 11. `None` for a number that is not registered, or reserved.
            ///
            /// ```
            /// use coaplet::wire::OptionNumber;
            ///
            /// assert_eq!(OptionNumber::MAX_AGE.name(), Some("Max-Age"));
            /// assert_eq!(OptionNumber::new(2).name(), None);
            /// ```
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(OptionNumber::$constant => Some($name),)*
                    _ => None,
                }
            }
        }

        /// All rows, with or without a shape. Not in any image: `SHAPES` is made from it when the crate is compiled.
        const ROWS: &[(u16, Option<OptionShape>)] = &[$(($number, shape!($($shape)*))),*];

        /// The constants' identifiers, for the tests.
        #[cfg(test)]
        const CONSTANTS: &[(&str, OptionNumber)] = &[$((stringify!($constant), OptionNumber::$constant)),*];
    };
}

options! {
    1 IF_MATCH "If-Match" [Opaque 0 8 repeatable] "RFC 7252";
    3 URI_HOST "Uri-Host" [String 1 255] "RFC 7252";
    4 ETAG "ETag" [Opaque 1 8 repeatable_in_requests] "RFC 7252";
    5 IF_NONE_MATCH "If-None-Match" [Empty 0 0] "RFC 7252";
    6 OBSERVE "Observe" [Uint 0 3] "RFC 7641";
    7 URI_PORT "Uri-Port" [Uint 0 2] "RFC 7252";
    8 LOCATION_PATH "Location-Path" [String 0 255 repeatable] "RFC 7252";
    9 OSCORE "OSCORE" [Opaque 0 255] "RFC 8613";
    11 URI_PATH "Uri-Path" [String 0 255 repeatable] "RFC 7252";
    12 CONTENT_FORMAT "Content-Format" [Uint 0 2] "RFC 7252";
    13 URI_PATH_ABBREV "Uri-Path-Abbrev" [Uint 0 4] "draft-ietf-core-uri-path-abbrev, not registered yet";
    14 MAX_AGE "Max-Age" [Uint 0 4] "RFC 7252, RFC 8516";
    15 URI_QUERY "Uri-Query" [String 0 255 repeatable] "RFC 7252";
    16 HOP_LIMIT "Hop-Limit" [Uint 1 1] "RFC 8768";
    17 ACCEPT "Accept" [Uint 0 2] "RFC 7252";
    19 Q_BLOCK1 "Q-Block1" [Uint 0 3] "RFC 9177";
    20 LOCATION_QUERY "Location-Query" [String 0 255 repeatable] "RFC 7252";
    21 EDHOC "EDHOC" [Empty 0 0] "RFC 9668";
    23 BLOCK2 "Block2" [Uint 0 3] "RFC 7959";
    27 BLOCK1 "Block1" [Uint 0 3] "RFC 7959";
    28 SIZE2 "Size2" [Uint 0 4] "RFC 7959";
    31 Q_BLOCK2 "Q-Block2" [Uint 0 3 repeatable] "RFC 9177";
    35 PROXY_URI "Proxy-Uri" [String 1 1034] "RFC 7252";
    39 PROXY_SCHEME "Proxy-Scheme" [String 1 255] "RFC 7252";
    60 SIZE1 "Size1" [Uint 0 4] "RFC 7252, RFC 7959";
    235 PROXY_CRI "Proxy-Cri" [Opaque 1 1023] "RFC-ietf-core-href-29";
    239 PROXY_SCHEME_NUMBER "Proxy-Scheme-Number" [Uint 0 3] "RFC-ietf-core-href-29";
    252 ECHO "Echo" [Opaque 1 40] "RFC 9175";
    258 NO_RESPONSE "No-Response" [Uint 0 1] "RFC 7967";
    292 REQUEST_TAG "Request-Tag" [Opaque 0 8 repeatable] "RFC 9175";
    548 REQUEST_HASH "Request-Hash" [Opaque 0 any] "draft-ietf-core-cacheable-oscore, not registered yet";
    2049 OCF_ACCEPT_CONTENT_FORMAT_VERSION "OCF-Accept-Content-Format-Version" [Uint 2 2] "OCF Core";
    2053 OCF_CONTENT_FORMAT_VERSION "OCF-Content-Format-Version" [Uint 2 2] "OCF Core";
    2055 SCP82_PARAMS "SCP82-Params" [] "GlobalPlatform GPC_SPE_207";
    2056 X_ADMIN_PROTOCOL "X-Admin-Protocol" [] "GSMA SGP.32";
}

/// Number and shape of an option, 4 bytes.
type Row = (u16, OptionShape);

/// The rows that have a shape.
const SHAPED: usize = {
    let mut count = 0;
    let mut rows = ROWS;
    while let [(_, shape), rest @ ..] = rows {
        count += shape.is_some() as usize;
        rows = rest;
    }
    count
};

/// The shapes, by ascending number. All that `shape` links.
static SHAPES: [Row; SHAPED] = shapes(false);

/// How many of them are of critical options.
const CRITICAL: usize = {
    let (mut count, mut rows) = (0, ROWS);
    while let [(number, shape), rest @ ..] = rows {
        count += (shape.is_some() && *number & 1 != 0) as usize;
        rows = rest;
    }
    count
};

/// Those of critical options. All that [`Message::unrecognised`](super::Message::unrecognised) links.
static CRITICAL_SHAPES: [Row; CRITICAL] = shapes(true);

const fn shapes<const N: usize>(critical: bool) -> [Row; N] {
    let mut table = [(0, OptionShape(0)); N];
    let mut filled = 0;
    let mut rows = ROWS;
    let mut last = 0;
    while let [(number, shape), rest @ ..] = rows {
        assert!(*number > last, "rows ascend");
        last = *number;
        if let Some(shape) = shape {
            if !critical || *number & 1 != 0 {
                table[filled] = (*number, *shape);
                filled += 1;
            }
        }
        rows = rest;
    }
    assert!(filled == N);
    table
}

const fn shape_in(mut rows: &[Row], wanted: u16) -> Option<OptionShape> {
    // A loop and no `find`, so that it can also run as the crate is compiled.
    while let [(number, shape), rest @ ..] = rows {
        if *number == wanted {
            return Some(*shape);
        }
        rows = rest;
    }
    None
}

impl OptionNumber {
    /// The option with this number.
    pub const fn new(number: u16) -> OptionNumber {
        OptionNumber(number)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether a message with this option must be refused by who does not understand it (RFC 7252 5.4.1). Odd numbers.
    pub const fn is_critical(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether a proxy that does not understand this option must not forward the message (RFC 7252 5.4.2, 5.4.6).
    pub const fn is_unsafe(self) -> bool {
        self.0 & 2 != 0
    }

    /// Whether requests that differ in this option alone may share a cached response (RFC 7252 5.4.2, 5.4.6).
    ///
    /// Only options that are safe to forward can be so: false wherever [`is_unsafe`](OptionNumber::is_unsafe) is true.
    ///
    /// ```
    /// use coaplet::wire::OptionNumber;
    ///
    /// assert!(OptionNumber::SIZE1.is_no_cache_key());
    /// assert!(!OptionNumber::ACCEPT.is_no_cache_key());
    /// ```
    pub const fn is_no_cache_key(self) -> bool {
        self.0 & 0x1e == 0x1c
    }

    /// Whether this is 128, 132, 136 or 140, kept for future options of the Location-* family (RFC 7252 5.10.7).
    ///
    /// The numbers are elective, yet one that is not supported and stands next to Location-Path or Location-Query calls
    /// for a 4.02 Bad Option: without it the location would be another.
    pub const fn is_reserved_location(self) -> bool {
        matches!(self.0, 128 | 132 | 136 | 140)
    }

    /// Whether this is Block1 or Block2 (RFC 7959).
    pub(crate) const fn is_block(self) -> bool {
        matches!(self, OptionNumber::BLOCK1 | OptionNumber::BLOCK2)
    }

    /// Whether this is one of 65000 to 65535, for experiments (RFC 7252 12.2).
    pub const fn is_experimental(self) -> bool {
        self.0 >= 65000
    }

    /// Format, lengths and repeatability, as registered; `None` where nothing is known of them.
    ///
    /// Takes time in the number of registered options.
    ///
    /// ```
    /// use coaplet::wire::OptionNumber;
    ///
    /// let shape = OptionNumber::HOP_LIMIT.shape().unwrap();
    /// assert_eq!(shape.lengths(), 1..=1);
    /// assert_eq!(OptionNumber::new(65001).shape(), None);
    /// ```
    pub const fn shape(self) -> Option<OptionShape> {
        shape_in(&SHAPES, self.0)
    }

    /// As [`shape`](OptionNumber::shape), of a critical option; `None` of any other.
    pub(crate) const fn critical_shape(self) -> Option<OptionShape> {
        shape_in(&CRITICAL_SHAPES, self.0)
    }

    /// Least and greatest length as registered, found as the crate is compiled; without limits where nothing is known.
    pub(crate) const fn bounds(self) -> (usize, usize) {
        match self.shape() {
            Some(shape) => (shape.min_length(), shape.max_length()),
            None => (0, usize::MAX),
        }
    }

    /// How the value is to be read; `None` where it is not known.
    pub const fn format(self) -> Option<OptionFormat> {
        match self.shape() {
            Some(shape) => Some(shape.format()),
            None => None,
        }
    }

    /// The lengths that a value may have, in bytes; `None` where they are not known, so that any will do.
    ///
    /// ```
    /// use coaplet::wire::OptionNumber;
    ///
    /// assert_eq!(OptionNumber::PROXY_URI.length_range(), Some(1..=1034));
    /// assert_eq!(OptionNumber::new(2).length_range(), None);
    /// ```
    pub const fn length_range(self) -> Option<RangeInclusive<usize>> {
        match self.shape() {
            Some(shape) => Some(shape.lengths()),
            None => None,
        }
    }

    /// Whether the option may occur more than once in a message: a request if `in_request`, else a response.
    ///
    /// True for an option of which nothing is known: who understands it says whether it may.
    ///
    /// ```
    /// use coaplet::wire::OptionNumber;
    ///
    /// assert!(OptionNumber::URI_PATH.is_repeatable(true));
    /// assert!(!OptionNumber::ACCEPT.is_repeatable(true));
    /// assert!(OptionNumber::ETAG.is_repeatable(true) && !OptionNumber::ETAG.is_repeatable(false));
    /// ```
    pub const fn is_repeatable(self, in_request: bool) -> bool {
        match self.shape() {
            Some(shape) => shape.is_repeatable(in_request),
            None => true,
        }
    }
}

impl From<u16> for OptionNumber {
    fn from(number: u16) -> OptionNumber {
        OptionNumber(number)
    }
}

impl From<OptionNumber> for u16 {
    fn from(number: OptionNumber) -> u16 {
        number.0
    }
}

/// The registered name, else the number.
impl fmt::Display for OptionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

/// `OptionNumber(11 Uri-Path)`.
impl fmt::Debug for OptionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "OptionNumber({} {name})", self.0),
            None => write!(f, "OptionNumber({})", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    #[test]
    fn each_constant_is_named_after_its_option() {
        for (constant, number) in CONSTANTS {
            let name = number.name().unwrap();
            assert_eq!(*constant, name.to_uppercase().replace('-', "_"));
        }
    }

    /// number, critical, unsafe, NoCacheKey: vectors/options.json, option_number_flags.
    const FLAGS: &[(u16, bool, bool, bool)] = &[
        (1, true, false, false),
        (3, true, true, false),
        (4, false, false, false),
        (5, true, false, false),
        (6, false, true, false),
        (7, true, true, false),
        (8, false, false, false),
        (9, true, false, false),
        (11, true, true, false),
        (12, false, false, false),
        (13, true, false, false),
        (14, false, true, false),
        (15, true, true, false),
        (16, false, false, false),
        (17, true, false, false),
        (19, true, true, false),
        (20, false, false, false),
        (21, true, false, false),
        (23, true, true, false),
        (27, true, true, false),
        (28, false, false, true),
        (31, true, true, false),
        (35, true, true, false),
        (39, true, true, false),
        (60, false, false, true),
        (252, false, false, true),
        (258, false, true, false),
        (292, false, false, false),
        (2049, true, false, false),
        (2053, true, false, false),
        (65001, true, false, false),
    ];

    #[test]
    fn flag_vectors() {
        assert_eq!(FLAGS.len(), 31);
        for (number, critical, unsafe_, no_cache_key) in FLAGS {
            let number = OptionNumber::new(*number);
            assert_eq!(number.is_critical(), *critical, "{number}");
            assert_eq!(number.is_unsafe(), *unsafe_, "{number}");
            assert_eq!(number.is_no_cache_key(), *no_cache_key, "{number}");
        }
    }

    #[test]
    fn flags_of_all_numbers() {
        for number in (0..=u16::MAX).map(OptionNumber::from) {
            // RFC 7252 5.4.6, figure 10: three bits of NoCacheKey, then U, then C.
            let bits = format!("{:05b}", number.get() & 0x1f);
            assert_eq!(number.is_critical(), bits.ends_with('1'));
            assert_eq!(number.is_unsafe(), &bits[3..4] == "1");
            assert_eq!(number.is_no_cache_key(), &bits[..4] == "1110");
            assert!(!(number.is_unsafe() && number.is_no_cache_key()));
            assert_eq!(u16::from(number), number.get());
        }
    }

    #[test]
    fn shapes_hold_what_the_rows_say() {
        for (number, shape) in ROWS {
            assert_eq!(OptionNumber::new(*number).shape(), *shape, "{number}");
        }
        let known = (0..=u16::MAX).filter(|number| OptionNumber::new(*number).shape().is_some()).count();
        assert_eq!(known, SHAPED);
        assert_eq!(SHAPED, ROWS.len() - 2);
        assert_eq!(size_of_val(&SHAPES), 4 * SHAPED);
        for number in (0..=u16::MAX).map(OptionNumber::new) {
            assert_eq!(number.critical_shape(), number.shape().filter(|_| number.is_critical()));
        }
    }

    #[test]
    fn lengths() {
        for (number, accepted, refused) in [
            (OptionNumber::IF_NONE_MATCH, &[0][..], &[1, 2][..]),
            (OptionNumber::ETAG, &[1, 8], &[0, 9]),
            (OptionNumber::URI_HOST, &[1, 255], &[0, 256]),
            (OptionNumber::PROXY_URI, &[1, 1034], &[0, 1035]),
            (OptionNumber::OCF_CONTENT_FORMAT_VERSION, &[2], &[0, 1, 3]),
            (OptionNumber::REQUEST_HASH, &[0, 65535, usize::MAX], &[]),
        ] {
            let shape = number.shape().unwrap();
            for length in accepted {
                assert!(shape.accepts_length(*length) && shape.lengths().contains(length), "{number} {length}");
            }
            for length in refused {
                assert!(!shape.accepts_length(*length) && !shape.lengths().contains(length), "{number} {length}");
            }
        }
    }

    #[test]
    fn ranges_without_a_name() {
        let reserved: std::vec::Vec<u16> =
            (0..=u16::MAX).filter(|number| OptionNumber::new(*number).is_reserved_location()).collect();
        assert_eq!(reserved, [128, 132, 136, 140]);
        assert!(!OptionNumber::new(64999).is_experimental());
        assert!(OptionNumber::new(65000).is_experimental() && OptionNumber::new(65535).is_experimental());
        for number in reserved.into_iter().chain([0, 2, 10, 65000, 65535]).map(OptionNumber::new) {
            assert_eq!(
                (number.name(), number.shape(), number.format(), number.length_range()),
                (None, None, None, None)
            );
            assert!(number.is_repeatable(true) && number.is_repeatable(false));
        }
    }

    #[test]
    fn printing() {
        assert_eq!(OptionNumber::Q_BLOCK1.to_string(), "Q-Block1");
        assert_eq!(OptionNumber::new(2).to_string(), "2");
        assert_eq!(format!("{:?}", OptionNumber::ECHO), "OptionNumber(252 Echo)");
        assert_eq!(format!("{:?}", OptionNumber::new(2)), "OptionNumber(2)");
        let shape = OptionNumber::ETAG.shape().unwrap();
        assert_eq!(
            format!("{shape:?}"),
            "OptionShape { format: Opaque, lengths: 1..=8, repeatable_in_requests: true, repeatable_in_responses: false }"
        );
    }
}
