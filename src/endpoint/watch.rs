//! What we observe (RFC 7641 section 3): notifications judged, the registration made again, and given up.

use super::Endpoint;
use super::errors::RequestError;
use super::types::{Output, Transmit};
use crate::exchange::{Handle, is_fresher};
use crate::reliability::{Counter, Engine};
use crate::roles::Roles;
use crate::store::{Exchange, State, Store, flag, unpack};
use crate::time::Instant;
use crate::wire::{Message, OptionNumber, Type, WriteError, observe};

/// RFC 7641 3.3.1: how long after Max-Age has run out, in ms; and how much longer it may be.
const PAUSE: u32 = 5_000;
const SPREAD: u32 = 10_000;

/// What a response means for an observation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// The observation is over, or never was one: an ordinary response.
    Ended,
    /// A notification with this number.
    Fresh(u32),
    /// One that says nothing new.
    Stale,
}

impl<S: Store, R: Roles> Endpoint<S, R> {
    /// Ends an observation of ours at once: asks the server to take us off its list, by the request that registered us
    /// with Observe 1 (RFC 7641 3.6). What [`cancel`](Endpoint::cancel) does is to forget it, and to reset the next
    /// notification.
    ///
    /// From then on it is an ordinary request: no more notifications are told, and it ends in a response from
    /// [`handle`](Endpoint::handle) without [`more`](super::ClientResponse::more), in
    /// [`Failed`](super::Output::Failed), or in `cancel`. What it gives out is to be sent; `None`: it waits behind
    /// NSTART.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotObserving`] if it is over, or no observation; others as [`request`](Endpoint::request). The
    /// observation goes on then.
    pub fn unobserve(
        &mut self,
        now: Instant,
        handle: Handle,
        tx: &mut [u8],
    ) -> Result<Option<Transmit<S::Peer>>, RequestError> {
        let engine = self.at(now);
        let index =
            engine.meant(handle).filter(|_| R::HAS.observe && R::HAS.client).ok_or(RequestError::NotObserving)?;
        let made = engine.unobserve(index, tx);
        engine.count_sent(matches!(made, Ok(Some(_))));
        made
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    /// A response has come to a request that observes, or wants to.
    pub(super) fn on_notification(&mut self, index: u32, exchange: &Exchange, message: &Message<'_>) -> Heard {
        // RFC 7641 3.1, 3.2: 2.xx with Observe. Anything else is an ordinary response.
        let Some(number) = message.observe().filter(|_| message.code().class() == 2) else { return Heard::Ended };
        let answers = message.message_type() == Type::Acknowledgement;
        if exchange.has(flag::LEAVES) {
            return if answers { Heard::Ended } else { Heard::Stale };
        }
        let now = self.held.ticks();
        let (freshest, since) = exchange.freshest();
        let elapsed = self.held.passed(since);
        // What answers a registration is later than all that was heard before it was made, even if the server has begun
        // to count anew.
        let renewed = answers && elapsed >= self.held.passed(exchange.since);
        if !renewed && !is_fresher(exchange, number, elapsed) {
            self.count(if number == freshest { Counter::Duplicate } else { Counter::Stale });
            return Heard::Stale;
        }
        self.settle(index);
        self.stop(index);
        self.held.link(index, false);
        if let Some(exchange) = self.held.exchanges.at_mut(index) {
            exchange.state = State::Watching;
            exchange.flags |= flag::REGISTERED;
            exchange.set_freshest(number, now);
        }
        self.held.link(index, true);
        // RFC 7641 3.3.1. Not longer than 12 days: a deadline is told from a time that has passed.
        let wait = message.max_age().saturating_mul(1_000).min(u32::MAX / 4);
        let wait = wait.saturating_add(PAUSE).saturating_add(self.held.random.up_to(SPREAD));
        self.held.after(index, wait);
        Heard::Fresh(number)
    }

    /// Max-Age has run out: the registration is made again, by the same token.
    pub(super) fn renew(&mut self, index: u32, tx: &mut [u8]) -> Option<Output<S::Peer>> {
        let &Exchange { peer, bytes, .. } = self.held.exchanges.at(index)?;
        let id = match self.next_id(peer) {
            Ok(id) => id as u16,
            Err(wait) => {
                self.held.after(index, wait);
                return None;
            }
        };
        self.held.arena.patch(bytes, 2, &id.to_be_bytes());
        if self.ask_again(index, id) { self.transmit(index, peer, tx) } else { None }
    }

    /// A request that is kept is made again under a new Message ID. True if at once.
    fn ask_again(&mut self, index: u32, id: u16) -> bool {
        let since = self.held.ticks();
        self.held.link(index, false);
        let Some(exchange) = self.held.exchanges.at_mut(index) else { return false };
        let (peer, non, patience) = (exchange.peer, exchange.has(flag::NON), exchange.patience);
        exchange.message_id = id;
        exchange.since = since;
        exchange.set_again(0);
        exchange.state = if non { State::SentNon } else { State::Sent };
        self.held.link(index, true);
        if non {
            self.take_message_id(peer);
            self.held.after(index, unpack(patience));
            return true;
        }
        let pace = self.rules().pace;
        self.pace(index, &pace);
        self.start(index, pace.nstart)
    }

    fn unobserve(&mut self, index: u32, tx: &mut [u8]) -> Result<Option<Transmit<S::Peer>>, RequestError> {
        let &exchange = self.held.exchanges.at(index).ok_or(RequestError::NotObserving)?;
        if !exchange.has(flag::OBSERVES) || exchange.has(flag::LEAVES) || !exchange.state.awaits_response() {
            return Err(RequestError::NotObserving);
        }
        let to = self.address(exchange.peer).ok_or(RequestError::NotObserving)?;
        let outstanding = exchange.state == State::Sent;
        if !exchange.has(flag::NON) && !outstanding {
            let may = self.may_wait(exchange.peer, self.rules().pace.nstart, false);
            may.map_err(|limit| RequestError::WouldWait { limit })?;
        }
        let id = self.message_id(exchange.peer);
        let id = id.map_err(|until| RequestError::NoMessageId { until: Instant::from_millis(until) })?;
        let len = self.held.arena.len(exchange.bytes).saturating_add(1);
        let needed = RequestError::Write(WriteError::BufferTooSmall { needed: len });
        let message = tx.get_mut(..len).ok_or(needed)?;
        self.held.arena.read(exchange.bytes, message);
        deregister(message, id).ok_or(RequestError::NotObserving)?;
        // Its token stands in these bytes.
        self.held.link(index, false);
        let kept = self.keep_bytes(index, message);
        self.held.link(index, true);
        if !kept {
            return Err(RequestError::NoBytes { needed: len });
        }
        self.settle(index);
        self.stop(index);
        if let Some(exchange) = self.held.exchanges.at_mut(index) {
            exchange.flags |= flag::LEAVES;
        }
        Ok(self.ask_again(index, id).then_some(Transmit { to, len }))
    }
}

/// Turns a registration, with a byte of room behind it, into a deregistration under this Message ID.
fn deregister(message: &mut [u8], id: u16) -> Option<()> {
    let (_, written) = message.split_last()?;
    let parsed = Message::parse(written).ok()?;
    let value = parsed.first(OptionNumber::OBSERVE).filter(|value| value.is_empty())?;
    // RFC 7252 3.1: the byte before has the length, none so far, in its lower half.
    let at = (value.as_ptr() as usize).checked_sub(message.as_ptr() as usize)?;
    let header = message.get_mut(at.checked_sub(1)?)?;
    *header |= 1;
    let mut carried = observe::DEREGISTER as u8;
    for byte in message.get_mut(at..)? {
        carried = core::mem::replace(byte, carried);
    }
    let [high, low] = id.to_be_bytes();
    if let [_, _, a, b, ..] = message {
        (*a, *b) = (high, low);
    }
    Some(())
}
