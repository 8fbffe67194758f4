//! Memory transactions in a buffer: bytes that both read, and write again.

use std::fmt;

use arm_ffa::memory_management::{
    ConstituentMemRegion, DataAccessPerm, Error, Handle, InstuctionAccessPerm, MemAccessPerm,
    MemTransactionDesc, MemTransactionFlags,
};
use fastrand::Rng;
use ffa_abi::{
    BuildError, Cacheability, DataAccess, DescriptorError, DeviceMemory, EndpointId, Fault,
    InstructionAccess, MemoryAttributes, MemoryHandle, MemoryRange, MemoryType, NewTransaction,
    Permissions, Receiver, ReceiverFlags, Shareability, Transaction, TransactionFlags,
    TransactionHeader, TransactionKind, TransactionLayout, Version,
};

use crate::known::{Case, Tally, examples_show};
use crate::random::{VERSIONS, mutate, pick};
use crate::transactions_known::KNOWN;
use crate::verdict::{Verdict, ask};

const KINDS: [TransactionKind; 6] = [
    TransactionKind::Donate,
    TransactionKind::Lend,
    TransactionKind::Share,
    TransactionKind::RetrieveRequest,
    TransactionKind::HypervisorRetrieveRequest,
    TransactionKind::RetrieveResponse,
];

/// What a transaction says, as plain numbers.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Content {
    sender: u16,
    attributes: u16,
    flags: u32,
    handle: u64,
    tag: u64,
    /// Endpoint, permissions, flags.
    pub(crate) receivers: Vec<(u16, u8, u8)>,
    /// Address and pages, where the transaction has a composite memory region.
    pub(crate) ranges: Option<Vec<(u64, u32)>>,
}

/// What one of the two makes of the bytes, and the bytes that it writes for that.
pub(crate) type Read = (Content, Option<Vec<u8>>);

/// Bytes of a sender that speaks one version.
pub(crate) struct TransactionCase {
    pub(crate) version: Version,
    pub(crate) kind: TransactionKind,
    pub(crate) bytes: Vec<u8>,
    pub(crate) ours: Verdict<Read, DescriptorError>,
    pub(crate) theirs: Verdict<Read, Error>,
}

impl TransactionCase {
    pub(crate) fn new(version: Version, kind: TransactionKind, bytes: Vec<u8>) -> TransactionCase {
        let ours = ours(version, kind, &bytes).into();
        let theirs = ask(|| theirs(&bytes));
        TransactionCase { version, kind, bytes, ours, theirs }
    }

    /// Whether arm-ffa takes bytes in which ffa-abi finds this fault with this field.
    pub(crate) fn ignores(&self, field: &str, fault: Fault) -> bool {
        let error = self.ours.refused();
        self.theirs.accepted().is_some()
            && error.is_some_and(|error| error.field == field && error.fault == fault)
    }
}

fn ours(version: Version, kind: TransactionKind, bytes: &[u8]) -> Result<Read, DescriptorError> {
    let read = Transaction::parse(bytes, version, kind)?;
    let (head, header) = (read.head(), read.head().header());
    let receiver = |receiver: Receiver| {
        (receiver.endpoint.0, receiver.permissions.bits(), receiver.flags.bits())
    };
    let ranges = || read.ranges().map(|range| (range.address(), range.pages())).collect();
    let content = Content {
        sender: header.sender.0,
        attributes: header.attributes.bits(),
        flags: header.flags.bits(),
        handle: header.handle.0,
        tag: header.tag,
        receivers: head.receivers().map(receiver).collect(),
        ranges: head.composite().map(|_| ranges()),
    };
    let mut written = vec![0x55; bytes.len() + 64];
    let length = read.translate(&mut written, head.layout().version());
    let written = length.ok().map(|length| written[..length as usize].to_vec());
    Ok((content, written))
}

