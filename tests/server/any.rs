//! Whatever clients say to a server with resources of every kind: the bytes are a script, played to a server of either
//! scale. What is sent is a message, a response belongs to its request, and both servers say the same.

use coaplet::endpoint::{Arrival, Endpoint, Output};
use coaplet::server::{Answer, Error, Later, Listing, Reply, Request, Route, Server};
use coaplet::store::{Indexed, Scale, Scan};
use coaplet::wire::Block;
use coaplet::{Code, Config, ContentFormat, Fixed, Header, Instant, Message, OptionNumber, Store, Type, Writer};

struct Script<'b>(&'b [u8]);

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn bytes(&mut self, most: u8) -> Option<Vec<u8>> {
        let length = usize::from(self.byte()? % (most + 1)).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(bytes.to_vec())
    }
}

#[derive(Default)]
struct State {
    notes: Vec<(String, Vec<u8>)>,
    coming: Vec<u8>,
    waiting: Vec<Later>,
}

fn name<P: Copy>(request: &Request<'_, P>) -> String {
    request.tail().flatten().collect::<Vec<_>>().join("/")
}

fn get(state: &mut State, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    let name = name(request);
    let (_, note) = state.notes.iter().find(|(its, _)| *its == name).ok_or(Error::new(Code::NOT_FOUND, "nothing"))?;
    let format = ContentFormat::new(u16::from(note.first().copied().unwrap_or(0)) % 3 * 25);
    Ok(reply.etag(&[note.len() as u8, note.first().copied().unwrap_or(0)]).content_format(format).payload(note))
}

fn put(state: &mut State, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    state.coming.truncate(request.offset() as usize);
    state.coming.extend_from_slice(request.payload());
    if request.is_last() {
        let (name, note) = (name(request), std::mem::take(&mut state.coming));
        state.notes.retain(|(its, _)| *its != name);
        state.notes.push((name, note));
    }
    Ok(reply.done())
}

fn delete(state: &mut State, request: &Request<'_, u8>, reply: Reply) -> Result<Answer, Error> {
    let name = name(request);
    state.notes.retain(|(its, _)| *its != name);
    Ok(reply.done())
}

fn slow(state: &mut State, request: &Request<'_, u8>, _: Reply) -> Result<Answer, Error> {
    state.waiting.push(request.later());
    Ok(Answer::Later(request.later()))
}

fn list(state: &mut State, listing: &mut Listing<'_>) {
    state.notes.iter().for_each(|(name, note)| listing.add(name, Some(note.len() as u32)));
}

static ROUTES: [Route<State, u8>; 4] = [
    Route::new("a").get(get).put(put).delete(delete).observable().formats(&[ContentFormat::TEXT_PLAIN]).group(),
    Route::new("b/*").get(get).put(put).post(put).rest(get).delete(delete).observable_non().uploads(200),
    Route::new("c/**").get(get).fetch(get).put(put).observable().listing(list).rt("x y"),
    Route::new("s").get(slow).post(slow).observable(),
];

const NUMBERS: [u16; 16] = [1, 4, 5, 6, 6, 11, 11, 12, 15, 17, 23, 27, 27, 35, 39, 60];
const TEXTS: [&[u8]; 8] = [b"a", b"b", b"c", b"s", b".well-known", b"core", b"coap://us/b/x?rt=x", b"rt=*"];

/// A request with any options, most of them such as mean something.
fn request(script: &mut Script<'_>, id: u16) -> Option<Vec<u8>> {
    let (method, options) = (script.byte()?, script.byte()? % 6);
    let message_type = if method & 0x80 == 0 { Type::Confirmable } else { Type::NonConfirmable };
    let mut bytes = vec![0; 800];
    let header = Header::new(message_type, Code::from_byte(1 + (method & 0x7f) % 9), id);
    // Few tokens, so that observations are made again, and ended.
    let mut w = Writer::new(&mut bytes, header, &[method >> 4 & 3]);
    w.option(OptionNumber::URI_PATH, TEXTS[usize::from(script.byte()? % 5)]);
    for _ in 0..options {
        let which = script.byte()?;
        let number = OptionNumber::new(NUMBERS[usize::from(which & 15)]);
        match which >> 4 {
            0..6 => w.insert(number, TEXTS[usize::from(which >> 4) + 2]),
            6..12 if matches!(number, OptionNumber::BLOCK1 | OptionNumber::BLOCK2) => {
                let block = Block::new(u32::from(which >> 4) - 6, which & 16 != 0, 0).ok()?;
                w.insert(number, coaplet::wire::uint::encode(block.value()).as_bytes())
            }
            6..10 => w.insert(number, &[]),
            10..13 => w.insert(number, &[which & 3]),
            _ => w.insert(number, &script.bytes(9)?),
        };
    }
    // A block of 16 bytes, or any bytes.
    let payload = if method & 0x40 == 0 { script.bytes(40)? } else { vec![method; 16] };
    let length = w.payload(&payload).finish().ok()?;
    bytes.truncate(length);
    Some(bytes)
}

struct Played<St: Store<Peer = u8>> {
    server: Server<'static, State, St>,
    state: State,
    tx: [u8; 1152],
    /// The last message to each client that is to be confirmed.
    last: [Option<u16>; 4],
}

