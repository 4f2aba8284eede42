//! Compares counted instructions with the budget: `budget BUDGET.tsv [--update] < COUNTS`, where COUNTS is what
//! gungraun prints with `--output-format=json`. `.ci/bench` does both.
//!
//! It prints a table and ends with 1 if a count is above its limit or more than 3 % above the one last reached, if one
//! of the two has no row in the other, or if this program has lost the ability to say so; with 2 if it cannot read its
//! input. Where an operation was counted at several sizes, the ratio of the last to the first counts as one more.

use coaplet_benches::CALLS;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::process::ExitCode;

/// How much a count may grow over the one last reached, in percent.
const GROWTH: u64 = 3;

/// What is counted: bench, operation, message.
type Key = [String; 3];

#[derive(Clone)]
struct Row {
    key: Key,
    limit: Option<u64>,
    reached: Option<u64>,
}

struct Count {
    key: Key,
    now: u64,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("budget: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, String> {
    let (mut path, mut update) = (None, false);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--update" => update = true,
            other if other.starts_with('-') || path.is_some() => return Err(format!("what is {other}?")),
            _ => path = Some(argument),
        }
    }
    let path = path.ok_or("usage: budget BUDGET.tsv [--update] < COUNTS")?;
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let rows = read_budget(&text).map_err(|error| format!("{path}: {error}"))?;
    let mut json = String::new();
    std::io::stdin().read_to_string(&mut json).map_err(|error| format!("the counts: {error}"))?;
    let mut counts = read_counts(&json)?;
    counts.extend(ratios(&counts));

    // With --update what is judged is what will stand in the file: the limits, and that nothing is missing.
    let judged = if update { with_reached(&rows, &counts) } else { rows.clone() };
    let mut out = table(&rows, &counts);
    let mut faults = faults(&judged, &counts);
    faults.extend(cannot_fail(&counts));
    for fault in &faults {
        let _ = writeln!(out, "FAIL {fault}");
    }
    if update {
        std::fs::write(&path, rewritten(&text, &judged)).map_err(|error| format!("{path}: {error}"))?;
        let _ = writeln!(out, "{path}: the column reached is rewritten");
    }
    std::io::stdout().write_all(out.as_bytes()).map_err(|error| format!("standard output: {error}"))?;
    Ok(faults.is_empty())
}

fn read_budget(text: &str) -> Result<Vec<Row>, String> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    if lines.next() != Some("bench\toperation\tmessage\tlimit\treached") {
        return Err("the columns are not bench, operation, message, limit, reached".into());
    }
    let rows: Result<Vec<Row>, String> = lines.map(|line| read_row(line).ok_or(format!("not a row: {line}"))).collect();
    let rows = rows?;
    if let Some(row) = rows.iter().enumerate().find_map(|(at, row)| rows[..at].iter().find(|r| r.key == row.key)) {
        return Err(format!("two rows for {}", row.key.join(" ")));
    }
    Ok(rows)
}

fn read_row(line: &str) -> Option<Row> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [bench, operation, message, limit, reached] = fields[..] else { return None };
    let number = |text: &str| if text == "-" { Some(None) } else { text.parse().ok().map(Some) };
    let key = [bench.into(), operation.into(), message.into()];
    Some(Row { key, limit: number(limit)?, reached: number(reached)? })
}

/// One JSON document a line: `group`, `function_name`, `id`, and the instructions ("Ir") of [`CALLS`] calls.
fn read_counts(json: &str) -> Result<Vec<Count>, String> {
    let mut counts: Vec<Count> = Vec::new();
    for document in serde_json::Deserializer::from_str(json).into_iter::<serde_json::Value>() {
        let document = document.map_err(|error| format!("the counts: {error}"))?;
        let name = |field: &str| {
            let value = document[field].as_str().map(String::from);
            value.ok_or_else(|| format!("a count without {field}: {document}"))
        };
        let key = [name("group")?, name("function_name")?, name("id")?];
        let profiles = document["profiles"].as_array().map_or(&[][..], Vec::as_slice);
        let callgrind = profiles.iter().find(|profile| profile["tool"] == "Callgrind");
        // Where gungraun still has the run before, it gives both, the new one first.
        let values = callgrind.map(|profile| &profile["data"]["total"]["metrics"]["Ir"]["values"]);
        let total = values.and_then(|values| values["new"].as_u64().or_else(|| values["both"][0].as_u64()));
        let total = total.ok_or_else(|| format!("no instructions for {}", key.join(" ")))?;
        let calls = CALLS as u64;
        counts.push(Count { key, now: (total + calls / 2) / calls });
    }
    if counts.is_empty() { Err("nothing was counted".into()) } else { Ok(counts) }
}

/// What an operation costs at its largest size in percent of its smallest, rounded up. A message that is a size is
/// called `n` and the number.
fn ratios(counts: &[Count]) -> Vec<Count> {
    let size = |count: &Count| count.key[2].strip_prefix('n')?.parse::<u64>().ok();
    let mut ratios: Vec<Count> = Vec::new();
    for Count { key: [bench, operation, _], .. } in counts {
        let key = [bench.clone(), operation.clone(), "ratio".into()];
        let sizes = || counts.iter().filter(|count| count.key[..2] == key[..2] && size(count).is_some());
        let (Some(first), Some(last)) = (sizes().min_by_key(|c| size(c)), sizes().max_by_key(|c| size(c))) else {
            continue;
        };
        if !ratios.iter().any(|ratio| ratio.key == key) {
            ratios.push(Count { now: (last.now * 100).div_ceil(first.now.max(1)), key });
        }
    }
    ratios
}

