//! The endpoint with few and with very many exchanges: the state in which an event is measured, and the events.
//!
//! A [`Scene`] is an endpoint over a [`Heap`] in which as many exchanges are live as asked for, with a quarter as many
//! peers. Each peer has asked twice and has no answer yet; we have asked it once by a NON and a second time by a CON,
//! or, beyond the first [`OUTSTANDING`] peers, by another NON, and have no answer either. So all indexes are as full as
//! the size says, and the timers hold deadlines between 2 and 94 seconds ahead.
//!
//! The store is full: what is not live remembers an exchange that is over, so that a new one makes the oldest of those
//! give way. A server that has run for longer than EXCHANGE_LIFETIME is in this state for ever. (One exchange is
//! forgotten for each that comes in either way, by age or for want of room.)
//!
//! Whom an event concerns is drawn at random, by a generator that starts the same in each run: with a million exchanges
//! hardly a slot is in a cache, with eight all of them are.

use coaplet::endpoint::{Arrival, Event, Output, Request};
use coaplet::store::Heap;
use coaplet::{Code, Config, Endpoint, Header, Instant, Transmission, Writer};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How many exchanges are live.
pub const SIZES: [usize; 4] = [8, 1_000, 100_000, 1_000_000];

/// The most CON requests of ours that wait for their acknowledgement: what [`Scene::retransmit`] finds due.
pub const OUTSTANDING: usize = 500;

/// When all of those are due for the first time, and for the second, whatever timeout was drawn for them. All else is
/// due after 60 s.
pub const DUE: [Instant; 2] = [Instant::from_millis(4_000), Instant::from_millis(10_000)];

const PAYLOAD: [u8; 16] = *b"21.5 degrees C, ";

/// An endpoint with many exchanges.
#[derive(Debug)]
pub struct Scene {
    endpoint: Endpoint<Heap<SocketAddr>>,
    now: Instant,
    peers: usize,
    outstanding: usize,
    drawn: u64,
    next_id: u16,
}

/// A request on its way to the endpoint.
#[derive(Debug)]
pub struct Datagram {
    from: SocketAddr,
    bytes: [u8; 32],
    len: usize,
}

impl Scene {
    /// An endpoint with so many live exchanges, a multiple of 4, and a sixteenth as many and 64 remembered ones.
    ///
    /// # Panics
    ///
    /// If it does not come to this state.
    #[must_use]
    pub fn new(live: usize) -> Scene {
        let config = Config {
            // The measured request has its turn beside the one that is outstanding.
            transmission: Transmission { nstart: 2, ..Transmission::DEFAULT },
            // No acknowledgement falls due among the retransmissions.
            acknowledge_after: Duration::from_secs(60),
            ..Config::DEFAULT
        };
        let peers = live / 4;
        let remembered = live / 16 + 64;
        let slots = live + remembered;
        let endpoint = Endpoint::new(config, [7; 16], Heap::with_bound(peers, slots, slots * 64));
        let mut scene =
            Scene { endpoint, now: Instant::ZERO, peers, outstanding: peers.min(OUTSTANDING), drawn: 0, next_id: 2 };

        // One after the other, so that what belongs to one peer lies apart, all within a second.
        let apart = peers / scene.outstanding;
        for at in 0..live {
            let (round, peer) = (at / peers, at % peers);
            scene.now = Instant::from_millis((at * 1000 / live) as u64);
            match round {
                0 => scene.hear(peer, 0),
                2 => scene.hear(peer, 1),
                3 if peer % apart == 0 && peer / apart < scene.outstanding => scene.ask(peer, Request::get()),
                _ => scene.ask(peer, Request::get().non()),
            }
        }
        scene.now = Instant::from_millis(1_000);
        assert!(matches!(scene.endpoint.poll(scene.now, &mut [0; 64]), Output::Idle(Some(_))), "nothing is due yet");
        for _ in 0..remembered.div_ceil(64) {
            let requests = scene.requests(64);
            scene.serve(&requests);
        }

        let usage = scene.endpoint.usage();
        assert_eq!((usage.peers as usize, usage.exchanges as usize), (peers, slots), "the store is full");
        assert_eq!(usage.remembered as usize, remembered, "the rest is live");
        scene
    }

    /// How many retransmissions are due at each of [`DUE`].
    #[must_use]
    pub const fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Requests of random peers, each a CON GET of a path with two segments under a token of four bytes.
    ///
    /// # Panics
    ///
    /// If the codec cannot write them.
    pub fn requests(&mut self, count: usize) -> Vec<Datagram> {
        (0..count)
            .map(|_| {
                let (peer, id) = (self.draw_peer(), self.next_id);
                // By the time that one comes again, the request that had it is forgotten; 0 and 1 are those without an
                // answer.
                self.next_id = id.checked_add(1).unwrap_or(2);
                self.request_of(peer, id)
            })
            .collect()
    }

    /// Addresses of random peers.
    pub fn some_peers(&mut self, count: usize) -> Vec<SocketAddr> {
        (0..count).map(|_| address(self.draw_peer())).collect()
    }

