//! Checking, counting and timing, each of every [`Task`].

use crate::codecs::ROWS;
use crate::row::{self, Operation};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often each task is timed; the shortest time counts, since whatever disturbs only adds.
pub const ROUNDS: usize = 40;

/// How long one timing lasts, about: long against the clock's grain, short against a time slice.
const TIMING: Duration = Duration::from_micros(200);

/// One figure of a table: which codec does what with which message.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Task {
    pub row: usize,
    pub operation: Operation,
    pub message: usize,
}

/// Whether a codec does its task correctly.
pub enum Cell {
    Works,
    Fails(String),
}

impl Task {
    /// All that there is to measure: only what the codecs have as a step of their own.
    pub fn all() -> Vec<Task> {
        let rows = ROWS.iter().enumerate();
        let steps = rows.flat_map(|(row, steps)| {
            Operation::ALL.into_iter().filter(|operation| steps.task(*operation).is_some()).map(move |o| (row, o))
        });
        steps.flat_map(|(row, operation)| (0..5).map(move |message| Task { row, operation, message })).collect()
    }

    fn argument(self) -> String {
        format!("{}.{}.{}", self.row, self.operation as usize, self.message)
    }

    pub fn from_argument(argument: &str) -> Result<Task, String> {
        let found = Task::all().into_iter().find(|task| task.argument() == argument);
        found.ok_or_else(|| format!("no task {argument}"))
    }

    fn input(self) -> row::Input {
        row::Input::new(self.message)
    }

    fn functions(self) -> &'static row::Task {
        const NONE: &row::Task = &row::Task { calls: |_, _| {}, check: |_| Err("no such step".into()) };
        ROWS[self.row].task(self.operation).unwrap_or(NONE)
    }

    pub fn check(self) -> Result<(), String> {
        (self.functions().check)(&mut self.input())
    }

    pub fn run(self, calls: &str) -> Result<(), String> {
        let calls = calls.parse().map_err(|error| format!("{calls}: {error}"))?;
        (self.functions().calls)(calls, &mut self.input());
        Ok(())
    }
}

fn myself() -> Result<std::path::PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("where is this program? {error}"))
}

/// Checks a task in a process of its own, which may panic.
pub fn check_apart(task: &Task) -> Result<Cell, String> {
    let mut command = Command::new(myself()?);
    command.env("RUST_BACKTRACE", "0");
    let output = command.args(["check", &task.argument()]).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(Cell::Works);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = said.lines().filter(|line| !line.is_empty() && !line.starts_with("note:")).collect();
    Ok(Cell::Fails(said.join(" ")))
}

/// Instructions per call, counted in parallel: a count does not depend on what else the machine does.
pub fn instructions(tasks: &[Task], checked: &[Cell]) -> Result<Vec<u64>, String> {
    let counts = Mutex::new(vec![Ok(0); tasks.len()]);
    let next = Mutex::new(0..tasks.len());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(at) = { next.lock().ok().and_then(|mut next| next.next()) } {
                    if matches!(checked[at], Cell::Works) {
                        let count = instructions_of(tasks[at]);
                        counts.lock().expect("no worker panics")[at] = count;
                    }
                }
            });
        }
    });
    counts.into_inner().expect("no worker panics").into_iter().collect()
}

fn instructions_of(task: Task) -> Result<u64, String> {
    let (few, many) = (callgrind(task, "100")?, callgrind(task, "1100")?);
    Ok((many.saturating_sub(few) + 500) / 1000)
}

fn callgrind(task: Task, calls: &str) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(myself()?)
        .args(["run", &task.argument(), calls])
        .output()
        .map_err(|error| format!("valgrind (apt-get install valgrind) does not run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    match count {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(format!("callgrind counted nothing for {task:?}: {said}")),
    }
}

/// Nanoseconds per call. The tasks take turns, so that a change of the clock rate does not favour one of them.
pub fn nanoseconds(tasks: &[Task], checked: &[Cell]) -> Vec<Option<f64>> {
    let works: Vec<bool> = checked.iter().map(|cell| matches!(cell, Cell::Works)).collect();
    let calls: Vec<usize> =
        tasks.iter().zip(&works).map(|(task, works)| if *works { enough(*task) } else { 0 }).collect();
    let mut best: Vec<Option<f64>> = vec![None; tasks.len()];
    for _ in 0..ROUNDS {
        for (at, task) in tasks.iter().enumerate().filter(|(at, _)| works[*at]) {
            let time = timed(*task, calls[at]).as_nanos() as f64 / calls[at] as f64;
            best[at] = Some(best[at].map_or(time, |best| best.min(time)));
        }
    }
    best
}

fn timed(task: Task, calls: usize) -> Duration {
    let mut input = task.input();
    let start = Instant::now();
    (task.functions().calls)(calls, &mut input);
    start.elapsed()
}

fn enough(task: Task) -> usize {
    let mut calls = 100;
    while timed(task, calls) < TIMING {
        calls *= 2;
    }
    calls
}
