//! Calls to the firmware below: power, and the secure world.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use ffa_abi::Regs;
use smccc::{Smc, arch, psci};

use super::console;
use super::sysreg;

/// FF-A needs all 18 registers, which firmware keeps from SMCCC 1.2 on.
pub(super) fn can_have_spmc() -> bool {
    let version = arch::version::<Smc>();
    version.is_ok_and(|version| version >= arch::Version { major: 1, minor: 2 })
}

/// An SMC with x0 to x17.
pub(super) fn call(regs: &Regs) -> Regs {
    let [function, arguments @ ..] = regs.0;
    #[expect(clippy::cast_possible_truncation, reason = "a function id is w0")]
    Regs(smccc::smc64(function as u32, arguments))
}

/// Says why, once, and turns the machine off.
pub(super) fn fail(why: fmt::Arguments<'_>) -> ! {
    static FAILED: AtomicBool = AtomicBool::new(false);
    if FAILED.swap(true, Ordering::Relaxed) {
        halt();
    }
    console::print_last_line(format_args!("FAILED: {why}"));
    power_off()
}

/// Turns the machine off.
pub(super) fn power_off() -> ! {
    let _ = psci::system_off::<Smc>();
    // Firmware without PSCI cannot be helped.
    halt()
}

fn halt() -> ! {
    loop {
        sysreg::instruction!("wfi");
    }
}
