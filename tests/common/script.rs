//! A run of calls on a [`Writer`], and what has to come of it: played on the real one and on a plain model beside it.
//!
//! The property tests and the fuzz target `roundtrip` make the scripts, each with its own generator.

use super::agree;
use super::grammar::Packet;
use super::model::{self, MOST};
use coaplet::wire::{Code, Header, Message, OptionNumber, WriteError, Writer};
use core::fmt::Write as _;

/// One call.
#[derive(Clone, Debug)]
pub enum Call {
    /// `option(number, value)`
    Option(u16, Vec<u8>),
    /// `uint(number, value)`
    Uint(u16, u32),
    /// `insert(number, value)`
    Insert(u16, Vec<u8>),
    /// `payload(bytes)`
    Payload(Vec<u8>),
    /// `write!(writer, "{}{:?}", text, number)`: several pieces by way of `core::fmt::Write`.
    Text(String, u32),
    /// `fill(..)` with these bytes, as many as there is room for, and their whole length given back.
    Fill(Vec<u8>),
    /// `code(code)`
    Code(u8),
    /// `copy_from(..)` of a message that parses, without the options of this number.
    Copy(Vec<u8>, u16),
}

/// A message to write.
#[derive(Clone, Debug)]
pub struct Script {
    /// The T field.
    pub kind: u8,
    /// The code given to `Writer::new`.
    pub code: u8,
    /// The Message ID.
    pub mid: u16,
    /// The token.
    pub token: Vec<u8>,
    /// What is called, in this order.
    pub calls: Vec<Call>,
}

/// What has to come of a script, worked out without the writer.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The message, meaningful if there is no error.
    pub packet: Packet,
    /// The sticky error: that of the first call that was at fault.
    pub sticky: Option<WriteError>,
    /// Whether `needed` has to be exact: only ascending options, and payloads by slice and `fmt::Write`.
    pub exact: bool,
}

impl Script {
    /// Plays the script on the model, as into a buffer of `room` bytes. The room decides about two things only: a writer
    /// that has no place for the header does not look at what `code` puts in it, and one that has no place for an option
    /// between others does not look at how long it is. Both are told once there is room.
    pub fn outcome(&self, room: usize) -> Outcome {
        let mut out = Outcome {
            packet: Packet {
                kind: self.kind,
                code: self.code,
                mid: self.mid,
                token: self.token.clone(),
                options: Vec::new(),
                payload: Vec::new(),
            },
            sticky: None,
            exact: true,
        };
        out.code(self.code);
        if self.token.len() > MOST {
            out.fail(WriteError::TooLong { length: self.token.len(), limit: MOST });
        }
        for call in &self.calls {
            match call {
                Call::Option(number, value) => out.option(*number, value),
                Call::Uint(number, value) => out.option(*number, &model::uint(*value)),
                Call::Insert(number, value) => out.insert(*number, value, room),
                Call::Payload(bytes) => out.packet.payload.extend(bytes),
                Call::Text(text, number) => out.packet.payload.extend(format!("{text}{number:?}").bytes()),
                Call::Fill(bytes) => {
                    out.packet.payload.extend(bytes);
                    out.exact &= bytes.is_empty();
                }
                Call::Code(code) if room < 4 => out.packet.code = *code,
                Call::Code(code) => out.code(*code),
                Call::Copy(datagram, dropped) => {
                    let original = super::grammar::read(datagram).expect("scripts copy from valid messages");
                    for (number, value) in original.options.iter().filter(|(number, _)| number != dropped) {
                        out.insert(*number, value, room);
                    }
                    out.packet.payload.extend(original.payload);
                }
            }
        }
        out
    }

