//! What we observe (RFC 7641 section 3): which notification is the freshest so far.
//!
//! The request stays, bytes and all, to be made again. Its token stands in these bytes; in its place the exchange keeps
//! what 3.4 compares: the number of the freshest notification, and when it came.

use crate::store::{Exchange, Held, Store, flag};
use crate::wire::{Token, observe, same};
use core::time::Duration;

/// RFC 7252 section 3: where the token is, in our own messages.
const TOKEN: usize = 4;

impl<S: Store> Held<S> {
    /// The token of a request of ours.
    pub(crate) fn token_of(&self, exchange: &Exchange) -> Token {
        if !exchange.has_long_token() {
            return Token::try_from(exchange.token()).unwrap_or_default();
        }
        let (mut first, mut bytes) = ([0], [0; Token::MAX_LENGTH]);
        self.arena.peek(exchange.bytes, 0, &mut first);
        self.arena.peek(exchange.bytes, TOKEN, &mut bytes);
        let length = usize::from(first[0] & 15);
        bytes.get(..length).and_then(|bytes| Token::try_from(bytes).ok()).unwrap_or_default()
    }

    /// Whether a request of ours has this token. `observe`: whether it may be an observation.
    #[inline]
    pub(crate) fn has_token(&self, exchange: &Exchange, token: &[u8], observe: bool) -> bool {
        if observe && exchange.has_long_token() && exchange.has(flag::OBSERVES) {
            return same(self.token_of(exchange).as_bytes(), token);
        }
        same(exchange.token(), token)
    }
}

/// Whether a notification with this number is fresher than all before (RFC 7641 3.4). It has come at `now`, in ms modulo
/// 2^32.
pub(crate) const fn is_fresher(exchange: &Exchange, number: u32, elapsed: u32) -> bool {
    let (freshest, _) = exchange.freshest();
    !exchange.has(flag::REGISTERED) || observe::is_fresher(freshest, number, Duration::from_millis(elapsed as u64))
}
