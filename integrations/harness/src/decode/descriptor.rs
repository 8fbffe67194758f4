//! Descriptors in buffers, field by field, whether they are accepted or not.

mod boot;
mod lists;
mod sheet;
mod transaction;

use ffa_abi::{
    BootInformation, DescriptorError, EndpointRxTx, FunctionId, Message, MessageHeader, Relinquish,
    Version,
};

use self::sheet::Sheet;

/// What kind of descriptor it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A memory transaction.
    Transaction,
    /// What `FFA_MEM_RELINQUISH` carries.
    Relinquish,
    /// Partition information: one descriptor or many.
    PartitionInfo,
    /// The header of an indirect message, and the message.
    Message,
    /// The RX/TX buffers of a VM.
    RxTx,
    /// Boot information.
    BootInformation,
}

/// Bytes to explain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dump {
    /// From the descriptor's first byte on.
    pub bytes: Vec<u8>,
    /// Spoken by who wrote it.
    pub version: Version,
    /// The call that carries it, where a transaction's does.
    pub call: Option<FunctionId>,
    /// Bytes of a whole transaction, where `bytes` are more or fewer than that.
    pub length: Option<u32>,
    /// Show long lists whole.
    pub all: bool,
}

const NAMES: [(&str, Kind); 6] = [
    ("transaction", Kind::Transaction),
    ("relinquish", Kind::Relinquish),
    ("partition-info", Kind::PartitionInfo),
    ("message", Kind::Message),
    ("rxtx", Kind::RxTx),
    ("boot-information", Kind::BootInformation),
];

impl Kind {
    /// Its name, as typed.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Kind> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// All names.
    #[must_use]
    pub fn names() -> String {
        NAMES.map(|(name, _)| name).join(", ")
    }
}

/// Explains a descriptor: what its parser says, then each field where it lies.
#[must_use]
pub fn descriptor(kind: Kind, dump: &Dump) -> String {
    let (bytes, version) = (dump.bytes.as_slice(), dump.version);
    let read = match kind {
        Kind::Transaction => transaction::read(dump),
        Kind::Relinquish => Relinquish::parse(bytes).map(|read| read.to_string()),
        Kind::PartitionInfo => lists::read_partitions(dump),
        Kind::Message => Message::parse(bytes, version).map(|read| read.to_string()),
        Kind::RxTx => EndpointRxTx::parse(bytes, version).map(|read| read.to_string()),
        Kind::BootInformation => BootInformation::parse(bytes).map(|read| read.to_string()),
    };
    let mut sheet = Sheet::new(dump, read);
    match kind {
        Kind::Transaction => transaction::show(&mut sheet, version),
        Kind::Relinquish => lists::show_relinquish(&mut sheet),
        Kind::PartitionInfo => lists::show_partitions(&mut sheet, version),
        Kind::Message => lists::show_message(&mut sheet, MessageHeader::size(version)),
        Kind::RxTx => lists::show_rxtx(&mut sheet, version),
        Kind::BootInformation => boot::show(&mut sheet),
    }
    sheet.into_text()
}

type Read = Result<String, DescriptorError>;

/// Whether a transaction lies in the buffer of this call.
#[must_use]
pub fn carries_transaction(call: FunctionId) -> bool {
    (0x71..=0x75).contains(&(call.bits() & 0xff)) && call.function().is_some()
}
