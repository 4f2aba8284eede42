//! Any script of datagrams, commands and time steps: nothing panics, `poll` comes to an end, each request ends once, and
//! after a quiet time nothing is held. With and without an index.
#![no_main]

use coaplet::endpoint::{Answer, Arrival, Event, Handle, Output, Request, RequestId};
use coaplet::store::{Indexed, Scale, Scan};
use coaplet::{Code, Config, Endpoint, Fixed, Header, Instant, Message, NoResponse, Transmission, Type, Writer};
use core::time::Duration;
use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;

const PEERS: usize = 3;
const EXCHANGES: usize = 6;

struct World<C: Scale> {
    endpoint: Endpoint<Fixed<u8, PEERS, EXCHANGES, 256, C>>,
    now: Instant,
    tx: [u8; 192],
    /// What went out last, to be answered in kind.
    sent: Vec<u8>,
    asked: Vec<RequestId>,
    open: HashSet<Handle>,
    handles: Vec<Handle>,
    /// Separate responses of which is to be told whether they arrive.
    reported: HashSet<RequestId>,
}

impl<C: Scale> World<C> {
    fn send(&mut self, len: usize) {
        self.sent = self.tx[..len].to_vec();
        Message::parse(&self.sent).expect("what goes out is a message");
    }

    fn handle(&mut self, from: u8, arrival: Arrival, datagram: &[u8]) {
        let input = self.endpoint.handle(self.now, from, arrival, datagram, &mut self.tx);
        let reply = input.reply;
        match input.event {
            Event::Request(request) => self.asked.push(request.id),
            Event::Response(response) if response.more => assert!(self.open.contains(&response.handle)),
            Event::Response(response) => {
                assert!(self.open.remove(&response.handle), "a response to nothing that is open")
            }
            Event::Handled => {}
        }
        if let Some(reply) = reply {
            assert_eq!(reply.to, from);
            assert!(arrival == Arrival::Unicast, "nothing is sent to a group at once");
            self.send(reply.len);
        }
    }

    /// Polls until there is nothing more to do now, and gives the next time.
    fn poll(&mut self) -> Option<Instant> {
        for _ in 0..8 * (EXCHANGES + PEERS) + 16 {
            match self.endpoint.poll(self.now, &mut self.tx) {
                Output::Send(due) => self.send(due.len),
                Output::Failed(handle, _) | Output::Acknowledged(handle) => {
                    assert!(self.open.remove(&handle), "ended twice");
                }
                Output::Delivered(id) | Output::Undelivered(id, _) => {
                    assert!(self.reported.remove(&id), "told without having been asked to, or twice");
                }
                Output::Idle(Some(at)) if at <= self.now => {}
                Output::Idle(next) => return next,
            }
        }
        panic!("poll does not come to an end");
    }

    /// A datagram with the Message ID and token of the last one that went out.
    fn echo(&self, kind: u8, code: u8) -> Vec<u8> {
        let Ok(sent) = Message::parse(&self.sent) else { return Vec::new() };
        let kind = [Type::Confirmable, Type::NonConfirmable, Type::Acknowledgement, Type::Reset][usize::from(kind & 3)];
        let code = Code::from_byte(code);
        let token = if code.is_empty() { &[][..] } else { sent.token() };
        let mut buffer = [0; 64];
        let written = Writer::new(&mut buffer, Header::new(kind, code, sent.message_id()), token).finish();
        written.map_or(Vec::new(), |len| buffer[..len].to_vec())
    }
}

/// Takes bytes off the script.
fn take<'s>(script: &mut &'s [u8], count: usize) -> Option<&'s [u8]> {
    let (taken, rest) = script.split_at_checked(count)?;
    *script = rest;
    Some(taken)
}

