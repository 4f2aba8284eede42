//! RFC 7252 section 6 and RFC 8323 section 8, sentence by sentence: CoAP URIs, what is sent of them, and back.

use coaplet::uri::{CoapUri, ComposeError, Host, RequestUri, Scheme, UriErrorKind};
use coaplet::{Code, ContentFormat, Header, Message, OptionNumber, WriteError, Writer};
use std::net::SocketAddr;

const GET: Header = Header::confirmable(Code::GET, 1);

fn parse(uri: &str) -> CoapUri<'_> {
    CoapUri::parse(uri).unwrap_or_else(|error| panic!("{uri}: {error}"))
}

/// A request with what `write` writes.
fn request(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buffer = vec![0; 1152];
    let mut writer = Writer::new(&mut buffer, GET, &[]);
    write(&mut writer);
    let length = writer.finish().expect("a request");
    buffer.truncate(length);
    buffer
}

fn compose(scheme: Scheme, destination: &str, write: impl FnOnce(&mut Writer<'_>)) -> Result<String, ComposeError> {
    let datagram = request(write);
    let destination: SocketAddr = destination.parse().expect("an address");
    RequestUri::of(&Message::parse(&datagram).unwrap(), scheme, destination).map(|uri| uri.to_string())
}

/// What can be wrong, what it is called, and at which byte: one of each kind at least.
#[test]
fn every_error_and_its_byte() {
    let long = "a".repeat(256);
    let (long_segment, long_host) = (format!("coap://h/b/{long}/c"), format!("coap://{long}/"));
    let long_argument = format!("coap://h/?b&{long}");
    let table = [
        // 6.4, step 1: "not an absolute URI".
        ("", UriErrorKind::NotAbsolute, 0),
        ("coap", UriErrorKind::NotAbsolute, 0),
        ("//host/", UriErrorKind::NotAbsolute, 0),
        ("1coap://h/", UriErrorKind::NotAbsolute, 0),
        ("co ap://h/", UriErrorKind::NotAbsolute, 0),
        // Step 3.
        ("http://h/", UriErrorKind::UnsupportedScheme, 0),
        ("coap+udp://h/", UriErrorKind::UnsupportedScheme, 0),
        ("host:5683/", UriErrorKind::UnsupportedScheme, 0),
        // 6.1: "a missing authority or an empty host".
        ("coap:", UriErrorKind::NoAuthority, 5),
        ("coap:/a", UriErrorKind::NoAuthority, 5),
        ("coap:h", UriErrorKind::NoAuthority, 5),
        ("coap://", UriErrorKind::EmptyHost, 7),
        ("coap:///a", UriErrorKind::EmptyHost, 7),
        ("coap://?a", UriErrorKind::EmptyHost, 7),
        ("coap://:5683", UriErrorKind::EmptyHost, 7),
        ("coap://#a", UriErrorKind::EmptyHost, 7),
        ("coap://user@h/", UriErrorKind::UserInfo, 11),
        ("coap://user:secret@h/", UriErrorKind::UserInfo, 18),
        ("coap://@h/", UriErrorKind::UserInfo, 7),
        // RFC 3986 3.2.2.
        ("coap://[::1", UriErrorKind::UnclosedBracket, 7),
        ("coap://[::1/]", UriErrorKind::UnclosedBracket, 7),
        ("coap://[]", UriErrorKind::NotAnAddress, 8),
        ("coap://[::g]", UriErrorKind::NotAnAddress, 8),
        ("coap://[127.0.0.1]", UriErrorKind::NotAnAddress, 8),
        ("coap://[v1.a]", UriErrorKind::NotAnAddress, 8),
        ("coap://[::1]x", UriErrorKind::BehindBracket, 12),
        ("coap://[::1]]", UriErrorKind::BehindBracket, 12),
        ("coap://::1/", UriErrorKind::AddressWithoutBrackets, 7),
        ("coap://2001:db8::1", UriErrorKind::AddressWithoutBrackets, 7),
        ("coap://h]/", UriErrorKind::Character, 8),
        ("coap://h\\a", UriErrorKind::Character, 8),
        // RFC 6874: a zone.
        ("coap://[fe80::1%eth0]/", UriErrorKind::Zone, 15),
        ("coap://[fe80::1%25]/", UriErrorKind::Zone, 15),
        ("coap://[fe80::1%25a+b]/", UriErrorKind::Zone, 19),
        ("coap://[fe80::1%25%c3]/", UriErrorKind::NotUtf8, 18),
        ("coap://h:65536/", UriErrorKind::Port, 9),
        ("coap://h:+5/", UriErrorKind::Port, 9),
        ("coap://h:5683x", UriErrorKind::Port, 9),
        ("coap://h:1:2", UriErrorKind::Port, 9),
        ("coap://[::1]:x", UriErrorKind::Port, 13),
        ("coap://h/a b", UriErrorKind::Character, 10),
        ("coap://h/\u{e9}", UriErrorKind::Character, 9),
        ("coap://h/a[b", UriErrorKind::Character, 10),
        ("coap://h/?a|b", UriErrorKind::Character, 11),
        ("coap://h/\0", UriErrorKind::Character, 9),
        ("coap://h/a%", UriErrorKind::PercentEncoding, 10),
        ("coap://h/%4", UriErrorKind::PercentEncoding, 9),
        ("coap://h/?%4g", UriErrorKind::PercentEncoding, 10),
        ("coap://%zz/", UriErrorKind::PercentEncoding, 7),
        ("coap://[::1%25%4]/", UriErrorKind::PercentEncoding, 14),
        // 3.2: strings are UTF-8.
        ("coap://h/a/b%c3%28", UriErrorKind::NotUtf8, 12),
        ("coap://h/%ed%a0%80", UriErrorKind::NotUtf8, 9),
        ("coap://h/%f4%90%80%80", UriErrorKind::NotUtf8, 9),
        ("coap://h/%c0%80", UriErrorKind::NotUtf8, 9),
        ("coap://h/?%80", UriErrorKind::NotUtf8, 10),
        ("coap://h%e2%82/", UriErrorKind::NotUtf8, 8),
        // 5.10: 255 bytes.
        (&long_host, UriErrorKind::TooLong, 7),
        (&long_segment, UriErrorKind::TooLong, 11),
        (&long_argument, UriErrorKind::TooLong, 12),
        // Step 4.
        ("coap://h/#", UriErrorKind::Fragment, 9),
        ("coap://h#a", UriErrorKind::Fragment, 8),
        ("coap://h/a?b#c", UriErrorKind::Fragment, 12),
    ];
    for (uri, kind, offset) in table {
        let error = CoapUri::parse(uri).expect_err(uri);
        assert_eq!((error.kind(), error.offset()), (kind, offset), "{uri}: {error}");
        assert_eq!(error.to_string(), format!("{kind} at byte {offset}"));
    }
    for kind in UriErrorKind::ALL {
        assert!(table.iter().any(|row| row.1 == *kind), "{kind:?} is in no row");
    }
}

/// 6.1: "If it is empty or not given, then the default port 5683 is assumed", and so on for each scheme.
#[test]
fn schemes_and_ports() {
    for (name, port, secure) in [
        ("coap", 5683, false),
        ("coaps", 5684, true),
        ("coap+tcp", 5683, false),
        ("coaps+tcp", 5684, true),
        ("coap+ws", 80, false),
        ("coaps+ws", 443, true),
    ] {
        let scheme = Scheme::from_name(&name.to_uppercase()).expect(name);
        assert_eq!((scheme.name(), scheme.default_port(), scheme.is_secure()), (name, port, secure));
        assert_eq!(scheme.to_string(), name);
        for (end, expected) in [("", port), (":", port), ("/", port), (":1", 1), (":0001/", 1), (":65535?", 65535)] {
            let uri = format!("{name}://h{end}");
            assert_eq!((parse(&uri).scheme(), parse(&uri).port()), (scheme, expected), "{uri}");
        }
    }
    assert_eq!(Scheme::from_name("http"), None);
}

/// 6.3: "the following three URIs are equivalent and cause the same options and option values".
#[test]
fn equivalent_uris() {
    let same = [
        "coap://example.com:5683/~sensors/temp.xml",
        "coap://EXAMPLE.com/%7Esensors/temp.xml",
        "coap://EXAMPLE.com:/%7esensors/temp.xml",
    ];
    for one in same {
        for other in same {
            assert!(parse(one).is_equivalent(&parse(other)), "{one} {other}");
        }
    }
    for (one, other) in [
        ("coap://h/", "coaps://h/"),
        ("coap://h/", "coap://h:5684/"),
        ("coap://h/", "coap://i/"),
        ("coap://h/", "coap://h//"),
        ("coap://h/a", "coap://h/A"),
        ("coap://h/?", "coap://h/"),
        ("coap://h/?a&b", "coap://h/?b&a"),
        ("coap://h/a%2Fb", "coap://h/a/b"),
        ("coap://[::1]/", "coap://[::1%25lo]/"),
        ("coap://127.0.0.1/", "coap://[::ffff:127.0.0.1]/"),
    ] {
        assert!(!parse(one).is_equivalent(&parse(other)), "{one} {other}");
    }
    assert!(parse("coap://h%c3%84/").is_equivalent(&parse("COAP://H%C3%84")));
    assert!(parse("coap://[2001:DB8:0::1]/").is_equivalent(&parse("coap://[2001:db8::1]")));
}

/// 6.4, step 5, and 3.2.2 of RFC 3986: an address is the destination, a name is looked up and sent.
#[test]
fn hosts() {
    for (uri, printed, address) in [
        ("coap://EXAMPLE.com/", "example.com", None),
        ("coap://192.0.2.1/", "192.0.2.1", Some("192.0.2.1")),
        // What is nearly an address is a name.
        ("coap://192.0.2.256/", "192.0.2.256", None),
        ("coap://192.0.02.1/", "192.0.02.1", None),
        ("coap://192.0.2/", "192.0.2", None),
        ("coap://[2001:DB8::1]:1/", "2001:db8::1", Some("2001:db8::1")),
        ("coap://[::ffff:192.0.2.1]/", "::ffff:192.0.2.1", Some("::ffff:192.0.2.1")),
        ("coap://[fe80::1%25en%2d0]/", "fe80::1%en-0", Some("fe80::1")),
        // "converted to ASCII lowercase, and then convert all percent-encodings".
        ("coap://H%C3%84%41/", "hÄA", None),
    ] {
        let host = parse(uri).host();
        assert_eq!((host.to_string(), host.ip()), (printed.into(), address.map(|text| text.parse().unwrap())), "{uri}");
        let datagram = request(|writer| {
            writer.uri(&parse(uri));
        });
        let expected = address.is_none().then_some(printed);
        assert_eq!(Message::parse(&datagram).unwrap().uri_host(), expected, "{uri}");
    }
    let Host::Name(name) = parse("coap://h/").host() else { panic!() };
    assert_eq!(name.as_str(), Some("h"));
    let Host::Name(name) = parse("coap://H/").host() else { panic!() };
    assert_eq!((name.as_str(), name.encoded(), name.len()), (None, "H", 1));
}

/// 6.4, steps 5 and 7, of a request that goes to a proxy, or to another port than the URI's.
#[test]
fn sent_elsewhere() {
    for (uri, destination, host, port) in [
        ("coap://h/", "192.0.2.1:5683", Some("h"), None),
        ("coap://h:1/", "192.0.2.1:5683", Some("h"), Some(1)),
        ("coap://192.0.2.1/", "192.0.2.1:5683", None, None),
        ("coap://192.0.2.1/", "192.0.2.1:1", None, Some(5683)),
        ("coap://192.0.2.1/", "192.0.2.2:5683", Some("192.0.2.1"), None),
        ("coap://[2001:DB8::1]/", "[2001:db8::1]:5683", None, None),
        ("coap://[2001:DB8::1]/", "[2001:db8::2]:5683", Some("[2001:db8::1]"), None),
        // "zone identifiers ... are only of local significance" (RFC 6874).
        ("coap://[fe80::1%25eth0]/", "[fe80::1%2]:5683", None, None),
        ("coap://[fe80::1%25eth0]/", "[fe80::2]:5683", Some("[fe80::1]"), None),
    ] {
        let datagram = request(|writer| {
            writer.uri_to(&parse(uri), destination.parse().unwrap());
        });
        let message = Message::parse(&datagram).unwrap();
        assert_eq!((message.uri_host(), message.uri_port()), (host, port), "{uri} to {destination}");
    }
}

/// 6.4, steps 8 and 9, and RFC 7252 errata 4895.
#[test]
fn paths_and_queries() {
    for (uri, path, query) in [
        ("coap://h", &[][..], &[][..]),
        ("coap://h/", &[], &[]),
        ("coap://h//", &["", ""], &[]),
        ("coap://h/a/", &["a", ""], &[]),
        ("coap://h/%2f/a%2Fb", &["/", "a/b"], &[]),
        ("coap://h?", &[], &[""]),
        ("coap://h/?&", &[], &["", ""]),
        ("coap://h/?a=b%26c&d?/", &[], &["a=b&c", "d?/"]),
        // RFC 3986 5.2.4, and its examples.
        ("coap://h/a/b/c/./../../g", &["a", "g"], &[]),
        ("coap://h/a/./b", &["a", "b"], &[]),
        ("coap://h/../../a", &["a"], &[]),
        ("coap://h/..", &[], &[]),
        ("coap://h/a/b/..", &["a", ""], &[]),
        ("coap://h/a/b/../..", &[], &[]),
        ("coap://h/a//..", &["a", ""], &[]),
        ("coap://h//..", &[], &[]),
        ("coap://h//../a", &["a"], &[]),
        ("coap://h/./", &[], &[]),
        ("coap://h/.//", &["", ""], &[]),
        ("coap://h/..a/.b./...", &["..a", ".b.", "..."], &[]),
        ("coap://h/?../.", &[], &["../."]),
    ] {
        let uri = parse(uri);
        assert!(uri.path().eq(path.iter().copied()), "{uri}: {:?}", uri.path().collect::<Vec<_>>());
        assert!(uri.query().eq(query.iter().copied()), "{uri}: {:?}", uri.query().collect::<Vec<_>>());
    }
}

/// What is percent-encoded counts decoded: 255 bytes of it are three times as long in the URI.
#[test]
fn lengths() {
    let longest = "%C3%A4".repeat(127) + "a";
    for uri in [format!("coap://h/{longest}"), format!("coap://h/?{longest}"), format!("coap://{longest}/")] {
        assert!(CoapUri::parse(&uri).is_ok(), "{uri}");
        let error = CoapUri::parse(&uri.replace("4a", "4aa")).unwrap_err();
        assert_eq!(error.kind(), UriErrorKind::TooLong);
    }
    // What is taken away is not sent.
    assert!(CoapUri::parse(&format!("coap://h/{}/../b", "a".repeat(300))).is_ok());
}

/// The path of a hostile URI: what stays and is taken away in every order, of a size that Proxy-Uri may have.
#[test]
fn many_dots() {
    for (path, segments) in [
        ("/a".repeat(500) + &"/..".repeat(500), 0),
        ("/a".repeat(500) + "/b/..", 501),
        ("/..".repeat(300) + &"/a".repeat(200), 200),
        ("/a/..".repeat(200), 0),
    ] {
        assert_eq!(parse(&format!("coap://h{path}")).path().count(), segments);
    }
}

/// The writer's errors are those of any option; a buffer that is too small says how much it takes.
#[test]
fn into_a_writer() {
    let uri = parse("coap://example.com/a%2Fb/c?d");
    let whole = request(|writer| {
        writer.uri(&uri);
    });
    for room in 0..whole.len() {
        let mut buffer = vec![0; room];
        let written = Writer::new(&mut buffer, GET, &[]).uri(&uri).finish();
        assert_eq!(written, Err(WriteError::BufferTooSmall { needed: whole.len() }));
    }
    let mut buffer = [0; 64];
    let written = Writer::new(&mut buffer, GET, &[]).content_format(ContentFormat::TEXT_PLAIN).uri(&uri).finish();
    let (number, after) = (OptionNumber::URI_HOST, OptionNumber::CONTENT_FORMAT);
    assert_eq!(written, Err(WriteError::OutOfOrder { number, after }));
    let written = Writer::new(&mut buffer, GET, &[]).payload(b"a").uri(&uri).finish();
    assert_eq!(written, Err(WriteError::OptionAfterPayload { number }));
    // What belongs between is inserted.
    let length = Writer::new(&mut buffer, GET, &[]).uri(&uri).insert(OptionNumber::OBSERVE, &[]).finish().unwrap();
    let message = Message::parse(&buffer[..length]).unwrap();
    assert_eq!((message.observe(), message.uri_host()), (Some(0), Some("example.com")));
}

/// 6.5, step 2: "If |host| is not a valid reg-name or IP-literal or IPv4address, fail the algorithm."
#[test]
fn hosts_that_compose() {
    for (host, composed) in [
        ("example.com", Some("coap://example.com/")),
        ("EXAMPLE.com", Some("coap://EXAMPLE.com/")),
        ("127.0.0.1", Some("coap://127.0.0.1/")),
        ("[::1]", Some("coap://[::1]/")),
        // "any non-ASCII characters are replaced by their corresponding percent-encoding"
        ("bücher.example", Some("coap://b%C3%BCcher.example/")),
        ("a!$&'()*+,;=~b", Some("coap://a!$&'()*+,;=~b/")),
        ("::1", None),
        ("[::1", None),
        ("[::g]", None),
        ("a b", None),
        ("a/b", None),
        ("h:5683", None),
        ("u@h", None),
        ("a?b", None),
        ("a#b", None),
        ("h%41", None),
        ("\0", None),
    ] {
        let found = compose(Scheme::Coap, "192.0.2.1:5683", |writer| {
            writer.uri_host(host);
        });
        assert_eq!(found, composed.map(String::from).ok_or(ComposeError::Host), "{host:?}");
    }
}

/// 6.5, steps 4 and 5, and the literals of RFC 5952.
#[test]
fn destinations_that_compose() {
    for (scheme, destination, uri) in [
        (Scheme::Coap, "192.0.2.1:5683", "coap://192.0.2.1/"),
        (Scheme::Coap, "192.0.2.1:5684", "coap://192.0.2.1:5684/"),
        (Scheme::Coaps, "192.0.2.1:5684", "coaps://192.0.2.1/"),
        (Scheme::CoapsTcp, "[2001:DB8:0:0:1::1]:1", "coaps+tcp://[2001:db8::1:0:0:1]:1/"),
        (Scheme::CoapsWs, "[fe80::1%3]:443", "coaps+ws://[fe80::1]/"),
    ] {
        assert_eq!(compose(scheme, destination, |_| {}), Ok(uri.into()));
    }
}

/// 5.4, 5.10: from options that are not as they should be no URI is made, and none of another resource.
#[test]
fn options_that_do_not_compose() {
    type Write = fn(&mut Writer<'_>);
    let table: [(Write, ComposeError); 9] = [
        (
            |w| {
                w.option(OptionNumber::URI_HOST, b"");
            },
            ComposeError::Malformed(OptionNumber::URI_HOST),
        ),
        (
            |w| {
                w.option(OptionNumber::URI_HOST, &[b'a'; 256]);
            },
            ComposeError::Malformed(OptionNumber::URI_HOST),
        ),
        (
            |w| {
                w.option(OptionNumber::URI_HOST, b"\xff");
            },
            ComposeError::Malformed(OptionNumber::URI_HOST),
        ),
        (
            |w| {
                w.uri_host("a").uri_host("b");
            },
            ComposeError::Malformed(OptionNumber::URI_HOST),
        ),
        (
            |w| {
                w.option(OptionNumber::URI_PORT, &[0; 3]);
            },
            ComposeError::Malformed(OptionNumber::URI_PORT),
        ),
        (
            |w| {
                w.option(OptionNumber::URI_PATH, b"\xc3");
            },
            ComposeError::Malformed(OptionNumber::URI_PATH),
        ),
        (
            |w| {
                w.option(OptionNumber::URI_QUERY, &[b'a'; 256]);
            },
            ComposeError::Malformed(OptionNumber::URI_QUERY),
        ),
        // "The value of a Uri-Path Option MUST NOT be "." or ".."" (5.10.1)
        (
            |w| {
                w.path("a/../b");
            },
            ComposeError::DotSegment,
        ),
        (
            |w| {
                w.path(".");
            },
            ComposeError::DotSegment,
        ),
    ];
    for (write, error) in table {
        assert_eq!(compose(Scheme::Coap, "192.0.2.1:5683", write), Err(error));
        assert!(!error.to_string().is_empty());
    }
}

/// RFC 8323 8.5: Server Name Indication, and the Host header of a WebSocket's handshake, are the default of Uri-Host.
#[test]
fn a_default_host() {
    let datagram = request(|writer| {
        writer.path("a");
    });
    let message = Message::parse(&datagram).unwrap();
    let uri = || RequestUri::of(&message, Scheme::CoapsTcp, "192.0.2.1:5684".parse().unwrap()).unwrap();
    assert_eq!(uri().with_default_host("example.org").unwrap().to_string(), "coaps+tcp://example.org/a");
    assert_eq!(uri().with_default_host("a/b").unwrap_err(), ComposeError::Host);
    let datagram = request(|writer| {
        writer.uri_host("h");
    });
    let message = Message::parse(&datagram).unwrap();
    let uri = RequestUri::of(&message, Scheme::CoapWs, "192.0.2.1:80".parse().unwrap()).unwrap();
    assert_eq!(uri.with_default_host("example.org").unwrap().to_string(), "coap+ws://h/");
}
