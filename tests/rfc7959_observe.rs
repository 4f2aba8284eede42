//! RFC 7959 2.6, Figures 12 and 13: an observation of what is larger than a block. The first block comes with the
//! notification, the client fetches the rest, and a newer notification meanwhile starts over.

mod transfers;

use coaplet::block::{Asked, Body, Fetch, Progress, Settings, serve};
use coaplet::endpoint::{Arrival, Event, Handle, Output, Request, ResourceId};
use coaplet::{Code, Config, Endpoint, Fixed, Instant, Message};
use transfers::notation::{down, show};
use transfers::{CLIENT, PLAIN, SERVER, early};

const ICON: ResourceId = ResourceId(3);
const LENGTH: usize = 309;

type Ep = Endpoint<Fixed<u16, 4, 16, 8192, 4>>;

/// Both sides, and a network that loses nothing.
struct Pair {
    server: Ep,
    client: Ep,
    now: u64,
    version: u8,
    observed: Option<Handle>,
    fetch: Fetch<u16>,
    /// What has come of the icon, and each icon that came whole.
    body: Vec<u8>,
    whole: Vec<Vec<u8>>,
    lines: Vec<String>,
    /// A change in the middle: with the block at this offset on its way.
    changes_at: Option<u32>,
}

/// The icon of a version: its first byte tells it.
fn icon(version: u8) -> Vec<u8> {
    let mut icon = down()[..LENGTH].to_vec();
    icon[0] = version;
    icon
}

impl Pair {
    fn new(settings: Settings) -> Pair {
        let ep = |seed| Endpoint::new(Config::DEFAULT.blockwise(), [seed; 16], Fixed::new());
        let mut pair = Pair {
            server: ep(1),
            client: ep(2),
            now: 0,
            version: 1,
            observed: None,
            fetch: Fetch::new(SERVER, Request::get(), settings),
            body: vec![],
            whole: vec![],
            lines: vec![],
            changes_at: None,
        };
        let (mut tx, early) = ([0; 1152], settings.early);
        let block = coaplet::wire::Block::with_size(0, false, settings.block_size).unwrap();
        let made = pair.client.request(pair.at(), SERVER, Request::get().observe(), &mut tx, |w| {
            w.path("status-icon");
            if early {
                w.block2(block);
            }
        });
        let (handle, sent) = made.unwrap();
        pair.observed = Some(handle);
        pair.arrives_at_server(&tx[..sent.unwrap().len]);
        pair.settle();
        pair
    }

