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