fn theirs(bytes: &[u8]) -> Result<Read, Error> {
    let (transaction, receivers, ranges) = MemTransactionDesc::unpack(bytes)?;
    let receivers: Vec<MemAccessPerm> = receivers.collect::<Result<_, _>>()?;
    let ranges: Option<Vec<ConstituentMemRegion>> =
        ranges.map(Iterator::collect::<Result<_, _>>).transpose()?;
    let receiver = |receiver: &MemAccessPerm| {
        let permissions = receiver.data_access as u8 | receiver.instr_access as u8;
        (receiver.endpoint_id, permissions, receiver.flags)
    };
    let range = |range: &ConstituentMemRegion| (range.address, range.page_cnt);
    let content = Content {
        sender: transaction.sender_id,
        attributes: transaction.mem_region_attr.into(),
        flags: transaction.flags.0,
        handle: transaction.handle.0,
        tag: transaction.tag,
        receivers: receivers.iter().map(receiver).collect(),
        ranges: ranges.as_ref().map(|ranges| ranges.iter().map(range).collect()),
    };
    // It cannot write a transaction without a composite memory region.
    let written = ranges.map(|ranges| {
        let mut written = vec![0x55; bytes.len() + 64];
        let length = transaction.pack(&ranges, &receivers, &mut written);
        written.truncate(length);
        written
    });
    Ok((content, written))
}

impl Case for TransactionCase {
    fn agrees(&self) -> bool {
        match (&self.ours, &self.theirs) {
            (Verdict::Accepts((ours, our_bytes)), Verdict::Accepts((theirs, their_bytes))) => {
                let written = their_bytes.is_none() || our_bytes == their_bytes;
                ours == theirs && written
            }
            (Verdict::Refuses(_), Verdict::Refuses(_)) => true,
            _ => false,
        }
    }
}

impl fmt::Display for TransactionCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TransactionCase { version, kind, bytes, ours, theirs } = self;
        write!(f, "at {version} {kind}: {bytes:02x?}\nffa-abi: {ours}\narm-ffa: {theirs}")
    }
}

/// A transaction that a sender of `kind` may write.
fn header(rng: &mut Rng, kind: TransactionKind) -> TransactionHeader {
    let memory = match rng.u8(..4) {
        0 => MemoryType::NotSpecified,
        1 => MemoryType::Device(pick(rng, &[DeviceMemory::NgNrNe, DeviceMemory::Gre])),
        _ => MemoryType::Normal {
            cacheability: pick(rng, &[Cacheability::NonCacheable, Cacheability::WriteBack]),
            shareability: pick(
                rng,
                &[Shareability::None, Shareability::Outer, Shareability::Inner],
            ),
        },
    };
    let is_response = kind == TransactionKind::RetrieveResponse;
    let attributes = MemoryAttributes { memory, non_secure: is_response && rng.bool() };
    let mut flags = TransactionFlags::from_bits_truncate(rng.u32(..));
    if kind.is_sent_by_owner() {
        flags &= TransactionFlags::ZERO | TransactionFlags::TIME_SLICE;
    }
    if kind == TransactionKind::Share {
        flags.remove(TransactionFlags::ZERO);
    }
    let handle = MemoryHandle(if kind.is_sent_by_owner() { 0 } else { rng.u64(..) });
    TransactionHeader {
        sender: EndpointId(rng.u16(..4)),
        attributes,
        flags,
        handle,
        tag: if rng.bool() { 0 } else { rng.u64(..) },
    }
}

fn receivers(rng: &mut Rng, kind: TransactionKind) -> Vec<Receiver> {
    let count = match kind {
        TransactionKind::HypervisorRetrieveRequest => 0,
        TransactionKind::Donate => 1,
        _ => rng.u16(1..4),
    };
    let region = kind != TransactionKind::RetrieveRequest || rng.bool();
    let mut receiver = |index| Receiver {
        flags: ReceiverFlags::from_bits_truncate(rng.u8(..)),
        has_region: region,
        ..Receiver::new(
            EndpointId(0x8000 | index),
            Permissions {
                data: pick(rng, &[DataAccess::ReadOnly, DataAccess::ReadWrite]),
                instruction: pick(
                    rng,
                    &[InstructionAccess::NotSpecified, InstructionAccess::NotExecutable],
                ),
            },
        )
    };
    (0..count).map(&mut receiver).collect()
}

fn ranges(rng: &mut Rng) -> Vec<MemoryRange> {
    let count = rng.u64(1..5);
    let range = |rng: &mut Rng, index| {
        MemoryRange::new(0x8000_0000 + index * 0x10_0000, rng.u32(1..256)).unwrap()
    };
    (0..count).map(|index| range(rng, index)).collect()
}

/// As ffa-abi writes it.
pub(crate) fn written(
    layout: TransactionLayout,
    transaction: &NewTransaction<impl IntoIterator<Item = Receiver> + Clone>,
    ranges: &[MemoryRange],
) -> Result<Vec<u8>, BuildError> {
    let mut bytes = vec![0x55; 512];
    let length = transaction.write(&mut bytes, layout.version(), ranges.iter().copied())?;
    bytes.truncate(length as usize);
    Ok(bytes)
}

