//! Client, download: asks for block after block, and hands each over as it comes (RFC 7959 2.4).

use super::transfer::Transfer;
use super::{Body, Progress, Settings};
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
pub struct Fetch<P>(Transfer<P>);

impl<P: Copy> Fetch<P> {
    /// A download from a server: `request` has the method, and how each request is made.
    #[must_use]
    #[inline(always)] // Of constants nothing is copied.
    pub const fn new(to: P, request: Request, settings: Settings) -> Fetch<P> {
        Fetch(Transfer::new(to, request, settings, false))
    }

    /// From this block on, of the size that the settings say: the bytes before it are not asked for. For a transfer
    /// that was broken off, or a part of a file. Numbers above 1,048,575 count as that.
    #[must_use]
    pub const fn from_block(mut self, number: u32) -> Fetch<P> {
        let number = if number > Block::MAX_NUM { Block::MAX_NUM } else { number };
        self.0.blocks = self.0.blocks.from(number);
        self
    }

    /// The request that is outstanding: to cancel it, if the transfer is to be given up.
    #[must_use]
    pub const fn handle(&self) -> Option<Handle> {
        self.0.handle()
    }

    /// Whether the transfer has ended, well or not.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// How many bytes from the start of the body have gone by.
    #[must_use]
    pub const fn offset(&self) -> u32 {
        self.0.blocks.down
    }

    /// How large the server has said that the body is, in bytes (Size2). An estimate: what ends a body is its last
    /// block (RFC 7959 4).
    #[must_use]
    pub const fn size(&self) -> Option<u32> {
        self.0.blocks.size
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
        let mut body = Body::EMPTY;
        self.0.ask(ep, now, tx, &mut body, &mut options)
    }

    /// Looks at a response. `None`: it answers another request.
    #[inline]
    pub fn take<'d>(&mut self, response: &ClientResponse<'d, P>) -> Option<Progress<'d>> {
        self.0.take(response)
    }

    /// Begins with a first block that has come otherwise, in place of asking for it: as a notification (RFC 7959 2.6),
    /// or from a member of a group that was asked (2.8). [`ask`](Fetch::ask) then asks for the others. What was under
    /// way is given up: the representation that it was of is an older one.
    pub fn begin_with<'d, S: Store<Peer = P>, R: Roles>(
        &mut self,
        ep: &mut Endpoint<S, R>,
        message: &Message<'d>,
    ) -> Progress<'d> {
        self.0.restart(ep);
        self.0.blocks.take(message)
    }

    /// Looks at a request of ours that has ended without a response. `None`: it was another one.
    ///
    /// One that has timed out is made again, [`block_retries`](Settings::block_retries) times in a row.
    #[inline]
    pub fn failed(&mut self, handle: Handle, why: Failure) -> Option<Progress<'static>> {
        self.0.failed(handle, why)
    }
}
