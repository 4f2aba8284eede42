//! RFC 7959 2.4: a client fetches what is in blocks. What a server may do, and what it may not: one clear outcome each.

mod transfers;

use coaplet::block::{Fault, Fetch, Progress, Send, Settings};
use coaplet::endpoint::{Failure, Request, RequestError};
use coaplet::{Code, Instant, OptionNumber, WriteError};
use transfers::notation::build;
use transfers::{Client, Machine, PLAIN, SERVER, early, of_size};

/// A client that has got the first of its blocks of 64.
fn begun() -> Client {
    let mut client = Client::fetch("status", early(64));
    client.plays(&["-> CON GET /status 2:0/0/64", "<- ACK 2.05 2:0/1/64 (0..64)", "-> CON GET /status 2:1/0/64"]);
    client
}

// 2.3, 2.4: sizes and numbers.

#[test]
fn section_2_3_the_size_goes_down_and_the_number_counts_in_the_new_size() {
    let mut client = begun();
    client.plays(&[
        "<- ACK 2.05 2:2/1/32 (64..96)",
        "-> CON GET /status 2:3/0/32",
        "<- ACK 2.05 2:6/1/16 (96..112)",
        "-> CON GET /status 2:7/0/16",
        "<- ACK 2.05 2:7/0/16 (112..120)",
    ]);
    client.ends(Code::CONTENT, 120);
}

#[test]
fn section_2_4_a_server_that_answers_larger_than_it_was_asked() {
    for wrong in ["ACK 2.05 2:0/1/128 (0..128)", "ACK 2.05 2:0/0/128 (0..20)"] {
        let mut client = Client::fetch("status", early(64));
        client.sends("CON GET /status 2:0/0/64");
        client.gets(wrong);
        client.fails(Fault::WrongBlock);
    }
    let mut client = begun();
    client.gets("ACK 2.05 2:1/1/128 (128..256)");
    client.fails(Fault::WrongBlock);
}

#[test]
fn section_2_4_another_block_than_the_one_that_was_asked_for() {
    for wrong in ["2:2/1/64 (128..192)", "2:0/1/64 (0..64)", "2:1/1/32 (32..64)", "2:1048575/0/64 (0..1)"] {
        let mut client = begun();
        client.gets(&format!("ACK 2.05 {wrong}"));
        client.fails(Fault::WrongBlock);
    }
    let mut client = Client::fetch("status", PLAIN);
    client.sends("CON GET /status");
    client.gets("ACK 2.05 2:1/1/64 (64..128)");
    client.fails(Fault::WrongBlock);
}

#[test]
fn section_2_2_szx_7_is_no_size() {
    let mut client = Client::fetch("status", PLAIN);
    client.sends("CON GET /status");
    client.gets("ACK 2.05 2:0/1/BERT (0..1024)");
    client.fails(Fault::WrongBlock);
}

#[test]
fn section_2_3_a_payload_has_the_length_of_its_block() {
    for wrong in ["2:1/1/64 (64..127)", "2:1/1/64", "2:1/1/64 (64..129)", "2:1/0/64 (64..129)", "2:2/1/32 (64..128)"] {
        let mut client = begun();
        client.gets(&format!("ACK 2.05 {wrong}"));
        client.fails(Fault::WrongLength);
    }
    // "SZX does not govern the payload size if M is unset": a last block may be short, or empty.
    for (last, length) in [("2:1/0/64 (64..65)", 65), ("2:1/0/64", 64), ("2:1/0/64 (64..128)", 128)] {
        let mut client = begun();
        client.gets(&format!("ACK 2.05 {last}"));
        client.ends(Code::CONTENT, length);
    }
}

#[test]
fn section_2_4_a_server_that_ignores_block2() {
    // At first it may: that is all of it, however large.
    let mut client = Client::fetch("status", early(64));
    client.sends("CON GET /status 2:0/0/64");
    client.gets("ACK 2.05 (0..1000)");
    client.ends(Code::CONTENT, 1000);
    // Later it is not the block that was asked for.
    let mut client = begun();
    client.gets("ACK 2.05 (0..1000)");
    client.fails(Fault::Ignored);
}

// What ends a transfer.

#[test]
fn an_error_is_an_answer() {
    let mut client = Client::fetch("status", PLAIN);
    client.sends("CON GET /status");
    client.gets("ACK 4.04 (0..10)");
    client.ends(Code::NOT_FOUND, 10);
    // core-corr-clar: it may be in blocks as well.
    let mut client = Client::fetch("status", PLAIN);
    client.plays(&[
        "-> CON GET /status",
        "<- ACK 4.04 2:0/1/16 (0..16)",
        "-> CON GET /status 2:1/0/16",
        "<- ACK 4.04 2:1/0/16 (16..20)",
    ]);
    client.ends(Code::NOT_FOUND, 20);
}

