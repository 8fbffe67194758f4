//! The order of an entry as it is shipped: on this processor, and in the instructions for AArch64.
//!
//! Models take it as given that a `SeqCst` store comes before a later `SeqCst` load. Here that is seen to
//! be what the compiler makes of it, and what is lost without.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::failure::{AtPath, Failure, Result};
use crate::setup::{self, Need};
use crate::suite::Outcome;
use crate::{process, toolchain, workspace};

const LIMIT: Duration = Duration::from_secs(300);
/// The ordering of an entry, in `ffa-rcu/src/edges.rs`.
const ENTRY: &str = "E4_SEQ_CST";
/// How long the sound one is tried, and the weakened one at the most. It fails within a second.
const SECONDS: [&str; 2] = ["5", "30"];
const PASSED: &str = "test result: ok. 1 passed";
const CAUGHT: &str = "a section reads what is freed";
/// The function of `ffa-rcu/examples/entry.rs`.
const FUNCTION: &str = "enter_and_read";

pub(super) fn run() -> Result<Outcome> {
    check_instructions()?;
    if std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() < 2) {
        return Ok(Outcome::Skipped("one CPU: nothing can be seen out of order".into()));
    }
    let [sound, weakened] = SECONDS;
    let output = storm("", sound)?;
    if !output.contains(PASSED) {
        return Err(Failure::failed(format!("nothing is weakened, and yet:\n{output}")));
    }
    println!("nothing weakened: no section reads what is freed");
    let output = storm(ENTRY, weakened)?;
    if !output.contains(CAUGHT) {
        return Err(Failure::failed(format!("{ENTRY} weakened, and nothing is seen:\n{output}")));
    }
    println!("{ENTRY} weakened: {CAUGHT}, as it must");
    Ok(Outcome::Passed)
}

/// Runs the test for so long with an ordering weakened, or none, and returns what it says.
fn storm(weakened: &str, seconds: &str) -> Result<String> {
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--release", "--package", "ffa-rcu", "--test", "litmus"]);
    cargo.arg("--target-dir").arg(workspace::target_dir("litmus"));
    cargo.env("RUSTFLAGS", "--cfg litmus").env("FFA_RCU_WEAKEN", weakened);
    let output = process::output(cargo.env("FFA_STRESS_SECONDS", seconds), LIMIT)?;
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Looks at the entry for AArch64.
fn check_instructions() -> Result<()> {
    setup::ensure(&[Need::Compiler, Need::Linker])?;
    let path = workspace::target_dir("aarch64").join("entry.s");
    let mut cargo: Command = toolchain::require()?.cargo("rustc");
    cargo.args(["--release", "--package", "ffa-rcu", "--example", "entry", "--"]);
    cargo.arg(format!("--emit=asm={}", path.display())).arg("-Cdebuginfo=0");
    process::run(&mut cargo, LIMIT)?;
    let assembly = fs::read_to_string(&path).at("read", &path)?;
    let entry = instructions(&assembly, FUNCTION);
    match order(&entry) {
        Ok(()) => println!("AArch64 enters with STLR, then LDAR:\n    {}", entry.join("\n    ")),
        Err(why) => {
            let text = entry.join("\n    ");
            return Err(Failure::failed(format!("the entry for AArch64: {why}\n    {text}")));
        }
    }
    Ok(())
}

/// The instructions of the function whose name has `name` in it.
fn instructions(assembly: &str, name: &str) -> Vec<String> {
    let is_label = |line: &str| line.ends_with(':') && line.contains(name);
    let body = assembly.lines().skip_while(|line| !is_label(line)).skip(1);
    let body = body.take_while(|line| !line.starts_with(".Lfunc_end"));
    let lines = body.map(|line| line.trim().replace('\t', " "));
    lines.filter(|line| !line.is_empty() && !line.starts_with('.')).collect()
}

/// Whether the first store is a release, followed by an acquire before any other load, and neither by
/// anything weaker: the order that the architecture keeps between the two.
fn order(entry: &[String]) -> std::result::Result<(), &'static str> {
    let mnemonics = entry.iter().map(|line| line.split(' ').next().unwrap_or_default());
    let mut accesses = mnemonics.filter(|name| name.starts_with("ld") || name.starts_with("st"));
    let store = accesses.find(|name| name.starts_with("st")).ok_or("no store")?;
    if store != "stlr" {
        return Err("the slot is not stored with STLR");
    }
    match accesses.next() {
        Some("ldar") => Ok(()),
        _ => Err("what follows the store is not LDAR"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Vec<String> {
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    #[test]
    fn the_function_is_found() {
        let assembly = "other:\n\tnop\n.Lfunc_end0:\n_ZN5entry14enter_and_read17hE:\n\t.cfi_startproc\n\
                        \tldr\tx8, [x0]\n\tret\n.Lfunc_end1:\n\tnop\n";
        assert_eq!(instructions(assembly, FUNCTION), ["ldr x8, [x0]", "ret"]);
        assert!(instructions("", FUNCTION).is_empty());
    }

    #[test]
    fn only_a_release_and_an_acquire_in_this_order_are_right() {
        let sound = "ldr x9, [x8]\nlsl x1, x1, #7\nstlr x9, [x10]\nldar xzr, [x8]\nldar x8, [x9]";
        assert_eq!(order(&entry(sound)), Ok(()));
        for weak in [
            sound.replace("stlr", "str"),
            sound.replace("ldar xzr", "ldr xzr"),
            sound.replace("ldar xzr", "ldapr xzr"),
            sound.replace("ldar xzr, [x8]\n", "ldr x3, [x8]\nldar xzr, [x8]\n"),
            "ret".to_owned(),
        ] {
            assert!(order(&entry(&weak)).is_err(), "{weak}");
        }
    }
}
