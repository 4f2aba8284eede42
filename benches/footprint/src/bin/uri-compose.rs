//! The URI of a request as text: what a device pays that shows or stores what it was asked.

#![no_std]
#![no_main]

use coaplet::uri::{RequestUri, Scheme};
use coaplet::{Message, Window};
use core::fmt::Write;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use device::{Device, put, transmit, word};

/// The request was sent to `word`, as an IPv6 address of a network of examples, or of IPv4 if that is 192.0.2.x.
#[unsafe(no_mangle)]
#[inline(never)]
fn firmware(datagram: &[u8], room: &mut [u8], _: &mut Device) {
    let Ok(request) = Message::parse(datagram) else { return };
    let address = match word() {
        low if low >> 8 == 0x00c0_0002 => IpAddr::V4(Ipv4Addr::from_bits(low)),
        low => IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(low))),
    };
    let mut window = Window::new(0, room);
    let written = match RequestUri::of(&request, Scheme::Coap, SocketAddr::new(address, 61616)) {
        Ok(uri) => write!(window, "{uri}"),
        Err(error) => write!(window, "{error}"),
    };
    put(u32::from(written.is_ok()));
    let length = window.written().len();
    put(length as u32);
    transmit(room, length);
}
