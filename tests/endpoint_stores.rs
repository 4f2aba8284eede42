//! The same script over every kind of store: of constant size, in slices that are lent, from the heap, and behind a reference.

mod endpoint;

use coaplet::endpoint::{Arrival, Event, Failure, Output, Request, RequestError, Usage};
use coaplet::store::{ExchangeSlot, Indexed, Layout, Level, PeerSlot, Scan, Slices};
use coaplet::{Code, Config, Endpoint, Fixed, Instant, Store};
use endpoint::{Eight, OTHER, PEER, Script};

/// Something of each kind, with eight exchanges and 512 bytes.
fn story<S: Store<Peer = u16>>(store: S) {
    let mut s = Script::new(Config::DEFAULT, store);
    assert_eq!(s.ep.usage(), Usage::default());
    // As a client: retransmitted, answered separately, with another request behind it.
    let (first, second) = (s.get(0, PEER), s.get(0, PEER));
    s.sent(0, PEER, "CON GET mid=$a token=$ta [Uri-Path: temperature]");
    s.until(3_000).sent(2_000..=3_000, PEER, "CON GET mid=$a token=$ta [Uri-Path: temperature]");
    s.recv(3_100, PEER, "ACK Empty mid=$a").sent(3_100, PEER, "CON GET mid=$b token=$tb [Uri-Path: temperature]");
    s.recv(4_000, PEER, "CON 2.05 Content mid=0x0001 token=$ta").sent(4_000, PEER, "ACK Empty mid=0x0001");
    s.answered(first, PEER, "CON 2.05 Content mid=0x0001 token=$ta");
    s.recv(4_100, PEER, "RST Empty mid=$b").failed(4_100, second, Failure::Reset);
    // As a server: piggybacked, a duplicate, put off.
    s.recv(5_000, OTHER, "CON GET mid=0x0001 token=000102030405060708090a0b");
    let id = s.asked_by(OTHER);
    s.respond(5_000, id, Code::CONTENT, "21.5");
    let reply = r#"ACK 2.05 Content mid=0x0001 token=000102030405060708090a0b payload 4 bytes "21.5""#;
    s.sent(5_000, OTHER, reply);
    s.recv(6_000, OTHER, "CON GET mid=0x0001 token=000102030405060708090a0b").sent(6_000, OTHER, reply);
    s.recv(7_000, OTHER, "CON POST mid=0x0002 token=53");
    let id = s.asked_by(OTHER);
    s.defer(7_000, id);
    s.sent(7_000, OTHER, "ACK Empty mid=0x0002");
    s.respond(8_000, id.report(), Code::CHANGED, "");
    s.sent(8_000, OTHER, "CON 2.04 Changed mid=$c token=53");
    s.recv(8_100, OTHER, "ACK Empty mid=$c").told(8_100, Output::Delivered(id));
    // A group; a ping; a peer that is forgotten.
    let group = s.request(9_000, 99, Request::get().group());
    s.sent(9_000, 99, "NON GET mid=$g token=$tg [Uri-Path: temperature]");
    s.recv(9_100, OTHER, "NON 2.05 Content mid=0x0003 token=$tg");
    assert!(s.answered(group, OTHER, "NON 2.05 Content mid=0x0003 token=$tg").0);
    let ping = s.ping(9_200, PEER);
    s.sent(9_200, PEER, "CON Empty mid=$p");
    s.forget(9_300, PEER).failed(9_300, ping, Failure::Forgotten);
    assert!(s.ep.cancel(group));
    s.all_free(900_000);
    // Full: eight exchanges, no more, and all free again.
    for n in 0..8 {
        s.request(900_000, n % 4, Request::get());
    }
    assert_eq!(s.try_request(900_000, 1, Request::get(), |_| {}), Err(RequestError::NoExchange));
    // A message takes a block, or as much as it has.
    let blocks = if S::Layout::INDEXED { 8 } else { 5 };
    assert_eq!((s.ep.usage().exchanges, s.ep.usage().peers, s.ep.usage().blocks), (8, 4, blocks));
    s.until(2_000_000).sent_lines();
    s.all_free(2_000_000);
}

#[test]
fn issue_3_of_constant_size() {
    story(Eight::<Scan>::new());
    story(Eight::<Indexed>::new());
}

#[test]
fn issue_3_behind_a_reference() {
    story(&mut Eight::<Scan>::new());
    story(&mut Eight::<Indexed>::new());
}

