//! Direct, indirect and framework messages.

use ffa_abi::{FunctionId, Version, Width};

use super::{Layout, layout};
use crate::decode::show::{
    bytes, endpoint, flag, framework_type, handle, hex, psci_status, status, uuid, version,
    warm_boot,
};
use crate::decode::table::{Field, Scene, field, zero};

pub(super) const LAYOUTS: &[Layout] = &[
    layout(&[FunctionId::MSG_SEND], SEND, &[]),
    layout(&[FunctionId::MSG_SEND2], SEND2, &[]),
    layout(
        &[
            FunctionId::MSG_SEND_DIRECT_REQ_32,
            FunctionId::MSG_SEND_DIRECT_REQ_64,
            FunctionId::MSG_SEND_DIRECT_RESP_32,
            FunctionId::MSG_SEND_DIRECT_RESP_64,
        ],
        DIRECT,
        &[],
    ),
    layout(&[FunctionId::MSG_SEND_DIRECT_REQ2], DIRECT_REQ2, &[]),
    layout(&[FunctionId::MSG_SEND_DIRECT_RESP2], DIRECT_RESP2, &[]),
];

const SEND: &[Field] = &[
    field("w1[31:16]", "sender ID", endpoint),
    field("w1[15:0]", "receiver ID", endpoint),
    field("w3", "message length", bytes),
    field("w4", "attributes", hex),
];

const SEND2: &[Field] = &[
    field("w1[31:16]", "sender ID", endpoint),
    zero("w2[0]"),
    field("w2[1]", "delay SRI", flag),
    zero("w2[31:2]"),
];

const DIRECT: &[Field] = &[
    field("w1[31:16]", "sender ID", endpoint),
    field("w1[15:0]", "receiver ID", endpoint),
    field("w2[31]", "framework message", flag),
    zero("w2[30:0]").until(Version::V1_1).when(|scene| !is_framework(scene)),
    zero("w2[30:8]").until(Version::V1_1).when(is_framework),
    field("w2[7:0]", "message type", framework_type).when(is_framework),
    field("r3..r7", "payload", hex).when(is_payload),
    field("x8..x17", "payload", hex).form(Width::Bits64).since(Version::V1_3).when(is_payload),
    field("w3", "PSCI function ID", hex).when(is_type::<0>),
    field("r4..r6", "PSCI argument", hex).when(is_type::<0>),
    field("w3", "boot type", warm_boot).when(is_type::<1>),
    field("w3", "PSCI status", psci_status).when(is_type::<2>),
    field("w3..w4", "handle", handle).when(is_availability),
    field("w5[15:0]", "VM ID", endpoint).when(is_availability),
    field("w3", "status", status).when(is_acknowledgement),
    field("w3", "version", version).when(is_type::<8>),
    field("w4", "flags", hex).when(is_type::<8>),
    field("w3", "version or status", version).when(is_type::<9>),
];

const DIRECT_REQ2: &[Field] = &[
    field("w1[31:16]", "sender ID", endpoint),
    field("w1[15:0]", "receiver ID", endpoint),
    field("x2..x3", "UUID", uuid),
    field("x4..x17", "payload", hex),
];

const DIRECT_RESP2: &[Field] = &[
    field("w1[31:16]", "sender ID", endpoint),
    field("w1[15:0]", "receiver ID", endpoint),
    zero("x2"),
    zero("x3"),
    field("x4..x17", "payload", hex),
];

fn is_framework(scene: &Scene<'_>) -> bool {
    scene.regs.w(2) >> 31 == 1
}

fn is_type<const TYPE: u32>(scene: &Scene<'_>) -> bool {
    is_framework(scene) && scene.regs.w(2) & 0xff == TYPE
}

/// VM created, VM destroyed.
fn is_availability(scene: &Scene<'_>) -> bool {
    is_type::<4>(scene) || is_type::<6>(scene)
}

/// What answers them.
fn is_acknowledgement(scene: &Scene<'_>) -> bool {
    is_type::<5>(scene) || is_type::<7>(scene)
}

/// A message of a partition, or of a type whose content is not known here.
fn is_payload(scene: &Scene<'_>) -> bool {
    !is_framework(scene) || !matches!(scene.regs.w(2) & 0xff, 0..=2 | 4..=9)
}
