//! `get`, `put`, `post`, `delete`, `fetch`, `patch`, `ipatch`; and what every client command has in common.

use crate::args::{Body, Connection, Request};
use crate::shown;
use crate::terminal::{Bar, say};
use crate::{Ending, Trouble};
use coaplet::host::{Builder, Call, Client, Passed, Reply, Way, listening};
use coaplet::{Code, Message, NoResponse, OptionNumber, Transmission};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Instant;

/// A client as the command line has it.
pub fn builder(connection: &Connection) -> Result<Builder, Trouble> {
    let mut builder = Client::builder();
    if let Some(ack_timeout) = connection.ack_timeout {
        builder = builder.transmission(Transmission { ack_timeout, ..Transmission::DEFAULT });
    }
    if let Some(timeout) = connection.timeout {
        builder = builder.timeout(timeout);
    }
    if let Some(proxy) = &connection.proxy {
        builder = builder.proxy(proxy.as_str());
    }
    if let Some(bind) = &connection.bind {
        let mut address = listening(bind)?;
        // Any port, unless one is named: a server may have the one of CoAP.
        if !bind.ends_with(&format!(":{}", address.port())) {
            address.set_port(0);
        }
        builder = builder.bind(address);
    }
    if connection.verbose > 0 {
        builder = builder.trace(trace(connection.verbose > 1));
    }
    Ok(builder)
}

/// Shows each message, with the time since the start.
pub fn trace(in_full: bool) -> impl FnMut(&Passed<'_>) + Send {
    let start = Instant::now();
    move |passed| {
        let time = start.elapsed().as_secs_f64() * 1e3;
        let (arrow, remark) = match passed.way {
            Way::Sent => ("->", ""),
            Way::Due => ("->", "(due) "),
            Way::Received => ("<-", ""),
            Way::Unreachable => ("!!", "nobody listens there: "),
        };
        let (peer, length) = (passed.peer, passed.datagram.len());
        let message = match Message::parse(passed.datagram) {
            Ok(message) if in_full => format!("{message:#?}"),
            Ok(message) => message.to_string(),
            Err(error) => format!("not a message: {error}"),
        };
        say(format_args!("{time:>9.1} ms  {arrow} {peer}  {length:>4} bytes  {remark}{message}"));
    }
}

pub fn run(method: Code, asked: &Request, body: Option<&Body>) -> Result<Ending, Trouble> {
    // Before anything is sent: a file that cannot be read.
    let payload = body.map(payload).transpose()?.flatten();
    let mut client = builder(&asked.connection)?.connect(&asked.uri)?;
    let mut bar = Bar::transfer(&method.to_string(), asked.connection.verbose == 0);
    let mut told = |bytes, size| bar.bytes(bytes, size);
    let mut call = options(client.call(method, "")?, asked).progress(&mut told);
    if let Some(format) = body.and_then(|body| body.content_format) {
        call = call.content_format(format);
    }
    if let Some(payload) = payload {
        call = call.payload(payload);
    }
    let reply = call.send();
    drop(bar);
    let reply = reply?;
    answered(&reply, asked.output.as_deref())
}

fn options<'c>(mut call: Call<'c>, asked: &Request) -> Call<'c> {
    for etag in &asked.if_match {
        call = call.option(OptionNumber::IF_MATCH, &etag.0);
    }
    for etag in &asked.etag {
        call = call.option(OptionNumber::ETAG, &etag.0);
    }
    if asked.if_none_match {
        call = call.option(OptionNumber::IF_NONE_MATCH, &[]);
    }
    for option in &asked.option {
        call = call.option(option.number, &option.value);
    }
    if let Some(format) = asked.accept {
        call = call.accept(format);
    }
    if asked.no_response {
        call = call.no_response(NoResponse::new(26));
    }
    if asked.non {
        call = call.non();
    }
    if let Some(token) = asked.token {
        call = call.token(token);
    }
    if let Some(size) = asked.block_size {
        call = call.block_size(size);
    }
    call
}

/// What is to be sent; `None` if nothing was given.
fn payload(body: &Body) -> Result<Option<Vec<u8>>, Trouble> {
    if let Some(text) = &body.payload {
        return Ok(Some(text.as_bytes().into()));
    }
    let stdin = || {
        let mut all = Vec::new();
        io::stdin().read_to_end(&mut all).map_err(|error| Trouble::file("read", "standard input", &error))?;
        Ok(Some(all))
    };
    match &body.file {
        Some(file) if file != Path::new("-") => {
            std::fs::read(file).map(Some).map_err(|error| Trouble::file("read", file.display(), &error))
        }
        None if body.input.is_none() => Ok(None),
        _ => stdin(),
    }
}

/// Shows an answer: the payload of a success on standard output, or in a file, and all else on standard error.
pub fn answered(reply: &Reply, output: Option<&Path>) -> Result<Ending, Trouble> {
    let code = reply.code();
    if code == Code::EMPTY {
        say("sent; no response was asked for, and none has come");
        return Ok(Ending::Done);
    }
    if !code.is_success() {
        let text = shown::on_terminal(reply.content_format(), reply.payload());
        let separator = if text.is_empty() { "" } else { ": " };
        say(format_args!("coap: {code}{separator}{}", text.trim_end()));
        return Ok(Ending::of(code));
    }
    if code != Code::CONTENT {
        let place = reply.location().map(|place| format!(" at {place}")).unwrap_or_default();
        say(format_args!("{code}{place}"));
    }
    match output {
        Some(file) => {
            let written = File::create(file).and_then(|mut file| file.write_all(reply.payload()));
            written.map_err(|error| Trouble::file("write", file.display(), &error))?;
        }
        None => shown::payload(reply.content_format(), reply.payload())?,
    }
    Ok(Ending::Done)
}
