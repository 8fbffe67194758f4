//! Steps that need only the host's toolchain.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use super::{Outcome, Step};
use crate::failure::{AtPath, Result};
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

/// All at once: each is checked against the others as they are packaged. A build of its own, from
/// nothing: Cargo takes what it unpacked, or built, of the same name and version for the same contents.
fn package() -> Result<Outcome> {
    forget_unpacked(&cargo_home().join("registry/src"));
    let target = workspace::target_dir("packaged");
    if target.exists() {
        fs::remove_dir_all(&target).at("remove", &target)?;
    }
    let mut cargo = workspace::cargo();
    cargo.arg("package").args(LIBRARIES.iter().flat_map(|name| ["--package", name]));
    // A developer runs this before the commit.
    passes(cargo.arg("--allow-dirty").arg("--target-dir").arg(target))
}

fn cargo_home() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cargo");
    env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

/// Removes what Cargo unpacked of our libraries when it packaged them before. The registry that it makes
/// up for the purpose has a path and no host, hence the dash.
fn forget_unpacked(sources: &Path) {
    let registries = fs::read_dir(sources).into_iter().flatten().flatten();
    let made_up = registries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"-"));
    let copies =
        made_up.flat_map(|entry| fs::read_dir(entry.path()).into_iter().flatten().flatten());
    for copy in copies {
        let name = copy.file_name();
        if LIBRARIES.iter().any(|library| name.to_string_lossy().starts_with(library)) {
            // What cannot be removed is left to Cargo.
            let _ = fs::remove_dir_all(copy.path());
        }
    }
}

/// Has the toolchain this part, which not every distribution ships?
pub(crate) fn has(subcommand: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_libraries_of_made_up_registries_are_forgotten() {
        let sources = workspace::target_dir("forget-unpacked-test");
        let of = |name: &str| sources.join(name);
        let kept = [of("-1234/other-0.1.0"), of("index.example-1234/ffa-abi-0.1.0")];
        let forgotten = of("-1234/ffa-abi-0.1.0");
        for copy in kept.iter().chain([&forgotten]) {
            fs::create_dir_all(copy).unwrap();
        }
        forget_unpacked(&sources);
        assert!(kept.iter().all(|copy| copy.exists()) && !forgotten.exists());
        fs::remove_dir_all(&sources).unwrap();
        forget_unpacked(&sources);
    }
}
