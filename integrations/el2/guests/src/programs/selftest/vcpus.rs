//! Several vCPUs. With one only, there is nothing to see here.

use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use arm_gic::IntId;
use smccc::{Hvc, psci};

use super::ensure;
use crate::machine::{Verdict, cpu, interrupts, time};

/// Microseconds that anything here may take: the machine may be busy with others.
const PATIENCE: u64 = 60_000_000;
/// How often all vCPUs exchange SGIs.
const EXCHANGES: u32 = 50;
const PING: u32 = 3;
const PONG: u32 = 5;

static STARTED: AtomicU32 = AtomicU32::new(0);
static ASLEEP: AtomicUsize = AtomicUsize::new(0);
static CLOCK: AtomicU64 = AtomicU64::new(0);

/// The vCPUs that are there besides this one.
pub(super) fn others() -> impl Iterator<Item = usize> {
    let exists = |vcpu: &usize| {
        psci::affinity_info::<Hvc>(*vcpu as u64, psci::LowestAffinityLevel::All).is_ok()
    };
    (1..cpu::MAX).filter(exists)
}

/// Runs `program` on all other vCPUs, `meanwhile` here, and waits until they are off.
pub(super) fn with_others(program: fn(), meanwhile: impl FnOnce() -> Verdict) -> Verdict {
    for vcpu in others() {
        cpu::start(vcpu, program).map_err(|_| "CPU_ON failed")?;
    }
    meanwhile()?;
    for vcpu in others() {
        ensure(time::wait_until(PATIENCE, || cpu::is_off(vcpu)), "a vCPU does not end")?;
    }
    Ok(())
}

pub(super) fn on_and_off() -> Verdict {
    for vcpu in others().chain(others()) {
        let before = STARTED.load(Ordering::SeqCst);
        ensure(cpu::is_off(vcpu), "it is on before CPU_ON")?;
        cpu::start(vcpu, || {
            STARTED.fetch_add(1, Ordering::SeqCst);
        })
        .map_err(|_| "CPU_ON failed")?;
        let started = || STARTED.load(Ordering::SeqCst) == before + 1;
        ensure(time::wait_until(PATIENCE, started), "it did not start")?;
        ensure(time::wait_until(PATIENCE, || cpu::is_off(vcpu)), "CPU_OFF did not work")?;
    }
    Ok(())
}

pub(super) fn on_errors() -> Verdict {
    let on = |target| psci::cpu_on::<Hvc>(target, 0x4020_0000, 0);
    ensure(on(0) == Err(psci::Error::AlreadyOn), "this vCPU is not on already")?;
    let nobody = [cpu::MAX as u64, 0x100, 1 << 32];
    let refused = nobody.into_iter().all(|id| on(id) == Err(psci::Error::InvalidParameters));
    ensure(refused, "a vCPU that does not exist was turned on")?;
    let misaligned = |vcpu| psci::cpu_on::<Hvc>(vcpu as u64, 0x4020_0002, 0);
    let refused = others().all(|vcpu| misaligned(vcpu) == Err(psci::Error::InvalidAddress));
    ensure(refused, "a vCPU was turned on between two instructions")
}

/// The first pings all, each pongs back, again and again. Nothing may be lost.
pub(super) fn sgis() -> Verdict {
    with_others(answer_pings, || {
        let pongs = || interrupts::taken(0, IntId::sgi(PONG));
        for _ in 0..EXCHANGES {
            for vcpu in others() {
                let before = pongs();
                interrupts::send_sgi(PING, 1 << vcpu);
                ensure(time::wait_until(PATIENCE, || pongs() == before + 1), "no pong")?;
            }
        }
        Ok(())
    })
}

fn answer_pings() {
    let own = cpu::index();
    let pings = || interrupts::taken(own, IntId::sgi(PING));
    for _ in 0..EXCHANGES {
        let before = pings();
        if !time::wait_until(PATIENCE, || pings() > before) {
            return;
        }
        interrupts::send_sgi(PONG, 1);
    }
}

pub(super) fn wake() -> Verdict {
    ASLEEP.store(0, Ordering::SeqCst);
    with_others(sleep_once, || {
        let all = others().count();
        let asleep = || ASLEEP.load(Ordering::SeqCst) == all;
        ensure(time::wait_until(PATIENCE, asleep), "a vCPU did not start")?;
        time::sleep(5_000);
        interrupts::send_sgi_to_others(PING);
        Ok(())
    })
}

/// Ends only when an interrupt has ended its sleep: it has no timer.
fn sleep_once() {
    ASLEEP.fetch_add(1, Ordering::SeqCst);
    interrupts::wait();
}

pub(super) fn time() -> Verdict {
    for vcpu in others() {
        let before = time::now();
        cpu::start(vcpu, || CLOCK.store(time::now(), Ordering::SeqCst))
            .map_err(|_| "CPU_ON failed")?;
        ensure(time::wait_until(PATIENCE, || cpu::is_off(vcpu)), "a vCPU does not end")?;
        let there = CLOCK.load(Ordering::SeqCst);
        ensure((before..=time::now()).contains(&there), "vCPUs disagree about the time")?;
    }
    Ok(())
}
