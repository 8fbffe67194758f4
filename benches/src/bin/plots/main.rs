//! Draws what the program `targets` measured: the same data give the same files.
//!
//! ```text
//! plots [--results FILE] [--docs FOLDER]
//! ```

#![forbid(unsafe_code)]

mod axis;
mod bars;
mod figure;
mod figures;

use std::path::PathBuf;
use std::process::ExitCode;

use ffa_benches::Data;

const USAGE: &str = "usage: plots [--results FILE] [--docs FOLDER]";

fn main() -> ExitCode {
    match draw() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plots: {error}");
            ExitCode::from(2)
        }
    }
}

fn draw() -> Result<(), String> {
    let (mut results, mut docs) = (PathBuf::from("target/bench/latest.tsv"), PathBuf::from("docs"));
    let mut words = std::env::args_os().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().map(PathBuf::from).ok_or(USAGE)?;
        match word.to_str() {
            Some("--results") => results = value,
            Some("--docs") => docs = value,
            _ => return Err(USAGE.to_owned()),
        }
    }
    let data = Data::load(&results)?;
    let folder = docs.join("plots");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, svg) in figures::all(&data) {
        let path = folder.join(name);
        std::fs::write(&path, svg).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}
