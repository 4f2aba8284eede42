//! A request is answered: what the server says by itself, and else what the handler says (RFC 7252 5.4 to 5.10, 7.2).

use super::discovery::Listing;
use super::reply::{Answer, How, Reply, SoFar};
use super::request::{Bytes, Later, Reason, Request};
use super::route::{About, FNV, Fit, Object, REST, Route, call, fit, fnv};
use super::{Error, Server};
use crate::block::{Asked, Received, Refusal, Settings};
use crate::endpoint::observe::{Keep, Respond};
use crate::endpoint::{Arrival, Notify, RequestId, ResourceId, RespondError, ServerRequest, TransferId, Transmit};
use crate::exchange::Handle;
use crate::reliability::Engine;
use crate::roles::Roles;
use crate::store::{Layout, Store, flag};
use crate::time::Instant;
use crate::wire::{Code, ContentFormat, Header, Message, OptionNumber, OptionsOf, WriteError, Writer};
use core::hash::Hash;
use core::marker::PhantomData;

/// How many bytes of a registration can be kept: a message with path, query and format.
pub(super) const KEPT: usize = 128;

/// Where the resources are.
pub(super) struct Table<'t, 'r, S, P> {
    pub(super) routes: &'t [Route<S, P>],
    pub(super) objects: &'t mut [Object<'r, S, P>],
}

/// What is asked for.
#[derive(Clone, Copy)]
pub(super) enum Found {
    /// A resource of the table: where, and how its path fits.
    Route(usize, Fit),
    /// `/.well-known/core`.
    Core,
}

impl<S, P> Table<'_, '_, S, P> {
    pub(super) fn about(&self, index: usize) -> Option<&About> {
        match self.routes.get(index) {
            Some(route) => Some(&route.about),
            None => self.objects.get(index.wrapping_sub(self.routes.len())).map(|object| &object.about),
        }
    }

    fn call(
        &mut self,
        index: usize,
        method: usize,
        state: &mut S,
        request: &Request<'_, P>,
        reply: Reply<'_, '_>,
    ) -> Result<Answer, Error> {
        let none = if method == REST { Code::BAD_REQUEST } else { Code::METHOD_NOT_ALLOWED };
        match self.routes.get(index) {
            Some(route) => match route.methods.get(method) {
                Some(Some(handler)) => handler(state, request, reply),
                _ => Err(Error::from(none)),
            },
            None => match self.objects.get_mut(index.wrapping_sub(self.routes.len())) {
                Some(object) => call(&mut *object.resource, method, state, request, reply),
                None => Err(Error::from(Code::NOT_FOUND)),
            },
        }
    }
}

/// A request that is being answered, or asked again for an observer.
pub(super) struct Answering<'t, 'r, 'm, S, P, R> {
    pub(super) table: Table<'t, 'r, S, P>,
    pub(super) state: &'t mut S,
    pub(super) settings: &'t Settings,
    pub(super) request: Request<'m, P>,
    pub(super) found: Result<Found, Error>,
    /// The handler is called that serves later blocks.
    pub(super) rest: bool,
    /// The handler answers later.
    pub(super) later: bool,
    /// What the answer turned out to be.
    pub(super) code: Code,
    pub(super) format: Option<ContentFormat>,
    pub(super) kept: [u8; KEPT],
    pub(super) roles: PhantomData<R>,
}

/// Whether a request asks for what a resource is, so that what it accepts is a format of that.
const fn is_safe(method: Code) -> bool {
    matches!(method, Code::GET | Code::FETCH)
}

/// Whether a request may have a body.
const fn has_body(method: Code) -> bool {
    matches!(method, Code::POST | Code::PUT | Code::FETCH | Code::PATCH | Code::IPATCH)
}

/// The place of a method's handler; for one that is not known, of none.
const fn number(method: Code) -> usize {
    let number = method.to_byte().wrapping_sub(1) as usize;
    if number < REST { number } else { usize::MAX }
}

