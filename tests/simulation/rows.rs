//! Many requests in a row from one peer, through tables that are far too small to remember them all.

use coaplet::endpoint::{ClientResponse, Failure, Handle, Request, RequestId, ServerRequest};
use coaplet::sim::{Application, Network, Port, Sim};
use coaplet::{Code, Config, Fixed, Store};
use std::time::Duration;

struct Row {
    /// Of them, this many are to be made.
    most: u32,
    made: u32,
    answered: u32,
    /// Between a response and the next request.
    pause: Duration,
    /// Every fourth is answered later.
    defers: bool,
    pad: usize,
    later: Vec<(RequestId, [u8; 4])>,
}

impl Row {
    fn new(most: u32, pause: Duration, defers: bool, pad: usize) -> Row {
        Row { most, made: 0, answered: 0, pause, defers, pad, later: Vec::new() }
    }

    fn next<S: Store<Peer = u16>>(&mut self, port: &mut Port<'_, S>) {
        if self.made == self.most {
            return;
        }
        self.made += 1;
        let request = if self.defers && self.made % 7 == 0 { Request::post().non() } else { Request::post() };
        let number = self.made;
        let made = port.request(2, request, |w| {
            w.payload(&number.to_be_bytes());
        });
        made.unwrap_or_else(|error| panic!("request {number} at {} ms: {error}", port.now().as_millis()));
    }

    fn answer<S: Store<Peer = u16>>(&self, port: &mut Port<'_, S>, id: RequestId, number: [u8; 4]) {
        let answered = port.respond(id, |w| {
            w.code(Code::CONTENT).payload(&number).payload(&[b'.'; 64][..self.pad]);
        });
        answered.unwrap_or_else(|error| panic!("request {number:?}: {error}"));
    }
}

impl<S: Store<Peer = u16>> Application<S> for Row {
    fn on_request(&mut self, port: &mut Port<'_, S>, request: &ServerRequest<'_, u16>) {
        let number: [u8; 4] = request.message.payload().try_into().unwrap();
        if self.defers && number[3] % 4 == 0 {
            self.later.push((request.id, number));
            port.wake_after(Duration::from_millis(1_200), 1);
        } else {
            self.answer(port, request.id, number);
        }
    }

    fn on_response(&mut self, port: &mut Port<'_, S>, response: &ClientResponse<'_, u16>) {
        assert_eq!(response.message.code(), Code::CONTENT, "request {}", self.made);
        assert_eq!(response.message.payload()[..4], self.made.to_be_bytes());
        self.answered += 1;
        if self.pause.is_zero() { self.next(port) } else { port.wake_after(self.pause, 0) }
    }

    fn on_failure(&mut self, _: &mut Port<'_, S>, _: Handle, why: Failure) {
        panic!("request {}: {why:?}", self.made);
    }

    fn on_wake(&mut self, port: &mut Port<'_, S>, key: u64) {
        if key == 0 {
            return self.next(port);
        }
        let (id, number) = self.later.remove(0);
        self.answer(port, id, number);
    }
}

/// Runs a row between two endpoints with this store, and sees to it that all is free in the end.
fn row<S: Store<Peer = u16>>(store: impl Fn() -> S, row: impl Fn() -> Row) {
    let mut sim = Sim::new(7, Network::PERFECT);
    let (client, server) = (sim.add(Config::DEFAULT, store(), row()), sim.add(Config::DEFAULT, store(), row()));
    sim.with(client, |row, port| row.next(port));
    let mut remembered = 0;
    let most = row().most;
    // 70,000 with a pause take 84 of these.
    for _ in 0..100 {
        sim.run_for(Duration::from_secs(100)).unwrap_or_else(|anomaly| panic!("{anomaly}"));
        sim.clear_records();
        remembered = remembered.max(sim.usage(server).unwrap().remembered);
    }
    assert_eq!(sim.application(client).unwrap().answered, most);
    assert!(remembered > 0);
    sim.run_for(Duration::from_secs(3_600)).unwrap();
    assert_eq!(sim.usage(client).unwrap(), Default::default());
    assert_eq!(sim.usage(server).unwrap(), Default::default());
}

#[test]
fn ten_thousand_through_eight_slots() {
    row(Fixed::<u16, 4, 8, 512>::new, || Row::new(10_000, Duration::ZERO, true, 10));
}

/// Eight slots, but room for the bytes of four replies.
#[test]
fn ten_thousand_through_four_blocks() {
    row(Fixed::<u16, 4, 8, 128>::new, || Row::new(10_000, Duration::ZERO, true, 4));
}

/// An RST ends a request at once, with its own outcome, and only the one that it names.
#[test]
fn a_reset_ends_a_request() {
    #[derive(Default)]
    struct Ended(Vec<(Handle, Failure)>);
    impl<S: Store<Peer = u16>> Application<S> for Ended {
        fn on_failure(&mut self, _: &mut Port<'_, S>, handle: Handle, why: Failure) {
            self.0.push((handle, why));
        }
    }
    let mut sim = Sim::new(7, Network::PERFECT);
    let us = sim.add(Config::DEFAULT, Fixed::<u16, 4, 8, 512>::new(), Ended::default());
    // Nobody is at 9: what goes there is lost, and what comes from there is ours.
    let handle = sim.request(us, 9, Request::get(), |_| {}).unwrap();
    let waiting = sim.request(us, 9, Request::get(), |_| {}).unwrap();
    let [high, low] = [sim.records()[0].bytes[2], sim.records()[0].bytes[3]];
    sim.inject(9, us, &[0x70, 0, high, low.wrapping_add(7)]);
    sim.inject(8, us, &[0x70, 0, high, low]);
    sim.run_for(Duration::from_secs(1)).unwrap();
    assert_eq!(sim.application(us).unwrap().0, []);
    sim.inject(9, us, &[0x70, 0, high, low]);
    sim.run_for(Duration::from_secs(1)).unwrap();
    assert_eq!(sim.application(us).unwrap().0, [(handle, Failure::Reset)]);
    sim.run_for(Duration::from_secs(100)).unwrap();
    assert_eq!(sim.application(us).unwrap().0, [(handle, Failure::Reset), (waiting, Failure::TimedOut)]);
}

/// More requests than there are Message IDs, slowly enough that none is ever short.
#[test]
fn message_ids_suffice_for_those_who_take_their_time() {
    row(Fixed::<u16, 4, 8, 512>::new, || Row::new(70_000, Duration::from_millis(100), false, 10));
}
