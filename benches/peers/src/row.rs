//! What a codec brings to the table, and what it is given.

use crate::codecs::reference::{MSGS, Msg};
use coaplet_benches::messages::{SAMPLES, Sample};
use coaplet_benches::sum::Sum;

/// A line of the tables.
pub struct Row {
    /// Name and version.
    pub name: &'static str,
    /// What a reader must know to judge the figures; empty if nothing.
    pub note: &'static str,
    /// `None` where the codec has no such step of its own.
    pub parse: Option<Task>,
    pub walk: Option<Task>,
    pub encode: Option<Task>,
}

impl Row {
    pub fn task(&self, operation: Operation) -> Option<&Task> {
        match operation {
            Operation::Parse => self.parse.as_ref(),
            Operation::Walk => self.walk.as_ref(),
            Operation::Encode => self.encode.as_ref(),
        }
    }
}

/// One operation of one codec.
pub struct Task {
    /// Does it as often as told, through `black_box`: the reference's loop.
    pub calls: fn(usize, &mut Input),
    /// Does it once and compares; what is wrong, if anything.
    pub check: fn(&mut Input) -> Result<(), String>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Operation {
    Parse,
    Walk,
    Encode,
}

impl Operation {
    pub const ALL: [Operation; 3] = [Operation::Parse, Operation::Walk, Operation::Encode];

    pub fn name(self) -> &'static str {
        match self {
            Operation::Parse => "parse",
            Operation::Walk => "parse + walk",
            Operation::Encode => "encode",
        }
    }
}

/// One of the five messages: as a datagram for readers, as values for writers (ours typed, the reference's plain).
pub struct Input {
    pub datagram: Vec<u8>,
    pub sample: &'static Sample,
    pub message: &'static Msg,
    pub buffer: [u8; 2048],
    sum: u64,
}

impl Input {
    pub fn new(index: usize) -> Input {
        let (sample, message) = (&SAMPLES[index], &MSGS[index]);
        let mut sum = Sum::header(message.ty, message.code, message.mid, message.token);
        message.opts.iter().for_each(|(number, value)| sum.option(*number, value));
        let sum = sum.payload(message.payload);
        Input { datagram: sample.datagram(), sample, message, buffer: [0; 2048], sum }
    }

    /// Whether a walk has seen what is in the message.
    pub fn is_sum(&self, sum: Option<u64>) -> Result<(), String> {
        match sum {
            None => Err("rejected".into()),
            Some(sum) if sum != self.sum => Err("read wrongly".into()),
            Some(_) => Ok(()),
        }
    }

    /// Whether exactly the datagram has been written to the buffer.
    pub fn is_written(&self, length: Option<usize>) -> Result<(), String> {
        self.is_datagram(length.and_then(|length| self.buffer.get(..length)))
    }

    /// Whether `bytes` are exactly the datagram.
    pub fn is_datagram(&self, bytes: Option<&[u8]>) -> Result<(), String> {
        match bytes {
            None => Err("not written".into()),
            Some(bytes) if bytes != self.datagram => Err("written wrongly".into()),
            Some(_) => Ok(()),
        }
    }
}

/// The loop that is measured: the reference's `for _ in 0..n { black_box(..); }`. What is handed over is dropped in it.
/// A call with two arguments takes them from local variables, as the reference's loop does.
#[macro_export]
macro_rules! repeat {
    ($calls:expr, $call:expr) => {
        for _ in 0..$calls {
            let _ = std::hint::black_box($call);
        }
    };
}
