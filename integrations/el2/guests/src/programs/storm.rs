//! Timers that fire every few microseconds, on every vCPU, for a while: what a bad neighbour does
//! to have the CPU to itself. `share` is its victim.

use crate::argument::Argument;
use crate::machine::{Verdict, cpu, interrupts, time};

/// Microseconds that the storm takes.
const DURATION: u64 = 400_000;
/// Microseconds from one timer to the next. Longer than it takes to go to sleep, or it never would.
const PERIOD: u64 = 20;

/// The program.
///
/// # Errors
/// None.
pub fn main(_: Argument) -> Verdict {
    for vcpu in 1..cpu::MAX {
        // Those that do not exist cannot help.
        let _ = cpu::start(vcpu, storm);
    }
    storm();
    Ok(())
}

fn storm() {
    let end = time::now() + DURATION;
    while time::now() < end {
        time::start(PERIOD);
        interrupts::wait();
    }
}
