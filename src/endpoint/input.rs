//! What a datagram means (RFC 7252 4.2 to 4.5, 5.2, 5.3.2, section 8).

use super::Endpoint;
use super::types::{Arrival, ClientResponse, Event, Input, ServerRequest, Transmit};
use super::watch::Heard;
use crate::exchange::{Handle, RequestId, asked};
use crate::reliability::{Counter, Engine, write};
use crate::roles::Roles;
use crate::store::{Exchange, State, Store, flag};
use crate::time::Instant;
use crate::wire::{Code, ContentFormat, Header, Message, OptionNumber, ParseError, Type, Writer};
use core::time::Duration;

/// Why a request is not let in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// Everything is live: for now.
    Full,
    /// The peer has more than its share.
    OverShare,
    /// A token that is longer than the arena: for ever.
    LongToken,
}

impl<S: Store, R: Roles> Endpoint<S, R> {
    /// Takes in a datagram.
    ///
    /// `tx` is where a reply is written; [`poll`](Endpoint::poll) is to be called afterwards, since the answer to when
    /// it wants to be called next may have changed. A datagram is never an error: what is wrong with it is answered as
    /// RFC 7252 says, or it is dropped, and [counted](Endpoint::statistics). A `tx` that is too small for a reply is as
    /// good as a network that loses it.
    pub fn handle<'d>(
        &mut self,
        now: Instant,
        from: S::Peer,
        arrival: Arrival,
        datagram: &'d [u8],
        tx: &mut [u8],
    ) -> Input<'d, S::Peer> {
        let engine = self.at(now);
        engine.count(Counter::Received);
        let mut reply = None;
        let event = match Message::parse(datagram) {
            // What it means is told in a few words, so that the message is moved once.
            Ok(message) => match engine.take(from, arrival, &message, tx, &mut reply) {
                Meaning::Nothing => Event::Handled,
                Meaning::Request(id) => {
                    // The answer is the application's.
                    let event = Event::Request(ServerRequest { id, from, arrival, message });
                    return Input { reply: None, event };
                }
                Meaning::Response(what) => Event::Response(what.with(from, message)),
            },
            Err(error) => {
                reply = engine.malformed(arrival, error, tx);
                Event::Handled
            }
        };
        engine.count_sent(reply.is_some());
        Input { reply: reply.map(|len| Transmit { to: from, len }), event }
    }
}

/// What a message means to the application.
#[derive(Clone, Copy)]
pub(crate) enum Meaning {
    Nothing,
    Request(RequestId),
    Response(Responded),
}

/// What is known of a response, but for what it says.
#[derive(Clone, Copy)]
pub(crate) struct Responded {
    handle: Handle,
    more: bool,
    observed: Option<u32>,
    /// In ms.
    round_trip: Option<u32>,
}

