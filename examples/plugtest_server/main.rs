//! A server with the resources of the ETSI CoAP plugtests, for clients of any make.
//!
//! ```sh
//! cargo run --release --example plugtest_server -- --bind 127.0.0.1:5683
//! ```

mod arguments;
mod resources;

use coaplet::endpoint::{Arrival, Output, Transmit};
use coaplet::store::Indexed;
use coaplet::{Config, Endpoint, Fixed, Instant, Server};
use lexopt::prelude::*;
use resources::{Plugtest, Task, routes, separated, shutdown_route};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
A CoAP server with the resources of the ETSI plugtests.

Usage: plugtest_server [--bind ADDRESS:PORT] [--allow-shutdown]

      --bind ADDRESS:PORT  Where it listens; 127.0.0.1:5683 unless another one is given
      --allow-shutdown     POST to /shutdown ends it
  -h, --help               Prints this
";

/// 64 peers, 256 exchanges, 64 KiB, 64 observers and what they observe, 16 bodies at a time.
type Memory = Fixed<SocketAddr, 64, 256, 65_536, 64, 16, Indexed>;

struct Arguments {
    bind: SocketAddr,
    allow_shutdown: bool,
}

fn main() -> ExitCode {
    let arguments = match arguments::arguments("plugtest_server", HELP, read) {
        Ok(arguments) => arguments,
        Err(end) => return end,
    };
    match UdpSocket::bind(arguments.bind).and_then(|socket| serve(&socket, arguments.allow_shutdown)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plugtest_server: cannot serve on {}: {error}", arguments.bind);
            ExitCode::FAILURE
        }
    }
}

fn read(parser: &mut lexopt::Parser) -> Result<Option<Arguments>, lexopt::Error> {
    let mut arguments = Arguments { bind: SocketAddr::from(([127, 0, 0, 1], 5683)), allow_shutdown: false };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("bind") => arguments.bind = parser.value()?.parse()?,
            Long("allow-shutdown") => arguments.allow_shutdown = true,
            Short('h') | Long("help") => return Ok(None),
            argument => return Err(argument.unexpected()),
        }
    }
    Ok(Some(arguments))
}

fn serve(socket: &UdpSocket, allow_shutdown: bool) -> std::io::Result<()> {
    println!("plugtest_server listens on {}", socket.local_addr()?);
    let mut all: Vec<_> = routes().into();
    if allow_shutdown {
        all.push(shutdown_route());
    }
    let mut memory = Box::new(Memory::new());
    let endpoint = Endpoint::new(Config::DEFAULT.serving(), seed(), &mut *memory);
    let mut server = Server::new(endpoint, &all);
    let start = std::time::Instant::now();
    let now = || Instant::from_millis(start.elapsed().as_millis() as u64);
    let mut state = Plugtest::new(now());
    let (mut rx, mut tx) = ([0; 65_536], [0; 1152]);
    // To a client that cannot be reached it is as if the datagram were lost.
    let send = |due: Transmit<SocketAddr>, tx: &[u8]| _ = socket.send_to(&tx[..due.len], due.to);
    while !state.shutdown {
        let tick = loop {
            match state.task(now()) {
                Ok(Task::Notify(path)) => _ = server.notify(path),
                Ok(Task::End(path, code)) => {
                    if let Some(resource) = server.resource(path) {
                        server.endpoint().end_observers(resource, code);
                    }
                }
                Ok(Task::Complete(later)) => {
                    // It may be over by now: the client was forgotten.
                    if let Ok(Some(due)) = server.complete(now(), &later, &mut tx, separated) {
                        send(due, &tx);
                    }
                }
                Err(until) => break until,
            }
        };
        let due = loop {
            match server.poll(&mut state, now(), &mut tx) {
                Output::Send(due) => send(due, &tx),
                Output::Broken(transfer, _) => state.broken(transfer),
                Output::Idle(due) => break due,
                _ => {}
            }
        };
        let until = due.map_or(tick, |due| due.min(tick));
        // Systems round a timeout down, and 0 would mean for ever.
        socket.set_read_timeout(Some(until.since(now()).max(Duration::from_millis(1))))?;
        // What fails here says that a client has gone, or that the time is over.
        let Ok((length, from)) = socket.recv_from(&mut rx) else { continue };
        let input = server.handle(&mut state, now(), from, Arrival::Unicast, &rx[..length], &mut tx);
        if let Some(reply) = input.reply {
            send(reply, &tx);
        }
    }
    Ok(())
}

/// As in the quickstart: the standard library takes the keys of its hash maps from the system's randomness.
fn seed() -> [u8; 16] {
    let half = || u128::from(RandomState::new().build_hasher().finish());
    (half() << 64 | half()).to_ne_bytes()
}
