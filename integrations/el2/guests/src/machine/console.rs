//! The console: a virtual PL011, or Xen's.

use core::fmt::{self, Write};
use core::ptr::{NonNull, with_exposed_provenance_mut};

use arm_pl011_uart::{Uart, UniqueMmioPointer};
use heapless::Vec;
use spin::mutex::SpinMutex;

use super::{devices, xen};
use crate::platform::Console;

/// One line at a time, whichever vCPU writes it.
static LINE: SpinMutex<()> = SpinMutex::new(());

/// Prints a line; [`crate::println`] is more comfortable.
pub fn print_line(line: fmt::Arguments<'_>) {
    let _turn = LINE.lock();
    // Both take everything.
    let _ = match devices::platform().console {
        Console::Pl011(base) => print_on_uart(base, line),
        Console::Xen => print_by_hypercall(line),
    };
}

fn print_on_uart(base: usize, line: fmt::Arguments<'_>) -> fmt::Result {
    let Some(base) = NonNull::new(with_exposed_provenance_mut(base)) else { return Ok(()) };
    // SAFETY: the registers of the UART, which nobody else uses while it is our turn.
    let mut uart = Uart::new(unsafe { UniqueMmioPointer::new(base) });
    writeln!(uart, "{line}")
}

fn print_by_hypercall(line: fmt::Arguments<'_>) -> fmt::Result {
    let mut piece = Piece(Vec::new());
    writeln!(piece, "{line}")?;
    xen::write(&piece.0);
    Ok(())
}

/// What is not written yet, up to as much as Xen writes without lines of others in between.
struct Piece(Vec<u8, 127>);

impl Write for Piece {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.0.is_full() {
                xen::write(&self.0);
                self.0.clear();
            }
            self.0.push(byte).map_err(|_| fmt::Error)?;
        }
        Ok(())
    }
}

/// Prints a line on the console.
#[macro_export]
macro_rules! println {
    ($($line:tt)*) => { $crate::machine::console::print_line(format_args!($($line)*)) };
}
