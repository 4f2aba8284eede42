//! Observers: what they registered with is asked again (RFC 7641 4.1, 4.2).

use crate::common::{Bench, Few, Many, Sent};
use coaplet::server::{Answer, Error, Reason, Reply, Request, Route};
use coaplet::wire::Block;
use coaplet::{Code, ContentFormat, OptionNumber, Store, Writer};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// What there is under each path, and in which format.
#[derive(Default)]
struct Files {
    files: BTreeMap<String, (ContentFormat, String)>,
    notified: u32,
}

fn get(files: &mut Files, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    files.notified += u32::from(request.reason() == Reason::Notification);
    let path: Vec<&str> = request.tail().map(|segment| segment.unwrap()).collect();
    let (format, text) = files.files.get(&path.join("/")).ok_or(Error::from(Code::NOT_FOUND))?;
    let mut reply = reply.content_format(*format);
    write!(reply, "{}{text}", request.query("before").unwrap_or_default())?;
    Ok(reply.done())
}

fn put(files: &mut Files, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    let path: Vec<&str> = request.tail().map(|segment| segment.unwrap()).collect();
    let format = request.content_format().unwrap_or(ContentFormat::TEXT_PLAIN);
    let text = String::from_utf8(request.payload().to_vec()).unwrap();
    files.files.insert(path.join("/"), (format, text));
    Ok(reply.done())
}

fn delete(files: &mut Files, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    let path: Vec<&str> = request.tail().map(|segment| segment.unwrap()).collect();
    files.files.remove(&path.join("/"));
    Ok(reply.done())
}

fn fetch(_: &mut Files, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    Ok(reply.payload(request.payload()))
}

fn slow(_: &mut Files, request: &Request<'_, u8>, _: Reply) -> Result<Answer, Error> {
    Ok(Answer::Later(request.id()))
}

static ROUTES: [Route<Files, u8>; 4] = [
    Route::new("files/**").get(get).put(put).delete(delete).observable(),
    Route::new("non/*").get(get).put(put).observable_non(),
    Route::new("asked").fetch(fetch).observable(),
    Route::new("slow").get(slow).observable(),
];

fn bench<St: Store<Peer = u8>>(store: St) -> Bench<'static, Files, St> {
    let text = |text: &str| (ContentFormat::TEXT_PLAIN, text.to_string());
    let files = BTreeMap::from([("a".into(), text("one")), ("b/c".into(), text("two"))]);
    Bench::new(&ROUTES, Files { files, notified: 0 }, store)
}

/// Registers, and says whether that was accepted.
fn observe<St: Store<Peer = u8>>(
    bench: &mut Bench<'_, Files, St>,
    from: u8,
    options: impl FnOnce(&mut Writer<'_>),
) -> (Sent, bool) {
    let sent = bench.ask(from, Code::GET, |w| {
        options(w);
        w.insert(OptionNumber::OBSERVE, &[]);
    });
    let sent = sent.expect("an answer");
    let accepted = sent.message().observe().is_some();
    (sent, accepted)
}

/// All that is told within a while, each acknowledged: to whom, and what.
fn told<St: Store<Peer = u8>>(bench: &mut Bench<'_, Files, St>) -> Vec<(u8, Code, String)> {
    let mut all = Vec::new();
    for _ in 0..10 {
        let (sent, _) = bench.due();
        for sent in sent {
            all.push((sent.to, sent.code(), sent.text().to_string()));
            if sent.message().message_type() == coaplet::Type::Confirmable {
                bench.acknowledge(sent.to, sent.message().message_id());
            }
        }
        bench.now = bench.now + Duration::from_millis(500);
    }
    all.sort();
    all
}

on_both! {
    each_is_asked_what_it_registered_with
    what_is_kept_is_given_back
    another_format_ends_it
    what_is_gone_ends_it
    too_much_is_answered_plainly
    a_fetch_is_asked_again_with_its_payload
    what_is_put_off_is_not_observed
    an_accepted_format_is_kept
    blocks_of_a_notification
    the_end_of_all
    registrations_come_and_go_at_random
}

fn each_is_asked_what_it_registered_with<St: Store<Peer = u8>>(mut bench: Bench<'_, Files, St>) {
    let (first, accepted) = observe(&mut bench, 1, |w| _ = w.path("files/a").query("before=x"));
    assert!(accepted && first.text() == "xone");
    assert!(observe(&mut bench, 2, |w| _ = w.path("files/a").query("before=y")).1);
    assert!(observe(&mut bench, 3, |w| _ = w.path("files/b/c")).1);
    assert!(observe(&mut bench, 4, |w| _ = w.path("non/a")).1);
    // What is kept with each is the server's.
    let seen = |bench: &mut Bench<'_, Files, St>| {
        let mut seen: Vec<_> = bench.server.endpoint().observers().map(|it| (it.peer, it.tag)).collect();
        seen.sort_unstable();
        seen
    };
    assert_eq!(seen(&mut bench), [(1, None), (2, None), (3, None), (4, None)]);
    assert!(bench.server.resource("files/b/c").is_some_and(|it| bench.server.endpoint().is_observed(it)));
    assert!(bench.server.resource("files/b").is_some_and(|it| !bench.server.endpoint().is_observed(it)));
    // Each path is a resource of its own, and by another route another one.
    bench.answer(Code::PUT, |w| _ = w.path("files/a").payload(b"new"));
    let content = |to, text: &str| (to, Code::CONTENT, text.to_string());
    assert_eq!(told(&mut bench), [content(1, "xnew"), content(2, "ynew")]);
    assert!(bench.server.notify("/files/b/c") && bench.server.notify("non/a"));
    assert!(!bench.server.notify("files/b") && !bench.server.notify("files/b/c/") && !bench.server.notify("nowhere"));
    assert_eq!(told(&mut bench), [content(3, "two"), content(4, "new")]);
}

