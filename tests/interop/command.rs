//! The command `coap`, to be run with arguments; and `coap serve`, listening.

// Each test binary uses its own part of this module.
#![allow(dead_code)]

use crate::process::{LIMIT, Running};
use coaplet::host::{Client, Reply};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

/// The command, to be run with arguments.
pub fn coap(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coap"));
    command.args(arguments);
    command
}

/// `coap serve`, listening.
pub struct Serve {
    pub running: Running,
    pub address: SocketAddr,
    lines: Receiver<String>,
}

impl Serve {
    pub fn start(dir: &Path, arguments: &[&str]) -> Serve {
        Serve::start_at(dir, "127.0.0.1:0", arguments)
    }

    pub fn start_at(dir: &Path, bind: &str, arguments: &[&str]) -> Serve {
        let mut command = coap(&["serve", dir.to_str().expect("a name in UTF-8"), "--bind", bind]);
        let mut running = Running::start(command.args(arguments).stderr(Stdio::piped()));
        let output = BufReader::new(running.child.stderr.take().expect("a pipe"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let first: String = lines.recv_timeout(LIMIT).expect("it says where it listens");
        let address = first.split("coap://").nth(1).and_then(|rest| rest.split(',').next());
        let address = address.and_then(|address| address.parse().ok());
        Serve { running, address: address.unwrap_or_else(|| panic!("no address in {first:?}")), lines }
    }

    pub fn uri(&self, path: &str) -> String {
        format!("coap://{}{path}", self.address)
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.uri("")).expect("a client")
    }

    pub fn get(&self, path: &str) -> Reply {
        self.client().get(path).expect("a reply")
    }

    /// The next line that holds this text.
    pub fn line_with(&self, text: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        std::iter::from_fn(|| self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok())
            .find(|line| line.contains(text))
            .unwrap_or_else(|| panic!("no line with {text:?}"))
    }
}
