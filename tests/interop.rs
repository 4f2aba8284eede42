//! The example and the command against other implementations: libcoap (Debian's package libcoap3-bin) and aiocoap (of PyPI).
//!
//! Runs under `COAPLET_PEERS=1`; then a peer that is missing is a failure. Without it, it says that it did not run, for
//! which it brings its own `main`: libtest would show nothing of a test that passes. `COAPLET_PYTHON` is the Python that
//! has aiocoap; `python3` unless it is set.

#[path = "interop/process.rs"]
mod process;

#[path = "interop/libcoap.rs"]
mod libcoap;

#[path = "interop/aiocoap.rs"]
mod aiocoap;

#[path = "interop/drivers.rs"]
mod drivers;

#[cfg(feature = "cli")]
#[path = "interop/command.rs"]
mod command;

#[cfg(feature = "cli")]
#[path = "interop/coap.rs"]
mod coap;

/// Without it what is tested is not even there.
#[cfg(not(feature = "cli"))]
mod coap {
    pub const TESTS: &[(&str, fn())] = &[("the_command", || panic!("the command coap needs --features cli"))];
}

use std::panic;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    // As libtest, as far as `cargo test` and cargo-nextest use it.
    let (mut filters, mut skips) = (Vec::new(), Vec::new());
    let (mut list, mut exact, mut ignored) = (false, false, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--list" => list = true,
            "--exact" => exact = true,
            "--ignored" => ignored = true,
            "--skip" => skips.extend(arguments.next()),
            "--format" | "--test-threads" | "--color" | "--logfile" => drop(arguments.next()),
            option if option.starts_with('-') => {}
            _ => filters.push(argument),
        }
    }
    let wanted = |name: &str| {
        let matches = |filter: &String| if exact { name == filter } else { name.contains(&**filter) };
        !ignored && (filters.is_empty() || filters.iter().any(matches)) && !skips.iter().any(matches)
    };
    let tests = libcoap::TESTS
        .iter()
        .chain(aiocoap::TESTS)
        .chain(coap::TESTS)
        .chain(drivers::TESTS)
        .filter(|(name, _)| wanted(name));
    if list {
        tests.for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let count = tests.clone().count();
    if !matches!(std::env::var("COAPLET_PEERS").as_deref(), Ok(value) if !matches!(value, "" | "0")) {
        println!(
            "interop: {count} tests against libcoap and aiocoap NOT RUN (set COAPLET_PEERS=1, --features cli; apt install libcoap3-bin; \
             pip install aiocoap)"
        );
        return ExitCode::SUCCESS;
    }
    for program in ["coap-client-notls", "coap-server-notls"] {
        // Either prints its usage and ends.
        if let Err(error) = Command::new(program).arg("--help").output() {
            println!("interop: FAILED: cannot run {program}: {error} (Debian: apt install libcoap3-bin)");
            return ExitCode::FAILURE;
        }
    }
    if let Err(why) = aiocoap::is_there() {
        println!("interop: FAILED: {why} (pip install aiocoap; COAPLET_PYTHON names the Python that has it)");
        return ExitCode::FAILURE;
    }
    let mut failed = Vec::new();
    for (name, test) in tests {
        let passed = panic::catch_unwind(test).is_ok();
        println!("interop: {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(*name);
        }
    }
    println!("interop: {} passed, {} failed {}", count - failed.len(), failed.len(), failed.join(" "));
    ExitCode::from(u8::from(!failed.is_empty()))
}
