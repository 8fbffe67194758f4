//! A call: registers in, a typed request out, and back.

use core::fmt;

use crate::calls::abort::Abort;
use crate::calls::console_log::ConsoleLog;
use crate::calls::direct_message::{DirectRequest, DirectResponse};
use crate::calls::direct_message2::{DirectRequest2, DirectResponse2};
use crate::calls::el3_interrupt_handle::El3InterruptHandle;
use crate::calls::error_and_success::{FfaError, FfaSuccess};
use crate::calls::features::Features;
use crate::calls::id_get::{IdGet, SpmIdGet};
use crate::calls::mem_frag::{MemFragRx, MemFragTx};
use crate::calls::mem_op::{MemOpPause, MemOpResume};
use crate::calls::mem_perm::{MemPermGet, MemPermSet};
use crate::calls::mem_release::{MemReclaim, MemRelinquish};
use crate::calls::mem_retrieve_resp::MemRetrieveResp;
use crate::calls::mem_transaction::{MemDonate, MemLend, MemRetrieveReq, MemShare};
use crate::calls::message_send::{MessageSend, MessageSend2};
use crate::calls::message_wait::{MessagePoll, MessageWait};
use crate::calls::non_secure_resource_info::NonSecureResourceInfoGet;
use crate::calls::notification_bind::{NotificationBind, NotificationUnbind};
use crate::calls::notification_bitmap::{NotificationBitmapCreate, NotificationBitmapDestroy};
use crate::calls::notification_get::NotificationGet;
use crate::calls::notification_info_get::NotificationInfoGet;
use crate::calls::notification_set::NotificationSet;
use crate::calls::partition_info_get::PartitionInfoGet;
use crate::calls::partition_info_get_regs::PartitionInfoGetRegs;
use crate::calls::rx_ownership::{RxAcquire, RxRelease};
use crate::calls::rxtx_map::{RxtxMap, RxtxUnmap};
use crate::calls::scheduling::{Interrupt, NormalWorldResume, Run, Yield};
use crate::calls::secondary_entry_point::SecondaryEntryPointRegister;
use crate::calls::version::GetVersion;
use crate::function::FunctionId;
use crate::regs::Regs;
use crate::reply::{CallError, Reply};
use crate::status::Status;
use crate::version::Version;

/// One kind of call: what its registers mean, on both sides.
pub trait Request: Sized + fmt::Display {
    /// What answers it.
    type Reply: Reply;

    /// The registers that make this call.
    ///
    /// They say all that the value says. That the callee's version has it is for who makes the value:
    /// fields that came later, and 64-bit forms, say since when they are.
    #[must_use]
    fn encode(&self) -> Regs;

    /// The call that the registers make, for a caller that speaks `version`.
    ///
    /// `function` is the id in w0, already checked to be one of this call's.
    ///
    /// Those of this crate are inlined always, and read registers straight into the value that they
    /// return: a value that is built in one place and copied into a [`Call`] is read back before the
    /// stores have settled, which takes several times as long as decoding does.
    ///
    /// # Errors
    /// [`DecodeError::Reserved`] where a field that must be zero is not.
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError>;

    /// What the registers after the call say, between sides that speak `version`.
    ///
    /// # Errors
    /// The callee's `FFA_ERROR`, or registers that are no reply to this call.
    fn reply(&self, regs: &Regs, version: Version) -> Result<Self::Reply, CallError> {
        Self::Reply::read(regs, version)
    }
}

/// Why registers are no call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// w0 holds no id of FF-A's range: the call is for somebody else.
    NotFfa,
    /// An id of FF-A's range that this crate has no type for.
    Unknown(FunctionId),
    /// The caller's version has no such call, or has it no more.
    NotInVersion {
        /// The call.
        function: FunctionId,
        /// The caller's version.
        version: Version,
    },
    /// A field that must be zero is not.
    Reserved {
        /// The call.
        function: FunctionId,
        /// The field, as the specification writes it.
        field: &'static str,
    },
}

macro_rules! calls {
    ($($variant:ident($request:ty) = $($id:ident)|+;)*) => {
        /// A call that this crate has a type for.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[non_exhaustive]
        pub enum Call {
            $(#[doc = concat!("[`", stringify!($request), "`]")] $variant($request),)*
        }

        impl Call {
            /// The call that the registers make, for a caller that speaks `version`.
            ///
            /// Bits 63:32 of x0 are ignored.
            ///
            /// # Errors
            /// See [`DecodeError`]. Nothing that a register can hold panics.
            pub fn decode(regs: &Regs, version: Version) -> Result<Call, DecodeError> {
                let function = FunctionId::from_bits(regs.w(0)).ok_or(DecodeError::NotFfa)?;
                match function {
                    // One arm for each id, where its versions are constants: a look at the table of
                    // ids takes as long as the rest.
                    $($(FunctionId::$id if const { FunctionId::$id.row() }.exists_in(version) => {
                        let request = <$request as Request>::decode(FunctionId::$id, regs, version);
                        Ok(Call::$variant(request?))
                    })*)*
                    _ => Err(absence(function, version)),
                }
            }

            /// The same, where w0 was read before: it holds `function`. Whether `version` has that is
            /// not looked at: [`FunctionId::exists_in`] tells.
            ///
            /// # Errors
            /// See [`DecodeError`].
            #[inline]
            pub fn decode_as(
                function: FunctionId,
                regs: &Regs,
                version: Version,
            ) -> Result<Call, DecodeError> {
                match function {
                    $($(FunctionId::$id)|+ => {
                        Ok(Call::$variant(<$request as Request>::decode(function, regs, version)?))
                    })*
                    _ => Err(DecodeError::Unknown(function)),
                }
            }

            /// The registers that make this call.
            #[must_use]
            pub fn encode(&self) -> Regs {
                match self {
                    $(Call::$variant(request) => request.encode(),)*
                }
            }
        }

        impl fmt::Display for DisplayReply<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.call {
                    $(Call::$variant(request) => show(f, &request.reply(self.regs, self.version)),)*
                }
            }
        }

        impl fmt::Display for Call {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Call::$variant(request) => fmt::Display::fmt(request, f),)*
                }
            }
        }
    };
}

