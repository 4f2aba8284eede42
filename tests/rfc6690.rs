//! RFC 6690, sentence by sentence: links that are read and written, and those that a query asks for. With RFC 8187 for
//! titles in a language.

use coaplet::Window;
use coaplet::block::{Asked, Body, Settings, serve};
use coaplet::link::{Filter, Filters, Form, Link, LinkErrorKind, LinkWriteError, LinkWriter, Links};
use coaplet::{Block, Code, Header, Message, OptionNumber, Writer};

/// What can be wrong, what it is called, and at which byte: one of each kind at least.
#[test]
fn every_error_and_its_byte() {
    let table: &[(&[u8], LinkErrorKind, usize)] = &[
        (b"</a>;x=\"\xff\"", LinkErrorKind::NotUtf8, 8),
        (b"a", LinkErrorKind::Link, 0),
        (b",</a>", LinkErrorKind::Link, 0),
        (b"</a>,", LinkErrorKind::Link, 5),
        (b"</a>,,</b>", LinkErrorKind::Link, 5),
        (b"</a>,</b", LinkErrorKind::UnterminatedTarget, 5),
        (b"</a b>", LinkErrorKind::Target, 3),
        (b"</a>,</%4>;x", LinkErrorKind::Target, 7),
        (b"<1:a>;x=1,<b>", LinkErrorKind::Target, 2),
        (b"<a#b#c>", LinkErrorKind::Target, 4),
        (b"<//h:p>", LinkErrorKind::Target, 5),
        (b"<<a>", LinkErrorKind::Target, 1),
        (b"</a>\n</b>", LinkErrorKind::Separator, 4),
        (b"</a>;x=\"y\"z", LinkErrorKind::Separator, 10),
        (b"</a>;x=y\"z\"", LinkErrorKind::Separator, 8),
        (b"</a>;x y", LinkErrorKind::Separator, 6),
        (b"</a>;", LinkErrorKind::Name, 5),
        (b"</a>;;x", LinkErrorKind::Name, 5),
        (b"</a>;=x", LinkErrorKind::Name, 5),
        (b"</a>;*=UTF-8''a", LinkErrorKind::Name, 5),
        (b"</a>;x=", LinkErrorKind::Value, 7),
        (b"</a>;x=;y", LinkErrorKind::Value, 7),
        (b"</a>;x=\"y", LinkErrorKind::UnterminatedString, 7),
        (b"</a>;x=\"y\\", LinkErrorKind::UnterminatedString, 7),
        (b"</a>;x=\"y\n\"", LinkErrorKind::ControlCharacter, 9),
        (b"</a>;x=\"y\x7f\"", LinkErrorKind::ControlCharacter, 9),
        (b"</a>;x*", LinkErrorKind::ExtValue, 7),
        (b"</a>;x*=a", LinkErrorKind::ExtValue, 8),
        (b"</a>;x*=UTF-8'en", LinkErrorKind::ExtValue, 8),
        (b"</a>;x*=''a", LinkErrorKind::ExtValue, 8),
        (b"</a>;x*=\"UTF-8''a\"", LinkErrorKind::ExtValue, 8),
        (b"</a>;x*=UTF-8''%4", LinkErrorKind::ExtValue, 15),
    ];
    for (bytes, kind, offset) in table {
        let text = String::from_utf8_lossy(bytes);
        let error = Links::parse(bytes).expect_err(&text);
        assert_eq!((error.kind(), error.offset()), (*kind, *offset), "{text}: {error}");
        assert_eq!(error.to_string(), format!("{kind} at byte {offset}"));
    }
    for kind in LinkErrorKind::ALL {
        assert!(table.iter().any(|row| row.1 == *kind), "{kind:?} is in no row");
    }
}

