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

pub(crate) mod read;
pub(crate) mod write;

use core::ffi::CStr;
use core::fmt;

use zerocopy::little_endian::{U16, U32, U64};

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
    /// [`BootInformation::contents_at`](crate::BootInformation::contents_at) finds it in the blob.
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
    /// It is in the blob, from 1.3 on: [`BootInformation::contents_at`](crate::BootInformation::contents_at) finds it.
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

/// 1.0 had another form; a later major may have.
fn has_boot_information(version: Version) -> bool {
    version >= Version::V1_1 && version.is_compatible_with(Version::V1_1)
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

impl fmt::Display for BootItem<'_> {
    /// `FDT "manifest" address=0x70000040+0x1000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BootItem { name, item_type, contents } = self;
        write!(f, "{item_type} {name} {contents}")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    /// By hand, as Hafnium writes it: a device tree of 4 bytes at 0x70000060, and a value named
    /// "answer"; then the tree itself. 0x64 bytes in all.
    pub(crate) const BYTES: [u8; 0x64] = [
        0xfa, 0x0f, 0, 0, 1, 0, 1, 0, 0x64, 0, 0, 0, 32, 0, 0, 0, //
        2, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0, 0, 0, 0, 4, 0, 0, 0, 0x60, 0, 0, 0x70, 0, 0, 0, 0, //
        b'a', b'n', b's', b'w', b'e', b'r', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0x8b, 0, 4, 0, 8, 0, 0, 0, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, //
        0xd0, 0x0d, 0xfe, 0xed,
    ];

    pub(crate) const ANSWER: BootItemType = BootItemType(0x8b);
    pub(crate) const VALUE: u64 = 0x0123_4567_89ab_cdef;

    #[test]
    fn names_are_shown_in_ascii_whatever_they_hold() {
        let name = BootItemName::Text(c"\u{e9}\n\"\u{1b}\xff");
        assert_eq!(name.to_string(), r#""\xc3\xa9\n\"\x1b\xff""#);
    }
}
