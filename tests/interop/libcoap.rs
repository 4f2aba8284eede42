//! `coap-client-notls` asks our server, and our client asks `coap-server-notls`.

use crate::process::{Ended, LIMIT, Running, Server, example, file, pattern, run};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub const TESTS: &[(&str, fn())] = &[
    ("coap_client_gets_our_time", coap_client_gets_our_time),
    ("coap_client_puts_our_led", coap_client_puts_our_led),
    ("coap_client_gets_without_confirmation", coap_client_gets_without_confirmation),
    ("coap_client_lists_our_resources", coap_client_lists_our_resources),
    ("coap_client_understands_our_errors", coap_client_understands_our_errors),
    ("coap_client_gets_its_token_back", coap_client_gets_its_token_back),
    ("coap_client_over_ipv6", coap_client_over_ipv6),
    ("coap_client_retransmits_what_is_lost", coap_client_retransmits_what_is_lost),
    ("coap_client_gets_what_we_lose", coap_client_gets_what_we_lose),
    ("coap_client_waits_for_our_separate_response", coap_client_waits_for_our_separate_response),
    ("coap_client_fetches_a_file_in_blocks", coap_client_fetches_a_file_in_blocks),
    ("coap_client_sends_a_file_in_blocks", coap_client_sends_a_file_in_blocks),
    ("coap_client_observes_our_count", coap_client_observes_our_count),
    ("we_get_the_time_of_coap_server", we_get_the_time_of_coap_server),
    ("we_list_the_resources_of_coap_server", we_list_the_resources_of_coap_server),
    ("we_wait_for_the_separate_response_of_coap_server", we_wait_for_the_separate_response_of_coap_server),
    ("we_put_to_coap_server", we_put_to_coap_server),
    ("we_are_told_by_coap_server_what_is_not_there", we_are_told_by_coap_server_what_is_not_there),
    ("we_retransmit_what_coap_server_loses", we_retransmit_what_coap_server_loses),
    ("coap_server_answers_what_we_lose_first", coap_server_answers_what_we_lose_first),
    ("we_observe_the_time_of_coap_server", we_observe_the_time_of_coap_server),
    ("we_send_to_and_fetch_from_coap_server_in_blocks", we_send_to_and_fetch_from_coap_server_in_blocks),
];

/// How long the bodies are that go in blocks: of 16 bytes, there are 6,250 of them.
const LONG: usize = 100_000;

/// Runs the client. It ends with status 0 whatever the response was, and prints errors to standard error.
pub fn coap_client(arguments: &[&str], uri: &str) -> Ended {
    // Silent but for the response, and given up after some seconds.
    let done = run(Command::new("coap-client-notls").args(["-v", "0", "-B", "30"]).args(arguments).arg(uri), b"");
    assert_eq!(done.status, Some(0), "coap-client {arguments:?} {uri}: {done:?}");
    done
}

pub fn coap_client_gets(arguments: &[&str], uri: &str) -> String {
    let done = coap_client(arguments, uri);
    assert_eq!(done.stderr, "", "coap-client {arguments:?} {uri}");
    done.text().trim_end_matches('\n').to_owned()
}

fn is_time(text: &str) -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    text.parse::<u64>().is_ok_and(|seconds| seconds.abs_diff(now) < 120)
}

fn coap_client_gets_our_time() {
    let server = Server::start("127.0.0.1:0");
    let time = coap_client_gets(&["-m", "get"], &server.uri("/time"));
    assert!(is_time(&time), "{time:?}");
    let temperature = coap_client_gets(&["-m", "get", "-A", "0"], &server.uri("/sensors/temp"));
    assert!(temperature.starts_with("21."), "{temperature:?}");
}

fn coap_client_puts_our_led() {
    let server = Server::start("127.0.0.1:0");
    assert_eq!(coap_client_gets(&["-m", "get"], &server.uri("/led")), "off");
    assert_eq!(coap_client_gets(&["-m", "put", "-t", "text/plain", "-e", "on"], &server.uri("/led")), "");
    assert!(server.line_with("CON PUT").contains("payload 2 bytes \"on\""));
    assert!(server.line_with("->").contains("ACK 2.04 Changed"));
    assert_eq!(coap_client_gets(&["-m", "get"], &server.uri("/led")), "on");
}

fn coap_client_gets_without_confirmation() {
    let server = Server::start("127.0.0.1:0");
    let time = coap_client_gets(&["-N", "-m", "get"], &server.uri("/time"));
    assert!(is_time(&time), "{time:?}");
    assert!(server.line_with("<-").contains("NON GET"));
    assert!(server.line_with("->").contains("NON 2.05 Content"));
}

