//! A model hypervisor and a model SPMC in one process, to try the mediator with.
//!
//! ```text
//!   Scenario, tests, storm        vCPUs: threads that make calls as guests do
//!        │ Regs      ▲ Regs
//!        ▼           │
//!   ffa_core::Mediator<Hypervisor>
//!        │ Host      │
//!        ▼           ▼
//!   Hypervisor ── Ram, Pinned ── Spmc ── Physical (memory, interrupts)
//!        └── Points (make it fail or stop here) ── Journal (what broke a promise)
//! ```
//! What the mediator promises to its host and to guests is checked all the time, by the buffers and on
//! each reply; a [`Machine`] that saw a promise broken panics when it is dropped.
#![forbid(unsafe_code)]
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test tool: what is not as expected ends the test"
)]

mod buffer;
mod current;
pub mod decode;
mod hypervisor;
mod journal;
mod machine;
mod memory;
mod physical;
mod points;
pub mod random;
mod scenario;
mod shape;
mod spmc;
pub mod storm;

mod transcript;
mod vcpu;

pub use buffer::{Pinned, Watch};
pub use current::in_mediator;
pub use hypervisor::{Hypervisor, RAM_BASE};
pub use journal::{Interrupt, Journal};
pub use machine::{Machine, NOTIFICATION_PENDING_INTERRUPT, Setup};
pub use memory::{PAGE, Ram};
pub use physical::Physical;
pub use points::{POINTS, Pause, Point, Points};
pub use scenario::{Actor, Heard, HeardRegs};
pub use spmc::{Spmc, SpmcSetup, Tamper, secure_partition};
pub use vcpu::{Entry, RX, TX, Vcpu};

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ReadmeExamples;
