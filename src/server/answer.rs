//! A request is answered: what the server says by itself, and else what the handler says (RFC 7252 5.4 to 5.10, 7.2).

use super::error::{Fault, Words};
use super::reply::{Answer, Made, Reply, SoFar, Terms};
use super::request::{Bytes, Later, Of, Reason, Request, Wants};
use super::route::{self, Fit, REST, Told};
use super::table::{CORE, Found, Table, has_body, is_safe, number};
use super::{Error, Incoming, Server};
use crate::block::{Asked, Seen, Settings, answer_to, put};
use crate::copy::copy;
use crate::endpoint::observe::{Keep, Respond};
use crate::endpoint::{Arrival, Endpoint, Notify, RequestId, Transmit, Unmade};
use crate::exchange::Handle;
use crate::reliability::Engine;
use crate::roles::Roles;
use crate::store::{Store, flag};
use crate::wire::{Block, Code, Header, Message, OptionNumber, Writer};
use core::borrow::BorrowMut;
use core::marker::PhantomData;

/// How many bytes of a registration can be kept: a message with path, query and format.
const KEPT: usize = 128;

/// A request that is being answered, or asked again for an observer.
struct Answering<'t, 'r, 'm, S, P, R> {
    table: &'t mut Table<'r, S, P>,
    state: &'t mut S,
    request: Request<'m, P>,
    found: Result<Found, Fault>,
    /// What is said of a block that does not reach a handler, beside the code.
    besides: Option<(OptionNumber, u32)>,
    /// The handler is called that serves later blocks.
    rest: bool,
    /// What the answer turned out to be.
    made: Made,
    /// Where what is kept of a registration is written.
    kept: &'t mut [u8],
    roles: PhantomData<R>,
}

impl<'t, 'r, 'm, S, P: Copy, R: Roles> Answering<'t, 'r, 'm, S, P, R> {
    /// Nothing is found yet. There is one of it for each endpoint, for requests and for notifications.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    fn new(
        table: &'t mut Table<'r, S, P>,
        state: &'t mut S,
        kept: &'t mut [u8],
        message: &'m Message<'m>,
        (from, reason): (P, Reason),
        (id, asked): (RequestId, Asked),
    ) -> Answering<'t, 'r, 'm, S, P, R> {
        let (method, accept) = (message.code(), message.accept());
        let later = Later {
            of: Of { id, transfer: None, end: 0 },
            accept,
            wants: Wants { asked, max_age: 60, resource: 0, method, changes: false },
        };
        let body = Bytes { offset: 0, bytes: message.payload(), last: true, size: None };
        Answering {
            table,
            state,
            request: Request { message, from, group: false, reason, tail: 0, body, later },
            found: Err(Fault::of(Code::NOT_FOUND)),
            besides: None,
            rest: false,
            made: Made::NOTHING,
            kept,
            roles: PhantomData,
        }
    }

    /// It is this.
    fn find(&mut self, found: Found) {
        self.request.tail = found.fit.tail;
        self.found = Ok(found);
    }
}

/// RFC 7252 5.10.8: GET says whether the resource exists, and which ETag it has.
#[inline(never)]
fn meets_conditions<S, P: Copy, R: Roles>(
    table: &mut Table<'_, S, P>,
    state: &mut S,
    request: &Request<'_, P>,
    Found { index, fit }: Found,
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
    let settings = table.settings;
    let terms = Terms { later: &request.later, settings: &settings, accept: None, etags: Some(message) };
    let reply = Reply { w: &mut w, terms: &terms, so_far: so_far.for_condition() };
    let found = match table.call::<R>(index, 0, state, &request, reply) {
        Ok(Answer::Done(_)) => w.present_code(),
        // What cannot be known does not meet a condition.
        Ok(Answer::Later(_)) => Code::EMPTY,
        Err(error) if error.code() == Code::METHOD_NOT_ALLOWED && !fit.is_wild::<R>() => Code::CONTENT,
        Err(error) => error.code(),
    };
    let (exists, absent) = (found.is_success(), found == Code::NOT_FOUND);
    let met = !any || exists && (so_far.matched > 0 || message.if_match().any(<[u8]>::is_empty));
    if met && (!none || absent) { Ok(()) } else { Err(Error::from(Code::PRECONDITION_FAILED)) }
}

