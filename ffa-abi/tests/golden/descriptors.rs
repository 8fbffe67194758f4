//! Each descriptor in each layout: bytes, and what they say.

use ffa_abi::{
    BootContents, BootInformation, BootInformationWriter, BootItemName, BootItemType, Composite,
    EndpointId, EndpointRxTx, MemoryAttributes, MemoryHandle, MemoryRange, Message, MessageHeader,
    NewEndpointRxTx, NewTransaction, PartitionInfo, PartitionInfo1_0, PartitionInfoGetRegs,
    PartitionProperties, Permissions, Receiver, Relinquish, RelinquishFlags, Request, Transaction,
    TransactionFlags, TransactionHeader, TransactionKind, TransactionType, Uuid, Version,
};
use zerocopy::{FromBytes, IntoBytes};

use crate::notations::{bytes, regs};

/// Linux 6.1, which speaks 1.0, shares a page of VM 1 with partition 0x8001: 0x50 bytes.
const SHARE_1_0: &str = "
    00: 0100 2f 00 00000000          | sender, attributes, reserved, flags
    08: 0000000000000000             | handle
    10: 0000000000000000             | tag
    18: 00000000 01000000            | reserved, receivers
    20: 0180 02 00 30000000          | receiver, permissions, flags, composite offset
    28: 0000000000000000             | reserved
    30: 01000000 01000000            | pages, ranges
    38: 0000000000000000             | reserved
    40: 0000204100000000             | address
    48: 01000000 00000000            | pages, reserved
";

/// Linux 6.12, which speaks 1.1, shares the same: 0x60 bytes.
const SHARE_1_1: &str = "
    00: 0100 2f00 00000000           | sender, attributes, flags
    08: 0000000000000000             | handle
    10: 0000000000000000             | tag
    18: 10000000 01000000            | access size, receivers
    20: 30000000 00000000            | access offset, reserved
    28: 0000000000000000             | reserved
    30: 0180 02 00 40000000          | receiver, permissions, flags, composite offset
    38: 0000000000000000             | reserved
    40: 01000000 01000000            | pages, ranges
    48: 0000000000000000             | reserved
    50: 0000204100000000             | address
    58: 01000000 00000000            | pages, reserved
";

/// A sender of 1.2: 0x70 bytes.
const SHARE_1_2: &str = "
    00: 0100 2f00 00000000           | sender, attributes, flags
    08: 0000000000000000             | handle
    10: 0000000000000000             | tag
    18: 20000000 01000000            | access size, receivers
    20: 30000000 00000000            | access offset, reserved
    28: 0000000000000000             | reserved
    30: 0180 02 00 50000000          | receiver, permissions, flags, composite offset
    38: 0000000000000000             | implementation-defined
    40: 0000000000000000             | implementation-defined
    48: 0000000000000000             | reserved
    50: 01000000 01000000            | pages, ranges
    58: 0000000000000000             | reserved
    60: 0000204100000000             | address
    68: 01000000 00000000            | pages, reserved
";

fn id(id: u16) -> EndpointId {
    EndpointId(id)
}

fn range(address: u64, pages: u32) -> MemoryRange {
    MemoryRange::new(address, pages).unwrap()
}

fn length(bytes: &[u8]) -> u32 {
    bytes.len().try_into().unwrap()
}

#[test]
fn the_same_share_in_each_layout() {
    let versions = [Version::V1_0, Version::V1_1, Version::V1_2];
    let texts = [SHARE_1_0, SHARE_1_1, SHARE_1_2].map(bytes);
    assert_eq!(texts.clone().map(|bytes| bytes.len()), [0x50, 0x60, 0x70]);
    let receivers = [Receiver::new(id(0x8001), Permissions::READ_WRITE)];
    let share = NewTransaction {
        kind: TransactionKind::Share,
        header: TransactionHeader::new(id(1), MemoryAttributes::NORMAL),
        receivers,
        composite: Some(Composite { pages: 1, ranges: 1 }),
    };
    for (version, text) in versions.into_iter().zip(&texts) {
        let read = Transaction::parse(text, version, TransactionKind::Share).unwrap();
        assert_eq!(read.head().header(), share.header);
        assert!(read.head().receivers().eq(receivers));
        assert!(read.ranges().eq([range(0x4120_0000, 1)]));
        for (to, other) in versions.into_iter().zip(&texts) {
            let mut written = vec![0x55; other.len()];
            assert_eq!(read.translate(&mut written, to), Ok(length(other)));
            assert_eq!(written, *other, "{version} to {to}");
        }
        let mut written = vec![0x55; text.len()];
        let returned = share.write(&mut written, version, [range(0x4120_0000, 1)]);
        assert_eq!((returned, &written), (Ok(length(text)), text), "{version}");
    }
}

