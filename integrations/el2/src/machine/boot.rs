//! The first instructions: the Image header, the page table that EL2 runs on, and the other CPUs.

use core::arch::global_asm;

use aarch64_paging::descriptor::El23Attributes;
use aarch64_rt::{InitialPagetable, Stack, initial_pagetable, start_core};
use ffa_el2::scheduler::MAX_CPUS;
use smccc::Smc;
use smccc::psci::Error;

use super::cpu;

const GIGABYTE: usize = 1 << 30;
const GIGABYTES_MAPPED: usize = 16;
/// The end of what EL2 maps: RAM above it is not used.
pub(super) const MAPPED_END: u64 = (GIGABYTES_MAPPED * GIGABYTE) as u64;

// The header of Documentation/arch/arm64/booting.rst. QEMU's -kernel looks at the magic number,
// gives an image that has it the device tree in x0, and puts it at text_offset from the start of
// RAM.
global_asm!(
    ".section .init.header, \"ax\"",
    ".global image_header",
    "image_header:",
    "b entry",
    ".long 0",
    ".quad 0x200000", // text_offset: the image is linked for 0x40200000
    ".quad image_end - image_header", // image_size, with .bss and stacks
    ".quad 0b0010",   // flags: little-endian, 4K pages, near the start of RAM
    ".quad 0, 0, 0",
    ".ascii \"ARM\\x64\"",
    ".long 0",
);

const DEVICE: El23Attributes = El23Attributes::VALID
    .union(El23Attributes::USER_RES1)
    .union(El23Attributes::ATTRIBUTE_INDEX_0)
    .union(El23Attributes::ACCESSED)
    .union(El23Attributes::XN);
const NORMAL: El23Attributes = El23Attributes::VALID
    .union(El23Attributes::USER_RES1)
    .union(El23Attributes::ATTRIBUTE_INDEX_1)
    .union(El23Attributes::INNER_SHAREABLE)
    .union(El23Attributes::ACCESSED);

// EL2 sees physical addresses: devices in the first gigabyte, RAM in the next ones.
initial_pagetable!(identity_map());

#[expect(clippy::indexing_slicing, reason = "at compile time")]
const fn identity_map() -> InitialPagetable {
    let mut table = [0; 512];
    table[0] = DEVICE.bits();
    let mut gigabyte = 1;
    while gigabyte < GIGABYTES_MAPPED {
        table[gigabyte] = NORMAL.bits() | (gigabyte * GIGABYTE);
        gigabyte += 1;
    }
    InitialPagetable(table)
}

const STACK_PAGES: usize = 16;

aarch64_rt::entry!(super::main, STACK_PAGES);

#[unsafe(link_section = ".stack.secondary")]
static mut SECONDARY_STACKS: [Stack<STACK_PAGES>; MAX_CPUS - 1] =
    [const { Stack::new() }; MAX_CPUS - 1];

/// Starts the CPU with this MPIDR, as number `index`, which is 1 or more and not yet started.
///
/// # Errors
/// The firmware's.
pub(super) fn start_cpu(index: usize, mpidr: u64) -> Result<(), Error> {
    let stack = (&raw mut SECONDARY_STACKS).cast::<Stack<STACK_PAGES>>().wrapping_add(index - 1);
    // SAFETY: the stack is a static, mapped for both CPUs alike by the identity map, and only the
    // CPU `index` uses it, which the caller starts once.
    unsafe { start_core::<Smc, _, STACK_PAGES>(mpidr, stack, move || cpu::main(index)) }
}
