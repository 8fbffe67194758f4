//! An outside opinion: ffa-abi against arm-ffa, the crate of Arm's firmware group.
//!
//! Both get the same registers and bytes, as they come, as ffa-abi writes them, and as arm-ffa writes
//! them. Where they disagree, the case must be one of the known differences, each of which must still
//! occur. `docs/arm-ffa.md` says of each who is right.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test, with one arm a call"
)]

mod boot;
mod boot_known;
mod calls;
mod calls_known;
mod document;
mod framework;
mod known;
mod mapping;
mod partitions;
mod random;
mod relinquish;
mod replies;
mod replies_known;
mod transactions;
mod transactions_known;
mod verdict;
