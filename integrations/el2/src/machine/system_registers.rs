//! System registers that trap: what a guest reads there, and what its writes do.

use ffa_el2::trap::SystemRegister;

use super::cpu::Running;
use super::exits::{self, Next};
use super::sysreg;

/// The guest reads or writes a register that traps.
pub(super) fn access(running: &mut Running<'_>, access: SystemRegister) -> Next {
    if access.write && access.name == SystemRegister::ICC_SGI1R {
        let value = running.frame.register(access.register);
        let kick = running.vm.gic.lock().sgi(running.index.into(), value);
        running.vm.notify(kick);
    } else if let Some((crm, op2)) = access.identification() {
        running.frame.set_register(access.register, identification(crm, op2));
    } else if access.is_raz_wi() {
        if !access.write {
            running.frame.set_register(access.register, 0);
        }
    } else {
        return exits::undefined(running);
    }
    running.frame.skip_instruction();
    Next::Resume
}

/// An identification register without the features whose registers trap or read as zero.
fn identification(crm: u8, op2: u8) -> u64 {
    const fn nibble(lowest_bit: u32) -> u64 {
        0xF << lowest_bit
    }
    const SVE_MPAM_AMU: u64 = nibble(32) | nibble(40) | nibble(44);
    const MTE_MPAM_SME: u64 = nibble(8) | nibble(16) | nibble(24);
    const TRACE_PMU: u64 = nibble(4) | nibble(8);
    const PROFILING_TRACE_FILTER_BUFFER: u64 = nibble(32) | nibble(40) | nibble(44);
    const BRANCH_RECORDS: u64 = nibble(52);
    let hidden = match (crm, op2) {
        (4, 0) => SVE_MPAM_AMU,
        (4, 1) => MTE_MPAM_SME,
        (4, 4 | 5) => u64::MAX, // ID_AA64ZFR0_EL1 and ID_AA64SMFR0_EL1: details of SVE and SME
        (5, 0) => TRACE_PMU | PROFILING_TRACE_FILTER_BUFFER | BRANCH_RECORDS,
        _ => 0,
    };
    read_identification(crm, op2) & !hidden
}

/// op0 3, op1 0, `CRn` 0. `CRm` 1 to 7 can all be read: what is not allocated reads as zero.
fn read_identification(crm: u8, op2: u8) -> u64 {
    macro_rules! read {
        ($($crm:literal)*) => {
            match (crm, op2) {
                $(
                    ($crm, 0) => sysreg::read!("s3_0_c0_c", $crm, "_0"),
                    ($crm, 1) => sysreg::read!("s3_0_c0_c", $crm, "_1"),
                    ($crm, 2) => sysreg::read!("s3_0_c0_c", $crm, "_2"),
                    ($crm, 3) => sysreg::read!("s3_0_c0_c", $crm, "_3"),
                    ($crm, 4) => sysreg::read!("s3_0_c0_c", $crm, "_4"),
                    ($crm, 5) => sysreg::read!("s3_0_c0_c", $crm, "_5"),
                    ($crm, 6) => sysreg::read!("s3_0_c0_c", $crm, "_6"),
                    ($crm, 7) => sysreg::read!("s3_0_c0_c", $crm, "_7"),
                )*
                _ => 0,
            }
        };
    }
    read!(1 2 3 4 5 6 7)
}
