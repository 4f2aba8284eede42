//! Observers of a server whose notifications are all Confirmable: whatever the network does, who is on the list ends with the
//! latest state, and nothing is left.

use coaplet::endpoint::{Abilities, Arrival, Event, Output, ResourceId};
use coaplet::{Code, Config, Endpoint, Fixed, Instant, Message, Roles};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// As the footprint's servers have it: nobody stands in a queue.
enum Plain {}

impl Roles for Plain {
    const HAS: Abilities = Abilities { non_notifications: false, nstart_queue: false, ..Abilities::ALL };
}

const RESOURCES: u8 = 2;

/// A stream of numbers, for a seed.
struct Dice(u64);

impl Dice {
    /// Below this.
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

struct World {
    ep: Endpoint<Fixed<u8, 4, 6, 512, 3>, Plain>,
    dice: Dice,
    now: Instant,
    states: [u8; RESOURCES as usize],
    /// The number and the state that each token was told last.
    told: BTreeMap<u8, (u32, u8)>,
    /// The tokens that were told something since this was emptied.
    heard: BTreeSet<u8>,
    next_id: u16,
    /// What clients have sent and is still on its way.
    late: Vec<(u8, [u8; 4])>,
    /// Of 100 datagrams so many are lost.
    loss: u64,
    tx: [u8; 64],
}

impl World {
    fn input(&mut self, from: u8, bytes: &[u8]) {
        if self.dice.roll(100) < self.loss {
            return;
        }
        let input = self.ep.handle(self.now, from, Arrival::Unicast, bytes, &mut self.tx);
        let mut sent = input.reply.map(|sent| sent.len);
        if let Event::Request(request) = input.event {
            let resource = request.message.payload()[0];
            let state = self.states[usize::from(resource)];
            let made = self.ep.respond_observing(
                self.now,
                request.id,
                ResourceId(u32::from(resource)),
                0,
                &mut self.tx,
                |w| {
                    w.code(Code::CONTENT).payload(&[resource, state]);
                },
            );
            sent = made.expect("room for an answer").map(|sent| sent.len);
        }
        if let Some(len) = sent {
            self.output(from, len);
        }
    }

    /// A client gets this, unless it is lost: it acknowledges what is to be, and now and then does not want it.
    fn output(&mut self, to: u8, len: usize) {
        if self.dice.roll(100) < self.loss {
            return;
        }
        let bytes = self.tx[..len].to_vec();
        let message = Message::parse(&bytes).expect("a message");
        let number = message.observe();
        if let (Some(number), &[token], &[_, state]) = (number, message.token(), message.payload()) {
            self.heard.insert(token);
            let (last, _) = *self.told.entry(token).or_insert((0, state));
            // RFC 7641 3.4; the wrap is far away.
            if number >= last {
                self.told.insert(token, (number, state));
            }
        }
        if bytes[0] & 0x30 == 0 {
            let reset = self.loss > 0 && self.dice.roll(20) == 0;
            let answer = [if reset { 0x70 } else { 0x60 }, 0, bytes[2], bytes[3]];
            if self.loss > 0 && self.dice.roll(3) == 0 {
                self.late.push((to, answer));
            } else {
                self.input(to, &answer);
            }
        }
    }

    /// What is on its way has come.
    fn arrive(&mut self) {
        for (from, bytes) in std::mem::take(&mut self.late) {
            self.input(from, &bytes);
        }
    }

    /// Polls, up to this time.
    fn until(&mut self, end: Instant) {
        loop {
            match self.ep.poll(self.now, &mut self.tx) {
                Output::Notify(notify) => {
                    let resource = notify.resource.0 as u8;
                    let state = self.states[usize::from(resource)];
                    let made = self.ep.write_notification(self.now, notify.non(), &mut self.tx, |w| {
                        w.code(Code::CONTENT).payload(&[resource, state]);
                    });
                    if let Some(sent) = made.expect("it was asked for") {
                        assert_eq!(self.tx[0] & 0x30, 0, "a CON");
                        self.output(sent.to, sent.len);
                    }
                }
                Output::Send(sent) => self.output(sent.to, sent.len),
                Output::Idle(Some(at)) if at <= end => self.now = self.now.max(at),
                Output::Idle(_) => break,
                other => panic!("{other:?}"),
            }
        }
        self.now = end;
    }

