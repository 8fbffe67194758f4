//! What the benches compare: the mediator, locked lists of contexts, and a plain copy.
//!
//! Every contender answers the same question about the same partitions, and tests hold their answers
//! against each other. The mediator's answer is the whole call, registers to registers; the others
//! have nothing around them.

#![expect(clippy::expect_used, clippy::panic, reason = "without its subject a bench has no result")]

mod contender;
mod contest;
mod context_list;
mod host;
mod population;

pub use contender::Contender;
pub use contest::{Contest, names};