fn coap_client_lists_our_resources() {
    let server = Server::start("127.0.0.1:0");
    let list = coap_client_gets(&["-m", "get"], &server.uri("/.well-known/core"));
    let ours = run(example("quickstart").args(["get", &server.uri("/.well-known/core")]), b"");
    assert_eq!(list, ours.text());
    for path in ["</time>", "</led>", "</sensors/temp>"] {
        assert!(list.contains(path), "{path} in {list}");
    }
}

fn coap_client_understands_our_errors() {
    let server = Server::start("127.0.0.1:0");
    for (arguments, path, code) in [
        (&["-m", "get"][..], "/nowhere", "4.04"),
        (&["-m", "delete"], "/time", "4.05"),
        (&["-m", "get", "-A", "50"], "/time", "4.06"),
        (&["-m", "put", "-t", "50", "-e", "on"], "/led", "4.15"),
        (&["-m", "put", "-e", "blue"], "/led", "4.00"),
        (&["-m", "get", "-O", "65001,0x00"], "/time", "4.02"),
    ] {
        let done = coap_client(arguments, &server.uri(path));
        assert_eq!(done.text().trim(), "", "{arguments:?} {path}");
        assert!(done.stderr.starts_with(code), "{arguments:?} {path}: {done:?}");
    }
    let done = coap_client(&["-m", "get", "-P", &server.uri("")], "coap://example.org/time");
    assert!(done.stderr.starts_with("5.05"), "{done:?}");
}

/// It takes at most 8 bytes; longer ones are sent by `tests/examples/server.rs`.
fn coap_client_gets_its_token_back() {
    let server = Server::start("127.0.0.1:0");
    let time = coap_client_gets(&["-T", "8 bytes!", "-m", "get"], &server.uri("/time"));
    assert!(is_time(&time), "{time:?}");
    let request = server.line_with("<-");
    let token = request.split("token=").nth(1).and_then(|rest| rest.split(' ').next()).expect("a token");
    assert_eq!(token.len(), 16, "{request}");
    assert!(server.line_with("->").contains(&format!("token={token}")));
}

fn coap_client_over_ipv6() {
    if let Err(error) = UdpSocket::bind("[::1]:0") {
        println!("interop: not run over IPv6, which this machine has not: {error}");
        return;
    }
    let server = Server::start("[::1]:0");
    let time = coap_client_gets(&["-m", "get"], &server.uri("/time"));
    assert!(is_time(&time), "{time:?}");
}

/// It keeps back its first transmission; the second gets the answer.
fn coap_client_retransmits_what_is_lost() {
    let server = Server::start("127.0.0.1:0");
    let time = coap_client_gets(&["-l", "1", "-m", "get"], &server.uri("/time"));
    assert!(is_time(&time), "{time:?}");
}

/// We keep back our first answer; its retransmission gets the same one.
fn coap_client_gets_what_we_lose() {
    let server = Server::start_with("127.0.0.1:0", &["--lose", "1"]);
    let temperature = coap_client_gets(&["-m", "get"], &server.uri("/sensors/temp"));
    let lost = server.line_with("(lost on purpose) ACK 2.05 Content");
    assert!(lost.ends_with(&format!("\"{temperature}\"")), "{temperature}: {lost}");
    let came = server.line_with("->");
    let message = |line: &str| line.split_once("ACK").map(|(_, message)| message.to_owned());
    assert_eq!(message(&came), message(&lost));
}

fn coap_client_waits_for_our_separate_response() {
    let server = Server::start("127.0.0.1:0");
    assert_eq!(coap_client_gets(&["-m", "get"], &server.uri("/slow")), "here at last");
    assert!(server.line_with("->").contains("(by itself) ACK Empty"));
    assert!(server.line_with("->").contains("CON 2.05 Content"));
    assert!(server.line_with("<-").contains("ACK Empty"), "acknowledged");
}

/// A file of that length, in our server's hands.
fn give(server: &Server, body: &[u8]) {
    let given = file("given", body);
    let done = run(example("quickstart").args(["put", &server.uri("/file"), "--from", given.name()]), b"");
    assert_eq!(done.status, Some(0), "{done:?}");
}

