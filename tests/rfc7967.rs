//! RFC 7967: a client that does not want every response says so, and a server heeds it.

#[macro_use]
mod endpoint;

use coaplet::endpoint::{Failure, Output, Request, RespondError};
use coaplet::store::Scale;
use coaplet::wire::NoResponse;
use coaplet::{Code, Config};
use endpoint::{PEER, Roomy, Script, roomy};
use serde_json::Value;

/// No response at all.
const NONE: u8 = 26;

in_both_scales! {
    rfc7967_2_1_each_class_by_its_bit,
    rfc7967_2_1_what_the_vectors_say,
    rfc7967_2_an_option_of_another_length_is_ignored,
    rfc7967_2_a_confirmable_request_is_acknowledged_all_the_same,
    rfc7967_2_nothing_goes_out_for_a_non_confirmable_request,
    rfc7967_2_a_separate_response_is_not_sent,
    rfc7967_2_the_automatic_refusal_is_a_response_too,
    rfc7967_3_a_confirmable_request_that_wants_nothing,
    rfc7967_3_it_is_sent_again_and_given_up_as_any_other,
    rfc7967_3_a_request_that_does_not_want_everything,
    rfc7967_3_a_request_that_wants_everything,
    rfc7967_3_a_response_that_comes_all_the_same,
}

/// What comes of an answer to a request with this option: the lines that are sent.
fn answered<C: Scale>(kind: &str, option: &str, code: Code) -> Vec<String> {
    let mut s = roomy::<C>(Config::DEFAULT);
    s.recv(0, PEER, format!("{kind} POST mid=0x0001 token=53 {option}").trim_end());
    let id = s.asked_by(PEER);
    s.respond(10, id, code, "x");
    assert_eq!(s.try_respond(10, id, |_| {}), Err(RespondError::Stale));
    s.until(100);
    let sent = s.sent_lines();
    s.all_free(900_000);
    sent
}

/// Whether an answer is sent, whatever the type of the request.
fn is_sent<C: Scale>(option: &str, code: Code) -> bool {
    let [con, non] = ["CON", "NON"].map(|kind| answered::<C>(kind, option, code));
    let content = con.iter().any(|line| line.contains(&code.to_string()));
    if content {
        assert!(con.len() == 1 && con[0].contains("ACK") && non.len() == 1 && non[0].contains("NON"));
    } else {
        assert_eq!(con, [format!("at 10 ms to {PEER}: ACK Empty mid=0x0001")]);
        assert!(non.is_empty(), "{non:?}");
    }
    content
}

fn rfc7967_2_1_each_class_by_its_bit<C: Scale>() {
    // Also bits that say nothing, alone and beside those that do.
    for bits in [0, 1, 2, 4, 8, 16, 10, 18, 24, 26, 0x20, 0x40, 0x80, 0xe5, 0xe7, 0xff_u8] {
        let option = format!("[258: 0x{bits:02x}]");
        assert_eq!(is_sent::<C>(&option, Code::CONTENT), bits & 2 == 0, "2.05 to {bits}");
        assert_eq!(is_sent::<C>(&option, Code::CHANGED), bits & 2 == 0, "2.04 to {bits}");
        assert_eq!(is_sent::<C>(&option, Code::NOT_FOUND), bits & 8 == 0, "4.04 to {bits}");
        assert_eq!(is_sent::<C>(&option, Code::GATEWAY_TIMEOUT), bits & 16 == 0, "5.04 to {bits}");
    }
    assert!(is_sent::<C>("[258: (empty)]", Code::CONTENT) && is_sent::<C>("", Code::CONTENT));
}

fn rfc7967_2_1_what_the_vectors_say<C: Scale>() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/behaviour.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let rows = file["no_response"].as_array().unwrap();
    assert_eq!(rows.len(), 7);
    for row in rows {
        let hex = row["option_hex"].as_str().unwrap();
        let option = if hex.is_empty() { "[258: (empty)]".into() } else { format!("[258: 0x{hex}]") };
        let codes = row["suppress"].as_object().unwrap();
        assert_eq!(codes.len(), 3);
        for (code, suppressed) in codes {
            let sent = is_sent::<C>(&option, code.parse().unwrap());
            assert_eq!(sent, !suppressed.as_bool().unwrap(), "{code} to {hex:?}");
        }
    }
}

