//! The virtual GIC, driven by the arm-gic crate. Interrupts are masked but where [`take`] says:
//! there they are counted, and nothing else is done about them.

use core::arch::asm;
use core::ptr::{NonNull, with_exposed_provenance_mut};
use core::sync::atomic::{AtomicU32, Ordering};

use arm_gic::gicv3::{GicCpuInterface, GicV3, SgiTarget, SgiTargetGroup};
use arm_gic::{IntId, InterruptGroup, UniqueMmioPointer};
use spin::mutex::SpinMutex;

use super::{cpu, devices, time};

const PRIVATE: usize = 32;

/// The virtual timer's.
pub const TIMER: IntId = IntId::ppi(11);

static GIC: SpinMutex<Option<GicV3<'static>>> = SpinMutex::new(None);

/// How often each vCPU took each of its private interrupts.
static TAKEN: [[AtomicU32; PRIVATE]; cpu::MAX] =
    [const { [const { AtomicU32::new(0) }; PRIVATE] }; cpu::MAX];

/// Sets up this vCPU's interface and enables its private interrupts; the first call sets up the
/// distributor.
pub fn enable() {
    let cpu = cpu::index();
    let mut gic = GIC.lock();
    let gic = gic.get_or_insert_with(distributor);
    gic.init_cpu(cpu);
    if let Ok(mut redistributor) = gic.redistributor(cpu) {
        redistributor.configure_default_settings();
        redistributor.enable_all_interrupts(true);
    }
    GicCpuInterface::set_priority_mask(0xFF);
    GicCpuInterface::enable_group1(true);
}

#[expect(clippy::expect_used, reason = "without interrupts a guest can only end")]
fn distributor() -> GicV3<'static> {
    let platform = devices::platform();
    // SAFETY: the distributor's registers; the GIC's lock makes this the only driver.
    let distributor = unsafe { UniqueMmioPointer::new(registers(platform.distributor)) };
    // SAFETY: the same for the redistributors, one for each vCPU; no other is touched.
    let gic = unsafe { GicV3::new(distributor, registers(platform.redistributors), cpu::MAX) };
    let mut gic = gic.expect("the virtual GIC has no redistributor");
    gic.distributor().configure_default_settings();
    gic
}

#[expect(clippy::expect_used, reason = "as above")]
fn registers<T>(address: usize) -> NonNull<T> {
    NonNull::new(with_exposed_provenance_mut(address)).expect("a device is at address 0")
}

/// Takes whatever is pending now.
pub fn take() {
    // SAFETY: the handler's entry code keeps what this code uses, and all else is declared lost.
    unsafe { asm!("msr daifclr, #2", "isb", "msr daifset, #2", clobber_abi("C")) };
}

/// Sleeps until an interrupt is pending and takes it.
pub fn wait() {
    cpu::wait_for_interrupt();
    take();
}

/// Sends this vCPU's SGI to others, a bit for each.
pub fn send_sgi(sgi: u32, vcpus: u16) {
    let target = SgiTarget::List { affinity3: 0, affinity2: 0, affinity1: 0, target_list: vcpus };
    // It can only fail for what is no SGI.
    let _ = GicCpuInterface::send_sgi(IntId::sgi(sgi), target, SgiTargetGroup::CurrentGroup1);
}

/// Sends this vCPU's SGI to all others.
pub fn send_sgi_to_others(sgi: u32) {
    let group = SgiTargetGroup::CurrentGroup1;
    let _ = GicCpuInterface::send_sgi(IntId::sgi(sgi), SgiTarget::All, group);
}

/// How often a vCPU took this interrupt so far.
#[must_use]
pub fn taken(vcpu: usize, interrupt: IntId) -> u32 {
    counter(vcpu, interrupt).map_or(0, |counter| counter.load(Ordering::Acquire))
}

fn counter(vcpu: usize, interrupt: IntId) -> Option<&'static AtomicU32> {
    TAKEN.get(vcpu)?.get(interrupt.raw_value() as usize)
}

/// The interrupt handler.
pub(super) fn handle() {
    while GicCpuInterface::handle_interrupt(InterruptGroup::Group1, |interrupt| {
        if interrupt == TIMER {
            time::stop();
        }
        if let Some(counter) = counter(cpu::index(), interrupt) {
            counter.fetch_add(1, Ordering::Release);
        }
    }) {}
}
