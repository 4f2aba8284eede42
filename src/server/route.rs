//! The table of resources: paths, what is said of them, and who answers.

use super::request::NO_TAIL;
use super::{Answer, Error, Listing, Reply, Request};
use crate::endpoint::ResourceId;
use crate::roles::Roles;
use crate::wire::{Code, ContentFormat, same};
use core::fmt;
use core::marker::PhantomData;
use core::net::SocketAddr;

/// Answers one method of a resource: with the application's state, what is asked, and where the answer is written.
pub type Handler<S, P = SocketAddr> = fn(&mut S, &Request<'_, P>, Reply<'_, '_>) -> Result<Answer, Error>;

/// Tells of what there is below a wildcard.
pub type Lister<S> = fn(&mut S, &mut Listing<'_>);

/// How many handlers a route may have: one for each method, and one for later blocks.
pub(super) const METHODS: usize = 8;
/// The place of the one for later blocks.
pub(super) const REST: usize = 7;

/// A resource in a table: its path, what discovery says of it, and a handler for each method that it has. Of those that
/// it has not the server says 4.05.
///
/// The path is a template: segments as they are, not percent-encoded, separated by `/`. A segment `*` stands for any one
/// that is not empty, `**` at the end for all that follow, also none. What these stand for is in
/// [`Request::tail`]. Of the routes that a path fits the first one in the table is taken.
///
/// ```
/// use coaplet::server::{Answer, Error, Reply, Request, Route};
/// use coaplet::{Code, ContentFormat};
///
/// struct House { lamp: bool }
///
/// fn lamp(house: &mut House, _: &Request, reply: Reply) -> Result<Answer, Error> {
///     Ok(reply.text(if house.lamp { "on" } else { "off" }))
/// }
///
/// fn switch(house: &mut House, request: &Request, reply: Reply) -> Result<Answer, Error> {
///     house.lamp = match request.payload() {
///         b"on" => true,
///         b"off" => false,
///         _ => return Err(Error::new(Code::BAD_REQUEST, "on or off")),
///     };
///     Ok(reply.done())
/// }
///
/// static ROUTES: [Route<House>; 1] = [Route::new("lamp").get(lamp).put(switch).observable()
///     .rt("light").interface("actuator").formats(&[ContentFormat::TEXT_PLAIN]).title("The lamp in the hall")];
/// # let _ = &ROUTES;
/// ```
pub struct Route<S, P = SocketAddr> {
    pub(super) about: About,
    pub(super) methods: [Option<Handler<S, P>>; METHODS],
    pub(super) lister: Option<Lister<S>>,
}

/// What is said of a resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub(super) path: &'static str,
    pub(super) rt: &'static str,
    pub(super) interface: &'static str,
    pub(super) title: &'static str,
    pub(super) formats: &'static [ContentFormat],
    pub(super) takes: &'static [ContentFormat],
    /// [`UNKNOWN`], unless it is said.
    pub(super) size: u32,
    pub(super) max_age: u32,
    pub(super) max_body: u32,
    /// How many bytes of the path are in front of the first wildcard; all, if it has none.
    front: u16,
    pub(super) told: Told,
    /// Bits.
    marks: u8,
}

/// In the place of a size.
pub(super) const UNKNOWN: u32 = u32::MAX;

/// How observers are told of a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Told {
    /// There are none.
    Never,
    Confirmable,
    Non,
}

/// It is not listed.
const HIDDEN: u8 = 1;
/// Groups may ask for it.
const GROUP: u8 = 2;
/// There is a wildcard in its path.
const PATTERN: u8 = 4;

impl About {
    /// Whether there is a wildcard in its path.
    pub(super) const fn is_wild(&self) -> bool {
        self.marks & PATTERN != 0
    }

    /// What is in front of the first wildcard.
    pub(super) fn front(&self) -> &[u8] {
        self.path.as_bytes().get(..usize::from(self.front)).unwrap_or_default()
    }

    pub(super) fn is_observable(&self) -> bool {
        self.told != Told::Never
    }

    pub(super) const fn is_hidden(&self) -> bool {
        self.marks & HIDDEN != 0
    }

    pub(super) const fn is_for_groups(&self) -> bool {
        self.marks & GROUP != 0
    }
}

