//! "Full tables": what is only remembered gives way in order, nothing live is harmed, and no peer takes every slot (RFC 8516).

#[macro_use]
mod endpoint;

use coaplet::endpoint::{Arrival, Event, Failure, Output, Request, RequestError};
use coaplet::store::Scale;
use coaplet::{Code, Config, Endpoint, Fixed, Instant, Transmission};
use endpoint::{Eight, OTHER, PEER, Script, eight};
use std::collections::HashMap;

const THIRD: u16 = 9;

in_both_scales! {
    issue_3_remembered_slots_give_way_in_order,
    issue_3_strict_dedup_keeps_what_may_not_be_processed_twice,
    issue_3_an_answer_that_is_said_to_be_idempotent_gives_way_like_one,
    issue_3_bytes_give_way_in_order_too,
    issue_3_our_own_requests_make_others_give_way,
    issue_3_nothing_live_is_harmed,
    issue_3_refusal_max_age,
    rfc8516_3_one_peer_has_a_share,
    rfc8516_3_the_share_is_of_what_is_not_dealt_with,
    rfc8516_3_the_share_by_configuration,
    issue_3_a_full_table_of_peers,
    issue_3_peers_that_are_only_remembered_give_way,
    rfc7252_4_4_message_ids_of_peers_that_give_way,
    issue_3_10_000_requests_in_a_row,
    issue_3_what_has_run_out_is_no_duplicate,
}

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// What fills the eight slots: who asked, by which method, in the order of time. All are answered.
const FILL: [(u16, &str); 8] = [
    (PEER, "POST"),
    (OTHER, "POST"),
    (OTHER, "GET"),
    (PEER, "FETCH"),
    (OTHER, "PUT"),
    (PEER, "DELETE"),
    (THIRD, "GET"),
    (THIRD, "POST"),
];

/// For a request of `PEER`: its own of what may be processed twice, others', and then, the oldest first, what may not be.
const ORDER: [usize; 8] = [3, 5, 2, 4, 6, 0, 1, 7];

fn request(n: usize) -> String {
    format!("CON {} mid=0x{:04x} token=53", FILL[n].1, 0x100 + n)
}