fn what_is_kept_is_given_back<St: Store<Peer = u8>>(mut bench: Bench<'_, Files, St>) {
    let before = bench.server.endpoint().usage();
    for round in 0..50 {
        for from in 1..4 {
            assert!(observe(&mut bench, from, |w| _ = w.path("files/b/c").query("before=x")).1, "{round}");
        }
        // One says that it is enough, one is forgotten, one rejects what it is told.
        bench.server.endpoint().forget(bench.now, 1).unwrap();
        assert!(bench.server.notify("files/b/c"));
        let (sent, _) = bench.due();
        for sent in sent.iter().filter(|sent| sent.code() == Code::CONTENT) {
            let reset = coaplet::Header::reset(sent.message().message_id());
            let mut bytes = [0; 4];
            Writer::new(&mut bytes, reset, &[]).finish().unwrap();
            bench.datagram(sent.to, coaplet::endpoint::Arrival::Unicast, &bytes);
        }
        told(&mut bench);
        bench.now = bench.now + Duration::from_secs(300);
        bench.due();
    }
    bench.now = bench.now + Duration::from_secs(300);
    bench.due();
    let after = bench.server.endpoint().usage();
    assert_eq!((after.observers, after.blocks), (before.observers, before.blocks), "{after:?}");
}

fn another_format_ends_it<St: Store<Peer = u8>>(mut bench: Bench<'_, Files, St>) {
    assert!(observe(&mut bench, 1, |w| _ = w.path("files/a")).1);
    bench.answer(Code::PUT, |w| _ = w.path("files/a").content_format(ContentFormat::JSON).payload(b"{}"));
    assert_eq!(told(&mut bench), [(1, Code::NOT_ACCEPTABLE, String::new())]);
    assert!(!bench.server.notify("files/a"));
}

fn what_is_gone_ends_it<St: Store<Peer = u8>>(mut bench: Bench<'_, Files, St>) {
    assert!(observe(&mut bench, 1, |w| _ = w.path("files/a")).1);
    assert!(observe(&mut bench, 2, |w| _ = w.path("files/b/c")).1);
    assert_eq!(bench.answer(Code::DELETE, |w| _ = w.path("files/a")).code(), Code::DELETED);
    assert_eq!(told(&mut bench), [(1, Code::NOT_FOUND, String::new())]);
    assert!(!bench.server.notify("files/a") && bench.server.notify("files/b/c"));
}

fn too_much_is_answered_plainly<St: Store<Peer = u8>>(mut bench: Bench<'_, Files, St>) {
    let long = "y".repeat(120);
    let (first, accepted) = observe(&mut bench, 1, |w| _ = w.path("files/a").query(&format!("before={long}")));
    assert!(!accepted && first.text() == format!("{long}one"));
    assert!(!bench.server.notify("files/a"));
    // 8 slots: one is of the resource where there is an index.
    let accepted = (1..=8).filter(|&from| observe(&mut bench, from, |w| _ = w.path("files/a")).1).count();
    assert!((7..=8).contains(&accepted), "{accepted}");
    assert_eq!(bench.answer(Code::GET, |w| _ = w.path("files/a")).text(), "one");
}

fn a_fetch_is_asked_again_with_its_payload<St: Store<Peer = u8>>(mut bench: Bench<'_, Files, St>) {
    for (from, what) in [(1, "this"), (2, "that")] {
        let sent = bench.ask(from, Code::FETCH, |w| _ = w.observe(0).path("asked").payload(what.as_bytes())).unwrap();
        assert!(sent.message().observe().is_some() && sent.text() == what);
    }
    assert!(bench.server.notify("asked"));
    assert_eq!(told(&mut bench), [(1, Code::CONTENT, "this".into()), (2, Code::CONTENT, "that".into())]);
}

