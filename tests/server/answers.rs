//! The table in the docs of `coaplet::server`: each row is a request to a server that has just begun, and what it is
//! answered.

use crate::common::{Bench, Few, Many, Sent};
use coaplet::endpoint::Arrival;
use coaplet::server::{Answer, Error, Reply, Request, Route};
use coaplet::wire::{Block, OptionFormat};
use coaplet::{Code, ContentFormat, Header, OptionNumber, Store, Writer};
use std::collections::BTreeMap;

/// As the docs have it in front of the table.
struct House {
    lamp: bool,
    notes: BTreeMap<String, String>,
    image: Vec<u8>,
}

fn house() -> House {
    House { lamp: false, notes: BTreeMap::from([("a".into(), "milk".into())]), image: Vec::new() }
}

type Result = std::result::Result<Answer, Error>;

fn lamp(house: &mut House, _: &Request<'_, u8>, reply: Reply) -> Result {
    let state = if house.lamp { "on" } else { "off" };
    Ok(reply.etag(state.as_bytes()).text(state))
}

fn switch(house: &mut House, request: &Request<'_, u8>, reply: Reply) -> Result {
    house.lamp = match request.payload() {
        b"on" => true,
        b"off" => false,
        _ => return Err(Error::new(Code::BAD_REQUEST, "on or off")),
    };
    Ok(reply.done())
}

fn note(house: &mut House, request: &Request<'_, u8>, reply: Reply) -> Result {
    let name = request.segment().unwrap_or_default();
    Ok(reply.text(house.notes.get(name).ok_or(Error::from(Code::NOT_FOUND))?))
}

fn put_note(house: &mut House, request: &Request<'_, u8>, reply: Reply) -> Result {
    let text = String::from_utf8_lossy(request.payload()).into_owned();
    let old = house.notes.insert(request.segment().unwrap_or_default().into(), text);
    Ok(if old.is_some() { reply.done() } else { reply.created("").done() })
}

fn delete_note(house: &mut House, request: &Request<'_, u8>, reply: Reply) -> Result {
    house.notes.remove(request.segment().unwrap_or_default());
    Ok(reply.done())
}

fn new_note(house: &mut House, request: &Request<'_, u8>, reply: Reply) -> Result {
    let name = format!("n{}", house.notes.len());
    house.notes.insert(name.clone(), String::from_utf8_lossy(request.payload()).into_owned());
    Ok(reply.created(&format!("notes/{name}")).done())
}

fn manual(_: &mut House, _: &Request<'_, u8>, reply: Reply) -> Result {
    Ok(reply.etag(b"v1").payload("0123456789".repeat(10).as_bytes()))
}

fn image(house: &mut House, request: &Request<'_, u8>, reply: Reply) -> Result {
    house.image.truncate(request.offset() as usize);
    house.image.extend_from_slice(request.payload());
    Ok(reply.done())
}

fn slow(_: &mut House, request: &Request<'_, u8>, _: Reply) -> Result {
    Ok(Answer::Later(request.id()))
}

const TEXT: &[ContentFormat] = &[ContentFormat::TEXT_PLAIN];

static ROUTES: [Route<House, u8>; 6] = [
    Route::new("lamp").get(lamp).put(switch).observable().rt("light").formats(TEXT).takes(TEXT).max_age(10).group(),
    Route::new("notes").post(new_note).title("Post one"),
    Route::new("notes/*").get(note).put(put_note).delete(delete_note),
    Route::new("manual").get(manual).size(100),
    Route::new("image").put(image).uploads(64),
    Route::new("slow").get(slow).hidden(),
];

/// What the docs say.
const TABLE: &str = include_str!("../../src/server/answers.md");

#[test]
fn each_row_of_the_docs() {
    let mut rows = 0;
    for line in TABLE.lines().skip(2) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [request, expected, why] = cells[..] else { panic!("{line}: not three cells") };
        let request = request.trim_matches('`');
        assert_eq!(run(request, Few::new()), expected.trim_matches('`'), "{request}");
        assert_eq!(run(request, Many::new()), expected.trim_matches('`'), "{request}");
        assert!(!why.is_empty(), "{line}: no reason");
        rows += 1;
    }
    assert_eq!(rows, 44);
}

/// Sends a request that is written as in the table, and prints the answer as in the table.
fn run(request: &str, store: impl Store<Peer = u8>) -> String {
    let mut bench = Bench::new(&ROUTES, house(), store);
    bench.server = bench.server.with_names(&["house.example"]);
    let (request, arrival) = match request.strip_prefix("group ") {
        Some(request) => (request, Arrival::Group),
        None => (request, Arrival::Unicast),
    };
    let bytes = parse(request, arrival);
    let answer = bench.datagram(1, arrival, &bytes).or_else(|| bench.first_of_the_next(6_000));
    let Some(answer) = answer else { return "nothing".into() };
    print(&answer)
}

fn print(answer: &Sent) -> String {
    let line = answer.message().to_string();
    let (_, line) = line.split_once(' ').unwrap();
    let words = line.split(' ').filter(|word| !word.starts_with("mid=") && !word.starts_with("token="));
    words.collect::<Vec<_>>().join(" ").replace("=0x", "=")
}

/// `METHOD PATH[?ARGUMENT] [NAME=VALUE ..] ["PAYLOAD"]`
fn parse(request: &str, arrival: Arrival) -> Vec<u8> {
    let (request, payload) = request.split_once(" \"").unwrap_or((request, ""));
    let mut words = request.split(' ');
    let method = words.next().unwrap();
    let code = (1..8).map(Code::from_byte).find(|code| code.name() == Some(method)).unwrap_or_else(|| {
        let (class, detail) = method.split_once('.').unwrap();
        Code::new(class.parse().unwrap(), detail.parse().unwrap()).unwrap()
    });
    let mut bytes = vec![0; 1400];
    let header = match arrival {
        Arrival::Unicast => Header::confirmable(code, 7),
        Arrival::Group => Header::non_confirmable(code, 7),
    };
    let mut w = Writer::new(&mut bytes, header, b"t");
    let (path, query) = words
        .next()
        .unwrap()
        .split_once('?')
        .map_or_else(|| (request.split(' ').nth(1).unwrap(), None), |(path, query)| (path, Some(query)));
    w.path(path);
    if let Some(query) = query {
        w.query(query);
    }
    for word in words {
        let (name, value) = word.split_once('=').unwrap();
        let known = (0..300).map(OptionNumber::new).find(|number| number.name() == Some(name));
        let number = known.unwrap_or_else(|| OptionNumber::new(name.parse().unwrap()));
        if let Some((number_of, rest)) = value.split_once('/').filter(|_| name.starts_with("Block")) {
            let (more, size) = rest.split_once('/').unwrap();
            let block = Block::with_size(number_of.parse().unwrap(), more == "1", size.parse().unwrap()).unwrap();
            w.insert(number, coaplet::wire::uint::encode(block.value()).as_bytes());
        } else if let Some(hex) = value.strip_prefix("0x") {
            let hex: Vec<u8> =
                (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
            w.insert(number, &hex);
        } else if number.format() == Some(OptionFormat::Uint) {
            w.insert(number, coaplet::wire::uint::encode(value.parse().unwrap()).as_bytes());
        } else {
            w.insert(number, value.as_bytes());
        }
    }
    w.payload(payload.trim_end_matches('"').as_bytes());
    let length = w.finish().unwrap();
    bytes.truncate(length);
    bytes
}
