//! The secure world's side: is there an SPMC, and which partitions does it report?
//!
//! Everything that the SPMC answers is untrusted for shape: ids of the wrong kind, impossible counts
//! and sizes are left out, and the log says so.

mod found;
mod partitions;

use alloc::vec::Vec;

use ffa_abi::{
    CallError, EndpointId, GetVersion, PartitionInfo, Request, SpmIdGet, Status, Version,
    VersionReply,
};
use ffa_rcu::OutOfMemory;

use crate::host::{Host, Level};
use crate::limits::Limits;
use crate::vm::OUR_VERSION;
use partitions::ListError;

/// The oldest SPMC that the mediator works with.
const OLDEST: Version = Version::V1_1;

/// The id of the SPMC where it does not tell one.
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

/// Asks the SPMC, if there is one, for its version, its id and its partitions.
pub(crate) fn probe<H: Host>(host: &H, limits: Limits) -> Result<Probe, OutOfMemory> {
    let Some(version) = negotiate(host) else { return Ok(Probe::default()) };
    let id = id(host);
    let partitions = match partitions::list(host, limits) {
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
    let regs = host.spmc_call(&request.encode()).ok_or(absent)?;
    // All that is asked here is answered alike in each version that we speak.
    request.reply(&regs, OUR_VERSION)
}

/// The version to speak with the SPMC; `None` where there is none, or none that we can work with.
fn negotiate<H: Host>(host: &H) -> Option<Version> {
    let theirs = ask_version(host, OUR_VERSION)?;
    if theirs < OLDEST || !theirs.is_compatible_with(OUR_VERSION) {
        let what = "which is not supported: no secure partitions";
        host.log(Level::Warning, format_args!("FF-A: the SPMC speaks {theirs}, {what}"));
        return None;
    }
    if theirs >= OUR_VERSION {
        return Some(OUR_VERSION);
    }
    // Who speaks a newer version asks again for the older one.
    ask_version(host, theirs).filter(|again| *again == theirs)
}

/// The version that answers a request for `version`; `None`, and a line in the log, where that is
/// none.
fn ask_version<H: Host>(host: &H, version: Version) -> Option<Version> {
    let request = GetVersion::new(version);
    let regs = host.spmc_call(&request.encode())?;
    match request.reply(&regs, version) {
        Ok(VersionReply::Supported(theirs)) => Some(theirs),
        Ok(VersionReply::NotSupported) | Err(_) => {
            let what = "no SPMC, or a version that an earlier boot stage has fixed";
            let w0 = regs.w(0);
            host.log(Level::Info, format_args!("FF-A: {request} answered {w0:#x}: {what}"));
            None
        }
    }
}

/// The SPMC's id.
fn id<H: Host>(host: &H) -> EndpointId {
    let Ok(told) = call(host, &SpmIdGet) else { return DEFAULT_ID };
    if told.id.is_secure() {
        return told.id;
    }
    let id = told.id;
    host.log(Level::Warning, format_args!("FF-A: SPMC id {id} is not secure, using {DEFAULT_ID}"));
    DEFAULT_ID
}
