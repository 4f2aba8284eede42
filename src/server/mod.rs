//! Resources and the server: a table of paths and handlers, and all that RFC 7252 has a server say by itself.

mod answer;
mod discovery;
mod error;
mod proxy;
mod reply;
mod request;
mod route;

pub use discovery::Listing;
pub use error::Error;
pub use reply::{Answer, Done, Reply};
pub use request::{Later, Reason, Request};
pub use route::{Handler, Lister, Object, Resource, Route};

use crate::block::Settings;
use crate::endpoint::observe::{Keep, Respond};
use crate::endpoint::{
    self, Arrival, ClientResponse, Endpoint, Event, Output, ResourceId, RespondError, Roles, ServerRequest, Transmit,
};
use crate::roles::Full;
use crate::store::Store;
use crate::time::Instant;
use crate::wire::{Code, OptionsOf, WriteError, Writer, path_segments};
use answer::wants_problem;
use core::fmt;
use proxy::Proxied;
use reply::{How, SoFar};
use route::{About, Fit, fit};

/// How many observers in a row `poll` passes over that are not sent anything now.
const STEPS: u32 = 16;

/// A server: an endpoint, and a table of resources over a state of the application's, `S`.
pub struct Server<'r, S, St: Store, R = Full> {
    endpoint: Endpoint<St, R>,
    routes: &'r [Route<S, St::Peer>],
    objects: &'r mut [Object<'r, S, St::Peer>],
    names: &'r [&'r str],
    settings: Settings,
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

impl<'r, S, St: Store, R: Roles> Server<'r, S, St, R> {
    /// A server over an endpoint, whose configuration is one for [serving](crate::Config::serving).
    #[must_use]
    pub const fn new(endpoint: Endpoint<St, R>, routes: &'r [Route<S, St::Peer>]) -> Server<'r, S, St, R> {
        Server { endpoint, routes, objects: &mut [], names: &[], settings: Settings::DEFAULT }
    }

    /// With resources that are objects, behind those of the table.
    #[must_use]
    pub fn with_objects(self, objects: &'r mut [Object<'r, S, St::Peer>]) -> Server<'r, S, St, R> {
        Server { objects, ..self }
    }

    /// With names by which it knows itself in Proxy-Uri, and in Uri-Host beside Proxy-Scheme: `host` or `host:port`, as in
    /// a URI of the scheme `coap`.
    #[must_use]
    pub fn with_names(self, names: &'r [&'r str]) -> Server<'r, S, St, R> {
        Server { names, ..self }
    }

    /// With other sizes of blocks and messages: [`Settings::for_messages_of`].
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Server<'r, S, St, R> {
        Server { settings, ..self }
    }

    /// The endpoint, for requests of the application's own, and for whatever else it can do.
    pub const fn endpoint(&mut self) -> &mut Endpoint<St, R> {
        &mut self.endpoint
    }

    /// Takes in a datagram, and answers it.
    pub fn handle<'d>(
        &mut self,
        state: &mut S,
        now: Instant,
        from: St::Peer,
        arrival: Arrival,
        datagram: &'d [u8],
        tx: &mut [u8],
    ) -> Input<'d, St::Peer> {
        let endpoint::Input { reply, event } = self.endpoint.handle(now, from, arrival, datagram, tx);
        match event {
            Event::Request(request) => Input { reply: self.request(state, now, &request, tx), response: None },
            Event::Response(response) => Input { reply, response: Some(response) },
            Event::Handled => Input { reply, response: None },
        }
    }

    /// What is due, as [`Endpoint::poll`]; observers are told by the handlers, so that there is no
    /// [`Output::Notify`].
    pub fn poll(&mut self, state: &mut S, now: Instant, tx: &mut [u8]) -> Output<St::Peer> {
        for _ in 0..STEPS {
            match self.endpoint.poll(now, tx) {
                Output::Notify(notify) if R::OBSERVE => {
                    if let Some(sent) = self.tell(state, now, notify, tx) {
                        return Output::Send(sent);
                    }
                }
                output => return output,
            }
        }
        Output::Idle(Some(now))
    }

    /// What is under this path has changed: its observers are told by the following calls of [`poll`](Server::poll).
    /// False if nobody observes it.
    pub fn notify(&mut self, path: &str) -> bool {
        self.resource(path).is_some_and(|resource| self.endpoint.notify(resource))
    }

    /// By what the [endpoint](Server::endpoint) knows what is under this path: for [`Endpoint::notify`] without looking for
    /// the path, and for [`Endpoint::end_observers`]. `None`: nothing in the table fits it.
    #[must_use]
    pub fn resource(&self, path: &str) -> Option<ResourceId> {
        let (index, _, fit) = self.fits(&path_segments(path))?;
        Some(fit.resource(index))
    }

    /// Answers a request that was put off.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::respond`].
    pub fn complete(
        &mut self,
        now: Instant,
        later: Later,
        tx: &mut [u8],
        handler: impl FnOnce(Reply<'_, '_>) -> Result<Answer, Error>,
    ) -> Result<Option<Transmit<St::Peer>>, RespondError> {
        let mut completing = Completing {
            handler: Some(handler),
            later,
            settings: &self.settings,
            code: Code::EMPTY,
            put_off: false,
            problem: wants_problem::<R>(later.accept),
        };
        let made = self.endpoint.at(now).reply(later.id, (later.transfer, later.end), None, 0, tx, &mut completing);
        let (code, put_off) = (completing.code, completing.put_off);
        match made {
            Err(_) if put_off => Ok(None),
            Ok(sent) => {
                self.carried_out(&later, code);
                Ok(sent)
            }
            error => error,
        }
    }

    fn abouts(&self) -> impl Iterator<Item = &About> {
        self.routes.iter().map(|route| &route.about).chain(self.objects.iter().map(|object| &object.about))
    }

    /// The first entry of the table that a path fits.
    fn fits<'p, I: Iterator<Item = &'p [u8]> + Clone>(&self, path: &I) -> Option<(usize, &About, Fit)> {
        self.abouts().enumerate().find_map(|(index, about)| Some((index, about, fit(about.path, path.clone())?)))
    }

    fn request(
        &mut self,
        state: &mut S,
        now: Instant,
        request: &ServerRequest<'_, St::Peer>,
        tx: &mut [u8],
    ) -> Option<Transmit<St::Peer>> {
        let message = &request.message;
        match Proxied::of::<R>(message, self.names) {
            Proxied::No => self.answer(state, now, request, message, None, tx),
            Proxied::Refused => {
                let refused = Some(Error::from(Code::PROXYING_NOT_SUPPORTED));
                self.answer(state, now, request, message, refused, tx)
            }
            Proxied::Ours(uri) => self.answer_proxied(state, now, request, uri, tx),
        }
    }
}

