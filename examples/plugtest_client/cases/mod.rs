//! The cases of the ETSI CoAP plugtests, as `tests/plugtest.tsv` lists them.

mod blocks;
mod core;
mod links;
mod observe;

use crate::client::{Client, Heard, Outcome, Why};
use coaplet::{Code, ContentFormat, Type, Writer};
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
    case("CORE_01", "/test", |c| core::plain(c, Type::Confirmable, Code::GET)),
    case("CORE_02", "/test", |c| core::plain(c, Type::Confirmable, Code::DELETE)),
    case("CORE_03", "/test", |c| core::plain(c, Type::Confirmable, Code::PUT)),
    case("CORE_04", "/test", |c| core::plain(c, Type::Confirmable, Code::POST)),
    case("CORE_05", "/test", |c| core::plain(c, Type::NonConfirmable, Code::GET)),
    case("CORE_06", "/test", |c| core::plain(c, Type::NonConfirmable, Code::DELETE)),
    case("CORE_07", "/test", |c| core::plain(c, Type::NonConfirmable, Code::PUT)),
    case("CORE_08", "/test", |c| core::plain(c, Type::NonConfirmable, Code::POST)),
    case("CORE_09", "/separate", |c| core::separate(c, Type::Confirmable, &[])),
    case("CORE_10", "/test", core::tokens),
    case("CORE_11", "/separate", |c| core::separate(c, Type::Confirmable, b"token")),
    case("CORE_12", "/test", |c| core::with_token(c, &[])),
    case("CORE_13", "/seg1/seg2/seg3", core::three_segments),
    case("CORE_14", "/query", core::query),
    Case { lossy: true, ..case("CORE_15", "/test", core::over_a_bad_path) },
    Case { lossy: true, ..case("CORE_16", "/separate", |c| core::separate_over_a_bad_path(c, Type::Confirmable)) },
    Case { lossy: true, ..case("CORE_17", "/separate", |c| core::separate_over_a_bad_path(c, Type::NonConfirmable)) },
    case("CORE_18", "/test", core::location_path),
    case("CORE_19", "/location-query", core::location_query),
    case("CORE_20", "/multi-format", core::formats),
    case("CORE_21", "/validate", core::validation),
    case("CORE_22", "/validate", core::if_match),
    case("CORE_23", "/create1", core::if_none_match),
    case("CORE_31", "-", core::ping),
    case("LINK_01", "/.well-known/core", |c| links::links(c, None, |_| true).map(drop)),
    case("LINK_02", "/.well-known/core", links::type_of_link1),
    case("LINK_03", "/.well-known/core", |c| links::some_links(c, "rt=*", |link| link.has("rt"))),
    case("LINK_04", "/.well-known/core", links::second_type_of_link2),
    case("LINK_05", "/.well-known/core", |c| {
        links::some_links(c, "if=If*", |link| link.get("if").is_some_and(|value| value.to_string().starts_with("If")))
    }),
    case("LINK_06", "/.well-known/core", |c| links::some_links(c, "sz=*", |link| link.has("sz"))),
    case("LINK_07", "/.well-known/core", |c| links::targets(c, "href=/link1", &["/link1"])),
    case("LINK_08", "/.well-known/core", |c| links::targets(c, "href=/link*", &["/link1", "/link2", "/link3"])),
    case("LINK_09", "/path", links::links_of_links),
    case("BLOCK_01", "/large", |c| blocks::blocks(c, Some(64))),
    case("BLOCK_02", "/large", |c| blocks::blocks(c, None)),
    case("BLOCK_03", "/large-update", blocks::put_in_blocks),
    case("BLOCK_04", "/large-create", blocks::post_in_blocks),
    case("BLOCK_05", "/large-post", blocks::both_ways_in_blocks),
    case("BLOCK_06", "/large", |c| blocks::blocks(c, Some(16))),
    case("OBS_01", "/obs", |c| observe::observe(c, "obs", Type::Confirmable)),
    case("OBS_02", "/obs-non", |c| observe::observe(c, "obs-non", Type::NonConfirmable)),
    Case { slow: true, ..case("OBS_04", "/obs", observe::registers_again) },
    Case { slow: true, ..case("OBS_05", "/obs", observe::stops_answering) },
    case("OBS_06", "/obs", observe::rejects),
    case("OBS_07", "/obs", observe::deleted),
    case("OBS_08", "/obs", observe::another_format),
    case("OBS_09", "/obs", observe::changed_by_another),
    case("OBS_10", "/obs", observe::asks_meanwhile),
    Case { lossy: true, ..case("OBS_11", "/obs", observe::over_a_bad_path_observed) },
    case("OBS_12", "/obs", observe::deregisters),
    case("OBS_13", "/obs-large", |c| observe::observe_large(c, "obs-large", 1)),
    case("OBS_14", "/obs-pumping", |c| observe::observe_large(c, "obs-pumping", 3)),
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

fn etag(heard: &Heard) -> Outcome<Vec<u8>> {
    heard.message().etag().map(<[u8]>::to_vec).ok_or_else(|| Why::Failed(format!("no ETag in {}", heard.message())))
}
