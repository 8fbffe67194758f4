//! When may memory be reused? Lock-free reads and safe freeing for hypervisors.
#![no_std]

extern crate alloc;
#[cfg(loom)]
extern crate std;

mod backend;
mod edges;
mod limbo;
mod memory;
mod node;
mod publish_once;
mod registry;
mod section;
mod shared;
mod sync;
mod table;
mod writer;

#[cfg(feature = "crossbeam")]
pub use backend::CrossbeamEpoch;
pub use backend::{Backend, DefaultBackend, Slots};
pub use limbo::Retired;
pub use memory::{Footprint, OutOfMemory, try_box};
pub use publish_once::{Claim, ProposeError, PublishOnce, Publishing, State};
pub use registry::{Cpu, DEFAULT_LIMIT, Reclaimed, Registry};
pub use section::{Held, Section};
pub use shared::Shared;
pub use writer::{Backlog, InsertError, Prepared, ReplaceError, Writer};
