//! `FFA_MSG_SEND2`, both ways.

use ffa_abi::{
    Empty, EndpointId, FrameworkNotifications, MessageHeader, MessageSend2, PartitionProperties,
    Status, Version,
};

use super::Service;
use crate::content::{Digest, pattern};
use crate::mailbox::{Buffer, RxOwner};
use crate::partition::{Inbox, Received};
use crate::world::{NotMemory, World};

/// The longest header.
const HEADER: usize = 40;

/// How many bytes are copied at a time.
const CHUNK: usize = 256;

/// Bytes of a partition's RX buffer.
const PARTITION_RX: u64 = 0x1000;

impl Service<'_> {
    /// From a VM, or the hypervisor, to a partition.
    pub(super) fn send(&mut self, call: MessageSend2) -> Result<Empty, Status> {
        let (world, version) = (self.world, self.version());
        let vm = self.vm(call.sender).ok_or(Status::DENIED)?;
        let tx = vm.mailbox.as_ref().ok_or(Status::DENIED)?.tx;
        let mut bytes = [0; HEADER];
        tx.read(world, 0, &mut bytes).map_err(|_| Status::ABORTED)?;
        let size = usize::try_from(tx.size()).unwrap_or(usize::MAX);
        let parsed = MessageHeader::parse(&bytes, size, version);
        let (header, place) = parsed.map_err(|_| Status::INVALID_PARAMETERS)?;
        if header.sender != call.sender || call.delays_schedule_receiver_interrupt {
            return Err(Status::INVALID_PARAMETERS);
        }
        self.check_inbox(header.receiver, place.end as u64)?;
        let (at, length) = (place.start as u64, place.len() as u64);
        let digest = digest_of(&tx, at..at + length, self)?;
        let size = u32::try_from(length).map_err(|_| Status::INVALID_PARAMETERS)?;
        let receiver = self.partition(header.receiver).ok_or(Status::INVALID_PARAMETERS)?;
        let message = Some(Received { header, size, digest: digest.value() });
        receiver.inbox = Inbox { message, is_full: true };
        receiver.receiver.set_framework(FrameworkNotifications::RX_BUFFER_FULL);
        self.interrupt_scheduler(false);
        Ok(Empty)
    }

    /// Whether a partition can take a message that ends with byte `end` of TX.
    fn check_inbox(&mut self, receiver: EndpointId, end: u64) -> Result<(), Status> {
        let receiver = self.partition(receiver).ok_or(Status::INVALID_PARAMETERS)?;
        if !receiver.info.properties().contains(PartitionProperties::INDIRECT_MESSAGES) {
            return Err(Status::DENIED);
        }
        if receiver.inbox.is_full {
            return Err(Status::BUSY);
        }
        if end > PARTITION_RX { Err(Status::NO_MEMORY) } else { Ok(()) }
    }

    /// From a partition to a VM: `size` bytes that count up from `first`.
    pub(super) fn send_to_vm(
        &mut self,
        sender: EndpointId,
        receiver: EndpointId,
        size: u32,
        first: u8,
    ) -> Result<(), Status> {
        let version = self.version();
        if receiver.is_secure() || receiver == EndpointId::HYPERVISOR || size == 0 {
            return Err(Status::INVALID_PARAMETERS);
        }
        let rx = self.vm(receiver).ok_or(Status::INVALID_PARAMETERS)?.free_mailbox()?.rx;
        let offset = MessageHeader::size(version);
        if u64::from(offset) + u64::from(size) > rx.size() {
            return Err(Status::NO_MEMORY);
        }
        let header = header(sender, receiver, size, version);
        let header = header.iter().copied().zip(0..offset).map(|(byte, _)| byte);
        let message = header.chain(pattern(first).zip(0..size).map(|(byte, _)| byte));
        write_all(&rx, self.world, message).map_err(|_| Status::ABORTED)?;
        let vm = self.vm(receiver).ok_or(Status::INVALID_PARAMETERS)?;
        vm.free_mailbox()?.rx_owner = RxOwner::Endpoint;
        vm.receiver.set_framework(FrameworkNotifications::RX_BUFFER_FULL);
        Ok(())
    }
}

/// What is told of a payload that lies in TX.
fn digest_of(
    tx: &Buffer,
    place: core::ops::Range<u64>,
    service: &Service<'_>,
) -> Result<Digest, Status> {
    let mut digest = Digest::EMPTY;
    for at in place.clone().step_by(CHUNK) {
        let mut chunk = [0; CHUNK];
        let length = usize::try_from(place.end - at).unwrap_or(CHUNK).min(CHUNK);
        let chunk = chunk.get_mut(..length).ok_or(Status::ABORTED)?;
        tx.read(service.world, at, chunk).map_err(|_| Status::ABORTED)?;
        digest = digest.with(chunk);
    }
    Ok(digest)
}

/// Writes bytes to the start of RX, piece by piece.
fn write_all(
    rx: &Buffer,
    world: &dyn World,
    bytes: impl Iterator<Item = u8>,
) -> Result<(), NotMemory> {
    let (mut bytes, mut offset) = (bytes, 0);
    loop {
        let mut chunk = [0; CHUNK];
        let filled = chunk.iter_mut().zip(&mut bytes).map(|(slot, byte)| *slot = byte).count();
        let Some(piece @ [_, ..]) = chunk.get(..filled) else { return Ok(()) };
        rx.write(world, offset, piece)?;
        offset += filled as u64;
    }
}

/// The header of a message without a UUID, written by hand: what reads it is a second opinion.
fn header(sender: EndpointId, receiver: EndpointId, size: u32, version: Version) -> [u8; HEADER] {
    let fields = [
        (8, MessageHeader::size(version)),
        (12, u32::from(sender.0) << 16 | u32::from(receiver.0)),
        (16, size),
    ];
    let mut bytes = [0; HEADER];
    for (at, value) in fields {
        let field = bytes.iter_mut().skip(at);
        field.zip(value.to_le_bytes()).for_each(|(slot, byte)| *slot = byte);
    }
    bytes
}
