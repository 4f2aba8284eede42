//! The cases of the ETSI CoAP plugtests, as `tests/plugtest.tsv` lists them.

use crate::client::{Client, Exchange, Heard, How, Outcome, Why};
use crate::{check, fail};
use coaplet::link::{Filter, Link, Links};
use coaplet::wire::Block;
use coaplet::{Code, ContentFormat, Header, Type, Writer};
use std::time::Duration;

pub struct Case {
    pub id: &'static str,
    /// What it is about: two of one resource do not run at the same time.
    pub resource: &'static str,
    pub run: fn(&mut Client<'_>) -> Outcome,
    /// It takes minutes.
    pub slow: bool,
    /// It is to be run over a path that loses datagrams, too.
    pub lossy: bool,
}

const fn case(id: &'static str, resource: &'static str, run: fn(&mut Client<'_>) -> Outcome) -> Case {
    Case { id, resource, run, slow: false, lossy: false }
}

pub const CASES: &[Case] = &[
    case("CORE_01", "/test", |c| plain(c, Type::Confirmable, Code::GET)),
    case("CORE_02", "/test", |c| plain(c, Type::Confirmable, Code::DELETE)),
    case("CORE_03", "/test", |c| plain(c, Type::Confirmable, Code::PUT)),
    case("CORE_04", "/test", |c| plain(c, Type::Confirmable, Code::POST)),
    case("CORE_05", "/test", |c| plain(c, Type::NonConfirmable, Code::GET)),
    case("CORE_06", "/test", |c| plain(c, Type::NonConfirmable, Code::DELETE)),
    case("CORE_07", "/test", |c| plain(c, Type::NonConfirmable, Code::PUT)),
    case("CORE_08", "/test", |c| plain(c, Type::NonConfirmable, Code::POST)),
    case("CORE_09", "/separate", |c| separate(c, Type::Confirmable, &[])),
    case("CORE_10", "/test", tokens),
    case("CORE_11", "/separate", |c| separate(c, Type::Confirmable, b"token")),
    case("CORE_12", "/test", |c| with_token(c, &[])),
    case("CORE_13", "/seg1/seg2/seg3", three_segments),
    case("CORE_14", "/query", query),
    Case { lossy: true, ..case("CORE_15", "/test", over_a_bad_path) },
    Case { lossy: true, ..case("CORE_16", "/separate", |c| separate_over_a_bad_path(c, Type::Confirmable)) },
    Case { lossy: true, ..case("CORE_17", "/separate", |c| separate_over_a_bad_path(c, Type::NonConfirmable)) },
    case("CORE_18", "/test", location_path),
    case("CORE_19", "/location-query", location_query),
    case("CORE_20", "/multi-format", formats),
    case("CORE_21", "/validate", validation),
    case("CORE_22", "/validate", if_match),
    case("CORE_23", "/create1", if_none_match),
    case("CORE_31", "-", ping),
    case("LINK_01", "/.well-known/core", |c| links(c, None, |_| true).map(drop)),
    case("LINK_02", "/.well-known/core", type_of_link1),
    case("LINK_03", "/.well-known/core", |c| some_links(c, "rt=*", |link| link.has("rt"))),
    case("LINK_04", "/.well-known/core", second_type_of_link2),
    case("LINK_05", "/.well-known/core", |c| {
        some_links(c, "if=If*", |link| link.get("if").is_some_and(|value| value.to_string().starts_with("If")))
    }),
    case("LINK_06", "/.well-known/core", |c| some_links(c, "sz=*", |link| link.has("sz"))),
    case("LINK_07", "/.well-known/core", |c| targets(c, "href=/link1", &["/link1"])),
    case("LINK_08", "/.well-known/core", |c| targets(c, "href=/link*", &["/link1", "/link2", "/link3"])),
    case("LINK_09", "/path", links_of_links),
    case("BLOCK_01", "/large", |c| blocks(c, Some(64))),
    case("BLOCK_02", "/large", |c| blocks(c, None)),
    case("BLOCK_03", "/large-update", put_in_blocks),
    case("BLOCK_04", "/large-create", post_in_blocks),
    case("BLOCK_05", "/large-post", both_ways_in_blocks),
    case("BLOCK_06", "/large", |c| blocks(c, Some(16))),
    case("OBS_01", "/obs", |c| observe(c, "obs", Type::Confirmable)),
    case("OBS_02", "/obs-non", |c| observe(c, "obs-non", Type::NonConfirmable)),
    Case { slow: true, ..case("OBS_04", "/obs", registers_again) },
    Case { slow: true, ..case("OBS_05", "/obs", stops_answering) },
    case("OBS_06", "/obs", rejects),
    case("OBS_07", "/obs", deleted),
    case("OBS_08", "/obs", another_format),
    case("OBS_09", "/obs", changed_by_another),
    case("OBS_10", "/obs", asks_meanwhile),
    Case { lossy: true, ..case("OBS_11", "/obs", over_a_bad_path_observed) },
    case("OBS_12", "/obs", deregisters),
    case("OBS_13", "/obs-large", |c| observe_large(c, "obs-large", 1)),
    case("OBS_14", "/obs-pumping", |c| observe_large(c, "obs-pumping", 3)),
];

const SECOND: Duration = Duration::from_secs(1);
const TEXT: ContentFormat = ContentFormat::TEXT_PLAIN;

/// What a method is answered with when all is well.
const fn codes(method: Code) -> &'static [Code] {
    match method {
        Code::GET => &[Code::CONTENT],
        Code::DELETE => &[Code::DELETED],
        _ => &[Code::CHANGED, Code::CREATED],
    }
}

fn at(path: &'static str) -> impl Fn(&mut Writer<'_>) {
    move |w| _ = w.path(path)
}

fn plain(c: &mut Client<'_>, message_type: Type, method: Code) -> Outcome {
    let token = c.token();
    let Exchange { sent, response, .. } = c.exchange(How { client: 0, message_type, token: &token }, method, &|w| {
        w.path("test");
        if method == Code::PUT || method == Code::POST {
            w.content_format(TEXT).payload(b"a test");
        }
    })?;
    let response = response.expect(codes(method))?;
    let message = response.message();
    if message_type == Type::Confirmable {
        check!(message.message_type() == Type::Acknowledgement, "not on the acknowledgement: {message}");
        check!(sent[2..4] == message.message_id().to_be_bytes(), "another Message ID: {message}");
    } else {
        check!(message.message_type() == Type::NonConfirmable, "not a NON: {message}");
    }
    if method == Code::GET {
        check!(
            message.content_format().is_some() && !message.payload().is_empty(),
            "without format or payload: {message}"
        );
    }
    Ok(())
}

fn separate(c: &mut Client<'_>, message_type: Type, token: &[u8]) -> Outcome {
    let how = How { client: 0, message_type, token };
    let Exchange { acknowledged, response, times, .. } = c.exchange(how, Code::GET, &at("separate"))?;
    let response = response.expect(&[Code::CONTENT])?;
    let message = response.message();
    check!(times == 1, "the request had to be sent {times} times");
    if message_type == Type::Confirmable {
        check!(acknowledged, "not acknowledged before the response");
        check!(message.message_type() == Type::Confirmable, "the separate response is no CON: {message}");
    }
    // It was acknowledged: it does not come again.
    let again = c.receive(0, 5 * SECOND, |message| message.token() == token && message.code().is_response())?;
    check!(again.is_none(), "the response comes again after it was acknowledged");
    Ok(())
}

fn with_token(c: &mut Client<'_>, token: &[u8]) -> Outcome {
    let how = How { client: 0, message_type: Type::Confirmable, token };
    // That the token is the same is looked at for each response.
    c.exchange(how, Code::GET, &at("test"))?.response.expect(&[Code::CONTENT])?;
    Ok(())
}

fn tokens(c: &mut Client<'_>) -> Outcome {
    (1..=8).try_for_each(|length| with_token(c, &[0xa1, 0, 0xff, 1, 2, 3, 4, 5][..length]))
}

fn three_segments(c: &mut Client<'_>) -> Outcome {
    let how = How { client: 0, message_type: Type::Confirmable, token: b"3" };
    let sent = c.write(how, Code::GET, &at("seg1/seg2/seg3"))?;
    check!(sent.ends_with(b"\xb4seg1\x04seg2\x04seg3"), "not three options");
    c.ask(Code::GET, &[Code::CONTENT], &at("seg1/seg2/seg3"))?;
    Ok(())
}

fn query(c: &mut Client<'_>) -> Outcome {
    let heard = c.ask(Code::GET, &[Code::CONTENT], &|w| _ = w.path("query").query("first=1").query("second=2"))?;
    check!(heard.message().content_format().is_some(), "without a format: {}", heard.message());
    Ok(())
}

fn over_a_bad_path(c: &mut Client<'_>) -> Outcome {
    for _ in 0..10 {
        let token = c.token();
        let how = How { client: 0, message_type: Type::Confirmable, token: &token };
        // Each is sent again with the same bytes, and answered once.
        let Exchange { response, .. } = c.exchange(how, Code::GET, &at("test"))?;
        response.expect(&[Code::CONTENT])?;
    }
    Ok(())
}

fn separate_over_a_bad_path(c: &mut Client<'_>, message_type: Type) -> Outcome {
    let (mut answered, tries) = (0, 10);
    for _ in 0..tries {
        let token = c.token();
        let how = How { client: 0, message_type, token: &token };
        match c.exchange(how, Code::GET, &at("separate")) {
            Ok(exchange) => {
                let response = exchange.response.expect(&[Code::CONTENT])?;
                answered += 1;
                check!(message_type == Type::Confirmable || !exchange.acknowledged, "an ACK of a NON");
                // What comes again because the acknowledgement was lost is acknowledged again.
                if response.message().message_type() == Type::Confirmable {
                    let id = response.message().message_id();
                    while c.receive(0, 3 * SECOND, |message| message.message_id() == id)?.is_some() {
                        c.empty(0, Type::Acknowledgement, id);
                    }
                }
            }
            // A NON is lost for good.
            Err(Why::Failed(_)) if message_type == Type::NonConfirmable => {}
            Err(why) => return Err(why),
        }
    }
    let least = if message_type == Type::Confirmable { tries } else { 1 };
    check!(answered >= least, "{answered} of {tries} were answered");
    Ok(())
}

fn location_path(c: &mut Client<'_>) -> Outcome {
    let heard = c.ask(Code::POST, &[Code::CREATED], &|w| _ = w.path("test").content_format(TEXT).payload(b"new"))?;
    let path: Vec<_> = heard.message().location_path().flatten().collect();
    check!(path == ["location1", "location2", "location3"], "Location-Path {path:?}");
    Ok(())
}

fn location_query(c: &mut Client<'_>) -> Outcome {
    let heard =
        c.ask(Code::POST, &[Code::CREATED], &|w| _ = w.path("location-query").content_format(TEXT).payload(b"new"))?;
    let query: Vec<_> = heard.message().location_query().flatten().collect();
    check!(query == ["first=1", "second=2"], "Location-Query {query:?}");
    Ok(())
}

fn formats(c: &mut Client<'_>) -> Outcome {
    for format in [TEXT, ContentFormat::new(41)] {
        let heard = c.ask(Code::GET, &[Code::CONTENT], &|w| _ = w.path("multi-format").accept(format))?;
        check!(heard.message().content_format() == Some(format), "not in {format}: {}", heard.message());
    }
    c.ask(Code::GET, &[Code::NOT_ACCEPTABLE], &|w| _ = w.path("multi-format").accept(ContentFormat::CBOR))?;
    Ok(())
}

fn etag(heard: &Heard) -> Outcome<Vec<u8>> {
    heard.message().etag().map(<[u8]>::to_vec).ok_or_else(|| Why::Failed(format!("no ETag in {}", heard.message())))
}

fn validation(c: &mut Client<'_>) -> Outcome {
    let first = etag(&c.ask(Code::GET, &[Code::CONTENT], &at("validate"))?)?;
    let with = |w: &mut Writer<'_>| _ = w.etag(&first).path("validate");
    let valid = c.ask(Code::GET, &[Code::VALID], &with)?;
    check!(etag(&valid)? == first && valid.payload().is_empty(), "{}", valid.message());
    c.ask(Code::PUT, &[Code::CHANGED], &|w| _ = w.path("validate").content_format(TEXT).payload(b"changed"))?;
    let second = etag(&c.ask(Code::GET, &[Code::CONTENT], &with)?)?;
    check!(second != first, "the same ETag after a change");
    Ok(())
}

fn if_match(c: &mut Client<'_>) -> Outcome {
    let first = etag(&c.ask(Code::GET, &[Code::CONTENT], &at("validate"))?)?;
    let put = |w: &mut Writer<'_>| _ = w.if_match(&first).path("validate").content_format(TEXT).payload(b"once");
    c.ask(Code::PUT, &[Code::CHANGED], &put)?;
    c.ask(Code::PUT, &[Code::PRECONDITION_FAILED], &put)?;
    Ok(())
}

fn if_none_match(c: &mut Client<'_>) -> Outcome {
    // As it was before an earlier run.
    c.ask(Code::DELETE, &[Code::DELETED, Code::NOT_FOUND, Code::METHOD_NOT_ALLOWED], &at("create1"))?;
    let put = |w: &mut Writer<'_>| _ = w.if_none_match().path("create1").content_format(TEXT).payload(b"created");
    c.ask(Code::PUT, &[Code::CREATED], &put)?;
    c.ask(Code::PUT, &[Code::PRECONDITION_FAILED], &put)?;
    c.ask(Code::DELETE, &[Code::DELETED], &at("create1"))?;
    Ok(())
}

fn ping(c: &mut Client<'_>) -> Outcome {
    c.empty(0, Type::Confirmable, 0x7e57);
    let Some(heard) = c.receive(0, 3 * SECOND, |message| message.message_id() == 0x7e57)? else { fail!("no answer") };
    check!(heard.message().header() == Header::reset(0x7e57), "{}", heard.message());
    Ok(())
}

/// The list, or what a filter leaves of it; each link is to be as this says.
fn links(c: &mut Client<'_>, filter: Option<&str>, is_right: impl Fn(&Link<'_>) -> bool) -> Outcome<String> {
    let (mut body, mut block) = (Vec::new(), None);
    loop {
        let heard = c.ask(Code::GET, &[Code::CONTENT], &|w| {
            w.path(".well-known/core");
            if let Some(filter) = filter {
                w.query(filter);
            }
            if let Some(block) = block {
                w.block2(block);
            }
        })?;
        let format = heard.message().content_format();
        // No links have no format: so libcoap.
        let empty = heard.payload().is_empty() && format.is_none();
        check!(empty || format == Some(ContentFormat::LINK_FORMAT), "not links: {}", heard.message());
        block = c.next_block(&heard, &mut body)?;
        if block.is_none() {
            break;
        }
    }
    let links = Links::parse(&body).map_err(|error| Why::Failed(format!("not links: {error}")))?;
    if let Some(wrong) = links.iter().find(|link| !is_right(link)) {
        fail!("{wrong} is not asked for by {filter:?}");
    }
    Ok(links.as_str().to_string())
}

