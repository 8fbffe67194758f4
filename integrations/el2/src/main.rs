//! A small hypervisor at EL2 for QEMU's `virt` machine; see README.md.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
extern crate alloc;

#[cfg(target_os = "none")]
mod machine;

#[cfg(not(target_os = "none"))]
fn main() {
    println!("This is a hypervisor for AArch64: `cargo xtask qemu` builds and boots it.");
}
