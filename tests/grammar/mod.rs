//! A second reader of the CoAP message format, as an oracle for the codec.
//!
//! Written with nom from RFC 7252 sections 3, 3.1, 4.1 and 4.2 and RFC 8974 section 2.1, and from nothing else: it
//! shares no line with `src/wire/` and does not know that crate. It is slow, it allocates, and it says what it expects
//! in the order in which the RFCs draw it. Where two readers written apart agree on every input, on the message as well
//! as on the first byte to blame, a mistake has to be made twice to be missed.
//!
//! What is wrong first is settled by this order, the same as the codec documents: header complete, version, TKL 15,
//! code and type, Empty with something behind, token, then the options one after the other and last the payload.
//!
//! Used by the integration tests as a module and by `fuzz/` through `#[path]`.

// Each test binary and each fuzz target uses its own part of this module.
#![allow(dead_code)]

use nom::bits::bits;
use nom::bits::complete::take as take_bits;
use nom::bytes::complete::{tag, take};
use nom::combinator::rest;
use nom::error::{ErrorKind, ParseError};
use nom::number::complete::{be_u8, be_u16};
use nom::sequence::preceded;
use nom::{Err, ErrorConvert, IResult, Parser};

/// A message, taken apart and owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The T field: 0 Confirmable, 1 Non-confirmable, 2 Acknowledgement, 3 Reset.
    pub kind: u8,
    /// The Code byte: class in the upper three bits, detail in the lower five.
    pub code: u8,
    /// The Message ID.
    pub mid: u16,
    /// The token, 0 to 65804 bytes.
    pub token: Vec<u8>,
    /// Every option in the order of the wire, with its number worked out.
    pub options: Vec<(u16, Vec<u8>)>,
    /// What stands behind the Payload Marker; empty without a marker.
    pub payload: Vec<u8>,
}

/// What makes a datagram no acceptable message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// Less than the four bytes of the header (RFC 7252 3).
    TruncatedHeader,
    /// Ver is not 1 (RFC 7252 3).
    UnknownVersion,
    /// TKL 15 (RFC 8974 2.1).
    TokenLengthReserved,
    /// TKL 13 or 14 and its extension is cut off (RFC 8974 2.1).
    TruncatedTokenLength,
    /// The token is cut off (RFC 7252 3).
    TruncatedToken,
    /// Code class 1, 6 or 7 (RFC 7252 4.2).
    ReservedCodeClass,
    /// An Acknowledgement with a request in it (RFC 7252 4.2).
    RequestInAcknowledgement,
    /// A Reset with any code other than 0.00 (RFC 7252 4.2).
    ResetNotEmpty,
    /// Code 0.00 with a token or anything else behind the header (RFC 7252 4.1).
    EmptyWithContent,
    /// Delta nibble 15 in a byte that is not the Payload Marker (RFC 7252 3.1).
    OptionDeltaReserved,
    /// Length nibble 15 (RFC 7252 3.1).
    OptionLengthReserved,
    /// The extended delta or the extended length is cut off (RFC 7252 3.1).
    TruncatedOptionHeader,
    /// The deltas add up to more than 65535 (RFC 7252 12.2).
    OptionNumberOverflow,
    /// The value is cut off (RFC 7252 3.1).
    TruncatedOptionValue,
    /// A Payload Marker and nothing behind it (RFC 7252 3).
    PayloadMarkerWithoutPayload,
}

/// Why a datagram was turned down, where, and whether it is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// What is wrong first.
    pub fault: Fault,
    /// The byte to blame, counted from 0; the length of the datagram where a byte is missing.
    pub offset: usize,
    /// The Message ID for a Reset, if one may be sent: version 1, a whole header, Confirmable (RFC 7252 4.2).
    pub reset: Option<u16>,
}

/// Reads one datagram.
pub fn read(datagram: &[u8]) -> Result<Packet, Rejected> {
    let snag = match message(datagram) {
        Ok((_, packet)) => return Ok(packet),
        Err(Err::Error(snag) | Err::Failure(snag)) => snag,
        Err(Err::Incomplete(_)) => unreachable!("only complete parsers are used"),
    };
    Err(Rejected {
        fault: snag.fault.expect("every parser below is wrapped in `short` or cannot fail"),
        offset: datagram.len() - snag.rest.len(),
        reset: answerable(datagram),
    })
}

/// RFC 7252 4.2: a Confirmable message is rejected with a Reset that echoes its Message ID; an Acknowledgement or Reset,
/// and a message of another version (3), in silence. A Non-confirmable one need not be answered (4.3).
fn answerable(datagram: &[u8]) -> Option<u16> {
    match header(datagram) {
        Ok((_, Header { version: 1, kind: 0, mid, .. })) => Some(mid),
        _ => None,
    }
}

type In<'d> = &'d [u8];
type Step<'d, O> = IResult<In<'d>, O, Snag<'d>>;

/// A nom error that remembers the input from the byte to blame on.
#[derive(Debug)]
struct Snag<'d> {
    fault: Option<Fault>,
    rest: In<'d>,
}

impl<'d> ParseError<In<'d>> for Snag<'d> {
    fn from_error_kind(rest: In<'d>, _: ErrorKind) -> Self {
        Snag { fault: None, rest }
    }
    fn append(_: In<'d>, _: ErrorKind, other: Self) -> Self {
        other
    }
}

impl<'d> ParseError<(In<'d>, usize)> for Snag<'d> {
    fn from_error_kind((rest, _): (In<'d>, usize), _: ErrorKind) -> Self {
        Snag { fault: None, rest }
    }
    fn append(_: (In<'d>, usize), _: ErrorKind, other: Self) -> Self {
        other
    }
}

impl<'d> ErrorConvert<Snag<'d>> for Snag<'d> {
    fn convert(self) -> Self {
        self
    }
}

