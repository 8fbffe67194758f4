//! Relinquish descriptors, partition information, messages, RX/TX buffers.

use ffa_abi::{
    DescriptorError, EndpointId, Fault, PartitionProperties, RelinquishFlags, Uuid, Version,
    partition_descriptor_size,
};

use super::sheet::{Field, Item, Sheet, at, ignored, zero};
use super::transaction::{composite, endpoint, handle, number, plain, ranges};
use super::{Dump, Read};
use crate::decode::show::{role, show_uuid};

const RELINQUISH: &[Field] = &[
    at(0, 8, "handle", handle),
    at(8, 4, "flags", relinquish_flags),
    at(12, 4, "endpoint count", number),
];

const PARTITION: &[Field] = &[
    at(0, 2, "partition ID", endpoint),
    at(2, 2, "execution contexts", number),
    at(4, 4, "properties", properties),
    at(8, 16, "UUID", uuid),
];

const MESSAGE: &[Field] = &[
    ignored(0, 4),
    ignored(4, 4),
    at(8, 4, "offset", plain),
    at(12, 2, "receiver", endpoint),
    at(14, 2, "sender", endpoint),
    at(16, 4, "size", number),
    ignored(20, 4),
    at(24, 16, "UUID", uuid),
];

const RXTX_1_0: &[Field] = &[
    at(0, 2, "endpoint", endpoint),
    zero(2, 2),
    at(4, 4, "RX range count", number),
    at(8, 4, "TX range count", number),
    zero(12, 4),
];

const RXTX: &[Field] = &[
    at(0, 2, "endpoint", endpoint),
    zero(2, 2),
    at(4, 4, "RX offset", plain),
    at(8, 4, "TX offset", plain),
];

pub(super) fn show_relinquish(sheet: &mut Sheet<'_>) {
    if !sheet.part("relinquish descriptor", 0, RELINQUISH) {
        return;
    }
    let count = sheet.number(12, 4);
    sheet.list(count, "endpoints", |sheet, index| {
        let offset = 16 + 2 * index;
        if sheet.len() < offset + 2 {
            sheet.missing(count - index, "endpoints");
            return false;
        }
        let id = u16::try_from(sheet.number(offset, 2)).unwrap_or(0);
        let (name, value) = (format!("endpoint {index}"), format!("{id:#x}"));
        sheet.line(offset, 2, &name, &value, &role(EndpointId(id)));
        true
    });
}

/// Partition information is a list without a header: all bytes must be descriptors.
pub(super) fn read_partitions(dump: &Dump) -> Read {
    let (size, length) = (partition_descriptor_size(dump.version), dump.bytes.len());
    let version = dump.version;
    if length == 0 || length % size != 0 {
        let offset = u32::try_from(length - length % size).unwrap_or(u32::MAX);
        let (field, fault) = ("partition information descriptor", Fault::Truncated);
        return Err(DescriptorError { field, offset, fault });
    }
    Ok(format!("{} partition(s), {size} bytes each, layout of {version}", length / size))
}

pub(super) fn show_partitions(sheet: &mut Sheet<'_>, version: Version) {
    let size = partition_descriptor_size(version);
    let fields = if size == 8 { &PARTITION[..3] } else { PARTITION };
    let count = sheet.len().div_ceil(size);
    sheet.list(count, "partitions", |sheet, index| {
        sheet.part(&format!("partition {index}"), size * index, fields)
    });
}

pub(super) fn show_message(sheet: &mut Sheet<'_>, header_size: u32) {
    let fields = if header_size == 20 { &MESSAGE[..6] } else { MESSAGE };
    if sheet.part("message header", 0, fields) {
        let (offset, size) = (sheet.number(8, 4), sheet.number(16, 4));
        sheet.dump("payload", offset, size);
    }
}

pub(super) fn show_rxtx(sheet: &mut Sheet<'_>, version: Version) {
    let title = "endpoint RX/TX descriptor";
    if version < Version::V1_1 {
        if sheet.part(title, 0, RXTX_1_0) {
            let (rx, tx) = (sheet.number(4, 4), sheet.number(8, 4));
            ranges(sheet, "RX range", 16, rx);
            ranges(sheet, "TX range", rx.saturating_mul(16).saturating_add(16), tx);
        }
    } else if sheet.part(title, 0, RXTX) {
        let (rx, tx) = (sheet.number(4, 4), sheet.number(8, 4));
        composite(sheet, "RX buffer", rx);
        composite(sheet, "TX buffer", tx);
    }
}

pub(super) fn uuid(item: &Item<'_>) -> String {
    item.bytes.try_into().map_or(String::new(), |bytes| show_uuid(Uuid(bytes)))
}

fn properties(item: &Item<'_>) -> String {
    PartitionProperties::from_bits_retain(item.u32()).to_string()
}

fn relinquish_flags(item: &Item<'_>) -> String {
    let flags = RelinquishFlags::from_bits_retain(item.u32());
    let names = [(RelinquishFlags::ZERO, "zero"), (RelinquishFlags::TIME_SLICE, "slice")];
    let set = names.iter().filter(|(flag, _)| flags.contains(*flag));
    let mut words: Vec<String> = set.map(|(_, name)| (*name).to_owned()).collect();
    let other = flags - RelinquishFlags::all();
    if !other.is_empty() {
        words.push(format!("{:#x} ignored, should be zero", other.bits()));
    }
    words.join(" ")
}
