//! An endpoint, and what must hold of it: a model that knows what each call may do, but not how.

#[path = "application.rs"]
mod application;

use super::command::{Manner, Reply};
use coaplet::endpoint::{Arrival, Event, Failure, Handle, Output, RequestId, Usage};
use coaplet::{Code, Endpoint, Instant, Message, Store, Transmission, Type};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Why a script fails.
pub type Verdict<T = ()> = Result<T, String>;

/// The largest datagram that an endpoint has room for.
const ROOM: usize = 192;
/// What the payloads are filled with.
const FILLER: [u8; 255] = [b'.'; 255];
/// How many resources there are.
const RESOURCES: u32 = 3;

/// How the request of an application ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    Answered,
    Acknowledged,
    Failed(Failure),
    Cancelled,
}

/// A request of ours.
pub struct Asked {
    pub handle: Handle,
    pub to: u8,
    pub manner: Manner,
    pub group: bool,
    pub number: u32,
    since: Instant,
    pub ended: Option<Ending>,
}

/// Whether the application is told what became of its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Told {
    No,
    Maybe,
    Awaited,
    Done,
}

/// A request of somebody's.
pub struct Given {
    pub id: RequestId,
    pub from: u8,
    /// What its payload begins with.
    pub number: Option<u32>,
    /// Whether the application can still answer it; before `until` it must be able to.
    open: bool,
    until: Instant,
    told: Told,
}

/// A message of ours that is not an answer to a datagram: under one Message ID for EXCHANGE_LIFETIME.
struct Sent {
    what: Vec<u8>,
    since: Instant,
    times: u32,
}

/// What came in with a datagram.
pub enum News {
    Nothing,
    /// A request: its number in [`Node::given`].
    Request(usize),
    /// A response: the number of the request in [`Node::asked`], and whether it is the one to it by its content.
    Response(usize, bool),
}

/// What a store has room for.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    pub peers: u32,
    pub exchanges: u32,
    pub bytes: u32,
    pub observers: u32,
}

pub struct Node<S: Store> {
    endpoint: Endpoint<S>,
    capacity: Capacity,
    transmission: Transmission,
    /// Whether the tables suffice for all that a script can ask for.
    roomy: bool,
    pub asked: Vec<Asked>,
    by_handle: HashMap<Handle, usize>,
    pub given: Vec<Given>,
    by_id: HashMap<RequestId, usize>,
    /// The deadline that it named, if nothing was called since.
    named: Option<Option<Instant>>,
    sent: HashMap<(u8, u16), Sent>,
    /// Who has sent an RST.
    resetters: HashSet<u8>,
    /// Who is said to be no more.
    refused: HashSet<u8>,
    pub forgotten: HashSet<u8>,
    /// How many answers were told to have arrived, and not to.
    pub told: [u32; 2],
    /// What its resources are.
    states: [u8; RESOURCES as usize],
    /// How many notifications it was told.
    pub notified: u32,
    /// What it sent, to be put on its way.
    pub outbox: Vec<(u8, Vec<u8>)>,
}

impl<S: Store<Peer = u8>> Node<S> {
    pub fn new(endpoint: Endpoint<S>, transmission: Transmission, capacity: Capacity, roomy: bool) -> Node<S> {
        Node {
            endpoint,
            capacity,
            transmission,
            roomy,
            asked: Vec::new(),
            by_handle: HashMap::new(),
            given: Vec::new(),
            by_id: HashMap::new(),
            named: None,
            sent: HashMap::new(),
            resetters: HashSet::new(),
            refused: HashSet::new(),
            forgotten: HashSet::new(),
            told: [0; 2],
            states: [0; RESOURCES as usize],
            notified: 0,
            outbox: Vec::new(),
        }
    }

    /// Whether it was called, and not polled since until it was idle.
    pub fn is_restless(&self) -> bool {
        self.named.is_none()
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.named.flatten()
    }
    fn unchanged(&mut self, before: Usage) -> Verdict {
        let after = self.endpoint.usage();
        if before == after { Ok(()) } else { Err(format!("an error, and {before:?} became {after:?}")) }
    }

    // What comes to the endpoint.

