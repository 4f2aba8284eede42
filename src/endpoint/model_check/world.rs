//! One Confirmable exchange between two endpoints: what can happen next, and what must never have happened.

use crate::config::Config;
use crate::endpoint::{Arrival, Endpoint, Event, Failure, Handle, Output, Request, RequestId, RespondError, Usage};
use crate::reliability::Hooks;
use crate::store::Fixed;
use crate::time::Instant;
use crate::wire::{Code, Message, Type};
use core::hash::{Hash, Hasher};
use core::time::Duration;
use std::format;
use std::hash::DefaultHasher;
use std::string::String;
use std::vec::Vec;

const CLIENT: u8 = 1;
const SERVER: u8 = 2;
const NAMES: [&str; 3] = ["nobody", "the client", "the server"];
/// What the application of the server answers.
const ANSWER: &[u8] = b"21.5";
/// No message here is longer.
const DATAGRAM: usize = 32;

/// What the network does with what is sent. Whatever it is, any datagram may overtake any other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub(super) enum Network {
    /// What was once sent arrives at any later time, any number of times, or never. One step, [`Step::Deliver`], is all
    /// that it takes: what is never delivered is lost, what is delivered again is a duplicate.
    Boundless,
    /// Each datagram takes a step of its own to be delivered, doubled or lost; so many may be doubled.
    Counted(u8),
}

/// What happens next. Datagrams by their place among those in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// A datagram arrives.
    Deliver(u8),
    /// A datagram arrives, and is still in flight.
    Double(u8),
    /// A datagram is lost.
    Lose(u8),
    /// The clock goes to the deadline of the client, which is polled until it is idle. The server may miss its own by
    /// that.
    PollClient,
    /// The same for the server.
    PollServer,
    /// The application of the server answers: before the ACK has gone out, or after.
    Answer,
    /// It says that it will answer later.
    Defer,
}

/// What must not be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Violation {
    /// The application of the server has seen the request again within EXCHANGE_LIFETIME.
    SeenAgain,
    /// The client has ended its request a second time.
    EndedTwice,
    /// The client takes its request for reset, by a server that resets none.
    ResetByNobody,
    /// What the client takes for the response is none of the server's to this request.
    NotTheResponse,
    /// A CON went out more than 1 + MAX_RETRANSMIT times, or something else of its own accord a second time.
    SentTooOften,
    /// What was acknowledged or answered was sent again.
    SentThoughAcknowledged,
    /// One copy of the request got another ACK than one before (RFC 7252 4.5, 5.2.1).
    AcknowledgedOtherwise,
    /// A duplicate of the request, or of the separate response that was taken, is not acknowledged (4.2, 4.5).
    NotAcknowledgedAgain,
    /// The application could not answer, though nothing had answered in its place.
    NotAnswerable,
    /// The application could answer twice.
    AnsweredTwice,
    /// The application is told of the way of a separate response what is not so, or once more.
    ToldWrongly,
    /// It was to be told, and was not.
    NeverTold,
    /// `poll` does not become idle.
    NeverIdle,
    /// Left alone, the two do not come to rest.
    NeverQuiet,
    /// All is quiet, and the request has not ended.
    NeverEnded,
    /// All is quiet, and something is held.
    NotFree,
}

/// How the request ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub(super) enum Ending {
    Piggybacked,
    Separate,
    Unavailable,
    TimedOut,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Datagram {
    to: u8,
    len: u8,
    bytes: [u8; DATAGRAM],
    /// A hash of the others, taken once.
    digest: u64,
}

impl Hash for Datagram {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.digest);
    }
}

impl Datagram {
    fn new(to: u8, bytes: &[u8]) -> Datagram {
        let mut datagram = Datagram { to, len: bytes.len() as u8, bytes: [0; DATAGRAM], digest: 0 };
        datagram.bytes[..bytes.len()].copy_from_slice(bytes);
        let mut hasher = DefaultHasher::new();
        (to, bytes).hash(&mut hasher);
        Datagram { digest: hasher.finish(), ..datagram }
    }

