//! Receivers of a transaction (DEN0077, "Endpoint memory access descriptor").
//!
//! ```text
//! offset  0          2             3       4                  8                       16        24    32
//! 1.0, 1.1| receiver | permissions | flags | composite offset | reserved              |
//! 1.2     | receiver | permissions | flags | composite offset | implementation-defined | reserved |
//! ```

use core::fmt;
use core::slice;

use zerocopy::little_endian::{U16, U32, U64};

use crate::descriptor::{DescriptorError, Fault, check};
use crate::id::EndpointId;
use crate::memory::distinct::duplicate;
use crate::memory::permissions::{Permissions, ReceiverFlags};
use crate::raw::layout;

layout! {
    /// The endpoint memory access descriptor of FF-A 1.0 and 1.1, 16 bytes, as it lies in a buffer.
    #[derive(Debug)]
    pub struct RawAccess: 16 {
        /// The endpoint.
        0 => pub receiver: U16,
        /// See [`Permissions`].
        2 => pub permissions: u8,
        /// See [`ReceiverFlags`].
        3 => pub flags: u8,
        /// Bytes from the start of the transaction to the composite memory region, or 0.
        4 => pub composite_offset: U32,
        /// Must be zero.
        8 => pub reserved: U64,
    }
}

layout! {
    /// The endpoint memory access descriptor of FF-A 1.2, 32 bytes, as it lies in a buffer.
    #[derive(Debug)]
    pub struct RawAccess1_2: 32 {
        /// The endpoint.
        0 => pub receiver: U16,
        /// See [`Permissions`].
        2 => pub permissions: u8,
        /// See [`ReceiverFlags`].
        3 => pub flags: u8,
        /// Bytes from the start of the transaction to the composite memory region, or 0.
        4 => pub composite_offset: U32,
        /// For the endpoints to agree on.
        8 => pub implementation_defined: [u8; 16],
        /// Must be zero.
        24 => pub reserved: U64,
    }
}

/// An endpoint that a transaction names, and what it may do with the region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receiver {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// What it may do.
    pub permissions: Permissions,
    /// Flags, used in retrieval.
    pub flags: ReceiverFlags,
    /// Whether it points to the address ranges in this transaction. If not, its composite offset is
    /// 0 and the handle says which region is meant.
    pub has_region: bool,
    /// For the endpoints to agree on; all zero before FF-A 1.2.
    pub implementation_defined: [u8; 16],
}

/// The receivers that a transaction names, in order. All were checked.
#[derive(Clone, Debug)]
pub struct Receivers<'b>(Access<'b>);

