//! Calls that nobody should make, by the hundred thousand, from two vCPUs and by both conduits.
//! All it may get is errors, and afterwards everything must still work.

use core::sync::atomic::{AtomicU32, Ordering};

use ffa_abi::{
    CallError, Empty, EndpointId, FUNCTIONS, FunctionId, PartitionInfoFlags, PartitionInfoGet,
    Regs, Request, RxRelease, RxtxMap, RxtxUnmap, Status, Uuid, Version, Width,
};

use crate::argument::{Argument, Conduit};
use crate::client::{Client, Error};
use crate::machine::buffers::Shared;
use crate::machine::call::call;
use crate::machine::{Verdict, cpu, time};
use crate::println;
use crate::random::Random;

/// Hundreds of calls that each vCPU makes.
const ROUNDS: u16 = 500;
/// Microseconds for the other vCPU to end after this one.
const PATIENCE: u64 = 60_000_000;
/// Pages of [`ARENA`], half of them for TX and half for RX.
const ARENA_PAGES: usize = 32;
const PAGE: u64 = 4096;
/// Guest memory and all that could be: the gigabyte from here.
const MEMORY: core::ops::Range<u64> = 0x4000_0000..0x8000_0000;

/// What the hypervisor may write to when one of these calls maps it.
static ARENA: [Shared; ARENA_PAGES] = [const { Shared::new() }; ARENA_PAGES];
static CALLS: AtomicU32 = AtomicU32::new(0);

/// Addresses that are no memory of this guest: around it, emulated devices, and what wraps.
const FOREIGN: [u64; 9] = [
    0,
    0x0800_0000,
    0x0900_0000,
    0x3FFF_F000,
    0x6000_0000,
    0x80_0000_0000,
    0x1_0000_0000_0000,
    0x8000_0000_0000_0000,
    0xFFFF_FFFF_FFFF_F000,
];

/// The program. The argument's rounds are hundreds of calls.
///
/// # Errors
/// That something bad was accepted, or that nothing works afterwards.
pub fn main(argument: Argument) -> Verdict {
    let client = Client::negotiate(argument.conduit, Version::V1_2).map_err(|_| "no FF-A 1.2")?;
    let id = client.id().map_err(|_| "no id")?;
    foreign_pages_are_refused(&client)?;
    let rounds = if argument.rounds == 0 { ROUNDS } else { argument.rounds };
    CALLS.store(100 * u32::from(rounds), Ordering::SeqCst);
    disturb_from_two_vcpus()?;
    sane_afterwards(&client, id)
}

fn foreign_pages_are_refused(client: &Client<Conduit>) -> Verdict {
    let own = arena(0);
    for address in FOREIGN {
        for (tx, rx) in [(address, own), (own, address)] {
            refused(client, tx, rx, 1)?;
        }
    }
    refused(client, own, own, 1)?;
    refused(client, own + 1, own + PAGE, 1)?;
    refused(client, own, own + PAGE, 0)?;
    refused(client, own, own + PAGE, 2)?;
    refused(client, own, 0x7FFF_F000, 2)
}

fn refused(client: &Client<Conduit>, tx: u64, rx: u64, pages: u8) -> Verdict {
    let map = RxtxMap::new(Width::Bits64, tx, rx, pages).ok_or("too many pages for a call")?;
    let reply = client.request(&map);
    if is_refusal(reply) {
        return Ok(());
    }
    println!("tx={tx:#x} rx={rx:#x} pages={pages}: {reply:?}");
    Err("buffers that cannot be were not refused")
}

fn is_refusal(reply: Result<Empty, Error>) -> bool {
    let Err(Error::Call(CallError::Status(status))) = reply else { return false };
    [Status::INVALID_PARAMETERS, Status::DENIED, Status::NO_MEMORY].contains(&status)
}

fn disturb_from_two_vcpus() -> Verdict {
    // With one vCPU only there is nobody to race with.
    let raced = cpu::start(1, disturb).is_ok();
    disturb();
    if raced && !time::wait_until(PATIENCE, || cpu::is_off(1)) {
        return Err("the other vCPU does not end");
    }
    let calls = CALLS.load(Ordering::SeqCst);
    println!("{} calls made", if raced { 2 * calls } else { calls });
    Ok(())
}