/// It is elective: what has the wrong form is ignored (RFC 7252 5.4.3). Of two options the first one counts (5.4.5).
fn rfc7967_2_an_option_of_another_length_is_ignored<C: Scale>() {
    for code in [Code::CONTENT, Code::NOT_FOUND, Code::GATEWAY_TIMEOUT] {
        assert!(is_sent::<C>("[258: 0x001a]", code) && is_sent::<C>("[258: 0x1a1a1a]", code));
        assert!(!is_sent::<C>("[258: 0x1a, 258: 0x00]", code));
    }
}

fn rfc7967_2_a_confirmable_request_is_acknowledged_all_the_same<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    let request = "CON PUT mid=0x0001 token=53 [258: 0x1a]";
    s.recv(0, PEER, request);
    let id = s.asked_by(PEER);
    s.respond(500, id, Code::CHANGED, "");
    s.sent(500, PEER, "ACK Empty mid=0x0001");
    for at in [600, 100_000, 247_000] {
        s.recv(at, PEER, request).sent(at, PEER, "ACK Empty mid=0x0001");
        s.silence();
    }
    assert_eq!(s.ep.statistics().suppressed, 1);
    assert_eq!((s.ep.usage().remembered, s.ep.usage().blocks), (1, 0), "no bytes are kept");
    s.recv(247_500, PEER, request);
    s.asked_by(PEER);
    s.until(900_000).sent_lines();
}

fn rfc7967_2_nothing_goes_out_for_a_non_confirmable_request<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    let request = "NON PUT mid=0x0001 token=53 [258: 0x02]";
    s.recv(0, PEER, request);
    let id = s.asked_by(PEER);
    s.recv(100, PEER, request).silence();
    s.respond(500, id, Code::CHANGED, "").silence();
    s.recv(100_000, PEER, request).silence();
    s.all_free(900_000);
}

fn rfc7967_2_a_separate_response_is_not_sent<C: Scale>() {
    for deferred in [false, true] {
        let mut s = roomy::<C>(Config::DEFAULT);
        let request = "CON PUT mid=0x0001 token=53 [258: 0x02]";
        s.recv(0, PEER, request);
        let id = s.asked_by(PEER);
        if deferred {
            s.defer(0, id);
        }
        s.until(1_000).sent(0..=1_000, PEER, "ACK Empty mid=0x0001");
        s.respond(2_000, id.report(), Code::CHANGED, "").silence();
        s.recv(3_000, PEER, request).sent(3_000, PEER, "ACK Empty mid=0x0001");
        s.all_free(900_000);
    }
}

fn rfc7967_2_the_automatic_refusal_is_a_response_too<C: Scale>() {
    for (option, wanted) in [("[258: 0x10]", false), ("[258: 0x0a]", true)] {
        let mut s = roomy::<C>(Config::DEFAULT);
        s.recv(0, PEER, &format!("CON PUT mid=0x0001 token=53 {option}"));
        s.asked_by(PEER);
        s.recv(0, PEER, &format!("NON PUT mid=0x0002 token=54 {option}"));
        s.asked_by(PEER);
        s.until(1_000).sent(1_000, PEER, "ACK Empty mid=0x0001");
        s.until(62_000);
        if wanted {
            s.sent(60_000, PEER, "NON 5.03 Service Unavailable mid=$n token=54");
            s.sent(61_000, PEER, "CON 5.03 Service Unavailable mid=$c token=53");
            s.recv(62_000, PEER, "ACK Empty mid=$c");
        }
        s.all_free(900_000);
    }
}

// The client.

/// A POST with this option at 0.
fn post<C: Scale>(s: &mut Script<Roomy<C>>, request: Request, bits: u8) -> coaplet::endpoint::Handle {
    let made = s.try_request(0, PEER, request, |w| _ = w.no_response(NoResponse::new(bits)));
    let kind = if request == Request::post() { "CON" } else { "NON" };
    s.sent(0, PEER, &format!("{kind} POST mid=$id token=$t [No-Response: {bits}]"));
    made.unwrap()
}