/// Whether errors are to be problem details (RFC 9290).
pub(super) fn wants_problem<R: Roles>(accept: Option<ContentFormat>) -> bool {
    R::PROBLEMS && accept == Some(ContentFormat::CONCISE_PROBLEM_DETAILS_CBOR)
}

/// An error that the server finds by itself.
pub(super) const fn refuse<R: Roles>(code: Code, text: &'static str) -> Error {
    Error::new(code, if R::DIAGNOSTICS { text } else { "" })
}

impl<S, P: Copy, R: Roles> Answering<'_, '_, '_, S, P, R> {
    fn run(&mut self, w: &mut Writer<'_>) -> Result<(), Error> {
        let found = self.found?;
        let Found::Route(index, _) = found else {
            return self.discover(w);
        };
        if R::CONDITIONS && self.request.reason == Reason::Asked {
            self.meets_conditions(index)?;
        }
        let mut so_far = SoFar::default();
        let how = how(&self.request, self.settings, self.table.about(index));
        w.code(how.code);
        let reply = Reply { w: &mut *w, how: &how, so_far: &mut so_far };
        let method = if self.rest { REST } else { number(self.request.method) };
        match self.table.call(index, method, self.state, &self.request, reply)? {
            Answer::Done(_) if !self.request.body.last => {
                let block1 = how.asked.block1;
                w.restart();
                Refusal { code: Code::CONTINUE, block1, size1: None }.write(w, 0);
                Ok(())
            }
            Answer::Done(_) => {
                self.format = so_far.format;
                Reply { w, how: &how, so_far: &mut so_far }.finish().map_err(Error::from)
            }
            Answer::Later(_) => {
                self.later = true;
                w.fail(WriteError::BodyEnded { offset: 0 });
                Ok(())
            }
        }
    }

    /// RFC 7252 5.10.8: GET says whether the resource exists, and which ETag it has.
    fn meets_conditions(&mut self, index: usize) -> Result<(), Error> {
        let message = self.request.message;
        let any = message.if_match().next().is_some();
        let none = message.if_none_match();
        if !any && !none {
            return Ok(());
        }
        let nothing = Bytes { offset: 0, bytes: &[], last: true, size: None };
        let request = Request {
            method: Code::GET,
            reason: Reason::Condition,
            body: nothing,
            later: Later { id: RequestId(Handle::NONE), transfer: None, ..self.request.later },
            ..self.request.clone()
        };
        let mut buffer = [0; 4];
        let mut w = Writer::new(&mut buffer, Header::acknowledgement(Code::CONTENT, 0), &[]);
        let mut so_far = SoFar::default();
        let how = How { etags: message.if_match(), accept: None, ..how(&request, self.settings, None) };
        let reply = Reply { w: &mut w, how: &how, so_far: &mut so_far };
        let wild = matches!(self.found, Ok(Found::Route(_, fit)) if fit.hash.is_some());
        let found = match self.table.call(index, 0, self.state, &request, reply) {
            Ok(Answer::Done(_)) => w.present_code(),
            // What cannot be known does not meet a condition.
            Ok(Answer::Later(_)) => Code::EMPTY,
            Err(error) if error.code() == Code::METHOD_NOT_ALLOWED && !wild => Code::CONTENT,
            Err(error) => error.code(),
        };
        let (exists, absent) = (found.is_success(), found == Code::NOT_FOUND);
        let met = !any || exists && (so_far.matched || message.if_match().any(<[u8]>::is_empty));
        if met && (!none || absent) { Ok(()) } else { Err(refuse::<R>(Code::PRECONDITION_FAILED, "")) }
    }

    /// `/.well-known/core`.
    fn discover(&mut self, w: &mut Writer<'_>) -> Result<(), Error> {
        if self.request.method != Code::GET {
            return Err(Error::from(Code::METHOD_NOT_ALLOWED));
        }
        let mut so_far = SoFar::default();
        let how = how(&self.request, self.settings, None);
        w.code(Code::CONTENT);
        let mut reply = Reply { w, how: &how, so_far: &mut so_far };
        if self.table.routes.iter().any(|route| route.lister.is_some()) {
            // It may become another one from one block to the next (RFC 7959 2.4).
            let mut hash = FNV;
            self.list(&mut |bytes| hash = bytes.iter().fold(hash, fnv));
            reply = reply.etag(&hash.to_be_bytes());
        }
        let mut reply = reply.content_format(ContentFormat::LINK_FORMAT);
        self.list(&mut |bytes| reply.put(bytes));
        reply.finish().map_err(Error::from)
    }

    fn list(&mut self, out: &mut dyn FnMut(&[u8])) {
        let Answering { table, state, request, .. } = self;
        let (mut index, mut any) = (0, false);
        while let Some(about) = table.about(index) {
            let mut listing = Listing { about, message: request.message, out, any };
            match table.routes.get(index).and_then(|route| route.lister) {
                Some(lister) => lister(state, &mut listing),
                None => listing.add_plain(),
            }
            any = listing.any;
            index = index.wrapping_add(1);
        }
    }
}

