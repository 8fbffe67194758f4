//! The hypervisor proper: everything that touches the machine.
//!
//! ```text
//! boot ──▶ main ──▶ cpu::main, on each CPU, for ever
//!                     ├─ supervisor   makes and destroys VMs, lets the mediator free memory
//!                     └─ vCPU         switch::enter ──▶ exits ──▶ calls, devices
//! ```

mod boot;
mod calls;
mod console;
mod cpu;
mod device_tree;
mod exits;
mod firmware;
mod gic;
mod guest_dtb;
mod guest_state;
mod host;
mod memory;
mod stage2;
mod supervisor;
mod switch;
mod sysreg;
mod system_registers;
mod timer;
mod trace;
mod vm;

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::panic::PanicInfo;

use ffa_core::{Config, Mediator, Policy};
use ffa_el2::bundle::{self, Bundle, BundleError, PolicyKind};
use ffa_el2::ram::FreeRam;

use console::log;
use device_tree::DeviceTree;
use host::Host;

/// An SGI that Linux does not use itself.
const NOTIFICATION_PENDING_INTERRUPT: u32 = 8;

#[cfg(target_feature = "neon")]
compile_error!(
    "build for aarch64-unknown-none-softfloat: the vector registers belong to the guests"
);

/// The first CPU comes here with the physical address of the device tree.
fn main(device_tree: u64, _: u64, _: u64, _: u64) -> ! {
    switch::install_vectors();
    if let Err(error) = start(device_tree) {
        firmware::fail(format_args!("{error}"));
    }
    cpu::main(0)
}

/// Why the hypervisor does not start.
enum StartError {
    NoDeviceTree,
    NoMemory,
    NoBundle,
    Gic(arm_gic::gicv3::GicError),
    Bundle(BundleError),
    Mediator(ffa_core::NewError),
}

fn start(device_tree: u64) -> Result<(), StartError> {
    // SAFETY: x0 at entry holds the address of the device tree, by the boot protocol.
    let tree = unsafe { DeviceTree::at(device_tree) }.ok_or(StartError::NoDeviceTree)?;
    let mut ram = tree.free_ram().map_err(|_| StartError::NoMemory)?;
    ram.remove(&image()).map_err(|_| StartError::NoMemory)?;
    let bytes = bundle_bytes(&ram)?;
    ram.remove(&span(bytes)).map_err(|_| StartError::NoMemory)?;
    let bundle = Bundle::parse(bytes).map_err(StartError::Bundle)?;
    memory::init(&ram);

    let cpus: Vec<u64> = tree.cpus().collect();
    gic::init(cpus.len()).map_err(StartError::Gic)?;
    let options = bundle.options();
    if options.trace {
        trace::enable();
    }
    install_mediator(options.policy, cpus.len())?;
    vm::SCHEDULER.lock().reserve();
    supervisor::init(bundle.vms());
    log!("{} VMs on {} CPUs", bundle.vms().count(), cpus.len());
    start_other_cpus(&cpus);
    Ok(())
}

/// The bundle that the loader put into RAM.
fn bundle_bytes(ram: &FreeRam) -> Result<&'static [u8], StartError> {
    let length = bundle::HEADER_LENGTH as u64;
    let header = ram_bytes(ram, bundle::ADDRESS, length).ok_or(StartError::NoBundle)?;
    let length = Bundle::total_length(header).map_err(StartError::Bundle)?;
    ram_bytes(ram, bundle::ADDRESS, length).ok_or(StartError::NoBundle)
}

/// Free RAM as bytes that nobody will write, because the caller takes it out of the free RAM.
fn ram_bytes(ram: &FreeRam, address: u64, length: u64) -> Option<&'static [u8]> {
    let end = address.checked_add(length)?;
    if !ram.ranges().any(|range| range.start <= address && end <= range.end) {
        return None;
    }
    let start = core::ptr::with_exposed_provenance(usize::try_from(address).ok()?);
    // SAFETY: RAM that the identity map covers and that nobody else uses, as the ranges say.
    Some(unsafe { core::slice::from_raw_parts(start, usize::try_from(length).ok()?) })
}

fn install_mediator(policy: PolicyKind, cpus: usize) -> Result<(), StartError> {
    let policy = match policy {
        PolicyKind::VmToSp => Policy::vm_to_sp(),
        PolicyKind::AllowAll => Policy::allow_all(),
    };
    let notification_pending_interrupt = Some(NOTIFICATION_PENDING_INTERRUPT);
    let config = Config { policy, notification_pending_interrupt, ..Config::new(cpus) };
    host::install(Mediator::new(Host::new(), config).map_err(StartError::Mediator)?);
    Ok(())
}

fn start_other_cpus(mpidrs: &[u64]) {
    for (index, mpidr) in mpidrs.iter().enumerate().skip(1) {
        if let Err(error) = boot::start_cpu(index, *mpidr) {
            log!("warning: CPU {index} does not start: {error}");
        }
    }
}

/// Where this program is, with its heap and stacks.
fn image() -> Range<u64> {
    unsafe extern "C" {
        static image_begin: u8;
        static image_end: u8;
    }
    (&raw const image_begin).addr() as u64..(&raw const image_end).addr() as u64
}

fn span(bytes: &[u8]) -> Range<u64> {
    let start = bytes.as_ptr().addr() as u64;
    start..start + bytes.len() as u64
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDeviceTree => f.write_str("no device tree: its address belongs in x0"),
            Self::NoMemory => f.write_str("the device tree reserves too many pieces of RAM"),
            Self::NoBundle => {
                write!(f, "no RAM, or not enough, for a bundle at {:#x}", bundle::ADDRESS)
            }
            Self::Gic(error) => write!(f, "interrupt controller: {error}"),
            Self::Bundle(error) => write!(f, "bundle: {error}"),
            Self::Mediator(error) => write!(f, "{error}"),
        }
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    firmware::fail(format_args!("{info}"))
}
