//! A CoAP server and client over real UDP sockets, each a loop around an `Endpoint`.
//!
//! | file | what it has |
//! |---|---|
//! | `device.rs` | the resources: this is what an application writes |
//! | `server.rs`, `client.rs` | an endpoint and its loop: datagrams in, what is due out, and sleep until something is |
//! | `udp.rs` | the socket, the clock and the randomness that the endpoint is given |
//! | `target.rs` | the URI that is asked |
//! | `transfer.rs` | bodies that are longer than a message |
//! | `tour.rs`, `trace.rs` | the exchanges that are shown, and how |

mod client;
mod device;
mod server;
mod target;
mod tour;
mod trace;
mod transfer;
mod udp;

use client::{Answer, Client, NoAnswer};
use coaplet::{CoapUri, ContentFormat, Transmission, Writer};
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;
use trace::{To, Trace};
use transfer::Transfer;
use udp::Udp;

const HELP: &str = "\
A CoAP server and client to try.

  cargo run --example quickstart                           both on this machine: some exchanges, then it ends
  cargo run --example quickstart -- serve                  a server on 127.0.0.1:5683 for any CoAP client
  cargo run --example quickstart -- serve --bind [::1]:5700
  cargo run --example quickstart -- get coap://127.0.0.1:5683/time
  cargo run --example quickstart -- put coap://127.0.0.1:5683/led on
  cargo run --example quickstart -- put coap://127.0.0.1:5683/file --from photo.jpeg
  cargo run --example quickstart -- get coap://127.0.0.1:5683/file --block 64 > photo.jpeg
  cargo run --example quickstart -- observe coap://127.0.0.1:5683/count
  cargo run --example quickstart -- tour coap://127.0.0.1:5683      the same exchanges with a server elsewhere

serve:
  --bind ADDRESS          where to listen: 127.0.0.1:5683 unless given; port 0 takes a free one
observe:
  --count COUNT           ends after so many notifications, the first answer included; unless given, never
get, put, observe:
  --block BYTES           how large the blocks are to be in which a longer body goes: 16 to 1024, a power of two. Unless
                          given, up to 1024, as the server likes
put:
  --from FILE             sends what is in a file, of any length; - for standard input
all but serve:
  --ack-timeout SECONDS   how long the first of five transmissions waits, ACK_TIMEOUT of RFC 7252: 2 unless given
all:
  --lose COUNT            loses the first datagrams that it would send, on purpose, so that they are sent again.
                          Unless given, none; without a command and in a tour, the first

get prints the payload to standard output and the messages to standard error. Exit status: 0 for a 2.xx response, 4 for
4.xx, 5 for 5.xx, 1 when there is none or it is not whole, 2 for a wrong command line.
";

/// How the client is to behave.
#[derive(Clone, Copy)]
struct Manner {
    ack_timeout: Duration,
    lose: u32,
    block: Option<u16>,
}

/// One line for standard error, and the exit status.
struct Failed(u8, String);

impl From<String> for Failed {
    fn from(line: String) -> Failed {
        Failed(1, line)
    }
}

impl From<lexopt::Error> for Failed {
    fn from(error: lexopt::Error) -> Failed {
        usage(error.to_string())
    }
}

fn usage(why: impl std::fmt::Display) -> Failed {
    Failed(2, format!("{why}; --help tells more"))
}

fn main() -> ExitCode {
    let Err(Failed(status, line)) = run(lexopt::Parser::from_env()) else { return ExitCode::SUCCESS };
    let _ = writeln!(io::stderr(), "quickstart: {line}");
    ExitCode::from(status)
}

