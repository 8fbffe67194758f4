//! Steps that boot the hypervisor on QEMU.

use std::fs;
use std::time::Duration;

use ffa_el2::bundle::{self, Options, PolicyKind};

use super::{Outcome, Step};
use crate::console::Source;
use crate::emulator::{End, Machine, Run};
use crate::failure::{AtPath, Failure, Result};
use crate::fleet::Fleet;
use crate::guest::Guest;
use crate::summary::Verdict;
use crate::transcript::el2_transcript;
use crate::vm::Vm;
use crate::{demo, image, qemu, workspace, xen};

const TIMEOUT: Duration = Duration::from_secs(60);
/// Long enough to boot, short enough to wait for.
const SHORT_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn steps() -> Vec<Step> {
    let step = |name, about, run| Step { name, about, needs: Some("image"), run };
    vec![
        step("hello", "a VM prints a line and powers off, also with counted instructions", hello),
        step(
            "selftest",
            "interrupts, PSCI, SMCCC and both conduits in VMs of 1 to 4 vCPUs",
            selftest,
        ),
        step("crowd", "16 VMs with 40 vCPUs on 4 CPUs", crowd),
        step("hostile", "random calls get errors, and a neighbour notices nothing", hostile),
        step("neighbour", "a VM that reaches out of its memory dies alone", neighbour),
        step("leaks", "no register shows what another VM wrote to it", leaks),
        step("fairness", "a VM whose timers fire all the time does not starve another", fairness),
        step("bundles", "no bundle and broken bundles end with a message", bundles),
        step("timeout", "a VM that never ends is ended, and what it said last is told", timeout),
        step("trace", "each call and its reply is printed, decoded", trace),
        step("talk", "VMs send each other messages, told by interrupts alone", talk),
        step("transcript", "two runs hear the same from every call, at every version", transcript),
        step("demo", "the demo passes", || demo::play(false, false).map(|()| Outcome::Passed)),
        step("xen", "the same guests are domains of Xen, with the mediator in it", xen::step),
    ]
}

fn hello() -> Result<Outcome> {
    for icount in [false, true] {
        let run = boot(&Machine { icount, ..machine() }, &[guest("hello")?])?;
        must(run.end == End::Off, format!("it ended with {:?}", run.end))?;
        let greeted = run.console.of(Source::Vm(1)).any(|line| line.starts_with("hello"));
        must(greeted, "it did not say hello")?;
    }
    Ok(Outcome::Passed)
}

fn selftest() -> Result<Outcome> {
    let vms = (1..=4).map(|vcpus| with_vcpus("selftest", vcpus)).collect::<Result<Vec<_>>>()?;
    all_pass(&boot(&machine(), &vms)?, vms.len())
}

fn crowd() -> Result<Outcome> {
    let vms =
        (0..16).map(|index| with_vcpus("selftest", index % 4 + 1)).collect::<Result<Vec<_>>>()?;
    all_pass(&boot(&machine(), &vms)?, vms.len())
}

fn hostile() -> Result<Outcome> {
    let vms = [with_vcpus("hostile", 2)?, with_vcpus("selftest", 4)?, with_vcpus("hostile", 2)?];
    let run = boot_by(&machine(), &vms, bundle::PolicyKind::AllowAll)?;
    all_pass(&run, vms.len())
}

fn neighbour() -> Result<Outcome> {
    let vms = [guest("selftest")?, guest("neighbour")?, guest("selftest")?];
    let run = boot(&machine(), &vms)?;
    let failed = matches!(&run.end, End::Failed(why) if why.contains("1 of 3 VMs died"));
    must(failed, format!("it ended with {:?}", run.end))?;
    let died = run.console.of(Source::Hypervisor).any(|line| line.starts_with("vm2: died: "));
    must(died, "vm2 did not die")?;
    for survivor in [1, 3] {
        passed(&run, survivor)?;
    }
    Ok(Outcome::Passed)
}

/// On one CPU, so that the two take turns; once with every feature that QEMU has.
fn leaks() -> Result<Outcome> {
    let vm = guest("leaks")?;
    let vms = [1, 2].map(|argument| Vm { argument, ..vm.clone() });
    for cpu in ["cortex-a57", "max"] {
        let extra = vec!["-cpu".into(), cpu.into()];
        all_pass(&boot(&Machine { cpus: 1, extra, ..machine() }, &vms)?, vms.len())?;
    }
    Ok(Outcome::Passed)
}

/// With counted instructions the share of the one CPU is the same at every run.
fn fairness() -> Result<Outcome> {
    let vms = [with_vcpus("storm", 4)?, guest("share")?];
    all_pass(&boot(&Machine { cpus: 1, icount: true, ..machine() }, &vms)?, vms.len())
}

/// Every byte of a bundle comes from a file that anybody may have made.
fn bundles() -> Result<Outcome> {
    let good = fleet(&[guest("hello")?], bundle::PolicyKind::default())?.encode()?;
    let spoiled = |at: usize| {
        let mut bytes = good.clone();
        bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0xff);
        bytes
    };
    let cut = good.get(..bundle::HEADER_LENGTH).unwrap_or_default().to_vec();
    let broken =
        [("no", vec![0; 4096]), ("another", spoiled(0)), ("a newer", spoiled(8)), ("a cut", cut)];
    for (what, bytes) in broken {
        println!("{what} bundle:");
        let run = qemu::boot_bundle(&machine(), &bytes, true)?;
        let ended = matches!(&run.end, End::Failed(why) if why.starts_with("bundle: "));
        must(ended, format!("{what} bundle: it ended with {:?}", run.end))?;
    }
    Ok(Outcome::Passed)
}

