//! The one real UART: whole lines, one at a time, whoever prints them.

use core::fmt::{self, Write};
use core::ptr::NonNull;

use arm_pl011_uart::{PL011Registers, Uart, UniqueMmioPointer};
use spin::mutex::SpinMutex;

const UART: NonNull<PL011Registers> =
    NonNull::new(0x0900_0000 as *mut PL011Registers).expect("not null");

static LOCK: SpinMutex<()> = SpinMutex::new(());

/// Prints a line of the hypervisor's own.
macro_rules! log {
    ($($argument:tt)*) => { crate::machine::console::print_line(format_args!($($argument)*)) };
}
pub(super) use log;

/// Prints `[el2] ` and the line.
pub(super) fn print_line(line: fmt::Arguments<'_>) {
    let _lock = LOCK.lock();
    emit(line);
}

/// Prints a line after a panic, even if the CPU that panicked holds the lock.
pub(super) fn print_last_line(line: fmt::Arguments<'_>) {
    let _lock = LOCK.try_lock();
    emit(line);
}

fn emit(line: fmt::Arguments<'_>) {
    // The UART has no failure to report.
    let _ = writeln!(uart(), "[el2] {line}\r");
}

/// Prints a VM's line, which its UART made printable, with its prefix.
pub(super) fn print_guest_line(vm: u16, line: &[u8]) {
    let _lock = LOCK.lock();
    let _ = write!(uart(), "[vm{vm}] {}\r\n", str::from_utf8(line).unwrap_or_default());
}

/// The UART. Firmware, or QEMU's reset state, has enabled it.
fn uart() -> Uart<'static> {
    // SAFETY: these are the UART's registers, mapped as device memory. Callers hold LOCK, or the
    // machine is about to be turned off, so no two drivers are used at a time.
    Uart::new(unsafe { UniqueMmioPointer::new(UART) })
}
