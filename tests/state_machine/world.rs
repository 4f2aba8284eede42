//! Two endpoints, the datagrams in flight between them, and a script of what happens.

use super::command::{At, Command, Reply, To};
use super::node::{Capacity, Ending, News, Node, Verdict};
use coaplet::endpoint::{Arrival, Failure};
use coaplet::store::Indexed;
use coaplet::{Code, Config, Endpoint, Fixed, Header, Instant, Message, Store, Transmission, Type, Writer};
use std::time::Duration;

/// The address of the group.
const GROUP: u8 = 100;
/// The first of those at which nobody is.
const STRANGERS: u8 = 3;
const DAY: u32 = 86_400_000;
/// No more datagrams are in flight: the oldest gets lost.
const FLIGHT: usize = 64;

/// The memory of both endpoints.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tables {
    /// Two peers, four exchanges, four blocks.
    Tight,
    /// Three peers, six exchanges, eight blocks, with an index.
    TightIndexed,
    /// More than a script can fill.
    Roomy,
    RoomyIndexed,
}

/// What a script begins with.
#[derive(Clone, Debug)]
pub struct Setup {
    pub tables: Tables,
    /// The time.
    pub start: u64,
    pub nstart: u8,
    pub strict: bool,
    /// What arrives is what was sent, nothing is forgotten by request, no datagram is older than MAX_LATENCY.
    pub honest: bool,
}

/// A script, and what it begins with.
#[derive(Clone, Debug)]
pub struct Script {
    pub setup: Setup,
    pub commands: Vec<Command>,
}

/// What happened, to see that scripts come to where it is interesting.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    pub asked: u32,
    pub seen: u32,
    pub answered: u32,
    pub acknowledged: u32,
    pub timed_out: u32,
    pub unanswered: u32,
    pub reset: u32,
    pub forgotten: u32,
    pub unreachable: u32,
    pub cancelled: u32,
    pub delivered: u32,
    pub undelivered: u32,
    pub notified: u32,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.asked += other.asked;
        self.seen += other.seen;
        self.answered += other.answered;
        self.acknowledged += other.acknowledged;
        self.timed_out += other.timed_out;
        self.unanswered += other.unanswered;
        self.reset += other.reset;
        self.forgotten += other.forgotten;
        self.unreachable += other.unreachable;
        self.cancelled += other.cancelled;
        self.delivered += other.delivered;
        self.undelivered += other.undelivered;
        self.notified += other.notified;
    }
}

impl Script {
    /// Carries it out, and leaves both endpoints alone until all is over. What fails is told with all that happened.
    pub fn run(&self) -> Verdict<Tally> {
        self.carry_out(false).or_else(|_| self.carry_out(true))
    }

    /// The shortest one that still `fails`, of those that come of leaving out one command after the other.
    pub fn cut_down(&self, fails: impl Fn(&Script) -> bool) -> Script {
        let mut shortest = self.clone();
        let mut left = shortest.commands.len();
        while let Some(index) = left.checked_sub(1) {
            left = index;
            let mut shorter = shortest.clone();
            shorter.commands.remove(index);
            if fails(&shorter) {
                // What was needed before may be needed no more.
                left = shorter.commands.len();
                shortest = shorter;
            }
        }
        shortest
    }

    fn carry_out(&self, told: bool) -> Verdict<Tally> {
        const SIZE: u32 = 32 * 1024;
        match self.setup.tables {
            Tables::Tight => {
                World::new(&self.setup, Fixed::<u8, 2, 4, 128, 3>::new, [2, 4, 128, 3], told).run(&self.commands)
            }
            Tables::TightIndexed => {
                World::new(&self.setup, Fixed::<u8, 3, 6, 256, 4, 0, Indexed>::new, [3, 6, 256, 4], told)
                    .run(&self.commands)
            }
            Tables::Roomy => {
                let store = Fixed::<u8, 8, 128, { SIZE as usize }, 128>::new;
                World::new(&self.setup, store, [8, 128, SIZE, 128], told).run(&self.commands)
            }
            Tables::RoomyIndexed => {
                let store = Fixed::<u8, 8, 128, { SIZE as usize }, 128, 0, Indexed>::new;
                World::new(&self.setup, store, [8, 128, SIZE, 128], told).run(&self.commands)
            }
        }
    }
}

struct Datagram {
    from: u8,
    to: u8,
    bytes: Vec<u8>,
    at: Instant,
}

/// A request that was made.
#[derive(Default)]
struct Made {
    seen: u32,
    /// Whether the other application said that it does not mind to see it twice.
    idempotent: bool,
}

