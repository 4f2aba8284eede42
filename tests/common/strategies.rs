//! Generators for proptest: messages, writer scripts, and bytes that are nearly messages.

use super::grammar::Packet;
use super::model;
use super::script::{Call, Script};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// So many cases, `PROPTEST_CASES` if it is set; what fails is kept beside the test and tried first from then on.
pub fn config(cases: u32) -> ProptestConfig {
    let cases = match std::env::var("PROPTEST_CASES") {
        Ok(text) => text.parse().expect("PROPTEST_CASES is a number"),
        Err(_) => cases,
    };
    let persistence = FileFailurePersistence::WithSource("regressions");
    ProptestConfig { cases, failure_persistence: Some(Box::new(persistence)), ..ProptestConfig::default() }
}

/// A byte string whose length is short mostly, at the edges of the extended forms often, and long now and then.
pub fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..=8),
        3 => vec(any::<u8>(), 11..=16),
        2 => vec(any::<u8>(), 266..=272),
        1 => vec(any::<u8>(), 0..=600),
    ]
}

/// Token lengths 0 to 20, and a few past the extended forms of RFC 8974.
pub fn token() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..=8),
        4 => vec(any::<u8>(), 9..=20),
        1 => vec(any::<u8>(), 266..=320),
    ]
}

/// Option numbers: those with a name, those that make a delta change its form, any.
pub fn number() -> impl Strategy<Value = u16> {
    prop_oneof![
        6 => proptest::sample::select(NAMED),
        2 => proptest::sample::select(&[0u16, 2, 12, 13, 14, 25, 26, 268, 269, 270, 281, 282, 65_534, 65_535][..]),
        2 => 0..=300u16,
        1 => any::<u16>(),
    ]
}

/// The option numbers of the registry.
pub const NAMED: &[u16] = &[
    1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 23, 27, 28, 31, 35, 39, 60, 128, 132, 136, 140,
    235, 239, 252, 258, 292, 548, 2049, 2053, 2055, 2056,
];

/// A value that a peer might send for an option: of the right shape or close to it.
pub fn plausible(number: u16) -> BoxedStrategy<Vec<u8>> {
    match number {
        // strings
        3 | 8 | 11 | 15 | 20 | 35 | 39 => prop_oneof![
            6 => "[a-z0-9._~=-]{0,12}".prop_map(String::into_bytes),
            2 => "\\PC{0,6}".prop_map(String::into_bytes),
            1 => any::<String>().prop_map(String::into_bytes),
            1 => vec(any::<u8>(), 0..=6),
            1 => vec(b'a'..=b'z', 250..=260),
        ]
        .boxed(),
        // uints
        6 | 7 | 12 | 13 | 14 | 16 | 17 | 19 | 23 | 27 | 28 | 31 | 60 | 239 | 258 => prop_oneof![
            4 => any::<u32>().prop_flat_map(|value| (0..=32u32).prop_map(move |shift| model::uint(value.checked_shr(shift).unwrap_or(0)))),
            2 => vec(any::<u8>(), 0..=5),
            1 => vec(Just(0u8), 0..=5),
        ]
        .boxed(),
        _ => prop_oneof![4 => vec(any::<u8>(), 0..=9), 1 => value()].boxed(),
    }
}

/// One option.
pub fn option() -> impl Strategy<Value = (u16, Vec<u8>)> {
    number().prop_flat_map(|number| (Just(number), prop_oneof![3 => plausible(number), 1 => value()]))
}

/// Codes that stand in messages: methods and responses, known and not.
pub fn code() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => 1u8..=7,
        4 => proptest::sample::select(&[0x41u8, 0x42, 0x43, 0x44, 0x45, 0x5f, 0x80, 0x82, 0x84, 0x85, 0x8c, 0xa0, 0xa3][..]),
        1 => 1u8..=31,
        1 => 0x40u8..=0xbf,
    ]
}

/// Type and code as RFC 7252 4.2 and 4.3 let them stand together, with content.
fn kind_and_code() -> impl Strategy<Value = (u8, u8)> {
    (0u8..=2, code()).prop_map(|(kind, code)| if kind == 2 && code < 0x20 { (0, code) } else { (kind, code) })
}

/// A message that every reader has to accept, options ascending; Empty ones among them.
pub fn packet() -> impl Strategy<Value = Packet> {
    let full = (
        kind_and_code(),
        any::<u16>(),
        token(),
        vec(option(), 0..=8),
        prop_oneof![
            2 => Just(Vec::new()),
            3 => vec(any::<u8>(), 1..=40),
            1 => "\\PC{1,30}".prop_map(String::into_bytes),
            1 => any::<String>().prop_map(String::into_bytes),
        ],
    )
        .prop_map(|((kind, code), mid, token, mut options, payload)| {
            options.sort_by_key(|(number, _)| *number);
            Packet { kind, code, mid, token, options, payload }
        });
    let empty = (0u8..=3, any::<u16>()).prop_map(|(kind, mid)| Packet {
        kind,
        code: 0,
        mid,
        token: vec![],
        options: vec![],
        payload: vec![],
    });
    prop_oneof![12 => full, 1 => empty]
}

/// What can be done to a datagram, one byte or two at a time.
#[derive(Clone, Debug)]
pub enum Damage {
    /// One bit is flipped.
    Flip(prop::sample::Index, u8),
    /// A byte is replaced by one that means something somewhere.
    Replace(prop::sample::Index, u8),
    /// A byte more.
    Insert(prop::sample::Index, u8),
    /// A byte less.
    Remove(prop::sample::Index),
    /// The rest is cut off.
    Truncate(prop::sample::Index),
    /// Something at the end.
    Append(u8),
}

