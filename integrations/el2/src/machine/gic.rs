//! The physical interrupt controller, and the list registers through which a guest gets virtual
//! interrupts.

use core::ptr::NonNull;

use arm_gic::gicv3::registers::{Gicd, GicrSgi};
use arm_gic::gicv3::{GicCpuInterface, GicV3, SgiTarget, SgiTargetGroup};
use arm_gic::{IntId, InterruptGroup, UniqueMmioPointer};
use ffa_el2::scheduler::{Kicks, MAX_CPUS};
use spin::Once;
use spin::mutex::SpinMutex;

use super::sysreg;

const DISTRIBUTOR: NonNull<Gicd> = NonNull::new(0x0800_0000 as *mut Gicd).expect("not null");
const REDISTRIBUTORS: NonNull<GicrSgi> =
    NonNull::new(0x080A_0000 as *mut GicrSgi).expect("not null");

/// Makes another CPU look up from its guest.
const KICK: IntId = IntId::sgi(1);
const MAINTENANCE: IntId = IntId::ppi(9);
const HYPERVISOR_TIMER: IntId = IntId::ppi(10);
const VIRTUAL_TIMER: IntId = IntId::ppi(11);

static GIC: Once<SpinMutex<GicV3<'static>>> = Once::new();

/// A physical interrupt that was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Interrupt {
    /// The hypervisor's own timer: a time slice is over, or somebody's time has come.
    Tick,
    /// The running vCPU's virtual timer. It stays active, and silent, until
    /// [`rearm_virtual_timer`].
    VirtualTimer,
    /// Another CPU has news, or the guest finished a virtual interrupt.
    LookUp,
}

/// Sets the interrupt controller up, on the first CPU before any other runs.
///
/// # Errors
/// What is wrong with the controller.
pub(super) fn init(cpus: usize) -> Result<(), arm_gic::gicv3::GicError> {
    // SAFETY: the distributor's registers, mapped as device memory; this is the only driver.
    let distributor = unsafe { UniqueMmioPointer::new(DISTRIBUTOR) };
    // SAFETY: the same for the redistributors, of which there is one for each CPU of the machine.
    let mut gic = unsafe { GicV3::new(distributor, REDISTRIBUTORS, cpus)? };
    enable_system_registers();
    gic.setup(0);
    GIC.call_once(|| SpinMutex::new(gic));
    Ok(())
}

/// Sets this CPU's interface up.
pub(super) fn init_cpu(cpu: usize) {
    enable_system_registers();
    if let Some(gic) = GIC.get() {
        let mut gic = gic.lock();
        gic.init_cpu(cpu);
        for intid in [KICK, MAINTENANCE, HYPERVISOR_TIMER, VIRTUAL_TIMER] {
            // These are private interrupts of a CPU that `init` was told of.
            let _ = gic.enable_interrupt(intid, Some(cpu), true);
        }
    }
    GicCpuInterface::set_priority_mask(0xFF);
    GicCpuInterface::enable_group1(true);
    // End of interrupt only drops the priority; deactivation is a step of its own, see
    // `VirtualTimer`.
    const EOI_MODE: u64 = 1 << 1;
    sysreg::write!("icc_ctlr_el1", EOI_MODE);
    // They hold anything after reset, and those that are not used would be the guest's interrupts.
    (0..all_list_registers()).for_each(|index| write_list_register(index, 0));
    sysreg::instruction!("isb");
}

/// The CPU interface is system registers, at EL2 and, virtual ones, for guests.
fn enable_system_registers() {
    const SRE: u64 = 1 << 0;
    const DISABLE_BYPASS: u64 = 1 << 2 | 1 << 1;
    const ENABLE_LOWER: u64 = 1 << 3;
    sysreg::write!("icc_sre_el2", SRE | DISABLE_BYPASS | ENABLE_LOWER);
    sysreg::instruction!("isb");
}