    pub fn handle(
        &mut self,
        now: Instant,
        from: u8,
        arrival: Arrival,
        bytes: &[u8],
        patience: Duration,
    ) -> Verdict<News> {
        self.named = None;
        if Message::parse(bytes).is_ok_and(|message| message.message_type() == Type::Reset) {
            self.resetters.insert(from);
        }
        let mut tx = [0; ROOM];
        let input = self.endpoint.handle(now, from, arrival, bytes, &mut tx);
        let reply = input.reply;
        let news = match input.event {
            Event::Handled => News::Nothing,
            Event::Request(request) => {
                if request.from != from || request.arrival != arrival || !request.message.code().is_request() {
                    return Err(format!("another request came in: {request:?}"));
                }
                let number = number(&request.message);
                let index = self.given.len();
                if self.by_id.insert(request.id, index).is_some() {
                    return Err(format!("{:?} was given out twice", request.id));
                }
                let (open, until, told) = (true, now + patience, Told::No);
                self.given.push(Given { id: request.id, from, number, open, until, told });
                News::Request(index)
            }
            Event::Response(response) => {
                let index = self.find(response.handle)?;
                let asked = &self.asked[index];
                if response.from != from || !asked.group && asked.to != from {
                    return Err(format!("{from} has answered what {} was asked", asked.to));
                }
                let observes = asked.manner.observes() && response.observed.is_some();
                if response.more != (asked.group || observes) || asked.manner == Manner::Ping && !asked.group {
                    return Err(format!("a response to {:?}, more: {}", asked.manner, response.more));
                }
                if !self.is_answered_by(asked, &response.message) {
                    return Err(format!("request {index} of ours is not answered by {}", response.message));
                }
                // What is no answer of the application's comes by itself, and without a number.
                let ours = response.message.code() != Code::CONTENT || number(&response.message) == Some(asked.number);
                self.notified += u32::from(observes);
                if !response.more {
                    self.end(index, Ending::Answered)?;
                }
                News::Response(index, ours)
            }
        };
        if let Some(reply) = reply {
            if reply.to != from {
                return Err(format!("a reply to {}, not to {from}", reply.to));
            }
            self.send(now, reply.to, &tx[..reply.len], false)?;
        }
        Ok(news)
    }

    /// Whether a request went out to which a message is a response: with its token, and, in an ACK, its Message ID.
    fn is_answered_by(&self, asked: &Asked, message: &Message<'_>) -> bool {
        let code = if asked.manner.observes() && !asked.group { Code::GET } else { Code::POST };
        let request = [&[code.to_byte()], message.token(), &asked.number.to_be_bytes()].concat();
        let piggybacked = message.message_type() == Type::Acknowledgement;
        self.sent.iter().any(|(&(to, id), sent)| {
            to == asked.to && sent.what.starts_with(&request) && (!piggybacked || id == message.message_id())
        })
    }

    /// Polls once. True if it is idle until later.
    pub fn poll(&mut self, now: Instant) -> Verdict<bool> {
        let early = self.named.is_some_and(|deadline| deadline.is_none_or(|at| now < at));
        let mut tx = [0; ROOM];
        let output = self.endpoint.poll(now, &mut tx);
        if early && !matches!(output, Output::Idle(_)) {
            return Err(format!("{output:?}, though it was idle until {:?}", self.named.flatten()));
        }
        self.named = None;
        match output {
            Output::Send(sent) => self.send(now, sent.to, &tx[..sent.len], true)?,
            Output::Failed(handle, why) => self.fail(now, handle, why)?,
            Output::Acknowledged(handle) => {
                let index = self.find(handle)?;
                let asked = &self.asked[index];
                if asked.group || !matches!(asked.manner, Manner::Ping | Manner::Silent) {
                    return Err(format!("{:?} was acknowledged", asked.manner));
                }
                self.end(index, Ending::Acknowledged)?;
            }
            Output::Notify(notify) => self.write(now, notify)?,
            Output::Delivered(id) => {
                self.tell(id)?;
                self.told[0] += 1;
            }
            Output::Undelivered(id, why) => {
                let from = self.tell(id)?;
                self.told[1] += 1;
                if why == Failure::Reset && !self.resetters.contains(&from) {
                    return Err(format!("a response is said to be reset by {from}"));
                }
                if why == Failure::Unreachable && !self.refused.contains(&from) {
                    return Err(format!("a response is said not to have found {from}"));
                }
            }
            Output::Broken(..) => return Err("a transfer that nobody has begun".into()),
            Output::Idle(deadline) => {
                self.named = Some(deadline);
                return Ok(deadline.is_none_or(|at| at > now));
            }
        }
        Ok(false)
    }

    /// Polls until it is idle.
    pub fn settle(&mut self, now: Instant) -> Verdict {
        // Each exchange may have something to tell, twice, and a call takes sixteen steps.
        for _ in 0..8 * (self.capacity.exchanges + self.capacity.peers + self.capacity.observers) + 16 {
            if self.poll(now)? {
                return Ok(());
            }
        }
        Err("polled and polled, and not idle".into())
    }

