//! The command `coap` asks the servers of libcoap and aiocoap, and their clients ask `coap serve`.

use crate::aiocoap::AiocoapServer;
use crate::command::{Serve, coap};
use crate::libcoap::{CoapServer, coap_client, coap_client_gets};
use crate::process::{Ended, Running, file, pattern, run};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

pub const TESTS: &[(&str, fn())] = &[
    ("coap_asks_coap_server", coap_asks_coap_server),
    ("coap_asks_coap_server_over_ipv6", coap_asks_coap_server_over_ipv6),
    ("coap_asks_aiocoap", coap_asks_aiocoap),
    ("coap_client_uses_coap_serve", coap_client_uses_coap_serve),
    ("coap_client_observes_coap_serve", coap_client_observes_coap_serve),
    ("aiocoap_client_uses_coap_serve", aiocoap_client_uses_coap_serve),
];

fn ran(arguments: &[&str]) -> Ended {
    run(&mut coap(arguments), b"")
}

fn says(arguments: &[&str]) -> String {
    let done = ran(arguments);
    assert_eq!(done.status, Some(0), "{arguments:?}: {done:?}");
    done.text().to_owned()
}

fn coap_asks_coap_server() {
    let server = CoapServer::start(&["-d", "5"]);
    let seconds: u64 = says(&["get", &server.uri("/time?ticks")]).parse().expect("seconds");
    assert!(seconds > 1_700_000_000);
    assert_eq!(says(&["get", &server.uri("/async?1")]), "done");
    assert_eq!(ran(&["get", &server.uri("/nowhere")]).status, Some(4));
    let table = says(&["discover", &server.address.to_string()]);
    for part in ["path ", "/time ", "ticks"] {
        assert!(table.contains(part), "{part} in {table}");
    }
    let filtered = says(&["discover", &server.address.to_string(), "--query", "rt=ticks"]);
    assert_eq!(filtered.lines().count(), 2, "{filtered}");
    assert!(says(&["ping", &server.address.to_string()]).contains("is there"));
    let states = says(&["observe", &server.uri("/time?ticks"), "--count", "3"]);
    assert_eq!(states.lines().count(), 3, "{states:?}");
    // A body that is created, and changed, in blocks of each kind of size.
    let (uri, body) = (&server.uri("/body"), pattern(20_000));
    let given = file("given", &body);
    for (size, said) in [("1024", "2.01 Created"), ("64", "2.04 Changed")] {
        let done = ran(&["put", uri, "--file", given.name(), "--block-size", size]);
        assert!(done.status == Some(0) && done.stderr.contains(said), "{done:?}");
        assert!(ran(&["get", uri, "--block-size", size]).stdout == body, "{size}");
    }
    let done = ran(&["delete", uri]);
    assert!(done.status == Some(0) && done.stderr.contains("2.02 Deleted"), "{done:?}");
    assert_eq!(ran(&["get", uri]).status, Some(4));
    let non = ran(&["get", &server.uri("/time"), "--non", "-v"]);
    assert!(non.status == Some(0) && non.stderr.contains("NON 2.05 Content"), "{non:?}");
    let bench = says(&["bench", &server.uri("/time"), "--requests", "200", "--clients", "2"]);
    assert!(bench.contains("200 2.05 Content"), "{bench}");
}

fn coap_asks_coap_server_over_ipv6() {
    if let Err(error) = UdpSocket::bind("[::1]:0") {
        println!("interop: not run over IPv6, which this machine has not: {error}");
        return;
    }
    let server = CoapServer::start_at("::1", &[]);
    assert!(says(&["get", &server.uri("/time?ticks")]).parse::<u64>().is_ok());
    assert!(says(&["discover", &server.address.to_string()]).contains("/time "));
}

fn coap_asks_aiocoap() {
    let server = AiocoapServer::start();
    assert!(ran(&["get", &server.uri("/bytes?20000"), "--block-size", "256"]).stdout == pattern(20_000));
    let (body, uri) = (pattern(5_000), &server.uri("/kept"));
    let given = file("given", &body);
    assert_eq!(ran(&["put", uri, "--file", given.name()]).status, Some(0));
    assert!(ran(&["get", uri]).stdout == body);
    let digest = says(&["fetch", &server.uri("/digest"), "--file", given.name()]);
    assert_eq!(digest, says(&["post", &server.uri("/digest"), "--file", given.name()]));
    let pages = ran(&["observe", &server.uri("/pages"), "--count", "2"]);
    assert!(pages.status == Some(0) && pages.stdout.len() >= 6_000, "{pages:?}");
    assert!(says(&["discover", &server.address.to_string()]).contains("/kept"));
    assert_eq!(ran(&["get", &server.uri("/nowhere")]).status, Some(4));
}

