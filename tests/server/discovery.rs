//! `/.well-known/core` (RFC 6690 4): against the library's own reader and filters.

use crate::common::{Bench, Few};
use coaplet::link::{Filter, Links};
use coaplet::server::{Answer, Error, Listing, Reply, Request, Route};
use coaplet::wire::Block;
use coaplet::{Code, ContentFormat};
use proptest::prelude::*;

type State = Vec<(String, Option<u32>)>;

fn nothing(_: &mut State, _: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    Ok(reply.done())
}

fn list(state: &mut State, listing: &mut Listing<'_>) {
    state.iter().for_each(|(name, size)| listing.add(name, *size));
}

static ROUTES: [Route<State, u8>; 9] = [
    Route::new("sensors").get(nothing).formats(&[ContentFormat::LINK_FORMAT]).title("Sensor Index"),
    Route::new("sensors/temp").get(nothing).rt("temperature-c core.s").interface("sensor").observable(),
    Route::new("sensors/light").get(nothing).rt("light-lux").interface("sensor core.a").size(4_000_000_000),
    Route::new("a b/\u{e9}%/\"q\"/x").get(nothing).title("a \"quoted\" \\ title, with; all"),
    Route::new("").get(nothing).rt("root"),
    Route::new("trailing/").get(nothing).formats(&[ContentFormat::TEXT_PLAIN, ContentFormat::JSON]),
    Route::new("hidden").get(nothing).hidden(),
    Route::new("one/*").get(nothing).rt("wild"),
    Route::new("files/**").get(nothing).rt("file").interface("f").observable().listing(list),
];

fn files() -> State {
    vec![("a.txt".into(), Some(12)), ("dir/b c".into(), None), ("<>".into(), Some(0))]
}

/// The list, fetched in blocks of this size, and its ETags.
fn get(query: Option<&str>, size: u16) -> (String, Vec<Vec<u8>>) {
    let mut bench = Bench::new(&ROUTES, files(), Few::new());
    let (mut text, mut etags) = (String::new(), Vec::new());
    for number in 0.. {
        let sent = bench.answer(Code::GET, |w| {
            w.path(".well-known/core");
            if let Some(query) = query {
                w.query(query);
            }
            w.block2(Block::with_size(number, false, size).unwrap());
        });
        let message = sent.message();
        assert_eq!((message.code(), message.content_format()), (Code::CONTENT, Some(ContentFormat::LINK_FORMAT)));
        text.push_str(sent.text());
        etags.push(message.etag().unwrap().to_vec());
        if !message.block2().unwrap().more() {
            return (text, etags);
        }
    }
    unreachable!()
}

