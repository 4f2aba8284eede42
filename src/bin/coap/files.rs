//! The files below a directory as resources.
//!
//! What guards them: every path goes through `cap_std::fs::Dir`, which looks it up from the directory on and never leaves
//! it, whatever becomes of links and directories meanwhile; and what is no name of a file is refused before.

use crate::percent;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata, OpenOptions};
use coaplet::block::Body;
use coaplet::endpoint::TransferId;
use coaplet::io::Address;
use coaplet::link::LinkWriter;
use coaplet::server::{Answer, Error, Listing, Reason, Reply, Request};
use coaplet::{Code, ContentFormat};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How files are named that are being written. They are neither listed nor served.
const PART: &str = ".coap-part-";

/// How deep, and how many files, discovery lists.
const DEEP: usize = 8;
const MANY: usize = 2_000;

/// How long a list of the files is good for: as one is sent in blocks, it is asked for again and again.
const FRESH: Duration = Duration::from_secs(2);

/// How many files may be observed at a time, as the endpoint has it.
const WATCHED: usize = 4_096;

/// What a handler is asked with.
type Asked<'m> = Request<'m, Address>;

pub struct Files {
    dir: Dir,
    /// What is observed: its path as it was asked for, and how it was when it was looked at last.
    watched: HashMap<String, Option<u64>>,
    /// Bodies that are coming in.
    coming: HashMap<TransferId, Part>,
    parts: u64,
    listed: Option<(Instant, Vec<(String, u64)>)>,
}

/// A file that is being written.
struct Part {
    name: String,
    file: File,
    written: u64,
}

impl Files {
    pub fn of(dir: &Path) -> io::Result<Files> {
        let dir = Dir::open_ambient_dir(dir, ambient_authority())?;
        Ok(Files { dir, watched: HashMap::new(), coming: HashMap::new(), parts: 0, listed: None })
    }

    pub fn get(&mut self, request: &Asked<'_>, reply: Reply<'_, '_>) -> Result<Answer, Error> {
        let path = path(request)?;
        let observes = request.reason() == Reason::Asked && request.message().observe() == Some(0);
        let mut file = open(&self.dir, &path)?;
        let data = file.metadata().map_err(|error| refused(&error))?;
        if observes && self.watched.len() < WATCHED {
            self.watched.insert(path.clone(), Some(stamp(&data)));
        }
        if data.is_dir() {
            return self.directory(&path, reply);
        }
        if path.ends_with('/') || !data.is_file() {
            return Err(Error::new(Code::NOT_FOUND, "no such file"));
        }
        let length = u32::try_from(data.len()).ok().filter(|length| *length <= 1 << 30);
        let length = length.ok_or(Error::new(Code::INTERNAL_SERVER_ERROR, "longer than blocks can count: 1 GiB"))?;
        let mut read = |offset: u32, buffer: &mut [u8]| read_at(&mut file, offset, buffer);
        let reply = reply.etag(&stamp(&data).to_be_bytes()).content_format(format_of(&path));
        Ok(reply.body(Body::read(&mut read).of_length(length)))
    }

    /// What is in a directory, as links.
    fn directory(&mut self, path: &str, reply: Reply<'_, '_>) -> Result<Answer, Error> {
        let place = path.trim_end_matches('/');
        let mut text = String::new();
        let mut links = LinkWriter::new(&mut text);
        for (name, data) in entries(&self.dir, place).map_err(|error| refused(&error))? {
            let below = if place.is_empty() { name } else { format!("{place}/{name}") };
            let target = format!("/{}{}", percent::encoded(&below, b"-._~/"), if data.is_dir() { "/" } else { "" });
            links.link(&target);
            let format = if data.is_dir() { ContentFormat::LINK_FORMAT } else { format_of(&below) };
            links.number("ct", format.get().into());
            if data.is_file() {
                links.number("sz", u32::try_from(data.len()).unwrap_or(u32::MAX));
            }
        }
        links.finish().map_err(|_| Error::from(Code::INTERNAL_SERVER_ERROR))?;
        let reply = reply.etag(&hash(&text).to_be_bytes()).content_format(ContentFormat::LINK_FORMAT);
        Ok(reply.payload(text.as_bytes()))
    }

