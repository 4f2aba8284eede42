//! The firmware without Coaplet: every other figure is less this one.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
#[inline(never)]
fn firmware(datagram: &[u8], room: &mut [u8], _: &mut device::Device) {
    device::put(1);
    device::send(datagram);
    device::transmit(room, device::word() as usize);
}
