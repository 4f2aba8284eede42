//! What an endpoint does with what its roles leave out.

use coaplet::endpoint::{Arrival, ClientMin, Event, Output, RespondError, ServerMin};
use coaplet::{Endpoint, Fixed, Instant, Message, Roles};

/// The reply to a datagram that means nothing to the application, as the codec prints it.
fn reply<R: Roles>(arrival: Arrival, datagram: &[u8]) -> Option<String> {
    let mut ep = Endpoint::<_, R>::of_roles([7; 16], Fixed::<u8, 4, 8, 512>::new());
    let mut tx = [0; 64];
    let input = ep.handle(Instant::ZERO, 1, arrival, datagram, &mut tx);
    assert!(matches!(input.event, Event::Handled), "{:?}", input.event);
    input.reply.map(|sent| Message::parse(&tx[..sent.len]).expect("a message").to_string())
}

#[test]
fn a_client_alone_refuses_requests() {
    let refused = Some("ACK 5.01 Not Implemented mid=0x0007 token=53".into());
    assert_eq!(reply::<ClientMin>(Arrival::Unicast, b"\x41\x01\x00\x07\x53\xb1a"), refused);
    assert_eq!(reply::<ClientMin>(Arrival::Unicast, b"\x51\x01\x00\x07\x53\xb1a"), None);
    assert_eq!(reply::<ClientMin>(Arrival::Group, b"\x51\x01\x00\x07\x53\xb1a"), None);
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
fn rfc8974_without_long_tokens_they_are_refused_and_echoed() {
    let refused = Some("ACK 4.00 Bad Request mid=0x0007 token=010203040506070809".into());
    assert_eq!(reply::<ServerMin>(Arrival::Unicast, b"\x49\x01\x00\x07\x01\x02\x03\x04\x05\x06\x07\x08\x09"), refused);
    assert_eq!(reply::<ServerMin>(Arrival::Unicast, b"\x59\x01\x00\x07\x01\x02\x03\x04\x05\x06\x07\x08\x09"), None);
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
