//! `FFA_VERSION`.

use core::fmt;

use crate::call::{DecodeError, Request, call_regs};
use crate::function::FunctionId;
use crate::regs::Regs;
use crate::reply::{CallError, Reply, ReplyError};
use crate::version::Version;

/// `FFA_VERSION`: w1 the version that the caller asks for, w2 flags (1.3), both as they stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GetVersion {
    /// w1. Bit 31 must be zero; [`GetVersion::version`] checks it.
    pub w1: u32,
    /// w2 (1.3): \[1:0\] 0 to agree on the version, 1 to ask whether it would do, 2 to ask which one was
    /// agreed on; \[31:2\] must be zero, which is for the callee to check. Before 1.3 it is ignored, and
    /// zero when decoded.
    pub flags: u32,
}

/// w0 after the call: a version, or `NOT_SUPPORTED` as a 64-bit -1 (Linux compares all 64 bits).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VersionReply {
    /// The callee's version.
    Supported(Version),
    /// No compatible version.
    NotSupported,
}

impl GetVersion {
    /// Asks for `version`.
    #[must_use]
    pub const fn new(version: Version) -> GetVersion {
        GetVersion { w1: version.bits(), flags: 0 }
    }

    /// The version asked for; `None` with bit 31 set.
    #[must_use]
    pub const fn version(&self) -> Option<Version> {
        Version::from_bits(self.w1)
    }
}

impl Request for GetVersion {
    type Reply = VersionReply;

    fn encode(&self) -> Regs {
        call_regs(FunctionId::VERSION, [self.w1.into(), self.flags.into()])
    }

    #[inline(always)]
    fn decode(_: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        let flags = if version < Version::V1_3 { 0 } else { regs.w(2) };
        Ok(GetVersion { w1: regs.w(1), flags })
    }
}

impl Reply for VersionReply {
    fn write(&self, regs: &mut Regs) {
        regs.clear_basic();
        match self {
            VersionReply::Supported(version) => regs.set(0, version.bits()),
            VersionReply::NotSupported => regs.set(0, u64::MAX),
        }
    }

    fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
        match Version::from_bits(regs.w(0)) {
            Some(version) if version.parts().major == 0 => {
                Err(CallError::Reply(ReplyError::OutOfRange("version")))
            }
            Some(version) => Ok(VersionReply::Supported(version)),
            None if regs.w(0) == u32::MAX => Ok(VersionReply::NotSupported),
            None => Err(CallError::Reply(ReplyError::UnexpectedFunction(regs.w(0)))),
        }
    }
}

impl fmt::Display for GetVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version() {
            Some(version) => write!(f, "FFA_VERSION {version}"),
            None => write!(f, "FFA_VERSION w1={:#x}", self.w1),
        }?;
        if self.flags == 0 { Ok(()) } else { write!(f, " flags={:#x}", self.flags) }
    }
}

impl fmt::Display for VersionReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VersionReply::Supported(version) => write!(f, "{version}"),
            VersionReply::NotSupported => f.write_str("NOT_SUPPORTED"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;

    #[test]
    fn a_recorded_call_decodes() {
        // Linux 6.12: 84000063 w1=0x10001 -> 0x10001.
        let regs = call_regs(FunctionId::VERSION, [0x10001]);
        let call = GetVersion::new(Version::V1_1);
        assert_eq!(Call::decode(&regs, Version::V1_0), Ok(Call::Version(call)));
        assert_eq!(call.encode(), regs);
    }

    #[test]
    fn flags_are_those_of_1_3() {
        let regs = call_regs(FunctionId::VERSION, [0x10003, 2]);
        let call = GetVersion { w1: 0x10003, flags: 2 };
        assert_eq!(Call::decode(&regs, Version::V1_3), Ok(Call::Version(call)));
        assert_eq!(call.encode(), regs);
        let before = Call::Version(GetVersion::new(Version::V1_3));
        for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
            assert_eq!(Call::decode(&regs, version), Ok(before));
        }
    }

    #[test]
    fn not_supported_is_minus_one_in_64_bits() {
        let mut regs = Regs([5; 18]);
        VersionReply::NotSupported.write(&mut regs);
        assert_eq!(regs.0[..8], [u64::MAX, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(regs.0[8..], [5; 10]);
        assert_eq!(VersionReply::read(&regs, Version::V1_2), Ok(VersionReply::NotSupported));
    }

    #[test]
    fn an_error_code_other_than_minus_one_is_no_version() {
        let mut regs = Regs::ZERO;
        regs.set(0, 0x8000_0000_u32);
        assert!(VersionReply::read(&regs, Version::V1_2).is_err());
    }
}
