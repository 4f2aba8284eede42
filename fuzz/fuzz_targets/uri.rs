//! Any text: the library and the model of the tests agree on whether it is a CoAP URI, on what it says and on what is
//! sent of it, and that composes to an equivalent one. Any datagram: what its options compose to is taken apart into
//! the same.
#![no_main]

use coaplet::uri::Scheme;
use coaplet_fuzz::uri_model;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        uri_model::check(text);
    }
    uri_model::check_request(data, Scheme::Coaps, ([192, 0, 2, 1], 5683).into());
});
