//! What is run on Xen, and how each run must end.

use ffa_el2_guests::argument::{Argument, Conduit};

use super::boot::{Guest, Setup};
use super::build::Xen;
use super::ramdisk;
use crate::console::{Console, Source};
use crate::emulator::{End, Machine, Run};
use crate::failure::{Failure, Result};
use crate::summary::Verdict;
use crate::{image, meter, transcript};

/// dom0 and three others: VMs 1 to 4.
const ALL: u8 = 4;
/// How often a lister lists while others are destroyed.
const ROUNDS: u16 = 600;
/// For a guest that lists until it is destroyed.
const ENDLESS: Argument = Argument {
    rounds: u16::MAX,
    minor: 2,
    conduit: Conduit::Hvc,
    alone: false,
    destroyer: false,
    permanent: 0,
};
/// The policy of every run: what is hidden needs no test of the adapter.
const POLICY: &str = "allow-all";

/// Domains, the first of them dom0.
pub(super) struct Play {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    cast: fn() -> Vec<Role>,
    /// What dom0 starts itself, from its RAM disk.
    started: Option<(&'static str, Argument)>,
    /// What there is to check beyond the fate of each domain.
    more: fn(&Console) -> Result<()>,
}

/// What a domain runs, and how it must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Role {
    image: &'static str,
    argument: Argument,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It prints that it passed, and powers off.
    Passes,
    /// dom0 destroys it while it runs.
    Destroyed,
    /// It is there when the machine ends.
    Stays,
}

/// Everything that there is to run.
pub(super) const PLAYS: [Play; 3] = [
    Play {
        name: "transcript",
        about: "three guests hear the same as on ffa-el2, by FF-A 1.0, 1.1 and 1.2",
        cast: speakers,
        started: None,
        more: same_as_on_el2,
    },
    Play {
        name: "talk",
        about: "two guests send each other messages, told by interrupts alone",
        cast: conversation,
        started: None,
        more: |_| Ok(()),
    },
    Play {
        name: "destroy",
        about: "dom0 destroys, creates and starts domains while two guests list",
        cast: destruction,
        started: Some(("mayfly", ENDLESS)),
        more: domains_were_started,
    },
];

/// What `--icount` runs instead: dom0 measures, with two others there.
pub(super) const MEASUREMENT: Play = Play {
    name: "instructions",
    about: "what calls cost dom0, in instructions",
    cast: measurement,
    started: None,
    more: print_costs,
};

/// One speaks after the other, by a version of its own.
fn speakers() -> Vec<Role> {
    let guest =
        |minor| passes("transcript", Argument { minor, permanent: ALL, ..Argument::default() });
    let dom0 = passes("dom0", Argument { minor: 2, permanent: ALL, ..Argument::default() });
    vec![dom0, guest(0), guest(1), guest(2)]
}

/// VMs 2 and 3 talk, by either conduit, while the others list.
fn conversation() -> Vec<Role> {
    let common = Argument { minor: 2, permanent: ALL, ..Argument::default() };
    let talker = |conduit| passes("talk", Argument { conduit, ..common });
    let lister = Argument { rounds: 20, permanent: 1, ..common };
    vec![
        passes("dom0", common),
        talker(Conduit::Hvc),
        talker(Conduit::Smc),
        passes("lister", lister),
    ]
}

/// VM 4 lists until it is destroyed: dom0 waits for it first.
fn destruction() -> Vec<Role> {
    let common = Argument { minor: 2, permanent: ALL - 1, ..Argument::default() };
    let lister = |conduit| passes("lister", Argument { rounds: ROUNDS, conduit, ..common });
    let endless = Argument { permanent: ALL - 1, ..ENDLESS };
    vec![
        passes("dom0", Argument { destroyer: true, permanent: ALL, ..common }),
        lister(Conduit::Hvc),
        lister(Conduit::Smc),
        Role { image: "lister", argument: endless, fate: Fate::Destroyed },
    ]
}

fn measurement() -> Vec<Role> {
    let argument = |permanent| Argument { minor: 2, permanent, ..Argument::default() };
    let other = Role { image: "keeper", argument: argument(1), fate: Fate::Stays };
    vec![passes("meter", argument(meter::VMS)), other, other]
}

fn print_costs(console: &Console) -> Result<()> {
    let (here, there) = (meter::Costs::of(console)?, meter::el2_costs()?);
    print!("\n{}", meter::comparison(&here, &there));
    Ok(())
}

fn passes(image: &'static str, argument: Argument) -> Role {
    Role { image, argument, fate: Fate::Passes }
}

