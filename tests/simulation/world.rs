//! The application of a random run: it asks in every way there is, answers at once, later or never, cancels, forgets, and keeps book.

use coaplet::endpoint::{
    Answer, ClientResponse, Failure, Handle, Request, RequestError, RequestId, RespondError, ServerRequest,
};
use coaplet::sim::{Application, EVERYBODY, Port, Rng};
use coaplet::wire::NoResponse;
use coaplet::{Code, Instant, OptionNumber, Store, Type};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// Keys of wakes: make a request; others are a kind and a number.
pub const ASK: u64 = 0;
const ANSWER: u64 = 1 << 32;
const CANCEL: u64 = 2 << 32;
pub const FORGET: u64 = 4 << 32;

/// NON_LIFETIME, MAX_LATENCY and max_server_response_delay.
const GROUP_LIFETIME: Duration = Duration::from_secs(145 + 100 + 250);

/// Max-Age of responses that age, and of those that do not.
pub const AGING: u32 = 30;
const FRESH: u32 = 200;

/// How often what came to pass, by its name.
pub type Tally = BTreeMap<String, u64>;

#[derive(Clone, Copy)]
pub struct Plan {
    pub nodes: u16,
    /// Every request is answered, none cancelled.
    pub clean: bool,
    /// The tables never need to recycle.
    pub roomy: bool,
    /// What arrives is what was sent.
    pub honest: bool,
    /// Peers are forgotten now and then.
    pub forgets: bool,
}

impl Plan {
    pub const QUIET: Plan = Plan { nodes: 1, clean: true, roomy: true, honest: true, forgets: false };
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Con,
    Non,
    Group,
    Ping,
}

/// A request of ours.
#[derive(Clone, Copy)]
struct Asked {
    number: u32,
    to: u16,
    kind: Kind,
    at: Instant,
    /// The bits of No-Response, if the option is there.
    silence: Option<u8>,
    /// Its peer was forgotten.
    forgotten: bool,
}

impl Asked {
    /// Whether the answer that this request gets is one that is wanted. What it is its number decides.
    fn is_wanted(&self) -> bool {
        let code = code_of(self.number);
        match self.silence {
            Some(bits) => bits >> (code.class() - 1) & 1 == 0,
            None => self.kind != Kind::Group || code.class() == 2,
        }
    }

    /// How it ends if nothing goes wrong.
    fn ideal(&self) -> Outcome {
        match self.kind {
            Kind::Ping => Outcome::Acknowledged,
            Kind::Con if self.silence == Some(26) => Outcome::Acknowledged,
            Kind::Con | Kind::Non if self.is_wanted() => Outcome::Response,
            _ if self.silence.is_some_and(|bits| bits != 0) => Outcome::Failed(Failure::Unanswered),
            _ => Outcome::Failed(Failure::TimedOut),
        }
    }
}

/// What a request is answered by.
fn code_of(number: u32) -> Code {
    if number % 5 == 0 { Code::NOT_FOUND } else { Code::CONTENT }
}

/// Requests that are answered at once, piggybacked where they can be, and may be processed again.
pub fn is_idempotent(number: u32) -> bool {
    number % 8 == 3
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Response,
    Failed(Failure),
    Acknowledged,
    Cancelled,
}

/// A request of a peer's, to be answered later.
#[derive(Clone, Copy)]
struct Later {
    id: RequestId,
    from: u16,
    number: u32,
    confirmable: bool,
    since: Instant,
    deferred: bool,
    /// Whether the client wants the answer.
    wanted: bool,
}

pub struct World {
    pub rng: Rng,
    plan: Plan,
    /// How often what came to pass.
    pub tally: Tally,
    made: u32,
    count: u32,
    asked: HashMap<Handle, Asked>,
    numbers: HashMap<u32, Handle>,
    ended: HashMap<u32, Outcome>,
    /// What each request to a group got from whom.
    members: HashMap<(u32, u16), u32>,
    /// How often a request was seen, by sender and number.
    pub seen: HashMap<(u16, u32), u32>,
    /// Whom we have forgotten.
    pub forgotten: HashSet<u16>,
    later: HashMap<u64, Later>,
    /// Of these responses it is to be told how they end.
    reported: HashSet<RequestId>,
    /// Of these it may be: nobody but the endpoint knows whether they were separate ones.
    perhaps: HashSet<RequestId>,
    faults: Vec<String>,
}

impl World {
    pub fn new(seed: u64, plan: Plan) -> World {
        World {
            rng: Rng::new(seed),
            plan,
            tally: Tally::new(),
            made: 0,
            count: 0,
            asked: HashMap::new(),
            numbers: HashMap::new(),
            ended: HashMap::new(),
            members: HashMap::new(),
            seen: HashMap::new(),
            forgotten: HashSet::new(),
            later: HashMap::new(),
            reported: HashSet::new(),
            perhaps: HashSet::new(),
            faults: Vec::new(),
        }
    }

