//! Counts the instructions of single operations, where times are too noisy.
//!
//! ```text
//! instructions [--results FOLDER]        all operations, under valgrind, into instructions.tsv
//! instructions run OPERATION TIMES       one operation so many times, for valgrind to watch
//! ```
//!
//! Each operation runs under `valgrind --tool=callgrind` twice, with two numbers of repetitions: the
//! difference has none of what comes before and after.

#![forbid(unsafe_code)]

mod callgrind;
mod operations;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use ffa_benches::{Data, Origin};

use crate::operations::{OPERATIONS, SIZE, operation};

const USAGE: &str = "usage: instructions [--results FOLDER] | instructions run OPERATION TIMES";

/// The two numbers of repetitions.
const TIMES: [u32; 2] = [500, 2500];

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words: Option<Vec<&str>> = words.iter().map(|word| word.to_str()).collect();
    let result = match words.as_deref() {
        Some(["run", name, times]) => run(name, times),
        Some(["--results", folder]) => count_all(&PathBuf::from(folder)),
        Some([]) => count_all(&PathBuf::from("target/bench")),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(name: &str, times: &str) -> Result<(), String> {
    let mut operation = operation(name).ok_or_else(|| format!("no operation `{name}`"))?;
    let times = times.parse().map_err(|_| USAGE.to_owned())?;
    operation(times);
    Ok(())
}

fn count_all(results: &std::path::Path) -> Result<(), String> {
    let mut data = Data::new(Origin::find().to_string());
    for name in OPERATIONS {
        let [few, many] = TIMES;
        let difference = callgrind::count(name, many)?.saturating_sub(callgrind::count(name, few)?);
        let each = difference as f64 / f64::from(many - few);
        eprintln!("{name:24} {each:8.1} instructions");
        data.put("instructions", name, SIZE.into(), "count", each);
    }
    data.save(&results.join("instructions.tsv"))
}
