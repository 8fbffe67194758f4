//! The test of the tests: whichever ordering is weakened, a loom test of its edge fails.
//!
//! `ORDERING.md` says which tests guard an edge, and `edges.rs` which orderings make it.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::{AtPath, Failure, Result};
use crate::suite::Outcome;
use crate::{process, table, workspace};

const LIMIT: Duration = Duration::from_secs(300);
const NOTHING: &str = "";
/// Without crossbeam's own code, which multiplies the schedules.
const QUICK: &[&str] = &["--skip", "crossbeam"];

/// An edge, and the tests that guard it.
#[derive(Debug, PartialEq, Eq)]
struct Edge {
    id: String,
    tests: Vec<String>,
}

pub(super) fn run() -> Result<Outcome> {
    let edges = edges(&read("ffa-rcu/ORDERING.md")?);
    let constants = constants(&read("ffa-rcu/src/edges.rs")?);
    check_complete(&edges, &constants)?;
    let all: Vec<String> = edges.iter().flat_map(|edge| edge.tests.clone()).collect();
    let sound = failures(NOTHING, &all, QUICK)?;
    if !sound.is_empty() {
        return Err(Failure::failed(format!("with nothing weakened: {} fails", sound.join(", "))));
    }
    let mut rows = Vec::new();
    let mut survivors = Vec::new();
    for constant in &constants {
        let started = Instant::now();
        let tests = edges.iter().find(|edge| is_of(constant, edge)).map(|edge| &*edge.tests);
        let tests = tests.unwrap_or(&[]);
        let mut caught = failures(constant, tests, QUICK)?;
        if caught.is_empty() {
            caught = failures(constant, tests, &[])?;
        }
        if caught.is_empty() {
            survivors.push(constant.clone());
        }
        println!("{constant}: {}", if caught.is_empty() { "SURVIVES" } else { "caught" });
        let seconds = format!("{:.1}", started.elapsed().as_secs_f64());
        rows.push([constant.clone(), caught.join(", "), seconds]);
    }
    println!("\n{}", table::render(["weakened", "caught by", "seconds"], &rows));
    if survivors.is_empty() {
        println!("{} of {} weakened orderings caught", rows.len(), rows.len());
        return Ok(Outcome::Passed);
    }
    let survivors = survivors.join(", ");
    Err(Failure::failed(format!("no loom test fails without {survivors}: see ffa-rcu/ORDERING.md")))
}

fn read(path: &str) -> Result<String> {
    let path = workspace::root().join(path);
    fs::read_to_string(&path).at("read", &path)
}

/// The rows of the table: `| E1 | from | to | what | `test`, `test` |`.
fn edges(ordering: &str) -> Vec<Edge> {
    let rows = ordering.lines().filter(|line| line.starts_with("| E"));
    rows.filter_map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let (id, tests) = (cells.first()?, cells.last()?);
        let tests = tests.split(',').map(|test| test.trim().trim_matches('`').to_owned());
        Some(Edge { id: (*id).to_owned(), tests: tests.collect() })
    })
    .collect()
}

/// The names in `E1_RELEASE = Release;`.
fn constants(edges: &str) -> Vec<String> {
    let names = edges.lines().filter_map(|line| line.trim().split_once(" = "));
    names.map(|(name, _)| name.to_owned()).filter(|name| is_constant(name)).collect()
}

fn is_constant(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    name.strip_prefix('E').and_then(|rest| rest.split_once('_')).is_some_and(|(id, _)| digits(id))
}

fn is_of(constant: &str, edge: &Edge) -> bool {
    constant.split_once('_').is_some_and(|(id, _)| id == edge.id)
}

/// Every ordering belongs to an edge of the table, and every edge has orderings and tests.
fn check_complete(edges: &[Edge], constants: &[String]) -> Result<()> {
    let homeless = constants.iter().find(|name| !edges.iter().any(|edge| is_of(name, edge)));
    if let Some(name) = homeless {
        return Err(Failure::failed(format!("{name} has no row in ffa-rcu/ORDERING.md")));
    }
    let empty = edges.iter().find(|edge| {
        edge.tests.iter().any(String::is_empty) || !constants.iter().any(|name| is_of(name, edge))
    });
    if let Some(Edge { id, .. }) = empty {
        return Err(Failure::failed(format!("{id} of ORDERING.md has no test, or no ordering")));
    }
    if constants.is_empty() { Err(Failure::failed("edges.rs has no ordering")) } else { Ok(()) }
}

/// Which of the tests fail with an ordering weakened. Anything else than a test that fails, as an
/// error of the compiler, is an error.
fn failures(weakened: &str, tests: &[String], choice: &[&str]) -> Result<Vec<String>> {
    // Unoptimised and incremental: what takes the time here is compiling.
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--package", "ffa-rcu", "--all-features", "--test", "loom"]);
    cargo.arg("--target-dir").arg(workspace::target_dir("loom"));
    cargo.env("RUSTFLAGS", "--cfg loom --cfg crossbeam_loom");
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "1");
    cargo.env("FFA_RCU_WEAKEN", weakened);
    run_tests(cargo.arg("--").args(tests).args(choice))
        .map_err(|why| Failure::failed(format!("{weakened}: {why}")))
}

fn run_tests(command: &mut Command) -> Result<Vec<String>> {
    let output = process::output(command, LIMIT)?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse(&text).ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        Failure::failed(format!("the tests did not run:\n{errors}"))
    })
}

/// The failed tests by name; `None` where none ran, or the run was cut short.
fn parse(output: &str) -> Option<Vec<String>> {
    let result = output.lines().find(|line| line.starts_with("test result: "))?;
    if result.contains(" 0 passed; 0 failed;") {
        return None;
    }
    let lines = output.lines().filter_map(|line| line.strip_prefix("test "));
    let failed = lines.filter_map(|line| line.strip_suffix(" ... FAILED"));
    Some(failed.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_constants_are_read() {
        let text =
            "| id | from | test |\n|---|---|---|\n| E1 | `a` | `one`, `two` |\n| E12 | b | `x` |\n";
        let edge = |id: &str, tests: &[&str]| Edge {
            id: id.to_owned(),
            tests: tests.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(edges(text), [edge("E1", &["one", "two"]), edge("E12", &["x"])]);
        let source = "    /// E1: x = y\n    E1_RELEASE = Release;\n    Every = no;\n    E12_SEQ_CST = SeqCst;\n";
        assert_eq!(constants(source), ["E1_RELEASE", "E12_SEQ_CST"]);
        assert!(is_of("E12_SEQ_CST", &edge("E12", &[])) && !is_of("E12_SEQ_CST", &edge("E1", &[])));
    }

    #[test]
    fn the_project_is_complete() {
        let edges = edges(&read("ffa-rcu/ORDERING.md").unwrap());
        let constants = constants(&read("ffa-rcu/src/edges.rs").unwrap());
        assert_eq!(check_complete(&edges, &constants), Ok(()));
        assert!(check_complete(&edges[1..], &constants).is_err());
        assert!(check_complete(&edges, &constants[2..]).is_err());
    }

    #[test]
    fn only_tests_that_ran_count() {
        let ran = "test slots::a ... ok\ntest slots::b ... FAILED\n\ntest result: FAILED. 1 passed; 1 failed; 0";
        assert_eq!(parse(ran), Some(vec!["slots::b".to_owned()]));
        assert_eq!(parse("test result: ok. 0 passed; 0 failed; 0 ignored"), None);
        assert_eq!(parse("test slots::b ... FAILED"), None);
    }
}
