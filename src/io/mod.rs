//! Drivers: what carries the datagrams of an endpoint. The only files that touch a socket; each is the way from a socket
//! to [`handle`](crate::Endpoint::handle) and from [`poll`](crate::Endpoint::poll) to the socket, and knows nothing of
//! the protocol.
//!
//! | a socket of | feature | driver | waits |
//! |---|---|---|---|
//! | the standard library | `std` | `Udp` | the thread does |
//! | tokio | `tokio` | `AsyncUdp` | a future does |

mod address;
#[cfg(feature = "std")]
mod came;
#[cfg(any(feature = "tokio", feature = "embedded_nal_async"))]
mod carrier;
#[cfg(feature = "embedded_nal")]
pub mod embedded_nal;
#[cfg(feature = "embedded_nal_async")]
pub mod embedded_nal_async;
#[cfg(feature = "std")]
mod error;
#[cfg(all(feature = "std", target_os = "linux"))]
mod linux;
mod node;
#[cfg(all(feature = "std", any(not(target_os = "linux"), test)))]
mod portable;
#[cfg(feature = "std")]
mod std;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(feature = "std")]
pub use self::std::Udp;
#[cfg(feature = "tokio")]
pub use self::tokio::AsyncUdp;
pub use address::Address;
#[cfg(feature = "std")]
pub use came::seed;
#[cfg(any(feature = "tokio", feature = "embedded_nal_async"))]
pub use carrier::{Carrier, run, step};
#[cfg(any(feature = "tokio", feature = "embedded_nal_async"))]
pub(crate) use carrier::{First, first};
#[cfg(feature = "std")]
pub use error::{Doing, UdpError};
pub use node::{Ask, Due, Node, Received, Serve, Told};
