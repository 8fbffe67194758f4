//! The one table of function ids (DEN0077, "FF-A function identifiers").
//!
//! ```text
//!  31 | 30    | 29:24 | 23:17 | 16       | 15:0
//!  1  | SMC64 | 4     | 0     | SVE hint | 0x60..=0xef
//! ```

use core::fmt;
use core::ops::RangeInclusive;

use crate::version::Version;

/// The function id in w0 of a call or reply, known to be in FF-A's range.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(u32);

/// Which registers an id's calling convention uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// SMC32: w1..w7.
    Bits32,
    /// SMC64: x1..x7, and x8..x17 where the call says so.
    Bits64,
}

/// A row of [`FUNCTIONS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Function {
    /// The id.
    pub id: FunctionId,
    /// The specification's name, with `_32` or `_64` where both widths exist.
    pub name: &'static str,
    /// The version that brought this id.
    pub first: Version,
    /// The last version that had it, where a later one dropped it.
    pub last: Option<Version>,
    /// How many registers, x0 included, its call or its reply may use: 8 or 18. The direct messages of
    /// the 64-bit form use 8 before 1.3, and `FFA_SUCCESS_64` before 1.2.
    pub registers: u8,
}

impl FunctionId {
    /// The bits of w0 that are the same in all ids of FF-A: 31, and 29 to 16.
    pub const FIXED_BITS: u32 = 0xbfff_0000;
    /// What these bits hold: a fast call of owner 4, and no hint.
    pub const FAST_CALL_OWNER_4: u32 = 0x8400_0000;
    /// The bit of the 64-bit form.
    pub const SMC64: u32 = 0x4000_0000;
    /// Function numbers, bits 15:0.
    pub const NUMBERS: RangeInclusive<u32> = 0x60..=0xef;

    /// `None` where the id is not FF-A's: another owner, a yielding call, a reserved bit or the SVE
    /// hint set, a function number outside 0x60..=0xef.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<FunctionId> {
        let fixed = bits & Self::FIXED_BITS == Self::FAST_CALL_OWNER_4;
        let number = bits & 0xffff;
        let ours = *Self::NUMBERS.start() <= number && number <= *Self::NUMBERS.end();
        if fixed && ours { Some(FunctionId(bits)) } else { None }
    }

    /// As w0 holds it.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The calling convention, bit 30.
    #[must_use]
    pub const fn width(self) -> Width {
        if self.0 & Self::SMC64 == 0 { Width::Bits32 } else { Width::Bits64 }
    }

    /// Its row in [`FUNCTIONS`]; `None` for an id that no version names.
    #[must_use]
    pub fn function(self) -> Option<&'static Function> {
        let number = usize::try_from(self.0 & 0xff).ok()?;
        let wide = usize::from(self.width() == Width::Bits64);
        let row = INDEX.get(number)?.get(wide)?;
        FUNCTIONS.get(usize::from(*row))
    }

    /// The row of an id that has one, for the compiler.
    #[expect(clippy::indexing_slicing, reason = "runs in the compiler")]
    pub(crate) const fn row(self) -> Function {
        FUNCTIONS[INDEX[(self.0 & 0xff) as usize][(self.0 >> 30 & 1) as usize] as usize]
    }

    /// Whether `version` of FF-A has this id.
    #[must_use]
    pub fn exists_in(self, version: Version) -> bool {
        self.function().is_some_and(|function| function.exists_in(version))
    }
}

impl Function {
    /// Whether `version` of FF-A has this id.
    #[must_use]
    pub const fn exists_in(&self, version: Version) -> bool {
        let is_dropped = matches!(self.last, Some(last) if last.bits() < version.bits());
        self.first.bits() <= version.bits() && !is_dropped
    }
}

impl fmt::Display for FunctionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.function() {
            Some(function) => f.write_str(function.name),
            None => write!(f, "FFA_{:#010x}", self.0),
        }
    }
}

impl fmt::Debug for FunctionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:#010x})", self.0)
    }
}

