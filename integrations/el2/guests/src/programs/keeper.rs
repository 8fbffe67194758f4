//! Stays until all other permanent VMs have left: a partition that the others' lists always have.

use ffa_abi::Version;

use super::turns::Turns;
use crate::argument::Argument;
use crate::machine::Verdict;
use crate::println;

/// The program.
///
/// # Errors
/// That the others did not come or did not leave in time, or that a list was wrong.
pub fn main(argument: Argument) -> Verdict {
    let mut turns = Turns::join(argument, Version::V1_2).map_err(|error| {
        println!("joining: {error}");
        "cannot join"
    })?;
    let own = turns.own().0;
    turns.wait_for_all()?;
    turns.wait_until_gone((1..=u16::from(argument.permanent)).filter(|id| *id != own))
}