fn disturb() {
    let mut random = Random::new(cpu::index() as u64 + 1);
    let mut last = Regs::ZERO;
    for _ in 0..CALLS.load(Ordering::SeqCst) {
        let conduit = random.pick(&[Conduit::Hvc, Conduit::Smc]);
        let regs = match random.below(4) {
            0 => buffer_call(&mut random),
            1 => mutation(&mut random, last),
            _ => any_call(&mut random),
        };
        let regs = tame(&mut random, regs);
        if !is_psci(&regs) {
            last = regs;
            let _ = call(conduit, regs);
        }
    }
}

/// What touches the buffers, so that two vCPUs do it at the same moment.
fn buffer_call(random: &mut Random) -> Regs {
    let uuid = Uuid::NIL;
    match random.below(5) {
        0 | 1 => {
            let (tx, rx) = (any_page(random), any_page(random));
            RxtxMap::one_page(tx, rx).encode()
        }
        2 => RxtxUnmap { endpoint: EndpointId(0) }.encode(),
        3 => RxRelease { endpoint: EndpointId(0) }.encode(),
        _ => PartitionInfoGet { uuid, flags: PartitionInfoFlags::empty() }.encode(),
    }
}

/// Any FF-A function, known or not, with arguments that are likely to mean something.
fn any_call(random: &mut Random) -> Regs {
    let mut regs = Regs(core::array::from_fn(|_| likely(random)));
    let known = usize::try_from(random.below(FUNCTIONS.len() as u64)).unwrap_or(0);
    let id = match random.below(8) {
        0 => random.next_u64(),
        1 => 0x8400_0060 | random.below(0x90) | random.pick(&[0, 1 << 30, 1 << 16, 1 << 63]),
        _ => FUNCTIONS.get(known).map_or(0, |function| u64::from(function.id.bits())),
    };
    regs.set(0, id);
    regs
}

fn likely(random: &mut Random) -> u64 {
    match random.below(5) {
        0 => random.next_u64(),
        1 => random.pick(&FOREIGN),
        2 => random.below(1 << 20),
        3 => any_page(random),
        _ => 0,
    }
}

/// The call before with one bit changed.
fn mutation(random: &mut Random, last: Regs) -> Regs {
    let mut regs = last;
    let index = usize::try_from(random.below(Regs::COUNT as u64)).unwrap_or(0);
    regs.set(index, regs.x(index) ^ 1 << random.below(64));
    regs
}

/// Buffers in memory are moved into the arena: what the hypervisor writes there hurts nobody.
fn tame(random: &mut Random, mut regs: Regs) -> Regs {
    let maps = [FunctionId::RXTX_MAP_32.bits(), FunctionId::RXTX_MAP_64.bits()];
    let low_half = |address: u64| MEMORY.contains(&(address & 0xFFFF_FFFF));
    if maps.contains(&regs.w(0)) && (low_half(regs.x(1)) || low_half(regs.x(2))) {
        let half = ARENA_PAGES as u64 / 2;
        let pages = random.below(half) + 1;
        regs.set(1, arena(random.below(half - pages + 1)));
        regs.set(2, arena(half + random.below(half - pages + 1)));
        regs.set(3, regs.x(3) & !0x3F | pages);
    }
    regs
}

/// Those would end this vCPU, or the VM, as they should.
fn is_psci(regs: &Regs) -> bool {
    regs.w(0) & 0x3F00_0000 == 0x0400_0000 && regs.half(0) < 0x20
}

fn sane_afterwards(client: &Client<Conduit>, id: EndpointId) -> Verdict {
    // Whatever state the buffers were left in.
    let _ = client.request(&RxRelease { endpoint: EndpointId(0) });
    let _ = client.unmap();
    client.map().map_err(|_| "buffers cannot be mapped afterwards")?;
    let list = client.list().map_err(|_| "cannot list afterwards")?;
    if !list.iter().any(|partition| partition.id() == id) {
        return Err("it is not in its own list afterwards");
    }
    client.unmap().map_err(|_| "buffers cannot be unmapped afterwards")
}

fn any_page(random: &mut Random) -> u64 {
    arena(random.below(ARENA_PAGES as u64))
}

fn arena(page: u64) -> u64 {
    ARENA[0].address() + page * PAGE
}
