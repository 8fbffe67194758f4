//! `FFA_MSG_SEND2` from VM to VM: a message from one TX buffer into another's RX buffer.
//!
//! The header is fetched once and checked; the payload goes from buffer to buffer without a look.
//! Neither VM's lock is held meanwhile, nor ever both.

use ffa_abi::{
    Empty, FrameworkNotifications, MessageHeader, MessageSend2, PartitionProperties, Version,
};
use ffa_rcu::Backend;

use crate::handler::Handler;
use crate::host::Host;
use crate::mailbox::TxReader;
use crate::mediator::Context;
use crate::refusal::Refusal;

/// The longer one of the headers, of 1.2.
const LONGEST_HEADER: usize = 40;

impl<H: Host, B: Backend> Handler<'_, '_, H, B> {
    pub(crate) fn message_send2(
        &self,
        call: MessageSend2,
        version: Version,
    ) -> Result<Empty, Refusal> {
        self.check_own(call.sender)?;
        let tx = self.vm.mailbox.begin_send()?;
        let (header, place) = read_header(&tx, version)?;
        if header.sender != self.vm.id().into() {
            return Err(Refusal::WrongEndpoint);
        }
        let receiver = self.partner(header.receiver)?;
        check_protocol(&header, receiver)?;
        self.deliver(receiver, &header, &tx, place.start, place.len())?;
        Ok(Empty)
    }

    /// Writes header and payload, hands RX over, and tells the receiver.
    fn deliver(
        &self,
        receiver: &Context<H>,
        header: &MessageHeader,
        tx: &TxReader<'_, H::Buffer>,
        offset: usize,
        size: usize,
    ) -> Result<(), Refusal> {
        let version = receiver.version().ok_or(Refusal::WrongEndpoint)?;
        let mut rx = receiver.mailbox.begin_write()?;
        let mut bytes = [0; LONGEST_HEADER];
        let header_size = MessageHeader::size(version) as usize;
        if size > rx.size().saturating_sub(header_size) {
            return Err(Refusal::MessageTooLarge);
        }
        header.write_alone(&mut bytes, version, size).map_err(|_| Refusal::BadMessage)?;
        rx.write(0, bytes.get(..header_size).ok_or(Refusal::HostFault)?)?;
        rx.copy(header_size, tx, offset, size)?;
        rx.finish();
        self.mediator.notify(receiver, FrameworkNotifications::RX_BUFFER_FULL);
        Ok(())
    }
}

/// The header at the start of TX, fetched once, and where the payload is.
fn read_header<B: crate::host::Buffer>(
    tx: &TxReader<'_, B>,
    version: Version,
) -> Result<(MessageHeader, core::ops::Range<usize>), Refusal> {
    let mut bytes = [0; LONGEST_HEADER];
    let bytes = bytes.get_mut(..MessageHeader::size(version) as usize).ok_or(Refusal::HostFault)?;
    tx.read(0, bytes)?;
    MessageHeader::parse(bytes, tx.size(), version).map_err(|_| Refusal::BadMessage)
}

/// A receiver that declares indirect messages takes those of its own protocol, and those of none.
fn check_protocol<B: crate::host::Buffer>(
    header: &MessageHeader,
    receiver: &crate::vm::Vm<B>,
) -> Result<(), Refusal> {
    if !receiver.offers(PartitionProperties::INDIRECT_MESSAGES) {
        return Err(Refusal::NotReceiver);
    }
    let fits = header.uuid.is_nil() || header.uuid == receiver.uuid();
    if fits { Ok(()) } else { Err(Refusal::WrongProtocol) }
}
