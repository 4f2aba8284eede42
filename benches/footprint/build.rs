//! Links the images with `firmware.ld`, and again when it changes.

use std::{env, path::PathBuf};

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let script = here.join("firmware.ld");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", script.display());
    // Only for the device: `cargo clippy` on the host does not come by a linker.
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none") {
        println!("cargo:rustc-link-arg-bins=-T{}", script.display());
        // What firmware ships with: of functions that are the same to the byte, such as `at` and `at_mut`, one is linked.
        println!("cargo:rustc-link-arg-bins=--icf=all");
    }
}