    /// What is wrong after the end of all things.
    pub fn judge(&self) -> Result<(), String> {
        if let Some(fault) = self.faults.first() {
            return Err(fault.clone());
        }
        if let Some(asked) = self.asked.values().next() {
            return Err(format!("request {:x} never ended", asked.number));
        }
        if self.ended.len() != self.made as usize {
            return Err(format!("{} requests, {} ends", self.made, self.ended.len()));
        }
        if let Some(id) = self.reported.iter().next() {
            return Err(format!("nobody told of the response {id:?}, {} in all", self.reported.len()));
        }
        Ok(())
    }

    fn fault(&mut self, what: String) {
        self.faults.push(what);
    }

    fn count(&mut self, what: impl Into<String>) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    /// One peer of ours.
    fn somebody(&mut self, us: u16) -> u16 {
        let to = 1 + self.rng.up_to(u64::from(self.plan.nodes) - 2) as u16;
        to + u16::from(to >= us)
    }

    fn ask<S: Store<Peer = u16>>(&mut self, port: &mut Port<'_, S>) {
        let kind = match self.rng.up_to(99) {
            0..60 => Kind::Con,
            60..85 => Kind::Non,
            85..93 => Kind::Group,
            _ => Kind::Ping,
        };
        let silence = match self.rng.up_to(19) {
            0 => Some(0),
            1 => Some(2),
            2 => Some(8),
            3 | 4 => Some(26),
            _ => None,
        };
        let (us, to) = (port.address(), self.somebody(port.address()));
        self.count += 1;
        let number = u32::from(us) << 16 | self.count;
        let to = if kind == Kind::Group { EVERYBODY } else { to };
        let silence = silence.filter(|_| kind != Kind::Ping);
        let asked = Asked { number, to, kind, at: port.now(), silence, forgotten: false };
        match self.make(port, asked) {
            Err(RequestError::Probing { until }) if kind == Kind::Non => {
                if until <= port.now() {
                    self.fault(format!("to be asked again at {until:?}, which is over"));
                }
                self.count("silent peer");
                if self.rng.chance(500) {
                    // A Confirmable one may go.
                    let made = self.make(port, Asked { kind: Kind::Con, ..asked });
                    self.tell(made);
                } else {
                    port.wake_after(until.since(port.now()), ASK);
                }
            }
            made => self.tell(made),
        }
    }

    fn tell(&mut self, made: Result<(), RequestError>) {
        match made {
            Err(error) if self.plan.roomy => self.fault(format!("refused: {error}")),
            _ => {}
        }
    }

    fn make<S: Store<Peer = u16>>(&mut self, port: &mut Port<'_, S>, asked: Asked) -> Result<(), RequestError> {
        let Asked { number, to, kind, silence, .. } = asked;
        let method = if is_idempotent(number) { Request::get() } else { Request::post() };
        let request = match kind {
            Kind::Non => method.non(),
            Kind::Group => method.group(),
            Kind::Con | Kind::Ping => method,
        };
        let request = if !self.plan.clean && self.rng.chance(100) {
            request.timeout(Duration::from_millis(20_000 + self.rng.up_to(100_000)))
        } else {
            request
        };
        let handle = if kind == Kind::Ping {
            port.ping(to)?
        } else {
            port.request(to, request, |w| {
                w.path("a/b");
                if let Some(bits) = silence {
                    w.no_response(NoResponse::new(bits));
                }
                w.payload(&number.to_be_bytes());
            })?
        };
        self.made += 1;
        self.numbers.insert(number, handle);
        if self.asked.insert(handle, asked).is_some() {
            self.fault("one handle for two requests".into());
        }
        if !self.plan.clean && self.rng.chance(100) {
            port.wake_after(Duration::from_millis(self.rng.up_to(100_000)), CANCEL | u64::from(number));
        }
        Ok(())
    }

    fn end(&mut self, handle: Handle, outcome: Outcome) -> Option<Asked> {
        let Some(asked) = self.asked.remove(&handle) else {
            self.fault(format!("{outcome:?} for a request that is not outstanding"));
            return None;
        };
        let number = asked.number;
        self.count(format!("{:?} {outcome:?}", asked.kind));
        if self.ended.insert(number, outcome).is_some() {
            self.fault(format!("request {number:x} ended twice"));
        }
        if self.plan.clean {
            let answered = (1..=self.plan.nodes).filter(|&node| self.members.contains_key(&(number, node))).count();
            let members = usize::from(self.plan.nodes) - 1;
            let wanted = if asked.kind == Kind::Group && asked.is_wanted() { members } else { 0 };
            if outcome != asked.ideal() || answered != wanted {
                self.fault(format!(
                    "on a perfect network {:?} {number:x}, {:?}, ended in {outcome:?}, {answered} of {wanted} members",
                    asked.kind, asked.silence
                ));
            }
        }
        Some(asked)
    }

