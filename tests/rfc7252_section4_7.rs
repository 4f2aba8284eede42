//! RFC 7252 4.3, 4.7 and 4.8: pings, how much goes to one peer at a time, and the parameters that govern it.

#[macro_use]
mod endpoint;

use coaplet::endpoint::{Failure, Output, Request, RequestError};
use coaplet::store::Scale;
use coaplet::{Code, Config, Instant, Transmission, WriteError};
use core::time::Duration;
use endpoint::{OTHER, PEER, eight, roomy};

const GET: &str = "CON GET mid=0x7d34 token=53 [Uri-Path: temperature]";

in_both_scales! {
    rfc7252_4_8_one_request_may_have_parameters_of_its_own,
    rfc7252_4_8_2_what_is_derived_from_other_parameters,
    rfc7252_5_2_2_a_request_may_have_a_patience_of_its_own,
    rfc7252_4_7_a_silent_peer_is_sent_probing_rate,
    rfc7252_4_7_whatever_comes_from_a_peer_ends_its_silence,
    rfc7252_4_7_probing_rate_by_configuration_and_by_request,
    rfc7252_4_7_a_confirmable_request_to_a_silent_peer_counts_at_most_once,
    rfc7252_4_7_the_queue_is_bounded,
    rfc7252_4_7_a_separate_response_waits_whatever_the_queue,
    rfc7252_4_7_rather_not_at_all_than_later,
    rfc7252_4_7_nstart_of_one_request,
    rfc7252_4_7_two_queues_go_on_apart,
    rfc7252_4_3_a_ping_is_answered_by_a_reset,
    rfc7252_4_3_a_ping_is_sent_again_and_given_up,
    rfc7252_4_3_4_7_a_ping_counts_for_nstart,
    rfc7252_4_3_a_ping_that_cannot_be_made,
}

/// These parameters, a fixed first timeout.
fn pace(ack_timeout: u64, max_retransmit: u8) -> Transmission {
    let ack_timeout = Duration::from_millis(ack_timeout);
    Transmission { ack_timeout, ack_random_factor: 1000, max_retransmit, ..Transmission::DEFAULT }
}

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

// 4.8: parameters.

