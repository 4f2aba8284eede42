//! The option registry as the tests see it: transcribed from the option tables of the RFCs, beside the library's own.

/// What an option's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Empty,
    Opaque,
    Uint,
    Text,
}

/// Where an option may occur more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    Never,
    Requests,
    Anywhere,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub number: u16,
    pub name: &'static str,
    pub shape: Shape,
    pub least: usize,
    pub most: usize,
    pub repeat: Repeat,
}

const fn row(number: u16, name: &'static str, shape: Shape, least: usize, most: usize, repeat: Repeat) -> Row {
    Row { number, name, shape, least, most, repeat }
}

use Repeat::{Anywhere, Never, Requests};
use Shape::{Empty, Opaque, Text, Uint};

/// Every registered option whose values have a published form.
pub const OPTIONS: &[Row] = &[
    row(1, "If-Match", Opaque, 0, 8, Anywhere),
    row(3, "Uri-Host", Text, 1, 255, Never),
    row(4, "ETag", Opaque, 1, 8, Requests),
    row(5, "If-None-Match", Empty, 0, 0, Never),
    row(6, "Observe", Uint, 0, 3, Never),
    row(7, "Uri-Port", Uint, 0, 2, Never),
    row(8, "Location-Path", Text, 0, 255, Anywhere),
    row(9, "OSCORE", Opaque, 0, 255, Never),
    row(11, "Uri-Path", Text, 0, 255, Anywhere),
    row(12, "Content-Format", Uint, 0, 2, Never),
    row(13, "Uri-Path-Abbrev", Uint, 0, 4, Never),
    row(14, "Max-Age", Uint, 0, 4, Never),
    row(15, "Uri-Query", Text, 0, 255, Anywhere),
    row(16, "Hop-Limit", Uint, 1, 1, Never),
    row(17, "Accept", Uint, 0, 2, Never),
    row(19, "Q-Block1", Uint, 0, 3, Never),
    row(20, "Location-Query", Text, 0, 255, Anywhere),
    row(21, "EDHOC", Empty, 0, 0, Never),
    row(23, "Block2", Uint, 0, 3, Never),
    row(27, "Block1", Uint, 0, 3, Never),
    row(28, "Size2", Uint, 0, 4, Never),
    row(31, "Q-Block2", Uint, 0, 3, Anywhere),
    row(35, "Proxy-Uri", Text, 1, 1034, Never),
    row(39, "Proxy-Scheme", Text, 1, 255, Never),
    row(60, "Size1", Uint, 0, 4, Never),
    row(235, "Proxy-Cri", Opaque, 1, 1023, Never),
    row(239, "Proxy-Scheme-Number", Uint, 0, 3, Never),
    row(252, "Echo", Opaque, 1, 40, Never),
    row(258, "No-Response", Uint, 0, 1, Never),
    row(292, "Request-Tag", Opaque, 0, 8, Anywhere),
    row(548, "Request-Hash", Opaque, 0, usize::MAX, Never),
    row(2049, "OCF-Accept-Content-Format-Version", Uint, 2, 2, Never),
    row(2053, "OCF-Content-Format-Version", Uint, 2, 2, Never),
];

/// The row of an option, if it has one.
pub fn find(number: u16) -> Option<&'static Row> {
    OPTIONS.iter().find(|row| row.number == number)
}
