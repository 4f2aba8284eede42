//! The server: an endpoint that is asked, and the loop between it and a socket. What RFC 7252 wants of a server is in
//! the endpoint, what there is to be asked for in the device.

use crate::device::{COUNT, Device, FILE, TICK};
use crate::udp::{DATAGRAM, Udp, seed};
use coaplet::block::{Body, Received};
use coaplet::endpoint::{Arrival, Event, Input, Output, RequestId, RespondError, ServerRequest, Transmit};
use coaplet::store::Indexed;
use coaplet::{Code, Config, Endpoint, Fixed, Instant, Message, Writer};
use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::time::Duration;

struct Server {
    udp: Udp,
    /// A thousand peers, as many exchanges, what of them may have to be sent again, as many observers, and 16 files on
    /// their way.
    endpoint: Endpoint<Fixed<SocketAddr, 1024, 1024, 131_072, 1024, 16, Indexed>>,
    device: Device,
    /// Requests to be answered later. Never more than the endpoint has exchanges.
    later: Vec<Later>,
    /// When the count goes up, if it is observed.
    tick: Option<Instant>,
    tx: Vec<u8>,
}

/// A request that takes its time.
struct Later {
    at: Instant,
    id: RequestId,
    datagram: Vec<u8>,
}

/// Answers datagrams for as long as the process lives. No datagram and no socket error ends it.
pub fn serve(udp: Udp) -> ! {
    let endpoint = Endpoint::new(Config::DEFAULT.blockwise(), seed(), Fixed::new());
    let (device, later, tx) = (Device::default(), Vec::new(), vec![0; DATAGRAM]);
    let mut server = Server { udp, endpoint, device, later, tick: None, tx };
    let mut rx = vec![0; DATAGRAM];
    loop {
        let until = server.what_is_due();
        match server.udp.receive(until, &mut rx) {
            Ok(Some((length, from))) => server.datagram(&rx[..length], from),
            Ok(None) => {}
            // The echo of an answer to a client that has gone: nothing is wrong with this socket.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset) => {}
            Err(error) => {
                complain(format_args!("cannot receive: {error}; still trying"));
                // The network may be down for a while.
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

impl Server {
    fn datagram(&mut self, datagram: &[u8], from: SocketAddr) {
        let now = self.udp.now();
        let Input { reply, event } = self.endpoint.handle(now, from, Arrival::Unicast, datagram, &mut self.tx);
        if let Some(reply) = reply {
            self.send(reply, "");
        }
        let Event::Request(request) = event else { return };
        if self.device.takes_blocks(&request.message) {
            let done = self.block(now, &request);
            return self.done(done, "");
        }
        match self.device.takes(&request.message) {
            Duration::ZERO => self.answer(request.id, &request.message),
            time => self.later.push(Later { at: now + time, id: request.id, datagram: datagram.to_vec() }),
        }
    }

    /// Does all that is due, and tells when something will be.
    fn what_is_due(&mut self) -> Option<Instant> {
        loop {
            let now = self.udp.now();
            let until = match self.endpoint.poll(now, &mut self.tx) {
                // The acknowledgement of a request that takes its time, or what was not acknowledged by the client.
                Output::Send(transmit) => {
                    self.send(transmit, "(by itself) ");
                    continue;
                }
                Output::Notify(notify) => {
                    let Server { endpoint, device, tx, .. } = self;
                    let done = endpoint.write_notification(now, notify, tx, |reply| device.notification(reply));
                    self.done(done, "(notification) ");
                    continue;
                }
                Output::Broken(transfer, _) => {
                    self.device.broken(transfer);
                    continue;
                }
                Output::Idle(until) => until,
                // Only who asks is told more.
                _ => continue,
            };
            if self.tick.is_some_and(|tick| tick <= now) {
                self.device.tick();
                // Until nobody is there any more who would like to know.
                self.tick = self.endpoint.notify(COUNT).then_some(now + TICK);
                continue;
            }
            let Some(index) = self.later.iter().position(|later| later.at <= now) else {
                return self.later.iter().map(|later| later.at).chain(until).chain(self.tick).min();
            };
            let later = self.later.swap_remove(index);
            if let Ok(request) = Message::parse(&later.datagram) {
                self.answer(later.id, &request);
            }
        }
    }

    fn answer(&mut self, id: RequestId, request: &Message<'_>) {
        let (now, device) = (self.udp.now(), &mut self.device);
        let done = match device.observable(request) {
            Some(resource) => {
                self.tick.get_or_insert(now + TICK);
                let build = |answer: &mut Writer<'_>| device.answer(request, answer);
                self.endpoint.respond_observing(now, id, resource, 0, &mut self.tx, build)
            }
            None => self.endpoint.respond(now, id, &mut self.tx, |answer| device.answer(request, answer)),
        };
        self.done(done, "");
    }

    /// Takes a piece of a file.
    fn block(
        &mut self,
        now: Instant,
        request: &ServerRequest<'_, SocketAddr>,
    ) -> Result<Option<Transmit<SocketAddr>>, RespondError> {
        let Server { endpoint, device, tx, .. } = self;
        match endpoint.receive(now, request, &FILE, tx)? {
            Received::Piece(piece) => {
                device.keep(&piece);
                if piece.last {
                    endpoint.conclude(now, &piece, tx, Body::EMPTY, |_| {})
                } else {
                    endpoint.proceed(now, &piece, tx)
                }
            }
            // It came before, or does not belong here.
            Received::Answered(answer) => Ok(answer),
            // The answer has no second block.
            Received::Later(_) => endpoint.respond(now, request.id, tx, |answer| _ = answer.code(Code::BAD_REQUEST)),
        }
    }

    fn done(&mut self, answered: Result<Option<Transmit<SocketAddr>>, RespondError>, remark: &str) {
        match answered {
            Ok(Some(transmit)) => self.send(transmit, remark),
            // It waits until the client has acknowledged another one, and comes out of `poll`.
            Ok(None) => {}
            Err(error) => complain(format_args!("cannot answer: {error}")),
        }
    }

    fn send(&mut self, transmit: Transmit<SocketAddr>, remark: &str) {
        if let Err(error) = self.udp.send(transmit, &self.tx, remark) {
            complain(format_args!("cannot send to {}: {error}", transmit.to));
        }
    }
}

/// `eprintln!` panics when standard error is closed.
fn complain(line: Arguments<'_>) {
    let _ = writeln!(io::stderr(), "quickstart: {line}");
}
