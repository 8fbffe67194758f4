//! The library with an SPMC that lists its partitions in a buffer only, over a model of the shim.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};

use ffa_abi::{FunctionId, Regs, Status};
use ffa_xen::services::{LogLevel, Page, PageResult, Services};
use ffa_xen::surface::{REGISTERS, ffa_xen_probe};

static MADE: AtomicUsize = AtomicUsize::new(0);
static LISTED: AtomicUsize = AtomicUsize::new(0);

static SERVICES: Services = Services {
    smc,
    pin_page,
    unpin_page,
    own_page,
    log,
    taint,
    poll_soon,
    should_yield,
    now,
    inject,
};

/// An SPMC of version 1.2 without `FFA_PARTITION_INFO_GET_REGS`, and without partitions.
unsafe extern "C" fn smc(registers: *mut [u64; REGISTERS]) -> bool {
    // SAFETY: the caller's registers.
    let registers = unsafe { &mut *registers };
    let mut reply = Regs([0; REGISTERS]);
    reply.0[0] = FunctionId::SUCCESS_32.bits().into();
    match FunctionId::from_bits(u32::try_from(registers[0]).unwrap()).unwrap() {
        FunctionId::VERSION => reply.0[0] = 0x1_0002,
        FunctionId::SPM_ID_GET => reply.0[2] = 0x8000,
        FunctionId::FEATURES => ffa_abi::write_error(&mut reply, Status::NOT_SUPPORTED),
        FunctionId::PARTITION_INFO_GET => {
            LISTED.fetch_add(1, Ordering::Relaxed);
            reply.0[3] = 24;
        }
        _ => {}
    }
    *registers = reply.0;
    true
}

/// As in the shim: a page of Xen's own has nothing that gives it back.
unsafe extern "C" fn own_page(page: *mut Page) -> PageResult {
    MADE.fetch_add(1, Ordering::Relaxed);
    let memory: *mut c_void = Box::into_raw(Box::new([0_u8; 4096])).cast();
    let address = 4096 * MADE.load(Ordering::Relaxed) as u64;
    // SAFETY: the caller has a page to fill.
    unsafe { page.write(Page { memory, address, handle: std::ptr::null_mut() }) };
    PageResult::Ok
}

unsafe extern "C" fn unpin_page(_: *const Page) {
    panic!("no page was pinned");
}

unsafe extern "C" fn pin_page(_: u16, _: u64, _: *mut Page) -> PageResult {
    PageResult::NotMemory
}

unsafe extern "C" fn log(_: LogLevel, _: *const u8, _: usize) {}
unsafe extern "C" fn taint(_: *const u8, _: usize) {}
unsafe extern "C" fn poll_soon() {}

unsafe extern "C" fn should_yield() -> bool {
    false
}

unsafe extern "C" fn now() -> u64 {
    0
}

unsafe extern "C" fn inject(_: u16, _: u16, _: bool, _: u32) -> bool {
    false
}

#[test]
fn pages_of_xens_own_are_not_unpinned() {
    // SAFETY: the table is static, as is the text.
    assert!(unsafe { ffa_xen_probe(&SERVICES, 1, c"vm-to-sp".as_ptr()) });
    assert_eq!(LISTED.load(Ordering::Relaxed), 1, "the list was read through the buffers");
    assert_eq!(MADE.load(Ordering::Relaxed), 2);
}
