//! The command `test`: every check and test of the project as a list of steps.

pub(crate) mod host;
mod machine;
mod msrv;
mod target;

use std::ffi::OsString;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::{arguments, fuzz, verify};

const HELP: &str = "\
Run every check and test of the project, or only the named steps

Usage: cargo xtask test [--list] [STEP]...

A step that fails does not keep the others from running. The last line counts them; the exit
status is 1 if any failed. What the machine lacks is installed first.

Options:
      --list  Print the steps
  -h, --help  Print help";

/// One step of the suite.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// The step that must not have failed before this one makes sense.
    pub(crate) needs: Option<&'static str>,
    pub(crate) run: fn() -> Result<Outcome>,
}

/// How a step ended that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// It cannot run on this machine: why.
    Skipped(String),
}

/// A step that was run.
#[derive(Clone, Debug)]
struct Report {
    name: &'static str,
    end: Result<Outcome>,
    time: Duration,
}

/// The command `test`.
pub(crate) fn command(words: &[OsString]) -> Result<()> {
    conduct(words, HELP, all(), Skipped::Passes)
}

/// Whether a step that cannot run on this machine counts as a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skipped {
    Passes,
    /// What was asked for was not done.
    Fails,
}

/// Runs the steps that the words name, of those that there are, and counts how they end.
pub(crate) fn conduct(
    words: &[OsString],
    help: &str,
    steps: Vec<Step>,
    skipped: Skipped,
) -> Result<()> {
    let mut list = false;
    let names = arguments::names(words, help, &mut [("list", &mut list)])?;
    let steps = choose(steps, &names)?;
    if list {
        steps.iter().for_each(|step| println!("{:<14}{}", step.name, step.about));
        return Ok(());
    }
    let reports = run(&steps)?;
    print!("{}", table(&reports));
    println!("{}", totals(&reports));
    let undone = reports.iter().filter(|report| is_undone(&report.end, skipped)).count();
    if undone == 0 { Ok(()) } else { Err(Failure::failed(format!("{undone} steps did not pass"))) }
}

fn is_undone(end: &Result<Outcome>, skipped: Skipped) -> bool {
    match end {
        Ok(Outcome::Passed) => false,
        Ok(Outcome::Skipped(_)) => skipped == Skipped::Fails,
        Err(_) => true,
    }
}

/// Every step, the quick ones first.
fn all() -> Vec<Step> {
    let mut steps = host::steps();
    steps.extend(fuzz::steps());
    steps.extend(verify::quick_steps());
    steps.extend(msrv::steps());
    steps.extend(target::steps());
    steps.extend(machine::steps());
    steps
}

fn choose(steps: Vec<Step>, names: &[String]) -> Result<Vec<Step>> {
    if let Some(unknown) = names.iter().find(|name| !steps.iter().any(|step| step.name == **name)) {
        return Err(Failure::usage(format!("there is no step `{unknown}`: see --list")));
    }
    let chosen = |step: &Step| names.is_empty() || names.iter().any(|name| name == step.name);
    Ok(steps.into_iter().filter(chosen).collect())
}

fn run(steps: &[Step]) -> Result<Vec<Report>> {
    let mut reports: Vec<Report> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!("\n=== {}/{} {}: {}", index + 1, steps.len(), step.name, step.about);
        let started = Instant::now();
        let end = match unmet(step, &reports) {
            Some(needed) => Ok(Outcome::Skipped(format!("`{needed}` failed"))),
            None => (step.run)(),
        };
        if end == Err(Failure::Interrupted) {
            return Err(Failure::Interrupted);
        }
        let report = Report { name: step.name, end, time: started.elapsed() };
        println!("--- {}", line(&report));
        reports.push(report);
    }
    Ok(reports)
}

/// The step that this one needs, if that failed.
fn unmet(step: &Step, reports: &[Report]) -> Option<&'static str> {
    let needed = step.needs?;
    reports.iter().any(|report| report.name == needed && report.end.is_err()).then_some(needed)
}

fn line(report: &Report) -> String {
    let (word, why) = match &report.end {
        Ok(Outcome::Passed) => ("passed", String::new()),
        Ok(Outcome::Skipped(why)) => ("skipped", format!("  {why}")),
        Err(why) => ("FAILED", format!("  {why}")),
    };
    format!("{:<14}{word:<8}{:>7.1} s{why}", report.name, report.time.as_secs_f64())
}

fn table(reports: &[Report]) -> String {
    let lines: String = reports.iter().map(|report| line(report) + "\n").collect();
    format!("\n=== summary\n{lines}\n")
}

fn totals(reports: &[Report]) -> String {
    let count = |matches: fn(&Result<Outcome>) -> bool| {
        reports.iter().filter(|report| matches(&report.end)).count()
    };
    let passed = count(|end| matches!(end, Ok(Outcome::Passed)));
    let failed = count(Result::is_err);
    match count(|end| matches!(end, Ok(Outcome::Skipped(_)))) {
        0 => format!("{passed} passed, {failed} failed"),
        skipped => format!("{passed} passed, {failed} failed, {skipped} skipped"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &'static str, needs: Option<&'static str>, run: fn() -> Result<Outcome>) -> Step {
        Step { name, about: "", needs, run }
    }

    fn pass() -> Result<Outcome> {
        Ok(Outcome::Passed)
    }

    fn fail() -> Result<Outcome> {
        Err(Failure::failed("broken"))
    }

    #[test]
    fn a_failure_stops_only_what_needs_it() {
        let steps = [
            step("image", None, fail),
            step("hello", Some("image"), pass),
            step("other", None, pass),
        ];
        let reports = run(&steps).unwrap();
        assert_eq!(reports[1].end, Ok(Outcome::Skipped("`image` failed".into())));
        assert_eq!(totals(&reports), "1 passed, 1 failed, 1 skipped");
        assert!(table(&reports).contains("broken"));
    }

    #[test]
    fn a_proof_that_was_skipped_is_none() {
        let skipped = Ok(Outcome::Skipped("no spin".into()));
        assert!(is_undone(&skipped, Skipped::Fails) && !is_undone(&skipped, Skipped::Passes));
        assert!(is_undone(&fail(), Skipped::Passes) && !is_undone(&pass(), Skipped::Fails));
    }

    #[test]
    fn the_user_ends_all_steps() {
        let steps = [step("one", None, || Err(Failure::Interrupted)), step("two", None, pass)];
        assert_eq!(run(&steps).map(|reports| reports.len()), Err(Failure::Interrupted));
    }

    #[test]
    fn steps_are_chosen_by_name() {
        let names =
            |names: &[&str]| -> Vec<String> { names.iter().map(ToString::to_string).collect() };
        let two = || vec![step("one", None, pass), step("two", None, pass)];
        assert_eq!(choose(two(), &names(&[])).unwrap().len(), 2);
        assert_eq!(choose(two(), &names(&["two"])).unwrap()[0].name, "two");
        assert!(matches!(choose(two(), &names(&["three"])), Err(Failure::Usage(_))));
    }

    #[test]
    fn every_step_has_its_own_name_and_follows_what_it_needs() {
        let steps = all();
        for (index, step) in steps.iter().enumerate() {
            let before = &steps[..index];
            assert!(before.iter().all(|other| other.name != step.name), "{}", step.name);
            assert!(step.needs.is_none_or(|need| before.iter().any(|other| other.name == need)));
        }
    }
}
