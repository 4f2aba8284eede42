//! Observation over a bad network: whatever it does, who is on the list ends with the latest state, and nothing is left.
//!
//! A seed that fails is printed. To replay it: `SIM_SEED=<seed> cargo test --features sim --test observe_simulation <test>`.
#![cfg(feature = "sim")]

use coaplet::endpoint::{ClientResponse, Failure, Handle, Notify, Request, ResourceId, ServerRequest, Usage};
use coaplet::sim::{Application, Network, Port, Rng, Sim};
use coaplet::store::Heap;
use coaplet::{Code, Config, Fixed, Header, Store, Transmission, Writer};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// Resources of the server.
const RESOURCES: u32 = 3;
/// Max-Age of all that is told, in seconds.
const MAX_AGE: u32 = 30;
/// RFC 7252 4.8.2.
const MAX_TRANSMIT_WAIT: Duration = Duration::from_secs(93);
/// The address of the server.
const SERVER: u16 = 1;

/// A server of numbers that only grow, and clients that observe them.
struct World {
    rng: Rng,
    /// Of a server: what each resource is. It is told by a CON, so many times in 1000.
    states: [u32; RESOURCES as usize],
    con: u32,
    /// Of a client: which resource, and the last that it was told.
    observing: HashMap<Handle, (u32, u32)>,
    /// Whether it begins anew what has ended.
    persists: bool,
    /// What must not be.
    fault: Option<String>,
    tally: HashMap<&'static str, u32>,
}

