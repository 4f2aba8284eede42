//! Bad input, full tables, small buffers, answers that come late, objects, names.

use crate::common::{Bench, Few, Many};
use coaplet::block::{Body, Settings};
use coaplet::endpoint::{Arrival, RespondError};
use coaplet::server::{Answer, Error, Later, Object, Reason, Reply, Request, Resource, Route, Server};
use coaplet::wire::Block;
use coaplet::{Code, Config, ContentFormat, Endpoint, Fixed, Instant, OptionNumber, Store, Writer};
use proptest::prelude::*;
use std::cell::Cell;
use std::fmt::Write;
use std::rc::Rc;

#[derive(Default)]
struct State {
    waiting: Vec<Later>,
    calls: u32,
    conditions: u32,
}

fn path(_: &mut State, request: &Request<'_, u8>, mut reply: Reply) -> Result<Answer, Error> {
    for segment in request.tail() {
        write!(reply, "{}/", segment.unwrap())?;
    }
    Ok(reply.done())
}

fn count(state: &mut State, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    state.calls += 1;
    state.conditions += u32::from(request.reason() == Reason::Condition);
    Ok(reply.etag(b"1").payload(&[b'x'; 200]))
}

fn slow(state: &mut State, request: &Request<'_, u8>, _: Reply) -> Result<Answer, Error> {
    state.waiting.push(request.later());
    Ok(Answer::Later(request.id()))
}

/// 10,000 bytes from elsewhere, of a length that is known or not.
fn elsewhere(_: &mut State, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    let mut read = |offset: u32, room: &mut [u8]| {
        let left = 10_000_usize.saturating_sub(offset as usize).min(room.len());
        room[..left].iter_mut().zip(offset..).for_each(|(byte, at)| *byte = at as u8);
        left
    };
    let body = Body::read(&mut read);
    Ok(reply.etag(b"v").body(if request.query("known").is_some() { body.of_length(10_000) } else { body }))
}

/// The same, written.
fn written(_: &mut State, _: &Request<'_, u8>, mut reply: Reply) -> Result<Answer, Error> {
    (0..1000).try_for_each(|number| write!(reply, "{number:09},"))?;
    Ok(reply.done())
}

fn no_message(_: &mut State, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    Ok(match request.segment() {
        Some("code") => reply.code(Code::GET).done(),
        Some("etag") => reply.option(OptionNumber::LOCATION_PATH, &[b'x'; 2000]).done(),
        Some("after") => {
            let mut reply = reply;
            write!(reply, "text")?;
            reply.max_age(5).done()
        }
        _ => return Err(Error::new(Code::CONTENT, "not an error")),
    })
}

fn created(_: &mut State, _: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    // In any order.
    Ok(reply.max_age(1).location_query("first=1").etag(b"e").created("a/b").location_query("second=2").payload(b"!"))
}

static ROUTES: [Route<State, u8>; 10] = [
    Route::new("p/**").get(path).group(),
    Route::new("count").get(count).put(count).observable(),
    Route::new("slow").get(slow).post(slow).observable(),
    Route::new("elsewhere").get(elsewhere),
    Route::new("written").get(written),
    Route::new("no/*").get(no_message),
    Route::new("created").post(created),
    Route::new("blind").put(path),
    Route::new("blind/*").put(path),
    Route::new("a/*/c/*").get(path),
];

fn bench<St: Store<Peer = u8>>(store: St) -> Bench<'static, State, St> {
    Bench::new(&ROUTES, State::default(), store)
}

