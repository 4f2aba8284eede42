//! Server, upload: the body of a request, piece by piece as it comes (RFC 7959 2.5).

use super::options;
use super::progress::put;
use super::serve::serve;
use super::{Asked, Body, Settings};
use crate::endpoint::observe::{Of, Plain};
use crate::endpoint::{Endpoint, RequestId, RespondError, ServerRequest, TransferId, Transmit, Unmade};
use crate::exchange::Handle;
use crate::reliability::Engine;
use crate::roles::Roles;
use crate::store::{Stage, Store, Transfer};
use crate::time::Instant;
use crate::wire::{Block, Code, Message, OptionNumber, Writer};

/// What [`Endpoint::receive`] makes of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "a piece is to be answered, and an answer to be sent"]
pub enum Received<'d, P> {
    /// Bytes of a body that were not seen before: to be answered by [`proceed`](Endpoint::proceed) or
    /// [`conclude`](Endpoint::conclude).
    Piece(Piece<'d>),
    /// The body came before, and this asks for a later block of the answer to it (RFC 7959 2.7), as
    /// [`Asked::of`] says: to be answered by [`serve`] in [`respond`](Endpoint::respond), without doing anything again.
    /// With it the transfer that brought the body, if it came in blocks and is remembered.
    Later(Option<TransferId>),
    /// It is answered: a block that came before, or one that does not belong here.
    Answered(Option<Transmit<P>>),
}

/// Bytes of a body, where they lie in the datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Piece<'d> {
    /// Where they belong in the body, in bytes from its start. Each piece begins where the one before it ends, or at
    /// 0, if the client has started over.
    pub offset: u32,
    /// The bytes: up to 1024, or all of the body.
    pub bytes: &'d [u8],
    /// Whether the body ends with them.
    pub last: bool,
    /// How large the client has said that the body is, in bytes (Size1). An estimate.
    pub size: Option<u32>,
    of: Of,
    pub(crate) asked: Asked,
    max_message: u16,
    block_size: u16,
}

impl Piece<'_> {
    /// Puts the bytes where they belong in a buffer for the whole body. False if they do not fit: the buffer is shorter
    /// than [`max_body`](Settings::max_body).
    #[must_use]
    pub fn copy_to(&self, body: &mut [u8]) -> bool {
        put(body, self.offset, self.bytes)
    }

    /// Which transfer they belong to. `None`: they are all of the body.
    #[must_use]
    pub const fn transfer(&self) -> Option<TransferId> {
        self.of.transfer
    }

    /// Where they end: with the last piece, the length of the body.
    #[must_use]
    pub const fn end(&self) -> u32 {
        self.of.end
    }
}

