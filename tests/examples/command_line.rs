//! The command line of `quickstart`: the exchange that is shown, a server and a client of ours, and every mistake.

use crate::process::{Ended, Server, example, run};
use std::net::{ToSocketAddrs, UdpSocket};
use std::sync::LazyLock;

fn quickstart(arguments: &[&str]) -> Ended {
    run(example("quickstart").args(arguments), b"")
}

/// One line on standard error, nothing on standard output.
fn refuses(name: &str, arguments: &[&str], status: i32, what: &str) {
    let done = run(example(name).args(arguments), b"");
    assert_eq!((done.status, done.text()), (Some(status), ""), "{arguments:?}: {done:?}");
    assert_eq!(done.stderr.lines().count(), 1, "{arguments:?}: {done:?}");
    assert!(done.stderr.starts_with(&format!("{name}: ")) && done.stderr.contains(what), "{arguments:?}: {done:?}");
}

/// `quickstart` without arguments, run once for all that is to be seen of it.
static SHOWN: LazyLock<Ended> = LazyLock::new(|| quickstart(&[]));

#[test]
fn quickstart_ends_by_itself() {
    let done = &*SHOWN;
    assert_eq!((done.status, &*done.stderr), (Some(0), ""), "{done:?}");
    let text = done.text();
    // In this order: the retransmission of what was lost and its answer, a change, a separate response.
    let mut rest = text;
    for part in [
        "-> ",
        "(lost on purpose) CON GET",
        "(retransmission) CON GET",
        "ACK 2.05 Content",
        "CON PUT",
        "ACK 2.04 Changed",
        "payload 2 bytes \"on\"",
        "CON GET",
        "Uri-Path: slow",
        "<-    4 bytes  ACK Empty",
        "CON 2.05 Content",
        "->    4 bytes  ACK Empty",
        "4.04 Not Found",
        "[Observe: 0, Uri-Path: count]",
        "ACK 2.05 Content",
        "CON 2.05 Content",
        "->    4 bytes  ACK Empty",
        "CON 2.05 Content",
        "->    4 bytes  ACK Empty",
        "CON 2.05 Content",
        "->    4 bytes  ACK Empty",
        "[Observe: 1, Uri-Path: count]",
        "<>  PUT /file: 100000 bytes in ",
        "2.04 Changed",
        "<>  GET /file: 100000 bytes in ",
        "2.05 Content",
    ] {
        let (_, behind) = rest.split_once(part).unwrap_or_else(|| panic!("{part} in its place in {text}"));
        rest = behind;
    }
    // Every message with its length, or many in a line; the sum is the sum.
    let (mut messages, mut bytes) = (0, 0);
    for line in text.lines() {
        if let Some((_, what)) = line.split_once("->").or(line.split_once("<-")) {
            messages += 1;
            bytes += what.trim().split_once(" bytes  ").and_then(|(length, _)| length.parse::<usize>().ok()).unwrap();
        } else if let Some((_, what)) = line.split_once(" bytes in ") {
            let numbers: Vec<usize> = what.split(' ').filter_map(|word| word.parse().ok()).collect();
            // 98 blocks of up to 1024 bytes, and an answer to each.
            assert!(numbers[0] == 196 && numbers[1] > 100_000, "{line}");
            messages += numbers[0];
            bytes += numbers[1];
        }
    }
    let sum = format!("{messages} messages (1 lost on purpose), {bytes} bytes.");
    assert!(messages >= 24 + 2 * 196 && text.trim_end().ends_with(&sum), "{sum}: {text}");
}

/// Nothing is lost unless it is asked for.
#[test]
fn quickstart_without_a_loss() {
    let done = quickstart(&["--lose", "0"]);
    assert_eq!((done.status, &*done.stderr), (Some(0), ""), "{done:?}");
    assert!(done.text().contains(" messages (0 lost on purpose), "), "{done:?}");
    assert!(!done.text().contains("(lost on purpose)") && !done.text().contains("(retransmission)"), "{done:?}");
}

/// What the README shows of it is what it shows, but for times, ports and what is drawn at random.
#[test]
fn readme_shows_what_is_shown() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(readme).expect("README.md");
    let (_, behind) = readme.split_once("```text\nA server listens on ").expect("the output in README.md");
    let (shown, _) = behind.split_once("```").expect("the end of the block");
    assert_eq!(without_chance(&format!("A server listens on {shown}")), without_chance(SHOWN.text()));
}

