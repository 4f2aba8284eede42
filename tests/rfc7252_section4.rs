//! RFC 7252 section 4, and what of section 5 it takes to match a response: each rule as a timed script.

#[macro_use]
mod endpoint;

#[path = "endpoint/clocks.rs"]
mod clocks;
#[path = "endpoint/limits.rs"]
mod limits;
#[path = "endpoint/nstart.rs"]
mod nstart;

use coaplet::endpoint::{Failure, Request};
use coaplet::{Code, Config, Token, Transmission};
use core::time::Duration;
use endpoint::{Large, OTHER, PEER, Script, script, script_with};
use serde_json::Value;

const GET: &str = "CON GET mid=0x7d34 token=53 [Uri-Path: temperature]";
const NON_GET: &str = "NON GET mid=0x7d34 token=53 [Uri-Path: temperature]";

fn behaviour() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/behaviour.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn millis(row: &Value, key: &str) -> Vec<u64> {
    row[key].as_array().unwrap().iter().map(|s| (s.as_f64().unwrap() * 1000.0) as u64).collect()
}

// 4.2: transmission.

/// 4.2, 4.8.2: the last retransmission is due as MAX_TRANSMIT_SPAN ends, where the first timeout is the longest. A loop that
/// comes ten milliseconds late sends it all the same; one that comes seconds late does not.
#[test]
fn rfc7252_4_2_the_last_retransmission_may_be_late_a_little() {
    use coaplet::endpoint::Output;
    let transmission = Transmission { ack_random_factor: 1000, ..Transmission::DEFAULT };
    assert_eq!(transmission.max_transmit_span(), Duration::from_secs(30));
    for (late, sent) in [(0, 4), (10, 4), (500, 4), (501, 3), (5_000, 3)] {
        let store = coaplet::Fixed::<u16, 1, 2, 128>::new();
        let mut ep = coaplet::Endpoint::new(Config { transmission, ..Config::DEFAULT }, [1; 16], store);
        let mut tx = [0; 64];
        let at = coaplet::Instant::from_millis;
        let made = ep.request(at(0), PEER, Request::get(), &mut tx, |_| {});
        assert!(made.is_ok_and(|(_, first)| first.is_some()));
        let mut again = 0;
        for due in [2_000, 6_000, 14_000, 30_000] {
            // In time, but for the last one.
            let now = at(if due == 30_000 { due + late } else { due });
            while let Output::Send(_) = ep.poll(now, &mut tx) {
                again += 1;
            }
        }
        assert_eq!(again, sent, "{late} ms late");
    }
}

