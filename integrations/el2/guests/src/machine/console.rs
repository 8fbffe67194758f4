//! The console: a virtual PL011, or Xen's.

use core::fmt::{self, Write};
use core::ptr::{NonNull, with_exposed_provenance_mut};

use arm_pl011_uart::{Uart, UniqueMmioPointer};
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
        Console::Xen => writeln!(Hypercalls::default(), "{line}"),
    };
}

fn print_on_uart(base: usize, line: fmt::Arguments<'_>) -> fmt::Result {
    let Some(base) = NonNull::new(with_exposed_provenance_mut(base)) else { return Ok(()) };
    // SAFETY: the registers of the UART, which nobody else uses while it is our turn.
    let mut uart = Uart::new(unsafe { UniqueMmioPointer::new(base) });
    writeln!(uart, "{line}")
}

/// Text for Xen, which may show what others print between any two hypercalls. So a line goes in one,
/// up to the longest text that Xen takes at once.
#[derive(Default)]
struct Hypercalls(heapless::Vec<u8, 127>);

impl Hypercalls {
    fn push(&mut self, byte: u8) {
        // After a hypercall there is room.
        let _ = self.0.push(byte);
        if byte == b'\n' || self.0.is_full() {
            xen::write(&self.0);
            self.0.clear();
        }
    }
}

impl Write for Hypercalls {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.push(byte));
        Ok(())
    }
}

/// Prints a line on the console.
#[macro_export]
macro_rules! println {
    ($($line:tt)*) => { $crate::machine::console::print_line(format_args!($($line)*)) };
}
