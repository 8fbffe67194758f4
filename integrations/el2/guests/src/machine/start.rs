//! The first instructions: the Image header, and the relocation of the image to where it is.

use core::arch::global_asm;

// The header of Documentation/arch/arm64/booting.rst, by which hypervisors know a kernel. They put
// it at text_offset from the start of RAM, or elsewhere: at any multiple of 4096.
global_asm!(
    ".section .init.header, \"ax\"",
    ".global image_header",
    "image_header:",
    "b relocate",
    ".long 0",
    ".quad 0x200000",                 // text_offset
    ".quad image_end - image_header", // image_size, with .bss and stacks
    ".quad 0b1010",                   // flags: little-endian, 4K pages, anywhere in RAM
    ".quad 0, 0, 0",
    ".ascii \"ARM\\x64\"",
    ".long 0",
);

// Code finds everything relative to itself. Pointers in data need to be relocated; the image is
// linked for address 0, so where it is and by how much it moved is the same number. An entry of
// .rela.dyn is a place, a type and a value; the linker makes only the type R_AARCH64_RELATIVE in a
// program that is linked statically. Entries hold the value itself, so a second run (a VM that
// starts again in memory that was kept) does no harm. x0 to x3 are for the Rust code.
global_asm!(
    ".section .init.header, \"ax\"",
    "relocate:",
    "adrp x25, image_begin",
    "adrp x26, rela_begin",
    "add x26, x26, :lo12:rela_begin",
    "adrp x27, rela_end",
    "add x27, x27, :lo12:rela_end",
    "0:",
    "cmp x26, x27",
    "b.hs entry",
    "ldp x28, x29, [x26], #16", // place, type
    "ldr x30, [x26], #8",       // value
    "add x30, x30, x25",
    "str x30, [x25, x28]",
    "b 0b",
);
