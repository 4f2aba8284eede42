//! What the typed side of a message has to show, worked out from its options the slow way.

use super::grammar::Packet;
use super::registry::{self, Repeat, Shape};
use coaplet::wire::{Code, Message, OptionNumber, ValueError};
use std::collections::BTreeSet;

/// The first value of an option, if the registry lets it have that length (RFC 7252 5.4.3).
fn single(packet: &Packet, number: u16) -> Option<&[u8]> {
    let (_, value) = packet.options.iter().find(|(other, _)| *other == number)?;
    let row = registry::find(number).expect("getters are for registered options");
    (row.least..=row.most).contains(&value.len()).then_some(&value[..])
}

fn all(packet: &Packet, number: u16) -> Vec<&[u8]> {
    packet.options.iter().filter(|(other, _)| *other == number).map(|(_, value)| &value[..]).collect()
}

/// RFC 7252 3.2, one byte after the other.
fn uint(value: &[u8]) -> u64 {
    value.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn number(packet: &Packet, option: u16) -> Option<u64> {
    single(packet, option).map(uint)
}

fn text(packet: &Packet, option: u16) -> Option<&str> {
    std::str::from_utf8(single(packet, option)?).ok()
}

/// A repeatable string option: 0 to 255 bytes each.
fn strings(packet: &Packet, option: u16) -> Vec<Result<&str, ValueError>> {
    all(packet, option)
        .into_iter()
        .map(|value| match std::str::from_utf8(value) {
            _ if value.len() > 255 => Err(ValueError::TooLong { length: value.len() }),
            Ok(text) => Ok(text),
            Err(error) => Err(ValueError::NotUtf8 { offset: error.valid_up_to() }),
        })
        .collect()
}

/// Holds every typed getter against the plain view of the same message.
///
/// # Panics
///
/// Where they differ.
pub fn check_getters(message: &Message<'_>, packet: &Packet) {
    // Raw access. Of a message with more than thirty different options the first ones will do.
    let mut numbers: Vec<u16> = packet.options.iter().map(|(number, _)| *number).collect();
    numbers.dedup();
    for option in numbers.into_iter().take(30).chain([0, 1, 11, 12, 65_535]) {
        let expected = all(packet, option);
        assert!(message.options_of(OptionNumber::new(option)).eq(expected.iter().copied()), "option {option}");
        assert_eq!(message.first(OptionNumber::new(option)), expected.first().copied(), "option {option}");
        let mut ended = message.options_of(OptionNumber::new(option));
        ended.by_ref().for_each(drop);
        assert_eq!(ended.next(), None, "an iterator that has ended stays so");
    }
    let mut ended = message.options();
    ended.by_ref().for_each(drop);
    assert_eq!(ended.next(), None);

    // RFC 7252 5.10.
    assert_eq!(message.uri_path().collect::<Vec<_>>(), strings(packet, 11));
    assert_eq!(message.uri_query().collect::<Vec<_>>(), strings(packet, 15));
    assert_eq!(message.location_path().collect::<Vec<_>>(), strings(packet, 8));
    assert_eq!(message.location_query().collect::<Vec<_>>(), strings(packet, 20));
    assert_eq!(message.uri_host(), text(packet, 3));
    assert_eq!(message.proxy_uri(), text(packet, 35));
    assert_eq!(message.proxy_scheme(), text(packet, 39));
    assert_eq!(message.uri_port().map(u64::from), number(packet, 7));
    assert_eq!(message.content_format().map(|format| u64::from(format.get())), number(packet, 12));
    assert_eq!(message.accept().map(|format| u64::from(format.get())), number(packet, 17));
    assert_eq!(u64::from(message.max_age()), number(packet, 14).unwrap_or(60));
    assert_eq!(message.etag(), single(packet, 4));
    assert!(message.etags().eq(all(packet, 4)));
    assert!(message.if_match().eq(all(packet, 1)));
    assert_eq!(message.if_none_match(), single(packet, 5).is_some());

    // RFC 7641, 7959, 8768, 7967, 9175.
    assert_eq!(message.observe().map(u64::from), number(packet, 6));
    for (block, option) in [(message.block1(), 27), (message.block2(), 23)] {
        let expected = number(packet, option).map(|value| (value >> 4, value & 8 != 0, value & 7));
        let found = block.map(|block| (u64::from(block.num()), block.more(), u64::from(block.szx())));
        assert_eq!(found, expected, "option {option}");
        if let Some(block) = block {
            let size = (block.szx() < 7).then(|| 16 << block.szx());
            assert_eq!(block.size(), size);
            let offset = size.map(|size| u64::from(block.num()) * u64::from(size));
            assert_eq!(block.offset().map(u64::from), offset);
        }
    }
    assert_eq!(message.size1().map(u64::from), number(packet, 60));
    assert_eq!(message.size2().map(u64::from), number(packet, 28));
    assert_eq!(message.hop_limit().map(u64::from), number(packet, 16));
    let suppressed = message.no_response();
    assert_eq!(suppressed.map(|which| u64::from(which.get())), number(packet, 258));
    if let Some(which) = suppressed {
        for class in 0..8 {
            let bit = matches!(class, 2 | 4 | 5) && which.get() & (1 << (class - 1)) != 0;
            let code = Code::new(class, 5).unwrap();
            assert_eq!(which.suppresses(code), bit, "No-Response {}, {code}", which.get());
        }
    }
    assert_eq!(message.echo(), single(packet, 252));
    assert!(message.request_tags().eq(all(packet, 292)));
}

/// Holds `path_is` against the Uri-Path options: one segment of the path each (RFC 7252 5.10.1, 6.4).
pub fn check_path_is(message: &Message<'_>, packet: &Packet, path: &str) {
    let bare = path.strip_prefix('/').unwrap_or(path);
    let segments: Vec<&[u8]> = match bare {
        "" => vec![],
        bare => bare.split('/').map(str::as_bytes).collect(),
    };
    assert_eq!(message.path_is(path), all(packet, 11) == segments, "{path:?}");
}

/// The options for which a message is to be refused by who knows the numbers that `known` says.
pub fn refused(packet: &Packet, known: impl Fn(u16) -> bool) -> Vec<(u16, Vec<u8>)> {
    let request = packet.code != 0 && packet.code < 0x20;
    // RFC 7252 5.10.7: "If any of these reserved option numbers occurs in addition to Location-Path and/or
    // Location-Query and are not supported"; by erratum 4949 the response is rejected.
    let location = !request && packet.options.iter().any(|(number, _)| matches!(number, 8 | 20));
    let mut refused = Vec::new();
    let mut met = BTreeSet::new();
    for (number, value) in &packet.options {
        let earlier = !met.insert(*number);
        if number % 2 == 0 {
            if location && matches!(number, 128 | 132 | 136 | 140) && !known(*number) {
                refused.push((*number, value.clone()));
            }
            continue;
        }
        let recognised = known(*number)
            && registry::find(*number).is_none_or(|row| {
                // 5.4.3, 5.4.5, 3.2
                (row.least..=row.most).contains(&value.len())
                    && (!earlier || row.repeat == Repeat::Anywhere || (row.repeat == Repeat::Requests && request))
                    && (row.shape != Shape::Text || std::str::from_utf8(value).is_ok())
            });
        if !recognised {
            refused.push((*number, value.clone()));
        }
    }
    refused
}

/// Holds `unrecognised` against [`refused`].
pub fn check_unrecognised(message: &Message<'_>, packet: &Packet, known: impl Fn(u16) -> bool) {
    let found: Vec<_> = message
        .unrecognised(|number| known(number.get()))
        .map(|(number, value)| (number.get(), value.to_vec()))
        .collect();
    assert_eq!(found, refused(packet, known), "{packet:?}");
}

/// Prints the message in every way there is and looks for what would move a cursor or turn the text around.
///
/// # Panics
///
/// If there is any.
pub fn check_printing(message: &Message<'_>, packet: &Packet) {
    let line = format!("{message}");
    assert_harmless(&line);
    assert_harmless(&format!("{message:?}"));

    // One line for type and code, five for version, type, code, Message ID and token, one for each option, one for the
    // payload and one for each 16 bytes of it: a line more is one that a peer has written.
    let long = format!("{message:#?}");
    let payload = packet.payload.len();
    let lines = 6 + packet.options.len() + if payload > 0 { 1 + payload.div_ceil(16) } else { 0 };
    assert_eq!(long.lines().count(), lines, "{long}");
    long.lines().for_each(assert_harmless);
}

/// No control character (C0, DEL, C1), no line or paragraph separator, nothing that changes the direction of text, and
/// nothing that cannot be seen.
fn assert_harmless(line: &str) {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    assert!(!line.contains(harmful), "{line:?}");
}

/// Everything there is to check on a message that both readers take.
pub fn check_all(message: &Message<'_>, packet: &Packet) {
    check_getters(message, packet);
    check_unrecognised(message, packet, |_| true);
    check_unrecognised(message, packet, |_| false);
    check_unrecognised(message, packet, |number| registry::find(number).is_some());
    check_printing(message, packet);
}