/// The text with a name for each Message ID, token and number of more than three digits, the same for the same, and
/// without times.
fn without_chance(text: &str) -> String {
    let mut names = Vec::new();
    let mut name = |word: &str| {
        let known = names.iter().position(|known| known == word);
        known.unwrap_or_else(|| {
            names.push(word.to_owned());
            names.len() - 1
        })
    };
    let is_drawn = |word: &str| word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let line = |line: &str| {
        let line = line.split_once(" ms  ").map_or(line, |(_, message)| message);
        let words = line.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric());
        let words = words.map(|word| {
            let end = word.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric()).len();
            let (word, separator) = word.split_at(end);
            let plain = word.strip_prefix("0x").unwrap_or(word);
            if is_drawn(plain) { format!("#{}{separator}", name(plain)) } else { format!("{word}{separator}") }
        });
        words.collect::<String>() + "\n"
    };
    text.lines().map(line).collect()
}

#[test]
fn serve_and_get() {
    let server = Server::start("127.0.0.1:0");
    let done = quickstart(&["get", &server.uri("/led")]);
    assert_eq!((done.status, done.text()), (Some(0), "off"), "{done:?}");
    let done = quickstart(&["put", &server.uri("/led"), "on"]);
    assert_eq!((done.status, done.text()), (Some(0), ""), "{done:?}");
    // The path in another spelling (RFC 7252 6.4), the scheme in another case.
    let done = quickstart(&["get", &server.uri("/%6ced?a=1&b=2").replace("coap:", "COAP:")]);
    assert_eq!((done.status, done.text()), (Some(0), "on"), "{done:?}");
    let done = quickstart(&["get", &server.uri("/time/.././led")]);
    assert_eq!((done.status, done.text()), (Some(0), "on"), "{done:?}");
    let done = quickstart(&["get", &server.uri("/.well-known/core")]);
    assert!(done.status == Some(0) && done.text().starts_with("</time>;"), "{done:?}");
    let done = quickstart(&["get", &server.uri("")]);
    assert_eq!(done.status, Some(4), "{done:?}");
    assert!(done.stderr.lines().last().is_some_and(|line| line.contains("4.04 Not Found")), "{done:?}");
    let done = quickstart(&["tour", &server.uri(""), "--ack-timeout", "0.1"]);
    assert!(done.status == Some(0) && done.text().contains("(lost on purpose)"), "{done:?}");
}

/// By name, with Uri-Host, whichever of its addresses the server has.
#[test]
fn a_host_with_a_name() {
    let addresses: Vec<_> = ("localhost", 0).to_socket_addrs().expect("localhost").collect();
    for address in addresses {
        let server = Server::start(&address.to_string());
        let done = quickstart(&["get", &format!("coap://LocalHost:{}/led", server.address.port())]);
        assert_eq!((done.status, done.text()), (Some(0), "off"), "{done:?}");
        assert!(done.stderr.contains("Uri-Host: localhost"), "{done:?}");
    }
}

#[test]
fn ipv6() {
    if UdpSocket::bind("[::1]:0").is_err() {
        // This machine has no IPv6: then it is said.
        refuses("quickstart", &["serve", "--bind", "[::1]:0"], 1, "cannot listen on [::1]:0");
        return;
    }
    let server = Server::start("[::1]:0");
    let done = quickstart(&["get", &server.uri("/led")]);
    assert_eq!((done.status, done.text()), (Some(0), "off"), "{done:?}");
}

#[test]
fn an_address_in_use_is_said() {
    let server = Server::start("127.0.0.1:0");
    let address = server.address.to_string();
    refuses("quickstart", &["serve", "--bind", &address], 1, "another program listens there");
}

