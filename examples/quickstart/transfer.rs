//! A body that is longer than a message: fetched or sent in blocks (RFC 7959).

use crate::client::Link;
use coaplet::block::{Body, Fetch, Progress, Send, Settings};
use coaplet::endpoint::{ClientResponse, Failure, Handle, Request, RequestError, Transmit};
use coaplet::{Instant, Message, Writer};
use std::net::SocketAddr;

/// A download, or an upload: what the endpoint needs to go on with it.
pub struct Transfer<'a> {
    machine: Machine<'a>,
    /// Writes the options of each request.
    options: &'a dyn Fn(&mut Writer<'_>),
}

enum Machine<'a> {
    Fetch(Fetch<SocketAddr>),
    Send(Send<SocketAddr>, &'a [u8]),
}

impl<'a> Transfer<'a> {
    /// With blocks of at most so many bytes; `None`: as large as the server likes.
    pub fn download(from: SocketAddr, block: Option<u16>, options: &'a dyn Fn(&mut Writer<'_>)) -> Transfer<'a> {
        Transfer { machine: Machine::Fetch(Fetch::new(from, Request::get(), settings(block))), options }
    }

    pub fn upload(
        to: SocketAddr,
        body: &'a [u8],
        block: Option<u16>,
        options: &'a dyn Fn(&mut Writer<'_>),
    ) -> Transfer<'a> {
        Transfer { machine: Machine::Send(Send::new(to, Request::put(), settings(block)), body), options }
    }

    /// The next request, if one is due.
    pub fn ask(&mut self, link: &mut Link, now: Instant) -> Result<Option<Transmit<SocketAddr>>, RequestError> {
        let Link { endpoint, tx } = link;
        match &mut self.machine {
            Machine::Fetch(fetch) => fetch.ask(endpoint, now, tx, self.options),
            Machine::Send(send, body) => send.ask(endpoint, now, tx, Body::slice(body), self.options),
        }
    }

    /// A download begins with a block that has come as a notification, which says that what came before it is old.
    pub fn begin<'d>(&mut self, link: &mut Link, message: &Message<'d>) -> Progress<'d> {
        match &mut self.machine {
            Machine::Fetch(fetch) => fetch.begin_with(&mut link.endpoint, message),
            Machine::Send(..) => Progress::Next,
        }
    }

    pub fn take<'d>(&mut self, response: &ClientResponse<'d, SocketAddr>) -> Option<Progress<'d>> {
        match &mut self.machine {
            Machine::Fetch(fetch) => fetch.take(response),
            Machine::Send(send, _) => send.take(response),
        }
    }

    pub fn failed(&mut self, handle: Handle, why: Failure) -> Option<Progress<'static>> {
        match &mut self.machine {
            Machine::Fetch(fetch) => fetch.failed(handle, why),
            Machine::Send(send, _) => send.failed(handle, why),
        }
    }

    /// How many bytes of the body have gone by.
    pub fn bytes(&self) -> u32 {
        match &self.machine {
            Machine::Fetch(fetch) => fetch.offset(),
            Machine::Send(send, _) => send.sent(),
        }
    }

    /// How many there are, as far as that is known.
    pub fn size(&self) -> Option<u32> {
        match &self.machine {
            Machine::Fetch(fetch) => fetch.size(),
            Machine::Send(_, body) => u32::try_from(body.len()).ok(),
        }
    }
}

fn settings(block: Option<u16>) -> Settings {
    match block {
        Some(block_size) => Settings { block_size, early: true, ..Settings::DEFAULT },
        None => Settings::DEFAULT,
    }
}
