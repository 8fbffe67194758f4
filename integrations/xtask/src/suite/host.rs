//! Steps that need only the host's toolchain.

use std::process::Command;
use std::time::Duration;

use super::{Outcome, Step};
use crate::failure::Result;
use crate::{process, workspace};

const LIMIT: Duration = Duration::from_secs(900);
const QUERY_LIMIT: Duration = Duration::from_secs(30);
/// The crates that are published.
pub(super) const LIBRARIES: [&str; 3] = ["ffa-abi", "ffa-rcu", "ffa-core"];

pub(super) fn steps() -> Vec<Step> {
    let step = |name, about, run| Step { name, about, needs: None, run };
    vec![
        step("format", "every file is as rustfmt writes it", format),
        step("clippy", "no warning on the host", clippy),
        step("unit", "unit, scenario and documentation tests", unit),
        step("docs", "the documentation builds without a warning", docs),
        step("loom", "every interleaving of the reclamation's edges", loom),
        step("effort", "no reader locks, waits or repeats, by count", effort),
        step("storm", "1500 VMs listed by 2 readers while others come and go", storm),
        step("random", "random calls while their VMs are destroyed and created", random),
        step("package", "the libraries are ready to be published", package),
    ]
}

fn format() -> Result<Outcome> {
    if !has("fmt") {
        return Ok(lacks("rustfmt"));
    }
    passes(workspace::cargo().args(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<Outcome> {
    if !has("clippy") {
        return Ok(lacks("clippy"));
    }
    let mut cargo = workspace::cargo();
    cargo.args(["clippy", "--workspace", "--all-targets", "--all-features"]);
    passes(cargo.args(["--", "-D", "warnings"]))
}

fn unit() -> Result<Outcome> {
    passes(workspace::cargo().args(["test", "--workspace", "--all-features"]))
}

fn docs() -> Result<Outcome> {
    let mut cargo = workspace::cargo();
    cargo
        .args(["doc", "--workspace", "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings");
    passes(&mut cargo)
}

/// loom replaces the atomics of everything below it: a build of its own.
pub(crate) fn loom() -> Result<Outcome> {
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--release", "--package", "ffa-rcu", "--all-features", "--test", "loom"]);
    cargo.arg("--target-dir").arg(workspace::target_dir("loom"));
    passes(cargo.env("RUSTFLAGS", "--cfg loom --cfg crossbeam_loom"))
}

/// Atomics that count their uses: a build of its own too.
pub(crate) fn effort() -> Result<Outcome> {
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--release", "--package", "ffa-rcu", "--package", "ffa-harness"]);
    cargo.args(["--all-features", "--test", "effort"]);
    cargo.arg("--target-dir").arg(workspace::target_dir("counted"));
    passes(cargo.env("RUSTFLAGS", "--cfg counted"))
}

fn storm() -> Result<Outcome> {
    harness(&["storm", "--vms", "1500", "--readers", "2", "--churn", "--seconds", "10"])
}

fn random() -> Result<Outcome> {
    harness(&["random", "--seconds", "5"])
}

fn harness(arguments: &[&str]) -> Result<Outcome> {
    let mut cargo = workspace::cargo();
    passes(cargo.args(["run", "--release", "--package", "ffa-harness", "--"]).args(arguments))
}

/// All at once: each is checked against the others as they are packaged.
fn package() -> Result<Outcome> {
    let mut cargo = workspace::cargo();
    cargo.arg("package").args(LIBRARIES.iter().flat_map(|name| ["--package", name]));
    // A developer runs this before the commit.
    passes(cargo.arg("--allow-dirty"))
}

/// Has the toolchain this part, which not every distribution ships?
fn has(subcommand: &str) -> bool {
    let mut cargo = workspace::cargo();
    let output = process::output(cargo.args([subcommand, "--version"]), QUERY_LIMIT);
    output.is_ok_and(|output| output.status.success())
}

fn lacks(component: &str) -> Outcome {
    let cure = format!("`rustup component add {component}` would add it");
    Outcome::Skipped(format!("the toolchain has no {component}: {cure}"))
}

/// Runs a program to its end, with what it prints.
pub(crate) fn passes(command: &mut Command) -> Result<Outcome> {
    process::run(command, LIMIT).map(|()| Outcome::Passed)
}
