//! Every UDP vector of `vectors/codec-udp.json` and the five messages of `vectors/bench-messages.json`: read, compared
//! field by field or fault by fault, and written again byte by byte. None is left out.

mod common;

use coaplet::wire::{Message, OptionNumber, WriteError, Writer};
use common::agree::{self, fault_of, header_of, packet_of};
use common::grammar::{Fault, Packet};
use common::vectors::{self, bytes, rows, text, truth};
use common::{hex, model};
use std::collections::BTreeMap;

/// What the vectors call it, and what we call it.
const ERRORS: &[(&str, Fault)] = &[
    ("truncated-header", Fault::TruncatedHeader),
    ("unknown-version", Fault::UnknownVersion),
    ("reserved-code-class", Fault::ReservedCodeClass),
    ("ack-carries-request", Fault::RequestInAcknowledgement),
    ("rst-not-empty", Fault::ResetNotEmpty),
    ("empty-message-with-extra-bytes", Fault::EmptyWithContent),
    ("truncated-token-length", Fault::TruncatedTokenLength),
    ("truncated-token", Fault::TruncatedToken),
    ("option-delta-15", Fault::OptionDeltaReserved),
    ("option-length-15", Fault::OptionLengthReserved),
    ("truncated-option-header", Fault::TruncatedOptionHeader),
    ("option-number-overflow", Fault::OptionNumberOverflow),
    ("truncated-option-value", Fault::TruncatedOptionValue),
    ("payload-marker-without-payload", Fault::PayloadMarkerWithoutPayload),
];

/// Writes a packet with ascending options into a buffer of this size.
fn write(packet: &Packet, room: usize) -> Result<Vec<u8>, WriteError> {
    let mut buffer = vec![0xa5; room];
    let mut writer = Writer::new(&mut buffer, header_of(packet), &packet.token);
    for (number, value) in &packet.options {
        writer.option(OptionNumber::new(*number), value);
    }
    let length = writer.payload(&packet.payload).finish()?;
    buffer.truncate(length);
    Ok(buffer)
}

/// The same with `insert`, the largest number first; those of the same number keep their order.
fn write_backwards(packet: &Packet, room: usize) -> Result<Vec<u8>, WriteError> {
    let mut order = packet.options.clone();
    order.sort_by_key(|(number, _)| u16::MAX - number);
    let mut buffer = vec![0xa5; room];
    let mut writer = Writer::new(&mut buffer, header_of(packet), &packet.token);
    writer.payload(&packet.payload);
    for (number, value) in &order {
        writer.insert(OptionNumber::new(*number), value);
    }
    let length = writer.finish()?;
    buffer.truncate(length);
    Ok(buffer)
}

/// What a proxy does that changes nothing.
fn copy(datagram: &[u8]) -> Result<Vec<u8>, WriteError> {
    let message = Message::parse(datagram).unwrap();
    let mut buffer = vec![0xa5; datagram.len()];
    let length =
        Writer::new(&mut buffer, message.header(), message.token()).copy_from(&message, |_, _| true).finish()?;
    buffer.truncate(length);
    Ok(buffer)
}

fn rewrite_all_ways(id: &str, datagram: &[u8], packet: &Packet) {
    // There is one encoding of a message only: 13 and 14 cannot stand for what fits into fewer bytes. So no vector is
    // an exception, and all are expected back byte by byte.
    let length = datagram.len();
    assert_eq!(hex(&model::encode(packet)), hex(datagram), "{id}: model");
    assert_eq!(write(packet, length).as_deref(), Ok(datagram), "{id}: option");
    assert_eq!(write(packet, length + 100).as_deref(), Ok(datagram), "{id}: option, room to spare");
    assert_eq!(write_backwards(packet, length).as_deref(), Ok(datagram), "{id}: insert");
    assert_eq!(copy(datagram).as_deref(), Ok(datagram), "{id}: copy_from");
    for room in [0, 1, 3, 4, length / 2, length - 1] {
        if room < length {
            let needed = write(packet, room);
            assert_eq!(needed, Err(WriteError::BufferTooSmall { needed: length }), "{id}: into {room} bytes");
        }
    }
}

