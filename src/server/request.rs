//! What a handler is told of a request.

use crate::block::Asked;
use crate::endpoint::observe::Of;
use crate::endpoint::{RequestId, TransferId};
use crate::roles::Roles;
use crate::wire::{Code, ContentFormat, Message, Strings};
use core::net::SocketAddr;

/// Why a handler is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Reason {
    /// A client asks.
    Asked,
    /// An observer is to be told the present state (RFC 7641 4.2): what it registered with is asked again.
    Notification,
    /// The server looks whether the resource exists, and which ETag it has, for the condition of another request
    /// (RFC 7252 5.10.8). Nobody is sent the answer.
    Condition,
}

/// A request, as a handler sees it.
///
/// ```
/// use coaplet::Code;
/// use coaplet::server::{Answer, Error, Reply, Request, Route};
///
/// /// Of `sensors/*/history?from=N`, a list of readings for each sensor.
/// type Readings = [(&'static str, [u8; 4])];
///
/// fn history(readings: &mut &Readings, request: &Request, reply: Reply) -> Result<Answer, Error> {
///     let name = request.segment().unwrap_or_default();
///     let (_, values) = readings.iter().find(|(of, _)| *of == name).ok_or(Error::from(Code::NOT_FOUND))?;
///     let from = request.query("from").map_or(Ok(0), str::parse);
///     let from: usize = from.map_err(|_| Error::new(Code::BAD_OPTION, "from=NUMBER"))?;
///     Ok(reply.payload(values.get(from..).unwrap_or_default()))
/// }
///
/// static ROUTES: [Route<&Readings>; 1] = [Route::new("sensors/*/history").get(history)];
/// # let _ = &ROUTES;
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Request<'m, P = SocketAddr> {
    pub(super) message: &'m Message<'m>,
    pub(super) from: P,
    pub(super) group: bool,
    pub(super) reason: Reason,
    /// Where in the path what wildcards stand for begins: behind so many segments, or [`NO_TAIL`].
    pub(super) tail: usize,
    pub(super) body: Bytes<'m>,
    pub(super) later: Later,
}

/// No wildcard stands for anything: a path has fewer segments.
pub(super) const NO_TAIL: usize = usize::MAX;

/// The bytes of a body that have come.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Bytes<'m> {
    pub(super) offset: u32,
    pub(super) bytes: &'m [u8],
    pub(super) last: bool,
    pub(super) size: Option<u32>,
}

/// A request that is answered later, by [`Server::complete`](super::Server::complete). Free of lifetimes; a stale one is
/// an error, never a panic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
// In this order: with something between the two parts the compiler copies each by itself, which takes no `memcpy`.
#[repr(C)]
pub struct Later {
    pub(super) of: Of,
    /// In which format it is asked for; of a notification, in which one it has to be.
    pub(super) accept: Option<ContentFormat>,
    pub(super) wants: Wants,
}

impl Later {
    /// Which request it is: what [`Answer::Later`](super::Answer::Later) names, if it is put off once more.
    #[must_use]
    pub const fn id(&self) -> RequestId {
        self.of.id
    }
}

/// What it asks for, and of what. Six words, as those.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Wants {
    pub(super) asked: Asked,
    pub(super) max_age: u32,
    pub(super) resource: u32,
    pub(super) method: Code,
    /// Whether it changes the resource, of which somebody may be an observer.
    pub(super) changes: bool,
}

