//! What is due, one thing at a time.

use super::Endpoint;
use super::engine::{Engine, passed};
use super::input::write;
use super::types::{Failure, Output, Transmit};
use crate::store::{State, Store};
use crate::time::{Instant, millis};
use crate::wire::{Code, Header, Writer};
use core::hash::Hash;

/// Steps of one call that lead to nothing that the caller has to do.
const STEPS: u32 = 16;

/// What becomes of a message that was not acknowledged yet.
enum Again {
    /// It is sent again.
    Now,
    /// Nothing, until later.
    Later,
    /// It is given up.
    Never,
}

impl<S: Store> Endpoint<S> {
    /// Gives the next thing to be done: call it until it is [`Output::Idle`], and again at the time that this names, or after
    /// any other call.
    ///
    /// A `tx` that is too small for a message is as good as a network that loses it.
    pub fn poll(&mut self, now: Instant, tx: &mut [u8]) -> Output<S::Peer> {
        self.at(now).poll(now, tx)
    }
}

impl<P: Copy + Eq + Hash> Engine<'_, P> {
    fn poll(&mut self, now: Instant, tx: &mut [u8]) -> Output<P> {
        if let Some(index) = self.core.ended.first() {
            return self.failed(index, Failure::Reset);
        }
        for _ in 0..STEPS {
            // A timer that has run out may have been what others waited for: both in one loop.
            if let Some(index) = self.core.ready.pop_front(&mut self.exchanges) {
                self.first_timeout(now, index);
                if let Some(transmit) = self.transmit(index, tx) {
                    return Output::Send(transmit);
                }
            } else if let Some(index) = self.timers.pop_due(&mut self.exchanges, now.as_millis()) {
                if let Some(output) = self.due(now, index, tx) {
                    return output;
                }
            } else {
                break;
            }
        }
        self.expire(now);
        for _ in 0..STEPS {
            if !self.drop_idle_peer(now) {
                break;
            }
        }
        let expiry = |confirmable| self.expiry(now, confirmable).map(|(_, at)| at);
        let ready = self.core.ready.first().map(|_| now.as_millis());
        let next = [ready, self.timers.next_deadline(&self.exchanges), expiry(true), expiry(false)];
        Output::Idle(next.into_iter().flatten().min().map(Instant::from_millis))
    }

    /// Forgets what was remembered for long enough.
    pub(super) fn expire(&mut self, now: Instant) {
        for confirmable in [true, false] {
            for _ in 0..STEPS {
                match self.expiry(now, confirmable) {
                    Some((index, at)) if at <= now.as_millis() => self.release(index),
                    _ => break,
                }
            }
        }
    }

    /// A timer has run out.
    fn due(&mut self, now: Instant, index: u32, tx: &mut [u8]) -> Option<Output<P>> {
        let exchange = self.exchanges.at(index).copied()?;
        match exchange.state {
            State::Sent | State::Confirming => match self.next_try(now, index) {
                Again::Now => self.transmit(index, tx).map(Output::Send),
                Again::Later => None,
                Again::Never if exchange.state == State::Confirming => {
                    self.confirmed(now, index);
                    None
                }
                Again::Never => {
                    self.finished(exchange.peer);
                    Some(self.failed(index, Failure::TimedOut))
                }
            },
            State::Acked | State::SentNon => Some(self.failed(index, Failure::TimedOut)),
            State::Asked => {
                // RFC 7252 5.2.2: the acknowledgement cannot wait for the answer any longer.
                self.acknowledge(now, index);
                let len = write(tx, Header::empty_acknowledgement(exchange.message_id))?;
                Some(Output::Send(Transmit { to: self.address(exchange.peer)?, len }))
            }
            State::Deferred | State::AskedNon => {
                // The application has not answered at all.
                let sent = self.respond(now, index, tx, |writer| {
                    writer.code(Code::SERVICE_UNAVAILABLE);
                });
                match sent {
                    Ok(transmit) => transmit.map(Output::Send),
                    Err(_) => self.refuse_once(now, index, tx),
                }
            }
            State::None | State::WasReset | State::Answered | State::Taken => None,
        }
    }

    /// Whether a message is to be sent again now, and when to look again (RFC 7252 4.2).
    ///
    /// The k-th retransmission is due 2^k - 1 first timeouts after the first transmission. Who polls late catches up: no faster
    /// than ACK_TIMEOUT, and not beyond MAX_TRANSMIT_SPAN.
    fn next_try(&mut self, now: Instant, index: u32) -> Again {
        let transmission = self.core.config.transmission;
        let most = transmission.retransmissions();
        let span = millis(transmission.max_transmit_span());
        let pause = millis(transmission.ack_timeout);
        let Some(exchange) = self.exchanges.at_mut(index) else { return Again::Never };
        let interval = u64::from(exchange.interval);
        let offset = |k: u8| interval.saturating_mul((1_u64 << k).wrapping_sub(1));
        let end = offset(most.wrapping_add(1));
        let passed = passed(now, exchange.since);
        if passed >= end {
            return Again::Never;
        }
        let mut next = end;
        let send = exchange.again < most && passed <= span;
        if send {
            exchange.again = exchange.again.wrapping_add(1);
            if exchange.again < most {
                let planned = offset(exchange.again.wrapping_add(1)).max(passed.saturating_add(pause));
                next = if planned <= span { planned } else { end };
            }
        }
        let at = now.as_millis().saturating_add(next.saturating_sub(passed));
        self.timers.schedule(&mut self.exchanges, index, at);
        if send { Again::Now } else { Again::Later }
    }

    /// The 5.03 for which there is no room or no Message ID to send it again by: sent once, as a NON.
    fn refuse_once(&mut self, now: Instant, index: u32, tx: &mut [u8]) -> Option<Output<P>> {
        let exchange = self.exchanges.at_mut(index)?;
        let confirmable = exchange.state == State::Deferred;
        exchange.state = State::Answered;
        let exchange = *exchange;
        self.remember(now, index, confirmable);
        let id = self.message_id(now, exchange.peer).ok()?;
        let header = Header::non_confirmable(Code::SERVICE_UNAVAILABLE, id);
        let len = Writer::new(tx, header, exchange.token()).finish().ok()?;
        self.take_message_id(now, exchange.peer);
        Some(Output::Send(Transmit { to: self.address(exchange.peer)?, len }))
    }

    fn failed(&mut self, index: u32, why: Failure) -> Output<P> {
        let handle = self.handle_of(index);
        self.release(index);
        Output::Failed(handle, why)
    }
}