#[test]
fn options_in_any_order() {
    let sent = bench(Few::new()).answer(Code::POST, |w| _ = w.path("created"));
    let message = sent.message();
    assert_eq!((message.code(), message.etag(), message.max_age()), (Code::CREATED, Some(&b"e"[..]), 1));
    assert_eq!(message.location_path().flatten().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(message.location_query().flatten().collect::<Vec<_>>(), ["first=1", "second=2"]);
    assert_eq!(sent.text(), "!");
}

#[test]
fn what_is_no_message_is_an_internal_error() {
    let mut bench = bench(Few::new());
    for path in ["no/code", "no/etag", "no/error"] {
        assert_eq!(bench.answer(Code::GET, |w| _ = w.path(path)).code(), Code::INTERNAL_SERVER_ERROR, "{path}");
    }
    let after = bench.answer(Code::GET, |w| _ = w.path("no/after"));
    assert_eq!((after.code(), after.message().max_age(), after.text()), (Code::CONTENT, 5, "text"));
}

/// Whatever the way in which a body is given, and the size of blocks: the same bytes, and Size2 where it is known.
#[test]
fn bodies_in_blocks_of_every_size() {
    let mut bench = bench(Few::new());
    let numbers: Vec<u8> = (0..10_000).map(|at| at as u8).collect();
    let text: String = (0..1000).map(|number| format!("{number:09},")).collect();
    for (path, query, expected) in
        [("elsewhere", "known", &numbers[..]), ("elsewhere", "", &numbers), ("written", "", text.as_bytes())]
    {
        for size in [None, Some(16), Some(64), Some(512), Some(1024)] {
            let (mut body, mut number) = (Vec::new(), 0);
            loop {
                let asked = size.map(|size| Block::with_size(number, false, size).unwrap());
                let sent = bench.answer(Code::GET, |w| {
                    w.path(path).query(query);
                    if let Some(asked) = asked.or(Block::with_size(number, false, 1024).ok().filter(|_| number > 0)) {
                        w.block2(asked);
                    }
                    w.size2(0);
                });
                let block = sent.message().block2().unwrap();
                assert_eq!(sent.code(), Code::CONTENT);
                assert_eq!(sent.message().size2().is_some(), query == "known" || path == "written", "{path}?{query}");
                assert!(sent.bytes.len() <= 1152);
                body.extend_from_slice(sent.message().payload());
                number += 1;
                if !block.more() {
                    break;
                }
            }
            assert_eq!(body, expected, "{path} {size:?}");
            let behind = Block::with_size(number + 1, false, size.unwrap_or(1024)).unwrap();
            let sent = bench.answer(Code::GET, |w| _ = w.path(path).query(query).block2(behind));
            assert_eq!(sent.code(), Code::BAD_REQUEST);
        }
    }
}

#[test]
fn paths_long_empty_and_encoded() {
    let mut bench = bench(Few::new());
    let long = "x".repeat(255);
    let mut get = |path: &str| {
        let sent = bench.answer(Code::GET, |w| _ = w.path(path));
        (sent.code(), sent.text().to_string())
    };
    assert_eq!(get(&format!("p/{long}/{long}")), (Code::CONTENT, format!("{long}/{long}/")));
    assert_eq!(get("p"), (Code::CONTENT, String::new()));
    assert_eq!(get("p//"), (Code::CONTENT, "//".into()));
    // What was percent-encoded in a URI is decoded in the option, and stays as it is here.
    assert_eq!(get("p/%41"), (Code::CONTENT, "%41/".into()));
    assert_eq!(get("p/../.."), (Code::CONTENT, "../../".into()));
    assert_eq!(get("p/é/*"), (Code::CONTENT, "é/*/".into()));
    assert_eq!(get("a/x/c/y"), (Code::CONTENT, "x/c/y/".into()));
    for path in ["", "/", "P", "a//c/y", "a/x/c/", "a/x/c", "a/x/c/y/z", "a/x/d/y", "*", "**", "blind/*/x"] {
        assert_eq!(get(path).0, Code::NOT_FOUND, "{path}");
    }
    // A slash in a segment separates nothing, and what is not UTF-8 is refused.
    let sent = bench.answer(Code::GET, |w| _ = w.option(OptionNumber::URI_PATH, b"p/x"));
    assert_eq!(sent.code(), Code::NOT_FOUND);
    let sent = bench.answer(Code::GET, |w| _ = w.path("p").option(OptionNumber::URI_PATH, b"\xff"));
    assert_eq!(sent.code(), Code::BAD_OPTION);
}

#[test]
fn conditions_without_get_and_put_off() {
    let mut bench = bench(Few::new());
    let mut put = |path: &str, number: OptionNumber, value: &[u8]| {
        bench.answer(Code::PUT, |w| _ = w.path(path).insert(number, value)).code()
    };
    // Without GET: a path in the table is there, and below a wildcard nobody knows.
    assert_eq!(put("blind", OptionNumber::IF_MATCH, b""), Code::CHANGED);
    assert_eq!(put("blind", OptionNumber::IF_MATCH, b"1"), Code::PRECONDITION_FAILED);
    assert_eq!(put("blind", OptionNumber::IF_NONE_MATCH, b""), Code::PRECONDITION_FAILED);
    assert_eq!(put("blind/x", OptionNumber::IF_MATCH, b""), Code::PRECONDITION_FAILED);
    assert_eq!(put("blind/x", OptionNumber::IF_NONE_MATCH, b""), Code::PRECONDITION_FAILED);
    assert_eq!(bench.state.conditions, 0);
    let sent = bench.answer(Code::PUT, |w| _ = w.if_match(b"0").if_match(b"1").path("count"));
    assert_eq!((sent.code(), bench.state.calls, bench.state.conditions), (Code::CHANGED, 2, 1));
    // GET would answer later: what it keeps answers nobody.
    let sent = bench.answer(Code::POST, |w| _ = w.if_match(b"").path("slow"));
    assert_eq!(sent.code(), Code::PRECONDITION_FAILED);
    let later = bench.state.waiting.pop().unwrap();
    let stale = bench.server.complete(bench.now, &later, &mut bench.tx, |reply| Ok(reply.done()));
    assert_eq!(stale, Err(RespondError::Stale));
}

#[test]
fn later_once_and_in_any_way() {
    let mut bench = bench(Many::new());
    for from in 1..=4 {
        let method = if from == 4 { Code::POST } else { Code::GET };
        assert!(bench.ask(from, method, |w| _ = w.path("slow").accept(ContentFormat::new(257))).is_none());
    }
    bench.due();
    let waiting = std::mem::take(&mut bench.state.waiting);
    let mut complete = |later, handler: &dyn Fn(Reply<'_, '_>) -> Result<Answer, Error>| {
        let sent = bench.server.complete(bench.now, &later, &mut bench.tx, handler);
        sent.map(|sent| sent.map(|transmit| bench.sent(transmit)))
    };
    // Still not; then an error; then it is over.
    let not_yet = Later::clone(&waiting[0]);
    assert_eq!(complete(waiting[0], &|_| Ok(Answer::Later(not_yet.id()))), Ok(None));
    let error = complete(waiting[0], &|_| Err(Error::new(Code::BAD_GATEWAY, "gone"))).unwrap().unwrap();
    assert_eq!((error.code(), error.message().payload()), (Code::BAD_GATEWAY, &b"\xa2\x20\x64gone\x23\x18\xa2"[..]));
    assert_eq!(complete(waiting[0], &|reply| Ok(reply.done())), Err(RespondError::Stale));
    // A format that is not accepted.
    let wrong = complete(waiting[1], &|reply| Ok(reply.text("x"))).unwrap().unwrap();
    assert_eq!(wrong.code(), Code::NOT_ACCEPTABLE);
    let plain = complete(waiting[2], &|reply| Ok(reply.payload(b"x"))).unwrap().unwrap();
    assert_eq!((plain.code(), plain.to), (Code::CONTENT, 3));
    let changed = complete(waiting[3], &|reply| Ok(reply.text("any"))).unwrap().unwrap();
    assert_eq!((changed.code(), changed.text()), (Code::CHANGED, "any"));
}

/// What is changed by a request that was put off is told when it is answered.
#[test]
fn a_change_that_comes_late() {
    static ALL: [Route<State, u8>; 1] = [Route::new("x").get(count).post(slow).observable()];
    let mut bench = Bench::new(&ALL, State::default(), Few::new());
    bench.ask(1, Code::GET, |w| _ = w.observe(0).path("x")).unwrap();
    assert!(bench.ask(2, Code::POST, |w| _ = w.path("x")).is_none());
    assert!(bench.due().0.iter().all(|sent| sent.to == 2));
    let later = bench.state.waiting.pop().unwrap();
    let sent = bench.server.complete(bench.now, &later, &mut bench.tx, |reply| Ok(reply.done())).unwrap();
    assert!(sent.is_some());
    let (sent, _) = bench.due();
    assert!(sent.iter().any(|sent| sent.to == 1 && sent.code() == Code::CONTENT), "{sent:?}");
}

/// No room to keep an answer: GET is answered again for a duplicate.
#[test]
fn a_full_arena() {
    let mut bench = Bench::new(&ROUTES, State::default(), Fixed::<u8, 4, 8, 64>::new());
    let bytes = bench.request(Code::GET, |w| _ = w.path("count"));
    for calls in 0..3 {
        // Once in vain, and once without keeping it.
        let sent = bench.datagram(1, Arrival::Unicast, &bytes).expect("an answer");
        assert_eq!((sent.message().payload().len(), bench.state.calls), (200, 2 * (calls + 1)));
    }
}

#[test]
fn a_small_buffer() {
    let mut codes = Vec::new();
    for length in 0..64 {
        let (mut bench, mut tx) = (bench(Few::new()), vec![0; length]);
        let bytes = bench.request(Code::GET, |w| _ = w.path("count"));
        let input = bench.server.handle(&mut bench.state, bench.now, 1, Arrival::Unicast, &bytes, &mut tx);
        codes.push(input.reply.map(|sent| coaplet::Message::parse(&tx[..sent.len]).unwrap().code()));
    }
    codes.dedup();
    // Nothing; 5.00 as soon as that fits; then a block of 16 bytes or more.
    assert_eq!(codes, [None, Some(Code::INTERNAL_SERVER_ERROR), Some(Code::CONTENT)]);
}

struct Counter {
    count: u32,
}

impl Resource<State, u8> for Counter {
    fn get(&mut self, state: &mut State, _: &Request<'_, u8>, mut reply: Reply<'_, '_>) -> Result<Answer, Error> {
        state.calls += 1;
        write!(reply, "{}", self.count)?;
        Ok(reply.done())
    }

    fn ipatch(&mut self, _: &mut State, request: &Request<'_, u8>, reply: Reply<'_, '_>) -> Result<Answer, Error> {
        self.count += request.payload().len() as u32;
        Ok(reply.done())
    }
}

#[test]
fn objects_behind_the_table() {
    let (mut one, mut two) = (Counter { count: 1 }, Counter { count: 20 });
    let mut objects = [Route::new("one").rt("o").object(&mut one), Route::new("two/*").observable().object(&mut two)];
    let mut bench = Bench::new(&ROUTES, State::default(), Few::new());
    bench.server = bench.server.with_objects(&mut objects);
    let first = bench.ask(2, Code::GET, |w| _ = w.observe(0).path("two/x")).unwrap();
    assert!(first.text() == "20" && first.message().observe().is_some());
    assert_eq!(bench.answer(Code::IPATCH, |w| _ = w.path("two/x").payload(b"four")).code(), Code::CHANGED);
    assert_eq!(bench.due().0[0].text(), "24");
    assert_eq!(bench.answer(Code::GET, |w| _ = w.path("one")).text(), "1");
    assert_eq!(bench.answer(Code::PUT, |w| _ = w.path("one")).code(), Code::METHOD_NOT_ALLOWED);
    assert!(bench.answer(Code::GET, |w| _ = w.path(".well-known/core")).text().ends_with(r#",</one>;rt="o""#));
    assert_eq!(bench.state.calls, 3);
}

/// What it counts in is shared with the test, which no other thread may.
struct Shared(Rc<Cell<u32>>);

impl Resource<State, u8> for Shared {
    fn post(&mut self, _: &mut State, _: &Request<'_, u8>, reply: Reply<'_, '_>) -> Result<Answer, Error> {
        self.0.set(self.0.get() + 1);
        Ok(reply.done())
    }
}

/// What they have in common is said: that they need not be sent to another thread, or of which type all are.
#[test]
fn objects_of_one_thread_and_of_one_type() {
    fn served<'o, D: Resource<State, u8> + ?Sized>(objects: &'o mut [Object<'o, State, u8, D>]) {
        let endpoint = Endpoint::new(Config::DEFAULT.serving(), [7; 16], Few::new());
        let mut server = Server::new(endpoint, &ROUTES).with_objects(objects);
        let (mut state, mut tx) = (State::default(), [0; 64]);
        let post = b"\x41\x02\x00\x01\x4a\xb6shared";
        let input = server.handle(&mut state, Instant::ZERO, 1, Arrival::Unicast, post, &mut tx);
        assert!(input.reply.is_some() && tx[1] == Code::CHANGED.to_byte());
    }
    let count = Rc::new(Cell::new(0));
    let (mut shared, mut other) = (Shared(count.clone()), Counter { count: 0 });
    let mut several: [Object<'_, State, u8, dyn Resource<State, u8> + '_>; 2] =
        [Route::new("other").object_of(&mut other), Route::new("shared").object_of(&mut shared)];
    served(&mut several);
    served(&mut [Route::new("shared").object_of(&mut shared)]);
    assert_eq!(count.get(), 2);
}

#[test]
fn names_of_ours() {
    let mut bench = bench(Few::new());
    bench.server = bench.server.with_names(&["house.example", "house:61616", "192.0.2.1", "[2001:db8::1]:5684"]);
    let ours = |code: Code| code == Code::CONTENT;
    for (uri, expected) in [
        ("coap://HOUSE.example/p/x%2Fy?q", true),
        ("coap://h%6Fuse.example:5683/p", true),
        ("coap://house.example:5684/p", false),
        ("coap://house/p", false),
        ("coap://house:61616/p", true),
        ("coap://192.0.2.1/p", true),
        ("coap://192.0.2.2/p", false),
        ("coap://[2001:db8:0::1]:5684/p", true),
        ("coap://[2001:db8::1]/p", false),
        ("coaps://house.example/p", false),
        ("http://house.example/p", false),
        ("no URI", false),
    ] {
        // It takes precedence over what else is said of the URI (5.10.2).
        let sent = bench.answer(Code::GET, |w| _ = w.path("nowhere").proxy_uri(uri));
        assert_eq!(sent.code(), if expected { Code::CONTENT } else { Code::PROXYING_NOT_SUPPORTED }, "{uri}");
    }
    let sent = bench.answer(Code::GET, |w| _ = w.proxy_uri("coap://house.example/p/x%2Fy/../%C3%A9?q"));
    assert_eq!(sent.text(), "é/");
    for (host, port, scheme, expected) in [
        (None, None, "coap", true),
        (None, Some(5683), "coap", false),
        (None, None, "coap+tcp", false),
        (Some("House.Example"), None, "COAP", true),
        (Some("house"), Some(61616), "coap", true),
        (Some("house"), None, "coap", false),
        (Some("else"), None, "coap", false),
    ] {
        let sent = bench.answer(Code::GET, |w| {
            if let Some(host) = host {
                w.uri_host(host);
            }
            if let Some(port) = port {
                w.uri_port(port);
            }
            w.path("p").proxy_scheme(scheme);
        });
        assert_eq!(ours(sent.code()), expected, "{host:?} {port:?} {scheme}");
    }
    // A name that nobody asked by a proxy's option is nobody else's.
    assert!(ours(bench.answer(Code::GET, |w| _ = w.uri_host("other").path("p")).code()));
}

/// A few slots, and more clients than those: nobody is left without an answer who can have one.
#[test]
fn full_tables() {
    let mut bench = Bench::new(&ROUTES, State::default(), Fixed::<u8, 4, 2, 256, 1>::new());
    for from in 1..=2 {
        assert!(bench.ask(from, Code::GET, |w| _ = w.path("slow")).is_none());
    }
    let refused = bench.ask(3, Code::GET, |w| _ = w.path("count")).unwrap();
    assert_eq!((refused.code(), bench.state.calls), (Code::SERVICE_UNAVAILABLE, 0));
    let later = bench.state.waiting.pop().unwrap();
    bench.server.complete(bench.now, &later, &mut bench.tx, |reply| Ok(reply.done())).unwrap();
    let (sent, _) = bench.due();
    sent.iter().for_each(|sent| bench.acknowledge(sent.to, sent.message().message_id()));
    bench.acknowledge(2, bench.tx_id());
    assert_eq!(bench.ask(3, Code::GET, |w| _ = w.path("count")).unwrap().code(), Code::CONTENT);
}

#[test]
fn groups() {
    let mut bench = bench(Few::new());
    let mut group = |path: &str, no_response: Option<u32>| {
        let mut bytes = vec![0; 200];
        let header = coaplet::Header::non_confirmable(Code::GET, bench.next_id());
        let mut w = Writer::new(&mut bytes, header, b"g");
        w.path(path);
        if let Some(bits) = no_response {
            w.uint(OptionNumber::NO_RESPONSE, bits);
        }
        let length = w.finish().unwrap();
        let direct = bench.datagram(1, Arrival::Group, &bytes[..length]);
        assert!(direct.is_none(), "at once");
        bench.first_of_the_next(6000).map(|sent| sent.code())
    };
    assert_eq!(group("p/x", None), Some(Code::CONTENT));
    assert_eq!(group("p", None), None, "without a payload");
    assert_eq!(group("p", Some(0)), Some(Code::CONTENT), "it wants to hear of that");
    assert_eq!(group("count", None), None);
    assert_eq!(group("count", Some(0)), Some(Code::FORBIDDEN));
    assert_eq!(group("nowhere", None), None);
    assert_eq!(group(".well-known/core", None), Some(Code::CONTENT));
    assert_eq!(bench.state.calls, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever comes: no panic, each request is answered or put off, and what is sent is a message.
    #[test]
    fn any_requests(
        requests in prop::collection::vec(
            (1..4_u8, 1..9_u8, prop::collection::vec((prop::sample::select(vec![1_u16, 4, 5, 6, 11, 11, 12, 14, 15, 17, 23, 27, 28, 35, 39, 60, 292, 9999]),
                prop_oneof![
                    prop::sample::select(vec!["p", "count", "slow", "elsewhere", "written", "no", "blind", "x", "", ".well-known", "core", "coap", "1", "\x06", "\x08", "\x16"]).prop_map(|text| text.as_bytes().to_vec()),
                    prop::collection::vec(any::<u8>(), 0..6),
                ]), 0..7), prop::collection::vec(any::<u8>(), 0..40), any::<bool>()),
            1..12,
        ),
    ) {
        let mut few = bench(Fixed::<u8, 2, 4, 512, 2, 1>::new());
        let mut many = bench(Many::new());
        for (from, method, options, payload, group) in requests {
            let arrival = if group { Arrival::Group } else { Arrival::Unicast };
            let mut bytes = vec![0; 600];
            let header = if group {
                coaplet::Header::non_confirmable(Code::from_byte(method), few.next_id())
            } else {
                coaplet::Header::confirmable(Code::from_byte(method), few.next_id())
            };
            let mut w = Writer::new(&mut bytes, header, &[from]);
            for (number, value) in &options {
                w.insert(OptionNumber::new(*number), value);
            }
            let length = w.payload(&payload).finish().unwrap();
            let sent = [few.datagram(from, arrival, &bytes[..length]), many.datagram(from, arrival, &bytes[..length])];
            for sent in sent.into_iter().flatten() {
                prop_assert!(coaplet::Message::parse(&sent.bytes).is_ok());
                prop_assert_eq!(sent.to, from);
            }
            few.due();
            many.due();
        }
    }
}

/// The server of a device: its sizes, its roles, a table in flash.
#[test]
fn small_messages() {
    let endpoint = Endpoint::new(Config::DEFAULT.serving(), [7; 16], Few::new());
    let mut server = Server::new(endpoint, &ROUTES).with_settings(Settings::for_messages_of(127));
    let (mut state, mut tx) = (State::default(), [0; 127]);
    let bytes = bench(Few::new()).request(Code::GET, |w| _ = w.path("count"));
    let input = server.handle(&mut state, Instant::ZERO, 1, Arrival::Unicast, &bytes, &mut tx);
    let message = coaplet::Message::parse(&tx[..input.reply.unwrap().len]).unwrap();
    assert_eq!(message.block2(), Some(Block::with_size(0, true, 64).unwrap()));
    let error = Server::<State, Few>::new(Endpoint::new(Config::DEFAULT, [7; 16], Few::new()), &ROUTES).resource("x");
    assert_eq!(error, None);
}