impl<S, P: Copy, R: Roles> Respond for Answering<'_, '_, '_, S, P, R> {
    fn build(&mut self, w: &mut Writer<'_>) {
        let Answering { table, state, request, found, besides, rest, made, .. } = self;
        let settings = table.settings;
        let usual = match found {
            // RFC 7641 4.2: in the format of the first answer.
            Ok(Found { index, .. }) if request.reason == Reason::Notification => table.usual::<R>(*index),
            _ => None,
        };
        let etags = if R::HAS.conditions { Some(request.message) } else { None };
        let request = &*request;
        let terms = Terms::new(&request.later, &settings, usual, etags);
        made.write::<R>(w, &terms, request.body.last, &mut |reply| {
            let found = found.map_err(Fault::error::<R>)?;
            let index = found.index;
            if R::HAS.conditions && request.reason == Reason::Asked && index != CORE {
                meets_conditions::<S, P, R>(table, state, request, found)?;
            }
            if R::HAS.discovery && index == CORE {
                return table.discover::<R>(state, request.message, reply);
            }
            table.call::<R>(index, if *rest { REST } else { number(request.later.wants.method) }, state, request, reply)
        });
        if let Some((number, value)) = *besides {
            put::<true>(w, number, Some(value));
        }
    }

    fn code(&self) -> Code {
        self.made.code
    }

    fn keep(&mut self) -> Option<Keep<'_>> {
        let Found { index, fit } = self.found.ok()?;
        let usual = self.table.usual::<R>(index);
        let (message, wild) = (self.request.message, fit.is_wild::<R>());
        let fetch = message.code() == Code::FETCH;
        let accept = self.made.format.filter(|format| self.request.later.accept.is_none() && Some(*format) != usual);
        if !R::HAS.kept_options {
            let asks = message.first(OptionNumber::URI_QUERY).is_some() || self.request.later.accept.is_some();
            return if wild || fetch || asks || accept.is_some() { None } else { Some(Keep::Tag(0)) };
        }
        // A message of sorts: how long its payload is, its code, and the number of the resource; options; the payload.
        let header = Header::confirmable(message.code(), u16::try_from(index).ok()?);
        let mut w = Writer::new(self.kept, header, &[]);
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
        if self.request.later.of.transfer.is_some() {
            // What it asks for has come in blocks, and is not there any more.
            return None;
        }
        let options = w.finish().ok()?;
        let payload = if fetch { message.payload() } else { &[] };
        let length = options.saturating_add(payload.len());
        copy(self.kept.get_mut(options..length)?, payload);
        // In the place of version, type and length of the token.
        *self.kept.first_mut()? = payload.len() as u8;
        self.kept.get(..length).map(Keep::Bytes)
    }
}

