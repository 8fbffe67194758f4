//! Boot information: what a partition manager hands to a partition that it starts (DEN0077 1.1,
//! "Boot information protocol").
//!
//! ```text
//! header  0           4         8           12                16      20             24         32
//!         | signature | version | blob size | descriptor size | count | array offset | reserved |
//!
//! each    0      16     17         18      20     24         32
//!         | name | type | reserved | flags | size | contents |
//!
//! flags   15   4  3               2  1           0
//!         | zero | contents format  | name format |
//! ```
//! Header, array of descriptors and what they point to lie in one blob.

use core::ffi::CStr;
use core::fmt;
use core::ops::RangeInclusive;

use zerocopy::little_endian::{U16, U32, U64};

use crate::descriptor::{
    BuildError, DescriptorError, Fault, array_end, check, length_of, put, room, view,
};
use crate::raw::layout;
use crate::uuid::Uuid;
use crate::version::Version;

/// The first four bytes of boot information.
pub const BOOT_INFORMATION_SIGNATURE: u32 = 0xffa;

layout! {
    /// The header of boot information, 32 bytes, as it lies in a buffer.
    #[derive(Debug)]
    pub struct RawBootHeader: 32 {
        /// [`BOOT_INFORMATION_SIGNATURE`].
        0 => pub signature: U32,
        /// See [`Version`].
        4 => pub version: U32,
        /// Bytes of all: header, array, what the descriptors point to.
        8 => pub blob_size: U32,
        /// Bytes of a descriptor.
        12 => pub descriptor_size: U32,
        /// How many descriptors there are.
        16 => pub descriptor_count: U32,
        /// Bytes from the start of the header to the array of descriptors, a multiple of 8.
        20 => pub array_offset: U32,
        /// Must be zero.
        24 => pub reserved: U64,
    }
}

layout! {
    /// A descriptor of boot information, 32 bytes, as it lies in a buffer.
    #[derive(Debug)]
    pub struct RawBootDescriptor: 32 {
        /// Text that ends with a zero byte, or a UUID.
        0 => pub name: [u8; 16],
        /// See [`BootItemType`].
        16 => pub item_type: u8,
        /// Must be zero.
        17 => pub reserved: u8,
        /// Formats of name and contents.
        18 => pub flags: U16,
        /// Bytes of the contents.
        20 => pub size: U32,
        /// An address, a value or an offset.
        24 => pub contents: U64,
    }
}

const HEADER_SIZE: u32 = 32;
const DESCRIPTOR_SIZE: u32 = 32;

/// What a piece of boot information is: bit 7 set for implementation-defined, an id in bits 6:0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootItemType(pub u8);

impl BootItemType {
    /// A flattened device tree, as a rule the partition's manifest.
    pub const FLATTENED_DEVICE_TREE: BootItemType = BootItemType(0);
    /// A list of hand-off blocks.
    pub const HAND_OFF_BLOCKS: BootItemType = BootItemType(1);

    /// Whether the implementation defines what the id means.
    #[must_use]
    pub const fn is_implementation_defined(self) -> bool {
        self.0 & 0x80 != 0
    }
}

/// The name of a piece of boot information, flags\[1:0\].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BootItemName<'b> {
    /// Text of up to 15 bytes; empty where the type says it all.
    Text(&'b CStr),
    /// A UUID, its bytes in the order of its text.
    Uuid(Uuid),
}

/// What a piece of boot information holds, flags\[3:2\].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BootContents {
    /// It is somewhere in the address space of the partition:
    /// [`BootInformation::contents_at`] finds it in the blob.
    Address {
        /// Where it starts.
        address: u64,
        /// How many bytes it has.
        size: u32,
    },
    /// It is this value.
    Value {
        /// The value.
        value: u64,
        /// How many of its bytes count, 1..=8.
        size: u8,
    },
    /// It is in the blob, from 1.3 on: [`BootInformation::contents_at`] finds it.
    Offset {
        /// Bytes from the start of the blob.
        offset: u32,
        /// How many bytes it has.
        size: u32,
    },
}

/// A piece of boot information.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BootItem<'b> {
    /// How it is called.
    pub name: BootItemName<'b>,
    /// What it is.
    pub item_type: BootItemType,
    /// What it holds.
    pub contents: BootContents,
}

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

/// 1.0 had another form; a later major may have.
fn has_boot_information(version: Version) -> bool {
    version >= Version::V1_1 && version.is_compatible_with(Version::V1_1)
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
        raw.item(version, at, self.end..=length_of(blob, "blob size")?)
    }
}

