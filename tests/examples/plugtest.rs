//! The plugtest server and client, over real sockets; that each case passes, and more of them, is a test in virtual time
//! (`tests/server/plugtest.rs`).

use crate::process::{ANSWER, LIMIT, Running, example, run};
use coaplet::{Code, Header, Message, Writer};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::process::Stdio;

fn start(arguments: &[&str]) -> (Running, SocketAddr) {
    let mut command = example("plugtest_server");
    let command = command.args(["--bind", "127.0.0.1:0"]).args(arguments);
    let mut running = Running::start(command.stdout(Stdio::piped()));
    let mut first = String::new();
    let output = running.child.stdout.take().expect("a pipe");
    BufReader::new(output).read_line(&mut first).expect("a line");
    let address = first.trim().strip_prefix("plugtest_server listens on ").and_then(|address| address.parse().ok());
    (running, address.unwrap_or_else(|| panic!("no address in {first:?}")))
}

fn post_shutdown(server: SocketAddr) -> Code {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.connect(server).expect("connected");
    socket.set_read_timeout(Some(ANSWER)).expect("a timeout");
    let mut buffer = [0; 100];
    let length =
        Writer::new(&mut buffer, Header::confirmable(Code::POST, 1), &[]).path("shutdown").finish().expect("it fits");
    socket.send(&buffer[..length]).expect("sent");
    let length = socket.recv(&mut buffer).expect("an answer");
    Message::parse(&buffer[..length]).expect("a message").code()
}

#[test]
fn the_client_prints_a_table() {
    let (_server, address) = start(&[]);
    let quick = ["--only", "CORE_2", "--only", "LINK", "--only", "BLOCK", "--only", "CORE_31"];
    let ended = run(example("plugtest_client").args(quick).arg(address.to_string()), &[]);
    assert_eq!(ended.status, Some(0), "{}{}", ended.text(), ended.stderr);
    assert!(ended.text().ends_with("20 passed, 0 failed, 0 not offered\n"), "{}", ended.text());
    assert_eq!(post_shutdown(address), Code::NOT_FOUND);
}

#[test]
fn the_server_ends_where_that_is_allowed() {
    let (mut server, address) = start(&["--allow-shutdown"]);
    assert_eq!(post_shutdown(address), Code::CHANGED);
    assert_eq!(server.wait(LIMIT), Some(0));
}

#[test]
fn what_is_wrong_with_a_command_line() {
    for (name, arguments, expected) in [
        ("plugtest_client", &["--only", "CORE_31"][..], "which server? HOST:PORT is missing"),
        ("plugtest_client", &["nowhere"], "nowhere is no host and port that can be found"),
        ("plugtest_client", &["127.0.0.1:1", "--only", "X"], "no case is called so: [\"X\"]"),
        ("plugtest_server", &["--bind", "here"], "invalid socket address"),
        ("plugtest_server", &["now"], "unexpected argument \"now\""),
    ] {
        let ended = run(example(name).args(arguments), &[]);
        assert_eq!((ended.status, ended.text()), (Some(2), ""), "{name} {arguments:?}");
        assert!(ended.stderr.starts_with(&format!("{name}: ")) && ended.stderr.contains(expected), "{}", ended.stderr);
    }
}
