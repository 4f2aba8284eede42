//! The command `coap` as a user runs it, each subcommand from end to end; and the client and the driver that it stands on.

#[path = "../interop/process.rs"]
mod process;

#[path = "../interop/command.rs"]
mod command;

mod client;
mod decode;
mod fake;
mod mistakes;
mod others;
mod requests;
mod serve;
mod udp;

use command::coap;
use process::{Ended, run};
#[cfg(target_os = "linux")]
use std::process::Command;

/// Whether this machine has IPv6; one without is said to be.
fn has_ipv6() -> bool {
    let tried = std::net::UdpSocket::bind("[::1]:0");
    if let Err(error) = &tried {
        println!("not run over IPv6, which this machine has not: {error}");
    }
    tried.is_ok()
}

/// Runs it to its end, with nothing on standard input.
fn ran(arguments: &[&str]) -> Ended {
    run(&mut coap(arguments), b"")
}

/// The same on a terminal, of so many columns, where standard error and standard output are one.
#[cfg(target_os = "linux")]
fn on_a_terminal(arguments: &[&str]) -> Ended {
    let quoted: Vec<String> = arguments.iter().map(|it| format!("'{it}'")).collect();
    let line = format!("stty cols 100; exec {} {}", env!("CARGO_BIN_EXE_coap"), quoted.join(" "));
    run(Command::new("script").args(["-qec", &line, "/dev/null"]).env("SHELL", "/bin/sh").env("TERM", "xterm"), b"")
}
