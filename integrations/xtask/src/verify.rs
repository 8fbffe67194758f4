//! The command `verify`: the proofs of the reclamation, and tests that they can fail.

mod edges;
mod spin;
mod stress;

use std::ffi::OsString;

use crate::failure::Result;
use crate::suite::{self, Step, host};

const HELP: &str = "\
Prove the reclamation, or only the named steps, and show that each proof can fail

Usage: cargo xtask verify [--list] [STEP]...

What the machine lacks (Debian's packages spin and gcc) is installed first.

Options:
      --list  Print the steps
  -h, --help  Print help";

/// The command `verify`.
pub(crate) fn command(words: &[OsString]) -> Result<()> {
    let mut steps = vec![step("loom", "every interleaving of the reclamation's edges", host::loom)];
    steps.extend(quick_steps());
    steps.push(step(
        "stress",
        "readers, writers and reclaimers for a minute a backend",
        stress::long,
    ));
    suite::conduct(words, HELP, steps)
}

/// What `cargo xtask test` runs of it, beside loom.
pub(crate) fn quick_steps() -> Vec<Step> {
    vec![
        step("edges", "each ordering weakened: a loom test of its edge fails", edges::run),
        step(
            "spin",
            "the protocol searched exhaustively, and without each of its guards",
            spin::run,
        ),
        step("tsan", "ThreadSanitizer over the stress runs, and over a race", stress::sanitized),
    ]
}

fn step(name: &'static str, about: &'static str, run: fn() -> Result<suite::Outcome>) -> Step {
    Step { name, about, needs: None, run }
}