    fn at(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    fn arrives_at_server(&mut self, bytes: &[u8]) {
        self.lines.push(format!("-> {}", show(bytes)));
        let (now, mut tx, etag) = (self.at(), [0; 1152], [self.version]);
        let input = self.server.handle(now, CLIENT, Arrival::Unicast, bytes, &mut tx);
        let mut sent = input.reply;
        if let Event::Request(request) = input.event {
            let (asked, icon) = (Asked::of(&request.message), icon(self.version));
            let served = Settings { block_size: 128, ..PLAIN };
            let answered = self.server.respond_observing(now, request.id, ICON, 7, &mut tx, |w| {
                w.code(Code::CONTENT).etag(&etag);
                serve(w, &asked, Body::slice(&icon), &served);
            });
            sent = answered.unwrap();
        }
        if let Some(sent) = sent {
            self.arrives_at_client(&tx[..sent.len]);
        }
    }

    fn arrives_at_client(&mut self, bytes: &[u8]) {
        self.lines.push(format!("<- {}", show(bytes)));
        let (now, mut tx) = (self.at(), [0; 1152]);
        let input = self.client.handle(now, SERVER, Arrival::Unicast, bytes, &mut tx);
        if let Some(reply) = input.reply {
            self.arrives_at_server(&tx[..reply.len]);
        }
        let Event::Response(response) = input.event else { return };
        let progress = if Some(response.handle) == self.observed {
            assert!(response.more, "the observation goes on");
            self.body.clear();
            Some(self.fetch.begin_with(&mut self.client, &response.message))
        } else {
            self.fetch.take(&response)
        };
        match progress {
            Some(Progress::Part(part)) => {
                assert_eq!(part.offset as usize, self.body.len());
                self.body.extend_from_slice(part.bytes);
                if part.last {
                    self.whole.push(std::mem::take(&mut self.body));
                } else if self.changes_at.is_some_and(|at| part.end() >= at) {
                    self.changes_at = None;
                    self.change();
                }
            }
            Some(Progress::Restarted) => self.body.clear(),
            Some(Progress::Failed(fault)) => panic!("{fault}"),
            Some(Progress::Next) | None => {}
        }
    }

    /// The icon is another one from now on.
    fn change(&mut self) {
        self.version += 1;
        assert!(self.server.notify(ICON));
    }

    /// Until nothing is due at this time.
    fn settle(&mut self) {
        for _ in 0..200 {
            let (now, mut tx) = (self.at(), [0; 1152]);
            match self.server.poll(now, &mut tx) {
                Output::Notify(notify) => {
                    assert_eq!((notify.resource, notify.tag, notify.peer), (ICON, 7, CLIENT));
                    let (etag, icon) = ([self.version], icon(self.version));
                    let served = Settings { block_size: 128, ..PLAIN };
                    let sent = self.server.write_notification(now, notify, &mut tx, |w| {
                        w.code(Code::CONTENT).etag(&etag);
                        serve(w, &Asked::first(notify.block_size), Body::slice(&icon), &served);
                    });
                    if let Some(sent) = sent.unwrap() {
                        self.arrives_at_client(&tx[..sent.len]);
                    }
                    continue;
                }
                Output::Send(sent) => {
                    self.arrives_at_client(&tx[..sent.len]);
                    continue;
                }
                _ => {}
            }
            if let Output::Send(sent) = self.client.poll(now, &mut tx) {
                self.arrives_at_server(&tx[..sent.len]);
                continue;
            }
            match self.fetch.ask(&mut self.client, now, &mut tx, |w| _ = w.path("status-icon")) {
                // Before a first block has come there is nothing to be fetched.
                Ok(Some(sent)) => self.arrives_at_server(&tx[..sent.len]),
                _ => return,
            }
        }
        panic!("it does not come to rest: {:#?}", self.lines);
    }
}

fn figure(settings: Settings, size: usize) {
    let mut pair = Pair::new(settings);
    assert_eq!(pair.whole, [icon(1)], "{:#?}", pair.lines);
    pair.lines.clear();
    pair.now = 10_000;
    pair.change();
    pair.settle();
    assert_eq!(pair.whole, [icon(1), icon(2)], "{:#?}", pair.lines);
    // The first block as large as the registration wants it, then plain GETs, with the same ETag.
    let notification = pair.lines.iter().find(|line| line.starts_with("<-") && line.contains(" O:")).unwrap();
    assert!(notification.contains("E:02 O:") && notification.contains(&format!("2:0/1/{size}")), "{notification}");
    let gets: Vec<_> = pair.lines.iter().filter(|line| line.contains("GET")).collect();
    let wanted: Vec<_> =
        (1..LENGTH.div_ceil(size)).map(|n| format!("-> CON GET /status-icon 2:{n}/0/{size}")).collect();
    assert_eq!(gets, wanted.iter().collect::<Vec<_>>());
    // In the middle of it the icon changes once more: what is delivered is whole, and the last one that there is.
    pair.now = 20_000;
    pair.changes_at = Some(2 * size as u32);
    pair.change();
    pair.settle();
    pair.now = 30_000;
    pair.settle();
    assert_eq!(pair.whole.last(), Some(&icon(4)), "{:#?}", pair.lines);
    assert!(pair.whole.iter().all(|body| (1..=4).any(|version| *body == icon(version))), "nothing is mixed");
}

#[test]
fn figure_12_an_observation_in_blocks() {
    figure(PLAIN, 128);
}

#[test]
fn figure_13_an_observation_with_early_negotiation() {
    figure(early(64), 64);
}

#[test]
fn the_first_block_of_what_fits_is_all_of_it() {
    let mut tx = [0; 256];
    let mut w = coaplet::Writer::new(&mut tx, coaplet::Header::confirmable(Code::CONTENT, 1), &[1]);
    serve(&mut w, &Asked::first(None), Body::slice(b"21.5"), &PLAIN);
    let length = w.finish().unwrap();
    assert_eq!(Message::parse(&tx[..length]).unwrap().block2(), None);
}
