//! The portable parts of the hypervisor: no hardware access, no unsafe, tested on the host.
//!
//! The binary adds what touches the machine; see its `machine` module.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod bundle;
pub mod psci;
pub mod ram;
pub mod scheduler;
pub mod trap;
pub mod vgic;
pub mod vpl011;
