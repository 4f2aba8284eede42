//! RFC 7252 section 5.4, Options, and 5.10, Option Definitions: what a receiver must refuse, and the typed getters.

mod common;

use coaplet::wire::{Block, Code, ContentFormat, Header, Message, OptionFormat, OptionNumber, ValueError, Writer};
use common::registry::{self, Repeat, Shape};
use common::{agree, model, view};

const NONE: [u16; 0] = [];

/// A datagram with these options, in the order given.
fn datagram(first: u8, code: u8, options: &[(u16, &[u8])]) -> Vec<u8> {
    let packet = common::grammar::Packet {
        kind: first >> 4 & 3,
        code,
        mid: 1,
        token: vec![],
        options: options.iter().map(|(number, value)| (*number, value.to_vec())).collect(),
        payload: vec![],
    };
    model::encode(&packet)
}

fn get(options: &[(u16, &[u8])]) -> Vec<u8> {
    datagram(0x40, 0x01, options)
}

fn content(options: &[(u16, &[u8])]) -> Vec<u8> {
    datagram(0x60, 0x45, options)
}

/// The numbers for which the message is to be refused, by one who knows all options of the registry.
fn refused(datagram: &[u8]) -> Vec<u16> {
    let message = Message::parse(datagram).unwrap();
    let packet = agree::packet_of(&message);
    view::check_all(&message, &packet);
    message.unrecognised(|number| number.name().is_some()).map(|(number, _)| number.get()).collect()
}

