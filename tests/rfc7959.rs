//! RFC 7959 section 3: its message sequences, each played to our client and to our server.

mod transfers;

use coaplet::block::{Asked, Body, Send, serve};
use coaplet::endpoint::Request;
use coaplet::store::Indexed;
use coaplet::{Code, Header, Writer};
use transfers::notation::show;
use transfers::server::{Plan, Server};
use transfers::{Client, Machine, PLAIN, SERVER, early, of_size};

/// Plays it to a server that does as the plan says, which then holds nothing.
#[track_caller]
fn served(plan: Plan, figure: &[&str]) -> Server {
    let mut server: Server = Server::new(plan);
    server.plays(figure);
    let mut other = Server::<Indexed>::new(Plan { known: !plan.known, ..plan });
    other.plays(figure);
    other.is_free();
    server
}

fn with_blocks_of(block_size: u16) -> Plan {
    Plan { settings: of_size(block_size), ..Plan::PLAIN }
}

#[test]
fn figure_2_simple_block_wise_get() {
    let figure = [
        "-> CON GET /status",
        "<- ACK 2.05 2:0/1/128 (0..128)",
        "-> CON GET /status 2:1/0/128",
        "<- ACK 2.05 2:1/1/128 (128..256)",
        "-> CON GET /status 2:2/0/128",
        "<- ACK 2.05 2:2/0/128 (256..300)",
    ];
    let mut client = Client::fetch("status", PLAIN);
    client.plays(&figure);
    client.ends(Code::CONTENT, 300);
    served(Plan { length: 300, ..with_blocks_of(128) }, &figure).is_free();
}

#[test]
fn figure_3_early_negotiation() {
    let figure = [
        "-> CON GET /status 2:0/0/64",
        "<- ACK 2.05 2:0/1/64 (0..64)",
        "-> CON GET /status 2:1/0/64",
        "<- ACK 2.05 2:1/1/64 (64..128)",
        "-> CON GET /status 2:2/0/64",
        "<- ACK 2.05 2:2/1/64 (128..192)",
        "-> CON GET /status 2:3/0/64",
        "<- ACK 2.05 2:3/1/64 (192..256)",
        "-> CON GET /status 2:4/0/64",
        "<- ACK 2.05 2:4/1/64 (256..320)",
        "-> CON GET /status 2:5/0/64",
        "<- ACK 2.05 2:5/0/64 (320..384)",
    ];
    let mut client = Client::fetch("status", early(64));
    client.plays(&figure);
    client.ends(Code::CONTENT, 384);
    served(Plan { length: 384, ..Plan::PLAIN }, &figure).is_free();
}

const LATE: [&str; 10] = [
    "-> CON GET /status",
    "<- ACK 2.05 2:0/1/128 (0..128)",
    "-> CON GET /status 2:2/0/64",
    "<- ACK 2.05 2:2/1/64 (128..192)",
    "-> CON GET /status 2:3/0/64",
    "<- ACK 2.05 2:3/1/64 (192..256)",
    "-> CON GET /status 2:4/0/64",
    "<- ACK 2.05 2:4/1/64 (256..320)",
    "-> CON GET /status 2:5/0/64",
    "<- ACK 2.05 2:5/0/64 (320..321)",
];

#[test]
fn figure_4_late_negotiation() {
    let mut client = Client::fetch("status", of_size(64));
    client.plays(&LATE);
    client.ends(Code::CONTENT, 321);
    served(Plan { length: 321, ..with_blocks_of(128) }, &LATE).is_free();
}

#[test]
fn figure_5_a_lost_con() {
    let mut figure = LATE.to_vec();
    figure[2] = "-x CON GET /status 2:2/0/64";
    figure.insert(3, "=> CON GET /status 2:2/0/64");
    let mut client = Client::fetch("status", of_size(64));
    client.plays(&figure);
    client.ends(Code::CONTENT, 321);
    served(Plan { length: 321, ..with_blocks_of(128) }, &figure).is_free();
}

