//! What a guest did to get to EL2: `ESR_EL2`, `FAR_EL2` and `HPFAR_EL2` in, one [`Trap`] out.

/// Why a guest's instruction was trapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trap {
    /// WFI (WFE is not trapped). The instruction was not executed: the PC is still on it.
    Wait,
    /// HVC with its immediate; the PC is past it.
    Hvc(u16),
    /// SMC with its immediate; the PC is still on it.
    Smc(u16),
    /// MSR or MRS of a trapped system register.
    SystemRegister(SystemRegister),
    /// A load or store outside stage 2, with all that is needed to emulate it.
    Access(Access),
    /// A stage-2 fault that cannot be emulated.
    Fault {
        /// Guest physical address.
        address: u64,
        /// An instruction fetch, not data.
        fetch: bool,
    },
    /// Anything else: what a guest cannot have.
    Other,
}

/// A trapped MSR or MRS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SystemRegister {
    /// op0, op1, `CRn`, `CRm`, op2: four bits each, op0 highest, as in
    /// [`SystemRegister::ICC_SGI1R`].
    pub name: u32,
    /// The general-purpose register; 31 is the zero register.
    pub register: u8,
    /// MSR, not MRS.
    pub write: bool,
}

impl SystemRegister {
    /// `ICC_SGI1R_EL1`: sends an SGI of group 1.
    pub const ICC_SGI1R: u32 = 0x30CB5;

    /// A register that traps because it is the machine's, and that a guest may still expect: it
    /// reads as zero and ignores writes. These are debug (op0 2), performance monitors, RAS error
    /// records and `LORegions`.
    #[must_use]
    pub fn is_raz_wi(&self) -> bool {
        const DEBUG: u32 = 0x2;
        match self.name >> 4 {
            0x3053..=0x3055 | 0x309E | 0x30A4 | 0x339C..=0x339E | 0x33E8..=0x33EF => true,
            name => name >> 12 == DEBUG,
        }
    }

    /// `CRm` and op2 of an identification register (`ID_*_EL1`, `MVFR*_EL1`), if it is one.
    #[must_use]
    pub fn identification(&self) -> Option<(u8, u8)> {
        let [.., crm_op2] = self.name.to_be_bytes();
        let group = self.name >> 8 == 0x300 && !self.write && crm_op2 >= 0x10;
        group.then_some((crm_op2 >> 4, crm_op2 & 0xF))
    }
}

/// A load or store of one register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// Guest physical address.
    pub address: u64,
    /// In bytes: 1, 2, 4 or 8.
    pub size: u8,
    /// The general-purpose register; 31 is the zero register.
    pub register: u8,
    /// A store.
    pub write: bool,
    /// A load sign-extends to the register's width.
    pub sign_extend: bool,
    /// The register is 64 bits wide: decides how far a sign goes.
    pub wide: bool,
}

impl Access {
    /// What a load puts into its register when the device answered `value`.
    #[must_use]
    pub fn extend(&self, value: u64) -> u64 {
        let unused = 64 - 8 * u32::from(self.size.clamp(1, 8));
        let value = value << unused;
        if !self.sign_extend {
            return value >> unused;
        }
        let extended = (value.cast_signed() >> unused).cast_unsigned();
        if self.wide { extended } else { extended & 0xFFFF_FFFF }
    }
}

/// `ESR_ELx.IL`: the instruction has 32 bits, not 16 (T32).
pub const LONG_INSTRUCTION: u64 = 1 << 25;

/// Where the exception vector for a synchronous exception to EL1 is, from `VBAR_EL1` on, for a
/// guest with this PSTATE.
#[must_use]
pub const fn vector_offset(pstate: u64) -> u64 {
    const AARCH32: u64 = 1 << 4;
    const EL1: u64 = 0b0100;
    const OWN_STACK: u64 = 0b0001;
    match pstate {
        _ if pstate & AARCH32 != 0 => 0x600,
        _ if pstate & EL1 == 0 => 0x400,
        _ if pstate & OWN_STACK != 0 => 0x200,
        _ => 0x000,
    }
}

/// Decodes a synchronous exception from a guest in AArch64 state.
#[must_use]
pub fn decode(esr: u64, far: u64, hpfar: u64) -> Trap {
    let immediate = low16(esr);
    match field(esr, 26, 6) {
        0x01 => Trap::Wait,
        0x16 => Trap::Hvc(immediate),
        0x17 => Trap::Smc(immediate),
        0x18 => Trap::SystemRegister(system_register(esr)),
        0x20 => Trap::Fault { address: fault_address(far, hpfar), fetch: true },
        0x24 => data_abort(esr, fault_address(far, hpfar)),
        _ => Trap::Other,
    }
}

fn system_register(esr: u64) -> SystemRegister {
    let part = |shift, bits| u32::from(field(esr, shift, bits));
    let (op0, op1, op2) = (part(20, 2), part(14, 3), part(17, 3));
    let (crn, crm) = (part(10, 4), part(1, 4));
    SystemRegister {
        name: op0 << 16 | op1 << 12 | crn << 8 | crm << 4 | op2,
        register: field(esr, 5, 5),
        write: esr & 1 == 0,
    }
}

/// Only a translation fault with a valid syndrome that is no stage-1 walk can be a device access.
fn data_abort(esr: u64, address: u64) -> Trap {
    let valid = esr >> 24 & 1 == 1;
    let walk = esr >> 7 & 1 == 1;
    let translation = field(esr, 2, 4) == 0b0001;
    if !valid || walk || !translation {
        return Trap::Fault { address, fetch: false };
    }
    Trap::Access(Access {
        address,
        size: 1 << field(esr, 22, 2),
        register: field(esr, 16, 5),
        write: esr >> 6 & 1 == 1,
        sign_extend: esr >> 21 & 1 == 1,
        wide: esr >> 15 & 1 == 1,
    })
}

