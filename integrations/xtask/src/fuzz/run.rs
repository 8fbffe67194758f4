//! Runs of targets, two at a time, and what became of them.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::iter;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::{corpus, program};
use crate::failure::{AtPath, Failure, Result};
use crate::process::{self, Owned};

/// As few as leave the machine usable.
const AT_A_TIME: usize = 2;
/// What a run may take beyond its time: reading its corpus, and an input at the end.
const GRACE: Duration = Duration::from_secs(120);
/// Room for some fifty ranges; and a full corpus of forty inputs stays below 40 KiB.
pub(super) const MAX_LENGTH: &str = "-max_len=1024";
/// An input that takes so many seconds, or so many MiB, is a crash.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=1024"];

/// How long each target runs, and the directory of what it finds.
pub(super) struct Run {
    pub(super) limit: Duration,
    pub(super) found: &'static str,
}

/// Runs all targets to their end, also where one fails.
pub(super) fn all(targets: &[String], run: &Run) -> Result<()> {
    let next = AtomicUsize::new(0);
    let next = || targets.get(next.fetch_add(1, Ordering::Relaxed));
    let work = || iter::from_fn(next).filter(|target| !run.is_clean(target)).collect::<Vec<_>>();
    let failed: Vec<&String> = thread::scope(|scope| {
        let workers: [_; AT_A_TIME] = std::array::from_fn(|_| scope.spawn(work));
        let ends = workers.into_iter().map(thread::ScopedJoinHandle::join);
        ends.flat_map(|end| end.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    if process::interrupted() {
        return Err(Failure::Interrupted);
    }
    if failed.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = failed.iter().map(|name| name.as_str()).collect();
    Err(Failure::failed(format!("not clean: {}", names.join(", "))))
}

impl Run {
    /// Runs one target, and prints what became of it unless the user ended it.
    fn is_clean(&self, target: &str) -> bool {
        let end = self.target(target);
        match &end {
            Ok(report) => println!("{target:<18}{report}"),
            Err(Failure::Interrupted) => {}
            Err(why) => println!("{target:<18}FAILED\n{why}"),
        }
        end.is_ok()
    }

    /// Runs one target and says how far it came.
    fn target(&self, target: &str) -> Result<String> {
        let found = directory(&[self.found, target])?;
        let crashes = directory(&["crashes", target])?;
        let log = directory(&["logs"])?.join(format!("{target}.log"));
        let mut command = program::of(target)?;
        command.arg(format!("-max_total_time={}", self.limit.as_secs()));
        command.arg(format!("-artifact_prefix={}/", crashes.display()));
        command.arg(MAX_LENGTH).args(LIMITS).arg(found).arg(corpus(target));
        let passed = logged(&mut command, &log, self.limit + GRACE)?;
        let text = fs::read(&log).at("read", &log)?;
        let text = String::from_utf8_lossy(&text);
        if passed { Ok(summary(&text)) } else { Err(fault(target, &text, &log)) }
    }
}

/// Runs one target on one input, with its output.
pub(super) fn on_file(target: &str, input: &Path) -> Result<()> {
    let input = std::path::absolute(input).at("find", input)?;
    process::run(program::of(target)?.args(LIMITS).arg(input), GRACE)
}

/// A directory below that of the fuzzer.
pub(super) fn directory(names: &[&str]) -> Result<PathBuf> {
    let path = names.iter().fold(program::directory(), |path, name| path.join(name));
    fs::create_dir_all(&path).at("create", &path)?;
    Ok(path)
}

/// Whether the program succeeds, which writes into `log`.
fn logged(command: &mut Command, log: &Path, limit: Duration) -> Result<bool> {
    let file = File::create(log).at("write", log)?;
    let also = file.try_clone().at("write", log)?;
    command.stdin(Stdio::null()).stdout(file).stderr(also);
    let what = format!("{}, see {}", command.get_program().display(), log.display());
    Ok(Owned::spawn(command)?.wait(limit, &what)?.success())
}

/// `clean: 2641016 runs, 237 branches, 558 features`, of the line that libFuzzer ends with.
fn summary(log: &str) -> String {
    let last = log.lines().rev().find(|line| line.contains("\tDONE ")).unwrap_or_default();
    let words: Vec<&str> = last.split_whitespace().collect();
    let after = |key| words.iter().skip_while(|word| **word != key).nth(1).unwrap_or(&"?");
    let runs = words.first().map_or("?", |word| word.trim_start_matches('#'));
    format!("clean: {runs} runs, {} branches, {} features", after("cov:"), after("ft:"))
}

/// What was found, and how to see it again.
fn fault(target: &str, log: &str, path: &Path) -> Failure {
    let said = log.lines().skip_while(|line| !line.contains("panicked at"));
    let said = said.take_while(|line| !line.contains("backtrace")).take(6);
    let mut text: String = said.map(|line| format!("  {line}\n")).collect();
    let input = log.lines().find_map(|line| line.split_once("Test unit written to "));
    let Some((_, input)) = input else {
        let end: Vec<&str> = log.lines().rev().take(20).collect();
        end.iter().rev().for_each(|line| _ = writeln!(text, "  {line}"));
        return Failure::failed(format!("{text}  log: {}", path.display()));
    };
    let hex: String = fs::read(input)
        .map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        .unwrap_or_else(|error| error.to_string());
    _ = writeln!(text, "  log: {}\n  input: {input}\n  as hex: {hex}", path.display());
    Failure::failed(format!("{text}  again: cargo xtask fuzz {target} --input {input}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_clean_run_is_read() {
        let log = "#2\tINITED cov: 1 ft: 2 corp: 1/1b\n#900\tDONE   cov: 237 ft: 558 corp: 7\nDone";
        assert_eq!(summary(log), "clean: 900 runs, 237 branches, 558 features");
        assert_eq!(summary("nothing"), "clean: ? runs, ? branches, ? features");
    }

    #[test]
    fn a_fault_names_its_input_and_how_to_see_it_again() {
        let input = std::env::temp_dir().join(format!("xtask-fuzz-{}", std::process::id()));
        fs::write(&input, [0xfa, 0x0f]).unwrap();
        let log = format!(
            "thread panicked at here\nleft != right\nartifact; Test unit written to {}\n",
            input.display()
        );
        let text = fault("message", &log, Path::new("message.log")).to_string();
        fs::remove_file(&input).unwrap();
        for part in ["left != right", "as hex: fa0f", "fuzz message --input ", "message.log"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_program_that_dies_without_an_input_shows_its_end() {
        let text = fault("message", "cannot open corpus\n", Path::new("message.log")).to_string();
        assert!(text.contains("cannot open corpus") && text.contains("message.log"), "{text}");
    }
}
