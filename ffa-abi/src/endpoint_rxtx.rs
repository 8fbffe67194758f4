//! The buffers of a VM, as a hypervisor describes them to the SPMC (DEN0077, "Endpoint RX/TX
//! descriptor"): it lies in the hypervisor's TX buffer when `FFA_RXTX_MAP` is called with TX, RX and
//! page count zero.
//!
//! ```text
//! offset  0          2          4           8           12         16
//! 1.0     | endpoint | reserved | RX ranges | TX ranges | reserved | RX ranges... | TX ranges... |
//! 1.1     | endpoint | reserved | RX offset | TX offset |
//! ```
//! From 1.1 on each offset, a multiple of 8, leads to a composite memory region. In 1.0 the ranges
//! follow at once, without their headers. The call does not say how long the descriptor is: what
//! follows it in the buffer is ignored.

use core::fmt;
use core::ops::Range;

use zerocopy::little_endian::{U16, U32};

use crate::descriptor::{BuildError, DescriptorError, Fault, array_end, check, put, room, view};
use crate::id::EndpointId;
use crate::list::List;
use crate::memory::range::{
    COMPOSITE_SIZE, Composite, MemoryRange, RANGE_SIZE, Ranges, Tally, sum_up,
};
use crate::raw::layout;
use crate::version::Version;

layout! {
    /// The fixed part of an endpoint RX/TX descriptor in FF-A 1.0, 16 bytes, as it lies in a buffer.
    #[derive(Debug)]
    pub struct RawEndpointRxTx1_0: 16 {
        /// The VM.
        0 => pub endpoint: U16,
        /// Must be zero.
        2 => pub reserved_2: U16,
        /// How many ranges the RX buffer has.
        4 => pub rx_ranges: U32,
        /// How many ranges the TX buffer has.
        8 => pub tx_ranges: U32,
        /// Must be zero.
        12 => pub reserved_12: U32,
    }
}

layout! {
    /// The fixed part of an endpoint RX/TX descriptor from FF-A 1.1 on, 12 bytes, as it lies in a buffer.
    #[derive(Debug)]
    pub struct RawEndpointRxTx: 12 {
        /// The VM.
        0 => pub endpoint: U16,
        /// Must be zero.
        2 => pub reserved: U16,
        /// Bytes from the start of the descriptor to the composite memory region of the RX buffer.
        4 => pub rx_offset: U32,
        /// Bytes from the start of the descriptor to the composite memory region of the TX buffer.
        8 => pub tx_offset: U32,
    }
}

/// Where the ranges of 1.0 start, and where the regions of 1.1 do that this crate writes: behind the
/// fixed part, at the next multiple of 8.
const FIRST: u32 = 16;

/// Bytes of the fixed part from 1.1 on.
const HEADER_SIZE: u32 = 12;

/// The RX and TX buffer of a VM, all checked.
#[derive(Clone, Debug)]
pub struct EndpointRxTx<'b> {
    endpoint: EndpointId,
    rx: BufferRegion<'b>,
    tx: BufferRegion<'b>,
}

/// The RX and TX buffer of a VM, to be written.
///
/// ```
/// use ffa_abi::{EndpointId, EndpointRxTx, MemoryRange, NewEndpointRxTx, Version};
///
/// let [rx, tx] = [0x8000_0000, 0x8000_1000].map(|address| MemoryRange::new(address, 1));
/// let (rx, tx) = (rx.expect("a page"), tx.expect("a page"));
/// let buffers = NewEndpointRxTx { endpoint: EndpointId(1), rx: &[rx], tx: &[tx] };
/// let mut buffer = [0; 4096];
/// let length = buffers.write(&mut buffer, Version::V1_1)?;
/// let read = EndpointRxTx::parse(&buffer[..length], Version::V1_1)?;
/// assert_eq!(read.rx().ranges().next(), Some(rx));
/// # Ok::<(), ffa_abi::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewEndpointRxTx<'r> {
    /// The VM.
    pub endpoint: EndpointId,
    /// The pages of the buffer that the VM reads.
    pub rx: &'r [MemoryRange],
    /// The pages of the buffer that the VM writes.
    pub tx: &'r [MemoryRange],
}

