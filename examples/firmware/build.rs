//! Chooses the memory that the image is linked into: `COAPLET_MEMORY=lm3s6965` (the default) or another file of memory/.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let memory = env::var("COAPLET_MEMORY").unwrap_or_else(|_| "lm3s6965".into());
    let from = here.join("memory").join(format!("{memory}.x"));
    // cortex-m-rt's script looks for a file of this name in all folders that the linker is told of.
    if let Err(error) = fs::copy(&from, out.join("memory.x")) {
        panic!("COAPLET_MEMORY={memory}: cannot copy {}: {error}", from.display());
    }
    // And with the feature `device` for this one, which says where a handler is that is not written: there is none.
    fs::write(out.join("device.x"), "").expect("OUT_DIR can be written");
    println!("cargo:rerun-if-env-changed=COAPLET_MEMORY");
    println!("cargo:rerun-if-changed={}", here.join("memory").display());
    println!("cargo:rustc-link-search={}", out.display());
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none") {
        for script in ["link.x", "defmt.x"] {
            println!("cargo:rustc-link-arg-bins=-T{script}");
        }
        // Functions of the same instructions are there once.
        println!("cargo:rustc-link-arg-bins=--icf=all");
        // What was left out of the image has no address. Without this it would be said to be at 0, where the image begins.
        for section in ["aranges", "info", "line"] {
            println!("cargo:rustc-link-arg-bins=-zdead-reloc-in-nonalloc=.debug_{section}=0xffffffff");
        }
    }
    // What src/copy.rs is for: cores that read and write words at any address.
    println!("cargo:rustc-check-cfg=cfg(unaligned)");
    let target = env::var("TARGET").expect("cargo sets it");
    if ["thumbv7", "thumbv8m.main"].iter().any(|cores| target.starts_with(cores)) {
        println!("cargo:rustc-cfg=unaligned");
    }
}
