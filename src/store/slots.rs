//! What a slot holds: a peer, or an exchange with one.

use super::arena::Chain;
use super::ids::Ids;
use super::ring::Weave;
use super::table::{Entry, Link, Rows, Timed, Untimed};
use crate::copy::copy;
use crate::wire::SMALL;

/// A peer: its address, once, and what is counted for it.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(test, derive(Hash))]
pub struct Peer<P> {
    /// `None` only in a slot that is not in use.
    pub(crate) address: Option<P>,
    /// The Message IDs towards it, where there is an index. Without one there is one sequence for all.
    pub(crate) ids: Ids,
    /// When the last one was given out, in ms modulo 2^32; without an index, to a NON request.
    pub(crate) last: u32,
    /// How many exchanges refer to it. Counted where there is an index.
    pub(crate) references: u16,
    /// How many of them are requests of its that we have not dealt with.
    pub(crate) live: u16,
    /// Exchanges that are outstanding (RFC 7252 4.7). Counted where there is an index, or a queue.
    pub(crate) outstanding: u8,
    /// Exchanges that wait behind NSTART.
    pub(crate) waiting: u8,
    /// The size of the last NON request, if nothing was heard of the peer since: in units of 8 bytes, rounded up.
    pub(crate) unheard: u8,
}

impl<P> Peer<P> {
    pub(crate) const NONE: Peer<P> =
        Peer { address: None, ids: Ids::NONE, last: 0, references: 0, live: 0, outstanding: 0, waiting: 0, unheard: 0 };
}

impl<P: Copy> Entry for Peer<P> {
    type Timing = Untimed;
}

/// Where an exchange stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(test, derive(Hash))]
#[repr(u8)]
pub(crate) enum State {
    /// Not in use.
    #[default]
    None,
    /// A CON request of ours, to be sent until it is acknowledged.
    Sent,
    /// A CON request of ours that was acknowledged; the response is to come.
    Acked,
    /// A NON request of ours; the response is to come.
    SentNon,
    /// A NON request of ours to a group; responses are to come.
    SentGroup,
    /// A request of ours that has become an observation: notifications are to come.
    Watching,
    /// A request to a group that was cancelled: its token is not to be used yet.
    Retired,
    /// An Empty CON of ours, to be sent until it is reset.
    Pinged,
    /// A request of ours that has ended, to be told by `poll`: how is in `outcome`.
    Ended,
    /// A CON request of a peer's, neither answered nor acknowledged.
    Asked,
    /// A CON request of a peer's, acknowledged and not answered.
    Deferred,
    /// A NON request of a peer's, not answered.
    AskedNon,
    /// A NON request of a peer's to a group of ours, not answered.
    AskedGroup,
    /// The response to a group request, until its part of the leisure is over.
    Leisurely,
    /// A separate response of ours, to be sent until it is acknowledged.
    Confirming,
    /// A separate response of which `poll` is to tell how it ended: `outcome`.
    Confirmed,
    /// A notification that is to be acknowledged, or that waits for its turn: for an observer.
    Notifying,
    /// An observer that is not to be sent anything for a while.
    Resting,
    /// A message of ours, to be sent until it is acknowledged, and then forgotten: the last notification.
    Parting,
    /// A request of a peer's that was answered, remembered for duplicates.
    Answered,
    /// A response of a peer's that was taken, remembered for duplicates.
    Taken,
}

/// Some of the states, of an exchange that is looked for; and two bits on what else is to be so.
#[derive(Clone, Copy)]
pub(crate) struct States(u32);

/// In place of a Message ID: whichever it is.
pub(super) const ANY: u32 = 1 << 16;

/// In [`States`]: a message of ours was sent, and does not wait.
const SENT: u32 = 1 << 30;
/// In [`States`]: the Message ID is the peer's, which may have given way to one of ours.
const OF_PEER: u32 = 1 << 31;

impl States {
    /// Whichever it is in.
    pub(crate) const ALL: States = States(SENT - 1);

    const fn of(states: &[State]) -> States {
        let (mut all, mut rest) = (0, states);
        while let [state, behind @ ..] = rest {
            (all, rest) = (all | 1 << *state as u32, behind);
        }
        States(all)
    }

    const fn and(self, more: States) -> States {
        States(self.0 | more.0)
    }

    /// Whether a state is among these.
    pub(crate) const fn has(self, state: State) -> bool {
        self.0 >> state as u32 & 1 != 0
    }