/// The pages of one buffer: at least one range.
#[derive(Clone, Debug)]
pub struct BufferRegion<'b> {
    pages: u32,
    ranges: Ranges<'b>,
}

impl<'b> EndpointRxTx<'b> {
    /// Reads the descriptor at the start of `bytes`, a private copy, written by a hypervisor that
    /// speaks `version`.
    ///
    /// # Errors
    /// The first thing found wrong: bytes that end too early, an offset that is not aligned or inside
    /// something else, a buffer without ranges, a range that is none, pages that do not sum up.
    pub fn parse(bytes: &'b [u8], version: Version) -> Result<EndpointRxTx<'b>, DescriptorError> {
        if version < Version::V1_1 {
            EndpointRxTx::parse_1_0(bytes)
        } else {
            EndpointRxTx::parse_1_1(bytes)
        }
    }

    fn parse_1_0(bytes: &'b [u8]) -> Result<EndpointRxTx<'b>, DescriptorError> {
        let raw: &RawEndpointRxTx1_0 = view(bytes, 0, FIELD)?;
        check(raw.reserved_2.get() == 0, "reserved", 2, Fault::NotZero)?;
        check(raw.reserved_12.get() == 0, "reserved", 12, Fault::NotZero)?;
        let (rx_ranges, tx_ranges) = (raw.rx_ranges.get(), raw.tx_ranges.get());
        check(rx_ranges != 0, "RX range count", 4, Fault::Zero)?;
        check(tx_ranges != 0, "TX range count", 8, Fault::Zero)?;
        let rx = BufferRegion::counted(bytes, FIRST, rx_ranges)?;
        let overflow = DescriptorError::new("RX range count", 4, Fault::Overflow);
        let tx_at = array_end(FIRST, rx_ranges, RANGE_SIZE).ok_or(overflow)?;
        let tx = BufferRegion::counted(bytes, tx_at, tx_ranges)?;
        Ok(EndpointRxTx { endpoint: EndpointId(raw.endpoint.get()), rx, tx })
    }

    fn parse_1_1(bytes: &'b [u8]) -> Result<EndpointRxTx<'b>, DescriptorError> {
        let raw: &RawEndpointRxTx = view(bytes, 0, FIELD)?;
        check(raw.reserved.get() == 0, "reserved", 2, Fault::NotZero)?;
        let (rx, rx_place) = BufferRegion::at(bytes, raw.rx_offset.get(), "RX offset", 4)?;
        let (tx, tx_place) = BufferRegion::at(bytes, raw.tx_offset.get(), "TX offset", 8)?;
        let apart = tx_place.start >= rx_place.end || rx_place.start >= tx_place.end;
        check(apart, "TX offset", 8, Fault::Overlaps)?;
        Ok(EndpointRxTx { endpoint: EndpointId(raw.endpoint.get()), rx, tx })
    }

    /// The VM.
    #[must_use]
    pub fn endpoint(&self) -> EndpointId {
        self.endpoint
    }

    /// The buffer that the VM reads.
    #[must_use]
    pub fn rx(&self) -> &BufferRegion<'b> {
        &self.rx
    }

    /// The buffer that the VM writes.
    #[must_use]
    pub fn tx(&self) -> &BufferRegion<'b> {
        &self.tx
    }
}

impl NewEndpointRxTx<'_> {
    /// Writes the descriptor for an SPMC that speaks `version`, and returns its length.
    ///
    /// # Errors
    /// See [`BuildError`]: what [`EndpointRxTx::parse`] would refuse, too.
    pub fn write(&self, buffer: &mut [u8], version: Version) -> Result<usize, BuildError> {
        let overflow = DescriptorError::new("RX range count", 4, Fault::Overflow);
        let (places, length) = self.places(version).ok_or(overflow)?;
        let buffer = room(buffer, length)?;
        if version < Version::V1_1 {
            self.write_header_1_0(buffer, &places)?;
        } else {
            self.write_header_1_1(buffer, &places)?;
        }
        for place in &places {
            put_ranges(buffer, place.ranges_at, place.ranges)?;
        }
        EndpointRxTx::parse(buffer, version)?;
        Ok(buffer.len())
    }

