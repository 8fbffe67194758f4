//! The command `qemu`: any guest images on the hypervisor, on an emulated machine.

use std::ffi::OsString;
use std::time::Duration;

use lexopt::prelude::*;

use crate::arguments::{self, print_help};
use crate::emulator::{self, End, Machine, Run};
use crate::failure::{Failure, Result};
use crate::fleet::{Fleet, FleetOptions, OPTIONS_HELP};
use crate::setup::{self, Need};
use crate::{demo, image, number};

const HELP_HEAD: &str = "\
Boot guest images as VMs of the hypervisor, on an emulated machine, and show their consoles

Usage: cargo xtask qemu [OPTIONS] [-- QEMU ARGS]

Without --vm it boots the guests of the demo. It ends when every VM has powered off.

Options:";

const HELP_TAIL: &str = "\
  --cpus N                  1 to 4 physical CPUs (4)
  --memory SIZE             RAM of the machine (1G)
  --icount                  Count instructions instead of time, on 1 CPU: runs are the same
  --timeout SECONDS         When to end QEMU (60)
  --bios FLASH              Boot this firmware first; it enters the hypervisor at 0x40200000
  -h, --help                Print help
  -- QEMU ARGS              The rest goes to QEMU as it is

Exit status: 0 every VM powered off; 1 a VM or the hypervisor failed; 2 an option or an image is
wrong; 3 the time was over; 130 interrupted.";

const MAX_CPUS: u64 = 4;
/// QEMU counts memory in these.
const MIN_MEMORY: u64 = 1 << 20;
/// The hypervisor maps the first 16G, and RAM starts at 1G.
const MAX_MEMORY: u64 = 15 << 30;
const MAX_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;

/// What the command line asked for.
#[derive(Debug, Default)]
struct Options {
    fleet: FleetOptions,
    machine: Machine,
}

/// The command `qemu`.
pub(crate) fn command(arguments: &[OsString]) -> Result<()> {
    let options = parse(arguments)?;
    // Everything that can be wrong with the options is said before anything is built.
    let fleet = if options.fleet.is_empty() { None } else { Some(options.fleet.load()?) };
    check_bios(&options.machine)?;
    let fleet = match fleet {
        Some(fleet) => fleet,
        None => demo::fleet(options.fleet.options())?,
    };
    let run = boot(&options.machine, &fleet, true)?;
    report(&run, &fleet)
}

/// Builds the hypervisor and runs `fleet` on it.
pub(crate) fn boot(machine: &Machine, fleet: &Fleet, show: bool) -> Result<Run> {
    boot_bundle(machine, &checked_bundle(machine, fleet)?, show)
}

/// The bundle, if its VMs fit into the machine.
fn checked_bundle(machine: &Machine, fleet: &Fleet) -> Result<Vec<u8>> {
    let bundle = fleet.encode()?;
    fleet.check_memory(machine.memory, bundle.len() as u64)?;
    Ok(bundle)
}

/// The same with the bytes of a bundle, right or wrong.
pub(crate) fn boot_bundle(machine: &Machine, bundle: &[u8], show: bool) -> Result<Run> {
    setup::ensure(&[Need::Emulator])?;
    let hypervisor = image::hypervisor()?;
    emulator::run(machine, &hypervisor, bundle, show)
}

/// Turns the end of a run into a message and an exit status.
pub(crate) fn report(run: &Run, fleet: &Fleet) -> Result<()> {
    match &run.end {
        End::Off => {
            println!("every VM is off after {:.1} s", run.time.as_secs_f64());
            Ok(())
        }
        End::Failed(why) => Err(Failure::failed(why)),
        End::TimedOut => Err(Failure::TimedOut(format!(
            "not every VM was off after {:.0} s. Last seen:\n{}",
            run.time.as_secs_f64(),
            last_seen(run, fleet)
        ))),
    }
}

/// One line a VM: its last line, and how long before the end that was.
fn last_seen(run: &Run, fleet: &Fleet) -> String {
    let line = |(id, name): (u16, &str)| match run.console.last(id) {
        None => format!("  vm{id} ({name}): it printed nothing"),
        Some(line) => {
            let ago = run.time.saturating_sub(line.at).as_secs_f64();
            format!("  vm{id} ({name}): {ago:.1} s ago: {}", line.text)
        }
    };
    let names = fleet.guests.iter().map(|guest| guest.vm.name.as_str());
    (1..).zip(names).map(line).collect::<Vec<_>>().join("\n")
}

