//! What is observed (RFC 7641 section 3).

use super::Error;
use super::call::Asked;
use super::client::Client;
use super::link::Came;
use super::reply::Reply;
use super::transfer::{Broken, Transfer, keep, stepped, write};
use crate::endpoint::Handle;
use crate::time::Instant;
use std::time::Duration;
use std::vec::Vec;

/// An observation: an iterator over the state at the beginning, and after each change. Each is whole, fetched in blocks
/// if it is long; of changes that come while it is fetched the last one counts.
///
/// It ends when the server does not let us observe, or not any more: the last reply says so by its code, or is an
/// ordinary answer. [`stop`](Observation::stop) takes us off the server's list; where the iterator is dropped instead,
/// the next notification is reset.
#[derive(Debug)]
pub struct Observation<'c> {
    client: &'c mut Client,
    asked: Asked,
    handle: Handle,
    /// Until when there is to be an answer to begin with.
    answered_by: Option<Instant>,
    over: bool,
}

impl<'c> Observation<'c> {
    pub(super) fn begin(client: &'c mut Client, asked: Asked) -> Result<Observation<'c>, Error> {
        let handle = Observation::register(client, &asked)?;
        let answered_by = asked.timeout.map(|timeout| client.link.socket.now() + timeout);
        Ok(Observation { client, asked, handle, answered_by, over: false })
    }

    fn register(client: &mut Client, asked: &Asked) -> Result<Handle, Error> {
        let peer = client.link.peer;
        client.link.begin(asked.timeout);
        client.link.send(|asking, now| {
            let request = asked.request.observe();
            let made = asking.endpoint.request(now, peer, request, &mut asking.tx, |w| write(&asked.options, w));
            made.map(|(handle, sent)| (sent, handle))
        })
    }

    /// Whether it has ended: nothing more comes.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The next state, if one comes within this time. `None`: none has, or it [is over](Observation::is_over).
    ///
    /// # Errors
    ///
    /// [`Error`]: the observation has broken off.
    pub fn next_within(&mut self, time: Duration) -> Result<Option<Reply>, Error> {
        let until = self.client.link.socket.now() + time;
        match self.next_until(Some(until)) {
            Err(Error::NoAnswer { .. }) if !self.over && !self.is_late() => Ok(None),
            next => next,
        }
    }

    /// Whether the answer to begin with has not come in time.
    fn is_late(&self) -> bool {
        self.answered_by.is_some_and(|by| self.client.link.socket.now() >= by)
    }

    fn next_until(&mut self, until: Option<Instant>) -> Result<Option<Reply>, Error> {
        if self.over {
            return Ok(None);
        }
        loop {
            match self.state(until) {
                Err(Error::Unreachable { .. } | Error::Socket(_)) if self.client.next_address()? => {
                    self.handle = Observation::register(self.client, &self.asked)?;
                    self.over = false;
                }
                next => return next.map(Some),
            }
        }
    }

    /// The next state, whole.
    fn state(&mut self, until: Option<Instant>) -> Result<Reply, Error> {
        let (link, handle) = (&mut self.client.link, self.handle);
        let (mut reply, mut payload) = (Reply::new(link.peer.remote), Vec::new());
        let mut rest = Transfer::lent(&self.asked, link.peer, None);
        let mut over = false;
        let state = loop {
            link.until([until, self.answered_by].into_iter().flatten().min());
            let step = link.wait(|asking, came| match &came {
                Came::Response(response) if response.handle == handle => {
                    over = !response.more;
                    self.answered_by = None;
                    let step = rest.begin_with(&mut asking.endpoint, &response.message);
                    reply.take(&response.message);
                    reply.round_trip = response.round_trip;
                    Some(stepped(step, &mut keep(&mut payload)))
                }
                Came::Failed(failed, why) if *failed == handle => {
                    over = true;
                    Some(Err(Broken::Failed(*why)))
                }
                _ => rest.look(&came, &mut reply, &mut keep(&mut payload)),
            });
            let going_on = match step {
                Ok(Ok(true)) => break Ok(()),
                Ok(Ok(false)) => rest.go_on(link),
                Ok(Err(broken)) => Err(broken.explain(link.peer.remote, |why| link.failure(why))),
                Err(error) => Err(error),
            };
            if going_on.is_err() {
                break going_on;
            }
        };
        self.over = over;
        rest.give_up(link);
        state?;
        reply.payload = payload;
        Ok(reply)
    }

    /// Asks the server to take us off its list (RFC 7641 3.6), and waits until it has.
    ///
    /// # Errors
    ///
    /// [`Error`]: it does not answer.
    pub fn stop(mut self) -> Result<(), Error> {
        if self.over {
            return Ok(());
        }
        let (link, handle) = (&mut self.client.link, self.handle);
        link.begin(self.asked.timeout);
        link.send(|asking, now| Ok((asking.endpoint.unobserve(now, handle, &mut asking.tx)?, ())))?;
        let ended = link.wait(|_, came| match came {
            Came::Response(response) if response.handle == handle && !response.more => Some(Ok(())),
            Came::Failed(failed, why) if failed == handle => Some(Err(why)),
            _ => None,
        })?;
        self.over = true;
        ended.map_err(|why| self.client.link.failure(why))
    }
}

/// After an error it is over.
impl Iterator for Observation<'_> {
    type Item = Result<Reply, Error>;

    fn next(&mut self) -> Option<Result<Reply, Error>> {
        let next = self.next_until(None);
        if next.is_err() {
            self.end();
        }
        next.transpose()
    }
}

impl Observation<'_> {
    fn end(&mut self) {
        self.client.link.asking.endpoint.cancel(self.handle);
        self.over = true;
    }
}

impl Drop for Observation<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.end();
        }
    }
}
