//! What a VM may rely on: PSCI, the calling convention, interrupts, time, and registers that
//! nobody else changes.

mod calls;
mod interrupts;
mod registers;
mod vcpus;

use crate::argument::{Argument, Conduit};
use crate::machine::Verdict;
use crate::println;

type Test = (&'static str, fn() -> Verdict);

const TESTS: &[Test] = &[
    ("psci over hvc", || calls::psci(Conduit::Hvc)),
    ("psci over smc", || calls::psci(Conduit::Smc)),
    ("unknown calls over hvc", || calls::unknown(Conduit::Hvc)),
    ("unknown calls over smc", || calls::unknown(Conduit::Smc)),
    ("ff-a over hvc", || calls::ffa(Conduit::Hvc)),
    ("ff-a over smc", || calls::ffa(Conduit::Smc)),
    ("timer interrupts", interrupts::timer),
    ("sgi to itself", interrupts::sgi_to_itself),
    ("masked interrupts wait", interrupts::masked),
    ("vcpus on and off", vcpus::on_and_off),
    ("cpu_on errors", vcpus::on_errors),
    ("sgis between vcpus", vcpus::sgis),
    ("an sgi wakes a sleeper", vcpus::wake),
    ("time is the same everywhere", vcpus::time),
    ("what traps is undefined", registers::undefined),
    ("registers are kept", registers::kept),
];

/// The program.
///
/// # Errors
/// The last test that failed.
pub fn main(_: Argument) -> Verdict {
    let mut verdict = Ok(());
    for (name, test) in TESTS {
        match test() {
            Ok(()) => println!("PASS {name}"),
            Err(why) => {
                println!("FAIL {name}: {why}");
                verdict = Err(*name);
            }
        }
    }
    verdict
}

/// Fails with `why` unless the condition holds.
fn ensure(condition: bool, why: &'static str) -> Verdict {
    if condition { Ok(()) } else { Err(why) }
}
