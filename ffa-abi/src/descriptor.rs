//! What all descriptors in buffers share: errors, and looks into bytes that stay inside them.
//!
//! Writers take the buffer, then the version of who reads it. What a reader would refuse is an error
//! of the writer too, and after any error the buffer's contents are undefined: it may have been
//! written in part. Nothing is ever written past the length that is returned, or would have been.

use core::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Why bytes are no descriptor: which field, where, and what is wrong with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DescriptorError {
    /// The field, in the words of the specification.
    pub field: &'static str,
    /// Bytes from the start of the descriptor to the field.
    pub offset: u32,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a field of a descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The bytes end before it, or inside it.
    Truncated,
    /// It must be zero and is not.
    NotZero,
    /// It must not be zero and is.
    Zero,
    /// A value that the specification reserves or excludes.
    Invalid,
    /// An offset, address or length that is no multiple of what it must be.
    Unaligned,
    /// It begins inside something else.
    Overlaps,
    /// A sum that runs past the end of its type.
    Overflow,
    /// It contradicts another field, or the call.
    Mismatch,
    /// It is there twice.
    Duplicate,
}

/// Why a descriptor was not written. The buffer's contents are undefined then: nobody may be told to
/// read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BuildError {
    /// The buffer is too small.
    NoRoom {
        /// Bytes that it would have to have.
        needed: usize,
    },
    /// The layout has no place for this field, and its value is not zero.
    Unrepresentable(&'static str),
    /// What was to be written is no descriptor that a reader accepts.
    Invalid(DescriptorError),
}

impl DescriptorError {
    pub(crate) fn new(field: &'static str, offset: u32, fault: Fault) -> DescriptorError {
        DescriptorError { field, offset, fault }
    }
}

impl From<DescriptorError> for BuildError {
    fn from(error: DescriptorError) -> Self {
        BuildError::Invalid(error)
    }
}

/// Fails with `fault` unless `holds`.
pub(crate) fn check(
    holds: bool,
    field: &'static str,
    offset: u32,
    fault: Fault,
) -> Result<(), DescriptorError> {
    if holds { Ok(()) } else { Err(DescriptorError::new(field, offset, fault)) }
}

/// A type that may be looked at in place, wherever it lies.
pub(crate) trait Wire: FromBytes + IntoBytes + KnownLayout + Immutable + Unaligned {}

impl<T: FromBytes + IntoBytes + KnownLayout + Immutable + Unaligned> Wire for T {}

/// The `T` that starts at `offset`; `field` is what to name where the bytes end too early.
pub(crate) fn view<'b, T: Wire>(
    bytes: &'b [u8],
    offset: u32,
    field: &'static str,
) -> Result<&'b T, DescriptorError> {
    tail(bytes, offset)
        .and_then(|tail| T::ref_from_prefix(tail).ok())
        .map(|(value, _)| value)
        .ok_or(DescriptorError::new(field, offset, Fault::Truncated))
}

/// `count` of `T` that start at `offset`.
pub(crate) fn views<'b, T: Wire>(
    bytes: &'b [u8],
    offset: u32,
    count: u32,
    field: &'static str,
) -> Result<&'b [T], DescriptorError> {
    let error = DescriptorError::new(field, offset, Fault::Truncated);
    let count = usize::try_from(count).map_err(|_| error)?;
    tail(bytes, offset)
        .and_then(|tail| <[T]>::ref_from_prefix_with_elems(tail, count).ok())
        .map(|(values, _)| values)
        .ok_or(error)
}

/// Writes `value` at `offset`.
pub(crate) fn put<T: Wire>(bytes: &mut [u8], offset: u32, value: &T) -> Result<(), BuildError> {
    let needed = usize::try_from(offset).unwrap_or(usize::MAX).saturating_add(size_of::<T>());
    usize::try_from(offset)
        .ok()
        .and_then(|offset| bytes.get_mut(offset..))
        .and_then(|tail| value.write_to_prefix(tail).ok())
        .ok_or(BuildError::NoRoom { needed })
}

/// The first `length` bytes of a buffer that is to be written.
pub(crate) fn room(buffer: &mut [u8], length: u32) -> Result<&mut [u8], BuildError> {
    let needed = usize::try_from(length).unwrap_or(usize::MAX);
    buffer.get_mut(..needed).ok_or(BuildError::NoRoom { needed })
}

/// Where an array ends that starts at `offset`; `None` past the end of 32 bits.
pub(crate) fn array_end(offset: u32, count: u32, size: u32) -> Option<u32> {
    let end = u64::from(count) * u64::from(size) + u64::from(offset);
    u32::try_from(end).ok()
}

/// The length of `bytes`, which no descriptor field could say above 32 bits.
pub(crate) fn length_of(bytes: &[u8], field: &'static str) -> Result<u32, DescriptorError> {
    u32::try_from(bytes.len()).map_err(|_| DescriptorError::new(field, 0, Fault::Overflow))
}

fn tail(bytes: &[u8], offset: u32) -> Option<&[u8]> {
    bytes.get(usize::try_from(offset).ok()?..)
}

impl fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DescriptorError { field, offset, fault } = self;
        write!(f, "{field} at {offset:#x} {fault}")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Truncated => "lies past the end",
            Fault::NotZero => "must be zero",
            Fault::Zero => "must not be zero",
            Fault::Invalid => "is invalid",
            Fault::Unaligned => "is not aligned",
            Fault::Overlaps => "overlaps what is before it",
            Fault::Overflow => "overflows",
            Fault::Mismatch => "contradicts the rest",
            Fault::Duplicate => "is there twice",
        })
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::NoRoom { needed } => write!(f, "no room: {needed} bytes are needed"),
            BuildError::Unrepresentable(field) => write!(f, "this layout has no {field}"),
            BuildError::Invalid(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for DescriptorError {}
impl core::error::Error for BuildError {}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;
    use zerocopy::little_endian::U32;

    #[test]
    fn nothing_is_seen_or_written_past_the_end() {
        let mut bytes = [0, 0, 1, 0, 0, 0];
        assert_eq!(view::<U32>(&bytes, 2, "count").map(|count| count.get()), Ok(1));
        for offset in [3, 6, 7, u32::MAX] {
            let error = DescriptorError::new("count", offset, Fault::Truncated);
            assert_eq!(view::<U32>(&bytes, offset, "count"), Err(error));
        }
        assert!(views::<U32>(&bytes, 2, 1, "counts").is_ok());
        assert!(views::<U32>(&bytes, 2, 2, "counts").is_err());
        assert!(views::<U32>(&bytes, 0, u32::MAX, "counts").is_err());
        assert_eq!(put(&mut bytes, 3, &U32::new(9)), Err(BuildError::NoRoom { needed: 7 }));
        assert_eq!(bytes, [0, 0, 1, 0, 0, 0]);
    }

    #[test]
    fn an_array_that_ends_past_32_bits_has_no_end() {
        assert_eq!(array_end(48, 2, 32), Some(112));
        assert_eq!(array_end(u32::MAX, u32::MAX, u32::MAX), None);
        assert_eq!(array_end(16, 0x1000_0000, 16), None);
        assert_eq!(array_end(15, 0x0fff_ffff, 16), Some(u32::MAX));
    }

    #[test]
    fn errors_say_what_and_where() {
        let error = DescriptorError::new("access offset", 0x20, Fault::Unaligned);
        assert_eq!(error.to_string(), "access offset at 0x20 is not aligned");
        assert_eq!(BuildError::from(error).to_string(), error.to_string());
        assert_eq!(BuildError::NoRoom { needed: 96 }.to_string(), "no room: 96 bytes are needed");
    }
}