/// What a filter leaves is what it is to leave: nothing else, and all of that.
fn some_links(c: &mut Client<'_>, filter: &str, is_right: fn(&Link<'_>) -> bool) -> Outcome {
    let all = links(c, None, |_| true)?;
    let some = links(c, Some(filter), is_right)?;
    let count = |text: &str| Links::parse(text.as_bytes()).map_or(0, |links| links.iter().filter(is_right).count());
    check!(count(&all) == count(&some), "{} of {} links", count(&some), count(&all));
    if count(&some) == 0 { Err(Why::NotOffered) } else { Ok(()) }
}

/// The types of a link that is there.
fn types(c: &mut Client<'_>, target: &str) -> Outcome<Vec<String>> {
    let all = links(c, None, |_| true)?;
    let links = Links::parse(all.as_bytes()).map_err(|error| Why::Failed(error.to_string()))?;
    let link = links.iter().find(|link| link.target() == target).ok_or(Why::NotOffered)?;
    let types = link.get("rt").ok_or(Why::NotOffered)?.to_string();
    Ok(types.split(' ').map(str::to_string).collect())
}

fn of_type(c: &mut Client<'_>, target: &str, which: usize) -> Outcome {
    let types = types(c, target)?;
    let Some(wanted) = types.get(which) else { return Err(Why::NotOffered) };
    let argument = format!("rt={wanted}");
    let filter = Filter::new(&argument);
    let some = links(c, Some(&argument), |link| filter.matches(link))?;
    check!(some.contains(&format!("<{target}>")), "{target} is not among {some}");
    Ok(())
}

