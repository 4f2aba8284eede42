//! The server: a table of resources over an endpoint, and the loop between it and a socket. What RFC 7252 wants of a server
//! is in the library, what there is to be asked for in the device.

use crate::device::{COUNT, Device, RESOURCES, TICK, at_last};
use crate::udp::{DATAGRAM, Udp, seed};
use coaplet::endpoint::{Arrival, Output, Transmit};
use coaplet::store::Indexed;
use coaplet::{Config, Endpoint, Fixed, Instant};
use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// A thousand peers, as many exchanges, what of them may have to be sent again, as many observers, and 16 files on their
/// way.
type Memory = Fixed<SocketAddr, 1024, 1024, 131_072, 1024, 16, Indexed>;

struct Server<'m> {
    udp: Udp,
    resources: coaplet::Server<'static, Device, &'m mut Memory>,
    device: Device,
    tx: Vec<u8>,
}

/// Answers datagrams for as long as the process lives. No datagram and no socket error ends it.
pub fn serve(udp: Udp) -> ! {
    let mut memory = Box::new(Memory::new());
    let endpoint = Endpoint::new(Config::DEFAULT.serving(), seed(), &mut *memory);
    let (resources, device) = (coaplet::Server::new(endpoint, &RESOURCES), Device::new(udp.now()));
    let mut server = Server { udp, resources, device, tx: vec![0; DATAGRAM] };
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

impl Server<'_> {
    fn datagram(&mut self, datagram: &[u8], from: SocketAddr) {
        self.device.now = self.udp.now();
        let Server { resources, device, tx, .. } = self;
        let input = resources.handle(device, device.now, from, Arrival::Unicast, datagram, tx);
        if let Some(reply) = input.reply {
            self.send(reply, "");
        }
    }

    /// Does all that is due, and tells when something will be.
    fn what_is_due(&mut self) -> Option<Instant> {
        loop {
            let now = self.udp.now();
            self.device.now = now;
            let Server { resources, device, tx, .. } = self;
            let until = match resources.poll(device, now, tx) {
                // The acknowledgement of a request that takes its time, a notification, or what was not acknowledged by the
                // client.
                Output::Send(transmit) => {
                    self.send(transmit, "(by itself) ");
                    continue;
                }
                Output::Broken(transfer, _) => {
                    device.broken(transfer);
                    continue;
                }
                Output::Idle(until) => until,
                // Only who asks is told more.
                _ => continue,
            };
            if device.tick.is_some_and(|tick| tick <= now) {
                device.count_up();
                // Until nobody is there any more who would like to know.
                device.tick = resources.notify(COUNT).then_some(now + TICK);
                continue;
            }
            let Some(index) = device.later.iter().position(|&(at, _)| at <= now) else {
                return device.later.iter().map(|&(at, _)| at).chain(until).chain(device.tick).min();
            };
            let (_, later) = device.later.swap_remove(index);
            match resources.complete(now, &later, tx, at_last) {
                Ok(Some(transmit)) => self.send(transmit, ""),
                // It waits until the client has acknowledged another one, and comes out of `poll`.
                Ok(None) => {}
                Err(error) => complain(format_args!("cannot answer: {error}")),
            }
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