impl RawBootDescriptor {
    /// `at` is where the descriptor lies, `space` where what it points to by offset may lie.
    fn item(
        &self,
        version: Version,
        at: u32,
        space: RangeInclusive<u32>,
    ) -> Result<BootItem<'_>, DescriptorError> {
        let error = |field, inside: u32, fault| {
            Err(DescriptorError::new(field, at.saturating_add(inside), fault))
        };
        if self.reserved != 0 {
            return error("descriptor reserved", 17, Fault::NotZero);
        }
        if self.flags.get() >> 4 != 0 {
            return error("flags[15:4]", 18, Fault::NotZero);
        }
        let name = match self.flags.get() & 3 {
            0 => match CStr::from_bytes_until_nul(&self.name) {
                Ok(text) => BootItemName::Text(text),
                Err(_) => return error("name", 0, Fault::Invalid),
            },
            1 => BootItemName::Uuid(Uuid(self.name)),
            _ => return error("flags[1:0]", 18, Fault::Invalid),
        };
        let (size, value) = (self.size.get(), self.contents.get());
        let contents = match self.flags.get() >> 2 {
            0 => BootContents::Address { address: value, size },
            1 => match u8::try_from(size) {
                Ok(size @ 1..=8) => BootContents::Value { value, size },
                _ => return error("size", 20, Fault::Invalid),
            },
            2 if version >= Version::V1_3 => match u32::try_from(value) {
                Ok(offset) if lies_in(offset, size, &space) => {
                    BootContents::Offset { offset, size }
                }
                _ => return error("contents", 24, Fault::Truncated),
            },
            _ => return error("flags[3:2]", 18, Fault::Invalid),
        };
        Ok(BootItem { name, item_type: BootItemType(self.item_type), contents })
    }
}

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
    /// A name that is none, or one piece too many.
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
    /// No room, a name that is none, an address past the end of 64 bits, or one piece too many.
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
        raw.item(self.version, at, HEADER_SIZE..=end)?;
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

impl fmt::Display for BootItemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            BootItemType::FLATTENED_DEVICE_TREE => f.write_str("FDT"),
            BootItemType::HAND_OFF_BLOCKS => f.write_str("HOB"),
            BootItemType(other) => write!(f, "{other:#04x}"),
        }
    }
}

impl fmt::Debug for BootItemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for BootItemName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BootItemName::Text(text) => write!(f, "\"{}\"", text.to_bytes().escape_ascii()),
            BootItemName::Uuid(uuid) => fmt::Display::fmt(uuid, f),
        }
    }
}

impl fmt::Display for BootContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BootContents::Address { address, size } => write!(f, "address={address:#x}+{size:#x}"),
            BootContents::Value { value, size } => write!(f, "value={value:#x} bytes={size}"),
            BootContents::Offset { offset, size } => write!(f, "offset={offset:#x}+{size:#x}"),
        }
    }
}

impl fmt::Display for BootInformation<'_> {
    /// `boot information 1.1 of 100 bytes, items: 2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, size, items) = (self.version, self.blob.len(), self.array.count);
        write!(f, "boot information {version} of {size} bytes, items: {items}")
    }
}

impl fmt::Display for BootItem<'_> {
    /// `FDT "manifest" address=0x70000040+0x1000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BootItem { name, item_type, contents } = self;
        write!(f, "{item_type} {name} {contents}")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    /// By hand, as Hafnium writes it: a device tree of 4 bytes at 0x70000060, and a value named
    /// "answer"; then the tree itself. 0x64 bytes in all.
    const BYTES: [u8; 0x64] = [
        0xfa, 0x0f, 0, 0, 1, 0, 1, 0, 0x64, 0, 0, 0, 32, 0, 0, 0, //
        2, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0, 0, 0, 0, 4, 0, 0, 0, 0x60, 0, 0, 0x70, 0, 0, 0, 0, //
        b'a', b'n', b's', b'w', b'e', b'r', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0x8b, 0, 4, 0, 8, 0, 0, 0, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, //
        0xd0, 0x0d, 0xfe, 0xed,
    ];

    const ANSWER: BootItemType = BootItemType(0x8b);
    const VALUE: u64 = 0x0123_4567_89ab_cdef;

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
    fn names_are_shown_in_ascii_whatever_they_hold() {
        let name = BootItemName::Text(c"\u{e9}\n\"\u{1b}\xff");
        assert_eq!(name.to_string(), r#""\xc3\xa9\n\"\x1b\xff""#);
    }

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
        writer.value(name, ANSWER, 1, 1).unwrap();
        assert_eq!(field(writer.value(name, ANSWER, 1, 1)), "descriptor count");
        assert_eq!(writer.finish(), Ok(0x40));

        let writer = BootInformationWriter::new(&mut buffer, Version::V1_1, 1).unwrap();
        assert!(writer.finish().is_err());
        assert!(BootInformation::parse(&buffer).is_err());
    }
}
