//! The least server: CON and NON, duplicates answered from eight slots, piggybacked and separate responses, one
//! resource.
//!
//! The main loop of a device: a datagram or a deadline, what it means, what is due, and sleep. GET /temp is answered at
//! once while the sensor has a value (the pin is up). While it has none, the request waits: the endpoint acknowledges
//! it in time, and the response is a separate one once the pin is up.

#![no_std]
#![no_main]

use coaplet::endpoint::{Arrival, Event, Output, RequestId, ServerMin, Transmit};
use coaplet::{Code, Endpoint, Fixed, Instant, OptionNumber};
use device::{Device, Place, emit, seed};

type Memory = Fixed<[u8; 4], 4, 8, 512>;
type Server = Endpoint<Memory, ServerMin>;

static SERVER: Place<Server> = Place::new(Server::of_roles([0; 16], Memory::new()));

#[unsafe(no_mangle)]
#[inline(never)]
fn firmware(_: &[u8], tx: &mut [u8], device: &mut Device) {
    let server = SERVER.lend();
    server.seed(seed());
    let mut waiting = None;
    let mut until = 0;
    while let Some(wake) = device.wait(until) {
        let now = Instant::from_millis(wake.now);
        if let Some(datagram) = wake.datagram {
            let input = server.handle(now, wake.from, Arrival::Unicast, datagram, tx);
            if let Some(reply) = input.reply {
                transmit(now, tx, reply);
            }
            if let Event::Request(request) = input.event {
                let mut path = request.message.options_of(OptionNumber::URI_PATH);
                let is_temp = matches!(path.next(), Some([b't', b'e', b'm', b'p'])) && path.next().is_none();
                if request.message.code() != Code::GET || !is_temp {
                    respond(server, now, request.id, tx, Code::NOT_FOUND, &[]);
                } else if wake.pin {
                    respond(server, now, request.id, tx, Code::CONTENT, b"21.5");
                } else {
                    waiting = Some(request.id);
                }
            }
        }
        if wake.pin {
            if let Some(id) = waiting.take() {
                respond(server, now, id, tx, Code::CONTENT, b"21.5");
            }
        }
        until = loop {
            match server.poll(now, tx) {
                Output::Send(due) => transmit(now, tx, due),
                Output::Idle(at) => break at.map_or(u64::MAX, Instant::as_millis),
                _ => {}
            }
        };
    }
}

/// Answers a request. One that cannot be answered now is forgotten later.
fn respond(server: &mut Server, now: Instant, id: RequestId, tx: &mut [u8], code: Code, payload: &[u8]) {
    let answered = server.respond(now, id, tx, |w| {
        w.code(code).payload(payload);
    });
    if let Ok(Some(response)) = answered {
        transmit(now, tx, response);
    }
}

fn transmit(now: Instant, tx: &[u8], due: Transmit<[u8; 4]>) {
    emit(now.as_millis(), due.to, tx, due.len);
}
