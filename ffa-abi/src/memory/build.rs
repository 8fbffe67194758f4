//! Writing transactions: from parts, or from a transaction of another layout.
//!
//! The head is read back with the reader's own checks before anything is said to be written, so what
//! is built is what a reader of that version accepts.

use zerocopy::little_endian::{U16, U32, U64};

use crate::descriptor::{BuildError, DescriptorError, Fault, array_end, put, room};
use crate::memory::flags::TransactionFlags;
use crate::memory::fragments::Fragments;
use crate::memory::header::{TransactionHeader, TransactionKind};
use crate::memory::layout::{RawTransaction, RawTransaction1_0, TransactionLayout};
use crate::memory::range::{COMPOSITE_SIZE, Composite, MemoryRange, RANGE_SIZE};
use crate::memory::receiver::Receiver;
use crate::memory::transaction::{FirstFragment, Transaction, TransactionHead};

/// A transaction to be written: all but its ranges.
///
/// ```
/// use ffa_abi::{
///     Composite, EndpointId, MemoryAttributes, MemoryRange, NewTransaction, Permissions, Receiver,
///     Transaction, TransactionHeader, TransactionKind, TransactionLayout, Version,
/// };
///
/// let ranges = [MemoryRange::new(0x8000_0000, 4).expect("pages")];
/// let receivers = [Receiver::new(EndpointId(0x8001), Permissions::READ_WRITE)];
/// let share = NewTransaction {
///     kind: TransactionKind::Share,
///     header: TransactionHeader::new(EndpointId(1), MemoryAttributes::NORMAL),
///     receivers: &receivers,
///     composite: Composite::of(ranges),
/// };
///
/// // A sender of FF-A 1.1 writes it into its TX buffer.
/// let mut tx = [0; 4096];
/// let length = share.write(TransactionLayout::V1_1, &mut tx, ranges)?;
/// assert_eq!(length, 0x60);
///
/// // A hypervisor copies it, reads it, and writes it again for an SPMC of FF-A 1.2.
/// let read = Transaction::parse(&tx[..length], Version::V1_1, TransactionKind::Share)?;
/// assert_eq!(read.head().receivers().len(), 1);
/// assert_eq!(read.ranges().next(), Some(ranges[0]));
/// let mut spmc = [0; 4096];
/// assert_eq!(read.translate(TransactionLayout::V1_2, &mut spmc)?, 0x70);
/// # Ok::<(), ffa_abi::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewTransaction<'r> {
    /// The call that it belongs to.
    pub kind: TransactionKind,
    /// The header.
    pub header: TransactionHeader,
    /// The receivers.
    pub receivers: &'r [Receiver],
    /// How many pages and ranges there will be; `None` where the handle says which region is meant.
    pub composite: Option<Composite>,
}

impl NewTransaction<'_> {
    /// Bytes of the whole transaction, w1 of its call; `None` where 32 bits cannot say it.
    #[must_use]
    pub fn total_length(&self, layout: TransactionLayout) -> Option<u32> {
        let count = u32::try_from(self.receivers.len()).ok()?;
        Some(Sizes::of(layout, count, self.composite)?.total)
    }

    /// Writes the transaction whole and returns its length.
    ///
    /// # Errors
    /// See [`BuildError`]. Too few or too many `ranges`, or pages other than the composite header
    /// says, are a [`Fault::Mismatch`]. The buffer is then good for nothing.
    pub fn write(
        &self,
        layout: TransactionLayout,
        buffer: &mut [u8],
        ranges: impl IntoIterator<Item = MemoryRange>,
    ) -> Result<usize, BuildError> {
        self.head().whole(layout, buffer, &mut ranges.into_iter())
    }

    /// Writes the head, and as many `ranges` after it as there is room for. Returns the length of
    /// this fragment, w2 of the call, and what to write the later ones with.
    ///
    /// # Errors
    /// As [`NewTransaction::write`], except that ranges may be left over.
    pub fn write_first(
        &self,
        layout: TransactionLayout,
        buffer: &mut [u8],
        ranges: &mut impl Iterator<Item = MemoryRange>,
    ) -> Result<(usize, Fragments), BuildError> {
        self.head().first(layout, buffer, ranges)
    }

    fn head(&self) -> Head<impl Iterator<Item = Receiver> + Clone> {
        let NewTransaction { kind, header, receivers, composite } = *self;
        Head { kind, header, receivers: receivers.iter().copied(), composite }
    }
}

