//! A server with a few resources, and a client's lines.

use super::notation::{build, down, show};
use super::{CLIENT, Store};
use coaplet::block::{Asked, Body, Piece, Received, Settings, serve};
use coaplet::endpoint::{Arrival, Event, Failure, Output, ServerRequest, TransferId, Transmit};
use coaplet::store::{Scale, Scan};
use coaplet::{Code, Config, Endpoint, Fixed, Instant, Message, Writer};

/// What it does with what it gets.
#[derive(Clone, Copy)]
pub struct Plan {
    pub settings: Settings,
    /// How long the representation is that a GET gets, and an answer to a POST.
    pub length: usize,
    pub etag: &'static [u8],
    /// Whether the length is known beforehand.
    pub known: bool,
    /// Whether each block is carried out by itself (Figure 8).
    pub stateless: bool,
    /// Whether pieces are left without an answer for now.
    pub slow: bool,
    /// What the last piece is answered with.
    pub code: Code,
}

impl Plan {
    pub const PLAIN: Plan = Plan {
        settings: super::PLAIN,
        length: 0,
        etag: &[],
        known: true,
        stateless: false,
        slow: false,
        code: Code::CHANGED,
    };
}

pub struct Server<C: Scale = Scan> {
    pub ep: Endpoint<Store<C>>,
    pub now: u64,
    pub plan: Plan,
    pub sent: std::collections::VecDeque<Vec<u8>>,
    pub id: u16,
    last: Vec<u8>,
    /// Pieces, as they came.
    pub pieces: Vec<(u32, Vec<u8>, bool)>,
    pub later: u32,
    pub broken: Vec<(TransferId, Failure)>,
    /// A piece that is not answered yet: its datagram, and the piece of it.
    pub kept: Vec<&'static Piece<'static>>,
}

impl<C: Scale> Server<C> {
    pub fn new(plan: Plan) -> Server<C> {
        Server::with(plan, Config::DEFAULT.blockwise())
    }

    pub fn with(plan: Plan, config: Config) -> Server<C> {
        let ep = Endpoint::new(config, *b"the seed of that", Fixed::new());
        Server {
            ep,
            now: 0,
            plan,
            sent: Default::default(),
            id: 1233,
            last: vec![],
            pieces: vec![],
            later: 0,
            broken: vec![],
            kept: vec![],
        }
    }

