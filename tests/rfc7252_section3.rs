//! RFC 7252 section 3, Message Format: header, token, options, values, payload; 4.1 and 4.2 for what may stand together.
//! Bytes written out by hand, and every header there is.

mod common;

use coaplet::wire::{Code, Header, Message, OptionNumber, ParseErrorKind, Type, WriteError, Writer, uint};
use common::agree;
use common::grammar::Fault::{self, *};

/// What is wrong, where, and the Message ID of the Reset that is owed. Both readers have to say so.
fn refused(datagram: &[u8]) -> (Fault, usize, Option<u16>) {
    let rejected = agree::check(datagram).expect_err("a datagram that is to be refused");
    (rejected.fault, rejected.offset, rejected.reset)
}

/// The options of a GET with these bytes behind its header.
fn options(bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let datagram = [b"\x40\x01\x12\x34", bytes].concat();
    agree::check(&datagram).expect("a datagram that is to be accepted").options
}

/// The same, refused; the offset is counted from behind the header.
fn bad_options(bytes: &[u8]) -> (Fault, usize) {
    let datagram = [b"\x40\x01\x12\x34", bytes].concat();
    let (fault, offset, reset) = refused(&datagram);
    assert_eq!(reset, Some(0x1234), "4.2: a Confirmable message with a format error is rejected");
    (fault, offset - 4)
}

/// A datagram of one option, by the writer.
fn write_option(number: u16, length: usize) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    let length = Writer::new(&mut buffer, Header::confirmable(Code::GET, 0x1234), &[])
        .option(OptionNumber::new(number), &vec![7; length])
        .finish()
        .unwrap();
    buffer.truncate(length);
    buffer
}

#[test]
fn s3_fields_of_the_header() {
    // Ver 1, T 2 (ACK), TKL 1; 2.05; Message ID in network byte order.
    let message = Message::parse(b"\x61\x45\x7d\x34\x20\xff22.3 C").unwrap();
    assert_eq!(message.message_type(), Type::Acknowledgement);
    assert_eq!(message.code(), Code::CONTENT);
    assert_eq!(message.message_id(), 0x7d34);
    assert_eq!(message.token(), b"\x20");
    assert_eq!(message.options().count(), 0);
    assert_eq!(message.payload(), b"22.3 C");
    assert_eq!(message.header(), Header::acknowledgement(Code::CONTENT, 0x7d34));
}

#[test]
fn s3_type_confirmable_0_non_confirmable_1_acknowledgement_2_reset_3() {
    for (byte, expected, name) in [
        (0x40, Type::Confirmable, "CON"),
        (0x50, Type::NonConfirmable, "NON"),
        (0x60, Type::Acknowledgement, "ACK"),
        (0x70, Type::Reset, "RST"),
    ] {
        let datagram = [byte, 0, 0xab, 0xcd];
        assert_eq!(Message::parse(&datagram).unwrap().message_type(), expected);
        assert_eq!(expected.to_string(), name);
        let mut buffer = [0; 4];
        let header = Header { message_type: expected, code: Code::EMPTY, message_id: 0xabcd };
        assert_eq!(Writer::new(&mut buffer, header, &[]).finish(), Ok(4));
        assert_eq!(buffer, datagram);
    }
}

#[test]
fn s3_at_least_four_bytes() {
    assert_eq!(refused(b""), (TruncatedHeader, 0, None));
    assert_eq!(refused(b"\x40"), (TruncatedHeader, 1, None));
    assert_eq!(refused(b"\x40\x01"), (TruncatedHeader, 2, None));
    assert_eq!(refused(b"\x40\x01\x00"), (TruncatedHeader, 3, None));
    // Too short comes before any other fault.
    assert_eq!(refused(b"\xff\xff\xff"), (TruncatedHeader, 3, None));
}

#[test]
fn s3_messages_with_unknown_version_numbers_must_be_silently_ignored() {
    for version in [0, 2, 3] {
        for low in 0..0x40 {
            assert_eq!(refused(&[version << 6 | low, 0x01, 0, 1]), (UnknownVersion, 0, None));
        }
    }
}

