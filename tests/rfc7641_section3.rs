//! RFC 7641 section 3, as timed scripts: a client registers, judges what it is told, registers again, and ends it.

#[macro_use]
mod endpoint;

use coaplet::endpoint::{Failure, Handle, Request, RequestError};
use coaplet::store::Scale;
use coaplet::{Code, Fixed, Store, Token};
use endpoint::observing::steady;
use endpoint::{OTHER, PEER, Script, roomy};

/// Asks to observe, by the token 4a; the registration goes out at once.
#[track_caller]
fn observe<S: Store<Peer = u16>>(s: &mut Script<S>, at: u64, request: Request) -> Handle {
    let token = Token::try_from(&[0x4a][..]).unwrap();
    let handle = s.request(at, PEER, request.token(token).observe());
    s.unbind("reg").sent(at, PEER, "CON GET mid=$reg token=4a [Observe: 0, Uri-Path: temperature]");
    handle
}

/// The same, and the server agrees.
#[track_caller]
fn observing<S: Store<Peer = u16>>(s: &mut Script<S>, at: u64, number: u32) -> Handle {
    let handle = observe(s, at, Request::get());
    let line = format!(r#"ACK 2.05 Content mid=$reg token=4a [Observe: {number}] payload 8 bytes "22.9 Cel""#);
    s.recv(at, PEER, &line);
    assert_eq!(s.notified(handle, PEER, &line), number);
    handle
}

/// 3.1, Figure 2: "If the server returns a 2.xx response that includes an Observe Option as well, the server has successfully added
/// an entry"; 3.5: a confirmable notification is acknowledged, each time it comes.
fn section3_1_registration_and_notifications<C: Scale>() {
    let mut s = roomy::<C>(steady());
    let handle = observing(&mut s, 0, 12);
    let line = r#"NON 2.05 Content mid=0x0001 token=4a [Observe: 44] payload 8 bytes "22.8 Cel""#;
    s.recv(1_000, PEER, line);
    assert_eq!(s.notified(handle, PEER, line), 44);
    let line = r#"CON 2.05 Content mid=0x0002 token=4a [Observe: 60] payload 8 bytes "23.1 Cel""#;
    s.recv(2_000, PEER, line).sent(2_000, PEER, "ACK Empty mid=0x0002");
    assert_eq!(s.notified(handle, PEER, line), 60);
    // Its acknowledgement was lost; it overtakes the one before; both are acknowledged and not told.
    s.recv(4_000, PEER, line).sent(4_000, PEER, "ACK Empty mid=0x0002");
    s.recv(5_000, PEER, "CON 2.05 Content mid=0x0003 token=4a [Observe: 59]").sent(5_000, PEER, "ACK Empty mid=0x0003");
    s.recv(5_000, PEER, "NON 2.03 Valid mid=0x0004 token=4a [Observe: 58]").silence();
    let statistics = s.ep.statistics();
    assert_eq!((statistics.duplicates, statistics.stale), (1, 2));
    // Somebody else has no part in it.
    s.recv(6_000, OTHER, "CON 2.05 Content mid=0x0005 token=4a [Observe: 61]").sent(
        6_000,
        OTHER,
        "RST Empty mid=0x0005",
    );
    assert!(s.ep.cancel(handle));
    s.all_free(900_000);
}

/// 3.1: without Observe, "it will not be notified": the request has ended as an ordinary one. FETCH, too (RFC 8132 2.4).
fn section3_1_the_server_does_not_agree<C: Scale>() {
    let mut s = roomy::<C>(steady());
    for (n, answer) in [
        "2.05 Content mid=$reg token=4a",
        "4.04 Not Found mid=$reg token=4a",
        "4.04 Not Found mid=$reg token=4a [Observe: 3]",
    ]
    .into_iter()
    .enumerate()
    {
        let handle = observe(&mut s, 1_000 * n as u64, Request::get());
        s.recv(1_000 * n as u64, PEER, &format!("ACK {answer}"));
        assert!(!s.answered(handle, PEER, &format!("ACK {answer}")).0);
        assert_eq!(s.unobserve(1_000 * n as u64, handle), Err(RequestError::NotObserving));
    }
    let handle = s.request(10_000, PEER, Request::fetch().observe());
    s.sent(10_000, PEER, "CON FETCH mid=$f token=$tf [Observe: 0, Uri-Path: temperature]");
    s.recv(10_000, PEER, "ACK Empty mid=$f");
    s.recv(11_000, PEER, "CON 2.05 Content mid=0x0001 token=$tf").sent(11_000, PEER, "ACK Empty mid=0x0001");
    s.answered(handle, PEER, "CON 2.05 Content mid=0x0001 token=$tf");
    // Nobody answers; reset.
    let handle = observe(&mut s, 20_000, Request::get());
    s.recv(20_000, PEER, "RST Empty mid=$reg").failed(20_000, handle, Failure::Reset);
    let handle = s.request(30_000, PEER, Request::get().non().observe());
    s.sent(30_000, PEER, "NON GET mid=$g token=$tg [Observe: 0, Uri-Path: temperature]");
    s.until(123_000).failed(123_000, handle, Failure::TimedOut);
    // A group, and no room.
    let group = s.try_request(130_000, 99, Request::get().group().observe(), |_| {});
    assert_eq!(group, Err(RequestError::NotForAGroup));
    s.all_free(900_000);
    let mut s = Script::new(steady(), Fixed::<u16, 4, 8, 0, 0, 0, C>::new());
    for request in [Request::get(), Request::get().non()] {
        assert_eq!(s.try_request(0, PEER, request.observe(), |_| {}), Err(RequestError::NoBytes { needed: 9 }));
    }
    s.all_free(0);
    let mut s = Script::new(steady(), Fixed::<u16, 4, 1, 512, 0, 0, C>::new());
    let first = s.request(0, PEER, Request::get().non().observe());
    s.sent_any(PEER);
    for request in [Request::get(), Request::get().non()] {
        assert_eq!(s.try_request(0, OTHER, request.observe(), |_| {}), Err(RequestError::NoExchange));
    }
    assert_eq!(s.ep.usage().blocks, 1);
    assert!(s.ep.cancel(first));
    s.all_free(900_000);
}

/// 3.2: "the server sends a notification with an appropriate response code (such as 4.04 Not Found) and removes the client's
/// entry": the observation has ended, and so it has if a 2.xx comes without Observe.
fn section3_2_the_last_notification<C: Scale>() {
    let mut s = roomy::<C>(steady());
    for (n, last) in ["4.04 Not Found mid=0x0001 token=4a", "2.05 Content mid=0x0002 token=4a"].into_iter().enumerate()
    {
        let at = 1_000 * n as u64;
        let handle = observing(&mut s, at, 5);
        s.recv(at, PEER, &format!("CON {last}")).sent(at, PEER, &format!("ACK Empty mid=0x000{}", n + 1));
        assert!(!s.answered(handle, PEER, &format!("CON {last}")).0);
        // Its acknowledgement was lost.
        s.recv(at + 500, PEER, &format!("CON {last}")).sent(at + 500, PEER, &format!("ACK Empty mid=0x000{}", n + 1));
        s.recv(at + 600, PEER, "CON 2.05 Content mid=0x0077 token=4a [Observe: 6]").sent(
            at + 600,
            PEER,
            "RST Empty mid=0x0077",
        );
    }
    s.all_free(900_000);
}

/// 3.3.1: "a client MAY issue a new GET request with the same token as the original at any time. All options MUST be identical [...]
/// the client SHOULD at least wait for a random amount of time between 5 and 15 seconds after Max-Age expired".
fn section3_3_1_registered_again<C: Scale>() {
    let mut s = roomy::<C>(steady());
    let handle = observing(&mut s, 0, 7);
    // Each notification counts anew; what comes late does not.
    let line = "NON 2.05 Content mid=0x0001 token=4a [Observe: 8, Max-Age: 15]";
    s.recv(30_000, PEER, line);
    s.notified(handle, PEER, line);
    s.recv(34_000, PEER, "NON 2.05 Content mid=0x0002 token=4a [Observe: 6, Max-Age: 15]");
    s.until(49_999).silence();
    s.wait(60_000);
    let (at, _) = s.sent(50_000..=60_000, PEER, "CON GET mid=$again token=4a [Observe: 0, Uri-Path: temperature]");
    assert_ne!(s.name("again"), s.name("reg"));
    // Sent again until it is answered.
    s.until(at + 2_000).sent(at + 2_000, PEER, "CON GET mid=$again token=4a [Observe: 0, Uri-Path: temperature]");
    let line = "ACK 2.05 Content mid=$again token=4a [Observe: 9]";
    s.recv(at + 2_500, PEER, line);
    assert_eq!(s.notified(handle, PEER, line), 9);
    // Max-Age is 60 where it is not there. Put off, and answered separately.
    let from = at + 2_500;
    s.wait(from + 75_000);
    let (at, _) =
        s.sent(from + 65_000..=from + 75_000, PEER, "CON GET mid=$third token=4a [Observe: 0, Uri-Path: temperature]");
    s.recv(at, PEER, "ACK Empty mid=$third");
    let line = "CON 2.05 Content mid=0x0003 token=4a [Observe: 10, Max-Age: 4000000000]";
    s.recv(from + 80_000, PEER, line).sent(from + 80_000, PEER, "ACK Empty mid=0x0003");
    s.notified(handle, PEER, line);
    // It ends as an ordinary response where the server does not agree any more.
    let line = "NON 2.05 Content mid=0x0004 token=4a [Observe: 11, Max-Age: 0]";
    s.recv(600_000, PEER, line);
    s.notified(handle, PEER, line);
    s.wait(615_000);
    let (at, _) = s.sent(605_000..=615_000, PEER, "CON GET mid=$fourth token=4a [Observe: 0, Uri-Path: temperature]");
    s.recv(at + 100, PEER, "ACK 2.05 Content mid=$fourth token=4a");
    assert!(!s.answered(handle, PEER, "ACK 2.05 Content mid=$fourth token=4a").0);
    s.all_free(1_900_000);
}

/// The failure of a registration that is made again ends the observation; and so does its peer.
fn section3_3_1_nobody_answers<C: Scale>() {
    let mut s = roomy::<C>(steady());
    let handle = observing(&mut s, 0, 7);
    s.wait(75_000);
    let (at, _) = s.sent(65_000..=75_000, PEER, "CON GET mid=$again token=4a [Observe: 0, Uri-Path: temperature]");
    s.until(at + 62_000);
    for (n, after) in [2_000, 6_000, 14_000, 30_000].into_iter().enumerate() {
        s.sent(at + after, PEER, "CON GET mid=$again token=4a [Observe: 0, Uri-Path: temperature]");
        assert!(n < 4);
    }
    s.failed(at + 62_000, handle, Failure::TimedOut);
    s.all_free(900_000);
    // NON: made again as such.
    let handle = s.request(900_000, PEER, Request::get().non().observe());
    s.sent(900_000, PEER, "NON GET mid=$g token=$tg [Observe: 0, Uri-Path: temperature]");
    let line = "NON 2.05 Content mid=0x0001 token=$tg [Observe: 0]";
    s.recv(900_100, PEER, line);
    s.notified(handle, PEER, line);
    s.until(975_100).sent(965_100..=975_100, PEER, "NON GET mid=$h token=$tg [Observe: 0, Uri-Path: temperature]");
    s.until(1_100_000).failed(1_058_100..=1_068_100, handle, Failure::TimedOut);
    s.all_free(1_900_000);
    let handle = observing(&mut s, 1_900_000, 7);
    s.forget(1_900_100, PEER).failed(1_900_100, handle, Failure::Forgotten);
    s.all_free(2_900_000);
}

/// 3.4: which notification is the freshest, by 24-bit serial numbers and 128 seconds.
fn section3_4_reordering<C: Scale>() {
    let mut s = roomy::<C>(steady());
    let handle = observing(&mut s, 0, 0xff_fff0);
    let mut mid = 0x100;
    let mut hear = |s: &mut Script<_>, at: u64, number: u32, fresh: bool| {
        mid += 1;
        let line = format!("NON 2.05 Content mid=0x{mid:04x} token=4a [Observe: {number}, Max-Age: 1000]");
        s.recv(at, PEER, &line);
        if fresh {
            assert_eq!(s.notified(handle, PEER, &line), number);
        } else {
            s.silence();
        }
    };
    hear(&mut s, 1_000, 0xff_ffef, false);
    hear(&mut s, 1_000, 0xff_fff0, false);
    hear(&mut s, 1_000, 0x00_0003, true);
    hear(&mut s, 1_000, 0xff_fff5, false);
    hear(&mut s, 2_000, 0x80_0003, false);
    hear(&mut s, 2_000, 0x80_0002, true);
    hear(&mut s, 129_000, 0x7f_ffff, false);
    hear(&mut s, 130_000, 0x7f_ffff, false);
    hear(&mut s, 130_001, 0x7f_ffff, true);
    hear(&mut s, 258_001, 0x7f_ffff, false);
    hear(&mut s, 258_002, 0x7f_ffff, true);
    assert!(s.ep.cancel(handle));
    s.all_free(900_000);
}

/// A notification that overtakes the acknowledgement of the registration; and the response of the registration that comes late.
fn section3_4_ahead_of_the_registration<C: Scale>() {
    let mut s = roomy::<C>(steady());
    let handle = observe(&mut s, 0, Request::get());
    let line = "CON 2.05 Content mid=0x0001 token=4a [Observe: 13]";
    s.recv(100, PEER, line).sent(100, PEER, "ACK Empty mid=0x0001");
    s.notified(handle, PEER, line);
    s.recv(200, PEER, "ACK 2.05 Content mid=$reg token=4a [Observe: 12]");
    // It is sent no more.
    s.until(60_000).silence();
    // The same with an empty acknowledgement.
    assert!(s.ep.cancel(handle));
    let handle = observe(&mut s, 60_000, Request::get());
    let line = "NON 2.05 Content mid=0x0002 token=4a [Observe: 13]";
    s.recv(60_100, PEER, line);
    s.notified(handle, PEER, line);
    s.recv(60_200, PEER, "ACK Empty mid=$reg");
    let line = "CON 2.05 Content mid=0x0003 token=4a [Observe: 12]";
    s.recv(60_300, PEER, line).sent(60_300, PEER, "ACK Empty mid=0x0003");
    // While a registration is made again, and while it waits behind another request.
    s.until(126_000).sent_lines();
    s.until(136_000).sent_lines();
    let line = "NON 2.05 Content mid=0x0004 token=4a [Observe: 14, Max-Age: 0]";
    s.recv(136_500, PEER, line);
    s.notified(handle, PEER, line);
    let other = s.get(140_000, PEER);
    s.sent_any_as(PEER, "other");
    s.recv(155_000, PEER, "NON 2.05 Content mid=0x0005 token=4a [Observe: 15]");
    let came = s.sent_lines();
    assert!(came.iter().filter(|line| line.contains("Observe: 15")).count() == 1, "{came:?}");
    s.until(160_000);
    assert!(s.sent_lines().iter().all(|line| !line.contains("Observe: 0")), "it is not made again");
    assert!(s.ep.cancel(handle) && s.ep.cancel(other));
    s.all_free(900_000);
}

/// A server that has begun to count anew: its answer to a registration is taken whatever its number says, unless something later
/// was there before it.
fn section3_4_the_server_starts_anew<C: Scale>() {
    let mut s = roomy::<C>(steady());
    let handle = observing(&mut s, 0, 50_000);
    let again = "CON GET mid=$again token=4a [Observe: 0, Uri-Path: temperature]";
    let (at, _) = s.wait(75_000).sent(65_000..=75_000, PEER, again);
    let line = "ACK 2.05 Content mid=$again token=4a [Observe: 1]";
    s.recv(at + 500, PEER, line);
    assert_eq!(s.notified(handle, PEER, line), 1);
    let line = "NON 2.05 Content mid=0x0001 token=4a [Observe: 2]";
    s.recv(76_000, PEER, line);
    assert_eq!(s.notified(handle, PEER, line), 2);
    assert!(s.ep.cancel(handle));
    s.all_free(900_000);
}

/// 3.6: "can simply \"forget\" the observation. When the server then sends the next notification, the client will not recognize the
/// token in the message and thus will return a Reset message". For each of them, until the server has heard of it.
fn section3_6_forgotten<C: Scale>() {
    let mut s = roomy::<C>(steady());
    let handle = observing(&mut s, 0, 12);
    assert!(s.ep.cancel(handle));
    assert!(!s.ep.cancel(handle));
    s.recv(100, PEER, "NON 2.05 Content mid=0x0001 token=4a [Observe: 13]").sent(100, PEER, "RST Empty mid=0x0001");
    s.recv(200, PEER, "NON 2.05 Content mid=0x0002 token=4a [Observe: 14]").sent(200, PEER, "RST Empty mid=0x0002");
    s.recv(300, PEER, "CON 2.05 Content mid=0x0003 token=4a [Observe: 15]").sent(300, PEER, "RST Empty mid=0x0003");
    // What is no notification is dropped.
    s.recv(400, PEER, "NON 2.05 Content mid=0x0004 token=4a").silence();
    assert_eq!(s.unobserve(500, handle), Err(RequestError::NotObserving));
    s.all_free(900_000);
}

/// 3.6: "a GET request that has the Token field set to the token of the observation to be cancelled and includes an Observe Option
/// with the value set to 1 (deregister). All other options MUST be identical".
fn section3_6_deregistered<C: Scale>() {
    let mut s = roomy::<C>(steady());
    let token = Token::try_from(&[0x4a][..]).unwrap();
    let build = |w: &mut coaplet::Writer<'_>| {
        w.uri_host("h")
            .etag(b"e")
            .path("temperature")
            .query("unit=C")
            .payload(b"body of a FETCH that is longer than a block");
    };
    let handle = s.try_request(0, PEER, Request::fetch().token(token).observe(), build).unwrap();
    let rest =
        r#"Uri-Path: temperature, Uri-Query: unit=C] payload 43 bytes "body of a FETCH that is longer than a block""#;
    s.sent(0, PEER, &format!("CON FETCH mid=$reg token=4a [Uri-Host: h, ETag: 0x65, Observe: 0, {rest}"));
    let line = "ACK 2.05 Content mid=$reg token=4a [Observe: 12]";
    s.recv(0, PEER, line);
    s.notified(handle, PEER, line);
    s.tx(20);
    assert!(matches!(s.unobserve(900, handle), Err(RequestError::Write(_))));
    s.tx(1152);
    s.unobserve(1_000, handle).unwrap();
    let dereg = format!("CON FETCH mid=$dereg token=4a [Uri-Host: h, ETag: 0x65, Observe: 1, {rest}");
    s.sent(1_000, PEER, &dereg);
    assert_eq!(s.unobserve(1_000, handle), Err(RequestError::NotObserving));
    // What is on its way is acknowledged, and not told.
    s.recv(1_100, PEER, "CON 2.05 Content mid=0x0001 token=4a [Observe: 13]").sent(1_100, PEER, "ACK Empty mid=0x0001");
    s.until(3_000).sent(3_000, PEER, &dereg);
    s.recv(3_100, PEER, "ACK 2.05 Content mid=$dereg token=4a");
    assert!(!s.answered(handle, PEER, "ACK 2.05 Content mid=$dereg token=4a").0);
    s.recv(3_200, PEER, "CON 2.05 Content mid=0x0002 token=4a [Observe: 14]").sent(3_200, PEER, "RST Empty mid=0x0002");
    // While the registration is outstanding; and nobody answers.
    let handle = observe(&mut s, 10_000, Request::get());
    s.unobserve(10_100, handle).unwrap();
    s.sent(10_100, PEER, "CON GET mid=$d2 token=4a [Observe: 1, Uri-Path: temperature]");
    s.recv(10_200, PEER, "ACK 2.05 Content mid=$reg token=4a [Observe: 15]").silence();
    s.until(72_100).sent_lines();
    assert!(!s.ep.cancel(handle), "it has failed");
    // Behind NSTART.
    let handle = observing(&mut s, 100_000, 16);
    let other = s.get(100_000, PEER);
    s.sent_any_as(PEER, "other");
    s.unobserve(100_100, handle).unwrap();
    s.recv(100_200, PEER, "RST Empty mid=$other").failed(100_200, other, Failure::Reset);
    s.sent(100_200, PEER, "CON GET mid=$d3 token=4a [Observe: 1, Uri-Path: temperature]");
    s.recv(100_300, PEER, "ACK 4.04 Not Found mid=$d3 token=4a");
    s.answered(handle, PEER, "ACK 4.04 Not Found mid=$d3 token=4a");
    s.all_free(900_000);
}

