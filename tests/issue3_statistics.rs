//! `statistics()`: each counter moves by what happened, and no other.

#[macro_use]
mod endpoint;

use coaplet::endpoint::{Request, Statistics};
use coaplet::store::Scale;
use coaplet::{Config, Store};
use endpoint::{OTHER, PEER, Script, eight, roomy};
use std::collections::BTreeMap;

in_both_scales! {
    issue_3_what_a_client_counts,
    issue_3_what_a_server_counts,
    issue_3_what_is_dropped_is_counted_by_cause,
    issue_3_full_tables_are_counted,
    issue_3_ends_are_counted,
}

/// The counters by name.
fn read(statistics: Statistics) -> BTreeMap<String, i64> {
    let text = format!("{statistics:?}");
    let fields = text.trim_start_matches("Statistics {").trim_end_matches('}').split(',');
    let pair = |field: &str| {
        let (name, value) = field.split_once(':')?;
        Some((name.trim().to_owned(), value.trim().parse().ok()?))
    };
    let all: BTreeMap<_, _> = fields.filter_map(pair).collect();
    assert_eq!(all.len(), 20, "{text}");
    all
}

/// What has moved since the last time, and by how much.
struct Watch(BTreeMap<String, i64>);

impl Watch {
    fn new() -> Watch {
        Watch(read(Statistics::default()))
    }

    #[track_caller]
    fn moved<S: Store<Peer = u16>>(&mut self, s: &mut Script<S>, wanted: &[(&str, i64)]) {
        s.sent_lines();
        let now = read(s.ep.statistics());
        let moved: BTreeMap<_, _> =
            now.iter().map(|(name, count)| (name.as_str(), count - self.0[name])).filter(|(_, by)| *by != 0).collect();
        assert_eq!(moved, wanted.iter().copied().collect());
        self.0 = now;
    }
}

fn issue_3_what_a_client_counts<C: Scale>() {
    let (mut s, mut watch) = (roomy::<C>(Config::DEFAULT), Watch::new());
    s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
    watch.moved(&mut s, &[("sent", 1)]);
    // One that waits is sent when its turn comes.
    s.get(0, PEER);
    watch.moved(&mut s, &[]);
    s.until(3_000);
    watch.moved(&mut s, &[("sent", 1), ("retransmitted", 1)]);
    s.recv(3_000, PEER, "CON 2.05 Content mid=0x0001 token=$t");
    // The ACK and the one that waited.
    watch.moved(&mut s, &[("received", 1), ("sent", 2)]);
    s.recv(3_000, PEER, "CON 2.05 Content mid=0x0001 token=$t");
    watch.moved(&mut s, &[("received", 1), ("sent", 1), ("duplicates", 1)]);
    s.ping(3_000, OTHER);
    s.request(3_000, OTHER, Request::get().non());
    s.request(3_000, 99, Request::get().group());
    watch.moved(&mut s, &[("sent", 3)]);
    // What could not be made was not sent.
    assert!(s.try_request(3_000, OTHER, Request::get().non(), |_| {}).is_err());
    watch.moved(&mut s, &[]);
}

fn issue_3_what_a_server_counts<C: Scale>() {
    let (mut s, mut watch) = (roomy::<C>(Config::DEFAULT), Watch::new());
    s.recv(0, PEER, "CON GET mid=0x0001");
    let id = s.asked_by(PEER);
    watch.moved(&mut s, &[("received", 1)]);
    s.respond(0, id, coaplet::Code::CONTENT, "x");
    watch.moved(&mut s, &[("sent", 1)]);
    s.recv(10, PEER, "CON GET mid=0x0001");
    watch.moved(&mut s, &[("received", 1), ("duplicates", 1), ("sent", 1)]);
    s.recv(10, PEER, "NON GET mid=0x0002");
    let id = s.asked_by(PEER);
    s.recv(10, PEER, "NON GET mid=0x0002");
    watch.moved(&mut s, &[("received", 2), ("duplicates", 1)]);
    s.respond(10, id, coaplet::Code::CONTENT, "x");
    watch.moved(&mut s, &[("sent", 1)]);
    // Put off: the Empty ACK, the response, and that again.
    s.recv(20, PEER, "CON GET mid=0x0003");
    let id = s.asked_by(PEER);
    s.defer(20, id);
    watch.moved(&mut s, &[("received", 1), ("sent", 1)]);
    s.respond(20, id, coaplet::Code::CONTENT, "x");
    watch.moved(&mut s, &[("sent", 1)]);
    s.until(3_020);
    watch.moved(&mut s, &[("sent", 1), ("retransmitted", 1)]);
    // Not wanted: the Empty ACK alone.
    s.recv(3_020, OTHER, "CON GET mid=0x0004 [258: 0x1a]");
    let id = s.asked_by(OTHER);
    s.respond(3_020, id, coaplet::Code::CONTENT, "x");
    watch.moved(&mut s, &[("received", 1), ("suppressed", 1), ("sent", 1)]);
    s.recv_group(3_020, OTHER, "NON GET mid=0x0005");
    let id = s.asked_by(OTHER);
    s.respond(3_020, id, coaplet::Code::NOT_FOUND, "");
    watch.moved(&mut s, &[("received", 1), ("suppressed", 1)]);
    s.recv_group(3_020, OTHER, "NON GET mid=0x0006");
    let id = s.asked_by(OTHER);
    s.respond(3_020, id, coaplet::Code::CONTENT, "x");
    watch.moved(&mut s, &[("received", 1)]);
    s.recv(3_030, OTHER, "CON Empty mid=0x0007");
    watch.moved(&mut s, &[("received", 1), ("pings", 1), ("sent", 1)]);
    s.until(900_000).sent_lines();
}