fn reply(n: usize) -> String {
    format!(r#"ACK 2.05 Content mid=0x{:04x} token=53 payload 1 byte "{n}""#, 0x100 + n)
}

/// Eight requests that were answered, a second apart.
fn filled<C: Scale>(config: Config) -> Script<Eight<C>> {
    let mut s = eight::<C>(config);
    for (n, &(peer, _)) in FILL.iter().enumerate() {
        let now = n as u64 * 1_000;
        s.recv(now, peer, &request(n));
        let id = s.asked_by(peer);
        s.respond(now, id, Code::CONTENT, &n.to_string());
        s.sent(now, peer, &reply(n));
    }
    assert_eq!((s.ep.usage().exchanges, s.ep.usage().remembered), (8, 8));
    s
}

/// Of the eight, these are still remembered.
fn are_there<C: Scale>(s: &mut Script<Eight<C>>, now: u64, which: &[usize]) {
    for &n in which {
        s.recv(now, FILL[n].0, &request(n)).sent(now, FILL[n].0, &reply(n));
        s.silence();
    }
}

fn issue_3_remembered_slots_give_way_in_order<C: Scale>() {
    // Every slot may be one peer's here.
    let config = Config { peer_share: 100, ..Config::DEFAULT };
    for gone in 0..=8 {
        let mut s = filled::<C>(config);
        for n in 0..gone {
            s.recv(10_000, PEER, &format!("CON GET mid=0x02{n:02x}"));
            s.asked_by(PEER);
        }
        are_there(&mut s, 10_100, &ORDER[gone..]);
        assert_eq!(s.ep.statistics().recycled, gone as u32);
        s.until(900_000).sent_lines();
    }
}

fn issue_3_strict_dedup_keeps_what_may_not_be_processed_twice<C: Scale>() {
    let config = Config { peer_share: 100, strict_dedup: true, ..Config::DEFAULT };
    let mut s = filled::<C>(config);
    for n in 0..5 {
        s.recv(10_000, PEER, &format!("CON GET mid=0x02{n:02x}"));
        s.asked_by(PEER);
    }
    s.recv(10_000, PEER, "CON GET mid=0x0300");
    s.sent(10_000, PEER, "ACK 5.03 Service Unavailable mid=0x0300 [Max-Age: 10]");
    s.recv(10_000, PEER, "NON GET mid=0x0301").silence();
    assert_eq!(s.try_request(10_000, PEER, Request::get(), |_| {}), Err(RequestError::NoExchange));
    are_there(&mut s, 10_100, &ORDER[5..]);
    let statistics = s.ep.statistics();
    assert_eq!((statistics.recycled, statistics.full), (5, 2));
    s.until(900_000).sent_lines();
}

fn issue_3_an_answer_that_is_said_to_be_idempotent_gives_way_like_one<C: Scale>() {
    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 2, 512, 0, 0, C>::new());
    // A GET of another's, then a POST of ours that the application calls idempotent, in a separate response.
    s.recv(0, OTHER, "CON GET mid=0x0001");
    let id = s.asked_by(OTHER);
    s.respond(0, id, Code::CONTENT, "x");
    s.sent(0, OTHER, r#"ACK 2.05 Content mid=0x0001 payload 1 byte "x""#);
    s.recv(10, PEER, "CON POST mid=0x0001");
    let id = s.asked_by(PEER);
    s.defer(10, id);
    s.sent(10, PEER, "ACK Empty mid=0x0001");
    s.respond(20, id.idempotent(), Code::CHANGED, "");
    s.sent(20, PEER, "CON 2.04 Changed mid=$c");
    s.recv(30, PEER, "ACK Empty mid=$c").silence();
    // Its own first: the other's is still there.
    s.recv(40, PEER, "CON GET mid=0x0002");
    let id = s.asked_by(PEER);
    s.recv(50, OTHER, "CON GET mid=0x0001");
    s.sent(50, OTHER, r#"ACK 2.05 Content mid=0x0001 payload 1 byte "x""#);
    s.respond(60, id, Code::CONTENT, "");
    s.sent(60, PEER, "ACK 2.05 Content mid=0x0002");
    s.all_free(900_000);
}

fn issue_3_bytes_give_way_in_order_too<C: Scale>() {
    // Room for three replies of 26 bytes: a POST, another's GET, a GET of the one who asks.
    const TEXT: &str = "a reply of some length";
    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 16, 96, 0, 0, C>::new());
    let ask = |s: &mut Script<_>, at: u64, peer: u16, method: &str, id: u16| {
        s.recv(at, peer, &format!("CON {method} mid=0x{id:04x}"));
        let asked = s.asked_by(peer);
        s.respond(at, asked, Code::CONTENT, &TEXT[1..]);
        s.sent(at, peer, &format!(r#"ACK 2.05 Content mid=0x{id:04x} payload 21 bytes "{}""#, &TEXT[1..]));
    };
    ask(&mut s, 0, PEER, "POST", 1);
    ask(&mut s, 10, OTHER, "GET", 2);
    ask(&mut s, 20, PEER, "GET", 3);
    assert_eq!(s.ep.usage().blocks, 3);
    ask(&mut s, 30, PEER, "GET", 4);
    for (peer, method, id) in [(PEER, "POST", 1), (OTHER, "GET", 2), (PEER, "GET", 4)] {
        s.recv(40, peer, &format!("CON {method} mid=0x{id:04x}"));
        s.sent(40, peer, &format!(r#"ACK 2.05 Content mid=0x{id:04x} payload 21 bytes "{}""#, &TEXT[1..]));
    }
    assert_eq!(s.ep.statistics().recycled, 1);
    s.all_free(900_000);
}

fn issue_3_our_own_requests_make_others_give_way<C: Scale>() {
    for request in [Request::get(), Request::get().non(), Request::get().group()] {
        let mut s = filled::<C>(Config::DEFAULT);
        // A group has nothing remembered of its own.
        let order = if request == Request::get().group() { [2, 3, 4, 5, 6, 0, 1, 7] } else { ORDER };
        s.request(10_000, PEER, request);
        assert_eq!(s.sent_lines().len(), 1);
        are_there(&mut s, 10_100, &order[1..]);
        s.until(900_000).sent_lines();
        s.all_free(900_000);
    }
    let mut s = filled::<C>(Config::DEFAULT);
    s.ping(10_000, PEER);
    assert_eq!(s.sent_lines().len(), 1);
    are_there(&mut s, 10_100, &ORDER[1..]);
    s.until(900_000).sent_lines();
}

fn issue_3_nothing_live_is_harmed<C: Scale>() {
    let transmission = Transmission { nstart: 3, ..Transmission::DEFAULT };
    let mut s = eight::<C>(Config { transmission, ..Config::DEFAULT });
    // One of each kind that is live.
    let con = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$con token=$tc [Uri-Path: temperature]");
    let acked = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$ack token=$ta [Uri-Path: temperature]");
    s.recv(0, PEER, "ACK Empty mid=$ack");
    let non = s.request(0, PEER, Request::get().non());
    s.sent(0, PEER, "NON GET mid=$non token=$tn [Uri-Path: temperature]");
    let group = s.request(0, 99, Request::get().group());
    s.sent(0, 99, "NON GET mid=$g token=$tg [Uri-Path: temperature]");
    let ping = s.ping(0, PEER);
    s.sent(0, PEER, "CON Empty mid=$p");
    s.recv(0, OTHER, "CON GET mid=0x0001");
    let asked = s.asked_by(OTHER);
    s.recv(0, OTHER, "NON GET mid=0x0002");
    let asked_non = s.asked_by(OTHER);
    s.recv(0, OTHER, "CON GET mid=0x0003");
    let separate = s.asked_by(OTHER);
    s.defer(0, separate);
    s.sent(0, OTHER, "ACK Empty mid=0x0003");
    s.respond(0, separate.report(), Code::CONTENT, "x");
    s.sent(0, OTHER, r#"CON 2.05 Content mid=$s payload 1 byte "x""#);
    assert_eq!((s.ep.usage().exchanges, s.ep.usage().remembered), (8, 0));
    for n in 0..50 {
        s.recv(10, THIRD, &format!("CON GET mid=0x{n:04x}"));
        s.sent(10, THIRD, &format!("ACK 5.03 Service Unavailable mid=0x{n:04x} [Max-Age: 10]"));
        s.recv(10, THIRD, &format!("NON GET mid=0x{n:04x}")).silence();
        assert_eq!(s.try_request(10, THIRD, Request::get(), |_| {}), Err(RequestError::NoExchange));
        assert_eq!(s.try_request(10, 99, Request::get().group(), |_| {}), Err(RequestError::NoExchange));
    }
    assert_eq!((s.ep.statistics().full, s.ep.statistics().recycled), (100, 0));
    // A response that takes a slot of its own while there is none is answered, and told, all the same.
    s.recv(20, THIRD, "CON 2.05 Content mid=0x0101 token=$tg").sent(20, THIRD, "ACK Empty mid=0x0101");
    s.answered(group, THIRD, "CON 2.05 Content mid=0x0101 token=$tg");
    s.recv(20, PEER, "ACK 2.05 Content mid=$con token=$tc").answered(con, PEER, "ACK 2.05 Content mid=$con token=$tc");
    s.recv(20, PEER, "CON 2.05 Content mid=0x0102 token=$ta").sent(20, PEER, "ACK Empty mid=0x0102");
    s.answered(acked, PEER, "CON 2.05 Content mid=0x0102 token=$ta");
    s.recv(20, PEER, "NON 2.05 Content mid=0x0103 token=$tn");
    s.answered(non, PEER, "NON 2.05 Content mid=0x0103 token=$tn");
    s.recv(20, PEER, "RST Empty mid=$p").told(20, Output::Acknowledged(ping));
    s.respond(20, asked, Code::CONTENT, "x");
    s.sent(20, OTHER, r#"ACK 2.05 Content mid=0x0001 payload 1 byte "x""#);
    s.respond(20, asked_non, Code::CONTENT, "x");
    s.sent(20, OTHER, r#"NON 2.05 Content mid=$m payload 1 byte "x""#);
    s.recv(20, OTHER, "ACK Empty mid=$s").told(20, Output::Delivered(separate));
    s.until(495_000).failed(495_000, group, Failure::TimedOut);
    s.all_free(900_000);
}

fn issue_3_refusal_max_age<C: Scale>() {
    for seconds in [0, 77, 100_000, u32::MAX] {
        let mut s = eight::<C>(Config { refusal_max_age: seconds, ..Config::DEFAULT });
        for n in 0..4 {
            for peer in [PEER, OTHER] {
                s.recv(0, peer, &format!("CON GET mid=0x{n:04x}"));
                s.asked_by(peer);
            }
        }
        s.recv(0, PEER, "CON GET mid=0x0100");
        s.sent(0, PEER, &format!("ACK 4.29 Too Many Requests mid=0x0100 [Max-Age: {seconds}]"));
        s.recv(0, THIRD, "CON GET mid=0x0100");
        s.sent(0, THIRD, &format!("ACK 5.03 Service Unavailable mid=0x0100 [Max-Age: {seconds}]"));
        s.until(900_000).sent_lines();
    }
}

// RFC 8516: 4.29.

fn rfc8516_3_one_peer_has_a_share<C: Scale>() {
    let mut s = eight::<C>(Config::DEFAULT);
    let ids: Vec<_> = (0..4)
        .map(|n| {
            s.recv(0, PEER, &format!("{} GET mid=0x{n:04x}", if n % 2 == 0 { "CON" } else { "NON" }));
            s.asked_by(PEER)
        })
        .collect();
    // With no state: the same each time, and nothing of it is kept.
    for _ in 0..3 {
        s.recv(10, PEER, "CON GET mid=0x0100 token=53");
        s.sent(10, PEER, "ACK 4.29 Too Many Requests mid=0x0100 token=53 [Max-Age: 10]");
        s.recv(10, PEER, "NON GET mid=0x0101 token=54");
        s.sent_any(PEER);
    }
    s.recv(10, PEER, "NON GET mid=0x0101 token=54");
    s.sent(10, PEER, "NON 4.29 Too Many Requests mid=$n token=54 [Max-Age: 10]");
    assert_eq!((s.ep.statistics().over_share, s.ep.usage().exchanges), (7, 4));
    // A duplicate of one that was let in is none of it.
    s.recv(20, PEER, "CON GET mid=0x0000").sent(20, PEER, "ACK Empty mid=0x0000");
    // Others are served; and so is this one once one of its requests is dealt with.
    s.recv(20, OTHER, "CON GET mid=0x0100");
    let other = s.asked_by(OTHER);
    s.respond(20, other, Code::CONTENT, "");
    s.sent(20, OTHER, "ACK 2.05 Content mid=0x0100");
    s.respond(30, ids[1], Code::CONTENT, "");
    s.sent(30, PEER, "NON 2.05 Content mid=$m");
    s.recv(40, PEER, "CON GET mid=0x0100 token=53");
    s.asked_by(PEER);
    s.recv(50, PEER, "CON GET mid=0x0102");
    s.sent(50, PEER, "ACK 4.29 Too Many Requests mid=0x0102 [Max-Age: 10]");
    s.until(900_000).sent_lines();
    s.all_free(900_000);
}

/// However a request is dealt with, it counts no more; until then it does.
fn rfc8516_3_the_share_is_of_what_is_not_dealt_with<C: Scale>() {
    let config = Config { peer_share: 0, ..Config::DEFAULT };
    for how in ["piggybacked", "idempotent", "silent", "acknowledged", "reset", "reported", "given up", "unanswered"] {
        let mut s = eight::<C>(config);
        let option = if how == "silent" { " [258: 0x1a]" } else { "" };
        s.recv(0, PEER, &format!("CON GET mid=0x0001{option}"));
        let id = s.asked_by(PEER);
        let mut now = 100;
        match how {
            "piggybacked" | "silent" => _ = s.respond(now, id, Code::CONTENT, ""),
            "idempotent" => _ = s.respond(now, id.idempotent(), Code::CONTENT, ""),
            "unanswered" => {
                s.until(61_000);
                s.sent_any(PEER);
                now = 61_000;
            }
            _ => {
                s.defer(0, id);
                s.sent_any(PEER);
                let answer = if how == "reported" { id.report() } else { id.into() };
                s.respond(now, answer, Code::CONTENT, "");
            }
        }
        let separate = !matches!(how, "piggybacked" | "silent" | "idempotent");
        if separate {
            s.sent_any_as(PEER, "c");
            // Its answer is on the way.
            s.recv(now, PEER, "CON GET mid=0x0002");
            s.sent(now, PEER, "ACK 4.29 Too Many Requests mid=0x0002 [Max-Age: 10]");
        }
        match how {
            "reset" => _ = s.recv(now + 10, PEER, "RST Empty mid=$c"),
            "given up" => _ = s.until(now + 93_000),
            _ if separate => _ = s.recv(now + 10, PEER, "ACK Empty mid=$c"),
            _ => {}
        }
        s.sent_lines();
        s.recv(200_000, PEER, "CON GET mid=0x0003");
        s.asked_by(PEER);
        s.until(900_000).sent_lines();
        s.all_free(900_000);
    }
}

fn rfc8516_3_the_share_by_configuration<C: Scale>() {
    // Percent of eight slots; one in any case.
    for (peer_share, most) in [(0, 1), (1, 1), (12, 1), (13, 2), (25, 2), (50, 4), (75, 6), (99, 8), (100, 8), (255, 8)]
    {
        let mut s = eight::<C>(Config { peer_share, ..Config::DEFAULT });
        for n in 0..most {
            s.recv(0, PEER, &format!("CON GET mid=0x{n:04x}"));
            s.asked_by(PEER);
        }
        s.recv(0, PEER, "CON GET mid=0x0100");
        let what = if most == 8 && s.ep.statistics().full == 1 {
            "5.03 Service Unavailable"
        } else {
            "4.29 Too Many Requests"
        };
        s.sent(0, PEER, &format!("ACK {what} mid=0x0100 [Max-Age: 10]"));
        s.until(900_000).sent_lines();
    }
}

// Peers.

fn issue_3_a_full_table_of_peers<C: Scale>() {
    let mut s = eight::<C>(Config::DEFAULT);
    // Each of four peers has something live.
    let handles: Vec<_> = (1..=4).map(|peer| s.request(0, peer, Request::get().non())).collect();
    assert_eq!(s.sent_lines().len(), 4);
    for now in [0, 5_000] {
        let until = now + 247_000;
        assert_eq!(s.try_request(now, 5, Request::get(), |_| {}), Err(RequestError::NoPeer { until: at(until) }));
        assert_eq!(s.try_ping(now, 5), Err(RequestError::NoPeer { until: at(until) }));
        s.recv(now, 5, "CON GET mid=0x0001");
        s.sent(now, 5, "ACK 5.03 Service Unavailable mid=0x0001 [Max-Age: 10]");
        s.recv(now, 5, "NON GET mid=0x0002").silence();
        s.recv(now, 5, "CON Empty mid=0x0003").sent(now, 5, "RST Empty mid=0x0003");
        // A group is no peer, and those that are known are served.
        let group = s.request(now, 99, Request::get().group());
        assert!(s.ep.cancel(group));
        s.sent_any(99);
        s.recv(now, 4, "CON GET mid=0x0001");
        let id = s.asked_by(4);
        s.respond(now, id.idempotent(), Code::CONTENT, "");
        s.sent_any(4);
    }
    // One to which nothing refers gives way.
    assert!(s.ep.cancel(handles[2]));
    s.get(6_000, 5);
    s.sent_any(5);
    s.until(900_000).sent_lines();
    s.all_free(900_000);
}

fn issue_3_peers_that_are_only_remembered_give_way<C: Scale>() {
    let mut s = eight::<C>(Config::DEFAULT);
    for n in 0..100_u16 {
        let (now, peer) = (u64::from(n) * 10, 100 + n);
        s.recv(now, peer, "CON POST mid=0x0001");
        let id = s.asked_by(peer);
        s.respond(now, id, Code::CHANGED, "");
        s.sent(now, peer, "ACK 2.04 Changed mid=0x0001");
    }
    s.all_free(900_000);
}

/// RFC 7252 4.4: more peers than there are slots for, each of which gives way to the next, and is asked again. None gets a Message ID
/// twice within EXCHANGE_LIFETIME, whatever the moment.
fn rfc7252_4_4_message_ids_of_peers_that_give_way<C: Scale>() {
    let transmission = Transmission { probing_rate: u16::MAX, ..Transmission::DEFAULT };
    let mut ep = Endpoint::new(Config { transmission, ..Config::DEFAULT }, [7; 16], Eight::<C>::new());
    let mut last: HashMap<(u16, [u8; 2]), u64> = HashMap::new();
    // So many requests to a peer, as long as there are Message IDs.
    let mut ask = |now: u64, peer: u16, count: u16| {
        for _ in 0..count {
            let mut tx = [0; 16];
            match ep.request(at(now), peer, Request::get().non(), &mut tx, |_| {}) {
                Ok((handle, _)) => assert!(ep.cancel(handle)),
                Err(RequestError::NoMessageId { until } | RequestError::NoPeer { until }) => {
                    assert!(until > at(now));
                    return;
                }
                Err(error) => panic!("{error}"),
            }
            if let Some(before) = last.insert((peer, [tx[2], tx[3]]), now) {
                assert!(now - before >= 247_000, "{:x?} to {peer} at {before} and again at {now}", &tx[2..4]);
            }
        }
    };
    // Somebody gives way: from now on it is counted. Then many do, at the end of that EXCHANGE_LIFETIME and at the beginning of the next.
    (1..=5).for_each(|peer| ask(0, peer, 1));
    for (now, rounds) in [(246_000, 40), (247_500, 35)] {
        ask(now, 9, 1);
        for round in 0..rounds {
            ask(now, 10 + round % 7, 790);
        }
    }
    ask(247_600, 9, 9_000);
    // And at random.
    let mut rng = 1_u64;
    let mut now = 600_000;
    for _ in 0..2_000 {
        rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let [peer, count, pause, ..] = (rng >> 16).to_be_bytes();
        ask(now, u16::from(peer % 9), 1 + u16::from(count));
        now += u64::from(pause) * 20;
    }
}

// "10,000 requests in a row from one peer are all answered."

fn issue_3_10_000_requests_in_a_row<C: Scale>() {
    for method in ["GET", "POST"] {
        for kind in ["CON", "NON"] {
            let mut s = eight::<C>(Config::DEFAULT);
            s.tx(64);
            for n in 0..10_000_u64 {
                s.recv(n * 10, PEER, &format!("{kind} {method} mid=0x{n:04x} token=53"));
                let id = s.asked_by(PEER);
                s.respond(n * 10, id, Code::CONTENT, "0123456789abcdef");
                let (_, bytes) = s.sent_any(PEER);
                assert_eq!((bytes[1], bytes[4], bytes.len()), (0x45, 0x53, 5 + 1 + 16));
                if kind == "CON" && n % 10 == 0 {
                    // The last one is remembered.
                    s.recv(n * 10, PEER, &format!("{kind} {method} mid=0x{n:04x} token=53"));
                    assert_eq!(s.sent_any(PEER).1, bytes);
                }
            }
            s.all_free(900_000);
        }
    }
}

/// RFC 7252 4.4: after EXCHANGE_LIFETIME a Message ID is a new one's, also for one who overslept with many of them remembered.
fn issue_3_what_has_run_out_is_no_duplicate<C: Scale>() {
    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 32, 1024, 0, 0, C>::new());
    for n in 0..20 {
        s.recv(0, PEER, &format!("CON GET mid=0x{n:04x}"));
        let id = s.asked_by(PEER);
        s.respond(0, id, Code::CONTENT, "");
        s.sent_any(PEER);
    }
    // Several datagrams are there, before the next poll.
    let (bytes, mut tx, now) = (s.encode("CON GET mid=0x0013"), [0; 64], at(300_000));
    let first = s.ep.handle(now, PEER, Arrival::Unicast, &bytes, &mut tx);
    assert!(matches!(first.event, Event::Request(_)) && first.reply.is_none(), "{first:?}");
    let second = s.ep.handle(now, PEER, Arrival::Unicast, &bytes, &mut tx);
    assert!(matches!(second.event, Event::Handled) && second.reply.is_some(), "{second:?}");
    s.oversleep(300_000).until(900_000).sent_lines();
    s.all_free(900_000);
}
