//! `coap get` and the other methods.

use crate::fake::Fake;
use crate::process::{Server, file, pattern, run};
use crate::{coap, ran};

/// What the fake server says that it was asked.
fn asked(arguments: &[&str]) -> String {
    let done = ran(arguments);
    assert_eq!((done.status, &*done.stderr), (Some(0), ""), "{arguments:?}: {done:?}");
    done.text().to_owned()
}

#[test]
fn each_method_asks_by_its_code() {
    let fake = Fake::start();
    for (command, method) in [("get", "GET"), ("delete", "DELETE")] {
        let said = asked(&[command, &fake.uri("/a/b?c=d")]);
        assert!(said.starts_with(&format!("CON {method} mid=0x")), "{said}");
        assert!(said.contains("[Uri-Path: a, Uri-Path: b, Uri-Query: c=d"), "{said}");
        assert!(!said.contains("payload"), "{said}");
    }
    for (command, method) in
        [("put", "PUT"), ("post", "POST"), ("fetch", "FETCH"), ("patch", "PATCH"), ("ipatch", "iPATCH")]
    {
        let said = asked(&[command, &fake.uri("/a"), "--payload", "-on-", "--content-format", "json"]);
        assert!(said.starts_with(&format!("CON {method} mid=0x")), "{said}");
        assert!(
            said.contains("Content-Format: application/json") && said.ends_with("payload 4 bytes \"-on-\""),
            "{said}"
        );
    }
}

