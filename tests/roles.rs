//! What an endpoint does with what its roles leave out.

use coaplet::endpoint::{
    Abilities, Arrival, ClientMin, Event, Failure, Output, Request, RequestError, ResourceId, RespondError, ServerMin,
    Statistics,
};
use coaplet::{Code, Config, Endpoint, Fixed, Instant, Message, Roles, Transmission};
use core::time::Duration;

/// The reply to a datagram that means nothing to the application, as the codec prints it.
fn reply<R: Roles>(arrival: Arrival, datagram: &[u8]) -> Option<String> {
    let mut ep = Endpoint::<_, R>::of_roles([7; 16], Fixed::<u8, 4, 8, 512>::new());
    let mut tx = [0; 64];
    let input = ep.handle(Instant::ZERO, 1, arrival, datagram, &mut tx);
    assert!(matches!(input.event, Event::Handled), "{:?}", input.event);
    input.reply.map(|sent| Message::parse(&tx[..sent.len]).expect("a message").to_string())
}

#[test]
fn a_client_alone_rejects_requests() {
    let rejected = Some("RST Empty mid=0x0007".into());
    assert_eq!(reply::<ClientMin>(Arrival::Unicast, b"\x41\x01\x00\x07\x53\xb1a"), rejected);
    assert_eq!(reply::<ClientMin>(Arrival::Unicast, b"\x51\x01\x00\x07\x53\xb1a"), None);
    assert_eq!(reply::<ClientMin>(Arrival::Group, b"\x51\x01\x00\x07\x53\xb1a"), None);
}

#[test]
fn without_times_of_its_own_a_request_that_has_some_is_an_error() {
    let mut ep = Endpoint::<_, ClientMin>::of_roles([7; 16], Fixed::<u8, 1, 2, 64>::new());
    let mut tx = [0; 64];
    let quick = Transmission { ack_timeout: Duration::from_millis(100), ..Transmission::DEFAULT };
    for request in [Request::get().timeout(Duration::from_secs(1)), Request::get().transmission(&quick)] {
        let made = ep.request(Instant::ZERO, 1, request, &mut tx, |_| {});
        assert_eq!(made.map(|_| ()), Err(RequestError::NoTimesOfItsOwn));
    }
    // Nothing is kept of them: there is room for one more, at the pace of the configuration.
    let (handle, sent) = ep.request(Instant::ZERO, 1, Request::get(), &mut tx, |_| {}).expect("room for it");
    assert!(sent.is_some());
    let Output::Idle(Some(first)) = ep.poll(Instant::ZERO, &mut tx) else { panic!("it was sent just now") };
    assert!((2_000..=3_000).contains(&first.as_millis()), "{first:?}");
    let mut failed = None;
    let mut sent = Vec::new();
    let mut now = first;
    while failed.is_none() {
        match ep.poll(now, &mut tx) {
            Output::Send(_) => sent.push(now.as_millis()),
            Output::Failed(which, Failure::TimedOut) => failed = Some(which),
            Output::Idle(Some(next)) => now = next,
            other => panic!("{other:?}"),
        }
    }
    // RFC 7252 4.2: each time twice as long, also where the times are constants.
    let first = first.as_millis();
    assert_eq!((failed, sent), (Some(handle), [1, 3, 7, 15].map(|times| times * first).to_vec()));
    assert_eq!(now.as_millis(), 31 * first);
    assert!((62_000..=93_000).contains(&now.as_millis()), "MAX_TRANSMIT_WAIT: {now:?}");
}

#[test]
fn a_server_alone_rejects_responses() {
    assert_eq!(reply::<ServerMin>(Arrival::Unicast, b"\x41\x45\x00\x07\x53"), Some("RST Empty mid=0x0007".into()));
    assert_eq!(reply::<ServerMin>(Arrival::Unicast, b"\x51\x45\x00\x07\x53"), None);
    assert_eq!(reply::<ServerMin>(Arrival::Unicast, b"\x61\x45\x00\x07\x53"), None);
    // Not a member of any group.
    assert_eq!(reply::<ServerMin>(Arrival::Group, b"\x51\x01\x00\x07\x53\xb1a"), None);
}

