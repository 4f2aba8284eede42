//! Which responses a client wants (RFC 7967; for groups RFC 7252 8.2).

use crate::store::flag;
use crate::wire::Code;

/// What a request says of the responses that it wants, by the value of its No-Response: the bits of
/// [`flag::NO_RESPONSE`]. `None`: nothing.
pub(crate) fn asked(value: Option<&[u8]>) -> Option<u8> {
    match value? {
        [] => Some(0),
        [bits] => Some(bits & flag::NO_RESPONSE),
        // Elective: with a length that it cannot have it is ignored (RFC 7252 5.4.3).
        _ => None,
    }
}

/// Whether a response of this code is wanted by a request with these bits.
pub(crate) const fn is_wanted(code: Code, bits: u8) -> bool {
    // RFC 7967 2.1: class n in bit n - 1.
    let (class, unwanted) = (code.class(), bits & flag::NO_RESPONSE);
    unwanted == 0 || class == 0 || unwanted >> (class - 1) & 1 == 0
}
