//! Notifications.

use ffa_abi::{FunctionId, Width};

use super::{Layout, layout};
use crate::decode::show::{
    endpoint, flag, framework_notifications, hex, ids, notifications, number, vcpu,
};
use crate::decode::table::{Field, Scene, Seen, field, zero};

pub(super) const LAYOUTS: &[Layout] = &[
    layout(&[FunctionId::NOTIFICATION_BITMAP_CREATE], BITMAP_CREATE, &[]),
    layout(&[FunctionId::NOTIFICATION_BITMAP_DESTROY], BITMAP_DESTROY, &[]),
    layout(&[FunctionId::NOTIFICATION_BIND], BIND, &[]),
    layout(&[FunctionId::NOTIFICATION_UNBIND], UNBIND, &[]),
    layout(&[FunctionId::NOTIFICATION_SET], SET, &[]),
    layout(&[FunctionId::NOTIFICATION_GET], GET, GET_SUCCESS),
    layout(
        &[FunctionId::NOTIFICATION_INFO_GET_32, FunctionId::NOTIFICATION_INFO_GET_64],
        &[],
        INFO_GET_SUCCESS,
    ),
    layout(
        &[
            FunctionId::NOTIFICATION_BIND2,
            FunctionId::NOTIFICATION_UNBIND2,
            FunctionId::NOTIFICATION_SET2,
            FunctionId::NOTIFICATION_GET2,
        ],
        UNKNOWN,
        UNKNOWN,
    ),
];

const BITMAP_CREATE: &[Field] =
    &[zero("w1[31:16]"), field("w1[15:0]", "VM ID", endpoint), field("w2", "vCPU count", number)];

const BITMAP_DESTROY: &[Field] = &[zero("w1[31:16]"), field("w1[15:0]", "VM ID", endpoint)];

const BIND: &[Field] = &[
    field("w1[31:16]", "sender ID", endpoint),
    field("w1[15:0]", "receiver ID", endpoint),
    field("w2[0]", "per-vCPU", flag),
    zero("w2[31:1]"),
    field("w3..w4", "notifications", notifications),
];

const UNBIND: &[Field] = &[
    field("w1[31:16]", "sender ID", endpoint),
    field("w1[15:0]", "receiver ID", endpoint),
    zero("w2"),
    field("w3..w4", "notifications", notifications),
];

const SET: &[Field] = &[
    field("w1[31:16]", "sender ID", endpoint),
    field("w1[15:0]", "receiver ID", endpoint),
    field("w2[0]", "per-vCPU", flag),
    field("w2[1]", "delay SRI", flag),
    zero("w2[15:2]"),
    field("w2[31:16]", "receiver vCPU", vcpu).when(is_per_vcpu),
    zero("w2[31:16]").named("receiver vCPU").when(|scene| !is_per_vcpu(scene)),
    field("w3..w4", "notifications", notifications),
];

const GET: &[Field] = &[
    field("w1[31:16]", "receiver vCPU", vcpu),
    field("w1[15:0]", "receiver ID", endpoint),
    field("w2[0]", "from SPs", flag),
    field("w2[1]", "from VMs", flag),
    field("w2[2]", "from the SPM", flag),
    field("w2[3]", "from the hypervisor", flag),
    zero("w2[31:4]"),
];

const GET_SUCCESS: &[Field] = &[
    field("w2..w3", "from SPs", notifications),
    field("w4..w5", "from VMs", notifications),
    field("w6", "from the SPM", framework_notifications),
    field("w7", "from the hypervisor", framework_notifications),
];

const INFO_GET_SUCCESS: &[Field] = &[
    field("w2[0]", "more pending", flag),
    field("w2[11:7]", "list count", number),
    field("w2[31:12]", "vCPUs in each list", list_sizes).form(Width::Bits32),
    field("x2[51:12]", "vCPUs in each list", list_sizes).form(Width::Bits64),
    field("r3..r7", "IDs", ids),
];

/// The layouts of these calls are not known here.
const UNKNOWN: &[Field] = &[field("x1..x17", "not known here", hex)];

fn is_per_vcpu(scene: &Scene<'_>) -> bool {
    scene.regs.w(2) & 1 == 1
}

fn list_sizes(seen: &Seen<'_>) -> String {
    let count = seen.scene.regs.w(2) >> 7 & 0x1f;
    let size = |list: u32| (seen.value >> (2 * list) & 3).to_string();
    (0..count).map(size).collect::<Vec<_>>().join(" ")
}
