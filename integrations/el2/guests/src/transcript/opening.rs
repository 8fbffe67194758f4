//! Before a version is fixed, and how it is.

use ffa_abi::FunctionId;

use super::Transcript;
use crate::client::Machine;

/// Calls that need a version.
const CALLS: [FunctionId; 9] = [
    FunctionId::FEATURES,
    FunctionId::ID_GET,
    FunctionId::SPM_ID_GET,
    FunctionId::RXTX_MAP_32,
    FunctionId::RXTX_MAP_64,
    FunctionId::RXTX_UNMAP,
    FunctionId::RX_RELEASE,
    FunctionId::PARTITION_INFO_GET,
    FunctionId::PARTITION_INFO_GET_REGS,
];

/// 1.0 to 1.2, then what is later, of another major version, older, or none.
const VERSIONS: [u64; 9] = [
    0x1_0000,
    0x1_0001,
    0x1_0002,
    0x1_0009,
    0x2_0000,
    0x0_0009,
    0x8001_0000,
    0x8000_0000,
    0xFFFF_FFFF,
];

impl<M: Machine, P: FnMut(&str)> Transcript<M, P> {
    pub(super) fn without_version(&mut self) {
        self.heading("without a version");
        for function in CALLS {
            self.call(function, []);
        }
        let (tx, rx) = (self.machine.tx(), self.machine.rx());
        self.call(FunctionId::RXTX_MAP_64, [tx, rx, 1]);
        self.call(FunctionId::FEATURES, [FunctionId::VERSION.bits().into()]);
        self.call_marked(FunctionId::ID_GET, []);
    }

    /// Ends with the version of this transcript, and the call that fixes it.
    pub(super) fn negotiation(&mut self) {
        self.heading("negotiation");
        self.ask_versions();
        self.call(FunctionId::VERSION, [self.version.bits().into()]);
        self.call(FunctionId::ID_GET, []);
    }

    pub(super) fn fixed_version(&mut self) {
        self.heading("the version is fixed");
        self.ask_versions();
        self.call_marked(FunctionId::VERSION, [self.version.bits().into()]);
    }

    fn ask_versions(&mut self) {
        for version in VERSIONS {
            self.call(FunctionId::VERSION, [version]);
        }
    }
}
