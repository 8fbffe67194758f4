//! What arm-ffa should make of a direct message, by hand.

use arm_ffa::interface_args::{
    DirectMsgArgs, VersionFlags, VersionQueryType, VmAvailabilityStatus, WarmBootType,
};
use ffa_abi::{
    DirectMessage, DirectPayload, FrameworkContent, FrameworkMessage, MemoryHandle, Payload,
    PsciArguments, Status, VersionRequest, VersionResponse, WarmBoot, Width,
};

use crate::mapping::{handle, status, version};

/// In `FFA_MSG_SEND_DIRECT_REQ`; `None` where arm-ffa has no word for it.
pub(crate) fn request(message: &DirectMessage) -> Option<DirectMsgArgs> {
    let message = match message {
        DirectMessage::Partition(payload) => return Some(partition(payload)),
        DirectMessage::Framework(message) => message,
    };
    let content = message.content();
    if let FrameworkContent::PsciRequest(call) = content {
        return Some(match call.arguments {
            PsciArguments::Bits32([a, b, c]) => {
                DirectMsgArgs::PowerPsciReq32 { params: [call.function, a, b, c] }
            }
            PsciArguments::Bits64([a, b, c]) => {
                DirectMsgArgs::PowerPsciReq64 { params: [call.function.into(), a, b, c] }
            }
        });
    }
    is_narrow(message)?;
    Some(match content {
        FrameworkContent::WarmBoot(WarmBoot::SUSPEND_TO_RAM) => {
            DirectMsgArgs::PowerWarmBootReq { boot_type: WarmBootType::ExitFromSuspendToRam }
        }
        FrameworkContent::WarmBoot(WarmBoot::LOW_POWER) => {
            DirectMsgArgs::PowerWarmBootReq { boot_type: WarmBootType::ExitFromLowPower }
        }
        FrameworkContent::VmCreated(vm) => {
            DirectMsgArgs::VmCreated { handle: handle(MemoryHandle(vm.handle)), vm_id: vm.vm.0 }
        }
        FrameworkContent::VmDestroyed(vm) => {
            DirectMsgArgs::VmDestructed { handle: handle(MemoryHandle(vm.handle)), vm_id: vm.vm.0 }
        }
        FrameworkContent::VersionRequest(request) => {
            let flags = version_flags(request.flags)?;
            DirectMsgArgs::VersionReq { version: version(request.version()?), flags }
        }
        _ => return None,
    })
}

/// In `FFA_MSG_SEND_DIRECT_RESP`.
pub(crate) fn response(message: &DirectMessage) -> Option<DirectMsgArgs> {
    let message = match message {
        DirectMessage::Partition(payload) => return Some(partition(payload)),
        DirectMessage::Framework(message) => message,
    };
    is_narrow(message)?;
    Some(match message.content() {
        FrameworkContent::PsciResponse(psci_status) => DirectMsgArgs::PowerPsciResp { psci_status },
        FrameworkContent::VmCreatedResponse(answer) => {
            DirectMsgArgs::VmCreatedAck { sp_status: acknowledgement(answer)? }
        }
        FrameworkContent::VmDestroyedResponse(answer) => {
            DirectMsgArgs::VmDestructedAck { sp_status: acknowledgement(answer)? }
        }
        FrameworkContent::VersionResponse(VersionResponse { w3: u32::MAX }) => {
            DirectMsgArgs::VersionResp { version: None }
        }
        FrameworkContent::VersionResponse(response) => {
            DirectMsgArgs::VersionResp { version: Some(version(response.version()?)) }
        }
        _ => return None,
    })
}

/// arm-ffa always has x3..x17 in the 64-bit form.
fn partition(payload: &DirectPayload) -> DirectMsgArgs {
    match payload {
        Payload::Words(words) => DirectMsgArgs::Args32(*words),
        wide => DirectMsgArgs::Args64(std::array::from_fn(|index| wide.value(index))),
    }
}

fn is_narrow(message: &FrameworkMessage) -> Option<()> {
    (message.payload.width() == Width::Bits32).then_some(())
}

/// w2 of `FFA_VERSION`, w4 of the message that hands it on.
pub(crate) fn version_flags(flags: u32) -> Option<VersionFlags> {
    let query_type = match flags {
        0 => VersionQueryType::Negotiate,
        1 => VersionQueryType::QueryCompatibility,
        2 => VersionQueryType::QueryNegotiated,
        _ => return None,
    };
    Some(VersionFlags { query_type })
}

fn acknowledgement(answer: Result<(), Status>) -> Option<VmAvailabilityStatus> {
    match answer {
        Ok(()) => Some(VmAvailabilityStatus::Success),
        Err(code) => Some(VmAvailabilityStatus::Error(status(code)?)),
    }
}

/// The flags of a version request that both know; for who explains a refusal.
pub(crate) fn is_odd_version(request: VersionRequest) -> bool {
    request.version().is_none() || version_flags(request.flags).is_none()
}
