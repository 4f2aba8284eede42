//! The command line.

use clap::{Args as Arguments, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use coaplet::wire::uint;
use coaplet::{ContentFormat, OptionNumber, Token};
use std::path::PathBuf;
use std::time::Duration;

/// What stands under the list of commands.
const EXAMPLES: &str = "\
Examples:
  coap get coap://[2001:db8::1]/sensors/temp
  coap put coap://sensor.local/led --payload on
  coap observe coap://sensor.local/temp --count 10
  coap discover 224.0.1.187
  coap serve . --bind 127.0.0.1:5683

Exit status: 0 if the answer is a success (2.xx), 4 for 4.xx, 5 for 5.xx; 1 if there is none, or a file or a socket \
cannot be used; 2 if the command line is wrong. Payloads go to standard output, all else to standard error.";

/// Ask and serve over CoAP, the Constrained Application Protocol (RFC 7252).
#[derive(Parser)]
#[command(name = "coap", version, after_help = EXAMPLES, max_term_width = 100, infer_subcommands = false)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Get what is there
    #[command(after_help = "Examples:
  coap get coap://127.0.0.1/time
  coap get coap://127.0.0.1/firmware --output firmware.bin --block-size 256
  coap get coap://127.0.0.1/reading --accept application/cbor | cbor2diag")]
    Get(Request),
    /// Put something there, in place of what there is
    #[command(after_help = "Examples:
  coap put coap://127.0.0.1/led --payload on
  coap put coap://127.0.0.1/firmware --file firmware.bin
  date | coap put coap://127.0.0.1/clock -
  coap put coap://127.0.0.1/led --payload on --if-match 0x5d3a")]
    Put(Sending),
    /// Have something processed, or created
    #[command(after_help = "Examples:
  coap post coap://127.0.0.1/log --payload '{\"n\":1}' --content-format application/json")]
    Post(Sending),
    /// Delete what is there
    Delete(Request),
    /// Get what the payload asks for (RFC 8132)
    Fetch(Sending),
    /// Change a part, as the payload says (RFC 8132)
    Patch(Sending),
    /// The same, of a change that may be made twice (RFC 8132)
    Ipatch(Sending),
    /// Print what is there, and again after each change, until Ctrl-C (RFC 7641)
    #[command(after_help = "Examples:
  coap observe coap://127.0.0.1/count
  coap observe coap://127.0.0.1/temp --count 10 --for 60")]
    Observe(Observe),
    /// List the resources of a host, or of everybody in a group (RFC 6690)
    #[command(after_help = "Examples:
  coap discover 127.0.0.1
  coap discover coap://sensor.local:61616 --query 'rt=temperature*'
  coap discover 224.0.1.187              all CoAP nodes on the local network
  coap discover '[ff02::fd%eth0]'        the same over IPv6, on one interface")]
    Discover(Discover),
    /// Ask for a sign of life (RFC 7252 4.3)
    Ping(Ping),
    /// Serve the files of a directory
    ///
    /// Each file below DIR is a resource that can be got, in blocks if it is long, and observed; discovery lists them.
    /// A directory gives the list of what is in it. What is not below DIR is not served, also by symbolic links.
    #[command(after_help = "Examples:
  coap serve .
  coap serve /srv/firmware --bind 127.0.0.1:5683
  coap serve /tmp/inbox --write -v")]
    Serve(Serve),
    /// Print messages that are given in hexadecimal, or what is wrong with them
    #[command(after_help = "Examples:
  coap decode 4401123501020304b474656d70
  coap decode '44 01 12 35 01 02 03 04' 0x60001235      one message an argument
  coap decode < FILE                                    one message a line
  coap decode --json < FILE                             one JSON object a line

Blanks, colons and commas may stand between bytes, and 0x in front. Empty lines are skipped; 0x alone is the datagram \
of no bytes. Bytes are counted from 0, columns from 1. Exit status: 0 if all are CoAP messages, 1 if any is not.")]
    Decode(Decode),
    /// Make many requests, and say how long they take
    #[command(after_help = "Examples:
  coap bench coap://127.0.0.1/time --clients 8 --outstanding 4 --requests 100000")]
    Bench(Bench),
    /// Print a script that completes the command line of a shell
    #[command(after_help = "Examples:
  coap completions bash > ~/.local/share/bash-completion/completions/coap")]
    Completions {
        /// Of which shell
        shell: Shell,
    },
    /// Print the manual page, in roff
    #[command(after_help = "Examples:
  coap man | man -l -
  coap man get > coap-get.1")]
    Man {
        /// Of a command in place of the whole
        command: Option<String>,
    },
}

