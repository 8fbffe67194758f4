//! The world switch: into a guest, and back at its next exception.
//!
//! [`enter`] looks like a call: it returns when the guest gave the CPU back. EL2 runs with
//! interrupts masked and never takes one itself: what is pending makes the next [`enter`] return at
//! once. So there is no nesting, and no lock of the hypervisor is ever wanted by an interrupt
//! handler.

use core::arch::global_asm;
use core::mem::offset_of;

use ffa_el2::trap::LONG_INSTRUCTION;

use super::firmware;
use super::sysreg;

/// What [`enter`] loads and stores: the state that EL2's own code uses too.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Frame {
    /// x0 to x30.
    pub(super) x: [u64; 31],
    /// Where the guest is, `ELR_EL2`.
    pub(super) pc: u64,
    /// Its PSTATE, `SPSR_EL2`.
    pub(super) pstate: u64,
}

impl Frame {
    /// A general-purpose register; 31 reads as zero.
    pub(super) fn register(&self, number: u8) -> u64 {
        self.x.get(usize::from(number)).copied().unwrap_or(0)
    }

    /// Writes a general-purpose register; 31 is not written.
    pub(super) fn set_register(&mut self, number: u8, value: u64) {
        if let Some(register) = self.x.get_mut(usize::from(number)) {
            *register = value;
        }
    }

    /// Steps over the instruction that `ESR_EL2` tells of.
    pub(super) fn skip_instruction(&mut self) {
        let long = sysreg::read!("esr_el2") & LONG_INSTRUCTION != 0;
        self.pc = self.pc.wrapping_add(if long { 4 } else { 2 });
    }
}

/// Why a guest gave the CPU back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exit {
    /// Its own doing: `ESR_EL2` says what.
    Synchronous,
    /// A physical interrupt is pending.
    Interrupt,
    /// A system error.
    SystemError,
}

/// Runs the guest whose state is loaded, until its next exception to EL2.
///
/// # Safety
/// 1. The system registers, stage 2 and the vector registers are the guest's: it reaches its own
///    memory only.
/// 2. `HCR_EL2` routes its exceptions here, and `install_vectors` was called on this CPU.
pub(super) unsafe fn enter(frame: &mut Frame) -> Exit {
    // SAFETY: the caller promised 1 and 2; the frame is exclusively ours, and laid out as the
    // assembly expects.
    match unsafe { enter_guest(frame) } {
        0 => Exit::Synchronous,
        3 => Exit::SystemError,
        _ => Exit::Interrupt,
    }
}

/// Makes this CPU's exceptions come here.
pub(super) fn install_vectors() {
    sysreg::write!("vbar_el2", (&raw const vectors).addr() as u64);
    sysreg::instruction!("isb");
}

unsafe extern "C" {
    static vectors: u8;
    fn enter_guest(frame: *mut Frame) -> u64;
}

/// EL2 itself did something wrong: nothing can go on.
extern "C" fn unexpected_exception(kind: u64) -> ! {
    let esr = sysreg::read!("esr_el2");
    let elr = sysreg::read!("elr_el2");
    let far = sysreg::read!("far_el2");
    firmware::fail(format_args!(
        "exception {kind} at EL2: esr {esr:#x}, elr {elr:#x}, far {far:#x}"
    ))
}

// enter_guest keeps what a C function must keep on the stack, and the frame's address in TPIDR_EL2,
// where the vectors find it. The vectors store the guest's registers and return from enter_guest
// with their own number in x0. EL2 is built without vector registers: those stay the guest's until
// its slice is over.
global_asm!(
    ".section .text.switch, \"ax\"",
    "enter_guest:",
    "stp x29, x30, [sp, #-96]!",
    "stp x19, x20, [sp, #16]",
    "stp x21, x22, [sp, #32]",
    "stp x23, x24, [sp, #48]",
    "stp x25, x26, [sp, #64]",
    "stp x27, x28, [sp, #80]",
    "msr tpidr_el2, x0",
    "ldp x1, x2, [x0, {PC}]",
    "msr elr_el2, x1",
    "msr spsr_el2, x2",
    "ldp x2, x3, [x0, #16]",
    "ldp x4, x5, [x0, #32]",
    "ldp x6, x7, [x0, #48]",
    "ldp x8, x9, [x0, #64]",
    "ldp x10, x11, [x0, #80]",
    "ldp x12, x13, [x0, #96]",
    "ldp x14, x15, [x0, #112]",
    "ldp x16, x17, [x0, #128]",
    "ldp x18, x19, [x0, #144]",
    "ldp x20, x21, [x0, #160]",
    "ldp x22, x23, [x0, #176]",
    "ldp x24, x25, [x0, #192]",
    "ldp x26, x27, [x0, #208]",
    "ldp x28, x29, [x0, #224]",
    "ldr x30, [x0, #240]",
    "ldp x0, x1, [x0]",
    "eret",
    "dsb nsh", // no speculation past the eret
    "isb",
    "",
    "leave_guest:", // guest x0, x1 on the stack; x1 = the exception's number
    "mrs x0, tpidr_el2",
    "stp x2, x3, [x0, #16]",
    "stp x4, x5, [x0, #32]",
    "stp x6, x7, [x0, #48]",
    "stp x8, x9, [x0, #64]",
    "stp x10, x11, [x0, #80]",
    "stp x12, x13, [x0, #96]",
    "stp x14, x15, [x0, #112]",
    "stp x16, x17, [x0, #128]",
    "stp x18, x19, [x0, #144]",
    "stp x20, x21, [x0, #160]",
    "stp x22, x23, [x0, #176]",
    "stp x24, x25, [x0, #192]",
    "stp x26, x27, [x0, #208]",
    "stp x28, x29, [x0, #224]",
    "str x30, [x0, #240]",
    "ldp x2, x3, [sp], #16",
    "stp x2, x3, [x0]",
    "mrs x2, elr_el2",
    "mrs x3, spsr_el2",
    "stp x2, x3, [x0, {PC}]",
    "mov x0, x1",
    "ldp x19, x20, [sp, #16]",
    "ldp x21, x22, [sp, #32]",
    "ldp x23, x24, [sp, #48]",
    "ldp x25, x26, [sp, #64]",
    "ldp x27, x28, [sp, #80]",
    "ldp x29, x30, [sp], #96",
    "ret",
    "",
    ".macro from_el2 number",
    ".balign 0x80",
    "mov x0, \\number",
    "b {unexpected_exception}",
    ".endm",
    ".macro from_guest number",
    ".balign 0x80",
    "stp x0, x1, [sp, #-16]!",
    "mov x1, \\number",
    "b leave_guest",
    ".endm",
    ".balign 0x800",
    ".global vectors",
    "vectors:",
    "from_el2 0", // SP_EL0: not used at EL2
    "from_el2 1",
    "from_el2 2",
    "from_el2 3",
    "from_el2 4", // SP_EL2
    "from_el2 5",
    "from_el2 6",
    "from_el2 7",
    "from_guest 0", // AArch64: synchronous, IRQ, FIQ, SError
    "from_guest 1",
    "from_guest 2",
    "from_guest 3",
    "from_guest 0", // AArch32 at EL0
    "from_guest 1",
    "from_guest 2",
    "from_guest 3",
    ".balign 0x80",
    PC = const offset_of!(Frame, pc),
    unexpected_exception = sym unexpected_exception,
);
