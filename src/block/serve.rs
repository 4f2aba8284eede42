//! Server, download: any block of a representation, from the request for it alone (RFC 7959 2.4).

use super::options;
use super::{Body, Settings};
use crate::wire::{Block, Code, Message, OptionNumber, Writer};

/// What a request says of the answer's blocks.
///
/// ```
/// use coaplet::block::Asked;
/// # use coaplet::{Code, Header, Message, Writer, wire::Block};
/// # let mut bytes = [0; 16];
/// # let header = Header::confirmable(Code::GET, 1);
/// # let length = Writer::new(&mut bytes, header, &[]).block2(Block::new(2, false, 1)?).finish()?;
/// # let message = Message::parse(&bytes[..length])?;
///
/// // 2:2/0/32, the third block of 32 bytes.
/// let asked = Asked::of(&message);
/// assert_eq!(asked.offset(), 64);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Asked {
    pub(crate) block2: Option<Block>,
    /// What the answer says of the block of the request (RFC 7959 2.3).
    pub(crate) block1: Option<Block>,
    pub(crate) size2: bool,
}

impl Asked {
    /// What this request says.
    #[must_use]
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(always))]
    pub fn of(request: &Message<'_>) -> Asked {
        Asked { block2: request.block2(), block1: None, size2: request.size2() == Some(0) }
    }

    /// The first block, of at most so many bytes: what a notification has (RFC 7959 2.6). The size is that of the
    /// request by which the observation was registered:
    /// [`Notify::block_size`](crate::endpoint::Notify::block_size). `None`: it has named none.
    #[must_use]
    pub fn first(block_size: Option<u16>) -> Asked {
        let szx = block_size.map(|size| Block::szx_for(usize::from(size)).unwrap_or(0));
        Asked { block2: szx.and_then(|szx| Block::new(0, false, szx).ok()), block1: None, size2: false }
    }

    /// Where the block begins that is asked for, in bytes. 0: the first one, or all.
    #[must_use]
    pub fn offset(&self) -> u32 {
        self.block2.and_then(Block::offset).unwrap_or(0)
    }

    /// SZX 7 is reserved (RFC 7959 2.2).
    fn is_bad(&self) -> bool {
        self.block2.is_some_and(Block::is_bert)
    }

    /// How large blocks may be that are sent to this client, in bytes: 16 to 1024.
    #[must_use]
    pub fn block_size(&self) -> u16 {
        self.block2.and_then(Block::size).unwrap_or(1024)
    }
}

/// Writes the part of a body that was asked for: Block2 and Size2 where they belong, and the payload. What is asked for
/// once more is written once more: nothing is remembered.
///
/// It is called in the closure of [`respond`](crate::Endpoint::respond), after the code and the options of the answer,
/// of which none may have a number above 20 (Location-Query). An ETag is to be among them if the representation ever
/// changes: by it the client knows whether its blocks are from one and the same (RFC 7959 2.4), and it is to be
/// another one for each representation (RFC 9175 3.8).
///
/// - All of the body, without Block2, where none was asked for and it fits.
/// - Blocks of the size that is asked for, or as large as fits into the buffer, `settings.max_message` and
///   `settings.block_size`. The number is that of the size which is used.
/// - Size2, if it was asked for and the length is known.
/// - In place of all that 4.00 Bad Request, for a block that begins beyond the end, and for SZX 7 (2.2); 5.00, if the
///   body does not give the bytes that it has.
///
/// ```
/// use coaplet::block::{Asked, Body, Settings, serve};
/// use coaplet::endpoint::{Arrival, Event};
/// use coaplet::{Code, Config, ContentFormat, Endpoint, Fixed, Header, Instant, Message, Writer, wire::Block};
///
/// let mut ep = Endpoint::new(Config::DEFAULT.blockwise(), [1; 16], Fixed::<u8, 4, 8, 512>::new());
/// # let (mut rx, mut tx) = ([0; 64], [0; 128]);
/// # let block = Block::with_size(3, false, 16)?;
/// # let length = Writer::new(&mut rx, Header::confirmable(Code::GET, 1), &[]).path("about").block2(block).finish()?;
/// # let rx = &rx[..length];
/// let text = "Somebody asks for the fourth block of 16 bytes, and this is where it lies.";
/// let Event::Request(request) = ep.handle(Instant::ZERO, 2, Arrival::Unicast, rx, &mut tx).event else { panic!() };
/// let answer = ep.respond(Instant::ZERO, request.id.idempotent(), &mut tx, |w| {
///     w.code(Code::CONTENT).etag(b"v1").content_format(ContentFormat::TEXT_PLAIN);
///     serve(w, &Asked::of(&request.message), Body::slice(text.as_bytes()), &Settings::DEFAULT);
/// })?;
/// let answer = Message::parse(&tx[..answer.unwrap().len])?;
/// assert_eq!(answer.block2(), Some(Block::with_size(3, true, 16)?));
/// assert_eq!(answer.payload(), &text.as_bytes()[48..64]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(always))]
pub fn serve(w: &mut Writer<'_>, asked: &Asked, body: Body<'_>, settings: &Settings) {
    serve_in::<false>(w, asked, body, settings);
}

/// As [`serve`]; `INSERT` as for [`options::put`].
pub(crate) fn serve_in<const INSERT: bool>(w: &mut Writer<'_>, asked: &Asked, mut body: Body<'_>, settings: &Settings) {
    if let Err(code) = write::<INSERT>(w, asked, &mut body, settings) {
        w.restart().code(code);
    }
}

