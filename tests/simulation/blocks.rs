//! Bodies in blocks over a bad network: each arrives whole and identical, or its transfer ends with one clear outcome; and
//! nothing is left after quiet time.

use super::seeds;
use super::world::Tally;
use coaplet::block::{Asked, Body, Fault, Fetch, Progress, Received, Send, Settings, serve};
use coaplet::endpoint::{ClientResponse, Failure, Handle, Request, ServerRequest, TransferId};
use coaplet::sim::{Application, Network, Port, Rng, Sim};
use coaplet::store::{Heap, Indexed};
use coaplet::{Code, Config, Fixed, Store, Token, Transmission};
use std::collections::HashMap;
use std::time::Duration;

pub const SERVER: u16 = 1;

/// The bytes of a body. The first eight of them say which one it is.
fn byte(id: u64, at: u32) -> u8 {
    match id.to_be_bytes().get(at as usize) {
        Some(&byte) => byte,
        None => ((u64::from(at) ^ id).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8,
    }
}

fn fill(id: u64, length: u32, offset: u32, buffer: &mut [u8]) -> usize {
    let count = length.saturating_sub(offset).min(buffer.len() as u32);
    (0..count).for_each(|at| buffer[at as usize] = byte(id, offset + at));
    count as usize
}

fn whole(id: u64, length: u32) -> Vec<u8> {
    (0..length).map(|at| byte(id, at)).collect()
}

/// How long the answer to a body is.
fn answer_length(id: u64) -> u32 {
    (id % 700) as u32
}

/// Reads the answer to a body.
fn answer(id: u64, offset: u32, buffer: &mut [u8]) -> usize {
    fill(!id, answer_length(id), offset, buffer)
}

/// A server: /r/N is a representation that changes, whatever is sent to /u is kept and answered at length.
#[derive(Default)]
pub struct Server {
    settings: Option<Settings>,
    version: u64,
    /// Bodies that are on the way.
    coming: HashMap<TransferId, Vec<u8>>,
    /// How often each body has come whole.
    done: HashMap<u64, u32>,
    broken: u32,
    wrong: Option<String>,
    tx: usize,
}

impl Server {
    fn whole(&mut self, body: &[u8]) -> u64 {
        let Some(id) = body.first_chunk().map(|id| u64::from_be_bytes(*id)) else {
            self.wrong = Some(format!("a body of {} bytes", body.len()));
            return 0;
        };
        if body != whole(id, body.len() as u32) {
            self.wrong = Some(format!("body {id:#x} is not what was sent"));
        }
        *self.done.entry(id).or_default() += 1;
        id
    }

    fn on_request<S: Store<Peer = u16>>(&mut self, port: &mut Port<'_, S>, request: &ServerRequest<'_, u16>) {
        let settings = self.settings.unwrap();
        let code = request.message.code();
        let most = self.tx;
        let made = port.call(|ep, now, tx| {
            let tx = &mut tx[..most];
            if code == Code::GET {
                let number: u64 = request.message.uri_path().nth(1).unwrap().unwrap().parse().unwrap();
                let (id, length) = (self.version << 32 | number, length_of(number));
                let mut read = |offset: u32, buffer: &mut [u8]| fill(id, length, offset, buffer);
                let body = Body::read(&mut read);
                let body = if number % 2 == 0 { body.of_length(length) } else { body };
                return ep.respond(now, request.id.idempotent(), tx, |w| {
                    w.code(Code::CONTENT).etag(&self.version.to_be_bytes());
                    serve(w, &Asked::of(&request.message), body, &settings);
                });
            }
            match ep.receive(now, request, &settings, tx)? {
                Received::Answered(sent) => Ok(sent),
                Received::Later(transfer) => {
                    // The answer is known by the body that it is for, and that by its transfer.
                    let body = transfer.and_then(|id| self.coming.get(&id));
                    match body.and_then(|body| body.first_chunk()) {
                        Some(id) => {
                            let id = u64::from_be_bytes(*id);
                            let mut read = |offset: u32, buffer: &mut [u8]| answer(id, offset, buffer);
                            ep.respond(now, request.id, tx, |w| {
                                w.code(Code::CHANGED).etag(&id.to_be_bytes());
                                serve(w, &Asked::of(&request.message), Body::read(&mut read), &settings);
                            })
                        }
                        None => ep.respond(now, request.id, tx, |w| _ = w.code(Code::REQUEST_ENTITY_INCOMPLETE)),
                    }
                }
                Received::Piece(piece) => {
                    let mut alone = Vec::new();
                    let body = match piece.transfer() {
                        Some(id) => self.coming.entry(id).or_default(),
                        None => &mut alone,
                    };
                    if piece.offset == 0 {
                        body.clear();
                    }
                    if piece.offset as usize != body.len() {
                        self.wrong = Some(format!("a piece at {} after {}", piece.offset, body.len()));
                    }
                    body.extend_from_slice(piece.bytes);
                    if !piece.last {
                        return ep.proceed(now, &piece, tx);
                    }
                    let body = body.clone();
                    let id = self.whole(&body);
                    let mut read = |offset: u32, buffer: &mut [u8]| answer(id, offset, buffer);
                    // An answer in blocks is for bodies in blocks: by those the other blocks are known.
                    let body = if code == Code::POST && piece.transfer().is_some() {
                        Body::read(&mut read)
                    } else {
                        Body::EMPTY
                    };
                    ep.conclude(now, &piece, tx, body, |w| _ = w.code(Code::CHANGED).etag(&id.to_be_bytes()))
                }
            }
        });
        if let Err(error) = made {
            self.wrong = Some(error.to_string());
        }
    }
}

/// How long a representation is: none, some bytes, and up to 1,500.
fn length_of(number: u64) -> u32 {
    if number == 1 << 20 {
        return 1 << 20;
    }
    (number * number * 37 % 1_500) as u32 / (1 + (number % 5) as u32 * 3)
}

enum Machine {
    Fetch(Fetch<u16>, u64),
    Send(Send<u16>, u64, u32, &'static str, bool),
}

pub struct Transfer {
    machine: Machine,
    got: Vec<u8>,
    ended: Option<Result<Code, Fault>>,
}

/// A client with some transfers.
#[derive(Default)]
pub struct Client {
    transfers: Vec<Transfer>,
    starts: Vec<Transfer>,
    wrong: Option<String>,
    restarts: u32,
    tx: usize,
}

impl Client {
    fn begin<S: Store<Peer = u16>>(&mut self, port: &mut Port<'_, S>, machine: Machine, after: Duration) {
        self.starts.push(Transfer { machine, got: Vec::new(), ended: None });
        port.wake_after(after, 1);
    }

    /// Makes what requests are due. One for which there is no room is tried again later.
    fn ask<S: Store<Peer = u16>>(&mut self, port: &mut Port<'_, S>) {
        let mut again = false;
        let most = self.tx;
        for transfer in &mut self.transfers {
            let asked = port.call(|ep, now, tx| match &mut transfer.machine {
                Machine::Fetch(fetch, number) => {
                    let path = format!("r/{number}");
                    fetch.ask(ep, now, &mut tx[..most], |w| _ = w.path(&path))
                }
                Machine::Send(send, id, length, path, known) => {
                    let mut read = |offset: u32, buffer: &mut [u8]| fill(*id, *length, offset, buffer);
                    let body = Body::read(&mut read);
                    let body = if *known { body.of_length(*length) } else { body };
                    send.ask(ep, now, &mut tx[..most], body, |w| _ = w.path(path))
                }
            });
            again |= asked.is_err();
        }
        if again {
            port.wake_after(Duration::from_millis(1_700), 0);
        }
    }

    fn goes_on(&mut self, index: usize, progress: Option<Progress<'_>>) {
        let Some(transfer) = self.transfers.get_mut(index) else { return };
        match progress {
            None | Some(Progress::Next) => {}
            Some(Progress::Restarted) => {
                self.restarts += 1;
                transfer.got.clear();
            }
            Some(Progress::Part(part)) => {
                if part.offset as usize != transfer.got.len() {
                    self.wrong = Some(format!("a part at {} after {}", part.offset, transfer.got.len()));
                }
                transfer.got.extend_from_slice(part.bytes);
                if part.last && transfer.ended.replace(Ok(part.code)).is_some() {
                    self.wrong = Some("it ends twice".into());
                }
            }
            Some(Progress::Failed(fault)) => {
                if transfer.ended.replace(Err(fault)).is_some() {
                    self.wrong = Some("it ends twice".into());
                }
            }
        }
    }
}

pub enum Node {
    Client(Client),
    Server(Server),
}

impl<S: Store<Peer = u16>> Application<S> for Node {
    fn on_request(&mut self, port: &mut Port<'_, S>, request: &ServerRequest<'_, u16>) {
        if let Node::Server(server) = self {
            server.on_request(port, request);
        }
    }

    fn on_response(&mut self, port: &mut Port<'_, S>, response: &ClientResponse<'_, u16>) {
        let Node::Client(client) = self else { return };
        for index in 0..client.transfers.len() {
            let progress = match &mut client.transfers[index].machine {
                Machine::Fetch(fetch, _) => fetch.take(response),
                Machine::Send(send, ..) => send.take(response),
            };
            client.goes_on(index, progress);
        }
        client.ask(port);
    }

    fn on_failure(&mut self, port: &mut Port<'_, S>, handle: Handle, why: Failure) {
        let Node::Client(client) = self else { return };
        for index in 0..client.transfers.len() {
            let progress = match &mut client.transfers[index].machine {
                Machine::Fetch(fetch, _) => fetch.failed(handle, why),
                Machine::Send(send, ..) => send.failed(handle, why),
            };
            client.goes_on(index, progress);
        }
        client.ask(port);
    }

    fn on_broken(&mut self, _: &mut Port<'_, S>, id: TransferId, _: Failure) {
        let Node::Server(server) = self else { return };
        server.broken += 1;
        if server.coming.remove(&id).is_none() {
            server.wrong = Some("a transfer ends of which nothing came".into());
        }
    }

    fn on_wake(&mut self, port: &mut Port<'_, S>, key: u64) {
        match self {
            Node::Server(server) => server.version += 1,
            Node::Client(client) => {
                if key == 1 {
                    let next = client.starts.pop();
                    client.transfers.extend(next);
                }
                client.ask(port);
            }
        }
    }
}

fn settings(rng: &mut Rng) -> Settings {
    let small = Settings::for_messages_of(80 + rng.up_to(400) as u16);
    let size = 16 << rng.up_to(5);
    Settings {
        block_size: if rng.chance(500) { small.block_size } else { size },
        early: rng.chance(700),
        sizes: rng.chance(500),
        block_retries: rng.up_to(8) as u8,
        restarts: rng.up_to(3) as u8,
        ..small
    }
}

fn run<S: Store<Peer = u16>>(seed: u64, store: impl Fn() -> S) -> Result<Tally, String> {
    let mut rng = Rng::new(seed);
    let ms = |rng: &mut Rng, most| Duration::from_millis(rng.up_to(most));
    let network = Network {
        loss: rng.up_to(500) as u32,
        duplication: rng.up_to(500) as u32,
        delay_min: Duration::ZERO,
        delay_max: ms(&mut rng, 3_000),
        late: rng.up_to(500) as u32,
        late_max: ms(&mut rng, 30_000),
        ..Network::PERFECT
    };
    let nstart = 1 + rng.up_to(3) as u8;
    let transmission = Transmission { nstart, ..Transmission::DEFAULT };
    let config = Config { transmission, ..Config::DEFAULT }.blockwise();
    let mut sim = Sim::new(seed, network);
    let serving = Settings { max_body: 20_000, ..settings(&mut rng) };
    sim.add(config, store(), Node::Server(Server { settings: Some(serving), tx: 2_000, ..Server::default() }));
    let changes = rng.chance(300);
    sim.with(SERVER, |_, port| {
        for _ in 0..if changes { 20 } else { 0 } {
            port.wake_after(ms(&mut rng, 600_000), 0);
        }
    });
    let clients = 1 + rng.up_to(2) as u16;
    for client in 0..clients {
        let at = sim.add(config, store(), Node::Client(Client { tx: 2_000, ..Client::default() }));
        let count = 1 + rng.up_to(3);
        sim.with(at, |node, port| {
            let Node::Client(node) = node else { return };
            for number in 0..count {
                let settings = settings(&mut rng);
                let id = u64::from(client + 1) << 40 | number << 32 | rng.up_to(u64::from(u16::MAX));
                let machine = if rng.chance(500) {
                    let number = rng.up_to(40);
                    Machine::Fetch(Fetch::new(SERVER, Request::get(), settings), number)
                } else {
                    let request = if rng.chance(500) { Request::put() } else { Request::post() };
                    let mut send = Send::new(SERVER, request, settings);
                    // To one resource at once, told apart by their tags; or each to its own.
                    let path = if rng.chance(500) {
                        send = send.tag(Token::try_from(&[number as u8][..]).unwrap());
                        "u"
                    } else {
                        ["u/0", "u/1", "u/2", "u/3"][number as usize]
                    };
                    Machine::Send(send, id, 8 + rng.up_to(1_500) as u32, path, rng.chance(500))
                };
                node.begin(port, machine, ms(&mut rng, 30_000));
            }
        });
    }
    for quiet in [Duration::from_secs(60_000), Duration::from_secs(3_600)] {
        sim.run_for(quiet).map_err(|anomaly| anomaly.to_string())?;
    }
    let mut tally = Tally::new();
    let mut count = |what: &str, times: u64| *tally.entry(what.to_owned()).or_default() += times;
    let mut sent = Vec::new();
    for at in 1..=clients + 1 {
        let usage = sim.usage(at).unwrap();
        if usage != Default::default() {
            return Err(format!("after quiet time, endpoint {at} still holds {usage:?}"));
        }
        let Some(Node::Client(client)) = sim.application(at) else { continue };
        if let Some(wrong) = client.wrong.take() {
            return Err(wrong);
        }
        if client.restarts > 0 {
            count("restarts", u64::from(client.restarts));
        }
        for Transfer { machine, got, ended } in &client.transfers {
            let Some(ended) = ended else { return Err(format!("a transfer of {at} does not end")) };
            match (machine, ended) {
                (Machine::Fetch(_, number), Ok(Code::CONTENT)) => {
                    count("fetched", 1);
                    let is_one = |version: u64| *got == whole(version << 32 | number, length_of(*number));
                    if !(0..=20).any(is_one) {
                        return Err(format!("what {at} has fetched is no version of {number}: {} bytes", got.len()));
                    }
                }
                (Machine::Send(_, id, ..), Ok(Code::CHANGED)) => {
                    count("sent", 1);
                    if !got.is_empty() {
                        count("answered in blocks", 1);
                        if *got != whole(!*id, answer_length(*id)) {
                            return Err(format!("the answer to {id:#x} is not what was answered"));
                        }
                    }
                    sent.push(*id);
                }
                (_, ended) => count(&format!("{ended:?}").replace(char::is_whitespace, ""), 1),
            }
        }
    }
    let Some(Node::Server(server)) = sim.application(SERVER) else { return Err("no server".into()) };
    if let Some(wrong) = server.wrong.take() {
        return Err(wrong);
    }
    if let Some(id) = sent.iter().find(|id| !server.done.contains_key(id)) {
        return Err(format!("the server knows nothing of {id:#x}"));
    }
    count("broken", u64::from(server.broken));
    count("twice", server.done.values().filter(|&&times| times > 1).count() as u64);
    Ok(tally)
}

#[test]
fn bodies_arrive_whole_or_their_transfers_end() {
    let wanted = ["fetched", "sent", "answered in blocks", "restarts", "broken", "Err(NoResponse(TimedOut))"];
    seeds(3_000, &wanted, |seed| {
        if seed % 2 == 0 {
            run(seed, || Heap::<u16>::with_bound(8, 128, 64 * 1024).transfers(16))
        } else {
            run(seed, Fixed::<u16, 8, 128, 65_536, 0, 16>::new)
        }
    });
}

/// Small tables: what is remembered of requests gives way, so that blocks come again in exchanges that nobody remembers.
#[test]
fn bodies_through_small_tables() {
    let wanted = ["fetched", "sent", "Err(Incomplete)", "Ok(Code(5.03ServiceUnavailable))"];
    seeds(2_000, &wanted, |seed| {
        if seed % 2 == 0 {
            run(seed, Fixed::<u16, 4, 6, 2_560, 0, 2, Indexed>::new)
        } else {
            run(seed, Fixed::<u16, 4, 6, 2_560, 0, 2>::new)
        }
    });
}

/// The longest datagram, in and out, and what is kept to be sent again: together at most 1.2 KiB.
const DATAGRAM: usize = 320;
const ARENA: usize = 512;
const _: () = assert!(2 * DATAGRAM + ARENA <= 1_228);

/// A 1 MiB body in blocks of 256, at 30 % loss each way.
fn a_mebibyte(machine: fn(Settings, u64, u32) -> Machine, check: fn(&Client, &Server, u64, u32)) {
    const LENGTH: u32 = 1 << 20;
    let id = 1 << 32 | 40;
    let settings =
        Settings { block_size: 256, max_message: DATAGRAM as u16, early: true, block_retries: 8, ..Settings::DEFAULT };
    let network = Network { loss: 300, delay_max: Duration::from_millis(60), ..Network::PERFECT };
    let mut sim = Sim::new(11, network);
    let config = Config::DEFAULT.blockwise();
    let store = Fixed::<u16, 2, 8, ARENA, 0, 1>::new;
    let server = Server { settings: Some(settings), version: 1, tx: DATAGRAM, ..Server::default() };
    sim.add(config, store(), Node::Server(server));
    let client = sim.add(config, store(), Node::Client(Client { tx: DATAGRAM, ..Client::default() }));
    sim.with(client, |node, port| {
        let Node::Client(node) = node else { return };
        node.begin(port, machine(settings, id, LENGTH), Duration::ZERO);
    });
    let mut longest = 0;
    let is_over = |sim: &mut Sim<_, Node>| match sim.application(client) {
        Some(Node::Client(client)) => client.transfers.first().is_some_and(|transfer| transfer.ended.is_some()),
        _ => true,
    };
    while !is_over(&mut sim) {
        sim.run_for(Duration::from_secs(100)).unwrap_or_else(|anomaly| panic!("{anomaly}"));
        longest = longest.max(sim.records().iter().map(|record| record.bytes.len()).max().unwrap_or(0));
        sim.clear_records();
    }
    assert!(longest <= DATAGRAM, "{longest}");
    sim.run_for(Duration::from_secs(1_000)).unwrap();
    for at in [SERVER, client] {
        assert_eq!(sim.usage(at), Some(Default::default()));
    }
    let Some(Node::Server(server)) = sim.application(SERVER) else { panic!() };
    let server = std::mem::take(server);
    let Some(Node::Client(client)) = sim.application(client) else { panic!() };
    assert_eq!((&server.wrong, &client.wrong), (&None, &None));
    check(client, &server, id, LENGTH);
}

#[test]
fn a_mebibyte_is_sent() {
    a_mebibyte(
        |settings, id, length| Machine::Send(Send::new(SERVER, Request::put(), settings), id, length, "u", true),
        |client, server, id, _| {
            assert_eq!(client.transfers[0].ended, Some(Ok(Code::CHANGED)));
            // It was compared byte by byte when its last piece came.
            assert_eq!(server.done.get(&id), Some(&1));
            assert_eq!(client.restarts, 0);
        },
    );
}

#[test]
fn a_mebibyte_is_fetched() {
    // /r/1048576 is as long as its number.
    a_mebibyte(
        |settings, _, length| Machine::Fetch(Fetch::new(SERVER, Request::get(), settings), u64::from(length)),
        |client, _, _, length| {
            assert_eq!(client.transfers[0].ended, Some(Ok(Code::CONTENT)));
            assert_eq!(client.transfers[0].got, whole(1 << 32 | u64::from(length), length));
        },
    );
}

/// Sixteen clients send a body each to one server, at the same time, while two more find no slot until one is free.
#[test]
fn sixteen_at_once() {
    let network = Network { loss: 200, delay_max: Duration::from_millis(300), ..Network::PERFECT };
    let mut sim = Sim::new(5, network);
    let config = Config::DEFAULT.blockwise();
    let store = || Heap::<u16>::with_bound(32, 128, 64 * 1024).transfers(16);
    let settings = Settings { block_size: 64, block_retries: 8, ..Settings::DEFAULT };
    sim.add(config, store(), Node::Server(Server { settings: Some(settings), tx: 2_000, ..Server::default() }));
    for number in 0..18_u64 {
        let at = sim.add(config, store(), Node::Client(Client { tx: 2_000, ..Client::default() }));
        sim.with(at, |node, port| {
            let Node::Client(node) = node else { return };
            let send = Send::new(SERVER, Request::put(), settings);
            // The last two come when all slots are taken.
            let after = if number < 16 { number } else { 20_000 };
            node.begin(port, Machine::Send(send, 77 + number, 3_000, "u", true), Duration::from_millis(after));
        });
    }
    sim.run_for(Duration::from_secs(20)).unwrap();
    assert_eq!(sim.usage(SERVER).unwrap().transfers, 16);
    sim.run_for(Duration::from_secs(4_000)).unwrap();
    let mut ended = Vec::new();
    for at in 2..=19 {
        let Some(Node::Client(client)) = sim.application(at) else { panic!() };
        ended.push(client.transfers[0].ended);
        assert_eq!(sim.usage(at), Some(Default::default()));
    }
    assert!(ended[..16].iter().all(|ended| *ended == Some(Ok(Code::CHANGED))), "{ended:?}");
    assert_eq!(ended[16..], [Some(Ok(Code::SERVICE_UNAVAILABLE)); 2]);
    assert_eq!(sim.usage(SERVER), Some(Default::default()));
    let Some(Node::Server(server)) = sim.application(SERVER) else { panic!() };
    assert_eq!((server.wrong.take(), server.done.len()), (None, 16));
}
