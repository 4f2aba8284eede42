//! What an image wants of an endpoint, as a type: what it does not want is not linked.

use crate::config::{Config, Rules};

/// A set of roles: what an endpoint can do. [`Full`] unless another one is named.
///
/// Firmware that must count its flash takes [`ServerMin`] or [`ClientMin`], or writes its own set:
///
/// ```
/// use coaplet::{Abilities, Config, Endpoint, Fixed, Roles};
///
/// #[derive(Debug)]
/// enum Sensor {}
///
/// impl Roles for Sensor {
///     const HAS: Abilities = Abilities { client: false, multicast: false, ..Abilities::ALL };
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
    /// What it can do.
    const HAS: Abilities = Abilities::ALL;
}

macro_rules! abilities {
    ($($(#[$doc:meta])* $name:ident: bool,)*) => {
        /// What an endpoint, and a [server](crate::server) over it, can do. Begin with [`ALL`](Abilities::ALL) or
        /// [`NONE`](Abilities::NONE), or with what another set of roles has.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct Abilities {
            $($(#[$doc])* pub $name: bool,)*
        }

        impl Abilities {
            /// Everything.
            pub const ALL: Abilities = Abilities { $($name: true,)* };
            /// Nothing.
            pub const NONE: Abilities = Abilities { $($name: false,)* };
        }
    };
}

abilities! {
    /// Makes requests.
    client: bool,
    /// Answers requests. Without it a Confirmable one is rejected with an RST (RFC 7252 4.2), another one dropped.
    server: bool,
    /// Asks groups, and answers as a member of one (RFC 7252 section 8). Without it what comes by a group address is
    /// dropped.
    multicast: bool,
    /// Heeds No-Response (RFC 7967). Without it the option is ignored, as any elective one.
    no_response: bool,
    /// What would exceed NSTART waits its turn (RFC 7252 4.7). Without it a request is an error then, and separate
    /// responses, which NSTART does not bind, go out at once.
    nstart_queue: bool,
    /// Makes Non-confirmable requests (RFC 7252 4.3). Without it such a request is an error
    /// ([`OnlyConfirmable`](crate::endpoint::RequestError::OnlyConfirmable)).
    non_requests: bool,
    /// A request may have transmission parameters and a timeout of its own
    /// ([`Request::transmission`](crate::endpoint::Request::transmission),
    /// [`timeout`](crate::endpoint::Request::timeout)). Without it one that has is an error
    /// ([`NoTimesOfItsOwn`](crate::endpoint::RequestError::NoTimesOfItsOwn)).
    own_times: bool,
    /// Tokens of more than 8 bytes (RFC 8974). Without it what has one is rejected, as RFC 7252 section 3 says: a
    /// Confirmable message with an RST, another one in silence.
    long_tokens: bool,
    /// Bounds the share of one peer (RFC 8516).
    shares: bool,
    /// Lowers Max-Age of a reply that is sent again (RFC 7252 5.10.5), if it was asked for.
    aging: bool,
    /// Observes, and is observed (RFC 7641). Without it the option is ignored, as any elective one.
    observe: bool,
    /// Sends Non-confirmable notifications (RFC 7641 4.5), and knows an observer by the Message IDs of the last four that it
    /// was sent. Without it each notification is Confirmable, whatever [`Notify::non`](crate::endpoint::Notify::non) says,
    /// and an observer is known by the last Message ID alone. The answer to a registration that was Non-confirmable still is,
    /// too; the notification after it does not wait for [`notification_interval`](crate::Config::notification_interval), and
    /// none is sent merely to have that answer confirmed, unless the store is [`Indexed`](crate::store::Indexed).
    non_notifications: bool,
    /// Tells all observers of a resource that it is no more ([`Endpoint::end_observers`](crate::Endpoint::end_observers)).
    /// Without it that is always false: an observer is ended by an error that is written as its notification.
    end_observers: bool,
    /// Says of a separate response whether it arrived, if it was asked for.
    reports: bool,
    /// Refuses a critical option that is a string, but not UTF-8 (RFC 7252 3.2). Without it, it is a string that is equal
    /// to none that the application knows.
    texts: bool,
    /// Answers with 5.03 what the application leaves unanswered for long. Without it such a request is forgotten.
    unanswered: bool,
    /// Counts.
    statistics: bool,
    /// Counts what gave way ([`recycled`](crate::endpoint::Statistics::recycled)), if it counts nothing else.
    recycled: bool,
    /// Collects the bodies of requests in blocks ([`Endpoint::receive`](crate::Endpoint::receive)). Without it only
    /// bodies of one block are taken.
    transfers: bool,
    /// In a request of a block-wise transfer the application may write options behind those of the transfer: of 24 and
    /// above, such as Proxy-Uri and No-Response. Without it that is an error
    /// ([`OutOfOrder`](crate::WriteError::OutOfOrder)).
    options_behind: bool,
    /// A [`Server`](crate::Server) keeps with an observer what it takes to answer again: what is behind the path of a route,
    /// Uri-Query, Accept. Without it a registration that has any is answered as a plain GET.
    kept_options: bool,
    /// A [`Server`](crate::Server) lists its resources under `/.well-known/core` (RFC 6690).
    discovery: bool,
    /// A route may list by itself what there is below its wildcard ([`Route::listing`](crate::server::Route::listing)). Without
    /// it nothing of such a route is listed.
    listers: bool,
    /// Wildcards stand in the paths of its routes. Without it `*` and `**` are segments as any other.
    wildcards: bool,
    /// It serves resources that are objects, behind those of its table: without it
    /// [`Server::with_objects`](crate::Server::with_objects) does not compile.
    objects: bool,
    /// It sees to If-Match and If-None-Match (RFC 7252 5.10.8). Without it they are to be left out of
    /// [`Config::known`], so that such a request is refused.
    conditions: bool,
    /// It refuses what is asked for or comes in a format that a route does not name (4.06, 4.15).
    negotiation: bool,
    /// It answers what is asked for by Proxy-Uri or Proxy-Scheme under a name of its own (RFC 7252 5.7.2). Without it
    /// each such request gets 5.05.
    own_names: bool,
    /// It renders errors as problem details, where these are accepted (RFC 9290).
    problems: bool,
    /// The errors that it finds by itself say what is wrong in words.
    diagnostics: bool,
}

/// Everything.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Full {}

impl Roles for Full {}

/// A server alone: piggybacked and separate responses, retransmission, deduplication. [`Config::DEFAULT`].
///
/// A request that the application never answers is forgotten after its time rather than answered with 5.03, and the
/// strings of its options are not looked at for UTF-8: [`unanswered`](Abilities::unanswered), [`texts`](Abilities::texts).
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ServerMin {}

impl Roles for ServerMin {
    const CONFIG: Option<Config> = Some(Config::DEFAULT);
    const HAS: Abilities = Abilities { server: true, ..Abilities::NONE };
}

/// A client alone: requests and retransmission, at the pace of [`Config::DEFAULT`].
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ClientMin {}

impl Roles for ClientMin {
    const CONFIG: Option<Config> = Some(Config::DEFAULT);
    const HAS: Abilities = Abilities { client: true, non_requests: true, ..Abilities::NONE };
}

/// What follows from a configuration that is known when the image is built.
pub(crate) const fn rules<R: Roles>() -> Option<Rules> {
    match R::CONFIG {
        Some(config) => Some(Rules::new(&config)),
        None => None,
    }
}
