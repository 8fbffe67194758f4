//! Lists of partition information descriptors, as `FFA_PARTITION_INFO_GET` leaves them in an RX buffer.
//!
//! ```text
//! offset  0             size          2 * size
//!         | descriptor | descriptor | ...      count in w2 of the reply, size in w3 from 1.1 on
//! ```
//! Later versions append fields to the 24 bytes of 1.1: whoever reads steps by the size that the callee
//! told, and looks at the bytes it knows.

use core::slice::ChunksExact;

use crate::calls::partition_info_get::{PartitionInfoGetReply, partition_descriptor_size};
use crate::descriptor::{BuildError, DescriptorError, Fault, array_end, check, put, room, view};
use crate::partition_info::{PartitionInfo, PartitionInfo1_0};
use crate::uuid::Uuid;
use crate::version::Version;

/// The partitions that lie in one buffer, in order. That they fit was checked.
///
/// ```
/// use ffa_abi::{EndpointId, PartitionInfo, PartitionInfos, PartitionProperties, Uuid, Version};
///
/// let vm = PartitionInfo::new(EndpointId(1), 4, PartitionProperties::AARCH64, Uuid::NIL);
/// // Who answers writes the list into RX, and the reply into the registers.
/// let mut rx = [0; 4096];
/// let reply = PartitionInfos::write(&mut rx, Version::V1_1, [vm])?;
/// // Who asked finds them there.
/// let mut found = PartitionInfos::parse(&rx, reply, Version::V1_1)?;
/// assert_eq!(found.next().map(|info| info.id()), Some(EndpointId(1)));
/// # Ok::<(), ffa_abi::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PartitionInfos<'b>(ChunksExact<'b, u8>);

impl<'b> PartitionInfos<'b> {
    /// Reads the list at the start of `bytes`, which a caller that speaks `version` was told of by
    /// `reply`; what follows it is ignored. Of a descriptor of 1.0 the UUID is nil.
    ///
    /// # Errors
    /// A size of descriptors that no version has, as the 0 of a reply that only counts; descriptors
    /// past the end of `bytes`.
    pub fn parse(
        bytes: &'b [u8],
        reply: PartitionInfoGetReply,
        version: Version,
    ) -> Result<PartitionInfos<'b>, DescriptorError> {
        let size = told_size(reply, version)?;
        let length = usize::try_from(reply.count).ok().and_then(|count| count.checked_mul(size));
        match length.and_then(|length| bytes.get(..length)) {
            // No size is zero.
            Some(list) => Ok(PartitionInfos(list.chunks_exact(size))),
            None => {
                let at = u32::try_from(bytes.len() - bytes.len() % size).unwrap_or(u32::MAX);
                Err(DescriptorError::new(DESCRIPTOR, at, Fault::Truncated))
            }
        }
    }

    /// Writes a list for a caller that speaks `version`, each as [`PartitionInfo::write`] does, and
    /// returns what to answer.
    ///
    /// # Errors
    /// No room for all of them, or more than 32 bits can count; a [`Fault::Mismatch`] where `infos` has
    /// fewer the second time than the first.
    pub fn write(
        buffer: &mut [u8],
        version: Version,
        infos: impl IntoIterator<Item = PartitionInfo> + Clone,
    ) -> Result<PartitionInfoGetReply, BuildError> {
        let overflow = DescriptorError::new("partition count", 0, Fault::Overflow);
        let count = u32::try_from(infos.clone().into_iter().count()).map_err(|_| overflow)?;
        let size = descriptor_size(version);
        let list = room(buffer, array_end(0, count, size).ok_or(overflow)?)?;
        let mut written = 0;
        for (index, info) in (0..count).zip(infos) {
            info.put(list, size.saturating_mul(index), version)?;
            written = index.saturating_add(1);
        }
        check(written == count, "partition count", 0, Fault::Mismatch)?;
        Ok(PartitionInfoGetReply::listed(count, version))
    }
}

const DESCRIPTOR: &str = "partition information descriptor";

