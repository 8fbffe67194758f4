//! Random calls: any registers, and calls that are almost right.

use fastrand::Rng;
use ffa_abi::{FUNCTIONS, Regs, Width};

use crate::vcpu::{RX, TX};

/// Values at which checks tend to change their mind.
const EDGES: [u64; 21] = [
    0,
    1,
    2,
    5,
    0x3f,
    0x40,
    0x7fff,
    0x8000,
    0xfffb,
    0xfffc,
    0xffff,
    0x1_0000,
    0x1_0001,
    0x1_0002,
    0x1_0003,
    0x8001_0001,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_f000,
    0xffff_ffff_ffff_f000,
    u64::MAX,
];

/// What a guest may put into its registers, on purpose or not.
#[must_use]
pub fn registers(rng: &mut Rng) -> Regs {
    match rng.u8(0..10) {
        0 => anything(rng),
        1..4 => any_arguments(rng),
        _ => {
            let mut regs = likely_call(rng);
            if rng.u8(0..4) == 0 {
                mutate(rng, &mut regs);
            }
            regs
        }
    }
}

/// A width: most guests are 64-bit ones.
#[must_use]
pub fn width(rng: &mut Rng) -> Width {
    if rng.u8(0..8) == 0 { Width::Bits32 } else { Width::Bits64 }
}

fn anything(rng: &mut Rng) -> Regs {
    Regs(std::array::from_fn(|_| value(rng)))
}

/// Any call of the table, with any arguments.
fn any_arguments(rng: &mut Rng) -> Regs {
    let mut regs = anything(rng);
    regs.set(0, FUNCTIONS[rng.usize(0..FUNCTIONS.len())].id.bits());
    regs
}

/// A call that a well-behaved guest might make.
fn likely_call(rng: &mut Rng) -> Regs {
    let version = 0x1_0000 + rng.u64(0..4);
    let pages = rng.u64(0..20);
    let own = rng.u64(0..8);
    let (tx, rx) = (address(rng, TX), address(rng, RX));
    let registers: &[u64] = match rng.u8(0..11) {
        0 => &[0x8400_0063, version],
        1 => &[0x8400_0064, FUNCTIONS[rng.usize(0..FUNCTIONS.len())].id.bits().into()],
        2 => &[0x8400_0069],
        3 | 4 => &[0x8400_0065, if rng.bool() { 0 } else { own }],
        5 => &[0xc400_0066, tx, rx, pages],
        6 => &[0x8400_0067, if rng.bool() { 0 } else { own << 16 }],
        7 | 8 => &[0x8400_0068],
        9 => &[0x8400_0068, 0, 0, 0, 0, 1],
        _ => &[0xc400_008b, 0, 0, rng.u64(0..8) | rng.u64(0..64) << 16],
    };
    let mut regs = Regs::ZERO;
    for (index, register) in registers.iter().enumerate() {
        regs.set(index, *register);
    }
    regs
}

/// `usual`, or now and then a page that no check may take.
fn address(rng: &mut Rng, usual: u64) -> u64 {
    if rng.u8(0..8) == 0 { EDGES[rng.usize(0..EDGES.len())] & !0xfff } else { usual }
}

fn mutate(rng: &mut Rng, regs: &mut Regs) {
    for _ in 0..rng.u8(1..4) {
        let index = rng.usize(0..Regs::COUNT);
        let value = if rng.bool() { value(rng) } else { regs.x(index) ^ 1 << rng.u8(0..64) };
        regs.set(index, value);
    }
}

fn value(rng: &mut Rng) -> u64 {
    match rng.u8(0..3) {
        0 => EDGES[rng.usize(0..EDGES.len())],
        1 => u64::from(rng.u32(..)),
        _ => rng.u64(..),
    }
}
