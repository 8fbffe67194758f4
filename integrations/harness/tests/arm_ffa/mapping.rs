//! What arm-ffa should make of a call, by hand, field by field.

use arm_ffa::interface_args::{
    ConsoleLogChars, DirectMsg2Args, Feature as TheirFeature, MemAddr, MemOpBuf, MsgSend2Flags,
    MsgWaitFlags, RxTxAddr, SecondaryEpRegisterAddr, SuccessArgs, TargetInfo,
};
use arm_ffa::memory_management::{
    DataAccessPermGetSet, Handle, InstructionAccessPermGetSet, MemPermissionsGetSet,
    MemReclaimFlags as TheirReclaimFlags,
};
use arm_ffa::notification::{
    NotificationBindFlags as TheirBindFlags, NotificationGetFlags as TheirGetFlags,
    NotificationSetFlags as TheirSetFlags,
};
use arm_ffa::partition_info::PartitionInfoGetFlags;
use arm_ffa::{
    FfaError as TheirError, FuncId, Interface, Uuid as TheirUuid, Version as TheirVersion,
};
use ffa_abi::{
    Argument, Call, ConsoleLog, Feature, FeatureQuery, MemPermSet, MemReclaimFlags, MemoryHandle,
    NotificationBindFlags, NotificationGetFlags, NotificationSet, NotificationSetFlags,
    PageDataAccess, PagePermissions, Payload, Status, SuccessResults, Target, TransactionBuffer,
    Uuid, Version, Width,
};

use crate::framework;

/// Whether both decoded the same call.
pub(crate) fn same(call: &Call, interface: &Interface) -> bool {
    if let (Call::ConsoleLog(ours), Interface::ConsoleLog { chars: theirs }) = (call, interface) {
        return same_text(ours, theirs);
    }
    expected(call).is_some_and(|expected| expected == *interface)
}

/// arm-ffa keeps its registers to itself: only the characters that count can be compared.
fn same_text(ours: &ConsoleLog, theirs: &ConsoleLogChars) -> bool {
    let (width, bytes) = match theirs {
        ConsoleLogChars::Chars32(chars) => (Width::Bits32, chars.bytes()),
        ConsoleLogChars::Chars64(chars) => (Width::Bits64, chars.bytes()),
    };
    let text = ours.text().unwrap_or_default();
    ours.form().width() == width && usize::from(ours.count()) == bytes.len() && text == bytes
}

/// `None` for a call, or a value, that arm-ffa cannot say.
fn expected(call: &Call) -> Option<Interface> {
    Some(match *call {
        Call::Error(error) => Interface::Error {
            target_info: target(error.target),
            error_code: status(error.status)?,
            error_arg: error.argument,
            is_32bit: is_32bit(error.width),
        },
        Call::Success(success) => Interface::Success {
            target_info: target(success.target),
            args: results(success.results),
        },
        Call::Interrupt(call) => Interface::Interrupt {
            target_info: target(call.target),
            interrupt_id: call.interrupt,
            is_32bit: is_32bit(call.width),
        },
        Call::Version(call) => Interface::Version {
            input_version: version(call.version()?),
            flags: framework::version_flags(call.flags)?,
        },
        Call::Features(call) => {
            Interface::Features { feat_id: feature(call.query), input_properties: call.properties }
        }
        Call::RxAcquire(call) => Interface::RxAcquire { vm_id: call.endpoint.0 },
        Call::RxRelease(call) => Interface::RxRelease { vm_id: call.endpoint.0 },
        Call::RxtxMap(call) => {
            let (tx, rx) = (call.tx(), call.rx());
            let addr = match call.width() {
                Width::Bits32 => RxTxAddr::Addr32 { rx: rx as u32, tx: tx as u32 },
                Width::Bits64 => RxTxAddr::Addr64 { rx, tx },
            };
            Interface::RxTxMap { addr, page_cnt: call.pages().into() }
        }
        Call::RxtxUnmap(call) => Interface::RxTxUnmap { id: call.endpoint.0 },
        Call::PartitionInfoGet(call) => Interface::PartitionInfoGet {
            uuid: uuid(call.uuid),
            flags: PartitionInfoGetFlags { count_only: call.count_only() },
        },
        Call::PartitionInfoGetRegs(call) => Interface::PartitionInfoGetRegs {
            uuid: uuid(call.uuid),
            start_index: call.start,
            info_tag: call.tag,
        },
        Call::IdGet(_) => Interface::IdGet,
        Call::SpmIdGet(_) => Interface::SpmIdGet,
        Call::MessageWait(call) => Interface::MsgWait {
            flags: MsgWaitFlags { retain_rx_buffer: call.keeps_rx },
            is_32bit: is_32bit(call.width),
        },
        Call::Yield(call) => Interface::Yield { is_32bit: is_32bit(call.width) },
        Call::Run(call) => {
            Interface::Run { target_info: target(call.target), is_32bit: is_32bit(call.width) }
        }
        Call::NormalWorldResume(call) => {
            Interface::NormalWorldResume { is_32bit: is_32bit(call.width) }
        }
        Call::SecondaryEntryPointRegister(call) => {
            let entrypoint = match call.address {
                Argument::Bits32(address) => SecondaryEpRegisterAddr::Addr32(address),
                Argument::Bits64(address) => SecondaryEpRegisterAddr::Addr64(address),
            };
            Interface::SecondaryEpRegister { entrypoint }
        }
        Call::MessageSend2(call) => {
            let delay = call.delays_schedule_receiver_interrupt;
            let flags = MsgSend2Flags { delay_schedule_receiver: delay };
            Interface::MsgSend2 { sender_vm_id: call.sender.0, flags }
        }
        Call::DirectRequest(call) => Interface::MsgSendDirectReq {
            src_id: call.sender.0,
            dst_id: call.receiver.0,
            args: framework::request(&call.message)?,
        },
        Call::DirectResponse(call) => Interface::MsgSendDirectResp {
            src_id: call.sender.0,
            dst_id: call.receiver.0,
            args: framework::response(&call.message)?,
        },
        Call::DirectRequest2(call) => Interface::MsgSendDirectReq2 {
            src_id: call.sender.0,
            dst_id: call.receiver.0,
            uuid: uuid(call.uuid),
            args: DirectMsg2Args(call.payload),
        },
        Call::DirectResponse2(call) => Interface::MsgSendDirectResp2 {
            src_id: call.sender.0,
            dst_id: call.receiver.0,
            args: DirectMsg2Args(call.payload),
        },
        _ => return memory_or_notification(call),
    })
}

