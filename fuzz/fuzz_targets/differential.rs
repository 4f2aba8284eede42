//! Any bytes: codec and nom grammar agree on the message or on fault, offset and Reset, and coap-lite agrees with both
//! where it is right.
#![no_main]

use coaplet_fuzz::peer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| peer::check_all(data));
