//! Any calls on a writer over a buffer of any size: it ends in the message that the model says, which reads back the
//! same, or in the error that the model says; `needed` is exact where it has to be, and retrying with it ends.
#![no_main]

use coaplet_fuzz::bytecode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (script, room) = bytecode::read(data);
    let _ = script.check(room);
});
