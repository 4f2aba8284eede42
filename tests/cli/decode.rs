//! `coap decode`: messages in full, faults under a caret, JSON for programs.

use crate::coap;
use crate::process::{Ended, Running, run};
use coaplet::Message;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

const SENSORS_TEMP: &str = "41017d3453b773656e736f72730474656d7045753d43656c";

fn decode(arguments: &[&str]) -> Ended {
    run(coap(&["decode"]).args(arguments), b"")
}

fn decode_lines(arguments: &[&str], input: &[u8]) -> Ended {
    run(coap(&["decode"]).args(arguments), input)
}

fn unhex(hex: &str) -> Vec<u8> {
    assert!(hex.len() % 2 == 0);
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal")).collect()
}

/// What the library prints of a message; that this is right is checked in `tests/display.rs`.
fn in_full(hex: &str) -> String {
    format!("{:#?}\n", Message::parse(&unhex(hex)).expect("a message"))
}

#[test]
fn a_message_is_printed_in_full() {
    let done = decode(&[SENSORS_TEMP]);
    assert_eq!((done.status, done.text(), &*done.stderr), (Some(0), &*in_full(SENSORS_TEMP), ""));
    for part in ["CON GET", "0x7d34", "Uri-Path: sensors", "Uri-Query: u=Cel"] {
        assert!(done.text().contains(part), "{part} in {}", done.text());
    }
}

#[test]
fn hexadecimal_as_other_programs_print_it() {
    let plain = "4401123501020304b474656d70";
    let spaced = "44 01 12 35  01020304\tb4 74 65 6d 70";
    for form in [
        plain,
        spaced,
        "0x4401123501020304b474656d70",
        "0X4401123501020304B474656D70",
        "44:01:12:35:01:02:03:04:b4:74:65:6d:70",
        "0x44, 0x01, 0x12, 0x35, 0x01, 0x02, 0x03, 0x04, 0xb4, 0x74, 0x65, 0x6d, 0x70",
    ] {
        let done = decode(&[form]);
        assert_eq!((done.status, done.text()), (Some(0), &*in_full(plain)), "{form}");
    }
}

#[test]
fn what_is_wrong_is_under_the_caret() {
    // The token should have 4 bytes; option 15 of delta; and one that is behind more bytes than a line shows.
    let long = format!("44011235{}", "00".repeat(40)) + "f0";
    for (hex, offset, byte) in
        [("440112350102", 6, None), ("40011235b161f161", 6, Some("f1")), (&*long, 44, Some("f0"))]
    {
        let done = decode(&[hex]);
        assert_eq!(done.status, Some(1), "{hex}");
        let lines: Vec<&str> = done.text().lines().collect();
        let [what, bytes, caret] = lines[..] else { panic!("three lines in {lines:?}") };
        assert!(what.starts_with(&format!("byte {offset}: ")), "{what}");
        let column = caret.find('^').expect("a caret");
        assert_eq!(caret.trim(), "^");
        assert_eq!(bytes.get(column..column + 2), byte, "{bytes}\n{caret}");
        assert!(bytes.len() < 80, "{bytes}");
    }
}

#[test]
fn what_is_not_hexadecimal_is_said_with_its_column() {
    for (text, column, offset, what) in [
        ("44011235zz01", 9, 4, "'z' is not hexadecimal"),
        ("4401123", 7, 3, "half a byte"),
        ("44 0 1", 4, 1, "half a byte"),
        ("4401\u{1b}[2J", 5, 2, r"'\u{1b}' is not hexadecimal"),
        ("x", 1, 0, "'x' is not hexadecimal"),
        ("440x01", 4, 1, "'x' is not hexadecimal"),
    ] {
        let done = decode(&[text]);
        assert_eq!(done.status, Some(1), "{text:?}");
        assert!(done.text().starts_with(&format!("column {column}: {what}")), "{text:?}: {}", done.text());
        assert!(!done.text().contains('\u{1b}'), "control characters are not obeyed");
        let json = decode(&["--json", text]);
        assert_eq!(json.status, Some(1), "{text:?}");
        let row: Value = serde_json::from_str(json.text()).expect("JSON");
        assert_eq!((&row["ok"], &row["offset"]), (&Value::from(false), &Value::from(offset)), "{text:?}");
        assert!(row["error"].as_str().expect("a text").starts_with(what), "{text:?}: {row}");
    }
}

#[test]
fn every_argument_is_decoded_whatever_the_others_are() {
    let done = decode(&["60001235", "4401", SENSORS_TEMP]);
    assert_eq!(done.status, Some(1));
    let (first, rest) = done.text().split_once("\n\n").expect("a blank line");
    let (second, third) = rest.split_once("\n\n").expect("a blank line");
    assert_eq!(format!("{first}\n"), in_full("60001235"));
    assert!(second.starts_with("argument 2, byte 2: "), "{second}");
    assert_eq!(third, in_full(SENSORS_TEMP));
}

