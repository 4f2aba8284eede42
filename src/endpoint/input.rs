//! What a datagram means (RFC 7252 4.2 to 4.5, 5.2, 5.3.2).

use super::Endpoint;
use super::engine::Engine;
use super::types::{Arrival, ClientResponse, Event, Handle, Input, RequestId, ServerRequest, Transmit};
use crate::store::{Exchange, State, Store};
use crate::time::{Instant, millis};
use crate::wire::{Code, Header, Message, Type, Writer};
use core::fmt::Write;
use core::hash::Hash;

impl<S: Store> Endpoint<S> {
    /// Takes in a datagram.
    ///
    /// `tx` is where a reply is written; [`poll`](Endpoint::poll) is to be called afterwards, since the answer to when it wants to
    /// be called next may have changed. A datagram is never an error: what is wrong with it is answered as RFC 7252 says, or it is
    /// dropped. A `tx` that is too small for a reply is as good as a network that loses it.
    pub fn handle<'d>(
        &mut self,
        now: Instant,
        from: S::Peer,
        arrival: Arrival,
        datagram: &'d [u8],
        tx: &mut [u8],
    ) -> Input<'d, S::Peer> {
        let mut reply = None;
        let event = self.at(now).handle(now, from, arrival, datagram, tx, &mut reply);
        Input { reply: reply.map(|len| Transmit { to: from, len }), event }
    }
}

