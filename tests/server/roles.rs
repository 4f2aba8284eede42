//! What an image can leave out, one by one: the server then says what it says without it.

use crate::common::Few;
use coaplet::endpoint::Abilities;
use coaplet::endpoint::{Arrival, Output};
use coaplet::server::{Answer, Error, Listing, Reply, Request, Route, Server};
use coaplet::wire::Block;
use coaplet::{Code, Config, ContentFormat, Endpoint, Fixed, Header, Instant, Message, OptionNumber, Roles, Writer};

fn get(_: &mut u32, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    let reply = reply.etag(b"1").content_format(ContentFormat::TEXT_PLAIN);
    Ok(reply.payload(request.query("say").unwrap_or("text").as_bytes()))
}

fn put(puts: &mut u32, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    *puts += u32::from(request.is_last());
    Ok(reply.done())
}

const TEXT: &[ContentFormat] = &[ContentFormat::TEXT_PLAIN];

fn list(_: &mut u32, listing: &mut Listing<'_>) {
    listing.add("z", Some(4));
}

static ROUTES: [Route<u32, u8>; 2] = [
    Route::new("x").get(get).put(put).observable().uploads(1000).formats(TEXT).takes(TEXT).group(),
    Route::new("below/**").get(get).listing(list),
];

/// What a request is answered with by a server of these roles: its code, Observe and payload. `None`: nothing at once.
fn ask<R: Roles>(
    config: Config,
    method: Code,
    arrival: Arrival,
    options: &dyn Fn(&mut Writer<'_>),
) -> Option<(Code, Option<u32>, Vec<u8>)> {
    let mut server = Server::new(Endpoint::<_, R>::with_roles(config, [7; 16], Few::new()), &ROUTES);
    let mut bytes = [0; 500];
    let header = match arrival {
        Arrival::Unicast => Header::confirmable(method, 1),
        Arrival::Group => Header::non_confirmable(method, 1),
    };
    let mut w = Writer::new(&mut bytes, header, b"t");
    options(&mut w);
    let length = w.finish().unwrap();
    let (mut puts, mut tx, mut now) = (0, [0; 1152], Instant::ZERO);
    let mut reply = server.handle(&mut puts, now, 1, arrival, &bytes[..length], &mut tx).reply;
    while reply.is_none() {
        match server.poll(&mut puts, now, &mut tx) {
            Output::Send(sent) => reply = Some(sent),
            Output::Idle(Some(at)) if at <= Instant::from_millis(6000) => now = at,
            _ => return None,
        }
    }
    let message = Message::parse(&tx[..reply?.len]).unwrap();
    Some((message.code(), message.observe(), message.payload().to_vec()))
}

macro_rules! without {
    ($($role:ident $ability:ident;)*) => {$(
        enum $role {}

        impl Roles for $role {
            const HAS: Abilities = Abilities { $ability: false, ..Abilities::ALL };
        }
    )*};
}

without! {
    NoDiscovery discovery;
    NoListers listers;
    NoWildcards wildcards;
    NoObjects objects;
    NoConditions conditions;
    NoNegotiation negotiation;
    NoNames own_names;
    NoProblems problems;
    NoDiagnostics diagnostics;
    NoKeptOptions kept_options;
    NoObserve observe;
    NoTransfers transfers;
    NoMulticast multicast;
}

/// Neither of these two.
enum NoPatterns {}

impl Roles for NoPatterns {
    const HAS: Abilities = Abilities { listers: false, ..NoWildcards::HAS };
}

#[test]
fn each_can_be_left_out() {
    use coaplet::endpoint::Full;
    let serving = Config::DEFAULT.serving();
    let blocks = Config::DEFAULT.blockwise();
    fn code<R: Roles>(config: Config, method: Code, options: &dyn Fn(&mut Writer<'_>)) -> Code {
        ask::<R>(config, method, Arrival::Unicast, options).expect("an answer").0
    }

    let core = |w: &mut Writer<'_>| _ = w.path(".well-known/core");
    assert_eq!(code::<Full>(serving, Code::GET, &core), Code::CONTENT);
    assert_eq!(code::<NoDiscovery>(serving, Code::GET, &core), Code::NOT_FOUND);

    // What is below a wildcard, and all else.
    let listed = |answer: Option<(Code, Option<u32>, Vec<u8>)>| String::from_utf8(answer.unwrap().2).unwrap();
    let (all, without) = (
        listed(ask::<Full>(serving, Code::GET, Arrival::Unicast, &core)),
        listed(ask::<NoListers>(serving, Code::GET, Arrival::Unicast, &core)),
    );
    assert_eq!(all, format!("{without},</below/z>;sz=4"));
    assert!(without.starts_with("</x>;"));
    // What is no wildcard is listed as it is.
    let literal = listed(ask::<NoPatterns>(serving, Code::GET, Arrival::Unicast, &core));
    assert_eq!(literal, format!("{without},</below/**>"));
    let filtered = |w: &mut Writer<'_>| _ = w.path(".well-known/core").query("href=/below/*");
    assert_eq!(listed(ask::<NoPatterns>(serving, Code::GET, Arrival::Unicast, &filtered)), "</below/**>");

    // A wildcard, or a segment as any other.
    let below = |w: &mut Writer<'_>| _ = w.path("below/z");
    let literal = |w: &mut Writer<'_>| _ = w.path("below/**");
    let longer = |w: &mut Writer<'_>| _ = w.path("below/**/z");
    assert_eq!(code::<Full>(serving, Code::GET, &below), Code::CONTENT);
    assert_eq!(code::<NoWildcards>(serving, Code::GET, &below), Code::NOT_FOUND);
    assert_eq!(code::<NoWildcards>(serving, Code::GET, &literal), Code::CONTENT);
    assert_eq!(code::<NoWildcards>(serving, Code::GET, &longer), Code::NOT_FOUND);

    // That there can be no objects makes no difference to what there is.
    assert_eq!(code::<NoObjects>(serving, Code::GET, &below), Code::CONTENT);
    let absent = |w: &mut Writer<'_>| _ = w.path("absent");
    assert_eq!(code::<NoObjects>(serving, Code::GET, &absent), Code::NOT_FOUND);

    // What would not be looked at is refused.
    let none_match = |w: &mut Writer<'_>| _ = w.if_none_match().path("x");
    assert_eq!(code::<Full>(serving, Code::PUT, &none_match), Code::PRECONDITION_FAILED);
    assert_eq!(code::<NoConditions>(blocks, Code::PUT, &none_match), Code::BAD_OPTION);
    let valid = |w: &mut Writer<'_>| _ = w.etag(b"1").path("x");
    assert_eq!(code::<Full>(serving, Code::GET, &valid), Code::VALID);
    assert_eq!(code::<NoConditions>(blocks, Code::GET, &valid), Code::CONTENT);

    let takes = |w: &mut Writer<'_>| _ = w.path("x").content_format(ContentFormat::JSON).payload(b"{}");
    assert_eq!(code::<Full>(serving, Code::PUT, &takes), Code::UNSUPPORTED_CONTENT_FORMAT);
    assert_eq!(code::<NoNegotiation>(serving, Code::PUT, &takes), Code::CHANGED);
    // What the handler writes is looked at all the same.
    let accept = |w: &mut Writer<'_>| _ = w.path("x").accept(ContentFormat::JSON);
    assert_eq!(code::<NoNegotiation>(serving, Code::GET, &accept), Code::NOT_ACCEPTABLE);

    let proxied = |w: &mut Writer<'_>| _ = w.path("x").proxy_scheme("coap");
    assert_eq!(code::<Full>(serving, Code::GET, &proxied), Code::CONTENT);
    assert_eq!(code::<NoNames>(serving, Code::GET, &proxied), Code::PROXYING_NOT_SUPPORTED);

    let unicast = Arrival::Unicast;
    let problem = |w: &mut Writer<'_>| _ = w.path("y").accept(ContentFormat::CONCISE_PROBLEM_DETAILS_CBOR);
    let said = |answer: Option<(Code, Option<u32>, Vec<u8>)>| answer.unwrap().2;
    assert_eq!(said(ask::<Full>(serving, Code::GET, unicast, &problem))[0], 0xa2);
    assert!(said(ask::<NoProblems>(serving, Code::GET, unicast, &problem)).starts_with(b"no such resource"));
    assert_eq!(said(ask::<NoDiagnostics>(serving, Code::GET, unicast, &problem)), b"\xa1\x23\x18\x84");

    let observe = |w: &mut Writer<'_>| _ = w.observe(0).path("x").query("say=hello");
    let plain = |w: &mut Writer<'_>| _ = w.observe(0).path("x");
    let observed = |answer: Option<(Code, Option<u32>, Vec<u8>)>| answer.unwrap().1.is_some();
    assert!(observed(ask::<Full>(serving, Code::GET, unicast, &observe)));
    assert!(!observed(ask::<NoKeptOptions>(serving, Code::GET, unicast, &observe)));
    assert!(observed(ask::<NoKeptOptions>(serving, Code::GET, unicast, &plain)));
    assert!(!observed(ask::<NoObserve>(serving, Code::GET, unicast, &plain)));

    let piece = |w: &mut Writer<'_>| _ = w.path("x").block1(Block::with_size(0, true, 16).unwrap()).payload(&[0; 16]);
    assert_eq!(code::<Full>(serving, Code::PUT, &piece), Code::CONTINUE);
    assert_eq!(code::<NoTransfers>(serving, Code::PUT, &piece), Code::REQUEST_ENTITY_TOO_LARGE);

    let to_group = |w: &mut Writer<'_>| _ = w.path("x");
    assert_eq!(ask::<Full>(serving, Code::GET, Arrival::Group, &to_group).map(|answer| answer.0), Some(Code::CONTENT));
    assert_eq!(ask::<NoMulticast>(serving, Code::GET, Arrival::Group, &to_group), None);
}

/// No room for what would be kept: a plain GET (RFC 7641 4.1). What needs no room is observed all the same.
#[test]
fn a_registration_for_which_the_arena_has_no_room() {
    let mut server =
        Server::new(Endpoint::new(Config::DEFAULT.serving(), [7; 16], Fixed::<u8, 4, 8, 35, 4>::new()), &ROUTES);
    let (mut puts, mut tx) = (0, [0; 1152]);
    for (id, (query, accepted)) in [("say=a", true), ("say=b", false), ("", true)].into_iter().enumerate() {
        let mut bytes = [0; 100];
        let mut w = Writer::new(&mut bytes, Header::non_confirmable(Code::GET, id as u16), &[id as u8]);
        w.observe(0).path("x");
        if !query.is_empty() {
            w.insert(OptionNumber::URI_QUERY, query.as_bytes());
        }
        let length = w.finish().unwrap();
        let input = server.handle(&mut puts, Instant::ZERO, id as u8, Arrival::Unicast, &bytes[..length], &mut tx);
        let message = Message::parse(&tx[..input.reply.unwrap().len]).unwrap();
        assert_eq!((message.code(), message.observe().is_some()), (Code::CONTENT, accepted), "{query}");
    }
}
