//! Messages as the figures of RFC 7959 have them: `CON PUT /options 1:0/1/128 (0..128)`.
//!
//! `n:NUM/M/SIZE` is Block1 or Block2, `S1:` and `S2:` are sizes, `E:` is an ETag, `T:` a Request-Tag, `F:` a
//! Content-Format, `O:` Observe, `L:` Location-Path, `A:` Max-Age; `P:` Proxy-Scheme. `(FROM..TO)` are these bytes of the
//! body that goes in this direction, `(?)` any others.

use coaplet::wire::Block;
use coaplet::{Code, ContentFormat, Header, Message, Type, Writer};

/// The bytes of a body: no two blocks of it are the same.
pub fn body(direction: u8, length: usize) -> Vec<u8> {
    let byte = |at: usize| (at as u8).wrapping_mul(7) ^ ((at >> 4) as u8).wrapping_mul(31) ^ direction;
    (0..length).map(byte).collect()
}

/// What a client sends, and what a server does.
pub fn up() -> Vec<u8> {
    body(0x55, 4096)
}

pub fn down() -> Vec<u8> {
    body(0xaa, 4096)
}

fn codes(word: &str) -> Option<Code> {
    let methods = [Code::GET, Code::POST, Code::PUT, Code::DELETE, Code::FETCH, Code::PATCH, Code::IPATCH];
    let method = methods.into_iter().find(|code| code.name() == Some(word));
    method.or_else(|| {
        let (class, detail) = word.split_once('.')?;
        Some(Code::from_byte(class.parse::<u8>().ok()? << 5 | detail.parse::<u8>().ok()?))
    })
}

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The bytes of a message.
#[track_caller]
pub fn build(line: &str, id: u16, token: &[u8]) -> Vec<u8> {
    let mut words = line.split(' ');
    let message_type = match words.next().unwrap() {
        "CON" => Type::Confirmable,
        "NON" => Type::NonConfirmable,
        "ACK" => Type::Acknowledgement,
        "RST" => Type::Reset,
        other => panic!("{other} in {line}"),
    };
    let code = match words.next() {
        Some(word) => codes(word).unwrap_or_else(|| panic!("{word} in {line}")),
        None => Code::EMPTY,
    };
    let token = if code == Code::EMPTY { &[] } else { token };
    let mut bytes = vec![0; 2048];
    let mut w = Writer::new(&mut bytes, Header::new(message_type, code, id), token);
    for word in words {
        let block = |text: &str| {
            let [number, more, size] = text.split('/').collect::<Vec<_>>()[..] else { panic!("{text} in {line}") };
            let szx = if size == "BERT" { 7 } else { Block::szx_for(size.parse().unwrap()).unwrap() };
            Block::new(number.parse().unwrap(), more == "1", szx).unwrap()
        };
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{word} in {line}"));
        if let Some(path) = word.strip_prefix('/') {
            w.path(path);
        } else if let Some(range) = word.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            let (from, to) = range.split_once("..").unwrap_or_else(|| panic!("{word} in {line}"));
            let body = if code.is_request() { up() } else { down() };
            w.payload(&body[from.parse().unwrap()..to.parse().unwrap()]);
        } else {
            match word.split_once(':').unwrap_or_else(|| panic!("{word} in {line}")) {
                ("2", text) => w.insert(coaplet::OptionNumber::BLOCK2, value(block(text))),
                ("1", text) => w.insert(coaplet::OptionNumber::BLOCK1, value(block(text))),
                ("S2", text) => w.size2(number(text)),
                ("S1", text) => w.size1(number(text)),
                ("E", text) => w.insert(coaplet::OptionNumber::ETAG, &hex(text)),
                ("T", text) => w.request_tag(&hex(text)),
                ("F", text) => w.content_format(ContentFormat::new(number(text) as u16)),
                ("O", text) => w.insert(coaplet::OptionNumber::OBSERVE, &hex(text)),
                ("A", text) => w.max_age(number(text)),
                ("P", text) => w.proxy_scheme(text),
                _ => panic!("{word} in {line}"),
            };
        }
    }
    let length = w.finish().unwrap_or_else(|error| panic!("{line}: {error}"));
    bytes.truncate(length);
    bytes
}

fn value(block: Block) -> &'static [u8] {
    let bytes = block.value().to_be_bytes();
    let skip = bytes.iter().position(|&byte| byte != 0).unwrap_or(4);
    bytes[skip..].to_vec().leak()
}

/// A message in this notation.
#[track_caller]
pub fn show(bytes: &[u8]) -> String {
    let message = Message::parse(bytes).unwrap_or_else(|error| panic!("what was sent does not parse: {error}"));
    let mut line = message.message_type().to_string();
    if message.code() == Code::EMPTY {
        return line;
    }
    let is_request = message.code().is_request();
    let code = message.code();
    match code.name().filter(|_| is_request) {
        Some(name) => line += &format!(" {name}"),
        None => line += &format!(" {}.{:02}", code.class(), code.detail()),
    }
    for segment in message.uri_path() {
        line += &format!(" /{}", segment.unwrap());
    }
    let text = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for (number, value) in message.options() {
        line += &match number.get() {
            4 => format!(" E:{}", text(value)),
            6 => format!(" O:{}", text(value)),
            11 => continue,
            12 => format!(" F:{}", message.content_format().unwrap().get()),
            14 => format!(" A:{}", message.max_age()),
            23 => format!(" 2:{}", message.block2().unwrap()),
            27 => format!(" 1:{}", message.block1().unwrap()),
            28 => format!(" S2:{}", message.size2().unwrap()),
            39 => format!(" P:{}", std::str::from_utf8(value).unwrap()),
            60 => format!(" S1:{}", message.size1().unwrap()),
            292 => format!(" T:{}", text(value)),
            other => format!(" {other}:{}", text(value)),
        };
    }
    if !message.payload().is_empty() {
        let (block, body) = if is_request { (message.block1(), up()) } else { (message.block2(), down()) };
        let from = block.and_then(Block::offset).unwrap_or(0) as usize;
        let to = from + message.payload().len();
        line += &match body.get(from..to) == Some(message.payload()) {
            true => format!(" ({from}..{to})"),
            false => " (?)".to_owned(),
        };
    }
    line
}
