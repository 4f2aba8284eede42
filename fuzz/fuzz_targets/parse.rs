//! Any bytes: nothing panics, neither the parser nor what is asked of a message that parses, and each answer is that of
//! a slow model. The other readers of what a peer sends, values and names, get the same bytes.
#![no_main]

use coaplet::wire::{Block, Code, ContentFormat, Message, NoResponse, Token, uint};
use coaplet_fuzz::{agree, view};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match Message::parse(data) {
        Ok(message) => {
            let packet = agree::packet_of(&message);
            view::check_getters(&message, &packet);
            view::check_unrecognised(&message, &packet, |_| true);
            view::check_unrecognised(&message, &packet, |_| false);
            // A long message takes long to print, and prints nothing that a shorter one does not.
            if data.len() <= 300 {
                view::check_printing(&message, &packet);
            }
            // Numbers that a receiver may or may not know, made from what the message says.
            let salt = packet.mid;
            view::check_unrecognised(&message, &packet, |number| (number ^ salt) % 3 != 0);
            if let Ok(path) = core::str::from_utf8(&packet.payload) {
                view::check_path_is(&message, &packet, path);
            }
        }
        Err(error) => {
            assert!(error.offset() <= data.len());
            assert!(!error.to_string().contains(char::is_control));
        }
    }

    assert_eq!(uint::decode(data).is_some(), data.len() <= 4);
    assert_eq!(Block::from_value(data).is_ok(), data.len() <= 3);
    assert_eq!(NoResponse::from_value(data).is_some(), data.len() <= 1);
    assert_eq!(Token::try_from(data).is_ok(), data.len() <= 8);
    if let Ok(text) = core::str::from_utf8(data) {
        if let Ok(code) = text.parse::<Code>() {
            assert_eq!(code.to_string().parse(), Ok(code));
        }
        if let Some(format) = ContentFormat::from_name(text) {
            assert_eq!(ContentFormat::from_name(&format.to_string()), Some(format));
        }
    }
});
