//! Scripts of commands against two endpoints, made up by proptest and cut down where they fail, and a model that says
//! what must hold: each request ends once, stale names are errors, nothing is seen twice, and in the end nothing is
//! held.
//!
//! A script that fails is printed in lines that a person reads, with all that happened. `PROPTEST_CASES=<n>` runs so
//! many.

mod common;
#[path = "state_machine/failed_once.rs"]
mod failed_once;
#[path = "state_machine/mod.rs"]
mod machine;
#[path = "state_machine/strategies.rs"]
mod strategies;

use machine::{Script, Tally, Verdict};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

/// Claims something of every script. One of which it is not so comes back, cut down, with why.
fn refute<T>(
    mut runner: TestRunner,
    scripts: impl Strategy<Value = Script>,
    claim: impl Fn(&Script) -> Verdict<T>,
) -> Option<(Script, String)> {
    match runner.run(&scripts, |script| claim(&script).map(drop).map_err(TestCaseError::fail)) {
        Ok(()) => None,
        Err(TestError::Fail(_, script)) => {
            // proptest does not try again to leave out what was needed before something else was made simpler.
            let script = script.cut_down(|script| claim(script).is_err());
            let why = claim(&script).err().unwrap_or_else(|| "once, and not again".into());
            Some((script, why))
        }
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

fn holds(scripts: impl Strategy<Value = Script>) {
    let config = ProptestConfig { source_file: Some(file!()), ..common::strategies::config(300) };
    if let Some((script, why)) = refute(TestRunner::new(config), scripts, Script::run) {
        panic!("{why}\n\n{script:#?}");
    }
}

#[test]
fn whatever_happens() {
    holds(strategies::hostile());
}

#[test]
fn what_happens_on_any_day_and_nothing_is_seen_twice() {
    holds(strategies::orderly());
}

#[test]
fn what_failed_once() {
    let fault = |(what, script): (&str, Script)| script.run().err().map(|why| format!("{what}: {why}"));
    let faults: Vec<String> = failed_once::scripts().into_iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// The same scripts each time.
fn runner() -> TestRunner {
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Scripts come to each way in which a request can end.
#[test]
fn scripts_lead_to_where_it_is_interesting() {
    let mut runner = runner();
    let mut run = |strategy: BoxedStrategy<Script>| {
        let mut tally = Tally::default();
        for _ in 0..200 {
            let script = strategy.new_tree(&mut runner).expect("no strategy rejects").current();
            tally.add(&script.run().unwrap_or_else(|error| panic!("{error}")));
        }
        println!("{tally:?}");
        tally
    };
    let Tally { asked, seen, answered, acknowledged, timed_out, unanswered, cancelled, delivered, notified, .. } =
        run(strategies::orderly().boxed());
    for count in [asked, seen, answered, acknowledged, timed_out, unanswered, cancelled, delivered, notified] {
        assert!(count > 0);
    }
    let Tally {
        asked, seen, answered, reset, forgotten, unreachable, cancelled, delivered, undelivered, notified, ..
    } = run(strategies::hostile().boxed());
    for count in [asked, seen, answered, reset, forgotten, unreachable, cancelled, delivered, undelivered, notified] {
        assert!(count > 0);
    }
}

/// What is claimed and is not so is refuted by a script of no more than it takes.
#[test]
fn what_fails_is_cut_down_to_what_matters() {
    let nothing_is_answered = |script: &Script| match script.run()?.answered {
        0 => Ok(()),
        _ => Err("answered".to_string()),
    };
    let (script, why) = refute(runner(), strategies::orderly(), nothing_is_answered).expect("it is not so");
    println!("{script:#?}");
    let lines: Vec<String> = script.commands.iter().map(|command| format!("{command:?}")).collect();
    let [asked, arrived, answered, arrived_too] = &lines[..] else { panic!("{lines:#?}") };
    assert!(asked.contains("asks Other") && answered.contains("answers request -0"));
    assert_eq!((&arrived[..], &arrived_too[..], &why[..]), ("datagram -0 arrives", "datagram -0 arrives", "answered"));
}
