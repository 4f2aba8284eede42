//! The drivers, each with our own endpoints at both ends or with a peer that is written out; other implementations are asked
//! in `tests/interop/`.

mod any_executor;
mod asynchronous;
mod house;
mod never_waits;
