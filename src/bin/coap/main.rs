//! `coap`: asks and serves over CoAP.

#![forbid(unsafe_code)]

mod args;
mod bench;
mod decode;
mod diagnostic;
mod discover;
mod files;
mod observe;
mod pages;
mod percent;
mod ping;
mod request;
mod serve;
mod shown;
mod terminal;

use args::{Args, Command};
use clap::Parser;
use clap::error::ErrorKind;
use coaplet::Code;
use coaplet::host::Error;
use std::io;
use std::process::ExitCode;
use terminal::say;

/// How the command ends: the statuses that `--help` lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    Done = 0,
    /// No answer, or a file or socket that cannot be used.
    Failed = 1,
    Usage = 2,
    /// 4.xx.
    ClientError = 4,
    /// 5.xx.
    ServerError = 5,
}

impl Ending {
    fn of(code: Code) -> Ending {
        match code.class() {
            4 => Ending::ClientError,
            5 => Ending::ServerError,
            _ => Ending::Done,
        }
    }
}

/// Why a command does not do what it is to do: the line that says so, and how it ends.
#[derive(Debug)]
struct Trouble {
    ending: Ending,
    what: String,
}

impl Trouble {
    fn usage(what: impl Into<String>) -> Trouble {
        Trouble { ending: Ending::Usage, what: what.into() }
    }

    fn failed(what: impl Into<String>) -> Trouble {
        Trouble { ending: Ending::Failed, what: what.into() }
    }

    /// Of a file: what was to be done with it.
    fn file(doing: &str, name: impl std::fmt::Display, error: &io::Error) -> Trouble {
        Trouble::failed(format!("cannot {doing} {name}: {error}"))
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        let ending = match error {
            Error::Uri { .. } | Error::Request(_) => Ending::Usage,
            _ => Ending::Failed,
        };
        Trouble { ending, what: error.to_string() }
    }
}

/// Standard output can not be written. Who reads it may have seen enough: that is no failure.
impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Trouble { ending: Ending::Done, what: String::new() },
            _ => Trouble::file("write to", "standard output", &error),
        }
    }
}

fn main() -> ExitCode {
    let ending = match Args::try_parse() {
        Ok(args) => run(args.command).unwrap_or_else(|trouble| {
            if !trouble.what.is_empty() {
                say(format_args!("coap: {}", trouble.what));
            }
            trouble.ending
        }),
        Err(error) => usage(&error),
    };
    ExitCode::from(ending as u8)
}

fn run(command: Command) -> Result<Ending, Trouble> {
    match command {
        Command::Get(asked) => request::run(Code::GET, &asked, None),
        Command::Delete(asked) => request::run(Code::DELETE, &asked, None),
        Command::Put(sent) => request::run(Code::PUT, &sent.request, Some(&sent.body)),
        Command::Post(sent) => request::run(Code::POST, &sent.request, Some(&sent.body)),
        Command::Fetch(sent) => request::run(Code::FETCH, &sent.request, Some(&sent.body)),
        Command::Patch(sent) => request::run(Code::PATCH, &sent.request, Some(&sent.body)),
        Command::Ipatch(sent) => request::run(Code::IPATCH, &sent.request, Some(&sent.body)),
        Command::Observe(given) => observe::run(&given),
        Command::Discover(given) => discover::run(&given),
        Command::Ping(given) => ping::run(&given),
        Command::Serve(given) => serve::run(&given),
        Command::Decode(given) => decode::run(&given),
        Command::Bench(given) => bench::run(&given),
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { command } => pages::man(command.as_deref()),
    }
}

/// A command line that cannot be read: in one line.
fn usage(error: &clap::Error) -> Ending {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = error.print();
        return Ending::Done;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return Ending::Usage;
    }
    let text = error.to_string();
    let first: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let first = first.join(" ");
    say(format_args!("coap: {}; --help tells more", first.strip_prefix("error: ").unwrap_or(&first)));
    Ending::Usage
}