/// HPFAR holds the page in bits 43:4, FAR the offset in the page.
fn fault_address(far: u64, hpfar: u64) -> u64 {
    (hpfar & 0x0FFF_FFFF_FFF0) << 8 | far & 0xFFF
}

#[expect(clippy::cast_possible_truncation, reason = "at most six bits are taken")]
const fn field(value: u64, shift: u32, bits: u32) -> u8 {
    (value >> shift & ((1 << bits) - 1)) as u8
}

#[expect(clippy::cast_possible_truncation, reason = "the immediate is 16 bits")]
const fn low16(value: u64) -> u16 {
    value as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conduits() {
        assert_eq!(decode(0x5A00_0000, 0, 0), Trap::Hvc(0));
        assert_eq!(decode(0x5E00_0007, 0, 0), Trap::Smc(7));
        assert_eq!(decode(0x07E0_0000, 0, 0), Trap::Wait);
    }

    #[test]
    fn msr_icc_sgi1r() {
        // op0 3, op1 0, CRn 12, CRm 11, op2 5, Rt 2, write.
        let esr = 0x18 << 26 | 1 << 25 | 3 << 20 | 5 << 17 | 12 << 10 | 2 << 5 | 11 << 1;
        let expected = SystemRegister { name: SystemRegister::ICC_SGI1R, register: 2, write: true };
        assert_eq!(decode(esr, 0, 0), Trap::SystemRegister(expected));
    }

    fn named(name: u32) -> SystemRegister {
        SystemRegister { name, register: 0, write: false }
    }

    #[test]
    fn what_is_the_machines_reads_as_zero() {
        // DBGBVR0, OSLSR, MDCCSR_EL0, PMINTENSET, PMCR, PMCCNTR, PMUSERENR, PMEVCNTR0, PMCCFILTR,
        // ERRIDR, ERXSTATUS, LORC.
        let hidden = [
            0x2_0004, 0x2_0114, 0x2_3010, 0x3_09E1, 0x3_39C0, 0x3_39D0, 0x3_39E0, 0x3_3E80,
            0x3_3EF7, 0x3_0530, 0x3_0542, 0x3_0A43,
        ];
        assert!(hidden.iter().all(|name| named(*name).is_raz_wi()));
        // CNTP_CTL, CNTV_CTL, ESR, ICC_SGI1R, PMSCR (of the statistical profiler).
        let others = [0x3_3E21, 0x3_3E31, 0x3_0520, SystemRegister::ICC_SGI1R, 0x3_0990];
        assert!(!others.iter().any(|name| named(*name).is_raz_wi()));
    }

    #[test]
    fn identification_registers_have_a_place() {
        assert_eq!(named(0x3_0040).identification(), Some((4, 0)), "ID_AA64PFR0_EL1");
        assert_eq!(named(0x3_0032).identification(), Some((3, 2)), "MVFR2_EL1");
        assert_eq!(named(0x3_0000).identification(), None, "MIDR_EL1 does not trap");
        assert_eq!(named(0x3_0100).identification(), None, "SCTLR_EL1");
        let write = SystemRegister { write: true, ..named(0x3_0040) };
        assert_eq!(write.identification(), None);
    }

    #[test]
    fn exceptions_go_to_the_vector_of_their_source() {
        assert_eq!(vector_offset(0x3C4), 0x000, "EL1t");
        assert_eq!(vector_offset(0x3C5), 0x200, "EL1h");
        assert_eq!(vector_offset(0x6000_0000), 0x400, "EL0");
        assert_eq!(vector_offset(0x6000_0030), 0x600, "EL0, T32");
    }

    #[test]
    fn str_w1_to_the_uart() {
        let esr = 0x24 << 26 | 1 << 25 | 1 << 24 | 2 << 22 | 1 << 16 | 1 << 6 | 0b00_0110;
        let access = Access {
            address: 0x0900_0004,
            size: 4,
            register: 1,
            write: true,
            sign_extend: false,
            wide: false,
        };
        assert_eq!(decode(esr, 0xFFFF_0004, 0x0900_0000 >> 8), Trap::Access(access));
    }

    #[test]
    fn what_cannot_be_emulated_is_a_fault() {
        let abort = 0x24 << 26 | 1 << 25 | 0b00_0110;
        let fault = Trap::Fault { address: 0x8000_0010, fetch: false };
        assert_eq!(decode(abort, 0x10, 0x0080_0000), fault, "no syndrome");
        assert_eq!(decode(abort | 1 << 24 | 1 << 7, 0x10, 0x0080_0000), fault, "stage-1 walk");
        let permission = 0x24 << 26 | 1 << 24 | 0b00_1110;
        assert_eq!(decode(permission, 0x10, 0x0080_0000), fault);
        let fetch = Trap::Fault { address: 0x10, fetch: true };
        assert_eq!(decode(0x20 << 26, 0x10, 0), fetch);
    }

    #[test]
    fn loads_extend() {
        let load = |size, sign_extend, wide| Access {
            address: 0,
            size,
            register: 0,
            write: false,
            sign_extend,
            wide,
        };
        assert_eq!(load(1, false, true).extend(0x1FF), 0xFF);
        assert_eq!(load(1, true, true).extend(0x80), 0xFFFF_FFFF_FFFF_FF80);
        assert_eq!(load(2, true, false).extend(0x8000), 0xFFFF_8000);
        assert_eq!(load(4, true, true).extend(0x7FFF_FFFF), 0x7FFF_FFFF);
        assert_eq!(load(8, false, true).extend(u64::MAX), u64::MAX);
    }
}
