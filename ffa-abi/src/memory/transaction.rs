//! Memory transactions: what `FFA_MEM_DONATE`, `FFA_MEM_LEND`, `FFA_MEM_SHARE`,
//! `FFA_MEM_RETRIEVE_REQ` and `FFA_MEM_RETRIEVE_RESP` carry in a buffer.
//!
//! ```text
//! | header | gap? | access descriptors | gap? | composite header | ranges... |
//!                                              \_ absent from a retrieval request
//! ```
//! The parts come in this order and do not overlap; what lies in a gap is ignored. Header, access
//! descriptors and composite header lie in the first fragment, ranges may continue in later ones.
//!
//! Bytes are looked at where they lie, and more than once: they must be a private copy, which the
//! sender cannot change meanwhile.

use core::fmt;

use crate::descriptor::{DescriptorError, Fault, array_end, check, length_of};
use crate::id::EndpointId;
use crate::list::List;
use crate::memory::fragments::Fragments;
use crate::memory::header::{TransactionHeader, TransactionKind};
use crate::memory::layout::{Located, TransactionLayout};
use crate::memory::range::{COMPOSITE_SIZE, Composite, RANGE_SIZE, Ranges, Tally};
use crate::memory::receiver::{CompositeOffset, Receiver, Receivers};
use crate::version::Version;

/// A transaction without its ranges: header, receivers and composite header, all checked.
#[derive(Clone, Debug)]
pub struct TransactionHead<'b> {
    kind: TransactionKind,
    layout: TransactionLayout,
    header: TransactionHeader,
    receivers: Receivers<'b>,
    composite: Option<Composite>,
    total_length: u32,
}

/// A whole transaction in one buffer, all checked, except whether ranges overlap or are there twice:
/// whoever owns the pages checks that.
#[derive(Clone, Debug)]
pub struct Transaction<'b> {
    head: TransactionHead<'b>,
    ranges: Ranges<'b>,
}

/// The first fragment of a transaction, checked as far as it goes; or all of it. Whether ranges overlap
/// or are there twice, in one fragment or in two, whoever owns the pages checks.
#[derive(Clone, Debug)]
pub struct FirstFragment<'b> {
    head: TransactionHead<'b>,
    ranges: Ranges<'b>,
    rest: Fragments,
}

impl<'b> TransactionHead<'b> {
    /// The call that it belongs to.
    #[must_use]
    pub fn kind(&self) -> TransactionKind {
        self.kind
    }

    /// How it was laid out.
    #[must_use]
    pub fn layout(&self) -> TransactionLayout {
        self.layout
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> TransactionHeader {
        self.header
    }

    /// The receivers: at least one, except in [`TransactionKind::HypervisorRetrieveRequest`]; no
    /// endpoint twice.
    #[must_use]
    pub fn receivers(&self) -> Receivers<'b> {
        self.receivers.clone()
    }

    /// What `endpoint` may do, if it is named.
    #[must_use]
    pub fn receiver(&self, endpoint: EndpointId) -> Option<Receiver> {
        self.receivers().find(|receiver| receiver.endpoint == endpoint)
    }

    /// How many pages and ranges the region has, where the transaction says it.
    #[must_use]
    pub fn composite(&self) -> Option<Composite> {
        self.composite
    }

    /// Bytes of the whole transaction, all fragments together.
    #[must_use]
    pub fn total_length(&self) -> u32 {
        self.total_length
    }
}

impl<'b> Transaction<'b> {
    /// Reads a transaction that is whole in `bytes`, written by an endpoint that speaks `version`.
    ///
    /// # Errors
    /// The first thing found wrong in header, receivers or ranges.
    pub fn parse(
        bytes: &'b [u8],
        version: Version,
        kind: TransactionKind,
    ) -> Result<Transaction<'b>, DescriptorError> {
        let total_length = length_of(bytes, "total length")?;
        // As long as the whole, the first fragment is the whole.
        let FirstFragment { head, ranges, .. } =
            FirstFragment::parse(bytes, total_length, version, kind)?;
        Ok(Transaction { head, ranges })
    }

    /// All but the ranges.
    #[must_use]
    pub fn head(&self) -> &TransactionHead<'b> {
        &self.head
    }

    /// The address ranges; none where the transaction has no composite memory region.
    #[must_use]
    pub fn ranges(&self) -> Ranges<'b> {
        self.ranges.clone()
    }
}

