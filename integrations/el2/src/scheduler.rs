//! Which vCPU runs where: round robin over one queue, with one state a vCPU.
//!
//! ```text
//!            start           next            put_back(Yield)
//!   Off ──────────────▶ Ready ───▶ Running ─────────────────▶ Ready
//!    ▲  claim/start       ▲           │  put_back(Block)
//!    │                    └───────────┼────────────────────▶ Blocked
//!    └────────────────────────────────┘  put_back(Off)
//! ```
//! A vCPU that is woken while it runs does not block: [`Scheduler::put_back`] queues it again, so a
//! wake-up is never lost. The caller holds one lock around this value and sends the [`Kicks`] after
//! it let go.

use alloc::collections::VecDeque;

use crate::bundle::{MAX_VCPUS, MAX_VMS};

/// The most physical CPUs.
pub const MAX_CPUS: usize = 4;

const TASKS_PER_VM: usize = MAX_VCPUS as usize;
const TASKS: usize = MAX_VMS * TASKS_PER_VM;

/// One vCPU of the VM in one slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Task {
    /// The VM's slot, below [`MAX_VMS`].
    pub slot: usize,
    /// The vCPU, below [`MAX_VCPUS`].
    pub vcpu: u16,
}

/// Physical CPUs that must look up from what they do: bit n is CPU n.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[must_use]
pub struct Kicks(pub u8);

impl Kicks {
    fn add(&mut self, cpu: usize) {
        self.0 |= 1 << cpu;
    }
}

/// Why a vCPU leaves its CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leave {
    /// Its time is up.
    Yield,
    /// It waits for an interrupt, or for its timer at this count of the physical counter.
    Block(Option<u64>),
    /// It turned itself off.
    Off,
}

/// Is a vCPU on, as PSCI sees it?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Power {
    /// It runs or could.
    On,
    /// It is off.
    Off,
    /// Somebody turns it on right now.
    OnPending,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    Off,
    Starting,
    Ready,
    Running {
        cpu: usize,
        woken: bool,
    },
    Blocked {
        deadline: Option<u64>,
    },
}

/// The states of all vCPUs and the queue of those that could run.
#[derive(Debug)]
pub struct Scheduler {
    states: [State; TASKS],
    /// Those that are ready, each once.
    queue: VecDeque<usize>,
    stopping: [bool; MAX_VMS],
    idle: Kicks,
}

impl Default for Scheduler {
    fn default() -> Self {
        Self::new()
    }
}

