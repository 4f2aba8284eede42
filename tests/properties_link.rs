//! What holds for all bytes and all links, made up by proptest: two readers agree (RFC 6690 section 2), what is written
//! is read back, filters choose what 4.1 says.

mod common;

use coaplet::link::Links;
use common::{link_model, strategies};
use proptest::collection::vec;
use proptest::prelude::*;

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\"[a-z0-9 .,;<>=-]{0,10}\"",
        2 => "\"([a-zé€]|\\\\[\"\\\\a-zé ]|\\\\\\x01| ){0,6}\"?",
        3 => "[a-z0-9/.:!#$%&'()*+<=>?@\\[\\]^_`{|}~-]{1,8}",
        1 => "[\\x00-\\x7f]{0,3}",
    ]
}

fn attribute() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => ("(rt|if|ct|rel|sz|title|anchor|obs|href|[a-z.!^-]{1,4})", value()).prop_map(|(name, value)| format!(";{name}={value}")),
        2 => ";[a-z]{0,4}",
        2 => ";title\\*=(UTF-8|utf-8|iso-8859-1|x!)?'[a-zA-Z-]{0,5}'([a-z0-9.~]|%[0-9A-Fa-f]{2}|%C3%A4){0,5}",
        1 => ";[a-z]\\*?[=']{0,3}",
    ]
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "(/[a-z0-9._~-]{0,6}){0,3}",
        2 => "(//|[a-z]:|1:|:)?[a-z0-9@:/?#%\\[\\]]{0,8}",
        1 => "coap://(a@)?(\\[::1\\]|h|%41)(:[0-9]{0,5})?/x\\?y#z",
    ]
}

fn list() -> impl Strategy<Value = String> {
    let link = (target(), vec(attribute(), 0..4))
        .prop_map(|(target, attributes)| format!("<{target}>{}", attributes.concat()));
    vec(link, 0..5).prop_map(|links| links.join(","))
}

fn argument() -> impl Strategy<Value = String> {
    ("(rt|if|ct|rel|rev|sz|title|title\\*|href|obs|[a-z])?", "(=[a-z0-9/. ]{0,4}|=)?\\*?")
        .prop_map(|(name, value)| name + &value)
}

proptest! {
    #![proptest_config(strategies::config(500))]

    #[test]
    fn two_readers_agree(list in list()) {
        link_model::check(list.as_bytes());
    }

    /// One character more, less or another: what is next to links.
    #[test]
    fn two_readers_agree_on_what_are_nearly_links(
        list in list(), at in any::<prop::sample::Index>(), other in "[\"\\\\;,<>='*% \\x00é]?", drop in any::<bool>(),
    ) {
        let mut chars: Vec<char> = list.chars().collect();
        let at = if chars.is_empty() { 0 } else { at.index(chars.len()) };
        chars.splice(at..(at + usize::from(drop)).min(chars.len()), other.chars());
        link_model::check(chars.into_iter().collect::<String>().as_bytes());
    }

    #[test]
    fn no_bytes_do_harm(bytes in vec(any::<u8>(), 0..40), text in "[<>/a;=\",\\\\*'%é\\x00]{0,24}") {
        link_model::check(&bytes);
        link_model::check(text.as_bytes());
        link_model::check(&[text.as_bytes(), &bytes].concat());
    }

    /// What an application may write, with any text in quotes and in a language.
    #[test]
    fn what_is_written_is_read_back(
        links in vec(("(/[a-z]{0,3}){0,2}", vec(("[a-z]{1,3}", any::<String>(), "[a-z0-9]{1,4}", 0..4), 0..4)), 0..4),
    ) {
        let links: Vec<_> = links.into_iter().map(|(target, attributes)| link_model::ModelLink {
            target,
            attributes: attributes.into_iter().map(|(name, text, token, which)| match which {
                0 => (name, None),
                1 => (name, Some(link_model::ModelValue::Token(token))),
                2 => (name, Some(link_model::ModelValue::Quoted(text))),
                _ => {
                    let value = link_model::ModelValue::Ext { charset: "UTF-8".into(), language: "en".into(), text };
                    (format!("{name}*"), Some(value))
                }
            }).collect(),
        }).collect();
        let mut text = String::new();
        link_model::write(&links, &mut text);
        prop_assert_eq!(link_model::read(text.as_bytes()), Some(links));
        prop_assert!(link_model::check(text.as_bytes()));
    }

    #[test]
    fn filters(list in list(), arguments in vec(argument(), 1..6)) {
        if let Ok(links) = Links::parse(list.as_bytes()) {
            arguments.iter().for_each(|argument| link_model::check_filter(links, argument));
        }
    }

    #[test]
    fn numbers(number in any::<u32>(), shift in 0u32..32) {
        let number = number >> shift;
        let mut text = String::new();
        coaplet::link::LinkWriter::new(&mut text).link("").number("sz", number).finish().unwrap();
        prop_assert_eq!(text, format!("<>;sz={number}"));
    }
}

/// The generator is worth something: links that are right, and most of what can be wrong.
#[test]
fn links_that_are_made_up_are_right_and_wrong() {
    use proptest::strategy::{Strategy, ValueTree};
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut right, mut wrong) = (0, std::collections::BTreeSet::new());
    for _ in 0..4_000 {
        match Links::parse(list().new_tree(&mut runner).unwrap().current().as_bytes()) {
            Ok(_) => right += 1,
            Err(error) => {
                wrong.insert(error.kind());
            }
        }
    }
    assert!(right > 500 && wrong.len() >= 8, "{right} are right, {wrong:?}");
}
