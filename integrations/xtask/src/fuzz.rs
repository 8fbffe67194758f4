//! The command `fuzz`: hostile input to every decoder and parser of `ffa-abi`, chosen by libFuzzer.
//!
//! The corpus that is checked in is read and never written, except by `--merge`. What runs find stays
//! below the target directory: `fuzz/found` for the next run, `fuzz/crashes` what failed, and a log of
//! each target.

mod merge;
mod program;
mod run;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lexopt::prelude::*;

use crate::failure::{AtPath, Failure, Result};
use crate::suite::{Outcome, Step};
use crate::{arguments, number, setup, workspace};
use run::Run;

const HELP: &str = "\
Run the fuzz targets of ffa-abi, or only the named ones, two at a time

Usage: cargo xtask fuzz [--seconds N] [TARGET]...
       cargo xtask fuzz --merge [TARGET]...
       cargo xtask fuzz --input FILE TARGET

Needs a C++ compiler, which is installed where it is missing; cargo-fuzz and a nightly compiler are not
needed. What is found stays below target/fuzz and is where the next run starts.

Options:
      --seconds N   How long each target runs (600)
      --merge       Only take what runs found into the corpus: what reaches most new code, up to 40 files
      --input FILE  Only run the target on this file
      --list        Print the targets
  -h, --help        Print help";

/// What `cargo xtask test` gives each target.
const SMOKE_SECONDS: u64 = 15;
const DEFAULT_SECONDS: u64 = 600;
const MOST_SECONDS: u64 = 7 * 24 * 60 * 60;

/// What the corpus of a target may hold: it is checked in, and read first by every run.
const CORPUS_FILES: usize = 40;

/// What the words ask for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    seconds: Option<u64>,
    merge: bool,
    list: bool,
    input: Option<PathBuf>,
    targets: Vec<String>,
}

/// The command `fuzz`.
pub(crate) fn command(words: &[OsString]) -> Result<()> {
    let options = Options::parse(words)?;
    let targets = choose(targets()?, &options.targets)?;
    if options.list {
        targets.iter().for_each(|target| println!("{target}"));
        return Ok(());
    }
    if !program::has_compiler() {
        setup::install_packages(&["g++"], "it compiles libFuzzer")?;
    }
    program::build()?;
    match (&options.input, targets.as_slice()) {
        (Some(input), [target]) => run::on_file(target, input),
        _ if options.merge => targets.iter().try_for_each(|target| merge::take(target)),
        _ => {
            let seconds = options.seconds.unwrap_or(DEFAULT_SECONDS);
            run::all(&targets, &Run { limit: Duration::from_secs(seconds), found: "found" })
        }
    }
}

pub(crate) fn steps() -> Vec<Step> {
    let about = "hostile input to every decoder of ffa-abi, 15 seconds each";
    vec![Step { name: "fuzz", about, needs: None, run: smoke }]
}

/// Each target for a moment, from the corpus alone, so that two runs have the same chances.
fn smoke() -> Result<Outcome> {
    if !program::has_compiler() {
        let cure = "Debian's package g++ would give one";
        return Ok(Outcome::Skipped(format!("no C++ compiler, for libFuzzer: {cure}")));
    }
    program::lint()?;
    program::build()?;
    let found = workspace::target_dir("fuzz").join("smoke");
    if found.exists() {
        fs::remove_dir_all(&found).at("remove", &found)?;
    }
    run::all(&targets()?, &Run { limit: Duration::from_secs(SMOKE_SECONDS), found: "smoke" })?;
    Ok(Outcome::Passed)
}

impl Options {
    fn parse(words: &[OsString]) -> Result<Self> {
        let mut parser = lexopt::Parser::from_args(words);
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => arguments::print_help(HELP),
                Long("seconds") => {
                    let seconds = arguments::text(parser.value()?)?;
                    let seconds = number::parse_in(&seconds, 1..=MOST_SECONDS);
                    let usage = |why| Failure::usage(format!("--seconds: {why}"));
                    options.seconds = Some(seconds.map_err(usage)?);
                }
                Long("merge") => options.merge = true,
                Long("list") => options.list = true,
                Long("input") => options.input = Some(parser.value()?.into()),
                Value(name) => options.targets.push(arguments::text(name)?),
                other => return Err(other.unexpected().into()),
            }
        }
        options.check()
    }

    /// The three forms do not mix.
    fn check(self) -> Result<Self> {
        let forms = [self.seconds.is_some(), self.merge, self.input.is_some()];
        if forms.into_iter().filter(|form| *form).count() > 1 {
            return Err(Failure::usage("--seconds, --merge and --input exclude each other"));
        }
        if let Some(input) = &self.input {
            if self.targets.len() != 1 {
                return Err(Failure::usage("--input goes with one target"));
            }
            fs::metadata(input)
                .map_err(|error| Failure::usage(format!("{}: {error}", input.display())))?;
        }
        Ok(self)
    }
}

/// The fuzz crate.
fn crate_root() -> PathBuf {
    workspace::root().join("ffa-abi/fuzz")
}

/// The corpus that is checked in.
fn corpus(target: &str) -> PathBuf {
    crate_root().join("corpus").join(target)
}

/// Every target: one file each.
fn targets() -> Result<Vec<String>> {
    let directory = crate_root().join("fuzz_targets");
    let entries = fs::read_dir(&directory).at("read", &directory)?.flatten();
    let name = |path: &Path| Some(path.file_stem()?.to_str()?.to_owned());
    let mut targets: Vec<String> = entries.filter_map(|entry| name(&entry.path())).collect();
    targets.sort();
    Ok(targets)
}

fn choose(targets: Vec<String>, names: &[String]) -> Result<Vec<String>> {
    if let Some(unknown) = names.iter().find(|name| !targets.contains(name)) {
        let known = targets.join(", ");
        return Err(Failure::usage(format!("there is no target `{unknown}`, but {known}")));
    }
    let chosen = |target: &String| names.is_empty() || names.contains(target);
    Ok(targets.into_iter().filter(chosen).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        Options::parse(&words)
    }

    #[test]
    fn forms_of_the_command_do_not_mix() {
        assert_eq!(parse("").unwrap(), Options::default());
        let options = parse("message --seconds 5 registers").unwrap();
        assert_eq!((options.seconds, options.targets.len()), (Some(5), 2));
        for line in ["--seconds 0", "--seconds 5 --merge", "--input Cargo.toml", "--what"] {
            assert!(matches!(parse(line), Err(Failure::Usage(_))), "{line}");
        }
        assert!(matches!(parse("--input missing message"), Err(Failure::Usage(_))));
    }

    #[test]
    fn targets_are_chosen_by_name() {
        let all = targets().unwrap();
        assert_eq!(choose(all.clone(), &[]).unwrap(), all);
        assert_eq!(choose(all.clone(), &["message".into()]).unwrap(), ["message"]);
        assert!(matches!(choose(all, &["massage".into()]), Err(Failure::Usage(_))));
    }

    #[test]
    fn every_target_is_built_and_has_a_corpus_that_is_small() {
        let manifest = fs::read_to_string(crate_root().join("Cargo.toml")).unwrap();
        for target in targets().unwrap() {
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")), "{target}");
            let files = fs::read_dir(corpus(&target)).unwrap().flatten();
            let sizes: Vec<u64> = files.map(|file| file.metadata().unwrap().len()).collect();
            assert!((1..=CORPUS_FILES).contains(&sizes.len()), "{target}: {} files", sizes.len());
            assert!(sizes.iter().sum::<u64>() <= 40 << 10, "{target}: {sizes:?} bytes");
        }
    }
}
