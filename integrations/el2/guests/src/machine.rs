//! The virtual machine that the guests run on: console, calls, vCPUs, interrupts, time.

pub mod buffers;
pub mod call;
pub mod console;
pub mod cpu;
pub mod devices;
pub mod interrupts;
mod start;
pub mod time;
pub mod xen;

use core::panic::PanicInfo;

use aarch64_rt::{ExceptionHandlers, RegisterStateRef};
pub use aarch64_rt::{entry, exception_handlers};
use smccc::Hvc;

use crate::argument::Argument;
use crate::println;

/// How a guest ends: well, or with what went wrong.
pub type Verdict = Result<(), &'static str>;

/// Runs a guest's program, prints its result and powers off. Its argument is in the boot arguments
/// of its device tree, or else in `x1`.
///
/// # Safety
/// `x0` and `x1` are what whoever started the guest gave it: `x0` is 0 or the address of a device
/// tree that nobody changes.
pub unsafe fn run(program: fn(Argument) -> Verdict, x0: u64, x1: u64) -> ! {
    // SAFETY: promised by the caller.
    unsafe { devices::find(x0) };
    interrupts::enable();
    let argument = devices::platform().argument.unwrap_or(x1);
    match program(Argument::from_bits(argument)) {
        Ok(()) => println!("RESULT PASS"),
        Err(why) => println!("RESULT FAIL {why}"),
    }
    power_off()
}

/// PSCI `SYSTEM_OFF`.
pub fn power_off() -> ! {
    let _ = smccc::psci::system_off::<Hvc>();
    halt()
}

/// PSCI `SYSTEM_RESET`.
pub fn reset() -> ! {
    let _ = smccc::psci::system_reset::<Hvc>();
    halt()
}

fn halt() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// What the guests do with exceptions: interrupts are counted, all else is the end.
pub struct Exceptions;

impl ExceptionHandlers for Exceptions {
    extern "C" fn sync_current(mut state: RegisterStateRef<'_>) {
        let (syndrome, address) = cpu::fault();
        if cpu::is_expected(syndrome) {
            // SAFETY: who expects this expects the instruction to do nothing.
            unsafe { state.get_mut().elr += 4 };
            return;
        }
        let location = state.elr;
        println!("RESULT FAIL exception {syndrome:#x} at {location:#x}, address {address:#x}");
        power_off()
    }

    extern "C" fn irq_current(_: RegisterStateRef<'_>) {
        interrupts::handle();
    }

    extern "C" fn serror_current(state: RegisterStateRef<'_>) {
        let location = state.elr;
        println!("RESULT FAIL system error at {location:#x}");
        power_off()
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    println!("{info}");
    println!("RESULT FAIL panic");
    power_off()
}
