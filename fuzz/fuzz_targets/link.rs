//! Any bytes: the library and the model of the tests agree on whether they are links and on what these say; they are
//! written again and read back. What stands before a line end is a filter on what stands behind.
#![no_main]

use coaplet::link::Links;
use coaplet_fuzz::link_model;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    link_model::check(data);
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    if let (Some(argument), Some(links)) = (parts.next(), parts.next()) {
        if let (Ok(argument), Ok(links)) = (std::str::from_utf8(argument), Links::parse(links)) {
            link_model::check_filter(links, argument);
        }
    }
});
