//! This project's codec. The operations are those of `benches/src/codec.rs`, which the budget is about.

use crate::repeat;
use crate::row::{Row, Task};
use coaplet_benches::codec;
use std::hint::black_box;

pub const ROW: Row = Row {
    name: "coaplet",
    note: "strict: all of RFC 7252 3, 4.1 and 4.2 is checked in `parse`",
    parse: Some(Task {
        calls: |n, input| repeat!(n, codec::parse(black_box(&input.datagram))),
        check: |input| codec::parse(&input.datagram).map(drop).map_err(|error| error.to_string()),
    }),
    walk: Some(Task {
        calls: |n, input| repeat!(n, codec::parse_and_walk(black_box(&input.datagram))),
        check: |input| input.is_sum(codec::parse_and_walk(&input.datagram)),
    }),
    encode: Some(Task {
        calls: |n, input| {
            let (sample, buffer) = (input.sample, &mut input.buffer);
            repeat!(n, codec::encode(black_box(sample), black_box(buffer)));
        },
        check: |input| {
            let length = codec::encode(input.sample, &mut input.buffer);
            input.is_written(length)
        },
    }),
};
