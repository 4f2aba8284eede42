//! RFC 7252 section 8 and draft-ietf-core-groupcomm-bis 3.1: requests to a group, from its members' side and from the client's.

#[macro_use]
mod endpoint;

use coaplet::endpoint::{Failure, Request, RequestError, RespondError};
use coaplet::store::{Indexed, Scale};
use coaplet::{Code, Config, Fixed, Instant, OptionNumber, Token, Transmission};
use core::time::Duration;
use endpoint::{OTHER, PEER, Roomy, Script, eight, roomy};
use std::collections::HashSet;

/// Where requests to the group go. Nothing comes from there.
const ALL: u16 = 99;
const THIRD: u16 = 9;
/// NON_LIFETIME, MAX_LATENCY and max_server_response_delay.
const LIFETIME: u64 = 145_000 + 100_000 + 250_000;

const GET: &str = "NON GET mid=0x7d41 token=86 [Uri-Path: temperature]";

in_both_scales! {
    rfc7252_8_2_several_responses_each_with_its_source,
    rfc7252_8_2_duplicates_of_responses_are_told_once,
    rfc7252_8_1_what_does_not_answer_a_request_to_a_group,
    groupcomm_3_1_6_it_ends_when_nobody_can_answer_any_more,
    groupcomm_3_1_5_a_token_is_not_used_again_before,
    groupcomm_3_1_5_a_token_that_nobody_can_guess,
    rfc7252_8_1_message_ids_of_groups_are_never_those_of_peers,
    rfc7252_8_1_a_request_to_a_group_waits_for_nobody,
    rfc7252_8_2_answered_once_within_the_leisure,
    rfc7252_8_2_the_leisure_by_configuration,
    rfc7252_8_2_a_member_answers_a_duplicate_no_more,
    rfc7252_8_1_only_non_confirmable_requests,
    rfc7252_8_1_no_reset_and_no_refusal,
    rfc7252_8_2_errors_and_empty_responses_are_not_sent,
    rfc7252_8_2_unless_they_are_asked_for,
    rfc7252_8_2_unanswered,
    rfc7252_8_2_put_off,
    rfc8974_2_a_long_token_by_a_group,
    rfc7252_5_10_5_max_age_within_the_leisure,
    issue_3_full_tables_and_a_group,
}

// The client.

/// A request to the group at a time: `$id` and `$t` from then on.
fn ask<C: Scale>(s: &mut Script<Roomy<C>>, at: u64) -> coaplet::endpoint::Handle {
    let handle = s.request(at, ALL, Request::get().group());
    s.sent(at, ALL, "NON GET mid=$id token=$t [Uri-Path: temperature]");
    handle
}

