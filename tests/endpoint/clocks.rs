//! Clocks that jump, that are set back, and that go round where 32 bits of them are kept.

use crate::endpoint::{Eight, PEER, Script, Small, eight, script};
use coaplet::endpoint::{Arrival, Event, Failure, Output, Request, RequestError};
use coaplet::store::Scale;
use coaplet::{Code, Config, Endpoint, Instant, Transmission};

const DAY: u64 = 86_400_000;

fn get(mid: u16) -> String {
    format!("CON GET mid=0x{mid:04x} token=53 [Uri-Path: temperature]")
}

in_both_scales![
    what_is_outstanding_is_over_after_any_jump,
    what_is_remembered_is_forgotten_after_any_jump,
    message_ids_do_not_run_out_however_slowly_they_are_used,
    who_was_silent_long_ago_may_be_asked,
    an_hour_back_and_nothing_is_lost,
];

/// Jumps of days: those of which 32 bits look as if nothing had passed, or less than nothing, among them.
fn jumps() -> impl Iterator<Item = u64> {
    (1..=120).map(|day| day * DAY).chain([(1 << 31) - 1, 1 << 31, (1 << 31) + 1, (1 << 32) - 1, 1 << 32, 1 << 40])
}

fn what_is_outstanding_is_over_after_any_jump<C: Scale>() {
    for jump in jumps() {
        let mut s: Script<Eight<C>> = eight(Config::DEFAULT);
        let con = s.get(1_000, PEER);
        s.sent_any(PEER);
        let non = s.request(1_000, 8, Request::get().non());
        s.sent_any(8);
        s.oversleep(1_000 + jump).until(1_000 + jump);
        s.failed(1_000 + jump, con, Failure::TimedOut);
        s.failed(1_000 + jump, non, Failure::TimedOut);
        s.until(1_000 + jump + DAY).silence();
        assert_eq!(s.ep.usage().exchanges, 0, "{jump}");
    }
}

fn what_is_remembered_is_forgotten_after_any_jump<C: Scale>() {
    for jump in jumps() {
        let mut s: Script<Eight<C>> = eight(Config::DEFAULT);
        let text = r#"ACK 2.05 Content mid=0x0001 token=53 payload 1 byte "x""#;
        for at in [1_000, 1_000 + jump] {
            // Without a poll before.
            let request = s.encode(&get(1));
            s.oversleep(at).take(PEER, &request);
            let id = s.asked(PEER, &get(1));
            s.respond(at, id, Code::CONTENT, "x").sent(at, PEER, text);
            s.recv(at + 246_000, PEER, &get(1)).sent(at + 246_000, PEER, text);
        }
    }
}

/// RFC 7252 4.4: half of them in more than 24 days, and the second half is there at once.
fn message_ids_do_not_run_out_however_slowly_they_are_used<C: Scale>() {
    for pause in [60_000, 90_000, 130_000, 140_000] {
        let mut s: Script<Eight<C>> = eight(Config::DEFAULT);
        let mut tx = [0; 64];
        for round in 0..65_000 {
            let now = Instant::from_millis(round * pause);
            let (handle, _) = s.ep.request(now, PEER, Request::get().non(), &mut tx, |_| {}).unwrap_or_else(|error| {
                panic!("message {round}, one in {pause} ms: {error}");
            });
            assert!(s.ep.cancel(handle));
            assert!(matches!(s.ep.poll(now, &mut tx), Output::Idle(_)));
        }
    }
}

/// RFC 7252 4.7: PROBING_RATE is a matter of what was sent lately.
fn who_was_silent_long_ago_may_be_asked<C: Scale>() {
    let transmission = Transmission { probing_rate: 1, ..Transmission::DEFAULT };
    for jump in jumps() {
        let mut s: Script<Eight<C>> = eight(Config { transmission, ..Config::DEFAULT });
        let non = s.request(0, PEER, Request::get().non());
        s.sent_any(PEER);
        let refused = s.try_request(1_000, PEER, Request::get().non(), |_| {});
        assert!(matches!(refused, Err(RequestError::Probing { .. })), "{refused:?}");
        s.until(100_000).failed(93_000..=100_000, non, Failure::TimedOut);
        s.request(jump, PEER, Request::get().non());
        s.sent_any(PEER);
    }
}

