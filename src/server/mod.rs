//! Resources and the server: a table of paths and handlers, and all that RFC 7252 has a server say by itself.
//!
//! What it guarantees: a handler is called for what it can answer, once for each request, and again only by GET and FETCH,
//! which change nothing; whatever the RFCs let a server say without it, it does not see; nothing is allocated, and the
//! answer is written where it is sent from.
//!
//! A resource is a path and a function for each of its methods. What it works on, `S`, is the application's, and is lent
//! with each call, so that all resources share it:
//!
//! ```
//! use coaplet::endpoint::{Arrival, Output};
//! use coaplet::server::{Answer, Error, Reply, Request, Route};
//! use coaplet::{Code, Config, Endpoint, Fixed, Instant, Server};
//!
//! struct House { lamp: bool }
//!
//! fn lamp(house: &mut House, _: &Request<u8>, reply: Reply) -> Result<Answer, Error> {
//!     Ok(reply.text(if house.lamp { "on" } else { "off" }))
//! }
//!
//! fn switch(house: &mut House, request: &Request<u8>, reply: Reply) -> Result<Answer, Error> {
//!     house.lamp = match request.payload() {
//!         b"on" => true,
//!         b"off" => false,
//!         _ => return Err(Error::new(Code::BAD_REQUEST, "on or off")),
//!     };
//!     Ok(reply.done())
//! }
//!
//! static ROUTES: [Route<House, u8>; 1] = [Route::new("lamp").get(lamp).put(switch).observable().rt("light")];
//!
//! let endpoint = Endpoint::new(Config::DEFAULT.serving(), [7; 16], Fixed::<u8, 4, 8, 512, 4>::new());
//! let mut server = Server::new(endpoint, &ROUTES);
//! let (mut house, now, mut tx) = (House { lamp: false }, Instant::ZERO, [0; 256]);
//!
//! // Somebody observes the lamp, and somebody else switches it on.
//! let observe = b"\x41\x01\x00\x01\x4a\x60\x54lamp";
//! let input = server.handle(&mut house, now, 1, Arrival::Unicast, observe, &mut tx);
//! assert!(tx[..input.reply.unwrap().len].ends_with(b"off"));
//! let put = b"\x41\x03\x00\x02\x4b\xb4lamp\xffon";
//! let input = server.handle(&mut house, now, 2, Arrival::Unicast, put, &mut tx);
//! assert_eq!(tx[1], Code::CHANGED.to_byte());
//! assert!(input.reply.is_some() && house.lamp);
//!
//! // That is a change, of which observers are told: GET is asked again.
//! let Output::Send(notification) = server.poll(&mut house, now, &mut tx) else { panic!() };
//! assert!(notification.to == 1 && tx[..notification.len].ends_with(b"on"));
//! ```
//!
//! # Which call follows which
//!
//! As for the [endpoint](crate::endpoint#which-call-follows-which): what [`handle`](Server::handle) and
//! [`poll`](Server::poll) give out is sent before `tx` is used again; `poll` is called after each other call, and at the
//! time that the last [`Output::Idle`] named. Only that there are no requests to answer and no observers to tell: the
//! handlers do. [`Server::endpoint`] has the verbs for requests of the application's own, whose responses `handle` gives out.
//!
//! A handler that cannot answer yet keeps [`Request::later`] and gives [`Answer::Later`]; the answer is then written by
//! [`Server::complete`]. When a resource changes other than by a request, [`Server::notify`].
//!
//! # What is said by itself
//!
//! Of this table, with the handlers that one would expect; `notes/a` exists, and the name `house.example` is ours:
//!
//! ```text
//! Route::new("lamp").get(lamp).put(switch).observable().rt("light").formats(TEXT).takes(TEXT).max_age(10).group()
//! Route::new("notes").post(new_note).title("Post one")
//! Route::new("notes/*").get(note).put(put_note).delete(delete_note)
//! Route::new("manual").get(manual).size(100)
//! Route::new("image").put(image).uploads(64)
//! Route::new("slow").get(slow).hidden()
//! ```
//!
//! A test sends each request to a server that has just begun, and compares. In brackets the section of RFC 7252.
//!
#![doc = include_str!("answers.md")]
//!
//! What else it sees to:
//!
//! - A duplicate gets the same answer, without a handler (4.5). Where the arena has no room to keep the answer to a GET or
//!   FETCH, it is asked again.
//! - An observer is told what GET gives for what it registered with: the path below a wildcard, Uri-Query, Accept, and the
//!   payload of a FETCH are kept in the arena of the store, up to 128 bytes. A registration that does not fit is answered
//!   as a plain GET (RFC 7641 4.1). One of a plain path in the usual format takes nothing there.
//! - A notification in another Content-Format than the first answer is the last one: 4.06 (RFC 7641 4.2); so is what GET
//!   gives as an error.
//! - POST, PUT, PATCH, iPATCH and DELETE that end in success are a change of what they are asked of, if that can be
//!   observed.
//! - Answers are sent in blocks where they must be, or are asked for so, and bodies are taken in blocks by who
//!   [wants them](Route::uploads).
//! - What a handler writes that is no message, such as an option in a wrong place or too much for `tx`, becomes 5.00.
//!
//! Each of this is left out of an image that does not have the [ability](crate::endpoint::Abilities): `discovery`, `listers`,
//! `wildcards`, `objects`, `conditions`, `negotiation`, `own_names`, `problems`, `diagnostics`, `observe`, `kept_options`,
//! `transfers`, `multicast`.
//!
//! | for | look in |
//! |---|---|
//! | the table, paths and templates | `table.rs`, `route.rs` |
//! | what a handler sees, and where it writes | `request.rs`, `reply.rs`, `error.rs` |
//! | which answer a request gets, and what observers are told | `answer.rs` |
//! | `/.well-known/core`; names of ours | `discovery.rs`, `proxy.rs` |
//! | how a server ends | `stop.rs` |
//! | what all this says | `answers.md` |

