//! Scripts that have failed, cut down.

use super::machine::command::{At, Command, Manner, Reply, To};
use super::machine::{Script, Setup, Tables};

fn setup(tables: Tables, start: u64, honest: bool) -> Setup {
    Setup { tables, start, nstart: 1, strict: false, honest }
}

fn con(at: At, to: To) -> Command {
    Command::Ask { at, to, manner: Manner::Con, len: 0 }
}

fn answer(at: At, which: u8) -> Command {
    Command::Answer { at, which, reply: Reply::Plain, len: 0 }
}

pub fn scripts() -> Vec<(&'static str, Script)> {
    use At::{A, B};
    let other = To::Other;
    let stranger = To::Stranger(0);
    let arrives = Command::Deliver { which: 0 };
    let kept = Command::Double { which: 0 };
    let pause = |ms| Command::Wait { ms };
    let settles = |at| Command::Settle { at };
    vec![
        (
            "the request of a peer that was forgotten could be deferred",
            Script {
                setup: setup(Tables::TightIndexed, 0, false),
                commands: vec![
                    con(A, other),
                    arrives.clone(),
                    Command::Forget { at: B, whom: other },
                    Command::Defer { at: B, which: 0 },
                ],
            },
        ),
        (
            "what was deferred after it was answered was never forgotten",
            Script {
                setup: setup(Tables::Tight, 0, true),
                commands: vec![con(A, other), arrives.clone(), answer(B, 0), Command::Defer { at: B, which: 0 }],
            },
        ),
        (
            "with the first deadline just below 2^32 ms, a later one came at 2^32 - 1",
            Script {
                setup: setup(Tables::Roomy, (1 << 32) - 100_000, true),
                commands: vec![con(A, other), con(A, To::Group)],
            },
        ),
        (
            "the Message ID of what had waited behind NSTART was used again too soon",
            Script {
                setup: setup(Tables::Roomy, 0, true),
                commands: vec![
                    con(A, stranger),
                    con(A, stranger),
                    // The first one times out, and the second one goes out.
                    pause(100_000),
                    settles(A),
                    Command::Cancel { at: A, which: 0 },
                    pause(148_000),
                    settles(A),
                    con(A, stranger),
                    Command::Cancel { at: A, which: 0 },
                    con(A, stranger),
                ],
            },
        ),
        (
            "the Message ID of an answer to a group was used again too soon",
            Script {
                setup: setup(Tables::Roomy, 0, true),
                commands: vec![
                    con(A, To::Group),
                    arrives.clone(),
                    answer(B, 0),
                    // The answer goes out, late.
                    pause(200_000),
                    settles(B),
                    pause(145_000),
                    settles(B),
                    con(B, other),
                ],
            },
        ),
        (
            "a slot for a peer was kept, for a Message ID that was passed over and a request that was not made",
            Script {
                setup: setup(Tables::TightIndexed, (1 << 31) - 113_153, true),
                commands: vec![
                    con(A, other),
                    pause(113_153),
                    Command::Ask { at: A, to: other, manner: Manner::Con, len: 124 },
                    con(A, other),
                    con(A, stranger),
                ],
            },
        ),
        (
            "an exchange that was over hid a later one with its Message ID",
            Script {
                setup: setup(Tables::Roomy, 0, true),
                commands: vec![
                    con(A, other),
                    arrives.clone(),
                    answer(B, 0),
                    pause(247_000),
                    settles(A),
                    con(A, other),
                    kept,
                    pause(2_560),
                    arrives.clone(),
                ],
            },
        ),
        (
            "the application was asked for a notification of a resource that was no more, whose observer had waited for its turn",
            Script {
                setup: Setup { tables: Tables::Roomy, start: 0, nstart: 2, strict: false, honest: true },
                commands: vec![
                    Command::Ask { at: A, to: other, manner: Manner::Non, len: 0 },
                    Command::Ask { at: A, to: other, manner: Manner::Observe, len: 0 },
                    arrives.clone(),
                    con(B, other),
                    Command::Answer { at: B, which: 0, reply: Reply::Observed, len: 0 },
                    con(B, other),
                    pause(30_305),
                    Command::Change { at: B, which: 1, state: 0 },
                    settles(B),
                    pause(45_645),
                ],
            },
        ),
        (
            "an observer that was told of a change while its resource ended was kept for ever",
            Script {
                setup: setup(Tables::RoomyIndexed, 0, true),
                commands: vec![
                    Command::Ask { at: B, to: other, manner: Manner::Observe, len: 0 },
                    arrives.clone(),
                    Command::Answer { at: A, which: 0, reply: Reply::Observed, len: 0 },
                    Command::Ask { at: A, to: other, manner: Manner::Observe, len: 0 },
                    arrives.clone(),
                    Command::Change { at: A, which: 0, state: 96 },
                    Command::Poll { at: A, times: 1 },
                    answer(B, 0),
                    arrives.clone(),
                    Command::EndObservers { at: A, which: 0 },
                    Command::Wake,
                    arrives.clone(),
                    arrives.clone(),
                ],
            },
        ),
        (
            "what had waited for the turn of an observer that left was not sent before the next deadline",
            Script {
                setup: setup(Tables::Roomy, 0, true),
                commands: vec![
                    Command::Ask { at: B, to: other, manner: Manner::Observe, len: 4 },
                    Command::Deliver { which: 4 },
                    Command::Answer { at: A, which: 1, reply: Reply::Observed, len: 3 },
                    arrives.clone(),
                    Command::Change { at: A, which: 0, state: 138 },
                    Command::Ask { at: B, to: other, manner: Manner::Observe, len: 11 },
                    arrives.clone(),
                    Command::Ask { at: B, to: other, manner: Manner::Non, len: 19 },
                    Command::Deliver { which: 1 },
                    pause(298_927),
                    settles(A),
                    Command::Answer { at: A, which: 1, reply: Reply::Reported, len: 0 },
                    Command::EndObservers { at: A, which: 0 },
                    settles(A),
                    Command::Poll { at: A, times: 1 },
                ],
            },
        ),
        (
            "a slot for a peer was kept when its last Message ID was more than 24 days ago",
            Script {
                setup: Setup { tables: Tables::TightIndexed, start: 0, nstart: 2, strict: false, honest: false },
                commands: vec![
                    Command::Ask { at: B, to: other, manner: Manner::Observe, len: 0 },
                    arrives.clone(),
                    con(A, other),
                    Command::Answer { at: A, which: 0, reply: Reply::Observed, len: 0 },
                    pause(1_536_582_508),
                    pause(610_991_692),
                    Command::Forget { at: A, whom: other },
                ],
            },
        ),
    ]
}
