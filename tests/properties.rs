//! What holds for every message, made up by proptest: written and read back (RFC 7252 3), read and written again, every
//! getter (5.10), the options to be refused (5.4), what a proxy copies (5.7), printing.

mod common;

use coaplet::wire::{Block, Message, OptionNumber, Token, WriteError, Writer, observe, uint};
use common::grammar::Packet;
use common::script::{Call, Script};
use common::{agree, model, registry, strategies, view};
use core::time::Duration;
use proptest::collection::vec;
use proptest::prelude::*;

/// Copies a message that parses with `keep`, and gives back the packet that comes out.
fn copy(datagram: &[u8], keep: impl FnMut(OptionNumber, &[u8]) -> bool, insert: Option<(u16, &[u8])>) -> Vec<u8> {
    let message = Message::parse(datagram).unwrap();
    let mut buffer = vec![0xa5; datagram.len() + 5 + insert.map_or(0, |(_, value)| value.len())];
    let mut writer = Writer::new(&mut buffer, message.header(), message.token());
    writer.copy_from(&message, keep);
    if let Some((number, value)) = insert {
        writer.insert(OptionNumber::new(number), value);
    }
    let length = writer.finish().unwrap();
    buffer.truncate(length);
    buffer
}

proptest! {
    #![proptest_config(strategies::config(2_000))]

    /// Ascending options and a payload by slice and by `fmt::Write`, into a buffer of any size: what is written is read
    /// back the same, and `needed` is exact.
    #[test]
    fn what_is_written_is_read_back(script in strategies::plain_script(), room in 0usize..600) {
        prop_assert!(script.outcome(usize::MAX).exact);
        let datagram = script.check(room);
        prop_assert!(datagram.is_ok(), "{:?}", datagram);
        // Exact means that one retry does.
        let datagram = datagram.unwrap();
        if let Err(error) = script.write(&mut vec![0; room]) {
            prop_assert_eq!(error, WriteError::BufferTooSmall { needed: datagram.len() });
        }
        prop_assert_eq!(script.write(&mut vec![0; datagram.len()]), Ok(datagram.len()));
    }

    /// Any calls in any order: `insert`, `fill`, `copy_from`, codes that may not stand there, options too late.
    #[test]
    fn any_calls_end_in_a_message_or_in_the_first_error(script in strategies::wild_script(), room in 0usize..400) {
        let _ = script.check(room);
    }

    /// Options by `insert` in any order give the message that sorting them first gives.
    #[test]
    fn inserted_in_any_order(packet in strategies::packet().prop_filter("with content", |packet| packet.code != 0),
                             order in any::<prop::sample::Index>(), late in any::<bool>()) {
        // Some permutation; those of the same number keep their order, as the model wants it.
        let mut options = packet.options.clone();
        let turn = if options.is_empty() { 0 } else { order.index(options.len()) };
        options.rotate_left(turn);
        let mut calls: Vec<Call> = options.into_iter().map(|(number, value)| Call::Insert(number, value)).collect();
        // The payload at the end, or before all options.
        calls.insert(if late { calls.len() } else { 0 }, Call::Payload(packet.payload.clone()));
        let script = Script { kind: packet.kind, code: packet.code, mid: packet.mid, token: packet.token.clone(), calls };
        let written = script.check(0);
        let mut expected = script.outcome(usize::MAX).packet;
        prop_assert_eq!(written.as_ref(), Ok(&model::encode(&expected)));
        // The same options, sorted.
        let mut found = expected.options.clone();
        expected.options.sort();
        found.sort();
        let mut original = packet.options.clone();
        original.sort();
        prop_assert_eq!(found, original);
    }

    /// A message has one encoding: what parses comes back byte by byte, however it is written again.
    #[test]
    fn what_parses_rewritten_is_the_same(datagram in strategies::datagram()) {
        if let Ok(packet) = agree::compare(&datagram).map_err(TestCaseError::fail)? {
            prop_assert_eq!(&model::encode(&packet), &datagram);
            let mut buffer = vec![0xa5; datagram.len()];
            let mut writer = Writer::new(&mut buffer, agree::header_of(&packet), &packet.token);
            for (number, value) in &packet.options {
                writer.option(OptionNumber::new(*number), value);
            }
            prop_assert_eq!(writer.payload(&packet.payload).finish(), Ok(datagram.len()));
            prop_assert_eq!(&buffer, &datagram);
            prop_assert_eq!(&copy(&datagram, |_, _| true, None), &datagram);
            prop_assert_eq!(Message::parse(&buffer), Message::parse(&datagram));
        }
    }

    /// Random bytes never get far, so the messages are made: each typed getter against its model.
    #[test]
    fn getters_show_what_the_options_say(packet in strategies::packet()) {
        let datagram = model::encode(&packet);
        let message = Message::parse(&datagram).unwrap();
        view::check_getters(&message, &packet);
    }

    /// The same on whatever else parses.
    #[test]
    fn getters_never_panic(datagram in strategies::datagram()) {
        if let Ok(message) = Message::parse(&datagram) {
            view::check_getters(&message, &agree::packet_of(&message));
        }
    }

    #[test]
    fn path_is_the_segments(segments in vec("[ab/]{0,2}|\\PC{0,3}", 0..4), path in "/?([ab]{0,2}/){0,3}[ab]{0,2}") {
        let packet = Packet {
            kind: 0,
            code: 1,
            mid: 1,
            token: vec![],
            options: segments.iter().map(|segment| (11, segment.clone().into_bytes())).collect(),
            payload: vec![],
        };
        let datagram = model::encode(&packet);
        let message = Message::parse(&datagram).unwrap();
        view::check_path_is(&message, &packet, &path);
        view::check_path_is(&message, &packet, &segments.join("/"));
        view::check_path_is(&message, &packet, &format!("/{}", segments.join("/")));
    }

    /// What the writer makes of a path, `path_is` and `uri_path` take for it.
    #[test]
    fn a_path_written_is_that_path(path in "/?(\\PC{0,3}/){0,4}\\PC{0,3}") {
        let mut buffer = [0; 256];
        let header = coaplet::Header::confirmable(coaplet::Code::GET, 1);
        let length = Writer::new(&mut buffer, header, &[]).path(&path).finish().unwrap();
        let packet = agree::check(&buffer[..length]).unwrap();
        let message = Message::parse(&buffer[..length]).unwrap();
        prop_assert!(message.path_is(&path), "{path:?}");
        view::check_path_is(&message, &packet, &path);
    }

    /// RFC 7252 5.4.1, 5.4.3, 5.4.5 against the table of the tests, for any set of known options.
    #[test]
    fn unrecognised_are_those_of_the_model(packet in strategies::packet(), mask in any::<u64>(), all in any::<bool>()) {
        let datagram = model::encode(&packet);
        let message = Message::parse(&datagram).unwrap();
        let known = |number: u16| all || mask >> (number % 64) & 1 != 0;
        view::check_unrecognised(&message, &packet, known);
        view::check_unrecognised(&message, &packet, |number| registry::find(number).is_some());
    }

    /// No control character of a peer reaches the terminal, and nothing that is printed takes a line more than it has.
    #[test]
    fn printing_is_harmless(packet in strategies::packet()) {
        let datagram = model::encode(&packet);
        let message = Message::parse(&datagram).unwrap();
        view::check_printing(&message, &packet);
    }

    #[test]
    fn printing_is_harmless_for_whatever_parses(datagram in strategies::datagram()) {
        match Message::parse(&datagram) {
            Ok(message) => view::check_printing(&message, &agree::packet_of(&message)),
            Err(error) => {
                let text = format!("{error} {error:?}");
                prop_assert!(!text.contains(char::is_control));
            }
        }
    }

    /// Text from a peer in every place where text is shown as such.
    #[test]
    fn hostile_text_is_harmless(text in any::<String>(), number in proptest::sample::select(&[3u16, 8, 11, 15, 20, 35, 39, 25][..])) {
        let packet = Packet {
            kind: 0,
            code: 1,
            mid: 1,
            token: vec![],
            options: vec![(number, text.clone().into_bytes())],
            payload: text.into_bytes(),
        };
        let datagram = model::encode(&packet);
        view::check_printing(&Message::parse(&datagram).unwrap(), &packet);
    }

    /// RFC 7252 5.7: what a proxy keeps is untouched by what it drops or adds.
    #[test]
    fn copied_with_one_option_dropped(packet in strategies::packet(), which in any::<prop::sample::Index>()) {
        prop_assume!(!packet.options.is_empty());
        let which = which.index(packet.options.len());
        let mut expected = packet.clone();
        expected.options.remove(which);
        let mut place = 0;
        let copied = copy(&model::encode(&packet), |number, value| {
            assert_eq!((number.get(), value), (packet.options[place].0, &packet.options[place].1[..]));
            place += 1;
            place - 1 != which
        }, None);
        prop_assert_eq!(agree::check(&copied), Ok(expected));
    }

    #[test]
    fn copied_with_one_option_inserted(packet in strategies::packet(), (number, value) in strategies::option()) {
        prop_assume!(packet.code != 0);
        let mut expected = packet.clone();
        let place = expected.options.partition_point(|(other, _)| *other <= number);
        expected.options.insert(place, (number, value.clone()));
        let copied = copy(&model::encode(&packet), |_, _| true, Some((number, &value)));
        prop_assert_eq!(agree::check(&copied), Ok(expected));
    }

    #[test]
    fn copied_with_one_option_replaced(packet in strategies::packet(), (number, value) in strategies::option()) {
        prop_assume!(packet.code != 0);
        let mut expected = packet.clone();
        expected.options.retain(|(other, _)| *other != number);
        let place = expected.options.partition_point(|(other, _)| *other <= number);
        expected.options.insert(place, (number, value.clone()));
        let copied = copy(&model::encode(&packet), |other, _| other.get() != number, Some((number, &value)));
        prop_assert_eq!(agree::check(&copied), Ok(expected));
    }

    /// RFC 7252 3.2.
    #[test]
    fn uints(value in any::<u32>(), shift in 0u32..32, zeros in 0usize..6) {
        let value = value >> shift;
        let encoded = uint::encode(value);
        prop_assert_eq!(encoded.as_bytes(), model::uint(value));
        let padded = [&vec![0; zeros][..], encoded.as_bytes()].concat();
        prop_assert_eq!(uint::decode(&padded), (padded.len() <= 4).then_some(value));
    }

    /// RFC 7959 2.2.
    #[test]
    fn blocks(num in 0u32..=1_048_577, more in any::<bool>(), szx in 0u8..=8, value in vec(any::<u8>(), 0..=5)) {
        let block = Block::new(num, more, szx);
        prop_assert_eq!(block.is_ok(), num < 1 << 20 && szx < 8);
        if let Ok(block) = block {
            prop_assert_eq!((block.num(), block.more(), block.szx()), (num, more, szx));
            prop_assert_eq!(block.value(), num * 16 + u32::from(more) * 8 + u32::from(szx));
            prop_assert_eq!(Block::from_value(uint::encode(block.value()).as_bytes()), Ok(block));
        }
        let block = Block::from_value(&value);
        prop_assert_eq!(block.is_ok(), value.len() <= 3);
        if let Ok(block) = block {
            prop_assert_eq!(Some(block.value()), uint::decode(&value));
        }
    }

    /// RFC 7641 3.4, the three conditions as printed there.
    #[test]
    fn freshness(v1 in 0u32..1 << 24, ahead in prop_oneof![any::<u32>(), 0x7f_fffeu32..0x80_0002, 0u32..3], millis in 127_998u64..128_003) {
        let v2 = v1.wrapping_add(ahead) & 0xff_ffff;
        let by_number = (v1 < v2 && v2 - v1 < 1 << 23) || (v1 > v2 && v1 - v2 > 1 << 23);
        prop_assert_eq!(observe::is_fresher(v1, v2, Duration::from_millis(millis)), by_number || millis > 128_000);
        prop_assert_eq!(observe::is_fresher(v1, v2, Duration::ZERO), by_number);
    }

    #[test]
    fn tokens_by_value(a in vec(any::<u8>(), 0..=10), b in vec(0u8..2, 0..=3), c in vec(0u8..2, 0..=3)) {
        let token = Token::try_from(&a[..]);
        prop_assert_eq!(token.as_ref().map(Token::as_bytes).ok(), (a.len() <= 8).then_some(&a[..]));
        let pair = (Token::try_from(&b[..]).unwrap(), Token::try_from(&c[..]).unwrap());
        prop_assert_eq!(pair.0 == pair.1, b == c);
    }
}
