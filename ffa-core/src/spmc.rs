//! The secure world's side: is there an SPMC, and which partitions does it report?
//!
//! Everything that the SPMC answers is untrusted for shape: ids of the wrong kind, impossible counts
//! and sizes are left out, and the log says so.

use alloc::vec::Vec;
use core::fmt;

use ffa_abi::{
    CallError, EndpointId, Features, FunctionId, GetVersion, PartitionInfo, PartitionInfoFlags,
    PartitionInfoGet, PartitionInfoGetRegs, Regs, Request, RxRelease, RxtxMap, RxtxUnmap, SpmIdGet,
    Status, Uuid, Version, VersionReply, Width,
};
use ffa_rcu::OutOfMemory;
use zerocopy::FromBytes;

use crate::host::{Buffer, Host, Level, SpmcBuffers};
use crate::limits::Limits;
use crate::vm::OUR_VERSION;

/// The oldest SPMC that the mediator works with.
const OLDEST: Version = Version::V1_1;

/// The id of the SPMC where it does not tell.
const DEFAULT_ID: EndpointId = EndpointId(0x8000);

/// An SPMC that speaks a version that we speak.
pub(crate) struct Spmc {
    pub(crate) id: EndpointId,
}

/// What the secure world looked like when the mediator started.
#[derive(Default)]
pub(crate) struct Probe {
    pub(crate) spmc: Option<Spmc>,
    pub(crate) partitions: Vec<PartitionInfo>,
}

/// Why the SPMC's partitions are not known.
#[derive(Debug)]
enum ListError {
    Call(CallError),
    NoBuffers,
    KeepsChanging,
    BadSize(u32),
    NoMemory,
}

/// Asks the SPMC, if there is one, for its version, its id and its partitions.
pub(crate) fn probe<H: Host>(host: &H, limits: Limits) -> Result<Probe, OutOfMemory> {
    let Some(version) = negotiate(host) else { return Ok(Probe::default()) };
    let id = call(host, &SpmIdGet).map_or(DEFAULT_ID, |reply| reply.id);
    let partitions = match list(host, limits) {
        Ok(partitions) => partitions,
        Err(ListError::NoMemory) => return Err(OutOfMemory),
        Err(error) => {
            host.log(Level::Warning, format_args!("FF-A: no list of secure partitions: {error}"));
            Vec::new()
        }
    };
    let count = partitions.len();
    host.log(Level::Info, format_args!("FF-A: SPMC {id} speaks {version}, {count} partitions"));
    Ok(Probe { spmc: Some(Spmc { id }), partitions })
}

fn call<H: Host, R: Request>(host: &H, request: &R) -> Result<R::Reply, CallError> {
    let absent = CallError::Status(Status::NOT_SUPPORTED);
    let regs: Regs = host.spmc_call(&request.encode()).ok_or(absent)?;
    request.reply(&regs)
}

/// The version to speak with the SPMC; `None` where there is none, or none that we can work with.
fn negotiate<H: Host>(host: &H) -> Option<Version> {
    let Ok(VersionReply::Supported(theirs)) = call(host, &GetVersion::new(OUR_VERSION)) else {
        return None;
    };
    if theirs < OLDEST || !theirs.is_compatible_with(OUR_VERSION) {
        host.log(
            Level::Warning,
            format_args!("FF-A: the SPMC speaks {theirs}, which is not supported; ignored"),
        );
        return None;
    }
    if theirs < OUR_VERSION {
        // The caller, being newer, asks again for what both can speak.
        call(host, &GetVersion::new(theirs)).ok()?;
    }
    Some(theirs.min(OUR_VERSION))
}

fn list<H: Host>(host: &H, limits: Limits) -> Result<Vec<PartitionInfo>, ListError> {
    let mut found = Found::new(limits);
    if call(host, &Features::of(FunctionId::PARTITION_INFO_GET_REGS)).is_ok() {
        list_by_registers(host, &mut found)?;
    } else {
        list_by_buffer(host, &mut found)?;
    }
    found.report(host);
    Ok(found.partitions)
}

