//! Block options with any value in any message (RFC 7959 2.2): nothing panics, transfers end, and what the application is
//! told makes sense. `fuzz/fuzz_targets/block.rs` plays the same scripts.

#[path = "transfers/any.rs"]
mod any;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn any_script(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(any::play(&bytes), Ok(()));
    }
}

/// Not only nonsense: what is right comes to pass too, or the test above proves little.
#[test]
fn scripts_come_somewhere() {
    // A server's: PUT, Block1 with M and SZX 0, 16 bytes; then the next one without M.
    assert_eq!(any::play(&[1, 1 | 16, 32, 0, 0x20, 0x08, 0, 2, 1 | 16, 32, 0, 0x20, 0x10, 0, 1]), Ok(()));
    assert_eq!(any::play(&[2, 1, 32, 0, 0x27, 0x0f, 0, 2]), Ok(()));
    // A client's: 2.05, Block2 with M and SZX 0.
    assert_eq!(any::play(&[0, 0, 16, 0, 0x20, 0x08, 0, 2, 0, 16, 0, 0x20, 0x10, 0, 1]), Ok(()));
    assert_eq!(any::play(&[3, 100, 3, 32, 0, 0x20, 0x0a, 0, 0]), Ok(()));
}
