//! What an image wants of an endpoint, as a type: what it does not want is not linked.

use crate::config::{Config, Rules};

/// A set of roles: what an endpoint can do. [`Full`] unless another one is named.
///
/// Firmware that must count its flash takes [`ServerMin`] or [`ClientMin`], or writes its own set:
///
/// ```
/// use coaplet::{Config, Endpoint, Fixed, Roles};
///
/// #[derive(Debug)]
/// enum Sensor {}
///
/// impl Roles for Sensor {
///     const CLIENT: bool = false;
///     const MULTICAST: bool = false;
/// }
///
/// let endpoint = Endpoint::<_, Sensor>::with_roles(Config::DEFAULT, [0; 16], Fixed::<[u8; 4], 4, 8, 512>::new());
/// # let _ = endpoint;
/// ```
pub trait Roles {
    /// The configuration, if it is known when the image is built: it is then folded into the code, which
    /// leaves out what derives times from one another. Such an endpoint is made by
    /// [`Endpoint::of_roles`](crate::Endpoint::of_roles).
    const CONFIG: Option<Config> = None;
    /// Makes requests.
    const CLIENT: bool = true;
    /// Answers requests. Without it a Confirmable one is rejected with an RST (RFC 7252 4.2), another one dropped.
    const SERVER: bool = true;
    /// Asks groups, and answers as a member of one (RFC 7252 section 8). Without it what comes by a group address is
    /// dropped.
    const MULTICAST: bool = true;
    /// Heeds No-Response (RFC 7967). Without it the option is ignored, as any elective one.
    const NO_RESPONSE: bool = true;
    /// What would exceed NSTART waits its turn (RFC 7252 4.7). Without it a request is an error then, and separate
    /// responses, which NSTART does not bind, go out at once.
    const NSTART_QUEUE: bool = true;
    /// Tokens of more than 8 bytes (RFC 8974). Without it what has one is rejected, as RFC 7252 section 3 says: a
    /// Confirmable message with an RST, another one in silence.
    const LONG_TOKENS: bool = true;
    /// Bounds the share of one peer (RFC 8516).
    const SHARES: bool = true;
    /// Lowers Max-Age of a reply that is sent again (RFC 7252 5.10.5), if it was asked for.
    const AGING: bool = true;
    /// Observes, and is observed (RFC 7641). Without it the option is ignored, as any elective one.
    const OBSERVE: bool = true;
    /// Says of a separate response whether it arrived, if it was asked for.
    const REPORTS: bool = true;
    /// Refuses a critical option that is a string, but not UTF-8 (RFC 7252 3.2). Without it, it is a string that is equal
    /// to none that the application knows.
    const TEXTS: bool = true;
    /// Answers with 5.03 what the application leaves unanswered for long. Without it such a request is forgotten.
    const UNANSWERED: bool = true;
    /// Counts.
    const STATISTICS: bool = true;
    /// Collects the bodies of requests in blocks ([`Endpoint::receive`](crate::Endpoint::receive)). Without it only
    /// bodies of one block are taken.
    const TRANSFERS: bool = true;
    /// In a request of a block-wise transfer the application may write options behind those of the transfer: of 24 and
    /// above, such as Proxy-Uri and No-Response. Without it that is an error
    /// ([`OutOfOrder`](crate::WriteError::OutOfOrder)).
    const OPTIONS_BEHIND: bool = true;
    /// A [`Server`](crate::Server) keeps with an observer what it takes to answer again: what is behind the path of a route,
    /// Uri-Query, Accept. Without it a registration that has any is answered as a plain GET.
    const KEPT_OPTIONS: bool = true;
    /// A [`Server`](crate::Server) lists its resources under `/.well-known/core` (RFC 6690).
    const DISCOVERY: bool = true;
    /// It sees to If-Match and If-None-Match (RFC 7252 5.10.8). Without it they are to be left out of
    /// [`Config::known`], so that such a request is refused.
    const CONDITIONS: bool = true;
    /// It refuses what is asked for or comes in a format that a route does not name (4.06, 4.15).
    const NEGOTIATION: bool = true;
    /// It answers what is asked for by Proxy-Uri or Proxy-Scheme under a name of its own (RFC 7252 5.7.2). Without it
    /// each such request gets 5.05.
    const OWN_NAMES: bool = true;
    /// It renders errors as problem details, where these are accepted (RFC 9290).
    const PROBLEMS: bool = true;
    /// The errors that it finds by itself say what is wrong in words.
    const DIAGNOSTICS: bool = true;
}

/// Everything.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Full {}

impl Roles for Full {}

/// A server alone: piggybacked and separate responses, retransmission, deduplication. [`Config::DEFAULT`].
///
/// A request that the application never answers is forgotten after its time rather than answered with 5.03, and the
/// strings of its options are not looked at for UTF-8: [`UNANSWERED`](Roles::UNANSWERED), [`TEXTS`](Roles::TEXTS).
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ServerMin {}

impl Roles for ServerMin {
    const CONFIG: Option<Config> = Some(Config::DEFAULT);
    const CLIENT: bool = false;
    const MULTICAST: bool = false;
    const NO_RESPONSE: bool = false;
    const NSTART_QUEUE: bool = false;
    const LONG_TOKENS: bool = false;
    const SHARES: bool = false;
    const AGING: bool = false;
    const OBSERVE: bool = false;
    const REPORTS: bool = false;
    const TEXTS: bool = false;
    const UNANSWERED: bool = false;
    const STATISTICS: bool = false;
    const TRANSFERS: bool = false;
    const OPTIONS_BEHIND: bool = false;
    const KEPT_OPTIONS: bool = false;
    const DISCOVERY: bool = false;
    const CONDITIONS: bool = false;
    const NEGOTIATION: bool = false;
    const OWN_NAMES: bool = false;
    const PROBLEMS: bool = false;
    const DIAGNOSTICS: bool = false;
}

/// A client alone: requests and retransmission. [`Config::DEFAULT`].
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ClientMin {}

impl Roles for ClientMin {
    const CONFIG: Option<Config> = Some(Config::DEFAULT);
    const SERVER: bool = false;
    const MULTICAST: bool = false;
    const NO_RESPONSE: bool = false;
    const NSTART_QUEUE: bool = false;
    const LONG_TOKENS: bool = false;
    const SHARES: bool = false;
    const AGING: bool = false;
    const OBSERVE: bool = false;
    const REPORTS: bool = false;
    const TEXTS: bool = false;
    const UNANSWERED: bool = false;
    const STATISTICS: bool = false;
    const TRANSFERS: bool = false;
    const OPTIONS_BEHIND: bool = false;
    const KEPT_OPTIONS: bool = false;
    const DISCOVERY: bool = false;
    const CONDITIONS: bool = false;
    const NEGOTIATION: bool = false;
    const OWN_NAMES: bool = false;
    const PROBLEMS: bool = false;
    const DIAGNOSTICS: bool = false;
}

/// What follows from a configuration that is known when the image is built.
pub(crate) const fn rules<R: Roles>() -> Option<Rules> {
    match R::CONFIG {
        Some(config) => Some(Rules::new(&config)),
        None => None,
    }
}
