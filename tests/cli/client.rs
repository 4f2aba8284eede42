//! `coaplet::host`: the client that blocks.

use crate::fake::Fake;
use crate::process::{Server, pattern};
use coaplet::block::Settings;
use coaplet::host::{Client, Error, Resource, Serving, Way};
use coaplet::io::{Address, Udp, seed};
use coaplet::server::{Answer, Reply, Request};
use coaplet::store::Heap;
use coaplet::{Code, Config, ContentFormat, Endpoint, Transmission};
use std::cell::Cell;
use std::io::Cursor;
use std::net::UdpSocket;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

#[test]
fn five_lines() {
    let server = Server::start("127.0.0.1:0");
    let reply = Client::connect(&server.uri("")).and_then(|mut client| client.get("/sensors/temp")).expect("a reply");
    assert_eq!((reply.code(), reply.content_format()), (Code::CONTENT, Some(ContentFormat::TEXT_PLAIN)));
    assert!(reply.payload().starts_with(b"21."));
    assert_eq!(reply.peer(), server.address);
    assert!(reply.round_trip().is_some());
}

fn count(count: &mut u32, _: &Request<'_, Address>, reply: Reply<'_, '_>) -> Result<Answer, coaplet::server::Error> {
    *count += 1;
    Ok(reply.text(&count.to_string()))
}

/// What is set up in one thread goes to work in another.
#[test]
fn each_to_a_thread_of_its_own() {
    static RESOURCES: [Resource<u32>; 1] = [Resource::new("count").get(count)];
    let (passed, over) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let socket = Udp::bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let uri = format!("coap://{}", socket.local_addr().expect("an address"));
    let (counted, ended) = (Arc::clone(&passed), Arc::clone(&over));
    let mut serving = Serving::new(socket, &RESOURCES).trace(move |_| _ = counted.fetch_add(1, Relaxed));
    let server = thread::spawn(move || {
        let mut count = 0;
        while !ended.load(Relaxed) {
            let until = serving.now() + Duration::from_millis(20);
            serving.turn(&mut count, Some(until)).expect("it can be read");
        }
        count
    });
    let mut client = Client::connect(&uri).expect("a client");
    let asked = thread::spawn(move || client.get("/count").expect("a reply").into_payload());
    assert_eq!(asked.join().expect("it ends"), b"1");
    over.store(true, Relaxed);
    assert_eq!(server.join().expect("it ends"), 1);
    assert!(passed.load(Relaxed) >= 2, "a request and its answer");
}

/// No other thread may have it.
struct Counter(Rc<Cell<u32>>);

impl coaplet::server::Resource<(), Address> for Counter {
    fn post(
        &mut self,
        _: &mut (),
        _: &Request<'_, Address>,
        reply: Reply<'_, '_>,
    ) -> Result<Answer, coaplet::server::Error> {
        self.0.set(self.0.get() + 1);
        Ok(reply.done())
    }
}

#[test]
fn a_server_on_a_socket_has_objects_of_its_thread() {
    let count = Rc::new(Cell::new(0));
    let mut counter = Counter(Rc::clone(&count));
    let mut objects = [Resource::new("counter").object_of(&mut counter)];
    let endpoint = Endpoint::new(Config::DEFAULT.serving(), seed(), Heap::with_bound(8, 32, 1 << 12));
    let socket = Udp::bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let uri = format!("coap://{}", socket.local_addr().expect("an address"));
    let mut serving = Serving::over(socket, coaplet::Server::new(endpoint, &[]).with_objects(&mut objects));
    let asked = thread::spawn(move || Client::connect(&uri)?.post("/counter", ""));
    while !asked.is_finished() {
        let until = serving.now() + Duration::from_millis(20);
        serving.turn(&mut (), Some(until)).expect("it can be read");
    }
    assert_eq!(asked.join().expect("it ends").expect("a reply").code(), Code::CHANGED);
    assert_eq!(count.get(), 1);
}

#[test]
fn each_verb() {
    let fake = Fake::start();
    let mut client = Client::connect(&fake.uri("/at?first")).expect("a client");
    let said = |reply: Result<coaplet::host::Reply, Error>| String::from_utf8(reply.expect("a reply").into_payload());
    for (said, method) in [
        (said(client.get("/p")), "GET"),
        (said(client.put("/p", "x")), "PUT"),
        (said(client.post("/p", vec![0x78])), "POST"),
        (said(client.delete("/p")), "DELETE"),
        (said(client.fetch("/p", *b"x")), "FETCH"),
        (said(client.patch("/p", "x")), "PATCH"),
        (said(client.ipatch("/p", "x")), "iPATCH"),
    ] {
        let said = said.expect("a text");
        assert!(said.starts_with(&format!("CON {method} ")) && said.contains("Uri-Path: p"), "{said}");
        assert_eq!(said.ends_with("payload 1 byte \"x\""), !matches!(method, "GET" | "DELETE"), "{said}");
    }
    // Nothing: what the URI says. With or without a slash, and a query alone.
    for (path, options) in [
        ("", "[Uri-Path: at, Uri-Query: first"),
        ("b", "[Uri-Path: b,"),
        ("?q", "[Uri-Query: q"),
        ("/caf%C3%A9/", "[Uri-Path: café, Uri-Path: "),
    ] {
        let said = said(client.get(path)).expect("a text");
        assert!(said.contains(options), "{path}: {said}");
    }
    assert!(matches!(client.get("/a b"), Err(Error::Uri { .. })));
    assert!(matches!(client.get("/%2e%2e/x"), Err(Error::Uri { .. })));
    assert!(client.ping().is_ok());
}

