//! Observers of our resources (RFC 7641 section 4): let in, told that something has changed, and taken off the list.

use super::errors::{RespondError, Unmade};
use super::respond::{Answer, Made};
use super::types::{Notify, Transmit};
use super::{Endpoint, TransferId};
use crate::exchange::{ObserverId, RequestId, ResourceId, is_wanted};
use crate::reliability::Engine;
use crate::roles::Roles;
use crate::store::{Chain, Exchange, Observer, Ring, State, Store, flag, mark};
use crate::time::Instant;
use crate::wire::{Code, Message, OptionNumber, Type, Writer, observe, uint};

/// How many slots one call of `poll` looks at.
const STEPS: u32 = 64;

/// Which request is answered: of an upload, of which so much has come, the last one that brought it.
// Six words: as many as a Cortex-M copies at once. For more it takes `memcpy`, which is 300 bytes of flash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Of {
    pub(crate) id: RequestId,
    pub(crate) transfer: Option<TransferId>,
    /// Where the body ends that has come.
    pub(crate) end: u32,
}

impl Of {
    /// What has come whole.
    pub(crate) const fn whole(id: RequestId) -> Of {
        Of { id, transfer: None, end: 0 }
    }
}

/// How a response is made, and what is kept with the observer whose registration it accepts.
pub(crate) trait Respond {
    /// Writes code, options and payload.
    fn build(&mut self, w: &mut Writer<'_>);

    /// After `build`: what is to come back with each notification. `None`: the registration is not accepted.
    fn keep(&mut self) -> Option<Keep<'_>>;
}

/// What is kept with an observer.
#[derive(Clone, Copy)]
pub(crate) enum Keep<'k> {
    /// What the application calls a tag.
    Tag(u32),
    /// Bytes, in the arena: not none.
    Bytes(&'k [u8]),
}

/// The observer that a response accepts: of which resource, and what is kept with it.
pub(crate) struct Accepted<'k> {
    resource: u32,
    keep: Keep<'k>,
}

/// A response that a closure writes.
pub(crate) struct Plain<F> {
    pub(crate) build: Option<F>,
    pub(crate) tag: u32,
}

impl<F: FnOnce(&mut Writer<'_>)> Respond for Plain<F> {
    fn build(&mut self, w: &mut Writer<'_>) {
        if let Some(build) = self.build.take() {
            build(w);
        }
    }

    fn keep(&mut self) -> Option<Keep<'_>> {
        Some(Keep::Tag(self.tag))
    }
}

