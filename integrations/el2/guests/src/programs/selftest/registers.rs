//! Registers that have to survive others running on the same CPU.

use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering};

use super::{ensure, vcpus};
use crate::machine::{Verdict, cpu, time};
use crate::read_register;

/// Microseconds: many time slices.
const DURATION: u64 = 50_000;

static FAILURES: AtomicU32 = AtomicU32::new(0);

/// Each vCPU has its own values in its registers, for a while and all at once.
pub(super) fn kept() -> Verdict {
    FAILURES.store(0, Ordering::SeqCst);
    vcpus::with_others(keep, || {
        keep();
        Ok(())
    })?;
    ensure(FAILURES.load(Ordering::SeqCst) == 0, "they changed")
}

/// What the hypervisor does not have for a VM looks as on a CPU without it, and nothing promises
/// it.
pub(super) fn undefined() -> Verdict {
    const SVE: u64 = 0xF << 32;
    let physical_timer = || _ = read_register!("cntp_ctl_el0");
    ensure(cpu::is_undefined(physical_timer), "there is a physical timer")?;
    ensure(!cpu::is_undefined(|| _ = read_register!("cntv_ctl_el0")), "there is no timer")?;
    ensure(read_register!("id_aa64pfr0_el1") & SVE == 0, "SVE is promised")?;
    ensure(read_register!("id_aa64pfr0_el1") & 0xFF != 0, "EL0 and EL1 are not promised")?;
    ensure(read_register!("oslsr_el1") == 0, "the debug registers are there")
}

fn keep() {
    let seed = 0x0101_0101_0101_0101 * (cpu::index() as u64 + 1);
    let end = time::now() + DURATION;
    while time::now() < end {
        if !vectors_kept(seed) || !thread_ids_kept(seed) {
            FAILURES.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Fills v0 to v31, spins, and looks whether they are still the same.
fn vectors_kept(seed: u64) -> bool {
    let before: [u64; 64] = core::array::from_fn(|index| seed.wrapping_mul(index as u64 + 1));
    let mut after = [0_u64; 64];
    // SAFETY: reads `before`, writes `after`, which both have 512 bytes. The vector registers are
    // nobody's: this is compiled without them.
    unsafe {
        asm!(
            ".arch_extension fp", ".arch_extension simd",
            "ld1 {{v0.2d-v3.2d}}, [{from}], #64", "ld1 {{v4.2d-v7.2d}}, [{from}], #64",
            "ld1 {{v8.2d-v11.2d}}, [{from}], #64", "ld1 {{v12.2d-v15.2d}}, [{from}], #64",
            "ld1 {{v16.2d-v19.2d}}, [{from}], #64", "ld1 {{v20.2d-v23.2d}}, [{from}], #64",
            "ld1 {{v24.2d-v27.2d}}, [{from}], #64", "ld1 {{v28.2d-v31.2d}}, [{from}], #64",
            "2: subs {spins}, {spins}, #1", "b.ne 2b",
            "st1 {{v0.2d-v3.2d}}, [{to}], #64", "st1 {{v4.2d-v7.2d}}, [{to}], #64",
            "st1 {{v8.2d-v11.2d}}, [{to}], #64", "st1 {{v12.2d-v15.2d}}, [{to}], #64",
            "st1 {{v16.2d-v19.2d}}, [{to}], #64", "st1 {{v20.2d-v23.2d}}, [{to}], #64",
            "st1 {{v24.2d-v27.2d}}, [{to}], #64", "st1 {{v28.2d-v31.2d}}, [{to}], #64",
            from = inout(reg) before.as_ptr() => _,
            to = inout(reg) after.as_mut_ptr() => _,
            spins = inout(reg) 100_000_u64 => _,
            options(nostack)
        );
    }
    before == after
}

/// The software thread id registers, which nothing here uses.
fn thread_ids_kept(seed: u64) -> bool {
    let (user, read_only, kernel): (u64, u64, u64);
    // SAFETY: nobody in this guest uses these registers.
    unsafe {
        asm!(
            "msr tpidr_el0, {a}", "msr tpidrro_el0, {b}", "msr tpidr_el1, {c}",
            "2: subs {spins}, {spins}, #1", "b.ne 2b",
            "mrs {x}, tpidr_el0", "mrs {y}, tpidrro_el0", "mrs {z}, tpidr_el1",
            a = in(reg) seed, b = in(reg) seed + 1, c = in(reg) seed + 2,
            spins = inout(reg) 100_000_u64 => _,
            x = out(reg) user, y = out(reg) read_only, z = out(reg) kernel,
            options(nomem, nostack)
        );
    }
    [user, read_only, kernel] == [seed, seed + 1, seed + 2]
}