/// How many bytes of a template are in front of its first wildcard.
const fn front(template: &[u8]) -> usize {
    let mut left = template;
    // Each turn begins at a segment.
    loop {
        if let [b'*'] | [b'*', b'*'] | [b'*', b'/', ..] | [b'*', b'*', b'/', ..] = left {
            return template.len().wrapping_sub(left.len());
        }
        loop {
            match left {
                [] => return template.len(),
                [b'/', rest @ ..] => {
                    left = rest;
                    break;
                }
                [_, rest @ ..] => left = rest,
            }
        }
    }
}

macro_rules! methods {
    ($($name:ident $index:literal $what:literal;)*) => {
        $(
            #[doc = concat!("Answers ", $what, ".")]
            #[must_use]
            pub const fn $name(mut self, handler: Handler<S, P>) -> Route<S, P> {
                self.methods[$index] = Some(handler);
                self
            }
        )*
    };
}

impl<S, P> Route<S, P> {
    /// A resource under this path, or all of those that fit it. A leading `/` makes no difference.
    #[must_use]
    pub const fn new(path: &'static str) -> Route<S, P> {
        let front = front(path.as_bytes());
        let about = About {
            path,
            rt: "",
            interface: "",
            title: "",
            formats: &[],
            takes: &[],
            size: UNKNOWN,
            max_age: 60,
            max_body: 0,
            // No message has a path that is longer.
            front: if front < u16::MAX as usize { front as u16 } else { u16::MAX },
            told: Told::Never,
            marks: if front < path.len() { PATTERN } else { 0 },
        };
        Route { about, methods: [None; METHODS], lister: None }
    }

    methods! {
        get 0 "GET (RFC 7252 5.8.1). It changes nothing, and may be called at any time: for notifications, and to learn whether there is something and which ETag it has";
        post 1 "POST (5.8.2)";
        put 2 "PUT (5.8.3)";
        delete 3 "DELETE (5.8.4)";
        fetch 4 "FETCH (RFC 8132 2): a GET with a body";
        patch 5 "PATCH (RFC 8132 3)";
        ipatch 6 "iPATCH (RFC 8132 3)";
        rest 7 "requests for later blocks of what POST, PUT, PATCH or iPATCH has answered (RFC 7959 2.7), without doing anything again. Without it they get 4.00";
    }

    /// It can be observed (RFC 7641): when it [changes](super::Server::notify), each observer is sent what GET gives for
    /// it. A request other than GET and FETCH that ends in success counts as a change. Below a wildcard each path is a
    /// resource of its own.
    #[must_use]
    pub const fn observable(mut self) -> Route<S, P> {
        self.about.told = Told::Confirmable;
        self
    }

    /// The same, by Non-confirmable notifications: see [`Notify::non`](crate::endpoint::Notify::non).
    #[must_use]
    pub const fn observable_non(mut self) -> Route<S, P> {
        self.about.told = Told::Non;
        self
    }

    /// Its resource types, with blanks between them: `rt` (RFC 6690 3.1).
    #[must_use]
    pub const fn rt(mut self, types: &'static str) -> Route<S, P> {
        self.about.rt = types;
        self
    }

    /// Its interface descriptions, with blanks between them: `if` (RFC 6690 3.2).
    #[must_use]
    pub const fn interface(mut self, descriptions: &'static str) -> Route<S, P> {
        self.about.interface = descriptions;
        self
    }

    /// What it is for a person: `title`.
    #[must_use]
    pub const fn title(mut self, title: &'static str) -> Route<S, P> {
        self.about.title = title;
        self
    }

    /// In which formats GET and FETCH answer, the usual one first: `ct` (RFC 7252 7.2.1). A request that accepts none of
    /// them gets 4.06. Without any all that is known is what the answer has.
    #[must_use]
    pub const fn formats(mut self, formats: &'static [ContentFormat]) -> Route<S, P> {
        self.about.formats = formats;
        self
    }

    /// In which formats it takes a body. A request with another one gets 4.15. Without any: in all.
    #[must_use]
    pub const fn takes(mut self, formats: &'static [ContentFormat]) -> Route<S, P> {
        self.about.takes = formats;
        self
    }

    /// How large what GET gives is at most, in bytes: `sz` (RFC 6690 3.3).
    #[must_use]
    pub const fn size(mut self, bytes: u32) -> Route<S, P> {
        self.about.size = bytes;
        self
    }

