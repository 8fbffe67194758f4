//! The virtual PL011.

use core::fmt::{self, Write};
use core::ptr::NonNull;

use arm_pl011_uart::{PL011Registers, Uart, UniqueMmioPointer};
use spin::mutex::SpinMutex;

const BASE: NonNull<PL011Registers> = NonNull::new(0x0900_0000 as *mut PL011Registers).unwrap();

/// One line at a time, whichever vCPU writes it.
static LINE: SpinMutex<()> = SpinMutex::new(());

/// Prints a line; [`crate::println`] is more comfortable.
pub fn print_line(line: fmt::Arguments<'_>) {
    let _turn = LINE.lock();
    // SAFETY: the registers of the UART, which nobody else uses while it is our turn.
    let mut uart = Uart::new(unsafe { UniqueMmioPointer::new(BASE) });
    // The UART takes everything.
    let _ = writeln!(uart, "{line}");
}

/// Prints a line on the console.
#[macro_export]
macro_rules! println {
    ($($line:tt)*) => { $crate::machine::console::print_line(format_args!($($line)*)) };
}
