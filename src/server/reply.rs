//! Where a handler writes its answer: options and payload go straight into the message.

use super::request::Later;
use super::table::is_safe;
use crate::block::{Body, Settings, Written, put, serve_in};
use crate::endpoint::RequestId;
use crate::wire::{Code, ContentFormat, Message, OptionNumber, OptionsOf, Writer, path_segments, same};
use core::fmt;

/// What a handler has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Answer {
    /// It has answered: what the last call of [`Reply`] gives.
    Done(Done),
    /// It will, by [`Server::complete`](super::Server::complete): the request of this [id](super::Request::id).
    Later(RequestId),
}

/// An answer is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Done(());

/// The answer to a request, written in place.
///
/// The code is 2.05 for GET and FETCH, 2.02 for DELETE and else 2.04, unless another one is set. Options may come in any
/// order, but before the payload. What does not fit into one message, or is asked for in blocks, is sent in blocks
/// (RFC 7959 2.4): the handler is called for each, and writes all of it.
///
/// ```
/// use coaplet::ContentFormat;
/// use coaplet::server::{Answer, Error, Reply, Request};
/// use core::fmt::Write;
///
/// fn temperature(celsius: &mut f32, request: &Request, reply: Reply) -> Result<Answer, Error> {
///     let mut reply = reply.content_format(ContentFormat::TEXT_PLAIN).max_age(10);
///     match request.query("unit") {
///         Some("F") => write!(reply, "{:.1}", *celsius * 1.8 + 32.0)?,
///         _ => write!(reply, "{celsius:.1}")?,
///     }
///     Ok(reply.done())
/// }
/// # let _ = temperature;
/// ```
#[derive(Debug)]
pub struct Reply<'a, 'b> {
    pub(super) w: &'a mut Writer<'b>,
    pub(super) terms: &'a Terms<'a>,
    pub(super) so_far: &'a mut SoFar,
}

/// What the request says of its answer.
#[derive(Debug)]
pub(super) struct Terms<'a> {
    pub(super) later: &'a Later,
    pub(super) settings: &'a Settings,
    /// Where the entity-tags are with which that of the answer is compared.
    pub(super) etags: Option<&'a Message<'a>>,
}

impl Terms<'_> {
    /// Whether the answer is to be in another format.
    fn refuses(&self, format: ContentFormat) -> bool {
        is_safe(self.later.wants.method) && self.later.accept.is_some_and(|accept| accept != format)
    }

    /// The code, unless the handler sets one.
    pub(super) fn code(&self) -> Code {
        match self.later.wants.method {
            Code::GET | Code::FETCH => Code::CONTENT,
            Code::DELETE => Code::DELETED,
            _ => Code::CHANGED,
        }
    }
}

/// What is known of an answer so far.
#[derive(Default)]
#[repr(C)]
pub(super) struct SoFar {
    /// Which of the entity-tags in question it has, counted from 1.
    pub(super) matched: u8,
    /// These are those of If-Match, and not of ETag.
    condition: bool,
    /// It has one.
    tagged: bool,
    /// The format is not the one that will do.
    unacceptable: bool,
    /// It is complete.
    served: bool,
    pub(super) format: Option<ContentFormat>,
    max_age: Option<u32>,
    written: Option<Written>,
}

impl SoFar {
    pub(super) fn for_condition(&mut self) -> &mut SoFar {
        self.condition = true;
        self
    }

    fn put_max_age(&mut self, w: &mut Writer<'_>, seconds: u32) {
        if self.max_age.is_none() {
            self.max_age = Some(seconds);
            put::<true>(w, OptionNumber::MAX_AGE, Some(seconds));
        }
    }
}

impl fmt::Debug for SoFar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoFar").finish_non_exhaustive()
    }
}

impl Reply<'_, '_> {
    /// Sets the code.
    #[must_use]
    pub fn code(self, code: Code) -> Self {
        self.w.code(code);
        self
    }

    /// 2.01 Created, and where: one Location-Path for each segment (RFC 7252 5.10.7), none for an empty path.
    #[must_use]
    pub fn created(self, path: &str) -> Self {
        self.w.code(Code::CREATED);
        for segment in path_segments(path) {
            self.w.insert(OptionNumber::LOCATION_PATH, segment);
        }
        self
    }

    /// One Location-Query, such as `first=1`.
    #[must_use]
    pub fn location_query(self, argument: &str) -> Self {
        self.w.insert(OptionNumber::LOCATION_QUERY, argument.as_bytes());
        self
    }

    /// Content-Format. A GET or FETCH that accepts another one is answered with 4.06 in the place of all this. It is there once
    /// (RFC 7252 5.10): the first one stays.
    #[must_use]
    pub fn content_format(self, format: ContentFormat) -> Self {
        if self.so_far.format.is_some() {
            return self;
        }
        self.so_far.format = Some(format);
        self.so_far.unacceptable = self.terms.refuses(format);
        put::<true>(self.w, OptionNumber::CONTENT_FORMAT, Some(u32::from(format.get())));
        self
    }

