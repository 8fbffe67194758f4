//! Interrupts of one vCPU.

use arm_gic::IntId;

use super::ensure;
use crate::machine::{Verdict, cpu, interrupts, time};

const TICKS: u32 = 20;
/// Microseconds.
const PERIOD: u64 = 1_000;
/// The longest that anything here may take: the machine may be busy with others.
const PATIENCE: u64 = 60_000_000;

pub(super) fn timer() -> Verdict {
    let taken = || interrupts::taken(cpu::index(), interrupts::TIMER);
    let (first, start) = (taken(), time::now());
    for tick in 1..=TICKS {
        let early = time::now() + PERIOD;
        time::start(PERIOD);
        ensure(time::wait_until(PATIENCE, || taken() == first + tick), "a tick was lost")?;
        ensure(time::now() >= early, "a tick came early")?;
    }
    // Now with nothing else that could end the sleep.
    let before = taken();
    time::start(PERIOD);
    while taken() == before {
        interrupts::wait();
    }
    time::sleep(5 * PERIOD);
    ensure(time::now() - start >= u64::from(TICKS + 6) * PERIOD, "sleep is too short")
}

pub(super) fn sgi_to_itself() -> Verdict {
    let own = cpu::index();
    for sgi in 0..16 {
        let taken = interrupts::taken(own, IntId::sgi(sgi));
        interrupts::send_sgi(sgi, 1 << own);
        let arrived = || interrupts::taken(own, IntId::sgi(sgi)) == taken + 1;
        ensure(time::wait_until(PATIENCE, arrived), "it did not arrive")?;
    }
    Ok(())
}

/// Nothing is taken while masked, everything later, several of one kind as one. More interrupts
/// than a virtual CPU interface has list registers.
pub(super) fn masked() -> Verdict {
    let own = cpu::index();
    let taken = || (0..16).map(|sgi| interrupts::taken(own, IntId::sgi(sgi))).sum::<u32>();
    let before = taken();
    for sgi in (0..16).chain(0..16) {
        interrupts::send_sgi(sgi, 1 << own);
    }
    ensure(taken() == before, "a masked interrupt was taken")?;
    ensure(time::wait_until(PATIENCE, || taken() >= before + 16), "one was lost")?;
    time::sleep(PERIOD);
    ensure(taken() == before + 16, "one came twice")
}
