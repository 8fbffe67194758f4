//! Stress runs of the reclamation: for long, and under `ThreadSanitizer`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::failure::{Failure, Result};
use crate::suite::{Outcome, host};
use crate::{process, toolchain, workspace};

const LIMIT: Duration = Duration::from_secs(900);
const SECONDS: &str = "60";
/// A storm for each backend.
const STORMS: [&str; 3] = ["slots", "crossbeam", "arc_swap"];
/// What the sanitizer must report.
const RACE: &str = "a_race_that_a_sanitizer_finds";
const REPORT: &str = "WARNING: ThreadSanitizer: data race";

/// Each storm for a minute, over the allocator that poisons what is freed.
pub(super) fn long() -> Result<Outcome> {
    let mut cargo = stress(&["--release"]);
    cargo.args(["--", "--nocapture", "--test-threads=1"]).env("FFA_STRESS_SECONDS", SECONDS);
    host::passes(&mut cargo)
}

/// Each storm, and a race that shows that races are found.
pub(super) fn sanitized() -> Result<Outcome> {
    let Some(target) = target_with_runtime() else {
        return Ok(Outcome::Skipped("the toolchain has no ThreadSanitizer runtime".into()));
    };
    let (found, report) = run(&target, RACE)?;
    if !found || !report.contains(RACE) {
        return Err(Failure::failed(format!("a race on purpose was not reported:\n{report}")));
    }
    println!("{RACE}: found, as it must be");
    for storm in STORMS {
        let (found, report) = run(&target, storm)?;
        if found {
            return Err(Failure::failed(format!("a data race in the storm `{storm}`:\n{report}")));
        }
        if !report.contains("1 passed; 0 failed;") {
            return Err(Failure::failed(format!("the storm `{storm}` did not pass:\n{report}")));
        }
        println!("{storm}: no data race");
    }
    Ok(Outcome::Passed)
}

/// Whether the sanitizer reports something in a test, and all that is printed.
fn run(target: &str, test: &str) -> Result<(bool, String)> {
    let mut cargo = stress(&["--release", "--target", target]);
    cargo.arg("--target-dir").arg(workspace::target_dir("tsan"));
    // The flag is not stable; the runtime comes with every toolchain.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    cargo.env("RUSTFLAGS", "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer");
    let suppressions = workspace::root().join("ffa-rcu/tests/tsan.supp");
    cargo.env("TSAN_OPTIONS", format!("suppressions={}", suppressions.display()));
    // One at a time: the harness's own threads are not instrumented.
    cargo.args(["--", "--exact", test, "--include-ignored", "--test-threads=1", "--nocapture"]);
    let output = process::output(&mut cargo, LIMIT)?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if !text.contains("running 1 test") {
        return Err(Failure::failed(format!(
            "`{test}` did not run under ThreadSanitizer:\n{text}"
        )));
    }
    Ok((text.contains(REPORT), text))
}

fn stress(arguments: &[&str]) -> Command {
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--package", "ffa-rcu", "--all-features", "--test", "stress"]);
    cargo.args(arguments);
    cargo
}

/// The host's target, where its compiler comes with the sanitizer's runtime.
fn target_with_runtime() -> Option<String> {
    let target = toolchain::host()?;
    let output = process::output(Command::new("rustc").args(["--print", "sysroot"]), LIMIT).ok()?;
    let sysroot = String::from_utf8_lossy(&output.stdout).into_owned();
    let library = PathBuf::from(sysroot.trim()).join("lib/rustlib");
    let mut files = fs::read_dir(library.join(&target).join("lib")).ok()?.flatten();
    let has_runtime = files.any(|file| file.file_name().to_string_lossy().ends_with("_rt.tsan.a"));
    has_runtime.then_some(target)
}