fn with<T>(datagram: &[u8], read: impl FnOnce(Message<'_>) -> T) -> T {
    let message = Message::parse(datagram).unwrap();
    view::check_all(&message, &agree::packet_of(&message));
    read(message)
}

/// The table that these tests use, transcribed from the RFCs, and the library's own: the same for every number.
#[test]
fn s5_10_formats_lengths_and_repeatability() {
    for number in 0..=u16::MAX {
        let option = OptionNumber::new(number);
        let row = registry::find(number);
        let format = row.map(|row| match row.shape {
            Shape::Empty => OptionFormat::Empty,
            Shape::Opaque => OptionFormat::Opaque,
            Shape::Uint => OptionFormat::Uint,
            Shape::Text => OptionFormat::String,
        });
        assert_eq!(option.format(), format, "{option}");
        assert_eq!(option.length_range(), row.map(|row| row.least..=row.most), "{option}");
        assert_eq!(option.is_repeatable(true), row.is_none_or(|row| row.repeat != Repeat::Never), "{option}");
        assert_eq!(option.is_repeatable(false), row.is_none_or(|row| row.repeat == Repeat::Anywhere), "{option}");
        if let Some(row) = row {
            assert_eq!(option.name(), Some(row.name));
        }
    }
}

#[test]
fn s5_4_1_unrecognised_options_of_class_critical_are_listed_elective_ones_ignored() {
    assert_eq!(refused(&get(&[(24, b""), (25, b"a"), (26, b"b")])), [25]);
    assert_eq!(refused(&get(&[(65_000, b""), (65_001, b""), (65_001, b""), (65_535, b"")])), [65_001, 65_001, 65_535]);
    assert_eq!(refused(&content(&[(9, b"\x01"), (33, b"")])), [33]);
    // What is known is for the receiver to say.
    let datagram = get(&[(11, b"a"), (17, b""), (25, b"")]);
    let message = Message::parse(&datagram).unwrap();
    let refuse = |known: &[u16]| {
        message.unrecognised(|number| known.contains(&number.get())).map(|(number, _)| number.get()).collect::<Vec<_>>()
    };
    assert_eq!(refuse(&[11, 17, 25]), NONE);
    assert_eq!(refuse(&[11, 25]), [17]);
    assert_eq!(refuse(&[]), [11, 17, 25]);
}

#[test]
fn s5_4_1_in_a_response_critical_options_count_as_well() {
    for (first, code) in [(0x60, 0x45), (0x40, 0x45), (0x50, 0x84)] {
        assert_eq!(refused(&datagram(first, code, &[(8, b"a"), (25, b""), (26, b"")])), [25]);
    }
}

#[test]
fn s5_4_3_a_length_outside_the_defined_range_makes_an_option_unrecognised() {
    let mut tried = 0;
    for row in registry::OPTIONS {
        let lengths = [row.least.wrapping_sub(1), row.least, row.most, row.most.wrapping_add(1)]
            .into_iter()
            .filter(|n| *n < 2000);
        for length in lengths {
            let value = vec![b'a'; length];
            let outside = length < row.least || length > row.most;
            let expected = if outside && row.number % 2 == 1 { vec![row.number] } else { vec![] };
            assert_eq!(refused(&get(&[(row.number, &value)])), expected, "{} of {length} bytes", row.name);
            tried += 1;
        }
    }
    assert!(tried > 80, "{tried}");
}

#[test]
fn s5_4_5_each_supernumerary_occurrence_is_unrecognised() {
    for row in registry::OPTIONS {
        let value = vec![b'a'; row.least];
        let thrice = [(row.number, &value[..]); 3];
        for (datagram, request) in [(get(&thrice), true), (content(&thrice), false)] {
            let may = row.repeat == Repeat::Anywhere || (row.repeat == Repeat::Requests && request);
            let expected = if row.number % 2 == 1 && !may { vec![row.number; 2] } else { vec![] };
            assert_eq!(refused(&datagram), expected, "{}", row.name);
        }
    }
    // The first one counts, whatever it is; the second is supernumerary, however right it is.
    assert_eq!(refused(&get(&[(3, b""), (3, b"b")])), [3, 3]);
    assert_eq!(with(&get(&[(3, b"a"), (3, b"b")]), |message| message.uri_host().map(str::to_owned)), Some("a".into()));
}

#[test]
fn s3_2_a_string_that_is_not_utf8_is_not_recognised() {
    for row in registry::OPTIONS.iter().filter(|row| row.shape == Shape::Text) {
        let expected = if row.number % 2 == 1 { vec![row.number] } else { vec![] };
        assert_eq!(refused(&get(&[(row.number, b"a\xffb")])), expected, "{}", row.name);
    }
}

#[test]
fn s5_4_6_the_lowest_bits_of_the_number() {
    for number in 0..=u16::MAX {
        let option = OptionNumber::new(number);
        // Figure 11, as written there.
        assert_eq!(option.is_critical(), number & 1 != 0);
        assert_eq!(option.is_unsafe(), number & 2 != 0);
        assert_eq!(option.is_no_cache_key(), (number & 0x1e) == 0x1c);
        assert_eq!(option.get(), number);
    }
}

#[test]
fn s5_10_1_uri_host_uri_port_uri_path_uri_query() {
    let datagram = get(&[(3, b"host"), (7, b"\x16\x33"), (11, b"sensors"), (11, b"temp"), (15, b"u=Cel"), (15, b"")]);
    with(&datagram, |message| {
        assert_eq!(message.uri_host(), Some("host"));
        assert_eq!(message.uri_port(), Some(5683));
        assert_eq!(message.uri_path().collect::<Result<Vec<_>, _>>().unwrap(), ["sensors", "temp"]);
        assert_eq!(message.uri_query().collect::<Result<Vec<_>, _>>().unwrap(), ["u=Cel", ""]);
    });
    with(&get(&[]), |message| {
        assert_eq!((message.uri_host(), message.uri_port()), (None, None));
        assert_eq!((message.uri_path().count(), message.uri_query().count()), (0, 0));
    });
    // Out of range, not UTF-8.
    assert_eq!(with(&get(&[(3, b"")]), |message| message.uri_host().map(str::to_owned)), None);
    assert_eq!(with(&get(&[(3, b"\xff")]), |message| message.uri_host().map(str::to_owned)), None);
    assert_eq!(with(&get(&[(7, b"\0\0\x16")]), |message| message.uri_port()), None);
    // "leading zeros" are no fault, and port 0 is a number.
    assert_eq!(with(&get(&[(7, b"\0\x07")]), |message| message.uri_port()), Some(7));
    assert_eq!(with(&get(&[(7, b"")]), |message| message.uri_port()), Some(0));
}

#[test]
fn s5_10_1_a_bad_segment_is_an_error_in_its_place() {
    let long = [b'a'; 256];
    with(&get(&[(11, b"a"), (11, b"b\xc3("), (11, &long), (11, b"c")]), |message| {
        let expected =
            [Ok("a"), Err(ValueError::NotUtf8 { offset: 1 }), Err(ValueError::TooLong { length: 256 }), Ok("c")];
        assert!(message.uri_path().eq(expected));
    });
}

#[test]
fn s6_4_path_is() {
    for (segments, same, other) in [
        (&[][..], &["", "/"][..], &["a", "//", "/a", " "][..]),
        (&["a"], &["a", "/a"], &["", "/", "a/", "/a/", "//a", "b", "A", "ab"]),
        (&["a", "b"], &["a/b", "/a/b"], &["a", "b", "a/b/", "a//b", "ab", "a/b/c", "%61/b"]),
        (&["a", ""], &["a/", "/a/"], &["a", "a//"]),
        (&["", ""], &["//"], &["", "/", "///"]),
        (&["", "a"], &["//a"], &["a", "/a"]),
        // Percent-encoding is undone when an URI is taken apart; a slash may be part of a segment then.
        (&["a/b"], &[], &["a/b", "a%2Fb"]),
        (&["€"], &["€", "/€"], &["%E2%82%AC"]),
    ] {
        let options: Vec<_> = segments.iter().map(|segment| (11, segment.as_bytes())).collect();
        with(&get(&options), |message| {
            for path in same {
                assert!(message.path_is(path), "{segments:?} is {path:?}");
            }
            for path in other {
                assert!(!message.path_is(path), "{segments:?} is not {path:?}");
            }
        });
        // What the writer makes of a path is that path.
        for path in same {
            let mut buffer = [0; 64];
            let length = Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &[]).path(path).finish().unwrap();
            assert_eq!(buffer[..length], get(&options), "{path:?}");
        }
    }
    // Errata list, 5: a single empty Uri-Path never comes from a URI, and need not be the root.
    assert!(!with(&get(&[(11, b"")]), |message| message.path_is("/") || message.path_is("")));
}

