//! Runs `ffa-harness decode`.
#![allow(dead_code, reason = "each test file uses some of it")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::{Command, Output};

pub(crate) fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ffa-harness"));
    command.arg("decode").args(arguments).output().unwrap()
}

pub(crate) fn explained(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    assert!(output.stderr.is_empty(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn words(arguments: &str) -> String {
    explained(&arguments.split_whitespace().collect::<Vec<_>>())
}

/// A text without the indentation that it has in this file.
pub(crate) fn text(lines: &str) -> String {
    let cut = |line: &str| line.strip_prefix("        ").unwrap_or(line).to_owned();
    lines.trim_start_matches('\n').lines().map(|line| cut(line) + "\n").collect()
}

/// Wrong usage: exit status 2, the message on standard error, nothing else.
pub(crate) fn refuses(arguments: &[&str], message: &str) {
    let output = run(arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    assert!(stderr.contains(message), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
}