/// Takes one pending physical interrupt, if there is one.
pub(super) fn take_interrupt() -> Option<Interrupt> {
    let intid = GicCpuInterface::get_and_acknowledge_interrupt(InterruptGroup::Group1)?;
    if intid == HYPERVISOR_TIMER {
        super::timer::cancel();
    }
    GicCpuInterface::end_interrupt(intid, InterruptGroup::Group1);
    if intid == VIRTUAL_TIMER {
        return Some(Interrupt::VirtualTimer);
    }
    deactivate(intid);
    Some(if intid == HYPERVISOR_TIMER { Interrupt::Tick } else { Interrupt::LookUp })
}

/// Lets the virtual timer interrupt again, after [`Interrupt::VirtualTimer`].
pub(super) fn rearm_virtual_timer() {
    deactivate(VIRTUAL_TIMER);
}

fn deactivate(intid: IntId) {
    sysreg::write!("icc_dir_el1", u64::from(u32::from(intid)));
}

/// Makes CPUs look up. Cluster and core of a CPU are those of its number: `virt` has up to 16 in a
/// cluster.
pub(super) fn kick(cpus: Kicks) {
    if cpus.0 == 0 {
        return;
    }
    const { assert!(MAX_CPUS <= 16) };
    let target = SgiTarget::List {
        affinity3: 0,
        affinity2: 0,
        affinity1: 0,
        target_list: u16::from(cpus.0),
    };
    // What was written for the other CPU to see is there when the interrupt is.
    sysreg::instruction!("dsb ishst");
    let _ = GicCpuInterface::send_sgi(KICK, target, SgiTargetGroup::CurrentGroup1);
    sysreg::instruction!("isb");
}

/// The most list registers that are used.
pub(super) const MAX_LIST_REGISTERS: usize = 4;

/// How many list registers this CPU has, of those that are used.
pub(super) fn list_registers() -> usize {
    all_list_registers().min(MAX_LIST_REGISTERS)
}

fn all_list_registers() -> usize {
    let last = sysreg::read!("ich_vtr_el2") & 0x1F;
    usize::try_from(last + 1).unwrap_or(MAX_LIST_REGISTERS)
}

/// One of the list registers that this CPU has.
fn write_list_register(index: usize, value: u64) {
    macro_rules! write {
        ($($number:literal: $name:literal),* $(,)?) => {
            match index {
                $($number => sysreg::write!($name, value),)*
                _ => {}
            }
        };
    }
    write!(
        0: "ich_lr0_el2", 1: "ich_lr1_el2", 2: "ich_lr2_el2", 3: "ich_lr3_el2",
        4: "ich_lr4_el2", 5: "ich_lr5_el2", 6: "ich_lr6_el2", 7: "ich_lr7_el2",
        8: "ich_lr8_el2", 9: "ich_lr9_el2", 10: "ich_lr10_el2", 11: "ich_lr11_el2",
        12: "ich_lr12_el2", 13: "ich_lr13_el2", 14: "ich_lr14_el2", 15: "ich_lr15_el2",
    );
}

const ENABLE: u64 = 1 << 0;
/// Tells when at most one list register is left in use.
const UNDERFLOW: u64 = 1 << 1;

/// Hands `list` to the loaded guest; asks for a call back when it runs low if there could be more.
pub(super) fn offer(list: &[u64], more: bool) {
    for (index, value) in list.iter().enumerate() {
        write_list_register(index, *value);
    }
    sysreg::write!("ich_hcr_el2", if more { ENABLE | UNDERFLOW } else { ENABLE });
}

/// Takes back what [`offer`] handed out, in the state that the guest left it in.
pub(super) fn withdraw(list: &mut [u64]) {
    sysreg::write!("ich_hcr_el2", 0);
    for (index, value) in list.iter_mut().enumerate() {
        *value = match index {
            0 => sysreg::read!("ich_lr0_el2"),
            1 => sysreg::read!("ich_lr1_el2"),
            2 => sysreg::read!("ich_lr2_el2"),
            3 => sysreg::read!("ich_lr3_el2"),
            _ => 0,
        };
    }
}
