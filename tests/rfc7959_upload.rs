//! RFC 7959 2.5, 2.7, 2.9: a client sends what is in blocks, and a server answers what it likes.

mod transfers;

use coaplet::block::{Body, Fault, Send, Settings};
use coaplet::endpoint::{Failure, Request, RequestError};
use coaplet::{Abilities, Code, Endpoint, Fixed, Instant, NoResponse, Roles, Token, WriteError, Writer};
use transfers::{Client, Machine, PLAIN, SERVER, Store, early, of_size};

/// A client that has sent the first of its blocks of 64, of a body of 200.
fn begun(settings: Settings) -> Client {
    let mut client = Client::send("log", Request::put(), 200, settings);
    client.plays(&["-> CON PUT /log 1:0/1/64 (0..64)", "<- ACK 2.31 1:0/1/64", "-> CON PUT /log 1:1/1/64 (64..128)"]);
    client
}

#[test]
fn a_body_that_fits_goes_as_any_other() {
    for length in [0, 1, 63, 64] {
        let mut client = Client::send("log", Request::put(), length, of_size(64));
        let payload = if length > 0 { format!(" (0..{length})") } else { String::new() };
        client.plays(&[&format!("-> CON PUT /log{payload}"), "<- ACK 2.04"]);
        client.ends(Code::CHANGED, 0);
    }
    for length in [65, 66] {
        let mut client = Client::send("log", Request::put(), length, of_size(64));
        client.plays(&[
            "-> CON PUT /log 1:0/1/64 (0..64)",
            "<- ACK 2.31 1:0/1/64",
            &format!("-> CON PUT /log 1:1/0/64 (64..{length})"),
            "<- ACK 2.01 1:1/0/64",
        ]);
        client.ends(Code::CREATED, 0);
    }
}

// 2.9.3: 4.13.

#[test]
fn section_2_9_3_a_hint_to_try_smaller_blocks() {
    let mut client = Client::send("log", Request::put(), 40, of_size(128));
    client.plays(&[
        "-> CON PUT /log (0..40)",
        "<- ACK 4.13",
        // "a hint for the client to try sending Block1"
        "-> CON PUT /log 1:0/1/32 (0..32)",
        "<- ACK 4.13 1:0/1/16",
        // "a hint to try that smaller SZX"
        "-> CON PUT /log 1:0/1/16 (0..16)",
        "<- ACK 2.31 1:0/1/16",
        "-> CON PUT /log 1:1/1/16 (16..32)",
        "<- ACK 2.31 1:1/1/16",
        "-> CON PUT /log 1:2/0/16 (32..40)",
        "<- ACK 2.04 1:2/0/16",
    ]);
    client.ends(Code::CHANGED, 0);
    // In the middle: from the first block on.
    let mut client = begun(of_size(64));
    client.plays(&["<- ACK 4.13 1:1/1/32", "-> CON PUT /log 1:0/1/32 (0..32)", "<- ACK 2.31 1:0/1/32"]);
    assert_eq!(client.restarts, 1);
    client.sends("CON PUT /log 1:1/1/32 (32..64)");
}

#[test]
fn section_2_9_3_too_large() {
    // What it would take is less than there is.
    let mut client = begun(of_size(64));
    client.gets("ACK 4.13 1:1/1/16 S1:199");
    client.fails(Fault::TooLarge { most: 199 });
    // No hint, or none that helps: it is the answer.
    for line in ["ACK 4.13", "ACK 4.13 1:1/1/64", "ACK 4.13 1:1/1/1024 S1:200", "ACK 4.13 S1:200"] {
        let mut client = begun(of_size(64));
        client.gets(line);
        client.ends(Code::REQUEST_ENTITY_TOO_LARGE, 0);
    }
    // A block of 16 is the smallest, and one that fits into it does not become smaller.
    let mut client = Client::send("log", Request::put(), 16, of_size(64));
    client.plays(&["-> CON PUT /log (0..16)", "<- ACK 4.13"]);
    client.ends(Code::REQUEST_ENTITY_TOO_LARGE, 0);
}

// 2.9.2: 4.08.

