//! Client: one request after another, for both directions. First the blocks of a body go up, if there is one, and then
//! those of an answer come down.

use super::options::{BLOCK2, NOT_SAID, SIZE2, Saying, append, read, say};
use super::progress::Step;
use super::{Body, Fault, Part, Progress, Settings};
use crate::endpoint::{ClientResponse, Endpoint, Failure, Refused, Request, RequestError, Transmit, Why};
use crate::exchange::Handle;
use crate::roles::Roles;
use crate::store::Store;
use crate::time::Instant;
use crate::wire::{Code, Message, NoResponse, OptionNumber, Token, WriteError, Writer};

/// A transfer, of either direction.
// In this order, here and in `Blocks`: small fields are first, where shorter instructions reach them.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(C)]
pub(super) struct Transfer<P> {
    pub(super) blocks: Blocks,
    /// The request that is outstanding. Stale: none is.
    handle: Handle,
    request: Request,
    to: P,
}

/// How far it is: what goes up (`up`) and what comes down (`down`).
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(C)]
pub(super) struct Blocks {
    /// Whether the body is still to be sent.
    pub(super) sending: bool,
    /// Whether nothing more is to be done.
    over: bool,
    /// Whether the payload says what is asked for.
    says: bool,
    /// Whether it does no harm to ask twice.
    idempotent: bool,
    /// How often in a row the block that is due was sent or asked for again.
    tries: u8,
    /// How often it has started over.
    restarts: u8,
    /// Whether others follow the block that is on its way.
    pub(super) more: bool,
    /// Whether it has a Block1, even if it is the only one.
    pub(super) blockwise: bool,
    /// The largest block that may come: if the request had a Block2, the response has to go by it.
    pub(super) largest: u16,
    /// The payload of the block that is on its way.
    pub(super) sent: u16,
    /// The size of the next block that is sent, and of the one that is on its way.
    pub(super) up_size: u16,
    /// The size of the next block that is asked for.
    pub(super) down_size: u16,
    /// How long the body is, or `UNKNOWN`. At the end of [`Step::TooLarge`], what the server would take.
    pub(super) length: u32,
    pub(super) settings: Settings,
    /// Where the next block begins, in bytes; the one that is on its way, if one is.
    pub(super) up: u32,
    /// Where the answer is taken from, in bytes.
    pub(super) first: u32,
    /// Where the next block of it begins.
    pub(super) down: u32,
    /// What the server has said of its length.
    pub(super) size: Option<u32>,
    /// The code of the block that was taken first, and what else is the same in all: RFC 7959 2.4, the ETag; 2.3, the
    /// format. `None`: none was.
    pub(super) of: Option<(Code, [u32; 4])>,
    /// Request-Tag.
    pub(super) tag: Option<Token>,
}

impl<P: Copy> Transfer<P> {
    #[inline(always)] // Of constants nothing is copied.
    pub(super) const fn new(to: P, request: Request, settings: Settings, sending: bool) -> Transfer<P> {
        Transfer { blocks: Blocks::new(&request, settings, sending), handle: Handle::NONE, request, to }
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
    // In line, as `take` is.
    #[inline(always)]
    pub(super) fn ask<S: Store<Peer = P>, R: Roles>(
        &mut self,
        ep: &mut Endpoint<S, R>,
        now: Instant,
        tx: &mut [u8],
        body: &mut Body<'_>,
        options: &mut dyn FnMut(&mut Writer<'_>),
    ) -> Result<Option<Transmit<P>>, RequestError> {
        let mut writer = Writer::blank(tx);
        match self.next(ep, now, &mut writer, body, options) {
            (None, 0) => Ok(None),
            (None, _) => Ok(Some(Transmit { to: self.to, len: writer.length() })),
            (Some(why), value) => Err(Refused { why, value }.error(now, &writer)),
        }
    }

    /// Writes the next request: why it is refused, or else not 0 if it is to be sent. In two registers.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    fn next<S: Store<Peer = P>, R: Roles>(
        &mut self,
        ep: &mut Endpoint<S, R>,
        now: Instant,
        writer: &mut Writer<'_>,
        body: &mut Body<'_>,
        options: &mut dyn FnMut(&mut Writer<'_>),
    ) -> (Option<Why>, u32) {
        if self.blocks.over || self.waits() {
            return (None, 0);
        }
        let blocks = &mut self.blocks;
        writer.limit(usize::from(blocks.settings.max_message));
        let made = ep.request_by(now, self.to, &self.request, writer, |w| {
            options(w);
            if R::HAS.options_behind { blocks.write::<true>(w, body) } else { blocks.write::<false>(w, body) }
        });
        match made {
            Ok((handle, at_once)) => {
                self.handle = handle;
                (None, u32::from(at_once))
            }
            Err(refused) => (Some(refused.why), refused.value),
        }
    }

    /// A response has come. `None`: it answers another request.
    // In line: an application that does without some of what it says need not have it made.
    #[inline(always)]
    pub(super) fn take<'d>(&mut self, response: &ClientResponse<'d, P>) -> Option<Progress<'d>> {
        let message = response.message;
        let step = self.step(response.handle, &message)?;
        Some(self.blocks.progress(step, &message))
    }

    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    fn step(&mut self, handle: Handle, message: &Message<'_>) -> Option<Step> {
        if self.ends(handle) { Some(self.blocks.step(message)) } else { None }
    }