/// Section 2: "URI-Reference = <defined in [RFC3986]>".
#[test]
fn targets() {
    for target in [
        "",
        "/",
        "a",
        "a/b:c",
        "./a:b",
        "?q",
        "#f",
        "//h",
        "//",
        "//u:p@h:1/a",
        "//[::1]:/",
        "coap://h/a?b#c",
        "a:b",
        "urn:x:y",
        "/%41",
        "/a;b=c,d",
        "s:",
        "s:/a//b",
    ] {
        let text = format!("<{target}>;a");
        assert_eq!(Link::parse(&text).map(|link| link.target()), Ok(target));
        let mut out = String::new();
        LinkWriter::new(&mut out).link(target).flag("a").finish().unwrap();
        assert_eq!(out, text);
    }
    for target in
        ["%", "/ ", ":", ":a", "1:", "//h:a", "//[]", "//[::1", "//u@h@i", "/[", "?[", "a#b#c", "\"", "é", "//[::1]a"]
    {
        let error = Link::parse(&format!("<{target}>")).expect_err(target);
        assert_eq!(error.kind(), LinkErrorKind::Target, "{target}");
        let written = LinkWriter::new(&mut String::new()).link(target).finish();
        assert_eq!(written, Err(LinkWriteError::Target), "{target}");
    }
}

/// One link is one link.
#[test]
fn a_link_alone() {
    for (text, kind, offset) in [
        ("", LinkErrorKind::Link, 0),
        ("</a>;x,</b>", LinkErrorKind::Separator, 6),
        ("</a>,", LinkErrorKind::Separator, 4),
        ("</a> ", LinkErrorKind::Separator, 4),
    ] {
        let error = Link::parse(text).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, offset), "{text}");
    }
    let link = Link::parse("</a>;rt=\"x\";sz=1;obs").unwrap();
    assert_eq!(link.to_string(), "</a>;rt=\"x\";sz=1;obs");
    assert!(
        link.has("obs") && link.has("sz") && !link.has("ob") && link.get("obs").is_none() && link.get("b").is_none()
    );
}

/// "The Resource Type attribute MUST NOT appear more than once in a link" (3.1): the first counts, and all are there.
#[test]
fn repeated_attributes() {
    let link = Link::parse("</a>;rt=\"x y\";rt=z;hreflang=de;hreflang=en").unwrap();
    assert_eq!(link.get("rt").unwrap(), "x y");
    let languages: Vec<_> = link.attributes().filter(|attribute| attribute.name() == "hreflang").collect();
    assert_eq!(languages.len(), 2);
    assert_eq!(languages[1].value().unwrap(), "en");
}

/// "title*" (RFC 8187 3.2), and RFC 5988 5.4: it comes before "title".
#[test]
fn titles_in_a_language() {
    for (attributes, title, language) in [
        (";title=\"a\"", Some("a"), None),
        (";title=\"a\";title*=UTF-8'de'%c3%9Cber", Some("Über"), Some("de")),
        (";title*=utf-8''a~b", Some("a~b"), None),
        (";title*=ISO-8859-1'en-GB'%A3%20rates", Some("£ rates"), Some("en-GB")),
        // What is not in the charset.
        (";title*=UTF-8'en'a%ffb%c3", Some("a\u{fffd}b\u{fffd}"), Some("en")),
        (";title*=UTF-8''", Some(""), None),
        (";title", None, None),
        ("", None, None),
    ] {
        let text = format!("</a>{attributes}");
        let found = Link::parse(&text).unwrap().title();
        assert_eq!(found.map(|title| title.to_string()).as_deref(), title, "{attributes}");
        assert_eq!(found.and_then(|title| title.language()), language, "{attributes}");
    }
    let link = Link::parse("</a>;x=y;title*=UTF-8''a%20b").unwrap();
    let title = link.title().unwrap();
    assert_eq!((title.form(), title.charset(), title.as_str()), (Form::ExtValue, Some("UTF-8"), None));
    assert!(title.words().eq(["a b"]));
    let plain = link.get("x").unwrap();
    assert_eq!((plain.charset(), plain.language(), plain.as_written()), (None, None, "y"));
}

