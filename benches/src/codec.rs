//! The operations of the codec that are measured, and what must be true of them before they are.

use crate::messages::Sample;
use crate::sum::Sum;
use coaplet::{Message, ParseError, Writer};

/// `parse`: everything is checked, nothing is read. The whole result, view or error, is handed over.
///
/// # Errors
///
/// As [`Message::parse`].
#[inline(never)]
pub fn parse(datagram: &[u8]) -> Result<Message<'_>, ParseError> {
    Message::parse(datagram)
}

/// `walk`: parse, then use the header, every option and the payload.
#[inline(never)]
#[must_use]
pub fn parse_and_walk(datagram: &[u8]) -> Option<u64> {
    let message = Message::parse(datagram).ok()?;
    let header = message.header();
    let mut sum = Sum::header(header.message_type as u8, header.code.to_byte(), header.message_id, message.token());
    for (number, value) in message.options() {
        sum.option(number.get(), value);
    }
    Some(sum.payload(message.payload()))
}

/// `encode`: header, token, the options one by one, payload, into a caller's buffer. Returns the length.
#[inline(never)]
#[must_use]
pub fn encode(sample: &Sample, buffer: &mut [u8]) -> Option<usize> {
    let mut writer = Writer::new(buffer, sample.header, sample.token);
    for (number, value) in sample.options {
        writer.option(*number, value);
    }
    writer.payload(sample.payload).finish().ok()
}

/// Correctness before speed: the operations do what they are measured for. Every bench calls it first.
///
/// # Panics
///
/// If the codec reads or writes `sample` wrongly.
pub fn check(sample: &Sample) {
    let datagram = sample.datagram();
    let id = sample.id;

    let message = parse(&datagram).unwrap_or_else(|error| panic!("message {id}: {error}"));
    assert_eq!(message.header(), sample.header, "message {id}: header");
    assert_eq!(message.token(), sample.token, "message {id}: token");
    assert_eq!(message.options().count(), sample.options.len(), "message {id}: number of options");
    assert!(message.options().eq(sample.options.iter().copied()), "message {id}: options");
    assert_eq!(message.payload(), sample.payload, "message {id}: payload");

    let header = sample.header;
    let mut sum = Sum::header(header.message_type as u8, header.code.to_byte(), header.message_id, sample.token);
    for (number, value) in sample.options {
        sum.option(number.get(), value);
    }
    assert_eq!(parse_and_walk(&datagram), Some(sum.payload(sample.payload)), "message {id}: the walk's sum");

    let mut buffer = [0; 2048];
    let length = encode(sample, &mut buffer).unwrap_or_else(|| panic!("message {id}: not written"));
    assert_eq!(&buffer[..length], &datagram[..], "message {id}: the datagram written");
}

#[cfg(test)]
mod tests {
    use crate::messages::SAMPLES;

    #[test]
    fn the_operations_do_what_they_are_measured_for() {
        SAMPLES.iter().for_each(super::check);
    }
}
