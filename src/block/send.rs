//! Client, upload: sends a body block after block, and takes the answer, in blocks too (RFC 7959 2.5, 2.7).

use super::options::{Extras, refuse_payload};
use super::serve::read;
use super::{Body, Fault, Fetch, Progress, Settings};
use crate::endpoint::{ClientResponse, Endpoint, Failure, Handle, Request, RequestError, Transmit};
use crate::roles::Roles;
use crate::store::Store;
use crate::time::Instant;
use crate::wire::{Block, Code, Message, Token, WriteError, Writer};

/// An upload: a request with a body of any length, and its answer, of any length too. For PUT, POST, PATCH and iPATCH,
/// and for a FETCH, whose body says what is to be fetched (RFC 8132 2.5).
///
/// It goes as a [`Fetch`] does: [`ask`](Send::ask), [`take`](Send::take), [`failed`](Send::failed). While the body is
/// on its way, each step is [`Progress::Next`], or [`Progress::Restarted`] if the server wants it from the first block
/// on; then the answer comes in [`Part`](super::Part)s, of which one is the last. An answer with an error code may come
/// before the body is through.
///
/// ```
/// use coaplet::block::{Body, Progress, Received, Send, Settings};
/// use coaplet::endpoint::{Arrival, Event, Request};
/// use coaplet::{Code, Config, Endpoint, Fixed, Instant};
///
/// # let image: Vec<u8> = (0..300_u16).map(|n| n as u8).collect();
/// let now = Instant::ZERO;
/// // A server for one upload at a time.
/// let mut server = Endpoint::new(Config::DEFAULT.blockwise(), [1; 16], Fixed::<u8, 4, 8, 512, 0, 1>::new());
/// let mut client = Endpoint::new(Config::DEFAULT.blockwise(), [2; 16], Fixed::<u8, 4, 8, 512>::new());
/// let (mut there, mut back) = ([0; 127], [0; 127]);
///
/// let mut send = Send::new(1, Request::put(), Settings::for_messages_of(127));
/// let mut flash = Vec::new();
/// while !send.is_over() {
///     let Some(sent) = send.ask(&mut client, now, &mut there, Body::slice(&image), |w| {
///         w.path("firmware");
///     })? else { panic!("there is nothing that it would wait for") };
///
///     // The server takes piece by piece.
///     let input = server.handle(now, 2, Arrival::Unicast, &there[..sent.len], &mut back);
///     let Event::Request(request) = input.event else { panic!() };
///     let sent = match server.receive(now, &request, &Settings::DEFAULT, &mut back)? {
///         Received::Piece(piece) => {
///             flash.extend_from_slice(piece.bytes);
///             if piece.last {
///                 server.conclude(now, &piece, &mut back, Body::EMPTY, |w| {
///                     w.code(Code::CHANGED);
///                 })?
///             } else {
///                 server.proceed(now, &piece, &mut back)?
///             }
///         }
///         Received::Answered(sent) => sent,
///         Received::Later(_) => panic!("the answer has one block"),
///     };
///
///     let answer = &back[..sent.unwrap().len];
///     let Event::Response(response) = client.handle(now, 1, Arrival::Unicast, answer, &mut there).event else { panic!() };
///     match send.take(&response) {
///         Some(Progress::Part(part)) => assert_eq!((part.code, part.last), (Code::CHANGED, true)),
///         Some(Progress::Failed(fault)) => return Err(fault.into()),
///         Some(Progress::Next | Progress::Restarted) | None => {}
///     }
/// }
/// assert_eq!(flash, image);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Send<P> {
    answer: Fetch<P>,
    up: Up,
    tag: Option<Token>,
}

/// How far the body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Up {
    /// Where the next block begins, in bytes; the one that is on its way, if one is.
    offset: u32,
    /// Of the body, if it is known.
    length: Option<u32>,
    /// The payload of the block that is on its way.
    sent: u16,
    szx: u8,
    /// Whether others follow it.
    more: bool,
    /// Whether it has a Block1.
    blockwise: bool,
    /// Whether the server is told how large it is.
    tell: bool,
    /// Whether it is to have one even if it is the only one.
    forced: bool,
    /// Whether all of it has gone.
    done: bool,
    /// How often it may still start over.
    restarts: u8,
}

