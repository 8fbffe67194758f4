//! Prints a line.

use crate::argument::Argument;
use crate::machine::{Verdict, cpu};
use crate::println;

/// The program.
///
/// # Errors
/// None.
pub fn main(argument: Argument) -> Verdict {
    println!("hello from vCPU {}, argument {:#x}", cpu::index(), argument.bits());
    Ok(())
}