fn memory_or_notification(call: &Call) -> Option<Interface> {
    Some(match *call {
        Call::MemDonate(call) => {
            let (total_len, frag_len) = (call.total_length, call.fragment_length);
            Interface::MemDonate { total_len, frag_len, buf: buffer(call.buffer) }
        }
        Call::MemLend(call) => {
            let (total_len, frag_len) = (call.total_length, call.fragment_length);
            Interface::MemLend { total_len, frag_len, buf: buffer(call.buffer) }
        }
        Call::MemShare(call) => {
            let (total_len, frag_len) = (call.total_length, call.fragment_length);
            Interface::MemShare { total_len, frag_len, buf: buffer(call.buffer) }
        }
        Call::MemRetrieveReq(call) => {
            let (total_len, frag_len) = (call.total_length, call.fragment_length);
            Interface::MemRetrieveReq { total_len, frag_len, buf: buffer(call.buffer) }
        }
        Call::MemRetrieveResp(call) => Interface::MemRetrieveResp {
            total_len: call.total_length,
            frag_len: call.fragment_length,
        },
        Call::MemRelinquish(_) => Interface::MemRelinquish,
        Call::MemReclaim(call) => Interface::MemReclaim {
            handle: handle(call.handle),
            flags: TheirReclaimFlags {
                zero_memory: call.flags.contains(MemReclaimFlags::ZERO_MEMORY),
                time_slicing: call.flags.contains(MemReclaimFlags::TIME_SLICE),
            },
        },
        Call::MemPermGet(call) => Interface::MemPermGet {
            addr: address(call.address),
            page_cnt: call.further_pages.checked_add(1)?,
        },
        Call::MemPermSet(MemPermSet { address: first, pages, permissions }) => {
            Interface::MemPermSet {
                addr: address(first),
                page_cnt: pages,
                mem_perm: page_permissions(permissions)?,
            }
        }
        Call::MemOpPause(call) => Interface::MemOpPause { handle: handle(call.handle) },
        Call::MemOpResume(call) => Interface::MemOpResume { handle: handle(call.handle) },
        Call::MemFragRx(call) => Interface::MemFragRx {
            handle: handle(call.handle),
            frag_offset: call.offset,
            endpoint_id: call.endpoint.0,
        },
        Call::MemFragTx(call) => Interface::MemFragTx {
            handle: handle(call.handle),
            frag_len: call.length,
            endpoint_id: call.endpoint.0,
        },
        Call::NotificationBitmapCreate(call) => {
            Interface::NotificationBitmapCreate { vm_id: call.endpoint.0, vcpu_cnt: call.vcpus }
        }
        Call::NotificationBitmapDestroy(call) => {
            Interface::NotificationBitmapDestroy { vm_id: call.endpoint.0 }
        }
        Call::NotificationBind(call) => Interface::NotificationBind {
            sender_id: call.sender.0,
            receiver_id: call.receiver.0,
            flags: TheirBindFlags {
                per_vcpu_notification: call.flags.contains(NotificationBindFlags::PER_VCPU),
            },
            bitmap: call.notifications.0,
        },
        Call::NotificationUnbind(call) => Interface::NotificationUnbind {
            sender_id: call.sender.0,
            receiver_id: call.receiver.0,
            bitmap: call.notifications.0,
        },
        Call::NotificationSet(call) => Interface::NotificationSet {
            sender_id: call.sender.0,
            receiver_id: call.receiver.0,
            flags: set_flags(&call),
            bitmap: call.notifications.0,
        },
        Call::NotificationGet(call) => Interface::NotificationGet {
            vcpu_id: call.vcpu,
            endpoint_id: call.receiver.0,
            flags: get_flags(call.flags),
        },
        Call::NotificationInfoGet(call) => {
            Interface::NotificationInfoGet { is_32bit: is_32bit(call.width) }
        }
        Call::El3InterruptHandle(_) => Interface::El3IntrHandle,
        _ => return None,
    })
}