fn rfc7967_3_a_confirmable_request_that_wants_nothing<C: Scale>() {
    // Other bits do not make it want anything.
    for bits in [NONE, 0x1f, 0xff] {
        let mut s = roomy::<C>(Config::DEFAULT);
        let handle = post(&mut s, Request::post(), bits);
        s.recv(100, PEER, "ACK Empty mid=$id");
        s.told(100, Output::Acknowledged(handle));
        assert!(!s.ep.cancel(handle));
        // Nobody waits for a response any more, nor does another request behind it.
        s.recv(200, PEER, "CON 2.04 Changed mid=0x0001 token=$t").sent(200, PEER, "RST Empty mid=0x0001");
        s.get(300, PEER);
        s.sent(300, PEER, "CON GET mid=$next token=$u [Uri-Path: temperature]");
        s.recv(310, PEER, "RST Empty mid=$next");
        assert_eq!(s.sent_lines().len(), 1);
        s.all_free(900_000);
    }
}

fn rfc7967_3_it_is_sent_again_and_given_up_as_any_other<C: Scale>() {
    let mut s = roomy::<C>(Config::DEFAULT);
    let handle = post(&mut s, Request::post(), NONE);
    s.until(100_000);
    for _ in 0..4 {
        s.sent(2_000..=45_000, PEER, "CON POST mid=$id token=$t [No-Response: 26]");
    }
    s.failed(62_000..=93_000, handle, Failure::TimedOut);
    drop(s);
    let mut s = roomy::<C>(Config::DEFAULT);
    let handle = post(&mut s, Request::post(), NONE);
    s.recv(100, PEER, "RST Empty mid=$id");
    s.failed(100, handle, Failure::Reset);
    s.all_free(900_000);
}

fn rfc7967_3_a_request_that_does_not_want_everything<C: Scale>() {
    for bits in [2, 8, 16, 10, 0xe7] {
        let mut s = roomy::<C>(Config::DEFAULT);
        let handle = post(&mut s, Request::post(), bits);
        s.recv(100, PEER, "ACK Empty mid=$id");
        s.until(93_100).failed(93_100, handle, Failure::Unanswered);
        s.all_free(900_000);
    }
    for bits in [2, 8, 16, NONE, 0xff] {
        let mut s = roomy::<C>(Config::DEFAULT);
        let handle = post(&mut s, Request::post().non(), bits);
        s.until(93_000).failed(93_000, handle, Failure::Unanswered);
        s.all_free(900_000);
    }
}

fn rfc7967_3_a_request_that_wants_everything<C: Scale>() {
    for bits in [0, 5, 0xe5] {
        let mut s = roomy::<C>(Config::DEFAULT);
        let handle = post(&mut s, Request::post(), bits);
        s.recv(100, PEER, "ACK Empty mid=$id");
        s.until(93_100).failed(93_100, handle, Failure::TimedOut);
        let mut s = roomy::<C>(Config::DEFAULT);
        let handle = post(&mut s, Request::post().non(), bits);
        s.until(93_000).failed(93_000, handle, Failure::TimedOut);
    }
}

/// "the server MAY [..] ignore the No-Response option": such a response finds its request.
fn rfc7967_3_a_response_that_comes_all_the_same<C: Scale>() {
    for bits in [2, NONE] {
        for (request, responses) in
            [(Request::post(), &["ACK", "CON", "NON"][..]), (Request::post().non(), &["CON", "NON"][..])]
        {
            for kind in responses {
                let mut s = roomy::<C>(Config::DEFAULT);
                let handle = post(&mut s, request, bits);
                let id = if *kind == "ACK" { "$id" } else { "0x0001" };
                let text = format!("{kind} 2.04 Changed mid={id} token=$t");
                s.recv(100, PEER, &text);
                if *kind == "CON" {
                    s.sent(100, PEER, "ACK Empty mid=0x0001");
                }
                assert!(!s.answered(handle, PEER, &text).0);
                s.all_free(900_000);
            }
        }
    }
}
