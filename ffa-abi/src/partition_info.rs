//! Partition information descriptors (DEN0077, "Partition information descriptor").
//!
//! ```text
//! offset  0   2   4            8                24
//!         | id | execution contexts | properties | uuid, from 1.1 on |
//! ```
//! All little-endian. FF-A 1.0 ends after 8 bytes.

use core::fmt;

use bitflags::bitflags;
use zerocopy::little_endian::{U16, U32};

use crate::id::EndpointId;
use crate::raw::layout;
use crate::uuid::Uuid;
use crate::version::Version;

bitflags! {
    /// Partition properties, the u32 at offset 4 of a descriptor.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct PartitionProperties: u32 {
        /// Receives direct requests.
        const RECEIVES_DIRECT_REQUESTS = 1 << 0;
        /// Sends direct requests.
        const SENDS_DIRECT_REQUESTS = 1 << 1;
        /// Sends and receives indirect messages.
        const INDIRECT_MESSAGES = 1 << 2;
        /// Receives notifications (1.1).
        const RECEIVES_NOTIFICATIONS = 1 << 3;
        /// The bits of an [`EndpointKind`] (1.1): [`PartitionProperties::with_kind`] sets them.
        const KIND = 0b11 << 4;
        /// Wants to be told of VMs created (1.1).
        const VM_CREATED = 1 << 6;
        /// Wants to be told of VMs destroyed (1.1).
        const VM_DESTROYED = 1 << 7;
        /// Runs in AArch64 (1.1).
        const AARCH64 = 1 << 8;
        /// Receives `FFA_MSG_SEND_DIRECT_REQ2` (1.2).
        const RECEIVES_DIRECT_REQUESTS2 = 1 << 9;
        /// Sends `FFA_MSG_SEND_DIRECT_REQ2` (1.2).
        const SENDS_DIRECT_REQUESTS2 = 1 << 10;
        /// Can be replaced while others run (1.3, as Hafnium and TF-A have it).
        const LIVE_ACTIVATION = 1 << 11;
        /// All CPUs must meet while it is replaced (1.3, as Hafnium and TF-A have it).
        const CPU_RENDEZVOUS = 1 << 12;
    }
}

/// What an id names: bits 5:4 of the properties.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndpointKind {
    /// A partition with execution contexts.
    PeEndpoint = 0,
    /// A stream endpoint that is independent of any PE endpoint.
    IndependentSepid = 1,
    /// A stream endpoint that depends on a PE endpoint.
    DependentSepid = 2,
    /// A further id of a partition that has another one.
    Auxiliary = 3,
}

impl PartitionProperties {
    /// The properties that `version` defines, for the eyes of a caller that speaks it.
    #[must_use]
    pub fn visible_in(self, version: Version) -> PartitionProperties {
        let defined = if version < Version::V1_1 {
            0x007
        } else if version < Version::V1_2 {
            0x1ff
        } else if version < Version::V1_3 {
            0x7ff
        } else {
            0x1fff
        };
        PartitionProperties::from_bits_retain(self.bits() & defined)
    }

    /// What the id names.
    #[must_use]
    pub fn kind(self) -> EndpointKind {
        match (self & PartitionProperties::KIND).bits() >> 4 {
            0 => EndpointKind::PeEndpoint,
            1 => EndpointKind::IndependentSepid,
            2 => EndpointKind::DependentSepid,
            _ => EndpointKind::Auxiliary,
        }
    }

    /// The same properties of an id that names something else.
    #[must_use]
    pub fn with_kind(self, kind: EndpointKind) -> PartitionProperties {
        let other = self.bits() & !PartitionProperties::KIND.bits();
        PartitionProperties::from_bits_retain(other | (kind as u32) << 4)
    }
}

layout! {
    /// The partition information descriptor from FF-A 1.1 on: 24 bytes.
    #[derive(Default)]
    pub struct PartitionInfo: 24 {
        /// The partition.
        0 => id: U16,
        /// Execution contexts (vCPUs) of a PE endpoint.
        2 => execution_contexts: U16,
        /// See [`PartitionProperties`].
        4 => properties: U32,
        /// The protocol, in the order of its text; zero in the answer to a query by UUID.
        8 => uuid: [u8; 16],
    }
}

layout! {
    /// The partition information descriptor of FF-A 1.0: 8 bytes.
    #[derive(Default)]
    pub struct PartitionInfo1_0: 8 {
        /// The partition.
        0 => id: U16,
        /// Execution contexts (vCPUs) of a PE endpoint.
        2 => execution_contexts: U16,
        /// See [`PartitionProperties`].
        4 => properties: U32,
    }
}