    pub fn at(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// A request comes in.
    #[track_caller]
    pub fn gets(&mut self, line: &str) {
        self.gets_from(CLIENT, line);
    }

    #[track_caller]
    pub fn gets_from(&mut self, from: u16, line: &str) {
        self.id += 1;
        let bytes = build(line, self.id, &self.id.to_be_bytes());
        self.takes(from, &bytes);
    }

    pub fn takes(&mut self, from: u16, bytes: &[u8]) {
        self.now += 100;
        self.last = bytes.to_vec();
        // For a piece to be kept.
        let bytes: &'static [u8] = bytes.to_vec().leak();
        let mut tx = [0; 2048];
        let input = self.ep.handle(self.at(), from, Arrival::Unicast, bytes, &mut tx);
        if let Some(reply) = input.reply {
            self.sent.push_back(tx[..reply.len].to_vec());
        }
        if let Event::Request(request) = input.event {
            self.on_request(&request);
        }
        self.settle();
    }

    fn send(&mut self, tx: &[u8], sent: Option<Transmit<u16>>) {
        if let Some(sent) = sent {
            self.sent.push_back(tx[..sent.len].to_vec());
        }
    }

    fn on_request(&mut self, request: &ServerRequest<'static, u16>) {
        let (plan, now, mut tx) = (self.plan, self.at(), [0; 2048]);
        match self.ep.receive(now, request, &plan.settings, &mut tx).unwrap() {
            Received::Answered(sent) => self.send(&tx, sent),
            Received::Piece(piece) if request.message.code() != Code::GET => {
                self.pieces.push((piece.offset, piece.bytes.to_vec(), piece.last));
                if plan.slow {
                    self.kept.push(Box::leak(Box::new(piece)));
                } else {
                    self.answer(&piece);
                }
            }
            _ => {
                self.later += 1;
                let asked = Asked::of(&request.message);
                let code = if request.message.code() == Code::GET { Code::CONTENT } else { plan.code };
                let sent = self.ep.respond(now, request.id, &mut tx, |w| {
                    w.code(code);
                    head(w, &plan);
                    with_body(&plan, |body| serve(w, &asked, body, &plan.settings));
                });
                self.send(&tx, sent.unwrap());
            }
        }
    }

    /// Answers a piece.
    pub fn answer(&mut self, piece: &Piece<'_>) {
        let (plan, now, mut tx) = (self.plan, self.at(), [0; 2048]);
        let sent = if piece.last || plan.stateless {
            with_body(&plan, |body| {
                self.ep.conclude(now, piece, &mut tx, body, |w| {
                    w.code(plan.code);
                    head(w, &plan);
                })
            })
        } else {
            self.ep.proceed(now, piece, &mut tx)
        };
        self.send(&tx, sent.unwrap());
    }

    /// Polls until nothing is due now.
    pub fn settle(&mut self) -> Option<u64> {
        loop {
            let mut tx = [0; 2048];
            match self.ep.poll(self.at(), &mut tx) {
                Output::Send(t) => self.sent.push_back(tx[..t.len].to_vec()),
                Output::Broken(id, why) => self.broken.push((id, why)),
                Output::Idle(at) => {
                    let at = at.map(Instant::as_millis);
                    if at.is_none_or(|at| at > self.now) {
                        return at;
                    }
                }
                _ => {}
            }
        }
    }

    /// Lets time pass.
    pub fn until(&mut self, at: u64) {
        while let Some(next) = self.settle().filter(|&next| next <= at) {
            self.now = next;
        }
        self.now = at;
        self.settle();
    }

    /// The next thing that it sends is this.
    #[track_caller]
    pub fn sends(&mut self, line: &str) -> Vec<u8> {
        let Some(bytes) = self.sent.pop_front() else { panic!("nothing is sent, wanted: {line}") };
        assert_eq!(show(&bytes), line);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.message_id(), self.id, "{line}");
        bytes
    }

    /// Plays a figure.
    #[track_caller]
    pub fn plays(&mut self, figure: &[&str]) {
        let mut before = vec![];
        for line in figure {
            match line.split_once(' ').unwrap() {
                ("->", request) => self.gets(request),
                ("=>", _) => {
                    let again = self.last.clone();
                    self.takes(CLIENT, &again);
                    if !before.is_empty() {
                        // RFC 7252 4.5: the same answer.
                        assert_eq!(self.sent.front(), Some(&before), "{line}");
                    }
                }
                ("-x", request) => {
                    // It is known what comes again.
                    self.id += 1;
                    self.last = build(request, self.id, &self.id.to_be_bytes());
                    before.clear();
                }
                ("<-" | "x-", response) => before = self.sends(response),
                _ => panic!("{line}"),
            }
        }
        assert_eq!(self.sent.pop_front().map(|bytes| show(&bytes)), None);
    }

    /// All that came, put together.
    pub fn body(&self) -> Vec<u8> {
        let mut body = vec![];
        for (offset, bytes, _) in &self.pieces {
            assert_eq!(*offset as usize, body.len(), "pieces follow one another");
            body.extend_from_slice(bytes);
        }
        body
    }

    /// After quiet time nothing is held.
    #[track_caller]
    pub fn is_free(&mut self) {
        assert_eq!(self.sent.pop_front().map(|bytes| show(&bytes)), None);
        self.until(self.now + 1_000_000);
        assert_eq!(self.ep.usage(), Default::default());
        assert_eq!(self.settle(), None);
    }
}

fn head(w: &mut Writer<'_>, plan: &Plan) {
    if !plan.etag.is_empty() {
        w.etag(plan.etag);
    }
}

fn with_body<T>(plan: &Plan, act: impl FnOnce(Body<'_>) -> T) -> T {
    let all = down();
    let mut read = |offset: u32, buffer: &mut [u8]| {
        let from = all[..plan.length].get(offset as usize..).unwrap_or_default();
        buffer.iter_mut().zip(from).map(|(to, from)| *to = *from).count()
    };
    if plan.known { act(Body::slice(&all[..plan.length])) } else { act(Body::read(&mut read)) }
}
