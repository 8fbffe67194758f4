//! Golden vectors: registers and bytes written by hand, and what they mean.
//!
//! Their numbers are those of other people: calls that Linux made and was recorded making, and the
//! ids, offsets and bit positions that Linux, TF-A, Hafnium, OP-TEE and Xen agree on. No vector was
//! written by this crate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod calls;
mod descriptors;
mod notations;
mod refusals;
mod replies;