impl<'b> FirstFragment<'b> {
    /// Reads the first fragment of a transaction of `total_length` bytes (w1 of the call), written by
    /// an endpoint that speaks `version`. `bytes` is the fragment and no more: w2 says its length.
    ///
    /// Its time grows with the number of receivers, too, and faster than with that of ranges: for the
    /// thousands that a large buffer holds see [`Relinquish::parse`](crate::Relinquish::parse).
    ///
    /// # Errors
    /// The first thing found wrong in header, receivers, composite header, or the ranges that are
    /// there; a total length that is not that of the parts.
    pub fn parse(
        bytes: &'b [u8],
        total_length: u32,
        version: Version,
        kind: TransactionKind,
    ) -> Result<FirstFragment<'b>, DescriptorError> {
        let length = length_of(bytes, "fragment length")?;
        check(length <= total_length, "fragment length", 0, Fault::Mismatch)?;
        let raw = Located::read(bytes, version)?;
        let header = TransactionHeader::read(&raw, kind)?;
        let receivers = raw.receivers(bytes)?;
        let offset = receivers.check(raw.access_offset)?;
        check_receivers(kind, header.sender, &raw, &receivers, offset)?;
        let parts = Parts::read(bytes, total_length, &raw, offset)?;
        let (ranges, rest) = parts.ranges(bytes, length)?;
        let Parts { composite, .. } = parts;
        let layout = raw.layout;
        let head = TransactionHead { kind, layout, header, receivers, composite, total_length };
        Ok(FirstFragment { head, ranges, rest })
    }

    /// All but the ranges.
    #[must_use]
    pub fn head(&self) -> &TransactionHead<'b> {
        &self.head
    }

    /// The address ranges of this fragment.
    #[must_use]
    pub fn ranges(&self) -> Ranges<'b> {
        self.ranges.clone()
    }

    /// What is still to come, to be read with.
    #[must_use]
    pub fn rest(&self) -> Fragments {
        self.rest.clone()
    }

    /// The transaction, where nothing is to come.
    #[must_use]
    pub fn whole(self) -> Option<Transaction<'b>> {
        let FirstFragment { head, ranges, rest } = self;
        rest.is_complete().then_some(Transaction { head, ranges })
    }
}

/// How many receivers there are, who they are, and whether they point to ranges.
fn check_receivers(
    kind: TransactionKind,
    sender: EndpointId,
    raw: &Located,
    receivers: &Receivers<'_>,
    offset: CompositeOffset,
) -> Result<(), DescriptorError> {
    let (count, field) = (raw.access_count, "receiver count");
    if kind == TransactionKind::HypervisorRetrieveRequest {
        return check(count == 0, field, 28, Fault::NotZero);
    }
    check(count != 0, field, 28, Fault::Zero)?;
    check(kind != TransactionKind::Donate || count == 1, field, 28, Fault::Mismatch)?;
    if kind == TransactionKind::RetrieveResponse {
        return check(offset.value != 0, "composite offset", offset.at, Fault::Zero);
    }
    if !kind.is_sent_by_owner() {
        return Ok(());
    }
    let mut at = raw.access_offset;
    for receiver in receivers.clone() {
        check(receiver.endpoint != sender, "receiver", at, Fault::Mismatch)?;
        check(receiver.has_region, "composite offset", at.saturating_add(4), Fault::Zero)?;
        at = at.saturating_add(raw.layout.access_size());
    }
    Ok(())
}

/// Where the access descriptors end, and what the composite header says, if there is one.
struct Parts {
    head_length: u32,
    composite: Option<Composite>,
}