impl Play {
    /// Runs it and checks how it ends.
    pub(super) fn perform(&self, xen: &Xen, machine: &Machine) -> Result<()> {
        let cast = (self.cast)();
        let cpus = machine.cpus;
        let noun = if cpus == 1 { "CPU" } else { "CPUs" };
        println!("\n== xen {}: {}, on {cpus} {noun}", self.name, self.about);
        let guest = |image, argument: Argument| Guest {
            image: image::guest(image),
            argument: argument.bits(),
        };
        let ramdisk = self.started.map(|(image, argument)| ramdisk::write(&guest(image, argument)));
        let setup = Setup {
            name: &format!("{}-{cpus}", self.name),
            hypervisor: &xen.image,
            options: format!("ffa-policy={POLICY}"),
            guests: cast.iter().map(|role| guest(role.image, role.argument)).collect(),
            ramdisk: ramdisk.transpose()?,
        };
        let run = setup.boot(machine)?;
        check(&cast, &run)?;
        (self.more)(&run.console)?;
        println!("xen {}: passed after {:.1} s", self.name, run.time.as_secs_f64());
        Ok(())
    }
}

/// The first thing that did not go as it must. What a guest says is more than what follows of it.
fn check(cast: &[Role], run: &Run) -> Result<()> {
    for (vm, role) in (1..).zip(cast) {
        if let Verdict::Fail(why) = verdict(vm, &run.console) {
            return Err(Failure::failed(format!("vm{vm} ({}): {why}", role.image)));
        }
    }
    check_end(cast, run)?;
    check_mediator(&run.console)?;
    (1..).zip(cast).try_for_each(|(vm, role)| check_fate(vm, role, &run.console))
}

fn check_end(cast: &[Role], run: &Run) -> Result<()> {
    match &run.end {
        End::Off => Ok(()),
        End::Failed(why) => Err(Failure::failed(with_reason(why, &run.console))),
        End::TimedOut => {
            let silent = |(vm, _): &(u16, _)| verdict(*vm, &run.console) == Verdict::Silent;
            let late = (1..).zip(cast).filter(silent);
            let late: Vec<_> = late.map(|(vm, role)| last_words(vm, role, &run.console)).collect();
            Err(Failure::TimedOut(format!(
                "the machine was not off after {:.0} s. Not done are\n{}",
                run.time.as_secs_f64(),
                late.join("\n")
            )))
        }
    }
}

/// Why Xen panicked is in the line after the one that says so.
fn with_reason(why: &str, console: &Console) -> String {
    let mut lines =
        console.of(Source::Hypervisor).skip_while(|line| line.is_empty() || !why.ends_with(line));
    match lines.nth(1) {
        Some(reason) if why.ends_with(':') => format!("{why} {reason}"),
        _ => why.into(),
    }
}

fn last_words(vm: u16, role: &Role, console: &Console) -> String {
    let last = console.last(vm).map_or("it printed nothing", |line| &line.text);
    format!("  vm{vm} ({}): {last}", role.image)
}

/// Xen tells which mediator it has, and by which policy it is run.
fn check_mediator(console: &Console) -> Result<()> {
    let name = format!("FF-A: ffa-xen {}, ", env!("CARGO_PKG_VERSION"));
    let policy = format!(", policy {POLICY}, ");
    let mut lines = console.of(Source::Hypervisor);
    let told = lines.any(|line| line.starts_with(&name) && line.contains(&policy));
    if told { Ok(()) } else { Err(Failure::failed("Xen does not tell of its mediator")) }
}

fn check_fate(vm: u16, role: &Role, console: &Console) -> Result<()> {
    let problem = match (role.fate, verdict(vm, console)) {
        (Fate::Passes, Verdict::Pass) | (Fate::Stays, Verdict::Silent) => return Ok(()),
        (Fate::Destroyed, Verdict::Silent) if was_destroyed(vm, console) => return Ok(()),
        (_, Verdict::Fail(why)) => why,
        (Fate::Passes, Verdict::Silent) => "no RESULT line".into(),
        (Fate::Stays, Verdict::Pass) => "it did not stay".into(),
        (Fate::Destroyed, _) => "it was not destroyed while it ran".into(),
    };
    Err(Failure::failed(format!("vm{vm} ({}): {problem}", role.image)))
}

/// dom0 tells whom it destroyed, as Xen counts.
fn was_destroyed(vm: u16, console: &Console) -> bool {
    let told = format!("destroyed d{}, which ran", vm - 1);
    console.of(Source::Vm(1)).any(|line| line.starts_with(&told))
}