/// How a request to a resource is to be answered.
fn how<'h, P>(request: &Request<'h, P>, settings: &'h Settings, about: Option<&About>) -> How<'h> {
    let message = request.message;
    let usual = about.and_then(|about| about.formats.first().copied());
    let accept = match request.reason {
        // RFC 7641 4.2: in the format of the first answer.
        Reason::Notification => message.accept().or(usual),
        _ => message.accept(),
    };
    let etags = if request.method == Code::GET { message.etags() } else { OptionsOf::none() };
    How::of(&request.later, settings, accept, etags)
}

impl<S, P: Copy, R: Roles> Respond for Answering<'_, '_, '_, S, P, R> {
    fn build(&mut self, w: &mut Writer<'_>) {
        self.later = false;
        if let Err(error) = self.run(w) {
            let problem = wants_problem::<R>(self.request.message.accept());
            error.write(w, problem, &self.request.later.asked, self.settings);
        }
        self.code = w.present_code();
    }

    fn code(&self) -> Code {
        self.code
    }

    fn keep(&mut self) -> Option<Keep<'_>> {
        let Ok(Found::Route(index, fit)) = self.found else { return None };
        let usual = self.table.about(index)?.formats.first();
        let (message, wild, fetch) = (self.request.message, fit.hash.is_some(), self.request.method == Code::FETCH);
        let accept = self.format.filter(|format| message.accept().is_none() && Some(format) != usual);
        let kept = |number| match number {
            OptionNumber::URI_PATH => wild,
            OptionNumber::CONTENT_FORMAT => fetch,
            OptionNumber::URI_QUERY | OptionNumber::ACCEPT => true,
            _ => false,
        };
        if !wild && !fetch && accept.is_none() && !message.options().any(|(number, _)| kept(number)) {
            return Some(Keep::Tag(0));
        }
        if self.request.later.transfer.is_some() {
            // What it asks for has come in blocks, and is not there any more.
            return None;
        }
        // A message, under the number of the resource.
        let header = Header::confirmable(message.code(), u16::try_from(index).ok()?);
        let mut w = Writer::new(&mut self.kept, header, &[]);
        message.options().filter(|&(number, _)| kept(number)).for_each(|(number, value)| _ = w.option(number, value));
        if let Some(format) = accept {
            w.accept(format);
        }
        if fetch {
            w.payload(message.payload());
        }
        let length = w.finish().ok()?;
        self.kept.get(..length).map(Keep::Bytes)
    }
}

