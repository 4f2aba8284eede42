//! `quickstart serve`, asked by datagrams made here: what RFC 7252 wants of each, and that nothing ends it.

use crate::process::{ANSWER, Server};
use coaplet::{Code, Header, Message, OptionNumber, Type, Writer};
use std::cell::Cell;
use std::net::UdpSocket;

/// A socket connected to a server of its own.
struct Peer {
    socket: UdpSocket,
    server: Server,
    /// Of the last request: with the same one, the next would be a duplicate.
    message_id: Cell<u16>,
}

const PING: &[u8] = b"\x40\x00\xab\xcd";
const PONG: &[u8] = b"\x70\x00\xab\xcd";

impl Peer {
    fn new() -> Peer {
        Peer::of(Server::start("127.0.0.1:0"))
    }

    fn of(server: Server) -> Peer {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.connect(server.address).expect("connected");
        socket.set_read_timeout(Some(ANSWER)).expect("a timeout");
        Peer { socket, server, message_id: Cell::new(0) }
    }

    fn send(&self, datagram: &[u8]) {
        self.socket.send(datagram).expect("sent");
    }

    fn receive(&self) -> Vec<u8> {
        let mut buffer = vec![0; 65_536];
        let length = self.socket.recv(&mut buffer).expect("an answer");
        buffer.truncate(length);
        buffer
    }

    fn ask(&self, datagram: &[u8]) -> Vec<u8> {
        self.send(datagram);
        self.receive()
    }

    /// Sends, and sees that the ping behind it is the first thing that is answered: the server takes one at a time.
    fn silence(&self, datagram: &[u8]) {
        self.send(datagram);
        assert_eq!(self.ask(PING), PONG, "after {datagram:02x?}");
    }

    /// A request with a Message ID that was not used before.
    fn write(
        &self,
        message_type: Type,
        method: Code,
        token: &[u8],
        build: impl for<'a, 'b> Fn(&'a mut Writer<'b>) -> &'a mut Writer<'b>,
    ) -> (Header, Vec<u8>) {
        self.message_id.set(self.message_id.get() + 1);
        let header = Header::new(message_type, method, self.message_id.get());
        let mut buffer = vec![0; 65_536];
        let mut writer = Writer::new(&mut buffer, header, token);
        build(&mut writer);
        let length = writer.finish().expect("a request");
        buffer.truncate(length);
        (header, buffer)
    }

    /// Asks, and checks header and token of the answer; its code and payload come back.
    fn request(
        &self,
        message_type: Type,
        method: Code,
        token: &[u8],
        build: impl for<'a, 'b> Fn(&'a mut Writer<'b>) -> &'a mut Writer<'b>,
    ) -> (Code, Vec<u8>) {
        let (header, request) = self.write(message_type, method, token, build);
        let datagram = self.ask(&request);
        let answer = Message::parse(&datagram).expect("a message");
        if message_type == Type::Confirmable {
            let expected = (Type::Acknowledgement, header.message_id);
            assert_eq!((answer.message_type(), answer.message_id()), expected, "RFC 7252 5.2.1: {answer}");
        } else {
            assert_eq!(answer.message_type(), Type::NonConfirmable, "RFC 7252 5.2.3: {answer}");
        }
        assert_eq!(answer.token(), token, "RFC 7252 5.3.1: {answer}");
        (answer.code(), answer.payload().to_vec())
    }

    fn code(&self, method: Code, build: impl for<'a, 'b> Fn(&'a mut Writer<'b>) -> &'a mut Writer<'b>) -> Code {
        self.request(Type::Confirmable, method, b"tok", build).0
    }

    fn get(&self, path: &str) -> (Code, Vec<u8>) {
        self.request(Type::Confirmable, Code::GET, b"t", |request| request.path(path))
    }
}

#[test]
fn what_it_prints_can_be_tried() {
    let peer = Peer::new();
    for command in ["get coap://", "put coap://", "coap-client-notls -m get coap://"] {
        assert!(peer.server.line_with(command).contains(&peer.server.address.to_string()));
    }
    peer.ask(PING);
    assert!(peer.server.line_with("<-").contains("4 bytes  127.0.0.1:"));
    assert!(peer.server.line_with("->").ends_with("RST Empty mid=0xabcd"));
}

