//! Reading the SPMC's partitions: through registers where it can, else through a buffer.

use alloc::vec::Vec;
use core::fmt;

use ffa_abi::{
    CallError, EndpointId, Features, FunctionId, MAX_RXTX_PAGES, PartitionInfo, PartitionInfoFlags,
    PartitionInfoGet, PartitionInfoGetRegs, RxRelease, RxtxMap, RxtxUnmap, Status, Uuid, Width,
};
use zerocopy::FromBytes;

use super::call;
use super::found::Found;
use crate::host::{Buffer, Host, Level, OutOfBounds, SpmcBuffers};
use crate::limits::Limits;

/// The hypervisor's own id, in calls about its own buffers.
const OURSELVES: EndpointId = EndpointId::HYPERVISOR;

/// Why the SPMC's partitions are not known.
#[derive(Debug)]
pub(super) enum ListError {
    Call(CallError),
    NoBuffers,
    BadBuffers,
    KeepsChanging,
    Unreadable,
    BadSize(u32),
    NoMemory,
}

/// The SPMC's partitions, in its order.
pub(super) fn list<H: Host>(host: &H, limits: Limits) -> Result<Vec<PartitionInfo>, ListError> {
    let mut found = Found::new(limits);
    if !by_registers(host, &mut found)? {
        found.clear();
        by_buffer(host, &mut found)?;
    }
    found.report(host);
    Ok(found.partitions)
}

/// Reads the list with `FFA_PARTITION_INFO_GET_REGS`; `false` where the SPMC has not got that, or
/// does it in a way that is not ours.
fn by_registers<H: Host>(host: &H, found: &mut Found) -> Result<bool, ListError> {
    if call(host, &Features::of(FunctionId::PARTITION_INFO_GET_REGS)).is_err() {
        return Ok(false);
    }
    for _ in 0..Limits::SECURE_LIST_ATTEMPTS {
        found.clear();
        match read_registers(host, found) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(ListError::Call(error)) => {
                let function = FunctionId::PARTITION_INFO_GET_REGS;
                host.log(Level::Warning, format_args!("FF-A: the SPMC's {function}: {error}"));
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
    }
    Err(ListError::KeepsChanging)
}

/// Reads the whole list once; `false` where it changed meanwhile.
fn read_registers<H: Host>(host: &H, found: &mut Found) -> Result<bool, ListError> {
    let mut request = PartitionInfoGetRegs { uuid: Uuid::NIL, start: 0, tag: 0 };
    loop {
        let reply = match call(host, &request) {
            Ok(reply) => reply,
            Err(CallError::Status(Status::RETRY)) => return Ok(false),
            Err(error) => return Err(ListError::Call(error)),
        };
        if request.start != 0 && reply.tag() != request.tag {
            return Ok(false);
        }
        for info in reply.descriptors() {
            found.add(*info)?;
        }
        // Each reply has one descriptor at least: this ends where `found` is full, or earlier.
        match reply.current().checked_add(1) {
            Some(next) if next <= reply.last() && !found.is_full() => {
                request.start = next;
                request.tag = reply.tag();
            }
            _ => return Ok(true),
        }
    }
}

/// Reads the list with `FFA_PARTITION_INFO_GET` through buffers of the host's, mapped meanwhile.
fn by_buffer<H: Host>(host: &H, found: &mut Found) -> Result<(), ListError> {
    let buffers = host.spmc_buffers().ok_or(ListError::NoBuffers)?;
    let SpmcBuffers { tx_address: tx, rx_address: rx, pages, .. } = buffers;
    let request = RxtxMap::new(Width::Bits64, tx, rx, pages).filter(|request| request.pages() != 0);
    if let Err(error) = map(host, request.ok_or(ListError::BadBuffers)?) {
        // An answer that is no answer may have mapped them all the same.
        if !matches!(error, CallError::Status(_)) {
            leak(host, buffers, error);
        }
        return Err(ListError::Call(error));
    }
    let outcome = read_buffer(host, &buffers, found);
    if let Err(error) = call(host, &RxtxUnmap { endpoint: OURSELVES }) {
        leak(host, buffers, error);
    }
    outcome
}

/// Maps the buffers. A boot stage before us may have left its own pair: those go.
fn map<H: Host>(host: &H, request: RxtxMap) -> Result<(), CallError> {
    match call(host, &request) {
        Err(CallError::Status(Status::DENIED)) => {
            call(host, &RxtxUnmap { endpoint: OURSELVES })?;
            call(host, &request).map(|_| ())
        }
        answer => answer.map(|_| ()),
    }
}

/// Gives buffers up that the SPMC may still write: the memory must never be used again.
fn leak<H: Host>(host: &H, buffers: SpmcBuffers<H::Buffer>, error: CallError) {
    host.log(Level::Warning, format_args!("FF-A: the SPMC keeps our RX/TX buffers: {error}"));
    core::mem::forget(buffers);
}

fn read_buffer<H: Host>(
    host: &H,
    buffers: &SpmcBuffers<H::Buffer>,
    found: &mut Found,
) -> Result<(), ListError> {
    let request = PartitionInfoGet { uuid: Uuid::NIL, flags: PartitionInfoFlags::empty() };
    let reply = call(host, &request)?;
    let outcome = read_records(&buffers.rx, reply.count, reply.descriptor_size, found);
    if let Err(error) = call(host, &RxRelease { endpoint: OURSELVES }) {
        host.log(Level::Warning, format_args!("FF-A: the SPMC keeps our RX buffer: {error}"));
    }
    outcome
}

/// Takes the first 24 bytes of each record: newer SPMCs write longer ones.
fn read_records<B: Buffer>(
    rx: &B,
    count: u32,
    size: u32,
    found: &mut Found,
) -> Result<(), ListError> {
    let mut bytes = [0; size_of::<PartitionInfo>()];
    let stride = usize::try_from(size).unwrap_or(0);
    if stride < bytes.len() {
        return Err(ListError::BadSize(size));
    }
    let room = u32::try_from(rx.size() / stride).unwrap_or(u32::MAX);
    let mut offset = 0;
    for _ in 0..count.min(room) {
        if found.is_full() {
            break;
        }
        rx.read(offset, &mut bytes)?;
        if let Ok(info) = PartitionInfo::read_from_bytes(&bytes) {
            found.add(info)?;
        }
        offset += stride;
    }
    found.left_out_by_buffer(count.saturating_sub(room));
    Ok(())
}

impl From<OutOfBounds> for ListError {
    fn from(_: OutOfBounds) -> Self {
        ListError::Unreadable
    }
}

impl From<CallError> for ListError {
    fn from(error: CallError) -> Self {
        ListError::Call(error)
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListError::Call(error) => fmt::Display::fmt(error, f),
            ListError::NoBuffers => f.write_str("the host gives no buffers for it"),
            ListError::BadBuffers => {
                write!(f, "the host's buffers have no page, or over {MAX_RXTX_PAGES}")
            }
            ListError::KeepsChanging => f.write_str("it changes while it is read"),
            ListError::Unreadable => f.write_str("the host cannot read its RX buffer"),
            ListError::BadSize(size) => write!(f, "descriptors of {size} bytes"),
            ListError::NoMemory => f.write_str("no memory"),
        }
    }
}