impl<'r, S, St: Store, R: Roles> Server<'r, S, St, R> {
    /// Finds what is asked for, and whether it can be had.
    fn find(&self, message: &Message<'_>, arrival: Arrival) -> Result<(Found, Option<About>), Error> {
        let found = self.fits(&message.options_of(OptionNumber::URI_PATH));
        // A wildcard does not stand for it.
        let plain = matches!(found, Some((_, _, fit)) if fit.hash.is_none());
        if R::DISCOVERY && !plain && message.path_is(".well-known/core") {
            return Ok((Found::Core, None));
        }
        let Some((index, about, fit)) = found else {
            return Err(refuse::<R>(Code::NOT_FOUND, "no such resource: /.well-known/core lists all"));
        };
        if R::MULTICAST && arrival == Arrival::Group && !about.group {
            // RFC 7390 2.7.
            return Err(Error::from(Code::FORBIDDEN));
        }
        let method = message.code();
        if self.routes.get(index).is_some_and(|route| !matches!(route.methods.get(number(method)), Some(Some(_)))) {
            return Err(Error::from(Code::METHOD_NOT_ALLOWED));
        }
        if R::NEGOTIATION {
            let accept = message.accept().filter(|_| is_safe(method) && !about.formats.is_empty());
            if accept.is_some_and(|accept| !about.formats.contains(&accept)) {
                return Err(Error::from(Code::NOT_ACCEPTABLE));
            }
            let given = message.content_format().filter(|_| has_body(method) && !about.takes.is_empty());
            if given.is_some_and(|given| !about.takes.contains(&given)) {
                return Err(Error::from(Code::UNSUPPORTED_CONTENT_FORMAT));
            }
        }
        Ok((Found::Route(index, fit), Some(*about)))
    }

    /// Answers a request. `message` says what it asks for here.
    pub(super) fn answer(
        &mut self,
        state: &mut S,
        now: Instant,
        request: &ServerRequest<'_, St::Peer>,
        message: &Message<'_>,
        refused: Option<Error>,
        tx: &mut [u8],
    ) -> Option<Transmit<St::Peer>> {
        let (mut found, about) = match refused.map_or_else(|| self.find(message, request.arrival), Err) {
            Ok((found, about)) => (Ok(found), about),
            Err(error) => (Err(error), None),
        };
        let method = message.code();
        let mut body = Bytes { offset: 0, bytes: request.message.payload(), last: true, size: None };
        let (mut asked, mut transfer, mut end, mut rest) = (Asked::of(message), None, 0, false);
        if let Some(about) = about.filter(|_| has_body(method)) {
            let settings = Settings { max_body: about.max_body, ..self.settings };
            let pieces = message.block1().is_some_and(|block| block.more() || block.num() > 0);
            if pieces && about.max_body == 0 {
                found = Err(refuse::<R>(Code::REQUEST_ENTITY_TOO_LARGE, "in one message only"));
            } else {
                let settings = if pieces { settings } else { Settings { max_body: u32::MAX, ..settings } };
                match self.endpoint.receive(now, request, &settings, tx).ok()? {
                    Received::Answered(sent) => return sent,
                    Received::Later(of) => {
                        transfer = of;
                        rest = method != Code::FETCH;
                    }
                    Received::Piece(piece) => {
                        (transfer, end, asked) = (piece.transfer, piece.end(), piece.asked);
                        body = Bytes { offset: piece.offset, bytes: piece.bytes, last: piece.last, size: piece.size };
                    }
                }
            }
        }
        let resource = match (&about, found) {
            (Some(about), Ok(Found::Route(index, fit))) if about.observable => Some(fit.resource(index).0),
            _ => None,
        };
        let safe = is_safe(method);
        let later = Later {
            id: request.id,
            method,
            asked,
            transfer,
            end,
            accept: message.accept(),
            max_age: about.map_or(60, |about| about.max_age),
            resource: resource.filter(|_| !safe),
        };
        let tail = if let Ok(Found::Route(_, fit)) = found { fit.tail } else { 0 };
        let group = request.arrival == Arrival::Group;
        let (id, from) = (request.id, request.from);
        let request = Request { message, method, from, group, reason: Reason::Asked, tail, body, later };
        let Server { endpoint, routes, objects, settings, .. } = self;
        let mut answering = Answering {
            table: Table { routes, objects },
            state,
            settings,
            request,
            found,
            rest,
            later: false,
            code: Code::EMPTY,
            format: None,
            kept: [0; KEPT],
            roles: PhantomData::<R>,
        };
        let mut flags = 0;
        let made = loop {
            let observed = resource.filter(|_| safe);
            match endpoint.at(now).reply(id, (transfer, end), observed, flags, tx, &mut answering) {
                Err(_) if answering.later => {
                    // Stale, if it is over by now.
                    let _ = endpoint.defer(now, id);
                    return None;
                }
                // No room to keep the answer for duplicates: it is made again for each.
                Err(RespondError::NoBytes { .. }) if safe && flags == 0 => flags = flag::IDEMPOTENT,
                // What the handler has written is no message.
                Err(RespondError::Write(_) | RespondError::NotAResponse { .. }) if answering.found.is_ok() => {
                    answering.found = Err(Error::from(Code::INTERNAL_SERVER_ERROR));
                }
                made => break made,
            }
        };
        let code = answering.code;
        if made.is_ok() {
            self.carried_out(&later, code);
        }
        made.ok().flatten()
    }

