#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

mod boot_information;
mod call;
mod calls;
mod descriptor;
mod endpoint_rxtx;
mod function;
mod id;
mod memory;
mod message_header;
mod partition_info;
mod regs;
mod reply;
mod status;
mod uuid;
mod version;

pub use boot_information::{
    BOOT_INFORMATION_SIGNATURE, BootContents, BootInformation, BootInformationWriter, BootItem,
    BootItemName, BootItemType, BootItems,
};
pub use call::{Call, DecodeError, DisplayReply, Request};
pub use calls::features::{Feature, FeatureQuery, Features, FeaturesReply, RxtxMapFeature};
pub use calls::id_get::{EndpointIdReply, IdGet, SpmIdGet};
pub use calls::partition_info_get::{
    PartitionInfoFlags, PartitionInfoGet, PartitionInfoGetReply, partition_descriptor_size,
};
pub use calls::partition_info_get_regs::{
    DESCRIPTORS_PER_CALL, PartitionInfoGetRegs, PartitionInfoGetRegsReply,
};
pub use calls::rx_ownership::{RxAcquire, RxRelease};
pub use calls::rxtx_map::{MAX_RXTX_PAGES, RxtxMap, RxtxUnmap};
pub use calls::version::{GetVersion, VersionReply};
pub use descriptor::{BuildError, DescriptorError, Fault};
pub use endpoint_rxtx::{BufferRegion, EndpointRxTx};
pub use function::{FUNCTIONS, Function, FunctionId, Width};
pub use id::{EndpointId, VmId};
pub use memory::attributes::{
    Cacheability, DeviceMemory, MemoryAttributes, MemoryType, Shareability,
};
pub use memory::build::NewTransaction;
pub use memory::flags::{RelinquishFlags, TransactionFlags, TransactionType};
pub use memory::fragments::Fragments;
pub use memory::handle::MemoryHandle;
pub use memory::header::{TransactionHeader, TransactionKind};
pub use memory::layout::TransactionLayout;
pub use memory::permissions::{DataAccess, InstructionAccess, Permissions, ReceiverFlags};
pub use memory::range::{Composite, MemoryRange, PAGE_SIZE, Ranges};
pub use memory::receiver::{Receiver, Receivers};
pub use memory::relinquish::{Endpoints, Relinquish};
pub use memory::transaction::{FirstFragment, Transaction, TransactionHead};
pub use message_header::{Message, MessageHeader};
pub use partition_info::{EndpointKind, PartitionInfo, PartitionInfo1_0, PartitionProperties};
pub use regs::Regs;
pub use reply::{CallError, Empty, Reply, ReplyError, Success, write_error};
pub use status::Status;
pub use uuid::{ParseUuidError, Uuid};
pub use version::{Version, VersionParts};

/// Descriptors as they lie in a buffer: sizes and offsets are those of the documents, the contents
/// anything. Parse instead, wherever somebody else wrote the bytes.
pub mod raw {
    pub use crate::boot_information::{RawBootDescriptor, RawBootHeader};
    pub use crate::endpoint_rxtx::{RawEndpointRxTx, RawEndpointRxTx1_0};
    pub use crate::memory::layout::{RawTransaction, RawTransaction1_0};
    pub use crate::memory::range::{RawComposite, RawRange};
    pub use crate::memory::receiver::{RawAccess, RawAccess1_2};
    pub use crate::memory::relinquish::RawRelinquish;
    pub use crate::message_header::{RawMessageHeader, RawMessageHeader1_2};
}