impl PartitionInfo {
    /// A descriptor. `execution_contexts` is the number of vCPUs of a PE endpoint.
    #[must_use]
    pub fn new(
        id: EndpointId,
        execution_contexts: u16,
        properties: PartitionProperties,
        uuid: Uuid,
    ) -> PartitionInfo {
        PartitionInfo {
            id: U16::new(id.0),
            execution_contexts: U16::new(execution_contexts),
            properties: U32::new(properties.bits()),
            uuid: uuid.0,
        }
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> EndpointId {
        EndpointId(self.id.get())
    }

    /// Execution contexts (vCPUs) of a PE endpoint.
    #[must_use]
    pub fn execution_contexts(&self) -> u16 {
        self.execution_contexts.get()
    }

    /// What the partition can do.
    #[must_use]
    pub fn properties(&self) -> PartitionProperties {
        PartitionProperties::from_bits_retain(self.properties.get())
    }

    /// The protocol UUID; nil in the answer to a query by UUID.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        Uuid(self.uuid)
    }

    /// What a caller that speaks `version` gets to see, in answer to a query for `query`: only the
    /// properties that its version defines, and no UUID where it gave one itself.
    #[must_use]
    pub fn seen_by(&self, version: Version, query: Uuid) -> PartitionInfo {
        let uuid = if query.is_nil() { self.uuid() } else { Uuid::NIL };
        let properties = self.properties().visible_in(version);
        PartitionInfo::new(self.id(), self.execution_contexts(), properties, uuid)
    }

    /// The descriptor of FF-A 1.0.
    #[must_use]
    pub fn to_1_0(&self) -> PartitionInfo1_0 {
        let properties = self.properties().visible_in(Version::V1_0);
        PartitionInfo1_0 {
            id: self.id,
            execution_contexts: self.execution_contexts,
            properties: U32::new(properties.bits()),
        }
    }

    /// As three registers of `FFA_PARTITION_INFO_GET_REGS`: the 24 bytes, little-endian.
    #[inline]
    #[must_use]
    pub fn to_registers(&self) -> [u64; 3] {
        let [low, high] = self.uuid().double_words();
        let properties = u64::from(self.properties.get());
        let contexts = u64::from(self.execution_contexts.get());
        [properties << 32 | contexts << 16 | u64::from(self.id.get()), low, high]
    }

    /// From three registers of `FFA_PARTITION_INFO_GET_REGS`.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each field is cut out of its register")]
    pub fn from_registers(registers: [u64; 3]) -> PartitionInfo {
        let [head, low, high] = registers;
        PartitionInfo {
            id: U16::new(head as u16),
            execution_contexts: U16::new((head >> 16) as u16),
            properties: U32::new((head >> 32) as u32),
            uuid: Uuid::from_double_words([low, high]).0,
        }
    }
}

impl PartitionInfo1_0 {
    /// The id.
    #[must_use]
    pub fn id(&self) -> EndpointId {
        EndpointId(self.id.get())
    }

    /// Execution contexts (vCPUs) of a PE endpoint.
    #[must_use]
    pub fn execution_contexts(&self) -> u16 {
        self.execution_contexts.get()
    }

    /// What the partition can do.
    #[must_use]
    pub fn properties(&self) -> PartitionProperties {
        PartitionProperties::from_bits_retain(self.properties.get())
    }
}

impl From<PartitionInfo1_0> for PartitionInfo {
    /// Without a UUID.
    fn from(old: PartitionInfo1_0) -> PartitionInfo {
        let PartitionInfo1_0 { id, execution_contexts, properties } = old;
        PartitionInfo { id, execution_contexts, properties, uuid: Uuid::NIL.0 }
    }
}

impl fmt::Display for EndpointKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EndpointKind::PeEndpoint => "PE endpoint",
            EndpointKind::IndependentSepid => "independent SEPID",
            EndpointKind::DependentSepid => "dependent SEPID",
            EndpointKind::Auxiliary => "auxiliary",
        })
    }
}

impl fmt::Display for PartitionProperties {
    /// `PE endpoint: receives-req indirect AArch64`, and last the bits that no version defines, as
    /// `0x800`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let no_more = self.bits() & !PartitionProperties::KIND.bits() == 0;
        write!(f, "{}{}", self.kind(), if no_more { ", no properties" } else { ":" })?;
        let names = [
            (PartitionProperties::RECEIVES_DIRECT_REQUESTS, "receives-req"),
            (PartitionProperties::SENDS_DIRECT_REQUESTS, "sends-req"),
            (PartitionProperties::INDIRECT_MESSAGES, "indirect"),
            (PartitionProperties::RECEIVES_NOTIFICATIONS, "notifications"),
            (PartitionProperties::VM_CREATED, "vm-created"),
            (PartitionProperties::VM_DESTROYED, "vm-destroyed"),
            (PartitionProperties::AARCH64, "AArch64"),
            (PartitionProperties::RECEIVES_DIRECT_REQUESTS2, "receives-req2"),
            (PartitionProperties::SENDS_DIRECT_REQUESTS2, "sends-req2"),
        ];
        for (_, name) in names.iter().filter(|(property, _)| self.contains(*property)) {
            write!(f, " {name}")?;
        }
        let undefined = self.bits() & !PartitionProperties::all().bits();
        if undefined == 0 { Ok(()) } else { write!(f, " {undefined:#x}") }
    }
}

impl fmt::Display for PartitionInfo {
    /// `0x8003 contexts=4 uuid=... PE endpoint: receives-req`, the UUID only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} contexts={}", self.id(), self.execution_contexts())?;
        if !self.uuid().is_nil() {
            write!(f, " uuid={}", self.uuid())?;
        }
        write!(f, " {}", self.properties())
    }
}

