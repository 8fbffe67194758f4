//! The programs of the fuzz crate: built as cargo-fuzz builds them, by any compiler.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::crate_root;
use crate::failure::{Failure, Result};
use crate::suite::host;
use crate::{process, toolchain, workspace};

const LIMIT: Duration = Duration::from_secs(900);

/// What libFuzzer wants to be told while a program runs: which branches it takes, and what it
/// compares. All of it is stable. No sanitizer is needed where nothing is unsafe.
const FLAGS: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Clink-dead-code",
];

/// Whether there is a compiler for libFuzzer, which is C++.
pub(super) fn has_compiler() -> bool {
    env::var_os("CXX").is_some() || workspace::find_program("c++").is_some()
}

/// Builds all targets.
pub(super) fn build() -> Result<()> {
    process::run(&mut cargo("build")?, LIMIT)
}

/// Checks the style of the fuzz crate, of which the checks of the workspace do not know, as far as the
/// toolchain can.
pub(super) fn lint() -> Result<()> {
    let manifest = crate_root().join("Cargo.toml");
    if host::has("fmt") {
        let mut cargo = workspace::cargo();
        cargo.args(["fmt", "--check", "--manifest-path"]).arg(&manifest);
        process::run(&mut cargo, LIMIT)?;
    }
    if host::has("clippy") {
        process::run(cargo("clippy")?.args(["--", "-D", "warnings"]), LIMIT)?;
    }
    Ok(())
}

/// The program of a target, built before.
pub(super) fn of(target: &str) -> Result<Command> {
    let program = directory().join(own_target()?).join("release").join(target);
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    Ok(command)
}

/// Where all of it lies that is not checked in.
pub(super) fn directory() -> PathBuf {
    workspace::target_dir("fuzz")
}

fn cargo(action: &str) -> Result<Command> {
    let mut cargo = workspace::cargo();
    cargo.args([action, "--release", "--locked", "--manifest-path"]);
    cargo.arg(crate_root().join("Cargo.toml"));
    // With a target named, the flags are for that and not for build scripts.
    cargo.arg("--target").arg(own_target()?).arg("--target-dir").arg(directory());
    cargo.env("RUSTFLAGS", FLAGS.join(" ")).env_remove("CARGO_ENCODED_RUSTFLAGS");
    Ok(cargo)
}

fn own_target() -> Result<String> {
    toolchain::host().ok_or_else(|| Failure::failed("rustc does not say what its host is"))
}
