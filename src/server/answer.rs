//! A request is answered: what the server says by itself, and else what the handler says (RFC 7252 5.4 to 5.10, 7.2).

use super::error::{Fault, Words};
use super::reply::{Answer, Reply, SoFar, Terms};
use super::request::{Bytes, Reason, Request};
use super::route::{self, Fit, REST, Resource, Told};
use super::table::{CORE, Found, Table, has_body, is_safe, number};
use super::{Error, Incoming, Server};
use crate::block::{Asked, Seen, Settings, answer_to, put};
use crate::copy::copy;
use crate::endpoint::observe::{Keep, Respond};
use crate::endpoint::{Arrival, Endpoint, Notify, RequestId, Transmit, Unmade};
use crate::exchange::Handle;
use crate::roles::Roles;
use crate::store::{Store, flag};
use crate::wire::{Block, Code, ContentFormat, Header, Message, OptionNumber, Writer};
use core::borrow::BorrowMut;
use core::cell::Cell;
use core::marker::PhantomData;

/// How many bytes of a registration can be kept: a message with path, query and format.
const KEPT: usize = 128;

/// An answer in the making: to a request, to one that was put off, or to an observer.
pub(super) struct Answering<'a, R> {
    terms: Terms<'a>,
    /// Writes it, or says why not.
    handler: &'a mut dyn Answerer,
    /// Of a body this is the last piece. Of another one 2.31 is said.
    last: bool,
    /// What is said of a block that does not reach a handler, beside the code.
    besides: (OptionNumber, Option<u32>),
    /// Of a registration, the format that the resource has if none is asked for, and what else may be kept.
    usual: Option<ContentFormat>,
    keeping: Option<Keeping<'a>>,
    /// What the answer turned out to be.
    pub(super) made: Made,
    roles: PhantomData<R>,
}

/// Who writes an answer.
pub(super) trait Answerer {
    fn answer(&mut self, reply: Reply<'_, '_>) -> Result<Answer, Error>;
}

/// What an answer turned out to be.
#[derive(Clone, Copy)]
pub(super) struct Made {
    pub(super) code: Code,
    format: Option<ContentFormat>,
    /// The handler answers later.
    pub(super) put_off: bool,
}

impl Made {
    const NOTHING: Made = Made { code: Code::EMPTY, format: None, put_off: false };
}

/// A registration of which something may be kept.
struct Keeping<'a> {
    message: &'a Message<'a>,
    /// The resource: its place in the table, and whether a wildcard stands for something in its path.
    index: usize,
    wild: bool,
    /// It came in blocks.
    in_blocks: bool,
    /// Where it is written.
    kept: &'a mut [u8],
}

/// Whether a registration asks for anything but what the resource is, in the usual format.
fn asks<P: Copy, R: Roles>(request: &Request<'_, P>) -> bool {
    let message = request.message;
    request.is_wild::<R>()
        || message.code() == Code::FETCH
        || message.first(OptionNumber::URI_QUERY).is_some()
        || request.later.accept.is_some()
}

/// RFC 7252 5.10.8: GET says whether the resource exists, and which ETag it has.
#[inline(never)]
fn meets_conditions<S, P: Copy, D: Resource<S, P> + ?Sized, R: Roles>(
    table: &mut Table<'_, S, P, D>,
    state: &mut S,
    request: &Request<'_, P>,
    index: usize,
) -> Result<(), Error> {
    let message = request.message;
    let (any, none) = (message.if_match().next().is_some(), message.if_none_match());
    if !any && !none {
        return Ok(());
    }
    let mut request = *request;
    request.reason = Reason::Condition;
    request.body = Bytes { offset: 0, bytes: &[], last: true, size: None };
    let later = &mut request.later;
    (later.of.id, later.wants.method, later.of.transfer, later.accept) =
        (RequestId(Handle::NONE), Code::GET, None, None);
    let (mut buffer, mut so_far) = ([0; 4], SoFar::default());
    let mut w = Writer::new(&mut buffer, Header::acknowledgement(Code::CONTENT, 0), &[]);
    let terms = Terms { later: &request.later, settings: &Settings::DEFAULT, etags: Some(message) };
    let reply = Reply { w: &mut w, terms: &terms, so_far: so_far.for_condition() };
    let found = match table.call::<R>(index, 0, state, &request, reply) {
        Ok(Answer::Done(_)) => w.present_code(),
        // What cannot be known does not meet a condition.
        Ok(Answer::Later(_)) => Code::EMPTY,
        Err(error) if error.code() == Code::METHOD_NOT_ALLOWED && !request.is_wild::<R>() => Code::CONTENT,
        Err(error) => error.code(),
    };
    let (exists, absent) = (found.is_success(), found == Code::NOT_FOUND);
    let met = !any || exists && (so_far.matched > 0 || message.if_match().any(<[u8]>::is_empty));
    if met && (!none || absent) { Ok(()) } else { Err(Error::from(Code::PRECONDITION_FAILED)) }
}