    /// For how many seconds what GET gives is fresh: Max-Age (RFC 7252 5.10.5), unless the handler writes another one.
    /// 60.
    #[must_use]
    pub const fn max_age(mut self, seconds: u32) -> Route<S, P> {
        self.about.max_age = seconds;
        self
    }

    /// It takes bodies in blocks (RFC 7959 2.5), of at most so many bytes in all: a handler is called with each piece, in
    /// order, and acts on the last: If-Match and If-None-Match are looked at with each, and are to find the resource as it
    /// was. Without it a body of more than one block gets 4.13.
    #[must_use]
    pub const fn uploads(mut self, max_body: u32) -> Route<S, P> {
        self.about.max_body = max_body;
        self
    }

    /// It may be asked by groups (RFC 7252 section 8): without it such a request is not heard, as RFC 7390 2.7 advises.
    /// Nobody is sent an error then, nor an answer without a payload, unless the client wants it (RFC 7967).
    #[must_use]
    pub const fn group(mut self) -> Route<S, P> {
        self.about.marks |= GROUP;
        self
    }

    /// Discovery does not list it. What has a wildcard it does not list in any case.
    #[must_use]
    pub const fn hidden(mut self) -> Route<S, P> {
        self.about.marks |= HIDDEN;
        self
    }

    /// What discovery lists in the place of a path with a wildcard at its end. Roles may leave it out
    /// ([`Abilities::listers`](crate::Abilities::listers)).
    #[must_use]
    pub const fn listing(mut self, lister: Lister<S>) -> Route<S, P> {
        self.lister = Some(lister);
        self
    }

    /// With an object that answers, in the place of handlers: for [`Server::with_objects`](super::Server::with_objects). One
    /// that must stay in its thread goes by [`object_of`](Route::object_of).
    #[must_use]
    pub const fn object<'r>(self, resource: &'r mut (dyn Resource<S, P> + Send + 'r)) -> Object<'r, S, P> {
        self.object_of(resource)
    }

    /// As [`object`](Route::object), of a type that is kept: of one that all objects have, so that they are called directly;
    /// or of `dyn Resource<S, P>`, for objects that must stay in their thread, and the server with them.
    ///
    /// ```
    /// use coaplet::server::{Answer, Error, Object, Reply, Request, Resource, Route};
    /// use std::{cell::Cell, rc::Rc};
    ///
    /// struct Counter(Rc<Cell<u32>>);
    ///
    /// impl Resource<(), u8> for Counter {
    ///     fn post(&mut self, _: &mut (), _: &Request<u8>, reply: Reply) -> Result<Answer, Error> {
    ///         self.0.set(self.0.get() + 1);
    ///         Ok(reply.done())
    ///     }
    /// }
    ///
    /// let mut counter = Counter(Rc::default());
    /// let objects: [Object<(), u8, dyn Resource<(), u8>>; 1] = [Route::new("counter").object_of(&mut counter)];
    /// # let _ = objects;
    /// ```
    #[must_use]
    pub const fn object_of<D: Resource<S, P> + ?Sized>(self, resource: &mut D) -> Object<'_, S, P, D> {
        Object { about: self.about, resource, of: PhantomData }
    }
}

impl<S, P> fmt::Debug for Route<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("path", &self.about.path).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<S, P> defmt::Format for Route<S, P> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Route({})", self.about.path);
    }
}

macro_rules! resource {
    ($($name:ident $what:literal;)*) => {
        /// A resource that is an object: what a [`Route`] has handlers for, as methods. Each is 4.05 unless it is written.
        ///
        /// ```
        /// use coaplet::server::{Answer, Error, Reply, Request, Resource, Route};
        ///
        /// struct Counter { count: u32 }
        ///
        /// impl<S> Resource<S> for Counter {
        ///     fn post(&mut self, _: &mut S, _: &Request, reply: Reply) -> Result<Answer, Error> {
        ///         self.count += 1;
        ///         Ok(reply.done())
        ///     }
        /// }
        ///
        /// let mut counter = Counter { count: 0 };
        /// let objects = [Route::<()>::new("counter").object(&mut counter)];
        /// # let _ = objects;
        /// ```
        pub trait Resource<S, P = SocketAddr> {
            $(
                #[doc = concat!("Answers ", $what, ".")]
                ///
                /// # Errors
                ///
                /// What the answer is then.
                fn $name(&mut self, state: &mut S, request: &Request<'_, P>, reply: Reply<'_, '_>) -> Result<Answer, Error> {
                    let _ = (state, request, reply);
                    Err(Error::from(Code::METHOD_NOT_ALLOWED))
                }
            )*
        }

        /// What an object answers a method with, by the number of that.
        pub(super) fn call<S, P, D: Resource<S, P> + ?Sized>(
            resource: &mut D,
            method: usize,
            state: &mut S,
            request: &Request<'_, P>,
            reply: Reply<'_, '_>,
        ) -> Result<Answer, Error> {
            let mut number = 0;
            $(
                if method == number {
                    return resource.$name(state, request, reply);
                }
                number += 1;
            )*
            let _ = number;
            Err(Error::from(Code::METHOD_NOT_ALLOWED))
        }
    };
}

