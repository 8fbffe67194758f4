//! `FFA_MEM_PERM_GET` and `FFA_MEM_PERM_SET` (1.1): a secure partition's access to its own pages,
//! while it is initialised.
//!
//! ```text
//! GET   x1  address of the first page   w2  further pages (1.3, ignored before)
//! reply w2  permissions   w3  further pages that have the same (1.3)
//! SET   x1  address of the first page   w2  pages   w3  permissions
//!
//! permissions  [1:0] data: 0 none, 1 read-write, 3 read-only   [2] not executable
//! ```
//!
//! DEN0077, under these names.

use core::fmt;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::form::{Argument, by_width};
use crate::function::FunctionId;
use crate::regs::Regs;
use crate::reply::{CallError, Empty, Reply, ReplyError, Success, write_success};
use crate::version::Version;

/// What a partition may do with a page: bits \[2:0\] of a register.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PagePermissions(u8);

/// \[1:0\] of [`PagePermissions`]: access to data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageDataAccess {
    /// 0: no access.
    None,
    /// 1: reads and writes.
    ReadWrite,
    /// 3: reads.
    ReadOnly,
}

/// `FFA_MEM_PERM_GET`: asks what the caller may do with its pages from `address` on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemPermGet {
    /// x1: the first page; its width is that of the call. Alignment is for the callee.
    pub address: Argument,
    /// w2: how many pages after the first are meant (1.3). A caller below 1.3 means one page: zero
    /// when decoded for it, and to be zero when encoded for such a callee.
    pub further_pages: u32,
}

/// w2 the permissions, w3 for how many pages they hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemPermGetReply {
    /// w2: of the first page.
    pub permissions: PagePermissions,
    /// w3: how many pages after the first, of those asked about, have the same (1.3). To a caller
    /// below 1.3 it is zero.
    pub further_pages: u32,
}

/// `FFA_MEM_PERM_SET`: asks for `permissions` to the caller's pages from `address` on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemPermSet {
    /// x1: the first page; its width is that of the call. Alignment is for the callee.
    pub address: Argument,
    /// w2: how many pages, as the caller gave it; zero is for the callee to refuse.
    pub pages: u32,
    /// w3: the permissions.
    pub permissions: PagePermissions,
}

impl PagePermissions {
    /// 7: data to be read.
    pub const READ_ONLY: PagePermissions = Self::new(PageDataAccess::ReadOnly, false);
    /// 5: data to be read and written.
    pub const READ_WRITE: PagePermissions = Self::new(PageDataAccess::ReadWrite, false);
    /// 3: code.
    pub const READ_EXECUTE: PagePermissions = Self::new(PageDataAccess::ReadOnly, true);

    const BITS: u32 = 7;
    const NOT_EXECUTABLE: u8 = 1 << 2;

    /// These accesses; no callee should grant writing and executing together.
    #[must_use]
    pub const fn new(data: PageDataAccess, executable: bool) -> PagePermissions {
        let data = match data {
            PageDataAccess::None => 0,
            PageDataAccess::ReadWrite => 1,
            PageDataAccess::ReadOnly => 3,
        };
        PagePermissions(if executable { data } else { data | Self::NOT_EXECUTABLE })
    }

    /// Bits \[2:0\] of a register; the others are ignored.
    #[must_use]
    pub const fn from_bits_truncate(bits: u32) -> PagePermissions {
        PagePermissions((bits & Self::BITS) as u8)
    }

    /// As a register holds them.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0.into()
    }

    /// Access to data; `None` for the value 2, which no version defines.
    #[must_use]
    pub const fn data(self) -> Option<PageDataAccess> {
        match self.0 & 3 {
            0 => Some(PageDataAccess::None),
            1 => Some(PageDataAccess::ReadWrite),
            3 => Some(PageDataAccess::ReadOnly),
            _ => None,
        }
    }

    /// Whether instructions may be fetched.
    #[must_use]
    pub const fn is_executable(self) -> bool {
        self.0 & Self::NOT_EXECUTABLE == 0
    }
}

impl MemPermGetReply {
    /// For one page: all that a caller below 1.3 can ask about.
    #[must_use]
    pub const fn of_page(permissions: PagePermissions) -> Self {
        MemPermGetReply { permissions, further_pages: 0 }
    }
}

impl MemPermGet {
    const fn function(self) -> FunctionId {
        let width = self.address.width();
        by_width(width, FunctionId::MEM_PERM_GET_32, FunctionId::MEM_PERM_GET_64)
    }
}

