//! What the shim provides: a table of C functions, and the types that they share with Rust.

use core::ffi::c_void;

use crate::surface::REGISTERS;

/// A page of 4 KiB that stays where it is until it is given back.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Page {
    /// Where Xen reads and writes it.
    pub memory: *mut c_void,
    /// Its machine address.
    pub address: u64,
    /// What gives it back: the shim's own.
    pub handle: *mut c_void,
}

/// How a service ended.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageResult {
    /// The page is there.
    Ok = 0,
    /// The address is not one of RAM that this domain may write.
    NotMemory = 1,
    /// Xen lacks memory or mappings.
    NoMemory = 2,
}

/// How much a line of the log matters.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogLevel {
    /// Something does not work, and the reader should know.
    Warning = 0,
    /// What was found and decided.
    Info = 1,
    /// A guest caused it, and may again: to be limited. Nothing logs so yet.
    Guest = 2,
}

/// Xen, as the mediator sees it. Each function may be called on any CPU,
/// several at once, with no lock of the library's held and interrupts as
/// its caller has them, and must not call back into it. The table is there
/// as long as Xen is.
///
/// Results are named as in Rust here: `Ok` of a status is
/// `FFA_XEN_STATUS_OK`, and so on.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Services {
    /// Makes an SMC with x0..x17 and stores x0..x17. False, and nothing is
    /// stored, where the firmware has no such calls: its SMCCC is older than 1.2.
    pub smc: unsafe extern "C" fn(registers: *mut [u64; REGISTERS]) -> bool,
    /// Takes a reference to the page of `vm`'s RAM at guest physical `address`
    /// and maps it. Fails where the domain is dying.
    pub pin_page: unsafe extern "C" fn(vm: u16, address: u64, page: *mut Page) -> PageResult,
    /// Undoes `pin_page`.
    pub unpin_page: unsafe extern "C" fn(page: *const Page),
    /// A page of Xen's own, zeroed, that firmware may be told of. It is never
    /// given back.
    pub own_page: unsafe extern "C" fn(page: *mut Page) -> PageResult,
    /// Prints `length` bytes as a line.
    pub log: unsafe extern "C" fn(level: LogLevel, text: *const u8, length: usize),
    /// The configuration is insecure: marks the system, and prints `length` bytes
    /// that say why.
    pub taint: unsafe extern "C" fn(text: *const u8, length: usize),
    /// Has `ffa_xen_poll` called soon, on any CPU.
    pub poll_soon: unsafe extern "C" fn(),
    /// Whether what runs now should end soon, to be taken up again later.
    pub should_yield: unsafe extern "C" fn() -> bool,
    /// Nanoseconds since boot.
    pub now: unsafe extern "C" fn() -> u64,
    /// Makes a private or software-generated interrupt of `vm` pending on
    /// `vcpu`, or, unless `only` there, on another vCPU that is online where
    /// that one is not. False where none of these is.
    pub inject: unsafe extern "C" fn(vm: u16, vcpu: u16, only: bool, interrupt: u32) -> bool,
}
