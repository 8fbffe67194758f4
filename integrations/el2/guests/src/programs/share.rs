//! Measures its share of the CPU that it runs on, beside others that sleep nearly all the time.

use crate::argument::Argument;
use crate::machine::{Verdict, time};
use crate::println;

/// Microseconds until all others are at it.
const HEAD_START: u64 = 50_000;
/// Microseconds that are measured.
const DURATION: u64 = 200_000;
/// More microseconds than this between two looks at the clock mean that somebody else ran.
const AWAY: u64 = 1;
/// In percent. With fair slices it is nearly all: the others sleep.
const FAIR: u64 = 50;

/// The program.
///
/// # Errors
/// That others took more than their share.
pub fn main(_: Argument) -> Verdict {
    time::sleep(HEAD_START);
    let start = time::now();
    let (mut now, mut away) = (start, 0);
    while now < start + DURATION {
        let last = now;
        now = time::now();
        if now - last > AWAY {
            away += now - last;
        }
    }
    let share = 100 - (100 * away / (now - start)).min(100);
    println!("share of the CPU: {share}%");
    if share >= FAIR { Ok(()) } else { Err("others took more than their share") }
}
