//! The writer by example: order, insertion, sticky errors, how much a message takes, the three ways to write a payload,
//! copying. What holds for every message is in `properties.rs`.

mod common;

use coaplet::wire::{Block, Code, ContentFormat, Header, Message, NoResponse, OptionNumber, WriteError, Writer};
use common::script::{Call, Script};
use common::{agree, hex, model, unhex};
use core::fmt::Write as _;

const GET: Header = Header::confirmable(Code::GET, 0x7d34);

/// What `build` writes into a buffer of this size, in hexadecimal.
fn write(room: usize, build: impl FnOnce(&mut Writer<'_>)) -> Result<String, WriteError> {
    let mut buffer = vec![0xa5; room];
    let mut writer = Writer::new(&mut buffer, GET, &[]);
    build(&mut writer);
    let length = writer.finish()?;
    let _ = agree::check(&buffer[..length]).expect("what is written parses");
    Ok(hex(&buffer[..length]))
}

/// The same in plenty of room, without the header of the GET.
fn behind_header(build: impl FnOnce(&mut Writer<'_>)) -> String {
    let all = write(4096, build).unwrap();
    all.strip_prefix("40017d34").unwrap().to_owned()
}

fn number(number: u16) -> OptionNumber {
    OptionNumber::new(number)
}

#[test]
fn options_ascend_and_repeat() {
    let written = behind_header(|writer| {
        writer.option(OptionNumber::URI_PATH, b"a").option(OptionNumber::URI_PATH, b"b").uint(OptionNumber::ACCEPT, 50);
    });
    assert_eq!(written, "b161 0162 6132".replace(' ', ""));
}

#[test]
fn a_lower_number_is_the_sticky_error_out_of_order() {
    let (low, high) = (OptionNumber::URI_HOST, OptionNumber::URI_PATH);
    let result = write(64, |writer| {
        writer.option(high, b"a").option(low, b"h").option(OptionNumber::URI_QUERY, b"q").payload(b".");
    });
    assert_eq!(result, Err(WriteError::OutOfOrder { number: low, after: high }));
    // `uint` and the setters with a name are `option`.
    let result = write(64, |writer| {
        writer.option(high, b"a").uint(low, 1);
    });
    assert_eq!(result, Err(WriteError::OutOfOrder { number: low, after: high }));
    let result = write(64, |writer| {
        writer.option(high, b"a").uri_host("h");
    });
    assert_eq!(result, Err(WriteError::OutOfOrder { number: low, after: high }));
}

#[test]
fn the_first_error_is_the_one_that_is_told() {
    let high = OptionNumber::URI_PATH;
    let result = write(64, |writer| {
        writer.option(high, b"a").option(number(1), b"").option(number(2), &[0; 70_000]).payload(&[0; 200]);
    });
    assert_eq!(result, Err(WriteError::OutOfOrder { number: number(1), after: high }));
    let result = write(64, |writer| {
        writer.option(number(2), &[0; 70_000]).option(high, b"a").option(number(1), b"");
    });
    assert_eq!(result, Err(WriteError::TooLong { length: 70_000, limit: 65_804 }));
}

#[test]
fn an_option_after_the_payload_is_an_error_but_may_be_inserted() {
    let result = write(64, |writer| {
        writer.payload(b".").option(OptionNumber::URI_PATH, b"a");
    });
    assert_eq!(result, Err(WriteError::OptionAfterPayload { number: OptionNumber::URI_PATH }));
    let written = behind_header(|writer| {
        writer.payload(b"21").insert(OptionNumber::URI_PATH, b"a").payload(b".5").insert(OptionNumber::URI_HOST, b"h");
    });
    assert_eq!(written, hex(b"\x31h\x81a\xff21.5"));
}

#[test]
fn too_long_is_an_error_and_never_a_wrap() {
    for length in [65_805, 65_536 + 65_804, 131_072 + 7] {
        let expected = Err(WriteError::TooLong { length, limit: 65_804 });
        let value = vec![0; length];
        let append = |writer: &mut Writer<'_>| {
            writer.option(number(11), &value);
        };
        let insert = |writer: &mut Writer<'_>| {
            writer.option(number(12), b"").insert(number(11), &value);
        };
        for room in [300_000, 100, 4, 0] {
            assert_eq!(write(room, append), expected, "not a matter of room");
        }
        assert_eq!(write(300_000, insert), expected);
        // Between others it is first a matter of room; who makes room is told.
        assert!(matches!(write(100, insert), Err(WriteError::BufferTooSmall { needed }) if needed > length));
    }
    let longest = vec![7; 65_804];
    let append = |writer: &mut Writer<'_>| {
        writer.option(number(11), &longest);
    };
    let insert = |writer: &mut Writer<'_>| {
        writer.option(number(12), b"").insert(number(11), &longest);
    };
    assert!(write(70_000, append).is_ok());
    assert!(write(70_000, insert).is_ok());
}

