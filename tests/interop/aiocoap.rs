//! aiocoap's client asks our server, and our client asks aiocoap's server: the two scripts in `aiocoap/`.

use crate::process::{Ended, LIMIT, Running, Server, example, file, pattern, run};
use coaplet::link::Links;
use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

pub const TESTS: &[(&str, fn())] = &[
    ("aiocoap_gets_our_temperature", aiocoap_gets_our_temperature),
    ("aiocoap_lists_our_resources", aiocoap_lists_our_resources),
    ("aiocoap_puts_our_led", aiocoap_puts_our_led),
    ("aiocoap_waits_for_our_separate_response", aiocoap_waits_for_our_separate_response),
    ("aiocoap_fetches_a_file_in_blocks", aiocoap_fetches_a_file_in_blocks),
    ("aiocoap_sends_a_file_in_blocks", aiocoap_sends_a_file_in_blocks),
    ("aiocoap_observes_our_count", aiocoap_observes_our_count),
    ("we_get_from_aiocoap", we_get_from_aiocoap),
    ("we_put_to_aiocoap", we_put_to_aiocoap),
    ("we_are_told_by_aiocoap_what_is_not_there", we_are_told_by_aiocoap_what_is_not_there),
    ("we_fetch_from_aiocoap_in_blocks", we_fetch_from_aiocoap_in_blocks),
    ("we_send_to_aiocoap_in_blocks", we_send_to_aiocoap_in_blocks),
    ("we_observe_aiocoap", we_observe_aiocoap),
    ("we_observe_aiocoap_in_blocks", we_observe_aiocoap_in_blocks),
    ("we_are_told_by_aiocoap_that_it_is_gone", we_are_told_by_aiocoap_that_it_is_gone),
];

/// How large blocks can be, and the length of a body that goes in such.
const SIZES: [(&str, &str, usize); 7] = [
    ("0", "16", 10_000),
    ("1", "32", 20_000),
    ("2", "64", 100_000),
    ("3", "128", 100_000),
    ("4", "256", 100_000),
    ("5", "512", 100_000),
    ("6", "1024", 100_000),
];

fn script(name: &str) -> Command {
    let python = env::var_os("COAPLET_PYTHON").unwrap_or_else(|| OsString::from("python3"));
    let mut command = Command::new(python);
    command.arg(format!("{}/tests/interop/aiocoap/{name}", env!("CARGO_MANIFEST_DIR")));
    command
}

/// Whether there is a Python with aiocoap.
pub fn is_there() -> Result<(), String> {
    let mut python = script("client.py");
    let tried = python.stdin(Stdio::null()).arg("--version").output();
    let output = tried.map_err(|error| format!("cannot run {:?}: {error}", python.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(format!("{:?} has no aiocoap: {}", python.get_program(), why.trim().lines().last().unwrap_or_default()))
}

/// Runs aiocoap's client to its end.
pub fn aiocoap_client(arguments: &[&str]) -> Ended {
    let done = run(script("client.py").args(arguments), b"");
    assert_eq!(done.status, Some(0), "client.py {arguments:?}: {done:?}");
    done
}

/// aiocoap's server on a port of its own.
pub struct AiocoapServer {
    _running: Running,
    pub address: SocketAddr,
}

impl AiocoapServer {
    pub fn start() -> AiocoapServer {
        // The port is free until another program takes it: then there are others.
        (0..5).find_map(|_| AiocoapServer::try_start()).expect("aiocoap's server starts")
    }

    fn try_start() -> Option<AiocoapServer> {
        let address = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
        let mut command = script("server.py");
        command.arg(address.port().to_string());
        let mut running = Running::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut output = BufReader::new(running.child.stdout.take().expect("a pipe"));
        let (sender, ready) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let _ = output.read_line(&mut line);
            sender.send(line)
        });
        let line = ready.recv_timeout(LIMIT).expect("the server says that it is ready, or ends");
        (line == "ready\n").then_some(AiocoapServer { _running: running, address })
    }

    pub fn uri(&self, path: &str) -> String {
        format!("coap://{}{path}", self.address)
    }
}

fn aiocoap_gets_our_temperature() {
    let server = Server::start("127.0.0.1:0");
    let temperature = aiocoap_client(&["get", &server.uri("/sensors/temp")]);
    assert!(temperature.text().starts_with("21."), "{temperature:?}");
    assert!(server.line_with("<-").contains("CON GET"));
}

fn aiocoap_lists_our_resources() {
    let server = Server::start("127.0.0.1:0");
    let list = aiocoap_client(&["get", &server.uri("/.well-known/core")]);
    let links = Links::parse(list.text().trim().as_bytes()).expect("links");
    let targets: Vec<&str> = links.iter().map(|link| link.target()).collect();
    assert_eq!(targets, ["/time", "/led", "/sensors/temp", "/slow", "/count", "/file"]);
}

fn aiocoap_puts_our_led() {
    let server = Server::start("127.0.0.1:0");
    let file = file("led", b"on");
    assert_eq!(aiocoap_client(&["put", &server.uri("/led"), file.name()]).text().trim(), "2.04 Changed");
    assert_eq!(aiocoap_client(&["get", &server.uri("/led")]).text(), "on");
}

fn aiocoap_waits_for_our_separate_response() {
    let server = Server::start("127.0.0.1:0");
    assert_eq!(aiocoap_client(&["get", &server.uri("/slow")]).text(), "here at last");
    assert!(server.line_with("->").contains("(by itself) ACK Empty"));
    assert!(server.line_with("->").contains("CON 2.05 Content"));
    assert!(server.line_with("<-").contains("ACK Empty"), "acknowledged");
}