struct World<S: Store> {
    nodes: [Node<S>; 2],
    config: Config,
    honest: bool,
    now: Instant,
    flight: Vec<Datagram>,
    /// What was sent: by whom, to whom.
    sent: Vec<(At, u8, Vec<u8>)>,
    /// By their numbers.
    made: Vec<Made>,
    seen: u32,
    told: Option<Vec<String>>,
}

impl<S: Store<Peer = u8>> World<S> {
    fn new(
        setup: &Setup,
        store: impl Fn() -> S,
        [peers, exchanges, bytes, observers]: [u32; 4],
        told: bool,
    ) -> World<S> {
        let roomy = matches!(setup.tables, Tables::Roomy | Tables::RoomyIndexed);
        let transmission = Transmission { nstart: setup.nstart, ..Transmission::DEFAULT };
        let peer_share = if roomy { 100 } else { Config::DEFAULT.peer_share };
        let config = Config { transmission, peer_share, strict_dedup: setup.strict, ..Config::DEFAULT };
        let node = |seed: &[u8; 16]| {
            let endpoint = Endpoint::new(config, *seed, store());
            Node::new(endpoint, transmission, Capacity { peers, exchanges, bytes, observers }, roomy)
        };
        World {
            nodes: [node(b"the seed of this"), node(b"that of another!")],
            config,
            honest: setup.honest,
            now: Instant::from_millis(setup.start),
            flight: Vec::new(),
            sent: Vec::new(),
            made: Vec::new(),
            seen: 0,
            told: told.then(Vec::new),
        }
    }

    fn run(mut self, commands: &[Command]) -> Verdict<Tally> {
        for command in commands {
            self.tell(|| format!("{command:?}"));
            self.step(command).map_err(|error| self.report(&error))?;
        }
        self.tell(|| "all in flight is lost, and both are left alone".into());
        self.rest().map_err(|error| self.report(&error))?;
        let [delivered, undelivered] = [0, 1].map(|how| self.nodes.iter().map(|node| node.told[how]).sum());
        let notified = self.nodes.iter().map(|node| node.notified).sum();
        let mut tally = Tally { seen: self.seen, delivered, undelivered, notified, ..Tally::default() };
        for asked in self.nodes.iter().flat_map(|node| &node.asked) {
            tally.asked += 1;
            match asked.ended {
                Some(Ending::Answered) => tally.answered += 1,
                Some(Ending::Acknowledged) => tally.acknowledged += 1,
                Some(Ending::Cancelled) | None => tally.cancelled += 1,
                Some(Ending::Failed(Failure::TimedOut)) => tally.timed_out += 1,
                Some(Ending::Failed(Failure::Unanswered)) => tally.unanswered += 1,
                Some(Ending::Failed(Failure::Reset)) => tally.reset += 1,
                Some(Ending::Failed(Failure::Forgotten)) => tally.forgotten += 1,
                Some(Ending::Failed(Failure::Unreachable)) => tally.unreachable += 1,
            }
        }
        Ok(tally)
    }

    fn report(&self, error: &str) -> String {
        let happened = self.told.as_ref().map(|told| told.join("\n  ")).unwrap_or_default();
        format!("{error}, at {} ms, after\n  {happened}", self.now.as_millis())
    }