#[test]
fn a_server_that_breaks_off() {
    for (line, code) in [
        ("ACK 4.04", Code::NOT_FOUND),
        ("ACK 5.03 A:10", Code::SERVICE_UNAVAILABLE),
        ("ACK 4.00", Code::BAD_REQUEST),
        ("ACK 2.03 2:1/0/64", Code::VALID),
    ] {
        let mut client = begun();
        client.gets(line);
        client.fails(Fault::Refused(code));
    }
}

#[test]
fn section_2_4_another_etag_is_another_representation() {
    let again = |restarts, changes: u32| {
        let mut client = Client::fetch("status", Settings { restarts, ..early(64) });
        for change in 0..changes {
            client.sends("CON GET /status 2:0/0/64");
            client.gets(&format!("ACK 2.05 E:0{change} 2:0/1/64 (0..64)"));
            client.sends("CON GET /status 2:1/0/64");
            client.gets(&format!("ACK 2.05 E:1{change} 2:1/1/64 (64..128)"));
        }
        client
    };
    again(0, 1).fails(Fault::Changed);
    again(2, 3).fails(Fault::Changed);
    let mut client = again(2, 2);
    assert_eq!((client.restarts, client.body.len()), (2, 0));
    client.plays(&[
        "-> CON GET /status 2:0/0/64",
        "<- ACK 2.05 E:77 2:0/1/64 (0..64)",
        "-> CON GET /status 2:1/0/64",
        "<- ACK 2.05 E:77 2:1/0/64 (64..100)",
    ]);
    client.ends(Code::CONTENT, 100);
}

#[test]
fn section_2_4_the_etag_is_there_in_all_blocks_or_in_none() {
    for (first, second) in [("E:01 ", ""), ("", "E:01 "), ("E:01 ", "E:0101 "), ("E:0101 ", "E:01 ")] {
        let mut client = Client::fetch("status", Settings { restarts: 0, ..early(64) });
        client.sends("CON GET /status 2:0/0/64");
        client.gets(&format!("ACK 2.05 {first}2:0/1/64 (0..64)"));
        client.sends("CON GET /status 2:1/0/64");
        client.gets(&format!("ACK 2.05 {second}2:1/0/64 (64..70)"));
        client.fails(Fault::Changed);
    }
}

#[test]
fn section_2_3_blocks_of_two_formats_are_not_put_together() {
    for (first, second) in [("F:0 ", "F:50 "), ("F:0 ", ""), ("", "F:0 ")] {
        let mut client = Client::fetch("status", Settings { restarts: 0, ..early(64) });
        client.sends("CON GET /status 2:0/0/64");
        client.gets(&format!("ACK 2.05 {first}2:0/1/64 (0..64)"));
        client.sends("CON GET /status 2:1/0/64");
        client.gets(&format!("ACK 2.05 {second}2:1/0/64 (64..70)"));
        client.fails(Fault::Changed);
    }
}

#[test]
fn a_body_that_does_not_end() {
    let settings = Settings { max_body: 100, ..early(64) };
    let mut client = Client::fetch("status", settings);
    client.plays(&[
        "-> CON GET /status 2:0/0/64",
        "<- ACK 2.05 2:0/1/64 (0..64)",
        "-> CON GET /status 2:1/0/64",
        "<- ACK 2.05 2:1/1/64 (64..128)",
    ]);
    client.fails(Fault::TooLong);
    let mut client = Client::fetch("status", settings);
    client.sends("CON GET /status 2:0/0/64");
    client.gets("ACK 2.05 (0..101)");
    client.fails(Fault::TooLong);
    let mut client = Client::fetch("status", settings);
    client.sends("CON GET /status 2:0/0/64");
    client.gets("ACK 2.05 (0..100)");
    client.ends(Code::CONTENT, 100);
    // Behind the last number there is none.
    let fetch = Fetch::new(SERVER, Request::get(), early(16)).from_block(1_048_575);
    let mut client = Client::new("status", Machine::Fetch(fetch));
    client.sends("CON GET /status 2:1048575/0/16");
    client.gets("ACK 2.05 2:1048575/1/16 (0..16)");
    client.fails(Fault::TooLong);
}

// What is not answered.

