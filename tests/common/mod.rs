//! What the tests share: hexadecimal, the vectors, a second encoder and writer to compare with, generators.

// Each test binary uses its own part of this module.
#![allow(dead_code)]

#[path = "../grammar/mod.rs"]
pub mod grammar;

pub mod agree;
pub mod link_model;
pub mod model;
pub mod registry;
pub mod script;
pub mod strategies;
pub mod uri_model;
pub mod vectors;
pub mod view;

/// Bytes from hexadecimal digits; blanks between bytes are welcome.
pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).unwrap_or_else(|| panic!("no hexadecimal digit: {c:?} in {text:?}")) as u8)
        .collect();
    assert!(digits.len() % 2 == 0, "half a byte in {text:?}");
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