    pub fn put(&mut self, request: &Asked<'_>, reply: Reply<'_, '_>) -> Result<Answer, Error> {
        let path = path(request)?;
        let transfer = request.transfer();
        let taken = transfer.and_then(|transfer| self.coming.remove(&transfer));
        self.refuse_link(&path)?;
        match self.take(&path, request, taken) {
            Ok((part, false)) => {
                if let Some(transfer) = transfer {
                    self.coming.insert(transfer, part);
                }
                Ok(reply.done())
            }
            Ok((part, true)) => {
                let is_new = self.dir.symlink_metadata(&path).is_err();
                drop(part.file);
                if let Err(error) = self.dir.rename(&part.name, &self.dir, &path) {
                    let _ = self.dir.remove_file(&part.name);
                    return Err(refused(&error));
                }
                self.listed = None;
                let stamp = self.dir.metadata(&path).map(|data| stamp(&data)).unwrap_or_default();
                self.seen(&path, Some(stamp));
                let reply = if is_new { reply.code(Code::CREATED) } else { reply };
                Ok(reply.etag(&stamp.to_be_bytes()).done())
            }
            Err(error) => Err(error),
        }
    }

    /// Takes a piece of a body. True if it was the last.
    fn take(&mut self, path: &str, request: &Asked<'_>, taken: Option<Part>) -> Result<(Part, bool), Error> {
        let mut part = match taken {
            Some(part) if request.offset() > 0 => part,
            // It begins anew.
            other => {
                if let Some(old) = other {
                    let _ = self.dir.remove_file(&old.name);
                }
                self.begin(path)?
            }
        };
        let written = if u64::from(request.offset()) == part.written {
            part.file.write_all(request.payload()).map_err(|error| refused(&error))
        } else {
            Err(Error::from(Code::REQUEST_ENTITY_INCOMPLETE))
        };
        if let Err(error) = written {
            let _ = self.dir.remove_file(&part.name);
            return Err(error);
        }
        part.written += request.payload().len() as u64;
        Ok((part, request.is_last()))
    }

    /// Begins a file beside the one that it will be.
    fn begin(&mut self, path: &str) -> Result<Part, Error> {
        if path.is_empty() || path.ends_with('/') || self.dir.metadata(path).is_ok_and(|data| data.is_dir()) {
            return Err(Error::new(Code::METHOD_NOT_ALLOWED, "this is a directory"));
        }
        let above = path.rsplit_once('/').map(|(above, _)| format!("{above}/")).unwrap_or_default();
        loop {
            self.parts += 1;
            let name = format!("{above}{PART}{}-{}", std::process::id(), self.parts);
            match self.dir.open_with(&name, OpenOptions::new().write(true).create_new(true)) {
                Ok(file) => return Ok(Part { name, file, written: 0 }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(Error::new(Code::NOT_FOUND, "no such directory"));
                }
                Err(error) => return Err(refused(&error)),
            }
        }
    }

    pub fn delete(&mut self, request: &Asked<'_>, reply: Reply<'_, '_>) -> Result<Answer, Error> {
        let path = path(request)?;
        if path.is_empty() || path.ends_with('/') || self.dir.symlink_metadata(&path).is_ok_and(|data| data.is_dir()) {
            return Err(Error::new(Code::METHOD_NOT_ALLOWED, "this is a directory"));
        }
        self.refuse_link(&path)?;
        match self.dir.remove_file(&path) {
            // RFC 7252 5.8.4: also where there was nothing.
            Ok(()) => {
                self.listed = None;
                self.seen(&path, None);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(refused(&error)),
        }
        Ok(reply.done())
    }

    /// A link that leads elsewhere is left as it is.
    fn refuse_link(&self, path: &str) -> Result<(), Error> {
        match self.dir.metadata(path) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(refused(&error)),
            _ => Ok(()),
        }
    }

