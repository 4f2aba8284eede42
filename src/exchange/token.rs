//! Tokens: ours, that nobody can guess (RFC 7252 5.3.1), and those of peers, echoed.

use crate::store::{Exchange, GROUP, Held, Scale};
use crate::wire::{Header, Token, Writer};
use core::hash::Hash;

/// How often a token is drawn that turns out to be taken. With four bytes and a million requests to one peer, ten in a
/// row are as likely as a hash that collides.
const DRAWS: u32 = 10;

impl<P: Copy + Eq + Hash, C: Scale> Held<'_, P, C> {
    /// A token of so many bytes that none of our requests to this peer, or to a group, has. `None`: all that were tried
    /// are taken.
    pub(crate) fn draw_token(&mut self, peer: u32, length: u8) -> Option<Token> {
        for _ in 0..DRAWS {
            let bytes = self.random.draw().to_le_bytes();
            let token = Token::try_from(bytes.get(..usize::from(length))?).ok()?;
            if !self.is_taken(peer, &token) && (peer == GROUP || !self.is_taken(GROUP, &token)) {
                return Some(token);
            }
        }
        None
    }

    /// Whether a request of ours to this peer has this token.
    pub(crate) fn is_taken(&self, peer: u32, token: &Token) -> bool {
        let ours = |exchange: &Exchange| exchange.state.holds_token();
        self.find_token(peer, token.as_bytes(), ours).is_some()
    }

    /// Begins the answer to a request: header, and the request's token, wherever it is kept.
    #[inline]
    pub(crate) fn begin_answer<'b>(
        &self,
        exchange: Option<&Exchange>,
        header: Header,
        tx: &'b mut [u8],
        long: bool,
    ) -> Writer<'b> {
        match exchange {
            Some(exchange) if long && exchange.has_long_token() => {
                let length = self.arena.len(exchange.bytes);
                Writer::with_token(tx, header, length, |room| {
                    self.arena.read(exchange.bytes, room);
                })
            }
            _ => Writer::new(tx, header, exchange.map(Exchange::token).unwrap_or_default()),
        }
    }
}
