//! What an application under simulation does, and by what.

use super::{DATAGRAM, Kind, Outbox};
use crate::endpoint::{
    Answer, ClientResponse, Endpoint, Failure, ForgetError, Handle, Notify, ObserverId, Request, RequestError,
    RequestId, ResourceId, RespondError, ServerRequest, TransferId, Transmit,
};
use crate::store::Store;
use crate::time::Instant;
use crate::wire::{Code, Writer};
use core::time::Duration;
use std::boxed::Box;

/// What stands behind an endpoint: the logic that is to be tried. Each method may use the port; none does anything by
/// default.
pub trait Application<S: Store<Peer = u16>> {
    /// Somebody asks. It answers at once by [`Port::respond`], or keeps `request.id` and answers later, or never.
    fn on_request(&mut self, port: &mut Port<'_, S>, request: &ServerRequest<'_, u16>) {
        let _ = (port, request);
    }

    /// A request has got its response.
    fn on_response(&mut self, port: &mut Port<'_, S>, response: &ClientResponse<'_, u16>) {
        let _ = (port, response);
    }

    /// A request has ended without one.
    fn on_failure(&mut self, port: &mut Port<'_, S>, handle: Handle, why: Failure) {
        let _ = (port, handle, why);
    }

    /// A ping was answered, or a request that wants no response was acknowledged.
    fn on_acknowledged(&mut self, port: &mut Port<'_, S>, handle: Handle) {
        let _ = (port, handle);
    }

    /// A separate response of which that was to be told has arrived, or not.
    fn on_delivered(&mut self, port: &mut Port<'_, S>, id: RequestId, result: Result<(), Failure>) {
        let _ = (port, id, result);
    }

    /// A body that a peer was sending in blocks has ended without its last one.
    fn on_broken(&mut self, port: &mut Port<'_, S>, id: TransferId, why: Failure) {
        let _ = (port, id, why);
    }

    /// An observer is to be told what a resource is now: by [`Port::write_notification`], at once or not this time.
    fn on_notify(&mut self, port: &mut Port<'_, S>, notify: Notify<u16>) {
        let _ = (port, notify);
    }

    /// The time of [`Port::wake_after`] has come.
    fn on_wake(&mut self, port: &mut Port<'_, S>, key: u64) {
        let _ = (port, key);
    }
}

/// For nodes of several kinds in one simulation.
impl<S: Store<Peer = u16>> Application<S> for Box<dyn Application<S>> {
    fn on_request(&mut self, port: &mut Port<'_, S>, request: &ServerRequest<'_, u16>) {
        (**self).on_request(port, request);
    }

    fn on_response(&mut self, port: &mut Port<'_, S>, response: &ClientResponse<'_, u16>) {
        (**self).on_response(port, response);
    }

    fn on_failure(&mut self, port: &mut Port<'_, S>, handle: Handle, why: Failure) {
        (**self).on_failure(port, handle, why);
    }

    fn on_acknowledged(&mut self, port: &mut Port<'_, S>, handle: Handle) {
        (**self).on_acknowledged(port, handle);
    }

    fn on_delivered(&mut self, port: &mut Port<'_, S>, id: RequestId, result: Result<(), Failure>) {
        (**self).on_delivered(port, id, result);
    }

    fn on_broken(&mut self, port: &mut Port<'_, S>, id: TransferId, why: Failure) {
        (**self).on_broken(port, id, why);
    }

    fn on_notify(&mut self, port: &mut Port<'_, S>, notify: Notify<u16>) {
        (**self).on_notify(port, notify);
    }

    fn on_wake(&mut self, port: &mut Port<'_, S>, key: u64) {
        (**self).on_wake(port, key);
    }
}

/// An endpoint in the hands of its application: what it sends goes on its way.
#[derive(Debug)]
pub struct Port<'p, S: Store> {
    pub(super) endpoint: &'p mut Endpoint<S>,
    pub(super) outbox: &'p mut Outbox,
    pub(super) now: Instant,
    pub(super) address: u16,
}

