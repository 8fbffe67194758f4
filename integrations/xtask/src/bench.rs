//! The command `bench`: measures on this machine, writes what came out into the docs, and says what
//! holds.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::failure::{Failure, Result};
use crate::{arguments, process, setup, workspace};

const HELP: &str = "\
Measure the registry and the mediator against locked lists, crossbeam-epoch and a plain copy

Usage: cargo xtask bench [--quick] [PART]... [-- CRITERION ARGS]

Without a part: instructions, targets and plots, which write docs/performance.md and docs/plots anew
(some four minutes). Exit status 1 where a gate does not hold.

Parts:
  targets             Times, tails, scaling and retired memory, held against the gates and goals
  instructions        Instructions of single operations, under valgrind
  plots               The figures, from what was measured last
  criterion [FILTER]  Latency by criterion, whose groups run one after the other

Examples:
  cargo xtask bench                     everything, with the docs
  cargo xtask bench --quick             a short trial: nothing is written to the docs
  cargo xtask bench criterion list -- --save-baseline before

Options:
      --quick  Short and inexact; writes no docs
  -h, --help   Print help";

const LIMIT: Duration = Duration::from_secs(4 * 60 * 60);

/// What there is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// First, since the table of targets takes its counts over.
    Instructions,
    Targets,
    Plots,
}

/// The command `bench`.
pub(crate) fn command(words: &[OsString]) -> Result<()> {
    let (ours, criterions) = arguments::split_rest(words);
    let mut quick = false;
    let names = arguments::names(ours, HELP, &mut [("quick", &mut quick)])?;
    if let Some(("criterion", filters)) =
        names.split_first().map(|(first, rest)| (first.as_str(), rest))
    {
        if quick {
            return Err(Failure::usage(
                "criterion has no --quick: give it its own arguments after --",
            ));
        }
        return criterion(filters, criterions);
    }
    if !criterions.is_empty() {
        return Err(Failure::usage(
            "what follows -- is for criterion, which is not among the parts",
        ));
    }
    let parts = parts(&names)?;
    if quick && parts == [Part::Plots] {
        return Err(Failure::usage("--quick writes no docs, and the plots are docs"));
    }
    build()?;
    // A gate that fails must not keep the plots from being drawn, which print nothing: the table of
    // targets is what is seen last.
    let mut verdict = Ok(());
    for part in parts {
        match part {
            Part::Instructions => instructions()?,
            Part::Targets => verdict = targets(quick),
            Part::Plots if quick => {}
            Part::Plots => plots()?,
        }
    }
    verdict
}

/// The parts that the names stand for, in the order in which they are done.
fn parts(names: &[String]) -> Result<Vec<Part>> {
    let all =
        [("instructions", Part::Instructions), ("targets", Part::Targets), ("plots", Part::Plots)];
    if let Some(name) = names.iter().find(|name| !all.iter().any(|(known, _)| known == name)) {
        return Err(Failure::usage(format!(
            "there is no part `{name}`: see `cargo xtask bench --help`"
        )));
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|other| other == name);
    Ok(all.into_iter().filter(|(name, _)| wanted(name)).map(|(_, part)| part).collect())
}

fn criterion(filters: &[String], criterions: &[OsString]) -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo.args(["bench", "--package", "ffa-benches", "--"]).args(filters).args(criterions);
    process::run(&mut cargo, LIMIT)?;
    println!("results and plots: {}", workspace::target_dir("criterion").display());
    Ok(())
}

fn build() -> Result<()> {
    let mut cargo = workspace::cargo();
    process::run(cargo.args(["build", "--release", "--package", "ffa-benches", "--bins"]), LIMIT)
}

/// Where results stay from run to run.
fn results() -> PathBuf {
    workspace::target_dir("bench")
}

/// One of the programs of `ffa-benches`, built before.
fn program(name: &str) -> std::process::Command {
    let mut command = std::process::Command::new(workspace::target_dir("release").join(name));
    command.current_dir(workspace::root());
    command
}

/// Without valgrind the counts are left out, and the table says so.
fn instructions() -> Result<()> {
    let found = workspace::find_program("valgrind").map_or_else(
        || setup::install_packages(&["valgrind"], "it counts instructions"),
        |_| Ok(()),
    );
    if let Err(why) = found {
        eprintln!("bench: no instructions are counted: {why}");
        return Ok(());
    }
    process::run(program("instructions").arg("--results").arg(results()), LIMIT)
}

fn targets(quick: bool) -> Result<()> {
    let mut targets = program("targets");
    targets.arg("--results").arg(results());
    if quick {
        targets.arg("--quick");
    } else {
        targets.args(["--docs", "docs"]);
    }
    process::run(&mut targets, LIMIT)
}

fn plots() -> Result<()> {
    let latest = results().join("latest.tsv");
    process::run(program("plots").arg("--results").arg(latest).args(["--docs", "docs"]), LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(words: &[&str]) -> Result<Vec<Part>> {
        parts(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn parts_are_done_in_their_order() {
        let all = [Part::Instructions, Part::Targets, Part::Plots];
        assert_eq!(named(&[]).unwrap(), all);
        assert_eq!(named(&["plots", "targets"]).unwrap(), all[1..]);
    }

    #[test]
    fn unknown_parts_are_refused() {
        assert!(named(&["list"]).is_err());
    }
}
