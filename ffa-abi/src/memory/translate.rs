//! Writing a transaction again: as another version reads it, or of other address ranges.

use crate::descriptor::BuildError;
use crate::memory::fragments::Fragments;
use crate::memory::layout::TransactionLayout;
use crate::memory::new_transaction::NewTransaction;
use crate::memory::range::{Composite, MemoryRange};
use crate::memory::receiver::Receivers;
use crate::memory::transaction::{Transaction, TransactionHead};
use crate::version::Version;

impl Transaction<'_> {
    /// Writes the same transaction, of the same ranges, for a reader that speaks `version`, and
    /// returns its length: w1 and w2 of the call. Nothing is lost.
    ///
    /// # Errors
    /// See [`BuildError`]. [`BuildError::Unrepresentable`] names what the layout has no place for:
    /// an implementation-defined value before 1.2; in 1.0 bit 10 of the flags, and non-secure, which
    /// 1.0 knows only where the borrower asked for it (use [`TransactionHead::with_composite`] then).
    pub fn translate(&self, buffer: &mut [u8], version: Version) -> Result<u32, BuildError> {
        self.head().same(version)?.write(buffer, version, self.ranges())
    }
}

impl<'b> TransactionHead<'b> {
    /// The same in fragments: writes the head, and as many of its own `ranges` as there is room for.
    /// Returns the length of this fragment, w2 of the call, and what to write the later ones with.
    ///
    /// # Errors
    /// As [`Transaction::translate`].
    pub fn translate_first(
        &self,
        buffer: &mut [u8],
        version: Version,
        ranges: &mut impl Iterator<Item = MemoryRange>,
    ) -> Result<(u32, Fragments), BuildError> {
        self.same(version)?.write_first(buffer, version, ranges)
    }