fn run(mut arguments: lexopt::Parser) -> Result<(), Failed> {
    use lexopt::prelude::*;
    let (mut words, mut bind, mut ack_timeout, mut lose) = (Vec::new(), None, None, None);
    let (mut block, mut from, mut most) = (None, None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => return print(HELP.as_bytes()),
            Long("bind") => bind = Some(text(arguments.value()?)?),
            Long("ack-timeout") => ack_timeout = Some(seconds(&text(arguments.value()?)?)?),
            Long("block") => block = Some(block_size(&text(arguments.value()?)?)?),
            Long("count") => most = Some(count("--count", &text(arguments.value()?)?)?),
            Long("from") => from = Some(arguments.value()?),
            Long("lose") => lose = Some(count("--lose", &text(arguments.value()?)?)?),
            Value(word) => words.push(text(word)?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", ..] if ack_timeout.is_some() => {
            return Err(usage("--ack-timeout goes with get, put, observe and tour"));
        }
        ["serve", ..] => {}
        _ if bind.is_some() => return Err(usage("--bind goes with serve")),
        _ => {}
    }
    if block.is_some() && !matches!(words[..], ["get" | "put" | "observe", ..]) {
        return Err(usage("--block goes with get, put and observe"));
    }
    if most.is_some() && !matches!(words[..], ["observe", ..]) {
        return Err(usage("--count goes with observe"));
    }
    if from.is_some() && !matches!(words[..], ["put", ..]) {
        return Err(usage("--from goes with put"));
    }
    // What is to be seen of a lost datagram is seen in the tour; who asks for something wants it soon.
    let lose = lose.unwrap_or(u32::from(matches!(words[..], [] | ["tour", ..])));
    let manner = Manner { ack_timeout: ack_timeout.unwrap_or(Transmission::DEFAULT.ack_timeout), lose, block };
    match words[..] {
        [] => both(manner),
        ["serve"] => serve(bind.as_deref().unwrap_or("127.0.0.1:5683"), lose),
        ["get", uri] => get(uri, manner),
        ["put", uri, payload] if from.is_none() => put(uri, payload.as_bytes(), ContentFormat::TEXT_PLAIN, manner),
        ["put", uri] if from.is_some() => {
            put(uri, &read(&from.unwrap_or_default())?, ContentFormat::OCTET_STREAM, manner)
        }
        ["observe", uri] => observe(uri, most, manner),
        ["tour", uri] => ask(&parse(uri)?, manner, To::Stdout, tour::tour),
        ["get" | "observe" | "tour"] => Err(usage("the URI is missing, as in coap://127.0.0.1:5683/time")),
        ["put", _, _] => Err(usage("put takes a payload or --from a file, not both")),
        ["put"] | ["put", _] => {
            Err(usage("put takes a URI and a payload, as in coap://127.0.0.1:5683/led on, or --from a file"))
        }
        ["serve" | "get" | "put" | "observe" | "tour", .., extra] => {
            Err(usage(format!("{extra:?} is one argument too many")))
        }
        [uri, ..] if uri.contains("://") => Err(usage(format!("to ask a server, say get {uri}"))),
        [word, ..] => Err(usage(format!("{word:?} is no command: serve, get, put, observe and tour are"))),
    }
}

/// Server and client in one process, each with a socket and an endpoint of its own.
fn both(Manner { ack_timeout, lose, .. }: Manner) -> Result<(), Failed> {
    let free = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
    let socket =
        UdpSocket::bind(&free[..]).map_err(|error| format!("cannot listen on the loopback address: {error}"))?;
    let address = socket.local_addr().map_err(|error| format!("cannot tell where the server listens: {error}"))?;
    // It ends with the process.
    std::thread::spawn(move || server::serve(Udp::new(socket, 0, Trace::new(To::Nowhere))));
    let trace = Trace::new(To::Stdout);
    trace.line(format_args!("A server listens on {address}. A client asks it, and prints each message:\n"));
    let asked = Client::connect(address, ack_timeout, lose, trace).and_then(|mut client| tour::tour(&mut client));
    asked.map_err(|failure| failure.to_string().into())
}

fn serve(bind: &str, lose: u32) -> Result<(), Failed> {
    let addresses = target::to_bind(bind).map_err(|(status, why)| Failed(status, why))?;
    let socket = UdpSocket::bind(&addresses[..]).map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::AddrInUse => "another program listens there: end it, or choose a port with --bind 127.0.0.1:0",
            ErrorKind::AddrNotAvailable => "this machine has no such address: --bind takes one of its own",
            ErrorKind::PermissionDenied => "ports below 1024 are for root: choose another",
            _ => "choose another address with --bind",
        };
        format!("cannot listen on {bind}: {error}: {advice}")
    })?;
    let address = socket.local_addr().map_err(|error| format!("cannot tell where the server listens: {error}"))?;
    let mut local = address;
    if address.ip().is_unspecified() {
        local.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    let trace = Trace::new(To::Stdout);
    trace.line(format_args!(
        "listening on {address}, until Ctrl-C. To try:

  cargo run --example quickstart -- get coap://{local}/time
  cargo run --example quickstart -- put coap://{local}/led on
  coap-client-notls -m get coap://{local}/.well-known/core
  coap-client-notls -m get coap://{local}/slow
  coap-client-notls -m put -e off coap://{local}/led
"
    ));
    server::serve(Udp::new(socket, lose, trace))
}

fn get(uri: &str, manner: Manner) -> Result<(), Failed> {
    let target = parse(uri)?;
    let options = |request: &mut Writer<'_>| _ = request.uri(&target);
    let answer = ask(&target, manner, To::Stderr, |client| {
        let mut transfer = Transfer::download(client.peer(), manner.block, &options);
        client.transfer(&mut transfer, |_| {})
    })?;
    print_payload(&success(uri, answer)?)
}

