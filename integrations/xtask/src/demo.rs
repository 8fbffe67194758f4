//! The command `demo`: VMs list each other while others come and go, and everybody checks.

mod cast;
mod judge;

use std::ffi::OsString;
use std::time::Duration;

use ffa_el2::bundle::{Options, PolicyKind};

use crate::console::Source;
use crate::emulator::{End, Machine, Run};
use crate::failure::{Failure, Result};
use crate::fleet::Fleet;
use crate::guest::Guest;
use crate::setup::{self, Need};
use crate::{arguments, image, qemu};
use cast::Role;

const HELP: &str = "\
Boot VMs that list each other through the library while others are destroyed and created again

Usage: cargo xtask demo [--quiet] [--trace]

Six VMs list the partitions again and again: by FF-A 1.0, 1.1 and 1.2, each by HVC and by SMC.
Meanwhile others reset themselves or are killed on whatever CPU they run, and come back. Then the
same listers run under the default policy, where no VM sees another. Every lister checks every
list. What the machine lacks is installed first.

Options:
      --quiet  Only the results, not the consoles
      --trace  Print each FF-A call and its reply, decoded
  -h, --help   Print help

Exit status: 0 after DEMO PASS; 1 after DEMO FAIL.";

const TIMEOUT: Duration = Duration::from_secs(60);

/// The command `demo`.
pub(crate) fn command(words: &[OsString]) -> Result<()> {
    let (mut quiet, mut trace) = (false, false);
    arguments::flags(words, HELP, &mut [("quiet", &mut quiet), ("trace", &mut trace)])?;
    match play(!quiet, trace) {
        Ok(()) => {
            println!("DEMO PASS");
            Ok(())
        }
        Err(Failure::Failed(why) | Failure::TimedOut(why)) => {
            println!("DEMO FAIL: {why}");
            Err(Failure::failed("the demo failed"))
        }
        Err(other) => Err(other),
    }
}

/// Both acts: everybody sees everybody, then nobody sees anybody.
pub(crate) fn play(show: bool, trace: bool) -> Result<()> {
    setup::ensure(&[Need::Compiler, Need::Linker, Need::Emulator])?;
    for policy in [PolicyKind::AllowAll, PolicyKind::VmToSp] {
        act(Options { policy, trace }, show)?;
    }
    Ok(())
}

/// The VMs of an act, with their images.
pub(crate) fn fleet(options: Options) -> Result<Fleet> {
    image::guests()?;
    let cast = cast::of(options.policy);
    let guests = cast.into_iter().map(|role| Guest::load(role.vm)).collect::<Result<_>>()?;
    Ok(Fleet { guests, options })
}

fn act(options: Options, show: bool) -> Result<()> {
    let fleet = fleet(options)?;
    let cast = cast::of(options.policy);
    println!("{}", announcement(options.policy, &cast));
    let machine = Machine { timeout: TIMEOUT, ..Machine::default() };
    let run = qemu::boot(&machine, &fleet, show)?;
    println!("\n{}", judge::table(&cast, &run.console));
    print_statistics(&run);
    judge::check(&cast, options.policy, &run.console).map_err(|why| blame(&run, &fleet, why))?;
    qemu::report(&run, &fleet)
}

fn announcement(policy: PolicyKind, cast: &[Role]) -> String {
    match policy {
        PolicyKind::AllowAll => {
            format!("\n== {} VMs on 4 CPUs, policy allow-all: everybody sees everybody", cast.len())
        }
        PolicyKind::VmToSp => {
            format!("\n== {} VMs on 4 CPUs, policy vm-to-sp: no VM sees another", cast.len())
        }
    }
}

fn print_statistics(run: &Run) {
    for line in run.console.of(Source::Hypervisor) {
        if line.starts_with("statistics: ") {
            println!("{line} qemu_seconds={:.1}", run.time.as_secs_f64());
        }
    }
}

/// How the run ended says more than what is missing because of it.
fn blame(run: &Run, fleet: &Fleet, why: String) -> Failure {
    match run.end {
        End::Off => Failure::Failed(why),
        End::Failed(_) | End::TimedOut => {
            qemu::report(run, fleet).err().unwrap_or(Failure::Failed(why))
        }
    }
}
