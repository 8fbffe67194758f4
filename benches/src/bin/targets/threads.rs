//! Threads on CPUs of their own.

use std::sync::OnceLock;

use core_affinity::CoreId;

/// The CPUs of the process. A thread that is pinned sees only its own, and so do those it starts.
static CORES: OnceLock<Vec<CoreId>> = OnceLock::new();

/// Keeps this thread on the CPU of this number, counted from the last one down.
///
/// Readers have number 0, the last CPU, which interrupts visit least; writers and second readers
/// have number 1. The first call must come from a thread that may run everywhere.
pub(crate) fn pin(number: usize) {
    let cores = CORES.get_or_init(|| core_affinity::get_core_ids().unwrap_or_default());
    let core = cores.iter().rev().nth(number % cores.len().max(1));
    if !core.is_some_and(|core| core_affinity::set_for_current(*core)) {
        eprintln!("cannot pin to a CPU; expect wider spreads");
    }
}
