//! How a message prints: one line by `{}`, field by field by `{:#?}`, and nothing from a peer that moves a cursor.

mod common;

use coaplet::wire::Message;
use common::view::check_printing;
use common::{agree, unhex};

fn line(hex: &str) -> String {
    let datagram = unhex(hex);
    let message = Message::parse(&datagram).unwrap();
    check_printing(&message, &agree::packet_of(&message));
    assert_eq!(format!("{message:?}"), message.to_string(), "the one-line form is the same both ways");
    message.to_string()
}

#[test]
fn a_request_as_a_protocol_analyser_prints_it() {
    assert_eq!(
        line("41017d3453 b773656e736f7273 0474656d70 45753d43656c"),
        "CON GET mid=0x7d34 token=53 [Uri-Path: sensors, Uri-Path: temp, Uri-Query: u=Cel]"
    );
}

#[test]
fn a_response_as_a_protocol_analyser_prints_it() {
    assert_eq!(
        line("61457d3453 c0 ff 32312e35"),
        "ACK 2.05 Content mid=0x7d34 token=53 [Content-Format: text/plain] payload 4 bytes \"21.5\""
    );
}

#[test]
fn the_other_types_and_what_is_not_there() {
    assert_eq!(line("60001234"), "ACK Empty mid=0x1234");
    assert_eq!(line("70000001"), "RST Empty mid=0x0001");
    assert_eq!(line("50010000"), "NON GET mid=0x0000");
    // A code and an option without a name.
    assert!(line("50510000 e0fceb").contains("2.17"));
    assert!(line("50510000 e0fceb").contains("65016"));
}

#[test]
fn the_long_form_names_every_field() {
    let datagram = unhex("41017d3453 b773656e736f7273 0474656d70 45753d43656c ff 00ff41");
    let long = format!("{:#?}", Message::parse(&datagram).unwrap());
    for part in ["CON", "GET", "0x7d34", "53", "Uri-Path: sensors", "Uri-Path: temp", "Uri-Query: u=Cel", "00 ff 41"] {
        assert!(long.contains(part), "{part} in {long}");
    }
}

#[test]
fn control_characters_are_shown_and_not_obeyed() {
    for hostile in [
        "1b5b324a", // ESC [ 2 J: clears the screen
        "0d0a",     // CR LF: starts a line of its own
        "00",       // NUL
        "7f",       // DEL
        "c29b324a", // CSI as one character of C1, U+009B
        "e280ae",   // U+202E, right-to-left override
        "e280a8",   // U+2028, line separator
        "08",       // backspace
        "efbbbf",   // U+FEFF
    ] {
        let text = unhex(hostile);
        let length = text.len() as u8;
        // As Uri-Host, as Uri-Path, as an unknown option, and as payload, each with a letter in front.
        for header in [&[0x30 | (length + 1)][..], &[0xb0 | (length + 1)], &[0xd0 | (length + 1), 12]] {
            let datagram = [b"\x40\x01\0\x01", header, b"x", &text, b"\xff", b"y", &text].concat();
            let message = Message::parse(&datagram).unwrap();
            check_printing(&message, &agree::packet_of(&message));
        }
    }
}