    /// The same where these are a constant: of states that stand one behind the other, a comparison is left.
    #[inline(always)]
    const fn have(self, state: State) -> bool {
        let (first, count) = (self.0.trailing_zeros(), self.0.count_ones());
        if SMALL || 32 - self.0.leading_zeros() != first + count {
            return self.has(state);
        }
        (state as u32).wrapping_sub(first) < count
    }

    /// Of these, those of which a message of ours was sent. `queue`: whether some may wait for that.
    pub(crate) const fn sent(self, queue: bool) -> States {
        if queue { States(self.0 | SENT) } else { self }
    }

    /// A request of ours awaits responses.
    pub(crate) const AWAITS_RESPONSE: States =
        States::of(&[State::Sent, State::Acked, State::SentNon, State::SentGroup, State::Watching]);
    /// A request of ours may be answered by what acknowledges it.
    pub(crate) const MAY_BE_ACKNOWLEDGED: States = States::of(&[State::Sent, State::Acked]);
    /// A request of ours has its token to itself.
    pub(crate) const HOLDS_TOKEN: States = States::AWAITS_RESPONSE.and(States::of(&[State::Retired]));
    /// A request of a peer's awaits our answer.
    const AWAITS_ANSWER: States = States::of(&[State::Asked, State::Deferred, State::AskedNon, State::AskedGroup]);
    /// The answer has a Message ID of ours, so that the peer's lies elsewhere.
    const ANSWERED_APART: States = States::of(&[State::Leisurely, State::Confirming, State::Confirmed]);
    /// It is over, and kept for duplicates alone.
    pub(crate) const REMEMBERED: States = States::of(&[State::Answered, State::Taken]);
    /// It is known by our Message ID alone.
    const KNOWN_BY_MESSAGE: States = States::of(&[State::Confirming, State::Notifying, State::Parting]);
    /// A message of ours is on its way, or was, and is known by its Message ID.
    pub(crate) const LOCAL: States =
        States::of(&[State::Sent, State::Acked, State::SentNon, State::Pinged]).and(States::KNOWN_BY_MESSAGE);
    /// A message of the peer's is known by its Message ID.
    pub(crate) const REMOTE: States =
        States(States::AWAITS_ANSWER.0 | States::ANSWERED_APART.0 | States::REMEMBERED.0 | OF_PEER);
    /// A message of ours is to be acknowledged, now or once its turn has come.
    pub(crate) const OUTSTANDING: States =
        States::of(&[State::Sent, State::Pinged, State::Confirming, State::Notifying, State::Parting]);
}

impl State {
    /// Whether a request of ours awaits responses.
    pub(crate) const fn awaits_response(self) -> bool {
        States::AWAITS_RESPONSE.have(self)
    }

    /// Whether a request of a peer's awaits our answer.
    pub(crate) const fn awaits_answer(self) -> bool {
        States::AWAITS_ANSWER.have(self)
    }

    /// Whether a request of a peer's is not dealt with: unanswered, or its answer is on the way.
    pub(crate) const fn is_served(self) -> bool {
        States::AWAITS_ANSWER.and(States::ANSWERED_APART).have(self)
    }

    /// Whether the answer has a Message ID of ours, so that the peer's lies elsewhere.
    pub(crate) const fn is_answered_apart(self) -> bool {
        States::ANSWERED_APART.have(self)
    }

    /// Whether a message of ours is to be acknowledged, now or once its turn has come.
    pub(crate) const fn is_outstanding(self) -> bool {
        States::OUTSTANDING.have(self)
    }

    /// Whether it is known by our Message ID alone.
    pub(crate) const fn is_known_by_message(self) -> bool {
        States::KNOWN_BY_MESSAGE.have(self)
    }

    /// Whether it is over, and kept for duplicates alone.
    pub(crate) const fn is_remembered(self) -> bool {
        States::REMEMBERED.have(self)
    }
}

/// An exchange with a peer, of either direction.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(test, derive(Hash))]
pub struct Exchange {
    /// Of the request. While `Confirming`, the peer's Message ID in the first two bytes; once remembered, the links of
    /// a ring. Of a notification: the slot of the observer, and the number. Of an
    /// observation of ours: the number of the freshest notification, and when it came in ms modulo 2^32.
    token: [u8; 8],
    pub(crate) peer: u32,
    /// What is sent again, or again to a duplicate; of a request with a long token, that.
    pub(crate) bytes: Chain,
    /// The time from the first transmission to the second in ms; once acknowledged, the round trip; once ended, how. Of
    /// a peer's request until it is answered separately, and once remembered: by what it stands in the index.
    pub(crate) interval: u32,
    /// When it was first transmitted; once remembered, since when. In ms modulo 2^32.
    pub(crate) since: u32,
    /// Of the message that is outstanding, ours or the peer's.
    pub(crate) message_id: u16,
    /// How long a request of ours waits for its response once it is not sent again, as [`pack`] has it. Of a request of
    /// a peer's what it says of its answer: [`SPEAKS_UP`], [`REGISTERS`] and a size exponent. Of a notification the
    /// generation of the observer's slot.
    pub(crate) patience: u16,
    /// How often it was sent again (5 bits), how often it may be (5), how long the token is (4), whether it waits (1).
    counts: u16,
    pub(crate) state: State,
    /// See [`flag`].
    pub(crate) flags: u8,
}