fn ask(arguments: &[&str]) -> Ended {
    run(example("quickstart").args(arguments), b"")
}

fn we_get_from_aiocoap() {
    let server = AiocoapServer::start();
    let done = ask(&["get", &server.uri("/bytes?100")]);
    assert_eq!(done.status, Some(0), "{done:?}");
    assert_eq!(done.stdout, pattern(100));
}

fn we_put_to_aiocoap() {
    let server = AiocoapServer::start();
    let put = ask(&["put", &server.uri("/kept"), "from coaplet"]);
    assert_eq!(put.status, Some(0), "{put:?}");
    let done = ask(&["get", &server.uri("/kept")]);
    assert_eq!((done.status, done.text()), (Some(0), "from coaplet"), "{done:?}");
}

fn we_are_told_by_aiocoap_what_is_not_there() {
    let server = AiocoapServer::start();
    let done = ask(&["get", &server.uri("/nowhere")]);
    assert_eq!((done.status, done.text()), (Some(4), ""), "{done:?}");
    assert!(done.stderr.contains("4.04 Not Found"), "{done:?}");
}

fn aiocoap_fetches_a_file_in_blocks() {
    let server = Server::start("127.0.0.1:0");
    for (szx, size, length) in SIZES {
        let body = pattern(length);
        let given = file("given", &body);
        let done = ask(&["put", &server.uri("/file"), "--from", given.name()]);
        assert_eq!(done.status, Some(0), "{done:?}");
        assert!(aiocoap_client(&["get", &server.uri("/file"), szx]).stdout == body, "{size}");
    }
}

fn aiocoap_sends_a_file_in_blocks() {
    let server = Server::start("127.0.0.1:0");
    for (szx, size, length) in SIZES {
        let body = pattern(length);
        let sent = file("sent", &body);
        let done = aiocoap_client(&["put", &server.uri("/file"), sent.name(), szx]);
        assert_eq!(done.text().trim(), "2.04 Changed");
        assert!(ask(&["get", &server.uri("/file")]).stdout == body, "{size}");
    }
}

fn we_fetch_from_aiocoap_in_blocks() {
    let server = AiocoapServer::start();
    for (_, size, length) in SIZES {
        let done = ask(&["get", &server.uri(&format!("/bytes?{length}")), "--block", size]);
        assert!(done.status == Some(0) && done.stdout == pattern(length), "{size}: {:?}", done.stderr.lines().last());
    }
}

fn we_send_to_aiocoap_in_blocks() {
    let server = AiocoapServer::start();
    for (_, size, length) in SIZES {
        let body = pattern(length);
        let sent = file("sent", &body);
        let done = ask(&["put", &server.uri("/kept"), "--from", sent.name(), "--block", size]);
        assert_eq!(done.status, Some(0), "{size}: {:?}", done.stderr.lines().last());
        assert!(ask(&["get", &server.uri("/kept")]).stdout == body, "{size}");
    }
}

/// So many numbers, each above the one before: a state that is superseded before it is sent is left out.
fn counts(lines: impl Iterator<Item = impl AsRef<str>>, how_many: usize) {
    let numbers: Vec<u32> = lines.map(|line| line.as_ref().parse().expect("a number")).collect();
    assert!(numbers.len() == how_many && numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
}

fn aiocoap_observes_our_count() {
    let server = Server::start("127.0.0.1:0");
    counts(aiocoap_client(&["observe", &server.uri("/count"), "5"]).text().lines(), 5);
    assert!(server.line_with("(by itself) CON 2.05").contains("Observe"));
}

fn we_observe_aiocoap() {
    let server = AiocoapServer::start();
    let done = ask(&["observe", &server.uri("/ticks"), "--count", "5"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    counts(done.text().lines(), 5);
}

/// RFC 7959 2.6: each is whole, and of one state.
fn we_observe_aiocoap_in_blocks() {
    let server = AiocoapServer::start();
    for (_, size, _) in SIZES {
        let done = ask(&["observe", &server.uri("/pages"), "--count", "3", "--block", size]);
        assert_eq!(done.status, Some(0), "{size}: {:?}", done.stderr.lines().last());
        for page in done.text().lines() {
            let number = page.trim_end_matches('.');
            assert!(page.len() == 3000 && number.parse::<u32>().is_ok(), "{size}: {number} of {}", page.len());
        }
        counts(done.text().lines().map(|page| page.trim_end_matches('.')), 3);
    }
}

fn we_are_told_by_aiocoap_that_it_is_gone() {
    let server = AiocoapServer::start();
    let uri = server.uri("/gone");
    let mut observing =
        Running::start(example("quickstart").args(["observe", &uri]).stdout(Stdio::piped()).stderr(Stdio::piped()));
    let mut lines = BufReader::new(observing.child.stdout.take().expect("a pipe")).lines();
    assert_eq!(lines.next().expect("a line").expect("UTF-8"), "here");
    aiocoap_client(&["delete", &uri]);
    assert_eq!(observing.wait(LIMIT), Some(4));
    let mut errors = String::new();
    observing.child.stderr.take().expect("a pipe").read_to_string(&mut errors).expect("UTF-8");
    assert!(errors.trim_end().ends_with("4.04 Not Found"), "{errors}");
}