fn type_of_link1(c: &mut Client<'_>) -> Outcome {
    of_type(c, "/link1", 0)
}

fn second_type_of_link2(c: &mut Client<'_>) -> Outcome {
    of_type(c, "/link2", 1)
}

fn targets(c: &mut Client<'_>, filter: &str, expected: &[&str]) -> Outcome {
    types(c, expected[0])?;
    let some = links(c, Some(filter), |_| true)?;
    let links = Links::parse(some.as_bytes()).map_err(|error| Why::Failed(error.to_string()))?;
    let mut targets: Vec<&str> = links.iter().map(|link| link.target()).collect();
    targets.sort_unstable();
    check!(targets == expected, "{targets:?}");
    Ok(())
}

fn links_of_links(c: &mut Client<'_>) -> Outcome {
    links(c, None, |_| true)?;
    let heard = c.ask(Code::GET, &[Code::CONTENT], &at("path"))?;
    check!(heard.message().content_format() == Some(ContentFormat::LINK_FORMAT), "not links: {}", heard.message());
    let text = heard.text();
    let links = Links::parse(text.as_bytes()).map_err(|error| Why::Failed(error.to_string()))?;
    check!(links.iter().count() >= 3, "{text}");
    for link in links.iter() {
        c.ask(Code::GET, &[Code::CONTENT], &|w| _ = w.path(link.target()))?;
    }
    Ok(())
}