macro_rules! functions {
    ($($constant:ident = $id:literal, $name:literal, $first:ident $(..=$last:ident)?, $registers:literal;)*) => {
        impl FunctionId {
            $(#[doc = concat!("`", $name, "`")] pub const $constant: FunctionId = FunctionId($id);)*
        }

        /// Every function id of FF-A 1.0 to 1.3, by number, 32-bit forms first.
        pub const FUNCTIONS: &[Function] = &[$(Function {
            id: FunctionId::$constant,
            name: $name,
            first: Version::$first,
            last: functions!(@last $($last)?),
            registers: $registers,
        }),*];
    };
    (@last) => { None };
    (@last $last:ident) => { Some(Version::$last) };
}

functions! {
    ERROR_32 = 0x8400_0060, "FFA_ERROR", V1_0, 8;
    ERROR_64 = 0xc400_0060, "FFA_ERROR_64", V1_3, 18;
    SUCCESS_32 = 0x8400_0061, "FFA_SUCCESS_32", V1_0, 8;
    SUCCESS_64 = 0xc400_0061, "FFA_SUCCESS_64", V1_0, 18;
    INTERRUPT_32 = 0x8400_0062, "FFA_INTERRUPT", V1_0, 8;
    INTERRUPT_64 = 0xc400_0062, "FFA_INTERRUPT_64", V1_3, 18;
    VERSION = 0x8400_0063, "FFA_VERSION", V1_0, 8;
    FEATURES = 0x8400_0064, "FFA_FEATURES", V1_0, 8;
    RX_RELEASE = 0x8400_0065, "FFA_RX_RELEASE", V1_0, 8;
    RXTX_MAP_32 = 0x8400_0066, "FFA_RXTX_MAP_32", V1_0, 8;
    RXTX_MAP_64 = 0xc400_0066, "FFA_RXTX_MAP_64", V1_0, 8;
    RXTX_UNMAP = 0x8400_0067, "FFA_RXTX_UNMAP", V1_0, 8;
    PARTITION_INFO_GET = 0x8400_0068, "FFA_PARTITION_INFO_GET", V1_0, 8;
    ID_GET = 0x8400_0069, "FFA_ID_GET", V1_0, 8;
    MSG_POLL = 0x8400_006a, "FFA_MSG_POLL", V1_0..=V1_0, 8;
    MSG_WAIT_32 = 0x8400_006b, "FFA_MSG_WAIT", V1_0, 8;
    MSG_WAIT_64 = 0xc400_006b, "FFA_MSG_WAIT_64", V1_3, 18;
    YIELD_32 = 0x8400_006c, "FFA_YIELD", V1_0, 8;
    YIELD_64 = 0xc400_006c, "FFA_YIELD_64", V1_3, 18;
    RUN_32 = 0x8400_006d, "FFA_RUN", V1_0, 8;
    RUN_64 = 0xc400_006d, "FFA_RUN_64", V1_3, 18;
    MSG_SEND = 0x8400_006e, "FFA_MSG_SEND", V1_0..=V1_0, 8;
    MSG_SEND_DIRECT_REQ_32 = 0x8400_006f, "FFA_MSG_SEND_DIRECT_REQ_32", V1_0, 8;
    MSG_SEND_DIRECT_REQ_64 = 0xc400_006f, "FFA_MSG_SEND_DIRECT_REQ_64", V1_0, 18;
    MSG_SEND_DIRECT_RESP_32 = 0x8400_0070, "FFA_MSG_SEND_DIRECT_RESP_32", V1_0, 8;
    MSG_SEND_DIRECT_RESP_64 = 0xc400_0070, "FFA_MSG_SEND_DIRECT_RESP_64", V1_0, 18;
    MEM_DONATE_32 = 0x8400_0071, "FFA_MEM_DONATE_32", V1_0, 8;
    MEM_DONATE_64 = 0xc400_0071, "FFA_MEM_DONATE_64", V1_0, 8;
    MEM_LEND_32 = 0x8400_0072, "FFA_MEM_LEND_32", V1_0, 8;
    MEM_LEND_64 = 0xc400_0072, "FFA_MEM_LEND_64", V1_0, 8;
    MEM_SHARE_32 = 0x8400_0073, "FFA_MEM_SHARE_32", V1_0, 8;
    MEM_SHARE_64 = 0xc400_0073, "FFA_MEM_SHARE_64", V1_0, 8;
    MEM_RETRIEVE_REQ_32 = 0x8400_0074, "FFA_MEM_RETRIEVE_REQ_32", V1_0, 8;
    MEM_RETRIEVE_REQ_64 = 0xc400_0074, "FFA_MEM_RETRIEVE_REQ_64", V1_0, 8;
    MEM_RETRIEVE_RESP = 0x8400_0075, "FFA_MEM_RETRIEVE_RESP", V1_0, 8;
    MEM_RELINQUISH = 0x8400_0076, "FFA_MEM_RELINQUISH", V1_0, 8;
    MEM_RECLAIM = 0x8400_0077, "FFA_MEM_RECLAIM", V1_0, 8;
    MEM_OP_PAUSE = 0x8400_0078, "FFA_MEM_OP_PAUSE", V1_0, 8;
    MEM_OP_RESUME = 0x8400_0079, "FFA_MEM_OP_RESUME", V1_0, 8;
    MEM_FRAG_RX = 0x8400_007a, "FFA_MEM_FRAG_RX", V1_0, 8;
    MEM_FRAG_TX = 0x8400_007b, "FFA_MEM_FRAG_TX", V1_0, 8;
    NORMAL_WORLD_RESUME_32 = 0x8400_007c, "FFA_NORMAL_WORLD_RESUME", V1_0, 8;
    NORMAL_WORLD_RESUME_64 = 0xc400_007c, "FFA_NORMAL_WORLD_RESUME_64", V1_3, 18;
    NOTIFICATION_BITMAP_CREATE = 0x8400_007d, "FFA_NOTIFICATION_BITMAP_CREATE", V1_1, 8;
    NOTIFICATION_BITMAP_DESTROY = 0x8400_007e, "FFA_NOTIFICATION_BITMAP_DESTROY", V1_1, 8;
    NOTIFICATION_BIND = 0x8400_007f, "FFA_NOTIFICATION_BIND", V1_1, 8;
    NOTIFICATION_UNBIND = 0x8400_0080, "FFA_NOTIFICATION_UNBIND", V1_1, 8;
    NOTIFICATION_SET = 0x8400_0081, "FFA_NOTIFICATION_SET", V1_1, 8;
    NOTIFICATION_GET = 0x8400_0082, "FFA_NOTIFICATION_GET", V1_1, 8;
    NOTIFICATION_INFO_GET_32 = 0x8400_0083, "FFA_NOTIFICATION_INFO_GET_32", V1_1, 8;
    NOTIFICATION_INFO_GET_64 = 0xc400_0083, "FFA_NOTIFICATION_INFO_GET_64", V1_1, 8;
    RX_ACQUIRE = 0x8400_0084, "FFA_RX_ACQUIRE", V1_1, 8;
    SPM_ID_GET = 0x8400_0085, "FFA_SPM_ID_GET", V1_1, 8;
    MSG_SEND2 = 0x8400_0086, "FFA_MSG_SEND2", V1_1, 8;
    SECONDARY_EP_REGISTER_32 = 0x8400_0087, "FFA_SECONDARY_EP_REGISTER_32", V1_1, 8;
    SECONDARY_EP_REGISTER_64 = 0xc400_0087, "FFA_SECONDARY_EP_REGISTER_64", V1_1, 8;
    MEM_PERM_GET_32 = 0x8400_0088, "FFA_MEM_PERM_GET_32", V1_1, 8;
    MEM_PERM_GET_64 = 0xc400_0088, "FFA_MEM_PERM_GET_64", V1_1, 8;
    MEM_PERM_SET_32 = 0x8400_0089, "FFA_MEM_PERM_SET_32", V1_1, 8;
    MEM_PERM_SET_64 = 0xc400_0089, "FFA_MEM_PERM_SET_64", V1_1, 8;
    CONSOLE_LOG_32 = 0x8400_008a, "FFA_CONSOLE_LOG_32", V1_2, 8;
    CONSOLE_LOG_64 = 0xc400_008a, "FFA_CONSOLE_LOG_64", V1_2, 18;
    PARTITION_INFO_GET_REGS = 0xc400_008b, "FFA_PARTITION_INFO_GET_REGS", V1_2, 18;
    EL3_INTR_HANDLE = 0x8400_008c, "FFA_EL3_INTR_HANDLE", V1_2, 8;
    MSG_SEND_DIRECT_REQ2 = 0xc400_008d, "FFA_MSG_SEND_DIRECT_REQ2", V1_2, 18;
    MSG_SEND_DIRECT_RESP2 = 0xc400_008e, "FFA_MSG_SEND_DIRECT_RESP2", V1_2, 18;
    NS_RES_INFO_GET = 0xc400_008f, "FFA_NS_RES_INFO_GET", V1_3, 18;
    ABORT_32 = 0x8400_0090, "FFA_ABORT_32", V1_3, 8;
    ABORT_64 = 0xc400_0090, "FFA_ABORT_64", V1_3, 18;
    NOTIFICATION_BIND2 = 0xc400_0094, "FFA_NOTIFICATION_BIND2", V1_3, 18;
    NOTIFICATION_UNBIND2 = 0xc400_0095, "FFA_NOTIFICATION_UNBIND2", V1_3, 18;
    NOTIFICATION_SET2 = 0xc400_0096, "FFA_NOTIFICATION_SET2", V1_3, 18;
    NOTIFICATION_GET2 = 0xc400_0097, "FFA_NOTIFICATION_GET2", V1_3, 18;
}

const NO_ROW: u8 = u8::MAX;

/// Row of [`FUNCTIONS`] by function number, 32-bit and 64-bit form, made at compile time.
const INDEX: [[u8; 2]; 0xf0] = index();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "runs in the compiler"
)]
const fn index() -> [[u8; 2]; 0xf0] {
    let mut index = [[NO_ROW; 2]; 0xf0];
    let mut row = 0;
    while row < FUNCTIONS.len() {
        let id = FUNCTIONS[row].id;
        index[(id.bits() & 0xff) as usize][(id.bits() >> 30 & 1) as usize] = row as u8;
        row += 1;
    }
    index
}