    /// Where RX and TX go, and the length of all; `None` where 32 bits cannot say it.
    fn places(&self, version: Version) -> Option<([Place<'_>; 2], u32)> {
        let header = if version < Version::V1_1 { 0 } else { COMPOSITE_SIZE };
        let rx = Place::new(FIRST, header, self.rx)?;
        let tx = Place::new(rx.end, header, self.tx)?;
        let length = tx.end;
        Some(([rx, tx], length))
    }

    fn write_header_1_0(
        &self,
        buffer: &mut [u8],
        [rx, tx]: &[Place<'_>; 2],
    ) -> Result<(), BuildError> {
        let raw = RawEndpointRxTx1_0 {
            endpoint: U16::new(self.endpoint.0),
            reserved_2: U16::ZERO,
            rx_ranges: U32::new(rx.count),
            tx_ranges: U32::new(tx.count),
            reserved_12: U32::ZERO,
        };
        put(buffer, 0, &raw)
    }

    fn write_header_1_1(
        &self,
        buffer: &mut [u8],
        [rx, tx]: &[Place<'_>; 2],
    ) -> Result<(), BuildError> {
        let raw = RawEndpointRxTx {
            endpoint: U16::new(self.endpoint.0),
            reserved: U16::ZERO,
            rx_offset: U32::new(rx.at),
            tx_offset: U32::new(tx.at),
        };
        put(buffer, 0, &raw)?;
        put(buffer, HEADER_SIZE, &U32::ZERO)?;
        put(buffer, rx.at, &composite_of(rx.ranges)?.raw())?;
        put(buffer, tx.at, &composite_of(tx.ranges)?.raw())
    }
}

/// Where the ranges of a buffer go, behind a composite header or none.
struct Place<'r> {
    ranges: &'r [MemoryRange],
    count: u32,
    at: u32,
    ranges_at: u32,
    end: u32,
}

impl Place<'_> {
    fn new(at: u32, header: u32, ranges: &[MemoryRange]) -> Option<Place<'_>> {
        let count = u32::try_from(ranges.len()).ok()?;
        let ranges_at = at.checked_add(header)?;
        let end = array_end(ranges_at, count, RANGE_SIZE)?;
        Some(Place { ranges, count, at, ranges_at, end })
    }
}

const FIELD: &str = "endpoint RX/TX descriptor";

fn composite_of(ranges: &[MemoryRange]) -> Result<Composite, BuildError> {
    let error = DescriptorError::new("total page count", FIRST, Fault::Invalid);
    Composite::of(ranges.iter().copied()).ok_or(BuildError::Invalid(error))
}

fn put_ranges(buffer: &mut [u8], at: u32, ranges: &[MemoryRange]) -> Result<(), BuildError> {
    let mut at = at;
    for range in ranges {
        put(buffer, at, &range.raw())?;
        at = at.saturating_add(RANGE_SIZE);
    }
    Ok(())
}

