//! What the application does with an endpoint, and what must come of it.

use super::super::command::{Manner, Reply};
use super::{Asked, Ending, FILLER, Node, RESOURCES, ROOM, Told, Verdict};
use coaplet::endpoint::{Handle, Notify, Observer, Request, RequestError, RequestId, ResourceId, RespondError};
use coaplet::{Code, Instant, NoResponse, OptionNumber, Store, Transmission, Writer};
use std::time::Duration;

impl<S: Store<Peer = u8>> Node<S> {
    /// Asks. True if it was let.
    pub fn ask(&mut self, now: Instant, to: u8, group: bool, manner: Manner, number: u32, len: u8) -> Verdict<bool> {
        self.named = None;
        let request = if manner.observes() && !group { Request::get().observe() } else { Request::post() };
        let quick = Transmission { max_retransmit: 1, ..self.transmission };
        let request = match manner {
            _ if group => request.group(),
            Manner::Non | Manner::Reserved | Manner::ObserveNon => request.non(),
            Manner::Impatient => request.non().timeout(Duration::from_secs(2)),
            Manner::AtOnce => request.at_once(),
            Manner::Quick => request.transmission(&quick),
            Manner::Con | Manner::Ping | Manner::Silent | Manner::Critical | Manner::Observe => request,
        };
        let mut tx = [0; ROOM];
        let made = if manner == Manner::Ping && !group {
            self.endpoint.ping(now, to, &mut tx)
        } else {
            self.endpoint.request(now, to, request, &mut tx, |writer| {
                writer.path("a");
                match manner {
                    Manner::Silent => _ = writer.no_response(NoResponse::ALL),
                    Manner::Reserved => _ = writer.no_response(NoResponse::SUCCESS),
                    Manner::Critical => _ = writer.option(OptionNumber::new(65_003), b"?"),
                    _ => {}
                }
                writer.payload(&number.to_be_bytes()).payload(&FILLER[..usize::from(len)]);
            })
        };
        match made {
            Ok((handle, sent)) => {
                if self.by_handle.insert(handle, self.asked.len()).is_some() {
                    return Err(format!("{handle:?} was given out twice"));
                }
                self.asked.push(Asked { handle, to, manner, group, number, since: now, ended: None });
                if let Some(sent) = sent {
                    self.send(now, sent.to, &tx[..sent.len], true)?;
                }
                Ok(true)
            }
            Err(RequestError::Write(_) | RequestError::WouldWait { .. } | RequestError::Probing { .. }) => Ok(false),
            Err(error) if self.roomy => Err(format!("not even in roomy tables: {error}")),
            Err(_) => Ok(false),
        }
    }

