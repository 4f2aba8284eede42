//! RFC 7252 5.2, 4.5 and 5.10.5: how a request is answered. Put off, processed twice, told of, older with every copy.

#[macro_use]
mod endpoint;

use coaplet::endpoint::{Arrival, Event, Failure, Output, Request, RequestId, RespondError};
use coaplet::store::Scale;
use coaplet::{Code, Config, Instant, Message, Writer};
use core::time::Duration;
use endpoint::{Eight, OTHER, PEER, Roomy, Script, eight, line, roomy};

const GET: &str = "CON GET mid=0x7d34 token=53 [Uri-Path: temperature]";
const NON_GET: &str = "NON GET mid=0x7d35 token=54 [Uri-Path: temperature]";
const EMPTY_ACK: &str = "ACK Empty mid=0x7d34";

in_both_scales! {
    rfc7252_5_2_2_an_answer_that_is_put_off,
    rfc7252_5_2_2_an_answer_that_is_put_off_and_never_comes,
    rfc7252_5_2_3_the_answer_to_a_non_is_put_off,
    rfc7252_5_2_2_put_off_twice_or_too_late,
    rfc7252_5_2_2_what_is_answered_cannot_be_put_off,
    rfc7252_5_2_1_put_off_and_answered_before_the_next_poll,
    rfc7252_4_5_nothing_is_kept_of_an_idempotent_answer,
    rfc7252_4_5_of_other_idempotent_answers_it_is_kept_that_they_were_given,
    issue_3_a_separate_response_of_which_is_told_how_it_ends,
    issue_3_what_is_told_nobody_who_has_not_asked,
    rfc7252_5_10_5_max_age_of_a_piggybacked_response_goes_down,
    rfc7252_5_10_5_max_age_of_a_separate_response_goes_down,
    rfc7252_5_10_5_max_age_counts_from_the_first_transmission,
    rfc7252_5_10_5_nothing_to_lower,
    issue_3_how_long_a_round_trip_takes,
    issue_3_the_round_trip_of_what_was_sent_twice_is_not_known,
}

/// A GET that the application has been asked for, at 0.
fn asked<C: Scale>(config: Config) -> (Script<Roomy<C>>, RequestId) {
    let mut s = roomy::<C>(config);
    s.recv(0, PEER, GET);
    let id = s.asked(PEER, GET);
    (s, id)
}

// 5.2.2: separate responses.