/// Two borrowers, two ranges, flags and tag: a lend in the layout of 1.2.
const LEND: &str = "
    00: 0100 2f00 03000000           | sender, attributes, flags: zero, time slice
    08: 0000000000000000             | handle
    10: efbeadde00000000             | tag
    18: 20000000 02000000            | access size, receivers
    20: 30000000 00000000            | access offset, reserved
    28: 0000000000000000             | reserved
    30: 0180 06 00 70000000          | receiver, read-write not executable, flags, composite offset
    38: 0011223344556677             | implementation-defined
    40: 8899aabbccddeeff             | implementation-defined
    48: 0000000000000000             | reserved
    50: 0280 01 00 70000000          | receiver, read-only, flags, composite offset
    58: 0000000000000000             | implementation-defined
    60: 0000000000000000             | implementation-defined
    68: 0000000000000000             | reserved
    70: 03000000 02000000            | pages, ranges
    78: 0000000000000000             | reserved
    80: 0000008800000000             | address
    88: 02000000 00000000            | pages, reserved
    90: 0000009908000000             | address
    98: 01000000 00000000            | pages, reserved
";

#[test]
fn a_lend_to_two() {
    let bytes = bytes(LEND);
    let lend = Transaction::parse(&bytes, Version::V1_2, TransactionKind::Lend).unwrap();
    let head = lend.head();
    assert_eq!(head.header().flags, TransactionFlags::ZERO | TransactionFlags::TIME_SLICE);
    assert_eq!(head.header().tag, 0xdead_beef);
    let permissions = head.receivers().map(|receiver| receiver.permissions.bits());
    assert!(permissions.eq([6, 1]));
    let defined = head.receiver(id(0x8001)).unwrap().implementation_defined;
    assert_eq!(defined[..2], [0x00, 0x11]);
    assert_eq!(defined[14..], [0xee, 0xff]);
    assert!(lend.ranges().eq([range(0x8800_0000, 2), range(0x8_9900_0000, 1)]));
    let mut written = vec![0x55; bytes.len()];
    assert_eq!(lend.translate(&mut written, Version::V1_2), Ok(0xa0));
    assert_eq!(written, bytes);
}

/// Partition 0x8001 retrieves handle 4 of VM 1, without ranges of its own: 0x40 bytes in 1.1.
const RETRIEVE_REQUEST: &str = "
    00: 0100 2f00 08000000           | sender, attributes, flags: share
    08: 0400000000000000             | handle
    10: 0000000000000000             | tag
    18: 10000000 01000000            | access size, receivers
    20: 30000000 00000000            | access offset, reserved
    28: 0000000000000000             | reserved
    30: 0180 02 00 00000000          | receiver, permissions, flags, composite offset
    38: 0000000000000000             | reserved
";

/// What the relayer answers: non-secure memory.
const RETRIEVE_RESPONSE: &str = "
    00: 0100 6f00 08000000           | sender, attributes: non-secure, flags: share
    08: 0400000000000000             | handle
    10: 0000000000000000             | tag
    18: 10000000 01000000            | access size, receivers
    20: 30000000 00000000            | access offset, reserved
    28: 0000000000000000             | reserved
    30: 0180 06 00 40000000          | receiver, read-write not executable, flags, composite offset
    38: 0000000000000000             | reserved
    40: 01000000 01000000            | pages, ranges
    48: 0000000000000000             | reserved
    50: 0000204100000000             | address
    58: 01000000 00000000            | pages, reserved
";

/// Hafnium asks in the place of a VM what handle 4 stands for: a header and nothing else.
const HYPERVISOR_RETRIEVE_REQUEST: &str = "
    00: 0000 0000 00000000           | sender, attributes, flags
    08: 0400000000000000             | handle
    10: 0000000000000000             | tag
    18: 00000000 00000000            | access size, receivers
    20: 00000000 00000000            | access offset, reserved
    28: 0000000000000000             | reserved
";