impl Request for MemPermGet {
    type Reply = MemPermGetReply;

    fn encode(&self) -> Regs {
        call_regs(self.function(), [self.address.value(), self.further_pages.into()])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        let further_pages = if version < Version::V1_3 { 0 } else { regs.w(2) };
        Ok(MemPermGet { address: Argument::read(function.width(), regs, 1), further_pages })
    }

    /// Also checks that no more pages are told of than were asked about.
    fn reply(&self, regs: &Regs, version: Version) -> Result<MemPermGetReply, CallError> {
        let reply = MemPermGetReply::read(regs, version)?;
        if reply.further_pages <= self.further_pages {
            return Ok(reply);
        }
        Err(CallError::Reply(ReplyError::OutOfRange("number of pages")))
    }
}

impl MemPermSet {
    const fn function(self) -> FunctionId {
        let width = self.address.width();
        by_width(width, FunctionId::MEM_PERM_SET_32, FunctionId::MEM_PERM_SET_64)
    }
}

impl Request for MemPermSet {
    type Reply = Empty;

    fn encode(&self) -> Regs {
        let (pages, permissions) = (self.pages.into(), self.permissions.bits().into());
        call_regs(self.function(), [self.address.value(), pages, permissions])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        must_be_zero(function, "w3[31:3]", regs.w(3) & !PagePermissions::BITS)?;
        let address = Argument::read(function.width(), regs, 1);
        let permissions = PagePermissions::from_bits_truncate(regs.w(3));
        Ok(MemPermSet { address, pages: regs.w(2), permissions })
    }
}

impl Reply for MemPermGetReply {
    fn write(&self, regs: &mut Regs) {
        write_success(regs, self.permissions.bits(), self.further_pages);
    }

    fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
        let regs = Success::check(regs)?.regs();
        let permissions = PagePermissions::from_bits_truncate(regs.w(2));
        Ok(MemPermGetReply { permissions, further_pages: regs.w(3) })
    }
}

impl fmt::Display for PagePermissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = match self.data() {
            Some(PageDataAccess::None) => "--",
            Some(PageDataAccess::ReadWrite) => "rw",
            Some(PageDataAccess::ReadOnly) => "r-",
            None => "??",
        };
        write!(f, "{data}{}", if self.is_executable() { "x" } else { "-" })
    }
}

impl fmt::Debug for PagePermissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:#x})", self.0)
    }
}

impl fmt::Display for MemPermGet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} address={} ", self.function(), self.address)?;
        write!(f, "pages={}", u64::from(self.further_pages) + 1)
    }
}

impl fmt::Display for MemPermSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MemPermSet { address, pages, permissions } = self;
        write!(f, "{} address={address} ", self.function())?;
        write!(f, "pages={pages} permissions={permissions}")
    }
}

