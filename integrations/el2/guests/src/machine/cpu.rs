//! vCPUs and their registers.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

use aarch64_rt::Stack;
use smccc::{Hvc, psci};

use super::interrupts;

/// Most vCPUs of a VM.
pub const MAX: usize = 4;

const STACK_PAGES: usize = 8;

struct Stacks([UnsafeCell<Stack<STACK_PAGES>>; MAX]);

// SAFETY: only pointers are handed out, and to the vCPU that is being started with it only.
unsafe impl Sync for Stacks {}

static STACKS: Stacks = Stacks([const { UnsafeCell::new(Stack::new()) }; MAX]);

/// Reads a system register.
#[macro_export]
macro_rules! read_register {
    ($name:literal) => {{
        let value: u64;
        // SAFETY: reading a register of this exception level changes nothing.
        unsafe { core::arch::asm!(concat!("mrs {}, ", $name), out(reg) value, options(nomem, nostack)) };
        value
    }};
}

/// Writes a system register that nothing which is compiled depends on.
#[macro_export]
macro_rules! write_register {
    ($name:literal, $value:expr) => {{
        let value: u64 = $value;
        // SAFETY: by the rule above.
        unsafe { core::arch::asm!(concat!("msr ", $name, ", {}"), in(reg) value, options(nostack)) };
    }};
}

/// Which vCPU this is, from 0.
#[must_use]
pub fn index() -> usize {
    (read_register!("mpidr_el1") & 0xFF) as usize
}

/// Syndrome and address of the last fault.
#[must_use]
pub fn fault() -> (u64, u64) {
    (read_register!("esr_el1"), read_register!("far_el1"))
}

/// An undefined instruction is expected.
static UNDEFINED_EXPECTED: AtomicBool = AtomicBool::new(false);

/// Does an instruction of `program` raise the exception of undefined instructions? It is stepped
/// over. On one vCPU at a time.
pub fn is_undefined(program: impl FnOnce()) -> bool {
    UNDEFINED_EXPECTED.store(true, Ordering::SeqCst);
    program();
    !UNDEFINED_EXPECTED.swap(false, Ordering::SeqCst)
}

/// Is this the exception that [`is_undefined`] waits for?
pub(super) fn is_expected(syndrome: u64) -> bool {
    const CLASS_UNKNOWN_32_BITS: u64 = 1 << 25;
    syndrome == CLASS_UNKNOWN_32_BITS && UNDEFINED_EXPECTED.swap(false, Ordering::SeqCst)
}

/// Turns a vCPU on. It takes interrupts, runs `program` and turns itself off.
///
/// # Errors
/// What PSCI `CPU_ON` says, or that the vCPU is on or does not exist.
pub fn start(vcpu: usize, program: fn()) -> Result<(), psci::Error> {
    let stack = STACKS.0.get(vcpu).ok_or(psci::Error::InvalidParameters)?.get();
    // A vCPU that runs uses its stack; PSCI would refuse it too late.
    if !is_off(vcpu) {
        return Err(psci::Error::AlreadyOn);
    }
    let entry = move || {
        interrupts::enable();
        program();
        let _ = psci::cpu_off::<Hvc>();
    };
    // SAFETY: the stack is static, this vCPU's only, and the vCPU is off.
    unsafe { aarch64_rt::start_core::<Hvc, _, STACK_PAGES>(vcpu as u64, stack, entry) }
}

/// Whether a vCPU exists and is off.
#[must_use]
pub fn is_off(vcpu: usize) -> bool {
    let level = psci::LowestAffinityLevel::All;
    psci::affinity_info::<Hvc>(vcpu as u64, level) == Ok(psci::AffinityState::Off)
}

/// Sleeps until an interrupt is pending, masked or not.
pub fn wait_for_interrupt() {
    // SAFETY: waiting changes nothing.
    unsafe { asm!("dsb sy", "wfi", options(nostack)) };
}
