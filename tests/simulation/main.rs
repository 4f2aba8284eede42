//! Random runs of the endpoint over a bad network, with the invariants that must hold whatever the network does.
//!
//! A seed that fails is printed. To replay it: `SIM_SEED=<seed> cargo test --features sim --test simulation <name of the test>`.
//! `SIM_SEEDS=<n>` runs so many in place of the usual number.

mod blocks;
mod rows;
mod wire;
mod world;

use coaplet::sim::{Network, Rng, Sim};
use coaplet::store::{Heap, Indexed};
use coaplet::{Code, Config, Fixed, Header, Instant, Store, Transmission, Type, Writer};
use std::collections::HashSet;
use std::time::Duration;
use world::{Plan, Tally, World};

/// Runs many seeds, or the one that `SIM_SEED` names.
///
/// With the usual number all of `wanted` is to come to pass: a run in which it does not proves nothing about it.
fn seeds(count: u64, wanted: &[&str], run: impl Fn(u64) -> Result<Tally, String>) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let (one, many) = (number("SIM_SEED"), number("SIM_SEEDS"));
    let range = match one {
        Some(seed) => seed..seed + 1,
        None => 0..many.unwrap_or(count),
    };
    let (mut tally, mut failed) = (Tally::new(), Vec::new());
    for seed in range.clone() {
        match run(seed) {
            Ok(more) => more.into_iter().for_each(|(what, times)| *tally.entry(what).or_default() += times),
            Err(why) => failed.push((seed, why)),
        }
    }
    println!("{} seeds: {tally:#?}", range.end - range.start);
    let some: Vec<_> = failed.iter().take(5).map(|(seed, why)| format!("SIM_SEED={seed}: {why}")).collect();
    assert!(failed.is_empty(), "{} seeds fail, the first of them:\n{}", failed.len(), some.join("\n"));
    if one.is_none() && range.end >= count {
        let missing: Vec<_> = wanted.iter().filter(|what| !tally.contains_key(**what)).collect();
        assert!(missing.is_empty(), "never came to pass: {missing:?}");
    }
}

/// How good the network of a seed is, and how the nodes use it.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Clean,
    Lossy,
    Hostile,
    Tight,
}

fn run<S: Store<Peer = u16>>(seed: u64, kind: Kind, store: impl Fn() -> S) -> Result<Tally, String> {
    let mut rng = Rng::new(seed);
    let ms = |rng: &mut Rng, most| Duration::from_millis(rng.up_to(most));
    let network = if kind == Kind::Clean {
        Network { delay_max: Duration::from_millis(10) + ms(&mut rng, 390), ..Network::PERFECT }
    } else {
        let bad = if kind == Kind::Hostile { 300 } else { 0 };
        Network {
            loss: rng.up_to(600) as u32,
            duplication: rng.up_to(300) as u32,
            corruption: rng.up_to(bad) as u32,
            truncation: rng.up_to(bad) as u32,
            delay_min: Duration::ZERO,
            delay_max: ms(&mut rng, 3_000),
            late: rng.up_to(300) as u32,
            late_max: Duration::from_secs(30),
        }
    };
    let nodes = 2 + rng.up_to(1) as u16;
    let forgets = kind != Kind::Clean && rng.chance(250);
    let nstart = 1 + rng.up_to(3) as u8;
    let config = Config { transmission: Transmission { nstart, ..Transmission::DEFAULT }, ..Config::DEFAULT };
    let mut sim = Sim::new(seed, network);
    for _ in 0..nodes {
        let plan = Plan {
            nodes,
            clean: kind == Kind::Clean,
            roomy: matches!(kind, Kind::Clean | Kind::Lossy),
            honest: kind != Kind::Hostile,
            forgets,
        };
        let at = sim.add(config, store(), World::new(rng.draw(), plan));
        let requests = rng.up_to(12);
        sim.with(at, |world, port| {
            for _ in 0..requests {
                port.wake_after(Duration::from_millis(world.rng.up_to(60_000)), world::ASK);
            }
            if forgets {
                port.wake_after(Duration::from_millis(world.rng.up_to(120_000)), world::FORGET);
            }
        });
    }
    if kind != Kind::Clean {
        strangers(&mut sim, &mut rng, nodes)?;
    }
    // 60 s of requests, each for 60 s behind at most a dozen times 93 s, and then the lifetimes.
    for quiet in [Duration::from_secs(2_000), Duration::from_secs(3_600)] {
        sim.run_for(quiet).map_err(|anomaly| anomaly.to_string())?;
    }
    let (mut tally, mut forgotten) = (Tally::new(), HashSet::new());
    let records = sim.records().to_vec();
    for at in 1..=nodes {
        let usage = sim.usage(at).unwrap();
        if usage != Default::default() {
            return Err(format!("after quiet time, endpoint {at} still holds {usage:?}"));
        }
        let world = sim.application(at).unwrap();
        for (what, times) in &world.tally {
            *tally.entry(what.clone()).or_default() += times;
        }
        world.judge()?;
        forgotten.extend(world.forgotten.iter().map(|&peer| (at, peer)));
        if matches!(kind, Kind::Clean | Kind::Lossy) {
            wire::seen_exactly_once(&records, at, world)?;
        }
    }
    match kind {
        Kind::Clean => wire::nothing_twice(&records)?,
        Kind::Lossy => {}
        Kind::Tight | Kind::Hostile => return Ok(tally),
    }
    wire::replies_stand(&records, &forgotten)?;
    wire::transmissions(&records, &config.transmission, STRANGER)?;
    wire::long_tokens_come_back(&records, STRANGER)?;
    Ok(tally)
}

