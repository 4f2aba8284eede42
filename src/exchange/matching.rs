//! Which request a response answers (RFC 7252 5.3.2, 8.2).

use crate::store::{Exchange, GROUP, Held, Layout};
use core::hash::Hash;

impl<P: Copy + Eq + Hash, C: Layout<Peer = P>> Held<'_, P, C> {
    /// The request of ours that a response from this peer answers: by token and peer, or, for a request to a group, by
    /// the token alone. `may_be` says whether a request comes into question; of several with one token it is one for
    /// which it does.
    pub(crate) fn answered(
        &self,
        peer: Option<u32>,
        token: &[u8],
        groups: bool,
        observe: bool,
        may_be: impl Fn(&Exchange) -> bool,
    ) -> Option<u32> {
        let awaits = |exchange: &Exchange| exchange.state.awaits_response() && may_be(exchange);
        let asked = peer.and_then(|peer| self.find_token(peer, token, observe, awaits));
        if groups && asked.is_none() { self.find_token(GROUP, token, false, awaits) } else { asked }
    }
}
