//! The other commands: `observe`, `discover`, `ping`, `bench`, and what comes along.

use crate::fake::Fake;
use crate::process::Server;
use crate::{coap, ran};
use coaplet::Message;
use std::time::{Duration, Instant};

#[test]
fn states_are_counted() {
    let server = Server::start("127.0.0.1:0");
    let done = ran(&["observe", &server.uri("/count"), "--count", "3"]);
    assert_eq!((done.status, &*done.stderr), (Some(0), ""), "{done:?}");
    let states: Vec<u32> = done.text().lines().map(|line| line.parse().expect("a number")).collect();
    assert!(states.len() == 3 && states.is_sorted_by(|one, next| one < next), "{states:?}");
    // The server was told, by the request that registered us with Observe 1.
    server.line_with("Observe: 1, Uri-Path: count");
}

#[test]
fn an_observation_ends_with_its_time() {
    let server = Server::start("127.0.0.1:0");
    let before = Instant::now();
    let done = ran(&["observe", &server.uri("/count"), "--for", "0.5"]);
    assert_eq!((done.status, &*done.stderr), (Some(0), ""), "{done:?}");
    assert!(before.elapsed() >= Duration::from_millis(500) && !done.text().is_empty(), "{done:?}");
}

/// RFC 7641 3.6: who ends it tells the server.
#[cfg(target_os = "linux")]
#[test]
fn an_observation_ends_with_ctrl_c() {
    use crate::process::{LIMIT, Running};
    let server = Server::start("127.0.0.1:0");
    let mut command = coap(&["observe", &server.uri("/count")]);
    let mut observer = Running::start(command.stdout(std::process::Stdio::null()));
    server.line_with("Observe: 0, Uri-Path: count");
    server.line_with("ACK 2.05 Content");
    let pid = observer.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    server.line_with("Observe: 1, Uri-Path: count");
    assert_eq!(observer.wait(LIMIT), Some(0));
}

#[test]
fn what_cannot_be_observed_is_printed_once() {
    let server = Server::start("127.0.0.1:0");
    let done = ran(&["observe", &server.uri("/time")]);
    assert_eq!((done.status, done.text().lines().count()), (Some(0), 1), "{done:?}");
    assert!(done.stderr.contains("cannot be observed"), "{done:?}");
    assert_eq!(ran(&["observe", &server.uri("/nowhere")]).status, Some(4));
}

#[test]
fn resources_are_a_table() {
    let server = Server::start("127.0.0.1:0");
    let done = ran(&["discover", &server.address.to_string()]);
    assert_eq!((done.status, &*done.stderr), (Some(0), ""), "{done:?}");
    let lines: Vec<&str> = done.text().lines().collect();
    assert!(lines[0].starts_with("path ") && lines[0].ends_with("title"), "{done:?}");
    let temp = lines.iter().find(|line| line.starts_with("/sensors/temp ")).expect("a row");
    assert!(temp.contains("temperature-c") && temp.contains("text/plain"), "{temp}");
    // Each column begins where its heading does.
    assert_eq!(temp.find("temperature-c"), lines[0].find("rt"), "{done:?}");
}

#[test]
fn no_list_of_links_is_no_table() {
    let fake = Fake::start();
    let done = ran(&["discover", &fake.address.to_string()]);
    assert!(done.stderr.contains("no list of links"), "{done:?}");
}

#[test]
fn a_ping_is_answered() {
    let fake = Fake::start();
    let done = ran(&["ping", &fake.address.to_string()]);
    assert_eq!((done.status, done.text().lines().count()), (Some(0), 1), "{done:?}");
    assert!(done.text().starts_with(&format!("{} is there", fake.address)), "{done:?}");
}

#[test]
fn load_is_measured() {
    let fake = Fake::start();
    for non in [&[][..], &["--non"]] {
        let arguments = ["bench", &fake.uri("/a"), "--requests", "500", "--clients", "3", "--outstanding", "4"];
        let done = ran(&[&arguments, non].concat());
        assert_eq!((done.status, &*done.stderr), (Some(0), ""), "{done:?}");
        for part in ["500 requests to ", "500 2.05 Content; ", "lost       0", "50 % "] {
            assert!(done.text().contains(part), "{part} in {}", done.text());
        }
    }
    let done = ran(&["bench", &fake.uri("/code/5/00"), "--requests", "20"]);
    assert_eq!(done.status, Some(5), "{done:?}");
    assert!(done.text().contains("20 5.00 Internal Server Error"), "{done:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn load_has_a_chart_on_a_terminal() {
    let fake = Fake::start();
    let done = crate::on_a_terminal(&["bench", &fake.uri("/a"), "--requests", "100"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    assert!(done.text().contains("answers by their latency"), "{}", done.text());
    // Braille that is not blank.
    assert!(done.text().contains(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "{}", done.text());
}

/// Each command's help has an option or an example, and what the help of `decode` shows is a message.
#[test]
fn help_and_pages() {
    let all = ran(&["--help"]);
    assert_eq!((all.status, &*all.stderr), (Some(0), ""));
    let commands = [
        "get",
        "put",
        "post",
        "delete",
        "fetch",
        "patch",
        "ipatch",
        "observe",
        "discover",
        "ping",
        "decode",
        "bench",
        "completions",
        "man",
    ];
    for command in commands {
        assert!(all.text().contains(&format!("\n  {command} ")), "{command} in {}", all.text());
        let help = ran(&[command, "--help"]);
        assert!(help.status == Some(0) && help.text().contains(&format!("Usage: coap {command}")), "{help:?}");
        let page = ran(&["man", command]);
        assert!(page.status == Some(0) && page.text().contains(&format!(".TH coap-{command} ")), "{page:?}");
    }
    assert!(all.text().contains("Examples:") && all.text().contains("Exit status:"), "{}", all.text());
    assert!(ran(&["man"]).text().contains(".SH SUBCOMMANDS"));
    for (shell, part) in [("bash", "complete -F _coap"), ("zsh", "#compdef coap"), ("fish", "complete -c coap")] {
        let script = ran(&["completions", shell]);
        assert!(script.status == Some(0) && script.text().contains(part), "{shell}");
    }
    let help = ran(&["decode", "--help"]);
    let hex = help.text().lines().find_map(|line| line.trim().strip_prefix("coap decode 44")).expect("an example");
    let hex = format!("44{hex}");
    assert_eq!(ran(&["decode", &hex]).status, Some(0), "{hex}");
    assert!(Message::parse(&[0x40, 1, 0, 0]).is_ok() && coap(&[]).get_program() == env!("CARGO_BIN_EXE_coap"));
}
