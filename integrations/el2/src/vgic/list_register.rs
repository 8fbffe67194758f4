//! `ICH_LR<n>_EL2`: an interrupt on its way to the guest.
//!
//! ```text
//! 63 62  61   60   59 56 55      48 47 42  41 40          32 31         0
//! |State|HW|Group| RES0 | priority | RES0 |EOI|    RES0     |   vINTID   |
//! ```

use super::interrupt::Interrupt;

const PENDING: u64 = 1 << 62;
const ACTIVE: u64 = 1 << 63;
const GROUP_1: u64 = 1 << 60;
/// With HW clear: a maintenance interrupt once the guest has deactivated it.
const NOTIFY_END: u64 = 1 << 41;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) pending: bool,
    pub(super) active: bool,
}

pub(super) fn encode(intid: u32, interrupt: &Interrupt, state: State) -> u64 {
    let pending = if state.pending { PENDING } else { 0 };
    let active = if state.active { ACTIVE } else { 0 };
    let end = if interrupt.is_edge() { 0 } else { NOTIFY_END };
    let priority = u64::from(interrupt.priority()) << 48;
    pending | active | GROUP_1 | end | priority | u64::from(intid)
}

pub(super) fn decode(register: u64) -> (u32, State) {
    let [b0, b1, b2, b3, ..] = register.to_le_bytes();
    let state = State { pending: register & PENDING != 0, active: register & ACTIVE != 0 };
    (u32::from_le_bytes([b0, b1, b2, b3]), state)
}
