//! Time: the physical counter and the hypervisor's own timer.

use super::sysreg;

/// The longest time that a vCPU runs while others wait.
pub(super) const SLICE_MICROSECONDS: u64 = 2_000;
/// The longest time that an idle CPU sleeps.
pub(super) const IDLE_MICROSECONDS: u64 = 5_000;

const ENABLE: u64 = 1;

/// The physical counter.
pub(super) fn now() -> u64 {
    // Not earlier than what comes before it in the program.
    sysreg::instruction!("isb");
    sysreg::read!("cntpct_el0")
}

/// That many microseconds, in counts.
pub(super) fn microseconds(count: u64) -> u64 {
    count.saturating_mul(sysreg::read!("cntfrq_el0")) / 1_000_000
}

/// The count so many microseconds from now.
pub(super) fn after(count: u64) -> u64 {
    now().saturating_add(microseconds(count))
}

/// Interrupts this CPU at that count, instead of at any earlier set one.
pub(super) fn interrupt_at(count: u64) {
    sysreg::write!("cnthp_cval_el2", count);
    sysreg::write!("cnthp_ctl_el2", ENABLE);
}

/// No interrupt is wanted.
pub(super) fn cancel() {
    sysreg::write!("cnthp_ctl_el2", 0);
    sysreg::instruction!("isb");
}
