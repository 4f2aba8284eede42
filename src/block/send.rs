//! Client, upload: sends a body block after block, and takes the answer, in blocks too (RFC 7959 2.5, 2.7).

use super::transfer::Transfer;
use super::{Body, Progress, Settings};
use crate::endpoint::{ClientResponse, Endpoint, Failure, Handle, Request, RequestError, Transmit};
use crate::roles::Roles;
use crate::store::Store;
use crate::time::Instant;
use crate::wire::{Token, Writer};

/// An upload: a request with a body of any length, and its answer, of any length too. For PUT, POST, PATCH and iPATCH,
/// and for a FETCH, whose body says what is to be fetched (RFC 8132 2.5).
///
/// It goes as a [`Fetch`](super::Fetch) does: [`ask`](Send::ask), [`take`](Send::take), [`failed`](Send::failed). While the body is
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
pub struct Send<P>(Transfer<P>);

impl<P: Copy> Send<P> {
    /// An upload to a server: `request` has the method, and how each request is made.
    #[must_use]
    #[inline(always)] // As that of a `Fetch`.
    pub const fn new(to: P, request: Request, settings: Settings) -> Send<P> {
        Send(Transfer::new(to, request, settings, true))
    }

    /// With blocks of at most so many bytes in the answer, where these are to be smaller than those of the body.
    #[must_use]
    pub const fn answer_blocks(mut self, block_size: u16) -> Send<P> {
        self.0.blocks.down_size = 16 << Settings { block_size, ..self.0.blocks.settings }.szx();
        self
    }

    /// With a Request-Tag of up to 8 bytes: to be used where two bodies go to one resource at the same time, and to be
    /// another one for each of them (RFC 9175 3.4).
    #[must_use]
    pub const fn tag(mut self, tag: Token) -> Send<P> {
        self.0.blocks.tag = Some(tag);
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

    /// Whether the body goes in several blocks, or in one that says so: known when the first request was made.
    #[must_use]
    pub const fn is_in_blocks(&self) -> bool {
        self.0.blocks.blockwise
    }

    /// How many bytes of the body the server has.
    #[must_use]
    pub const fn sent(&self) -> u32 {
        let blocks = &self.0.blocks;
        blocks.up.saturating_add(if blocks.sending { 0 } else { blocks.sent as u32 })
    }

    /// How many bytes of the answer have gone by, and how large the server has said that it is.
    #[must_use]
    pub const fn received(&self) -> (u32, Option<u32>) {
        (self.0.blocks.down, self.0.blocks.size)
    }

    /// Makes the next request, if one is due: as [`Fetch::ask`](super::Fetch::ask), with the body, the same one each time.
    /// Of the options Content-Format is to be among them, the same in each request (RFC 7959 2.3). No-Response (RFC 7967) is left out where
    /// the body goes in several blocks, if it stands behind all others: the response to a block says that the next may come.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::request`]. [`WriteError::BodyEnded`](crate::WriteError::BodyEnded): the body gives fewer bytes than it has.
    pub fn ask<S: Store<Peer = P>, R: Roles>(
        &mut self,
        ep: &mut Endpoint<S, R>,
        now: Instant,
        tx: &mut [u8],
        mut body: Body<'_>,
        mut options: impl FnMut(&mut Writer<'_>),
    ) -> Result<Option<Transmit<P>>, RequestError> {
        self.0.ask(ep, now, tx, &mut body, &mut options)
    }

    /// Looks at a response. `None`: it answers another request.
    #[inline]
    pub fn take<'d>(&mut self, response: &ClientResponse<'d, P>) -> Option<Progress<'d>> {
        self.0.take(response)
    }

    /// Looks at a request of ours that has ended without a response: as [`Fetch::failed`](super::Fetch::failed). A POST or PATCH that went in
    /// one message is not made again: nobody would know that it is the same.
    #[inline]
    pub fn failed(&mut self, handle: Handle, why: Failure) -> Option<Progress<'static>> {
        self.0.failed(handle, why)
    }
}
