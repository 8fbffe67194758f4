//! Why a guest's call is refused, and the one place where reasons become error codes.

use core::fmt;

use ffa_abi::{DecodeError, Status};
use ffa_rcu::{OutOfMemory, ReplaceError};

use crate::host::{MapError, OutOfBounds};

/// Why a guest's call is refused.
///
/// Says who is at fault and what for; the guest gets [`Refusal::status`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// No call of this caller: unknown, of another version or width, or not served.
    NotServed,
    /// No version was negotiated.
    NoVersion,
    /// The caller is no VM of this mediator, or is being destroyed.
    UnknownCaller,
    /// A register field holds what it may not.
    Malformed,
    /// An endpoint id that names nobody, or somebody else where only the caller is meant.
    WrongEndpoint,
    /// The buffers are not what buffers may be: count, alignment, overlap, or no RAM of the caller.
    BadBuffers,
    /// The caller has its buffers mapped already.
    AlreadyMapped,
    /// The caller has no buffers to unmap.
    NothingToUnmap,
    /// The TX buffer that the call needs is not mapped.
    TxNotMapped,
    /// A sibling vCPU's call sends from the TX buffer.
    TxBusy,
    /// The message in the TX buffer is not one.
    BadMessage,
    /// The message is for another protocol than the receiver's.
    WrongProtocol,
    /// The receiver does not take messages of this kind.
    NotReceiver,
    /// The receiver's RX buffer has no room for the message.
    MessageTooLarge,
    /// A notification is bound already.
    NotificationBound,
    /// A notification is not bound to this sender, or not in this way.
    NotificationNotBound,
    /// A notification is pending and cannot be unbound.
    NotificationPending,
    /// Nothing is pending.
    NoData,
    /// The RX buffer that the call needs is not mapped.
    RxNotMapped,
    /// The RX buffer is owned by the VM, or being filled by a sibling vCPU's call.
    RxBusy,
    /// The RX buffer cannot be unmapped while the VM owns it, or a sibling's call fills it.
    RxOwned,
    /// The VM does not own its RX buffer and cannot release it.
    RxNotOwned,
    /// The RX buffer has no room for the answer.
    RxTooSmall,
    /// The UUID matches no partition that the caller may see.
    UnknownUuid,
    /// An index beyond the list, or a tag with the first index.
    BadIndex,
    /// The list has changed since the tag was given.
    StaleTag,
    /// The mediator or the host has no memory for this now.
    NoMemory,
    /// The host's buffer is not as large as it was asked for.
    HostFault,
}

impl Refusal {
    /// What the guest is told.
    pub(crate) const fn status(self) -> Status {
        match self {
            Refusal::NotServed | Refusal::NoVersion | Refusal::UnknownCaller => {
                Status::NOT_SUPPORTED
            }
            Refusal::Malformed
            | Refusal::WrongEndpoint
            | Refusal::BadBuffers
            | Refusal::NothingToUnmap
            | Refusal::BadMessage
            | Refusal::WrongProtocol
            | Refusal::UnknownUuid
            | Refusal::BadIndex => Status::INVALID_PARAMETERS,
            Refusal::AlreadyMapped
            | Refusal::RxNotMapped
            | Refusal::TxNotMapped
            | Refusal::NotReceiver
            | Refusal::NotificationBound
            | Refusal::NotificationNotBound
            | Refusal::NotificationPending
            | Refusal::RxOwned
            | Refusal::RxNotOwned => Status::DENIED,
            Refusal::RxBusy | Refusal::TxBusy => Status::BUSY,
            Refusal::NoData => Status::NO_DATA,
            Refusal::RxTooSmall | Refusal::MessageTooLarge | Refusal::NoMemory => Status::NO_MEMORY,
            Refusal::StaleTag => Status::RETRY,
            Refusal::HostFault => Status::ABORTED,
        }
    }
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::NotFfa | DecodeError::Unknown(_) | DecodeError::NotInVersion { .. } => {
                Refusal::NotServed
            }
            DecodeError::Reserved { .. } => Refusal::Malformed,
        }
    }
}

impl From<MapError> for Refusal {
    fn from(error: MapError) -> Self {
        match error {
            MapError::NotMemory | MapError::InUse => Refusal::BadBuffers,
            MapError::NoMemory => Refusal::NoMemory,
        }
    }
}

impl From<OutOfBounds> for Refusal {
    fn from(_: OutOfBounds) -> Self {
        Refusal::HostFault
    }
}

impl From<OutOfMemory> for Refusal {
    fn from(_: OutOfMemory) -> Self {
        Refusal::NoMemory
    }
}

impl From<ReplaceError> for Refusal {
    /// A backlog of retired memory is a lack of memory to the guest that wants to join.
    fn from(_: ReplaceError) -> Self {
        Refusal::NoMemory
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({self:?})", self.status())
    }
}
