//! `coap serve`: the files of a directory, and nothing else.

use crate::command::Serve;
use crate::process::{LIMIT, pattern};
use crate::ran;
use coaplet::block::Settings;
use coaplet::{Code, ContentFormat, OptionNumber};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory with files, beside another one that is not to be seen; gone when it is dropped.
struct Tree(PathBuf);

impl Tree {
    fn new() -> Tree {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("coaplet-serve-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let tree = Tree(std::env::temp_dir().join(name));
        fs::create_dir_all(tree.path("dir/sub/deep")).expect("directories");
        fs::create_dir_all(tree.path("outside")).expect("directories");
        for (file, content) in [
            ("dir/a.txt", &b"hello\n"[..]),
            ("dir/b.json", b"{}"),
            ("dir/big.bin", &pattern(20_000)),
            ("dir/.hidden", b"hidden"),
            ("dir/sub/c d.txt", b"c"),
            ("dir/sub/deep/e", b"e"),
            ("outside/secret", b"secret"),
        ] {
            fs::write(tree.path(file), content).expect("a file");
        }
        tree
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    fn dir(&self) -> PathBuf {
        self.path("dir")
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_are_served() {
    let tree = Tree::new();
    let serve = Serve::start(&tree.dir(), &[]);
    for (path, format, content) in [
        ("/a.txt", ContentFormat::TEXT_PLAIN, &b"hello\n"[..]),
        ("/b.json", ContentFormat::JSON, b"{}"),
        ("/big.bin", ContentFormat::OCTET_STREAM, &pattern(20_000)),
        ("/sub/c%20d.txt", ContentFormat::TEXT_PLAIN, b"c"),
        ("/.hidden", ContentFormat::OCTET_STREAM, b"hidden"),
    ] {
        let reply = serve.get(path);
        assert_eq!((reply.code(), reply.content_format()), (Code::CONTENT, Some(format)), "{path}");
        assert!(reply.payload() == content && reply.etag().is_some_and(|etag| etag.len() == 8), "{path}");
    }
    let mut client = serve.client();
    let settings = Settings { block_size: 32, early: true, ..Settings::DEFAULT };
    let small = client.call(Code::GET, "/big.bin").expect("a path").settings(settings).send().expect("a reply");
    assert!(small.payload() == pattern(20_000));
    // RFC 7252 5.10.6.2: what one has is still valid, until it changes.
    let etag = serve.get("/a.txt").etag().expect("an ETag").to_vec();
    let mut valid = || client.call(Code::GET, "/a.txt").expect("a path").option(OptionNumber::ETAG, &etag).send();
    assert_eq!(valid().expect("a reply").code(), Code::VALID);
    fs::write(tree.path("dir/a.txt"), "hullo\n").expect("a file");
    let reply = valid().expect("a reply");
    assert_eq!((reply.code(), reply.payload()), (Code::CONTENT, &b"hullo\n"[..]));
    let refused = client.call(Code::GET, "/a.txt").expect("a path").accept(ContentFormat::CBOR).send();
    assert_eq!(refused.expect("a reply").code(), Code::NOT_ACCEPTABLE);
}

#[test]
fn what_is_there_is_listed() {
    let tree = Tree::new();
    let serve = Serve::start(&tree.dir(), &[]);
    let text = |path: &str| String::from_utf8(serve.get(path).into_payload()).expect("a text");
    assert_eq!(text("/sub/"), "</sub/c%20d.txt>;ct=0;sz=1,</sub/deep/>;ct=40");
    assert_eq!(text("/sub"), text("/sub/"));
    assert!(text("/").starts_with("</a.txt>;ct=0;sz=6,</b.json>;ct=50;sz=2,</big.bin>;ct=42;sz=20000,</sub/>;ct=40"));
    let core = text("/.well-known/core");
    for part in ["</a.txt>;sz=6;obs", "</sub/c%20d.txt>;sz=1;obs", "</sub/deep/e>;sz=1;obs"] {
        assert!(core.contains(part), "{part} in {core}");
    }
    assert!(!core.contains("hidden"), "{core}");
    let done = ran(&["discover", &serve.address.to_string(), "--query", "href=/sub*"]);
    assert_eq!((done.status, done.text().lines().count()), (Some(0), 3), "{done:?}");
    let none = ran(&["discover", &serve.uri(""), "--query", "rt=nothing"]);
    assert_eq!((none.status, none.text()), (Some(0), "no such resource\n"), "{none:?}");
    // More than a block of it.
    for number in 0..200 {
        fs::write(tree.path(&format!("dir/many-{number}")), "").expect("a file");
    }
    let serve = Serve::start(&tree.dir(), &[]);
    let core = String::from_utf8(serve.get("/.well-known/core").into_payload()).expect("a text");
    assert_eq!(core.matches("</many-").count(), 200);
}

#[test]
fn nothing_outside_is_served() {
    let tree = Tree::new();
    #[cfg(unix)]
    for (target, link) in [
        ("../outside/secret", "dir/relative"),
        (tree.path("outside/secret").to_str().expect("a name"), "dir/absolute"),
        ("../outside", "dir/other"),
        ("..", "dir/up"),
        ("a.txt", "dir/inside"),
        ("loop", "dir/loop"),
    ] {
        std::os::unix::fs::symlink(target, tree.path(link)).expect("a link");
    }
    let serve = Serve::start(&tree.dir(), &["--write"]);
    let mut client = serve.client();
    for path in [
        "/relative",
        "/absolute",
        "/other/secret",
        "/up/outside/secret",
        "/..%2Foutside%2Fsecret",
        "/%2Fetc%2Fpasswd",
        "/sub%2F..%2F..%2Foutside%2Fsecret",
        "/..%5Coutside%5Csecret",
        "/a.txt%00",
        "//etc/passwd",
        "/loop",
    ] {
        for method in [Code::GET, Code::PUT, Code::DELETE] {
            let reply = client.call(method, path).expect("a path").send().expect("a reply");
            assert_eq!(reply.code().class(), if path == "/loop" { reply.code().class() } else { 4 }, "{method} {path}");
            assert!(
                !reply.payload().starts_with(b"secret") && !reply.payload().starts_with(b"root"),
                "{method} {path}"
            );
        }
    }
    // As options, for which no URI stands (RFC 7252 5.10.1).
    for segments in [&["..", "outside", "secret"][..], &[".", "a.txt"], &["sub", "..", "..", "outside", "secret"]] {
        for method in [Code::GET, Code::PUT, Code::DELETE] {
            let mut call = client.call(method, "/").expect("a path");
            for segment in segments {
                call = call.option(OptionNumber::URI_PATH, segment.as_bytes());
            }
            let reply = call.send().expect("a reply");
            assert_eq!(reply.code(), Code::FORBIDDEN, "{method} {segments:?}");
        }
    }
    assert_eq!(fs::read(tree.path("outside/secret")).expect("it is there"), b"secret");
    assert_eq!(fs::read_dir(tree.path("outside")).expect("it is there").count(), 1);
    let core = serve.get("/.well-known/core").into_payload();
    assert!(!String::from_utf8_lossy(&core).contains("secret"));
    #[cfg(unix)]
    assert_eq!(serve.get("/inside").payload(), b"hello\n", "a link that stays within");
}

#[test]
fn what_is_no_file_is_not_there() {
    let tree = Tree::new();
    let serve = Serve::start(&tree.dir(), &[]);
    let long = format!("/{}", "n".repeat(255));
    for path in ["/nowhere", "/nowhere/at/all", "/a.txt/", "/a.txt/b", "/sub//e", &long] {
        assert_eq!(serve.get(path).code(), Code::NOT_FOUND, "{path}");
    }
    #[cfg(target_os = "linux")]
    {
        let made = std::process::Command::new("mkfifo").arg(tree.path("dir/pipe")).status();
        assert!(made.expect("mkfifo").success());
        // Nobody writes into it: it is not waited for.
        assert_eq!(serve.get("/pipe").code(), Code::NOT_FOUND);
    }
    let name = [b'x', 0xff];
    let call = serve.client();
    let mut client = call;
    let reply = client.call(Code::GET, "/").expect("a path").option(OptionNumber::URI_PATH, &name).send();
    assert_eq!(reply.expect("a reply").code(), Code::BAD_OPTION);
}

#[test]
fn without_write_nothing_changes() {
    let tree = Tree::new();
    let serve = Serve::start(&tree.dir(), &[]);
    let mut client = serve.client();
    for method in [Code::PUT, Code::DELETE, Code::POST, Code::FETCH, Code::PATCH, Code::IPATCH] {
        let reply = client.call(method, "/a.txt").expect("a path").send().expect("a reply");
        assert_eq!(reply.code(), Code::METHOD_NOT_ALLOWED, "{method}");
    }
    let long = client.put("/a.txt", pattern(5000)).expect("a reply");
    assert_eq!(long.code().class(), 4);
    assert_eq!(fs::read(tree.path("dir/a.txt")).expect("it is there"), b"hello\n");
}

#[test]
fn with_write_files_come_and_go() {
    let tree = Tree::new();
    let serve = Serve::start(&tree.dir(), &["--write"]);
    let mut client = serve.client();
    let body = pattern(50_000);
    let at = |path: &str| fs::read(tree.path(path)).ok();
    assert_eq!(client.put("/new.bin", body.clone()).expect("a reply").code(), Code::CREATED);
    assert!(at("dir/new.bin").as_ref() == Some(&body));
    assert_eq!(client.put("/new.bin", "short").expect("a reply").code(), Code::CHANGED);
    assert_eq!(at("dir/new.bin").as_deref(), Some(&b"short"[..]));
    // RFC 7252 5.10.8: on conditions.
    let etag = serve.get("/new.bin").etag().expect("an ETag").to_vec();
    let mut put = |number, value: &[u8]| {
        client.call(Code::PUT, "/new.bin").expect("a path").option(number, value).payload("on condition").send()
    };
    assert_eq!(put(OptionNumber::IF_NONE_MATCH, &[]).expect("a reply").code(), Code::PRECONDITION_FAILED);
    assert_eq!(put(OptionNumber::IF_MATCH, b"other").expect("a reply").code(), Code::PRECONDITION_FAILED);
    assert_eq!(at("dir/new.bin").as_deref(), Some(&b"short"[..]));
    assert_eq!(put(OptionNumber::IF_MATCH, &etag).expect("a reply").code(), Code::CHANGED);
    assert_eq!(at("dir/new.bin").as_deref(), Some(&b"on condition"[..]));
    // RFC 7252 5.8.4: deleted, and deleted again.
    for _ in 0..2 {
        assert_eq!(client.delete("/new.bin").expect("a reply").code(), Code::DELETED);
        assert_eq!(at("dir/new.bin"), None);
    }
    for path in ["/sub", "/sub/", "/"] {
        assert_eq!(client.put(path, "x").expect("a reply").code(), Code::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(client.delete(path).expect("a reply").code(), Code::METHOD_NOT_ALLOWED, "{path}");
    }
    assert_eq!(client.put("/no/such/dir", "x").expect("a reply").code(), Code::NOT_FOUND);
    assert_eq!(client.put("/.coap-part-x", "x").expect("a reply").code(), Code::NOT_FOUND);
    let left = fs::read_dir(tree.dir()).expect("it is there").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name().into_string().expect("UTF-8")).collect();
    assert!(!left.iter().any(|name| name.contains("part")), "{left:?}");
}

/// A body that breaks off leaves what was there, and nothing beside it once the server ends.
#[cfg(target_os = "linux")]
#[test]
fn half_a_body_is_no_file() {
    let tree = Tree::new();
    let mut serve = Serve::start(&tree.dir(), &["--write"]);
    let mut told = |bytes, _| assert!(bytes < 5000, "it goes on");
    let mut client = serve.client();
    let call = client.call(Code::PUT, "/a.txt").expect("a path").payload(pattern(20_000)).progress(&mut told);
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call.send()));
    assert!(broken.is_err(), "the client has stopped in the middle");
    assert_eq!(fs::read(tree.path("dir/a.txt")).expect("it is there"), b"hello\n");
    let parts = || {
        let names = fs::read_dir(tree.dir()).expect("it is there").flatten().map(|entry| entry.file_name());
        names.filter(|name| name.to_string_lossy().starts_with(".coap-part-")).count()
    };
    assert_eq!(parts(), 1);
    let pid = serve.running.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    assert_eq!(serve.running.wait(LIMIT), Some(0));
    assert_eq!(parts(), 0);
}

#[test]
fn changes_are_told() {
    let tree = Tree::new();
    let serve = Serve::start(&tree.dir(), &["--write"]);
    let (mut client, mut other) = (serve.client(), serve.client());
    let mut observation = client.observe("/a.txt").expect("a request");
    let mut next = || observation.next_within(LIMIT).expect("no error").expect("a state");
    assert_eq!(next().payload(), b"hello\n");
    // By somebody on this machine.
    fs::write(tree.path("dir/a.txt"), "by hand").expect("a file");
    assert_eq!(next().payload(), b"by hand");
    // By a client, with a body of several blocks.
    other.put("/a.txt", pattern(3000)).expect("a reply");
    assert!(next().payload() == pattern(3000));
    // Once.
    assert!(observation.next_within(std::time::Duration::from_millis(700)).expect("no error").is_none());
    let mut next = || observation.next_within(LIMIT).expect("no error").expect("a state");
    // RFC 7641 4.2: what is gone ends it.
    fs::remove_file(tree.path("dir/a.txt")).expect("it goes");
    assert_eq!(next().code(), Code::NOT_FOUND);
    assert!(observation.is_over());
}

#[test]
fn it_serves_over_ipv6_and_shows_messages() {
    if !crate::has_ipv6() {
        return;
    }
    let tree = Tree::new();
    let serve = Serve::start_at(&tree.dir(), "[::1]:0", &["-v"]);
    assert_eq!(serve.get("/a.txt").payload(), b"hello\n");
    serve.line_with("CON GET");
    serve.line_with("ACK 2.05 Content");
    // At all addresses, of both families.
    let serve = Serve::start_at(&tree.dir(), ":0", &[]);
    for host in ["127.0.0.1", "[::1]", "localhost"] {
        let done = ran(&["get", &format!("coap://{host}:{}/a.txt", serve.address.port())]);
        assert_eq!((done.status, done.text()), (Some(0), "hello\n"), "{host}: {done:?}");
    }
}

/// RFC 7252 8, RFC 6690 5: whoever is in the group lists what it has, however much that is.
#[cfg(target_os = "linux")]
#[test]
fn a_group_is_discovered() {
    let tree = Tree::new();
    for number in 0..200 {
        fs::write(tree.path(&format!("dir/many-{number}")), "").expect("a file");
    }
    let serve = Serve::start_at(&tree.dir(), "0.0.0.0:0", &[]);
    let group = format!("224.0.1.187:{}", serve.address.port());
    let done = ran(&["discover", &group, "--bind", "127.0.0.1"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    let lines: Vec<&str> = done.text().lines().collect();
    assert!(lines[0].ends_with(&format!(":{}", serve.address.port())), "{done:?}");
    assert!(lines[2].starts_with("/a.txt "), "{done:?}");
    // More than a message has: the rest was asked of the member alone (RFC 7959 2.8).
    assert_eq!(lines.iter().filter(|line| line.starts_with("/many-")).count(), 200);
}

/// RFC 7252 4.2: the network says that nobody is there any more, and nothing is waited for.
#[cfg(target_os = "linux")]
#[test]
fn a_server_that_goes_is_missed_at_once() {
    use coaplet::host::Error;
    let tree = Tree::new();
    let serve = Serve::start(&tree.dir(), &[]);
    let (mut client, mut observer, address) = (serve.client(), serve.client(), serve.address);
    assert!(client.get("/a.txt").is_ok());
    let mut observation = observer.observe("/a.txt").expect("a request");
    assert!(observation.next().expect("a state").is_ok());
    drop(serve);
    let gone = |error: &Error| matches!(error, Error::Unreachable { peer } if *peer == address);
    assert!(client.get("/a.txt").is_err_and(|error| gone(&error)));
    assert!(observation.stop().is_err_and(|error| gone(&error)));
}

#[test]
fn mistakes() {
    let tree = Tree::new();
    let serve = Serve::start(&tree.dir(), &[]);
    let dir = tree.dir();
    let (dir, file) = (dir.to_str().expect("UTF-8"), tree.path("dir/a.txt"));
    for (arguments, status, what) in [
        (&["serve"][..], 2, "<DIR>"),
        (&["serve", "/no/such/dir"], 1, "cannot serve /no/such/dir: "),
        (&["serve", file.to_str().expect("UTF-8")], 1, "cannot serve "),
        (&["serve", dir, "--bind", &serve.address.to_string()], 1, "cannot listen on 127.0.0.1:"),
        (&["serve", dir, "--bind", "192.0.2.1"], 1, "cannot listen on 192.0.2.1:5683: "),
        (&["serve", dir, "--bind", "a b"], 2, "\"a b\""),
        (&["serve", dir, "--bind", "no-such-host.invalid"], 1, "cannot find the host"),
    ] {
        let done = ran(arguments);
        assert_eq!((done.status, done.text()), (Some(status), ""), "{arguments:?}: {done:?}");
        assert!(done.stderr.lines().count() == 1 && done.stderr.contains(what), "{arguments:?}: {done:?}");
    }
}