    /// ETag, 1 to 8 bytes: of each representation another one. More are cut, and without any this does nothing; the first one
    /// stays. If the client has it already, 2.03 is sent in the place of all this (RFC 7252 5.9.1.3).
    #[must_use]
    pub fn etag(self, etag: &[u8]) -> Self {
        let etag = etag.get(..8).unwrap_or(etag);
        if !etag.is_empty() && !self.so_far.tagged {
            self.so_far.tagged = true;
            let matched = self.etags().and_then(|mut etags| etags.position(|its| same(its, etag)));
            self.so_far.matched = matched.map_or(0, |at| (at as u8).saturating_add(1));
            self.w.insert(OptionNumber::ETAG, etag);
        }
        self
    }

    /// Max-Age in seconds. The first one stays.
    #[must_use]
    pub fn max_age(self, seconds: u32) -> Self {
        self.so_far.put_max_age(self.w, seconds);
        self
    }

    /// Another option of the answer. Block1, Block2, Size2 and Observe are written by the server.
    #[must_use]
    pub fn option(self, number: OptionNumber, value: &[u8]) -> Self {
        self.w.insert(number, value);
        self
    }

    /// The answer ends: with what was written, or without a payload.
    pub fn done(self) -> Answer {
        Answer::Done(Done(()))
    }

    /// The payload, or what is left of it: bytes.
    pub fn payload(mut self, bytes: &[u8]) -> Answer {
        self.put(bytes);
        self.done()
    }

    /// The payload as text, of the Content-Format text/plain unless one is there already.
    pub fn text(self, text: &str) -> Answer {
        self.content_format(ContentFormat::TEXT_PLAIN).payload(text.as_bytes())
    }

    /// The payload from wherever it is: only the block that is asked for is read.
    pub fn body(mut self, body: Body<'_>) -> Answer {
        if !self.is_void() {
            self.settle();
            serve_in::<true>(self.w, &self.terms.later.wants.asked, body, self.terms.settings);
        }
        self.so_far.served = true;
        self.done()
    }

    /// Where the block begins that is asked for, in bytes: for who wants to know. 0: the first, or all.
    #[must_use]
    pub fn offset(&self) -> u32 {
        self.terms.later.wants.asked.offset()
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        if self.is_void() {
            return;
        }
        if self.so_far.written.is_none() {
            self.settle();
            self.so_far.written = Some(Written::begin(self.w, &self.terms.later.wants.asked, self.terms.settings));
        }
        if let Some(written) = &mut self.so_far.written {
            written.put(self.w, bytes);
        }
    }

    /// The entity-tags with which that of the answer is compared.
    fn etags(&self) -> Option<OptionsOf<'_>> {
        let message = self.terms.etags?;
        if self.so_far.condition {
            return Some(message.if_match());
        }
        (self.terms.later.wants.method == Code::GET).then(|| message.etags())
    }

    /// Writes 2.03 in the place of what the client has already (RFC 7252 5.9.1.3): with the ETag, and without a payload.
    pub(super) fn validate(&mut self) -> bool {
        if self.so_far.unacceptable || !self.is_valid() {
            return false;
        }
        self.w.restart().code(Code::VALID);
        let which = usize::from(self.so_far.matched).wrapping_sub(1);
        let age = self.so_far.max_age.unwrap_or(self.terms.later.wants.max_age);
        if let Some(etag) = self.terms.etags.and_then(|message| message.etags().nth(which)) {
            self.w.option(OptionNumber::ETAG, etag);
        }
        if age != 60 {
            put::<true>(self.w, OptionNumber::MAX_AGE, Some(age));
        }
        true
    }

    /// Whether 2.03 will be sent in its place.
    fn is_valid(&self) -> bool {
        self.so_far.matched > 0 && self.w.present_code() == Code::CONTENT
    }

    /// Whether something else will be sent in its place.
    fn is_void(&self) -> bool {
        self.so_far.unacceptable || self.is_valid()
    }

    /// No option follows, but those of a transfer.
    fn settle(&mut self) {
        let age = self.terms.later.wants.max_age;
        if age != 60 && self.w.present_code() == Code::CONTENT {
            self.so_far.put_max_age(self.w, age);
        }
    }

    /// The handler has said that it is done.
    pub(super) fn finish(mut self) -> Result<(), Code> {
        if self.so_far.unacceptable {
            return Err(Code::NOT_ACCEPTABLE);
        }
        if self.so_far.served {
            return Ok(());
        }
        self.put(&[]);
        match &self.so_far.written {
            Some(written) => written.end(self.w, &self.terms.later.wants.asked),
            None => Ok(()),
        }
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Reply<'_, '_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Reply({})", self.w);
    }
}

impl fmt::Write for Reply<'_, '_> {
    /// Appends text to the payload. Never an error.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes());
        Ok(())
    }
}
