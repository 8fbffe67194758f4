//! The mediator of `ffa-core` as a static library for Xen.
//!
//! ```text
//!  Xen ── tee_mediator_ops ──▶ ffa_rs.c ── ffa_xen_* ──▶ surface ──▶ ffa_core::Mediator
//!                                 ▲                                          │
//!                                 └── struct ffa_xen_services ◀── host ◀─────┘
//! ```
//! [`surface`] is what C calls, [`services`] what C provides, [`host`] the one in terms of the other.
//! The header `include/ffa_xen.h` is made of the first two.
//!
//! Everything here is called by Xen's code at places where it may take a spin lock and allocate: from
//! a guest's trap, a hypercall, a tasklet or a timer, never from an interrupt handler.

#![cfg_attr(target_os = "none", no_std)]
#![deny(clippy::panic, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

extern crate alloc;

pub mod host;
mod line;
pub mod pages;
#[cfg(target_os = "none")]
mod runtime;
pub mod services;
pub mod surface;

#[cfg(all(target_os = "none", target_feature = "neon"))]
compile_error!("build for aarch64-unknown-none-softfloat: Xen does not save vector registers");
