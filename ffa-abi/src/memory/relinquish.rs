//! What `FFA_MEM_RELINQUISH` carries in a buffer (DEN0077, "Descriptor to relinquish a memory
//! region").
//!
//! ```text
//! offset  0        8       12               16
//!         | handle | flags | endpoint count | endpoint ids, 2 bytes each... |
//! ```
//! The call does not say how long the descriptor is: what follows it in the buffer is ignored.

use core::fmt;
use core::slice;

use zerocopy::little_endian::{U16, U32, U64};

use crate::descriptor::{
    BuildError, DescriptorError, Fault, array_end, check, put, room, view, views,
};
use crate::id::EndpointId;
use crate::list::List;
use crate::memory::distinct::duplicate;
use crate::memory::flags::RelinquishFlags;
use crate::memory::handle::MemoryHandle;
use crate::raw::layout;

layout! {
    /// The fixed part of a relinquish descriptor, 16 bytes, as it lies in a buffer.
    #[derive(Debug)]
    pub struct RawRelinquish: 16 {
        /// See [`MemoryHandle`].
        0 => pub handle: U64,
        /// See [`RelinquishFlags`].
        8 => pub flags: U32,
        /// How many endpoint ids follow.
        12 => pub endpoint_count: U32,
    }
}

const HEADER_SIZE: u32 = 16;
const ID_SIZE: u32 = 2;

/// A relinquish descriptor, all checked.
#[derive(Clone, Debug)]
pub struct Relinquish<'b> {
    handle: MemoryHandle,
    flags: RelinquishFlags,
    endpoints: Endpoints<'b>,
}

/// The endpoints that give a region up, in order; none is there twice.
#[derive(Clone, Debug)]
pub struct Endpoints<'b>(slice::Iter<'b, U16>);

impl<'b> Relinquish<'b> {
    /// Reads the descriptor at the start of `bytes`, which must be a private copy.
    ///
    /// Its time grows with the number of endpoints: 50 us for as many as a page holds, 1.6 ms for
    /// 65536 in the worst order, on a fast machine. Who may not be held up that long copies no more than
    /// a page, or than there are endpoints.
    ///
    /// # Errors
    /// Bytes that end too early, no endpoint, or one that is there twice (not always the first).
    pub fn parse(bytes: &'b [u8]) -> Result<Relinquish<'b>, DescriptorError> {
        let raw: &RawRelinquish = view(bytes, 0, "relinquish descriptor")?;
        let count = raw.endpoint_count.get();
        check(count != 0, "endpoint count", 12, Fault::Zero)?;
        let ids: &[U16] = views(bytes, HEADER_SIZE, count, "endpoints")?;
        let endpoints = Endpoints(ids.iter());
        if let Some(index) = duplicate(&endpoints) {
            let at = ID_SIZE.saturating_mul(index).saturating_add(HEADER_SIZE);
            return Err(DescriptorError::new("endpoint", at, Fault::Duplicate));
        }
        Ok(Relinquish {
            handle: MemoryHandle(raw.handle.get()),
            flags: RelinquishFlags::from_bits_truncate(raw.flags.get()),
            endpoints,
        })
    }

    /// Writes a descriptor and returns its length.
    ///
    /// # Errors
    /// See [`BuildError`]: what [`Relinquish::parse`] would refuse, too.
    pub fn write(
        buffer: &mut [u8],
        handle: MemoryHandle,
        flags: RelinquishFlags,
        endpoints: &[EndpointId],
    ) -> Result<usize, BuildError> {
        let overflow = DescriptorError::new("endpoint count", 12, Fault::Overflow);
        let count = u32::try_from(endpoints.len()).map_err(|_| overflow)?;
        let length = array_end(HEADER_SIZE, count, ID_SIZE).ok_or(overflow)?;
        let buffer = room(buffer, length)?;
        let raw = RawRelinquish {
            handle: U64::new(handle.0),
            flags: U32::new((flags & RelinquishFlags::all()).bits()),
            endpoint_count: U32::new(count),
        };
        put(buffer, 0, &raw)?;
        let mut at = HEADER_SIZE;
        for endpoint in endpoints {
            put(buffer, at, &U16::new(endpoint.0))?;
            at = at.saturating_add(ID_SIZE);
        }
        Relinquish::parse(buffer)?;
        Ok(buffer.len())
    }

    /// The region.
    #[must_use]
    pub fn handle(&self) -> MemoryHandle {
        self.handle
    }

    /// Flags.
    #[must_use]
    pub fn flags(&self) -> RelinquishFlags {
        self.flags
    }

    /// Who gives it up, one endpoint at least.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints<'b> {
        self.endpoints.clone()
    }
}