#[test]
fn s5_10_2_proxy_uri_and_proxy_scheme() {
    let long = [b'a'; 1035];
    with(&get(&[(35, b"coap://h/"), (39, b"http")]), |message| {
        assert_eq!((message.proxy_uri(), message.proxy_scheme()), (Some("coap://h/"), Some("http")));
    });
    with(&get(&[(35, &long[..1034]), (39, &long[..255])]), |message| {
        assert_eq!(message.proxy_uri().map(str::len), Some(1034));
        assert_eq!(message.proxy_scheme().map(str::len), Some(255));
    });
    with(&get(&[(35, &long), (39, &long[..256])]), |message| {
        assert_eq!((message.proxy_uri(), message.proxy_scheme()), (None, None));
    });
    with(&get(&[(35, b""), (39, b"")]), |message| {
        assert_eq!((message.proxy_uri(), message.proxy_scheme()), (None, None));
    });
}

#[test]
fn s5_10_3_content_format_and_5_10_4_accept() {
    with(&get(&[(12, b""), (17, b"\x32")]), |message| {
        assert_eq!(message.content_format(), Some(ContentFormat::TEXT_PLAIN));
        assert_eq!(message.accept(), Some(ContentFormat::JSON));
    });
    with(&get(&[(12, b"\x2b\x2a"), (17, b"\0\x28")]), |message| {
        assert_eq!(message.content_format(), Some(ContentFormat::JSON_DEFLATE));
        assert_eq!(message.accept(), Some(ContentFormat::LINK_FORMAT));
    });
    with(&get(&[(12, b"\0\0\x28"), (17, b"\0\0\x28")]), |message| {
        assert_eq!((message.content_format(), message.accept()), (None, None));
    });
    with(&get(&[]), |message| assert_eq!((message.content_format(), message.accept()), (None, None)));
}

#[test]
fn s5_10_5_max_age_and_its_default_of_60() {
    for (value, expected) in [
        (&b""[..], 0),
        (b"\0", 0),
        (b"\x3c", 60),
        (b"\x0e\x10", 3600),
        (b"\xff\xff\xff\xff", u32::MAX),
        // Elective and out of range: as if it were not there (5.4.1, 5.4.3).
        (b"\0\0\0\0\x01", 60),
    ] {
        assert_eq!(with(&content(&[(14, value)]), |message| message.max_age()), expected, "{value:?}");
    }
    assert_eq!(with(&content(&[]), |message| message.max_age()), 60);
}

#[test]
fn s5_10_6_etag() {
    with(&content(&[(4, b"\x01\x02\x03\x04\x05\x06\x07\x08")]), |message| {
        assert_eq!(message.etag(), Some(&[1, 2, 3, 4, 5, 6, 7, 8][..]));
    });
    for bad in [&b""[..], b"123456789"] {
        assert_eq!(with(&content(&[(4, bad)]), |message| message.etag().map(<[u8]>::to_vec)), None);
    }
    with(&get(&[(4, b"a"), (4, b"b"), (4, b"c")]), |message| {
        assert!(message.etags().eq([b"a", b"b", b"c"]));
    });
}

#[test]
fn s5_10_7_location_path_and_location_query() {
    with(&datagram(0x60, 0x41, &[(8, b"a"), (8, b"b"), (20, b"c=d")]), |message| {
        assert_eq!(message.location_path().collect::<Result<Vec<_>, _>>().unwrap(), ["a", "b"]);
        assert_eq!(message.location_query().collect::<Result<Vec<_>, _>>().unwrap(), ["c=d"]);
    });
}

/// "If any of these reserved option numbers occurs in addition to Location-Path and/or Location-Query and are not
/// supported, then a 4.02 (Bad Option) error MUST be returned", by erratum 4949: the response is rejected.
#[test]
fn s5_10_7_reserved_location_numbers_next_to_a_location() {
    for reserved in [128, 132, 136, 140] {
        assert_eq!(refused(&datagram(0x60, 0x41, &[(8, b"a"), (reserved, b"")])), [reserved]);
        assert_eq!(refused(&datagram(0x60, 0x41, &[(20, b"a"), (reserved, b"")])), [reserved]);
        // A receiver that supports it.
        let datagram = datagram(0x60, 0x41, &[(8, b"a"), (reserved, b"")]);
        let message = Message::parse(&datagram).unwrap();
        assert_eq!(message.unrecognised(|_| true).count(), 0);
    }
}

