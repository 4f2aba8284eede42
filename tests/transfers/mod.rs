//! Figures of RFC 7959 as scripts: each is played to our client, with the lines of the server given, and to our server,
//! with those of the client.
//!
//! A line is an arrow and a message ([`notation`]). `->` goes to the server and `<-` to the client; `-x` and `x-` get
//! lost on the way. `=>` is the same datagram as the one before it: a retransmission.

#![allow(dead_code)]

pub mod notation;
pub mod server;

use coaplet::block::{Body, Fault, Fetch, Progress, Send, Settings};
use coaplet::endpoint::{Arrival, Event, Output, Request, Transmit};
use coaplet::store::Scan;
use coaplet::{Config, Endpoint, Fixed, Instant, Message, Writer};
use notation::{build, down, show, up};

pub const SERVER: u16 = 1;
pub const CLIENT: u16 = 2;

pub type Store<C = Scan> = Fixed<u16, 8, 16, 8192, 0, 4, C>;

/// One of the client's machines.
#[derive(Debug)]
pub enum Machine {
    Fetch(Fetch<u16>),
    Send(Send<u16>, usize),
}

/// A client, and what has become of its transfer.
pub struct Client {
    pub ep: Endpoint<Store>,
    pub now: u64,
    pub machine: Machine,
    pub path: &'static str,
    /// What is written besides the path.
    pub options: fn(&mut Writer<'_>),
    /// What was sent and not looked at yet.
    sent: std::collections::VecDeque<(u64, Vec<u8>)>,
    /// Message ID and token of the last request.
    last: (u16, Vec<u8>),
    tx: usize,
    /// What was handed over, and how it ended.
    pub body: Vec<u8>,
    pub ended: Option<Result<coaplet::Code, Fault>>,
    pub restarts: u32,
    /// The longest datagram that was sent.
    pub longest: usize,
}

/// Without Size options, which the figures leave out.
pub const PLAIN: Settings = Settings { sizes: false, ..Settings::DEFAULT };

pub fn of_size(block_size: u16) -> Settings {
    Settings { block_size, ..PLAIN }
}

pub fn early(block_size: u16) -> Settings {
    Settings { block_size, early: true, ..PLAIN }
}

impl Client {
    pub fn fetch(path: &'static str, settings: Settings) -> Client {
        Client::new(path, Machine::Fetch(Fetch::new(SERVER, Request::get(), settings)))
    }

    pub fn send(path: &'static str, request: Request, length: usize, settings: Settings) -> Client {
        Client::new(path, Machine::Send(Send::new(SERVER, request, settings), length))
    }

    pub fn new(path: &'static str, machine: Machine) -> Client {
        Client::with(path, machine, 2048, |_| {})
    }

    pub fn with(path: &'static str, machine: Machine, tx: usize, options: fn(&mut Writer<'_>)) -> Client {
        let ep = Endpoint::new(Config::DEFAULT.blockwise(), *b"the seed of this", Store::new());
        let (sent, last) = (Default::default(), (0, Vec::new()));
        let mut client = Client {
            ep,
            now: 0,
            machine,
            path,
            options,
            sent,
            last,
            tx,
            body: vec![],
            ended: None,
            restarts: 0,
            longest: 0,
        };
        client.ask();
        client
    }

