//! The registers with which a vCPU starts, `struct vcpu_guest_context`.
//!
//! ```text
//! word   0       1-31       32    33        40           44
//!      | flags | x0..x30 | pc | cpsr | ... | sctlr | ... |
//! ```

/// `VGCF_online`: the vCPU runs as soon as its domain does.
const ONLINE: u64 = 1;
/// `EL1h`, all exceptions masked.
const PROCESSOR_STATE: u64 = 0x1C5;
/// `SCTLR_EL1`: the MMU is off.
const SYSTEM_CONTROL: u64 = 0x00C5_0078;

/// As the hypercall passes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Context {
    pub(super) words: [u64; 44],
}

impl Context {
    /// A vCPU that starts at `entry` with `x0`.
    #[must_use]
    pub const fn new(entry: u64, x0: u64) -> Self {
        let mut words = [0; 44];
        words[0] = ONLINE;
        words[1] = x0;
        words[32] = entry;
        words[33] = PROCESSOR_STATE;
        words[40] = SYSTEM_CONTROL;
        Self { words }
    }
}
