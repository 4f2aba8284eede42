//! Which request a response answers (RFC 7252 5.3.2, 8.2).

use crate::store::{GROUP, Held, States, Store};

impl<S: Store> Held<S> {
    /// The request of ours that a response from this peer answers: by token and peer, or, for a request to a group, by
    /// the token alone. One that has not been sent yet is not answered, nor does it hide another one with the same token.
    /// With a Message ID, that of the request: it came with the acknowledgement. The last: whether there are requests to
    /// groups, observations, and requests that wait.
    pub(crate) fn answered(
        &self,
        peer: Option<u32>,
        acknowledged: Option<u16>,
        token: &[u8],
        [groups, observe, queue]: [bool; 3],
    ) -> Option<u32> {
        let states =
            if acknowledged.is_some() { States::MAY_BE_ACKNOWLEDGED } else { States::AWAITS_RESPONSE }.sent(queue);
        let asked = peer.and_then(|peer| self.find_token(peer, states, acknowledged, token, observe));
        if groups && asked.is_none() && acknowledged.is_none() {
            return self.find_token(GROUP, states, None, token, false);
        }
        asked
    }
}
