//! Tokens: ours, that nobody can guess (RFC 7252 5.3.1), and those of peers, echoed.

use crate::store::{GROUP, Held, States, Store};
use crate::wire::{Header, Token, Writer};

/// How often a token is drawn that turns out to be taken. With four bytes and a million requests to one peer, ten in a
/// row are as likely as a hash that collides.
const DRAWS: u32 = 10;

impl<S: Store> Held<S> {
    /// Draws a token of so many bytes that none of our requests to this peer, or to a group, has. False: all that were tried
    /// are taken. `groups`: whether there may be any to groups.
    pub(crate) fn draw_token(&mut self, token: &mut Token, peer: u32, length: u8, groups: bool, observe: bool) -> bool {
        for _ in 0..DRAWS {
            *token = Token::of(self.random.draw().to_le_bytes(), length);
            let everybody = groups && peer != GROUP && self.is_taken(GROUP, token, false);
            if !everybody && !self.is_taken(peer, token, observe) {
                return true;
            }
        }
        false
    }

    /// Whether a request of ours to this peer has this token.
    pub(crate) fn is_taken(&self, peer: u32, token: &Token, observe: bool) -> bool {
        self.find_token(peer, States::HOLDS_TOKEN, None, token.as_bytes(), observe).is_some()
    }

    /// Begins the answer to a request: header, and the request's token, wherever it is kept.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(always))]
    pub(crate) fn begin_answer(&self, index: u32, header: Header, writer: &mut Writer<'_>, long: bool) {
        let Some(exchange) = self.exchanges.at(index) else { return };
        if long && exchange.has_long_token() {
            let length = self.arena.len(exchange.bytes);
            writer.begin_filling(header, length, |room| {
                self.arena.read(exchange.bytes, room);
            });
        } else {
            writer.begin_sound(header, exchange.token(), long);
        }
    }
}