fn coap_client_fetches_a_file_in_blocks() {
    let server = Server::start("127.0.0.1:0");
    let body = pattern(LONG);
    give(&server, &body);
    for size in [None, Some("16"), Some("64"), Some("256"), Some("1024")] {
        let fetched = file("fetched", b"");
        let mut arguments = vec!["-m", "get", "-o", fetched.name()];
        arguments.extend(size.iter().flat_map(|size| ["-b", size]));
        coap_client(&arguments, &server.uri("/file"));
        assert_eq!(fetched.content(), body, "{size:?}");
    }
}

fn coap_client_sends_a_file_in_blocks() {
    let server = Server::start("127.0.0.1:0");
    for (size, length) in [("16", 10_000), ("64", LONG), ("512", LONG), ("1024", LONG)] {
        let body = pattern(length);
        let sent = file("sent", &body);
        coap_client(&["-m", "put", "-b", size, "-f", sent.name()], &server.uri("/file"));
        let done = run(example("quickstart").args(["get", &server.uri("/file")]), b"");
        assert_eq!((done.status, done.stdout), (Some(0), body), "{size}");
    }
}

/// A number in each line, one more than in the line before, and so many lines at least.
fn counts(text: &str, least: usize) {
    let numbers: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
    assert!(numbers.len() >= least, "{text}");
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{text}");
}

/// For ten seconds; then it lets go.
fn coap_client_observes_our_count() {
    let server = Server::start("127.0.0.1:0");
    counts(coap_client(&["-w", "-m", "get", "-s", "10"], &server.uri("/count")).text(), 15);
    assert!(server.line_with("Observe: 0").contains("CON GET"));
    assert!(server.line_with("(by itself) CON 2.05").contains("Observe"));
    assert!(server.line_with("Observe: 1,").contains("CON GET"), "it asks to be told no more");
}

/// `coap-server-notls` on a port of its own.
pub struct CoapServer {
    _running: Running,
    pub address: SocketAddr,
}

impl CoapServer {
    pub fn start(arguments: &[&str]) -> CoapServer {
        CoapServer::start_at("127.0.0.1", arguments)
    }

    pub fn start_at(host: &str, arguments: &[&str]) -> CoapServer {
        // The port is free until another program takes it: then there are others.
        for _ in 0..5 {
            if let Some(server) = CoapServer::try_start(host, arguments) {
                return server;
            }
        }
        panic!("coap-server does not answer");
    }

    fn try_start(host: &str, arguments: &[&str]) -> Option<CoapServer> {
        let address = UdpSocket::bind((host, 0)).and_then(|socket| socket.local_addr()).expect("a free port");
        let mut command = Command::new("coap-server-notls");
        command.args(["-v", "0", "-A", host, "-p", &address.port().to_string()]).args(arguments);
        let mut running = Running::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline && !running.has_ended() {
            if answers_a_ping(address) {
                // Another program's answer, if this one could not have the port.
                return (!running.has_ended()).then_some(CoapServer { _running: running, address });
            }
        }
        None
    }

    pub fn uri(&self, path: &str) -> String {
        format!("coap://{}{path}", self.address)
    }
}

/// Whether an Empty CON gets its RST soon.
fn answers_a_ping(address: SocketAddr) -> bool {
    let any = if address.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(any).expect("a socket");
    socket.connect(address).expect("connected");
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
    let mut answer = [0; 16];
    if socket.send(b"\x40\x00\xab\xcd").is_ok() && matches!(socket.recv(&mut answer), Ok(4)) {
        return answer[..4] == *b"\x70\x00\xab\xcd";
    }
    std::thread::sleep(Duration::from_millis(20));
    false
}

fn get(arguments: &[&str]) -> Ended {
    let done = run(example("quickstart").args(arguments), b"");
    assert!(done.stderr.contains("<-"), "an answer came: {done:?}");
    done
}

fn we_get_the_time_of_coap_server() {
    let server = CoapServer::start(&[]);
    let done = get(&["get", &server.uri("/time")]);
    assert_eq!(done.status, Some(0), "{done:?}");
    // As it prints it to its own client: "Nov 21 02:03:40".
    let time = done.text();
    assert!(time.len() == 15 && time.matches(':').count() == 2, "{time:?}");
    // The seconds since 1970, as a query asks for.
    let ticks = get(&["get", &server.uri("/time?ticks")]);
    assert!(ticks.status == Some(0) && is_time(ticks.text()), "{ticks:?}");
}