/// What else is to be known of an exchange. Those of a peer's request first.
pub(crate) mod flag {
    /// RFC 7967 2.1: no response of class 2, in bit 1; of class 4, in bit 3; of class 5, in bit 4.
    pub(crate) const NO_RESPONSE: u8 = 0b0001_1010;
    /// It came as a NON, or is remembered for as long as one.
    pub(crate) const NON: u8 = 0b0000_0001;
    /// To be told by `poll` when the response has arrived.
    pub(crate) const REPORT: u8 = 0b0000_0100;
    /// The application has said that it answers later.
    pub(crate) const LATER: u8 = 0b0010_0000;
    /// Max-Age of the response goes down.
    pub(crate) const AGES: u8 = 0b0100_0000;
    /// May be processed again.
    pub(crate) const IDEMPOTENT: u8 = 0b1000_0000;

    /// Of a request of ours: it says that it wants no response at all.
    pub(crate) const SILENT: u8 = 0b0000_0010;
    /// Of a request of ours: it says that it does not want every response.
    pub(crate) const RESERVED: u8 = 0b0000_1000;
    /// Of a request of ours: it observes, or asks to.
    pub(crate) const OBSERVES: u8 = 0b0010_0000;
    /// Of one that observes: a notification has come.
    pub(crate) const REGISTERED: u8 = 0b1000_0000;
    /// Of a notification that is outstanding: the client is known to be there, so that it is begun anew.
    pub(crate) const ANEW: u8 = 0b0000_0001;
    /// Of one that observes: it asks not to, from now on.
    pub(crate) const LEAVES: u8 = 0b0000_0100;
}

/// In `patience`: it says which responses it wants.
const SPEAKS_UP: u16 = 1;
/// It wants to observe.
const REGISTERS: u16 = 2;
/// Shifted by so much: how large a block may be.
const BLOCK: u32 = 4;

const FIVE: u16 = 0x1f;
const AGAIN: u32 = 0;
const MOST: u32 = 5;
const TOKEN: u32 = 10;
const WAITS: u16 = 1 << 14;
/// The length of a token that is in the arena.
const LONG: u16 = 15;

impl Exchange {
    pub(crate) const NONE: Exchange = Exchange {
        token: [0; 8],
        peer: 0,
        bytes: Chain::NONE,
        interval: 0,
        since: 0,
        message_id: 0,
        patience: 0,
        counts: 0,
        state: State::None,
        flags: 0,
    };

    /// With a token of up to eight bytes; of a longer one nothing is kept here.
    #[cfg(test)]
    pub(crate) fn new(state: State, peer: u32, message_id: u16, token: &[u8]) -> Exchange {
        let mut exchange = Exchange::NONE;
        exchange.begin(state, peer, message_id, token);
        exchange
    }

