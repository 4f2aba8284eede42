//! Requests to groups (RFC 7252 section 8).

use super::Error;
use super::call::Asked;
use super::client::Client;
use super::link::Came;
use super::reply::Reply;
use super::transfer::{Transfer, keep, stepped, write};
use crate::io::Address;
use std::time::Duration;
use std::vec::Vec;

/// The members of a group that have answered.
pub(super) struct Members;

impl Members {
    pub(super) fn ask(
        client: &mut Client,
        asked: Asked,
        time: Duration,
        mut told: impl FnMut(Reply),
    ) -> Result<(), Error> {
        let link = &mut client.link;
        let group = link.peer;
        link.begin(Some(time));
        let handle = link.send(|asking, now| {
            let request = asked.request.group();
            let made = asking.endpoint.request(now, group, request, &mut asking.tx, |w| write(&asked.options, w));
            made.map(|(handle, sent)| (sent, handle))
        })?;
        // Whose answer is longer than a message: the rest is asked for afterwards (RFC 7959 2.8).
        let mut long: Vec<Address> = Vec::new();
        loop {
            let came = link.wait(|asking, came| match &came {
                Came::Response(response) if response.handle == handle => {
                    let (mut reply, mut payload) = (Reply::new(response.from.remote), Vec::new());
                    reply.take(&response.message);
                    let mut rest = Transfer::lent(&asked, response.from, None);
                    let step = rest.begin_with(&mut asking.endpoint, &response.message);
                    let whole = matches!(stepped(step, &mut keep(&mut payload)), Ok(true));
                    reply.payload = payload;
                    Some(Ok((reply, response.from, whole)))
                }
                Came::Failed(failed, why) if *failed == handle => Some(Err(*why)),
                _ => None,
            });
            match came {
                Ok(Ok((reply, _, true))) => told(reply),
                Ok(Ok((_, from, false))) if !long.contains(&from) => long.push(from),
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(Error::NoAnswer { .. }) => break,
                Err(error) => {
                    link.asking.endpoint.cancel(handle);
                    return Err(error);
                }
            }
        }
        link.asking.endpoint.cancel(handle);
        for from in long {
            let mut payload = Vec::new();
            link.begin(Some(time));
            let mut whole = Transfer::lent(&asked, from, None);
            // A member that has gone meanwhile is one that has not answered.
            let run = whole.run(link, &mut keep(&mut payload), &mut |_, _| {});
            if let Ok(mut reply) = run {
                reply.payload = payload;
                told(reply);
            }
        }
        Ok(())
    }
}
