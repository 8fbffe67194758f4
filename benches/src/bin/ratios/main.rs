//! Measures every question and contender in turns, and holds the ratios against the gates.
//!
//! `cargo run --release -p ffa-benches --bin ratios` prints tables, and ends with status 1 where a
//! gate that must hold does not. With `-- --docs docs` it also writes them, and a plot, into the
//! documentation.

mod gates;
mod measure;
mod origin;
mod plot;
mod report;
mod results;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::origin::Origin;
use crate::results::Results;

const USAGE: &str = "usage: ratios [--docs FOLDER]";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("ratios: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all that must hold does.
fn run() -> Result<bool, String> {
    let docs = docs_folder()?;
    let origin = Origin::find();
    pin();
    let results = Results::measure();
    let verdicts = gates::judge(&results);
    let text = report::markdown(&results, &verdicts, &origin);
    println!("{text}");
    if let Some(docs) = docs {
        report::update(&docs.join("performance.md"), &text)?;
        plot::draw(&docs.join("performance.svg"), &results, &origin)?;
    }
    Ok(verdicts.iter().all(|verdict| verdict.passed() || !verdict.must_hold))
}

fn docs_folder() -> Result<Option<PathBuf>, String> {
    let mut words = std::env::args_os().skip(1);
    match (words.next(), words.next(), words.next()) {
        (None, ..) => Ok(None),
        (Some(option), Some(folder), None) if option == "--docs" => Ok(Some(folder.into())),
        _ => Err(USAGE.to_owned()),
    }
}

/// Stays on one CPU, the last, which interrupts visit least.
fn pin() {
    let last = core_affinity::get_core_ids().and_then(|cores| cores.last().copied());
    if !last.is_some_and(core_affinity::set_for_current) {
        eprintln!("ratios: cannot pin to a CPU; expect wider spreads");
    }
}
