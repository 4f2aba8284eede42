//! Links read a second time, character by character from RFC 6690 section 2 and with a heap, and what must hold of the
//! library's reader and writer.

use super::uri_model::is_reference;
use coaplet::Window;
use coaplet::link::{Filter, Form, Link, LinkWriter, Links};
use std::iter::Peekable;
use std::str::Chars;

/// A link: its target, and its attributes in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelLink {
    pub target: String,
    pub attributes: Vec<(String, Option<ModelValue>)>,
}

/// What a value says, by its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelValue {
    Token(String),
    Quoted(String),
    Ext { charset: String, language: String, text: String },
}

impl ModelValue {
    pub fn text(&self) -> &str {
        match self {
            ModelValue::Token(text) | ModelValue::Quoted(text) | ModelValue::Ext { text, .. } => text,
        }
    }
}

const ALPHANUMERIC: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Takes as many of these characters as there are.
fn run(chars: &mut Peekable<Chars<'_>>, more: &str) -> String {
    let mut run = String::new();
    while let Some(c) = chars.next_if(|c| ALPHANUMERIC.contains(*c) || more.contains(*c)) {
        run.push(c);
    }
    run
}

/// A list of links, or nothing if it is none.
pub fn read(bytes: &[u8]) -> Option<Vec<ModelLink>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut links = Vec::new();
    let mut chars = text.chars().peekable();
    if text.is_empty() {
        return Some(links);
    }
    loop {
        chars.next_if_eq(&'<')?;
        let mut target = String::new();
        loop {
            match chars.next()? {
                '>' => break,
                c => target.push(c),
            }
        }
        if !is_reference(&target) {
            return None;
        }
        let mut attributes = Vec::new();
        while chars.next_if_eq(&';').is_some() {
            attributes.push(attribute(&mut chars)?);
        }
        links.push(ModelLink { target, attributes });
        match chars.next() {
            None => return Some(links),
            Some(',') => {}
            Some(_) => return None,
        }
    }
}

fn attribute(chars: &mut Peekable<Chars<'_>>) -> Option<(String, Option<ModelValue>)> {
    let mut name = run(chars, "!#$&+-.^_`|~");
    if name.is_empty() {
        return None;
    }
    let star = chars.next_if_eq(&'*').is_some();
    let equals = chars.next_if_eq(&'=').is_some();
    if star {
        name.push('*');
        return if equals { Some((name, Some(ext_value(chars)?))) } else { None };
    }
    if !equals {
        return Some((name, None));
    }
    if chars.next_if_eq(&'"').is_some() {
        let mut text = String::new();
        loop {
            match chars.next()? {
                '"' => return Some((name, Some(ModelValue::Quoted(text)))),
                '\\' => text.push(chars.next()?),
                '\0'..='\x08' | '\x0a'..='\x1f' | '\x7f' => return None,
                c => text.push(c),
            }
        }
    }
    let token = run(chars, "!#$%&'()*+-./:<=>?@[]^_`{|}~");
    if token.is_empty() { None } else { Some((name, Some(ModelValue::Token(token)))) }
}

fn ext_value(chars: &mut Peekable<Chars<'_>>) -> Option<ModelValue> {
    let charset = run(chars, "!#$%&+-^_`{}~");
    chars.next_if_eq(&'\'').filter(|_| !charset.is_empty())?;
    let language = run(chars, "-");
    chars.next_if_eq(&'\'')?;
    let encoded = run(chars, "%!#$&+-.^_`|~");
    let mut bytes = Vec::new();
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(if byte == b'%' { (digit()? << 4 | digit()?) as u8 } else { byte });
    }
    let text = match charset.eq_ignore_ascii_case("ISO-8859-1") {
        true => bytes.into_iter().map(char::from).collect(),
        false => String::from_utf8_lossy(&bytes).into_owned(),
    };
    Some(ModelValue::Ext { charset, language, text })
}

fn as_model(link: &Link<'_>) -> ModelLink {
    let value = |value: coaplet::link::Value<'_>| {
        let text = value.to_string();
        assert!(value == *text && value.as_str().is_none_or(|same| same == text));
        assert!(value.starts_with(&text) && value.starts_with("") && !value.starts_with(&format!("{text}x")));
        match value.form() {
            Form::Token => ModelValue::Token(text),
            Form::QuotedString => ModelValue::Quoted(text),
            Form::ExtValue => ModelValue::Ext {
                charset: value.charset().unwrap().to_owned(),
                language: value.language().unwrap_or("").to_owned(),
                text,
            },
        }
    };
    let attribute =
        |attribute: coaplet::link::Attribute<'_>| (attribute.name().to_owned(), attribute.value().map(value));
    ModelLink { target: link.target().to_owned(), attributes: link.attributes().map(attribute).collect() }
}