#[test]
fn needed_is_exact_for_ascending_options_and_payloads_by_slice_and_text() {
    let build = |writer: &mut Writer<'_>| {
        writer.path("sensors/temp").query("u=Cel").option(number(300), &[7; 300]).payload(b"21");
        write!(writer, ".5{:>8.3}", 1.25).unwrap();
        writer.payload(b"!");
    };
    let length = write(4096, build).unwrap().len() / 2;
    for room in 0..length {
        assert_eq!(write(room, build), Err(WriteError::BufferTooSmall { needed: length }), "{room}");
    }
    assert!(write(length, build).is_ok());
}

#[test]
fn needed_with_insert_and_fill_is_more_than_there_was_and_retrying_ends() {
    let value = |length| vec![7; length];
    for calls in [
        vec![
            Call::Option(300, value(3)),
            Call::Insert(11, value(40)),
            Call::Insert(290, value(0)),
            Call::Insert(1, value(8)),
        ],
        vec![
            Call::Payload(value(30)),
            Call::Insert(300, value(13)),
            Call::Insert(11, value(269)),
            Call::Insert(11, vec![]),
        ],
        vec![Call::Option(2000, vec![]), Call::Fill(value(100)), Call::Insert(1999, vec![]), Call::Insert(0, vec![])],
        vec![Call::Fill(value(1))],
        vec![Call::Fill(vec![]), Call::Fill(value(1)), Call::Fill(vec![]), Call::Fill(value(2))],
        // The header of the follower shrinks by as much as the new one takes: such an option costs nothing.
        vec![Call::Option(280, vec![]), Call::Insert(12, vec![])],
        vec![Call::Option(24, vec![]), Call::Insert(12, vec![])],
        vec![Call::Option(24, vec![]), Call::Payload(value(9)), Call::Insert(12, vec![]), Call::Insert(12, vec![])],
    ] {
        let script = Script { kind: 1, code: 1, mid: 1, token: vec![1], calls };
        for room in 0..450 {
            assert!(script.check(room).is_ok());
        }
    }
}

#[test]
fn insert_finds_its_place_behind_options_of_the_same_number() {
    let written = behind_header(|writer| {
        writer
            .insert(OptionNumber::URI_QUERY, b"q")
            .insert(OptionNumber::URI_PATH, b"a")
            .insert(OptionNumber::URI_HOST, b"h")
            .insert(OptionNumber::URI_PATH, b"b")
            .insert(OptionNumber::URI_PATH, b"c");
    });
    assert_eq!(written, hex(b"\x31h\x81a\x01b\x01c\x41q"));
    // And `option` goes on from the highest number.
    let written = behind_header(|writer| {
        writer.insert(number(17), b"").insert(number(11), b"a").option(number(17), b"\x32");
    });
    assert_eq!(written, hex(b"\xb1a\x60\x01\x32"));
    let result = write(64, |writer| {
        writer.insert(number(17), b"").insert(number(11), b"a").option(number(12), b"");
    });
    assert_eq!(result, Err(WriteError::OutOfOrder { number: number(12), after: number(17) }));
}

