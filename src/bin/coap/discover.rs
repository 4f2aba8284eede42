//! `discover`: the resources of a host, or of all in a group (RFC 6690, RFC 7252 section 7).

use crate::args::Discover;
use crate::percent::encoded;
use crate::request::{answered, builder};
use crate::terminal::say;
use crate::{Ending, Trouble};
use coaplet::host::Reply;
use coaplet::link::{Link, Links};
use coaplet::{Code, ContentFormat};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::Ipv6Addr;

pub fn run(given: &Discover) -> Result<Ending, Trouble> {
    let uri = uri_of(&given.host);
    let mut client = builder(&given.connection)?.connect(&uri)?;
    let group = client.peer().ip().is_multicast();
    let path = match &given.query {
        Some(query) => format!("/.well-known/core?{}", encoded(query, b"-._~=*/:;,+!$'()@?")),
        None => "/.well-known/core".to_owned(),
    };
    if !group {
        let reply = client.call(Code::GET, &path)?.accept(ContentFormat::LINK_FORMAT).send()?;
        if !reply.code().is_success() {
            return answered(&reply, None);
        }
        show(&reply, None)?;
        return Ok(Ending::Done);
    }
    let (mut answers, mut written) = (0, Ok(()));
    client.call(Code::GET, &path)?.accept(ContentFormat::LINK_FORMAT).ask_group(given.wait, |reply| {
        answers += 1;
        if let (Ok(()), true) = (&written, reply.code().is_success()) {
            written = show(&reply, Some(answers));
        }
    })?;
    written?;
    if answers == 0 {
        let seconds = given.wait.as_secs_f64();
        return Err(Trouble::failed(format!("nobody at {} has answered in {seconds} s", client.peer())));
    }
    Ok(Ending::Done)
}

/// The URI of a host that is given as one, or by its name or address alone.
pub fn uri_of(host: &str) -> String {
    if host.contains("://") {
        return host.into();
    }
    // An address of IPv6 wants brackets; a zone stands behind a %, which a URI writes as %25 (RFC 6874).
    let (address, zone) = host.trim_start_matches('[').trim_end_matches(']').split_once('%').unzip();
    if let (Some(address), Some(zone)) = (address, zone) {
        let zone = zone.strip_prefix("25").unwrap_or(zone);
        return match zone.split_once("]:") {
            Some((zone, port)) => format!("coap://[{address}%25{zone}]:{port}"),
            None => format!("coap://[{address}%25{zone}]"),
        };
    }
    match host.parse::<Ipv6Addr>() {
        Ok(_) => format!("coap://[{host}]"),
        Err(_) => format!("coap://{host}"),
    }
}

const HEADINGS: [&str; 7] = ["path", "rt", "if", "ct", "size", "obs", "title"];

/// The links as a table. In a group, the number of the answer, and from whom it is.
fn show(reply: &Reply, number: Option<u32>) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    if let Some(number) = number {
        let before = if number > 1 { "\n" } else { "" };
        writeln!(out, "{before}{}", reply.peer())?;
    }
    let links = match Links::parse(reply.payload()) {
        Ok(links) => links,
        Err(error) => {
            say(format_args!("coap: what {} has sent is no list of links: {error}", reply.peer()));
            return Ok(());
        }
    };
    let rows: Vec<[String; 7]> = links.iter().map(|link| row(&link)).collect();
    if rows.is_empty() {
        writeln!(out, "no such resource")?;
        return Ok(());
    }
    // Columns that are empty in each row are left out.
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let columns: Vec<(usize, usize)> = (0..HEADINGS.len())
        .filter(|column| width(*column) > 0)
        .map(|column| (column, width(column).max(HEADINGS[column].len())))
        .collect();
    let headings = HEADINGS.map(String::from);
    for row in [&headings].into_iter().chain(&rows) {
        let mut line = String::new();
        for (column, width) in &columns {
            let _ = write!(line, "{:width$}  ", row[*column]);
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    out.flush()?;
    Ok(())
}

fn row(link: &Link<'_>) -> [String; 7] {
    let value = |name: &str| link.get(name).map(|value| value.chars().collect()).unwrap_or_default();
    let formats: String = value("ct");
    let named = |number: &str| match number.parse().ok().and_then(|it| ContentFormat::new(it).media_type()) {
        Some(name) => name.strip_prefix("application/").unwrap_or(name).into(),
        None => number.to_owned(),
    };
    let formats: Vec<String> = formats.split(' ').filter(|number| !number.is_empty()).map(named).collect();
    let title = link.title().map(|title| title.chars().collect()).unwrap_or_default();
    let observable = if link.has("obs") { "obs".into() } else { String::new() };
    let cells = [link.target().to_owned(), value("rt"), value("if"), formats.join(" "), value("sz"), observable, title];
    cells.map(|cell| cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use coaplet::uri::CoapUri;

    #[test]
    fn hosts() {
        for (host, uri) in [
            ("sensor.local", "coap://sensor.local"),
            ("127.0.0.1:7", "coap://127.0.0.1:7"),
            ("::1", "coap://[::1]"),
            ("[::1]:7", "coap://[::1]:7"),
            ("[ff02::fd%eth0]", "coap://[ff02::fd%25eth0]"),
            ("ff02::fd%eth0", "coap://[ff02::fd%25eth0]"),
            ("[ff02::fd%eth0]:7", "coap://[ff02::fd%25eth0]:7"),
            ("coap://host/", "coap://host/"),
        ] {
            assert_eq!(uri_of(host), uri);
            assert!(CoapUri::parse(uri).is_ok(), "{uri}");
        }
    }
}
