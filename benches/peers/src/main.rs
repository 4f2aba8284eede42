//! The codec beside others, on the same five messages in the same run: `cargo run --release --manifest-path
//! benches/peers/Cargo.toml` prints instructions per call and wall time. It needs valgrind on x86-64 Linux.
//!
//! All rows do the same work: read a datagram and use number, length and first byte of every option ([`Sum`]), or write
//! the message from the same numbers and values. The loop is the reference's, and so is the way of counting: the
//! difference between 1100 calls and 100, divided by 1000, so that nothing but the call and the loop is in it. All rows
//! are in this one binary, built with the flags in Cargo.toml. What a codec cannot read or write correctly has no figure.
//!
//! [`Sum`]: coaplet_benches::sum::Sum

mod codecs;
mod measure;
mod row;

use codecs::ROWS;
use measure::{Cell, Task};
use row::Operation;
use std::process::ExitCode;

const LETTERS: [&str; 5] = ["a", "b", "c", "d", "e"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        [] => tables(),
        // The program calls itself: a codec that panics takes only the process that tried it with it, and valgrind
        // wants a process to count in.
        ["check", task] => Task::from_argument(task).and_then(Task::check),
        ["run", task, calls] => Task::from_argument(task).and_then(|task| task.run(calls)),
        _ => Err("no arguments, please".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn tables() -> Result<(), String> {
    let tasks = Task::all();
    let checked = tasks.iter().map(measure::check_apart).collect::<Result<Vec<Cell>, String>>()?;
    let counts = measure::instructions(&tasks, &checked)?;
    let times = measure::nanoseconds(&tasks, &checked);

    println!("Instructions per call (x86-64, callgrind; messages {}):\n", LETTERS.join("/"));
    print_table(&tasks, |task, at| match &checked[at] {
        Cell::Works => counts[at].to_string(),
        Cell::Fails(_) => format!("- [{}]", footnote(&checked, &tasks, task)),
    });
    println!("\nWall time, as a multiple of coaplet's (the shortest of {} runs of each):\n", measure::ROUNDS);
    print_table(&tasks, |task, at| {
        let ours = Task { row: 0, ..*task };
        let ours = tasks.iter().position(|other| *other == ours).and_then(|at| times[at]);
        match (&checked[at], times[at], ours) {
            (Cell::Fails(_), ..) => format!("- [{}]", footnote(&checked, &tasks, task)),
            (_, Some(time), Some(ours)) if ours > 0.0 => format!("{:.2}", time / ours),
            _ => "-".into(),
        }
    });
    let nanoseconds = |operation| {
        let mine = tasks.iter().enumerate().filter(|(_, task)| task.row == 0 && task.operation == operation);
        mine.map(|(at, _)| times[at].map_or("-".into(), |time| format!("{time:.0}"))).collect::<Vec<_>>().join("/")
    };
    let all = Operation::ALL.map(|operation| format!("{} {}", operation.name(), nanoseconds(operation)));
    println!("\n1.00 is, in nanoseconds here: {}.", all.join(", "));

    println!("\nAn empty cell: the codec has no such step of its own.\n");
    ROWS.iter().filter(|row| !row.note.is_empty()).for_each(|row| println!("- {}: {}", row.name, row.note));
    for (number, task, why) in failures(&checked, &tasks) {
        println!(
            "- [{number}] {} fails at {} of {}: {why}",
            ROWS[task.row].name,
            task.operation.name(),
            LETTERS[task.message]
        );
    }
    match failures(&checked, &tasks).find(|(_, task, _)| task.row == 0) {
        Some((_, _, why)) => Err(format!("our own codec fails: {why}")),
        None => Ok(()),
    }
}

fn print_table(tasks: &[Task], cell: impl Fn(&Task, usize) -> String) {
    println!("| codec | {} |", Operation::ALL.map(Operation::name).join(" | "));
    println!("|---|---|---|---|");
    for (index, row) in ROWS.iter().enumerate() {
        let cells = Operation::ALL.map(|operation| {
            let these = tasks.iter().enumerate().filter(|(_, t)| t.row == index && t.operation == operation);
            these.map(|(at, task)| cell(task, at)).collect::<Vec<_>>().join("/")
        });
        println!("| {} | {} |", row.name, cells.join(" | "));
    }
}

fn failures<'t>(checked: &'t [Cell], tasks: &'t [Task]) -> impl Iterator<Item = (usize, &'t Task, &'t str)> {
    let failed = checked.iter().zip(tasks).filter_map(|(cell, task)| match cell {
        Cell::Works => None,
        Cell::Fails(why) => Some((task, why.as_str())),
    });
    failed.enumerate().map(|(at, (task, why))| (at + 1, task, why))
}

fn footnote(checked: &[Cell], tasks: &[Task], task: &Task) -> usize {
    failures(checked, tasks).find(|(_, failed, _)| *failed == task).map_or(0, |(number, ..)| number)
}