#[test]
fn rfc7252_3_without_long_tokens_they_are_rejected() {
    let rejected = Some("RST Empty mid=0x0007".into());
    for code in [b"\x01", b"\x45"] {
        let long = |first: &[u8]| [first, code, b"\x00\x07\x01\x02\x03\x04\x05\x06\x07\x08\x09"].concat();
        assert_eq!(reply::<ServerMin>(Arrival::Unicast, &long(b"\x49")), rejected);
        assert_eq!(reply::<ServerMin>(Arrival::Unicast, &long(b"\x59")), None);
        assert_eq!(reply::<ClientMin>(Arrival::Unicast, &long(b"\x49")), rejected);
        assert_eq!(reply::<ClientMin>(Arrival::Unicast, &long(b"\x59")), None);
    }
    // Of all lengths, those that RFC 8974 2.1 extends among them, and with an unknown critical option.
    for length in [9_usize, 12, 13, 268, 269, 300] {
        let nibble = length.min(if length < 269 { 13 } else { 14 }) as u8;
        let extension = match length {
            0..13 => vec![],
            13..269 => vec![(length - 13) as u8],
            _ => ((length - 269) as u16).to_be_bytes().to_vec(),
        };
        let request = [&[0x40 | nibble, 1, 0, 7], &extension[..], &vec![0xaa; length], b"\xd1\x2ax"].concat();
        assert_eq!(reply::<ServerMin>(Arrival::Unicast, &request), rejected, "{length}");
    }
}

