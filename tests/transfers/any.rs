//! Whatever a peer says: Block options with any value in any message, to a client that is in the middle of a transfer and to
//! a server. The bytes are a script; what comes of it is held against what must always be so.

use coaplet::block::{Asked, Body, Fetch, Progress, Received, Send, Settings, serve};
use coaplet::endpoint::{Arrival, Event, Failure, Output, Request, TransferId};
use coaplet::store::{Indexed, Scale, Scan};
use coaplet::wire::Block;
use coaplet::{Code, Config, Endpoint, Fixed, Header, Instant, Message, OptionNumber, Type, Writer};
use std::collections::HashMap;

/// The options that count here; a value is of 0 to 4 bytes.
const OPTIONS: [u16; 9] = [4, 5, 11, 12, 23, 27, 28, 60, 292];

struct Script<'b> {
    bytes: &'b [u8],
    /// The number of the block that would be right, of 16 bytes.
    next: u32,
}

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(byte)
    }

    /// A message with this token and Message ID, of a code for requests or for responses.
    fn message(&mut self, head: Header, token: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 1400];
        let mut w = Writer::new(&mut bytes, head, token);
        // One message in four has any options, the others those of a transfer alone: what is right comes to pass too.
        let which = self.byte()?;
        let which = match which & 0xc0 {
            0xc0 => u16::from(which & 0x3f) | u16::from(self.byte()?) << 3,
            _ if head.code.is_request() && which & 1 == 1 => 1 << 4,
            _ if head.code.is_request() || which & 7 == 1 => 1 << 5 | u16::from(which & 2) << 7,
            _ => 1 << 4 | u16::from(which & 2) << 6,
        };
        let mut right = false;
        for (_, number) in OPTIONS.into_iter().enumerate().filter(|(at, _)| which >> at & 1 == 1) {
            let value = self.byte()?;
            // Half of the blocks are what would be right, or near it: the next one, the one before, the first.
            if matches!(number, 23 | 27) && value & 0x80 != 0 {
                let number_of = [self.next, self.next, self.next.saturating_sub(1), 0][usize::from(value & 3)];
                let block = Block::new(number_of, value & 12 != 0, 0).ok()?;
                w.uint(OptionNumber::new(number), block.value());
                self.next = number_of + 1;
                right = true;
                continue;
            }
            let length = usize::from(value >> 5).min(4);
            // Small numbers, the right sizes and what is near them.
            let value = [value & 31, self.byte()?, self.byte().unwrap_or(0), value];
            w.option(OptionNumber::new(number), if length == 1 { &value[1..2] } else { &value[..length] });
        }
        let payload = [0, 1, 16, 17, 32, 64, 63, 128, 1024, 1025, 5, 65, 33, 15, 31, 256];
        let length = payload[usize::from(self.byte().unwrap_or(0) & 15)];
        let length = if right && length != 1 { 16 } else { length };
        // What comes again is the same, and what follows is not.
        w.payload(&vec![b'.' ^ self.next as u8; length]);
        let length = w.finish().ok()?;
        bytes.truncate(length);
        Some(bytes)
    }
}

/// Plays the bytes, to a client or a server of either scale.
pub fn play(bytes: &[u8]) -> Result<(), String> {
    let mut script = Script { bytes, next: 0 };
    match script.byte().unwrap_or(0) & 3 {
        0 => client(script),
        1 => server::<Scan>(script),
        2 => server::<Indexed>(script),
        _ => sender(script),
    }
}

const SETTINGS: Settings = Settings { block_size: 64, max_body: 100, early: true, ..Settings::DEFAULT };

/// What a client was told must be one transfer: parts in a row, and one end.
#[derive(Default)]
struct Told {
    end: u32,
    over: bool,
    steps: u32,
}

impl Told {
    fn hear(&mut self, progress: Progress<'_>) -> Result<(), String> {
        self.steps += 1;
        if self.over {
            return Err(format!("{progress:?} after the end"));
        }
        match progress {
            Progress::Part(part) if part.offset != self.end => {
                return Err(format!("a part at {} after {}", part.offset, self.end));
            }
            Progress::Part(part) => {
                self.end = part.end();
                self.over = part.last;
                if self.end > SETTINGS.max_body {
                    return Err(format!("a body of {}", self.end));
                }
            }
            Progress::Restarted => self.end = 0,
            Progress::Failed(_) => self.over = true,
            Progress::Next => {}
        }
        Ok(())
    }
}