    /// Server: each request comes in, and a reply with 16 bytes goes out on its acknowledgement. The reply is stored,
    /// and the oldest one forgotten.
    ///
    /// # Panics
    ///
    /// If one is not taken for a new request, or not answered.
    #[inline(never)]
    pub fn serve(&mut self, requests: &[Datagram]) {
        let mut tx = [0; 64];
        for request in requests {
            let datagram = &request.bytes[..request.len];
            let input = self.endpoint.handle(self.now, request.from, Arrival::Unicast, datagram, &mut tx);
            let Event::Request(asked) = input.event else { panic!("a new request, not {input:?}") };
            let reply = self.endpoint.respond(self.now, asked.id, &mut tx, |w| {
                w.code(Code::CONTENT).payload(&PAYLOAD);
            });
            assert!(matches!(reply, Ok(Some(transmit)) if transmit.to == request.from), "{reply:?}");
        }
    }

    /// Client: a CON GET goes out to each, and its response with 16 bytes comes in on the acknowledgement.
    ///
    /// # Panics
    ///
    /// If one is not sent at once, or not answered by its response.
    #[inline(never)]
    pub fn fetch(&mut self, peers: &[SocketAddr]) {
        let (mut datagram, mut tx) = ([0; 64], [0; 64]);
        for &to in peers {
            let made = self.endpoint.request(self.now, to, Request::get(), &mut datagram, |w| {
                w.path("sensors/temp");
            });
            let Ok((handle, Some(_))) = made else { panic!("sent at once, not {made:?}") };
            // What the peer makes of it: Message ID and token stay where they are.
            let behind_token = 4 + usize::from(datagram[0] & 0x0f);
            datagram[0] = 0x60 | (datagram[0] & 0x0f);
            datagram[1] = Code::CONTENT.to_byte();
            datagram[behind_token] = 0xff;
            datagram[behind_token + 1..][..16].copy_from_slice(&PAYLOAD);
            let answer = &datagram[..behind_token + 17];
            let input = self.endpoint.handle(self.now, to, Arrival::Unicast, answer, &mut tx);
            assert!(matches!(&input.event, Event::Response(response) if response.handle == handle), "{input:?}");
        }
    }

    /// Retransmission: `poll` until all that is due at `when`, one of [`DUE`], is sent.
    ///
    /// # Panics
    ///
    /// If fewer are due, or anything else.
    #[inline(never)]
    pub fn retransmit(&mut self, when: Instant) {
        let mut tx = [0; 64];
        let mut sent = 0;
        while sent < self.outstanding {
            match self.endpoint.poll(when, &mut tx) {
                Output::Send(_) => sent += 1,
                // The wheel moves what is due in steps.
                Output::Idle(Some(at)) if at <= when => {}
                other => panic!("a retransmission, not {other:?}, after {sent} of {}", self.outstanding),
            }
        }
    }

    /// A request of this peer's comes in and is not answered.
    fn hear(&mut self, peer: usize, id: u16) {
        let request = self.request_of(peer, id);
        let datagram = &request.bytes[..request.len];
        let input = self.endpoint.handle(self.now, request.from, Arrival::Unicast, datagram, &mut [0; 64]);
        assert!(matches!(input.event, Event::Request(_)), "{input:?}");
    }

    /// A request of ours goes out and is not answered.
    fn ask(&mut self, peer: usize, request: Request) {
        let made = self.endpoint.request(self.now, address(peer), request, &mut [0; 64], |w| {
            w.path("sensors/temp");
        });
        assert!(matches!(made, Ok((_, Some(_)))), "{made:?}");
    }

    fn request_of(&mut self, peer: usize, id: u16) -> Datagram {
        let mut bytes = [0; 32];
        let token = (self.draw() as u32).to_be_bytes();
        let header = Header::confirmable(Code::GET, id);
        let len = Writer::new(&mut bytes, header, &token).path("sensors/temp").finish().expect("22 bytes");
        Datagram { from: address(peer), bytes, len }
    }

    fn draw_peer(&mut self) -> usize {
        (self.draw() % self.peers as u64) as usize
    }

    /// SplitMix64: the same numbers in each run.
    fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.drawn;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// So many that [`Scene::retransmit`], at both times of [`DUE`], sends `events` times in all.
///
/// # Panics
///
/// If `events` is no multiple of what one scene of this size sends.
#[must_use]
pub fn scenes(live: usize, events: usize) -> Vec<Scene> {
    let each = (live / 4).min(OUTSTANDING) * DUE.len();
    assert_eq!(events % each, 0, "{events} events, {each} of each scene");
    (0..events / each).map(|_| Scene::new(live)).collect()
}

/// 10.x.y.z: up to 16 million.
fn address(peer: usize) -> SocketAddr {
    let [_, x, y, z] = (peer as u32).to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(10, x, y, z), 5683))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_what_it_is_measured_for() {
        for live in [8, 1_000] {
            let mut scene = Scene::new(live);
            let requests = scene.requests(100);
            scene.serve(&requests);
            let peers = scene.some_peers(100);
            scene.fetch(&peers);
            DUE.into_iter().for_each(|when| scene.retransmit(when));
        }
    }
}
