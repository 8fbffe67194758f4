//! Hypercalls of Xen.

use core::arch::asm;

const CONSOLE_IO: u64 = 18;
const CONSOLE_IO_WRITE: u64 = 0;

/// Prints on Xen's console, which shows a line when it ends.
pub fn write(text: &[u8]) {
    // SAFETY: Xen reads the text and changes no memory; it may change x0 to x4 and x16.
    unsafe {
        asm!(
            "hvc #0xea1",
            inout("x16") CONSOLE_IO => _,
            inout("x0") CONSOLE_IO_WRITE => _,
            inout("x1") text.len() => _,
            inout("x2") text.as_ptr() => _,
            out("x3") _,
            out("x4") _,
            options(nostack)
        );
    }
}