impl<'m, P: Copy> Request<'m, P> {
    /// One that has come whole, to a resource of which nothing is known yet.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    pub(super) fn new(
        message: &'m Message<'m>,
        from: P,
        reason: Reason,
        id: RequestId,
        asked: Asked,
    ) -> Request<'m, P> {
        let (method, accept) = (message.code(), message.accept());
        let later = Later {
            of: Of::whole(id),
            accept,
            wants: Wants { asked, max_age: 60, resource: 0, method, changes: false },
        };
        let body = Bytes { offset: 0, bytes: message.payload(), last: true, size: None };
        Request { message, from, group: false, reason, tail: NO_TAIL, body, later }
    }

    /// Whether a wildcard stands for something of its path.
    pub(super) const fn is_wild<R: Roles>(&self) -> bool {
        R::HAS.wildcards && self.tail != NO_TAIL
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> Code {
        self.later.wants.method
    }

    /// Who asks, or observes.
    #[must_use]
    pub const fn peer(&self) -> P {
        self.from
    }

    /// Whether it has come to a group (RFC 7252 section 8): an error, and an answer without a payload, is not sent.
    #[must_use]
    pub const fn is_group(&self) -> bool {
        self.group
    }

    /// Why the handler is called.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The segments of the path that the wildcards of the route stand for, and all that follow the first of them: decoded,
    /// as they came. None where the route has no wildcard.
    #[must_use]
    pub fn tail(&self) -> Strings<'m> {
        let mut path = self.message.uri_path();
        for _ in 0..self.tail {
            if path.next().is_none() {
                break;
            }
        }
        path
    }

    /// The first of them, if it is UTF-8.
    #[must_use]
    pub fn segment(&self) -> Option<&'m str> {
        self.tail().next()?.ok()
    }

    /// The value of the first argument `name=value` of the query with this name; empty for one without `=`.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&'m str> {
        self.message.uri_query().flatten().find_map(|argument| {
            let rest = argument.strip_prefix(name)?;
            if rest.is_empty() { Some(rest) } else { rest.strip_prefix('=') }
        })
    }

    /// All arguments of the query (RFC 7252 5.10.1).
    #[must_use]
    pub fn queries(&self) -> Strings<'m> {
        self.message.uri_query()
    }

    /// The format that the client accepts (RFC 7252 5.10.4). It is one of the route's, if that names any; of a
    /// notification it is that of the first answer, if this is not the route's usual one.
    #[must_use]
    pub fn accept(&self) -> Option<ContentFormat> {
        if self.reason == Reason::Condition { None } else { self.message.accept() }
    }

    /// The format of the payload (RFC 7252 5.10.3).
    #[must_use]
    pub fn content_format(&self) -> Option<ContentFormat> {
        self.message.content_format()
    }

    /// The bytes of the body that came with this request: all of it, unless the route takes
    /// [uploads](super::Route::uploads).
    #[must_use]
    pub const fn payload(&self) -> &'m [u8] {
        self.body.bytes
    }

    /// Where they belong in the body, in bytes from its start. A piece at 0 begins anew, whatever came before it.
    #[must_use]
    pub const fn offset(&self) -> u32 {
        self.body.offset
    }

    /// Whether the body ends with them. A handler keeps what is not the last piece, acts on the last one, and answers each:
    /// of the answer to one that is not the last, only an error is sent.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.body.last
    }

    /// How large the client has said that the body is, in bytes (Size1). An estimate.
    #[must_use]
    pub const fn size(&self) -> Option<u32> {
        self.body.size
    }

    /// Which of several bodies that come at the same time this is a piece of. `None`: it has come whole.
    /// [`Output::Broken`](crate::endpoint::Output::Broken) tells of one that ends without its last piece.
    #[must_use]
    pub const fn transfer(&self) -> Option<TransferId> {
        self.later.of.transfer
    }

    /// To answer it by, later: a handler keeps it, and gives [`Answer::Later`](super::Answer::Later). Where nobody has
    /// asked it is stale.
    #[must_use]
    #[inline]
    pub const fn later(&self) -> Later {
        let Later { of, accept, wants } = &self.later;
        Later { of: *of, accept: *accept, wants: *wants }
    }

    /// Which request it is: what [`Answer::Later`](super::Answer::Later) names.
    #[must_use]
    pub const fn id(&self) -> RequestId {
        self.later.of.id
    }

    /// The message, for whatever else it says. Of a notification it is what is kept of the registration: the path below a
    /// wildcard, Uri-Query and Accept, if it had any of them.
    #[must_use]
    pub const fn message(&self) -> &'m Message<'m> {
        self.message
    }
}