    /// What happened, for a person to read.
    fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(told) = &mut self.told {
            told.push(what());
        }
    }

    fn node(&mut self, at: At) -> &mut Node<S> {
        let [a, b] = &mut self.nodes;
        if at == At::A { a } else { b }
    }

    fn step(&mut self, command: &Command) -> Verdict {
        let now = self.now;
        match *command {
            Command::Ask { at, to, manner, len } => {
                let number = self.made.len() as u32;
                let address = address_of(at, to);
                if self.node(at).ask(now, address, to == To::Group, manner, number, len)? {
                    // A registration is made again by itself.
                    self.made.push(Made { seen: 0, idempotent: manner.observes() });
                }
            }
            Command::Answer { at, which, reply, len } => {
                let idempotent = reply == Reply::Idempotent;
                let node = self.node(at);
                if let Some(index) = last(which, node.given.len()) {
                    node.answer(now, index, reply, len)?;
                    let number = node.given[index].number;
                    if let Some(made) = number.and_then(|number| self.made.get_mut(number as usize)) {
                        made.idempotent |= idempotent;
                    }
                }
            }
            Command::Defer { at, which } => {
                let later = self.config.defer_timeout;
                let node = self.node(at);
                if let Some(index) = last(which, node.given.len()) {
                    node.defer(now, index, later)?;
                }
            }
            Command::Cancel { at, which } => {
                let node = self.node(at);
                if let Some(index) = last(which, node.asked.len()) {
                    node.cancel(index)?;
                }
            }
            Command::Unobserve { at, which } => {
                let node = self.node(at);
                if let Some(index) = last(which, node.asked.len()) {
                    node.unobserve(now, index)?;
                }
            }
            Command::Change { at, which, state } => self.node(at).change(which, state),
            Command::EndObservers { at, which } => self.node(at).end_observers(which)?,
            Command::Forget { at, whom } if !self.honest => self.node(at).forget(now, address_of(at, whom))?,
            Command::Mistake { at, which } => {
                let other = self.node(other(at));
                let handle = last(which, other.asked.len()).map(|index| other.asked[index].handle);
                let id = last(which, other.given.len()).map(|index| other.given[index].id);
                self.node(at).mistake(now, handle, id)?;
            }
            Command::Poll { at, times } => {
                for _ in 0..times {
                    self.node(at).poll(now)?;
                }
            }
            Command::Settle { at } => self.node(at).settle(now)?,
            Command::Wait { ms } => self.wait(ms)?,
            Command::Wake => _ = self.wake()?,
            Command::Deliver { which } => {
                if let Some(index) = last(which, self.flight.len()) {
                    let datagram = self.flight.remove(index);
                    self.deliver(&datagram)?;
                }
            }
            Command::Double { which } => {
                if let Some(index) = last(which, self.flight.len()) {
                    let Datagram { from, to, ref bytes, at } = self.flight[index];
                    self.deliver(&Datagram { from, to, bytes: bytes.clone(), at })?;
                }
            }
            Command::Lose { which } => {
                if let Some(index) = last(which, self.flight.len()) {
                    self.flight.remove(index);
                }
            }
            Command::Corrupt { which, place, with } if !self.honest => {
                if let Some(index) = last(which, self.flight.len()) {
                    let bytes = &mut self.flight[index].bytes;
                    let place = usize::from(place) % bytes.len();
                    bytes[place] ^= with;
                }
            }
            Command::Cut { which, len } if !self.honest => {
                if let Some(index) = last(which, self.flight.len()) {
                    self.flight[index].bytes.truncate(usize::from(len).max(1));
                }
            }
            Command::Inject { at, from, group, ref bytes } if !self.honest => {
                let arrival = if group { Arrival::Group } else { Arrival::Unicast };
                self.take_in(at, from, arrival, bytes)?;
            }
            Command::Echo { at, from, which, kind, code } if !self.honest => {
                let ours: Vec<&(At, u8, Vec<u8>)> = self.sent.iter().filter(|sent| sent.0 == at).collect();
                if let Some((_, to, bytes)) = last(which, ours.len()).map(|index| ours[index]) {
                    let from = if from == 0 { *to } else { from };
                    if let Some(bytes) = echo(bytes, kind, code) {
                        self.take_in(at, from, Arrival::Unicast, &bytes)?;
                    }
                }
            }
            Command::Refuse { at, from, which, len } if !self.honest => {
                let ours: Vec<&(At, u8, Vec<u8>)> = self.sent.iter().filter(|sent| sent.0 == at).collect();
                if let Some((_, to, bytes)) = last(which, ours.len()).map(|index| ours[index]) {
                    let from = if from == 0 { *to } else { from };
                    let quoted = bytes.get(..usize::from(len)).unwrap_or(bytes).to_vec();
                    self.node(at).refuse(now, from, &quoted)?;
                }
            }
            Command::Forget { .. }
            | Command::Corrupt { .. }
            | Command::Cut { .. }
            | Command::Inject { .. }
            | Command::Echo { .. }
            | Command::Refuse { .. } => {}
        }
        for at in [At::A, At::B] {
            self.node(at).check().map_err(|error| format!("{at:?}: {error}"))?;
        }
        self.collect();
        Ok(())
    }

    /// Puts what was sent on its way.
    fn collect(&mut self) {
        let now = self.now;
        for at in [At::A, At::B] {
            for (to, bytes) in std::mem::take(&mut self.node(at).outbox) {
                self.tell(|| {
                    let text = Message::parse(&bytes).map_or_else(|error| error.to_string(), |m| m.to_string());
                    format!("    {at:?} sends to {to}, at {} ms: {text}", now.as_millis())
                });
                self.sent.push((at, to, bytes.clone()));
                self.flight.push(Datagram { from: address(at), to, bytes, at: now });
            }
        }
        let excess = self.flight.len().saturating_sub(FLIGHT);
        self.flight.drain(..excess);
    }

    fn deliver(&mut self, datagram: &Datagram) -> Verdict {
        let Datagram { from, to, bytes, at } = datagram;
        if self.honest && self.now.since(*at) > self.config.transmission.max_latency {
            return Ok(());
        }
        match *to {
            1 => self.take_in(At::A, *from, Arrival::Unicast, bytes),
            2 => self.take_in(At::B, *from, Arrival::Unicast, bytes),
            GROUP => self.take_in(if *from == 1 { At::B } else { At::A }, *from, Arrival::Group, bytes),
            _ => Ok(()),
        }
    }

    fn take_in(&mut self, at: At, from: u8, arrival: Arrival, bytes: &[u8]) -> Verdict {
        let (now, patience, honest) = (self.now, self.config.answer_timeout, self.honest);
        let node = self.node(at);
        match node.handle(now, from, arrival, bytes, patience)? {
            News::Nothing => Ok(()),
            News::Response(_, true) => Ok(()),
            News::Response(index, false) => {
                if !honest {
                    return Ok(());
                }
                Err(format!("{at:?}: request {index} got the response to another: {bytes:02x?}"))
            }
            News::Request(index) => {
                let number = node.given[index].number;
                self.seen += 1;
                let made = number.and_then(|number| self.made.get_mut(number as usize));
                let Some(made) = made.filter(|_| honest) else {
                    return if honest { Err("a request that nobody made".into()) } else { Ok(()) };
                };
                made.seen += 1;
                if made.seen == 1 || made.idempotent {
                    Ok(())
                } else {
                    Err(format!("{at:?} sees request {index} again"))
                }
            }
        }
    }

    /// Lets time pass, and nobody is polled. But where it is days, all are polled in the end, and in every second case when
    /// something is due.
    fn wait(&mut self, ms: u32) -> Verdict {
        let end = self.now + Duration::from_millis(u64::from(ms));
        let punctual = ms > DAY && ms % 2 == 0;
        while punctual && self.due().is_some_and(|(_, when)| when <= end) {
            self.wake()?;
            self.collect();
        }
        self.now = end;
        for node in self.nodes.iter_mut().filter(|_| ms > DAY) {
            node.settle(end)?;
        }
        Ok(())
    }

    /// Who is to be polled next, and when: at once, who was called since it was.
    fn due(&self) -> Option<(At, Instant)> {
        let due = |node: &Node<S>| if node.is_restless() { Some(self.now) } else { node.deadline() };
        let [a, b] = &self.nodes;
        let both = [(At::A, due(a)), (At::B, due(b))].into_iter();
        both.filter_map(|(at, when)| Some((at, when?))).min_by_key(|(_, when)| *when)
    }

    /// Goes to the next deadline, and polls who has it until it is idle. False if there is none.
    fn wake(&mut self) -> Verdict<bool> {
        let Some((at, when)) = self.due() else { return Ok(false) };
        self.now = self.now.max(when);
        let now = self.now;
        self.node(at).settle(now).map_err(|error| format!("{at:?}: {error}"))?;
        Ok(true)
    }

    /// Leaves both alone, until there is nothing more to do, and then for an hour, twice: what was 49 days ago may look as
    /// if it had just been.
    fn rest(&mut self) -> Verdict {
        self.flight.clear();
        for node in &mut self.nodes {
            (0..3).try_for_each(|which| node.end_observers(which))?;
        }
        // A wheel comes closer to a deadline level by level.
        let mut left = 20_000;
        while self.wake()? {
            self.collect();
            self.flight.clear();
            left -= 1;
            if left == 0 {
                return Err("never quiet".into());
            }
        }
        for _ in 0..2 {
            self.now = self.now + Duration::from_secs(3_600);
            let now = self.now;
            for at in [At::A, At::B] {
                self.node(at).settle(now).map_err(|error| format!("{at:?}: {error}"))?;
            }
        }
        let now = self.now;
        for at in [At::A, At::B] {
            self.node(at).check_end(now).map_err(|error| format!("{at:?}: {error}"))?;
        }
        Ok(())
    }
}

fn address(at: At) -> u8 {
    if at == At::A { 1 } else { 2 }
}

fn other(at: At) -> At {
    if at == At::A { At::B } else { At::A }
}

fn address_of(at: At, whom: To) -> u8 {
    match whom {
        To::Other => address(other(at)),
        To::Stranger(number) => STRANGERS + number % 3,
        To::Group => GROUP,
    }
}

/// One of so many, from the last one backwards.
fn last(which: u8, of: usize) -> Option<usize> {
    usize::from(which).checked_rem(of).map(|which| of - 1 - which)
}

/// A message with the Message ID of another one, and with its token unless it is Empty.
fn echo(bytes: &[u8], kind: u8, code: u8) -> Option<Vec<u8>> {
    let sent = Message::parse(bytes).ok()?;
    let kind = [Type::Confirmable, Type::NonConfirmable, Type::Acknowledgement, Type::Reset][usize::from(kind & 3)];
    let code = Code::from_byte(code);
    let token = if code.is_empty() { &[][..] } else { sent.token() };
    let mut buffer = vec![0; 16 + token.len()];
    let len = Writer::new(&mut buffer, Header::new(kind, code, sent.message_id()), token).finish().ok()?;
    buffer.truncate(len);
    Some(buffer)
}
