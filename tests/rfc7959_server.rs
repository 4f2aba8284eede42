//! RFC 7959 2.4, 2.5, 2.9: a server serves in blocks without state, and takes in blocks with a bounded one.

mod transfers;

use coaplet::block::{Asked, Body, Settings, serve};
use coaplet::endpoint::{Arrival, Event, Failure};
use coaplet::store::{Indexed, Scale, Scan};
use coaplet::{Abilities, Code, Config, Endpoint, Fixed, Header, Instant, Message, Roles, Writer};
use transfers::notation::{build, down, show, up};
use transfers::server::{Plan, Server};
use transfers::{PLAIN, of_size};

/// Each test for each scale of store.
macro_rules! in_both_scales {
    ($($test:ident),* $(,)?) => {
        mod scan {
            $(#[test] fn $test() { super::$test::<coaplet::store::Scan>(); })*
        }
        mod indexed {
            $(#[test] fn $test() { super::$test::<coaplet::store::Indexed>(); })*
        }
    };
}

in_both_scales! {
    section_2_5_a_block_that_is_not_the_next_one,
    section_2_5_a_block_that_comes_again,
    section_2_5_the_last_block_comes_again,
    section_2_5_the_answer_goes_to_who_asks_last,
    section_2_5_a_first_block_begins_anew,
    section_2_5_nothing_comes_for_an_exchange_lifetime,
    section_2_9_3_too_large,
    section_2_10_if_none_match_stands_on_the_first_block_alone,
    section_2_3_a_format_that_changes,
    rfc9175_3_3_transfers_are_told_apart,
    more_transfers_than_there_are_slots,
    a_peer_that_is_forgotten,
    an_error_ends_it_and_is_told_again,
    a_transfer_keeps_its_peer,
}

/// What a GET of /big gets.
fn got(plan: Plan, request: &str) -> String {
    let mut server = Server::<Scan>::new(plan);
    server.gets(request);
    show(&server.sent.pop_front().unwrap())
}

// Download.

fn serving(length: usize) -> Plan {
    Plan { length, etag: &[1], ..Plan::PLAIN }
}

#[test]
fn section_2_4_any_block_from_the_request_alone() {
    for known in [true, false] {
        let plan = Plan { known, ..serving(300) };
        for (request, response) in [
            ("2:0/0/128", "2:0/1/128 (0..128)"),
            ("2:1/0/128", "2:1/1/128 (128..256)"),
            ("2:2/0/128", "2:2/0/128 (256..300)"),
            ("2:18/0/16", "2:18/0/16 (288..300)"),
            ("2:17/0/16", "2:17/1/16 (272..288)"),
            ("2:0/0/1024", "2:0/0/1024 (0..300)"),
            // 2.2: M "MUST be sent as zero and ignored on reception".
            ("2:1/1/128", "2:1/1/128 (128..256)"),
        ] {
            assert_eq!(got(plan, &format!("CON GET /big {request}")), format!("ACK 2.05 E:01 {response}"));
        }
        assert_eq!(got(plan, "CON GET /big"), "ACK 2.05 E:01 (0..300)");
    }
}

#[test]
fn section_2_4_a_block_beyond_the_end() {
    for known in [true, false] {
        for length in [0, 16, 256, 300] {
            let plan = Plan { known, ..serving(length) };
            let first = length.div_ceil(16).max(1);
            for number in [first, first + 1, 1_048_575] {
                assert_eq!(got(plan, &format!("CON GET /big 2:{number}/0/16")), "ACK 4.00", "{length} {number}");
            }
            assert_ne!(got(plan, &format!("CON GET /big 2:{}/0/16", first - 1)), "ACK 4.00");
        }
    }
}

#[test]
fn section_2_2_szx_7() {
    assert_eq!(got(serving(300), "CON GET /big 2:0/0/BERT"), "ACK 4.00");
    assert_eq!(got(serving(300), "CON GET /big 2:3/1/BERT"), "ACK 4.00");
    assert_eq!(got(Plan::PLAIN, "CON PUT /big 1:0/0/BERT (0..5)"), "ACK 4.00");
    assert_eq!(got(Plan::PLAIN, "CON PUT /big 1:1/1/BERT (0..1024)"), "ACK 4.00");
}

#[test]
fn section_2_4_a_smaller_size_than_asked_for_and_the_number_counts_in_it() {
    let plan = Plan { settings: of_size(32), ..serving(300) };
    assert_eq!(got(plan, "CON GET /big 2:1/0/128"), "ACK 2.05 E:01 2:4/1/32 (128..160)");
    assert_eq!(got(plan, "CON GET /big 2:2/0/128"), "ACK 2.05 E:01 2:8/1/32 (256..288)");
    assert_eq!(got(plan, "CON GET /big 2:20/0/16"), "ACK 4.00");
    assert_eq!(got(plan, "CON GET /big"), "ACK 2.05 E:01 2:0/1/32 (0..32)");
    // The number would have more than 20 bits: there is no such body.
    assert_eq!(got(plan, "CON GET /big 2:1048575/0/1024"), "ACK 4.00");
}

#[test]
fn section_4_size2_when_it_is_asked_for() {
    assert_eq!(got(serving(300), "CON GET /big 2:0/0/128 S2:0"), "ACK 2.05 E:01 2:0/1/128 S2:300 (0..128)");
    assert_eq!(got(serving(300), "CON GET /big 2:1/0/128 S2:0"), "ACK 2.05 E:01 2:1/1/128 S2:300 (128..256)");
    assert_eq!(got(serving(300), "CON GET /big S2:0"), "ACK 2.05 E:01 (0..300)");
    // Another value is no question, and of an unknown length there is no answer.
    assert_eq!(got(serving(300), "CON GET /big 2:0/0/128 S2:7"), "ACK 2.05 E:01 2:0/1/128 (0..128)");
    let unknown = Plan { known: false, ..serving(300) };
    assert_eq!(got(unknown, "CON GET /big 2:0/0/128 S2:0"), "ACK 2.05 E:01 2:0/1/128 (0..128)");
}

#[test]
fn an_empty_representation() {
    for known in [true, false] {
        let plan = Plan { known, ..serving(0) };
        assert_eq!(got(plan, "CON GET /big"), "ACK 2.05 E:01");
        assert_eq!(got(plan, "CON GET /big 2:0/0/64"), "ACK 2.05 E:01 2:0/0/64");
    }
}

/// Whatever the token, the options and the number: no packet is longer than it may be, and all blocks have one size.
#[test]
fn max_message_caps_the_whole_packet() {
    for max_message in 48..300_usize {
        let settings = Settings { max_message: max_message as u16, ..PLAIN };
        for etag in [&[1][..], &[1; 8]] {
            let (mut offset, mut sizes) = (0, std::collections::BTreeSet::new());
            while offset < 4096 {
                let mut rx = [0; 32];
                let size = sizes.first().copied().unwrap_or(1024_u32);
                let len = Writer::new(&mut rx, Header::confirmable(Code::GET, 1), &[7; 8])
                    .block2(coaplet::wire::Block::with_size(offset / size, false, size as u16).unwrap())
                    .size2(0)
                    .finish()
                    .unwrap();
                let message = Message::parse(&rx[..len]).unwrap();
                let mut tx = [0; 1152];
                let mut w = Writer::new(&mut tx, Header::acknowledgement(Code::CONTENT, 1), &[7; 8]);
                w.etag(etag).max_age(100);
                let body = down();
                serve(&mut w, &Asked::of(&message), Body::slice(&body), &settings);
                let len = w.finish().unwrap();
                assert!(len <= max_message, "{len} of {max_message}");
                let answer = Message::parse(&tx[..len]).unwrap();
                let block = answer.block2().unwrap();
                sizes.insert(u32::from(block.size().unwrap()));
                assert_eq!(block.offset(), Some(offset));
                offset += answer.payload().len() as u32;
            }
            assert_eq!(sizes.len(), 1, "{max_message}: {sizes:?}");
        }
    }
}

#[test]
fn a_buffer_that_is_too_small_is_the_callers_error() {
    let mut tx = [0; 24];
    let mut w = Writer::new(&mut tx, Header::acknowledgement(Code::CONTENT, 1), &[7; 8]);
    serve(&mut w, &Asked::default(), Body::slice(&down()), &PLAIN);
    let Err(coaplet::WriteError::BufferTooSmall { needed }) = w.finish() else { panic!() };
    assert!(needed > 24);
    // Options above ours are out of order.
    let mut tx = [0; 100];
    let mut w = Writer::new(&mut tx, Header::acknowledgement(Code::CONTENT, 1), &[7; 8]);
    w.echo(b"1");
    serve(&mut w, &Asked::first(Some(64)), Body::slice(&down()), &PLAIN);
    assert!(matches!(w.finish(), Err(coaplet::WriteError::OutOfOrder { .. })));
}

#[test]
fn a_representation_that_gives_less_than_it_has() {
    let answer = |length: Option<u32>, offset| {
        let mut read = |at: u32, buffer: &mut [u8]| if at < offset { buffer.len() } else { 3.min(buffer.len()) };
        let body = Body::read(&mut read);
        let body = if let Some(length) = length { body.of_length(length) } else { body };
        let mut tx = [0; 100];
        let mut w = Writer::new(&mut tx, Header::acknowledgement(Code::CONTENT, 1), &[7]);
        w.etag(&[1]);
        serve(&mut w, &Asked::first(Some(32)), body, &PLAIN);
        let len = w.finish().unwrap();
        let answer = Message::parse(&tx[..len]).unwrap();
        (answer.code(), answer.etag().is_some(), answer.payload().len())
    };
    assert_eq!(answer(Some(1000), 0), (Code::INTERNAL_SERVER_ERROR, false, 0));
    assert_eq!(answer(None, 0), (Code::INTERNAL_SERVER_ERROR, false, 0));
    assert_eq!(answer(None, 1), (Code::CONTENT, true, 32));
}

#[test]
fn who_does_not_know_blocks_refuses_them() {
    let mut server = Server::<Scan>::with(serving(300), Config::DEFAULT);
    server.gets("CON GET /big 2:0/0/64");
    assert!(show(&server.sent.pop_front().unwrap()).starts_with("ACK 4.02"));
    server.gets("CON PUT /big 1:0/1/64 (0..64)");
    assert!(show(&server.sent.pop_front().unwrap()).starts_with("ACK 4.02"));
    // RFC 7252 5.4.5: the second of what may not be repeated is not recognised. 5.4.3: nor is one that is too long.
    let mut server = Server::<Scan>::new(serving(300));
    for option in [&b"\xd1\x0a\x02\x01\x12"[..], b"\xd4\x0a\x01\x02\x03\x04"] {
        server.id += 1;
        let bytes = [&[0x40, 0x01][..], &server.id.to_be_bytes(), option].concat();
        server.takes(9, &bytes);
        assert!(show(&server.sent.pop_front().unwrap()).starts_with("ACK 4.02"));
    }
}

// Upload.

/// A server that has got two blocks of 64.
fn begun<C: Scale>(plan: Plan) -> Server<C> {
    let mut server = Server::new(plan);
    server.plays(&[
        "-> CON PUT /log 1:0/1/64 (0..64)",
        "<- ACK 2.31 1:0/1/64",
        "-> CON PUT /log 1:1/1/64 (64..128)",
        "<- ACK 2.31 1:1/1/64",
    ]);
    server
}

fn section_2_5_a_block_that_is_not_the_next_one<C: Scale>() {
    let mut server = begun::<C>(Plan::PLAIN);
    for (block, length) in [("3/1", 64), ("3/0", 10), ("100/0", 0), ("1048575/1", 64), ("1/0", 64)] {
        let at = if length > 0 { format!(" ({length}..{})", 2 * length) } else { String::new() };
        server.gets(&format!("CON PUT /log 1:{block}/64{at}"));
        server.sends(&format!("ACK 4.08 1:{}/0/64", block.split('/').next().unwrap()));
    }
    // The first blocks of it are not here.
    server.gets_from(7, "CON PUT /log 1:2/1/64 (128..192)");
    server.sends("ACK 4.08 1:2/0/64");
    // None of that has done any harm.
    server.plays(&["-> CON PUT /log 1:2/0/64 (128..150)", "<- ACK 2.04 1:2/0/64"]);
    assert_eq!(server.body(), up()[..150]);
    server.is_free();
    assert!(server.broken.is_empty());
}

fn section_2_5_a_block_that_comes_again<C: Scale>() {
    let mut server = begun::<C>(Plan::PLAIN);
    for _ in 0..3 {
        server.plays(&["-> CON PUT /log 1:1/1/64 (64..128)", "<- ACK 2.31 1:1/1/64"]);
    }
    // The same number and another content is no repetition.
    server.plays(&["-> CON PUT /log 1:1/1/64 (0..64)", "<- ACK 4.08 1:1/0/64"]);
    server.plays(&["-> CON PUT /log 1:2/0/64 (128..150)", "<- ACK 2.04 1:2/0/64"]);
    assert_eq!((server.body(), server.pieces.len()), (up()[..150].to_vec(), 3));
    // The first one too, while it is the last that came.
    let mut server = Server::<C>::new(Plan::PLAIN);
    for _ in 0..3 {
        server.plays(&["-> CON PUT /log 1:0/1/64 (0..64)", "<- ACK 2.31 1:0/1/64"]);
    }
    assert_eq!(server.pieces.len(), 1);
}

fn section_2_5_the_last_block_comes_again<C: Scale>() {
    let mut server = begun::<C>(Plan { length: 10, code: Code::CREATED, ..Plan::PLAIN });
    server.plays(&["-> CON PUT /log 1:2/0/64 (128..150)", "<- ACK 2.01 1:2/0/64 (0..10)"]);
    for _ in 0..3 {
        // "a block of a body already finished is a duplicate, not an error"
        server.plays(&["-> CON PUT /log 1:2/0/64 (128..150)", "<- ACK 2.01 1:2/0/64"]);
    }
    assert_eq!(server.pieces.len(), 3);
    // Another one is.
    server.plays(&["-> CON PUT /log 1:3/0/64 (192..193)", "<- ACK 4.08 1:3/0/64"]);
    server.plays(&["-> CON PUT /log 1:0/1/64 (0..64)", "<- ACK 2.31 1:0/1/64"]);
    assert_eq!(server.pieces.len(), 4);
    server.is_free();
    assert_eq!(server.broken.len(), 1);
}

fn section_2_5_the_answer_goes_to_who_asks_last<C: Scale>() {
    let mut server = Server::<C>::new(Plan { slow: true, ..Plan::PLAIN });
    server.gets("CON PUT /log 1:0/1/64 (0..64)");
    server.until(60_000);
    // Its Empty ACK, and it is sent in a new exchange.
    server.sends("ACK");
    server.gets("CON PUT /log 1:0/1/64 (0..64)");
    assert_eq!((server.kept.len(), server.sent.len()), (1, 0));
    let piece = server.kept.remove(0);
    server.answer(piece);
    server.sends("ACK 2.31 1:0/1/64");
    server.gets("CON PUT /log 1:0/1/64 (0..64)");
    server.sends("ACK 2.31 1:0/1/64");
    assert!(server.kept.is_empty());
}

fn section_2_5_a_first_block_begins_anew<C: Scale>() {
    let mut server = begun::<C>(Plan::PLAIN);
    server.plays(&[
        "-> CON PUT /log 1:0/1/32 (0..32)",
        "<- ACK 2.31 1:0/1/32",
        "-> CON PUT /log 1:2/1/64 (128..192)",
        "<- ACK 4.08 1:2/0/64",
        "-> CON PUT /log 1:1/0/32 (32..64)",
        "<- ACK 2.04 1:1/0/32",
    ]);
    let offsets: Vec<_> = server.pieces.iter().map(|(offset, _, last)| (*offset, *last)).collect();
    assert_eq!(offsets, [(0, false), (64, false), (0, false), (32, true)]);
    // A body that has the same first block as the one before.
    server.plays(&["-> CON PUT /log 1:0/1/32 (0..32)", "<- ACK 2.31 1:0/1/32"]);
    assert_eq!(server.pieces.len(), 5);
}

fn section_2_5_nothing_comes_for_an_exchange_lifetime<C: Scale>() {
    let mut server = begun::<C>(Plan::PLAIN);
    let last = server.now;
    server.until(last + 246_000);
    assert!(server.broken.is_empty());
    server.plays(&["-> CON PUT /log 1:2/1/64 (128..192)", "<- ACK 2.31 1:2/1/64"]);
    let last = server.now;
    server.until(last + 246_999);
    assert!(server.broken.is_empty());
    server.until(last + 247_000);
    assert!(matches!(server.broken[..], [(_, Failure::TimedOut)]));
    assert_eq!(server.ep.usage().transfers, 0);
    server.plays(&["-> CON PUT /log 1:3/0/64 (192..193)", "<- ACK 4.08 1:3/0/64"]);
    server.is_free();
}

fn section_2_9_3_too_large<C: Scale>() {
    let plan = Plan { settings: Settings { max_body: 150, ..PLAIN }, ..Plan::PLAIN };
    // As it says at once ...
    let mut server = Server::<C>::new(plan);
    server.plays(&["-> CON PUT /log 1:0/1/64 S1:151 (0..64)", "<- ACK 4.13 1:0/0/64 S1:150"]);
    server.plays(&["-> CON PUT /log (0..151)", "<- ACK 4.13 S1:150"]);
    assert_eq!((server.pieces.len(), server.ep.usage().transfers), (0, 0));
    // ... or as it turns out.
    let mut server = begun::<C>(plan);
    server.plays(&["-> CON PUT /log 1:2/0/64 (128..151)", "<- ACK 4.13 1:2/0/64 S1:150"]);
    // Also if it says so later.
    server.plays(&["-> CON PUT /log 1:2/0/64 S1:151 (128..150)", "<- ACK 4.13 1:2/0/64 S1:150"]);
    server.plays(&["-> CON PUT /log 1:2/0/64 (128..150)", "<- ACK 2.04 1:2/0/64"]);
    assert_eq!(server.body(), up()[..150]);
    server.plays(&["-> CON PUT /log (0..150)", "<- ACK 2.04"]);
    server.is_free();
}

fn section_2_3_a_format_that_changes<C: Scale>() {
    let mut server = Server::<C>::new(Plan::PLAIN);
    server.plays(&[
        "-> CON PUT /log F:0 1:0/1/64 (0..64)",
        "<- ACK 2.31 1:0/1/64",
        // "the server MUST NOT assemble them"
        "-> CON PUT /log F:50 1:1/0/64 (64..70)",
        "<- ACK 4.08 1:1/0/64",
        "-> CON PUT /log 1:1/0/64 (64..70)",
        "<- ACK 4.08 1:1/0/64",
        "-> CON PUT /log F:0 1:1/0/64 (64..70)",
        "<- ACK 2.04 1:1/0/64",
    ]);
}

fn section_2_10_if_none_match_stands_on_the_first_block_alone<C: Scale>() {
    let config = Config {
        known: |number| (Config::DEFAULT.blockwise().known)(number) || number.get() == 5,
        ..Config::DEFAULT.blockwise()
    };
    let mut server = Server::<C>::with(Plan::PLAIN, config);
    let mut bytes = [0; 128];
    let block = coaplet::wire::Block::with_size(0, true, 64).unwrap();
    let len = Writer::new(&mut bytes, Header::confirmable(Code::PUT, 1), &[1])
        .if_none_match()
        .path("log")
        .block1(block)
        .payload(&up()[..64])
        .finish()
        .unwrap();
    server.takes(transfers::CLIENT, &bytes[..len]);
    assert_eq!(show(&server.sent.pop_front().unwrap()), "ACK 2.31 1:0/1/64");
    server.plays(&["-> CON PUT /log 1:1/0/64 (64..70)", "<- ACK 2.04 1:1/0/64"]);
    assert_eq!(server.body(), up()[..70]);
}

fn rfc9175_3_3_transfers_are_told_apart<C: Scale>() {
    let mut server = Server::<C>::new(Plan::PLAIN);
    // By the Request-Tag, and its absence; by method and path; by the peer. But not by sizes, nor by Block2.
    let lines = ["PUT /log T:01", "PUT /log T:", "POST /log", "PUT /log"];
    let place = |line: &str, block: &str, payload: &str| match line.split_once(" T:") {
        Some((line, tag)) => format!("CON {line} {block} T:{tag} {payload}"),
        None => format!("CON {line} {block} {payload}"),
    };
    for line in lines {
        server.gets(&place(line, "1:0/1/64 S1:100", "(0..64)"));
        server.sends("ACK 2.31 1:0/1/64");
    }
    assert_eq!(server.ep.usage().transfers, 4);
    server.gets_from(9, &place(lines[3], "1:1/0/64", "(64..100)"));
    server.sends("ACK 4.08 1:1/0/64");
    for line in lines {
        server.gets(&place(line, "1:1/0/64", "(64..100)"));
        server.sends("ACK 2.04 1:1/0/64");
    }
    let ends = server.pieces.iter().filter(|piece| piece.2).count();
    assert_eq!((server.pieces.len(), ends), (8, 4));
    server.is_free();
}

fn more_transfers_than_there_are_slots<C: Scale>() {
    let mut server = Server::<C>::new(Plan::PLAIN);
    for peer in 10..14 {
        server.gets_from(peer, "CON PUT /log 1:0/1/64 (0..64)");
        server.sends("ACK 2.31 1:0/1/64");
    }
    for _ in 0..3 {
        server.gets_from(14, "CON PUT /log 1:0/1/64 (0..64)");
        server.sends("ACK 5.03 A:10");
    }
    // One that is under way is not harmed, one that is over gives way.
    server.gets_from(11, "CON PUT /log 1:1/0/64 (64..100)");
    server.sends("ACK 2.04 1:1/0/64");
    server.gets_from(14, "CON PUT /log 1:0/1/64 (0..64)");
    server.sends("ACK 2.31 1:0/1/64");
    assert_eq!(server.ep.usage().transfers, 4);
    for peer in [10, 12, 13, 14] {
        server.gets_from(peer, "CON PUT /log 1:1/0/64 (64..100)");
        server.sends("ACK 2.04 1:1/0/64");
    }
    // What gave way is not known any more.
    server.gets_from(11, "CON PUT /log 1:1/0/64 (64..100)");
    server.sends("ACK 4.08 1:1/0/64");
    server.is_free();
    assert!(server.broken.is_empty());
}

fn a_peer_that_is_forgotten<C: Scale>() {
    let mut server = Server::<C>::new(Plan::PLAIN);
    for (peer, path) in [(10, "a"), (10, "b"), (11, "a"), (10, "c")] {
        server.gets_from(peer, &format!("CON PUT /{path} 1:0/1/64 (0..64)"));
        server.sends("ACK 2.31 1:0/1/64");
    }
    server.gets_from(10, "CON PUT /c 1:1/0/64 (64..65)");
    server.sends("ACK 2.04 1:1/0/64");
    server.ep.forget(server.at(), 10).unwrap();
    server.settle();
    // Of the one that is over there is nothing to tell.
    assert!(matches!(server.broken[..], [(_, Failure::Forgotten), (_, Failure::Forgotten)]), "{:?}", server.broken);
    assert_eq!(server.ep.usage().transfers, 1);
    server.gets_from(10, "CON PUT /a 1:1/0/64 (64..65)");
    server.sends("ACK 4.08 1:1/0/64");
    server.gets_from(11, "CON PUT /a 1:1/0/64 (64..65)");
    server.sends("ACK 2.04 1:1/0/64");
    server.is_free();
}

fn an_error_ends_it_and_is_told_again<C: Scale>() {
    let mut server = begun::<C>(Plan::PLAIN);
    server.plan = Plan { stateless: true, code: Code::FORBIDDEN, ..Plan::PLAIN };
    server.plays(&["-> CON PUT /log 1:2/1/64 (128..192)", "<- ACK 4.03 1:2/0/64"]);
    server.plays(&["-> CON PUT /log 1:2/1/64 (128..192)", "<- ACK 4.03 1:2/0/64"]);
    assert_eq!(server.pieces.len(), 3);
    server.plays(&["-> CON PUT /log 1:3/1/64 (192..256)", "<- ACK 4.08 1:3/0/64"]);
    server.plan = Plan::PLAIN;
    server.plays(&["-> CON PUT /log 1:0/1/64 (0..64)", "<- ACK 2.31 1:0/1/64"]);
    server.is_free();
}

/// A peer's slot is not given to another one while a body of its is on the way.
fn a_transfer_keeps_its_peer<C: Scale>() {
    let mut server = begun::<C>(Plan::PLAIN);
    for peer in 100..150 {
        server.gets_from(peer, "CON PUT /log (0..5)");
        server.sends("ACK 2.04");
    }
    server.plays(&["-> CON PUT /log 1:2/0/64 (128..150)", "<- ACK 2.04 1:2/0/64"]);
}

#[test]
fn section_2_3_a_payload_has_the_length_of_its_block() {
    for wrong in ["1:0/1/64 (0..63)", "1:0/1/64 (0..65)", "1:0/0/64 (0..65)", "1:0/1/64", "1:0/1/1024 (0..1023)"] {
        assert_eq!(got(Plan::PLAIN, &format!("CON PUT /log {wrong}")), "ACK 4.00", "{wrong}");
    }
}

#[test]
fn section_2_5_a_body_of_one_block_takes_no_slot() {
    let mut server = Server::<Indexed>::new(Plan { settings: of_size(32), ..Plan::PLAIN });
    server.plays(&["-> CON PUT /log 1:0/0/64 (0..50)", "<- ACK 2.04 1:0/0/32", "-> CON POST /log", "<- ACK 2.04"]);
    assert_eq!((server.ep.usage().transfers, server.pieces.len()), (0, 2));
}

#[test]
fn without_that_role_bodies_have_one_block() {
    #[derive(Debug)]
    enum Few {}
    impl Roles for Few {
        const HAS: Abilities = Abilities { transfers: false, ..Abilities::ALL };
    }
    let config = Config::DEFAULT.blockwise();
    let mut ep = Endpoint::<_, Few>::with_roles(config, [7; 16], Fixed::<u16, 2, 4, 512>::new());
    let (now, mut tx) = (Instant::ZERO, [0; 256]);
    let mut answer = |line: &str, id: u16| {
        let bytes = build(line, id, &[1]);
        let Event::Request(request) = ep.handle(now, 5, Arrival::Unicast, &bytes, &mut tx).event else { panic!() };
        let sent = match ep.receive(now, &request, &PLAIN, &mut tx).unwrap() {
            coaplet::block::Received::Answered(sent) => sent,
            coaplet::block::Received::Piece(piece) => ep.conclude(now, &piece, &mut tx, Body::EMPTY, |_| {}).unwrap(),
            coaplet::block::Received::Later(_) => panic!(),
        };
        show(&tx[..sent.unwrap().len])
    };
    assert!(answer("CON PUT /log 1:0/1/64 (0..64)", 1).starts_with("ACK 4.13"));
    assert!(answer("CON PUT /log 1:1/0/64 (64..65)", 2).starts_with("ACK 4.13"));
    assert_eq!(answer("CON PUT /log 1:0/0/64 (0..64)", 3), "ACK 2.04 1:0/0/64");
    assert_eq!(answer("CON PUT /log (0..64)", 4), "ACK 2.04");
}

#[test]
fn a_store_without_slots_for_transfers() {
    let config = Config::DEFAULT.blockwise();
    let mut ep = Endpoint::new(config, [7; 16], Fixed::<u16, 2, 4, 512>::new());
    let mut tx = [0; 256];
    let bytes = build("CON PUT /log 1:0/1/64 (0..64)", 1, &[1]);
    let Event::Request(request) = ep.handle(Instant::ZERO, 5, Arrival::Unicast, &bytes, &mut tx).event else {
        panic!()
    };
    let received = ep.receive(Instant::ZERO, &request, &PLAIN, &mut tx).unwrap();
    let coaplet::block::Received::Answered(Some(sent)) = received else { panic!("{received:?}") };
    assert_eq!(show(&tx[..sent.len]), "ACK 5.03 A:10");
}

#[test]
fn a_request_that_is_answered_already_is_none_to_be_received() {
    let config = Config::DEFAULT.blockwise();
    let mut ep = Endpoint::new(config, [7; 16], Fixed::<u16, 2, 4, 512, 0, 2>::new());
    let mut tx = [0; 256];
    let bytes = build("CON PUT /log 1:0/1/64 (0..64)", 1, &[1]);
    let Event::Request(request) = ep.handle(Instant::ZERO, 5, Arrival::Unicast, &bytes, &mut tx).event else {
        panic!()
    };
    ep.respond(Instant::ZERO, request.id, &mut tx, |w| _ = w.code(Code::CHANGED)).unwrap();
    let late = ep.receive(Instant::ZERO, &request, &PLAIN, &mut tx);
    assert_eq!(late, Err(coaplet::endpoint::RespondError::Stale));
    assert_eq!(ep.usage().transfers, 0);
}

/// RFC 7967: who does not want an answer gets an Empty ACK, and the block counts as answered all the same.
#[test]
fn rfc7967_an_answer_that_is_not_wanted() {
    let mut server = Server::<Scan>::new(Plan::PLAIN);
    let silent = |server: &mut Server<Scan>, number: u32, more: bool, payload: &[u8]| {
        server.id += 1;
        let mut bytes = [0; 128];
        let len = Writer::new(&mut bytes, Header::confirmable(Code::PUT, server.id), &[1])
            .path("log")
            .block1(coaplet::wire::Block::with_size(number, more, 64).unwrap())
            .no_response(coaplet::NoResponse::new(2))
            .payload(payload)
            .finish()
            .unwrap();
        server.takes(transfers::CLIENT, &bytes[..len]);
        show(&server.sent.pop_front().unwrap())
    };
    for _ in 0..2 {
        assert_eq!(silent(&mut server, 0, true, &up()[..64]), "ACK");
    }
    for _ in 0..2 {
        assert_eq!(silent(&mut server, 1, false, &up()[64..70]), "ACK");
    }
    assert_eq!((server.pieces.len(), server.body()), (2, up()[..70].to_vec()));
    server.is_free();
}
