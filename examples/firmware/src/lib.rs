//! The board under the two programs in `src/bin`, and what it offers.
//!
//! `ethernet` drives the card, `network` is UDP on it, by smoltcp; `resources` is what the device offers.
#![no_std]

pub mod clock;
pub mod device;
pub mod ethernet;
pub mod network;
pub mod resources;
pub mod stack;
#[cfg(feature = "embassy")]
pub mod udp;

use core::net::{Ipv4Addr, SocketAddrV4};
use defmt_semihosting as _;

/// Where the device listens.
pub const PORT: u16 = 5683;

/// Where the host of QEMU's network has its directory.
pub const DIRECTORY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 2, 2), PORT);

/// What nobody can guess. A device has a generator of its own for this; here the host lends its.
pub fn seed() -> [u8; 16] {
    let mut seed = [0; 16];
    if semihosting::experimental::random::fill_bytes(&mut seed).is_err() {
        defmt::warn!("the host gives no random bytes: tokens can be guessed");
    }
    seed
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // What can panic is smoltcp; Coaplet cannot.
    semihosting::process::exit(101)
}
