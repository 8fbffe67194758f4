//! HVC and SMC with x0..x17.

use core::arch::asm;

use ffa_abi::Regs;

use crate::argument::Conduit;

macro_rules! call {
    ($instruction:literal, $registers:ident) => {
        asm!(
            $instruction,
            inout("x0") $registers[0], inout("x1") $registers[1], inout("x2") $registers[2],
            inout("x3") $registers[3], inout("x4") $registers[4], inout("x5") $registers[5],
            inout("x6") $registers[6], inout("x7") $registers[7], inout("x8") $registers[8],
            inout("x9") $registers[9], inout("x10") $registers[10], inout("x11") $registers[11],
            inout("x12") $registers[12], inout("x13") $registers[13], inout("x14") $registers[14],
            inout("x15") $registers[15], inout("x16") $registers[16], inout("x17") $registers[17],
            options(nostack)
        )
    };
}

/// Calls the hypervisor. Unlike in the smccc crate, x0 has all its 64 bits.
#[must_use]
pub fn call(conduit: Conduit, regs: Regs) -> Regs {
    let Regs(mut registers) = regs;
    match conduit {
        // SAFETY: a call changes x0..x17 and such memory only as was given to it before: it is
        // treated as one that may change any.
        Conduit::Hvc => unsafe { call!("hvc #0", registers) },
        // SAFETY: the same.
        Conduit::Smc => unsafe { call!("smc #0", registers) },
    }
    Regs(registers)
}

/// Calls with the registers given, the rest zero.
#[must_use]
pub fn call_with<const N: usize>(conduit: Conduit, arguments: [u64; N]) -> Regs {
    let mut regs = Regs::ZERO;
    for (index, argument) in arguments.into_iter().enumerate() {
        regs.set(index, argument);
    }
    call(conduit, regs)
}
