//! Any script of datagrams, commands and time steps: nothing panics, `poll` comes to an end, each request ends once, and
//! after a quiet time nothing is held.
#![no_main]

use coaplet::endpoint::{Arrival, Event, Handle, Output, Request, RequestId};
use coaplet::{Code, Config, Endpoint, Fixed, Header, Instant, Message, Transmission, Type, Writer};
use core::time::Duration;
use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;

const PEERS: usize = 3;
const EXCHANGES: usize = 6;

struct World {
    endpoint: Endpoint<Fixed<u8, PEERS, EXCHANGES, 256>>,
    now: Instant,
    tx: [u8; 192],
    /// What went out last, to be answered in kind.
    sent: Vec<u8>,
    asked: Vec<RequestId>,
    open: HashSet<Handle>,
    handles: Vec<Handle>,
}

impl World {
    fn send(&mut self, len: usize) {
        self.sent = self.tx[..len].to_vec();
        Message::parse(&self.sent).expect("what goes out is a message");
    }

    fn handle(&mut self, from: u8, datagram: &[u8]) {
        let input = self.endpoint.handle(self.now, from, Arrival::Unicast, datagram, &mut self.tx);
        let reply = input.reply;
        match input.event {
            Event::Request(request) => self.asked.push(request.id),
            Event::Response(response) => {
                assert!(self.open.remove(&response.handle), "a response to nothing that is open")
            }
            Event::Handled => {}
        }
        if let Some(reply) = reply {
            assert_eq!(reply.to, from);
            self.send(reply.len);
        }
    }

    /// Polls until there is nothing more to do now, and gives the next time.
    fn poll(&mut self) -> Option<Instant> {
        for _ in 0..8 * (EXCHANGES + PEERS) + 16 {
            match self.endpoint.poll(self.now, &mut self.tx) {
                Output::Send(due) => self.send(due.len),
                Output::Failed(handle, _) => assert!(self.open.remove(&handle), "ended twice"),
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

fn step(world: &mut World, script: &mut &[u8]) -> Option<()> {
    let &[op, argument] = take(script, 2)? else { return None };
    match op % 8 {
        0 => world.now = world.now + Duration::from_millis(u64::from(argument) << (op >> 4)),
        1 => {
            let datagram = take(script, usize::from(argument % 64))?;
            world.handle(op >> 6, datagram);
        }
        2 => {
            let request = if argument & 1 == 0 { Request::get() } else { Request::post().non() };
            let payload = [0x2a; 255];
            let made = world.endpoint.request(world.now, op >> 6, request, &mut world.tx, |writer| {
                writer.path("a").payload(&payload[..usize::from(argument >> 1)]);
            });
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
            let payload = [0x2a; 255];
            let answered = world.endpoint.respond(world.now, id, &mut world.tx, |writer| {
                writer.code(Code::CONTENT).payload(&payload[..usize::from(argument)]);
            });
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
            world.handle(op >> 3 & 3, &datagram);
        }
        6 => {
            let datagram = world.sent.clone();
            world.handle(op >> 6, &datagram);
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
    let mut script = data;
    let nstart = 1 + data.first().map_or(0, |byte| byte % 3);
    let config = Config { transmission: Transmission { nstart, ..Transmission::DEFAULT }, ..Config::DEFAULT };
    let mut world = World {
        endpoint: Endpoint::new(config, [9; 16], Fixed::new()),
        now: Instant::from_millis(1 << 40),
        tx: [0; 192],
        sent: Vec::new(),
        asked: Vec::new(),
        open: HashSet::new(),
        handles: Vec::new(),
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
});