#[test]
fn a_block_is_asked_for_again_when_its_exchange_has_timed_out() {
    for retries in [0, 1, 4] {
        let mut client = Client::fetch("status", Settings { block_retries: retries, ..early(64) });
        client.plays(&["-> CON GET /status 2:0/0/64", "<- ACK 2.05 2:0/1/64 (0..64)"]);
        for _ in 0..=retries {
            client.plays(&["-x CON GET /status 2:1/0/64"]);
            client.plays(&["=> CON GET /status 2:1/0/64"; 4]);
        }
        client.fails(Fault::NoResponse(Failure::TimedOut));
    }
    // In a row: one that comes begins the count anew.
    let mut client = Client::fetch("status", Settings { block_retries: 1, ..early(64) });
    for block in 0..4 {
        let (request, more) = (format!("CON GET /status 2:{block}/0/64"), u8::from(block < 3));
        client.sends(&request);
        (0..4).for_each(|_| client.plays(&[&format!("=> {request}")]));
        client.plays(&[
            &format!("-> {request}"),
            &format!("<- ACK 2.05 2:{block}/{more}/64 ({}..{})", block * 64, block * 64 + 64),
        ]);
    }
    client.ends(Code::CONTENT, 256);
}

#[test]
fn an_answer_to_an_exchange_that_was_given_up_is_none() {
    let mut client = Client::fetch("status", early(64));
    client.sends("CON GET /status 2:0/0/64");
    let (id, token) = client.last();
    client.plays(&["=> CON GET /status 2:0/0/64"; 4]);
    client.plays(&["-> CON GET /status 2:0/0/64"]);
    client.takes(&build("ACK 2.05 2:0/1/64 (0..64)", id, &token));
    assert_eq!((client.body.len(), client.ended), (0, None));
    client.gets("ACK 2.05 2:0/0/64 (0..10)");
    client.ends(Code::CONTENT, 10);
}

#[test]
fn a_reset_ends_it() {
    let mut client = begun();
    client.gets("RST");
    client.fails(Fault::NoResponse(Failure::Reset));
    let mut client = begun();
    client.ep.forget(Instant::from_millis(client.now), SERVER).unwrap();
    client.fails(Fault::NoResponse(Failure::Forgotten));
}

#[test]
fn a_separate_response_is_as_good() {
    let mut client = begun();
    client.gets("ACK");
    client.plays(&[]);
    let (_, token) = client.last();
    client.takes(&build("CON 2.05 2:1/0/64 (64..70)", 0x7001, &token));
    client.sends("ACK");
    client.ends(Code::CONTENT, 70);
}

// What is asked.

#[test]
fn section_4_size2_is_asked_for_once_and_told() {
    let mut client = Client::fetch("status", Settings { sizes: true, ..early(64) });
    client.plays(&[
        "-> CON GET /status 2:0/0/64 S2:0",
        "<- ACK 2.05 2:0/1/64 S2:100 (0..64)",
        "-> CON GET /status 2:1/0/64",
    ]);
    let Machine::Fetch(fetch) = &client.machine else { panic!() };
    assert_eq!((fetch.size(), fetch.offset()), (Some(100), 64));
    // An estimate: what ends the body is the last block.
    client.gets("ACK 2.05 2:1/0/64 (64..128)");
    client.ends(Code::CONTENT, 128);
}

#[test]
fn from_a_block_on() {
    let from = |number| {
        Client::new("status", Machine::Fetch(Fetch::new(SERVER, Request::get(), of_size(64)).from_block(number)))
    };
    let mut client = from(2);
    client.plays(&[
        "-> CON GET /status 2:2/0/64",
        "<- ACK 2.05 2:4/1/32 (128..160)",
        "-> CON GET /status 2:5/0/32",
        "<- ACK 2.05 2:5/0/32 (160..170)",
    ]);
    client.ends(Code::CONTENT, 170);
    // Beyond the end, and of a server that knows nothing of blocks.
    let mut client = from(100);
    client.sends("CON GET /status 2:100/0/64");
    client.gets("ACK 4.00");
    client.ends(Code::BAD_REQUEST, 0);
    let mut client = from(1);
    client.sends("CON GET /status 2:1/0/64");
    client.gets("ACK 2.05 (0..500)");
    client.fails(Fault::Ignored);
}

#[test]
fn options_behind_block2_find_their_place() {
    let options = |w: &mut coaplet::Writer<'_>| {
        w.proxy_scheme("coap").no_response(coaplet::NoResponse::new(0));
    };
    let fetch = Fetch::new(SERVER, Request::get(), Settings { sizes: true, ..early(64) });
    let mut client = Client::with("status", Machine::Fetch(fetch), 2048, options);
    client.plays(&[
        "-> CON GET /status 2:0/0/64 S2:0 P:coap 258:",
        "<- ACK 2.05 2:0/1/64 (0..64)",
        "-> CON GET /status 2:1/0/64 P:coap 258:",
        "<- ACK 2.05 2:1/0/64 (64..65)",
    ]);
    client.ends(Code::CONTENT, 65);
}

