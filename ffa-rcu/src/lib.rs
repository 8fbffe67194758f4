#![doc = include_str!("../README.md")]
//!
//! # Layers
//!
//! 1. [`Backend`]: when has every reader left? It detects grace periods and frees nothing.
//! 2. The limbo: retired objects in the order of their tickets, under the writers' lock. Each object
//!    brings its own links, so retiring never allocates.
//! 3. [`Registry`]: the published snapshot, the id table, and who may read, write and reclaim.
//!
//! A snapshot may be [`Chunked`], so that a change costs what it changes. Beside them, [`PublishOnce`]
//! is one atomic word, [`Shared`] a counted pointer whose allocation may fail, and [`Signals`] are bits
//! that others set without a lock.
#![no_std]

extern crate alloc;
#[cfg(loom)]
extern crate std;

mod backend;
mod chunked;
mod edges;
mod grace;
mod limbo;
mod memory;
mod node;
mod publish_once;
mod registry;
mod section;
mod shared;
mod signals;
mod sync;
mod table;
mod writer;

#[cfg(all(feature = "arc-swap", not(loom)))]
pub use backend::ArcSwapEpoch;
#[cfg(feature = "crossbeam")]
pub use backend::CrossbeamEpoch;
pub use backend::{Backend, DefaultBackend, Slots, Ticket};
pub use chunked::{Chunk, Chunked, Entry, Splice, Spliced};
pub use grace::GracePeriod;
pub use limbo::Retired;
pub use memory::{Footprint, OutOfMemory, try_box};
pub use publish_once::{Claim, ProposeError, PublishOnce, Publishing, State};
pub use registry::{Cpu, DEFAULT_LIMIT, Reclaimed, Registry};
pub use section::{Held, Section};
pub use shared::Shared;
pub use signals::{AlreadyBound, SIGNALS, Sender, SetError, Signals, UnbindError};
#[cfg(counted)]
pub use sync::counted;
pub use writer::{Backlog, InsertError, Prepared, ReplaceError, Writer};
