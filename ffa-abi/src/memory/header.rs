//! What the header of a memory transaction says, in any layout, and which call it belongs to.

use core::fmt;

use crate::descriptor::{DescriptorError, Fault, check};
use crate::id::EndpointId;
use crate::memory::attributes::MemoryAttributes;
use crate::memory::flags::TransactionFlags;
use crate::memory::handle::MemoryHandle;
use crate::memory::layout::{Located, TransactionLayout};

/// The call that a transaction belongs to: it decides what the fields may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransactionKind {
    /// `FFA_MEM_DONATE`: one receiver, ranges, no handle yet.
    Donate,
    /// `FFA_MEM_LEND`: ranges, no handle yet.
    Lend,
    /// `FFA_MEM_SHARE`: ranges, no handle yet, never zeroed.
    Share,
    /// `FFA_MEM_RETRIEVE_REQ` of a borrower. It may ask for ranges of its own choice.
    RetrieveRequest,
    /// `FFA_MEM_RETRIEVE_REQ` of a hypervisor that wants to know what a handle stands for: a header
    /// without receivers, in which only the handle counts.
    HypervisorRetrieveRequest,
    /// `FFA_MEM_RETRIEVE_RESP`: ranges, and the only one that may say non-secure.
    RetrieveResponse,
}

/// The fields of a transaction's header that do not only describe its layout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransactionHeader {
    /// The owner of the region.
    pub sender: EndpointId,
    /// What kind of memory it is.
    pub attributes: MemoryAttributes,
    /// Flags; an owner may set only [`TransactionFlags::ZERO`], except in a share, and
    /// [`TransactionFlags::TIME_SLICE`].
    pub flags: TransactionFlags,
    /// The region; 0 in what a sender writes, which has no handle yet.
    pub handle: MemoryHandle,
    /// For the endpoints to agree on.
    pub tag: u64,
}

impl TransactionKind {
    /// Whether the owner of the region writes it, not a borrower or the relayer.
    #[must_use]
    pub const fn is_sent_by_owner(self) -> bool {
        matches!(self, TransactionKind::Donate | TransactionKind::Lend | TransactionKind::Share)
    }
}

impl TransactionHeader {
    /// What an owner sends: no flags, no handle, no tag.
    #[must_use]
    pub fn new(sender: EndpointId, attributes: MemoryAttributes) -> TransactionHeader {
        let (flags, handle) = (TransactionFlags::empty(), MemoryHandle(0));
        TransactionHeader { sender, attributes, flags, handle, tag: 0 }
    }

    pub(crate) fn read(
        raw: &Located,
        kind: TransactionKind,
    ) -> Result<TransactionHeader, DescriptorError> {
        let invalid = |field| DescriptorError::new(field, 2, Fault::Invalid);
        let attributes = MemoryAttributes::from_bits(raw.attributes).map_err(invalid)?;
        let may_say = kind == TransactionKind::RetrieveResponse || !attributes.non_secure;
        check(may_say, "attributes[6]", 2, Fault::NotZero)?;
        let flags = read_flags(raw, kind)?;
        let may_have_handle = !kind.is_sent_by_owner() || raw.handle == 0;
        check(may_have_handle, "handle", 8, Fault::NotZero)?;
        Ok(TransactionHeader {
            sender: EndpointId(raw.sender),
            attributes,
            flags,
            handle: MemoryHandle(raw.handle),
            tag: raw.tag,
        })
    }
}

/// Reserved bits are refused rather than dropped: what this crate does not know it cannot pass on.
/// An owner has only bits 1:0, the others belong to retrieval.
fn read_flags(raw: &Located, kind: TransactionKind) -> Result<TransactionFlags, DescriptorError> {
    let flags = TransactionFlags::from_bits_retain(raw.flags);
    let (reserved, field) = match raw.layout {
        TransactionLayout::V1_0 => (flags.bits() >> 10, "flags[31:10]"),
        TransactionLayout::V1_1 | TransactionLayout::V1_2 => (flags.bits() >> 11, "flags[31:11]"),
    };
    check(reserved == 0, field, 4, Fault::NotZero)?;
    if kind.is_sent_by_owner() {
        check(flags.bits() >> 2 == 0, "flags[31:2]", 4, Fault::NotZero)?;
    }
    let zeroed = kind == TransactionKind::Share && flags.contains(TransactionFlags::ZERO);
    check(!zeroed, "flags[0]", 4, Fault::NotZero)?;
    Ok(flags)
}

impl fmt::Display for TransactionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TransactionKind::Donate => "DONATE",
            TransactionKind::Lend => "LEND",
            TransactionKind::Share => "SHARE",
            TransactionKind::RetrieveRequest => "RETRIEVE_REQ",
            TransactionKind::HypervisorRetrieveRequest => "RETRIEVE_REQ (hypervisor)",
            TransactionKind::RetrieveResponse => "RETRIEVE_RESP",
        })
    }
}

impl fmt::Display for TransactionHeader {
    /// `sender=0x0001 handle=0x... tag=0x0 flags=0 memory=normal write-back inner`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TransactionHeader { sender, attributes, flags, handle, tag } = self;
        write!(f, "sender={sender} handle={handle} tag={tag:#x} flags={flags} memory={attributes}")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    const KINDS: [TransactionKind; 6] = [
        TransactionKind::Donate,
        TransactionKind::Lend,
        TransactionKind::Share,
        TransactionKind::RetrieveRequest,
        TransactionKind::HypervisorRetrieveRequest,
        TransactionKind::RetrieveResponse,
    ];

    fn located(attributes: u16, flags: u32, handle: u64) -> Located {
        Located {
            layout: TransactionLayout::V1_1,
            sender: 1,
            attributes,
            flags,
            handle,
            tag: 0x66,
            access_offset: 48,
            access_count: 1,
        }
    }

    /// The kinds that take a header.
    fn takes(attributes: u16, flags: u32, handle: u64) -> [bool; 6] {
        let raw = located(attributes, flags, handle);
        KINDS.map(|kind| TransactionHeader::read(&raw, kind).is_ok())
    }

    #[test]
    fn each_call_has_its_own_rules() {
        assert_eq!(takes(0x2f, 0, 0), [true; 6]);
        assert_eq!(takes(0x6f, 0, 0), [false, false, false, false, false, true]);
        assert_eq!(takes(0, 0, 1), [false, false, false, true, true, true]);
        assert_eq!(takes(0, 1, 0), [true, true, false, true, true, true]);
        assert_eq!(takes(0, 2, 0), [true; 6]);
        assert_eq!(takes(0, 0x7e6, 0), [false, false, false, true, true, true]);
        for bit in 2..11 {
            let retrieval = [false, false, false, true, true, true];
            assert_eq!(takes(0, 1 << bit, 0), retrieval, "bit {bit}");
        }
        assert_eq!(takes(0, 0x800, 0), [false; 6]);
    }

    #[test]
    fn a_header_reads_as_an_engineer_writes_it() {
        let raw = located(0x2f, 2, 0);
        let header = TransactionHeader::read(&raw, TransactionKind::Lend).unwrap();
        assert_eq!(
            header.to_string(),
            "sender=0x0001 handle=0x0000000000000000 tag=0x66 flags=slice \
             memory=normal write-back inner"
        );
    }
}