fn rfc7252_8_2_several_responses_each_with_its_source<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    let handle = ask(&mut s, 0);
    let round_trip = |at: u64| Some(Duration::from_millis(at));
    for (at, from, text) in [
        (100, PEER, r#"NON 2.05 Content mid=0x0001 token=$t payload 1 byte "a""#),
        // From another one under the same Message ID; one more from the same one; an error.
        (200, OTHER, r#"NON 2.05 Content mid=0x0001 token=$t payload 1 byte "b""#),
        (300, PEER, r#"NON 2.05 Content mid=0x0002 token=$t payload 1 byte "c""#),
        (200_000, THIRD, "NON 4.04 Not Found mid=0x0001 token=$t"),
        (LIFETIME - 1, OTHER, r#"NON 2.05 Content mid=0x0003 token=$t payload 1 byte "d""#),
    ] {
        s.recv(at, from, text);
        assert_eq!(s.answered(handle, from, text), (true, round_trip(at)));
        s.silence();
    }
    s.until(LIFETIME).failed(LIFETIME, handle, Failure::TimedOut);
    s.all_free(LIFETIME + 900_000);
}

fn rfc7252_8_2_duplicates_of_responses_are_told_once<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    let handle = ask(&mut s, 0);
    s.recv(100, PEER, "NON 2.05 Content mid=0x0001 token=$t");
    s.answered(handle, PEER, "NON 2.05 Content mid=0x0001 token=$t");
    // "may respond with a CON": it is acknowledged, each time.
    s.recv(200, OTHER, "CON 2.05 Content mid=0x0001 token=$t");
    s.sent(200, OTHER, "ACK Empty mid=0x0001");
    s.answered(handle, OTHER, "CON 2.05 Content mid=0x0001 token=$t");
    for at in [300, 50_000, 140_000] {
        s.recv(at, PEER, "NON 2.05 Content mid=0x0001 token=$t").silence();
        s.recv(at, OTHER, "CON 2.05 Content mid=0x0001 token=$t").sent(at, OTHER, "ACK Empty mid=0x0001");
    }
    assert!(s.ep.cancel(handle));
    s.recv(150_000, OTHER, "CON 2.05 Content mid=0x0001 token=$t").sent(150_000, OTHER, "ACK Empty mid=0x0001");
    s.all_free(900_000);
}

fn rfc7252_8_1_what_does_not_answer_a_request_to_a_group<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    let handle = ask(&mut s, 0);
    for from in [PEER, OTHER, ALL] {
        // An ACK or an RST by its Message ID, of a NON that went to many.
        s.recv(100, from, "ACK Empty mid=$id").recv(100, from, "RST Empty mid=$id").silence();
        s.recv(100, from, "ACK 2.05 Content mid=$id token=$t").silence();
        // Another token.
        s.recv(100, from, "NON 2.05 Content mid=0x0001 token=1234").silence();
        s.recv(100, from, "CON 2.05 Content mid=0x0002 token=1234").sent(100, from, "RST Empty mid=0x0002");
        // 5.4.1: rejected, and the request goes on.
        s.recv(100, from, "CON 2.05 Content mid=0x0003 token=$t [65001: 0x01]").sent(100, from, "RST Empty mid=0x0003");
        s.recv(100, from, "NON 2.05 Content mid=0x0004 token=$t [65001: 0x01]").silence();
    }
    s.recv(200, PEER, "NON 2.05 Content mid=0x0005 token=$t");
    s.answered(handle, PEER, "NON 2.05 Content mid=0x0005 token=$t");
    // Once it is cancelled nobody waits for it any more.
    assert!(s.ep.cancel(handle) && !s.ep.cancel(handle));
    s.recv(300, OTHER, "NON 2.05 Content mid=0x0006 token=$t").silence();
    s.recv(300, OTHER, "CON 2.05 Content mid=0x0007 token=$t").sent(300, OTHER, "RST Empty mid=0x0007");
    s.all_free(900_000);
}

fn groupcomm_3_1_6_it_ends_when_nobody_can_answer_any_more<C: Scale>() {
    for (delay, lifetime) in [(250, LIFETIME), (10, 255_000), (0, 245_000)] {
        let max_server_response_delay = Duration::from_secs(delay);
        let mut s = roomy::<C>(Config { max_server_response_delay, ..Config::DEFAULT });
        let request = Request::get().group().timeout(Duration::from_secs(5));
        let handle = s.request(0, ALL, request);
        s.sent(0, ALL, "NON GET mid=$id token=$t [Uri-Path: temperature]");
        s.until(lifetime - 1).silence();
        s.until(lifetime).failed(lifetime, handle, Failure::TimedOut);
        assert!(!s.ep.cancel(handle));
        s.recv(lifetime + 1, PEER, "NON 2.05 Content mid=0x0001 token=$t").silence();
        s.all_free(lifetime + 900_000);
    }
}

fn groupcomm_3_1_5_a_token_is_not_used_again_before<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    let request = Request::get().group().token(Token::try_from(&[9][..]).unwrap());
    let handle = s.request(0, ALL, request);
    s.sent(0, ALL, "NON GET mid=$id token=09 [Uri-Path: temperature]");
    // To this group or to another one.
    for to in [ALL, 98] {
        assert_eq!(s.try_request(10, to, request, |_| {}), Err(RequestError::NotForAGroup));
    }
    assert!(s.ep.cancel(handle));
    assert_eq!(s.try_request(LIFETIME - 1, ALL, request, |_| {}), Err(RequestError::NotForAGroup));
    s.request(LIFETIME, ALL, request);
    s.sent(LIFETIME, ALL, "NON GET mid=$next token=09 [Uri-Path: temperature]");
    s.until(2 * LIFETIME);
    assert_eq!(s.sent_lines().len(), 1);
    s.all_free(2 * LIFETIME);
}