fn blocks(c: &mut Client<'_>, size: Option<u16>) -> Outcome {
    let (body, all) = c.download("large", size)?;
    check!(all.len() > 1 && body.len() > 1024, "{} bytes in {} messages", body.len(), all.len());
    let etag = etag(&all[0])?;
    let first = all[0].message().block2().and_then(Block::size);
    check!(size.is_none_or(|size| first.is_some_and(|first| first <= size)), "blocks of {first:?}");
    for heard in &all {
        check!(heard.message().etag() == Some(&etag[..]), "another ETag in {}", heard.message());
        check!(heard.message().block2().and_then(Block::size) == first, "another size in {}", heard.message());
    }
    Ok(())
}

/// A body of more than one block.
fn body(what: &str) -> Vec<u8> {
    (0..30).flat_map(|line| format!("{what}, line {line}\n").into_bytes()).collect()
}

fn put_in_blocks(c: &mut Client<'_>) -> Outcome {
    c.ask(Code::GET, &[Code::CONTENT], &at("large-update"))?;
    let body = body("put");
    c.upload(Code::PUT, "large-update", &body, codes(Code::PUT))?;
    check!(c.download("large-update", None)?.0 == body, "another body than was put");
    Ok(())
}

fn post_in_blocks(c: &mut Client<'_>) -> Outcome {
    let body = body("post");
    let heard = c.upload(Code::POST, "large-create", &body, &[Code::CREATED])?;
    let path: Vec<_> = heard.message().location_path().flatten().collect();
    check!(!path.is_empty(), "no Location-Path in {}", heard.message());
    check!(c.download(&path.join("/"), None)?.0 == body, "another body than was posted");
    Ok(())
}

