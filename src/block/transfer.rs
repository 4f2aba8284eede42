//! Client: one request after another, for both directions. First the blocks of a body go up, if there is one, and then
//! those of an answer come down.

use super::down::Down;
use super::options::Extras;
use super::up::Up;
use super::{Body, Fault, Progress, Settings};
use crate::endpoint::{Endpoint, Failure, Request, RequestError, Transmit};
use crate::exchange::Handle;
use crate::roles::Roles;
use crate::store::Store;
use crate::time::Instant;
use crate::wire::{Message, NoResponse, OptionNumber, Token, WriteError, Writer};

/// A transfer, of either direction.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Transfer<P> {
    to: P,
    request: Request,
    /// The request that is outstanding. Stale: none is.
    handle: Handle,
    pub(super) blocks: Blocks,
}

/// What goes up and what comes down.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Blocks {
    pub(super) settings: Settings,
    pub(super) up: Up,
    pub(super) down: Down,
    pub(super) tag: Option<Token>,
    /// Whether the body is still to be sent.
    pub(super) sending: bool,
    /// Whether nothing more is to be done.
    over: bool,
    /// How often in a row a block may still be sent or asked for again.
    tries: u8,
    /// How often it may still start over.
    restarts: u8,
}

impl<P: Copy> Transfer<P> {
    #[inline(always)] // Of constants nothing is copied.
    pub(super) const fn new(to: P, request: Request, settings: Settings, sending: bool) -> Transfer<P> {
        Transfer { to, request, handle: Handle::NONE, blocks: Blocks::new(settings, sending) }
    }

    pub(super) const fn handle(&self) -> Option<Handle> {
        if self.waits() { Some(self.handle) } else { None }
    }

    const fn waits(&self) -> bool {
        self.handle.index != Handle::NONE.index
    }

    pub(super) const fn is_over(&self) -> bool {
        self.blocks.over
    }

    /// Makes the next request, if one is due.
    pub(super) fn ask<S: Store<Peer = P>, R: Roles>(
        &mut self,
        ep: &mut Endpoint<S, R>,
        now: Instant,
        tx: &mut [u8],
        body: &mut Body<'_>,
        options: &mut dyn FnMut(&mut Writer<'_>),
    ) -> Result<Option<Transmit<P>>, RequestError> {
        if self.blocks.over || self.waits() {
            return Ok(None);
        }
        let most = tx.len().min(usize::from(self.blocks.settings.max_message));
        let tx = tx.get_mut(..most).unwrap_or_default();
        let (blocks, again) = (&mut self.blocks, self.request.is_fetch());
        let (handle, sent) = ep.request_by(now, self.to, &self.request, tx, |w| {
            options(w);
            blocks.write(w, body, again, R::HAS.options_behind);
        })?;
        self.handle = handle;
        Ok(sent)
    }

    /// Whether this is the request that is outstanding. If so, it is not any more.
    fn ends(&mut self, handle: Handle) -> bool {
        let ends = self.handle == handle;
        if ends {
            self.handle = Handle::NONE;
        }
        ends
    }

    /// A response has come. `None`: it answers another request.
    pub(super) fn take<'d>(&mut self, handle: Handle, message: &Message<'d>) -> Option<Progress<'d>> {
        if !self.ends(handle) {
            return None;
        }
        Some(self.blocks.take(message))
    }

    /// What is under way is given up.
    pub(super) fn give_up<S: Store<Peer = P>, R: Roles>(&mut self, ep: &mut Endpoint<S, R>) {
        ep.cancel(self.handle);
        self.handle = Handle::NONE;
    }

    /// A request has ended without a response. `None`: it was another one.
    pub(super) fn failed(&mut self, handle: Handle, why: Failure) -> Option<Progress<'static>> {
        if !self.ends(handle) {
            return None;
        }
        let blocks = &mut self.blocks;
        // RFC 7252 5.8.2: nobody would know that it is the same.
        let once = blocks.sending && !blocks.up.blockwise && !self.request.is_idempotent();
        if matches!(why, Failure::TimedOut | Failure::Unanswered) && !once && blocks.tries > 0 {
            blocks.tries = blocks.tries.wrapping_sub(1);
            return Some(Progress::Next);
        }
        blocks.over = true;
        Some(Progress::Failed(Fault::NoResponse(why)))
    }
}

impl Blocks {
    #[inline(always)]
    pub(super) const fn new(settings: Settings, sending: bool) -> Blocks {
        Blocks {
            up: Up::new(&settings),
            down: Down::new(&settings),
            tag: None,
            sending,
            over: false,
            tries: settings.block_retries,
            restarts: settings.restarts,
            settings,
        }
    }

    /// Writes what a request has besides the application's options. `again`: of one whose payload says what is asked
    /// for.
    fn write(&mut self, w: &mut Writer<'_>, body: &mut Body<'_>, again: bool, behind: bool) {
        // The payload is the transfer's to write.
        if w.has_payload() {
            w.fail(WriteError::OptionAfterPayload { number: OptionNumber::BLOCK2 });
        }
        let mut extras = Extras { tag: self.tag.as_ref().map(Token::as_bytes), ..Extras::default() };
        let sizes = self.settings.sizes;
        extras.block2 = self.down.next(self.settings.early);
        if self.sending {
            self.up.choose(sizes, w, &mut extras, body);
            if behind && self.up.blockwise {
                // RFC 7967 2.1: what says that the next block may come is a response, and is wanted. In all of them, as their
                // options are to be the same (RFC 7959 2.5).
                let reserves = |value: &[u8]| NoResponse::from_value(value) != Some(NoResponse::NONE);
                w.take_back(OptionNumber::NO_RESPONSE, reserves);
            }
        } else if sizes && self.down.is_at_first() {
            extras.size2 = Some(0);
        }
        self.down.asked = extras.block2.is_some();
        if behind {
            extras.put::<true>(w);
        } else {
            extras.put::<false>(w);
        }
        // RFC 7959 3.3: no payload where a later block of the answer is asked for. But a FETCH is for what its
        // payload says (RFC 8132 2.3), and where it went in one message the server has kept nothing of it.
        if self.sending || again && !self.up.blockwise {
            self.up.write(w, body);
        }
    }

    /// What a response means decides what is next.
    pub(super) fn take<'d>(&mut self, message: &Message<'d>) -> Progress<'d> {
        self.tries = self.settings.block_retries;
        let progress = match self.judge(message) {
            Ok(progress) => progress,
            Err(Fault::Changed | Fault::Incomplete) if self.restarts > 0 => {
                self.restarts = self.restarts.wrapping_sub(1);
                self.up.offset = 0;
                self.down.restart();
                Progress::Restarted
            }
            Err(fault) => Progress::Failed(fault),
        };
        self.over = match &progress {
            Progress::Part(part) => part.last,
            Progress::Failed(_) => true,
            Progress::Next | Progress::Restarted => false,
        };
        progress
    }

    fn judge<'d>(&mut self, message: &Message<'d>) -> Result<Progress<'d>, Fault> {
        if self.sending {
            if let Some(progress) = self.up.take(message)? {
                return Ok(progress);
            }
            self.sending = false;
            // The representation that answers a POST cannot be asked for again without doing it again.
            self.restarts = 0;
        }
        self.down.take(message, &self.settings).map(Progress::Part)
    }
}
