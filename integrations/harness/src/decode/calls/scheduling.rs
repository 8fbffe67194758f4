//! Errors and success by themselves, who has the CPU next, and calls of partitions to firmware.

use ffa_abi::{FunctionId, Version, Width};

use super::{Layout, layout};
use crate::decode::show::{
    bytes, characters, endpoint, flag, hex, nanoseconds, number, status, vcpu,
};
use crate::decode::table::{Field, Scene, field, zero};

pub(super) const LAYOUTS: &[Layout] = &[
    layout(&[FunctionId::ERROR_32, FunctionId::ERROR_64], ERROR, &[]),
    layout(&[FunctionId::SUCCESS_32, FunctionId::SUCCESS_64], SUCCESS, &[]),
    layout(&[FunctionId::INTERRUPT_32, FunctionId::INTERRUPT_64], INTERRUPT, &[]),
    layout(&[FunctionId::MSG_POLL], &[], &[]),
    layout(&[FunctionId::MSG_WAIT_32, FunctionId::MSG_WAIT_64], WAIT, &[]),
    layout(&[FunctionId::YIELD_32, FunctionId::YIELD_64], YIELD, &[]),
    layout(&[FunctionId::RUN_32, FunctionId::RUN_64], RUN, &[]),
    layout(&[FunctionId::NORMAL_WORLD_RESUME_32, FunctionId::NORMAL_WORLD_RESUME_64], &[], &[]),
    layout(&[FunctionId::EL3_INTR_HANDLE], &[], &[]),
    layout(
        &[FunctionId::SECONDARY_EP_REGISTER_32, FunctionId::SECONDARY_EP_REGISTER_64],
        &[field("r1", "entry point address", hex)],
        &[],
    ),
    layout(&[FunctionId::CONSOLE_LOG_32, FunctionId::CONSOLE_LOG_64], CONSOLE_LOG, &[]),
    layout(&[FunctionId::NS_RES_INFO_GET], NS_RES_INFO_GET, NS_RES_SUCCESS),
    layout(&[FunctionId::ABORT_32, FunctionId::ABORT_64], ABORT, &[]),
];

const ERROR: &[Field] = &[
    field("w1[31:16]", "target ID", endpoint),
    field("w1[15:0]", "target vCPU", vcpu),
    field("w2", "error code", status),
    field("w3", "characters logged", number).when(answers_console_log),
    field("w3", "more", hex).when(|scene| !answers_console_log(scene)),
];

const SUCCESS: &[Field] = &[
    field("w1[31:16]", "target ID", endpoint),
    field("w1[15:0]", "target vCPU", vcpu),
    field("r2..r7", "result", hex),
    field("x8..x17", "result", hex).form(Width::Bits64).since(Version::V1_2),
];

const INTERRUPT: &[Field] = &[
    field("w1[31:16]", "target ID", endpoint),
    field("w1[15:0]", "target vCPU", vcpu),
    field("w2", "interrupt ID", number),
];

const WAIT: &[Field] = &[
    zero("w1"),
    field("w2[0]", "retain RX buffer", flag).since(Version::V1_2),
    zero("w2[31:1]").since(Version::V1_2),
    zero("w2").until(Version::V1_1),
    zero("w3..w7"),
];

const YIELD: &[Field] = &[
    field("w1[31:16]", "target ID", endpoint),
    field("w1[15:0]", "target vCPU", vcpu),
    field("w2..w3", "timeout", nanoseconds),
    zero("w4..w7"),
];

const RUN: &[Field] = &[
    field("w1[31:16]", "target ID", endpoint),
    field("w1[15:0]", "target vCPU", vcpu),
    zero("w2"),
];

const CONSOLE_LOG: &[Field] = &[
    field("w1[7:0]", "character count", bytes),
    zero("w1[31:8]"),
    field("r2..r7", "characters", characters),
    field("x8..x17", "characters", characters).form(Width::Bits64).since(Version::V1_2),
];

const NS_RES_INFO_GET: &[Field] = &[
    field("x1[15:0]", "secure endpoint ID", endpoint).when(names_endpoint),
    zero("x1[63:16]").when(names_endpoint),
    field("x2[0]", "x1 names an endpoint", flag),
    zero("x2[1]"),
    field("x2[3:2]", "resource type", |seen| match seen.value {
        0 => "address map".to_owned(),
        _ => "unknown".to_owned(),
    }),
    field("x2[4]", "continue", flag),
    zero("x2[63:5]"),
];

const NS_RES_SUCCESS: &[Field] =
    &[field("x2[31:0]", "remaining", bytes), field("x2[63:32]", "written to RX", bytes)];

const ABORT: &[Field] = &[zero("r1"), field("r2", "information", hex), zero("r3..r7")];

fn answers_console_log(scene: &Scene<'_>) -> bool {
    matches!(scene.answers(), Some(FunctionId::CONSOLE_LOG_32 | FunctionId::CONSOLE_LOG_64))
}

fn names_endpoint(scene: &Scene<'_>) -> bool {
    scene.regs.x(2) & 1 == 1
}
