//! `forget(peer)` ends all that belongs to a peer; and handles and ids that are over, or another endpoint's, are error values.

#[macro_use]
mod endpoint;

use coaplet::endpoint::{Failure, Output, Request, RespondError, Usage};
use coaplet::store::{Indexed, Scale, Scan};
use coaplet::{Code, Config, Fixed, Instant, Transmission};
use endpoint::{Eight, OTHER, PEER, Roomy, Script, eight, roomy};
use std::collections::HashSet;

const GET: &str = "CON GET mid=0x7d34 token=53 [Uri-Path: temperature]";

in_both_scales! {
    issue_3_forget_ends_our_requests,
    issue_3_forget_leaves_others_alone,
    issue_3_forget_ends_the_requests_of_a_peer,
    issue_3_forget_forgets_what_is_remembered,
    issue_3_forget_a_response_that_is_on_the_way,
    issue_3_forget_a_response_that_is_told_of,
    issue_3_forget_what_is_about_to_be_told,
    issue_3_forget_does_not_repeat_message_ids,
    issue_3_forget_somebody_who_is_not_known,
    issue_3_forget_many_exchanges,
    issue_3_forget_lets_go_of_the_share_and_of_nstart,
    issue_3_ids_that_are_over,
    issue_3_handles_that_are_over,
    issue_3_handles_and_ids_of_another_endpoint,
}

/// NSTART of this, and a PROBING_RATE that does not matter.
fn nstart(nstart: u8) -> Config {
    let transmission = Transmission { nstart, probing_rate: u16::MAX, ..Transmission::DEFAULT };
    Config { transmission, ..Config::DEFAULT }
}

/// Takes so many failures, each of another request of these, each `Forgotten` at this moment.
fn forgotten<S: coaplet::Store<Peer = u16>>(s: &mut Script<S>, at: u64, handles: &[coaplet::endpoint::Handle]) {
    let mut told = HashSet::new();
    for _ in handles {
        let handle = s.failed_any(at, Failure::Forgotten);
        assert!(handles.contains(&handle) && told.insert(handle), "{handle:?}");
    }
    s.silence();
}

fn issue_3_forget_ends_our_requests<C: Scale>() {
    let mut s = roomy::<C>(nstart(2));
    // One that is outstanding, one acknowledged, a ping, a NON, and two that wait.
    let acked = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$b token=$tb [Uri-Path: temperature]");
    s.recv(0, PEER, "ACK Empty mid=$b");
    let mut handles = vec![acked, s.get(0, PEER)];
    s.sent(0, PEER, "CON GET mid=$a token=$ta [Uri-Path: temperature]");
    handles.push(s.ping(0, PEER));
    s.sent(0, PEER, "CON Empty mid=$p");
    handles.push(s.request(0, PEER, Request::get().non()));
    s.sent(0, PEER, "NON GET mid=$n token=$tn [Uri-Path: temperature]");
    handles.extend([s.get(0, PEER), s.get(0, PEER)]);
    s.silence();
    s.forget(100, PEER);
    forgotten(&mut s, 100, &handles);
    for handle in handles {
        assert!(!s.ep.cancel(handle));
    }
    // What comes now comes from a stranger: nothing of ours is outstanding with it.
    s.recv(200, PEER, "ACK Empty mid=$a").recv(200, PEER, "RST Empty mid=$p").silence();
    s.recv(200, PEER, "ACK 2.05 Content mid=$a token=$ta").recv(200, PEER, "NON 2.05 Content mid=0x0001 token=$tn");
    s.silence();
    s.recv(200, PEER, "CON 2.05 Content mid=0x0002 token=$tb").sent(200, PEER, "RST Empty mid=0x0002");
    // Nothing is sent again.
    s.all_free(900_000);
}