/// Names the failure of a parser that can only run out of input; to blame is the end, where the byte is missing.
fn short<'d, O>(
    fault: Fault,
    mut parser: impl Parser<In<'d>, Output = O, Error = Snag<'d>>,
) -> impl FnMut(In<'d>) -> Step<'d, O> {
    move |input| {
        parser.parse(input).map_err(|error| {
            error
                .map(|snag| Snag { fault: snag.fault.or(Some(fault)), rest: snag.rest.get(snag.rest.len()..).unwrap() })
        })
    }
}

/// A rule that is not a matter of syntax: `at` is the input from the byte to blame on.
fn rule(holds: bool, fault: Fault, at: In<'_>) -> Result<(), Err<Snag<'_>>> {
    if holds { Ok(()) } else { Err(Err::Failure(Snag { fault: Some(fault), rest: at })) }
}

/// An unsigned integer of so many bits.
fn field<'d>(width: usize) -> impl Parser<(In<'d>, usize), Output = u8, Error = Snag<'d>> {
    take_bits(width)
}

/// RFC 7252 3, Figure 7, first line.
struct Header {
    version: u8,
    kind: u8,
    tkl: u8,
    class: u8,
    detail: u8,
    mid: u16,
}

fn header(input: In<'_>) -> Step<'_, Header> {
    let (input, (version, kind, tkl)) = bits((field(2), field(2), field(4)))(input)?;
    let (input, (class, detail)) = bits((field(3), field(5)))(input)?;
    let (input, mid) = be_u16(input)?;
    Ok((input, Header { version, kind, tkl, class, detail, mid }))
}

fn message(datagram: In<'_>) -> Step<'_, Packet> {
    let (behind_header, head) = short(Fault::TruncatedHeader, header)(datagram)?;
    let code_byte = &datagram[1..];

    rule(head.version == 1, Fault::UnknownVersion, datagram)?;
    rule(head.tkl != 15, Fault::TokenLengthReserved, datagram)?;

    // RFC 7252 4.2: what a message of each type may carry.
    let is_empty = head.class == 0 && head.detail == 0;
    let is_request = head.class == 0 && head.detail != 0;
    rule(!matches!(head.class, 1 | 6 | 7), Fault::ReservedCodeClass, code_byte)?;
    rule(head.kind != 2 || !is_request, Fault::RequestInAcknowledgement, code_byte)?;
    rule(head.kind != 3 || is_empty, Fault::ResetNotEmpty, code_byte)?;

    // RFC 7252 4.1: "The Token Length field MUST be set to 0 and bytes of data MUST NOT be present after the
    // Message ID field."
    if is_empty {
        rule(head.tkl == 0, Fault::EmptyWithContent, datagram)?;
        rule(behind_header.is_empty(), Fault::EmptyWithContent, behind_header)?;
    }

    let (input, token_length) = short(Fault::TruncatedTokenLength, |input| extended(head.tkl, input))(behind_header)?;
    let (input, token) = short(Fault::TruncatedToken, take(token_length))(input)?;
    let (input, options) = options(input)?;
    let (input, payload) = payload(input)?;

    let packet = Packet {
        kind: head.kind,
        code: head.class << 5 | head.detail,
        mid: head.mid,
        token: token.to_vec(),
        options,
        payload: payload.to_vec(),
    };
    Ok((input, packet))
}

/// RFC 7252 3.1 for delta and length, RFC 8974 2.1 for the token length: 0 to 12 are themselves, 13 stands for a byte
/// plus 13, 14 for two bytes plus 269. The callers have dealt with 15.
fn extended(nibble: u8, input: In<'_>) -> Step<'_, u32> {
    match nibble {
        13 => be_u8.map(|byte| u32::from(byte) + 13).parse(input),
        14 => be_u16.map(|word| u32::from(word) + 269).parse(input),
        direct => Ok((input, u32::from(direct))),
    }
}

/// RFC 7252 3: "An Option can be followed by the end of the message, by another Option, or by the Payload Marker and
/// the payload."
fn options(mut input: In<'_>) -> Step<'_, Vec<(u16, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut preceding = 0;
    while !input.is_empty() && input[0] != 0xff {
        let (behind, (number, value)) = option(preceding, input)?;
        found.push((number, value.to_vec()));
        preceding = number;
        input = behind;
    }
    Ok((input, found))
}

/// RFC 7252 3.1, Figure 8.
fn option(preceding: u16, start: In<'_>) -> Step<'_, (u16, In<'_>)> {
    let (input, (delta, length)) = bits((field(4), field(4)))(start)?;
    rule(delta != 15, Fault::OptionDeltaReserved, start)?;
    rule(length != 15, Fault::OptionLengthReserved, start)?;

    let (input, delta) = short(Fault::TruncatedOptionHeader, |input| extended(delta, input))(input)?;
    let (input, length) = short(Fault::TruncatedOptionHeader, |input| extended(length, input))(input)?;

    // "calculated by simply summing the Option Delta values of this and all previous options before it"
    let number = u16::try_from(u32::from(preceding) + delta);
    rule(number.is_ok(), Fault::OptionNumberOverflow, start)?;

    let (input, value) = short(Fault::TruncatedOptionValue, take(length))(input)?;
    Ok((input, (number.unwrap(), value)))
}

/// RFC 7252 3: "The presence of a marker followed by a zero-length payload MUST be processed as a message format error."
fn payload(input: In<'_>) -> Step<'_, In<'_>> {
    if input.is_empty() {
        return Ok((input, input));
    }
    let (end, found) = preceded(tag(&[0xff][..]), rest).parse(input)?;
    rule(!found.is_empty(), Fault::PayloadMarkerWithoutPayload, input)?;
    Ok((end, found))
}
