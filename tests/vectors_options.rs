//! Every row of every list of `vectors/options.json`, and the No-Response part of `vectors/behaviour.json`.
//!
//! Nibbles are not public: an option header is tried in a whole message, behind the header of a GET.

mod common;

use coaplet::wire::{Block, Code, Header, Message, OptionNumber, Writer, observe, uint};
use common::agree::{self, fault_of};
use common::grammar::Fault;
use common::vectors::{self, bytes, number, rows, text, truth};
use common::{hex, unhex};
use core::time::Duration;
use serde_json::Value;

/// CON GET, Message ID 1, no token.
const GET: [u8; 4] = [0x40, 0x01, 0x00, 0x01];

fn options() -> Value {
    vectors::file("options.json")
}

/// The lists of the file, so that a list which is added is not overlooked.
#[test]
fn every_list_is_known() {
    let file = options();
    // In the order of their names: serde_json keeps that of the file, if a feature of another crate wants it.
    let mut lists: Vec<_> =
        file.as_object().unwrap().iter().map(|(name, list)| (name.as_str(), list.as_array().unwrap().len())).collect();
    lists.sort_unstable();
    assert_eq!(
        lists,
        [
            ("block_option", 21),
            ("block_option_bad", 3),
            ("block_option_lenient", 3),
            ("extended_field", 8),
            ("observe_freshness", 14),
            ("option_header_encode", 43),
            ("option_header_parse", 21),
            ("option_number_flags", 31),
            ("uint", 13),
            ("uint_nonminimal", 4),
        ]
    );
}

/// The rows under a key, counted as they are tried.
fn each(key: &str, mut check: impl FnMut(&Value)) {
    let file = options();
    for row in rows(&file, key) {
        println!("{key}: {row}");
        check(row);
    }
}

/// RFC 7252 3.1, reading.
#[test]
fn option_header_parse() {
    // The vectors say that these are bad; why they are follows from 3.1.
    let why = |hex: &str| match hex {
        "f300" | "f26162" => Fault::OptionDeltaReserved,
        "3f00" | "2f6162" => Fault::OptionLengthReserved,
        "ff" => Fault::PayloadMarkerWithoutPayload,
        "e0ffff" => Fault::OptionNumberOverflow,
        "d0" | "eeff0b" => Fault::TruncatedOptionHeader,
        "defffef2616263" | "eefef200dd616263" => Fault::TruncatedOptionValue,
        other => panic!("no reason known for {other}"),
    };
    let (mut good, mut bad) = (0, 0);
    each("option_header_parse", |row| {
        let mut datagram = GET.to_vec();
        match row.get("hex_prefix") {
            Some(prefix) => {
                datagram.extend(unhex(prefix.as_str().unwrap()));
                datagram.extend(bytes(row, "fill").repeat(number(row, "fill_count") as usize));
            }
            None => datagram.extend(bytes(row, "hex")),
        }
        let _ = agree::check(&datagram);
        match Message::parse(&datagram) {
            Ok(message) => {
                assert!(truth(row, "valid"));
                let options: Vec<_> = message.options().collect();
                let [(found, value)] = options[..] else { panic!("one option, not {}", options.len()) };
                assert_eq!(u64::from(found.get()), number(row, "delta"));
                assert_eq!(value.len() as u64, number(row, "length"));
                assert_eq!(value, &datagram[datagram.len() - value.len()..]);
                assert!(message.payload().is_empty());
                good += 1;
            }
            Err(error) => {
                assert!(!truth(row, "valid"), "{error}");
                assert_eq!(fault_of(error.kind()), why(text(row, "hex")), "{error}");
                bad += 1;
            }
        }
    });
    assert_eq!((good, bad), (11, 10));
}

/// RFC 7252 3.1, writing: the delta from 0 is the number.
#[test]
fn option_header_encode() {
    let mut ran = 0;
    each("option_header_encode", |row| {
        let (delta, length) = (number(row, "delta") as u16, number(row, "length") as usize);
        let value = vec![0x5a; length];
        let expected = [&GET[..], &bytes(row, "header_hex"), &value].concat();

        let mut buffer = vec![0; expected.len()];
        let header = Header::confirmable(Code::GET, 1);
        let written = Writer::new(&mut buffer, header, &[]).option(OptionNumber::new(delta), &value).finish();
        assert_eq!(written, Ok(expected.len()));
        assert_eq!(hex(&buffer[..16.min(buffer.len())]), hex(&expected[..16.min(expected.len())]));
        assert!(buffer == expected);

        let message = Message::parse(&buffer).unwrap();
        assert!(message.options().eq([(OptionNumber::new(delta), &value[..])]));
        let _ = agree::check(&buffer).unwrap();

        // The same delta and length with another option in front.
        if let Some(number) = delta.checked_add(7) {
            let expected = [&GET[..], &[0x70], &bytes(row, "header_hex"), &value].concat();
            let mut buffer = vec![0; expected.len()];
            let written = Writer::new(&mut buffer, header, &[])
                .option(OptionNumber::new(7), &[])
                .option(OptionNumber::new(number), &value)
                .finish();
            assert_eq!(written, Ok(expected.len()));
            assert!(buffer == expected);
        }
        ran += 1;
    });
    assert_eq!(ran, 43);
}

