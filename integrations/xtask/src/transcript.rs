//! Transcripts: what a hypervisor answers to calls of every kind, line by line.

use ffa_el2::bundle::{Options, PolicyKind};

use crate::console::{Console, Source};
use crate::emulator::{End, Machine};
use crate::failure::Result;
use crate::fleet::Fleet;
use crate::guest::Guest;
use crate::summary::Verdict;
use crate::vm::Vm;
use crate::{image, qemu};

/// What every line of a transcript starts with.
const PREFIX: char = 'T';
/// The guest's argument: the first four VMs are there for the whole test.
const PERMANENT: u64 = 4 << 40;
/// The guest's argument: the minor version to ask for.
const MINOR_SHIFT: u32 = 16;

/// What the guests on the hypervisor in `integrations/el2` hear: VMs 2, 3 and 4 speak FF-A 1.0, 1.1
/// and 1.2, one after the other, while VM 1 stays. Lines start with `vmN: `.
///
/// # Errors
/// What cannot be built or run, and a VM that fails.
pub(crate) fn el2_transcript() -> Result<Vec<String>> {
    image::guests()?;
    let vms = [vm("keeper", 0), vm("transcript", 0), vm("transcript", 1), vm("transcript", 2)];
    let guests = vms.into_iter().map(Guest::load).collect::<Result<_>>()?;
    let fleet = Fleet { guests, options: Options { policy: PolicyKind::AllowAll, trace: false } };
    let run = qemu::boot(&Machine::default(), &fleet, false)?;
    if run.end != End::Off {
        qemu::report(&run, &fleet)?;
    }
    for id in 1..=4 {
        Verdict::find(run.console.of(Source::Vm(id))).require(id)?;
    }
    Ok(of(&run.console))
}

/// The transcripts on a console: those of VMs 2, 3 and 4. Lines start with `vmN: `.
pub(crate) fn of(console: &Console) -> Vec<String> {
    (2..=4).flat_map(|id| lines(id, console.of(Source::Vm(id)))).collect()
}

/// The first place where two transcripts are not the same: its line, and what each says there.
pub(crate) fn difference(one: &[String], other: &[String]) -> Option<(usize, String, String)> {
    let at = |transcript: &[String], index| {
        transcript.get(index).cloned().unwrap_or_else(|| "nothing more".into())
    };
    (0..one.len().max(other.len()))
        .find(|index| one.get(*index) != other.get(*index))
        .map(|index| (index + 1, at(one, index), at(other, index)))
}

/// Indirect messages and notifications.
const PROPERTIES: u32 = 1 << 2 | 1 << 3;

/// A VM as on other hypervisors: one vCPU, no UUID, the properties that work.
fn vm(guest: &str, minor: u64) -> Vm {
    let argument = PERMANENT | minor << MINOR_SHIFT;
    Vm { properties: PROPERTIES, argument, ..Vm::new(image::guest(guest)) }
}

/// The transcript in what a VM printed.
fn lines<'l>(id: u16, console: impl Iterator<Item = &'l str>) -> impl Iterator<Item = String> {
    let transcript = console.filter(|line| line.starts_with(PREFIX));
    transcript.map(move |line| format!("vm{id}: {line}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::console::EL2;

    #[test]
    fn a_transcript_is_what_the_guests_heard() {
        let mut console = Console::of_dialect(EL2);
        for line in ["[vm3] T 2 -> 3", "[vm2] hello", "[vm2] T 1 -> 2", "[vm1] T 0 -> 1"] {
            console.push(line, Duration::ZERO);
        }
        assert_eq!(of(&console), ["vm2: T 1 -> 2", "vm3: T 2 -> 3"]);
    }

    #[test]
    fn the_first_difference_is_found() {
        let transcript =
            |lines: &[&str]| -> Vec<String> { lines.iter().map(ToString::to_string).collect() };
        let one = transcript(&["a", "b"]);
        assert_eq!(difference(&one, &one), None);
        let other = transcript(&["a", "c"]);
        assert_eq!(difference(&one, &other), Some((2, "b".into(), "c".into())));
        let shorter = transcript(&["a"]);
        assert_eq!(difference(&shorter, &one), Some((2, "nothing more".into(), "b".into())));
    }
}