    /// A request was answered with this code.
    pub(super) fn carried_out(&mut self, later: &Later, code: Code) {
        if let Some(resource) = later.resource.filter(|_| code.is_success() && code != Code::CONTINUE) {
            self.endpoint.notify(ResourceId(resource));
        }
    }

    /// Asks again what an observer has asked for.
    pub(super) fn tell(
        &mut self,
        state: &mut S,
        now: Instant,
        notify: Notify<St::Peer>,
        tx: &mut [u8],
    ) -> Option<Transmit<St::Peer>> {
        let mut kept = [0; KEPT];
        let length = self.endpoint.kept(&notify, &mut kept);
        let [_, _, high, low] = notify.resource.0.to_be_bytes();
        let plain = [0x40, Code::GET.to_byte(), high, low];
        let bytes = length.map_or(Some(&plain[..]), |length| kept.get(..length))?;
        let message = Message::parse(bytes).ok()?;
        let index = usize::from(message.message_id());
        let Server { endpoint, routes, objects, settings, .. } = self;
        let table = Table { routes, objects };
        let &about = table.about(index)?;
        // What is not below a wildcard was kept without its path.
        let path = message.options_of(OptionNumber::URI_PATH);
        let fit = fit(about.path, path).unwrap_or(Fit { tail: 0, hash: None });
        let later = Later {
            id: RequestId(Handle::NONE),
            method: message.code(),
            asked: Asked::first(notify.block_size),
            transfer: None,
            end: 0,
            accept: None,
            max_age: about.max_age,
            resource: None,
        };
        let request = Request {
            message: &message,
            method: message.code(),
            from: notify.peer,
            group: false,
            reason: Reason::Notification,
            tail: fit.tail,
            body: Bytes { offset: 0, bytes: message.payload(), last: true, size: None },
            later,
        };
        let mut answering = Answering {
            table,
            state,
            settings,
            request,
            found: Ok(Found::Route(index, fit)),
            rest: false,
            later: false,
            code: Code::EMPTY,
            format: None,
            kept: [0; KEPT],
            roles: PhantomData::<R>,
        };
        let notify = if about.non { notify.non() } else { notify };
        endpoint.write_notification(now, notify, tx, |w| answering.build(w)).ok()?
    }
}

impl<P: Copy + Eq + Hash, C: Layout<Peer = P>, R: Roles> Engine<'_, P, C, R> {
    /// Answers a request: of an upload, of which so much has come, the last one that brought it.
    pub(super) fn reply(
        &mut self,
        request: RequestId,
        (transfer, end): (Option<TransferId>, u32),
        observed: Option<u32>,
        flags: u8,
        tx: &mut [u8],
        with: &mut dyn Respond,
    ) -> Result<Option<Transmit<P>>, RespondError> {
        let brought = self.brought_by(transfer, end);
        let request = brought.map_or(request.0, |(_, latest)| latest);
        let index = self.meant(request).ok_or(RespondError::Stale)?;
        let made = if R::OBSERVE {
            self.respond_any(index, flags, observed, tx, with)
        } else {
            self.respond(index, flags, tx, |w| with.build(w))
        };
        self.count_sent(matches!(made, Ok(Some(_))));
        if let (Some((index, _)), Ok(_)) = (brought, &made) {
            self.answered(index, with.code());
        }
        made
    }
}