    fn answer<S: Store<Peer = u16>>(&mut self, port: &mut Port<'_, S>, to: Later) {
        let Later { id, number, .. } = to;
        // Some take one block of the arena, some several.
        let rest = [b'.'; 90];
        let rest = &rest[..self.rng.up_to(90) as usize];
        let max_age = [None, Some(FRESH), Some(AGING)][self.rng.up_to(2) as usize];
        let report = self.rng.chance(300);
        let mut answer = Answer::from(id);
        if max_age == Some(AGING) {
            answer = answer.ages();
        }
        if report {
            answer = answer.report();
        }
        if is_idempotent(number) {
            answer = answer.idempotent();
        }
        let result = port.respond(answer, |w| {
            w.code(code_of(number));
            if let Some(seconds) = max_age {
                w.max_age(seconds);
            }
            w.payload(&number.to_be_bytes()).payload(rest);
        });
        let patience = Duration::from_secs(if to.deferred { 247 } else { 60 });
        let waited = port.now().since(to.since);
        match result {
            Ok(()) => {
                if report {
                    self.perhaps.insert(id);
                    // It was acknowledged when poll came to it.
                    if to.deferred && to.confirmable && to.wanted && !waited.is_zero() {
                        self.reported.insert(id);
                    }
                }
                if port.respond(id, |w| _ = w.code(Code::VALID)) != Err(RespondError::Stale) {
                    self.fault(format!("request {number:x} could be answered twice"));
                }
                if port.defer(id) != Err(RespondError::Stale) {
                    self.fault(format!("request {number:x} could be put off after it was answered"));
                }
            }
            Err(RespondError::Stale) if waited >= patience || self.forgotten.contains(&to.from) => {}
            Err(error) if self.plan.roomy || error == RespondError::Stale => {
                self.fault(format!("could not answer {number:x} after {waited:?}: {error}"));
            }
            Err(_) => {}
        }
    }

    fn forget<S: Store<Peer = u16>>(&mut self, port: &mut Port<'_, S>) {
        let peer = self.somebody(port.address());
        match port.forget(peer) {
            Ok(()) => {
                self.count("forget");
                self.forgotten.insert(peer);
                self.asked.values_mut().filter(|asked| asked.to == peer).for_each(|asked| asked.forgotten = true);
            }
            Err(error) if self.plan.roomy => self.fault(format!("could not forget: {error}")),
            Err(_) => {}
        }
    }
}

impl<S: Store<Peer = u16>> Application<S> for World {
    fn on_request(&mut self, port: &mut Port<'_, S>, request: &ServerRequest<'_, u16>) {
        let message = &request.message;
        let number = match <[u8; 4]>::try_from(message.payload()) {
            Ok(bytes) => u32::from_be_bytes(bytes),
            Err(_) => {
                if self.plan.honest {
                    self.fault("a request without a number".into());
                }
                0
            }
        };
        let times = self.seen.entry((request.from, number)).or_default();
        *times += 1;
        let times = *times;
        let twice = times > 1 && !is_idempotent(number) && !self.forgotten.contains(&request.from);
        if twice && self.plan.roomy && self.plan.honest {
            self.fault(format!("request {number:x} was seen again"));
        }
        if is_idempotent(number) && times > 1 {
            self.count("idempotent again");
        }
        if message.token().len() > 8 {
            self.count("long token");
        }
        let class = code_of(number).class();
        let silent = message.first(OptionNumber::NO_RESPONSE).and_then(|bits| bits.first()).copied().unwrap_or(0);
        let mut later = Later {
            id: request.id,
            from: request.from,
            number,
            confirmable: message.message_type() == Type::Confirmable,
            since: port.now(),
            deferred: false,
            wanted: silent >> (class - 1) & 1 == 0,
        };
        let delay = match self.rng.up_to(9) {
            _ if is_idempotent(number) => return self.answer(port, later),
            0..=4 => return self.answer(port, later),
            5 | 6 => self.rng.up_to(3_000),
            7 | 8 => self.rng.up_to(55_000),
            _ if self.plan.clean => 1_000,
            _ if self.rng.chance(500) => 50_000 + self.rng.up_to(20_000),
            _ => return,
        };
        if self.rng.chance(500) {
            match port.defer(request.id) {
                Ok(id) => {
                    self.count("defer");
                    later.id = id;
                }
                Err(error) => self.fault(format!("request {number:x} cannot be put off: {error}")),
            }
            later.deferred = true;
        }
        let key = ANSWER | self.later.len() as u64;
        self.later.insert(key, later);
        port.wake_after(Duration::from_millis(delay), key);
    }

