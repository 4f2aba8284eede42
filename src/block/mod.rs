//! Block-wise transfer (RFC 7959): bodies of any length in messages of any size, in both directions and both roles.
//!
//! What it guarantees: a body is nowhere held whole, nor copied but into the message that carries a block of it; a
//! client's transfer ends once, in the last part of its answer or in one [`Fault`]; a server hands each byte of a body
//! to the application once, in order, and keeps 60 bytes for each body that is under way.
//!
//! | | |
//! |---|---|
//! | [`Fetch`] | client: a request and its answer in blocks (2.4) |
//! | [`Send`] | client: a request with a body in blocks, and its answer in blocks (2.5, 2.7); FETCH with a body (RFC 8132) |
//! | [`serve`] | server: any block of a representation, without state (2.4) |
//! | [`Endpoint::receive`] | server: a body, piece by piece (2.5, 2.9), told apart by Request-Tag (RFC 9175 3) |
//! | [`Body`] | where bytes come from: a slice, or `read_at(offset, buffer)` |
//! | [`Settings`] | how large blocks and messages may be, how often something is tried |
//!
//! They stand on the verbs of [`Endpoint`], which knows nothing of them, but for the slots of `receive`. An endpoint
//! refuses Block1 and Block2, which are critical, unless its [`Config`](crate::Config) says that the application
//! knows them: [`Config::blockwise`](crate::Config::blockwise).
//!
//! # A client
//!
//! A transfer is a value of the application's. It makes a request when it is asked to, and looks at what comes:
//!
//! ```text
//!            ┌──────────────────────────────────────────────────────────────┐
//!            ▼                                                              │ Next, Restarted, a Part that is not the last
//!   ask() ──► a request ──► Event::Response ──► take()    ──────────────────┤
//!                      └──► Output::Failed  ──► failed()  ──────────────────┤
//!                                                                           └─► the last Part, or Failed(fault): over
//! ```
//!
//! 1. `ask` makes the next request, if one is due, and nothing otherwise: it may be called whenever the application
//!    comes by. It is called with the same options and the same body each time. An error of it changes nothing.
//! 2. `take` and `failed` are called with what the endpoint gives out. `None` says that it was of another request, so
//!    that several transfers are asked one after the other.
//! 3. To give a transfer up: `ep.cancel(handle)`, with the [`handle`](Fetch::handle) of its request, and drop it.
//!
//! A program whose `ask` depends on the network rather than on a loop of its own, with any number of transfers:
//!
//! ```
//! use coaplet::block::{Fault, Fetch, Progress, Settings};
//! use coaplet::endpoint::{Arrival, Event, Failure, Handle, Output, Request, RequestError, Transmit};
//! use coaplet::{Code, Config, Endpoint, Fixed, Instant};
//!
//! struct Download {
//!     fetch: Fetch<u8>,
//!     path: &'static str,
//!     /// In the place of a file.
//!     bytes: Vec<u8>,
//!     ended: Option<Result<Code, Fault>>,
//! }
//!
//! struct Client {
//!     ep: Endpoint<Fixed<u8, 4, 8, 512>>,
//!     tx: [u8; 300],
//!     downloads: Vec<Download>,
//! }
//!
//! impl Client {
//!     /// Something has come. What is to be sent goes to `send`.
//!     fn datagram(&mut self, now: Instant, from: u8, rx: &[u8], send: &mut dyn FnMut(u8, &[u8])) {
//!         let input = self.ep.handle(now, from, Arrival::Unicast, rx, &mut self.tx);
//!         if let Some(t) = input.reply {
//!             send(t.to, &self.tx[..t.len]);
//!         }
//!         if let Event::Response(response) = input.event {
//!             for download in &mut self.downloads {
//!                 let progress = download.fetch.take(&response);
//!                 download.goes_on(progress);
//!             }
//!         }
//!     }
//!
//!     /// What is due; then blocks are asked for.
//!     fn due(&mut self, now: Instant, send: &mut dyn FnMut(u8, &[u8])) -> Option<Instant> {
//!         let deadline = loop {
//!             match self.ep.poll(now, &mut self.tx) {
//!                 Output::Send(t) => send(t.to, &self.tx[..t.len]),
//!                 Output::Failed(handle, why) => {
//!                     for download in &mut self.downloads {
//!                         let progress = download.fetch.failed(handle, why);
//!                         download.goes_on(progress);
//!                     }
//!                 }
//!                 Output::Idle(deadline) => break deadline,
//!                 _ => {}
//!             }
//!         };
//!         for download in &mut self.downloads {
//!             let path = download.path;
//!             match download.fetch.ask(&mut self.ep, now, &mut self.tx, |w| _ = w.path(path)) {
//!                 Ok(Some(t)) => send(t.to, &self.tx[..t.len]),
//!                 Ok(None) => {}
//!                 // A table is full: it is still due, and asked for when something has ended.
//!                 Err(_) => {}
//!             }
//!         }
//!         deadline
//!     }
//! }
//!
//! impl Download {
//!     fn goes_on(&mut self, progress: Option<Progress<'_>>) {
//!         match progress {
//!             Some(Progress::Part(part)) => {
//!                 self.bytes.extend_from_slice(part.bytes);
//!                 self.ended = part.last.then_some(Ok(part.code));
//!             }
//!             Some(Progress::Restarted) => self.bytes.clear(),
//!             Some(Progress::Failed(fault)) => self.ended = Some(Err(fault)),
//!             Some(Progress::Next) | None => {}
//!         }
//!     }
//! }
//!
//! # let ep = Endpoint::new(Config::DEFAULT.blockwise(), [1; 16], Fixed::new());
//! # let mut client = Client { ep, tx: [0; 300], downloads: Vec::new() };
//! let fetch = Fetch::new(7, Request::get(), Settings::for_messages_of(300));
//! client.downloads.push(Download { fetch, path: "log", bytes: Vec::new(), ended: None });
//! # let mut sent = Vec::new();
//! # let mut now = Instant::ZERO;
//! # // Nobody is there: five exchanges of 93 s at most, each of five transmissions.
//! # while client.downloads[0].ended.is_none() {
//! #     let mut send = |to: u8, bytes: &[u8]| sent.push((to, bytes.to_vec()));
//! #     if let Some(at) = client.due(now, &mut send) { now = now.max(at); }
//! # }
//! # assert_eq!(sent.len(), 25);
//! # assert_eq!(client.downloads[0].ended, Some(Err(Fault::NoResponse(Failure::TimedOut))));
//! # client.datagram(now, 7, &[0x40], &mut |_, _| ());
//! ```
//!
//! # A server
//!
//! What has no body is answered as before, with [`serve`] in the closure of `respond`: the block that is asked for is
//! in the request, and nothing is remembered. What may have a body goes through [`Endpoint::receive`] first:
//!
//! ```text
//!   Event::Request ──► receive() ──┬─► Piece, not the last ──► keep it ──► proceed()
//!                                  ├─► Piece, the last ──────► act ─────► conclude(), with the answer's body
//!                                  ├─► Later ───────────────► respond(), serve(): a later block of that answer
//!                                  └─► Answered ────────────► it is dealt with: send it
//! ```
//!
//! ```
//! use coaplet::block::{Asked, Body, Received, Settings, serve};
//! use coaplet::endpoint::{RespondError, ServerRequest, Transmit};
//! use coaplet::{Code, Config, Endpoint, Fixed, Instant};
//!
//! /// For two uploads at a time.
//! type Device = Endpoint<Fixed<u8, 4, 8, 512, 0, 2>>;
//!
//! /// 64 KiB of flash, for an image that anybody may read and write. Blocks of 256 bytes.
//! fn on_request(
//!     ep: &mut Device,
//!     now: Instant,
//!     request: &ServerRequest<'_, u8>,
//!     flash: &mut [u8; 65_536],
//!     tx: &mut [u8],
//! ) -> Result<Option<Transmit<u8>>, RespondError> {
//!     const SETTINGS: Settings = Settings { block_size: 256, max_body: 65_536, ..Settings::DEFAULT };
//!     if !request.message.path_is("image") {
//!         return ep.respond(now, request.id, tx, |w| _ = w.code(Code::NOT_FOUND));
//!     }
//!     match request.message.code() {
//!         Code::GET => ep.respond(now, request.id.idempotent(), tx, |w| {
//!             w.code(Code::CONTENT).etag(b"v1");
//!             serve(w, &Asked::of(&request.message), Body::slice(flash), &SETTINGS);
//!         }),
//!         Code::PUT => match ep.receive(now, request, &SETTINGS, tx)? {
//!             Received::Answered(sent) => Ok(sent),
//!             Received::Piece(piece) if !piece.copy_to(flash) => {
//!                 ep.conclude(now, &piece, tx, Body::EMPTY, |w| _ = w.code(Code::INTERNAL_SERVER_ERROR))
//!             }
//!             Received::Piece(piece) if piece.last => ep.conclude(now, &piece, tx, Body::EMPTY, |_| {}),
//!             Received::Piece(piece) => ep.proceed(now, &piece, tx),
//!             // The answer to a PUT has no second block.
//!             Received::Later(_) => ep.respond(now, request.id, tx, |w| _ = w.code(Code::BAD_REQUEST)),
//!         },
//!         _ => ep.respond(now, request.id, tx, |w| _ = w.code(Code::METHOD_NOT_ALLOWED)),
//!     }
//! }
//! # let _ = on_request;
//! ```
//!
//! Two uploads to one resource come interleaved: [`Piece::transfer`] says which is which, and `poll` tells by
//! [`Output::Broken`](crate::endpoint::Output::Broken) of one that ends without its last block. A piece at offset 0
//! begins anew, whatever came before it.
//!
//! # Blocks and notifications
//!
//! A notification has the first block of the representation (2.6): on the server [`serve`] with [`Asked::first`], on
//! the client [`Fetch::begin_with`], which then fetches the others; with a newer notification it is called again.
//!
//! # Errors, and who makes them
//!
//! - The peer: [`Fault`], for a client; a server answers by itself, as RFC 7959 says.
//! - The caller: as for the verbs of the endpoint, and [`WriteError::BodyEnded`](crate::WriteError::BodyEnded).
//!
//! [`Endpoint`]: crate::Endpoint
//! [`Endpoint::receive`]: crate::Endpoint::receive

mod body;
mod down;
mod fetch;
mod options;
mod progress;
mod receive;
mod send;
mod serve;
mod settings;
mod transfer;
mod up;

pub use body::Body;
pub use fetch::Fetch;
pub(crate) use options::put;
pub use progress::{Fault, Part, Progress};
pub use receive::{Piece, Received};
pub(crate) use receive::{Seen, answer_to, put_block1};
pub use send::Send;
pub use serve::{Asked, serve};
pub(crate) use serve::{Written, serve_in};
pub use settings::Settings;