/// RFC 7252 3.1: the delta of the option that follows is another one, and may take fewer bytes.
#[test]
fn insert_rewrites_the_header_of_the_option_that_follows() {
    for follower in [1, 12, 13, 14, 24, 25, 26, 268, 269, 270, 280, 281, 282, 537, 538, 539, 65_535] {
        for inserted in [0, 1, 11, 12, 13, 14, 255, 256, 257, 268, 269, 270, 281, 65_534, 65_535] {
            for length in [0, 12, 13, 268, 269] {
                for late in [false, true] {
                    let mut calls = vec![Call::Option(follower, vec![9; 14]), Call::Insert(inserted, vec![7; length])];
                    calls.insert(if late { 2 } else { 1 }, Call::Payload(b"payload".to_vec()));
                    let script = Script { kind: 0, code: 1, mid: 1, token: vec![], calls };
                    let written = script.check(1000);
                    assert_eq!(written.unwrap(), model::encode(&script.outcome(usize::MAX).packet));
                }
            }
        }
    }
}

#[test]
fn the_payload_by_slice_by_text_and_in_place() {
    assert_eq!(
        behind_header(|writer| {
            writer.payload(b"");
        }),
        "",
        "no bytes, no marker"
    );
    assert_eq!(
        behind_header(|writer| {
            writer.fill(|_| 0);
        }),
        ""
    );
    assert_eq!(behind_header(|writer| writer.write_str("").unwrap()), "");
    let written = behind_header(|writer| {
        writer.payload(b"a").payload(b"").payload(b"b");
        let c = 'c';
        write!(writer, "{c}-{:02}", 7).unwrap();
        writer.fill(|room| {
            room[..2].copy_from_slice(b"de");
            2
        });
        writer.payload(b"f");
    });
    assert_eq!(written, hex(b"\xffabc-07def"));
}

#[test]
fn fill_lends_all_the_room_that_is_left_for_a_payload() {
    for (room, before, expected) in [
        // The marker's place is kept.
        (20, &b""[..], 15),
        (20, b"abc", 12),
        (6, b"", 1),
        (5, b"", 0),
        (4, b"", 0),
        (3, b"", 0),
        (0, b"", 0),
        (8, b"abc", 0),
        (7, b"abc", 0),
    ] {
        let mut lent = None;
        let result = write(room, |writer| {
            writer.payload(before).fill(|room| {
                lent = Some(room.len());
                room.fill(b'x');
                room.len()
            });
        });
        assert_eq!(lent, Some(expected), "{room} bytes, {before:?}");
        let fits = room >= 4 + if before.is_empty() { 0 } else { 1 + before.len() };
        assert_eq!(result.is_ok(), fits, "{room} bytes, {before:?}: {result:?}");
        if expected > 0 {
            assert_eq!(result.unwrap().len() / 2, room, "filled to the last byte");
        }
    }
}

#[test]
fn fill_says_that_it_wanted_more() {
    let result = write(20, |writer| {
        writer.fill(|room| room.len() + 1);
    });
    assert_eq!(result, Err(WriteError::BufferTooSmall { needed: 21 }));
    // However much is claimed: an error, never a wrap.
    for claimed in [usize::MAX, usize::MAX - 4, usize::MAX / 2] {
        for before in [&b""[..], b"abc"] {
            let result = write(20, |writer| {
                writer.payload(before).fill(|_| claimed).payload(b"more");
            });
            assert!(matches!(result, Err(WriteError::BufferTooSmall { needed }) if needed >= claimed), "{result:?}");
            let result = write(20, |writer| {
                writer.payload(before).fill(|_| claimed).fill(|_| claimed).insert(number(11), b"a");
            });
            assert!(matches!(result, Err(WriteError::BufferTooSmall { needed }) if needed >= claimed), "{result:?}");
        }
    }
}

