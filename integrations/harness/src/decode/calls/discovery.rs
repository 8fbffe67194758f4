//! Versions, features, ids, partition information, RX/TX buffers.

use ffa_abi::{FunctionId, Version};

use super::{Layout, layout};
use crate::decode::show::{
    endpoint, feature, flag, hex, not_in_a_version, number, page_address, pages, properties, uuid,
    uuid_words, version,
};
use crate::decode::table::{Field, Scene, Seen, field, zero};

pub(super) const LAYOUTS: &[Layout] = &[
    layout(&[FunctionId::VERSION], VERSION, &[]),
    layout(&[FunctionId::FEATURES], FEATURES, FEATURES_SUCCESS),
    layout(&[FunctionId::ID_GET, FunctionId::SPM_ID_GET], &[], ID_SUCCESS),
    layout(&[FunctionId::RX_RELEASE, FunctionId::RX_ACQUIRE], RX, &[]),
    layout(&[FunctionId::RXTX_MAP_32, FunctionId::RXTX_MAP_64], RXTX_MAP, &[]),
    layout(&[FunctionId::RXTX_UNMAP], RXTX_UNMAP, &[]),
    layout(&[FunctionId::PARTITION_INFO_GET], INFO_GET, INFO_GET_SUCCESS),
    layout(&[FunctionId::PARTITION_INFO_GET_REGS], GET_REGS, GET_REGS_SUCCESS),
];

const VERSION: &[Field] = &[
    field("w1[31]", "MBZ", not_in_a_version),
    field("w1[30:16]", "major version", number),
    field("w1[15:0]", "minor version", number),
    field("w2[31:2]", "flags, must be zero", hex).since(Version::V1_3),
    field("w2[1:0]", "operation", version_operation).since(Version::V1_3),
];

fn version_operation(seen: &Seen<'_>) -> String {
    let operations = ["to agree on it", "whether it would do", "which one was agreed on"];
    let index = usize::try_from(seen.value).unwrap_or(operations.len());
    operations.get(index).unwrap_or(&"reserved").to_string()
}

/// w0 after `FFA_VERSION`, which has no function id in it.
pub(crate) const VERSION_REPLY: &[Field] = &[field("w0", "version or status", version)];

const FEATURES: &[Field] = &[
    field("w1", "function or feature ID", feature),
    field("w2[1]", "NS bit is known", flag).when(|scene| is_retrieve(scene.regs.w(1))),
    field("w2[31:2]", "input properties", hex).when(|scene| is_retrieve(scene.regs.w(1))),
    field("w2[0]", "input properties", hex).when(|scene| is_retrieve(scene.regs.w(1))),
    field("w2", "input properties", hex).when(|scene| !is_retrieve(scene.regs.w(1))),
];

const FEATURES_SUCCESS: &[Field] = &[
    field("w2[1:0]", "minimum size, alignment", |seen| {
        let size = ["4 KiB", "64 KiB", "16 KiB"].get(usize::try_from(seen.value).unwrap_or(3));
        (*size.unwrap_or(&"reserved")).to_owned()
    })
    .when(is_rxtx_map),
    field("w2[31:16]", "most pages", |seen| match seen.value {
        0 => "no limit".to_owned(),
        _ => pages(seen),
    })
    .since(Version::V1_2)
    .when(is_rxtx_map),
    field("w2[0]", "dynamic buffers", flag).until(Version::V1_1).when(is_mem_send),
    field("w2[0]", "dynamic buffers", flag).when(is_mem_retrieve),
    field("w2[1]", "NS bit is told", flag).when(is_mem_retrieve),
    field("w2[2]", "retrieval by hypervisor", flag).since(Version::V1_1).when(is_mem_retrieve),
    field("w3[7:0]", "retrievals", |seen| match seen.value {
        n if n < 63 => format!("{} before it is relinquished", (1_u64 << (n + 1)) - 1),
        n => format!("2^{} - 1 before it is relinquished", n + 1),
    })
    .when(is_mem_retrieve),
    field("w2", "interrupt ID", number).when(is_interrupt),
    field("w2", "properties", hex).when(is_other),
    field("w3", "properties", hex).when(is_other),
];

const ID_SUCCESS: &[Field] = &[field("w2[15:0]", "ID", endpoint)];

const RX: &[Field] = &[zero("w1[31:16]"), field("w1[15:0]", "VM ID", endpoint)];

const RXTX_MAP: &[Field] = &[
    field("r1", "TX address", page_address),
    field("r2", "RX address", page_address),
    field("w3[5:0]", "page count", pages),
    zero("w3[31:6]"),
];