#[test]
fn s3_token_of_tkl_bytes() {
    for length in 0..=8u8 {
        let token: Vec<u8> = (0..length).collect();
        let datagram = [&[0x40 | length, 1, 0, 1], &token[..]].concat();
        assert_eq!(Message::parse(&datagram).unwrap().token(), token);
        for missing in 0..token.len() {
            let short = &datagram[..4 + missing];
            assert_eq!(refused(short), (TruncatedToken, short.len(), Some(1)));
        }
        let mut buffer = [0; 12];
        let written = Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &token).finish();
        assert_eq!(written.map(|length| &buffer[..length]), Ok(&datagram[..]));
    }
}

#[test]
fn s3_code_classes_1_6_and_7_are_reserved() {
    for byte in 0..=255u8 {
        let (class, detail) = (byte >> 5, byte & 31);
        assert_eq!((Code::from_byte(byte).class(), Code::from_byte(byte).detail()), (class, detail));
        assert_eq!(Code::new(class, detail).map(Code::to_byte), Some(byte));
        let datagram = [0x50, byte, 0, 1];
        match class {
            1 | 6 | 7 => assert_eq!(refused(&datagram), (ReservedCodeClass, 1, None)),
            _ => assert_eq!(Message::parse(&datagram).unwrap().code(), Code::from_byte(byte)),
        }
    }
}

#[test]
fn s3_payload_marker_and_payload() {
    let payload = |bytes: &[u8]| agree::check(&[b"\x40\x01\x12\x34", bytes].concat()).unwrap().payload;
    assert_eq!(payload(b""), b"", "the absence of the marker denotes a zero-length payload");
    assert_eq!(payload(b"\xff."), b".");
    assert_eq!(payload(b"\xff\xff"), b"\xff", "a payload may begin with the marker's value");
    assert_eq!(payload(b"\xff\xff\xff\x00"), b"\xff\xff\x00");
    assert_eq!(payload(b"\xb1a\xff\xb1a"), b"\xb1a", "no option is looked for behind the marker");
}

#[test]
fn s3_a_marker_followed_by_a_zero_length_payload_must_be_processed_as_a_message_format_error() {
    assert_eq!(bad_options(b"\xff"), (PayloadMarkerWithoutPayload, 0));
    assert_eq!(bad_options(b"\xb1a\xff"), (PayloadMarkerWithoutPayload, 2));
    assert_eq!(refused(b"\x52\x45\0\x01\xff\xff\xff"), (PayloadMarkerWithoutPayload, 6, None));
}

#[test]
fn s3_the_byte_0xff_may_also_occur_within_an_option_length_or_value() {
    assert_eq!(options(b"\xb2\xff\xff"), [(11, b"\xff\xff".to_vec())]);
    assert_eq!(options(b"\xe0\x00\xff\xff."), [(0x00ff + 269, vec![])]);
    let long = [b"\x0d\xff", &[0xff; 268][..], b"\xff."].concat();
    assert_eq!(options(&long), [(0, vec![0xff; 268])]);
}

#[test]
fn s3_1_deltas_are_summed() {
    assert_eq!(
        options(b"\x31h\x81a\x01b\xd1\x01q"),
        [(3, b"h".to_vec()), (11, b"a".to_vec()), (11, b"b".to_vec()), (25, b"q".to_vec())]
    );
}

#[test]
fn s3_1_option_delta_0_to_12_13_and_14() {
    for (delta, header) in [
        (0, &b"\x00"[..]),
        (1, b"\x10"),
        (12, b"\xc0"),
        (13, b"\xd0\x00"),
        (14, b"\xd0\x01"),
        (268, b"\xd0\xff"),
        (269, b"\xe0\x00\x00"),
        (270, b"\xe0\x00\x01"),
        (65_535, b"\xe0\xfe\xf2"),
    ] {
        assert_eq!(options(header), [(delta, vec![])]);
        assert_eq!(write_option(delta, 0)[4..], *header, "{delta}");
    }
}