impl Transaction<'_> {
    /// Writes the same transaction as an endpoint reads it whose layout is `to`, and returns its
    /// length. Nothing is lost.
    ///
    /// # Errors
    /// See [`BuildError`]. [`BuildError::Unrepresentable`] names what `to` has no place for:
    /// an implementation-defined value before 1.2; in 1.0 bit 10 of the flags, and non-secure, which
    /// 1.0 knows only where the borrower asked for it (use [`NewTransaction`] then).
    pub fn translate(&self, to: TransactionLayout, buffer: &mut [u8]) -> Result<usize, BuildError> {
        translatable(self.head(), to)?;
        of_head(self.head()).whole(to, buffer, &mut self.ranges())
    }
}

impl TransactionHead<'_> {
    /// The same in fragments: writes the head, and as many of its `ranges` as there is room for.
    /// Returns the length of this fragment and what to write the later ones with. Ranges are the same
    /// in all layouts.
    ///
    /// # Errors
    /// As [`Transaction::translate`].
    pub fn translate(
        &self,
        to: TransactionLayout,
        buffer: &mut [u8],
        ranges: &mut impl Iterator<Item = MemoryRange>,
    ) -> Result<(usize, Fragments), BuildError> {
        translatable(self, to)?;
        of_head(self).first(to, buffer, ranges)
    }
}

impl Fragments {
    /// Writes as many of `ranges` as there is room for and as are missing, and returns the length of
    /// the fragment: 0 where there was nothing to write.
    ///
    /// # Errors
    /// [`BuildError::NoRoom`] for less than a range; [`Fault::Mismatch`] where the pages cannot sum
    /// up to what the composite header says.
    pub fn write(
        &mut self,
        buffer: &mut [u8],
        ranges: &mut impl Iterator<Item = MemoryRange>,
    ) -> Result<usize, BuildError> {
        if !self.is_complete() {
            room(buffer, RANGE_SIZE)?;
        }
        self.fill(buffer, ranges)
    }
}

fn translatable(head: &TransactionHead<'_>, to: TransactionLayout) -> Result<(), BuildError> {
    let loses = to == TransactionLayout::V1_0 && head.layout() != TransactionLayout::V1_0;
    if loses && head.header().attributes.non_secure {
        return Err(BuildError::Unrepresentable("attributes[6]"));
    }
    Ok(())
}

fn of_head<'b>(head: &TransactionHead<'b>) -> Head<impl Iterator<Item = Receiver> + Clone + 'b> {
    Head {
        kind: head.kind(),
        header: head.header(),
        receivers: head.receivers(),
        composite: head.composite(),
    }
}

/// Where the parts of a transaction end that has no gaps.
struct Sizes {
    access_end: u32,
    head: u32,
    total: u32,
}

impl Sizes {
    fn of(
        layout: TransactionLayout,
        receivers: u32,
        composite: Option<Composite>,
    ) -> Option<Sizes> {
        let access_end = array_end(layout.header_size(), receivers, layout.access_size())?;
        let Some(Composite { ranges, .. }) = composite else {
            return Some(Sizes { access_end, head: access_end, total: access_end });
        };
        let head = access_end.checked_add(COMPOSITE_SIZE)?;
        Some(Sizes { access_end, head, total: array_end(head, ranges, RANGE_SIZE)? })
    }
}

/// [`NewTransaction`], whatever the receivers come from.
struct Head<I> {
    kind: TransactionKind,
    header: TransactionHeader,
    receivers: I,
    composite: Option<Composite>,
}