/// Bytes that begin or end things: nibbles 13, 14 and 15, the marker, nothing.
fn telling_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        3 => proptest::sample::select(&[0x00u8, 0x0d, 0x0e, 0x0f, 0x10, 0xd0, 0xdd, 0xde, 0xe0, 0xed, 0xee, 0xf0, 0xf5, 0xfe, 0xff][..]),
        1 => any::<u8>(),
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<prop::sample::Index>(), 0u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (any::<prop::sample::Index>(), telling_byte()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (any::<prop::sample::Index>(), telling_byte()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        any::<prop::sample::Index>().prop_map(Damage::Remove),
        any::<prop::sample::Index>().prop_map(Damage::Truncate),
        telling_byte().prop_map(Damage::Append),
    ]
}

/// A valid message with up to four things done to it. Random bytes seldom get past the header; these do.
pub fn nearly_valid() -> impl Strategy<Value = Vec<u8>> {
    (packet(), vec(damage(), 0..=4)).prop_map(|(packet, damages)| {
        let mut bytes = model::encode(&packet);
        for damage in damages {
            match damage {
                Damage::Flip(at, bit) if !bytes.is_empty() => {
                    let at = at.index(bytes.len());
                    bytes[at] ^= 1 << bit;
                }
                Damage::Replace(at, byte) if !bytes.is_empty() => {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
                Damage::Insert(at, byte) => bytes.insert(at.index(bytes.len() + 1), byte),
                Damage::Remove(at) if !bytes.is_empty() => {
                    bytes.remove(at.index(bytes.len()));
                }
                Damage::Truncate(at) => bytes.truncate(at.index(bytes.len() + 1)),
                Damage::Append(byte) => bytes.push(byte),
                Damage::Flip(..) | Damage::Replace(..) | Damage::Remove(..) => {}
            }
        }
        bytes
    })
}

/// A header of version 1 and behind it nothing but bytes that mean something: walks deep into the options.
pub fn telling_bytes() -> impl Strategy<Value = Vec<u8>> {
    (0u8..4, 0u8..=15, prop_oneof![9 => code(), 1 => any::<u8>()], any::<u16>(), vec(telling_byte(), 0..=40)).prop_map(
        |(kind, tkl, code, mid, tail)| {
            let mut bytes = vec![0x40 | kind << 4 | tkl, code];
            bytes.extend(mid.to_be_bytes());
            bytes.extend(tail);
            bytes
        },
    )
}

/// Anything a socket may deliver.
pub fn datagram() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => vec(any::<u8>(), 0..=64),
        3 => telling_bytes(),
        6 => nearly_valid(),
    ]
}

fn payload_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        vec(any::<u8>(), 0..=40).prop_map(Call::Payload),
        ("\\PC{0,12}", any::<u32>()).prop_map(|(text, number)| Call::Text(text, number)),
    ]
}

/// A script that keeps every rule: ascending options, then payloads by slice and `fmt::Write`.
pub fn plain_script() -> impl Strategy<Value = Script> {
    (kind_and_code(), any::<u16>(), token(), vec((option(), any::<Option<u32>>()), 0..=8), vec(payload_call(), 0..=3))
        .prop_map(|((kind, code), mid, token, mut options, payloads)| {
            options.sort_by_key(|((number, _), _)| *number);
            let calls = options
                .into_iter()
                .map(|((number, value), uint)| match uint {
                    Some(uint) => Call::Uint(number, uint),
                    None => Call::Option(number, value),
                })
                .chain(payloads)
                .collect();
            Script { kind, code, mid, token, calls }
        })
}

/// A script of any calls in any order, right and wrong.
pub fn wild_script() -> impl Strategy<Value = Script> {
    let call = prop_oneof![
        6 => option().prop_map(|(number, value)| Call::Insert(number, value)),
        1 => option().prop_map(|(number, value)| Call::Option(number, value)),
        1 => (number(), any::<u32>()).prop_map(|(number, value)| Call::Uint(number, value)),
        2 => payload_call(),
        1 => vec(any::<u8>(), 0..=40).prop_map(Call::Fill),
        1 => prop_oneof![6 => code(), 1 => any::<u8>()].prop_map(Call::Code),
        1 => (packet(), number()).prop_map(|(packet, dropped)| Call::Copy(model::encode(&packet), dropped)),
    ];
    // Mostly nothing that ends in a sticky error, so that the rest of the calls is worth something.
    let insert_only = prop_oneof![
        6 => option().prop_map(|(number, value)| Call::Insert(number, value)),
        1 => payload_call(),
        1 => vec(any::<u8>(), 0..=40).prop_map(Call::Fill),
        1 => (packet(), number()).prop_map(|(packet, dropped)| Call::Copy(model::encode(&packet), dropped)),
    ];
    let calls = prop_oneof![3 => vec(insert_only, 0..=10).boxed(), 1 => vec(call, 0..=10).boxed()];
    let start = prop_oneof![9 => kind_and_code(), 1 => (0u8..=3, any::<u8>())];
    (start, any::<u16>(), token(), calls).prop_map(|((kind, code), mid, token, calls)| Script {
        kind,
        code,
        mid,
        token,
        calls,
    })
}