/// Whether errors are to be problem details (RFC 9290).
fn wants_problem<R: Roles>(accept: Option<ContentFormat>) -> bool {
    R::HAS.problems && accept == Some(ContentFormat::CONCISE_PROBLEM_DETAILS_CBOR)
}

impl<'a, R: Roles> Answering<'a, R> {
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    pub(super) fn new(terms: Terms<'a>, handler: &'a mut dyn Answerer) -> Answering<'a, R> {
        let made = Made::NOTHING;
        let (besides, usual, keeping) = ((OptionNumber::MAX_AGE, None), None, None);
        Answering { terms, handler, last: true, besides, usual, keeping, made, roles: PhantomData }
    }
}

impl<R: Roles> Respond for Answering<'_, R> {
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    fn build(&mut self, w: &mut Writer<'_>) {
        let Answering { terms, handler, last, made, .. } = self;
        let mut so_far = SoFar::default();
        *made = Made::NOTHING;
        w.code(terms.code());
        let mut error = match handler.answer(Reply { w: &mut *w, terms, so_far: &mut so_far }) {
            Ok(Answer::Later(_)) => {
                made.put_off = true;
                // Which is no response.
                w.code(Code::EMPTY);
                return;
            }
            Ok(Answer::Done(_)) if *last => None,
            Ok(Answer::Done(_)) => Some(Error::bare(Code::CONTINUE)),
            Err(error) => Some(error),
        };
        if error.is_none() {
            made.format = so_far.format;
            let mut reply = Reply { w: &mut *w, terms, so_far: &mut so_far };
            if !(R::HAS.conditions && reply.validate()) {
                error = reply.finish().err().map(Error::from);
            }
        }
        if let Some(error) = error {
            error.write::<R>(w, wants_problem::<R>(terms.later.accept), &terms.later.wants.asked);
        }
        made.code = w.present_code();
        let (number, value) = self.besides;
        put::<true>(w, number, value);
    }

    fn keep(&mut self) -> Option<Keep<'_>> {
        let asked = self.terms.later.accept;
        let accept = self.made.format.filter(|format| asked.is_none() && Some(*format) != self.usual);
        if !R::HAS.kept_options {
            return if accept.is_some() { None } else { Some(Keep::Tag(0)) };
        }
        let Keeping { message, index, wild, in_blocks, kept } = self.keeping.as_mut()?;
        let (message, wild) = (*message, *wild);
        let fetch = message.code() == Code::FETCH;
        // A message of sorts: how long its payload is, its code, and the number of the resource; options; the payload.
        let header = Header::confirmable(message.code(), u16::try_from(*index).ok()?);
        let mut w = Writer::new(kept, header, &[]);
        let mut any = fetch;
        for (number, value) in message.options() {
            let keep = match number {
                OptionNumber::URI_PATH => wild,
                OptionNumber::CONTENT_FORMAT => fetch,
                OptionNumber::URI_QUERY | OptionNumber::ACCEPT => true,
                _ => false,
            };
            if keep {
                any = true;
                w.option(number, value);
            }
        }
        if let Some(format) = accept {
            w.accept(format);
        } else if !any {
            return Some(Keep::Tag(0));
        }
        if *in_blocks {
            // What it asks for has come in blocks, and is not there any more.
            return None;
        }
        let options = w.finish().ok()?;
        let payload = if fetch { message.payload() } else { &[] };
        let length = options.saturating_add(payload.len());
        copy(kept.get_mut(options..length)?, payload);
        // In the place of version, type and length of the token.
        *kept.first_mut()? = payload.len() as u8;
        kept.get(..length).map(Keep::Bytes)
    }
}