/// RFC 7252 3.1 for delta and length, RFC 8974 2.1 for the token length: the same field three times.
#[test]
fn extended_field() {
    let mut ran = 0;
    each("extended_field", |row| {
        let (nibble, following, rest) =
            (number(row, "nibble") as u8, bytes(row, "following_hex"), bytes(row, "rest_hex"));
        let extension = &following[..following.len() - rest.len()];
        let expected = number(row, "value") as usize;

        // As the delta of an option that has the rest for its value.
        let datagram = [&GET[..], &[nibble << 4 | rest.len() as u8], &following].concat();
        let message = Message::parse(&datagram).unwrap();
        assert!(message.options().eq([(OptionNumber::new(expected as u16), &rest[..])]));

        // As the length of a value that begins with the rest, or with as much of it as it has room for.
        let mut value = rest.clone();
        value.resize(expected, 0x5a);
        let datagram = [&GET[..], &[nibble], extension, &value].concat();
        let message = Message::parse(&datagram).unwrap();
        assert!(message.options().eq([(OptionNumber::new(0), &value[..])]));

        // As the length of the token.
        let datagram = [&[0x40 | nibble], &GET[1..], extension, &value, &[0xff], b"."].concat();
        let message = Message::parse(&datagram).unwrap();
        assert_eq!((message.token(), message.payload()), (&value[..], &b"."[..]));

        // A byte less of the extension is a byte too few.
        if let Some((_, short)) = extension.split_last() {
            for (datagram, fault) in [
                ([&GET[..], &[nibble << 4], short].concat(), Fault::TruncatedOptionHeader),
                ([&GET[..], &[nibble], short].concat(), Fault::TruncatedOptionHeader),
                ([&[0x40 | nibble], &GET[1..], short].concat(), Fault::TruncatedTokenLength),
            ] {
                assert_eq!(agree::check(&datagram).unwrap_err().fault, fault);
            }
        }
        ran += 1;
    });
    assert_eq!(ran, 8);
}

/// RFC 7252 3.2: the shortest form is written, and read.
#[test]
fn uint_shortest() {
    let mut ran = 0;
    each("uint", |row| {
        let (value, shortest) = (number(row, "value") as u32, bytes(row, "hex"));
        assert_eq!(uint::encode(value).as_bytes(), shortest);
        assert_eq!(uint::decode(&shortest), Some(value));

        let mut buffer = [0; 16];
        let length = Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &[])
            .uint(OptionNumber::MAX_AGE, value)
            .finish()
            .unwrap();
        assert_eq!(buffer[..length], [&GET[..], &[0xd0 | shortest.len() as u8, 1], &shortest].concat());
        assert_eq!(Message::parse(&buffer[..length]).unwrap().max_age(), value);
        ran += 1;
    });
    assert_eq!(ran, 13);
}

/// RFC 7252 3.2: "A recipient MUST be prepared to process values with leading zero bytes."
#[test]
fn uint_nonminimal() {
    let mut ran = 0;
    each("uint_nonminimal", |row| {
        let (value, long) = (number(row, "value") as u32, bytes(row, "hex"));
        assert_eq!(uint::decode(&long), Some(value));
        let datagram = [&GET[..], &[0xd0 | long.len() as u8, 1], &long].concat();
        assert_eq!(Message::parse(&datagram).unwrap().max_age(), value);
        ran += 1;
    });
    assert_eq!(ran, 4);
    // A uint of any kind ends at 4 bytes, even if they are zeros.
    assert_eq!(uint::decode(&[0; 5]), None);
}

