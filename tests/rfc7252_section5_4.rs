//! RFC 7252 5.4.1 and 5.10.2 at the endpoint: critical options that are not understood, in requests and in responses.

#[macro_use]
mod endpoint;

use coaplet::endpoint::{Failure, Request};
use coaplet::store::Scale;
use coaplet::{Code, Config, OptionNumber};
use endpoint::{OTHER, PEER, eight, roomy};

in_both_scales! {
    rfc7252_5_4_1_the_number_of_the_option_is_told,
    rfc7252_5_4_1_a_non_confirmable_request_is_rejected_in_silence,
    corr_clar_a_non_confirmable_request_is_answered_if_it_is_configured,
    rfc7252_5_4_1_in_responses,
    rfc7252_5_4_1_what_is_understood_in_responses,
    rfc7959_2_1_blocks_are_understood_beside_others,
    rfc7252_5_4_1_the_first_of_several_is_told,
    rfc7252_5_10_2_proxying_is_not_supported,
    rfc7252_5_4_1_our_client_copes_with_both,
}

fn rfc7252_5_4_1_the_number_of_the_option_is_told<C: Scale>() {
    let mut s = eight::<C>(Config { known: |_| false, ..Config::DEFAULT });
    for number in [1, 9, 99, 101, 999, 1_001, 9_999, 10_001, 65_001, 65_535] {
        let text = format!("option {number} is not understood");
        let wanted = format!(r#"ACK 4.02 Bad Option mid=0x0001 token=53 payload {} bytes "{text}""#, text.len());
        // With no state: a duplicate gets the same.
        for _ in 0..2 {
            s.recv(0, PEER, &format!("CON GET mid=0x0001 token=53 [{number}: 0x01]"));
            s.sent(0, PEER, &wanted);
        }
    }
    assert_eq!((s.ep.usage(), s.ep.statistics().bad_options), (Default::default(), 20));
    // An elective one is ignored.
    s.recv(0, PEER, "CON GET mid=0x0001 token=53 [65000: 0x01]");
    s.asked_by(PEER);
    s.until(900_000).sent_lines();
}

fn rfc7252_5_4_1_a_non_confirmable_request_is_rejected_in_silence<C: Scale>() {
    let mut s = eight::<C>(Config::DEFAULT);
    s.recv(0, PEER, "NON GET mid=0x0001 token=53 [65001: 0x01]").silence();
    assert_eq!((s.ep.usage(), s.ep.statistics().bad_options), (Default::default(), 1));
}

fn corr_clar_a_non_confirmable_request_is_answered_if_it_is_configured<C: Scale>() {
    let mut s = eight::<C>(Config { non_bad_option: true, ..Config::DEFAULT });
    let (request, told) =
        ("NON GET mid=0x0001 token=53 [65001: 0x01]", r#"payload 30 bytes "option 65001 is not understood""#);
    s.recv(0, PEER, request).sent(0, PEER, &format!("NON 4.02 Bad Option mid=$a token=53 {told}"));
    s.recv(0, PEER, request).sent(0, PEER, &format!("NON 4.02 Bad Option mid=$b token=53 {told}"));
    assert_ne!(s.name("a"), s.name("b"));
    s.recv_group(0, PEER, request).silence();
    s.all_free(900_000);
}

fn rfc7252_5_4_1_in_responses<C: Scale>() {
    // What is understood in requests is not therefore understood in responses.
    for acknowledged in [false, true] {
        let mut s = roomy::<C>(Config { known: |_| true, ..Config::DEFAULT });
        let handle = s.get(0, PEER);
        s.sent(0, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
        if acknowledged {
            s.recv(10, PEER, "ACK Empty mid=$a");
        }
        for option in ["65001: 0x01", "11: 0x61", "17: 0x00"] {
            s.recv(20, PEER, &format!("CON 2.05 Content mid=0x0004 token=$t [{option}]"));
            s.sent(20, PEER, "RST Empty mid=0x0004");
            s.recv(20, PEER, &format!("NON 2.05 Content mid=0x0005 token=$t [{option}]")).silence();
            s.recv(20, PEER, &format!("ACK 2.05 Content mid=$a token=$t [{option}]")).silence();
        }
        assert_eq!(s.ep.statistics().bad_options, 9);
        // The request goes on.
        s.recv(30, PEER, "CON 2.05 Content mid=0x0006 token=$t").sent(30, PEER, "ACK Empty mid=0x0006");
        s.answered(handle, PEER, "CON 2.05 Content mid=0x0006 token=$t");
        s.all_free(900_000);
    }
}

fn rfc7252_5_4_1_what_is_understood_in_responses<C: Scale>() {
    let known_in_responses: Option<fn(OptionNumber) -> bool> = Some(|number| number.get() == 65_001);
    let mut s = roomy::<C>(Config { known_in_responses, ..Config::DEFAULT });
    let handle = s.get(0, PEER);
    s.sent(0, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
    s.recv(0, PEER, "ACK 2.05 Content mid=$a token=$t [65003: 0x01]").silence();
    s.recv(0, PEER, "ACK 2.05 Content mid=$a token=$t [65001: 0x01]");
    s.answered(handle, PEER, "ACK 2.05 Content mid=$a token=$t [65001: 0x01]");
    s.recv(0, OTHER, "NON GET mid=0x0001 [65001: 0x01]").silence();
    s.all_free(900_000);
}

fn rfc7959_2_1_blocks_are_understood_beside_others<C: Scale>() {
    let known_in_responses: Option<fn(OptionNumber) -> bool> = Some(|number| number.get() == 65_001);
    for known in [None, known_in_responses] {
        let mut s = roomy::<C>(Config { known_in_responses: known, ..Config::DEFAULT.blockwise() });
        let handle = s.get(0, PEER);
        s.sent(0, PEER, "CON GET mid=$a token=$t [Uri-Path: temperature]");
        // Too long, twice, and what nobody knows.
        for options in ["23: 0x01020304", "23: 0x06, 23: 0x06", "23: 0x06, 65003: 0x01", "19: 0x06"] {
            s.recv(0, PEER, &format!("ACK 2.05 Content mid=$a token=$t [{options}]")).silence();
        }
        s.recv(0, PEER, "ACK 2.05 Content mid=$a token=$t [65001: 0x01]");
        if known.is_none() {
            s.silence();
            s.recv(0, PEER, "ACK 2.05 Content mid=$a token=$t [23: 0x06, 27: 0x06]");
            s.answered(handle, PEER, "ACK 2.05 Content mid=$a token=$t [Block2: 0/0/1024, Block1: 0/0/1024]");
        } else {
            s.answered(handle, PEER, "ACK 2.05 Content mid=$a token=$t [65001: 0x01]");
        }
        s.all_free(900_000);
    }
}

fn rfc7252_5_4_1_the_first_of_several_is_told<C: Scale>() {
    let mut s = eight::<C>(Config::DEFAULT);
    // 5.4.5: the second one of what must not be repeated counts as not understood.
    for (options, number) in
        [("7: 0x01, 65001: 0x01, 65003: 0x01", 65_001), ("7: 0x01, 7: 0x02", 7), ("17: 0x010203", 17)]
    {
        s.recv(0, PEER, &format!("CON GET mid=0x0001 [{options}]"));
        let text = format!("option {number} is not understood");
        s.sent(0, PEER, &format!(r#"ACK 4.02 Bad Option mid=0x0001 payload {} bytes "{text}""#, text.len()));
    }
}

fn rfc7252_5_10_2_proxying_is_not_supported<C: Scale>() {
    let mut s = eight::<C>(Config { non_bad_option: true, ..Config::DEFAULT });
    for number in [35, 39] {
        s.recv(0, PEER, &format!("CON GET mid=0x0001 token=53 [{number}: 0x61]"));
        let (_, bytes) = s.sent_any(PEER);
        assert_eq!((bytes[0], bytes[1], bytes[4]), (0x61, 0xa5, 0x53), "5.05");
    }
    // Who acts as a proxy says so.
    let known = |number| matches!(number, OptionNumber::PROXY_URI | OptionNumber::URI_PATH);
    let mut s = eight::<C>(Config { known, ..Config::DEFAULT });
    s.recv(0, PEER, "CON GET mid=0x0001 token=53 [35: 0x61]");
    let id = s.asked_by(PEER);
    s.respond(0, id, Code::CONTENT, "");
    s.sent(0, PEER, "ACK 2.05 Content mid=0x0001 token=53");
    s.all_free(900_000);
}

/// A NON request that the server does not understand gets 4.02, or nothing.
fn rfc7252_5_4_1_our_client_copes_with_both<C: Scale>() {
    for is_answered in [false, true] {
        let mut s = eight::<C>(Config::DEFAULT);
        let handle = s.request(0, PEER, Request::get().non());
        s.sent(0, PEER, "NON GET mid=$a token=$t [Uri-Path: temperature]");
        let answer = r#"NON 4.02 Bad Option mid=0x0001 token=$t payload 1 byte "?""#;
        if is_answered {
            s.recv(100, PEER, answer).answered(handle, PEER, answer);
        } else {
            s.until(93_000).failed(93_000, handle, Failure::TimedOut);
        }
        s.all_free(900_000);
    }
}
