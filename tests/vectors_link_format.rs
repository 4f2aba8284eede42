//! Every row of `vectors/link-format.json`, but the filters of Zephyr, which are not those of RFC 6690, and two filters
//! that RFC 6690 leaves open: links read (section 2), written again, filtered (4.1).

mod common;

use coaplet::link::{Filter, Filters, Form, LinkErrorKind, LinkWriter, Links};
use coaplet::{Code, Header, Message, Writer};
use common::vectors::{self, rows, text, truth};
use serde_json::{Value, json};

/// Links as the vectors have them.
fn as_rows(links: Links<'_>) -> Value {
    let attribute = |attribute: coaplet::link::Attribute<'_>| match attribute.value() {
        None => json!([attribute.name(), null]),
        Some(value) if value.form() == Form::QuotedString => json!([attribute.name(), value.to_string(), "q"]),
        Some(value) => json!([attribute.name(), value.to_string()]),
    };
    links
        .iter()
        .map(|link| json!({"target": link.target(), "attrs": link.attributes().map(attribute).collect::<Value>()}))
        .collect()
}

#[test]
fn parse() {
    let file = vectors::file("link-format.json");
    let (mut good, mut bad) = (0, 0);
    for row in rows(&file, "parse") {
        println!("{row}");
        let input = text(row, "input");
        let parsed = Links::parse(input.as_bytes());
        if !truth(row, "valid") {
            let error = parsed.expect_err(input);
            let (what, offset) = match text(row, "error").split_once(" at ") {
                Some((what, offset)) => (what, Some(offset.parse::<usize>().expect("an offset"))),
                None => (text(row, "error"), None),
            };
            let kind = match what {
                "expected ','" => LinkErrorKind::Separator,
                "expected '<'" => LinkErrorKind::Link,
                "missing parmname" => LinkErrorKind::Name,
                "unterminated target" => LinkErrorKind::UnterminatedTarget,
                "unterminated quoted-string" => LinkErrorKind::UnterminatedString,
                "target is not a URI-Reference" => LinkErrorKind::Target,
                other => panic!("{other} is new"),
            };
            assert_eq!(error.kind(), kind);
            assert!(offset.is_none_or(|offset| offset == error.offset()), "{error}");
            bad += 1;
            continue;
        }
        let links = parsed.unwrap_or_else(|error| panic!("{input}: {error}"));
        assert_eq!(as_rows(links), row["links"]);

        // Written again: as they were read, and attribute for attribute.
        let mut copied = String::new();
        let mut writer = LinkWriter::new(&mut copied);
        links.iter().for_each(|link| {
            writer.copy(&link);
        });
        writer.finish().unwrap();
        assert_eq!(copied, input);
        let mut anew = String::new();
        let mut writer = LinkWriter::new(&mut anew);
        for link in links {
            writer.link(link.target());
            for attribute in link.attributes() {
                match attribute.value() {
                    None => writer.flag(attribute.name()),
                    Some(value) if value.form() == Form::Token => writer.token(attribute.name(), &value.to_string()),
                    Some(value) => writer.quoted(attribute.name(), &value.to_string()),
                };
            }
        }
        writer.finish().unwrap();
        assert_eq!(as_rows(Links::parse(anew.as_bytes()).unwrap()), row["links"]);
        good += 1;
    }
    assert_eq!((good, bad), (34, 15));
}

/// Each query, as an argument and in a request.
#[test]
fn filter() {
    let file = vectors::file("link-format.json");
    let filter = &file["filter"];
    let links = Links::parse(text(filter, "links").as_bytes()).unwrap();
    let (mut ran, mut open) = (0, 0);
    for case in rows(filter, "cases") {
        println!("{case}");
        if case.get("unspecified").is_some() {
            open += 1;
            continue;
        }
        let query = text(case, "query");
        let found: Value =
            links.iter().filter(|link| Filter::new(query).matches(link)).map(|link| link.target()).collect();
        assert_eq!(found, case["expect_targets"]);

        let mut buffer = [0; 64];
        let mut writer = Writer::new(&mut buffer, Header::confirmable(Code::GET, 1), &[]);
        let length = writer.path(".well-known/core").query(query).finish().unwrap();
        let request = Message::parse(&buffer[..length]).unwrap();
        let filters = Filters::of(&request);
        let found: Value = links.iter().filter(|link| filters.matches(link)).map(|link| link.target()).collect();
        assert_eq!(found, case["expect_targets"]);
        ran += 1;
    }
    assert_eq!((ran, open), (20, 2));
}
