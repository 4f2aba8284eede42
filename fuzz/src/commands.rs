//! Scripts of commands against two endpoints, as bytes: three for most commands, whatever they are.
//!
//! ```text
//! tables u8 · start u8 · nstart u8 · commands
//! command: kind u8 (the upper bit: at which endpoint) · two arguments · for some kinds, more
//! ```

use crate::machine::command::{At, Command, Manner, Reply, To};
use crate::machine::{Script, Setup, Tables};

/// The most commands in a script.
const MOST: usize = 200;

/// The script that the bytes stand for.
pub fn read(mut bytes: &[u8]) -> Script {
    let [tables, start, nstart] = take(&mut bytes).unwrap_or_default();
    let setup = Setup {
        tables: [Tables::Tight, Tables::TightIndexed, Tables::Roomy, Tables::RoomyIndexed][usize::from(tables & 3)],
        // A clock that begins at 0, one of which the lower 32 bits go round, and one of which the lower 40 do.
        start: [0, (1 << 32) - 100_000, (1 << 40) - 100_000][usize::from(start % 3)],
        nstart: 1 + nstart % 3,
        strict: tables & 4 != 0,
        // What is sent arrives as it was: with tables that suffice, and not always.
        honest: tables & 0b1010 == 0b1010,
    };
    let commands = std::iter::from_fn(|| command(&mut bytes)).take(MOST).collect();
    Script { setup, commands }
}

/// Takes bytes off the front.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

fn whom(byte: u8) -> To {
    match byte % 8 {
        0..=4 => To::Other,
        stranger @ 5..=6 => To::Stranger(stranger - 5),
        _ => To::Group,
    }
}

fn command(bytes: &mut &[u8]) -> Option<Command> {
    let [kind, a, b] = take(bytes)?;
    let at = if kind & 0x80 == 0 { At::A } else { At::B };
    let kind = kind & 0x7f;
    Some(match kind {
        0..=17 => {
            let manner = Manner::ALL[usize::from(kind) % Manner::ALL.len()];
            Command::Ask { at, to: whom(a), manner, len: b }
        }
        18..=32 => {
            let reply = Reply::ALL[usize::from(kind) % Reply::ALL.len()];
            Command::Answer { at, which: a, reply, len: b }
        }
        33..=36 => Command::Defer { at, which: a },
        37..=40 => Command::Cancel { at, which: a },
        41..=42 => Command::Forget { at, whom: whom(a) },
        43..=44 => Command::Mistake { at, which: a },
        45..=47 => Command::Poll { at, times: a % 4 },
        48..=54 => Command::Settle { at },
        55..=62 => Command::Wait { ms: u32::from(a) << (b % 25) },
        63..=71 => Command::Wake,
        72..=87 => Command::Deliver { which: a },
        88..=92 => Command::Double { which: a },
        93..=94 => Command::Lose { which: a },
        95..=98 => Command::Corrupt { which: a, place: b, with: take::<1>(bytes)?[0] },
        99..=100 => Command::Cut { which: a, len: b },
        101..=112 => {
            let (taken, rest) = bytes.split_at_checked(usize::from(b % 64))?;
            *bytes = rest;
            Command::Inject { at, from: a % 6, group: kind & 1 == 1, bytes: taken.to_vec() }
        }
        113..=116 => Command::Change { at, which: a, state: b },
        117 => Command::Unobserve { at, which: a },
        118 => Command::EndObservers { at, which: a },
        119 => {
            let [from] = take(bytes)?;
            Command::Refuse { at, from: if from & 0xc0 == 0 { from % 6 } else { 0 }, which: a, len: b % 40 }
        }
        _ => {
            let [way, code] = take(bytes)?;
            // Mostly from whom it was sent to.
            let from = if way & 0x0c == 0 { a % 6 } else { 0 };
            Command::Echo { at, from, which: b, kind: way & 3, code }
        }
    })
}
