//! The vectors in `tests/vectors/`, read with no row left out.

use super::grammar::Packet;
use super::unhex;
use serde_json::Value;

/// A JSON file of `tests/vectors/`.
pub fn file(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows under a key.
pub fn rows<'v>(file: &'v Value, key: &str) -> &'v [Value] {
    file[key].as_array().unwrap_or_else(|| panic!("no list {key}"))
}

/// A text field that has to be there.
pub fn text<'v>(row: &'v Value, key: &str) -> &'v str {
    row[key].as_str().unwrap_or_else(|| panic!("no text {key} in {row}"))
}

/// A field of bytes in hexadecimal that has to be there.
pub fn bytes(row: &Value, key: &str) -> Vec<u8> {
    unhex(text(row, key))
}

/// A number that has to be there.
pub fn number(row: &Value, key: &str) -> u64 {
    row[key].as_u64().unwrap_or_else(|| panic!("no number {key} in {row}"))
}

/// A truth value that has to be there.
pub fn truth(row: &Value, key: &str) -> bool {
    row[key].as_bool().unwrap_or_else(|| panic!("no truth value {key} in {row}"))
}

/// The code `c.dd` as its byte.
pub fn code(text: &str) -> u8 {
    let (class, detail) = text.split_once('.').unwrap_or_else(|| panic!("no code: {text:?}"));
    let (class, detail): (u8, u8) = (class.parse().unwrap(), detail.parse().unwrap());
    assert!(class < 8 && detail < 32, "no code: {text:?}");
    class << 5 | detail
}

/// The `message` of a valid vector.
pub fn packet(message: &Value) -> Packet {
    assert_eq!(number(message, "version"), 1);
    Packet {
        kind: match text(message, "type") {
            "CON" => 0,
            "NON" => 1,
            "ACK" => 2,
            "RST" => 3,
            other => panic!("no type: {other:?}"),
        },
        code: code(text(message, "code")),
        mid: number(message, "mid").try_into().unwrap(),
        token: bytes(message, "token"),
        options: rows(message, "options")
            .iter()
            .map(|option| (option[0].as_u64().unwrap().try_into().unwrap(), unhex(option[1].as_str().unwrap())))
            .collect(),
        payload: bytes(message, "payload"),
    }
}
