//! A server in this process that says what it was asked, and does what no good server does.

use coaplet::endpoint::{Event, Output};
use coaplet::io::{Address, Received, Udp, seed};
use coaplet::store::Heap;
use coaplet::{Code, Config, ContentFormat, Endpoint, Message, OptionNumber, Writer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// It runs until it is dropped.
pub struct Fake {
    pub address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    pub fn start() -> Fake {
        Fake::start_at("127.0.0.1:0")
    }

    pub fn start_at(bind: &str) -> Fake {
        let udp = Udp::bind(bind.parse().expect("an address")).expect("a port");
        let address = udp.local_addr().expect("an address");
        let over = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&over);
        let thread = Some(std::thread::spawn(move || serve(udp, &end)));
        Fake { address, over, thread }
    }

    pub fn uri(&self, path: &str) -> String {
        format!("coap://{}{path}", self.address)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))), "the server has broken off");
    }
}

fn known(_: OptionNumber) -> bool {
    true
}

fn serve(mut udp: Udp, over: &AtomicBool) {
    let config = Config { known, ..Config::DEFAULT };
    let mut endpoint = Endpoint::new(config, seed(), Heap::<Address>::with_bound(64, 256, 1 << 18));
    let (mut rx, mut tx) = (vec![0; Udp::LONGEST], [0; 1152]);
    while !over.load(Ordering::Relaxed) {
        let idle = loop {
            match endpoint.poll(udp.now(), &mut tx) {
                Output::Send(due) => udp.send(due, &tx).expect("it is sent"),
                Output::Idle(until) => break until,
                _ => {}
            }
        };
        let look = udp.now() + Duration::from_millis(20);
        let until = idle.map_or(look, |idle| idle.min(look));
        let Received::Datagram { from, arrival, len } = udp.receive(Some(until), &mut rx).expect("it listens") else {
            continue;
        };
        let datagram = &rx[..len];
        let message = Message::parse(datagram).expect("a message");
        if message.path_is("reset") {
            let rst = [0x70, 0, datagram[2], datagram[3]];
            tx[..4].copy_from_slice(&rst);
            udp.send(coaplet::endpoint::Transmit { to: from, len: 4 }, &tx).expect("it is sent");
            continue;
        }
        if message.path_is("silent") {
            continue;
        }
        let input = endpoint.handle(udp.now(), from, arrival, datagram, &mut tx);
        if let Some(reply) = input.reply {
            udp.send(reply, &tx).expect("it is sent");
        }
        let Event::Request(request) = input.event else { continue };
        if request.message.path_is("acknowledged") {
            endpoint.defer(udp.now(), request.id).expect("a request");
            continue;
        }
        let answer = endpoint.respond(udp.now(), request.id, &mut tx, |w| answer(&request.message, w));
        if let Some(answer) = answer.expect("an answer") {
            udp.send(answer, &tx).expect("it is sent");
        }
    }
}

fn answer(request: &Message<'_>, w: &mut Writer<'_>) {
    let path: Vec<&str> = request.uri_path().flatten().collect();
    match path[..] {
        // The code that the path says, and a text.
        ["code", class, detail] => {
            let code = Code::new(class.parse().expect("a class"), detail.parse().expect("a detail")).expect("a code");
            w.code(code).payload(b"because");
        }
        ["created"] => _ = w.code(Code::CREATED).location_path("store/7").location_query("full"),
        ["json"] => _ = w.code(Code::CONTENT).content_format(ContentFormat::JSON).payload(br#"{"a":[1,2]}"#),
        ["cbor"] => _ = w.code(Code::CONTENT).content_format(ContentFormat::CBOR).payload(b"\xa1\x61a\x82\x01\x02"),
        ["bytes"] => _ = w.code(Code::CONTENT).payload(&[0, 0xff, b'\n', 0x1b]),
        // What was asked, as the codec prints it.
        _ => {
            _ = w.code(Code::CONTENT).content_format(ContentFormat::TEXT_PLAIN).payload(request.to_string().as_bytes())
        }
    }
}
