//! Writing transactions, whole or in fragments.
//!
//! The head is read back with the reader's own checks before anything is said to be written, so what
//! is built is what a reader of that version accepts.

use zerocopy::little_endian::{U16, U32, U64};

use crate::descriptor::{BuildError, DescriptorError, Fault, array_end, check, put, room};
use crate::memory::flags::TransactionFlags;
use crate::memory::fragments::Fragments;
use crate::memory::header::{TransactionHeader, TransactionKind};
use crate::memory::layout::{RawTransaction, RawTransaction1_0, TransactionLayout};
use crate::memory::range::{COMPOSITE_SIZE, Composite, MemoryRange, RANGE_SIZE};
use crate::memory::receiver::Receiver;
use crate::memory::transaction::FirstFragment;
use crate::version::Version;

/// A transaction to be written: all but its ranges.
///
/// Receivers come from anywhere that can be walked twice: an array, `slice.iter().copied()`, or the
/// [`Receivers`](crate::Receivers) of a transaction that was read, as
/// [`TransactionHead::with_composite`](crate::TransactionHead::with_composite) takes them over.
///
/// ```
/// use ffa_abi::{
///     Composite, EndpointId, MemoryAttributes, MemoryRange, NewTransaction, Permissions, Receiver,
///     Transaction, TransactionHeader, TransactionKind, Version,
/// };
///
/// let ranges = [MemoryRange::new(0x8000_0000, 4).expect("pages")];
/// let share = NewTransaction {
///     kind: TransactionKind::Share,
///     header: TransactionHeader::new(EndpointId(1), MemoryAttributes::NORMAL),
///     receivers: [Receiver::new(EndpointId(0x8001), Permissions::READ_WRITE)],
///     composite: Composite::of(ranges),
/// };
///
/// // A sender of FF-A 1.1 writes it into its TX buffer.
/// let mut tx = [0; 4096];
/// let length = share.write(&mut tx, Version::V1_1, ranges)?;
/// assert_eq!(length, 0x60);
///
/// // A hypervisor copies it, reads it, and writes it again for an SPMC of FF-A 1.2.
/// let read = Transaction::parse(&tx[..0x60], Version::V1_1, TransactionKind::Share)?;
/// assert_eq!(read.head().receivers().len(), 1);
/// assert_eq!(read.ranges().next(), Some(ranges[0]));
/// let mut spmc = [0; 4096];
/// assert_eq!(read.translate(&mut spmc, Version::V1_2)?, 0x70);
/// # Ok::<(), ffa_abi::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewTransaction<R> {
    /// The call that it belongs to.
    pub kind: TransactionKind,
    /// The header.
    pub header: TransactionHeader,
    /// The receivers.
    pub receivers: R,
    /// How many pages and ranges there will be; `None` where the handle says which region is meant.
    pub composite: Option<Composite>,
}

impl<R: IntoIterator<Item = Receiver> + Clone> NewTransaction<R> {
    /// Bytes of the whole transaction, w1 of its call, for a reader that speaks `version`; `None`
    /// where 32 bits cannot say it.
    #[must_use]
    pub fn total_length(&self, version: Version) -> Option<u32> {
        self.ends(TransactionLayout::of(version)).ok().map(|ends| ends.total)
    }

    /// Writes the transaction whole, for a reader that speaks `version`, and returns its length: w1
    /// and w2 of its call.
    ///
    /// # Errors
    /// See [`BuildError`]. Too few or too many `ranges`, or pages other than the composite header
    /// says, are a [`Fault::Mismatch`]; a receiver that has the region where there is none, a
    /// [`Fault::Zero`].
    pub fn write(
        &self,
        buffer: &mut [u8],
        version: Version,
        ranges: impl IntoIterator<Item = MemoryRange>,
    ) -> Result<u32, BuildError> {
        let ends = self.ends(TransactionLayout::of(version))?;
        let buffer = room(buffer, ends.total)?;
        let mut ranges = ranges.into_iter();
        let (length, rest) = self.write_first(buffer, version, &mut ranges)?;
        let all = rest.is_complete() && ranges.next().is_none();
        check(all, "range count", ends.access.saturating_add(4), Fault::Mismatch)?;
        Ok(length)
    }