#[test]
fn section_2_9_2_incomplete_starts_over_a_bounded_number_of_times() {
    for restarts in [0, 2] {
        let mut client = begun(Settings { restarts, ..of_size(64) });
        client.gets("ACK 4.08");
        for _ in 0..restarts {
            client.plays(&["-> CON PUT /log 1:0/1/64 (0..64)", "<- ACK 4.08 1:0/0/64"]);
        }
        assert_eq!(client.restarts, u32::from(restarts));
        client.fails(Fault::Incomplete);
    }
    let mut client = begun(of_size(64));
    client.plays(&["<- ACK 4.08", "-> CON PUT /log 1:0/1/64 (0..64)", "<- ACK 2.31 1:0/1/64"]);
    client.plays(&[
        "-> CON PUT /log 1:1/1/64 (64..128)",
        "<- ACK 2.31 1:1/1/64",
        "-> CON PUT /log 1:2/1/64 (128..192)",
        "<- ACK 2.31 1:2/1/64",
        "-> CON PUT /log 1:3/0/64 (192..200)",
        "<- ACK 4.08",
        "-> CON PUT /log 1:0/1/64 (0..64)",
        "<- ACK 4.08",
    ]);
    client.fails(Fault::Incomplete);
}

// 2.3: what a response to a block says.

#[test]
fn section_2_3_the_number_may_be_counted_in_either_size() {
    for ack in ["1:1/1/16", "1:4/1/16"] {
        let mut client = begun(of_size(64));
        client.plays(&[&format!("<- ACK 2.31 {ack}"), "-> CON PUT /log 1:8/1/16 (128..144)"]);
    }
    // Never larger.
    let mut client = begun(of_size(64));
    client.plays(&["<- ACK 2.31 1:1/1/1024", "-> CON PUT /log 1:2/1/64 (128..192)"]);
}

#[test]
fn section_2_3_another_block_is_acknowledged_or_none() {
    for (line, fault) in [
        ("ACK 2.31 1:2/1/64", Fault::WrongBlock),
        ("ACK 2.31 1:0/1/64", Fault::WrongBlock),
        ("ACK 2.31", Fault::Ignored),
        ("ACK 2.04", Fault::Ignored),
    ] {
        let mut client = begun(of_size(64));
        client.gets(line);
        client.fails(fault);
    }
    // There is nothing to go on with.
    let mut client = Client::send("log", Request::put(), 10, of_size(64));
    client.plays(&["-> CON PUT /log (0..10)", "<- ACK 2.31 1:0/1/64"]);
    client.fails(Fault::WrongBlock);
    let mut client = Client::send("log", Request::put(), 10, of_size(64));
    client.plays(&["-> CON PUT /log (0..10)", "<- ACK 2.31"]);
    client.fails(Fault::Ignored);
}

#[test]
fn an_error_is_the_answer_wherever_it_comes() {
    for code in [Code::UNAUTHORIZED, Code::SERVICE_UNAVAILABLE] {
        let mut client = begun(of_size(64));
        client.gets(&format!("ACK {}.{:02} (0..5)", code.class(), code.detail()));
        client.ends(code, 5);
    }
}

// What is not answered.

#[test]
fn a_block_is_sent_again_when_its_exchange_has_timed_out() {
    let mut client = begun(Settings { block_retries: 2, ..of_size(64) });
    client.plays(&["=> CON PUT /log 1:1/1/64 (64..128)"; 4]);
    for _ in 0..2 {
        client.plays(&["-x CON PUT /log 1:1/1/64 (64..128)"]);
        client.plays(&["=> CON PUT /log 1:1/1/64 (64..128)"; 4]);
    }
    client.fails(Fault::NoResponse(Failure::TimedOut));
}

