//! What to do when a guest gave the CPU back.

use ffa_el2::trap::{self, Access, Trap};
use ffa_el2::vgic::Region;
use ffa_el2::vpl011;

use super::calls;
use super::console;
use super::cpu::Running;
use super::gic::{self, Interrupt};
use super::guest_state;
use super::host::FfaCpu;
use super::sysreg;
use super::system_registers;

/// How it goes on with the vCPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// It runs on.
    Resume,
    /// It has to queue again.
    Yield,
    /// It waits for an interrupt.
    Wait,
    /// It is off.
    Off,
}

/// Sets up on this CPU what guests may do themselves and what traps.
pub(super) fn init_cpu() {
    /// AArch64 at EL1; IMPLEMENTATION DEFINED and identification registers, `LORegions`, RAS error
    /// records, SMC and WFI trap; TLB maintenance reaches all CPUs of the inner shareable domain;
    /// interrupts and system errors come to EL2; set/way cache maintenance cleans, too; stage 2 is
    /// on.
    const HCR: u64 = TRAPS | RW | BSU_INNER | FB | AMO | IMO | FMO | SWIO | VM;
    const TRAPS: u64 = TERR | TLOR | TIDCP | TSC | TID3 | TWI;
    const TERR: u64 = 1 << 36;
    const TLOR: u64 = 1 << 35;
    const RW: u64 = 1 << 31;
    const TIDCP: u64 = 1 << 20;
    const TSC: u64 = 1 << 19;
    const TID3: u64 = 1 << 18;
    const TWI: u64 = 1 << 13;
    const BSU_INNER: u64 = 1 << 10;
    const FB: u64 = 1 << 9;
    const AMO: u64 = 1 << 5;
    const IMO: u64 = 1 << 4;
    const FMO: u64 = 1 << 3;
    const SWIO: u64 = 1 << 1;
    const VM: u64 = 1 << 0;
    /// Pointer authentication is the guest's own affair.
    const API_APK: u64 = 1 << 41 | 1 << 40;
    /// The virtual and physical counters may be read; the physical timer is not there.
    const COUNTER_ACCESS: u64 = 1 << 0;
    let pointer_authentication =
        if guest_state::has_pointer_authentication() { API_APK } else { 0 };
    sysreg::write!("hcr_el2", HCR | pointer_authentication);
    sysreg::write!("cptr_el2", coprocessor_traps());
    sysreg::write!("cnthctl_el2", COUNTER_ACCESS);
    sysreg::write!("hstr_el2", 0);
    sysreg::write!("mdcr_el2", debug_traps());
    sysreg::write!("mdscr_el1", 0);
    sysreg::write!("vpidr_el2", sysreg::read!("midr_el1"));
    sysreg::instruction!("isb");
}

/// `CPTR_EL2`: vector registers are switched and do not trap; SVE, SME, trace and activity
/// monitors are not.
fn coprocessor_traps() -> u64 {
    const SVE_SME: u64 = 0x33FF;
    const TTA: u64 = 1 << 20;
    const TAM: u64 = 1 << 30;
    let has_activity_monitors = sysreg::read!("id_aa64pfr0_el1") >> 44 & 0xF != 0;
    SVE_SME | TTA | if has_activity_monitors { TAM } else { 0 }
}

/// `MDCR_EL2`: debug registers and performance monitors are not switched, and all of them trap. As
/// many event counters as there are belong to EL1, which is what the field must say.
fn debug_traps() -> u64 {
    const TDRA_TDOSA_TDA: u64 = 1 << 11 | 1 << 10 | 1 << 9;
    const TPM_TPMCR: u64 = 1 << 6 | 1 << 5;
    match sysreg::read!("id_aa64dfr0_el1") >> 8 & 0xF {
        0 | 0xF => TDRA_TDOSA_TDA,
        _ => TDRA_TDOSA_TDA | TPM_TPMCR | sysreg::read!("pmcr_el0") >> 11 & 0x1F,
    }
}