fn rfc7252_5_2_2_an_answer_that_is_put_off<C: Scale>() {
    let (mut s, id) = asked::<C>(Config::DEFAULT);
    let id = s.defer(10, id);
    s.sent(10, PEER, EMPTY_ACK);
    s.recv(2_000, PEER, GET).sent(2_000, PEER, EMPTY_ACK);
    // No second Empty ACK, and no 5.03 after the minute that a request has otherwise.
    s.until(200_000).silence();
    s.respond(200_000, id, Code::CONTENT, "21.5");
    s.sent(200_000, PEER, r#"CON 2.05 Content mid=$c token=53 payload 4 bytes "21.5""#);
    s.recv(200_010, PEER, "ACK Empty mid=$c");
    s.recv(200_020, PEER, GET).sent(200_020, PEER, EMPTY_ACK);
    assert_eq!(s.try_defer(200_030, id), Err(RespondError::Stale));
    s.all_free(900_000);
}

fn rfc7252_5_2_2_an_answer_that_is_put_off_and_never_comes<C: Scale>() {
    for (defer_timeout, seconds) in [(None, 247), (Some(5), 5), (Some(0), 0)] {
        let defer_timeout = defer_timeout.map_or(Config::DEFAULT.defer_timeout, Duration::from_secs);
        let (mut s, id) = asked::<C>(Config { defer_timeout, ..Config::DEFAULT });
        s.defer(10, id);
        s.sent(10, PEER, EMPTY_ACK);
        s.until(10 + seconds * 1_000);
        s.sent(10 + seconds * 1_000, PEER, "CON 5.03 Service Unavailable mid=$c token=53");
        let late = s.try_respond(250_000, id, |w| _ = w.code(Code::CONTENT));
        assert_eq!(late, Err(RespondError::Stale));
        s.until(600_000).sent_lines();
        s.all_free(900_000);
    }
}

fn rfc7252_5_2_3_the_answer_to_a_non_is_put_off<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    s.recv(0, PEER, NON_GET);
    let id = s.asked(PEER, NON_GET);
    let id = s.defer(10, id);
    s.recv(2_000, PEER, NON_GET).silence();
    s.until(200_000).silence();
    s.respond(200_000, id, Code::CONTENT, "21.5");
    s.sent(200_000, PEER, r#"NON 2.05 Content mid=$n token=54 payload 4 bytes "21.5""#);
    s.all_free(900_000);
    s.recv(900_000, PEER, NON_GET);
    let id = s.asked(PEER, NON_GET);
    s.defer(900_010, id);
    s.until(900_010 + 247_000);
    s.sent(900_010 + 247_000, PEER, "NON 5.03 Service Unavailable mid=$m token=54");
    s.all_free(1_900_000);
}

fn rfc7252_5_2_2_put_off_twice_or_too_late<C: Scale>() {
    // After it was acknowledged by itself; a second time: from then on it has its time anew, and no second Empty ACK.
    let (mut s, id) = asked::<C>(Config::DEFAULT);
    s.until(1_000).sent(1_000, PEER, EMPTY_ACK);
    s.defer(50_000, id);
    s.until(100_000).silence();
    s.defer(100_000, id);
    s.until(346_999).silence();
    s.until(347_000).sent(347_000, PEER, "CON 5.03 Service Unavailable mid=$c token=53");
    assert_eq!(s.try_defer(347_001, id), Err(RespondError::Stale));
    s.recv(347_010, PEER, "ACK Empty mid=$c");
    s.all_free(900_000);
    drop(s);
    // After it was answered, by a piggybacked response; of another endpoint.
    let (mut s, id) = asked::<C>(Config::DEFAULT);
    let mut other = Script::seeded(Config::DEFAULT, Eight::<C>::new(), [9; 16]);
    other.recv(0, PEER, GET);
    other.asked(PEER, GET);
    assert_eq!(other.try_defer(10, id), Err(RespondError::Stale));
    s.respond(10, id, Code::CONTENT, "x");
    s.sent(10, PEER, r#"ACK 2.05 Content mid=0x7d34 token=53 payload 1 byte "x""#);
    assert_eq!(s.try_defer(20, id), Err(RespondError::Stale));
    other.until(300_000).sent_lines();
}

/// "Nothing is changed by it": neither the retransmission of the response, nor how long it is remembered.
fn rfc7252_5_2_2_what_is_answered_cannot_be_put_off<C: Scale>() {
    let (mut s, id) = asked::<C>(Config::DEFAULT);
    s.defer(0, id);
    s.sent(0, PEER, EMPTY_ACK);
    s.respond(10, id, Code::CONTENT, "x");
    let response = r#"CON 2.05 Content mid=$c token=53 payload 1 byte "x""#;
    s.sent(10, PEER, response);
    assert_eq!(s.try_defer(20, id), Err(RespondError::Stale));
    s.until(3_010).sent(2_010..=3_010, PEER, response);
    assert_eq!(s.try_defer(3_020, id), Err(RespondError::Stale));
    s.recv(3_030, PEER, "ACK Empty mid=$c");
    assert_eq!(s.try_defer(3_040, id), Err(RespondError::Stale));
    s.recv(3_050, PEER, GET).sent(3_050, PEER, EMPTY_ACK);
    s.all_free(900_000);
}

fn rfc7252_5_2_1_put_off_and_answered_before_the_next_poll<C: Scale>() {
    let (mut s, id) = asked::<C>(Config::DEFAULT);
    let (now, mut tx) = (Instant::ZERO, [0; 64]);
    s.ep.defer(now, id).unwrap();
    // The Empty ACK has not gone out: it is not needed any more.
    let build = |w: &mut Writer<'_>| _ = w.code(Code::CONTENT).payload(b"x");
    let sent = s.ep.respond(now, id, &mut tx, build).unwrap().unwrap();
    assert_eq!(line(&tx[..sent.len]), r#"ACK 2.05 Content mid=0x7d34 token=53 payload 1 byte "x""#);
    s.all_free(900_000);
}

// 4.5: what may be processed twice.

fn rfc7252_4_5_nothing_is_kept_of_an_idempotent_answer<C: Scale>() {
    let (mut s, mut id) = asked::<C>(Config::DEFAULT);
    for round in 0..3 {
        s.respond(round * 100, id.idempotent(), Code::CONTENT, "21.5");
        s.sent(round * 100, PEER, r#"ACK 2.05 Content mid=0x7d34 token=53 payload 4 bytes "21.5""#);
        assert_eq!(s.ep.usage(), coaplet::endpoint::Usage::default());
        let again = s.try_respond(round * 100, id, |w| _ = w.code(Code::CONTENT));
        assert_eq!(again, Err(RespondError::Stale));
        // A duplicate is a new request.
        s.recv(round * 100 + 50, PEER, GET);
        id = s.asked(PEER, GET);
    }
    s.until(200_000).sent_lines();
}

fn rfc7252_4_5_of_other_idempotent_answers_it_is_kept_that_they_were_given<C: Scale>() {
    let (mut s, id) = asked::<C>(Config::DEFAULT);
    s.defer(10, id);
    s.sent(10, PEER, EMPTY_ACK);
    s.respond(20, id.idempotent(), Code::CONTENT, "21.5");
    s.sent(20, PEER, r#"CON 2.05 Content mid=$c token=53 payload 4 bytes "21.5""#);
    s.recv(30, PEER, GET).sent(30, PEER, EMPTY_ACK);
    s.recv(40, PEER, "ACK Empty mid=$c");
    s.recv(50, PEER, GET).sent(50, PEER, EMPTY_ACK);
    s.recv(60, PEER, NON_GET);
    let id = s.asked(PEER, NON_GET);
    s.respond(70, id.idempotent(), Code::CONTENT, "21.5");
    s.sent(70, PEER, r#"NON 2.05 Content mid=$n token=54 payload 4 bytes "21.5""#);
    s.recv(80, PEER, NON_GET).silence();
    s.all_free(900_000);
}

// "`Delivered` reports an acknowledged separate response."

fn issue_3_a_separate_response_of_which_is_told_how_it_ends<C: Scale>() {
    for how in ["ACK", "RST", "nothing"] {
        let (mut s, id) = asked::<C>(Config::DEFAULT);
        s.defer(0, id);
        s.sent(0, PEER, EMPTY_ACK);
        s.respond(100, id.report(), Code::CONTENT, "x");
        s.sent(100, PEER, r#"CON 2.05 Content mid=$c token=53 payload 1 byte "x""#);
        s.recv(200, OTHER, "ACK Empty mid=$c").silence();
        let mut end = 300;
        match how {
            "ACK" => {
                s.recv(300, PEER, "ACK Empty mid=$c");
                s.told(300, Output::Delivered(id));
            }
            "RST" => {
                s.recv(300, PEER, "RST Empty mid=$c");
                s.told(300, Output::Undelivered(id, Failure::Reset));
            }
            _ => {
                s.until(100_000);
                for _ in 0..4 {
                    s.sent(2_000..=45_100, PEER, r#"CON 2.05 Content mid=$c token=53 payload 1 byte "x""#);
                }
                s.told(62_100..=93_100, Output::Undelivered(id, Failure::TimedOut));
                end = 100_000;
            }
        }
        // Once; and a duplicate is acknowledged as ever.
        s.recv(end + 10, PEER, "ACK Empty mid=$c").silence();
        s.recv(end + 20, PEER, GET).sent(end + 20, PEER, EMPTY_ACK);
        let again = s.try_respond(end + 30, id, |w| _ = w.code(Code::CONTENT));
        assert_eq!(again, Err(RespondError::Stale));
        s.all_free(900_000);
    }
}

fn issue_3_what_is_told_nobody_who_has_not_asked<C: Scale>() {
    // Not asked for.
    for how in ["ACK", "RST"] {
        let (mut s, id) = asked::<C>(Config::DEFAULT);
        s.defer(0, id);
        s.sent(0, PEER, EMPTY_ACK);
        s.respond(100, id, Code::CONTENT, "x");
        s.sent(100, PEER, r#"CON 2.05 Content mid=$c token=53 payload 1 byte "x""#);
        s.recv(300, PEER, &format!("{how} Empty mid=$c")).silence();
        s.all_free(900_000);
    }
    // Not a separate response.
    let (mut s, id) = asked::<C>(Config::DEFAULT);
    s.respond(100, id.report(), Code::CONTENT, "x");
    s.sent(100, PEER, r#"ACK 2.05 Content mid=0x7d34 token=53 payload 1 byte "x""#);
    s.recv(200, PEER, NON_GET);
    let id = s.asked(PEER, NON_GET);
    s.respond(200, id.report(), Code::CONTENT, "x");
    s.sent(200, PEER, r#"NON 2.05 Content mid=$n token=54 payload 1 byte "x""#);
    s.recv(210, PEER, "RST Empty mid=$n").silence();
    s.all_free(900_000);
}

// 5.10.5: Max-Age.

/// Values of one to four bytes.
const AGES: [(u32, usize); 6] = [(1, 1), (60, 1), (255, 1), (300, 2), (70_000, 3), (1 << 24, 4)];

fn max_age(message: &[u8]) -> u32 {
    Message::parse(message).unwrap().max_age()
}

fn with_age(seconds: u32) -> impl Fn(&mut Writer<'_>) {
    move |w| _ = w.code(Code::CONTENT).etag(b"etag").max_age(seconds).payload(b"21.5")
}

/// Takes the next message, and sees to it that it is the first one but for its Max-Age.
fn aged<C: Scale>(s: &mut Script<Roomy<C>>, first: &[u8], kind: &str) -> (u64, u32) {
    let seconds = |bytes: &[u8]| format!("Max-Age: {}", max_age(bytes));
    let (at, bytes) = s.sent_any(PEER);
    assert_eq!(bytes.len(), first.len(), "it keeps its length");
    assert_eq!(line(&bytes).replace(&seconds(&bytes), &seconds(first)), line(first));
    assert!(line(&bytes).starts_with(kind));
    (at, max_age(&bytes))
}

fn rfc7252_5_10_5_max_age_of_a_piggybacked_response_goes_down<C: Scale>() {
    for (fresh, length) in AGES {
        let (mut s, id) = asked::<C>(Config::DEFAULT);
        s.try_respond(100, id.ages(), with_age(fresh)).unwrap();
        let (_, first) = s.sent_any(PEER);
        assert_eq!((max_age(&first), first.len()), (fresh, 5 + 5 + 1 + length + 1 + 4));
        for passed in [0, 999, 1_000, 1_999, 2_000, 59_999, 60_000, 200_000, 246_999] {
            s.recv(100 + passed, PEER, GET);
            let (_, left) = aged(&mut s, &first, "ACK");
            assert_eq!(left, fresh.saturating_sub(passed as u32 / 1_000), "{fresh} after {passed} ms");
        }
    }
}

fn rfc7252_5_10_5_max_age_of_a_separate_response_goes_down<C: Scale>() {
    for (fresh, _) in AGES {
        let (mut s, id) = asked::<C>(Config::DEFAULT);
        s.defer(0, id);
        s.sent(0, PEER, EMPTY_ACK);
        s.try_respond(500, id.ages(), with_age(fresh)).unwrap();
        let (_, first) = s.sent_any(PEER);
        assert_eq!(max_age(&first), fresh);
        s.until(100_000);
        for _ in 0..4 {
            let (at, left) = aged(&mut s, &first, "CON");
            assert_eq!(left, fresh.saturating_sub((at - 500) as u32 / 1_000), "{fresh} at {at} ms");
        }
    }
}

/// Not from when the application answered, if it waits its turn.
fn rfc7252_5_10_5_max_age_counts_from_the_first_transmission<C: Scale>() {
    let (mut s, id) = asked::<C>(Config::DEFAULT);
    s.defer(0, id);
    s.sent(0, PEER, EMPTY_ACK);
    s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
    s.try_respond(100, id.ages(), with_age(60)).unwrap();
    s.silence();
    s.recv(2_000, PEER, "ACK Empty mid=$a");
    let (at, first) = s.sent_any(PEER);
    assert_eq!((at, max_age(&first)), (2_000, 60));
    s.until(5_000);
    let (at, left) = aged(&mut s, &first, "CON");
    assert_eq!(left, 60 - (at - 2_000) as u32 / 1_000);
    s.recv(5_000, PEER, "ACK Empty mid=$c".replace("$c", mid(&first).as_str()).as_str());
    s.until(200_000).sent_lines();
}

fn mid(message: &[u8]) -> String {
    format!("0x{:04x}", Message::parse(message).unwrap().message_id())
}

fn rfc7252_5_10_5_nothing_to_lower<C: Scale>() {
    // Not asked for; no Max-Age; one of 0, which is no byte long.
    for (ages, seconds) in [(false, Some(60)), (true, None), (true, Some(0))] {
        for separate in [false, true] {
            let (mut s, id) = asked::<C>(Config::DEFAULT);
            if separate {
                s.defer(0, id);
                s.sent(0, PEER, EMPTY_ACK);
            }
            let answer = if ages { id.ages() } else { id.into() };
            let build = |w: &mut Writer<'_>| {
                w.code(Code::CONTENT);
                if let Some(seconds) = seconds {
                    w.max_age(seconds);
                }
                w.payload(b"21.5");
            };
            s.try_respond(100, answer, build).unwrap();
            let (_, first) = s.sent_any(PEER);
            if separate {
                s.until(80_000);
            }
            for n in 1..=4 {
                if !separate {
                    s.recv(20_000 * n, PEER, GET);
                }
                assert_eq!(s.sent_any(PEER).1, first);
            }
        }
    }
}

// "`round_trip(handle)`."

fn issue_3_how_long_a_round_trip_takes<C: Scale>() {
    let some = |ms| Some(Duration::from_millis(ms));
    let mut s = roomy::<C>(Config::DEFAULT);
    // Piggybacked; the second one waits until the first one has ended, and counts from when it was sent.
    let (first, second) = (s.get(0, PEER), s.get(0, PEER));
    s.sent(0, PEER, "CON GET mid=$a token=$ta [Uri-Path: temperature]");
    assert_eq!((s.ep.round_trip(first), s.ep.round_trip(second)), (None, None));
    s.recv(300, PEER, "ACK 2.05 Content mid=$a token=$ta");
    let told = s.answered(first, PEER, "ACK 2.05 Content mid=$a token=$ta");
    assert_eq!((told, s.ep.round_trip(first)), ((false, some(300)), None));
    s.sent(300, PEER, "CON GET mid=$b token=$tb [Uri-Path: temperature]");
    // Acknowledged, and answered later: until it was acknowledged.
    s.recv(1_000, PEER, "ACK Empty mid=$b");
    assert_eq!(s.ep.round_trip(second), some(700));
    s.recv(9_000, PEER, "NON 2.05 Content mid=0x0001 token=$tb");
    assert_eq!(s.answered(second, PEER, "NON 2.05 Content mid=0x0001 token=$tb"), (false, some(700)));
    assert_eq!(s.ep.round_trip(second), None);
    // A separate response before its ACK; and a NON one.
    let third = s.get(10_000, PEER);
    s.sent(10_000, PEER, "CON GET mid=$c token=$tc [Uri-Path: temperature]");
    s.recv(10_400, PEER, "NON 2.05 Content mid=0x0002 token=$tc");
    assert_eq!(s.answered(third, PEER, "NON 2.05 Content mid=0x0002 token=$tc"), (false, some(400)));
    let non = s.request(20_000, PEER, Request::get().non());
    s.sent(20_000, PEER, "NON GET mid=$n token=$tn [Uri-Path: temperature]");
    assert_eq!(s.ep.round_trip(non), None);
    s.recv(25_000, PEER, "NON 2.05 Content mid=0x0003 token=$tn");
    assert_eq!(s.answered(non, PEER, "NON 2.05 Content mid=0x0003 token=$tn"), (false, some(5_000)));
    s.all_free(900_000);
}

fn issue_3_the_round_trip_of_what_was_sent_twice_is_not_known<C: Scale>() {
    for acknowledged in [false, true] {
        let mut s = eight::<C>(Config::DEFAULT);
        let handle = s.get(0, PEER);
        s.sent(0, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
        s.until(3_000).sent(2_000..=3_000, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
        if acknowledged {
            s.recv(3_100, PEER, "ACK Empty mid=$a");
            assert_eq!(s.ep.round_trip(handle), None);
        }
        s.recv(3_200, PEER, "ACK 2.05 Content mid=$a token=$t");
        assert_eq!(s.answered(handle, PEER, "ACK 2.05 Content mid=$a token=$t"), (false, None));
        s.all_free(900_000);
    }
}

#[test]
fn rfc7252_5_2_the_event_says_who_asks_and_how() {
    let mut s = roomy::<coaplet::store::Scan>(Config::DEFAULT);
    let mut tx = [0; 64];
    let bytes = s.encode(GET);
    let input = s.ep.handle(Instant::ZERO, PEER, Arrival::Unicast, &bytes, &mut tx);
    let Event::Request(request) = input.event else { panic!("{input:?}") };
    assert_eq!((request.from, request.arrival), (PEER, Arrival::Unicast));
    assert_eq!((request.message.code(), request.message.token()), (Code::GET, &[0x53][..]));
    s.until(200_000).sent_lines();
}
