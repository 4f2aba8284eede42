//! The codecs, one file each: the functions that are measured, and the [`ROW`](coaplet::ROW) that runs them.

use crate::row::Row;

mod coap_lite;
mod coap_message;
mod coaplet;
mod handwritten;
mod nom8;
// Kept as it came.
#[rustfmt::skip]
pub mod reference;
mod toad;

/// The first is the one that all others are compared with.
pub const ROWS: [Row; 7] =
    [coaplet::ROW, handwritten::LAZY, handwritten::VALIDATING, nom8::ROW, coap_message::ROW, coap_lite::ROW, toad::ROW];