/// Without its RAM disk dom0 would do without.
fn domains_were_started(console: &Console) -> Result<()> {
    let mut lines = console.of(Source::Vm(1));
    let told = lines.any(|line| line.starts_with("started and destroyed "));
    if told { Ok(()) } else { Err(Failure::failed("dom0 started no domains")) }
}

/// The guests heard the same as on the hypervisor in `integrations/el2`.
fn same_as_on_el2(console: &Console) -> Result<()> {
    let (here, there) = (transcript::of(console), transcript::el2_transcript()?);
    match transcript::difference(&here, &there) {
        None => {
            println!("{} lines of transcript are the same as on ffa-el2", here.len());
            Ok(())
        }
        Some((line, here, there)) => Err(Failure::failed(format!(
            "in line {line} of the transcript Xen has\n  {here}\nand ffa-el2\n  {there}"
        ))),
    }
}

fn verdict(vm: u16, console: &Console) -> Verdict {
    Verdict::find(console.of(Source::Vm(vm)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::console::XEN;
    use super::*;

    /// A console of `destroy` on which everything went well.
    const GOOD: [&str; 8] = [
        "(XEN) FF-A: ffa-xen 0.1.0, FF-A 1.2, policy allow-all, 2 CPUs",
        "(d3) hello",
        "destroyed d3, which ran, in 1 calls",
        "(d1) RESULT PASS",
        "(d2) RESULT PASS",
        "destroyed d1, which powered off, in 1 calls",
        "RESULT PASS",
        "(XEN) Hardware Dom0 halted: halting machine",
    ];

    fn run(lines: &[String], end: End) -> Run {
        let mut console = Console::of_dialect(XEN);
        lines.iter().for_each(|line| console.push(line, Duration::ZERO));
        Run { end, console, time: Duration::from_secs(2) }
    }

    fn spoiled(from: &str, to: &str) -> String {
        let lines = GOOD.map(|line| line.replace(from, to));
        check(&destruction(), &run(&lines, End::Off)).expect_err(from).to_string()
    }

    #[test]
    fn what_goes_well_passes() {
        let lines = GOOD.map(str::to_owned);
        assert_eq!(check(&destruction(), &run(&lines, End::Off)), Ok(()));
    }

    #[test]
    fn whatever_is_missing_or_wrong_fails() {
        assert_eq!(spoiled("(d1) RESULT PASS", ""), "vm2 (lister): no RESULT line");
        assert_eq!(spoiled("(d2) RESULT PASS", "(d2) RESULT FAIL x"), "vm3 (lister): x");
        assert_eq!(
            spoiled("which ran", "which"),
            "vm4 (lister): it was not destroyed while it ran"
        );
        assert!(spoiled("(d3) hello", "(d3) RESULT PASS").starts_with("vm4 (lister): it was not"));
        assert!(spoiled("allow-all", "vm-to-sp").contains("mediator"));
    }

    #[test]
    fn domains_must_have_been_started() {
        let console = |line: &str| run(&[line.to_owned()], End::Off).console;
        assert!(domains_were_started(&console("started and destroyed 100 domains")).is_ok());
        assert!(domains_were_started(&console("(d1) started and destroyed 100 domains")).is_err());
        assert!(domains_were_started(&console("created and destroyed 100 domains")).is_err());
    }

    #[test]
    fn how_the_machine_ended_is_told() {
        let lines = GOOD.map(|line| line.replace("(d2) RESULT PASS", "(d2) listing"));
        let failed = check(&destruction(), &run(&lines, End::Failed("Xen: Panic".into())));
        assert_eq!(failed, Err(Failure::failed("Xen: Panic")));
        let panic = ["(XEN) ", "(XEN) Panic on CPU 0:", "(XEN) out of memory"].map(str::to_owned);
        let failed =
            check(&destruction(), &run(&panic, End::Failed("Xen: Panic on CPU 0:".into())));
        assert_eq!(failed, Err(Failure::failed("Xen: Panic on CPU 0: out of memory")));
        let late = check(&destruction(), &run(&lines, End::TimedOut)).unwrap_err();
        assert!(matches!(&late, Failure::TimedOut(why) if why.contains("vm3 (lister): listing")));
    }

    #[test]
    fn every_play_has_dom0_and_a_name_of_its_own() {
        for play in &PLAYS {
            assert_eq!((play.cast)().first().map(|role| role.image), Some("dom0"));
            assert_eq!(PLAYS.iter().filter(|other| other.name == play.name).count(), 1);
        }
    }
}