impl fmt::Display for PartitionInfo1_0 {
    /// `0x8003 contexts=4 PE endpoint: receives-req`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, contexts) = (self.id(), self.execution_contexts());
        write!(f, "{id} contexts={contexts} {}", self.properties())
    }
}

impl fmt::Debug for PartitionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let contexts = self.execution_contexts();
        write!(f, "{} x{contexts} {:#x} {}", self.id(), self.properties.get(), self.uuid())
    }
}

impl fmt::Debug for PartitionInfo1_0 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let contexts = self.execution_contexts();
        write!(f, "{} x{contexts} {:#x}", self.id(), self.properties.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::{FromBytes, IntoBytes};

    // By hand from the table of the document: id 0x8003, 4 contexts, properties 0x1b.
    const BYTES: [u8; 24] = [
        0x03, 0x80, 0x04, 0x00, 0x1b, 0, 0, 0, //
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, //
        0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    ];

    #[test]
    fn fields_stand_where_the_document_puts_them() {
        let info = PartitionInfo::read_from_bytes(&BYTES).unwrap();
        assert_eq!((info.id(), info.execution_contexts()), (EndpointId(0x8003), 4));
        assert_eq!(info.properties().bits(), 0x1b);
        assert_eq!(info.properties().kind(), EndpointKind::IndependentSepid);
        assert_eq!(info.uuid(), "00112233-4455-6677-8899-aabbccddeeff".parse().unwrap());
        assert_eq!(info.as_bytes(), BYTES);
        assert_eq!(info.to_1_0().as_bytes(), [0x03, 0x80, 0x04, 0x00, 0x03, 0, 0, 0]);
    }

    #[test]
    fn registers_are_the_bytes_as_little_endian_words() {
        let info = PartitionInfo::read_from_bytes(&BYTES).unwrap();
        let words = [0x0000_001b_0004_8003, 0x7766_5544_3322_1100, 0xffee_ddcc_bbaa_9988];
        assert_eq!(info.to_registers(), words);
        assert_eq!(PartitionInfo::from_registers(words), info);
    }

    #[test]
    fn properties_are_shown_by_name_and_what_has_none_by_its_bits() {
        extern crate std;
        use std::string::ToString;
        let text = |bits| PartitionProperties::from_bits_retain(bits).to_string();
        assert_eq!(text(0x101), "PE endpoint: receives-req AArch64");
        assert_eq!(text(0x1b), "independent SEPID: receives-req sends-req notifications");
        assert_eq!(text(0x8630), "auxiliary: receives-req2 sends-req2 0x8000");
        assert_eq!(text(0), "PE endpoint, no properties");
    }

    #[test]
    fn the_kind_survives_what_is_done_with_properties() {
        let stream = PartitionProperties::AARCH64.with_kind(EndpointKind::IndependentSepid);
        assert_eq!(stream.bits(), 0x110);
        assert_eq!(PartitionProperties::from_bits_truncate(stream.bits() | 1 << 31), stream);
        assert_eq!(stream & !PartitionProperties::VM_CREATED, stream);
        assert_eq!(stream & PartitionProperties::all(), stream);
        for kind in
            [EndpointKind::PeEndpoint, EndpointKind::DependentSepid, EndpointKind::Auxiliary]
        {
            let other = stream.with_kind(kind);
            assert_eq!((other.kind(), other.with_kind(stream.kind())), (kind, stream));
        }
    }

    #[test]
    fn a_partition_reads_as_an_engineer_writes_it() {
        extern crate std;
        use std::string::ToString;
        let info = PartitionInfo::read_from_bytes(&BYTES).unwrap();
        let uuid = "uuid=00112233-4455-6677-8899-aabbccddeeff";
        let kind = "independent SEPID: receives-req sends-req notifications";
        assert_eq!(info.to_string(), std::format!("0x8003 contexts=4 {uuid} {kind}"));
        let old = "0x8003 contexts=4 PE endpoint: receives-req sends-req";
        assert_eq!(info.to_1_0().to_string(), old);
        assert_eq!(info.seen_by(Version::V1_0, info.uuid()).to_string(), old);
    }

    #[test]
    fn a_caller_sees_what_its_version_defines() {
        let all = PartitionProperties::from_bits_retain(u32::MAX);
        assert_eq!(all.visible_in(Version::from_bits(0xffff).unwrap()).bits(), 0x7);
        assert_eq!(all.visible_in(Version::V1_0).bits(), 0x7);
        assert_eq!(all.visible_in(Version::V1_1).bits(), 0x1ff);
        assert_eq!(all.visible_in(Version::V1_2).bits(), 0x7ff);
        assert_eq!(all.visible_in(Version::V1_3).bits(), 0x1fff);
        let info = PartitionInfo::read_from_bytes(&BYTES).unwrap();
        assert_eq!(info.seen_by(Version::V1_1, Uuid::NIL), info);
        assert_eq!(info.seen_by(Version::V1_1, info.uuid()).uuid(), Uuid::NIL);
    }
}