fn both_ways_in_blocks(c: &mut Client<'_>) -> Outcome {
    // Its answer is as long, or longer.
    let body = body("both ways").repeat(5);
    let first = c.upload(Code::POST, "large-post", &body, &[Code::CHANGED])?;
    let (mut answer, mut heard) = (Vec::new(), first);
    check!(heard.message().block2().is_some_and(Block::more), "the answer is not in blocks: {}", heard.message());
    while let Some(block) = c.next_block(&heard, &mut answer)? {
        heard = c.ask(Code::POST, &[Code::CHANGED], &|w| _ = w.path("large-post").block2(block))?;
    }
    check!(answer.len() >= body.len(), "{} bytes for {}", answer.len(), body.len());
    Ok(())
}

// Observe.

/// An observation, and the number of the last notification.
struct Observation {
    token: [u8; 4],
    number: u32,
}

fn register(c: &mut Client<'_>, path: &str) -> Outcome<(Observation, Heard)> {
    let token = c.token();
    let how = How { client: 0, message_type: Type::Confirmable, token: &token };
    let response = c.exchange(how, Code::GET, &|w| _ = w.observe(0).path(path))?.response.expect(&[Code::CONTENT])?;
    match response.message().observe() {
        Some(number) => Ok((Observation { token, number }, response)),
        None => fail!("not accepted: {}", response.message()),
    }
}

