//! Reading boot information.

use core::ffi::CStr;
use core::fmt;
use core::ops::RangeInclusive;

use super::{
    BOOT_INFORMATION_SIGNATURE, BootContents, BootItem, BootItemName, BootItemType,
    DESCRIPTOR_SIZE, HEADER_SIZE, RawBootDescriptor, RawBootHeader, has_boot_information,
};
use crate::descriptor::{DescriptorError, Fault, array_end, check, length_of, view};
use crate::uuid::Uuid;
use crate::version::Version;

/// Boot information, all checked.
#[derive(Clone, Copy, Debug)]
pub struct BootInformation<'b> {
    blob: &'b [u8],
    version: Version,
    array: Array,
}

/// The pieces of boot information, in order.
#[derive(Clone, Debug)]
pub struct BootItems<'b> {
    blob: &'b [u8],
    version: Version,
    left: Array,
}

/// Descriptors that were not looked at yet: later versions may have longer ones.
#[derive(Clone, Copy, Debug)]
struct Array {
    offset: u32,
    count: u32,
    size: u32,
    end: u32,
}

impl<'b> BootInformation<'b> {
    /// Reads the boot information at the start of `bytes`; what follows it is ignored.
    ///
    /// # Errors
    /// The first thing found wrong in the header or a descriptor. Addresses are not looked at: where
    /// the blob lies is not known here.
    pub fn parse(bytes: &'b [u8]) -> Result<BootInformation<'b>, DescriptorError> {
        let raw: &RawBootHeader = view(bytes, 0, "boot information header")?;
        let known = raw.signature.get() == BOOT_INFORMATION_SIGNATURE;
        check(known, "signature", 0, Fault::Invalid)?;
        let version = Version::from_bits(raw.version.get())
            .filter(|version| has_boot_information(*version))
            .ok_or(DescriptorError::new("version", 4, Fault::Invalid))?;
        check(raw.reserved.get() == 0, "header reserved", 24, Fault::NotZero)?;
        let blob = usize::try_from(raw.blob_size.get()).ok().and_then(|size| bytes.get(..size));
        let blob = blob.ok_or(DescriptorError::new("blob size", 8, Fault::Truncated))?;
        let array = Array::read(raw)?;
        for index in 0..array.count {
            array.item(blob, version, index)?;
        }
        Ok(BootInformation { blob, version, array })
    }

    /// The version of FF-A that it was written in.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Bytes of all.
    #[must_use]
    pub fn blob_size(&self) -> usize {
        self.blob.len()
    }

    /// The pieces.
    #[must_use]
    pub fn items(&self) -> BootItems<'b> {
        BootItems { blob: self.blob, version: self.version, left: self.array }
    }

    /// The first piece of a type.
    #[must_use]
    pub fn find(&self, item_type: BootItemType) -> Option<BootItem<'b>> {
        self.items().find(|item| item.item_type == item_type)
    }

    /// The bytes that `contents` names, where the blob starts at address `base`. `None` for a value,
    /// and for an address outside the blob.
    #[must_use]
    pub fn contents_at(&self, contents: BootContents, base: u64) -> Option<&'b [u8]> {
        let (start, size) = match contents {
            BootContents::Address { address, size } => (address.checked_sub(base)?, size),
            BootContents::Offset { offset, size } => (offset.into(), size),
            BootContents::Value { .. } => return None,
        };
        let start = usize::try_from(start).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        self.blob.get(start..end)
    }
}

impl Array {
    fn read(raw: &RawBootHeader) -> Result<Array, DescriptorError> {
        let (size, offset) = (raw.descriptor_size.get(), raw.array_offset.get());
        check(size >= DESCRIPTOR_SIZE, "descriptor size", 12, Fault::Invalid)?;
        check(size % 8 == 0, "descriptor size", 12, Fault::Unaligned)?;
        check(offset % 8 == 0, "array offset", 20, Fault::Unaligned)?;
        check(offset >= HEADER_SIZE, "array offset", 20, Fault::Overlaps)?;
        let count = raw.descriptor_count.get();
        let end = array_end(offset, count, size)
            .filter(|end| *end <= raw.blob_size.get())
            .ok_or(DescriptorError::new("descriptor count", 16, Fault::Truncated))?;
        Ok(Array { offset, count, size, end })
    }

