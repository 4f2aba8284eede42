//! Instructions of the codec under callgrind: the five messages, parse, parse and walk, encode; 1000 calls each.
//!
//! `.ci/bench` runs it and divides by 1000; by itself, `cargo bench --manifest-path benches/Cargo.toml --bench
//! codec_instructions` prints the totals and what has changed since the last time. The group is the bench, the function
//! the operation and the id the message that `budget.tsv` names.

use coaplet_benches::messages::{SAMPLES, Sample};
use coaplet_benches::{CALLS, codec as measured};
use gungraun::{library_benchmark, library_benchmark_group, main};
use std::hint::black_box;

// What is set up here is not counted, and what is returned is dropped after the counting.
fn datagram(index: usize) -> Vec<u8> {
    measured::check(&SAMPLES[index]);
    SAMPLES[index].datagram()
}

fn sample_and_buffer(index: usize) -> (&'static Sample, [u8; 2048]) {
    measured::check(&SAMPLES[index]);
    (&SAMPLES[index], [0; 2048])
}

#[library_benchmark(setup = datagram)]
#[bench::a(0)]
#[bench::b(1)]
#[bench::c(2)]
#[bench::d(3)]
#[bench::e(4)]
fn parse(datagram: Vec<u8>) -> Vec<u8> {
    for _ in 0..CALLS {
        let _ = black_box(measured::parse(black_box(&datagram)));
    }
    datagram
}

#[library_benchmark(setup = datagram)]
#[bench::a(0)]
#[bench::b(1)]
#[bench::c(2)]
#[bench::d(3)]
#[bench::e(4)]
fn walk(datagram: Vec<u8>) -> Vec<u8> {
    for _ in 0..CALLS {
        black_box(measured::parse_and_walk(black_box(&datagram)));
    }
    datagram
}

#[library_benchmark(setup = sample_and_buffer)]
#[bench::a(0)]
#[bench::b(1)]
#[bench::c(2)]
#[bench::d(3)]
#[bench::e(4)]
fn encode((sample, mut buffer): (&'static Sample, [u8; 2048])) {
    for _ in 0..CALLS {
        black_box(measured::encode(black_box(sample), black_box(&mut buffer)));
    }
}

library_benchmark_group!(name = codec, benchmarks = [parse, walk, encode]);
main!(library_benchmark_groups = codec);
