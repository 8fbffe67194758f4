//! The SMCCC and PSCI calls that a guest makes (DEN0028, DEN0022): registers in, a typed request
//! out.
//!
//! Who carries a request out, and on which vCPU, is the hypervisor's business; what a number means
//! is decided here.

/// The version that `PSCI_VERSION` answers: 1.1.
pub const VERSION: u64 = 0x1_0001;
/// The version that `SMCCC_VERSION` answers: 1.2, which FF-A drivers insist on.
pub const SMCCC_VERSION: u64 = 0x1_0002;

/// A call of the standard service or the architecture range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// Asks for [`VERSION`].
    Version,
    /// Asks for [`SMCCC_VERSION`].
    SmcccVersion,
    /// Is this function there? See [`is_implemented`].
    Features(u32),
    /// Waits for an interrupt; power states are all the same here.
    CpuSuspend,
    /// Turns the calling vCPU off.
    CpuOff,
    /// Turns the vCPU with the MPIDR `target` on, at `entry`, with `context` in x0.
    CpuOn {
        /// MPIDR affinity of the vCPU.
        target: u64,
        /// Guest physical address of its first instruction.
        entry: u64,
        /// What it finds in x0.
        context: u64,
    },
    /// Is the vCPU with this MPIDR on?
    AffinityInfo {
        /// MPIDR affinity of the vCPU.
        target: u64,
        /// Lowest affinity level that counts; only 0 is supported.
        level: u64,
    },
    /// Turns the VM off.
    SystemOff,
    /// Starts the VM afresh.
    SystemReset,
    /// Nothing that is known here.
    Unknown,
}

/// What a PSCI call answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Done.
    Success,
    /// No such call.
    NotSupported,
    /// An argument makes no sense, for example an MPIDR that no vCPU has.
    InvalidParameters,
    /// The vCPU is on.
    AlreadyOn,
    /// Another `CPU_ON` for the vCPU is under way.
    OnPending,
    /// The entry point is not in the VM's memory.
    InvalidAddress,
}

impl Status {
    /// The value of x0: negative, and sign-extended to 64 bits.
    #[must_use]
    pub const fn code(self) -> u64 {
        let code: i64 = match self {
            Self::Success => 0,
            Self::NotSupported => -1,
            Self::InvalidParameters => -2,
            Self::AlreadyOn => -4,
            Self::OnPending => -5,
            Self::InvalidAddress => -9,
        };
        code.cast_unsigned()
    }
}

const SMC64: u32 = 1 << 30;

const FN_SMCCC_VERSION: u32 = 0x8000_0000;
const FN_VERSION: u32 = 0x8400_0000;
const FN_CPU_SUSPEND: u32 = 0x8400_0001;
const FN_CPU_OFF: u32 = 0x8400_0002;
const FN_CPU_ON: u32 = 0x8400_0003;
const FN_AFFINITY_INFO: u32 = 0x8400_0004;
const FN_SYSTEM_OFF: u32 = 0x8400_0008;
const FN_SYSTEM_RESET: u32 = 0x8400_0009;
const FN_FEATURES: u32 = 0x8400_000A;

/// Says what the registers ask for.
#[must_use]
pub fn decode(x: [u64; 4]) -> Request {
    let function = word(x[0]);
    let wide = |value| if function & SMC64 == 0 { u64::from(word(value)) } else { value };
    match function {
        FN_SMCCC_VERSION => Request::SmcccVersion,
        FN_VERSION => Request::Version,
        FN_FEATURES => Request::Features(word(x[1])),
        FN_CPU_OFF => Request::CpuOff,
        FN_SYSTEM_OFF => Request::SystemOff,
        FN_SYSTEM_RESET => Request::SystemReset,
        _ => match function & !SMC64 {
            FN_CPU_SUSPEND => Request::CpuSuspend,
            FN_CPU_ON => {
                Request::CpuOn { target: wide(x[1]), entry: wide(x[2]), context: wide(x[3]) }
            }
            FN_AFFINITY_INFO => Request::AffinityInfo { target: wide(x[1]), level: wide(x[2]) },
            _ => Request::Unknown,
        },
    }
}

/// What `PSCI_FEATURES` says about a function: no function has optional features here.
#[must_use]
pub fn is_implemented(function: u32) -> bool {
    decode([u64::from(function), 0, 0, 0]) != Request::Unknown
}

/// The vCPU that an MPIDR names: all of a VM's vCPUs sit in one cluster.
///
/// `None` if the VM has no such vCPU.
#[must_use]
pub fn vcpu_of(mpidr: u64, vcpus: u16) -> Option<u16> {
    u16::try_from(mpidr).ok().filter(|index| *index < vcpus)
}

#[expect(clippy::cast_possible_truncation, reason = "SMC32 arguments are W registers")]
const fn word(x: u64) -> u32 {
    x as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_widths_of_cpu_on_are_known() {
        let expected = Request::CpuOn { target: 1, entry: 0x4020_0000, context: 7 };
        assert_eq!(decode([0xC400_0003, 1, 0x4020_0000, 7]), expected);
        assert_eq!(decode([0x8400_0003, 0xF_0000_0001, 0x4020_0000, 7 | 1 << 40]), expected);
    }

    #[test]
    fn the_upper_half_of_x0_is_ignored() {
        assert_eq!(decode([0xFFFF_FFFF_8400_0000, 0, 0, 0]), Request::Version);
    }

    #[test]
    fn calls_without_a_64_bit_form_have_none() {
        for function in [0xC000_0000, 0xC400_0000, 0xC400_0002, 0xC400_0008, 0xC400_000A] {
            assert_eq!(decode([function, 0, 0, 0]), Request::Unknown, "{function:#x}");
        }
    }

    #[test]
    fn features_tell_the_truth() {
        assert!(is_implemented(0x8000_0000));
        assert!(is_implemented(0xC400_0003));
        assert!(!is_implemented(0x8400_0012));
        assert!(!is_implemented(0x8400_0050));
    }

    #[test]
    fn statuses_are_64_bit_negatives() {
        assert_eq!(Status::NotSupported.code(), u64::MAX);
        assert_eq!(Status::Success.code(), 0);
    }

    #[test]
    fn only_the_vms_own_vcpus_have_an_mpidr() {
        assert_eq!(vcpu_of(3, 4), Some(3));
        assert_eq!(vcpu_of(4, 4), None);
        assert_eq!(vcpu_of(0x100, 4), None);
        assert_eq!(vcpu_of(u64::MAX, 4), None);
    }
}
