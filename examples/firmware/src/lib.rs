//! The board under the two programs in `src/bin`, and what it offers.
//!
//! `ethernet` drives the card, `network` is UDP on it, by smoltcp; `resources` is what the device offers.
#![no_std]

pub mod clock;
#[cfg(unaligned)]
mod copy;
pub mod device;
pub mod ethernet;
mod host;
pub mod network;
pub mod resources;
pub mod stack;
#[cfg(feature = "embassy")]
pub mod udp;

use core::net::{Ipv4Addr, SocketAddrV4};
use cortex_m::peripheral::SCB;
use cortex_m_rt::exception;

/// Where the device listens.
pub const PORT: u16 = 5683;

/// Where the host of QEMU's network has its directory.
pub const DIRECTORY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 2, 2), PORT);

/// What nobody can guess. A device has a generator of its own for this; here the host lends its.
pub fn seed() -> [u8; 16] {
    let mut seed = [0; 16];
    if !host::random(&mut seed) {
        defmt::warn!("the host gives no random bytes: tokens can be guessed");
    }
    seed
}

/// What can panic is smoltcp, and nothing else here: ./panics looks. Where `core` is built with the rest, a panic is an instruction
/// that no core knows; elsewhere this is one.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    cortex_m::asm::udf()
}

/// Such an instruction: the device starts anew.
#[exception(trampoline = false)]
unsafe fn HardFault() -> ! {
    SCB::sys_reset()
}