fn we_list_the_resources_of_coap_server() {
    let server = CoapServer::start(&[]);
    let ours = get(&["get", &server.uri("/.well-known/core")]);
    assert_eq!(ours.status, Some(0), "{ours:?}");
    let theirs = coap_client_gets(&["-m", "get"], &server.uri("/.well-known/core"));
    assert_eq!(ours.text(), theirs);
    assert!(theirs.contains("</time>"), "{theirs}");
}

fn we_wait_for_the_separate_response_of_coap_server() {
    let server = CoapServer::start(&[]);
    let done = get(&["get", &server.uri("/async?1")]);
    assert_eq!((done.status, done.text()), (Some(0), "done"), "{done:?}");
    let after = |part: &str| done.stderr.find(part).unwrap_or_else(|| panic!("no {part}: {done:?}"));
    // RFC 7252 5.2.2: the Empty ACK, the response in a CON, and the ACK of that.
    assert!(after("<-    4 bytes  ACK Empty") < after("CON 2.05 Content"), "{done:?}");
    assert!(after("CON 2.05 Content") < after("->    4 bytes  ACK Empty"), "{done:?}");
}

/// Its clock changes every second. CON; and with `-N` NON, but every fifth.
fn we_observe_the_time_of_coap_server() {
    for (arguments, kind) in [(&[][..], "CON 2.05 Content"), (&["-N"], "NON 2.05 Content")] {
        let server = CoapServer::start(arguments);
        let done = get(&["observe", &server.uri("/time?ticks"), "--count", "4"]);
        assert_eq!(done.status, Some(0), "{done:?}");
        counts(done.text(), 4);
        assert!(done.stderr.contains(kind), "{done:?}");
        assert!(done.stderr.contains("CON GET") && done.stderr.contains("Observe: 1,"), "it lets go: {done:?}");
    }
}

fn we_put_to_coap_server() {
    let server = CoapServer::start(&["-d", "5"]);
    let put = get(&["put", &server.uri("/new?x"), "from coaplet"]);
    assert_eq!(put.status, Some(0), "{put:?}");
    assert!(put.stderr.contains("2.01 Created"), "{put:?}");
    let done = get(&["get", &server.uri("/new?x")]);
    assert_eq!((done.status, done.text()), (Some(0), "from coaplet"), "{done:?}");
    assert_eq!(coap_client_gets(&["-m", "get"], &server.uri("/new?x")), "from coaplet");
}

fn we_are_told_by_coap_server_what_is_not_there() {
    let server = CoapServer::start(&[]);
    let done = get(&["get", &server.uri("/nowhere")]);
    assert_eq!((done.status, done.text()), (Some(4), ""), "{done:?}");
    assert!(done.stderr.contains("4.04 Not Found"), "{done:?}");
}

/// It keeps back its second to fourth datagram. The first is the answer to our ping; others may be, too, if it is slow.
fn we_retransmit_what_coap_server_loses() {
    let server = CoapServer::start(&["-l", "2-4"]);
    let done = get(&["get", &server.uri("/time"), "--ack-timeout", "0.2"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    assert!(done.stderr.contains("(retransmission) CON GET"), "{done:?}");
}

fn coap_server_answers_what_we_lose_first() {
    let server = CoapServer::start(&[]);
    let done = get(&["get", &server.uri("/time"), "--ack-timeout", "0.2", "--lose", "1"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    assert!(done.stderr.contains("(lost on purpose) CON GET"), "{done:?}");
    assert!(done.stderr.contains("(retransmission) CON GET"), "{done:?}");
}

fn we_send_to_and_fetch_from_coap_server_in_blocks() {
    let server = CoapServer::start(&["-d", "9"]);
    for (size, length) in [("16", 10_000), ("32", 20_000), ("64", LONG), ("128", LONG), ("256", LONG), ("512", LONG)] {
        let body = pattern(length);
        let sent = file("sent", &body);
        let uri = server.uri(&format!("/{size}"));
        let done = get(&["put", &uri, "--from", sent.name(), "--block", size]);
        assert_eq!(done.status, Some(0), "{size}: {}", done.stderr.lines().last().unwrap_or_default());
        let done = get(&["get", &uri, "--block", size]);
        assert_eq!((done.status, done.stdout), (Some(0), body), "{size}");
    }
    let body = pattern(LONG);
    let sent = file("sent", &body);
    let done = get(&["put", &server.uri("/whole"), "--from", sent.name()]);
    assert_eq!(done.status, Some(0), "{}", done.stderr.lines().last().unwrap_or_default());
    let done = get(&["get", &server.uri("/whole")]);
    assert_eq!((done.status, done.stdout), (Some(0), body));
}
