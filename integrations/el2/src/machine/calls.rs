//! HVC and SMC: FF-A goes to the mediator as it is; PSCI and SMCCC are answered here.

use ffa_abi::{Regs, Width};
use ffa_core::{Caller, Outcome};
use ffa_el2::psci::{self, Request, Status};
use ffa_el2::scheduler::{Power, Task};

use super::cpu::Running;
use super::exits::Next;
use super::gic;
use super::host::{self, FfaCpu};
use super::trace;
use super::vm::{End, SCHEDULER};

/// Answers a call whose PC is already past the instruction. Only immediate 0 means anything.
pub(super) fn call(running: &mut Running<'_>, ffa: &mut FfaCpu, immediate: u16) -> Next {
    if immediate != 0 {
        return reply(running, Status::NotSupported.code());
    }
    let regs = registers(running);
    let caller = Caller { vm: running.vm.id, vcpu: running.index, width: Width::Bits64 };
    match ffa.handle(caller, &regs) {
        Outcome::Reply(answer) => {
            host::count_call();
            trace::call(running.vm.id.get(), running.index, &regs, &answer);
            if let Some(x) = running.frame.x.first_chunk_mut() {
                *x = answer.0;
            }
            Next::Resume
        }
        Outcome::NotFfa => standard_service(running, &regs),
    }
}

fn registers(running: &Running<'_>) -> Regs {
    Regs(running.frame.x.first_chunk().copied().unwrap_or_default())
}

fn standard_service(running: &mut Running<'_>, regs: &Regs) -> Next {
    let [x0, x1, x2, x3, ..] = regs.0;
    match psci::decode([x0, x1, x2, x3]) {
        Request::Version => reply(running, psci::VERSION),
        Request::SmcccVersion => reply(running, psci::SMCCC_VERSION),
        Request::Features(function) => reply(running, features(function).code()),
        Request::CpuSuspend => {
            let _ = reply(running, Status::Success.code());
            Next::Wait
        }
        Request::CpuOff => Next::Off,
        Request::CpuOn { target, entry, context } => {
            let status = cpu_on(running, target, entry, context);
            reply(running, status.code())
        }
        Request::AffinityInfo { target, level } => {
            let answer = affinity_info(running, target, level);
            reply(running, answer)
        }
        Request::SystemOff => end(running, End::Off),
        Request::SystemReset => end(running, End::Reset),
        Request::Unknown => reply(running, Status::NotSupported.code()),
    }
}

/// Other registers keep their values: SMCCC 1.1 and up.
fn reply(running: &mut Running<'_>, x0: u64) -> Next {
    running.frame.set_register(0, x0);
    Next::Resume
}

fn end(running: &Running<'_>, how: End) -> Next {
    running.vm.end(how);
    Next::Off
}

fn features(function: u32) -> Status {
    if psci::is_implemented(function) { Status::Success } else { Status::NotSupported }
}

fn cpu_on(running: &Running<'_>, target: u64, entry: u64, context: u64) -> Status {
    let vm = running.vm;
    let Some(vcpu) = psci::vcpu_of(target, vm.vcpus()) else { return Status::InvalidParameters };
    if !entry.is_multiple_of(4) || vm.memory.offset(entry, 4).is_none() {
        return Status::InvalidAddress;
    }
    let task = Task { slot: vm.slot, vcpu };
    let claim = SCHEDULER.lock().claim(task);
    match claim {
        Ok(()) => {}
        Err(Power::OnPending) => return Status::OnPending,
        Err(Power::On | Power::Off) => return Status::AlreadyOn,
    }
    vm.set_entry(vcpu, entry, [context, 0]);
    let kicks = SCHEDULER.lock().start(task);
    gic::kick(kicks);
    Status::Success
}

fn affinity_info(running: &Running<'_>, target: u64, level: u64) -> u64 {
    let vm = running.vm;
    let Some(vcpu) = psci::vcpu_of(target, vm.vcpus()).filter(|_| level == 0) else {
        return Status::InvalidParameters.code();
    };
    match SCHEDULER.lock().power(Task { slot: vm.slot, vcpu }) {
        Power::On => 0,
        Power::Off => 1,
        Power::OnPending => 2,
    }
}