    fn message(&self) -> Message<'_> {
        Message::parse(&self.bytes[..usize::from(self.len)]).expect("what goes out is a message")
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Heard {
    Acknowledged,
    Reset,
    Answered,
}

/// What an endpoint has sent of its own accord, and not because of a datagram.
#[derive(Clone, Copy, Hash)]
struct Sent {
    datagram: Datagram,
    times: u8,
    /// By what its sender has heard that it arrived, first.
    heard: Option<Heard>,
}

#[derive(Clone)]
struct Node {
    endpoint: Endpoint<Fixed<u8, 2, 4, 256>>,
    deadline: Option<Instant>,
    /// Of all that the endpoint will do depends on.
    digest: u64,
}

impl Node {
    fn new(seed: u8, hooks: Hooks) -> Node {
        let mut endpoint = Endpoint::new(Config::DEFAULT, [seed; 16], Fixed::new());
        endpoint.engine.core.hooks = hooks;
        Node { endpoint, deadline: None, digest: 0 }
    }

    /// What the endpoint will do depends on nothing else: each field of what it holds, the bytes that are kept, the
    /// deadline, and what it will draw. Left out are slots and bytes that are free, what is counted for nobody but the
    /// caller, and the order of slots, which says nothing as long as there is one in use at most.
    ///
    /// Times are absolute. Since the clock goes from deadline to deadline, they tell few worlds apart that are the same
    /// but for the time of day: some 7 in 100, when it was tried.
    fn digest(&mut self) -> u64 {
        let engine = &self.endpoint.engine;
        assert!(engine.held.exchanges.count(|_| true) <= 1, "the order of slots would count");
        let mut digest = DefaultHasher::new();
        for index in 0..engine.held.peers.capacity() {
            engine.held.peers.at(index).hash(&mut digest);
        }
        for index in 0..engine.held.exchanges.capacity() {
            let Some(exchange) = engine.held.exchanges.at(index) else { continue };
            let mut kept = [0; DATAGRAM];
            let len =
                if exchange.bytes.is_none() { Some(0) } else { engine.held.arena.read(exchange.bytes, &mut kept) };
            let kept = &kept[..len.expect("no message here is longer")];
            let deadline = engine.held.exchanges.due(index);
            (engine.held.exchanges.id(index), exchange, deadline, kept).hash(&mut digest);
        }
        engine.core.ids.hash(&mut digest);
        let mut random = engine.held.random.clone();
        (random.draw(), random.up_to(u32::MAX)).hash(&mut digest);
        digest.finish()
    }
}

/// Both endpoints, what is in flight between them, and what their applications have seen.
#[derive(Clone)]
pub(super) struct World {
    now: Instant,
    client: Node,
    server: Node,
    /// In order, so that the key does not depend on which was sent first.
    flight: Vec<Datagram>,
    network: Network,
    sent: Vec<Sent>,
    handle: Option<Handle>,
    ended: Option<Ending>,
    /// The CON that it ended by, and when.
    taken: Option<(Datagram, Instant)>,
    /// The ACK that the server gave the request.
    acknowledged: Option<Datagram>,
    /// When the application of the server saw the request.
    seen: Option<Instant>,
    /// By what it may answer, until it has.
    asked: Option<RequestId>,
    /// Whether it has said that it will answer later.
    deferred: bool,
    /// The separate response of which it is to be told, until it is.
    telling: Option<(RequestId, Datagram)>,
}

impl World {
    /// The client has just made its request.
    pub(super) fn new(network: Network, hooks: Hooks) -> Result<World, Violation> {
        let mut world = World {
            now: Instant::ZERO,
            client: Node::new(0xc1, hooks),
            server: Node::new(0x5e, hooks),
            flight: Vec::new(),
            network,
            sent: Vec::new(),
            handle: None,
            ended: None,
            taken: None,
            acknowledged: None,
            seen: None,
            asked: None,
            deferred: false,
            telling: None,
        };
        let mut tx = [0; DATAGRAM];
        let (handle, sent) = world
            .client
            .endpoint
            .request(world.now, SERVER, Request::get(), &mut tx, |w| _ = w.path("t"))
            .expect("tables that are empty");
        world.handle = Some(handle);
        world.send(Datagram::new(SERVER, &tx[..sent.expect("nothing else is outstanding").len]), true)?;
        world.poll(CLIENT)?;
        world.poll(SERVER)?;
        Ok(world)
    }

