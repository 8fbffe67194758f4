//! What C calls: the functions of `ffa_xen.h`.
//!
//! VMs are named by their FF-A ids here, which are their domain ids plus one.

use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ffi::c_char;

use ffa_abi::{PartitionProperties, Regs, Uuid, VmId, Width};
use ffa_core::{
    Caller, Config, Cpu, CreateError, DestroyError, Handled, Mediator, NewError, Policy, VmConfig,
};
use spin::Once;

use crate::host::Xen;
use crate::services::{LogLevel, Services};

/// How many registers a call has: x0..x17.
pub const REGISTERS: usize = 18;

/// Objects that are freed in one go, and guests that are told again: some 10 us.
const POLL_BUDGET: usize = 32;

/// The SGI that tells a guest of notifications: Xen's own mediator takes the same.
const NOTIFICATION_PENDING_INTERRUPT: u32 = 8;

/// How a function of the surface ended.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// Not done yet: call again after `ffa_xen_poll` was called.
    Again = 1,
    /// Xen lacks memory.
    NoMemory = 2,
    /// No mediator, no such VM, or no such id or number.
    Invalid = 3,
}

/// All that this library keeps between calls.
static ADAPTER: Once<Adapter> = Once::new();

struct Adapter {
    mediator: Mediator<Xen>,
    /// By CPU number.
    cpus: Vec<Slot>,
}

/// A CPU's place in the mediator.
struct Slot(UnsafeCell<Option<Cpu<'static, Xen>>>);

// SAFETY: a slot is reached from its own CPU only, and by one call at a time: callers of
// `ffa_xen_cpu_init` and `ffa_xen_call` promise it.
unsafe impl Sync for Slot {}
// SAFETY: what is in it may move: it is a reference into the mediator.
unsafe impl Send for Slot {}

/// Makes the mediator. Once, before everything else. `cpus` is one more than
/// the highest CPU number, `policy` "vm-to-sp", "allow-all" or, for the
/// default, empty.
///
/// False where there is nothing to mediate (no firmware that speaks FF-A, and
/// VMs are kept apart), or no memory, which the log says: then no other
/// function has an effect.
///
/// # Safety
/// `services` is complete and stays; `policy` ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffa_xen_probe(
    services: &'static Services,
    cpus: u32,
    policy: *const c_char,
) -> bool {
    let xen = Xen { services };
    // SAFETY: the caller's promise.
    let policy = unsafe { core::ffi::CStr::from_ptr(policy) };
    match Adapter::new(xen, cpus, policy.to_str().unwrap_or("?")) {
        Ok(Some(adapter)) => {
            ADAPTER.call_once(|| adapter);
            true
        }
        Ok(None) => {
            let why = "no SPMC, and the policy keeps VMs apart: nothing to mediate";
            xen.print(LogLevel::Info, format_args!("FF-A: {why}"));
            false
        }
        Err(error) => {
            xen.print(LogLevel::Warning, format_args!("FF-A: no mediator: {error}"));
            false
        }
    }
}

/// CPU `cpu` can make calls from now on. Calling it again has no effect.
///
/// # Safety
/// No `ffa_xen_call` runs with this CPU number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffa_xen_cpu_init(cpu: u32) -> Status {
    let Some(adapter) = ADAPTER.get() else { return Status::Invalid };
    let Some(slot) = adapter.slot(cpu) else { return Status::Invalid };
    // SAFETY: nobody else uses this slot, as the caller promises.
    let place = unsafe { &mut *slot.0.get() };
    if place.is_none() {
        *place = adapter.mediator.cpu(cpu as usize);
    }
    if place.is_some() { Status::Ok } else { Status::Invalid }
}

/// A domain exists whose FF-A id is `vm`. It need not have vCPUs yet, nor a
/// width: `vcpus` is how many it will have.
///
/// `Again` while a domain that had this id is still being taken down.
#[unsafe(no_mangle)]
pub extern "C" fn ffa_xen_domain_init(vm: u16, vcpus: u16) -> Status {
    let (Some(adapter), Some(id)) = (ADAPTER.get(), VmId::new(vm)) else { return Status::Invalid };
    let properties =
        PartitionProperties::INDIRECT_MESSAGES | PartitionProperties::RECEIVES_NOTIFICATIONS;
    let uuid = Uuid::NIL;
    let config = VmConfig { id, vcpus, properties, uuid };
    match adapter.mediator.create_vm(config) {
        Ok(()) => Status::Ok,
        Err(CreateError::IdDraining | CreateError::TooMuchRetired(_)) => {
            adapter.mediator.reclaim(POLL_BUDGET);
            Status::Again
        }
        Err(CreateError::NoMemory) => Status::NoMemory,
        Err(_) => Status::Invalid,
    }
}

