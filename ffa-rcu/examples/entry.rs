//! An entry into a section by itself, for `cargo xtask verify litmus` to look at its instructions.
#![no_std]

use ffa_rcu::Cpu;

/// Enters, and reads the snapshot.
#[inline(never)]
pub fn enter_and_read(cpu: &mut Cpu<'_, u32, u32>) -> u32 {
    *cpu.enter().snapshot()
}
