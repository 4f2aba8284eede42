//! Routes, methods, and the ways to answer.

use crate::common::{Bench, Few, Many};
use coaplet::server::{Answer, Error, Later, Reply, Request, Route};
use coaplet::{Code, ContentFormat, OptionNumber, Store, Writer};
use std::fmt::Write;

#[derive(Default)]
pub struct House {
    lamp: bool,
    celsius: f32,
    waiting: Vec<Later>,
}

fn lamp(house: &mut House, _: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    Ok(reply.text(if house.lamp { "on" } else { "off" }))
}

fn switch(house: &mut House, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    house.lamp = match request.payload() {
        b"on" => true,
        b"off" => false,
        _ => return Err(Error::new(Code::BAD_REQUEST, "on or off")),
    };
    Ok(reply.done())
}

fn temperature(house: &mut House, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    let mut reply = reply.content_format(ContentFormat::TEXT_PLAIN);
    match request.query("unit") {
        Some("F") => write!(reply, "{:.1}", house.celsius * 1.8 + 32.0)?,
        _ => write!(reply, "{:.1}", house.celsius)?,
    }
    Ok(reply.done())
}

fn echo(_: &mut House, request: &Request<'_, u8>, mut reply: Reply) -> Result<Answer, Error> {
    for segment in request.tail() {
        write!(reply, "[{}]", segment.unwrap())?;
    }
    Ok(reply.done())
}

fn slow(house: &mut House, request: &Request<'_, u8>, _: Reply) -> Result<Answer, Error> {
    house.waiting.push(request.later());
    Ok(Answer::Later(request.id()))
}

static ROUTES: [Route<House, u8>; 5] = [
    Route::new("lamp").get(lamp).put(switch).observable().rt("light").title("The \"lamp\""),
    Route::new("/temp").get(temperature).observable().formats(&[ContentFormat::TEXT_PLAIN]),
    Route::new("one/*/value").get(echo),
    Route::new("rest/**").get(echo),
    Route::new("slow").get(slow),
];

#[test]
fn basics() {
    paths_and_methods(Few::new());
    paths_and_methods(Many::new());
}

fn paths_and_methods(store: impl Store<Peer = u8>) {
    let mut bench = Bench::new(&ROUTES, House::default(), store);
    let path = |path: &'static str| move |w: &mut Writer<'_>| _ = w.path(path);
    let on = bench.answer(Code::PUT, |w| _ = w.path("lamp").payload(b"on"));
    assert_eq!((on.code(), on.text()), (Code::CHANGED, ""));
    assert_eq!(bench.answer(Code::GET, path("lamp")).text(), "on");
    let wrong = bench.answer(Code::PUT, |w| _ = w.path("lamp").payload(b"dim"));
    assert_eq!((wrong.code(), wrong.text()), (Code::BAD_REQUEST, "on or off"));
    assert_eq!(bench.answer(Code::POST, path("lamp")).code(), Code::METHOD_NOT_ALLOWED);
    assert_eq!(bench.answer(Code::GET, path("lam")).code(), Code::NOT_FOUND);
    assert_eq!(bench.answer(Code::GET, path("temp")).text(), "0.0");
    assert_eq!(bench.answer(Code::GET, |w| _ = w.path("temp").query("unit=F")).text(), "32.0");
    assert_eq!(bench.answer(Code::GET, path("one/a b/value")).text(), "[a b][value]");
    assert_eq!(bench.answer(Code::GET, path("one//value")).code(), Code::NOT_FOUND);
    assert_eq!(bench.answer(Code::GET, path("rest")).text(), "");
    assert_eq!(bench.answer(Code::GET, path("rest/a//b/")).text(), "[a][][b][]");
    let core = bench.answer(Code::GET, path(".well-known/core"));
    assert_eq!(core.message().content_format(), Some(ContentFormat::LINK_FORMAT));
    assert_eq!(core.text(), r#"</lamp>;rt="light";title="The \"lamp\"";obs,</temp>;ct=0;obs,</slow>"#);
}

/// RFC 7252 5.10: Content-Format is not repeatable, whatever a handler says of it twice.
#[test]
fn one_content_format() {
    fn twice(_: &mut (), _: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
        let reply = reply.content_format(ContentFormat::JSON).content_format(ContentFormat::CBOR);
        Ok(reply.text("{}"))
    }
    static ROUTES: [Route<(), u8>; 1] = [Route::new("twice").get(twice)];
    let mut bench = Bench::new(&ROUTES, (), Few::new());
    let sent = bench.answer(Code::GET, |w| {
        w.path("twice");
    });
    assert_eq!(sent.message().options_of(OptionNumber::CONTENT_FORMAT).count(), 1);
    assert_eq!(sent.message().content_format(), Some(ContentFormat::JSON));
}

#[test]
fn later() {
    let mut bench = Bench::new(&ROUTES, House::default(), Few::new());
    assert_eq!(bench.ask(1, Code::GET, |w| _ = w.path("slow")), None);
    let (sent, _) = bench.due();
    assert!(sent[0].message().code() == Code::EMPTY, "{sent:?}");
    let later = bench.state.waiting.pop().unwrap();
    let answer = bench.server.complete(bench.now, &later, &mut bench.tx, |reply| Ok(reply.text("at last")));
    let answer = answer.unwrap().map(|transmit| bench.sent(transmit)).unwrap();
    assert_eq!((answer.code(), answer.text()), (Code::CONTENT, "at last"));
    bench.acknowledge(1, answer.message().message_id());
}

#[test]
fn observers_are_told() {
    let mut bench = Bench::new(&ROUTES, House::default(), Few::new());
    let first = bench.ask(2, Code::GET, |w| _ = w.observe(0).path("temp").query("unit=F")).unwrap();
    assert!(first.message().observe().is_some(), "{first:?}");
    let first = bench.ask(3, Code::GET, |w| _ = w.observe(0).path("temp")).unwrap();
    assert!(first.message().observe().is_some(), "{first:?}");
    bench.state.celsius = 100.0;
    assert!(bench.server.notify("temp"));
    let (sent, _) = bench.due();
    let mut told: Vec<(u8, &str)> = sent.iter().map(|sent| (sent.to, sent.text())).collect();
    told.sort();
    assert_eq!(told, [(2, "212.0"), (3, "100.0")]);
}