/// What is found by a token is found by it: several observations and requests at once, of several peers.
fn issue_4_many_observations<C: Scale>() {
    let mut s = roomy::<C>(steady());
    let mut handles = Vec::new();
    for peer in 1..=12 {
        handles.push(s.request(0, peer, Request::get().observe()));
        s.sent(0, peer, &format!("CON GET mid=$r{peer} token=$t{peer} [Observe: 0, Uri-Path: temperature]"));
        s.recv(0, peer, &format!("ACK 2.05 Content mid=$r{peer} token=$t{peer} [Observe: 1]"));
        s.sent_lines();
    }
    for peer in 1..=12 {
        let line = format!("NON 2.05 Content mid=0x0001 token=$t{peer} [Observe: 2]");
        s.recv(1_000, peer, &line);
        s.notified(handles[usize::from(peer) - 1], peer, &line);
    }
    for handle in handles.iter().rev() {
        assert!(s.ep.cancel(*handle));
    }
    assert_eq!(s.ep.usage().blocks, 0);
    assert_eq!(Code::CONTENT.class(), 2);
    s.all_free(900_000);
}

in_both_scales! {
    section3_1_registration_and_notifications,
    section3_1_the_server_does_not_agree,
    section3_2_the_last_notification,
    section3_3_1_registered_again,
    section3_3_1_nobody_answers,
    section3_4_reordering,
    section3_4_ahead_of_the_registration,
    section3_4_the_server_starts_anew,
    section3_6_forgotten,
    section3_6_deregistered,
    issue_4_many_observations,
}