    /// The same transaction of other ranges, to be written: what a relayer forwards that maps the
    /// addresses of the sender to more or fewer ranges of its own. Kind and header may be changed
    /// before it is written.
    ///
    /// Unlike [`Transaction::translate`], this writes non-secure for a reader of 1.0 too.
    ///
    /// ```
    /// use ffa_abi::{BuildError, Composite, FirstFragment, Fragments, MemoryRange, Version};
    ///
    /// /// Starts to forward what a VM sends, now that all of its pages are found.
    /// fn forward(
    ///     sent: &FirstFragment<'_>,
    ///     physical: &mut (impl Iterator<Item = MemoryRange> + Clone),
    ///     tx: &mut [u8],
    /// ) -> Result<(u32, Fragments), BuildError> {
    ///     let composite = Composite::of(physical.clone());
    ///     sent.head().with_composite(composite).write_first(tx, Version::V1_2, physical)
    /// }
    /// ```
    #[must_use]
    pub fn with_composite(&self, composite: Option<Composite>) -> NewTransaction<Receivers<'b>> {
        let (kind, header, receivers) = (self.kind(), self.header(), self.receivers());
        NewTransaction { kind, header, receivers, composite }
    }

    fn same(&self, version: Version) -> Result<NewTransaction<Receivers<'b>>, BuildError> {
        let old = TransactionLayout::V1_0;
        let loses = TransactionLayout::of(version) == old && self.layout() != old;
        if loses && self.header().attributes.non_secure {
            return Err(BuildError::Unrepresentable("attributes[6]"));
        }
        Ok(self.with_composite(self.composite()))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::id::EndpointId;
    use crate::memory::attributes::MemoryAttributes;
    use crate::memory::flags::TransactionFlags;
    use crate::memory::handle::MemoryHandle;
    use crate::memory::header::{TransactionHeader, TransactionKind};
    use crate::memory::new_transaction::tests::{RECEIVERS, ranges, share};
    use crate::memory::permissions::ReceiverFlags;
    use crate::memory::receiver::Receiver;
    use crate::memory::transaction::FirstFragment;
    use std::vec::Vec;

    const VERSIONS: [Version; 3] = [Version::V1_0, Version::V1_1, Version::V1_2];

    /// Everything that can be compared across layouts.
    fn content(transaction: &Transaction<'_>) -> impl PartialEq + core::fmt::Debug + use<> {
        let head = transaction.head();
        let receivers: Vec<_> = head.receivers().collect();
        let ranges: Vec<_> = transaction.ranges().collect();
        (head.kind(), head.header(), receivers, head.composite(), ranges)
    }

    /// A transaction of each kind, with every field set that all layouts have.
    fn of_each_kind(mut test: impl FnMut(NewTransaction<Vec<Receiver>>, u32)) {
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
            let receivers = receivers.to_vec();
            let composite = Composite::of(ranges(count));
            test(NewTransaction { kind, header, receivers, composite }, count);
        }
    }

    #[test]
    fn every_layout_translates_to_every_other_and_loses_nothing() {
        let mut pairs = 0;
        of_each_kind(|new, count| {
            for (from, to) in VERSIONS.into_iter().flat_map(|from| VERSIONS.map(|to| (from, to))) {
                let (mut there, mut back) = ([0; 0x200], [0; 0x200]);
                let mut original = [0; 0x200];
                let length = new.write(&mut original, from, ranges(count)).unwrap();
                let sent = &original[..length as usize];
                let read = Transaction::parse(sent, from, new.kind).unwrap();
                let translated = read.translate(&mut there, to).unwrap();
                let received = &there[..translated as usize];
                let other = Transaction::parse(received, to, new.kind).unwrap();
                assert_eq!(other.head().total_length(), new.total_length(to).unwrap());
                assert_eq!(content(&other), content(&read));
                assert_eq!(other.translate(&mut back, from), Ok(length));
                assert_eq!(back, original);
                pairs += 1;
            }
        });
        assert_eq!(pairs, 54);
    }

    #[test]
    fn what_a_layout_has_no_place_for_is_an_error_unless_it_is_zero() {
        let kind = TransactionKind::RetrieveResponse;
        let translate = |new: NewTransaction<[Receiver; 2]>, to| {
            let mut buffer = [0; 0x200];
            let length = new.write(&mut buffer, Version::V1_2, ranges(3)).unwrap();
            let bytes = &buffer[..length as usize];
            let read = Transaction::parse(bytes, Version::V1_2, kind).unwrap();
            read.translate(&mut [0; 0x200], to).err()
        };
        let lost = |field| Some(BuildError::Unrepresentable(field));
        let plain = NewTransaction { kind, ..share(RECEIVERS, 3) };
        assert_eq!(VERSIONS.map(|to| translate(plain, to)), [None, None, None]);

        let mut secure = plain;
        secure.header.attributes.non_secure = true;
        let wanted = [lost("attributes[6]"), None, None];
        assert_eq!(VERSIONS.map(|to| translate(secure, to)), wanted);

        let mut bypass = plain;
        bypass.header.flags = TransactionFlags::BYPASS_BORROWER_CHECK;
        let wanted = [lost("flags[10]"), None, None];
        assert_eq!(VERSIONS.map(|to| translate(bypass, to)), wanted);

        let mut receivers = RECEIVERS;
        receivers[1].implementation_defined[7] = 1;
        let defined = NewTransaction { receivers, ..plain };
        let field = "implementation-defined value";
        let wanted = [lost(field), lost(field), None];
        assert_eq!(VERSIONS.map(|to| translate(defined, to)), wanted);
    }

    #[test]
    fn a_borrower_of_1_0_that_asked_for_it_is_told_non_secure() {
        let mut new = share(RECEIVERS, 1);
        new.kind = TransactionKind::RetrieveResponse;
        new.header.attributes.non_secure = true;
        let mut buffer = [0; 0x100];
        let length = new.write(&mut buffer, Version::V1_0, ranges(1)).unwrap();
        assert_eq!(buffer[2], 0x6f);
        let bytes = &buffer[..length as usize];
        let read = Transaction::parse(bytes, Version::V1_0, new.kind).unwrap();
        assert_eq!(read.translate(&mut [0; 0x100], Version::V1_0), Ok(length));
        assert!(read.translate(&mut [0; 0x100], Version::V1_1).is_ok());
    }

    #[test]
    fn a_fragmented_transaction_is_translated_as_it_arrives() {
        let new = share(RECEIVERS, 9);
        let (mut sent, mut out) = ([0; 0x100], [0; 0x80]);
        let mut source = ranges(9);
        let (length, mut sender) =
            new.write_first(&mut sent[..0x80], Version::V1_0, &mut source).unwrap();
        let total = sender.total_length();
        let first = &sent[..length as usize];
        let first = FirstFragment::parse(first, total, Version::V1_0, new.kind).unwrap();
        let mut reader = first.rest();

        let mut waiting: Vec<_> = first.ranges().collect();
        let mut rest = waiting.drain(..);
        let (length, mut writer) =
            first.head().translate_first(&mut out, Version::V1_2, &mut rest).unwrap();
        assert_eq!(Some(writer.total_length()), new.total_length(Version::V1_2));
        waiting = rest.collect();
        let mut received = out[..length as usize].to_vec();
        while !writer.is_complete() {
            if !sender.is_complete() {
                let length = sender.write(&mut sent[..0x20], &mut source).unwrap();
                waiting.extend(reader.read(&sent[..length as usize]).unwrap());
            }
            let mut ranges = waiting.drain(..);
            let length = writer.write(&mut out, &mut ranges).unwrap();
            waiting = ranges.collect();
            received.extend(&out[..length as usize]);
        }
        let read = Transaction::parse(&received, Version::V1_2, new.kind).unwrap();
        assert_eq!(read.ranges().collect::<Vec<_>>(), ranges(9).collect::<Vec<_>>());
        assert_eq!(read.head().header(), new.header);
    }

    /// What a hypervisor does whose VM's four ranges are two in physical memory, and one of them
    /// three.
    #[test]
    fn a_transaction_is_forwarded_with_other_ranges() {
        for found in [ranges(2).collect::<Vec<_>>(), ranges(7).collect()] {
            let mut sent = [0; 0x200];
            let new = share(RECEIVERS, 4);
            let length = new.write(&mut sent, Version::V1_1, ranges(4)).unwrap();
            let kind = TransactionKind::Share;
            let sent = Transaction::parse(&sent[..length as usize], Version::V1_1, kind).unwrap();

            let mut physical = found.iter().copied();
            let composite = Composite::of(physical.clone());
            let forwarded = sent.head().with_composite(composite);
            let mut tx = [0; 0xb0];
            let (length, mut rest) =
                forwarded.write_first(&mut tx, Version::V1_2, &mut physical).unwrap();
            assert_eq!(Some(rest.total_length()), forwarded.total_length(Version::V1_2));
            let mut received = tx[..length as usize].to_vec();
            while !rest.is_complete() {
                let length = rest.write(&mut tx, &mut physical).unwrap();
                received.extend(&tx[..length as usize]);
            }
            let read = Transaction::parse(&received, Version::V1_2, kind).unwrap();
            assert_eq!((read.head().header(), read.head().composite()), (new.header, composite));
            assert!(read.head().receivers().eq(RECEIVERS));
            assert!(read.ranges().eq(found));
        }
    }
}