impl<S: Store, R: Roles> Endpoint<S, R> {
    /// Takes in a request that may be a block of a body: whatever has a body is to be looked at by it, before the
    /// application acts.
    ///
    /// One body may come from each peer for each request that differs in its method or options, Request-Tag among them
    /// (RFC 9175 3.3); each takes a slot of the store's `TRANSFERS`, and of its bytes none is kept. A transfer without
    /// progress for EXCHANGE_LIFETIME ends, and [`poll`](Endpoint::poll) tells it as
    /// [`Output::Broken`](crate::endpoint::Output::Broken).
    ///
    /// What comes out as [`Received::Answered`]:
    ///
    /// - a block that came before, in another exchange: it gets the answer that it got, without the application seeing
    ///   it; so does the last block of a body that is whole, with the code of its answer and without payload. If the
    ///   application has not answered yet, its answer goes to the new exchange, and nothing is sent now;
    /// - a block that is not the next one, or whose first blocks are not there any more: 4.08;
    /// - a body that is longer than `settings.max_body`, or says that it will be: 4.13 with Size1;
    /// - a first block for which there is no slot: 5.03 with Max-Age;
    /// - SZX 7, or a payload that has not the length that Block1 says: 4.00.
    ///
    /// # Errors
    ///
    /// Those of [`respond`](Endpoint::respond), of what would have been answered.
    pub fn receive<'d>(
        &mut self,
        now: Instant,
        request: &ServerRequest<'d, S::Peer>,
        settings: &Settings,
        tx: &mut [u8],
    ) -> Result<Received<'d, S::Peer>, RespondError> {
        let engine = self.at(now);
        let (id, message) = (request.id, &request.message);
        let Some(peer) = engine.asked_by(id) else { return Err(RespondError::Stale) };
        let block = message.block1();
        let block1 = answer_to(block, settings);
        let transfer = match engine.receive(id, peer, message, block, settings) {
            Seen::Piece(transfer) => transfer,
            Seen::Later(transfer) => return Ok(Received::Later(transfer)),
            Seen::Refused(Code::EMPTY, _) => return Ok(Received::Answered(None)),
            Seen::Refused(code, of_block) => {
                let refusal = Refusal::of(code, of_block, block1, settings);
                let answered = engine.answer_by_itself(&Of::whole(id), refusal, tx).map(Received::Answered);
                return answered.map_err(|unmade| unmade.error(now));
            }
        };
        let (offset, bytes) = (block.map_or(0, Block::begin), message.payload());
        Ok(Received::Piece(Piece {
            offset,
            bytes,
            last: !block.is_some_and(Block::more),
            size: message.size1(),
            of: Of { id, transfer, end: offset.saturating_add(bytes.len() as u32) },
            asked: Asked { block1, ..Asked::of(message) },
            max_message: settings.max_message,
            block_size: settings.block_size,
        }))
    }

    /// Answers a piece that is not the last: 2.31 Continue. Blocks are to have the size of `settings.block_size` from
    /// then on, if they were larger.
    ///
    /// # Errors
    ///
    /// Those of [`respond`](Endpoint::respond). The piece can still be answered.
    pub fn proceed(
        &mut self,
        now: Instant,
        piece: &Piece<'_>,
        tx: &mut [u8],
    ) -> Result<Option<Transmit<S::Peer>>, RespondError> {
        let refusal = Refusal { code: Code::CONTINUE, block1: piece.asked.block1, size1: None };
        self.at(now).answer_by_itself(&piece.of, refusal, tx).map_err(|unmade| unmade.error(now))
    }

    /// Answers the last piece, with the answer to all of the body; or any other one, to end the transfer by an error.
    /// `options` sets the code (2.04 Changed if it sets none) and writes options up to 20, as for [`serve`], and no
    /// payload, which is `body`. Block1 is written by itself.
    ///
    /// A body that does not fit into one message is served in blocks: the client asks for the others, which
    /// comes as [`Received::Later`]. A success for a piece that is not the last says that it was carried out for these
    /// bytes alone (RFC 7959 2.3), and the transfer goes on.
    ///
    /// # Errors
    ///
    /// Those of [`respond`](Endpoint::respond). The piece can still be answered.
    pub fn conclude(
        &mut self,
        now: Instant,
        piece: &Piece<'_>,
        tx: &mut [u8],
        body: Body<'_>,
        options: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Option<Transmit<S::Peer>>, RespondError> {
        let settings = Settings { max_message: piece.max_message, block_size: piece.block_size, ..Settings::DEFAULT };
        let build = |w: &mut Writer<'_>| {
            w.code(Code::CHANGED);
            options(w);
            serve(w, &piece.asked, body, &settings);
        };
        let engine = self.at(now);
        let made = engine.respond_any(Some(&piece.of), 0, None, tx, &mut Plain { build: Some(build), tag: 0 });
        engine.count_made(&made);
        made.map_err(|unmade| unmade.error(now))
    }
}

/// The Block1 of an answer (RFC 7959 2.3): the block that is acknowledged, and how large others are to be from now on.
/// That more are to come is for 2.31 to say.
pub(crate) fn answer_to(block: Option<Block>, settings: &Settings) -> Option<Block> {
    block.map(|block| block.acknowledged(settings.wanted_szx()))
}

/// Writes Block1 into an answer with this code: with 2.31 it says that more are to come. `INSERT` as for
/// [`options::put`].
pub(crate) fn put_block1<const INSERT: bool>(w: &mut Writer<'_>, code: Code, block1: Option<Block>) {
    let more = code == Code::CONTINUE;
    options::put::<INSERT>(w, OptionNumber::BLOCK1, block1.map(|block| block.with_more(more).value()));
}

/// An answer that the application has no part in.
#[derive(Clone, Copy)]
struct Refusal {
    /// Empty: none now.
    code: Code,
    block1: Option<Block>,
    size1: Option<u32>,
}

impl Refusal {
    /// Of a block, or of all that came with the request.
    fn of(code: Code, of_block: bool, block1: Option<Block>, settings: &Settings) -> Refusal {
        let size1 = Some(settings.max_body).filter(|_| code == Code::REQUEST_ENTITY_TOO_LARGE && !of_block);
        Refusal { code, block1: block1.filter(|_| of_block || size1.is_some()), size1 }
    }

    fn write(&self, w: &mut Writer<'_>, max_age: u32) {
        w.code(self.code);
        if self.code == Code::SERVICE_UNAVAILABLE {
            w.max_age(max_age);
        }
        put_block1::<false>(w, self.code, self.block1);
        options::put::<false>(w, OptionNumber::SIZE1, self.size1);
    }
}

/// What a request is found to be.
pub(crate) enum Seen {
    /// A piece: of which transfer, if it is not all of the body.
    Piece(Option<TransferId>),
    Later(Option<TransferId>),
    /// Answered with this code, or not now, if it is Empty; and whether it says of which block.
    Refused(Code, bool),
}

