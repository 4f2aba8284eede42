//! coap-lite: an owned packet on the heap.

use super::reference::Msg;
use crate::repeat;
use crate::row::{Row, Task};
use coap_lite::error::MessageError;
use coap_lite::{CoapOption, MessageType, Packet};
use coaplet_benches::sum::Sum;
use std::hint::black_box;

#[inline(never)]
fn parse(datagram: &[u8]) -> Result<Packet, MessageError> {
    Packet::from_bytes(datagram)
}

#[inline(never)]
fn walk(datagram: &[u8]) -> Option<u64> {
    let packet = Packet::from_bytes(datagram).ok()?;
    let header = &packet.header;
    let mut sum = Sum::header(header.get_type() as u8, header.code.into(), header.message_id, packet.get_token());
    for (number, values) in packet.options() {
        for value in values {
            sum.option(*number, value);
        }
    }
    Some(sum.payload(&packet.payload))
}

#[inline(never)]
fn encode(message: &Msg) -> Option<Vec<u8>> {
    let mut packet = Packet::new();
    packet.header.set_type(match message.ty {
        0 => MessageType::Confirmable,
        1 => MessageType::NonConfirmable,
        2 => MessageType::Acknowledgement,
        _ => MessageType::Reset,
    });
    packet.header.code = message.code.into();
    packet.header.message_id = message.mid;
    packet.set_token(message.token.to_vec());
    for (number, value) in message.opts {
        packet.add_option(CoapOption::from(*number), value.to_vec());
    }
    packet.payload = message.payload.to_vec();
    packet.to_bytes().ok()
}

pub const ROW: Row = Row {
    name: "coap-lite 0.13.3",
    note: "owns what it reads, on the heap",
    parse: Some(Task {
        calls: |n, input| repeat!(n, parse(black_box(&input.datagram))),
        check: |input| parse(&input.datagram).map(drop).map_err(|error| error.to_string()),
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