impl World {
    fn new(seed: u64, con: u32) -> World {
        World {
            rng: Rng::new(seed),
            states: [0; RESOURCES as usize],
            con,
            observing: HashMap::new(),
            persists: true,
            fault: None,
            tally: HashMap::new(),
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn observe<S: Store<Peer = u16>>(&mut self, port: &mut Port<'_, S>, resource: u32) {
        let request = if self.rng.chance(800) { Request::get() } else { Request::get().non() };
        let made = port.request(SERVER, request.observe(), |w| {
            w.path(["a", "b", "c"][resource as usize]);
        });
        match made {
            Ok(handle) => _ = self.observing.insert(handle, (resource, 0)),
            Err(_) => port.wake_after(Duration::from_secs(5), u64::from(resource)),
        }
    }

    fn again<S: Store<Peer = u16>>(&mut self, port: &mut Port<'_, S>, handle: Handle) {
        if let Some((resource, _)) = self.observing.remove(&handle).filter(|_| self.persists) {
            port.wake_after(Duration::from_millis(1_000 + self.rng.up_to(10_000)), u64::from(resource));
        }
    }

    fn state(&self, resource: u32) -> u32 {
        self.states[resource as usize]
    }
}

impl<S: Store<Peer = u16>> Application<S> for World {
    fn on_request(&mut self, port: &mut Port<'_, S>, request: &ServerRequest<'_, u16>) {
        let found = ["a", "b", "c"].iter().position(|path| request.message.path_is(path));
        let Some(resource) = found.map(|at| at as u32) else { return };
        let state = self.state(resource);
        let _ = port.respond_observing(request.id, ResourceId(resource), resource + 100, |w| {
            w.code(Code::CONTENT).max_age(MAX_AGE).payload(&state.to_be_bytes());
        });
    }

    fn on_notify(&mut self, port: &mut Port<'_, S>, notify: Notify<u16>) {
        if notify.tag != notify.resource.0 + 100 {
            self.fault = Some(format!("{notify:?}: not the tag that was given along"));
        }
        self.count(if notify.again { "told again" } else { "told" });
        let state = self.state(notify.resource.0);
        let notify = if self.rng.chance(self.con) { notify } else { notify.non() };
        if let Err(error) = port.write_notification(notify, |w| {
            w.code(Code::CONTENT).max_age(MAX_AGE).payload(&state.to_be_bytes());
        }) {
            self.fault = Some(format!("{notify:?}: {error}"));
        }
    }

    fn on_response(&mut self, port: &mut Port<'_, S>, response: &ClientResponse<'_, u16>) {
        let number = response.message.payload().try_into().map(u32::from_be_bytes);
        let Some((resource, last)) = self.observing.get_mut(&response.handle) else { return };
        if let Ok(number) = number {
            if number < *last {
                self.fault = Some(format!("{number} of {resource} after {last}: {:?}", response.message));
            }
            *last = number;
        }
        match response.observed {
            Some(_) if response.more => self.count("notification"),
            None if !response.more => {
                self.count("ended");
                self.again(port, response.handle);
            }
            _ => self.fault = Some(format!("{response:?}")),
        }
    }

    fn on_failure(&mut self, port: &mut Port<'_, S>, handle: Handle, why: Failure) {
        self.count(if why == Failure::TimedOut { "timed out" } else { "failed" });
        self.again(port, handle);
    }

    fn on_wake(&mut self, port: &mut Port<'_, S>, key: u64) {
        let resource = (key % 10) as u32;
        if port.address() == SERVER {
            self.states[resource as usize] += 1;
            port.notify(ResourceId(resource));
        } else if self.persists {
            self.observe(port, resource);
        }
    }
}

/// Who is on the list of the server.
fn listed<S: Store<Peer = u16> + Clone>(sim: &mut Sim<S, World>) -> BTreeSet<(u16, u32)> {
    let server = sim.endpoint(SERVER).unwrap();
    server.observers().map(|observer| (observer.peer, observer.resource.0)).collect()
}

/// Runs many seeds, or the one that `SIM_SEED` names. In the usual number all of `wanted` is to come to pass.
fn seeds(count: u64, wanted: &[&str], run: impl Fn(u64) -> Result<HashMap<&'static str, u32>, String>) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let (one, many) = (number("SIM_SEED"), number("SIM_SEEDS"));
    let range = one.map_or(0..many.unwrap_or(count), |seed| seed..seed + 1);
    let (mut tally, mut failed) = (HashMap::<&str, u32>::new(), Vec::new());
    for seed in range.clone() {
        match run(seed) {
            Ok(more) => more.into_iter().for_each(|(what, times)| *tally.entry(what).or_default() += times),
            Err(why) => failed.push(format!("SIM_SEED={seed}: {why}")),
        }
    }
    println!("{} seeds: {tally:?}", range.end - range.start);
    failed.truncate(5);
    assert!(failed.is_empty(), "some seeds fail, the first of them:\n{}", failed.join("\n"));
    if one.is_none() && range.end >= count {
        let missing: Vec<_> = wanted.iter().filter(|what| !tally.contains_key(**what)).collect();
        assert!(missing.is_empty(), "never came to pass: {missing:?}");
    }
}

fn run<S: Store<Peer = u16> + Clone>(seed: u64, store: impl Fn() -> S) -> Result<HashMap<&'static str, u32>, String> {
    let mut rng = Rng::new(seed ^ 0x0b5e_77e5);
    let network = Network {
        loss: rng.up_to(500) as u32,
        duplication: rng.up_to(500) as u32,
        delay_max: Duration::from_millis(10 + rng.up_to(2_000)),
        late: rng.up_to(500) as u32,
        late_max: Duration::from_millis(500 + rng.up_to(30_000)),
        ..Network::PERFECT
    };
    let config = Config {
        notification_interval: Duration::from_millis(rng.up_to(3_000)),
        confirm_every: 1 + rng.up_to(20) as u8,
        transmission: Transmission { nstart: 1 + rng.up_to(2) as u8, ..Transmission::DEFAULT },
        ..Config::DEFAULT
    };
    let mut sim = Sim::new(seed, network);
    let con = [0, 200, 800, 1_000][rng.up_to(3) as usize];
    let clients = 2 + rng.up_to(2) as u16;
    for at in 0..=clients {
        sim.add(config, store(), World::new(seed + u64::from(at), con));
    }
    // Each resource changes now and then, one of them by bursts; and each client observes one or two.
    sim.with(SERVER, |world, port| {
        for resource in 0..RESOURCES {
            let (mut at, most) = (0, [60_000, 20_000, 1_500][resource as usize]);
            while at < 300_000 {
                at += 1 + world.rng.up_to(most);
                port.wake_after(Duration::from_millis(at.min(305_000)), u64::from(resource));
            }
        }
    });
    for client in 2..=clients + 1 {
        sim.with(client, |world, port| {
            for _ in 0..=world.rng.up_to(1) {
                let (at, resource) = (world.rng.up_to(60_000), world.rng.up_to(u64::from(RESOURCES) - 1));
                port.wake_after(Duration::from_millis(at), resource);
            }
        });
    }
    let step = |sim: &mut Sim<S, World>, time: Duration| sim.run_for(time).map_err(|anomaly| anomaly.to_string());
    step(&mut sim, Duration::from_secs(310))?;
    // The network heals. What is late on it is so by half a minute at most.
    sim.network = Network::PERFECT;
    let states = sim.application(SERVER).unwrap().states;
    step(&mut sim, MAX_TRANSMIT_WAIT)?;
    for (peer, resource) in listed(&mut sim) {
        let world = sim.application(peer).unwrap();
        let knows = world.observing.values().any(|&it| it == (resource, states[resource as usize]));
        if !knows && world.observing.values().any(|&(its, _)| its == resource) {
            return Err(format!(
                "{peer} is on the list of {resource}, and was not told {states:?}: {:?}",
                world.observing
            ));
        }
    }
    step(&mut sim, Duration::from_secs(u64::from(MAX_AGE) + 15) + MAX_TRANSMIT_WAIT)?;
    let outdated = |sim: &mut Sim<S, World>| {
        for client in 2..=clients + 1 {
            let stale = |it: &&(u32, u32)| it.1 != states[it.0 as usize];
            if let Some((resource, last)) = sim.application(client).unwrap().observing.values().find(stale) {
                return Err(format!("{client} has {last} of {resource}, not {states:?}"));
            }
        }
        Ok(())
    };
    // Who is refused asks again: a request may be on its way just now, and a second later another one's, but not for ever.
    for _ in 0..3 {
        if outdated(&mut sim).is_err() {
            step(&mut sim, Duration::from_secs(1))?;
        }
    }
    outdated(&mut sim)?;
    let mut tally = HashMap::new();
    // It ends: said or forgotten, by the server or by its clients.
    for client in 2..=clients + 1 {
        sim.with(client, |world, port| {
            world.persists = false;
            let mut gone = Vec::new();
            for handle in world.observing.keys() {
                match world.rng.up_to(2) {
                    0 => {
                        port.cancel(*handle);
                        gone.push(*handle);
                    }
                    1 => _ = port.unobserve(*handle),
                    _ => {}
                }
            }
            gone.iter().for_each(|handle| _ = world.observing.remove(handle));
        });
    }
    step(&mut sim, Duration::from_secs(10))?;
    sim.with(SERVER, |world, port| {
        world.con = 1_000;
        for resource in 0..RESOURCES {
            world.states[resource as usize] += 1;
            port.notify(ResourceId(resource));
        }
    });
    step(&mut sim, Duration::from_secs(100))?;
    sim.with(SERVER, |_, port| {
        for resource in 0..RESOURCES {
            port.end_observers(ResourceId(resource), Code::NOT_FOUND);
        }
    });
    step(&mut sim, Duration::from_secs(1_000))?;
    for at in 1..=clients + 1 {
        let usage = sim.usage(at).unwrap();
        let statistics = sim.statistics(at).unwrap();
        let world = sim.application(at).unwrap();
        if let Some(fault) = &world.fault {
            return Err(fault.clone());
        }
        if usage != Usage::default() || !world.observing.is_empty() {
            return Err(format!("after quiet time, endpoint {at} still holds {usage:?}, {:?}", world.observing));
        }
        for (what, times) in world.tally.drain() {
            *tally.entry(what).or_default() += times;
        }
        for (what, times) in [("stale", statistics.stale), ("lost observer", statistics.lost_observers)] {
            if times > 0 {
                *tally.entry(what).or_default() += times;
            }
        }
    }
    Ok(tally)
}

const WANTED: [&str; 8] =
    ["told", "told again", "notification", "ended", "timed out", "stale", "lost observer", "failed"];

#[test]
fn the_latest_state_once_the_network_heals() {
    // By turns with an index and without.
    seeds(2_000, &WANTED[..7], |seed| {
        if seed % 2 == 0 {
            run(seed, || Heap::<u16>::with_bound(8, 128, 8_192).observers(32))
        } else {
            run(seed, Fixed::<u16, 8, 128, 8_192, 32>::new)
        }
    });
}

/// With hardly a slot for an exchange: who is due waits until there is one.
#[test]
fn with_six_slots_for_exchanges() {
    seeds(600, &WANTED[..7], |seed| {
        if seed % 2 == 0 {
            run(seed, || Heap::<u16>::with_bound(4, 6, 512).observers(8))
        } else {
            run(seed, Fixed::<u16, 4, 6, 512, 8>::new)
        }
    });
}

/// RFC 7641 4.5.2: round trips that are longer than ACK_TIMEOUT cost nobody his place on the list.
#[test]
fn a_round_trip_of_five_seconds() {
    for seed in 0..50 {
        let delay = Duration::from_millis(2_500);
        let mut sim = Sim::new(seed, Network { delay_min: delay, delay_max: delay, ..Network::PERFECT });
        for at in 0..3 {
            sim.add(Config::DEFAULT, Heap::<u16>::with_bound(4, 64, 4_096).observers(9), World::new(seed + at, 1_000));
        }
        for client in 2..=3 {
            sim.with(client, |world, port| (0..RESOURCES).for_each(|resource| world.observe(port, resource)));
        }
        sim.run_for(Duration::from_secs(60)).unwrap();
        sim.with(SERVER, |_, port| {
            (0..400_u64).for_each(|n| port.wake_after(Duration::from_millis(n * 700), n % u64::from(RESOURCES)));
        });
        sim.run_for(Duration::from_secs(400)).unwrap();
        assert_eq!(sim.statistics(SERVER).unwrap().lost_observers, 0, "seed {seed}");
        assert_eq!(sim.usage(SERVER).unwrap().observers, 9, "seed {seed}: six, and three resources");
        let states = sim.application(SERVER).unwrap().states;
        for client in 2..=3 {
            let world = sim.application(client).unwrap();
            assert_eq!(world.fault, None);
            assert_eq!(world.observing.len(), 3);
            for &(resource, last) in world.observing.values() {
                assert_eq!(last, states[resource as usize], "seed {seed}");
            }
        }
    }
}

/// RFC 7641 4.5: nobody of them acknowledges anything.
#[test]
fn a_thousand_observers_that_vanish() {
    let store = || Heap::<u16>::with_bound(1_100, 1_100, 64 * 1_100).observers(1_001);
    let mut sim = Sim::new(1, Network::PERFECT);
    sim.add(Config::DEFAULT, store(), World::new(1, 1_000));
    for peer in 0..1_000_u16 {
        let mut bytes = [0; 32];
        let len = Writer::new(&mut bytes, Header::confirmable(Code::GET, peer), &peer.to_be_bytes())
            .observe(0)
            .path("a")
            .finish()
            .unwrap();
        sim.inject(1_000 + peer, SERVER, &bytes[..len]);
    }
    sim.run_for(Duration::from_secs(300)).unwrap();
    assert_eq!(sim.usage(SERVER).unwrap().observers, 1_001);
    sim.with(SERVER, |world, port| {
        world.states[0] += 1;
        port.notify(ResourceId(0));
    });
    sim.run_for(Duration::from_secs(1)).unwrap();
    assert_eq!(sim.statistics(SERVER).unwrap().notifications, 1_000);
    sim.run_for(MAX_TRANSMIT_WAIT).unwrap();
    assert_eq!(sim.usage(SERVER).unwrap().observers, 0);
    assert_eq!(sim.statistics(SERVER).unwrap().lost_observers, 1_000);
    // Peers are forgotten as it is polled, some at a time.
    (0..100).for_each(|_| sim.run_for(Duration::from_secs(10)).unwrap());
    assert_eq!(sim.usage(SERVER).unwrap(), Usage::default());
}