impl Observation {
    /// The next notification, acknowledged; a success has a higher number than the one before.
    fn next(&mut self, c: &mut Client<'_>, within: Duration) -> Outcome<Option<Heard>> {
        let token = self.token;
        let Some(heard) = c.receive(0, within, |message| message.token() == token && message.code().is_response())?
        else {
            return Ok(None);
        };
        let message = heard.message();
        if message.message_type() == Type::Confirmable {
            c.empty(0, Type::Acknowledgement, message.message_id());
        }
        if message.code().is_success() {
            let Some(number) = message.observe() else { fail!("a notification without Observe: {message}") };
            let ahead = number.wrapping_sub(self.number) & 0x00ff_ffff;
            check!(ahead != 0 && ahead < 1 << 23, "Observe {number} after {}", self.number);
            self.number = number;
        }
        Ok(Some(heard))
    }

    fn expect(&mut self, c: &mut Client<'_>, within: Duration) -> Outcome<Heard> {
        match self.next(c, within)? {
            Some(heard) => Ok(heard),
            None => fail!("no notification within {} s", within.as_secs()),
        }
    }

    /// No notification comes for some time.
    fn is_over(&mut self, c: &mut Client<'_>) -> Outcome {
        match self.next(c, 8 * SECOND)? {
            Some(heard) => fail!("still observed: {}", heard.message()),
            None => Ok(()),
        }
    }

    fn end(self, c: &mut Client<'_>, path: &str) -> Outcome<Heard> {
        let how = How { client: 0, message_type: Type::Confirmable, token: &self.token };
        let token = self.token;
        let response = c.exchange(how, Code::GET, &|w| _ = w.observe(1).path(path))?.response;
        // A notification may have been on its way.
        if response.message().observe().is_some() {
            let plain = c.receive(0, 3 * SECOND, |message| message.token() == token && message.observe().is_none())?;
            return plain.ok_or_else(|| Why::Failed("still with Observe".into()));
        }
        response.expect(&[Code::CONTENT])
    }
}