/// A response to the last request, or something near it.
fn response(script: &mut Script<'_>, last: &Message<'_>) -> Option<Vec<u8>> {
    const CODES: [Code; 8] = [
        Code::CONTENT,
        Code::CONTENT,
        Code::CHANGED,
        Code::CONTINUE,
        Code::REQUEST_ENTITY_INCOMPLETE,
        Code::REQUEST_ENTITY_TOO_LARGE,
        Code::CONTINUE,
        Code::NOT_FOUND,
    ];
    let kind = script.byte()?;
    let message_type = [Type::Acknowledgement, Type::Acknowledgement, Type::Confirmable, Type::NonConfirmable];
    let message_type = message_type[usize::from(kind >> 3 & 3)];
    let code = CODES[usize::from(kind & 7)];
    let head = Header { message_type, code, message_id: last.message_id() };
    // Now and then what would be right is put in.
    script.message(head, last.token())
}

/// A client's endpoint.
type Ep = Endpoint<Fixed<u8, 2, 4, 2048>>;

/// What a client does with what it hears.
type Hear<'h> = dyn FnMut(Heard<'_>) -> Result<(), String> + 'h;

fn exchange(
    script: &mut Script<'_>,
    ep: &mut Ep,
    now: &mut u64,
    sent: &[u8],
    hear: &mut Hear<'_>,
) -> Result<bool, String> {
    let last = Message::parse(sent).map_err(|error| error.to_string())?;
    let mut tx = [0; 1152];
    *now += 1_000;
    if let Some(bytes) = response(script, &last) {
        if let Event::Response(response) =
            ep.handle(Instant::from_millis(*now), 1, Arrival::Unicast, &bytes, &mut tx).event
        {
            hear(Heard::Response(&response))?;
        }
    } else {
        // The end of the script: nobody answers any more.
        *now += 500_000;
    }
    loop {
        match ep.poll(Instant::from_millis(*now), &mut tx) {
            Output::Idle(_) => break,
            Output::Failed(handle, why) => hear(Heard::Failed(handle, why))?,
            _ => {}
        }
    }
    Ok(script.bytes.is_empty())
}

enum Heard<'r> {
    Response(&'r coaplet::endpoint::ClientResponse<'r, u8>),
    Failed(coaplet::endpoint::Handle, Failure),
}

/// The most requests that the end of a script may take: five exchanges, and as many restarts as there may be.
const MOST: usize = 4_000;

fn client(mut script: Script<'_>) -> Result<(), String> {
    let mut ep = Endpoint::new(Config::DEFAULT.blockwise(), [3; 16], Fixed::<u8, 2, 4, 2048>::new());
    let (mut now, mut told) = (0, Told::default());
    let mut fetch = Fetch::new(1, Request::get(), SETTINGS);
    let mut sent = Vec::new();
    for _ in 0..MOST {
        let mut tx = [0; 1152];
        match fetch.ask(&mut ep, Instant::from_millis(now), &mut tx, |w| _ = w.path("a")) {
            Ok(Some(t)) => sent = tx[..t.len].to_vec(),
            Ok(None) => {}
            Err(error) => return Err(error.to_string()),
        }
        if fetch.is_over() {
            break;
        }
        exchange(&mut script, &mut ep, &mut now, &sent, &mut |heard| {
            let progress = match heard {
                Heard::Response(response) => fetch.take(response),
                Heard::Failed(handle, why) => fetch.failed(handle, why),
            };
            progress.map_or(Ok(()), |progress| told.hear(progress))
        })?;
    }
    if told.over && fetch.is_over() && fetch.handle().is_none() { Ok(()) } else { Err("it does not end".into()) }
}

fn sender(mut script: Script<'_>) -> Result<(), String> {
    let mut ep = Endpoint::new(Config::DEFAULT.blockwise(), [3; 16], Fixed::<u8, 2, 4, 2048>::new());
    let (mut now, mut told) = (0, Told::default());
    let length = u32::from(script.byte().unwrap_or(0)) * 3;
    let mut send = Send::new(1, Request::post(), SETTINGS);
    let mut read = |offset: u32, buffer: &mut [u8]| length.saturating_sub(offset).min(buffer.len() as u32) as usize;
    let mut sent = Vec::new();
    for _ in 0..MOST {
        let mut tx = [0; 1152];
        match send.ask(&mut ep, Instant::from_millis(now), &mut tx, Body::read(&mut read), |w| _ = w.path("a")) {
            Ok(Some(t)) => sent = tx[..t.len].to_vec(),
            Ok(None) => {}
            Err(error) => return Err(error.to_string()),
        }
        if send.is_over() {
            break;
        }
        exchange(&mut script, &mut ep, &mut now, &sent, &mut |heard| {
            let progress = match heard {
                Heard::Response(response) => send.take(response),
                Heard::Failed(handle, why) => send.failed(handle, why),
            };
            progress.map_or(Ok(()), |progress| told.hear(progress))
        })?;
        if send.sent() > length {
            return Err(format!("{} bytes of {length} are sent", send.sent()));
        }
    }
    if told.over && send.is_over() && send.handle().is_none() { Ok(()) } else { Err("it does not end".into()) }
}

