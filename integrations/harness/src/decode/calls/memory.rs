//! Memory management.

use ffa_abi::{FunctionId, Version};

use super::{Layout, layout};
use crate::decode::show::{
    buffer, bytes, endpoint, flag, further_pages, handle, number, page_address, page_permissions,
    pages,
};
use crate::decode::table::{Field, field, zero};

pub(super) const LAYOUTS: &[Layout] = &[
    layout(
        &[
            FunctionId::MEM_DONATE_32,
            FunctionId::MEM_DONATE_64,
            FunctionId::MEM_LEND_32,
            FunctionId::MEM_LEND_64,
            FunctionId::MEM_SHARE_32,
            FunctionId::MEM_SHARE_64,
        ],
        TRANSACTION,
        HANDLE,
    ),
    layout(&[FunctionId::MEM_RETRIEVE_REQ_32, FunctionId::MEM_RETRIEVE_REQ_64], TRANSACTION, &[]),
    layout(&[FunctionId::MEM_RETRIEVE_RESP], RETRIEVE_RESP, &[]),
    layout(&[FunctionId::MEM_RELINQUISH], &[], &[]),
    layout(&[FunctionId::MEM_RECLAIM], RECLAIM, &[]),
    layout(&[FunctionId::MEM_OP_PAUSE], OPERATION, &[]),
    layout(&[FunctionId::MEM_OP_RESUME], OPERATION, HANDLE),
    layout(&[FunctionId::MEM_FRAG_RX], FRAG_RX, &[]),
    layout(&[FunctionId::MEM_FRAG_TX], FRAG_TX, HANDLE),
    layout(&[FunctionId::MEM_PERM_GET_32, FunctionId::MEM_PERM_GET_64], PERM_GET, PERM_SUCCESS),
    layout(&[FunctionId::MEM_PERM_SET_32, FunctionId::MEM_PERM_SET_64], PERM_SET, &[]),
];

const TRANSACTION: &[Field] = &[
    field("w1", "total length", bytes),
    field("w2", "fragment length", bytes),
    field("r3", "buffer address", buffer),
    field("w4", "buffer page count", pages).when(|scene| scene.r(3) != 0),
    zero("w4").named("buffer page count").when(|scene| scene.r(3) == 0),
];

const HANDLE: &[Field] = &[field("w2..w3", "handle", handle)];

const RETRIEVE_RESP: &[Field] =
    &[field("w1", "total length", bytes), field("w2", "fragment length", bytes)];

const RECLAIM: &[Field] = &[
    field("w1..w2", "handle", handle),
    field("w3[0]", "zero memory", flag),
    field("w3[1]", "time slice", flag),
    zero("w3[31:2]"),
];

const OPERATION: &[Field] = &[field("w1..w2", "handle", handle)];

const FRAG_RX: &[Field] = &[
    field("w1..w2", "handle", handle),
    field("w3", "fragment offset", number),
    field("w4[31:16]", "sender ID", endpoint),
];

const FRAG_TX: &[Field] = &[
    field("w1..w2", "handle", handle),
    field("w3", "fragment length", bytes),
    field("w4[31:16]", "sender ID", endpoint),
];

const PERM_GET: &[Field] = &[
    field("r1", "address", page_address),
    field("w2", "further pages", further_pages).since(Version::V1_3),
];

const PERM_SUCCESS: &[Field] = &[
    field("w2[2:0]", "permissions", page_permissions),
    field("w3", "further pages", further_pages).since(Version::V1_3),
];

const PERM_SET: &[Field] = &[
    field("r1", "address", page_address),
    field("w2", "page count", pages),
    field("w3[2:0]", "permissions", page_permissions),
    zero("w3[31:3]"),
];
