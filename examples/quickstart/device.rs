//! The resources: a clock, a lamp, a thermometer, one that is slow, a file, and a count to observe. Nothing here knows of
//! sockets, retransmission or Message IDs.

use coaplet::endpoint::TransferId;
use coaplet::server::{Answer, Error, Later, Reply, Request, Route};
use coaplet::{Code, ContentFormat, Instant};
use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longer than the endpoint waits with its acknowledgement: the answer becomes a separate response (RFC 7252 5.2.2).
const SLOW: Duration = Duration::from_millis(1500);

/// How often the count goes up while it is observed.
pub const TICK: Duration = Duration::from_millis(300);

/// The count.
pub const COUNT: &str = "count";

const TEXT: &[ContentFormat] = &[ContentFormat::TEXT_PLAIN];
const BYTES: &[ContentFormat] = &[ContentFormat::OCTET_STREAM];

pub static RESOURCES: [Route<Device>; 6] = [
    Route::new("time").get(time).formats(TEXT).title("UNIX time in seconds").max_age(1),
    Route::new("led").get(led).put(switch).formats(TEXT).takes(TEXT).title("on or off, takes PUT").max_age(0),
    Route::new("sensors/temp")
        .get(temperature)
        .formats(TEXT)
        .rt("temperature-c")
        .interface("sensor")
        .title("degrees Celsius"),
    Route::new("slow").get(slow).formats(TEXT).title("answers after 1.5 s"),
    Route::new(COUNT).get(count).formats(TEXT).observable().title("goes up while it is observed"),
    Route::new("file")
        .get(file)
        .put(replace)
        .uploads(1 << 20)
        .formats(BYTES)
        .title("up to 1 MiB, takes PUT, block by block"),
];

/// What the resources are about.
pub struct Device {
    /// The time, as the loop tells it.
    pub now: Instant,
    led: bool,
    readings: u32,
    count: u32,
    /// When the count goes up, if it was asked for.
    pub tick: Option<Instant>,
    file: Vec<u8>,
    /// How often it was replaced: its ETag.
    version: u64,
    /// What has come so far of files that are on their way.
    coming: Vec<(TransferId, Vec<u8>)>,
    /// Requests to be answered later, and when. Never more than the endpoint has exchanges.
    pub later: Vec<(Instant, Later)>,
}

type Result = std::result::Result<Answer, Error>;

impl Device {
    pub fn new(now: Instant) -> Device {
        let (file, coming, later) = (Vec::new(), Vec::new(), Vec::new());
        Device { now, led: false, readings: 0, count: 0, tick: None, file, version: 0, coming, later }
    }

    /// The count goes up.
    pub fn count_up(&mut self) {
        self.count = self.count.wrapping_add(1);
    }

    /// A file whose last piece never came, or that is taken in hand.
    pub fn broken(&mut self, transfer: TransferId) -> Vec<u8> {
        let index = self.coming.iter().position(|(of, _)| *of == transfer);
        index.map(|index| self.coming.swap_remove(index).1).unwrap_or_default()
    }
}

fn time(_: &mut Device, _: &Request, reply: Reply) -> Result {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    Ok(reply.text(&seconds.to_string()))
}

fn led(device: &mut Device, _: &Request, reply: Reply) -> Result {
    Ok(reply.text(if device.led { "on" } else { "off" }))
}

fn switch(device: &mut Device, request: &Request, reply: Reply) -> Result {
    device.led = match request.payload() {
        b"on" => true,
        b"off" => false,
        _ => return Err(Error::new(Code::BAD_REQUEST, "on or off is taken")),
    };
    Ok(reply.done())
}

fn temperature(device: &mut Device, _: &Request, reply: Reply) -> Result {
    // A thermometer with a draught: 21.0 to 21.9.
    device.readings = device.readings.wrapping_add(1);
    let mut reply = reply.content_format(ContentFormat::TEXT_PLAIN);
    write!(reply, "21.{}", device.readings.wrapping_mul(7) % 10)?;
    Ok(reply.done())
}

fn slow(device: &mut Device, request: &Request, _: Reply) -> Result {
    device.later.push((device.now + SLOW, request.later()));
    Ok(Answer::Later(request.id()))
}

/// What `/slow` answers in the end.
pub fn at_last(reply: Reply) -> Result {
    Ok(reply.text("here at last"))
}

fn count(device: &mut Device, _: &Request, reply: Reply) -> Result {
    device.tick.get_or_insert(device.now + TICK);
    Ok(reply.text(&device.count.to_string()))
}

fn file(device: &mut Device, _: &Request, reply: Reply) -> Result {
    let reply = reply.etag(&device.version.to_be_bytes()).content_format(ContentFormat::OCTET_STREAM);
    Ok(reply.payload(&device.file))
}

/// Takes a piece of a file. With the last one the file is there.
fn replace(device: &mut Device, request: &Request, reply: Reply) -> Result {
    let mut file = request.transfer().map(|transfer| device.broken(transfer)).unwrap_or_default();
    // The client may start over.
    file.truncate(request.offset() as usize);
    file.extend_from_slice(request.payload());
    match request.transfer() {
        Some(transfer) if !request.is_last() => device.coming.push((transfer, file)),
        _ => (device.file, device.version) = (file, device.version + 1),
    }
    Ok(reply.done())
}
