//! Writes the seed corpora from `tests/vectors/` into `fuzz/corpus/<target>/`, which git does not keep.
//!
//! `parse` and `differential` get datagrams, good and bad; `roundtrip` gets scripts that write the good ones, in order
//! and out of order, into buffers that are large enough and too small; `uri` gets URIs and requests, `link` gets links,
//! and filters on some. What is longer than 4096 bytes is left out: the
//! tests have it, and a fuzzer would take its time over it.

use coaplet_fuzz::script::{Call, Script};
use coaplet_fuzz::{bytecode, grammar};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::{fs, process};

/// The longest seed.
const LONGEST: usize = 4096;

fn main() {
    match seed() {
        Ok(report) => println!("{report}"),
        Err(error) => {
            eprintln!("seed: {error}");
            process::exit(1);
        }
    }
}

fn seed() -> Result<String, Box<dyn std::error::Error>> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vectors = fuzz.join("../tests/vectors");
    let corpus = fuzz.join("corpus");
    let mut datagrams: Vec<(String, Vec<u8>)> = Vec::new();

    for row in rows(&read(&vectors.join("codec-udp.json"))?, "vectors")? {
        datagrams.push((text(row, "id")?.to_owned(), unhex(text(row, "hex")?)?));
    }
    for row in rows(&read(&vectors.join("bench-messages.json"))?, "messages")? {
        datagrams.push((format!("bench-{}", text(row, "id")?), unhex(text(row, "hex")?)?));
    }
    let options = read(&vectors.join("options.json"))?;
    for (place, row) in rows(&options, "option_header_parse")?.iter().enumerate() {
        let option = match row.get("fill") {
            Some(_) => {
                let count = row["fill_count"].as_u64().ok_or("no fill_count")?.try_into()?;
                [unhex(text(row, "hex_prefix")?)?, unhex(text(row, "fill")?)?.repeat(count)].concat()
            }
            None => unhex(text(row, "hex")?)?,
        };
        datagrams.push((format!("option-{place}"), [b"\x40\x01\x00\x01", &option[..]].concat()));
    }

    let mut written = [0_usize; 3];
    let mut left_out = 0;
    for (id, datagram) in &datagrams {
        for (target, count) in ["parse", "differential"].into_iter().zip(&mut written) {
            keep(&corpus.join(target), id, datagram, count, &mut left_out)?;
        }
        let Ok(packet) = grammar::read(datagram) else { continue };
        let base = Script { kind: packet.kind, code: packet.code, mid: packet.mid, token: packet.token, calls: vec![] };
        let ascending = packet.options.iter().cloned().map(|(number, value)| Call::Option(number, value));
        let backwards = packet.options.iter().rev().cloned().map(|(number, value)| Call::Insert(number, value));
        let payload = Call::Payload(packet.payload.clone());
        let scripts = [
            ("ascending", 2048, ascending.chain([payload.clone()]).collect::<Vec<_>>()),
            ("inserted", 16, [payload].into_iter().chain(backwards).collect()),
            ("copied", 8, vec![Call::Copy(datagram.clone(), 11), Call::Insert(3, b"h".to_vec())]),
            ("filled", 4, vec![Call::Fill(packet.payload.clone()), Call::Text("21.5".into(), 7), Call::Code(0x45)]),
        ];
        for (name, room, calls) in scripts {
            let bytes = bytecode::write(&Script { calls, ..base.clone() }, room);
            keep(&corpus.join("roundtrip"), &format!("{id}-{name}"), &bytes, &mut written[2], &mut left_out)?;
        }
    }
    let mut uris = 0;
    let mut keep_uri = |id: &str, bytes: &[u8]| keep(&corpus.join("uri"), id, bytes, &mut uris, &mut left_out);
    let file = read(&vectors.join("uri.json"))?;
    for row in rows(&file, "decompose")?.iter().chain(rows(&file, "compose")?) {
        keep_uri(text(row, "id")?, text(row, "uri")?.as_bytes())?;
    }
    for row in rows(&file, "compose")? {
        let number = |option: &Value| Some(u16::try_from(option[0].as_u64()?).ok()?);
        let options = rows(row, "options")?.iter().filter_map(|option| {
            let value = option[1].as_str().map_or(vec![0x27, 0x0f], |text| text.as_bytes().to_vec());
            Some(Call::Option(number(option)?, value))
        });
        let request = Script { kind: 0, code: 1, mid: 1, token: vec![], calls: options.collect() };
        let mut buffer = vec![0; LONGEST];
        let length = request.write(&mut buffer)?;
        keep_uri(&format!("{}-request", text(row, "id")?), &buffer[..length])?;
    }
    let mut links = 0;
    let mut keep_link =
        |id: &str, bytes: &str| keep(&corpus.join("link"), id, bytes.as_bytes(), &mut links, &mut left_out);
    let file = read(&vectors.join("link-format.json"))?;
    for row in rows(&file, "parse")? {
        keep_link(text(row, "id")?, text(row, "input")?)?;
    }
    for (place, case) in rows(&file["filter"], "cases")?.iter().enumerate() {
        keep_link(
            &format!("filter-{place}"),
            &format!("{}\n{}", text(case, "query")?, text(&file["filter"], "links")?),
        )?;
    }
    let [parse, differential, roundtrip] = written;
    Ok(format!(
        "seeds: parse {parse}, differential {differential}, roundtrip {roundtrip}, uri {uris}, link {links}; {left_out} left out, longer than {LONGEST} bytes"
    ))
}

fn keep(
    directory: &PathBuf,
    id: &str,
    bytes: &[u8],
    written: &mut usize,
    left_out: &mut usize,
) -> Result<(), Box<dyn std::error::Error>> {
    if bytes.len() > LONGEST {
        *left_out += 1;
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    fs::write(directory.join(format!("seed-{id}")), bytes)?;
    *written += 1;
    Ok(())
}

fn read(path: &Path) -> Result<Value, Box<dyn std::error::Error>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

fn rows<'v>(file: &'v Value, key: &str) -> Result<&'v Vec<Value>, String> {
    file[key].as_array().ok_or_else(|| format!("no list {key}"))
}

fn text<'v>(row: &'v Value, key: &str) -> Result<&'v str, String> {
    row[key].as_str().ok_or_else(|| format!("no text {key} in {row}"))
}

fn unhex(text: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    if text.len() % 2 != 0 || !text.is_ascii() {
        return Err(format!("no hexadecimal bytes: {text}").into());
    }
    (0..text.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&text[at..at + 2], 16)?)).collect()
}
