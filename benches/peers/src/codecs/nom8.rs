//! A lazy reader on nom, written for this table: what the project's parser library would cost on the hottest path.
//!
//! It checks what the lazy reference checks. Its error type is `()`, the cheapest that nom has.

use crate::repeat;
use crate::row::{Row, Task};
use coaplet_benches::sum::Sum;
use nom::bytes::complete::take;
use nom::number::complete::{be_u8, be_u16};
use nom::{IResult, Parser};
use std::hint::black_box;

type Read<'d, T> = IResult<&'d [u8], T, ()>;

fn extended(nibble: u8, input: &[u8]) -> Read<'_, u32> {
    match nibble {
        0..=12 => Ok((input, u32::from(nibble))),
        13 => be_u8.map(|byte| u32::from(byte) + 13).parse(input),
        14 => be_u16.map(|number| u32::from(number) + 269).parse(input),
        _ => Err(nom::Err::Error(())),
    }
}

fn option(input: &[u8], before: u16) -> Read<'_, (u16, &[u8])> {
    let (input, first) = be_u8(input)?;
    let (input, delta) = extended(first >> 4, input)?;
    let (input, length) = extended(first & 15, input)?;
    let number = u16::try_from(u32::from(before) + delta).map_err(|_| nom::Err::Error(()))?;
    let (input, value) = take(length).parse(input)?;
    Ok((input, (number, value)))
}

#[inline(never)]
fn walk(datagram: &[u8]) -> Option<u64> {
    let (input, (first, code, message_id)) = (be_u8::<_, ()>, be_u8, be_u16).parse(datagram).ok()?;
    let token_length = first & 15;
    if first >> 6 != 1 || token_length > 8 || (code == 0 && (token_length != 0 || !input.is_empty())) {
        return None;
    }
    let (mut input, token) = take::<_, _, ()>(token_length).parse(input).ok()?;
    let mut sum = Sum::header(first >> 4 & 3, code, message_id, token);
    let mut number = 0;
    loop {
        match input {
            [] => return Some(sum.payload(&[])),
            [0xff] => return None,
            [0xff, payload @ ..] => return Some(sum.payload(payload)),
            _ => {
                let (rest, (this, value)) = option(input, number).ok()?;
                sum.option(this, value);
                (input, number) = (rest, this);
            }
        }
    }
}

pub const ROW: Row = Row {
    name: "nom 8.0.0, lazy",
    note: "a reader written for this table with nom; it checks what the lazy reference checks",
    parse: None,
    walk: Some(Task {
        calls: |n, input| repeat!(n, walk(black_box(&input.datagram))),
        check: |input| input.is_sum(walk(&input.datagram)),
    }),
    encode: None,
};
