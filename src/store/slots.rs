//! What a slot holds: a peer, or an exchange with one.

use super::arena::Chain;
use super::list::List;

/// A peer: its address, once, and what is counted for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer<P> {
    /// `None` only in a slot that is not in use.
    pub(crate) address: Option<P>,
    /// Exchanges that wait behind NSTART, oldest first.
    pub(crate) waiting: List,
    /// Since when the Message IDs of the present half of their range are given out, in ms modulo 2^32.
    pub(crate) since: u32,
    /// When the last one was given out.
    pub(crate) last: u32,
    /// How many exchanges refer to it.
    pub(crate) references: u32,
    /// The next Message ID.
    pub(crate) next_id: u16,
    /// How many of the present half were given out.
    pub(crate) given: u16,
    /// Exchanges that are outstanding (RFC 7252 4.7).
    pub(crate) outstanding: u8,
}

impl<P> Peer<P> {
    pub(crate) const NONE: Peer<P> = Peer {
        address: None,
        waiting: List::EMPTY,
        since: 0,
        last: 0,
        references: 0,
        next_id: 0,
        given: 0,
        outstanding: 0,
    };
}

/// Where an exchange stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub(crate) enum State {
    /// Not in use.
    #[default]
    None,
    /// A CON request of ours, sent and to be sent again.
    Sent,
    /// A CON request of ours that was acknowledged; the response is to come.
    Acked,
    /// A NON request of ours; the response is to come.
    SentNon,
    /// A request of ours that was reset, to be told by `poll`.
    WasReset,
    /// A CON request of a peer's, neither answered nor acknowledged.
    Asked,
    /// A CON request of a peer's, acknowledged and not answered.
    Deferred,
    /// A NON request of a peer's, not answered.
    AskedNon,
    /// A separate response of ours, sent and to be sent again.
    Confirming,
    /// A request of a peer's that was answered, remembered for duplicates.
    Answered,
    /// A CON response of a peer's that was taken, remembered to acknowledge it again.
    Taken,
}

/// An exchange with a peer, of either direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    /// Of the request; while `Confirming`, the peer's Message ID in the first two bytes.
    token: [u8; 8],
    pub(crate) peer: u32,
    /// What is sent again, or again to a duplicate.
    pub(crate) bytes: Chain,
    /// The time from the first transmission to the second in ms.
    pub(crate) interval: u32,
    /// When it was first transmitted; once remembered, since when. In ms modulo 2^32.
    pub(crate) since: u32,
    /// Of the message that is outstanding, ours or the peer's.
    pub(crate) message_id: u16,
    /// How often it was sent again. Once remembered: 0 for a CON, 1 for a NON.
    pub(crate) again: u8,
    pub(crate) state: State,
    token_length: u8,
    /// Whether it waits behind NSTART.
    pub(crate) waits: bool,
}

impl Exchange {
    pub(crate) const NONE: Exchange = Exchange {
        token: [0; 8],
        peer: 0,
        bytes: Chain::NONE,
        interval: 0,
        since: 0,
        message_id: 0,
        again: 0,
        state: State::None,
        token_length: 0,
        waits: false,
    };

    pub(crate) fn new(state: State, peer: u32, message_id: u16, token: &[u8]) -> Exchange {
        let mut exchange = Exchange { state, peer, message_id, ..Exchange::NONE };
        exchange.token_length = token.len().min(8) as u8;
        exchange.token.iter_mut().zip(token).for_each(|(to, from)| *to = *from);
        exchange
    }

    pub(crate) fn token(&self) -> &[u8] {
        self.token.get(..usize::from(self.token_length)).unwrap_or_default()
    }

    /// The peer's Message ID, of a request or response of theirs.
    pub(crate) fn remote_id(&self) -> Option<u16> {
        match self.state {
            State::Confirming => Some(u16::from_be_bytes([self.token[0], self.token[1]])),
            State::Asked | State::Deferred | State::AskedNon | State::Answered | State::Taken => Some(self.message_id),
            _ => None,
        }
    }

    /// Our Message ID, of a message that is outstanding.
    pub(crate) fn local_id(&self) -> Option<u16> {
        match self.state {
            State::Sent | State::Acked | State::SentNon | State::Confirming => Some(self.message_id),
            _ => None,
        }
    }

    /// Turns a request that was acknowledged into the response that is to be confirmed under a Message ID of ours.
    pub(crate) fn confirm(&mut self, local_id: u16) {
        let [high, low] = self.message_id.to_be_bytes();
        (self.token[0], self.token[1]) = (high, low);
        self.message_id = local_id;
        self.state = State::Confirming;
    }

    /// Turns it back into a request that is remembered under the peer's Message ID.
    pub(crate) fn remember(&mut self) {
        if let Some(remote_id) = self.remote_id() {
            self.message_id = remote_id;
        }
        self.state = State::Answered;
    }
}

impl Default for Exchange {
    fn default() -> Exchange {
        Exchange::NONE
    }
}
