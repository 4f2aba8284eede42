//! RFC 7641 section 4, as timed scripts: who observes, what it is told and when, and how it ends.

#[macro_use]
mod endpoint;

use coaplet::endpoint::ResourceId;
use coaplet::store::Scale;
use coaplet::{Code, Config, Fixed};
use endpoint::observing::{observers, rapid, slots, steady};
use endpoint::{OTHER, PEER, Script, Shown, roomy};
use std::time::Duration;

const HOUR: u64 = 3_600_000;

/// A number that was told is greater than another one (3.4).
fn is_after(later: u32, earlier: u32) -> bool {
    let ahead = later.wrapping_sub(earlier) & 0xff_ffff;
    ahead != 0 && ahead < 1 << 23
}

/// 4.1: "Upon success, the server returns a current representation of the resource and MUST keep this representation updated".
/// Figure 2, and 4.2: each notification MUST echo the token, and a 2.xx notification MUST include an Observe Option.
fn section4_1_registration_and_notifications<C: Scale>() {
    let mut s = roomy::<C>(rapid());
    let first = s.observer(0, PEER, 1, "4a", 3, 9);
    s.changes(1_000, 3, Shown::con("22.8 Cel {tag}"));
    s.sent(1_000, PEER, r#"CON 2.05 Content mid=$a token=4a [Observe: $o1] payload 10 bytes "22.8 Cel 9""#);
    s.recv(1_050, PEER, "ACK Empty mid=$a");
    s.changes(2_000, 3, Shown::non("23.1 Cel {tag}"));
    s.sent(2_000, PEER, r#"NON 2.05 Content mid=$b token=4a [Observe: $o2] payload 10 bytes "23.1 Cel 9""#);
    assert!(is_after(s.number("o1"), first) && is_after(s.number("o2"), s.number("o1")));
    // A resource that nobody observes, and one that nobody knows.
    assert!(!s.ep.notify(ResourceId(4)));
    s.ep.forget(coaplet::Instant::from_millis(2_000), PEER).unwrap();
    s.all_free(900_000);
}

/// 4.1: "MUST NOT include an Observe Option" where no entry is added: without Observe 0, for an error, with a value that means
/// nothing, for another method, by a group address, and without a slot. The Observe option finds its place among the others.
fn section4_1_what_is_no_registration<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    for (n, what) in [
        "GET mid=0x0001 token=4a [Uri-Path: t]",
        "GET mid=0x0002 token=4a [Observe: 2]",
        "POST mid=0x0003 token=4a [Observe: 0]",
        "GET mid=0x0004 token=4a [6: 0x00000000]",
    ]
    .into_iter()
    .enumerate()
    {
        s.recv(0, PEER, &format!("CON {what}"));
        let id = s.asked_by(PEER);
        s.accept(0, id, 3, 0, "x").sent(
            0,
            PEER,
            &format!(r#"ACK 2.05 Content mid=0x{:04x} token=4a payload 1 byte "x""#, n + 1),
        );
    }
    s.recv(0, PEER, "CON GET mid=0x0005 token=4a [Observe: 0]");
    let id = s.asked_by(PEER);
    s.accept_with(0, id, 3, 0, |w| {
        w.code(Code::NOT_FOUND);
    });
    s.sent(0, PEER, "ACK 4.04 Not Found mid=0x0005 token=4a");
    s.recv_group(0, PEER, "NON GET mid=0x0006 token=4a [Observe: 0]");
    let id = s.asked_by(PEER);
    s.accept(0, id, 3, 0, "x");
    s.until(5_000).sent(0..=5_000, PEER, r#"NON 2.05 Content mid=$g token=4a payload 1 byte "x""#);
    // Tokens of more than 8 bytes are not kept (RFC 8974): a plain response.
    s.recv(5_000, PEER, "CON GET mid=0x0007 token=010203040506070809 [Observe: 0]");
    let id = s.asked_by(PEER);
    s.accept(5_000, id, 3, 0, "x");
    s.sent(5_000, PEER, r#"ACK 2.05 Content mid=0x0007 token=010203040506070809 payload 1 byte "x""#);
    assert_eq!(observers(&mut s), 0);
    // With an ETag before it and a Content-Format behind.
    s.recv(6_000, PEER, "CON FETCH mid=0x0008 token=4a [Observe: 0]");
    let id = s.asked_by(PEER);
    s.accept_with(6_000, id, 3, 0, |w| {
        w.code(Code::CONTENT).etag(b"e").content_format(coaplet::ContentFormat::TEXT_PLAIN).payload(b"x");
    });
    s.sent(6_000, PEER, r#"ACK 2.05 Content mid=0x0008 token=4a [ETag: 0x65, Observe: $o, Content-Format: text/plain] payload 1 byte "x""#);
    assert_eq!(observers(&mut s), slots::<C>(1, 1));
    s.forget(7_000, PEER);
    s.all_free(900_000);

    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 8, 512, 3, 0, C>::new());
    s.observer(0, PEER, 1, "01", 3, 0);
    s.observer(0, PEER, 2, "02", 3, 0);
    if !C::INDEXED {
        // The slot that the resource would have.
        s.observer(0, PEER, 5, "05", 3, 0);
    }
    s.recv(0, PEER, "CON GET mid=0x0003 token=03 [Observe: 0]");
    let id = s.asked_by(PEER);
    s.accept(0, id, 3, 0, "x").sent(0, PEER, r#"ACK 2.05 Content mid=0x0003 token=03 payload 1 byte "x""#);
    // One that has a slot still registers again.
    s.observer(0, PEER, 4, "02", 3, 0);
    s.forget(0, PEER);
    s.all_free(900_000);
}

/// 4.1: "the server MUST NOT add a new entry but MUST replace or update the existing one". The number goes on.
fn section4_1_registered_again<C: Scale>() {
    let mut s = roomy::<C>(rapid());
    let first = s.observer(0, PEER, 1, "4a", 3, 1);
    let second = s.observer(0, PEER, 2, "4a", 3, 2);
    assert!(is_after(second, first));
    assert_eq!(observers(&mut s), slots::<C>(1, 1));
    s.changes(0, 3, Shown::non("{tag}"));
    s.sent(0, PEER, r#"NON 2.05 Content mid=$a token=4a [Observe: $o1] payload 1 byte "2""#);
    assert!(is_after(s.number("o1"), second));
    // While one is outstanding: the new response is the latest state.
    s.changes(1_000, 3, Shown::con("old"));
    s.sent(1_000, PEER, r#"CON 2.05 Content mid=$b token=4a [Observe: $o2] payload 3 bytes "old""#);
    let third = s.observer(1_100, PEER, 3, "4a", 3, 3);
    assert!(is_after(third, s.number("o2")));
    s.recv(1_200, PEER, "ACK Empty mid=$b");
    s.until(100_000).silence();
    // For another resource by the same token: it observes that one alone.
    s.observer(100_000, PEER, 4, "4a", 4, 4);
    assert_eq!(observers(&mut s), slots::<C>(1, 1));
    s.changes(100_000, 3, Shown::non("x")).silence();
    // Answered without Observe, it observes no more.
    s.recv(100_000, PEER, "CON GET mid=0x0005 token=4a [Observe: 0]");
    let id = s.asked_by(PEER);
    s.respond(100_000, id, Code::CONTENT, "").sent(100_000, PEER, "ACK 2.05 Content mid=0x0005 token=4a");
    assert_eq!(observers(&mut s), 0);
    s.all_free(900_000);
}

/// 4.1: with Observe 1 "the server MUST remove any existing entry with a matching endpoint/token pair [...] and process the GET
/// request as usual. The resulting response MUST NOT include an Observe Option". A plain GET does not cancel.
fn section4_1_deregistration<C: Scale>() {
    let mut s = roomy::<C>(rapid());
    s.observer(0, PEER, 1, "4a", 3, 0);
    s.observer(0, PEER, 2, "4b", 3, 0);
    s.observer(0, OTHER, 1, "4a", 3, 0);
    s.recv(100, PEER, "CON GET mid=0x0003 token=4a [Uri-Path: temperature]");
    let id = s.asked_by(PEER);
    s.accept(100, id, 3, 0, "").sent(100, PEER, "ACK 2.05 Content mid=0x0003 token=4a");
    assert_eq!(observers(&mut s), slots::<C>(3, 1));
    s.recv(200, PEER, "CON GET mid=0x0004 token=4a [Observe: 1, Uri-Path: temperature]");
    let id = s.asked_by(PEER);
    s.accept(200, id, 3, 0, "").sent(200, PEER, "ACK 2.05 Content mid=0x0004 token=4a");
    assert_eq!(observers(&mut s), slots::<C>(2, 1));
    // Whoever is not there: the same.
    s.recv(200, PEER, "CON GET mid=0x0005 token=4a [Observe: 1]");
    let id = s.asked_by(PEER);
    s.respond(200, id, Code::CONTENT, "").sent(200, PEER, "ACK 2.05 Content mid=0x0005 token=4a");
    s.changes(300, 3, Shown::non("x"));
    s.sent(300, PEER, r#"NON 2.05 Content mid=$a token=4b [Observe: $o1] payload 1 byte "x""#);
    s.sent(300, OTHER, r#"NON 2.05 Content mid=$b token=4a [Observe: $o1] payload 1 byte "x""#);
    s.forget(400, PEER).forget(400, OTHER);
    s.all_free(900_000);
}

/// 4.2: "the server SHOULD notify the client by sending a notification with an appropriate response code (such as 4.04 Not Found)
/// and subsequently MUST remove the associated entry"; "a non-2.xx notification MUST NOT include an Observe Option". Written by
/// the application or, when the resource ends, by the endpoint.
fn section4_2_an_error_is_the_last_notification<C: Scale>() {
    let mut s = roomy::<C>(steady());
    s.observer(0, PEER, 1, "4a", 3, 0);
    s.changes(100, 3, Shown { code: Code::NOT_FOUND, ..Shown::con("why") });
    s.sent(100, PEER, r#"CON 4.04 Not Found mid=$a token=4a payload 3 bytes "why""#);
    assert_eq!(observers(&mut s), 0);
    // It is sent until it is acknowledged, as it was.
    s.until(2_100).sent(2_100, PEER, r#"CON 4.04 Not Found mid=$a token=4a payload 3 bytes "why""#);
    s.recv(2_200, PEER, "ACK Empty mid=$a");
    s.until(100_000).silence();

    s.observer(100_000, PEER, 2, "4a", 3, 0);
    s.changes(100_000, 3, Shown { code: Code::NOT_FOUND, ..Shown::non("") });
    s.sent(100_000, PEER, "NON 4.04 Not Found mid=$b token=4a");
    assert_eq!(observers(&mut s), 0);

    // The resource is no more: one observer has something outstanding, one has not, one waits behind NSTART.
    s.observer(200_000, PEER, 3, "4a", 3, 0);
    s.changes(200_000, 3, Shown::con("x"));
    s.sent(200_000, PEER, r#"CON 2.05 Content mid=$c token=4a [Observe: $o] payload 1 byte "x""#);
    s.observer(200_100, PEER, 4, "4b", 3, 0);
    s.observer(200_100, OTHER, 1, "4c", 3, 0);
    assert!(s.ep.end_observers(ResourceId(3), Code::NOT_FOUND));
    assert!(!s.ep.end_observers(ResourceId(3), Code::NOT_FOUND), "it is no more");
    assert!(!s.ep.notify(ResourceId(3)));
    s.until(200_100);
    // Among few it goes on behind who was told last: then the second one has the place of what was outstanding.
    let (one, other) = if C::INDEXED { ("4a", "4b") } else { ("4b", "4a") };
    let last =
        [(PEER, &*format!("CON 4.04 Not Found mid=$d token={one}")), (OTHER, "CON 4.04 Not Found mid=$e token=4c")];
    for (to, what) in if C::INDEXED { last } else { [last[1], last[0]] } {
        s.sent(200_100, to, what);
    }
    // What it supersedes is acknowledged late; the other one waits for its turn.
    s.recv(200_200, PEER, "ACK Empty mid=$c").silence();
    s.recv(200_300, PEER, "ACK Empty mid=$d").sent(200_300, PEER, &format!("CON 4.04 Not Found mid=$f token={other}"));
    s.recv(200_400, OTHER, "RST Empty mid=$e");
    s.until(202_300).sent(202_300, PEER, &format!("CON 4.04 Not Found mid=$f token={other}"));
    // Who comes now observes what is made anew.
    s.observer(202_400, OTHER, 2, "4d", 3, 0);
    assert_eq!(observers(&mut s), slots::<C>(1, 1), "the new one, and its resource");
    s.until(300_000).sent_lines();
    s.forget(300_000, PEER).forget(300_000, OTHER);
    s.all_free(900_000);
}

/// 4.4: the number of a notification is greater than that of any before, across the wrap of 24 bits, and does not grow by more
/// than 2^23 within 256 seconds: notifications that nobody sees do not count.
fn section4_4_numbers<C: Scale>() {
    let mut s = roomy::<C>(rapid());
    let mut last = s.observer(0, PEER, 1, "4a", 3, 0);
    for _ in 0..5_000 {
        s.ep.notify(ResourceId(3));
    }
    s.changes(0, 3, Shown::non(""));
    s.sent(0, PEER, "NON 2.05 Content mid=$a token=4a [Observe: $n]");
    assert_eq!(s.number("n"), last + 1);
    last += 1;
    for n in 0..100_u64 {
        // 30,000 are as many as there are Message IDs to be had.
        s.changes(n + 1, 3, Shown::non(""));
        s.sent(n + 1, PEER, &format!("NON 2.05 Content mid=$a{n} token=4a [Observe: $n{n}]"));
        let number = s.number(&format!("n{n}"));
        assert!(is_after(number, last));
        last = number;
    }
    s.forget(1_000, PEER);
    s.all_free(900_000);
}

/// 4.5: "If a client rejects a confirmable or non-confirmable notification with a Reset message [...] the server MUST remove the
/// associated entry": by the Message ID of any of the last four.
fn section4_5_a_reset_ends_it<C: Scale>() {
    for fourth_last in 0..5_u64 {
        let mut s =
            roomy::<C>(Config { notification_interval: Duration::from_millis(100), confirm_every: 0xff, ..steady() });
        s.observer(0, PEER, 1, "4a", 3, 0);
        s.observer(0, OTHER, 1, "4a", 3, 0);
        // Ten a second, and an RST to the fourth-last; others are told between them.
        for n in 0..10_u64 {
            s.changes(1_000 + 100 * n, 3, Shown::non("x"));
            s.sent(
                1_000 + 100 * n,
                PEER,
                &format!(r#"NON 2.05 Content mid=$a{n} token=4a [Observe: $o{n}] payload 1 byte "x""#),
            );
            s.sent(
                1_000 + 100 * n,
                OTHER,
                &format!(r#"NON 2.05 Content mid=$b{n} token=4a [Observe: $o{n}] payload 1 byte "x""#),
            );
        }
        s.recv(2_000, PEER, &format!("RST Empty mid=$a{}", 9 - fourth_last));
        let left = if fourth_last < 4 { 1 } else { 2 };
        assert_eq!(observers(&mut s), slots::<C>(left, 1), "{fourth_last}");
        assert_eq!(s.ep.statistics().lost_observers, 2 - left);
        s.forget(2_000, OTHER).forget(2_000, PEER);
        s.all_free(900_000);
    }
    // A CON; and the separate response that accepts a registration.
    let mut s = roomy::<C>(steady());
    s.observer(0, PEER, 1, "4a", 3, 0);
    s.changes(100, 3, Shown::con("x"));
    s.sent(100, PEER, r#"CON 2.05 Content mid=$a token=4a [Observe: $o] payload 1 byte "x""#);
    s.recv(200, PEER, "RST Empty mid=$a");
    assert_eq!(observers(&mut s), 0);
    s.recv(300, PEER, "CON GET mid=0x0002 token=4a [Observe: 0]");
    let id = s.asked_by(PEER);
    s.defer(300, id);
    s.sent(300, PEER, "ACK Empty mid=0x0002");
    s.accept(400, id, 3, 0, "").sent(400, PEER, "CON 2.05 Content mid=$b token=4a [Observe: $p]");
    assert_eq!(observers(&mut s), slots::<C>(1, 1));
    s.recv(500, PEER, "RST Empty mid=$b");
    assert_eq!(observers(&mut s), 0);
    // A NON one.
    s.recv(600, PEER, "NON GET mid=0x0003 token=4a [Observe: 0]");
    let id = s.asked_by(PEER);
    s.accept(600, id, 3, 0, "").sent(600, PEER, "NON 2.05 Content mid=$c token=4a [Observe: $q]");
    s.recv(700, PEER, "RST Empty mid=$c");
    assert_eq!(observers(&mut s), 0);
    s.all_free(900_000);
}

/// 4.5: "if the last attempt to retransmit a confirmable notification times out, then the client is considered no longer
/// interested". The same message, its number and Message ID, as long as nothing changes (DESIGN).
fn section4_5_a_timeout_ends_it<C: Scale>() {
    let mut s = roomy::<C>(steady());
    s.observer(0, PEER, 1, "4a", 3, 0);
    s.changes(1_000, 3, Shown::con("x"));
    let line = r#"CON 2.05 Content mid=$a token=4a [Observe: $o] payload 1 byte "x""#;
    for at in [1_000, 3_000, 7_000, 15_000, 31_000] {
        s.until(at).sent(at, PEER, line);
    }
    assert_eq!(observers(&mut s), slots::<C>(1, 1));
    s.until(62_999).silence();
    assert_eq!(observers(&mut s), slots::<C>(1, 1));
    s.until(63_000).silence();
    assert_eq!(observers(&mut s), 0);
    assert_eq!((s.ep.statistics().lost_observers, s.ep.statistics().timeouts), (1, 1));
    // The separate response that accepts a registration, too.
    s.recv(100_000, PEER, "CON GET mid=0x0002 token=4a [Observe: 0]");
    let id = s.asked_by(PEER);
    s.defer(100_000, id);
    s.accept(100_000, id, 3, 0, "");
    assert_eq!(observers(&mut s), slots::<C>(1, 1));
    s.until(200_000).sent_lines();
    assert_eq!(observers(&mut s), 0);
    s.all_free(900_000);
}

/// 4.5: a Confirmable notification "at least every 24 hours", and of so many one as the configuration says.
fn section4_5_confirmable_now_and_then<C: Scale>() {
    let mut s = roomy::<C>(Config { notification_interval: Duration::ZERO, confirm_every: 4, ..steady() });
    s.observer(0, PEER, 1, "4a", 3, 0);
    for n in 1..=12_u64 {
        s.changes(n, 3, Shown::non(""));
        let kind = if n % 4 == 0 { "CON" } else { "NON" };
        s.sent(n, PEER, &format!("{kind} 2.05 Content mid=$a{n} token=4a [Observe: $o{n}]"));
        if kind == "CON" {
            s.recv(n, PEER, &format!("ACK Empty mid=$a{n}"));
        }
    }
    s.forget(1_000, PEER);
    s.all_free(900_000);

    let never = Config { confirm_after: Duration::MAX, ..rapid() };
    let mut s = roomy::<C>(never);
    s.observer(HOUR / 2, PEER, 1, "4a", 3, 0);
    // When the last Confirmable one was, in hours.
    let mut confirmed = 0;
    for n in 1..=75_u64 {
        s.changes(n * HOUR, 3, Shown::non(""));
        let (_, bytes) = s.sent(n * HOUR, PEER, &format!("$kind{n} 2.05 Content mid=$a{n} token=4a [Observe: $o{n}]"));
        let is_confirmable = bytes[0] >> 4 == 0b0100;
        assert_eq!(is_confirmable, bytes[0] >> 4 != 0b0101);
        // Not all observers at once, but somewhere from 20 hours on, and the next hour is too late at 24.
        assert!(if is_confirmable { n - confirmed >= 20 } else { n - confirmed < 24 }, "{n} hours, {confirmed}");
        if is_confirmable {
            confirmed = n;
            s.recv(n * HOUR, PEER, &format!("ACK Empty mid=$a{n}"));
        }
    }
    assert!(confirmed >= 3 * 20);
    // A day and a half without anything, and a week.
    for (n, at) in [(100, 111 * HOUR), (101, 300 * HOUR)] {
        s.changes(at, 3, Shown::non(""));
        s.sent(at, PEER, &format!("CON 2.05 Content mid=$b{n} token=4a [Observe: $p{n}]"));
        s.recv(at, PEER, &format!("ACK Empty mid=$b{n}"));
    }
    s.forget(301 * HOUR, PEER);
    s.all_free(302 * HOUR);
}

/// 4.5: "the server MUST ensure that a client in the list of observers eventually observes the latest state": once a resource is
/// quiet, those who were told by a NON are told again, by a CON.
fn section4_5_the_latest_state_for_certain<C: Scale>() {
    let mut s = roomy::<C>(Config { notification_interval: Duration::ZERO, ..steady() });
    s.observer(0, PEER, 1, "4a", 3, 0);
    s.observer(0, OTHER, 1, "4b", 3, 0);
    s.changes(1_000, 3, Shown::non("a"));
    s.sent_any_as(PEER, "a");
    s.sent_any_as(OTHER, "b");
    // Before it is quiet for long enough there is another change.
    s.changes(60_000, 3, Shown::non("b"));
    s.sent_any_as(PEER, "c");
    s.sent_any_as(OTHER, "d");
    // One of them goes away in time, and one registers.
    s.recv(60_100, OTHER, "RST Empty mid=$d");
    s.observer(60_200, 9, 1, "4c", 3, 0);
    s.until(119_999).silence();
    s.until(120_000).sent(120_000, PEER, r#"CON 2.05 Content mid=$e token=4a [Observe: $o] payload 1 byte "b""#);
    s.recv(120_100, PEER, "ACK Empty mid=$e");
    s.until(800_000).silence();
    s.forget(800_000, PEER).forget(800_000, 9);
    s.all_free(1_500_000);
}

/// 4.5.1: no more than NSTART notifications and responses are outstanding with a client, and NON notifications are paced.
fn section4_5_1_congestion_control<C: Scale>() {
    let mut s = roomy::<C>(steady());
    s.observer(0, PEER, 1, "4a", 3, 0);
    s.observer(0, PEER, 2, "4b", 3, 0);
    s.changes(1_000, 3, Shown::con("a"));
    s.sent(1_000, PEER, r#"CON 2.05 Content mid=$a token=4a [Observe: $o] payload 1 byte "a""#);
    s.silence();
    // The second one waits, and is told what is there when its turn has come.
    s.changes(1_500, 3, Shown::con("b")).silence();
    s.recv(1_600, PEER, "ACK Empty mid=$a");
    s.sent(1_600, PEER, r#"CON 2.05 Content mid=$b token=4b [Observe: $p] payload 1 byte "b""#);
    s.recv(1_700, PEER, "ACK Empty mid=$b");
    s.sent(1_700, PEER, r#"CON 2.05 Content mid=$c token=4a [Observe: $p] payload 1 byte "b""#);
    s.recv(1_800, PEER, "ACK Empty mid=$c").silence();
    // NON: one in three seconds, and the latest state then.
    s.changes(10_000, 3, Shown::non("c"));
    s.sent(10_000, PEER, r#"NON 2.05 Content mid=$d token=4b [Observe: $q] payload 1 byte "c""#);
    s.changes(11_000, 3, Shown::non("d")).silence();
    s.until(13_000).sent(13_000, PEER, r#"NON 2.05 Content mid=$e token=4a [Observe: $r] payload 1 byte "d""#);
    s.until(16_000).sent(16_000, PEER, r#"NON 2.05 Content mid=$f token=4b [Observe: $r] payload 1 byte "d""#);
    // A request of ours has its turn in between.
    s.changes(20_000, 3, Shown::con("e"));
    s.sent(20_000, PEER, r#"CON 2.05 Content mid=$g token=4a [Observe: $s] payload 1 byte "e""#);
    let handle = s.get(20_010, PEER);
    s.silence();
    s.recv(20_100, PEER, "ACK Empty mid=$g");
    s.sent(20_100, PEER, r#"CON 2.05 Content mid=$h token=4b [Observe: $s] payload 1 byte "e""#);
    s.recv(20_200, PEER, "ACK Empty mid=$h");
    s.sent(20_200, PEER, "CON GET mid=$i token=$ti [Uri-Path: temperature]");
    s.recv(20_300, PEER, "ACK 2.05 Content mid=$i token=$ti").answered(
        handle,
        PEER,
        "ACK 2.05 Content mid=$i token=$ti",
    );
    s.forget(20_400, PEER);
    s.all_free(900_000);
}

/// 4.5.2: a change while a notification is outstanding: "The new notification is transmitted with a new Message ID [...] retain its
/// transmission parameters, increment the retransmission counter, and double the timeout". Intermediate states are skipped.
fn section4_5_2_superseded<C: Scale>() {
    let mut s = roomy::<C>(steady());
    s.observer(0, PEER, 1, "4a", 3, 0);
    s.changes(1_000, 3, Shown::con("a"));
    s.sent(1_000, PEER, r#"CON 2.05 Content mid=$a token=4a [Observe: $o1] payload 1 byte "a""#);
    s.changes(1_500, 3, Shown::con("b")).silence();
    s.changes(1_600, 3, Shown::con("c")).silence();
    s.until(3_000).sent(3_000, PEER, r#"CON 2.05 Content mid=$b token=4a [Observe: $o2] payload 1 byte "c""#);
    assert_ne!(s.name("a"), s.name("b"));
    assert!(is_after(s.number("o2"), s.number("o1")));
    s.until(7_000).sent(7_000, PEER, r#"CON 2.05 Content mid=$b token=4a [Observe: $o2] payload 1 byte "c""#);
    s.changes(8_000, 3, Shown::con("d"));
    s.until(15_000).sent(15_000, PEER, r#"CON 2.05 Content mid=$c token=4a [Observe: $o3] payload 1 byte "d""#);
    s.until(31_000).sent(31_000, PEER, r#"CON 2.05 Content mid=$c token=4a [Observe: $o3] payload 1 byte "d""#);
    s.until(63_000).silence();
    assert_eq!(observers(&mut s), 0);
    // Acknowledged, and changed meanwhile: the new one at once, with parameters of its own.
    s.observer(70_000, PEER, 2, "4a", 3, 0);
    s.changes(70_000, 3, Shown::con("e"));
    s.sent_any_as(PEER, "e");
    s.until(72_000).sent_any_as(PEER, "e");
    s.changes(72_500, 3, Shown::con("f")).silence();
    s.recv(72_600, PEER, "ACK Empty mid=$e");
    s.sent(72_600, PEER, r#"CON 2.05 Content mid=$f token=4a [Observe: $o4] payload 1 byte "f""#);
    s.until(74_600).sent(74_600, PEER, r#"CON 2.05 Content mid=$f token=4a [Observe: $o4] payload 1 byte "f""#);
    s.recv(74_700, PEER, "ACK Empty mid=$f");
    s.forget(80_000, PEER);
    s.all_free(900_000);
}

/// 4.5.2: "It is possible that the server later receives an acknowledgement for a confirmable notification that it superseded this
/// way [...] it signals the client's further interest in the resource." Round trips of five seconds.
fn section4_5_2_late_acknowledgements<C: Scale>() {
    let mut s = roomy::<C>(steady());
    s.observer(0, PEER, 1, "4a", 3, 0);
    s.changes(1_000, 3, Shown::con("0"));
    let (at, _) = s.sent_any_as(PEER, "m");
    assert_eq!(at, 1_000);
    let mut sent = vec![(1_000, s.name("m").to_owned())];
    // The state changes all the time; each acknowledgement comes five seconds late.
    for n in 1..200_u64 {
        let at = 1_000 + n * 500;
        if sent.first().is_some_and(|(time, _)| time + 5_000 <= at) {
            let (_, id) = sent.remove(0);
            s.recv(at, PEER, &format!("ACK Empty mid={id}"));
        }
        s.changes(at, 3, Shown::con(&n.to_string()));
        let lines = s.sent_lines();
        for line in &lines {
            let id = line.split("mid=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
            if sent.last().is_none_or(|(_, last)| last != id) {
                sent.push((at, id.to_owned()));
            }
        }
        assert_eq!(observers(&mut s), slots::<C>(1, 1), "at {at} ms");
    }
    // It ends with the latest state, and the observer is there.
    for (n, at) in (0..40).map(|n| (n, 101_000 + n * 500)) {
        if sent.first().is_some_and(|(time, _)| time + 5_000 <= at) {
            let (_, id) = sent.remove(0);
            s.recv(at, PEER, &format!("ACK Empty mid={id}"));
        }
        s.until(at);
        for line in s.sent_lines() {
            assert!(line.ends_with(r#""199""#), "{n}: {line}");
            let id = line.split("mid=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
            sent.push((at, id.to_owned()));
        }
    }
    s.until(300_000).sent_lines();
    assert_eq!(observers(&mut s), slots::<C>(1, 1));
    s.forget(300_000, PEER);
    s.all_free(900_000);
}

/// Who was just sent a NON waits for `notification_interval` (4.5.1), with an index in an exchange of its own, and among few
/// in none, so that a table of exchanges that is full of requests delays nobody; and is told once, the latest state.
fn section4_5_1_who_waits<C: Scale>() {
    let mut s = roomy::<C>(steady());
    s.observer(0, PEER, 1, "4a", 3, 0);
    s.observer(0, PEER, 2, "4b", 4, 0);
    s.changes(5_000, 3, Shown::non("a"));
    s.sent(5_000, PEER, r#"NON 2.05 Content mid=$a token=4a [Observe: $o] payload 1 byte "a""#);
    let before = s.ep.usage().exchanges;
    s.changes(5_100, 3, Shown::non("b")).silence();
    s.changes(5_200, 4, Shown::non("c")).silence();
    s.changes(5_300, 3, Shown::non("d")).silence();
    assert_eq!(s.ep.usage().exchanges, before + slots::<C>(0, 2));
    // The two of one peer, the second as long after the first: who has waited longer, or of the resource whose turn it is.
    let (mut first, mut second) = (("4b", "c"), ("4a", "d"));
    if C::INDEXED {
        (first, second) = (second, first);
    }
    for (at, (token, state)) in [(8_000, first), (11_000, second)] {
        s.until(at - 1).silence();
        let line = format!(r#"NON 2.05 Content mid=$b{at} token={token} [Observe: $p{at}] payload 1 byte "{state}""#);
        s.until(at).sent(at, PEER, &line);
    }
    s.forget(11_000, PEER);
    s.all_free(900_000);
}

in_both_scales! {
    section4_1_registration_and_notifications,
    section4_1_what_is_no_registration,
    section4_1_registered_again,
    section4_1_deregistration,
    section4_2_an_error_is_the_last_notification,
    section4_4_numbers,
    section4_5_a_reset_ends_it,
    section4_5_a_timeout_ends_it,
    section4_5_confirmable_now_and_then,
    section4_5_the_latest_state_for_certain,
    section4_5_1_congestion_control,
    section4_5_1_who_waits,
    section4_5_2_superseded,
    section4_5_2_late_acknowledgements,
}
