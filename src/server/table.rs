//! The resources of a server, looked up and called.

use super::Error;
use super::error::{Fault, Words};
use super::reply::{Answer, Reply};
use super::request::Request;
use super::route::{About, Fit, Object, REST, Resource, Route, call, fit};
use crate::endpoint::Arrival;
use crate::roles::Roles;
use crate::wire::{Code, Message, OptionNumber};

/// All of a server but its endpoint: resources, objects behind the routes; names.
pub(super) struct Table<'r, S, P, D: ?Sized> {
    pub(super) routes: &'r [Route<S, P>],
    pub(super) objects: &'r mut [Object<'r, S, P, D>],
    pub(super) names: &'r [&'r str],
}

/// What is asked for: the place in the table, and how the path fits.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) index: usize,
    pub(super) fit: Fit,
}

/// In the place of an index, `/.well-known/core`.
pub(super) const CORE: usize = usize::MAX;

/// Whether a request asks for what a resource is, so that what it accepts is a format of that.
pub(super) const fn is_safe(method: Code) -> bool {
    matches!(method, Code::GET | Code::FETCH)
}

/// Whether a request may have a body.
pub(super) const fn has_body(method: Code) -> bool {
    matches!(method, Code::POST | Code::PUT | Code::FETCH | Code::PATCH | Code::IPATCH)
}

/// The place of a method's handler; for one that is not known, of none.
pub(super) const fn number(method: Code) -> usize {
    let number = method.to_byte().wrapping_sub(1) as usize;
    if number < REST { number } else { usize::MAX }
}

impl<S, P, D: Resource<S, P> + ?Sized> Table<'_, S, P, D> {
    pub(super) fn about<R: Roles>(&self, index: usize) -> Option<&About> {
        match self.routes.get(index) {
            Some(route) => Some(&route.about),
            None if !R::HAS.objects => None,
            None => self.objects.get(index.wrapping_sub(self.routes.len())).map(|object| &object.about),
        }
    }

    /// The first entry whose template a path fits, as `fit` says.
    // By reference: there is one of it for what is asked for and for what the application names.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(never))]
    pub(super) fn fits<R: Roles>(&self, fit: &mut dyn FnMut(&str) -> Option<Fit>) -> Option<(Found, &About)> {
        let mut index = 0;
        while let Some(about) = self.about::<R>(index) {
            if let Some(fit) = fit(about.path) {
                return Some((Found { index, fit }, about));
            }
            index = index.wrapping_add(1);
        }
        None
    }

    /// Finds what is asked for, and whether it can be had.
    #[cfg_attr(not(any(all(target_os = "none", not(coaplet_fast)), coaplet_small)), inline(never))]
    pub(super) fn find<R: Roles>(&self, message: &Message<'_>, arrival: Arrival) -> Result<Found, Fault> {
        let mut fit = |template: &str| fit::<R>(template, &mut message.options_of(OptionNumber::URI_PATH));
        let found = self.fits::<R>(&mut fit);
        // A wildcard does not stand for it.
        let plain = found.is_some_and(|(found, _)| !found.fit.is_wild::<R>());
        if R::HAS.discovery && !plain && fit(".well-known/core").is_some() {
            return Ok(Found { index: CORE, fit: Fit::PLAIN });
        }
        let Some((found, about)) = found else {
            return Err(Fault::with(Code::NOT_FOUND, Words::NoSuchResource));
        };
        if R::HAS.multicast && arrival == Arrival::Group && !about.is_for_groups() {
            // RFC 7390 2.7.
            return Err(Fault::of(Code::FORBIDDEN));
        }
        let method = message.code();
        if let Some(route) = self.routes.get(found.index) {
            if !matches!(route.methods.get(number(method)), Some(Some(_))) {
                return Err(Fault::of(Code::METHOD_NOT_ALLOWED));
            }
        }
        if R::HAS.negotiation {
            let accept = message.accept().filter(|_| is_safe(method) && !about.formats.is_empty());
            if accept.is_some_and(|accept| !about.formats.contains(&accept)) {
                return Err(Fault::of(Code::NOT_ACCEPTABLE));
            }
            let given = message.content_format().filter(|_| has_body(method) && !about.takes.is_empty());
            if given.is_some_and(|given| !about.takes.contains(&given)) {
                return Err(Fault::of(Code::UNSUPPORTED_CONTENT_FORMAT));
            }
        }
        Ok(found)
    }

    pub(super) fn call<R: Roles>(
        &mut self,
        index: usize,
        method: usize,
        state: &mut S,
        request: &Request<'_, P>,
        reply: Reply<'_, '_>,
    ) -> Result<Answer, Error> {
        let none = if method == REST { Code::BAD_REQUEST } else { Code::METHOD_NOT_ALLOWED };
        match self.routes.get(index) {
            Some(route) => match route.methods.get(method) {
                Some(Some(handler)) => handler(state, request, reply),
                _ => Err(Error::from(none)),
            },
            None if !R::HAS.objects => Err(Error::from(Code::NOT_FOUND)),
            None => match self.objects.get_mut(index.wrapping_sub(self.routes.len())) {
                Some(object) => call(&mut *object.resource, method, state, request, reply),
                None => Err(Error::from(Code::NOT_FOUND)),
            },
        }
    }
}
