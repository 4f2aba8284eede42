//! A client that sees each message: it writes and reads them one by one, so that a test case can say what is to be on the
//! wire. Of the protocol it knows retransmission and acknowledgements, and nothing else.

use coaplet::wire::Block;
use coaplet::{Code, Header, Message, Type, Writer};
use std::time::Duration;

/// Where datagrams go, and come from: two clients of one server.
pub trait Path {
    fn send(&mut self, client: usize, datagram: &[u8]);

    /// The next datagram to this client, if one comes by then.
    fn receive(&mut self, client: usize, within: Duration) -> Option<Vec<u8>>;
}

/// Why a case did not pass.
#[derive(Debug, PartialEq, Eq)]
pub enum Why {
    Failed(String),
    /// The server has no such resource.
    NotOffered,
}

pub type Outcome<T = ()> = Result<T, Why>;

/// Fails a case, with what is wrong.
#[macro_export]
macro_rules! fail {
    ($($what:tt)*) => {
        return Err($crate::client::Why::Failed(format!($($what)*)))
    };
}

/// Fails a case unless this holds.
#[macro_export]
macro_rules! check {
    ($holds:expr, $($what:tt)*) => {
        if !$holds {
            $crate::fail!($($what)*);
        }
    };
}

/// A message as it came, whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Heard(Vec<u8>);

impl Heard {
    pub fn message(&self) -> Message<'_> {
        // It was looked at when it came.
        Message::parse(&self.0).expect("a message")
    }

    pub fn code(&self) -> Code {
        self.message().code()
    }

    pub fn payload(&self) -> &[u8] {
        self.message().payload()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.payload()).into_owned()
    }

    /// Fails unless the code is one of these; a 4.04 says that there is no such resource.
    pub fn expect(self, codes: &[Code]) -> Outcome<Heard> {
        let code = self.code();
        if codes.contains(&code) {
            return Ok(self);
        }
        if code == Code::NOT_FOUND {
            return Err(Why::NotOffered);
        }
        fail!("{} in the place of {codes:?}", self.message())
    }
}

/// A request, and all that came to be of it.
pub struct Exchange {
    pub sent: Vec<u8>,
    /// How often it was sent.
    pub times: u32,
    /// An Empty ACK came before the response.
    pub acknowledged: bool,
    pub response: Heard,
}

/// Which message type a request has, and its token.
#[derive(Clone, Copy)]
pub struct How<'t> {
    pub client: usize,
    pub message_type: Type,
    pub token: &'t [u8],
}

pub struct Client<'p> {
    pub path: &'p mut dyn Path,
    id: u16,
    tokens: u32,
    /// What was acknowledged, and by whom: it is again, if it comes again.
    acknowledged: Vec<(usize, u16)>,
}

const SECOND: Duration = Duration::from_secs(1);

impl<'p> Client<'p> {
    /// Message IDs begin at this one: another one for each case.
    pub fn new(path: &'p mut dyn Path, id: u16) -> Client<'p> {
        Client { path, id, tokens: u32::from(id) << 16, acknowledged: Vec::new() }
    }

    pub fn token(&mut self) -> [u8; 4] {
        self.tokens += 1;
        self.tokens.to_be_bytes()
    }

    fn next_id(&mut self) -> u16 {
        self.id = self.id.wrapping_add(1);
        self.id
    }

    pub fn write(&mut self, how: How<'_>, method: Code, build: &dyn Fn(&mut Writer<'_>)) -> Outcome<Vec<u8>> {
        let header = Header::new(how.message_type, method, self.next_id());
        let mut bytes = vec![0; 2000];
        let mut w = Writer::new(&mut bytes, header, how.token);
        build(&mut w);
        let length = w.finish().map_err(|error| Why::Failed(error.to_string()))?;
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Sends four bytes: an Empty message.
    pub fn empty(&mut self, client: usize, message_type: Type, id: u16) {
        let mut bytes = [0; 4];
        let written = Writer::new(&mut bytes, Header::new(message_type, Code::EMPTY, id), &[]).finish();
        if written.is_ok() {
            self.path.send(client, &bytes);
        }
        if message_type == Type::Acknowledgement {
            self.acknowledged.push((client, id));
        }
    }

    /// The next message that this is of; what else comes is passed over.
    pub fn receive(
        &mut self,
        client: usize,
        within: Duration,
        is_it: impl Fn(&Message<'_>) -> bool,
    ) -> Outcome<Option<Heard>> {
        // In steps, so that what is passed over does not make it wait for ever.
        let mut left = within;
        loop {
            let step = left.min(Duration::from_millis(50));
            let Some(bytes) = self.path.receive(client, step) else {
                left -= step;
                if left.is_zero() {
                    return Ok(None);
                }
                continue;
            };
            match Message::parse(&bytes) {
                Ok(message) if is_it(&message) => return Ok(Some(Heard(bytes))),
                Ok(message) => {
                    let known = (client, message.message_id());
                    if message.message_type() == Type::Confirmable && self.acknowledged.contains(&known) {
                        self.empty(client, Type::Acknowledgement, known.1);
                    }
                }
                Err(error) => fail!("not a message: {error}"),
            }
        }
    }

    /// A request and its response: a CON is sent again until it is acknowledged, and what is to be acknowledged is.
    pub fn exchange(&mut self, how: How<'_>, method: Code, build: &dyn Fn(&mut Writer<'_>)) -> Outcome<Exchange> {
        let sent = self.write(how, method, build)?;
        let (id, confirmable) = (u16::from_be_bytes([sent[2], sent[3]]), how.message_type == Type::Confirmable);
        let (mut times, mut acknowledged) = (0, false);
        let token = how.token;
        let ours = |message: &Message<'_>| match message.message_type() {
            Type::Acknowledgement | Type::Reset if message.code() == Code::EMPTY => message.message_id() == id,
            Type::Acknowledgement => message.message_id() == id,
            _ => message.code().is_response() && message.token() == token,
        };
        while times < 5 {
            if !acknowledged {
                self.path.send(how.client, &sent);
            }
            times += 1;
            let wait = match confirmable {
                // MAX_TRANSMIT_WAIT, if what is in front of the response is lost again and again.
                true if acknowledged => 93 * SECOND,
                true => 2 * SECOND * (1 << (times - 1)),
                false => 15 * SECOND,
            };
            let Some(heard) = self.receive(how.client, wait, ours)? else {
                check!(confirmable && !acknowledged, "no response in time");
                continue;
            };
            let message = heard.message();
            match (message.message_type(), message.code()) {
                (Type::Acknowledgement, Code::EMPTY) => {
                    check!(confirmable, "an acknowledgement of a NON");
                    acknowledged = true;
                    times -= 1;
                }
                (Type::Reset, _) => fail!("a Reset"),
                (message_type, _) => {
                    check!(message.token() == token, "the token of the response is {:02x?}", message.token());
                    if message_type == Type::Acknowledgement {
                        check!(confirmable && !acknowledged, "a second acknowledgement");
                    } else if message_type == Type::Confirmable {
                        self.empty(how.client, Type::Acknowledgement, message.message_id());
                    }
                    return Ok(Exchange { sent, times, acknowledged, response: heard });
                }
            }
        }
        fail!("no answer after 4 retransmissions")
    }

