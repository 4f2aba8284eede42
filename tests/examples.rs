//! The example as a user runs it: what it prints, how it ends, and what goes over the wire.

#[path = "interop/process.rs"]
mod process;

#[path = "examples/client.rs"]
mod client;
#[path = "examples/command_line.rs"]
mod command_line;
#[path = "examples/plugtest.rs"]
mod plugtest;
#[path = "examples/server.rs"]
mod server;