mod answer;
mod discovery;
mod error;
mod proxy;
mod reply;
mod request;
mod route;
mod stop;
mod table;

pub use discovery::Listing;
pub use error::Error;
pub use reply::{Answer, Done, Reply};
pub use request::{Later, Reason, Request};
pub use route::{Handler, Lister, Object, Resource, Route};

use crate::block::Settings;
use crate::endpoint::{
    Arrival, ClientResponse, Endpoint, Meaning, Output, RequestId, ResourceId, RespondError, Roles, Transmit, Unmade,
};
use crate::reliability::Counter;
use crate::roles::Full;
use crate::store::Store;
use crate::time::Instant;
use crate::wire::{Code, Message, path_segments};
use answer::{Answerer, Answering, Made};
use core::borrow::BorrowMut;
use core::fmt;
use core::marker::PhantomData;
use proxy::Proxied;
use reply::Terms;
use request::Wants;
use route::fit;
use table::{Found, Table};

/// How many observers in a row `poll` passes over that are not sent anything now.
const STEPS: u32 = 16;

/// A server: an endpoint, and a table of resources over a state of the application's, `S`. The docs of the
/// [module](self) have a whole one.
///
/// The endpoint is the server's own, or lies elsewhere: `E` is `&mut Endpoint` then. In firmware that is a `static` of
/// zeros, of which the compiler knows the address.
///
/// It may be sent to another thread, unless it has [objects](Server::with_objects), of type `D`, that may not.
pub struct Server<
    'r,
    S,
    St: Store,
    R = Full,
    E = Endpoint<St, R>,
    D: ?Sized = dyn Resource<S, <St as Store>::Peer> + Send + 'r,
> {
    endpoint: E,
    table: Table<'r, S, St::Peer, D>,
    settings: Settings,
    roles: PhantomData<fn() -> R>,
}

/// A request, where it lies.
struct Incoming<'m, P> {
    id: RequestId,
    from: P,
    arrival: Arrival,
    message: &'m Message<'m>,
}

/// What [`Server::handle`] made of a datagram.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "the reply is to be sent, and the response to be looked at"]
pub struct Input<'d, P> {
    /// What is to be sent, already in `tx`: before `tx` is used again.
    pub reply: Option<Transmit<P>>,
    /// A response to a request of the application's own.
    pub response: Option<ClientResponse<'d, P>>,
}