/// Takes a domain down, which may never have run. As soon as possible no VM
/// sees it, and its calls are refused.
///
/// `Again` until nothing is left of it, its pages are given back, and no call
/// of its runs: until then the domain must not be freed, nor its id used for
/// another. `Ok` also for a domain that is not known.
#[unsafe(no_mangle)]
pub extern "C" fn ffa_xen_teardown(vm: u16) -> Status {
    let (Some(adapter), Some(id)) = (ADAPTER.get(), VmId::new(vm)) else { return Status::Invalid };
    // What is freed below may be what a withdrawal lacks: it is tried again then.
    let withdrawn =
        matches!(adapter.mediator.destroy_vm(id), Ok(()) | Err(DestroyError::UnknownId));
    while adapter.mediator.reclaim(POLL_BUDGET).freed > 0 && !adapter.should_yield() {}
    if withdrawn && adapter.mediator.is_gone(id) { Status::Ok } else { Status::Again }
}

/// Frees what no CPU can reach any more, a bounded number of objects, and
/// tells guests again of notifications that no vCPU could be told of. True
/// while more is left: then call again in some milliseconds.
///
/// # Safety
/// As `ffa_xen_call`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffa_xen_poll(cpu: u32) -> bool {
    let Some(slot) = ADAPTER.get().and_then(|adapter| adapter.slot(cpu)) else { return false };
    // SAFETY: nobody else uses this slot, as the caller promises.
    let Some(place) = (unsafe { &mut *slot.0.get() }) else { return false };
    !place.poll(POLL_BUDGET).is_done()
}

/// The firmware's schedule receiver interrupt came. Asks for `ffa_xen_poll`,
/// which will see to it: this one may be called by an interrupt handler.
#[unsafe(no_mangle)]
pub extern "C" fn ffa_xen_schedule_receiver() {
    if let Some(adapter) = ADAPTER.get() {
        ffa_core::Host::poll_is_due(adapter.mediator.host());
    }
}

/// Handles a call that vCPU `vcpu` of `vm` has made on CPU `cpu`, from
/// AArch64 where `wide`. True: the reply is in `registers`. False: not a call
/// of FF-A, and nothing has changed.
///
/// # Safety
/// It runs on CPU `cpu` to its end, nothing else there calls it meanwhile,
/// and x0..x17 are at `registers`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffa_xen_call(
    cpu: u32,
    vm: u16,
    vcpu: u16,
    wide: bool,
    registers: *mut [u64; REGISTERS],
) -> bool {
    let (Some(adapter), Some(vm)) = (ADAPTER.get(), VmId::new(vm)) else { return false };
    let Some(slot) = adapter.slot(cpu) else { return false };
    // SAFETY: nobody else uses this slot, as the caller promises.
    let Some(place) = (unsafe { &mut *slot.0.get() }) else { return false };
    // SAFETY: the caller's promise; `Regs` is the array and nothing else.
    let registers = unsafe { &mut *registers.cast::<Regs>() };
    let width = if wide { Width::Bits64 } else { Width::Bits32 };
    place.handle_in_place(Caller { vm, vcpu, width }, registers) == Handled::Reply
}

impl Adapter {
    /// None where there is nothing to mediate.
    fn new(xen: Xen, cpus: u32, policy: &str) -> Result<Option<Adapter>, NewError> {
        let (name, policy) = choose(xen, policy);
        let notification_pending_interrupt = Some(NOTIFICATION_PENDING_INTERRUPT);
        let defaults = Config::new(cpus as usize);
        let config = Config { policy, notification_pending_interrupt, ..defaults };
        let mediator = Mediator::new(xen, config)?;
        if !mediator.has_spmc() && !policy.is_insecure() {
            return Ok(None);
        }
        let mut slots = Vec::new();
        slots.try_reserve_exact(cpus as usize).map_err(|_| NewError::NoMemory)?;
        slots.resize_with(cpus as usize, || Slot(UnsafeCell::new(None)));
        let (version, ours) = (env!("CARGO_PKG_VERSION"), ffa_core::VERSION);
        let what = format_args!("FF-A: ffa-xen {version}, FF-A {ours}, policy {name}, {cpus} CPUs");
        xen.print(LogLevel::Info, what);
        Ok(Some(Adapter { mediator, cpus: slots }))
    }

    fn slot(&self, cpu: u32) -> Option<&Slot> {
        self.cpus.get(cpu as usize)
    }

    fn should_yield(&self) -> bool {
        // SAFETY: a service.
        unsafe { (self.mediator.host().services.should_yield)() }
    }
}

/// The policy of a name; a name that is none gets the safe one, and a
/// warning.
fn choose(xen: Xen, name: &str) -> (&'static str, Policy) {
    match name {
        "allow-all" => ("allow-all", Policy::allow_all()),
        "" | "vm-to-sp" => ("vm-to-sp", Policy::vm_to_sp()),
        unknown => {
            let known = "vm-to-sp or allow-all";
            let what = format_args!("FF-A: policy `{unknown}` is not {known}: using vm-to-sp");
            xen.print(LogLevel::Warning, what);
            ("vm-to-sp", Policy::vm_to_sp())
        }
    }
}
