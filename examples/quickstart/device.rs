//! The resources: a clock, a lamp, a thermometer, one that is slow, a file, and a count to observe. Nothing here knows of
//! sockets, retransmission or Message IDs.

use coaplet::block::{Asked, Body, Piece, Settings, serve};
use coaplet::endpoint::{ResourceId, TransferId};
use coaplet::{Code, ContentFormat, Message, OptionNumber, Writer};
use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longer than the endpoint waits with its acknowledgement: the answer becomes a separate response (RFC 7252 5.2.2).
const SLOW: Duration = Duration::from_millis(1500);

/// What can be observed: the count.
pub const COUNT: ResourceId = ResourceId(1);

/// How often it goes up while it is observed.
pub const TICK: Duration = Duration::from_millis(300);

/// How a file goes over the wire, and how long it may be.
pub const FILE: Settings = Settings { max_body: 1 << 20, ..Settings::DEFAULT };

/// What the resources are about.
#[derive(Default)]
pub struct Device {
    led: bool,
    readings: u32,
    count: u32,
    file: Vec<u8>,
    /// How often it was replaced: its ETag.
    version: u64,
    /// What has come so far of files that are on their way.
    coming: Vec<(TransferId, Vec<u8>)>,
}

/// An answer of class 4 or 5, and why.
struct Refusal(Code, &'static str);

struct Resource {
    path: &'static str,
    /// Its attributes in the list (RFC 6690).
    attributes: &'static str,
    handler: fn(&mut Device, &Message<'_>, &mut Writer<'_>) -> Result<(), Refusal>,
}

const RESOURCES: &[Resource] = &[
    Resource { path: "/time", attributes: r#";title="UNIX time in seconds";ct=0"#, handler: Device::time },
    Resource { path: "/led", attributes: r#";title="on or off, takes PUT";ct=0"#, handler: Device::led },
    Resource {
        path: "/sensors/temp",
        attributes: r#";title="degrees Celsius";rt="temperature-c";if="sensor";ct=0"#,
        handler: Device::temperature,
    },
    Resource { path: "/slow", attributes: r#";title="answers after 1.5 s";ct=0"#, handler: Device::slow },
    Resource {
        path: "/count",
        attributes: r#";title="goes up while it is observed";obs;ct=0"#,
        handler: Device::count,
    },
    Resource {
        path: "/file",
        attributes: r#";title="up to 1 MiB, takes PUT, block by block";ct=42"#,
        handler: Device::file,
    },
    Resource { path: "/.well-known/core", attributes: ";ct=40", handler: Device::discovery },
];

impl Device {
    /// How long an answer takes.
    pub fn takes(&self, request: &Message<'_>) -> Duration {
        if request.path_is("/slow") { SLOW } else { Duration::ZERO }
    }

    /// Writes the answer to a request in place.
    pub fn answer(&mut self, request: &Message<'_>, reply: &mut Writer<'_>) {
        let done = match RESOURCES.iter().find(|resource| request.path_is(resource.path)) {
            Some(resource) => (resource.handler)(self, request, reply),
            None => Err(Refusal(Code::NOT_FOUND, "no such resource: /.well-known/core lists all")),
        };
        if let Err(Refusal(code, why)) = done {
            // A diagnostic payload has no Content-Format (RFC 7252 5.5.2).
            reply.code(code).payload(why.as_bytes());
        }
    }

    fn time(&mut self, request: &Message<'_>, reply: &mut Writer<'_>) -> Result<(), Refusal> {
        content(request, reply, ContentFormat::TEXT_PLAIN)?.max_age(1);
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        // Never an error: `finish` tells if it did not fit.
        let _ = write!(reply, "{seconds}");
        Ok(())
    }

    fn led(&mut self, request: &Message<'_>, reply: &mut Writer<'_>) -> Result<(), Refusal> {
        if request.code() != Code::PUT {
            let state = if self.led { "on" } else { "off" };
            content(request, reply, ContentFormat::TEXT_PLAIN)?.max_age(0).payload(state.as_bytes());
            return Ok(());
        }
        if request.content_format().is_some_and(|format| format != ContentFormat::TEXT_PLAIN) {
            return Err(Refusal(Code::UNSUPPORTED_CONTENT_FORMAT, "text/plain is taken"));
        }
        self.led = match request.payload() {
            b"on" => true,
            b"off" => false,
            _ => return Err(Refusal(Code::BAD_REQUEST, "on or off is taken")),
        };
        reply.code(Code::CHANGED);
        Ok(())
    }

    fn temperature(&mut self, request: &Message<'_>, reply: &mut Writer<'_>) -> Result<(), Refusal> {
        content(request, reply, ContentFormat::TEXT_PLAIN)?;
        // A thermometer with a draught: 21.0 to 21.9.
        self.readings = self.readings.wrapping_add(1);
        let _ = write!(reply, "21.{}", self.readings.wrapping_mul(7) % 10);
        Ok(())
    }

    fn slow(&mut self, request: &Message<'_>, reply: &mut Writer<'_>) -> Result<(), Refusal> {
        content(request, reply, ContentFormat::TEXT_PLAIN)?.payload(b"here at last");
        Ok(())
    }

    fn count(&mut self, request: &Message<'_>, reply: &mut Writer<'_>) -> Result<(), Refusal> {
        content(request, reply, ContentFormat::TEXT_PLAIN)?;
        let _ = write!(reply, "{}", self.count);
        Ok(())
    }

    /// What of ours a request would observe.
    pub fn observable(&self, request: &Message<'_>) -> Option<ResourceId> {
        request.path_is("/count").then_some(COUNT)
    }

    /// The count goes up.
    pub fn tick(&mut self) {
        self.count = self.count.wrapping_add(1);
    }

    /// What an observer of the count is told.
    pub fn notification(&self, reply: &mut Writer<'_>) {
        let _ = write!(reply.code(Code::CONTENT).content_format(ContentFormat::TEXT_PLAIN), "{}", self.count);
    }

    fn file(&mut self, request: &Message<'_>, reply: &mut Writer<'_>) -> Result<(), Refusal> {
        content(request, reply, ContentFormat::OCTET_STREAM)?;
        reply.insert(OptionNumber::ETAG, &self.version.to_be_bytes());
        serve(reply, &Asked::of(request), Body::slice(&self.file), &FILE);
        Ok(())
    }

    /// Whether the payload of a request may be a block of something longer: it is then to be [kept](Device::keep).
    pub fn takes_blocks(&self, request: &Message<'_>) -> bool {
        request.path_is("/file") && request.code() == Code::PUT
    }

    /// Takes a piece of a file. With the last one the file is there.
    pub fn keep(&mut self, piece: &Piece<'_>) {
        let mut file = piece.transfer.map(|transfer| self.broken(transfer)).unwrap_or_default();
        // The client may start over.
        file.truncate(piece.offset as usize);
        file.extend_from_slice(piece.bytes);
        match piece.transfer {
            Some(transfer) if !piece.last => self.coming.push((transfer, file)),
            _ => (self.file, self.version) = (file, self.version + 1),
        }
    }

    /// A file whose last piece never came, or that is taken in hand.
    pub fn broken(&mut self, transfer: TransferId) -> Vec<u8> {
        let index = self.coming.iter().position(|(of, _)| *of == transfer);
        index.map(|index| self.coming.swap_remove(index).1).unwrap_or_default()
    }

    fn discovery(&mut self, request: &Message<'_>, reply: &mut Writer<'_>) -> Result<(), Refusal> {
        content(request, reply, ContentFormat::LINK_FORMAT)?;
        let mut separator = "";
        for Resource { path, attributes, .. } in RESOURCES {
            let _ = write!(reply, "{separator}<{path}>{attributes}");
            separator = ",";
        }
        Ok(())
    }
}

/// Begins a 2.05 if the request is a GET that accepts this format.
fn content<'w, 'b>(
    request: &Message<'_>,
    reply: &'w mut Writer<'b>,
    format: ContentFormat,
) -> Result<&'w mut Writer<'b>, Refusal> {
    if request.code() != Code::GET {
        return Err(Refusal(Code::METHOD_NOT_ALLOWED, "not with this method"));
    }
    if request.accept().is_some_and(|accepted| accepted != format) {
        return Err(Refusal(Code::NOT_ACCEPTABLE, "not in this format"));
    }
    Ok(reply.code(Code::CONTENT).content_format(format))
}
