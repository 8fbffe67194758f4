//! The portable parts of the hypervisor: no hardware access, tested on the host.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod bundle;
pub mod vpl011;