impl<S: Store, R: Roles> Endpoint<S, R> {
    /// As [`respond`](Endpoint::respond), and accepts the registration of an observer, if the request is one: a GET or
    /// FETCH with Observe 0 (RFC 7641 4.1, RFC 8132 2.4). Observe is written by the endpoint, at its place among the
    /// options of `build`.
    ///
    /// From then on the client is told what `resource` becomes: see [`notify`](Endpoint::notify). `tag` comes back
    /// with each [`Notify`], and tells the application what was asked for: one observer may want
    /// `/temp?unit=F` and another `/temp?unit=C`. Who observed by the same token is none any more since the request has come.
    ///
    /// It is a plain response, without Observe, if the request is no registration, has come by a group address or has a
    /// token of more than 8 bytes, if no slot is free, or if the code is not 2.xx.
    ///
    /// ```
    /// use coaplet::endpoint::{Arrival, Event, Output, ResourceId};
    /// use coaplet::{Code, Config, Endpoint, Fixed, Instant, Message};
    ///
    /// const TEMPERATURE: ResourceId = ResourceId(1);
    /// // One slot for the observer.
    /// let mut ep = Endpoint::new(Config::DEFAULT, [7; 16], Fixed::<u8, 4, 8, 512, 1>::new());
    /// let (mut now, mut tx) = (Instant::ZERO, [0; 64]);
    /// let registration = b"\x41\x01\x00\x01\x4a\x60\x54temp"; // GET, Observe: 0, Uri-Path: temp
    /// let input = ep.handle(now, 9, Arrival::Unicast, registration, &mut tx);
    /// let Event::Request(request) = input.event else { panic!() };
    /// let answer = ep.respond_observing(now, request.id, TEMPERATURE, 0, &mut tx, |w| {
    ///     w.code(Code::CONTENT).payload(b"22.9");
    /// })?;
    /// assert_eq!(Message::parse(&tx[..answer.unwrap().len])?.observe(), Some(1));
    ///
    /// // It has changed.
    /// ep.notify(TEMPERATURE);
    /// let Output::Notify(notify) = ep.poll(now, &mut tx) else { panic!() };
    /// let notification = ep.write_notification(now, notify.non(), &mut tx, |w| {
    ///     w.code(Code::CONTENT).payload(b"22.8");
    /// })?;
    /// let message = Message::parse(&tx[..notification.unwrap().len])?;
    /// assert_eq!((message.token(), message.observe()), (&[0x4a][..], Some(2)));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`respond`](Endpoint::respond).
    pub fn respond_observing(
        &mut self,
        now: Instant,
        answer: impl Into<Answer>,
        resource: ResourceId,
        tag: u32,
        tx: &mut [u8],
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Option<Transmit<S::Peer>>, RespondError> {
        let Answer { id, flags } = answer.into();
        let engine = self.at(now);
        let made = if R::HAS.observe {
            let mut plain = Plain { build: Some(build), tag };
            engine.respond_any(Some(&Of::whole(id)), flags, Some(resource.0), tx, &mut plain)
        } else {
            engine.respond(id, flags, tx, build)
        };
        engine.count_made(&made);
        made.map_err(|unmade| unmade.error(now))
    }

    /// A resource has changed: [`poll`](Endpoint::poll) gives [`Output::Notify`](super::Output::Notify) for each of its
    /// observers, one a call. It takes the same time however many they are. False if nobody observes it.
    ///
    /// Called again before an observer was told, it is told once, the latest state. May be called as often as the
    /// resource changes, but 32,768 times a second (RFC 7641 4.4).
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(always))]
    pub fn notify(&mut self, resource: ResourceId) -> bool {
        R::HAS.observe && self.engine.notify(resource.0)
    }

    /// A resource is no more, or is not to be observed any more: each of its observers is sent a last notification with
    /// this code, such as 4.04, by [`poll`](Endpoint::poll). It is to be confirmed; Non-confirmable, where the store has
    /// no room for it. False if nobody observes it.
    ///
    /// A code that is not an error, 4.xx or 5.xx, counts as 5.00. Always false, and nobody is told, where the roles leave it out
    /// ([`Abilities::end_observers`](crate::Abilities::end_observers)).
    pub fn end_observers(&mut self, resource: ResourceId, code: Code) -> bool {
        R::HAS.observe && R::HAS.end_observers && self.engine.end_observers(resource.0, code)
    }

    /// What is kept with the observer that is to be told, at the start of `out`, and how long it is: `None` if it has a
    /// tag instead.
    pub(crate) fn kept(&self, notify: &Notify<S::Peer>, out: &mut [u8]) -> Option<usize> {
        let engine = &self.engine;
        let observer = engine.held.observer(notify.observer.0.index)?;
        engine.held.arena.read(observer.kept(S::INDEXED)?, out)
    }

    /// Takes one observer off the list, in silence: it finds out when Max-Age is over. False if it is none any more.
    pub fn end_observer(&mut self, observer: ObserverId) -> bool {
        let engine = &mut self.engine;
        let handle = observer.0;
        let table = &engine.held.observers;
        let index = table.meant(handle.index, handle.generation);
        let Some(index) = index.filter(|_| R::HAS.observe && engine.held.random.brand() == handle.brand) else {
            return false;
        };
        engine.end_observer(index);
        true
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    /// Looks for Observe in a request that is let in. Of a registration, the size exponent of a block that it asks for,
    /// 7 for none.
    pub(super) fn look_for_observe(&mut self, peer: u32, message: &Message<'_>) -> Option<u8> {
        let here = self.held.observers.capacity() > 0;
        if !R::HAS.server || !here || !matches!(message.code(), Code::GET | Code::FETCH) {
            return None;
        }
        let wish = message.observe().filter(|&wish| wish <= observe::DEREGISTER)?;
        // RFC 7641 4.1: either way it is processed as usual, and its answer lets a registration in anew.
        if let Some(index) = self.held.find_observer(peer, message.token()) {
            self.end_observer(index);
        }
        (wish == observe::REGISTER).then(|| message.block2().map_or(7, |block| block.szx()))
    }

    /// Answers a request; with a resource it accepts an observer. `None` in the place of a request: it writes the notification
    /// that was asked for. There is one of it for each endpoint, whatever is written.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    pub(crate) fn respond_any(
        &mut self,
        of: Option<&Of>,
        flags: u8,
        resource: Option<u32>,
        tx: &mut [u8],
        with: &mut dyn Respond,
    ) -> Result<Option<Transmit<S::Peer>>, Unmade> {
        let tells = R::HAS.observe && of.is_none();
        let (index, brought) = match of {
            Some(&Of { id, transfer, end }) => {
                let brought = self.brought_by(transfer, end);
                let request = brought.map_or(id.0, |(_, latest)| latest);
                (self.meant(request).ok_or(Unmade::Stale)?, brought)
            }
            None if !R::HAS.observe => return Err(Unmade::Stale),
            None => (self.core.observing.asked.observer.wrapping_sub(1), None),
        };
        // Of a notification, and of the answer by which an observer is accepted.
        let mut number = None;
        let (mut state, mut peer, mut registers) = (State::None, 0, false);
        let begun = if tells {
            self.begin_notification(index, flags & flag::NON != 0, &mut number, &mut peer)
        } else {
            let Some(exchange) = self.held.exchanges.at(index) else { return Err(Unmade::Stale) };
            (state, peer) = (exchange.state, exchange.peer);
            let long = R::HAS.long_tokens && exchange.has_long_token();
            registers = R::HAS.observe && exchange.registers().is_some() && !long;
            let id = exchange.message_id;
            self.header_for(state, peer, id)
        };
        // An error is not moved: that takes more flash than to make it.
        let header = match begun {
            Ok(header) => header,
            Err(None) => return Err(Unmade::Stale),
            Err(Some(wait)) => return Err(Unmade::NoMessageId(wait)),
        };
        let mut writer = Writer::blank(tx);
        if !tells && R::HAS.long_tokens {
            self.held.begin_answer(index, header, &mut writer, true);
        } else {
            let token = if tells {
                self.held.observer(index).map(Observer::token)
            } else {
                self.held.exchanges.at(index).map(Exchange::token)
            };
            writer.begin_sound(header, token.unwrap_or_default(), false);
        }
        with.build(&mut writer);
        let code = writer.present_code();
        let mut accepted = None;
        if let (true, 2, Some(resource)) = (registers, code.class(), resource) {
            let asked = |it: &Exchange| is_wanted(code, it.flags);
            let heard = !R::HAS.no_response || self.held.exchanges.at(index).is_some_and(asked);
            let refused = R::HAS.multicast && state == State::AskedGroup || S::INDEXED && self.is_full(peer);
            if heard && !refused && self.held.can_observe(resource) {
                // What is kept with the exchange comes first, with Observe. Two pieces take no more than this in blocks.
                let needed = writer.length().saturating_add(if S::INDEXED { 64 } else { 8 });
                let keep = with.keep().filter(|keep| match keep {
                    Keep::Tag(_) => true,
                    Keep::Bytes(bytes) => {
                        R::HAS.kept_options && self.make_room(peer, needed.saturating_add(bytes.len()))
                    }
                });
                if let Some(keep) = keep {
                    self.core.observing.advance();
                    number = Some(self.core.observing.peek());
                    accepted = Some(Accepted { resource, keep });
                }
            }
        }
        // For a number it is to be 2.xx (RFC 7641 4.2).
        if let (2, Some(number)) = (code.class(), number) {
            writer.insert(OptionNumber::OBSERVE, uint::encode(number).as_bytes());
        }
        if !writer.is_well() || !code.is_response() {
            return Err(Unmade::Message(writer.state()));
        }
        let (id, len) = (header.message_id, writer.length());
        let empty = !writer.has_payload();
        let Some(to) = self.address(peer) else { return Err(Unmade::Stale) };
        let sent = Transmit { to, len };
        let made = if tells {
            self.complete_notification(index, code, id, (peer, sent), tx)
        } else {
            self.complete::<true>((index, state, peer), Made { id, code, flags }, sent, empty, accepted.as_ref(), tx)?
        };
        if let Some((index, _)) = brought {
            self.answered(index, code);
        }
        Ok(made)
    }

    /// The response to a registration goes, with this Message ID: whom it accepts observes from now on (RFC 7641 4.1).
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), cold)]
    pub(super) fn register(&mut self, (index, state, peer): (u32, State, u32), accepted: &Accepted<'_>, id: u16) {
        let &Accepted { resource, keep } = accepted;
        let number = self.core.observing.number();
        let tag = if let Keep::Tag(tag) = keep { tag } else { 0 };
        let Some(observer) = self.held.enter_observer(index, resource, tag, number) else { return };
        if let (true, Keep::Bytes(bytes)) = (R::HAS.kept_options, keep) {
            // There is room for it.
            let chain = self.held.arena.store(bytes).unwrap_or(Chain::NONE);
            if let Some(observer) = self.held.observer_mut(observer).filter(|_| !chain.is_none()) {
                observer.keep(chain, S::INDEXED);
            }
        }
        self.refer(peer, false);
        // A notification like any other: it may be rejected.
        let (id, non) = (Some(id).filter(|_| state != State::Asked), state == State::AskedNon);
        if non || !S::INDEXED {
            self.note_told(observer, id, non);
        } else if let Some(id) = id {
            self.held.note_notified(observer, id);
        }
    }

    fn notify(&mut self, number: u32) -> bool {
        let Some(resource) = self.held.find_resource(number) else { return false };
        self.core.observing.advance();
        if !S::INDEXED {
            self.all_of_few(number, |observer| observer.set_ring(Ring::Stale));
            return true;
        }
        self.all_are_stale(resource);
        let number = self.core.observing.peek();
        let Some(entry) = self.held.observer_mut(resource) else { return false };
        entry.set(mark::CONFIRM, false);
        entry.set_number(number);
        true
    }

    fn end_observers(&mut self, number: u32, code: Code) -> bool {
        let Some(resource) = self.held.find_resource(number) else { return false };
        let code = if matches!(code.class(), 4 | 5) { code } else { Code::INTERNAL_SERVER_ERROR };
        if !S::INDEXED {
            if R::HAS.kept_options {
                self.forget_kept(number);
            }
            self.all_of_few(number, |observer| {
                observer.set(mark::LEAVING, true);
                observer.tag = u32::from(code.to_byte());
            });
            return true;
        }
        self.all_are_stale(resource);
        self.held.unlink_resource(resource);
        let Some(entry) = self.held.observer_mut(resource) else { return false };
        entry.set(mark::ENDING, true);
        entry.set_code(code.to_byte());
        true
    }

    /// Nothing is kept any more with the observers of a resource, where there is no index.
    fn forget_kept(&mut self, number: u32) {
        for index in 0..self.held.observers.slots() {
            let Some(observer) = self.held.observer_mut(index).filter(|observer| observer.resource == number) else {
                continue;
            };
            if let Some(chain) = observer.give_up(S::INDEXED) {
                self.release_bytes(chain);
            }
        }
    }

    /// All observers of a resource, where there is no index.
    fn all_of_few(&mut self, number: u32, change: impl Fn(&mut Observer)) {
        let table = &mut self.held.observers;
        let meant = |observer: &&mut Observer| observer.resource == number && !observer.has(mark::LEAVING);
        table.values().filter(meant).for_each(change);
    }

    /// All observers of a resource are to be told something. Where there is an index.
    fn all_are_stale(&mut self, resource: u32) {
        let table = &mut self.held.observers;
        table.pour(resource, Ring::Loose, Ring::Stale);
        table.pour(resource, Ring::Told, Ring::Stale);
        self.core.observing.make_due(table, resource);
    }

    /// An ACK or RST of nothing that is outstanding: of one of the last notifications, if it is (RFC 7641 4.5).
    pub(super) fn on_notified(&mut self, peer: Option<u32>, message: &Message<'_>) -> bool {
        let (Some(peer), id) = (peer.filter(|_| R::HAS.server), message.message_id()) else { return false };
        if message.message_type() == Type::Reset {
            let was = self.on_rejected(peer, id);
            if was {
                self.count(crate::reliability::Counter::Reset);
            }
            return was;
        }
        (R::HAS.non_notifications || S::INDEXED) && self.on_late_acknowledgement(peer, id)
    }

    /// Ends the observers of a peer, without an index.
    pub(super) fn forget_observers(&mut self, peer: u32) {
        for index in 0..self.held.observers.slots() {
            if self.held.observer(index).is_some_and(|observer| observer.peer == peer) {
                self.end_observer(index);
            }
        }
    }

    /// Goes on looking for observers that were forgotten.
    pub(super) fn sweep_observers(&mut self) {
        for _ in 0..STEPS {
            let Some(index) = self.core.observing.sweep.checked_sub(1) else { break };
            self.core.observing.sweep = index;
            if self.held.observer(index).is_some_and(|observer| self.is_detached(observer.peer)) {
                self.end_observer(index);
            }
        }
    }
}
