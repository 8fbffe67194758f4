//! Stage 2: which guest physical addresses a VM reaches. Its RAM, and nothing else; devices are
//! emulated.

use aarch64_paging::descriptor::{PhysicalAddress, Stage2Attributes};
use aarch64_paging::idmap::IdTranslation;
use aarch64_paging::paging::{Constraints, MemoryRegion, Stage2 as Regime};
use aarch64_paging::{MapError, Mapping};

use super::memory::{GuestMemory, as_usize};
use super::sysreg;

/// 39 bits of guest physical address, in three levels of table.
const ROOT_LEVEL: usize = 1;
const ADDRESS_BITS: u64 = 39;

const NORMAL_MEMORY: Stage2Attributes = Stage2Attributes::VALID
    .union(Stage2Attributes::MEMATTR_NORMAL_INNER_WB)
    .union(Stage2Attributes::MEMATTR_NORMAL_OUTER_WB)
    .union(Stage2Attributes::S2AP_ACCESS_RW)
    .union(Stage2Attributes::SH_INNER)
    .union(Stage2Attributes::ACCESS_FLAG);

/// The stage-2 tables of one VM.
pub(super) struct Stage2 {
    /// Owns the tables.
    _mapping: Mapping<IdTranslation<Stage2Attributes>, Regime>,
    /// VMID and the root table's address.
    vttbr: u64,
}

impl Stage2 {
    /// Tables that map `memory`. No other VM may have this VMID until [`Stage2::forget`].
    ///
    /// # Errors
    /// The memory has an address that 39 bits cannot tell.
    pub(super) fn new(vmid: u8, memory: &GuestMemory) -> Result<Self, MapError> {
        let mut mapping = Mapping::new(IdTranslation::new(), ROOT_LEVEL, Regime);
        let range = memory.range();
        mapping.map_range(
            &MemoryRegion::new(as_usize(range.start), as_usize(range.end)),
            PhysicalAddress(as_usize(memory.physical())),
            NORMAL_MEMORY,
            Constraints::empty(),
        )?;
        let vttbr = u64::from(vmid) << 48 | mapping.root_address().0 as u64;
        Ok(Self { _mapping: mapping, vttbr })
    }

    /// Makes this CPU use these tables for what runs at EL1.
    ///
    /// vCPUs of one VM share a VMID, but each may have its own idea of an ASID: what the CPU
    /// remembers of another one is dropped.
    pub(super) fn activate(&self) {
        sysreg::write!("vttbr_el2", self.vttbr);
        sysreg::instruction!("isb");
        sysreg::instruction!("tlbi vmalle1");
        sysreg::instruction!("dsb nsh");
        sysreg::instruction!("isb");
    }

    /// Makes all CPUs forget what they remember of these tables, which none of them uses any more.
    fn forget(&self) {
        sysreg::write!("vttbr_el2", self.vttbr);
        sysreg::instruction!("isb");
        sysreg::instruction!("dsb ishst");
        sysreg::instruction!("tlbi vmalls12e1is");
        sysreg::instruction!("dsb ish");
        deactivate();
    }
}

impl Drop for Stage2 {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Leaves this CPU without tables, so that it walks none that may be freed.
pub(super) fn deactivate() {
    sysreg::write!("vttbr_el2", 0);
    sysreg::instruction!("isb");
}

/// Sets stage 2 translation up on this CPU.
pub(super) fn init_cpu() {
    const RES1: u64 = 1 << 31;
    const INNER_SHAREABLE: u64 = 3 << 12;
    const WRITE_BACK: u64 = 1 << 10 | 1 << 8;
    const START_AT_LEVEL_1: u64 = 1 << 6;
    // 48 bits at most: more need another descriptor format.
    let physical_size = (sysreg::read!("id_aa64mmfr0_el1") & 0xF).min(5);
    let vtcr = RES1 | INNER_SHAREABLE | WRITE_BACK | START_AT_LEVEL_1 | (64 - ADDRESS_BITS);
    sysreg::write!("vtcr_el2", vtcr | physical_size << 16);
    sysreg::write!("vttbr_el2", 0);
    sysreg::instruction!("isb");
    // Whatever firmware or an earlier life of the machine left.
    sysreg::instruction!("tlbi alle1");
    sysreg::instruction!("dsb nsh");
    sysreg::instruction!("isb");
}
