#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
// Nothing that a register or a buffer can hold panics.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]
#![deny(clippy::indexing_slicing, clippy::string_slice, clippy::todo)]

mod boot_information;
mod call;
mod calls;
mod completion;
mod descriptor;
mod endpoint_rxtx;
mod form;
mod function;
mod id;
mod list;
mod memory;
mod message_header;
mod notifications;
mod partition_info;
mod partition_infos;
pub mod raw;
mod regs;
mod reply;
mod status;
mod target;
mod uuid;
mod version;

pub use boot_information::read::{BootInformation, BootItems};
pub use boot_information::write::BootInformationWriter;
pub use boot_information::{
    BOOT_INFORMATION_SIGNATURE, BootContents, BootItem, BootItemName, BootItemType,
};
pub use call::{Call, DecodeError, DisplayReply, Request};
pub use calls::abort::{Abort, NoReply};
pub use calls::console_log::{ConsoleLog, ConsoleLogReply, MAX_LOG_CHARACTERS};
pub use calls::direct_message::{DirectMessage, DirectPayload, DirectRequest, DirectResponse};
pub use calls::direct_message2::{DIRECT2_REGISTERS, DirectRequest2, DirectResponse2};
pub use calls::el3_interrupt_handle::El3InterruptHandle;
pub use calls::error_and_success::{FfaError, FfaSuccess, SuccessResults};
pub use calls::features::{
    Feature, FeatureQuery, Features, FeaturesReply, MemRetrieveFeature, MemSendFeature,
    RxtxMapFeature,
};
pub use calls::framework_message::{
    FrameworkContent, FrameworkKind, FrameworkMessage, PsciArguments, PsciRequest, VersionRequest,
    VersionResponse, VmAvailability, WarmBoot,
};
pub use calls::id_get::{EndpointIdReply, IdGet, SpmIdGet};
pub use calls::mem_frag::{MemFragRx, MemFragTx};
pub use calls::mem_op::{MemOpPause, MemOpResume};
pub use calls::mem_perm::{
    MemPermGet, MemPermGetReply, MemPermSet, PageDataAccess, PagePermissions,
};
pub use calls::mem_release::{MemReclaim, MemReclaimFlags, MemRelinquish};
pub use calls::mem_reply::{
    MemFragTxReply, MemOpResumeReply, MemReleaseReply, MemRetrieveReply, MemSendReply,
    MemoryHandleReply,
};
pub use calls::mem_retrieve_resp::MemRetrieveResp;
pub use calls::mem_transaction::{MemDonate, MemLend, MemRetrieveReq, MemShare, TransactionBuffer};
pub use calls::message_send::{MessageSend, MessageSend2};
pub use calls::message_wait::{MessagePoll, MessageWait};
pub use calls::non_secure_resource_info::{
    NonSecureResourceInfoGet, NonSecureResourceInfoGetReply, ResourceType,
};
pub use calls::notification_bind::{NotificationBind, NotificationBindFlags, NotificationUnbind};
pub use calls::notification_bitmap::{NotificationBitmapCreate, NotificationBitmapDestroy};
pub use calls::notification_get::{NotificationGet, NotificationGetFlags, NotificationGetReply};
pub use calls::notification_info_get::{
    NotificationInfoGet, NotificationInfoGetReply, NotificationList, NotificationListError,
    NotificationLists, VCPUS_PER_LIST,
};
pub use calls::notification_set::{NotificationSet, NotificationSetFlags};
pub use calls::partition_info_get::{
    PartitionInfoFlags, PartitionInfoGet, PartitionInfoGetReply, partition_descriptor_size,
};
pub use calls::partition_info_get_regs::{
    DESCRIPTORS_PER_CALL, PartitionInfoGetRegs, PartitionInfoGetRegsReply,
};
pub use calls::rx_ownership::{RxAcquire, RxRelease};
pub use calls::rxtx_map::{MAX_RXTX_PAGES, RxtxMap, RxtxUnmap};
pub use calls::scheduling::{Interrupt, NormalWorldResume, Run, Yield};
pub use calls::secondary_entry_point::SecondaryEntryPointRegister;
pub use calls::version::{GetVersion, VersionReply};
pub use completion::{DirectRequest2Reply, DirectRequestReply, RunReply, WaitReply, YieldReply};
pub use descriptor::{BuildError, DescriptorError, Fault};
pub use endpoint_rxtx::{BufferRegion, EndpointRxTx, NewEndpointRxTx};
pub use form::{Argument, Form, Payload};
pub use function::{FUNCTIONS, Function, FunctionId, Width};
pub use id::{EndpointId, VmId};
pub use memory::attributes::{
    Cacheability, DeviceMemory, MemoryAttributes, MemoryType, Shareability,
};
pub use memory::flags::{RelinquishFlags, TransactionFlags, TransactionType};
pub use memory::fragments::Fragments;
pub use memory::handle::MemoryHandle;
pub use memory::header::{TransactionHeader, TransactionKind};
pub use memory::layout::TransactionLayout;
pub use memory::new_transaction::NewTransaction;
pub use memory::permissions::{DataAccess, InstructionAccess, Permissions, ReceiverFlags};
pub use memory::range::{Composite, MemoryRange, PAGE_SIZE, Ranges};
pub use memory::receiver::{Receiver, Receivers};
pub use memory::relinquish::{Endpoints, Relinquish};
pub use memory::transaction::{FirstFragment, Transaction, TransactionHead};
pub use message_header::{Message, MessageHeader};
pub use notifications::{FrameworkNotifications, Notifications};
pub use partition_info::{EndpointKind, PartitionInfo, PartitionInfo1_0, PartitionProperties};
pub use partition_infos::PartitionInfos;
pub use regs::Regs;
pub use reply::{CallError, Empty, Reply, ReplyError, Success, write_error};
pub use status::Status;
pub use target::Target;
pub use uuid::{ParseUuidError, Uuid};
pub use version::{Version, VersionParts};
