//! Must not link: it can panic. `.ci/footprint` makes sure that this is noticed.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
#[inline(never)]
fn firmware(datagram: &[u8], room: &mut [u8], _: &mut device::Device) {
    device::send(room);
    device::put(u32::from(datagram[device::word() as usize]));
}