    /// The same in place, whatever was there.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    pub(crate) fn begin(&mut self, state: State, peer: u32, message_id: u16, token: &[u8]) {
        copy(&mut self.token, token);
        self.peer = peer;
        self.bytes = Chain::NONE;
        self.interval = 0;
        self.since = 0;
        self.message_id = message_id;
        self.patience = 0;
        let length = if token.len() > 8 { LONG } else { token.len() as u16 };
        self.counts = length << TOKEN;
        self.state = state;
        self.flags = 0;
    }

    /// The token of the request, unless it is in the arena.
    pub(crate) fn token(&self) -> &[u8] {
        self.token.get(..usize::from((self.counts >> TOKEN) & 15)).unwrap_or_default()
    }

    /// The same with what is behind it, and how long it is.
    pub(super) const fn whole_token(&self) -> ([u8; 8], u8) {
        (self.token, (self.counts >> TOKEN & 15) as u8)
    }

    /// Whether the token is in the arena.
    pub(crate) const fn has_long_token(&self) -> bool {
        (self.counts >> TOKEN) & 15 == LONG
    }

    /// How often it was sent again.
    pub(crate) const fn again(&self) -> u8 {
        (self.counts >> AGAIN & FIVE) as u8
    }

    /// How often it may be sent again.
    pub(crate) const fn most(&self) -> u8 {
        (self.counts >> MOST & FIVE) as u8
    }

    pub(crate) const fn set_again(&mut self, again: u8) {
        self.counts = self.counts & !FIVE | again as u16 & FIVE;
    }

    /// It is to be sent again after so many ms, and so often.
    pub(crate) const fn pace(&mut self, interval: u32, most: u8) {
        self.interval = interval;
        self.counts = self.counts & !(FIVE << MOST | FIVE) | (most as u16 & FIVE) << MOST;
    }

    /// Whether it waits behind NSTART, so that nothing of it was sent.
    pub(crate) const fn waits(&self) -> bool {
        self.counts & WAITS != 0
    }

    pub(crate) const fn set_waits(&mut self, waits: bool) {
        self.counts = if waits { self.counts | WAITS } else { self.counts & !WAITS };
    }

    pub(crate) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether a request to a group says which responses it wants, so that no response is left out unasked. Such a
    /// request has no patience that were to be kept.
    pub(crate) const fn speaks_up(&self) -> bool {
        self.patience & SPEAKS_UP != 0
    }

    /// Notes that it does.
    pub(crate) const fn speak_up(&mut self) {
        self.patience |= SPEAKS_UP;
    }

    /// Notes that a request of a peer's is a registration (RFC 7641 4.1), and the size exponent of a block that it asks
    /// for, 7 for none.
    pub(crate) const fn register(&mut self, block: u8) {
        self.patience |= REGISTERS | (block as u16 & 7) << BLOCK;
    }

    /// That size exponent, if it is one.
    pub(crate) const fn registers(&self) -> Option<u8> {
        if self.patience & REGISTERS != 0 { Some((self.patience >> BLOCK & 7) as u8) } else { None }
    }

    /// A request of ours asks to observe: its token is to be found in its bytes from now on.
    pub(crate) const fn observe(&mut self) {
        self.flags |= flag::OBSERVES;
        self.counts |= LONG << TOKEN;
        self.token = [0; 8];
    }

    /// The freshest notification.
    pub(crate) const fn freshest(&self) -> (u32, u32) {
        let [a, b, c, d, e, f, g, h] = self.token;
        (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
    }

    pub(crate) const fn set_freshest(&mut self, number: u32, now: u32) {
        let ([a, b, c, d], [e, f, g, h]) = (number.to_le_bytes(), now.to_le_bytes());
        self.token = [a, b, c, d, e, f, g, h];
    }

    /// It is for an observer.
    pub(crate) const fn set_observer(&mut self, index: u32, generation: u16) {
        [self.token[0], self.token[1], self.token[2], self.token[3]] = index.to_le_bytes();
        self.patience = generation;
    }

    /// For which one, and its generation.
    pub(crate) const fn observer(&self) -> (u32, u16) {
        let [a, b, c, d, ..] = self.token;
        (u32::from_le_bytes([a, b, c, d]), self.patience)
    }

    /// The number of a notification that is on its way (RFC 7641 4.4).
    pub(crate) const fn number(&self) -> u32 {
        let [.., e, f, g, h] = self.token;
        u32::from_le_bytes([e, f, g, h])
    }

    pub(crate) const fn set_number(&mut self, number: u32) {
        [self.token[4], self.token[5], self.token[6], self.token[7]] = number.to_le_bytes();
    }

    /// The peer's Message ID, where it has given way to one of ours.
    const fn kept_id(&self) -> u16 {
        u16::from_le_bytes([self.token[0], self.token[1]])
    }

    /// The peer's Message ID, of a request or response of theirs.
    pub(crate) const fn remote_id(&self) -> u16 {
        if self.state.is_answered_apart() { self.kept_id() } else { self.message_id }
    }

    /// Whether it is with this peer, in one of these states, and has this Message ID, or [`ANY`]. `observe`:
    /// whether it may be an observation.
    #[inline(always)]
    pub(crate) const fn is(&self, peer: u32, states: States, id: u32, observe: bool) -> bool {
        if self.peer != peer {
            return false;
        }
        let its = if states.0 & OF_PEER != 0 { self.remote_id() } else { self.message_id };
        if id != ANY && its as u32 != id || !states.has(self.state) {
            return false;
        }
        // A registration that is to be made again has been sent before.
        states.0 & SENT == 0 || !self.waits() || observe && self.has(flag::REGISTERED)
    }

    /// Turns a request into the response to it that waits, under a Message ID of ours.
    pub(crate) const fn answer(&mut self, state: State, local_id: u16) {
        [self.token[0], self.token[1]] = self.message_id.to_le_bytes();
        self.message_id = local_id;
        self.state = state;
    }

    /// Turns it back into a request that is remembered under the peer's Message ID.
    pub(crate) fn remember(&mut self) {
        if self.state.is_answered_apart() {
            self.message_id = self.kept_id();
        }
        if self.state != State::Taken {
            self.state = State::Answered;
        }
    }
}