/// Asks the table, with what the application works on, for what was found in it.
struct Asking<'t, 'r, 'm, S, P, D: ?Sized, R> {
    table: &'t mut Table<'r, S, P, D>,
    state: &'t mut S,
    request: &'t Request<'m, P>,
    found: &'t Cell<Result<usize, Fault>>,
    /// The handler is meant that serves later blocks.
    rest: bool,
    roles: PhantomData<R>,
}

impl<S, P: Copy, D: Resource<S, P> + ?Sized, R: Roles> Answerer for Asking<'_, '_, '_, S, P, D, R> {
    fn answer(&mut self, reply: Reply<'_, '_>) -> Result<Answer, Error> {
        let Asking { table, state, request, found, rest, .. } = self;
        let index = found.get().map_err(Fault::error::<R>)?;
        if R::HAS.conditions && request.reason == Reason::Asked && index != CORE {
            meets_conditions::<S, P, D, R>(table, state, request, index)?;
        }
        if R::HAS.discovery && index == CORE {
            return table.discover::<R>(state, request.message, reply);
        }
        table.call::<R>(index, if *rest { REST } else { number(request.later.wants.method) }, state, request, reply)
    }
}

impl<S, St: Store, R: Roles, E: BorrowMut<Endpoint<St, R>>, D: Resource<S, St::Peer> + ?Sized>
    Server<'_, S, St, R, E, D>
{
    /// Answers a request. `message` says what it asks for here.
    pub(super) fn answer(
        &mut self,
        state: &mut S,
        incoming: &Incoming<'_, St::Peer>,
        message: &Message<'_>,
        refused: Option<Code>,
        tx: &mut [u8],
    ) -> Option<Transmit<St::Peer>> {
        let (method, id) = (message.code(), incoming.id);
        let Server { endpoint, table, settings, .. } = self;
        let endpoint = endpoint.borrow_mut();
        let mut kept = [0; KEPT];
        let looked_up = match refused {
            Some(code) => Err(Fault::of(code)),
            None => table.find::<R>(message, incoming.arrival),
        };
        let mut request = Request::new(message, incoming.from, Reason::Asked, id, Asked::of(message));
        request.group = R::HAS.multicast && incoming.arrival == Arrival::Group;
        if R::HAS.own_names {
            // Of what was asked by a URI of ours the message is another one, without it.
            request.body.bytes = incoming.message.payload();
        }
        let (mut observed, safe) = (None, is_safe(method));
        let (mut besides, mut rest, mut usual) = ((OptionNumber::MAX_AGE, None), false, None);
        let mut found = looked_up.map(|found| found.index);
        if let Ok(Found { index, fit }) = looked_up {
            request.tail = fit.tail;
            if let Some(about) = table.about::<R>(index) {
                usual = about.formats.first().copied();
                request.later.wants.max_age = about.max_age;
                if about.is_observable() {
                    let resource = fit.resource::<R>(index).0;
                    if safe {
                        observed = Some(resource).filter(|_| R::HAS.kept_options || !asks::<_, R>(&request));
                    } else {
                        request.later.wants.resource = resource;
                        request.later.wants.changes = true;
                    }
                }
                let block = message.block1();
                let pieces = block.is_some_and(|block| block.more() || block.num() > 0);
                if pieces && about.max_body == 0 {
                    found = Err(Fault::with(Code::REQUEST_ENTITY_TOO_LARGE, Words::InOneMessage));
                } else if has_body(method) {
                    let max_body = if pieces { about.max_body } else { u32::MAX };
                    let settings = Settings { max_body, ..*settings };
                    let engine = endpoint.still();
                    let peer = engine.peer_of(id)?;
                    let (later, block1) = (&mut request.later, answer_to(block, &settings));
                    match engine.receive(id, peer, incoming.message, block, &settings) {
                        // It is being answered.
                        Seen::Refused(Code::EMPTY, _) => return None,
                        Seen::Refused(code, of_block) => {
                            let too_large = code == Code::REQUEST_ENTITY_TOO_LARGE && !of_block;
                            later.wants.asked.block1 = block1.filter(|_| of_block || too_large);
                            if too_large {
                                besides = (OptionNumber::SIZE1, Some(settings.max_body));
                            } else if code == Code::SERVICE_UNAVAILABLE {
                                besides.1 = Some(engine.rules().refusal_max_age);
                            }
                            found = Err(Fault::of(code));
                        }
                        Seen::Later(of) => {
                            later.of.transfer = of;
                            rest = method != Code::FETCH;
                        }
                        Seen::Piece(of) => {
                            let body = &mut request.body;
                            body.offset = block.map_or(0, Block::begin);
                            body.last = !block.is_some_and(Block::more);
                            body.size = message.size1();
                            later.of.transfer = of;
                            later.of.end = body.offset.saturating_add(body.bytes.len() as u32);
                            later.wants.asked.block1 = block1;
                        }
                    }
                }
            }
        }
        let (request, found) = (&request, &Cell::new(found));
        let later = &request.later;
        let mut handler = Asking::<_, _, _, R> { table, state, request, found, rest, roles: PhantomData };
        let etags = if R::HAS.conditions { Some(message) } else { None };
        let mut answering = Answering::<R>::new(Terms { later, settings, etags }, &mut handler);
        (answering.last, answering.besides) = (request.body.last, besides);
        answering.usual = usual;
        if R::HAS.kept_options {
            let (wild, in_blocks) = (request.is_wild::<R>(), later.of.transfer.is_some());
            let index = found.get().unwrap_or(0);
            answering.keeping = Some(Keeping { message, index, wild, in_blocks, kept: &mut kept });
        }
        let mut flags = 0;
        let made = loop {
            match endpoint.still().respond_any(Some(&later.of), flags, observed, tx, &mut answering) {
                Err(_) if answering.made.put_off => {
                    // It was there for the handler, and there is no other by which its body came.
                    endpoint.still().defer(id.0.index);
                    return None;
                }
                // No room to keep the answer for duplicates: it is made again for each.
                Err(Unmade::NoBytes(_)) if safe && flags == 0 => flags = flag::IDEMPOTENT,
                // What the handler has written is no message.
                Err(Unmade::Message(_)) if found.get().is_ok() => {
                    found.set(Err(Fault::of(Code::INTERNAL_SERVER_ERROR)));
                }
                made => break made.ok()?,
            }
        };
        let code = answering.made.code;
        endpoint.still().count_sent(made.is_some());
        self.carried_out(&later.wants, code);
        made
    }

    /// Asks again what an observer has asked for.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(never))]
    pub(super) fn tell(
        &mut self,
        state: &mut S,
        mut notify: Notify<St::Peer>,
        tx: &mut [u8],
    ) -> Option<Transmit<St::Peer>> {
        let Server { endpoint, table, settings, .. } = self;
        let endpoint = endpoint.borrow_mut();
        let mut kept = [0; KEPT];
        let (mut code, mut index, mut options, mut payload) = (Code::GET, notify.resource.0 as usize, &[][..], &[][..]);
        if R::HAS.kept_options {
            if let Some(kept) = endpoint.kept(&notify, &mut kept).and_then(|length| kept.get(..length)) {
                let &[length, of, high, low, ref rest @ ..] = kept else { return None };
                (code, index) = (Code::from_byte(of), usize::from(u16::from_be_bytes([high, low])));
                (options, payload) = rest.split_at_checked(rest.len().wrapping_sub(usize::from(length)))?;
            }
        }
        let message = Message::of_parts(Header::confirmable(code, 0), options, payload);
        let about = table.about::<R>(index)?;
        let asked = Asked::first(notify.block_size);
        let mut request = Request::new(&message, notify.peer, Reason::Notification, RequestId(Handle::NONE), asked);
        if R::HAS.kept_options {
            // What is not below a wildcard was kept without its path.
            let mut path = message.options_of(OptionNumber::URI_PATH);
            request.tail = route::fit::<R>(about.path, &mut path).unwrap_or(Fit::PLAIN).tail;
        }
        notify.non |= about.told == Told::Non;
        request.later.wants.max_age = about.max_age;
        // RFC 7641 4.2: in the format of the first answer.
        request.later.accept = request.later.accept.or(about.formats.first().copied());
        let (request, found) = (&request, &Cell::new(Ok(index)));
        let mut handler = Asking::<_, _, _, R> { table, state, request, found, rest: false, roles: PhantomData };
        let etags = if R::HAS.conditions { Some(&message) } else { None };
        let mut answering = Answering::<R>::new(Terms { later: &request.later, settings, etags }, &mut handler);
        let engine = endpoint.still();
        let made = engine.write_asked(notify.non, tx, &mut answering);
        engine.count_made(&made);
        made.ok()?
    }
}
