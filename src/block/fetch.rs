//! Client, download: asks for block after block, and hands each over as it comes (RFC 7959 2.4).

use super::down::Down;
use super::options::{Extras, refuse_payload};
use super::{Fault, Progress, Settings};
use crate::endpoint::{ClientResponse, Endpoint, Failure, Handle, Request, RequestError, Transmit};
use crate::roles::Roles;
use crate::store::Store;
use crate::time::Instant;
use crate::wire::{Block, Message, Writer};

/// A download: a request without a payload, and its answer in blocks.
///
/// 1. [`ask`](Fetch::ask) makes the next request, if one is due: at the beginning, and after each step below that has
///    not ended the transfer. If it is an error, nothing is lost: ask again when the endpoint has room.
/// 2. [`take`](Fetch::take) gets each [`Event::Response`](crate::endpoint::Event::Response), and
///    [`failed`](Fetch::failed) each [`Output::Failed`](crate::endpoint::Output::Failed): they say `None` to what is of
///    another request, and else how it goes on.
/// 3. It ends in a [`Part`](super::Part) that is the `last`, or in [`Progress::Failed`].
///
/// ```
/// use coaplet::block::{Asked, Body, Fetch, Progress, Settings, serve};
/// use coaplet::endpoint::{Arrival, Event, Request};
/// use coaplet::{Code, Config, Endpoint, Fixed, Instant};
///
/// # let manual = [b'.'; 300];
/// let now = Instant::ZERO;
/// let mut server = Endpoint::new(Config::DEFAULT.blockwise(), [1; 16], Fixed::<u8, 4, 8, 512>::new());
/// let mut client = Endpoint::new(Config::DEFAULT.blockwise(), [2; 16], Fixed::<u8, 4, 8, 512>::new());
/// let (mut there, mut back) = ([0; 127], [0; 127]);
///
/// let mut fetch = Fetch::new(1, Request::get(), Settings::for_messages_of(127));
/// let mut text = Vec::new();
/// while !fetch.is_over() {
///     let Some(sent) = fetch.ask(&mut client, now, &mut there, |w| {
///         w.path("manual");
///     })? else { panic!("there is nothing that it would wait for") };
///
///     // The server, and a network that loses nothing.
///     let input = server.handle(now, 2, Arrival::Unicast, &there[..sent.len], &mut back);
///     let Event::Request(request) = input.event else { panic!() };
///     let sent = server.respond(now, request.id, &mut back, |w| {
///         w.code(Code::CONTENT).etag(b"v1");
///         serve(w, &Asked::of(&request.message), Body::slice(&manual), &Settings::DEFAULT);
///     })?;
///
///     let answer = &back[..sent.unwrap().len];
///     let Event::Response(response) = client.handle(now, 1, Arrival::Unicast, answer, &mut there).event else { panic!() };
///     match fetch.take(&response) {
///         Some(Progress::Part(part)) => {
///             assert_eq!((part.code, part.offset as usize), (Code::CONTENT, text.len()));
///             text.extend_from_slice(part.bytes);
///         }
///         // The representation has changed, and the first block is asked for again.
///         Some(Progress::Restarted) => text.clear(),
///         Some(Progress::Failed(fault)) => return Err(fault.into()),
///         Some(Progress::Next) | None => {}
///     }
/// }
/// assert_eq!(text, manual);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fetch<P> {
    to: P,
    pub(super) request: Request,
    pub(super) settings: Settings,
    pub(super) down: Down,
    stage: Stage,
    /// How often in a row a block may still be asked for again.
    tries: u8,
}

/// What is to happen next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Stage {
    /// A request.
    Due,
    /// The answer to one.
    Waiting(Handle),
    /// Nothing.
    Over,
}

impl<P: Copy> Fetch<P> {
    /// A download from a server: `request` has the method, and how each request is made.
    #[must_use]
    #[inline(always)] // Of constants nothing is copied.
    pub const fn new(to: P, request: Request, settings: Settings) -> Fetch<P> {
        let tries = settings.block_retries;
        Fetch { to, request, settings, down: Down::new(&settings), stage: Stage::Due, tries }
    }

    /// From this block on, of the size that the settings say: the bytes before it are not asked for. For a transfer
    /// that was broken off, or a part of a file. Numbers above 1,048,575 count as that.
    #[must_use]
    pub const fn from_block(self, number: u32) -> Fetch<P> {
        let number = if number > Block::MAX_NUM { Block::MAX_NUM } else { number };
        Fetch { down: self.down.from(number << (self.settings.szx() + 4)), ..self }
    }

    /// The request that is outstanding: to cancel it, if the transfer is to be given up.
    #[must_use]
    pub const fn handle(&self) -> Option<Handle> {
        match self.stage {
            Stage::Waiting(handle) => Some(handle),
            _ => None,
        }
    }

    /// Whether the transfer has ended, well or not.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Whether this is the request that is outstanding.
    pub(super) fn awaits(&self, handle: Handle) -> bool {
        matches!(self.stage, Stage::Waiting(own) if own == handle)
    }

    pub(super) const fn blocks_of(self, block_size: u16) -> Fetch<P> {
        let settings = Settings { block_size, ..self.settings };
        Fetch { settings, down: Down::new(&settings), ..self }
    }

    pub(super) fn is_due(&self) -> bool {
        matches!(self.stage, Stage::Due)
    }