/// A directory with two files; gone when it is dropped.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Dir {
        let dir = Dir(env::temp_dir().join(format!("coaplet-interop-{}-{name}", std::process::id())));
        fs::create_dir_all(dir.0.join("sub")).expect("a directory");
        fs::write(dir.0.join("a.txt"), "hello").expect("a file");
        fs::write(dir.0.join("sub/big.bin"), pattern(30_000)).expect("a file");
        dir
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What discovery lists of it.
const LISTED: &str = "</a.txt>;sz=5;obs,</sub/big.bin>;sz=30000;obs";

fn coap_client_uses_coap_serve() {
    let dir = Dir::new("libcoap");
    for bind in ["127.0.0.1:0", "[::1]:0"] {
        if bind.starts_with('[') && UdpSocket::bind(bind).is_err() {
            continue;
        }
        let serve = Serve::start_at(&dir.0, bind, &["--write"]);
        assert_eq!(coap_client_gets(&["-m", "get"], &serve.uri("/.well-known/core")), LISTED);
        assert_eq!(coap_client_gets(&["-m", "get"], &serve.uri("/.well-known/core?href=/a*")), "</a.txt>;sz=5;obs");
        assert_eq!(coap_client_gets(&["-m", "get"], &serve.uri("/a.txt")), "hello");
        let nothing = coap_client(&["-m", "get"], &serve.uri("/nowhere"));
        assert!(nothing.stderr.starts_with("4.04"), "{nothing:?}");
        for size in ["16", "1024"] {
            let fetched = file("fetched", b"");
            coap_client(&["-m", "get", "-b", size, "-o", fetched.name()], &serve.uri("/sub/big.bin"));
            assert!(fetched.content() == pattern(30_000), "{bind} {size}");
        }
        let given = file("given", &pattern(10_000));
        coap_client(&["-m", "put", "-b", "256", "-f", given.name()], &serve.uri("/new.bin"));
        assert!(fs::read(dir.0.join("new.bin")).expect("it is there") == pattern(10_000));
        coap_client(&["-m", "delete"], &serve.uri("/new.bin"));
        assert!(!dir.0.join("new.bin").exists());
        // Segments that lead up, as options: libcoap resolves what stands in the path itself.
        let up = coap_client(&["-m", "get", "-O", "11,..", "-O", "11,etc"], &serve.uri(""));
        assert!(up.stderr.starts_with("4.03"), "{up:?}");
    }
}

fn coap_client_observes_coap_serve() {
    let dir = Dir::new("observed");
    let serve = Serve::start(&dir.0, &["-v"]);
    let told = file("told", b"");
    let mut command = Command::new("coap-client-notls");
    command.args(["-v", "0", "-s", "30", "-m", "get", "-o", told.name()]).arg(serve.uri("/a.txt"));
    let _running = Running::start(command.stdin(Stdio::null()));
    serve.line_with("Observe: 0");
    serve.line_with("ACK 2.05 Content");
    fs::write(dir.0.join("a.txt"), "changed").expect("a file");
    let notification = serve.line_with("CON 2.05 Content");
    assert!(notification.contains("\"changed\""), "{notification}");
    serve.line_with("ACK Empty");
}

fn aiocoap_client(arguments: &[&str]) -> Ended {
    let python = env::var("COAPLET_PYTHON").unwrap_or_else(|_| "python3".into());
    // Of a virtual environment it lies beside its Python.
    let beside = Path::new(&python).with_file_name("aiocoap-client");
    let program = if beside.exists() { beside } else { PathBuf::from("aiocoap-client") };
    run(Command::new(program).args(arguments), b"")
}

fn aiocoap_client_uses_coap_serve() {
    let dir = Dir::new("aiocoap");
    let serve = Serve::start(&dir.0, &["--write"]);
    let gets = |path: &str| {
        let done = aiocoap_client(&["--quiet", &serve.uri(path)]);
        assert_eq!(done.status, Some(0), "{path}: {done:?}");
        done.stdout
    };
    assert_eq!(String::from_utf8_lossy(&gets("/.well-known/core")).trim(), LISTED);
    assert_eq!(gets("/a.txt"), b"hello");
    assert!(gets("/sub/big.bin") == pattern(30_000));
    let given = file("given", &pattern(10_000));
    let done = aiocoap_client(&["-m", "put", "--payload", &format!("@{}", given.name()), &serve.uri("/new.bin")]);
    assert_eq!(done.status, Some(0), "{done:?}");
    assert!(fs::read(dir.0.join("new.bin")).expect("it is there") == pattern(10_000));
    assert_eq!(aiocoap_client(&["-m", "delete", &serve.uri("/new.bin")]).status, Some(0));
    assert!(!dir.0.join("new.bin").exists());
    let nothing = aiocoap_client(&[&serve.uri("/nowhere")]);
    assert!(nothing.status != Some(0) && nothing.stderr.contains("4.04"), "{nothing:?}");
}
