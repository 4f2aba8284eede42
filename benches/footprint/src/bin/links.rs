//! `/.well-known/core` of three resources: the filters of a request, and one block of what matches, beside the codec.

#![no_std]
#![no_main]

use coaplet::link::{Filters, Link, LinkWriter};
use coaplet::{Code, ContentFormat, Header, Message, Window, Writer};
use device::{Device, put, transmit, word};

const RESOURCES: [&str; 3] = [
    "</temp>;rt=\"temperature-c\";if=\"sensor\"",
    "</light>;rt=\"light-lux core.sen-light\";if=\"sensor\"",
    "</led>;obs",
];

/// Sends the block of 16 bytes that `word` says.
#[unsafe(no_mangle)]
#[inline(never)]
fn firmware(datagram: &[u8], room: &mut [u8], _: &mut Device) {
    let Ok(request) = Message::parse(datagram) else { return };
    let filters = Filters::of(&request);
    let mut total = 0;
    let length = Writer::new(room, Header::acknowledgement(Code::CONTENT, request.message_id()), request.token())
        .content_format(ContentFormat::LINK_FORMAT)
        .fill(|room| {
            let mut window = Window::new(word() as usize * 16, room.get_mut(..16).unwrap_or_default());
            let mut writer = LinkWriter::new(&mut window);
            for text in RESOURCES {
                match Link::parse(text) {
                    Ok(link) if filters.matches(&link) => _ = writer.copy(&link),
                    _ => {}
                }
            }
            total = window.total();
            window.written().len()
        })
        .finish()
        .unwrap_or_default();
    put(total as u32);
    put(length as u32);
    transmit(room, length);
}
