//! What this thread is doing: in which guest's call, and in whose code.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ffa_abi::VmId;

/// A guest's call that a thread handles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    pub(crate) vm: VmId,
    /// w0.
    pub(crate) function: u32,
    /// The physical CPU.
    pub(crate) cpu: usize,
}

thread_local! {
    static CALL: Cell<Option<Call>> = const { Cell::new(None) };
    static STAMP: Cell<u64> = const { Cell::new(0) };
    static IN_MEDIATOR: Cell<bool> = const { Cell::new(false) };
}

static STAMPS: AtomicU64 = AtomicU64::new(0);

/// Runs `handle` as the handling of `call`.
pub(crate) fn during_call<R>(call: Call, handle: impl FnOnce() -> R) -> R {
    begin_fetch();
    let outer = CALL.replace(Some(call));
    let result = as_mediator(handle);
    CALL.set(outer);
    result
}

/// The call that this thread handles.
pub(crate) fn call() -> Option<Call> {
    CALL.get()
}

/// The physical CPU that this thread is; the first one outside of a guest's call.
pub(crate) fn cpu() -> usize {
    call().map_or(0, |call| call.cpu)
}

/// From here on each byte of a buffer may be read and written once more.
pub(crate) fn begin_fetch() {
    STAMP.set(STAMPS.fetch_add(1, Relaxed) + 1);
}

/// Names the stretch of time in which each byte may be read and written once.
pub(crate) fn stamp() -> u64 {
    STAMP.get()
}

/// Runs `code` as the hypervisor's own.
pub(crate) fn as_host<R>(code: impl FnOnce() -> R) -> R {
    scoped(false, code)
}

/// Runs `code` as the mediator's.
pub(crate) fn as_mediator<R>(code: impl FnOnce() -> R) -> R {
    scoped(true, code)
}

/// Whether this thread runs the mediator's code, and not that of its host: where a failing allocator
/// is to fail.
#[must_use]
pub fn in_mediator() -> bool {
    IN_MEDIATOR.get()
}

fn scoped<R>(in_mediator: bool, code: impl FnOnce() -> R) -> R {
    let outer = IN_MEDIATOR.replace(in_mediator);
    let result = code();
    IN_MEDIATOR.set(outer);
    result
}
