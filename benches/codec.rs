//! Wall time of the codec: the five messages, parse, parse and walk, encode.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench codec`; the figures that do not depend on the machine's mood
//! are those of `codec_instructions.rs`.

use coaplet_benches::codec;
use coaplet_benches::messages::{SAMPLES, Sample};
use divan::Bencher;
use divan::counter::BytesCount;
use std::hint::black_box;

const MESSAGES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn main() {
    SAMPLES.iter().for_each(codec::check);
    divan::main();
}

fn sample(id: &str) -> &'static Sample {
    SAMPLES.iter().find(|sample| sample.id == id).expect("a to e")
}

#[divan::bench(args = MESSAGES)]
fn parse(bencher: Bencher, id: &str) {
    let datagram = sample(id).datagram();
    bencher.counter(BytesCount::of_slice(&datagram)).bench_local(|| codec::parse(black_box(&datagram)).is_ok());
}

#[divan::bench(args = MESSAGES)]
fn parse_and_walk(bencher: Bencher, id: &str) {
    let datagram = sample(id).datagram();
    bencher.counter(BytesCount::of_slice(&datagram)).bench_local(|| codec::parse_and_walk(black_box(&datagram)));
}

#[divan::bench(args = MESSAGES)]
fn encode(bencher: Bencher, id: &str) {
    let sample = sample(id);
    let mut buffer = [0; 2048];
    let length = sample.datagram().len();
    bencher.counter(BytesCount::new(length)).bench_local(|| codec::encode(black_box(sample), black_box(&mut buffer)));
}
