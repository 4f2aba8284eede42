//! Wall time of the endpoint's events with 8 to 1,000,000 live exchanges, and how much longer they take than with 8.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench scale`. Each figure is the median of [`ROUNDS`] rounds; the
//! sizes take turns, so that what disturbs the machine disturbs all of them. It is printed and never asserted: the
//! figures that are, in instructions, come from `scale_instructions.rs`. What the events are is told in `src/scale.rs` and
//! `src/observers.rs`.

use coaplet::store::{ObserverSlot, PeerSlot};
use coaplet_benches::CALLS;
use coaplet_benches::observers::{Crowd, OBSERVERS};
use coaplet_benches::scale::{DUE, OUTSTANDING, SIZES, Scene};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How often each event is measured at each size.
const ROUNDS: usize = 5;

const EVENTS: [(&str, &str); 3] = [
    ("server", "CON GET in, 16 bytes out on the ACK and stored"),
    ("client", "CON GET out, 16 bytes in on the ACK"),
    ("retransmit", "poll sends a request again"),
];

fn main() {
    let mut times: [[Vec<Duration>; SIZES.len()]; EVENTS.len()] = Default::default();
    for _ in 0..ROUNDS {
        for (at, &live) in SIZES.iter().enumerate() {
            for (event, time) in measure(live).into_iter().enumerate() {
                times[event][at].push(time);
            }
        }
    }

    println!("ns per event, median of {ROUNDS}, and times as many as with {} live exchanges", SIZES[0]);
    print!("{:<12}", "");
    SIZES.iter().for_each(|live| print!("{live:>16}"));
    println!();
    for ((name, what), mut sizes) in EVENTS.into_iter().zip(times) {
        let medians = sizes.each_mut().map(|rounds| {
            rounds.sort_unstable();
            rounds[ROUNDS / 2].as_secs_f64() * 1e9 / CALLS as f64
        });
        print!("{name:<12}");
        medians.iter().for_each(|ns| print!("{ns:>8.0} ({:>4.2})", ns / medians[0]));
        println!("  {what}");
    }
    notify();
}

/// The time of a notification, with so many observers, and the memory of an observer.
fn notify() {
    let mut times: [Vec<Duration>; OBSERVERS.len()] = Default::default();
    for _ in 0..ROUNDS {
        for (at, &observers) in OBSERVERS.iter().enumerate() {
            let mut crowd = Crowd::new(observers);
            times[at].push(timed(|| crowd.tell(CALLS)));
        }
    }
    let medians = times.map(|mut rounds| {
        rounds.sort_unstable();
        rounds[ROUNDS / 2].as_secs_f64() * 1e9 / CALLS as f64
    });
    print!("{:<12}", "notify");
    for (observers, ns) in OBSERVERS.iter().zip(medians) {
        print!("  {observers}: {ns:.0} ({:.2})", ns / medians[0]);
    }
    println!("  poll asks for a notification, a NON with 16 bytes out");
    let observer = size_of::<ObserverSlot>() + size_of::<[u32; 2]>();
    let peer = size_of::<PeerSlot<SocketAddr>>() + size_of::<[u32; 1]>();
    println!("an observer takes {observer} bytes, its peer {peer}; a resource that is observed {observer}");
}

/// The time of [`CALLS`] of each event.
fn measure(live: usize) -> [Duration; EVENTS.len()] {
    let mut scene = Scene::new(live);
    // Once for the caches and the branch predictor, with other peers.
    let (requests, peers) = (scene.requests(CALLS), scene.some_peers(CALLS));
    scene.serve(&requests);
    scene.fetch(&peers);
    let (requests, peers) = (scene.requests(CALLS), scene.some_peers(CALLS));
    let server = timed(|| scene.serve(&requests));
    let client = timed(|| scene.fetch(&peers));
    // With eight exchanges two are due in an endpoint: others take its place, each measured while it is in the cache.
    let mut retransmit = Duration::ZERO;
    for _ in 0..CALLS / (scene.outstanding() * DUE.len()) {
        retransmit += timed(|| DUE.into_iter().for_each(|when| scene.retransmit(when)));
        if live / 4 < OUTSTANDING {
            scene = Scene::new(live);
        }
    }
    [server, client, retransmit]
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
