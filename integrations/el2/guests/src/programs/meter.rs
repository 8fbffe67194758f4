//! Measures what calls cost the caller, the trap and all else included, when as many VMs as the
//! argument says are there.
//!
//! With `-icount shift=0` QEMU's virtual time is the number of instructions, and a nanosecond is one
//! of them: what is printed then is the same in every run. The least of many samples is what a call
//! takes when nothing else happens.

use ffa_abi::{
    EndpointId, IdGet, PartitionInfoFlags, PartitionInfoGet, PartitionInfoGetRegs, Regs, Request,
    RxRelease, Uuid,
};

use crate::argument::Argument;
use crate::client::{Client, Machine};
use crate::machine::{Verdict, call::call, time};
use crate::println;

/// How often each call is measured, and how often it is made each time.
const SAMPLES: u32 = 100;
const ROUNDS: u64 = 16;
/// Microseconds between two looks for the other VMs.
const PAUSE: u64 = 2_000;
/// Microseconds that the others may take to come.
const PATIENCE: u64 = 60_000_000;

/// A call that traps and that no mediator sees.
const PSCI_VERSION: u64 = 0x8400_0000;

/// The program.
///
/// # Errors
/// That a call was refused, or the others did not come.
pub fn main(argument: Argument) -> Verdict {
    let client = Client::negotiate(argument.conduit, argument.version());
    let client = client.map_err(|_| "no common version")?;
    client.map().map_err(|_| "cannot map")?;
    wait_for(&client, argument.permanent.into())?;
    let count = PartitionInfoGet { uuid: Uuid::NIL, flags: PartitionInfoFlags::COUNT_ONLY };
    let list = PartitionInfoGet { uuid: Uuid::NIL, flags: PartitionInfoFlags::empty() };
    let registers = PartitionInfoGetRegs { uuid: Uuid::NIL, start: 0, tag: 0 };
    let release = RxRelease { endpoint: EndpointId(0) };
    let mut trap = Regs::ZERO;
    trap.set(0, PSCI_VERSION);
    let meter = |name, calls: &[Regs]| println!("METER {name} {} ns", least(argument, calls));
    meter("nothing", &[]);
    meter("PSCI_VERSION", &[trap]);
    meter("ID_GET", &[IdGet.encode()]);
    meter("count", &[count.encode()]);
    meter("list+RX_RELEASE", &[list.encode(), release.encode()]);
    meter("GET_REGS", &[registers.encode()]);
    // Had one of them failed, so would this.
    client.list().map(|_| ()).map_err(|_| "a call that was measured failed")
}

fn wait_for<M: Machine>(client: &Client<M>, vms: usize) -> Verdict {
    let end = time::now().saturating_add(PATIENCE);
    while client.list().map_err(|_| "cannot list")?.len() < vms {
        if time::now() > end {
            return Err("other VMs are missing");
        }
        time::sleep(PAUSE);
    }
    Ok(())
}

/// The shortest time that the calls took, one after the other, in nanoseconds. The counter may have
/// steps of some nanoseconds: a sample has several rounds.
fn least(argument: Argument, calls: &[Regs]) -> u64 {
    let sample = || {
        let before = time::nanoseconds();
        for _ in 0..ROUNDS {
            for regs in calls {
                // The reply is looked at once, at the end.
                let _ = call(argument.conduit, *regs);
            }
        }
        time::nanoseconds() - before
    };
    (0..SAMPLES).map(|_| sample()).min().unwrap_or(0) / ROUNDS
}
