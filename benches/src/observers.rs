//! Observers of one resource, from eight to a million, each with a peer of its own: what it takes to tell one of them.
//!
//! All have registered, none has anything outstanding, and the slots are full. The first walk through all of them was
//! made, but for a million: so what is next to be told lies in memory where nobody has looked for long.

use coaplet::endpoint::{Arrival, Event, Output, ResourceId};
use coaplet::store::Heap;
use coaplet::{Code, Config, Endpoint, Header, Instant, Writer};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How many observers.
pub const OBSERVERS: [usize; 3] = [8, 1_000, 1_000_000];

const RESOURCE: ResourceId = ResourceId(7);
const PAYLOAD: [u8; 16] = *b"21.5 degrees C, ";

/// An endpoint with many observers.
#[derive(Debug)]
pub struct Crowd {
    endpoint: Endpoint<Heap<SocketAddr>>,
    now: Instant,
}

impl Crowd {
    /// So many observers of one resource.
    ///
    /// # Panics
    ///
    /// If one is not accepted.
    #[must_use]
    pub fn new(observers: usize) -> Crowd {
        let config = Config { notification_interval: Duration::ZERO, confirm_every: 255, ..Config::DEFAULT };
        let store = Heap::with_bound(observers, 64, 64 * 64).observers(observers + 1);
        let mut crowd = Crowd { endpoint: Endpoint::new(config, [7; 16], store), now: Instant::ZERO };
        for observer in 0..observers {
            crowd.register(observer);
        }
        assert_eq!(crowd.endpoint.usage().observers as usize, observers + 1);
        if observers <= 1_000 {
            crowd.tell(observers);
        }
        crowd
    }

    /// So many notifications, each a NON with 16 bytes; the resource changes again when all have been told.
    ///
    /// # Panics
    ///
    /// If something else is due.
    #[inline(never)]
    pub fn tell(&mut self, notifications: usize) {
        let mut tx = [0; 64];
        let mut sent = 0;
        while sent < notifications {
            match self.endpoint.poll(self.now, &mut tx) {
                Output::Notify(notify) => {
                    let made = self.endpoint.write_notification(self.now, notify.non(), &mut tx, |w| {
                        w.code(Code::CONTENT).payload(&PAYLOAD);
                    });
                    assert!(matches!(made, Ok(Some(transmit)) if transmit.to == notify.peer), "{made:?}");
                    sent += 1;
                }
                Output::Idle(_) => assert!(self.endpoint.notify(RESOURCE), "somebody observes"),
                other => panic!("a notification, not {other:?}, after {sent}"),
            }
        }
    }

    fn register(&mut self, observer: usize) {
        let [_, x, y, z] = (observer as u32).to_be_bytes();
        let from = SocketAddr::from((Ipv4Addr::new(10, x, y, z), 5683));
        let (mut bytes, mut tx) = ([0; 32], [0; 64]);
        let mut writer = Writer::new(&mut bytes, Header::confirmable(Code::GET, 1), &(observer as u32).to_be_bytes());
        let len = writer.observe(0).path("temp").finish().expect("14 bytes");
        let input = self.endpoint.handle(self.now, from, Arrival::Unicast, &bytes[..len], &mut tx);
        let Event::Request(request) = input.event else { panic!("a registration, not {input:?}") };
        let made = self.endpoint.respond_observing(self.now, request.id.idempotent(), RESOURCE, 1, &mut tx, |w| {
            w.code(Code::CONTENT).payload(&PAYLOAD);
        });
        assert!(matches!(made, Ok(Some(_))), "{made:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told() {
        for observers in [8, 1_000] {
            let mut crowd = Crowd::new(observers);
            crowd.tell(2_000);
        }
    }
}
