//! Bare-metal guests for the hypervisor in `integrations/el2`, and the FF-A client that they share.
//!
//! The guests are clients of FF-A as anybody would write one with `ffa-abi`: they negotiate, map
//! their buffers, list the partitions in each way that their version has, and check what they see.
//! Each is a raw binary with an arm64 Image header that runs at any multiple of 4096, started at
//! EL1 with the MMU off and `x0` 0 or a device tree. An [`argument::Argument`] is in `x1`, or in
//! the boot arguments of the device tree as `arg=NUMBER`. Each ends by printing `RESULT PASS` or
//! `RESULT FAIL why` and powering off.
//!
//! The modules that know no hardware are tested on the host: all but `machine` and `programs`.
#![cfg_attr(not(test), no_std)]

// The vector registers are for the self-test alone, and interrupt handlers do not save them.
#[cfg(all(target_os = "none", target_feature = "neon"))]
compile_error!("guests are built for aarch64-unknown-none-softfloat");

pub mod argument;
pub mod client;
pub mod observer;
pub mod platform;
pub mod random;
pub mod toolstack;
pub mod transcript;

#[cfg(target_os = "none")]
pub mod machine;
#[cfg(target_os = "none")]
pub mod programs;

/// Makes a binary of one of the `programs`; on the host, one that says how to run it.
#[macro_export]
macro_rules! guest {
    ($program:ident) => {
        #[cfg(target_os = "none")]
        mod start {
            $crate::machine::entry!(main, 16);
            $crate::machine::exception_handlers!($crate::machine::Exceptions);

            fn main(x0: u64, x1: u64, _: u64, _: u64) -> ! {
                // SAFETY: both are as the hypervisor gave them to the first instruction.
                unsafe { $crate::machine::run($crate::programs::$program::main, x0, x1) }
            }
        }

        #[cfg(not(target_os = "none"))]
        fn main() {
            std::println!("A guest for a virtual machine: `cargo xtask demo` runs the guests.");
        }
    };
}
