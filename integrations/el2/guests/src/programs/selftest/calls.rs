//! PSCI, SMCCC and FF-A as they arrive by either conduit.

use ffa_abi::{Regs, Version};

use super::ensure;
use crate::argument::Conduit;
use crate::client::Client;
use crate::machine::Verdict;
use crate::machine::call::{call, call_with};

const PSCI_VERSION: u64 = 0x8400_0000;
const PSCI_FEATURES: u64 = 0x8400_000A;
const CPU_ON: u64 = 0xC400_0003;
const SMCCC_VERSION: u64 = 0x8000_0000;
const NOT_SUPPORTED: u64 = u64::MAX;

/// Calls of every owner that nobody serves.
const UNKNOWN: [u64; 10] = [
    // Arm architecture, TRNG, no PSCI function, FF-A with a reserved bit or beyond its range.
    0x8000_7FFF,
    0x8400_0050,
    0x8400_001F,
    0x8401_0063,
    0x8400_00F0,
    // SiP, OEM, a trusted application, a trusted OS, and an FF-A id as a yielding call.
    0xC200_0001,
    0xC300_0000,
    0xB000_0000,
    0xBF00_FF01,
    0x0400_0063,
];

pub(super) fn psci(conduit: Conduit) -> Verdict {
    let ask = |id, argument| call_with(conduit, [id, argument]).w(0);
    ensure(ask(PSCI_VERSION, 0) == 0x1_0001, "PSCI is not 1.1")?;
    ensure(ask(PSCI_FEATURES, CPU_ON) == 0, "CPU_ON is not offered")?;
    ensure(ask(PSCI_FEATURES, SMCCC_VERSION) == 0, "SMCCC_VERSION is not offered")?;
    ensure(ask(PSCI_FEATURES, 0x8400_0012) == u32::MAX, "an unknown function is offered")?;
    ensure(ask(SMCCC_VERSION, 0) == 0x1_0002, "SMCCC is not 1.2")?;
    upper_half_is_ignored(conduit)?;
    arguments_are_kept(conduit)
}

fn upper_half_is_ignored(conduit: Conduit) -> Verdict {
    let version = call_with(conduit, [0xDEAD_BEEF << 32 | PSCI_VERSION]);
    ensure(version.w(0) == 0x1_0001, "bits 63:32 of x0 change the function")
}

/// SMCCC from 1.1 on: x4 to x17 are kept where a call does not return something in them.
fn arguments_are_kept(conduit: Conduit) -> Verdict {
    let mut before = Regs(core::array::from_fn(|index| 0x1111_1111_1111_1111 * index as u64));
    before.set(0, PSCI_VERSION);
    let after = call(conduit, before);
    ensure(before.0.get(4..) == after.0.get(4..), "PSCI_VERSION changed x4 to x17")
}

pub(super) fn unknown(conduit: Conduit) -> Verdict {
    for id in UNKNOWN {
        ensure(call_with(conduit, [id]).x(0) == NOT_SUPPORTED, "not answered by a 64-bit -1")?;
    }
    Ok(())
}

/// Version 1.2 each time: the first other call fixes it.
pub(super) fn ffa(conduit: Conduit) -> Verdict {
    let client = Client::negotiate(conduit, Version::V1_2).map_err(|_| "no FF-A 1.2")?;
    let id = client.id().map_err(|_| "no id")?;
    ensure(id.0 != 0 && !id.is_secure(), "not the id of a VM")?;
    let (list, _) = client.registers().map_err(|_| "cannot list by registers")?;
    ensure(list.iter().any(|partition| partition.id() == id), "it is not in its own list")
}