impl fmt::Display for MemPermGetReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pages = u64::from(self.further_pages) + 1;
        write!(f, "SUCCESS permissions={} pages={pages}", self.permissions)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::call::Call;
    use std::string::ToString;

    const WIDE: Argument = Argument::Bits64(0x1_4000_1000);

    #[test]
    fn a_get_carries_an_address_in_each_form() {
        let regs = call_regs(FunctionId::MEM_PERM_GET_64, [0x1_4000_1000]);
        let call = MemPermGet { address: WIDE, further_pages: 0 };
        assert_eq!(call.encode(), regs);
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(Call::MemPermGet(call)));
        assert_eq!(call.to_string(), "FFA_MEM_PERM_GET_64 address=0x140001000 pages=1");

        let regs = call_regs(FunctionId::MEM_PERM_GET_32, [0x1_4000_1000]);
        let call = MemPermGet { address: Argument::Bits32(0x4000_1000), further_pages: 0 };
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(Call::MemPermGet(call)));
        assert_eq!(call.encode().0[..3], [0x8400_0088, 0x4000_1000, 0]);
        assert_eq!(call.to_string(), "FFA_MEM_PERM_GET_32 address=0x40001000 pages=1");
    }

    #[test]
    fn a_get_asks_about_more_than_one_page_from_1_3_on() {
        let regs = call_regs(FunctionId::MEM_PERM_GET_64, [0x1_4000_1000, 0xffff_ffff]);
        for (version, further_pages) in
            [(Version::V1_1, 0), (Version::V1_2, 0), (Version::V1_3, 0xffff_ffff)]
        {
            let call = MemPermGet { address: WIDE, further_pages };
            assert_eq!(Call::decode(&regs, version), Ok(Call::MemPermGet(call)));
        }
        let call = MemPermGet { address: WIDE, further_pages: u32::MAX };
        assert_eq!(call.encode(), regs);
        assert_eq!(call.to_string(), "FFA_MEM_PERM_GET_64 address=0x140001000 pages=4294967296");
    }

    #[test]
    fn a_get_is_answered_with_permissions_and_pages() {
        // OP-TEE: w2=5 and nothing else, for data.
        let reply = MemPermGetReply::of_page(PagePermissions::READ_WRITE);
        let mut regs = Regs([u64::MAX; 18]);
        reply.write(&mut regs);
        assert_eq!(regs.0[..8], [0x8400_0061, 0, 5, 0, 0, 0, 0, 0]);
        assert_eq!(MemPermGetReply::read(&regs, Version::V1_2), Ok(reply));
        assert_eq!(reply.to_string(), "SUCCESS permissions=rw- pages=1");

        regs.set(2, 0xffff_ffff_ffff_fff3_u64);
        regs.set(3, 15_u64);
        let permissions = PagePermissions::READ_EXECUTE;
        let reply = MemPermGetReply { permissions, further_pages: 15 };
        assert_eq!(MemPermGetReply::read(&regs, Version::V1_2), Ok(reply));
        assert_eq!(reply.to_string(), "SUCCESS permissions=r-x pages=16");
    }

    #[test]
    fn a_set_carries_pages_and_permissions() {
        let regs = call_regs(FunctionId::MEM_PERM_SET_64, [0x1_4000_1000, 16, 7]);
        let permissions = PagePermissions::READ_ONLY;
        let call = MemPermSet { address: WIDE, pages: 16, permissions };
        assert_eq!(call.encode(), regs);
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(Call::MemPermSet(call)));
        let text = "FFA_MEM_PERM_SET_64 address=0x140001000 pages=16 permissions=r--";
        assert_eq!(call.to_string(), text);

        let upper = 0xdead_beef << 32;
        let arguments = [upper | 0x4000_1000, upper | 1, upper | 3];
        let regs = call_regs(FunctionId::MEM_PERM_SET_32, arguments);
        let (address, permissions) = (Argument::Bits32(0x4000_1000), PagePermissions::READ_EXECUTE);
        let call = MemPermSet { address, pages: 1, permissions };
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(Call::MemPermSet(call)));
        assert_eq!(call.encode().0[..4], [0x8400_0089, 0x4000_1000, 1, 3]);
    }

    #[test]
    fn permissions_are_those_of_hafnium_and_op_tee() {
        assert_eq!(PagePermissions::READ_ONLY.bits(), 0x7);
        assert_eq!(PagePermissions::READ_WRITE.bits(), 0x5);
        assert_eq!(PagePermissions::READ_EXECUTE.bits(), 0x3);
        let all = ["--x", "rwx", "??x", "r-x", "---", "rw-", "??-", "r--"];
        for (bits, text) in (0..8).zip(all) {
            let permissions = PagePermissions::from_bits_truncate(bits);
            assert_eq!(permissions.to_string(), text);
            assert_eq!(permissions.bits(), bits);
            if let Some(data) = permissions.data() {
                let made = PagePermissions::new(data, permissions.is_executable());
                assert_eq!(made, permissions);
            }
        }
    }

    #[test]
    fn bits_above_the_permissions_are_refused() {
        for function in [FunctionId::MEM_PERM_SET_32, FunctionId::MEM_PERM_SET_64] {
            for bit in 3..32 {
                let regs = call_regs(function, [0x1000, 1, 1 << bit]);
                let reserved = DecodeError::Reserved { function, field: "w3[31:3]" };
                assert_eq!(Call::decode(&regs, Version::V1_1), Err(reserved));
            }
        }
    }

    #[test]
    fn no_more_pages_are_told_of_than_were_asked_about() {
        let call = MemPermGet { address: WIDE, further_pages: 2 };
        for (told, is_reply) in [(0, true), (2, true), (3, false)] {
            let mut regs = Regs::ZERO;
            write_success(&mut regs, 5, told);
            assert_eq!(call.reply(&regs, Version::V1_3).is_ok(), is_reply, "{told}");
        }
    }
}
