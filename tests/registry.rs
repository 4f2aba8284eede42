//! The registries in code against the registries as tables, row by row and in both directions: each row is in the code,
//! and the code has no row more.
//!
//! The tables are those of IANA "Constrained RESTful Environments (CoRE) Parameters" (RFC 7252 12), in
//! `tests/vectors/registry/`.

use coaplet::wire::{Code, ContentFormat, OptionFormat, OptionNumber};

/// The rows of a table: neither comments nor the line of titles, all columns there.
fn rows(table: &'static str, columns: usize) -> Vec<Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| {
            let row: Vec<_> = line.split('\t').collect();
            assert_eq!(row.len(), columns, "{line:?}");
            row
        })
        .collect()
}

/// A single number, or the ends of a range `64998-64999`.
fn numbers(cell: &str) -> (u16, u16) {
    let (from, to) = cell.split_once('-').unwrap_or((cell, cell));
    (from.parse().unwrap(), to.parse().unwrap())
}

#[test]
fn codes() {
    let rows = rows(include_str!("vectors/registry/codes.tsv"), 7);
    assert_eq!(rows.len(), 40);
    for row in &rows {
        let &[dotted, decimal, hex, name, kind, properties, _reference] = row.as_slice() else { unreachable!() };
        let code: Code = dotted.parse().unwrap();
        assert_eq!(code.to_byte(), decimal.parse::<u8>().unwrap(), "{dotted}");
        assert_eq!(code.to_byte(), u8::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap(), "{dotted}");
        assert_eq!(code.name(), Some(name), "{dotted}");
        let kinds = [
            ("empty", code.is_empty()),
            ("method", code.is_request()),
            ("response", code.is_response()),
            ("signaling", code.is_signaling()),
        ];
        let found: Vec<_> = kinds.iter().filter(|(_, is)| *is).map(|(kind, _)| *kind).collect();
        assert_eq!(found, [kind], "{dotted}");
        let properties: Vec<_> = properties.split_whitespace().collect();
        assert!(properties.iter().all(|property| ["safe", "idempotent"].contains(property)), "{dotted}");
        assert_eq!(code.is_safe(), properties.contains(&"safe"), "{dotted}");
        assert_eq!(code.is_idempotent(), properties.contains(&"idempotent"), "{dotted}");
        let display =
            if kind == "response" || kind == "signaling" { format!("{dotted} {name}") } else { name.to_string() };
        assert_eq!(code.to_string(), display);
        assert_eq!(display.parse(), Ok(code));
    }
    let named = (0..=255).map(Code::from_byte).filter(|code| code.name().is_some());
    assert_eq!(named.count(), rows.len());
}

#[test]
fn code_properties_belong_to_listed_methods_only() {
    // What is unregistered promises nothing; what is no request has no such property (RFC 7252 5.1).
    for code in (0..=255).map(Code::from_byte).filter(|code| code.name().is_none() || !code.is_request()) {
        assert!(!code.is_safe() && !code.is_idempotent(), "{code}");
    }
}

