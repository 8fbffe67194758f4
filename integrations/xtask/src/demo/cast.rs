//! Who plays: the VMs of each act of the demo.

use ffa_el2::bundle::{MAX_VCPUS, PolicyKind};
use ffa_el2_guests::argument::{Argument, Conduit};

use crate::image;
use crate::vm::Vm;

/// How often a lister lists.
const ROUNDS: u16 = 600;
/// The listers come first and stay: VMs 1 to 6.
pub(super) const LISTERS: u8 = 6;
const MAYFLIES: u32 = 4;
/// A reset is quick, a life that is ended by force takes its time.
const RESETS: u32 = 40;
const KILLS: u32 = 16;
const LIFE_MS: u32 = 120;

/// A VM and what it plays.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) vm: Vm,
    pub(super) part: Part,
}

/// What a VM is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Lists all the time by this version 1.`minor` and conduit.
    Lister { minor: u16, conduit: Conduit },
    /// Comes and goes: so often it is created again.
    Mayfly { restarts: u32 },
}

/// The VMs under a policy.
pub(super) fn of(policy: PolicyKind) -> Vec<Role> {
    let mut cast = listers(policy == PolicyKind::VmToSp);
    if policy == PolicyKind::AllowAll {
        cast.extend((0..MAYFLIES).map(resetting));
        cast.extend((0..MAYFLIES).map(killed));
    }
    cast
}

/// One of each version and conduit.
fn listers(alone: bool) -> Vec<Role> {
    let conduits = [Conduit::Hvc, Conduit::Smc];
    let all = (0..=2).flat_map(|minor| conduits.map(|conduit| (minor, conduit)));
    all.zip(1..).map(|((minor, conduit), id)| lister(minor, conduit, alone, id)).collect()
}

fn lister(minor: u16, conduit: Conduit, alone: bool, id: u8) -> Role {
    let permanent = if alone { 0 } else { LISTERS };
    let argument =
        Argument { rounds: ROUNDS, minor, conduit, alone, permanent, ..Argument::default() };
    let vm = Vm {
        name: format!("lister-1.{minor}-{conduit}"),
        argument: argument.bits(),
        uuid: uuid(id),
        vcpus: u16::from(id - 1) % MAX_VCPUS + 1,
        ..Vm::new(image::guest("lister"))
    };
    Role { vm, part: Part::Lister { minor, conduit } }
}

/// A UUID of its own for each lister, version 8: only the last byte differs.
fn uuid(id: u8) -> [u8; 16] {
    let mut uuid = *b"ffa-de\x80mo\x80lister";
    if let Some(last) = uuid.last_mut() {
        *last = id;
    }
    uuid
}

/// Lists once and asks for a reset.
fn resetting(index: u32) -> Role {
    let argument = Argument { minor: 2, ..Argument::default() };
    mayfly(format!("reset-{index}"), argument, 0, RESETS)
}

/// Lists until it is killed, each at its own pace.
fn killed(index: u32) -> Role {
    let argument = Argument { minor: 1, rounds: u16::MAX, ..Argument::default() };
    mayfly(format!("killed-{index}"), argument, LIFE_MS + 37 * index, KILLS)
}

fn mayfly(name: String, argument: Argument, life_ms: u32, restarts: u32) -> Role {
    let vm = Vm {
        name,
        argument: argument.bits(),
        life_ms,
        restarts,
        ..Vm::new(image::guest("mayfly"))
    };
    Role { vm, part: Part::Mayfly { restarts } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_listed_by_both_conduits() {
        let cast = of(PolicyKind::AllowAll);
        for minor in 0..=2 {
            for conduit in [Conduit::Hvc, Conduit::Smc] {
                let part = Part::Lister { minor, conduit };
                assert!(cast[..LISTERS.into()].iter().any(|role| role.part == part));
            }
        }
    }

    #[test]
    fn listers_are_told_what_they_are() {
        let cast = of(PolicyKind::VmToSp);
        let argument = Argument::from_bits(cast[3].vm.argument);
        assert_eq!((argument.minor, argument.conduit), (1, Conduit::Smc));
        assert!(argument.alone && argument.permanent == 0);
        assert_eq!(cast.len(), usize::from(LISTERS));
    }

    #[test]
    fn some_reset_themselves_and_some_are_killed() {
        let cast = of(PolicyKind::AllowAll);
        let mayflies = &cast[LISTERS.into()..];
        assert!(mayflies.iter().all(|role| role.vm.restarts > 0));
        assert!(mayflies.iter().any(|role| role.vm.life_ms == 0));
        assert!(mayflies.iter().any(|role| role.vm.life_ms > 0));
    }
}
