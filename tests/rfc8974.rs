//! RFC 8974 section 2.1: token lengths 13 and 14 in the TKL field announce an extended length, 15 stays reserved.

mod common;

use coaplet::wire::{Code, Header, Message, Token, WriteError, Writer};
use common::agree;
use common::grammar::Fault;

/// The datagram of a NON GET with a payload, by hand.
fn datagram(tkl: u8, extension: &[u8], token: &[u8]) -> Vec<u8> {
    [&[0x50 | tkl, 1, 0xab, 0xcd], extension, token, b"\xff."].concat()
}

#[test]
fn s2_1_zero_to_twelve_directly_13_plus_a_byte_14_plus_two() {
    for (length, tkl, extension) in [
        (0, 0, &[][..]),
        (8, 8, &[]),
        (9, 9, &[]),
        (12, 12, &[]),
        (13, 13, &[0]),
        (14, 13, &[1]),
        (268, 13, &[255]),
        (269, 14, &[0, 0]),
        (270, 14, &[0, 1]),
        (65_535, 14, &[0xfe, 0xf2]),
        (65_804, 14, &[255, 255]),
    ] {
        let token: Vec<u8> = (0..length).map(|at: usize| (at % 251) as u8).collect();
        let expected = datagram(tkl, extension, &token);

        let packet = agree::check(&expected).unwrap();
        assert!(packet.token == token, "{length}");
        assert_eq!(packet.payload, b".");

        let mut buffer = vec![0; expected.len()];
        let header = Header::non_confirmable(Code::GET, 0xabcd);
        let written = Writer::new(&mut buffer, header, &token).payload(b".").finish();
        assert_eq!(written, Ok(expected.len()));
        assert!(buffer == expected, "{length}");
        // One byte less does not do, and the error says how many do.
        buffer.pop();
        let written = Writer::new(&mut buffer, header, &token).payload(b".").finish();
        assert_eq!(written, Err(WriteError::BufferTooSmall { needed: expected.len() }));
    }
}

#[test]
fn s2_1_fifteen_must_be_processed_as_a_message_format_error() {
    for tail in [&b""[..], b"\x00", &[0; 300]] {
        let rejected = agree::check(&[b"\x4f\x01\x00\x07", tail].concat()).unwrap_err();
        assert_eq!((rejected.fault, rejected.offset, rejected.reset), (Fault::TokenLengthReserved, 0, Some(7)));
        assert!(Message::parse(&[b"\x4f\x01\x00\x07", tail].concat()).unwrap_err().is_format_error());
    }
}

#[test]
fn s2_1_the_extension_precedes_the_token_and_both_have_to_be_there() {
    for (bytes, fault) in [
        (&b"\x4d\x01\x00\x07"[..], Fault::TruncatedTokenLength),
        (b"\x4e\x01\x00\x07", Fault::TruncatedTokenLength),
        (b"\x4e\x01\x00\x07\x00", Fault::TruncatedTokenLength),
        (b"\x4d\x01\x00\x07\x00", Fault::TruncatedToken),
        (b"\x4d\x01\x00\x07\x00aaaaaaaaaaaa", Fault::TruncatedToken),
        (b"\x4e\x01\x00\x07\x00\x00", Fault::TruncatedToken),
        (b"\x4e\x01\x00\x07\xff\xffaaaa", Fault::TruncatedToken),
        (b"\x49\x01\x00\x07aaaaaaaa", Fault::TruncatedToken),
    ] {
        let rejected = agree::check(bytes).unwrap_err();
        assert_eq!((rejected.fault, rejected.offset, rejected.reset), (fault, bytes.len(), Some(7)), "{bytes:02x?}");
    }
}

#[test]
fn s2_1_the_longest_token_is_65804_bytes() {
    let mut buffer = vec![0; 70_000];
    let header = Header::confirmable(Code::GET, 1);
    let written = Writer::new(&mut buffer, header, &vec![1; 65_804]).finish();
    assert_eq!(written, Ok(4 + 2 + 65_804));
    let written = Writer::new(&mut buffer, header, &vec![1; 65_805]).finish();
    assert_eq!(written, Err(WriteError::TooLong { length: 65_805, limit: 65_804 }), "an error, never a wrap");
}

#[test]
fn s2_1_tokens_of_up_to_8_bytes_are_held_by_value_longer_ones_as_slices() {
    for length in 0..=20 {
        let bytes: Vec<u8> = (1..=length).collect();
        match Token::try_from(&bytes[..]) {
            Ok(token) => assert_eq!((token.as_bytes(), length <= 8), (&bytes[..], true)),
            Err(_) => assert!(length > 8),
        }
    }
    // A token is its bytes and its length: zeros count.
    assert_ne!(Token::try_from(&[0][..]).unwrap(), Token::try_from(&[][..]).unwrap());
    assert_ne!(Token::try_from(&[1][..]).unwrap(), Token::try_from(&[1, 0][..]).unwrap());
}