impl Default for Exchange {
    fn default() -> Exchange {
        Exchange::NONE
    }
}

impl Entry for Exchange {
    type Timing = Timed;
}

/// The ring of what is remembered of one peer: its links lie where the token was.
#[derive(Debug)]
pub(crate) enum OfPeer {}

impl Weave<Exchange, 2> for OfPeer {
    fn links(table: &impl Rows<Exchange, 2>, index: u32) -> Option<[Link; 2]> {
        let [a, b, c, d, e, f, g, h] = table.at(index)?.token;
        Some([Link::from_le_bytes([a, b, c, d]), Link::from_le_bytes([e, f, g, h])])
    }

    fn set(table: &mut impl Rows<Exchange, 2>, index: u32, links: Option<[Link; 2]>) {
        // Of one that is a member no more, nobody asks for them.
        let Some([before, behind]) = links else { return };
        let Some(exchange) = table.at_mut(index) else { return };
        let ([a, b, c, d], [e, f, g, h]) = (before.to_le_bytes(), behind.to_le_bytes());
        exchange.token = [a, b, c, d, e, f, g, h];
    }

    fn set_previous(table: &mut impl Rows<Exchange, 2>, index: u32, previous: Link) {
        if let Some(Exchange { token: [a, b, c, d, ..], .. }) = table.at_mut(index) {
            [*a, *b, *c, *d] = previous.to_le_bytes();
        }
    }

    fn set_next(table: &mut impl Rows<Exchange, 2>, index: u32, next: Link) -> Option<Link> {
        let Exchange { token: [.., a, b, c, d], .. } = table.at_mut(index)?;
        let before = Link::from_le_bytes([*a, *b, *c, *d]);
        [*a, *b, *c, *d] = next.to_le_bytes();
        Some(before)
    }
}

/// What 14 bits count, in ms: two more bits say which.
const fn unit(which: u16) -> u32 {
    match which {
        0 => 1,
        1 => 10,
        2 => 1_000,
        _ => 60_000,
    }
}

const MOST_UNITS: u32 = (1 << 14) - 1;

/// A time in ms in 16 bits: exact up to 16 s; then rounded up to 10 ms, from 163 s to a second, from 4.5 hours to a
/// minute; at most 11 days.
pub(crate) const fn pack(ms: u32) -> u16 {
    let mut which = 0;
    while which < 4 {
        let units = ms.div_ceil(unit(which));
        if units <= MOST_UNITS {
            return which << 14 | units as u16;
        }
        which = which.wrapping_add(1);
    }
    u16::MAX
}

/// The time that was packed.
pub(crate) const fn unpack(packed: u16) -> u32 {
    (packed as u32 & MOST_UNITS).wrapping_mul(unit(packed >> 14))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_packed_time_is_never_shorter_and_hardly_longer(ms in prop_oneof![0..200_000_u32, 0..MOST_UNITS * 60_000]) {
            let packed = unpack(pack(ms));
            prop_assert!(packed >= ms);
            prop_assert!(u64::from(packed - ms) * 163 <= u64::from(ms));
            if ms <= 16_000 || ms % 10 == 0 && ms <= 163_000 || ms % 1_000 == 0 && ms <= 16_000_000 {
                prop_assert_eq!(packed, ms);
            }
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        assert_eq!((pack(0), unpack(0)), (0, 0));
        assert_eq!(unpack(pack(93_000)), 93_000);
        assert_eq!(unpack(pack(u32::MAX)), MOST_UNITS * 60_000);
        assert_eq!(unpack(u16::MAX), MOST_UNITS * 60_000);
    }

    #[test]
    fn counts_do_not_touch_each_other() {
        let mut exchange = Exchange::new(State::Sent, 1, 2, &[1, 2, 3]);
        exchange.set_again(9);
        exchange.pace(7, 20);
        assert_eq!((exchange.again(), exchange.interval), (0, 7));
        exchange.set_again(31);
        exchange.set_waits(true);
        assert_eq!((exchange.again(), exchange.most(), exchange.waits(), exchange.token().len()), (31, 20, true, 3));
        exchange.set_again(0);
        exchange.set_waits(false);
        assert_eq!((exchange.again(), exchange.most(), exchange.waits(), exchange.token().len()), (0, 20, false, 3));
    }
}