impl<St: Store<Peer = u8>> Played<St> {
    fn new(store: St) -> Played<St> {
        let endpoint = Endpoint::new(Config::DEFAULT.serving(), [3; 16], store);
        let server = Server::new(endpoint, &ROUTES).with_names(&["us"]);
        Played { server, state: State::default(), tx: [0; 1152], last: [None; 4] }
    }

    /// A datagram comes: what is sent at once.
    fn handle(&mut self, now: Instant, from: u8, arrival: Arrival, bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let input = self.server.handle(&mut self.state, now, from, arrival, bytes, &mut self.tx);
        let Some(sent) = input.reply else { return Ok(None) };
        let (message, asked) =
            (self.sent(sent.to, sent.len)?, Message::parse(bytes).map_err(|error| error.to_string())?);
        let message = Message::parse(&message).map_err(|error| error.to_string())?;
        let piggybacked = message.message_type() == Type::Acknowledgement;
        let empty = message.code() == Code::EMPTY;
        if sent.to != from
            || piggybacked && message.message_id() != asked.message_id()
            || !empty && message.token() != asked.token()
        {
            return Err(format!("{message} answers {asked}"));
        }
        if arrival == Arrival::Group {
            return Err(format!("{message} to a group at once"));
        }
        // What differs from one server to another is left out: Message IDs of ours, and numbers of notifications.
        let mut plain = vec![message.code().to_byte()];
        for (number, value) in message.options() {
            let value = if number == OptionNumber::OBSERVE { &[] } else { value };
            plain.extend([number.get() as u8, value.len() as u8]);
            plain.extend(value);
        }
        plain.extend(message.payload());
        Ok(Some(plain))
    }

    /// Answers what was put off last, if it is to be answered still.
    fn complete(&mut self, now: Instant) {
        if let Some(later) = self.state.waiting.pop() {
            if let Ok(Some(sent)) = self.server.complete(now, later, &mut self.tx, |reply| Ok(reply.text("late"))) {
                self.last[usize::from(sent.to)] = Some(u16::from_be_bytes([self.tx[2], self.tx[3]]));
            }
        }
    }

    fn sent(&mut self, to: u8, length: usize) -> Result<Vec<u8>, String> {
        let bytes = self.tx[..length].to_vec();
        let message = Message::parse(&bytes).map_err(|error| format!("sent is no message: {error}"))?;
        if message.message_type() == Type::Confirmable {
            self.last[usize::from(to)] = Some(message.message_id());
        }
        Ok(bytes)
    }

    fn poll(&mut self, now: Instant) -> Result<(), String> {
        for _ in 0..1000 {
            match self.server.poll(&mut self.state, now, &mut self.tx) {
                Output::Send(sent) => _ = self.sent(sent.to, sent.len)?,
                Output::Idle(at) if at == Some(now) => {}
                Output::Idle(_) => return Ok(()),
                Output::Notify(_) => return Err("a notification is asked for".into()),
                _ => {}
            }
        }
        Err("it does not come to rest".into())
    }
}

/// Plays the bytes to both.
pub fn play(bytes: &[u8]) -> Result<(), String> {
    type Memory<C> = Fixed<u8, 8, 48, 16_384, 24, 8, C>;
    fn memory<C: Scale>() -> Memory<C> {
        Memory::new()
    }
    let (mut few, mut many) = (Played::new(memory::<Scan>()), Played::new(memory::<Indexed>()));
    let (mut script, mut now, mut id) = (Script(bytes), Instant::ZERO, 0);
    // Within a time in which nothing is given up, and no table is full.
    while let (Some(command), true) = (script.byte(), id < 30) {
        let from = 1 + command % 3;
        id += 1;
        match command >> 2 & 7 {
            0..5 => {
                let Some(bytes) = request(&mut script, id) else { break };
                let non = bytes[0] & 0x30 == 0x10;
                let arrival = if non && command & 0x40 != 0 { Arrival::Group } else { Arrival::Unicast };
                let one = few.handle(now, from, arrival, &bytes)?;
                let other = many.handle(now, from, arrival, &bytes)?;
                if one != other {
                    return Err(format!("{:02x?} and {:02x?} to {:02x?}", one, other, bytes));
                }
            }
            5 => {
                // An ACK, or an RST, of what was sent to this client last.
                let message_type = if command & 0x40 == 0 { Type::Acknowledgement } else { Type::Reset };
                for last in [few.last[usize::from(from)], many.last[usize::from(from)]] {
                    let mut bytes = [0; 4];
                    let header = Header::new(message_type, Code::EMPTY, last.unwrap_or(id));
                    Writer::new(&mut bytes, header, &[]).finish().map_err(|error| error.to_string())?;
                    let input = few.server.handle(&mut few.state, now, from, Arrival::Unicast, &bytes, &mut few.tx);
                    let quiet = input.reply.is_none();
                    let input = many.server.handle(&mut many.state, now, from, Arrival::Unicast, &bytes, &mut many.tx);
                    if !quiet || input.reply.is_some() {
                        return Err("an answer to an Empty message".into());
                    }
                }
            }
            6 => {
                let path = ["a", "b/x", "c/x/y", "c", "s", "nowhere"][usize::from(command >> 5) % 6];
                few.server.notify(path);
                many.server.notify(path);
            }
            _ => {
                few.complete(now);
                many.complete(now);
            }
        }
        now = Instant::from_millis(now.as_millis() + u64::from(command >> 6) * 500);
        few.poll(now)?;
        many.poll(now)?;
    }
    Ok(())
}