fn rfc7252_4_8_one_request_may_have_parameters_of_its_own<C: Scale>() {
    // The endpoint's own allow four retransmissions, in 45 s.
    for (ack_timeout, times) in [(500, 2), (1_000, 6), (3_000, 0), (30_000, 1)] {
        let mut s = roomy::<C>(Config::DEFAULT);
        let request = Request::get().transmission(&pace(ack_timeout, times));
        let handle = s.request(0, PEER, request);
        let (_, first) = s.sent(0, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
        s.until(900_000);
        for again in 1..=times {
            let when = ack_timeout * ((1 << again) - 1);
            assert_eq!(s.sent(when, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]").1, first);
        }
        s.failed(ack_timeout * ((2 << times) - 1), handle, Failure::TimedOut);
        // Others go by those of the endpoint.
        s.get(900_000, PEER);
        s.sent(900_000, PEER, "CON GET mid=$b token=$u [Uri-Path: temperature]");
        s.until(903_000).sent(902_000..=903_000, PEER, "CON GET mid=$b token=$u [Uri-Path: temperature]");
        s.recv(903_100, PEER, "RST Empty mid=$b");
        assert_eq!(s.sent_lines().len(), 1);
        s.all_free(1_800_000);
    }
}

fn rfc7252_4_8_2_what_is_derived_from_other_parameters<C: Scale>() {
    let transmission = Transmission { max_latency: Duration::from_secs(10), ..pace(1_000, 2) };
    let seconds = Duration::from_secs;
    assert_eq!((transmission.max_transmit_span(), transmission.max_transmit_wait()), (seconds(3), seconds(7)));
    assert_eq!((transmission.processing_delay(), transmission.max_rtt()), (seconds(1), seconds(21)));
    assert_eq!((transmission.exchange_lifetime(), transmission.non_lifetime()), (seconds(24), seconds(13)));
    let mut s = roomy::<C>(Config { transmission, ..Config::DEFAULT });
    // EXCHANGE_LIFETIME and NON_LIFETIME, on duplicates.
    s.recv(0, PEER, GET);
    let id = s.asked(PEER, GET);
    s.respond(0, id, Code::CONTENT, "x");
    let reply = r#"ACK 2.05 Content mid=0x7d34 token=53 payload 1 byte "x""#;
    s.sent(0, PEER, reply);
    let non = GET.replace("CON", "NON");
    s.recv(0, OTHER, &non);
    let id = s.asked(OTHER, &non);
    s.respond(0, id, Code::CONTENT, "x");
    s.sent(0, OTHER, r#"NON 2.05 Content mid=$n token=53 payload 1 byte "x""#);
    s.recv(12_999, OTHER, &non).silence();
    s.recv(13_000, OTHER, &non);
    s.asked(OTHER, &non);
    s.recv(23_999, PEER, GET).sent(23_999, PEER, reply);
    s.recv(24_000, PEER, GET);
    s.asked(PEER, GET);
    s.until(200_000).sent_lines();
    // A request to a group: NON_LIFETIME, MAX_LATENCY and 250 s.
    let handle = s.request(200_000, 99, Request::get().group());
    s.sent(200_000, 99, "NON GET mid=$g token=$t [Uri-Path: temperature]");
    s.until(500_000);
    s.failed(200_000 + 13_000 + 10_000 + 250_000, handle, Failure::TimedOut);
    s.all_free(900_000);
}

fn rfc7252_5_2_2_a_request_may_have_a_patience_of_its_own<C: Scale>() {
    // What is asked for, and what it counts as.
    for (asked, counted) in [(0, 0), (5_000, 5_000), (16_383, 16_383), (20_001, 20_010), (600_000, 600_000)] {
        let mut s = roomy::<C>(Config::DEFAULT);
        let patient = |request: Request| request.timeout(Duration::from_millis(asked));
        let acked = s.request(0, PEER, patient(Request::get()));
        s.sent(0, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
        s.recv(1_000, PEER, "ACK Empty mid=$id");
        s.until(1_000 + counted);
        s.failed(1_000 + counted, acked, Failure::TimedOut);
        s.silence();
        let start = 700_000;
        let non = s.request(start, PEER, patient(Request::get().non()));
        s.sent(start, PEER, "NON GET mid=$non token=$u [Uri-Path: temperature]");
        s.until(start + counted);
        s.failed(start + counted, non, Failure::TimedOut);
        s.all_free(start + 900_000);
        // It does not cut short how often a request is sent.
        let start = 2_000_000;
        let lost = s.request(start, PEER, patient(Request::get()));
        s.until(start + 100_000);
        for _ in 0..5 {
            s.sent(start..=start + 45_000, PEER, "CON GET mid=$lost token=$v [Uri-Path: temperature]");
        }
        s.failed(start + 62_000..=start + 93_000, lost, Failure::TimedOut);
    }
}

// 4.7: PROBING_RATE.

/// A NON GET of 20 bytes, which are three times 8 bytes: 24 s at one byte a second.
const PAID: u64 = 24_000;

fn rfc7252_4_7_a_silent_peer_is_sent_probing_rate<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    s.request(0, PEER, Request::get().non());
    let (_, bytes) = s.sent(0, PEER, "NON GET mid=$a token=$ta [Uri-Path: temperature]");
    assert_eq!(bytes.len(), 20);
    let before = s.ep.usage();
    for now in [0, 1, 1_000, PAID - 1] {
        let refused = s.try_request(now, PEER, Request::get().non(), |_| {});
        assert_eq!(refused, Err(RequestError::Probing { until: at(PAID) }), "at {now} ms");
    }
    assert_eq!(s.ep.usage(), before, "nothing is kept of what was refused");
    // Another peer, and a group, are others.
    s.request(PAID - 1, OTHER, Request::get().non());
    s.sent(PAID - 1, OTHER, "NON GET mid=$o token=$to [Uri-Path: temperature]");
    s.request(PAID - 1, PEER, Request::get().group());
    s.sent(PAID - 1, PEER, "NON GET mid=$g token=$tg [Uri-Path: temperature]");
    // Paid for; and the next one is to be paid for in its turn: 64 bytes at the most here, 4 + 4 + 12 + 1 + 43.
    let longer = s.try_request(PAID, PEER, Request::get().non(), |w| {
        w.path("temperature").payload(&[b'x'; 43]);
    });
    assert!(longer.is_ok());
    assert_eq!(s.sent_lines().len(), 1);
    let refused = s.try_request(PAID + 1, PEER, Request::get().non(), |_| {});
    assert_eq!(refused, Err(RequestError::Probing { until: at(PAID + 64_000) }));
    s.request(PAID + 64_000, PEER, Request::get().non());
    s.sent_lines();
    s.until(900_000).sent_lines();
    s.all_free(900_000);
}

fn rfc7252_4_7_whatever_comes_from_a_peer_ends_its_silence<C: Scale>() {
    let heard = [
        "NON 2.05 Content mid=0x0001 token=$a",
        "NON 2.05 Content mid=0x0001 token=1234567890",
        "CON 2.05 Content mid=0x0001 token=1234567890",
        "ACK 2.05 Content mid=0x0001 token=1234567890",
        "ACK Empty mid=0x0001",
        "RST Empty mid=0x0001",
        "RST Empty mid=$a",
        "CON Empty mid=0x0001",
        "CON GET mid=0x0001",
        "NON GET mid=0x0001",
        "NON GET mid=0x0001 [65001: 0x01]",
    ];
    for text in heard {
        let mut s = roomy::<C>(Config::DEFAULT);
        s.request(0, PEER, Request::get().non());
        s.sent(0, PEER, "NON GET mid=$a token=$a [Uri-Path: temperature]".replace("token=$a", "token=$t").as_str());
        let text = text.replace("token=$a", "token=$t");
        // From another one it does not count.
        s.recv(500, OTHER, &text);
        let refused = s.try_request(500, PEER, Request::get().non(), |_| {});
        assert_eq!(refused, Err(RequestError::Probing { until: at(PAID) }), "{text}");
        s.recv(1_000, PEER, &text);
        s.request(1_000, PEER, Request::get().non());
        assert!(!s.sent_lines().is_empty());
        s.until(200_000).sent_lines();
    }
}

fn rfc7252_4_7_probing_rate_by_configuration_and_by_request<C: Scale>() {
    for (rate, pause) in [(0, 24_000), (1, 24_000), (10, 2_400), (100, 240), (u16::MAX, 0)] {
        let transmission = Transmission { probing_rate: rate, ..Transmission::DEFAULT };
        let fast = Config { transmission, ..Config::DEFAULT };
        for (config, request) in
            [(fast, Request::get().non()), (Config::DEFAULT, Request::get().non().transmission(&transmission))]
        {
            let mut s = roomy::<C>(config);
            s.request(0, PEER, request);
            if pause > 0 {
                let refused = s.try_request(pause - 1, PEER, request, |_| {});
                assert_eq!(refused, Err(RequestError::Probing { until: at(pause) }), "{rate} bytes a second");
            }
            s.request(pause, PEER, request);
            assert_eq!(s.sent_lines().len(), 2);
        }
    }
}

/// What is sent to it in the meantime does not make it any sooner, nor for ever later.
fn rfc7252_4_7_a_confirmable_request_to_a_silent_peer_counts_at_most_once<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    s.request(0, PEER, Request::get().non());
    s.request(20_000, PEER, Request::get());
    let refused = s.try_request(PAID - 1, PEER, Request::get().non(), |_| {});
    assert!(matches!(refused, Err(RequestError::Probing { until }) if until >= at(PAID)), "{refused:?}");
    s.request(20_000 + PAID, PEER, Request::get().non());
    s.until(300_000).sent_lines();
}

// 4.7: NSTART.

fn rfc7252_4_7_the_queue_is_bounded<C: Scale>() {
    for queue in [0, 1, 3, 16] {
        let mut s = roomy::<C>(Config { queue, ..Config::DEFAULT });
        let mut handles: Vec<_> = (0..=queue).map(|_| s.get(0, PEER)).collect();
        s.sent(0, PEER, "CON GET mid=$a token=$ta [Uri-Path: temperature]");
        let before = s.ep.usage();
        let refused = s.try_request(0, PEER, Request::get(), |_| {});
        assert_eq!(refused, Err(RequestError::WouldWait { limit: queue }));
        assert_eq!(s.try_ping(0, PEER), Err(RequestError::WouldWait { limit: queue }));
        assert_eq!(s.ep.usage(), before);
        // What need not wait is not refused: another peer's, and a NON.
        s.request(0, OTHER, Request::get());
        s.request(0, PEER, Request::get().non());
        assert_eq!(s.sent_lines().len(), 2);
        if queue > 0 {
            // One that is cancelled makes room, and one whose turn has come.
            assert!(s.ep.cancel(handles.swap_remove(1)));
            handles.push(s.get(10, PEER));
            assert!(s.try_request(10, PEER, Request::get(), |_| {}).is_err());
            s.recv(20, PEER, "RST Empty mid=$a");
            assert_eq!(s.sent_lines().len(), 2, "the next one, and the failure");
            s.get(30, PEER);
            assert!(s.try_request(30, PEER, Request::get(), |_| {}).is_err());
        }
        s.until(3_000_000).sent_lines();
        s.all_free(3_000_000);
    }
}

fn rfc7252_4_7_a_separate_response_waits_whatever_the_queue<C: Scale>() {
    let mut s = roomy::<C>(Config { queue: 0, ..Config::DEFAULT });
    for n in 1..=3 {
        let get = format!("CON GET mid=0x000{n} token=0{n}");
        s.recv(0, PEER, &get);
        let id = s.asked(PEER, &get);
        s.defer(0, id);
        s.sent(0, PEER, &format!("ACK Empty mid=0x000{n}"));
        s.respond(10, id, Code::CONTENT, "x");
        if n == 1 {
            s.sent(10, PEER, r#"CON 2.05 Content mid=$a1 token=01 payload 1 byte "x""#);
        }
        s.silence();
        s.oversleep(0);
    }
    for (n, at) in [(1, 20), (2, 30)] {
        s.recv(at, PEER, &format!("ACK Empty mid=$a{n}"));
        let next = n + 1;
        s.sent(at, PEER, &format!(r#"CON 2.05 Content mid=$a{next} token=0{next} payload 1 byte "x""#));
    }
    s.recv(40, PEER, "ACK Empty mid=$a3");
    s.all_free(900_000);
}

fn rfc7252_4_7_rather_not_at_all_than_later<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    let at_once = Request::get().at_once();
    s.request(0, PEER, at_once);
    s.sent(0, PEER, "CON GET mid=$a token=$ta [Uri-Path: temperature]");
    assert_eq!(s.try_request(0, PEER, at_once, |_| {}), Err(RequestError::WouldWait { limit: 16 }));
    // A NON has nothing to wait for.
    s.request(0, PEER, at_once.non());
    s.sent(0, PEER, "NON GET mid=$n token=$tn [Uri-Path: temperature]");
    s.recv(10, PEER, "ACK Empty mid=$a");
    s.request(10, PEER, at_once);
    s.sent(10, PEER, "CON GET mid=$b token=$tb [Uri-Path: temperature]");
    s.until(300_000).sent_lines();
}

fn rfc7252_4_7_nstart_of_one_request<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    let three = Request::get().transmission(&Transmission { nstart: 3, ..Transmission::DEFAULT });
    s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$a token=$ta [Uri-Path: temperature]");
    s.request(0, PEER, three);
    s.sent(0, PEER, "CON GET mid=$b token=$tb [Uri-Path: temperature]");
    s.get(0, PEER);
    s.silence();
    s.request(0, PEER, three);
    s.sent(0, PEER, "CON GET mid=$c token=$tc [Uri-Path: temperature]");
    s.request(0, PEER, three);
    s.silence();
    // NSTART of 0 counts as 1.
    let none = Request::get().transmission(&Transmission { nstart: 0, ..Transmission::DEFAULT });
    s.request(0, OTHER, none);
    assert_eq!(s.sent_lines().len(), 1);
    s.until(3_000_000).sent_lines();
    s.all_free(3_000_000);
}

fn rfc7252_4_7_two_queues_go_on_apart<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    for _ in 0..5 {
        s.get(0, PEER);
        s.get(0, OTHER);
    }
    s.sent(0, PEER, "CON GET mid=$p0 token=$tp0 [Uri-Path: temperature]");
    s.sent(0, OTHER, "CON GET mid=$o0 token=$to0 [Uri-Path: temperature]");
    // One is quick, the other takes its time; each gets its next one when it has acknowledged the last.
    for n in 0..4 {
        let (quick, slow) = (10 * (n + 1), 400 * (n + 1));
        s.oversleep(quick).recv(quick, PEER, &format!("ACK Empty mid=$p{n}"));
        s.sent(quick, PEER, &format!("CON GET mid=$p{0} token=$tp{0} [Uri-Path: temperature]", n + 1));
        s.silence();
        s.oversleep(slow).recv(slow, OTHER, &format!("ACK Empty mid=$o{n}"));
        s.sent(slow, OTHER, &format!("CON GET mid=$o{0} token=$to{0} [Uri-Path: temperature]", n + 1));
        s.silence();
    }
    s.until(900_000).sent_lines();
    s.all_free(900_000);
}

// 4.3: pings.

fn rfc7252_4_3_a_ping_is_answered_by_a_reset<C: Scale>() {
    for answer in ["RST", "ACK"] {
        let mut s = roomy::<C>(Config::DEFAULT);
        let handle = s.ping(0, PEER);
        let (_, bytes) = s.sent(0, PEER, "CON Empty mid=$id");
        assert_eq!((bytes.len(), bytes[0]), (4, 0x40));
        s.recv(10, OTHER, &format!("{answer} Empty mid=$id")).silence();
        s.recv(20, PEER, &format!("{answer} Empty mid=$id"));
        s.told(20, Output::Acknowledged(handle));
        s.recv(30, PEER, &format!("{answer} Empty mid=$id")).silence();
        assert!(!s.ep.cancel(handle));
        s.all_free(900_000);
    }
}

fn rfc7252_4_3_a_ping_is_sent_again_and_given_up<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    let handle = s.ping(0, PEER);
    s.until(100_000);
    for range in [0..=0, 2_000..=3_000, 6_000..=9_000, 14_000..=21_000, 30_000..=45_000] {
        s.sent(range, PEER, "CON Empty mid=$id");
    }
    s.failed(62_000..=93_000, handle, Failure::TimedOut);
    // Answered after it was sent again; cancelled.
    let handle = s.ping(200_000, PEER);
    s.until(203_000);
    s.sent(200_000, PEER, "CON Empty mid=$b");
    s.sent(202_000..=203_000, PEER, "CON Empty mid=$b");
    s.recv(203_100, PEER, "RST Empty mid=$b");
    s.told(203_100, Output::Acknowledged(handle));
    let handle = s.ping(204_000, PEER);
    s.sent(204_000, PEER, "CON Empty mid=$c");
    assert!(s.ep.cancel(handle) && !s.ep.cancel(handle));
    s.recv(204_100, PEER, "RST Empty mid=$c").silence();
    s.all_free(900_000);
}

fn rfc7252_4_3_4_7_a_ping_counts_for_nstart<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    let ping = s.ping(0, PEER);
    s.sent(0, PEER, "CON Empty mid=$p");
    s.get(0, PEER);
    let second = s.ping(0, PEER);
    s.silence();
    s.recv(10, PEER, "RST Empty mid=$p");
    s.told(10, Output::Acknowledged(ping));
    s.sent(10, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
    // The one that waits is not answered by what its Message ID may be taken for.
    s.recv(20, PEER, "ACK Empty mid=$a").sent(20, PEER, "CON Empty mid=$q");
    s.recv(30, PEER, "RST Empty mid=$q");
    s.told(30, Output::Acknowledged(second));
    s.until(200_000).sent_lines();
    s.all_free(900_000);
}

fn rfc7252_4_3_a_ping_that_cannot_be_made<C: Scale>() {
    let mut s = eight::<C>(Config::DEFAULT);
    let small = s.tx(3).try_ping(0, PEER);
    assert_eq!(small, Err(RequestError::Write(WriteError::BufferTooSmall { needed: 4 })));
    s.tx(64);
    for peer in 1..=4 {
        s.ping(0, peer);
        s.ping(0, peer);
    }
    assert_eq!(s.sent_lines().len(), 4);
    assert_eq!(s.try_ping(0, 1), Err(RequestError::NoExchange));
    assert_eq!(s.try_ping(0, 5), Err(RequestError::NoPeer { until: at(247_000) }));
    s.until(900_000).sent_lines();
    s.all_free(900_000);
}