    /// Plays the script on a [`Writer`] over this buffer.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, WriteError> {
        let header =
            Header { message_type: agree::type_of(self.kind), code: Code::from_byte(self.code), message_id: self.mid };
        let mut writer = Writer::new(buffer, header, &self.token);
        for call in &self.calls {
            match call {
                Call::Option(number, value) => {
                    writer.option(OptionNumber::new(*number), value);
                }
                Call::Uint(number, value) => {
                    writer.uint(OptionNumber::new(*number), *value);
                }
                Call::Insert(number, value) => {
                    writer.insert(OptionNumber::new(*number), value);
                }
                Call::Payload(bytes) => {
                    writer.payload(bytes);
                }
                Call::Text(text, number) => {
                    write!(writer, "{text}{number:?}").expect("writing text never fails before `finish`");
                }
                Call::Fill(bytes) => {
                    writer.fill(|room| {
                        let fits = bytes.len().min(room.len());
                        room[..fits].copy_from_slice(&bytes[..fits]);
                        bytes.len()
                    });
                }
                Call::Code(code) => {
                    writer.code(Code::from_byte(*code));
                }
                Call::Copy(datagram, dropped) => {
                    let original = Message::parse(datagram).expect("scripts copy from valid messages");
                    writer.copy_from(&original, |number, _| number.get() != *dropped);
                }
            }
        }
        writer.finish()
    }

    /// Writes into a buffer of `room` bytes and, as long as it is too small, into one of the size that was asked for.
    /// Everything on the way is held against the model. Gives back the datagram, or the error that no room would mend.
    ///
    /// # Panics
    ///
    /// Where writer and model differ, or writer and reader.
    pub fn check(&self, mut room: usize) -> Result<Vec<u8>, WriteError> {
        let packet = self.outcome(room).packet;
        // Every call that is a lower bound short can be so once at most, and the message once more.
        let mut attempts = packet.options.len() + self.calls.len() + 2;
        loop {
            // The bytes behind the buffer that was lent must not be there to be found; the ones in it hold old news.
            let mut buffer = vec![0xa5; room];
            let found = self.write(&mut buffer);
            let outcome = self.outcome(room);
            if let Some(sticky) = outcome.sticky {
                assert_eq!(found, Err(sticky), "the first fault is the one that is told: {self:?}");
                return Err(sticky);
            }
            let length = model::length(&outcome.packet);
            if length > room {
                let Err(WriteError::BufferTooSmall { needed }) = found else {
                    panic!("{length} bytes into {room} gave {found:?}: {self:?}");
                };
                assert!(needed > room, "retrying with {needed} after {room} would not end: {self:?}");
                assert!(needed <= length, "{needed} are more than the {length} it takes: {self:?}");
                if outcome.exact {
                    assert_eq!(needed, length, "needed is exact for ascending options: {self:?}");
                }
                attempts = attempts.checked_sub(1).unwrap_or_else(|| panic!("retrying does not end: {self:?}"));
                room = needed;
                continue;
            }
            let expected = model::encode(&outcome.packet);
            assert_eq!(expected.len(), length);
            // RFC 7252 4.1; whatever else a reader would refuse is a sticky error by now.
            if outcome.packet.code == 0 && expected.len() > 4 {
                assert_eq!(found, Err(WriteError::EmptyWithContent), "{self:?}");
                return Err(WriteError::EmptyWithContent);
            }
            assert_eq!(found, Ok(expected.len()), "{self:?}");
            buffer.truncate(expected.len());
            assert_eq!(buffer, expected, "{self:?}");
            let parsed = agree::check(&buffer).expect("what is written parses");
            assert_eq!(parsed, outcome.packet, "read back as written: {self:?}");
            return Ok(buffer);
        }
    }
}

impl Outcome {
    fn option(&mut self, number: u16, value: &[u8]) {
        let last = self.packet.options.last().map_or(0, |(number, _)| *number);
        let (number, after) = (OptionNumber::new(number), OptionNumber::new(last));
        if !self.packet.payload.is_empty() {
            self.fail(WriteError::OptionAfterPayload { number });
        } else if number < after {
            self.fail(WriteError::OutOfOrder { number, after });
        } else {
            if value.len() > MOST {
                self.fail(WriteError::TooLong { length: value.len(), limit: MOST });
            }
            self.packet.options.push((number.get(), value.to_vec()));
        }
    }

    fn insert(&mut self, number: u16, value: &[u8], room: usize) {
        let last = self.packet.options.last().map_or(0, |(number, _)| *number);
        if self.packet.payload.is_empty() && number >= last {
            return self.option(number, value);
        }
        self.exact = false;
        // Behind those of the same number.
        let place = self.packet.options.partition_point(|(other, _)| *other <= number);
        self.packet.options.insert(place, (number, value.to_vec()));
        if value.len() > MOST && model::length(&self.packet) <= room {
            self.fail(WriteError::TooLong { length: value.len(), limit: MOST });
        }
    }

    /// RFC 7252 4.2: what may not stand in a message of this type, and what no message may carry.
    fn code(&mut self, byte: u8) {
        self.packet.code = byte;
        let code = Code::from_byte(byte);
        if matches!(byte >> 5, 1 | 6 | 7) {
            self.fail(WriteError::ReservedCodeClass { code });
        } else if self.packet.kind == 3 && byte != 0 {
            self.fail(WriteError::ResetNotEmpty);
        } else if self.packet.kind == 2 && (1..0x20).contains(&byte) {
            self.fail(WriteError::RequestInAcknowledgement);
        }
    }

    fn fail(&mut self, error: WriteError) {
        self.sticky.get_or_insert(error);
    }
}