#[test]
fn every_udp_vector() {
    let file = vectors::file("codec-udp.json");
    let (mut valid, mut invalid) = (0, BTreeMap::new());
    for row in rows(&file, "vectors") {
        let id = text(row, "id");
        assert_eq!(text(row, "transport"), "udp", "{id}");
        let datagram = bytes(row, "hex");
        let agreed = agree::check(&datagram);
        match Message::parse(&datagram) {
            Ok(message) => {
                assert!(truth(row, "valid"), "{id}: accepted, but {}", text(row, "error"));
                let expected = vectors::packet(&row["message"]);
                assert_eq!(packet_of(&message), expected, "{id}");
                assert_eq!(agreed.as_ref(), Ok(&expected), "{id}");
                rewrite_all_ways(id, &datagram, &expected);
                valid += 1;
            }
            Err(error) => {
                assert!(!truth(row, "valid"), "{id}: refused: {error}");
                let name = text(row, "error");
                let (_, fault) = ERRORS.iter().find(|(known, _)| *known == name).expect("an error with a name");
                assert_eq!(fault_of(error.kind()), *fault, "{id}: {error}");
                *invalid.entry(name).or_insert(0) += 1;
            }
        }
    }
    // Counted in the file by hand: a vector that is lost on the way is missed here.
    assert_eq!(valid, 339);
    assert_eq!(
        invalid.into_iter().collect::<Vec<_>>(),
        [
            ("ack-carries-request", 2),
            ("empty-message-with-extra-bytes", 8),
            ("option-delta-15", 2),
            ("option-length-15", 1),
            ("option-number-overflow", 4),
            ("payload-marker-without-payload", 4),
            ("reserved-code-class", 3),
            ("rst-not-empty", 1),
            ("truncated-header", 3),
            ("truncated-option-header", 5),
            ("truncated-option-value", 5),
            ("truncated-token", 5),
            ("truncated-token-length", 1),
            ("unknown-version", 5),
        ]
    );
}

/// RFC 7252 4.2 and 3: which of the bad ones are owed a Reset. The bytes alone decide: version 1, Confirmable, a header.
#[test]
fn every_invalid_udp_vector_is_answered_or_ignored_as_4_2_says() {
    let file = vectors::file("codec-udp.json");
    let mut owed = 0;
    for row in rows(&file, "vectors").iter().filter(|row| !truth(row, "valid")) {
        let datagram = bytes(row, "hex");
        let error = Message::parse(&datagram).unwrap_err();
        let expected = match datagram[..] {
            [first, _, high, low, ..] if first & 0xf0 == 0x40 => Some(u16::from_be_bytes([high, low])),
            _ => None,
        };
        assert_eq!(error.reset(), expected, "{}", text(row, "id"));
        owed += usize::from(expected.is_some());
        // 4.2 knows three reasons to reject a message whose format is right.
        let well_formed = matches!(text(row, "error"), "reserved-code-class" | "ack-carries-request" | "rst-not-empty");
        assert_eq!(error.is_format_error(), !well_formed, "{}", text(row, "id"));
    }
    assert_eq!(owed, 29);
}

#[test]
fn every_valid_udp_vector_cut_anywhere_is_refused_or_shorter() {
    let file = vectors::file("codec-udp.json");
    let mut cut = 0;
    for row in rows(&file, "vectors").iter().filter(|row| truth(row, "valid")) {
        let datagram = bytes(row, "hex");
        for length in 0..datagram.len() {
            // Long payloads are the same at every byte but the first and the last.
            if length > 400 && length + 4 < datagram.len() && length % 64 != 0 {
                continue;
            }
            if let Ok(packet) = agree::check(&datagram[..length]) {
                assert_eq!(model::encode(&packet), datagram[..length], "{} cut at {length}", text(row, "id"));
            }
            cut += 1;
        }
    }
    assert!(cut > 10_000, "{cut}");
}

#[test]
fn every_bench_message() {
    let file = vectors::file("bench-messages.json");
    let mut ids = String::new();
    for row in rows(&file, "messages") {
        let (id, datagram) = (text(row, "id"), bytes(row, "hex"));
        assert_eq!(datagram.len() as u64, vectors::number(row, "length"), "{id}");
        let packet = agree::check(&datagram).unwrap_or_else(|rejected| panic!("{id}: {rejected:?}"));
        rewrite_all_ways(id, &datagram, &packet);
        ids.push_str(id);
    }
    assert_eq!(ids, "abcde");
}