    /// The request that is outstanding is not to be made again.
    pub(super) const fn give_up(&mut self) {
        self.tries = 0;
    }

    /// How many bytes from the start of the body have gone by.
    #[must_use]
    pub const fn offset(&self) -> u32 {
        self.down.offset
    }

    /// How large the server has said that the body is, in bytes (Size2). An estimate: what ends a body is its last
    /// block (RFC 7959 4).
    #[must_use]
    pub const fn size(&self) -> Option<u32> {
        self.down.size
    }

    /// Makes the next request, if one is due: what it gives out is to be sent.
    ///
    /// `options` writes the request's options, in ascending order and the same ones each time: it is called for each
    /// block. It writes no payload, and none of Block1, Block2, Size1, Size2 and Request-Tag, which are the transfer's.
    ///
    /// `None`: none is due, or it waits behind NSTART and comes out of [`poll`](Endpoint::poll).
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::request`]. The request is still due then.
    pub fn ask<S: Store<Peer = P>, R: Roles>(
        &mut self,
        ep: &mut Endpoint<S, R>,
        now: Instant,
        tx: &mut [u8],
        mut options: impl FnMut(&mut Writer<'_>),
    ) -> Result<Option<Transmit<P>>, RequestError> {
        self.ask_with(ep, now, tx, &mut options)
    }

    fn ask_with<S: Store<Peer = P>, R: Roles>(
        &mut self,
        ep: &mut Endpoint<S, R>,
        now: Instant,
        tx: &mut [u8],
        options: &mut dyn FnMut(&mut Writer<'_>),
    ) -> Result<Option<Transmit<P>>, RequestError> {
        if !self.is_due() {
            return Ok(None);
        }
        let extras = self.down.asks(&self.settings);
        let sent = self.request(ep, now, tx, &mut |w| {
            options(w);
            refuse_payload(w);
            if R::HAS.options_behind { extras.put::<true>(w) } else { extras.put::<false>(w) }
        })?;
        self.down.asked = extras.block2.is_some();
        Ok(sent)
    }

    /// Makes a request that `write` writes. There is one of it for each endpoint, whatever is asked.
    pub(super) fn request<S: Store<Peer = P>, R: Roles>(
        &mut self,
        ep: &mut Endpoint<S, R>,
        now: Instant,
        tx: &mut [u8],
        write: &mut dyn FnMut(&mut Writer<'_>),
    ) -> Result<Option<Transmit<P>>, RequestError> {
        let most = tx.len().min(usize::from(self.settings.max_message));
        let tx = tx.get_mut(..most).unwrap_or_default();
        match ep.request_by(now, self.to, &self.request, tx, |w| write(w)) {
            Ok((handle, sent)) => {
                self.stage = Stage::Waiting(handle);
                Ok(sent)
            }
            Err(error) => Err(error),
        }
    }

    /// Looks at a response. `None`: it answers another request.
    pub fn take<'d>(&mut self, response: &ClientResponse<'d, P>) -> Option<Progress<'d>> {
        if !self.awaits(response.handle) {
            return None;
        }
        Some(self.take_message(&response.message))
    }

    /// Begins with a first block that has come otherwise, in place of asking for it: as a notification (RFC 7959 2.6),
    /// or from a member of a group that was asked (2.8). [`ask`](Fetch::ask) then asks for the others. What was under
    /// way is given up: the representation that it was of is an older one.
    pub fn begin_with<'d, S: Store<Peer = P>, R: Roles>(
        &mut self,
        ep: &mut Endpoint<S, R>,
        message: &Message<'d>,
    ) -> Progress<'d> {
        if let Some(handle) = self.handle() {
            ep.cancel(handle);
        }
        self.down = Down::new(&self.settings);
        self.take_message(message)
    }

    pub(super) fn take_message<'d>(&mut self, message: &Message<'d>) -> Progress<'d> {
        let progress = self.down.take(message, &self.settings);
        self.go_on(&progress);
        progress
    }

    /// What a response meant decides what is next.
    pub(super) fn go_on(&mut self, progress: &Progress<'_>) {
        self.tries = self.settings.block_retries;
        self.stage = match progress {
            Progress::Part(part) if part.last => Stage::Over,
            Progress::Failed(_) => Stage::Over,
            _ => Stage::Due,
        };
    }

    /// Looks at a request of ours that has ended without a response. `None`: it was another one.
    ///
    /// One that has timed out is made again, [`block_retries`](Settings::block_retries) times in a row.
    pub fn failed(&mut self, handle: Handle, why: Failure) -> Option<Progress<'static>> {
        if !self.awaits(handle) {
            return None;
        }
        if matches!(why, Failure::TimedOut | Failure::Unanswered) {
            if let Some(tries) = self.tries.checked_sub(1) {
                self.tries = tries;
                self.stage = Stage::Due;
                return Some(Progress::Next);
            }
        }
        self.stage = Stage::Over;
        Some(Progress::Failed(Fault::NoResponse(why)))
    }
}

impl Down {
    /// What a request for the next block says.
    pub(super) fn asks(&self, settings: &Settings) -> Extras<'static> {
        let first = self.code.is_none();
        let block = Block::new(self.offset >> (self.szx + 4), false, self.szx).ok();
        Extras {
            block2: block.filter(|_| settings.early || self.offset > 0),
            size2: (first && settings.sizes).then_some(0),
            ..Extras::default()
        }
    }
}
