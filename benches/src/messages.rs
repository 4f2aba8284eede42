//! The five messages: what a writer is given, and the datagram that must come of it (tests/vectors/bench-messages.json).

use coaplet::{Code, Header, OptionNumber, Type};

/// One message, as a program holds it before it is written.
#[derive(Debug)]
pub struct Sample {
    /// The letter it goes by, `a` to `e`.
    pub id: &'static str,
    /// Type, code and Message ID.
    pub header: Header,
    /// The token.
    pub token: &'static [u8],
    /// Number and value of each option, in ascending order.
    pub options: &'static [(OptionNumber, &'static [u8])],
    /// The payload, empty if there is none.
    pub payload: &'static [u8],
}

const fn header(message_type: Type, code: u8, message_id: u16) -> Header {
    Header { message_type, code: Code::from_byte(code), message_id }
}

const fn option(number: u16, value: &'static [u8]) -> (OptionNumber, &'static [u8]) {
    (OptionNumber::new(number), value)
}

/// The five. Numbers stand here as they do on the wire, so that the expectation does not rest on our registries.
pub static SAMPLES: [Sample; 5] = [
    // An empty ACK.
    Sample { id: "a", header: header(Type::Acknowledgement, 0x00, 0x1234), token: &[], options: &[], payload: &[] },
    // A GET: coap://host/sensors/temp?u=Cel
    Sample {
        id: "b",
        header: header(Type::Confirmable, 0x01, 0x1235),
        token: &[1, 2, 3, 4],
        options: &[option(3, b"host"), option(11, b"sensors"), option(11, b"temp"), option(15, b"u=Cel")],
        payload: &[],
    },
    // A piggybacked 2.05: ETag, Content-Format, Max-Age, 64 bytes.
    Sample {
        id: "c",
        header: header(Type::Acknowledgement, 0x45, 0x1236),
        token: &[1, 2, 3, 4, 5, 6, 7, 8],
        options: &[option(4, &[0xaa, 0xbb, 0xcc, 0xdd]), option(12, &[50]), option(14, &[60])],
        payload: &[b'x'; 64],
    },
    // One block of a notification: Observe, Content-Format, Block2 (number 5, more, 1024 bytes), 1024 bytes.
    Sample {
        id: "d",
        header: header(Type::Confirmable, 0x45, 0x1237),
        token: &[1, 2, 3, 4],
        options: &[option(6, &[1, 2, 3]), option(12, &[42]), option(23, &[0x5e])],
        payload: &[b'z'; 1024],
    },
    // A PUT with 16 options, some of them with extended delta or length, and 32 bytes.
    Sample {
        id: "e",
        header: header(Type::Confirmable, 0x03, 0x1238),
        token: &[1, 2, 3, 4, 5, 6, 7, 8],
        options: &[
            option(1, &[1, 2, 3, 4]),
            option(3, b"example.org"),
            option(4, &[1, 2, 3, 4, 5, 6, 7, 8]),
            option(6, &[]),
            option(7, &[0x16, 0x33]),
            option(11, b"api"),
            option(11, b"v1"),
            option(11, b"devices"),
            option(11, b"thermostat-0042-living-room"),
            option(12, &[60]),
            option(15, b"u=Cel"),
            option(15, b"limit=10"),
            option(15, b"from=1700000000"),
            option(17, &[60]),
            option(39, b"coap"),
            option(60, &[0x04, 0x00]),
        ],
        payload: &[b'y'; 32],
    },
];

impl Sample {
    /// The datagram of this message, from the vector file.
    ///
    /// # Panics
    ///
    /// If the file does not hold it.
    #[must_use]
    pub fn datagram(&self) -> Vec<u8> {
        let file = include_str!("../../tests/vectors/bench-messages.json");
        let entry = file.split_once(&format!("\"id\": \"{}\"", self.id)).expect("the message's id").1;
        let hex = entry.split_once("\"hex\": \"").expect("the message's hex").1.split('"').next().unwrap_or("");
        assert!(hex.len() >= 8 && hex.len() % 2 == 0, "message {}: {hex:?} is no datagram", self.id);
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
    }
}
