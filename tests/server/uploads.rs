//! Bodies in blocks through the table (RFC 7959 2.5, 2.7), and conditions that change while they come.

use crate::common::{Bench, Few, Many, Sent};
use coaplet::endpoint::{Output, TransferId};
use coaplet::server::{Answer, Error, Reply, Request, Route};
use coaplet::wire::Block;
use coaplet::{Code, ContentFormat, OptionNumber, Store, Writer};
use std::collections::HashMap;
use std::time::Duration;

#[derive(Default)]
struct Desk {
    /// What has come, of each body that is on its way.
    coming: HashMap<Option<TransferId>, Vec<u8>>,
    paper: Vec<u8>,
    calls: u32,
}

/// Keeps a piece; the whole with the last.
fn keep(desk: &mut Desk, request: &Request<'_, u8>) -> Option<Vec<u8>> {
    desk.calls += 1;
    let body = desk.coming.entry(request.transfer()).or_default();
    body.truncate(request.offset() as usize);
    assert_eq!(body.len(), request.offset() as usize);
    body.extend_from_slice(request.payload());
    if request.is_last() { desk.coming.remove(&request.transfer()) } else { None }
}

fn read(desk: &mut Desk, _: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    Ok(reply.etag(&(desk.paper.len() as u32).to_be_bytes()).payload(&desk.paper))
}

fn write(desk: &mut Desk, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    if request.payload().contains(&b'!') {
        return Err(Error::new(Code::BAD_REQUEST, "no shouting"));
    }
    if let Some(body) = keep(desk, request) {
        desk.paper = body;
    }
    Ok(reply.done())
}

/// Gives what it is given, in capitals.
fn shout(desk: &mut Desk, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    if let Some(body) = keep(desk, request) {
        desk.paper = body.to_ascii_uppercase();
    }
    Ok(reply.payload(&desk.paper))
}

fn rest(desk: &mut Desk, _: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    Ok(reply.payload(&desk.paper))
}

static ROUTES: [Route<Desk, u8>; 3] = [
    Route::new("paper").get(read).put(write).uploads(100),
    Route::new("shout").post(shout).rest(rest).uploads(100),
    Route::new("once").post(shout),
];

fn bench<St: Store<Peer = u8>>(store: St) -> Bench<'static, Desk, St> {
    Bench::new(&ROUTES, Desk::default(), store)
}