impl<'r, S, St: Store, R: Roles, E: BorrowMut<Endpoint<St, R>>> Server<'r, S, St, R, E> {
    /// A server over an endpoint, whose configuration is one for [serving](crate::Config::serving); or over one that lies
    /// elsewhere:
    ///
    /// ```
    /// use coaplet::server::{Answer, Error, Reply, Request, Route};
    /// use coaplet::{Config, Endpoint, Fixed, Server};
    ///
    /// fn temperature(_: &mut (), _: &Request<u8>, reply: Reply) -> Result<Answer, Error> {
    ///     Ok(reply.text("21.5"))
    /// }
    ///
    /// let routes = [Route::new("temp").get(temperature)];
    /// let mut endpoint = Endpoint::new(Config::DEFAULT.serving(), [7; 16], Fixed::<u8, 4, 8, 512>::new());
    /// let server = Server::new(&mut endpoint, &routes);
    /// # let _: Server<(), _, _, _> = server;
    /// ```
    #[must_use]
    pub const fn new(endpoint: E, routes: &'r [Route<S, St::Peer>]) -> Server<'r, S, St, R, E> {
        let table = Table { routes, objects: &mut [], names: &[] };
        Server { endpoint, table, settings: Settings::DEFAULT, roles: PhantomData }
    }
}

impl<'r, S, St: Store, R: Roles, E: BorrowMut<Endpoint<St, R>>, D: Resource<S, St::Peer> + ?Sized>
    Server<'r, S, St, R, E, D>
{
    /// With resources that are objects, behind those of the table:
    ///
    /// ```
    /// use coaplet::server::{Answer, Error, Reply, Request, Resource, Route};
    /// use coaplet::{Config, Endpoint, Fixed, Server};
    ///
    /// struct Counter(u32);
    /// struct Lamp(bool);
    ///
    /// impl Resource<(), u8> for Counter {
    ///     fn post(&mut self, _: &mut (), _: &Request<u8>, reply: Reply) -> Result<Answer, Error> {
    ///         self.0 += 1;
    ///         Ok(reply.done())
    ///     }
    /// }
    ///
    /// impl Resource<(), u8> for Lamp {
    ///     fn get(&mut self, _: &mut (), _: &Request<u8>, reply: Reply) -> Result<Answer, Error> {
    ///         Ok(reply.text(if self.0 { "on" } else { "off" }))
    ///     }
    /// }
    ///
    /// let (mut counter, mut lamp) = (Counter(0), Lamp(false));
    /// let mut objects = [Route::new("counter").object(&mut counter), Route::new("lamp").object(&mut lamp)];
    /// let endpoint = Endpoint::new(Config::DEFAULT.serving(), [7; 16], Fixed::<u8, 4, 8, 512>::new());
    /// let server = Server::new(endpoint, &[]).with_objects(&mut objects);
    /// # let _ = server;
    /// ```
    ///
    /// Does not compile for roles without
    /// [`objects`](crate::Abilities::objects):
    ///
    /// ```compile_fail
    /// use coaplet::endpoint::ServerMin;
    /// use coaplet::server::Object;
    /// use coaplet::{Endpoint, Fixed, Server};
    ///
    /// let endpoint = Endpoint::<_, ServerMin>::of_roles([7; 16], Fixed::<u8, 4, 8, 512>::new());
    /// let mut none: [Object<(), u8>; 0] = [];
    /// let server = Server::new(endpoint, &[]).with_objects(&mut none);
    /// ```
    #[must_use]
    pub fn with_objects<O: Resource<S, St::Peer> + ?Sized>(
        self,
        objects: &'r mut [Object<'r, S, St::Peer, O>],
    ) -> Server<'r, S, St, R, E, O> {
        const { assert!(R::HAS.objects, "these roles leave objects out: give them `objects`") };
        let Server { endpoint, table: Table { routes, names, .. }, settings, roles } = self;
        Server { endpoint, table: Table { routes, objects, names }, settings, roles }
    }

    /// With names by which it knows itself in Proxy-Uri, and in Uri-Host beside Proxy-Scheme: `host` or `host:port`, as in
    /// a URI of the scheme `coap`.
    #[must_use]
    pub fn with_names(mut self, names: &'r [&'r str]) -> Self {
        self.table.names = names;
        self
    }

    /// With other sizes of blocks and messages: [`Settings::for_messages_of`].
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The endpoint, for requests of the application's own, and for whatever else it can do.
    pub fn endpoint(&mut self) -> &mut Endpoint<St, R> {
        self.endpoint.borrow_mut()
    }

    /// Takes in a datagram, as [`Endpoint::handle`], and answers it if it is a request.
    ///
    /// `tx` is as long as the longest message that is sent: 1152 bytes unless other
    /// [settings](Server::with_settings) are made.
    pub fn handle<'d>(
        &mut self,
        state: &mut S,
        now: Instant,
        from: St::Peer,
        arrival: Arrival,
        datagram: &'d [u8],
        tx: &mut [u8],
    ) -> Input<'d, St::Peer> {
        // As the endpoint does it, but that the message stays where it is.
        let engine = self.endpoint().at(now);
        engine.count(Counter::Received);
        let (mut reply, mut response) = (None, None);
        match Message::parse(datagram) {
            Ok(message) => match engine.take(from, arrival, &message, tx, &mut reply) {
                Meaning::Nothing => {}
                Meaning::Request(id) => {
                    let request = Incoming { id, from, arrival, message: &message };
                    return Input { reply: self.request(state, &request, tx), response };
                }
                Meaning::Response(what) => response = Some(what.with(from, message)),
            },
            Err(error) => reply = engine.malformed(arrival, error, tx),
        }
        engine.count_sent(reply.is_some());
        Input { reply: reply.map(|len| Transmit { to: from, len }), response }
    }

    /// What is due, as [`Endpoint::poll`]; observers are told by the handlers, so that there is no
    /// [`Output::Notify`].
    pub fn poll(&mut self, state: &mut S, now: Instant, tx: &mut [u8]) -> Output<St::Peer> {
        for _ in 0..STEPS {
            match self.endpoint().poll(now, tx) {
                Output::Notify(notify) if R::HAS.observe => {
                    if let Some(sent) = self.tell(state, notify, tx) {
                        return Output::Send(sent);
                    }
                }
                output => return output,
            }
        }
        Output::Idle(Some(now))
    }

    /// What is under this path has changed: its observers are told by the following calls of [`poll`](Server::poll).
    /// False if nobody observes it. A path such as `sensors/temp`, not a template, and not percent-encoded.
    ///
    /// It takes as long as it takes to find the path in the table; where that counts, `server.endpoint().notify(resource)`,
    /// with the [`resource`](Server::resource) asked for once.
    pub fn notify(&mut self, path: &str) -> bool {
        self.resource(path).is_some_and(|resource| self.endpoint().notify(resource))
    }

    /// By what the [endpoint](Server::endpoint) knows what is under this path: for [`Endpoint::notify`] without looking for
    /// the path, and for [`Endpoint::end_observers`]. `None`: nothing in the table fits it.
    ///
    /// Of a route without wildcards it is the place in the table, from 0 on: so who knows that needs no look-up, and links
    /// none.
    ///
    /// ```
    /// use coaplet::endpoint::ResourceId;
    /// use coaplet::server::{Answer, Error, Reply, Request, Route};
    /// use coaplet::{Config, Endpoint, Fixed, Server};
    ///
    /// fn get(_: &mut (), _: &Request<u8>, reply: Reply) -> Result<Answer, Error> {
    ///     Ok(reply.text("21.5"))
    /// }
    ///
    /// /// The second one of these.
    /// const HUMIDITY: ResourceId = ResourceId(1);
    ///
    /// let routes = [Route::new("temp").get(get), Route::new("humidity").get(get).observable()];
    /// let endpoint = Endpoint::new(Config::DEFAULT.serving(), [7; 16], Fixed::<u8, 4, 8, 512, 2>::new());
    /// let mut server = Server::new(endpoint, &routes);
    /// assert_eq!(server.resource("humidity"), Some(HUMIDITY));
    /// assert!(!server.endpoint().notify(HUMIDITY), "nobody observes it");
    /// # let _: &Server<(), _, _> = &server;
    /// ```
    #[must_use]
    pub fn resource(&self, path: &str) -> Option<ResourceId> {
        let (Found { index, fit }, _) =
            self.table.fits::<R>(&mut |template| fit::<R>(template, &mut path_segments(path)))?;
        Some(fit.resource::<R>(index))
    }

    /// Answers a request that was put off: `handler` writes the answer, or an error. If it gives [`Answer::Later`], the
    /// request is still put off. `None`: nothing is to be sent, or not now, as of [`Endpoint::respond`].
    ///
    /// ```
    /// use coaplet::endpoint::Arrival;
    /// use coaplet::server::{Answer, Error, Later, Reply, Request, Route};
    /// use coaplet::{Config, Endpoint, Fixed, Instant, Server};
    ///
    /// fn measure(waiting: &mut Option<Later>, request: &Request<u8>, _: Reply) -> Result<Answer, Error> {
    ///     *waiting = Some(request.later());
    ///     Ok(Answer::Later(request.id()))
    /// }
    ///
    /// let routes = [Route::new("temp").get(measure)];
    /// let endpoint = Endpoint::new(Config::DEFAULT.serving(), [7; 16], Fixed::<u8, 4, 8, 512>::new());
    /// let mut server = Server::new(endpoint, &routes);
    /// let (mut waiting, now, mut tx) = (None, Instant::ZERO, [0; 256]);
    /// let get = b"\x41\x01\x00\x01\x4a\xb4temp";
    /// assert!(server.handle(&mut waiting, now, 1, Arrival::Unicast, get, &mut tx).reply.is_none());
    ///
    /// // The measurement is there.
    /// let sent = server.complete(now, &waiting.unwrap(), &mut tx, |reply| Ok(reply.text("21.5")))?;
    /// assert!(tx[..sent.unwrap().len].ends_with(b"21.5"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::respond`].
    pub fn complete(
        &mut self,
        now: Instant,
        later: &Later,
        tx: &mut [u8],
        handler: impl FnOnce(Reply<'_, '_>) -> Result<Answer, Error>,
    ) -> Result<Option<Transmit<St::Peer>>, RespondError> {
        self.complete_by(now, later, tx, &mut Once(Some(handler))).map_err(|unmade| unmade.error(now))
    }

    /// There is one of it for each server, however many answers come late.
    fn complete_by(
        &mut self,
        now: Instant,
        later: &Later,
        tx: &mut [u8],
        handler: &mut dyn Answerer,
    ) -> Result<Option<Transmit<St::Peer>>, Unmade> {
        let Server { endpoint, settings, .. } = self;
        let mut answering = Answering::<R>::new(Terms { later, settings, etags: None }, handler);
        let engine = endpoint.borrow_mut().at(now);
        let made = engine.respond_any(Some(&later.of), 0, None, tx, &mut answering);
        engine.count_made(&made);
        let Made { code, put_off, .. } = answering.made;
        match made {
            Err(_) if put_off => Ok(None),
            Ok(sent) => {
                self.carried_out(&later.wants, code);
                Ok(sent)
            }
            error => error,
        }
    }

    /// A request was answered with this code, of what may have changed by it.
    fn carried_out(&mut self, &Wants { resource, changes, .. }: &Wants, code: Code) {
        if changes && code.is_success() && code != Code::CONTINUE {
            self.endpoint().notify(ResourceId(resource));
        }
    }

    fn request(
        &mut self,
        state: &mut S,
        request: &Incoming<'_, St::Peer>,
        tx: &mut [u8],
    ) -> Option<Transmit<St::Peer>> {
        let message = request.message;
        match Proxied::of::<R>(message, self.table.names) {
            Proxied::No => self.answer(state, request, message, None, tx),
            Proxied::Refused => {
                let refused = Some(Code::PROXYING_NOT_SUPPORTED);
                self.answer(state, request, message, refused, tx)
            }
            Proxied::Ours(uri) => self.answer_proxied(state, request, uri, tx),
        }
    }
}