    /// What discovery lists.
    pub fn list(&mut self, listing: &mut Listing<'_>) {
        let is_fresh = |listed: &(Instant, _)| listed.0.elapsed() < FRESH;
        if !self.listed.as_ref().is_some_and(is_fresh) {
            let mut files = Vec::new();
            self.walk("", DEEP, &mut files);
            self.listed = Some((Instant::now(), files));
        }
        for (path, length) in self.listed.iter().flat_map(|(_, files)| files) {
            listing.add(path, u32::try_from(*length).ok());
        }
    }

    fn walk(&self, place: &str, deep: usize, files: &mut Vec<(String, u64)>) {
        let Some(deep) = deep.checked_sub(1) else { return };
        for (name, data) in entries(&self.dir, place).unwrap_or_default() {
            if files.len() >= MANY {
                return;
            }
            let path = if place.is_empty() { name } else { format!("{place}/{name}") };
            if data.is_dir() {
                // Not through links, which may go round in circles.
                if self.dir.symlink_metadata(&path).is_ok_and(|data| data.is_dir()) {
                    self.walk(&path, deep, files);
                }
            } else {
                files.push((path, data.len()));
            }
        }
    }

    /// What is observed and has changed since it was looked at last.
    pub fn changed(&mut self) -> Vec<String> {
        let mut changed = Vec::new();
        for (path, seen) in &mut self.watched {
            let now = self.dir.metadata(if path.is_empty() { "." } else { path }).ok().map(|data| stamp(&data));
            if now != *seen {
                *seen = now;
                changed.push(path.clone());
            }
        }
        changed
    }

    /// A client has changed it, of which the server tells by itself.
    fn seen(&mut self, path: &str, stamp: Option<u64>) {
        if let Some(seen) = self.watched.get_mut(path) {
            *seen = stamp;
        }
    }

    /// All that is watched, if that is as much as may be: much of it may not be observed any more.
    pub fn crowd(&self) -> Vec<String> {
        if self.watched.len() < WATCHED { Vec::new() } else { self.watched.keys().cloned().collect() }
    }

    /// Nobody observes it any more.
    pub fn unobserved(&mut self, path: &str) {
        self.watched.remove(path);
    }

    /// Nobody observes anything.
    pub fn forget(&mut self) {
        self.watched.clear();
    }

    /// A body ends before its last piece.
    pub fn broken(&mut self, transfer: TransferId) {
        if let Some(part) = self.coming.remove(&transfer) {
            let _ = self.dir.remove_file(&part.name);
        }
    }

    /// All that is half written goes.
    pub fn end(mut self) {
        for (_, part) in self.coming.drain() {
            let _ = self.dir.remove_file(&part.name);
        }
    }
}

/// The path that is asked for, below the directory; with a `/` at its end, if it has one.
fn path(request: &Asked<'_>) -> Result<String, Error> {
    let mut path = String::new();
    let mut ended = false;
    for (index, segment) in request.tail().enumerate() {
        let segment = segment.map_err(|_| Error::new(Code::BAD_REQUEST, "a name that is not UTF-8"))?;
        if ended {
            return Err(Error::new(Code::NOT_FOUND, "no such file"));
        }
        // Percent-encoded they come as such: RFC 7252 5.10.1 has no . and .. in Uri-Path.
        if matches!(segment, "." | "..") || segment.contains(['/', '\\', '\0']) {
            return Err(Error::new(Code::FORBIDDEN, "this path leads elsewhere"));
        }
        if segment.starts_with(PART) {
            return Err(Error::new(Code::NOT_FOUND, "no such file"));
        }
        ended = segment.is_empty();
        if index > 0 {
            path.push('/');
        }
        path.push_str(segment);
    }
    Ok(path)
}

/// Opens a file or directory to be read.
fn open(dir: &Dir, path: &str) -> Result<File, Error> {
    let path = path.trim_end_matches('/');
    let path = if path.is_empty() { "." } else { path };
    // A device may do something when it is opened.
    let data = dir.metadata(path).map_err(|error| refused(&error))?;
    if !data.is_file() && !data.is_dir() {
        return Err(Error::new(Code::NOT_FOUND, "no such file"));
    }
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt;
        // What has become a pipe meanwhile, without a writer, is not to stop the server.
        options.custom_flags(NON_BLOCKING);
    }
    dir.open_with(path, &options).map_err(|error| refused(&error))
}

