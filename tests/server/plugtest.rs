//! The cases of the ETSI plugtests against the example's server, in virtual time; some over a path that loses datagrams.

use crate::cases::CASES;
use crate::client::{Client, Path};
use crate::common::{Bench, Many};
use crate::resources::{Plugtest, Task, routes, separated};
use coaplet::Instant;
use coaplet::endpoint::{Arrival, Output};
use std::collections::VecDeque;
use std::time::Duration;

/// What the cases are, in words.
const TABLE: &str = include_str!("../plugtest.tsv");

/// The server, its clock, and what is on its way to its clients.
struct Virtual<'r> {
    bench: Bench<'r, Plugtest, Many>,
    inbox: [VecDeque<Vec<u8>>; 2],
    /// Of a hundred datagrams so many are lost.
    loss: u32,
    random: u32,
}

impl Virtual<'_> {
    fn is_lost(&mut self) -> bool {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.random >> 16) % 100 < self.loss
    }

    fn deliver(&mut self, to: u8, bytes: Vec<u8>) {
        if !self.is_lost() {
            self.inbox[usize::from(to) - 1].push_back(bytes);
        }
    }

    /// All that is due now, and when there is more.
    fn due(&mut self) -> Instant {
        let tick = loop {
            let Bench { server, state, now, tx, .. } = &mut self.bench;
            match state.task(*now) {
                Ok(Task::Notify(path)) => _ = server.notify(path),
                Ok(Task::End(path, code)) => {
                    let resource = server.resource(path).unwrap();
                    server.endpoint().end_observers(resource, code);
                }
                Ok(Task::Complete(later)) => {
                    if let Ok(Some(due)) = server.complete(*now, &later, tx, separated) {
                        let sent = self.bench.sent(due);
                        self.deliver(sent.to, sent.bytes);
                    }
                }
                Err(until) => break until,
            }
        };
        loop {
            let Bench { server, state, now, tx, .. } = &mut self.bench;
            match server.poll(state, *now, tx) {
                Output::Send(due) => {
                    let sent = self.bench.sent(due);
                    self.deliver(sent.to, sent.bytes);
                }
                Output::Broken(transfer, _) => state.broken(transfer),
                Output::Idle(due) => return due.map_or(tick, |due| due.min(tick)),
                _ => {}
            }
        }
    }
}

impl Path for Virtual<'_> {
    fn send(&mut self, client: usize, datagram: &[u8]) {
        if !self.is_lost() {
            if let Some(sent) = self.bench.datagram(client as u8 + 1, Arrival::Unicast, datagram) {
                self.deliver(sent.to, sent.bytes);
            }
        }
        self.due();
    }

    fn receive(&mut self, client: usize, within: Duration) -> Option<Vec<u8>> {
        let end = self.bench.now + within;
        loop {
            let next = self.due();
            if let Some(bytes) = self.inbox[client].pop_front() {
                return Some(bytes);
            }
            if self.bench.now >= end {
                return None;
            }
            self.bench.now = next.max(self.bench.now).min(end);
        }
    }
}

#[test]
fn every_case_passes() {
    let routes = routes();
    let listed: Vec<_> = TABLE.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>()).collect();
    let listed: Vec<_> = listed.iter().map(|columns| (columns[0], columns[3])).collect();
    assert_eq!(CASES.iter().map(|case| (case.id, case.resource)).collect::<Vec<_>>(), listed);
    for case in CASES {
        let lost = if case.lossy { &[0, 5, 10, 20][..] } else { &[0] };
        for (number, &loss) in lost.iter().enumerate() {
            let bench = Bench::new(&routes, Plugtest::new(Instant::ZERO), Many::new());
            let mut path = Virtual { bench, inbox: Default::default(), loss, random: number as u32 };
            let outcome = (case.run)(&mut Client::new(&mut path, 0x1000));
            assert_eq!(outcome, Ok(()), "{} with {loss} of 100 datagrams lost", case.id);
        }
    }
}

/// The client says what it does not find, and what is wrong.
#[test]
fn a_server_without_resources_passes_what_needs_none() {
    use crate::client::Why;
    for case in CASES {
        let bench = Bench::new(&[], Plugtest::new(Instant::ZERO), Many::new());
        let mut path = Virtual { bench, inbox: Default::default(), loss: 0, random: 0 };
        let outcome = (case.run)(&mut Client::new(&mut path, 0x1000));
        let expected = if matches!(case.id, "CORE_31" | "LINK_01") { Ok(()) } else { Err(Why::NotOffered) };
        assert_eq!(outcome, expected, "{}", case.id);
    }
}
