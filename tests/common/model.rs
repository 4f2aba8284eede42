//! A second encoder, straight from RFC 7252 3 and 3.1 and RFC 8974 2.1: whole vectors, no place to save a byte.

use super::grammar::Packet;

/// The most that a nibble with two extension bytes can say: 65535 + 269.
pub const MOST: usize = 65_804;

/// The nibble for a value and what follows it: itself up to 12, 13 and a byte up to 268, 14 and two bytes up to 65804.
pub fn nibble(value: usize) -> (u8, Vec<u8>) {
    match value {
        0..=12 => (value as u8, vec![]),
        13..=268 => (13, vec![(value - 13) as u8]),
        269..=MOST => (14, ((value - 269) as u16).to_be_bytes().to_vec()),
        _ => panic!("{value} cannot be written"),
    }
}

/// An option's first byte and its extensions.
pub fn option_header(delta: usize, length: usize) -> Vec<u8> {
    let (high, extended_delta) = nibble(delta);
    let (low, extended_length) = nibble(length);
    [vec![high << 4 | low], extended_delta, extended_length].concat()
}

/// The datagram of a message whose options ascend. What may stand together is not looked at.
pub fn encode(packet: &Packet) -> Vec<u8> {
    let (tkl, extended_tkl) = nibble(packet.token.len());
    let mut out = vec![0x40 | packet.kind << 4 | tkl, packet.code];
    out.extend(packet.mid.to_be_bytes());
    out.extend(extended_tkl);
    out.extend(&packet.token);
    let mut preceding = 0;
    for (number, value) in &packet.options {
        let delta = number.checked_sub(preceding).expect("options ascend");
        out.extend(option_header(delta.into(), value.len()));
        out.extend(value);
        preceding = *number;
    }
    if !packet.payload.is_empty() {
        out.push(0xff);
        out.extend(&packet.payload);
    }
    out
}

/// How long the datagram is, or would be if a length field could say the lengths of all values.
pub fn length(packet: &Packet) -> usize {
    let extension = |value: usize| match value {
        0..=12 => 0,
        13..=268 => 1,
        _ => 2,
    };
    let mut preceding = 0;
    let mut sum = 4 + extension(packet.token.len()) + packet.token.len();
    for (number, value) in &packet.options {
        sum += 1 + extension(usize::from(number - preceding)) + extension(value.len()) + value.len();
        preceding = *number;
    }
    sum + if packet.payload.is_empty() { 0 } else { 1 + packet.payload.len() }
}

/// RFC 7252 3.2: network byte order, no leading zero bytes.
pub fn uint(value: u32) -> Vec<u8> {
    value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}
