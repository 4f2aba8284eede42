//! What is observed by a client that does not block (RFC 7641 section 3).

use super::Error;
use super::async_client::AsyncClient;
use super::call::Asked;
use super::link::AskOnly;
use super::reply::Reply;
use super::transfer::write;
use crate::endpoint::{Endpoint, Handle, RequestError, Transmit};
use crate::io::Address;
use crate::store::Heap;
use crate::time::Instant;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::Notify;

/// How many states are kept for who does not ask for them: then the oldest goes. The last one counts.
const KEPT: usize = 16;

/// An observation, as the requests under way have it.
pub(super) struct Observed {
    pub(super) asked: Asked,
    /// Of the registration.
    pub(super) handle: Option<Handle>,
    pub(super) begun: Option<Instant>,
    /// What fetches the rest of a state that is long.
    pub(super) rest: Option<u64>,
    states: VecDeque<Result<Reply, Error>>,
    /// No notification comes any more; and nothing does.
    ending: bool,
    over: bool,
    changed: Arc<Notify>,
}

impl Observed {
    pub(super) fn new(asked: Asked) -> Observed {
        let (states, changed) = (VecDeque::new(), Arc::new(Notify::new()));
        Observed { asked, handle: None, begun: None, rest: None, states, ending: false, over: false, changed }
    }

    /// Asks for it.
    pub(super) fn register(
        &mut self,
        endpoint: &mut Endpoint<Heap<Address>, AskOnly>,
        now: Instant,
        peer: Address,
        tx: &mut [u8],
    ) -> Result<(Option<Handle>, Option<Transmit<Address>>), RequestError> {
        let request = self.asked.request.observe();
        let (handle, sent) = endpoint.request(now, peer, request, tx, |w| write(&self.asked.options, w))?;
        (self.handle, self.begun) = (Some(handle), Some(now));
        Ok((self.handle, sent))
    }

    /// The next state.
    pub(super) fn put(&mut self, state: Result<Reply, Error>) {
        if self.states.len() >= KEPT {
            self.states.pop_front();
        }
        self.states.push_back(state);
        self.over |= self.ending;
        self.changed.notify_one();
    }

    /// There is no notification after this one. The rest of it may be on its way.
    pub(super) fn last(&mut self) {
        self.ending = true;
        if self.rest.is_none() {
            self.end();
        }
    }

    /// Nothing comes any more.
    pub(super) fn end(&mut self) {
        self.over = true;
        self.changed.notify_one();
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    fn take(&mut self) -> Option<Result<Reply, Error>> {
        self.states.pop_front()
    }
}

/// An observation with [`AsyncClient`]: the state at the beginning, and after each change, whole. Who is slower than the server
/// misses some, but not the last.
///
/// It ends when the server does not let us observe, or not any more: the last reply says so by its code, or is an ordinary
/// answer. Dropped, it has the next notification reset (RFC 7641 3.6).
#[derive(Debug)]
#[must_use = "next has the states"]
pub struct AsyncObservation<'c> {
    client: &'c AsyncClient,
    number: u64,
}

impl<'c> AsyncObservation<'c> {
    pub(super) fn new(client: &'c AsyncClient, number: u64) -> AsyncObservation<'c> {
        AsyncObservation { client, number }
    }

    /// The next state. `None`: the observation is over. A future that is dropped has taken nothing.
    pub async fn next(&mut self) -> Option<Result<Reply, Error>> {
        loop {
            let changed = {
                let mut state = self.client.state();
                let observed = state.observed(self.number)?;
                if let Some(state) = observed.take() {
                    return Some(state);
                }
                if observed.is_over() {
                    return None;
                }
                observed.changed.clone()
            };
            changed.notified().await;
        }
    }
}

impl Drop for AsyncObservation<'_> {
    fn drop(&mut self) {
        self.client.state().unobserve(self.number);
        self.client.changed();
    }
}
