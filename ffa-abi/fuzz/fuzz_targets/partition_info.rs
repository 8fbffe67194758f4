//! Partition information: `[version] [tag, 2 bytes] [query UUID] [list of descriptors]`.
#![no_main]

use ffa_abi::{
    DESCRIPTORS_PER_CALL, PartitionInfo, PartitionInfo1_0, PartitionInfoGetRegs,
    PartitionInfoGetRegsReply, PartitionInfoGetReply, PartitionInfos, Regs, Reply, Request, Uuid,
    Version, partition_descriptor_size,
};
use ffa_abi_fuzz::{Input, half, said, shown, word, written};
use libfuzzer_sys::fuzz_target;
use zerocopy::{FromBytes, IntoBytes};

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let (version, tag, query) = (input.version(), input.half(), Uuid(input.bytes()));
    let bytes = input.rest();
    let size = partition_descriptor_size(version);
    for descriptor in bytes.chunks_exact(size) {
        match size {
            8 => short(descriptor),
            _ => long(descriptor, query),
        }
    }
    // The list, as it lies in a buffer, looked at in place.
    let list = &bytes[..bytes.len() / 24 * 24];
    let infos = <[PartitionInfo]>::ref_from_bytes(list).expect("whole descriptors, anywhere");
    assert_eq!(infos.as_bytes(), list);
    by_registers(infos, tag, query);
    told(bytes, tag, query, version);
    in_a_buffer(infos, version);
});

/// A list as its callee tells it: with any count and size.
fn told(bytes: &[u8], tag: u16, query: Uuid, version: Version) {
    let [descriptor_size, _, _, wild] = query.words();
    let wild_size = [descriptor_size % 64, descriptor_size][usize::from(wild % 8 == 0)];
    let reply = PartitionInfoGetReply { count: u32::from(tag) % 64, descriptor_size: wild_size };
    match PartitionInfos::parse(bytes, reply, version) {
        Ok(list) => {
            let size = if version < Version::V1_1 { 8 } else { wild_size as usize };
            assert!(size == 8 || size >= 24);
            assert_eq!((list.len(), list.clone().count()), (reply.count as usize, list.len()));
            for (info, bytes) in list.zip(bytes.chunks_exact(size)) {
                assert_eq!(info.as_bytes()[..size.min(24)], bytes[..size.min(24)]);
            }
        }
        Err(error) => said(format_args!("{error}")),
    }
}

/// Written as a list, and read back, each says what its reader may see.
fn in_a_buffer(infos: &[PartitionInfo], version: Version) {
    let size = partition_descriptor_size(version);
    let mut answer = None;
    let bytes = written(size * infos.len(), |buffer| {
        let reply = PartitionInfos::write(buffer, version, infos.iter().copied())?;
        answer = Some(reply);
        Ok(reply.count as usize * size)
    });
    let read = PartitionInfos::parse(&bytes, answer.expect("it was written"), version);
    let seen = infos.iter().map(|info| match size {
        8 => PartitionInfo::from(info.to_1_0()),
        _ => info.seen_by(version, Uuid::NIL),
    });
    assert!(read.expect("what was written").eq(seen));
}

fn short(bytes: &[u8]) {
    let info = PartitionInfo1_0::read_from_bytes(bytes).expect("8 bytes");
    shown(&info);
    assert_eq!((info.id().0, info.execution_contexts()), (half(bytes, 0), half(bytes, 2)));
    assert_eq!(info.properties().bits(), word(bytes, 4));
    assert_eq!(info.as_bytes(), bytes);
}

fn long(bytes: &[u8], query: Uuid) {
    let info = PartitionInfo::read_from_bytes(bytes).expect("24 bytes");
    shown(&info);
    said(format_args!("{:?} {:?}", info.properties(), info.properties().kind()));
    assert_eq!((info.id().0, info.execution_contexts()), (half(bytes, 0), half(bytes, 2)));
    assert_eq!(info.properties().bits(), word(bytes, 4));
    assert_eq!(info.uuid().0, bytes[8..]);
    assert_eq!(info.uuid().to_string().parse(), Ok(info.uuid()));
    assert_eq!(Uuid::from_words(info.uuid().words()), info.uuid());
    let parts = (info.id(), info.execution_contexts(), info.properties(), info.uuid());
    assert_eq!(PartitionInfo::new(parts.0, parts.1, parts.2, parts.3).as_bytes(), bytes);
    let registers = info.to_registers();
    assert_eq!(registers.map(u64::to_le_bytes).as_flattened(), bytes);
    assert_eq!(PartitionInfo::from_registers(registers), info);
    seen(&info, bytes, query);
}

/// What callers of other versions, and those that asked for a UUID, get of it.
fn seen(info: &PartitionInfo, bytes: &[u8], query: Uuid) {
    let defined = [(Version::V1_0, 0x7), (Version::V1_1, 0x1ff), (Version::V1_2, 0x7ff)];
    for (version, mask) in defined {
        let mut expected = bytes.to_vec();
        expected[4..8].copy_from_slice(&(word(bytes, 4) & mask).to_le_bytes());
        if query != Uuid::NIL {
            expected[8..].fill(0);
        }
        assert_eq!(info.seen_by(version, query).as_bytes(), expected);
        if version == Version::V1_0 {
            assert_eq!(info.to_1_0().as_bytes(), &expected[..8]);
        }
    }
}

/// Goes through the list as a caller of `FFA_PARTITION_INFO_GET_REGS` does.
fn by_registers(list: &[PartitionInfo], tag: u16, uuid: Uuid) {
    let mut got: Vec<PartitionInfo> = Vec::new();
    while got.len() < list.len() {
        let start = u16::try_from(got.len()).expect("inputs are small");
        let left = &list[got.len()..];
        // What comes after the list's end is not part of it.
        let and_more = left.iter().chain(list).copied();
        let reply = PartitionInfoGetRegsReply::new(start, list.len(), tag, and_more);
        let reply = reply.expect("something is left");
        let (near, far) = left.split_at(left.len().min(usize::from(tag % 6)));
        let same = PartitionInfoGetRegsReply::from_runs(start, list.len(), tag, [near, far]);
        assert_eq!(same.as_ref(), Some(&reply));
        let mut regs = Regs([u64::MAX; 18]);
        reply.write(&mut regs);
        let request = PartitionInfoGetRegs { uuid, start, tag };
        let read = request.reply(&regs, Version::V1_2).expect("what was written");
        assert_eq!(read, reply);
        assert_eq!((read.tag(), usize::from(read.last())), (tag, list.len() - 1));
        assert_eq!(read.descriptors().len(), left.len().min(DESCRIPTORS_PER_CALL));
        got.extend(read.descriptors());
        assert_eq!(usize::from(read.current()) + 1, got.len());
    }
    assert_eq!(got, list);
    let beyond = u16::try_from(list.len()).expect("inputs are small");
    assert_eq!(PartitionInfoGetRegsReply::new(beyond, list.len(), tag, []), None);
}