calls! {
    Error(FfaError) = ERROR_32 | ERROR_64;
    Success(FfaSuccess) = SUCCESS_32 | SUCCESS_64;
    Interrupt(Interrupt) = INTERRUPT_32 | INTERRUPT_64;
    Version(GetVersion) = VERSION;
    Features(Features) = FEATURES;
    RxRelease(RxRelease) = RX_RELEASE;
    RxtxMap(RxtxMap) = RXTX_MAP_32 | RXTX_MAP_64;
    RxtxUnmap(RxtxUnmap) = RXTX_UNMAP;
    PartitionInfoGet(PartitionInfoGet) = PARTITION_INFO_GET;
    IdGet(IdGet) = ID_GET;
    MessagePoll(MessagePoll) = MSG_POLL;
    MessageWait(MessageWait) = MSG_WAIT_32 | MSG_WAIT_64;
    Yield(Yield) = YIELD_32 | YIELD_64;
    Run(Run) = RUN_32 | RUN_64;
    MessageSend(MessageSend) = MSG_SEND;
    DirectRequest(DirectRequest) = MSG_SEND_DIRECT_REQ_32 | MSG_SEND_DIRECT_REQ_64;
    DirectResponse(DirectResponse) = MSG_SEND_DIRECT_RESP_32 | MSG_SEND_DIRECT_RESP_64;
    MemDonate(MemDonate) = MEM_DONATE_32 | MEM_DONATE_64;
    MemLend(MemLend) = MEM_LEND_32 | MEM_LEND_64;
    MemShare(MemShare) = MEM_SHARE_32 | MEM_SHARE_64;
    MemRetrieveReq(MemRetrieveReq) = MEM_RETRIEVE_REQ_32 | MEM_RETRIEVE_REQ_64;
    MemRetrieveResp(MemRetrieveResp) = MEM_RETRIEVE_RESP;
    MemRelinquish(MemRelinquish) = MEM_RELINQUISH;
    MemReclaim(MemReclaim) = MEM_RECLAIM;
    MemOpPause(MemOpPause) = MEM_OP_PAUSE;
    MemOpResume(MemOpResume) = MEM_OP_RESUME;
    MemFragRx(MemFragRx) = MEM_FRAG_RX;
    MemFragTx(MemFragTx) = MEM_FRAG_TX;
    NormalWorldResume(NormalWorldResume) = NORMAL_WORLD_RESUME_32 | NORMAL_WORLD_RESUME_64;
    NotificationBitmapCreate(NotificationBitmapCreate) = NOTIFICATION_BITMAP_CREATE;
    NotificationBitmapDestroy(NotificationBitmapDestroy) = NOTIFICATION_BITMAP_DESTROY;
    NotificationBind(NotificationBind) = NOTIFICATION_BIND;
    NotificationUnbind(NotificationUnbind) = NOTIFICATION_UNBIND;
    NotificationSet(NotificationSet) = NOTIFICATION_SET;
    NotificationGet(NotificationGet) = NOTIFICATION_GET;
    NotificationInfoGet(NotificationInfoGet) = NOTIFICATION_INFO_GET_32 | NOTIFICATION_INFO_GET_64;
    RxAcquire(RxAcquire) = RX_ACQUIRE;
    SpmIdGet(SpmIdGet) = SPM_ID_GET;
    MessageSend2(MessageSend2) = MSG_SEND2;
    SecondaryEntryPointRegister(SecondaryEntryPointRegister) = SECONDARY_EP_REGISTER_32 | SECONDARY_EP_REGISTER_64;
    MemPermGet(MemPermGet) = MEM_PERM_GET_32 | MEM_PERM_GET_64;
    MemPermSet(MemPermSet) = MEM_PERM_SET_32 | MEM_PERM_SET_64;
    ConsoleLog(ConsoleLog) = CONSOLE_LOG_32 | CONSOLE_LOG_64;
    PartitionInfoGetRegs(PartitionInfoGetRegs) = PARTITION_INFO_GET_REGS;
    El3InterruptHandle(El3InterruptHandle) = EL3_INTR_HANDLE;
    DirectRequest2(DirectRequest2) = MSG_SEND_DIRECT_REQ2;
    DirectResponse2(DirectResponse2) = MSG_SEND_DIRECT_RESP2;
    NonSecureResourceInfoGet(NonSecureResourceInfoGet) = NS_RES_INFO_GET;
    Abort(Abort) = ABORT_32 | ABORT_64;
}