fn descriptor_size(version: Version) -> u32 {
    u32::try_from(partition_descriptor_size(version)).unwrap_or(u32::MAX)
}

/// Bytes from one descriptor to the next; never 0. In 1.0 the reply does not tell.
fn told_size(reply: PartitionInfoGetReply, version: Version) -> Result<usize, DescriptorError> {
    if version < Version::V1_1 {
        return Ok(size_of::<PartitionInfo1_0>());
    }
    let error = |fault| DescriptorError::new("descriptor size", 0, fault);
    match usize::try_from(reply.descriptor_size).map_err(|_| error(Fault::Invalid))? {
        0 => Err(error(Fault::Zero)),
        size if size == size_of::<PartitionInfo1_0>() => Ok(size),
        size if size >= size_of::<PartitionInfo>() => Ok(size),
        _ => Err(error(Fault::Invalid)),
    }
}

impl PartitionInfo {
    /// Writes the descriptor as a caller that speaks `version` reads it, with the properties that this
    /// version defines and before 1.1 without the UUID, and returns its length.
    ///
    /// # Errors
    /// No room.
    pub fn write(&self, buffer: &mut [u8], version: Version) -> Result<usize, BuildError> {
        self.put(buffer, 0, version)?;
        Ok(partition_descriptor_size(version))
    }

    fn put(&self, buffer: &mut [u8], at: u32, version: Version) -> Result<(), BuildError> {
        if version < Version::V1_1 {
            put(buffer, at, &self.to_1_0())
        } else {
            put(buffer, at, &self.seen_by(version, Uuid::NIL))
        }
    }

    fn read(bytes: &[u8]) -> Result<PartitionInfo, DescriptorError> {
        if bytes.len() < size_of::<PartitionInfo>() {
            view::<PartitionInfo1_0>(bytes, 0, DESCRIPTOR).map(|old| PartitionInfo::from(*old))
        } else {
            view(bytes, 0, DESCRIPTOR).copied()
        }
    }
}

