//! What `server-observe-block` is, through a table of routes and with discovery: a temperature that is answered later, the
//! input pin, which is observed, a text that is served in blocks, and an image that comes in blocks.
//!
//! The console is in the place of the flash: what comes of the image is told there as it is written.

#![no_std]
#![no_main]

use coaplet::block::Settings;
use coaplet::endpoint::{Abilities, Arrival, Output, ResourceId, ServerMin, Transmit};
use coaplet::server::{Answer, Error, Later, Reply, Request, Route, Server};
use coaplet::{Config, ContentFormat, Endpoint, Fixed, Instant, Roles};
use device::{CONSOLE, Device, Place, emit, seed};

/// As [`ServerMin`](coaplet::endpoint::ServerMin), with bodies in blocks, observers and discovery. Nobody asks the pin for
/// anything but what it is, so that nothing is kept of a registration.
enum Small {}

impl Roles for Small {
    const CONFIG: Option<Config> = Some(Config::DEFAULT.blockwise());
    const HAS: Abilities = Abilities { observe: true, transfers: true, discovery: true, ..ServerMin::HAS };
}

/// Room for two observers and what they observe, and for one image at a time.
type Memory = Fixed<[u8; 4], 4, 8, 512, 3, 1>;

static ENDPOINT: Place<Endpoint<Memory, Small>> = Place::new(Endpoint::of_roles([0; 16], Memory::new()));

/// Blocks of 64 bytes.
const SETTINGS: Settings = Settings::for_messages_of(127);

/// What is served.
const TEXT: &[u8] = b"A text that does not fit into one message of a hundred and twenty-seven bytes, \
    and that is therefore served in blocks of sixty-four bytes.";

/// What the resources are about.
struct Sensor {
    now: u64,
    pin: bool,
    waiting: Option<Later>,
}

type Asked<'r> = Request<'r, [u8; 4]>;
type Answered = Result<Answer, Error>;

fn temperature(sensor: &mut Sensor, request: &Asked<'_>, _: Reply<'_, '_>) -> Answered {
    sensor.waiting = Some(request.later());
    Ok(Answer::Later(request.id()))
}

fn pin(sensor: &mut Sensor, _: &Asked<'_>, reply: Reply<'_, '_>) -> Answered {
    Ok(reply.payload(if sensor.pin { b"1" } else { b"0" }))
}

fn text(_: &mut Sensor, _: &Asked<'_>, reply: Reply<'_, '_>) -> Answered {
    Ok(reply.payload(TEXT))
}

/// The image is no longer than 4 KiB.
fn image(sensor: &mut Sensor, request: &Asked<'_>, reply: Reply<'_, '_>) -> Answered {
    emit(sensor.now, CONSOLE, request.payload(), request.payload().len());
    Ok(reply.done())
}

static ROUTES: [Route<Sensor, [u8; 4]>; 4] = [
    Route::new("temp").get(temperature).rt("temperature-c").interface("sensor"),
    Route::new("pin").get(pin).observable().rt("pin").interface("sensor"),
    Route::new("text").get(text).formats(&[ContentFormat::TEXT_PLAIN]).size(TEXT.len() as u32),
    Route::new("image").put(image).uploads(4096).title("Firmware"),
];

/// The route of the pin, by its place in the table.
const PIN: ResourceId = ResourceId(1);

#[unsafe(no_mangle)]
#[inline(never)]
fn firmware(_: &[u8], tx: &mut [u8], device: &mut Device) {
    let endpoint = ENDPOINT.lend();
    endpoint.seed(seed());
    let mut server = Server::new(endpoint, &ROUTES).with_settings(SETTINGS);
    let mut sensor = Sensor { now: 0, pin: false, waiting: None };
    let mut until = 0;
    while let Some(wake) = device.wait(until) {
        let now = Instant::from_millis(wake.now);
        sensor.now = wake.now;
        if wake.pin != sensor.pin {
            sensor.pin = wake.pin;
            server.endpoint().notify(PIN);
        }
        if let Some(datagram) = wake.datagram {
            let input = server.handle(&mut sensor, now, wake.from, Arrival::Unicast, datagram, tx);
            if let Some(reply) = input.reply {
                transmit(now, tx, reply);
            }
        }
        if wake.pin {
            if let Some(later) = &sensor.waiting {
                if let Ok(Some(sent)) = server.complete(now, later, tx, |reply| Ok(reply.payload(b"21.5"))) {
                    transmit(now, tx, sent);
                }
                sensor.waiting = None;
            }
        }
        until = loop {
            match server.poll(&mut sensor, now, tx) {
                Output::Send(due) => transmit(now, tx, due),
                Output::Broken(..) => emit(now.as_millis(), CONSOLE, b"broken", 6),
                Output::Idle(at) => break at.map_or(u64::MAX, Instant::as_millis),
                _ => {}
            }
        };
    }
}

fn transmit(now: Instant, tx: &[u8], due: Transmit<[u8; 4]>) {
    emit(now.as_millis(), due.to, tx, due.len);
}