    /// Answers.
    pub fn answer(&mut self, now: Instant, index: usize, reply: Reply, len: u8) -> Verdict {
        let named = self.named.take();
        let given = &self.given[index];
        let (id, open, must) = (given.id, given.open, given.open && now < given.until);
        let number = given.number;
        let answer = match reply {
            Reply::Plain | Reply::NoResponse | Reply::Observed => id.into(),
            Reply::Idempotent => id.idempotent(),
            Reply::Ages => id.ages(),
            Reply::Reported => id.report(),
        };
        let before = self.endpoint.usage();
        let mut tx = [0; ROOM];
        let build = |writer: &mut Writer<'_>| {
            writer.code(if reply == Reply::NoResponse { Code::GET } else { Code::CONTENT });
            if reply == Reply::Ages {
                writer.max_age(60);
            }
            if let Some(number) = number {
                writer.payload(&number.to_be_bytes());
            }
            writer.payload(&FILLER[..usize::from(len)]);
        };
        let answered = match number.filter(|_| reply == Reply::Observed) {
            Some(tag) => {
                let resource = ResourceId(tag % RESOURCES);
                self.endpoint.respond_observing(now, answer, resource, tag, &mut tx, build)
            }
            None => self.endpoint.respond(now, answer, &mut tx, build),
        };
        match answered {
            Ok(_) if !open => Err(format!("request {index} is over and was answered")),
            Ok(_) if reply == Reply::NoResponse => Err("answered by a request".into()),
            Ok(sent) => {
                let confirmable = sent.is_some_and(|_| tx[0] >> 4 & 3 == 0);
                let given = &mut self.given[index];
                given.open = false;
                given.told = match sent {
                    _ if reply != Reply::Reported => Told::No,
                    Some(_) if confirmable => Told::Awaited,
                    Some(_) => Told::No,
                    // Behind NSTART, or not wanted, or in its part of the leisure.
                    None => Told::Maybe,
                };
                match sent {
                    Some(sent) => self.send(now, sent.to, &tx[..sent.len], true),
                    None => Ok(()),
                }
            }
            Err(RespondError::Stale) if must => Err(format!("request {index} is open, and stale")),
            Err(RespondError::Stale) => {
                self.given[index].open = false;
                self.named = named;
                self.unchanged(before)
            }
            Err(RespondError::NotAResponse { .. }) if reply == Reply::NoResponse && open => Ok(()),
            Err(RespondError::Write(_) | RespondError::NoMessageId { .. }) if open => Ok(()),
            Err(RespondError::NoBytes { .. }) if open && !self.roomy => Ok(()),
            Err(error) => Err(format!("request {index}: {error}")),
        }
    }

    /// Says that it will answer later.
    pub fn defer(&mut self, now: Instant, index: usize, later: Duration) -> Verdict {
        self.named = None;
        let before = self.endpoint.usage();
        let given = &mut self.given[index];
        match self.endpoint.defer(now, given.id) {
            Ok(id) if given.open && id == given.id => {
                given.until = now + later;
                Ok(())
            }
            Err(RespondError::Stale) if !given.open || now >= given.until => {
                given.open = false;
                self.unchanged(before)
            }
            other => Err(format!("deferred request {index}, which is open: {}: {other:?}", given.open)),
        }
    }

    /// Cancels.
    pub fn cancel(&mut self, index: usize) -> Verdict {
        self.named = None;
        let asked = &mut self.asked[index];
        let open = asked.ended.is_none();
        if self.endpoint.cancel(asked.handle) != open {
            return Err(format!("cancelled request {index} of ours, which had ended: {:?}", asked.ended));
        }
        asked.ended.get_or_insert(Ending::Cancelled);
        Ok(())
    }

    /// Asks not to observe any more.
    pub fn unobserve(&mut self, now: Instant, index: usize) -> Verdict {
        self.named = None;
        let before = self.endpoint.usage();
        let asked = &self.asked[index];
        let mut tx = [0; ROOM];
        match self.endpoint.unobserve(now, asked.handle, &mut tx) {
            Ok(_) if !asked.manner.observes() || asked.ended.is_some() => {
                Err(format!("request {index} of ours does not observe: {:?}, {:?}", asked.manner, asked.ended))
            }
            Ok(Some(sent)) => self.send(now, sent.to, &tx[..sent.len], true),
            Ok(None) => Ok(()),
            Err(RequestError::NoBytes { .. } | RequestError::Write(_)) => Ok(()),
            Err(_) => self.unchanged(before),
        }
    }

    /// A resource is something else from now on.
    pub fn change(&mut self, which: u8, state: u8) {
        self.named = None;
        let resource = u32::from(which) % RESOURCES;
        self.states[resource as usize] = state;
        self.endpoint.notify(ResourceId(resource));
    }

    /// A resource is no more.
    pub fn end_observers(&mut self, which: u8) -> Verdict {
        self.named = None;
        let resource = ResourceId(u32::from(which) % RESOURCES);
        let were = self.endpoint.is_observed(resource);
        if self.endpoint.end_observers(resource, Code::NOT_FOUND) != were {
            return Err(format!("{resource:?} is observed: {were}, and has ended otherwise"));
        }
        match self.endpoint.observers().find(|observer| observer.resource == resource) {
            Some(observer) => Err(format!("{observer:?} observes what is no more")),
            None if self.endpoint.is_observed(resource) => Err(format!("{resource:?} is no more, and observed")),
            None => Ok(()),
        }
    }

    /// Writes a notification: by a CON or a NON, of a state that is an error at times; or does not.
    pub(super) fn write(&mut self, now: Instant, notify: Notify<u8>) -> Verdict {
        if notify.resource.0 != notify.tag % RESOURCES {
            return Err(format!("{notify:?} is not what was accepted"));
        }
        let is_it = |it: &Observer<u8>| (it.id, it.resource) == (notify.observer, notify.resource);
        let listed = self.endpoint.observers().find(is_it);
        if listed.is_none_or(|it| (it.tag, it.peer) != (Some(notify.tag), notify.peer)) {
            return Err(format!("{notify:?} is listed as {listed:?}"));
        }
        let state = self.states[notify.resource.0 as usize];
        if state % 8 == 7 {
            return Ok(());
        }
        let notify = if state % 3 == 1 { notify.non() } else { notify };
        let mut tx = [0; ROOM];
        let made = self.endpoint.write_notification(now, notify, &mut tx, |writer| {
            writer.code(if state % 16 == 5 { Code::NOT_FOUND } else { Code::CONTENT });
            writer.payload(&notify.tag.to_be_bytes()).payload(&FILLER[..usize::from(state % 128)]);
        });
        match made {
            Ok(Some(sent)) => self.send(now, sent.to, &tx[..sent.len], true),
            Ok(None) | Err(RespondError::Write(_) | RespondError::NoMessageId { .. }) => Ok(()),
            Err(error) => Err(format!("{notify:?}: {error}")),
        }
    }

    /// Has done with a peer.
    pub fn forget(&mut self, now: Instant, whom: u8) -> Verdict {
        self.named = None;
        if self.endpoint.forget(now, whom).is_err() {
            return if self.roomy { Err("no slot to forget by".into()) } else { Ok(()) };
        }
        if let Some(observer) = self.endpoint.observers().find(|observer| observer.peer == whom) {
            return Err(format!("{observer:?} was forgotten"));
        }
        self.forgotten.insert(whom);
        for given in self.given.iter_mut().filter(|given| given.from == whom) {
            given.open = false;
        }
        Ok(())
    }

    /// Hears that a datagram of its own has found nobody.
    pub fn refuse(&mut self, now: Instant, from: u8, quoted: &[u8]) -> Verdict {
        self.named = None;
        let before = self.endpoint.usage();
        if self.endpoint.unreachable(now, from, quoted) {
            if quoted.len() < 4 {
                return Err("something has ended without its Message ID".into());
            }
            self.refused.insert(from);
            return Ok(());
        }
        self.unchanged(before)
    }

    /// Uses a name that another endpoint has given out: nothing happens.
    pub fn mistake(&mut self, now: Instant, handle: Option<Handle>, id: Option<RequestId>) -> Verdict {
        let before = self.endpoint.usage();
        if handle.is_some_and(|handle| self.endpoint.cancel(handle)) {
            return Err("cancelled by a handle of another endpoint".into());
        }
        if handle.is_some_and(|handle| self.endpoint.unobserve(now, handle, &mut [0; ROOM]).is_ok()) {
            return Err("not observed any more by a handle of another endpoint".into());
        }
        if let Some(id) = id {
            let answered = self.endpoint.respond(now, id, &mut [0; ROOM], |writer| _ = writer.code(Code::CONTENT));
            if answered != Err(RespondError::Stale) || self.endpoint.defer(now, id) != Err(RespondError::Stale) {
                return Err("answered by the name that another endpoint gave".into());
            }
        }
        self.unchanged(before)
    }
}