impl<S, St: Store, R> fmt::Debug for Server<'_, S, St, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("routes", &self.routes).field("objects", &self.objects).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<S, St: Store, R> defmt::Format for Server<'_, S, St, R> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Server({})", self.routes);
    }
}

/// An answer that comes late.
struct Completing<'s, F> {
    handler: Option<F>,
    later: Later,
    settings: &'s Settings,
    code: Code,
    put_off: bool,
    problem: bool,
}

impl<F: FnOnce(Reply<'_, '_>) -> Result<Answer, Error>> Respond for Completing<'_, F> {
    fn build(&mut self, w: &mut Writer<'_>) {
        let Some(handler) = self.handler.take() else { return };
        let mut so_far = SoFar::default();
        let how = How::of(&self.later, self.settings, self.later.accept, OptionsOf::none());
        w.code(how.code);
        let answered = match handler(Reply { w: &mut *w, how: &how, so_far: &mut so_far }) {
            Ok(Answer::Done(_)) => Reply { w: &mut *w, how: &how, so_far: &mut so_far }.finish().map_err(Error::from),
            Ok(Answer::Later(_)) => {
                self.put_off = true;
                w.fail(WriteError::BodyEnded { offset: 0 });
                return;
            }
            Err(error) => Err(error),
        };
        if let Err(error) = answered {
            error.write(w, self.problem, &self.later.asked, self.settings);
        }
        self.code = w.present_code();
    }

    fn keep(&mut self) -> Option<Keep<'_>> {
        None
    }

    fn code(&self) -> Code {
        self.code
    }
}