    /// A request has ended without a response. `None`: it was another one.
    #[inline(always)]
    pub(super) fn failed(&mut self, handle: Handle, why: Failure) -> Option<Progress<'static>> {
        let again = self.asks_again(handle, why)?;
        Some(if again { Progress::Next } else { Progress::Failed(Fault::NoResponse(why)) })
    }

    /// Whether what has failed is to be tried again.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    fn asks_again(&mut self, handle: Handle, why: Failure) -> Option<bool> {
        if !self.ends(handle) {
            return None;
        }
        let blocks = &mut self.blocks;
        // RFC 7252 5.8.2: nobody would know that it is the same.
        let once = blocks.sending && !blocks.blockwise && !blocks.idempotent;
        let in_time = matches!(why, Failure::TimedOut | Failure::Unanswered) && !once;
        if in_time && blocks.tries < blocks.settings.block_retries {
            blocks.tries = blocks.tries.wrapping_add(1);
            return Some(true);
        }
        blocks.over = true;
        Some(false)
    }

    /// Whether this is the request that is outstanding. If so, it is not any more.
    fn ends(&mut self, handle: Handle) -> bool {
        let ends = self.handle == handle;
        if ends {
            self.handle = Handle::NONE;
        }
        ends
    }

    /// What is under way is given up, and a download begins anew.
    pub(super) fn restart<S: Store<Peer = P>, R: Roles>(&mut self, ep: &mut Endpoint<S, R>) {
        ep.cancel(self.handle);
        *self = Transfer::new(self.to, self.request, self.blocks.settings, false);
    }
}

impl Blocks {
    #[inline(always)]
    pub(super) const fn new(request: &Request, settings: Settings, sending: bool) -> Blocks {
        Blocks {
            sending,
            over: false,
            says: request.is_fetch(),
            idempotent: request.is_idempotent(),
            tries: 0,
            restarts: 0,
            more: false,
            blockwise: false,
            largest: 1024,
            sent: 0,
            up_size: 16 << settings.wanted_szx(),
            down_size: 16 << settings.szx(),
            settings,
            up: 0,
            length: 0,
            first: 0,
            down: 0,
            size: None,
            of: None,
            tag: None,
        }
    }

    /// Writes what a request has besides the application's options: `BEHIND` says whether some of these may be higher.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
    fn write<const BEHIND: bool>(&mut self, w: &mut Writer<'_>, body: &mut Body<'_>) {
        // The payload is the transfer's to write.
        if w.has_payload() {
            w.fail(WriteError::OptionAfterPayload { number: OptionNumber::BLOCK2 });
        }
        let mut saying = [self.next(), NOT_SAID, NOT_SAID, NOT_SAID];
        if self.sending {
            self.choose(w, &mut saying, body);
            if BEHIND && self.blockwise {
                // RFC 7967 2.1: what says that the next block may come is a response, and is wanted. In all of them, as their
                // options are to be the same (RFC 7959 2.5).
                let reserves = |value: &[u8]| NoResponse::from_value(value) != Some(NoResponse::NONE);
                w.take_back(OptionNumber::NO_RESPONSE, reserves);
            }
        } else if self.settings.sizes && self.of.is_none() {
            saying[SIZE2] = 0;
        }
        self.largest = if saying[BLOCK2] != NOT_SAID { self.down_size } else { 1024 };
        self.say::<BEHIND>(w, &saying);
        // RFC 7959 3.3: no payload where a later block of the answer is asked for. But a FETCH is for what its
        // payload says (RFC 8132 2.3), and where it went in one message the server has kept nothing of it.
        if self.sending || self.says && !self.blockwise {
            self.send(w, body);
        }
    }

