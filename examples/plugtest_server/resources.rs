//! The resources of the ETSI CoAP plugtests: what each test case asks for. Nothing here knows of sockets; the loop tells
//! the time, and does what a handler cannot: it answers what was put off, and takes observers off the list.

use coaplet::endpoint::TransferId;
use coaplet::server::{Answer, Error, Later, Reply, Request, Route};
use coaplet::{Code, ContentFormat, Instant};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::time::Duration;

/// How long `/separate` takes: longer than an acknowledgement can wait.
const SEPARATE: Duration = Duration::from_millis(1000);
/// How often what can be observed changes; what does not fit into a message, less often, so that its blocks can be
/// fetched in between.
const SECOND: Duration = Duration::from_secs(1);
const LARGE: u32 = 5;
/// The longest body that is taken.
const MAX_BODY: u32 = 1 << 20;

const TEXT: &[ContentFormat] = &[ContentFormat::TEXT_PLAIN];
const XML: ContentFormat = ContentFormat::new(41);
const TEXT_OR_XML: &[ContentFormat] = &[ContentFormat::TEXT_PLAIN, XML];
const LINKS: &[ContentFormat] = &[ContentFormat::LINK_FORMAT];

/// What there is.
pub struct Plugtest {
    now: Instant,
    next: Instant,
    ticks: u32,
    test: (Option<ContentFormat>, Vec<u8>),
    /// How often it was replaced: its ETag.
    validate: (u32, Vec<u8>),
    create: Option<Vec<u8>>,
    update: (u32, Vec<u8>),
    created: BTreeMap<u32, Vec<u8>>,
    posted: Vec<u8>,
    observed: [(ContentFormat, Vec<u8>); 2],
    /// What has come so far of bodies that are on their way.
    coming: HashMap<Option<TransferId>, Vec<u8>>,
    waiting: Vec<(Instant, Later)>,
    ending: Vec<(&'static str, Code)>,
    pub shutdown: bool,
}

type Result = std::result::Result<Answer, Error>;

/// What the loop is to do now.
pub enum Task {
    /// Say that this has changed.
    Notify(&'static str),
    /// End its observations.
    End(&'static str, Code),
    /// Answer this.
    Complete(Later),
}

impl Plugtest {
    pub fn new(now: Instant) -> Plugtest {
        let observed = || (ContentFormat::TEXT_PLAIN, b"0".to_vec());
        Plugtest {
            now,
            next: now + SECOND,
            ticks: 0,
            test: (Some(ContentFormat::TEXT_PLAIN), b"a test".to_vec()),
            validate: (1, b"valid".to_vec()),
            create: None,
            update: (1, large("update", 1500)),
            created: BTreeMap::new(),
            posted: Vec::new(),
            observed: [observed(), observed()],
            coming: HashMap::new(),
            waiting: Vec::new(),
            ending: Vec::new(),
            shutdown: false,
        }
    }

    /// The next thing to be done, if one is due; else until when there is none.
    pub fn task(&mut self, now: Instant) -> std::result::Result<Task, Instant> {
        self.now = now;
        if let Some((path, code)) = self.ending.pop() {
            return Ok(Task::End(path, code));
        }
        let due = self.waiting.iter().position(|&(at, _)| at <= now);
        if let Some(due) = due {
            return Ok(Task::Complete(self.waiting.swap_remove(due).1));
        }
        let separate = self.waiting.iter().map(|&(at, _)| at).min();
        if now < self.next {
            return Err(separate.map_or(self.next, |at| at.min(self.next)));
        }
        // One resource after the other, and then the next second.
        const ALL: [&str; 4] = ["obs", "obs-non", "obs-large", "obs-pumping"];
        let which = (self.ticks % 4) as usize;
        self.ticks += 1;
        let second = self.ticks / 4;
        if let Some(observed) = self.observed.get_mut(which) {
            *observed = (ContentFormat::TEXT_PLAIN, second.to_string().into_bytes());
        }
        if which == 3 {
            self.next = self.next + SECOND;
        }
        if which >= 2 && second % LARGE != 0 { self.task(now) } else { Ok(Task::Notify(ALL[which])) }
    }

    /// A body ends without its last piece.
    pub fn broken(&mut self, transfer: TransferId) {
        self.coming.remove(&Some(transfer));
    }

    /// Seconds, in steps.
    fn large_state(&self) -> u32 {
        self.ticks / 4 / LARGE
    }

    /// Keeps a piece; gives the whole body with the last one.
    fn collect<P: Copy>(&mut self, request: &Request<'_, P>) -> Option<Vec<u8>> {
        let body = self.coming.entry(request.transfer()).or_default();
        body.truncate(request.offset() as usize);
        body.extend_from_slice(request.payload());
        if request.is_last() { self.coming.remove(&request.transfer()) } else { None }
    }
}

/// A text of so many bytes.
fn large(what: &str, length: usize) -> Vec<u8> {
    let mut text = String::new();
    for line in 0.. {
        if text.len() >= length {
            break;
        }
        let _ = writeln!(text, "{line:4} This is a line of the text /{what}, which goes in blocks.");
    }
    text.truncate(length);
    text.into_bytes()
}

// /test

fn test<P: Copy>(all: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    let (format, payload) = &all.test;
    Ok(match format {
        Some(format) => reply.content_format(*format).payload(payload),
        None => reply.payload(payload),
    })
}

fn put_test<P: Copy>(all: &mut Plugtest, request: &Request<'_, P>, reply: Reply) -> Result {
    all.test = (request.content_format(), request.payload().to_vec());
    Ok(reply.done())
}

fn post_test<P: Copy>(_: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    Ok(reply.created("location1/location2/location3").done())
}

fn delete_test<P: Copy>(all: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    all.test = Plugtest::new(all.now).test;
    Ok(reply.done())
}

// /validate, /create1

fn validate<P: Copy>(all: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    let (version, payload) = &all.validate;
    Ok(reply.etag(&version.to_be_bytes()).content_format(ContentFormat::TEXT_PLAIN).payload(payload))
}

fn put_validate<P: Copy>(all: &mut Plugtest, request: &Request<'_, P>, reply: Reply) -> Result {
    all.validate = (all.validate.0 + 1, request.payload().to_vec());
    Ok(reply.done())
}

fn create<P: Copy>(all: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    Ok(reply.payload(all.create.as_ref().ok_or(Error::from(Code::NOT_FOUND))?))
}

fn put_create<P: Copy>(all: &mut Plugtest, request: &Request<'_, P>, reply: Reply) -> Result {
    let old = all.create.replace(request.payload().to_vec());
    Ok(if old.is_some() { reply.done() } else { reply.created("").done() })
}

fn delete_create<P: Copy>(all: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    all.create = None;
    Ok(reply.done())
}

// What says what it was asked.

fn segments<P: Copy>(_: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    Ok(reply.text("three segments"))
}

fn query<P: Copy>(_: &mut Plugtest, request: &Request<'_, P>, reply: Reply) -> Result {
    let mut reply = reply.content_format(ContentFormat::TEXT_PLAIN);
    for argument in request.queries().flatten() {
        writeln!(reply, "{argument}")?;
    }
    Ok(reply.done())
}

fn separate<P: Copy>(all: &mut Plugtest, request: &Request<'_, P>, _: Reply) -> Result {
    all.waiting.push((all.now + SEPARATE, request.later()));
    Ok(Answer::Later(request.id()))
}

/// What `/separate` answers in the end.
pub fn separated(reply: Reply) -> Result {
    Ok(reply.text("answered separately"))
}

fn multi_format<P: Copy>(_: &mut Plugtest, request: &Request<'_, P>, reply: Reply) -> Result {
    Ok(match request.accept() {
        Some(XML) => reply.content_format(XML).payload(b"<msg><text>one of two formats</text></msg>"),
        _ => reply.text("one of two formats"),
    })
}

fn link<P: Copy>(_: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    Ok(reply.text("to be found"))
}

fn path<P: Copy>(_: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    let links = b"</path/sub1>;ct=0,</path/sub2>;ct=0,</path/sub3>;ct=0";
    Ok(reply.content_format(ContentFormat::LINK_FORMAT).payload(links))
}

fn location_query<P: Copy>(_: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    Ok(reply.created("").location_query("first=1").location_query("second=2").done())
}

// Bodies in blocks.

fn get_large<P: Copy>(_: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    Ok(reply.etag(b"large").content_format(ContentFormat::TEXT_PLAIN).payload(&large("large", 2500)))
}

fn update<P: Copy>(all: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    let (version, body) = &all.update;
    Ok(reply.etag(&version.to_be_bytes()).content_format(ContentFormat::TEXT_PLAIN).payload(body))
}

fn put_update<P: Copy>(all: &mut Plugtest, request: &Request<'_, P>, reply: Reply) -> Result {
    if let Some(body) = all.collect(request) {
        all.update = (all.update.0 + 1, body);
    }
    Ok(reply.done())
}

fn post_create<P: Copy>(all: &mut Plugtest, request: &Request<'_, P>, reply: Reply) -> Result {
    let Some(body) = all.collect(request) else { return Ok(reply.done()) };
    // The last ten are kept.
    let number = all.created.last_key_value().map_or(1, |(number, _)| number + 1);
    all.created.insert(number, body);
    if all.created.len() > 10 {
        all.created.pop_first();
    }
    Ok(reply.created(&format!("large-create/{number}")).done())
}

fn created<P: Copy>(all: &mut Plugtest, request: &Request<'_, P>, reply: Reply) -> Result {
    let number = request.segment().and_then(|segment| segment.parse().ok());
    let body = number.and_then(|number: u32| all.created.get(&number)).ok_or(Error::from(Code::NOT_FOUND))?;
    Ok(reply.content_format(ContentFormat::TEXT_PLAIN).payload(body))
}

fn post_large<P: Copy>(all: &mut Plugtest, request: &Request<'_, P>, reply: Reply) -> Result {
    match all.collect(request) {
        Some(body) => {
            all.posted = body.to_ascii_uppercase();
            posted(all, request, reply)
        }
        None => Ok(reply.done()),
    }
}

fn posted<P: Copy>(all: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    Ok(reply.content_format(ContentFormat::TEXT_PLAIN).payload(&all.posted))
}

// What can be observed.

fn observed<P: Copy, const WHICH: usize>(all: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    let (format, payload) = &all.observed[WHICH];
    Ok(reply.content_format(*format).payload(payload))
}

fn put_observed<P: Copy, const WHICH: usize>(all: &mut Plugtest, request: &Request<'_, P>, reply: Reply) -> Result {
    let format = request.content_format().unwrap_or(ContentFormat::TEXT_PLAIN);
    all.observed[WHICH] = (format, request.payload().to_vec());
    Ok(reply.done())
}

fn delete_observed<P: Copy, const WHICH: usize>(all: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    all.ending.push((["obs", "obs-non"][WHICH], Code::NOT_FOUND));
    Ok(reply.done())
}

fn obs_reset<P: Copy>(all: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    all.ending.push(("obs", Code::SERVICE_UNAVAILABLE));
    Ok(reply.done())
}

fn obs_large<P: Copy>(all: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    let state = all.large_state();
    let mut body = format!("state {state}\n").into_bytes();
    body.extend_from_slice(&large("obs-large", 2000));
    Ok(reply.etag(&state.to_be_bytes()).content_format(ContentFormat::TEXT_PLAIN).payload(&body))
}

/// Longer and shorter: one block, and up to four.
fn obs_pumping<P: Copy>(all: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    let state = all.large_state();
    let length = [500, 1500, 2500, 3500, 2500, 1500][(state % 6) as usize];
    let mut body = format!("state {state}\n").into_bytes();
    body.extend_from_slice(&large("obs-pumping", length));
    Ok(reply.etag(&state.to_be_bytes()).content_format(ContentFormat::TEXT_PLAIN).payload(&body))
}

fn time<P: Copy>(_: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    Ok(reply.max_age(1).text(&seconds.to_string()))
}

fn shutdown<P: Copy>(all: &mut Plugtest, _: &Request<'_, P>, reply: Reply) -> Result {
    all.shutdown = true;
    Ok(reply.done())
}

/// The table. `/shutdown` is the last.
pub const fn routes<P: Copy>() -> [Route<Plugtest, P>; 24] {
    [
        Route::new("test").get(test).put(put_test).post(post_test).delete(delete_test).rt("test").title("Default test"),
        Route::new("validate").get(validate).put(put_validate).title("Has an ETag").formats(TEXT),
        Route::new("create1").get(create).put(put_create).delete(delete_create).title("Is created by PUT"),
        Route::new("seg1/seg2/seg3").get(segments).title("Three segments").formats(TEXT),
        Route::new("query").get(query).title("Says what is asked").formats(TEXT),
        Route::new("separate").get(separate).title("Answers a second later").formats(TEXT),
        Route::new("multi-format").get(multi_format).title("In two formats").formats(TEXT_OR_XML),
        Route::new("link1").get(link).rt("Type1 Type2").interface("If1").size(11).formats(TEXT),
        Route::new("link2").get(link).rt("Type2 Type3").interface("If2").formats(TEXT),
        Route::new("link3").get(link).rt("Type1 Type3").interface("foo").formats(TEXT),
        Route::new("path").get(path).title("Others below it").formats(LINKS),
        Route::new("path/*").get(sub),
        Route::new("location-query").post(location_query).title("POST gives Location-Query"),
        Route::new("large").get(get_large).title("2500 bytes").rt("block").size(2500).formats(TEXT),
        Route::new("large-update")
            .get(update)
            .put(put_update)
            .uploads(MAX_BODY)
            .rt("block")
            .title("Takes PUT")
            .formats(TEXT),
        Route::new("large-create").post(post_create).uploads(MAX_BODY).rt("block").title("Takes POST"),
        Route::new("large-create/*").get(created),
        Route::new("large-post").post(post_large).rest(posted).uploads(MAX_BODY).rt("block").title("Body both ways"),
        Route::new("obs")
            .get(observed::<P, 0>)
            .put(put_observed::<P, 0>)
            .delete(delete_observed::<P, 0>)
            .observable()
            .rt("observe")
            .title("Changes every second")
            .max_age(5),
        Route::new("obs-non")
            .get(observed::<P, 1>)
            .put(put_observed::<P, 1>)
            .delete(delete_observed::<P, 1>)
            .observable_non()
            .rt("observe")
            .title("The same, Non-confirmable")
            .max_age(5),
        Route::new("obs-large")
            .get(obs_large)
            .observable()
            .rt("observe")
            .title("2 kB, changes now and then")
            .formats(TEXT),
        Route::new("obs-pumping").get(obs_pumping).observable().rt("observe").title("Of a changing size").formats(TEXT),
        Route::new("obs-reset").post(obs_reset).title("POST ends the observations of /obs"),
        Route::new("time").get(time).title("UNIX time in seconds").formats(TEXT).max_age(1),
    ]
}

fn sub<P: Copy>(_: &mut Plugtest, request: &Request<'_, P>, reply: Reply) -> Result {
    match request.segment() {
        Some(segment @ ("sub1" | "sub2" | "sub3")) => Ok(reply.text(segment)),
        _ => Err(Error::from(Code::NOT_FOUND)),
    }
}

/// What ends the server, for who allows it.
pub const fn shutdown_route<P: Copy>() -> Route<Plugtest, P> {
    Route::new("shutdown").post(shutdown).title("POST ends the server")
}