/// How a server is talked to.
#[derive(Arguments, Clone)]
pub struct Connection {
    /// Give up after so many seconds [default: as RFC 7252 has it, 62 to 93 if nobody acknowledges]
    #[arg(long, value_name = "S", value_parser = seconds, help_heading = "Connection")]
    pub timeout: Option<Duration>,
    /// Send again what is not acknowledged after so many seconds, then after twice as many, and so on [default: 2]. Less
    /// than 1 is for networks of one's own (RFC 7252 4.8.1)
    #[arg(long, value_name = "S", value_parser = seconds, help_heading = "Connection")]
    pub ack_timeout: Option<Duration>,
    /// Ask by the proxy at this URI
    #[arg(long, value_name = "URI", help_heading = "Connection")]
    pub proxy: Option<String>,
    /// Send from this address of this machine, such as 192.0.2.1 or [::1]:61616
    #[arg(long, value_name = "ADDRESS", help_heading = "Connection")]
    pub bind: Option<String>,
    /// Show each message on standard error, with its time; twice: in full
    #[arg(long, short, action = clap::ArgAction::Count, help_heading = "Connection")]
    pub verbose: u8,
}

/// What is asked.
#[derive(Arguments)]
pub struct Request {
    /// What is asked, such as coap://[2001:db8::1]:61616/sensors/temp?u=Cel
    #[arg(value_hint = ValueHint::Url)]
    pub uri: String,
    /// The format that is wanted, by name or number
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    pub accept: Option<ContentFormat>,
    /// An option by number or name, and its value: a text, bytes as 0x01ff, a number as uint:60. May be repeated
    #[arg(long, short = 'O', value_name = "NUM=VALUE", value_parser = option)]
    pub option: Vec<Opt>,
    /// Send it once, Non-confirmable
    #[arg(long, short)]
    pub non: bool,
    /// With this token, of 0 to 8 bytes
    #[arg(long, value_name = "HEX", value_parser = token)]
    pub token: Option<Token>,
    /// In blocks of at most so many bytes: 16, 32, 64, 128, 256, 512 or 1024
    #[arg(long, short, value_name = "N", value_parser = block_size)]
    pub block_size: Option<u16>,
    /// Ask for no response (RFC 7967)
    #[arg(long)]
    pub no_response: bool,
    /// Only if it is there with this ETag; 0x: if it is there at all. May be repeated
    #[arg(long, value_name = "HEX", value_parser = bytes)]
    pub if_match: Vec<Bytes>,
    /// Only if it is not there
    #[arg(long)]
    pub if_none_match: bool,
    /// Of a GET: the ETag of what one has, so that 2.03 says that it is still valid. May be repeated
    #[arg(long, value_name = "HEX", value_parser = bytes)]
    pub etag: Vec<Bytes>,
    /// Write the payload of a success into this file
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub connection: Connection,
}

/// A request with a payload.
#[derive(Arguments)]
pub struct Sending {
    #[command(flatten)]
    pub request: Request,
    #[command(flatten)]
    pub body: Body,
}

#[derive(Arguments)]
#[group(multiple = true)]
pub struct Body {
    /// The payload comes from standard input
    #[arg(value_name = "-", value_parser = ["-"], conflicts_with_all = ["payload", "file"])]
    pub input: Option<String>,
    /// The payload
    #[arg(long, short, value_name = "TEXT", conflicts_with = "file", allow_hyphen_values = true)]
    pub payload: Option<String>,
    /// The payload is the content of this file; -: of standard input
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// The format of the payload, by name or number
    #[arg(long, short, value_name = "FORMAT", value_parser = format)]
    pub content_format: Option<ContentFormat>,
}

#[derive(Arguments)]
pub struct Observe {
    /// What is observed
    #[arg(value_hint = ValueHint::Url)]
    pub uri: String,
    /// End after so many states, of which the first is the one at the beginning
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// End after so many seconds
    #[arg(long = "for", value_name = "S", value_parser = seconds)]
    pub duration: Option<Duration>,
    /// The format that is wanted, by name or number
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    pub accept: Option<ContentFormat>,
    /// In blocks of at most so many bytes: 16, 32, 64, 128, 256, 512 or 1024
    #[arg(long, short, value_name = "N", value_parser = block_size)]
    pub block_size: Option<u16>,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Arguments)]
pub struct Discover {
    /// A host, host:port, coap:// URI, or the address of a group
    #[arg(value_hint = ValueHint::Hostname)]
    pub host: String,
    /// Only what has such an attribute: rt=, if=, ct=, href= and others; a * at the end stands for anything
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = query)]
    pub query: Option<String>,
    /// Of a group: wait so many seconds for answers
    #[arg(long, value_name = "S", value_parser = seconds, default_value = "6")]
    pub wait: Duration,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Arguments)]
