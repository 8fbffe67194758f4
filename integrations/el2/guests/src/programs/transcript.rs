//! Prints a transcript of its version, while nobody comes or goes: when all permanent VMs are
//! there, and those before it, but for the first, which stays, have left.

use super::turns::Turns;
use crate::argument::Argument;
use crate::machine::Verdict;
use crate::println;
use crate::transcript::Transcript;

/// The VM that stays.
const KEEPER: u16 = 1;

/// The program.
///
/// # Errors
/// That its turn did not come. What is in the transcript is never one.
pub fn main(argument: Argument) -> Verdict {
    let print = |line: &str| println!("{line}");
    let mut transcript = Transcript::new(argument.conduit, argument.version(), print);
    transcript.open();
    wait_for_turn(argument)?;
    transcript.go_on();
    Ok(())
}

/// The version is fixed already: to ask for it again changes nothing.
fn wait_for_turn(argument: Argument) -> Verdict {
    let mut turns = Turns::join(argument, argument.version()).map_err(|error| {
        println!("joining: {error}");
        "cannot join"
    })?;
    let own = turns.own().0;
    turns.wait_for_all()?;
    turns.wait_until_gone(KEEPER + 1..own)?;
    turns.leave_buffers().map_err(|_| "cannot unmap")
}