impl Parts {
    fn read(
        bytes: &[u8],
        total_length: u32,
        raw: &Located,
        offset: CompositeOffset,
    ) -> Result<Parts, DescriptorError> {
        let access_end = if raw.access_count == 0 {
            Some(raw.layout.header_size())
        } else {
            array_end(raw.access_offset, raw.access_count, raw.layout.access_size())
        };
        let overflow =
            DescriptorError::new("access descriptors", raw.access_offset, Fault::Overflow);
        let access_end = access_end.ok_or(overflow)?;
        let CompositeOffset { value, at } = offset;
        if value == 0 {
            check(total_length == access_end, "total length", 0, Fault::Mismatch)?;
            return Ok(Parts { head_length: access_end, composite: None });
        }
        check(value % 16 == 0, "composite offset", at, Fault::Unaligned)?;
        check(value >= access_end, "composite offset", at, Fault::Overlaps)?;
        let composite = Composite::read(bytes, value)?;
        let head_length = value.saturating_add(COMPOSITE_SIZE);
        let end = array_end(head_length, composite.ranges, RANGE_SIZE);
        check(end == Some(total_length), "total length", 0, Fault::Mismatch)?;
        Ok(Parts { head_length, composite: Some(composite) })
    }

    /// The ranges in the first `length` bytes, and what is still to come.
    fn ranges<'b>(
        &self,
        bytes: &'b [u8],
        length: u32,
    ) -> Result<(Ranges<'b>, Fragments), DescriptorError> {
        let none = Composite { pages: 0, ranges: 0 };
        let mut tally = Tally::new(self.composite.unwrap_or(none));
        let space = length.saturating_sub(self.head_length);
        check(space % RANGE_SIZE == 0, "fragment length", 0, Fault::Unaligned)?;
        let (at, count) = (self.head_length, space / RANGE_SIZE);
        let ranges = tally.read(bytes, at, count, at)?;
        Ok((ranges, Fragments::new(tally, length)))
    }
}