fn faults(rows: &[Row], counts: &[Count]) -> Vec<String> {
    let mut faults = Vec::new();
    for Count { key, now } in counts {
        let name = key.join(" ");
        let Some(row) = rows.iter().find(|row| row.key == *key) else {
            faults.push(format!("{name}: {now}, and no row in the budget"));
            continue;
        };
        if let Some(limit) = row.limit.filter(|limit| now > limit) {
            faults.push(format!("{name}: {now} is above the limit {limit}"));
        }
        match row.reached {
            None => faults.push(format!("{name}: {now}, and nothing reached yet to compare with (--update)")),
            Some(reached) if now * 100 > reached * (100 + GROWTH) => {
                faults.push(format!("{name}: {now} is more than {GROWTH} % above the {reached} reached before"));
            }
            Some(_) => {}
        }
    }
    for row in rows {
        if !counts.iter().any(|count| count.key == row.key) {
            faults.push(format!("{}: in the budget, and not counted", row.key.join(" ")));
        }
    }
    faults
}

fn with_reached(rows: &[Row], counts: &[Count]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    for row in &mut rows {
        if let Some(count) = counts.iter().find(|count| count.key == row.key) {
            row.reached = Some(count.now);
        }
    }
    rows
}

/// Whether [`faults`] still finds what it is for: each way to be wrong is tried on the counts at hand.
fn cannot_fail(counts: &[Count]) -> Vec<String> {
    let row = |count: &Count| Row { key: count.key.clone(), limit: Some(count.now), reached: Some(count.now) };
    let good: Vec<Row> = counts.iter().map(row).collect();
    let mut lost = Vec::new();
    let mut expect = |what: &str, rows: &[Row], number: usize| {
        if faults(rows, counts).len() != number {
            lost.push(format!("this program no longer works: {what} gives {:?}", faults(rows, counts)));
        }
    };
    expect("a budget that holds exactly", &good, 0);
    for at in 0..good.len() {
        let now = counts[at].now;
        let spoiled = |change: &dyn Fn(&mut Row)| {
            let mut rows = good.clone();
            change(&mut rows[at]);
            rows
        };
        expect("a limit one too low", &spoiled(&|row| row.limit = Some(now - 1)), 1);
        expect("nothing reached", &spoiled(&|row| row.reached = None), 1);
        // The largest figure that `now` is more than 3 % above, and the one after it.
        let before = (now * 100 - 1) / (100 + GROWTH);
        expect("a growth above 3 %", &spoiled(&|row| row.reached = Some(before)), 1);
        expect("a growth of at most 3 %", &spoiled(&|row| row.reached = Some(before + 1)), 0);
        expect("a row under another name", &spoiled(&|row| row.key[2].push('x')), 2);
    }
    // Neither the order nor what lies between matters.
    let count = |size: &str, now| Count { key: ["bench".into(), "operation".into(), size.into()], now };
    let sizes = [count("n1000000", 801), count("other", 1), count("n1000", 9_999), count("n8", 200)];
    let ratio: Vec<(String, u64)> = ratios(&sizes).into_iter().map(|ratio| (ratio.key.join(" "), ratio.now)).collect();
    if ratio != [("bench operation ratio".into(), 401)] {
        lost.push(format!("this program no longer works: 801 to 200 gives {ratio:?}"));
    }
    lost
}

fn table(rows: &[Row], counts: &[Count]) -> String {
    let mut out = String::from("bench     operation  message    limit  reached      now   change\n");
    for Count { key: [bench, operation, message], now } in counts {
        let row = rows.iter().find(|row| row.key.iter().eq([bench, operation, message]));
        let text = |number: Option<u64>| number.map_or_else(|| "-".into(), |number| number.to_string());
        let (limit, reached) = (text(row.and_then(|row| row.limit)), text(row.and_then(|row| row.reached)));
        let change = row
            .and_then(|row| row.reached)
            .map_or_else(String::new, |reached| format!("{:+.1} %", (*now as f64 / reached as f64 - 1.0) * 100.0));
        let _ = writeln!(out, "{bench:<9} {operation:<10} {message:<8} {limit:>7} {reached:>8} {now:>8} {change:>8}");
    }
    out
}

/// The file again, comments and order kept, with the new figures.
fn rewritten(text: &str, rows: &[Row]) -> String {
    let mut out = String::new();
    for line in text.lines() {
        match read_row(line).and_then(|old| rows.iter().find(|row| row.key == old.key)) {
            Some(Row { key: [bench, operation, message], limit, reached: Some(reached) }) => {
                let limit = limit.map_or_else(|| "-".into(), |limit| limit.to_string());
                let _ = writeln!(out, "{bench}\t{operation}\t{message}\t{limit}\t{reached}");
            }
            _ => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    out
}