impl<P: Copy + Eq + Hash> Engine<'_, P> {
    fn handle<'d>(
        &mut self,
        now: Instant,
        from: P,
        arrival: Arrival,
        datagram: &'d [u8],
        tx: &mut [u8],
        reply: &mut Option<usize>,
    ) -> Event<'d, P> {
        if arrival == Arrival::Group {
            return Event::Handled;
        }
        self.expire(now);
        let message = match Message::parse(datagram) {
            Ok(message) => message,
            Err(error) => {
                *reply = error.reset().and_then(|id| write(tx, Header::reset(id)));
                return Event::Handled;
            }
        };
        let (id, peer) = (message.message_id(), self.find_peer(from));
        let is_request = message.code().is_request();
        match message.message_type() {
            Type::Confirmable | Type::NonConfirmable if is_request => {
                return self.on_request(now, from, message, tx, reply);
            }
            _ if message.code().is_response() => {
                if let Some(peer) = peer {
                    if let Some(event) = self.on_response(now, from, peer, message, tx, reply) {
                        return event;
                    }
                } else if message.message_type() == Type::Confirmable {
                    *reply = write(tx, Header::reset(id));
                }
            }
            // RFC 7252 4.3: a ping.
            Type::Confirmable => *reply = write(tx, Header::reset(id)),
            Type::NonConfirmable => {}
            Type::Acknowledgement => {
                if let Some(index) = peer.and_then(|peer| self.find_local(peer, id)) {
                    self.on_acknowledgement(now, index);
                }
            }
            Type::Reset => {
                if let Some(index) = peer.and_then(|peer| self.find_local(peer, id)) {
                    self.on_reset(now, index);
                }
            }
        }
        Event::Handled
    }

    fn on_request<'d>(
        &mut self,
        now: Instant,
        from: P,
        message: Message<'d>,
        tx: &mut [u8],
        reply: &mut Option<usize>,
    ) -> Event<'d, P> {
        let id = message.message_id();
        let confirmable = message.message_type() == Type::Confirmable;
        if let Some(index) = self.find_peer(from).and_then(|peer| self.find_remote(peer, id)) {
            // RFC 7252 4.5: a duplicate is acknowledged again, the request is processed once.
            if confirmable {
                *reply = self.again(now, index, id, tx);
            }
            return Event::Handled;
        }
        if let Some((number, _)) = message.unrecognised(self.core.config.known).next() {
            // RFC 7252 5.4.1: 4.02 to a CON; a NON is rejected in silence. No state: a duplicate gets the same again.
            if confirmable {
                let header = Header::acknowledgement(Code::BAD_OPTION, id);
                let mut writer = Writer::new(tx, header, message.token());
                let _ = write!(writer, "option {} is not understood", number.get());
                *reply = writer.finish().ok();
            }
            return Event::Handled;
        }
        let Some(index) = self.admit(now, from, &message) else {
            // No slot, or a token too long for one: 5.03 built from the datagram alone; a NON is dropped.
            if confirmable {
                let header = Header::acknowledgement(Code::SERVICE_UNAVAILABLE, id);
                *reply = Writer::new(tx, header, message.token()).max_age(10).finish().ok();
            }
            return Event::Handled;
        };
        let wait = if confirmable { self.core.config.acknowledge_after } else { self.core.config.answer_timeout };
        self.timers.schedule(&mut self.exchanges, index, (now + wait).as_millis());
        let Handle { index, generation, brand } = self.handle_of(index);
        Event::Request(ServerRequest { id: RequestId { index, generation, brand }, from, message })
    }

    /// Takes a slot for a new request of a peer's.
    fn admit(&mut self, now: Instant, from: P, message: &Message<'_>) -> Option<u32> {
        if message.token().len() > 8 {
            return None;
        }
        let state = if message.message_type() == Type::Confirmable { State::Asked } else { State::AskedNon };
        let peer = self.peer(now, from)?;
        self.insert(Exchange::new(state, peer, message.message_id(), message.token()))
    }

    /// What a duplicate CON request gets.
    fn again(&mut self, now: Instant, index: u32, id: u16, tx: &mut [u8]) -> Option<usize> {
        let exchange = self.exchanges.at_mut(index)?;
        match exchange.state {
            State::Answered if !exchange.bytes.is_none() => self.transmit(index, tx).map(|transmit| transmit.len),
            State::Asked => {
                // The answer is still being made, and will be a separate one.
                self.acknowledge(now, index);
                write(tx, Header::empty_acknowledgement(id))
            }
            State::Deferred | State::Confirming | State::Answered => write(tx, Header::empty_acknowledgement(id)),
            _ => None,
        }
    }

    /// From now on the request counts as acknowledged.
    pub(super) fn acknowledge(&mut self, now: Instant, index: u32) {
        if let Some(exchange) = self.exchanges.at_mut(index) {
            exchange.state = State::Deferred;
        }
        let wait = millis(self.core.config.answer_timeout);
        self.timers.schedule(&mut self.exchanges, index, now.as_millis().saturating_add(wait));
    }

    fn on_response<'d>(
        &mut self,
        now: Instant,
        from: P,
        peer: u32,
        message: Message<'d>,
        tx: &mut [u8],
        reply: &mut Option<usize>,
    ) -> Option<Event<'d, P>> {
        let id = message.message_id();
        let confirmable = message.message_type() == Type::Confirmable;
        if confirmable {
            if let Some(index) = self.find_remote(peer, id) {
                // RFC 7252 4.5: taken before, and acknowledged again.
                if self.exchanges.at(index).is_some_and(|exchange| exchange.state == State::Taken) {
                    *reply = write(tx, Header::empty_acknowledgement(id));
                    return None;
                }
            }
        }
        let (Some(index), None) = (self.answered(peer, &message), message.unrecognised(self.core.config.known).next())
        else {
            // RFC 7252 5.3.2, 4.2, 4.3: a CON that nobody waits for is reset, the rest dropped.
            if confirmable {
                *reply = write(tx, Header::reset(id));
            }
            return None;
        };
        let handle = self.handle_of(index);
        if self.exchanges.at(index)?.state == State::Sent && !self.exchanges.at(index)?.waits {
            self.finished(peer);
        }
        self.release(index);
        if confirmable {
            *reply = write(tx, Header::empty_acknowledgement(id));
            // Remembered, so that the response is acknowledged again if that gets lost.
            if let Some(index) =
                self.peer(now, from).and_then(|peer| self.insert(Exchange::new(State::Taken, peer, id, &[])))
            {
                self.remember(now, index, true);
            }
        }
        Some(Event::Response(ClientResponse { handle, from, message }))
    }

    /// The request of ours that a response answers (RFC 7252 5.3.2): by token and peer, and an ACK by its Message ID as well. One
    /// that has not been sent yet is not answered, nor does it hide another one with the same token.
    fn answered(&self, peer: u32, message: &Message<'_>) -> Option<u32> {
        let piggybacked = message.message_type() == Type::Acknowledgement;
        let index = self.find_token(peer, message.token(), |exchange| {
            let acknowledged = exchange.state != State::SentNon && exchange.local_id() == Some(message.message_id());
            !exchange.waits && (!piggybacked || acknowledged)
        })?;
        self.outstanding(index).map(|_| index)
    }

    /// An exchange of which a message was sent. One that waits for its turn cannot have been answered.
    fn outstanding(&self, index: u32) -> Option<Exchange> {
        self.exchanges.at(index).copied().filter(|_| self.timers.is_scheduled(&self.exchanges, index))
    }

    fn on_acknowledgement(&mut self, now: Instant, index: u32) {
        let Some(exchange) = self.outstanding(index) else { return };
        match exchange.state {
            State::Sent => {
                // The response will be a separate one.
                self.forget_bytes(index);
                if let Some(exchange) = self.exchanges.at_mut(index) {
                    exchange.state = State::Acked;
                }
                let wait = millis(self.core.config.response_timeout);
                self.timers.schedule(&mut self.exchanges, index, now.as_millis().saturating_add(wait));
                self.finished(exchange.peer);
            }
            State::Confirming => self.confirmed(now, index),
            _ => {}
        }
    }

    /// A separate response of ours has arrived, or is given up: the request is remembered.
    pub(super) fn confirmed(&mut self, now: Instant, index: u32) {
        let Some(exchange) = self.exchanges.at(index).copied() else { return };
        self.timers.cancel(&mut self.exchanges, index);
        self.unlink(index);
        if let Some(exchange) = self.exchanges.at_mut(index) {
            exchange.remember();
        }
        self.link(index);
        self.forget_bytes(index);
        self.finished(exchange.peer);
        self.remember(now, index, true);
    }

    fn on_reset(&mut self, now: Instant, index: u32) {
        let Some(exchange) = self.outstanding(index) else { return };
        match exchange.state {
            State::Sent | State::Acked | State::SentNon => {
                self.timers.cancel(&mut self.exchanges, index);
                self.forget_bytes(index);
                self.unlink(index);
                if let Some(exchange) = self.exchanges.at_mut(index) {
                    exchange.state = State::WasReset;
                }
                if exchange.state == State::Sent {
                    self.finished(exchange.peer);
                }
                self.core.ended.push_back(&mut self.exchanges, index);
            }
            State::Confirming => self.confirmed(now, index),
            _ => {}
        }
    }
}

/// Writes an Empty message.
pub(super) fn write(tx: &mut [u8], header: Header) -> Option<usize> {
    Writer::new(tx, header, &[]).finish().ok()
}