#[test]
fn the_code_may_be_set_later() {
    let mut buffer = [0; 16];
    let length = Writer::new(&mut buffer, Header::empty_acknowledgement(1), b"\x53")
        .code(Code::CONTENT)
        .payload(b"21.5")
        .finish();
    assert_eq!(buffer[..length.unwrap()], *b"\x61\x45\x00\x01\x53\xff21.5");
    // At any time, and the last one counts.
    let length = Writer::new(&mut buffer, Header::acknowledgement(Code::CONTENT, 1), b"")
        .payload(b".")
        .code(Code::NOT_FOUND)
        .code(Code::BAD_OPTION)
        .finish();
    assert_eq!(buffer[..length.unwrap()], *b"\x60\x82\x00\x01\xff.");
    // An Empty message with content is one, whenever its code was set.
    let result = write(64, |writer| {
        writer.payload(b".").code(Code::EMPTY);
    });
    assert_eq!(result, Err(WriteError::EmptyWithContent));
    // Into a buffer that has no byte for it.
    for room in 0..4 {
        let result = write(room, |writer| {
            writer.code(Code::PUT);
        });
        assert_eq!(result, Err(WriteError::BufferTooSmall { needed: 4 }));
    }
}

#[test]
fn finish_says_the_same_twice() {
    let mut buffer = [0; 16];
    let mut writer = Writer::new(&mut buffer, GET, &[]);
    writer.path("a");
    assert_eq!(writer.finish(), Ok(6));
    assert_eq!(writer.finish(), Ok(6));
    let mut writer = Writer::new(&mut buffer, GET, &[]);
    writer.path("abcdefghijklmnopq");
    assert_eq!(writer.finish(), Err(WriteError::BufferTooSmall { needed: 23 }));
    assert_eq!(writer.finish(), Err(WriteError::BufferTooSmall { needed: 23 }));
}

/// RFC 7252 5.10: setters write what the getters read, and refuse what an option does not allow.
#[test]
fn setters_and_getters_fit_together() {
    let mut buffer = [0; 600];
    let header = Header::confirmable(Code::PUT, 1);
    let length = Writer::new(&mut buffer, header, &[])
        .if_match(b"")
        .if_match(b"12345678")
        .uri_host("example.org")
        .etag(b"e")
        .if_none_match()
        .observe(0xff_ffff)
        .uri_port(5683)
        .location_path("/created/here")
        .path("a//b/")
        .content_format(ContentFormat::JSON)
        .max_age(u32::MAX)
        .query("k=v")
        .query("")
        .hop_limit(255)
        .accept(ContentFormat::CBOR)
        .location_query("x")
        .block2(Block::new(3, true, 6).unwrap())
        .block1(Block::new(0, false, 0).unwrap())
        .size2(0)
        .proxy_uri("coap://h/")
        .proxy_scheme("coap")
        .size1(1 << 20)
        .echo(&[1; 40])
        .no_response(NoResponse::ALL)
        .request_tag(b"")
        .request_tag(b"tag")
        .finish()
        .unwrap();
    let message = Message::parse(&buffer[..length]).unwrap();
    common::view::check_all(&message, &agree::packet_of(&message));
    assert_eq!(message.unrecognised(|_| true).count(), 0);

    let strings = |strings: coaplet::wire::Strings<'_>| {
        strings.map(|string| string.map(str::to_owned)).collect::<Result<Vec<_>, _>>().unwrap()
    };
    assert!(message.if_match().eq([&b""[..], b"12345678"]));
    assert_eq!(message.uri_host(), Some("example.org"));
    assert_eq!(message.etag(), Some(&b"e"[..]));
    assert!(message.if_none_match());
    assert_eq!(message.observe(), Some(0xff_ffff));
    assert_eq!(message.uri_port(), Some(5683));
    assert_eq!(strings(message.location_path()), ["created", "here"]);
    assert_eq!(strings(message.uri_path()), ["a", "", "b", ""]);
    assert!(message.path_is("a//b/"));
    assert_eq!(message.content_format(), Some(ContentFormat::JSON));
    assert_eq!(message.max_age(), u32::MAX);
    assert_eq!(strings(message.uri_query()), ["k=v", ""]);
    assert_eq!(message.hop_limit(), Some(255));
    assert_eq!(message.accept(), Some(ContentFormat::CBOR));
    assert_eq!(strings(message.location_query()), ["x"]);
    assert_eq!(message.block2(), Block::new(3, true, 6).ok());
    assert_eq!(message.block1(), Block::new(0, false, 0).ok());
    assert_eq!((message.size2(), message.size1()), (Some(0), Some(1 << 20)));
    assert_eq!((message.proxy_uri(), message.proxy_scheme()), (Some("coap://h/"), Some("coap")));
    assert_eq!(message.echo(), Some(&[1; 40][..]));
    assert_eq!(message.no_response(), Some(NoResponse::ALL));
    assert!(message.request_tags().eq([&b""[..], b"tag"]));
}

