//! A server with bodies in blocks and something to observe: what `server-min` is, a text that is served in blocks from
//! where it lies, an image that comes in blocks and goes to flash one by one, and the input pin, of which observers are
//! told when it changes. 127 bytes are the longest message.
//!
//! The console is in the place of the flash: what comes of the image is told there as it is written.

#![no_std]
#![no_main]

use coaplet::block::{Asked, Body, Received, Settings, serve};
use coaplet::endpoint::{Abilities, Arrival, Event, Output, RequestId, ResourceId, ServerMin, ServerRequest, Transmit};
use coaplet::{Code, Config, Endpoint, Fixed, Instant, Roles, Writer};
use device::{CONSOLE, Device, Place, emit, seed};

/// As [`ServerMin`](coaplet::endpoint::ServerMin), with bodies in blocks and observers.
enum Small {}

impl Roles for Small {
    const CONFIG: Option<Config> = Some(Config::DEFAULT.blockwise());
    const HAS: Abilities = Abilities { observe: true, transfers: true, ..ServerMin::HAS };
}

/// Room for two observers, and for one image at a time.
type Memory = Fixed<[u8; 4], 4, 8, 512, 2, 1>;
type Server = Endpoint<Memory, Small>;

static SERVER: Place<Server> = Place::new(Server::of_roles([0; 16], Memory::new()));

/// Blocks of 64 bytes; the image is no longer than 4 KiB.
const SETTINGS: Settings = Settings { max_body: 4096, ..Settings::for_messages_of(127) };

/// The pin.
const PIN: ResourceId = ResourceId(1);

/// What is served.
const TEXT: &[u8] = b"A text that does not fit into one message of a hundred and twenty-seven bytes, \
    and that is therefore served in blocks of sixty-four bytes.";

#[unsafe(no_mangle)]
#[inline(never)]
fn firmware(_: &[u8], tx: &mut [u8], device: &mut Device) {
    let server = SERVER.lend();
    server.seed(seed());
    let mut waiting = None;
    let mut until = 0;
    let mut pin = false;
    while let Some(wake) = device.wait(until) {
        let now = Instant::from_millis(wake.now);
        if wake.pin != pin {
            pin = wake.pin;
            server.notify(PIN);
        }
        if let Some(datagram) = wake.datagram {
            let input = server.handle(now, wake.from, Arrival::Unicast, datagram, tx);
            if let Some(reply) = input.reply {
                transmit(now, tx, reply);
            }
            if let Event::Request(request) = input.event {
                let message = &request.message;
                if message.code() == Code::GET && message.path_is("temp") {
                    waiting = Some(request.id);
                } else if let Some(answer) = answer(server, now, &request, pin, tx) {
                    transmit(now, tx, answer);
                }
            }
        }
        if wake.pin {
            if let Some(id) = waiting.take() {
                let response = respond(server, now, id, tx, Code::CONTENT, b"21.5", &Asked::default());
                if let Some(response) = response {
                    transmit(now, tx, response);
                }
            }
        }
        until = loop {
            match server.poll(now, tx) {
                Output::Send(due) => transmit(now, tx, due),
                Output::Notify(notify) => {
                    if let Ok(Some(due)) = server.write_notification(now, notify, tx, |w| state(w, pin)) {
                        transmit(now, tx, due);
                    }
                }
                Output::Broken(..) => emit(now.as_millis(), CONSOLE, b"broken", 6),
                Output::Idle(at) => break at.map_or(u64::MAX, Instant::as_millis),
                _ => {}
            }
        };
    }
}

/// What is to be sent now. Where an endpoint of this size has no room, the peer asks again.
type Answered = Option<Transmit<[u8; 4]>>;

/// What is neither the sensor's nor anything else is not found.
fn answer(
    server: &mut Server,
    now: Instant,
    request: &ServerRequest<'_, [u8; 4]>,
    pin: bool,
    tx: &mut [u8],
) -> Answered {
    let (message, id) = (&request.message, request.id);
    let get = message.code() == Code::GET;
    if get && message.path_is("pin") {
        return server.respond_observing(now, id, PIN, 0, tx, |w| state(w, pin)).ok()?;
    }
    let (mut code, mut body, mut asked) = (Code::NOT_FOUND, &[][..], Asked::default());
    if get && message.path_is("text") {
        (code, body, asked) = (Code::CONTENT, TEXT, Asked::of(message));
    } else if message.code() == Code::PUT && message.path_is("image") {
        match server.receive(now, request, &SETTINGS, tx).ok()? {
            Received::Answered(sent) => return sent,
            Received::Later(_) => code = Code::BAD_REQUEST,
            Received::Piece(piece) => {
                emit(now.as_millis(), CONSOLE, piece.bytes, piece.bytes.len());
                return if piece.last {
                    server.conclude(now, &piece, tx, Body::EMPTY, |_| {}).ok()?
                } else {
                    server.proceed(now, &piece, tx).ok()?
                };
            }
        }
    }
    respond(server, now, id, tx, code, body, &asked)
}

fn state(w: &mut Writer<'_>, pin: bool) {
    w.code(Code::CONTENT).payload(if pin { b"1" } else { b"0" });
}

fn respond(
    server: &mut Server,
    now: Instant,
    id: RequestId,
    tx: &mut [u8],
    code: Code,
    body: &[u8],
    asked: &Asked,
) -> Answered {
    let made = server.respond(now, id, tx, |w| {
        w.code(code);
        serve(w, asked, Body::slice(body), &SETTINGS);
    });
    made.ok()?
}

fn transmit(now: Instant, tx: &[u8], due: Transmit<[u8; 4]>) {
    emit(now.as_millis(), due.to, tx, due.len);
}