impl<S: Store<Peer = u16>> Port<'_, S> {
    /// The time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Our address.
    #[must_use]
    pub fn address(&self) -> u16 {
        self.address
    }

    /// [`Endpoint::request`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn request(
        &mut self,
        to: u16,
        request: Request,
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Handle, RequestError> {
        let mut tx = [0; DATAGRAM];
        let (handle, transmit) = self.endpoint.request(self.now, to, request, &mut tx, build)?;
        if let Some(transmit) = transmit {
            self.outbox.push(transmit, Kind::Command, &tx);
        }
        Ok(handle)
    }

    /// [`Endpoint::respond`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn respond(
        &mut self,
        answer: impl Into<Answer>,
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(), RespondError> {
        let mut tx = [0; DATAGRAM];
        if let Some(transmit) = self.endpoint.respond(self.now, answer, &mut tx, build)? {
            self.outbox.push(transmit, Kind::Command, &tx);
        }
        Ok(())
    }

    /// [`Endpoint::respond_observing`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn respond_observing(
        &mut self,
        answer: impl Into<Answer>,
        resource: ResourceId,
        tag: u32,
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(), RespondError> {
        let mut tx = [0; DATAGRAM];
        let made = self.endpoint.respond_observing(self.now, answer, resource, tag, &mut tx, build)?;
        if let Some(transmit) = made {
            self.outbox.push(transmit, Kind::Command, &tx);
        }
        Ok(())
    }

    /// [`Endpoint::notify`].
    pub fn notify(&mut self, resource: ResourceId) -> bool {
        self.endpoint.notify(resource)
    }

    /// [`Endpoint::write_notification`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn write_notification(
        &mut self,
        notify: Notify<u16>,
        build: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(), RespondError> {
        let mut tx = [0; DATAGRAM];
        if let Some(transmit) = self.endpoint.write_notification(self.now, notify, &mut tx, build)? {
            self.outbox.push(transmit, Kind::Polled, &tx);
        }
        Ok(())
    }

    /// [`Endpoint::end_observers`].
    pub fn end_observers(&mut self, resource: ResourceId, code: Code) -> bool {
        self.endpoint.end_observers(resource, code)
    }

    /// [`Endpoint::end_observer`].
    pub fn end_observer(&mut self, observer: ObserverId) -> bool {
        self.endpoint.end_observer(observer)
    }

    /// Whatever else the endpoint can do, with the time and a buffer for it: what comes back is sent. For the machines
    /// of [`block`](crate::block).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn call<E>(
        &mut self,
        act: impl FnOnce(&mut Endpoint<S>, Instant, &mut [u8]) -> Result<Option<Transmit<u16>>, E>,
    ) -> Result<(), E> {
        let mut tx = [0; DATAGRAM];
        if let Some(transmit) = act(self.endpoint, self.now, &mut tx)? {
            self.outbox.push(transmit, Kind::Command, &tx);
        }
        Ok(())
    }

    /// [`Endpoint::ping`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn ping(&mut self, to: u16) -> Result<Handle, RequestError> {
        let mut tx = [0; DATAGRAM];
        let (handle, transmit) = self.endpoint.ping(self.now, to, &mut tx)?;
        if let Some(transmit) = transmit {
            self.outbox.push(transmit, Kind::Command, &tx);
        }
        Ok(handle)
    }

    /// [`Endpoint::defer`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn defer(&mut self, id: RequestId) -> Result<RequestId, RespondError> {
        self.endpoint.defer(self.now, id)
    }

    /// [`Endpoint::forget`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn forget(&mut self, peer: u16) -> Result<(), ForgetError> {
        self.endpoint.forget(self.now, peer)
    }

    /// [`Endpoint::round_trip`].
    pub fn round_trip(&mut self, handle: Handle) -> Option<Duration> {
        self.endpoint.round_trip(handle)
    }

    /// [`Endpoint::unobserve`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn unobserve(&mut self, handle: Handle) -> Result<(), RequestError> {
        let mut tx = [0; DATAGRAM];
        if let Some(transmit) = self.endpoint.unobserve(self.now, handle, &mut tx)? {
            self.outbox.push(transmit, Kind::Command, &tx);
        }
        Ok(())
    }

    /// [`Endpoint::cancel`].
    pub fn cancel(&mut self, handle: Handle) -> bool {
        self.endpoint.cancel(handle)
    }

    /// Has [`Application::on_wake`] called with this key after this time.
    pub fn wake_after(&mut self, time: Duration, key: u64) {
        self.outbox.wakes.push((time, key));
    }
}

impl Outbox {
    pub(super) fn push(&mut self, transmit: Transmit<u16>, kind: Kind, tx: &[u8]) {
        self.sent.push((transmit.to, kind, tx.get(..transmit.len).unwrap_or_default().to_vec()));
    }
}
