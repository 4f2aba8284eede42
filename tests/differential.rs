//! Codec and grammar on the same bytes: they take the same messages for the same, and blame the same byte for the same
//! fault. First all of what is short enough to be tried whole, then what proptest makes up.

mod common;

use common::{agree, strategies};
use proptest::prelude::*;

/// RFC 7252 3: every first byte with every code, and behind the header what changes the verdict.
#[test]
fn every_header() {
    let tails: [&[u8]; 8] = [b"", b"\x00", b"\xff", b"\xff\xff", b"\x0e", b"\x00\x00\x10", b"\x11a\xff", &[0; 16]];
    let mut valid = 0;
    for first in 0..=255 {
        for code in 0..=255 {
            for tail in tails {
                let datagram = [&[first, code, 0x12, 0x34], tail].concat();
                valid += usize::from(agree::check(&datagram).is_ok());
            }
        }
    }
    // Not so few that the readers could agree by refusing everything, and the same in every run.
    assert!(valid > 10_000, "{valid}");
}

/// RFC 7252 3.1: all options of one and two bytes.
#[test]
fn every_two_bytes_behind_a_header() {
    for first in 0..=255 {
        let _ = agree::check(&[0x40, 1, 0x12, 0x34, first]);
        for second in 0..=255 {
            let _ = agree::check(&[0x50, 0x45, 0x12, 0x34, first, second]);
        }
    }
}

/// RFC 7252 3.1: every first byte of an option with the extensions that lie at an edge, whole and cut short, as the
/// first option and behind another one.
#[test]
fn every_option_header_at_its_edges() {
    const EDGES: [u8; 9] = [0x00, 0x01, 0x0d, 0x0e, 0x0f, 0x10, 0xfe, 0xf2, 0xff];
    for first in 0..=255u8 {
        for a in EDGES {
            for b in EDGES {
                for c in EDGES {
                    let datagram = [0x40, 1, 0x12, 0x34, first, a, b, c, 0x01, 0xff, 0x11];
                    let _ = agree::check(&datagram);
                    let _ = agree::check(&datagram[..8]);
                }
            }
        }
    }
    // Behind an option that leaves the number a little below its end.
    for first in 0..=255u8 {
        for a in EDGES {
            for b in EDGES {
                let _ = agree::check(&[0x40, 1, 0x12, 0x34, 0xe0, 0xfe, 0xe0, first, a, b, 0, 0, 0, 0]);
            }
        }
    }
}

/// RFC 8974 2.1: every TKL with every one-byte extension and tokens around the length that it announces.
#[test]
fn every_token_length() {
    let bytes = [0x5a; 300];
    for tkl in 0..=15u8 {
        for extension in 0..=255u8 {
            for room in [0, 1, 7, 8, 9, 12, usize::from(extension) + 12, usize::from(extension) + 13, 299] {
                let datagram = [&[0x40 | tkl, 1, 0x12, 0x34, extension], &bytes[..room]].concat();
                let _ = agree::check(&datagram);
            }
        }
    }
}

proptest! {
    #![proptest_config(strategies::config(6_000))]

    #[test]
    fn anything(datagram in strategies::datagram()) {
        agree::compare(&datagram).map_err(TestCaseError::fail)?.ok();
    }

    /// Mutants of valid messages: past the header more often than not.
    #[test]
    fn nearly_valid(datagram in strategies::nearly_valid()) {
        agree::compare(&datagram).map_err(TestCaseError::fail)?.ok();
    }
}