    /// Makes the request that is due.
    pub fn ask(&mut self) {
        let (path, options, now) = (self.path, self.options, Instant::from_millis(self.now));
        let write = |w: &mut Writer<'_>| {
            w.path(path);
            options(w);
        };
        let mut tx = vec![0xee; self.tx];
        let asked = match &mut self.machine {
            Machine::Fetch(fetch) => fetch.ask(&mut self.ep, now, &mut tx, write),
            Machine::Send(send, length) => {
                // As it may lie in a file: of a length that is not known.
                let all = up();
                let mut read = |offset: u32, buffer: &mut [u8]| {
                    let from = all[..*length].get(offset as usize..).unwrap_or_default();
                    buffer.iter_mut().zip(from).map(|(to, from)| *to = *from).count()
                };
                let body = if *length % 2 == 0 { Body::slice(&all[..*length]) } else { Body::read(&mut read) };
                send.ask(&mut self.ep, now, &mut tx, body, write)
            }
        };
        if let Some(Transmit { len, .. }) = asked.unwrap_or_else(|error| panic!("{error}")) {
            self.sent.push_back((self.now, tx[..len].to_vec()));
        }
    }

    pub fn progress(&mut self, progress: Option<Progress<'_>>) {
        match progress {
            None => {}
            Some(Progress::Next) => self.ask(),
            Some(Progress::Restarted) => {
                self.restarts += 1;
                self.body.clear();
                self.ask();
            }
            Some(Progress::Part(part)) => {
                if self.body.is_empty() && part.offset > 0 {
                    self.body = down()[..part.offset as usize].to_vec();
                }
                assert_eq!(part.offset as usize, self.body.len(), "parts follow one another");
                self.body.extend_from_slice(part.bytes);
                if part.last {
                    assert_eq!(self.ended.replace(Ok(part.code)), None, "it ends once");
                } else {
                    self.ask();
                }
            }
            Some(Progress::Failed(fault)) => assert_eq!(self.ended.replace(Err(fault)), None, "it ends once"),
        }
    }

    /// Lets time pass until something is sent or told, or until nothing is due.
    pub fn wait(&mut self) {
        while self.sent.is_empty() && self.ended.is_none() {
            let mut tx = [0; 2048];
            match self.ep.poll(Instant::from_millis(self.now), &mut tx) {
                Output::Send(t) => self.sent.push_back((self.now, tx[..t.len].to_vec())),
                Output::Failed(handle, why) => {
                    let progress = match &mut self.machine {
                        Machine::Fetch(fetch) => fetch.failed(handle, why),
                        Machine::Send(send, _) => send.failed(handle, why),
                    };
                    self.progress(progress);
                }
                Output::Idle(Some(at)) if at.as_millis() > self.now => self.now = at.as_millis(),
                Output::Idle(None) => return,
                _ => {}
            }
        }
    }

    /// The next thing that is sent is this.
    #[track_caller]
    pub fn sends(&mut self, line: &str) {
        self.wait();
        let Some((_, bytes)) = self.sent.pop_front() else {
            panic!("nothing is sent, wanted: {line}; {:?}", self.ended)
        };
        assert_eq!(show(&bytes), line);
        self.longest = self.longest.max(bytes.len());
        let message = Message::parse(&bytes).unwrap();
        if message.code().is_request() {
            self.last = (message.message_id(), message.token().to_vec());
        }
    }

    /// The last request is answered.
    #[track_caller]
    pub fn gets(&mut self, line: &str) {
        self.now += 100;
        let bytes = build(line, self.last.0, &self.last.1);
        self.takes(&bytes);
    }

    pub fn takes(&mut self, bytes: &[u8]) {
        let mut tx = [0; 2048];
        let input = self.ep.handle(Instant::from_millis(self.now), SERVER, Arrival::Unicast, bytes, &mut tx);
        if let Some(reply) = input.reply {
            self.sent.push_back((self.now, tx[..reply.len].to_vec()));
        }
        if let Event::Response(response) = input.event {
            let progress = match &mut self.machine {
                Machine::Fetch(fetch) => fetch.take(&response),
                Machine::Send(send, _) => send.take(&response),
            };
            self.progress(progress);
        }
    }

    /// Plays a figure.
    #[track_caller]
    pub fn plays(&mut self, figure: &[&str]) {
        for line in figure {
            match line.split_once(' ').unwrap() {
                ("->" | "-x", request) => {
                    let before = self.last.clone();
                    self.sends(request);
                    assert_ne!(before, self.last, "a request of its own: {line}");
                }
                ("=>", request) => {
                    let before = self.last.clone();
                    self.sends(request);
                    assert_eq!(before, self.last, "a retransmission: {line}");
                }
                ("<-", response) => self.gets(response),
                ("x-", _) => {}
                _ => panic!("{line}"),
            }
        }
    }

    /// It has ended in a body of so many bytes.
    #[track_caller]
    pub fn ends(mut self, code: coaplet::Code, length: usize) {
        assert_eq!(self.ended, Some(Ok(code)));
        assert!(self.body == down()[..length], "the body that came is another one, of {} bytes", self.body.len());
        self.is_free();
    }

    /// It has ended so.
    #[track_caller]
    pub fn fails(mut self, fault: Fault) {
        self.wait();
        assert_eq!(self.ended, Some(Err(fault)));
        self.is_free();
    }

    /// Nothing is sent any more, and nothing is held.
    #[track_caller]
    fn is_free(&mut self) {
        assert_eq!(self.sent.pop_front().map(|(_, bytes)| show(&bytes)), None);
        self.now += 1_000_000;
        let mut tx = [0; 2048];
        assert_eq!(self.ep.poll(Instant::from_millis(self.now), &mut tx), Output::Idle(None));
        assert_eq!(self.ep.usage(), Default::default());
    }
}

impl Client {
    /// Message ID and token of the last request.
    pub fn last(&self) -> (u16, Vec<u8>) {
        self.last.clone()
    }
}

impl Client {
    /// The next datagram that was sent.
    pub fn next(&mut self) -> Option<Vec<u8>> {
        self.sent.pop_front().map(|(_, bytes)| bytes)
    }
}

impl Client {
    /// A first block has come otherwise than as the answer to what was asked.
    #[track_caller]
    pub fn begins_with(&mut self, bytes: &[u8]) {
        let message = Message::parse(bytes).unwrap();
        let Machine::Fetch(fetch) = &mut self.machine else { panic!("that is for a download") };
        let progress = fetch.begin_with(&mut self.ep, &message);
        self.body.clear();
        self.progress(Some(progress));
    }
}