#[test]
fn s3_1_option_length_0_to_12_13_and_14() {
    for (length, header) in [
        (0, &b"\x10"[..]),
        (1, b"\x11"),
        (12, b"\x1c"),
        (13, b"\x1d\x00"),
        (14, b"\x1d\x01"),
        (268, b"\x1d\xff"),
        (269, b"\x1e\x00\x00"),
        (270, b"\x1e\x00\x01"),
        (65_535, b"\x1e\xfe\xf2"),
        (65_804, b"\x1e\xff\xff"),
    ] {
        let bytes = [header, &vec![7; length]].concat();
        assert!(options(&bytes) == [(1, vec![7; length])], "{length}");
        assert!(write_option(1, length)[4..] == bytes, "{length}");
        // One byte short of it.
        if length > 0 {
            assert_eq!(bad_options(&bytes[..bytes.len() - 1]), (TruncatedOptionValue, bytes.len() - 1));
        }
    }
}

#[test]
fn s3_1_delta_and_length_both_extended() {
    assert_eq!(options(&[b"\xdd\x00\x00", &[7; 13][..]].concat()), [(13, vec![7; 13])]);
    assert_eq!(options(&[b"\xde\x00\x00\x00", &[7; 269][..]].concat()), [(13, vec![7; 269])]);
    assert_eq!(options(&[b"\xed\x00\x00\x00", &[7; 13][..]].concat()), [(269, vec![7; 13])]);
    assert_eq!(options(&[b"\xee\x00\x00\x00\x00", &[7; 269][..]].concat()), [(269, vec![7; 269])]);
}

#[test]
fn s3_1_delta_15_must_be_processed_as_a_message_format_error() {
    for length in 0..15 {
        assert_eq!(bad_options(&[0xf0 | length, 0, 0]), (OptionDeltaReserved, 0));
        assert_eq!(bad_options(&[0xb1, b'a', 0xf0 | length]), (OptionDeltaReserved, 2));
    }
}

#[test]
fn s3_1_length_15_must_be_processed_as_a_message_format_error() {
    for delta in 0..15 {
        assert_eq!(bad_options(&[delta << 4 | 15, 0, 0, 0, 0]), (OptionLengthReserved, 0));
        assert_eq!(bad_options(&[0xb1, b'a', delta << 4 | 15]), (OptionLengthReserved, 2));
    }
}

#[test]
fn s3_1_extensions_that_are_cut_off() {
    for bytes in [
        &b"\xd0"[..],
        b"\x0d",
        b"\xdd",
        b"\xdd\x00",
        b"\xe0",
        b"\xe0\x00",
        b"\x0e",
        b"\x0e\x00",
        b"\xee",
        b"\xee\x00",
        b"\xee\x00\x00",
        b"\xee\x00\x00\x00",
        b"\xde\x00\x00",
        b"\xed\x00\x00",
        // A delta past every number counts only once the header is there.
        b"\xee\xff\xff\x00",
    ] {
        assert_eq!(bad_options(bytes), (TruncatedOptionHeader, bytes.len()), "{bytes:02x?}");
        assert_eq!(bad_options(&[b"\x11a", bytes].concat()), (TruncatedOptionHeader, bytes.len() + 2), "{bytes:02x?}");
    }
}

#[test]
fn s3_1_values_that_are_cut_off() {
    assert_eq!(bad_options(b"\x01"), (TruncatedOptionValue, 1));
    assert_eq!(bad_options(b"\xb4tem"), (TruncatedOptionValue, 4));
    assert_eq!(bad_options(b"\x00\x00\x02a"), (TruncatedOptionValue, 4));
    // What looks like a marker is the value's.
    assert_eq!(bad_options(b"\xb4te\xff"), (TruncatedOptionValue, 4));
}

#[test]
fn s12_2_option_numbers_end_at_65535() {
    assert_eq!(options(b"\xe0\xfe\xf2\x01a"), [(65_535, vec![]), (65_535, b"a".to_vec())]);
    assert_eq!(bad_options(b"\xe0\xfe\xf3"), (OptionNumberOverflow, 0));
    assert_eq!(bad_options(b"\xe0\xff\xff"), (OptionNumberOverflow, 0));
    assert_eq!(bad_options(b"\xe0\xfe\xf2\x10"), (OptionNumberOverflow, 3));
    assert_eq!(bad_options(b"\x10\xe0\xfe\xf2"), (OptionNumberOverflow, 1));
    // Sums that a 16-bit number would wrap to something harmless: 65535 + 65535 + 2 is 65536 twice.
    assert_eq!(bad_options(b"\xe0\xfe\xf2\xe0\xfe\xf2\x20"), (OptionNumberOverflow, 3));
    // The number is known to be wrong before the value is missed.
    assert_eq!(bad_options(b"\xe4\xfe\xf3"), (OptionNumberOverflow, 0));
}