#[test]
fn a_request_that_cannot_be_made_is_still_due() {
    let mut client = begun();
    client.gets("ACK 2.05 2:1/1/64 (64..128)");
    client.sends("CON GET /status 2:2/0/64");
    let Machine::Fetch(fetch) = &mut client.machine else { panic!() };
    // Not due: nothing, whatever is lent.
    let (ep, now) = (&mut client.ep, Instant::from_millis(client.now));
    assert_eq!(fetch.ask(ep, now, &mut [], |_| {}), Ok(None));
    let mut fetch = Fetch::new(SERVER, Request::get(), early(64));
    let payload = fetch.ask(ep, now, &mut [0; 64], |w| {
        w.payload(b"what is this?");
    });
    let error = WriteError::OptionAfterPayload { number: OptionNumber::BLOCK2 };
    assert_eq!(payload, Err(RequestError::Write(error)));
    let short = fetch.ask(ep, now, &mut [0; 10], |w| {
        w.path("status");
    });
    assert_eq!(short, Err(RequestError::Write(WriteError::BufferTooSmall { needed: 17 })));
    assert!(!fetch.is_over());
    assert_eq!(fetch.ask(ep, now, &mut [0; 64], |_| {}), Ok(None), "it waits behind NSTART");
    assert!(fetch.handle().is_some());
}

#[test]
fn max_message_caps_what_is_asked_and_what_is_sent() {
    let settings = Settings { sizes: false, ..Settings::for_messages_of(127) };
    let mut fetch = Fetch::new(SERVER, Request::get(), settings);
    let mut client = Client::fetch("status", settings);
    client.sends("CON GET /status 2:0/0/64");
    let long = "a-path-of-one-segment-which-is-so-long-that-it-does-not-fit-into-a-message-of-the-length-that-was-given-at-all";
    let asked = fetch.ask(&mut client.ep, Instant::from_millis(client.now), &mut [0; 1152], |w| {
        w.path(long).query("and-a-query");
    });
    let Err(RequestError::Write(WriteError::BufferTooSmall { needed })) = asked else { panic!("{asked:?}") };
    assert!(needed > 127, "{needed}");
}

// FETCH, and answers that came otherwise.

#[test]
fn rfc8132_2_5_a_fetch_whose_body_fits_says_it_each_time() {
    let mut client = Client::send("log", Request::fetch(), 20, early(64));
    client.plays(&[
        "-> CON FETCH /log 2:0/0/64 (0..20)",
        "<- ACK 2.05 2:0/1/64 (0..64)",
        "-> CON FETCH /log 2:1/0/64 (0..20)",
        "<- ACK 2.05 2:1/0/64 (64..100)",
    ]);
    client.ends(Code::CONTENT, 100);
}

#[test]
fn rfc8132_2_5_a_fetch_with_a_body_in_blocks() {
    let send = Send::new(SERVER, Request::fetch(), early(64)).tag(coaplet::Token::try_from(&[7][..]).unwrap());
    let mut client = Client::new("log", Machine::Send(send, 100));
    client.plays(&[
        "-> CON FETCH /log 1:0/1/64 T:07 (0..64)",
        "<- ACK 2.31 1:0/1/64",
        "-> CON FETCH /log 2:0/0/64 1:1/0/64 T:07 (64..100)",
        "<- ACK 2.05 2:0/1/64 1:1/0/64 (0..64)",
        "-> CON FETCH /log 2:1/0/64 T:07",
        "<- ACK 2.05 2:1/0/64 (64..100)",
    ]);
    client.ends(Code::CONTENT, 100);
}

#[test]
fn section_2_8_a_first_block_that_came_otherwise() {
    let mut client = begun();
    let block = build("NON 2.05 E:01 2:0/1/32 (0..32)", 1, &[1]);
    let message = coaplet::Message::parse(&block).unwrap();
    let Machine::Fetch(fetch) = &mut client.machine else { panic!() };
    let old = fetch.handle().unwrap();
    let progress = fetch.begin_with(&mut client.ep, &message);
    assert!(matches!(progress, Progress::Part(part) if part.offset == 0 && part.bytes.len() == 32 && !part.last));
    assert!(!client.ep.cancel(old), "what was asked before is given up");
    client.body.clear();
    client.progress(Some(progress));
    client.plays(&["-> CON GET /status 2:1/0/32", "<- ACK 2.05 E:01 2:1/0/32 (32..40)"]);
    client.ends(Code::CONTENT, 40);
}