/// What stands behind the length of a message with the options of an answer at most: Block2, Block1 and Size2 as long as
/// they may become, so that the size of the blocks does not depend on their number (RFC 7959 2.4).
const BLOCK2: usize = 5;
const BLOCK1: usize = 5;
const SIZE2: usize = 5;

/// Where in a body the part lies that is asked for, and how much there is room for.
#[derive(Clone, Copy)]
struct Room {
    /// Where it begins.
    offset: u32,
    /// How long a body may be that goes without blocks.
    whole: u32,
    /// SZX of the largest block for which there is room, and which is wanted.
    szx: u8,
}

impl Room {
    /// Behind the options that are written.
    fn behind(w: &Writer<'_>, asked: &Asked, settings: &Settings) -> Room {
        let limit = w.room().min(usize::from(settings.max_message));
        // Block1 at its longest, and the payload marker.
        let behind = if asked.block1.is_some() { BLOCK1 + 1 } else { 1 };
        let (room, most) = (limit.saturating_sub(w.length().saturating_add(behind)), usize::from(settings.block_size));
        let szx = Block::szx_for(room.saturating_sub(BLOCK2 + SIZE2).min(most)).unwrap_or(0);
        Room {
            offset: asked.block2.map_or(0, Block::begin),
            whole: room.min(most) as u32,
            // RFC 7959 2.4: the size that is asked for, or a smaller one.
            szx: asked.block2.map_or(szx, |block| szx.min(block.szx())),
        }
    }

    const fn size(&self) -> u32 {
        16 << self.szx
    }

    /// Writes the options of a part of a body of this length, if that is known.
    fn put<const INSERT: bool>(
        &self,
        w: &mut Writer<'_>,
        asked: &Asked,
        length: Option<u32>,
        more: bool,
    ) -> Result<(), Code> {
        let part = asked.block2.is_some() || more;
        if part {
            let number = self.offset >> (self.szx + 4);
            let block2 = Block::new(number, more, self.szx).map_err(|_| Code::BAD_REQUEST)?;
            options::put::<INSERT>(w, OptionNumber::BLOCK2, Some(block2.value()));
        }
        options::put::<INSERT>(w, OptionNumber::BLOCK1, asked.block1.map(Block::value));
        options::put::<INSERT>(w, OptionNumber::SIZE2, length.filter(|_| part && asked.size2));
        Ok(())
    }
}

fn write<const INSERT: bool>(
    w: &mut Writer<'_>,
    asked: &Asked,
    body: &mut Body<'_>,
    settings: &Settings,
) -> Result<(), Code> {
    let (length, room) = (body.length(), Room::behind(w, asked, settings));
    // All of it, if it fits and no block was asked for.
    let whole = length.filter(|&length| asked.block2.is_none() && length <= room.whole);
    let (offset, size) = (room.offset, whole.unwrap_or(room.size()));
    if asked.is_bad() || offset > 0 && !body.reaches(offset) {
        return Err(Code::BAD_REQUEST);
    }
    let more = whole.is_none() && body.reaches(offset.saturating_add(size));
    room.put::<INSERT>(w, asked, length, more)?;
    match read(w, body, offset, size as usize, more) {
        Some(_) => Ok(()),
        // There are fewer bytes than there were.
        None => Err(Code::INTERNAL_SERVER_ERROR),
    }
}

/// The same of a body that is written from its beginning to its end: the part that was asked for goes into the message
/// as it comes, and the options of the transfer are put in front of it in the end.
pub(crate) struct Written {
    room: Room,
    /// How much of the body has come.
    total: u32,
    /// Where what is kept of it ends: at the end of the block, or if it may go without blocks, of as much as there is
    /// room for.
    end: u32,
}

impl Written {
    /// Behind the options of the answer, which are all written.
    pub(crate) fn begin(w: &Writer<'_>, asked: &Asked, settings: &Settings) -> Written {
        let room = Room::behind(w, asked, settings);
        let end = room.offset.saturating_add(room.size());
        Written { room, total: 0, end: if asked.block2.is_none() { end.max(room.whole) } else { end } }
    }

    /// What comes next.
    pub(crate) fn put(&mut self, w: &mut Writer<'_>, bytes: &[u8]) {
        let left = |to: u32| (to.saturating_sub(self.total) as usize).min(bytes.len());
        w.payload(bytes.get(left(self.room.offset)..left(self.end)).unwrap_or_default());
        self.total = self.total.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    }

    /// That was all.
    pub(crate) fn end(&self, w: &mut Writer<'_>, asked: &Asked) -> Result<(), Code> {
        let &Written { room, total, end } = self;
        if asked.is_bad() || room.offset > 0 && total <= room.offset {
            return Err(Code::BAD_REQUEST);
        }
        let block = room.offset.saturating_add(room.size());
        let more = total > block && (asked.block2.is_some() || total > room.whole);
        if more {
            w.shorten(total.min(end).saturating_sub(block) as usize);
        }
        room.put::<true>(w, asked, Some(total), more)
    }
}

/// Reads a block of the body to where it is to stand, of a request or a response: how many bytes, up to `size`; with
/// `more`, just as many. `None`: there are fewer.
pub(super) fn read(w: &mut Writer<'_>, body: &mut Body<'_>, offset: u32, size: usize, more: bool) -> Option<usize> {
    let room = w.room_for_payload(size);
    let (most, filled) = (room.len(), body.fill(offset, room));
    if more && filled < most {
        return None;
    }
    // What there is no room for counts, so that the caller learns how much it takes.
    let short = most < size && (more || body.reaches(offset.saturating_add(most as u32)));
    w.end_payload(if short { size } else { filled });
    Some(filled)
}