impl<S, St: Store, R: Roles, E: BorrowMut<Endpoint<St, R>>> Server<'_, S, St, R, E> {
    /// Answers a request. `message` says what it asks for here.
    pub(super) fn answer(
        &mut self,
        state: &mut S,
        request: &Incoming<'_, St::Peer>,
        message: &Message<'_>,
        refused: Option<Code>,
        tx: &mut [u8],
    ) -> Option<Transmit<St::Peer>> {
        let (method, id) = (message.code(), request.id);
        let Server { endpoint, table, .. } = self;
        let endpoint = endpoint.borrow_mut();
        let mut kept = [0; KEPT];
        let found = match refused {
            Some(code) => Err(Fault::of(code)),
            None => table.find::<R>(message, request.arrival),
        };
        let (by, of) = ((request.from, Reason::Asked), (id, Asked::of(message)));
        let kept: &mut [u8] = if R::HAS.kept_options { &mut kept } else { &mut [] };
        let mut answering = Answering::<_, _, R>::new(table, state, kept, message, by, of);
        answering.request.group = R::HAS.multicast && request.arrival == Arrival::Group;
        if R::HAS.own_names {
            // Of what was asked by a URI of ours the message is another one, without it.
            answering.request.body.bytes = request.message.payload();
        }
        let (mut observed, safe) = (None, is_safe(method));
        match found {
            Err(error) => answering.found = Err(error),
            Ok(found) => {
                answering.find(found);
                if let Some(about) = answering.table.about::<R>(found.index) {
                    answering.request.later.wants.max_age = about.max_age;
                    if about.is_observable() {
                        let resource = found.fit.resource::<R>(found.index).0;
                        if safe {
                            observed = Some(resource);
                        } else {
                            answering.request.later.wants.resource = resource;
                            answering.request.later.wants.changes = true;
                        }
                    }
                    let block = message.block1();
                    let pieces = block.is_some_and(|block| block.more() || block.num() > 0);
                    if pieces && about.max_body == 0 {
                        answering.found = Err(Fault::with(Code::REQUEST_ENTITY_TOO_LARGE, Words::InOneMessage));
                    } else if has_body(method) {
                        let max_body = if pieces { about.max_body } else { u32::MAX };
                        let settings = Settings { max_body, ..answering.table.settings };
                        let engine = endpoint.still();
                        let peer = engine.peer_of(id)?;
                        let (later, block1) = (&mut answering.request.later, answer_to(block, &settings));
                        match engine.receive(id, peer, request.message, block, &settings) {
                            // It is being answered.
                            Seen::Refused(Code::EMPTY, _) => return None,
                            Seen::Refused(code, of_block) => {
                                let too_large = code == Code::REQUEST_ENTITY_TOO_LARGE && !of_block;
                                later.wants.asked.block1 = block1.filter(|_| of_block || too_large);
                                if too_large {
                                    answering.besides = Some((OptionNumber::SIZE1, settings.max_body));
                                } else if code == Code::SERVICE_UNAVAILABLE {
                                    let max_age = engine.rules().refusal_max_age;
                                    answering.besides = Some((OptionNumber::MAX_AGE, max_age));
                                }
                                answering.found = Err(Fault::of(code));
                            }
                            Seen::Later(of) => {
                                later.of.transfer = of;
                                answering.rest = method != Code::FETCH;
                            }
                            Seen::Piece(of) => {
                                let body = &mut answering.request.body;
                                body.offset = block.and_then(Block::offset).unwrap_or(0);
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
        }
        let of = answering.request.later.of;
        let mut flags = 0;
        let made = loop {
            match endpoint.still().reply(&of, observed, flags, tx, &mut answering) {
                Err(_) if answering.made.put_off => {
                    // Stale, if it is over by now.
                    let engine = endpoint.still();
                    if let Some(index) = engine.meant(id.0) {
                        engine.defer(index);
                    }
                    return None;
                }
                // No room to keep the answer for duplicates: it is made again for each.
                Err(Unmade::NoBytes(_)) if safe && flags == 0 => flags = flag::IDEMPOTENT,
                // What the handler has written is no message.
                Err(Unmade::Message(_)) if answering.found.is_ok() => {
                    answering.found = Err(Fault::of(Code::INTERNAL_SERVER_ERROR));
                }
                made => break made.ok()?,
            }
        };
        let (code, later) = (answering.made.code, &answering.request.later);
        let (resource, changes) = (later.wants.resource, later.wants.changes);
        self.carried_out(resource, changes, code);
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
        let Server { endpoint, table, .. } = self;
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
        let mut fit = Fit::PLAIN;
        if R::HAS.kept_options {
            // What is not below a wildcard was kept without its path.
            let mut path = message.options_of(OptionNumber::URI_PATH);
            fit = route::fit::<R>(about.path, &mut path).unwrap_or(fit);
        }
        notify.non |= about.told == Told::Non;
        let max_age = about.max_age;
        let of = (RequestId(Handle::NONE), Asked::first(notify.block_size));
        let to = (notify.peer, Reason::Notification);
        let mut answering = Answering::<_, _, R>::new(table, state, &mut [], &message, to, of);
        answering.find(Found { index, fit });
        answering.request.later.wants.max_age = max_age;
        endpoint.still().write_asked(notify.non, tx, &mut answering).ok()?
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    /// Answers a request: of an upload, of which so much has come, the last one that brought it.
    pub(super) fn reply(
        &mut self,
        &Of { id, transfer, end }: &Of,
        observed: Option<u32>,
        flags: u8,
        tx: &mut [u8],
        with: &mut dyn Respond,
    ) -> Result<Option<Transmit<S::Peer>>, Unmade> {
        let brought = self.brought_by(transfer, end);
        let request = brought.map_or(id.0, |(_, latest)| latest);
        let index = self.meant(request).ok_or(Unmade::Stale)?;
        let made = if R::HAS.observe {
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