pub struct Ping {
    /// A host, host:port or coap:// URI
    #[arg(value_hint = ValueHint::Hostname)]
    pub host: String,
    /// So many times, a second apart
    #[arg(long, short, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub count: u64,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Arguments)]
pub struct Serve {
    /// The directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// Listen on this address, such as 127.0.0.1:5683, [::1] or :61616 [default: [::]:5683]
    #[arg(long, value_name = "ADDRESS")]
    pub bind: Option<String>,
    /// Let clients change it, by PUT and DELETE
    #[arg(long)]
    pub write: bool,
    /// Show each message on standard error, with its time; twice: in full
    #[arg(long, short, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Arguments)]
pub struct Decode {
    /// A message in hexadecimal; without any, those on standard input
    #[arg(value_name = "HEX")]
    pub messages: Vec<String>,
    /// A JSON object for each message
    #[arg(long)]
    pub json: bool,
}

#[derive(Arguments)]
pub struct Bench {
    /// What is asked, by GET
    #[arg(value_hint = ValueHint::Url)]
    pub uri: String,
    /// So many clients, each with a socket of its own
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub clients: u16,
    /// So many requests of each that are not answered yet
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub outstanding: u8,
    /// So many requests of all of them together
    #[arg(long, short, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub requests: u64,
    /// Non-confirmable requests, which count as lost after --timeout
    #[arg(long, short)]
    pub non: bool,
    /// Count a request as lost after so many seconds [default: 2 if Non-confirmable, else as RFC 7252 has it]
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub timeout: Option<Duration>,
}

/// An option and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opt {
    pub number: OptionNumber,
    pub value: Vec<u8>,
}

/// Bytes that were given in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it is no number of seconds".to_owned())?;
    // Less than a day: what is longer is a mistake.
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err("it is to be from 0.001 to 86400".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

pub fn format(text: &str) -> Result<ContentFormat, String> {
    let number = text.parse().ok().map(ContentFormat::new);
    number.or_else(|| ContentFormat::from_name(text)).ok_or_else(|| {
        "no such format: give its number, or a name such as text/plain, application/json or application/cbor".into()
    })
}

fn bytes(text: &str) -> Result<Bytes, String> {
    let wrong = || "hexadecimal digits in pairs, such as 0x5d3a".to_owned();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() % 2 != 0 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let pairs = (0..digits.len()).step_by(2).filter_map(|at| digits.get(at..at + 2));
    pairs.map(|pair| u8::from_str_radix(pair, 16).map_err(|_| wrong())).collect::<Result<_, _>>().map(Bytes)
}

fn token(text: &str) -> Result<Token, String> {
    let Bytes(token) = bytes(text)?;
    if token.len() > 8 {
        return Err("a token has at most 8 bytes".into());
    }
    Token::try_from(token.as_slice()).map_err(|error| error.to_string())
}

fn block_size(text: &str) -> Result<u16, String> {
    let size = text.parse().ok().filter(|size: &u16| size.is_power_of_two() && (16..=1024).contains(size));
    size.ok_or_else(|| "it is to be 16, 32, 64, 128, 256, 512 or 1024".into())
}

fn query(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() => Ok(text.into()),
        _ => Err("it is to be an attribute and its value, such as rt=temperature-c".into()),
    }
}

fn option(text: &str) -> Result<Opt, String> {
    let (number, value) = text.split_once('=').unwrap_or((text, ""));
    let named = || {
        let mut registered = (0..=u16::MAX).map(OptionNumber::new);
        registered.find(|option| option.name().is_some_and(|name| name.eq_ignore_ascii_case(number)))
    };
    let number = number.parse().ok().map(OptionNumber::new).or_else(named);
    let number = number.ok_or("a number up to 65535, or the name of an option, stands in front of =")?;
    let value = if let Some(number) = value.strip_prefix("uint:") {
        let number: u32 = number.parse().map_err(|_| "behind uint: stands a number below 2^32")?;
        uint::encode(number).as_bytes().into()
    } else if value.starts_with("0x") {
        bytes(value)?.0
    } else {
        value.as_bytes().into()
    };
    if value.len() > 1034 {
        return Err("no option has more than 1034 bytes".into());
    }
    Ok(Opt { number, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_makes_sense() {
        Args::command().debug_assert();
    }

    #[test]
    fn values() {
        let opt = |text| option(text).map(|it| (it.number.get(), it.value));
        assert_eq!(opt("15=a=b"), Ok((15, b"a=b".into())));
        assert_eq!(opt("uri-query=x"), Ok((15, b"x".into())));
        assert_eq!(opt("65000=0x01fF"), Ok((65_000, vec![1, 255])));
        assert_eq!(opt("14=uint:60"), Ok((14, vec![60])));
        assert_eq!(opt("14=uint:0"), Ok((14, vec![])));
        assert_eq!(opt("5"), Ok((5, vec![])));
        for wrong in ["65536=1", "what=1", "14=uint:x", "14=0x1", "14=0xgg", "=1", "-1=1"] {
            assert!(opt(wrong).is_err(), "{wrong}");
        }
        assert_eq!(bytes("0x"), Ok(Bytes(vec![])));
        assert!(bytes("0xé").is_err() && bytes("é").is_err() && bytes("+1").is_err());
        assert!(token("000102030405060708").is_err() && token("0001020304050607").is_ok());
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["0", "-1", "NaN", "inf", "1e9", "x", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert!(block_size("64").is_ok() && block_size("65").is_err() && block_size("2048").is_err());
        assert_eq!(format("application/cbor"), Ok(ContentFormat::CBOR));
        assert_eq!(format("50"), Ok(ContentFormat::JSON));
        assert!(format("65536").is_err() && format("nonsense").is_err());
        assert!(query("rt=x*").is_ok() && query("rt").is_err() && query("=x").is_err());
    }
}
