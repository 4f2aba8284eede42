//! What is due, one thing at a time.

use super::Endpoint;
use super::types::{Failure, Output, Transmit};
use crate::exchange::RequestId;
use crate::reliability::{Again, Counter, Engine, Outcome, write};
use crate::roles::Roles;
use crate::store::{Exchange, State, Store, Tables, flag};
use crate::time::Instant;
use crate::wire::{Code, Header, Message, OptionNumber, Writer};

/// Steps of one call that lead to nothing that the caller has to do.
pub(super) const STEPS: u32 = 16;

/// In so many ms: not before something else happens.
pub(super) const NEVER: u32 = u32::MAX;

impl<S: Store, R: Roles> Endpoint<S, R> {
    /// Gives the next thing to be done: call it until it is [`Output::Idle`], and again at the time that this names, or
    /// after any other call.
    ///
    /// A `tx` that is too small for a message is as good as a network that loses it.
    pub fn poll(&mut self, now: Instant, tx: &mut [u8]) -> Output<S::Peer> {
        let engine = self.at(now);
        let output = engine.poll(tx);
        engine.count_sent(matches!(output, Output::Send(_)));
        output
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    fn poll(&mut self, tx: &mut [u8]) -> Output<S::Peer> {
        if R::HAS.observe {
            if let Some(output) = self.begin_walk(tx) {
                return output;
            }
        }
        if !S::INDEXED {
            return self.poll_few(tx);
        }
        self.list_fresh();
        for _ in 0..STEPS {
            let now = self.held.elapsed();
            let Tables { timers, exchanges, .. } = &mut *self.held;
            let due = timers.pop_due(exchanges, now).or_else(|| self.pop_asked());
            let Some(index) = due else { break };
            let mut output = self.due(index, tx);
            if R::HAS.observe && output.is_none() {
                output = self.ask(tx);
            }
            if let Some(output) = output {
                if R::HAS.observe {
                    self.core.observing.turn = true;
                }
                return output;
            }
        }
        if R::HAS.observe {
            if let Some(output) = self.walk(tx) {
                return output;
            }
        }
        self.expire(STEPS);
        self.sweep();
        if R::HAS.observe {
            self.sweep_observers();
        }
        let mut transfers = NEVER;
        if R::HAS.transfers {
            match self.expire_transfers(STEPS) {
                Ok(output) => return output,
                Err(wait) => transfers = wait,
            }
            if self.held.transfers.sweep > 0 {
                transfers = 0;
            }
        }
        for _ in 0..STEPS {
            if !self.drop_idle_peer(false) {
                break;
            }
        }
        let deadline = self.held.timers.next_deadline(&self.held.exchanges);
        let ahead = |deadline: u64| deadline.saturating_sub(self.held.elapsed()).min(u64::from(NEVER)) as u32;
        let sweep = Some(0).filter(|_| self.core.sweep > 0);
        let mut next = [deadline.map(ahead), self.next_expiry(), sweep].into_iter().flatten().min();
        if R::HAS.transfers {
            next = next.into_iter().chain(Some(transfers).filter(|&wait| wait < NEVER)).min();
        }
        if R::HAS.observe {
            next = next.into_iter().chain(self.next_walk()).min();
        }
        Output::Idle(next.map(|wait| Instant::from_millis(self.held.later(wait))))
    }

    /// The same where there is no index: whatever is held has its deadline.
    fn poll_few(&mut self, tx: &mut [u8]) -> Output<S::Peer> {
        // As long as nothing is.
        let mut wait = 0;
        for _ in 0..STEPS {
            let soonest = self.held.exchanges.soonest(self.held.ticks());
            let Some((index, _)) = soonest.filter(|&(_, ahead)| ahead <= 0) else {
                wait = soonest.map_or(NEVER, |(_, ahead)| ahead as u32);
                break;
            };
            if let Some(output) = self.due(index, tx) {
                return output;
            }
            if R::HAS.observe && self.core.observing.asked.observer > 0 {
                break;
            }
        }
        if R::HAS.observe && R::HAS.server {
            if self.core.observing.asked.observer == 0 {
                wait = wait.min(self.walk_few().err().unwrap_or(0));
            }
            if let Some(output) = self.ask(tx) {
                return output;
            }
        }
        if R::HAS.transfers {
            match self.expire_transfers(STEPS) {
                Ok(output) => return output,
                Err(next) => wait = wait.min(next),
            }
        }
        if wait == NEVER {
            return Output::Idle(None);
        }
        Output::Idle(Some(Instant::from_millis(self.held.later(wait))))
    }

    /// A timer has run out.
    fn due(&mut self, index: u32, tx: &mut [u8]) -> Option<Output<S::Peer>> {
        // What is looked at, and no copy of all of it: that takes more flash.
        let (rules, ticks) = (self.rules(), self.held.ticks());
        let exchange = self.held.exchanges.at_mut(index)?;
        let &mut Exchange { state, peer, message_id, interval, flags, .. } = exchange;
        let waits = (S::INDEXED || R::HAS.nstart_queue) && exchange.waits();
        let has = |flag: u8| flags & flag != 0;
        let sent_again = match state {
            State::Sent | State::Pinged | State::Confirming => true,
            State::Notifying | State::Parting => R::HAS.observe,
            _ => false,
        };
        let mut next = Again::Later;
        if sent_again && !waits {
            let wait;
            (next, wait) = Self::next_try(&rules, exchange, ticks);
            if next != Again::Never {
                self.held.after(index, wait);
            }
            #[cfg(test)]
            if self.core.hooks.endless_retransmission {
                next = Again::Now;
                self.held.after(index, interval);
            }
        }
        if R::HAS.observe {
            match state {
                State::Watching if R::HAS.client => return self.renew(index, tx),
                State::Resting if S::INDEXED => {
                    self.rested(index);
                    return None;
                }
                State::Notifying if waits => {
                    self.take_turn(index);
                    return None;
                }
                _ => {}
            }
        }
        if R::HAS.nstart_queue && waits {
            return if self.launch_waiting(index) { self.transmit(index, peer, tx) } else { None };
        }
        match state {
            _ if sent_again => match next {
                Again::Later => None,
                next if R::HAS.observe
                    && state == State::Notifying
                    && (next == Again::Now || !Self::PLAIN && has(flag::ANEW)) =>
                {
                    if next == Again::Never {
                        // It is written under a new Message ID; or, where the application does not, waits once more.
                        self.held.after(index, interval);
                    }
                    self.tell_again(index);
                    None
                }
                Again::Now => {
                    self.count(Counter::Retransmitted);
                    self.transmit(index, peer, tx)
                }
                Again::Never => {
                    self.count(Counter::TimedOut);
                    if !R::HAS.server || R::HAS.client && matches!(state, State::Sent | State::Pinged) {
                        return Some(self.failed(index, Failure::TimedOut));
                    }
                    if R::HAS.observe {
                        self.on_lost(index, Outcome::TimedOut);
                    } else {
                        self.confirmed(index, Outcome::TimedOut);
                    }
                    None
                }
            },
            State::Acked | State::SentNon | State::SentGroup if R::HAS.client => {
                self.count(Counter::TimedOut);
                let reserved = R::HAS.no_response && has(flag::RESERVED);
                Some(self.failed(index, if reserved { Failure::Unanswered } else { Failure::TimedOut }))
            }
            State::Ended if R::HAS.client => {
                let handle = self.handle_of(index);
                self.release(index);
                Some(match Outcome::kept(interval) {
                    Outcome::Acknowledged => Output::Acknowledged(handle),
                    outcome => Output::Failed(handle, failure(outcome)),
                })
            }
            State::Asked if R::HAS.server => {
                // RFC 7252 5.2.2: the acknowledgement cannot wait for the answer any longer.
                self.acknowledge(index);
                let len = write(tx, Header::empty_acknowledgement(message_id))?;
                Some(Output::Send(Transmit { to: self.address(peer)?, len }))
            }
            state if R::HAS.server && R::HAS.unanswered && state.awaits_answer() => {
                // The application has not answered at all.
                self.count(Counter::Unanswered);
                let id = RequestId(self.handle_of(index));
                let answered = self.respond(id, 0, tx, |response| {
                    response.code(Code::SERVICE_UNAVAILABLE);
                });
                match answered {
                    Ok(transmit) => transmit.map(Output::Send),
                    Err(_) => self.refuse_once(index, tx),
                }
            }
            State::Leisurely if R::HAS.multicast => {
                let transmit = self.transmit(index, peer, tx);
                let since = self.held.ticks();
                if let Some(peer) = self.held.peers.at_mut(peer) {
                    peer.last = since;
                }
                self.forget_bytes(index);
                self.remember(index);
                transmit
            }
            State::Confirmed if R::HAS.reports => {
                let id = RequestId(self.handle_of(index));
                // Of a peer that was forgotten in the meantime nothing is remembered.
                if has(flag::REPORT) {
                    self.remember(index);
                } else {
                    self.release(index);
                }
                Some(match Outcome::kept(interval) {
                    Outcome::Acknowledged => Output::Delivered(id),
                    outcome => Output::Undelivered(id, failure(outcome)),
                })
            }
            // Remembered for long enough; or a request to a group that was cancelled, whose token is free now.
            _ => {
                self.release(index);
                None
            }
        }
    }

    /// Sends what is kept with an exchange to its peer.
    pub(super) fn transmit(&mut self, index: u32, peer: u32, tx: &mut [u8]) -> Option<Output<S::Peer>> {
        let len = self.kept(index, tx)?;
        let to = self.address(peer)?;
        Some(Output::Send(Transmit { to, len }))
    }

    /// Writes what is kept with an exchange.
    pub(super) fn kept(&mut self, index: u32, tx: &mut [u8]) -> Option<usize> {
        let exchange = self.held.exchanges.at(index)?;
        if R::HAS.client && exchange.state == State::Pinged {
            return write(tx, Header::confirmable(Code::EMPTY, exchange.message_id));
        }
        let len = self.held.arena.read(exchange.bytes, tx)?;
        // Within the leisure nothing was sent yet that could have grown old.
        if R::HAS.aging && exchange.has(flag::AGES) && exchange.state != State::Leisurely {
            age(tx.get_mut(..len)?, self.held.passed(exchange.since) / 1000);
        }
        Some(len)
    }

    /// The 5.03 for which there is no room or no Message ID to send it again by: sent once, as a NON.
    fn refuse_once(&mut self, index: u32, tx: &mut [u8]) -> Option<Output<S::Peer>> {
        let &exchange = self.held.exchanges.at(index)?;
        let header =
            self.message_id(exchange.peer).ok().map(|id| Header::non_confirmable(Code::SERVICE_UNAVAILABLE, id));
        let written = header.map(|header| {
            let mut writer = Writer::blank(tx);
            self.held.begin_answer(index, header, &mut writer, R::HAS.long_tokens);
            writer.finish()
        });
        self.forget_bytes(index);
        self.remember(index);
        let len = written?.ok()?;
        self.take_message_id(exchange.peer);
        Some(Output::Send(Transmit { to: self.address(exchange.peer)?, len }))
    }

    fn failed(&mut self, index: u32, why: Failure) -> Output<S::Peer> {
        let handle = self.handle_of(index);
        self.release(index);
        Output::Failed(handle, why)
    }
}

const fn failure(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Reset => Failure::Reset,
        Outcome::Forgotten => Failure::Forgotten,
        Outcome::Unreachable => Failure::Unreachable,
        Outcome::Acknowledged | Outcome::TimedOut => Failure::TimedOut,
    }
}

/// Lowers Max-Age by so many seconds, where it stands (RFC 7252 5.10.5).
fn age(message: &mut [u8], seconds: u32) {
    let Some((start, length)) = max_age(message) else { return };
    let Some(value) = message.get_mut(start..start.wrapping_add(length)) else { return };
    let fresh = value.iter().fold(0_u32, |number, &byte| number << 8 | u32::from(byte));
    let mut left = fresh.saturating_sub(seconds);
    for byte in value.iter_mut().rev() {
        *byte = left as u8;
        left >>= 8;
    }
}

/// Where the value of Max-Age is: what lies behind its end is as long as what is left of the message there.
fn max_age(message: &[u8]) -> Option<(usize, usize)> {
    let parsed = Message::parse(message).ok()?;
    let value = parsed.first(OptionNumber::MAX_AGE).filter(|value| value.len() <= 4)?;
    let start = (value.as_ptr() as usize).checked_sub(message.as_ptr() as usize)?;
    Some((start, value.len()))
}
