//! Block options with any value in any message, to a client in the middle of a transfer and to a server: nothing panics, and
//! what `tests/transfers/any.rs` says must hold does.
#![no_main]

use coaplet_fuzz::any;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Err(why) = any::play(data) {
        panic!("{why}");
    }
});