impl fmt::Display for TransactionHead<'_> {
    /// `SHARE sender=... to=[0x8003:RW] pages=3 ranges=2`, and of many receivers the first eight.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} to={}", self.kind, self.header, List(self.receivers()))?;
        match self.composite {
            Some(Composite { pages, ranges }) => write!(f, " pages={pages} ranges={ranges}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Transaction<'_> {
    /// As its head, and ` at=[0x80000000+2, 0x80004000+1]`, of many ranges the first eight.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.head, f)?;
        match self.head.composite {
            Some(_) => write!(f, " at={}", List(self.ranges())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::memory::attributes::MemoryAttributes;
    use crate::memory::flags::TransactionType;
    use crate::memory::handle::MemoryHandle;
    use crate::memory::permissions::{Permissions, ReceiverFlags};
    use std::string::ToString;
    use std::vec::Vec;

    /// By hand, laid out as the driver of Linux 6.12 does to share two pages with partition 0x8003:
    /// header of 48 bytes, access descriptor of 16 at 0x30, composite at 0x40, 0x60 in all.
    const LINUX_6_12: [u8; 0x60] = [
        0x01, 0x00, 0x2f, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x10, 0, 0, 0, 1, 0, 0, 0, //
        0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0x03, 0x80, 0x02, 0x00, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0x00, 0x50, 0x12, 0x40, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// The same as Linux 6.1 lays it out, which speaks 1.0: access descriptor at 0x20, 0x50 in all.
    const LINUX_6_1: [u8; 0x50] = [
        0x01, 0x00, 0x2f, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0, 0, 0, 1, 0, 0, 0, //
        0x03, 0x80, 0x02, 0x00, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0x00, 0x50, 0x12, 0x40, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// An answer to a retrieval in 1.2: two borrowers, of which the second retrieves read-only and
    /// has an implementation-defined value; a gap of 16 bytes before the composite; two ranges.
    const RESPONSE: [u8; 0xb0] = [
        0x01, 0x00, 0x54, 0x00, 0x10, 0, 0, 0, 0x07, 0, 0, 0, 0, 0, 0, 0x80, //
        0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 2, 0, 0, 0, //
        0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0x02, 0x00, 0x06, 0x01, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0x03, 0x80, 0x05, 0x00, 0x80, 0, 0, 0, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6,
        0xa7, //
        0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0, 0, 0, 0, 0, 0, 0, 0, //
        0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee,
        0xee, //
        4, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0x00, 0x10, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, //
        0x00, 0x40, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,
    ];

    fn share_1_1(bytes: &[u8]) -> Result<Transaction<'_>, DescriptorError> {
        Transaction::parse(bytes, Version::V1_1, TransactionKind::Share)
    }

    fn response(bytes: &[u8]) -> Result<Transaction<'_>, DescriptorError> {
        Transaction::parse(bytes, Version::V1_2, TransactionKind::RetrieveResponse)
    }

    /// Parses `bytes` after a change that must be refused.
    fn fault<const N: usize>(
        bytes: [u8; N],
        version: Version,
        kind: TransactionKind,
        change: &[(usize, u8)],
    ) -> (&'static str, u32, Fault) {
        let mut changed = bytes;
        for (index, byte) in change {
            changed[*index] = *byte;
        }
        let DescriptorError { field, offset, fault } =
            Transaction::parse(&changed, version, kind).unwrap_err();
        (field, offset, fault)
    }

    fn share_fault(change: &[(usize, u8)]) -> (&'static str, u32, Fault) {
        fault(LINUX_6_12, Version::V1_1, TransactionKind::Share, change)
    }

    fn response_fault(change: &[(usize, u8)]) -> (&'static str, u32, Fault) {
        fault(RESPONSE, Version::V1_2, TransactionKind::RetrieveResponse, change)
    }

    #[test]
    fn what_linux_shares_is_read_in_both_layouts() {
        let old = Transaction::parse(&LINUX_6_1, Version::V1_0, TransactionKind::Share).unwrap();
        let new = share_1_1(&LINUX_6_12).unwrap();
        for (transaction, layout, length) in
            [(old, TransactionLayout::V1_0, 0x50), (new, TransactionLayout::V1_1, 0x60)]
        {
            let head = transaction.head();
            assert_eq!((head.layout(), head.total_length()), (layout, length));
            let mut header = TransactionHeader::new(EndpointId(1), MemoryAttributes::NORMAL);
            header.tag = 0x1122_3344_5566_7788;
            assert_eq!(head.header(), header);
            let receivers: Vec<_> = head.receivers().collect();
            assert_eq!(receivers, [Receiver::new(EndpointId(0x8003), Permissions::READ_WRITE)]);
            assert_eq!(head.composite(), Some(Composite { pages: 2, ranges: 1 }));
            let ranges: Vec<_> =
                transaction.ranges().map(|range| (range.address(), range.pages())).collect();
            assert_eq!(ranges, [(0x1_4012_5000, 2)]);
        }
    }

    #[test]
    fn an_answer_to_a_retrieval_is_read() {
        let transaction = response(&RESPONSE).unwrap();
        let head = transaction.head();
        assert!(head.header().attributes.non_secure);
        assert_eq!(head.header().handle, MemoryHandle(0x8000_0000_0000_0007));
        assert_eq!(head.header().flags.transaction_type(), TransactionType::Lend);
        let [first, second] = [2, 0x8003].map(|id| head.receiver(EndpointId(id)).unwrap());
        assert_eq!(first.flags, ReceiverFlags::NON_RETRIEVAL_BORROWER);
        assert!(!first.has_region && second.has_region);
        assert_eq!(second.permissions.bits(), 5);
        assert_eq!(second.implementation_defined[15], 0xaf);
        assert_eq!(head.receiver(EndpointId(1)), None);
        assert_eq!(transaction.ranges().len(), 2);
        assert_eq!(
            head.to_string(),
            "RETRIEVE_RESP sender=0x0001 handle=0x8000000000000007 tag=0x0 flags=lend \
             memory=device nGnRE non-secure to=[0x0002:RW,NX (not retrieving), \
             0x8003:RO,NX (a0a1a2a3a4a5a6a7a8a9aaabacadaeaf)] pages=4 ranges=2"
        );
    }

    #[test]
    fn a_transaction_reads_as_an_engineer_writes_it() {
        let share = share_1_1(&LINUX_6_12).unwrap();
        let head = "SHARE sender=0x0001 handle=0x0000000000000000 tag=0x1122334455667788 flags=0 \
                    memory=normal write-back inner to=[0x8003:RW] pages=2 ranges=1";
        assert_eq!(share.head().to_string(), head);
        assert_eq!(share.to_string(), std::format!("{head} at=[0x140125000+2]"));
        let kind = TransactionKind::HypervisorRetrieveRequest;
        let bare = Transaction::parse(&[0; 48], Version::V1_1, kind).unwrap();
        assert!(bare.to_string().ends_with("memory=unspecified to=[]"), "{bare}");
    }

    #[test]
    fn reserved_fields_are_refused_or_ignored() {
        assert_eq!(share_fault(&[(36, 1)]), ("header reserved", 36, Fault::NotZero));
        assert_eq!(share_fault(&[(47, 1)]), ("header reserved", 36, Fault::NotZero));
        assert_eq!(share_fault(&[(0x38, 1)]), ("access reserved", 0x38, Fault::NotZero));
        assert_eq!(response_fault(&[(0x6f, 1)]), ("access reserved", 0x68, Fault::NotZero));
        let old = |change: &[(usize, u8)]| {
            fault(LINUX_6_1, Version::V1_0, TransactionKind::Share, change)
        };
        assert_eq!(old(&[(3, 1)]), ("header reserved", 3, Fault::NotZero));
        assert_eq!(old(&[(27, 1)]), ("header reserved", 24, Fault::NotZero));
        assert_eq!(old(&[(0x2f, 1)]), ("access reserved", 0x28, Fault::NotZero));
        let mut ignored = LINUX_6_12;
        for index in [0x33, 0x48, 0x5f] {
            ignored[index] = 0xf0;
        }
        ignored[0x32] |= 0xf0;
        assert!(share_1_1(&ignored).is_ok());
    }

    #[test]
    fn reserved_values_are_refused() {
        assert_eq!(share_fault(&[(2, 0xaf)]), ("attributes[15:7]", 2, Fault::Invalid));
        assert_eq!(share_fault(&[(3, 0x80)]), ("attributes[15:7]", 2, Fault::Invalid));
        assert_eq!(share_fault(&[(2, 0x6f)]), ("attributes[6]", 2, Fault::NotZero));
        assert_eq!(share_fault(&[(2, 0x3f)]), ("attributes[5:4]", 2, Fault::Invalid));
        assert_eq!(share_fault(&[(0x32, 3)]), ("permissions[1:0]", 0x32, Fault::Invalid));
        assert_eq!(share_fault(&[(0x32, 0xc)]), ("permissions[3:2]", 0x32, Fault::Invalid));
        assert_eq!(share_fault(&[(5, 8)]), ("flags[31:11]", 4, Fault::NotZero));
        assert_eq!(share_fault(&[(5, 4)]), ("flags[31:2]", 4, Fault::NotZero));
        assert_eq!(response_fault(&[(7, 0x80)]), ("flags[31:11]", 4, Fault::NotZero));
        let old = fault(LINUX_6_1, Version::V1_0, TransactionKind::Share, &[(5, 4)]);
        assert_eq!(old, ("flags[31:10]", 4, Fault::NotZero));
    }

    #[test]
    fn the_call_decides_what_fields_may_hold() {
        use TransactionKind::{Donate, Lend, Share};
        assert_eq!(share_fault(&[(4, 1)]), ("flags[0]", 4, Fault::NotZero));
        assert_eq!(share_fault(&[(4, 0x08)]), ("flags[31:2]", 4, Fault::NotZero));
        assert_eq!(share_fault(&[(8, 1)]), ("handle", 8, Fault::NotZero));
        assert_eq!(share_fault(&[(0, 3), (1, 0x80)]), ("receiver", 0x30, Fault::Mismatch));
        for (kind, flags) in [(Share, 2), (Lend, 1), (Lend, 3), (Donate, 3), (Donate, 1)] {
            let mut bytes = LINUX_6_12;
            bytes[4] = flags;
            assert!(Transaction::parse(&bytes, Version::V1_1, kind).is_ok());
        }
        let donate = fault(RESPONSE, Version::V1_2, Donate, &[(8, 0), (15, 0), (2, 0), (4, 0)]);
        assert_eq!(donate, ("receiver count", 28, Fault::Mismatch));
        let lend = fault(RESPONSE, Version::V1_2, Lend, &[(8, 0), (15, 0), (2, 0), (4, 0)]);
        assert_eq!(lend, ("composite offset", 0x34, Fault::Zero));
    }

    #[test]
    fn offsets_and_counts_are_held_to_the_bytes() {
        assert_eq!(share_fault(&[(24, 32)]), ("access size", 24, Fault::Invalid));
        assert_eq!(share_fault(&[(28, 0)]), ("receiver count", 28, Fault::Zero));
        assert_eq!(share_fault(&[(28, 4)]), ("access descriptors", 0x30, Fault::Truncated));
        assert_eq!(share_fault(&[(31, 0x80)]), ("access descriptors", 0x30, Fault::Truncated));
        assert_eq!(share_fault(&[(32, 0x38)]), ("access offset", 32, Fault::Unaligned));
        assert_eq!(share_fault(&[(32, 0x20)]), ("access offset", 32, Fault::Overlaps));
        assert_eq!(share_fault(&[(32, 0x60)]), ("access descriptors", 0x60, Fault::Truncated));
        assert_eq!(share_fault(&[(0x34, 0)]), ("composite offset", 0x34, Fault::Zero));
        assert_eq!(share_fault(&[(0x34, 0x48)]), ("composite offset", 0x34, Fault::Unaligned));
        assert_eq!(share_fault(&[(0x34, 0x30)]), ("composite offset", 0x34, Fault::Overlaps));
        let past = share_fault(&[(0x37, 0xff)]);
        assert_eq!(past, ("composite memory region", 0xff00_0040, Fault::Truncated));
        assert_eq!(share_fault(&[(0x44, 0)]), ("range count", 0x44, Fault::Zero));
        assert_eq!(share_fault(&[(0x44, 2)]), ("total length", 0, Fault::Mismatch));
        assert_eq!(
            share_fault(&[(0x47, 0x10), (0x43, 0xff)]),
            ("total length", 0, Fault::Mismatch)
        );
        assert_eq!(share_fault(&[(0x40, 1)]), ("range page count", 0x58, Fault::Mismatch));
        assert_eq!(share_fault(&[(0x40, 0)]), ("total page count", 0x40, Fault::Mismatch));
    }

    #[test]
    fn receivers_are_told_apart_and_agree_on_one_region() {
        let twice = response_fault(&[(0x50, 2), (0x51, 0)]);
        assert_eq!(twice, ("receiver", 0x50, Fault::Duplicate));
        let other = response_fault(&[(0x34, 0x90)]);
        assert_eq!(other, ("composite offset", 0x54, Fault::Mismatch));
        let none = response_fault(&[(0x54, 0)]);
        assert_eq!(none, ("composite offset", 0x34, Fault::Zero));
    }

    #[test]
    fn every_shorter_or_longer_buffer_is_refused() {
        for length in 0..LINUX_6_12.len() {
            assert!(share_1_1(&LINUX_6_12[..length]).is_err(), "{length}");
        }
        for length in 0..RESPONSE.len() {
            assert!(response(&RESPONSE[..length]).is_err(), "{length}");
        }
        let longer = [&LINUX_6_12[..], &[0; 16]].concat();
        let error = DescriptorError::new("total length", 0, Fault::Mismatch);
        assert_eq!(share_1_1(&longer).unwrap_err(), error);
    }

    #[test]
    fn a_retrieval_asks_by_handle_or_for_ranges_of_its_own() {
        let kind = TransactionKind::RetrieveRequest;
        let mut request = LINUX_6_12;
        (request[8], request[0x34]) = (7, 0);
        let read = Transaction::parse(&request[..0x40], Version::V1_1, kind).unwrap();
        assert_eq!((read.head().composite(), read.ranges().len()), (None, 0));
        assert_eq!(read.head().header().handle, MemoryHandle(7));
        assert!(!read.head().receivers().next().unwrap().has_region);
        let error = DescriptorError::new("total length", 0, Fault::Mismatch);
        assert_eq!(Transaction::parse(&request, Version::V1_1, kind).unwrap_err(), error);
        let own = Transaction::parse(&LINUX_6_12, Version::V1_1, kind).unwrap();
        assert_eq!(own.ranges().len(), 1);
    }

    #[test]
    fn a_hypervisor_asks_with_a_bare_header() {
        let kind = TransactionKind::HypervisorRetrieveRequest;
        let mut request = [0; 48];
        request[8] = 7;
        let read = Transaction::parse(&request, Version::V1_1, kind).unwrap();
        assert_eq!(read.head().header().handle, MemoryHandle(7));
        assert_eq!(read.head().receivers().len(), 0);
        assert!(Transaction::parse(&request[..32], Version::V1_0, kind).is_ok());
        let error = Transaction::parse(&LINUX_6_12, Version::V1_1, kind).unwrap_err();
        assert_eq!(error, DescriptorError::new("receiver count", 28, Fault::NotZero));
        assert!(Transaction::parse(&[0; 64], Version::V1_1, kind).is_err());
    }

    #[test]
    fn a_first_fragment_is_read_before_the_rest_arrives() {
        let kind = TransactionKind::RetrieveResponse;
        let first =
            |length: usize| FirstFragment::parse(&RESPONSE[..length], 0xb0, Version::V1_2, kind);
        for length in 0..=RESPONSE.len() {
            let cuts = [0x90, 0xa0, 0xb0];
            assert_eq!(first(length).is_ok(), cuts.contains(&length), "{length:#x}");
        }
        let fragment = first(0x90).unwrap();
        assert_eq!(fragment.head().composite(), Some(Composite { pages: 4, ranges: 2 }));
        assert_eq!((fragment.ranges().len(), fragment.rest().offset()), (0, 0x90));
        let mut rest = fragment.rest();
        assert!(fragment.whole().is_none());
        assert_eq!(rest.read(&RESPONSE[0x90..0xa0]).unwrap().len(), 1);
        assert_eq!(rest.read(&RESPONSE[0xa0..]).unwrap().len(), 1);
        assert!(rest.is_complete());
        assert!(first(0xb0).unwrap().whole().is_some());
        let shorter = FirstFragment::parse(&RESPONSE, 0xa0, Version::V1_2, kind);
        assert_eq!(shorter.unwrap_err().field, "fragment length");
        let longer = FirstFragment::parse(&RESPONSE[..0x90], 0xc0, Version::V1_2, kind);
        assert_eq!(longer.unwrap_err().field, "total length");
    }

    #[test]
    fn a_caller_of_1_2_may_write_short_access_descriptors() {
        let read = Transaction::parse(&LINUX_6_12, Version::V1_2, TransactionKind::Share).unwrap();
        assert_eq!(read.head().layout(), TransactionLayout::V1_1);
        assert!(Transaction::parse(&RESPONSE, Version::V1_1, TransactionKind::Share).is_err());
    }
}
