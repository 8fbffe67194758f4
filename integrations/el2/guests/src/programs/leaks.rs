//! Writes registers that only this VM may see the effect of, and looks for another's values in
//! them. Two of these share a CPU, told apart by their arguments.

use crate::argument::Argument;
use crate::machine::{Verdict, cpu, time};
use crate::{println, read_register, write_register};

/// How often it looks.
const ROUNDS: u32 = 50;
/// Microseconds from one look to the next: sleeping lets the other run.
const PAUSE: u64 = 1_000;

/// A register, and bits of it that hold what is written to them.
struct Register {
    name: &'static str,
    mask: u64,
    read: fn() -> u64,
    write: fn(u64),
}

macro_rules! register {
    ($name:literal, $mask:literal) => {
        Register {
            name: $name,
            mask: $mask,
            read: || read_register!($name),
            write: |value| write_register!($name, value),
        }
    };
}

const REGISTERS: &[Register] = &[
    register!("dbgbvr0_el1", 0xFFC),
    register!("dbgwvr0_el1", 0xFFC),
    register!("mdscr_el1", 0x1000),
    register!("pmevcntr0_el0", 0xFFF),
    register!("pmuserenr_el0", 0xF),
    register!("tpidr_el0", 0xFFF),
    register!("s3_3_c13_c0_5", 0xFFF), // TPIDR2_EL0
    register!("s3_0_c12_c1_1", 0xFFF), // DISR_EL1
];

/// The program; its values are made of the argument, 1 or 2.
///
/// # Errors
/// That a register had a value that this VM did not write.
pub fn main(argument: Argument) -> Verdict {
    let present = |register: &Register| !cpu::is_undefined(|| _ = (register.read)());
    let own = 0x1111 * argument.bits();
    for _ in 0..ROUNDS {
        for register in REGISTERS.iter().filter(|register| present(register)) {
            register.check(own)?;
        }
        time::sleep(PAUSE);
    }
    Ok(())
}

impl Register {
    /// It holds nothing, or what this VM wrote.
    fn check(&self, own: u64) -> Verdict {
        let (value, own) = ((self.read)() & self.mask, own & self.mask);
        if value != 0 && value != own {
            println!("{} is {value:#x}, expected 0 or {own:#x}", self.name);
            return Err("a register leaks");
        }
        (self.write)(own);
        Ok(())
    }
}