/// By its token alone a response is known: it is never shorter than four bytes unless the application says so.
fn groupcomm_3_1_5_a_token_that_nobody_can_guess<C: Scale>() {
    for (token_length, length) in [(0, 4), (3, 4), (4, 4), (8, 8), (200, 8)] {
        let mut s = roomy::<C>(Config { token_length, ..Config::DEFAULT });
        for _ in 0..3 {
            s.request(0, ALL, Request::get().group());
            let (_, bytes) = s.sent_any(ALL);
            assert_eq!(bytes[0], 0x50 | length);
        }
        s.until(LIFETIME);
        assert_eq!(s.sent_lines().len(), 3);
    }
}

fn rfc7252_8_1_message_ids_of_groups_are_never_those_of_peers<C: Scale>() {
    let transmission = Transmission { probing_rate: u16::MAX, ..Transmission::DEFAULT };
    let mut s = Script::new(Config { transmission, ..Config::DEFAULT }, Fixed::<u16, 8, 64, 512, 0, 0, C>::new());
    let (mut groups, mut peers) = (HashSet::new(), HashSet::new());
    let mut now = 0;
    for round in 0..4_000_u16 {
        let group = round % 100 == 0;
        let request = if group { Request::get().group() } else { Request::get().non() };
        let to = round % 3;
        // A request to a group that is cancelled keeps its slot for a while: forty of them.
        let handle = s.try_request(now, to, request, |_| {}).unwrap_or_else(|error| panic!("{round}: {error}"));
        assert!(s.ep.cancel(handle));
        let (_, bytes) = s.sent_any(to);
        let set = if group { &mut groups } else { &mut peers };
        set.insert((if group { ALL } else { to }, [bytes[2], bytes[3]]));
        now += 7;
    }
    // What we answer has Message IDs of ours as well.
    for id in 0..100 {
        s.recv(now, 1, &format!("NON GET mid=0x{id:04x}"));
        let id = s.asked_by(1);
        s.respond(now, id, Code::CONTENT, "x");
        let (_, bytes) = s.sent_any(1);
        assert!(peers.insert((1, [bytes[2], bytes[3]])), "given out twice");
    }
    assert_eq!((groups.len(), peers.len()), (40, 3_960 + 100));
    let groups: HashSet<_> = groups.into_iter().map(|(_, id)| id).collect();
    assert!(peers.iter().all(|(_, id)| !groups.contains(id)));
}

#[test]
fn rfc7252_4_4_message_ids_of_groups_run_out() {
    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 2100, 64, 0, 0, Indexed>::new());
    let mut ids = HashSet::new();
    let refused = loop {
        match s.try_request(1_000, ALL, Request::get().group(), |_| {}) {
            Ok(_) => {
                let (_, bytes) = s.sent_any(ALL);
                assert!(ids.insert([bytes[2], bytes[3]]), "given out twice");
            }
            Err(refused) => break refused,
        }
    };
    assert!(ids.len() >= 1_000, "only {}", ids.len());
    // NON_LIFETIME after the first one.
    let until = 146_000;
    assert_eq!(refused, RequestError::NoMessageId { until: Instant::from_millis(until) });
    let early = s.try_request(until - 1, ALL, Request::get().group(), |_| {});
    assert_eq!(early, Err(refused));
    assert!(s.try_request(until, ALL, Request::get().group(), |_| {}).is_ok());
    s.until(900_000).sent_lines();
    s.all_free(900_000);
}