/// Without a location there is nothing that they would change: elective, and to be ignored (5.4.1).
#[test]
fn s5_10_7_reserved_location_numbers_on_their_own_are_elective() {
    for reserved in [128, 132, 136, 140] {
        assert_eq!(refused(&datagram(0x60, 0x41, &[(reserved, b"")])), NONE);
        assert_eq!(refused(&get(&[(8, b"a"), (reserved, b"")])), NONE);
    }
    assert_eq!(refused(&datagram(0x60, 0x41, &[(8, b"a"), (144, b"")])), NONE);
}

#[test]
fn s5_10_8_if_match_and_if_none_match() {
    with(&datagram(0x40, 0x03, &[(1, b""), (1, b"12345678")]), |message| {
        assert!(message.if_match().eq([&b""[..], b"12345678"]));
        assert!(!message.if_none_match());
    });
    assert!(with(&datagram(0x40, 0x03, &[(5, b"")]), |message| message.if_none_match()));
    // One with a value is none, and as it is critical the request is refused for it.
    assert!(!with(&datagram(0x40, 0x03, &[(5, b"x")]), |message| message.if_none_match()));
    assert_eq!(refused(&datagram(0x40, 0x03, &[(5, b"x")])), [5]);
}

#[test]
fn s5_10_9_size1() {
    assert_eq!(with(&datagram(0x60, 0x8d, &[(60, b"\x04\0")]), |message| message.size1()), Some(1024));
    assert_eq!(with(&datagram(0x60, 0x8d, &[(60, b"\0\0\0\0\x01")]), |message| message.size1()), None);
}

#[test]
fn rfc7641_s2_observe_is_a_uint_of_0_to_3_bytes() {
    for (value, expected) in
        [(&b""[..], Some(0)), (b"\x01", Some(1)), (b"\xff\xff\xff", Some(0xff_ffff)), (b"\0\0\0\x01", None)]
    {
        assert_eq!(with(&get(&[(6, value)]), |message| message.observe()), expected);
    }
    assert_eq!(with(&get(&[]), |message| message.observe()), None);
}

#[test]
fn rfc7959_s2_2_block1_and_block2() {
    with(&get(&[(23, b"\x0e"), (27, b"\x16"), (28, b"\x01\0"), (60, b"")]), |message| {
        assert_eq!(message.block2(), Block::new(0, true, 6).ok());
        assert_eq!(message.block1(), Block::new(1, false, 6).ok());
        assert_eq!((message.size2(), message.size1()), (Some(256), Some(0)));
    });
    // "the explicit value 0" is a block of 16 bytes, absence is not.
    assert_eq!(with(&get(&[(23, b"")]), |message| message.block2().and_then(Block::size)), Some(16));
    assert_eq!(with(&get(&[]), |message| message.block2()), None);
    assert_eq!(with(&get(&[(23, b"\0\0\0\x06")]), |message| message.block2()), None);
}

#[test]
fn rfc8768_s3_hop_limit_is_one_byte() {
    assert_eq!(with(&get(&[(16, b"\x10")]), |message| message.hop_limit()), Some(16));
    assert_eq!(with(&get(&[(16, b"\0")]), |message| message.hop_limit()), Some(0));
    assert_eq!(with(&get(&[(16, b"")]), |message| message.hop_limit()), None);
    assert_eq!(with(&get(&[(16, b"\0\x10")]), |message| message.hop_limit()), None);
}

#[test]
fn rfc7967_s2_1_no_response() {
    assert_eq!(with(&get(&[(258, b"\x1a")]), |message| message.no_response().map(|which| which.get())), Some(26));
    assert_eq!(with(&get(&[(258, b"")]), |message| message.no_response().map(|which| which.get())), Some(0));
    assert_eq!(with(&get(&[(258, b"\0\x1a")]), |message| message.no_response()), None);
    assert_eq!(with(&get(&[]), |message| message.no_response()), None);
}

#[test]
fn rfc9175_echo_of_1_to_40_bytes_and_request_tags_of_0_to_8() {
    with(&get(&[(252, &[7; 40]), (292, b""), (292, b"12345678")]), |message| {
        assert_eq!(message.echo(), Some(&[7; 40][..]));
        assert!(message.request_tags().eq([&b""[..], b"12345678"]));
    });
    assert!(with(&get(&[(252, &[7; 41])]), |message| message.echo().is_none()));
    assert!(with(&get(&[(252, b"")]), |message| message.echo().is_none()));
}
