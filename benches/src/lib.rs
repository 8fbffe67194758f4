//! What the benches compare: the registry, the mediator, lists of contexts, and a plain copy.
//!
//! Every contender answers the same questions about the same partitions, and tests hold their answers
//! against each other. The mediator's answer is the whole call, registers to registers; the others
//! have nothing around them.

#![forbid(unsafe_code)]
#![expect(clippy::expect_used, clippy::panic, reason = "without its subject a bench has no result")]

mod apart;
mod compose;
mod contender;
mod contest;
mod context;
mod crossbeam_list;
mod data;
mod decoding;
mod host;
mod kind;
mod locked_list;
mod mediated;
mod model;
mod origin;
mod population;
mod registry;
mod store;

pub use apart::{APART, Apart};
pub use contender::Contender;
pub use contest::{CHANGE_BUDGET, Contest, Question};
pub use context::destroyed_here;
pub use data::Data;
pub use decoding::{DISCOVERY, LongTransaction, decoders};
pub use kind::{Experiment, Kind, MEMCPY, PIN, SWAP};
pub use mediated::{Client, Mediated};
pub use model::table as scaling_model;
pub use origin::Origin;
pub use population::Population;
pub use registry::DirectoryRegistry;
pub use store::{Asker, OpenSection, Reader, Refused, Registers, Store};