#[test]
fn ping_is_answered_with_a_reset() {
    assert_eq!(Peer::new().ask(PING), PONG, "RFC 7252 4.2");
}

#[test]
fn a_confirmable_message_that_cannot_be_processed_is_answered_with_a_reset() {
    let peer = Peer::new();
    for broken in [
        &b"\x44\x01\x12\x35\x01"[..], // token cut off
        b"\x4f\x01\x12\x35",          // token length 15
        b"\x40\x01\x12\x35\xff",      // marker without a payload
        b"\x40\x01\x12\x35\xb5time",  // option value cut off
        b"\x40\x00\x12\x35\x00",      // Empty with content
        b"\x40\x20\x12\x35",          // class 1
        b"\x40\xc0\x12\x35",          // class 6
        b"\x40\x45\x12\x35",          // a response to nothing
    ] {
        assert_eq!(peer.ask(broken), b"\x70\x00\x12\x35", "{broken:02x?}");
    }
}

#[test]
fn what_is_to_be_ignored_is_ignored() {
    let peer = Peer::new();
    for nothing in [
        &b""[..],
        b"\x40",
        b"\x40\x01\x12",
        b"\x00\x01\x12\x35",                     // version 0
        b"\x80\x01\x12\x35\xb4time",             // version 2
        b"\x54\x01\x12\x35",                     // NON with its token cut off
        b"\x50\x00\x12\x35",                     // Empty NON
        b"\x50\x45\x12\x35",                     // NON response
        b"\x60\x00\x12\x35",                     // ACK
        b"\x60\x45\x12\x35",                     // ACK with a response
        b"\x60\x01\x12\x35\xb4time",             // ACK with a request
        b"\x70\x00\x12\x35",                     // RST
        b"\x70\x01\x12\x35\xb4time",             // RST with a request
        b"\x50\x01\x12\x35\xb4time\xe0\xfc\xd1", // NON with critical option 65001: RFC 7252 5.4.1
    ] {
        peer.silence(nothing);
    }
}

#[test]
fn resources_answer() {
    let peer = Peer::new();
    let (code, time) = peer.get("time");
    let seconds: u64 = String::from_utf8(time).expect("text").parse().expect("a number");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    assert!(code == Code::CONTENT && seconds.abs_diff(now) < 120, "{seconds} at {now}");
    assert_eq!(peer.get("led"), (Code::CONTENT, b"off".to_vec()));
    let put = |payload: &[u8]| peer.code(Code::PUT, |request| request.path("led").payload(payload));
    assert_eq!(put(b"on"), Code::CHANGED);
    assert_eq!(peer.get("led"), (Code::CONTENT, b"on".to_vec()));
    assert_eq!(put(b"purple"), Code::BAD_REQUEST);
    assert_eq!(peer.get("led"), (Code::CONTENT, b"on".to_vec()), "a bad request changes nothing");
    let (code, list) = peer.get(".well-known/core");
    let list = String::from_utf8(list).expect("text");
    assert_eq!(code, Code::CONTENT);
    for path in ["</time>", "</led>", "</sensors/temp>", "</slow>"] {
        assert!(list.contains(path), "{path} in {list}");
    }
}

#[test]
fn refusals_have_their_codes() {
    let peer = Peer::new();
    let code = |method, build: for<'a, 'b> fn(&'a mut Writer<'b>) -> &'a mut Writer<'b>| peer.code(method, build);
    assert_eq!(code(Code::GET, |request| request.path("time/")), Code::NOT_FOUND);
    assert_eq!(code(Code::GET, |none| none), Code::NOT_FOUND);
    assert_eq!(code(Code::DELETE, |request| request.path("time")), Code::METHOD_NOT_ALLOWED);
    assert_eq!(code(Code::from_byte(31), |request| request.path("led")), Code::METHOD_NOT_ALLOWED);
    let json = coaplet::ContentFormat::new(50);
    assert_eq!(peer.code(Code::GET, |request| request.path("time").accept(json)), Code::NOT_ACCEPTABLE);
    let put = peer.code(Code::PUT, |request| request.path("led").content_format(json).payload(b"on"));
    assert_eq!(put, Code::UNSUPPORTED_CONTENT_FORMAT);
    let proxied = code(Code::GET, |request| request.proxy_uri("coap://example.org/time"));
    assert_eq!(proxied, Code::PROXYING_NOT_SUPPORTED);
    let proxied = code(Code::GET, |request| request.path("time").proxy_scheme("http"));
    assert_eq!(proxied, Code::PROXYING_NOT_SUPPORTED);
    let ours = code(Code::GET, |request| request.path("time").proxy_scheme("coap"));
    assert_eq!(ours, Code::CONTENT, "RFC 7252 5.7.2: of us, to us");
}