    /// Writes the head, and as many `ranges` after it as there is room for. Returns the length of
    /// this fragment, w2 of the call, and what to write the later ones with, which also knows w1:
    /// [`Fragments::total_length`].
    ///
    /// # Errors
    /// As [`NewTransaction::write`], except that ranges may be left over or still to come.
    pub fn write_first(
        &self,
        buffer: &mut [u8],
        version: Version,
        ranges: &mut impl Iterator<Item = MemoryRange>,
    ) -> Result<(u32, Fragments), BuildError> {
        let layout = TransactionLayout::of(version);
        let ends = self.ends(layout)?;
        let head = room(buffer, ends.head)?;
        self.write_header(layout, head)?;
        self.write_receivers(layout, ends.access, head)?;
        if let Some(composite) = self.composite {
            put(head, ends.access, &composite.raw())?;
        }
        let mut rest = FirstFragment::parse(head, ends.total, version, self.kind)?.rest();
        let head_length = head.len();
        rest.fill(buffer.get_mut(head_length..).unwrap_or_default(), ranges)?;
        Ok((rest.offset(), rest))
    }

    fn receivers(&self) -> R::IntoIter {
        self.receivers.clone().into_iter()
    }

    fn ends(&self, layout: TransactionLayout) -> Result<Ends, DescriptorError> {
        let overflow = DescriptorError::new("total length", 0, Fault::Overflow);
        Ends::of(layout, self.receivers().count(), self.composite).ok_or(overflow)
    }

    fn write_header(&self, layout: TransactionLayout, head: &mut [u8]) -> Result<(), BuildError> {
        match layout {
            TransactionLayout::V1_0 => put(head, 0, &self.header_1_0()?),
            TransactionLayout::V1_1 | TransactionLayout::V1_2 => {
                put(head, 0, &self.header_1_1(layout))
            }
        }
    }

    fn header_1_0(&self) -> Result<RawTransaction1_0, BuildError> {
        let TransactionHeader { sender, attributes, flags, handle, tag } = self.header;
        if flags.contains(TransactionFlags::BYPASS_BORROWER_CHECK) {
            return Err(BuildError::Unrepresentable("flags[10]"));
        }
        let [attributes, _] = attributes.bits().to_le_bytes();
        Ok(RawTransaction1_0 {
            sender: U16::new(sender.0),
            attributes,
            reserved_3: 0,
            flags: U32::new(flags.bits()),
            handle: U64::new(handle.0),
            tag: U64::new(tag),
            reserved_24: U32::ZERO,
            access_count: self.access_count(),
        })
    }

    fn header_1_1(&self, layout: TransactionLayout) -> RawTransaction {
        let TransactionHeader { sender, attributes, flags, handle, tag } = self.header;
        let access_count = self.access_count();
        // Without access descriptors there is no size and no place of them to be told.
        let (size, offset) = match access_count.get() {
            0 => (0, 0),
            _ => (layout.access_size(), layout.header_size()),
        };
        RawTransaction {
            sender: U16::new(sender.0),
            attributes: U16::new(attributes.bits()),
            flags: U32::new(flags.bits()),
            handle: U64::new(handle.0),
            tag: U64::new(tag),
            access_size: U32::new(size),
            access_count,
            access_offset: U32::new(offset),
            reserved: [0; 12],
        }
    }

    /// That it fits is known since [`Ends::of`].
    fn access_count(&self) -> U32 {
        U32::new(u32::try_from(self.receivers().count()).unwrap_or(u32::MAX))
    }

    /// `end` is where the access descriptors end and the composite memory region starts.
    fn write_receivers(
        &self,
        layout: TransactionLayout,
        end: u32,
        head: &mut [u8],
    ) -> Result<(), BuildError> {
        let composite = if self.composite.is_some() { end } else { 0 };
        let mut at = layout.header_size();
        for receiver in self.receivers() {
            let is_there = self.composite.is_some() || !receiver.has_region;
            check(is_there, "composite offset", at.saturating_add(4), Fault::Zero)?;
            let raw = receiver.raw(composite);
            if layout == TransactionLayout::V1_2 {
                put(head, at, &raw)?;
            } else if raw.implementation_defined == [0; 16] {
                put(head, at, &raw.short())?;
            } else {
                return Err(BuildError::Unrepresentable("implementation-defined value"));
            }
            at = at.saturating_add(layout.access_size());
        }
        Ok(())
    }
}

