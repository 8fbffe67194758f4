//! The virtual counter and its timer.

use core::arch::asm;

use super::interrupts;
use crate::read_register;

const ENABLE: u64 = 1;

/// Microseconds since some moment, the same for all vCPUs.
#[must_use]
pub fn now() -> u64 {
    let ticks = u128::from(counter()) * 1_000_000;
    u64::try_from(ticks / u128::from(frequency())).unwrap_or(u64::MAX)
}

/// Nanoseconds since the same moment, as exactly as the counter counts.
#[must_use]
pub fn nanoseconds() -> u64 {
    let ticks = u128::from(counter()) * 1_000_000_000;
    u64::try_from(ticks / u128::from(frequency())).unwrap_or(u64::MAX)
}

fn counter() -> u64 {
    // SAFETY: reading the counter changes nothing; the barrier keeps it in program order.
    unsafe { asm!("isb", options(nostack)) };
    read_register!("cntvct_el0")
}

fn frequency() -> u64 {
    read_register!("cntfrq_el0").max(1)
}

/// Lets the timer's interrupt become pending in so many microseconds.
pub fn start(microseconds: u64) {
    let ticks = u128::from(microseconds) * u128::from(frequency()) / 1_000_000;
    let compare = counter().wrapping_add(u64::try_from(ticks).unwrap_or(u64::MAX));
    // SAFETY: this guest has its virtual timer to itself.
    unsafe {
        asm!(
            "msr cntv_cval_el0, {compare}",
            "msr cntv_ctl_el0, {enable}",
            "isb",
            compare = in(reg) compare,
            enable = in(reg) ENABLE,
            options(nomem, nostack)
        );
    }
}

/// Stops the timer, and with it the level of its interrupt.
pub fn stop() {
    // SAFETY: as in `start`.
    unsafe { asm!("msr cntv_ctl_el0, xzr", "isb", options(nomem, nostack)) };
}

/// Sleeps so long, and takes interrupts meanwhile.
pub fn sleep(microseconds: u64) {
    let end = now().saturating_add(microseconds);
    loop {
        let left = end.saturating_sub(now());
        if left == 0 {
            return;
        }
        // Each time anew: an interrupt may have stopped it.
        start(left);
        interrupts::wait();
    }
}

/// Waits until `condition` holds, at most so long. Tells whether it does.
pub fn wait_until(microseconds: u64, mut condition: impl FnMut() -> bool) -> bool {
    let end = now().saturating_add(microseconds);
    while !condition() {
        if now() >= end {
            return false;
        }
        interrupts::take();
        core::hint::spin_loop();
    }
    true
}