    fn item<'b>(
        &self,
        blob: &'b [u8],
        version: Version,
        index: u32,
    ) -> Result<BootItem<'b>, DescriptorError> {
        let at = self.size.saturating_mul(index).saturating_add(self.offset);
        let raw: &RawBootDescriptor = view(blob, at, "boot information descriptor")?;
        raw.item(version, at, &(self.end..=length_of(blob, "blob size")?))
    }
}

impl RawBootDescriptor {
    /// `at` is where the descriptor lies, `space` where what it points to by offset may lie.
    pub(super) fn item(
        &self,
        version: Version,
        at: u32,
        space: &RangeInclusive<u32>,
    ) -> Result<BootItem<'_>, DescriptorError> {
        let check = |holds, field, inside: u32| {
            check(holds, field, at.saturating_add(inside), Fault::NotZero)
        };
        check(self.reserved == 0, "descriptor reserved", 17)?;
        check(self.flags.get() >> 4 == 0, "flags[15:4]", 18)?;
        let invalid = |(field, inside, fault): Wrong| {
            DescriptorError::new(field, at.saturating_add(inside), fault)
        };
        let name = self.name().map_err(invalid)?;
        let contents = self.contents(version, space).map_err(invalid)?;
        Ok(BootItem { name, item_type: BootItemType(self.item_type), contents })
    }

    fn name(&self) -> Result<BootItemName<'_>, Wrong> {
        match self.flags.get() & 3 {
            0 => CStr::from_bytes_until_nul(&self.name)
                .map(BootItemName::Text)
                .map_err(|_| ("name", 0, Fault::Invalid)),
            1 => Ok(BootItemName::Uuid(Uuid(self.name))),
            _ => Err(("flags[1:0]", 18, Fault::Invalid)),
        }
    }

    fn contents(
        &self,
        version: Version,
        space: &RangeInclusive<u32>,
    ) -> Result<BootContents, Wrong> {
        let (size, value) = (self.size.get(), self.contents.get());
        match self.flags.get() >> 2 & 3 {
            0 if value.checked_add(size.into()).is_none() => Err(("contents", 24, Fault::Overflow)),
            0 => Ok(BootContents::Address { address: value, size }),
            1 => match u8::try_from(size) {
                Ok(size @ 1..=8) => Ok(BootContents::Value { value, size }),
                _ => Err(("size", 20, Fault::Invalid)),
            },
            2 if version >= Version::V1_3 => match u32::try_from(value) {
                Ok(offset) if lies_in(offset, size, space) => {
                    Ok(BootContents::Offset { offset, size })
                }
                _ => Err(("contents", 24, Fault::Truncated)),
            },
            _ => Err(("flags[3:2]", 18, Fault::Invalid)),
        }
    }
}

/// What is wrong in a descriptor: the field, where in the descriptor it is, and how.
type Wrong = (&'static str, u32, Fault);

fn lies_in(offset: u32, size: u32, space: &RangeInclusive<u32>) -> bool {
    offset >= *space.start() && offset.checked_add(size).is_some_and(|end| end <= *space.end())
}

impl<'b> Iterator for BootItems<'b> {
    type Item = BootItem<'b>;

    fn next(&mut self) -> Option<BootItem<'b>> {
        self.left.count = self.left.count.checked_sub(1)?;
        // All descriptors were checked before.
        let item = self.left.item(self.blob, self.version, 0).ok()?;
        self.left.offset = self.left.offset.saturating_add(self.left.size);
        Some(item)
    }
}