resource! {
    get "GET, as [`Route::get`]";
    post "POST";
    put "PUT";
    delete "DELETE";
    fetch "FETCH";
    patch "PATCH";
    ipatch "iPATCH";
    rest "requests for later blocks of an answer, as [`Route::rest`]";
}

/// An object under a path: made by [`Route::object`], any [`Resource`] that may be sent to another thread; or by
/// [`Route::object_of`], of another type `D`.
pub struct Object<'r, S, P = SocketAddr, D: ?Sized = dyn Resource<S, P> + Send + 'r> {
    pub(super) about: About,
    pub(super) resource: &'r mut D,
    pub(super) of: PhantomData<fn(&mut S, P)>,
}

impl<S, P, D: ?Sized> fmt::Debug for Object<'_, S, P, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("path", &self.about.path).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<S, P, D: ?Sized> defmt::Format for Object<'_, S, P, D> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Object({})", self.about.path);
    }
}

/// A path that fits a template.
#[derive(Clone, Copy)]
pub(super) struct Fit {
    /// How many segments are in front of the first one that a wildcard stands for; [`NO_TAIL`], if there is no wildcard.
    pub(super) tail: usize,
    /// A hash of what the wildcards stand for, with the highest bit set; 0 without wildcard.
    hash: u32,
}

impl Fit {
    /// Of a path that is what the template is.
    pub(super) const PLAIN: Fit = Fit { tail: NO_TAIL, hash: 0 };

    pub(super) const fn is_wild<R: Roles>(&self) -> bool {
        R::HAS.wildcards && self.tail != NO_TAIL
    }

    /// By what the endpoint knows the resource: a route is its place in the table, and below a wildcard each path has a
    /// number of its own.
    // A peer can find paths of one number: they are told of changes of each other, which does no harm.
    pub(super) fn resource<R: Roles>(&self, index: usize) -> ResourceId {
        ResourceId(if R::HAS.wildcards { self.hash } else { 0 } ^ index as u32)
    }

    /// A wildcard stands for what follows so many segments.
    fn begin(&mut self, segments: usize) {
        if self.hash == 0 {
            *self = Fit { tail: segments, hash: FNV };
        }
    }

    /// It stands for this segment, behind which the hash has a byte that stands in none.
    fn add(&mut self, segment: &[u8]) {
        self.hash = fnv(segment.iter().fold(self.hash, fnv), &0xff) | WILD;
    }
}

/// Set where a wildcard stands for something.
const WILD: u32 = 1 << 31;

/// Where the hash FNV-1a begins.
pub(super) const FNV: u32 = 0x811c_9dc5;

/// A step of FNV-1a.
pub(super) fn fnv(hash: u32, byte: &u8) -> u32 {
    (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
}

/// Whether a path fits a template.
pub(super) fn fit<R: Roles>(template: &str, path: &mut dyn Iterator<Item = &[u8]>) -> Option<Fit> {
    let (mut fit, mut segments) = (Fit::PLAIN, 0_usize);
    for expected in crate::wire::path_segments(template) {
        if R::HAS.wildcards && same(expected, b"**") {
            fit.begin(segments);
            path.for_each(|segment| fit.add(segment));
            return Some(fit);
        }
        let segment = path.next()?;
        if R::HAS.wildcards && same(expected, b"*") && !segment.is_empty() {
            fit.begin(segments);
            fit.add(segment);
        } else if !same(expected, segment) {
            return None;
        }
        segments = segments.wrapping_add(1);
    }
    if path.next().is_some() { None } else { Some(fit) }
}
