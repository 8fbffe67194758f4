//! Ids that are nobody's, and registers that hold what they should not.

use ffa_abi::{FunctionId, Regs};

use super::{Transcript, registers};
use crate::client::Machine;

/// In the range of FF-A, and no function.
const UNKNOWN: [u64; 8] = [
    0x8400_00EF,
    0xC400_00EF,
    0xC400_0063,
    0xC400_0064,
    0xC400_0065,
    0xC400_0068,
    0xC400_0069,
    0x8400_008B,
];

/// Calls of every owner that nobody serves.
const FOREIGN: [u64; 14] = [
    // Arm architecture, TRNG, no PSCI function.
    0x8000_0FFF,
    0x8400_0050,
    0x8400_001F,
    // FF-A with a reserved bit, with the SVE hint, beside its range, and as a yielding call.
    0x8402_0063,
    0x8401_0063,
    0x8400_005F,
    0x8400_00F0,
    0x8400_0163,
    0x0400_0063,
    // CPU service, SiP, OEM, a trusted application, a trusted OS.
    0x8100_0000,
    0xC200_0001,
    0xC300_0000,
    0xB000_0000,
    0xBF00_FF01,
];

const UPPER_HALF: u64 = 0xDEAD_BEEF << 32;

impl<M: Machine, P: FnMut(&str)> Transcript<M, P> {
    pub(super) fn refused(&mut self) {
        self.heading("ids of FF-A that are no function");
        for id in UNKNOWN {
            self.call_any(registers(id, []));
        }
        self.heading("ids that are not FF-A's");
        for id in FOREIGN {
            self.call_any(registers(id, [1, 2, 3, 4, 5, 6, 7, 8, 9]));
        }
        self.upper_halves();
        self.must_be_zero();
        self.heading("x8 to x17");
        self.call_marked(FunctionId::ID_GET, []);
        self.call_marked(FunctionId::RX_RELEASE, []);
        self.call_marked(FunctionId::MSG_SEND, []);
    }

    fn upper_halves(&mut self) {
        self.heading("upper halves of a 32-bit call");
        let version = UPPER_HALF | u64::from(self.version.bits());
        for function in [FunctionId::ID_GET, FunctionId::RX_RELEASE, FunctionId::VERSION] {
            self.call_any(registers(UPPER_HALF | u64::from(function.bits()), [version]));
        }
        self.call_any(Regs([UPPER_HALF | u64::from(FunctionId::ID_GET.bits()); Regs::COUNT]));
        self.call(FunctionId::ID_GET, [UPPER_HALF; 7]);
    }

    fn must_be_zero(&mut self) {
        self.heading("a register that should be zero");
        for index in 1..Regs::BASIC {
            let mut call = registers(FunctionId::ID_GET.bits().into(), []);
            call.set(index, 1_u64);
            self.call_any(call);
        }
    }
}
