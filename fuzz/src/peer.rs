//! coap-lite 0.13.3 beside our codec, where it is right.
//!
//! It is wrong, found by reading and by running it (DESIGN.md, "What none of the others does well"), in
//!
//! - the version: 0, 2 and 3 are accepted (RFC 7252 3),
//! - Empty messages with something behind the header: accepted (4.1),
//! - a payload marker with nothing behind it: accepted as an empty payload (3),
//! - what type and code may stand together, and reserved code classes: not looked at (4.2),
//! - tokens of 9 bytes and more: refused (RFC 8974 2.1 makes them legal; it does not claim to know it),
//! - values of 65536 to 65804 bytes: refused (3.1 allows them; the sum is kept in 16 bits).
//!
//! Everywhere else both have to agree: on the fields of every valid message, on the bytes that it is written in, and on
//! refusing what is cut off, uses a reserved nibble or has a number past 65535.

use crate::agree;
use crate::grammar::{Fault, Packet, Rejected};
use coap_lite::{MessageType, Packet as Peer};

/// Whether coap-lite is known to refuse this message although it is valid.
fn refused_wrongly(packet: &Packet) -> bool {
    packet.token.len() > 8 || packet.options.iter().any(|(_, value)| value.len() > 65_535)
}

/// Whether coap-lite is known to accept a message with this fault.
fn accepted_wrongly(fault: Fault) -> bool {
    match fault {
        Fault::UnknownVersion
        | Fault::ReservedCodeClass
        | Fault::RequestInAcknowledgement
        | Fault::ResetNotEmpty
        | Fault::EmptyWithContent
        | Fault::PayloadMarkerWithoutPayload => true,
        Fault::TruncatedHeader
        | Fault::TokenLengthReserved
        | Fault::TruncatedTokenLength
        | Fault::TruncatedToken
        | Fault::OptionDeltaReserved
        | Fault::OptionLengthReserved
        | Fault::TruncatedOptionHeader
        | Fault::OptionNumberOverflow
        | Fault::TruncatedOptionValue => false,
    }
}

/// Holds coap-lite against what our readers agree on.
///
/// # Panics
///
/// Where they differ and coap-lite is not known to be wrong.
pub fn check(datagram: &[u8], agreed: &Result<Packet, Rejected>) {
    match agreed {
        Ok(packet) if refused_wrongly(packet) => {}
        Ok(packet) => {
            let peer = Peer::from_bytes(datagram)
                .unwrap_or_else(|error| panic!("coap-lite refuses {datagram:02x?}: {error:?}"));
            assert_eq!(&fields(&peer), packet, "coap-lite (left) and ours (right) differ on {datagram:02x?}");
            let written = peer.to_bytes_unlimited().expect("coap-lite writes what it has read");
            assert_eq!(written, datagram, "coap-lite writes it differently");
            // And what ours writes, it reads: the same bytes (`roundtrip` sees to that).
            assert_eq!(crate::model::encode(packet), datagram);
        }
        Err(rejected) if accepted_wrongly(rejected.fault) => {}
        Err(rejected) => {
            let accepted = Peer::from_bytes(datagram).ok().map(|peer| fields(&peer));
            assert_eq!(accepted, None, "coap-lite takes {datagram:02x?}, ours says {rejected:?}");
        }
    }
}

fn fields(peer: &Peer) -> Packet {
    let kind = match peer.header.get_type() {
        MessageType::Confirmable => 0,
        MessageType::NonConfirmable => 1,
        MessageType::Acknowledgement => 2,
        MessageType::Reset => 3,
    };
    let options =
        peer.options().flat_map(|(number, values)| values.iter().map(move |value| (*number, value.clone()))).collect();
    Packet {
        kind,
        code: peer.header.code.into(),
        mid: peer.header.message_id,
        token: peer.get_token().to_vec(),
        options,
        payload: peer.payload.clone(),
    }
}

/// Reads with all three and compares.
///
/// # Panics
///
/// Where they differ and the one that is alone is not known to be wrong.
pub fn check_all(datagram: &[u8]) {
    let agreed = agree::check(datagram);
    check(datagram, &agreed);
}
