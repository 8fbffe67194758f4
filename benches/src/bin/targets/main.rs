//! Measures what the table of targets asks for, contenders side by side, and says what holds.
//!
//! ```text
//! targets [--quick] [--docs FOLDER] [--results FOLDER]
//! ```
//!
//! Results are kept in the folder of results (`target/bench`): `latest.tsv`, and the run before as
//! `previous.tsv`. A quick run leaves these alone and writes `quick.tsv`. `instructions.tsv`, which the program `instructions` writes there, is taken over.
//! Ends with status 1 where a gate does not hold.

mod churn;
mod decoding;
mod effort;
mod goals;
mod heartbeat;
mod latency;
mod measure;
mod report;
mod retired;
mod scaling;
mod steady;
mod table;
mod tail;
mod threads;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ffa_benches::{Data, Origin};

use crate::effort::Effort;

const USAGE: &str = "usage: targets [--quick] [--docs FOLDER] [--results FOLDER]";

/// What the command line asks for.
struct Options {
    quick: bool,
    docs: Option<PathBuf>,
    results: PathBuf,
}

fn main() -> ExitCode {
    match options(std::env::args_os().skip(1)).and_then(|options| run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("targets: {error}");
            ExitCode::from(2)
        }
    }
}

fn options(mut words: impl Iterator<Item = std::ffi::OsString>) -> Result<Options, String> {
    let mut options = Options { quick: false, docs: None, results: "target/bench".into() };
    while let Some(word) = words.next() {
        let mut folder = || words.next().map(PathBuf::from).ok_or(USAGE);
        match word.to_str() {
            Some("--quick") => options.quick = true,
            Some("--docs") => options.docs = Some(folder()?),
            Some("--results") => options.results = folder()?,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

/// Whether all gates hold.
fn run(options: &Options) -> Result<bool, String> {
    let data = measure(options);
    let latest = options.results.join("latest.tsv");
    let previous = Data::load(&latest).ok();
    if options.quick {
        data.save(&options.results.join("quick.tsv"))?;
    } else {
        keep(&data, previous.as_ref(), &latest, &options.results)?;
    }
    if let Some(docs) = &options.docs {
        let text = report::markdown(&data, previous.as_ref());
        report::update(&docs.join("performance.md"), &text)?;
    }
    println!("{}", data.origin);
    println!("{}", report::target_table(&data, previous.as_ref()));
    Ok(!goals::targets(&data).iter().any(goals::Target::fails))
}

fn measure(options: &Options) -> Data {
    let mut data = Data::new(Origin::find().to_string());
    let effort = Effort::new(options.quick);
    if let Some(load) = load_average() {
        data.put("machine", "load average before", 0, "1 minute", load);
        if load > 0.5 {
            eprintln!(
                "targets: others use this machine (load average {load}): expect wider spreads"
            );
        }
    }
    threads::pin(0);
    decoding::measure(&mut data, effort);
    latency::measure(&mut data, effort);
    scaling::measure(&mut data, effort);
    tail::measure(&mut data, effort);
    steady::measure(&mut data, effort);
    retired::measure(&mut data, effort);
    match Data::load(&options.results.join("instructions.tsv")) {
        Ok(instructions) => data.extend(instructions),
        Err(error) => eprintln!("no instructions: {error}"),
    }
    data
}

/// How busy the machine is before we begin.
fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

fn keep(data: &Data, previous: Option<&Data>, latest: &Path, results: &Path) -> Result<(), String> {
    if let Some(previous) = previous {
        previous.save(&results.join("previous.tsv"))?;
    }
    data.save(latest)
}