impl<I: Iterator<Item = Receiver> + Clone> Head<I> {
    fn whole(
        &self,
        layout: TransactionLayout,
        buffer: &mut [u8],
        ranges: &mut impl Iterator<Item = MemoryRange>,
    ) -> Result<usize, BuildError> {
        let (sizes, _) = self.sizes(layout)?;
        let buffer = room(buffer, sizes.total)?;
        let (length, rest) = self.first(layout, buffer, ranges)?;
        if rest.is_complete() && ranges.next().is_none() {
            return Ok(length);
        }
        let count_at = sizes.access_end.saturating_add(4);
        Err(DescriptorError::new("range count", count_at, Fault::Mismatch).into())
    }

    fn first(
        &self,
        layout: TransactionLayout,
        buffer: &mut [u8],
        ranges: &mut impl Iterator<Item = MemoryRange>,
    ) -> Result<(usize, Fragments), BuildError> {
        let (sizes, receivers) = self.sizes(layout)?;
        let head = room(buffer, sizes.head)?;
        self.write_header(layout, receivers, head)?;
        self.write_receivers(layout, &sizes, head)?;
        if let Some(composite) = self.composite {
            put(head, sizes.access_end, &composite.raw())?;
        }
        let mut rest = FirstFragment::parse(head, sizes.total, layout.version(), self.kind)?.rest();
        let head_length = head.len();
        let space = buffer.get_mut(head_length..).unwrap_or_default();
        let length = rest.fill(space, ranges)?;
        Ok((head_length.saturating_add(length), rest))
    }

    fn sizes(&self, layout: TransactionLayout) -> Result<(Sizes, u32), DescriptorError> {
        let overflow = DescriptorError::new("total length", 0, Fault::Overflow);
        let receivers = u32::try_from(self.receivers.clone().count()).map_err(|_| overflow)?;
        let sizes = Sizes::of(layout, receivers, self.composite).ok_or(overflow)?;
        Ok((sizes, receivers))
    }

    fn write_header(
        &self,
        layout: TransactionLayout,
        receivers: u32,
        head: &mut [u8],
    ) -> Result<(), BuildError> {
        let TransactionHeader { sender, attributes, flags, handle, tag } = self.header;
        let (sender, attributes) = (U16::new(sender.0), attributes.bits());
        let (flags, handle, tag) = (U32::new(flags.bits()), U64::new(handle.0), U64::new(tag));
        let access_count = U32::new(receivers);
        if layout == TransactionLayout::V1_0 {
            if flags.get() & TransactionFlags::BYPASS_BORROWER_CHECK.bits() != 0 {
                return Err(BuildError::Unrepresentable("flags[10]"));
            }
            let [attributes, _] = attributes.to_le_bytes();
            let (reserved_3, reserved_24) = (0, U32::ZERO);
            let raw = RawTransaction1_0 {
                sender,
                attributes,
                reserved_3,
                flags,
                handle,
                tag,
                reserved_24,
                access_count,
            };
            return put(head, 0, &raw);
        }
        // Without access descriptors there is no size and no place of them to be told.
        let (size, offset) =
            if receivers == 0 { (0, 0) } else { (layout.access_size(), layout.header_size()) };
        let raw = RawTransaction {
            sender,
            attributes: U16::new(attributes),
            flags,
            handle,
            tag,
            access_size: U32::new(size),
            access_count,
            access_offset: U32::new(offset),
            reserved: [0; 12],
        };
        put(head, 0, &raw)
    }

