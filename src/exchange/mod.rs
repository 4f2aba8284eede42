//! Requests and responses (RFC 7252 section 5): tokens, which response answers which request, and which response is
//! wanted; and who observes what (RFC 7641).
//!
//! What it guarantees: a response is given to a request with its token that was made to its sender, or to a group, and
//! to no other.
//!
//! It knows nothing of how messages travel (CON, ACK, Message IDs): the caller says by a predicate which exchanges come
//! into question. So the reliable transports of RFC 8323 can stand on it as the datagram endpoint does.
//!
//! What it does to an exchange lies in the store ([`Held`](crate::store::Held)): a token is drawn before a request is
//! entered, looked up when a response comes, and echoed when an answer begins.

mod id;
mod matching;
mod observe;
mod suppression;
mod token;
mod watch;

pub use id::{Handle, RequestId};
pub(crate) use observe::{Asked, Observing};
pub use observe::{ObserverId, ResourceId};
pub(crate) use suppression::{asked, is_wanted};
pub(crate) use watch::is_fresher;
