//! Every row of `vectors/uri.json`: URIs taken apart (RFC 7252 6.4) and composed (6.5).

mod common;

use coaplet::uri::{CoapUri, RequestUri, Scheme, UriErrorKind};
use coaplet::{Code, Header, Message, OptionNumber, Writer};
use common::vectors::{self, number, rows, text, truth};
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};

/// A request with what `write` writes.
fn request(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buffer = vec![0; 2048];
    let mut writer = Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &[]);
    write(&mut writer);
    let length = writer.finish().expect("a request");
    buffer.truncate(length);
    buffer
}

/// Options as the vectors have them: a number for Uri-Port, text for the others.
fn options(message: &Message<'_>) -> Value {
    let option = |(number, value): (OptionNumber, &[u8])| match number {
        OptionNumber::URI_PORT => json!([7, message.uri_port().expect("a port")]),
        number => json!([number.get(), std::str::from_utf8(value).expect("text")]),
    };
    message.options().map(option).collect()
}

/// The vectors' names for what is wrong.
fn name(kind: UriErrorKind) -> &'static str {
    match kind {
        UriErrorKind::NotAbsolute => "not-absolute",
        UriErrorKind::UnsupportedScheme => "unsupported-scheme",
        UriErrorKind::EmptyHost => "empty-host",
        UriErrorKind::Port => "bad-port",
        UriErrorKind::Fragment => "fragment-present",
        UriErrorKind::PercentEncoding => "bad-percent-encoding",
        UriErrorKind::Character => "non-uri-character",
        UriErrorKind::NotUtf8 => "not-utf8",
        UriErrorKind::NoAuthority
        | UriErrorKind::UserInfo
        | UriErrorKind::UnclosedBracket
        | UriErrorKind::NotAnAddress
        | UriErrorKind::Zone
        | UriErrorKind::AddressWithoutBrackets
        | UriErrorKind::BehindBracket => "bad-authority",
        other => panic!("{other:?} is in no vector"),
    }
}

#[test]
fn decompose() {
    let file = vectors::file("uri.json");
    let (mut good, mut bad) = (0, 0);
    for row in rows(&file, "decompose") {
        println!("{row}");
        let uri = text(row, "uri");
        let parsed = CoapUri::parse(uri);
        if !truth(row, "valid") {
            assert_eq!(name(parsed.expect_err(uri).kind()), text(row, "error"));
            bad += 1;
            continue;
        }
        let parsed = parsed.unwrap_or_else(|error| panic!("{uri}: {error}"));
        assert_eq!(parsed.scheme().name(), text(row, "scheme"));
        assert_eq!(u64::from(parsed.port()), number(row, "port"));
        let host: Option<IpAddr> = row["host"].as_str().map(|host| host.parse().expect("an address"));
        assert_eq!(parsed.host().ip(), host);

        let datagram = request(|writer| {
            writer.uri(&parsed);
        });
        assert_eq!(options(&Message::parse(&datagram).unwrap()), row["options"]);
        // Sent to where the name was resolved to, or to the address that it is.
        let destination = SocketAddr::new(host.unwrap_or([192, 0, 2, 1].into()), parsed.port());
        let same = request(|writer| {
            writer.uri_to(&parsed, destination);
        });
        assert_eq!(same, datagram);
        good += 1;
    }
    assert_eq!((good, bad), (63, 18));
}

#[test]
fn compose() {
    let file = vectors::file("uri.json");
    let mut ran = 0;
    for row in rows(&file, "compose") {
        println!("{row}");
        let datagram = request(|writer| {
            for option in rows(row, "options") {
                let number = OptionNumber::new(option[0].as_u64().unwrap().try_into().unwrap());
                match option[1].as_u64() {
                    Some(value) => writer.uint(number, value.try_into().unwrap()),
                    None => writer.option(number, option[1].as_str().unwrap().as_bytes()),
                };
            }
        });
        let message = Message::parse(&datagram).unwrap();
        let scheme = Scheme::from_name(text(row, "scheme")).expect("a scheme");
        let port = number(row, "dest_port").try_into().unwrap();
        let destination = SocketAddr::new(text(row, "dest_ip").parse().unwrap(), port);
        let composed = RequestUri::of(&message, scheme, destination).expect("a URI").to_string();
        assert_eq!(composed, text(row, "uri"));

        // And back: sent there, the same options come out of it, and out of what is as good.
        let others = row["also_accept"].as_array().into_iter().flatten().map(|other| other.as_str().unwrap());
        for uri in others.chain([&*composed]) {
            let uri = CoapUri::parse(uri).unwrap_or_else(|error| panic!("{uri}: {error}"));
            let again = request(|writer| {
                writer.uri_to(&uri, destination);
            });
            assert_eq!(again, datagram, "{uri}");
        }
        ran += 1;
    }
    assert_eq!(ran, 18);
}
