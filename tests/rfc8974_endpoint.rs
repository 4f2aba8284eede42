//! RFC 8974 section 2 and RFC 7252 5.3.1 at the endpoint: tokens of any length in the requests of peers, and those of ours.

#[macro_use]
mod endpoint;

use coaplet::endpoint::{Request, RequestError, RespondError};
use coaplet::store::Scale;
use coaplet::{Code, Config, Fixed, Message};
use endpoint::{OTHER, PEER, Script, eight, roomy};

/// Twelve bytes.
const TOKEN: &str = "000102030405060708090a0b";

in_both_scales! {
    rfc8974_2_a_long_token_comes_back_in_a_piggybacked_response,
    rfc8974_2_a_long_token_comes_back_in_a_separate_response,
    rfc8974_2_a_long_token_comes_back_in_a_non_confirmable_response,
    rfc8974_2_a_long_token_comes_back_when_nobody_answers,
    rfc8974_2_a_long_token_comes_back_in_refusals,
    rfc8974_2_tokens_of_any_length,
    rfc8974_2_no_room_for_a_token_now,
    rfc8974_2_no_room_for_a_token_ever,
    rfc8974_2_what_is_remembered_gives_way_to_a_token,
    rfc7252_5_3_1_how_long_our_tokens_are,
    rfc7252_5_3_1_one_request_without_a_token_at_a_time,
}

fn request(kind: &str, id: u16) -> String {
    format!("{kind} GET mid=0x{id:04x} token={TOKEN} [Uri-Path: temperature]")
}