fn issue_3_forget_leaves_others_alone<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    let ours = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$a token=$ta [Uri-Path: temperature]");
    let other = s.get(0, OTHER);
    s.sent(0, OTHER, "CON GET mid=$b token=$tb [Uri-Path: temperature]");
    let group = s.request(0, 99, Request::get().group());
    s.sent(0, 99, "NON GET mid=$g token=$tg [Uri-Path: temperature]");
    s.recv(0, OTHER, GET);
    let asked = s.asked(OTHER, GET);
    s.forget(100, PEER);
    forgotten(&mut s, 100, &[ours]);
    s.recv(200, OTHER, "ACK 2.05 Content mid=$b token=$tb").answered(other, OTHER, "ACK 2.05 Content mid=$b token=$tb");
    // A member of the group is one like any other.
    s.recv(200, PEER, "NON 2.05 Content mid=0x0001 token=$tg");
    s.answered(group, PEER, "NON 2.05 Content mid=0x0001 token=$tg");
    s.respond(200, asked, Code::CONTENT, "x");
    s.sent(200, OTHER, r#"ACK 2.05 Content mid=0x7d34 token=53 payload 1 byte "x""#);
    s.until(495_000).failed(495_000, group, Failure::TimedOut);
    s.all_free(900_000);
}

fn issue_3_forget_ends_the_requests_of_a_peer<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    let mut ids = Vec::new();
    // To be answered at once, later, in a NON, to a group; and one that waits for its part of the leisure.
    for (n, kind) in ["CON", "CON", "NON"].into_iter().enumerate() {
        s.recv(0, PEER, &format!("{kind} GET mid=0x000{n}"));
        ids.push(s.asked_by(PEER));
    }
    s.defer(0, ids[1]);
    s.sent(0, PEER, "ACK Empty mid=0x0001");
    s.recv_group(0, PEER, "NON GET mid=0x0003");
    ids.push(s.asked_by(PEER));
    s.recv_group(0, PEER, "NON GET mid=0x0004");
    let leisurely = s.asked_by(PEER);
    s.respond(0, leisurely, Code::CONTENT, "x");
    s.sent_lines();
    s.forget(10, PEER).silence();
    for id in ids {
        assert_eq!(s.try_respond(20, id, |w| _ = w.code(Code::CONTENT)), Err(RespondError::Stale));
        assert_eq!(s.try_defer(20, id), Err(RespondError::Stale));
    }
    // No Empty ACK, no 5.03, nothing at the end of the leisure.
    s.until(300_000).silence();
    s.all_free(900_000);
}

fn issue_3_forget_forgets_what_is_remembered<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    s.recv(0, PEER, GET);
    let id = s.asked(PEER, GET);
    s.respond(0, id, Code::CONTENT, "x");
    s.sent(0, PEER, r#"ACK 2.05 Content mid=0x7d34 token=53 payload 1 byte "x""#);
    let handle = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
    s.recv(0, PEER, "CON 2.05 Content mid=0x0001 token=$t").sent(0, PEER, "ACK Empty mid=0x0001");
    s.answered(handle, PEER, "CON 2.05 Content mid=0x0001 token=$t");
    assert_eq!(s.ep.usage().remembered, 2);
    s.forget(10, PEER).silence();
    assert_eq!((s.ep.usage().remembered, s.ep.usage().exchanges, s.ep.usage().blocks), (0, 0, 0));
    s.recv(20, PEER, "CON 2.05 Content mid=0x0001 token=$t").sent(20, PEER, "RST Empty mid=0x0001");
    s.recv(20, PEER, GET);
    s.asked(PEER, GET);
    s.until(900_000).sent_lines();
    s.all_free(900_000);
}

fn issue_3_forget_a_response_that_is_on_the_way<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    s.recv(0, PEER, GET);
    let id = s.asked(PEER, GET);
    s.defer(0, id);
    s.sent(0, PEER, "ACK Empty mid=0x7d34");
    s.respond(0, id, Code::CONTENT, "x");
    s.sent(0, PEER, r#"CON 2.05 Content mid=$c token=53 payload 1 byte "x""#);
    s.forget(10, PEER).silence();
    s.recv(20, PEER, "ACK Empty mid=$c").silence();
    s.recv(30, PEER, GET);
    let id = s.asked(PEER, GET);
    s.respond(30, id.idempotent(), Code::CONTENT, "");
    s.sent(30, PEER, "ACK 2.05 Content mid=0x7d34 token=53");
    s.all_free(900_000);
}

