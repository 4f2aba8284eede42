//! Decoding and encoding: what a device pays that speaks CoAP through `Message` and `Writer`, and no more.
//!
//! Counted is all that this file calls, its own loop, calls and constants too.

#![no_std]
#![no_main]

use coaplet::wire::{Code, Header, Message, OptionNumber, Writer};
use device::{Device, put, send, transmit, word};

#[unsafe(no_mangle)]
#[inline(never)]
fn firmware(datagram: &[u8], room: &mut [u8], _: &mut Device) {
    let request = match Message::parse(datagram) {
        Ok(request) => request,
        Err(error) => return put(error.offset() as u32),
    };

    put(request.message_type() as u32);
    put(u32::from(request.code().to_byte()));
    put(u32::from(request.message_id()));
    send(request.token());
    for (number, value) in request.options() {
        put(u32::from(number.get()));
        send(value);
    }
    if let Some(format) = request.content_format() {
        put(u32::from(format.get()));
    }
    send(request.payload());

    // The ETag has as many bytes as the token: a value whose length the compiler does not know.
    let header = Header::acknowledgement(Code::CONTENT, request.message_id());
    let length = Writer::new(room, header, request.token())
        .option(OptionNumber::ETAG, request.token())
        .option(OptionNumber::CONTENT_FORMAT, &[word() as u8])
        .option(OptionNumber::MAX_AGE, &[word() as u8])
        .payload(request.payload())
        .finish()
        .unwrap_or_default();
    put(length as u32);
    transmit(room, length);
}