#[test]
fn figure_6_a_lost_ack() {
    let mut figure = LATE.to_vec();
    figure[3] = "x- ACK 2.05 2:2/1/64 (128..192)";
    figure.insert(4, "=> CON GET /status 2:2/0/64");
    figure.insert(5, "<- ACK 2.05 2:2/1/64 (128..192)");
    let mut client = Client::fetch("status", of_size(64));
    client.plays(&figure);
    client.ends(Code::CONTENT, 321);
    served(Plan { length: 321, ..with_blocks_of(128) }, &figure).is_free();
}

#[test]
fn figure_7_simple_atomic_put() {
    let figure = [
        "-> CON PUT /options 1:0/1/128 (0..128)",
        "<- ACK 2.31 1:0/1/128",
        "-> CON PUT /options 1:1/1/128 (128..256)",
        "<- ACK 2.31 1:1/1/128",
        "-> CON PUT /options 1:2/0/128 (256..300)",
        "<- ACK 2.04 1:2/0/128",
    ];
    for length in [300, 299] {
        let last = format!("-> CON PUT /options 1:2/0/128 (256..{length})");
        let mut figure = figure;
        figure[4] = &last;
        let mut client = Client::send("options", Request::put(), length, of_size(128));
        client.plays(&figure);
        client.ends(Code::CHANGED, 0);
        let mut server = served(Plan::PLAIN, &figure);
        assert_eq!(server.body(), transfers::notation::up()[..length]);
        server.is_free();
    }
}

#[test]
fn figure_8_simple_stateless_put() {
    let figure = [
        "-> CON PUT /options 1:0/1/128 (0..128)",
        "<- ACK 2.04 1:0/0/128",
        "-> CON PUT /options 1:1/1/128 (128..256)",
        "<- ACK 2.04 1:1/0/128",
        "-> CON PUT /options 1:2/0/128 (256..300)",
        "<- ACK 2.04 1:2/0/128",
    ];
    let mut client = Client::send("options", Request::put(), 300, of_size(128));
    client.plays(&figure);
    client.ends(Code::CHANGED, 0);
    let mut server = served(Plan { stateless: true, ..Plan::PLAIN }, &figure);
    assert_eq!(server.body(), transfers::notation::up()[..300]);
    server.is_free();
}

#[test]
fn figure_9_atomic_put_with_negotiation() {
    let figure = [
        "-> CON PUT /options 1:0/1/128 (0..128)",
        "<- ACK 2.31 1:0/1/32",
        "-> CON PUT /options 1:4/1/32 (128..160)",
        "<- ACK 2.31 1:4/1/32",
        "-> CON PUT /options 1:5/1/32 (160..192)",
        "<- ACK 2.31 1:5/1/32",
        "-> CON PUT /options 1:6/0/32 (192..200)",
        "<- ACK 2.04 1:6/0/32",
    ];
    let mut client = Client::send("options", Request::put(), 200, of_size(128));
    client.plays(&figure);
    client.ends(Code::CHANGED, 0);
    let mut server = served(with_blocks_of(32), &figure);
    assert_eq!(server.body(), transfers::notation::up()[..200]);
    server.is_free();
}

#[test]
fn figure_10_post_with_block_wise_response() {
    let figure = [
        "-> CON POST /soap 1:0/1/128 (0..128)",
        "<- ACK 2.31 1:0/1/128",
        "-> CON POST /soap 1:1/1/128 (128..256)",
        "<- ACK 2.31 1:1/1/128",
        "-> CON POST /soap 1:2/0/128 (256..300)",
        "<- ACK 2.04 2:0/1/128 1:2/0/128 (0..128)",
        "-> CON POST /soap 2:1/0/128",
        "<- ACK 2.04 2:1/1/128 (128..256)",
        "-> CON POST /soap 2:2/0/128",
        "<- ACK 2.04 2:2/1/128 (256..384)",
        "-> CON POST /soap 2:3/0/128",
        "<- ACK 2.04 2:3/0/128 (384..400)",
    ];
    let mut client = Client::send("soap", Request::post(), 300, of_size(128));
    client.plays(&figure);
    client.ends(Code::CHANGED, 400);
    let mut server = served(Plan { length: 400, ..with_blocks_of(128) }, &figure);
    assert_eq!((server.body(), server.later), (transfers::notation::up()[..300].to_vec(), 3));
    server.is_free();
}

