//! Reads memory that is not its own. The hypervisor has to kill it: it must not get an answer.

use crate::argument::Argument;
use crate::machine::Verdict;
use crate::println;

/// Far above the memory of a guest with the default options, but RAM of the machine.
const ELSEWHERE: usize = 0x6000_0000;

/// The program; the argument is the address to read, 0 for one that the guest chooses.
///
/// # Errors
/// That it lived to tell.
pub fn main(argument: Argument) -> Verdict {
    let address = match argument.bits() {
        0 => ELSEWHERE,
        bits => usize::try_from(bits).unwrap_or(ELSEWHERE),
    };
    println!("reading {address:#x}");
    let place = core::ptr::without_provenance::<u32>(address & !3);
    // SAFETY: nothing of this program is there; either way the read is the test.
    let value = unsafe { place.read_volatile() };
    println!("it says {value:#x}");
    Err("it could read memory that is not its own")
}