impl<S, St: Store, R, E, D: ?Sized> fmt::Debug for Server<'_, S, St, R, E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Table { routes, objects, .. } = &self.table;
        f.debug_struct("Server").field("routes", routes).field("objects", objects).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<S, St: Store, R, E, D: ?Sized> defmt::Format for Server<'_, S, St, R, E, D> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Server({})", self.table.routes);
    }
}

/// A handler that is called once.
struct Once<F>(Option<F>);

impl<F: FnOnce(Reply<'_, '_>) -> Result<Answer, Error>> Answerer for Once<F> {
    fn answer(&mut self, reply: Reply<'_, '_>) -> Result<Answer, Error> {
        match self.0.take() {
            Some(handler) => handler(reply),
            None => Err(Error::from(Code::INTERNAL_SERVER_ERROR)),
        }
    }
}

// `defmt::Format` on every public type, said once more for the compiler to check.
#[cfg(feature = "defmt")]
const _: fn() = || {
    fn format<T: defmt::Format>() {}
    let _ = [
        format::<Answer>,
        format::<Done>,
        format::<Error>,
        format::<Input<'_, u8>>,
        format::<Later>,
        format::<Listing<'_>>,
        format::<Object<'_, (), u8>>,
        format::<Reason>,
        format::<Reply<'_, '_>>,
        format::<Request<'_, u8>>,
        format::<Route<(), u8>>,
        format::<Server<'_, (), crate::Fixed<u8, 1, 1, 0>>>,
    ];
};
