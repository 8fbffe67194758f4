//! `FFA_PARTITION_INFO_GET` and `FFA_PARTITION_INFO_GET_REGS`: from one view, to one answer.

use ffa_abi::{
    PartitionInfo, PartitionInfoGet, PartitionInfoGetRegs, PartitionInfoGetRegsReply,
    PartitionInfoGetReply, Uuid, Version, partition_descriptor_size,
};
use zerocopy::IntoBytes;

use crate::directory::View;
use crate::host::Buffer;
use crate::listing::Listing;
use crate::mailbox::{Mailbox, RxWriter};
use crate::refusal::Refusal;

/// The highest start index that `FFA_PARTITION_INFO_GET_REGS` takes: five more still have indices.
const LAST_START: u16 = 0xfffb;

/// Answers `FFA_PARTITION_INFO_GET`: count, or list in RX.
#[inline]
pub(crate) fn partition_info_get<B: Buffer>(
    call: PartitionInfoGet,
    view: &View<'_>,
    mailbox: &Mailbox<B>,
) -> Result<PartitionInfoGetReply, Refusal> {
    let everybody = call.uuid.is_nil();
    let count = view.count(call.uuid);
    if count == 0 && !everybody {
        return Err(Refusal::UnknownUuid);
    }
    let answered = u32::try_from(count).map_err(|_| Refusal::RxTooSmall)?;
    if call.count_only() {
        return Ok(PartitionInfoGetReply::counted(answered));
    }
    let mut rx = mailbox.begin_write()?;
    if count > rx.size() / partition_descriptor_size(view.version()) {
        return Err(Refusal::RxTooSmall);
    }
    if everybody {
        view.copy(|offset, bytes| rx.write(offset, bytes))?;
    } else {
        write_matching(view, call.uuid, &mut rx)?;
    }
    rx.finish();
    Ok(PartitionInfoGetReply::listed(answered, view.version()))
}

fn write_matching<B: Buffer>(
    view: &View<'_>,
    uuid: Uuid,
    rx: &mut RxWriter<'_, B>,
) -> Result<(), Refusal> {
    let mut offset = 0;
    for info in view.matching(uuid) {
        offset += write_one(info, view.version(), offset, rx)?;
    }
    Ok(())
}

fn write_one<B: Buffer>(
    info: PartitionInfo,
    version: Version,
    offset: usize,
    rx: &mut RxWriter<'_, B>,
) -> Result<usize, Refusal> {
    let old = info.to_1_0();
    let bytes = if version < Version::V1_1 { old.as_bytes() } else { info.as_bytes() };
    rx.write(offset, bytes)?;
    Ok(bytes.len())
}

/// Answers `FFA_PARTITION_INFO_GET_REGS`.
pub(crate) fn partition_info_get_regs(
    call: PartitionInfoGetRegs,
    view: &View<'_>,
    listing: &Listing,
) -> Result<PartitionInfoGetRegsReply, Refusal> {
    let PartitionInfoGetRegs { uuid, start, tag } = call;
    if start > LAST_START || (start == 0 && tag != 0) {
        return Err(Refusal::BadIndex);
    }
    let tag = if start == 0 {
        listing.begin(view.state())
    } else if listing.goes_on(view.state(), tag) {
        tag
    } else {
        // Before the index: a list that became shorter is a stale one, not a wrong call.
        return Err(Refusal::StaleTag);
    };
    let index = usize::from(start);
    let count = view.count(uuid);
    let reply = if uuid.is_nil() {
        PartitionInfoGetRegsReply::from_runs(start, count, tag, view.runs_from(index))
    } else {
        PartitionInfoGetRegsReply::new(start, count, tag, view.matching(uuid).skip(index))
    };
    reply.ok_or(Refusal::BadIndex)
}
