//! toad-msg, in its form on the heap (`alloc::Message`), which it says is its faster one.

use super::reference::Msg;
use crate::repeat;
use crate::row::{Row, Task};
use coaplet_benches::sum::Sum;
use std::hint::black_box;
use toad_msg::alloc::Message;
use toad_msg::{Code, Id, MessageParseError, OptNumber, OptValue, Payload, Token, TryFromBytes, TryIntoBytes, Type};

#[inline(never)]
fn parse(datagram: &[u8]) -> Result<Message, MessageParseError> {
    Message::try_from_bytes(datagram)
}

#[inline(never)]
fn walk(datagram: &[u8]) -> Option<u64> {
    let message = Message::try_from_bytes(datagram).ok()?;
    let message_type = match message.ty {
        Type::Con => 0,
        Type::Non => 1,
        Type::Ack => 2,
        Type::Reset => 3,
    };
    let mut sum = Sum::header(message_type, message.code.into(), message.id.0, message.token.as_bytes());
    for (number, values) in &message.opts {
        for value in values {
            sum.option(number.0 as u16, &value.0);
        }
    }
    Some(sum.payload(&message.payload.0))
}

#[inline(never)]
fn encode(message: &Msg) -> Option<Vec<u8>> {
    let message_type = match message.ty {
        0 => Type::Con,
        1 => Type::Non,
        2 => Type::Ack,
        _ => Type::Reset,
    };
    let token = Token(message.token.try_into().ok()?);
    let mut built = Message::new(message_type, Code::from(message.code), Id(message.mid), token);
    for (number, value) in message.opts {
        // Straight into its map: its own `add` takes the values out and puts them in again.
        built.opts.entry(OptNumber(u32::from(*number))).or_default().push(OptValue(value.to_vec()));
    }
    built.payload = Payload(message.payload.to_vec());
    built.try_into_bytes().ok()
}

pub const ROW: Row = Row {
    name: "toad-msg 1.0.0-beta.6",
    note: "owns what it reads, on the heap",
    parse: Some(Task {
        calls: |n, input| repeat!(n, parse(black_box(&input.datagram))),
        check: |input| parse(&input.datagram).map(drop).map_err(|error| format!("{error:?}")),
    }),
    walk: Some(Task {
        calls: |n, input| repeat!(n, walk(black_box(&input.datagram))),
        check: |input| input.is_sum(walk(&input.datagram)),
    }),
    encode: Some(Task {
        calls: |n, input| repeat!(n, encode(black_box(input.message))),
        check: |input| input.is_datagram(encode(input.message).as_deref()),
    }),
};
