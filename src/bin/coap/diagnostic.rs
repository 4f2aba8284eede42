//! CBOR in diagnostic notation (RFC 8949 8), broken into lines where it is long.

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

/// How long a line may be.
const LINE: usize = 80;

/// How deep arrays, maps and tags may lie in each other.
const DEPTH: u32 = 64;

/// A sequence of items, one or more to a line of its own each. `None`: it is not well-formed.
pub fn diagnostic(cbor: &[u8]) -> Option<String> {
    let mut from = Decoder::new(cbor);
    let mut items = Vec::new();
    while from.position() < cbor.len() {
        items.push(item(&mut from, DEPTH).ok()?);
    }
    Some(items.join("\n"))
}

fn item(from: &mut Decoder<'_>, depth: u32) -> Result<String, Error> {
    let depth = depth.checked_sub(1).ok_or_else(|| Error::message("too deep"))?;
    Ok(match from.datatype()? {
        Type::Bool => from.bool()?.to_string(),
        Type::Null => {
            from.null()?;
            "null".into()
        }
        Type::Undefined => {
            from.undefined()?;
            "undefined".into()
        }
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
            from.int()?.to_string()
        }
        Type::F16 => float(from.f16()?.into()),
        Type::F32 => float(from.f32()?.into()),
        Type::F64 => float(from.f64()?),
        Type::Simple => format!("simple({})", from.simple()?),
        Type::Bytes => bytes(from.bytes()?),
        Type::String => text(from.str()?),
        Type::BytesIndef => {
            let chunks = from.bytes_iter()?.map(|chunk| chunk.map(bytes)).collect::<Result<Vec<_>, _>>()?;
            enclosed("(_ ", &chunks, ")")
        }
        Type::StringIndef => {
            let chunks = from.str_iter()?.map(|chunk| chunk.map(text)).collect::<Result<Vec<_>, _>>()?;
            enclosed("(_ ", &chunks, ")")
        }
        Type::Array | Type::ArrayIndef => {
            let length = from.array()?;
            let items = all(from, length, |from| item(from, depth))?;
            enclosed(if length.is_some() { "[" } else { "[_ " }, &items, "]")
        }
        Type::Map | Type::MapIndef => {
            let length = from.map()?;
            let entries = all(from, length, |from| Ok(format!("{}: {}", item(from, depth)?, item(from, depth)?)))?;
            enclosed(if length.is_some() { "{" } else { "{_ " }, &entries, "}")
        }
        Type::Tag => {
            let tag = from.tag()?.as_u64();
            format!("{tag}({})", item(from, depth)?)
        }
        Type::Break | Type::Unknown(_) => return Err(Error::message("no item")),
    })
}

/// So many, or all until a Break.
fn all<'b>(
    from: &mut Decoder<'b>,
    length: Option<u64>,
    mut one: impl FnMut(&mut Decoder<'b>) -> Result<String, Error>,
) -> Result<Vec<String>, Error> {
    let mut items = Vec::new();
    let mut left = length;
    loop {
        match &mut left {
            Some(0) => return Ok(items),
            Some(left) => *left -= 1,
            None if from.datatype()? == Type::Break => {
                from.set_position(from.position() + 1);
                return Ok(items);
            }
            None => {}
        }
        items.push(one(from)?);
    }
}

/// On one line if it fits, else each on its own.
fn enclosed(open: &str, items: &[String], close: &str) -> String {
    let length: usize = items.iter().map(|item| item.chars().count() + 2).sum();
    if length <= LINE && !items.iter().any(|item| item.contains('\n')) {
        return format!("{open}{}{close}", items.join(", "));
    }
    let lines = items.iter().map(|item| format!("  {}", item.replace('\n', "\n  ")));
    format!("{}\n{}\n{close}", open.trim_end(), lines.collect::<Vec<_>>().join(",\n"))
}

fn float(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".into(),
        value if value.is_infinite() => if value > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        value => format!("{value:?}"),
    }
}

fn bytes(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("h'{hex}'")
}

/// As JSON writes it, so that no line breaks are left in it.
fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of RFC 8949, appendix A, and what is not well-formed.
    #[test]
    fn as_the_rfc_writes_it() {
        for (cbor, expected) in [
            (&b"\x00"[..], Some("0")),
            (b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff", Some("-18446744073709551616")),
            (b"\xf9\x3e\x00", Some("1.5")),
            (b"\xf9\x7c\x00", Some("Infinity")),
            (b"\xf9\x7e\x00", Some("NaN")),
            (b"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a", Some("1.1")),
            (b"\xf5\xf6\xf7\xf0", Some("true\nnull\nundefined\nsimple(16)")),
            (b"\xc1\x1a\x51\x4b\x67\xb0", Some("1(1363896240)")),
            (b"\x44\x01\x02\x03\x04", Some("h'01020304'")),
            (b"\x62\x22\x5c", Some(r#""\"\\""#)),
            (b"\x83\x01\x82\x02\x03\x82\x04\x05", Some("[1, [2, 3], [4, 5]]")),
            (b"\xa2\x61\x61\x01\x61\x62\x82\x02\x03", Some(r#"{"a": 1, "b": [2, 3]}"#)),
            (b"\x5f\x42\x01\x02\x43\x03\x04\x05\xff", Some("(_ h'0102', h'030405')")),
            (b"\x9f\x01\x9f\xff\xff", Some("[_ 1, [_ ]]")),
            (b"\xbf\x61\x61\x01\xff", Some(r#"{_ "a": 1}"#)),
            (b"", Some("")),
            (b"\x82\x01", None),
            (b"\xff", None),
            (b"\x62\xff\xff", None),
            (b"\x9f\x01", None),
            (b"\xbf\x01\xff", None),
            (b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (&[0x81; 100_000], None),
        ] {
            assert_eq!(diagnostic(cbor).as_deref(), expected, "{:02x?}", &cbor[..cbor.len().min(9)]);
        }
        let long = [&b"\x82\x82\x78\x50"[..], &[b'x'; 80], b"\x01\x02"].concat();
        let x = "x".repeat(80);
        assert_eq!(diagnostic(&long), Some(format!("[\n  [\n    \"{x}\",\n    1\n  ],\n  2\n]")));
    }
}
