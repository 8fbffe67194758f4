//! A VM: its memory, its devices, its vCPUs; and where to find it.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use ffa_abi::VmId;
use ffa_el2::bundle::{self, MAX_VMS};
use ffa_el2::scheduler::{Kicks, Scheduler, Task};
use ffa_el2::vgic::{Kick, Vgic};
use ffa_el2::vpl011::Vpl011;
use spin::Once;
use spin::mutex::SpinMutex;

use super::console;
use super::gic;
use super::guest_dtb;
use super::guest_state::GuestState;
use super::memory::GuestMemory;
use super::stage2::Stage2;
use super::switch::Frame;
use super::timer;

/// The states of all vCPUs of all VMs.
pub(super) static SCHEDULER: SpinMutex<Scheduler> = SpinMutex::new(Scheduler::new());

static VMS: [SpinMutex<Option<Arc<Vm>>>; MAX_VMS] = [const { SpinMutex::new(None) }; MAX_VMS];

/// One life of a VM: after a reset there is a new one with the same id.
pub(super) struct Vm {
    /// 1 for the first of the bundle.
    pub(super) id: VmId,
    pub(super) slot: usize,
    // Dropped before the memory that it maps.
    pub(super) stage2: Stage2,
    pub(super) memory: Arc<GuestMemory>,
    pub(super) gic: SpinMutex<Vgic>,
    pub(super) console: SpinMutex<Vpl011>,
    /// The physical count at which its virtual time is 0.
    started: u64,
    vcpus: Box<[SpinMutex<Vcpu>]>,
    end: Once<End>,
}

/// The registers of a vCPU that does not run. Locked by the CPU that runs it, and by who turns it
/// on.
#[derive(Default)]
pub(super) struct Vcpu {
    pub(super) frame: Frame,
    pub(super) state: GuestState,
}

/// Why a VM's life ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// `SYSTEM_OFF`, or its last vCPU turned itself off.
    Off,
    /// `SYSTEM_RESET`.
    Reset,
    /// Its time was over.
    LifeOver,
    /// It did what it must not.
    Died,
}

/// Why a VM could not be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NewVmError {
    /// There is not enough memory in one piece.
    NoMemory,
    /// Its memory cannot be mapped.
    Map,
    /// Its device tree does not fit into its memory.
    DeviceTree,
}

/// EL1 with its own stack pointer, all interrupts masked.
const RESET_PSTATE: u64 = 0x3C5;

impl Vm {
    /// A VM with its image in its memory, vCPU 0 ready to start, and nothing running.
    ///
    /// # Errors
    /// [`NewVmError`]: then nothing of it is left.
    pub(super) fn new(slot: usize, id: VmId, plan: &bundle::Vm<'_>) -> Result<Self, NewVmError> {
        let memory = GuestMemory::new(plan.memory_base, plan.memory_size);
        let memory = memory.ok_or(NewVmError::NoMemory)?;
        load(&memory, plan.load_address, plan.image).ok_or(NewVmError::Map)?;
        let x0 = if plan.dtb { guest_dtb::place(&memory, plan)? } else { 0 };
        let vmid = u8::try_from(slot + 1).map_err(|_| NewVmError::Map)?;
        let stage2 = Stage2::new(vmid, &memory).map_err(|_| NewVmError::Map)?;
        let vm = Self {
            id,
            slot,
            stage2,
            memory,
            gic: SpinMutex::new(Vgic::new(plan.vcpus.into())),
            console: SpinMutex::new(Vpl011::new()),
            started: timer::now(),
            vcpus: (0..plan.vcpus).map(|_| SpinMutex::new(Vcpu::default())).collect(),
            end: Once::new(),
        };
        vm.set_entry(0, plan.load_address, [x0, plan.argument]);
        Ok(vm)
    }

    /// A vCPU of this VM.
    pub(super) fn vcpu(&self, index: u16) -> Option<&SpinMutex<Vcpu>> {
        self.vcpus.get(usize::from(index))
    }

    /// How many vCPUs there are.
    pub(super) fn vcpus(&self) -> u16 {
        u16::try_from(self.vcpus.len()).unwrap_or(u16::MAX)
    }

    /// Resets a vCPU that is off, to start at `entry` with these x0 and x1.
    pub(super) fn set_entry(&self, index: u16, entry: u64, arguments: [u64; 2]) {
        let Some(vcpu) = self.vcpu(index) else { return };
        let mut vcpu = vcpu.lock();
        vcpu.state = GuestState::reset(index, self.started);
        vcpu.frame = Frame { pc: entry, pstate: RESET_PSTATE, ..Frame::default() };
        let [x0, x1] = arguments;
        vcpu.frame.set_register(0, x0);
        vcpu.frame.set_register(1, x1);
    }

    /// Wakes the vCPUs that have a virtual interrupt.
    pub(super) fn notify(&self, interrupted: Kick) {
        let mut cpus = Kicks::default();
        for vcpu in interrupted.iter().filter_map(|index| u16::try_from(index).ok()) {
            cpus.0 |= SCHEDULER.lock().wake(Task { slot: self.slot, vcpu }).0;
        }
        gic::kick(cpus);
    }

    /// Ends this life of the VM: its vCPUs leave their CPUs, the supervisor does the rest. The
    /// first reason counts.
    pub(super) fn end(&self, reason: End) {
        self.end.call_once(|| reason);
        let cpus = SCHEDULER.lock().stop(self.slot);
        gic::kick(cpus);
    }

    /// Ends the VM for something that it must not do.
    pub(super) fn die(&self, why: fmt::Arguments<'_>) {
        console::log!("vm{}: died: {why}", self.id.get());
        self.end(End::Died);
    }

    /// Why this life is over, if it is.
    pub(super) fn ended(&self) -> Option<End> {
        self.end.get().copied()
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        if let Some(line) = self.console.get_mut().flush() {
            console::print_guest_line(self.id.get(), line);
        }
    }
}

/// The VM in a slot, if there is one.
pub(super) fn find(slot: usize) -> Option<Arc<Vm>> {
    VMS.get(slot)?.lock().clone()
}

/// Puts a VM into its slot, or takes it out.
pub(super) fn set(slot: usize, vm: Option<Arc<Vm>>) {
    let Some(place) = VMS.get(slot) else { return };
    let old = core::mem::replace(&mut *place.lock(), vm);
    // Its destructor runs without the lock.
    drop(old);
}

fn load(memory: &GuestMemory, address: u64, image: &[u8]) -> Option<()> {
    let offset = memory.offset(address, image.len() as u64)?;
    memory.write(offset, image).then_some(())
}

impl fmt::Display for NewVmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoMemory => "not enough memory in one piece",
            Self::Map => "its memory cannot be mapped",
            Self::DeviceTree => "no room for its device tree behind its image",
        })
    }
}