/// A client, and the Request-Tag of a body of its.
type Who = (u8, &'static [u8]);

/// A block of 16 bytes.
fn piece<St: Store<Peer = u8>>(
    bench: &mut Bench<'_, Desk, St>,
    (from, tag): Who,
    (method, path): (Code, &str),
    body: &[u8],
    number: usize,
    options: impl FnOnce(&mut Writer<'_>),
) -> Sent {
    let bytes = body.chunks(16).nth(number).unwrap();
    let more = body.len() > (number + 1) * 16;
    let sent = bench.ask(from, method, |w| {
        w.path(path).block1(Block::with_size(number as u32, more, 16).unwrap());
        options(w);
        w.insert(OptionNumber::REQUEST_TAG, tag).payload(bytes);
    });
    sent.unwrap()
}

on_both! {
    interleaved_from_three
    a_duplicate_of_a_block_does_not_reach_the_handler
    an_answer_in_blocks_does_nothing_again
    a_later_block_of_nothing_does_nothing
    an_error_ends_it
    a_change_between_two_blocks_fails_the_condition
    a_piece_is_acknowledged_in_a_line_whatever_is_accepted
    a_piece_is_refused_in_problem_details
    more_than_there_are_slots_for
    one_that_breaks_off_is_told
    post_in_one_message_does_not_take_pieces
}

const PUT: (Code, &str) = (Code::PUT, "paper");
const TEXT: &[u8] = b"This has forty-two bytes, and is not long.";

fn interleaved_from_three<St: Store<Peer = u8>>(mut bench: Bench<'_, Desk, St>) {
    let bodies: [(Who, &[u8]); 3] = [
        ((1, b"a"), TEXT),
        ((1, b"b"), b"Another from the same, not of that length"),
        ((2, b"a"), b"And from another client, still another."),
    ];
    for number in 0..3 {
        for (who, body) in bodies {
            let sent = piece(&mut bench, who, PUT, body, number, |_| {});
            let last = number == 2;
            assert_eq!(sent.code(), if last { Code::CHANGED } else { Code::CONTINUE }, "{sent:?}");
            assert_eq!(sent.message().block1(), Some(Block::with_size(number as u32, !last, 16).unwrap()));
            if last {
                assert_eq!(bench.state.paper, body);
            }
        }
    }
    assert!(bench.state.coming.is_empty());
}

fn a_duplicate_of_a_block_does_not_reach_the_handler<St: Store<Peer = u8>>(mut bench: Bench<'_, Desk, St>) {
    for number in [0, 1, 1, 2, 2, 2] {
        let sent = piece(&mut bench, (1, b""), PUT, TEXT, number, |_| {});
        assert!(sent.code().is_success(), "{sent:?}");
    }
    assert_eq!((bench.state.calls, &bench.state.paper[..]), (3, TEXT));
}

fn an_answer_in_blocks_does_nothing_again<St: Store<Peer = u8>>(mut bench: Bench<'_, Desk, St>) {
    const POST: (Code, &str) = (Code::POST, "shout");
    let small = Block::with_size(0, false, 16).unwrap();
    let ask =
        |w: &mut Writer<'_>| _ = w.insert(OptionNumber::BLOCK2, coaplet::wire::uint::encode(small.value()).as_bytes());
    piece(&mut bench, (1, b""), POST, TEXT, 0, ask);
    piece(&mut bench, (1, b""), POST, TEXT, 1, ask);
    let first = piece(&mut bench, (1, b""), POST, TEXT, 2, ask);
    assert_eq!((first.code(), first.text()), (Code::CHANGED, "THIS HAS FORTY-T"));
    assert_eq!(first.message().block1(), Some(Block::with_size(2, false, 16).unwrap()));
    assert_eq!(first.message().block2(), Some(Block::with_size(0, true, 16).unwrap()));
    let calls = bench.state.calls;
    let next = bench.answer(Code::POST, |w| _ = w.path("shout").block2(Block::with_size(2, false, 16).unwrap()));
    assert_eq!((next.text(), bench.state.calls), (" NOT LONG.", calls));
}

fn a_later_block_of_nothing_does_nothing<St: Store<Peer = u8>>(mut bench: Bench<'_, Desk, St>) {
    let block = Block::with_size(1, false, 16).unwrap();
    for (method, path) in [(Code::PUT, "paper"), (Code::POST, "once")] {
        let sent = bench.answer(method, |w| _ = w.path(path).block2(block));
        assert_eq!(sent.code(), Code::BAD_REQUEST);
    }
    assert_eq!(bench.answer(Code::POST, |w| _ = w.path("shout").block2(block)).code(), Code::BAD_REQUEST);
    assert_eq!(bench.state.calls, 0);
}

fn an_error_ends_it<St: Store<Peer = u8>>(mut bench: Bench<'_, Desk, St>) {
    let body = b"All is quiet, and then there is one! After that no more.";
    piece(&mut bench, (1, b""), PUT, body, 0, |_| {});
    piece(&mut bench, (1, b""), PUT, body, 1, |_| {});
    let sent = piece(&mut bench, (1, b""), PUT, body, 2, |_| {});
    assert_eq!((sent.code(), sent.text()), (Code::BAD_REQUEST, "no shouting"));
    assert_eq!(sent.message().block1(), Some(Block::with_size(2, false, 16).unwrap()));
    let sent = piece(&mut bench, (1, b""), PUT, body, 3, |_| {});
    assert_eq!(sent.code(), Code::REQUEST_ENTITY_INCOMPLETE);
    assert!(bench.state.paper.is_empty());
}

fn a_change_between_two_blocks_fails_the_condition<St: Store<Peer = u8>>(mut bench: Bench<'_, Desk, St>) {
    let etag = bench.answer(Code::GET, |w| _ = w.path("paper")).message().etag().unwrap().to_vec();
    let with = |w: &mut Writer<'_>| _ = w.insert(OptionNumber::IF_MATCH, &etag);
    assert_eq!(piece(&mut bench, (1, b""), PUT, TEXT, 0, with).code(), Code::CONTINUE);
    assert_eq!(piece(&mut bench, (1, b""), PUT, TEXT, 1, with).code(), Code::CONTINUE);
    // Somebody else is faster.
    bench.ask(2, Code::PUT, |w| _ = w.path("paper").payload(b"fast")).unwrap();
    assert_eq!(piece(&mut bench, (1, b""), PUT, TEXT, 2, with).code(), Code::PRECONDITION_FAILED);
    assert_eq!(bench.state.paper, b"fast");
    // And once more, with nobody in between. The last block again: it was carried out, which changed the ETag.
    let etag = bench.answer(Code::GET, |w| _ = w.path("paper")).message().etag().unwrap().to_vec();
    let with = |w: &mut Writer<'_>| _ = w.insert(OptionNumber::IF_MATCH, &etag);
    for number in [0, 1, 2, 2] {
        assert!(piece(&mut bench, (1, b"x"), PUT, TEXT, number, with).code().is_success());
    }
    assert_eq!(bench.state.paper, TEXT);
}

fn more_than_there_are_slots_for<St: Store<Peer = u8>>(mut bench: Bench<'_, Desk, St>) {
    for from in 1..=4 {
        assert_eq!(piece(&mut bench, (from, b""), PUT, TEXT, 0, |_| {}).code(), Code::CONTINUE);
    }
    let sent = piece(&mut bench, (5, b""), PUT, TEXT, 0, |_| {});
    assert_eq!((sent.code(), bench.state.calls), (Code::SERVICE_UNAVAILABLE, 4));
    // What is whole needs none.
    assert_eq!(bench.ask(5, Code::PUT, |w| _ = w.path("paper").payload(b"x")).unwrap().code(), Code::CHANGED);
}

fn one_that_breaks_off_is_told<St: Store<Peer = u8>>(mut bench: Bench<'_, Desk, St>) {
    piece(&mut bench, (1, b""), PUT, TEXT, 0, |_| {});
    let (&transfer, _) = bench.state.coming.iter().next().unwrap();
    bench.now = bench.now + Duration::from_secs(300);
    let broken = loop {
        match bench.server.poll(&mut bench.state, bench.now, &mut bench.tx) {
            Output::Broken(id, _) => break id,
            Output::Idle(_) => panic!("it is not told"),
            _ => {}
        }
    };
    assert_eq!(Some(broken), transfer);
}

fn post_in_one_message_does_not_take_pieces<St: Store<Peer = u8>>(mut bench: Bench<'_, Desk, St>) {
    let sent = piece(&mut bench, (1, b""), (Code::POST, "once"), TEXT, 0, |_| {});
    assert_eq!((sent.code(), bench.state.calls), (Code::REQUEST_ENTITY_TOO_LARGE, 0));
    // One that is the only one is acknowledged as such.
    let sent = piece(&mut bench, (1, b""), (Code::POST, "once"), b"short", 0, |_| {});
    assert_eq!((sent.code(), sent.text()), (Code::CHANGED, "SHORT"));
    assert_eq!(sent.message().block1(), Some(Block::with_size(0, false, 16).unwrap()));
}

/// RFC 7959 2.9.1: 2.31 has Block1 and nothing else, also for who accepts problem details (RFC 9290), which it is none of.
fn a_piece_is_acknowledged_in_a_line_whatever_is_accepted<St: Store<Peer = u8>>(mut bench: Bench<'_, Desk, St>) {
    let sent = piece(&mut bench, (1, b""), PUT, TEXT, 0, |w| {
        w.insert(OptionNumber::ACCEPT, &257_u16.to_be_bytes());
    });
    let message = sent.message();
    assert_eq!((message.code(), message.block1()), (Code::CONTINUE, Block::with_size(0, true, 16).ok()));
    assert_eq!((message.options().count(), message.payload()), (1, &b""[..]));
}

/// RFC 9290: an error is one, also where no handler makes it. RFC 7959 2.9.2: 4.08 says of which block.
fn a_piece_is_refused_in_problem_details<St: Store<Peer = u8>>(mut bench: Bench<'_, Desk, St>) {
    let accept = |w: &mut Writer<'_>| _ = w.insert(OptionNumber::ACCEPT, &257_u16.to_be_bytes());
    let sent = piece(&mut bench, (1, b""), PUT, TEXT, 1, accept);
    let message = sent.message();
    assert_eq!(message.code(), Code::REQUEST_ENTITY_INCOMPLETE);
    assert_eq!(message.content_format(), Some(ContentFormat::CONCISE_PROBLEM_DETAILS_CBOR));
    assert_eq!((message.block1(), message.payload()), (Block::with_size(1, false, 16).ok(), &b"\xa1\x23\x18\x88"[..]));
    let plain = piece(&mut bench, (1, b""), PUT, TEXT, 1, |_| {});
    assert_eq!((plain.code(), plain.message().payload()), (Code::REQUEST_ENTITY_INCOMPLETE, &b""[..]));
    // What is too large: the most that is taken.
    let sent = piece(&mut bench, (1, b""), PUT, TEXT, 0, |w| {
        accept(w);
        w.size1(1000);
    });
    let message = sent.message();
    assert_eq!((message.code(), message.size1()), (Code::REQUEST_ENTITY_TOO_LARGE, Some(100)));
    assert_eq!(message.payload(), b"\xa1\x23\x18\x8d");
}
