//! Which bits of a call's registers mean something, written down a second time and by hand: what
//! decoding keeps and encoding writes again. All others should be zero and are ignored, or must be
//! zero, and then the call was refused.

use ffa_abi::{FunctionId, Regs, Version, Width};

const W: u64 = 0xffff_ffff;
const X: u64 = u64::MAX;
/// The endpoint of a word that could name two.
const UPPER: u64 = 0xffff_0000;

/// The registers of a call that was not refused, without the bits that mean nothing.
pub fn meant(function: FunctionId, regs: &Regs, version: Version) -> Regs {
    let mut meant = Regs::ZERO;
    meant.set(0, function.bits());
    for (index, mask) in (1..).zip(masks(function, regs, version)) {
        meant.set(index, regs.x(index) & mask);
    }
    meant
}

/// From x1 on; what is missing at the end means nothing.
fn masks(function: FunctionId, regs: &Regs, version: Version) -> Vec<u64> {
    let is_wide = function.width() == Width::Bits64;
    let own = if is_wide { X } else { W };
    let from_1_2 = is_wide && version >= Version::V1_2;
    let from_1_3 = is_wide && version >= Version::V1_3;
    match function {
        FunctionId::ERROR_32 | FunctionId::ERROR_64 => vec![W; 3],
        FunctionId::SUCCESS_32
        | FunctionId::SUCCESS_64
        | FunctionId::CONSOLE_LOG_32
        | FunctionId::CONSOLE_LOG_64 => behind(&[W], own, if from_1_2 { 16 } else { 6 }),
        FunctionId::RX_RELEASE
        | FunctionId::RX_ACQUIRE
        | FunctionId::RXTX_UNMAP
        | FunctionId::NOTIFICATION_BITMAP_DESTROY => vec![W],
        FunctionId::INTERRUPT_32
        | FunctionId::INTERRUPT_64
        | FunctionId::FEATURES
        | FunctionId::RUN_32
        | FunctionId::RUN_64
        | FunctionId::MSG_WAIT_32
        | FunctionId::MSG_WAIT_64
        | FunctionId::MEM_RETRIEVE_RESP
        | FunctionId::MEM_OP_PAUSE
        | FunctionId::MEM_OP_RESUME
        | FunctionId::NOTIFICATION_BITMAP_CREATE
        | FunctionId::NOTIFICATION_GET => vec![W; 2],
        FunctionId::YIELD_32 | FunctionId::YIELD_64 | FunctionId::MEM_RECLAIM => vec![W; 3],
        FunctionId::NOTIFICATION_BIND
        | FunctionId::NOTIFICATION_UNBIND
        | FunctionId::NOTIFICATION_SET => vec![W; 4],
        FunctionId::PARTITION_INFO_GET => vec![W; 5],
        FunctionId::RXTX_MAP_32 | FunctionId::RXTX_MAP_64 => vec![own, own, W],
        FunctionId::MEM_DONATE_32
        | FunctionId::MEM_DONATE_64
        | FunctionId::MEM_LEND_32
        | FunctionId::MEM_LEND_64
        | FunctionId::MEM_SHARE_32
        | FunctionId::MEM_SHARE_64
        | FunctionId::MEM_RETRIEVE_REQ_32
        | FunctionId::MEM_RETRIEVE_REQ_64 => vec![W, W, own, W],
        FunctionId::MEM_FRAG_RX | FunctionId::MEM_FRAG_TX => vec![W, W, W, UPPER],
        FunctionId::MSG_SEND => vec![W, 0, W, W],
        FunctionId::MSG_SEND2 => vec![UPPER, W],
        FunctionId::MSG_SEND_DIRECT_REQ_32
        | FunctionId::MSG_SEND_DIRECT_REQ_64
        | FunctionId::MSG_SEND_DIRECT_RESP_32
        | FunctionId::MSG_SEND_DIRECT_RESP_64 => {
            let is_framework = regs.w(2) >> 31 != 0;
            let flags = if is_framework { 0x8000_00ff } else { 0 };
            behind(&[W, flags], own, if from_1_3 { 15 } else { 5 })
        }
        FunctionId::MSG_SEND_DIRECT_REQ2 => behind(&[W], X, 16),
        FunctionId::MSG_SEND_DIRECT_RESP2 => behind(&[W, 0, 0], X, 14),
        FunctionId::SECONDARY_EP_REGISTER_32 | FunctionId::SECONDARY_EP_REGISTER_64 => vec![own],
        FunctionId::MEM_PERM_GET_32 | FunctionId::MEM_PERM_GET_64 => {
            vec![own, if version >= Version::V1_3 { W } else { 0 }]
        }
        FunctionId::VERSION => vec![W, if version >= Version::V1_3 { W } else { 0 }],
        FunctionId::MEM_PERM_SET_32 | FunctionId::MEM_PERM_SET_64 => vec![own, W, W],
        FunctionId::PARTITION_INFO_GET_REGS => vec![X; 3],
        FunctionId::NS_RES_INFO_GET => {
            let names_endpoint = regs.x(2) & 1 != 0;
            vec![if names_endpoint { X } else { 0 }, X]
        }
        FunctionId::ABORT_32 | FunctionId::ABORT_64 => vec![0, own],
        // ID_GET, SPM_ID_GET, MSG_POLL, MEM_RELINQUISH, NORMAL_WORLD_RESUME, EL3_INTR_HANDLE and
        // NOTIFICATION_INFO_GET take nothing.
        _ => vec![],
    }
}

/// `count` registers of `mask` behind the first ones.
fn behind(first: &[u64], mask: u64, count: usize) -> Vec<u64> {
    [first, &vec![mask; count]].concat()
}