#[test]
fn options() {
    let rows = rows(include_str!("vectors/registry/options.tsv"), 12);
    assert_eq!(rows.len(), 41);
    let mut named = 0;
    for row in &rows {
        let &[
            number,
            name,
            critical,
            unsafe_,
            no_cache_key,
            repeatable,
            format,
            length,
            default,
            _used_in,
            status,
            reference,
        ] = row.as_slice()
        else {
            unreachable!()
        };
        let (from, to) = numbers(number);
        let option = OptionNumber::new(from);
        match status {
            "registered" | "draft" => {}
            "reserved" => {
                // 0, and the four numbers of the Location-* family.
                assert_eq!((option.name(), option.shape()), (None, None), "{number}");
                assert_eq!(option.is_reserved_location(), reference.contains("Location-*"), "{number}");
                continue;
            }
            "experimental" => {
                let experimental: Vec<_> =
                    (0..=u16::MAX).filter(|number| OptionNumber::new(*number).is_experimental()).collect();
                assert_eq!((experimental.first(), experimental.last()), (Some(&from), Some(&to)));
                assert_eq!(experimental.len(), usize::from(to - from) + 1);
                continue;
            }
            _ => panic!("{number}: status {status}"),
        }
        named += 1;
        assert_eq!(option.name(), Some(name), "{number}");
        assert!(!option.is_reserved_location() && !option.is_experimental(), "{number}");
        assert_eq!(option.to_string(), name);

        assert_eq!(option.is_critical(), critical == "x", "{name}");
        assert_eq!(option.is_unsafe(), unsafe_ == "x", "{name}");
        // The column has "-" where an option is unsafe, which makes the question void.
        assert_eq!(option.is_unsafe(), no_cache_key == "-", "{name}");
        assert_eq!(option.is_no_cache_key(), no_cache_key == "x", "{name}");

        if format.is_empty() {
            assert!(length.is_empty() && repeatable.is_empty() && default.is_empty(), "{name}");
            assert_eq!(option.shape(), None, "{name}");
            continue;
        }
        let shape = option.shape().unwrap();
        let expected = match format {
            "empty" => OptionFormat::Empty,
            "opaque" | "opaque(*)" => OptionFormat::Opaque,
            "uint" => OptionFormat::Uint,
            "string" => OptionFormat::String,
            _ => panic!("{name}: format {format}"),
        };
        assert_eq!(shape.format(), expected, "{name}");
        assert_eq!(option.format(), Some(expected), "{name}");
        let lengths = if length == "any" {
            0..=usize::MAX
        } else {
            let (min, max) = numbers(length);
            min.into()..=max.into()
        };
        assert_eq!(option.length_range(), Some(lengths), "{name}");
        let (in_requests, in_responses) = match repeatable {
            "" => (false, false),
            "x" => (true, true),
            "req:x resp:" => (true, false),
            _ => panic!("{name}: repeatable {repeatable}"),
        };
        assert_eq!(option.is_repeatable(true), in_requests, "{name}");
        assert_eq!(option.is_repeatable(false), in_responses, "{name}");
    }
    assert_eq!(named, 35);
    let in_code = (0..=u16::MAX).filter(|number| OptionNumber::new(*number).name().is_some());
    assert_eq!(in_code.count(), named);
    let reserved = (0..=u16::MAX).filter(|number| OptionNumber::new(*number).is_reserved_location());
    assert_eq!(reserved.count(), 4);
}

#[test]
fn content_formats() {
    let rows = rows(include_str!("vectors/registry/content-formats.tsv"), 6);
    assert_eq!(rows.len(), 122);
    let mut named = 0;
    let mut ranges = 0;
    for row in &rows {
        let &[id, media_type, coding, status, _reference, _sources] = row.as_slice() else { unreachable!() };
        let (from, to) = numbers(id);
        let range: fn(ContentFormat) -> bool = match status {
            "reserved" => ContentFormat::is_reserved,
            "documentation" => ContentFormat::is_documentation,
            "experimental" => ContentFormat::is_experimental,
            _ => {
                named += 1;
                let format = ContentFormat::new(from);
                assert_eq!(from, to);
                assert_eq!(format.media_type(), Some(media_type), "{id}");
                assert_eq!(format.content_coding(), (!coding.is_empty()).then_some(coding), "{id}");
                assert!(!format.is_reserved() && !format.is_documentation() && !format.is_experimental(), "{id}");
                let full = if coding.is_empty() { media_type.to_string() } else { format!("{media_type} ({coding})") };
                assert_eq!(ContentFormat::from_name(&full), Some(format), "{full}");
                assert_eq!(ContentFormat::from_name(&format.to_string()), Some(format), "{full}");
                continue;
            }
        };
        ranges += 1;
        let inside: Vec<_> = (0..=u16::MAX).filter(|number| range(ContentFormat::new(*number))).collect();
        assert_eq!(inside, (from..=to).collect::<Vec<_>>(), "{id}");
    }
    assert_eq!((named, ranges), (119, 3));
    let in_code = (0..=u16::MAX).filter(|number| ContentFormat::new(*number).media_type().is_some());
    assert_eq!(in_code.count(), named);
}

#[test]
fn content_format_names_are_unambiguous() {
    // Else `from_name` would have to choose.
    let mut names: Vec<_> = (0..=u16::MAX)
        .map(ContentFormat::new)
        .filter(|format| format.media_type().is_some())
        .map(|format| format.to_string().replace(' ', "").to_lowercase())
        .collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}