/// RFC 7959 2.2; SZX 7 as in RFC 8323 6.
#[test]
fn block_option() {
    let mut ran = 0;
    each("block_option", |row| {
        let (num, more, szx) = (number(row, "num") as u32, truth(row, "more"), number(row, "szx") as u8);
        let size = row["size"].as_u64().map(|size| size as u16);
        let value = bytes(row, "hex");

        let block = Block::from_value(&value).unwrap();
        assert_eq!((block.num(), block.more(), block.szx(), block.size()), (num, more, szx, size));
        assert_eq!(Block::new(num, more, szx), Ok(block));
        assert_eq!(uint::encode(block.value()).as_bytes(), value);

        let mut buffer = [0; 16];
        let length = Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &[])
            .block2(block)
            .block1(block)
            .finish()
            .unwrap();
        let message = Message::parse(&buffer[..length]).unwrap();
        assert!(message.options().eq([(OptionNumber::BLOCK2, &value[..]), (OptionNumber::BLOCK1, &value[..])]));
        assert_eq!((message.block1(), message.block2()), (Some(block), Some(block)));
        ran += 1;
    });
    assert_eq!(ran, 21);
}

/// RFC 7252 3.2 for the uint that a block is.
#[test]
fn block_option_lenient() {
    let mut ran = 0;
    each("block_option_lenient", |row| {
        let decoded: Vec<u64> = rows(row, "decoded").iter().map(|value| value.as_u64().unwrap()).collect();
        let block = Block::from_value(&bytes(row, "hex")).unwrap();
        assert_eq!([u64::from(block.num()), u64::from(block.more()), u64::from(block.szx())], decoded[..]);
        ran += 1;
    });
    assert_eq!(ran, 3);
}

/// RFC 7959 2.2: SZX 7 "MUST lead to a 4.00 Bad Request", for which it has to be told apart; RFC 7252 5.4.3: a value
/// that is too long makes the option an unrecognised one.
#[test]
fn block_option_bad() {
    let (mut reserved, mut too_long) = (0, 0);
    each("block_option_bad", |row| {
        assert!(!truth(row, "valid"));
        let value = bytes(row, "hex");
        // Block2, number 23.
        let datagram = [&GET[..], &[0xd0 | value.len() as u8, 10], &value].concat();
        let message = Message::parse(&datagram).unwrap();
        let mut refused = message.unrecognised(|_| true);
        if value.len() > 3 {
            assert!(Block::from_value(&value).is_err());
            assert_eq!(message.block2(), None);
            assert_eq!(refused.next(), Some((OptionNumber::BLOCK2, &value[..])));
            too_long += 1;
        } else {
            // The option is recognised: the answer is 4.00 and not 4.02. No size is what tells it.
            assert_eq!(message.block2().map(|block| (block.szx(), block.size())), Some((7, None)));
            reserved += 1;
        }
        assert_eq!(refused.next(), None);
    });
    assert_eq!((reserved, too_long), (2, 1));
}

/// RFC 7252 5.4.6.
#[test]
fn option_number_flags() {
    let mut ran = 0;
    each("option_number_flags", |row| {
        let option = OptionNumber::new(number(row, "number") as u16);
        assert_eq!(option.is_critical(), truth(row, "critical"));
        assert_eq!(option.is_unsafe(), truth(row, "unsafe"));
        assert_eq!(option.is_no_cache_key(), truth(row, "no_cache_key"));
        ran += 1;
    });
    assert_eq!(ran, 31);
}

/// RFC 7641 3.4.
#[test]
fn observe_freshness() {
    let mut ran = 0;
    each("observe_freshness", |row| {
        let elapsed = Duration::from_secs(number(row, "t2") - number(row, "t1"));
        let (v1, v2) = (number(row, "v1") as u32, number(row, "v2") as u32);
        assert_eq!(observe::is_fresher(v1, v2, elapsed), truth(row, "newer"));
        ran += 1;
    });
    assert_eq!(ran, 14);
}

/// RFC 7967 2.1.
#[test]
fn no_response() {
    let file = vectors::file("behaviour.json");
    let mut ran = 0;
    for row in rows(&file, "no_response") {
        println!("{row}");
        let value = bytes(row, "option_hex");
        // No-Response, number 258.
        let datagram = [&GET[..], &[0xd0 | value.len() as u8, 245], &value].concat();
        let message = Message::parse(&datagram).unwrap();
        let unwanted = message.no_response().expect("the option is there");
        let suppressed = row["suppress"].as_object().unwrap();
        assert_eq!(suppressed.len(), 3);
        for (code, expected) in suppressed {
            let code = Code::from_byte(vectors::code(code));
            assert_eq!(unwanted.suppresses(code), expected.as_bool().unwrap(), "{code}");
        }
        ran += 1;
    }
    assert_eq!(ran, 7);
}