/// Reads the list with `FFA_PARTITION_INFO_GET_REGS`, from the start again when it changes.
fn list_by_registers<H: Host>(host: &H, found: &mut Found) -> Result<(), ListError> {
    for _ in 0..Limits::SECURE_LIST_ATTEMPTS {
        found.clear();
        if read_registers(host, found)? {
            return Ok(());
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
        // Indices grow with every reply, and end at 65535.
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
fn list_by_buffer<H: Host>(host: &H, found: &mut Found) -> Result<(), ListError> {
    let buffers = host.spmc_buffers().ok_or(ListError::NoBuffers)?;
    let SpmcBuffers { tx_address: tx, rx_address: rx, pages, .. } = buffers;
    call(host, &RxtxMap { width: Width::Bits64, tx, rx, pages })?;
    let outcome = read_buffer(host, &buffers, found);
    if let Err(error) = call(host, &RxtxUnmap { endpoint: EndpointId::HYPERVISOR }) {
        host.log(Level::Warning, format_args!("FF-A: the SPMC keeps our RX/TX buffers: {error}"));
        // It may still write them: the memory must not be used again.
        core::mem::forget(buffers);
    }
    outcome
}

fn read_buffer<H: Host>(
    host: &H,
    buffers: &SpmcBuffers<H::Buffer>,
    found: &mut Found,
) -> Result<(), ListError> {
    let request = PartitionInfoGet { uuid: Uuid::NIL, flags: PartitionInfoFlags::empty() };
    let reply = call(host, &request)?;
    let outcome = read_records(&buffers.rx, reply.count, reply.descriptor_size, found);
    call(host, &RxRelease { endpoint: EndpointId::HYPERVISOR })?;
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
        if rx.read(offset, &mut bytes).is_err() || found.is_full() {
            break;
        }
        if let Ok(info) = PartitionInfo::read_from_bytes(&bytes) {
            found.add(info)?;
        }
        offset += stride;
    }
    found.beyond_buffer = count.saturating_sub(room);
    Ok(())
}

/// The partitions that are taken, and what was left out.
struct Found {
    partitions: Vec<PartitionInfo>,
    limit: usize,
    not_secure: u32,
    over_limit: bool,
    beyond_buffer: u32,
}

impl Found {
    fn new(limits: Limits) -> Self {
        let limit = limits.secure_partitions.into();
        Found { partitions: Vec::new(), limit, not_secure: 0, over_limit: false, beyond_buffer: 0 }
    }

    fn clear(&mut self) {
        self.partitions.clear();
        self.not_secure = 0;
        self.over_limit = false;
    }

    fn is_full(&self) -> bool {
        self.over_limit
    }

    fn add(&mut self, info: PartitionInfo) -> Result<(), ListError> {
        if !info.id().is_secure() {
            self.not_secure = self.not_secure.saturating_add(1);
        } else if self.partitions.len() >= self.limit {
            self.over_limit = true;
        } else {
            self.partitions.try_reserve(1).map_err(|_| ListError::NoMemory)?;
            self.partitions.push(info);
        }
        Ok(())
    }

    fn report<H: Host>(&self, host: &H) {
        let Found { limit, not_secure, beyond_buffer, .. } = self;
        if *not_secure > 0 {
            let what = "with an id that is not secure (bit 15 clear)";
            host.log(Level::Warning, format_args!("FF-A: left out {not_secure} partitions {what}"));
        }
        if self.over_limit {
            let what = "Limits::secure_partitions";
            host.log(
                Level::Warning,
                format_args!("FF-A: left out partitions beyond {limit}, {what}"),
            );
        }
        if *beyond_buffer > 0 {
            let what = "that the RX buffer cannot hold";
            host.log(
                Level::Warning,
                format_args!("FF-A: left out {beyond_buffer} partitions {what}"),
            );
        }
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
            ListError::KeepsChanging => f.write_str("it changes while it is read"),
            ListError::BadSize(size) => write!(f, "descriptors of {size} bytes"),
            ListError::NoMemory => f.write_str("no memory"),
        }
    }
}
