//! One file a call: request, reply, encode, decode, `Display`, tests.
//!
//! Each call is described in DEN0077 under its own name, memory management from 1.2 on in DEN0140.

pub(crate) mod abort;
pub(crate) mod console_log;
pub(crate) mod direct_message;
pub(crate) mod direct_message2;
pub(crate) mod el3_interrupt_handle;
pub(crate) mod error_and_success;
pub(crate) mod features;
pub(crate) mod framework_message;
pub(crate) mod id_get;
pub(crate) mod mem_frag;
pub(crate) mod mem_op;
pub(crate) mod mem_perm;
pub(crate) mod mem_release;
pub(crate) mod mem_reply;
pub(crate) mod mem_retrieve_resp;
pub(crate) mod mem_transaction;
pub(crate) mod message_send;
pub(crate) mod message_wait;
pub(crate) mod non_secure_resource_info;
pub(crate) mod notification_bind;
pub(crate) mod notification_bitmap;
pub(crate) mod notification_get;
pub(crate) mod notification_info_get;
pub(crate) mod notification_set;
pub(crate) mod partition_info_get;
pub(crate) mod partition_info_get_regs;
pub(crate) mod rx_ownership;
pub(crate) mod rxtx_map;
pub(crate) mod scheduling;
pub(crate) mod secondary_entry_point;
pub(crate) mod version;
