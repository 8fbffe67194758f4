//! System registers by their assembler names.

/// Reads a system register as u64; its name may come in parts.
macro_rules! read {
    ($($name:literal),+) => {{
        let value: u64;
        // SAFETY: the registers read here have no side effects on memory, and exist at EL2 on
        // every CPU that the caller reads them on.
        unsafe {
            core::arch::asm!(concat!("mrs {0}, ", $($name),+), out(reg) value, options(nomem, nostack))
        };
        value
    }};
}

/// Writes a u64 to a system register.
///
/// Only for registers that do not change how EL2 itself executes: guest state (`*_EL1`),
/// virtualisation controls, timers and interrupt controller. A memory clobber keeps stores to
/// shared memory on their side of it.
macro_rules! write {
    ($name:literal, $value:expr) => {{
        let value: u64 = $value;
        // SAFETY: by the rule above, nothing that the compiler relies on changes.
        unsafe {
            core::arch::asm!(concat!("msr ", $name, ", {0}"), in(reg) value, options(nostack))
        };
    }};
}

/// Executes an instruction without operands: a barrier, a TLB maintenance operation, WFI.
macro_rules! instruction {
    ($text:literal) => {
        // SAFETY: barriers, waits and TLB maintenance change no memory and no register.
        unsafe { core::arch::asm!($text, options(nostack, preserves_flags)) }
    };
}

pub(super) use {instruction, read, write};