#[test]
fn uris_that_are_none_are_explained() {
    let long = format!("coap://127.0.0.1/{}", "a".repeat(256));
    for (uri, what) in [
        ("127.0.0.1:5683/time", "it begins with coap://"),
        ("http://127.0.0.1/", "it begins with coap://"),
        ("coaps://127.0.0.1/", "coap:// (UDP without security) only"),
        ("coap+tcp://127.0.0.1/", "coap:// (UDP without security) only"),
        ("coap://", "it has no host"),
        ("coap:///time", "it has no host"),
        ("coap://:5683/time", "it has no host"),
        ("coap://127.0.0.1:65536/", "\"65536\" is no port"),
        ("coap://127.0.0.1:x/", "\"x\" is no port"),
        ("coap://127.0.0.1:0/", "0 is no port"),
        ("coap://[::1/", "not closed"),
        ("coap://[::1]5683/", "no :port"),
        ("coap://[::g]/", "is not an IPv6 address"),
        ("coap://::1/", "stands in brackets"),
        ("coap://a@127.0.0.1/", "no user name"),
        ("coap://127.0.0.1/#a", "no #fragment"),
        ("coap://127.0.0.1/a b", "as %20"),
        ("coap://127.0.0.1/é", "as %C3%A9"),
        ("coap://127.0.0.1/%4", "two hexadecimal digits"),
        ("coap://127.0.0.1/a/%2E/b", "no segments . and .."),
        ("coap://127.0.0.1/%2e%2E", "no segments . and .."),
        (&long, "at most 255 bytes"),
    ] {
        refuses("quickstart", &["get", uri], 2, what);
    }
    refuses("quickstart", &["get", "coap://nosuch.invalid/"], 1, "cannot find the host \"nosuch.invalid\"");
}

#[test]
fn mistakes_of_quickstart() {
    for (arguments, what) in [
        (&["gte", "coap://127.0.0.1/"][..], "\"gte\" is no command"),
        (&["coap://127.0.0.1/"], "say get coap://127.0.0.1/"),
        (&["get"], "the URI is missing"),
        (&["tour"], "the URI is missing"),
        (&["put", "coap://127.0.0.1/"], "a URI and a payload"),
        (&["get", "coap://127.0.0.1/", "more"], "\"more\" is one argument too many"),
        (&["get", "coap://127.0.0.1/", "--block", "100"], "16, 32, 64, 128, 256, 512 or 1024"),
        (&["tour", "coap://127.0.0.1/", "--block", "64"], "--block goes with get, put and observe"),
        (&["get", "coap://127.0.0.1/", "--from", "x"], "--from goes with put"),
        (&["put", "coap://127.0.0.1/", "on", "--from", "x"], "not both"),
        (&["put", "coap://127.0.0.1/", "--from", "/no/such/file"], "cannot read \"/no/such/file\""),
        (&["get", "coap://127.0.0.1/", "--count", "3"], "--count goes with observe"),
        (&["observe", "coap://127.0.0.1/", "--count", "some"], "--count \"some\": a number is asked for"),
        (&["observe"], "the URI is missing"),
        (&["serve", "more"], "\"more\" is one argument too many"),
        (&["--hlep"], "--hlep"),
        (&["serve", "--bnid", "127.0.0.1:0"], "--bnid"),
        (&["serve", "--bind"], "missing argument"),
        (&["serve", "--bind", "127.0.0.1:http"], "\"http\" is no port"),
        (&["serve", "--bind", ""], "it has no host"),
        (&["serve", "--bind", "127.0.0.1:0/a"], "it has a path"),
        (&["serve", "--bind", "a b"], "as %20"),
        (&["get", "coap://127.0.0.1/", "--bind", "127.0.0.1:0"], "--bind goes with serve"),
        (&["--bind", "127.0.0.1:0"], "--bind goes with serve"),
        (&["serve", "--ack-timeout", "1"], "--ack-timeout goes with"),
        (&["serve", "--lose", "-1"], "a number is asked for"),
        (&["get", "coap://127.0.0.1/", "--lose", "one"], "a number is asked for"),
        (&["--lsoe", "1"], "--lsoe"),
        (&["get", "coap://127.0.0.1/", "--ack-timeout", "0"], "0.001 to 3600"),
        (&["get", "coap://127.0.0.1/", "--ack-timeout", "NaN"], "0.001 to 3600"),
        (&["get", "coap://127.0.0.1/", "--ack-timeout", "soon"], "0.001 to 3600"),
    ] {
        refuses("quickstart", arguments, 2, what);
    }
}

#[test]
fn help_has_examples() {
    for option in ["--help", "-h"] {
        let done = quickstart(&[option]);
        assert_eq!((done.status, &*done.stderr), (Some(0), ""), "{option}");
        for part in ["quickstart -- serve", "quickstart -- get coap://", "--bind", "--lose"] {
            assert!(done.text().contains(part), "{part} in {}", done.text());
        }
        assert!(done.text().lines().all(|line| line.len() <= 120), "{}", done.text());
    }
}