impl Responded {
    #[inline(always)]
    pub(crate) fn with<P>(self, from: P, message: Message<'_>) -> ClientResponse<'_, P> {
        let Responded { handle, more, observed, round_trip } = self;
        let round_trip = round_trip.map(|ms| Duration::from_millis(u64::from(ms)));
        ClientResponse { handle, from, more, observed, round_trip, message }
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    /// What is no message is answered as RFC 7252 4.2 says: how long that is.
    #[inline(always)]
    pub(crate) fn malformed(&mut self, arrival: Arrival, error: ParseError, tx: &mut [u8]) -> Option<usize> {
        self.count(Counter::Malformed);
        if arrival != Arrival::Unicast {
            return None;
        }
        error.reset().and_then(|id| write(tx, Header::reset(id)))
    }

    /// What a message means: in a few words. How long the reply is that lies in `tx` then; to a request there is none, for
    /// the answer is the application's.
    pub(crate) fn take(
        &mut self,
        from: S::Peer,
        arrival: Arrival,
        message: &Message<'_>,
        tx: &mut [u8],
        reply: &mut Option<usize>,
    ) -> Meaning {
        let (id, message_type, code) = (message.message_id(), message.message_type(), message.code());
        // RFC 7252 8.1: requests to a group are Non-confirmable, and nothing else comes to one.
        let to_group = arrival == Arrival::Group;
        if to_group && (!R::HAS.multicast || !code.is_request() || message_type != Type::NonConfirmable) {
            self.count(Counter::Misaddressed);
            return Meaning::Nothing;
        }
        if !R::HAS.long_tokens && message.token().len() > 8 {
            // RFC 7252 section 3 knows no such token.
            self.count(Counter::Malformed);
            *reply = reject(message, tx);
            return Meaning::Nothing;
        }
        let peer = self.held.find_peer(from);
        if let (true, Some(peer)) = (R::HAS.client, peer) {
            self.heard(peer);
        }
        if R::HAS.server && code.is_request() {
            return match self.on_request(from, peer, arrival, message, tx, reply) {
                Some(index) => Meaning::Request(RequestId(self.handle_of(index))),
                None => Meaning::Nothing,
            };
        }
        if R::HAS.client && code.is_response() {
            return self.on_response(from, peer, message, tx, reply).unwrap_or(Meaning::Nothing);
        }
        if !(code.is_empty() || R::HAS.client && R::HAS.server) {
            // What it cannot process, whatever it is.
            *reply = reject(message, tx);
            return Meaning::Nothing;
        }
        match message_type {
            Type::Confirmable => {
                // RFC 7252 4.3: a ping.
                self.count(Counter::Pinged);
                *reply = write(tx, Header::reset(id));
            }
            Type::NonConfirmable => self.count(Counter::Unexpected),
            Type::Acknowledgement | Type::Reset => match peer.and_then(|peer| self.outstanding(peer, id)) {
                Some(index) if message_type == Type::Reset => self.on_reset(index),
                Some(index) => self.on_arrived(index),
                None if R::HAS.observe && self.on_notified(peer, message) => {}
                None => self.count(Counter::Unexpected),
            },
        }
        Meaning::Nothing
    }

    /// What of ours has this Message ID.
    fn outstanding(&self, peer: u32, id: u16) -> Option<u32> {
        #[cfg(test)]
        if self.core.hooks.ignore_acks {
            return None;
        }
        self.held.find_local(peer, id, R::HAS.nstart_queue)
    }

    fn on_request(
        &mut self,
        from: S::Peer,
        peer: Option<u32>,
        arrival: Arrival,
        message: &Message<'_>,
        tx: &mut [u8],
        reply: &mut Option<usize>,
    ) -> Option<u32> {
        let key = peer.map(|peer| self.held.remote_key(peer, message.message_id()));
        if let Some(index) = peer.zip(key).and_then(|(peer, key)| self.seen(peer, message.message_id(), key)) {
            // RFC 7252 4.5: a duplicate is acknowledged again, the request is processed once.
            self.count(Counter::Duplicate);
            if message.message_type() == Type::Confirmable {
                *reply = self.again(index, message, tx);
            }
            return None;
        }
        let known = self.rules().known;
        let (mut unknown, mut no_response) = (None, None);
        if !(message.has_short_path_alone() && known(OptionNumber::URI_PATH)) {
            let mut refused = message.unrecognised_in(false, known);
            unknown = refused.next_of(R::HAS.texts);
            no_response = refused.no_response();
        }
        if let Some((number, _)) = unknown {
            // RFC 7252 5.4.1: 4.02 to a CON; a NON is rejected in silence. No state: a duplicate gets the same again.
            self.count(Counter::BadOption);
            let answered = self.rules().non_bad_option() && arrival == Arrival::Unicast;
            if message.message_type() == Type::Confirmable || answered {
                // 5.10.2: who does not act as a proxy says so.
                let proxy = matches!(number, OptionNumber::PROXY_URI | OptionNumber::PROXY_SCHEME);
                let code = if proxy { Code::PROXYING_NOT_SUPPORTED } else { Code::BAD_OPTION };
                *reply = self.refuse(from, message, code, Some(number.get()), tx);
            }
            return None;
        }
        let refusal = match self.admit(from, peer.zip(key), arrival, message, no_response) {
            Ok(index) => return Some(index),
            Err(refusal) => refusal,
        };
        let (code, counter) = match refusal {
            Refusal::Full => (Code::SERVICE_UNAVAILABLE, Counter::Full),
            Refusal::OverShare => (Code::TOO_MANY_REQUESTS, Counter::OverShare),
            Refusal::LongToken => (Code::BAD_REQUEST, Counter::Full),
        };
        self.count(counter);
        // With no state, from the datagram alone. A NON would take a Message ID, and is dropped where nothing is free.
        let answered = refusal != Refusal::Full && arrival == Arrival::Unicast;
        if message.message_type() == Type::Confirmable || answered {
            *reply = self.refuse(from, message, code, None, tx);
        }
        None
    }

    /// An exchange of a peer's that had this Message ID, unless it is too long ago.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    fn seen(&mut self, peer: u32, id: u16, key: u32) -> Option<u32> {
        #[cfg(test)]
        if self.core.hooks.no_deduplication {
            return None;
        }
        let index = self.held.find_remote(peer, id, key, R::HAS.server)?;
        if self.is_current(index) {
            return Some(index);
        }
        // RFC 7252 4.4: the Message ID may stand for something new, and only one of both is to be found.
        self.let_go(index);
        None
    }

    /// Takes a slot for a new request of a peer's.
    fn admit(
        &mut self,
        from: S::Peer,
        found: Option<(u32, u32)>,
        arrival: Arrival,
        message: &Message<'_>,
        no_response: Option<&[u8]>,
    ) -> Result<u32, Refusal> {
        let confirmable = message.message_type() == Type::Confirmable;
        let (peer, key) = match found {
            Some(found) => found,
            None => {
                let peer = self.new_peer(from).ok_or(Refusal::Full)?;
                (peer, self.held.remote_key(peer, message.message_id()))
            }
        };
        if R::HAS.shares {
            let share = u64::from(self.held.exchanges.capacity()).wrapping_mul(u64::from(self.rules().peer_share));
            let live = self.held.peers.at(peer).map_or(0, |peer| peer.live);
            if live > 0 && u64::from(live).wrapping_mul(100) >= share {
                return Err(Refusal::OverShare);
            }
        }
        let token = message.token();
        let long = R::HAS.long_tokens && token.len() > 8;
        if long {
            if !self.held.arena.could_hold(token.len()) {
                return Err(Refusal::LongToken);
            }
            if !self.make_room(peer, token.len()) {
                return Err(Refusal::Full);
            }
        }
        let state = match arrival {
            _ if confirmable => State::Asked,
            Arrival::Group if R::HAS.multicast => State::AskedGroup,
            _ => State::AskedNon,
        };
        let registers = if R::HAS.observe { self.look_for_observe(peer, message) } else { None };
        let since = self.held.ticks();
        let set = |exchange: &mut Exchange| {
            exchange.interval = key;
            exchange.since = since;
            if R::HAS.no_response || R::HAS.multicast {
                if let Some(bits) = asked(no_response) {
                    exchange.flags = bits;
                    exchange.speak_up();
                }
            }
            if !confirmable {
                exchange.flags |= flag::NON;
            }
            // What was piggybacked on an answer to these gives way first: it may be processed twice.
            if matches!(message.code(), Code::GET | Code::PUT | Code::DELETE | Code::FETCH | Code::IPATCH) {
                exchange.flags |= flag::IDEMPOTENT;
            }
            if let Some(block) = registers {
                exchange.register(block);
            }
        };
        let index = self.insert(state, peer, message.message_id(), token, set).ok_or(Refusal::Full)?;
        if long {
            self.keep_bytes(index, token);
        }
        self.await_answer(index, confirmable);
        Ok(index)
    }

    /// What a duplicate CON request gets.
    fn again(&mut self, index: u32, message: &Message<'_>, tx: &mut [u8]) -> Option<usize> {
        let exchange = self.held.exchanges.at(index)?;
        match exchange.state {
            State::Answered if !exchange.bytes.is_none() => self.kept(index, tx),
            // A Message ID of a response that we have taken: it cannot be a request's too.
            State::Taken => None,
            state => {
                if state == State::Asked {
                    // The answer is still being made, and will be a separate one.
                    self.acknowledge(index);
                }
                write(tx, Header::empty_acknowledgement(message.message_id()))
            }
        }
    }

    /// From now on the request counts as acknowledged.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(always))]
    pub(super) fn acknowledge(&mut self, index: u32) {
        self.stop(index);
        let rules = self.rules();
        let Some(exchange) = self.held.exchanges.at_mut(index) else { return };
        exchange.state = State::Deferred;
        let wait = if exchange.has(flag::LATER) { rules.defer_timeout } else { rules.answer_timeout };
        self.held.after(index, wait);
    }

    /// A response that is made without state: piggybacked for a CON, else under a Message ID of ours, if there is one.
    /// With a number, of an option that is not understood, for a person to read; else with Max-Age, where trying again
    /// may help.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(always))]
    fn refuse(
        &mut self,
        from: S::Peer,
        message: &Message<'_>,
        code: Code,
        option: Option<u16>,
        tx: &mut [u8],
    ) -> Option<usize> {
        let mut header = Header::acknowledgement(code, message.message_id());
        if message.message_type() != Type::Confirmable {
            if !R::HAS.shares && !R::HAS.long_tokens && !self.rules().non_bad_option() {
                return None;
            }
            let peer = self.peer(from)?;
            header = Header::non_confirmable(code, self.message_id(peer).ok()?);
            self.take_message_id(peer);
        }
        let mut writer = Writer::blank(tx);
        writer.begin_sound(header, message.token(), R::HAS.long_tokens);
        if let Some(number) = option {
            if R::HAS.problems && message.accept() == Some(ContentFormat::CONCISE_PROBLEM_DETAILS_CBOR) {
                // RFC 9290 3.1.1: response-code (-4), unprocessed-coap-option (-8).
                let [high, low] = number.to_be_bytes();
                writer.content_format(ContentFormat::CONCISE_PROBLEM_DETAILS_CBOR);
                writer.payload(&[0xa2, 0x23, 0x18, code.to_byte(), 0x27, 0x19, high, low]);
            } else {
                writer.payload(b"option ");
                decimal(&mut writer, number);
                writer.put(b" is not understood");
            }
        } else if code == Code::SERVICE_UNAVAILABLE || code == Code::TOO_MANY_REQUESTS {
            match const { refusal::<R>() } {
                Some((bytes, length)) => writer.put(bytes.get(..length).unwrap_or_default()),
                None => {
                    writer.max_age(self.rules().refusal_max_age);
                }
            }
        }
        writer.is_well().then_some(writer.length())
    }

    fn on_response(
        &mut self,
        from: S::Peer,
        peer: Option<u32>,
        message: &Message<'_>,
        tx: &mut [u8],
        reply: &mut Option<usize>,
    ) -> Option<Meaning> {
        let (id, message_type) = (message.message_id(), message.message_type());
        let confirmable = message_type == Type::Confirmable;
        if message_type != Type::Acknowledgement {
            let seen = peer.and_then(|peer| self.seen(peer, id, self.held.remote_key(peer, id)));
            // A client remembers nothing else.
            let taken =
                |index: &u32| !R::HAS.server || self.held.exchanges.at(*index).is_some_and(|e| e.state == State::Taken);
            if seen.filter(taken).is_some() {
                // RFC 7252 4.5: taken before, and acknowledged again.
                self.count(Counter::Duplicate);
                if confirmable {
                    *reply = write(tx, Header::empty_acknowledgement(id));
                }
                return None;
            }
        }
        // A piggybacked response answers the request that it acknowledges.
        let acknowledged = (message_type == Type::Acknowledgement).then_some(id);
        let some_are = [R::HAS.multicast, R::HAS.observe, R::HAS.nstart_queue];
        let found = self.held.answered(peer, acknowledged, message.token(), some_are);
        let Some(index) = found else {
            // RFC 7252 5.3.2.
            self.count(Counter::Unmatched);
            *reply = reject(message, tx);
            if R::HAS.observe && message_type == Type::NonConfirmable && message.observe().is_some() {
                // RFC 7641 3.6: of an observation that was forgotten.
                *reply = write(tx, Header::reset(id));
            }
            return None;
        };
        let blocks = self.rules().blocks_in_responses();
        let unrecognised = match self.rules().known_in_responses {
            None => message.has_critical(blocks),
            Some(known) => {
                let known = |number: OptionNumber| blocks && number.is_block() || known(number);
                message.unrecognised_in(true, known).next_of(R::HAS.texts).is_some()
            }
        };
        if unrecognised {
            self.count(Counter::BadOption);
            *reply = reject(message, tx);
            return None;
        }
        let handle = self.handle_of(index);
        let &exchange = self.held.exchanges.at(index)?;
        let round_trip =
            if exchange.state == State::Acked { exchange.interval } else { self.held.passed(exchange.since) };
        let round_trip = (exchange.again() == 0).then_some(round_trip);
        if R::HAS.observe && exchange.has(flag::OBSERVES) {
            let heard = self.on_notification(index, &exchange, message);
            if heard != Heard::Ended {
                // RFC 7641 3.5. One that comes again says nothing new, so that none needs to be remembered.
                if confirmable {
                    *reply = write(tx, Header::empty_acknowledgement(id));
                }
                let Heard::Fresh(number) = heard else { return None };
                let round_trip = round_trip.filter(|_| exchange.state != State::Watching);
                let observed = Some(number);
                return Some(Meaning::Response(Responded { handle, more: true, observed, round_trip }));
            }
        }
        let more = R::HAS.multicast && exchange.state == State::SentGroup;
        if !more {
            self.release(index);
        }
        if confirmable {
            *reply = write(tx, Header::empty_acknowledgement(id));
        }
        if confirmable || more {
            // Remembered, so that the response is acknowledged again if that gets lost, and not taken twice.
            if let Some(peer) = self.peer(from) {
                let key = self.held.remote_key(peer, id);
                let flags = flag::IDEMPOTENT | if confirmable { 0 } else { flag::NON };
                let since = self.held.ticks();
                let set = |taken: &mut Exchange| {
                    taken.interval = key;
                    taken.flags = flags;
                    taken.since = since;
                };
                match self.insert(State::Taken, peer, id, &[], set) {
                    Some(index) if S::INDEXED => self.remember(index),
                    // There it has nothing but its deadline.
                    Some(index) => self.held.after(index, self.lifetime(flags)),
                    None => {}
                }
            }
        }
        Some(Meaning::Response(Responded { handle, more, observed: None, round_trip }))
    }
}

/// Max-Age of a refusal, as it stands behind the token, and how long that is: where it is known when the image is built,
/// which then need not link what writes options.
const fn refusal<R: Roles>() -> Option<([u8; 6], usize)> {
    let Some(config) = R::CONFIG else { return None };
    let [a, b, c, d] = config.refusal_max_age.to_be_bytes();
    // Option 14: a delta of 13 and the byte behind it.
    Some(match config.refusal_max_age {
        0 => ([0xd0, 1, 0, 0, 0, 0], 2),
        1..=0xff => ([0xd1, 1, d, 0, 0, 0], 3),
        0x100..=0xffff => ([0xd2, 1, c, d, 0, 0], 4),
        0x1_0000..=0xff_ffff => ([0xd3, 1, b, c, d, 0], 5),
        _ => ([0xd4, 1, a, b, c, d], 6),
    })
}

/// RFC 7252 4.2, 4.3: what cannot be processed is reset if it is a CON, and dropped otherwise.
#[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(always))]
fn reject(message: &Message<'_>, tx: &mut [u8]) -> Option<usize> {
    let confirmable = message.message_type() == Type::Confirmable;
    if confirmable { write(tx, Header::reset(message.message_id())) } else { None }
}

/// Writes a number into the payload. The formatting of `core` takes a kilobyte of flash.
fn decimal(writer: &mut Writer<'_>, number: u16) {
    // Five digits at most.
    if number >= 10 {
        decimal(writer, number / 10);
    }
    writer.push(b'0' | (number % 10) as u8);
}
