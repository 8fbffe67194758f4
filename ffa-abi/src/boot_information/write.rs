//! Writing boot information.

use zerocopy::little_endian::{U16, U32, U64};

use super::read::BootInformation;
use super::{
    BOOT_INFORMATION_SIGNATURE, BootContents, BootItemName, BootItemType, DESCRIPTOR_SIZE,
    HEADER_SIZE, RawBootDescriptor, RawBootHeader, has_boot_information,
};
use crate::descriptor::{
    BuildError, DescriptorError, Fault, array_end, check, length_of, put, room,
};
use crate::version::Version;

/// Writes boot information, piece by piece.
///
/// ```
/// use ffa_abi::{
///     BootInformation, BootInformationWriter, BootItemName, BootItemType, Version,
/// };
///
/// let mut page = [0; 4096];
/// let mut writer = BootInformationWriter::new(&mut page, Version::V1_1, 1)?;
/// let (name, item_type) = (BootItemName::Text(c""), BootItemType::FLATTENED_DEVICE_TREE);
/// // The partition will find the page at 0x7000_0000.
/// writer.bytes(name, item_type, b"\xd0\x0d\xfe\xed", Some(0x7000_0000))?;
/// let size = writer.finish()?;
///
/// let read = BootInformation::parse(&page[..size])?;
/// let tree = read.find(item_type).expect("the tree");
/// assert_eq!(read.contents_at(tree.contents, 0x7000_0000), Some(&b"\xd0\x0d\xfe\xed"[..]));
/// # Ok::<(), ffa_abi::BuildError>(())
/// ```
#[derive(Debug)]
pub struct BootInformationWriter<'b> {
    buffer: &'b mut [u8],
    version: Version,
    count: u32,
    written: u32,
    end: u32,
}

impl<'b> BootInformationWriter<'b> {
    /// Starts boot information of `count` pieces in `buffer`, written in `version`.
    ///
    /// # Errors
    /// No room for header and descriptors, or a version that has none: before 1.1, or of another
    /// major.
    pub fn new(
        buffer: &'b mut [u8],
        version: Version,
        count: u32,
    ) -> Result<BootInformationWriter<'b>, BuildError> {
        check(has_boot_information(version), "version", 4, Fault::Invalid)?;
        let end = array_end(HEADER_SIZE, count, DESCRIPTOR_SIZE).ok_or(too_many())?;
        room(buffer, end)?.fill(0);
        Ok(BootInformationWriter { buffer, version, count, written: 0, end })
    }

    /// Adds a value, of which `size` bytes count, 1..=8.
    ///
    /// # Errors
    /// A size or name that is none, or one piece too many.
    pub fn value(
        &mut self,
        name: BootItemName<'_>,
        item_type: BootItemType,
        value: u64,
        size: u8,
    ) -> Result<(), BuildError> {
        self.add(name, item_type, BootContents::Value { value, size }, self.end)
    }

    /// Adds `size` bytes at `address`, which lie anywhere.
    ///
    /// # Errors
    /// A name that is none, bytes past the end of 64 bits, or one piece too many.
    pub fn address(
        &mut self,
        name: BootItemName<'_>,
        item_type: BootItemType,
        address: u64,
        size: u32,
    ) -> Result<(), BuildError> {
        self.add(name, item_type, BootContents::Address { address, size }, self.end)
    }

    /// Adds `bytes`: copies them into the blob, at a multiple of 8, and tells their address, where the
    /// partition finds the blob at `base`; without a base their offset, which is for 1.3 and later.
    ///
    /// # Errors
    /// No room, a name that is none, bytes past the end of 64 bits, or one piece too many. After an
    /// error pieces may still be added: this one is as if it had not been tried.
    pub fn bytes(
        &mut self,
        name: BootItemName<'_>,
        item_type: BootItemType,
        bytes: &[u8],
        base: Option<u64>,
    ) -> Result<(), BuildError> {
        let overflow = DescriptorError::new("contents", 24, Fault::Overflow);
        let size = length_of(bytes, "size")?;
        let offset = self.end.checked_next_multiple_of(8).ok_or(overflow)?;
        let end = array_end(offset, size, 1).ok_or(overflow)?;
        room(self.buffer, end)?;
        let contents = match base {
            Some(base) => {
                let address = base.checked_add(offset.into()).ok_or(overflow)?;
                BootContents::Address { address, size }
            }
            None => BootContents::Offset { offset, size },
        };
        self.add(name, item_type, contents, end)?;
        self.append(bytes, end).ok_or(overflow.into())
    }

    /// Zeroes what lies between the blob's end and `bytes`, which are to end at `end`.
    fn append(&mut self, bytes: &[u8], end: u32) -> Option<()> {
        let used = usize::try_from(self.end).ok()?;
        let space = room(self.buffer, end).ok()?.get_mut(used..)?;
        let padding = space.len().checked_sub(bytes.len())?;
        let (padding, contents) = space.split_at_mut_checked(padding)?;
        padding.fill(0);
        contents.copy_from_slice(bytes);
        self.end = end;
        Some(())
    }

    /// `end` is where the blob ends with this piece.
    fn add(
        &mut self,
        name: BootItemName<'_>,
        item_type: BootItemType,
        contents: BootContents,
        end: u32,
    ) -> Result<(), BuildError> {
        check(self.written < self.count, "descriptor count", 16, Fault::Mismatch)?;
        let at = array_end(HEADER_SIZE, self.written, DESCRIPTOR_SIZE).ok_or(too_many())?;
        let raw = RawBootDescriptor::new(name, item_type, contents).ok_or(DescriptorError::new(
            "name",
            at,
            Fault::Invalid,
        ))?;
        raw.item(self.version, at, &(HEADER_SIZE..=end))?;
        put(self.buffer, at, &raw)?;
        self.written = self.written.saturating_add(1);
        Ok(())
    }

    /// Writes the header and returns the bytes of all.
    ///
    /// # Errors
    /// Pieces that are missing.
    pub fn finish(self) -> Result<usize, BuildError> {
        check(self.written == self.count, "descriptor count", 16, Fault::Mismatch)?;
        let raw = RawBootHeader {
            signature: U32::new(BOOT_INFORMATION_SIGNATURE),
            version: U32::new(self.version.bits()),
            blob_size: U32::new(self.end),
            descriptor_size: U32::new(DESCRIPTOR_SIZE),
            descriptor_count: U32::new(self.count),
            array_offset: U32::new(HEADER_SIZE),
            reserved: U64::ZERO,
        };
        let blob = room(self.buffer, self.end)?;
        put(blob, 0, &raw)?;
        BootInformation::parse(blob)?;
        Ok(blob.len())
    }
}