#[test]
fn rfc7252_5_8_2_a_post_in_one_message_is_not_made_twice() {
    for (request, again) in [
        (Request::post(), false),
        (Request::new(Code::PATCH), false),
        (Request::put(), true),
        (Request::new(Code::IPATCH), true),
        (Request::fetch(), true),
    ] {
        let mut client = Client::send("log", request, 10, Settings { block_retries: 1, ..of_size(64) });
        client.wait();
        let (mut ids, mut sent) = (std::collections::HashSet::new(), 0);
        while client.ended.is_none() {
            while let Some(bytes) = client.next() {
                sent += 1;
                ids.insert([bytes[2], bytes[3]]);
            }
            client.wait();
        }
        assert_eq!((ids.len(), sent), if again { (2, 10) } else { (1, 5) }, "{request:?}");
        assert_eq!(client.ended, Some(Err(Fault::NoResponse(Failure::TimedOut))));
    }
    // In blocks it is: the server knows it by its Block1.
    let mut client = Client::send("log", Request::post(), 100, Settings { block_retries: 1, ..of_size(64) });
    client.plays(&["-x CON POST /log 1:0/1/64 (0..64)"]);
    client.plays(&["=> CON POST /log 1:0/1/64 (0..64)"; 4]);
    client.plays(&["-> CON POST /log 1:0/1/64 (0..64)", "<- ACK 2.31 1:0/1/64"]);
    client.sends("CON POST /log 1:1/0/64 (64..100)");
}

// What is sent.

#[test]
fn section_4_size1_is_told_with_the_first_block() {
    let settings = Settings { sizes: true, ..of_size(64) };
    // Of a length that is known, that is: the test's body of an odd one is read up to its end.
    for (length, size1) in [(100, " S1:100"), (101, "")] {
        let mut client = Client::send("log", Request::put(), length, settings);
        client.plays(&[
            &format!("-> CON PUT /log 1:0/1/64{size1} (0..64)"),
            "<- ACK 2.31 1:0/1/64",
            &format!("-> CON PUT /log 1:1/0/64 (64..{length})"),
            "<- ACK 2.04 1:1/0/64",
        ]);
        let Machine::Send(send, _) = &client.machine else { panic!() };
        assert_eq!(send.sent() as usize, length);
        client.ends(Code::CHANGED, 0);
    }
}

#[test]
fn rfc9175_3_4_the_request_tag_is_the_same_in_all_requests() {
    let tag = |bytes: &[u8]| Token::try_from(bytes).unwrap();
    let send = Send::new(SERVER, Request::post(), of_size(64)).tag(tag(&[1, 2]));
    let mut client = Client::new("log", Machine::Send(send, 100));
    client.plays(&[
        "-> CON POST /log 1:0/1/64 T:0102 (0..64)",
        "<- ACK 2.31 1:0/1/64",
        "-> CON POST /log 1:1/0/64 T:0102 (64..100)",
        "<- ACK 2.04 2:0/1/64 1:1/0/64 (0..64)",
        "-> CON POST /log 2:1/0/64 T:0102",
        "<- ACK 2.04 2:1/0/64 (64..65)",
    ]);
    client.ends(Code::CHANGED, 65);
    // An empty one is another one than none.
    let send = Send::new(SERVER, Request::post(), of_size(64)).tag(tag(&[]));
    let mut client = Client::new("log", Machine::Send(send, 100));
    client.sends("CON POST /log 1:0/1/64 T: (0..64)");
}

#[test]
fn max_message_caps_the_whole_packet() {
    let settings = Settings { sizes: false, ..Settings::for_messages_of(127) };
    let mut client = Client::send("log", Request::put(), 300, settings);
    let mut offset = 0;
    while client.ended.is_none() {
        let end = (offset + 64).min(300);
        let (block, more) = (offset / 64, u8::from(end < 300));
        let negotiated = if more == 0 { " 2:0/0/64" } else { "" };
        client.sends(&format!("CON PUT /log{negotiated} 1:{block}/{more}/64 ({offset}..{end})"));
        client.gets(&format!("ACK {} 1:{block}/{more}/64", if more == 1 { "2.31" } else { "2.04" }));
        offset = end;
    }
    assert!(client.longest <= 127 && client.longest >= 64, "{}", client.longest);
    client.ends(Code::CHANGED, 0);
}

