//! Any script of datagrams, commands and time steps against two endpoints: nothing panics, and what
//! `tests/state_machine/` says must hold does.
#![no_main]

use coaplet_fuzz::commands;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let script = commands::read(data);
    if let Err(why) = script.run() {
        panic!("{why}\n\n{script:#?}");
    }
});
