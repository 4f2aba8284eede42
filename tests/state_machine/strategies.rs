//! Scripts, made up by proptest: what is interesting more often than what is not, and shorter ones where a longer one
//! fails.

use super::machine::command::{At, Command, Manner, Reply, To};
use super::machine::{Script, Setup, Tables};
use proptest::collection::vec;
use proptest::prelude::*;

fn at() -> impl Strategy<Value = At> {
    prop_oneof![Just(At::A), Just(At::B)]
}

fn to() -> impl Strategy<Value = To> {
    prop_oneof![8 => Just(To::Other), 2 => (0..3_u8).prop_map(To::Stranger), 1 => Just(To::Group)]
}

fn manner() -> impl Strategy<Value = Manner> {
    prop_oneof![
        6 => Just(Manner::Con),
        2 => Just(Manner::Non),
        4 => Just(Manner::Observe),
        6 => proptest::sample::select(&Manner::ALL),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        4 => Just(Reply::Plain),
        4 => Just(Reply::Reported),
        4 => Just(Reply::Observed),
        3 => proptest::sample::select(&Reply::ALL),
    ]
}

/// Short mostly; and now and then longer than there is room for.
fn len() -> impl Strategy<Value = u8> {
    prop_oneof![6 => 0..20_u8, 2 => 20..150_u8, 1 => any::<u8>()]
}

/// The last one mostly.
fn which() -> impl Strategy<Value = u8> {
    prop_oneof![6 => 0..2_u8, 2 => 0..6_u8, 1 => any::<u8>()]
}

fn wait() -> impl Strategy<Value = u32> {
    prop_oneof![
        3 => 0..1_500_u32,
        4 => 1_500..6_000_u32,
        3 => 6_000..70_000_u32,
        2 => 70_000..300_000_u32,
        1 => 300_000..30_000_000_u32,
        1 => 30_000_000..=u32::MAX,
    ]
}

/// What happens on any day.
fn honest() -> impl Strategy<Value = Command> {
    prop_oneof![
        8 => (at(), to(), manner(), len()).prop_map(|(at, to, manner, len)| Command::Ask { at, to, manner, len }),
        8 => (at(), which(), reply(), len())
            .prop_map(|(at, which, reply, len)| Command::Answer { at, which, reply, len }),
        4 => (at(), which()).prop_map(|(at, which)| Command::Defer { at, which }),
        2 => (at(), which()).prop_map(|(at, which)| Command::Cancel { at, which }),
        1 => (at(), which()).prop_map(|(at, which)| Command::Unobserve { at, which }),
        5 => (at(), 0..3_u8, any::<u8>()).prop_map(|(at, which, state)| Command::Change { at, which, state }),
        1 => (at(), 0..3_u8).prop_map(|(at, which)| Command::EndObservers { at, which }),
        1 => (at(), any::<u8>()).prop_map(|(at, which)| Command::Mistake { at, which }),
        1 => (at(), 1..4_u8).prop_map(|(at, times)| Command::Poll { at, times }),
        4 => at().prop_map(|at| Command::Settle { at }),
        5 => wait().prop_map(|ms| Command::Wait { ms }),
        6 => Just(Command::Wake),
        18 => which().prop_map(|which| Command::Deliver { which }),
        4 => which().prop_map(|which| Command::Double { which }),
        2 => which().prop_map(|which| Command::Lose { which }),
    ]
}

/// What happens to those who are attacked, too.
fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        64 => honest(),
        2 => (at(), to()).prop_map(|(at, whom)| Command::Forget { at, whom }),
        3 => (which(), 0..24_u8, any::<u8>())
            .prop_map(|(which, place, with)| Command::Corrupt { which, place, with }),
        1 => (which(), 0..24_u8).prop_map(|(which, len)| Command::Cut { which, len }),
        3 => (at(), 0..6_u8, any::<bool>(), datagram())
            .prop_map(|(at, from, group, bytes)| Command::Inject { at, from, group, bytes }),
        8 => (at(), prop_oneof![5 => Just(0), 1 => 1..6_u8], which(), 0..4_u8, code())
            .prop_map(|(at, from, which, kind, code)| Command::Echo { at, from, which, kind, code }),
        3 => (at(), prop_oneof![5 => Just(0), 1 => 1..6_u8], which(), 0..40_u8)
            .prop_map(|(at, from, which, len)| Command::Refuse { at, from, which, len }),
    ]
}

/// Bytes; and messages with few different Message IDs and tokens, so that some are the same.
fn datagram() -> impl Strategy<Value = Vec<u8>> {
    // With Observe, of any value and length, or without.
    let observe = prop_oneof![2 => Just(None), 1 => Just(Some(vec![])), 1 => vec(any::<u8>(), 0..5).prop_map(Some)];
    let message = (0..4_u8, code(), 0..4_u8, prop_oneof![0..3_u8, 0..13_u8], observe, vec(any::<u8>(), 0..8));
    let message = message.prop_map(|(kind, code, id, token, observe, rest)| {
        let mut bytes = vec![0x40 | kind << 4 | token, code, 0, id];
        bytes.extend(std::iter::repeat_n(b't', usize::from(token)));
        if let Some(value) = observe {
            bytes.push(0x60 | value.len() as u8);
            bytes.extend(value);
        }
        bytes.extend(rest);
        bytes
    });
    prop_oneof![4 => message, 1 => vec(any::<u8>(), 0..20)]
}

fn code() -> impl Strategy<Value = u8> {
    // Empty, GET, POST, 2.05, 4.04, 5.03.
    prop_oneof![6 => proptest::sample::select(&[0, 1, 2, 0x45, 0x84, 0xa3][..]), 1 => any::<u8>()]
}

fn setup(tables: &'static [Tables], honest: bool) -> impl Strategy<Value = Setup> {
    // A clock that begins at 0, one of which the lower 32 bits go round, and one of which the lower 40 do.
    let start = prop_oneof![Just(0), Just((1 << 32) - 100_000), Just((1 << 40) - 100_000)];
    (proptest::sample::select(tables), start, 1..4_u8, any::<bool>())
        .prop_map(move |(tables, start, nstart, strict)| Setup { tables, start, nstart, strict, honest })
}

/// Any script, on tables that are too small for it or not.
pub fn hostile() -> impl Strategy<Value = Script> {
    let tables = &[Tables::Tight, Tables::TightIndexed, Tables::Tight, Tables::TightIndexed, Tables::RoomyIndexed];
    (setup(tables, false), vec(any_command(), 0..=120)).prop_map(|(setup, commands)| Script { setup, commands })
}

/// Scripts in which what arrives is what was sent, on tables that suffice.
pub fn orderly() -> impl Strategy<Value = Script> {
    let tables = &[Tables::Roomy, Tables::RoomyIndexed];
    (setup(tables, true), vec(honest(), 0..=120)).prop_map(|(setup, commands)| Script { setup, commands })
}