fn timeout() -> Result<Outcome> {
    let vms = [guest("hello")?, endless()?];
    let fleet = fleet(&vms, bundle::PolicyKind::default())?;
    let run = qemu::boot(&Machine { timeout: SHORT_TIMEOUT, ..machine() }, &fleet, true)?;
    must(run.end == End::TimedOut, format!("it ended with {:?}", run.end))?;
    let Err(Failure::TimedOut(told)) = qemu::report(&run, &fleet) else {
        return Err(Failure::failed("the time was over and the report says something else"));
    };
    must(told.contains("vm1 (hello): "), "what vm1 said last is not told")?;
    must(told.contains("vm2 (endless): it printed nothing"), "vm2 is not told of")?;
    Ok(Outcome::Passed)
}

fn trace() -> Result<Outcome> {
    let mut fleet = fleet(&[guest("lister")?], bundle::PolicyKind::default())?;
    fleet.options.trace = true;
    let run = qemu::boot(&machine(), &fleet, true)?;
    must(run.end == End::Off, format!("it ended with {:?}", run.end))?;
    let traced = run.console.of(Source::Hypervisor).any(is_trace);
    must(traced, "no line like `vm1.0: FFA_VERSION ... -> ...`")?;
    Ok(Outcome::Passed)
}

fn is_trace(line: &str) -> bool {
    line.starts_with("vm1.0: ") && line.contains("VERSION") && line.contains(" -> ")
}

/// Two pairs on fewer CPUs than vCPUs, by either conduit and at either version.
fn talk() -> Result<Outcome> {
    let talker = |minor: u64, smc: u64| -> Result<Vm> {
        Ok(Vm { properties: TALKS, argument: smc << 32 | minor << 16, ..guest("talk")? })
    };
    let vms = [guest("hello")?, talker(1, 0)?, talker(2, 1)?, talker(2, 0)?, talker(1, 1)?];
    let guests = vms.into_iter().map(Guest::load).collect::<Result<_>>()?;
    let fleet = Fleet { guests, options: Options { policy: PolicyKind::AllowAll, trace: false } };
    let run = qemu::boot(&Machine { cpus: 2, ..machine() }, &fleet, true)?;
    qemu::report(&run, &fleet)?;
    for id in 2..=5 {
        Verdict::find(run.console.of(Source::Vm(id))).require(id)?;
    }
    Ok(Outcome::Passed)
}

/// Indirect messages and notifications.
const TALKS: u32 = 1 << 2 | 1 << 3;

fn transcript() -> Result<Outcome> {
    let [first, second] = [el2_transcript()?, el2_transcript()?];
    for vm in 2..=4 {
        let prefix = format!("vm{vm}: T");
        must(first.iter().any(|line| line.starts_with(&prefix)), format!("vm{vm} heard nothing"))?;
    }
    let differs = first.iter().zip(&second).find(|(first, second)| first != second);
    must(differs.is_none(), format!("two runs differ: {differs:?}"))?;
    must(first.len() == second.len(), "one run heard more than the other")?;
    Ok(Outcome::Passed)
}

fn machine() -> Machine {
    Machine { timeout: TIMEOUT, ..Machine::default() }
}

fn guest(name: &str) -> Result<Vm> {
    with_vcpus(name, 1)
}

fn with_vcpus(name: &str, vcpus: u16) -> Result<Vm> {
    let file = image::guest(name);
    if !file.is_file() {
        image::guests()?;
    }
    Ok(Vm { vcpus, ..Vm::new(file) })
}

/// A guest of one instruction: `b .`.
fn endless() -> Result<Vm> {
    let file = workspace::target_dir("images").join("endless.bin");
    fs::write(&file, 0x1400_0000_u32.to_le_bytes()).at("write", &file)?;
    Ok(Vm::new(file))
}

fn fleet(vms: &[Vm], policy: bundle::PolicyKind) -> Result<Fleet> {
    let guests = vms.iter().cloned().map(Guest::load).collect::<Result<_>>()?;
    Ok(Fleet { guests, options: bundle::Options { policy, trace: false } })
}

fn boot(machine: &Machine, vms: &[Vm]) -> Result<Run> {
    boot_by(machine, vms, bundle::PolicyKind::default())
}

fn boot_by(machine: &Machine, vms: &[Vm], policy: bundle::PolicyKind) -> Result<Run> {
    qemu::boot(machine, &fleet(vms, policy)?, true)
}

/// Every VM said that it passed, and powered off.
fn all_pass(run: &Run, vms: usize) -> Result<Outcome> {
    must(run.end == End::Off, format!("it ended with {:?}", run.end))?;
    (1..).take(vms).try_for_each(|id| passed(run, id))?;
    Ok(Outcome::Passed)
}

fn passed(run: &Run, id: u16) -> Result<()> {
    Verdict::find(run.console.of(Source::Vm(id))).require(id)
}

fn must(condition: bool, otherwise: impl Into<String>) -> Result<()> {
    if condition { Ok(()) } else { Err(Failure::failed(otherwise)) }
}