    fn on_response(&mut self, port: &mut Port<'_, S>, response: &ClientResponse<'_, u16>) {
        let Some(&asked) = self.asked.get(&response.handle) else {
            return self.fault(format!("a response to what is not outstanding: {}", response.message));
        };
        let Asked { number, to, kind, .. } = asked;
        if response.more != (kind == Kind::Group) {
            self.fault(format!("{kind:?} {number:x}: more is {}", response.more));
        }
        if response.round_trip.is_some_and(|time| time > port.now().since(asked.at)) {
            self.fault(format!("request {number:x} took {:?}", response.round_trip));
        }
        if asked.forgotten {
            self.fault(format!("request {number:x} was answered by one who was forgotten"));
        }
        let (code, payload) = (response.message.code(), response.message.payload());
        let ours = code == code_of(number) && payload.get(..4) == Some(&number.to_be_bytes()[..]);
        // By itself, after a minute or with full tables.
        let refused = code == Code::SERVICE_UNAVAILABLE || code == Code::TOO_MANY_REQUESTS && !self.plan.roomy;
        let automatic = refused && payload.is_empty() && !self.plan.clean;
        let source = if kind == Kind::Group { response.from != port.address() } else { response.from == to };
        if self.plan.honest && (!(ours || automatic) || !source) {
            self.fault(format!("request {number:x} got the response of another: {code} {payload:x?}"));
        }
        if self.plan.honest && ours && !asked.is_wanted() {
            self.fault(format!("request {number:x} did not want {code}"));
        }
        if automatic {
            self.count(format!("refused with {code}"));
        }
        if kind == Kind::Group {
            self.count("Group member");
            let times = self.members.entry((number, response.from)).or_default();
            *times += 1;
            // One who has forgotten us answers a duplicate anew.
            if *times > 1 && self.plan.roomy && self.plan.honest && !self.plan.forgets {
                self.fault(format!("{} answered {number:x} to the group twice", response.from));
            }
        } else {
            self.end(response.handle, Outcome::Response);
        }
    }

    fn on_failure(&mut self, port: &mut Port<'_, S>, handle: Handle, why: Failure) {
        let Some(asked) = self.end(handle, Outcome::Failed(why)) else { return };
        let passed = port.now().since(asked.at);
        let right = match why {
            Failure::Forgotten => asked.forgotten,
            // Of what is not to be acknowledged nobody knows whether it arrived.
            Failure::Unanswered => asked.silence.is_some_and(|bits| bits != 0),
            Failure::TimedOut if asked.kind == Kind::Group => true,
            Failure::TimedOut => passed >= Duration::from_secs(20),
            _ => !self.plan.honest,
        };
        let group = asked.kind == Kind::Group && passed < GROUP_LIFETIME;
        if !right || group {
            self.fault(format!("{:?} {:x} ended in {why:?} after {passed:?}", asked.kind, asked.number));
        }
    }

    fn on_acknowledged(&mut self, _: &mut Port<'_, S>, handle: Handle) {
        let Some(asked) = self.end(handle, Outcome::Acknowledged) else { return };
        if asked.kind != Kind::Ping && (asked.kind, asked.silence) != (Kind::Con, Some(26)) {
            self.fault(format!("{:?} {:x} was acknowledged, and no more", asked.kind, asked.number));
        }
    }

    fn on_delivered(&mut self, _: &mut Port<'_, S>, id: RequestId, result: Result<(), Failure>) {
        if !self.perhaps.remove(&id) {
            self.fault(format!("{result:?}, told twice or without having been asked for"));
        }
        self.reported.remove(&id);
        self.count(format!("told {result:?}"));
        let right = match result {
            Ok(()) | Err(Failure::TimedOut | Failure::Reset) => true,
            Err(why) => self.plan.forgets && why == Failure::Forgotten,
        };
        if !right || self.plan.clean && result.is_err() {
            self.fault(format!("a response ended in {result:?}"));
        }
    }

    fn on_wake(&mut self, port: &mut Port<'_, S>, key: u64) {
        if key == ASK {
            self.ask(port);
        } else if key & FORGET != 0 {
            self.forget(port);
        } else if key & CANCEL != 0 {
            let number = key as u32;
            let handle = self.numbers[&number];
            let outstanding = self.asked.contains_key(&handle);
            if port.round_trip(handle).is_some_and(|time| !outstanding || time > Duration::from_secs(150)) {
                self.fault(format!("request {number:x} has a round trip that cannot be"));
            }
            if port.cancel(handle) {
                self.end(handle, Outcome::Cancelled);
            } else if outstanding {
                self.fault(format!("request {number:x} is outstanding and could not be cancelled"));
            }
        } else if let Some(&later) = self.later.get(&key) {
            self.answer(port, later);
        }
    }
}