#[test]
fn blanks_without_quotes_are_hinted_at() {
    let done = decode(&["44", "01", "12", "35"]);
    assert_eq!(done.status, Some(1));
    assert!(done.stderr.contains("quote"), "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1);
}

#[test]
fn lines_of_standard_input_are_decoded_one_by_one() {
    let done = decode_lines(&[], b"60001235\r\n\n  \t\n4401\n\xff\xfe\n  60001236");
    assert_eq!(done.status, Some(1));
    let text = done.text();
    assert!(text.starts_with(&in_full("60001235")), "{text}");
    assert!(text.contains("\nline 4, byte 2: "), "{text}");
    assert!(text.contains("\nline 5, column 1: "), "{text}");
    assert!(text.ends_with(&in_full("60001236")), "{text}");
    assert_eq!(decode_lines(&[], b"\n\n").status, Some(0), "no message is no wrong message");
}

#[test]
fn json_as_documented() {
    let done = decode(&["--json", "4401123501020304b474656d70"]);
    let expected = concat!(
        r#"{"ok":true,"version":1,"type":"CON","code":"0.01","message_id":4661,"token":"01020304","#,
        r#""options":[{"number":11,"name":"Uri-Path","value":"74656d70"}],"payload":""}"#,
        "\n"
    );
    assert_eq!((done.status, done.text()), (Some(0), expected));

    let done = decode(&["44011235", "--json"]);
    assert_eq!(
        (done.status, done.text()),
        (Some(1), "{\"ok\":false,\"error\":\"the token is cut off\",\"offset\":4}\n")
    );

    // Two options, one without a name; a code with two digits; a payload.
    let done = decode(&["--json", "5085ffff" /* NON 4.05 */, "50840001c0e1fceb00ffDEAD"]);
    let expected = concat!(
        r#"{"ok":true,"version":1,"type":"NON","code":"4.05","message_id":65535,"token":"","options":[],"payload":""}"#,
        "\n",
        r#"{"ok":true,"version":1,"type":"NON","code":"4.04","message_id":1,"token":"","#,
        r#""options":[{"number":12,"name":"Content-Format","value":""},{"number":65028,"name":null,"value":"00"}],"#,
        r#""payload":"dead"}"#,
        "\n"
    );
    assert_eq!((done.status, done.text()), (Some(0), expected));
}

/// The valid ones field by field as the file says, the others as not valid, in their order.
#[test]
fn json_of_every_udp_vector() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/codec-udp.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("the vectors")).expect("JSON");
    let vectors = file["vectors"].as_array().expect("a list");
    let hex = |row: &Value| row["hex"].as_str().expect("hexadecimal").to_owned();
    // With 0x in front, so that the datagram of no bytes is no empty line.
    let input: String = vectors.iter().map(|row| format!("0x{}\n", hex(row))).collect();
    let done = decode_lines(&["--json"], input.as_bytes());
    assert_eq!((done.status, &*done.stderr), (Some(1), ""));
    let lines: Vec<&str> = done.text().lines().collect();
    assert_eq!(lines.len(), vectors.len());
    let mut valid = 0;
    for (line, vector) in lines.iter().zip(vectors) {
        let id = &vector["id"];
        let row: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(row["ok"], vector["valid"], "{id}");
        if row["ok"] == false {
            let offset = row["offset"].as_u64().expect("an offset");
            assert!(offset as usize <= hex(vector).len() / 2, "{id}: {line}");
            assert!(row["error"].as_str().is_some_and(|error| !error.is_empty()), "{id}: {line}");
            continue;
        }
        valid += 1;
        let message = &vector["message"];
        for (ours, theirs) in [
            ("version", "version"),
            ("type", "type"),
            ("code", "code"),
            ("message_id", "mid"),
            ("token", "token"),
            ("payload", "payload"),
        ] {
            assert_eq!(row[ours], message[theirs], "{id}: {ours}");
        }
        let options = row["options"].as_array().expect("a list");
        let options: Vec<Value> = options.iter().map(|o| serde_json::json!([o["number"], o["value"]])).collect();
        assert_eq!(Value::from(options), message["options"], "{id}");
    }
    assert!(valid > 300 && valid < lines.len(), "{valid} of {}", lines.len());
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let mut command = coap(&["decode"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running::start(command);
    let mut input = running.child.stdin.take().expect("a pipe");
    // More than any pipe holds, written until nobody reads any more.
    let writer = std::thread::spawn(move || (0..200_000).try_for_each(|_| input.write_all(b"60001235\n")));
    let mut output = BufReader::new(running.child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    assert_eq!(line, "ACK Empty\n");
    drop(output);
    assert_eq!(running.wait(crate::process::LIMIT), Some(0));
    assert!(writer.join().expect("the writer").is_err(), "it ended before its input did");
    let mut stderr = String::new();
    running.child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("standard error");
    assert_eq!(stderr, "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = || std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let mut command = coap(&["decode"]);
    let mut running = Running::start(command.arg("60001235").stdout(full()).stderr(Stdio::piped()));
    assert_eq!(running.wait(crate::process::LIMIT), Some(1));
    let mut stderr = String::new();
    running.child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("standard error");
    assert!(stderr.starts_with("coap: ") && stderr.contains("space"), "{stderr}");
}