#[cfg(target_os = "linux")]
const NON_BLOCKING: i32 = nix::libc::O_NONBLOCK;
/// Of BSD and macOS.
#[cfg(all(unix, not(target_os = "linux")))]
const NON_BLOCKING: i32 = 4;

/// What is in a directory and is a file or a directory, by name; without what begins with a dot.
fn entries(dir: &Dir, place: &str) -> io::Result<Vec<(String, Metadata)>> {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") };
    let names = dir.read_dir(if place.is_empty() { "." } else { place })?.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        if name.starts_with('.') { None } else { Some(name) }
    });
    // Through links, if they lead to what is below the directory.
    let known = |name: String| Some((dir.metadata(below(&name)).ok()?, name));
    let mut entries: Vec<(String, Metadata)> = names.filter_map(known).map(|(data, name)| (name, data)).collect();
    entries.retain(|(_, data)| data.is_file() || data.is_dir());
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(entries)
}

/// Fills the buffer from an offset on, as far as the file goes, and says how far that is.
fn read_at(file: &mut File, offset: u32, buffer: &mut [u8]) -> usize {
    if file.seek(SeekFrom::Start(offset.into())).is_err() {
        return 0;
    }
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    filled
}

/// What tells one state of a file from another: its length, its times and its place on the disk.
fn stamp(data: &Metadata) -> u64 {
    let mut hasher = DefaultHasher::new();
    data.len().hash(&mut hasher);
    data.modified().ok().map(cap_std::time::SystemTime::into_std).hash(&mut hasher);
    #[cfg(unix)]
    {
        use cap_std::fs::MetadataExt;
        (data.ctime(), data.ctime_nsec(), data.ino()).hash(&mut hasher);
    }
    hasher.finish()
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// What the operating system's refusal is to a client.
fn refused(error: &io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
            Error::new(Code::NOT_FOUND, "no such file")
        }
        // A link that leads elsewhere is one of these.
        ErrorKind::PermissionDenied => Error::new(Code::FORBIDDEN, "this may not be had"),
        ErrorKind::IsADirectory => Error::new(Code::METHOD_NOT_ALLOWED, "this is a directory"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Error::new(Code::INTERNAL_SERVER_ERROR, "the disk is full")
        }
        _ => Error::new(Code::INTERNAL_SERVER_ERROR, "the file cannot be used"),
    }
}

/// The format of a file, by how its name ends.
fn format_of(path: &str) -> ContentFormat {
    let ending = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending);
    let name = match ending.unwrap_or_default().to_ascii_lowercase().as_str() {
        "txt" | "md" | "log" | "conf" | "csv" | "tsv" | "rs" | "toml" => return ContentFormat::TEXT_PLAIN,
        "json" => return ContentFormat::JSON,
        "cbor" => return ContentFormat::CBOR,
        "wlnk" => return ContentFormat::LINK_FORMAT,
        "xml" => "application/xml",
        "css" => "text/css",
        "js" => "application/javascript",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "senml" => "application/senml+json",
        "senmlc" => "application/senml+cbor",
        _ => return ContentFormat::OCTET_STREAM,
    };
    ContentFormat::from_name(name).unwrap_or(ContentFormat::OCTET_STREAM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        for (path, format) in [
            ("a.txt", ContentFormat::TEXT_PLAIN),
            ("d.txt/a", ContentFormat::OCTET_STREAM),
            ("a.JSON", ContentFormat::JSON),
            ("a.b.cbor", ContentFormat::CBOR),
            ("", ContentFormat::OCTET_STREAM),
        ] {
            assert_eq!(format_of(path), format, "{path}");
        }
        for ending in ["xml", "css", "js", "png", "jpg", "gif", "svg", "senml", "senmlc"] {
            assert_ne!(format_of(&format!("a.{ending}")), ContentFormat::OCTET_STREAM, "{ending}");
        }
    }
}
