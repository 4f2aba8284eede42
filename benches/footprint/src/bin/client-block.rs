//! A client with bodies in blocks: it fetches a text, and then sends one, in messages of at most 127 bytes.
//!
//! What comes is told to the console as it comes, and so is how it ends.

#![no_std]
#![no_main]

use coaplet::block::{Body, Fetch, Progress, Send, Settings};
use coaplet::endpoint::{Abilities, Arrival, ClientMin, Event, Output, Request, Transmit};
use coaplet::{Config, Endpoint, Fixed, Instant, Roles, Writer};
use device::{CONSOLE, Device, Place, emit, seed};

/// As [`ClientMin`](coaplet::endpoint::ClientMin), with bodies in blocks, each of them confirmed.
enum Small {}

impl Roles for Small {
    const CONFIG: Option<Config> = Some(Config::DEFAULT.blockwise());
    const HAS: Abilities = Abilities { non_requests: false, ..ClientMin::HAS };
}

/// One server, and a slot for the request and one for its separate response.
type Memory = Fixed<[u8; 4], 1, 2, 256>;
type Client = Endpoint<Memory, Small>;

static CLIENT: Place<Client> = Place::new(Client::of_roles([0; 16], Memory::new()));

/// The server's address.
const SERVER: [u8; 4] = [10, 0, 0, 1];

/// Blocks of 64 bytes.
const SETTINGS: Settings = Settings::for_messages_of(127);

/// What is sent.
const IMAGE: &[u8] =
    b"An image that does not fit into one message of a hundred and twenty-seven bytes, and goes in two.";

#[unsafe(no_mangle)]
#[inline(never)]
fn firmware(_: &[u8], tx: &mut [u8], device: &mut Device) {
    let client = CLIENT.lend();
    client.seed(seed());
    let mut fetch = Fetch::new(SERVER, Request::get(), SETTINGS);
    let mut send = Send::new(SERVER, Request::put(), SETTINGS);
    let mut now = Instant::ZERO;
    let mut until = 0;
    loop {
        // What is due, first and then.
        let path = if fetch.is_over() { "image" } else { "text" };
        let options = |w: &mut Writer<'_>| _ = w.path(path);
        let asked = if fetch.is_over() {
            send.ask(client, now, tx, Body::slice(IMAGE), options).ok().flatten()
        } else {
            fetch.ask(client, now, tx, options).ok().flatten()
        };
        if let Some(request) = asked {
            transmit(now, tx, request);
            until = 0;
        }
        let Some(wake) = device.wait(until) else { break };
        now = Instant::from_millis(wake.now);
        if let Some(datagram) = wake.datagram {
            let input = client.handle(now, wake.from, Arrival::Unicast, datagram, tx);
            if let Some(reply) = input.reply {
                transmit(now, tx, reply);
            }
            if let Event::Response(response) = input.event {
                // Of the one that is under way.
                if fetch.is_over() { tell(now, send.take(&response)) } else { tell(now, fetch.take(&response)) }
            }
        }
        until = loop {
            match client.poll(now, tx) {
                Output::Send(due) => transmit(now, tx, due),
                Output::Failed(handle, why) => {
                    if fetch.is_over() {
                        tell(now, send.failed(handle, why))
                    } else {
                        tell(now, fetch.failed(handle, why))
                    }
                }
                Output::Idle(at) => break at.map_or(u64::MAX, Instant::as_millis),
                _ => {}
            }
        };
    }
}

#[inline(always)] // Of what has come, no more is made than is told.
fn tell(now: Instant, progress: Option<Progress<'_>>) {
    match progress {
        Some(Progress::Part(part)) => emit(now.as_millis(), CONSOLE, part.bytes, part.bytes.len()),
        Some(Progress::Failed(_)) => emit(now.as_millis(), CONSOLE, b"failed", 6),
        _ => {}
    }
}

fn transmit(now: Instant, tx: &[u8], due: Transmit<[u8; 4]>) {
    emit(now.as_millis(), due.to, tx, due.len);
}
