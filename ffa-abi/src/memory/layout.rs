//! Headers of memory transactions (DEN0077, "Memory transaction descriptor").
//!
//! ```text
//! offset  0        2            3          4       8        16    24         28          32
//! 1.0     | sender | attributes | reserved | flags | handle | tag | reserved | receivers |
//!
//! offset  0        2            4       8        16    24            28          32              36         48
//! 1.1     | sender | attributes | flags | handle | tag | access size | receivers | access offset | reserved |
//! ```
//! In 1.0 the access descriptors follow the header at once, from 1.1 on they are at the access offset,
//! a multiple of 16.

use core::fmt;

use zerocopy::little_endian::{U16, U32, U64};

use crate::descriptor::{DescriptorError, Fault, check, view, views};
use crate::memory::receiver::Receivers;
use crate::raw::layout;
use crate::version::Version;

layout! {
    /// The header of a transaction in FF-A 1.0, 32 bytes, as it lies in a buffer.
    #[derive(Debug)]
    pub struct RawTransaction1_0: 32 {
        /// The owner of the region.
        0 => pub sender: U16,
        /// See [`crate::MemoryAttributes`].
        2 => pub attributes: u8,
        /// Must be zero.
        3 => pub reserved_3: u8,
        /// See [`crate::TransactionFlags`].
        4 => pub flags: U32,
        /// See [`crate::MemoryHandle`].
        8 => pub handle: U64,
        /// For the endpoints to agree on.
        16 => pub tag: U64,
        /// Must be zero.
        24 => pub reserved_24: U32,
        /// How many access descriptors follow.
        28 => pub access_count: U32,
    }
}

layout! {
    /// The header of a transaction from FF-A 1.1 on, 48 bytes, as it lies in a buffer.
    #[derive(Debug)]
    pub struct RawTransaction: 48 {
        /// The owner of the region.
        0 => pub sender: U16,
        /// See [`crate::MemoryAttributes`].
        2 => pub attributes: U16,
        /// See [`crate::TransactionFlags`].
        4 => pub flags: U32,
        /// See [`crate::MemoryHandle`].
        8 => pub handle: U64,
        /// For the endpoints to agree on.
        16 => pub tag: U64,
        /// Bytes of one access descriptor: 16, or from FF-A 1.2 on 32.
        24 => pub access_size: U32,
        /// How many access descriptors there are.
        28 => pub access_count: U32,
        /// Bytes from the start of the header to the first access descriptor, a multiple of 16.
        32 => pub access_offset: U32,
        /// Must be zero.
        36 => pub reserved: [u8; 12],
    }
}

/// The three layouts of a transaction: what a version of FF-A writes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TransactionLayout {
    /// A header of 32 bytes, access descriptors of 16.
    V1_0,
    /// A header of 48 bytes, access descriptors of 16. Senders of later versions may use it too.
    V1_1,
    /// A header of 48 bytes, access descriptors of 32.
    V1_2,
}

impl TransactionLayout {
    /// All of them, in order.
    pub const ALL: [TransactionLayout; 3] =
        [TransactionLayout::V1_0, TransactionLayout::V1_1, TransactionLayout::V1_2];

    /// What to write for an endpoint that speaks `version`.
    #[must_use]
    pub fn of(version: Version) -> TransactionLayout {
        if version < Version::V1_1 {
            TransactionLayout::V1_0
        } else if version < Version::V1_2 {
            TransactionLayout::V1_1
        } else {
            TransactionLayout::V1_2
        }
    }

    /// The first version that reads it.
    #[must_use]
    pub const fn version(self) -> Version {
        match self {
            TransactionLayout::V1_0 => Version::V1_0,
            TransactionLayout::V1_1 => Version::V1_1,
            TransactionLayout::V1_2 => Version::V1_2,
        }
    }

    /// Bytes of the header.
    #[must_use]
    pub const fn header_size(self) -> u32 {
        match self {
            TransactionLayout::V1_0 => 32,
            TransactionLayout::V1_1 | TransactionLayout::V1_2 => 48,
        }
    }

    /// Bytes of an access descriptor.
    #[must_use]
    pub const fn access_size(self) -> u32 {
        match self {
            TransactionLayout::V1_0 | TransactionLayout::V1_1 => 16,
            TransactionLayout::V1_2 => 32,
        }
    }
}

/// A header of any layout, checked as far as where the access descriptors are.
pub(crate) struct Located {
    pub(crate) layout: TransactionLayout,
    pub(crate) sender: u16,
    pub(crate) attributes: u16,
    pub(crate) flags: u32,
    pub(crate) handle: u64,
    pub(crate) tag: u64,
    pub(crate) access_offset: u32,
    pub(crate) access_count: u32,
}