fn put(uri: &str, body: &[u8], format: ContentFormat, manner: Manner) -> Result<(), Failed> {
    let target = parse(uri)?;
    let options = |request: &mut Writer<'_>| {
        // Ascending numbers: Uri-Query, 15, comes after Content-Format, 12.
        request.uri(&target);
        let format = coaplet::wire::uint::encode(u32::from(format.get()));
        request.insert(coaplet::OptionNumber::CONTENT_FORMAT, format.as_bytes());
    };
    let answer = ask(&target, manner, To::Stderr, |client| {
        let mut transfer = Transfer::upload(client.peer(), body, manner.block, &options);
        client.transfer(&mut transfer, |_| {})
    })?;
    print_payload(&success(uri, answer)?)
}

/// Prints each notification on a line of its own.
fn observe(uri: &str, most: Option<u32>, manner: Manner) -> Result<(), Failed> {
    let target = parse(uri)?;
    let options = |request: &mut Writer<'_>| _ = request.uri(&target);
    let (mut left, mut last) = (most, Ok(()));
    let observed = ask(&target, manner, To::Stderr, |client| {
        client.observe(manner.block, &options, |answer| {
            left = left.map(|left| left.saturating_sub(1));
            let answer = Answer { code: answer.code, payload: answer.payload.clone() };
            last = success(uri, answer).and_then(|mut payload| {
                payload.push(b'\n');
                print(&payload)
            });
            last.is_ok() && left != Some(0)
        })
    })?;
    last?;
    match left {
        Some(0) => Ok(()),
        _ if observed => Ok(()),
        _ => Err(Failed(1, format!("{uri} is not to be observed, or not any more"))),
    }
}

/// The payload of a 2.xx response; of another one it is part of the error.
fn success(uri: &str, Answer { code, payload }: Answer) -> Result<Vec<u8>, Failed> {
    if code.is_success() {
        return Ok(payload);
    }
    let why = String::from_utf8_lossy(&payload);
    let why = if why.is_empty() { String::new() } else { format!(": {}", why.escape_debug()) };
    Err(Failed(code.class(), format!("{uri} answers {code}{why}")))
}

fn read(file: &OsStr) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    let read = if file == "-" { io::stdin().read_to_end(&mut bytes).map(|_| bytes) } else { std::fs::read(file) };
    read.map_err(|error| Failed(2, format!("cannot read {file:?}: {error}")))
}

/// Asks at the target's addresses, one after the other, until something listens.
fn ask<T>(
    target: &CoapUri<'_>,
    Manner { ack_timeout, lose, .. }: Manner,
    to: To,
    mut question: impl FnMut(&mut Client) -> Result<T, NoAnswer>,
) -> Result<T, Failed> {
    let mut last = None;
    for address in target::addresses(target)? {
        match Client::connect(address, ack_timeout, lose, Trace::new(to)).and_then(|mut client| question(&mut client)) {
            Err(failure @ (NoAnswer::Refused(_) | NoAnswer::Socket(..))) => last = Some(failure),
            answer => return answer.map_err(|failure| failure.to_string().into()),
        }
    }
    Err(last.map_or_else(|| "the host has no address".into(), |failure| failure.to_string()).into())
}

/// To a terminal with a line end, and nothing that could move its cursor; else as it came.
fn print_payload(payload: &[u8]) -> Result<(), Failed> {
    if !io::stdout().is_terminal() {
        return print(payload);
    }
    match std::str::from_utf8(payload) {
        Ok("") => Ok(()),
        Ok(text) if !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) => {
            print(format!("{}\n", text.trim_end_matches('\n')).as_bytes())
        }
        _ => {
            let _ = writeln!(io::stderr(), "{} bytes that are no text: send them to a file with > FILE", payload.len());
            Ok(())
        }
    }
}

fn print(bytes: &[u8]) -> Result<(), Failed> {
    let mut out = io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot write the output: {error}").into()),
        _ => Ok(()),
    }
}

fn parse(uri: &str) -> Result<CoapUri<'_>, Failed> {
    target::parse(uri).map_err(|why| Failed(2, why))
}

fn text(argument: OsString) -> Result<String, Failed> {
    argument.into_string().map_err(|argument| usage(format!("{argument:?} is not UTF-8")))
}

fn seconds(text: &str) -> Result<Duration, Failed> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(usage(format!("--ack-timeout {text:?}: seconds are asked for, 0.001 to 3600"))),
    }
}

fn block_size(text: &str) -> Result<u16, Failed> {
    match text.parse::<u16>() {
        Ok(size) if size.is_power_of_two() && (16..=1024).contains(&size) => Ok(size),
        _ => Err(usage(format!("--block {text:?}: 16, 32, 64, 128, 256, 512 or 1024 is asked for"))),
    }
}

fn count(option: &str, text: &str) -> Result<u32, Failed> {
    text.parse().map_err(|_| usage(format!("{option} {text:?}: a number is asked for")))
}