impl<'b> BufferRegion<'b> {
    /// `count` ranges at `at`.
    fn counted(bytes: &'b [u8], at: u32, count: u32) -> Result<BufferRegion<'b>, DescriptorError> {
        let (pages, ranges) = sum_up(bytes, at, count)?;
        Ok(BufferRegion { pages, ranges })
    }

    /// The composite memory region at `offset`, and where it lies. `field`, at `at`, is who says so.
    fn at(
        bytes: &'b [u8],
        offset: u32,
        field: &'static str,
        at: u32,
    ) -> Result<(BufferRegion<'b>, Range<u32>), DescriptorError> {
        check(offset % 8 == 0, field, at, Fault::Unaligned)?;
        check(offset >= HEADER_SIZE, field, at, Fault::Overlaps)?;
        let composite = Composite::read(bytes, offset)?;
        let ranges_at = offset.saturating_add(COMPOSITE_SIZE);
        let ranges = Tally::new(composite).read(bytes, ranges_at, composite.ranges, ranges_at)?;
        let end = array_end(ranges_at, composite.ranges, RANGE_SIZE).unwrap_or(u32::MAX);
        Ok((BufferRegion { pages: composite.pages, ranges }, offset..end))
    }

    /// Pages of 4 KiB, all ranges together.
    #[must_use]
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// The ranges, in order.
    #[must_use]
    pub fn ranges(&self) -> Ranges<'b> {
        self.ranges.clone()
    }
}

impl fmt::Display for EndpointRxTx<'_> {
    /// `endpoint=0x0001 rx=[0x80000000+1] tx=[0x80001000+1]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EndpointRxTx { endpoint, rx, tx } = self;
        write!(f, "endpoint={endpoint} rx={rx} tx={tx}")
    }
}

