//! What goes into an endpoint and comes out of it.

use crate::exchange::{Handle, ObserverId, RequestId, ResourceId};
use crate::time::Instant;
use crate::wire::Message;
use core::time::Duration;

/// How a datagram came: to an address of ours alone, or to a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Arrival {
    /// To a unicast address.
    Unicast,
    /// To a multicast address (RFC 7252 section 8): a request is answered within the leisure, if there is something to
    /// say.
    Group,
}

/// A body that a peer sends in blocks. Free of lifetimes; a stale one is of no effect.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TransferId(pub(crate) Handle);

/// A datagram to be sent: `tx[..len]` of the buffer that was lent for it, to this peer.
///
/// Not sending it is the same as the network losing it: what matters is sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "a datagram that is not sent is lost"]
pub struct Transmit<P> {
    /// Where it goes.
    pub to: P,
    /// How many bytes at the start of the buffer it has.
    pub len: usize,
}

/// A request that was made: its handle, and what is to be sent now; `None` if it waits behind NSTART.
pub type Requested<P> = (Handle, Option<Transmit<P>>);

/// What [`Endpoint::handle`](super::Endpoint::handle) made of a datagram.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "the reply is to be sent, and the event to be looked at"]
pub struct Input<'d, P> {
    /// An ACK, an RST, a stored reply or an error response, already in `tx`: send it before `tx` is used again.
    pub reply: Option<Transmit<P>>,
    /// What the application is to know of it.
    pub event: Event<'d, P>,
}

/// What a datagram means to the application.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event<'d, P> {
    /// A request that was not seen before: to be answered, deferred, or left to the automatic 5.03.
    Request(ServerRequest<'d, P>),
    /// A response to a request of ours.
    Response(ClientResponse<'d, P>),
    /// Nothing that concerns the application.
    Handled,
}

/// A request of a peer's.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ServerRequest<'d, P> {
    /// To answer it by.
    pub id: RequestId,
    /// Who asks.
    pub from: P,
    /// How it came.
    pub arrival: Arrival,
    /// What is asked.
    pub message: Message<'d>,
}

/// A response to a request of ours.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ClientResponse<'d, P> {
    /// Which request it answers.
    pub handle: Handle,
    /// Who answers.
    pub from: P,
    /// Whether the request goes on: an observation, or one to a group, which others may answer too. Any other has ended
    /// with this.
    pub more: bool,
    /// Of a notification: its place in their order, of 24 bits (RFC 7641 3.4). It is fresher than those before. `None`:
    /// an ordinary response. If the request was to observe, the server does not let it, or not any more.
    pub observed: Option<u32>,
    /// From the transmission of the request until it was acknowledged or answered. `None` if it was sent more than
    /// once, for then nobody knows which transmission was heard.
    pub round_trip: Option<Duration>,
    /// The answer.
    pub message: Message<'d>,
}

/// The next thing to be done: one at a time, until [`Output::Idle`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "what poll gives out, it gives out once"]
pub enum Output<P> {
    /// A retransmission, an automatic ACK, or a message that waited.
    Send(Transmit<P>),
    /// A request of ours has ended without a response.
    Failed(Handle, Failure),
    /// A request of ours has ended as it was to end without a response: a ping was answered, or a request that wants
    /// none (RFC 7967) was acknowledged.
    Acknowledged(Handle),
    /// A separate response has arrived, of which that was [to be told](crate::endpoint::Answer::report).
    Delivered(RequestId),
    /// Nobody has acknowledged a separate response, of which that was to be told.
    Undelivered(RequestId, Failure),
    /// A body that a peer was sending in blocks ([`receive`](crate::Endpoint::receive)) ends without its last one: none
    /// came for EXCHANGE_LIFETIME, or the peer was forgotten.
    Broken(TransferId, Failure),
    /// An observer is to be told the present state of a resource: by
    /// [`write_notification`](crate::Endpoint::write_notification), before `poll` is called again, or not this time.
    Notify(Notify<P>),
    /// Nothing until then, or, with `None`, until a datagram or a command comes.
    Idle(Option<Instant>),
}

/// An observer that is to be told the present state of a resource (RFC 7641 4.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Notify<P> {
    /// By what the application names the observer.
    pub observer: ObserverId,
    /// What it observes.
    pub resource: ResourceId,
    /// What the application gave along when it [accepted](crate::Endpoint::respond_observing) the registration.
    pub tag: u32,
    /// Who observes.
    pub peer: P,
    /// How large a block the registration asked for in its Block2 option, in bytes, 16 to 1024: what is larger goes
    /// with Block2 and ETag, the first block of it (RFC 7959 2.6).
    pub block_size: Option<u16>,
    /// Whether an earlier notification was not acknowledged in time, so that this one is to be confirmed as well.
    pub again: bool,
    pub(crate) non: bool,
}

impl<P> Notify<P> {
    /// Non-confirmable: sent once. Confirmable it is all the same where it must be: see
    /// [`confirm_every`](crate::Config::confirm_every) and [`confirm_after`](crate::Config::confirm_after); and where
    /// an earlier one was not acknowledged yet.
    ///
    /// Roles may leave Non-confirmable notifications out ([`Abilities::non_notifications`](crate::Abilities::non_notifications)):
    /// then this makes no difference.
    #[must_use]
    pub fn non(self) -> Notify<P> {
        Notify { non: true, ..self }
    }
}

/// Why a request of ours ended without a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Failure {
    /// No acknowledgement, or no response, in time (RFC 7252 4.2, 5.2.2). A request to a group ends so whether somebody
    /// answered or not.
    TimedOut,
    /// No response in time; but the request has said that it does not want every response (RFC 7967), so that it may
    /// have been carried out.
    Unanswered,
    /// The peer answered with an RST (RFC 7252 4.2): it lacks the context to process the message.
    Reset,
    /// The application has [forgotten](crate::Endpoint::forget) the peer.
    Forgotten,
    /// The network says that nobody listens at the peer's port: see [`unreachable`](crate::Endpoint::unreachable).
    Unreachable,
}

/// What of its store an endpoint has in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Usage {
    /// Slots for peers.
    pub peers: u32,
    /// Slots for exchanges, live and remembered.
    pub exchanges: u32,
    /// Of these the remembered ones: over, and kept for duplicates. They give way to new ones.
    pub remembered: u32,
    /// Slots for observers (RFC 7641); with [`Indexed`](crate::store::Indexed) one for each resource that is observed
    /// among them.
    pub observers: u32,
    /// Slots for transfers: bodies that peers send in blocks, and those that are over. The latter give way to new ones.
    pub transfers: u32,
    /// Blocks of 32 bytes in the arena; with [`Scan`](crate::store::Scan) the bytes, counted in such blocks.
    pub blocks: u32,
}
