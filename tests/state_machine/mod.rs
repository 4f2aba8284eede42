//! Scripts of what applications, the network and the clock do to two endpoints, and a model of what must hold. The fuzz
//! target `endpoint` carries out the same ones.

pub mod command;
pub mod node;
pub mod world;

pub use node::Verdict;
pub use world::{Script, Setup, Tables, Tally};
