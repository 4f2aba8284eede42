//! Where an endpoint ends: full tables, identifiers that are over, closures that go wrong.

use crate::endpoint::{Large, OTHER, PEER, Script, Small, script, script_with, small};
use coaplet::endpoint::{Arrival, Event, Request, RequestError, RespondError};
use coaplet::{Code, Config, Endpoint, Fixed, Instant, OptionNumber, Token, Transmission, WriteError};
use core::net::SocketAddr;
use std::collections::HashSet;

fn get(mid: u16) -> String {
    format!("CON GET mid=0x{mid:04x} token=53 [Uri-Path: temperature]")
}

// Full tables.

#[test]
fn issue_3_eight_live_exchanges_and_the_ninth() {
    let mut s = small();
    let ids: Vec<_> = (0..8)
        .map(|n| {
            s.recv(0, 1 + n % 4, &get(n));
            s.asked(1 + n % 4, &get(n))
        })
        .collect();
    assert_eq!(s.ep.usage().exchanges, 8);
    // Stateless: the same to each of them, nothing is called, nothing is kept.
    for n in [100, 100, 101] {
        s.recv(10, 2, &get(n));
        s.sent(10, 2, &format!("ACK 5.03 Service Unavailable mid=0x{n:04x} token=53 [Max-Age: 10]"));
    }
    s.recv(10, 2, "NON GET mid=0x0070 token=53 [Uri-Path: temperature]").silence();
    assert_eq!(s.try_request(10, 2, Request::get(), |_| {}), Err(RequestError::NoExchange));
    assert_eq!(s.try_request(10, 2, Request::get().non(), |_| {}), Err(RequestError::NoExchange));
    // Nothing live was harmed: each can still be answered, and is then remembered.
    for (n, id) in ids.into_iter().enumerate() {
        s.respond(20, id, Code::CONTENT, "x");
        s.sent(20, 1 + n as u16 % 4, &format!(r#"ACK 2.05 Content mid=0x{n:04x} token=53 payload 1 byte "x""#));
    }
    assert_eq!((s.ep.usage().exchanges, s.ep.usage().remembered), (8, 8));
    // Remembered ones give way, the oldest first.
    s.recv(30, 1, &get(0x80));
    let id = s.asked(1, &get(0x80));
    s.respond(30, id, Code::CONTENT, "y");
    s.sent(30, 1, r#"ACK 2.05 Content mid=0x0080 token=53 payload 1 byte "y""#);
    s.recv(31, 4, &get(7));
    s.sent(31, 4, r#"ACK 2.05 Content mid=0x0007 token=53 payload 1 byte "x""#);
    s.get(32, 2);
    s.sent(32, 2, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    s.recv(33, 2, "RST Empty mid=$id");
    assert_eq!(s.sent_lines().len(), 1);
    s.all_free(900_000);
}

#[test]
fn issue_3_ten_thousand_requests_in_a_row_from_one_peer_are_all_answered() {
    let mut s = small();
    for n in 0..10_000_u16 {
        let at = u64::from(n) * 5;
        s.recv(at, PEER, &get(n));
        let id = s.asked(PEER, &get(n));
        s.respond(at, id, Code::CONTENT, "0123456789abcdef");
        s.sent(at, PEER, &format!(r#"ACK 2.05 Content mid=0x{n:04x} token=53 payload 16 bytes "0123456789abcdef""#));
    }
    s.all_free(900_000);
}

#[test]
fn issue_3_a_full_arena() {
    // 64 bytes: two blocks.
    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 8, 64>::new());
    s.recv(0, PEER, &get(1));
    let id = s.asked(PEER, &get(1));
    let long = "x".repeat(100);
    // ACK 2.05 with a token of 1: 5 + 1 + 100 bytes.
    let refused = s.try_respond(10, id, |w| {
        w.code(Code::CONTENT).payload(long.as_bytes());
    });
    assert_eq!(refused, Err(RespondError::NoBytes { needed: 106 }));
    assert_eq!(
        s.try_request(10, PEER, Request::get(), |w| {
            w.payload(long.as_bytes());
        }),
        Err(RequestError::NoBytes { needed: 109 })
    );
    assert_eq!(s.ep.usage().exchanges, 1, "what was refused is not kept");
    // A NON needs no bytes.
    let non = s
        .try_request(10, PEER, Request::get().non(), |w| {
            w.payload(long.as_bytes());
        })
        .unwrap();
    assert_eq!(s.sent_lines().len(), 1);
    assert!(s.ep.cancel(non));
    s.respond(20, id, Code::CONTENT, "short");
    s.sent(20, PEER, r#"ACK 2.05 Content mid=0x0001 token=53 payload 5 bytes "short""#);
    s.all_free(900_000);
}

/// The separate response of a request is held back by bytes that another exchange has: shorter is possible later.
#[test]
fn issue_3_a_full_arena_and_a_separate_response() {
    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 8, 32>::new());
    s.recv(0, PEER, &get(1));
    let id = s.asked(PEER, &get(1));
    s.until(1_000).sent(1_000, PEER, "ACK Empty mid=0x0001");
    let own = s.get(1_100, OTHER);
    s.sent(1_100, OTHER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    let refused = s.try_respond(1_200, id, |w| {
        w.code(Code::CONTENT).payload(b"rather longer");
    });
    assert_eq!(refused, Err(RespondError::NoBytes { needed: 19 }));
    assert!(s.ep.cancel(own));
    s.respond(1_300, id, Code::CONTENT, "rather longer");
    s.sent(1_300, PEER, r#"CON 2.05 Content mid=$c token=53 payload 13 bytes "rather longer""#);
    s.recv(1_400, PEER, "ACK Empty mid=$c");
    s.all_free(900_000);
}

/// "until 5.03 goes out by itself": also where the bytes for sending it again are missing, at least once.
#[test]
fn issue_3_a_full_arena_and_the_automatic_refusal() {
    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 8, 32>::new());
    s.recv(0, PEER, &get(1));
    s.asked(PEER, &get(1));
    s.until(50_000).sent(1_000, PEER, "ACK Empty mid=0x0001");
    s.get(50_000, OTHER);
    s.sent(50_000, OTHER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    s.until(70_000);
    let out = s.sent_lines();
    assert!(out.iter().any(|line| line.contains("to 7:") && line.contains("5.03")), "{out:#?}");
    s.until(200_000).sent_lines();
}

/// Remembered replies "give way", also where it is their bytes that are needed.
#[test]
fn issue_3_bytes_of_remembered_replies_give_way() {
    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 8, 64>::new());
    for n in 0..20 {
        s.recv(n * 10, PEER, &get(n as u16));
        let id = s.asked(PEER, &get(n as u16));
        s.respond(n * 10, id, Code::CONTENT, "x");
        s.sent(n * 10, PEER, &format!(r#"ACK 2.05 Content mid=0x{n:04x} token=53 payload 1 byte "x""#));
    }
    s.get(300, PEER);
    s.sent(300, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
}

/// The same with the store of the issue's server and replies of 100 bytes: less than five of them fit in 512.
#[test]
fn issue_3_bytes_of_longer_replies_give_way() {
    let mut s = small();
    let reply = "x".repeat(100);
    for n in 0..20_u16 {
        let at = u64::from(n) * 10;
        s.recv(at, PEER, &get(n));
        let id = s.asked(PEER, &get(n));
        s.respond(at, id, Code::CONTENT, &reply);
        assert_eq!(s.sent_lines().len(), 1);
    }
}

#[test]
fn issue_3_no_slot_for_a_peer() {
    let mut s = small();
    for peer in 1..=4 {
        s.recv(0, peer, &get(1));
        s.asked(peer, &get(1));
    }
    let until = Instant::from_millis(1 + 247_000);
    assert_eq!(s.try_request(1, 5, Request::get(), |_| {}), Err(RequestError::NoPeer { until }));
    s.recv(1, 5, &get(1));
    s.sent(1, 5, "ACK 5.03 Service Unavailable mid=0x0001 token=53 [Max-Age: 10]");
    s.recv(1, 5, "NON GET mid=0x0002 token=53 [Uri-Path: temperature]").silence();
    s.recv(1, 5, "CON Empty mid=0x0003");
    s.sent(1, 5, "RST Empty mid=0x0003");
    s.until(10_000).sent_lines();
}

/// "Remembered ones give way", and with them a peer to which nothing else refers: a fifth peer is served.
#[test]
fn issue_3_more_peers_than_slots_one_after_the_other_are_all_served() {
    let mut s = small();
    for n in 0..40_u64 {
        let peer = 100 + n as u16;
        s.recv(n * 10, peer, &get(1));
        let id = s.asked(peer, &get(1));
        s.respond(n * 10, id, Code::CONTENT, "x");
        s.sent(n * 10, peer, r#"ACK 2.05 Content mid=0x0001 token=53 payload 1 byte "x""#);
    }
}

/// "Nothing is kept then": a request that could not be made takes no slot of a peer.
#[test]
fn requests_that_fail_take_no_peer() {
    let mut s = small();
    for peer in 1..=4 {
        assert!(s.try_request(0, peer, Request::new(Code::CONTENT), |_| {}).is_err());
    }
    assert!(s.try_request(1, 5, Request::get(), |_| {}).is_ok());
    s.sent_lines();
}

// Message IDs.

/// So many bytes a second that the silence of a peer does not matter here.
fn unprobed() -> Config {
    let transmission = Transmission { probing_rate: u16::MAX, ..Transmission::DEFAULT };
    Config { transmission, ..Config::DEFAULT }
}

#[test]
fn rfc7252_4_4_message_ids_are_not_repeated_within_exchange_lifetime() {
    let mut s = script_with(unprobed());
    let (mut ids, mut now, mut waits) = (Vec::<(u64, u16)>::new(), 0_u64, 0);
    while ids.len() < 40_000 {
        let mut tx = [0; 64];
        match s.ep.request(Instant::from_millis(now), PEER, Request::get().non(), &mut tx, |_| {}) {
            Ok((handle, Some(transmit))) => {
                assert!(transmit.len >= 4);
                ids.push((now, u16::from_be_bytes([tx[2], tx[3]])));
                assert!(s.ep.cancel(handle));
                now += 1;
            }
            Ok(_) => panic!("a NON does not wait"),
            Err(RequestError::NoMessageId { until }) => {
                assert!(until.as_millis() > now, "{until:?} has to be after {now}");
                // One moment before it is still no.
                let before = Instant::from_millis(until.as_millis() - 1);
                let refused = s.ep.request(before, PEER, Request::get().non(), &mut tx, |_| {});
                assert!(
                    matches!(refused, Err(RequestError::NoMessageId { until: same }) if same == until),
                    "{refused:?}"
                );
                now = until.as_millis();
                waits += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(waits > 0, "40,000 in 40 s are more than there are");
    let mut last = std::collections::HashMap::new();
    for (at, id) in ids {
        if let Some(before) = last.insert(id, at) {
            assert!(at - before >= 247_000, "{id:#x} at {before} and again at {at}");
        }
    }
}

#[test]
fn rfc7252_4_4_message_ids_do_not_run_out_at_a_slow_pace() {
    // One request in 100 ms is far below 65,536 in 247 s.
    let mut s = script_with(unprobed());
    let mut tx = [0; 64];
    for n in 0..70_000_u64 {
        let made = s.ep.request(Instant::from_millis(n * 100), PEER, Request::get().non(), &mut tx, |_| {});
        let Ok((handle, _)) = made else { panic!("request {n} at {} ms: {made:?}", n * 100) };
        assert!(s.ep.cancel(handle));
    }
}

#[test]
fn rfc7252_4_4_the_first_message_id_and_5_3_1_tokens_are_random() {
    let (mut first, mut tokens) = (HashSet::new(), HashSet::new());
    for seed in 0..50_u8 {
        let mut ep = Endpoint::new(Config::DEFAULT, [seed; 16], Large::new());
        for peer in 0..10 {
            let mut tx = [0; 64];
            ep.request(Instant::ZERO, peer, Request::get(), &mut tx, |_| {}).unwrap();
            assert_eq!(tx[0], 0x44, "a token of four bytes");
            first.insert([tx[2], tx[3]]);
            tokens.insert([tx[4], tx[5], tx[6], tx[7]]);
        }
    }
    assert!(first.len() > 480 && tokens.len() == 500, "{} {}", first.len(), tokens.len());
}

// Handles.

#[test]
fn handles_and_ids_that_are_over() {
    let mut s = script();
    s.recv(0, PEER, &get(1));
    let id = s.asked(PEER, &get(1));
    s.respond(10, id, Code::CONTENT, "x");
    s.sent(10, PEER, r#"ACK 2.05 Content mid=0x0001 token=53 payload 1 byte "x""#);
    assert_eq!(
        s.try_respond(20, id, |w| {
            w.code(Code::CONTENT);
        }),
        Err(RespondError::Stale)
    );
    s.until(300_000);
    assert_eq!(
        s.try_respond(300_000, id, |w| {
            w.code(Code::CONTENT);
        }),
        Err(RespondError::Stale)
    );
    // The slot has a new tenant.
    s.recv(300_000, PEER, &get(2));
    let new = s.asked(PEER, &get(2));
    assert_eq!(
        s.try_respond(300_000, id, |w| {
            w.code(Code::CONTENT);
        }),
        Err(RespondError::Stale)
    );
    s.respond(300_001, new, Code::CONTENT, "x");
    s.sent(300_001, PEER, r#"ACK 2.05 Content mid=0x0002 token=53 payload 1 byte "x""#);
    // Cancelled twice; after the response; after the failure.
    let handle = s.get(400_000, PEER);
    s.sent(400_000, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
    assert!(s.ep.cancel(handle));
    assert!(!s.ep.cancel(handle));
    s.until(500_000).silence();
    s.recv(500_000, PEER, "ACK 2.05 Content mid=$a token=$t").silence();
    s.recv(500_000, PEER, "CON 2.05 Content mid=0x0009 token=$t").sent(500_000, PEER, "RST Empty mid=0x0009");
    let handle = s.get(500_001, PEER);
    s.sent(500_001, PEER, "CON GET mid=$b token=$u [Uri-Path: temperature]");
    s.recv(500_002, PEER, "ACK 2.05 Content mid=$b token=$u").answered(
        handle,
        PEER,
        "ACK 2.05 Content mid=$b token=$u",
    );
    assert!(!s.ep.cancel(handle));
}

/// "A stale or foreign `Handle` is an error value": of another endpoint, in a slot that it uses and in one that it does not.
#[test]
fn handles_of_another_endpoint() {
    let mut one = Script::new(Config::DEFAULT, Fixed::<u16, 32, 32, 2048>::new());
    let handles: Vec<_> = (0..20).map(|peer| one.get(0, peer)).collect();
    one.sent_lines();
    let mut two = Script::seeded(Config::DEFAULT, Small::new(), [9; 16]);
    let own = two.get(0, PEER);
    two.sent_lines();
    for handle in handles {
        assert!(!two.ep.cancel(handle), "{handle:?} is not of this endpoint");
    }
    assert!(two.ep.cancel(own));
}

// Closures that go wrong.

#[test]
fn a_buffer_that_is_too_small_says_what_it_takes() {
    let mut s = script();
    s.recv(0, PEER, &get(1));
    let id = s.asked(PEER, &get(1));
    // 4 + token 1 + marker 1 + 10.
    for len in [0, 3, 4, 15] {
        let refused = s.tx(len).try_respond(10, id, |w| {
            w.code(Code::CONTENT).payload(b"0123456789");
        });
        assert_eq!(refused, Err(RespondError::Write(WriteError::BufferTooSmall { needed: 16 })));
    }
    s.tx(16).respond(20, id, Code::CONTENT, "0123456789");
    s.sent(20, PEER, r#"ACK 2.05 Content mid=0x0001 token=53 payload 10 bytes "0123456789""#);
    // 4 + token 4 + 12.
    let before = s.ep.usage();
    for len in [0, 4, 19] {
        let refused = s.tx(len).try_request(30, PEER, Request::get(), |w| {
            w.path("temperature");
        });
        assert_eq!(refused, Err(RequestError::Write(WriteError::BufferTooSmall { needed: 20 })));
    }
    assert_eq!(s.ep.usage(), before);
    // The same for a separate response, which survives as well.
    s.tx(64).recv(40, PEER, &get(2));
    let id = s.asked(PEER, &get(2));
    s.until(1_040).sent(1_040, PEER, "ACK Empty mid=0x0002");
    let refused = s.tx(10).try_respond(2_000, id, |w| {
        w.code(Code::CONTENT).payload(b"0123456789");
    });
    assert_eq!(refused, Err(RespondError::Write(WriteError::BufferTooSmall { needed: 16 })));
    s.tx(64).respond(2_000, id, Code::CONTENT, "0123456789");
    s.sent(2_000, PEER, r#"CON 2.05 Content mid=$c token=53 payload 10 bytes "0123456789""#);
    s.recv(2_010, PEER, "ACK Empty mid=$c");
}

/// "A `tx` that is too small for a message is as good as a network that loses it", in poll and in handle.
#[test]
fn a_buffer_that_is_too_small_in_poll_and_handle_loses_the_message() {
    let mut s = script();
    let handle = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    s.tx(8).until(3_000).silence();
    s.tx(64).until(9_000);
    s.sent(6_000..=9_000, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    s.recv(9_100, PEER, "ACK 2.05 Content mid=$id token=$t").answered(
        handle,
        PEER,
        "ACK 2.05 Content mid=$id token=$t",
    );
    s.tx(3).recv(9_200, OTHER, "CON Empty mid=0x0001").silence();
    s.recv(9_300, OTHER, &get(1));
    let id = s.asked(OTHER, &get(1));
    s.tx(64).respond(9_400, id, Code::CONTENT, "x");
    s.sent(9_400, OTHER, r#"ACK 2.05 Content mid=0x0001 token=53 payload 1 byte "x""#);
    s.tx(5).recv(9_500, OTHER, &get(1)).silence();
    s.tx(64).recv(9_600, OTHER, &get(1));
    s.sent(9_600, OTHER, r#"ACK 2.05 Content mid=0x0001 token=53 payload 1 byte "x""#);
}

#[test]
fn rfc7252_12_1_codes_that_do_not_belong() {
    let mut s = script();
    assert_eq!(
        s.try_request(0, PEER, Request::new(Code::CONTENT), |_| {}),
        Err(RequestError::NotARequest { code: Code::CONTENT })
    );
    assert_eq!(
        s.try_request(0, PEER, Request::get(), |w| {
            w.code(Code::CONTENT);
        }),
        Err(RequestError::NotARequest { code: Code::CONTENT })
    );
    assert!(s.try_request(0, PEER, Request::new(Code::EMPTY).token(Token::EMPTY), |_| {}).is_err());
    assert!(s.try_request(0, PEER, Request::new(Code::from_byte(0x21)), |_| {}).is_err());
    let disordered = s.try_request(0, PEER, Request::get(), |w| {
        w.option(OptionNumber::URI_QUERY, b"a").option(OptionNumber::URI_PATH, b"a");
    });
    assert!(matches!(disordered, Err(RequestError::Write(WriteError::OutOfOrder { .. }))), "{disordered:?}");
    s.recv(1, PEER, &get(1));
    let id = s.asked(PEER, &get(1));
    s.recv(1, PEER, "NON GET mid=0x0002 token=53 [Uri-Path: temperature]");
    let non = s.asked(PEER, "NON GET mid=0x0002 token=53 [Uri-Path: temperature]");
    for id in [id, non] {
        for code in [Code::GET, Code::EMPTY, Code::from_byte(0x21), Code::from_byte(0xe1)] {
            assert!(
                s.try_respond(2, id, |w| {
                    w.code(code);
                })
                .is_err(),
                "{code}"
            );
        }
    }
    assert_eq!(
        s.try_respond(2, id, |w| {
            w.code(Code::GET);
        }),
        Err(RespondError::NotAResponse { code: Code::GET })
    );
    assert_eq!(
        s.try_respond(2, non, |w| {
            w.code(Code::GET);
        }),
        Err(RespondError::NotAResponse { code: Code::GET })
    );
    // No code at all is 5.00.
    s.try_respond(3, id, |_| {}).unwrap();
    s.sent(3, PEER, "ACK 5.00 Internal Server Error mid=0x0001 token=53");
    s.respond(3, non, Code::CONTENT, "x");
    s.sent(3, PEER, r#"NON 2.05 Content mid=$n token=53 payload 1 byte "x""#);
}

// What the rest leaves out.

#[test]
fn peers_may_be_socket_addresses() {
    let mut ep = Endpoint::new(Config::DEFAULT, [3; 16], Fixed::<SocketAddr, 4, 8, 512>::new());
    let [a, b]: [SocketAddr; 2] = ["[2001:db8::1]:5683", "[2001:db8::1]:5684"].map(|text| text.parse().unwrap());
    let mut tx = [0; 64];
    let (handle, transmit) = ep.request(Instant::ZERO, a, Request::get(), &mut tx, |_| {}).unwrap();
    let transmit = transmit.unwrap();
    assert_eq!(transmit.to, a);
    let mut response = tx[..transmit.len].to_vec();
    (response[0], response[1]) = (0x64, 0x45);
    // 5.3.2: another port is another endpoint.
    let input = ep.handle(Instant::ZERO, b, Arrival::Unicast, &response, &mut tx);
    assert!(matches!(input.event, Event::Handled) && input.reply.is_none());
    match ep.handle(Instant::ZERO, a, Arrival::Unicast, &response, &mut tx).event {
        Event::Response(response) => assert_eq!((response.handle, response.from), (handle, a)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rfc8974_2_a_token_of_more_than_eight_bytes_is_echoed() {
    let mut s = script();
    let text = "CON GET mid=0x0001 token=000102030405060708090a0b [Uri-Path: temperature]";
    s.recv(0, PEER, text);
    let out = s.sent_lines();
    assert!(out.len() == 1 && !out[0].contains("RST"), "not a rejection: {out:?}");
}

#[test]
fn nstart_of_two() {
    let transmission = Transmission { nstart: 2, ..Transmission::DEFAULT };
    let mut s = script_with(Config { transmission, ..Config::DEFAULT });
    for name in ["a", "b"] {
        s.get(0, PEER);
        s.sent(0, PEER, &format!("CON GET mid=${name} token=$t{name} [Uri-Path: temperature]"));
    }
    s.get(0, PEER);
    s.silence();
    s.recv(1, PEER, "ACK Empty mid=$b").sent(1, PEER, "CON GET mid=$c token=$tc [Uri-Path: temperature]");
}
