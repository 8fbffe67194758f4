//! Descriptors as they lie in a buffer: sizes and offsets are those of the documents, the contents
//! anything. Parse instead, wherever somebody else wrote the bytes.
//!
//! A name without a suffix is the layout of FF-A 1.1; the suffix `1_0` or `1_2` means the layout that
//! this version has instead. Integers are little-endian, and nothing needs to be aligned.

use zerocopy::little_endian::{U16, U32, U64};

pub use crate::boot_information::{RawBootDescriptor, RawBootHeader};
pub use crate::endpoint_rxtx::{RawEndpointRxTx, RawEndpointRxTx1_0};
pub use crate::memory::layout::{RawTransaction, RawTransaction1_0};
pub use crate::memory::range::{RawComposite, RawRange};
pub use crate::memory::receiver::{RawAccess, RawAccess1_2};
pub use crate::memory::relinquish::RawRelinquish;
pub use crate::message_header::{RawMessageHeader, RawMessageHeader1_2};
use crate::partition_info::{PartitionInfo, PartitionInfo1_0};

/// Every descriptor that is declared with an offset for each field, for those who generate
/// declarations or tests from them.
///
/// ```
/// use ffa_abi::raw::{Element, LAYOUTS};
/// let range = LAYOUTS.iter().find(|layout| layout.name == "RawRange").unwrap();
/// let pages = &range.fields[1];
/// assert_eq!((range.size, pages.name, pages.offset), (16, "pages", 8));
/// assert_eq!((pages.element, pages.count), (Element::U32, 1));
/// ```
pub const LAYOUTS: &[Layout] = &[
    PartitionInfo1_0::LAYOUT,
    PartitionInfo::LAYOUT,
    RawMessageHeader::LAYOUT,
    RawMessageHeader1_2::LAYOUT,
    RawTransaction1_0::LAYOUT,
    RawTransaction::LAYOUT,
    RawAccess::LAYOUT,
    RawAccess1_2::LAYOUT,
    RawComposite::LAYOUT,
    RawRange::LAYOUT,
    RawRelinquish::LAYOUT,
    RawEndpointRxTx1_0::LAYOUT,
    RawEndpointRxTx::LAYOUT,
    RawBootHeader::LAYOUT,
    RawBootDescriptor::LAYOUT,
];

/// A row of [`LAYOUTS`]: a descriptor, or the part of one whose size does not vary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The type.
    pub name: &'static str,
    /// Its documentation.
    pub about: &'static str,
    /// Bytes.
    pub size: usize,
    /// In the order of their offsets, without gaps.
    pub fields: &'static [Field],
}

/// A field of a [`Layout`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// As the type calls it.
    pub name: &'static str,
    /// Its documentation.
    pub about: &'static str,
    /// Bytes from the start of the descriptor.
    pub offset: usize,
    /// What it consists of.
    pub element: Element,
    /// How many of them: more than one is an array.
    pub count: usize,
}

/// An unsigned integer, little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Element {
    U8,
    U16,
    U32,
    U64,
}

impl Element {
    /// Bytes.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Element::U8 => 1,
            Element::U16 => 2,
            Element::U32 => 4,
            Element::U64 => 8,
        }
    }
}

/// What the type of a field consists of.
pub(crate) trait Elements {
    const ELEMENT: Element;
    const COUNT: usize = 1;
}

impl Elements for u8 {
    const ELEMENT: Element = Element::U8;
}

impl Elements for U16 {
    const ELEMENT: Element = Element::U16;
}

impl Elements for U32 {
    const ELEMENT: Element = Element::U32;
}

impl Elements for U64 {
    const ELEMENT: Element = Element::U64;
}

impl<const N: usize> Elements for [u8; N] {
    const ELEMENT: Element = Element::U8;
    const COUNT: usize = N;
}

/// Declares a descriptor as the documents draw it, `offset => field: type`, and its size behind its
/// name. The compiler checks both. Who declares one adds it to [`LAYOUTS`]: that it is never used is a
/// warning.
macro_rules! layout {
    (
        $(#[doc = $about:literal])+
        $(#[derive($($derive:path),+)])?
        pub struct $name:ident: $size:literal {
            $(
                $(#[doc = $field_about:literal])+
                $offset:literal => $visibility:vis $field:ident: $type:ty,
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, PartialEq, Eq, $($($derive,)+)?)]
        #[derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::KnownLayout)]
        #[derive(zerocopy::Immutable, zerocopy::Unaligned)]
        #[repr(C)]
        pub struct $name {
            $($(#[doc = $field_about])+ $visibility $field: $type,)+
        }

        impl $name {
            pub(crate) const LAYOUT: $crate::raw::Layout = $crate::raw::Layout {
                name: stringify!($name),
                about: concat!($($about),+).trim_ascii_start(),
                size: $size,
                fields: &[$($crate::raw::Field {
                    name: stringify!($field),
                    about: concat!($($field_about),+).trim_ascii_start(),
                    offset: $offset,
                    element: <$type as $crate::raw::Elements>::ELEMENT,
                    count: <$type as $crate::raw::Elements>::COUNT,
                }),+],
            };
        }

        const _: () = {
            assert!(size_of::<$name>() == $size, "the size of the descriptor");
            $(assert!(
                core::mem::offset_of!($name, $field) == $offset,
                concat!("the offset of ", stringify!($field)),
            );)+
        };
    };
}

pub(crate) use layout;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_documents() {
        let sizes = [8, 24, 20, 40, 32, 48, 16, 32, 16, 16, 16, 16, 12, 32, 32];
        assert!(LAYOUTS.iter().map(|layout| layout.size).eq(sizes));
    }

    #[test]
    fn fields_follow_each_other_without_gaps_and_have_their_own_names() {
        for Layout { name, size, fields, .. } in LAYOUTS {
            let mut end = 0;
            for (index, field) in fields.iter().enumerate() {
                assert_eq!(field.offset, end, "{name}.{}", field.name);
                end += field.element.size() * field.count;
                assert!(!fields[..index].iter().any(|other| other.name == field.name), "{name}");
            }
            assert_eq!(end, *size, "{name}");
        }
    }
}