#[test]
fn issue_3_in_slices() {
    let mut peers = [PeerSlot::<u16>::EMPTY; 4];
    let mut exchanges = [ExchangeSlot::EMPTY; 8];
    let mut bytes = [0xa5; 512];
    story(Slices::new(&mut peers, &mut exchanges, &mut bytes));
    // Once more in the same memory, whatever is in it; with an index, and any number of levels for the wheel.
    for levels in [0, 1, 3, 7, 9] {
        let (mut peer_heads, mut exchange_heads) = ([[0xffff_ffff]; 4], [[0x1234; 2]; 8]);
        let mut levels = vec![Level::default(); levels];
        bytes.fill(0xa5);
        story(Slices::indexed(
            &mut peers,
            &mut peer_heads,
            &mut exchanges,
            &mut exchange_heads,
            &mut bytes,
            &mut levels,
        ));
    }
}

#[test]
fn issue_3_in_slices_of_which_some_is_left_over() {
    let mut peers = [PeerSlot::<u16>::EMPTY; 9];
    let mut exchanges = [ExchangeSlot::EMPTY; 8];
    let (mut peer_heads, mut exchange_heads) = ([[0]; 4], [[0; 2]; 20]);
    let (mut bytes, mut levels) = ([0; 512 + 31], [Level::default(); 5]);
    story(Slices::indexed(&mut peers, &mut peer_heads, &mut exchanges, &mut exchange_heads, &mut bytes, &mut levels));
}

#[test]
#[cfg(feature = "alloc")]
fn issue_3_on_the_heap() {
    story(coaplet::store::Heap::with_bound(4, 8, 512));
}

/// A store in which there is no room at all refuses everything, and breaks nothing.
#[test]
fn issue_3_no_store_at_all() {
    fn nothing<S: Store<Peer = u16>>(store: S) {
        let mut s = Script::new(Config::DEFAULT, store);
        for request in [Request::get(), Request::get().non()] {
            assert!(matches!(s.try_request(0, PEER, request, |_| {}), Err(RequestError::NoPeer { .. })));
        }
        assert_eq!(s.try_request(0, 99, Request::get().group(), |_| {}), Err(RequestError::NoExchange));
        assert!(matches!(s.try_ping(0, PEER), Err(RequestError::NoPeer { .. })));
        s.recv(0, PEER, "CON GET mid=0x0001 token=53");
        s.sent(0, PEER, "ACK 5.03 Service Unavailable mid=0x0001 token=53 [Max-Age: 10]");
        s.recv(0, PEER, "NON GET mid=0x0001").recv_group(0, PEER, "NON GET mid=0x0002").silence();
        s.recv(0, PEER, "CON Empty mid=0x0003").sent(0, PEER, "RST Empty mid=0x0003");
        s.recv(0, PEER, "CON 2.05 Content mid=0x0004").sent(0, PEER, "RST Empty mid=0x0004");
        s.forget(0, PEER);
        s.all_free(900_000);
    }
    nothing(Fixed::<u16, 0, 0, 0, 0, 0, Scan>::new());
    nothing(Fixed::<u16, 0, 0, 0, 0, 0, Indexed>::new());
    nothing(Slices::new(&mut [], &mut [], &mut []));
    nothing(Slices::indexed(&mut [], &mut [], &mut [], &mut [], &mut [], &mut []));
}

/// A peer's slot counts what refers to it in 16 bits: of one that asks by every Message ID there is, the oldest gives way.
#[test]
fn issue_3_one_peer_with_every_message_id() {
    const MOST: usize = 65_536 + 8;
    let mut peers = vec![PeerSlot::EMPTY; 2];
    let mut peer_heads = vec![[0]; 2];
    let mut exchanges = vec![ExchangeSlot::EMPTY; MOST];
    let mut exchange_heads = vec![[0; 2]; MOST];
    let (mut levels, mut bytes) = ([Level::EMPTY; 5], vec![0; 32 * MOST]);
    let store =
        Slices::indexed(&mut peers, &mut peer_heads, &mut exchanges, &mut exchange_heads, &mut bytes, &mut levels);
    let mut ep = Endpoint::new(Config::DEFAULT, [5; 16], store);
    let mut tx = [0; 64];
    for id in 0..=u16::MAX {
        let [high, low] = id.to_be_bytes();
        let datagram = [0x40, 1, high, low];
        let input = ep.handle(Instant::ZERO, PEER, Arrival::Unicast, &datagram, &mut tx);
        let Event::Request(request) = input.event else { panic!("{id:#x} is a new request, not {input:?}") };
        let answered = ep.respond(Instant::ZERO, request.id, &mut tx, |w| {
            w.code(Code::NOT_FOUND);
        });
        assert!(matches!(answered, Ok(Some(_))), "{answered:?}");
    }
    assert_eq!((ep.usage().exchanges, ep.statistics().recycled), (65_535, 1));
}