#[test]
fn s3_2_uint_in_network_byte_order_without_leading_zeros() {
    for (value, bytes) in [
        (0, &[][..]),
        (1, &[1]),
        (255, &[255]),
        (256, &[1, 0]),
        (0x01_0000, &[1, 0, 0]),
        (0x0100_0000, &[1, 0, 0, 0]),
        (u32::MAX, &[255; 4]),
    ] {
        assert_eq!(uint::encode(value).as_bytes(), bytes);
        assert_eq!(uint::decode(bytes), Some(value));
        // "A recipient MUST be prepared to process values with leading zero bytes."
        for zeros in 0..=4 - bytes.len() {
            assert_eq!(uint::decode(&[&vec![0; zeros][..], bytes].concat()), Some(value));
        }
    }
    assert_eq!(uint::decode(&[0, 0, 0, 0, 1]), None, "too long");
}

#[test]
fn s4_1_an_empty_message_is_four_bytes() {
    for first in [0x40, 0x50, 0x60, 0x70] {
        let reset = (first == 0x40).then_some(0x1234);
        assert!(agree::check(&[first, 0, 0x12, 0x34]).is_ok());
        for tail in [&b"\x00"[..], b"\xff", b"\xff\x31", b"\xb1a", b"\x10\xff."] {
            let datagram = [&[first, 0, 0x12, 0x34], tail].concat();
            assert_eq!(refused(&datagram), (EmptyWithContent, 4, reset), "{datagram:02x?}");
        }
        // "The Token Length field MUST be set to 0", whether the token is there or not.
        for tkl in 1..=14 {
            for tail in [&b""[..], b"\x01", &[1; 300]] {
                let datagram = [&[first | tkl, 0, 0x12, 0x34], tail].concat();
                assert_eq!(refused(&datagram), (EmptyWithContent, 0, reset), "{datagram:02x?}");
            }
        }
    }
}

#[test]
fn s4_2_an_acknowledgement_carries_a_response_or_nothing() {
    for detail in 1..32 {
        assert_eq!(refused(&[0x60, detail, 0, 1]), (RequestInAcknowledgement, 1, None));
    }
    for code in (0x40..0xc0).chain([0]) {
        assert!(agree::check(&[0x60, code, 0, 1]).is_ok());
    }
}

#[test]
fn s4_2_a_reset_is_empty() {
    for code in 1..=255u8 {
        let expected = if matches!(code >> 5, 1 | 6 | 7) { ReservedCodeClass } else { ResetNotEmpty };
        assert_eq!(refused(&[0x70, code, 0, 1]), (expected, 1, None));
    }
    assert!(agree::check(&[0x70, 0, 0, 1]).is_ok());
}

#[test]
fn s4_2_a_confirmable_message_is_rejected_with_its_message_id_and_others_in_silence() {
    // Each kind of fault that a message with a whole header can have, in each type that can have it.
    for (fault, tail) in [
        (ReservedCodeClass, &b"\x20\xab\xcd"[..]),
        (OptionDeltaReserved, b"\x45\xab\xcd\xf0"),
        (OptionLengthReserved, b"\x45\xab\xcd\x0f"),
        (TruncatedOptionHeader, b"\x45\xab\xcd\xd0"),
        (OptionNumberOverflow, b"\x45\xab\xcd\xe0\xff\xff"),
        (TruncatedOptionValue, b"\x45\xab\xcd\x01"),
        (PayloadMarkerWithoutPayload, b"\x45\xab\xcd\xff"),
        (EmptyWithContent, b"\x00\xab\xcd\xff"),
    ] {
        for (first, reset) in [(0x40, Some(0xabcd)), (0x50, None), (0x60, None)] {
            let datagram = [&[first], tail].concat();
            let (found, _, owed) = refused(&datagram);
            assert_eq!((found, owed), (fault, reset), "{datagram:02x?}");
        }
    }
}