fn an_hour_back_and_nothing_is_lost<C: Scale>() {
    let mut s: Script<Eight<C>> = eight(Config::DEFAULT);
    let hour = 3_600_000;
    s.recv(hour, PEER, &get(1));
    let id = s.asked(PEER, &get(1));
    let text = r#"ACK 2.05 Content mid=0x0001 token=53 payload 1 byte "x""#;
    s.respond(hour, id, Code::CONTENT, "x").sent(hour, PEER, text);
    let request = s.get(hour, PEER);
    s.sent_any(PEER);
    s.oversleep(5);
    // It is the same one still, and is given up in the end.
    s.recv(1_000, PEER, &get(1)).sent(1_000, PEER, text);
    s.until(3 * hour);
    for _ in 0..4 {
        s.sent_any(PEER);
    }
    s.failed(60_000..=100_000, request, Failure::TimedOut);
    s.silence();
}

#[test]
fn the_end_of_time_and_a_clock_that_runs_backwards() {
    for times in [
        [u64::MAX, u64::MAX, u64::MAX, u64::MAX],
        [u64::MAX - 1, u64::MAX, 0, u64::MAX],
        [1_000_000, 0, 5, 1],
        [0, u64::MAX, 0, 1 << 40],
        [1 << 32, (1 << 32) - 1, 1 << 33, 0],
    ] {
        let mut ep = Endpoint::new(Config::DEFAULT, [3; 16], Small::new());
        let mut tx = [0; 128];
        let (mut ended, mut made) = (0, 0);
        for round in 0..50_u16 {
            for (n, &at) in times.iter().enumerate() {
                let (now, mid) = (Instant::from_millis(at), round * 4 + n as u16);
                let _ = ep.request(now, round % 6, Request::get(), &mut tx, |_| {}).map(|_| made += 1);
                let _ = ep.request(now, round % 6, Request::get().non(), &mut tx, |_| {}).map(|_| made += 1);
                let datagram = [0x40, 1, (mid >> 8) as u8, mid as u8];
                if let Event::Request(request) = ep.handle(now, 1, Arrival::Unicast, &datagram, &mut tx).event {
                    if round % 2 == 0 {
                        let _ = ep.respond(now, request.id, &mut tx, |w| {
                            w.code(Code::CONTENT);
                        });
                    }
                }
                for _ in 0..1_000 {
                    match ep.poll(now, &mut tx) {
                        Output::Idle(_) => break,
                        Output::Failed(..) => ended += 1,
                        _ => {}
                    }
                }
            }
        }
        assert!(ended <= made && made > 0, "{times:?}: {ended} of {made}");
        let usage = ep.usage();
        assert!(usage.exchanges <= 8 && usage.peers <= 4 && usage.remembered <= usage.exchanges);
    }
}

/// The clock that is kept for what is remembered wraps after 49.7 days: nothing goes wrong there.
#[test]
fn the_49th_day() {
    let day_49 = (1_u64 << 32) - 100_000;
    let mut s = script();
    s.recv(day_49, PEER, &get(1));
    let id = s.asked(PEER, &get(1));
    s.respond(day_49, id, Code::CONTENT, "x");
    let text = r#"ACK 2.05 Content mid=0x0001 token=53 payload 1 byte "x""#;
    s.sent(day_49, PEER, text);
    s.recv(day_49 + 246_000, PEER, &get(1)).sent(day_49 + 246_000, PEER, text);
    s.recv(day_49 + 248_000, PEER, &get(1));
    s.asked(PEER, &get(1));
    s.until(day_49 + 260_000).sent_lines();
}