impl<S: Store, R: Roles> Engine<S, R> {
    /// Looks at a request that is still to be answered, of a peer.
    pub(crate) fn receive(
        &mut self,
        request: RequestId,
        peer: u32,
        message: &Message<'_>,
        block: Option<Block>,
        settings: &Settings,
    ) -> Seen {
        let bytes = message.payload();
        let later = block.is_none() && message.block2().is_some_and(|block| block.num() > 0);
        let (room, offset, value, more) = match block {
            Some(block) => (usize::from(block.nominal_size()), block.begin(), block.value(), block.more()),
            None => (usize::MAX, 0, 0, false),
        };
        // RFC 7959 2.2, 2.3.
        let fits = if more { bytes.len() == room } else { bytes.len() <= room };
        if !fits || block.is_some_and(Block::is_bert) {
            return Seen::Refused(Code::BAD_REQUEST, false);
        }
        let alone = !later && offset == 0 && !more;
        let end = offset.saturating_add(bytes.len() as u32);
        if !later && (end.max(message.size1().unwrap_or(0)) > settings.max_body || !R::HAS.transfers && !alone) {
            return Seen::Refused(Code::REQUEST_ENTITY_TOO_LARGE, false);
        }
        if alone {
            return Seen::Piece(None);
        }
        if !R::HAS.transfers {
            return Seen::Later(None);
        }
        let key = self.held.body_key(peer, message);
        let found = self.held.transfers.find(peer, key);
        if later {
            if let Some((index, stage)) = found.and_then(|index| Some((index, self.transfer(index)?.stage))) {
                // It is remembered as long as its answer is fetched.
                self.touch_transfer(index, stage);
            }
            return Seen::Later(found.map(|index| TransferId(self.transfer_handle(index))));
        }
        let hash = self.held.body_hash(0, value, bytes) as u32;
        let index = match found.and_then(|index| Some((index, self.transfer(index)?))) {
            Some((index, transfer)) => {
                let (stage, code) = (transfer.stage, transfer.code());
                if transfer.block() == value && transfer.hash == hash {
                    // It came before: the answer got lost, or is still being made, and goes to who asks last.
                    if let Some(transfer) = self.touch_transfer(index, stage) {
                        transfer.request = request.0;
                    }
                    return Seen::Refused(Code::from_byte(code), true);
                }
                // 2.5: the first block begins a new body in any case; 2.9.2.
                if offset > 0 && (transfer.next != offset || stage != Stage::Coming) {
                    return Seen::Refused(Code::REQUEST_ENTITY_INCOMPLETE, true);
                }
                index
            }
            None if offset > 0 => return Seen::Refused(Code::REQUEST_ENTITY_INCOMPLETE, true),
            None => match self.insert_transfer(peer, key) {
                Some(index) => index,
                None => return Seen::Refused(Code::SERVICE_UNAVAILABLE, false),
            },
        };
        if let Some(transfer) = self.touch_transfer(index, if more { Stage::Coming } else { Stage::Over }) {
            transfer.set_block(value);
            transfer.hash = hash;
            transfer.next = end;
            transfer.request = request.0;
        }
        Seen::Piece(Some(TransferId(self.transfer_handle(index))))
    }

    /// Of whom a request is that is still to be answered.
    pub(crate) fn asked_by(&self, request: RequestId) -> Option<u32> {
        let exchange = self.held.exchanges.at(self.meant(request.0)?)?;
        (exchange.state.awaits_answer() && !self.is_detached(exchange.peer)).then_some(exchange.peer)
    }

    /// Of whom a request is that has come just now.
    pub(crate) fn peer_of(&self, request: RequestId) -> Option<u32> {
        Some(self.held.exchanges.at(request.0.index)?.peer)
    }

    /// Answers what the application has no part in.
    #[inline(never)]
    fn answer_by_itself(
        &mut self,
        of: &Of,
        refusal: Refusal,
        tx: &mut [u8],
    ) -> Result<Option<Transmit<S::Peer>>, Unmade> {
        let max_age = self.rules().refusal_max_age;
        let build = |w: &mut Writer<'_>| refusal.write(w, max_age);
        let made = self.respond_any(Some(of), 0, None, tx, &mut Plain { build: Some(build), tag: 0 });
        self.count_made(&made);
        made
    }

    /// The transfer of a piece that ends there, if it is its last one and not answered, and the request that is to be
    /// answered.
    pub(crate) fn brought_by(&self, transfer: Option<TransferId>, end: u32) -> Option<(u32, Handle)> {
        let index = self.meant_transfer(transfer.filter(|_| R::HAS.transfers)?)?;
        let transfer = self.transfer(index)?;
        (transfer.next == end && transfer.code() == 0).then_some((index, transfer.request))
    }

    fn transfer(&self, index: u32) -> Option<&Transfer> {
        self.held.transfers.at(index)
    }

    fn transfer_mut(&mut self, index: u32) -> Option<&mut Transfer> {
        self.held.transfers.at_mut(index)
    }

    /// A block has come: from now on the transfer has its time again.
    fn touch_transfer(&mut self, index: u32, stage: Stage) -> Option<&mut Transfer> {
        let now = self.held.ticks();
        self.held.transfers.touch(index, stage, now)
    }

    /// The last piece of a transfer was answered.
    pub(crate) fn answered(&mut self, index: u32, code: Code) {
        if let Some(transfer) = self.transfer_mut(index) {
            transfer.set_code(code.to_byte());
        }
        if !code.is_success() {
            // Over, and who sends the block again gets the error again.
            self.touch_transfer(index, Stage::Over);
        }
    }
}
