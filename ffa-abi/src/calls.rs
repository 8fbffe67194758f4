//! One file a call: request, reply, encode, decode, `Display`, tests.

pub(crate) mod abort;
pub(crate) mod console_log;
pub(crate) mod direct_message;
pub(crate) mod direct_message2;
pub(crate) mod el3_interrupt_handle;
pub(crate) mod error_and_success;
pub(crate) mod features;
pub(crate) mod framework_message;
pub(crate) mod id_get;
pub(crate) mod message_send;
pub(crate) mod message_wait;
pub(crate) mod non_secure_resource_info;
pub(crate) mod partition_info_get;
pub(crate) mod partition_info_get_regs;
pub(crate) mod rx_ownership;
pub(crate) mod rxtx_map;
pub(crate) mod scheduling;
pub(crate) mod secondary_entry_point;
pub(crate) mod version;
