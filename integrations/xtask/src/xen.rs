//! The command `xen`: the mediator in Xen, built from Debian's source, with the same guests as VMs.

mod adapter;
mod apt;
mod boot;
mod build;
mod console;
mod device_tree;
mod modules;
mod ramdisk;
mod runs;
mod source;
mod sources;
mod tree;
mod version;

use std::ffi::OsString;
use std::time::Duration;

use lexopt::prelude::*;

use crate::emulator::Machine;
use crate::failure::{Failure, Result};
use crate::setup::{self, Need};
use crate::suite::Outcome;
use crate::{arguments, image, number};
use build::{Kind, Xen};
use runs::{MEASUREMENT, PLAYS, Play};
use source::Source;

const HELP: &str = "\
Build Xen 4.17 with the mediator in it, and boot it with guests as domains on an emulated machine

Usage: cargo xtask xen [--cpus N] [RUN]...
       cargo xtask xen --icount

The source is Debian's source package, which apt gets from the configured mirrors: their sources
need not be enabled. What is fetched and built stays below target/xen, with the console of each
run. What the machine lacks is installed first.

Runs, all of them if none is named:
  transcript  Three guests hear the same as on ffa-el2, by FF-A 1.0, 1.1 and 1.2
  talk        Two guests send each other messages, told by interrupts alone
  destroy     dom0 destroys, creates and starts domains while two guests list

Options:
      --cpus N  1 to 4 physical CPUs (first 2, then 4)
      --icount  Instead of the runs: what calls cost a guest, in instructions, on 1 CPU of a Xen
                that is built for release, and on ffa-el2 beside it
  -h, --help    Print help

Exit status: 0 every run passed; 1 something failed, or the source cannot be had; 2 an option is
wrong; 3 the time was over; 130 interrupted.";

const TIMEOUT: Duration = Duration::from_secs(180);
const MAX_CPUS: u64 = 4;
/// Numbers of CPUs where none is asked for.
const CPUS: [u16; 2] = [2, 4];

/// What the words ask for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    cpus: Option<u16>,
    icount: bool,
    runs: Vec<String>,
}

/// The command `xen`.
pub(crate) fn command(words: &[OsString]) -> Result<()> {
    let options = Options::parse(words)?;
    let plays = choose(&options.runs)?;
    if options.icount {
        options.check_alone()?;
        return play(&Source::get()?, Kind::Release, &[&MEASUREMENT], &options.machines());
    }
    play(&Source::get()?, Kind::Debug, &plays, &options.machines())?;
    println!("\nevery run on Xen passed");
    Ok(())
}

/// The suite's step: everything, if Xen's source can be had.
pub(crate) fn step() -> Result<Outcome> {
    let source = match Source::get() {
        Ok(source) => source,
        Err(Failure::Interrupted) => return Err(Failure::Interrupted),
        Err(why) => return Ok(Outcome::Skipped(why.to_string())),
    };
    // What is said does not depend on the number of CPUs; who comes and goes meanwhile does.
    let (all, last) = (choose(&[])?, choose(&["destroy".into()])?);
    for (plays, cpus) in [(all, 2), (last, 4)] {
        let options = Options { cpus: Some(cpus), ..Options::default() };
        play(&source, Kind::Debug, &plays, &options.machines())?;
    }
    Ok(Outcome::Passed)
}

fn play(source: &Source, kind: Kind, plays: &[&Play], machines: &[Machine]) -> Result<()> {
    setup::ensure(&[Need::Compiler, Need::Linker, Need::Emulator])?;
    image::guests()?;
    let xen = Xen::build(source, kind)?;
    for machine in machines {
        plays.iter().try_for_each(|play| play.perform(&xen, machine))?;
    }
    Ok(())
}

fn choose(names: &[String]) -> Result<Vec<&'static Play>> {
    if let Some(unknown) = names.iter().find(|name| !PLAYS.iter().any(|play| play.name == **name)) {
        let known = PLAYS.map(|play| play.name).join(", ");
        return Err(Failure::usage(format!("there is no run `{unknown}`, but {known}")));
    }
    let chosen = |play: &&Play| names.is_empty() || names.iter().any(|name| name == play.name);
    Ok(PLAYS.iter().filter(chosen).collect())
}

impl Options {
    fn parse(words: &[OsString]) -> Result<Self> {
        let mut parser = lexopt::Parser::from_args(words);
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => arguments::print_help(HELP),
                Long("cpus") => {
                    let cpus = arguments::text(parser.value()?)?;
                    let cpus = number::parse_in(&cpus, 1..=MAX_CPUS);
                    let cpus = cpus.map_err(|why| Failure::usage(format!("--cpus: {why}")))?;
                    options.cpus = cpus.try_into().ok();
                }
                Long("icount") => options.icount = true,
                Value(name) => options.runs.push(arguments::text(name)?),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }

    /// What is measured with `--icount` is always the same.
    fn check_alone(&self) -> Result<()> {
        if self.cpus.is_none() && self.runs.is_empty() {
            return Ok(());
        }
        Err(Failure::usage("--icount measures on 1 CPU, and goes with no run and no --cpus"))
    }

    /// The machines to run on, one after the other.
    fn machines(&self) -> Vec<Machine> {
        let cpus = match self {
            Self { icount: true, .. } => vec![1],
            Self { cpus: Some(cpus), .. } => vec![*cpus],
            Self { cpus: None, .. } => CPUS.into(),
        };
        let icount = self.icount;
        let machine = |cpus| Machine { cpus, icount, timeout: TIMEOUT, ..Machine::default() };
        cpus.into_iter().map(machine).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        Options::parse(&words)
    }

    fn cpus(line: &str) -> Vec<u16> {
        parse(line).unwrap().machines().iter().map(|machine| machine.cpus).collect()
    }

    #[test]
    fn options_choose_the_machines() {
        assert_eq!(cpus(""), [2, 4]);
        assert_eq!(cpus("--cpus 1"), [1]);
        assert_eq!(cpus("--icount"), [1]);
        assert!(parse("--icount").unwrap().check_alone().is_ok());
        for line in ["--icount --cpus 4", "--icount destroy"] {
            let refused = parse(line).unwrap().check_alone();
            assert!(matches!(refused, Err(Failure::Usage(_))), "{line}");
        }
        assert!(parse("--icount").unwrap().machines()[0].icount);
        for line in ["--cpus 0", "--cpus 5", "--cpus many", "--cpus", "--what", "-x"] {
            assert!(matches!(parse(line), Err(Failure::Usage(_))), "{line}");
        }
    }

    #[test]
    fn runs_are_chosen_by_name_and_the_help_names_them_all() {
        let names = |line| choose(&parse(line).unwrap().runs);
        assert_eq!(names("").unwrap().len(), PLAYS.len());
        assert_eq!(names("destroy").unwrap()[0].name, "destroy");
        assert!(matches!(names("destory"), Err(Failure::Usage(_))));
        for play in &PLAYS {
            assert!(HELP.contains(&format!("\n  {:<11} ", play.name)), "{}", play.name);
        }
    }
}
