//! The reference, as it can be used in two ways.

use super::reference;
use crate::repeat;
use crate::row::{Row, Task};
use std::hint::black_box;

// A copy of its own for `validate`: a second caller in the first would change what the optimiser inlines there, and with
// it the figures that the limits came from.
#[rustfmt::skip]
#[path = "reference.rs"]
mod apart;

#[inline(never)]
fn validate(datagram: &[u8]) -> Result<(apart::hand::Hdr<'_>, usize), apart::hand::E> {
    apart::hand::validate(datagram)
}

pub const LAZY: Row = Row {
    name: "hand-written, lazy",
    note: "the reference; what is wrong comes to light during the walk",
    parse: None,
    walk: Some(Task {
        calls: |n, input| repeat!(n, reference::decode(black_box(&input.datagram))),
        check: |input| input.is_sum(reference::decode(&input.datagram)),
    }),
    encode: Some(Task {
        calls: |n, input| {
            let (message, buffer) = (input.message, &mut input.buffer);
            repeat!(n, reference::encode(black_box(message), black_box(buffer)));
        },
        check: |input| {
            let length = reference::encode(input.message, &mut input.buffer);
            input.is_written(length)
        },
    }),
};

pub const VALIDATING: Row = Row {
    name: "hand-written, validating",
    note: "the reference; `parse` validates, the walk checks again",
    parse: Some(Task {
        calls: |n, input| repeat!(n, validate(black_box(&input.datagram))),
        check: |input| validate(&input.datagram).map(drop).map_err(|error| format!("{error:?}")),
    }),
    walk: Some(Task {
        calls: |n, input| repeat!(n, reference::validate_walk(black_box(&input.datagram))),
        check: |input| input.is_sum(reference::validate_walk(&input.datagram)),
    }),
    encode: None,
};