impl Scheduler {
    /// All vCPUs are off.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            states: [State::Off; TASKS],
            queue: VecDeque::new(),
            stopping: [false; MAX_VMS],
            idle: Kicks(0),
        }
    }

    /// Makes room for every vCPU there can be: after this nothing here allocates.
    pub fn reserve(&mut self) {
        self.queue.reserve_exact(TASKS);
    }

    /// The vCPU that `cpu` runs from `now` on, if there is one; if not, `cpu` counts as idle until
    /// it asks again.
    ///
    /// Wakes whoever waited for a time that has come, which may be work for other CPUs too.
    pub fn next(&mut self, cpu: usize, now: u64) -> (Option<Task>, Kicks) {
        self.idle.0 &= !(1 << cpu);
        let kicks = self.expire(now);
        let Some(index) = self.queue.pop_front() else {
            self.idle.add(cpu);
            return (None, kicks);
        };
        self.set(index, State::Running { cpu, woken: false });
        (Some(task(index)), kicks)
    }

    /// Takes the vCPU back from the CPU that ran it.
    pub fn put_back(&mut self, task: Task, leave: Leave) -> Kicks {
        let Some(index) = index(task) else { return Kicks::default() };
        let State::Running { woken, .. } = self.state(index) else { return Kicks::default() };
        match leave {
            _ if self.is_stopping(task.slot) => self.set(index, State::Off),
            Leave::Off => self.set(index, State::Off),
            Leave::Block(deadline) if !woken => self.set(index, State::Blocked { deadline }),
            Leave::Block(_) | Leave::Yield => return self.make_ready(index),
        }
        Kicks::default()
    }

    /// Something is pending for the vCPU: it must run, or look again if it does.
    pub fn wake(&mut self, task: Task) -> Kicks {
        let Some(index) = index(task) else { return Kicks::default() };
        match self.state(index) {
            State::Blocked { .. } => self.make_ready(index),
            State::Running { cpu, .. } => {
                self.set(index, State::Running { cpu, woken: true });
                Kicks(1 << cpu)
            }
            State::Off | State::Starting | State::Ready => Kicks::default(),
        }
    }

    /// Wakes whoever waited for a time that has come.
    pub fn expire(&mut self, now: u64) -> Kicks {
        let mut kicks = Kicks::default();
        for index in 0..TASKS {
            if matches!(self.state(index), State::Blocked { deadline: Some(at) } if at <= now) {
                kicks.0 |= self.make_ready(index).0;
            }
        }
        kicks
    }

    /// The earliest time that somebody waits for.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        let deadline = |state: &State| match state {
            State::Blocked { deadline } => *deadline,
            _ => None,
        };
        self.states.iter().filter_map(deadline).min()
    }

    /// Reserves a vCPU that is off for the caller, who sets its registers and calls
    /// [`Scheduler::start`].
    ///
    /// # Errors
    /// How it is, if it is not off.
    pub fn claim(&mut self, task: Task) -> Result<(), Power> {
        match (self.power(task), index(task)) {
            (Power::Off, Some(index)) => {
                self.set(index, State::Starting);
                Ok(())
            }
            (power, _) => Err(power),
        }
    }

    /// Queues a vCPU that was claimed; it stays off if its VM is being stopped.
    pub fn start(&mut self, task: Task) -> Kicks {
        let Some(index) = index(task) else { return Kicks::default() };
        if self.state(index) != State::Starting {
            return Kicks::default();
        }
        if self.is_stopping(task.slot) {
            self.set(index, State::Off);
            return Kicks::default();
        }
        self.make_ready(index)
    }

    /// Is the vCPU on?
    #[must_use]
    pub fn power(&self, task: Task) -> Power {
        match index(task).map_or(State::Off, |index| self.state(index)) {
            State::Off => Power::Off,
            State::Starting => Power::OnPending,
            State::Ready | State::Running { .. } | State::Blocked { .. } => Power::On,
        }
    }

    /// Turns all vCPUs of the slot off; those that run now go off when their CPU was kicked.
    pub fn stop(&mut self, slot: usize) -> Kicks {
        let mut kicks = Kicks::default();
        if let Some(stopping) = self.stopping.get_mut(slot) {
            *stopping = true;
        }
        self.queue.retain(|index| task(*index).slot != slot);
        for index in indices(slot) {
            match self.state(index) {
                State::Ready | State::Blocked { .. } => self.set(index, State::Off),
                State::Running { cpu, .. } => kicks.add(cpu),
                State::Off | State::Starting => {}
            }
        }
        kicks
    }

    /// True when no vCPU of the slot is on, or being turned on.
    #[must_use]
    pub fn is_quiet(&self, slot: usize) -> bool {
        indices(slot).all(|index| self.state(index) == State::Off)
    }

    /// Makes the quiet slot usable by its next VM.
    pub fn reopen(&mut self, slot: usize) {
        if let Some(stopping) = self.stopping.get_mut(slot) {
            *stopping = false;
        }
    }

    /// Must the vCPUs of the slot leave their CPUs?
    #[must_use]
    pub fn is_stopping(&self, slot: usize) -> bool {
        self.stopping.get(slot).copied().unwrap_or(true)
    }

    /// Queues the vCPU and takes one idle CPU out of its sleep.
    fn make_ready(&mut self, index: usize) -> Kicks {
        self.set(index, State::Ready);
        self.queue.push_back(index);
        let lowest = self.idle.0 & self.idle.0.wrapping_neg();
        self.idle.0 &= !lowest;
        Kicks(lowest)
    }

    fn state(&self, index: usize) -> State {
        self.states.get(index).copied().unwrap_or_default()
    }

    fn set(&mut self, index: usize, to: State) {
        if let Some(state) = self.states.get_mut(index) {
            *state = to;
        }
    }
}

fn index(task: Task) -> Option<usize> {
    let vcpu = usize::from(task.vcpu);
    (task.slot < MAX_VMS && vcpu < TASKS_PER_VM).then_some(task.slot * TASKS_PER_VM + vcpu)
}

fn indices(slot: usize) -> impl Iterator<Item = usize> {
    let first = slot.min(MAX_VMS) * TASKS_PER_VM;
    first..(first + TASKS_PER_VM).min(TASKS)
}

