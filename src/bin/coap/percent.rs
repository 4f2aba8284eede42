//! Percent-encoding (RFC 3986 2.1).

use std::fmt::Write;

/// All that is neither a letter nor a digit nor one of these, percent-encoded.
pub fn encoded(text: &str, kept: &[u8]) -> String {
    let mut coded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            coded.push(char::from(byte));
        } else {
            let _ = write!(coded, "%{byte:02X}");
        }
    }
    coded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_and_what_is_not() {
        assert_eq!(encoded("a b/\u{e9}", b"/"), "a%20b/%C3%A9");
        assert_eq!(encoded("rt=a b&c*", b"=*"), "rt=a%20b%26c*");
    }
}