/// Writes links by what they say, not by how they were written.
pub fn write(links: &[ModelLink], out: &mut impl std::fmt::Write) {
    let mut writer = LinkWriter::new(out);
    for link in links {
        writer.link(&link.target);
        for (name, value) in &link.attributes {
            match value {
                None => writer.flag(name),
                Some(ModelValue::Token(text)) => writer.token(name, text),
                Some(ModelValue::Quoted(text)) => writer.quoted(name, text),
                Some(ModelValue::Ext { language, text, .. }) => {
                    writer.translated(name.strip_suffix('*').unwrap(), language, text)
                }
            };
        }
    }
    writer.finish().unwrap();
}

/// Any bytes: both readers agree on whether they are links, and on what these say; what is written again is read back
/// the same; a window shows the same block of it as there is in the whole. Gives back whether they are links.
pub fn check(bytes: &[u8]) -> bool {
    let (links, model) = match (Links::parse(bytes), read(bytes)) {
        (Ok(links), Some(model)) => (links, model),
        (Err(error), None) => {
            assert!(error.offset() <= bytes.len(), "{bytes:?}: {error}");
            assert!(!error.to_string().contains(char::is_control), "{bytes:?}: {error}");
            return false;
        }
        (ours, model) => panic!("{:?}: {ours:?}, but {model:?}", String::from_utf8_lossy(bytes)),
    };
    let found: Vec<_> = links.iter().map(|link| as_model(&link)).collect();
    assert_eq!(found, model);

    // Each link for itself, and all of them as they were.
    let mut copied = String::new();
    let mut writer = LinkWriter::new(&mut copied);
    for link in links {
        assert_eq!(Link::parse(&link.to_string()).map(|link| as_model(&link)), Ok(as_model(&link)));
        writer.copy(&link);
    }
    writer.finish().unwrap();
    assert_eq!(copied.as_bytes(), bytes);
    // Attribute by attribute as they were.
    let mut copied = String::new();
    let mut writer = LinkWriter::new(&mut copied);
    for link in links {
        writer.link(link.target());
        link.attributes().for_each(|attribute| {
            writer.attribute(&attribute);
        });
    }
    writer.finish().unwrap();
    assert_eq!(copied.as_bytes(), bytes);

    // By what they say. `href` is no name to write.
    if model.iter().flat_map(|link| &link.attributes).all(|(name, _)| name.trim_end_matches('*') != "href") {
        let mut anew = String::new();
        write(&model, &mut anew);
        let again = read(anew.as_bytes()).unwrap_or_else(|| panic!("{anew:?}"));
        for (one, other) in again.iter().zip(&model) {
            assert_eq!(one.target, other.target);
            for ((name, one), (same, other)) in one.attributes.iter().zip(&other.attributes) {
                let text = |value: &Option<ModelValue>| value.as_ref().map(|value| value.text().to_owned());
                assert_eq!((name, text(one)), (same, text(other)));
            }
            assert_eq!(one.attributes.len(), other.attributes.len());
        }
        assert_eq!(again.len(), model.len());

        for size in [16, 64] {
            let mut joined = Vec::new();
            for offset in (0..).step_by(size) {
                let mut room = vec![0; size];
                let mut window = Window::new(offset, &mut room);
                write(&model, &mut window);
                assert_eq!(window.total(), anew.len());
                joined.extend_from_slice(window.written());
                if !window.more() {
                    break;
                }
            }
            assert_eq!(joined, anew.as_bytes());
        }
    }
    true
}

/// A filter on links: those that match are those of the model (RFC 6690 4.1).
pub fn check_filter(links: Links<'_>, argument: &str) {
    let filter = Filter::new(argument);
    for link in links {
        let model = as_model(&link);
        let (name, value) = argument.split_once('=').unwrap_or((argument, "*"));
        let fits = |text: &str| match value.strip_suffix('*') {
            Some(prefix) => text.starts_with(prefix),
            None => text == value,
        };
        let expected = if name == "href" {
            fits(&model.target)
        } else {
            model.attributes.iter().filter(|(other, _)| other == name).any(|(_, given)| match given {
                None => value == "*",
                Some(given) if ["rt", "if", "rel", "rev", "ct"].contains(&name) => {
                    let mut words = given.text().split(' ').filter(|word| !word.is_empty()).peekable();
                    if words.peek().is_none() { fits(given.text()) } else { words.any(fits) }
                }
                Some(given) => fits(given.text()),
            })
        };
        assert_eq!(filter.matches(&link), expected, "{argument:?} {link}");
    }
}