fn rfc8974_2_a_long_token_comes_back_in_a_piggybacked_response<C: Scale>() {
    let mut s = eight::<C>(Config::DEFAULT);
    s.recv(0, PEER, &request("CON", 1));
    let id = s.asked(PEER, &request("CON", 1));
    s.respond(10, id, Code::CONTENT, "21.5");
    let reply = format!(r#"ACK 2.05 Content mid=0x0001 token={TOKEN} payload 4 bytes "21.5""#);
    let (_, first) = s.sent(10, PEER, &reply);
    s.recv(100, PEER, &request("CON", 1));
    assert_eq!(s.sent(100, PEER, &reply).1, first);
    // Of an idempotent answer nothing is kept, nor of the token.
    s.recv(200, PEER, &request("CON", 2));
    let id = s.asked(PEER, &request("CON", 2));
    let blocks = s.ep.usage().blocks;
    s.respond(200, id.idempotent(), Code::CONTENT, "");
    s.sent(200, PEER, &format!("ACK 2.05 Content mid=0x0002 token={TOKEN}"));
    assert_eq!(s.ep.usage().blocks + 1, blocks);
    s.all_free(900_000);
}

fn rfc8974_2_a_long_token_comes_back_in_a_separate_response<C: Scale>() {
    for deferred in [false, true] {
        let mut s = eight::<C>(Config::DEFAULT);
        s.recv(0, PEER, &request("CON", 1));
        let id = s.asked(PEER, &request("CON", 1));
        if deferred {
            s.defer(0, id);
        }
        s.until(1_000).sent(0..=1_000, PEER, "ACK Empty mid=0x0001");
        s.respond(2_000, id, Code::CONTENT, "21.5");
        let response = format!(r#"CON 2.05 Content mid=$c token={TOKEN} payload 4 bytes "21.5""#);
        let (_, first) = s.sent(2_000, PEER, &response);
        s.until(5_000);
        assert_eq!(s.sent(4_000..=5_000, PEER, &response).1, first);
        s.recv(5_100, PEER, &request("CON", 1)).sent(5_100, PEER, "ACK Empty mid=0x0001");
        s.recv(5_200, PEER, "ACK Empty mid=$c");
        assert_eq!(s.ep.usage().blocks, 0);
        s.all_free(900_000);
    }
}

fn rfc8974_2_a_long_token_comes_back_in_a_non_confirmable_response<C: Scale>() {
    let mut s = eight::<C>(Config::DEFAULT);
    s.recv(0, PEER, &request("NON", 1));
    let id = s.asked(PEER, &request("NON", 1));
    s.respond(2_000, id, Code::CONTENT, "21.5");
    s.sent(2_000, PEER, &format!(r#"NON 2.05 Content mid=$n token={TOKEN} payload 4 bytes "21.5""#));
    assert_eq!(s.ep.usage().blocks, 0);
    s.all_free(900_000);
}

fn rfc8974_2_a_long_token_comes_back_when_nobody_answers<C: Scale>() {
    let mut s = eight::<C>(Config::DEFAULT);
    s.recv(0, PEER, &request("CON", 1));
    s.asked(PEER, &request("CON", 1));
    s.recv(0, PEER, &request("NON", 2));
    s.asked(PEER, &request("NON", 2));
    s.until(1_000).sent(1_000, PEER, "ACK Empty mid=0x0001");
    s.until(61_000);
    s.sent(60_000, PEER, &format!("NON 5.03 Service Unavailable mid=$n token={TOKEN}"));
    s.sent(61_000, PEER, &format!("CON 5.03 Service Unavailable mid=$c token={TOKEN}"));
    s.recv(61_100, PEER, "ACK Empty mid=$c");
    s.all_free(900_000);
}

fn rfc8974_2_a_long_token_comes_back_in_refusals<C: Scale>() {
    let mut s = eight::<C>(Config { non_bad_option: true, ..Config::DEFAULT });
    // 4.02, stateless.
    s.recv(0, PEER, &format!("CON GET mid=0x0001 token={TOKEN} [65001: 0x01]"));
    let told = r#"payload 30 bytes "option 65001 is not understood""#;
    s.sent(0, PEER, &format!("ACK 4.02 Bad Option mid=0x0001 token={TOKEN} {told}"));
    s.recv(0, PEER, &format!("NON GET mid=0x0002 token={TOKEN} [65001: 0x01]"));
    s.sent(0, PEER, &format!("NON 4.02 Bad Option mid=$n token={TOKEN} {told}"));
    // 4.29.
    for id in 10..14 {
        s.recv(0, PEER, &request("CON", id));
        s.asked(PEER, &request("CON", id));
    }
    s.recv(10, PEER, &request("CON", 14));
    s.sent(10, PEER, &format!("ACK 4.29 Too Many Requests mid=0x000e token={TOKEN} [Max-Age: 10]"));
    s.recv(10, PEER, &request("NON", 15));
    s.sent(10, PEER, &format!("NON 4.29 Too Many Requests mid=$m token={TOKEN} [Max-Age: 10]"));
    // 5.03, where every slot is live.
    for id in 10..14 {
        s.recv(20, OTHER, &request("CON", id));
        s.asked(OTHER, &request("CON", id));
    }
    s.recv(30, 9, &request("CON", 1));
    s.sent(30, 9, &format!("ACK 5.03 Service Unavailable mid=0x0001 token={TOKEN} [Max-Age: 10]"));
    s.until(900_000).sent_lines();
}

fn rfc8974_2_tokens_of_any_length<C: Scale>() {
    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 8, 4096, 0, 0, C>::new());
    s.tx(2048);
    for (id, length) in [8, 9, 12, 13, 15, 16, 17, 255, 268, 269, 270, 600].into_iter().enumerate() {
        let token: Vec<u8> = (0..length).map(|n| n as u8).collect();
        for (start, separate) in [(id as u64 * 1_000, false), (id as u64 * 1_000 + 500, true)] {
            let mut datagram = [0; 1024];
            let id = id as u16 * 2 + u16::from(separate);
            let header = coaplet::Header::confirmable(Code::GET, id);
            let len = coaplet::Writer::new(&mut datagram, header, &token).path("a").finish().unwrap();
            s.recv_bytes(start, PEER, &datagram[..len]);
            let asked = s.asked_by(PEER);
            if separate {
                s.defer(start, asked);
                s.sent_any(PEER);
            }
            s.respond(start, asked, Code::CONTENT, "x");
            let (_, bytes) = s.sent_any(PEER);
            let response = Message::parse(&bytes).unwrap();
            assert_eq!((response.token(), response.payload()), (&token[..], &b"x"[..]), "{length} bytes");
            if separate {
                let ack = coaplet::Header::empty_acknowledgement(response.message_id());
                let mut bytes = [0; 4];
                coaplet::Writer::new(&mut bytes, ack, &[]).finish().unwrap();
                s.take(PEER, &bytes).silence();
            }
        }
    }
    s.all_free(900_000);
}

fn rfc8974_2_no_room_for_a_token_now<C: Scale>() {
    // Of 64 bytes a request of ours has 20, or one of two blocks.
    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 8, 64, 0, 0, C>::new());
    let own = s.get(0, OTHER);
    s.sent(0, OTHER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    let token = "ab".repeat(50);
    let shown = &format!("{}..", "ab".repeat(16));
    let ask = |kind: &str, id: u16| format!("{kind} GET mid=0x{id:04x} token={token}");
    for id in [1, 1, 2] {
        s.recv(10, PEER, &ask("CON", id));
        s.sent(10, PEER, &format!("ACK 5.03 Service Unavailable mid=0x{id:04x} token={shown} [Max-Age: 10]"));
    }
    s.recv(10, PEER, &ask("NON", 3)).silence();
    assert_eq!(s.ep.statistics().full, 4);
    assert_eq!(s.ep.usage().exchanges, 1);
    // As soon as there is room, it is let in: not a duplicate of what was refused.
    assert!(s.ep.cancel(own));
    s.recv(20, PEER, &ask("CON", 1));
    let id = s.asked_by(PEER);
    s.respond(20, id.idempotent(), Code::CONTENT, "");
    s.sent(20, PEER, &format!("ACK 2.05 Content mid=0x0001 token={shown}"));
    s.all_free(900_000);
}

fn rfc8974_2_no_room_for_a_token_ever<C: Scale>() {
    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 8, 64, 0, 0, C>::new());
    let token = "cd".repeat(100);
    let shown = &format!("{}..", "cd".repeat(16));
    for _ in 0..2 {
        s.recv(10, PEER, &format!("CON GET mid=0x0001 token={token}"));
        s.sent(10, PEER, &format!("ACK 4.00 Bad Request mid=0x0001 token={shown}"));
    }
    s.recv(10, PEER, &format!("NON GET mid=0x0002 token={token}"));
    s.sent(10, PEER, &format!("NON 4.00 Bad Request mid=$n token={shown}"));
    // By a group nobody hears of it.
    s.recv_group(10, PEER, &format!("NON GET mid=0x0003 token={token}")).silence();
    assert_eq!(s.ep.usage().exchanges, 0);
    // No arena at all: tokens of eight bytes need none.
    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 8, 0, 0, 0, C>::new());
    s.recv(0, PEER, &request("CON", 1));
    s.sent(0, PEER, &format!("ACK 4.00 Bad Request mid=0x0001 token={TOKEN}"));
    s.recv(0, PEER, "CON GET mid=0x0002 token=0001020304050607");
    let id = s.asked_by(PEER);
    s.respond(10, id.idempotent(), Code::CONTENT, "x");
    s.sent(10, PEER, r#"ACK 2.05 Content mid=0x0002 token=0001020304050607 payload 1 byte "x""#);
}

fn rfc8974_2_what_is_remembered_gives_way_to_a_token<C: Scale>() {
    let mut s = Script::new(Config::DEFAULT, Fixed::<u16, 4, 8, 64, 0, 0, C>::new());
    for id in 0..12 {
        s.recv(u64::from(id), PEER, &request("CON", id));
        let asked = s.asked(PEER, &request("CON", id));
        s.respond(u64::from(id), asked, Code::CONTENT, "x");
        s.sent(u64::from(id), PEER, &format!(r#"ACK 2.05 Content mid=0x{id:04x} token={TOKEN} payload 1 byte "x""#));
    }
    assert!(s.ep.statistics().recycled >= 8);
    s.all_free(900_000);
    // The token and the whole answer do not fit at one time: shorter is possible.
    s.recv(1_000_000, PEER, &request("CON", 1));
    let id = s.asked(PEER, &request("CON", 1));
    let long = s.try_respond(1_000_000, id, |w| {
        w.code(Code::CONTENT).payload(&[b'x'; 60]);
    });
    assert!(matches!(long, Err(RespondError::NoBytes { .. })), "{long:?}");
    s.respond(1_000_000, id, Code::CONTENT, "x");
    s.sent(1_000_000, PEER, &format!(r#"ACK 2.05 Content mid=0x0001 token={TOKEN} payload 1 byte "x""#));
    s.all_free(2_000_000);
}

// RFC 7252 5.3.1: ours.

fn rfc7252_5_3_1_how_long_our_tokens_are<C: Scale>() {
    for token_length in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255] {
        let mut s = roomy::<C>(Config { token_length, ..Config::DEFAULT });
        for peer in 0..10 {
            for request in
                [Request::get(), Request::get().non()].into_iter().take(if token_length == 0 { 1 } else { 2 })
            {
                let handle = s.try_request(0, peer, request, |_| {}).unwrap();
                let (_, bytes) = s.sent_any(peer);
                let length = usize::from(token_length.min(8));
                assert_eq!((usize::from(bytes[0] & 15), bytes.len()), (length, 4 + length));
                assert!(s.ep.cancel(handle));
            }
        }
    }
}

fn rfc7252_5_3_1_one_request_without_a_token_at_a_time<C: Scale>() {
    let mut s = roomy::<C>(Config { token_length: 0, ..Config::DEFAULT });
    let first = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$a [Uri-Path: temperature]");
    let refused = s.try_request(0, PEER, Request::get(), |_| {});
    assert_eq!(refused, Err(RequestError::NoToken { length: 0 }));
    // Another peer's is another's; a token of the caller's is one.
    s.get(0, OTHER);
    s.sent(0, OTHER, "CON GET mid=$o [Uri-Path: temperature]");
    s.recv(10, OTHER, "RST Empty mid=$o");
    s.recv(10, PEER, "ACK Empty mid=$a");
    assert!(s.try_request(10, PEER, Request::get(), |_| {}).is_err(), "it is still to be answered");
    s.recv(20, PEER, "NON 2.05 Content mid=0x0001");
    assert_eq!(s.sent_lines().len(), 2, "the failure and the response");
    assert!(!s.ep.cancel(first));
    s.get(30, PEER);
    s.sent(30, PEER, "CON GET mid=$b [Uri-Path: temperature]");
    s.until(300_000).sent_lines();
}
