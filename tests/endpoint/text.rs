//! Messages as text: what the codec prints, read back, with names for what is not known beforehand.

use coaplet::{Code, Header, OptionNumber, Type, Writer};
use std::collections::HashMap;

/// Puts what a name stands for in the place of `mid=$name` and `token=$name`.
#[track_caller]
pub fn fill(text: &str, names: &HashMap<String, String>) -> String {
    let word = |word: &str| match word.split_once("=$") {
        Some((field, name)) if field == "mid" || field == "token" => {
            let value = names.get(name).unwrap_or_else(|| panic!("{name} is not bound in {text}"));
            format!("{field}={value}")
        }
        _ => match name_of(word) {
            Some(name) => {
                let value = names.get(name).unwrap_or_else(|| panic!("{name} is not bound in {text}"));
                word.replace(&format!("${name}"), value)
            }
            None => word.to_owned(),
        },
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The name in the place of a value of an option: `$name,` or `$name]`.
fn name_of(word: &str) -> Option<&str> {
    word.strip_prefix('$').map(|word| word.trim_end_matches([',', ']']))
}

/// Whether a printed message is as the text wants it. Binds names that are new. `Err`: where they differ.
pub fn matches(wanted: &str, line: &str, names: &mut HashMap<String, String>) -> Result<(), String> {
    let (mut wanted, mut found) = (wanted.split(' '), line.split(' '));
    loop {
        let (want, have) = match (wanted.next(), found.next()) {
            (None, None) => return Ok(()),
            (want, have) => (want.unwrap_or("(the end)"), have.unwrap_or("(the end)")),
        };
        let same = match (want.split_once("=$"), have.split_once('=')) {
            (Some((field, name)), Some((its_field, value))) if field == its_field => {
                names.entry(name.to_owned()).or_insert_with(|| value.to_owned()) == value
            }
            _ => match name_of(want) {
                Some(name) => {
                    let value = have.trim_end_matches([',', ']']);
                    names.entry(name.to_owned()).or_insert_with(|| value.to_owned()) == value
                }
                None => want == have,
            },
        };
        if !same {
            return Err(want.to_owned());
        }
    }
}

/// The bytes of a message that is written as the codec prints it. Options: those with a text for a value, and numbers with a
/// value in hexadecimal.
#[track_caller]
pub fn encode(text: &str) -> Vec<u8> {
    let (head, rest) = match text.find([' ']).and_then(|_| text.find(" [").or_else(|| text.find(" payload "))) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let (mut message_type, mut mid, mut token, mut code) = (None, None, Vec::new(), Vec::new());
    for word in head.split(' ') {
        match word {
            "CON" => message_type = Some(Type::Confirmable),
            "NON" => message_type = Some(Type::NonConfirmable),
            "ACK" => message_type = Some(Type::Acknowledgement),
            "RST" => message_type = Some(Type::Reset),
            _ => match word.split_once('=') {
                Some(("mid", id)) => mid = u16::from_str_radix(id.trim_start_matches("0x"), 16).ok(),
                Some(("token", hex)) => token = unhex(hex),
                _ => code.push(word),
            },
        }
    }
    let code = match code.join(" ").as_str() {
        "Empty" => Code::EMPTY,
        code => code.parse().unwrap_or_else(|_| panic!("no code: {text}")),
    };
    let message_type = message_type.unwrap_or_else(|| panic!("no type: {text}"));
    let mid = mid.unwrap_or_else(|| panic!("no Message ID: {text}"));
    let mut bytes = [0; 1152];
    let mut writer = Writer::new(&mut bytes, Header::new(message_type, code, mid), &token);
    let (options, payload) = rest.split_once("payload ").unwrap_or((rest, ""));
    for option in options.trim().trim_start_matches('[').trim_end_matches(']').split(", ").filter(|o| !o.is_empty()) {
        let (name, value) = option.split_once(": ").unwrap_or((option, ""));
        match name {
            "Uri-Path" => writer.option(OptionNumber::URI_PATH, value.as_bytes()),
            "Uri-Query" => writer.option(OptionNumber::URI_QUERY, value.as_bytes()),
            "Observe" => writer.observe(value.parse().unwrap_or_else(|_| panic!("no number: {text}"))),
            "Max-Age" => writer.max_age(value.parse().unwrap_or_else(|_| panic!("no number: {text}"))),
            "ETag" => writer.etag(&unhex(value.trim_start_matches("0x"))),
            "Uri-Host" => writer.option(OptionNumber::URI_HOST, value.as_bytes()),
            number => {
                let number = number.parse().unwrap_or_else(|_| panic!("not an option that scripts know: {text}"));
                writer.option(
                    OptionNumber::new(number),
                    &unhex(value.trim_start_matches("0x").trim_start_matches("(empty)")),
                )
            }
        };
    }
    if let Some((count, quoted)) = payload.split_once(" \"") {
        let payload = quoted.strip_suffix('"').unwrap_or_else(|| panic!("not quoted: {text}"));
        let said = count.split(' ').next().and_then(|count| count.parse().ok());
        assert_eq!(said, Some(payload.len()), "the length of the payload of {text}");
        writer.payload(payload.as_bytes());
    }
    let len = writer.finish().unwrap_or_else(|error| panic!("{text}: {error}"));
    bytes[..len].to_vec()
}

#[track_caller]
pub fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
    digits.chunks(2).map(|pair| byte(pair).unwrap_or_else(|| panic!("no hexadecimal: {hex}"))).collect()
}