/// "What was remembered of it is free", also where it was to be told how the response ends.
fn issue_3_forget_a_response_that_is_told_of<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    s.recv(0, PEER, GET);
    let id = s.asked(PEER, GET);
    s.defer(0, id);
    s.sent(0, PEER, "ACK Empty mid=0x7d34");
    s.respond(0, id.report(), Code::CONTENT, "x");
    s.sent(0, PEER, r#"CON 2.05 Content mid=$c token=53 payload 1 byte "x""#);
    s.forget(10, PEER);
    s.told(10, Output::Undelivered(id, Failure::Forgotten));
    s.silence();
    assert_eq!((s.ep.usage().exchanges, s.ep.usage().remembered), (0, 0));
    s.recv(20, PEER, "ACK Empty mid=$c").silence();
    s.recv(30, PEER, GET);
    s.asked(PEER, GET);
    s.until(900_000).sent_lines();
    s.all_free(900_000);
}

/// It has ended, and `poll` has not been called since: it ended as it did, and is told once.
fn issue_3_forget_what_is_about_to_be_told<C: Scale>() {
    let mut s = roomy::<C>(nstart(2));
    let reset = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
    s.recv(0, PEER, GET);
    let id = s.asked(PEER, GET);
    s.defer(0, id);
    s.sent(0, PEER, "ACK Empty mid=0x7d34");
    s.respond(0, id.report(), Code::CONTENT, "x");
    s.sent(0, PEER, r#"CON 2.05 Content mid=$c token=53 payload 1 byte "x""#);
    let (now, mut tx) = (Instant::from_millis(10), [0; 64]);
    s.until(10);
    for text in ["RST Empty mid=$a", "ACK Empty mid=$c"] {
        let bytes = s.encode(text);
        let input = s.ep.handle(now, PEER, coaplet::endpoint::Arrival::Unicast, &bytes, &mut tx);
        assert!(input.reply.is_none());
    }
    s.ep.forget(now, PEER).unwrap();
    s.until(10);
    s.failed(10, reset, Failure::Reset);
    s.told(10, Output::Delivered(id));
    s.silence();
    s.recv(30, PEER, GET);
    s.asked(PEER, GET);
    s.until(900_000).sent_lines();
    s.all_free(900_000);
}

fn issue_3_forget_does_not_repeat_message_ids<C: Scale>() {
    let mut s = roomy::<C>(nstart(1));
    let mut ids = HashSet::new();
    for round in 0..200 {
        s.request(round * 1_000, PEER, Request::get().non());
        let (_, bytes) = s.sent_any(PEER);
        assert!(ids.insert([bytes[2], bytes[3]]), "given out twice, in round {round}");
        s.forget(round * 1_000 + 10, PEER);
        assert_eq!(s.sent_lines().len(), 1);
        // Without an index the Message IDs are those towards all, and nothing is kept of this peer.
        assert_eq!((s.ep.usage().peers, s.ep.usage().exchanges), (u32::from(C::INDEXED), 0));
    }
    s.all_free(900_000);
}

fn issue_3_forget_somebody_who_is_not_known<C: Scale>() {
    let mut s = eight::<C>(Config::DEFAULT);
    s.forget(0, PEER).silence();
    assert_eq!(s.ep.usage(), Usage::default());
    // Twice; and one of whom nothing but Message IDs is known.
    let handle = s.get(0, PEER);
    s.sent_any(PEER);
    s.forget(10, PEER).failed(10, handle, Failure::Forgotten);
    s.forget(20, PEER).forget(20, PEER).silence();
    s.all_free(900_000);
}

/// More than a call looks through, one call after the other; and none is told twice.
fn issue_3_forget_many_exchanges<C: Scale>() {
    let mut s = Script::new(nstart(1), Fixed::<u16, 4, 300, 2048, 0, 0, C>::new());
    let (mut handles, mut others) = (Vec::new(), Vec::new());
    for n in 0..280 {
        let to = if n % 7 == 0 { OTHER } else { PEER };
        let handle = s.request(0, to, Request::get().non());
        if to == PEER { handles.push(handle) } else { others.push(handle) }
    }
    assert_eq!(s.sent_lines().len(), 280);
    s.forget(10, PEER);
    forgotten(&mut s, 10, &handles);
    assert_eq!(s.ep.usage().exchanges as usize, others.len());
    for handle in others {
        assert!(s.ep.cancel(handle));
    }
    s.all_free(900_000);
}

/// Afterwards it may ask, and be asked, as at the first time.
fn issue_3_forget_lets_go_of_the_share_and_of_nstart<C: Scale>() {
    let mut s = eight::<C>(Config { peer_share: 0, ..Config::DEFAULT });
    for round in 0..20 {
        let now = round * 1_000;
        s.recv(now, PEER, &format!("CON GET mid=0x{round:04x}"));
        s.asked_by(PEER);
        let handle = s.get(now, PEER);
        s.sent(now, PEER, &format!("CON GET mid=$a{round} token=$t{round} [Uri-Path: temperature]"));
        s.request(now, PEER, Request::get().non());
        s.sent_any(PEER);
        s.forget(now + 10, PEER);
        s.failed_any(now + 10, Failure::Forgotten);
        s.failed_any(now + 10, Failure::Forgotten);
        assert!(!s.ep.cancel(handle));
    }
    s.all_free(900_000);
}

/// With an index it takes a slot for the Message IDs that are on the way.
#[test]
fn issue_3_forget_in_a_full_table_of_peers() {
    fn full<C: Scale>() -> Script<Eight<C>> {
        let mut s = eight::<C>(Config::DEFAULT);
        for peer in 1..=4 {
            s.get(0, peer);
        }
        assert_eq!(s.sent_lines().len(), 4);
        s
    }
    let mut s = full::<Indexed>();
    let refused = s.try_forget(1_000, 1).unwrap_err();
    assert_eq!(refused.until, Instant::from_millis(1_000 + 247_000));
    s.silence();
    // Nothing is changed by it.
    s.until(3_000);
    assert_eq!(s.sent_lines().len(), 4, "each is sent again");
    s.until(200_000).sent_lines();
    s.all_free(900_000);
    let mut s = full::<Scan>();
    s.forget(1_000, 1);
    s.failed_any(1_000, Failure::Forgotten);
    s.until(200_000).sent_lines();
}

// "A stale or foreign `Handle` is an error value."

fn issue_3_ids_that_are_over<C: Scale>() {
    let over = |s: &mut Script<Roomy<C>>, now: u64, id| {
        assert_eq!(s.try_respond(now, id, |w| _ = w.code(Code::CONTENT)), Err(RespondError::Stale));
        assert_eq!(s.try_defer(now, id), Err(RespondError::Stale));
        let before = s.ep.usage();
        for answer in [id.idempotent(), id.ages(), id.report()] {
            assert_eq!(s.try_respond(now, answer, |_| panic!("it is not built")), Err(RespondError::Stale));
        }
        assert_eq!(s.ep.usage(), before);
    };
    for kind in ["CON", "NON"] {
        for how in ["answered", "idempotent", "separate", "given up", "refused", "remembered no more"] {
            let mut s = roomy::<C>(Config::DEFAULT);
            s.recv(0, PEER, &format!("{kind} POST mid=0x0001"));
            let id = s.asked_by(PEER);
            let mut now = 10;
            match how {
                "answered" => _ = s.respond(10, id, Code::CHANGED, ""),
                "idempotent" => _ = s.respond(10, id.idempotent(), Code::CHANGED, ""),
                "separate" | "given up" => {
                    s.defer(10, id);
                    s.respond(20, id, Code::CHANGED, "");
                    now = if how == "given up" { 100_000 } else { 20 };
                }
                "refused" => now = 70_000,
                _ => {
                    s.respond(10, id, Code::CHANGED, "");
                    now = 500_000;
                }
            }
            s.until(now).sent_lines();
            over(&mut s, now, id);
            // The slot has a new tenant.
            for n in 2..10 {
                s.recv(now, PEER, &format!("NON POST mid=0x{n:04x}"));
                s.asked_by(PEER);
            }
            over(&mut s, now, id);
            s.until(now + 900_000).sent_lines();
            over(&mut s, now + 900_000, id);
        }
    }
}

fn issue_3_handles_that_are_over<C: Scale>() {
    for how in ["answered", "reset", "timed out", "cancelled", "forgotten", "pinged", "group"] {
        let mut s = roomy::<C>(Config::DEFAULT);
        let handle = match how {
            "pinged" => s.ping(0, PEER),
            "group" => s.request(0, 99, Request::get().group()),
            _ => s.get(0, PEER),
        };
        s.sent_any_as(if how == "group" { 99 } else { PEER }, "a");
        let mut now = 1_000;
        match how {
            "reset" | "pinged" => _ = s.recv(now, PEER, "RST Empty mid=$a"),
            "timed out" => now = 100_000,
            "forgotten" => _ = s.forget(now, PEER),
            "group" => now = 500_000,
            "answered" => {
                s.recv(now, PEER, "ACK Empty mid=$a");
                assert!(s.ep.round_trip(handle).is_some());
                now = 200_000;
            }
            _ => assert!(s.ep.cancel(handle)),
        }
        s.until(now).sent_lines();
        for _ in 0..2 {
            assert!(!s.ep.cancel(handle), "{how}");
            assert_eq!(s.ep.round_trip(handle), None, "{how}");
            // The slot has a new tenant.
            let tenant = s.get(now, OTHER);
            s.sent_any_as(OTHER, "b");
            assert!(!s.ep.cancel(handle) && s.ep.round_trip(handle).is_none());
            s.recv(now, OTHER, "ACK Empty mid=$b");
            assert!(s.ep.round_trip(handle).is_none() && s.ep.round_trip(tenant).is_some());
            assert!(s.ep.cancel(tenant));
            s.all_free(now + 900_000);
            now += 900_000;
        }
    }
}

fn issue_3_handles_and_ids_of_another_endpoint<C: Scale>() {
    let mut one = roomy::<C>(Config::DEFAULT);
    let mut two = Script::seeded(Config::DEFAULT, Roomy::<C>::new(), [9; 16]);
    let mut of_one = Vec::new();
    for n in 0..10 {
        let take = |s: &mut Script<Roomy<C>>| {
            let handle = s.request(0, n, Request::get());
            s.sent_any_as(n, "a");
            s.recv(0, n, "ACK Empty mid=$a");
            s.recv(0, n, "CON GET mid=0x0001");
            (handle, s.asked_by(n))
        };
        of_one.push(take(&mut one));
        take(&mut two);
    }
    for (handle, id) in of_one {
        assert!(two.ep.round_trip(handle).is_none() && !two.ep.cancel(handle));
        assert_eq!(two.try_respond(0, id, |w| _ = w.code(Code::CONTENT)), Err(RespondError::Stale));
        assert_eq!(two.try_defer(0, id), Err(RespondError::Stale));
        assert!(one.ep.round_trip(handle).is_some() && one.ep.cancel(handle));
        one.respond(0, id, Code::CONTENT, "");
    }
    assert_eq!(two.ep.usage().exchanges, 20);
    assert_eq!(one.sent_lines().len(), 10);
    two.until(900_000).sent_lines();
}
