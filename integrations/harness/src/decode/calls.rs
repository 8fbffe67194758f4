//! The layouts of all calls and of what answers them, by subject.
//!
//! They say again, independently, what `ffa-abi` decodes by: `tests/decode_tables.rs` compares.

mod discovery;
mod memory;
mod messages;
mod notifications;
mod scheduling;

use ffa_abi::FunctionId;

pub(crate) use self::discovery::VERSION_REPLY;

use super::show::{flag, number};
use super::table::{Field, field};

/// The layout of a call, in all its forms, and of the `FFA_SUCCESS` that answers it.
pub(crate) struct Layout {
    functions: &'static [FunctionId],
    pub(crate) call: &'static [Field],
    pub(crate) success: &'static [Field],
}

const fn layout(
    functions: &'static [FunctionId],
    call: &'static [Field],
    success: &'static [Field],
) -> Layout {
    Layout { functions, call, success }
}

/// The layout of a call; every function of `ffa_abi::FUNCTIONS` has one.
pub(crate) fn of(function: FunctionId) -> Option<&'static Layout> {
    let subjects = [
        discovery::LAYOUTS,
        memory::LAYOUTS,
        messages::LAYOUTS,
        notifications::LAYOUTS,
        scheduling::LAYOUTS,
    ];
    subjects.into_iter().flatten().find(|layout| layout.functions.contains(&function))
}

/// w0 as the calling convention has it.
pub(crate) const FOREIGN: &[Field] = &[
    field("w0[31]", "fast call", |seen| told(seen.value == 1, "yes", "NO: FF-A's are fast")),
    field("w0[30]", "SMC64", flag),
    field("w0[29:24]", "owner", |seen| told(seen.value == 4, "4", "NOT 4, who has FF-A")),
    field("w0[23:17]", "reserved", |seen| told(seen.value == 0, "", "MUST BE ZERO")),
    field("w0[16]", "SVE hint", |seen| told(seen.value == 0, "no", "SET: no call of FF-A")),
    field("w0[15:0]", "function number", |seen| {
        told((0x60..=0xef).contains(&seen.value), &number(seen), "NOT of 0x60..=0xef, FF-A's range")
    }),
];

fn told(is_good: bool, good: &str, bad: &str) -> String {
    (if is_good { good } else { bad }).to_owned()
}