fn task(index: usize) -> Task {
    // Below MAX_VCPUS, hence no loss.
    let vcpu = u16::try_from(index % TASKS_PER_VM).unwrap_or(0);
    Task { slot: index / TASKS_PER_VM, vcpu }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Task = Task { slot: 0, vcpu: 0 };
    const B: Task = Task { slot: 0, vcpu: 1 };
    const C: Task = Task { slot: MAX_VMS - 1, vcpu: 3 };

    fn with(tasks: &[Task]) -> Scheduler {
        let mut scheduler = Scheduler::new();
        for task in tasks {
            scheduler.claim(*task).unwrap();
            let _ = scheduler.start(*task);
        }
        scheduler
    }

    #[test]
    fn round_robin() {
        let mut scheduler = with(&[A, B, C]);
        for expected in [A, B, C, A, B, C] {
            let task = scheduler.next(0, 0).0.unwrap();
            assert_eq!(task, expected);
            assert_eq!(scheduler.put_back(task, Leave::Yield), Kicks(0));
        }
    }

    #[test]
    fn the_queue_does_not_grow_under_the_lock() {
        let mut scheduler = Scheduler::new();
        scheduler.reserve();
        let room = scheduler.queue.capacity();
        for slot in 0..MAX_VMS {
            for vcpu in 0..MAX_VCPUS {
                scheduler.claim(Task { slot, vcpu }).unwrap();
                let _ = scheduler.start(Task { slot, vcpu });
            }
        }
        assert_eq!((scheduler.queue.len(), scheduler.queue.capacity()), (TASKS, room));
    }

    #[test]
    fn a_task_runs_on_one_cpu_only() {
        let mut scheduler = with(&[A]);
        assert_eq!(scheduler.next(0, 0).0, Some(A));
        assert_eq!(scheduler.next(1, 0).0, None);
        assert_eq!(scheduler.put_back(A, Leave::Yield), Kicks(1 << 1), "the idle CPU is told");
        assert_eq!(scheduler.next(1, 0).0, Some(A));
        assert_eq!(scheduler.next(0, 0).0, None);
    }

    #[test]
    fn a_wake_up_between_the_check_and_the_sleep_is_not_lost() {
        let mut scheduler = with(&[A]);
        assert_eq!(scheduler.next(2, 0).0, Some(A));
        assert_eq!(scheduler.wake(A), Kicks(1 << 2));
        let _ = scheduler.put_back(A, Leave::Block(None));
        assert_eq!(scheduler.next(2, 0).0, Some(A));
    }

    #[test]
    fn blocked_tasks_wait_for_a_wake_up_or_their_time() {
        let mut scheduler = with(&[A, B]);
        for deadline in [Some(100), None] {
            let task = scheduler.next(0, 0).0.unwrap();
            let _ = scheduler.put_back(task, Leave::Block(deadline));
        }
        assert_eq!(scheduler.next(0, 0).0, None);
        assert_eq!(scheduler.next_deadline(), Some(100));
        assert_eq!(scheduler.next(0, 99), (None, Kicks(0)));
        assert_eq!(scheduler.next(1, 100), (Some(A), Kicks(1)), "CPU 0 sleeps and may help");
        assert_eq!(scheduler.next_deadline(), None);
        let _ = scheduler.wake(B);
        assert_eq!(scheduler.next(1, 0).0, Some(B));
    }

    #[test]
    fn stop_reaches_every_state() {
        let off = Task { slot: 0, vcpu: 3 };
        let blocked = Task { slot: 0, vcpu: 2 };
        let mut scheduler = with(&[blocked, A, B]);
        let task = scheduler.next(1, 0).0.unwrap();
        let _ = scheduler.put_back(task, Leave::Block(Some(5)));
        assert_eq!(scheduler.next(1, 0).0, Some(A));
        scheduler.claim(off).unwrap();

        assert_eq!(scheduler.stop(0), Kicks(1 << 1));
        assert_eq!(scheduler.next(0, 0).0, None, "B was queued and must not run");
        assert!(!scheduler.is_quiet(0), "A runs");
        let _ = scheduler.put_back(A, Leave::Yield);
        assert!(!scheduler.is_quiet(0), "one is being started");
        let _ = scheduler.start(off);
        assert!(scheduler.is_quiet(0));
        assert_eq!(scheduler.next(0, 9), (None, Kicks(0)));

        scheduler.reopen(0);
        scheduler.claim(A).unwrap();
        let _ = scheduler.start(A);
        assert_eq!(scheduler.next(0, 0).0, Some(A));
        assert_eq!(scheduler.next(0, 0).0, None);
    }

    #[test]
    fn only_one_of_two_turns_a_vcpu_on() {
        let mut scheduler = with(&[A]);
        assert_eq!(scheduler.claim(A), Err(Power::On));
        assert_eq!(scheduler.claim(B), Ok(()));
        assert_eq!(scheduler.claim(B), Err(Power::OnPending));
    }

    #[test]
    fn tasks_that_cannot_be_do_no_harm() {
        let mut scheduler = with(&[A]);
        for task in [Task { slot: MAX_VMS, vcpu: 0 }, Task { slot: 0, vcpu: 4 }] {
            assert_eq!(scheduler.wake(task), Kicks(0));
            assert_eq!(scheduler.power(task), Power::Off);
            assert!(scheduler.claim(task).is_err());
        }
        assert_eq!(scheduler.stop(usize::MAX), Kicks(0));
        assert_eq!(scheduler.next(0, 0).0, Some(A));
    }
}