impl Iterator for PartitionInfos<'_> {
    type Item = PartitionInfo;

    fn next(&mut self) -> Option<PartitionInfo> {
        self.0.next().and_then(|bytes| PartitionInfo::read(bytes).ok())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for PartitionInfos<'_> {}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::id::EndpointId;
    use crate::partition_info::{EndpointKind, PartitionProperties};
    use std::vec::Vec;

    /// By hand: partitions 0x8003 and 2, of 4 and 1 contexts, in 1.0.
    const OLD: [u8; 16] = [0x03, 0x80, 4, 0, 3, 0, 0, 0, 2, 0, 1, 0, 5, 0, 0, 0];

    /// The same in 1.1, the first with a UUID and more properties.
    const NEW: [u8; 48] = [
        0x03, 0x80, 4, 0, 0x1b, 1, 0, 0, //
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, //
        0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, //
        2, 0, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    fn told(count: u32, descriptor_size: u32) -> PartitionInfoGetReply {
        PartitionInfoGetReply { count, descriptor_size }
    }

    fn fault(bytes: &[u8], reply: PartitionInfoGetReply) -> (&'static str, u32, Fault) {
        let error = PartitionInfos::parse(bytes, reply, Version::V1_2).unwrap_err();
        (error.field, error.offset, error.fault)
    }

    #[test]
    fn descriptors_of_every_size_are_read() {
        let old = PartitionInfos::parse(&OLD, told(2, 0), Version::V1_0).unwrap();
        let [first, second]: [PartitionInfo; 2] = old.collect::<Vec<_>>().try_into().unwrap();
        assert_eq!((first.id(), first.execution_contexts()), (EndpointId(0x8003), 4));
        assert_eq!((first.properties().bits(), first.uuid()), (3, Uuid::NIL));
        let same = PartitionInfos::parse(&OLD, told(2, 8), Version::V1_1).unwrap();
        assert!(same.eq([first, second]));

        let new = PartitionInfos::parse(&NEW, told(2, 24), Version::V1_1).unwrap();
        assert_eq!(new.len(), 2);
        let infos: Vec<_> = new.collect();
        assert_eq!(infos[1], second);
        assert_eq!(infos[0].properties().kind(), EndpointKind::IndependentSepid);
        assert_eq!(infos[0].uuid(), "00112233-4455-6677-8899-aabbccddeeff".parse().unwrap());

        for size in [28, 32, 48] {
            let mut longer = NEW.to_vec();
            longer.splice(24..24, std::vec![0xee; size as usize - 24]);
            longer.resize(2 * size as usize, 0xee);
            let longer = PartitionInfos::parse(&longer, told(2, size), Version::V1_3).unwrap();
            assert!(longer.eq(infos.iter().copied()), "{size}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_what_follows_is_ignored() {
        let past = |at| ("partition information descriptor", at, Fault::Truncated);
        assert_eq!(fault(&NEW[..47], told(2, 24)), past(24));
        assert_eq!(fault(&NEW, told(3, 24)), past(48));
        assert_eq!(fault(&NEW, told(u32::MAX, u32::MAX)), past(0));
        assert_eq!(fault(&NEW, told(2, 0)), ("descriptor size", 0, Fault::Zero));
        for size in [1, 7, 9, 16, 23] {
            assert_eq!(fault(&NEW, told(1, size)), ("descriptor size", 0, Fault::Invalid));
        }
        let first = PartitionInfos::parse(&NEW, told(1, 24), Version::V1_1).unwrap();
        assert_eq!(first.count(), 1);
        let none = PartitionInfos::parse(&[], told(0, 24), Version::V1_1).unwrap();
        assert_eq!(none.count(), 0);
    }

    #[test]
    fn each_version_is_written_what_it_reads() {
        let infos = PartitionInfos::parse(&NEW, told(2, 24), Version::V1_1).unwrap();
        let written = |version, length| {
            let mut buffer = [0xcc; 56];
            let reply = PartitionInfos::write(&mut buffer[..length], version, infos.clone());
            (reply, buffer)
        };
        let (reply, buffer) = written(Version::V1_0, 16);
        assert_eq!((reply, &buffer[..16]), (Ok(told(2, 0)), &OLD[..]));
        let (reply, buffer) = written(Version::V1_2, 48);
        assert_eq!((reply, &buffer[..48]), (Ok(told(2, 24)), &NEW[..]));
        assert_eq!(buffer[48..], [0xcc; 8]);
        for (version, needed) in [(Version::V1_0, 16), (Version::V1_1, 48)] {
            let (reply, buffer) = written(version, needed - 1);
            assert_eq!((reply, buffer), (Err(BuildError::NoRoom { needed }), [0xcc; 56]));
        }
    }

    #[test]
    fn one_descriptor_hides_what_its_reader_does_not_define() {
        let properties = PartitionProperties::from_bits_retain(u32::MAX);
        let info = PartitionInfo::new(EndpointId(1), 1, properties, Uuid::NIL);
        let mut buffer = [0; 24];
        assert_eq!(info.write(&mut buffer, Version::V1_1), Ok(24));
        assert_eq!(buffer[4..8], [0xff, 1, 0, 0]);
        assert_eq!(info.write(&mut buffer, Version::V1_0), Ok(8));
        assert_eq!(buffer[4..8], [7, 0, 0, 0]);
        let short = info.write(&mut buffer[..23], Version::V1_1);
        assert_eq!(short, Err(BuildError::NoRoom { needed: 24 }));
    }

    #[test]
    fn a_list_that_shrinks_while_it_is_written_is_refused() {
        use core::cell::Cell;
        use core::iter::from_fn;
        let left = Cell::new(2);
        let infos = from_fn(|| {
            left.set(left.get() - 1);
            (left.get() >= 0).then(PartitionInfo::default)
        });
        let mut rx = [0; 48];
        let error = PartitionInfos::write(&mut rx, Version::V1_1, infos.clone()).unwrap_err();
        let mismatch = DescriptorError::new("partition count", 0, Fault::Mismatch);
        assert_eq!(error, BuildError::Invalid(mismatch));
    }
}