fn rfc7252_8_1_a_request_to_a_group_waits_for_nobody<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    // It is Non-confirmable, whatever else is said.
    for request in [Request::get().group(), Request::post().group().at_once(), Request::put().non().group()] {
        s.request(0, ALL, request);
        let (_, bytes) = s.sent_any(ALL);
        assert_eq!(bytes[0], 0x54);
    }
    assert_eq!(s.ep.usage().peers, 0, "a group is no peer");
    s.until(LIFETIME);
    assert_eq!(s.sent_lines().len(), 3);
    s.all_free(LIFETIME);
}

// A member.

fn rfc7252_8_2_answered_once_within_the_leisure<C: Scale>() {
    let mut drawn = Vec::new();
    for seed in 0..60 {
        let mut s = Script::seeded(Config::DEFAULT, Roomy::<C>::new(), [seed; 16]);
        s.recv_group(0, PEER, GET);
        let id = s.asked(PEER, GET);
        s.respond(1_000, id, Code::CONTENT, "22.3 C");
        assert_eq!(s.try_respond(1_000, id, |_| {}), Err(RespondError::Stale));
        s.until(6_000);
        let (at, _) = s.sent(1_000..=6_000, PEER, r#"NON 2.05 Content mid=$n token=86 payload 6 bytes "22.3 C""#);
        drawn.push(at - 1_000);
        s.recv(7_000, PEER, "RST Empty mid=$n").recv(7_000, PEER, "ACK Empty mid=$n").silence();
        s.all_free(900_000);
    }
    // "a random [..] period of time within the Leisure".
    drawn.sort_unstable();
    drawn.dedup();
    assert!(drawn.len() > 50 && drawn[0] < 500 && drawn[drawn.len() - 1] > 4_500, "{drawn:?}");
}

fn rfc7252_8_2_the_leisure_by_configuration<C: Scale>() {
    for leisure in [0, 100, 60_000] {
        let default_leisure = Duration::from_millis(leisure);
        let transmission = Transmission { default_leisure, ..Transmission::DEFAULT };
        let mut s = roomy::<C>(Config { transmission, ..Config::DEFAULT });
        s.recv_group(0, PEER, GET);
        let id = s.asked(PEER, GET);
        s.respond(1_000, id, Code::CONTENT, "x");
        s.until(61_000).sent(1_000..=1_000 + leisure, PEER, r#"NON 2.05 Content mid=$n token=86 payload 1 byte "x""#);
        s.all_free(900_000);
    }
}

fn rfc7252_8_2_a_member_answers_a_duplicate_no_more<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    s.recv_group(0, PEER, GET);
    let id = s.asked(PEER, GET);
    s.recv_group(500, PEER, GET).silence();
    s.respond(1_000, id, Code::CONTENT, "x");
    s.recv_group(1_000, PEER, GET);
    s.until(6_000).sent(1_000..=6_000, PEER, r#"NON 2.05 Content mid=$n token=86 payload 1 byte "x""#);
    s.recv_group(6_000, PEER, GET).silence();
    // The same message that was sent to us alone is a duplicate as well.
    s.recv(140_000, PEER, GET).silence();
    // NON_LIFETIME after the answer has gone out.
    s.recv_group(1_000 + 145_000 + 5_000, PEER, GET);
    s.asked(PEER, GET);
    s.until(900_000).sent_lines();
    s.all_free(900_000);
}

fn rfc7252_8_1_only_non_confirmable_requests<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    let dropped = [
        "CON GET mid=0x0001 token=86 [Uri-Path: temperature]",
        "CON Empty mid=0x0002",
        "CON 2.05 Content mid=0x0003 token=$t",
        "NON 2.05 Content mid=0x0004 token=$t",
        "ACK 2.05 Content mid=$id token=$t",
        "ACK Empty mid=$id",
        "RST Empty mid=$id",
    ];
    let before = s.ep.statistics().misaddressed;
    for text in dropped {
        s.recv_group(100, PEER, text).silence();
        s.recv_group(100, OTHER, text).silence();
    }
    assert_eq!(s.ep.statistics().misaddressed - before, 2 * dropped.len() as u32);
    // The request of ours is where it was, and the CON was not taken for seen.
    s.recv(200, PEER, "CON GET mid=0x0001 token=86 [Uri-Path: temperature]");
    let id = s.asked_by(PEER);
    s.respond(200, id, Code::CONTENT, "x");
    s.sent(200, PEER, r#"ACK 2.05 Content mid=0x0001 token=86 payload 1 byte "x""#);
    s.recv(300, PEER, "RST Empty mid=$id");
    assert_eq!(s.sent_lines().len(), 1);
    s.all_free(900_000);
}

fn rfc7252_8_1_no_reset_and_no_refusal<C: Scale>() {
    for non_bad_option in [false, true] {
        let mut s = roomy::<C>(Config { non_bad_option, ..Config::DEFAULT });
        // Format errors, of CON and NON; another version; an unknown critical option.
        for bytes in
            [&b"\x4f\x01\x0a\x0b"[..], b"\x50\x01\x0a\x0b\xff", b"\x40\x21\x0a\x0b", b"\x90\x01\x0a\x0b", b"\x40\x01"]
        {
            s.take_group(PEER, bytes).silence();
        }
        s.recv_group(0, PEER, "NON GET mid=0x0001 token=86 [65001: 0x01]").silence();
        assert_eq!(s.ep.usage(), Default::default());
        // Sent to us alone, the first one is reset.
        s.take(PEER, b"\x4f\x01\x0a\x0b").sent(0, PEER, "RST Empty mid=0x0a0b");
    }
}

fn rfc7252_8_2_errors_and_empty_responses_are_not_sent<C: Scale>() {
    for (code, payload, is_sent) in [
        (Code::CONTENT, "x", true),
        (Code::CONTENT, "", false),
        (Code::CHANGED, "", false),
        (Code::NOT_FOUND, "", false),
        (Code::NOT_FOUND, "who?", false),
        (Code::INTERNAL_SERVER_ERROR, "", false),
        (Code::SERVICE_UNAVAILABLE, "later", false),
    ] {
        let mut s = roomy::<C>(Config::DEFAULT);
        s.recv_group(0, PEER, GET);
        let id = s.asked(PEER, GET);
        s.respond(0, id, code, payload);
        assert_eq!(s.try_respond(0, id, |_| {}), Err(RespondError::Stale));
        s.until(10_000);
        assert_eq!(s.sent_lines().len(), usize::from(is_sent), "{code} {payload:?}");
        assert_eq!(s.ep.statistics().suppressed, u32::from(!is_sent));
        s.recv_group(10_000, PEER, GET).silence();
        s.all_free(900_000);
    }
}

/// groupcomm-bis 3.1.2: No-Response may ask for more than by default.
fn rfc7252_8_2_unless_they_are_asked_for<C: Scale>() {
    for (option, wanted) in [
        ("[258: (empty)]", [true, true, true, true]),
        ("[258: 0x00]", [true, true, true, true]),
        ("[258: 0x02]", [false, false, true, true]),
        ("[258: 0x08]", [true, true, false, true]),
        ("[258: 0x10]", [true, true, true, false]),
        ("[258: 0x1a]", [false, false, false, false]),
        // Not an option that is understood: of two bytes.
        ("[258: 0x0000]", [true, false, false, false]),
    ] {
        let answers = [(Code::CONTENT, "x"), (Code::CHANGED, ""), (Code::NOT_FOUND, ""), (Code::BAD_GATEWAY, "x")];
        for ((code, payload), is_sent) in answers.into_iter().zip(wanted) {
            let mut s = roomy::<C>(Config::DEFAULT);
            s.recv_group(0, PEER, &format!("NON GET mid=0x0001 token=86 {option}"));
            let id = s.asked_by(PEER);
            s.respond(0, id, code, payload).until(10_000);
            assert_eq!(s.sent_lines().len(), usize::from(is_sent), "{code} to {option}");
            s.all_free(900_000);
        }
    }
}

fn rfc7252_8_2_unanswered<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    s.recv_group(0, PEER, GET);
    let id = s.asked(PEER, GET);
    s.until(100_000).silence();
    assert_eq!(s.try_respond(100_000, id, |_| {}), Err(RespondError::Stale));
    s.all_free(900_000);
    s.recv_group(1_000_000, PEER, "NON GET mid=0x0001 token=86 [258: 0x00]");
    s.asked_by(PEER);
    s.until(1_100_000);
    s.sent(1_060_000..=1_065_000, PEER, "NON 5.03 Service Unavailable mid=$n token=86");
    s.all_free(2_000_000);
}

fn rfc7252_8_2_put_off<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    s.recv_group(0, PEER, GET);
    let id = s.asked(PEER, GET);
    let id = s.defer(0, id);
    s.until(200_000).silence();
    s.respond(200_000, id, Code::CONTENT, "x");
    s.until(205_000).sent(200_000..=205_000, PEER, r#"NON 2.05 Content mid=$n token=86 payload 1 byte "x""#);
    s.all_free(900_000);
}

fn rfc8974_2_a_long_token_by_a_group<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    s.recv_group(0, PEER, "NON GET mid=0x0001 token=000102030405060708090a0b");
    let id = s.asked_by(PEER);
    s.respond(0, id, Code::CONTENT, "x").until(5_000);
    s.sent(0..=5_000, PEER, r#"NON 2.05 Content mid=$n token=000102030405060708090a0b payload 1 byte "x""#);
    s.all_free(900_000);
}

/// "Max-Age counts from the first transmission": the leisure before it takes nothing away.
fn rfc7252_5_10_5_max_age_within_the_leisure<C: Scale>() {
    for now in [0, 10_000, 1_000_000] {
        let mut s = roomy::<C>(Config::DEFAULT);
        s.recv_group(now, PEER, GET);
        let id = s.asked(PEER, GET);
        let answered = s.try_respond(now, id.ages(), |w| {
            w.code(Code::CONTENT).max_age(60).payload(b"x");
        });
        answered.unwrap();
        s.until(now + 5_000);
        s.sent(now..=now + 5_000, PEER, r#"NON 2.05 Content mid=$n token=86 [Max-Age: 60] payload 1 byte "x""#);
        s.all_free(now + 900_000);
    }
}

/// "With no state": whoever answers a group because it is busy would make everybody busy.
fn issue_3_full_tables_and_a_group<C: Scale>() {
    let mut s = eight::<C>(Config::DEFAULT);
    for id in 1..=4 {
        s.recv(0, PEER, &format!("CON GET mid=0x000{id}"));
        s.asked_by(PEER);
    }
    // Over its share.
    s.recv_group(10, PEER, GET).silence();
    for id in 1..=4 {
        s.recv(10, OTHER, &format!("CON GET mid=0x000{id}"));
        s.asked_by(OTHER);
    }
    // Every slot is live.
    s.recv_group(20, THIRD, GET).silence();
    let statistics = s.ep.statistics();
    assert_eq!((statistics.over_share, statistics.full), (1, 1));
    s.until(900_000).sent_lines();
}

/// An option that a request must not have twice is not understood the second time: to a group no more than elsewhere.
#[test]
fn rfc7252_5_4_5_by_a_group() {
    let mut s = roomy::<Indexed>(Config { known: |number| number == OptionNumber::URI_PATH, ..Config::DEFAULT });
    s.recv_group(0, PEER, "NON GET mid=0x0001 [7: 0x01, 7: 0x02]").silence();
    assert_eq!(s.ep.statistics().bad_options, 1);
}