impl Located {
    /// The header that a caller of `version` put at the start of `bytes`.
    pub(crate) fn read(bytes: &[u8], version: Version) -> Result<Located, DescriptorError> {
        let field = "transaction header";
        if version < Version::V1_1 {
            Located::read_1_0(view(bytes, 0, field)?)
        } else {
            Located::read_1_1(view(bytes, 0, field)?, version)
        }
    }

    fn read_1_0(raw: &RawTransaction1_0) -> Result<Located, DescriptorError> {
        check(raw.reserved_3 == 0, "header reserved", 3, Fault::NotZero)?;
        check(raw.reserved_24.get() == 0, "header reserved", 24, Fault::NotZero)?;
        Ok(Located {
            layout: TransactionLayout::V1_0,
            sender: raw.sender.get(),
            attributes: raw.attributes.into(),
            flags: raw.flags.get(),
            handle: raw.handle.get(),
            tag: raw.tag.get(),
            access_offset: TransactionLayout::V1_0.header_size(),
            access_count: raw.access_count.get(),
        })
    }

    fn read_1_1(raw: &RawTransaction, version: Version) -> Result<Located, DescriptorError> {
        check(raw.reserved == [0; 12], "header reserved", 36, Fault::NotZero)?;
        let mut located = Located {
            layout: TransactionLayout::of(version),
            sender: raw.sender.get(),
            attributes: raw.attributes.get(),
            flags: raw.flags.get(),
            handle: raw.handle.get(),
            tag: raw.tag.get(),
            access_offset: raw.access_offset.get(),
            access_count: raw.access_count.get(),
        };
        if located.access_count != 0 {
            located.layout = layout_by_access_size(raw.access_size.get(), version)?;
            let (field, offset) = ("access offset", located.access_offset);
            check(offset % 16 == 0, field, 32, Fault::Unaligned)?;
            check(offset >= located.layout.header_size(), field, 32, Fault::Overlaps)?;
        }
        Ok(located)
    }

    /// The access descriptors, which must lie in `bytes`.
    pub(crate) fn receivers<'b>(&self, bytes: &'b [u8]) -> Result<Receivers<'b>, DescriptorError> {
        let (offset, count) = (self.access_offset, self.access_count);
        if count == 0 {
            return Ok(Receivers::short(&[]));
        }
        let field = "access descriptors";
        Ok(match self.layout {
            TransactionLayout::V1_0 | TransactionLayout::V1_1 => {
                Receivers::short(views(bytes, offset, count, field)?)
            }
            TransactionLayout::V1_2 => Receivers::long(views(bytes, offset, count, field)?),
        })
    }
}

/// From 1.2 on both sizes are allowed: who has nothing implementation-defined to say may go on
/// writing the short one.
fn layout_by_access_size(
    size: u32,
    version: Version,
) -> Result<TransactionLayout, DescriptorError> {
    match size {
        16 => Ok(TransactionLayout::V1_1),
        32 if version >= Version::V1_2 => Ok(TransactionLayout::V1_2),
        _ => Err(DescriptorError::new("access size", 24, Fault::Invalid)),
    }
}

impl fmt::Display for TransactionLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.version(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_layout() {
        let version = |bits| Version::from_bits(bits).unwrap();
        assert_eq!(TransactionLayout::of(Version::V1_0), TransactionLayout::V1_0);
        assert_eq!(TransactionLayout::of(Version::V1_1), TransactionLayout::V1_1);
        assert_eq!(TransactionLayout::of(Version::V1_2), TransactionLayout::V1_2);
        assert_eq!(TransactionLayout::of(Version::V1_3), TransactionLayout::V1_2);
        assert_eq!(TransactionLayout::of(version(0x1_0004)), TransactionLayout::V1_2);
        for layout in TransactionLayout::ALL {
            assert_eq!(TransactionLayout::of(layout.version()), layout);
        }
    }

    #[test]
    fn the_long_access_descriptor_is_for_1_2_and_later() {
        let layout = layout_by_access_size;
        assert_eq!(layout(16, Version::V1_1), Ok(TransactionLayout::V1_1));
        assert_eq!(layout(16, Version::V1_3), Ok(TransactionLayout::V1_1));
        assert_eq!(layout(32, Version::V1_2), Ok(TransactionLayout::V1_2));
        let error = DescriptorError::new("access size", 24, Fault::Invalid);
        assert_eq!(layout(32, Version::V1_1), Err(error));
        for size in [0, 8, 15, 17, 31, 48, u32::MAX] {
            assert_eq!(layout(size, Version::V1_3), Err(error));
        }
    }
}