pub(crate) fn get_flags(flags: NotificationGetFlags) -> TheirGetFlags {
    TheirGetFlags {
        sp_bitmap_id: flags.contains(NotificationGetFlags::SECURE_PARTITIONS),
        vm_bitmap_id: flags.contains(NotificationGetFlags::VMS),
        spm_bitmap_id: flags.contains(NotificationGetFlags::SPM_FRAMEWORK),
        hyp_bitmap_id: flags.contains(NotificationGetFlags::HYPERVISOR_FRAMEWORK),
    }
}

fn set_flags(call: &NotificationSet) -> TheirSetFlags {
    let delay = NotificationSetFlags::DELAY_SCHEDULE_RECEIVER_INTERRUPT;
    TheirSetFlags { delay_schedule_receiver: call.flags.contains(delay), vcpu_id: call.vcpu }
}

fn is_32bit(width: Width) -> bool {
    width == Width::Bits32
}

pub(crate) fn version(version: Version) -> TheirVersion {
    TheirVersion(version.parts().major, version.parts().minor)
}

pub(crate) fn uuid(uuid: Uuid) -> TheirUuid {
    TheirUuid::from_bytes(uuid.0)
}

pub(crate) fn handle(handle: MemoryHandle) -> Handle {
    Handle(handle.0)
}

fn target(target: Target) -> TargetInfo {
    TargetInfo { endpoint_id: target.endpoint.0, vcpu_id: target.vcpu }
}

pub(crate) fn status(status: Status) -> Option<TheirError> {
    Some(match status {
        Status::NOT_SUPPORTED => TheirError::NotSupported,
        Status::INVALID_PARAMETERS => TheirError::InvalidParameters,
        Status::NO_MEMORY => TheirError::NoMemory,
        Status::BUSY => TheirError::Busy,
        Status::INTERRUPTED => TheirError::Interrupted,
        Status::DENIED => TheirError::Denied,
        Status::RETRY => TheirError::Retry,
        Status::ABORTED => TheirError::Aborted,
        Status::NO_DATA => TheirError::NoData,
        _ => return None,
    })
}

fn results(results: SuccessResults) -> SuccessArgs {
    match results {
        Payload::Words(words) => SuccessArgs::Args32(words),
        Payload::Extended(words) => SuccessArgs::Args64(words),
        Payload::DoubleWords(words) => {
            SuccessArgs::Args64(std::array::from_fn(|index| words.get(index).map_or(0, |w| *w)))
        }
    }
}

fn feature(query: FeatureQuery) -> TheirFeature {
    use arm_ffa::interface_args::FeatureId;
    match query {
        FeatureQuery::Function(id) => match FuncId::try_from(id.bits()) {
            Ok(id) => TheirFeature::FuncId(id),
            Err(_) => TheirFeature::Unknown(id.bits()),
        },
        FeatureQuery::Feature(Feature::NOTIFICATION_PENDING_INTERRUPT) => {
            TheirFeature::FeatureId(FeatureId::NotificationPendingInterrupt)
        }
        FeatureQuery::Feature(Feature::SCHEDULE_RECEIVER_INTERRUPT) => {
            TheirFeature::FeatureId(FeatureId::ScheduleReceiverInterrupt)
        }
        FeatureQuery::Feature(Feature::MANAGED_EXIT_INTERRUPT) => {
            TheirFeature::FeatureId(FeatureId::ManagedExitInterrupt)
        }
        FeatureQuery::Feature(Feature(id)) | FeatureQuery::ForeignFunction(id) => {
            TheirFeature::Unknown(id)
        }
    }
}

fn buffer(buffer: TransactionBuffer) -> Option<MemOpBuf> {
    match buffer {
        TransactionBuffer::Tx(_) => None,
        TransactionBuffer::Own32 { address, pages } => {
            Some(MemOpBuf::Buf32 { addr: address.get(), page_cnt: pages })
        }
        TransactionBuffer::Own64 { address, pages } => {
            Some(MemOpBuf::Buf64 { addr: address.get(), page_cnt: pages })
        }
    }
}

fn address(address: Argument) -> MemAddr {
    match address {
        Argument::Bits32(address) => MemAddr::Addr32(address),
        Argument::Bits64(address) => MemAddr::Addr64(address),
    }
}

pub(crate) fn page_permissions(permissions: PagePermissions) -> Option<MemPermissionsGetSet> {
    let data_access = match permissions.data()? {
        PageDataAccess::None => DataAccessPermGetSet::NoAccess,
        PageDataAccess::ReadWrite => DataAccessPermGetSet::ReadWrite,
        PageDataAccess::ReadOnly => DataAccessPermGetSet::ReadOnly,
    };
    let instr_access = if permissions.is_executable() {
        InstructionAccessPermGetSet::Executable
    } else {
        InstructionAccessPermGetSet::NonExecutable
    };
    Some(MemPermissionsGetSet { data_access, instr_access })
}