/// Somebody who asks by long tokens, acknowledges nothing, and repeats himself.
const STRANGER: u16 = 9;

fn strangers<S: Store<Peer = u16>>(sim: &mut Sim<S, World>, rng: &mut Rng, nodes: u16) -> Result<(), String> {
    for id in 1..=rng.up_to(4) as u16 {
        sim.run_for(Duration::from_millis(rng.up_to(15_000))).map_err(|anomaly| anomaly.to_string())?;
        let number = u32::from(STRANGER) << 16 | u32::from(id);
        let token = number.to_be_bytes().repeat(3 + rng.up_to(4) as usize);
        let message_type = if rng.chance(500) { Type::Confirmable } else { Type::NonConfirmable };
        let mut bytes = [0; 64];
        let header = Header { message_type, code: Code::POST, message_id: id };
        let len = Writer::new(&mut bytes, header, &token).path("a").payload(&number.to_be_bytes()).finish();
        let (to, len) = (1 + rng.up_to(u64::from(nodes) - 1) as u16, len.map_err(|error| error.to_string())?);
        for _ in 0..=rng.up_to(2) {
            sim.inject(STRANGER, to, &bytes[..len]);
        }
    }
    Ok(())
}

fn roomy(seed: u64, kind: Kind) -> Result<Tally, String> {
    // By turns on the wheel and with the linear scan.
    if seed % 2 == 0 {
        run(seed, kind, || Heap::<u16>::with_bound(4, 128, 128 * 64))
    } else {
        run(seed, kind, Fixed::<u16, 4, 128, 8192>::new)
    }
}

/// What comes to pass on any network.
const ALWAYS: [&str; 10] = [
    "Con Response",
    "Con Acknowledged",
    "Con Failed(Unanswered)",
    "Non Response",
    "Non Failed(Unanswered)",
    "Ping Acknowledged",
    "Group member",
    "Group Failed(TimedOut)",
    "defer",
    "told Ok(())",
];

/// And what does on a bad one.
const OFTEN: [&str; 14] = [
    "Con Failed(TimedOut)",
    "Con Failed(Forgotten)",
    "Con Cancelled",
    "Non Failed(TimedOut)",
    "Ping Failed(TimedOut)",
    "Group Cancelled",
    "idempotent again",
    "long token",
    "forget",
    "silent peer",
    "refused with 5.03 Service Unavailable",
    "told Err(TimedOut)",
    "told Err(Reset)",
    "told Err(Forgotten)",
];

#[test]
fn without_loss_all_is_answered_and_nothing_sent_again() {
    seeds(1_000, &ALWAYS, |seed| roomy(seed, Kind::Clean));
}

#[test]
fn over_a_bad_network() {
    seeds(6_000, &[&ALWAYS[..], &OFTEN].concat(), |seed| roomy(seed, Kind::Lossy));
}

#[test]
fn corrupted_and_cut_datagrams_do_no_harm() {
    seeds(2_500, &[&ALWAYS[..], &OFTEN].concat(), |seed| roomy(seed, Kind::Hostile));
}

#[test]
fn with_eight_slots_nothing_live_is_harmed() {
    // By turns with and without an index.
    seeds(2_500, &[&ALWAYS[..], &OFTEN, &["refused with 4.29 Too Many Requests"]].concat(), |seed| {
        if seed % 2 == 0 {
            run(seed, Kind::Tight, Fixed::<u16, 4, 8, 512>::new)
        } else {
            run(seed, Kind::Tight, Fixed::<u16, 4, 8, 512, 0, 0, Indexed>::new)
        }
    });
}

#[test]
fn a_seed_gives_the_same_run_again() {
    let run = |seed| {
        let mut sim = Sim::new(seed, Network { corruption: 100, truncation: 100, ..Network::RADIO });
        let plan = Plan { nodes: 2, clean: false, roomy: true, honest: false, forgets: true };
        for _ in 0..2 {
            let at = sim.add(Config::DEFAULT, Fixed::<u16, 4, 64, 4096>::new(), World::new(seed, plan));
            sim.with(at, |world, port| {
                for _ in 0..20 {
                    port.wake_after(Duration::from_millis(world.rng.up_to(60_000)), world::ASK);
                }
            });
        }
        sim.run_for(Duration::from_secs(1_000)).unwrap();
        sim.records().to_vec()
    };
    assert!(run(1).len() > 100);
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn time_is_where_it_should_be() {
    let mut sim = Sim::<_, World>::new(1, Network::PERFECT);
    sim.add(Config::DEFAULT, Fixed::<u16, 1, 1, 32>::new(), World::new(1, Plan::QUIET));
    sim.run_for(Duration::from_millis(7)).unwrap();
    assert_eq!(sim.now(), Instant::from_millis(7));
}
