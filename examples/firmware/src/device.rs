//! The device as a node, for whatever carries its datagrams: its server, what it tells of itself, and its registration.

use crate::resources::{Board, Info};
use crate::stack;
use coaplet::endpoint::{Abilities, Arrival, Handle, Output, Request, ResourceId, Transmit, Usage};
use coaplet::io::{Due, Node};
use coaplet::server::{Route, Server};
use coaplet::{Config, Endpoint, Fixed, Instant, Roles};
use core::hash::Hash;
use core::time::Duration;

/// 4 peers, 8 exchanges, 512 bytes for what they keep, 4 observers, 2 uploads.
pub type Tables<P> = Fixed<P, 4, 8, 512, 4, 2>;

/// What the device does of all that a server and client can: what it does not is not linked.
pub enum Wanted {}

impl Roles for Wanted {
    const CONFIG: Option<Config> = Some(Config::DEFAULT.serving());
    const HAS: Abilities = Abilities {
        client: true,
        server: true,
        observe: true,
        transfers: true,
        kept_options: true,
        discovery: true,
        conditions: true,
        negotiation: true,
        diagnostics: true,
        recycled: true,
        ..Abilities::NONE
    };
}

/// An endpoint for a static: it begins as zeros, and gets its seed later.
pub type Side<P> = Endpoint<Tables<P>, Wanted>;

/// Its state, and a server over an endpoint in a static.
pub struct Device<P: Copy + Eq + Hash + 'static> {
    server: Server<'static, Board, Tables<P>, Wanted, &'static mut Side<P>>,
    /// What observers are told of each second: looked up once.
    temperature: Option<ResourceId>,
    board: Board,
    /// When the next second begins.
    tick: Instant,
    /// What was used most of each table.
    most: Usage,
    /// A directory on the host, and what it was asked, once it was.
    directory: P,
    registration: Option<Handle>,
}

impl<P: Copy + Eq + Hash + 'static> Device<P> {
    /// A device that will register there.
    pub fn new(
        seed: [u8; 16],
        endpoint: &'static mut Side<P>,
        routes: &'static [Route<Board, P>],
        directory: P,
    ) -> Device<P> {
        endpoint.seed(seed);
        let server = Server::new(endpoint, routes);
        let temperature = server.resource("sensors/temp");
        let most = Usage { peers: 0, exchanges: 0, remembered: 0, observers: 0, transfers: 0, blocks: 0 };
        let tick = Instant::from_millis(1000);
        Device { server, temperature, board: Board::NEW, tick, most, directory, registration: None }
    }

    /// The POST of the device's links, once. Whether anybody answers makes no difference to the rest.
    fn register(&mut self, now: Instant, tx: &mut [u8]) -> Option<Transmit<P>> {
        let asked = self.server.endpoint().request(now, self.directory, Request::post(), tx, |w| {
            w.path("rd").query("ep=coaplet").payload(b"</sensors/temp>;obs,</led>,</firmware>,</info>");
        });
        let (handle, sent) = asked.ok()?;
        self.registration = Some(handle);
        sent
    }

    /// The answer to `/info`, if it was asked for: the tables are the endpoint's, so that no handler can tell of them.
    fn tell(&mut self, now: Instant, tx: &mut [u8]) -> Option<Transmit<P>> {
        let later = self.board.asked.take()?;
        let usage = self.server.endpoint().usage();
        self.raise(&usage);
        let recycled = self.server.endpoint().statistics().recycled;
        let info = Info { usage, most: self.most, stack: stack::depth(), recycled };
        let seconds = self.board.seconds;
        self.server.complete(now, &later, tx, |reply| info.write(seconds, reply)).ok()?
    }

    fn raise(&mut self, usage: &Usage) {
        let most = &mut self.most;
        for (most, now) in [
            (&mut most.peers, usage.peers),
            (&mut most.exchanges, usage.exchanges),
            (&mut most.observers, usage.observers),
            (&mut most.transfers, usage.transfers),
            (&mut most.blocks, usage.blocks),
        ] {
            *most = now.max(*most);
        }
    }
}

impl<P: Copy + Eq + Hash + 'static> Node for Device<P> {
    type Peer = P;

    fn due(&mut self, now: Instant, tx: &mut [u8]) -> Due<P> {
        if now >= self.tick {
            self.tick = self.tick + Duration::from_secs(1);
            self.board.seconds = self.board.seconds.wrapping_add(1);
            if let Some(temperature) = self.temperature {
                self.server.endpoint().notify(temperature);
            }
        }
        if self.registration.is_none() {
            if let Some(sent) = self.register(now, tx) {
                return Due::Send(sent);
            }
        }
        if let Some(sent) = self.tell(now, tx) {
            return Due::Send(sent);
        }
        loop {
            match self.server.poll(&mut self.board, now, tx) {
                Output::Send(sent) => return Due::Send(sent),
                Output::Failed(handle, _) if Some(handle) == self.registration => defmt::info!("no directory"),
                Output::Idle(until) => {
                    let usage = self.server.endpoint().usage();
                    self.raise(&usage);
                    return Due::Wait(Some(until.map_or(self.tick, |until| until.min(self.tick))));
                }
                _ => {}
            }
        }
    }

    fn datagram(
        &mut self,
        now: Instant,
        from: P,
        arrival: Arrival,
        datagram: &[u8],
        tx: &mut [u8],
    ) -> Option<Transmit<P>> {
        let input = self.server.handle(&mut self.board, now, from, arrival, datagram, tx);
        if let Some(response) = input.response.filter(|response| Some(response.handle) == self.registration) {
            let code = response.message.code();
            defmt::info!("the directory answers {=u8}.{=u8:02}", code.class(), code.detail());
        }
        input.reply
    }

    /// It runs for as long as there is power.
    fn stop(&mut self) {}
}
