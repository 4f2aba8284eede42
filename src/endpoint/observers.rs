//! Who observes at present (RFC 7641 1.2): for an application that keeps something for observers, or does something for their
//! sake alone.

use super::Endpoint;
use crate::exchange::{ObserverId, ResourceId};
use crate::roles::Roles;
use crate::store::{Store, mark};

/// Somebody who observes a resource of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Observer<P> {
    /// By what it is named in [`Notify`](super::Notify), and ended by [`Endpoint::end_observer`].
    pub id: ObserverId,
    /// What it observes.
    pub resource: ResourceId,
    /// What the application gave along when it [accepted](Endpoint::respond_observing) the registration; `None` for one that
    /// a [`Server`](crate::Server) has accepted and of which it keeps more than fits in there.
    pub tag: Option<u32>,
    /// Who observes.
    pub peer: P,
}

impl<S: Store, R: Roles> Endpoint<S, R> {
    /// Whether anybody observes a resource: for what is to be measured, or asked of others, only while somebody wants to
    /// know. It takes the same time however many observe; among few slots, a look at each.
    ///
    /// An observer that has gone in silence counts until a notification to it has not been acknowledged (RFC 7641 4.5): so
    /// what is never notified is never unobserved. One of a peer that was [forgotten](Endpoint::forget) may count until
    /// [`poll`](Endpoint::poll) has come by it.
    ///
    /// ```
    /// use coaplet::endpoint::{Arrival, Event, ResourceId};
    /// use coaplet::{Code, Config, Endpoint, Fixed, Instant};
    ///
    /// const CAMERA: ResourceId = ResourceId(1);
    /// let mut ep = Endpoint::new(Config::DEFAULT, [7; 16], Fixed::<u8, 4, 8, 512, 1>::new());
    /// let (now, mut tx) = (Instant::ZERO, [0; 64]);
    /// assert!(!ep.is_observed(CAMERA), "it may sleep");
    /// # let registration = b"\x41\x01\x00\x01\x4a\x60\x56camera";
    /// # let input = ep.handle(now, 9, Arrival::Unicast, registration, &mut tx);
    /// # let Event::Request(request) = input.event else { panic!() };
    /// ep.respond_observing(now, request.id, CAMERA, 0, &mut tx, |w| _ = w.code(Code::CONTENT))?;
    /// assert!(ep.is_observed(CAMERA));
    /// # Ok::<(), coaplet::endpoint::RespondError>(())
    /// ```
    #[must_use]
    pub fn is_observed(&self, resource: ResourceId) -> bool {
        R::HAS.observe && self.engine.held.find_resource(resource.0).is_some()
    }

    /// All who observe anything, in no particular order. It looks at every slot for observers that was ever in use:
    /// nothing for each message, but for once in a while.
    ///
    /// An observer may go without a word to the application: by an RST, by a notification that nobody acknowledges, by
    /// registering anew. What the application keeps for a tag is of no use any more when nobody here has that tag.
    ///
    /// ```
    /// # use coaplet::{Config, Endpoint, Fixed};
    /// # let ep = Endpoint::new(Config::DEFAULT, [7; 16], Fixed::<u8, 4, 8, 512, 2>::new());
    /// # let mut filters = vec![(3, "unit=F"), (4, "unit=C")];
    /// // Filters by tag: those that nobody observes by any more.
    /// filters.retain(|(tag, _)| ep.observers().any(|observer| observer.tag == Some(*tag)));
    /// # assert!(filters.is_empty());
    /// ```
    pub fn observers(&self) -> impl Iterator<Item = Observer<S::Peer>> {
        let engine = &self.engine;
        let table = &engine.held.observers;
        let slots = if S::INDEXED { table.high_water() } else { table.slots() };
        (0..if R::HAS.observe { slots } else { 0 }).filter_map(move |index| {
            let entry = engine.held.observer(index)?;
            // Who is still to be told that it is over has gone already.
            let resource = if S::INDEXED {
                engine.held.resource(entry.resource).filter(|it| !it.has(mark::ENDING))?.resource
            } else if entry.has(mark::LEAVING) {
                return None;
            } else {
                entry.resource
            };
            Some(Observer {
                id: ObserverId(engine.held.observer_handle(index)),
                resource: ResourceId(resource),
                tag: if entry.kept(S::INDEXED).is_some() { None } else { Some(entry.tag) },
                // Nor does one that was forgotten observe anything.
                peer: engine.address(entry.peer)?,
            })
        })
    }
}