impl DecodeError {
    /// What such a call is answered with: `NOT_SUPPORTED`, or `INVALID_PARAMETERS` for a field.
    ///
    /// A call that is not FF-A's is not answered with `FFA_ERROR`: it is for somebody else.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            DecodeError::NotFfa | DecodeError::Unknown(_) | DecodeError::NotInVersion { .. } => {
                Status::NOT_SUPPORTED
            }
            DecodeError::Reserved { .. } => Status::INVALID_PARAMETERS,
        }
    }
}

/// Shows registers after a call as the reply to it.
pub struct DisplayReply<'c> {
    call: &'c Call,
    regs: &'c Regs,
    version: Version,
}

impl Call {
    /// The registers after this call, between sides that speak `version`, to be shown as its reply.
    ///
    /// ```
    /// use ffa_abi::{Call, IdGet, Request, Status, Version, write_error};
    /// let mut regs = IdGet.encode();
    /// write_error(&mut regs, Status::NOT_SUPPORTED);
    /// assert_eq!(Call::IdGet(IdGet).display_reply(&regs, Version::V1_2).to_string(), "ERROR NOT_SUPPORTED");
    /// ```
    #[must_use]
    pub fn display_reply<'c>(&'c self, regs: &'c Regs, version: Version) -> DisplayReply<'c> {
        DisplayReply { call: self, regs, version }
    }
}

fn show(f: &mut fmt::Formatter<'_>, reply: &Result<impl Reply, CallError>) -> fmt::Result {
    match reply {
        Ok(reply) => fmt::Display::fmt(reply, f),
        Err(CallError::Status(status)) => write!(f, "ERROR {status}"),
        Err(CallError::Reply(error)) => fmt::Display::fmt(error, f),
    }
}

/// Why `function` is no call in `version`.
#[cold]
fn absence(function: FunctionId, version: Version) -> DecodeError {
    match function.function() {
        Some(row) if !row.exists_in(version) => DecodeError::NotInVersion { function, version },
        _ => DecodeError::Unknown(function),
    }
}

/// Fails unless `value`, a field that must be zero, is.
pub(crate) fn must_be_zero(
    function: FunctionId,
    field: &'static str,
    value: impl Into<u64>,
) -> Result<(), DecodeError> {
    if value.into() == 0 { Ok(()) } else { Err(DecodeError::Reserved { function, field }) }
}

/// Registers that carry `function` in w0 and `arguments` from x1 on.
pub(crate) fn call_regs<const N: usize>(function: FunctionId, arguments: [u64; N]) -> Regs {
    let mut regs = Regs::ZERO;
    regs.set(0, function.bits());
    for (index, argument) in arguments.into_iter().enumerate() {
        regs.set(index + 1, argument);
    }
    regs
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::NotFfa => f.write_str("not an FF-A function id"),
            DecodeError::Unknown(function) => write!(f, "{function}: no call that is known here"),
            DecodeError::NotInVersion { function, version } => {
                write!(f, "{function}: not in FF-A {version}")
            }
            DecodeError::Reserved { function, field } => {
                write!(f, "{function}: {field} must be zero")
            }
        }
    }
}

impl core::error::Error for DecodeError {}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;
    use crate::function::FUNCTIONS;

    #[test]
    fn a_call_that_the_version_has_not_got_is_refused_before_its_fields() {
        for row in FUNCTIONS {
            let mut regs = Regs([u64::MAX; 18]);
            regs.set(0, row.id.bits());
            for version in [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3] {
                let refused = DecodeError::NotInVersion { function: row.id, version };
                let decoded = Call::decode(&regs, version);
                assert_eq!(decoded == Err(refused), !row.exists_in(version), "{row:?}");
            }
        }
    }

    #[test]
    fn each_refusal_has_its_words_and_its_status() {
        let decode = |w0: u64, w1: u64| {
            let mut regs = Regs::ZERO;
            regs.set(0, w0);
            regs.set(1, w1);
            Call::decode(&regs, Version::V1_2).unwrap_err()
        };
        for (w0, text, status) in [
            (0x8400_0000, "not an FF-A function id", Status::NOT_SUPPORTED),
            (0x8400_00ef, "FFA_0x840000ef: no call that is known here", Status::NOT_SUPPORTED),
            (0x8400_006a, "FFA_MSG_POLL: not in FF-A 1.2", Status::NOT_SUPPORTED),
            (0x8400_0067, "FFA_RXTX_UNMAP: w1[15:0] must be zero", Status::INVALID_PARAMETERS),
        ] {
            let error = decode(w0, 1);
            assert_eq!((error.to_string().as_str(), error.status()), (text, status));
        }
    }
}
