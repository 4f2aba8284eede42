//! What all of Coaplet's measurements share: the five messages, the operations, and the way an option is used.
//!
//! | command (in the repository's root) | prints |
//! |---|---|
//! | `cargo bench --manifest-path benches/Cargo.toml --bench codec` | wall time of the codec (divan) |
//! | the same with `--bench scale` | wall time of the endpoint's events with 8 to 1,000,000 live exchanges |
//! | `.ci/bench` | instructions of every operation and event against `budget.tsv` (gungraun, callgrind) |
//! | `cargo run --release --manifest-path benches/peers/Cargo.toml` | the same work by other codecs, instructions and time |
//! | `.ci/footprint` | flash and RAM on a Cortex-M3 (`footprint/`) |
//!
//! A figure in instructions is one call through `black_box`, with the 15 to 20 instructions that the loop around it
//! costs: 1000 calls are counted and divided. All is built with `opt-level = 3`, fat LTO and one codegen unit, as the
//! reference behind the limits was (`peers/src/reference.rs`), for x86-64 without further target features.

pub mod codec;
pub mod messages;
pub mod observers;
pub mod scale;
pub mod sum;

/// How many calls are counted; the counts are divided by it.
pub const CALLS: usize = 1000;