/// What a response means to the body.
enum Step {
    Next,
    Restart,
    /// It is the answer to all of it.
    Answer,
}

impl<P: Copy> Send<P> {
    /// An upload to a server: `request` has the method, and how each request is made.
    #[must_use]
    #[inline(always)] // As that of a `Fetch`.
    pub const fn new(to: P, request: Request, settings: Settings) -> Send<P> {
        // The representation that answers a POST cannot be asked for again without doing it again.
        let answer = Fetch::new(to, request, Settings { restarts: 0, sizes: false, ..settings });
        Send { answer, up: Up::new(&settings), tag: None }
    }

    /// With blocks of at most so many bytes in the answer, where these are to be smaller than those of the body.
    #[must_use]
    pub const fn answer_blocks(self, block_size: u16) -> Send<P> {
        Send { answer: self.answer.blocks_of(block_size), ..self }
    }

    /// With a Request-Tag of up to 8 bytes: to be used where two bodies go to one resource at the same time, and to be
    /// another one for each of them (RFC 9175 3.4).
    #[must_use]
    pub const fn tag(self, tag: Token) -> Send<P> {
        Send { tag: Some(tag), ..self }
    }

    /// The request that is outstanding: to cancel it, if the transfer is to be given up.
    #[must_use]
    pub const fn handle(&self) -> Option<Handle> {
        self.answer.handle()
    }

