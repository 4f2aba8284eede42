//! The application of a random run: it asks, answers at once, later or never, cancels, and keeps book.

use coaplet::Store;
use coaplet::endpoint::{ClientResponse, Failure, Handle, Request, RequestId, RespondError, ServerRequest};
use coaplet::sim::{Application, Port, Rng};
use coaplet::{Code, Instant};
use std::collections::HashMap;
use std::time::Duration;

/// Keys of wakes: make a request; others are a kind and a number.
pub const ASK: u64 = 0;
const ANSWER: u64 = 1 << 32;
const CANCEL: u64 = 2 << 32;

#[derive(Clone, Copy)]
pub struct Plan {
    pub nodes: u16,
    /// Every request is answered, none cancelled.
    pub clean: bool,
    /// The tables never need to recycle.
    pub roomy: bool,
    /// What arrives is what was sent.
    pub honest: bool,
}

impl Plan {
    pub const QUIET: Plan = Plan { nodes: 1, clean: true, roomy: true, honest: true };
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Response,
    Failed(Failure),
    Cancelled,
}

pub struct World {
    pub rng: Rng,
    plan: Plan,
    pub made: u32,
    asked: HashMap<Handle, (u32, u16)>,
    numbers: HashMap<u32, Handle>,
    pub ended: HashMap<u32, Outcome>,
    /// How often a request was seen, by sender and number.
    pub seen: HashMap<(u16, u32), u32>,
    later: HashMap<u64, (RequestId, u32, Instant)>,
    faults: Vec<String>,
}

impl World {
    pub fn new(seed: u64, plan: Plan) -> World {
        World {
            rng: Rng::new(seed),
            plan,
            made: 0,
            asked: HashMap::new(),
            numbers: HashMap::new(),
            ended: HashMap::new(),
            seen: HashMap::new(),
            later: HashMap::new(),
            faults: Vec::new(),
        }
    }

    /// What is wrong after the end of all things.
    pub fn judge(&self) -> Result<(), String> {
        if let Some(fault) = self.faults.first() {
            return Err(fault.clone());
        }
        if let Some((number, _)) = self.asked.values().next() {
            return Err(format!("request {number:x} never ended"));
        }
        if self.ended.len() != self.made as usize {
            return Err(format!("{} requests, {} ends", self.made, self.ended.len()));
        }
        Ok(())
    }

    fn ask<S: Store<Peer = u16>>(&mut self, port: &mut Port<'_, S>) {
        let us = port.address();
        let mut to = 1 + self.rng.up_to(u64::from(self.plan.nodes) - 2) as u16;
        to += u16::from(to >= us);
        let number = u32::from(us) << 16 | (self.numbers.len() as u32 + 1);
        let request = if self.rng.chance(300) { Request::post().non() } else { Request::post() };
        let made = port.request(to, request, |w| {
            w.path("a/b").payload(&number.to_be_bytes());
        });
        match made {
            Ok(handle) => {
                self.made += 1;
                self.numbers.insert(number, handle);
                if self.asked.insert(handle, (number, to)).is_some() {
                    self.faults.push("one handle for two requests".into());
                }
                if !self.plan.clean && self.rng.chance(100) {
                    port.wake_after(Duration::from_millis(self.rng.up_to(100_000)), CANCEL | u64::from(number));
                }
            }
            Err(error) if self.plan.roomy => self.faults.push(format!("refused: {error}")),
            Err(_) => {}
        }
    }

    fn end(&mut self, handle: Handle, outcome: Outcome) -> Option<(u32, u16)> {
        let Some((number, to)) = self.asked.remove(&handle) else {
            self.faults.push(format!("{outcome:?} for a request that is not outstanding"));
            return None;
        };
        if self.ended.insert(number, outcome).is_some() {
            self.faults.push(format!("request {number:x} ended twice"));
        }
        Some((number, to))
    }

    fn answer<S: Store<Peer = u16>>(&mut self, port: &mut Port<'_, S>, id: RequestId, number: u32, since: Instant) {
        // Some take one block of the arena, some several.
        let rest = [b'.'; 90];
        let rest = &rest[..self.rng.up_to(90) as usize];
        let result = port.respond(id, |w| {
            w.code(Code::CONTENT).payload(&number.to_be_bytes()).payload(rest);
        });
        match result {
            Ok(()) => {
                if port.respond(id, |w| _ = w.code(Code::VALID)) != Err(RespondError::Stale) {
                    self.faults.push(format!("request {number:x} could be answered twice"));
                }
            }
            Err(RespondError::Stale) if port.now().since(since) >= Duration::from_secs(60) => {}
            Err(error) if self.plan.roomy || error == RespondError::Stale => {
                self.faults.push(format!("could not answer {number:x}: {error}"));
            }
            Err(_) => {}
        }
    }
}

impl<S: Store<Peer = u16>> Application<S> for World {
    fn on_request(&mut self, port: &mut Port<'_, S>, request: &ServerRequest<'_, u16>) {
        let number = match <[u8; 4]>::try_from(request.message.payload()) {
            Ok(bytes) => u32::from_be_bytes(bytes),
            Err(_) => {
                if self.plan.honest {
                    self.faults.push("a request without a number".into());
                }
                0
            }
        };
        let times = self.seen.entry((request.from, number)).or_default();
        *times += 1;
        if *times > 1 && self.plan.roomy && self.plan.honest {
            self.faults.push(format!("request {number:x} was seen {times} times"));
        }
        let delay = match self.rng.up_to(9) {
            0..=4 => return self.answer(port, request.id, number, port.now()),
            5 | 6 => self.rng.up_to(3_000),
            7 | 8 => self.rng.up_to(55_000),
            _ if self.plan.clean => 1_000,
            _ if self.rng.chance(500) => 50_000 + self.rng.up_to(20_000),
            _ => return,
        };
        let key = ANSWER | self.later.len() as u64;
        self.later.insert(key, (request.id, number, port.now()));
        port.wake_after(Duration::from_millis(delay), key);
    }

    fn on_response(&mut self, _: &mut Port<'_, S>, response: &ClientResponse<'_, u16>) {
        let Some((number, to)) = self.end(response.handle, Outcome::Response) else { return };
        let (code, payload) = (response.message.code(), response.message.payload());
        let ours = code == Code::CONTENT && payload.get(..4) == Some(&number.to_be_bytes()[..]);
        // By itself, after 60 s or with full tables.
        let automatic = code == Code::SERVICE_UNAVAILABLE && payload.is_empty() && !self.plan.clean;
        if self.plan.honest && (!(ours || automatic) || response.from != to) {
            self.faults.push(format!("request {number:x} got the response of another: {code} {payload:x?}"));
        }
    }

    fn on_failure(&mut self, _: &mut Port<'_, S>, handle: Handle, why: Failure) {
        self.end(handle, Outcome::Failed(why));
    }

    fn on_wake(&mut self, port: &mut Port<'_, S>, key: u64) {
        if key == ASK {
            self.ask(port);
        } else if key & CANCEL != 0 {
            let number = key as u32;
            let handle = self.numbers[&number];
            let outstanding = self.asked.contains_key(&handle);
            if port.cancel(handle) {
                self.end(handle, Outcome::Cancelled);
            } else if outstanding {
                self.faults.push(format!("request {number:x} is outstanding and could not be cancelled"));
            }
        } else if let Some(&(id, number, since)) = self.later.get(&key) {
            self.answer(port, id, number, since);
        }
    }
}
