//! The figures of RFC 7252 section 2 and Appendix A that show messages, once from the client's side and once from the
//! server's.

mod endpoint;

use coaplet::endpoint::{Failure, Handle, Request};
use coaplet::{Code, Config, Token, Type};
use endpoint::{Large, OTHER, PEER, Script, script};

/// A client that asks with this token, at the moment 0. Its Message ID is `$id` from then on.
fn client(message_type: Type, token: &[u8]) -> (Script<Large>, Handle) {
    let mut s = script();
    let request = Request::get().token(Token::try_from(token).unwrap());
    let request = if message_type == Type::NonConfirmable { request.non() } else { request };
    let handle = s.request(0, PEER, request);
    let token: String = token.iter().map(|byte| format!(" token={byte:02x}")).collect();
    s.sent(0, PEER, &format!("{message_type} GET mid=$id{token} [Uri-Path: temperature]"));
    (s, handle)
}

#[test]
fn figure_2_reliable_message_transmission() {
    // Client.
    let (mut s, _) = client(Type::Confirmable, &[0x20]);
    s.recv(40, PEER, "ACK Empty mid=$id");
    // No response, and no retransmission either.
    s.until(60_000).silence();
    drop(s);
    // Server: a message that wants nothing but an acknowledgement, after the time that it may take.
    let mut s = script();
    s.recv(0, PEER, "CON GET mid=0x7d34 token=20 [Uri-Path: temperature]");
    s.asked(PEER, "CON GET mid=0x7d34 token=20 [Uri-Path: temperature]");
    s.until(1_999);
    s.sent(1..=1_999, PEER, "ACK Empty mid=0x7d34");
}

#[test]
fn figure_3_unreliable_message_transmission() {
    let (mut s, _) = client(Type::NonConfirmable, &[0x20]);
    s.until(92_000).silence();
    drop(s);
    let mut s = script();
    s.recv(0, PEER, "NON GET mid=0x01a0 [Uri-Path: temperature]");
    s.asked(PEER, "NON GET mid=0x01a0 [Uri-Path: temperature]");
    s.until(50_000).silence();
}

