#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod directory;
mod discovery;
mod functions;
mod handler;
mod host;
mod indirect;
mod lifecycle;
mod limits;
mod listing;
mod mailbox;
mod marks;
mod mediator;
mod negotiation;
mod notifications;
mod policy;
mod poll;
mod refusal;
mod rxtx;
mod spmc;
mod vm;

pub use ffa_abi as abi;
#[cfg(feature = "arc-swap")]
pub use ffa_rcu::ArcSwapEpoch;
#[cfg(feature = "crossbeam")]
pub use ffa_rcu::CrossbeamEpoch;
pub use ffa_rcu::{Backend, Backlog, DefaultBackend, Reclaimed, Retired, Slots};
pub use handler::{Caller, Cpu, Handled, Outcome};
pub use host::{Access, Buffer, Host, Level, MapError, OutOfBounds, SpmcBuffers, Taint};
pub use lifecycle::{CreateError, DestroyError};
pub use limits::Limits;
pub use mediator::{Config, Mediator, NewError};
pub use policy::Policy;
pub use poll::Polled;
pub use vm::{OUR_VERSION as VERSION, VmConfig};