const RXTX_UNMAP: &[Field] = &[field("w1[31:16]", "ID", endpoint), zero("w1[15:0]")];

const INFO_GET: &[Field] = &[
    field("w1..w4", "UUID", uuid_words),
    field("w5[0]", "return count only", flag).since(Version::V1_1),
    zero("w5[31:1]").since(Version::V1_1),
    zero("w5").until(Version::V1_0),
];

const INFO_GET_SUCCESS: &[Field] = &[
    field("w2", "partition count", number),
    field("w3", "descriptor size", number).since(Version::V1_1),
];

const GET_REGS: &[Field] = &[
    field("x1..x2", "UUID", uuid),
    field("x3[15:0]", "start index", number),
    field("x3[31:16]", "information tag", hex),
    zero("x3[63:32]"),
];

const GET_REGS_SUCCESS: &[Field] = &[
    field("x2[15:0]", "last index", number),
    field("x2[31:16]", "current index", number),
    field("x2[47:32]", "information tag", hex),
    field("x2[63:48]", "descriptor size", number),
    field("x3[15:0]", "partition ID", endpoint).when(has_descriptor::<0>),
    field("x3[31:16]", "execution contexts", number).when(has_descriptor::<0>),
    field("x3[63:32]", "properties", properties).when(has_descriptor::<0>),
    field("x4..x5", "UUID", uuid).when(has_descriptor::<0>),
    field("x6[15:0]", "partition ID", endpoint).when(has_descriptor::<1>),
    field("x6[31:16]", "execution contexts", number).when(has_descriptor::<1>),
    field("x6[63:32]", "properties", properties).when(has_descriptor::<1>),
    field("x7..x8", "UUID", uuid).when(has_descriptor::<1>),
    field("x9[15:0]", "partition ID", endpoint).when(has_descriptor::<2>),
    field("x9[31:16]", "execution contexts", number).when(has_descriptor::<2>),
    field("x9[63:32]", "properties", properties).when(has_descriptor::<2>),
    field("x10..x11", "UUID", uuid).when(has_descriptor::<2>),
    field("x12[15:0]", "partition ID", endpoint).when(has_descriptor::<3>),
    field("x12[31:16]", "execution contexts", number).when(has_descriptor::<3>),
    field("x12[63:32]", "properties", properties).when(has_descriptor::<3>),
    field("x13..x14", "UUID", uuid).when(has_descriptor::<3>),
    field("x15[15:0]", "partition ID", endpoint).when(has_descriptor::<4>),
    field("x15[31:16]", "execution contexts", number).when(has_descriptor::<4>),
    field("x15[63:32]", "properties", properties).when(has_descriptor::<4>),
    field("x16..x17", "UUID", uuid).when(has_descriptor::<4>),
];

/// Whether the reply has a descriptor of this number, from 0: from the index that was asked for to
/// the current one.
fn has_descriptor<const N: u64>(scene: &Scene<'_>) -> bool {
    let start = scene.call.map_or(0, |call| u64::from(call.half(3)));
    let current = scene.regs.x(2) >> 16 & 0xffff;
    current.checked_sub(start).is_some_and(|index| N <= index)
}

/// What the call asked about.
fn query(scene: &Scene<'_>) -> Option<u32> {
    Some(scene.call?.w(1))
}

fn queried(scene: &Scene<'_>) -> Option<FunctionId> {
    FunctionId::from_bits(query(scene)?)
}

fn is_retrieve(id: u32) -> bool {
    let function = FunctionId::from_bits(id);
    matches!(function, Some(FunctionId::MEM_RETRIEVE_REQ_32 | FunctionId::MEM_RETRIEVE_REQ_64))
}

fn is_mem_retrieve(scene: &Scene<'_>) -> bool {
    query(scene).is_some_and(is_retrieve)
}

fn is_rxtx_map(scene: &Scene<'_>) -> bool {
    matches!(queried(scene), Some(FunctionId::RXTX_MAP_32 | FunctionId::RXTX_MAP_64))
}

fn is_mem_send(scene: &Scene<'_>) -> bool {
    let number = queried(scene).map(|function| function.bits() & 0xff);
    let is_known = queried(scene).is_some_and(|function| function.function().is_some());
    is_known && matches!(number, Some(0x71..=0x73))
}

/// Features 1 to 3 are interrupts.
fn is_interrupt(scene: &Scene<'_>) -> bool {
    matches!(query(scene), Some(1..=3))
}

fn is_other(scene: &Scene<'_>) -> bool {
    let known = [is_mem_retrieve, is_rxtx_map, is_mem_send, is_interrupt];
    !known.into_iter().any(|known| known(scene))
}