/// All lengths of options and all limits: each message is as long as it may be, and no longer.
#[test]
fn max_message_to_the_byte() {
    for max_message in 40..300 {
        for path in ["a", "a-path-with-some-bytes", "a/b/c/d/e/f/g"] {
            let settings = Settings { max_message, sizes: max_message % 3 == 0, early: max_message % 2 == 0, ..PLAIN };
            let mut send = Send::new(SERVER, Request::put(), settings);
            let mut ep =
                Endpoint::new(coaplet::Config::DEFAULT.blockwise(), [7; 16], Store::<coaplet::store::Scan>::new());
            let body = transfers::notation::up();
            let mut tx = [0; 1152];
            let sent = send.ask(&mut ep, Instant::ZERO, &mut tx, Body::slice(&body), |w| _ = w.path(path));
            match sent {
                Ok(sent) => {
                    let len = sent.unwrap().len;
                    let payload = coaplet::Message::parse(&tx[..len]).unwrap().payload().len();
                    assert!(len <= usize::from(max_message), "{len} of {max_message}");
                    // The next larger one would not have fitted.
                    let spare = if settings.early { 2 } else { 0 };
                    assert!(
                        len + payload + spare > usize::from(max_message) || payload == 1024,
                        "{len} of {max_message}"
                    );
                }
                Err(RequestError::Write(WriteError::BufferTooSmall { needed })) => {
                    assert!(needed > usize::from(max_message) && max_message < 64, "{needed} for {max_message}");
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn options_behind_block1_find_their_place() {
    let send = Send::new(SERVER, Request::put(), Settings { sizes: true, ..of_size(64) });
    let options = |w: &mut Writer<'_>| {
        w.content_format(coaplet::ContentFormat::JSON).proxy_scheme("coap").no_response(NoResponse::new(0));
    };
    let mut client = Client::with("log", Machine::Send(send, 100), 2048, options);
    client.plays(&[
        "-> CON PUT /log F:50 1:0/1/64 P:coap S1:100 258: (0..64)",
        "<- ACK 2.31 1:0/1/64",
        "-> CON PUT /log F:50 1:1/0/64 P:coap 258: (64..100)",
        "<- ACK 2.04 1:1/0/64",
    ]);
    client.ends(Code::CHANGED, 0);
}

/// RFC 7967 2.1: the response to a block is of interest, since it says that the next one may come. What goes in one message is
/// sent as it was to be.
#[test]
fn rfc7967_a_body_in_blocks_goes_without_no_response() {
    let options = |w: &mut Writer<'_>| {
        w.content_format(coaplet::ContentFormat::JSON).no_response(NoResponse::ALL);
    };
    for request in [Request::put(), Request::put().non()] {
        let kind = if request == Request::put() { ("CON", "ACK") } else { ("NON", "NON") };
        let [first, again, next, last] = [
            format!("-> {} PUT /log F:50 1:0/1/64 (0..64)", kind.0),
            format!("<- {} 2.31 1:0/1/64", kind.1),
            format!("-> {} PUT /log F:50 1:1/0/64 (64..100)", kind.0),
            format!("<- {} 2.04 1:1/0/64", kind.1),
        ];
        let send = Send::new(SERVER, request, of_size(64));
        let mut client = Client::with("log", Machine::Send(send, 100), 2048, options);
        client.plays(&[&first, &again, &next, &last]);
        client.ends(Code::CHANGED, 0);
    }
    // Behind the options of another transfer, of a proxy, and alone.
    for (options, listed) in [
        ((|w| _ = w.proxy_scheme("coap").no_response(NoResponse::SUCCESS)) as fn(&mut Writer<'_>), " P:coap"),
        (|w| _ = w.no_response(NoResponse::SUCCESS), ""),
        (|w| _ = w.no_response(NoResponse::SUCCESS).no_response(NoResponse::ALL), ""),
    ] {
        let send = Send::new(SERVER, Request::put(), of_size(64));
        let mut client = Client::with("log", Machine::Send(send, 100), 2048, options);
        client.plays(&[&format!("-> CON PUT /log 1:0/1/64{listed} (0..64)"), "<- ACK 2.31 1:0/1/64"]);
    }
    let send = Send::new(SERVER, Request::put(), of_size(64));
    let mut client = Client::with("log", Machine::Send(send, 30), 2048, options);
    client.plays(&["-> CON PUT /log F:50 258:1a (0..30)", "<- ACK 2.04"]);
    client.ends(Code::CHANGED, 0);
}

#[test]
fn without_that_role_they_are_an_error() {
    #[derive(Debug)]
    enum Few {}
    impl Roles for Few {
        const HAS: Abilities = Abilities { options_behind: false, ..Abilities::ALL };
    }
    let mut ep = Endpoint::<_, Few>::with_roles(coaplet::Config::DEFAULT, [7; 16], Fixed::<u16, 1, 2, 512>::new());
    let mut send = Send::new(SERVER, Request::put(), of_size(64));
    let body = transfers::notation::up();
    let mut ask =
        |options: fn(&mut Writer<'_>)| send.ask(&mut ep, Instant::ZERO, &mut [0; 256], Body::slice(&body), options);
    let behind = ask(|w| _ = w.path("log").proxy_scheme("coap"));
    assert!(matches!(behind, Err(RequestError::Write(WriteError::OutOfOrder { .. }))), "{behind:?}");
    assert!(matches!(ask(|w| _ = w.path("log")), Ok(Some(_))));
}

#[test]
fn a_body_that_gives_less_than_it_has() {
    let mut ep = Endpoint::new(coaplet::Config::DEFAULT, [7; 16], Fixed::<u16, 1, 2, 512>::new());
    let mut send = Send::new(SERVER, Request::put(), of_size(64));
    let mut read = |_: u32, buffer: &mut [u8]| buffer.len().min(10);
    let body = Body::read(&mut read).of_length(100);
    let asked = send.ask(&mut ep, Instant::ZERO, &mut [0; 256], body, |_| {});
    assert_eq!(asked, Err(RequestError::Write(WriteError::BodyEnded { offset: 0 })));
    // It says more than it was lent.
    let mut read = |_: u32, _: &mut [u8]| usize::MAX;
    let body = Body::read(&mut read).of_length(100);
    let mut tx = [0; 256];
    let asked = send.ask(&mut ep, Instant::ZERO, &mut tx, body, |_| {}).unwrap().unwrap();
    assert_eq!(coaplet::Message::parse(&tx[..asked.len]).unwrap().payload(), [0; 64]);
    assert_eq!(ep.usage().exchanges, 1);
}

#[test]
fn early_negotiation_of_the_answer_is_in_the_last_request_alone() {
    let mut client = Client::send("log", Request::put(), 100, early(64));
    client.plays(&[
        "-> CON PUT /log 1:0/1/64 (0..64)",
        "<- ACK 2.31 1:0/1/32",
        "-> CON PUT /log 1:2/1/32 (64..96)",
        "<- ACK 2.31 1:2/1/32",
        "-> CON PUT /log 2:0/0/64 1:3/0/32 (96..100)",
        "<- ACK 2.04 2:0/1/128 1:3/0/32 (0..128)",
    ]);
    client.fails(Fault::WrongBlock);
}

/// A buffer that is too short for the payload by any number of bytes is an error, and one that is just as long is none.
#[test]
fn a_short_buffer_is_told_to_the_byte() {
    for length in [0, 1, 10, 16, 40] {
        let body = transfers::notation::up();
        let ask = |room: usize| {
            let mut ep = Endpoint::new(coaplet::Config::DEFAULT, [7; 16], Fixed::<u16, 1, 2, 512>::new());
            let mut send = Send::new(SERVER, Request::put(), of_size(16));
            let body = Body::slice(&body[..length]);
            send.ask(&mut ep, Instant::ZERO, &mut [0; 100][..room], body, |w| _ = w.path("log"))
        };
        let whole = ask(100).unwrap().unwrap().len;
        assert_eq!(ask(whole).map(|sent| sent.unwrap().len), Ok(whole), "{length}");
        for room in 0..whole {
            let error = ask(room);
            let Err(RequestError::Write(WriteError::BufferTooSmall { needed })) = error else {
                panic!("{error:?}: {length} bytes in {room} of {whole}")
            };
            assert!(needed > room, "{needed}");
        }
    }
}
