//! What a program with an operating system wants: a client that blocks, and a server on a socket. Feature `std`.
//!
//! ```no_run
//! use coaplet::host::Client;
//!
//! fn main() -> Result<(), coaplet::host::Error> {
//!     let reply = Client::connect("coap://sensor.example")?.get("/temp")?;
//!     println!("{}: {}", reply.code(), String::from_utf8_lossy(reply.payload()));
//!     Ok(())
//! }
//! ```
//!
//! [`Client`] resolves names, sends again what is not acknowledged, and fetches and sends bodies of any length in blocks:
//! all that is the [endpoint](crate::endpoint)'s and [`block`](crate::block)'s, over [`io::Udp`](crate::io::Udp).
//! [`Call`] is one request with whatever belongs to it. An [`Error`] says what was to be done, with whom, and what may
//! help; a response of any class is a [`Reply`], and no error.
//!
//! | for | look in |
//! |---|---|
//! | the client, and how it is set up | `client.rs`, `builder.rs` |
//! | a request, and its answer | `call.rs`, `reply.rs` |
//! | the client that does not block (feature `tokio`), and its requests | `async_client.rs`, `under_way.rs`, `observed.rs` |
//! | observations, requests to groups | `observation.rs`, `group.rs` |
//! | a server on a socket | `serve.rs` |
//! | the client's loop between the endpoint and the socket; the socket | `link.rs`, `traced.rs` |
//! | URIs and the addresses of hosts | `target.rs` |
//! | what can go wrong | `error.rs` |

#[cfg(feature = "tokio")]
mod async_client;
mod builder;
mod call;
mod client;
mod error;
mod group;
mod link;
mod observation;
#[cfg(feature = "tokio")]
mod observed;
mod reply;
mod serve;
mod target;
mod traced;
mod transfer;
#[cfg(feature = "tokio")]
mod under_way;

#[cfg(feature = "tokio")]
pub use async_client::AsyncClient;
pub use builder::{Builder, Passed, Trace, Way};
pub use call::Call;
pub use client::Client;
pub use error::Error;
pub use observation::Observation;
#[cfg(feature = "tokio")]
pub use observed::AsyncObservation;
pub use reply::Reply;
pub use serve::{Resource, Serving, serve};
pub use target::{addresses, listening};
