//! Random runs of the endpoint over a bad network, with the invariants that must hold whatever the network does.
//!
//! A seed that fails is printed. To replay it: `SIM_SEED=<seed> cargo test --features sim --test simulation <name of the test>`.
//! `SIM_SEEDS=<n>` runs so many in place of the usual number.

mod rows;
mod wire;
mod world;

use coaplet::sim::{Network, Rng, Sim};
use coaplet::store::Heap;
use coaplet::{Config, Fixed, Instant, Store, Transmission};
use std::time::Duration;
use world::{Outcome, Plan, World};

/// Runs many seeds, or the one that `SIM_SEED` names.
fn seeds(count: u64, run: impl Fn(u64) -> Result<u64, String>) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let range = match number("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIM_SEEDS").unwrap_or(count),
    };
    let (mut requests, mut failed) = (0, Vec::new());
    for seed in range.clone() {
        match run(seed) {
            Ok(made) => requests += made,
            Err(why) => failed.push((seed, why)),
        }
    }
    println!("{} seeds, {requests} requests", range.end - range.start);
    let some: Vec<_> = failed.iter().take(5).map(|(seed, why)| format!("SIM_SEED={seed}: {why}")).collect();
    assert!(failed.is_empty(), "{} seeds fail, the first of them:\n{}", failed.len(), some.join("\n"));
    assert!(requests > 0);
}

/// How good the network of a seed is, and how the nodes use it.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Clean,
    Lossy,
    Hostile,
    Tight,
}

fn run<S: Store<Peer = u16>>(seed: u64, kind: Kind, store: impl Fn() -> S) -> Result<u64, String> {
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
    let nstart = 1 + rng.up_to(3) as u8;
    let config = Config { transmission: Transmission { nstart, ..Transmission::DEFAULT }, ..Config::DEFAULT };
    let mut sim = Sim::new(seed, network);
    for _ in 0..nodes {
        let plan = Plan {
            nodes,
            clean: kind == Kind::Clean,
            roomy: matches!(kind, Kind::Clean | Kind::Lossy),
            honest: kind != Kind::Hostile,
        };
        let at = sim.add(config, store(), World::new(rng.draw(), plan));
        let requests = rng.up_to(12);
        sim.with(at, |world, port| {
            for _ in 0..requests {
                port.wake_after(Duration::from_millis(world.rng.up_to(60_000)), world::ASK);
            }
        });
    }
    // 60 s of requests, each for 60 s behind at most a dozen times 93 s, and then the lifetimes.
    for quiet in [Duration::from_secs(2_000), Duration::from_secs(3_600)] {
        sim.run_for(quiet).map_err(|anomaly| anomaly.to_string())?;
    }
    let mut made = 0;
    let records = sim.records().to_vec();
    for at in 1..=nodes {
        let usage = sim.usage(at).unwrap();
        if usage != Default::default() {
            return Err(format!("after quiet time, endpoint {at} still holds {usage:?}"));
        }
        let world = sim.application(at).unwrap();
        made += u64::from(world.made);
        world.judge()?;
        if kind == Kind::Clean {
            if let Some((number, outcome)) = world.ended.iter().find(|(_, o)| **o != Outcome::Response) {
                return Err(format!("on a perfect network request {number:x} ended in {outcome:?}"));
            }
        }
        if matches!(kind, Kind::Clean | Kind::Lossy) {
            wire::seen_exactly_once(&records, at, &world.seen)?;
        }
    }
    match kind {
        Kind::Clean => wire::nothing_twice(&records)?,
        Kind::Lossy => {}
        Kind::Tight | Kind::Hostile => return Ok(made),
    }
    wire::replies_stand(&records)?;
    wire::transmissions(&records, &config.transmission)?;
    Ok(made)
}

fn roomy(seed: u64, kind: Kind) -> Result<u64, String> {
    // By turns on the wheel and with the linear scan.
    if seed % 2 == 0 {
        run(seed, kind, || Heap::<u16>::with_bound(4, 128, 128 * 64))
    } else {
        run(seed, kind, Fixed::<u16, 4, 128, 8192>::new)
    }
}

#[test]
fn without_loss_all_is_answered_and_nothing_sent_again() {
    seeds(1_000, |seed| roomy(seed, Kind::Clean));
}

#[test]
fn over_a_bad_network() {
    seeds(6_000, |seed| roomy(seed, Kind::Lossy));
}

#[test]
fn corrupted_and_cut_datagrams_do_no_harm() {
    seeds(2_500, |seed| roomy(seed, Kind::Hostile));
}

#[test]
fn with_eight_slots_nothing_live_is_harmed() {
    seeds(2_500, |seed| run(seed, Kind::Tight, Fixed::<u16, 4, 8, 512>::new));
}

#[test]
fn a_seed_gives_the_same_run_again() {
    let run = |seed| {
        let mut sim = Sim::new(seed, Network { corruption: 100, truncation: 100, ..Network::RADIO });
        let plan = Plan { nodes: 2, clean: false, roomy: true, honest: false };
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
