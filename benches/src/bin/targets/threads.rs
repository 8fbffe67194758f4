//! Threads on CPUs of their own.

use core_affinity::CoreId;

/// Keeps this thread on the CPU of this number among those there are.
///
/// Readers have the last one, which interrupts visit least; writers and second readers the first.
pub(crate) fn pin(reader: usize) {
    let cores: Vec<CoreId> = core_affinity::get_core_ids().unwrap_or_default();
    let core = cores.iter().rev().nth(reader % cores.len().max(1));
    if !core.is_some_and(|core| core_affinity::set_for_current(*core)) {
        eprintln!("cannot pin to a CPU; expect wider spreads");
    }
}
