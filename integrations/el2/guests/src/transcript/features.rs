//! Which calls and features there are: by `FFA_FEATURES`, and by calling.

use ffa_abi::{FUNCTIONS, FunctionId};

use super::Transcript;
use crate::client::Machine;

/// Feature ids: 1 to 3 are defined.
const FEATURES: core::ops::RangeInclusive<u64> = 0..=8;

impl<M: Machine, P: FnMut(&str)> Transcript<M, P> {
    pub(super) fn features(&mut self) {
        self.heading("FFA_FEATURES of every function");
        for function in FUNCTIONS {
            self.call(FunctionId::FEATURES, [function.id.bits().into()]);
        }
        self.heading("FFA_FEATURES of features, then of what is neither");
        for feature in FEATURES {
            self.call(FunctionId::FEATURES, [feature]);
        }
        for id in [0x8000_0001, 0x8400_0001, 0x8400_005F, 0x8400_00F0, 0x0400_0063, 0x7FFF_FFFF] {
            self.call(FunctionId::FEATURES, [id]);
        }
        self.heading("FFA_FEATURES with input properties, and upper halves set");
        for properties in [1, 2, 0xFFFF_FFFF] {
            self.call(FunctionId::FEATURES, [FunctionId::RXTX_MAP_64.bits().into(), properties]);
            self.call(FunctionId::FEATURES, [FunctionId::VERSION.bits().into(), properties]);
        }
        self.call(FunctionId::FEATURES, [0xDEAD_BEEF_8400_0069, 0xDEAD_BEEF_0000_0000]);
        self.call_marked(FunctionId::FEATURES, [FunctionId::RXTX_MAP_64.bits().into()]);
    }

    /// Shows which are served at all: no call that is served does anything without arguments.
    pub(super) fn functions_without_arguments(&mut self) {
        self.heading("every function, without arguments");
        for function in FUNCTIONS {
            self.call(function.id, []);
        }
    }
}
