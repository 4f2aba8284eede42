//! Codec and grammar side by side: both take a datagram for the same message, or blame the same byte for the same fault.

use super::grammar::{self, Fault, Packet, Rejected};
use coaplet::wire::{Code, Header, Message, ParseError, ParseErrorKind, Type};

/// Reads with both and compares everything there is to compare. Gives back what they agree on, or how they differ.
pub fn compare(datagram: &[u8]) -> Result<Result<Packet, Rejected>, String> {
    let expected = grammar::read(datagram);
    let found = match Message::parse(datagram) {
        Ok(message) => Ok(packet_of(&message)),
        Err(error) => Err(rejected_of(&error)),
    };
    if found == expected {
        return Ok(expected);
    }
    Err(format!("on {datagram:02x?}\n    codec:   {found:02x?}\n    grammar: {expected:02x?}"))
}

/// What both readers agree on.
///
/// # Panics
///
/// Where they differ, with the datagram.
#[track_caller]
pub fn check(datagram: &[u8]) -> Result<Packet, Rejected> {
    compare(datagram).unwrap_or_else(|difference| panic!("codec and grammar differ {difference}"))
}

/// The codec's view, owned.
pub fn packet_of(message: &Message<'_>) -> Packet {
    Packet {
        kind: kind_of(message.message_type()),
        code: message.code().to_byte(),
        mid: message.message_id(),
        token: message.token().to_vec(),
        options: message.options().map(|(number, value)| (number.get(), value.to_vec())).collect(),
        payload: message.payload().to_vec(),
    }
}

/// The codec's error in the grammar's terms.
pub fn rejected_of(error: &ParseError) -> Rejected {
    Rejected { fault: fault_of(error.kind()), offset: error.offset(), reset: error.reset() }
}

/// The T field of RFC 7252 3.
pub fn kind_of(message_type: Type) -> u8 {
    match message_type {
        Type::Confirmable => 0,
        Type::NonConfirmable => 1,
        Type::Acknowledgement => 2,
        Type::Reset => 3,
    }
}

/// The type for a T field.
pub fn type_of(kind: u8) -> Type {
    match kind {
        0 => Type::Confirmable,
        1 => Type::NonConfirmable,
        2 => Type::Acknowledgement,
        3 => Type::Reset,
        _ => panic!("T has two bits, not {kind}"),
    }
}

/// The header to write a packet with.
pub fn header_of(packet: &Packet) -> Header {
    Header { message_type: type_of(packet.kind), code: Code::from_byte(packet.code), message_id: packet.mid }
}

/// One to one: a kind without its fault, or a fault without its kind, would be a gap in either reader.
pub fn fault_of(kind: ParseErrorKind) -> Fault {
    match kind {
        ParseErrorKind::TruncatedHeader => Fault::TruncatedHeader,
        ParseErrorKind::UnknownVersion => Fault::UnknownVersion,
        ParseErrorKind::TokenLengthReserved => Fault::TokenLengthReserved,
        ParseErrorKind::TruncatedTokenLength => Fault::TruncatedTokenLength,
        ParseErrorKind::TruncatedToken => Fault::TruncatedToken,
        ParseErrorKind::ReservedCodeClass => Fault::ReservedCodeClass,
        ParseErrorKind::RequestInAcknowledgement => Fault::RequestInAcknowledgement,
        ParseErrorKind::ResetNotEmpty => Fault::ResetNotEmpty,
        ParseErrorKind::EmptyWithContent => Fault::EmptyWithContent,
        ParseErrorKind::OptionDeltaReserved => Fault::OptionDeltaReserved,
        ParseErrorKind::OptionLengthReserved => Fault::OptionLengthReserved,
        ParseErrorKind::TruncatedOptionHeader => Fault::TruncatedOptionHeader,
        ParseErrorKind::OptionNumberOverflow => Fault::OptionNumberOverflow,
        ParseErrorKind::TruncatedOptionValue => Fault::TruncatedOptionValue,
        ParseErrorKind::PayloadMarkerWithoutPayload => Fault::PayloadMarkerWithoutPayload,
        other => panic!("the grammar has no such fault: {other:?}"),
    }
}
