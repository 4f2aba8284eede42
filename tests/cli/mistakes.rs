//! Whatever goes wrong: one line on standard error that says what, and the status that `--help` names.

use crate::fake::Fake;
use crate::process::file;
use crate::ran;
use std::net::UdpSocket;

fn refuses(arguments: &[&str], status: i32, what: &str) {
    let done = ran(arguments);
    assert_eq!((done.status, done.text()), (Some(status), ""), "{arguments:?}: {done:?}");
    assert_eq!(done.stderr.lines().count(), 1, "{arguments:?}: {done:?}");
    assert!(done.stderr.starts_with("coap: ") && done.stderr.contains(what), "{arguments:?}: {done:?}");
}

#[test]
fn wrong_command_lines() {
    let long = format!("65000={}", "x".repeat(1000));
    for (arguments, what) in [
        (&["git", "coap://127.0.0.1/"][..], "unrecognized subcommand 'git'"),
        (&["get"], "<URI>"),
        (&["get", "--frob", "coap://127.0.0.1/"], "'--frob'"),
        (&["get", "coap://127.0.0.1/", "more"], "'more'"),
        (&["get", "127.0.0.1/time"], "it begins with coap://"),
        (&["get", "http://127.0.0.1/time"], "it begins with coap://"),
        (&["get", "coaps://127.0.0.1/"], "coaps:// is not spoken here"),
        (&["get", "coap://127.0.0.1:99999/"], "no port"),
        (&["get", "coap://127.0.0.1/a b"], "%20"),
        (&["get", "coap://127.0.0.1/", "--token", "010203040506070809"], "at most 8 bytes"),
        (&["get", "coap://127.0.0.1/", "--token", "x"], "hexadecimal"),
        (&["get", "coap://127.0.0.1/", "--block-size", "100"], "16, 32, 64"),
        (&["get", "coap://127.0.0.1/", "--accept", "nonsense"], "no such format"),
        (&["get", "coap://127.0.0.1/", "--option", "nonsense=1"], "a number up to 65535"),
        (&["get", "coap://127.0.0.1/", "--timeout", "0"], "0.001 to 86400"),
        (&["get", "coap://127.0.0.1/", "--proxy", "proxy"], "\"proxy\" is not a URI"),
        (&["get", "coap://127.0.0.1/", "--bind", "a b"], "\"a b\""),
        // A message is no longer than a datagram of ours: such an option is not.
        (&["get", "coap://127.0.0.1/", "-O", &format!("65000={}", "x".repeat(1035))], "1034"),
        (&["get", "coap://127.0.0.1/", "-O", &long, "-O", &long], "shorten its options"),
        (&["observe", "coap://127.0.0.1/", "--count", "0"], "0"),
        (&["discover", "127.0.0.1", "--query", "rt"], "rt=temperature-c"),
        (&["bench", "coap://127.0.0.1/", "--clients", "0"], "0"),
        (&["decode", "--jsno"], "'--jsno'"),
        (&["man", "nonsense"], "nonsense"),
        (&["completions", "nonsense"], "nonsense"),
    ] {
        refuses(arguments, 2, what);
    }
}

#[test]
fn without_a_command_it_helps() {
    let done = ran(&[]);
    assert_eq!((done.status, done.text()), (Some(2), ""));
    assert!(done.stderr.contains("Usage: coap <COMMAND>") && done.stderr.contains("Examples:"), "{done:?}");
}

#[test]
fn nobody_is_there() {
    // Bound and not read: silent. The one that is closed again: nobody listens.
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let closed = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let silent_uri = format!("coap://{}/", silent.local_addr().expect("an address"));
    let closed_uri = format!("coap://{closed}/");
    for command in ["get", "observe", "discover", "ping", "bench", "put"] {
        refuses(&[command, &silent_uri, "--timeout", "0.2"], 1, "no answer from 127.0.0.1:");
        #[cfg(target_os = "linux")]
        refuses(&[command, &closed_uri, "--timeout", "10"], 1, &format!("no program listens at {closed}"));
    }
    let said = ran(&["get", &silent_uri, "--timeout", "0.2"]).stderr;
    assert!(said.contains("after 0 retransmissions in ") && said.contains(" s: check the address"), "{said}");
    refuses(&["get", "coap://no-such-host.invalid/"], 1, "cannot find the host \"no-such-host.invalid\"");
}

#[test]
fn who_is_there_does_not_answer() {
    let fake = Fake::start();
    refuses(&["get", &fake.uri("/reset")], 1, "rejected the request with a Reset");
    refuses(&["get", &fake.uri("/silent"), "--timeout", "0.2"], 1, "no answer from");
    refuses(&["get", &fake.uri("/acknowledged"), "--timeout", "0.2"], 1, "it is there, but takes longer");
    refuses(&["discover", &fake.uri(""), "--timeout", "5", "--bind", "192.0.2.1"], 1, "cannot listen on 192.0.2.1:0");
}

#[test]
fn a_transfer_takes_too_long() {
    let server = crate::process::Server::start("127.0.0.1:0");
    let body = file("body", &[b'x'; 900_000]);
    let arguments = ["put", &server.uri("/file"), "--file", body.name(), "--block-size", "16", "--timeout", "0.2"];
    refuses(&arguments, 1, "after 0.2 s: allow it more time");
}

#[test]
fn files_that_cannot_be_used() {
    let fake = Fake::start();
    let there = file("there", b"");
    let below = format!("{}/below", there.name());
    refuses(&["put", &fake.uri("/a"), "--file", "/no/such/file"], 1, "cannot read /no/such/file: ");
    refuses(&["put", &fake.uri("/a"), "--file", "/"], 1, "cannot read /: ");
    refuses(&["get", &fake.uri("/a"), "--output", &below], 1, &format!("cannot write {below}: "));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    use crate::coap;
    use crate::process::{LIMIT, Running};
    let fake = Fake::start();
    let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let mut command = coap(&["get", &fake.uri("/a")]);
    let mut running = Running::start(command.stdout(full).stderr(std::process::Stdio::null()));
    assert_eq!(running.wait(LIMIT), Some(1));
}