fn server<C: Scale>(mut script: Script<'_>) -> Result<(), String> {
    let mut ep = Endpoint::new(Config::DEFAULT.blockwise(), [3; 16], Fixed::<u8, 4, 8, 2048, 0, 2, C>::new());
    let (mut now, mut id) = (0_u64, 0);
    // What has come of each body.
    let mut bodies: HashMap<TransferId, u32> = HashMap::new();
    while let Some(kind) = script.byte() {
        now += [10, 1_000, 100_000, 250_000][usize::from(kind >> 6)];
        id += 1;
        let code = [Code::GET, Code::PUT, Code::PUT, Code::POST][usize::from(kind & 3)];
        let message_type = if kind & 32 == 0 { Type::Confirmable } else { Type::NonConfirmable };
        let head = Header { message_type, code, message_id: id };
        let Some(bytes) = script.message(head, &[kind]) else { break };
        let mut tx = [0; 1400];
        let at = Instant::from_millis(now);
        let event = ep.handle(at, kind >> 2 & 1, Arrival::Unicast, &bytes, &mut tx).event;
        if let Event::Request(request) = event {
            let sent = match ep.receive(at, &request, &SETTINGS, &mut tx).map_err(|error| error.to_string())? {
                Received::Answered(sent) => Ok(sent),
                Received::Later(_) => ep.respond(at, request.id, &mut tx, |w| {
                    serve(w, &Asked::of(&request.message), Body::slice(&[b'.'; 500]), &SETTINGS);
                }),
                Received::Piece(piece) => {
                    if let Some(transfer) = piece.transfer() {
                        let so_far = bodies.entry(transfer).or_default();
                        if piece.offset != 0 && piece.offset != *so_far {
                            return Err(format!("a piece at {} after {so_far}", piece.offset));
                        }
                        *so_far = piece.end();
                    } else if piece.offset != 0 || !piece.last {
                        return Err("a piece of no transfer".into());
                    }
                    if piece.end() > SETTINGS.max_body {
                        return Err(format!("a body of {}", piece.end()));
                    }
                    match kind >> 3 & 3 {
                        // Not answered.
                        0 if kind & 32 == 0 => Ok(None),
                        1 => {
                            ep.conclude(at, &piece, &mut tx, Body::slice(&[b'.'; 300]), |w| _ = w.code(Code::FORBIDDEN))
                        }
                        _ if piece.last => ep.conclude(at, &piece, &mut tx, Body::slice(&[b'.'; 300]), |_| {}),
                        _ => ep.proceed(at, &piece, &mut tx),
                    }
                }
            };
            let sent = sent.map_err(|error| error.to_string())?;
            if let Some(sent) = sent {
                let answer = Message::parse(&tx[..sent.len]).map_err(|error| error.to_string())?;
                // RFC 7959 2.2, 2.4: never SZX 7, and never larger than it was asked for.
                let asked = request.message.block2().and_then(|block| block.size());
                let wrong = |block: coaplet::wire::Block| {
                    block.size().is_none_or(|size| asked.is_some_and(|asked| size > asked))
                };
                if answer.block2().is_some_and(wrong) {
                    return Err(format!("{answer} to {}", request.message));
                }
            }
        }
        loop {
            match ep.poll(at, &mut tx) {
                Output::Idle(_) => break,
                Output::Broken(transfer, _) if bodies.remove(&transfer).is_none() => {
                    return Err("a transfer ends of which nothing came".into());
                }
                _ => {}
            }
        }
        if ep.usage().transfers > 2 {
            return Err("more transfers than slots".into());
        }
    }
    // What is separate is sent five times, and all is over after a lifetime.
    for _ in 0..60 {
        now += 100_000;
        for _ in 0..200 {
            if let Output::Idle(_) = ep.poll(Instant::from_millis(now), &mut [0; 1400]) {
                break;
            }
        }
    }
    if ep.usage() == Default::default() { Ok(()) } else { Err(format!("it still holds {:?}", ep.usage())) }
}
