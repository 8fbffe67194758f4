//! The memory of other domains: `HYPERVISOR_memory_op`.

use core::cell::UnsafeCell;

use super::hypercall;
use crate::toolstack::PAGE;

const MEMORY_OP: u64 = 12;
/// `XENMEM_populate_physmap`.
const POPULATE: u64 = 6;
/// `XENMEM_remove_from_physmap`.
const UNMAP: u64 = 15;
/// `XENMEM_add_to_physmap_batch`.
const MAP: u64 = 23;

/// The caller, as a domain.
const SELF: u16 = 0x7FF0;
/// `XENMAPSPACE_gmfn_foreign`.
const FOREIGN: u16 = 4;

/// `struct xen_memory_reservation`: a domain's memory.
#[repr(C)]
struct Reservation {
    frames: u64,
    count: u64,
    order: u32,
    flags: u32,
    domain: u16,
    padding: [u16; 3],
}

/// `struct xen_add_to_physmap_batch`: pages of `from` at addresses of `domain`.
#[repr(C)]
struct Mapping {
    domain: u16,
    space: u16,
    count: u16,
    from: u16,
    frames: u64,
    own_frames: u64,
    errors: u64,
}

/// `struct xen_remove_from_physmap`.
#[repr(C)]
struct Unmapping {
    domain: u16,
    padding: [u16; 3],
    own_frame: u64,
}

const _: () = assert!(size_of::<Reservation>() == 32 && size_of::<Mapping>() == 32);
const _: () = assert!(size_of::<Unmapping>() == 16);

/// Where pages of other domains are mapped, one at a time. What was there before is not used.
#[repr(C, align(4096))]
struct Window(UnsafeCell<[u8; PAGE]>);

// SAFETY: only `write_page` uses it, which only dom0 calls, from its one vCPU.
unsafe impl Sync for Window {}

static WINDOW: Window = Window(UnsafeCell::new([0; PAGE]));

/// See [`crate::toolstack::Hypervisor::populate`].
pub(super) fn populate(domain: u16, frames: &[u64], order: u32) -> i64 {
    let reservation = Reservation {
        frames: frames.as_ptr() as u64,
        count: frames.len() as u64,
        order,
        flags: 0,
        domain,
        padding: [0; 3],
    };
    // SAFETY: 1. Xen reads the structure and the frames; the memory given is none that was there.
    unsafe { memory_op(POPULATE, &raw const reservation as u64) }
}

/// See [`crate::toolstack::Hypervisor::write_page`].
pub(super) fn write_page(domain: u16, frame: u64, bytes: &[u8]) -> i64 {
    let result = map(domain, frame);
    if result < 0 {
        return result;
    }
    for (offset, byte) in bytes.iter().take(PAGE).enumerate() {
        let place = WINDOW.0.get().cast::<u8>().wrapping_add(offset);
        // SAFETY: within the window, where the other domain's page is mapped to be written to.
        unsafe { place.write_volatile(*byte) };
    }
    unmap()
}

fn own_frame() -> u64 {
    WINDOW.0.get() as u64 / PAGE as u64
}

fn map(domain: u16, frame: u64) -> i64 {
    let (own_frame, mut error) = (own_frame(), 0_i32);
    let mapping = Mapping {
        domain: SELF,
        space: FOREIGN,
        count: 1,
        from: domain,
        frames: &raw const frame as u64,
        own_frames: &raw const own_frame as u64,
        errors: &raw mut error as u64,
    };
    // SAFETY: 1. Xen reads what is pointed at, and writes the error; the window is for this.
    let result = unsafe { memory_op(MAP, &raw const mapping as u64) };
    // SAFETY: it is a local that Xen may have written to.
    let error = unsafe { (&raw const error).read_volatile() };
    if result < 0 { result } else { error.into() }
}

fn unmap() -> i64 {
    let unmapping = Unmapping { domain: SELF, padding: [0; 3], own_frame: own_frame() };
    // SAFETY: 1. Xen reads the structure; the window is for this.
    unsafe { memory_op(UNMAP, &raw const unmapping as u64) }
}

/// # Safety
/// 1. As for [`hypercall`].
unsafe fn memory_op(command: u64, argument: u64) -> i64 {
    // SAFETY: 1. Promised by the caller.
    unsafe { hypercall(MEMORY_OP, [command, argument, 0]) }
}
