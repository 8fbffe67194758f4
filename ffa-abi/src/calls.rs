//! One file a call: request, reply, encode, decode, `Display`, tests.

pub(crate) mod features;
pub(crate) mod id_get;
pub(crate) mod mem_frag;
pub(crate) mod mem_op;
pub(crate) mod mem_perm;
pub(crate) mod mem_release;
pub(crate) mod mem_reply;
pub(crate) mod mem_retrieve_resp;
pub(crate) mod mem_transaction;
pub(crate) mod notification_bind;
pub(crate) mod notification_bitmap;
pub(crate) mod notification_get;
pub(crate) mod notification_info_get;
pub(crate) mod notification_set;
pub(crate) mod partition_info_get;
pub(crate) mod partition_info_get_regs;
pub(crate) mod rx_ownership;
pub(crate) mod rxtx_map;
pub(crate) mod version;
