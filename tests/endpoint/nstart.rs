//! RFC 7252 4.7: how many exchanges are outstanding with one peer, and the order of those that wait.

use crate::GET;
use crate::endpoint::{OTHER, PEER, script, script_with};
use coaplet::endpoint::{Failure, Request};
use coaplet::{Code, Config, Token};

#[test]
fn rfc7252_4_7_one_at_a_time_to_one_peer() {
    let text = |name: &str| format!("CON GET mid=${name} token=$t{name} [Uri-Path: temperature]");
    // How the first one ends, and when the second one starts.
    for how in ["response", "ack", "separate", "rst", "timeout", "cancel"] {
        let mut s = script();
        let first = s.get(0, PEER);
        s.sent(0, PEER, &text("a"));
        let second = s.get(1, PEER);
        let third = s.get(2, PEER);
        // Another peer's does not wait, nor does a NON.
        s.get(3, OTHER);
        s.sent(3, OTHER, &text("o"));
        s.request(4, PEER, Request::get().non());
        s.sent(4, PEER, "NON GET mid=$n token=$u [Uri-Path: temperature]");
        s.recv(5, OTHER, "ACK Empty mid=$o").silence();
        let mut at = 100;
        match how {
            "response" => {
                s.recv(at, PEER, "ACK 2.05 Content mid=$a token=$ta").answered(
                    first,
                    PEER,
                    "ACK 2.05 Content mid=$a token=$ta",
                );
            }
            "ack" => _ = s.recv(at, PEER, "ACK Empty mid=$a"),
            "separate" => {
                s.recv(at, PEER, "NON 2.05 Content mid=0x0001 token=$ta").answered(
                    first,
                    PEER,
                    "NON 2.05 Content mid=0x0001 token=$ta",
                );
            }
            "rst" => _ = s.recv(at, PEER, "RST Empty mid=$a"),
            "timeout" => {
                s.until(92_900);
                for _ in 0..4 {
                    s.sent(0..=45_000, PEER, &text("a"));
                }
                at = s.failed(62_000..=93_000, first, Failure::TimedOut);
            }
            _ => {
                s.until(at);
                assert!(s.ep.cancel(first));
                s.until(at);
            }
        }
        let (sent, _) = s.sent(at, PEER, &text("b"));
        if how == "rst" {
            s.failed(at, first, Failure::Reset);
        }
        if how != "timeout" {
            s.silence();
        }
        // It has a first timeout of its own, from when it was sent.
        assert_eq!(sent, at);
        drop(s.sent_lines());
        // One that still waits is cancelled without a word; the end of the second then starts nothing.
        assert!(s.ep.cancel(third) && !s.ep.cancel(third));
        assert!(s.ep.cancel(second));
        let now = if how == "timeout" { 92_900 } else { at };
        s.until(now).silence();
        // And the next one does not wait.
        s.get(now, PEER);
        s.sent(now, PEER, &text("d"));
        s.recv(now, PEER, "RST Empty mid=$d");
        s.sent_lines();
        s.until(now + 200_000).sent_lines();
        s.all_free(now + 900_000);
    }
}