    /// Whether the transfer has ended, well or not.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.answer.is_over()
    }

    /// How many bytes of the body the server has.
    #[must_use]
    pub const fn sent(&self) -> u32 {
        self.up.offset.saturating_add(if self.up.done { self.up.sent as u32 } else { 0 })
    }

    /// How many bytes of the answer have gone by, and how large the server has said that it is.
    #[must_use]
    pub const fn received(&self) -> (u32, Option<u32>) {
        (self.answer.offset(), self.answer.size())
    }

    /// Makes the next request, if one is due: as [`Fetch::ask`], with the body, the same one each time. Of the options
    /// Content-Format is to be among them, the same in each request (RFC 7959 2.3).
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::request`]. [`WriteError::BodyEnded`]: the body gives fewer bytes than it has.
    pub fn ask<S: Store<Peer = P>, R: Roles>(
        &mut self,
        ep: &mut Endpoint<S, R>,
        now: Instant,
        tx: &mut [u8],
        mut body: Body<'_>,
        mut options: impl FnMut(&mut Writer<'_>),
    ) -> Result<Option<Transmit<P>>, RequestError> {
        self.ask_with(ep, now, tx, &mut body, &mut options)
    }

    fn ask_with<S: Store<Peer = P>, R: Roles>(
        &mut self,
        ep: &mut Endpoint<S, R>,
        now: Instant,
        tx: &mut [u8],
        body: &mut Body<'_>,
        options: &mut dyn FnMut(&mut Writer<'_>),
    ) -> Result<Option<Transmit<P>>, RequestError> {
        if !self.answer.is_due() {
            return Ok(None);
        }
        let (answer, up, tag) = (&mut self.answer, &mut self.up, self.tag.as_ref().map(Token::as_bytes));
        let mut extras = Extras { tag, ..answer.down.asks(&answer.settings) };
        let (done, fetches) = (up.done, answer.request.is_fetch());
        let sent = answer.request(ep, now, tx, &mut |w| {
            options(w);
            refuse_payload(w);
            if !done {
                up.choose(w, &mut extras, body);
            }
            if R::HAS.options_behind {
                extras.put::<true>(w)
            } else {
                extras.put::<false>(w)
            }
            // RFC 7959 3.3: no payload where a later block of the answer is asked for. But a FETCH is for what its
            // payload says (RFC 8132 2.3), and where it went in one message the server has kept nothing of it.
            if !done || fetches && !up.blockwise {
                up.write(w, body);
            }
        })?;
        answer.down.asked = extras.block2.is_some();
        Ok(sent)
    }

    /// Looks at a response. `None`: it answers another request.
    pub fn take<'d>(&mut self, response: &ClientResponse<'d, P>) -> Option<Progress<'d>> {
        if !self.answer.awaits(response.handle) {
            return None;
        }
        if !self.up.done {
            let progress = match self.up.take(&response.message) {
                Ok(Step::Answer) => None,
                Ok(Step::Next) => Some(Progress::Next),
                Ok(Step::Restart) => Some(Progress::Restarted),
                Err(fault) => Some(Progress::Failed(fault)),
            };
            if let Some(progress) = progress {
                self.answer.go_on(&progress);
                return Some(progress);
            }
            self.up.done = true;
        }
        Some(self.answer.take_message(&response.message))
    }

    /// Looks at a request of ours that has ended without a response: as [`Fetch::failed`]. A POST or PATCH that went in
    /// one message is not made again: nobody would know that it is the same.
    pub fn failed(&mut self, handle: Handle, why: Failure) -> Option<Progress<'static>> {
        if !self.up.done && !self.up.blockwise && !self.answer.request.is_idempotent() {
            self.answer.give_up();
        }
        self.answer.failed(handle, why)
    }
}

impl Up {
    const fn new(settings: &Settings) -> Up {
        Up {
            offset: 0,
            length: None,
            sent: 0,
            szx: settings.wanted_szx(),
            more: false,
            blockwise: false,
            tell: settings.sizes,
            forced: false,
            done: false,
            restarts: settings.restarts,
        }
    }

    /// Chooses the block that goes behind these options.
    fn choose(&mut self, w: &Writer<'_>, extras: &mut Extras<'_>, body: &mut Body<'_>) {
        self.length = body.length();
        if self.offset == 0 && self.tell {
            extras.size1 = self.length;
        }
        loop {
            extras.block1 = Block::new(self.offset >> (self.szx + 4), true, self.szx).ok();
            let size = 16 << self.szx;
            if self.szx == 0 || extras.length_with(w).saturating_add(size) <= w.room() {
                break;
            }
            // RFC 7959 2.5: from now on, and the number counts in the new size.
            self.szx = self.szx.wrapping_sub(1);
        }
        self.more = body.reaches(self.offset.saturating_add(16 << self.szx));
        self.blockwise = self.forced || self.more || self.offset > 0;
        extras.block1 =
            extras.block1.filter(|_| self.blockwise).and_then(|b| Block::new(b.num(), self.more, b.szx()).ok());
        if !self.blockwise {
            extras.size1 = None;
        }
        // 2.7: only the last one is answered with a body. RFC 7959 3.3, Figure 11.
        if self.more {
            extras.block2 = None;
        }
    }

    /// Writes its payload.
    fn write(&mut self, w: &mut Writer<'_>, body: &mut Body<'_>) {
        match read(w, body, self.offset, 16 << self.szx, self.more) {
            Some(sent) => self.sent = sent as u16,
            None => _ = w.fail(WriteError::BodyEnded { offset: self.offset }),
        }
    }

    fn take(&mut self, message: &Message<'_>) -> Result<Step, Fault> {
        let (code, block) = (message.code(), message.block1());
        if code == Code::REQUEST_ENTITY_INCOMPLETE && self.blockwise {
            self.restarts = self.restarts.checked_sub(1).ok_or(Fault::Incomplete)?;
            self.offset = 0;
            return Ok(Step::Restart);
        }
        if code == Code::REQUEST_ENTITY_TOO_LARGE {
            // RFC 7959 2.9.3: the most that is taken of a body, or a hint to try blocks, or smaller ones.
            if let Some((most, _)) = message.size1().zip(self.length).filter(|(most, length)| most < length) {
                return Err(Fault::TooLarge { most });
            }
            let hint = block.map(Block::szx).filter(|szx| *szx < self.szx);
            let halved = Block::szx_for(usize::from(self.sent).saturating_sub(1)).filter(|_| !self.blockwise);
            let Some(szx) = hint.or(halved) else { return Ok(Step::Answer) };
            self.szx = self.szx.min(szx);
            self.forced = true;
            self.offset = 0;
            return Ok(Step::Restart);
        }
        // 2.3: a success for a block alone, where the server does with each what is to be done (Figure 8).
        if !code.is_success() || !self.more && code != Code::CONTINUE {
            return Ok(Step::Answer);
        }
        let block = block.ok_or(Fault::Ignored)?;
        let number = self.offset >> (self.szx + 4);
        if !self.more || block.num() != number && block.offset() != Some(self.offset) {
            return Err(Fault::WrongBlock);
        }
        self.offset = self.offset.saturating_add(u32::from(self.sent));
        self.szx = self.szx.min(block.szx());
        Ok(Step::Next)
    }
}