#[derive(Clone, Debug)]
enum Access<'b> {
    Short(slice::Iter<'b, RawAccess>),
    Long(slice::Iter<'b, RawAccess1_2>),
}

impl Receiver {
    /// A receiver of the ranges in the transaction, as a sender writes it.
    #[must_use]
    pub const fn new(endpoint: EndpointId, permissions: Permissions) -> Receiver {
        Receiver {
            endpoint,
            permissions,
            flags: ReceiverFlags::empty(),
            has_region: true,
            implementation_defined: [0; 16],
        }
    }

    /// A borrower that retrieves the region of the handle, as it names itself.
    #[must_use]
    pub const fn of_handle(endpoint: EndpointId, permissions: Permissions) -> Receiver {
        Receiver { has_region: false, ..Receiver::new(endpoint, permissions) }
    }

    /// For a transaction whose composite memory region, if any, is at `composite`.
    pub(crate) fn raw(&self, composite: u32) -> RawAccess1_2 {
        RawAccess1_2 {
            receiver: U16::new(self.endpoint.0),
            permissions: self.permissions.bits(),
            flags: (self.flags & ReceiverFlags::all()).bits(),
            composite_offset: U32::new(if self.has_region { composite } else { 0 }),
            implementation_defined: self.implementation_defined,
            reserved: U64::ZERO,
        }
    }
}

impl RawAccess {
    fn long(&self) -> RawAccess1_2 {
        RawAccess1_2 {
            receiver: self.receiver,
            permissions: self.permissions,
            flags: self.flags,
            composite_offset: self.composite_offset,
            implementation_defined: [0; 16],
            reserved: self.reserved,
        }
    }
}

impl RawAccess1_2 {
    /// The descriptor of FF-A 1.0 and 1.1, which has no implementation-defined value.
    pub(crate) fn short(&self) -> RawAccess {
        RawAccess {
            receiver: self.receiver,
            permissions: self.permissions,
            flags: self.flags,
            composite_offset: self.composite_offset,
            reserved: U64::ZERO,
        }
    }

    fn receiver(&self) -> Receiver {
        Receiver {
            endpoint: EndpointId(self.receiver.get()),
            // A reserved value was refused before.
            permissions: Permissions::from_bits(self.permissions).unwrap_or_default(),
            flags: ReceiverFlags::from_bits_truncate(self.flags),
            has_region: self.composite_offset.get() != 0,
            implementation_defined: self.implementation_defined,
        }
    }

    fn check(&self, offset: u32, size: u32) -> Result<(), DescriptorError> {
        let reserved_at = offset.saturating_add(size).saturating_sub(8);
        check(self.reserved.get() == 0, "access reserved", reserved_at, Fault::NotZero)?;
        let invalid = |field| DescriptorError::new(field, offset.saturating_add(2), Fault::Invalid);
        Permissions::from_bits(self.permissions).map(drop).map_err(invalid)
    }
}

impl<'b> Receivers<'b> {
    pub(crate) fn short(raw: &'b [RawAccess]) -> Receivers<'b> {
        Receivers(Access::Short(raw.iter()))
    }

    pub(crate) fn long(raw: &'b [RawAccess1_2]) -> Receivers<'b> {
        Receivers(Access::Long(raw.iter()))
    }

    fn size(&self) -> u32 {
        match self.0 {
            Access::Short(_) => 16,
            Access::Long(_) => 32,
        }
    }

    fn next_raw(&mut self) -> Option<RawAccess1_2> {
        match &mut self.0 {
            Access::Short(raw) => raw.next().map(RawAccess::long),
            Access::Long(raw) => raw.next().copied(),
        }
    }

    /// Checks the descriptors, which start at `offset`: reserved fields, permissions, endpoints that
    /// are there once, and one composite offset for all, where zero is another one that any may have.
    ///
    /// Returns the common offset and where it was first seen; 0 where none has one.
    pub(crate) fn check(&self, offset: u32) -> Result<CompositeOffset, DescriptorError> {
        let mut common = CompositeOffset { value: 0, at: offset.saturating_add(4) };
        let (mut raw, mut at) = (self.clone(), offset);
        while let Some(access) = raw.next_raw() {
            access.check(at, self.size())?;
            let (value, value_at) = (access.composite_offset.get(), at.saturating_add(4));
            if common.value == 0 && value != 0 {
                common = CompositeOffset { value, at: value_at };
            }
            let agrees = value == 0 || value == common.value;
            check(agrees, "composite offset", value_at, Fault::Mismatch)?;
            at = at.saturating_add(self.size());
        }
        match duplicate(&self.clone().map(|receiver| receiver.endpoint)) {
            Some(index) => {
                let at = self.size().saturating_mul(index).saturating_add(offset);
                Err(DescriptorError::new("receiver", at, Fault::Duplicate))
            }
            None => Ok(common),
        }
    }
}

/// Where a transaction's composite memory region is said to be, and which field said so first.
#[derive(Clone, Copy)]
pub(crate) struct CompositeOffset {
    pub(crate) value: u32,
    pub(crate) at: u32,
}

impl Iterator for Receivers<'_> {
    type Item = Receiver;

    fn next(&mut self) -> Option<Receiver> {
        self.next_raw().map(|raw| raw.receiver())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Access::Short(raw) => raw.size_hint(),
            Access::Long(raw) => raw.size_hint(),
        }
    }
}

impl ExactSizeIterator for Receivers<'_> {}

impl fmt::Display for Receiver {
    /// `0x8003:RW`, and in parentheses what else it says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.endpoint, self.permissions)?;
        if self.flags.contains(ReceiverFlags::NON_RETRIEVAL_BORROWER) {
            f.write_str(" (not retrieving)")?;
        }
        if self.implementation_defined == [0; 16] {
            return Ok(());
        }
        f.write_str(" (")?;
        self.implementation_defined.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_receiver_reads_as_an_engineer_writes_it() {
        let mut receiver = Receiver::new(EndpointId(0x8003), Permissions::READ_WRITE);
        assert_eq!(receiver.to_string(), "0x8003:RW");
        receiver.flags = ReceiverFlags::NON_RETRIEVAL_BORROWER;
        receiver.implementation_defined[0] = 0xab;
        let value = "ab000000000000000000000000000000";
        assert_eq!(receiver.to_string(), std::format!("0x8003:RW (not retrieving) ({value})"));
    }
}
