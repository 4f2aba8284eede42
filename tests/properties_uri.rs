//! What holds for every text and every request, made up by proptest: two readers agree (RFC 7252 6.4), what is composed
//! (6.5) is equivalent to what was taken apart.

mod common;

use coaplet::uri::{CoapUri, Scheme};
use common::{model, strategies, uri_model};
use proptest::collection::vec;
use proptest::prelude::*;

/// Of what URIs are made, the edges more often than the rest.
fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z0-9._~!$&'()*+,;=:@-]{0,8}",
        4 => proptest::sample::select(&["", ".", "..", "%2e", "%2E%2e", "...", ".a", "%2F", "%26", "%25", "%00"][..]).prop_map(String::from),
        2 => "(%C3%A4|%e2%82%ac|%F0%9F%98%80|%[0-9a-f]{2}){1,3}",
        1 => (240usize..270).prop_map(|length| "a".repeat(length)),
    ]
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9.-]{1,12}",
        2 => "[0-9]{1,3}(\\.[0-9]{1,3}){3}",
        2 => any::<std::net::Ipv6Addr>().prop_map(|address| format!("[{address}]")),
        1 => any::<std::net::Ipv6Addr>().prop_map(|address| format!("[{address}%25eth%30]").to_uppercase()),
        1 => "\\[[0-9a-fA-F:.%]{0,12}\\]?",
        2 => "([a-zA-Z!$&'()*+,;=_~]|%[0-7][0-9a-fA-F]|%C3%84){0,5}",
        1 => proptest::sample::select(&["::1", "a@b", "%5B%3A%3A1%5D", "1%2E2.3.4", "%2541", ""][..]).prop_map(String::from),
    ]
}

fn uri() -> impl Strategy<Value = String> {
    let scheme = prop_oneof![
        8 => proptest::sample::select(&["coap", "coaps", "coap+tcp", "coaps+tcp", "coap+ws", "coaps+ws", "CoAP"][..]).prop_map(String::from),
        1 => "[a-z+:]{0,5}",
    ];
    let port = prop_oneof![3 => Just(String::new()), 2 => (0u32..70_000).prop_map(|port| format!(":{port}")), 1 => ":[0-9+-]{0,3}"];
    let path =
        vec(segment(), 0..6).prop_map(|path| path.iter().map(|segment| format!("/{segment}")).collect::<String>());
    let query =
        prop_oneof![Just(String::new()), vec(segment(), 0..4).prop_map(|query| format!("?{}", query.join("&"))),];
    (scheme, "(//){0,1}", host(), port, path, query).prop_map(|(scheme, slashes, host, port, path, query)| {
        let slashes = if slashes.is_empty() && !host.is_empty() { "//" } else { &slashes };
        format!("{scheme}:{slashes}{host}{port}{path}{query}")
    })
}

proptest! {
    #![proptest_config(strategies::config(1_000))]

    #[test]
    fn two_readers_agree(uri in uri()) {
        uri_model::check(&uri);
    }

    /// One character more, less or another: what is next to a URI.
    #[test]
    fn two_readers_agree_on_what_is_nearly_one(
        uri in uri(), at in any::<prop::sample::Index>(), other in "[%#\\[\\]@:/?. é\\x00a]?", drop in any::<bool>(),
    ) {
        let mut chars: Vec<char> = uri.chars().collect();
        let at = at.index(chars.len());
        chars.splice(at..at + usize::from(drop), other.chars());
        uri_model::check(&chars.into_iter().collect::<String>());
    }

    #[test]
    fn no_text_does_harm(text in any::<String>(), prefix in proptest::sample::select(&["", "coap:", "coap://", "coap://h", "coap://h/", "coap://["][..])) {
        uri_model::check(&format!("{prefix}{text}"));
    }

    /// What a path of dots and names comes to (RFC 3986 5.2.4).
    #[test]
    fn dots(path in vec(proptest::sample::select(&[".", "..", "", "a", "b", "%2e"][..]), 0..24)) {
        let is_one = uri_model::check(&format!("coap://h/{}", path.join("/")));
        prop_assert!(is_one);
    }

    #[test]
    fn what_composes_is_taken_apart_again(
        packet in strategies::packet(), address in any::<std::net::IpAddr>(), port in any::<u16>(), scheme in proptest::sample::select(Scheme::ALL),
    ) {
        uri_model::check_request(&model::encode(&packet), scheme, (address, port).into());
    }

    /// Any text in the options that make a URI.
    #[test]
    fn hostile_options(
        host in proptest::option::of("[a-z.\\[\\]:%é ]{0,6}"), path in vec("\\PC{0,4}|\\.{1,3}", 0..4), query in vec("\\PC{0,4}|&", 0..3),
    ) {
        let host = host.into_iter().map(|host| (3, host));
        let options = host.chain(path.into_iter().map(|segment| (11, segment))).chain(query.into_iter().map(|argument| (15, argument)));
        let packet = common::grammar::Packet {
            kind: 0, code: 1, mid: 1, token: vec![], payload: vec![],
            options: options.map(|(number, value)| (number, value.into_bytes())).collect(),
        };
        uri_model::check_request(&model::encode(&packet), Scheme::Coap, ([192, 0, 2, 1], 5683).into());
    }
}

/// The generator is worth something: URIs that are right, and most of what can be wrong.
#[test]
fn uris_that_are_made_up_are_right_and_wrong() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut right, mut wrong) = (0, std::collections::BTreeSet::new());
    for _ in 0..4_000 {
        match CoapUri::parse(&uri().new_tree(&mut runner).unwrap().current()) {
            Ok(_) => right += 1,
            Err(error) => {
                wrong.insert(error.kind());
            }
        }
    }
    assert!(right > 1_000 && wrong.len() >= 12, "{right} are right, {wrong:?}");
}