fn step<C: Scale>(world: &mut World<C>, script: &mut &[u8]) -> Option<()> {
    let &[op, argument] = take(script, 2)? else { return None };
    match op % 8 {
        0 => world.now = world.now + Duration::from_millis(u64::from(argument) << (op >> 4)),
        1 => {
            let datagram = take(script, usize::from(argument % 64))?;
            let arrival = if argument & 0x80 == 0 { Arrival::Unicast } else { Arrival::Group };
            world.handle(op >> 6, arrival, datagram);
        }
        2 => {
            let payload = [0x2a; 255];
            let length = usize::from(argument >> 3);
            let request = match argument & 7 {
                0 | 1 => Request::get(),
                2 => Request::post().non(),
                3 => Request::get().group(),
                4 => Request::put().at_once(),
                5 => Request::get().timeout(Duration::from_millis(u64::from(argument))),
                _ => Request::post(),
            };
            let made = if argument == 7 {
                world.endpoint.ping(world.now, op >> 6, &mut world.tx)
            } else {
                world.endpoint.request(world.now, op >> 6, request, &mut world.tx, |writer| {
                    writer.path("a");
                    if argument & 7 == 6 {
                        writer.no_response(NoResponse::new(argument));
                    }
                    writer.payload(&payload[..length]);
                })
            };
            if let Ok((handle, sent)) = made {
                assert!(world.open.insert(handle), "a handle given out twice");
                world.handles.push(handle);
                if let Some(sent) = sent {
                    world.send(sent.len);
                }
            }
        }
        3 if !world.asked.is_empty() => {
            let id = world.asked[usize::from(op >> 3) % world.asked.len()];
            if argument == 255 {
                let _ = world.endpoint.defer(world.now, id);
                return Some(());
            }
            let payload = [0x2a; 255];
            let answer = match argument & 7 {
                1 => id.idempotent(),
                2 => id.report(),
                3 => id.ages().report(),
                _ => Answer::from(id),
            };
            let code = if argument & 8 == 0 { Code::CONTENT } else { Code::NOT_FOUND };
            let before = world.endpoint.statistics().suppressed;
            let answered = world.endpoint.respond(world.now, answer, &mut world.tx, |writer| {
                writer.code(code).max_age(u32::from(argument)).payload(&payload[..usize::from(argument >> 1)]);
            });
            if answered.is_ok() && matches!(argument & 7, 2 | 3) && world.endpoint.statistics().suppressed == before {
                // Piggybacked ones are never told of.
                world.reported.insert(id);
            }
            if let Ok(Some(sent)) = answered {
                world.send(sent.len);
            }
        }
        4 if !world.handles.is_empty() => {
            let handle = world.handles[usize::from(argument) % world.handles.len()];
            assert_eq!(world.endpoint.cancel(handle), world.open.remove(&handle));
        }
        5 => {
            let datagram = world.echo(op >> 6, argument);
            world.handle(op >> 3 & 3, Arrival::Unicast, &datagram);
        }
        6 => {
            let datagram = world.sent.clone();
            if argument == 255 {
                let _ = world.endpoint.forget(world.now, op >> 6);
            }
            world.handle(op >> 6, Arrival::Unicast, &datagram);
        }
        _ => {
            let next = world.poll();
            // To the next deadline.
            if let (true, Some(next)) = (argument & 1 == 0, next) {
                world.now = next;
            }
        }
    }
    Some(())
}

fuzz_target!(|data: &[u8]| {
    match data.first() {
        Some(first) if first & 0x80 != 0 => play::<Indexed>(data),
        _ => play::<Scan>(data),
    }
});

fn play<C: Scale>(data: &[u8]) {
    let mut script = data;
    let nstart = 1 + data.first().map_or(0, |byte| byte % 3);
    // The silence of a peer would refuse most of what is not confirmed.
    let transmission = Transmission { nstart, probing_rate: u16::MAX, ..Transmission::DEFAULT };
    let config = Config { transmission, ..Config::DEFAULT };
    let mut world = World::<C> {
        endpoint: Endpoint::new(config, [9; 16], Fixed::new()),
        now: Instant::from_millis(1 << 40),
        tx: [0; 192],
        sent: Vec::new(),
        asked: Vec::new(),
        open: HashSet::new(),
        handles: Vec::new(),
        reported: HashSet::new(),
    };
    while step(&mut world, &mut script).is_some() {
        let usage = world.endpoint.usage();
        assert!(usage.remembered <= usage.exchanges && usage.exchanges as usize <= EXCHANGES);
        assert!(usage.peers as usize <= PEERS);
    }
    // Quiet: from deadline to deadline, and an hour.
    for _ in 0..64 * EXCHANGES {
        match world.poll() {
            Some(next) => world.now = next,
            None => break,
        }
    }
    world.now = world.now + Duration::from_secs(3600);
    world.poll();
    assert!(world.open.is_empty(), "requests that never end");
    assert_eq!(world.endpoint.usage(), Default::default());
}