#[test]
fn a_retrieval_and_its_answer() {
    let texts = [
        (TransactionKind::RetrieveRequest, RETRIEVE_REQUEST, false),
        (TransactionKind::RetrieveResponse, RETRIEVE_RESPONSE, true),
        (TransactionKind::HypervisorRetrieveRequest, HYPERVISOR_RETRIEVE_REQUEST, false),
    ];
    for (kind, text, non_secure) in texts {
        let bytes = bytes(text);
        let read = Transaction::parse(&bytes, Version::V1_1, kind).unwrap();
        let header = read.head().header();
        assert_eq!(header.handle, MemoryHandle(4));
        assert_eq!(header.attributes.non_secure, non_secure);
        let said = header.flags.transaction_type();
        let is_hypervisor = kind == TransactionKind::HypervisorRetrieveRequest;
        assert_eq!(said == TransactionType::Share, !is_hypervisor);
        assert_eq!(read.ranges().len(), usize::from(non_secure));
        let mut written = vec![0x55; bytes.len()];
        assert_eq!(read.translate(&mut written, Version::V1_1), Ok(length(&bytes)));
        assert_eq!(written, bytes);
    }
}

#[test]
fn a_relinquish_descriptor() {
    let bytes = bytes(
        "00: 0400000000000080             | handle
         08: 01000000 02000000            | flags: zero, endpoints
         10: 0180 0280                    | endpoints",
    );
    let read = Relinquish::parse(&bytes).unwrap();
    assert_eq!(read.handle(), MemoryHandle(0x8000_0000_0000_0004));
    assert_eq!(read.flags(), RelinquishFlags::ZERO);
    assert!(read.endpoints().eq([id(0x8001), id(0x8002)]));
    let mut written = [0x55; 20];
    let endpoints = [id(0x8001), id(0x8002)];
    assert_eq!(Relinquish::write(&mut written, read.handle(), read.flags(), &endpoints), Ok(20));
    assert_eq!(written[..], bytes);
}

const UUID: &str = "bdcd76d7-825e-4751-963b-86d4f84943ac";

#[test]
fn an_indirect_message_in_both_layouts() {
    let old = "
        00: 00000000 00000000            | flags, reserved
        08: 14000000 0180 0100           | offset, receiver, sender
        10: 02000000                     | size
        14: 6869                         | payload";
    let new = "
        00: 00000000 00000000            | flags, reserved
        08: 28000000 0180 0100           | offset, receiver, sender
        10: 02000000 00000000            | size, reserved
        18: bdcd76d7825e4751             | uuid
        20: 963b86d4f84943ac             | uuid
        28: 6869                         | payload";
    let cases = [(Version::V1_1, old, Uuid::NIL), (Version::V1_2, new, UUID.parse().unwrap())];
    for (version, text, uuid) in cases {
        let header = MessageHeader { sender: id(1), receiver: id(0x8001), uuid };
        let message = Message { header, payload: b"hi" };
        assert_eq!(Message::parse(&bytes(text), version), Ok(message));
        let mut written = vec![0x55; bytes(text).len()];
        assert_eq!(message.write(&mut written, version), Ok(written.len()));
        assert_eq!(written, bytes(text), "{version}");
    }
}

#[test]
fn the_buffers_of_a_vm_in_both_layouts() {
    // Where the ranges of 1.0 begin no public implementation says; this crate takes 16.
    let old = "
        00: 0300 0000                    | endpoint, reserved
        04: 01000000 01000000            | RX ranges, TX ranges
        0c: 00000000                     | reserved
        10: 0010204100000000             | RX address
        18: 01000000 00000000            | pages, reserved
        20: 0000204100000000             | TX address
        28: 01000000 00000000            | pages, reserved";
    let new = "
        00: 0300 0000                    | endpoint, reserved
        04: 10000000 30000000            | RX offset, TX offset
        0c: 00000000                     | padding
        10: 01000000 01000000            | RX pages, ranges
        18: 0000000000000000             | reserved
        20: 0010204100000000             | address
        28: 01000000 00000000            | pages, reserved
        30: 01000000 01000000            | TX pages, ranges
        38: 0000000000000000             | reserved
        40: 0000204100000000             | address
        48: 01000000 00000000            | pages, reserved";
    let (rx, tx) = ([range(0x4120_1000, 1)], [range(0x4120_0000, 1)]);
    for (version, text) in [(Version::V1_0, old), (Version::V1_1, new), (Version::V1_2, new)] {
        let bytes = bytes(text);
        let read = EndpointRxTx::parse(&bytes, version).unwrap();
        assert_eq!((read.endpoint(), read.rx().pages(), read.tx().pages()), (id(3), 1, 1));
        assert!(read.rx().ranges().eq(rx) && read.tx().ranges().eq(tx));
        let mut written = vec![0x55; bytes.len()];
        let new = NewEndpointRxTx { endpoint: id(3), rx: &rx, tx: &tx };
        let length = new.write(&mut written, version);
        assert_eq!((length, written), (Ok(bytes.len()), bytes), "{version}");
    }
}