#[test]
fn all_of_it_whatever_the_blocks() {
    let (all, _) = get(None, 1024);
    let links: Vec<String> = Links::parse(all.as_bytes()).unwrap().iter().map(|link| link.to_string()).collect();
    assert_eq!(
        links,
        [
            r#"</sensors>;ct=40;title="Sensor Index""#,
            r#"</sensors/temp>;rt="temperature-c core.s";if="sensor";obs"#,
            r#"</sensors/light>;rt="light-lux";if="sensor core.a";sz=4000000000"#,
            r#"</a%20b/%C3%A9%25/%22q%22/x>;title="a \"quoted\" \\ title, with; all""#,
            r#"</>;rt="root""#,
            r#"</trailing/>;ct="0 50""#,
            r#"</files/a.txt>;rt="file";if="f";sz=12;obs"#,
            r#"</files/dir/b%20c>;rt="file";if="f";obs"#,
            r#"</files/%3C%3E>;rt="file";if="f";sz=0;obs"#,
        ]
    );
    for size in [16, 32, 64, 128, 256, 512] {
        let (text, etags) = get(None, size);
        assert_eq!(text, all, "{size}");
        assert!(etags.iter().all(|etag| *etag == etags[0]), "one representation");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// What is filtered from the table is what is filtered from the list that it makes.
    #[test]
    fn filters_as_the_reader_does(
        name in prop_oneof![9 => prop::sample::select(vec!["rt", "if", "ct", "sz", "title", "obs", "href", "rel"]), 1 => Just("x")],
        value in prop_oneof![
            prop::sample::select(vec![
                "*", "", "sensor", "core.a", "core*", "light-lux", "light*", "temperature-c core.s", "40", "0", "50", "5*",
                "12", "4*", "4000000000", "/", "/*", "/sensors", "/sensors*", "/sensors/temp", "/a%20b*", "/a b*",
                "/files/dir/b%20c", "/trailing/", "/trailing", "Sensor Index", "a \"q*", "root", "file", "f", "wild",
            ]).prop_map(str::to_string),
            "[a-z/*%.0-9]{0,4}",
        ],
        no_value in prop::bool::weighted(0.1),
    ) {
        let argument = if no_value { name.to_string() } else { format!("{name}={value}") };
        let all = get(None, 1024).0;
        let (filtered, _) = get(Some(&argument), 64);
        let filter = Filter::new(&argument);
        let expected: Vec<String> = Links::parse(all.as_bytes()).unwrap().iter()
            .filter(|link| filter.matches(link)).map(|link| link.to_string()).collect();
        prop_assert_eq!(filtered, expected.join(","), "{}", argument);
    }
}

#[test]
fn what_is_not_a_get_and_what_is_not_accepted() {
    let mut bench = Bench::new(&ROUTES, files(), Few::new());
    assert_eq!(bench.answer(Code::PUT, |w| _ = w.path(".well-known/core")).code(), Code::METHOD_NOT_ALLOWED);
    let json = bench.answer(Code::GET, |w| _ = w.path(".well-known/core").accept(ContentFormat::JSON));
    assert_eq!(json.code(), Code::NOT_ACCEPTABLE);
    let same = bench.answer(Code::GET, |w| _ = w.path(".well-known/core").accept(ContentFormat::LINK_FORMAT));
    let etag = same.message().etag().unwrap().to_vec();
    let valid = bench.answer(Code::GET, |w| _ = w.etag(&etag).path(".well-known/core"));
    assert_eq!(valid.code(), Code::VALID);
    bench.state.pop();
    assert_eq!(bench.answer(Code::GET, |w| _ = w.etag(&etag).path(".well-known/core")).code(), Code::CONTENT);
    // Two arguments narrow it down.
    let two = bench.answer(Code::GET, |w| _ = w.path(".well-known/core").query("if=sensor").query("rt=light*"));
    assert!(two.text().starts_with("</sensors/light>") && !two.text().contains("</sensors/temp>"));
}

/// A wildcard does not hide it, a route of its own does.
#[test]
fn wildcards_and_a_route_of_its_own() {
    static ALL: [Route<State, u8>; 1] = [Route::new("**").get(nothing).listing(list)];
    let mut bench = Bench::new(&ALL, vec![("x".into(), None)], Few::new());
    assert_eq!(bench.answer(Code::GET, |w| _ = w.path(".well-known/core")).text(), "</x>");
    static OWN: [Route<State, u8>; 1] = [Route::new(".well-known/core").get(nothing)];
    let mut bench = Bench::new(&OWN, Vec::new(), Few::new());
    assert_eq!(bench.answer(Code::GET, |w| _ = w.path(".well-known/core")).text(), "");
}

/// What is listed below a wildcard: what is in front of the first one, and then the tail.
#[test]
fn what_is_in_front_of_a_wildcard() {
    fn links(template: &'static str, tail: &str) -> String {
        let routes = [Route::new(template).get(nothing).listing(list)];
        let mut bench = Bench::new(&routes, vec![(tail.into(), None)], Few::new());
        bench.answer(Code::GET, |w| _ = w.path(".well-known/core")).text().to_string()
    }
    for (template, tail, link) in [
        ("files/**", "a/b", "</files/a/b>"),
        ("/files/**", "/a/b/", "</files/a/b/>"),
        ("files/**", "", "</files>"),
        ("files/**", "/", "</files>"),
        ("files/**", "*", "</files/*>"),
        ("/**", "a//b", "</a//b>"),
        ("*", "", "</>"),
        ("**", "a%b", "</a%25b>"),
        ("//*", "a", "<//a>"),
        ("a//*", "", "</a/>"),
        ("rooms/*/lamps/*", "hall", "</rooms/hall>"),
        ("star*/*", "x", "</star*/x>"),
        ("*star/***/*", "x", "</*star/***/x>"),
    ] {
        assert_eq!(links(template, tail), link, "{template}, {tail}");
    }
}
