//! Hands the linker script to the linker, when guests are built for a virtual machine.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=image.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-T{folder}/image.ld");
        // So that the linker lists what has to be relocated, wherever it is: it relocates itself.
        println!("cargo::rustc-link-arg-bins=-pie");
        println!("cargo::rustc-link-arg-bins=-znotext");
        // Memory protection is no subject without an MMU; it has rules on the order of sections.
        println!("cargo::rustc-link-arg-bins=-znorelro");
    }
}