impl fmt::Display for BufferRegion<'_> {
    /// `[0x80000000+1]`, and of many ranges the first eight.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&List(self.ranges()), f)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    /// By hand, as Xen and Hafnium lay it out: VM 1, RX one page at 0x80000000 described at 16, TX
    /// one page at 0x80001000 described at 48.
    const NEW: [u8; 80] = [
        1, 0, 0, 0, 16, 0, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, //
        1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0, 0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, //
        1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0, 0x10, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// The same in 1.0.
    const OLD: [u8; 48] = [
        1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, //
        0, 0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, //
        0, 0x10, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    ];

    const LAYOUTS: [(&[u8], Version); 2] = [(&OLD, Version::V1_0), (&NEW, Version::V1_1)];

    fn fault(bytes: &[u8], version: Version, change: &[(usize, u8)]) -> (&'static str, u32, Fault) {
        let mut bytes = bytes.to_vec();
        for (index, byte) in change {
            bytes[*index] = *byte;
        }
        let DescriptorError { field, offset, fault } =
            EndpointRxTx::parse(&bytes, version).unwrap_err();
        (field, offset, fault)
    }

    #[test]
    fn both_layouts_are_read_and_written() {
        for (bytes, version) in LAYOUTS {
            let both = EndpointRxTx::parse(bytes, version).unwrap();
            assert_eq!(both.to_string(), "endpoint=0x0001 rx=[0x80000000+1] tx=[0x80001000+1]");
            assert_eq!((both.rx().pages(), both.tx().pages()), (1, 1));
            let [rx, tx] = [both.rx(), both.tx()].map(|region| region.ranges().collect::<Vec<_>>());
            let mut buffer = [0xcc; 96];
            let new = NewEndpointRxTx { endpoint: EndpointId(1), rx: &rx, tx: &tx };
            let length = new.write(&mut buffer, version);
            assert_eq!((length, &buffer[..bytes.len()]), (Ok(bytes.len()), bytes));
            assert_eq!(buffer[bytes.len()], 0xcc);
        }
    }

    #[test]
    fn several_ranges_come_back() {
        let range = |page: u64, pages| MemoryRange::new(page << 12, pages).unwrap();
        let (rx, tx) = ([range(1, 2), range(9, 1)], [range(4, 1), range(6, 1), range(8, 1)]);
        for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
            let mut buffer = [0xcc; 160];
            let new = NewEndpointRxTx { endpoint: EndpointId(2), rx: &rx, tx: &tx };
            let length = new.write(&mut buffer, version).unwrap();
            let both = EndpointRxTx::parse(&buffer[..length], version).unwrap();
            assert_eq!((both.rx().pages(), both.tx().pages()), (3, 3));
            assert_eq!(both.rx().ranges().collect::<Vec<_>>(), rx);
            assert_eq!(both.tx().ranges().collect::<Vec<_>>(), tx);
        }
    }

    #[test]
    fn every_shorter_buffer_is_refused_and_what_follows_is_ignored() {
        for (bytes, version) in LAYOUTS {
            for length in 0..bytes.len() {
                let error = EndpointRxTx::parse(&bytes[..length], version).unwrap_err();
                assert_eq!(error.fault, Fault::Truncated);
            }
            let longer = [bytes, &[0xff; 7]].concat();
            assert!(EndpointRxTx::parse(&longer, version).is_ok());
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let old = |change: &[(usize, u8)]| fault(&OLD, Version::V1_0, change);
        assert_eq!(old(&[(2, 1)]), ("reserved", 2, Fault::NotZero));
        assert_eq!(old(&[(15, 1)]), ("reserved", 12, Fault::NotZero));
        assert_eq!(old(&[(4, 0)]), ("RX range count", 4, Fault::Zero));
        assert_eq!(old(&[(8, 0)]), ("TX range count", 8, Fault::Zero));
        assert_eq!(old(&[(8, 2)]), ("address ranges", 32, Fault::Truncated));
        assert_eq!(old(&[(7, 0xff)]), ("address ranges", 16, Fault::Truncated));
        assert_eq!(old(&[(40, 0)]), ("range page count", 40, Fault::Zero));
        let new = |change: &[(usize, u8)]| fault(&NEW, Version::V1_1, change);
        assert_eq!(new(&[(3, 1)]), ("reserved", 2, Fault::NotZero));
        assert_eq!(new(&[(4, 20)]), ("RX offset", 4, Fault::Unaligned));
        assert_eq!(new(&[(8, 8)]), ("TX offset", 8, Fault::Overlaps));
        assert_eq!(new(&[(8, 16)]), ("TX offset", 8, Fault::Overlaps));
        assert_eq!(new(&[(4, 48)]), ("TX offset", 8, Fault::Overlaps));
        assert_eq!(new(&[(8, 72)]), ("composite memory region", 72, Fault::Truncated));
        assert_eq!(new(&[(16, 2)]), ("range page count", 40, Fault::Mismatch));
        assert_eq!(new(&[(20, 0)]), ("range count", 20, Fault::Zero));
        assert_eq!(new(&[(65, 0x18)]), ("range address", 64, Fault::Unaligned));
    }

    #[test]
    fn either_region_may_come_first() {
        let mut bytes = NEW;
        (bytes[4], bytes[8]) = (48, 16);
        let both = EndpointRxTx::parse(&bytes, Version::V1_1).unwrap();
        assert_eq!(both.to_string(), "endpoint=0x0001 rx=[0x80001000+1] tx=[0x80000000+1]");
    }

    #[test]
    fn an_offset_is_a_multiple_of_eight_not_of_sixteen() {
        let mut bytes = NEW.to_vec();
        bytes.splice(48..48, [0; 8]);
        bytes[8] = 56;
        assert!(EndpointRxTx::parse(&bytes, Version::V1_1).is_ok());
    }

    #[test]
    fn nothing_is_written_without_room_or_ranges() {
        let one = [MemoryRange::new(0x1000, 1).unwrap()];
        for (bytes, version) in LAYOUTS {
            let needed = bytes.len();
            let mut buffer = [0xcc; 80];
            let short = &mut buffer[..needed - 1];
            let new = NewEndpointRxTx { endpoint: EndpointId(1), rx: &one, tx: &one };
            let written = new.write(short, version);
            assert_eq!(written, Err(BuildError::NoRoom { needed }));
            assert_eq!(buffer, [0xcc; 80]);
            for (rx, tx) in [(&one[..], &[][..]), (&[], &one)] {
                let written = NewEndpointRxTx { rx, tx, ..new }.write(&mut buffer, version);
                assert!(matches!(written, Err(BuildError::Invalid(_))));
            }
        }
    }
}
