//! `ICC_SGI1R_EL1`: to whom a vCPU sends a software-generated interrupt.
//!
//! ```text
//! 63   56 55  48 47 44 43 41  40 39  32 31 28 27  24 23  16 15          0
//! | RES0 | Aff3 | RS  | RES0|IRM| Aff2 | RES0|INTID | Aff1 | target list |
//! ```

const ALL_BUT_SELF: u64 = 1 << 40;
const TARGETS: u64 = 0xFFFF;
/// Aff3, RS, Aff2, Aff1: all 0 in the affinity of every vCPU.
const ELSEWHERE: u64 = 0x00FF_F0FF_00FF_0000;

#[derive(Clone, Copy)]
pub(super) struct Request(u64);

impl From<u64> for Request {
    fn from(value: u64) -> Self {
        Self(value)
    }
}

impl Request {
    pub(super) fn intid(self) -> u32 {
        u32::from(self.0.to_le_bytes()[3] & 0xF)
    }

    pub(super) fn reaches(self, from: usize, vcpu: usize) -> bool {
        if self.0 & ALL_BUT_SELF != 0 {
            return vcpu != from;
        }
        self.0 & ELSEWHERE == 0 && (self.0 & TARGETS) >> vcpu & 1 != 0
    }
}