fn issue_3_what_is_dropped_is_counted_by_cause<C: Scale>() {
    let (mut s, mut watch) = (roomy::<C>(Config::DEFAULT), Watch::new());
    s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
    watch.moved(&mut s, &[("sent", 1)]);
    s.recv_bytes(0, PEER, b"\x40\x01\x00\x01\xff");
    watch.moved(&mut s, &[("received", 1), ("malformed", 1), ("sent", 1)]);
    s.recv_bytes(0, PEER, b"\x90\x01\x00\x01").recv_bytes(0, PEER, b"").recv_bytes(0, PEER, b"\x50\x21\x00\x01");
    watch.moved(&mut s, &[("received", 3), ("malformed", 3)]);
    s.recv(0, PEER, "CON 2.05 Content mid=0x0001 token=1234");
    watch.moved(&mut s, &[("received", 1), ("unmatched", 1), ("sent", 1)]);
    s.recv(0, PEER, "NON 2.05 Content mid=0x0001 token=1234").recv(0, PEER, "ACK 2.05 Content mid=0x0001 token=$t");
    watch.moved(&mut s, &[("received", 2), ("unmatched", 2)]);
    s.recv(0, PEER, "ACK Empty mid=0x0001").recv(0, OTHER, "RST Empty mid=$a");
    watch.moved(&mut s, &[("received", 2), ("unexpected", 2)]);
    s.recv_bytes(0, PEER, b"\x50\x00\x00\x01");
    watch.moved(&mut s, &[("received", 1), ("unexpected", 1)]);
    s.recv_group(0, PEER, "CON GET mid=0x0002").recv_group(0, PEER, "ACK Empty mid=$a");
    watch.moved(&mut s, &[("received", 2), ("misaddressed", 2)]);
    s.recv(0, PEER, "CON GET mid=0x0002 [65001: 0x01]");
    watch.moved(&mut s, &[("received", 1), ("bad_options", 1), ("sent", 1)]);
    s.recv(0, PEER, "NON GET mid=0x0002 [65001: 0x01]").recv(
        0,
        PEER,
        "NON 2.05 Content mid=0x0002 token=$t [65001: 0x01]",
    );
    watch.moved(&mut s, &[("received", 2), ("bad_options", 2)]);
    s.recv(0, PEER, "RST Empty mid=$a");
    watch.moved(&mut s, &[("received", 1), ("resets", 1)]);
}

fn issue_3_full_tables_are_counted<C: Scale>() {
    let (mut s, mut watch) = (eight::<C>(Config::DEFAULT), Watch::new());
    for n in 0..8 {
        s.recv(0, if n < 4 { PEER } else { OTHER }, &format!("CON GET mid=0x{n:04x}"));
    }
    watch.moved(&mut s, &[("received", 8)]);
    s.recv(0, PEER, "CON GET mid=0x0100").recv(0, PEER, "NON GET mid=0x0101");
    watch.moved(&mut s, &[("received", 2), ("over_share", 2), ("sent", 2)]);
    s.recv(0, 9, "CON GET mid=0x0100").recv(0, 9, "NON GET mid=0x0101");
    watch.moved(&mut s, &[("received", 2), ("full", 2), ("sent", 1)]);
    // Acknowledged by itself, and refused by itself: eight times each, as NSTART lets them go.
    s.until(1_000);
    watch.moved(&mut s, &[("sent", 8)]);
    s.until(61_000);
    watch.moved(&mut s, &[("sent", 2), ("unanswered", 8)]);
    s.until(3_000_000);
    s.sent_lines();
    watch.0 = read(s.ep.statistics());
    s.recv(3_000_000, PEER, "CON GET mid=0x0001");
    let id = s.asked_by(PEER);
    s.respond(3_000_000, id, coaplet::Code::CONTENT, "");
    watch.moved(&mut s, &[("received", 1), ("sent", 1)]);
    for n in 0..8 {
        s.request(3_000_000, 1, Request::get().token(coaplet::Token::try_from(&[n][..]).unwrap()));
    }
    watch.moved(&mut s, &[("sent", 1), ("recycled", 1)]);
    s.until(9_000_000).sent_lines();
}

fn issue_3_ends_are_counted<C: Scale>() {
    let (mut s, mut watch) = (roomy::<C>(Config::DEFAULT), Watch::new());
    // Nobody acknowledges; nobody responds.
    s.get(0, PEER);
    s.until(100_000);
    watch.moved(&mut s, &[("sent", 5), ("retransmitted", 4), ("timeouts", 1)]);
    s.request(100_000, PEER, Request::get().non());
    s.until(200_000);
    watch.moved(&mut s, &[("sent", 1), ("timeouts", 1)]);
    s.get(200_000, PEER);
    s.sent(200_000, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
    s.recv(200_000, PEER, "ACK Empty mid=$a");
    s.until(300_000);
    watch.moved(&mut s, &[("sent", 1), ("received", 1), ("timeouts", 1)]);
    // A separate response that is reset.
    s.recv(300_000, PEER, "CON GET mid=0x0001");
    let id = s.asked_by(PEER);
    s.defer(300_000, id);
    s.sent_any(PEER);
    s.respond(300_000, id, coaplet::Code::CONTENT, "");
    s.sent_any_as(PEER, "c");
    s.recv(300_000, PEER, "RST Empty mid=$c");
    watch.moved(&mut s, &[("received", 2), ("sent", 2), ("resets", 1)]);
    // A cancelled one is none of these.
    let handle = s.get(400_000, PEER);
    assert!(s.ep.cancel(handle));
    s.until(600_000);
    watch.moved(&mut s, &[("sent", 1)]);
}
