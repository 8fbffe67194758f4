//! The command `bench`: measures on this machine, and says where the numbers are.

use std::ffi::OsString;
use std::time::Duration;

use crate::failure::Result;
use crate::{arguments, process, workspace};

const HELP: &str = "\
Measure listing, counting and registers against locked lists and a plain copy

Usage: cargo xtask bench [FILTER]... [-- CRITERION ARGS]

Examples:
  cargo xtask bench                     everything
  cargo xtask bench list                what has `list` in its name
  cargo xtask bench ratios              write the tables and the plot of docs/performance.md anew
  cargo xtask bench -- --quick          faster, less exact
  cargo xtask bench -- --save-baseline before

Options:
  -h, --help  Print help";

const LIMIT: Duration = Duration::from_secs(4 * 60 * 60);

/// The command `bench`.
pub(crate) fn command(words: &[OsString]) -> Result<()> {
    let (ours, criterions) = arguments::split_rest(words);
    let filters = arguments::names(ours, HELP, &mut [])?;
    if words.first().is_some_and(|word| word == "ratios") {
        return ratios();
    }
    let mut cargo = workspace::cargo();
    cargo.args(["bench", "--package", "ffa-benches", "--"]).args(filters).args(criterions);
    process::run(&mut cargo, LIMIT)?;
    println!("results and plots: {}", workspace::target_dir("criterion").display());
    Ok(())
}

/// Contenders that take turns within one run: what the limits are held against.
fn ratios() -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo.args(["run", "--release", "--package", "ffa-benches", "--bin", "ratios"]);
    process::run(cargo.args(["--", "--docs", "docs"]), LIMIT)
}