/// Where the parts of a transaction end that has no gaps.
struct Ends {
    access: u32,
    head: u32,
    total: u32,
}

impl Ends {
    fn of(
        layout: TransactionLayout,
        receivers: usize,
        composite: Option<Composite>,
    ) -> Option<Ends> {
        let receivers = u32::try_from(receivers).ok()?;
        let access = array_end(layout.header_size(), receivers, layout.access_size())?;
        let Some(Composite { ranges, .. }) = composite else {
            return Some(Ends { access, head: access, total: access });
        };
        let head = access.checked_add(COMPOSITE_SIZE)?;
        Some(Ends { access, head, total: array_end(head, ranges, RANGE_SIZE)? })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::id::EndpointId;
    use crate::memory::attributes::MemoryAttributes;
    use crate::memory::handle::MemoryHandle;
    use crate::memory::permissions::{Permissions, ReceiverFlags};
    use crate::memory::transaction::Transaction;

    pub(crate) const RECEIVERS: [Receiver; 2] = [
        Receiver::new(EndpointId(0x8001), Permissions::READ_WRITE),
        Receiver::new(EndpointId(0x8002), Permissions::READ_ONLY),
    ];

    pub(crate) fn ranges(count: u32) -> impl Iterator<Item = MemoryRange> + Clone {
        (1..=count).map(|index| MemoryRange::new(u64::from(index) << 20, index).unwrap())
    }

    pub(crate) fn share<R>(receivers: R, count: u32) -> NewTransaction<R> {
        NewTransaction {
            kind: TransactionKind::Share,
            header: TransactionHeader {
                tag: 0x99,
                ..TransactionHeader::new(EndpointId(1), MemoryAttributes::NORMAL)
            },
            receivers,
            composite: Composite::of(ranges(count)),
        }
    }

    #[test]
    fn bytes_are_those_of_the_document() {
        let mut buffer = [0xcc; 0x60];
        let length = share([RECEIVERS[0]], 1).write(&mut buffer, Version::V1_0, ranges(1));
        let bytes = [
            0x01, 0x00, 0x2f, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
            0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, //
            0x01, 0x80, 0x02, 0x00, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
            1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
            0, 0, 0x10, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!((length, &buffer[..0x50]), (Ok(0x50), &bytes[..]));
        assert_eq!(buffer[0x50..], [0xcc; 0x10]);

        let mut receivers = RECEIVERS;
        receivers[1].implementation_defined = *b"0123456789abcdef";
        let mut buffer = [0xcc; 0x90];
        let length = share(receivers, 1).write(&mut buffer, Version::V1_2, ranges(1));
        assert_eq!(length, Ok(0x90));
        let header = [0x20, 0, 0, 0, 2, 0, 0, 0, 0x30, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(buffer[0x18..0x28], header);
        let access = [0x02, 0x80, 0x01, 0x00, 0x70, 0, 0, 0, b'0', b'1'];
        assert_eq!(buffer[0x50..0x5a], access);
        assert_eq!(buffer[0x67..0x72], [b'f', 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn too_little_room_says_how_much_is_needed_and_writes_nothing_past_it() {
        for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
            let new = share(RECEIVERS, 3);
            let total = new.total_length(version).unwrap();
            let needed = total as usize;
            for length in 0..needed {
                let mut buffer = [0xcc; 0xb0];
                let written = new.write(&mut buffer[..length], version, ranges(3));
                assert_eq!(written, Err(BuildError::NoRoom { needed }));
                assert_eq!(buffer, [0xcc; 0xb0]);
            }
            assert_eq!(new.write(&mut [0; 0xb0], version, ranges(3)), Ok(total));
            let needed = needed - 48;
            let short = new.write_first(&mut [0; 0xb0][..needed - 1], version, &mut ranges(3));
            assert_eq!(short.unwrap_err(), BuildError::NoRoom { needed });
        }
    }

    #[test]
    fn what_a_reader_would_refuse_is_not_written() {
        fn fault<const N: usize>(
            new: NewTransaction<[Receiver; N]>,
            given: u32,
        ) -> (&'static str, Fault) {
            let written = new.write(&mut [0; 0x200], Version::V1_2, ranges(given));
            match written.unwrap_err() {
                BuildError::Invalid(error) => (error.field, error.fault),
                other => panic!("{other}"),
            }
        }
        let good = share(RECEIVERS, 3);
        assert_eq!(fault(good, 2), ("range count", Fault::Mismatch));
        assert_eq!(fault(good, 4), ("range count", Fault::Mismatch));
        let composite = Some(Composite { pages: 7, ranges: 3 });
        assert_eq!(
            fault(NewTransaction { composite, ..good }, 3),
            ("range page count", Fault::Mismatch)
        );
        assert_eq!(
            fault(NewTransaction { composite: None, ..good }, 0),
            ("composite offset", Fault::Zero)
        );
        let receivers = [RECEIVERS[0]; 2];
        assert_eq!(fault(NewTransaction { receivers, ..good }, 3), ("receiver", Fault::Duplicate));
        assert_eq!(fault(share([], 3), 3), ("receiver count", Fault::Zero));
        let kind = TransactionKind::Donate;
        assert_eq!(fault(NewTransaction { kind, ..good }, 3), ("receiver count", Fault::Mismatch));
        let mut header = good.header;
        header.handle = MemoryHandle(1);
        assert_eq!(fault(NewTransaction { header, ..good }, 3), ("handle", Fault::NotZero));
        let mut header = good.header;
        header.flags = TransactionFlags::from_bits_retain(1 << 11);
        assert_eq!(fault(NewTransaction { header, ..good }, 3), ("flags[31:11]", Fault::NotZero));
        let composite = Some(Composite { pages: u32::MAX, ranges: u32::MAX });
        let endless = NewTransaction { composite, ..good };
        assert_eq!(endless.total_length(Version::V1_2), None);
        assert_eq!(fault(endless, 3), ("total length", Fault::Overflow));
    }

    #[test]
    fn undefined_flags_of_a_receiver_are_written_as_zero() {
        let mut receiver = RECEIVERS[0];
        receiver.flags = ReceiverFlags::from_bits_retain(0xff);
        let mut buffer = [0xcc; 0x60];
        assert_eq!(share([receiver], 1).write(&mut buffer, Version::V1_1, ranges(1)), Ok(0x60));
        assert_eq!(buffer[0x33], 1);
    }

    #[test]
    fn a_retrieval_is_asked_for_and_a_bare_handle_too() {
        let mut header = TransactionHeader::new(EndpointId(1), MemoryAttributes::default());
        header.handle = MemoryHandle(0x55);
        header.flags = TransactionFlags::BYPASS_BORROWER_CHECK.with_alignment_hint(Some(3));
        let receivers = [Receiver::of_handle(EndpointId(2), Permissions::READ_WRITE)];
        let kind = TransactionKind::RetrieveRequest;
        let request = NewTransaction { kind, header, receivers, composite: None };
        let mut buffer = [0; 0x100];
        assert_eq!(request.write(&mut buffer, Version::V1_2, []), Ok(0x50));
        assert_eq!(buffer[0x30..0x38], [2, 0, 2, 0, 0, 0, 0, 0]);
        let read = Transaction::parse(&buffer[..0x50], Version::V1_2, kind).unwrap();
        assert_eq!(read.head().header(), header);
        let old = request.write(&mut buffer, Version::V1_0, []);
        assert_eq!(old, Err(BuildError::Unrepresentable("flags[10]")));
        let receivers = [Receiver { has_region: true, ..receivers[0] }];
        let lost = NewTransaction { receivers, ..request }.write(&mut buffer, Version::V1_2, []);
        let error = DescriptorError::new("composite offset", 0x34, Fault::Zero);
        assert_eq!(lost, Err(error.into()));

        header.flags = TransactionFlags::empty();
        let kind = TransactionKind::HypervisorRetrieveRequest;
        let request = NewTransaction { kind, header, receivers: [], composite: None };
        let mut wanted = [0; 48];
        (wanted[0], wanted[8]) = (1, 0x55);
        let mut buffer = [0xcc; 48];
        assert_eq!(request.write(&mut buffer, Version::V1_2, []), Ok(48));
        assert_eq!(buffer, wanted);
    }
}