const _: () = assert!(FUNCTIONS.len() < NO_ROW as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_found_by_its_id_and_ids_are_unique_and_ours() {
        for (index, function) in FUNCTIONS.iter().enumerate() {
            assert_eq!(FunctionId::from_bits(function.id.bits()), Some(function.id));
            assert_eq!(function.id.function(), Some(function), "{}", function.name);
            assert!(function.name.starts_with("FFA_"));
            assert!(FUNCTIONS.iter().skip(index + 1).all(|other| other.id != function.id));
        }
    }

    #[test]
    fn foreign_ids_are_not_ours() {
        let foreign = [
            0xbf00_ff01, // trusted OS
            0x0400_0063, // yielding
            0x8401_0063, // SVE hint
            0x8402_0063, // reserved bit
            0x8300_0063,
            0x8500_0063, // owners 3 and 5
            0x8400_005f,
            0x8400_00f0, // numbers beside the range
            0x8400_0163,
            0x8400_0001,
            0x8000_0000,
        ];
        for id in foreign {
            assert_eq!(FunctionId::from_bits(id), None, "{id:#x}");
        }
    }

    #[test]
    fn an_id_of_the_range_that_no_version_names_has_no_row() {
        let unnamed = FunctionId::from_bits(0x8400_00ef).unwrap();
        assert_eq!(unnamed.function(), None);
        assert!(!unnamed.exists_in(Version::V1_3));
        assert_eq!(FunctionId::from_bits(0xc400_0069).unwrap().function(), None);
    }

    #[test]
    fn versions_bound_ids_on_both_sides() {
        assert!(FunctionId::MSG_POLL.exists_in(Version::V1_0));
        assert!(!FunctionId::MSG_POLL.exists_in(Version::V1_1));
        assert!(!FunctionId::PARTITION_INFO_GET_REGS.exists_in(Version::V1_1));
        assert!(FunctionId::PARTITION_INFO_GET_REGS.exists_in(Version::V1_2));
    }
}