fn observe(c: &mut Client<'_>, path: &str, message_type: Type) -> Outcome {
    let (mut observation, first) = register(c, path)?;
    check!(!first.payload().is_empty(), "without a payload: {}", first.message());
    let mut ids = Vec::new();
    for _ in 0..3 {
        let heard = observation.expect(c, 10 * SECOND)?;
        let message = heard.message();
        check!(message.code() == Code::CONTENT, "{message}");
        check!(message.message_type() == message_type, "of another type: {message}");
        check!(!ids.contains(&message.message_id()), "a Message ID twice: {message}");
        ids.push(message.message_id());
    }
    observation.end(c, path).map(drop)
}

/// What a client of the library does: it is told for how long the answer is fresh, and comes again after that. Here the
/// server says it, and lets itself be registered with once more by the same token.
fn registers_again(c: &mut Client<'_>) -> Outcome {
    let (mut observation, first) = register(c, "obs")?;
    let fresh = first.message().max_age();
    check!(fresh < 120, "Max-Age {fresh} is too long to wait for");
    observation.expect(c, 10 * SECOND)?;
    // Max-Age, and 5 to 15 s: as if nothing had come.
    let until = Duration::from_secs(u64::from(fresh) + 5);
    while observation.next(c, until)?.is_some_and(|_| false) {}
    let token = observation.token;
    let how = How { client: 0, message_type: Type::Confirmable, token: &token };
    let again = c.exchange(how, Code::GET, &|w| _ = w.observe(0).path("obs"))?.response.expect(&[Code::CONTENT])?;
    check!(again.message().observe().is_some(), "not accepted again: {}", again.message());
    observation.expect(c, 10 * SECOND)?;
    observation.end(c, "obs").map(drop)
}

fn stops_answering(c: &mut Client<'_>) -> Outcome {
    let (observation, _) = register(c, "obs")?;
    let token = observation.token;
    let mut times = 0;
    // MAX_TRANSMIT_WAIT, from the first that is not acknowledged.
    while c.receive(0, 60 * SECOND, |message| message.token() == token)?.is_some() {
        times += 1;
        check!(times <= 10, "it does not give up");
    }
    check!(times >= 5, "sent {times} times, and not again four times");
    // It has forgotten the observer.
    let quiet = c.receive(0, 10 * SECOND, |message| message.token() == token)?;
    check!(quiet.is_none(), "it goes on");
    Ok(())
}

fn rejects(c: &mut Client<'_>) -> Outcome {
    let (observation, _) = register(c, "obs")?;
    let token = observation.token;
    let heard = c.receive(0, 10 * SECOND, |message| message.token() == token)?;
    let Some(heard) = heard else { fail!("no notification") };
    c.empty(0, Type::Reset, heard.message().message_id());
    Observation { token, number: heard.message().observe().unwrap_or(0) }.is_over(c)
}

fn deleted(c: &mut Client<'_>) -> Outcome {
    let (mut observation, _) = register(c, "obs")?;
    c.ask_as(1, Code::DELETE, &[Code::DELETED], &at("obs"))?;
    ended(c, &mut observation, &[Code::NOT_FOUND])?;
    // It is there again.
    c.ask(Code::GET, &[Code::CONTENT], &at("obs"))?;
    Ok(())
}

/// An error comes, after what may have been on its way, and then nothing.
fn ended(c: &mut Client<'_>, observation: &mut Observation, codes: &[Code]) -> Outcome {
    for _ in 0..5 {
        let heard = observation.expect(c, 10 * SECOND)?;
        if !heard.code().is_success() {
            check!(codes.contains(&heard.code()), "it ends with {}", heard.message());
            return observation.is_over(c);
        }
    }
    fail!("it goes on")
}