/// 4.2, 4.8.2 and `transmission` of behaviour.json, with a hundred different draws of the first timeout.
#[test]
fn rfc7252_4_2_retransmissions_and_giving_up() {
    let file = behaviour();
    let rows = file["transmission"].as_array().unwrap();
    assert_eq!(rows.len(), 1);
    let (least, most) =
        (millis(&rows[0], "retransmit_at_offsets_min_s"), millis(&rows[0], "retransmit_at_offsets_max_s"));
    let give_up = [&rows[0]["give_up_min_s"], &rows[0]["give_up_max_s"]].map(|s| s.as_u64().unwrap() * 1000);
    assert_eq!((least.len(), most.len()), (4, 4));
    let mut drawn = std::collections::BTreeSet::new();
    for seed in 0..100_u8 {
        let mut s = Script::seeded(Config::DEFAULT, Large::new(), [seed; 16]);
        let start = 1_000_000;
        let handle = s.get(start, PEER);
        let (_, first) = s.sent(start, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
        s.until(start + 100_000);
        let mut at = Vec::new();
        for (least, most) in least.iter().zip(&most) {
            let (when, bytes) =
                s.sent(start + least..=start + most, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
            assert_eq!(bytes, first, "identical bytes");
            at.push(when - start);
        }
        let timeout = at[0];
        drawn.insert(timeout);
        // "the timeout is doubled", exactly.
        assert_eq!(at, [timeout, 3 * timeout, 7 * timeout, 15 * timeout]);
        let failed = s.failed(start + give_up[0]..=start + give_up[1], handle, Failure::TimedOut);
        assert_eq!(failed - start, 31 * timeout);
        s.all_free(start + 700_000);
    }
    // "a random duration (often not an integral number of seconds)", over the whole range.
    assert!(drawn.len() > 80, "{drawn:?}");
    assert!(drawn.first().is_some_and(|&t| t < 2_100) && drawn.last().is_some_and(|&t| t > 2_900), "{drawn:?}");
}

#[test]
fn rfc7252_4_8_parameters_are_configurable() {
    for (ack_timeout, factor, times) in [(1_000_u64, 1_000_u16, 0_u8), (4_000, 1_000, 2), (500, 1_000, 6)] {
        let transmission = Transmission {
            ack_timeout: Duration::from_millis(ack_timeout),
            ack_random_factor: factor,
            max_retransmit: times,
            ..Transmission::DEFAULT
        };
        let mut s = script_with(Config { transmission, ..Config::DEFAULT });
        let handle = s.get(0, PEER);
        s.sent(0, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
        s.until(200_000);
        let mut at = 0;
        for n in 0..times {
            at += ack_timeout << n;
            s.sent(at, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
        }
        s.failed(at + (ack_timeout << times), handle, Failure::TimedOut);
    }
}

#[test]
fn rfc7252_4_2_one_who_sleeps_late_catches_up_no_faster_than_ack_timeout() {
    // "the minimum spacing before another retransmission is ACK_TIMEOUT", and all "in the envelope of MAX_TRANSMIT_SPAN".
    let mut s = script();
    let handle = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    s.oversleep(40_000).until(40_000);
    s.sent(40_000, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    s.silence();
    // Another one from 42 s to 45 s would do; the end is at MAX_TRANSMIT_WAIT at the latest.
    s.until(41_999).silence();
    s.until(45_000).sent_lines();
    s.until(300_000);
    s.failed(45_000..=93_000, handle, Failure::TimedOut);
}

#[test]
fn rfc7252_4_2_a_separate_response_is_retransmitted_and_given_up() {
    let mut s = script();
    s.recv(0, PEER, GET);
    let id = s.asked(PEER, GET);
    s.until(1_000).sent(1_000, PEER, "ACK Empty mid=0x7d34");
    s.respond(2_000, id, Code::CONTENT, "21.5");
    let text = r#"CON 2.05 Content mid=$id token=53 payload 4 bytes "21.5""#;
    let (_, first) = s.sent(2_000, PEER, text);
    s.until(100_000);
    for range in [4_000..=5_000, 8_000..=11_000, 16_000..=23_000, 32_000..=47_000] {
        assert_eq!(s.sent(range, PEER, text).1, first);
    }
    s.silence();
    // "it MUST retain the state to create the ACK for the request".
    s.recv(100_100, PEER, GET).sent(100_100, PEER, "ACK Empty mid=0x7d34");
    s.all_free(900_000);
}

#[test]
fn rfc7252_4_2_a_reset_ends_a_request() {
    let mut s = script();
    let handle = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    // 4.4: from another endpoint it does not count.
    s.recv(10, OTHER, "RST Empty mid=$id").silence();
    s.recv(20, PEER, "RST Empty mid=$id");
    s.failed(20, handle, Failure::Reset);
    s.recv(30, PEER, "RST Empty mid=$id").silence();
    // A NON one too.
    let handle = s.request(100, PEER, Request::get().non());
    s.sent(100, PEER, "NON GET mid=$non token=$u [Uri-Path: temperature]");
    s.recv(120, PEER, "RST Empty mid=$non");
    s.failed(120, handle, Failure::Reset);
    s.all_free(700_000);
}

#[test]
fn rfc7252_4_2_an_empty_acknowledgement_starts_the_wait_for_the_response() {
    let mut s = script();
    let handle = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    s.recv(10, OTHER, "ACK Empty mid=$id").silence();
    s.recv(1_000, PEER, "ACK Empty mid=$id");
    // A second one changes nothing.
    s.recv(50_000, PEER, "ACK Empty mid=$id");
    s.until(300_000);
    s.failed(94_000, handle, Failure::TimedOut);
    // By configuration.
    let mut s = script_with(Config { response_timeout: Duration::from_secs(5), ..Config::DEFAULT });
    let acked = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    s.recv(1_000, PEER, "ACK Empty mid=$id");
    let non = s.request(2_000, PEER, Request::get().non());
    s.sent(2_000, PEER, "NON GET mid=$non token=$u [Uri-Path: temperature]");
    s.until(20_000);
    s.failed(6_000, acked, Failure::TimedOut);
    s.failed(7_000, non, Failure::TimedOut);
}

// 4.2, 4.3: what is rejected, and how.

#[test]
fn rfc7252_4_2_4_3_what_nobody_waits_for() {
    let mut s = script();
    s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    for from in [PEER, OTHER] {
        s.recv(10, from, "CON 2.05 Content mid=0x0101 token=1234567890");
        s.sent(10, from, "RST Empty mid=0x0101");
        s.recv(10, from, "NON 2.05 Content mid=0x0102 token=1234567890").silence();
        s.recv(10, from, "ACK 2.05 Content mid=0x0103 token=1234567890").silence();
        s.recv(10, from, "ACK Empty mid=0x0104").silence();
        s.recv(10, from, "RST Empty mid=0x0105").silence();
        // 4.3: a ping; once more, the same.
        for _ in 0..2 {
            s.recv(10, from, "CON Empty mid=0x0106");
            s.sent(10, from, "RST Empty mid=0x0106");
        }
        // A NON must not be Empty.
        s.recv_bytes(10, from, b"\x50\x00\x01\x07").silence();
    }
    // The right token from another peer.
    s.recv(20, OTHER, "ACK 2.05 Content mid=$id token=$t").silence();
    s.recv(20, OTHER, "NON 2.05 Content mid=0x0107 token=$t").silence();
    s.recv(20, OTHER, "CON 2.05 Content mid=0x0108 token=$t");
    s.sent(20, OTHER, "RST Empty mid=0x0108");
}

#[test]
fn rfc7252_4_2_4_3_format_errors_and_reserved_codes() {
    // After the first byte of the header: code, Message ID 0x0a0b, the rest. What parse refuses.
    let faults: [(&str, u8, &[u8]); 9] = [
        ("token length 15", 0x0f, b"\x01\x0a\x0b"),
        ("token cut short", 0x04, b"\x01\x0a\x0bab"),
        ("marker without a payload", 0x00, b"\x01\x0a\x0b\xff"),
        ("option delta 15", 0x00, b"\x01\x0a\x0b\xf1a"),
        ("option length 15", 0x00, b"\x01\x0a\x0b\x1fa"),
        ("option value cut short", 0x00, b"\x01\x0a\x0b\xb5ab"),
        ("empty with a token", 0x01, b"\x00\x0a\x0ba"),
        ("reserved class 1", 0x00, b"\x21\x0a\x0b"),
        ("reserved class 6", 0x00, b"\xc1\x0a\x0b"),
    ];
    for (what, low, rest) in faults {
        for (t, answered) in [(0x40_u8, true), (0x50, false), (0x60, false), (0x70, false)] {
            let mut s = script();
            s.recv_bytes(0, PEER, &[&[t | low][..], rest].concat());
            if answered {
                s.sent(0, PEER, "RST Empty mid=0x0a0b");
            }
            let rest = s.sent_lines();
            assert!(rest.is_empty(), "{what} with type {t:#x}: {rest:?}");
            assert_eq!(s.ep.usage(), Default::default(), "{what}");
        }
    }
    let mut s = script();
    s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    let [high, low] = u16::from_str_radix(&s.name("id")[2..], 16).unwrap().to_be_bytes();
    // 4.2: an ACK that carries a request or a reserved class, a Reset that is not Empty; under the Message ID that is waited for.
    for bytes in [[0x60, 0x01], [0x60, 0x21], [0x60, 0xe1], [0x70, 0x45], [0x70, 0x01], [0x70, 0x21]] {
        s.recv_bytes(10, PEER, &[&bytes[..], &[high, low]].concat()).silence();
    }
    // Section 3: other versions are ignored, whatever the type.
    for first in [0x00, 0x10, 0x20, 0x30, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0] {
        s.recv_bytes(20, PEER, &[first, 0x01, high, low]).silence();
    }
    // Fewer bytes than a header.
    for len in 0..4 {
        s.recv_bytes(30, PEER, &[0x40, 1, 2, 3][..len]).silence();
    }
    // And the request is still waiting.
    s.recv(40, PEER, "RST Empty mid=$id");
    assert_eq!(s.sent_lines().len(), 1);
}

#[test]
fn rfc7252_5_4_1_critical_options_that_are_not_understood() {
    let mut s = script();
    s.recv(0, PEER, "CON GET mid=0x0001 token=aa [Uri-Path: a, 65001: 0x01]");
    let (_, bytes) =
        s.sent(0, PEER, r#"ACK 4.02 Bad Option mid=0x0001 token=aa payload 30 bytes "option 65001 is not understood""#);
    // 4.5: the same acknowledgement to a duplicate.
    s.recv(2_000, PEER, "CON GET mid=0x0001 token=aa [Uri-Path: a, 65001: 0x01]");
    assert_eq!(
        s.sent(
            2_000,
            PEER,
            r#"ACK 4.02 Bad Option mid=0x0001 token=aa payload 30 bytes "option 65001 is not understood""#
        )
        .1,
        bytes
    );
    s.recv(2_100, PEER, "NON GET mid=0x0002 token=aa [Uri-Path: a, 65001: 0x01]").silence();
    // An elective one is ignored: the request comes through.
    s.recv(2_200, PEER, "CON GET mid=0x0003 token=aa [Uri-Path: a, 65000: 0x01]");
    let id = s.asked(PEER, "CON GET mid=0x0003 token=aa [Uri-Path: a, 65000: 0x01]");
    s.respond(2_200, id, Code::CONTENT, "a");
    s.sent(2_200, PEER, r#"ACK 2.05 Content mid=0x0003 token=aa payload 1 byte "a""#);
    // In responses: rejected, and the request goes on.
    let handle = s.get(3_000, PEER);
    s.sent(3_000, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    s.recv(3_100, PEER, "CON 2.05 Content mid=0x0004 token=$t [65001: 0x01]");
    s.sent(3_100, PEER, "RST Empty mid=0x0004");
    s.recv(3_200, PEER, "ACK 2.05 Content mid=$id token=$t [65001: 0x01]").silence();
    s.recv(3_300, PEER, "NON 2.05 Content mid=0x0005 token=$t [65001: 0x01]").silence();
    s.recv(3_400, PEER, "ACK 2.05 Content mid=$id token=$t");
    s.answered(handle, PEER, "ACK 2.05 Content mid=$id token=$t");
    drop(s);
    // Unless the application knows it.
    let mut s = script_with(Config { known: |number| number.get() == 65001, ..Config::DEFAULT });
    s.recv(0, PEER, "CON GET mid=0x0001 token=aa [65001: 0x01]");
    s.asked(PEER, "CON GET mid=0x0001 token=aa [65001: 0x01]");
}

// 4.5: duplicates.

#[test]
fn rfc7252_4_5_a_duplicate_before_the_answer() {
    let mut s = script();
    s.recv(0, PEER, GET);
    let id = s.asked(PEER, GET);
    s.recv(500, PEER, GET).sent(500, PEER, "ACK Empty mid=0x7d34");
    // The request counts as acknowledged: no second Empty ACK by itself, and a separate response.
    s.until(1_500).silence();
    s.recv(1_600, PEER, GET).sent(1_600, PEER, "ACK Empty mid=0x7d34");
    s.respond(1_700, id, Code::CONTENT, "21.5");
    s.sent(1_700, PEER, r#"CON 2.05 Content mid=$id token=53 payload 4 bytes "21.5""#);
    // After the separate response, before and after its acknowledgement.
    s.recv(1_800, PEER, GET).sent(1_800, PEER, "ACK Empty mid=0x7d34");
    s.recv(1_900, PEER, "ACK Empty mid=$id");
    s.recv(2_000, PEER, GET).sent(2_000, PEER, "ACK Empty mid=0x7d34");
    // The same Message ID of another peer is another request.
    s.recv(2_100, OTHER, GET);
    let id = s.asked(OTHER, GET);
    s.respond(2_200, id, Code::CONTENT, "x");
    s.sent(2_200, OTHER, r#"ACK 2.05 Content mid=0x7d34 token=53 payload 1 byte "x""#);
    s.all_free(900_000);
}

#[test]
fn rfc7252_4_5_a_duplicate_after_the_answer_until_exchange_lifetime_is_over() {
    let mut s = script();
    s.recv(0, PEER, GET);
    let id = s.asked(PEER, GET);
    s.respond(100, id, Code::CONTENT, "21.5");
    let text = r#"ACK 2.05 Content mid=0x7d34 token=53 payload 4 bytes "21.5""#;
    let (_, first) = s.sent(100, PEER, text);
    for at in [101, 2_000, 45_000, 100_000, 246_999] {
        s.recv(at, PEER, GET);
        assert_eq!(s.sent(at, PEER, text).1, first);
    }
    // 4.4: after EXCHANGE_LIFETIME the Message ID may stand for something new.
    s.recv(247_101, PEER, GET);
    s.asked(PEER, GET);
}

#[test]
fn rfc7252_4_4_a_message_id_is_new_after_exchange_lifetime_for_one_who_has_not_polled() {
    let mut s = script();
    s.recv(0, PEER, GET);
    let id = s.asked(PEER, GET);
    s.respond(0, id, Code::CONTENT, "21.5");
    s.sent(0, PEER, r#"ACK 2.05 Content mid=0x7d34 token=53 payload 4 bytes "21.5""#);
    let bytes = s.encode(GET);
    s.oversleep(300_000).take(PEER, &bytes);
    s.asked(PEER, GET);
}

#[test]
fn rfc7252_4_5_a_duplicate_non() {
    let mut s = script();
    s.recv(0, PEER, NON_GET);
    let id = s.asked(PEER, NON_GET);
    s.recv(10, PEER, NON_GET).silence();
    s.respond(100, id, Code::CONTENT, "21.5");
    s.sent(100, PEER, r#"NON 2.05 Content mid=$id token=53 payload 4 bytes "21.5""#);
    s.recv(200, PEER, NON_GET).silence();
    s.recv(144_999, PEER, NON_GET).silence();
    // NON_LIFETIME is over.
    s.recv(145_101, PEER, NON_GET);
    s.asked(PEER, NON_GET);
}

#[test]
fn rfc7252_4_5_a_duplicate_response_is_acknowledged_again() {
    let mut s = script();
    let handle = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    s.recv(100, PEER, "CON 2.05 Content mid=0xad7b token=$t");
    s.sent(100, PEER, "ACK Empty mid=0xad7b");
    s.answered(handle, PEER, "CON 2.05 Content mid=0xad7b token=$t");
    for at in [2_600, 10_000, 240_000] {
        s.recv(at, PEER, "CON 2.05 Content mid=0xad7b token=$t").sent(at, PEER, "ACK Empty mid=0xad7b");
    }
    // 5.2.2: it counted as the acknowledgement: no retransmission, and a late ACK is ignored.
    s.recv(240_100, PEER, "ACK Empty mid=$id").silence();
    s.all_free(900_000);
    drop(s);
    let mut s = script();
    let handle = s.request(0, PEER, Request::get().non());
    s.sent(0, PEER, "NON GET mid=$id token=$t [Uri-Path: temperature]");
    s.recv(100, PEER, "NON 2.05 Content mid=0xad7b token=$t");
    s.answered(handle, PEER, "NON 2.05 Content mid=0xad7b token=$t");
    s.recv(200, PEER, "NON 2.05 Content mid=0xad7b token=$t").silence();
}

// 5.2.2: separate responses.

#[test]
fn rfc7252_5_2_2_acknowledged_by_itself_and_refused_by_itself() {
    let mut s = script();
    s.recv(0, PEER, GET);
    let id = s.asked(PEER, GET);
    s.until(50_000).sent(1_000, PEER, "ACK Empty mid=0x7d34");
    s.silence();
    s.until(62_000);
    let (_, bytes) = s.sent(60_000..=61_000, PEER, "CON 5.03 Service Unavailable mid=$id token=53");
    assert_eq!(bytes.len(), 5);
    // Too late for the application.
    assert!(
        s.try_respond(62_000, id, |w| {
            w.code(Code::CONTENT);
        })
        .is_err()
    );
    s.recv(62_000, PEER, "ACK Empty mid=$id");
    s.recv(62_100, PEER, GET).sent(62_100, PEER, "ACK Empty mid=0x7d34");
    s.all_free(900_000);
    drop(s);
    // Both times by configuration; and for a NON.
    let config = Config {
        acknowledge_after: Duration::from_millis(200),
        answer_timeout: Duration::from_secs(3),
        ..Config::DEFAULT
    };
    let mut s = script_with(config);
    s.recv(0, PEER, GET);
    s.asked(PEER, GET);
    s.recv(100, OTHER, NON_GET);
    s.asked(OTHER, NON_GET);
    s.until(3_300).sent(200, PEER, "ACK Empty mid=0x7d34");
    s.sent(3_100, OTHER, "NON 5.03 Service Unavailable mid=$non token=53");
    s.sent(3_000..=3_200, PEER, "CON 5.03 Service Unavailable mid=$con token=53");
    s.recv(3_400, PEER, "ACK Empty mid=$con");
}

// 5.3.2: matching.

/// All cases of `matching` in behaviour.json: two requests are pending, one with an empty token.
#[test]
fn rfc7252_5_3_2_matching() {
    let file = behaviour();
    let rows = file["matching"].as_array().unwrap();
    assert_eq!(rows.len(), 20);
    let transmission = Transmission { nstart: 2, ..Transmission::DEFAULT };
    for row in rows {
        let n = &row["n"];
        let mut s = script_with(Config { transmission, ..Config::DEFAULT });
        let pending: Vec<_> = file["pending"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
            .map(|(index, pending)| {
                let token = endpoint::unhex(pending["token"].as_str().unwrap());
                let handle = s.request(0, PEER, Request::get().token(Token::try_from(&token[..]).unwrap()));
                let shown = if token.is_empty() {
                    String::new()
                } else {
                    format!(" token={}", pending["token"].as_str().unwrap())
                };
                s.sent(0, PEER, &format!("CON GET mid=${}{shown} [Uri-Path: temperature]", 100 + index));
                assert_eq!(pending["mid"].as_u64(), Some(100 + index as u64));
                handle
            })
            .collect();
        let (kind, code, token) =
            (row["type"].as_str().unwrap(), row["code"].as_str().unwrap(), row["token"].as_str().unwrap());
        let id = |name: &str| u16::from_str_radix(&s.name(name)[2..], 16).unwrap();
        let mid = match row["mid"].as_u64().unwrap() {
            102 => id("101").wrapping_add(1000),
            known => id(&known.to_string()),
        };
        let token = if token.is_empty() { String::new() } else { format!(" token={token}") };
        let code: Code = code.parse().unwrap();
        let text = format!("{kind} {code} mid=0x{mid:04x}{token}");
        s.recv(100, PEER, &text);
        let wanted = row["match"].as_u64().map(|index| pending[index as usize]);
        match (kind, wanted) {
            ("RST", Some(handle)) => assert_eq!(s.failed(100, handle, Failure::Reset), 100),
            (_, Some(handle)) => {
                if kind == "CON" {
                    s.sent(100, PEER, &format!("ACK Empty mid=0x{mid:04x}"));
                }
                s.answered(handle, PEER, &text);
            }
            ("CON", None) if code.is_request() => _ = s.asked(PEER, &text),
            ("CON", None) => _ = s.sent(100, PEER, &format!("RST Empty mid=0x{mid:04x}")),
            _ => {}
        }
        let rest = s.sent_lines();
        assert!(rest.is_empty(), "case {n}: {rest:#?}");
        // Who was not matched is still pending.
        for (index, &handle) in pending.iter().enumerate() {
            assert_eq!(s.ep.cancel(handle), wanted != Some(handle), "case {n}, request {index}");
        }
    }
}

/// 5.3.1, 4.7: a request that waits behind NSTART with the token of one that was sent does not hide it from its response.
#[test]
fn rfc7252_5_3_1_the_same_token_twice_and_the_second_waits() {
    use coaplet::endpoint::{Arrival, Endpoint, Event, Output, Request};
    use coaplet::{Code, Config, Fixed, Header, Instant, Message, Token, Writer};

    let token = Token::try_from(&[9][..]).unwrap();
    let responses = [|id| Header::acknowledgement(Code::CONTENT, id), |_| Header::non_confirmable(Code::CONTENT, 1)];
    for header in responses {
        let mut client = Endpoint::new(Config::DEFAULT, [3; 16], Fixed::<u16, 4, 8, 512>::new());
        let (mut tx, mut rx) = ([0; 64], [0; 64]);
        let mut ask = |client: &mut Endpoint<_>| {
            let asked = client.request(Instant::ZERO, 7, Request::get().token(token), &mut tx, |_| {}).unwrap();
            (asked.0, asked.1.map(|sent| Message::parse(&tx[..sent.len]).unwrap().message_id()))
        };
        let (first, id) = ask(&mut client);
        let (_second, waits) = ask(&mut client);
        assert_eq!(waits, None);
        let len = Writer::new(&mut rx, header(id.unwrap()), &[9]).finish().unwrap();
        let input = client.handle(Instant::ZERO, 7, Arrival::Unicast, &rx[..len], &mut tx);
        let Event::Response(response) = input.event else { panic!("the response is lost: {input:?}") };
        assert_eq!(response.handle, first);
        assert!(matches!(client.poll(Instant::ZERO, &mut tx), Output::Send(_)), "the second one's turn has come");
    }
}

/// 5.4.1: what an application would overlook is refused, unless it says that it knows it.
#[test]
fn rfc7252_5_4_1_a_condition_is_refused_by_default() {
    use coaplet::endpoint::{Arrival, Endpoint, Event};
    use coaplet::{Code, Config, Fixed, Instant, Message};

    // PUT with If-None-Match and Uri-Path "a".
    let put = b"\x40\x03\x00\x01\x50\x61a";
    for (known, refused) in [(Config::DEFAULT.known, true), (|_| true, false)] {
        let config = Config { known, ..Config::DEFAULT };
        let mut server = Endpoint::new(config, [3; 16], Fixed::<u16, 4, 8, 512>::new());
        let mut tx = [0; 64];
        let input = server.handle(Instant::ZERO, 7, Arrival::Unicast, put, &mut tx);
        assert_eq!(matches!(input.event, Event::Request(_)), !refused);
        assert_eq!(input.reply.is_some(), refused);
        if let Some(reply) = input.reply {
            let reply = Message::parse(&tx[..reply.len]).unwrap();
            assert_eq!((reply.code(), reply.payload()), (Code::BAD_OPTION, &b"option 5 is not understood"[..]));
        }
    }
}