/// RFC 7641 3.4: "the 24 least significant bits of a strictly increasing sequence number".
#[test]
fn observe_writes_the_24_lowest_bits() {
    for (value, expected) in
        [(0, "60"), (1, "6101"), (0x00ff_ffff, "63ffffff"), (0x0100_0000, "60"), (0xab00_0102, "620102")]
    {
        let written = behind_header(|writer| {
            writer.observe(value);
        });
        assert_eq!(written, expected);
    }
}

#[test]
fn setters_refuse_lengths_that_the_option_does_not_allow() {
    type Build<'a> = &'a dyn Fn(&mut Writer<'_>);
    let long = "a".repeat(1035);
    let too_long: [(u16, usize, Build<'_>); 11] = [
        (1, 8, &|writer| {
            writer.if_match(&[0; 9]);
        }),
        (3, 255, &|writer| {
            writer.uri_host(&long[..256]);
        }),
        (4, 8, &|writer| {
            writer.etag(&[0; 9]);
        }),
        (8, 255, &|writer| {
            writer.location_path(&long[..256]);
        }),
        (11, 255, &|writer| {
            writer.path(&format!("a/{}/b", &long[..256]));
        }),
        (15, 255, &|writer| {
            writer.query(&long[..256]);
        }),
        (20, 255, &|writer| {
            writer.location_query(&long[..256]);
        }),
        (35, 1034, &|writer| {
            writer.proxy_uri(&long);
        }),
        (39, 255, &|writer| {
            writer.proxy_scheme(&long[..256]);
        }),
        (252, 40, &|writer| {
            writer.echo(&[0; 41]);
        }),
        (292, 8, &|writer| {
            writer.request_tag(&[0; 9]);
        }),
    ];
    for (option, most, build) in too_long {
        let length = if option == 35 {
            1035
        } else if most == 255 {
            256
        } else {
            most + 1
        };
        let expected = WriteError::ValueTooLong { number: number(option), length, limit: most };
        assert_eq!(write(2000, build), Err(expected));
    }
    let too_short: [(u16, Build<'_>); 5] = [
        (3, &|writer| {
            writer.uri_host("");
        }),
        (4, &|writer| {
            writer.etag(b"");
        }),
        (35, &|writer| {
            writer.proxy_uri("");
        }),
        (39, &|writer| {
            writer.proxy_scheme("");
        }),
        (252, &|writer| {
            writer.echo(b"");
        }),
    ];
    for (option, build) in too_short {
        let expected = WriteError::ValueTooShort { number: number(option), length: 0, limit: 1 };
        assert_eq!(write(2000, build), Err(expected));
    }
}

/// RFC 7252 5.7: a proxy takes the host out, and puts its own mark in.
#[test]
fn a_proxy_copies_a_message_with_some_options_changed() {
    // CON PUT: Uri-Host, two Uri-Path, Content-Format, Proxy-Uri, payload.
    let request = unhex("44031234 01020304 34686f7374 8173 0474656d70 1132 d20a6161 ff 7b7d");
    let message = Message::parse(&request).unwrap();
    let mut buffer = [0; 64];
    let length = Writer::new(&mut buffer, Header::non_confirmable(message.code(), 7), &[0xaa; 2])
        .copy_from(&message, |number, _| number != OptionNumber::URI_HOST && number != OptionNumber::PROXY_URI)
        .insert(OptionNumber::HOP_LIMIT, &[15])
        .insert(OptionNumber::URI_HOST, b"inner")
        .finish()
        .unwrap();
    let copied = agree::check(&buffer[..length]).unwrap();
    assert_eq!((copied.kind, copied.code, copied.mid, &copied.token[..]), (1, 3, 7, &[0xaa; 2][..]));
    let expected: [(u16, &[u8]); 5] = [(3, b"inner"), (11, b"s"), (11, b"temp"), (12, b"2"), (16, b"\x0f")];
    let expected: Vec<_> = expected.into_iter().map(|(number, value)| (number, value.to_vec())).collect();
    assert_eq!((copied.options, &copied.payload[..]), (expected, &b"{}"[..]));
}

/// Options that are there already find their place among those that are copied, and stand before them.
#[test]
fn copy_from_into_a_message_with_options() {
    let request = unhex("40011234 b161 0162");
    let message = Message::parse(&request).unwrap();
    let written = behind_header(|writer| {
        writer.uri_host("h").path("z").uint(OptionNumber::ACCEPT, 0).copy_from(&message, |_, _| true);
    });
    assert_eq!(written, hex(b"\x31h\x81z\x01a\x01b\x60"));
}

#[test]
fn errors_say_what_to_do() {
    let code = Code::from_byte(0xe1);
    for error in [
        WriteError::BufferTooSmall { needed: 1153 },
        WriteError::OutOfOrder { number: number(3), after: number(11) },
        WriteError::OptionAfterPayload { number: number(11) },
        WriteError::ValueTooLong { number: number(3), length: 256, limit: 255 },
        WriteError::ValueTooShort { number: number(3), length: 0, limit: 1 },
        WriteError::TooLong { length: 65_805, limit: 65_804 },
        WriteError::EmptyWithContent,
        WriteError::ReservedCodeClass { code },
        WriteError::RequestInAcknowledgement,
        WriteError::ResetNotEmpty,
    ] {
        let text = error.to_string();
        assert!(text.len() > 15 && !text.contains("WriteError"), "{text}");
        let _: &dyn core::error::Error = &error;
    }
    assert!(WriteError::BufferTooSmall { needed: 1153 }.to_string().contains("1153"));
}

/// Feature `alloc`: the vector grows until the message fits.
#[cfg(feature = "alloc")]
#[test]
fn to_vec_grows_until_it_fits() {
    for length in [0, 1, 100, 123, 124, 1000, 70_000] {
        let payload = vec![7; length];
        let written = coaplet::wire::to_vec(GET, &[1], |writer| {
            writer.insert(number(17), b"").insert(number(11), b"a").payload(&payload);
        });
        let packet = agree::check(&written.unwrap()).unwrap();
        assert_eq!(packet.payload.len(), length);
        assert_eq!(packet.options, [(11, b"a".to_vec()), (17, vec![])]);
    }
    let failed = coaplet::wire::to_vec(GET, &[1], |writer| {
        writer.payload(b".").option(number(1), b"");
    });
    assert_eq!(failed, Err(WriteError::OptionAfterPayload { number: number(1) }));
}
