//! A URI into a request: what a device pays that is told where to ask by text, beside the codec's writer.

#![no_std]
#![no_main]

use coaplet::uri::{CoapUri, Host};
use coaplet::{Code, Header, Writer};
use device::{Device, put, send, transmit, word};

/// The datagram is a text.
#[unsafe(no_mangle)]
#[inline(never)]
fn firmware(datagram: &[u8], room: &mut [u8], _: &mut Device) {
    let uri = match CoapUri::parse(core::str::from_utf8(datagram).unwrap_or_default()) {
        Ok(uri) => uri,
        Err(error) => {
            put(error.kind() as u32);
            return put(error.offset() as u32);
        }
    };
    put(uri.scheme() as u32);
    match uri.host() {
        Host::Ipv4(address) => send(&address.octets()),
        Host::Ipv6 { address, .. } => send(&address.octets()),
        Host::Name(name) => name.bytes().for_each(|byte| put(u32::from(byte))),
    }
    put(u32::from(uri.port()));
    let header = Header::confirmable(Code::GET, word() as u16);
    let length = Writer::new(room, header, &[]).uri(&uri).finish().unwrap_or_default();
    put(length as u32);
    transmit(room, length);
}