fn transaction(
    rng: &mut Rng,
    layout: TransactionLayout,
    kind: TransactionKind,
) -> Result<Vec<u8>, BuildError> {
    let (header, receivers, ranges) = (header(rng, kind), receivers(rng, kind), ranges(rng));
    let has_region = receivers.iter().any(|receiver| receiver.has_region);
    let ranges = if has_region { ranges } else { Vec::new() };
    let composite = ffa_abi::Composite::of(ranges.iter().copied());
    written(layout, &NewTransaction { kind, header, receivers, composite }, &ranges)
}

/// Takes the pages of the first range of a single receiver away, and their share of the total.
fn empty_range(bytes: &mut [u8]) {
    let word = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 4).map_or(0, |word| u32::from_le_bytes(word.try_into().unwrap()))
    };
    let (total, pages) = (word(bytes, 64), word(bytes, 88));
    if let Some(rest) = total.checked_sub(pages) {
        bytes
            .get_mut(64..68)
            .into_iter()
            .for_each(|word| word.copy_from_slice(&rest.to_le_bytes()));
        bytes.get_mut(88..92).into_iter().for_each(|word| word.fill(0));
    }
}

/// What a sender of `version` writes; from 1.2 on mostly in the layout of 1.1, which it may.
fn sent(rng: &mut Rng, version: Version, kind: TransactionKind) -> Vec<u8> {
    let latest = rng.u8(..8) == 0;
    let layout = TransactionLayout::of(if latest { version } else { version.min(Version::V1_1) });
    loop {
        // 1.0 has no place for some values.
        if let Ok(bytes) = transaction(rng, layout, kind) {
            return bytes;
        }
    }
}

/// Points the first receiver to somewhere else.
fn move_composite(rng: &mut Rng, bytes: &mut [u8]) {
    if let Some(offset) = bytes.get_mut(52) {
        *offset = pick(rng, &[0, 8, 16, 32, 48, 64, 72, 80, 96]);
    }
}

/// Lets the first range of a single receiver end past the last address.
fn raise_range(bytes: &mut [u8]) {
    if let Some(address) = bytes.get_mut(82..88) {
        address.fill(0xff);
    }
}

#[test]
fn both_read_and_write_the_same_transactions_save_for_the_known_differences() {
    let mut rng = Rng::with_seed(0x5eed_0004);
    let mut tally = Tally::new(KNOWN);
    for _ in 0..80_000 {
        let (kind, version) = (pick(&mut rng, &KINDS), pick(&mut rng, &VERSIONS));
        let mut bytes = sent(&mut rng, version, kind);
        match rng.u8(..8) {
            0 => move_composite(&mut rng, &mut bytes),
            1 => raise_range(&mut bytes),
            2 => empty_range(&mut bytes),
            _ => mutate(&mut rng, &mut bytes),
        }
        let read_as = if rng.u8(..16) == 0 { pick(&mut rng, &KINDS) } else { kind };
        let case = TransactionCase::new(version, read_as, bytes);
        tally.take(&case);
        if let Some((_, Some(written))) = case.theirs.accepted() {
            tally.take(&TransactionCase::new(version, read_as, written.clone()));
        }
    }
    tally.finish(50_000);
}

#[test]
fn each_known_difference_of_transactions_shows_in_its_example() {
    examples_show(KNOWN);
}

/// As arm-ffa writes it, with nothing but these receivers and ranges.
pub(crate) fn theirs_written(handle: u64, receivers: &[u16], ranges: &[(u64, u32)]) -> Vec<u8> {
    let transaction = MemTransactionDesc {
        handle: Handle(handle),
        flags: MemTransactionFlags(0),
        ..MemTransactionDesc::default()
    };
    let receiver = |id: &u16| MemAccessPerm {
        endpoint_id: *id,
        instr_access: InstuctionAccessPerm::NotSpecified,
        data_access: DataAccessPerm::ReadWrite,
        flags: 0,
    };
    let receivers: Vec<_> = receivers.iter().map(receiver).collect();
    let range = |(address, pages): &(u64, u32)| ConstituentMemRegion {
        address: *address,
        page_cnt: *pages,
    };
    let ranges: Vec<_> = ranges.iter().map(range).collect();
    let mut bytes = vec![0; 512];
    let length = transaction.pack(&ranges, &receivers, &mut bytes);
    bytes.truncate(length);
    bytes
}