    fn write_receivers(
        &self,
        layout: TransactionLayout,
        sizes: &Sizes,
        head: &mut [u8],
    ) -> Result<(), BuildError> {
        let composite = if self.composite.is_some() { sizes.access_end } else { 0 };
        let mut at = layout.header_size();
        for receiver in self.receivers.clone() {
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

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::descriptor::Fault;
    use crate::id::EndpointId;
    use crate::memory::attributes::MemoryAttributes;
    use crate::memory::handle::MemoryHandle;
    use crate::memory::permissions::{Permissions, ReceiverFlags};
    use crate::version::Version;
    use std::vec::Vec;

    const RECEIVERS: [Receiver; 2] = [
        Receiver::new(EndpointId(0x8001), Permissions::READ_WRITE),
        Receiver::new(EndpointId(0x8002), Permissions::READ_ONLY),
    ];

    fn ranges(count: u32) -> impl Iterator<Item = MemoryRange> + Clone {
        (1..=count).map(|index| MemoryRange::new(u64::from(index) << 20, index).unwrap())
    }

    fn share(receivers: &[Receiver], count: u32) -> NewTransaction<'_> {
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
        let length =
            share(&RECEIVERS[..1], 1).write(TransactionLayout::V1_0, &mut buffer, ranges(1));
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
        let length = share(&receivers, 1).write(TransactionLayout::V1_2, &mut buffer, ranges(1));
        assert_eq!(length, Ok(0x90));
        let header = [0x20, 0, 0, 0, 2, 0, 0, 0, 0x30, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(buffer[0x18..0x28], header);
        let access = [0x02, 0x80, 0x01, 0x00, 0x70, 0, 0, 0, b'0', b'1'];
        assert_eq!(buffer[0x50..0x5a], access);
        assert_eq!(buffer[0x67..0x72], [b'f', 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn too_little_room_says_how_much_is_needed_and_writes_nothing_past_it() {
        for layout in TransactionLayout::ALL {
            let new = share(&RECEIVERS, 3);
            let total = new.total_length(layout).unwrap() as usize;
            for length in 0..total {
                let mut buffer = [0xcc; 0xb0];
                let written = new.write(layout, &mut buffer[..length], ranges(3));
                assert_eq!(written, Err(BuildError::NoRoom { needed: total }));
                assert_eq!(buffer, [0xcc; 0xb0]);
            }
            assert_eq!(new.write(layout, &mut [0; 0xb0], ranges(3)), Ok(total));
            let head = total - 48;
            let short = new.write_first(layout, &mut [0; 0xb0][..head - 1], &mut ranges(3));
            assert_eq!(short.unwrap_err(), BuildError::NoRoom { needed: head });
        }
    }

    #[test]
    fn what_a_reader_would_refuse_is_not_written() {
        let write = |new: NewTransaction<'_>, given| {
            new.write(TransactionLayout::V1_2, &mut [0; 0x200], ranges(given))
        };
        let fault = |new, given| match write(new, given).unwrap_err() {
            BuildError::Invalid(error) => (error.field, error.fault),
            other => panic!("{other}"),
        };
        let good = share(&RECEIVERS, 3);
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
        let receivers = &[RECEIVERS[0]; 2];
        assert_eq!(fault(NewTransaction { receivers, ..good }, 3), ("receiver", Fault::Duplicate));
        let receivers = &[];
        assert_eq!(fault(NewTransaction { receivers, ..good }, 3), ("receiver count", Fault::Zero));
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
        assert_eq!(endless.total_length(TransactionLayout::V1_2), None);
        assert_eq!(fault(endless, 3), ("total length", Fault::Overflow));
    }

    #[test]
    fn fragments_of_any_size_come_back_whole() {
        for (layout, room) in TransactionLayout::ALL.into_iter().zip([0x50, 0x65, 0x9f]) {
            let mut source = ranges(20);
            let mut buffer = [0; 0xa0];
            let new = share(&RECEIVERS, 20);
            let (length, mut rest) =
                new.write_first(layout, &mut buffer[..room], &mut source).unwrap();
            let total = new.total_length(layout).unwrap();
            let first =
                FirstFragment::parse(&buffer[..length], total, layout.version(), new.kind).unwrap();
            let mut seen: Vec<_> = first.ranges().collect();
            let mut reader = first.rest();
            assert_eq!(reader, rest);
            while !rest.is_complete() {
                let short = rest.write(&mut buffer[..15], &mut source);
                assert_eq!(short, Err(BuildError::NoRoom { needed: 16 }));
                let length = rest.write(&mut buffer[..room], &mut source).unwrap();
                seen.extend(reader.read(&buffer[..length]).unwrap());
            }
            assert!(reader.is_complete() && reader.offset() == total);
            assert_eq!(seen, ranges(20).collect::<Vec<_>>());
            assert_eq!(rest.write(&mut [], &mut source), Ok(0));
        }
    }

    #[test]
    fn a_retrieval_is_asked_for_and_a_bare_handle_too() {
        let mut header = TransactionHeader::new(EndpointId(1), MemoryAttributes::default());
        header.handle = MemoryHandle(0x55);
        header.flags = TransactionFlags::BYPASS_BORROWER_CHECK.with_alignment_hint(Some(3));
        let receivers = &[Receiver::of_handle(EndpointId(2), Permissions::READ_WRITE)];
        let kind = TransactionKind::RetrieveRequest;
        let request = NewTransaction { kind, header, receivers, composite: None };
        let mut buffer = [0; 0x100];
        let length = request.write(TransactionLayout::V1_2, &mut buffer, []).unwrap();
        assert_eq!((length, &buffer[0x30..0x38]), (0x50, &[2, 0, 2, 0, 0, 0, 0, 0][..]));
        let read = Transaction::parse(&buffer[..length], Version::V1_2, kind).unwrap();
        assert_eq!(read.head().header(), header);
        let old = request.write(TransactionLayout::V1_0, &mut buffer, []);
        assert_eq!(old, Err(BuildError::Unrepresentable("flags[10]")));

        header.flags = TransactionFlags::empty();
        let kind = TransactionKind::HypervisorRetrieveRequest;
        let request = NewTransaction { kind, header, receivers: &[], composite: None };
        let mut wanted = [0; 48];
        (wanted[0], wanted[8]) = (1, 0x55);
        let mut buffer = [0xcc; 48];
        assert_eq!(request.write(TransactionLayout::V1_2, &mut buffer, []), Ok(48));
        assert_eq!(buffer, wanted);
    }

    /// Everything that can be compared across layouts.
    fn content(transaction: &Transaction<'_>) -> impl PartialEq + core::fmt::Debug + use<> {
        let head = transaction.head();
        let receivers: Vec<_> = head.receivers().collect();
        let ranges: Vec<_> = transaction.ranges().collect();
        (head.kind(), head.header(), receivers, head.composite(), ranges)
    }

    /// A transaction of each kind, with every field set that all layouts have.
    fn of_each_kind(mut test: impl FnMut(NewTransaction<'_>, u32)) {
        use TransactionKind::*;
        for kind in
            [Donate, Lend, Share, RetrieveRequest, HypervisorRetrieveRequest, RetrieveResponse]
        {
            let mut receivers = RECEIVERS;
            if !kind.is_sent_by_owner() {
                receivers[0].flags = ReceiverFlags::NON_RETRIEVAL_BORROWER;
                receivers[0].has_region = false;
                receivers[1].has_region = kind == RetrieveResponse;
            }
            let (receivers, count) = match kind {
                Donate => (&receivers[..1], 5),
                HypervisorRetrieveRequest => (&receivers[..0], 0),
                RetrieveRequest => (&receivers[..], 0),
                _ => (&receivers[..], 5),
            };
            let mut header = TransactionHeader::new(EndpointId(0x12), MemoryAttributes::NORMAL);
            header.tag = 0xfedc_ba98_7654_3210;
            header.flags = TransactionFlags::TIME_SLICE;
            if !kind.is_sent_by_owner() {
                header.handle = MemoryHandle(0x8000_0000_1234_5678);
                header.flags = TransactionFlags::from_bits_retain(0x377);
            }
            test(
                NewTransaction { kind, header, receivers, composite: Composite::of(ranges(count)) },
                count,
            );
        }
    }

    #[test]
    fn every_layout_translates_to_every_other_and_loses_nothing() {
        let mut pairs = 0;
        of_each_kind(|new, count| {
            for (from, to) in TransactionLayout::ALL
                .into_iter()
                .flat_map(|from| TransactionLayout::ALL.map(|to| (from, to)))
            {
                let (mut there, mut back) = ([0; 0x200], [0; 0x200]);
                let mut original = [0; 0x200];
                let length = new.write(from, &mut original, ranges(count)).unwrap();
                let read =
                    Transaction::parse(&original[..length], from.version(), new.kind).unwrap();
                let translated = read.translate(to, &mut there).unwrap();
                let other =
                    Transaction::parse(&there[..translated], to.version(), new.kind).unwrap();
                assert_eq!(other.head().total_length(), new.total_length(to).unwrap());
                assert_eq!(content(&other), content(&read));
                assert_eq!(other.translate(from, &mut back), Ok(length));
                assert_eq!(back, original);
                pairs += 1;
            }
        });
        assert_eq!(pairs, 54);
    }

    #[test]
    fn what_a_layout_has_no_place_for_is_an_error_unless_it_is_zero() {
        let kind = TransactionKind::RetrieveResponse;
        let translate = |new: NewTransaction<'_>, to| {
            let mut buffer = [0; 0x200];
            let length = new.write(TransactionLayout::V1_2, &mut buffer, ranges(3)).unwrap();
            let read = Transaction::parse(&buffer[..length], Version::V1_2, kind).unwrap();
            read.translate(to, &mut [0; 0x200]).err()
        };
        let lost = |field| Some(BuildError::Unrepresentable(field));
        let [old, middle, new] = TransactionLayout::ALL;
        let plain = NewTransaction { kind, ..share(&RECEIVERS, 3) };
        assert_eq!([old, middle, new].map(|to| translate(plain, to)), [None, None, None]);

        let mut secure = plain;
        secure.header.attributes.non_secure = true;
        let wanted = [lost("attributes[6]"), None, None];
        assert_eq!([old, middle, new].map(|to| translate(secure, to)), wanted);

        let mut bypass = plain;
        bypass.header.flags = TransactionFlags::BYPASS_BORROWER_CHECK;
        let wanted = [lost("flags[10]"), None, None];
        assert_eq!([old, middle, new].map(|to| translate(bypass, to)), wanted);

        let mut receivers = RECEIVERS;
        receivers[1].implementation_defined[7] = 1;
        let defined = NewTransaction { receivers: &receivers, ..plain };
        let field = "implementation-defined value";
        let wanted = [lost(field), lost(field), None];
        assert_eq!([old, middle, new].map(|to| translate(defined, to)), wanted);
    }

    #[test]
    fn a_borrower_of_1_0_that_asked_for_it_is_told_non_secure() {
        let mut new = share(&RECEIVERS, 1);
        new.kind = TransactionKind::RetrieveResponse;
        new.header.attributes.non_secure = true;
        let mut buffer = [0; 0x100];
        let length = new.write(TransactionLayout::V1_0, &mut buffer, ranges(1)).unwrap();
        assert_eq!(buffer[2], 0x6f);
        let read = Transaction::parse(&buffer[..length], Version::V1_0, new.kind).unwrap();
        assert_eq!(read.translate(TransactionLayout::V1_0, &mut [0; 0x100]), Ok(length));
        assert!(read.translate(TransactionLayout::V1_1, &mut [0; 0x100]).is_ok());
    }

    #[test]
    fn a_fragmented_transaction_is_translated_as_it_arrives() {
        let new = share(&RECEIVERS, 9);
        let (mut sent, mut out) = ([0; 0x100], [0; 0x80]);
        let mut source = ranges(9);
        let from = TransactionLayout::V1_0;
        let (length, mut sender) = new.write_first(from, &mut sent[..0x80], &mut source).unwrap();
        let total = new.total_length(from).unwrap();
        let first = FirstFragment::parse(&sent[..length], total, Version::V1_0, new.kind).unwrap();
        let mut reader = first.rest();

        let to = TransactionLayout::V1_2;
        let mut waiting: Vec<_> = first.ranges().collect();
        let mut rest = waiting.drain(..);
        let (length, mut writer) = first.head().translate(to, &mut out, &mut rest).unwrap();
        waiting = rest.collect();
        let mut received = out[..length].to_vec();
        while !writer.is_complete() {
            if !sender.is_complete() {
                let length = sender.write(&mut sent[..0x20], &mut source).unwrap();
                waiting.extend(reader.read(&sent[..length]).unwrap());
            }
            let mut ranges = waiting.drain(..);
            let length = writer.write(&mut out, &mut ranges).unwrap();
            waiting = ranges.collect();
            received.extend(&out[..length]);
        }
        let read = Transaction::parse(&received, Version::V1_2, new.kind).unwrap();
        assert_eq!(read.ranges().collect::<Vec<_>>(), ranges(9).collect::<Vec<_>>());
        assert_eq!(read.head().header(), new.header);
    }
}
