//! coap-message-implementations. It begins behind the token; header and token are read and written by hand, with the
//! reference's checks.

use super::reference::Msg;
use crate::repeat;
use crate::row::{Row, Task};
use coap_message::{MessageOption as _, MinimalWritableMessage as _, ReadableMessage as _};
use coap_message_implementations::inmemory::{Message, MessageMut, OPTION_INVALID};
use coaplet_benches::sum::Sum;
use std::hint::black_box;

#[inline(never)]
fn walk(datagram: &[u8]) -> Option<u64> {
    let [first, code, id0, id1, rest @ ..] = datagram else { return None };
    let token_length = usize::from(first & 15);
    if first >> 6 != 1 || token_length > 8 || (*code == 0 && (token_length != 0 || !rest.is_empty())) {
        return None;
    }
    let (token, rest) = rest.split_at_checked(token_length)?;
    let message = Message::new_from_slice(*code, rest);
    let mut sum = Sum::header(first >> 4 & 3, *code, u16::from_be_bytes([*id0, *id1]), token);
    for option in message.options() {
        // This is how a format error shows.
        if option.number() == OPTION_INVALID {
            return None;
        }
        sum.option(option.number(), option.value());
    }
    Some(sum.payload(message.payload()))
}

#[inline(never)]
fn encode(message: &Msg, buffer: &mut [u8]) -> Option<usize> {
    let token = message.token;
    if token.len() > 8 {
        return None;
    }
    let (header, tail) = buffer.split_at_mut_checked(4 + token.len())?;
    let (first, header_token) = header.split_first_chunk_mut::<4>()?;
    let [id0, id1] = message.mid.to_be_bytes();
    *first = [0x40 | message.ty << 4 | token.len() as u8, message.code, id0, id1];
    header_token.copy_from_slice(token);
    let mut writer = MessageMut::new_in_slice(&mut first[1], tail);
    for (number, value) in message.opts {
        writer.add_option(*number, value).ok()?;
    }
    if !message.payload.is_empty() {
        writer.set_payload(message.payload).ok()?;
    }
    Some(4 + token.len() + writer.finish().0)
}

pub const ROW: Row = Row {
    name: "coap-message-implementations 0.2.0",
    note: "lazy; it begins behind the token, so header and token are done by hand",
    parse: None,
    walk: Some(Task {
        calls: |n, input| repeat!(n, walk(black_box(&input.datagram))),
        check: |input| input.is_sum(walk(&input.datagram)),
    }),
    encode: Some(Task {
        calls: |n, input| {
            let (message, buffer) = (input.message, &mut input.buffer);
            repeat!(n, encode(black_box(message), black_box(buffer)));
        },
        check: |input| {
            let length = encode(input.message, &mut input.buffer);
            input.is_written(length)
        },
    }),
};