#[test]
fn rfc7252_4_7_a_separate_response_counts_too() {
    let mut s = script();
    s.recv(0, PEER, GET);
    let id = s.asked(PEER, GET);
    s.until(1_000).sent(1_000, PEER, "ACK Empty mid=0x7d34");
    let handle = s.get(1_100, PEER);
    s.sent(1_100, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
    // It waits behind the request, and a duplicate is acknowledged in the meantime.
    s.respond(1_200, id, Code::CONTENT, "x").silence();
    s.recv(1_300, PEER, GET).sent(1_300, PEER, "ACK Empty mid=0x7d34");
    s.recv(1_400, PEER, "ACK 2.05 Content mid=$a token=$t").answered(handle, PEER, "ACK 2.05 Content mid=$a token=$t");
    s.sent(1_400, PEER, r#"CON 2.05 Content mid=$b token=53 payload 1 byte "x""#);
    s.get(1_500, PEER);
    s.silence();
    s.recv(1_600, PEER, "ACK Empty mid=$b").sent(1_600, PEER, "CON GET mid=$c token=$u [Uri-Path: temperature]");
    s.recv(1_700, PEER, "RST Empty mid=$c");
    assert_eq!(s.sent_lines().len(), 1);
    s.all_free(900_000);
}

/// What ends between two polls: the turn has come for one that is cancelled before it is sent.
#[test]
fn rfc7252_4_7_cancelled_between_its_turn_and_the_poll() {
    let mut s = script();
    let handles: Vec<_> = (0..4).map(|_| s.get(0, PEER)).collect();
    s.sent(0, PEER, "CON GET mid=$a token=$ta [Uri-Path: temperature]");
    assert!(s.ep.cancel(handles[0]) && s.ep.cancel(handles[1]) && s.ep.cancel(handles[2]));
    s.until(10);
    s.sent(0..=10, PEER, "CON GET mid=$d token=$td [Uri-Path: temperature]");
    s.silence();
    s.get(20, PEER);
    s.silence();
    assert!(s.ep.cancel(handles[3]));
    s.until(30);
    s.sent(20..=30, PEER, "CON GET mid=$e token=$te [Uri-Path: temperature]");
    // The first ones' acknowledgements come late.
    s.recv(40, PEER, "ACK Empty mid=$a").recv(40, PEER, "RST Empty mid=$d").silence();
    s.recv(50, PEER, "ACK Empty mid=$e");
    s.until(200_000);
    assert_eq!(s.sent_lines().len(), 1);
    s.all_free(900_000);
}

/// Twenty requests to each of two peers in turn: all come, in order, and one peer that is silent does not hold up the other.
#[test]
fn rfc7252_4_7_the_queue_is_in_order_and_apart_for_each_peer() {
    let mut s = script_with(Config { queue: 20, ..Config::DEFAULT });
    let (mut mine, mut others) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        mine.push(s.get(0, PEER));
        others.push(s.get(0, OTHER));
    }
    s.sent(0, PEER, "CON GET mid=$a0 token=$t0 [Uri-Path: temperature]");
    s.sent(0, OTHER, "CON GET mid=$other token=$to [Uri-Path: temperature]");
    for n in 0..20 {
        let response = format!("ACK 2.05 Content mid=$a{n} token=$t{n}");
        s.recv(n * 10, PEER, &response).answered(mine[n as usize], PEER, &response);
        if n < 19 {
            s.sent(n * 10, PEER, &format!("CON GET mid=$a{0} token=$t{0} [Uri-Path: temperature]", n + 1));
        }
        s.silence();
    }
    for handle in others.into_iter().rev() {
        assert!(s.ep.cancel(handle));
    }
    s.all_free(900_000);
}

/// After the Empty ACK the response may come in a NON, or in an ACK where the peer took a duplicate for a new request.
#[test]
fn rfc7252_5_2_2_the_response_may_come_in_any_type_after_the_empty_acknowledgement() {
    for response in ["ACK 2.05 Content mid=$id token=$t", "NON 2.05 Content mid=0x0001 token=$t"] {
        let mut s = script();
        let handle = s.get(0, PEER);
        s.sent(0, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
        s.recv(10, PEER, "ACK Empty mid=$id");
        s.recv(20, PEER, response).answered(handle, PEER, response);
        s.all_free(900_000);
    }
}

#[test]
fn rfc7252_5_3_1_a_request_that_has_not_been_sent_cannot_be_answered() {
    let mut s = script();
    s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
    let waits = s.request(0, PEER, Request::get().token(Token::try_from(&[9][..]).unwrap()));
    s.silence();
    // A late separate response to an earlier request by the same token.
    s.recv(10, PEER, "CON 2.05 Content mid=0x0001 token=09");
    s.sent(10, PEER, "RST Empty mid=0x0001");
    s.silence();
    assert!(s.ep.cancel(waits));
}

/// A Message ID that was drawn long before it is sent might come again while it is on the way.
#[test]
fn rfc7252_4_4_one_that_waited_gets_its_message_id_when_it_goes() {
    let mut s = script();
    let first = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$a token=$ta [Uri-Path: temperature]");
    s.get(1, PEER);
    let _ping = s.ping(1, PEER);
    s.request(2, PEER, Request::get().non());
    s.sent(2, PEER, "NON GET mid=$n token=$tn [Uri-Path: temperature]");
    s.recv(3, PEER, "RST Empty mid=$a");
    s.sent(3, PEER, "CON GET mid=$b token=$tb [Uri-Path: temperature]");
    s.failed(3, first, Failure::Reset);
    s.recv(4, PEER, "ACK 2.05 Content mid=$b token=$tb");
    assert_eq!(s.sent_lines().len(), 2, "the response, and the ping whose turn has come");
    let id = |name: &str| u16::from_str_radix(s.name(name).trim_start_matches("0x"), 16).expect("a Message ID");
    let (a, n, b) = (id("a"), id("n"), id("b"));
    let behind = |one: u16, other: u16| other.wrapping_sub(one) == if one & 15 == 14 { 2 } else { 1 };
    assert!(behind(a, n) && behind(n, b), "{a:#x}, {n:#x}, {b:#x}");
    s.until(200_000).sent_lines();
}