    fn fail(&mut self, now: Instant, handle: Handle, why: Failure) -> Verdict {
        let index = self.find(handle)?;
        let asked = &self.asked[index];
        let seconds = match asked.manner {
            // 145 s and twice 100 s there and back, and 250 s for the members.
            _ if asked.group => 495,
            Manner::Impatient => 2,
            // Sent again after 2 s, given up after 6 s.
            Manner::Quick => 6,
            Manner::Non | Manner::Reserved | Manner::ObserveNon => 93,
            // Sent again after 2, 6, 14 and 30 s.
            _ => 62,
        };
        let early = now < asked.since + Duration::from_secs(seconds);
        let wrong = match why {
            Failure::TimedOut => early,
            Failure::Unanswered => early || !matches!(asked.manner, Manner::Silent | Manner::Reserved),
            Failure::Reset => !self.resetters.contains(&asked.to),
            Failure::Forgotten => !self.forgotten.contains(&asked.to),
            Failure::Unreachable => !self.refused.contains(&asked.to),
        };
        if wrong {
            return Err(format!("request {index} of ours, of {:?}, {why:?} at {now:?}", asked.since));
        }
        self.end(index, Ending::Failed(why))
    }

    fn find(&self, handle: Handle) -> Verdict<usize> {
        self.by_handle.get(&handle).copied().ok_or_else(|| format!("{handle:?} was never given out"))
    }

    fn end(&mut self, index: usize, how: Ending) -> Verdict {
        match self.asked[index].ended.replace(how) {
            None => Ok(()),
            Some(before) => Err(format!("request {index} of ours ended twice: {before:?}, {how:?}")),
        }
    }

    /// What became of an answer is told: once, if it was to be. Gives who was answered.
    fn tell(&mut self, id: RequestId) -> Verdict<u8> {
        let index = self.by_id.get(&id).copied().ok_or_else(|| format!("{id:?} was never given out"))?;
        let given = &mut self.given[index];
        match std::mem::replace(&mut given.told, Told::Done) {
            Told::Maybe | Told::Awaited => Ok(given.from),
            told => Err(format!("told of the answer to request {index}: {told:?}")),
        }
    }

    /// What it sends is a message, and of its own accord it sends one under a Message ID, no more often than it may.
    fn send(&mut self, now: Instant, to: u8, bytes: &[u8], unprompted: bool) -> Verdict {
        let message = Message::parse(bytes).map_err(|error| format!("sent {bytes:02x?}: {error}"))?;
        self.outbox.push((to, bytes.to_vec()));
        let most = match message.message_type() {
            Type::Confirmable => 1 + u32::from(self.transmission.max_retransmit),
            Type::NonConfirmable => 1,
            Type::Acknowledgement | Type::Reset => return Ok(()),
        };
        if !unprompted && message.message_type() == Type::Confirmable {
            return Err(format!("a CON as a reply: {message}"));
        }
        // But for the options: Max-Age goes down.
        let what = [&[message.code().to_byte()], message.token(), message.payload()].concat();
        let sent =
            self.sent.entry((to, message.message_id())).or_insert(Sent { what: what.clone(), since: now, times: 0 });
        if now >= sent.since + self.transmission.exchange_lifetime() {
            *sent = Sent { what, since: now, times: 0 };
        } else if sent.what != what {
            return Err(format!("a Message ID twice in its lifetime: {message}"));
        }
        sent.times += 1;
        if sent.times > most { Err(format!("sent {} times: {message}", sent.times)) } else { Ok(()) }
    }

    // What holds at any time, and in the end.

    pub fn check(&mut self) -> Verdict {
        let (usage, most) = (self.endpoint.usage(), self.capacity);
        let fits = usage.peers <= most.peers && usage.exchanges <= most.exchanges && usage.blocks <= most.bytes / 32;
        let fits = fits && usage.observers <= most.observers;
        if fits && usage.remembered <= usage.exchanges { Ok(()) } else { Err(format!("{usage:?} of {most:?}")) }
    }

    /// Everything is over, and nothing is held.
    pub fn check_end(&mut self, now: Instant) -> Verdict {
        if let Some(index) = self.asked.iter().position(|asked| asked.ended.is_none()) {
            return Err(format!("request {index} of ours never ended"));
        }
        if let Some(index) = self.given.iter().position(|given| given.told == Told::Awaited) {
            return Err(format!("what became of the answer to request {index} was never told"));
        }
        let usage = self.endpoint.usage();
        if usage != Usage::default() {
            return Err(format!("in the end there is still {usage:?}"));
        }
        for index in 0..self.given.len() {
            self.given[index].open &= now < self.given[index].until;
            self.answer(now, index, Reply::Plain, 0)?;
        }
        (0..self.asked.len()).try_for_each(|index| self.cancel(index))
    }
}

/// The number that a payload begins with.
fn number(message: &Message<'_>) -> Option<u32> {
    Some(u32::from_be_bytes(*message.payload().first_chunk()?))
}