impl Iterator for Endpoints<'_> {
    type Item = EndpointId;

    fn next(&mut self) -> Option<EndpointId> {
        self.0.next().map(|id| EndpointId(id.get()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Endpoints<'_> {}

impl fmt::Display for Relinquish<'_> {
    /// `RELINQUISH handle=0x... by=[0x8003] zero slice`, and of many endpoints the first eight.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RELINQUISH handle={} by={}", self.handle, List(self.endpoints()))?;
        let zero = self.flags.contains(RelinquishFlags::ZERO);
        f.write_str(if zero { " zero" } else { "" })?;
        let slice = self.flags.contains(RelinquishFlags::TIME_SLICE);
        f.write_str(if slice { " slice" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    // By hand: handle 0x8000000000000005, zero, endpoints 0x8003 and 2, and a byte behind.
    const BYTES: [u8; 21] =
        [5, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0, 0, 2, 0, 0, 0, 0x03, 0x80, 0x02, 0x00, 0xff];

    #[test]
    fn fields_stand_where_the_document_puts_them() {
        let relinquish = Relinquish::parse(&BYTES).unwrap();
        assert_eq!(relinquish.handle(), MemoryHandle(0x8000_0000_0000_0005));
        assert_eq!(relinquish.flags(), RelinquishFlags::ZERO);
        let endpoints: Vec<_> = relinquish.endpoints().collect();
        assert_eq!(endpoints, [EndpointId(0x8003), EndpointId(2)]);
        assert_eq!(
            relinquish.to_string(),
            "RELINQUISH handle=0x8000000000000005 by=[0x8003, 0x0002] zero"
        );
        let mut buffer = [0xff; 21];
        let (handle, flags) = (relinquish.handle(), relinquish.flags());
        assert_eq!(Relinquish::write(&mut buffer, handle, flags, &endpoints), Ok(20));
        assert_eq!(buffer, BYTES);
    }

    #[test]
    fn flags_that_should_be_zero_are_ignored() {
        let mut bytes = BYTES;
        bytes[8..12].fill(0xfe);
        assert_eq!(Relinquish::parse(&bytes).unwrap().flags(), RelinquishFlags::TIME_SLICE);
    }

    #[test]
    fn undefined_flags_are_written_as_zero() {
        let (mut buffer, flags) = ([0xff; 20], RelinquishFlags::from_bits_retain(u32::MAX));
        let written = Relinquish::write(&mut buffer, MemoryHandle(5), flags, &[EndpointId(1)]);
        assert_eq!((written, &buffer[8..12]), (Ok(18), &[3, 0, 0, 0][..]));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let fault = |index: usize, byte| {
            let mut bytes = BYTES;
            bytes[index] = byte;
            let DescriptorError { field, offset, fault } = Relinquish::parse(&bytes).unwrap_err();
            (field, offset, fault)
        };
        assert_eq!(fault(12, 0), ("endpoint count", 12, Fault::Zero));
        assert_eq!(fault(12, 3), ("endpoints", 16, Fault::Truncated));
        assert_eq!(fault(15, 0x80), ("endpoints", 16, Fault::Truncated));
        let mut bytes = BYTES;
        bytes[18..20].copy_from_slice(&[0x03, 0x80]);
        let error = DescriptorError::new("endpoint", 18, Fault::Duplicate);
        assert_eq!(Relinquish::parse(&bytes).unwrap_err(), error);
        for length in 0..20 {
            assert_eq!(Relinquish::parse(&BYTES[..length]).unwrap_err().fault, Fault::Truncated);
        }
    }

    #[test]
    fn what_a_reader_would_refuse_is_not_written() {
        let write = |buffer: &mut [u8], ids: &[u16]| {
            let endpoints: Vec<_> = ids.iter().map(|id| EndpointId(*id)).collect();
            Relinquish::write(buffer, MemoryHandle(1), RelinquishFlags::empty(), &endpoints)
        };
        let needed = BuildError::NoRoom { needed: 20 };
        assert_eq!(write(&mut [0; 19], &[1, 2]), Err(needed));
        let none = DescriptorError::new("endpoint count", 12, Fault::Zero);
        assert_eq!(write(&mut [0; 32], &[]), Err(BuildError::Invalid(none)));
        let twice = DescriptorError::new("endpoint", 18, Fault::Duplicate);
        assert_eq!(write(&mut [0; 32], &[1, 1]), Err(BuildError::Invalid(twice)));
    }
}
