//! What each physical CPU does for ever: it runs a vCPU for a time slice, or sleeps, and looks
//! after the VMs.

use ffa_el2::scheduler::{Leave, Task};
use ffa_el2::vgic::VIRTUAL_TIMER;

use super::exits::{self, Next};
use super::firmware;
use super::gic::{self, Interrupt, MAX_LIST_REGISTERS};
use super::guest_state;
use super::host::{self, FfaCpu};
use super::stage2;
use super::supervisor;
use super::switch::{self, Exit, Frame};
use super::sysreg;
use super::timer;
use super::vm::{self, SCHEDULER, Vm};

/// Runs this physical CPU. The first CPU has set everything up before.
pub(super) fn main(index: usize) -> ! {
    init(index);
    let Some(ffa) = host::mediator().cpu(index) else {
        firmware::fail(format_args!("CPU {index} has no place in the mediator"))
    };
    let mut cpu = Cpu { index, ffa, list_registers: gic::list_registers() };
    loop {
        cpu.step();
    }
}

fn init(index: usize) {
    switch::install_vectors();
    gic::init_cpu(index);
    stage2::init_cpu();
    exits::init_cpu();
}

struct Cpu {
    index: usize,
    ffa: FfaCpu,
    list_registers: usize,
}

/// A vCPU that is loaded into this CPU.
pub(super) struct Running<'a> {
    pub(super) vm: &'a Vm,
    pub(super) index: u16,
    pub(super) frame: &'a mut Frame,
    /// The physical virtual-timer interrupt was taken, and is silent until the guest has served
    /// it.
    timer_silent: bool,
    /// The timer's level, as the virtual GIC knows it.
    timer_level: bool,
    /// The physical count at which its time slice is over.
    slice_end: u64,
}

impl Cpu {
    fn step(&mut self) {
        supervisor::poll(&mut self.ffa);
        let (task, kicks) = SCHEDULER.lock().next(self.index, timer::now());
        gic::kick(kicks);
        match task {
            Some(task) => self.run(task),
            None => sleep(),
        }
    }

    fn run(&mut self, task: Task) {
        let leave = match vm::find(task.slot) {
            Some(vm) => self.run_vcpu(&vm, task.vcpu),
            None => Leave::Off,
        };
        let kicks = SCHEDULER.lock().put_back(task, leave);
        gic::kick(kicks);
    }

    /// Loads the vCPU, runs it until it has to leave, and stores it.
    fn run_vcpu(&mut self, vm: &Vm, index: u16) -> Leave {
        let Some(vcpu) = vm.vcpu(index) else { return Leave::Off };
        let mut vcpu = vcpu.lock();
        let vcpu = &mut *vcpu;
        vm.stage2.activate();
        vcpu.state.load();
        let slice_end = timer::after(timer::SLICE_MICROSECONDS);
        set_alarm(slice_end);
        let mut running = Running::new(vm, index, &mut vcpu.frame, slice_end);
        let next = self.run_loaded(&mut running);
        let Running { timer_silent, timer_level, .. } = running;
        vcpu.state.save();
        if timer_silent {
            gic::rearm_virtual_timer();
        }
        stage2::deactivate();
        match next {
            Next::Off => Leave::Off,
            // A timer that has fired already does so into a GIC that does not care.
            Next::Wait if timer_level => Leave::Block(None),
            Next::Wait => Leave::Block(vcpu.state.timer_deadline()),
            Next::Resume | Next::Yield => Leave::Yield,
        }
    }

    fn run_loaded(&mut self, running: &mut Running<'_>) -> Next {
        loop {
            let next = match self.enter(running) {
                Exit::Synchronous => exits::synchronous(running, &mut self.ffa),
                Exit::Interrupt => exits::interrupts(running),
                Exit::SystemError => exits::system_error(running),
            };
            match next {
                Next::Resume if running.vm.ended().is_some() => return Next::Off,
                Next::Resume => {}
                Next::Wait if running.has_interrupt() => {}
                _ => return next,
            }
        }
    }

    /// Runs the guest until its next exit, with the virtual interrupts that it has now.
    fn enter(&self, running: &mut Running<'_>) -> Exit {
        let mut list = [0; MAX_LIST_REGISTERS];
        let list = list.get_mut(..self.list_registers).unwrap_or_default();
        let index = usize::from(running.index);
        running.sample_timer();
        let (used, more) = {
            let mut gic = running.vm.gic.lock();
            (gic.fill(index, list), gic.pending(index))
        };
        gic::offer(list, more);
        // SAFETY: 1. `run_vcpu` loaded the state of this vCPU and its VM's stage 2. 2. `init` ran
        // on this CPU.
        let exit = unsafe { switch::enter(running.frame) };
        gic::withdraw(list);
        running.vm.gic.lock().drain(index, list.get(..used).unwrap_or_default());
        exit
    }
}

impl<'a> Running<'a> {
    fn new(vm: &'a Vm, index: u16, frame: &'a mut Frame, slice_end: u64) -> Self {
        Self { vm, index, frame, timer_silent: false, timer_level: false, slice_end }
    }

    /// Tells the virtual GIC the timer's level, and lets the timer interrupt again once the guest
    /// has served it.
    fn sample_timer(&mut self) {
        self.timer_level = guest_state::timer_fires();
        let mut gic = self.vm.gic.lock();
        // The kick is for this vCPU, which looks next.
        let _ = gic.set_level(self.index.into(), VIRTUAL_TIMER, self.timer_level);
        drop(gic);
        if self.timer_silent && !self.timer_level {
            gic::rearm_virtual_timer();
            self.timer_silent = false;
        }
    }

    /// The physical timer interrupt was taken.
    pub(super) fn silence_timer(&mut self) {
        self.timer_silent = true;
    }

    /// The alarm went off. Others whose time has come are queued, but do not cut this slice short:
    /// else a VM with many short timers would leave the rest no time.
    pub(super) fn slice_is_over(&self) -> bool {
        let now = timer::now();
        if now >= self.slice_end {
            return true;
        }
        let kicks = SCHEDULER.lock().expire(now);
        gic::kick(kicks);
        set_alarm(self.slice_end);
        false
    }

    fn has_interrupt(&mut self) -> bool {
        self.sample_timer();
        self.vm.gic.lock().pending(self.index.into())
    }
}

/// Sleeps until something happens.
fn sleep() {
    set_alarm(timer::after(timer::IDLE_MICROSECONDS));
    sysreg::instruction!("dsb sy");
    sysreg::instruction!("wfi");
    while let Some(interrupt) = gic::take_interrupt() {
        if interrupt == Interrupt::VirtualTimer {
            // Its vCPU left while the interrupt was on its way; it comes again when the vCPU does.
            gic::rearm_virtual_timer();
        }
    }
}

/// Interrupts this CPU at that count, or when somebody's time has come before that.
fn set_alarm(end: u64) {
    let deadline = SCHEDULER.lock().next_deadline().unwrap_or(u64::MAX);
    timer::interrupt_at(end.min(deadline));
}