#[test]
fn options_that_are_not_understood() {
    let peer = Peer::new();
    let get = |number: u16, value: &[u8]| {
        peer.request(Type::Confirmable, Code::GET, b"t", |request| {
            request.path("time").option(OptionNumber::new(number), value)
        })
    };
    let (code, why) = get(65001, b"x");
    assert_eq!(code, Code::BAD_OPTION);
    assert!(String::from_utf8_lossy(&why).contains("65001"), "the diagnostic payload names the option");
    assert_eq!(get(65000, b"x").0, Code::CONTENT, "an elective one is ignored");
    assert_eq!(get(17, &[0; 3]).0, Code::BAD_OPTION, "an Accept that is too long");
    let twice = peer.code(Code::GET, |request| request.uri_host("a").uri_host("b").path("time"));
    assert_eq!(twice, Code::BAD_OPTION, "Uri-Host twice");
    let both = peer.code(Code::GET, |request| request.uri_host("example.org").uri_port(1).path("time"));
    assert_eq!(both, Code::CONTENT, "Uri-Host and Uri-Port are understood");
}

/// RFC 8974 2.1. What the endpoint has no slot for is refused with the token that it came with.
#[test]
fn tokens_of_any_length_come_back() {
    let peer = Peer::new();
    for length in [0, 1, 8, 9, 12, 13, 268, 269, 1200, 60_000] {
        let token: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
        let (code, _) = peer.request(Type::Confirmable, Code::GET, &token, |request| request.path("sensors/temp"));
        let refused = length > 8 && code == Code::SERVICE_UNAVAILABLE;
        assert!(code == Code::CONTENT || refused, "{length} bytes: {code}");
    }
}

#[test]
fn non_confirmable_requests_get_non_confirmable_responses() {
    let peer = Peer::new();
    let [first, second] = [1, 2].map(|_| {
        let (_, request) = peer.write(Type::NonConfirmable, Code::GET, b"t", |request| request.path("time"));
        let datagram = peer.ask(&request);
        let answer = Message::parse(&datagram).expect("a message");
        assert_eq!((answer.message_type(), answer.code()), (Type::NonConfirmable, Code::CONTENT));
        assert_eq!(answer.token(), b"t");
        peer.silence(&request); // RFC 7252 4.5: a duplicate
        answer.message_id()
    });
    assert_ne!(first, second, "RFC 7252 4.4: each message has a Message ID of its own");
    let (code, _) = peer.request(Type::NonConfirmable, Code::GET, b"", |request| request.path("x"));
    assert_eq!(code, Code::NOT_FOUND);
}

/// RFC 7252 4.5: the thermometer, which never shows the same twice in a row, is read once for all of them.
#[test]
fn duplicates_get_the_same_answer() {
    let peer = Peer::new();
    let (_, request) = peer.write(Type::Confirmable, Code::GET, b"t", |request| request.path("sensors/temp"));
    let first = peer.ask(&request);
    for _ in 0..3 {
        assert_eq!(peer.ask(&request), first);
    }
    let payload = Message::parse(&first).expect("a message").payload().to_vec();
    assert_ne!(peer.get("sensors/temp").1, payload, "a new request is a new reading");
}