fn another_format(c: &mut Client<'_>) -> Outcome {
    let (mut observation, _) = register(c, "obs")?;
    let put = |w: &mut Writer<'_>| _ = w.path("obs").content_format(ContentFormat::JSON).payload(b"{}");
    c.ask_as(1, Code::PUT, &[Code::CHANGED], &put)?;
    ended(c, &mut observation, &[Code::NOT_ACCEPTABLE, Code::INTERNAL_SERVER_ERROR])
}

fn changed_by_another(c: &mut Client<'_>) -> Outcome {
    let (mut observation, _) = register(c, "obs")?;
    let put = |w: &mut Writer<'_>| _ = w.path("obs").content_format(TEXT).payload(b"by another");
    c.ask_as(1, Code::PUT, &[Code::CHANGED], &put)?;
    for _ in 0..5 {
        if observation.expect(c, 10 * SECOND)?.payload() == b"by another" {
            return observation.end(c, "obs").map(drop);
        }
    }
    fail!("no notification with the new value")
}

fn asks_meanwhile(c: &mut Client<'_>) -> Outcome {
    let (mut observation, _) = register(c, "obs")?;
    let plain = c.ask(Code::GET, &[Code::CONTENT], &at("obs"))?;
    check!(plain.message().observe().is_none(), "a plain GET with Observe: {}", plain.message());
    observation.expect(c, 10 * SECOND)?;
    observation.expect(c, 10 * SECOND)?;
    observation.end(c, "obs").map(drop)
}

fn over_a_bad_path_observed(c: &mut Client<'_>) -> Outcome {
    let (observation, _) = register(c, "obs")?;
    let (token, mut latest, mut seen) = (observation.token, observation.number, 0);
    // Whatever is lost: what comes is ever fresher, or the same again.
    for _ in 0..60 {
        let heard = c.receive(0, SECOND, |message| message.token() == token && message.code().is_response())?;
        let Some(heard) = heard else { continue };
        if heard.message().message_type() == Type::Confirmable {
            c.empty(0, Type::Acknowledgement, heard.message().message_id());
        }
        let Some(number) = heard.message().observe() else { fail!("{}", heard.message()) };
        let ahead = number.wrapping_sub(latest) & 0x00ff_ffff;
        if ahead != 0 && ahead < 1 << 23 {
            (latest, seen) = (number, seen + 1);
        }
    }
    check!(seen >= 3, "{seen} notifications in a minute");
    // The latest value is that of a GET, or one second behind.
    observation.end(c, "obs").map(drop)
}

fn deregisters(c: &mut Client<'_>) -> Outcome {
    let (mut observation, _) = register(c, "obs")?;
    observation.expect(c, 10 * SECOND)?;
    let (token, number) = (observation.token, observation.number);
    let last = observation.end(c, "obs")?;
    check!(last.message().observe().is_none(), "still with Observe: {}", last.message());
    Observation { token, number }.is_over(c)
}

/// Notifications of what is larger than a block: the rest by GET, all of one and the same state.
fn observe_large(c: &mut Client<'_>, path: &'static str, times: usize) -> Outcome {
    let (mut observation, _) = register(c, path)?;
    for _ in 0..times {
        let heard = observation.expect(c, 30 * SECOND)?;
        let first = etag(&heard)?;
        let number = heard.message().observe();
        let (mut body, mut block) = (Vec::new(), c.next_block(&heard, &mut Vec::new())?);
        check!(times > 1 || block.is_some(), "not in blocks: {}", heard.message());
        c.next_block(&heard, &mut body)?;
        while let Some(asked) = block {
            check!(asked.num() == 0 || number.is_some(), "without Observe");
            let rest = c.ask(Code::GET, &[Code::CONTENT], &|w| _ = w.path(path).block2(asked))?;
            check!(rest.message().observe().is_none(), "a block with Observe: {}", rest.message());
            check!(etag(&rest)? == first, "two states in one body");
            block = c.next_block(&rest, &mut body)?;
        }
        check!(body.starts_with(b"state ") || !body.is_empty(), "an empty body");
    }
    observation.end(c, path).map(drop)
}
