//! The state of a vCPU that EL2's own code does not use: it stays in the CPU through the vCPU's
//! exits, and is loaded and saved once a time slice.

use core::arch::global_asm;

use super::sysreg;

/// Declares the system registers of a group once, for the struct, loading and saving.
macro_rules! registers {
    ($(#[$doc:meta])* $group:ident { $($field:ident: $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        struct $group { $($field: u64),* }

        impl $group {
            fn load(&self) { $(sysreg::write!($name, self.$field);)* }
            fn save(&mut self) { $(self.$field = sysreg::read!($name);)* }
        }
    };
}

registers! {
    /// What EL1 and EL0 see of the CPU, the virtual timer and the virtual interrupt interface.
    El1 {
        sctlr: "sctlr_el1", actlr: "actlr_el1", cpacr: "cpacr_el1", contextidr: "contextidr_el1",
        ttbr0: "ttbr0_el1", ttbr1: "ttbr1_el1", tcr: "tcr_el1",
        mair: "mair_el1", amair: "amair_el1", vbar: "vbar_el1", par: "par_el1",
        esr: "esr_el1", far: "far_el1", afsr0: "afsr0_el1", afsr1: "afsr1_el1",
        elr: "elr_el1", spsr: "spsr_el1", sp_el0: "sp_el0", sp_el1: "sp_el1",
        tpidr_el0: "tpidr_el0", tpidrro: "tpidrro_el0", tpidr_el1: "tpidr_el1",
        csselr: "csselr_el1", vmpidr: "vmpidr_el2",
        cntkctl: "cntkctl_el1", cntvoff: "cntvoff_el2",
        cntv_cval: "cntv_cval_el0", cntv_ctl: "cntv_ctl_el0",
        ich_vmcr: "ich_vmcr_el2", ich_ap0r0: "ich_ap0r0_el2", ich_ap1r0: "ich_ap1r0_el2",
    }
}

registers! {
    /// System errors as RAS has them: the guest's `DISR_EL1` is `VDISR_EL2`.
    Ras { vdisr: "s3_4_c12_c1_1", vsesr: "s3_4_c5_c2_3" }
}

registers! {
    /// `TPIDR2_EL0`: of SME, but nothing of SME need be enabled for it.
    Sme { tpidr2: "s3_3_c13_c0_5" }
}

registers! {
    /// The keys of pointer authentication, which not every CPU has (`apiakeylo_el1` and so on).
    Keys {
        ia_low: "s3_0_c2_c1_0", ia_high: "s3_0_c2_c1_1",
        ib_low: "s3_0_c2_c1_2", ib_high: "s3_0_c2_c1_3",
        da_low: "s3_0_c2_c2_0", da_high: "s3_0_c2_c2_1",
        db_low: "s3_0_c2_c2_2", db_high: "s3_0_c2_c2_3",
        ga_low: "s3_0_c2_c3_0", ga_high: "s3_0_c2_c3_1",
    }
}

/// `FPCR`, `FPSR`, and q0 to q31, as the assembly below expects them.
#[derive(Debug, Default)]
#[repr(C, align(16))]
struct Vectors {
    fpcr: u64,
    fpsr: u64,
    q: [u128; 32],
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct GuestState {
    el1: El1,
    ras: Ras,
    sme: Sme,
    keys: Keys,
    vectors: Vectors,
}

/// Timer control: enabled, not masked, and its time has come.
const TIMER_FIRES: u64 = 0b101;
const TIMER_BITS: u64 = 0b111;
/// Timer control: enabled, not masked.
const TIMER_RUNS: u64 = 0b01;

impl GuestState {
    /// A vCPU after reset: MMU and caches off. All vCPUs of a VM have the same `time_offset`, the
    /// physical count at which their virtual time is 0.
    pub(super) fn reset(vcpu: u16, time_offset: u64) -> Self {
        const SCTLR_RES1: u64 = 0x30D0_0800;
        const MPIDR_RES1: u64 = 1 << 31;
        let el1 = El1 {
            sctlr: SCTLR_RES1,
            vmpidr: MPIDR_RES1 | u64::from(vcpu),
            cntvoff: time_offset,
            ..El1::default()
        };
        Self { el1, ..Self::default() }
    }

    /// Puts the state into this CPU.
    pub(super) fn load(&self) {
        self.el1.load();
        if has_ras() {
            self.ras.load();
        }
        if has_sme() {
            self.sme.load();
        }
        if has_pointer_authentication() {
            self.keys.load();
        }
        // SAFETY: EL2 is built without vector registers, so that none of its values is lost.
        unsafe { load_vectors(&self.vectors) };
    }

    /// Takes the state from this CPU, whose virtual timer is off afterwards.
    pub(super) fn save(&mut self) {
        self.el1.save();
        if has_ras() {
            self.ras.save();
        }
        if has_sme() {
            self.sme.save();
        }
        if has_pointer_authentication() {
            self.keys.save();
        }
        // SAFETY: as the pointer is to a whole, exclusively borrowed `Vectors`.
        unsafe { save_vectors(&mut self.vectors) };
        sysreg::write!("cntv_ctl_el0", 0);
    }

    /// The physical count at which the saved vCPU's timer fires, if it is on and not masked.
    pub(super) fn timer_deadline(&self) -> Option<u64> {
        let runs = self.el1.cntv_ctl & 0b11 == TIMER_RUNS;
        runs.then(|| self.el1.cntv_cval.saturating_add(self.el1.cntvoff))
    }
}

/// Does the loaded vCPU's timer ask for an interrupt now?
pub(super) fn timer_fires() -> bool {
    sysreg::read!("cntv_ctl_el0") & TIMER_BITS == TIMER_FIRES
}

/// Does this CPU have pointer authentication, of either algorithm?
pub(super) fn has_pointer_authentication() -> bool {
    const APA_API_GPA_GPI: u64 = 0xFF00_0FF0;
    sysreg::read!("id_aa64isar1_el1") & APA_API_GPA_GPI != 0
}

fn has_ras() -> bool {
    sysreg::read!("id_aa64pfr0_el1") >> 28 & 0xF != 0
}

fn has_sme() -> bool {
    sysreg::read!("id_aa64pfr1_el1") >> 24 & 0xF != 0
}

unsafe extern "C" {
    fn load_vectors(from: *const Vectors);
    fn save_vectors(to: *mut Vectors);
}

global_asm!(
    ".arch_extension fp",
    ".section .text.vectors, \"ax\"",
    "load_vectors:",
    "ldp x1, x2, [x0], #16",
    "msr fpcr, x1",
    "msr fpsr, x2",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
    "ldr q\\n, [x0], #16",
    ".endr",
    "ret",
    "",
    "save_vectors:",
    "mrs x1, fpcr",
    "mrs x2, fpsr",
    "stp x1, x2, [x0], #16",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
    "str q\\n, [x0], #16",
    ".endr",
    "ret",
);