/// RFC 7252 5.2.2: an Empty ACK, and the response in a CON of its own.
#[test]
fn what_takes_its_time_is_a_separate_response() {
    let peer = Peer::new();
    let (header, request) = peer.write(Type::Confirmable, Code::GET, b"late", |request| request.path("slow"));
    let [high, low] = header.message_id.to_be_bytes();
    assert_eq!(peer.ask(&request), [0x60, 0, high, low]);
    assert_eq!(peer.ask(PING), PONG, "others need not wait for it");
    assert!(peer.server.line_with("(by itself)").ends_with("ACK Empty mid=0x0001"));
    let datagram = peer.receive();
    let response = Message::parse(&datagram).expect("a message");
    assert_eq!((response.message_type(), response.code()), (Type::Confirmable, Code::CONTENT), "{response}");
    assert_eq!((response.token(), response.payload()), (&b"late"[..], &b"here at last"[..]), "{response}");
    let [high, low] = response.message_id().to_be_bytes();
    peer.send(&[0x60, 0, high, low]);
    assert_eq!(peer.ask(&request), [0x60, 0, 0, 1], "RFC 7252 4.5: a duplicate is acknowledged, and no more");

    // RFC 7252 5.2.3
    let (code, payload) = peer.request(Type::NonConfirmable, Code::GET, b"t", |request| request.path("slow"));
    assert_eq!((code, &*payload), (Code::CONTENT, &b"here at last"[..]));
}

/// A client whose first answer is lost asks again, and gets that answer.
#[test]
fn an_answer_that_is_lost_comes_again() {
    let peer = Peer::of(Server::start_with("127.0.0.1:0", &["--lose", "1"]));
    let (_, request) = peer.write(Type::Confirmable, Code::GET, b"t", |request| request.path("sensors/temp"));
    peer.send(&request);
    let lost = peer.server.line_with("(lost on purpose) ACK 2.05 Content");
    let answer = peer.ask(&request);
    let answer = Message::parse(&answer).expect("a message").to_string();
    assert_eq!(lost.split_once("purpose) ").map(|(_, message)| message), Some(&*answer));
}

/// More than it has slots for: what is only remembered gives way.
#[test]
fn thousands_of_clients_are_served() {
    let peer = Peer::new();
    let (_, request) = peer.write(Type::Confirmable, Code::GET, b"t", |request| request.path("led"));
    for _ in 0..2000 {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(ANSWER)).expect("a timeout");
        socket.send_to(&request, peer.server.address).expect("sent");
        let mut answer = [0; 64];
        let length = socket.recv(&mut answer).expect("an answer");
        assert!(answer[..length].ends_with(b"off"), "{:02x?}", &answer[..length]);
    }
}

/// Every vector, valid or not, and every prefix of the short ones: it goes on serving.
#[test]
fn no_datagram_ends_it() {
    let peer = Peer::new();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/codec-udp.json");
    let file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).expect("vectors")).expect("JSON");
    // From a socket that reads nothing: its buffer may overflow.
    let deaf = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut sent = 0;
    for vector in file["vectors"].as_array().expect("a list") {
        let hex = vector["hex"].as_str().expect("hexadecimal");
        let datagram: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal"))
            .collect();
        for length in (0..datagram.len().min(64)).chain([datagram.len()]) {
            deaf.send_to(&datagram[..length], peer.server.address).expect("sent");
            sent += 1;
            // Not faster than it answers, so that nothing is dropped in front of it.
            if sent % 16 == 0 {
                assert_eq!(peer.ask(PING), PONG, "after {}", vector["id"]);
            }
        }
    }
    assert!(sent > 1000, "{sent} datagrams");
    assert_eq!(peer.ask(PING), PONG);
}

/// The answer to a socket that is gone comes back as an ICMP error.
#[test]
fn clients_that_are_gone_do_not_end_it() {
    let peer = Peer::new();
    for _ in 0..50 {
        let gone = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        gone.send_to(PING, peer.server.address).expect("sent");
    }
    assert_eq!(peer.ask(PING), PONG);
}

/// Whoever read its output has gone, too.
#[test]
fn a_closed_output_does_not_end_it() {
    use crate::process::{LIMIT, Running, example};
    use std::io::{BufRead, BufReader};
    let mut command = example("quickstart");
    let mut running =
        Running::start(command.args(["serve", "--bind", "127.0.0.1:0"]).stdout(std::process::Stdio::piped()));
    let mut output = BufReader::new(running.child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    drop(output);
    let address = line.trim_start_matches("listening on ").split(',').next().expect("an address").to_owned();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(ANSWER)).expect("a timeout");
    for _ in 0..3 {
        socket.send_to(PING, &address).expect("sent");
        let mut pong = [0; 8];
        let (length, _) = socket.recv_from(&mut pong).expect("an answer");
        assert_eq!(&pong[..length], PONG);
    }
    running.child.kill().expect("killed");
    running.wait(LIMIT);
}