impl fmt::Display for BootInformation<'_> {
    /// `boot information 1.1 of 100 bytes, items: 2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, size, items) = (self.version, self.blob.len(), self.array.count);
        write!(f, "boot information {version} of {size} bytes, items: {items}")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::boot_information::tests::{ANSWER, BYTES, VALUE};
    use std::string::ToString;
    use std::vec::Vec;

    fn fault(change: &[(usize, u8)]) -> (&'static str, u32, Fault) {
        let mut bytes = BYTES;
        for (index, byte) in change {
            bytes[*index] = *byte;
        }
        let DescriptorError { field, offset, fault } = BootInformation::parse(&bytes).unwrap_err();
        (field, offset, fault)
    }

    #[test]
    fn fields_stand_where_the_document_puts_them() {
        let read = BootInformation::parse(&BYTES).unwrap();
        assert_eq!((read.version(), read.blob_size()), (Version::V1_1, 0x64));
        assert_eq!(read.to_string(), "boot information 1.1 of 100 bytes, items: 2");
        let tree = read.find(BootItemType::FLATTENED_DEVICE_TREE).unwrap();
        assert_eq!(tree.contents, BootContents::Address { address: 0x7000_0060, size: 4 });
        let at = |base| read.contents_at(tree.contents, base);
        assert_eq!(at(0x7000_0000), Some(&b"\xd0\x0d\xfe\xed"[..]));
        assert_eq!([at(0x6fff_ffff), at(0x7000_0061), at(0)], [None; 3]);
        let answer = read.find(ANSWER).unwrap();
        assert_eq!(answer.name, BootItemName::Text(c"answer"));
        assert_eq!(answer.contents, BootContents::Value { value: VALUE, size: 8 });
        assert!(answer.item_type.is_implementation_defined());
        assert_eq!(read.contents_at(answer.contents, 0), None);
        let shown: Vec<_> = read.items().map(|item| item.to_string()).collect();
        let wanted = [
            r#"FDT "" address=0x70000060+0x4"#,
            r#"0x8b "answer" value=0x123456789abcdef bytes=8"#,
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        assert_eq!(fault(&[(0, 0xfb)]), ("signature", 0, Fault::Invalid));
        assert_eq!(fault(&[(3, 1)]), ("signature", 0, Fault::Invalid));
        for version in [(4, 0), (6, 2), (7, 0x80)] {
            assert_eq!(fault(&[version]), ("version", 4, Fault::Invalid));
        }
        assert_eq!(fault(&[(8, 0x65)]), ("blob size", 8, Fault::Truncated));
        assert_eq!(fault(&[(31, 1)]), ("header reserved", 24, Fault::NotZero));
        assert_eq!(fault(&[(12, 31)]), ("descriptor size", 12, Fault::Invalid));
        assert_eq!(fault(&[(12, 33)]), ("descriptor size", 12, Fault::Unaligned));
        assert_eq!(fault(&[(12, 40)]), ("descriptor count", 16, Fault::Truncated));
        assert_eq!(fault(&[(16, 3)]), ("descriptor count", 16, Fault::Truncated));
        assert_eq!(fault(&[(19, 0xff)]), ("descriptor count", 16, Fault::Truncated));
        assert_eq!(fault(&[(20, 36)]), ("array offset", 20, Fault::Unaligned));
        assert_eq!(fault(&[(20, 24)]), ("array offset", 20, Fault::Overlaps));
        assert_eq!(fault(&[(8, 0x5f)]), ("descriptor count", 16, Fault::Truncated));
        assert_eq!(fault(&[(0x51, 1)]), ("descriptor reserved", 0x51, Fault::NotZero));
        assert_eq!(fault(&[(0x52, 0x14)]), ("flags[15:4]", 0x52, Fault::NotZero));
        assert_eq!(fault(&[(0x52, 6)]), ("flags[1:0]", 0x52, Fault::Invalid));
        assert_eq!(fault(&[(0x52, 0xc)]), ("flags[3:2]", 0x52, Fault::Invalid));
        let last: Vec<_> = (0x38..0x40).map(|index| (index, 0xff)).collect();
        assert_eq!(fault(&last), ("contents", 0x38, Fault::Overflow));
        assert_eq!(fault(&[(0x54, 0)]), ("size", 0x54, Fault::Invalid));
        assert_eq!(fault(&[(0x54, 9)]), ("size", 0x54, Fault::Invalid));
        let endless: Vec<_> = (0x40..0x50).map(|index| (index, b'x')).collect();
        assert_eq!(fault(&endless), ("name", 0x40, Fault::Invalid));
        assert!(BootInformation::parse(&BYTES[..31]).is_err());
    }

    #[test]
    fn longer_descriptors_of_later_versions_are_read_as_far_as_known() {
        let mut bytes = BYTES[..0x60].to_vec();
        bytes.splice(0x40..0x40, [0xee; 8]);
        bytes.extend([0xee; 8]);
        (bytes[8], bytes[12]) = (0x70, 40);
        let read = BootInformation::parse(&bytes).unwrap();
        let value = read.find(ANSWER).unwrap().contents;
        assert_eq!(value, BootContents::Value { value: VALUE, size: 8 });
    }
}