    /// All that can happen next.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for place in (0..self.flight.len() as u8).filter(|&place| self.may_arrive(place)) {
            steps.push(Step::Deliver(place));
            if let Network::Counted(doubles) = self.network {
                steps.push(Step::Lose(place));
                steps.extend((doubles > 0).then_some(Step::Double(place)));
            }
        }
        steps.extend(self.client.deadline.map(|_| Step::PollClient));
        steps.extend(self.server.deadline.map(|_| Step::PollServer));
        steps.extend(self.asked.map(|_| Step::Answer));
        steps.extend(self.asked.filter(|_| !self.deferred).map(|_| Step::Defer));
        steps
    }

    /// Not a duplicate after EXCHANGE_LIFETIME: RFC 7252 4.8.2 holds every network to that.
    fn may_arrive(&self, place: u8) -> bool {
        let datagram = self.flight[usize::from(place)];
        let since = match self.taken {
            Some((taken, at)) if taken == datagram => Some(at),
            _ if datagram.message().code().is_request() => self.seen,
            _ => None,
        };
        since.is_none_or(|since| self.now < since + Config::DEFAULT.transmission.exchange_lifetime())
    }

    /// The same for two worlds only if the same can come of them. (But for a collision: of a million worlds, once in 37
    /// million runs.)
    pub(super) fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.view(), self.network, &self.flight).hash(&mut hasher);
        hasher.finish()
    }

    /// The key without the network: how the endpoints and their applications see it.
    pub(super) fn view(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.now, self.client.deadline, self.client.digest).hash(&mut hasher);
        (self.server.deadline, self.server.digest).hash(&mut hasher);
        (&self.sent, self.ended, self.taken, self.acknowledged).hash(&mut hasher);
        (self.seen, self.asked, self.deferred, self.telling).hash(&mut hasher);
        hasher.finish()
    }

    pub(super) fn ended(&self) -> Option<Ending> {
        self.ended
    }

    /// For a reader.
    pub(super) fn describe(&self, step: Step) -> String {
        let datagram = |place: u8| {
            let datagram = &self.flight[usize::from(place)];
            format!("{} to {}", datagram.message(), NAMES[usize::from(datagram.to)])
        };
        let at = |deadline: Option<Instant>| deadline.unwrap_or_default().max(self.now).as_millis();
        match step {
            Step::Deliver(place) => format!("deliver {}", datagram(place)),
            Step::Double(place) => format!("deliver and keep {}", datagram(place)),
            Step::Lose(place) => format!("lose {}", datagram(place)),
            Step::PollClient => format!("poll the client at {} ms", at(self.client.deadline)),
            Step::PollServer => format!("poll the server at {} ms", at(self.server.deadline)),
            Step::Answer => "the application answers".into(),
            Step::Defer => "the application will answer later".into(),
        }
    }

    /// Makes it happen.
    pub(super) fn take(&mut self, step: Step) -> Result<(), Violation> {
        match step {
            Step::Deliver(place) if self.network == Network::Boundless => self.deliver(self.flight[usize::from(place)]),
            Step::Deliver(place) => {
                let datagram = self.flight.remove(usize::from(place));
                self.deliver(datagram)
            }
            Step::Double(place) => {
                if let Network::Counted(doubles) = &mut self.network {
                    *doubles -= 1;
                }
                self.deliver(self.flight[usize::from(place)])
            }
            Step::Lose(place) => {
                self.flight.remove(usize::from(place));
                Ok(())
            }
            Step::PollClient => {
                self.now = self.now.max(self.client.deadline.unwrap_or_default());
                self.poll(CLIENT)
            }
            Step::PollServer => {
                self.now = self.now.max(self.server.deadline.unwrap_or_default());
                self.poll(SERVER)
            }
            Step::Answer => self.answer(),
            Step::Defer => self.defer(),
        }
    }

    /// From now on nothing is lost or doubled, and all are punctual. What was sent so far arrives, once more if it has
    /// arrived before; or it is `lost`.
    pub(super) fn calm(&mut self, lost: bool) {
        self.network = Network::Counted(0);
        if lost {
            self.flight.clear();
        }
    }

    /// What happens next in the calm; `None` once it is quiet. The application may be one that answers, or one that has
    /// stopped.
    pub(super) fn calm_step(&self, answers: bool) -> Option<Step> {
        if !self.flight.is_empty() {
            return Some(if self.may_arrive(0) { Step::Deliver(0) } else { Step::Lose(0) });
        }
        if self.asked.is_some() && answers {
            return Some(Step::Answer);
        }
        match (self.client.deadline, self.server.deadline) {
            (None, None) => None,
            (Some(client), Some(server)) if server < client => Some(Step::PollServer),
            (None, Some(_)) => Some(Step::PollServer),
            (Some(_), _) => Some(Step::PollClient),
        }
    }

    /// Nothing is to be done any more, and the lifetimes are over.
    pub(super) fn rest(&mut self) -> Result<(), Violation> {
        self.now = self.now + Duration::from_secs(3_600);
        self.poll(CLIENT)?;
        self.poll(SERVER)?;
        if self.ended.is_none() {
            return Err(Violation::NeverEnded);
        }
        if self.telling.is_some() {
            return Err(Violation::NeverTold);
        }
        let held = [self.client.endpoint.usage(), self.server.endpoint.usage()];
        if held == [Usage::default(); 2] { Ok(()) } else { Err(Violation::NotFree) }
    }

    fn node(&mut self, address: u8) -> &mut Node {
        if address == CLIENT { &mut self.client } else { &mut self.server }
    }

    /// Puts a datagram on its way. `unprompted`: no datagram is the cause of it.
    fn send(&mut self, datagram: Datagram, unprompted: bool) -> Result<(), Violation> {
        match self.flight.binary_search(&datagram) {
            Ok(_) if self.network == Network::Boundless => {}
            Ok(place) | Err(place) => self.flight.insert(place, datagram),
        }
        let acknowledges = datagram.to == CLIENT && datagram.message().message_type() == Type::Acknowledgement;
        if acknowledges && *self.acknowledged.get_or_insert(datagram) != datagram {
            return Err(Violation::AcknowledgedOtherwise);
        }
        if !unprompted {
            return Ok(());
        }
        let Some(sent) = self.sent.iter_mut().find(|sent| sent.datagram == datagram) else {
            self.sent.push(Sent { datagram, times: 1, heard: None });
            return Ok(());
        };
        sent.times += 1;
        let confirmable = datagram.message().message_type() == Type::Confirmable;
        let most = if confirmable { 1 + Config::DEFAULT.transmission.max_retransmit } else { 1 };
        if sent.heard.is_some() {
            return Err(Violation::SentThoughAcknowledged);
        }
        if sent.times > most { Err(Violation::SentTooOften) } else { Ok(()) }
    }

    fn deliver(&mut self, datagram: Datagram) -> Result<(), Violation> {
        let to = datagram.to;
        let message = datagram.message();
        for sent in &mut self.sent {
            let about = sent.datagram.message();
            // RFC 7252 4.2, 5.3.2: by the Message ID, or by the token.
            let names = message.message_id() == about.message_id();
            let answers = message.code().is_response() && about.code().is_request() && message.token() == about.token();
            let heard = match message.message_type() {
                Type::Acknowledgement if names => Some(Heard::Acknowledged),
                Type::Reset if names => Some(Heard::Reset),
                _ if answers => Some(Heard::Answered),
                _ => None,
            };
            if sent.datagram.to != to && sent.heard.is_none() {
                sent.heard = heard;
            }
        }
        let (now, from) = (self.now, CLIENT + SERVER - to);
        let duplicate = match message.code() {
            code if code.is_request() => self.seen.is_some(),
            _ => self.taken.is_some_and(|(response, _)| response == datagram),
        };
        let mut tx = [0; DATAGRAM];
        let input = self.node(to).endpoint.handle(
            now,
            from,
            Arrival::Unicast,
            &datagram.bytes[..usize::from(datagram.len)],
            &mut tx,
        );
        match input.event {
            Event::Handled => {}
            Event::Request(request) => self.see(request.id)?,
            Event::Response(response) => {
                if Some(response.handle) != self.handle || response.from != SERVER {
                    return Err(Violation::NotTheResponse);
                }
                let ending = self.ending(&response.message).ok_or(Violation::NotTheResponse)?;
                self.end(ending)?;
                if message.message_type() == Type::Confirmable {
                    self.taken = Some((datagram, self.now));
                }
            }
        }
        if duplicate {
            let reply = input.reply.as_ref().and_then(|reply| Message::parse(&tx[..reply.len]).ok());
            let acknowledges = |reply: Message<'_>| {
                reply.message_type() == Type::Acknowledgement && reply.message_id() == message.message_id()
            };
            if !reply.is_some_and(acknowledges) {
                return Err(Violation::NotAcknowledgedAgain);
            }
        }
        if let Some(reply) = input.reply {
            self.send(Datagram::new(from, &tx[..reply.len]), false)?;
        }
        self.poll(to)
    }

    /// How the request ends by this response, if it is one to it.
    fn ending(&self, message: &Message<'_>) -> Option<Ending> {
        let request = self.sent.first()?.datagram;
        if message.token() != request.message().token() {
            return None;
        }
        match message.code() {
            Code::CONTENT if message.payload() != ANSWER => None,
            Code::CONTENT if message.message_type() == Type::Acknowledgement => Some(Ending::Piggybacked),
            Code::CONTENT => Some(Ending::Separate),
            Code::SERVICE_UNAVAILABLE => Some(Ending::Unavailable),
            _ => None,
        }
    }

    fn end(&mut self, ending: Ending) -> Result<(), Violation> {
        match self.ended.replace(ending) {
            None => Ok(()),
            Some(_) => Err(Violation::EndedTwice),
        }
    }

    fn see(&mut self, id: RequestId) -> Result<(), Violation> {
        if self.seen.is_some() {
            return Err(Violation::SeenAgain);
        }
        self.seen = Some(self.now);
        self.asked = Some(id);
        Ok(())
    }

    fn answer(&mut self) -> Result<(), Violation> {
        let (now, mut tx) = (self.now, [0; DATAGRAM]);
        let Some(id) = self.asked.take() else { return Ok(()) };
        let mut respond = |tx: &mut [u8]| {
            self.server.endpoint.respond(now, id.report(), tx, |w| _ = w.code(Code::CONTENT).payload(ANSWER))
        };
        match respond(&mut tx) {
            Ok(sent) => {
                if respond(&mut [0; DATAGRAM]) != Err(RespondError::Stale) {
                    return Err(Violation::AnsweredTwice);
                }
                let datagram = Datagram::new(CLIENT, &tx[..sent.map_or(0, |sent| sent.len)]);
                if datagram.message().message_type() == Type::Confirmable {
                    self.telling = Some((id, datagram));
                }
                self.send(datagram, true)?;
            }
            Err(_) => return Err(Violation::NotAnswerable),
        }
        self.poll(SERVER)
    }

    fn defer(&mut self) -> Result<(), Violation> {
        let Some(id) = self.asked else { return Ok(()) };
        self.deferred = true;
        match self.server.endpoint.defer(self.now, id) {
            Ok(later) => self.asked = Some(later),
            Err(_) => return Err(Violation::NotAnswerable),
        }
        self.poll(SERVER)
    }

    /// If the 5.03 has just gone out by itself, the application comes too late.
    fn refuse(&mut self, sent: &Datagram) -> Result<(), Violation> {
        if sent.to == SERVER || !sent.message().code().is_response() {
            return Ok(());
        }
        let Some(id) = self.asked.take() else { return Ok(()) };
        let (endpoint, now) = (&mut self.server.endpoint, self.now);
        let late = endpoint.respond(now, id, &mut [0; DATAGRAM], |w| _ = w.code(Code::CONTENT));
        if late == Err(RespondError::Stale) && endpoint.defer(now, id) == Err(RespondError::Stale) {
            return Ok(());
        }
        Err(Violation::AnsweredTwice)
    }

    /// The server's application is told what became of its response.
    fn tell(&mut self, id: RequestId, how: Option<Heard>) -> Result<(), Violation> {
        let told = self.telling.take().filter(|&(answered, _)| answered == id);
        let heard = told.and_then(|(_, response)| self.sent.iter().find(|sent| sent.datagram == response)?.heard);
        if told.is_some() && heard == how { Ok(()) } else { Err(Violation::ToldWrongly) }
    }

    /// Polls until there is nothing more to do now.
    fn poll(&mut self, address: u8) -> Result<(), Violation> {
        let now = self.now;
        for _ in 0..16 {
            let mut tx = [0; DATAGRAM];
            match self.node(address).endpoint.poll(now, &mut tx) {
                Output::Send(sent) => {
                    let datagram = Datagram::new(sent.to, &tx[..sent.len]);
                    self.send(datagram, true)?;
                    self.refuse(&datagram)?;
                }
                Output::Failed(handle, Failure::TimedOut) if Some(handle) == self.handle => {
                    self.end(Ending::TimedOut)?
                }
                Output::Failed(..) => return Err(Violation::ResetByNobody),
                Output::Delivered(id) if address == SERVER => self.tell(id, Some(Heard::Acknowledged))?,
                Output::Undelivered(id, Failure::Reset) if address == SERVER => self.tell(id, Some(Heard::Reset))?,
                Output::Undelivered(id, Failure::TimedOut) if address == SERVER => self.tell(id, None)?,
                Output::Delivered(_)
                | Output::Undelivered(..)
                | Output::Acknowledged(_)
                | Output::Broken(..)
                | Output::Notify(_) => {
                    return Err(Violation::ToldWrongly);
                }
                Output::Idle(deadline) if deadline.is_none_or(|at| at > now) => {
                    let node = self.node(address);
                    node.deadline = deadline;
                    node.digest = node.digest();
                    return Ok(());
                }
                Output::Idle(_) => {}
            }
        }
        Err(Violation::NeverIdle)
    }
}
