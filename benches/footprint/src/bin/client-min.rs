//! The least client: one CON GET, sent again until it is acknowledged, and its response or its failure.
//!
//! The main loop of a device: a datagram or a deadline, what it means, what is due, and sleep. It runs on when the
//! request has ended, since a separate response may come again and is then acknowledged again.

#![no_std]
#![no_main]

use coaplet::endpoint::{Arrival, ClientMin, Event, Output, Request, Transmit};
use coaplet::{Endpoint, Fixed, Instant};
use device::{CONSOLE, Device, Place, emit, seed};

/// One server, and a slot for the request and one for its separate response.
type Memory = Fixed<[u8; 4], 1, 2, 128>;
type Client = Endpoint<Memory, ClientMin>;

static CLIENT: Place<Client> = Place::new(Client::of_roles([0; 16], Memory::new()));

/// The server's address.
const SERVER: [u8; 4] = [10, 0, 0, 1];

#[unsafe(no_mangle)]
#[inline(never)]
fn firmware(_: &[u8], tx: &mut [u8], device: &mut Device) {
    let client = CLIENT.lend();
    client.seed(seed());
    let made = client.request(Instant::ZERO, SERVER, Request::get(), tx, |w| {
        w.path("temp");
    });
    if let Ok((_, Some(request))) = made {
        transmit(Instant::ZERO, tx, request);
    }
    let mut until = 0;
    while let Some(wake) = device.wait(until) {
        let now = Instant::from_millis(wake.now);
        if let Some(datagram) = wake.datagram {
            let input = client.handle(now, wake.from, Arrival::Unicast, datagram, tx);
            if let Some(reply) = input.reply {
                transmit(now, tx, reply);
            }
            if let Event::Response(response) = input.event {
                let payload = response.message.payload();
                emit(now.as_millis(), CONSOLE, payload, payload.len());
            }
        }
        until = loop {
            match client.poll(now, tx) {
                Output::Send(due) => transmit(now, tx, due),
                Output::Failed(..) => emit(now.as_millis(), CONSOLE, b"failed", 6),
                Output::Idle(at) => break at.map_or(u64::MAX, Instant::as_millis),
                _ => {}
            }
        };
    }
}

fn transmit(now: Instant, tx: &[u8], due: Transmit<[u8; 4]>) {
    emit(now.as_millis(), due.to, tx, due.len);
}