fn parse(arguments: &[OsString]) -> Result<Options> {
    let (ours, qemus) = arguments::split_rest(arguments);
    let mut parser = lexopt::Parser::from_args(ours);
    let mut options = Options::default();
    options.machine.extra = qemus.to_vec();
    while let Some(argument) = parser.next()? {
        let Long(name) = argument else {
            if argument == Short('h') {
                help();
            }
            return Err(argument.unexpected().into());
        };
        let name = name.to_owned();
        if !options.fleet.take(&name, &mut parser)? {
            options.machine.take(&name, &mut parser)?;
        }
    }
    if options.machine.icount {
        options.machine.cpus = 1;
    }
    Ok(options)
}

impl Machine {
    fn take(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<()> {
        let mut number = |range| {
            let value = arguments::text(parser.value()?)?;
            number::parse_in(&value, range)
                .map_err(|why| Failure::usage(format!("--{name}: {why}")))
        };
        match name {
            "cpus" => self.cpus = number(1..=MAX_CPUS)?.try_into().unwrap_or(1),
            "memory" => self.memory = number(MIN_MEMORY..=MAX_MEMORY)? & !(MIN_MEMORY - 1),
            "timeout" => self.timeout = Duration::from_secs(number(1..=MAX_TIMEOUT_SECONDS)?),
            "bios" => self.bios = Some(parser.value()?.into()),
            "icount" => self.icount = true,
            "help" => help(),
            _ => return Err(Failure::usage(format!("invalid option '--{name}'"))),
        }
        Ok(())
    }
}

fn help() -> ! {
    print_help(&format!("{HELP_HEAD}\n{OPTIONS_HELP}\n{HELP_TAIL}"))
}

/// QEMU's own message about a wrong firmware file does not name the option.
fn check_bios(machine: &Machine) -> Result<()> {
    match &machine.bios {
        Some(path) if !path.is_file() => {
            Err(Failure::usage(format!("--bios {}: there is no such file", path.display())))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        parse(&words)
    }

    fn refused(line: &str, reason: &str) {
        let why = parsed(line).expect_err(line);
        assert!(matches!(&why, Failure::Usage(text) if text.contains(reason)), "{line}: {why:?}");
    }

    #[test]
    fn the_defaults_are_those_of_the_help() {
        let machine = parsed("").unwrap().machine;
        assert_eq!((machine.cpus, machine.memory), (4, 1 << 30));
        assert_eq!(machine.timeout, Duration::from_secs(60));
        assert!(machine.bios.is_none() && !machine.icount && machine.extra.is_empty());
    }

    #[test]
    fn every_option_is_understood() {
        let options = parsed(
            "--vm a.bin,mem=8M --vm b.bin --policy allow-all --cpus 2 --memory 512M \
             --timeout 5 --bios flash.bin --trace -- -cpu max --vm",
        )
        .unwrap();
        assert!(!options.fleet.is_empty() && options.fleet.options().trace);
        let machine = options.machine;
        assert_eq!((machine.cpus, machine.memory), (2, 512 << 20));
        assert_eq!(machine.timeout, Duration::from_secs(5));
        assert_eq!(machine.bios, Some("flash.bin".into()));
        assert_eq!(machine.extra, ["-cpu", "max", "--vm"]);
    }

    #[test]
    fn counted_instructions_need_one_cpu() {
        assert_eq!(parsed("--icount --cpus 4").unwrap().machine.cpus, 1);
    }

    #[test]
    fn wrong_options_are_named() {
        refused("--cpus 0", "--cpus: 0 is out of range: 1 to 4");
        refused("--cpus 5", "--cpus: 5 is out of range: 1 to 4");
        refused("--cpus", "missing argument");
        refused("--memory 1", "--memory: 1 is out of range");
        refused("--memory much", "`much` is not a number");
        refused("--timeout 0", "--timeout: 0 is out of range");
        refused("--policy none", "vm-to-sp, allow-all");
        refused("--speed 9", "invalid option '--speed'");
        refused("stray", "unexpected argument");
    }
}