#[test]
fn without_the_automatic_refusal_what_is_never_answered_is_forgotten() {
    let mut ep = Endpoint::<_, ServerMin>::of_roles([7; 16], Fixed::<u8, 4, 8, 512>::new());
    let mut tx = [0; 64];
    let mut sent = Vec::new();
    let mut ids = Vec::new();
    for at in [0, 100_000] {
        // The same Message ID again is a new request, long before EXCHANGE_LIFETIME: nothing was answered.
        let mut now = Instant::from_millis(at);
        let input = ep.handle(now, 1, Arrival::Unicast, b"\x41\x01\x00\x07\x53", &mut tx);
        let Event::Request(request) = input.event else { panic!("{input:?}") };
        ids.push(request.id);
        loop {
            match ep.poll(now, &mut tx) {
                Output::Send(due) => sent.push((now.as_millis(), Message::parse(&tx[..due.len]).unwrap().to_string())),
                Output::Idle(Some(at)) => now = at,
                Output::Idle(None) => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((now.as_millis(), ep.usage().exchanges), (at + 61_000, 0));
    }
    let ack = String::from("ACK Empty mid=0x0007");
    assert_eq!(sent, [(1_000, ack.clone()), (101_000, ack)]);
    for id in ids {
        assert_eq!(ep.respond(Instant::from_millis(200_000), id, &mut tx, |_| {}), Err(RespondError::Stale));
    }
}

/// What is counted of 40 requests to a server that remembers eight, one of them asked twice.
fn counted<R: Roles>() -> Statistics {
    let mut ep = Endpoint::<_, R>::with_roles(Config::DEFAULT, [7; 16], Fixed::<u8, 4, 8, 512>::new());
    let mut tx = [0; 64];
    for id in 0..40 {
        let datagram = [0x40, 2, 0, id];
        for _ in 0..if id == 20 { 2 } else { 1 } {
            let input = ep.handle(Instant::ZERO, 1, Arrival::Unicast, &datagram, &mut tx);
            let Event::Request(request) = input.event else { continue };
            ep.respond(Instant::ZERO, request.id, &mut tx, |w| _ = w.code(Code::CHANGED)).expect("answered");
        }
    }
    ep.statistics()
}

#[test]
fn what_gives_way_can_be_counted_alone() {
    enum Recycled {}
    impl Roles for Recycled {
        const HAS: Abilities = Abilities { statistics: false, recycled: true, ..Abilities::ALL };
    }
    enum Nothing {}
    impl Roles for Nothing {
        const HAS: Abilities = Abilities { statistics: false, recycled: false, ..Abilities::ALL };
    }
    let all = counted::<coaplet::endpoint::Full>();
    assert_eq!((all.received, all.duplicates, all.recycled), (41, 1, 32));
    let mut alone = counted::<Recycled>();
    assert_eq!(alone.recycled, 32);
    alone.recycled = 0;
    assert_eq!(alone, Statistics::default());
    assert_eq!(counted::<Nothing>(), Statistics::default());
}

#[test]
fn rfc7252_4_3_without_that_role_a_non_confirmable_request_is_an_error() {
    enum Confirmed {}
    impl Roles for Confirmed {
        const HAS: Abilities = Abilities { non_requests: false, ..Abilities::ALL };
    }
    let mut ep = Endpoint::<_, Confirmed>::with_roles(Config::DEFAULT, [7; 16], Fixed::<u8, 4, 8, 512>::new());
    let mut tx = [0; 64];
    for request in [Request::get().non(), Request::get().group(), Request::post().non()] {
        let made = ep.request(Instant::ZERO, 1, request, &mut tx, |_| {});
        assert_eq!(made, Err(RequestError::OnlyConfirmable));
    }
    assert_eq!(ep.usage(), Default::default(), "nothing is kept");
    assert!(ep.request(Instant::ZERO, 1, Request::get(), &mut tx, |_| {}).is_ok());
    // The least client makes them.
    let mut ep = Endpoint::<_, ClientMin>::of_roles([7; 16], Fixed::<u8, 4, 8, 512>::new());
    assert!(ep.request(Instant::ZERO, 1, Request::get().non(), &mut tx, |_| {}).is_ok());
}

/// Observes resource 1 as peer 1, by a request with this Message ID and token, and is answered at once.
fn observer<S: coaplet::store::Store<Peer = u8>, R: Roles>(
    ep: &mut Endpoint<S, R>,
    now: Instant,
    id: u8,
    token: u8,
    tx: &mut [u8],
) {
    let registration = [0x41, 1, 0, id, token, 0x60];
    let Event::Request(request) = ep.handle(now, 1, Arrival::Unicast, &registration, tx).event else {
        panic!("it is a request")
    };
    let answer = ep.respond_observing(now, request.id, ResourceId(1), 0, tx, |w| _ = w.code(Code::CONTENT));
    let len = answer.expect("room for it").expect("at once").len;
    assert!(Message::parse(&tx[..len]).expect("a message").observe().is_some());
}

/// Waits until somebody is to be told something, and writes it, as Non-confirmable as may be: the Message ID, if it is a
/// CON all the same. `None` also if nobody ever is.
fn told<S: coaplet::store::Store<Peer = u8>, R: Roles>(
    ep: &mut Endpoint<S, R>,
    now: &mut Instant,
    tx: &mut [u8],
) -> Option<[u8; 2]> {
    let notify = loop {
        match ep.poll(*now, tx) {
            Output::Notify(notify) => break notify,
            Output::Idle(Some(at)) => *now = at,
            Output::Idle(None) => return None,
            other => panic!("{other:?}"),
        }
    };
    let sent = ep.write_notification(*now, notify.non(), tx, |w| _ = w.code(Code::CONTENT).payload(b"x")).unwrap();
    assert!(sent.is_some());
    (tx[0] & 0x30 == 0).then_some([tx[2], tx[3]])
}

#[test]
fn rfc7641_4_5_without_that_role_each_notification_is_confirmable() {
    enum Confirmed {}
    impl Roles for Confirmed {
        const HAS: Abilities = Abilities { non_notifications: false, ..Abilities::ALL };
    }
    /// And nobody stands in a queue.
    enum Plain {}
    impl Roles for Plain {
        const HAS: Abilities = Abilities { nstart_queue: false, ..Confirmed::HAS };
    }
    /// The same where there is an index, and where there is none.
    fn run<C: coaplet::store::Scale, R: Roles>() {
        let store = Fixed::<u8, 4, 8, 512, 4, 0, C>::new();
        let mut ep = Endpoint::<_, R>::with_roles(Config::DEFAULT, [7; 16], store);
        let (mut tx, mut now) = ([0; 64], Instant::ZERO);
        observer(&mut ep, now, 1, 0x4a, &mut tx);
        for _ in 0..3 {
            assert!(ep.notify(ResourceId(1)));
            let [high, low] = told(&mut ep, &mut now, &mut tx).expect("a CON");
            assert!(matches!(ep.poll(now, &mut tx), Output::Idle(Some(_))), "nothing else, while it is outstanding");
            now = now + Duration::from_millis(100);
            assert!(matches!(
                ep.handle(now, 1, Arrival::Unicast, &[0x60, 0, high, low], &mut tx).event,
                Event::Handled
            ));
        }
        // What changes meanwhile is in what is sent again, and then told.
        ep.notify(ResourceId(1));
        told(&mut ep, &mut now, &mut tx).expect("a CON");
        ep.notify(ResourceId(1));
        let [high, low] = told(&mut ep, &mut now, &mut tx).expect("a CON");
        let _ = ep.handle(now, 1, Arrival::Unicast, &[0x60, 0, high, low], &mut tx);
        // What has arrived is told by nothing more, however long it stays as it is.
        while let Output::Idle(Some(at)) = ep.poll(now, &mut tx) {
            now = at;
        }
        assert_eq!(ep.usage().exchanges, 0);
        now = now + Duration::from_secs(48 * 3600);
        assert!(matches!(ep.poll(now, &mut tx), Output::Idle(None)));
        // A reset ends it.
        ep.notify(ResourceId(1));
        let [high, low] = told(&mut ep, &mut now, &mut tx).expect("a CON");
        let _ = ep.handle(now, 1, Arrival::Unicast, &[0x70, 0, high, low], &mut tx);
        assert_eq!((ep.usage().observers, ep.usage().exchanges), (0, 0));

        // So does one of the first response, where that is a NON.
        let registration = &[0x51, 1, 0, 9, 0x4b, 0x60];
        let Event::Request(request) = ep.handle(now, 1, Arrival::Unicast, registration, &mut tx).event else {
            panic!()
        };
        let sent = ep.respond_observing(now, request.id, ResourceId(1), 0, &mut tx, |w| _ = w.code(Code::CONTENT));
        assert!(sent.unwrap().is_some() && ep.usage().observers > 0);
        let reset = [0x70, 0, tx[2], tx[3]];
        let _ = ep.handle(now, 1, Arrival::Unicast, &reset, &mut tx);
        assert_eq!(ep.usage().observers, 0);

        // What is Confirmable does not wait for a NON that went before (4.5.1), and that one is confirmed with an index alone.
        now = now + Duration::from_secs(300);
        let registration = &[0x51, 1, 0, 10, 0x4c, 0x60];
        let Event::Request(request) = ep.handle(now, 1, Arrival::Unicast, registration, &mut tx).event else {
            panic!()
        };
        let sent = ep.respond_observing(now, request.id, ResourceId(1), 0, &mut tx, |w| _ = w.code(Code::CONTENT));
        assert!(sent.unwrap().is_some());
        let before = now;
        ep.notify(ResourceId(1));
        let [high, low] = told(&mut ep, &mut now, &mut tx).expect("a CON");
        assert_eq!(now, before);
        let _ = ep.handle(now, 1, Arrival::Unicast, &[0x60, 0, high, low], &mut tx);
        now = now + Duration::from_secs(300);
        let registration = &[0x51, 1, 0, 11, 0x4c, 0x60];
        let Event::Request(request) = ep.handle(now, 1, Arrival::Unicast, registration, &mut tx).event else {
            panic!()
        };
        let sent = ep.respond_observing(now, request.id, ResourceId(1), 0, &mut tx, |w| _ = w.code(Code::CONTENT));
        assert!(sent.unwrap().is_some());
        assert_eq!(told(&mut ep, &mut now, &mut tx).is_some(), C::INDEXED);
    }
    run::<coaplet::store::Scan, Confirmed>();
    run::<coaplet::store::Indexed, Confirmed>();
    run::<coaplet::store::Scan, Plain>();
    run::<coaplet::store::Indexed, Plain>();
}

#[test]
fn without_that_role_observers_are_ended_by_an_error_alone() {
    enum Lasting {}
    impl Roles for Lasting {
        const HAS: Abilities = Abilities { end_observers: false, ..Abilities::ALL };
    }
    let mut ep = Endpoint::<_, Lasting>::with_roles(Config::DEFAULT, [7; 16], Fixed::<u8, 4, 8, 512, 4>::new());
    let (mut tx, now) = ([0; 64], Instant::ZERO);
    observer(&mut ep, now, 1, 0x4a, &mut tx);
    assert!(!ep.end_observers(ResourceId(1), Code::NOT_FOUND));
    assert!(matches!(ep.poll(now, &mut tx), Output::Idle(Some(_))) && ep.usage().observers == 1, "nobody is told");
    assert!(ep.notify(ResourceId(1)));
    let Output::Notify(notify) = ep.poll(now, &mut tx) else { panic!("it has changed") };
    let sent = ep.write_notification(now, notify, &mut tx, |w| _ = w.code(Code::NOT_FOUND)).unwrap();
    assert_eq!(Message::parse(&tx[..sent.unwrap().len]).unwrap().code(), Code::NOT_FOUND);
    assert_eq!(ep.usage().observers, 0);
}