/// RFC 7252 4.2: sent again until somebody answers; and given up as the parameters say.
#[test]
fn it_retransmits_and_gives_up() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let peer = silent.local_addr().expect("an address");
    let quick = Transmission { ack_timeout: Duration::from_millis(100), max_retransmit: 2, ..Transmission::DEFAULT };
    let sent = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&sent);
    let trace = move |passed: &coaplet::host::Passed<'_>| {
        assert!(matches!(passed.way, Way::Sent | Way::Due) && passed.peer.remote.ip().is_loopback());
        count.fetch_add(1, Relaxed);
    };
    let client = Client::builder().transmission(quick).trace(trace).connect(&format!("coap://{peer}"));
    let mut client = client.expect("a client");
    for _ in 0..2 {
        sent.store(0, Relaxed);
        let Err(Error::NoAnswer { peer: named, retransmissions, heard: false, .. }) = client.get("/") else { panic!() };
        // A loop that comes late on a busy machine leaves one out. The second request counts anew.
        assert!((1..=2).contains(&retransmissions), "{retransmissions}");
        assert_eq!((named, sent.load(Relaxed)), (peer, 1 + retransmissions));
    }
}

#[test]
fn bodies_stream_there_and_back() {
    let server = Server::start("127.0.0.1:0");
    let body = pattern(30_000);
    let mut client = Client::connect(&server.uri("")).expect("a client");
    let mut far = 0;
    let mut told = |bytes, size| {
        assert_eq!(size, Some(30_000));
        far = far.max(bytes);
    };
    let call = client.call(Code::PUT, "/file").expect("a path").block_size(256).progress(&mut told);
    let reply = call.upload(&mut Cursor::new(&body)).expect("a reply");
    assert_eq!((reply.code(), far), (Code::CHANGED, 30_000));
    let mut back = Vec::new();
    let reply = client.call(Code::GET, "/file").expect("a path").download(&mut back).expect("a reply");
    assert_eq!((reply.code(), back == body, reply.payload()), (Code::CONTENT, true, &b""[..]));
    // More than we take.
    let settings = Settings { max_body: 1000, ..Settings::DEFAULT };
    let long = client.call(Code::GET, "/file").expect("a path").settings(settings).send();
    assert!(matches!(long, Err(Error::Transfer { .. })), "{long:?}");
    // A disk that is full.
    let mut full = Cursor::new([0_u8; 100]);
    let full = client.call(Code::GET, "/file").expect("a path").download(&mut full.get_mut().as_mut_slice());
    assert!(matches!(full, Err(Error::Body(_))), "{full:?}");
    assert!(client.get("/time").is_ok(), "it goes on");
}

#[test]
fn an_observation_is_an_iterator() {
    let server = Server::start("127.0.0.1:0");
    let mut client = Client::connect(&server.uri("")).expect("a client");
    let states: Result<Vec<_>, _> = client.observe("/count").expect("a request").take(3).collect();
    assert_eq!(states.expect("three states").len(), 3);
    // The iterator is gone: the next notification is reset, and the client is used as before.
    assert!(client.get("/time").is_ok());
    let mut observation = client.observe("/count").expect("a request");
    assert!(observation.next_within(Duration::from_secs(10)).expect("no error").is_some());
    // It goes up three times a second.
    let none = (0..10).find(|_| observation.next_within(Duration::from_millis(5)).expect("no error").is_none());
    assert!(none.is_some());
    assert!(!observation.is_over());
    observation.stop().expect("the server lets us go");
    // What cannot be observed ends after its answer.
    let mut once = client.observe("/time").expect("a request");
    assert!(matches!(once.next(), Some(Ok(_))) && once.is_over() && once.next().is_none());
    assert!(once.stop().is_ok());
}

/// RFC 7252 8: everybody who is asked may answer, and who says nothing is no error.
#[cfg(target_os = "linux")]
#[test]
fn a_group_is_asked() {
    let mut client = Client::builder()
        .bind("127.0.0.1:0".parse().expect("an address"))
        .connect("coap://224.0.1.187:9")
        .expect("a client");
    let call = client.call(Code::GET, "/.well-known/core").expect("a path");
    let mut answers = 0;
    call.ask_group(Duration::from_millis(50), |_| answers += 1).expect("it is asked");
    assert_eq!(answers, 0);
}
