//! The server: each automatic answer, the table in its docs, and what goes wrong.

#[macro_use]
mod common;

#[path = "../../examples/plugtest_client/cases/mod.rs"]
#[allow(dead_code)]
mod cases;
#[path = "../../examples/plugtest_client/client.rs"]
mod client;
#[path = "../../examples/plugtest_server/resources.rs"]
#[allow(dead_code)]
mod resources;

mod answers;
mod basics;
mod discovery;
mod limits;
mod observe;
mod plugtest;
mod roles;
mod uploads;
