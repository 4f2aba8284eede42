//! The end of a server: nothing new is begun, and what is under way ends.

use super::{Input, Resource, Server};
use crate::endpoint::{self, Arrival, Endpoint, Event, Roles};
use crate::store::Store;
use crate::time::Instant;
use crate::wire::Code;
use core::borrow::BorrowMut;

impl<S, St: Store, R: Roles, E: BorrowMut<Endpoint<St, R>>, D: Resource<S, St::Peer> + ?Sized>
    Server<'_, S, St, R, E, D>
{
    /// Takes in a datagram, as [`handle`](Server::handle), for a server that is to end: no handler is called, a request that
    /// was not seen before is answered with 5.03. Duplicates get the answers that they had, and what is acknowledged is.
    pub fn refuse<'d>(
        &mut self,
        now: Instant,
        from: St::Peer,
        arrival: Arrival,
        datagram: &'d [u8],
        tx: &mut [u8],
    ) -> Input<'d, St::Peer> {
        let endpoint::Input { reply, event } = self.endpoint().handle(now, from, arrival, datagram, tx);
        match event {
            Event::Request(request) => {
                let refused = self.endpoint().respond(now, request.id, tx, |w| {
                    w.code(Code::SERVICE_UNAVAILABLE);
                });
                Input { reply: refused.ok().flatten(), response: None }
            }
            Event::Response(response) => Input { reply, response: Some(response) },
            Event::Handled => Input { reply, response: None },
        }
    }

    /// Whether each request has been answered, and each of its answers that had to be acknowledged has been, or was given up;
    /// and whether requests of the application's own have ended.
    pub fn has_answered(&mut self) -> bool {
        let usage = self.endpoint().usage();
        usage.exchanges == usage.remembered
    }
}