#[test]
fn a_partition_in_both_sizes_and_in_registers() {
    // Receives direct requests, runs in AArch64; of 1.2: receives REQ2.
    let bytes = bytes(
        "00: 0180 0800                    | id, execution contexts
         04: 01030000                     | properties
         08: bdcd76d7825e4751             | uuid
         10: 963b86d4f84943ac             | uuid",
    );
    let properties = PartitionProperties::RECEIVES_DIRECT_REQUESTS
        | PartitionProperties::AARCH64
        | PartitionProperties::RECEIVES_DIRECT_REQUESTS2;
    let uuid: Uuid = UUID.parse().unwrap();
    let info = PartitionInfo::new(id(0x8001), 8, properties, uuid);
    assert_eq!(PartitionInfo::read_from_bytes(&bytes), Ok(info));
    assert_eq!(info.as_bytes(), bytes);
    let old = [0x01, 0x80, 0x08, 0x00, 0x01, 0x00, 0x00, 0x00];
    assert_eq!(info.to_1_0().as_bytes(), old);
    assert_eq!(PartitionInfo1_0::read_from_bytes(&old), Ok(info.to_1_0()));
    let reply = regs("c4000061 0 18000700000000 30100088001 51475e82d776cdbd ac4349f8d4863b96");
    let call = PartitionInfoGetRegs { uuid: Uuid::NIL, start: 0, tag: 0 };
    assert_eq!(call.reply(&reply, Version::V1_2).unwrap().descriptors(), [info]);
}

#[test]
fn the_registers_of_hafnium_1_3_hold_two_longer_descriptors() {
    let reply = regs(
        "c4000061 0 30000000010001 \
         100018001 51475e82d776cdbd ac4349f8d4863b96 1111 2222 10003 \
         100018002 0 1 3333 4444 10002",
    );
    let call = PartitionInfoGetRegs { uuid: Uuid::NIL, start: 0, tag: 0 };
    let reply = call.reply(&reply, Version::V1_2).unwrap();
    let seen: Vec<_> = reply.descriptors().iter().map(|info| (info.id(), info.uuid())).collect();
    let second = Uuid::from_double_words([0, 1]);
    assert_eq!(seen, [(id(0x8001), UUID.parse().unwrap()), (id(0x8002), second)]);
}

#[test]
fn boot_information_of_a_partition() {
    // As TF-A and Hafnium write it: one descriptor, for the device tree behind it.
    let bytes = bytes(
        "00: fa0f0000 01000100            | signature, version
         08: 44000000 20000000            | blob size, descriptor size
         10: 01000000 20000000            | count, array offset
         18: 0000000000000000             | reserved
         20: 0000000000000000             | name
         28: 0000000000000000             | name
         30: 00 00 0000 04000000          | type, reserved, flags, size
         38: 4000007000000000             | address
         40: d00dfeed                     | the tree",
    );
    let read = BootInformation::parse(&bytes).unwrap();
    assert_eq!((read.version(), read.blob_size()), (Version::V1_1, 0x44));
    let tree = read.find(BootItemType::FLATTENED_DEVICE_TREE).unwrap();
    assert_eq!(tree.contents, BootContents::Address { address: 0x7000_0040, size: 4 });
    assert_eq!(read.contents_at(tree.contents, 0x7000_0000), Some(&bytes[0x40..]));
    let mut written = [0x55; 0x44];
    let mut writer = BootInformationWriter::new(&mut written, Version::V1_1, 1).unwrap();
    let (name, tree) = (BootItemName::Text(c""), BootItemType::FLATTENED_DEVICE_TREE);
    writer.bytes(name, tree, &bytes[0x40..], Some(0x7000_0000)).unwrap();
    assert_eq!(writer.finish(), Ok(0x44));
    assert_eq!(written[..], bytes);
}
