//! The examples as a user runs them: what they print, how they end, and what goes over the wire.

#[path = "interop/process.rs"]
mod process;

#[path = "examples/client.rs"]
mod client;
#[path = "examples/command_line.rs"]
mod command_line;
#[path = "examples/decode.rs"]
mod decode;
#[path = "examples/server.rs"]
mod server;