/// The guest did something that traps.
pub(super) fn synchronous(running: &mut Running<'_>, ffa: &mut FfaCpu) -> Next {
    let esr = sysreg::read!("esr_el2");
    match trap::decode(esr, sysreg::read!("far_el2"), sysreg::read!("hpfar_el2")) {
        Trap::Wait => {
            running.frame.skip_instruction();
            Next::Wait
        }
        Trap::Hvc(immediate) => calls::call(running, ffa, immediate),
        Trap::Smc(immediate) => {
            running.frame.skip_instruction();
            calls::call(running, ffa, immediate)
        }
        Trap::SystemRegister(access) => system_registers::access(running, access),
        Trap::Access(access) => device(running, &access),
        Trap::Fault { address, fetch } => fault(running, address, fetch),
        Trap::Other => undefined(running),
    }
}

/// Physical interrupts came while the guest ran.
pub(super) fn interrupts(running: &mut Running<'_>) -> Next {
    let mut next = Next::Resume;
    while let Some(interrupt) = gic::take_interrupt() {
        match interrupt {
            Interrupt::Tick if running.slice_is_over() => next = Next::Yield,
            Interrupt::VirtualTimer => running.silence_timer(),
            Interrupt::Tick | Interrupt::LookUp => {}
        }
    }
    next
}

/// The guest caused an error in the memory system.
pub(super) fn system_error(running: &mut Running<'_>) -> Next {
    running.vm.die(format_args!("system error near {:#x}", running.frame.pc));
    Next::Off
}

fn fault(running: &mut Running<'_>, address: u64, fetch: bool) -> Next {
    let what = if fetch { "instruction fetch from" } else { "access to" };
    running.vm.die(format_args!("{what} {address:#x}, not its memory, at {:#x}", running.frame.pc));
    Next::Off
}

/// The guest executed what is not there: it gets an exception of its own, of class 0. What EL1
/// has for exceptions is live in this CPU.
pub(super) fn undefined(running: &mut Running<'_>) -> Next {
    const CLASS_UNKNOWN: u64 = 0;
    const EL1_OWN_STACK_MASKED: u64 = 0x3C5;
    let length = sysreg::read!("esr_el2") & trap::LONG_INSTRUCTION;
    sysreg::write!("esr_el1", CLASS_UNKNOWN | length);
    sysreg::write!("elr_el1", running.frame.pc);
    sysreg::write!("spsr_el1", running.frame.pstate);
    let vectors = sysreg::read!("vbar_el1");
    running.frame.pc = vectors.wrapping_add(trap::vector_offset(running.frame.pstate));
    running.frame.pstate = EL1_OWN_STACK_MASKED;
    Next::Resume
}

/// A load or store outside the VM's memory: a device, or the VM's end.
fn device(running: &mut Running<'_>, access: &Access) -> Next {
    let done = if let Some((region, offset)) = Region::at(access.address, running.vm.vcpus().into())
    {
        interrupt_controller(running, access, region, offset);
        true
    } else {
        console(running, access)
    };
    if !done {
        return fault(running, access.address, false);
    }
    running.frame.skip_instruction();
    Next::Resume
}

fn interrupt_controller(running: &mut Running<'_>, access: &Access, region: Region, offset: u64) {
    let size = usize::from(access.size);
    if access.write {
        let value = running.frame.register(access.register);
        let kick = running.vm.gic.lock().write(region, offset, size, value);
        running.vm.notify(kick);
    } else {
        let value = running.vm.gic.lock().read(region, offset, size);
        running.frame.set_register(access.register, access.extend(value));
    }
}

fn console(running: &mut Running<'_>, access: &Access) -> bool {
    let Some(offset) = access.address.checked_sub(vpl011::BASE).filter(|o| *o < vpl011::SIZE)
    else {
        return false;
    };
    let vm = running.vm;
    let mut console = vm.console.lock();
    if access.write {
        let [value, _] = words(running.frame.register(access.register));
        if let Some(line) = console.write(offset, value) {
            console::print_guest_line(vm.id.get(), line);
        }
    } else {
        let value = u64::from(console.read(offset));
        running.frame.set_register(access.register, access.extend(value));
    }
    let level = console.interrupt();
    drop(console);
    let kick = vm.gic.lock().set_level(0, vpl011::INTERRUPT, level);
    vm.notify(kick);
    true
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves")]
const fn words(x: u64) -> [u32; 2] {
    [x as u32, (x >> 32) as u32]
}
