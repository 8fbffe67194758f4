//! What the model saw: log lines, taints, and violations of what the mediator promises.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ffa_abi::VmId;
use ffa_core::{Level, Taint};

/// The record of one machine.
#[derive(Default)]
pub struct Journal {
    log: Mutex<Vec<(Level, String)>>,
    taints: Mutex<Vec<Taint>>,
    violations: Mutex<Vec<String>>,
    polls_due: AtomicUsize,
    interrupts: Mutex<Vec<Interrupt>>,
}

/// An interrupt that was made pending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupt {
    /// Whose.
    pub vm: VmId,
    /// The vCPU that takes it.
    pub vcpu: u16,
    /// Its number.
    pub interrupt: u32,
}

/// More violations than this are counted and not kept.
const KEPT: usize = 64;

impl Journal {
    /// Records that a promise was broken.
    pub fn violation(&self, what: fmt::Arguments<'_>) {
        let mut violations = lock(&self.violations);
        if violations.len() < KEPT {
            violations.push(what.to_string());
        }
    }

    /// The promises that were broken so far.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        lock(&self.violations).clone()
    }

    /// Takes the violations out: for tests that cause them.
    #[must_use]
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.violations))
    }

    /// How often the mediator called the system insecure.
    #[must_use]
    pub fn taints(&self) -> Vec<Taint> {
        lock(&self.taints).clone()
    }

    /// How often the mediator asked for a poll.
    #[must_use]
    pub fn polls_due(&self) -> usize {
        self.polls_due.load(Ordering::Relaxed)
    }

    /// The interrupts since they were taken last.
    #[must_use]
    pub fn take_interrupts(&self) -> Vec<Interrupt> {
        std::mem::take(&mut lock(&self.interrupts))
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> Vec<(Level, String)> {
        lock(&self.log).clone()
    }

    /// Whether a warning contains `text`.
    #[must_use]
    pub fn warned_of(&self, text: &str) -> bool {
        lock(&self.log).iter().any(|(level, line)| *level == Level::Warning && line.contains(text))
    }

    pub(crate) fn write_log(&self, level: Level, message: fmt::Arguments<'_>) {
        lock(&self.log).push((level, message.to_string()));
    }

    pub(crate) fn count_poll_due(&self) {
        self.polls_due.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn write_interrupt(&self, interrupt: Interrupt) {
        lock(&self.interrupts).push(interrupt);
    }

    pub(crate) fn write_taint(&self, taint: Taint) {
        lock(&self.taints).push(taint);
    }
}

/// Locks, also after a panic of another thread: what we keep is a record, valid at every moment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
