//! The command `verify`: the proofs of the reclamation, and tests that they can fail.

mod edges;
mod litmus;
mod spin;
mod stress;

use std::ffi::OsString;

use crate::failure::Result;
use crate::suite::{self, Skipped, Step, host};

const EDGES: &str = "each ordering weakened: a loom test of its edge fails";
const LITMUS: &str = "an entry's order on this processor and for AArch64, and without it";
const SPIN: &str = "the protocol searched exhaustively, and without each of its guards";
const TSAN: &str = "ThreadSanitizer over the stress runs, and over a race";

const HELP: &str = "\
Prove the reclamation, or only the named steps, and show that each proof can fail

Usage: cargo xtask verify [--list] [STEP]...

What the machine lacks (Debian's packages spin and gcc) is installed first. All steps take some fifteen
minutes on two CPUs; a step that cannot run fails.

Options:
      --list  Print the steps
  -h, --help  Print help";

/// The command `verify`.
pub(crate) fn command(words: &[OsString]) -> Result<()> {
    let steps = vec![
        step("loom", "every interleaving of the reclamation's edges", host::loom),
        step("edges", EDGES, edges::run),
        step("effort", "no reader locks, waits or repeats, by count", host::effort),
        step("litmus", LITMUS, litmus::run),
        step("spin", SPIN, spin::whole),
        step("tsan", TSAN, stress::sanitized),
        step("stress", "readers, writers and reclaimers for a minute a backend", stress::long),
    ];
    suite::conduct(words, HELP, steps, Skipped::Fails)
}

/// What `cargo xtask test` runs of it, beside loom: what takes less than two minutes each.
pub(crate) fn quick_steps() -> Vec<Step> {
    vec![
        step("edges", EDGES, edges::run),
        step("litmus", LITMUS, litmus::run),
        step("spin", SPIN, spin::quick),
        step("tsan", TSAN, stress::sanitized),
    ]
}

fn step(name: &'static str, about: &'static str, run: fn() -> Result<suite::Outcome>) -> Step {
    Step { name, about, needs: None, run }
}
