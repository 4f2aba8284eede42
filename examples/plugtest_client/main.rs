//! Runs the cases of the ETSI CoAP plugtests against any server, and prints which of them it passes.
//!
//! ```sh
//! cargo run --release --example plugtest_client -- 127.0.0.1:5683
//! ```
//!
//! It writes each message itself, and looks at each that comes: what is to be seen on the wire is in `tests/plugtest.tsv`.

#[path = "../plugtest_server/arguments.rs"]
mod arguments;
mod cases;
mod client;

use cases::{CASES, Case};
use client::{Client, Outcome, Path, Why};
use lexopt::prelude::*;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const HELP: &str = "\
Runs the cases of the ETSI CoAP plugtests against a server.

Usage: plugtest_client [OPTIONS] HOST:PORT

      --only PREFIX  Only the cases whose names begin so, such as BLOCK; may be given several times
      --loss N       Loses N of 100 datagrams, in both directions, in the cases that are meant for it
      --quick        Without the cases that take minutes
  -h, --help         Prints this

All cases run at the same time, each over sockets of its own, but for those of one resource that change what another
one looks at. Ends with 0 if none failed, with 1 if one did, and with 2 if the command line is wrong.
";

#[derive(Clone)]
struct Arguments {
    server: SocketAddr,
    only: Vec<String>,
    loss: u32,
    quick: bool,
}

fn main() -> ExitCode {
    let arguments = match arguments::arguments("plugtest_client", HELP, read) {
        Ok(arguments) => arguments,
        Err(end) => return end,
    };
    let wanted = |case: &&Case| {
        (arguments.only.is_empty() || arguments.only.iter().any(|prefix| case.id.starts_with(prefix.as_str())))
            && !(arguments.quick && case.slow)
    };
    let cases: Vec<&'static Case> = CASES.iter().filter(wanted).collect();
    if cases.is_empty() {
        eprintln!("plugtest_client: no case is called so: {:?}", arguments.only);
        return ExitCode::from(2);
    }
    // Of each resource one case after the other.
    let mut groups: Vec<Vec<&'static Case>> = Vec::new();
    for case in cases {
        match groups.iter_mut().find(|group| group[0].resource == case.resource) {
            Some(group) => group.push(case),
            None => groups.push(vec![case]),
        }
    }
    let threads: Vec<_> = groups
        .into_iter()
        .map(|group| {
            let arguments = arguments.clone();
            std::thread::spawn(move || group.into_iter().map(|case| (case, run(case, &arguments))).collect::<Vec<_>>())
        })
        .collect();
    let mut outcomes: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect();
    outcomes.sort_by_key(|(case, _)| CASES.iter().position(|other| other.id == case.id));
    let (mut passed, mut failed, mut lacking) = (0, 0, 0);
    for (case, (outcome, time)) in &outcomes {
        let verdict = match outcome {
            Ok(()) => {
                passed += 1;
                "pass".to_string()
            }
            Err(Why::NotOffered) => {
                lacking += 1;
                format!("not offered: {}", case.resource)
            }
            Err(Why::Failed(why)) => {
                failed += 1;
                format!("FAIL  {why}")
            }
        };
        println!("{:8}  {:6.1} s  {verdict}", case.id, time.as_secs_f64());
    }
    println!("{passed} passed, {failed} failed, {lacking} not offered");
    if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn read(parser: &mut lexopt::Parser) -> Result<Option<Arguments>, lexopt::Error> {
    let (mut server, mut only, mut loss, mut quick) = (None, Vec::new(), 0, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("only") => only.push(parser.value()?.string()?),
            Long("loss") => loss = parser.value()?.parse()?,
            Long("quick") => quick = true,
            Short('h') | Long("help") => return Ok(None),
            Value(value) if server.is_none() => {
                let value = value.string()?;
                let found = value.to_socket_addrs().ok().and_then(|mut all| all.next());
                server = Some(found.ok_or(format!("{value} is no host and port that can be found"))?);
            }
            argument => return Err(argument.unexpected()),
        }
    }
    match server {
        Some(server) => Ok(Some(Arguments { server, only, loss, quick })),
        None => Err("which server? HOST:PORT is missing".into()),
    }
}

fn run(case: &Case, arguments: &Arguments) -> (Outcome, Duration) {
    let start = Instant::now();
    let loss = if case.lossy { arguments.loss } else { 0 };
    let outcome = Network::towards(arguments.server, loss)
        .map_err(|error| Why::Failed(format!("no socket: {error}")))
        .and_then(|mut network| {
            let id = network.random() as u16;
            (case.run)(&mut Client::new(&mut network, id))
        });
    (outcome, start.elapsed())
}

/// Two sockets to a server, and datagrams that are lost on purpose.
struct Network {
    sockets: [UdpSocket; 2],
    loss: u32,
    random: u32,
}

impl Network {
    fn towards(server: SocketAddr, loss: u32) -> std::io::Result<Network> {
        let socket = || {
            let socket = UdpSocket::bind(if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
            socket.connect(server).map(|()| socket)
        };
        let sockets = [socket()?, socket()?];
        let random = u32::from(sockets[0].local_addr()?.port()) << 16 | std::process::id() & 0xffff;
        Ok(Network { sockets, loss, random })
    }

    fn random(&mut self) -> u32 {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.random >> 16
    }

    fn is_lost(&mut self) -> bool {
        self.random() % 100 < self.loss
    }
}

impl Path for Network {
    fn send(&mut self, client: usize, datagram: &[u8]) {
        if !self.is_lost() {
            // Nobody there is as if it were lost: the case says so when nothing comes.
            let _ = self.sockets[client].send(datagram);
        }
    }

    fn receive(&mut self, client: usize, within: Duration) -> Option<Vec<u8>> {
        let end = Instant::now() + within;
        loop {
            let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let socket = &self.sockets[client];
            let mut bytes = vec![0; 65_536];
            let received = socket.set_read_timeout(Some(left)).and_then(|()| socket.recv(&mut bytes));
            if let Ok(length) = received {
                bytes.truncate(length);
                if !self.is_lost() {
                    return Some(bytes);
                }
            } else if Instant::now() < end {
                // An error of the network's comes at once.
                std::thread::sleep(Duration::from_millis(5).min(left));
            }
            if Instant::now() >= end {
                return None;
            }
        }
    }
}
