//! Any requests to a server with resources of every kind, one for few and one for many: nothing panics, and what
//! `tests/server/any.rs` says must hold does.
#![no_main]

use coaplet_fuzz::any_requests;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Err(why) = any_requests::play(data) {
        panic!("{why}");
    }
});