    /// Writes these and Request-Tag.
    pub(super) fn say<const BEHIND: bool>(&self, w: &mut Writer<'_>, saying: &Saying) {
        say::<BEHIND>(w, saying);
        if let Some(tag) = &self.tag {
            append::<BEHIND>(w, OptionNumber::REQUEST_TAG, tag.as_bytes());
        }
    }

    /// What a response means decides what is next.
    #[inline(always)]
    pub(super) fn take<'d>(&mut self, message: &Message<'d>) -> Progress<'d> {
        let step = self.step(message);
        self.progress(step, message)
    }

    fn step(&mut self, message: &Message<'_>) -> Step {
        self.tries = 0;
        let mut step = self.judge(message);
        if matches!(step, Step::Changed | Step::Incomplete) && self.restarts < self.settings.restarts {
            self.restarts = self.restarts.wrapping_add(1);
            self.up = 0;
            self.down = self.first;
            self.of = None;
            step = Step::Restarted;
        }
        self.over = step.is_last();
        step
    }

    fn judge(&mut self, message: &Message<'_>) -> Step {
        let mut said = [NOT_SAID; 8];
        read(message, &mut said);
        if self.sending {
            if let Some(step) = self.acknowledged(message.code(), &said) {
                return step;
            }
            self.sending = false;
            // The representation that answers a POST cannot be asked for again without doing it again.
            self.restarts = u8::MAX;
        }
        self.answered(message, &said)
    }

    /// What the application is told of the step that this response was.
    #[inline(always)]
    fn progress<'d>(&self, step: Step, message: &Message<'d>) -> Progress<'d> {
        let fault = match step {
            Step::Next => return Progress::Next,
            Step::Restarted => return Progress::Restarted,
            Step::Part | Step::Last => {
                let (code, bytes) = (message.code(), message.payload());
                let offset = self.down.wrapping_sub(bytes.len() as u32);
                return Progress::Part(Part { code, offset, bytes, last: step == Step::Last });
            }
            Step::Refused => Fault::Refused(message.code()),
            Step::Changed => Fault::Changed,
            Step::TooLong => Fault::TooLong,
            Step::Incomplete => Fault::Incomplete,
            Step::TooLarge => Fault::TooLarge { most: self.length },
            Step::WrongBlock => Fault::WrongBlock,
            Step::WrongLength => Fault::WrongLength,
            Step::Ignored => Fault::Ignored,
        };
        Progress::Failed(fault)
    }
}

/// Whether an offset is behind the last block of this size that has a number.
pub(super) const fn is_beyond(offset: u32, size: u16) -> bool {
    offset >> 20 >= size as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Block, Header};

    /// RFC 7959 2.2: NUM has 20 bits, so that a body of blocks of 16 bytes ends at 16 MiB.
    #[test]
    fn behind_the_last_number_there_is_none() {
        for (size, szx) in [(16, 0), (64, 2), (1024, 6)] {
            let last = u32::from(size) << 20;
            assert!(is_beyond(last, size) && !is_beyond(last - 1, size), "{size}");
            for (number, ends) in [(Block::MAX_NUM, true), (Block::MAX_NUM - 1, false)] {
                let mut blocks = Blocks::new(&Request::put(), Settings { block_size: size, ..Settings::DEFAULT }, true);
                (blocks.more, blocks.blockwise, blocks.up) = (true, true, number << (szx + 4));
                let mut bytes = [0; 16];
                let block = Block::new(number, true, szx).unwrap();
                let header = Header::acknowledgement(Code::CONTINUE, 1);
                let length = Writer::new(&mut bytes, header, &[]).block1(block).finish().unwrap();
                let progress = blocks.take(&Message::parse(&bytes[..length]).unwrap());
                assert_eq!(progress, if ends { Progress::Failed(Fault::TooLong) } else { Progress::Next }, "{size}");
            }
        }
    }
}