/// The order of the checks is part of what `ParseError` promises; two faults at once tell it.
#[test]
fn of_two_faults_the_first_check_tells() {
    for (datagram, fault, offset) in [
        (&b"\x8f\x20\0\x01"[..], UnknownVersion, 0),
        (b"\x4f\x20\0\x01", TokenLengthReserved, 0),
        (b"\x6f\x01\0\x01", TokenLengthReserved, 0),
        (b"\x4f\x00\0\x01", TokenLengthReserved, 0),
        (b"\x4d\x20\0\x01", ReservedCodeClass, 1),
        (b"\x70\xe1\0\x01\xff", ReservedCodeClass, 1),
        (b"\x6d\x01\0\x01", RequestInAcknowledgement, 1),
        (b"\x7d\x01\0\x01", ResetNotEmpty, 1),
        (b"\x4d\x00\0\x01", EmptyWithContent, 0),
        (b"\x41\x00\0\x01\xff", EmptyWithContent, 0),
        (b"\x4d\x01\0\x01", TruncatedTokenLength, 4),
        (b"\x40\x01\0\x01\xf0\xff", OptionDeltaReserved, 4),
        (b"\x40\x01\0\x01\xfd\xff", OptionDeltaReserved, 4),
        (b"\x40\x01\0\x01\xef", OptionLengthReserved, 4),
        (b"\x40\x01\0\x01\xee\xff\xff", TruncatedOptionHeader, 7),
        (b"\x40\x01\0\x01\xee\xff\xff\xff\xff", OptionNumberOverflow, 4),
        (b"\x40\x01\0\x01\x02\xff", TruncatedOptionValue, 6),
    ] {
        let (found, at, _) = refused(datagram);
        assert_eq!((found, at), (fault, offset), "{datagram:02x?}");
    }
}

/// `ParseErrorKind::ALL` is what it says: each kind can be met, and no other.
#[test]
fn every_kind_can_be_met_and_says_something() {
    let datagrams: [&[u8]; 15] = [
        b"",
        b"\x00\x01\0\x01",
        b"\x4f\x01\0\x01",
        b"\x40\x20\0\x01",
        b"\x60\x01\0\x01",
        b"\x70\x01\0\x01",
        b"\x41\x00\0\x01",
        b"\x4d\x01\0\x01",
        b"\x41\x01\0\x01",
        b"\x40\x01\0\x01\xf0",
        b"\x40\x01\0\x01\x0f",
        b"\x40\x01\0\x01\xd0",
        b"\x40\x01\0\x01\xe0\xff\xff",
        b"\x40\x01\0\x01\x01",
        b"\x40\x01\0\x01\xff",
    ];
    let mut met = Vec::new();
    for datagram in datagrams {
        let error = Message::parse(datagram).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&error.kind().to_string()), "{text}");
        assert!(text.contains(&error.offset().to_string()), "{text}");
        met.push(error.kind());
    }
    assert_eq!(met, ParseErrorKind::ALL);
    let texts: std::collections::BTreeSet<_> = met.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 15, "no two kinds read the same");
}

/// What a reader must refuse, a writer must not write (4.1, 4.2).
#[test]
fn s4_2_the_writer_refuses_what_may_not_stand_together() {
    let finish = |header: Header, token: &[u8], payload: &[u8]| {
        let mut buffer = [0; 32];
        Writer::new(&mut buffer, header, token).payload(payload).finish()
    };
    let code = Code::from_byte(0x20);
    assert_eq!(finish(Header::confirmable(code, 1), b"", b""), Err(WriteError::ReservedCodeClass { code }));
    assert_eq!(finish(Header::acknowledgement(Code::GET, 1), b"", b""), Err(WriteError::RequestInAcknowledgement));
    let reset = Header { message_type: Type::Reset, code: Code::CONTENT, message_id: 1 };
    assert_eq!(finish(reset, b"", b""), Err(WriteError::ResetNotEmpty));
    assert_eq!(finish(Header::empty_acknowledgement(1), b"\x01", b""), Err(WriteError::EmptyWithContent));
    assert_eq!(finish(Header::reset(1), b"", b"."), Err(WriteError::EmptyWithContent));
    assert_eq!(finish(Header::confirmable(Code::EMPTY, 1), b"", b""), Ok(4));
}