/// RFC 2616 2.2: quoted-pair.
/// What is no UTF-8 is U+FFFD, one for each byte that cannot follow the one before it: surrogates, what is encoded longer than
/// need be, and what is beyond U+10FFFF among it.
#[test]
fn titles_that_are_no_utf8() {
    for high in 0..=0xff_u8 {
        for low in 0..=0xff_u8 {
            for tail in ["", "%9F", "%BF", "a"] {
                let list = format!("</a>;title*=UTF-8''%{high:02X}%{low:02x}{tail}");
                let title = Link::parse(&list).unwrap().title().unwrap().to_string();
                let mut bytes = vec![high, low];
                bytes.extend(match tail {
                    "" => None,
                    "a" => Some(b'a'),
                    byte => u8::from_str_radix(&byte[1..], 16).ok(),
                });
                assert_eq!(title, String::from_utf8_lossy(&bytes), "{list}");
            }
        }
    }
}

#[test]
fn escapes() {
    let link = Link::parse(r#"</a>;x="\"\\\a\é b";y="c\ d""#).unwrap();
    let value = link.get("x").unwrap();
    assert_eq!(value, r#""\aé b"#);
    assert_eq!((value.as_str(), value.as_written()), (None, r#"\"\\\a\é b"#));
    assert!(value.words().eq([r#""\aé"#, "b"]));
    assert!(link.get("y").unwrap().words().eq(["c", "d"]));
    let mut out = String::new();
    LinkWriter::new(&mut out).link("").quoted("x", "\"\\\n\t\0\u{7f}é").finish().unwrap();
    assert_eq!(out, "<>;x=\"\\\"\\\\\\\n\t\\\0\\\u{7f}é\"");
    assert_eq!(Link::parse(&out).unwrap().get("x").unwrap(), "\"\\\n\t\0\u{7f}é");
}

/// What the writer refuses, the first thing first, and nothing is written after it.
#[test]
fn writing_errors() {
    type Write = fn(&mut LinkWriter<'_, String>);
    let table: [(Write, LinkWriteError, &str); 10] = [
        (
            |w| {
                w.flag("a");
            },
            LinkWriteError::NoLink,
            "",
        ),
        (
            |w| {
                w.attribute(&Link::parse("<>;a").unwrap().attributes().next().unwrap());
            },
            LinkWriteError::NoLink,
            "",
        ),
        (
            |w| {
                w.link("a b").flag("a");
            },
            LinkWriteError::Target,
            "",
        ),
        (
            |w| {
                w.link("/").flag("").link("/b");
            },
            LinkWriteError::Name,
            "</>",
        ),
        (
            |w| {
                w.link("/").flag("a*");
            },
            LinkWriteError::Name,
            "</>",
        ),
        // "MUST NOT be defined as a link parameter" (section 2).
        (
            |w| {
                w.link("/").quoted("href", "a");
            },
            LinkWriteError::Name,
            "</>",
        ),
        (
            |w| {
                w.link("/").token("a", "").flag("b b");
            },
            LinkWriteError::Token,
            "</>",
        ),
        (
            |w| {
                w.link("/").token("a", "b;c");
            },
            LinkWriteError::Token,
            "</>",
        ),
        (
            |w| {
                w.link("/").number("é", 1);
            },
            LinkWriteError::Name,
            "</>",
        ),
        (
            |w| {
                w.link("/").translated("title", "d'e", "a");
            },
            LinkWriteError::Language,
            "</>",
        ),
    ];
    for (write, error, text) in table {
        let mut out = String::new();
        let mut writer = LinkWriter::new(&mut out);
        write(&mut writer);
        assert_eq!(writer.finish(), Err(error), "{error}");
        assert!(out.starts_with(text) && !out.contains("</b>"), "{error}: {out}");
    }
    // What takes no text.
    struct Full;
    impl std::fmt::Write for Full {
        fn write_str(&mut self, _: &str) -> std::fmt::Result {
            Err(std::fmt::Error)
        }
    }
    assert_eq!(LinkWriter::new(&mut Full).link("/").finish(), Err(LinkWriteError::Output));
    assert_eq!(LinkWriter::new(&mut Full).finish(), Ok(()));
}

/// The payload of a message takes links as any text.
#[test]
fn into_a_payload() {
    let mut buffer = [0; 64];
    let mut writer = Writer::new(&mut buffer, Header::acknowledgement(Code::CONTENT, 1), &[]);
    writer.content_format(coaplet::ContentFormat::LINK_FORMAT);
    LinkWriter::new(&mut writer).link("/a").number("ct", 0).number("sz", 4_294_967_295).finish().unwrap();
    let length = writer.finish().unwrap();
    let message = Message::parse(&buffer[..length]).unwrap();
    assert_eq!(message.payload(), b"</a>;ct=0;sz=4294967295");
}

/// 4.1: "A Complete Value String matches a target attribute if it is bitwise identical" and the rest.
/// RFC 2616 2.2: a blank behind a backslash is a blank, between values as well.
#[test]
fn escaped_blanks_are_blanks() {
    let matches = |value: &str, argument: &str| {
        let text = format!("<>;rt=\"{value}\"");
        Filter::new(argument).matches(&Link::parse(&text).unwrap())
    };
    for value in [r" ", r"\ ", r"\ \ ", r" \  ", r"a\ ", r"\ a", r"a \ b", r"\ a\ \ b\ "] {
        assert!(!matches(value, "rt="), "{value:?} has no value that is empty");
        assert_eq!(matches(value, "rt=a"), value.contains('a'), "{value:?}");
        assert_eq!(matches(value, "rt=b"), value.contains('b'), "{value:?}");
    }
    assert!(matches("", "rt="));
}

#[test]
fn filters() {
    let links = r#"</a>;rt="x  yy";if=i;title="x yy";rel="next http://h/r";sz=12;obs,</a%20b>;rt="";title*=UTF-8''x%20y;ct="0 41",</c>;rt=z;rt=x;rt"#;
    let links = Links::parse(links.as_bytes()).unwrap();
    for (argument, targets) in [
        ("rt=x", &["/a", "/c"][..]),
        ("rt=yy", &["/a"]),
        ("rt=y*", &["/a"]),
        // "each value MUST be treated as a separate target attribute"; of other attributes the whole.
        ("rt=x  yy", &[]),
        ("title=x yy", &["/a"]),
        ("title=x", &[]),
        ("title=x*", &["/a"]),
        ("title*=x y", &["/a%20b"]),
        ("rel=http://h/r", &["/a"]),
        ("if=i", &["/a"]),
        ("ct=41", &["/a%20b"]),
        ("ct=4", &[]),
        ("sz=1*", &["/a"]),
        ("RT=x", &[]),
        // "Empty Prefix Value Strings ... match any target attribute that does exist".
        ("rt=*", &["/a", "/a%20b", "/c"]),
        ("obs=*", &["/a"]),
        ("obs", &["/a"]),
        ("obs=", &[]),
        ("rt=", &["/a%20b"]),
        ("href=*", &["/a", "/a%20b", "/c"]),
        ("href=/a", &["/a"]),
        // The target as it is written.
        ("href=/a%20b", &["/a%20b"]),
        ("href=/a b", &[]),
        // A star elsewhere is a star.
        ("rt=*x", &[]),
        ("rt=**", &[]),
        ("", &[]),
        ("=", &[]),
    ] {
        let filter = Filter::new(argument);
        let found: Vec<_> = links.iter().filter(|link| filter.matches(link)).map(|link| link.target()).collect();
        assert_eq!(found, targets, "{argument}");
    }
    assert_eq!(Filter::new("rt=x").name(), "rt");
}

/// All arguments of a request; one that is no text matches nothing.
#[test]
fn filters_of_a_request() {
    let links = Links::parse(br#"</a>;rt="x";if="i",</b>;rt="x",</c>"#).unwrap();
    for (query, targets, empty) in [
        (&[][..], &["/a", "/b", "/c"][..], true),
        (&[&b"rt=x"[..]], &["/a", "/b"], false),
        (&[b"rt=x", b"if=i"], &["/a"], false),
        (&[b"rt=x", b"rt=y"], &[], false),
        (&[b"rt=\xff"], &[], false),
        (&[b"rt=x", &[b'a'; 256]], &[], false),
    ] {
        let mut buffer = [0; 512];
        let mut writer = Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &[]);
        query.iter().for_each(|argument| {
            writer.option(OptionNumber::URI_QUERY, argument);
        });
        let length = writer.finish().unwrap();
        let request = Message::parse(&buffer[..length]).unwrap();
        let filters = Filters::of(&request);
        assert_eq!(filters.is_empty(), empty);
        let found: Vec<_> = links.iter().filter(|link| filters.matches(link)).map(|link| link.target()).collect();
        assert_eq!(found, targets, "{query:?}");
    }
}

/// A list of 10,000 links in blocks of 64 bytes (RFC 7959 2.2), without the whole of it anywhere: its beginning, its
/// middle and its end.
#[test]
fn block_by_block() {
    let render = |offset: usize, room: &mut [u8]| {
        let mut window = Window::new(offset, room);
        let mut writer = LinkWriter::new(&mut window);
        for number in 0..10_000 {
            writer.link("/s").number("n", number).quoted("rt", "ä");
        }
        writer.finish().unwrap();
        (window.written().len(), window.total(), window.more())
    };
    let mut whole = vec![0; 200_000];
    let (length, total, more) = render(0, &mut whole);
    assert_eq!((length, more), (total, false));
    whole.truncate(length);
    assert_eq!(Links::parse(&whole).unwrap().iter().count(), 10_000);
    let last = (total - 1) / 64;
    for number in [0, 1, 1000, last - 1, last, last + 1] {
        let mut room = [0; 64];
        let (length, same, more) = render(number * 64, &mut room);
        let end = total.min(number * 64 + 64);
        assert_eq!((&room[..length], same, more), (whole.get(number * 64..end).unwrap_or(&[]), total, number < last));
    }
}

/// The same list as a server sends it (RFC 7959 2.4): every block of it, each from its request alone.
#[test]
fn block_by_block_from_a_server() {
    let render = |offset: u32, room: &mut [u8]| {
        let mut window = Window::new(offset as usize, room);
        let mut writer = LinkWriter::new(&mut window);
        for number in 0..100 {
            writer.link("/s").number("n", number).quoted("rt", "ä");
        }
        writer.finish().unwrap();
        window.written().len()
    };
    let mut whole = vec![0; 4096];
    let length = render(0, &mut whole);
    whole.truncate(length);

    for size in [16, 64, 1024] {
        let mut joined = Vec::new();
        for number in 0.. {
            let mut buffer = [0; 64];
            let block = Block::with_size(number, false, size).unwrap();
            let length =
                Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &[]).block2(block).finish().unwrap();
            let request = Message::parse(&buffer[..length]).unwrap();
            let mut buffer = [0; 1152];
            let mut answer = Writer::new(&mut buffer, Header::acknowledgement(Code::CONTENT, 1), &[]);
            serve(&mut answer, &Asked::of(&request), Body::read(&mut { render }), &Settings::DEFAULT);
            let length = answer.finish().unwrap();
            let answer = Message::parse(&buffer[..length]).unwrap();
            joined.extend_from_slice(answer.payload());
            if !answer.block2().unwrap().more() {
                break;
            }
        }
        assert_eq!(joined, whole, "{size}");
    }
}