#[test]
fn each_option_goes_out() {
    let fake = Fake::start();
    let uri = &fake.uri("/a");
    for (arguments, parts) in [
        (&["--accept", "application/cbor"][..], &["Accept: application/cbor"][..]),
        (&["--accept", "65000"], &["Accept: 65000"]),
        (&["--option", "15=x=y", "-O", "uri-query=z"], &["Uri-Query: x=y, Uri-Query: z"]),
        (&["-O", "65000=0x01ff", "-O", "2=uint:300"], &["2: 0x012c", "65000: 0x01ff"]),
        (&["--non"], &["NON GET"]),
        (&["--token", "0x0102030405060708"], &["token=0102030405060708"]),
        (&["--block-size", "64"], &["Block2: 0/0/64"]),
        (&["--if-match", "0xabcd", "--if-match", "0x"], &["If-Match: 0xabcd, If-Match: "]),
        (&["--if-none-match"], &["If-None-Match"]),
        (&["--etag", "abcd", "--etag", "ef"], &["ETag: 0xabcd, ETag: 0xef"]),
    ] {
        let said = asked(&[&["get", uri], arguments].concat());
        assert!(parts.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
    }
}

#[test]
fn a_payload_comes_from_wherever_it_is_said() {
    let fake = Fake::start();
    let uri = &fake.uri("/a");
    let body = file("body", b"from a file");
    for (arguments, payload) in [
        (&["--payload", "a text"][..], "\"a text\""),
        (&["--file", body.name()], "\"from a file\""),
        (&["--file", "-"], "\"from a pipe\""),
        (&["-"], "\"from a pipe\""),
    ] {
        let done = run(&mut coap(&[&["put", uri], arguments].concat()), b"from a pipe");
        assert_eq!(done.status, Some(0), "{arguments:?}: {done:?}");
        assert!(done.text().ends_with(payload), "{arguments:?}: {done:?}");
    }
    assert!(!asked(&["post", uri]).contains("payload"));
    for both in [&["put", uri, "-", "--payload", "x"][..], &["put", uri, "--file", "x", "--payload", "x"]] {
        assert_eq!(ran(both).status, Some(2), "{both:?}");
    }
}

#[test]
fn the_code_decides_the_status() {
    let fake = Fake::start();
    for (path, status, said) in [
        ("/code/2/04", 0, "2.04 Changed\n"),
        ("/code/2/03", 0, "2.03 Valid\n"),
        ("/code/4/04", 4, "coap: 4.04 Not Found: because\n"),
        ("/code/4/18", 4, "coap: 4.18: because\n"),
        ("/code/5/03", 5, "coap: 5.03 Service Unavailable: because\n"),
        ("/created", 0, "2.01 Created at /store/7?full\n"),
    ] {
        let done = ran(&["post", &fake.uri(path)]);
        assert_eq!((done.status, &*done.stderr), (Some(status), said), "{path}: {done:?}");
        // Of an error nothing is for who reads payloads.
        assert!(status == 0 || done.stdout.is_empty(), "{path}: {done:?}");
    }
}

#[test]
fn payloads_go_raw_into_a_pipe_and_a_file() {
    let fake = Fake::start();
    for (path, payload) in
        [("/json", &br#"{"a":[1,2]}"#[..]), ("/cbor", b"\xa1\x61a\x82\x01\x02"), ("/bytes", &[0, 0xff, b'\n', 0x1b])]
    {
        assert_eq!(ran(&["get", &fake.uri(path)]).stdout, payload, "{path}");
        let output = file("output", b"something longer that was there");
        let done = ran(&["get", &fake.uri(path), "--output", output.name()]);
        assert_eq!((done.status, &done.stdout[..]), (Some(0), &b""[..]), "{done:?}");
        assert_eq!(output.content(), payload);
    }
    let kept = file("kept", b"kept");
    assert_eq!(ran(&["get", &fake.uri("/code/4/04"), "--output", kept.name()]).status, Some(4));
    assert_eq!(kept.content(), b"kept", "an error is not written over what is there");
}

#[cfg(target_os = "linux")]
#[test]
fn payloads_are_readable_on_a_terminal() {
    let fake = Fake::start();
    for (path, shown) in [
        ("/json", "{\r\n  \"a\": [\r\n    1,\r\n    2\r\n  ]\r\n}\r\n"),
        ("/cbor", "{\"a\": [1, 2]}\r\n"),
        ("/bytes", "00000000  00 ff 0a 1b                                      ....\r\n"),
    ] {
        let done = crate::on_a_terminal(&["get", &fake.uri(path)]);
        assert_eq!((done.status, done.text()), (Some(0), shown), "{path}");
    }
}

#[test]
fn messages_are_shown_with_times() {
    let fake = Fake::start();
    let done = ran(&["get", &fake.uri("/a"), "-v"]);
    let lines: Vec<&str> = done.stderr.lines().collect();
    let [sent, came] = lines[..] else { panic!("two messages: {done:?}") };
    assert!(sent.contains(&format!(" ms  -> {} ", fake.address)) && sent.contains("CON GET"), "{sent}");
    assert!(came.contains(&format!(" ms  <- {} ", fake.address)) && came.contains("ACK 2.05 Content"), "{came}");
    assert!(done.text().starts_with("CON GET"), "{done:?}");
    let in_full = ran(&["get", &fake.uri("/a"), "-vv"]);
    assert!(in_full.stderr.lines().count() > 4, "{in_full:?}");
}

/// RFC 7967: nothing is waited for that was not asked for.
#[test]
fn no_response_is_asked_for() {
    let fake = Fake::start();
    for arguments in [&["--no-response"][..], &["--no-response", "--non"]] {
        let done = ran(&[&["put", &fake.uri("/a"), "--payload", "x"], arguments].concat());
        assert_eq!((done.status, &done.stdout[..]), (Some(0), &b""[..]), "{done:?}");
        assert!(done.stderr.starts_with("sent"), "{done:?}");
    }
}

#[test]
fn by_a_proxy() {
    let fake = Fake::start();
    let proxy = fake.uri("");
    let said = asked(&["get", "coap://sensor.example:61616/temp?x", "--proxy", &proxy]);
    let options = "[Uri-Host: sensor.example, Uri-Port: 61616, Uri-Path: temp, Uri-Query: x";
    assert!(said.contains(options) && said.contains("Proxy-Scheme: coap"), "{said}");
    let said = asked(&["get", "http://example.com/a", "--proxy", &proxy]);
    assert!(said.contains("Proxy-Uri: http://example.com/a"), "{said}");
}

#[test]
fn from_a_port_of_ours() {
    let fake = Fake::start();
    let done = ran(&["get", &fake.uri("/a"), "--bind", "127.0.0.1"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    // At any address of ours: the one from which the server is reached.
    for bind in [":0", "0.0.0.0", "[::]:0"] {
        let done = ran(&["get", &fake.uri("/a"), "--bind", bind]);
        assert_eq!(done.status, Some(0), "{bind}: {done:?}");
    }
    let taken = ran(&["get", &fake.uri("/a"), "--bind", &fake.address.to_string()]);
    assert_eq!(taken.status, Some(1), "{taken:?}");
    assert!(taken.stderr.starts_with(&format!("coap: cannot listen on {}: ", fake.address)), "{taken:?}");
}

#[test]
fn files_go_there_and_back_in_blocks() {
    let server = Server::start("127.0.0.1:0");
    let (body, uri) = (pattern(50_000), &server.uri("/file"));
    let given = file("given", &body);
    for size in [&[][..], &["--block-size", "128"]] {
        let done = ran(&[&["put", uri, "--file", given.name()], size].concat());
        assert_eq!((done.status, &*done.stderr), (Some(0), "2.04 Changed\n"), "{size:?}");
        let done = ran(&[&["get", uri], size].concat());
        assert_eq!((done.status, done.stdout == body), (Some(0), true), "{size:?}");
    }
    let done = ran(&["get", uri, "--non", "--block-size", "1024"]);
    assert!(done.stdout == body, "{:?}", done.stderr);
    // Whoever wants no response (RFC 7967) has all of it sent, and not the first block alone.
    for (arguments, length) in [(&["--no-response"][..], 20_000), (&["--no-response", "--non"], 30_000)] {
        let given = file("unanswered", &body[..length]);
        let done = ran(&[&["put", uri, "--file", given.name()], arguments].concat());
        assert_eq!(done.status, Some(0), "{done:?}");
        assert!(ran(&["get", uri]).stdout == body[..length], "{arguments:?}");
    }
}

#[test]
fn over_ipv6_and_by_name() {
    if crate::has_ipv6() {
        let fake = Fake::start_at("[::1]:0");
        assert!(asked(&["get", &fake.uri("/a")]).contains("Uri-Path: a"));
    }
    // Where a name has several addresses, and nobody is at the first one, the next is asked.
    let fake = Fake::start();
    let said = asked(&["get", &format!("coap://localhost:{}/a", fake.address.port())]);
    assert!(said.contains("Uri-Host: localhost, Uri-Path: a"), "{said}");
}
