//! Instructions of the endpoint's events under callgrind, with 8 to 1,000,000 live exchanges or observers; 1000 events
//! each.
//!
//! `.ci/bench` runs it, divides by 1000 and compares the last size with the first; by itself, `cargo bench
//! --manifest-path benches/Cargo.toml --bench scale_instructions` prints the totals. The group is the bench, the function
//! the operation and the id the size that `budget.tsv` names. What the events are is told in `src/scale.rs` and `src/observers.rs`.

use coaplet_benches::CALLS;
use coaplet_benches::observers::{Crowd, OBSERVERS};
use coaplet_benches::scale::{DUE, Datagram, SIZES, Scene, scenes};
use gungraun::{Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use std::net::SocketAddr;

// What is set up here is not counted, and what is returned is dropped after the counting.
fn asked(size: usize) -> (Scene, Vec<Datagram>) {
    let mut scene = Scene::new(SIZES[size]);
    let requests = scene.requests(CALLS);
    (scene, requests)
}

fn asking(size: usize) -> (Scene, Vec<SocketAddr>) {
    let mut scene = Scene::new(SIZES[size]);
    let peers = scene.some_peers(CALLS);
    (scene, peers)
}

fn due(size: usize) -> Vec<Scene> {
    scenes(SIZES[size], CALLS)
}

fn observed(size: usize) -> Crowd {
    Crowd::new(OBSERVERS[size])
}

#[library_benchmark(setup = asked)]
#[bench::n8(0)]
#[bench::n1000(1)]
#[bench::n100000(2)]
#[bench::n1000000(3)]
fn server((mut scene, requests): (Scene, Vec<Datagram>)) -> (Scene, Vec<Datagram>) {
    scene.serve(&requests);
    (scene, requests)
}

#[library_benchmark(setup = asking)]
#[bench::n8(0)]
#[bench::n1000(1)]
#[bench::n100000(2)]
#[bench::n1000000(3)]
fn client((mut scene, peers): (Scene, Vec<SocketAddr>)) -> (Scene, Vec<SocketAddr>) {
    scene.fetch(&peers);
    (scene, peers)
}

#[library_benchmark(setup = due)]
#[bench::n8(0)]
#[bench::n1000(1)]
#[bench::n100000(2)]
#[bench::n1000000(3)]
fn retransmit(mut scenes: Vec<Scene>) -> Vec<Scene> {
    for when in DUE {
        scenes.iter_mut().for_each(|scene| scene.retransmit(when));
    }
    scenes
}

#[library_benchmark(setup = observed)]
#[bench::n8(0)]
#[bench::n1000(1)]
#[bench::n1000000(2)]
fn notify(mut crowd: Crowd) -> Crowd {
    crowd.tell(CALLS);
    crowd
}

library_benchmark_group!(name = scale, benchmarks = [server, client, retransmit, notify]);
main!(
    // The cache that callgrind simulates is nobody's, and would take twice as long.
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = scale
);
