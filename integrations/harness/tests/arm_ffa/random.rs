//! Registers and bytes to try, repeatable.

use fastrand::Rng;
use ffa_abi::{FUNCTIONS, Regs, Version};

pub(crate) const VERSIONS: [Version; 4] =
    [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3];

pub(crate) fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

/// Zero, something that means something somewhere, or anything.
pub(crate) fn value(rng: &mut Rng) -> u64 {
    match rng.u8(..12) {
        0..4 => 0,
        4 => rng.u64(..8),
        5 => rng.u64(..64),
        6 => 1 << rng.u32(..64),
        // A negative code.
        7 => u64::from(u32::MAX - rng.u32(..12)),
        // A framework message.
        8 => 0x8000_0000 | rng.u64(..12),
        9 => FUNCTIONS[rng.usize(..FUNCTIONS.len())].id.bits().into(),
        10 => pick(rng, &VERSIONS).bits().into(),
        _ => rng.u64(..),
    }
}

/// A call of any id, with many, some or few of its registers zero.
pub(crate) fn regs(rng: &mut Rng) -> Regs {
    let density = pick(rng, &[1, 4, 9]);
    let mut regs = Regs::ZERO;
    for index in 1..Regs::COUNT {
        if rng.u8(..10) < density {
            regs.set(index, value(rng));
        }
    }
    let id = if rng.u8(..32) == 0 {
        rng.u32(..)
    } else {
        FUNCTIONS[rng.usize(..FUNCTIONS.len())].id.bits()
    };
    if matches!(id & 0xffff, 0x6f | 0x70) && rng.u8(..3) == 0 {
        regs.set(2, 0x8000_0000 | rng.u64(..12));
    }
    let upper = if rng.u8(..8) == 0 { rng.u64(..) << 32 } else { 0 };
    regs.set(0, upper | u64::from(id));
    regs
}

/// Changes some bytes, now and then the length too.
pub(crate) fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.u8(..3) {
        let index = rng.usize(..bytes.len());
        bytes[index] = match rng.u8(..5) {
            0 => 0,
            1 => 0xff,
            2 => bytes[index].wrapping_add(1),
            3 => bytes[index] ^ 1 << rng.u8(..8),
            _ => rng.u8(..),
        };
    }
    match rng.u8(..16) {
        0 => bytes.truncate(rng.usize(1..=bytes.len())),
        1 => bytes.extend([0; 16]),
        _ => {}
    }
}