    fn step(&mut self) {
        if self.dice.roll(2) == 0 {
            self.arrive();
        }
        match self.dice.roll(4) {
            0 => {
                // Six tokens of three clients, each of one resource.
                let token = self.dice.roll(6) as u8;
                self.next_id += 1;
                let [high, low] = self.next_id.to_be_bytes();
                let kind = if self.dice.roll(4) == 0 { 0x51 } else { 0x41 };
                let leaves = self.dice.roll(8) == 0;
                let (wish, value): (u8, &[u8]) = if leaves { (0x61, &[1]) } else { (0x60, &[]) };
                let request = [&[kind, 1, high, low, token, wish][..], value, &[0xff, token % RESOURCES]].concat();
                self.told.remove(&token);
                self.input(token / 2, &request);
            }
            1 | 2 => {
                let resource = self.dice.roll(u64::from(RESOURCES)) as usize;
                self.states[resource] = self.states[resource].wrapping_add(1);
                self.ep.notify(ResourceId(resource as u32));
            }
            _ => {}
        }
        let wait = [0, 100, 1_000, 10_000][self.dice.roll(4) as usize];
        self.until(self.now + Duration::from_millis(wait));
    }
}

/// RFC 7641 4.5: "the server SHOULD ... ensure that the client eventually observes the latest state".
#[test]
fn whoever_is_on_the_list_ends_with_the_latest_state() {
    let mut ended_with = 0;
    for seed in 0..400 {
        let mut world = World {
            ep: Endpoint::with_roles(Config::DEFAULT, [seed as u8; 16], Fixed::new()),
            dice: Dice(seed),
            now: Instant::ZERO,
            states: [0; RESOURCES as usize],
            told: BTreeMap::new(),
            heard: BTreeSet::new(),
            next_id: 0,
            late: Vec::new(),
            loss: seed % 6 * 10,
            tx: [0; 64],
        };
        for _ in 0..200 {
            world.step();
        }
        // Nobody asks again here whose answer got lost: so there is one more change before the network heals.
        for resource in 0..RESOURCES {
            let state = &mut world.states[usize::from(resource)];
            *state = state.wrapping_add(100);
            world.ep.notify(ResourceId(u32::from(resource)));
        }
        world.until(world.now + Duration::from_secs(1));
        world.arrive();
        world.loss = 0;
        // MAX_TRANSMIT_WAIT, and what is remembered: EXCHANGE_LIFETIME.
        world.until(world.now + Duration::from_secs(93 + 247));
        // Who is told of one more change, of which nothing is lost, is on the list: what each of them had before is what counts.
        let before = world.told.clone();
        world.heard.clear();
        for resource in 0..RESOURCES {
            world.ep.notify(ResourceId(u32::from(resource)));
        }
        world.until(world.now + Duration::from_secs(10));
        let listed = world.ep.usage().observers;
        assert_eq!(world.heard.len() as u32, listed, "seed {seed}: {:?}", world.heard);
        for token in &world.heard {
            let (state, told) = (world.states[usize::from(token % RESOURCES)], before.get(token).map(|told| told.1));
            assert_eq!(told, Some(state), "seed {seed}: token {token} on the list, {before:?}");
        }
        ended_with += listed;
        // Who resets, or is told an error, is none any more; then nothing is left.
        for resource in 0..RESOURCES {
            world.ep.end_observers(ResourceId(u32::from(resource)), Code::NOT_FOUND);
        }
        world.until(world.now + Duration::from_secs(400));
        let usage = world.ep.usage();
        assert_eq!((usage.observers, usage.exchanges, usage.blocks), (0, 0, 0), "seed {seed}");
    }
    assert!(ended_with > 400, "{ended_with}: there were some to speak of");
}