fn too_many() -> DescriptorError {
    DescriptorError::new("descriptor count", 16, Fault::Overflow)
}

impl RawBootDescriptor {
    /// `None` for a name of more than 15 bytes.
    fn new(
        name: BootItemName<'_>,
        item_type: BootItemType,
        contents: BootContents,
    ) -> Option<RawBootDescriptor> {
        let mut name_bytes = [0; 16];
        let name_format = match name {
            BootItemName::Text(text) => {
                let text = text.to_bytes_with_nul();
                name_bytes.get_mut(..text.len())?.copy_from_slice(text);
                0
            }
            BootItemName::Uuid(uuid) => {
                name_bytes = uuid.0;
                1
            }
        };
        let (contents_format, value, size) = match contents {
            BootContents::Address { address, size } => (0, address, size),
            BootContents::Value { value, size } => (1, value, size.into()),
            BootContents::Offset { offset, size } => (2, offset.into(), size),
        };
        Some(RawBootDescriptor {
            name: name_bytes,
            item_type: item_type.0,
            reserved: 0,
            flags: U16::new(contents_format << 2 | name_format),
            size: U32::new(size),
            contents: U64::new(value),
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::boot_information::tests::{ANSWER, BYTES, VALUE};
    use std::vec::Vec;

    #[test]
    fn bytes_are_those_of_the_document() {
        let mut page = [0xcc; 0x80];
        let mut writer = BootInformationWriter::new(&mut page, Version::V1_1, 2).unwrap();
        let tree = BootItemType::FLATTENED_DEVICE_TREE;
        let name = BootItemName::Text(c"");
        writer.bytes(name, tree, b"\xd0\x0d\xfe\xed", Some(0x7000_0000)).unwrap();
        writer.value(BootItemName::Text(c"answer"), ANSWER, VALUE, 8).unwrap();
        assert_eq!(writer.finish(), Ok(0x64));
        assert_eq!((&page[..0x64], page[0x64]), (&BYTES[..], 0xcc));
    }

    #[test]
    fn from_1_3_on_contents_may_be_an_offset() {
        let mut page = [0xcc; 0x100];
        let mut writer = BootInformationWriter::new(&mut page, Version::V1_3, 3).unwrap();
        let uuid = "00112233-4455-6677-8899-aabbccddeeff".parse().unwrap();
        let (name, text) = (BootItemName::Uuid(uuid), BootItemName::Text(c"fifteen letters"));
        writer.bytes(name, ANSWER, b"abc", None).unwrap();
        writer.bytes(text, ANSWER, b"defg", None).unwrap();
        writer.address(text, BootItemType::HAND_OFF_BLOCKS, 0x1000, 0x2000).unwrap();
        let size = writer.finish().unwrap();
        let read = BootInformation::parse(&page[..size]).unwrap();
        let items: Vec<_> = read.items().collect();
        assert_eq!(items[0].contents, BootContents::Offset { offset: 0x80, size: 3 });
        assert_eq!(items[0].name, name);
        assert_eq!(read.contents_at(items[0].contents, 7), Some(&b"abc"[..]));
        assert_eq!(page[0x83..0x88], [0; 5]);
        assert_eq!(items[1].contents, BootContents::Offset { offset: 0x88, size: 4 });
        assert_eq!(items[1].name, text);
        assert_eq!(items[2].contents, BootContents::Address { address: 0x1000, size: 0x2000 });

        let mut old = page;
        old[4] = 2;
        let error = DescriptorError::new("flags[3:2]", 0x32, Fault::Invalid);
        assert_eq!(BootInformation::parse(&old).unwrap_err(), error);
        for (index, byte) in [(0x38, 0x7f), (0x38, 0xff), (0x34, 0xff), (0x3c, 1)] {
            let mut bad = page;
            bad[index] = byte;
            let error = BootInformation::parse(&bad[..size]).unwrap_err();
            assert_eq!(error, DescriptorError::new("contents", 0x38, Fault::Truncated));
        }
    }

    #[test]
    fn the_writer_stays_in_its_buffer_and_keeps_its_word() {
        let new = |length, count| {
            let mut buffer = [0; 0x100];
            BootInformationWriter::new(&mut buffer[..length], Version::V1_1, count).err()
        };
        assert_eq!(new(0x5f, 2), Some(BuildError::NoRoom { needed: 0x60 }));
        assert_eq!(new(0x60, 2), None);
        assert_eq!(new(0x60, u32::MAX), Some(BuildError::Invalid(too_many())));
        let mut buffer = [0; 0x48];
        let old = BootInformationWriter::new(&mut buffer, Version::V1_0, 0);
        assert!(matches!(old, Err(BuildError::Invalid(error)) if error.field == "version"));

        let mut writer = BootInformationWriter::new(&mut buffer, Version::V1_1, 1).unwrap();
        let name = BootItemName::Text(c"");
        let room = writer.bytes(name, ANSWER, &[1; 9], Some(0));
        assert_eq!(room, Err(BuildError::NoRoom { needed: 0x49 }));
        let long = writer.value(BootItemName::Text(c"sixteen letters!"), ANSWER, 0, 1);
        let field = |result: Result<(), BuildError>| match result {
            Err(BuildError::Invalid(error)) => error.field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(long), "name");
        assert_eq!(field(writer.value(name, ANSWER, 0, 0)), "size");
        assert_eq!(field(writer.bytes(name, ANSWER, &[1], None)), "flags[3:2]");
        assert_eq!(field(writer.bytes(name, ANSWER, &[1], Some(u64::MAX))), "contents");
        // Address and padding fit below 2^64, the bytes do not.
        for base in [u64::MAX - 0x40, u64::MAX - 0x45] {
            assert_eq!(field(writer.bytes(name, ANSWER, &[1; 8], Some(base))), "contents");
        }
        assert_eq!(field(writer.address(name, ANSWER, u64::MAX, 1)), "contents");
        writer.value(name, ANSWER, 1, 1).unwrap();
        assert_eq!(field(writer.value(name, ANSWER, 1, 1)), "descriptor count");
        assert_eq!(writer.finish(), Ok(0x40));

        let writer = BootInformationWriter::new(&mut buffer, Version::V1_1, 1).unwrap();
        assert!(writer.finish().is_err());
        assert!(BootInformation::parse(&buffer).is_err());
    }
}