    /// A Confirmable request of the first client, whose response has one of these codes.
    pub fn ask(&mut self, method: Code, codes: &[Code], build: &dyn Fn(&mut Writer<'_>)) -> Outcome<Heard> {
        self.ask_as(0, method, codes, build)
    }

    /// The same of either client.
    pub fn ask_as(
        &mut self,
        client: usize,
        method: Code,
        codes: &[Code],
        build: &dyn Fn(&mut Writer<'_>),
    ) -> Outcome<Heard> {
        let token = self.token();
        let how = How { client, message_type: Type::Confirmable, token: &token };
        self.exchange(how, method, build)?.response.expect(codes)
    }

    /// A representation, block by block: its bytes, and each response. `first`: the size that is asked for from the start.
    pub fn download(&mut self, path: &str, first: Option<u16>) -> Outcome<(Vec<u8>, Vec<Heard>)> {
        let asked =
            |number, size| Block::with_size(number, false, size).map_err(|error| Why::Failed(error.to_string()));
        let mut block = first.map(|size| asked(0, size)).transpose()?;
        let (mut body, mut all) = (Vec::new(), Vec::new());
        loop {
            let heard = self.ask(Code::GET, &[Code::CONTENT], &|w| {
                w.path(path);
                if let Some(block) = block {
                    w.block2(block);
                }
            })?;
            let goes_on = self.next_block(&heard, &mut body)?;
            all.push(heard);
            match goes_on {
                Some(next) => block = Some(next),
                None => return Ok((body, all)),
            }
        }
    }

    /// Takes a block, and gives the next one to be asked for.
    pub fn next_block(&mut self, heard: &Heard, body: &mut Vec<u8>) -> Outcome<Option<Block>> {
        let Some(block) = heard.message().block2() else {
            check!(body.is_empty(), "a block without Block2: {}", heard.message());
            body.extend_from_slice(heard.payload());
            return Ok(None);
        };
        check!(block.offset() == Some(body.len() as u32), "Block2 {block:?} at byte {}", body.len());
        body.extend_from_slice(heard.payload());
        if !block.more() {
            return Ok(None);
        }
        let size = block.size().unwrap_or(0);
        check!(heard.payload().len() == usize::from(size), "a block of {} bytes with {block:?}", heard.payload().len());
        let next = Block::with_size(block.num() + 1, false, size).map_err(|error| Why::Failed(error.to_string()))?;
        Ok(Some(next))
    }

    /// A body, block by block of 64 bytes; gives the last response.
    pub fn upload(&mut self, method: Code, path: &str, body: &[u8], codes: &[Code]) -> Outcome<Heard> {
        let (mut number, mut offset, mut size) = (0, 0, 64);
        loop {
            let piece = &body[offset..body.len().min(offset + size)];
            let more = offset + piece.len() < body.len();
            let block = Block::with_size(number, more, size as u16).map_err(|error| Why::Failed(error.to_string()))?;
            let expected = if more { &[Code::CONTINUE][..] } else { codes };
            let heard = self.ask(method, expected, &|w| _ = w.path(path).block1(block).payload(piece))?;
            let Some(answered) = heard.message().block1() else { fail!("no Block1 in {}", heard.message()) };
            check!(answered.num() == number && (!more || answered.more()), "Block1 {answered:?} to {block:?}");
            if !more {
                return Ok(heard);
            }
            offset += piece.len();
            // RFC 7959 2.5: a server may want smaller ones.
            size = size.min(usize::from(answered.size().unwrap_or(16)));
            number = (offset / size) as u32;
        }
    }
}