#[test]
fn figure_4_two_get_requests_with_piggybacked_responses() {
    // Client.
    let (mut s, handle) = client(Type::Confirmable, &[0x71]);
    s.recv(40, PEER, r#"ACK 2.05 Content mid=$id token=71 payload 6 bytes "22.5 C""#);
    s.answered(handle, PEER, r#"ACK 2.05 Content mid=$id token=71 payload 6 bytes "22.5 C""#);
    let handle = s.request(100, PEER, Request::get().token(Token::try_from(&[0x72][..]).unwrap()));
    s.sent(100, PEER, "CON GET mid=$next token=72 [Uri-Path: temperature]");
    assert_ne!(s.name("id"), s.name("next"));
    s.recv(140, PEER, r#"ACK 4.04 Not Found mid=$next token=72 payload 9 bytes "Not found""#);
    s.answered(handle, PEER, r#"ACK 4.04 Not Found mid=$next token=72 payload 9 bytes "Not found""#);
    s.all_free(700_000);
    drop(s);
    // Server.
    let mut s = script();
    s.recv(0, PEER, "CON GET mid=0xbc90 token=71 [Uri-Path: temperature]");
    let id = s.asked(PEER, "CON GET mid=0xbc90 token=71 [Uri-Path: temperature]");
    s.respond(10, id, Code::CONTENT, "22.5 C");
    s.sent(10, PEER, r#"ACK 2.05 Content mid=0xbc90 token=71 payload 6 bytes "22.5 C""#);
    s.recv(100, PEER, "CON GET mid=0xbc91 token=72 [Uri-Path: temperature]");
    let id = s.asked(PEER, "CON GET mid=0xbc91 token=72 [Uri-Path: temperature]");
    s.respond(110, id, Code::NOT_FOUND, "Not found");
    s.sent(110, PEER, r#"ACK 4.04 Not Found mid=0xbc91 token=72 payload 9 bytes "Not found""#);
    s.all_free(700_000);
}

#[test]
fn figure_5_a_get_request_with_a_separate_response() {
    // Client.
    let (mut s, handle) = client(Type::Confirmable, &[0x73]);
    s.recv(40, PEER, "ACK Empty mid=$id");
    s.until(30_000).silence();
    s.recv(30_000, PEER, r#"CON 2.05 Content mid=0x23bb token=73 payload 6 bytes "22.5 C""#);
    s.sent(30_000, PEER, "ACK Empty mid=0x23bb");
    s.answered(handle, PEER, r#"CON 2.05 Content mid=0x23bb token=73 payload 6 bytes "22.5 C""#);
    s.all_free(700_000);
    drop(s);
    // Server.
    let mut s = script();
    s.recv(0, PEER, "CON GET mid=0x7a10 token=73 [Uri-Path: temperature]");
    let id = s.asked(PEER, "CON GET mid=0x7a10 token=73 [Uri-Path: temperature]");
    s.until(1_999);
    s.sent(1_000, PEER, "ACK Empty mid=0x7a10");
    s.respond(30_000, id, Code::CONTENT, "22.5 C");
    s.sent(30_000, PEER, r#"CON 2.05 Content mid=$id token=73 payload 6 bytes "22.5 C""#);
    s.recv(30_040, PEER, "ACK Empty mid=$id");
    s.all_free(700_000);
}

#[test]
fn figure_6_a_request_and_a_response_carried_in_non_confirmable_messages() {
    // Client.
    let (mut s, handle) = client(Type::NonConfirmable, &[0x74]);
    s.recv(40, PEER, r#"NON 2.05 Content mid=0x23bc token=74 payload 6 bytes "22.5 C""#);
    s.answered(handle, PEER, r#"NON 2.05 Content mid=0x23bc token=74 payload 6 bytes "22.5 C""#);
    s.all_free(700_000);
    drop(s);
    // Server.
    let mut s = script();
    s.recv(0, PEER, "NON GET mid=0x7a11 token=74 [Uri-Path: temperature]");
    let id = s.asked(PEER, "NON GET mid=0x7a11 token=74 [Uri-Path: temperature]");
    s.respond(10, id, Code::CONTENT, "22.5 C");
    s.sent(10, PEER, r#"NON 2.05 Content mid=$id token=74 payload 6 bytes "22.5 C""#);
    s.all_free(700_000);
}

/// "although the server may instead send a Confirmable message" (RFC 7252 2.2, on Figure 6).
#[test]
fn figure_6_with_the_response_in_a_confirmable_message() {
    let (mut s, handle) = client(Type::NonConfirmable, &[0x74]);
    s.recv(40, PEER, r#"CON 2.05 Content mid=0x23bc token=74 payload 6 bytes "22.5 C""#);
    s.sent(40, PEER, "ACK Empty mid=0x23bc");
    s.answered(handle, PEER, r#"CON 2.05 Content mid=0x23bc token=74 payload 6 bytes "22.5 C""#);
}

#[test]
fn figure_16_confirmable_request_piggybacked_response() {
    // Client. "This request is a total of 16 bytes long."
    let mut s = script();
    let handle = s.request(0, PEER, Request::get().token(Token::EMPTY));
    let (_, bytes) = s.sent(0, PEER, "CON GET mid=$id [Uri-Path: temperature]");
    assert_eq!(bytes.len(), 16);
    assert_eq!(bytes[..2], [0x40, 1]);
    assert_eq!(bytes[4..], *b"\xbbtemperature");
    s.recv(40, PEER, r#"ACK 2.05 Content mid=$id payload 6 bytes "22.3 C""#);
    s.answered(handle, PEER, r#"ACK 2.05 Content mid=$id payload 6 bytes "22.3 C""#);
    drop(s);
    // Server, byte by byte. The response "is 11 bytes long".
    let mut s = script();
    s.recv_bytes(0, PEER, b"\x40\x01\x7d\x34\xbbtemperature");
    let id = s.asked(PEER, "CON GET mid=0x7d34 [Uri-Path: temperature]");
    s.respond(10, id, Code::CONTENT, "22.3 C");
    let (_, bytes) = s.sent(10, PEER, r#"ACK 2.05 Content mid=0x7d34 payload 6 bytes "22.3 C""#);
    assert_eq!(bytes, b"\x60\x45\x7d\x34\xff22.3 C");
}

#[test]
fn figure_17_confirmable_request_piggybacked_response() {
    // Client: 17 bytes.
    let mut s = script();
    let handle = s.request(0, PEER, Request::get().token(Token::try_from(&[0x20][..]).unwrap()));
    let (_, bytes) = s.sent(0, PEER, "CON GET mid=$id token=20 [Uri-Path: temperature]");
    assert_eq!((bytes.len(), &bytes[..2], &bytes[4..]), (17, &[0x41, 1][..], &b"\x20\xbbtemperature"[..]));
    s.recv(40, PEER, r#"ACK 2.05 Content mid=$id token=20 payload 6 bytes "22.3 C""#);
    s.answered(handle, PEER, r#"ACK 2.05 Content mid=$id token=20 payload 6 bytes "22.3 C""#);
    drop(s);
    // Server: 12 bytes.
    let mut s = script();
    s.recv_bytes(0, PEER, b"\x41\x01\x7d\x35\x20\xbbtemperature");
    let id = s.asked(PEER, "CON GET mid=0x7d35 token=20 [Uri-Path: temperature]");
    s.respond(10, id, Code::CONTENT, "22.3 C");
    let (_, bytes) = s.sent(10, PEER, r#"ACK 2.05 Content mid=0x7d35 token=20 payload 6 bytes "22.3 C""#);
    assert_eq!(bytes, b"\x61\x45\x7d\x35\x20\xff22.3 C");
}

#[test]
fn figure_18_confirmable_request_retransmitted_piggybacked_response() {
    // Client: the first one gets lost. The server sees nothing of it, so that this is Figure 16 for it.
    let mut s = script();
    let handle = s.request(0, PEER, Request::get().token(Token::try_from(&[0x31][..]).unwrap()));
    let (_, first) = s.sent(0, PEER, "CON GET mid=$id token=31 [Uri-Path: temperature]");
    s.until(3_000);
    let (_, again) = s.sent(2_000..=3_000, PEER, "CON GET mid=$id token=31 [Uri-Path: temperature]");
    assert_eq!(first, again);
    s.recv(3_040, PEER, r#"ACK 2.05 Content mid=$id token=31 payload 6 bytes "22.3 C""#);
    s.answered(handle, PEER, r#"ACK 2.05 Content mid=$id token=31 payload 6 bytes "22.3 C""#);
    s.all_free(700_000);
}

#[test]
fn figure_19_confirmable_request_piggybacked_response_retransmitted() {
    // Client: as in Figure 18; a second ACK, that the network delayed, is none of its business any more.
    let (mut s, handle) = client(Type::Confirmable, &[0x42]);
    s.until(3_000);
    s.sent(2_000..=3_000, PEER, "CON GET mid=$id token=42 [Uri-Path: temperature]");
    s.recv(3_040, PEER, r#"ACK 2.05 Content mid=$id token=42 payload 6 bytes "22.3 C""#);
    s.answered(handle, PEER, r#"ACK 2.05 Content mid=$id token=42 payload 6 bytes "22.3 C""#);
    s.recv(3_050, PEER, r#"ACK 2.05 Content mid=$id token=42 payload 6 bytes "22.3 C""#).silence();
    drop(s);
    // Server: the same bytes again, and nobody is asked twice.
    let mut s = script();
    s.recv(0, PEER, "CON GET mid=0x7d37 token=42 [Uri-Path: temperature]");
    let id = s.asked(PEER, "CON GET mid=0x7d37 token=42 [Uri-Path: temperature]");
    s.respond(10, id, Code::CONTENT, "22.3 C");
    let (_, lost) = s.sent(10, PEER, r#"ACK 2.05 Content mid=0x7d37 token=42 payload 6 bytes "22.3 C""#);
    s.recv(2_500, PEER, "CON GET mid=0x7d37 token=42 [Uri-Path: temperature]");
    let (_, again) = s.sent(2_500, PEER, r#"ACK 2.05 Content mid=0x7d37 token=42 payload 6 bytes "22.3 C""#);
    assert_eq!(lost, again);
}

#[test]
fn figure_20_confirmable_request_separate_response() {
    // Client.
    let (mut s, handle) = client(Type::Confirmable, &[0x53]);
    s.recv(40, PEER, "ACK Empty mid=$id").silence();
    s.recv(900, PEER, r#"CON 2.05 Content mid=0xad7b token=53 payload 6 bytes "22.3 C""#);
    s.sent(900, PEER, "ACK Empty mid=0xad7b");
    s.answered(handle, PEER, r#"CON 2.05 Content mid=0xad7b token=53 payload 6 bytes "22.3 C""#);
    s.all_free(700_000);
    drop(s);
    // Client, where "the Acknowledgement message and the Confirmable response do not [..] arrive in the same order".
    let (mut s, handle) = client(Type::Confirmable, &[0x53]);
    s.recv(900, PEER, r#"CON 2.05 Content mid=0xad7b token=53 payload 6 bytes "22.3 C""#);
    s.sent(900, PEER, "ACK Empty mid=0xad7b");
    s.answered(handle, PEER, r#"CON 2.05 Content mid=0xad7b token=53 payload 6 bytes "22.3 C""#);
    s.recv(910, PEER, "ACK Empty mid=$id").silence();
    s.all_free(700_000);
    drop(s);
    // Server. The response gets lost once.
    let mut s = script();
    s.recv(0, PEER, "CON GET mid=0x7d38 token=53 [Uri-Path: temperature]");
    let id = s.asked(PEER, "CON GET mid=0x7d38 token=53 [Uri-Path: temperature]");
    s.until(1_000);
    s.sent(1_000, PEER, "ACK Empty mid=0x7d38");
    s.respond(1_500, id, Code::CONTENT, "22.3 C");
    let (_, lost) = s.sent(1_500, PEER, r#"CON 2.05 Content mid=$id token=53 payload 6 bytes "22.3 C""#);
    s.until(4_500);
    let (_, again) = s.sent(3_500..=4_500, PEER, r#"CON 2.05 Content mid=$id token=53 payload 6 bytes "22.3 C""#);
    assert_eq!(lost, again);
    s.recv(4_600, PEER, "ACK Empty mid=$id");
    s.all_free(700_000);
}

#[test]
fn figure_21_confirmable_request_separate_response_unexpected() {
    // Client that has lost its state: the ACK is ignored, the response rejected.
    let mut s = script();
    s.recv(1_000, PEER, "ACK Empty mid=0x7d39").silence();
    s.recv(5_000, PEER, r#"CON 2.05 Content mid=0xad7c token=64 payload 6 bytes "22.3 C""#);
    s.sent(5_000, PEER, "RST Empty mid=0xad7c");
    assert_eq!(s.ep.usage(), Default::default(), "a stranger leaves no trace");
    // The same with a peer that it knows.
    s.get(6_000, PEER);
    s.sent(6_000, PEER, "CON GET mid=$id token=$t [Uri-Path: temperature]");
    s.recv(6_100, PEER, r#"CON 2.05 Content mid=0xad7c token=64 payload 6 bytes "22.3 C""#);
    s.sent(6_100, PEER, "RST Empty mid=0xad7c");
    drop(s);
    // Server: the RST ends the retransmission.
    let mut s = script();
    s.recv(0, PEER, "CON GET mid=0x7d39 token=64 [Uri-Path: temperature]");
    let id = s.asked(PEER, "CON GET mid=0x7d39 token=64 [Uri-Path: temperature]");
    s.until(1_000);
    s.sent(1_000, PEER, "ACK Empty mid=0x7d39");
    s.respond(5_000, id, Code::CONTENT, "22.3 C");
    s.sent(5_000, PEER, r#"CON 2.05 Content mid=$id token=64 payload 6 bytes "22.3 C""#);
    s.recv(5_040, PEER, "RST Empty mid=$id");
    s.all_free(700_000);
}

#[test]
fn figure_22_non_confirmable_request_non_confirmable_response() {
    // Client.
    let (mut s, handle) = client(Type::NonConfirmable, &[0x75]);
    s.recv(40, PEER, r#"NON 2.05 Content mid=0xad7d token=75 payload 6 bytes "22.3 C""#);
    s.answered(handle, PEER, r#"NON 2.05 Content mid=0xad7d token=75 payload 6 bytes "22.3 C""#);
    drop(s);
    // Client, "both may be lost without notice": nobody at this level notices before the time that the caller gave.
    let (mut s, handle) = client(Type::NonConfirmable, &[0x75]);
    s.until(100_000);
    s.failed(93_000, handle, Failure::TimedOut);
    s.recv(100_000, PEER, r#"NON 2.05 Content mid=0xad7d token=75 payload 6 bytes "22.3 C""#).silence();
    s.recv(100_000, OTHER, r#"NON 2.05 Content mid=0xad7d token=75 payload 6 bytes "22.3 C""#).silence();
    drop(s);
    // Server: sent once.
    let mut s = script();
    s.recv(0, PEER, "NON GET mid=0x7d40 token=75 [Uri-Path: temperature]");
    let id = s.asked(PEER, "NON GET mid=0x7d40 token=75 [Uri-Path: temperature]");
    s.respond(10, id, Code::CONTENT, "22.3 C");
    s.sent(10, PEER, r#"NON 2.05 Content mid=$id token=75 payload 6 bytes "22.3 C""#);
    s.all_free(700_000);
}

#[test]
fn figure_23_non_confirmable_request_multicast_non_confirmable_response() {
    // Client: A answers, the response of B is lost, C has nothing that matches.
    let (all, a, c) = (99, PEER, OTHER);
    let mut s = script();
    let request = Request::get().group().token(Token::try_from(&[0x86][..]).unwrap());
    let handle = s.request(0, all, request);
    s.sent(0, all, "NON GET mid=$id token=86 [Uri-Path: temperature]");
    for (at, from, text) in [
        (1_000, a, r#"NON 2.05 Content mid=0x60b1 token=86 payload 6 bytes "22.3 C""#),
        (4_000, c, "NON 4.04 Not Found mid=0x952a token=86"),
    ] {
        s.recv(at, from, text);
        let (more, _) = s.answered(handle, from, text);
        assert!(more, "B may answer yet");
    }
    s.until(495_000).failed(495_000, handle, Failure::TimedOut);
    s.all_free(900_000);
    drop(s);
    // A and B: a part of the leisure of 5 s later.
    for (seed, payload) in [(1, "22.3 C"), (2, "20.9 C")] {
        let mut s = Script::seeded(Config::DEFAULT, Large::new(), [seed; 16]);
        s.recv_group(0, PEER, "NON GET mid=0x7d41 token=86 [Uri-Path: temperature]");
        let id = s.asked(PEER, "NON GET mid=0x7d41 token=86 [Uri-Path: temperature]");
        s.respond(0, id, Code::CONTENT, payload).until(5_000);
        s.sent(0..=5_000, PEER, &format!(r#"NON 2.05 Content mid=$id token=86 payload 6 bytes "{payload}""#));
        s.all_free(900_000);
    }
    // C answers here only if it is asked to: 8.2 lets it be silent where there is nothing useful to say.
    for (option, is_sent) in [("[11: 0x61]", false), ("[11: 0x61, 258: 0x00]", true)] {
        let mut s = script();
        s.recv_group(0, PEER, &format!("NON GET mid=0x7d41 token=86 {option}"));
        let id = s.asked_by(PEER);
        s.respond(0, id, Code::NOT_FOUND, "").until(5_000);
        if is_sent {
            s.sent(0..=5_000, PEER, "NON 4.04 Not Found mid=$id token=86");
        }
        s.all_free(900_000);
    }
}