fn what_is_put_off_is_not_observed<St: Store<Peer = u8>>(mut bench: Bench<'_, Files, St>) {
    assert!(bench.ask(1, Code::GET, |w| _ = w.observe(0).path("slow")).is_none());
    assert!(!bench.server.notify("slow"));
}

fn an_accepted_format_is_kept<St: Store<Peer = u8>>(mut bench: Bench<'_, Files, St>) {
    assert!(observe(&mut bench, 1, |w| _ = w.path("files/a").accept(ContentFormat::TEXT_PLAIN)).1);
    bench.answer(Code::PUT, |w| _ = w.path("files/a").payload(b"new"));
    assert_eq!(told(&mut bench), [(1, Code::CONTENT, "new".into())]);
    bench.answer(Code::PUT, |w| _ = w.path("files/a").content_format(ContentFormat::CBOR).payload(b"\x01"));
    assert_eq!(told(&mut bench)[0].1, Code::NOT_ACCEPTABLE);
}

fn blocks_of_a_notification<St: Store<Peer = u8>>(mut bench: Bench<'_, Files, St>) {
    let small = Block::with_size(0, false, 16).unwrap();
    assert!(observe(&mut bench, 1, |w| _ = w.path("files/a").block2(small)).1);
    let text = "0123456789abcdefghij";
    bench.answer(Code::PUT, |w| _ = w.path("files/a").payload(text.as_bytes()));
    let (sent, _) = bench.due();
    let [sent] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((sent.message().block2(), sent.text()), (Some(Block::with_size(0, true, 16).unwrap()), &text[..16]));
    bench.acknowledge(1, sent.message().message_id());
    // RFC 7959 2.6: the others by an ordinary GET.
    let next = Block::with_size(1, false, 16).unwrap();
    let rest = bench.answer(Code::GET, |w| _ = w.path("files/a").block2(next));
    assert_eq!((rest.text(), rest.message().observe()), (&text[16..], None));
}

fn the_end_of_all<St: Store<Peer = u8>>(mut bench: Bench<'_, Files, St>) {
    let before = bench.server.endpoint().usage().blocks;
    for from in 1..4 {
        assert!(observe(&mut bench, from, |w| _ = w.path("files/a").query("q")).1);
    }
    let resource = bench.server.resource("files/a").unwrap();
    assert!(bench.server.endpoint().end_observers(resource, Code::FORBIDDEN));
    let ended = |to| (to, Code::FORBIDDEN, String::new());
    assert_eq!(told(&mut bench), [ended(1), ended(2), ended(3)]);
    bench.now = bench.now + Duration::from_secs(600);
    bench.due();
    let usage = bench.server.endpoint().usage();
    assert_eq!((usage.observers, usage.blocks), (0, before));
    assert_eq!(bench.state.notified, 0);
}

/// Whatever is kept and freed in between, each is asked for what it registered with.
fn registrations_come_and_go_at_random<St: Store<Peer = u8>>(mut bench: Bench<'_, Files, St>) {
    let mut random = 1_u32;
    let mut draw = |below: u32| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 16) % below
    };
    let mut model: BTreeMap<u8, (String, u16)> = BTreeMap::new();
    for round in 0..400_u32 {
        let from = 1 + draw(6) as u8;
        // A client has one observation at a time; its token is that of the request.
        match (draw(3), model.get(&from).cloned()) {
            (0, None) => {
                let before = "x".repeat(draw(40) as usize);
                let bytes =
                    bench.request(Code::GET, |w| _ = w.observe(0).path("files/a").query(&format!("before={before}")));
                let token = u16::from_be_bytes([bytes[4], bytes[5]]);
                let sent = bench.datagram(from, coaplet::endpoint::Arrival::Unicast, &bytes).unwrap();
                assert_eq!(sent.text(), format!("{before}{}", bench.state.files["a"].1));
                if sent.message().observe().is_some() {
                    model.insert(from, (before, token));
                }
            }
            (1, Some((_, token))) => {
                let mut bytes = bench.request(Code::GET, |w| _ = w.observe(1).path("files/a"));
                bytes[4..6].copy_from_slice(&token.to_be_bytes());
                bench.datagram(from, coaplet::endpoint::Arrival::Unicast, &bytes).unwrap();
                model.remove(&from);
            }
            _ => {
                let text = round.to_string();
                bench.ask(7, Code::PUT, |w| _ = w.path("files/a").payload(text.as_bytes())).unwrap();
                let expected: Vec<_> =
                    model.iter().map(|(&to, (before, _))| (to, Code::CONTENT, format!("{before}{text}"))).collect();
                let mut latest = told(&mut bench);
                latest.dedup_by_key(|(to, ..)| *to);
                assert_eq!(latest, expected, "round {round}");
            }
        }
        bench.now = bench.now + Duration::from_secs(30);
        bench.due();
    }
}
