//! The protocol as a Promela model, searched exhaustively, and again without each of its guards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::{AtPath, Failure, Result};
use crate::suite::Outcome;
use crate::{process, setup, table, workspace};

const MODEL: &str = "ffa-rcu/proof/reclamation.pml";
const LIMIT: Duration = Duration::from_secs(600);
/// What a search may use, in MiB.
const MEMORY: &str = "-DMEMLIM=8000";
const DEPTH: &str = "-m200000";

/// Searched to the end without an error, the quick ones first.
const SCENARIOS: [&str; 3] = ["READING", "STALLING", "LEAVING"];
/// How many of them are quick.
const QUICK: usize = 2;

/// A guard that is taken out, in the scenario that needs it: an error is found.
const MUTANTS: [(&str, &str); 13] = [
    ("NO_ANNOUNCEMENT", "READING"),
    ("NO_EARLY_ANNOUNCEMENT", "READING"),
    ("NO_END", "READING"),
    ("NO_CLAIM", "LEAVING"),
    ("NO_DEATH", "LEAVING"),
    ("NO_LIMIT", "STALLING"),
    ("NO_EARLY_UNLINKING", "READING"),
    ("NO_EARLY_EPOCH", "READING"),
    ("NO_WAIT", "READING"),
    ("NO_FULL_SCAN", "READING"),
    ("NO_ORDER", "STALLING"),
    ("NO_LOCK", "STALLING"),
    ("NO_SIGN", "READING"),
];

/// How a search ended.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing { states: String },
    Error { what: String },
}

/// All scenarios, and all mutants.
pub(super) fn whole() -> Result<Outcome> {
    run(&SCENARIOS)
}

/// The scenarios that take less than a minute, and all mutants.
pub(super) fn quick() -> Result<Outcome> {
    run(SCENARIOS.get(..QUICK).unwrap_or(&SCENARIOS))
}

fn run(scenarios: &[&'static str]) -> Result<Outcome> {
    for program in ["spin", "gcc"] {
        if workspace::find_program(program).is_none()
            && let Err(why) =
                setup::install_packages(&["spin", "gcc", "libc6-dev"], "the model checker")
        {
            return Ok(Outcome::Skipped(format!("no {program}: {why}")));
        }
    }
    let mut rows = Vec::new();
    let mut wrong = Vec::new();
    let scenarios = scenarios.iter().map(|scenario| (None, *scenario));
    let mutants = MUTANTS.map(|(mutant, scenario)| (Some(mutant), scenario));
    for (mutant, scenario) in scenarios.chain(mutants) {
        let started = Instant::now();
        let found = search(scenario, mutant)?;
        let as_expected = matches!(found, Found::Error { .. }) == mutant.is_some();
        let name = mutant.map_or(scenario.to_owned(), |mutant| format!("{scenario} {mutant}"));
        println!("{name}: {}", if as_expected { "as it must be" } else { "WRONG" });
        if !as_expected {
            wrong.push(name.clone());
        }
        let seconds = format!("{:.1}", started.elapsed().as_secs_f64());
        rows.push([name, found.to_string(), seconds]);
    }
    println!("\n{}", table::render(["model", "found", "seconds"], &rows));
    if wrong.is_empty() {
        return Ok(Outcome::Passed);
    }
    let why = "a scenario has an error, or a guard that is taken out is not missed";
    Err(Failure::failed(format!("{why}: {} (in {MODEL})", wrong.join(", "))))
}

/// Has spin make a program that searches, and runs it, in a folder of its own.
fn search(scenario: &str, mutant: Option<&str>) -> Result<Found> {
    let folder = workspace::target_dir("spin");
    fs::create_dir_all(&folder).at("create", &folder)?;
    let mut spin = Command::new("spin");
    spin.arg("-a").arg(format!("-D{scenario}"));
    spin.args(mutant.map(|mutant| format!("-D{mutant}"))).arg(workspace::root().join(MODEL));
    succeed(&mut spin, &folder)?;
    let mut gcc = Command::new("gcc");
    gcc.args(["-O2", "-w", "-DSAFETY", "-DCOLLAPSE", MEMORY, "-o", "pan", "pan.c"]);
    succeed(&mut gcc, &folder)?;
    let pan: PathBuf = folder.join("pan");
    let output =
        process::output(Command::new(pan).args([DEPTH, "-n"]).current_dir(&folder), LIMIT)?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse(&text).ok_or_else(|| Failure::failed(format!("the search did not end:\n{text}")))
}

fn succeed(command: &mut Command, folder: &Path) -> Result<()> {
    let output = process::output(command.current_dir(folder), LIMIT)?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(Failure::failed(format!("{command:?}:\n{}", String::from_utf8_lossy(&text))))
}

/// What the search program says; `None` where it neither found an error nor saw everything.
fn parse(output: &str) -> Option<Found> {
    let errors = output.lines().find_map(|line| line.split_once("errors: ")?.1.split(' ').next());
    if errors? != "0" {
        let what = output.lines().find(|line| line.starts_with("pan:1: "))?;
        let what = what.trim_start_matches("pan:1: ").split(" (at depth").next()?;
        return Some(Found::Error { what: what.to_owned() });
    }
    let cut = ["Search not completed", "max search depth too small", "out of memory"];
    if cut.iter().any(|cut| output.contains(cut)) {
        return None;
    }
    let states = output.lines().find(|line| line.ends_with("states, stored"))?;
    Some(Found::Nothing { states: states.split_whitespace().next()?.to_owned() })
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing { states } => write!(f, "no error in {states} states"),
            Self::Error { what } => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_search_that_saw_everything_finds_nothing() {
        let whole =
            "State-vector 80 byte, depth reached 350, errors: 0\n  9036064 states, stored\n";
        assert_eq!(parse(whole), Some(Found::Nothing { states: "9036064".to_owned() }));
        for cut in ["error: max search depth too small\n", "Warning: Search not completed\n"] {
            assert_eq!(parse(&format!("{cut}{whole}")), None);
        }
        assert_eq!(parse("pan: out of memory"), None);
    }

    #[test]
    fn an_error_is_told() {
        let text = "pan:1: assertion violated (x==1) (at depth 53)\n\
                    Warning: Search not completed\nState-vector 80 byte, errors: 1\n";
        let what = "assertion violated (x==1)".to_owned();
        assert_eq!(parse(text), Some(Found::Error { what }));
    }

    #[test]
    fn every_guard_of_the_model_is_taken_out_once() {
        let model = fs::read_to_string(workspace::root().join(MODEL)).unwrap();
        let conditions = model.lines().filter_map(|line| {
            line.strip_prefix("#ifdef NO_").or_else(|| line.strip_prefix("#ifndef NO_"))
        });
        for guard in conditions {
            assert!(MUTANTS.iter().any(|(mutant, _)| mutant[3..] == *guard), "{guard}");
        }
        for (_, scenario) in MUTANTS {
            assert!(SCENARIOS.contains(&scenario));
        }
    }
}