#[test]
fn figure_11_post_with_block_wise_response_and_early_negotiation() {
    let figure = [
        "-> CON POST /soap 1:0/1/128 (0..128)",
        "<- ACK 2.31 1:0/1/128",
        "-> CON POST /soap 1:1/1/128 (128..256)",
        "<- ACK 2.31 1:1/1/128",
        "-> CON POST /soap 2:0/0/64 1:2/0/128 (256..300)",
        "<- ACK 2.04 2:0/1/64 1:2/0/128 (0..64)",
        "-> CON POST /soap 2:1/0/64",
        "<- ACK 2.04 2:1/1/64 (64..128)",
        "-> CON POST /soap 2:2/0/64",
        "<- ACK 2.04 2:2/1/64 (128..192)",
        "-> CON POST /soap 2:3/0/64",
        "<- ACK 2.04 2:3/0/64 (192..256)",
    ];
    // The client wants blocks of 64 in an answer, since no larger ones fit, and sends larger ones.
    let send = Send::new(SERVER, Request::post(), early(128)).answer_blocks(64);
    let mut client = Client::new("soap", Machine::Send(send, 300));
    client.plays(&figure);
    client.ends(Code::CHANGED, 256);
    let mut server = served(Plan { length: 256, ..Plan::PLAIN }, &figure);
    assert_eq!((server.body(), server.later), (transfers::notation::up()[..300].to_vec(), 3));
    server.is_free();
}

/// Figures 12 and 13, from the notification on: the first block comes with it, the rest is fetched. How a notification comes
/// about is RFC 7641's.
#[test]
fn figures_12_and_13_the_rest_of_a_notification() {
    const LENGTH: usize = 309;
    for size in [128_usize, 64] {
        let blocks = LENGTH.div_ceil(size);
        // The server writes the first block as large as the registration wants it ...
        let mut tx = [0; 256];
        let mut w = Writer::new(&mut tx, Header::confirmable(Code::CONTENT, 0xaf9c), &[0xfb]);
        w.etag(&[0x6f, 0x00, 0xf3, 0x92]).observe(62354);
        let (asked, body) = (Asked::first(Some(size as u16)), transfers::notation::down());
        serve(&mut w, &asked, Body::slice(&body[..LENGTH]), &PLAIN);
        let length = w.finish().unwrap();
        assert_eq!(show(&tx[..length]), format!("CON 2.05 E:6f00f392 O:f392 2:0/1/{size} (0..{size})"));
        // ... and each other one as it is asked for, of the same representation.
        let mut figure = vec![];
        for block in 1..blocks {
            let (from, to) = (block * size, LENGTH.min(block * size + size));
            let more = u8::from(block + 1 < blocks);
            figure.push(format!("-> CON GET /status-icon 2:{block}/0/{size}"));
            figure.push(format!("<- ACK 2.05 E:6f00f392 2:{block}/{more}/{size} ({from}..{to})"));
        }
        let figure: Vec<_> = figure.iter().map(String::as_str).collect();
        served(Plan { length: LENGTH, etag: &[0x6f, 0x00, 0xf3, 0x92], ..Plan::PLAIN }, &figure).is_free();
        // The client goes on from the notification. A newer one meanwhile starts over.
        let first = tx[..length].to_vec();
        let mut client = Client::fetch("status-icon", PLAIN);
        client.sends("CON GET /status-icon");
        for _ in 0..2 {
            client.begins_with(&first);
            client.sends(figure[0].trim_start_matches("-> "));
        }
        client.gets(figure[1].trim_start_matches("<- "));
        client.plays(&figure[2..]);
        client.ends(Code::CONTENT, LENGTH);
    }
}
